//! The server without sockets and threads: real hubs, opened from the real store's records, and what their
//! documents' tasks do, driven step by step.

use super::Violation;
use super::disk::{Disk, DiskStorage};
use super::errands::Errands;
use super::laws::Stored;
use automerge::ActorId;
use codraft_protocol::id::DocumentId;
use codraft_protocol::time::Timestamp;
use codraft_server::document::{Ends, Keep as _, Kept, Pending};
use codraft_server::drafts::Drafts;
use codraft_server::hub::{ConnectionId, Event, Hub, NewChange, NewEntry, Refused, Snapshot};
use codraft_server::registry::{self, Settings, Shelf, Snapshots};
use codraft_server::storage::committer::{Batch, CommitQueue, CommitterHandle, Health};
use codraft_server::storage::record::{ChangeRecord, DocumentRecord, key, ledger};
use codraft_server::storage::{Reader, Storage as _, StorageError, Tree, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, mpsc};

/// Its peer id.
pub const PEER: &str = "codraft-simulated";

/// What waits until all before it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// An event of an entry, to whoever watches.
    Publish(u64),
    /// The answer to an act, with the number of its entry.
    Answer(Option<u64>),
    /// An answer that the hub gives then.
    Ask,
    /// The same to who begins or tables a draft: the errand's number.
    AskFor(u64),
    /// An answer that is known already, to who tables a draft.
    AnswerTo(u64),
}

impl Due {
    fn is_asked(self) -> bool {
        matches!(self, Self::Ask | Self::AskFor(_))
    }
}

/// What has become durable; nothing: something could not be stored.
type Told = Option<Durable>;

#[derive(Clone, Copy, Debug)]
enum Durable {
    Ends(Ends),
    Refused(u64),
}

/// A running server.
pub struct Server {
    queue: CommitQueue<DiskStorage>,
    committer: CommitterHandle,
    health: tokio::sync::watch::Receiver<Health>,
    reader: Arc<dyn Reader>,
    snapshots: Snapshots,
    /// Its documents, all of which are open.
    pub documents: BTreeMap<DocumentId, Open>,
    /// The private drafts among them.
    pub drafts: Drafts,
    /// Drafts that are being begun or tabled.
    pub errands: Errands,
}

/// A document, and what its task holds.
pub struct Open {
    /// The hub.
    pub hub: Hub,
    shelf: Shelf,
    record: DocumentRecord,
    to_store: Vec<Kept>,
    durable: Ends,
    due: Pending<Due>,
    refused: u64,
    told: mpsc::Sender<Told>,
    heard: mpsc::Receiver<Told>,
    /// Connections that it holds open.
    pub outboxes: BTreeSet<ConnectionId>,
}

/// A snapshot is taken now and then in the shortest run.
fn settings() -> Settings {
    Settings { snapshot_every: 12, ..Settings::default() }
}

fn closed(error: impl std::fmt::Display) -> Violation {
    Violation::new("the server opens", error.to_string())
}

impl Server {
    /// Opens what is on the disk; none where the disk failed meanwhile. `hand` gives actors for the server's own
    /// changes.
    ///
    /// # Errors
    /// The store or a document refuses to open.
    pub fn boot(
        disk: &Disk,
        snapshots: &Snapshots,
        mut hand: impl FnMut() -> ActorId,
    ) -> Result<Option<Self>, Violation> {
        let storage = match DiskStorage::open(disk) {
            Err(StorageError::Io { .. }) => return Ok(None),
            opened => opened.map_err(closed)?,
        };
        let reader = storage.reader();
        let (queue, committer, health) = CommitQueue::new(storage);
        let mut server = Self {
            queue,
            committer,
            health,
            drafts: Drafts::read(&*reader).map_err(closed)?,
            reader,
            snapshots: snapshots.clone(),
            documents: BTreeMap::new(),
            errands: Errands::default(),
        };
        let reader = Arc::clone(&server.reader);
        for entry in reader.scan(Tree::Documents, &[]) {
            server.open(DocumentRecord::decode(&entry.map_err(closed)?.1).map_err(closed)?, hand())?;
        }
        Ok(Some(server))
    }

    /// Opens a document, or opens it anew after a failure that the store has survived.
    ///
    /// # Errors
    /// It refuses to open.
    pub fn open(&mut self, record: DocumentRecord, hand: ActorId) -> Result<(), Violation> {
        let (committer, snapshots) = (&self.committer, &self.snapshots);
        let opened = registry::load(&settings(), PEER, &self.reader, committer, snapshots, &record, hand);
        let (opened, _, shelf) = opened.map_err(closed)?;
        let hub = opened.wait().map_err(closed)?;
        let (told, heard) = mpsc::channel();
        let open = Open {
            durable: Ends::of(&hub),
            hub,
            shelf,
            record,
            to_store: Vec::new(),
            due: Pending::default(),
            refused: 0,
            told,
            heard,
            outboxes: BTreeSet::new(),
        };
        self.documents.insert(open.record.id, open);
        Ok(())
    }

    /// The record of a document.
    pub fn record(&self, id: DocumentId) -> Option<DocumentRecord> {
        self.documents.get(&id).map(|open| open.record.clone())
    }

    /// Whether the store takes nothing any more, so that the process ends.
    pub fn has_failed(&self) -> bool {
        matches!(*self.health.borrow(), Health::Failed(_))
    }

    /// Lets the committer commit what waits. Returns whether anything did.
    pub fn commit(&mut self) -> bool {
        self.queue.step()
    }

    /// Hands in what belongs to no document's task, for an errand that goes on once it is stored.
    pub fn write(&mut self, writes: Vec<Write>, at: Timestamp, errand: u64) {
        let done = self.errands.done(errand);
        self.committer.submit_then(Batch { writes, at, lane: None }, move |result| done(result.is_ok()));
    }

    /// What can be read of the store.
    pub fn reader(&self) -> &dyn Reader {
        &*self.reader
    }

    /// A document's log and ledger as they are stored.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn stored(&self, id: DocumentId) -> Result<Stored, Violation> {
        let mut stored = Stored::default();
        for entry in self.reader.scan(Tree::Changes, &key::document(&id)) {
            stored.log.push(ChangeRecord::decode(&entry.map_err(closed)?.1).map_err(closed)?);
        }
        for entry in self.reader.scan(Tree::Ledger, &key::document(&id)) {
            stored.entries.push(ledger::decode(&entry.map_err(closed)?.1).map_err(closed)?);
        }
        Ok(stored)
    }
}

impl Open {
    /// Puts changes with those that are stored next.
    pub fn collect(&mut self, changes: Vec<NewChange>) {
        self.to_store.push(Kept::Changes(changes));
    }

    /// Puts an entry of the ledger, with its change, with what is stored next; its events wait for that.
    pub fn enter(&mut self, entry: Box<NewEntry>) {
        entry.events.iter().for_each(|_| self.await_durable(Due::Publish(entry.entry.number)));
        self.to_store.push(Kept::Entry(entry));
    }

    /// Puts what may leave once all that the hub has given out until now is durable behind the others.
    pub fn await_durable(&mut self, due: Due) {
        self.due.push(Ends::of(&self.hub), due);
    }

    /// What may leave now.
    pub fn next_due(&mut self) -> Option<Due> {
        self.due.next(self.durable)
    }

    /// Whether all that the hub has given out is known to be durable.
    pub fn is_durable(&self) -> bool {
        self.durable == Ends::of(&self.hub)
    }

    /// Whether a question waits, so that nothing more is taken in.
    pub fn is_asked(&self) -> bool {
        !self.is_durable() && self.due.iter().any(|due| due.is_asked())
    }

    /// Hands in what has been collected.
    pub fn store(&mut self, now: Timestamp) {
        if self.to_store.is_empty() {
            return;
        }
        let done = self.done(Durable::Ends(Ends::of(&self.hub)));
        self.shelf.store(std::mem::take(&mut self.to_store), now, done);
    }

    /// Hands in a refused change.
    pub fn quarantine(&mut self, refused: Refused, now: Timestamp) {
        self.refused += 1;
        let done = self.done(Durable::Refused(self.refused));
        self.shelf.quarantine(refused, now, done);
    }

    /// Keeps a snapshot.
    pub fn keep_snapshot(&mut self, snapshot: Snapshot) {
        self.shelf.snapshot(snapshot);
    }

    fn done(&self, durable: Durable) -> Box<dyn FnOnce(bool) + Send> {
        let told = self.told.clone();
        Box::new(move |ok| {
            // A document that was opened anew does not listen any more.
            let _ = told.send(ok.then_some(durable));
        })
    }

    /// What the task hears of what was stored: the last of each kind says all. None: something could not be.
    pub fn hear(&mut self) -> Option<Vec<Event>> {
        let (mut ends, mut refused) = (None, None);
        for told in self.heard.try_iter() {
            match told? {
                Durable::Ends(reached) => ends = Some(reached),
                Durable::Refused(kept) => refused = Some(Event::Kept { refused: kept }),
            }
        }
        self.durable = ends.unwrap_or(self.durable);
        let stored = ends.map(|ends| Event::Stored { durable: ends.changes });
        Some(stored.into_iter().chain(refused).collect())
    }
}
