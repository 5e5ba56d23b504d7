//! Durable storage behind one trait: sled in production, memory in tests and simulation.
//! The rules are those of docs/storage.md.

pub mod backup;
pub mod block;
pub mod chain;
pub mod committer;
pub mod head;
pub mod memory;
pub mod record;
pub mod sled_store;
pub mod upgrade;

use codraft_protocol::time::Timestamp;
use record::RecordError;
use std::fmt;

/// The fixed trees; never one a document. Numbers stand in the commit records: they are never given anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tree {
    /// document id → document record.
    Documents = 1,
    /// document id ‖ u64 BE → change record. Append-only: the log is the truth.
    Changes = 2,
    /// document id ‖ u64 BE → refused change with reason, sender, time. Append-only.
    Quarantine = 4,
    /// delegation code → delegation record.
    Delegations = 5,
    /// account id → account record (tokens hashed).
    Accounts = 6,
    /// ticket id → ticket record (tickets hashed).
    Tickets = 7,
    /// u64 BE → who came in, was refused, took data out. Append-only.
    AccessLog = 20,
    /// document id ‖ u64 BE → entry of its ledger. Append-only.
    Ledger = 8,
    /// document id of a private draft → draft record.
    Drafts = 9,
    /// document id → view record. Derived from the log and the ledger, and only valid at their ends.
    Views = 10,
}

impl Tree {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Documents,
        Self::Changes,
        Self::Quarantine,
        Self::Delegations,
        Self::Accounts,
        Self::Tickets,
        Self::AccessLog,
        Self::Ledger,
        Self::Drafts,
        Self::Views,
    ];

    /// Whether a key that was written is never written again.
    pub const fn is_append_only(self) -> bool {
        matches!(self, Self::Changes | Self::Quarantine | Self::Ledger | Self::AccessLog)
    }

    /// Whether what is old in it is sealed in blocks: see docs/storage.md.
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::Changes)
    }

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Changes => "changes",
            Self::Quarantine => "quarantine",
            Self::Delegations => "delegations",
            Self::Accounts => "accounts",
            Self::Tickets => "tickets",
            Self::AccessLog => "access log",
            Self::Ledger => "ledger",
            Self::Drafts => "drafts",
            Self::Views => "views",
        }
    }

    /// The tree with this number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tree| *tree as u8 == number)
    }
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

/// What is read, one after another.
pub type Stream<'a, T> = Box<dyn Iterator<Item = Result<T, StorageError>> + 'a>;

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
    /// Another process has it open.
    #[error(
        "another codraft-server is using {dir}; stop that one first, or give this one a directory of its own"
    )]
    InUse {
        /// The data directory.
        dir: String,
    },
    /// There is no store yet.
    #[error("there is no codraft store in {dir}; create one with: codraft-server init --data-dir {dir}")]
    NotInitialised {
        /// The data directory.
        dir: String,
    },
    /// There is something already.
    #[error("{dir} is not empty; init only ever writes into an empty directory")]
    NotEmpty {
        /// The data directory.
        dir: String,
    },
    /// An init was cut off.
    #[error(
        "the store in {dir} was never finished (init was cut off, nothing was ever acknowledged); remove the directory and run init again"
    )]
    HalfInitialised {
        /// The data directory.
        dir: String,
    },
    /// The database lacks commits that were acknowledged.
    #[error(
        "REFUSING TO SERVE: the database in {dir} ends at commit {found}, but commit {acknowledged} was acknowledged. \
         Data is missing; serving would lose it for good. Restore the newest backup into an empty directory \
         (codraft-server restore BACKUP --data-dir NEW) and serve that: delegations' working copies send again, \
         by themselves, what they have and the backup lacks. Keep {dir} as it is for examination"
    )]
    BehindHead {
        /// The data directory.
        dir: String,
        /// The last commit that is there.
        found: u64,
        /// The last commit that was acknowledged.
        acknowledged: u64,
    },
    /// What is there is not what was written.
    #[error(
        "REFUSING TO SERVE: the database in {dir} is damaged: {why}. Restore the newest backup into an empty \
         directory (codraft-server restore BACKUP --data-dir NEW) and serve that: delegations' working copies \
         send again, by themselves, what they have and the backup lacks. Keep {dir} as it is for examination"
    )]
    Damaged {
        /// The data directory.
        dir: String,
        /// What is wrong.
        why: String,
    },
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done to what.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// An earlier error was final, or sled failed or panicked.
    #[error("the store has failed and takes nothing any more ({0}); restart the server")]
    Failed(String),
    /// A value that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl StorageError {
    /// Whether the store can still be used.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::DiskFull { .. })
    }

    /// What went wrong, without what to do about it.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Failed(why) => why.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The writing side of a store: one owner, one commit at a time.
pub trait Storage: Send + 'static {
    /// Writes all of `writes` or none, durably: when it returns Ok, they survive a power loss.
    ///
    /// # Errors
    /// After any error but [`StorageError::DiskFull`] the store must not be used again.
    fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError>;

    /// Does some of what can wait, for a few milliseconds, while nobody waits for a commit. Returns whether there
    /// was something; then there may be more.
    ///
    /// # Errors
    /// After any error the store must not be used again.
    fn tidy(&mut self) -> Result<bool, StorageError> {
        Ok(false)
    }

    /// Where the log of commits ends now.
    fn end(&self) -> chain::End;

    /// The reading side.
    fn reader(&self) -> std::sync::Arc<dyn Reader>;
}

/// The reading side of a store. It sees commits as soon as they are written.
pub trait Reader: fmt::Debug + Send + Sync + 'static {
    /// Reads one value.
    ///
    /// # Errors
    /// [`StorageError`]
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// All entries whose key starts with `prefix`, in key order.
    fn scan<'a>(&'a self, tree: Tree, prefix: &[u8]) -> Stream<'a, Entry>;

    /// Those of them from this key on.
    fn scan_from<'a>(&'a self, tree: Tree, prefix: &[u8], key: &[u8]) -> Stream<'a, Entry> {
        let first = key.to_vec();
        let before = move |entry: &Result<Entry, StorageError>| {
            entry.as_ref().is_ok_and(|(key, _)| key.as_slice() < first.as_slice())
        };
        Box::new(self.scan(tree, prefix).skip_while(before))
    }

    /// The last entry whose key starts with `prefix`, in key order.
    ///
    /// # Errors
    /// [`StorageError`]
    fn last(&self, tree: Tree, prefix: &[u8]) -> Result<Option<Entry>, StorageError> {
        self.scan(tree, prefix).last().transpose()
    }

    /// The commit records from number `from` on (the first is 1), in order, each as it is stored.
    fn commits<'a>(&'a self, from: u64) -> Stream<'a, (u64, Vec<u8>)>;
}
