//! The deeds that make up an amendment: what a ruling on it is about.

use super::index::id::OpId;
use super::record::{ChangeIx, Deed};

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

    /// The same, for finding many deeds in them.
    pub fn set(&self) -> DeedSet {
        DeedSet { done: merged(self.done.clone()), undone: merged(self.undone.clone()) }
    }

    pub(crate) fn push_done(&mut self, change: ChangeIx, op: OpId, len: u32) {
        push(&mut self.done, change, op, len);
    }

    pub(crate) fn push_undone(&mut self, change: ChangeIx, op: OpId, len: u32) {
        push(&mut self.undone, change, op, len);
    }
}

/// Deeds in which others are looked up.
#[derive(Clone, Debug)]
pub struct DeedSet {
    /// Sorted; none overlaps another.
    done: Vec<(ChangeIx, OpId, u32)>,
    undone: Vec<(ChangeIx, OpId, u32)>,
}

impl DeedSet {
    /// Whether a deed is one of them.
    pub fn contains(&self, deed: &Deed) -> bool {
        let has = |all: &[(ChangeIx, OpId, u32)]| {
            let behind =
                all.partition_point(|(change, first, _)| (*change, *first) <= (deed.change, deed.op));
            behind.checked_sub(1).and_then(|at| all.get(at)).is_some_and(|(change, first, len)| {
                *change == deed.change
                    && first.actor == deed.op.actor
                    && deed.op.counter - first.counter < *len
            })
        };
        has(&self.done) || has(&self.undone)
    }
}

/// Sorted, and what overlaps or adjoins as one.
fn merged(mut all: Vec<(ChangeIx, OpId, u32)>) -> Vec<(ChangeIx, OpId, u32)> {
    all.sort_unstable();
    let mut merged: Vec<(ChangeIx, OpId, u32)> = Vec::with_capacity(all.len());
    for (change, op, len) in all {
        match merged.last_mut() {
            Some((by, first, count))
                if *by == change && first.actor == op.actor && op.counter - first.counter <= *count =>
            {
                *count = (*count).max(op.counter - first.counter + len);
            }
            _ => merged.push((change, op, len)),
        }
    }
    merged
}

fn push(all: &mut Vec<(ChangeIx, OpId, u32)>, change: ChangeIx, op: OpId, len: u32) {
    match all.last_mut() {
        Some((by, first, count)) if *by == change && first.plus(*count) == op => *count += len,
        _ => all.push((change, op, len)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorship::{ActorIx, Standing};
    use proptest::prelude::*;

    fn op(actor: u32, counter: u32) -> OpId {
        OpId { actor: ActorIx(actor), counter }
    }

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in(
            spans in proptest::collection::vec((any::<bool>(), 0..3_u32, 0..2_u32, 0..30_u32, 1..6_u32), 0..30)
        ) {
            let (mut deeds, mut naive) = (Deeds::default(), std::collections::HashSet::new());
            for (done, change, actor, counter, len) in spans {
                let push = if done { Deeds::push_done } else { Deeds::push_undone };
                push(&mut deeds, ChangeIx(change), op(actor, counter), len);
                naive.extend((counter..counter + len).map(|counter| (change, actor, counter)));
            }
            let set = deeds.set();
            for (change, actor, counter) in (0..3).flat_map(|c| (0..2).flat_map(move |a| (0..40).map(move |n| (c, a, n)))) {
                let deed = Deed { change: ChangeIx(change), op: op(actor, counter), standing: Standing::Pending };
                prop_assert_eq!(set.contains(&deed), naive.contains(&(change, actor, counter)));
            }
        }
    }
}
