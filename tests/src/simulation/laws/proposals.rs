//! Proposals: every pending deed has one that its delegation stands behind, and each says what was done.

use super::{Founding, Stored, authors, differs};
use crate::simulation::Violation;
use crate::simulation::oracle::Op;
use crate::simulation::settlement::{Deed, Value, Whole, ops};
use crate::simulation::truth::Truth;
use automerge::{Change, ChangeHash};
use codraft_protocol::api::{Field, Mark, Proposal, SegmentKind};
use codraft_protocol::authorship::{Index, Standing};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::round::{DeedRefs, Listed, Proceedings, comments};
use codraft_server::hub::Hub;
use rand::Rng as _;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};

/// What is proposed is what was done: in time for the round, and too late for it.
pub(super) fn check(house: &Proceedings, wholes: &[Whole], truth: &Truth) -> Result<(), Violation> {
    let (late, in_time): (Vec<_>, Vec<_>) =
        house.floor().open(&house.record()).into_iter().partition(|one| one.late);
    let wholes_in_time: Vec<Whole> = wholes.iter().map(in_time_for_the_round).collect();
    let wholes_late: Vec<Whole> =
        wholes.iter().map(|whole| too_late(whole, truth)).collect::<Result<_, _>>()?;
    says(&in_time, house, &wholes_in_time, truth)?;
    says(&late, house, &wholes_late, truth)
}

fn in_time_for_the_round(whole: &Whole) -> Whole {
    whole.restanding(&|deed| (deed.standing != Standing::Late).then_some(deed.standing))
}

/// What came too late is measured against all that came in time. But who takes its own addition back in time, and
/// brings it back too late, has nothing of it before the house: all of it is late.
fn too_late(whole: &Whole, truth: &Truth) -> Result<Whole, Violation> {
    let adds = authors(whole.inserted.iter().filter(|deed| !deed.is_adopted()), truth)?;
    let is_late = |deed: &Deed| deed.standing == Standing::Late;
    let lifted = whole.suppressed.iter().filter(|one| {
        let in_time = one.put.standing == Standing::Pending;
        in_time && !one.replaced.is_empty() && one.replaced.iter().all(is_late)
    });
    let lifts = authors(lifted.map(|one| &one.put), truth)?;
    let brings_back = |deed: &Deed| {
        let author = truth.of(&deed.change).map(|origin| &origin.author);
        author.is_some_and(|author| adds.contains(author) && lifts.contains(author))
    };
    Ok(whole.restanding(&|deed| match deed.standing {
        Standing::Late => Some(Standing::Pending),
        Standing::Pending if brings_back(deed) => Some(Standing::Pending),
        Standing::Pending | Standing::Adopted => Some(Standing::Adopted),
    }))
}

/// The same of what is listed of one time, with provisions as they stand at that time.
fn says(listed: &[Listed], house: &Proceedings, wholes: &[Whole], truth: &Truth) -> Result<(), Violation> {
    let proposals: Vec<Proposal> = listed.iter().map(|one| one.derived.proposal.clone()).collect();
    let mut owned = BTreeSet::new();
    for one in listed {
        let deeds = DeedRefs::of(&house.index, &one.derived.deeds());
        owned.extend(deeds.done.iter().flat_map(|(first, len)| ops(first, *len)).map(|op| (None, op)));
        for one in &deeds.undone {
            owned.extend(ops(&one.op, one.len).map(|op| (Some(one.by.clone()), op)));
        }
    }
    for whole in wholes {
        proposed(whole, &proposals, house, truth)?;
        all_owned(whole, &owned, truth)?;
    }
    collisions(&proposals)
}

/// No insertion and no strike is without an owner.
fn all_owned(whole: &Whole, owned: &BTreeSet<(Option<String>, Op)>, truth: &Truth) -> Result<(), Violation> {
    // An addition that its author has taken back is proposed no more.
    if pending(whole, truth)?.values().any(|own| own.adds && own.suppresses) {
        return Ok(());
    }
    for word in whole.words() {
        let (by, struck) = (authors(&word.inserted, truth)?, authors(&word.struck, truth)?);
        if !word.is_base() && by.is_subset(&struck) {
            continue;
        }
        let inserted = word.inserted.iter().filter(|_| !word.is_base()).map(|deed| (None, deed));
        let struck = word.struck.iter().map(|deed| (Some(deed.change.to_string()), deed));
        for (by, deed) in inserted.chain(struck) {
            if !owned.contains(&(by, deed.op.clone())) {
                let how = format!("provision {}: {deed:?} of {word:?} is nobody's", whole.id);
                return Err(Violation::new("every deed is somebody's", how));
            }
        }
    }
    Ok(())
}

/// The same come out in any order of arrival, as replicas take them in.
pub(super) fn in_any_order(
    hub: &Hub,
    changes: &[Change],
    stored: &Stored,
    founding: &Founding,
    truth: &Truth,
    rng: &mut StdRng,
) -> Result<(), Violation> {
    let law = "proposals in any order";
    let wrong = |error: String| Violation::new(law, error);
    let mut index = Index::new();
    for change in shuffled(changes, rng) {
        let folded = index.replay(&change, truth.author(&change.hash())?);
        folded.map_err(|error| wrong(error.to_string()))?;
    }
    let house = Proceedings::new(founding.document, index, &founding.baseline, founding.created);
    let mut house = house.map_err(|error| wrong(error.to_string()))?;
    for entry in &stored.entries {
        house.take(entry).map_err(|error| wrong(error.to_string()))?;
    }
    let late: Vec<ChangeHash> = hub.late().iter().filter_map(|hash| hash.parse().ok()).collect();
    let late: Vec<_> = late.iter().filter_map(|hash| house.index.position(hash)).collect();
    house.set_late(late);
    let (record, floor) = (house.record(), house.floor());
    differs(law, "the proposals", &floor.proposals(&record), &hub.proposals().proposals)?;
    differs(law, "the comments", &comments(&floor, &record), &hub.comments())
}

/// The changes in another order in which each follows what it builds on.
fn shuffled(changes: &[Change], rng: &mut StdRng) -> Vec<Change> {
    let (mut left, mut order) = (changes.to_vec(), Vec::new());
    let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
    while !left.is_empty() {
        let at = rng.random_range(0..left.len());
        let ready =
            (at..left.len()).chain(0..at).find(|n| left[*n].deps().iter().all(|dep| known.contains(dep)));
        let next = left.remove(ready.expect("the log is whole"));
        known.insert(next.hash());
        order.push(next);
    }
    order
}

/// What one delegation has pending in one provision.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pending {
    inserted: String,
    struck: String,
    strikes_others: bool,
    fields: bool,
    suppresses: bool,
    adds: bool,
}

fn pending(whole: &Whole, truth: &Truth) -> Result<BTreeMap<DelegationCode, Pending>, Violation> {
    let mut all: BTreeMap<DelegationCode, Pending> = BTreeMap::new();
    if !whole.is_base() {
        for by in authors(&whole.inserted, truth)? {
            all.entry(by).or_default().adds = true;
        }
    }
    let pends = |value: &&Value| !value.put.is_adopted();
    let standing = whole.suppressed.iter().filter(pends).filter(|value| value.replaced.is_empty());
    let suppressing = whole.removed.iter().chain(standing.map(|value| &value.put));
    for by in authors(suppressing, truth)? {
        all.entry(by).or_default().suppresses = true;
    }
    for word in whole.words() {
        let (by, struck) = (authors(&word.inserted, truth)?, authors(&word.struck, truth)?);
        let base = word.is_base();
        if !base {
            for author in by.difference(&struck) {
                all.entry(author.clone()).or_default().inserted.push(word.character);
            }
            if by.is_subset(&struck) {
                continue;
            }
        }
        for striker in struck {
            let pending = all.entry(striker.clone()).or_default();
            match base {
                true => pending.struck.push(word.character),
                false => pending.strikes_others |= !by.contains(&striker),
            }
        }
    }
    for value in whole.fields.iter().filter(pends) {
        let by = truth.author(&value.put.change)?.clone();
        if !authors(&value.replaced, truth)?.contains(&by) {
            all.entry(by).or_default().fields = true;
        }
    }
    // Who struck only words of its own that nobody else wrote has nothing pending.
    all.retain(|_, pending| *pending != Pending::default());
    Ok(all)
}

fn proposed(
    whole: &Whole,
    proposals: &[Proposal],
    house: &Proceedings,
    truth: &Truth,
) -> Result<(), Violation> {
    let law = "proposals say who did what";
    let id = &whole.id;
    let wrong = |what: String| Err(Violation::new(law, format!("provision {id}: {what}")));
    let here: Vec<&Proposal> = proposals.iter().filter(|one| one.provision.id.0 == *id).collect();
    if let Some(one) = here.iter().find(|one| one.gone != whole.is_gone()) {
        return wrong(format!("gone, says {:?} of {:?}: {}", one.number, one.sponsors, one.gone));
    }
    if whole.is_gone() {
        return Ok(());
    }
    let (pending, base) = (pending(whole, truth)?, whole.is_base());
    let on_record = |one: &Proposal| {
        let number = one.number.as_ref().and_then(|number| number.parse().ok());
        number.and_then(|number| house.ledger.find(&number))
    };
    let withdrew = |one: &Proposal, code| on_record(one).is_some_and(|one| one.withdrawn.contains(code));
    for (code, own) in &pending {
        let sponsored = proposals.iter().any(|one| {
            let here = one.provision.id.0 == *id || one.also.iter().any(|also| also.0 == *id);
            here && (one.sponsors.contains(code) || withdrew(one, code))
        });
        let taken_back = own.adds && own.suppresses;
        if !sponsored && !taken_back {
            return wrong(format!("{code} stands behind no proposal, but has {own:?}"));
        }
    }
    let base_text: String = whole.words().filter(|word| word.is_base()).map(|word| word.character).collect();
    let touched: BTreeSet<DelegationCode> = {
        let replaced = whole.fields.iter().flat_map(|value| &value.replaced);
        let puts = whole.fields.iter().map(|value| &value.put);
        authors(replaced.chain(puts).filter(|deed| !deed.is_adopted()), truth)?
    };
    for proposal in &here {
        let words = |kinds: &[SegmentKind]| -> String {
            let own = proposal.segments.iter().filter(|s| s.field == Field::Text && s.of.is_none());
            own.filter(|s| kinds.contains(&s.kind)).map(|s| s.text.as_str()).collect()
        };
        let (inserted, struck) = (words(&[SegmentKind::Inserted]), words(&[SegmentKind::Struck]));
        let stands = words(&[SegmentKind::Kept, SegmentKind::Struck]);
        if stands != base_text {
            return wrong(format!("kept and struck are {stands:?}, the baseline is {base_text:?}"));
        }
        let sup = proposal.mark == Mark::Sup;
        // Whoever did it may have withdrawn since, and left it to those who joined.
        let led = pending.iter().any(|(code, own)| {
            let struck_right = own.struck == struck || (sup && own.suppresses && struck == base_text);
            let mark_right = match proposal.mark {
                Mark::Add => own.adds && !base,
                Mark::Sup => own.suppresses || (base && own.struck == base_text),
                Mark::Mod => !own.suppresses && (base || !own.adds),
            };
            (proposal.sponsors.contains(code) || withdrew(proposal, code))
                && (own.inserted == inserted || (sup && own.suppresses))
                && struck_right
                && mark_right
        });
        if !led && !proposal.sponsors.iter().any(|code| touched.contains(code)) {
            return wrong(format!(
                "none of {:?} did what is proposed ({:?}: +{inserted:?} -{struck:?}), but {pending:?}",
                proposal.sponsors, proposal.mark
            ));
        }
        for code in proposal.sponsors.iter().filter(|_| proposal.also.is_empty()) {
            let joined = on_record(proposal).is_some_and(|one| one.joined.contains(code));
            if !joined && !pending.contains_key(code) && !touched.contains(code) {
                return wrong(format!("{code} is named as a sponsor and did nothing"));
            }
        }
        for segment in proposal.segments.iter().filter(|s| s.kind != SegmentKind::Kept) {
            if segment.by != proposal.sponsors {
                let (by, sponsors) = (&segment.by, &proposal.sponsors);
                return wrong(format!("a segment is by {by:?}, the proposal by {sponsors:?}"));
            }
        }
        for hash in proposal.changes.iter() {
            let author = truth.author(hash)?;
            if !proposal.sponsors.contains(author) && !withdrew(proposal, author) {
                let sponsors = &proposal.sponsors;
                return wrong(format!("{hash} is {author}'s, and among the changes of {sponsors:?}"));
            }
        }
    }
    // The same amendment made twice is one proposal.
    for (i, a) in here.iter().enumerate() {
        for b in &here[i + 1..] {
            let plain =
                |p: &Proposal| p.amends.is_empty() && p.segments.iter().all(|s| s.of.is_none()) && base;
            let result = |p: &Proposal| -> Vec<(bool, String)> {
                let standing = p.segments.iter().filter(|s| s.kind != SegmentKind::Struck);
                let mut fields = BTreeMap::<bool, String>::new();
                standing.for_each(|s| fields.entry(s.field == Field::Text).or_default().push_str(&s.text));
                fields.into_iter().collect()
            };
            if plain(a) && plain(b) && a.mark == b.mark && result(a) == result(b) {
                return wrong(format!("{:?} and {:?} propose the same, apart", a.sponsors, b.sponsors));
            }
        }
    }
    Ok(())
}

/// Collisions are mutual, and a suppression collides with whatever else is proposed for its provision.
fn collisions(proposals: &[Proposal]) -> Result<(), Violation> {
    let law = "collisions";
    for a in proposals {
        for b in proposals.iter().filter(|b| b.id != a.id) {
            let there = a.collides_with.contains(&b.id);
            if there != b.collides_with.contains(&a.id) {
                return Err(Violation::new(
                    law,
                    format!("{:?} and {:?}: only one says so", a.sponsors, b.sponsors),
                ));
            }
            let amends = a.amends.contains(&b.id) || b.amends.contains(&a.id);
            let clash = a.provision.id == b.provision.id && a.mark == Mark::Sup && b.mark == Mark::Mod;
            if clash && !there && !amends {
                return Err(Violation::new(
                    law,
                    format!("SUP by {:?} and MOD by {:?} do not collide", a.sponsors, b.sponsors),
                ));
            }
        }
        if a.collides_with.contains(&a.id) {
            return Err(Violation::new(law, format!("{:?} collides with itself", a.sponsors)));
        }
    }
    Ok(())
}
