//! Opening a document from its log.

use super::{RegistryError, Settings, Shelf};
use crate::hub::read::Facts;
use crate::hub::{
    Beginning, Hub, LoadError, Logged, Mismatch, Quarantine, Settings as HubSettings, Snapshot, Unread,
};
use crate::storage::committer::CommitterHandle;
use crate::storage::record::{ChangeRecord, DocumentRecord, QuarantineRecord, RecordError, key, ledger};
use crate::storage::snapshots::Snapshots;
use crate::storage::{Entry, Reader, StorageError, Tree};
use automerge::{ActorId, Automerge, TextEncoding};
use codraft_protocol::api;
use codraft_protocol::authorship::Index;
use codraft_protocol::id::DocumentId;
use codraft_protocol::resolution::edit;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Opens a document from its log: its hub, what is known beside it, and where its changes go. `hand` is the actor with
/// which the server itself will write in it: one that was never used before.
///
/// # Errors
/// [`RegistryError::Damaged`], [`RegistryError::Storage`]
pub fn load(
    settings: &Settings,
    peer_id: &str,
    reader: &dyn Reader,
    committer: &CommitterHandle,
    snapshots: &Snapshots,
    record: &DocumentRecord,
    hand: ActorId,
) -> Result<(Hub, Facts, Shelf), RegistryError> {
    let started = std::time::Instant::now();
    let id = record.id;
    let damaged = |why: String| RegistryError::Damaged { document: id, why };
    let first =
        reader.get(Tree::Changes, &key::numbered(&id, 0)).map_err(|e| RegistryError::Storage(Arc::new(e)))?;
    let first = first.ok_or_else(|| damaged("change 0 is missing".to_owned()))?;
    let first = ChangeRecord::decode(&first).map_err(|e| damaged(e.to_string()))?;
    // The layout is written in the first change and never again.
    let mut imported = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    imported.load_incremental(&first.raw).map_err(|e| damaged(e.to_string()))?;
    let layout = edit::layout(&imported)?;
    let (mut quarantine, mut quarantined) = (Quarantine::default(), 0);
    for entry in reader.scan(Tree::Quarantine, &key::document(&id)) {
        let (key, value) = entry.map_err(|e| RegistryError::Storage(Arc::new(e)))?;
        let kept = QuarantineRecord::decode(&value).map_err(|e| damaged(e.to_string()))?;
        quarantine.holds(&kept.account, &kept.raw);
        quarantined = key::number(&key) + 1;
    }
    let baseline = record.baseline.iter().copied().map(automerge::ChangeHash).collect::<Vec<_>>();
    let facts = Facts {
        symbol: record.symbol.clone(),
        created: record.created,
        baseline: api::Baseline {
            revision: record.revision,
            heads: baseline.iter().map(ToString::to_string).collect(),
        },
    };
    let hub_settings = HubSettings {
        document: id,
        server: peer_id.to_owned(),
        layout,
        baseline,
        quarantine,
        imported: record.created,
        hand,
        gate: settings.gate.clone(),
        budgets: settings.budgets.clone(),
        snapshot_every: settings.snapshot_every,
    };
    let mut entries = Vec::new();
    for entry in reader.scan(Tree::Ledger, &key::document(&id)) {
        let (_, value) = entry.map_err(|e| RegistryError::Storage(Arc::new(e)))?;
        entries.push(ledger::decode(&value).map_err(|e| damaged(e.to_string()))?);
    }
    let beginning = match snapshots.read(id) {
        Some(snapshot) => known(reader, id, &snapshot).unwrap_or_else(|why| {
            tracing::warn!(document = %id, %why, "the index that was laid by is of no use; the log is read from its start");
            Beginning::default()
        }),
        None => Beginning::default(),
    };
    let from = beginning.changes();
    let hub = std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES);
        scope.spawn(move || read(reader, id, from, &sender));
        Hub::load(hub_settings, beginning, batches.into_iter().flatten(), entries)
    });
    let hub = hub.map_err(|error| match error {
        Unloadable::Storage(error) => RegistryError::Storage(Arc::new(error)),
        Unloadable::Load(error) => damaged(error.to_string()),
    })?;
    let took = started.elapsed();
    metrics::histogram!("codraft_open_document_seconds").record(took.as_secs_f64());
    tracing::info!(document = %id, changes = hub.durable(), laid_by = from, ms = took.as_millis() as u64, "opened a document");
    let shelf = Shelf::new(id, committer.clone(), quarantined, snapshots.clone());
    Ok((hub, facts, shelf))
}

/// Changes that go from the reading thread to the folding one together, and how many such batches may wait.
const BATCH: usize = 256;
const BATCHES: usize = 16;

/// Why a log cannot be loaded.
enum Unloadable {
    Storage(StorageError),
    Load(LoadError),
}

impl From<LoadError> for Unloadable {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
enum Useless {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// The log's beginning of which there is a snapshot: its changes are read while the index is.
fn known(reader: &dyn Reader, id: DocumentId, snapshot: &Snapshot) -> Result<Beginning, Useless> {
    std::thread::scope(|scope| {
        let unread = scope.spawn(|| {
            let mut unread = Unread::default();
            let entries = reader.scan(Tree::Changes, &key::document(&id));
            for (number, entry) in entries.take(snapshot.changes as usize).enumerate() {
                let (key, value) = entry?;
                if key::number(&key) != number as u64 {
                    break;
                }
                let change = ChangeRecord::decode(&value)?;
                unread.push(&change.raw, change.delegation);
            }
            Ok::<_, Useless>(unread)
        });
        let index = Index::of_snapshot(&snapshot.index).map_err(Mismatch::from);
        let unread = unread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Beginning::new(index?, unread)?)
    })
}

/// Reads and parses a log from a change on while another thread folds it, until that one wants no more.
fn read(reader: &dyn Reader, id: DocumentId, from: u32, to: &SyncSender<Vec<Result<Logged, Unloadable>>>) {
    let mut batch = Vec::with_capacity(BATCH);
    let first = key::numbered(&id, from.into());
    let entries = reader.scan_from(Tree::Changes, &key::document(&id), &first);
    for (number, entry) in (from as usize..).zip(entries) {
        batch.push(logged(number, entry));
        if batch.len() == BATCH && to.send(std::mem::take(&mut batch)).is_err() {
            return;
        }
    }
    // Where nobody takes the rest, something was wrong with what came before it.
    let _ = to.send(batch);
}

fn logged(number: usize, entry: Result<Entry, StorageError>) -> Result<Logged, Unloadable> {
    let (key, value) = entry.map_err(Unloadable::Storage)?;
    if key::number(&key) != number as u64 {
        return Err(LoadError::Missing { number }.into());
    }
    let change = ChangeRecord::decode(&value)
        .map_err(|error| LoadError::Unreadable { number, why: error.to_string() })?;
    Ok(Logged::read(number, change.raw.into(), change.delegation)?)
}

/// A fresh random actor.
pub(super) fn new_actor() -> Result<ActorId, RegistryError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| RegistryError::Randomness(error.to_string()))?;
    Ok(ActorId::from(bytes))
}
