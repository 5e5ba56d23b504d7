//! The attribution index: every element ever inserted, in document order, with its inserter and strikers.
//!
//! Folding one single-character change costs a few microseconds whatever the history, and memory is near the
//! document's own. What can be wrong with a change is found when it is resolved, before anything is folded.

pub(crate) mod build;
pub(crate) mod history;
pub mod id;
pub(crate) mod object;
pub(crate) mod operation;
pub(crate) mod sequence;
mod snapshot;
mod strikers;

pub use snapshot::SnapshotError;

use super::gate::Passed;
use super::resolve::{self, Rules};
use super::{ChangeIx, Roster, Settled};
use crate::id::{DelegationCode, ProvisionId};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange};
use hashbrown::HashMap;
use history::History;
use id::{ActorIx, OpId};
use object::{Object, Place, Version};
use operation::{Operation, Resolved};
use std::sync::Arc;

/// A change that cannot be folded: the log that it comes from is not one that the gate let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {hash} cannot be folded: {why}")]
pub struct FoldError {
    /// Which change.
    pub hash: ChangeHash,
    /// What is wrong with it.
    pub why: String,
}

/// The index.
#[derive(Clone, Debug)]
pub struct Index {
    pub(crate) history: History,
    pub(crate) objects: HashMap<OpId, Object>,
    /// The list of provisions, once it exists.
    pub(crate) provisions: Option<OpId>,
    roster: Roster,
    /// Each actor's delegation, by number.
    owners: Arc<Vec<DelegationCode>>,
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl Index {
    /// The index of an empty document.
    pub fn new() -> Self {
        let objects = HashMap::from([(OpId::ROOT, Object::new(Place::Root))]);
        let (history, roster) = (History::default(), Roster::default());
        Self { history, objects, provisions: None, roster, owners: Arc::default() }
    }

    /// How many changes it holds; they are numbered in the order in which they were folded.
    pub fn len(&self) -> usize {
        self.history.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a change.
    pub fn position(&self, hash: &ChangeHash) -> Option<ChangeIx> {
        self.history.position(hash)
    }

    /// The hash of a change.
    pub fn hash_at(&self, ix: ChangeIx) -> Option<ChangeHash> {
        self.history.entry(ix).map(|entry| entry.hash)
    }

    /// What a change was built on.
    pub fn deps_at(&self, ix: ChangeIx) -> &[ChangeIx] {
        self.history.deps(ix)
    }

    /// Whose a change is.
    pub fn delegation_at(&self, ix: ChangeIx) -> Option<&DelegationCode> {
        self.owners.get(self.history.author(ix)?.0 as usize)
    }

    /// The seq of an actor's last change; 0 before its first.
    pub fn last_seq(&self, actor: &ActorId) -> u64 {
        self.history.actor(actor).map_or(0, |actor| self.history.of_actor(actor).len() as u64)
    }

    /// The current heads, ascending.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.history.heads.iter().copied().collect()
    }

    /// Which actor is whose.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// All operations in the history of `heads` adopted, and nothing else settled; `None` where one of them is
    /// unknown.
    pub fn adopted_at(&self, heads: &[ChangeHash]) -> Option<Settled> {
        self.history.clock(heads).map(Settled::adopting)
    }

    /// The list of provisions.
    pub(crate) fn provisions_list(&self) -> Option<OpId> {
        self.provisions
    }

    /// The element that stands for a provision in the document.
    pub(crate) fn provision_named(&self, id: &ProvisionId, settled: &Settled) -> Option<OpId> {
        let (counter, actor) = id.0.split_once('@')?;
        let actor = self.actor(&ActorId::try_from(actor).ok()?)?;
        let named = OpId { actor, counter: counter.parse().ok()? };
        let list = self.objects.get(&self.provisions?)?;
        let there = list.sequence.contains(named);
        there.then(|| settled.likeness(named).map_or(named, |likeness| likeness.body.id))
    }

    /// An actor's number.
    pub fn actor(&self, id: &ActorId) -> Option<ActorIx> {
        self.history.actor(id)
    }

    /// An actor by its number.
    pub fn actor_at(&self, ix: ActorIx) -> Option<&ActorId> {
        self.history.actors.get(ix.0 as usize)
    }

    /// The hashes of all changes in the history of `heads`, those included; `None` where one is unknown.
    pub fn ancestors(&self, heads: &[ChangeHash]) -> Option<Vec<ChangeHash>> {
        let mut stack: Vec<ChangeIx> = heads.iter().map(|hash| self.position(hash)).collect::<Option<_>>()?;
        let (mut seen, mut all) = (vec![false; self.len()], Vec::new());
        while let Some(ix) = stack.pop() {
            if let Some(flag @ false) = seen.get_mut(ix.0 as usize) {
                *flag = true;
                all.extend(self.hash_at(ix));
                stack.extend_from_slice(self.deps_at(ix));
            }
        }
        Some(all)
    }

    /// Whether the author of `later` had `earlier` before them (it is among its ancestors, or the same).
    pub fn saw(&self, later: ChangeIx, earlier: ChangeIx) -> bool {
        self.history.saw(later, earlier)
    }

    /// Folds a change that passed the gate against this very index.
    pub fn fold(&mut self, passed: Passed) -> ChangeIx {
        self.apply(passed.resolved, &passed.delegation)
    }

    /// Folds a change from a trusted log (the server's own, or a replica's copy of it).
    /// A change that is already known is skipped.
    ///
    /// # Errors
    /// [`FoldError`], and then the index is unchanged.
    pub fn replay(&mut self, change: &Change, delegation: &DelegationCode) -> Result<ChangeIx, FoldError> {
        if let Some(known) = self.position(&change.hash()) {
            return Ok(known);
        }
        self.replay_decoded(change, &change.decode(), delegation)
    }

    /// The same with the change's decoded form, for whoever has it already.
    pub(crate) fn replay_decoded(
        &mut self,
        change: &Change,
        decoded: &ExpandedChange,
        delegation: &DelegationCode,
    ) -> Result<ChangeIx, FoldError> {
        let error = |why: String| FoldError { hash: change.hash(), why };
        let owner = self.roster.owner(change.actor_id());
        if let Some(owner) = owner.filter(|owner| *owner != delegation) {
            return Err(error(format!("its actor belongs to {owner}, not to {delegation}")));
        }
        let resolved = resolve::resolve(self, change, decoded, Rules::TRUSTED)
            .map_err(|refusal| error(refusal.to_string()))?;
        Ok(self.apply(resolved, delegation))
    }

    /// Folds a resolved change: nothing can be wrong with it any more.
    fn apply(&mut self, resolved: Resolved, delegation: &DelegationCode) -> ChangeIx {
        let (start, count, time) = (resolved.start, resolved.count, resolved.time);
        let ix = self.history.push(resolved.hash, &resolved.actor, start, count, time, &resolved.deps);
        if self.history.actors.len() > self.owners.len() {
            Arc::make_mut(&mut self.owners).push(delegation.clone());
            let bound = self.roster.bind(&resolved.actor, delegation);
            debug_assert!(bound, "an actor is bound once");
        }
        for operation in resolved.operations {
            self.perform(operation, ix);
        }
        ix
    }

    /// Notes which provision an operation touches.
    fn touch(&mut self, operation: &Operation, ix: ChangeIx) {
        let object = match *operation {
            Operation::Put { map, .. } | Operation::Delete { map, .. } => map,
            Operation::InsertCharacter { text, .. } => text,
            // An element of the list is the provision of that name.
            Operation::Strike { sequence, element, .. } if Some(sequence) == self.provisions => element,
            Operation::Strike { sequence, .. } => sequence,
            Operation::InsertProvision { .. } => return,
        };
        let place = self.objects.get(&object).map(|object| object.place);
        let provision = match place {
            Some(Place::Provision) => object,
            Some(Place::Text(provision) | Place::Suppressed(provision)) => provision,
            // A text in place of a field is written by the change that puts it there, and by no other.
            Some(Place::Root | Place::Fixed | Place::Provisions | Place::FieldText(_)) | None => return,
        };
        if let Some(provision) = self.objects.get_mut(&provision) {
            provision.touched = ix.0.saturating_add(1);
        }
    }

    fn perform(&mut self, operation: Operation, ix: ChangeIx) {
        self.touch(&operation, ix);
        match operation {
            Operation::Put { id, map, key, value, makes, replaces } => {
                if let Some(place) = makes {
                    self.objects.insert(id, Object::new(place));
                    if place == Place::Provisions {
                        self.provisions = Some(id);
                    }
                }
                let actors = &self.history.actors;
                let order = |a: OpId, b: OpId| {
                    (a.counter, actor(actors, a.actor)).cmp(&(b.counter, actor(actors, b.actor)))
                };
                if let Some(object) = self.objects.get_mut(&map) {
                    let versions = object.keys.entry(key).or_default();
                    replace(versions, &replaces, ix);
                    let place = versions.partition_point(|other| order(other.id, id).is_lt());
                    versions.insert(place, Version { id, value, replaced: Vec::new() });
                }
            }
            Operation::Delete { map, key, replaces } => {
                if let Some(versions) =
                    self.objects.get_mut(&map).and_then(|object| object.keys.get_mut(&key))
                {
                    replace(versions, &replaces, ix);
                }
            }
            Operation::InsertCharacter { id, text, after, character } => {
                self.insert(text, id, after, Some(character));
            }
            Operation::InsertProvision { id, list, after } => {
                self.insert(list, id, after, None);
                self.objects.insert(id, Object::new(Place::Provision));
            }
            Operation::Strike { sequence, element, len } => {
                if let Some(object) = self.objects.get_mut(&sequence) {
                    let struck = object.sequence.strike(element, len, ix);
                    debug_assert!(struck, "resolved operations name elements that exist");
                }
            }
        }
    }

    fn insert(&mut self, sequence: OpId, id: OpId, after: Option<OpId>, character: Option<char>) {
        let actors = &self.history.actors;
        let above = |a, b| actor(actors, a) > actor(actors, b);
        if let Some(object) = self.objects.get_mut(&sequence) {
            let inserted = object.sequence.insert(id, after, character, above);
            debug_assert!(inserted, "resolved operations name elements that exist");
        }
    }
}

/// Automerge breaks ties between equal counters by the actors' bytes.
fn actor(actors: &[ActorId], ix: ActorIx) -> Option<&ActorId> {
    actors.get(ix.0 as usize)
}

fn replace(versions: &mut [Version], replaced: &[OpId], by: ChangeIx) {
    for version in versions.iter_mut().filter(|version| replaced.contains(&version.id)) {
        if let Err(place) = version.replaced.binary_search(&by) {
            version.replaced.insert(place, by);
        }
    }
}
