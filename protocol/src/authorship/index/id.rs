//! Operations and actors as small numbers.

/// An actor, numbered in the order in which the index met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ActorIx(pub(crate) u32);

/// An operation's id: a Lamport counter and its actor. The root object is [`OpId::ROOT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OpId {
    pub(crate) counter: u32,
    pub(crate) actor: ActorIx,
}

impl OpId {
    pub(crate) const ROOT: Self = Self { counter: 0, actor: ActorIx(0) };

    /// The id `n` operations later in the same change.
    pub(crate) fn plus(self, n: u32) -> Self {
        Self { counter: self.counter.saturating_add(n), actor: self.actor }
    }
}
