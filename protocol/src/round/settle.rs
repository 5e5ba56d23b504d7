//! What an entry settles about deeds.

use super::{Act, DeedRefs, Entry, HandRecord, JoinRef};
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

/// The provisions about which an act settles anything by itself.
pub(super) fn scope(act: &Act, index: &Index) -> Scope {
    let of = |deeds: &DeedRefs| deeds.in_index(index).map_or(Scope::All, |deeds| index.scope_of(&deeds));
    match act {
        // Which deeds are late depends on when they came, wherever they are.
        Act::Close { .. } | Act::Conclude { .. } => Scope::All,
        Act::Rule { rulings } => {
            let mut scope = Scope::default();
            rulings.iter().for_each(|ruled| scope.extend(of(&ruled.deeds)));
            scope
        }
        Act::Withdraw { deeds, .. } => of(deeds),
        Act::Collapse { joins, .. } => scope_of_joins(joins, index),
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
        | Act::Move { .. } => Scope::default(),
    }
}

/// The provisions in which elements were joined.
pub(super) fn scope_of_joins(joins: &[JoinRef], index: &Index) -> Scope {
    let joins: Option<Vec<Join>> = joins.iter().map(|join| join.in_index(index)).collect();
    joins.map_or(Scope::All, |joins| index.scope_of_joins(&joins))
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
pub(super) fn take_hand(settled: &mut Settled, index: &Index, hand: &HandRecord) -> Result<(), Unknown> {
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
