//! What waits to be written to one connection: bounded in messages and bytes. A reader that falls behind the
//! bound is closed and syncs again when it returns; nobody else waits for it.

use crate::hub::Closing;
use bytes::Bytes;
use codraft_protocol::wire::SharedFrame;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, watch};

/// Something to be written.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// A frame that goes to many; the connection addresses it.
    Shared(SharedFrame),
    /// A frame for this connection alone.
    Own(Bytes),
    /// Words for the person at the other end.
    Tell(String),
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Self::Shared(frame) => frame.len(),
            Self::Own(frame) => frame.len(),
            Self::Tell(text) => text.len(),
        }
    }
}

/// The writing end; cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    queued: Arc<AtomicUsize>,
    limit: usize,
    closing: watch::Sender<Option<Closing>>,
}

/// The reading end, held by the connection's task.
#[derive(Debug)]
pub struct Outflow {
    queue: mpsc::Receiver<Outgoing>,
    queued: Arc<AtomicUsize>,
    closing: watch::Receiver<Option<Closing>>,
}

/// An outbox that holds `limit` bytes in at most so many messages.
pub fn outbox(limit: usize, messages: usize) -> (Outbox, Outflow) {
    let (sender, receiver) = mpsc::channel(messages.max(1));
    let (closing, closed) = watch::channel(None);
    let queued = Arc::new(AtomicUsize::new(0));
    let outflow = Outflow { queue: receiver, queued: Arc::clone(&queued), closing: closed };
    (Outbox { queue: sender, queued, limit, closing }, outflow)
}

impl Outbox {
    /// Queues something, or closes the connection because its reader is too slow.
    pub fn send(&self, outgoing: Outgoing) {
        let len = outgoing.len();
        let before = self.queued.fetch_add(len, Ordering::Relaxed);
        // One message may always wait, however large: a whole document for a newcomer.
        let fits = before == 0 || before.saturating_add(len) <= self.limit;
        if !fits || self.queue.try_send(outgoing).is_err() {
            self.queued.fetch_sub(len, Ordering::Relaxed);
            metrics::counter!("codraft_slow_readers_total").increment(1);
            let reason =
                "this connection reads too slowly; reconnect to catch up, nothing is lost".to_owned();
            self.close(Closing { code: 4408, reason });
        }
    }

    /// Closes the connection; the first reason stays.
    pub fn close(&self, closing: Closing) {
        self.closing.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(closing);
            }
            first
        });
    }
}

impl Outflow {
    /// The next thing to write; `Err` once the connection is to be closed.
    ///
    /// # Errors
    /// Why it is closed.
    pub async fn next(&mut self) -> Result<Outgoing, Closing> {
        tokio::select! {
            biased;
            closed = self.closing.wait_for(Option::is_some) => {
                let closing = closed.ok().and_then(|closing| closing.clone());
                let reason = "the server has let go of this connection".to_owned();
                Err(closing.unwrap_or(Closing { code: 1001, reason }))
            }
            next = self.queue.recv() => match next {
                Some(outgoing) => {
                    self.queued.fetch_sub(outgoing.len(), Ordering::Relaxed);
                    Ok(outgoing)
                }
                None => Err(Closing { code: 1001, reason: "the server is shutting down".to_owned() }),
            },
        }
    }

    /// What is ready to be written without waiting.
    pub fn ready(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.try_recv().ok()?;
        self.queued.fetch_sub(outgoing.len(), Ordering::Relaxed);
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(len: usize) -> Outgoing {
        Outgoing::Own(vec![0; len].into())
    }

    #[tokio::test]
    async fn a_slow_reader_is_closed_at_its_bound_and_not_before() {
        let (outbox, mut outflow) = outbox(100, 8);
        outbox.send(own(60));
        outbox.send(own(40));
        assert!(outflow.next().await.is_ok());
        outbox.send(own(50));
        outbox.send(own(60));
        assert_eq!(outflow.next().await.unwrap_err().code, 4408);
    }

    #[tokio::test]
    async fn messages_are_bounded_in_number_too() {
        let (outbox, mut outflow) = outbox(100, 8);
        (0..8).for_each(|_| outbox.send(own(0)));
        assert!(outflow.next().await.is_ok());
        (0..2).for_each(|_| outbox.send(own(0)));
        assert_eq!(outflow.next().await.unwrap_err().code, 4408);
    }

    #[tokio::test]
    async fn one_message_of_any_size_may_wait() {
        let (outbox, mut outflow) = outbox(100, 8);
        outbox.send(own(1000));
        assert!(outflow.next().await.is_ok());
        assert!(outflow.ready().is_none());
    }

    #[tokio::test]
    async fn the_first_reason_for_closing_stays() {
        let (outbox, mut outflow) = outbox(100, 8);
        outbox.close(Closing { code: 4401, reason: "revoked".into() });
        outbox.close(Closing { code: 1001, reason: "later".into() });
        assert_eq!(outflow.next().await.unwrap_err().code, 4401);
    }
}
