//! The short way to a connection: a small frame, while nothing else waits to be written there, is written to the socket
//! by whoever has it, and the connection's task is not woken. To relay one edit to a hundred readers then takes a
//! hundred system calls, and not a hundred tasks besides.
//!
//! Everything that is written goes through [`Writing`], whose lock says whose turn it is. Frames stay whole, and in
//! their order: nobody takes the short way while the task has something to write, or is in the middle of it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite as _;
use tokio::net::tcp::OwnedWriteHalf;

/// Bytes of the largest message that goes the short way.
const SMALL: usize = 4 << 10;
/// A websocket's first byte for a binary message in one frame.
const BINARY: u8 = 0x82;

/// The writing half of a connection that is not encrypted.
#[derive(Debug)]
pub struct Writing(Mutex<State>);

#[derive(Debug)]
struct State {
    half: OwnedWriteHalf,
    /// The task's last write was not taken whole: what follows belongs behind it.
    cut: bool,
    /// What is left of a frame that went the short way.
    rest: Vec<u8>,
    /// Messages that the task has been given and has not written.
    owed: usize,
    /// Bytes that went the short way since the task last asked.
    sent: usize,
}

/// What became of a message that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is written.
    Written,
    /// It is written in part: the task owes a flush, and no message. So many bytes are left.
    Begun(usize),
    /// It is not: the task owes it.
    Declined,
}

impl Writing {
    /// Over one half of a socket.
    pub fn new(half: OwnedWriteHalf) -> Self {
        Self(Mutex::new(State { half, cut: false, rest: Vec::new(), owed: 0, sent: 0 }))
    }

    /// A panic while it was held would leave a frame cut at worst, which the other side notices.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers a message of two parts. `before` is called if it goes the short way, before anybody can have read it.
    pub fn offer(&self, body: &[u8], tail: &[u8], before: impl FnOnce()) -> Offered {
        let mut state = self.state();
        let len = body.len() + tail.len();
        if state.owed > 0 || state.cut || len > SMALL {
            state.owed += 1;
            return Offered::Declined;
        }
        before();
        let frame = frame(body, tail);
        // An error is for the task to meet, which ends the connection.
        let written = state.half.try_write(&frame).unwrap_or(0);
        if written == 0 {
            state.owed += 1;
            return Offered::Declined;
        }
        state.sent += len;
        state.rest.extend(frame.into_iter().skip(written));
        if state.rest.is_empty() {
            return Offered::Written;
        }
        state.owed += 1;
        Offered::Begun(state.rest.len())
    }

    /// Takes note of a message that only the task can write.
    pub fn owe(&self) {
        self.state().owed += 1;
    }

    /// The task has written, to the last byte, so many messages that it owed.
    pub fn paid(&self, messages: usize) {
        let mut state = self.state();
        state.owed = state.owed.saturating_sub(messages);
    }

    /// Bytes that went the short way since this was last asked.
    pub fn take_sent(&self) -> usize {
        std::mem::take(&mut self.state().sent)
    }

    /// As [`tokio::io::AsyncWrite::poll_write_vectored`].
    pub fn poll_write(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        ready!(state.poll_rest(context))?;
        let written = match slices {
            [one] => Pin::new(&mut state.half).poll_write(context, one),
            _ => Pin::new(&mut state.half).poll_write_vectored(context, slices),
        };
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        state.cut = !matches!(written, Poll::Ready(Ok(n)) if n == len);
        written
    }

    /// As [`tokio::io::AsyncWrite::poll_flush`].
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        ready!(state.poll_rest(context))?;
        Pin::new(&mut state.half).poll_flush(context)
    }

    /// As [`tokio::io::AsyncWrite::poll_shutdown`].
    pub fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        ready!(state.poll_rest(context))?;
        Pin::new(&mut state.half).poll_shutdown(context)
    }
}

impl State {
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.half).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        // Idle connections hold no memory for it.
        self.rest = Vec::new();
        Poll::Ready(Ok(()))
    }
}

/// A binary message in one frame, of at most [`SMALL`] bytes (RFC 6455, 5.2). One piece: a write of several costs more
/// than to copy them.
fn frame(body: &[u8], tail: &[u8]) -> Vec<u8> {
    let len = body.len() + tail.len();
    let mut frame = Vec::with_capacity(len + 4);
    frame.push(BINARY);
    match u8::try_from(len) {
        Ok(len) if len < 126 => frame.push(len),
        _ => {
            let [.., high, low] = len.to_be_bytes();
            frame.extend_from_slice(&[126, high, low]);
        }
    }
    frame.extend_from_slice(body);
    frame.extend_from_slice(tail);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn no_frame_gets_into_what_the_task_has_written_in_part() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_reading, half) = listener.accept().await.unwrap().0.into_split();
        let writing = Writing::new(half);
        // More than any socket buffers, a websocket's own pong or close among it.
        let all = vec![7; 16 << 20];
        let first = poll_fn(|context| writing.poll_write(context, &[IoSlice::new(&all)])).await.unwrap();
        assert!(first < all.len());
        assert_eq!(writing.offer(b"body", b"tail", || panic!("it does not go out")), Offered::Declined);
        writing.paid(1);
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.unwrap();
            read
        });
        let mut left = &all[first..];
        while !left.is_empty() {
            let written =
                poll_fn(|context| writing.poll_write(context, &[IoSlice::new(left)])).await.unwrap();
            left = &left[written..];
        }
        let mut told = false;
        assert_eq!(writing.offer(b"body", b"tail", || told = true), Offered::Written);
        assert_eq!((told, writing.take_sent()), (true, 8));
        assert_eq!(writing.offer(&[1; 200], b"", || ()), Offered::Written);
        assert_eq!(writing.offer(&[1; SMALL + 1], b"", || ()), Offered::Declined);
        drop((writing, _reading));
        let read = reader.await.unwrap();
        let expected = [&all[..], b"\x82\x08bodytail", b"\x82\x7e\x00\xc8", &[1; 200][..]].concat();
        assert!(read == expected, "{} bytes instead of {}", read.len(), expected.len());
    }
}
