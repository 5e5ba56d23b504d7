//! What each kind of step does.

use super::super::client::Program;
use super::super::plan::{Kind, Step};
use super::super::{Fuse, Violation, hostile};
use super::{Connection, Doom, Down, Up, World};
use automerge::Change;
use bytes::Bytes;
use codraft_protocol::authorship::{Limits, Refusal, chunk};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::Frame;
use codraft_server::hub::{ConnectionId, Event};
use rand::Rng as _;
use rand::rngs::StdRng;

fn one_of<T: Copy>(all: &[T], rng: &mut StdRng) -> Option<T> {
    (!all.is_empty()).then(|| all[rng.random_range(0..all.len())])
}

impl World {
    /// Does one step; what cannot be done now is not done.
    pub(super) fn happen(&mut self, step: &Step) -> Result<(), Violation> {
        let rng = &mut step.rng();
        match step.kind {
            Kind::Up => {
                let ready = self.ready_up();
                if let Some(id) = one_of(&ready, rng) {
                    self.deliver_up(id, rng)?;
                }
            }
            Kind::Down => {
                let ready = self.ready_down();
                if let Some(id) = one_of(&ready, rng) {
                    self.deliver_down(id, rng)?;
                }
            }
            Kind::Edit => self.edit(rng)?,
            Kind::Connect => self.connect_somebody(rng)?,
            Kind::Leave => {
                let linked = self.clients_where(|client| client.link.is_some());
                if let Some(n) = one_of(&linked, rng) {
                    self.leave(n);
                }
            }
            Kind::Break => {
                let whole: Vec<u64> =
                    self.connections.iter().filter(|(_, c)| !c.lost).map(|(id, _)| *id).collect();
                if let Some(id) = one_of(&whole, rng) {
                    self.tally.faults += 1;
                    self.cut(id);
                }
            }
            Kind::Notice => self.notice(rng)?,
            Kind::Commit => drop(self.commit(rng)),
            Kind::Stored => {
                let ids = self.ids();
                for id in
                    ids.iter().copied().filter(|_| ids.len() == 1 || rng.random_bool(0.6)).collect::<Vec<_>>()
                {
                    self.hand_in(id);
                    self.stored(id, rng)?;
                }
                self.errands_hear();
            }
            Kind::Partition => {
                let n = rng.random_range(0..self.clients.len());
                self.clients[n].cut_off = !self.clients[n].cut_off;
                self.tally.faults += 1;
            }
            Kind::Whisper => self.whisper(rng),
            Kind::Attack => self.attack(rng),
            Kind::Crash => {
                let power = rng.random_bool(0.5);
                if rng.random_bool(0.5) {
                    self.disk.stop_after(rng.random_range(0..6));
                } else {
                    self.doom = Some(Doom { after: rng.random_range(0..8), power });
                }
            }
            Kind::Boot => self.boot(rng)?,
            Kind::ClientCrash => self.crash_client(rng)?,
            Kind::Disk => match rng.random_range(0..40) {
                0..10 => self.disk.set_full(true),
                10..14 => self.disk.lie(),
                14..22 => self.disk.fail_after(rng.random_range(0..6)),
                _ => self.disk.set_full(false),
            },
            Kind::Clock => self.now.0 += rng.random_range(0..60_000),
            Kind::Audit => {
                let id = self.any_document(rng);
                self.audit(id, rng)?;
            }
            Kind::Act => self.act(rng)?,
            Kind::Ask => self.ask(rng)?,
            Kind::Quiet => {
                let id = self.any_document(rng);
                self.quiet(id, rng)?;
            }
            Kind::Draft => self.draft(rng)?,
            Kind::Pry => self.pry(rng)?,
        }
        Ok(())
    }

    pub(super) fn clients_where(&self, holds: impl Fn(&super::Client) -> bool) -> Vec<usize> {
        (0..self.clients.len()).filter(|n| holds(&self.clients[*n])).collect()
    }

    /// Connections with something for the server.
    pub(super) fn ready_up(&self) -> Vec<u64> {
        let ready = |connection: &Connection| {
            !connection.up.is_empty() && connection.server_open && !self.clients[connection.client].cut_off
        };
        // While a question waits, the document's task takes nothing in.
        let Some(server) = &self.server else { return Vec::new() };
        let takes = |connection: &Connection| {
            server.documents.get(&connection.document).is_some_and(|open| !open.is_asked())
        };
        self.connections
            .iter()
            .filter(|(_, connection)| ready(connection) && takes(connection))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Connections with something for their client.
    pub(super) fn ready_down(&self) -> Vec<u64> {
        let ready = |id: &u64, connection: &Connection| {
            let client = &self.clients[connection.client];
            !connection.down.is_empty() && client.link == Some(*id) && !client.cut_off && client.is_alive()
        };
        self.connections.iter().filter(|(id, connection)| ready(id, connection)).map(|(id, _)| *id).collect()
    }

    /// The server reads the next message of a connection.
    pub(super) fn deliver_up(&mut self, id: u64, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let Some(message) = connection.up.pop_front() else { return Ok(()) };
        let at = ConnectionId(id);
        if matches!(message, Up::Bye) {
            return self.gone(id, rng);
        }
        let document = connection.document;
        if !connection.opened {
            let member = connection.member.clone();
            if !self.is_let_in(document, &member)? {
                self.connections.remove(&id);
                return Ok(());
            }
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.opened = true;
            }
            if let Some(open) = self.open(document) {
                open.outboxes.insert(at);
            }
            self.event(document, Event::Open { connection: at, member }, rng)?;
        }
        if let Up::Sync(data) = &message
            && let Ok(message) = SyncMessage::decode(data)
            && let Some(connection) = self.connections.get_mut(&id)
        {
            let chunks = message.changes.iter().filter_map(|run| chunk::split(run, &Limits::default()).ok());
            let mut hashes = chunks.flatten().filter_map(|chunk| chunk::hash(&chunk));
            connection.repeats |= hashes.any(|hash| self.documents[&document].refused.contains(&hash));
        }
        let event = match message {
            Up::Sync(data) => Event::Sync { connection: at, data },
            Up::Whisper { session, count, data } => Event::Ephemeral { connection: at, session, count, data },
            Up::Bye => return Ok(()),
        };
        self.event(document, event, rng)
    }

    /// The server finds a connection ended.
    fn gone(&mut self, id: u64, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(connection) = self.connections.remove(&id) else { return Ok(()) };
        if let Some(open) = self.open(connection.document) {
            open.outboxes.remove(&ConnectionId(id));
        }
        self.event(connection.document, Event::Closed { connection: ConnectionId(id) }, rng)
    }

    /// A client reads its next message.
    pub(super) fn deliver_down(&mut self, id: u64, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let (n, Some(message)) = (connection.client, connection.down.pop_front()) else { return Ok(()) };
        match message {
            Down::Frame(bytes) => {
                let frame = Frame::decode(&bytes).map_err(|e| Violation::new("the wire", e.to_string()))?;
                match frame {
                    Frame::Sync { data, .. } => self.receive(n, &data, rng)?,
                    Frame::Ephemeral { session, count, data, .. } => {
                        self.hears(n, id, session, count, data, rng)?
                    }
                    other => return Err(Violation::new("the wire", format!("the server sent {other:?}"))),
                }
            }
            Down::Tell(message) => self.refused(n, &message)?,
            Down::Close(code) => {
                self.tell(|world| format!("     {} is closed ({code:?})", world.clients[n].member.account));
                self.clients[n].link = None;
                if !self
                    .connections
                    .get(&id)
                    .is_some_and(|connection| connection.lost && connection.server_open)
                {
                    self.connections.remove(&id);
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, n: usize, data: &[u8], rng: &mut StdRng) -> Result<(), Violation> {
        let mut fuse = Fuse(rng.random_bool(0.02).then(|| rng.random_range(0..6)));
        let document = self.clients[n].document;
        let answers = self.clients[n].receive(data, self.now, &mut fuse)?;
        if !self.clients[n].is_alive() {
            self.ended(n);
            return Ok(());
        }
        if let Program::Stock(stock) = &mut self.clients[n].program
            && rng.random_bool(0.3)
        {
            stock.save();
        }
        if let Program::Copy(copy) = &self.clients[n].program
            && let Some(replica) = copy.replica()
            && replica.is_in_sync()
            && let Some(early) = replica
                .heads()
                .iter()
                .map(|head| automerge::ChangeHash(*head))
                .find(|head| !self.disk.holds(document, head))
        {
            let how = format!("a copy says “in sync” with {early}, which is not durable");
            return Err(Violation::new("no unacknowledged claim", how));
        }
        self.sends(n, answers);
        Ok(())
    }

    /// What a client has to say goes into its connection.
    pub(super) fn sends(&mut self, n: usize, messages: Vec<Bytes>) {
        let Some(connection) = self.clients[n].link.and_then(|link| self.connections.get_mut(&link)) else {
            return;
        };
        if !connection.lost && connection.server_open {
            connection.up.extend(messages.into_iter().map(Up::Sync));
        }
    }

    /// A client is told that something was refused.
    fn refused(&mut self, n: usize, message: &str) -> Result<(), Violation> {
        self.tell(|world| format!("     {} is told: {message}", world.clients[n].member.account));
        let is_draft = self.documents[&self.clients[n].document].draft.as_ref();
        let may_be_tabled = is_draft.is_some_and(|draft| draft.read.is_some());
        let client = &mut self.clients[n];
        match &mut client.program {
            Program::Stock(stock) if stock.spoilt.is_some() => {
                stock.reset();
                self.leave(n);
                Ok(())
            }
            _ if client.hostile => Ok(()),
            _ if may_be_tabled && message.contains(&Refusal::DraftTabled.to_string()) => {
                client.shut_out = true;
                self.tally.shut_out += 1;
                self.leave(n);
                Ok(())
            }
            _ => {
                let how = format!("{} is told: {message}", client.member.account);
                Err(Violation::new("nothing honest is refused", how))
            }
        }
    }

    /// Somebody edits.
    fn edit(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let alive = self.clients_where(|client| client.is_alive());
        let Some(n) = one_of(&alive, rng) else { return Ok(()) };
        let (now, connected) = (self.now, self.clients[n].link.is_some());
        let observer = !self.clients[n].may_write();
        self.truth.turns_to(self.clients[n].document);
        let messages = match &mut self.clients[n].program {
            Program::Copy(copy) => {
                copy.edit(rng);
                let mut fuse = Fuse(rng.random_bool(0.05).then(|| rng.random_range(0..2)));
                copy.take(rng, now, &mut self.truth, &mut fuse, connected)?
            }
            Program::Stock(stock) => {
                if observer && rng.random_bool(0.7) {
                    return Ok(());
                }
                for _ in 0..rng.random_range(1..4) {
                    stock.edit(rng, now, &mut self.truth);
                }
                if rng.random_bool(0.5) {
                    stock.save();
                }
                if connected { stock.messages() } else { Vec::new() }
            }
        };
        if !self.clients[n].is_alive() {
            self.ended(n);
        }
        self.sends(n, messages);
        Ok(())
    }

    fn connect_somebody(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        // Now and then one connects again that does not know that its connection lives.
        let again = rng.random_bool(0.1);
        let ready = self
            .clients_where(|client| client.is_alive() && !client.cut_off && (again || client.link.is_none()));
        match one_of(&ready, rng) {
            Some(n) => self.connect(n, rng),
            None => Ok(()),
        }
    }

    /// A client opens a connection.
    pub(super) fn connect(&mut self, n: usize, rng: &mut StdRng) -> Result<(), Violation> {
        if self.server.is_none() {
            return Ok(());
        }
        let id = self.next_connection;
        self.next_connection += 1;
        let client = &mut self.clients[n];
        client.link = Some(id);
        client.connections += 1;
        if let Program::Copy(_) = client.program {
            // codraft's own takes a new name each time.
            client.member.peer = format!("{}-{}", client.member.account, client.connections);
        }
        let messages = client.connect(rng)?;
        let connection = Connection::new(n, client.document, client.member.clone());
        self.connections.insert(id, connection);
        self.sends(n, messages);
        Ok(())
    }

    /// A client closes its connection; what it has sent arrives before the server hears of that.
    pub(super) fn leave(&mut self, n: usize) {
        if let Some(link) = self.clients[n].link.take()
            && let Some(connection) = self.connections.get_mut(&link)
        {
            connection.up.push_back(Up::Bye);
            connection.down.clear();
            if !connection.server_open {
                self.connections.remove(&link);
            }
        }
    }

    /// A connection breaks.
    fn cut(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.lost = true;
            connection.up.clear();
            connection.down.clear();
            connection.down.push_back(Down::Close(None));
        }
    }

    /// The server notices what it has not noticed yet.
    fn notice(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        if let Some((document, connection)) = self.closings.pop() {
            return self.event(document, Event::Closed { connection }, rng);
        }
        let abandoned = |id: &u64, connection: &Connection| {
            connection.lost || (connection.up.is_empty() && self.clients[connection.client].link != Some(*id))
        };
        let dead: Vec<u64> =
            self.connections.iter().filter(|(id, c)| abandoned(id, c)).map(|(id, _)| *id).collect();
        match one_of(&dead, rng) {
            Some(id) => {
                let client = self.connections.get(&id).map(|connection| connection.client);
                if let Some(n) = client.filter(|n| self.clients[*n].link == Some(id)) {
                    self.clients[n].link = None;
                }
                self.gone(id, rng)
            }
            None => Ok(()),
        }
    }

    /// Until the server has noticed everything.
    pub(super) fn notice_all(&mut self, rng: &mut StdRng) -> Result<bool, Violation> {
        let mut noticed = false;
        loop {
            let before = (self.closings.len(), self.connections.len());
            self.notice(rng)?;
            if before == (self.closings.len(), self.connections.len()) {
                return Ok(noticed);
            }
            noticed = true;
        }
    }

    /// A client's process has ended: so does its connection.
    fn ended(&mut self, n: usize) {
        self.tally.faults += 1;
        self.tell(|world| format!("     {} ends", world.clients[n].member.account));
        self.leave(n);
    }

    fn crash_client(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let dead = self.clients_where(|client| !client.is_alive());
        if let Some(n) = one_of(&dead, rng)
            && rng.random_bool(0.7)
        {
            return self.clients[n].boot(&self.truth);
        }
        let n = rng.random_range(0..self.clients.len());
        if self.clients[n].is_alive() {
            self.clients[n].crash();
            self.ended(n);
        }
        Ok(())
    }

    fn whisper(&mut self, rng: &mut StdRng) {
        let linked = self.clients_where(|client| client.link.is_some());
        let Some(n) = one_of(&linked, rng) else { return };
        self.whispered += 1;
        let (session, count) = (format!("session of {n}"), self.whispered);
        let size = if rng.random_bool(0.1) { 20_000 } else { 10 };
        self.say(n, Up::Whisper { session, count, data: Bytes::from(vec![1; size]) });
    }

    fn say(&mut self, n: usize, message: Up) {
        if let Some(connection) = self.clients[n].link.and_then(|link| self.connections.get_mut(&link))
            && !connection.lost
            && connection.server_open
        {
            connection.up.push_back(message);
        }
    }

    /// A client gets a presence message. Stock clients pass each on to whoever else they know, which is the
    /// server that it came from.
    fn hears(
        &mut self,
        n: usize,
        id: u64,
        session: String,
        count: u64,
        data: Bytes,
        rng: &mut StdRng,
    ) -> Result<(), Violation> {
        let law = "presence";
        if data.len() > 16 << 10 {
            return Err(Violation::new(law, "a message beyond the limit was passed on".to_owned()));
        }
        let times = self.whispers.entry((session.clone(), count, id)).or_default();
        *times += 1;
        // At most once from its author, and once on each connection of those who pass it on.
        if u64::from(*times) > self.next_connection {
            return Err(Violation::new(law, format!("message {count} of {session} goes round")));
        }
        if matches!(self.clients[n].program, Program::Stock(_)) && rng.random_bool(0.7) {
            self.say(n, Up::Whisper { session, count, data });
        }
        Ok(())
    }

    fn attack(&mut self, rng: &mut StdRng) {
        let hostile =
            self.clients_where(|client| client.hostile && client.link.is_some() && client.is_alive());
        let Some(n) = one_of(&hostile, rng) else { return };
        let (own, common) = (self.clients[n].code.clone(), self.common);
        self.truth.turns_to(common);
        let others: Vec<(DelegationCode, Vec<Change>)> = self
            .clients
            .iter()
            .filter(|client| client.code != own && client.may_write() && client.document == common)
            .map(|client| {
                let unsent =
                    client.changes().into_iter().filter(|change| !self.disk.holds(common, &change.hash()));
                (client.code.clone(), unsent.collect())
            })
            .collect();
        let now = self.now;
        let Program::Stock(stock) = &mut self.clients[n].program else { return };
        let messages = hostile::attack(stock, &others, rng, now, &mut self.truth);
        self.sends(n, messages);
    }
}
