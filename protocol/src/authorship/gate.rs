//! The check that each incoming change must pass before it touches the document.

use super::Index;
use crate::id::{DelegationCode, Role};
use automerge::Change;

/// Bounds on what a change may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one change, inflated.
    pub change_bytes: usize,
    /// Operations in one change.
    pub change_ops: u64,
    /// Provisions a document may ever have, removed ones included.
    pub provisions: usize,
    /// Characters one text may ever have, struck ones included.
    pub text_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { change_bytes: 1 << 20, change_ops: 100_000, provisions: 10_000, text_chars: 1_000_000 }
    }
}

/// Who a connection is authenticated as.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its role.
    pub role: Role,
    /// Its delegation: `None` for chair and observers.
    pub delegation: Option<&'a DelegationCode>,
}

/// Why a change is not let in. `Display` says it in words, to the person whose change it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The actor belongs to another delegation.
    #[error("this change is written by an actor of {owner}, but the connection is {sender}'s")]
    ForeignActor {
        /// Whose actor it is.
        owner: DelegationCode,
        /// Who sent it.
        sender: DelegationCode,
    },
}

impl Refusal {
    /// A stable code, such as `foreign-actor`, for logs, metrics and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignActor { .. } => "foreign-actor",
        }
    }
}

/// A change that passed: parsed, decoded, checked, ready to be folded.
#[derive(Debug)]
pub struct Passed {
    /// The change.
    pub change: Change,
    /// Whose it is.
    pub delegation: DelegationCode,
    // The decoded operations go here.
}

/// The gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Its limits.
    pub limits: Limits,
}

impl Gate {
    /// Checks one uncompressed change chunk against the document as it is.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn check(&self, index: &Index, sender: Sender<'_>, raw: &[u8]) -> Result<Passed, Refusal> {
        let _ = (index, sender, raw);
        unimplemented!()
    }
}
