//! The HEAD file: what was last acknowledged, outside of the database. A database that comes up behind it has
//! lost something.
//!
//! Two slots, written in turn, each with a checksum: a write that is cut off leaves the other one.
//!
//! A thread of its own writes it, so that nobody waits for two syncs in a row: when a commit is acknowledged,
//! HEAD says so of the one before, and of this one a few milliseconds later.

use super::StorageError;
use super::chain::End;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Bytes from one slot to the next: they share no disk sector.
const SLOT: u64 = 4096;
const MAGIC: [u8; 8] = *b"codraft1";

/// An open HEAD file.
#[derive(Debug)]
pub struct Head {
    file: File,
    /// Which slot holds the newest word: the other one is written next. Never by the number of the commit: where
    /// numbers are left out, the only whole slot could be the one that is overwritten.
    newest: AtomicU64,
}

/// A slot's bytes.
pub fn write(end: &End) -> Vec<u8> {
    let mut slot = MAGIC.to_vec();
    slot.extend_from_slice(&end.database);
    slot.extend_from_slice(&end.sequence.to_be_bytes());
    slot.extend_from_slice(&end.chain);
    let sum = Sha256::digest(&slot);
    slot.extend_from_slice(&sum);
    slot
}

/// Reads a slot; `None` where it is not whole.
pub fn read(slot: &[u8; 96]) -> Option<End> {
    let (body, sum) = slot.split_at(64);
    let (magic, body) = body.split_first_chunk::<8>()?;
    let (database, body) = body.split_first_chunk::<16>()?;
    let (sequence, chain) = body.split_first_chunk::<8>()?;
    let whole = *magic == MAGIC && Sha256::digest(slot.get(..64)?).as_slice() == sum;
    let end =
        End { database: *database, sequence: u64::from_be_bytes(*sequence), chain: chain.try_into().ok()? };
    whole.then_some(end)
}

impl Head {
    /// Creates it.
    ///
    /// # Errors
    /// [`StorageError::Io`]
    pub fn create(path: &Path, end: &End) -> Result<Self, StorageError> {
        let open = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = open.map_err(StorageError::io(format!("creating {}", path.display())))?;
        let head = Self { file, newest: AtomicU64::new(1) };
        head.file.set_len(2 * SLOT).map_err(StorageError::io("sizing HEAD"))?;
        head.set(end)?;
        head.file.sync_all().map_err(StorageError::io("syncing HEAD"))?;
        Ok(head)
    }

    /// Opens it and reads what was acknowledged; `None` where neither slot is whole.
    ///
    /// # Errors
    /// [`StorageError::Io`]
    pub fn open(path: &Path) -> Result<(Self, Option<End>), StorageError> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let file = open.map_err(StorageError::io(format!("opening {}", path.display())))?;
        // A process that was killed may have written a slot without syncing it. Were the other one written now, and
        // the power lost, both could be torn.
        file.sync_data().map_err(StorageError::io("syncing HEAD"))?;
        let head = Self { file, newest: AtomicU64::new(1) };
        let slots = [0, SLOT].map(|at| {
            let mut slot = [0; 96];
            head.file.read_exact_at(&mut slot, at).ok().and_then(|()| read(&slot))
        });
        let whole = (0..).zip(slots).filter_map(|(slot, end)| Some((slot, end?)));
        let newest = whole.max_by_key(|(_, end)| end.sequence);
        if let Some((slot, _)) = newest {
            head.newest.store(slot, Ordering::Relaxed);
        }
        Ok((head, newest.map(|(_, end)| end)))
    }

    /// Records, durably, that everything up to here is acknowledged.
    ///
    /// # Errors
    /// [`StorageError::Io`]
    pub fn set(&self, end: &End) -> Result<(), StorageError> {
        let slot = 1 - self.newest.load(Ordering::Relaxed).min(1);
        self.file.write_all_at(&write(end), slot * SLOT).map_err(StorageError::io("writing HEAD"))?;
        self.file.sync_data().map_err(StorageError::io("syncing HEAD"))?;
        self.newest.store(slot, Ordering::Relaxed);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Desk {
    /// What HEAD is to say next.
    wanted: Option<End>,
    /// The last commit that HEAD says is acknowledged.
    written: u64,
    /// Why it is not written any more.
    failed: Option<String>,
    closing: bool,
}

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

impl Shared {
    /// Every critical section is an assignment: a panic elsewhere leaves it sound.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, desk: MutexGuard<'a, Desk>) -> MutexGuard<'a, Desk> {
        self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes HEAD on its own thread. When it is dropped, HEAD says all that it was told.
#[derive(Debug)]
pub struct Scribe {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    /// Takes a HEAD over that says `end`.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(head: Head, end: &End) -> Result<Self, StorageError> {
        let desk = Desk { written: end.sequence, ..Desk::default() };
        let shared = Arc::new(Shared { desk: Mutex::new(desk), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("head".to_owned()).spawn(move || write_on(&head, &own));
        Ok(Self { shared, thread: Some(thread.map_err(StorageError::io("starting the thread of HEAD"))?) })
    }

    /// Has HEAD say that everything up to here is acknowledged, soon; only the last word counts.
    pub fn tell(&self, end: End) {
        self.shared.desk().wanted = Some(end);
        self.shared.changed.notify_all();
    }

    /// Waits until HEAD says, durably, that commit `sequence` is acknowledged.
    ///
    /// # Errors
    /// [`StorageError::Failed`]: HEAD cannot be written any more.
    pub fn wait(&self, sequence: u64) -> Result<(), StorageError> {
        let mut desk = self.shared.desk();
        loop {
            if let Some(why) = &desk.failed {
                return Err(StorageError::Failed(why.clone()));
            }
            if desk.written >= sequence {
                return Ok(());
            }
            desk = self.shared.wait(desk);
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.shared.desk().closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

fn write_on(head: &Head, shared: &Shared) {
    let mut desk = shared.desk();
    loop {
        if let Some(end) = desk.wanted.take() {
            drop(desk);
            let written = head.set(&end);
            desk = shared.desk();
            match written {
                Ok(()) => desk.written = end.sequence,
                Err(error) => {
                    // Never tried again: what the disk then says cannot be trusted.
                    desk.failed = Some(error.to_string());
                    shared.changed.notify_all();
                    return;
                }
            }
            shared.changed.notify_all();
        } else if desk.closing {
            return;
        } else {
            desk = shared.wait(desk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scribe_leaves_the_last_word_in_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("HEAD");
        let first = End::start([3; 16]);
        let scribe = Scribe::start(Head::create(&path, &first).unwrap(), &first).unwrap();
        for sequence in 1..=40 {
            scribe.tell(End { sequence, ..first });
            if sequence % 10 == 0 {
                scribe.wait(sequence).unwrap();
                assert_eq!(Head::open(&path).unwrap().1.map(|end| end.sequence), Some(sequence));
            }
        }
        scribe.tell(End { sequence: 41, ..first });
        drop(scribe);
        assert_eq!(Head::open(&path).unwrap().1.map(|end| end.sequence), Some(41));
    }

    #[test]
    fn a_head_that_cannot_be_written_is_final() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("HEAD");
        let first = End::start([3; 16]);
        drop(Head::create(&path, &first).unwrap());
        let read_only = Head { file: File::open(&path).unwrap(), newest: AtomicU64::new(1) };
        let scribe = Scribe::start(read_only, &first).unwrap();
        scribe.tell(End { sequence: 1, ..first });
        assert!(matches!(scribe.wait(1), Err(StorageError::Failed(_))));
        scribe.tell(End { sequence: 2, ..first });
        assert!(matches!(scribe.wait(0), Err(StorageError::Failed(_))));
    }

    #[test]
    fn a_torn_slot_leaves_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("HEAD");
        let first = End { sequence: 1, ..End::start([3; 16]) };
        let second = End { sequence: 2, chain: [5; 32], ..first };
        let head = Head::create(&path, &first).unwrap();
        head.set(&second).unwrap();
        assert_eq!(Head::open(&path).unwrap().1, Some(second));
        for torn in 0..96 {
            let mut slot = write(&second);
            slot[torn] ^= 0x40;
            head.file.write_all_at(&slot, SLOT).unwrap();
            assert_eq!(Head::open(&path).unwrap().1, Some(first));
        }
        // Whatever the numbers, what is written next never stands where the only whole word does.
        for sequence in [3, 5, 6, 8, 10] {
            let (head, before) = Head::open(&path).unwrap();
            head.set(&End { sequence, ..second }).unwrap();
            let at = head.newest.load(Ordering::Relaxed) * SLOT;
            head.file.write_all_at(&[0; 96], at).unwrap();
            assert_eq!(Head::open(&path).unwrap().1, before, "a torn {sequence}");
            head.set(&End { sequence, ..second }).unwrap();
            assert_eq!(Head::open(&path).unwrap().1.map(|end| end.sequence), Some(sequence));
        }
        head.file.set_len(10).unwrap();
        assert_eq!(Head::open(&path).unwrap().1, None);
    }
}
