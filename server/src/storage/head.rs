//! The HEAD file: what was last acknowledged, outside of the database. A database that comes up behind it has
//! lost something.
//!
//! Two slots, written in turn, each with a checksum: a write that is cut off leaves the other one.

use super::StorageError;
use super::chain::End;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes from one slot to the next: they share no disk sector.
const SLOT: u64 = 4096;
const MAGIC: [u8; 8] = *b"codraft1";

/// An open HEAD file.
#[derive(Debug)]
pub struct Head {
    file: File,
}

fn write(end: &End) -> Vec<u8> {
    let mut slot = MAGIC.to_vec();
    slot.extend_from_slice(&end.database);
    slot.extend_from_slice(&end.sequence.to_be_bytes());
    slot.extend_from_slice(&end.chain);
    let sum = Sha256::digest(&slot);
    slot.extend_from_slice(&sum);
    slot
}

fn read(slot: &[u8; 96]) -> Option<End> {
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
        let head = Self { file: open.map_err(StorageError::io(format!("creating {}", path.display())))? };
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
        let head = Self { file: open.map_err(StorageError::io(format!("opening {}", path.display())))? };
        let slots = [0, SLOT].map(|at| {
            let mut slot = [0; 96];
            head.file.read_exact_at(&mut slot, at).ok().and_then(|()| read(&slot))
        });
        let newest = slots.into_iter().flatten().max_by_key(|end| end.sequence);
        Ok((head, newest))
    }

    /// Records, durably, that everything up to here is acknowledged.
    ///
    /// # Errors
    /// [`StorageError::Io`]
    pub fn set(&self, end: &End) -> Result<(), StorageError> {
        let at = (end.sequence % 2) * SLOT;
        self.file.write_all_at(&write(end), at).map_err(StorageError::io("writing HEAD"))?;
        self.file.sync_data().map_err(StorageError::io("syncing HEAD"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            head.file.write_all_at(&slot, 0).unwrap();
            assert_eq!(Head::open(&path).unwrap().1, Some(first));
        }
        head.file.set_len(10).unwrap();
        assert_eq!(Head::open(&path).unwrap().1, None);
    }
}
