//! One text or list: every element ever inserted, in document order, struck ones in place.
//!
//! Elements with consecutive ids, one history and adjacent places form a run, so that a sentence typed in one
//! go costs one entry. Runs form a linked list, and are found by id through an ordered map per actor. Some dozens of
//! them that follow one another are a leaf, which tells whether anything in it has changed: so whoever has found out
//! something about all of them need not look at each again.

use super::id::{ActorIx, OpId};
use super::strikers::{Strikers, Struck};
use crate::authorship::{ChangeIx, Few};
use ecow::EcoString;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// A slot of the run table, or of the leaves'; `NONE` ends a list.
type Slot = u32;
const NONE: Slot = u32::MAX;

/// Runs of a new leaf; one of more than twice as many is cut.
const LEAF: u32 = 64;

/// Consecutive elements with one history.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The first element; the others follow by counter.
    pub(crate) id: OpId,
    /// How many elements.
    pub(crate) len: u32,
    /// Of a text: one character an element. Of a list: empty, and the element's object has its id.
    pub(crate) text: EcoString,
    /// The changes that struck them: [`Sequence::strikers`].
    struck: Struck,
    previous: Slot,
    next: Slot,
    leaf: Slot,
}

/// Runs that follow one another.
#[derive(Clone, Debug)]
struct Leaf {
    first: Slot,
    runs: u32,
    next: Slot,
    /// One more with whatever happens in it.
    version: u32,
}

/// A leaf as it is now: as long as it is equal, nothing in it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LeafAt {
    /// Which, for as long as the sequence lives.
    pub(crate) leaf: u32,
    /// Its state.
    pub(crate) version: u32,
}

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    runs: Vec<Run>,
    /// Slots that a join has emptied.
    free: Vec<Slot>,
    leaves: Vec<Leaf>,
    /// Leaves that have lost their last run.
    free_leaves: Vec<Slot>,
    strikers: Strikers,
    head: Slot,
    by_id: HashMap<ActorIx, BTreeMap<u32, Slot>>,
    elements: usize,
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            free: Vec::new(),
            leaves: Vec::new(),
            free_leaves: Vec::new(),
            strikers: Strikers::default(),
            head: NONE,
            by_id: HashMap::new(),
            elements: 0,
        }
    }
}

/// The byte at which character `n` of `text` starts.
fn byte_of(text: &str, n: u32) -> usize {
    text.char_indices().nth(n as usize).map_or(text.len(), |(at, _)| at)
}

impl Sequence {
    /// Elements ever inserted.
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Whether an element was ever inserted here.
    pub(crate) fn contains(&self, id: OpId) -> bool {
        self.find(id).is_some()
    }

    /// How many elements from this one on, by counter, are surely here; `None` where it is not.
    pub(crate) fn stretch(&self, id: OpId) -> Option<u32> {
        let (slot, offset) = self.find(id)?;
        self.run(slot).map(|run| run.len - offset)
    }

    /// The changes that struck an element; `None` where there is no such element.
    pub(crate) fn struck(&self, id: OpId) -> Option<&[ChangeIx]> {
        let (slot, _) = self.find(id)?;
        self.run(slot).map(|run| self.strikers(run))
    }

    /// The changes that struck a run, ascending.
    pub(crate) fn strikers<'a>(&'a self, run: &'a Run) -> &'a [ChangeIx] {
        self.strikers.of(&run.struck)
    }

    /// The character of an element.
    pub(crate) fn character(&self, id: OpId) -> Option<char> {
        let (slot, offset) = self.find(id)?;
        self.run(slot)?.text.chars().nth(offset as usize)
    }

    fn run(&self, slot: Slot) -> Option<&Run> {
        self.runs.get(slot as usize)
    }

    fn run_mut(&mut self, slot: Slot) -> Option<&mut Run> {
        self.runs.get_mut(slot as usize)
    }

    /// The run of an element and its place in it.
    fn find(&self, id: OpId) -> Option<(Slot, u32)> {
        let (first, slot) = self.by_id.get(&id.actor)?.range(..=id.counter).next_back()?;
        let offset = id.counter - first;
        (offset < self.run(*slot)?.len).then_some((*slot, offset))
    }

    /// All runs in document order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        let mut slot = self.head;
        std::iter::from_fn(move || {
            let run = self.run(slot)?;
            slot = run.next;
            Some(run)
        })
    }

    /// All leaves in document order, each with its runs.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (LeafAt, impl Iterator<Item = &Run>)> {
        let mut next = self.run(self.head).map_or(NONE, |run| run.leaf);
        std::iter::from_fn(move || {
            let (number, leaf) = (next, self.leaves.get(next as usize)?);
            next = leaf.next;
            let (mut slot, mut left) = (leaf.first, leaf.runs);
            let runs = std::iter::from_fn(move || {
                left = left.checked_sub(1)?;
                let run = self.run(slot)?;
                slot = run.next;
                Some(run)
            });
            Some((LeafAt { leaf: number, version: leaf.version }, runs))
        })
    }

    /// Something in a run has changed.
    fn changed(&mut self, slot: Slot) {
        let leaf = self.run(slot).map_or(NONE, |run| run.leaf);
        if let Some(leaf) = self.leaves.get_mut(leaf as usize) {
            leaf.version = leaf.version.wrapping_add(1);
        }
    }

    /// An empty leaf behind another one (`NONE`: the first ever).
    fn new_leaf(&mut self, first: Slot, behind: Slot) -> Slot {
        let next = self.leaves.get(behind as usize).map_or(NONE, |leaf| leaf.next);
        let fresh = u32::try_from(self.leaves.len()).unwrap_or(NONE);
        let number = self.free_leaves.pop().unwrap_or(fresh);
        match self.leaves.get_mut(number as usize) {
            // Its version goes on: whoever knew the one that was here does not know this one.
            Some(place) => *place = Leaf { first, runs: 0, next, version: place.version.wrapping_add(1) },
            None => self.leaves.push(Leaf { first, runs: 0, next, version: 0 }),
        }
        if let Some(before) = self.leaves.get_mut(behind as usize) {
            before.next = number;
        }
        number
    }

    /// Takes a linked run into the leaf of its neighbour, or into the first one.
    fn enter(&mut self, slot: Slot, after: Slot, next: Slot) {
        let beside = if after == NONE { next } else { after };
        let number = match self.run(beside) {
            Some(run) => run.leaf,
            None => self.new_leaf(slot, NONE),
        };
        if let Some(run) = self.run_mut(slot) {
            run.leaf = number;
        }
        let Some(leaf) = self.leaves.get_mut(number as usize) else { return };
        leaf.runs += 1;
        leaf.version = leaf.version.wrapping_add(1);
        if after == NONE {
            leaf.first = slot;
        }
        if leaf.runs <= 2 * LEAF {
            return;
        }
        let rest = leaf.runs - LEAF;
        leaf.runs = LEAF;
        let mut slot = leaf.first;
        for _ in 0..LEAF {
            slot = self.run(slot).map_or(NONE, |run| run.next);
        }
        let cut = self.new_leaf(slot, number);
        if let Some(leaf) = self.leaves.get_mut(cut as usize) {
            leaf.runs = rest;
        }
        for _ in 0..rest {
            let Some(run) = self.run_mut(slot) else { break };
            run.leaf = cut;
            slot = run.next;
        }
    }

    /// Takes a run out of its leaf, before it is unlinked. It is not the first of all.
    fn exit(&mut self, slot: Slot) {
        self.changed(slot);
        let Some(run) = self.run(slot) else { return };
        let (number, next, before) = (run.leaf, run.next, run.previous);
        let before = self.run(before).map_or(NONE, |run| run.leaf);
        let Some(leaf) = self.leaves.get_mut(number as usize) else { return };
        leaf.runs -= 1;
        if leaf.first == slot {
            leaf.first = next;
        }
        if leaf.runs == 0 {
            let behind = leaf.next;
            if let Some(before) = self.leaves.get_mut(before as usize) {
                before.next = behind;
            }
            self.free_leaves.push(number);
        }
    }

    /// Puts a run into the list behind `after` (`NONE`: at the head).
    fn link(&mut self, mut run: Run, after: Slot) -> Slot {
        let next = self.run(after).map_or(self.head, |run| run.next);
        (run.previous, run.next) = (after, next);
        let (id, fresh) = (run.id, u32::try_from(self.runs.len()).unwrap_or(NONE));
        let slot = self.free.pop().unwrap_or(fresh);
        match self.run_mut(slot) {
            Some(place) => *place = run,
            None => self.runs.push(run),
        }
        self.by_id.entry(id.actor).or_default().insert(id.counter, slot);
        match self.run_mut(after) {
            Some(before) => before.next = slot,
            None => self.head = slot,
        }
        if let Some(behind) = self.run_mut(next) {
            behind.previous = slot;
        }
        self.enter(slot, after, next);
        slot
    }

    /// The sequence of these runs (id, length, text, strikes), which [`Self::iter`] gave. `None`: they are none.
    pub(crate) fn of_runs(runs: Vec<(OpId, u32, EcoString, Few<ChangeIx>)>) -> Option<Self> {
        let mut by_id: HashMap<ActorIx, Vec<(u32, Slot)>> = HashMap::new();
        let (mut all, mut elements, count) = (Vec::with_capacity(runs.len()), 0, runs.len());
        let mut strikers = Strikers::default();
        for (slot, (id, len, text, changes)) in (0..NONE).zip(runs) {
            let is_whole = text.is_empty() || text.chars().count() == len as usize;
            if len == 0 || !is_whole || id.counter.checked_add(len).is_none() {
                return None;
            }
            elements += len as usize;
            let mut struck = Struck::Never;
            changes.iter().for_each(|change| strikers.add(&mut struck, *change));
            by_id.entry(id.actor).or_default().push((id.counter, slot));
            let next = if all.len() + 1 < count { slot + 1 } else { NONE };
            let (previous, leaf) = (slot.checked_sub(1).unwrap_or(NONE), slot / LEAF);
            all.push(Run { id, len, text, struck, previous, next, leaf });
        }
        let leaves = (0..).zip(all.chunks(LEAF as usize)).map(|(number, runs)| Leaf {
            first: number * LEAF,
            runs: u32::try_from(runs.len()).unwrap_or(0),
            next: if (number + 1) * LEAF < u32::try_from(count).unwrap_or(NONE) { number + 1 } else { NONE },
            version: 0,
        });
        let leaves = leaves.collect();
        let head = if all.is_empty() { NONE } else { 0 };
        // Sorted first, since a tree is made of what is in order at once.
        let by_id = by_id.into_iter().map(|(actor, mut slots)| {
            slots.sort_unstable();
            (actor, slots.into_iter().collect())
        });
        let (free, free_leaves, by_id) = (Vec::new(), Vec::new(), by_id.collect());
        Some(Self { runs: all, free, leaves, free_leaves, strikers, head, by_id, elements })
    }

    /// Splits a run so that element `offset` starts one; returns that one.
    fn split(&mut self, slot: Slot, offset: u32) -> Slot {
        if offset == 0 {
            return slot;
        }
        let Some(run) = self.runs.get_mut(slot as usize) else { return slot };
        let at = byte_of(&run.text, offset);
        let text = EcoString::from(run.text.get(at..).unwrap_or_default());
        run.text.truncate(at);
        let struck = self.strikers.copied(&run.struck);
        let (id, len) = (run.id.plus(offset), run.len - offset);
        let tail = Run { id, len, text, struck, previous: NONE, next: NONE, leaf: NONE };
        run.len = offset;
        self.link(tail, slot)
    }

    /// Inserts an element behind `after` (`None`: at the head). `above` orders actors as Automerge does.
    /// Returns whether `after` exists.
    pub(crate) fn insert(
        &mut self,
        id: OpId,
        after: Option<OpId>,
        character: Option<char>,
        above: impl Fn(ActorIx, ActorIx) -> bool,
    ) -> bool {
        let mut reference = NONE;
        if let Some(after) = after {
            let Some((slot, offset)) = self.find(after) else { return false };
            if self.run(slot).is_some_and(|run| offset + 1 < run.len) {
                self.split(slot, offset + 1);
            }
            reference = slot;
        }
        // Concurrent insertions at one place stand in descending order of id.
        let mut place = reference;
        loop {
            let next = self.run(place).map_or(self.head, |run| run.next);
            let Some(other) = self.run(next).map(|run| run.id) else { break };
            let greater =
                other.counter > id.counter || (other.counter == id.counter && above(other.actor, id.actor));
            if !greater {
                break;
            }
            place = next;
        }
        self.elements += 1;
        if let (true, Some(character)) = (place == reference, character)
            && let Some(run) = self.run_mut(reference)
            && matches!(run.struck, Struck::Never)
            && run.id.plus(run.len) == id
        {
            run.text.push(character);
            run.len += 1;
            self.changed(reference);
            return true;
        }
        let text = character.map(|one| EcoString::from_iter([one])).unwrap_or_default();
        let run = Run { id, len: 1, text, struck: Struck::Never, previous: NONE, next: NONE, leaf: NONE };
        self.link(run, place);
        true
    }

    /// Records that `change` struck `left` elements from `id` on, by counter. Returns whether they exist.
    pub(crate) fn strike(&mut self, mut id: OpId, mut left: u32, change: ChangeIx) -> bool {
        while left > 0 {
            let Some((slot, offset)) = self.find(id) else { return false };
            let slot = self.split(slot, offset);
            if self.run(slot).is_some_and(|run| run.len > left) {
                self.split(slot, left);
            }
            let Some(run) = self.runs.get_mut(slot as usize) else { return false };
            self.strikers.add(&mut run.struck, change);
            let (len, next) = (run.len, run.next);
            self.changed(slot);
            self.join(next);
            self.join(slot);
            (id, left) = (id.plus(len), left - len);
        }
        true
    }

    /// Joins a run to the one before it where ids are consecutive and the (struck) histories equal.
    fn join(&mut self, slot: Slot) {
        let Some(run) = self.run(slot) else { return };
        let before = run.previous;
        let Some(head) = self.run(before) else { return };
        let joins = head.id.plus(head.len) == run.id
            && self.strikers(head) == self.strikers(run)
            && !self.strikers(run).is_empty()
            && head.text.is_empty() == run.text.is_empty()
            && !run.text.is_empty();
        if !joins {
            return;
        }
        let (id, len, next) = (run.id, run.len, run.next);
        self.exit(slot);
        self.changed(before);
        let Some(emptied) = self.run_mut(slot) else { return };
        let (text, struck) = (std::mem::take(&mut emptied.text), std::mem::take(&mut emptied.struck));
        self.strikers.forget(struck);
        if let Some(head) = self.run_mut(before) {
            head.text.push_str(&text);
            head.len += len;
            head.next = next;
        }
        if let Some(behind) = self.run_mut(next) {
            behind.previous = before;
        }
        if let Some(ids) = self.by_id.get_mut(&id.actor) {
            ids.remove(&id.counter);
        }
        self.free.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A run as anybody outside can see it.
    type Seen = (OpId, u32, EcoString, Vec<ChangeIx>);

    fn seen(sequence: &Sequence, run: &Run) -> Seen {
        (run.id, run.len, run.text.clone(), sequence.strikers(run).to_vec())
    }

    /// What was seen of leaves, by their states.
    type States = HashMap<LeafAt, Vec<Seen>>;

    /// Leaves are the runs in their order, of some dozens each; one that has changed says so.
    fn check(sequence: &Sequence, known: &mut States) {
        let mut all = Vec::new();
        for (at, runs) in sequence.leaves() {
            let now: Vec<Seen> = runs.map(|run| seen(sequence, run)).collect();
            assert!((1..=2 * LEAF as usize).contains(&now.len()));
            let before = known.entry(at).or_insert_with(|| now.clone());
            assert_eq!(*before, now, "the same state, and another content");
            all.extend(now);
        }
        assert_eq!(all, sequence.iter().map(|run| seen(sequence, run)).collect::<Vec<_>>());
    }

    /// Every other letter is struck, then the rest: their runs are one again, and leaves have come and gone.
    #[test]
    fn leaves_come_and_go() {
        let (mut sequence, mut known) = (Sequence::default(), States::new());
        let typed = |counter: u32| OpId { counter, actor: ActorIx(0) };
        let (letters, mut counter) = (1000, 1);
        for round in 0..3 {
            let first = counter;
            for n in 0..letters {
                let after = (n > 0).then(|| typed(counter - 1));
                assert!(sequence.insert(typed(counter), after, Some('x'), |a, b| a > b));
                counter += 1;
            }
            for half in [0, 1] {
                for n in (half..letters).step_by(2) {
                    assert!(sequence.strike(typed(first + n), 1, ChangeIx(round)));
                    if n % 7 == 0 {
                        check(&sequence, &mut known);
                    }
                }
                let runs = sequence.iter().count();
                let whole = if half == 0 { letters as usize } else { 1 };
                assert!((whole..=whole + round as usize).contains(&runs), "{runs} of {whole}");
            }
            check(&sequence, &mut known);
        }
        assert!(sequence.leaves.len() > 5 && sequence.leaves.len() < 40, "{}", sequence.leaves.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn leaves_are_the_runs_and_tell_of_every_change(
            deeds in proptest::collection::vec((0_u8..3, 0_u32..4, 0_u32..1000, 1_u32..6), 300..900),
        ) {
            let mut sequence = Sequence::default();
            let mut ids: Vec<OpId> = Vec::new();
            let mut known = States::new();
            for ((deed, actor, which, len), counter) in deeds.into_iter().zip(1..) {
                let which = ids.get(which as usize % ids.len().max(1)).copied();
                match which {
                    // Strikes of one change join what they strike.
                    Some(first) if deed == 0 => {
                        for element in (0..len).map(|n| first.plus(n)).filter(|id| ids.contains(id)) {
                            prop_assert!(sequence.strike(element, 1, ChangeIx(counter / 40)));
                        }
                    }
                    _ => {
                        let id = OpId { counter, actor: ActorIx(actor) };
                        let after = if deed == 1 { ids.last().copied() } else { which };
                        prop_assert!(sequence.insert(id, after, Some('x'), |a, b| a > b));
                        ids.push(id);
                    }
                }
                check(&sequence, &mut known);
            }
            let parts = |(id, len, text, struck): Seen| (id, len, text, struck.into_iter().collect());
            let runs: Vec<Seen> = sequence.iter().map(|run| seen(&sequence, run)).collect();
            let again = Sequence::of_runs(runs.iter().cloned().map(parts).collect()).unwrap();
            check(&again, &mut States::new());
            prop_assert_eq!(again.iter().map(|run| seen(&again, run)).collect::<Vec<_>>(), runs);
        }
    }

    /// A run of a history has nothing to spare: there are as many as changes.
    #[test]
    fn a_run_takes_48_bytes() {
        assert_eq!(size_of::<Run>(), 48);
    }
}
