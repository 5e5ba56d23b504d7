//! Sponsors: who joins, who withdraws, who says why.

use super::{Plan, Work, number, number_of};
use crate::api::{By, Status};
use crate::authorship::{Deeds, Record};
use crate::id::DelegationCode;
use crate::round::{Act, DeedRefs, Floor, Listed, Number, Numbered, Refusal};

/// Longest reason, in characters.
const REASON: usize = 10_000;

/// The open proposal of that name, its number, and who asks.
struct Case<'l> {
    one: &'l Listed,
    number: Number,
    delegation: DelegationCode,
}

fn case<'l>(
    floor: &Floor<'_>,
    open: &'l [Listed],
    numbered: &[Numbered],
    name: &str,
    by: &By,
) -> Result<Case<'l>, Refusal> {
    let delegation = by.delegation.clone().filter(|code| !code.is_secretariat());
    let delegation = delegation.ok_or(Refusal::NotADelegation)?;
    let unknown = || Refusal::UnknownProposal(name.chars().take(64).collect());
    let Some(one) = floor.find(open, name) else {
        let number: Number = name.parse().map_err(|_| unknown())?;
        let on_record = floor.ledger.find(&number).ok_or_else(unknown)?;
        return Err(match on_record.status {
            Some(Status::Withdrawn) => Refusal::Withdrawn(number),
            _ if on_record.is_open() => Refusal::Empty { number },
            _ => Refusal::Decided { number },
        });
    };
    let number = number_of(one, numbered).ok_or_else(unknown)?;
    if one.derived.proposal.editorial {
        return Err(Refusal::EditorialChange(number));
    }
    Ok(Case { one, number, delegation })
}

/// Joins.
pub(super) fn join(floor: &Floor<'_>, record: &Record, name: &str, by: &By) -> Result<Plan, Refusal> {
    let open = floor.open(record);
    let numbered = number(floor, &open);
    let Case { one, number, delegation } = case(floor, &open, &numbered, name, by)?;
    if one.derived.proposal.sponsors.contains(&delegation) {
        return Err(Refusal::AlreadySponsor { number, delegation });
    }
    Ok(Plan { act: Act::Join { number, delegation }, numbered, work: Work::Settle })
}

/// Withdraws: the last one makes the proposal fall; an author among authors takes its own share back.
pub(super) fn withdraw(floor: &Floor<'_>, record: &Record, name: &str, by: &By) -> Result<Plan, Refusal> {
    let open = floor.open(record);
    let numbered = number(floor, &open);
    let Case { one, number, delegation } = case(floor, &open, &numbered, name, by)?;
    let sponsors = &one.derived.proposal.sponsors;
    if !sponsors.contains(&delegation) {
        return Err(Refusal::NotASponsor { number, delegation });
    }
    let fallen = sponsors.iter().all(|code| *code == delegation);
    let other_authors = one.derived.shares.iter().any(|share| share.delegation != delegation);
    let mut deeds = Deeds::default();
    if fallen {
        deeds = one.derived.deeds();
    } else if other_authors {
        let own = one.derived.shares.iter().filter(|share| share.delegation == delegation);
        own.for_each(|share| deeds.extend(&share.deeds));
    }
    let drafts = one.drafts().into_iter().filter(|(_, code)| *code != delegation || !other_authors).collect();
    let act = Act::Withdraw {
        number,
        delegation,
        deeds: DeedRefs::of(floor.index, &deeds),
        drafts,
        proposal: Box::new(one.derived.proposal.clone()),
        fallen,
    };
    Ok(Plan { act, numbered, work: Work::Settle })
}

/// Says why.
pub(super) fn reason(
    floor: &Floor<'_>,
    record: &Record,
    name: &str,
    text: &str,
    by: &By,
) -> Result<Plan, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON {
        return Err(Refusal::BadReason { limit: REASON });
    }
    let open = floor.open(record);
    let numbered = number(floor, &open);
    let Case { one, number, delegation } = case(floor, &open, &numbered, name, by)?;
    if !one.derived.proposal.sponsors.contains(&delegation) {
        return Err(Refusal::NotASponsor { number, delegation });
    }
    let act = Act::Reason { number, delegation, text: text.to_owned() };
    Ok(Plan { act, numbered, work: Work::Settle })
}
