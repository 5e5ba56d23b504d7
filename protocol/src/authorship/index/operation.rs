//! A change's operations with every id resolved against the index: what the gate checks and the index folds.

use super::id::OpId;
use super::object::{Place, Value};
use crate::authorship::ChangeIx;
use automerge::{ActorId, ChangeHash};

/// One operation.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Gives a key of a map a value; `makes` where the value is a new object.
    Put { id: OpId, map: OpId, key: String, value: Value, makes: Option<Place>, replaces: Vec<OpId> },
    /// Deletes a key of a map.
    Delete { map: OpId, key: String, replaces: Vec<OpId> },
    /// Inserts a character into a text.
    InsertCharacter { id: OpId, text: OpId, after: Option<OpId>, character: char },
    /// Inserts a provision.
    InsertProvision { id: OpId, list: OpId, after: Option<OpId> },
    /// Strikes characters or removes provisions: `len` from this element on, by counter. As many operations of the
    /// change, one behind the other.
    Strike { sequence: OpId, element: OpId, len: u32 },
}

/// A change, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) hash: ChangeHash,
    pub(crate) actor: ActorId,
    pub(crate) start: u32,
    /// How many operations the change has.
    pub(crate) count: u32,
    pub(crate) time: i64,
    pub(crate) deps: Vec<ChangeIx>,
    pub(crate) operations: Vec<Operation>,
}
