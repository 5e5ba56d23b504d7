//! A hub's index as it is laid by, and taken up again: so that a document with a long log opens soon.

use super::log::Log;
use super::{Effect, Hub};
use automerge::ChangeHash;
use codraft_protocol::authorship::index::SnapshotError;
use codraft_protocol::authorship::{ChangeIx, Index};
use codraft_protocol::id::DelegationCode;

/// The index of a log's first changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// How many changes.
    pub changes: u32,
    /// The last of them.
    pub last: ChangeHash,
    /// The index.
    pub index: Vec<u8>,
}

/// Why a snapshot is not one of this log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SnapshotError),
    /// It is of other changes, or says that they are another's.
    #[error("it differs from the log at change {0}")]
    Differs(u32),
}

/// A log's beginning, of which the index is known.
#[derive(Debug, Default)]
pub struct Beginning {
    index: Index,
    log: Log,
}

/// The first changes of a log as they are stored, unread.
#[derive(Debug, Default)]
pub struct Unread {
    log: Log,
    /// Whose each change is, as a number in `codes`.
    owners: Vec<u16>,
    codes: Vec<DelegationCode>,
}

impl Unread {
    /// Takes in the next one.
    pub fn push(&mut self, raw: &[u8], delegation: DelegationCode) {
        self.log.push(raw);
        let known = self.codes.iter().position(|code| *code == delegation);
        let owner = known.unwrap_or_else(|| {
            self.codes.push(delegation);
            self.codes.len() - 1
        });
        self.owners.push(u16::try_from(owner).unwrap_or(u16::MAX));
    }
}

impl Beginning {
    /// Takes a snapshot for the beginning of a log, where it is of exactly these changes: each is compared, by the four
    /// bytes of its hash that stand in front of it and by its owner.
    ///
    /// # Errors
    /// [`Mismatch`]: the log is to be read from its start.
    pub fn new(index: Index, unread: Unread) -> Result<Self, Mismatch> {
        let Unread { log, owners, codes } = unread;
        for number in 0..u32::try_from(index.len()).unwrap_or(u32::MAX).max(log.len()) {
            let ix = ChangeIx(number);
            let owner = owners.get(number as usize).and_then(|owner| codes.get(usize::from(*owner)));
            // A chunk: four bytes of magic, and the first four of its hash.
            let sum = log.at(number).and_then(|raw| raw.get(4..8));
            let is_that = sum.is_some_and(|sum| {
                index.hash_at(ix).is_some_and(|hash| hash.0.starts_with(sum))
                    && owner == index.delegation_at(ix)
            });
            if !is_that {
                return Err(Mismatch::Differs(number));
            }
        }
        Ok(Self { index, log })
    }

    /// How many changes it has.
    pub fn changes(&self) -> u32 {
        self.log.len()
    }

    /// Its parts.
    pub(super) fn into_parts(self) -> (Index, Log) {
        (self.index, self.log)
    }
}

impl Hub {
    /// The index for laying by, where it has grown by an eighth since the last time, and by `least` changes, and all of
    /// it is durable.
    pub fn snapshot(&mut self, least: u32) -> Option<Snapshot> {
        let changes = self.log.len();
        let is_due = changes.saturating_sub(self.laid_by) >= least.max(changes / 8);
        if self.durable != changes || !is_due {
            return None;
        }
        let last = self.proceedings.index.hash_at(ChangeIx(changes.checked_sub(1)?))?;
        self.laid_by = changes;
        Some(Snapshot { changes, last, index: self.proceedings.index.snapshot() })
    }

    /// Lays the index by, where that is due.
    pub(super) fn lay_by(&mut self, effects: &mut Vec<Effect>) {
        effects.extend(self.snapshot(self.snapshot_every).map(Effect::LayBy));
    }
}
