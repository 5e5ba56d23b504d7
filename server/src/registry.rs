//! The documents of this server: the catalogue of all, and the open ones, each behind its task. What HTTP and
//! websockets talk to.

mod drafts;
mod loading;
mod open;
mod overview;
mod proceedings;
mod shelf;
mod snapshots;
mod views;

pub use loading::load;
pub use proceedings::LedgerListing;
pub use shelf::Shelf;
pub use snapshots::Snapshots;

use crate::connection::ConnectionSettings;
use crate::directory::Caller;
use crate::document::{Handle, now};
use crate::drafts::{DraftError, Drafts};
use crate::hub::read::Facts;
use crate::hub::{Budgets, ConnectionId, Hub};
use crate::storage::committer::{Batch, CommitterHandle};
use crate::storage::record::{ChangeRecord, DocumentRecord, QuarantineRecord, key};
use crate::storage::{Reader, StorageError, Tree, Write};
use automerge::{Automerge, TextEncoding};
use codraft_protocol::amendment::View;
use codraft_protocol::api;
use codraft_protocol::authorship::Gate;
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::text_form::{self, TextFormError};
use codraft_protocol::resolution::{edit, fused};
use open::OpenDocuments;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Bytes of a quarantined change that a listing shows.
const QUARANTINE_SHOWN: usize = 4096;

/// Why a request about a document cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such document (or the caller may not know of it).
    #[error("there is no document {0} here; GET /api/v1/documents lists those there are")]
    UnknownDocument(DocumentId),
    /// The text cannot be imported.
    #[error(transparent)]
    Text(#[from] TextFormError),
    /// The text cannot be made a document.
    #[error(transparent)]
    Edit(#[from] edit::EditError),
    /// The store does not take writes now.
    #[error(transparent)]
    Storage(Arc<StorageError>),
    /// The document's log is damaged; nothing of it is served.
    #[error("document {document} cannot be opened: {why}; verify the data directory and restore a backup")]
    Damaged {
        /// Which.
        document: DocumentId,
        /// What is wrong.
        why: String,
    },
    /// The server is shutting down.
    #[error("the server is shutting down; try again in a moment")]
    Closing,
    /// The house's rules say no.
    #[error(transparent)]
    Refused(#[from] codraft_protocol::round::Refusal),
    /// The machine gives no randomness.
    #[error("the system's random number generator does not answer: {0}")]
    Randomness(String),
    /// The audit trail cannot be replayed to that moment.
    #[error(transparent)]
    Audit(#[from] codraft_protocol::round::audit::AuditError),
    /// What is there cannot be written.
    #[error("this cannot be written as JSON: {0}")]
    Encoding(String),
    /// No such agreed text.
    #[error("there is no revision {0} yet; GET …/revisions lists those there are")]
    NoSuchRevision(u32),
    /// What is asked for does not fit the draft.
    #[error(transparent)]
    Draft(#[from] DraftError),
}

/// What a registry is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Per connection.
    pub connection: ConnectionSettings,
    /// Per connection and document.
    pub budgets: Budgets,
    /// What a change may be.
    pub gate: Gate,
    /// How many documents may stay open though nobody uses them.
    pub open_documents: usize,
    /// Changes that a document's snapshot lacks at least before another one is taken.
    pub snapshot_every: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connection: ConnectionSettings::default(),
            budgets: Budgets::default(),
            gate: Gate::default(),
            open_documents: 64,
            snapshot_every: 1000,
        }
    }
}

/// A handle on all documents; cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    peer_id: String,
    storage_id: String,
    committer: CommitterHandle,
    reader: Arc<dyn Reader>,
    snapshots: Snapshots,
    /// Every document there is, in order of creation.
    catalogue: Mutex<Vec<DocumentRecord>>,
    /// Private drafts.
    drafts: Mutex<Drafts>,
    open: Mutex<OpenDocuments>,
    connections: AtomicU64,
}

/// A mutex that a panic elsewhere has poisoned still guards sound data: every critical section here is one
/// insertion or one look-up.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// The registry of the documents in a store. `storage_id` names the store for good: clients keep their
    /// sync state by it.
    ///
    /// # Errors
    /// [`RegistryError::Storage`]
    pub fn new(
        settings: Settings,
        storage_id: String,
        committer: CommitterHandle,
        reader: Arc<dyn Reader>,
        snapshots: Snapshots,
    ) -> Result<Self, RegistryError> {
        let mut catalogue = Vec::new();
        for entry in reader.scan(Tree::Documents, &[]) {
            let (_, value) = entry.map_err(|e| RegistryError::Storage(Arc::new(e)))?;
            catalogue.push(
                DocumentRecord::decode(&value).map_err(|e| RegistryError::Storage(Arc::new(e.into())))?,
            );
        }
        let drafts = Drafts::read(&*reader).map_err(|e| RegistryError::Storage(Arc::new(e)))?;
        catalogue.sort_by_key(|record: &DocumentRecord| (record.created, record.id));
        let peer_id = format!("codraft-{}", storage_id.get(..8).unwrap_or(&storage_id));
        let inner = Inner {
            settings,
            peer_id,
            storage_id,
            committer,
            reader,
            snapshots,
            catalogue: Mutex::new(catalogue),
            drafts: Mutex::new(drafts),
            open: Mutex::default(),
            connections: AtomicU64::new(1),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What it was set up with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The server's peer id.
    pub fn peer_id(&self) -> &str {
        &self.inner.peer_id
    }

    /// The store's name.
    pub fn storage_id(&self) -> &str {
        &self.inner.storage_id
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.inner.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Creates a document from a resolution's text, durably.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn create(&self, by: &Caller, new: api::NewDocument) -> Result<api::Imported, RegistryError> {
        let at = now();
        let (text, symbol) = (new.text, new.symbol.clone());
        // A text of some megabytes takes seconds: others must not wait for it.
        let made = tokio::task::spawn_blocking(move || {
            let (layout, lines) = text_form::parse(text.as_bytes())?;
            let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
            let head = edit::create(&mut doc, &symbol, &layout, &lines, at)?;
            Ok::<_, RegistryError>((doc, head, lines.len(), fused::warnings(&lines)))
        });
        let (doc, head, lines, warnings) = made.await.map_err(|_| RegistryError::Closing)??;
        let id = DocumentId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
        let record = DocumentRecord {
            id,
            symbol: new.symbol,
            created: at,
            created_by: by.account.clone(),
            baseline: vec![head.0],
            revision: 0,
        };
        let author = by.delegation.clone().unwrap_or_else(DelegationCode::secretariat);
        let mut writes =
            vec![Write { tree: Tree::Documents, key: key::document(&id), value: Some(record.encode()) }];
        for (number, change) in doc.get_changes(&[]).iter().enumerate() {
            let stored = ChangeRecord {
                received: at,
                account: by.account.clone(),
                delegation: author.clone(),
                raw: change.raw_bytes().to_vec(),
            };
            writes.push(Write {
                tree: Tree::Changes,
                key: key::numbered(&id, number as u64),
                value: Some(stored.encode()),
            });
        }
        let stored = self
            .inner
            .committer
            .submit(Batch { writes, at, lane: None })
            .await
            .map_err(|_| RegistryError::Closing)?;
        stored.map_err(RegistryError::Storage)?;
        lock(&self.inner.catalogue).push(record);
        tracing::info!(document = %id, account = by.account, lines, "imported a document");
        Ok(api::Imported { document: self.document(id).await?, warnings })
    }

    /// All documents that the caller may open, in order of creation.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn documents(&self, by: &Caller) -> Result<Vec<api::Document>, RegistryError> {
        let ids: Vec<_> = lock(&self.inner.catalogue).iter().map(|record| record.id).collect();
        let mut documents = Vec::new();
        let is_draft = |id: &DocumentId| lock(&self.inner.drafts).is_draft(*id);
        let ids: Vec<_> = ids.into_iter().filter(|id| self.is_visible(by, *id) && !is_draft(id)).collect();
        let mut seen = self.seen(ids.clone()).await?;
        for id in ids {
            documents.push(match seen.remove(&id) {
                Some(seen) => seen.document,
                None => self.ask(id, |hub, facts| hub.describe(facts)).await?,
            });
        }
        Ok(documents)
    }

    /// One document.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn document(&self, id: DocumentId) -> Result<api::Document, RegistryError> {
        self.known(id)?;
        match self.seen(vec![id]).await?.remove(&id) {
            Some(seen) => Ok(seen.document),
            None => self.ask(id, |hub, facts| hub.describe(facts)).await,
        }
    }

    /// A view of its text.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn text(&self, id: DocumentId, view: View) -> Result<String, RegistryError> {
        self.known(id)?;
        if view == View::Current
            && let Some(seen) = self.seen(vec![id]).await?.remove(&id)
        {
            return Ok(seen.text);
        }
        self.ask(id, move |hub, _| hub.text(&view)).await
    }

    /// Who wrote every word of it.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn attribution(&self, id: DocumentId) -> Result<api::Attribution, RegistryError> {
        self.ask(id, |hub, _| hub.attribution()).await
    }

    /// Its quarantine.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn quarantine(&self, id: DocumentId) -> Result<api::Quarantine, RegistryError> {
        self.record(id)?;
        let reader = Arc::clone(&self.inner.reader);
        let listing = tokio::task::spawn_blocking(move || {
            let mut quarantine = Vec::new();
            for entry in reader.scan(Tree::Quarantine, &key::document(&id)) {
                let (key, value) = entry?;
                let record = QuarantineRecord::decode(&value)?;
                quarantine.push(listed(key::number(&key), record));
            }
            Ok::<_, StorageError>(api::Quarantine { quarantine })
        });
        listing.await.map_err(|_| RegistryError::Closing)?.map_err(|e| RegistryError::Storage(Arc::new(e)))
    }

    /// Its events from now on.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn subscribe(
        &self,
        id: DocumentId,
    ) -> Result<broadcast::Receiver<api::DocumentEvent>, RegistryError> {
        Ok(self.open(id).await?.subscribe())
    }

    async fn ask<T: Send + 'static>(
        &self,
        id: DocumentId,
        question: impl FnOnce(&mut Hub, &Facts) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.open(id).await?.ask(question).await.ok_or(RegistryError::Closing)
    }

    /// Whether there is such a document.
    ///
    /// # Errors
    /// [`RegistryError::UnknownDocument`]
    pub fn known(&self, id: DocumentId) -> Result<(), RegistryError> {
        self.record(id).map(|_| ())
    }

    fn record(&self, id: DocumentId) -> Result<DocumentRecord, RegistryError> {
        let catalogue = lock(&self.inner.catalogue);
        catalogue.iter().find(|r| r.id == id).cloned().ok_or(RegistryError::UnknownDocument(id))
    }

    /// A document's handle; loads it where it is not open.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn open(&self, id: DocumentId) -> Result<Handle, RegistryError> {
        let record = self.record(id)?;
        let cell = lock(&self.inner.open).cell(id);
        let handle = cell.get_or_try_init(|| async {
            let inner = Arc::clone(&self.inner);
            let loading = tokio::task::spawn_blocking(move || {
                let (reader, hand) = (&inner.reader, loading::new_actor()?);
                let (committer, snapshots) = (&inner.committer, &inner.snapshots);
                load(&inner.settings, &inner.peer_id, reader, committer, snapshots, &record, hand)
            });
            let (opened, facts, keep) = loading.await.map_err(|_| RegistryError::Closing)??;
            Ok(Handle::start(opened, facts, keep))
        });
        let handle = handle.await.cloned();
        drop(cell);
        self.rest();
        handle
    }
}

fn listed(number: u64, record: QuarantineRecord) -> api::Quarantined {
    let shown = record.raw.get(..QUARANTINE_SHOWN).unwrap_or(&record.raw);
    api::Quarantined {
        number,
        at: record.at,
        sender: record.account,
        delegation: record.delegation,
        code: record.code,
        reason: record.reason,
        bytes: hex::encode(shown),
        size: record.raw.len() as u64,
    }
}
