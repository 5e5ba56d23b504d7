//! What an entry settles about deeds.

use super::{Act, Entry, HandRecord, JoinRef, Ruled};
use crate::api::Decision;
use crate::authorship::hand::Join;
use crate::authorship::{ChangeIx, Deeds, Index, Scope, Settled, Verdict};
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

/// The provisions that rulings are about.
pub(super) fn scope_of(rulings: &[Ruled], index: &Index) -> Scope {
    let mut scope = Scope::default();
    for ruled in rulings {
        scope.extend(ruled.deeds.in_index(index).map_or(Scope::All, |deeds| index.scope_of(&deeds)));
    }
    scope
}

/// Takes in what the act says, and tells about which provisions that is; what the hand wrote for it is taken in by
/// [`take_hand`].
pub(super) fn take_act(settled: &mut Settled, index: &Index, entry: &Entry) -> Result<Scope, Unknown> {
    match &entry.act {
        // Which deeds are late depends on when they came, wherever they are.
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
            return Ok(scope_of(rulings, index));
        }
        Act::Withdraw { deeds, .. } => {
            let deeds = deeds.in_index(index).ok_or(Unknown)?;
            give(settled, &deeds, Some(Verdict::Void));
            return Ok(index.scope_of(&deeds));
        }
        Act::Collapse { joins, .. } => return take_joins(settled, index, joins),
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
        | Act::Move { .. } => return Ok(Scope::default()),
    }
    Ok(Scope::All)
}

fn take_joins(settled: &mut Settled, index: &Index, joins: &[JoinRef]) -> Result<Scope, Unknown> {
    let joins: Option<Vec<Join>> = joins.iter().map(|join| join.in_index(index)).collect();
    let joins = joins.ok_or(Unknown)?;
    settled.take_joins(&joins);
    Ok(index.scope_of_joins(&joins))
}

/// Takes in what the hand wrote, and tells about which provisions that is: its change is in the index, and may have
/// been taken for somebody's until now.
pub(super) fn take_hand(settled: &mut Settled, index: &Index, hand: &HandRecord) -> Result<Scope, Unknown> {
    let hash: ChangeHash = hand.change.parse().map_err(|_| Unknown)?;
    let change = index.position(&hash).ok_or(Unknown)?;
    settled.set_hand(change);
    if hand.editorial {
        settled.set_editorial(change);
    }
    let mut scope = index.scope_since(change);
    scope.extend(take_joins(settled, index, &hand.joins)?);
    Ok(scope)
}
