//! Blocks: values that stand behind one another in a log, sealed into one value, which is a fraction of theirs. Pure.
//!
//! A block gives back each of its values byte for byte: what is packed is unpacked and compared before it is written, and
//! what cannot be said shorter is kept as it is. What follows from the values themselves is left out: a change's
//! checksum and its dependencies on changes just before it, a commit's chain hash and the keys that count up.

mod changes;
mod commits;

use super::Tree;
use super::record::RecordError;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};

/// No block unpacks to more bytes: what does is damage.
const LARGEST: u64 = 256 << 20;

/// What a block is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Values of any kind.
    Any = 0,
    /// Records of changes, as in [`Tree::Changes`].
    Changes = 1,
    /// Records of commits.
    Commits = 2,
}

impl Kind {
    /// The kind for a tree's values.
    pub const fn of(tree: Tree) -> Self {
        if matches!(tree, Tree::Changes) { Self::Changes } else { Self::Any }
    }
}

#[derive(Serialize, Deserialize)]
struct Any {
    values: Vec<Vec<u8>>,
}

/// Values as they are unpacked, within bounds.
#[derive(Default)]
struct Unpacked {
    values: Vec<Vec<u8>>,
    bytes: u64,
}

impl Unpacked {
    fn push(&mut self, value: Vec<u8>) -> Result<(), RecordError> {
        self.bytes += value.len() as u64;
        if self.bytes > LARGEST {
            return Err(malformed("it unpacks to more than any block has"));
        }
        self.values.push(value);
        Ok(())
    }
}

fn malformed(why: impl Into<String>) -> RecordError {
    RecordError::Malformed { what: "block", why: why.into() }
}

/// Seals some values: the kind, their count (u32, big-endian), and the rest, deflated. `None`: no block would give them
/// back, which cannot be.
pub fn seal(kind: Kind, values: &[Vec<u8>]) -> Option<Vec<u8>> {
    let packed = match kind {
        Kind::Changes => changes::pack(values).map(|packed| written(kind, values.len(), &packed)),
        Kind::Commits => commits::pack(values).map(|packed| written(kind, values.len(), &packed)),
        Kind::Any => None,
    };
    let gives_back = |block: &Vec<u8>| open(block).is_ok_and(|opened| opened == values);
    let plain = || written(Kind::Any, values.len(), &Any { values: values.to_vec() });
    packed.filter(gives_back).or_else(|| Some(plain()).filter(gives_back))
}

/// How many values a block is of.
///
/// # Errors
/// [`RecordError`]
pub fn count(block: &[u8]) -> Result<u64, RecordError> {
    let count = block.get(1..).and_then(|rest| rest.first_chunk::<4>());
    count.map(|count| u32::from_be_bytes(*count).into()).ok_or_else(|| malformed("it is cut off"))
}

/// The values of a block.
///
/// # Errors
/// [`RecordError`]
pub fn open(block: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
    let expected = count(block)?;
    let (kind, packed) = block.split_first().ok_or_else(|| malformed("it is empty"))?;
    let packed = packed.get(4..).unwrap_or_default();
    let values = match *kind {
        kind if kind == Kind::Any as u8 => read::<Any>(packed)?.values,
        kind if kind == Kind::Changes as u8 => changes::unpack(read(packed)?)?,
        kind if kind == Kind::Commits as u8 => commits::unpack(read(packed)?)?,
        version => return Err(RecordError::Version { what: "block", version }),
    };
    if values.len() as u64 == expected {
        Ok(values)
    } else {
        Err(malformed(format!("{} values instead of {expected}", values.len())))
    }
}

fn written<T: Serialize>(kind: Kind, count: usize, packed: &T) -> Vec<u8> {
    let mut block = vec![kind as u8];
    block.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    // Neither serialising nor deflating plain data into memory has a way to fail.
    let packed = postcard::to_extend(packed, Vec::new()).unwrap_or_default();
    let mut deflate = DeflateEncoder::new(block, Compression::default());
    let _ = deflate.write_all(&packed);
    deflate.finish().unwrap_or_default()
}

fn read<T: DeserializeOwned>(packed: &[u8]) -> Result<T, RecordError> {
    let mut bytes = Vec::new();
    let inflated = DeflateDecoder::new(packed).take(LARGEST).read_to_end(&mut bytes);
    inflated.map_err(|error| malformed(error.to_string()))?;
    let (value, rest) = postcard::take_from_bytes(&bytes).map_err(|error| malformed(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(malformed("it has bytes too many")) }
}

#[cfg(test)]
mod tests;
