//! Who did what in the document: its attribution index, folded anew, or taken up where an earlier command left it.
//!
//! Folding 200 pages costs a good part of a second, and every command that derives proposals needs it. So an index
//! can be kept: what is kept says nothing that the document does not say, and counts only where it is whole, holds
//! nothing but changes of this very document, and has each actor with the delegation that it belongs to. Whatever
//! came later is folded on top of it.

use super::ReplicaError;
use crate::store::Facts;
use automerge::{ActorId, Author, Automerge, Change, ReadDoc};
use codraft_protocol::authorship::Index;
use codraft_protocol::id::DelegationCode;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What a kept index begins with; the SHA-256 of the rest follows. Another version may fold otherwise.
const MAGIC: &[u8] = concat!("codraft index ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();
const SUM: usize = 32;
/// So many changes are folded sooner than an index of a long document is written once more.
const BEHIND: usize = 64;

/// An index, and how much of it was kept before.
#[derive(Clone, Debug)]
pub(super) struct Attribution {
    pub(super) index: Index,
    /// Changes that it was taken up with; 0: it was folded anew.
    taken_up: usize,
}

/// Whose each actor is: by the server's roster, else by its own label, which the server's gate has held against the
/// roster.
pub(super) struct Owners<'a> {
    listed: HashMap<&'a [u8], &'a str>,
    doc: &'a Automerge,
}

impl<'a> Owners<'a> {
    pub(super) fn new(facts: &'a Facts, doc: &'a Automerge) -> Self {
        Self { listed: listed(facts), doc }
    }

    /// `None`: nothing says so.
    pub(super) fn of(&self, actor: &ActorId) -> Option<DelegationCode> {
        let by_roster = self.listed.get(actor.to_bytes()).and_then(|code| code.parse().ok());
        by_roster.or_else(|| labelled(self.doc.get_author_for_actor(actor)))
    }

    /// Whose its words count as. Where nothing says so, the secretariat's: nothing is put down to a delegation that it may
    /// not have done.
    fn counted(&self, actor: &ActorId) -> DelegationCode {
        self.of(actor).unwrap_or_else(DelegationCode::secretariat)
    }
}

fn listed(facts: &Facts) -> HashMap<&[u8], &str> {
    facts.roster.iter().map(|(actor, code)| (actor.as_slice(), code.as_str())).collect()
}

fn labelled(label: Option<Author<'_>>) -> Option<DelegationCode> {
    std::str::from_utf8(label?.as_bytes()).ok()?.parse().ok()
}

/// Folds changes, each after those that it builds on.
///
/// # Errors
/// [`ReplicaError::Attribution`]; the index holds some of them then.
pub(super) fn fold(
    index: &mut Index,
    changes: &[Change],
    owner: impl Fn(&Change) -> DelegationCode,
) -> Result<(), ReplicaError> {
    for change in changes {
        let folded = index.replay(change, &owner(change));
        folded.map_err(|error| ReplicaError::Attribution(error.to_string()))?;
    }
    Ok(())
}

impl Attribution {
    /// The document's, from what was kept where that counts.
    ///
    /// # Errors
    /// [`ReplicaError::Attribution`]
    pub(super) fn of(doc: &Automerge, facts: &Facts, kept: Option<&[u8]>) -> Result<Self, ReplicaError> {
        let taken_up = kept.and_then(unpacked).and_then(|index| {
            let mut all = Self { taken_up: index.len(), index };
            all.goes_on(doc, facts).then_some(all)
        });
        match taken_up {
            Some(all) => Ok(all),
            None => {
                let (mut index, owners) = (Index::new(), Owners::new(facts, doc));
                let owner = |change: &Change| owners.counted(change.actor_id());
                fold(&mut index, &doc.get_changes(&[]), owner)?;
                Ok(Self { index, taken_up: 0 })
            }
        }
    }

    /// Of changes that have just come for an empty document, by their labels alone; whoever has the document then
    /// asks whether it [goes on](Self::goes_on) as that one's. `None`: they cannot be read so.
    pub(super) fn of_chunks<'a>(chunks: impl Iterator<Item = &'a [u8]>, facts: &Facts) -> Option<Self> {
        let listed = listed(facts);
        let mut index = Index::new();
        for chunk in chunks {
            let change = Change::try_from(chunk).ok()?;
            let actor = change.actor_id();
            let by_roster = listed.get(actor.to_bytes()).and_then(|code| code.parse().ok());
            // Only an actor's first change need carry its label.
            let by_label = || labelled(change.author()).or_else(|| index.roster().owner(actor).cloned());
            let owner = by_roster.or_else(by_label).unwrap_or_else(DelegationCode::secretariat);
            index.replay(&change, &owner).ok()?;
        }
        Some(Self { index, taken_up: 0 })
    }

    /// It with this index, which it was made of or goes on from.
    pub(super) fn with(&self, index: Index) -> Self {
        Self { index, taken_up: self.taken_up }
    }

    /// Brings it up to the document, where it is of that document and has every actor with its delegation. Returns
    /// whether it is the document's now; if not, it is to be thrown away.
    pub(super) fn goes_on(&mut self, doc: &Automerge, facts: &Facts) -> bool {
        let (owners, heads) = (Owners::new(facts, doc), self.index.heads());
        if !doc.get_missing_deps(&heads).is_empty() {
            return false;
        }
        // The document has its heads, and so all that it holds.
        let whose = |change: &Change| owners.counted(change.actor_id());
        fold(&mut self.index, &doc.get_changes(&heads), whose).is_ok()
            && self.index.roster().iter().all(|(actor, owner)| owners.counted(actor) == *owner)
    }

    /// Whether it goes on from what was kept.
    #[cfg(test)]
    pub(super) fn is_taken_up(&self) -> bool {
        self.taken_up > 0
    }

    /// The bytes to be kept; `None` where those that it was taken up from will do.
    pub(super) fn packed(&self) -> Option<Vec<u8>> {
        if self.taken_up > 0 && self.index.len() - self.taken_up < BEHIND {
            return None;
        }
        let snapshot = self.index.snapshot();
        Some([MAGIC, Sha256::digest(&snapshot).as_slice(), &snapshot].concat())
    }
}

/// The index that was kept; `None` where the bytes are not what was once written.
fn unpacked(kept: &[u8]) -> Option<Index> {
    let (sum, snapshot) = kept.strip_prefix(MAGIC)?.split_at_checked(SUM)?;
    (Sha256::digest(snapshot).as_slice() == sum).then(|| Index::of_snapshot(snapshot).ok()).flatten()
}
