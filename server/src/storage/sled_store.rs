//! The store on disk: sled 0.34.7 under the nine rules of docs/storage.md.
//!
//! `DIR/db` is sled's directory, `DIR/HEAD` says what was acknowledged, `DIR/LOCK` keeps a second server out.

mod sealing;
mod trees;

use self::sealing::Sealing;
use self::trees::{COMMITS, Trees, put};
use super::chain::{self, End, Whole};
use super::head::{Head, Scribe};
use super::{Reader, Storage, StorageError, Tree, Write};
use codraft_protocol::time::Timestamp;
use sled::transaction::{TransactionError, Transactional, UnabortableTransactionError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the lock is asked for, and how long is waited in between.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the disk that stay free; by default a fifth of it, at most 1 GiB.
    pub reserve: Option<u64>,
    /// Bytes of sled's pages that stay in memory, by sled's own count.
    pub cache: u64,
    /// Values of a log that are sealed into one block; so many of the newest stay by themselves.
    pub block: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { reserve: None, cache: 1 << 30, block: 256 }
    }
}

/// An open store.
#[derive(Debug)]
pub struct SledStorage {
    dir: PathBuf,
    trees: Arc<Trees>,
    /// Our own descriptor of sled's file: sled's `flush` does not wait for the disk.
    data: File,
    head: Scribe,
    end: End,
    whole: Whole,
    sealing: Sealing,
    reserve: Option<u64>,
    failed: Option<String>,
    /// Locked as long as it lives.
    _lock: File,
}

fn sync_dir(dir: &Path) -> Result<(), StorageError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(StorageError::io(format!("syncing {}", dir.display())))
}

fn lock(dir: &Path) -> Result<File, StorageError> {
    lock_with(dir, || std::thread::sleep(LOCK_PAUSE))
}

fn lock_with(dir: &Path, mut pause: impl FnMut()) -> Result<File, StorageError> {
    let path = dir.join("LOCK");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(StorageError::io(format!("opening {}", path.display())))?;
    // A server that is just ending, or a child that it is just starting, has it for a moment longer.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(),
            Err(TryLockError::Error(error)) => {
                return Err(StorageError::io(format!("locking {}", path.display()))(error));
            }
        }
    }
    Err(StorageError::InUse { dir: dir.display().to_string() })
}

fn failed(error: impl std::fmt::Display) -> StorageError {
    StorageError::Failed(error.to_string())
}

fn transaction_failed(error: TransactionError<()>) -> StorageError {
    match error {
        TransactionError::Storage(error) => failed(error),
        TransactionError::Abort(()) => failed("a transaction was aborted"),
    }
}

/// What sled says where its file is locked.
const SLED_IS_LOCKED: &str = "could not acquire lock";

/// Opens sled; a panic inside it is an error like any other.
fn open_sled(path: &Path, cache: u64) -> Result<Trees, String> {
    open_sled_with(path, cache, || std::thread::sleep(LOCK_PAUSE))
}

/// sled has a lock of its own, which one of its threads, or a child that is just being started, may have for a moment
/// longer than the store lived: whoever holds `LOCK` waits for that.
fn open_sled_with(path: &Path, cache: u64, mut pause: impl FnMut()) -> Result<Trees, String> {
    // Flushed by whoever acknowledges, never by the clock.
    let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(cache);
    let open = || match catch_unwind(AssertUnwindSafe(|| Trees::open(&config))) {
        Ok(opened) => opened.map_err(|error| error.to_string()),
        Err(panic) => Err(words_of(&*panic)),
    };
    for _ in 0..LOCK_TRIES {
        match open() {
            Err(error) if error.contains(SLED_IS_LOCKED) => pause(),
            opened => return opened,
        }
    }
    open()
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "sled panicked".to_owned())
}

/// Removes sled's snapshots: the half-written ones, or all. They only make opening faster.
fn drop_snapshots(db: &Path, all: bool) -> Result<(), StorageError> {
    let what = || format!("reading {}", db.display());
    for entry in fs::read_dir(db).map_err(StorageError::io(what()))? {
        let path = entry.map_err(StorageError::io(what()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && (all || name.ends_with(".generating")) {
            fs::remove_file(&path).map_err(StorageError::io(format!("removing {}", path.display())))?;
        }
    }
    sync_dir(db)
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Whether the disk that holds `dir` has more room than its reserve (in bytes; by default a fifth of it, at most
/// 1 GiB).
///
/// # Errors
/// [`StorageError::DiskFull`], or the system does not tell.
pub(crate) fn check_space(dir: &Path, reserve: Option<u64>) -> Result<(), StorageError> {
    let stat = rustix::fs::statvfs(dir)
        .map_err(|errno| StorageError::io("asking for the disk's free space")(errno.into()))?;
    let (free, total) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
    let reserve = reserve.unwrap_or_else(|| (total / 5).min(1 << 30));
    if free >= reserve {
        return Ok(());
    }
    let dir = dir.display().to_string();
    Err(StorageError::DiskFull { dir, free: free >> 20, reserve: reserve >> 20 })
}

impl SledStorage {
    /// Creates a store in a directory that is empty or not there yet, with its first writes.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn init(
        dir: &Path,
        database: [u8; 16],
        writes: &[Write],
        at: Timestamp,
    ) -> Result<Self, StorageError> {
        let shown = dir.display().to_string();
        // Drafts are nobody else's on this machine.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(StorageError::io(format!("creating {shown}")))?;
        let what = || format!("reading {shown}");
        if fs::read_dir(dir).map_err(StorageError::io(what()))?.next().is_some() {
            return Err(StorageError::NotEmpty { dir: shown });
        }
        let lock = lock(dir)?;
        let trees = open_sled(&dir.join("db"), Options::default().cache).map_err(failed)?;
        trees.db.insert("database", &database).map_err(failed)?;
        trees.db.flush().map_err(failed)?;
        let end = End::start(database);
        let mut store = Self::assemble(dir, trees, Head::create(&dir.join("HEAD.new"), &end)?, end, lock)?;
        store.commit(writes, at)?;
        store.head.wait(store.end.sequence)?;
        sync_dir(&dir.join("db"))?;
        // With its HEAD in place the store counts as made.
        fs::rename(dir.join("HEAD.new"), dir.join("HEAD")).map_err(StorageError::io("naming HEAD"))?;
        sync_dir(dir)?;
        if let Some(parent) = dir.canonicalize().ok().as_deref().and_then(Path::parent) {
            sync_dir(parent)?;
        }
        store.whole.end = store.end;
        Ok(store)
    }

    /// Opens a store and verifies all of it.
    ///
    /// # Errors
    /// [`StorageError`]; it refuses where anything that was acknowledged is missing or changed.
    pub fn open(dir: &Path, options: &Options) -> Result<Self, StorageError> {
        let shown = || dir.display().to_string();
        let (db, head) = (dir.join("db"), dir.join("HEAD"));
        if !db.is_dir() {
            return Err(StorageError::NotInitialised { dir: shown() });
        }
        let lock = lock(dir)?;
        if !head.is_file() {
            return Err(StorageError::HalfInitialised { dir: shown() });
        }
        let damaged = |why: String| StorageError::Damaged { dir: shown(), why };
        let (head, acknowledged) = Head::open(&head)?;
        let acknowledged =
            acknowledged.ok_or_else(|| damaged("the HEAD file can no longer be read".to_owned()))?;
        drop_snapshots(&db, false)?;
        let trees = match open_sled(&db, options.cache) {
            Ok(trees) => trees,
            // Nothing is wrong with it.
            Err(first) if first.contains(SLED_IS_LOCKED) => {
                return Err(StorageError::InUse { dir: shown() });
            }
            Err(first) => {
                let aside = dir.join(format!("db.damaged-at-{}", acknowledged.sequence));
                tracing::error!(error = first, aside = %aside.display(), "sled does not open; trying without its snapshots");
                copy_dir(&db, &aside).map_err(StorageError::io(format!("copying {} aside", db.display())))?;
                drop_snapshots(&db, true)?;
                open_sled(&db, options.cache)
                    .map_err(|again| damaged(format!("{first}; without snapshots: {again}")))?
            }
        };
        let mut store = Self::assemble(dir, trees, head, acknowledged, lock)?;
        store.reserve = options.reserve;
        store.sealing.block = options.block;
        // Nothing was written yet: where sled fails, or panics, it is for what stands on the disk.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let whole = store.verify(acknowledged)?;
            store.sealing.begin(&store.trees)?;
            Ok(whole)
        }));
        let read = read.unwrap_or_else(|panic| Err(failed(words_of(&*panic))));
        store.whole = read.map_err(|error| match error {
            StorageError::BehindHead { .. } => error,
            other => damaged(other.reason()),
        })?;
        store.end = store.whole.end;
        if store.end.sequence > acknowledged.sequence {
            // Written, and cut off before it was acknowledged: it is whole, so it counts.
            store.sync()?;
            store.head.tell(store.end);
            store.head.wait(store.end.sequence)?;
        }
        Ok(store)
    }

    fn assemble(dir: &Path, trees: Trees, head: Head, end: End, lock: File) -> Result<Self, StorageError> {
        let path = dir.join("db").join("db");
        let data = OpenOptions::new().read(true).write(true).open(&path);
        let data = data.map_err(StorageError::io(format!("opening {}", path.display())))?;
        let (dir, trees) = (dir.to_owned(), Arc::new(trees));
        let whole = Whole { end, values: 0, bytes: 0 };
        let head = Scribe::start(head, &end)?;
        let sealing = Sealing::new(Options::default().block);
        Ok(Self { dir, trees, data, head, end, whole, sealing, reserve: None, failed: None, _lock: lock })
    }

    /// Reads everything and compares it with what was written and acknowledged.
    fn verify(&self, acknowledged: End) -> Result<Whole, StorageError> {
        let last = self.trees.commits.last().map_err(failed)?;
        let found = last.map_or(0, |(key, _)| super::record::key::number(&key));
        if found < acknowledged.sequence {
            let dir = self.dir.display().to_string();
            return Err(StorageError::BehindHead { dir, found, acknowledged: acknowledged.sequence });
        }
        if self.trees.db.get("database").map_err(failed)?.as_deref() != Some(&acknowledged.database) {
            return Err(failed("it is not the database that HEAD belongs to"));
        }
        chain::verify(&*self.trees, acknowledged.database, Some(acknowledged)).map_err(failed)
    }

    /// What the store held when it was opened.
    pub fn opened_with(&self) -> Whole {
        self.whole
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of the disk that stay free, where that was said.
    pub fn reserve(&self) -> Option<u64> {
        self.reserve
    }

    /// The store's name: stable for its whole life.
    pub fn storage_id(&self) -> String {
        uuid::Uuid::from_bytes(self.end.database).to_string()
    }

    /// Waits until the disk has everything.
    fn sync(&self) -> Result<(), StorageError> {
        self.trees.db.flush().map_err(failed)?;
        self.data.sync_data().map_err(StorageError::io("syncing the database"))
    }

    fn write(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
        for write in writes.iter().filter(|write| write.tree.is_append_only()) {
            if write.value.is_none() || self.trees.has(write.tree, &write.key)? {
                let what = format!(
                    "{} {} would be written a second time",
                    write.tree.name(),
                    hex::encode(&write.key)
                );
                return Err(StorageError::Failed(what));
            }
        }
        let (commit, end) = self.end.commit(writes, at);
        let trees = &self.trees;
        // Only those that are written to: each costs a transaction something.
        let named: Vec<(Tree, &sled::Tree)> = Tree::ALL
            .into_iter()
            .zip(&trees.values)
            .filter(|(tree, _)| writes.iter().any(|write| write.tree == *tree))
            .collect();
        let mut all: Vec<&sled::Tree> = named.iter().map(|(_, tree)| *tree).collect();
        all.extend([&trees.commits, &trees.parts]);
        let done = all.as_slice().transaction(|views| {
            let (parts, views) = views.split_last().ok_or(UnabortableTransactionError::Conflict)?;
            let (commits, values) = views.split_last().ok_or(UnabortableTransactionError::Conflict)?;
            for write in writes {
                let view = named.iter().zip(values).find(|((tree, _), _)| *tree == write.tree);
                let (_, view) = view.ok_or(UnabortableTransactionError::Conflict)?;
                match &write.value {
                    Some(value) => put(view, parts, write.tree as u8, &write.key, value)?,
                    None => drop(view.remove(write.key.as_slice())?),
                };
            }
            put(commits, parts, COMMITS, &end.sequence.to_be_bytes(), &commit)?;
            Ok::<(), sled::transaction::ConflictableTransactionError<()>>(())
        });
        done.map_err(transaction_failed)?;
        let before = std::mem::replace(&mut self.end, end);
        self.sync()?;
        // HEAD follows: of all commits but this one it says already that they are acknowledged.
        self.head.wait(before.sequence)?;
        self.head.tell(end);
        self.sealing.synced();
        self.sealing.wrote(writes, end.sequence);
        Ok(())
    }

    /// Runs `work`; after an error or a panic nothing is written any more.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(why) = &self.failed {
            return Err(StorageError::Failed(why.clone()));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            check_space(&self.dir, self.reserve)?;
            work(self)
        }));
        let outcome = outcome.unwrap_or_else(|panic| Err(StorageError::Failed(words_of(&*panic))));
        if let Err(error) = &outcome
            && error.is_final()
        {
            self.failed = Some(error.to_string());
        }
        outcome
    }
}

impl Storage for SledStorage {
    fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
        self.guarded(|store| store.write(writes, at))
    }

    fn tidy(&mut self) -> Result<bool, StorageError> {
        if self.sealing.rests() || self.failed.is_some() {
            return Ok(false);
        }
        match self.guarded(Self::seal_some) {
            Err(StorageError::DiskFull { .. }) => Ok(false),
            outcome => outcome,
        }
    }

    fn end(&self) -> End {
        self.end
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.trees) as Arc<dyn Reader>
    }
}

#[cfg(test)]
mod tests;
