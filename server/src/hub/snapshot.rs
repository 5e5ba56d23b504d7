//! Snapshots of a hub's index: a document with a long log goes on from one, and so opens soon.

use super::log::Log;
use super::strings::Strings;
use super::{Effect, Hub, LoadError, Logged, Settings};
use codraft_protocol::authorship::index::SnapshotError;
use codraft_protocol::authorship::{ChangeIx, Index};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::round::Entry;

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

/// How many bytes of what is not parsed stand together: enough for the allocator to give them back to the system by
/// themselves, and none of them is moved when more come.
const TOGETHER: usize = 256 << 10;

/// The first changes of a log as they are stored, not parsed.
#[derive(Debug, Default)]
pub struct Unparsed {
    raw: Vec<Strings>,
    /// Whose each change is, as a number in `codes`.
    owners: Vec<u16>,
    codes: Vec<DelegationCode>,
}

impl Unparsed {
    /// Takes in the next one.
    pub fn push(&mut self, raw: &[u8], delegation: DelegationCode) {
        if self.raw.last().is_none_or(|last| last.bytes() >= TOGETHER) {
            self.raw.push(Strings::default());
        }
        if let Some(last) = self.raw.last_mut() {
            last.push(|out| out.extend_from_slice(raw));
        }
        let known = self.codes.iter().position(|code| *code == delegation);
        let owner = known.unwrap_or_else(|| {
            self.codes.push(delegation);
            self.codes.len() - 1
        });
        self.owners.push(u16::try_from(owner).unwrap_or(u16::MAX));
    }
}

/// A document that goes on from a snapshot, whose log lacks what comes before it.
#[derive(Debug)]
pub struct Continued {
    hub: Hub,
    /// How many changes the snapshot is of.
    from: u32,
}

impl Continued {
    /// The document, where the snapshot is of exactly these changes: each is compared, by the four bytes of its hash
    /// that stand in front of it and by its owner.
    ///
    /// # Errors
    /// [`Mismatch`]: the log is to be parsed and folded from its start.
    pub fn behind(self, first: &mut dyn Iterator<Item = Unparsed>) -> Result<Hub, Mismatch> {
        let Self { mut hub, from } = self;
        let index = &hub.proceedings.index;
        let mut log = Log::default();
        for Unparsed { raw, owners, codes } in first {
            let mut owners = owners.iter().map(|owner| codes.get(usize::from(*owner)));
            for strings in raw {
                for raw in strings.iter() {
                    let number = log.len();
                    let ix = ChangeIx(number);
                    let owner = owners.next().flatten();
                    // A chunk: four bytes of magic, and the first four of its hash.
                    let sum = raw.get(4..8);
                    let is_that = sum.is_some_and(|sum| {
                        index.hash_at(ix).is_some_and(|hash| hash.0.starts_with(sum))
                            && owner == index.delegation_at(ix)
                    });
                    if !is_that || number >= from {
                        return Err(Mismatch::Differs(number));
                    }
                    log.push(raw, index);
                }
            }
        }
        if log.len() != from {
            return Err(Mismatch::Differs(log.len()));
        }
        log.append(std::mem::take(&mut hub.log));
        (hub.durable, hub.in_snapshot) = (log.len(), from);
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
        Ok(Continued { hub: Self::load_onto(settings, index, later, entries)?, from })
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

    /// Takes one on the way to rest: nobody waits for it, so it need not lack as much.
    pub fn last_snapshot(&mut self) -> Option<Snapshot> {
        self.snapshot((self.snapshot_every / 2).max(self.log.len() / 64))
    }
}
