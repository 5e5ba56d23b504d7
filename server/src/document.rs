//! The task of one open document: feeds its hub, one event after another, and performs what it decides.

mod inbox;
mod opening;
mod pending;

pub use opening::{History, Opened, Reading};
pub use pending::{Ends, Pending};

use self::inbox::{Command, Inbox, Question};
use crate::hub::read::Facts;
use crate::hub::{
    Closing, ConnectionId, Effect, Event, Hub, Member, NetChange, NewChange, NewEntry, Refused, Snapshot,
};
use crate::outbox::{Outbox, Outgoing};
use crate::overview::Editions;
use codraft_protocol::api::{By, DocumentEvent};
use codraft_protocol::round::{Command as Decision, Refusal};
use codraft_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, MutexGuard, broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// Commands that may wait for one document before connections have to wait.
const COMMANDS: usize = 1024;
/// Commands that are handled before what they caused is stored together.
const BATCH: usize = 256;
/// Events that a slow reader of the event stream may lag behind.
const EVENTS: usize = 1024;

/// How long nobody writes before what can wait is done.
const QUIET: Duration = Duration::from_secs(1);

/// What is stored together or not at all.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Changes; each of them may be stored on its own.
    Changes(Vec<NewChange>),
    /// An entry of the ledger with its change.
    Entry(Box<NewEntry>),
}

/// What a document asks of the store.
pub trait Keep: Send + 'static {
    /// Stores things durably and in order, then calls `done` with whether they are.
    fn store(&mut self, kept: Vec<Kept>, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>);
    /// Keeps a refused change durably, then calls `done` with whether it is.
    fn quarantine(&mut self, refused: Refused, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>);
    /// Keeps a snapshot, in the place of the last one.
    fn snapshot(&mut self, snapshot: Snapshot);
    /// Lets go of the snapshot: it is not one of this log.
    fn forget_snapshot(&mut self);
}

/// What has become durable. `Err`: something could not be stored.
type Stored = Result<Durable, ()>;

/// What has become durable.
#[derive(Clone, Copy, Debug)]
enum Durable {
    /// The log and the ledger up to here.
    Ends(Ends),
    /// So many refused changes.
    Refused(u64),
}

/// What waits until all before it is durable.
enum Due {
    /// An event of an entry.
    Publish(DocumentEvent),
    /// An answer that is known already.
    Answer(Box<dyn FnOnce() + Send>),
    /// A question that the hub is asked then.
    Ask(Question),
}

/// Commands that were sent to a document's task, and how many of them it had received when it last came to rest.
#[derive(Debug, Default)]
struct Rest {
    sent: AtomicU64,
    at_rest_after: AtomicU64,
}

/// What [`Rest::at_rest_after`] says of a task that has something to do, or to wait for.
const BUSY: u64 = u64::MAX;

/// A handle on an open document; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    events: broadcast::Sender<DocumentEvent>,
    rest: Arc<Rest>,
    editions: Arc<Mutex<Editions>>,
}

impl Handle {
    /// Starts the document's task.
    pub fn start(opened: Opened, facts: Facts, keep: impl Keep) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (events, _) = broadcast::channel(EVENTS);
        let rest = Arc::new(Rest { at_rest_after: AtomicU64::new(BUSY), ..Rest::default() });
        let task = Opening { opened, facts, keep, inbox: Inbox::new(inbox) };
        tokio::spawn(task.run(events.clone(), Arc::clone(&rest)));
        let editions = Arc::new(Mutex::new(Editions::new(Uuid::new_v4().simple().to_string())));
        Self { commands, events, rest, editions }
    }

    /// Brings a connection in.
    pub async fn join(&self, connection: ConnectionId, member: Member, outbox: Outbox) {
        self.command(Command::Join { connection, member, outbox }).await;
    }

    /// Hands in an event of a connection.
    pub async fn event(&self, event: Event) {
        self.command(Command::Event(event)).await;
    }

    /// Asks something of the document as it durably is; `None` when the document has been closed.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Hub, &Facts) -> T + Send + 'static,
    ) -> Option<T> {
        self.answer_to(question, false).await
    }

    /// Asks something about changes as they came, which waits until the log is there.
    pub async fn ask_raw<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Hub, &Facts) -> T + Send + 'static,
    ) -> Option<T> {
        self.answer_to(question, true).await
    }

    async fn answer_to<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Hub, &Facts) -> T + Send + 'static,
        raw: bool,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have gone in the meantime.
        let question: Question = Box::new(move |hub, facts| drop(answer.send(question(hub, facts))));
        self.command(Command::Ask { question, raw }).await;
        answered.await.ok()
    }

    /// Has something decided; answers with the number of its entry once it is durable. `None`: the document has
    /// been closed.
    pub async fn act(&self, decision: Decision, by: By) -> Option<Result<Option<u64>, Refusal>> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Act { decision, by, answer }).await;
        answered.await.ok()
    }

    /// Hands in what a draft publishes; answers, once it is durable, with how many changes were taken, or with nothing
    /// where it has published before, durably. `None`: the document has been closed.
    pub async fn publish(&self, member: Member, net: NetChange) -> Option<Option<usize>> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Publish { member, net, answer }).await;
        answered.await.ok()
    }

    /// What was told of it last to who shows it.
    pub async fn editions(&self) -> MutexGuard<'_, Editions> {
        self.editions.lock().await
    }

    /// Its events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<DocumentEvent> {
        self.events.subscribe()
    }

    /// Whether its task has ended (the store failed): whoever needs it opens it anew.
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Whether nothing would be missed without its task: this is the only handle, nobody watches, no connection is
    /// in it, all that it was ever asked is done and durable, and it waits for no moment. Whoever holds the only
    /// handle may drop it then, and open the document anew.
    pub fn is_at_rest(&self) -> bool {
        // Whoever sends counts first and has a handle while it does, so in this order nothing is overlooked.
        self.commands.strong_count() == 1
            && self.events.receiver_count() == 0
            && self.rest.at_rest_after.load(Ordering::SeqCst) == self.rest.sent.load(Ordering::SeqCst)
    }

    async fn command(&self, command: Command) {
        self.rest.sent.fetch_add(1, Ordering::SeqCst);
        // A closed document has told its connections so; what they still send goes nowhere.
        let _ = self.commands.send(command).await;
    }
}

/// A document that is not whole yet, or just became so.
struct Opening<K> {
    opened: Opened,
    facts: Facts,
    keep: K,
    inbox: Inbox,
}

impl<K: Keep> Opening<K> {
    async fn run(mut self, events: broadcast::Sender<DocumentEvent>, rest: Arc<Rest>) {
        let mut received = 0;
        let hub = match self.opened.whole(&self.facts, &mut self.inbox, &mut received).await {
            Ok(hub) => hub,
            Err(why) => {
                tracing::error!(
                    why,
                    "a snapshot does not agree with its log; the document is opened anew without it"
                );
                self.keep.forget_snapshot();
                while let Some(command) = self.inbox.try_recv() {
                    if let Command::Join { outbox, .. } = command {
                        let reason = "the server opens this document anew; your copy keeps what it has";
                        outbox.close(Closing { code: 4507, reason: reason.to_owned() });
                    }
                }
                return;
            }
        };
        let (stored_sender, stored) = mpsc::unbounded_channel();
        let task = Task {
            durable: Ends::of(&hub),
            hub,
            facts: self.facts,
            keep: self.keep,
            outboxes: HashMap::new(),
            events,
            due: Pending::default(),
            to_store: Vec::new(),
            refused: 0,
            kept: 0,
            quiet_at: None,
            stored: stored_sender,
            received,
            is_behind: false,
            rest,
        };
        task.run(self.inbox, stored).await;
    }
}

struct Task<K> {
    hub: Hub,
    facts: Facts,
    keep: K,
    outboxes: HashMap<ConnectionId, Outbox>,
    events: broadcast::Sender<DocumentEvent>,
    /// What is durable.
    durable: Ends,
    /// What waits for that.
    due: Pending<Due>,
    to_store: Vec<Kept>,
    /// How many refused changes have been handed in, and how many of them are durable.
    refused: u64,
    kept: u64,
    /// How many commands have come in.
    received: u64,
    rest: Arc<Rest>,
    /// Something waits for this task: then it leaves writing to the connections' own.
    is_behind: bool,
    stored: mpsc::UnboundedSender<Stored>,
    /// When it will have been quiet.
    quiet_at: Option<Instant>,
}

impl<K: Keep> Task<K> {
    async fn run(mut self, mut inbox: Inbox, mut stored: mpsc::UnboundedReceiver<Stored>) {
        // What an earlier run left undone is done soon.
        self.quiet_at = Some(Instant::now() + QUIET);
        loop {
            let rest = self.rest();
            let asked = self.is_asked();
            tokio::select! {
                biased;
                Some(result) = stored.recv() => {
                    // Of what became durable together, the last of each kind says all.
                    let (mut ends, mut refused, mut next) = (None, None, Ok(result));
                    while let Ok(result) = next {
                        match result {
                            Ok(Durable::Ends(reached)) => ends = Some(reached),
                            Ok(Durable::Refused(kept)) => refused = Some(kept),
                            Err(()) => return self.fail(),
                        }
                        next = stored.try_recv();
                    }
                    self.is_behind = !inbox.is_empty();
                    if let Some(ends) = ends {
                        self.reached(ends);
                    }
                    if let Some(refused) = refused {
                        self.kept = refused;
                        self.event(Event::Kept { refused });
                    }
                }
                () = sleep_until(rest.unwrap_or_else(Instant::now)), if rest.is_some() && !asked => {
                    self.quiet_at = None;
                    self.event(Event::Quiet);
                }
                command = inbox.recv(), if !asked => {
                    let Some(command) = command else { return };
                    self.is_behind = !inbox.is_empty();
                    self.command(command);
                    for _ in 1..BATCH {
                        if self.is_asked() {
                            break;
                        }
                        let Some(command) = inbox.try_recv() else { break };
                        self.command(command);
                    }
                }
            }
            self.store();
            self.answer();
            let after = if self.is_at_rest() { self.received } else { BUSY };
            self.rest.at_rest_after.store(after, Ordering::SeqCst);
        }
    }

    /// Whether a question waits. Until it is answered nothing more is taken in: the answer would tell of that, too,
    /// and it would not be durable.
    fn is_asked(&self) -> bool {
        self.durable != Ends::of(&self.hub) && self.due.iter().any(|due| matches!(due, Due::Ask(_)))
    }

    /// Whether there is nothing to do, and nothing to wait for but a command.
    fn is_at_rest(&self) -> bool {
        self.outboxes.is_empty()
            && self.due.is_empty()
            && self.durable == Ends::of(&self.hub)
            && self.kept == self.refused
            && self.rest().is_none()
    }

    fn command(&mut self, command: Command) {
        self.received += 1;
        match command {
            Command::Join { connection, member, outbox } => {
                self.outboxes.insert(connection, outbox);
                self.event(Event::Open { connection, member });
            }
            Command::Event(event) => {
                if let Event::Closed { connection } = &event {
                    self.outboxes.remove(connection);
                }
                self.event(event);
            }
            Command::Ask { question, .. } => self.await_durable(Due::Ask(question)),
            Command::Act { decision, by, answer } => {
                let mut effects = Vec::new();
                let outcome = self.hub.act(now(), &decision, by, &mut effects);
                self.perform(effects);
                self.quiet_at.get_or_insert_with(|| Instant::now() + QUIET);
                // Whoever asked may be gone; what is decided is decided.
                self.await_durable(Due::Answer(Box::new(move || drop(answer.send(outcome)))));
            }
            Command::Publish { member, net, answer } => {
                let mut effects = Vec::new();
                let taken = self.hub.publish(&member, &net, &mut effects);
                self.perform(effects);
                // Whoever asked may be gone; what is taken is taken.
                self.await_durable(Due::Answer(Box::new(move || {
                    let _ = answer.send(taken);
                })));
            }
        }
    }

    fn await_durable(&mut self, due: Due) {
        self.due.push(Ends::of(&self.hub), due);
    }

    /// When to look after what can wait: once it is quiet, or at a round's deadline.
    fn rest(&self) -> Option<Instant> {
        let left = self.hub.deadline().map(|deadline| deadline.0.saturating_sub(now().0).max(0));
        let deadline = left
            .and_then(|ms| u64::try_from(ms).ok())
            // A long way off is looked at again in a while.
            .map(|ms| Instant::now() + Duration::from_millis(ms.min(3_600_000)));
        [self.quiet_at, deadline].into_iter().flatten().min()
    }

    fn reached(&mut self, durable: Ends) {
        self.durable = durable;
        self.event(Event::Stored { durable: durable.changes });
        if let Some(snapshot) = self.hub.snapshot_beside_writing() {
            self.keep.snapshot(snapshot);
        }
    }

    fn event(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.hub.handle(now(), event, &mut effects);
        if self.hub.has_to_spare() {
            self.quiet_at.get_or_insert_with(|| Instant::now() + QUIET);
        }
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => {
                    if let Some(outbox) = self.outboxes.get(&to) {
                        let frame = Outgoing::Shared(frame);
                        if self.is_behind { outbox.queue(frame) } else { outbox.send(frame) }
                    }
                }
                Effect::Tell { to, message } => {
                    if let Some(outbox) = self.outboxes.get(&to) {
                        outbox.send(Outgoing::Tell(message));
                    }
                }
                Effect::Close { connection, closing } => {
                    if let Some(outbox) = self.outboxes.remove(&connection) {
                        outbox.close(closing);
                    }
                }
                Effect::Store(changes) => {
                    self.quiet_at = Some(Instant::now() + QUIET);
                    self.to_store.push(Kept::Changes(changes));
                }
                Effect::Enter(entry) => {
                    entry.events.iter().for_each(|event| self.await_durable(Due::Publish(event.clone())));
                    self.to_store.push(Kept::Entry(entry));
                }
                Effect::Quarantine(refused) => {
                    count_refused(&refused, true);
                    self.refused += 1;
                    let done = self.done(Durable::Refused(self.refused));
                    self.keep.quarantine(refused, now(), done);
                }
                Effect::Unkept(refused) => count_refused(&refused, false),
                // Nobody may be listening.
                Effect::Publish(event) => drop(self.events.send(event)),
                Effect::KeepSnapshot(snapshot) => self.keep.snapshot(snapshot),
            }
        }
    }

    /// Stores what came in together, so that it shares one flush.
    fn store(&mut self) {
        if self.to_store.is_empty() {
            return;
        }
        let durable = Ends::of(&self.hub);
        let kept = std::mem::take(&mut self.to_store);
        let changes = kept.iter().map(|one| match one {
            Kept::Changes(changes) => changes.len(),
            Kept::Entry(entry) => usize::from(entry.change.is_some()),
        });
        metrics::counter!("codraft_changes_total").increment(changes.sum::<usize>() as u64);
        let done = self.done(Durable::Ends(durable));
        self.keep.store(kept, now(), done);
    }

    /// What the store calls once something is durable, or cannot be made so.
    fn done(&self, durable: Durable) -> Box<dyn FnOnce(bool) + Send> {
        let stored = self.stored.clone();
        Box::new(move |ok| {
            // The task may have ended; then nobody waits for an acknowledgement.
            let _ = stored.send(if ok { Ok(durable) } else { Err(()) });
        })
    }

    /// Lets out what has become due.
    fn answer(&mut self) {
        while let Some(due) = self.due.next(self.durable) {
            match due {
                // Nobody may be listening.
                Due::Publish(event) => drop(self.events.send(event)),
                Due::Answer(answer) => answer(),
                Due::Ask(question) => question(&mut self.hub, &self.facts),
            }
        }
    }

    /// The store refused: what passed the gate but is not durable must not be built upon. The document is
    /// closed, and rebuilt from its log by whoever opens it next.
    fn fail(self) {
        let reason = "the server could not store this change; your copy keeps it and sends it again later";
        for outbox in self.outboxes.values() {
            outbox.close(Closing { code: 4507, reason: reason.to_owned() });
        }
    }
}

/// Counts a refused change, and says in the log whose it is.
fn count_refused(refused: &Refused, kept: bool) {
    metrics::counter!("codraft_refused_changes_total", "code" => refused.code).increment(1);
    let (account, code) = (&refused.member.account, refused.code);
    if kept {
        tracing::warn!(account, code, "refused a change");
    } else {
        metrics::counter!("codraft_unkept_changes_total").increment(1);
        tracing::warn!(account, code, "refused a change, and quarantine has no room for it");
    }
}

/// The time of day.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
