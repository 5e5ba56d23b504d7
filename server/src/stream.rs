//! A connection's bytes, with TLS or without, under one rule: whoever does not take what is written to it
//! within the time there is for that is let go. HTTP has no such time of its own, so a reader that stalls
//! would hold its place, and an answer in memory, for good.

use crate::direct::Writing;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// What the bytes go through.
#[derive(Debug)]
enum Bytes {
    Plain(OwnedReadHalf, Arc<Writing>),
    Tls(Box<TlsStream<TcpStream>>),
}

/// One connection's bytes.
#[derive(Debug)]
pub struct Stream {
    bytes: Bytes,
    patience: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    /// Without encryption.
    pub fn plain(stream: TcpStream, patience: Duration) -> Self {
        let (reading, writing) = stream.into_split();
        let bytes = Bytes::Plain(reading, Arc::new(Writing::new(writing)));
        Self { bytes, patience, waiting: None }
    }

    /// With TLS, after its handshake.
    pub fn tls(stream: TlsStream<TcpStream>, patience: Duration) -> Self {
        Self { bytes: Bytes::Tls(Box::new(stream)), patience, waiting: None }
    }

    /// The short way to its other side, for as long as it lives; there is none through TLS.
    pub fn direct(&self) -> Option<Weak<Writing>> {
        match &self.bytes {
            Bytes::Plain(_, writing) => Some(Arc::downgrade(writing)),
            Bytes::Tls(_) => None,
        }
    }

    /// Passes on what a write answers, unless it has been waiting for too long.
    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                metrics::counter!("codraft_slow_readers_total").increment(1);
                let words = "the other side took too long to read";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, words)))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.bytes {
            Bytes::Plain(reading, _) => Pin::new(reading).poll_read(context, buffer),
            Bytes::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.bytes {
            Bytes::Plain(_, writing) => writing.poll_write(context, &[IoSlice::new(bytes)]),
            Bytes::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.bytes {
            Bytes::Plain(_, writing) => writing.poll_write(context, slices),
            Bytes::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        };
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.bytes {
            Bytes::Plain(..) => true,
            Bytes::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.bytes {
            Bytes::Plain(_, writing) => writing.poll_flush(context),
            Bytes::Tls(stream) => Pin::new(stream).poll_flush(context),
        };
        self.in_time(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = match &mut self.bytes {
            Bytes::Plain(_, writing) => writing.poll_shutdown(context),
            Bytes::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        };
        self.in_time(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn whoever_does_not_read_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let deaf = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let mut stream = Stream::plain(accepted, Duration::from_millis(100));
        // More than any socket buffers; the last write waits, and then no longer.
        let written = stream.write_all(&vec![0; 64 << 20]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(deaf);
    }
}
