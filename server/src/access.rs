//! The directory at work: loads it, decides with it one thing at a time, stores what was decided.

use crate::directory::token::Seed;
use crate::directory::{Caller, Change, Decision, Directory, DirectoryError, Stranger};
use crate::document::now;
use crate::hub::Closing;
use crate::storage::committer::{Batch, CommitterHandle};
use crate::storage::record::{AccountRecord, DelegationRecord, TicketRecord};
use crate::storage::{Reader, StorageError, Tree};
use codraft_protocol::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// Why something about accounts was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The directory says no.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It could not be stored.
    #[error(transparent)]
    Storage(Arc<StorageError>),
    /// The server is shutting down.
    #[error("the server is shutting down; try again in a moment")]
    Closing,
    /// The machine gives no randomness, so no secret can be made.
    #[error("the system's random number generator does not answer: {0}")]
    Randomness(getrandom::Error),
}

/// A handle on the directory; cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: RwLock<Directory>,
    /// One decision at a time: the next one sees what this one stored.
    deciding: Mutex<()>,
    committer: CommitterHandle,
    changed: watch::Sender<()>,
}

/// Fresh randomness for one token.
///
/// # Errors
/// [`AccessError::Randomness`]
pub fn seed() -> Result<Seed, AccessError> {
    let mut seed = Seed { id: [0; 6], secret: [0; 32] };
    getrandom::fill(&mut seed.id).map_err(AccessError::Randomness)?;
    getrandom::fill(&mut seed.secret).map_err(AccessError::Randomness)?;
    Ok(seed)
}

impl Access {
    /// The directory as it is stored.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn load(reader: &dyn Reader, committer: CommitterHandle) -> Result<Self, StorageError> {
        let mut directory = Directory::default();
        for entry in reader.scan(Tree::Delegations, &[]) {
            directory.apply(Change::Delegation(DelegationRecord::decode(&entry?.1)?));
        }
        for entry in reader.scan(Tree::Accounts, &[]) {
            directory.apply(Change::Account(AccountRecord::decode(&entry?.1)?));
        }
        for entry in reader.scan(Tree::Tickets, &[]) {
            directory.apply(Change::Ticket(TicketRecord::decode(&entry?.1)?));
        }
        let inner = Inner {
            directory: RwLock::new(directory),
            deciding: Mutex::default(),
            committer,
            changed: watch::channel(()).0,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who comes with these credentials.
    ///
    /// # Errors
    /// [`Stranger`]
    pub fn authenticate(&self, credentials: Option<&str>) -> Result<Caller, Stranger> {
        let credentials = credentials.ok_or(Stranger::Missing)?;
        self.read(|directory| directory.authenticate(credentials, now()))
    }

    /// Asks the directory something.
    pub fn read<T>(&self, question: impl FnOnce(&Directory) -> T) -> T {
        question(&self.inner.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decides, stores, and only then lets it be true.
    ///
    /// # Errors
    /// [`AccessError`]
    pub async fn decide<T>(
        &self,
        decision: impl FnOnce(&Directory, Timestamp, &Seed) -> Result<Decision<T>, DirectoryError>,
    ) -> Result<T, AccessError> {
        let seed = seed()?;
        let _one_at_a_time = self.inner.deciding.lock().await;
        let at = now();
        let Decision { answer, changes } = self.read(|directory| decision(directory, at, &seed))?;
        let writes = changes.iter().map(Change::write).collect();
        let stored = self.inner.committer.submit(Batch { writes, at, lane: None }).await;
        stored.map_err(|_| AccessError::Closing)?.map_err(AccessError::Storage)?;
        let mut directory = self.inner.directory.write().unwrap_or_else(PoisonError::into_inner);
        changes.into_iter().for_each(|change| directory.apply(change));
        drop(directory);
        self.inner.changed.send_replace(());
        Ok(answer)
    }

    /// Resolves once the caller may no longer be here: revoked, or a ticket's time is over.
    pub async fn unwelcome(&self, caller: &Caller) -> Closing {
        let mut changed = self.inner.changed.subscribe();
        loop {
            if !self.read(|directory| directory.still_welcome(caller, now())) {
                let what = if caller.ticket.is_some() { "ticket" } else { "token" };
                let reason =
                    format!("your {what} has expired or was revoked; ask the secretariat for a new one");
                return Closing { code: 4401, reason };
            }
            let left = caller.expires.map(|expires| expires.0.saturating_sub(now().0).max(0));
            let expiry = async {
                match left.and_then(|ms| u64::try_from(ms).ok()) {
                    Some(ms) => tokio::time::sleep(Duration::from_millis(ms + 1)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                change = changed.changed() => if change.is_err() { std::future::pending::<()>().await },
                () = expiry => {}
            }
        }
    }
}
