//! The server without sockets and threads: the real hub, opened from the real store's records, and what its
//! document's task does, driven step by step.

use super::Violation;
use super::disk::{Disk, DiskStorage};
use super::laws::Stored;
use automerge::ActorId;
use codraft_protocol::time::Timestamp;
use codraft_server::document::{Ends, Keep as _, Kept, Pending};
use codraft_server::hub::{ConnectionId, Event, Hub, NewChange, NewEntry, Refused, Snapshot};
use codraft_server::registry::{self, Settings, Shelf, Snapshots};
use codraft_server::storage::committer::{CommitQueue, CommitterHandle, Health};
use codraft_server::storage::record::{ChangeRecord, DocumentRecord, key, ledger};
use codraft_server::storage::{Reader, Storage as _, StorageError, Tree};
use std::collections::BTreeSet;
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
    /// The hub.
    pub hub: Hub,
    shelf: Shelf,
    queue: CommitQueue<DiskStorage>,
    committer: CommitterHandle,
    health: tokio::sync::watch::Receiver<Health>,
    reader: Arc<dyn Reader>,
    snapshots: Snapshots,
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
    /// Opens what is on the disk; none where the disk failed meanwhile. `hand` is the actor of the server's own changes.
    ///
    /// # Errors
    /// The store or the document refuses to open.
    pub fn boot(
        disk: &Disk,
        snapshots: &Snapshots,
        record: &DocumentRecord,
        hand: ActorId,
    ) -> Result<Option<Self>, Violation> {
        let storage = match DiskStorage::open(disk) {
            Err(StorageError::Io { .. }) => return Ok(None),
            opened => opened.map_err(closed)?,
        };
        let reader = storage.reader();
        let (queue, committer, health) = CommitQueue::new(storage);
        let opened = registry::load(&settings(), PEER, &*reader, &committer, snapshots, record, hand);
        let (hub, _, shelf) = opened.map_err(closed)?;
        let (told, heard) = mpsc::channel();
        Ok(Some(Self {
            durable: Ends::of(&hub),
            hub,
            shelf,
            queue,
            committer,
            health,
            reader,
            snapshots: snapshots.clone(),
            record: record.clone(),
            to_store: Vec::new(),
            due: Pending::default(),
            refused: 0,
            told,
            heard,
            outboxes: BTreeSet::new(),
        }))
    }

    /// After a failure that the store has survived: the document, opened anew.
    ///
    /// # Errors
    /// It refuses to open.
    pub fn reopen(&mut self, hand: ActorId) -> Result<(), Violation> {
        let (committer, snapshots) = (&self.committer, &self.snapshots);
        let opened =
            registry::load(&settings(), PEER, &*self.reader, committer, snapshots, &self.record, hand);
        let (hub, _, shelf) = opened.map_err(closed)?;
        (self.durable, self.due) = (Ends::of(&hub), Pending::default());
        (self.hub, self.shelf) = (hub, shelf);
        self.to_store.clear();
        self.refused = 0;
        self.outboxes.clear();
        (self.told, self.heard) = mpsc::channel();
        Ok(())
    }

    /// Whether the store takes nothing any more, so that the process ends.
    pub fn has_failed(&self) -> bool {
        matches!(*self.health.borrow(), Health::Failed(_))
    }

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
        !self.is_durable() && self.due.iter().any(|due| *due == Due::Ask)
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

    /// Lets the committer commit what waits. Returns whether anything did.
    pub fn commit(&mut self) -> bool {
        self.queue.step()
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

    /// The document's log and ledger as they are stored.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn stored(&self) -> Result<Stored, Violation> {
        let mut stored = Stored::default();
        for entry in self.reader.scan(Tree::Changes, &key::document(&self.record.id)) {
            stored.log.push(ChangeRecord::decode(&entry.map_err(closed)?.1).map_err(closed)?);
        }
        for entry in self.reader.scan(Tree::Ledger, &key::document(&self.record.id)) {
            stored.entries.push(ledger::decode(&entry.map_err(closed)?.1).map_err(closed)?);
        }
        Ok(stored)
    }
}
