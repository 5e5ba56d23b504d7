//! A whole client: an Automerge document behind a websocket, for what the driver's light peers cannot say.

use automerge::sync::{Message as SyncMessage, State, SyncDoc};
use automerge::{Automerge, ChangeHash, TextEncoding};
use bytes::Bytes;
use codraft_protocol::wire::{Frame, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// A websocket of the driver.
pub type Socket = WebSocketStream<TcpStream>;

/// Why something of the driver's did not work, in words.
pub type Failed = String;

/// Opens a websocket with small buffers, so that a thousand fit.
///
/// # Errors
/// What the server or the system says.
pub async fn connect(url: &str) -> Result<Socket, Failed> {
    let host = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let tcp = TcpStream::connect(host).await.map_err(|e| format!("connecting to {host}: {e}"))?;
    tcp.set_nodelay(true).map_err(|e| e.to_string())?;
    let request = url.into_client_request().map_err(|e| e.to_string())?;
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(1 << 30))
        .max_frame_size(Some(1 << 30));
    let opened = tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await;
    opened.map(|(socket, _)| socket).map_err(|e| format!("opening a websocket: {e}"))
}

/// The next binary message. Nothing is lost where it is dropped before it has one, as in `select!`.
///
/// # Errors
/// Where the connection has ended.
pub async fn receive(socket: &mut Socket) -> Result<Bytes, Failed> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
            Some(Ok(Message::Close(frame))) => return Err(format!("closed by the server: {frame:?}")),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("the connection ended".to_owned()),
        }
    }
}

/// Sends a binary message.
///
/// # Errors
/// Where the connection has ended.
pub async fn send(socket: &mut Socket, bytes: Bytes) -> Result<(), Failed> {
    socket.send(Message::Binary(bytes)).await.map_err(|e| format!("sending: {e}"))
}

/// Joins. Returns the server's peer id.
///
/// # Errors
/// Where the server does not let it in.
pub async fn join(socket: &mut Socket, me: &str) -> Result<String, Failed> {
    let metadata = PeerMetadata { storage_id: None, is_ephemeral: true };
    let frame = Frame::Join { sender: me.to_owned(), metadata, versions: vec!["1".to_owned()] };
    send(socket, frame.encode()).await?;
    loop {
        match Frame::decode(&receive(socket).await?) {
            Ok(Frame::Peer { sender, .. }) => return Ok(sender),
            Ok(Frame::Error { message, .. }) => return Err(message),
            _ => {}
        }
    }
}

/// A document on a connection of its own.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    me: String,
    server: String,
    document: String,
    /// The document.
    pub doc: Automerge,
    state: State,
    first: bool,
    /// What the server last said it has.
    pub theirs: Vec<ChangeHash>,
    /// Bytes of sync messages that came.
    pub received: usize,
    /// Time that Automerge took for them, which is not the server's.
    pub applying: Duration,
    /// When the first of them came.
    pub first_word: Option<Instant>,
}

impl Client {
    /// Connects and joins, with a document or an empty one.
    ///
    /// # Errors
    /// [`Failed`], as all of these
    pub async fn open(url: &str, document: &str, doc: Option<Automerge>) -> Result<Self, Failed> {
        let mut socket = connect(url).await?;
        let me = format!("whole-{:08x}", rand::random::<u32>());
        let server = join(&mut socket, &me).await?;
        let doc = doc.unwrap_or_else(|| Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint));
        Ok(Self {
            socket,
            me,
            server,
            document: document.to_owned(),
            doc,
            state: State::new(),
            first: true,
            theirs: Vec::new(),
            received: 0,
            applying: Duration::ZERO,
            first_word: None,
        })
    }

    /// Says whatever is to be said.
    ///
    /// # Errors
    /// [`Failed`]
    pub async fn push(&mut self) -> Result<(), Failed> {
        while let Some(message) = self.doc.generate_sync_message(&mut self.state) {
            let request = std::mem::take(&mut self.first) && self.doc.get_heads().is_empty();
            let frame = Frame::Sync {
                sender: self.me.clone(),
                target: self.server.clone(),
                document: self.document.clone(),
                data: message.encode().into(),
                request,
            };
            send(&mut self.socket, frame.encode()).await?;
        }
        Ok(())
    }

    /// Takes in one message. Returns whether it was about this document.
    ///
    /// # Errors
    /// [`Failed`]
    pub async fn step(&mut self) -> Result<bool, Failed> {
        let bytes = receive(&mut self.socket).await?;
        match Frame::decode(&bytes).map_err(|e| e.to_string())? {
            Frame::Sync { document, data, .. } if document == self.document => {
                self.received += data.len();
                let message = SyncMessage::decode(&data).map_err(|e| e.to_string())?;
                if !message.changes.is_empty() {
                    self.first_word.get_or_insert_with(Instant::now);
                }
                self.theirs.clone_from(&message.heads);
                let started = Instant::now();
                let taken = self.doc.receive_sync_message(&mut self.state, message);
                self.applying += started.elapsed();
                taken.map_err(|e| e.to_string())?;
                Ok(true)
            }
            Frame::Unavailable { document, .. } if document == self.document => {
                Err("the server does not have the document".to_owned())
            }
            Frame::Error { message, .. } => Err(message),
            _ => Ok(false),
        }
    }

    /// Whether both have the same.
    pub fn agrees(&self) -> bool {
        let (mut ours, mut theirs) = (self.doc.get_heads(), self.theirs.clone());
        ours.sort_unstable();
        theirs.sort_unstable();
        !ours.is_empty() && ours == theirs
    }

    /// Goes on until both have the same.
    ///
    /// # Errors
    /// [`Failed`], also where that does not come in time
    pub async fn settle(&mut self, limit: Duration) -> Result<(), Failed> {
        let settling = async {
            self.push().await?;
            while !self.agrees() {
                self.step().await?;
                self.push().await?;
            }
            Ok(())
        };
        timeout(limit, settling).await.map_err(|_| "the server and a client never agreed".to_owned())?
    }
}
