//! The deeds that make up an amendment: what a ruling on it is about.

use crate::authorship::{ChangeIx, Deed, OpId};

/// Insertions and writings, and what was struck or replaced by which change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// The change, its first operation, and how many are meant from that on by counter.
    pub done: Vec<(ChangeIx, OpId, u32)>,
    /// The change, the first operation that it undid, and how many.
    pub undone: Vec<(ChangeIx, OpId, u32)>,
}

impl Deeds {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.undone.is_empty()
    }

    /// Adds others.
    pub fn extend(&mut self, others: &Self) {
        for (change, op, len) in &others.done {
            self.push_done(*change, *op, *len);
        }
        for (change, op, len) in &others.undone {
            self.push_undone(*change, *op, *len);
        }
    }

    /// Whether a deed is one of them.
    pub fn contains(&self, deed: &Deed) -> bool {
        let is = |(change, first, len): &(ChangeIx, OpId, u32)| {
            *change == deed.change
                && first.actor == deed.op.actor
                && deed.op.counter >= first.counter
                && deed.op.counter - first.counter < *len
        };
        self.done.iter().any(is) || self.undone.iter().any(is)
    }

    pub(super) fn push_done(&mut self, change: ChangeIx, op: OpId, len: u32) {
        push(&mut self.done, change, op, len);
    }

    pub(super) fn push_undone(&mut self, change: ChangeIx, op: OpId, len: u32) {
        push(&mut self.undone, change, op, len);
    }
}

fn push(all: &mut Vec<(ChangeIx, OpId, u32)>, change: ChangeIx, op: OpId, len: u32) {
    match all.last_mut() {
        Some((by, first, count)) if *by == change && first.plus(*count) == op => *count += len,
        _ => all.push((change, op, len)),
    }
}
