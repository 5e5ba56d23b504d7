//! A document that goes on from a snapshot can be read before its log is: questions are answered meanwhile, and all else
//! waits, in its order, until the log is there and has been compared with the snapshot.

use super::inbox::Inbox;
use crate::hub::read::Facts;
use crate::hub::{Continued, Hub, Unparsed};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedReceiver;

/// Changes of a log that another thread reads, some at a time; and why it could not, if it could not.
pub type Reading = UnboundedReceiver<Result<Unparsed, String>>;

/// The changes that a snapshot is of, while they are being read.
#[derive(Debug)]
pub struct History(VecDeque<Reading>);

impl History {
    /// Of stretches that follow one another.
    pub fn of(stretches: Vec<Reading>) -> Self {
        Self(stretches.into())
    }

    /// The next ones; `None` behind the last.
    async fn next(&mut self) -> Option<Result<Unparsed, String>> {
        while let Some(reading) = self.0.front_mut() {
            match reading.recv().await {
                Some(some) => return Some(some),
                None => drop(self.0.pop_front()),
            }
        }
        None
    }
}

/// An opened document.
#[derive(Debug)]
pub enum Opened {
    /// All of it is there.
    Whole(Box<Hub>),
    /// It can be read; its log is on the way.
    Readable(Box<Continued>, History),
}

impl Opened {
    /// The document, to be read.
    pub fn hub(&mut self) -> &mut Hub {
        match self {
            Self::Whole(hub) => hub,
            Self::Readable(continued, _) => continued.hub(),
        }
    }

    /// The whole document, once its log is there; meanwhile `inbox` is answered what can be, and `answered` counts that.
    ///
    /// # Errors
    /// Why the snapshot is not one of this log, or the log cannot be read.
    pub(super) async fn whole(
        self,
        facts: &Facts,
        inbox: &mut Inbox,
        answered: &mut u64,
    ) -> Result<Hub, String> {
        let (mut continued, mut history) = match self {
            Self::Whole(hub) => return Ok(*hub),
            Self::Readable(continued, history) => (continued, history),
        };
        loop {
            // Neither first: whoever asks again and again must not keep the others waiting for ever.
            tokio::select! {
                question = inbox.question() => {
                    question(continued.hub(), facts);
                    *answered += 1;
                }
                some = history.next() => match some {
                    Some(some) => continued.take(&some?).map_err(|why| why.to_string())?,
                    None => return continued.whole().map_err(|why| why.to_string()),
                }
            }
        }
    }

    /// The whole document; blocks until its log is there.
    ///
    /// # Errors
    /// As [`Opened::whole`].
    pub fn wait(self) -> Result<Hub, String> {
        let (mut continued, history) = match self {
            Self::Whole(hub) => return Ok(*hub),
            Self::Readable(continued, history) => (continued, history),
        };
        for mut reading in history.0 {
            while let Some(some) = reading.blocking_recv() {
                continued.take(&some?).map_err(|why| why.to_string())?;
            }
        }
        continued.whole().map_err(|why| why.to_string())
    }
}
