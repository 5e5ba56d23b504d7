//! A light peer: it speaks the protocol of a real client and holds no document, so that hundreds fit beside
//! the server that is measured. A writer knows the end of the change graph, a reader which changes it has.

use super::board::{Board, Dialect, Sight};
use super::client::{Failed, Socket, connect, join, send};
use super::edits::{Pen, mark};
use super::yjs;
use automerge::ChangeHash;
use automerge::sync::BloomFilter;
use bytes::Bytes;
use codraft_protocol::authorship::{Limits, chunk};
use codraft_protocol::sync::{Have, SyncMessage};
use codraft_protocol::wire::Frame;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// The numbers of edits that a writer is to make now.
pub type Orders = mpsc::UnboundedReceiver<u32>;

/// Where a peer says that it has the document.
pub type Joined = mpsc::UnboundedSender<()>;

/// Runs a peer until it is stopped.
pub async fn run(
    number: usize,
    url: String,
    board: Arc<Board>,
    orders: Option<Orders>,
    joined: Joined,
    stop: watch::Receiver<bool>,
) -> Sight {
    let mut sight = Sight::default();
    let ended = if board.dialect == Dialect::Yjs {
        yjs::peer(number, &url, &board, orders, joined, stop, &mut sight).await
    } else {
        automerge(number, &url, &board, orders, joined, stop, &mut sight).await
    };
    sight.error = ended.err();
    sight
}

struct Peer<'a> {
    board: &'a Board,
    socket: Socket,
    me: String,
    server: String,
    pen: Option<Pen>,
    /// What it has, as far as it can say.
    heads: Vec<ChangeHash>,
    /// What both had at last.
    shared: Vec<ChangeHash>,
    /// What the server last said it has.
    theirs: Vec<ChangeHash>,
    /// What changes that have come are built on, and has not come.
    lacking: Vec<ChangeHash>,
}

async fn automerge(
    number: usize,
    url: &str,
    board: &Board,
    mut orders: Option<Orders>,
    joined: Joined,
    mut stop: watch::Receiver<bool>,
    sight: &mut Sight,
) -> Result<(), Failed> {
    let mut socket = connect(url).await?;
    let me = format!("peer-{number:05}-{:08x}", rand::random::<u32>());
    let server = join(&mut socket, &me).await?;
    let pen = orders.is_some().then(|| Pen::new(&board.plan, number as u64));
    let none = Vec::new;
    let (heads, shared, theirs, lacking) = (none(), none(), none(), none());
    let mut peer = Peer { board, socket, me, server, pen, heads, shared, theirs, lacking };
    let mut complete = board.dialect == Dialect::Broadcast;
    if complete {
        for seed in 0..board.seeds() {
            sight.seen.set(seed);
        }
        let _ = joined.send(());
    } else {
        peer.say(true, Vec::new(), Vec::new()).await?;
    }
    let timer = tokio::time::sleep(Duration::from_secs(86_400));
    tokio::pin!(timer);
    let mut due = false;
    loop {
        tokio::select! {
            _ = stop.changed() => return Ok(()),
            message = peer.socket.next() => {
                let bytes = match message {
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Close(frame))) => return Err(format!("closed by the server: {frame:?}")),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Err(error.to_string()),
                    None => return Err("the connection ended".to_owned()),
                };
                if !peer.take(&bytes, sight).await? {
                    continue;
                }
                if !complete && !peer.theirs.is_empty() && sight.seen.all(board.seeds()) {
                    complete = true;
                    let _ = joined.send(());
                }
                if !due {
                    due = true;
                    timer.as_mut().reset(Instant::now() + board.patience);
                }
            }
            () = timer.as_mut(), if due => {
                due = false;
                peer.acknowledge(sight).await?;
            }
            Some(edit) = async { orders.as_mut()?.recv().await }, if orders.is_some() => {
                peer.write(edit, sight).await?;
                due = false;
            }
        }
    }
}

fn has(board: &Board, sight: &Sight, hash: &ChangeHash) -> bool {
    board.number_of(hash).is_some_and(|number| sight.seen.has(number))
}

impl Peer<'_> {
    /// Takes in a frame. Returns whether a real client would answer it some time.
    async fn take(&mut self, bytes: &Bytes, sight: &mut Sight) -> Result<bool, Failed> {
        let now = self.board.now();
        let data = match Frame::decode(bytes).map_err(|e| e.to_string())? {
            Frame::Sync { document, data, .. } if document == self.board.document => data,
            Frame::Unavailable { .. } => return Err("the server does not have the document".to_owned()),
            Frame::Error { message, .. } => return Err(message),
            _ => return Ok(false),
        };
        let message = SyncMessage::decode(&data).map_err(|e| e.to_string())?;
        let limits = Limits { change_bytes: 64 << 20, ..Limits::default() };
        for run in &message.changes {
            for raw in chunk::split(run, &limits).map_err(|e| e.to_string())? {
                let mark = raw.get(4..8).and_then(|mark| mark.try_into().ok()).map_or(0, u32::from_be_bytes);
                let new = sight.arrived(self.board, mark, Some(&raw), now);
                let Some(edit) = new.and_then(|n| self.board.edit(n)) else { continue };
                let absent = |hash: &&ChangeHash| !has(self.board, sight, hash);
                self.lacking.extend(edit.deps.iter().filter(absent));
                if let Some(pen) = &mut self.pen {
                    pen.received(edit);
                }
            }
        }
        if self.board.dialect == Dialect::Broadcast {
            return Ok(false);
        }
        self.lacking.retain(|hash| !has(self.board, sight, hash));
        let complete =
            self.lacking.is_empty() && message.heads.iter().all(|head| has(self.board, sight, head));
        if !message.heads.is_empty() && complete {
            self.shared.clone_from(&message.heads);
            if self.pen.is_none() {
                self.heads.clone_from(&message.heads);
            }
        }
        if !message.need.is_empty() && self.pen.is_some() {
            let wanted = message.need.iter().filter_map(|hash| self.board.number_of(hash));
            let changes = wanted.filter_map(|n| self.board.edit(n)).map(|edit| edit.raw.clone()).collect();
            self.say(false, Vec::new(), changes).await?;
        }
        let news = !message.changes.is_empty() || message.heads != self.theirs;
        self.theirs = message.heads;
        Ok(news)
    }

    /// Says what it has, and asks for what it lacks.
    async fn acknowledge(&mut self, sight: &Sight) -> Result<(), Failed> {
        let absent = |hash: &&ChangeHash| !has(self.board, sight, hash);
        let mut need: Vec<ChangeHash> =
            self.theirs.iter().chain(&self.lacking).filter(absent).copied().collect();
        need.sort_unstable();
        need.dedup();
        self.say(false, need, Vec::new()).await
    }

    async fn write(&mut self, edit: u32, sight: &mut Sight) -> Result<(), Failed> {
        let Some(pen) = &mut self.pen else { return Ok(()) };
        let made = pen.insert(&self.board.plan);
        let number = self.board.seeds() + edit;
        let (raw, hash) = (made.raw.clone(), made.hash);
        sight.seen.set(number);
        self.board.put(number, mark(&hash), Some(made), None);
        self.say(false, Vec::new(), vec![raw]).await
    }

    async fn say(&mut self, request: bool, need: Vec<ChangeHash>, changes: Vec<Bytes>) -> Result<(), Failed> {
        let (heads, bloom) = match &self.pen {
            Some(pen) if !request => (pen.heads.clone(), BloomFilter::from_hashes(pen.recent.iter())),
            _ => (self.heads.clone(), BloomFilter::default()),
        };
        let have = vec![Have { last_sync: self.shared.clone(), bloom }];
        let data = SyncMessage { heads, need, have, changes, speaks_v2: false }.encode().into();
        let (sender, target) = (self.me.clone(), self.server.clone());
        let frame = Frame::Sync { sender, target, document: self.board.document.clone(), data, request };
        send(&mut self.socket, frame.encode()).await
    }
}
