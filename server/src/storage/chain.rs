//! The chain of commits: every commit lists what it wrote with the hash of each value, and carries a hash
//! over itself and the one before. From it a store can tell whether it is whole.

use super::record::RecordError;
use super::{Reader, Tree, Write};
use codraft_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The database's own id.
    pub database: [u8; 16],
    /// The number of the last commit; 0 before the first.
    pub sequence: u64,
    /// Its chain hash.
    pub chain: Hash,
}

/// Tree, key, and the hash of the value; none for a removal.
pub(super) type Written = (Tree, Vec<u8>, Option<Hash>);

/// What one commit did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    /// When, in milliseconds.
    at: i64,
    /// Tree, key, and the hash of the value; none for a removal.
    entries: Vec<(u8, Vec<u8>, Option<Hash>)>,
}

impl End {
    /// The end of an empty chain.
    pub fn start(database: [u8; 16]) -> Self {
        let chain = Sha256::new().chain_update(b"codraft").chain_update(database).finalize().into();
        Self { database, sequence: 0, chain }
    }

    fn follow(&self, body: &[u8]) -> Self {
        let chain = Sha256::new().chain_update(self.chain).chain_update(body).finalize().into();
        Self { sequence: self.sequence + 1, chain, ..*self }
    }

    /// The next commit: its stored form (chain hash, then body), and the end after it.
    pub fn commit(&self, writes: &[Write], at: Timestamp) -> (Vec<u8>, Self) {
        let entries = writes.iter().map(|write| {
            (
                write.tree as u8,
                write.key.clone(),
                write.value.as_deref().map(|value| Sha256::digest(value).into()),
            )
        });
        let body = Body { at: at.0, entries: entries.collect() };
        // Serialising plain data into memory has no way to fail.
        let body = postcard::to_extend(&body, Vec::new()).unwrap_or_default();
        let end = self.follow(&body);
        let mut stored = end.chain.to_vec();
        stored.extend_from_slice(&body);
        (stored, end)
    }
}

/// What a whole store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Where its chain ends.
    pub end: End,
    /// Values in all trees.
    pub values: u64,
    /// Bytes of those values.
    pub bytes: u64,
}

/// Reads everything, and compares it with the chain. `acknowledged` must lie on the chain.
///
/// # Errors
/// What is wrong, in words.
pub fn verify(reader: &dyn Reader, database: [u8; 16], acknowledged: Option<End>) -> Result<Whole, String> {
    let mut end = End::start(database);
    let on_chain = |end: &End| match acknowledged {
        Some(head) if head.sequence == end.sequence && head.chain != end.chain => {
            Err(format!("commit {} is not the one that was acknowledged", end.sequence))
        }
        _ => Ok(()),
    };
    let mut appended: BTreeMap<Tree, u64> = BTreeMap::new();
    let mut latest: BTreeMap<(Tree, Vec<u8>), Hash> = BTreeMap::new();
    let mut bytes = 0;
    on_chain(&end)?;
    for commit in reader.commits(1) {
        let (sequence, stored) = commit.map_err(|error| error.to_string())?;
        if sequence != end.sequence + 1 {
            return Err(format!("commit {} is missing", end.sequence + 1));
        }
        let (chain, body) =
            stored.split_first_chunk::<32>().ok_or_else(|| format!("commit {sequence} is cut off"))?;
        end = end.follow(body);
        if *chain != end.chain {
            return Err(format!("commit {sequence} does not fit the one before it"));
        }
        on_chain(&end)?;
        for (tree, key, hash) in entries(sequence, body).map_err(|error| error.to_string())? {
            if tree.is_append_only() {
                let place = || format!("{} {}", tree.name(), hex::encode(&key));
                let value = reader.get(tree, &key).map_err(|error| error.to_string())?;
                let value = value.ok_or_else(|| format!("{} is missing", place()))?;
                if Some(Sha256::digest(&value).into()) != hash {
                    return Err(format!("{} is not what was written", place()));
                }
                *appended.entry(tree).or_default() += 1;
                bytes += value.len() as u64;
            } else {
                match hash {
                    Some(hash) => drop(latest.insert((tree, key), hash)),
                    None => drop(latest.remove(&(tree, key))),
                }
            }
        }
    }
    let mut values = 0;
    for tree in Tree::ALL {
        let mut count = 0;
        for entry in reader.scan(tree, &[]) {
            let (key, value) = entry.map_err(|error| error.to_string())?;
            count += 1;
            if !tree.is_append_only() {
                let place = format!("{} {}", tree.name(), hex::encode(&key));
                if latest.remove(&(tree, key)) != Some(Sha256::digest(&value).into()) {
                    return Err(format!("{place} is not what was written"));
                }
                bytes += value.len() as u64;
            }
        }
        if tree.is_append_only() && count != appended.get(&tree).copied().unwrap_or_default() {
            return Err(format!("{} holds {count} values, which is not what was written", tree.name()));
        }
        values += count;
    }
    if let Some(((tree, key), _)) = latest.first_key_value() {
        return Err(format!("{} {} is missing", tree.name(), hex::encode(key)));
    }
    Ok(Whole { end, values, bytes })
}

/// Tree, key and value hash of everything a commit wrote.
pub(super) fn entries(sequence: u64, body: &[u8]) -> Result<Vec<Written>, RecordError> {
    let malformed = |why: String| RecordError::Malformed { what: "commit", why };
    let body: Body = postcard::from_bytes(body).map_err(|error| malformed(format!("{sequence}: {error}")))?;
    let known = body.entries.into_iter().map(|(tree, key, hash)| {
        let tree = Tree::numbered(tree).ok_or_else(|| malformed(format!("{sequence} names tree {tree}")))?;
        Ok((tree, key, hash))
    });
    known.collect()
}
