//! The server without sockets and threads: the real hub, opened from the real store's records, and what its
//! document's task does, driven step by step.

use super::Violation;
use super::disk::{Disk, DiskStorage};
use bytes::Bytes;
use codraft_protocol::time::Timestamp;
use codraft_server::document::{Keep as _, Kept};
use codraft_server::hub::{ConnectionId, Event, Hub, NewChange, NewEntry, Refused};
use codraft_server::registry::{self, Settings, Shelf};
use codraft_server::storage::committer::{CommitQueue, CommitterHandle, Health};
use codraft_server::storage::record::{ChangeRecord, DocumentRecord, key};
use codraft_server::storage::{Reader, Storage as _, StorageError, Tree};
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};

/// Its peer id.
pub const PEER: &str = "codraft-simulated";

/// A running server.
pub struct Server {
    /// The hub.
    pub hub: Hub,
    shelf: Shelf,
    queue: CommitQueue<DiskStorage>,
    committer: CommitterHandle,
    health: tokio::sync::watch::Receiver<Health>,
    reader: Arc<dyn Reader>,
    record: DocumentRecord,
    to_store: Vec<Kept>,
    refused: u64,
    told: mpsc::Sender<Result<Event, ()>>,
    heard: mpsc::Receiver<Result<Event, ()>>,
    /// Connections that it holds open.
    pub outboxes: BTreeSet<ConnectionId>,
}

fn closed(error: impl std::fmt::Display) -> Violation {
    Violation::new("the server opens", error.to_string())
}

impl Server {
    /// Opens what is on the disk; none where the disk failed meanwhile.
    ///
    /// # Errors
    /// The store or the document refuses to open.
    pub fn boot(disk: &Disk, record: &DocumentRecord) -> Result<Option<Self>, Violation> {
        let storage = match DiskStorage::open(disk) {
            Err(StorageError::Io { .. }) => return Ok(None),
            opened => opened.map_err(closed)?,
        };
        let reader = storage.reader();
        let (queue, committer, health) = CommitQueue::new(storage);
        let (hub, _, shelf) =
            registry::load(&Settings::default(), PEER, &*reader, &committer, record).map_err(closed)?;
        let (told, heard) = mpsc::channel();
        Ok(Some(Self {
            hub,
            shelf,
            queue,
            committer,
            health,
            reader,
            record: record.clone(),
            to_store: Vec::new(),
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
    pub fn reopen(&mut self) -> Result<(), Violation> {
        let opened = registry::load(&Settings::default(), PEER, &*self.reader, &self.committer, &self.record);
        let (hub, _, shelf) = opened.map_err(closed)?;
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

    /// Puts an entry of the ledger, with its change, with what is stored next.
    pub fn enter(&mut self, entry: Box<NewEntry>) {
        self.to_store.push(Kept::Entry(entry));
    }

    /// Hands in what has been collected.
    pub fn store(&mut self, now: Timestamp) {
        if self.to_store.is_empty() {
            return;
        }
        let durable = self.hub.folded();
        let done = self.done(Event::Stored { durable });
        self.shelf.store(std::mem::take(&mut self.to_store), now, done);
    }

    /// Hands in a refused change.
    pub fn quarantine(&mut self, refused: Refused, now: Timestamp) {
        self.refused += 1;
        let done = self.done(Event::Kept { refused: self.refused });
        self.shelf.quarantine(refused, now, done);
    }

    fn done(&self, event: Event) -> Box<dyn FnOnce(bool) + Send> {
        let told = self.told.clone();
        Box::new(move |ok| {
            // A document that was opened anew does not listen any more.
            let _ = told.send(if ok { Ok(event) } else { Err(()) });
        })
    }

    /// Lets the committer commit what waits. Returns whether anything did.
    pub fn commit(&mut self) -> bool {
        self.queue.step()
    }

    /// What the task hears of what was stored: the last of each kind says all. None: something could not be.
    pub fn hear(&mut self) -> Option<Vec<Event>> {
        let (mut changes, mut refused) = (None, None);
        for result in self.heard.try_iter() {
            match result.ok()? {
                event @ Event::Stored { .. } => changes = Some(event),
                event => refused = Some(event),
            }
        }
        Some(changes.into_iter().chain(refused).collect())
    }

    /// The document's log as it is stored.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn log(&self) -> Result<Vec<Bytes>, Violation> {
        let entries = self.reader.scan(Tree::Changes, &key::document(&self.record.id));
        let read = |entry: Result<(Vec<u8>, Vec<u8>), _>| {
            let (_, value) = entry.map_err(closed)?;
            Ok(ChangeRecord::decode(&value).map_err(closed)?.raw.into())
        };
        entries.map(read).collect()
    }
}
