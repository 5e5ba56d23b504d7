//! The chain of commits: every commit lists what it wrote with the hash of each value, and carries a hash
//! over itself and the one before. From it a store can tell whether it is whole.

use super::record::RecordError;
use super::{Reader, Tree, Write};
use codraft_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

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
pub(super) struct Body {
    /// When, in milliseconds.
    pub(super) at: i64,
    /// Tree, key, and the hash of the value; none for a removal.
    pub(super) entries: Vec<(u8, Vec<u8>, Option<Hash>)>,
}

/// The chain hash of a commit behind another.
pub(super) fn follow(before: Hash, body: &[u8]) -> Hash {
    Sha256::new().chain_update(before).chain_update(body).finalize().into()
}

impl End {
    /// The end of an empty chain.
    pub fn start(database: [u8; 16]) -> Self {
        let chain = Sha256::new().chain_update(b"codraft").chain_update(database).finalize().into();
        Self { database, sequence: 0, chain }
    }

    fn follow(&self, body: &[u8]) -> Self {
        Self { sequence: self.sequence + 1, chain: follow(self.chain, body), ..*self }
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

/// Some keys with the hashes of their values, in any order: equal where the same ones were counted. (By chance it is so
/// for others once in 2^128; nobody but who can write the whole chain anew could choose them.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    count: u64,
    sums: [u128; 2],
}

impl Tally {
    fn add(&mut self, key: &[u8], hash: &Hash) {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write(key);
            hasher.write_u8(salt);
            u128::from(hasher.finish())
        };
        // Odd, so that it loses nothing of what it is multiplied with.
        let factor = (half(0) << 64 | half(1)) | 1;
        let (first, second) = hash.split_at(16);
        for (sum, part) in self.sums.iter_mut().zip([first, second]) {
            let part = part.try_into().map_or(0, u128::from_be_bytes);
            *sum = sum.wrapping_add(part.wrapping_mul(factor));
        }
        self.count += 1;
    }
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
    let mut appended: BTreeMap<Tree, Tally> = BTreeMap::new();
    let mut latest: BTreeMap<(Tree, Vec<u8>), Hash> = BTreeMap::new();
    on_chain(&end)?;
    for commit in reader.commits(1) {
        let (sequence, stored) = commit.map_err(|error| error.reason())?;
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
            match hash {
                Some(hash) if tree.is_append_only() => appended.entry(tree).or_default().add(&key, &hash),
                Some(hash) => drop(latest.insert((tree, key), hash)),
                None => drop(latest.remove(&(tree, key))),
            }
        }
    }
    let (mut values, mut bytes) = (0, 0);
    for tree in Tree::ALL {
        // In the order of the keys, which is quick: what was written when does not matter to the sum.
        let mut found = Tally::default();
        for entry in reader.scan(tree, &[]) {
            let (key, value) = entry.map_err(|error| error.reason())?;
            let hash: Hash = Sha256::digest(&value).into();
            values += 1;
            bytes += value.len() as u64;
            if tree.is_append_only() {
                found.add(&key, &hash);
            } else {
                let place = format!("{} {}", tree.name(), hex::encode(&key));
                if latest.remove(&(tree, key)) != Some(hash) {
                    return Err(format!("{place} is not what was written"));
                }
            }
        }
        if found != appended.get(&tree).copied().unwrap_or_default() {
            return Err(
                astray(reader, tree).unwrap_or_else(|| format!("{} holds what was not written", tree.name()))
            );
        }
    }
    if let Some(((tree, key), _)) = latest.first_key_value() {
        return Err(format!("{} {} is missing", tree.name(), hex::encode(key)));
    }
    Ok(Whole { end, values, bytes })
}

/// Which of the values that were written once and for all is not there, or is another.
fn astray(reader: &dyn Reader, tree: Tree) -> Option<String> {
    for commit in reader.commits(1) {
        let (sequence, stored) = commit.ok()?;
        for (at, key, hash) in entries(sequence, stored.get(32..)?).ok()? {
            if at != tree {
                continue;
            }
            let place = format!("{} {}", tree.name(), hex::encode(&key));
            match reader.get(tree, &key) {
                Err(error) => return Some(error.reason()),
                Ok(None) => return Some(format!("{place} is missing")),
                Ok(Some(value)) if Some(Sha256::digest(&value).into()) != hash => {
                    return Some(format!("{place} is not what was written"));
                }
                Ok(Some(_)) => {}
            }
        }
    }
    None
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

#[cfg(test)]
mod tests {
    use super::super::Storage as _;
    use super::super::memory::MemoryStorage;
    use super::*;

    fn change(n: u8) -> Write {
        Write { tree: Tree::Changes, key: vec![n], value: Some(vec![n; 40]) }
    }

    /// Verifies a store whose chain says that five changes were written, and that holds these.
    fn with(values: &[(u8, u8)]) -> Result<Whole, String> {
        let mut end = End::start([0; 16]);
        let mut stored = Vec::new();
        for n in 0..5 {
            let (commit, next) = end.commit(&[change(n)], Timestamp(0));
            stored.push(commit);
            end = next;
        }
        let mut store = MemoryStorage::empty(end);
        (1..).zip(stored).for_each(|(number, commit)| store.place_commit(number, commit));
        for (key, value) in values {
            store.place(Tree::Changes, vec![*key], vec![*value; 40]);
        }
        verify(&*store.reader(), [0; 16], Some(end))
    }

    #[test]
    fn what_is_not_as_it_was_written_is_named() {
        let all = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)];
        assert_eq!(with(&all).unwrap().values, 5);
        let said = |values: &[(u8, u8)]| with(values).unwrap_err();
        assert_eq!(said(&all[..4]), "changes 04 is missing");
        assert_eq!(said(&[(0, 0), (1, 9), (2, 2), (3, 3), (4, 4)]), "changes 01 is not what was written");
        // The same values, elsewhere; and one in another's place.
        assert_eq!(said(&[(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)]), "changes 01 is not what was written");
        assert_eq!(said(&[(0, 0), (2, 2), (3, 3), (4, 4), (5, 1)]), "changes 01 is missing");
        assert_eq!(said(&[&all[..], &[(5, 5)]].concat()), "changes holds what was not written");
    }
}
