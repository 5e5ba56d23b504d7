//! Rounds, rulings and sponsors at the hub: what is decided becomes an entry of the ledger, and what follows for
//! the text becomes a change by the server's own hand, stored with it.

use super::{Effect, Hub, NewChange, NewEntry, Waiting};
use codraft_protocol::api::{By, DocumentEvent, RoundState};
use codraft_protocol::authorship::hand::Pen;
use codraft_protocol::id::DelegationCode;
use codraft_protocol::round::{Act, Command, Entry, Refusal};
use codraft_protocol::time::Timestamp;

/// The server itself, where nobody asked for it.
fn server() -> By {
    By { account: String::new(), role: None, delegation: None }
}

impl Hub {
    /// Decides what somebody asks for, and lets it be so. Returns the number of its entry, durable once the effect
    /// is performed; `None`: there is nothing to do.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn act(
        &mut self,
        now: Timestamp,
        command: &Command,
        by: By,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<u64>, Refusal> {
        let pen = Pen {
            actor: self.hand.clone(),
            time: now.0.div_euclid(1000),
            message: format!("ledger entry {}", self.proceedings.ledger.entries()),
        };
        let account = if by.account.is_empty() { "server".to_owned() } else { by.account.clone() };
        let Some((entry, change)) = self.proceedings.act(command, by, now, &pen)? else { return Ok(None) };
        let change = change.map(|change| {
            let raw = bytes::Bytes::copy_from_slice(change.raw_bytes());
            let number = self.log.push(&raw, &self.proceedings.index);
            self.waiting.push_back(Waiting { upto: self.log.len(), writer: None });
            NewChange { number, delegation: DelegationCode::secretariat(), account, raw }
        });
        let number = entry.number;
        let events = events(&entry);
        effects.push(Effect::Enter(Box::new(NewEntry { entry, change, events })));
        Ok(Some(number))
    }

    /// What can wait until nobody writes: numbers for new proposals, words that several delegations wrote alike,
    /// late edits of words that a ruling brought back, a deadline that has passed.
    pub(super) fn quiet(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let mut commands = vec![Command::Collapse];
        if self.proceedings.settled().has_hand() {
            commands.push(Command::Settle);
        }
        commands.push(Command::Number);
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            commands.push(Command::Close);
        }
        for command in commands {
            // Nothing here is refused for good: what does not fit now is tried again.
            if let Err(refusal) = self.act(now, &command, server(), effects) {
                effects.push(Effect::Publish(DocumentEvent::Refused {
                    delegation: None,
                    code: refusal.code().to_owned(),
                    reason: refusal.to_string(),
                }));
            }
        }
    }

    /// Puts on record what is not yet.
    ///
    /// # Errors
    /// See [`Hub::act`].
    pub fn put_on_record(&mut self, now: Timestamp, effects: &mut Vec<Effect>) -> Result<(), Refusal> {
        self.act(now, &Command::Number, server(), effects).map(drop)
    }

    /// When the open round closes by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        let round = self.proceedings.ledger.round().filter(|round| round.state == RoundState::Open);
        round.and_then(|round| round.deadline)
    }

    /// How many entries the ledger has, durable or not.
    pub fn entries(&self) -> u64 {
        self.proceedings.ledger.entries()
    }
}

/// What those who watch are told of an entry.
fn events(entry: &Entry) -> Vec<DocumentEvent> {
    let mut events = Vec::new();
    let mut tell = |proposals: Vec<String>, what: &str| {
        events.push(DocumentEvent::Proposals { proposals, what: what.to_owned() });
    };
    if !entry.numbered.is_empty() {
        tell(entry.numbered.iter().map(|one| one.number.to_string()).collect(), "numbered");
    }
    match &entry.act {
        Act::Rule { rulings } => tell(rulings.iter().map(|one| one.number.to_string()).collect(), "ruled"),
        Act::Join { number, .. } => tell(vec![number.to_string()], "joined"),
        Act::Withdraw { number, .. } => tell(vec![number.to_string()], "withdrew"),
        Act::Reason { number, .. } => tell(vec![number.to_string()], "reasons"),
        Act::Collapse { numbers, .. } => {
            tell(numbers.iter().map(ToString::to_string).collect(), "collapsed");
        }
        Act::Renumber { .. } => tell(Vec::new(), "renumbered"),
        Act::Move { .. } => tell(Vec::new(), "moved"),
        Act::Open { .. } | Act::Deadline { .. } | Act::Close { .. } | Act::Conclude { .. } => {}
        Act::Comment { .. } | Act::Reply { .. } | Act::Resolve { .. } => {}
        Act::Number | Act::Settle => {}
    }
    let comment = match &entry.act {
        Act::Comment { comment, .. } => Some((*comment, "commented")),
        Act::Reply { comment, .. } => Some((*comment, "replied")),
        Act::Resolve { comment, resolved: true } => Some((*comment, "resolved")),
        Act::Resolve { comment, resolved: false } => Some((*comment, "reopened")),
        _ => None,
    };
    events.extend(comment.map(|(comment, what)| DocumentEvent::Comments { comment, what: what.to_owned() }));
    let round = match &entry.act {
        Act::Open { round, .. } | Act::Deadline { round, .. } => Some((*round, RoundState::Open)),
        Act::Close { round } => Some((*round, RoundState::Closed)),
        Act::Conclude { round, .. } => Some((*round, RoundState::Concluded)),
        _ => None,
    };
    events.extend(round.map(|(round, state)| DocumentEvent::Round { round, state }));
    events
}
