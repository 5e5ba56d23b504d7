//! The server's side of the world: events go into the hub, and each effect that comes out is performed, unless
//! the server ends before it.

use super::super::server::Server;
use super::super::{Violation, laws};
use super::{Doom, Down, World};
use automerge::{ActorId, ChangeHash};
use codraft_protocol::api::DocumentEvent;
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::DocumentId;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::{Frame, SharedFrame, Target};
use codraft_server::hub::{Closing, ConnectionId, Effect, Event, NewChange, Refused};
use codraft_server::registry::Snapshots;
use codraft_server::storage::record::ledger;
use rand::Rng as _;
use rand::rngs::StdRng;

impl World {
    /// The server starts, where it does not run.
    pub(super) fn boot(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        if self.server.is_some() {
            return Ok(());
        }
        let opened = self.boots(&self.snapshots.clone());
        if opened.is_err() && self.disk.has_lied() {
            self.closed = true;
            return Ok(());
        }
        let Some(server) = opened? else {
            self.tell(|_| "     the server does not get to open".to_owned());
            match rng.random_bool(0.5) {
                true => self.disk.lose_power(rng),
                false => self.disk.restart(),
            }
            return Ok(());
        };
        self.server = Some(server);
        self.find_drafts(rng)?;
        for id in self.ids() {
            self.opens(id)?;
        }
        self.drafts_are_kept()
    }

    /// What is on the disk, opened; none where the disk fails meanwhile.
    pub(super) fn boots(&mut self, snapshots: &Snapshots) -> Result<Option<Server>, Violation> {
        let (mut next, hands) = (Some(self.new_hand()), &mut self.hands);
        let hand = || next.take().unwrap_or_else(|| ActorId::from(hands.random::<[u8; 16]>()));
        Server::boot(&self.disk, snapshots, hand)
    }

    /// A document that opens has all that was ever promised.
    fn opens(&mut self, id: DocumentId) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        let stored = server.stored(id)?;
        let there = stored.hashes();
        let quarantined = self.disk.quarantined(id);
        let papers = self.papers(id);
        let lost = papers.promised.difference(&there).next();
        if let Some(lost) = lost {
            let how = format!("{lost} was acknowledged or relayed, and is gone after a restart");
            return Err(Violation::new("acknowledged changes survive", how));
        }
        papers.entered = (0..).zip(&stored.entries).map(|(n, entry)| (n, ledger::encode(entry))).collect();
        let lost = papers.answered.iter().find(|(n, entry)| papers.entered.get(n) != Some(entry));
        if let Some((lost, _)) = lost {
            let how = format!("entry {lost} was answered or told of, and is not there after a restart");
            return Err(Violation::new("answered acts survive", how));
        }
        laws::paired(&stored, &papers.founding)?;
        papers.refused = quarantined;
        let (changes, entries) = (stored.log.len(), stored.entries.len());
        self.tell(|_| format!("     the server opens {id} with {changes} changes, {entries} entries"));
        Ok(())
    }

    /// A new actor for the server's own hand.
    pub(super) fn new_hand(&mut self) -> ActorId {
        ActorId::from(self.hands.random::<[u8; 16]>())
    }

    /// The server ends without warning.
    pub(super) fn crash(&mut self, power: bool, rng: &mut StdRng) {
        if self.server.take().is_none() {
            return;
        }
        self.tell(|_| format!("     the server ends ({})", if power { "no power" } else { "killed" }));
        self.tally.crashes += 1;
        self.doom = None;
        self.documents.values_mut().for_each(|papers| papers.refused.clear());
        self.closings.clear();
        match power {
            true => self.disk.lose_power(rng),
            false => self.disk.restart(),
        }
        self.connections.retain(|_, connection| {
            connection.up.clear();
            // Some of what was sent had left the machine.
            let left = rng.random_range(0..=connection.down.len());
            connection.down.truncate(left);
            connection.down.push_back(Down::Close(None));
            connection.server_open = false;
            true
        });
        self.connections.retain(|id, connection| {
            self.clients.get(connection.client).is_some_and(|client| client.link == Some(*id))
        });
    }

    /// A moment at which the server may end. Returns whether it did.
    pub(super) fn ends_here(&mut self, rng: &mut StdRng) -> bool {
        match &mut self.doom {
            Some(Doom { after: 0, power }) => {
                let power = *power;
                self.crash(power, rng);
                true
            }
            Some(doom) => {
                doom.after -= 1;
                false
            }
            None => false,
        }
    }

    /// Hands an event to the hub and performs what it decides.
    pub(super) fn event(&mut self, id: DocumentId, event: Event, rng: &mut StdRng) -> Result<(), Violation> {
        let now = self.now;
        let Some(open) = self.open(id) else { return Ok(()) };
        let mut effects = Vec::new();
        let is_stored = matches!(event, Event::Stored { .. });
        open.hub.handle(now, event, &mut effects);
        self.events += 1;
        self.perform_all(id, effects, None, rng)?;
        let early = self.open(id).filter(|_| is_stored).and_then(|open| open.hub.snapshot_beside_writing());
        early.map_or(Ok(()), |snapshot| self.perform(id, Effect::KeepSnapshot(snapshot)))
    }

    pub(super) fn perform(&mut self, id: DocumentId, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Send { to, frame } => self.send(to, &frame)?,
            Effect::Tell { to, message } => {
                // Whoever is told may throw its copy away.
                let kept = self.disk.quarantined(id);
                if let Some(connection) = self.connections.get_mut(&to.0) {
                    let (_, told) = connection.refused.pop_front().unwrap_or_default();
                    let lost = told.into_iter().flatten().find(|hash| !kept.contains(hash));
                    if let Some(lost) = lost.filter(|_| !connection.repeats) {
                        let how =
                            format!("connection {} is told that {lost} is refused, before it is kept", to.0);
                        return Err(Violation::new("no words vanish", how));
                    }
                }
                self.down(to, Down::Tell(message));
            }
            Effect::Close { connection, closing } => self.close(connection, &closing),
            Effect::Store(changes) => self.store(id, changes)?,
            Effect::Enter(entry) => self.enter(id, entry)?,
            Effect::Quarantine(refused) => self.quarantine(id, refused)?,
            Effect::Unkept(refused) => {
                let how = format!("there is no room for a change of {}", refused.member.account);
                return Err(Violation::new("no words vanish", how));
            }
            Effect::Publish(DocumentEvent::Changes { heads, .. }) => {
                let named = heads.iter().filter_map(|head| head.parse().ok());
                self.durable(id, &named.collect::<Vec<_>>(), "an event")?;
            }
            Effect::Publish(_) => {}
            Effect::KeepSnapshot(snapshot) => {
                self.tally.snapshots += 1;
                self.tell(|_| format!("     a snapshot of {} changes is kept", snapshot.changes));
                if let Some(open) = self.open(id) {
                    open.keep_snapshot(snapshot);
                }
            }
        }
        Ok(())
    }

    fn down(&mut self, to: ConnectionId, down: Down) {
        let document = self.connections.get(&to.0).map(|connection| connection.document);
        let open = document.and_then(|id| self.open(id));
        let held = open.is_some_and(|open| open.outboxes.contains(&to));
        if let Some(connection) = self.connections.get_mut(&to.0)
            && held
            && !connection.lost
        {
            connection.down.push_back(down);
        }
    }

    /// Nothing leaves that is not durable.
    fn send(&mut self, to: ConnectionId, frame: &SharedFrame) -> Result<(), Violation> {
        let Some(connection) = self.connections.get(&to.0) else { return Ok(()) };
        let bytes = frame.addressed_to(&Target::new(&connection.member.peer));
        let wrong = |how: String| Violation::new("the wire", how);
        let (document, data) = match Frame::decode(&bytes).map_err(|error| wrong(error.to_string()))? {
            Frame::Sync { document, data, .. } => (document, Some(data)),
            Frame::Ephemeral { document, .. } => (document, None),
            other => return Err(wrong(format!("the hub sends {other:?}"))),
        };
        let id: DocumentId = document.parse().map_err(|_| wrong(format!("there is no {document}")))?;
        let to_whom = connection.member.clone();
        self.may_see(id, to_whom.delegation.as_ref(), &to_whom.account)?;
        if let Some(data) = data {
            let message = SyncMessage::decode(&data).map_err(|error| wrong(error.to_string()))?;
            let relayed = message.changes.iter().filter_map(|raw| chunk::hash(raw));
            let claimed: Vec<ChangeHash> = relayed.chain(message.heads.iter().copied()).collect();
            for hash in &claimed {
                let place = self.truth.of(hash).map_or(id, |origin| origin.place);
                self.may_see(place, to_whom.delegation.as_ref(), &to_whom.account)?;
            }
            self.durable(id, &claimed, "a message")?;
            self.papers(id).promised.extend(claimed);
        }
        self.down(to, Down::Frame(bytes));
        Ok(())
    }

    /// What is named survives a power loss.
    fn durable(&self, id: DocumentId, named: &[ChangeHash], by: &str) -> Result<(), Violation> {
        match named.iter().find(|hash| !self.disk.holds(id, hash)) {
            Some(early) => {
                let how = format!("{early} is named in {by}, and would not survive a power loss");
                Err(Violation::new("nothing leaves before it is durable", how))
            }
            None => Ok(()),
        }
    }

    fn close(&mut self, id: ConnectionId, closing: &Closing) {
        self.tell(|_| format!("     closes connection {}: {}", id.0, closing.code));
        let document = self.connections.get(&id.0).map_or(self.common, |connection| connection.document);
        if let Some(open) = self.open(document) {
            open.outboxes.remove(&id);
        }
        self.closings.push((document, id));
        if let Some(connection) = self.connections.get_mut(&id.0) {
            connection.up.clear();
            connection.server_open = false;
            if !connection.lost {
                connection.down.push_back(Down::Close(Some(closing.code)));
            }
        }
    }

    /// Nothing is stored that must not pass, or under a wrong name.
    fn store(&mut self, id: DocumentId, changes: Vec<NewChange>) -> Result<(), Violation> {
        for change in &changes {
            let hash = chunk::hash(&change.raw)
                .ok_or_else(|| Violation::new("the gate", "it let bytes in that are no change".to_owned()))?;
            let Some(origin) = self.truth.of(&hash).cloned() else {
                return Err(Violation::new("the gate", format!("it let {hash} in, which nobody made")));
            };
            if let Some(why) = origin.bad {
                return Err(Violation::new("the gate", format!("it let in what it must refuse: {why}")));
            }
            if origin.author != change.delegation {
                let how = format!("{hash} is {}'s and stored as {}'s", origin.author, change.delegation);
                return Err(Violation::new("attribution", how));
            }
            if origin.place != id {
                let how = format!("{hash} was written in {}, and is stored in {id}", origin.place);
                return Err(Violation::new("drafts are private", how));
            }
            if self.truth.rival(&hash).is_some_and(|rival| self.disk.holds(id, &rival)) {
                return Err(Violation::new("the gate", "it let in two changes of one number".to_owned()));
            }
        }
        if let Some(open) = self.open(id) {
            open.collect(changes);
        }
        Ok(())
    }

    /// Nothing honest is refused.
    fn quarantine(&mut self, id: DocumentId, refused: Refused) -> Result<(), Violation> {
        self.tell(|_| format!("     refuses a change of {}: {}", refused.member.account, refused.code));
        self.tally.refused += 1;
        if let Some(hash) = chunk::hash(&refused.raw) {
            let hostile =
                self.clients.iter().any(|c| c.hostile && c.member.account == refused.member.account);
            let honest = self.truth.of(&hash).is_some_and(|origin| origin.bad.is_none());
            if honest && !hostile && !self.is_of_a_tabled_draft(id, refused.code) {
                let how = format!("{} sent {hash}: {}", refused.member.account, refused.reason);
                return Err(Violation::new("nothing honest is refused", how));
            }
            // What builds on what was refused is told so, and not that something is missing.
            let deps = automerge::Change::from_bytes(refused.raw.to_vec()).map(|c| c.deps().to_vec());
            let known = &self.documents[&id].refused;
            let on_refused = deps
                .is_ok_and(|deps| deps.iter().any(|dep| known.contains(dep) && !self.disk.holds(id, dep)));
            if on_refused && refused.code == "missing-dependencies" {
                let how = format!("{hash} builds on a refused change, and is refused as {}", refused.code);
                return Err(Violation::new("the reason is right", how));
            }
            if !self.papers(id).refused.insert(hash) {
                return Err(Violation::new("quarantine", format!("{hash} is kept a second time")));
            }
        }
        let hash = chunk::hash(&refused.raw);
        let sender = self.connections.values_mut().rfind(|c| c.member == refused.member && c.opened);
        if let Some(connection) = sender {
            match connection.refused.back_mut() {
                Some((event, together)) if *event == self.events => together.push(hash),
                _ => connection.refused.push_back((self.events, vec![hash])),
            }
        }
        let now = self.now;
        if let Some(open) = self.open(id) {
            open.quarantine(refused, now);
        }
        Ok(())
    }

    /// The committer commits what waits.
    pub(super) fn commit(&mut self, rng: &mut StdRng) -> bool {
        let Some(server) = &mut self.server else { return false };
        let did = server.commit();
        let failed = server.has_failed();
        if self.disk.has_stopped() {
            let power = rng.random_bool(0.6);
            self.crash(power, rng);
        } else if failed {
            // A failed store is final: the process ends.
            self.tally.faults += 1;
            self.crash(false, rng);
        }
        did
    }

    /// A document's task hears what was stored.
    pub(super) fn stored(&mut self, id: DocumentId, rng: &mut StdRng) -> Result<bool, Violation> {
        let Some(open) = self.open(id) else { return Ok(false) };
        let Some(events) = open.hear() else {
            self.fail(id)?;
            return Ok(true);
        };
        let heard = !events.is_empty();
        for event in events {
            self.event(id, event, rng)?;
        }
        self.let_out(id)?;
        Ok(heard)
    }

    /// The store refused what had passed the gate: the document is closed, and opened anew from its log.
    fn fail(&mut self, id: DocumentId) -> Result<(), Violation> {
        self.tell(|_| format!("     {id} is closed, and opened anew"));
        self.tally.faults += 1;
        let Some(open) = self.open(id) else { return Ok(()) };
        let open: Vec<ConnectionId> = open.outboxes.iter().copied().collect();
        for connection in &open {
            self.close(*connection, &Closing { code: 4507, reason: String::new() });
        }
        // The hub that would be told of those is gone.
        self.closings.retain(|(document, _)| *document != id);
        self.papers(id).refused = self.disk.quarantined(id);
        let hand = self.new_hand();
        let Some(server) = &mut self.server else { return Ok(()) };
        server.errands.closes(id);
        let Some(record) = server.record(id) else { return Ok(()) };
        server.open(record, hand)?;
        let entries = server.documents[&id].hub.entries();
        self.papers(id).entered.retain(|number, _| *number < entries);
        Ok(())
    }

    /// Hands in what the task has collected.
    pub(super) fn hand_in(&mut self, id: DocumentId) {
        let now = self.now;
        if let Some(open) = self.open(id) {
            open.store(now);
        }
    }

    /// Checks everything in a document against what is stored, if all of it is durable.
    pub(super) fn audit(&mut self, id: DocumentId, rng: &mut StdRng) -> Result<bool, Violation> {
        let Some(server) = self.server.as_mut() else { return Ok(false) };
        let stored = server.stored(id)?;
        let Some(open) = server.documents.get_mut(&id).filter(|open| open.is_durable()) else {
            return Ok(false);
        };
        laws::check(&mut open.hub, &stored, &self.documents[&id].founding, &self.truth, rng)?;
        self.is_tabled_once(id, &stored)?;
        Ok(true)
    }
}
