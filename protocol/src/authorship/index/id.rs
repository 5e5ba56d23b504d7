//! Operations and actors as small numbers.

use serde::{Deserialize, Serialize};

/// An actor, numbered in the order in which the index met it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActorIx(pub u32);

/// An operation's id: a Lamport counter and its actor. The root object is [`OpId::ROOT`]. Sorted by actor first,
/// so that what one actor did in one go stands together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpId {
    /// Its actor.
    pub actor: ActorIx,
    /// Its counter.
    pub counter: u32,
}

impl OpId {
    pub(crate) const ROOT: Self = Self { counter: 0, actor: ActorIx(0) };

    /// The id `n` operations later in the same change.
    pub fn plus(self, n: u32) -> Self {
        Self { counter: self.counter.saturating_add(n), actor: self.actor }
    }
}
