//! Sealing: what is old in a log, and among the commits, goes into blocks, which take a fraction of the room.
//!
//! It is done bit by bit while nobody waits for a commit, and loses nothing at any moment: a block is written, and read
//! back; once the disk has it, its values are compared with it, and only then they go from where they stood by
//! themselves. Where both are still there, after a crash, the rest is done at the next opening.

use super::super::block;
use super::super::{StorageError, Tree, Write};
use super::trees::{BLOCKS, COMMITS, Trees, numbered, part_key, parts_of, put};
use super::{SledStorage, failed, transaction_failed};
use crate::storage::record::key;
use sled::transaction::{ConflictableTransactionError, Transactional};
use std::collections::{BTreeSet, VecDeque};

/// A block has at most so many bytes of values, or one value.
const BYTES: usize = 1 << 20;
/// So many blocks wait for a commit to sync them; more are synced by themselves.
const WRITTEN: usize = 16;

/// A log: its tree's number, and what stands before the numbers in its keys.
type Log = (u8, Vec<u8>);

/// A block, by its tree's number and the key of its first value.
type Name = (u8, Vec<u8>);

/// What is to be done.
#[derive(Debug)]
pub(super) struct Sealing {
    /// Values in a block.
    pub(super) block: u64,
    /// Logs in which there may be something to seal.
    due: BTreeSet<Log>,
    /// Blocks that are written, but that the disk may not have yet.
    written: Vec<Name>,
    /// Blocks that the disk has, and whose values still stand by themselves.
    durable: VecDeque<Name>,
}

/// The number of a log's first value.
const fn first(tree: u8) -> u64 {
    if tree == COMMITS { 1 } else { 0 }
}

impl Sealing {
    pub(super) fn new(block: u64) -> Self {
        Self { block, due: BTreeSet::new(), written: Vec::new(), durable: VecDeque::new() }
    }

    /// Looks through a store that was just opened and verified.
    pub(super) fn begin(&mut self, trees: &Trees) -> Result<(), StorageError> {
        let mut logs = vec![(COMMITS, Vec::new())];
        for tree in Tree::ALL.into_iter().filter(|tree| tree.is_sealed()) {
            let (values, mut at) = (trees.of(tree)?, Vec::new());
            while let Some((key, _)) = values.range(at..).next().transpose().map_err(failed)? {
                let prefix = key.split_last_chunk::<8>().map_or(key.as_ref(), |(prefix, _)| prefix);
                logs.push((tree as u8, prefix.to_vec()));
                at = [numbered(prefix, u64::MAX).as_slice(), &[0]].concat();
            }
        }
        for (tree, prefix) in logs {
            let sealed = trees.sealed_up_to(tree, &prefix, first(tree))?;
            let single = trees.sealable(tree)?.0.scan_prefix(&prefix).next().transpose().map_err(failed)?;
            let mut number = single.map_or(sealed, |(key, _)| key::number(&key));
            while number < sealed {
                let Some(block) = trees.block_with(tree, &numbered(&prefix, number))? else { break };
                self.durable.push_back((tree, block.key(block.first)));
                number = block.end();
            }
            self.due.insert((tree, prefix));
        }
        Ok(())
    }

    /// Something was written.
    pub(super) fn wrote(&mut self, writes: &[Write], sequence: u64) {
        // Now and then is enough.
        let at_end = |number: u64| number % self.block == self.block - 1;
        for write in writes.iter().filter(|write| write.tree.is_sealed() && at_end(key::number(&write.key))) {
            if let Some((prefix, _)) = write.key.split_last_chunk::<8>() {
                self.due.insert((write.tree as u8, prefix.to_vec()));
            }
        }
        if at_end(sequence) {
            self.due.insert((COMMITS, Vec::new()));
        }
    }

    /// The disk has everything that was written.
    pub(super) fn synced(&mut self) {
        self.durable.extend(self.written.drain(..));
    }

    /// Whether there is nothing to do.
    pub(super) fn rests(&self) -> bool {
        self.due.is_empty() && self.durable.is_empty() && self.written.len() < WRITTEN
    }
}

impl SledStorage {
    /// One step. Returns whether there was one.
    pub(super) fn seal_some(&mut self) -> Result<bool, StorageError> {
        if let Some(name) = self.sealing.durable.pop_front() {
            self.clear(&name)?;
            return Ok(true);
        }
        while let Some(log) = self.sealing.due.pop_first() {
            if let Some(name) = self.seal(&log)? {
                self.sealing.written.push(name);
                self.sealing.due.insert(log);
                return Ok(true);
            }
        }
        if self.sealing.written.len() >= WRITTEN {
            self.sync()?;
            self.sealing.synced();
            return Ok(true);
        }
        Ok(false)
    }

    /// Writes the next block of a log, if there is one to be made.
    fn seal(&self, (tree, prefix): &Log) -> Result<Option<Name>, StorageError> {
        let trees = &*self.trees;
        let (values, kind) = trees.sealable(*tree)?;
        let from = trees.sealed_up_to(*tree, prefix, first(*tree))?;
        let newest = values.scan_prefix(prefix).next_back().transpose().map_err(failed)?;
        let enough = newest.is_some_and(|(key, _)| key::number(&key) + 1 >= from + 2 * self.sealing.block);
        if !enough {
            return Ok(None);
        }
        let (mut sealed, mut bytes) = (Vec::new(), 0);
        for number in from..from + self.sealing.block {
            let key = numbered(prefix, number);
            let stored = values.get(&key).map_err(failed)?;
            // A log has no gaps; where it had one, it is left as it is.
            let Some(stored) = stored else { break };
            let value = trees.whole(*tree, &key, &stored)?;
            bytes += value.len();
            if bytes > BYTES && !sealed.is_empty() {
                break;
            }
            sealed.push(value);
        }
        if sealed.is_empty() {
            return Ok(None);
        }
        let packed = block::seal(kind, &sealed);
        let packed = packed.ok_or_else(|| failed("a block does not give back what it was made of"))?;
        let first = numbered(prefix, from);
        let key = [&[*tree], first.as_slice()].concat();
        let done = [&trees.blocks, &trees.parts].as_slice().transaction(|views| {
            if let [blocks, parts] = views.as_slice() {
                put(blocks, parts, BLOCKS, &key, &packed)?;
            }
            Ok::<(), ConflictableTransactionError<()>>(())
        });
        done.map_err(transaction_failed)?;
        metrics::counter!("codraft_sealed_values_total").increment(sealed.len() as u64);
        Ok(Some((*tree, first)))
    }

    /// Takes away what a block has, and what is the same there, from where it stands by itself.
    fn clear(&self, (tree, first): &Name) -> Result<(), StorageError> {
        let trees = &*self.trees;
        let (values, _) = trees.sealable(*tree)?;
        let block = trees.block_with(*tree, first)?.ok_or_else(|| failed("a block is missing"))?;
        let mut keys = Vec::new();
        let mut parts = Vec::new();
        for (number, value) in (block.first..).zip(block::open(&block.packed)?) {
            let key = block.key(number);
            let Some(stored) = values.get(&key).map_err(failed)? else { continue };
            if trees.whole(*tree, &key, &stored)? != value {
                return Err(failed(format!("a block has something else than {}", hex::encode(&key))));
            }
            parts.extend((0..parts_of(&stored)?).map(|part| part_key(*tree, &key, part)));
            keys.push(key);
        }
        let done = [values, &trees.parts].as_slice().transaction(|views| {
            if let [values, all_parts] = views.as_slice() {
                for key in &keys {
                    values.remove(key.as_slice())?;
                }
                for part in &parts {
                    all_parts.remove(part.as_slice())?;
                }
            }
            Ok::<(), ConflictableTransactionError<()>>(())
        });
        done.map_err(transaction_failed)
    }
}
