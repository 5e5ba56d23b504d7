//! A light peer: it speaks the protocol of a real client and holds no document, so that hundreds fit beside
//! the server that is measured. A writer knows the end of the change graph, a reader which changes it has.

use super::board::{Board, Dialect, Sight};
use super::client::{Failed, Socket, connect, join, receive, send};
use super::edits::{Pen, mark};
use super::yjs;
use automerge::ChangeHash;
use automerge::sync::BloomFilter;
use bytes::Bytes;
use codraft_protocol::authorship::{Limits, chunk};
use codraft_protocol::sync::{Have, SyncMessage};
use codraft_protocol::wire::Frame;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

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

/// A light peer with its replica, which it keeps from connection to connection.
pub(super) struct Peer<'a> {
    board: &'a Board,
    socket: Socket,
    me: String,
    server: String,
    pen: Option<Pen>,
    /// The numbers of its own edits, in order.
    pub(super) written: Vec<u32>,
    /// What it has, as far as it can say.
    heads: Vec<ChangeHash>,
    /// What both had at last.
    shared: Vec<ChangeHash>,
    /// What the server last said it has.
    pub(super) theirs: Vec<ChangeHash>,
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
    let mut peer = Peer::open(number, url, board, orders.is_some()).await?;
    let mut complete = matches!(board.dialect, Dialect::Broadcast { .. });
    if complete {
        for seed in 0..board.seeds() {
            sight.seen.set(seed);
        }
        let _ = joined.send(());
    } else {
        peer.ask().await?;
    }
    let over = async { drop(stop.changed().await) };
    let heard = |peer: &Peer<'_>, sight: &Sight| {
        if !complete && peer.is_complete(sight) {
            complete = true;
            let _ = joined.send(());
        }
    };
    peer.stay(sight, &mut orders, over, heard).await
}

fn has(board: &Board, sight: &Sight, hash: &ChangeHash) -> bool {
    board.number_of(hash).is_some_and(|number| sight.seen.has(number))
}

impl<'a> Peer<'a> {
    /// Connects and joins, with nothing yet.
    pub(super) async fn open(
        number: usize,
        url: &str,
        board: &'a Board,
        writes: bool,
    ) -> Result<Self, Failed> {
        let mut socket = connect(url).await?;
        let me = format!("peer-{number:05}-{:08x}", rand::random::<u32>());
        let server = join(&mut socket, &me).await?;
        let pen = writes.then(|| Pen::new(&board.plan, number as u64));
        let none = Vec::new;
        let (heads, shared, theirs, lacking) = (none(), none(), none(), none());
        Ok(Self { board, socket, me, server, pen, written: Vec::new(), heads, shared, theirs, lacking })
    }

    /// Asks for the document.
    pub(super) async fn ask(&mut self) -> Result<(), Failed> {
        self.say(true, Vec::new(), Vec::new()).await
    }

    /// Ends the connection without a goodbye, as a laptop that is shut.
    pub(super) async fn leave(&mut self) {
        // Where it has ended already, that is what was wanted.
        let _ = self.socket.get_mut().shutdown().await;
    }

    /// Connects again, says what it has, and sends its own edits from the `known`th on.
    pub(super) async fn come_back(&mut self, url: &str, known: usize) -> Result<(), Failed> {
        self.socket = connect(url).await?;
        self.server = join(&mut self.socket, &self.me).await?;
        self.theirs.clear();
        let edits = self.written.iter().skip(known).filter_map(|number| self.board.edit(*number));
        let changes = edits.map(|edit| edit.raw.clone()).collect();
        self.say(false, Vec::new(), changes).await
    }

    /// Whether it has the document as it was before the first edit.
    pub(super) fn is_complete(&self, sight: &Sight) -> bool {
        !self.theirs.is_empty() && sight.seen.all(self.board.seeds())
    }

    /// Receives, acknowledges and writes until it is over; `heard` is told after each message with news.
    pub(super) async fn stay(
        &mut self,
        sight: &mut Sight,
        orders: &mut Option<Orders>,
        over: impl Future<Output = ()>,
        mut heard: impl FnMut(&Self, &Sight),
    ) -> Result<(), Failed> {
        let timer = tokio::time::sleep(Duration::from_secs(86_400));
        tokio::pin!(timer, over);
        let mut due = false;
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                bytes = receive(&mut self.socket) => {
                    if !self.take(&bytes?, sight).await? {
                        continue;
                    }
                    heard(self, sight);
                    if !due {
                        due = true;
                        timer.as_mut().reset(Instant::now() + self.board.patience);
                    }
                }
                () = timer.as_mut(), if due => {
                    due = false;
                    self.acknowledge(sight).await?;
                }
                Some(edit) = async { orders.as_mut()?.recv().await }, if orders.is_some() => {
                    if let Some(raw) = self.make(edit, sight) {
                        self.say(false, Vec::new(), vec![raw]).await?;
                    }
                    due = false;
                }
            }
        }
    }

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
        if let Dialect::Broadcast { acknowledged } = self.board.dialect {
            // What comes is what its writer had; nobody is asked for what is absent.
            if self.pen.is_none() {
                self.heads.clone_from(&message.heads);
            }
            self.shared = message.heads;
            self.lacking.clear();
            return Ok(acknowledged);
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

    /// Makes an edit, which is not sent yet. `None`: this peer reads.
    pub(super) fn make(&mut self, edit: u32, sight: &mut Sight) -> Option<Bytes> {
        let made = self.pen.as_mut()?.insert(&self.board.plan);
        let number = self.board.seeds() + edit;
        let (raw, hash) = (made.raw.clone(), made.hash);
        sight.seen.set(number);
        self.board.put(number, mark(&hash), Some(made), None);
        self.written.push(number);
        Some(raw)
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
