//! Brings a long history to a server: single-character changes by all writers in turn.

use super::client::{Client, Failed, Socket, connect, join};
use super::contender::{PATIENCE, Running, Subject};
use super::edits::{Edit, History};
use crate::server::Server;
use automerge::{Automerge, ChangeHash, TextEncoding};
use bytes::Bytes;
use codraft_protocol::sync::{Have, SyncMessage};
use codraft_protocol::wire::Frame;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// How long a store seals nothing before it counts as being at rest.
const QUIET: Duration = Duration::from_millis(500);

/// Changes in one message.
const TURN: usize = 500;

/// A writer's connection that only brings changes.
struct Bringer {
    sink: SplitSink<Socket, Message>,
    me: String,
    server: String,
    heads: watch::Receiver<Result<Vec<ChangeHash>, Failed>>,
}

async fn listen(mut stream: SplitStream<Socket>, said: watch::Sender<Result<Vec<ChangeHash>, Failed>>) {
    while let Some(message) = stream.next().await {
        let word = match message {
            Ok(Message::Binary(bytes)) => match Frame::decode(&bytes) {
                Ok(Frame::Sync { data, .. }) => {
                    SyncMessage::decode(&data).map(|message| message.heads).map_err(|e| e.to_string())
                }
                Ok(Frame::Error { message, .. }) => Err(message),
                _ => continue,
            },
            Ok(Message::Close(frame)) => Err(format!("closed by the server: {frame:?}")),
            Ok(_) => continue,
            Err(error) => Err(error.to_string()),
        };
        if said.send(word).is_err() {
            return;
        }
    }
}

impl Bringer {
    async fn open(url: &str) -> Result<Self, Failed> {
        let mut socket = connect(url).await?;
        let me = format!("bringer-{:08x}", rand::random::<u32>());
        let server = join(&mut socket, &me).await?;
        let (sink, stream) = socket.split();
        let (said, heads) = watch::channel(Ok(Vec::new()));
        tokio::spawn(listen(stream, said));
        Ok(Self { sink, me, server, heads })
    }

    async fn bring(&mut self, document: &str, shared: &[ChangeHash], edits: &[Edit]) -> Result<(), Failed> {
        let heads = edits.last().map_or_else(|| shared.to_vec(), |edit| vec![edit.hash]);
        let have = vec![Have { last_sync: shared.to_vec(), ..Have::default() }];
        let changes: Vec<Bytes> = edits.iter().map(|edit| edit.raw.clone()).collect();
        let message = SyncMessage { heads: heads.clone(), have, changes, ..SyncMessage::default() };
        let (sender, target) = (self.me.clone(), self.server.clone());
        let data = message.encode().into();
        let frame = Frame::Sync { sender, target, document: document.to_owned(), data, request: false };
        self.sink.send(Message::Binary(frame.encode())).await.map_err(|e| e.to_string())?;
        if edits.is_empty() {
            return Ok(());
        }
        let settled = self.heads.wait_for(|said| said.as_ref().map_or(true, |said| *said == heads));
        let said = timeout(PATIENCE, settled).await.map_err(|_| "changes were never acknowledged")?;
        said.map_err(|_| "the connection ended")?.clone().map(drop)
    }
}

/// How many values the server has sealed since it was started.
fn sealed(server: &Server) -> Result<u64, Failed> {
    let answer = ureq::get(format!("{}/metrics", server.url)).call();
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string());
    let text = text.map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("codraft_sealed_values_total "));
    line.and_then(|count| count.parse().ok())
        .ok_or_else(|| "the server does not say what it sealed".to_owned())
}

/// Waits until the store has sealed what there is to seal, as that of a server has which was left alone for a while.
async fn rest(server: &Server) -> Result<(), Failed> {
    let (mut last, mut since) = (sealed(server)?, Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(QUIET / 10).await;
        let now = sealed(server)?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

/// Brings so many changes, and returns how long the server took to acknowledge them all. After each of `pauses` parts of
/// them codraft's store comes to rest.
///
/// # Errors
/// What the server says.
pub async fn bring(
    running: &Running,
    subject: &Subject,
    length: usize,
    pauses: usize,
) -> Result<Duration, Failed> {
    let mut history = History::new(&subject.plan, subject.writers.len(), TURN);
    let Some(server) = running.codraft() else {
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        let mut chunks: Vec<u8> = subject.plan.changes.iter().flat_map(|(_, raw)| raw.to_vec()).collect();
        history.all(&subject.plan, length).iter().for_each(|(_, edit)| chunks.extend_from_slice(&edit.raw));
        doc.load_incremental(&chunks).map_err(|error| error.to_string())?;
        let started = Instant::now();
        let mut client = Client::open(&subject.writers[0], &subject.document, Some(doc)).await?;
        client.settle(PATIENCE * 5).await?;
        return Ok(started.elapsed());
    };
    let mut bringers = Vec::new();
    for url in &subject.writers {
        let mut bringer = Bringer::open(url).await?;
        bringer.bring(&subject.document, &subject.plan.heads, &[]).await?;
        bringers.push(bringer);
    }
    let (mut brought, mut shared, mut took) = (0, subject.plan.heads.clone(), Duration::ZERO);
    let part = length.div_ceil(pauses.max(1));
    let mut next = if pauses == 0 { usize::MAX } else { part };
    while brought < length {
        let (who, edits) = history.next(&subject.plan, length - brought);
        let started = Instant::now();
        bringers[who].bring(&subject.document, &shared, &edits).await?;
        took += started.elapsed();
        brought += edits.len();
        if brought >= next {
            rest(server).await?;
            next += part;
        }
        shared = edits.last().map(|edit| vec![edit.hash]).unwrap_or(shared);
    }
    Ok(took)
}
