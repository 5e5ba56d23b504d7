//! What a replica keeps on disk: one file of records, each with its length and checksum, synced before it
//! counts. A record that was cut off by a crash is dropped when the file is opened.
//!
//! What belongs together is one record: the changes that were made of an edited file, and that the file has
//! been taken in. So a crash can neither lose an edit nor apply it twice.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"codraft replica 1\n";
/// Bytes before a record's body: its length (u32, little-endian) and the first eight bytes of its SHA-256.
const HEAD: usize = 12;
/// No record is larger; what claims to be is damage.
const RECORD: u32 = 256 << 20;

/// Hashes of changes.
pub type Heads = Vec<[u8; 32]>;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// Changes that came from the server, as Automerge chunks.
    Received(Vec<Vec<u8>>),
    /// Changes that were made of the file as it was then. From now on the file stands for `rendered`.
    Written {
        /// As Automerge chunks.
        changes: Vec<Vec<u8>>,
        /// The heads whose text the file is.
        rendered: Heads,
    },
    /// The file is about to be replaced by the text at these heads, which lies ready beside it.
    Rendering(Heads),
    /// The file is the text at these heads.
    Rendered(Heads),
    /// The server has, durably, everything up to these heads.
    Acknowledged {
        /// The server's heads.
        heads: Heads,
        /// When, in milliseconds.
        at: i64,
    },
    /// The server refused something, and said why; none: that is over.
    Refused(Option<String>),
    /// What the server knows beside the document.
    Facts(Facts),
}

/// What the server knows beside the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What proposals are measured against.
    pub baseline: Heads,
    /// Actor and the code of its delegation.
    pub roster: Vec<(Vec<u8>, String)>,
    /// Code and name of each delegation.
    pub names: Vec<(String, String)>,
    /// When the document was imported, in milliseconds.
    pub imported: i64,
    /// The entries of the document's ledger, as JSON.
    pub ledger: Vec<String>,
    /// Hashes of changes that came too late for the round that is closed now.
    pub late: Heads,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Not such a file, or damaged elsewhere than at its end.
    #[error(
        "{} is damaged ({why}); your resolution.txt is untouched. Clone the document again into a new folder and copy your text over it",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

/// What was read at opening.
#[derive(Debug)]
pub struct Opened {
    /// All records, in order.
    pub records: Vec<Record>,
    /// Bytes of a record that was cut off, and dropped.
    pub dropped: u64,
}

fn encode(record: &Record) -> Vec<u8> {
    // Serialising plain data into memory has no way to fail.
    let body = postcard::to_extend(record, Vec::new()).unwrap_or_default();
    let mut bytes = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    bytes.extend(Sha256::digest(&body).iter().take(8));
    bytes.extend_from_slice(&body);
    bytes
}

/// The records of a file's content after its magic, and how many bytes they take. Stops at the first that is
/// not whole.
fn decode(mut bytes: &[u8]) -> (Vec<Record>, usize) {
    let (mut records, mut taken) = (Vec::new(), 0);
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() {
        let [a, b, c, d, sum @ ..] = *head;
        let length = u32::from_le_bytes([a, b, c, d]);
        let Some(body) = rest.get(..length as usize).filter(|_| length <= RECORD) else { break };
        if !Sha256::digest(body).starts_with(&sum) {
            break;
        }
        let Ok(record) = postcard::from_bytes(body) else { break };
        records.push(record);
        taken += HEAD + body.len();
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    (records, taken)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent).and_then(|dir| dir.sync_all()))
}

impl Store {
    /// Makes a store with its first records.
    ///
    /// # Errors
    /// [`StoreError::Io`]
    pub fn create(path: &Path, records: &[Record]) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let fresh = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&fresh).map_err(io)?;
        let mut bytes = MAGIC.to_vec();
        records.iter().for_each(|record| bytes.extend(encode(record)));
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&fresh, path).and_then(|()| sync_parent(path)).map_err(io)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Reads a store without holding it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn read(path: &Path) -> Result<Opened, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(io)?;
        let body = bytes.strip_prefix(MAGIC);
        let damaged = |why: &str| StoreError::Damaged { path: path.to_owned(), why: why.to_owned() };
        let body = body.ok_or_else(|| damaged("it is not a codraft replica"))?;
        let (records, taken) = decode(body);
        let dropped = body.len() - taken;
        // A crash cuts off the last record; whole records behind a broken one are damage of another kind.
        let behind = |at: usize| body.get(taken + at..).is_some_and(|rest| !decode(rest).0.is_empty());
        if (1..dropped.min(1 << 16)).any(behind) {
            return Err(damaged("a record in its middle cannot be read"));
        }
        Ok(Opened { records, dropped: dropped as u64 })
    }

    /// Opens a store for writing, and drops what was cut off.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn open(path: &Path) -> Result<(Self, Opened), StoreError> {
        let opened = Self::read(path)?;
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len() - opened.dropped;
        file.set_len(length).and_then(|()| file.sync_all()).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok((Self { path: path.to_owned(), file }, opened))
    }

    /// Adds a record; when it returns, the record survives a power loss.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the store must then be opened anew.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let written = self.file.write_all(&encode(record)).and_then(|()| self.file.sync_data());
        written.map_err(|source| StoreError::Io { path: self.path.clone(), source })
    }

    /// Bytes of the file.
    ///
    /// # Errors
    /// [`StoreError::Io`]
    pub fn size(&self) -> Result<u64, StoreError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|source| StoreError::Io { path: self.path.clone(), source })?.len())
    }

    /// Replaces all records by fewer that say the same.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the old file is then still there.
    pub fn compact(&mut self, records: &[Record]) -> Result<(), StoreError> {
        *self = Self::create(&self.path.clone(), records)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Received(vec![vec![1; 40], vec![2; 10]]),
            Record::Written { changes: vec![vec![3; 30]], rendered: vec![[4; 32]] },
            Record::Refused(Some("no".into())),
            Record::Acknowledged { heads: vec![[5; 32]], at: 6 },
        ]
    }

    #[test]
    fn whatever_is_cut_off_the_whole_records_before_it_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replica");
        let (first, rest) = (&records()[..1], &records()[1..]);
        let mut store = Store::create(&path, first).unwrap();
        let mut ends = vec![store.size().unwrap()];
        for record in rest {
            store.append(record).unwrap();
            ends.push(store.size().unwrap());
        }
        let whole = fs::read(&path).unwrap();
        for cut in ends[0]..=ends[3] {
            fs::write(&path, &whole[..cut as usize]).unwrap();
            let (mut store, opened) = Store::open(&path).unwrap();
            let expected = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(opened.records, records()[..expected], "cut at {cut}");
            // And it goes on from there.
            store.append(&Record::Refused(None)).unwrap();
            assert_eq!(Store::read(&path).unwrap().records.len(), expected + 1);
        }
    }

    #[test]
    fn damage_in_the_middle_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replica");
        Store::create(&path, &records()).unwrap();
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[MAGIC.len() + HEAD + 3] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged { .. })));
        fs::write(&path, b"something else").unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged { .. })));
    }
}
