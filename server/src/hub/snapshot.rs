//! Snapshots of a hub's index: a document with a long log goes on from one, and so opens soon.

use super::log::Log;
use super::strings::Strings;
use super::{Effect, Hub, LoadError, Logged, Settings};
use codraft_protocol::authorship::index::SnapshotError;
use codraft_protocol::authorship::{ChangeIx, Index, chunk};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::round::Entry;

/// Beside writing a snapshot lacks at least so many times as much as one that is taken while nobody writes.
const BESIDE_WRITING: u32 = 4;

/// The index of a log's first changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// How many changes.
    pub changes: u32,
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

/// Some changes of a log, one behind another, as they are stored: not parsed.
#[derive(Debug, Default)]
pub struct Unparsed {
    raw: Strings,
    /// Whose each change is, as a number in `codes`.
    owners: Vec<u16>,
    codes: Vec<DelegationCode>,
}

impl Unparsed {
    /// Takes in the next one.
    pub fn push(&mut self, raw: &[u8], delegation: DelegationCode) {
        self.raw.push(|out| out.extend_from_slice(raw));
        let known = self.codes.iter().position(|code| *code == delegation);
        let owner = known.unwrap_or_else(|| {
            self.codes.push(delegation);
            self.codes.len() - 1
        });
        self.owners.push(u16::try_from(owner).unwrap_or(u16::MAX));
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> usize {
        self.raw.bytes()
    }
}

/// A document that goes on from a snapshot: it can be read, and is none yet to be written to, since the log in front of
/// the snapshot's end is not there and is not compared.
#[derive(Debug)]
pub struct Continued {
    hub: Hub,
    /// How many changes the snapshot is of.
    from: u32,
    /// Those of them that nothing was built on: their hashes are made of all that came before.
    heads: Vec<ChangeIx>,
    /// What of the log has been compared.
    log: Log,
}

impl Continued {
    /// The document, to be read: everything but its changes as they came ([`Hub::raw`]).
    pub fn hub(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Whether the snapshot is of this log, as far as its heads tell, which are looked up by their numbers: they stand for
    /// every byte of what came before them. What they do not stand for is whose it is.
    ///
    /// # Errors
    /// [`Mismatch`], or that one of them cannot be read.
    pub fn is_of<E: From<Mismatch>>(
        &self,
        mut read: impl FnMut(u32) -> Result<(Vec<u8>, DelegationCode), E>,
    ) -> Result<(), E> {
        for ix in &self.heads {
            let (raw, owner) = read(ix.0)?;
            let index = &self.hub.proceedings.index;
            if chunk::hash(&raw) != index.hash_at(*ix) || Some(&owner) != index.delegation_at(*ix) {
                return Err(Mismatch::Differs(ix.0).into());
            }
        }
        Ok(())
    }

    /// Takes in the next changes of the log, from its first on. Each is compared, by the four bytes of its hash that
    /// stand in front of it and by its owner.
    ///
    /// # Errors
    /// [`Mismatch`]: the snapshot is not of these changes. The log is to be parsed and folded from its start.
    pub fn take(&mut self, part: &Unparsed) -> Result<(), Mismatch> {
        let index = &self.hub.proceedings.index;
        for (raw, owner) in part.raw.iter().zip(&part.owners) {
            let (ix, owner) = (ChangeIx(self.log.len()), part.codes.get(usize::from(*owner)));
            // A chunk: four bytes of magic, and the first four of its hash.
            let sum = raw.get(4..8);
            let is_that = sum.is_some_and(|sum| {
                index.hash_at(ix).is_some_and(|hash| hash.0.starts_with(sum))
                    && owner == index.delegation_at(ix)
            });
            if !is_that || ix.0 >= self.from {
                return Err(Mismatch::Differs(ix.0));
            }
            self.log.push(raw, index);
        }
        Ok(())
    }

    /// The document, whole, once all of the log in front of the snapshot's end was taken in.
    ///
    /// # Errors
    /// [`Mismatch`]: there was less of it.
    pub fn whole(self) -> Result<Hub, Mismatch> {
        let Self { mut hub, from, mut log, .. } = self;
        if log.len() != from {
            return Err(Mismatch::Differs(log.len()));
        }
        log.append(std::mem::take(&mut hub.log));
        hub.log = log;
        Ok(hub)
    }
}

impl Hub {
    /// Rebuilds a document from a snapshot of the beginning of its log, from what comes behind it in the log, and from
    /// its ledger.
    ///
    /// # Errors
    /// What `later` says, [`Mismatch`], or [`LoadError`]: these changes and entries do not go on from it.
    pub fn go_on<E: From<LoadError> + From<Mismatch>>(
        settings: Settings,
        snapshot: &Snapshot,
        later: impl IntoIterator<Item = Result<Logged, E>>,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Continued, E> {
        let index = Index::of_snapshot(&snapshot.index).map_err(Mismatch::from)?;
        let from = snapshot.changes;
        if index.len() != from as usize {
            return Err(Mismatch::Differs(from).into());
        }
        let heads = index.heads().iter().filter_map(|head| index.position(head)).collect();
        let mut hub = Self::load_onto(settings, index, later, entries)?;
        hub.in_snapshot = from;
        Ok(Continued { hub, from, heads, log: Log::default() })
    }

    /// A snapshot, where the last one lacks at least so many changes, and all of them are durable.
    pub fn snapshot(&mut self, lacking: u32) -> Option<Snapshot> {
        let changes = self.log.len();
        if self.durable != changes || changes.saturating_sub(self.in_snapshot) < lacking {
            return None;
        }
        self.in_snapshot = changes;
        Some(Snapshot { changes, index: self.proceedings.index.snapshot() })
    }

    /// Takes a snapshot while nobody writes, once the last one lacks an eighth of the log: so all of them together cost
    /// a few times what the log does.
    pub(super) fn snapshot_if_due(&mut self, effects: &mut Vec<Effect>) {
        let lacking = self.snapshot_every.max(self.log.len() / 8);
        effects.extend(self.snapshot(lacking).map(Effect::KeepSnapshot));
    }

    /// Takes one where nobody ever pauses, once the last one lacks a quarter of the log, and gives it out once all that is
    /// in it is durable. To be asked for after each [`Event::Stored`](super::Event), when everybody has what came of that;
    /// what comes next waits for it, some tenths of a microsecond for each change of the log.
    pub fn snapshot_beside_writing(&mut self) -> Option<Snapshot> {
        let changes = self.log.len();
        let lacking = self.snapshot_every.saturating_mul(BESIDE_WRITING).max(changes / 4);
        if self.early_snapshot.is_none() && changes.saturating_sub(self.in_snapshot) >= lacking {
            self.in_snapshot = changes;
            self.early_snapshot = Some(Snapshot { changes, index: self.proceedings.index.snapshot() });
        }
        let durable = self.durable;
        self.early_snapshot.take_if(|snapshot| snapshot.changes <= durable)
    }

    /// Takes one on the way to rest: nobody waits for it, so it need not lack as much.
    pub fn last_snapshot(&mut self) -> Option<Snapshot> {
        self.snapshot((self.snapshot_every / 2).max(self.log.len() / 64))
    }
}
