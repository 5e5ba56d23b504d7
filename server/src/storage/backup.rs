//! Backups: the whole store up to one commit in one file, which proves itself; and what is made of it.
//!
//! `codraft backup 1\n`, then records, each a u32 (little-endian) length, the record, and the first eight
//! bytes of its SHA-256. The first record is the manifest, the last one says that it is the last.

use super::chain::{self, End, Whole};
use super::memory::MemoryStorage;
use super::sled_store::SledStorage;
use super::{Reader, Storage, StorageError, Tree, Write};
use codraft_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::Path;

const MAGIC: &[u8] = b"codraft backup 1\n";
/// No record is larger, in bytes: what claims to be is damage.
const RECORD: u32 = 64 << 20;

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be read or written.
    #[error("the backup file: {0}")]
    Io(#[from] io::Error),
    /// It is not what a backup wrote.
    #[error("this backup cannot be used: {0}; use another one")]
    Damaged(String),
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

#[derive(Serialize, Deserialize)]
enum Record {
    Manifest { database: [u8; 16], sequence: u64, chain: [u8; 32], at: i64 },
    Commit(Vec<u8>),
    Value { tree: u8, key: Vec<u8>, value: Vec<u8> },
    End { commits: u64, values: u64 },
}

/// What can still change: to be looked at between two commits, together with the end of the chain.
#[derive(Debug)]
pub struct Frozen {
    end: End,
    mutable: Vec<(Tree, Vec<u8>, Vec<u8>)>,
}

/// Freezes a store at this end of its chain: quick, since all that is large is append-only.
///
/// # Errors
/// [`StorageError`]
pub fn freeze(end: End, reader: &dyn Reader) -> Result<Frozen, StorageError> {
    let mut mutable = Vec::new();
    for tree in Tree::ALL.into_iter().filter(|tree| !tree.is_append_only()) {
        for entry in reader.scan(tree, &[]) {
            let (key, value) = entry?;
            mutable.push((tree, key, value));
        }
    }
    Ok(Frozen { end, mutable })
}

/// Writes a backup of a frozen store, which may be written to meanwhile. Returns where its chain ends.
///
/// # Errors
/// [`BackupError`]
pub fn write(
    frozen: Frozen,
    reader: &dyn Reader,
    at: Timestamp,
    out: impl io::Write,
) -> Result<End, BackupError> {
    let mut out = BufWriter::new(out);
    out.write_all(MAGIC)?;
    let End { database, sequence, chain } = frozen.end;
    put(&mut out, &Record::Manifest { database, sequence, chain, at: at.0 })?;
    let (mut commits, mut values) = (0, 0);
    for commit in reader.commits(1) {
        let (number, stored) = commit?;
        if number > sequence {
            break;
        }
        let body = stored.get(32..).unwrap_or_default();
        for (tree, key, _) in chain::entries(number, body).map_err(StorageError::from)? {
            if tree.is_append_only() {
                let value = reader.get(tree, &key)?;
                let value =
                    value.ok_or_else(|| BackupError::Damaged(format!("commit {number} lacks a value")))?;
                put(&mut out, &Record::Value { tree: tree as u8, key, value })?;
                values += 1;
            }
        }
        put(&mut out, &Record::Commit(stored))?;
        commits += 1;
    }
    for (tree, key, value) in frozen.mutable {
        put(&mut out, &Record::Value { tree: tree as u8, key, value })?;
        values += 1;
    }
    put(&mut out, &Record::End { commits, values })?;
    out.flush()?;
    Ok(frozen.end)
}

fn put(out: &mut impl io::Write, record: &Record) -> Result<(), BackupError> {
    let bytes =
        postcard::to_extend(record, Vec::new()).map_err(|error| BackupError::Damaged(error.to_string()))?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= RECORD);
    let length = length.ok_or_else(|| BackupError::Damaged("a record is too large".to_owned()))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)?;
    out.write_all(Sha256::digest(&bytes).get(..8).unwrap_or_default())?;
    Ok(())
}

fn take(input: &mut impl Read) -> Result<Record, BackupError> {
    let damaged = |why: &str| BackupError::Damaged(why.to_owned());
    let cut_off = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
        _ => BackupError::Io(error),
    };
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(cut_off)?;
    let length = u32::from_le_bytes(length);
    if length > RECORD {
        return Err(damaged("a record is damaged"));
    }
    let mut bytes = Vec::new();
    input.take(u64::from(length)).read_to_end(&mut bytes)?;
    let mut sum = [0; 8];
    input.read_exact(&mut sum).map_err(cut_off)?;
    if Sha256::digest(&bytes).get(..8) != Some(&sum[..]) {
        return Err(damaged("a record is damaged"));
    }
    postcard::from_bytes(&bytes).map_err(|error| BackupError::Damaged(error.to_string()))
}

/// A backup, read and checked.
#[derive(Debug)]
pub struct Backup {
    content: MemoryStorage,
    whole: Whole,
    at: Timestamp,
}

impl Backup {
    /// Reads and verifies all of it.
    ///
    /// # Errors
    /// [`BackupError`]
    pub fn read(input: impl Read) -> Result<Self, BackupError> {
        let damaged = |why: &str| BackupError::Damaged(why.to_owned());
        let mut input = BufReader::new(input);
        let mut magic = [0; MAGIC.len()];
        let is_backup = input.read_exact(&mut magic).is_ok() && magic == *MAGIC;
        if !is_backup {
            return Err(damaged("it is no codraft backup"));
        }
        let Record::Manifest { database, sequence, chain, at } = take(&mut input)? else {
            return Err(damaged("it does not begin with its manifest"));
        };
        let end = End { database, sequence, chain };
        let mut content = MemoryStorage::empty(end);
        let (mut commits, mut values) = (0, 0);
        loop {
            match take(&mut input)? {
                Record::Manifest { .. } => return Err(damaged("it has two manifests")),
                Record::Commit(stored) => {
                    commits += 1;
                    content.place_commit(commits, stored);
                }
                Record::Value { tree, key, value } => {
                    let tree = Tree::numbered(tree).ok_or_else(|| damaged("it names an unknown tree"))?;
                    values += 1;
                    content.place(tree, key, value);
                }
                Record::End { commits: told, values: told_values } => {
                    if (told, told_values) != (commits, values) || commits != sequence {
                        return Err(damaged("it is not complete"));
                    }
                    break;
                }
            }
        }
        let whole = chain::verify(&*content.reader(), database, Some(end)).map_err(BackupError::Damaged)?;
        if whole.end != end {
            return Err(damaged("its chain does not end where its manifest says"));
        }
        Ok(Self { content, whole, at: Timestamp(at) })
    }

    /// What it holds.
    pub fn whole(&self) -> Whole {
        self.whole
    }

    /// When it was made.
    pub fn made(&self) -> Timestamp {
        self.at
    }

    /// Makes a store of it, in a directory that is empty or not there yet. The store gets an id of its own:
    /// clients must not believe that it has all that the lost one had.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn restore(&self, dir: &Path, database: [u8; 16], at: Timestamp) -> Result<Whole, StorageError> {
        let reader = self.content.reader();
        let mut store = SledStorage::init(dir, database, &[], at)?;
        let mut group = Vec::new();
        for tree in Tree::ALL {
            for entry in reader.scan(tree, &[]) {
                let (key, value) = entry?;
                group.push(Write { tree, key, value: Some(value) });
                if group.len() == 512 {
                    store.commit(&group, at)?;
                    group.clear();
                }
            }
        }
        store.commit(&group, at)?;
        drop(store);
        let restored = SledStorage::open(dir, &super::sled_store::Options::default())?;
        Ok(restored.opened_with())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> MemoryStorage {
        let mut store = MemoryStorage::default();
        for n in 0..50_u8 {
            let change = Write { tree: Tree::Changes, key: vec![n], value: Some(vec![n; 9000]) };
            let ticket = Write { tree: Tree::Tickets, key: vec![n % 3], value: (n % 5 > 0).then(|| vec![n]) };
            store.commit(&[change, ticket], Timestamp(i64::from(n))).unwrap();
        }
        store
    }

    fn everything(reader: &dyn Reader) -> Vec<(Tree, super::super::Entry)> {
        let all = Tree::ALL.into_iter();
        all.flat_map(|tree| reader.scan(tree, &[]).map(move |entry| (tree, entry.unwrap()))).collect()
    }

    #[test]
    fn a_backup_of_a_store_that_goes_on_restores_the_moment_of_its_making() {
        let mut store = store();
        let reader = store.reader();
        let before = everything(&*reader);
        let frozen = freeze(store.end(), &*reader).unwrap();
        // The store goes on while the backup is written.
        let ticket = Write { tree: Tree::Tickets, key: vec![1], value: Some(vec![99]) };
        let change = Write { tree: Tree::Changes, key: vec![200], value: Some(vec![1]) };
        store.commit(&[ticket, change], Timestamp(99)).unwrap();
        let mut file = Vec::new();
        write(frozen, &*reader, Timestamp(7), &mut file).unwrap();
        let backup = Backup::read(&file[..]).unwrap();
        assert_eq!(backup.made(), Timestamp(7));
        let dir = tempfile::tempdir().unwrap();
        let whole = backup.restore(&dir.path().join("new"), [4; 16], Timestamp(8)).unwrap();
        assert_eq!(whole.values, before.len() as u64);
        let restored =
            SledStorage::open(&dir.path().join("new"), &super::super::sled_store::Options::default())
                .unwrap();
        assert_eq!(everything(&*restored.reader()), before);
    }

    #[test]
    fn a_damaged_backup_is_refused() {
        let store = store();
        let reader = store.reader();
        let mut file = Vec::new();
        write(freeze(store.end(), &*reader).unwrap(), &*reader, Timestamp(7), &mut file).unwrap();
        for cut in (0..file.len()).step_by(file.len() / 40) {
            assert!(matches!(Backup::read(&file[..cut]), Err(BackupError::Damaged(_))), "cut at {cut}");
        }
        for at in (0..file.len()).step_by(file.len() / 61) {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert!(matches!(Backup::read(&flipped[..]), Err(BackupError::Damaged(_))), "flipped at {at}");
        }
    }
}
