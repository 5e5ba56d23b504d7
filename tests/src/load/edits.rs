//! Edits as a client would make them, without a client's document: a pen knows the change graph's end as its
//! peer has received it, and that is enough to write the next change.

use super::document::Plan;
use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ScalarValue};
use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::num::NonZeroU64;

/// Own changes that a writer's Bloom filter names.
const RECENT: usize = 64;

/// One change.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its hash.
    pub hash: ChangeHash,
    /// What it is built on.
    pub deps: Vec<ChangeHash>,
    /// Its last counter.
    pub last_op: u64,
    /// Its chunk, uncompressed.
    pub raw: Bytes,
}

/// The first four bytes of a hash, which stand in front of the chunk as its checksum.
pub fn mark(hash: &ChangeHash) -> u32 {
    let [a, b, c, d, ..] = hash.0;
    u32::from_be_bytes([a, b, c, d])
}

/// An actor that writes.
#[derive(Debug)]
pub struct Pen {
    actor: ActorId,
    seq: u64,
    /// The end of the change graph as it knows it.
    pub heads: Vec<ChangeHash>,
    /// The highest counter it knows.
    pub last_op: u64,
    /// Its last changes.
    pub recent: VecDeque<ChangeHash>,
    rng: SmallRng,
    /// What it inserted and did not strike again: (text, element).
    inserted: Option<(u64, OpId)>,
}

impl Pen {
    /// A pen for a document that nobody has edited yet.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            actor: ActorId::random(),
            seq: 0,
            heads: plan.heads.clone(),
            last_op: plan.last_op,
            recent: VecDeque::new(),
            rng: SmallRng::seed_from_u64(seed),
            inserted: None,
        }
    }

    /// Takes note of somebody else's change.
    pub fn received(&mut self, edit: &Edit) {
        self.heads.retain(|head| !edit.deps.contains(head));
        self.heads.push(edit.hash);
        self.last_op = self.last_op.max(edit.last_op);
    }

    /// Inserts one character behind a random one of a random provision.
    pub fn insert(&mut self, plan: &Plan) -> Edit {
        let place = &plan.places[self.rng.random_range(0..plan.places.len())];
        let after = OpId(place.first + self.rng.random_range(0..place.characters), plan.actor.clone());
        let edit = self.write(vec![Op {
            action: OpType::Put(ScalarValue::Str("q".into())),
            obj: ObjectId::Id(OpId(place.text, plan.actor.clone())),
            key: Key::Seq(ElementId::Id(after)),
            pred: Vec::new().into(),
            insert: true,
        }]);
        self.inserted = Some((place.text, OpId(edit.last_op, self.actor.clone())));
        edit
    }

    /// Strikes what it inserted last, or inserts: a text so edited keeps its length however long its history.
    pub fn revise(&mut self, plan: &Plan) -> Edit {
        let Some((text, element)) = self.inserted.take() else { return self.insert(plan) };
        self.write(vec![Op {
            action: OpType::Delete,
            obj: ObjectId::Id(OpId(text, plan.actor.clone())),
            key: Key::Seq(ElementId::Id(element.clone())),
            pred: vec![element].into(),
            insert: false,
        }])
    }

    fn write(&mut self, operations: Vec<Op>) -> Edit {
        self.seq += 1;
        let start = self.last_op + 1;
        self.last_op += operations.len() as u64;
        self.heads.sort_unstable();
        let deps = self.heads.clone();
        let change = Change::from(ExpandedChange {
            operations,
            actor_id: self.actor.clone(),
            hash: None,
            seq: self.seq,
            start_op: NonZeroU64::new(start).unwrap_or(NonZeroU64::MIN),
            time: 1_700_000_000,
            message: None,
            deps: deps.clone(),
            extra_bytes: Vec::new(),
            author: None,
        });
        let hash = change.hash();
        self.heads = vec![hash];
        self.recent.push_back(hash);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        Edit { hash, deps, last_op: self.last_op, raw: Bytes::copy_from_slice(change.raw_bytes()) }
    }
}

/// A history of single-character changes, one behind another, by several pens in turns of `turn` changes.
#[derive(Debug)]
pub struct History {
    pens: Vec<Pen>,
    turn: usize,
    made: usize,
}

impl History {
    /// The history of so many writers.
    pub fn new(plan: &Plan, writers: usize, turn: usize) -> Self {
        let pens = (0..writers).map(|n| Pen::new(plan, 1000 + n as u64)).collect();
        Self { pens, turn, made: 0 }
    }

    /// The next turn: whose it is, and at most `left` changes.
    pub fn next(&mut self, plan: &Plan, left: usize) -> (usize, Vec<Edit>) {
        let who = self.made / self.turn % self.pens.len();
        let mut edits = Vec::new();
        for _ in 0..self.turn.min(left) {
            edits.push(self.pens[who].revise(plan));
        }
        self.made += self.turn;
        let (heads, last_op) = (self.pens[who].heads.clone(), self.pens[who].last_op);
        for pen in &mut self.pens {
            pen.heads.clone_from(&heads);
            pen.last_op = last_op;
        }
        (who, edits)
    }

    /// All changes of a history of that length, one after another.
    pub fn all(mut self, plan: &Plan, length: usize) -> Vec<(usize, Edit)> {
        let mut all = Vec::with_capacity(length);
        while all.len() < length {
            let (who, edits) = self.next(plan, length - all.len());
            all.extend(edits.into_iter().map(|edit| (who, edit)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::document::{imported, resolution, text};
    use automerge::Automerge;

    /// What the pens write without a document, Automerge applies to one.
    #[test]
    fn automerge_takes_what_pens_write() {
        let mut doc: Automerge = imported(&resolution(6, 600));
        let (plan, before) = (Plan::of(&doc), text(&doc));
        let history = History::new(&plan, 3, 10).all(&plan, 120);
        for (_, edit) in &history {
            doc.load_incremental(&edit.raw).unwrap();
        }
        assert_eq!(doc.get_changes(&[]).len(), 121);
        assert_eq!(doc.get_heads(), [history[119].1.hash]);
        assert_eq!(text(&doc), before, "all that was inserted is struck again");
        let mut pen = Pen::new(&plan, 5);
        let edit = pen.insert(&plan);
        doc.load_incremental(&edit.raw).unwrap();
        assert_eq!(text(&doc).len(), before.len() + 1);
    }
}
