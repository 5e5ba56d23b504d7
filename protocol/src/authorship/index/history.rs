//! The change graph: every change with its place, its author and what it was built on.

use super::id::{ActorIx, OpId};
use crate::authorship::ChangeIx;
use crate::authorship::append_only::AppendOnly;
use automerge::{ActorId, ChangeHash};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::collections::BTreeSet;
use std::hash::BuildHasher as _;

/// A change.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) hash: ChangeHash,
    pub(crate) actor: ActorIx,
    /// The counter of its first operation.
    pub(crate) start: u32,
    /// How many operations it has.
    pub(crate) operations: u32,
    /// Seconds, as its author's clock gave it.
    pub(crate) time: i64,
    /// Where its dependencies end in [`History::deps`].
    deps_end: u32,
}

impl Entry {
    /// The counter of its last operation (of its predecessor's, where it has none).
    pub(crate) fn last(&self) -> u32 {
        self.start.saturating_add(self.operations).saturating_sub(1)
    }
}

/// Changes by hash: the hashes themselves stand in the entries only.
#[derive(Clone, Debug, Default)]
struct ByHash {
    table: HashTable<ChangeIx>,
    /// Keyed, since others choose the hashes.
    hasher: DefaultHashBuilder,
}

impl ByHash {
    fn find(&self, hash: &ChangeHash, entries: &AppendOnly<Entry>) -> Option<ChangeIx> {
        let is = |ix: &ChangeIx| entries.get(ix.0 as usize).is_some_and(|entry| entry.hash == *hash);
        self.table.find(self.hasher.hash_one(hash), is).copied()
    }

    /// Takes in a change that is not there yet.
    fn insert(&mut self, ix: ChangeIx, entries: &AppendOnly<Entry>) {
        let hasher = &self.hasher;
        let hash_of =
            |ix: &ChangeIx| entries.get(ix.0 as usize).map_or(0, |entry| hasher.hash_one(entry.hash));
        self.table.insert_unique(hash_of(&ix), ix, hash_of);
    }
}

/// How many of an actor's changes stand between two fences.
const FENCED: usize = 8;

/// An actor's changes, in order of seq, and so of their operations' counters.
#[derive(Clone, Debug, Default)]
struct OfActor {
    changes: Vec<ChangeIx>,
    /// Where the first of every so many starts, close together: a search through the changes themselves would wait for
    /// the memory at each step.
    fences: Vec<u32>,
}

impl OfActor {
    fn push(&mut self, ix: ChangeIx, start: u32) {
        if self.changes.len().is_multiple_of(FENCED) {
            self.fences.push(start);
        }
        self.changes.push(ix);
    }

    /// The few changes among which the one is that holds an operation with this counter, if one does.
    fn around(&self, counter: u32) -> &[ChangeIx] {
        let behind = self.fences.partition_point(|start| *start <= counter);
        let first = behind.saturating_sub(1) * FENCED;
        self.changes.get(first..self.changes.len().min(first + FENCED)).unwrap_or_default()
    }
}

/// The graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: AppendOnly<Entry>,
    /// Each change's actor once more, close together: that is asked of many changes at once, all over the history.
    authors: Vec<ActorIx>,
    deps: Vec<ChangeIx>,
    by_hash: ByHash,
    pub(crate) heads: BTreeSet<ChangeHash>,
    pub(crate) actors: Vec<ActorId>,
    by_actor: HashMap<ActorId, ActorIx>,
    /// Each actor's.
    of_actors: Vec<OfActor>,
    /// Operations in all changes. No honest counter exceeds it.
    pub(crate) operations: u64,
}

impl History {
    pub(crate) fn actor(&self, id: &ActorId) -> Option<ActorIx> {
        self.by_actor.get(id).copied()
    }

    /// The number that `id` has or would have.
    pub(crate) fn actor_or_next(&self, id: &ActorId) -> ActorIx {
        self.actor(id).unwrap_or(ActorIx(u32::try_from(self.actors.len()).unwrap_or(u32::MAX)))
    }

    pub(crate) fn position(&self, hash: &ChangeHash) -> Option<ChangeIx> {
        self.by_hash.find(hash, &self.entries)
    }

    pub(crate) fn entry(&self, ix: ChangeIx) -> Option<&Entry> {
        self.entries.get(ix.0 as usize)
    }

    /// The actor of a change.
    pub(crate) fn author(&self, ix: ChangeIx) -> Option<ActorIx> {
        self.authors.get(ix.0 as usize).copied()
    }

    /// An actor's changes, in order of seq.
    pub(crate) fn of_actor(&self, actor: ActorIx) -> &[ChangeIx] {
        self.of_actors.get(actor.0 as usize).map_or(&[], |of| &of.changes)
    }

    pub(crate) fn deps(&self, ix: ChangeIx) -> &[ChangeIx] {
        let at = ix.0 as usize;
        let start = at.checked_sub(1).and_then(|before| self.entries.get(before)).map_or(0, |e| e.deps_end);
        let end = self.entries.get(at).map_or(start, |entry| entry.deps_end);
        self.deps.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The change that holds an operation.
    pub(crate) fn change_of(&self, id: OpId) -> Option<ChangeIx> {
        let changes = self.of_actors.get(id.actor.0 as usize)?.around(id.counter);
        let starts_by = |ix: &ChangeIx| self.entry(*ix).is_some_and(|entry| entry.start <= id.counter);
        let behind = changes.partition_point(starts_by);
        changes
            .get(behind.checked_sub(1)?)
            .copied()
            .filter(|ix| self.entry(*ix).is_some_and(|e| id.counter <= e.last()))
    }

    /// Appends a change whose dependencies are all here. Returns its number.
    pub(crate) fn push(
        &mut self,
        hash: ChangeHash,
        actor: &ActorId,
        start: u32,
        operations: u32,
        time: i64,
        deps: &[ChangeIx],
    ) -> ChangeIx {
        let ix = ChangeIx(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let number = self.actor_or_next(actor);
        if self.actor(actor).is_none() {
            self.actors.push(actor.clone());
            self.by_actor.insert(actor.clone(), number);
            self.of_actors.push(OfActor::default());
        }
        for dep in deps {
            if let Some(hash) = self.entry(*dep).map(|entry| entry.hash) {
                self.heads.remove(&hash);
            }
        }
        self.deps.extend_from_slice(deps);
        let deps_end = u32::try_from(self.deps.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { hash, actor: number, start, operations, time, deps_end });
        self.authors.push(number);
        self.by_hash.insert(ix, &self.entries);
        self.heads.insert(hash);
        self.operations += u64::from(operations);
        if let Some(of) = self.of_actors.get_mut(number.0 as usize) {
            of.push(ix, start);
        }
        ix
    }

    /// Makes room for so many changes.
    pub(crate) fn reserve(&mut self, changes: usize) {
        // Nothing is there yet that would have to be put elsewhere.
        self.by_hash.table.reserve(changes, |_| 0);
        self.authors.reserve_exact(changes);
    }

    /// Gives room back that was taken for more to come.
    pub(crate) fn shrink(&mut self) {
        self.deps.shrink_to_fit();
        self.authors.shrink_to_fit();
        for of in &mut self.of_actors {
            of.changes.shrink_to_fit();
            of.fences.shrink_to_fit();
        }
    }

    /// Whether `earlier` is among the ancestors of `later`, or is it. An ancestor's operations all have lower
    /// counters, and its number is lower, so the search never leaves the stretch between the two.
    pub(crate) fn saw(&self, later: ChangeIx, earlier: ChangeIx) -> bool {
        let Some(goal) = self.entry(earlier) else { return false };
        let (mut stack, mut seen) = (vec![later], BTreeSet::new());
        while let Some(ix) = stack.pop() {
            if ix == earlier {
                return true;
            }
            let Some(entry) = self.entry(ix) else { continue };
            // An actor's changes build on each other, so a later one of the same actor will do.
            if entry.actor == goal.actor && ix > earlier {
                return true;
            }
            if ix > earlier && entry.last() >= goal.last() && seen.insert(ix) {
                stack.extend_from_slice(self.deps(ix));
            }
        }
        false
    }

    /// Per actor, how many of its changes are in the history of `heads`; `None` where a head is unknown.
    pub(crate) fn clock(&self, heads: &[ChangeHash]) -> Option<Vec<u32>> {
        let mut stack: Vec<ChangeIx> = heads.iter().map(|hash| self.position(hash)).collect::<Option<_>>()?;
        let mut seen = vec![false; self.entries.len()];
        let mut clock = vec![0_u32; self.actors.len()];
        while let Some(ix) = stack.pop() {
            let (Some(flag @ false), Some(entry)) =
                (seen.get_mut(ix.0 as usize), self.entries.get(ix.0 as usize))
            else {
                continue;
            };
            *flag = true;
            let seq = self.of_actor(entry.actor).partition_point(|other| *other <= ix);
            if let Some(count) = clock.get_mut(entry.actor.0 as usize) {
                *count = (*count).max(u32::try_from(seq).unwrap_or(u32::MAX));
            }
            stack.extend_from_slice(self.deps(ix));
        }
        Some(clock)
    }
}
