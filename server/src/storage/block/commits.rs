//! Records of commits as columns: a chain hash follows from the one before, and keys of a log count up. The hashes of
//! what was written stay as they are: by them a store is verified.

use super::super::chain::{Body, Hash, follow};
use super::super::record::RecordError;
use super::{Unpacked, malformed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a number at the end of a key.
const NUMBER: usize = 8;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Commits {
    /// The chain hash of the first.
    first: Option<Hash>,
    /// For each: the milliseconds since the one before, and how much it wrote.
    at: Vec<i64>,
    counts: Vec<u32>,
    /// For all that was written: its tree, its key, and whether it is a value.
    trees: Vec<u8>,
    keys: Vec<Key>,
    values: Vec<bool>,
    /// Those of the values, one behind the other.
    #[serde(with = "serde_bytes")]
    hashes: Vec<u8>,
    prefixes: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
enum Key {
    /// What stands before the number, and how much the number is more than one behind the last of that tree and prefix.
    Numbered(u32, u64),
    Plain(Vec<u8>),
}

/// The last number of each tree and prefix.
#[derive(Default)]
struct Counting(BTreeMap<(u8, u32), u64>);

impl Counting {
    /// The number that is expected next.
    fn next(&self, tree: u8, prefix: u32) -> u64 {
        self.0.get(&(tree, prefix)).map_or(0, |last| last.wrapping_add(1))
    }
}

/// Packs records; `None` where one of them is no record of a commit, or stands not behind the one before.
pub(super) fn pack(values: &[Vec<u8>]) -> Option<Commits> {
    let mut packed = Commits::default();
    let mut places: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let (mut before, mut counting) = (0, Counting::default());
    for value in values {
        let (chain, body) = value.split_first_chunk::<32>()?;
        packed.first.get_or_insert(*chain);
        let body: Body = postcard::from_bytes(body).ok()?;
        packed.at.push(body.at.wrapping_sub(before));
        before = body.at;
        packed.counts.push(u32::try_from(body.entries.len()).ok()?);
        for (tree, key, hash) in body.entries {
            packed.trees.push(tree);
            packed.values.push(hash.is_some());
            packed.hashes.extend(hash.iter().flatten());
            packed.keys.push(match key.split_last_chunk::<NUMBER>() {
                Some((prefix, number)) => {
                    let prefix = match places.get(prefix) {
                        Some(place) => *place,
                        None => {
                            let place = u32::try_from(packed.prefixes.len()).ok()?;
                            packed.prefixes.push(prefix.to_vec());
                            places.insert(prefix.to_vec(), place);
                            place
                        }
                    };
                    let number = u64::from_be_bytes(*number);
                    let step = number.wrapping_sub(counting.next(tree, prefix));
                    counting.0.insert((tree, prefix), number);
                    Key::Numbered(prefix, step)
                }
                None => Key::Plain(key),
            });
        }
    }
    Some(packed)
}

/// The records again.
pub(super) fn unpack(packed: Commits) -> Result<Vec<Vec<u8>>, RecordError> {
    let short = || malformed("a column is too short");
    let mut written = packed.trees.iter().zip(packed.keys).zip(&packed.values);
    let (mut hashes, mut counting) = (packed.hashes.as_slice(), Counting::default());
    let (mut chain, mut at) = (None::<Hash>, 0_i64);
    let mut unpacked = Unpacked::default();
    for (since, count) in packed.at.iter().zip(&packed.counts) {
        at = at.wrapping_add(*since);
        let mut entries = Vec::new();
        for _ in 0..*count {
            let ((tree, key), is_value) = written.next().ok_or_else(short)?;
            let key = match key {
                Key::Plain(key) => key,
                Key::Numbered(place, step) => {
                    let mut key = packed.prefixes.get(place as usize).ok_or_else(short)?.clone();
                    let number = counting.next(*tree, place).wrapping_add(step);
                    counting.0.insert((*tree, place), number);
                    key.extend_from_slice(&number.to_be_bytes());
                    key
                }
            };
            let hash = match hashes.split_first_chunk() {
                Some((hash, behind)) if *is_value => {
                    hashes = behind;
                    Some(*hash)
                }
                None if *is_value => return Err(short()),
                _ => None,
            };
            entries.push((*tree, key, hash));
        }
        let body = postcard::to_extend(&Body { at, entries }, Vec::new()).unwrap_or_default();
        let here = match chain {
            None => packed.first.ok_or_else(short)?,
            Some(before) => follow(before, &body),
        };
        chain = Some(here);
        let mut value = here.to_vec();
        value.extend_from_slice(&body);
        unpacked.push(value)?;
    }
    Ok(unpacked.values)
}
