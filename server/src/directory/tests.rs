use super::permission::{Action, allows, role_allows};
use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn seed(n: u8) -> Seed {
    Seed { id: [n; 6], secret: [n; 32] }
}

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

/// A directory with the secretariat (seed 1) and Canada's first delegate (seed 2).
fn house() -> (Directory, String, String) {
    let mut directory = Directory::default();
    let first = Directory::bootstrap(NOW, &seed(1));
    first.changes.into_iter().for_each(|change| directory.apply(change));
    let canada = api::NewDelegation { code: code("CAN"), name: "Canada".into() };
    let second = directory.add_delegation(&canada, NOW, &seed(2)).unwrap();
    second.changes.into_iter().for_each(|change| directory.apply(change));
    (directory, first.answer, second.answer.token)
}

fn do_it<T>(directory: &mut Directory, decision: Result<Decision<T>, DirectoryError>) -> T {
    let decision = decision.unwrap();
    decision.changes.into_iter().for_each(|change| directory.apply(change));
    decision.answer
}

#[test]
fn a_token_opens_its_account_and_nothing_else_does() {
    let (directory, pen, canada) = house();
    let caller = directory.authenticate(&canada, NOW).unwrap();
    assert_eq!((caller.role, caller.delegation), (Role::Delegate, Some(code("CAN"))));
    let pen_caller = directory.authenticate(&format!(" {pen}\n"), NOW).unwrap();
    assert_eq!(pen_caller.delegation, Some(DelegationCode::secretariat()));
    // Another's secret, a changed digit, a cut token, the wrong kind, nothing.
    let (id, secret) = (canada.rsplit_once('_').unwrap().0, pen.rsplit_once('_').unwrap().1);
    let cut = &canada[..canada.len() - 1];
    let as_ticket = canada.replace("cdt_", "cdk_");
    for wrong in [&format!("{id}_{secret}"), cut, &as_ticket, "", "cdt_", "cdt__", "Bearer x"] {
        assert_eq!(directory.authenticate(wrong, NOW), Err(Stranger::Unknown), "{wrong}");
    }
}

#[test]
fn no_token_is_stored() {
    let (directory, pen, canada) = house();
    for account in directory.accounts.values() {
        let stored = Change::Account(account.clone()).write().value.unwrap();
        for token in [&pen, &canada] {
            let secret = token.rsplit_once('_').unwrap().1;
            let raw = hex::decode(secret).unwrap();
            assert!(!stored.windows(raw.len()).any(|part| part == raw));
            assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

#[test]
fn tickets_scope_expire_and_go() {
    let (mut directory, pen, canada) = house();
    let caller = directory.authenticate(&canada, NOW).unwrap();
    let document = DocumentId::from_bytes([7; 16]);
    let new = api::NewTicket { ttl_seconds: Some(60), read_only: true, document: None };
    let decision = directory.create_ticket(&caller, Some(document), &new, NOW, &seed(3));
    let ticket = do_it(&mut directory, decision);
    let guest = directory.authenticate(&ticket.ticket, NOW).unwrap();
    assert_eq!((guest.role, guest.document), (Role::Observer, Some(document)));
    assert_eq!(guest.delegation, Some(code("CAN")));
    assert!(directory.still_welcome(&guest, NOW));
    let later = Timestamp(NOW.0 + 60_000);
    assert_eq!(directory.authenticate(&ticket.ticket, later), Err(Stranger::Expired(later)));
    assert!(!directory.still_welcome(&guest, later));
    // Not another's to revoke; the secretariat's and one's own it is.
    let stranger = Caller { account: "x".into(), ticket: None, role: Role::Delegate, ..caller.clone() };
    let unknown = Err(DirectoryError::UnknownTicket(ticket.id.clone()));
    assert_eq!(directory.revoke_ticket(&stranger, &ticket.id, NOW), unknown);
    let pen = directory.authenticate(&pen, NOW).unwrap();
    assert!(directory.revoke_ticket(&pen, &ticket.id, NOW).is_ok());
    let decision = directory.revoke_ticket(&caller, &ticket.id, NOW);
    do_it(&mut directory, decision);
    assert_eq!(directory.authenticate(&ticket.ticket, NOW), Err(Stranger::TicketRevoked));
    for ttl in [0, TICKET_TTL_MAX + 1] {
        let new = api::NewTicket { ttl_seconds: Some(ttl), ..api::NewTicket::default() };
        let refused = directory.create_ticket(&caller, None, &new, NOW, &seed(4));
        assert_eq!(refused.unwrap_err(), DirectoryError::BadTtl);
    }
}

#[test]
fn tickets_are_bounded_and_old_ones_are_forgotten() {
    let (mut directory, _, canada) = house();
    let caller = directory.authenticate(&canada, NOW).unwrap();
    let new = api::NewTicket::default();
    for n in 0..TICKETS_MAX {
        let seed = Seed { id: [0, 0, 0, 0, 1, n as u8], secret: [9; 32] };
        let decision = directory.create_ticket(&caller, None, &new, NOW, &seed);
        do_it(&mut directory, decision);
    }
    let refused = directory.create_ticket(&caller, None, &new, NOW, &seed(4));
    assert_eq!(refused.unwrap_err(), DirectoryError::TooManyTickets);
    let two_days_on = Timestamp(NOW.0 + 2 * 24 * 3600 * 1000);
    let decision = directory.create_ticket(&caller, None, &new, two_days_on, &seed(4));
    do_it(&mut directory, decision);
    assert_eq!(directory.tickets.len(), 1);
}

#[test]
fn a_revoked_account_takes_its_tickets_along() {
    let (mut directory, pen, canada) = house();
    let caller = directory.authenticate(&canada, NOW).unwrap();
    let decision = directory.create_ticket(&caller, None, &api::NewTicket::default(), NOW, &seed(3));
    let ticket = do_it(&mut directory, decision);
    let guest = directory.authenticate(&ticket.ticket, NOW).unwrap();
    let decision = directory.revoke_account(&caller.account, NOW);
    assert!(do_it(&mut directory, decision).revoked);
    assert_eq!(directory.authenticate(&canada, NOW), Err(Stranger::Revoked));
    assert_eq!(directory.authenticate(&ticket.ticket, NOW), Err(Stranger::TicketRevoked));
    assert!(!directory.still_welcome(&guest, NOW) && !directory.still_welcome(&caller, NOW));
    let pen = directory.authenticate(&pen, NOW).unwrap();
    let last = directory.revoke_account(&pen.account, NOW);
    assert_eq!(last.unwrap_err(), DirectoryError::LastSecretariat);
}

#[test]
fn nobody_who_is_added_later_stands_in_front() {
    let (mut directory, _, canada) = house();
    // In the same moment, and with a clock that has gone back.
    for (n, (added, now)) in
        [("AUS", NOW), ("ARG", Timestamp(7)), ("ZAM", Timestamp(NOW.0 + 9))].into_iter().enumerate()
    {
        let new = api::NewDelegation { code: code(added), name: added.to_owned() };
        let decision = directory.add_delegation(&new, now, &seed(10 + n as u8));
        do_it(&mut directory, decision);
    }
    let caller = directory.authenticate(&canada, NOW).unwrap();
    let mut all = directory.delegations(&caller).delegations;
    all.sort_by_key(|one| one.created);
    let created: Vec<_> = all.iter().map(|one| (one.code.as_str(), one.created.0 - NOW.0)).collect();
    assert_eq!(created, [("CAN", 0), ("AUS", 1), ("ARG", 2), ("ZAM", 9)]);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let (directory, _, canada) = house();
    let add = |code_: &str, name: &str| {
        let new = api::NewDelegation { code: code(code_), name: name.into() };
        directory.add_delegation(&new, NOW, &seed(5)).map(|_| ())
    };
    assert_eq!(add("CAN", "Canada"), Err(DirectoryError::DelegationExists(code("CAN"))));
    assert_eq!(add("USA", "  "), Err(DirectoryError::BadName));
    let pen = DelegationCode::secretariat();
    let new = api::NewDelegation { code: pen.clone(), name: "Secretariat".into() };
    let refused = directory.add_delegation(&new, NOW, &seed(5));
    assert_eq!(refused.unwrap_err(), DirectoryError::Reserved(pen));
    let invite = |role, delegation: Option<&str>| {
        let new = api::NewInvitation { role, delegation: delegation.map(code) };
        directory.invite(&new, NOW, &seed(5)).map(|_| ())
    };
    assert_eq!(invite(Role::Delegate, None), Err(DirectoryError::DelegateWithoutDelegation));
    assert_eq!(invite(Role::Chair, Some("CAN")), Err(DirectoryError::DelegationNotWanted(Role::Chair)));
    assert_eq!(invite(Role::Delegate, Some("USA")), Err(DirectoryError::UnknownDelegation(code("USA"))));
    assert_eq!(invite(Role::Observer, None), Ok(()));
    let twice = directory.invite(
        &api::NewInvitation { role: Role::Delegate, delegation: Some(code("CAN")) },
        NOW,
        &seed(2),
    );
    assert_eq!(twice.unwrap_err(), DirectoryError::IdTaken);
    let delegate = directory.authenticate(&canada, NOW).unwrap();
    assert_eq!(directory.delegations(&delegate).accounts.len(), 1);
    assert_eq!(directory.me(&delegate).unwrap().name.as_deref(), Some("Canada"));
}

#[test]
fn the_table_of_permissions() {
    let roles = [Role::Secretariat, Role::Chair, Role::Delegate, Role::Observer];
    let table: Vec<String> = Action::ALL
        .iter()
        .map(|action| roles.iter().map(|role| if role_allows(*role, *action) { 'x' } else { '.' }).collect())
        .collect();
    let expected = [
        "xxxx", "x.x.", "x...", "xx..", "x...", "x...", "xxxx", "x...", "x...",
        "xx..", // up to the projector
        ".x..", "x...", "xx..", "..x.", // rounds: only the chair rules
        "xxx.", // comments
        "x...", "xx..", "..x.",
    ];
    assert_eq!(table, expected);
    let (directory, pen, _) = house();
    let mut pen = directory.authenticate(&pen, NOW).unwrap();
    assert!(allows(&pen, Action::Import));
    pen.ticket = Some("t".into());
    assert!(
        allows(&pen, Action::Edit) && !allows(&pen, Action::Import) && !allows(&pen, Action::CreateTicket)
    );
}

#[test]
fn a_token_ends_and_its_tickets_with_it() {
    let (mut directory, pen, canada) = house();
    let caller = directory.authenticate(&canada, NOW).unwrap();
    let day = 24 * 3_600_000;
    let new = api::NewTicket { ttl_seconds: Some(10 * 24 * 3600), ..api::NewTicket::default() };
    let decision = directory.create_ticket(&caller, None, &new, NOW, &seed(3));
    let ticket = do_it(&mut directory, decision).ticket;
    let expiry = |days| api::NewExpiry { days };
    let decision = directory.expire_account(&caller.account, &expiry(Some(2)), NOW);
    let ending = do_it(&mut directory, decision);
    let end = Timestamp(NOW.0 + 2 * day);
    assert_eq!(ending.expires, Some(end));
    let (before, after) = (Timestamp(end.0 - 1), end);
    for shown in [&canada, &ticket] {
        let live = directory.authenticate(shown, before).unwrap();
        assert_eq!(live.expires, Some(end));
        assert!(directory.still_welcome(&live, before) && !directory.still_welcome(&live, after));
    }
    assert_eq!(directory.authenticate(&canada, after), Err(Stranger::TokenExpired(end)));
    assert_eq!(directory.authenticate(&ticket, after), Err(Stranger::Expired(end)));
    // Given more time, it opens again; and without an end, for good.
    let decision = directory.expire_account(&caller.account, &expiry(None), after);
    do_it(&mut directory, decision);
    assert!(directory.authenticate(&canada, Timestamp(NOW.0 + 900 * day)).is_ok());
    // The secretariat cannot lock itself out.
    let first = directory.authenticate(&pen, NOW).unwrap();
    let ending = directory.expire_account(&first.account, &expiry(Some(1)), NOW);
    assert_eq!(ending.unwrap_err(), DirectoryError::LastSecretariat);
    let invited = api::NewInvitation { role: Role::Secretariat, delegation: None };
    let decision = directory.invite(&invited, NOW, &seed(4));
    do_it(&mut directory, decision);
    for (days, expected) in
        [(0, false), (1, true), (super::EXPIRY_DAYS_MAX, true), (super::EXPIRY_DAYS_MAX + 1, false)]
    {
        let ending = directory.expire_account(&first.account, &expiry(Some(days)), NOW);
        assert_eq!(ending.is_ok(), expected, "{days}");
    }
    let decision = directory.expire_account(&first.account, &expiry(Some(1)), NOW);
    do_it(&mut directory, decision);
    let second =
        directory.accounts.values().find(|one| one.id != first.account && one.role == Role::Secretariat);
    let second = second.unwrap().id.clone();
    assert_eq!(directory.revoke_account(&second, after).unwrap_err(), DirectoryError::LastSecretariat);
}
