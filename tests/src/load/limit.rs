//! The limit of what a websocket server can do on this machine: it relays every message, as the same bytes,
//! to everybody else. It reads nothing but `join`, stores nothing, and refuses nothing.
//!
//! The durable limit is the same with a disk: a message with changes is appended to a file, which is synced, whatever
//! waits sharing the next sync, before it is relayed; readers acknowledge, which is read and dropped. No less can be
//! done by a server that acknowledges nothing before the disk has it.

use bytes::Bytes;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::{Frame, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc as blocking};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// Everybody's queue, by number.
#[derive(Clone, Default)]
struct Everybody(Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Bytes>>>>);

impl Everybody {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<u64, mpsc::UnboundedSender<Bytes>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn relay(&self, from: u64, bytes: &Bytes) {
        self.with(|queues| {
            for (_, queue) in queues.iter().filter(|(other, _)| **other != from) {
                // Who is gone gets nothing.
                let _ = queue.send(bytes.clone());
            }
        });
    }
}

/// Where messages go on their way to everybody.
#[derive(Clone)]
enum Way {
    Straight(Everybody),
    ByDisk(blocking::Sender<(u64, Bytes)>),
}

impl Way {
    fn take(&self, from: u64, bytes: Bytes) {
        match self {
            Self::Straight(everybody) => everybody.relay(from, &bytes),
            Self::ByDisk(disk) => {
                let Ok(Frame::Sync { data, .. }) = Frame::decode(&bytes) else { return };
                if SyncMessage::decode(&data).is_ok_and(|message| !message.changes.is_empty()) {
                    // A disk that has failed has ended the process.
                    let _ = disk.send((from, bytes));
                }
            }
        }
    }
}

/// Appends what comes, syncs, relays.
fn write(mut file: File, jobs: &blocking::Receiver<(u64, Bytes)>, everybody: &Everybody) {
    while let Ok(first) = jobs.recv() {
        let together: Vec<_> = std::iter::once(first).chain(jobs.try_iter()).collect();
        let bytes: Vec<u8> = together.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            std::process::exit(1);
        }
        together.iter().for_each(|(from, bytes)| everybody.relay(*from, bytes));
    }
}

/// Serves until the process ends; with a folder to store in, it is the durable one.
///
/// # Errors
/// Where it cannot listen, or store.
pub async fn serve(port: u16, data: Option<&Path>) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let everybody = Everybody::default();
    let way = match data {
        None => Way::Straight(everybody.clone()),
        Some(dir) => {
            let file = File::options().create(true).append(true).open(dir.join("log"))?;
            let (disk, jobs) = blocking::channel();
            let everybody = everybody.clone();
            std::thread::spawn(move || write(file, &jobs, &everybody));
            Way::ByDisk(disk)
        }
    };
    println!("listening on ws://{}/", listener.local_addr()?);
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await?;
        number += 1;
        tokio::spawn(attend(number, stream, everybody.clone(), way.clone()));
    }
}

async fn attend(me: u64, stream: TcpStream, everybody: Everybody, way: Way) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // tungstenite as it comes, with its default buffers.
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut sink, mut stream) = socket.split();
    let (queue, mut waiting) = mpsc::unbounded_channel::<Bytes>();
    everybody.with(|queues| queues.insert(me, queue.clone()));
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
    let mut has_joined = false;
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(bytes) = message else { continue };
        if has_joined {
            way.take(me, bytes);
        } else if let Ok(Frame::Join { sender, .. }) = Frame::decode(&bytes) {
            let metadata = PeerMetadata::default();
            let server = "limit".to_owned();
            let frame = Frame::Peer { sender: server, target: sender, metadata, version: "1".to_owned() };
            let _ = queue.send(frame.encode());
            has_joined = true;
        }
    }
    everybody.with(|queues| queues.remove(&me));
    writing.abort();
}
