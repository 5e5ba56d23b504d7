//! Where a document's changes, entries and refused changes go.

use super::Snapshots;
use crate::document::{Keep, Kept};
use crate::hub::{NewChange, Refused, Snapshot};
use crate::storage::committer::{Batch, CommitterHandle, Lane};
use crate::storage::record::{ChangeRecord, QuarantineRecord, key, ledger};
use crate::storage::{Tree, Write};
use codraft_protocol::id::DocumentId;
use codraft_protocol::time::Timestamp;

/// Changes that one transaction takes at most.
const TRANSACTION: usize = 512;

/// One document's place in the store.
#[derive(Debug)]
pub struct Shelf {
    document: DocumentId,
    committer: CommitterHandle,
    lane: Lane,
    quarantined: u64,
    snapshots: Snapshots,
}

impl Shelf {
    /// The place of a document in whose quarantine so many changes are.
    pub(super) fn new(
        document: DocumentId,
        committer: CommitterHandle,
        quarantined: u64,
        snapshots: Snapshots,
    ) -> Self {
        Self { document, committer, lane: Lane::default(), quarantined, snapshots }
    }

    fn write(&self, change: NewChange, received: Timestamp) -> Write {
        let number = u64::from(change.number);
        let (account, delegation) = (change.account, change.delegation);
        let record = ChangeRecord { received, account, delegation, raw: change.raw.to_vec() };
        let key = key::numbered(&self.document, number);
        Write { tree: Tree::Changes, key, value: Some(record.encode()) }
    }
}

impl Keep for Shelf {
    fn store(&mut self, kept: Vec<Kept>, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>) {
        let mut writes: Vec<Write> = Vec::new();
        for one in kept {
            let together: Vec<Vec<Write>> = match one {
                Kept::Changes(changes) => {
                    changes.into_iter().map(|change| vec![self.write(change, at)]).collect()
                }
                // An entry and what the hand wrote for it are one: both or neither.
                Kept::Entry(new) => {
                    let mut both: Vec<Write> =
                        new.change.into_iter().map(|change| self.write(change, at)).collect();
                    both.push(Write {
                        tree: Tree::Ledger,
                        key: key::numbered(&self.document, new.entry.number),
                        value: Some(ledger::encode(&new.entry)),
                    });
                    vec![both]
                }
            };
            for group in together {
                if writes.len() + group.len() > TRANSACTION {
                    let batch =
                        Batch { writes: std::mem::take(&mut writes), at, lane: Some(self.lane.clone()) };
                    // Where this one fails, so does the last one: they are in one lane.
                    self.committer.submit_then(batch, |_| ());
                }
                writes.extend(group);
            }
        }
        let batch = Batch { writes, at, lane: Some(self.lane.clone()) };
        self.committer.submit_then(batch, move |result| done(result.is_ok()));
    }

    fn snapshot(&mut self, snapshot: Snapshot) {
        self.snapshots.write_aside(self.document, snapshot);
    }

    fn forget_snapshot(&mut self) {
        self.snapshots.forget(self.document);
    }

    fn quarantine(&mut self, refused: Refused, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>) {
        let record = QuarantineRecord {
            at,
            account: refused.member.account,
            delegation: refused.member.delegation,
            code: refused.code.to_owned(),
            reason: refused.reason,
            raw: refused.raw.to_vec(),
        };
        let key = key::numbered(&self.document, self.quarantined);
        self.quarantined += 1;
        let writes = vec![Write { tree: Tree::Quarantine, key, value: Some(record.encode()) }];
        let batch = Batch { writes, at, lane: Some(self.lane.clone()) };
        self.committer.submit_then(batch, |result| {
            if let Err(error) = &result {
                tracing::error!(%error, "a refused change could not be kept");
            }
            done(result.is_ok());
        });
    }
}
