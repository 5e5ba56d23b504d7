//! The task of one open document: feeds its hub, one event after another, and performs what it decides.

use crate::hub::read::Facts;
use crate::hub::{Closing, ConnectionId, Effect, Event, Hub, Member, NewChange, Refused};
use crate::outbox::{Outbox, Outgoing};
use codraft_protocol::api::DocumentEvent;
use codraft_protocol::time::Timestamp;
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Commands that may wait for one document before connections have to wait.
const COMMANDS: usize = 1024;
/// Commands that are handled before what they caused is stored together.
const BATCH: usize = 256;
/// Events that a slow reader of the event stream may lag behind.
const EVENTS: usize = 1024;

/// What a document asks of the store.
pub trait Keep: Send + 'static {
    /// Stores changes durably and in order, then calls `done` with whether they are.
    fn store(&mut self, changes: Vec<NewChange>, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>);
    /// Keeps a refused change durably, then calls `done` with whether it is.
    fn quarantine(&mut self, refused: Refused, at: Timestamp, done: Box<dyn FnOnce(bool) + Send>);
}

/// What has become durable: changes up to a number, or so many refused ones. `Err`: something could not be stored.
type Stored = Result<Event, ()>;

type Question = Box<dyn FnOnce(&mut Hub, &Facts) + Send>;

enum Command {
    Join {
        connection: ConnectionId,
        member: Member,
        outbox: Outbox,
    },
    Event(Event),
    /// A question about the text, answered once all that came before it is durable.
    Ask(Question),
}

/// A handle on an open document; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    events: broadcast::Sender<DocumentEvent>,
}

impl Handle {
    /// Starts the document's task.
    pub fn start(hub: Hub, facts: Facts, keep: impl Keep) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (events, _) = broadcast::channel(EVENTS);
        let (stored_sender, stored) = mpsc::unbounded_channel();
        let task = Task {
            hub,
            facts,
            keep,
            outboxes: HashMap::new(),
            events: events.clone(),
            questions: Vec::new(),
            to_store: Vec::new(),
            refused: 0,
            stored: stored_sender,
        };
        tokio::spawn(task.run(inbox, stored));
        Self { commands, events }
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
        let (answer, answered) = oneshot::channel();
        let ask: Question = Box::new(move |hub, facts| {
            // Whoever asked may have gone in the meantime.
            let _ = answer.send(question(hub, facts));
        });
        self.command(Command::Ask(ask)).await;
        answered.await.ok()
    }

    /// Its events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<DocumentEvent> {
        self.events.subscribe()
    }

    /// Whether its task has ended (the store failed): whoever needs it opens it anew.
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    async fn command(&self, command: Command) {
        // A closed document has told its connections so; what they still send goes nowhere.
        let _ = self.commands.send(command).await;
    }
}

struct Task<K> {
    hub: Hub,
    facts: Facts,
    keep: K,
    outboxes: HashMap<ConnectionId, Outbox>,
    events: broadcast::Sender<DocumentEvent>,
    /// Questions, each with the number of changes that must be durable before it is answered.
    questions: Vec<(u32, Question)>,
    to_store: Vec<NewChange>,
    /// How many refused changes have been handed in.
    refused: u64,
    stored: mpsc::UnboundedSender<Stored>,
}

impl<K: Keep> Task<K> {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, mut stored: mpsc::UnboundedReceiver<Stored>) {
        loop {
            tokio::select! {
                biased;
                Some(result) = stored.recv() => {
                    // Of what became durable together, the last of each kind says all.
                    let (mut changes, mut refused, mut next) = (None, None, Ok(result));
                    while let Ok(result) = next {
                        match result {
                            Ok(event @ Event::Stored { .. }) => changes = Some(event),
                            Ok(event) => refused = Some(event),
                            Err(()) => return self.fail(),
                        }
                        next = stored.try_recv();
                    }
                    changes.into_iter().chain(refused).for_each(|event| self.event(event));
                }
                command = inbox.recv() => {
                    let Some(command) = command else { return };
                    self.command(command);
                    for _ in 1..BATCH {
                        let Ok(command) = inbox.try_recv() else { break };
                        self.command(command);
                    }
                }
            }
            self.store();
            self.answer();
        }
    }

    fn command(&mut self, command: Command) {
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
            Command::Ask(question) => self.questions.push((self.hub.folded(), question)),
        }
    }

    fn event(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.hub.handle(now(), event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => {
                    if let Some(outbox) = self.outboxes.get(&to) {
                        outbox.send(Outgoing::Shared(frame));
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
                Effect::Store(changes) => self.to_store.extend(changes),
                Effect::Quarantine(refused) => {
                    metrics::counter!("codraft_refused_changes_total", "code" => refused.code).increment(1);
                    tracing::warn!(account = refused.member.account, code = refused.code, "refused a change");
                    self.refused += 1;
                    let done = self.done(Event::Kept { refused: self.refused });
                    self.keep.quarantine(refused, now(), done);
                }
                // Nobody may be listening.
                Effect::Publish(event) => drop(self.events.send(event)),
            }
        }
    }

    /// Stores what came in together, so that it shares one flush.
    fn store(&mut self) {
        let Some(last) = self.to_store.last() else { return };
        let durable = last.number + 1;
        let changes = std::mem::take(&mut self.to_store);
        metrics::counter!("codraft_changes_total").increment(changes.len() as u64);
        let done = self.done(Event::Stored { durable });
        self.keep.store(changes, now(), done);
    }

    /// What the store calls once something is durable, or cannot be made so.
    fn done(&self, event: Event) -> Box<dyn FnOnce(bool) + Send> {
        let stored = self.stored.clone();
        Box::new(move |ok| {
            // The task may have ended; then nobody waits for an acknowledgement.
            let _ = stored.send(if ok { Ok(event) } else { Err(()) });
        })
    }

    fn answer(&mut self) {
        let durable = self.hub.durable();
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|(n, _)| *n <= durable);
        self.questions = waiting;
        for (_, question) in ready {
            question(&mut self.hub, &self.facts);
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

/// The time of day.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
