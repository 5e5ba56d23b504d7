//! A folder: the resolution as a text file, and beside it, in `.codraft`, the replica.
//!
//! `.codraft/config.json` says which document on which server, and holds the token (readable by its owner
//! only); `.codraft/replica` is the [store](crate::store); `.codraft/lock` keeps two writers apart;
//! `.codraft/render` is a text that is about to replace the file; `.codraft/index` is what the last command kept to
//! be quick, and nothing depends on it.

use crate::now;
use crate::replica::{Received, Replica, ReplicaError};
use crate::store::{Facts, Record, Store, StoreError};
use automerge::ActorId;
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The text's file.
pub const FILE: &str = "resolution.txt";
const FOLDER: &str = ".codraft";
const INDEX: &str = "index";
/// The store is written anew when it is this many times its smallest size, and larger than 1 MB.
const COMPACT: u64 = 4;

/// Why a working copy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Not in one.
    #[error(
        "this is not a working copy (no .codraft in {0} or above it); make one with: codraft clone DOCUMENT"
    )]
    NoCopy(String),
    /// There is something already.
    #[error("{0} is not empty; clone into a new folder")]
    NotEmpty(String),
    /// A file stands there.
    #[error("{0} is a file; clone into a folder that is new or empty")]
    NotAFolder(String),
    /// Another process writes.
    #[error("another codraft is at work in {0} (a sync --watch?); stop it first")]
    Busy(String),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The settings cannot be read.
    #[error("{} cannot be read ({why}); clone the document again into a new folder and copy your text over it", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The text's file is gone.
    #[error(
        "{FILE} is missing; nothing is lost: 'codraft restore' writes it as it last was, and your recorded edits are kept"
    )]
    NoFile,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The replica.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// Somebody who only reads has edited the file.
    #[error("a {0}'s copy only reads; your edits stay in {FILE}, but nobody else sees them")]
    ReadOnly(Role),
    /// No randomness.
    #[error("the system's random number generator does not answer: {0}")]
    Randomness(String),
}

/// What a working copy is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The server's address.
    pub server: String,
    /// The token.
    pub token: String,
    /// The document's id.
    pub document: String,
    /// Its symbol.
    pub symbol: String,
    /// In which role.
    pub role: Role,
    /// In whose name.
    pub delegation: Option<DelegationCode>,
    /// That one's name.
    pub name: Option<String>,
}

impl Config {
    /// In whose name edits are made.
    pub fn writer(&self) -> Option<DelegationCode> {
        self.delegation.clone().filter(|_| self.role.may_edit())
    }

    /// The document's id.
    ///
    /// # Errors
    /// Where the settings name none.
    pub fn document_id(&self) -> Result<DocumentId, CopyError> {
        let path = Path::new(FOLDER).join("config.json");
        self.document.parse().map_err(|error| CopyError::Config { path, why: format!("{error}") })
    }
}

/// An open working copy.
#[derive(Debug)]
pub struct WorkingCopy {
    root: PathBuf,
    config: Config,
    /// The replica.
    pub replica: Replica,
    /// None where it is only read.
    store: Option<Store>,
    /// Locked as long as it lives.
    _lock: Option<File>,
}

/// What came of taking in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing was edited.
    Nothing,
    /// Edits are recorded, durably.
    Edits,
}

/// A fresh random actor: never one that was used before.
///
/// # Errors
/// [`CopyError::Randomness`]
pub fn new_actor() -> Result<ActorId, CopyError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| CopyError::Randomness(error.to_string()))?;
    Ok(ActorId::from(bytes))
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.to_owned();
    move |source| CopyError::Io { path, source }
}

/// Makes a file, or empties it.
fn make(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path)
}

/// Writes a file whole, synced, beside its place; not yet in it.
fn write_synced(path: &Path, bytes: &[u8], private: bool) -> Result<(), CopyError> {
    let mut file = make(path, private).map_err(io(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(path))
}

fn sync_dir(path: &Path) -> Result<(), CopyError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(io(path))
}

impl WorkingCopy {
    /// Makes a new one, empty until it is synced. `dir` is empty or not there yet.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn create(dir: &Path, config: Config) -> Result<Self, CopyError> {
        if dir.is_file() {
            return Err(CopyError::NotAFolder(dir.display().to_string()));
        }
        fs::create_dir_all(dir).map_err(io(dir))?;
        if fs::read_dir(dir).map_err(io(dir))?.next().is_some() {
            return Err(CopyError::NotEmpty(dir.display().to_string()));
        }
        let folder = dir.join(FOLDER);
        fs::create_dir(&folder).map_err(io(&folder))?;
        // A repository around it must not take the token in.
        write_synced(&folder.join(".gitignore"), b"*\n", false)?;
        let replica = Replica::new(config.writer());
        let store = Store::create(&folder.join("replica"), &[])?;
        let lock = lock(dir)?;
        let copy = Self { root: dir.to_owned(), config, replica, store: Some(store), _lock: Some(lock) };
        copy.save_config()?;
        Ok(copy)
    }

    /// The folder of the working copy that `start` is in.
    ///
    /// # Errors
    /// [`CopyError::NoCopy`]
    pub fn find(start: &Path) -> Result<PathBuf, CopyError> {
        let root = start.ancestors().find(|dir| dir.join(FOLDER).join("config.json").is_file());
        root.map(Path::to_owned).ok_or_else(|| CopyError::NoCopy(start.display().to_string()))
    }

    /// Opens one for reading; another process may be writing.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn read(root: &Path) -> Result<Self, CopyError> {
        let config = read_config(root)?;
        let opened = Store::read(&root.join(FOLDER).join("replica"))?;
        let mut replica = Replica::new(config.writer());
        recall(root, &mut replica);
        opened.records.into_iter().try_for_each(|record| replica.apply(record))?;
        let mut copy = Self { root: root.to_owned(), config, replica, store: None, _lock: None };
        if let Some(record) = copy.settled() {
            copy.replica.apply(record)?;
        }
        Ok(copy)
    }

    /// Opens one for writing. Returns with it how many bytes of a half-written record were dropped.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn open(root: &Path) -> Result<(Self, u64), CopyError> {
        let lock = lock(root)?;
        let config = read_config(root)?;
        let (store, opened) = Store::open(&root.join(FOLDER).join("replica"))?;
        let mut replica = Replica::new(config.writer());
        recall(root, &mut replica);
        opened.records.into_iter().try_for_each(|record| replica.apply(record))?;
        let mut copy = Self { root: root.to_owned(), config, replica, store: Some(store), _lock: Some(lock) };
        if let Some(record) = copy.settled() {
            copy.keep(record)?;
            // If it still lies there, it was never put in place.
            let ready = copy.ready();
            if ready.exists() {
                fs::remove_file(&ready).map_err(io(&ready))?;
            }
        }
        copy.compact()?;
        Ok((copy, opened.dropped))
    }

    /// Where the last process ended while it replaced the file: whether it had. The new text lies in
    /// `.codraft/render` until, in one step, it becomes the file.
    fn settled(&self) -> Option<Record> {
        let heads = self.replica.rendering()?;
        let in_place = !self.ready().exists();
        Some(Record::Rendered(if in_place { heads } else { self.replica.rendered() }))
    }

    fn ready(&self) -> PathBuf {
        self.root.join(FOLDER).join("render")
    }

    /// What it is of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Replaces token and server, durably.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn set_config(&mut self, config: Config) -> Result<(), CopyError> {
        self.config = config;
        self.save_config()
    }

    fn save_config(&self) -> Result<(), CopyError> {
        let path = self.root.join(FOLDER).join("config.json");
        let fresh = path.with_extension("new");
        let json = serde_json::to_vec_pretty(&self.config)
            .map_err(|error| CopyError::Config { path: path.clone(), why: error.to_string() })?;
        write_synced(&fresh, &json, true)?;
        fs::rename(&fresh, &path).map_err(io(&path))?;
        sync_dir(&self.root.join(FOLDER))
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text's file.
    pub fn file(&self) -> PathBuf {
        self.root.join(FILE)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`CopyError::NoFile`] where there is none.
    pub fn bytes(&self) -> Result<Vec<u8>, CopyError> {
        let path = self.file();
        fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CopyError::NoFile,
            _ => io(&path)(error),
        })
    }

    /// Keeps a record, durably, and only then takes it in.
    fn keep(&mut self, record: Record) -> Result<(), CopyError> {
        if let Some(store) = &mut self.store {
            store.append(&record)?;
        }
        Ok(self.replica.apply(record)?)
    }

    fn compact(&mut self) -> Result<(), CopyError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let size = store.size()?;
        if size > 1 << 20 {
            let records = self.replica.records();
            let small: u64 = records
                .iter()
                .map(|record| match record {
                    Record::Received(chunks) => chunks.iter().map(|chunk| chunk.len() as u64).sum(),
                    _ => 0,
                })
                .sum();
            if size > COMPACT * small {
                store.compact(&records)?;
            }
        }
        Ok(())
    }

    /// What the file would change, as proposals relative to the text as it was rendered.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn edits(&self) -> Result<Vec<api::Proposal>, CopyError> {
        Ok(self.replica.edits(&self.bytes()?, self.config.document_id()?, new_actor()?, now())?)
    }

    /// Whether the file is not what was rendered.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn is_edited(&self) -> Result<bool, CopyError> {
        Ok(self.bytes()? != self.replica.rendered_text()?.into_bytes())
    }

    /// Records what was edited in the file, durably.
    ///
    /// # Errors
    /// [`CopyError`]; the file is as it was, always.
    pub fn take(&mut self) -> Result<Taken, CopyError> {
        // A new copy has no file yet.
        if self.replica.rendered().is_empty() {
            return Ok(Taken::Nothing);
        }
        let bytes = self.bytes()?;
        if bytes == self.replica.rendered_text()?.into_bytes() {
            return Ok(Taken::Nothing);
        }
        if self.config.writer().is_none() {
            return Err(CopyError::ReadOnly(self.config.role));
        }
        match self.replica.write(&bytes, new_actor()?, now())? {
            Some(record) => self.keep(record).map(|()| Taken::Edits),
            None => Ok(Taken::Nothing),
        }
    }

    /// Takes in a message of the server, durably.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn receive(&mut self, message: &[u8]) -> Result<Received, CopyError> {
        let mut received = self.replica.receive(message, now())?;
        if let (Some(record), Some(store)) = (received.record.take(), &mut self.store) {
            store.append(&record)?;
        }
        Ok(received)
    }

    /// Keeps what the server has acknowledged.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn acknowledged(&mut self) -> Result<(), CopyError> {
        self.keep(self.replica.acknowledgement())
    }

    /// Keeps, or lifts, a refusal.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn refused(&mut self, reason: Option<String>) -> Result<(), CopyError> {
        if self.replica.refused() == reason.as_deref() {
            return Ok(());
        }
        self.keep(Record::Refused(reason))
    }

    /// Keeps what the server knows beside the document.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn learn(&mut self, facts: Facts) -> Result<(), CopyError> {
        if *self.replica.facts() == facts {
            return Ok(());
        }
        self.keep(Record::Facts(facts))
    }

    /// Writes the text as it stands into the file, unless the file holds edits that are not recorded yet.
    /// Returns whether the file is now the text as it stands.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn render(&mut self) -> Result<bool, CopyError> {
        let text = self.replica.text()?;
        match self.bytes() {
            Ok(bytes) if bytes == text.as_bytes() => {
                if self.replica.rendered() != self.replica.heads() {
                    self.keep(Record::Rendered(self.replica.heads()))?;
                }
                return Ok(true);
            }
            Ok(bytes)
                if bytes != self.replica.rendered_text()?.into_bytes() && self.is_an_edit(&bytes)? =>
            {
                return Ok(false);
            }
            Ok(_) | Err(CopyError::NoFile) => {}
            Err(error) => return Err(error),
        }
        let (ready, file) = (self.ready(), self.file());
        write_synced(&ready, text.as_bytes(), false)?;
        let heads = self.replica.heads();
        self.keep(Record::Rendering(heads.clone()))?;
        fs::rename(&ready, &file).map_err(io(&file))?;
        sync_dir(&self.root)?;
        self.keep(Record::Rendered(heads))?;
        Ok(true)
    }

    /// Whether these bytes say anything else than what was rendered. (Another line ending at the end does not.)
    fn is_an_edit(&self, bytes: &[u8]) -> Result<bool, CopyError> {
        if self.config.writer().is_none() {
            return Ok(true);
        }
        Ok(self.replica.write(bytes, new_actor()?, now())?.is_some())
    }

    /// Writes the file as it was last rendered, where it is missing.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn restore_file(&mut self) -> Result<bool, CopyError> {
        if self.file().exists() {
            return Ok(false);
        }
        let text = self.replica.rendered_text()?;
        let ready = self.ready();
        write_synced(&ready, text.as_bytes(), false)?;
        fs::rename(&ready, self.file()).map_err(io(&ready))?;
        sync_dir(&self.root)?;
        Ok(true)
    }

    /// Keeps beside the replica what makes the next command quick, where there is anything new. Nothing depends on it:
    /// what cannot be written is not, and what a crash cuts off does not count.
    pub fn keep_index(&self) {
        let (Some(_), Some(bytes)) = (&self.store, self.replica.to_keep()) else { return };
        let path = self.root.join(FOLDER).join(INDEX);
        let fresh = path.with_extension("new");
        let written = make(&fresh, true).and_then(|mut file| file.write_all(&bytes));
        if let Err(error) = written.and_then(|()| fs::rename(&fresh, &path)) {
            tracing::debug!(%error, "the index is not kept");
        }
    }

    /// Replaces the replica by another one, in one step.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn replace(&mut self, replica: Replica) -> Result<(), CopyError> {
        if let Some(store) = &mut self.store {
            store.compact(&replica.records())?;
        }
        self.replica = replica;
        Ok(())
    }
}

/// Hands a replica what an earlier command has kept, if it has.
fn recall(root: &Path, replica: &mut Replica) {
    if let Ok(kept) = fs::read(root.join(FOLDER).join(INDEX)) {
        replica.recall(kept.into());
    }
}

fn lock(root: &Path) -> Result<File, CopyError> {
    let path = root.join(FOLDER).join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CopyError::Busy(root.display().to_string())),
        Err(TryLockError::Error(error)) => Err(io(&path)(error)),
    }
}

fn read_config(root: &Path) -> Result<Config, CopyError> {
    let path = root.join(FOLDER).join("config.json");
    let bytes = fs::read(&path).map_err(io(&path))?;
    serde_json::from_slice(&bytes).map_err(|error| CopyError::Config { path, why: error.to_string() })
}

#[cfg(test)]
mod tests;
