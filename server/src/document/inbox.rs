//! What a document is asked, in the order in which it came.

use crate::hub::read::Facts;
use crate::hub::{ConnectionId, Event, Hub, Member, NetChange};
use crate::outbox::Outbox;
use codraft_protocol::api::By;
use codraft_protocol::round::{Command as Decision, Refusal};
use std::collections::VecDeque;
use tokio::sync::{mpsc, oneshot};

/// Commands that may be held back before others wait, whatever they are.
const HELD: usize = 1024;

pub(super) type Question = Box<dyn FnOnce(&mut Hub, &Facts) + Send>;

pub(super) enum Command {
    Join {
        connection: ConnectionId,
        member: Member,
        outbox: Outbox,
    },
    Event(Event),
    /// A question, answered once all that came before it is durable, and before anything else comes.
    Ask {
        question: Question,
        /// Whether it is about changes as they came, which are not there while the log is being read.
        raw: bool,
    },
    /// Something to be decided; answered once it is durable.
    Act {
        decision: Decision,
        by: By,
        answer: oneshot::Sender<Result<Option<u64>, Refusal>>,
    },
    /// What a draft publishes; answered, once it is durable, with how many changes were taken, or that it has
    /// published before.
    Publish {
        member: Member,
        net: NetChange,
        answer: oneshot::Sender<Option<usize>>,
    },
}

/// The receiving end.
pub(super) struct Inbox {
    /// What is held back until the document is whole.
    held: VecDeque<Command>,
    commands: mpsc::Receiver<Command>,
}

impl Inbox {
    pub(super) fn new(commands: mpsc::Receiver<Command>) -> Self {
        Self { held: VecDeque::new(), commands }
    }

    /// The next one; `None` once nobody can ask any more. Loses nothing where it is not waited for to its end.
    pub(super) async fn recv(&mut self) -> Option<Command> {
        match self.held.pop_front() {
            Some(held) => Some(held),
            None => self.commands.recv().await,
        }
    }

    /// The next one, if there is one.
    pub(super) fn try_recv(&mut self) -> Option<Command> {
        self.held.pop_front().or_else(|| self.commands.try_recv().ok())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.commands.is_empty()
    }

    /// The next question that can be answered from the index alone, past all that cannot, which is held back. For ever,
    /// where there is too much of that, or nobody can ask any more.
    pub(super) async fn question(&mut self) -> Question {
        while self.held.len() < HELD {
            match self.commands.recv().await {
                Some(Command::Ask { question, raw: false }) => return question,
                Some(command) => self.held.push_back(command),
                None => break,
            }
        }
        std::future::pending().await
    }
}
