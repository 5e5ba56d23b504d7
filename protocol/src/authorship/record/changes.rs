//! The changes that deeds refer to.

use super::ChangeIx;
use crate::authorship::append_only::AppendOnly;
use crate::authorship::index::history::Entry;
use crate::id::DelegationCode;
use crate::time::Timestamp;
use automerge::ChangeHash;
use std::sync::Arc;

/// A change, as far as attribution is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeMeta<'a> {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its actor, numbered within this record: one actor's changes build on each other.
    pub actor: u32,
    /// Whose it is, by the roster.
    pub delegation: &'a DelegationCode,
    /// When its author says it was made.
    pub time: Timestamp,
}

/// Changes, shared with the index that they come from: a copy costs next to nothing, however long the history.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    entries: AppendOnly<Entry>,
    /// Each actor's delegation, by number.
    owners: Arc<Vec<DelegationCode>>,
}

impl Changes {
    pub(crate) fn new(entries: AppendOnly<Entry>, owners: Arc<Vec<DelegationCode>>) -> Self {
        Self { entries, owners }
    }

    /// A change by its number; `None` where there is none of it.
    pub fn get(&self, ix: ChangeIx) -> Option<ChangeMeta<'_>> {
        self.meta(self.entries.get(ix.0 as usize)?)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = ChangeMeta<'_>> {
        self.entries.iter().filter_map(|entry| self.meta(entry))
    }

    fn meta(&self, entry: &Entry) -> Option<ChangeMeta<'_>> {
        Some(ChangeMeta {
            hash: entry.hash,
            actor: entry.actor.0,
            delegation: self.owners.get(entry.actor.0 as usize)?,
            time: Timestamp::from_seconds(entry.time),
        })
    }
}
