//! Rulings by the chair.

use super::{Plan, Work, number, number_of, with};
use crate::api::{Decision, Mark, NewRuling, NewRulings, RoundState, SegmentKind, Status};
use crate::authorship::{Deeds, Record};
use crate::round::{Act, DeedRefs, Floor, Listed, Number, OnRecord, Refusal, Ruled, settle};
use std::collections::BTreeSet;

/// Rules on all that is asked for, or on nothing.
pub(super) fn rule(floor: &Floor<'_>, record: &Record, new: &NewRulings) -> Result<Plan, Refusal> {
    let (round, state) = floor.ledger.current();
    match state {
        RoundState::Open => return Err(Refusal::RoundOpen { round }),
        RoundState::Concluded => return Err(Refusal::RoundConcluded { round }),
        RoundState::Closed => {}
    }
    let open = floor.open(record);
    let numbered = number(floor, &open);
    let mut wanted: Vec<NewRuling> = new.rulings.clone();
    if new.consensual {
        wanted.extend(consensual(&open, floor).map(|one| NewRuling {
            proposal: one.derived.proposal.id.0.clone(),
            decision: Decision::Adopt,
            segments: None,
            reason: new.reason.clone(),
            revisit: false,
        }));
    }
    let (mut rulings, mut named) = (Vec::<Ruled>::new(), BTreeSet::new());
    for one in &wanted {
        let ruled = match floor.find(&open, &one.proposal) {
            Some(listed) => {
                let number = number_of(listed, &numbered)
                    .ok_or_else(|| Refusal::UnknownProposal(one.proposal.clone()))?;
                on_open(floor, listed, number, one)?
            }
            None => on_settled(floor, one)?,
        };
        if !named.insert(ruled.number.clone()) {
            return Err(Refusal::Twice(ruled.number));
        }
        rulings.push(ruled);
    }
    if rulings.is_empty() {
        return Err(Refusal::NothingToRule);
    }
    check_collisions(&open, &rulings)?;
    rulings.extend(fallen(floor, record, &open, &numbered, &rulings));
    Ok(Plan { act: Act::Rule { rulings }, numbered, work: Work::Settle })
}

/// Those that collide with nothing, and neither change another's words nor have theirs changed.
pub(in crate::round) fn consensual<'l>(
    open: &'l [Listed],
    floor: &Floor<'_>,
) -> impl Iterator<Item = &'l Listed> {
    let amended: BTreeSet<_> =
        open.iter().flat_map(|one| one.derived.proposal.amends.iter().cloned()).collect();
    let decided: BTreeSet<Number> =
        floor.ledger.on_record().iter().filter(|one| one.ruled).map(|one| one.number.clone()).collect();
    open.iter().filter(move |one| {
        let proposal = &one.derived.proposal;
        !one.late
            && !proposal.gone
            && proposal.collides_with.is_empty()
            && proposal.amends.is_empty()
            && !amended.contains(&proposal.id)
            && one.number.as_ref().is_none_or(|number| !decided.contains(number))
    })
}

fn check_revisit(floor: &Floor<'_>, on_record: &OnRecord, new: &NewRuling) -> Result<(), Refusal> {
    if !on_record.ruled || new.revisit {
        return Ok(());
    }
    let name = on_record.number.to_string();
    let last = floor.ledger.rulings().iter().rev().find(|ruling| ruling.proposal == name);
    Err(Refusal::AlreadyRuled {
        number: on_record.number.clone(),
        decision: last.map_or(new.decision, |ruling| ruling.decision),
        at: last
            .map_or(floor.ledger.round().map(|round| round.opened).unwrap_or_default(), |ruling| ruling.at),
    })
}

/// On a proposal that still has pending words.
fn on_open(floor: &Floor<'_>, listed: &Listed, number: Number, new: &NewRuling) -> Result<Ruled, Refusal> {
    if listed.late {
        return Err(Refusal::Late(number));
    }
    let on_record = floor.ledger.find(&number);
    if let Some(on_record) = on_record {
        check_revisit(floor, on_record, new)?;
    }
    let proposal = &listed.derived.proposal;
    if proposal.gone && new.decision == Decision::Adopt {
        return Err(Refusal::Gone(number));
    }
    let mut deeds = match &new.segments {
        None => listed.derived.deeds(),
        Some(_) if new.decision != Decision::Adopt => return Err(Refusal::SegmentsNotWanted(new.decision)),
        Some(segments) => part(listed, &number, segments)?,
    };
    // A new ruling on all of it is also one on what an earlier one has settled.
    if new.segments.is_none()
        && let Some(earlier) = on_record.and_then(|one| one.settled.in_index(floor.index))
    {
        deeds.extend(&earlier);
    }
    Ok(Ruled {
        number,
        decision: new.decision,
        segments: new.segments.clone(),
        deeds: DeedRefs::of(floor.index, &deeds),
        reason: new.reason.clone(),
        proposal: Box::new(proposal.clone()),
        drafts: listed.drafts(),
        fell_with: None,
    })
}

/// The deeds of some segments. Of an addition, what makes the provision goes with any of them.
fn part(listed: &Listed, number: &Number, segments: &[usize]) -> Result<Deeds, Refusal> {
    let proposal = &listed.derived.proposal;
    let parts = listed.derived.parts.as_ref().ok_or_else(|| Refusal::Indivisible(number.clone()))?;
    let mut deeds = match proposal.mark {
        Mark::Add => listed.derived.whole.clone(),
        Mark::Mod | Mark::Sup => Deeds::default(),
    };
    for at in segments {
        let kind = proposal.segments.get(*at).map(|segment| segment.kind);
        let marked =
            parts.get(*at).filter(|_| matches!(kind, Some(SegmentKind::Inserted | SegmentKind::Struck)));
        deeds.extend(marked.ok_or(Refusal::BadSegment { number: number.clone(), segment: *at })?);
    }
    if segments.is_empty() {
        return Err(Refusal::BadSegment { number: number.clone(), segment: 0 });
    }
    Ok(deeds)
}

/// On a proposal that was settled before, in this round.
fn on_settled(floor: &Floor<'_>, new: &NewRuling) -> Result<Ruled, Refusal> {
    let unknown = || Refusal::UnknownProposal(new.proposal.chars().take(64).collect());
    let number: Number = new.proposal.parse().map_err(|_| unknown())?;
    let on_record = floor.ledger.find(&number).ok_or_else(unknown)?;
    if on_record.status == Some(Status::Withdrawn) {
        return Err(Refusal::Withdrawn(number));
    }
    check_revisit(floor, on_record, new)?;
    let earlier = on_record.settled.in_index(floor.index).filter(|deeds| !deeds.is_empty());
    let (Some(_), Some(proposal)) = (earlier, &on_record.proposal) else {
        // Settled in an earlier round, or without any words that count.
        return Err(match on_record.is_open() {
            true => Refusal::Empty { number },
            false => Refusal::RoundConcluded { round: on_record.round },
        });
    };
    if new.segments.is_some() {
        return Err(Refusal::Indivisible(number));
    }
    Ok(Ruled {
        number,
        decision: new.decision,
        segments: None,
        deeds: on_record.settled.clone(),
        reason: new.reason.clone(),
        proposal: proposal.clone(),
        drafts: on_record.drafts.iter().cloned().collect(),
        fell_with: None,
    })
}

/// Two that collide are not adopted at once: nobody would have decided between them.
fn check_collisions(open: &[Listed], rulings: &[Ruled]) -> Result<(), Refusal> {
    let adopted: Vec<&Ruled> =
        rulings.iter().filter(|one| one.decision == Decision::Adopt && one.segments.is_none()).collect();
    for (n, first) in adopted.iter().enumerate() {
        for second in adopted.iter().skip(n + 1) {
            let live = |ruled: &Ruled| open.iter().any(|one| one.derived.proposal.id == ruled.proposal.id);
            if live(first) && live(second) && first.proposal.collides_with.contains(&second.proposal.id) {
                return Err(Refusal::Collide { first: first.number.clone(), second: second.number.clone() });
            }
        }
    }
    Ok(())
}

/// What has nothing left once these are ruled on: words proposed within rejected ones, strikes that another's
/// adopted strike has made already.
fn fallen(
    floor: &Floor<'_>,
    record: &Record,
    open: &[Listed],
    numbered: &[super::Numbered],
    rulings: &[Ruled],
) -> Vec<Ruled> {
    let act = Act::Rule { rulings: rulings.to_vec() };
    let scope = settle::scope_of(rulings, floor.index);
    // What is settled elsewhere takes nothing from a proposal.
    let touched = scope.with_likenesses(floor.settled);
    let is_touched = |one: &Listed| {
        one.drafts().iter().any(|(provision, _)| {
            floor.index.provision_named(provision, floor.settled).is_none_or(|body| touched.has(body))
        })
    };
    let left_over = |number: &Number| rulings.iter().all(|ruled| ruled.number != *number);
    let candidates: Vec<(&Listed, Number)> = open
        .iter()
        .filter(|one| !one.late && !one.derived.proposal.gone)
        .filter_map(|one| Some((one, number_of(one, numbered).filter(left_over)?)))
        .filter(|(one, _)| is_touched(one))
        .collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let then = with(floor.index, floor.settled, &act);
    let record = floor.index.record_beside(&then, record, &scope);
    let left = Floor { settled: &then, ..*floor }.open(&record);
    let mut fallen = Vec::new();
    for (one, number) in candidates {
        let drafts = one.drafts();
        let remains = left.iter().find(|other| other.drafts().iter().any(|draft| drafts.contains(draft)));
        // What stands on a rejected addition has lost its ground; in a suppressed provision it is kept and shown.
        let with_rejected = rulings.iter().find(|ruled| {
            ruled.decision == Decision::Reject && one.derived.proposal.amends.contains(&ruled.proposal.id)
        });
        let with = match remains {
            None => with_rejected.or_else(|| {
                rulings.iter().find(|ruled| ruled.proposal.provision.id == one.derived.proposal.provision.id)
            }),
            Some(remains) if remains.derived.proposal.gone => with_rejected,
            Some(_) => None,
        };
        let Some(with) = with else { continue };
        fallen.push(Ruled {
            number,
            decision: Decision::Reject,
            segments: None,
            deeds: DeedRefs::of(floor.index, &one.derived.deeds()),
            reason: String::new(),
            proposal: Box::new(one.derived.proposal.clone()),
            drafts,
            fell_with: Some(with.number.clone()),
        });
    }
    fallen
}
