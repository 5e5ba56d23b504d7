//! Durable storage behind one trait: sled in production, memory in tests and simulation.
//! The rules are those of docs/storage.md.

use codraft_protocol::time::Timestamp;

/// The fixed trees; never one a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tree {
    /// document id → document record.
    Documents = 1,
    /// document id ‖ u64 BE → change record. Append-only: the log is the truth.
    Changes = 2,
    /// document id ‖ u64 BE → snapshot parts; an optimisation.
    Snapshots = 3,
    /// document id ‖ u64 BE → refused change with reason, sender, time.
    Quarantine = 4,
    /// delegation code → delegation record.
    Delegations = 5,
    /// account id → account record (tokens hashed).
    Accounts = 6,
    /// ticket id → ticket record (tickets hashed).
    Tickets = 7,
    /// u64 BE → audit entry (logins, refusals, imports, exports), hash-chained like everything else.
    Audit = 8,
}

/// One put (or, without a value, one removal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub tree: Tree,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Option<Vec<u8>>,
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What can go wrong; each is final for this process except where it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The disk is nearly full; nothing was written, reading goes on, writing may resume once space is free.
    #[error(
        "the disk that holds {dir} is nearly full ({free} MB free, {reserve} MB are kept in reserve); free space or move the data directory"
    )]
    DiskFull {
        /// The data directory.
        dir: String,
        /// Megabytes free.
        free: u64,
        /// Megabytes kept in reserve.
        reserve: u64,
    },
}

/// A store.
pub trait Storage: Send + 'static {
    /// Writes all of `writes` or none, durably: when it returns Ok, they survive a power loss.
    ///
    /// # Errors
    /// After any error but [`StorageError::DiskFull`] the store must not be used again.
    fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError>;
    /// Reads one value.
    ///
    /// # Errors
    /// [`StorageError`]
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;
    /// All entries whose key starts with `prefix`, in key order.
    ///
    /// # Errors
    /// [`StorageError`]
    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StorageError>> + 'a>;
}
