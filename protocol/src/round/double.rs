//! Words that several delegations wrote alike: which elements are which.

use super::Listed;
use crate::amendment::Derived;
use crate::api::{Mark, SegmentKind};
use crate::authorship::hand::Join;
use crate::authorship::{Index, OpId, Settled};

/// The joins that make joint proposals' words stand once, the lead's: nothing where they stand once already.
pub(super) fn joins(index: &Index, settled: &Settled, listed: &[Listed]) -> Vec<Join> {
    listed.iter().filter(|one| !one.late).flat_map(|one| of(index, settled, &one.derived)).collect()
}

fn of(index: &Index, settled: &Settled, derived: &Derived) -> Vec<Join> {
    let Some((lead, others)) = derived.shares.split_first() else { return Vec::new() };
    let mut joins = Vec::new();
    if derived.parts.is_none() || derived.proposal.mark == Mark::Sup {
        return joins;
    }
    let inserted = derived.proposal.segments.iter().filter(|one| one.kind == SegmentKind::Inserted);
    if inserted.count() == 0 {
        return joins;
    }
    for other in others {
        let (Some(ours), Some(theirs)) = (elements(index, settled, lead), elements(index, settled, other))
        else {
            continue;
        };
        if ours.len() != theirs.len() || ours.iter().zip(&theirs).any(|(a, b)| a.2 != b.2) {
            continue;
        }
        for ((to_sequence, to, _), (from_sequence, from, _)) in ours.into_iter().zip(theirs) {
            let known =
                settled.likeness(to).is_some_and(|likeness| likeness.members.iter().any(|m| m.id == from));
            if known || to == from {
                continue;
            }
            match joins.last_mut() {
                Some(Join { from: f, to: t, from_sequence: fs, to_sequence: ts, len })
                    if (*fs, *ts, f.plus(*len), t.plus(*len)) == (from_sequence, to_sequence, from, to) =>
                {
                    *len += 1;
                }
                _ => joins.push(Join { from_sequence, from, to_sequence, to, len: 1 }),
            }
        }
    }
    joins
}

/// The elements that a share inserted: sequence, element, and its character (none for a provision).
fn elements(
    index: &Index,
    settled: &Settled,
    share: &crate::amendment::Share,
) -> Option<Vec<(OpId, OpId, Option<char>)>> {
    let list = index.provisions_list()?;
    let provision = index.provision_named(&share.provision, settled)?;
    let alike = index.alike(provision, settled);
    let mut all = Vec::new();
    for (_, first, len) in &share.deeds.done {
        for n in 0..*len {
            let id = first.plus(n);
            if alike.contains(&id) {
                all.push((list, id, None));
                continue;
            }
            let text = alike.iter().filter_map(|one| index.text_of(*one)).find(|(_, text)| text.contains(id));
            if let Some((sequence, text)) = text {
                all.push((sequence, id, Some(text.character(id)?)));
            }
            // What is neither is a field's value: it is written again, not joined.
        }
    }
    Some(all)
}
