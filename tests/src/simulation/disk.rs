//! A simulated disk, and a store on it: the real commit records, chain and HEAD slots in two files that lose
//! what was not flushed, tear what was being written, fail, and fill up.

use automerge::ChangeHash;
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::DocumentId;
use codraft_protocol::time::Timestamp;
use codraft_server::document::Ends;
use codraft_server::storage::chain::{self, End};
use codraft_server::storage::record::{ChangeRecord, key};
use codraft_server::storage::{Entry, Reader, Storage, StorageError, Stream, Tree, Write, head};
use rand::Rng as _;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

const DATABASE: [u8; 16] = *b"simulated store.";
const SLOT: usize = 96;
type Slots = [Vec<u8>; 2];

/// What the two files hold, in the operating system's cache and on the platter.
#[derive(Debug, Default)]
struct Files {
    log: Vec<u8>,
    /// How much of `log` is on the platter: it only ever grows at its end.
    log_flushed: usize,
    head: Slots,
    head_flushed: Slots,
    /// No space left.
    full: bool,
    /// The machine stops at this many operations from now.
    stops_after: Option<u32>,
    stopped: bool,
    /// An operation fails, this many from now.
    fails_after: Option<u32>,
    /// Flushing the log does nothing, and says that it did.
    lies: bool,
    /// How much of `log` is said to be on the platter.
    log_claimed: usize,
    /// What of `log_claimed` has been looked through, and the changes found in it.
    looked: usize,
    /// What of each document is on the platter.
    documents: BTreeMap<DocumentId, Platter>,
}

/// What of a document is on the platter.
#[derive(Clone, Debug, Default)]
struct Platter {
    changes: BTreeSet<ChangeHash>,
    /// Hashes of quarantined changes.
    quarantined: BTreeSet<ChangeHash>,
    /// Entries of the ledger, as they are stored.
    entries: BTreeMap<u64, Vec<u8>>,
}

/// The disk; every clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Files>>);

fn countdown(counter: &mut Option<u32>) -> bool {
    match counter {
        Some(0) => {
            *counter = None;
            true
        }
        Some(n) => {
            *n -= 1;
            false
        }
        None => false,
    }
}

impl Files {
    /// Before every operation: whether it comes to pass.
    fn operate(&mut self) -> io::Result<()> {
        if self.stopped || countdown(&mut self.stops_after) {
            self.stopped = true;
            return Err(io::Error::other("the machine stopped"));
        }
        if countdown(&mut self.fails_after) {
            return Err(io::Error::other("input/output error"));
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let outcome = self.operate();
        // What fails or is cut off may have been half done.
        let written = if outcome.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        self.log.extend_from_slice(written);
        outcome
    }

    fn flush(&mut self) -> io::Result<()> {
        self.operate()?;
        self.log_claimed = self.log.len();
        if !self.lies {
            self.log_flushed = self.log.len();
        }
        Ok(())
    }

    fn set_head(&mut self, end: &End) -> io::Result<()> {
        self.operate()?;
        self.head[(end.sequence % 2) as usize] = head::write(end);
        self.flush_head()
    }

    fn flush_head(&mut self) -> io::Result<()> {
        self.operate()?;
        self.head_flushed = self.head.clone();
        Ok(())
    }

    fn acknowledged(&self) -> Option<End> {
        let slots = self.head.iter().filter_map(|slot| head::read(slot.as_slice().try_into().ok()?));
        slots.max_by_key(|end| end.sequence)
    }
}

impl Disk {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap()
    }

    /// Whether there is no space.
    pub fn set_full(&self, full: bool) {
        self.files().full = full;
    }

    /// Lets the machine stop within a later operation.
    pub fn stop_after(&self, operations: u32) {
        self.files().stops_after = Some(operations);
    }

    /// Lets a later operation fail.
    pub fn fail_after(&self, operations: u32) {
        self.files().fails_after = Some(operations);
    }

    /// Lets flushes of the log do nothing from now on.
    pub fn lie(&self) {
        self.files().lies = true;
    }

    /// Whether they do nothing.
    pub fn has_lied(&self) -> bool {
        self.files().lies
    }

    /// Whether the machine has stopped within an operation.
    pub fn has_stopped(&self) -> bool {
        self.files().stopped
    }

    /// After the server's process was killed: what was written is in the cache.
    pub fn restart(&self) {
        let mut files = self.files();
        (files.stops_after, files.stopped, files.fails_after) = (None, false, None);
    }

    /// After the power went: of what was not flushed, any part may be there, and torn.
    pub fn lose_power(&self, rng: &mut StdRng) {
        self.restart();
        let files = &mut *self.files();
        let kept = rng.random_range(files.log_flushed..=files.log.len());
        files.log.truncate(kept);
        if kept > files.log_flushed && rng.random_bool(0.3) {
            let hole = rng.random_range(files.log_flushed..kept);
            files.log[hole..].fill(0);
        }
        for (cached, flushed) in files.head.iter_mut().zip(&files.head_flushed) {
            if cached != flushed && rng.random_bool(0.7) {
                let torn = rng.random_range(0..=SLOT);
                let mut slot = cached.get(..torn).unwrap_or(cached).to_vec();
                slot.extend_from_slice(flushed.get(slot.len()..).unwrap_or_default());
                *cached = slot;
            }
        }
        files.head_flushed = files.head.clone();
        files.log_flushed = files.log.len();
        files.log_claimed = files.log.len();
    }

    /// What of a document would survive if the power went now.
    fn platter<T>(&self, document: DocumentId, read: impl FnOnce(&Platter) -> T) -> T {
        let files = &mut *self.files();
        files.look();
        read(files.documents.entry(document).or_default())
    }

    /// Whether a change would survive if the power went now.
    pub fn holds(&self, document: DocumentId, hash: &ChangeHash) -> bool {
        self.platter(document, |platter| platter.changes.contains(hash))
    }

    /// How many changes and entries would survive if the power went now.
    pub fn ends(&self, document: DocumentId) -> Ends {
        self.platter(document, |platter| Ends {
            changes: platter.changes.len() as u32,
            entries: platter.entries.len() as u64,
        })
    }

    /// An entry of the ledger that would survive if the power went now, as it is stored.
    pub fn entry(&self, document: DocumentId, number: u64) -> Option<Vec<u8>> {
        self.platter(document, |platter| platter.entries.get(&number).cloned())
    }

    /// The refused changes that would survive if the power went now.
    pub fn quarantined(&self, document: DocumentId) -> BTreeSet<ChangeHash> {
        self.platter(document, |platter| platter.quarantined.clone())
    }
}

impl Files {
    fn look(&mut self) {
        // A reopened log was cut off at its torn end, which was never flushed.
        self.looked = self.looked.min(self.log_claimed);
        let (frames, taken) = frames(&self.log[self.looked..self.log_claimed]);
        self.looked += taken;
        for write in frames.into_iter().flat_map(|frame| frame.writes) {
            let document = write.key.first_chunk().map(|id| DocumentId::from_bytes(*id)).expect("an id");
            let platter = self.documents.entry(document).or_default();
            match (write.tree, write.value) {
                (Tree::Changes, Some(value)) => {
                    let record = ChangeRecord::decode(&value).expect("the store writes records");
                    platter.changes.extend(chunk::hash(&record.raw));
                }
                (Tree::Ledger, Some(value)) => drop(platter.entries.insert(key::number(&write.key), value)),
                (Tree::Quarantine, Some(value)) => {
                    let record = codraft_server::storage::record::QuarantineRecord::decode(&value);
                    platter.quarantined.extend(chunk::hash(&record.expect("the store writes records").raw));
                }
                _ => {}
            }
        }
    }
}

/// One commit in the log file.
struct Frame {
    commit: Vec<u8>,
    writes: Vec<Write>,
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let len = u32::from_be_bytes(*len) as usize;
    let field = rest.get(..len)?;
    *bytes = &rest[len..];
    Some(field)
}

/// A frame: its length, eight bytes of SHA-256, the commit record, and what it writes.
fn frame(commit: &[u8], writes: &[Write]) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, commit);
    for write in writes {
        body.push(write.tree as u8);
        put(&mut body, &write.key);
        body.push(u8::from(write.value.is_some()));
        put(&mut body, write.value.as_deref().unwrap_or_default());
    }
    let mut frame = Sha256::digest(&body)[..8].to_vec();
    put(&mut frame, &body);
    frame
}

/// The whole frames, and how many bytes they take.
fn frames(all: &[u8]) -> (Vec<Frame>, usize) {
    let (mut frames, mut rest) = (Vec::new(), all);
    loop {
        let mut after = rest;
        let Some((sum, next)) = after.split_first_chunk::<8>() else { break };
        after = next;
        let Some(mut body) = take(&mut after) else { break };
        if !Sha256::digest(body).starts_with(sum) {
            break;
        }
        let commit = take(&mut body).unwrap().to_vec();
        let mut writes = Vec::new();
        while let Some((tree, next)) = body.split_first() {
            body = next;
            let key = take(&mut body).unwrap().to_vec();
            let (has_value, next) = body.split_first().unwrap();
            body = next;
            let value = take(&mut body).unwrap().to_vec();
            writes.push(Write {
                tree: Tree::numbered(*tree).unwrap(),
                key,
                value: (*has_value == 1).then_some(value),
            });
        }
        frames.push(Frame { commit, writes });
        rest = after;
    }
    (frames, all.len() - rest.len())
}

#[derive(Debug, Default)]
struct Content {
    values: BTreeMap<(Tree, Vec<u8>), Vec<u8>>,
    commits: BTreeMap<u64, Vec<u8>>,
}

impl Content {
    fn take_in(&mut self, sequence: u64, commit: Vec<u8>, writes: Vec<Write>) {
        for write in writes {
            match write.value {
                Some(value) => drop(self.values.insert((write.tree, write.key), value)),
                None => drop(self.values.remove(&(write.tree, write.key))),
            }
        }
        self.commits.insert(sequence, commit);
    }
}

/// The store, with the same order of steps as the one on a real disk: write, flush, HEAD.
#[derive(Debug)]
pub struct DiskStorage {
    disk: Disk,
    content: Arc<Mutex<Content>>,
    end: End,
    failed: bool,
}

fn io_error(what: &str) -> impl FnOnce(io::Error) -> StorageError {
    let what = what.to_owned();
    move |source| StorageError::Io { what, source }
}

impl DiskStorage {
    /// A new store.
    pub fn init(disk: &Disk) -> Self {
        let end = End::start(DATABASE);
        let mut files = disk.files();
        files.head = [head::write(&end), Vec::new()];
        files.head_flushed = files.head.clone();
        Self { disk: disk.clone(), content: Arc::default(), end, failed: false }
    }

    /// Opens the store and verifies all of it.
    ///
    /// # Errors
    /// [`StorageError`]: something that was acknowledged is missing or changed.
    pub fn open(disk: &Disk) -> Result<Self, StorageError> {
        let dir = || "the simulated disk".to_owned();
        let mut files = disk.files();
        let damaged = |why: String| StorageError::Damaged { dir: dir(), why };
        files.flush_head().map_err(io_error("syncing HEAD"))?;
        let acknowledged = files.acknowledged().ok_or_else(|| damaged("HEAD cannot be read".to_owned()))?;
        let (frames, taken) = frames(&files.log);
        files.log.truncate(taken);
        files.log_flushed = files.log_flushed.min(taken);
        files.log_claimed = files.log_claimed.min(taken);
        let mut content = Content::default();
        for (frame, sequence) in frames.into_iter().zip(1..) {
            content.take_in(sequence, frame.commit, frame.writes);
        }
        let found = content.commits.len() as u64;
        if found < acknowledged.sequence {
            return Err(StorageError::BehindHead { dir: dir(), found, acknowledged: acknowledged.sequence });
        }
        let content = Arc::new(Mutex::new(content));
        let reader = DiskReader(Arc::clone(&content));
        let whole = chain::verify(&reader, DATABASE, Some(acknowledged)).map_err(damaged)?;
        if whole.end.sequence > acknowledged.sequence {
            // Written, and cut off before it was acknowledged: it is whole, so it counts.
            files.flush().map_err(io_error("syncing"))?;
            files.set_head(&whole.end).map_err(io_error("writing HEAD"))?;
        }
        drop(files);
        Ok(Self { disk: disk.clone(), content, end: whole.end, failed: false })
    }

    fn write(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
        let mut files = self.disk.files();
        if files.full {
            return Err(StorageError::DiskFull { dir: "the simulated disk".to_owned(), free: 0, reserve: 1 });
        }
        for write in writes.iter().filter(|write| write.tree.is_append_only()) {
            let known = &self.content.lock().unwrap().values;
            if known.contains_key(&(write.tree, write.key.clone())) {
                let number = key::number(&write.key);
                return Err(StorageError::Failed(format!("{} {number} is there", write.tree.name())));
            }
        }
        let (commit, end) = self.end.commit(writes, at);
        files.append(&frame(&commit, writes)).map_err(io_error("writing"))?;
        // Readers see it from here on.
        self.content.lock().unwrap().take_in(end.sequence, commit, writes.to_vec());
        self.end = end;
        files.flush().map_err(io_error("syncing"))?;
        files.set_head(&end).map_err(io_error("writing HEAD"))
    }
}

impl Storage for DiskStorage {
    fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed("it failed before".to_owned()));
        }
        let outcome = self.write(writes, at);
        self.failed = outcome.as_ref().is_err_and(StorageError::is_final);
        outcome
    }

    fn end(&self) -> End {
        self.end
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(DiskReader(Arc::clone(&self.content)))
    }
}

#[derive(Debug)]
struct DiskReader(Arc<Mutex<Content>>);

impl Reader for DiskReader {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.lock().unwrap().values.get(&(tree, key.to_vec())).cloned())
    }

    fn scan<'a>(&'a self, tree: Tree, prefix: &[u8]) -> Stream<'a, Entry> {
        let content = self.0.lock().unwrap();
        let from = content.values.range((tree, prefix.to_vec())..);
        let here = from.take_while(|((at, key), _)| *at == tree && key.starts_with(prefix));
        let entries: Vec<_> = here.map(|((_, key), value)| Ok((key.clone(), value.clone()))).collect();
        Box::new(entries.into_iter())
    }

    fn commits<'a>(&'a self, from: u64) -> Stream<'a, (u64, Vec<u8>)> {
        let content = self.0.lock().unwrap();
        let commits: Vec<_> = content.commits.range(from..).map(|(n, c)| Ok((*n, c.clone()))).collect();
        Box::new(commits.into_iter())
    }
}
