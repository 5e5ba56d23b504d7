//! Snapshots of documents' indexes, beside the store: they say nothing that the log does not say, and are only there
//! so that a document with a long log opens soon. Whatever is wrong with one, it is as good as none.

use crate::hub::Snapshot;
use crate::storage::StorageError;
use crate::storage::sled_store::{self, SledStorage};
use codraft_protocol::id::DocumentId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The version of this server: another one may fold otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes of a checksum.
const SUM: usize = 32;

/// The snapshots of one store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots {
    /// The store's name: a restored one is another.
    store: Arc<str>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// A directory, with a file for each, and how many bytes of the disk stay free.
    Directory(Arc<Path>, Option<u64>),
    Memory(Arc<Mutex<HashMap<DocumentId, Vec<u8>>>>),
}

/// What stands in front of an index. In front of both: the SHA-256 of all that follows.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    version: &'a str,
    store: &'a str,
    document: [u8; 16],
    changes: u32,
}

fn encode(store: &str, document: DocumentId, snapshot: &Snapshot) -> Vec<u8> {
    let head = Head { version: VERSION, store, document: *document.as_bytes(), changes: snapshot.changes };
    // Plain data into memory has no way to fail.
    let mut bytes = postcard::to_extend(&head, vec![0; SUM]).unwrap_or_default();
    bytes.extend_from_slice(&snapshot.index);
    if let Some((sum, rest)) = bytes.split_first_chunk_mut::<SUM>() {
        *sum = Sha256::digest(rest).into();
    }
    bytes
}

fn decode(store: &str, document: DocumentId, mut bytes: Vec<u8>) -> Option<Snapshot> {
    let (sum, rest) = bytes.split_first_chunk::<SUM>()?;
    let (head, index) = postcard::take_from_bytes::<Head<'_>>(rest).ok()?;
    let is_ours = head.version == VERSION && head.store == store && head.document == *document.as_bytes();
    let is_whole = is_ours && *sum == *Sha256::digest(rest);
    let (changes, length) = (head.changes, bytes.len() - index.len());
    is_whole.then(|| Snapshot { changes, index: bytes.split_off(length) })
}

impl Snapshots {
    /// Those beside a store.
    ///
    /// # Errors
    /// Their directory cannot be made.
    pub fn beside(storage: &SledStorage) -> Result<Self, StorageError> {
        let dir = storage.dir().join("snapshots");
        // Drafts are nobody else's on this machine.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(StorageError::io(format!("creating {}", dir.display())))?;
        Ok(Self::in_directory(&storage.storage_id(), &dir, storage.reserve()))
    }

    fn in_directory(store: &str, dir: &Path, reserve: Option<u64>) -> Self {
        Self { store: store.into(), place: Place::Directory(dir.into(), reserve) }
    }

    /// None yet, in memory: for tests.
    pub fn in_memory() -> Self {
        Self { store: "memory".into(), place: Place::Memory(Arc::default()) }
    }

    /// A document's snapshot, if there is a whole one of this store by this version of the server.
    pub fn read(&self, document: DocumentId) -> Option<Snapshot> {
        let bytes = match &self.place {
            Place::Directory(dir, _) => fs::read(file(dir, document)).ok()?,
            Place::Memory(all) => {
                all.lock().unwrap_or_else(PoisonError::into_inner).get(&document).cloned()?
            }
        };
        decode(&self.store, document, bytes)
    }

    /// Keeps a document's snapshot in the place of the last one. Blocks.
    ///
    /// # Errors
    /// The disk is nearly full, or refuses: the last one is still there.
    pub fn write(&self, document: DocumentId, snapshot: &Snapshot) -> Result<(), StorageError> {
        let bytes = encode(&self.store, document, snapshot);
        match &self.place {
            Place::Directory(dir, reserve) => {
                sled_store::check_space(dir, *reserve)?;
                // Nothing is synced: what a loss of power leaves of it is found not to be whole.
                let (path, new) = (file(dir, document), file(dir, document).with_extension("new"));
                let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path));
                written.map_err(StorageError::io(format!("writing {}", path.display())))
            }
            Place::Memory(all) => {
                all.lock().unwrap_or_else(PoisonError::into_inner).insert(document, bytes);
                Ok(())
            }
        }
    }

    /// Removes a document's snapshot, of which something is wrong. Blocks for a moment.
    pub fn forget(&self, document: DocumentId) {
        match &self.place {
            Place::Directory(dir, _) => {
                let path = file(dir, document);
                if let Err(error) = fs::remove_file(&path) {
                    tracing::error!(%document, path = %path.display(), %error, "a snapshot cannot be removed; remove it");
                }
            }
            Place::Memory(all) => drop(all.lock().unwrap_or_else(PoisonError::into_inner).remove(&document)),
        }
    }

    /// Keeps it, beside whatever else is done; says in the log where that does not go.
    pub fn write_aside(&self, document: DocumentId, snapshot: Snapshot) {
        let this = self.clone();
        let write = move || match this.write(document, &snapshot) {
            Ok(()) => tracing::debug!(%document, changes = snapshot.changes, "kept a snapshot"),
            Err(error) => tracing::warn!(%document, %error, "a snapshot could not be kept"),
        };
        match &self.place {
            Place::Directory(..) => drop(tokio::task::spawn_blocking(write)),
            Place::Memory(_) => write(),
        }
    }
}

fn file(dir: &Path, document: DocumentId) -> PathBuf {
    dir.join(format!("{document}.index"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_whole_and_of_this_store_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::in_directory("store", dir.path(), Some(0));
        let document = DocumentId::from_bytes([1; 16]);
        let snapshot = Snapshot { changes: 3, index: vec![5; 1000] };
        assert_eq!(snapshots.read(document), None);
        snapshots.write(document, &snapshot).unwrap();
        assert_eq!(snapshots.read(document), Some(snapshot.clone()));
        assert_eq!(Snapshots::in_directory("another", dir.path(), Some(0)).read(document), None);
        assert_eq!(snapshots.read(DocumentId::from_bytes([2; 16])), None);
        let path = file(dir.path(), document);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(decode("store", document, bad), None, "byte {at}");
            assert_eq!(decode("store", document, good[..at].to_vec()), None, "{at} bytes");
        }
        // Where there is no room, the last one stays.
        let full = Snapshots::in_directory("store", dir.path(), Some(u64::MAX));
        let newer = Snapshot { changes: 4, ..snapshot.clone() };
        assert!(matches!(full.write(document, &newer), Err(StorageError::DiskFull { .. })));
        assert_eq!(snapshots.read(document), Some(snapshot));
    }
}
