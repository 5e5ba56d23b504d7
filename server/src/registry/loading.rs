//! Opening a document from its log.

use super::{RegistryError, Settings, Shelf, Snapshots};
use crate::document::{History, Opened, Reading};
use crate::hub::read::Facts;
use crate::hub::{Hub, LoadError, Logged, Mismatch, Quarantine, Settings as HubSettings, Snapshot, Unparsed};
use crate::storage::committer::CommitterHandle;
use crate::storage::record::{ChangeRecord, DocumentRecord, DraftRecord, QuarantineRecord, key, ledger};
use crate::storage::{Entry, Reader, StorageError, Tree};
use automerge::ActorId;
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use codraft_protocol::round;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use tokio::sync::mpsc::unbounded_channel;

/// Opens a document from its log, or from a snapshot, behind which its log is then read: what is known beside it, and where
/// its changes go. `hand` is the actor with which the server itself will write in it: one that was never used before.
///
/// # Errors
/// [`RegistryError::Damaged`], [`RegistryError::Storage`]
pub fn load(
    settings: &Settings,
    peer_id: &str,
    reader: &Arc<dyn Reader>,
    committer: &CommitterHandle,
    snapshots: &Snapshots,
    record: &DocumentRecord,
    hand: ActorId,
) -> Result<(Opened, Facts, Shelf), RegistryError> {
    let started = std::time::Instant::now();
    let id = record.id;
    let damaged = |why: String| RegistryError::Damaged { document: id, why };
    let (mut quarantine, mut quarantined) = (Quarantine::default(), 0);
    for entry in reader.scan(Tree::Quarantine, &key::document(&id)) {
        let (key, value) = entry.map_err(|e| RegistryError::Storage(Arc::new(e)))?;
        let kept = QuarantineRecord::decode(&value).map_err(|e| damaged(e.to_string()))?;
        quarantine.holds(&kept.account, &kept.raw);
        quarantined = key::number(&key) + 1;
    }
    let draft =
        reader.get(Tree::Drafts, &key::document(&id)).map_err(|e| RegistryError::Storage(Arc::new(e)))?;
    let draft =
        draft.map(|draft| DraftRecord::decode(&draft)).transpose().map_err(|e| damaged(e.to_string()))?;
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
        baseline,
        quarantine,
        closed: draft.is_some_and(|draft| draft.tabled.is_some()),
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
    let continued = snapshots.read(id).and_then(|snapshot| {
        match go_on(reader, id, hub_settings.clone(), &snapshot, entries.clone()) {
            Ok(opened) => {
                metrics::counter!("codraft_snapshots_used_total").increment(1);
                Some((opened, snapshot.changes))
            }
            Err(why) => {
                tracing::warn!(document = %id, %why, "its snapshot is of no use: all of the log is read");
                None
            }
        }
    });
    let (mut opened, from) = match continued {
        Some(continued) => continued,
        None => {
            let hub = std::thread::scope(|scope| {
                let (sender, batches) = sync_channel(BATCHES);
                scope.spawn(move || read(&**reader, id, 0, &sender));
                Hub::load(hub_settings, batches.into_iter().flatten(), entries)
            });
            let hub = hub.map_err(|error| match error {
                Unloadable::Storage(error) => RegistryError::Storage(Arc::new(error)),
                error => damaged(error.to_string()),
            });
            (Opened::Whole(Box::new(hub?)), 0)
        }
    };
    let took = started.elapsed();
    metrics::histogram!("codraft_open_document_seconds").record(took.as_secs_f64());
    tracing::info!(document = %id, changes = opened.hub().durable(), snapshot = from, ms = took.as_millis() as u64, "opened a document");
    let shelf = Shelf::new(id, committer.clone(), quarantined, snapshots.clone());
    Ok((opened, facts, shelf))
}

/// Changes that go from the reading thread to the folding one together, and how many such batches may wait.
const BATCH: usize = 256;
const BATCHES: usize = 16;

/// Why a log cannot be loaded.
#[derive(Debug, thiserror::Error)]
enum Unloadable {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// The document from its snapshot, as far as that suffices. What comes behind it is parsed and folded; what it is of is
/// only looked at where it ends, and read meanwhile and later, to be compared with it.
fn go_on(
    reader: &Arc<dyn Reader>,
    id: DocumentId,
    settings: HubSettings,
    snapshot: &Snapshot,
    entries: Vec<round::Entry>,
) -> Result<Opened, Unloadable> {
    // On two threads: unpacking a long log takes longer than all the rest. The second one begins where this one is done.
    let (half, end) = (snapshot.changes / 2, snapshot.changes);
    let first = unparsed(reader, id, 0, half)?;
    let continued = std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES);
        scope.spawn(move || read(&**reader, id, end, &sender));
        Hub::go_on::<Unloadable>(settings, snapshot, batches.into_iter().flatten(), entries)
    })?;
    continued.is_of(|number| {
        let (number, key) = (number as usize, key::numbered(&id, number.into()));
        let value = reader.get(Tree::Changes, &key)?.ok_or(LoadError::Missing { number })?;
        let change = decoded(number, &value)?;
        Ok::<_, Unloadable>((change.raw, change.delegation))
    })?;
    let second = unparsed(reader, id, half, end)?;
    Ok(Opened::Readable(Box::new(continued), History::of(vec![first, second])))
}

/// How many bytes of changes are handed on together: some milliseconds of work for whoever compares them.
const TOGETHER: usize = 256 << 10;

/// Reads the changes of a log from one on and up to another, as many as there are of them, on a thread of its own, as
/// long as somebody wants them.
fn unparsed(reader: &Arc<dyn Reader>, id: DocumentId, from: u32, to: u32) -> Result<Reading, Unloadable> {
    let (sender, reading) = unbounded_channel();
    let reader = Arc::clone(reader);
    let thread = std::thread::Builder::new().name("history".to_owned());
    let started = thread.spawn(move || {
        let mut some = Unparsed::default();
        let start = key::numbered(&id, from.into());
        let entries = reader.scan_from(Tree::Changes, &key::document(&id), &start);
        for (number, entry) in (from as usize..to as usize).zip(entries) {
            match stored(number, entry) {
                Ok(change) => some.push(&change.raw, change.delegation),
                Err(error) => return drop(sender.send(Err(error.to_string()))),
            }
            if some.bytes() >= TOGETHER && sender.send(Ok(std::mem::take(&mut some))).is_err() {
                return;
            }
        }
        // Whoever wanted it may be gone.
        let _ = sender.send(Ok(some));
    });
    started.map_err(StorageError::io("starting a thread that reads a log"))?;
    Ok(reading)
}

/// A change of a log, where it is the one of this number.
fn stored(number: usize, entry: Result<Entry, StorageError>) -> Result<ChangeRecord, Unloadable> {
    let (key, value) = entry?;
    if key::number(&key) != number as u64 {
        return Err(LoadError::Missing { number }.into());
    }
    Ok(decoded(number, &value)?)
}

fn decoded(number: usize, value: &[u8]) -> Result<ChangeRecord, LoadError> {
    ChangeRecord::decode(value).map_err(|error| LoadError::Unreadable { number, why: error.to_string() })
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
    let change = stored(number, entry)?;
    Ok(Logged::read(number, change.raw.into(), change.delegation)?)
}

/// A fresh random actor.
pub(super) fn new_actor() -> Result<ActorId, RegistryError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| RegistryError::Randomness(error.to_string()))?;
    Ok(ActorId::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryStorage;
    use crate::storage::{Storage as _, Write};
    use automerge::transaction::{CommitOptions, Transactable as _};
    use automerge::{Automerge, Change, ROOT, ReadDoc as _};
    use codraft_protocol::id::DelegationCode;
    use codraft_protocol::resolution::{edit, text_form};
    use codraft_protocol::time::Timestamp;

    const ID: DocumentId = DocumentId::from_bytes([1; 16]);

    /// A log of three changes, the last of which says this.
    fn log(words: &str) -> Vec<Vec<u8>> {
        let (layout, lines) = text_form::parse(b"Title\n1\tto act;\n").unwrap();
        let mut doc = Automerge::new().with_actor(ActorId::from([7; 16]));
        edit::create(&mut doc, "", &layout, &lines, Timestamp(0)).unwrap();
        let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
        let (_, provision) = doc.get(&list, 0).unwrap().unwrap();
        let (_, text) = doc.get(&provision, "text").unwrap().unwrap();
        for words in ["that ", words] {
            let mut tx = doc.transaction();
            tx.splice_text(&text, 0, 0, words).unwrap();
            tx.commit_with(CommitOptions::default().with_time(0));
        }
        let changes = doc.get_changes(&[]);
        changes.iter().map(|change| change.raw_bytes().to_vec()).collect()
    }

    fn settings(log: &[Vec<u8>]) -> HubSettings {
        HubSettings::of(Change::from_bytes(log[0].clone()).unwrap().hash())
    }

    /// A snapshot of the first changes of a log.
    fn snapshot(log: &[Vec<u8>]) -> Snapshot {
        let logged = (0..)
            .zip(log)
            .map(|(number, raw)| Logged::read(number, raw.clone().into(), DelegationCode::secretariat()));
        Hub::load::<LoadError>(settings(log), logged, []).unwrap().snapshot(1).unwrap()
    }

    /// A store with a log, all but the changes of these numbers.
    fn stored(log: &[Vec<u8>], without: &[u64]) -> Arc<dyn Reader> {
        let mut storage = MemoryStorage::default();
        let numbered = (0..).zip(log).filter(|(number, _)| !without.contains(number));
        let writes: Vec<Write> = numbered
            .map(|(number, raw)| {
                let (account, delegation) = ("a".to_owned(), DelegationCode::secretariat());
                let record = ChangeRecord { received: Timestamp(0), account, delegation, raw: raw.clone() };
                Write { tree: Tree::Changes, key: key::numbered(&ID, number), value: Some(record.encode()) }
            })
            .collect();
        storage.commit(&writes, Timestamp(0)).unwrap();
        storage.reader()
    }

    fn opened(reader: &Arc<dyn Reader>, snapshot: &Snapshot) -> Result<Opened, Unloadable> {
        go_on(reader, ID, settings(&log("")), snapshot, Vec::new())
    }

    #[test]
    fn what_is_read_before_its_log_is_ends_as_the_log_does() {
        let (ours, others) = (log("we act"), log("we wait"));
        let reader = stored(&ours, &[]);
        for many in 2..=3 {
            let whole = opened(&reader, &snapshot(&ours[..many])).unwrap().wait().unwrap();
            assert!((0..3).all(|n| whole.raw(n).unwrap() == ours[n as usize]));
        }
        let refused = opened(&reader, &snapshot(&others)).err();
        assert!(matches!(refused, Some(Unloadable::Mismatch(Mismatch::Differs(2)))), "{refused:?}");
        // Nothing is read of a log whose end is not there; one that lacks something else is found out behind it.
        assert!(opened(&stored(&ours, &[2]), &snapshot(&ours)).is_err());
        for hole in [0, 1] {
            let readable = opened(&stored(&ours, &[hole]), &snapshot(&ours)).unwrap();
            assert!(readable.wait().is_err(), "without change {hole}");
        }
    }
}
