//! The one thread that writes: whatever is waiting shares the next commit, and so one flush.

use super::chain::End;
use super::{Reader, Storage, StorageError, Write};
use codraft_protocol::time::Timestamp;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Writes that one commit carries at most; one batch alone may have more.
const GROUP: usize = 512;

/// After some tidying the thread rests for so many times as long.
const PAUSES: u32 = 4;

/// Batches of one lane are stored in order and without a gap: once one of them has failed, so do all later
/// ones, even where the store itself has recovered (a disk that was full). Whoever uses a lane then starts anew
/// from what is stored.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    broken: Arc<AtomicBool>,
}

/// Writes that are stored together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What to write.
    pub writes: Vec<Write>,
    /// When it came.
    pub at: Timestamp,
    /// The lane that it is in, if in any.
    pub lane: Option<Lane>,
}

impl Batch {
    fn is_cut_off(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.broken.load(Ordering::Acquire))
    }
}

/// How the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Well.
    Ok,
    /// It takes nothing until there is space; it looks again with every write.
    DiskFull(String),
    /// It takes nothing any more.
    Failed(String),
}

/// A turn of the committer, as it was first seen: see [`CommitQueue::turns`].
struct Turn {
    number: u64,
    since: Instant,
}

impl Turn {
    /// How long the commit that is under way has been seen to last; nought where none is.
    fn lasts(&mut self, number: u64, now: Instant) -> Duration {
        if number != self.number || number.is_multiple_of(2) {
            *self = Self { number, since: now };
        }
        now - self.since
    }
}

type Done = Box<dyn FnOnce(Result<(), Arc<StorageError>>) + Send>;
type Look = Box<dyn FnOnce(End, &dyn Reader) + Send>;

enum Job {
    Commit(Batch, Done),
    /// Looks at the store between two commits.
    Look(Look),
    Stop,
}

/// Where batches are handed in; cheap to clone.
#[derive(Clone)]
pub struct CommitterHandle {
    jobs: mpsc::Sender<Job>,
    health: watch::Receiver<Health>,
    turns: Arc<AtomicU64>,
}

impl fmt::Debug for CommitterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitterHandle")
    }
}

impl CommitterHandle {
    /// Whether the store is known to take writes.
    pub fn takes_writes(&self) -> bool {
        *self.health.borrow() == Health::Ok
    }

    /// Resolves once one commit, or the closing, has taken longer than `patience`, or a little more: the store has neither stored
    /// it nor failed, and may never. (Where one of sled's own threads cannot write, it does not always wake who
    /// waits for it.)
    pub async fn stalled(&self, patience: Duration) {
        let mut looks = tokio::time::interval(patience / 8);
        let mut turn = Turn { number: 0, since: Instant::now() };
        loop {
            looks.tick().await;
            if turn.lasts(self.turns.load(Ordering::Acquire), Instant::now()) >= patience {
                return;
            }
        }
    }

    /// Hands a batch in. The receiver fails only where the committer has stopped.
    pub fn submit(&self, batch: Batch) -> oneshot::Receiver<Result<(), Arc<StorageError>>> {
        let (done, result) = oneshot::channel();
        // Whoever asked may be gone; what is stored is stored.
        self.submit_then(batch, move |outcome| drop(done.send(outcome)));
        result
    }

    /// Hands a batch in; `done` is called on the committer's thread, in the order in which batches came.
    pub fn submit_then(
        &self,
        batch: Batch,
        done: impl FnOnce(Result<(), Arc<StorageError>>) + Send + 'static,
    ) {
        if let Err(mpsc::SendError(Job::Commit(_, done))) = self.jobs.send(Job::Commit(batch, Box::new(done)))
        {
            done(Err(Arc::new(StorageError::Failed("it has been closed".to_owned()))));
        }
    }

    /// Looks at the store between two commits: what is seen is the state at exactly that end of the chain.
    /// Commits wait meanwhile.
    pub fn look<T: Send + 'static>(
        &self,
        question: impl FnOnce(End, &dyn Reader) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        let look: Look = Box::new(move |end, reader| drop(answer.send(question(end, reader))));
        // A stopped committer drops the question, and with it the sender of the answer.
        let _ = self.jobs.send(Job::Look(look));
        answered
    }
}

/// The running thread.
#[derive(Debug)]
pub struct Committer {
    handle: CommitterHandle,
    health: watch::Receiver<Health>,
    reader: Arc<dyn Reader>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread, which owns the store from now on.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(storage: impl Storage) -> Result<Self, StorageError> {
        let reader = storage.reader();
        let (queue, handle, health) = CommitQueue::new(storage);
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || run(queue));
        let thread = thread.map_err(StorageError::io("starting the committer's thread"))?;
        Ok(Self { handle, health, reader, thread: Some(thread) })
    }

    /// Where batches are handed in.
    pub fn handle(&self) -> CommitterHandle {
        self.handle.clone()
    }

    /// How the store is.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// The store's reading side.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader)
    }

    /// Commits what is waiting, and closes the store. Blocks.
    pub fn stop(mut self) {
        let _ = self.handle.jobs.send(Job::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

/// What waits to be committed, and the store that it goes to. The committer's thread drives it; a simulation
/// drives it without a thread.
pub struct CommitQueue<S> {
    storage: S,
    reader: Arc<dyn Reader>,
    jobs: mpsc::Receiver<Job>,
    waiting: VecDeque<Job>,
    health: watch::Sender<Health>,
    /// One more when a commit (or the closing) begins, and one more when it ends: odd while one is under way.
    turns: Arc<AtomicU64>,
    stopped: bool,
}

impl<S> fmt::Debug for CommitQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitQueue")
    }
}

impl<S: Storage> CommitQueue<S> {
    /// An empty queue, where batches for it are handed in, and how its store is.
    pub fn new(storage: S) -> (Self, CommitterHandle, watch::Receiver<Health>) {
        let (sender, jobs) = mpsc::channel();
        let (tell, health) = watch::channel(Health::Ok);
        let reader = storage.reader();
        let (waiting, turns) = (VecDeque::new(), Arc::new(AtomicU64::new(0)));
        let handle = CommitterHandle { jobs: sender, health: health.clone(), turns: Arc::clone(&turns) };
        let queue = Self { storage, reader, jobs, waiting, health: tell, turns, stopped: false };
        (queue, handle, health)
    }

    /// Waits until there is something to do. Returns whether anything will ever be.
    fn wait(&mut self) -> bool {
        while !self.stopped && self.waiting.is_empty() {
            match self.jobs.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => {
                    let started = Instant::now();
                    if self.tidied() {
                        // Whoever opens a document has the processor meanwhile; who commits, the store at once.
                        match self.jobs.recv_timeout(PAUSES * started.elapsed()) {
                            Ok(job) => self.waiting.push_back(job),
                            Err(RecvTimeoutError::Timeout) => {}
                            Err(RecvTimeoutError::Disconnected) => return false,
                        }
                    } else {
                        let Ok(job) = self.jobs.recv() else { return false };
                        self.waiting.push_back(job);
                    }
                }
            }
        }
        !self.stopped
    }

    /// While nobody waits: some of what could wait. Returns whether there was something.
    fn tidied(&mut self) -> bool {
        self.turns.fetch_add(1, Ordering::AcqRel);
        let outcome = self.storage.tidy();
        self.turns.fetch_add(1, Ordering::AcqRel);
        outcome.unwrap_or_else(|error| {
            tell(&self.health, Health::Failed(error.to_string()));
            false
        })
    }

    /// Commits the batches that wait, as far as they fit into one group, or answers one who looks. Returns
    /// whether anything was done.
    pub fn step(&mut self) -> bool {
        self.waiting.extend(self.jobs.try_iter());
        match self.waiting.pop_front() {
            Some(Job::Commit(batch, done)) => {
                let mut group = vec![(batch, done)];
                let mut writes = group.iter().map(|(batch, _)| batch.writes.len()).sum::<usize>();
                while let Some(Job::Commit(next, _)) = self.waiting.front() {
                    writes += next.writes.len();
                    if writes > GROUP {
                        break;
                    }
                    let Some(Job::Commit(batch, done)) = self.waiting.pop_front() else { break };
                    group.push((batch, done));
                }
                self.turns.fetch_add(1, Ordering::AcqRel);
                commit(&mut self.storage, group, &self.health);
                self.turns.fetch_add(1, Ordering::AcqRel);
                true
            }
            Some(Job::Look(look)) => {
                look(self.storage.end(), &*self.reader);
                true
            }
            Some(Job::Stop) => {
                self.stopped = true;
                false
            }
            None => false,
        }
    }
}

fn run(mut queue: CommitQueue<impl Storage>) {
    while queue.wait() {
        queue.step();
    }
    // Closing it is its last turn.
    let turns = Arc::clone(&queue.turns);
    turns.fetch_add(1, Ordering::AcqRel);
    drop(queue);
    turns.fetch_add(1, Ordering::AcqRel);
}

fn commit(storage: &mut impl Storage, group: Vec<(Batch, Done)>, health: &watch::Sender<Health>) {
    let started = Instant::now();
    let at = group.iter().map(|(batch, _)| batch.at).max().unwrap_or_default();
    let mut writes = Vec::new();
    let mut waiting = Vec::with_capacity(group.len());
    for (batch, done) in group {
        if batch.is_cut_off() {
            done(Err(Arc::new(StorageError::Failed("what came before this was not stored".to_owned()))));
            continue;
        }
        writes.extend(batch.writes);
        waiting.push((batch.lane, done));
    }
    if waiting.is_empty() {
        return;
    }
    let outcome = storage.commit(&writes, at).map_err(Arc::new);
    metrics::histogram!("codraft_commit_seconds").record(started.elapsed().as_secs_f64());
    #[allow(clippy::cast_precision_loss)]
    metrics::histogram!("codraft_commit_writes").record(writes.len() as f64);
    let now = match &outcome {
        Ok(()) => Health::Ok,
        Err(error) if error.is_final() => Health::Failed(error.to_string()),
        Err(error) => Health::DiskFull(error.to_string()),
    };
    tell(health, now);
    for (lane, done) in waiting {
        if let (Some(lane), Err(_)) = (lane, &outcome) {
            lane.broken.store(true, Ordering::Release);
        }
        done(outcome.clone());
    }
}

/// How the store is now, for all who want to know, and for the log where that is news.
fn tell(health: &watch::Sender<Health>, now: Health) {
    health.send_if_modified(|health| {
        let changed = *health != now;
        if changed {
            match &now {
                Health::Ok => tracing::info!("the store takes changes again"),
                Health::DiskFull(reason) | Health::Failed(reason) => {
                    tracing::error!(reason, "the store takes nothing")
                }
            }
            *health = now;
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Fault, MemoryStorage};
    use super::super::{Tree, chain};
    use super::*;

    fn batch(n: u8) -> Batch {
        Batch {
            writes: vec![Write { tree: Tree::Changes, key: vec![n], value: Some(vec![n; 3]) }],
            at: Timestamp(i64::from(n)),
            lane: None,
        }
    }

    #[test]
    fn order_is_kept_and_waiting_batches_share_a_commit() {
        let committer = Committer::start(MemoryStorage::default()).unwrap();
        let handle = committer.handle();
        // The thread is held while batches gather.
        let (hold, held) = mpsc::channel::<()>();
        let looking = handle.look(move |_, _| held.recv().is_err());
        let (said, order) = mpsc::channel();
        for n in 0..100 {
            let said = said.clone();
            handle.submit_then(batch(n), move |outcome| said.send((n, outcome.is_ok())).unwrap());
        }
        drop(hold);
        assert!(looking.blocking_recv().unwrap());
        let order: Vec<_> = order.iter().take(100).collect();
        assert_eq!(order, (0..100).map(|n| (n, true)).collect::<Vec<_>>());
        let (end, whole) = handle
            .look(|end, reader| (end, chain::verify(reader, [0; 16], Some(end))))
            .blocking_recv()
            .unwrap();
        assert_eq!(whole.unwrap().values, 100);
        assert!(end.sequence < 5, "{} commits for 100 batches", end.sequence);
        committer.stop();
        assert!(handle.submit(batch(1)).blocking_recv().unwrap().is_err());
    }

    /// A store with so much to tidy, of which the last fails where that is asked for.
    struct Untidy {
        storage: MemoryStorage,
        left: u32,
        fails: bool,
        done: mpsc::Sender<u32>,
    }

    impl Storage for Untidy {
        fn commit(&mut self, writes: &[Write], at: Timestamp) -> Result<(), StorageError> {
            self.storage.commit(writes, at)
        }

        fn tidy(&mut self) -> Result<bool, StorageError> {
            let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
            self.left = left;
            self.done.send(left).unwrap();
            if left == 0 && self.fails {
                Err(StorageError::Failed("it is broken".to_owned()))
            } else {
                Ok(true)
            }
        }

        fn end(&self) -> End {
            self.storage.end()
        }

        fn reader(&self) -> Arc<dyn Reader> {
            self.storage.reader()
        }
    }

    #[test]
    fn what_can_wait_is_done_while_nobody_waits() {
        for fails in [false, true] {
            let (done, steps) = mpsc::channel();
            let storage = Untidy { storage: MemoryStorage::default(), left: 50, fails, done };
            let (mut queue, handle, health) = CommitQueue::new(storage);
            // Whoever waits comes first.
            let first = handle.submit(batch(1));
            assert!(queue.wait() && queue.step());
            assert!(first.blocking_recv().unwrap().is_ok());
            assert_eq!(steps.try_iter().count(), 0);
            let thread = std::thread::spawn(move || run(queue));
            assert!(steps.iter().take(50).eq((0..50).rev()));
            if !fails {
                assert!(handle.submit(batch(2)).blocking_recv().unwrap().is_ok());
            }
            handle.jobs.send(Job::Stop).unwrap();
            thread.join().unwrap();
            assert_eq!(*health.borrow() == Health::Ok, !fails);
        }
    }

    #[test]
    fn only_one_commit_that_goes_on_and_on_is_one_that_stalls() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut turn = Turn { number: 0, since: start };
        let mut lasts = |number, seconds| turn.lasts(number, at(seconds)).as_secs();
        assert_eq!((lasts(0, 50), lasts(0, 90)), (0, 0), "nothing to do");
        assert_eq!((lasts(1, 91), lasts(3, 99), lasts(5, 107)), (0, 0, 0), "one after the other");
        assert_eq!((lasts(5, 110), lasts(5, 120)), (3, 13));
        assert_eq!((lasts(6, 121), lasts(7, 122), lasts(7, 124)), (0, 0, 2));
    }

    #[test]
    fn a_full_disk_passes_and_a_failure_stays() {
        let mut storage = MemoryStorage::default();
        storage.fail_next(Fault::Full);
        let committer = Committer::start(storage).unwrap();
        let handle = committer.handle();
        assert!(handle.submit(batch(1)).blocking_recv().unwrap().is_err());
        assert!(matches!(*committer.health().borrow(), Health::DiskFull(_)));
        assert!(handle.submit(batch(1)).blocking_recv().unwrap().is_ok());
        assert_eq!(*committer.health().borrow(), Health::Ok);
        committer.stop();

        // After a failure, a lane never goes on, so that no gap can come to be.
        let mut storage = MemoryStorage::default();
        storage.fail_next(Fault::Full);
        let committer = Committer::start(storage).unwrap();
        let lane = Some(Lane::default());
        for (n, expected) in [(1, false), (2, false), (3, false)] {
            let outcome = committer.handle().submit(Batch { lane: lane.clone(), ..batch(n) });
            assert_eq!(outcome.blocking_recv().unwrap().is_ok(), expected);
        }
        assert!(committer.handle().submit(batch(4)).blocking_recv().unwrap().is_ok());
        committer.stop();

        let mut storage = MemoryStorage::default();
        storage.fail_next(Fault::Fails);
        let committer = Committer::start(storage).unwrap();
        for _ in 0..3 {
            assert!(committer.handle().submit(batch(1)).blocking_recv().unwrap().is_err());
            assert!(matches!(*committer.health().borrow(), Health::Failed(_)));
        }
    }
}
