//! What the driver's peers share: every edit, when it was sent, and how often it arrived.

use super::document::Plan;
use super::edits::{Edit, mark};
use automerge::ChangeHash;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The automerge-repo protocol.
    Automerge,
    /// Its frames, relayed as they are: no requests.
    Broadcast {
        /// Whether readers acknowledge all the same.
        acknowledged: bool,
    },
    /// Hocuspocus.
    Yjs,
}

/// The board of one run. Changes are numbered: the document's own first, then the edits.
#[derive(Debug)]
pub struct Board {
    /// How the server is spoken to.
    pub dialect: Dialect,
    /// The document.
    pub document: String,
    /// As it was before the first edit.
    pub plan: Plan,
    /// The same for Yjs.
    pub yjs: Vec<u8>,
    /// How long a reader collects before it says what it has, as real clients do.
    pub patience: Duration,
    /// How many write; the edits go to them in turn.
    pub writers: usize,
    start: Instant,
    edits: Vec<OnceLock<Edit>>,
    /// The same for Yjs: the updates as they were sent.
    pub updates: Vec<OnceLock<Vec<u8>>>,
    sent: Vec<AtomicU64>,
    /// By the first four bytes of their hashes; now and then two changes begin alike.
    numbers: RwLock<HashMap<u32, Vec<u32>>>,
    /// Edits that arrived at a reader, counted once a reader.
    pub delivered: AtomicU64,
}

impl Board {
    /// A board for at most `edits` edits.
    pub fn new(
        dialect: Dialect,
        document: String,
        plan: Plan,
        yjs: Vec<u8>,
        edits: usize,
        writers: usize,
        patience: Duration,
    ) -> Self {
        let mut numbers: HashMap<u32, Vec<u32>> = HashMap::new();
        for ((hash, _), number) in plan.changes.iter().zip(0..) {
            numbers.entry(mark(hash)).or_default().push(number);
        }
        Self {
            dialect,
            document,
            plan,
            yjs,
            patience,
            writers,
            start: Instant::now(),
            edits: (0..edits).map(|_| OnceLock::new()).collect(),
            updates: (0..edits).map(|_| OnceLock::new()).collect(),
            sent: (0..edits).map(|_| AtomicU64::new(0)).collect(),
            numbers: RwLock::new(numbers),
            delivered: AtomicU64::new(0),
        }
    }

    /// How many changes the document has before the first edit.
    pub fn seeds(&self) -> u32 {
        if self.dialect == Dialect::Yjs { 0 } else { u32::try_from(self.plan.changes.len()).expect("few") }
    }

    /// Microseconds since the board was made.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// When an edit was sent; 0: not yet.
    pub fn sent(&self, edit: u32) -> u64 {
        self.sent[edit as usize].load(Relaxed)
    }

    /// How many microseconds an edit was sent after it was due, at so many edits a second from the first one on.
    /// Whoever waits for it waits from when it was due: a server that stalls its writers is not quicker for it.
    pub fn lateness(&self, edit: u32, rate: f64) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let due = self.sent(0) + (f64::from(edit) / rate * 1e6) as u64;
        self.sent(edit).saturating_sub(due)
    }

    /// The number of a change by the first four bytes of its hash, of several the one that it `is`.
    pub fn number(&self, mark: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.get(&mark)?.iter().copied().find(|number| is(*number))
    }

    /// The number of a change.
    pub fn number_of(&self, hash: &ChangeHash) -> Option<u32> {
        self.number(mark(hash), |number| match self.plan.changes.get(number as usize) {
            Some((known, _)) => known == hash,
            None => self.edit(number).is_some_and(|edit| edit.hash == *hash),
        })
    }

    /// The edit behind a change's number; `None` for the document's own changes.
    pub fn edit(&self, number: u32) -> Option<&Edit> {
        self.edits.get(number.checked_sub(self.seeds())? as usize)?.get()
    }

    /// The bytes of a change.
    pub fn raw(&self, number: u32) -> Option<&[u8]> {
        match self.plan.changes.get(number as usize) {
            Some((_, raw)) if self.dialect != Dialect::Yjs => Some(raw),
            _ => self.edit(number).map(|edit| edit.raw.as_ref()),
        }
    }

    /// Puts an edit up, which is sent now.
    ///
    /// # Panics
    /// Where it is put up a second time.
    pub fn put(&self, number: u32, mark: u32, edit: Option<Edit>, update: Option<Vec<u8>>) {
        let at = (number - self.seeds()) as usize;
        if let Some(edit) = edit {
            self.edits[at].set(edit).expect("an edit is made once");
        }
        if let Some(update) = update {
            self.updates[at].set(update).expect("an update is made once");
        }
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        numbers.entry(mark).or_default().push(number);
        drop(numbers);
        self.sent[at].store(self.now().max(1), Relaxed);
    }
}

/// Which numbers were seen.
#[derive(Clone, Debug, Default)]
pub struct Seen(Vec<u64>);

impl Seen {
    /// Whether this one was.
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Marks it. Returns whether it is new.
    pub fn set(&mut self, number: u32) -> bool {
        let new = !self.has(number);
        let at = number as usize / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
        new
    }

    /// Whether all below `count` were.
    pub fn all(&self, count: u32) -> bool {
        (0..count).all(|number| self.has(number))
    }
}

/// What one peer saw.
#[derive(Debug, Default)]
pub struct Sight {
    /// Which changes it has.
    pub seen: Seen,
    /// (edit, microseconds from sending to arrival).
    pub latencies: Vec<(u32, u32)>,
    /// Changes that came again.
    pub again: u64,
    /// Changes that nobody made, or whose bytes are not those that were sent.
    pub strange: u64,
    /// Why it ended early.
    pub error: Option<String>,
}

impl Sight {
    /// Takes note of a change that arrived at `now`. Returns its number where it is new.
    pub fn arrived(&mut self, board: &Board, mark: u32, raw: Option<&[u8]>, now: u64) -> Option<u32> {
        let Some(number) = board.number(mark, |n| raw.is_none() || board.raw(n) == raw) else {
            self.strange += 1;
            return None;
        };
        if !self.seen.set(number) {
            self.again += 1;
            return None;
        }
        if let Some(edit) = number.checked_sub(board.seeds()) {
            let took = u32::try_from(now.saturating_sub(board.sent(edit))).unwrap_or(u32::MAX);
            self.latencies.push((edit, took));
            board.delivered.fetch_add(1, Relaxed);
        }
        Some(number)
    }
}
