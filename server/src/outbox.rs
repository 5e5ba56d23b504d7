//! What is to be written to one connection. While nothing waits there, a small frame goes [the short
//! way](crate::direct); what waits is bounded in messages and bytes. A reader that falls behind the bound is closed and
//! syncs again when it returns; nobody else waits for it.

use crate::direct::{Offered, Writing};
use crate::echo::Echo;
use crate::hub::Closing;
use crate::pieces;
use bytes::Bytes;
use codraft_protocol::wire::{Frame, SharedFrame, Target};
use futures_util::SinkExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;

/// Something to be written.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// A frame that goes to many; the connection addresses it.
    Shared(SharedFrame),
    /// A frame for this connection alone.
    Own(Bytes),
    /// Words for the person at the other end.
    Tell(String),
    /// What is left, so many bytes, of a frame that was written in part already.
    Rest(usize),
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Self::Shared(frame) => frame.len(),
            Self::Own(frame) => frame.len(),
            Self::Tell(text) => text.len(),
            Self::Rest(bytes) => *bytes,
        }
    }
}

/// The other end of a connection, as whoever writes to it has to know it.
#[derive(Debug)]
pub struct Addressee {
    server: String,
    peer: String,
    target: Target,
    direct: Option<Weak<Writing>>,
    echo: Mutex<Echo>,
}

impl Addressee {
    /// From the server of this name to this peer, the short way too if there is one.
    pub fn new(server: &str, peer: &str, direct: Option<Weak<Writing>>) -> Arc<Self> {
        let (server, peer, target) = (server.to_owned(), peer.to_owned(), Target::new(peer));
        Arc::new(Self { server, peer, target, direct, echo: Mutex::default() })
    }

    /// What was sent last. Every change of it is an assignment: a panic elsewhere leaves it sound.
    pub(crate) fn echo(&self) -> MutexGuard<'_, Echo> {
        self.echo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame, and what comes behind it to address it; `None` where what is left of one only has to be flushed.
    fn address(&self, outgoing: Outgoing) -> Option<(Bytes, Bytes)> {
        match outgoing {
            Outgoing::Shared(frame) => {
                self.sends(&frame);
                Some((frame.bytes().clone(), self.target.bytes().clone()))
            }
            Outgoing::Own(frame) => Some((frame, Bytes::new())),
            Outgoing::Tell(message) => {
                let (sender, target) = (self.server.clone(), Some(self.peer.clone()));
                Some((Frame::Error { sender, target, message }.encode(), Bytes::new()))
            }
            Outgoing::Rest(_) => None,
        }
    }

    fn sends(&self, frame: &SharedFrame) {
        if !frame.data().is_empty() {
            self.echo().sent(frame.data());
        }
    }

    fn writing(&self) -> Option<Arc<Writing>> {
        self.direct.as_ref().and_then(Weak::upgrade)
    }

    /// Writes something the short way, or says what the connection's task has to write instead.
    fn offer(&self, outgoing: Outgoing) -> Option<Outgoing> {
        let Some(writing) = self.writing() else { return Some(outgoing) };
        let offered = match &outgoing {
            Outgoing::Shared(frame) => {
                writing.offer(frame.bytes(), self.target.bytes(), || self.sends(frame))
            }
            Outgoing::Own(frame) => writing.offer(frame, &[], || ()),
            Outgoing::Tell(_) | Outgoing::Rest(_) => {
                writing.owe();
                Offered::Declined
            }
        };
        match offered {
            Offered::Written => None,
            Offered::Begun(left) => Some(Outgoing::Rest(left)),
            Offered::Declined => Some(outgoing),
        }
    }

    fn owe(&self) {
        if let Some(writing) = self.writing() {
            writing.owe();
        }
    }

    /// Nothing goes the short way any more: behind a websocket's last frame there must not be another one.
    pub(crate) fn shut(&self) {
        self.owe();
    }

    /// Bytes that went the short way since this was last asked.
    pub(crate) fn take_sent(&self) -> usize {
        self.writing().map_or(0, |writing| writing.take_sent())
    }
}

/// The writing end; cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    addressee: Arc<Addressee>,
    queue: mpsc::Sender<Outgoing>,
    queued: Arc<AtomicUsize>,
    limit: usize,
    closing: watch::Sender<Option<Closing>>,
}

/// The reading end, held by the connection's task.
#[derive(Debug)]
pub struct Outflow {
    addressee: Arc<Addressee>,
    queue: mpsc::Receiver<Outgoing>,
    queued: Arc<AtomicUsize>,
    closing: watch::Receiver<Option<Closing>>,
}

/// An outbox that holds `limit` bytes in at most so many messages.
pub fn outbox(addressee: Arc<Addressee>, limit: usize, messages: usize) -> (Outbox, Outflow) {
    let (sender, receiver) = mpsc::channel(messages.max(1));
    let (closing, closed) = watch::channel(None);
    let queued = Arc::new(AtomicUsize::new(0));
    let outflow = Outflow {
        addressee: Arc::clone(&addressee),
        queue: receiver,
        queued: Arc::clone(&queued),
        closing: closed,
    };
    (Outbox { addressee, queue: sender, queued, limit, closing }, outflow)
}

impl Outbox {
    /// Writes something, or queues it, or closes the connection because its reader is too slow.
    pub fn send(&self, outgoing: Outgoing) {
        if let Some(outgoing) = self.addressee.offer(outgoing) {
            self.push(outgoing);
        }
    }

    /// Queues something for the connection's task, for whoever has no time to write: then all cores write.
    pub fn queue(&self, outgoing: Outgoing) {
        self.addressee.owe();
        self.push(outgoing);
    }

    fn push(&self, outgoing: Outgoing) {
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

    /// Writes something that came out, and whatever else is ready, which shares the flush. Returns how many bytes
    /// that were.
    ///
    /// # Errors
    /// The websocket's.
    pub async fn write<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        ws: &mut WebSocketStream<S>,
        outgoing: Outgoing,
    ) -> Result<usize, Error> {
        let (mut next, mut bytes, mut messages) = (Some(outgoing), 0, 0);
        while let Some(outgoing) = next {
            if let Some((body, tail)) = self.addressee.address(outgoing) {
                bytes += body.len();
                pieces::feed(ws, body, tail).await?;
            }
            messages += 1;
            next = self.ready();
        }
        ws.flush().await?;
        if let Some(writing) = self.addressee.writing() {
            writing.paid(messages);
        }
        Ok(bytes)
    }

    /// What is ready to be written without waiting.
    fn ready(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.try_recv().ok()?;
        self.queued.fetch_sub(outgoing.len(), Ordering::Relaxed);
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use futures_util::StreamExt as _;
    use std::time::Duration;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    fn addressee() -> Arc<Addressee> {
        Addressee::new("server", "peer", None)
    }

    fn own(len: usize) -> Outgoing {
        Outgoing::Own(vec![0; len].into())
    }

    #[tokio::test]
    async fn a_slow_reader_is_closed_at_its_bound_and_not_before() {
        let (outbox, mut outflow) = outbox(addressee(), 100, 8);
        outbox.send(own(60));
        outbox.send(own(40));
        assert!(outflow.next().await.is_ok());
        outbox.send(own(50));
        outbox.send(own(60));
        assert_eq!(outflow.next().await.unwrap_err().code, 4408);
    }

    #[tokio::test]
    async fn messages_are_bounded_in_number_too() {
        let (outbox, mut outflow) = outbox(addressee(), 100, 8);
        (0..8).for_each(|_| outbox.send(own(0)));
        assert!(outflow.next().await.is_ok());
        (0..2).for_each(|_| outbox.send(own(0)));
        assert_eq!(outflow.next().await.unwrap_err().code, 4408);
    }

    #[tokio::test]
    async fn one_message_of_any_size_may_wait() {
        let (outbox, mut outflow) = outbox(addressee(), 100, 8);
        outbox.send(own(1000));
        assert!(outflow.next().await.is_ok());
        assert!(outflow.ready().is_none());
    }

    #[tokio::test]
    async fn the_first_reason_for_closing_stays() {
        let (outbox, mut outflow) = outbox(addressee(), 100, 8);
        outbox.close(Closing { code: 4401, reason: "revoked".into() });
        outbox.close(Closing { code: 1001, reason: "later".into() });
        assert_eq!(outflow.next().await.unwrap_err().code, 4401);
    }

    /// Both ends of a connection over a real socket: the server's stream, and the client's websocket.
    async fn connected() -> (Stream, WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        (Stream::plain(accepted, Duration::from_secs(20)), client)
    }

    /// A connection's task, as far as it writes: runs until the other side is gone.
    async fn serve(stream: Stream, mut outflow: Outflow) {
        let mut ws = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        loop {
            tokio::select! {
                outgoing = outflow.next() => {
                    let Ok(outgoing) = outgoing else { return };
                    if outflow.write(&mut ws, outgoing).await.is_err() {
                        return;
                    }
                }
                incoming = ws.next() => if !matches!(incoming, Some(Ok(_))) { return },
            }
        }
    }

    /// A message by its writer, number and length.
    fn message(writer: u8, number: u32, len: usize) -> Bytes {
        let mut bytes = vec![writer];
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.resize(len.max(5), writer);
        bytes.into()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_writes_and_however_slowly_it_is_read_messages_come_whole_and_in_order() {
        const EACH: u32 = 3000;
        let (stream, mut client) = connected().await;
        let addressee = Addressee::new("server", "peer", stream.direct());
        let (outbox, outflow) = outbox(Arc::clone(&addressee), 1 << 30, 1 << 20);
        let task = tokio::spawn(serve(stream, outflow));
        let len = |number: u32| match number % 50 {
            0 => 40_000,
            1 => 4096,
            2 => 4097,
            n => n as usize * 40,
        };
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let outbox = outbox.clone();
                std::thread::spawn(move || {
                    for number in 0..EACH {
                        let message = Outgoing::Own(message(writer, number, len(number)));
                        if number % 11 == 0 {
                            outbox.queue(message)
                        } else {
                            outbox.send(message)
                        }
                        if number % 7 == 0 {
                            std::thread::sleep(Duration::from_micros(200));
                        }
                    }
                })
            })
            .collect();
        let mut next = [0_u32; 3];
        let mut pongs = 0;
        while next != [EACH; 3] {
            match client.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let writer = bytes[0];
                    let number = &mut next[usize::from(writer)];
                    assert_eq!(bytes, message(writer, *number, len(*number)), "{writer}, {number}");
                    *number += 1;
                    // The task answers pings between the others' messages, and sometimes nobody reads.
                    if *number % 100 == 0 {
                        client.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
                Some(Ok(Message::Pong(_))) => pongs += 1,
                other => panic!("{other:?}"),
            }
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert!(pongs > 0);
        // And when all is written, the short way is open again.
        let direct = addressee.writing().unwrap();
        direct.take_sent();
        for _ in 0..100 {
            outbox.send(Outgoing::Own(message(0, EACH, 100)));
            if direct.take_sent() > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            direct.take_sent();
        }
        drop(direct);
        outbox.send(Outgoing::Own(message(0, EACH + 1, 100)));
        assert_eq!(addressee.take_sent(), 100, "nothing waits, and yet the task had to write");
        drop(client);
        task.await.unwrap();
        assert!(addressee.writing().is_none(), "the socket outlives its task");
    }

    #[tokio::test]
    async fn a_frame_that_is_taken_in_part_is_finished_by_the_task_before_anything_else() {
        let (stream, mut client) = connected().await;
        let addressee = Addressee::new("server", "peer", stream.direct());
        let (outbox, outflow) = outbox(Arc::clone(&addressee), 1 << 20, 1 << 10);
        // Nobody reads, and no task runs: the socket's buffers fill up by the short way alone.
        tokio::task::yield_now().await;
        let (mut sent, mut short) = (0, 0);
        while outbox.queued.load(Ordering::Relaxed) == 0 {
            outbox.send(Outgoing::Own(message(0, sent, 4000)));
            short += usize::from(addressee.take_sent() > 0);
            sent += 1;
            assert!(sent < 100_000);
            tokio::task::yield_now().await;
        }
        assert!(short > 10, "{short} of {sent}");
        for _ in 0..20 {
            outbox.send(Outgoing::Own(message(0, sent, 30)));
            sent += 1;
        }
        assert_eq!(addressee.take_sent(), 0, "nobody overtakes what waits");
        tokio::spawn(serve(stream, outflow));
        for number in 0..sent {
            let Some(Ok(Message::Binary(bytes))) = client.next().await else { panic!("no message") };
            assert_eq!(bytes.get(1..5), Some(&number.to_be_bytes()[..]));
        }
    }

    #[tokio::test]
    async fn behind_the_last_frame_there_is_none() {
        let (stream, _client) = connected().await;
        let addressee = Addressee::new("server", "peer", stream.direct());
        let (outbox, _outflow) = outbox(Arc::clone(&addressee), 1 << 20, 1 << 10);
        tokio::task::yield_now().await;
        addressee.shut();
        outbox.send(own(10));
        assert_eq!((addressee.take_sent(), outbox.queued.load(Ordering::Relaxed)), (0, 10));
    }
}
