//! The limit of what a websocket server can do on this machine: it relays every message, as the same bytes,
//! to everybody else. It reads nothing but `join`, stores nothing, and refuses nothing.

use bytes::Bytes;
use codraft_protocol::wire::{Frame, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

type Everybody = Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Bytes>>>>;

/// Serves until the process ends.
///
/// # Errors
/// Where it cannot listen.
pub async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let everybody = Everybody::default();
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await?;
        number += 1;
        tokio::spawn(relay(number, stream, Arc::clone(&everybody)));
    }
}

async fn relay(me: u64, stream: TcpStream, everybody: Everybody) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // tungstenite as it comes, with its default buffers.
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut sink, mut stream) = socket.split();
    let (queue, mut waiting) = mpsc::unbounded_channel::<Bytes>();
    everybody.lock().unwrap_or_else(PoisonError::into_inner).insert(me, queue.clone());
    let writing = tokio::spawn(async move {
        while let Some(mut bytes) = waiting.recv().await {
            loop {
                if sink.feed(Message::Binary(bytes)).await.is_err() {
                    return;
                }
                match waiting.try_recv() {
                    Ok(next) => bytes = next,
                    Err(_) => break,
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(bytes) = message else { continue };
        // Only the first message is a join, and all that is larger is none.
        if bytes.len() < 200
            && let Ok(Frame::Join { sender, .. }) = Frame::decode(&bytes)
        {
            let metadata = PeerMetadata::default();
            let server = "limit".to_owned();
            let frame = Frame::Peer { sender: server, target: sender, metadata, version: "1".to_owned() };
            let _ = queue.send(frame.encode());
            continue;
        }
        for (other, queue) in everybody.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if *other != me {
                let _ = queue.send(bytes.clone());
            }
        }
    }
    everybody.lock().unwrap_or_else(PoisonError::into_inner).remove(&me);
    writing.abort();
}
