//! What an entry settles about deeds.

use super::{Act, Entry};
use crate::amendment::Deeds;
use crate::api::Decision;
use crate::authorship::hand::Join;
use crate::authorship::{ChangeIx, Index, Settled, Verdict};
use automerge::ChangeHash;

/// An entry that names something which the index does not have.
pub(super) struct Unknown;

fn give(settled: &mut Settled, deeds: &Deeds, verdict: Option<Verdict>) {
    for (_, op, len) in &deeds.done {
        settled.set_done(*op, *len, verdict);
    }
    for (change, op, len) in &deeds.undone {
        settled.set_undone(*change, *op, *len, verdict);
    }
}

/// Takes in what the act says; what the hand wrote for it is taken in by [`take_hand`].
pub(super) fn take_act(settled: &mut Settled, index: &Index, entry: &Entry) -> Result<(), Unknown> {
    match &entry.act {
        Act::Close { .. } => settled.set_late_from(Some(ChangeIx(entry.after))),
        Act::Conclude { .. } => settled.set_late_from(None),
        Act::Rule { rulings } => {
            for ruled in rulings {
                let verdict = match ruled.decision {
                    Decision::Adopt => Some(Verdict::Adopted),
                    Decision::Reject => Some(Verdict::Void),
                    Decision::Bracket | Decision::Defer => None,
                };
                give(settled, &ruled.deeds.in_index(index).ok_or(Unknown)?, verdict);
            }
        }
        Act::Withdraw { deeds, .. } => {
            give(settled, &deeds.in_index(index).ok_or(Unknown)?, Some(Verdict::Void));
        }
        Act::Collapse { joins, .. } => {
            let joins: Option<Vec<Join>> = joins.iter().map(|join| join.in_index(index)).collect();
            settled.take_joins(&joins.ok_or(Unknown)?);
        }
        Act::Open { .. }
        | Act::Deadline { .. }
        | Act::Number
        | Act::Join { .. }
        | Act::Reason { .. }
        | Act::Comment { .. }
        | Act::Reply { .. }
        | Act::Resolve { .. }
        | Act::Settle
        | Act::Renumber { .. }
        | Act::Move { .. } => {}
    }
    Ok(())
}

/// Takes in what the hand wrote; the index has folded its change.
pub(super) fn take_hand(settled: &mut Settled, index: &Index, entry: &Entry) -> Result<(), Unknown> {
    let Some(hand) = &entry.hand else { return Ok(()) };
    let hash: ChangeHash = hand.change.parse().map_err(|_| Unknown)?;
    let change = index.position(&hash).ok_or(Unknown)?;
    settled.set_hand(change);
    if hand.editorial {
        settled.set_editorial(change);
    }
    let joins: Option<Vec<Join>> = hand.joins.iter().map(|join| join.in_index(index)).collect();
    settled.take_joins(&joins.ok_or(Unknown)?);
    Ok(())
}
