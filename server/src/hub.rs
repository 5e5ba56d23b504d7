//! The pure hub of one document: events in, effects out. It decides; tasks perform.
//!
//! It reads no clock, no socket and no disk, so that the simulation can run it under any network and any
//! crash. The order for every incoming change is: gate (which folds it into the attribution index) → store
//! durably → relay → acknowledge. Nothing leaves this hub that is not durable: what has only passed the gate
//! is in the index and in the log, but beyond `durable`, and no message is made from there.

mod act;
mod answer;
mod event;
mod frame;
mod log;
mod peer;
mod quarantine;
pub mod read;
mod snapshot;
mod strings;

pub use event::{
    Budgets, Closing, ConnectionId, Effect, Event, Member, NetChange, NewChange, NewEntry, Refused,
};
pub use quarantine::Quarantine;
pub use snapshot::{Continued, Mismatch, Snapshot, Unparsed};

use crate::hub::log::Log;
use crate::hub::peer::Peer;
use crate::hub::quarantine::{Ending, Said, Taken};
use automerge::{ActorId, Change, ChangeHash};
use bytes::Bytes;
use codraft_protocol::api::DocumentEvent;
use codraft_protocol::authorship::index::FoldError;
use codraft_protocol::authorship::{ChangeIx, Gate, Index, Refusal, Sender, chunk};
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::round::{Entry, Proceedings, ReplayError};
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::time::Timestamp;
use codraft_protocol::wire::SharedFrame;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The code of a message that is no sync message; the gate's own codes are of single changes.
pub const MALFORMED_SYNC: &str = "malformed-sync";

/// Changes that wait to become durable.
#[derive(Debug)]
struct Waiting {
    /// Up to (not including) which change.
    upto: u32,
    /// Who sent them; nobody: the server's hand, or they came otherwise than over a connection.
    writer: Option<ConnectionId>,
}

/// A document's hub.
#[derive(Debug)]
pub struct Hub {
    /// The document's id and the server's peer id, as they stand in every frame.
    document_text: String,
    server: String,
    gate: Gate,
    budgets: Budgets,
    proceedings: Proceedings,
    /// The actor with which the server itself writes.
    hand: ActorId,
    log: Log,
    /// A draft that is tabled: it takes nothing any more.
    closed: bool,
    durable: u32,
    durable_heads: BTreeSet<ChangeHash>,
    waiting: VecDeque<Waiting>,
    peers: BTreeMap<ConnectionId, Peer>,
    quarantine: Quarantine,
    /// How many changes the snapshot has that was taken last.
    in_snapshot: u32,
    snapshot_every: u32,
    /// One of changes that are not all durable yet.
    early_snapshot: Option<Snapshot>,
    /// Everything durable, as it was last sent to somebody who had nothing: many who come at once share its bytes.
    everything: Option<SharedFrame>,
}

/// What a hub is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The document.
    pub document: DocumentId,
    /// The server's peer id.
    pub server: String,
    /// The heads of the imported text.
    pub baseline: Vec<ChangeHash>,
    /// What is in quarantine.
    pub quarantine: Quarantine,
    /// Whether it is a draft that is tabled.
    pub closed: bool,
    /// When it was imported.
    pub imported: Timestamp,
    /// The actor with which the server itself writes: random, and never used before.
    pub hand: ActorId,
    /// The gate's limits.
    pub gate: Gate,
    /// Per connection.
    pub budgets: Budgets,
    /// Changes that a snapshot lacks at least before another one is taken.
    pub snapshot_every: u32,
}

#[cfg(test)]
impl Settings {
    /// Those of a document that begins with this change.
    pub(crate) fn of(founding: ChangeHash) -> Self {
        Self {
            document: DocumentId::from_bytes([1; 16]),
            server: "server".into(),
            baseline: vec![founding],
            quarantine: Quarantine::default(),
            closed: false,
            imported: Timestamp(0),
            hand: ActorId::from([250; 16]),
            gate: Gate::default(),
            budgets: Budgets::default(),
            snapshot_every: 1000,
        }
    }
}

/// A log that is not a document's log.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// One is not there.
    #[error("change {number} is missing")]
    Missing {
        /// Which, counted from 0.
        number: usize,
    },
    /// A record that is not an Automerge change.
    #[error("change {number} of the log cannot be read: {why}")]
    Unreadable {
        /// Which, counted from 0.
        number: usize,
        /// What Automerge says.
        why: String,
    },
    /// A change that does not fit what stands before it.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The ledger does not fit the log.
    #[error(transparent)]
    Ledger(#[from] ReplayError),
}

/// A change of a log, parsed: which is half of the work of loading it, and needs no hub.
#[derive(Clone, Debug)]
pub struct Logged {
    change: Change,
    raw: Bytes,
    delegation: DelegationCode,
}

impl Logged {
    /// Parses change `number` of a log.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`]
    pub fn read(number: usize, raw: Bytes, delegation: DelegationCode) -> Result<Self, LoadError> {
        let change = Change::from_bytes(raw.to_vec());
        let change = change.map_err(|e| LoadError::Unreadable { number, why: e.to_string() })?;
        Ok(Self { change, raw, delegation })
    }
}

impl Hub {
    /// Rebuilds a document from its log, in order, and from its ledger.
    ///
    /// # Errors
    /// What `changes` says, or [`LoadError`]: the log is not one that this gate let through.
    pub fn load<E: From<LoadError>>(
        settings: Settings,
        changes: impl IntoIterator<Item = Result<Logged, E>>,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, E> {
        Self::load_onto(settings, Index::new(), changes, entries)
    }

    /// The same, where some changes are in the index already; those are not in the log then.
    fn load_onto<E: From<LoadError>>(
        settings: Settings,
        mut index: Index,
        changes: impl IntoIterator<Item = Result<Logged, E>>,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, E> {
        let mut log = Log::behind(u32::try_from(index.len()).unwrap_or(u32::MAX));
        for logged in changes {
            let Logged { change, raw, delegation } = logged?;
            index.replay(&change, &delegation).map_err(LoadError::Fold)?;
            log.push(&raw, &index);
        }
        let heads = index.heads().into_iter().collect();
        let proceedings = Proceedings::new(settings.document, index, &settings.baseline, settings.imported);
        let mut proceedings = proceedings.map_err(LoadError::Ledger)?;
        for entry in entries {
            proceedings.take(&entry).map_err(LoadError::Ledger)?;
        }
        Ok(Self {
            document_text: settings.document.to_string(),
            server: settings.server,
            gate: settings.gate,
            budgets: settings.budgets,
            closed: settings.closed,
            durable: log.len(),
            proceedings,
            hand: settings.hand,
            log,
            durable_heads: heads,
            waiting: VecDeque::new(),
            peers: BTreeMap::new(),
            quarantine: settings.quarantine,
            in_snapshot: 0,
            snapshot_every: settings.snapshot_every,
            early_snapshot: None,
            everything: None,
        })
    }

    /// Takes in one event; what follows from it is appended to `effects`.
    pub fn handle(&mut self, now: Timestamp, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Open { connection, member } => self.open(connection, member, now, effects),
            Event::Sync { connection, data } => self.sync(connection, &data, effects),
            Event::Ephemeral { connection, session, count, data } => {
                self.ephemeral(connection, &session, count, &data, now, effects);
            }
            Event::Closed { connection } => {
                if self.peers.remove(&connection).is_some() {
                    self.publish_presence(effects);
                }
            }
            Event::Stored { durable } => self.stored(durable, effects),
            Event::Kept { refused } => {
                self.quarantine.kept(refused);
                self.say(effects);
            }
            Event::Quiet => {
                self.everything = None;
                self.quiet(now, effects);
                self.snapshot_if_due(effects);
            }
        }
    }

    /// How many changes are durable.
    pub fn durable(&self) -> u32 {
        self.durable
    }

    /// How many changes have passed the gate, durable or not.
    pub fn folded(&self) -> u32 {
        self.log.len()
    }

    fn open(&mut self, connection: ConnectionId, member: Member, now: Timestamp, effects: &mut Vec<Effect>) {
        // A client that reconnects keeps its peer id: its old connection is dead even if nobody noticed.
        let same = |peer: &Peer| peer.member.peer == member.peer && peer.member.account == member.account;
        let old: Vec<_> = self.peers.iter().filter(|(_, peer)| same(peer)).map(|(c, _)| *c).collect();
        for connection in old {
            self.peers.remove(&connection);
            let reason = "this peer has opened a new connection".to_owned();
            effects.push(Effect::Close { connection, closing: Closing { code: 4409, reason } });
        }
        self.peers.insert(connection, Peer::new(member, now, &self.budgets));
        self.publish_presence(effects);
    }

    fn publish_presence(&self, effects: &mut Vec<Effect>) {
        let here: BTreeSet<_> =
            self.peers.values().filter_map(|peer| peer.member.delegation.clone()).collect();
        effects.push(Effect::Publish(DocumentEvent::Presence { delegations: here.into_iter().collect() }));
    }

    fn sync(&mut self, connection: ConnectionId, data: &Bytes, effects: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get(&connection) else { return };
        let message = match SyncMessage::decode(data) {
            Ok(message) => message,
            Err(error) => {
                let member = peer.member.clone();
                let reason = error.to_string();
                let refused = Refused { member, code: MALFORMED_SYNC, reason, raw: data.clone() };
                self.refuse(connection, vec![refused], Vec::new(), effects);
                return;
            }
        };
        let accepted = self.admit(connection, &message.changes, effects);
        self.answer(connection, &message, accepted, effects);
    }

    /// Takes in what a draft publishes, through the same gate. Returns how many changes are new; `None`: it has
    /// published before.
    pub fn publish(&mut self, member: &Member, net: &NetChange, effects: &mut Vec<Effect>) -> Option<usize> {
        let again = self.proceedings.index.last_seq(&net.actor) > 0;
        (!again).then(|| self.submit(member, &net.changes, effects))
    }

    /// Takes in changes that come otherwise than over a connection, through the same gate. Returns how many are new.
    fn submit(&mut self, member: &Member, changes: &[Bytes], effects: &mut Vec<Effect>) -> usize {
        let (accepted, bad, _) = self.let_in(member, changes, None, effects);
        // What finds no room there is still where it comes from: in the log of a draft.
        let _ = self.keep(bad, effects);
        self.say(effects);
        accepted
    }

    /// Closes a draft that is being tabled, or opens it again where that has failed. What comes while it is closed is
    /// refused, since nobody would ever table it.
    pub fn close(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Why nothing new is taken, whatever it is.
    fn takes_nothing(&self) -> Option<Refusal> {
        let limit = usize::try_from(self.budgets.document_bytes).unwrap_or(usize::MAX);
        let full = self.log.bytes() >= self.budgets.document_bytes;
        match self.closed {
            true => Some(Refusal::DraftTabled),
            false => full.then_some(Refusal::DocumentTooLarge { what: "bytes of changes", limit }),
        }
    }

    /// Lets the changes of one message through the gate. Returns how many are new.
    fn admit(&mut self, connection: ConnectionId, runs: &[Bytes], effects: &mut Vec<Effect>) -> usize {
        if runs.is_empty() {
            return 0;
        }
        let Some(member) = self.peers.get(&connection).map(|peer| peer.member.clone()) else { return 0 };
        let (accepted, bad, again) = self.let_in(&member, runs, Some(connection), effects);
        self.refuse(connection, bad, again, effects);
        accepted
    }

    /// The gate itself. Returns how many changes are new, what was refused, and the reasons why what is in quarantine
    /// already was refused again.
    fn let_in(
        &mut self,
        member: &Member,
        runs: &[Bytes],
        writer: Option<ConnectionId>,
        effects: &mut Vec<Effect>,
    ) -> (usize, Vec<Refused>, Vec<String>) {
        let refused = |refusal: &Refusal, raw: Bytes| Refused {
            member: member.clone(),
            code: refusal.code(),
            reason: refusal.to_string(),
            raw,
        };
        let (mut chunks, mut bad) = (Vec::new(), Vec::new());
        for run in runs {
            match chunk::split(run, &self.gate.limits) {
                Ok(split) => chunks.extend(split),
                Err(refusal) => bad.push(refused(&refusal, run.clone())),
            }
        }
        let mut again = Vec::new();
        if let Some(refusal) = self.takes_nothing() {
            chunks.retain(|chunk| {
                let hash = chunk::hash(chunk);
                let known = hash.is_some_and(|hash| self.proceedings.index.position(&hash).is_some());
                match hash {
                    _ if known => {}
                    Some(hash) if self.quarantine.has(&hash) => again.push(refusal.to_string()),
                    _ => bad.push(refused(&refusal, chunk.clone())),
                }
                known
            });
        }
        let sender = Sender { role: member.role, delegation: member.delegation.as_ref() };
        let admission = self.gate.admit(&mut self.proceedings.index, sender, chunks);
        let mut new = Vec::with_capacity(admission.accepted.len());
        for accepted in admission.accepted {
            let number = self.log.push(&accepted.raw, &self.proceedings.index);
            debug_assert_eq!(ChangeIx(number), accepted.ix, "log and index number changes alike");
            new.push(NewChange {
                number,
                delegation: accepted.delegation,
                account: member.account.clone(),
                raw: accepted.raw,
            });
        }
        let mut here = BTreeSet::new();
        for one in admission.refused {
            let refusal = self.reason(one.refusal, &one.raw, &here);
            here.extend(one.hash);
            // A client sends what was refused again and again: it is kept once. But it is told each time, since
            // nobody knows whether it heard.
            if one.hash.is_some_and(|hash| self.quarantine.has(&hash)) {
                again.push(refusal.to_string());
            } else {
                bad.push(refused(&refusal, one.raw));
            }
        }
        let accepted = new.len();
        if accepted > 0 {
            self.waiting.push_back(Waiting { upto: self.log.len(), writer });
            effects.push(Effect::Store(new));
        }
        (accepted, bad, again)
    }

    /// Why a change is refused: what it builds on may have been refused `here`, or in an earlier message.
    fn reason(&self, refusal: Refusal, raw: &Bytes, here: &BTreeSet<ChangeHash>) -> Refusal {
        let refused = |dep: &ChangeHash| here.contains(dep) || self.quarantine.has(dep);
        let built_on_refused =
            || Change::from_bytes(raw.to_vec()).is_ok_and(|change| change.deps().iter().any(refused));
        match refusal {
            Refusal::MissingDependencies if built_on_refused() => Refusal::DependsOnRefused,
            refusal => refusal,
        }
    }

    /// Quarantines what is refused, and then tells the sender and everybody who watches. `again` are the reasons
    /// why others, that are in quarantine already, are refused.
    fn refuse(
        &mut self,
        connection: ConnectionId,
        refused: Vec<Refused>,
        again: Vec<String>,
        effects: &mut Vec<Effect>,
    ) {
        let reasons = || refused.iter().map(|one| &one.reason).chain(&again);
        let (Some(first), count) = (reasons().next(), reasons().count()) else { return };
        let mut message = format!("refused: {first}");
        if count > 1 {
            message.push_str(&format!(" (and {} more changes)", count - 1));
        }
        let Some(peer) = self.peers.get_mut(&connection) else { return };
        let exhausted = peer.refuse(u32::try_from(count).unwrap_or(u32::MAX));
        let ending = match self.keep(refused, effects) {
            Ok(()) => exhausted.then_some(Ending::TooMany),
            Err(full) => {
                message.push_str(", and NOT kept: there is no room for it in quarantine; keep your copy");
                Some(full)
            }
        };
        self.quarantine.say_once_kept(Said::Sender { to: connection, message, ending });
        self.say(effects);
    }

    /// Puts what is refused into quarantine. `Err`: there was no room for some of it, and it is not kept.
    fn keep(&mut self, refused: Vec<Refused>, effects: &mut Vec<Effect>) -> Result<(), Ending> {
        let mut outcome = Ok(());
        for one in refused {
            let told = DocumentEvent::Refused {
                delegation: one.member.delegation.clone(),
                code: one.code.to_owned(),
                reason: one.reason.clone(),
            };
            match self.quarantine.take(&one, self.budgets.quarantine_bytes) {
                Taken::New => effects.push(Effect::Quarantine(one)),
                Taken::Known => {}
                Taken::NoRoom => {
                    outcome = Err(Ending::Full);
                    effects.push(Effect::Unkept(one));
                }
            }
            self.quarantine.say_once_kept(Said::All(told));
        }
        outcome
    }

    /// Tells senders of refused changes, and who watches, so, once those are in quarantine.
    fn say(&mut self, effects: &mut Vec<Effect>) {
        while let Some(said) = self.quarantine.next_to_say() {
            match said {
                Said::All(event) => effects.push(Effect::Publish(event)),
                Said::Sender { to, message, ending } if self.peers.contains_key(&to) => {
                    effects.push(Effect::Tell { to, message });
                    let close = |ending: Ending| Effect::Close { connection: to, closing: ending.closing() };
                    effects.extend(ending.map(close));
                }
                Said::Sender { .. } => {}
            }
        }
    }

    /// Changes became durable: relay them to all, then acknowledge them to their writers.
    fn stored(&mut self, durable: u32, effects: &mut Vec<Effect>) {
        let before = self.durable;
        if durable <= before {
            return;
        }
        let mut writers = BTreeSet::new();
        while self.waiting.front().is_some_and(|waiting| waiting.upto <= durable) {
            writers.extend(self.waiting.pop_front().map(|waiting| waiting.writer));
        }
        let mut delegations = BTreeSet::new();
        for number in before..durable {
            let ix = ChangeIx(number);
            for dep in self.proceedings.index.deps_at(ix) {
                if let Some(hash) = self.proceedings.index.hash_at(*dep) {
                    self.durable_heads.remove(&hash);
                }
            }
            self.durable_heads.extend(self.proceedings.index.hash_at(ix));
            delegations.extend(self.proceedings.index.delegation_at(ix).cloned());
        }
        self.durable = durable;
        self.everything = None;

        // Who wrote all of it needs none of it back.
        let sole_writer = if writers.len() == 1 { writers.first().copied().flatten() } else { None };
        let heads = SyncMessage::acknowledging(self.heads());
        let relayed = self.frame_with(&heads, before..durable);
        let acknowledged = sole_writer.map(|_| self.frame(&heads));
        for (connection, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.started) {
            let own = acknowledged.as_ref().filter(|_| Some(*connection) == sole_writer);
            effects.push(peer.send(*connection, own.unwrap_or(&relayed).clone()));
        }
        effects.push(Effect::Publish(DocumentEvent::Changes {
            count: u64::from(durable - before),
            delegations: delegations.into_iter().collect(),
            heads: self.heads().iter().map(ToString::to_string).collect(),
        }));
    }

    fn ephemeral(
        &mut self,
        connection: ConnectionId,
        session: &str,
        count: u64,
        data: &Bytes,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(&connection) else { return };
        if data.len() > self.budgets.ephemeral_bytes || !peer.may_whisper(session, count, now, &self.budgets)
        {
            return;
        }
        let frame = SharedFrame::ephemeral(&peer.member.peer, &self.document_text, session, count, data);
        for other in self.peers.keys().filter(|other| **other != connection) {
            effects.push(Effect::Send { to: *other, frame: frame.clone() });
        }
    }

    /// The durable heads, ascending.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.durable_heads.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests;
