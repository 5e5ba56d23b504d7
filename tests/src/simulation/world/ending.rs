//! The end of a run: all faults are over, everything comes to rest, and everything is checked.

use super::super::client::{Client, Program};
use super::super::server::{Open, Server};
use super::super::{Fuse, Violation, laws};
use super::World;
use automerge::ChangeHash;
use codraft_client_core::store::Facts;
use codraft_protocol::amendment::View;
use codraft_protocol::id::DocumentId;
use codraft_protocol::round::Act;
use codraft_server::registry::Snapshots;
use codraft_server::storage::record::ChangeRecord;
use rand::rngs::StdRng;

/// Messages that it may take to come to rest.
const PATIENCE: usize = 4_000;
/// Times that clients may have to connect anew for it.
const ROUNDS: usize = 12;

impl World {
    /// Faults end, everybody connects, and every message arrives.
    pub(super) fn settle(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        self.tell(|_| "     faults are over".to_owned());
        self.disk.set_full(false);
        if self.server.is_none() || self.disk.has_stopped() {
            self.crash(true, rng);
        }
        self.disk.restart();
        self.doom = None;
        self.boot(rng)?;
        if self.closed {
            return Ok(());
        }
        for n in 0..self.clients.len() {
            self.clients[n].cut_off = false;
            if !self.clients[n].is_alive() {
                self.clients[n].boot(&self.truth)?;
            }
        }
        let (mut left, mut begun) = (PATIENCE, false);
        for _ in 0..ROUNDS {
            self.flow(&mut left, rng)?;
            let mut idle = true;
            for n in 0..self.clients.len() {
                if self.clients[n].link.is_none() && !self.clients[n].shut_out {
                    self.connect(n, rng)?;
                    idle = false;
                }
                idle &= !self.takes_edits(n, rng)?;
            }
            if idle && begun {
                return self.ids().into_iter().try_for_each(|id| self.all_are_answered(id));
            }
            if idle {
                self.begin_anew();
                self.table_some(rng)?;
                begun = true;
            }
        }
        Err(Violation::new("comes to rest", "clients connect again and again".to_owned()))
    }

    /// Stock clients close their copies and open them again, on connections that go on.
    fn begin_anew(&mut self) {
        for n in 0..self.clients.len() {
            let client = &mut self.clients[n];
            let (false, Program::Stock(stock)) = (client.shut_out, &mut client.program) else { continue };
            let messages = stock.begin_anew();
            self.sends(n, messages);
        }
    }

    /// They have heard what the server has.
    fn all_are_answered(&mut self, id: DocumentId) -> Result<(), Violation> {
        let Some(open) = self.open(id) else { return Ok(()) };
        let heads = open.hub.heads();
        let waits = |program: &Program| matches!(program, Program::Stock(stock) if stock.spoilt.is_none() && stock.heard() != heads);
        let concerned = |client: &Client| client.document == id && !client.shut_out;
        match self.clients.iter().position(|client| concerned(client) && waits(&client.program)) {
            Some(n) => {
                Err(Violation::new("who begins anew is answered", format!("client {n} waits for ever")))
            }
            None => Ok(()),
        }
    }

    /// Edits that lie in a file are taken in. Returns whether there were any.
    fn takes_edits(&mut self, n: usize, rng: &mut StdRng) -> Result<bool, Violation> {
        let (now, connected) = (self.now, self.clients[n].link.is_some());
        self.truth.turns_to(self.clients[n].document);
        if self.clients[n].shut_out {
            return Ok(false);
        }
        let Program::Copy(copy) = &mut self.clients[n].program else { return Ok(false) };
        let before = copy.written().len();
        let messages = copy.take(rng, now, &mut self.truth, &mut Fuse::none(), connected)?;
        let took = copy.written().len() != before;
        self.sends(n, messages);
        Ok(took)
    }

    /// Nobody writes any more: what could wait is done. Returns whether anything was.
    fn rests(&mut self, rng: &mut StdRng) -> Result<bool, Violation> {
        let mut did = false;
        for id in self.ids() {
            let before = self.papers(id).entered.len();
            self.quiet(id, rng)?;
            did |= self.papers(id).entered.len() != before;
        }
        Ok(did)
    }

    /// Every message arrives, and everything is stored, until nothing moves.
    fn flow(&mut self, left: &mut usize, rng: &mut StdRng) -> Result<(), Violation> {
        loop {
            let mut moved = self.notice_all(rng)?;
            for id in self.ready_up() {
                self.deliver_up(id, rng)?;
                moved = true;
                *left = left.saturating_sub(1);
            }
            self.ids().into_iter().for_each(|id| self.hand_in(id));
            while self.commit(rng) {
                moved = true;
            }
            for id in self.ids() {
                moved |= self.stored(id, rng)?;
            }
            moved |= self.errands_hear();
            moved |= self.errands_go_on(rng)?;
            for id in self.ready_down() {
                self.deliver_down(id, rng)?;
                moved = true;
                *left = left.saturating_sub(1);
            }
            for n in 0..self.clients.len() {
                if !self.clients[n].is_alive() {
                    self.clients[n].boot(&self.truth)?;
                }
            }
            if !moved {
                moved = self.rests(rng)?;
                *left = left.saturating_sub(1);
            }
            if !moved {
                return Ok(());
            }
            if *left == 0 {
                return Err(Violation::new("comes to rest", format!("not within {PATIENCE} messages")));
            }
        }
    }

    /// Everything is as it should be.
    pub(super) fn conclude(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        for id in self.ids() {
            if !self.audit(id, rng)? {
                return Err(Violation::new("comes to rest", "some changes are never stored".to_owned()));
            }
            self.concludes(id)?;
        }
        self.drafts_are_kept()?;
        self.restart_changes_nothing()
    }

    /// Everything in a document is as it should be, and everybody has it.
    fn concludes(&mut self, id: DocumentId) -> Result<(), Violation> {
        let quarantined = self.disk.quarantined(id);
        let Some(server) = &mut self.server else { return Ok(()) };
        let stored = server.stored(id)?;
        let Some(Open { hub, .. }) = server.documents.get(&id) else { return Ok(()) };
        let papers = &self.documents[&id];
        let there = stored.hashes();
        let (heads, text) = (hub.heads(), hub.text(&View::Current));
        let marked: View = "marked".parse().expect("a view");
        let marked_text = hub.text(&marked);
        let proposals = hub.proposals().proposals;
        let attribution = hub.attribution();
        let roster = attribution.roster.iter().map(|(actor, code)| {
            let bytes =
                (0..actor.len() / 2).filter_map(|n| u8::from_str_radix(&actor[2 * n..2 * n + 2], 16).ok());
            (bytes.collect::<Vec<u8>>(), code.to_string())
        });
        let entries = stored.entries.iter().map(serde_json::to_string).collect::<Result<_, _>>();
        let facts = Facts {
            baseline: papers.founding.baseline.iter().map(|head| head.0).collect(),
            roster: roster.collect(),
            ledger: entries.map_err(|error| Violation::new("ledger", error.to_string()))?,
            late: hub.late().iter().filter_map(|hash| Some(hash.parse::<ChangeHash>().ok()?.0)).collect(),
            ..Facts::default()
        };
        let comments = hub.comments();
        laws::all_or_nothing(&stored, &papers.founding)?;
        let differs = |(number, record): &(u32, &ChangeRecord)| {
            hub.raw(*number).is_none_or(|raw| raw[..] != record.raw[..])
        };
        if let Some((number, _)) = (0..).zip(&stored.log).find(differs) {
            let how = format!("change {number} of {id} is kept in memory otherwise than it is stored");
            return Err(Violation::new("no words vanish", how));
        }

        if let Some(lost) = papers.promised.iter().find(|hash| !there.contains(hash)) {
            return Err(Violation::new("acknowledged changes survive", format!("{lost} is gone")));
        }
        if let Some(lost) = papers.refused.iter().find(|hash| !quarantined.contains(hash)) {
            return Err(Violation::new(
                "no words vanish",
                format!("{lost} was refused, and is not in quarantine"),
            ));
        }
        let document = id;
        for client in self.clients.iter_mut().filter(|client| client.document == id && !client.shut_out) {
            let who = client.member.account.clone();
            if client.heads() != heads {
                let how = format!("{who} has {:?}, the server {heads:?}", client.heads());
                return Err(Violation::new("all converge", how));
            }
            let Program::Copy(copy) = &mut client.program else { continue };
            if let Some(lost) = copy.written().into_iter().find(|hash| !there.contains(hash)) {
                return Err(Violation::new("no words vanish", format!("{lost} of {who} never arrived")));
            }
            copy.learn(facts.clone())?;
            if copy.file() != Some(text.as_str()) {
                let how = format!("the file of {who} is {:?}, the text {text:?}", copy.file());
                return Err(Violation::new("all converge", how));
            }
            let Some(replica) = copy.replica() else { continue };
            let failed = |error| Violation::new("proposals are equal", format!("{who}: {error}"));
            if replica.proposals(document).map_err(failed)? != proposals {
                return Err(Violation::new("proposals are equal", format!("not at {who}")));
            }
            if replica.comments(document).map_err(failed)? != comments {
                return Err(Violation::new("comments keep their words", format!("not at {who}")));
            }
            if replica.view(&marked).map_err(failed)? != marked_text {
                return Err(Violation::new("proposals are equal", format!("{who} marks the text otherwise")));
            }
        }
        if id != self.common {
            return Ok(());
        }
        self.tally.changes = stored.log.len() as u64;
        self.tally.revisions =
            stored.entries.iter().filter(|entry| matches!(entry.act, Act::Conclude { .. })).count() as u64;
        self.tally.comments = comments.comments.len() as u64;
        self.tally.proposals = proposals.len() as u64;
        self.tally.joint = proposals.iter().filter(|p| p.sponsors.len() > 1).count() as u64;
        self.tally.colliding = proposals.iter().filter(|p| !p.collides_with.is_empty()).count() as u64;
        Ok(())
    }

    /// The server, started once more, has what it had.
    fn restart_changes_nothing(&mut self) -> Result<(), Violation> {
        let again = self.boots(&self.snapshots.clone())?;
        // Nor does it matter whether there was a snapshot.
        let afresh = self.boots(&Snapshots::in_memory())?;
        let (Some(server), Some(again), Some(afresh)) = (&self.server, again, afresh) else { return Ok(()) };
        let told = |server: &Server| -> Vec<_> {
            let each = server.documents.iter().map(|(id, Open { hub, .. })| {
                let decided = (hub.rounds(), hub.revisions(), hub.rulings(), hub.comments());
                (*id, hub.text(&View::Current), hub.proposals(), hub.attribution(), decided)
            });
            each.collect()
        };
        match told(server) == told(&again) && told(server) == told(&afresh) {
            true => Ok(()),
            false => Err(Violation::new("a restart changes nothing", "what is told".to_owned())),
        }
    }
}
