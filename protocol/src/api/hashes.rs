//! Hashes of changes, as the API writes them: in hex.

use automerge::ChangeHash;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Hashes of changes. A copy shares them: a proposal that was written letter by letter has thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeHashes(Arc<[ChangeHash]>);

impl ChangeHashes {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ChangeHash> {
        self.0.iter()
    }

    /// Whether a change is one of them.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.0.contains(hash)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ChangeHash> for ChangeHashes {
    fn from_iter<T: IntoIterator<Item = ChangeHash>>(hashes: T) -> Self {
        Self(hashes.into_iter().collect())
    }
}

impl Serialize for ChangeHashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for ChangeHashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Vec::<String>::deserialize(deserializer)?;
        let read = written.iter().map(|hash| {
            hash.parse().map_err(|_| {
                D::Error::custom(format!(
                    "“{}” is not a change's hash",
                    hash.chars().take(64).collect::<String>()
                ))
            })
        });
        read.collect()
    }
}
