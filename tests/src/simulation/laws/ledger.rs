//! The ledger: decided fairly, stored with what the hand wrote for it, and enough to rebuild everything.

use super::{Founding, Stored, act, differs, settle, text};
use crate::simulation::Violation;
use crate::simulation::oracle::Op;
use crate::simulation::settlement::ops;
use crate::simulation::truth::Truth;
use automerge::{Automerge, Change, ChangeHash};
use codraft_protocol::amendment::{self, View};
use codraft_protocol::api::{Decision, NewRuling, NewRulings, RoundState};
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::Role;
use codraft_protocol::round::audit::{Audit, Event, Moment};
use codraft_protocol::round::{self, Act, Command, DeedRefs, Proceedings};
use codraft_server::hub::Hub;
use std::collections::HashMap;

fn broken(how: String) -> Violation {
    Violation::new("ledger", how)
}

/// Every entry has its place and its hand's change, and every change by the hand its entry.
///
/// # Errors
/// One has not.
pub fn paired(stored: &Stored, founding: &Founding) -> Result<(), Violation> {
    let mut named: Vec<ChangeHash> = founding.before.iter().copied().collect();
    for (number, entry) in (0..).zip(&stored.entries) {
        if entry.number != number {
            return Err(broken(format!("entry {} stands where entry {number} should", entry.number)));
        }
        let Some(hand) = &entry.hand else { continue };
        let written = stored.log.get(entry.after as usize).and_then(|record| chunk::hash(&record.raw));
        if written.is_none_or(|hash| hash.to_string() != hand.change) {
            return Err(broken(format!("entry {number} is there without the change {}", hand.change)));
        }
        named.extend(written);
    }
    let by_hand = stored.log.iter().filter(|record| record.delegation.is_secretariat());
    match by_hand.filter_map(|record| chunk::hash(&record.raw)).find(|hash| !named.contains(hash)) {
        Some(hash) => Err(broken(format!("the hand's {hash} is there without its entry"))),
        None => Ok(()),
    }
}

/// Nobody decides for others, and nothing late is decided on.
pub(super) fn fair(
    stored: &Stored,
    changes: &[Change],
    by: &HashMap<Op, ChangeHash>,
    truth: &Truth,
) -> Result<(), Violation> {
    let position: HashMap<ChangeHash, u32> =
        (0..).zip(changes).map(|(n, change)| (change.hash(), n)).collect();
    let did = |deeds: &DeedRefs| -> Result<Vec<ChangeHash>, Violation> {
        let unknown = || broken("it names a deed that nobody did".to_owned());
        let done = deeds.done.iter().flat_map(|(first, len)| ops(first, *len));
        let done = done.map(|op| by.get(&op).copied().ok_or_else(unknown));
        let undone = deeds.undone.iter().map(|one| one.by.parse().map_err(|_| unknown()));
        done.chain(undone).collect()
    };
    let (mut state, mut closed_at, mut commenters) = (RoundState::Open, 0, Vec::new());
    for entry in &stored.entries {
        let presides = matches!(entry.by.role, None | Some(Role::Chair | Role::Secretariat));
        let wrong = |what: &str| Err(Violation::new("decided fairly", format!("{what}: {entry:?}")));
        let before = state;
        match &entry.act {
            Act::Open { .. } => state = RoundState::Open,
            Act::Close { .. } => (state, closed_at) = (RoundState::Closed, entry.after),
            Act::Conclude { .. } => state = RoundState::Concluded,
            Act::Rule { rulings } => {
                if before != RoundState::Closed || entry.by.role != Some(Role::Chair) {
                    return wrong("a ruling that nobody could make");
                }
                for ruled in rulings {
                    if did(&ruled.deeds)?.iter().any(|change| position.get(change) >= Some(&closed_at)) {
                        return wrong("a ruling on what came too late");
                    }
                }
            }
            Act::Join { delegation, .. } | Act::Reason { delegation, .. }
                if entry.by.delegation.as_ref() != Some(delegation) =>
            {
                return wrong("a sponsor by another's doing");
            }
            Act::Withdraw { delegation, deeds, proposal, fallen, .. } => {
                let alone = proposal.sponsors == [delegation.clone()];
                if entry.by.delegation.as_ref() != Some(delegation) || *fallen != alone {
                    return wrong("withdrawn by another");
                }
                for change in did(deeds)? {
                    if !fallen && truth.author(&change)? != delegation {
                        return wrong("another's words are withdrawn");
                    }
                }
                if !proposal.sponsors.contains(delegation) {
                    return wrong("withdrawn by one who did not stand behind it");
                }
            }
            Act::Comment { .. } => commenters.push(entry.by.delegation.clone()),
            Act::Resolve { comment, .. } => {
                let owner = commenters.get(*comment as usize - 1);
                if !presides && owner != Some(&entry.by.delegation) {
                    return wrong("another's comment is resolved");
                }
            }
            Act::Renumber { .. } | Act::Move { .. } if entry.by.role != Some(Role::Secretariat) => {
                return wrong("an editorial correction");
            }
            _ => {}
        }
        if state != before && !presides {
            return wrong("a round that is not theirs to turn");
        }
    }
    Ok(())
}

/// The document, rebuilt from its audit trail, which proves itself.
pub(super) fn rebuilt(stored: &Stored, founding: &Founding) -> Result<Proceedings, Violation> {
    let changes = stored.log.iter().map(|record| Event::Change {
        change: chunk::hash(&record.raw).map(|hash| hash.to_string()).unwrap_or_default(),
        received: record.received,
        account: record.account.clone(),
        delegation: record.delegation.clone(),
        raw: record.raw.iter().map(|byte| format!("{byte:02x}")).collect(),
    });
    let (id, symbol, entries) = (founding.document, "S/1".to_owned(), stored.entries.clone());
    let trail = Audit::new(id, symbol, founding.created, &founding.baseline, changes.collect(), entries);
    let wrong =
        |error: round::audit::AuditError| Violation::new("the audit trail proves itself", error.to_string());
    let verified = trail.verify().map_err(wrong)?;
    differs("the audit trail proves itself", "entries", &verified.entries, &(stored.entries.len() as u64))?;
    trail.replay(&Moment::Now).map_err(wrong)
}

/// Whoever rebuilds the document has what the hub has.
pub(super) fn same(hub: &Hub, house: &Proceedings) -> Result<(), Violation> {
    let law = "a restart changes nothing";
    let (record, floor) = (house.record(), house.floor());
    differs(law, "the proposals", &hub.proposals().proposals, &floor.proposals(&record))?;
    differs(law, "the attribution", &hub.attribution(), &floor.attribution(&record))?;
    differs(law, "the comments", &hub.comments(), &round::comments(&floor, &record))?;
    differs(law, "the rounds", &hub.rounds().rounds, &house.ledger.rounds().to_vec())?;
    differs(law, "the rulings", &hub.rulings().rulings, &house.ledger.rulings().to_vec())?;
    let revisions = house.ledger.revisions().iter().map(round::Revision::listed).collect();
    differs(law, "the revisions", &hub.revisions().revisions, &revisions)?;
    for view in ["current", "marked", "delegation:CAN"] {
        let view: View = view.parse().map_err(|_| broken("no view".to_owned()))?;
        differs(law, "a text", &hub.text(&view), &amendment::text(&record, &house.layout, &view))?;
    }
    Ok(())
}

/// Adopting everything gives the text as it stands, and rejecting everything the agreed one, in the document too.
///
/// # Errors
/// It does not, or the chair cannot.
pub fn all_or_nothing(stored: &Stored, founding: &Founding) -> Result<(), Violation> {
    let law = "all or nothing";
    let mut house = rebuilt(stored, founding)?;
    let (mut doc, _) = super::applied(&stored.log)?;
    let apply = |doc: &mut Automerge, change: Option<Change>| {
        doc.apply_changes(change).map_err(|error| Violation::new(law, error.to_string()))
    };
    // Of a round that is closed, some may be ruled on, and some late.
    if house.ledger.current().1 == RoundState::Closed {
        apply(&mut doc, act(&mut house, &Command::Conclude, Role::Secretariat)?)?;
    }
    if house.ledger.current().1 == RoundState::Concluded {
        apply(&mut doc, act(&mut house, &Command::Open { deadline: None }, Role::Secretariat)?)?;
    }
    apply(&mut doc, settle(&mut house)?)?;
    let view = |house: &Proceedings, view| amendment::text(&house.record(), &house.layout, &view);
    let (live, agreed) = (view(&house, View::Current), view(&house, View::Baseline));
    let mut adopted = house.settled().clone();
    house.floor().open(&house.record()).iter().for_each(|one| adopted.adopt(&one.derived.deeds()));
    let record = house.index.record(&adopted);
    let all = amendment::text(&record, &house.layout, &View::Baseline);
    differs(law, "all adopted", &all, &live)?;

    apply(&mut doc, act(&mut house, &Command::Close, Role::Chair)?)?;
    let open = house.floor().open(&house.record());
    let reject = open.iter().map(|one| NewRuling {
        proposal: one.derived.proposal.id.0.clone(),
        decision: Decision::Reject,
        segments: None,
        reason: String::new(),
        revisit: true,
    });
    let rulings = NewRulings { rulings: reject.collect(), ..NewRulings::default() };
    if !rulings.rulings.is_empty() {
        apply(&mut doc, act(&mut house, &Command::Rule(rulings), Role::Chair)?)?;
    }
    apply(&mut doc, settle(&mut house)?)?;
    differs(law, "all rejected, the agreed text", &view(&house, View::Baseline), &agreed)?;
    differs(law, "all rejected, the text as it stands", &view(&house, View::Current), &agreed)?;
    differs(law, "all rejected, the document", &text(&doc)?, &agreed)
}
