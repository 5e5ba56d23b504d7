//! Private drafts: begun, edited by several devices of their delegation, tabled at any moment, and asked for by those
//! who may not know of them.

use super::super::errands::{Errand, Stage};
use super::super::server::{Due, Open, Server};
use super::super::{Violation, laws};
use super::laws::Stored;
use super::{Connection, Draft, Papers, Up, World, client};
use automerge::{Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};
use bytes::Bytes;
use codraft_protocol::amendment::View;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::sync::SyncMessage;
use codraft_server::directory::Caller;
use codraft_server::directory::permission::{Action, allows};
use codraft_server::drafts::{self, Beginning, DraftError};
use codraft_server::hub::{Member, NetChange};
use codraft_server::storage::record::DraftRecord;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use std::collections::BTreeSet;

const PRIVATE: &str = "drafts are private";
const ONCE: &str = "a draft is tabled once";
const KEPT: &str = "drafts are kept";

/// Whoever shows that account's own token.
fn caller(member: &Member) -> Caller {
    let (account, delegation) = (member.account.clone(), member.delegation.clone());
    Caller { account, role: member.role, delegation, document: None, ticket: None, expires: None }
}

impl World {
    fn drafts(&self) -> Vec<DocumentId> {
        self.documents.iter().filter(|(_, papers)| papers.draft.is_some()).map(|(id, _)| *id).collect()
    }

    /// A delegation begins or tables a draft, or what is under way goes on.
    pub(super) fn draft(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        if let Some(errand) = server.errands.ready().choose(rng).copied()
            && rng.random_bool(0.85)
        {
            self.go_on(errand, rng)?;
            while rng.random_bool(0.5) {
                self.go_on(errand, rng)?;
            }
            return Ok(());
        }
        let drafts = self.drafts();
        match drafts.choose(rng).copied() {
            Some(draft) if drafts.len() >= 3 || rng.random_bool(0.7) => self.table(draft, rng),
            _ => self.begin(rng),
        }
    }

    /// Somebody who may come in: mostly a delegate.
    fn somebody(&self, rng: &mut StdRng) -> Caller {
        let role = [Role::Secretariat, Role::Chair, Role::Observer].choose(rng).copied();
        let member = self.clients.choose(rng).map(|client| client.member.clone());
        match (member, role) {
            (Some(member), _) if rng.random_bool(0.7) => caller(&member),
            (_, role) => {
                let role = role.unwrap_or(Role::Observer);
                let delegation = (role == Role::Secretariat).then(DelegationCode::secretariat);
                caller(&Member { peer: "other".to_owned(), account: format!("{role}-1"), role, delegation })
            }
        }
    }

    fn begin(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let who = self.somebody(rng);
        let of = self.drafts().choose(rng).copied().filter(|_| rng.random_bool(0.2)).unwrap_or(self.common);
        let id = DocumentId::from_bytes(rng.random());
        let Some(server) = &mut self.server else { return Ok(()) };
        let may = allows(&who, Action::Draft).then(|| server.drafts.may_begin(of, &who));
        let Some(Ok(delegation)) = may else { return Ok(()) };
        if who.role != Role::Delegate || who.delegation.as_ref() != Some(&delegation) || of != self.common {
            let how = format!("{} begins one of {of} for {delegation}", who.account);
            return Err(Violation::new(PRIVATE, how));
        }
        server.errands.begin(Errand::new(who.clone(), Stage::Begin { id, delegation: delegation.clone() }));
        self.tell(|_| format!("     {} begins the draft {id}", who.account));
        self.begun.insert(id, delegation);
        Ok(())
    }

    /// Some of the drafts are tabled.
    pub(super) fn table_some(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        for id in self.drafts() {
            if rng.random_bool(0.5) {
                self.table(id, rng)?;
            }
        }
        Ok(())
    }

    fn table(&mut self, id: DocumentId, rng: &mut StdRng) -> Result<(), Violation> {
        let whose = self.begun[&id].clone();
        let own = self.clients.iter().find(|client| client.member.delegation.as_ref() == Some(&whose));
        let own = own.map(|client| caller(&client.member));
        let who = own.filter(|_| rng.random_bool(0.85)).unwrap_or_else(|| self.somebody(rng));
        let Some(server) = &mut self.server else { return Ok(()) };
        if !allows(&who, Action::Draft) {
            return Ok(());
        }
        let may = server.drafts.begin_tabling(id, &who);
        self.tell(|_| format!("     {} tables {id}: {:?}", who.account, may.as_ref().err()));
        match may {
            Ok(draft) => {
                if let Some(server) = &mut self.server {
                    server.errands.begin(Errand::new(who, Stage::Table(draft)));
                }
                Ok(())
            }
            Err(DraftError::NoDraft) if who.delegation.as_ref() == Some(&whose) => {
                Err(Violation::new(KEPT, format!("{id} is none for {whose}, whose it is")))
            }
            Err(_) => Ok(()),
        }
    }

    /// Somebody asks for a draft that is another delegation's.
    pub(super) fn pry(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(draft) = self.drafts().choose(rng).copied() else { return Ok(()) };
        let who = self.somebody(rng);
        let Some(server) = &self.server else { return Ok(()) };
        if who.delegation.as_ref() == Some(&self.begun[&draft]) {
            return Ok(());
        }
        self.tally.pried += 1;
        for listed in server.drafts.listed(self.common, &who) {
            if who.delegation.as_ref() != Some(&listed.delegation) {
                let how = format!("{} is told of one of {}", who.account, listed.delegation);
                return Err(Violation::new(PRIVATE, how));
            }
        }
        let id = self.next_connection;
        self.next_connection += 1;
        let Caller { account, role, delegation, .. } = who;
        let everything = SyncMessage::reset(Vec::new()).encode();
        let member = Member { peer: format!("pries-{id}"), account, role, delegation };
        let mut connection = Connection::new(0, draft, member);
        connection.up.push_back(Up::Sync(everything.into()));
        self.connections.insert(id, connection);
        self.deliver_up(id, rng)
    }

    /// Whether somebody gets to a document.
    pub(super) fn is_let_in(&self, id: DocumentId, member: &Member) -> Result<bool, Violation> {
        let Some(server) = &self.server else { return Ok(false) };
        let is_let_in = server.drafts.is_visible(&caller(member), id);
        if !is_let_in && member.delegation.is_some() && self.begun.get(&id) == member.delegation.as_ref() {
            return Err(Violation::new(KEPT, format!("{id} is none for {}, whose it is", member.account)));
        }
        Ok(is_let_in)
    }

    /// Nobody sees anything of another delegation's draft.
    pub(super) fn may_see(
        &self,
        id: DocumentId,
        own: Option<&DelegationCode>,
        who: &str,
    ) -> Result<(), Violation> {
        match self.begun.get(&id) {
            Some(whose) if own != Some(whose) => {
                Err(Violation::new(PRIVATE, format!("{who} is sent something of {id}, which is {whose}'s")))
            }
            _ => Ok(()),
        }
    }

    /// Puts an errand's question behind what a document has under way, if that takes anything in now.
    fn waits(&mut self, id: DocumentId, number: u64, mut errand: Errand) -> Result<(), Violation> {
        let takes = self.open(id).is_some_and(|open| !open.is_asked());
        if takes {
            errand.waits_for = Some(id);
        }
        let Some(server) = &mut self.server else { return Ok(()) };
        server.errands.put(number, errand);
        if let Some(open) = self.open(id).filter(|_| takes) {
            open.await_durable(Due::AskFor(number));
        }
        self.let_out(id)
    }

    /// The next step of what is under way, unless it waits, or the server ends before it.
    fn go_on(&mut self, number: u64, rng: &mut StdRng) -> Result<(), Violation> {
        let is_ready = |server: &Server| server.errands.ready().contains(&number);
        if !self.server.as_ref().is_some_and(is_ready) || self.ends_here(rng) {
            return Ok(());
        }
        let (now, common) = (self.now, self.common);
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some(mut errand) = server.errands.take(number) else { return Ok(()) };
        match errand.stage.clone() {
            Stage::Begin { .. } | Stage::Read(..) => self.waits(common, number, errand)?,
            Stage::Table(draft) => self.waits(draft.id, number, errand)?,
            Stage::Copy(beginning) => {
                let writes = beginning.writes(server.reader(), rng.random_range(1..40));
                let writes = writes.map_err(|error| Violation::new(KEPT, error.to_string()))?;
                errand.stage = Stage::Store(beginning, writes.into());
                server.errands.put(number, errand);
            }
            Stage::Store(beginning, mut writes) => match writes.pop_front() {
                Some(together) => {
                    errand.stage = Stage::Store(beginning, writes);
                    errand.stores = true;
                    server.errands.put(number, errand);
                    server.write(together, now, number);
                }
                None => {
                    server.drafts.keep(beginning.draft);
                    let hand = self.new_hand();
                    if let Some(server) = &mut self.server {
                        server.open(beginning.document, hand)?;
                    }
                    self.find_drafts(rng)?;
                }
            },
            Stage::Publish(draft, net) => {
                let Some(open) = server.documents.get_mut(&common).filter(|open| !open.is_asked()) else {
                    server.errands.put(number, errand);
                    return Ok(());
                };
                let Caller { account, role, delegation, .. } = errand.caller.clone();
                let member = Member { peer: format!("draft-{}", draft.id), account, role, delegation };
                let mut effects = Vec::new();
                let taken = open.hub.publish(&member, &net, &mut effects);
                let closed = DraftRecord { tabled: Some(now), ..draft };
                errand.stage = Stage::Close(closed, taken);
                errand.waits_for = Some(common);
                server.errands.put(number, errand);
                self.perform_all(common, effects, Some(Due::AnswerTo(number)), rng)?;
            }
            Stage::Close(draft, taken) => {
                if taken == Some(0) {
                    return Err(Violation::new(KEPT, format!("what {} has changed is not taken", draft.id)));
                }
                errand.stage = Stage::Closed(draft.clone(), taken);
                errand.stores = true;
                server.errands.put(number, errand);
                server.write(vec![drafts::closing(&draft)], now, number);
            }
            Stage::Closed(draft, taken) => {
                let id = draft.id;
                server.drafts.keep(draft);
                let text = server.documents.get(&id).map(|open| open.hub.text(&View::Current));
                let read = self.papers(id).draft.as_ref().and_then(|draft| draft.read.clone());
                if taken.is_some() && text != read {
                    let how = format!("{id} has more in it than was tabled:\n{text:?}\n{read:?}");
                    return Err(Violation::new("what is tabled is the draft", how));
                }
                self.tally.tabled += u64::from(taken.is_some());
                self.tell(|_| format!("     {id} is tabled: {taken:?}"));
                if let Some(draft) = &mut self.papers(id).draft {
                    draft.tabled = true;
                }
            }
        }
        Ok(())
    }

    /// What is under way goes on as far as it can. Returns whether anything did.
    pub(super) fn errands_go_on(&mut self, rng: &mut StdRng) -> Result<bool, Violation> {
        let ready = self.server.as_ref().map(|server| server.errands.ready()).unwrap_or_default();
        for number in &ready {
            self.go_on(*number, rng)?;
        }
        Ok(!ready.is_empty())
    }

    /// Errands hear of what was stored for them.
    pub(super) fn errands_hear(&mut self) -> bool {
        self.server.as_mut().is_some_and(|server| server.errands.hear())
    }

    /// A document answers an errand's question.
    pub(super) fn is_told(&mut self, id: DocumentId, number: u64) -> Result<(), Violation> {
        let now = self.now;
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some(mut errand) = server.errands.take(number) else { return Ok(()) };
        let of = server.record(id);
        let (Some(Open { hub, .. }), Some(of)) = (server.documents.get_mut(&id), of) else {
            return Ok(());
        };
        errand.waits_for = None;
        errand.stage = match errand.stage {
            Stage::Begin { id, delegation } => {
                let account = &errand.caller.account;
                Stage::Copy(Box::new(Beginning::new(id, &of, hub, delegation, account, now)))
            }
            Stage::Table(draft) => {
                hub.close(true);
                let text = hub.text(&View::Current);
                if let Some(draft) = &mut self.papers(id).draft {
                    draft.read = Some(text.clone());
                }
                self.may_see(id, errand.caller.delegation.as_ref(), &errand.caller.account)?;
                Stage::Read(draft, text)
            }
            Stage::Read(draft, text) => {
                let log: Vec<Bytes> = (0..hub.durable()).filter_map(|number| hub.raw(number)).collect();
                match drafts::net_change(&draft, &text, &log, now) {
                    Ok(net) => {
                        self.is_net(&draft, &text, &log, &net)?;
                        Stage::Publish(draft, net)
                    }
                    Err(DraftError::Nothing) if text == self.papers(draft.id).founding.text => {
                        self.opens_again(draft.id);
                        return Ok(());
                    }
                    // Nothing is left of it.
                    Err(DraftError::Text(_)) if text.trim().is_empty() => {
                        self.opens_again(draft.id);
                        return Ok(());
                    }
                    Err(error) => {
                        let how = format!("{} cannot be tabled: {error}\n{text}", draft.id);
                        return Err(Violation::new(KEPT, how));
                    }
                }
            }
            other => other,
        };
        if let Some(server) = &mut self.server {
            server.errands.put(number, errand);
        }
        Ok(())
    }

    /// A draft could not be tabled.
    fn opens_again(&mut self, id: DocumentId) {
        if let Some(open) = self.open(id) {
            open.hub.close(false);
        }
        if let Some(server) = &mut self.server {
            server.drafts.give_up(id);
        }
    }

    /// Whether a refusal is that of a draft that was read to be tabled.
    pub(super) fn is_of_a_tabled_draft(&self, id: DocumentId, code: &str) -> bool {
        let was_read = self.documents[&id].draft.as_ref().is_some_and(|draft| draft.read.is_some());
        was_read && ["draft-tabled", "depends-on-refused"].contains(&code)
    }

    /// What is published makes the text of what the document was of what the draft is, in one change that builds on
    /// nothing of the draft's own.
    fn is_net(
        &mut self,
        draft: &DraftRecord,
        text: &str,
        log: &[Bytes],
        net: &NetChange,
    ) -> Result<(), Violation> {
        let wrong = |how: String| Violation::new("what is tabled is the draft", how);
        let papers = &self.documents[&draft.id];
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        for raw in log {
            let change = Change::from_bytes(raw.to_vec()).map_err(|error| wrong(error.to_string()))?;
            if papers.founding.before.contains(&change.hash()) {
                doc.apply_changes([change]).map_err(|error| wrong(error.to_string()))?;
            }
        }
        for raw in &net.changes {
            let change = Change::from_bytes(raw.to_vec()).map_err(|error| wrong(error.to_string()))?;
            let hash = change.hash();
            doc.apply_changes([change]).map_err(|error| wrong(error.to_string()))?;
            if doc.get_change_by_hash(&hash).is_none() {
                return Err(wrong(format!("{hash} builds on what is not in the common document")));
            }
            let author = self.begun[&draft.id].clone();
            self.truth.turns_to(self.common);
            self.truth.wrote(&author, hash, None);
            if let Some(draft) = self.documents.get_mut(&draft.id).and_then(|papers| papers.draft.as_mut()) {
                draft.made.insert(hash);
            }
        }
        let shown = laws::text(&doc)?;
        match shown == text && net.changes.len() == 1 {
            true => Ok(()),
            false => {
                Err(wrong(format!("{} changes make\n{shown}\nof it, which is\n{text}", net.changes.len())))
            }
        }
    }

    /// What a draft has published is durable.
    pub(super) fn is_answered(&mut self, number: u64) -> Result<(), Violation> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some(mut errand) = server.errands.take(number) else { return Ok(()) };
        if let Stage::Close(draft, taken) = &errand.stage
            && *taken != Some(0)
        {
            let made = self.documents[&draft.id].draft.iter().flat_map(|draft| &draft.made);
            if !made.into_iter().any(|hash| self.disk.holds(self.common, hash)) {
                let how = format!("{} is said to be tabled, and would not survive a power loss", draft.id);
                return Err(Violation::new("nothing leaves before it is durable", how));
            }
        }
        errand.waits_for = None;
        server.errands.put(number, errand);
        Ok(())
    }

    /// Drafts that nobody knows of yet get their papers and the devices that work in them.
    pub(super) fn find_drafts(&mut self, rng: &mut StdRng) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        let new: Vec<DocumentId> =
            server.documents.keys().filter(|id| !self.documents.contains_key(id)).copied().collect();
        for id in new {
            let Some(server) = &self.server else { return Ok(()) };
            if !server.drafts.is_draft(id) {
                return Err(Violation::new(PRIVATE, format!("{id} is a document, and no draft")));
            }
            let Some(record) = server.record(id) else { continue };
            let stored = server.stored(id)?;
            let (doc, _) = laws::applied(&stored.log)?;
            let mut heads = doc.get_heads();
            heads.sort_unstable();
            let baseline: Vec<ChangeHash> = record.baseline.iter().copied().map(ChangeHash).collect();
            if heads != baseline {
                let how = format!("{id} begins with {heads:?}, its baseline is {baseline:?}");
                return Err(Violation::new("a draft begins with the common document", how));
            }
            let founding = laws::Founding {
                document: id,
                created: record.created,
                text: laws::text(&doc)?,
                baseline,
                before: stored.hashes(),
            };
            let whose = self.begun[&id].clone();
            for _ in 0..rng.random_range(1..=2) {
                let (n, copy) = (self.clients.len(), rng.random_bool(0.5));
                self.clients.push(client(n, whose.as_str(), copy, Role::Delegate, false, &founding));
            }
            self.tally.drafts += 1;
            self.tell(|_| format!("     {id} is there, a draft of {whose}"));
            let draft = Draft { made: BTreeSet::new(), read: None, tabled: false };
            self.documents.insert(id, Papers::new(founding, Some(draft)));
        }
        Ok(())
    }

    /// Every draft is there, and its delegation's alone; those that are closed are tabled.
    pub(super) fn drafts_are_kept(&self) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        let common = server.stored(self.common)?.hashes();
        for (id, papers) in &self.documents {
            let Some(draft) = &papers.draft else { continue };
            let whose = &self.begun[id];
            let known = |who: &Caller| {
                let listed = server.drafts.listed(self.common, who);
                listed.into_iter().find(|one| one.id == id.to_string())
            };
            let own = self.clients.iter().find(|client| client.member.delegation.as_ref() == Some(whose));
            let listed = own.and_then(|client| known(&caller(&client.member)));
            let (Some(listed), true) = (listed, server.documents.contains_key(id)) else {
                return Err(Violation::new(KEPT, format!("{id} of {whose} is gone")));
            };
            let is_tabled = draft.made.iter().any(|hash| common.contains(hash));
            if (listed.tabled.is_some() || draft.tabled) && !is_tabled {
                return Err(Violation::new(KEPT, format!("{id} is closed, and its words were never tabled")));
            }
            if draft.tabled && listed.tabled.is_none() {
                return Err(Violation::new(KEPT, format!("{id} was tabled, and is open after a restart")));
            }
        }
        Ok(())
    }

    /// Of all that was made of a draft for the common document, one stands in it at most.
    pub(super) fn is_tabled_once(&self, id: DocumentId, stored: &Stored) -> Result<(), Violation> {
        if id != self.common {
            return Ok(());
        }
        let there = stored.hashes();
        for (draft, papers) in &self.documents {
            let made = papers.draft.iter().flat_map(|draft| &draft.made);
            let times = made.filter(|hash| there.contains(hash)).count();
            if times > 1 {
                return Err(Violation::new(
                    ONCE,
                    format!("{draft} stands in the common document {times} times"),
                ));
            }
        }
        Ok(())
    }
}
