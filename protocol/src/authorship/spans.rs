//! Values for stretches of operations: an actor's consecutive counters share one entry.

use super::index::id::{ActorIx, OpId};
use std::collections::BTreeMap;

/// A map from operations to values, kept by stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spans<T> {
    /// (actor, first counter) → (how many, value); stretches never overlap.
    stretches: BTreeMap<(ActorIx, u32), (u32, T)>,
}

impl<T> Default for Spans<T> {
    fn default() -> Self {
        Self { stretches: BTreeMap::new() }
    }
}

impl<T: Copy + PartialEq> Spans<T> {
    /// The value of an operation, and for how many operations from it on the answer is the same.
    pub(crate) fn at(&self, op: OpId) -> (Option<T>, u32) {
        if let Some(((actor, start), (len, value))) =
            self.stretches.range(..=(op.actor, op.counter)).next_back()
            && *actor == op.actor
            && op.counter - start < *len
        {
            return (Some(*value), len - (op.counter - start));
        }
        let next = self.stretches.range((op.actor, op.counter)..).next();
        let left =
            next.filter(|((actor, _), _)| *actor == op.actor).map(|((_, start), _)| start - op.counter);
        (None, left.unwrap_or(u32::MAX))
    }

    /// Gives `len` operations from `first` on a value, or takes theirs away.
    pub(crate) fn set(&mut self, first: OpId, len: u32, value: Option<T>) {
        let end = first.counter.saturating_add(len);
        let touched: Vec<_> = self
            .stretches
            .range(..(first.actor, end))
            .rev()
            .take_while(|((actor, start), (len, _))| {
                *actor == first.actor && start.saturating_add(*len) > first.counter
            })
            .map(|((_, start), (len, value))| (*start, *len, *value))
            .collect();
        for (start, len, old) in touched {
            self.stretches.remove(&(first.actor, start));
            if start < first.counter {
                self.stretches.insert((first.actor, start), (first.counter - start, old));
            }
            let old_end = start.saturating_add(len);
            if old_end > end {
                self.stretches.insert((first.actor, end), (old_end - end, old));
            }
        }
        if let Some(value) = value.filter(|_| len > 0) {
            self.stretches.insert((first.actor, first.counter), (len, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0..2_u32, 0..40_u32, 0..9_u32, proptest::option::of(0..3_u8)), 0..40)) {
            let (mut spans, mut naive) = (Spans::default(), HashMap::new());
            for (actor, counter, len, value) in steps {
                spans.set(OpId { counter, actor: ActorIx(actor) }, len, value);
                for n in counter..counter + len {
                    match value {
                        Some(value) => naive.insert((actor, n), value),
                        None => naive.remove(&(actor, n)),
                    };
                }
            }
            for actor in 0..2 {
                for n in 0..60 {
                    let (value, same) = spans.at(OpId { counter: n, actor: ActorIx(actor) });
                    prop_assert_eq!(value, naive.get(&(actor, n)).copied());
                    for m in n..n.saturating_add(same).min(60) {
                        prop_assert_eq!(naive.get(&(actor, m)).copied(), value);
                    }
                }
            }
        }
    }
}
