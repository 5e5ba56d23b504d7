//! Decisions: what is asked of the hub is decided at once, and answered, told and shown once it is durable.

use super::super::server::Due;
use super::super::{Violation, house};
use super::World;
use codraft_protocol::api::By;
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
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
        let (id, now) = (self.common, self.now);
        let Some(open) = self.open(id).filter(|open| !open.is_asked()) else { return Ok(()) };
        let (by, command) = house::wish(&open.hub, &delegates, now, rng);
        let mut effects = Vec::new();
        let outcome = open.hub.act(now, &command, by.clone(), &mut effects);
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
        self.perform_all(id, effects, Some(Due::Answer(outcome.ok().flatten())), rng)
    }

    /// Somebody asks what there is.
    pub(super) fn ask(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let id = self.any_document(rng);
        if let Some(open) = self.open(id).filter(|open| !open.is_asked()) {
            open.await_durable(Due::Ask);
        }
        self.let_out(id)
    }

    /// A document, the common one where there is no other.
    pub(super) fn any_document(&self, rng: &mut StdRng) -> DocumentId {
        match self.ids()[..] {
            [only] => only,
            ref ids => ids[rng.random_range(0..ids.len())],
        }
    }

    /// Nobody has written for a moment.
    pub(super) fn quiet(&mut self, id: DocumentId, rng: &mut StdRng) -> Result<(), Violation> {
        match self.open(id) {
            Some(open) if !open.is_asked() => self.event(id, Event::Quiet, rng),
            _ => Ok(()),
        }
    }

    /// An entry, and what the hand wrote for it.
    pub(super) fn enter(&mut self, id: DocumentId, new: Box<NewEntry>) -> Result<(), Violation> {
        let secretariat = DelegationCode::secretariat();
        if let Some(change) = &new.change {
            let hash = chunk::hash(&change.raw);
            let hash = hash.ok_or_else(|| Violation::new("the hand can write", "no change".to_owned()))?;
            self.truth.turns_to(id);
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
        self.papers(id).entered.insert(new.entry.number, ledger::encode(&new.entry));
        if let Some(open) = self.open(id) {
            open.enter(new);
        }
        Ok(())
    }

    /// Answers and events leave once they may.
    pub(super) fn let_out(&mut self, id: DocumentId) -> Result<(), Violation> {
        while let Some(due) = self.open(id).and_then(|open| open.next_due()) {
            let early = |what: String| Err(Violation::new("nothing leaves before it is durable", what));
            match due {
                Due::Answer(None) => {}
                Due::Publish(entry) | Due::Answer(Some(entry)) => {
                    let stored = self.disk.entry(id, entry);
                    if stored.is_none() || stored.as_ref() != self.papers(id).entered.get(&entry) {
                        return early(format!(
                            "entry {entry} is told of, and would not survive a power loss"
                        ));
                    }
                    self.papers(id).answered.extend(stored.map(|stored| (entry, stored)));
                }
                Due::Ask | Due::AskFor(_) => {
                    let kept = self.disk.ends(id);
                    let Some(open) = self.open(id) else { continue };
                    let shown = Ends::of(&open.hub);
                    if !kept.reach(shown) {
                        return early(format!("an answer tells of {shown:?}, and {kept:?} would survive"));
                    }
                    if let Due::AskFor(errand) = due {
                        self.is_told(id, errand)?;
                    }
                }
                Due::AnswerTo(errand) => self.is_answered(errand)?,
            }
        }
        Ok(())
    }

    /// Performs effects, and lets somebody wait for them, unless the server ends before.
    pub(super) fn perform_all(
        &mut self,
        id: DocumentId,
        effects: Vec<Effect>,
        due: Option<Due>,
        rng: &mut StdRng,
    ) -> Result<(), Violation> {
        for effect in effects {
            if self.ends_here(rng) {
                return Ok(());
            }
            self.perform(id, effect)?;
        }
        if self.ends_here(rng) {
            return Ok(());
        }
        if let Some(open) = self.open(id) {
            due.into_iter().for_each(|due| open.await_durable(due));
        }
        if rng.random_bool(0.7) {
            self.hand_in(id);
        }
        self.let_out(id)
    }
}
