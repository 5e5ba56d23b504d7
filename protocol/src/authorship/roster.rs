//! The table actor → delegation. An actor's first change arrives on a connection authenticated as a
//! delegation; from then on the actor is that delegation's.

use crate::id::DelegationCode;
use automerge::ActorId;
use hashbrown::HashMap;

/// Which delegation each actor belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    owners: HashMap<ActorId, DelegationCode>,
}

impl Roster {
    /// The owner of an actor, once it has made a change.
    pub fn owner(&self, actor: &ActorId) -> Option<&DelegationCode> {
        self.owners.get(actor)
    }

    /// Binds an actor for good. Returns whether it is now (or was already) `delegation`'s.
    #[must_use]
    pub fn bind(&mut self, actor: &ActorId, delegation: &DelegationCode) -> bool {
        self.owners.entry(actor.clone()).or_insert_with(|| delegation.clone()) == delegation
    }

    /// All bindings, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ActorId, &DelegationCode)> {
        self.owners.iter()
    }
}
