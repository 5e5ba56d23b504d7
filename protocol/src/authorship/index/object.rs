//! The objects of a document, and what each is for in the schema.

use super::id::OpId;
use super::sequence::Sequence;
use crate::authorship::ChangeIx;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an object is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// The root map.
    Root,
    /// The layout, or whatever else the import put at the root; nobody edits it.
    Fixed,
    /// The list of provisions.
    Provisions,
    /// A provision (its id is the element's).
    Provision,
    /// A provision's text.
    Text(OpId),
    /// A Text that a client wrote in place of a scalar field, in the change that holds this operation.
    FieldText(OpId),
    /// A provision's map of suppressions.
    Suppressed(OpId),
}

impl Place {
    /// Whether it is a list or text.
    pub(crate) fn is_sequence(self) -> bool {
        matches!(self, Self::Provisions | Self::Text(_) | Self::FieldText(_))
    }
}

/// A value in a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Object(OpId),
    Other,
}

/// One value that a key was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: OpId,
    pub(crate) value: Value,
    /// The changes that replaced or deleted it, ascending.
    pub(crate) replaced: Vec<ChangeIx>,
}

/// An object with its history.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) place: Place,
    /// Of a map: every version of every key, in ascending order of operation id.
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
    /// Of a list or text.
    pub(crate) sequence: Sequence,
    /// Of a provision: how many changes there were when one last touched it or anything in it.
    pub(crate) touched: u32,
}

impl Object {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, keys: BTreeMap::new(), sequence: Sequence::default(), touched: 0 }
    }

    /// All versions of a key.
    pub(crate) fn versions(&self, key: &str) -> &[Version] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }
}
