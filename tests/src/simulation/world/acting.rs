//! Decisions: what is asked of the hub is decided at once, and answered, told and shown once it is durable.

use super::super::server::Due;
use super::super::{Violation, house};
use super::World;
use codraft_protocol::api::By;
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::round::Refusal;
use codraft_server::document::Ends;
use codraft_server::hub::{Effect, Event, NewEntry};
use codraft_server::storage::record::ledger;
use rand::Rng as _;
use rand::rngs::StdRng;

impl World {
    /// Somebody decides something.
    pub(super) fn act(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let delegates = self.clients.iter().filter(|client| client.may_write()).map(|client| By {
            account: client.member.account.clone(),
            role: Some(Role::Delegate),
            delegation: client.member.delegation.clone(),
        });
        let delegates: Vec<By> = delegates.collect();
        let Some(server) = self.server.as_mut().filter(|server| !server.is_asked()) else { return Ok(()) };
        let (by, command) = house::wish(&server.hub, &delegates, self.now, rng);
        let mut effects = Vec::new();
        let outcome = server.hub.act(self.now, &command, by.clone(), &mut effects);
        match &outcome {
            Err(Refusal::Hand(why)) => {
                return Err(Violation::new("the hand can write", format!("{command:?}: {why}")));
            }
            Err(_) if !effects.is_empty() => {
                return Err(Violation::new("a refusal changes nothing", format!("{command:?}: {effects:?}")));
            }
            _ => {}
        }
        self.tell(|_| format!("     {} asks for {command:?}: {outcome:?}", by.account));
        let asked = outcome.as_ref().is_ok_and(Option::is_some);
        self.tally.acts += u64::from(asked);
        self.perform_all(effects, Some(Due::Answer(outcome.ok().flatten())), rng)
    }

    /// Somebody asks what there is.
    pub(super) fn ask(&mut self) -> Result<(), Violation> {
        if let Some(server) = self.server.as_mut().filter(|server| !server.is_asked()) {
            server.await_durable(Due::Ask);
        }
        self.let_out()
    }

    /// Nobody has written for a moment.
    pub(super) fn quiet(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        match &self.server {
            Some(server) if !server.is_asked() => self.event(Event::Quiet, rng),
            _ => Ok(()),
        }
    }

    /// An entry, and what the hand wrote for it.
    pub(super) fn enter(&mut self, new: Box<NewEntry>) -> Result<(), Violation> {
        let secretariat = DelegationCode::secretariat();
        if let Some(change) = &new.change {
            let hash = chunk::hash(&change.raw);
            let hash = hash.ok_or_else(|| Violation::new("the hand can write", "no change".to_owned()))?;
            self.truth.wrote(&secretariat, hash, None);
            if change.delegation != secretariat {
                let how = format!("the hand's {hash} is stored as {}'s", change.delegation);
                return Err(Violation::new("attribution", how));
            }
            if new.entry.hand.as_ref().is_none_or(|hand| hand.change != hash.to_string()) {
                return Err(Violation::new("ledger", format!("{hash} is not its entry's")));
            }
        }
        self.tell(|_| format!("     entry {} ({:?})", new.entry.number, new.entry.hand));
        self.entered.insert(new.entry.number, ledger::encode(&new.entry));
        if let Some(server) = &mut self.server {
            server.enter(new);
        }
        Ok(())
    }

    /// Answers and events leave once they may.
    pub(super) fn let_out(&mut self) -> Result<(), Violation> {
        while let Some(due) = self.server.as_mut().and_then(|server| server.next_due()) {
            let early = |what: String| Err(Violation::new("nothing leaves before it is durable", what));
            match due {
                Due::Answer(None) => {}
                Due::Publish(entry) | Due::Answer(Some(entry)) => {
                    if self.disk.entry(entry).is_none()
                        || self.disk.entry(entry) != self.entered.get(&entry).cloned()
                    {
                        return early(format!(
                            "entry {entry} is told of, and would not survive a power loss"
                        ));
                    }
                    self.answered.extend(self.disk.entry(entry).map(|stored| (entry, stored)));
                }
                Due::Ask => {
                    let Some(server) = &self.server else { continue };
                    let (shown, kept) = (Ends::of(&server.hub), self.disk.ends());
                    if !kept.reach(shown) {
                        return early(format!("an answer tells of {shown:?}, and {kept:?} would survive"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Performs effects, and lets somebody wait for them, unless the server ends before.
    pub(super) fn perform_all(
        &mut self,
        effects: Vec<Effect>,
        due: Option<Due>,
        rng: &mut StdRng,
    ) -> Result<(), Violation> {
        for effect in effects {
            if self.ends_here(rng) {
                return Ok(());
            }
            self.perform(effect)?;
        }
        if self.ends_here(rng) {
            return Ok(());
        }
        if let Some(server) = &mut self.server {
            due.into_iter().for_each(|due| server.await_durable(due));
        }
        if rng.random_bool(0.7) {
            self.hand_in();
        }
        self.let_out()
    }
}
