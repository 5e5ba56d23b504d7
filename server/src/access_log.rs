//! The access log: who came in, who was refused, what was taken out, in an append-only tree of the store.
//!
//! Nothing waits for it but what takes data out, and it is held to a rate, so that whoever floods the server
//! does not fill its disk: what is left out is counted in the next entry.

use crate::address::Source;
use crate::directory::Caller;
use crate::document::now;
use crate::storage::committer::{Batch, CommitterHandle};
use crate::storage::record::{AccessRecord, key};
use crate::storage::{Reader, StorageError, Tree, Write};
use crate::throttle::{Buckets, Rate};
use codraft_protocol::api;
use codraft_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of refusals, in all.
const REFUSALS: Rate = Rate { per_second: 2.0, burst: 200.0 };
/// How long somebody who comes again from the same address is not noted again, in milliseconds.
const SEEN: i64 = 3_600_000;
/// Pairs of account and address that are remembered.
const PAIRS: usize = 50_000;
/// Longest detail, in characters.
const DETAIL: usize = 300;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody came in.
    Login,
    /// Somebody did not.
    LoginRefused,
    /// Somebody who came in may not do what was asked.
    Refused,
    /// Data was taken out of the server.
    Export,
    /// An account was made.
    Invited,
    /// A token or ticket was taken away, or its end was set.
    Revoked,
    /// A ticket was made.
    Ticket,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::LoginRefused,
        Self::Refused,
        Self::Export,
        Self::Invited,
        Self::Revoked,
        Self::Ticket,
    ];

    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginRefused => "login-refused",
            Self::Refused => "refused",
            Self::Export => "export",
            Self::Invited => "invited",
            Self::Revoked => "revoked",
            Self::Ticket => "ticket",
        }
    }

    const fn is_refusal(self) -> bool {
        matches!(self, Self::LoginRefused | Self::Refused)
    }
}

/// One entry on its way in.
#[derive(Clone, Debug)]
pub struct Note {
    kind: Kind,
    from: Source,
    account: Option<String>,
    ticket: Option<String>,
    detail: String,
    /// The account that a refused token named.
    pub claimed: Option<String>,
}

impl Note {
    /// What happened, from where, in words.
    pub fn new(kind: Kind, from: Source, detail: impl Into<String>) -> Self {
        Self { kind, from, account: None, ticket: None, detail: detail.into(), claimed: None }
    }

    /// Who did it.
    #[must_use]
    pub fn by(mut self, caller: &Caller) -> Self {
        self.account = Some(caller.account.clone());
        self.ticket.clone_from(&caller.ticket);
        self
    }
}

/// The log; cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessLog {
    committer: CommitterHandle,
    reader: Arc<dyn Reader>,
    next: Arc<AtomicU64>,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    refusals: Buckets<()>,
    left_out: u64,
    seen: HashMap<(String, Source), Timestamp>,
}

/// Text without what could break a line or colour a terminal.
fn plain(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    shown.take(DETAIL).collect()
}

impl AccessLog {
    /// The log of a store.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn load(reader: Arc<dyn Reader>, committer: CommitterHandle) -> Result<Self, StorageError> {
        let mut next = 0;
        for entry in reader.scan(Tree::AccessLog, &[]) {
            next = key::number(&entry?.0) + 1;
        }
        let held = Held { refusals: Buckets::new(REFUSALS), left_out: 0, seen: HashMap::new() };
        Ok(Self { committer, reader, next: Arc::new(AtomicU64::new(next)), held: Arc::new(Mutex::new(held)) })
    }

    fn held<T>(&self, question: impl FnOnce(&mut Held) -> T) -> T {
        question(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that somebody came in, unless that was noted a short while ago.
    pub fn seen(&self, from: Source, caller: &Caller) {
        let at = now();
        let who = caller.ticket.as_ref().unwrap_or(&caller.account).clone();
        let fresh = self.held(|held| {
            if held.seen.len() >= PAIRS {
                held.seen.retain(|_, seen| at.0 - seen.0 < SEEN);
                if held.seen.len() >= PAIRS {
                    held.seen.clear();
                }
            }
            let seen = held.seen.entry((who, from)).or_insert(Timestamp(i64::MIN / 2));
            let fresh = at.0 - seen.0 >= SEEN;
            if fresh {
                *seen = at;
            }
            fresh
        });
        if fresh {
            self.write(Note::new(Kind::Login, from, String::new()).by(caller));
        }
    }

    /// Writes an entry; nobody waits for it.
    pub fn write(&self, note: Note) {
        let Some(batch) = self.batch(note) else { return };
        self.committer.submit_then(batch, |stored| {
            if let Err(error) = stored {
                tracing::error!(%error, "an entry of the access log could not be kept");
            }
        });
    }

    /// Writes an entry and waits until it is durable. Returns whether it is: a full disk must not keep a
    /// backup from being made.
    pub async fn written(&self, note: Note) -> bool {
        let Some(batch) = self.batch(note) else { return false };
        let stored = matches!(self.committer.submit(batch).await, Ok(Ok(())));
        if !stored {
            tracing::error!("an entry of the access log could not be kept");
        }
        stored
    }

    fn batch(&self, note: Note) -> Option<Batch> {
        let at = now();
        let left_out = self.held(|held| {
            if note.kind.is_refusal() && held.refusals.take((), at).is_err() {
                held.left_out += 1;
                return None;
            }
            Some(std::mem::take(&mut held.left_out))
        })?;
        let record = AccessRecord {
            at,
            kind: note.kind.code().to_owned(),
            account: note.account.map(|id| plain(&id)),
            ticket: note.ticket.map(|id| plain(&id)),
            claimed: note.claimed.map(|id| plain(&id)),
            address: note.from.to_string(),
            detail: plain(&note.detail),
            left_out,
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let key = number.to_be_bytes().to_vec();
        let writes = vec![Write { tree: Tree::AccessLog, key, value: Some(record.encode()) }];
        Some(Batch { writes, at, lane: None })
    }

    /// The last `limit` entries before number `before`, in order. Blocks.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn read(&self, before: u64, limit: u64) -> Result<Vec<api::AccessEntry>, StorageError> {
        let end = before.min(self.next.load(Ordering::Relaxed));
        let mut entries = Vec::new();
        for number in end.saturating_sub(limit)..end {
            // A number whose entry could not be kept is a gap.
            let Some(value) = self.reader.get(Tree::AccessLog, &number.to_be_bytes())? else { continue };
            entries.push(listed(number, AccessRecord::decode(&value).map_err(StorageError::from)?));
        }
        Ok(entries)
    }
}

fn listed(number: u64, record: AccessRecord) -> api::AccessEntry {
    let AccessRecord { at, kind, account, ticket, claimed, address, detail, left_out } = record;
    api::AccessEntry { number, at, kind, account, ticket, claimed, address, detail, left_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::committer::Committer;
    use crate::storage::memory::MemoryStorage;

    fn source(n: u8) -> Source {
        Source::of(std::net::IpAddr::from([192, 0, 2, n]))
    }

    fn log(committer: &Committer) -> AccessLog {
        AccessLog::load(committer.reader(), committer.handle()).unwrap()
    }

    #[tokio::test]
    async fn entries_come_back_in_order_and_go_on_after_a_restart() {
        let committer = Committer::start(MemoryStorage::default()).unwrap();
        let first = log(&committer);
        for n in 0..5 {
            assert!(first.written(Note::new(Kind::Export, source(n), format!("{n}"))).await);
        }
        let again = log(&committer);
        assert!(again.written(Note::new(Kind::Export, source(9), "5")).await);
        let details = |before, limit| {
            again.read(before, limit).unwrap().into_iter().map(|e| e.detail).collect::<Vec<_>>()
        };
        assert_eq!(details(u64::MAX, 100), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(details(5, 2), ["3", "4"]);
        committer.stop();
    }

    #[tokio::test]
    async fn a_flood_of_refusals_is_held_to_its_rate_and_counted() {
        let committer = Committer::start(MemoryStorage::default()).unwrap();
        let log = log(&committer);
        for _ in 0..10_000 {
            log.write(Note::new(Kind::LoginRefused, source(1), "no"));
        }
        assert!(log.written(Note::new(Kind::Export, source(1), "last")).await);
        let entries = log.read(u64::MAX, 100_000).unwrap();
        assert!((200..2_000).contains(&entries.len()), "{}", entries.len());
        let told: u64 = entries.iter().map(|entry| entry.left_out).sum();
        assert_eq!(told + entries.len() as u64, 10_001);
        committer.stop();
    }

    #[tokio::test]
    async fn nothing_in_it_can_forge_a_line() {
        let committer = Committer::start(MemoryStorage::default()).unwrap();
        let log = log(&committer);
        let mut note = Note::new(Kind::LoginRefused, source(1), "a\r\nb\u{1b}[31mc");
        note.claimed = Some("x\ny".repeat(1000));
        assert!(log.written(note).await);
        let entry = log.read(u64::MAX, 1).unwrap().remove(0);
        let text = format!("{}{}", entry.detail, entry.claimed.unwrap());
        assert!(!text.chars().any(char::is_control) && text.chars().count() <= 2 * DETAIL);
        committer.stop();
    }
}
