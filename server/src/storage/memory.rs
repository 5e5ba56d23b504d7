//! A store in memory with the same contract, and with the faults that a simulation needs.

use super::chain::End;
use super::{Entry, Reader, Storage, StorageError, Stream, Tree, Write};
use codraft_protocol::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Content {
    values: BTreeMap<(Tree, Vec<u8>), Vec<u8>>,
    commits: BTreeMap<u64, Vec<u8>>,
}

/// What is to go wrong with the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full: nothing is written, the store lives on.
    Full,
    /// The commit fails, and with it the store.
    Fails,
}

/// A store that ends with the process.
#[derive(Debug)]
pub struct MemoryStorage {
    content: Arc<Mutex<Content>>,
    end: End,
    fault: Option<Fault>,
    failed: bool,
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self { content: Arc::default(), end: End::start([0; 16]), fault: None, failed: false }
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStorage {
    /// A store without content that is to be filled with what led to this end.
    pub(super) fn empty(end: End) -> Self {
        Self { end, ..Self::default() }
    }

    /// Puts a commit record where it belongs.
    pub(super) fn place_commit(&mut self, number: u64, stored: Vec<u8>) {
        lock(&self.content).commits.insert(number, stored);
    }

    /// Puts a value where it belongs.
    pub(super) fn place(&mut self, tree: Tree, key: Vec<u8>, value: Vec<u8>) {
        lock(&self.content).values.insert((tree, key), value);
    }

    /// Makes the next commit go wrong.
    pub fn fail_next(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// The store after a crash of its process: whatever was committed, and it works again.
    #[must_use]
    pub fn reopened(&self) -> Self {
        Self { content: Arc::clone(&self.content), end: self.end, fault: None, failed: false }
    }
}

impl Storage for MemoryStorage {
    fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed("it failed before".to_owned()));
        }
        match self.fault.take() {
            Some(Fault::Full) => {
                return Err(StorageError::DiskFull { dir: "memory".to_owned(), free: 0, reserve: 0 });
            }
            Some(Fault::Fails) => {
                self.failed = true;
                return Err(StorageError::Failed("as was asked for".to_owned()));
            }
            None => {}
        }
        let (commit, end) = self.end.commit(writes, at);
        let mut content = lock(&self.content);
        for write in writes.iter().cloned() {
            match write.value {
                Some(value) => drop(content.values.insert((write.tree, write.key), value)),
                None => drop(content.values.remove(&(write.tree, write.key))),
            }
        }
        content.commits.insert(end.sequence, commit);
        self.end = end;
        Ok(())
    }

    fn end(&self) -> End {
        self.end
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(MemoryReader(Arc::clone(&self.content)))
    }
}

#[derive(Debug)]
struct MemoryReader(Arc<Mutex<Content>>);

impl Reader for MemoryReader {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(lock(&self.0).values.get(&(tree, key.to_vec())).cloned())
    }

    fn scan<'a>(&'a self, tree: Tree, prefix: &[u8]) -> Stream<'a, Entry> {
        let content = lock(&self.0);
        let from = content.values.range((tree, prefix.to_vec())..);
        let here = from.take_while(|((at, key), _)| *at == tree && key.starts_with(prefix));
        let entries: Vec<_> = here.map(|((_, key), value)| Ok((key.clone(), value.clone()))).collect();
        Box::new(entries.into_iter())
    }

    fn commits<'a>(&'a self, from: u64) -> Stream<'a, (u64, Vec<u8>)> {
        let content = lock(&self.0);
        let commits: Vec<_> =
            content.commits.range(from..).map(|(n, commit)| Ok((*n, commit.clone()))).collect();
        Box::new(commits.into_iter())
    }
}
