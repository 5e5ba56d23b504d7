//! The index as bytes, and back from them: a long history need not be folded again to be opened.
//!
//! A snapshot says nothing that the log does not say. Whoever keeps one sees to it that it is of that very log, and
//! folds the changes that came later.

use super::Index;
use super::id::OpId;
use super::object::{Object, Place, Version};
use super::sequence::Sequence;
use crate::authorship::ChangeIx;
use crate::id::DelegationCode;
use automerge::{ActorId, ChangeHash};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The form of a snapshot. One of another form is as good as none.
const FORM: u32 = 1;

/// Bytes that are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no snapshot of an index: {0}")]
pub struct SnapshotError(String);

fn error(why: impl ToString) -> SnapshotError {
    SnapshotError(why.to_string())
}

/// What comes first.
#[derive(Serialize, Deserialize)]
struct Head {
    form: u32,
    actors: u32,
    changes: u32,
    objects: u32,
    provisions: Option<OpId>,
}

#[derive(Serialize, Deserialize)]
struct ActorRow<'a> {
    id: &'a [u8],
    delegation: DelegationCode,
}

/// A change; behind it, for each of its dependencies, how many changes ago that one was.
#[derive(Serialize, Deserialize)]
struct ChangeRow {
    hash: [u8; 32],
    actor: u32,
    start: u32,
    operations: u32,
    time: i64,
    deps: u32,
}

/// An object; behind it its keys, each with its versions, and its runs.
#[derive(Serialize, Deserialize)]
struct ObjectRow {
    id: OpId,
    place: Place,
    touched: u32,
    keys: u32,
    runs: u32,
}

/// Consecutive elements; behind them the changes that struck them.
#[derive(Serialize, Deserialize)]
struct RunRow<'a> {
    id: OpId,
    len: u32,
    text: &'a str,
    struck: u32,
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, row: &impl Serialize) {
        // Plain data into memory has no way to fail.
        self.0 = postcard::to_extend(row, std::mem::take(&mut self.0)).unwrap_or_default();
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, SnapshotError> {
        let (row, rest) = postcard::take_from_bytes(self.0).map_err(error)?;
        self.0 = rest;
        Ok(row)
    }
}

impl Index {
    /// The index as bytes: the same ones for the same changes in the same order.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut to = Writer::default();
        let mut objects: Vec<(&OpId, &Object)> = self.objects.iter().collect();
        objects.sort_unstable_by_key(|(id, _)| **id);
        to.put(&Head {
            form: FORM,
            actors: count(self.history.actors.len()),
            changes: count(self.len()),
            objects: count(objects.len()),
            provisions: self.provisions,
        });
        for (id, delegation) in self.history.actors.iter().zip(self.owners.iter()) {
            to.put(&ActorRow { id: id.to_bytes(), delegation: delegation.clone() });
        }
        for (entry, ix) in self.history.entries.iter().zip(0..) {
            let deps = self.history.deps(ChangeIx(ix));
            to.put(&ChangeRow {
                hash: entry.hash.0,
                actor: entry.actor.0,
                start: entry.start,
                operations: entry.operations,
                time: entry.time,
                deps: count(deps.len()),
            });
            deps.iter().for_each(|dep| to.put(&(ix - dep.0)));
        }
        for (id, object) in objects {
            let runs = count(object.sequence.iter().count());
            let (place, touched, keys) = (object.place, object.touched, count(object.keys.len()));
            to.put(&ObjectRow { id: *id, place, touched, keys, runs });
            object.keys.iter().for_each(|row| to.put(&row));
            for run in object.sequence.iter() {
                let struck = object.sequence.strikers(run);
                to.put(&RunRow { id: run.id, len: run.len, text: &run.text, struck: count(struck.len()) });
                struck.iter().for_each(|change| to.put(change));
            }
        }
        to.0
    }

    /// The index that a snapshot is of.
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn of_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut from = Reader(bytes);
        let head: Head = from.take()?;
        if head.form != FORM {
            return Err(error(format!("form {} is unknown", head.form)));
        }
        let mut index = Self { provisions: head.provisions, ..Self::new() };
        index.objects.clear();
        let mut actors = Vec::new();
        for _ in 0..head.actors {
            let ActorRow { id, delegation } = from.take()?;
            let id = ActorId::from(id);
            if !index.roster.bind(&id, &delegation) {
                return Err(error("an actor of two delegations"));
            }
            actors.push(id);
            Arc::make_mut(&mut index.owners).push(delegation);
        }
        // Each has its hash here, so there cannot be more.
        index.history.reserve((head.changes as usize).min(bytes.len() / 32));
        let mut deps = Vec::new();
        for ix in 0..head.changes {
            let row: ChangeRow = from.take()?;
            for _ in 0..row.deps {
                let ago: u32 = from.take()?;
                let dep = ix.checked_sub(ago).filter(|dep| *dep < ix);
                deps.push(ChangeIx(dep.ok_or_else(|| error("a change builds on a later one"))?));
            }
            let actor = actors.get(row.actor as usize).ok_or_else(|| error("an unknown actor"))?;
            let ix =
                index.history.push(ChangeHash(row.hash), actor, row.start, row.operations, row.time, &deps);
            if index.history.entry(ix).is_none_or(|entry| entry.actor.0 != row.actor) {
                return Err(error("its actors are in another order"));
            }
            deps.clear();
        }
        if index.history.actors.len() != actors.len() {
            return Err(error("an actor without a change"));
        }
        index.history.shrink();
        for _ in 0..head.objects {
            let row: ObjectRow = from.take()?;
            let mut object = Object { touched: row.touched, ..Object::new(row.place) };
            for _ in 0..row.keys {
                let (key, versions): (String, Vec<Version>) = from.take()?;
                object.keys.insert(key, versions);
            }
            let mut runs = Vec::new();
            for _ in 0..row.runs {
                let RunRow { id, len, text, struck } = from.take()?;
                let struck = (0..struck).map(|_| from.take()).collect::<Result<_, _>>()?;
                runs.push((id, len, text.into(), struck));
            }
            object.sequence = Sequence::of_runs(runs).ok_or_else(|| error("a run that is not one"))?;
            if index.objects.insert(row.id, object).is_some() {
                return Err(error("an object twice"));
            }
        }
        if !from.0.is_empty() {
            return Err(error(format!("{} bytes too many", from.0.len())));
        }
        Ok(index)
    }
}
