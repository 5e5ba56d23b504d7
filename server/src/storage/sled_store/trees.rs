//! The reading side: sled's trees, and in them what is stored value by value, in parts, and sealed in blocks.

use super::super::block::{self, Kind};
use super::super::record::key;
use super::super::{Entry, Reader, StorageError, Stream, Tree};
use super::failed;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::{Arc, Mutex, PoisonError};

/// Values are cut into parts of this many bytes. A leaf of sled's tree has at most 17 values, and what is
/// larger than 128 KiB it would put into files of its own, which are not synced with the rest.
pub(super) const PART: usize = 4096;
/// Before a whole value.
const WHOLE: u8 = 0;
/// Before the number of a value's parts.
const PARTS: u8 = 1;

/// The number of the tree of commits, where numbers of trees stand.
pub(super) const COMMITS: u8 = 0;
/// The number of the tree of blocks.
pub(super) const BLOCKS: u8 = u8::MAX;

/// Bytes of the number at the end of a key.
const NUMBER: usize = 8;
/// Blocks that are kept unpacked for whoever asks for their values one by one.
const UNPACKED: usize = 32;

/// sled's trees.
#[derive(Debug)]
pub(super) struct Trees {
    pub(super) db: sled::Db,
    /// In the order of [`Tree::ALL`].
    pub(super) values: Vec<sled::Tree>,
    /// commit number → commit record.
    pub(super) commits: sled::Tree,
    /// tree ‖ key ‖ u32 BE → part of a value; tree 0 is `commits`, 255 `blocks`.
    pub(super) parts: sled::Tree,
    /// tree ‖ key of its first value → block.
    pub(super) blocks: sled::Tree,
    /// The blocks that were last asked for a value.
    unpacked: Mutex<VecDeque<Unpacked>>,
}

/// A block's key, and its values.
type Unpacked = (Vec<u8>, Arc<Vec<Vec<u8>>>);

/// A block as it is stored.
pub(super) struct Block {
    /// What stands before the number in its keys.
    pub(super) prefix: Vec<u8>,
    /// The number of its first value.
    pub(super) first: u64,
    /// How many values it has.
    pub(super) count: u64,
    /// It, packed.
    pub(super) packed: Vec<u8>,
}

impl Block {
    /// The number behind its last one.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// The key of one of its values.
    pub(super) fn key(&self, number: u64) -> Vec<u8> {
        numbered(&self.prefix, number)
    }

    fn entries(&self) -> Result<Vec<Entry>, StorageError> {
        let values = block::open(&self.packed)?;
        Ok((self.first..).map(|number| self.key(number)).zip(values).collect())
    }
}

/// A key with a number at its end.
pub(super) fn numbered(prefix: &[u8], number: u64) -> Vec<u8> {
    let mut key = prefix.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(super) fn part_key(tree: u8, key: &[u8], number: u32) -> Vec<u8> {
    let mut all = vec![tree];
    all.extend_from_slice(key);
    all.extend_from_slice(&number.to_be_bytes());
    all
}

/// Puts a value into a tree, in parts where it is large.
pub(super) fn put(
    tree: &sled::transaction::TransactionalTree,
    parts: &sled::transaction::TransactionalTree,
    number: u8,
    key: &[u8],
    value: &[u8],
) -> Result<(), sled::transaction::UnabortableTransactionError> {
    let mut stored = Vec::with_capacity(value.len().min(PART) + 5);
    if value.len() <= PART {
        stored.push(WHOLE);
        stored.extend_from_slice(value);
    } else {
        let mut count = 0_u32;
        for part in value.chunks(PART) {
            parts.insert(part_key(number, key, count), part)?;
            count += 1;
        }
        stored.push(PARTS);
        stored.extend_from_slice(&count.to_be_bytes());
    }
    tree.insert(key, stored)?;
    Ok(())
}

/// How many parts a value is stored in, by its stored form.
pub(super) fn parts_of(stored: &[u8]) -> Result<u32, StorageError> {
    match stored.split_first() {
        Some((&WHOLE, _)) => Ok(0),
        Some((&PARTS, count)) => {
            let count = <[u8; 4]>::try_from(count).map_err(|_| failed("a value's part count is damaged"))?;
            Ok(u32::from_be_bytes(count))
        }
        _ => Err(failed("a value begins with no known mark")),
    }
}

impl Trees {
    pub(super) fn open(config: &sled::Config) -> sled::Result<Self> {
        let db = config.open()?;
        let values = Tree::ALL.iter().map(|tree| db.open_tree(tree.name())).collect::<Result<_, _>>()?;
        let (commits, parts, blocks) =
            (db.open_tree("commits")?, db.open_tree("parts")?, db.open_tree("blocks")?);
        Ok(Self { db, values, commits, parts, blocks, unpacked: Mutex::default() })
    }

    pub(super) fn of(&self, tree: Tree) -> Result<&sled::Tree, StorageError> {
        let place = Tree::ALL.iter().position(|one| *one == tree);
        place.and_then(|place| self.values.get(place)).ok_or_else(|| failed("there is no such tree"))
    }

    /// A tree whose values are sealed, by its number.
    pub(super) fn sealable(&self, number: u8) -> Result<(&sled::Tree, Kind), StorageError> {
        match Tree::numbered(number) {
            Some(tree) => Ok((self.of(tree)?, Kind::of(tree))),
            None => Ok((&self.commits, Kind::Commits)),
        }
    }

    /// A value from its stored form.
    pub(super) fn whole(&self, tree: u8, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, StorageError> {
        let count = parts_of(stored)?;
        if count == 0 {
            return Ok(stored.get(1..).unwrap_or_default().to_vec());
        }
        let mut value = Vec::new();
        for number in 0..count {
            let part = self.parts.get(part_key(tree, key, number)).map_err(failed)?;
            value.extend_from_slice(&part.ok_or_else(|| failed("a part of a value is missing"))?);
        }
        Ok(value)
    }

    fn block(&self, key: &[u8], stored: &[u8]) -> Result<Block, StorageError> {
        let packed = self.whole(BLOCKS, key, stored)?;
        let values_key = key.get(1..).unwrap_or_default();
        let prefix = values_key.get(..values_key.len().saturating_sub(NUMBER)).unwrap_or_default();
        let (prefix, first) = (prefix.to_vec(), key::number(values_key));
        Ok(Block { prefix, first, count: block::count(&packed)?, packed })
    }

    /// The last block of a tree that begins at a key or before it.
    fn block_before(&self, tree: u8, key: &[u8]) -> Result<Option<Block>, StorageError> {
        let at = [&[tree], key].concat();
        match self.blocks.range(..=at).next_back().transpose().map_err(failed)? {
            Some((key, stored)) if key.first() == Some(&tree) => Ok(Some(self.block(&key, &stored)?)),
            _ => Ok(None),
        }
    }

    /// The block that has a value for a key.
    pub(super) fn block_with(&self, tree: u8, key: &[u8]) -> Result<Option<Block>, StorageError> {
        let Some((prefix, number)) = key.split_last_chunk::<NUMBER>() else { return Ok(None) };
        let block = self.block_before(tree, key)?;
        Ok(block.filter(|block| block.prefix == prefix && u64::from_be_bytes(*number) < block.end()))
    }

    /// Where the blocks of a log end: the first number that is not in one.
    pub(super) fn sealed_up_to(&self, tree: u8, prefix: &[u8], first: u64) -> Result<u64, StorageError> {
        let block = self.block_before(tree, &numbered(prefix, u64::MAX))?;
        Ok(block.filter(|block| block.prefix == prefix).map_or(first, |block| block.end()))
    }

    /// The first block that has a value for a key from `at` on, or behind it.
    fn block_from(&self, tree: u8, at: &[u8]) -> Result<Option<Block>, StorageError> {
        if let Some(block) = self.block_before(tree, at)?
            && block.count > 0
            && block.key(block.end() - 1).as_slice() >= at
        {
            return Ok(Some(block));
        }
        match self.blocks.range([&[tree], at].concat()..).next().transpose().map_err(failed)? {
            Some((key, stored)) if key.first() == Some(&tree) => Ok(Some(self.block(&key, &stored)?)),
            _ => Ok(None),
        }
    }

    /// Whether there is a value.
    pub(super) fn has(&self, tree: Tree, key: &[u8]) -> Result<bool, StorageError> {
        if self.of(tree)?.contains_key(key).map_err(failed)? {
            return Ok(true);
        }
        Ok(tree.is_sealed() && self.block_with(tree as u8, key)?.is_some())
    }

    /// A value that is in a block.
    fn sealed(&self, tree: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(block) = self.block_with(tree, key)? else { return Ok(None) };
        let (name, at) =
            ([&[tree], block.key(block.first).as_slice()].concat(), key::number(key) - block.first);
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        let values = match unpacked.iter().position(|(known, _)| *known == name) {
            Some(place) => unpacked.remove(place).map(|(_, values)| values),
            None => None,
        };
        let values = match values {
            Some(values) => values,
            None => Arc::new(block::open(&block.packed)?),
        };
        unpacked.push_back((name, Arc::clone(&values)));
        if unpacked.len() > UNPACKED {
            unpacked.pop_front();
        }
        Ok(values.get(usize::try_from(at).unwrap_or(usize::MAX)).cloned())
    }

    /// Everything in a tree from a key on, while it begins with `prefix`.
    fn entries(&self, tree: u8, values: &sled::Tree, prefix: &[u8], from: &[u8]) -> Entries<'_> {
        Entries {
            trees: self,
            tree,
            prefix: prefix.to_vec(),
            at: from.to_vec(),
            expected: None,
            single: values.range(from.to_vec()..).peekable(),
            sealed: VecDeque::new(),
            ended: false,
        }
    }
}

/// What is stored value by value and what is sealed, in the order of the keys, each once.
///
/// Values are sealed while this reads: they are in a block before they are nowhere else. So a block is looked for behind the
/// value that stands by itself, and wherever the numbers do not go on.
struct Entries<'a> {
    trees: &'a Trees,
    tree: u8,
    prefix: Vec<u8>,
    /// What comes next is this key, or behind it.
    at: Vec<u8>,
    /// The key that follows the last one without a gap.
    expected: Option<Vec<u8>>,
    single: Peekable<sled::Iter>,
    sealed: VecDeque<Entry>,
    ended: bool,
}

impl Entries<'_> {
    fn passed(&mut self, key: &[u8]) {
        let (prefix, number) = key.split_last_chunk::<NUMBER>().unwrap_or((key, &[u8::MAX; NUMBER]));
        self.expected = u64::from_be_bytes(*number).checked_add(1).map(|next| numbered(prefix, next));
        // Nothing stands between a key and that.
        self.at = [key, &[0]].concat();
    }

    fn find(&mut self) -> Result<Option<Entry>, StorageError> {
        loop {
            if let Some((key, value)) = self.sealed.pop_front() {
                self.passed(&key);
                return Ok(Some((key, value)));
            }
            // What was sealed meanwhile may still stand by itself.
            let at = &self.at;
            while self
                .single
                .next_if(|entry| entry.as_ref().is_ok_and(|(key, _)| key.as_ref() < at.as_slice()))
                .is_some()
            {}
            let single = match self.single.peek() {
                Some(Err(error)) => return Err(failed(error)),
                Some(Ok((key, _))) => Some(key.clone()).filter(|key| key.starts_with(&self.prefix)),
                None => None,
            };
            let goes_on = single.is_some() && single.as_deref() == self.expected.as_deref();
            let block = if goes_on { None } else { self.trees.block_from(self.tree, &self.at)? };
            if let Some(block) = block.filter(|block| block.key(block.first).starts_with(&self.prefix)) {
                let entries = block.entries()?.into_iter();
                let entries: VecDeque<Entry> =
                    entries.filter(|(key, _)| *key >= self.at && key.starts_with(&self.prefix)).collect();
                if let Some((first, _)) = entries.front()
                    && single.as_ref().is_none_or(|single| first.as_slice() <= single.as_ref())
                {
                    self.sealed = entries;
                    continue;
                }
            }
            let Some(single) = single else { return Ok(None) };
            let Some(Ok((key, stored))) = self.single.next() else { return Ok(None) };
            debug_assert_eq!(key, single);
            let value = match self.trees.whole(self.tree, &key, &stored) {
                Ok(value) => value,
                // Its parts went when it was sealed, a moment ago.
                Err(error) => match self.trees.sealed(self.tree, &key)? {
                    Some(value) => value,
                    None => return Err(error),
                },
            };
            self.passed(&key);
            return Ok(Some((key.to_vec(), value)));
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.find().transpose();
        self.ended = !matches!(found, Some(Ok(_)));
        found
    }
}

impl Reader for Trees {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let stored = self.of(tree)?.get(key).map_err(failed)?;
        let single = stored.map(|stored| self.whole(tree as u8, key, &stored));
        if !tree.is_sealed() || matches!(single, Some(Ok(_))) {
            return single.transpose();
        }
        // It, or its parts, may have been sealed a moment ago.
        match self.sealed(tree as u8, key)? {
            Some(value) => Ok(Some(value)),
            None => single.transpose(),
        }
    }

    fn scan<'a>(&'a self, tree: Tree, prefix: &[u8]) -> Stream<'a, Entry> {
        self.scan_from(tree, prefix, prefix)
    }

    fn scan_from<'a>(&'a self, tree: Tree, prefix: &[u8], key: &[u8]) -> Stream<'a, Entry> {
        let values = match self.of(tree) {
            Ok(values) => values,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        if tree.is_sealed() {
            return Box::new(self.entries(tree as u8, values, prefix, key));
        }
        let here = prefix.to_vec();
        let entries = values.range(key.to_vec()..).map(move |entry| {
            let (key, stored) = entry.map_err(failed)?;
            let value = self.whole(tree as u8, &key, &stored)?;
            Ok((key.to_vec(), value))
        });
        Box::new(entries.take_while(move |entry: &Result<Entry, StorageError>| {
            entry.as_ref().map_or(true, |(key, _)| key.starts_with(&here))
        }))
    }

    /// The newest are never sealed.
    fn last(&self, tree: Tree, prefix: &[u8]) -> Result<Option<Entry>, StorageError> {
        let Some(entry) = self.of(tree)?.scan_prefix(prefix).next_back() else { return Ok(None) };
        let (key, stored) = entry.map_err(failed)?;
        let value = self.whole(tree as u8, &key, &stored)?;
        Ok(Some((key.to_vec(), value)))
    }

    fn commits<'a>(&'a self, from: u64) -> Stream<'a, (u64, Vec<u8>)> {
        let entries = self.entries(COMMITS, &self.commits, &[], &from.to_be_bytes());
        Box::new(entries.map(|entry| entry.map(|(key, value)| (key::number(&key), value))))
    }
}
