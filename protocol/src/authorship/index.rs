//! The attribution index: every element ever inserted, in document order, with its inserter and strikers.

use super::gate::Passed;
use super::{ChangeIx, Record, Roster};
use crate::id::DelegationCode;
use automerge::{Change, ChangeHash};

/// A change that cannot be folded: the log that it comes from is not one that the gate let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {hash} cannot be folded: {why}")]
pub struct FoldError {
    /// Which change.
    pub hash: ChangeHash,
    /// What is wrong with it.
    pub why: String,
}

/// Which operations are adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {}

/// The index.
#[derive(Clone, Debug, Default)]
pub struct Index {}

impl Index {
    /// The index of an empty document.
    pub fn new() -> Self {
        unimplemented!()
    }
    /// How many changes it holds; they are numbered in the order in which they were folded.
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The number of a change.
    pub fn position(&self, hash: &ChangeHash) -> Option<ChangeIx> {
        let _ = hash;
        unimplemented!()
    }
    /// The current heads, ascending.
    pub fn heads(&self) -> Vec<ChangeHash> {
        unimplemented!()
    }
    /// Folds a change that passed the gate against this very index.
    pub fn fold(&mut self, passed: Passed) -> ChangeIx {
        let _ = passed;
        unimplemented!()
    }
    /// Folds a change from a trusted log (the server's own, or a replica's copy of it).
    /// A change that is already known is skipped.
    ///
    /// # Errors
    /// [`FoldError`], and then the index is unchanged.
    pub fn replay(&mut self, change: &Change, delegation: &DelegationCode) -> Result<ChangeIx, FoldError> {
        let _ = (change, delegation);
        unimplemented!()
    }
    /// Which actor is whose.
    pub fn roster(&self) -> &Roster {
        unimplemented!()
    }
    /// The set of all operations in the history of `heads`; `None` where one of them is unknown.
    pub fn adopted_at(&self, heads: &[ChangeHash]) -> Option<Adopted> {
        let _ = heads;
        unimplemented!()
    }
    /// All provisions with their deeds, relative to what is adopted.
    pub fn record(&self, adopted: &Adopted) -> Record {
        let _ = adopted;
        unimplemented!()
    }
    /// Whether the author of `later` had `earlier` before them (it is among its ancestors).
    pub fn saw(&self, later: ChangeIx, earlier: ChangeIx) -> bool {
        let _ = (later, earlier);
        unimplemented!()
    }
}
