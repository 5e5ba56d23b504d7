//! A client made by hand: frames over a websocket, and on top of them a document with Automerge's own sync.
//! It can also say what no honest client would.

use automerge::sync::{Message as SyncMessage, State as SyncState, SyncDoc};
use automerge::transaction::Transactable;
use automerge::{ActorId, Author, Automerge, ObjId, ObjType, ROOT, ReadDoc, TextEncoding, Value};
use bytes::Bytes;
use codraft_protocol::wire::{Frame, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take before a test gives up: far longer than it ever takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The websocket's close code; 1006 where there was none.
    pub code: u16,
    /// The reason that was given.
    pub reason: String,
}

/// A websocket that has joined, or not yet.
#[derive(Debug)]
pub struct Peer {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Its peer id.
    pub id: String,
    /// What error frames said.
    pub errors: Vec<String>,
}

impl Peer {
    /// Connects with a token or a ticket, without joining.
    ///
    /// # Errors
    /// The handshake's.
    pub async fn connect(server: &str, credentials: &str, id: &str) -> Result<Self, Error> {
        let base = format!("{}/sync", server.replacen("http", "ws", 1));
        let is_ticket = credentials.starts_with("cdk_");
        let url = if is_ticket { format!("{base}?ticket={credentials}") } else { base };
        let mut request = url.into_client_request()?;
        if !is_ticket {
            let bearer = format!("Bearer {credentials}").parse().expect("a header");
            request.headers_mut().insert("authorization", bearer);
        }
        let (ws, _) = tokio_tungstenite::connect_async_with_config(request, None, true).await?;
        Ok(Self { ws, id: id.to_owned(), errors: Vec::new() })
    }

    /// On a websocket that is open already.
    pub fn over(ws: WebSocketStream<MaybeTlsStream<TcpStream>>, id: &str) -> Self {
        Self { ws, id: id.to_owned(), errors: Vec::new() }
    }

    /// Connects and joins.
    ///
    /// # Panics
    /// Where the server does not let it in.
    pub async fn join(server: &str, credentials: &str, id: &str) -> Self {
        let mut peer = Self::connect(server, credentials, id).await.expect("the handshake");
        peer.send(&peer.joining()).await;
        match peer.next().await {
            Ok(Frame::Peer { .. }) => peer,
            other => panic!("not let in: {other:?} {:?}", peer.errors),
        }
    }

    /// Its join frame.
    pub fn joining(&self) -> Frame {
        let metadata = PeerMetadata { storage_id: None, is_ephemeral: true };
        Frame::Join { sender: self.id.clone(), metadata, versions: vec!["1".to_owned()] }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Frame) {
        self.raw(frame.encode()).await;
    }

    /// Sends bytes as a binary message; a connection that is closed meanwhile is noticed when reading.
    pub async fn raw(&mut self, bytes: Bytes) {
        let _ = self.ws.send(Message::Binary(bytes)).await;
    }

    /// Sends bytes as a text message.
    pub async fn text(&mut self, text: &str) {
        let _ = self.ws.send(Message::text(text)).await;
    }

    /// A sync message about a document.
    pub async fn sync(&mut self, document: &str, data: Vec<u8>) {
        let (sender, target) = (self.id.clone(), String::new());
        let (document, data) = (document.to_owned(), Bytes::from(data));
        self.send(&Frame::Sync { sender, target, document, data, request: false }).await;
    }

    /// The next frame; error frames are noted on the way.
    ///
    /// # Errors
    /// Where the connection has ended.
    pub async fn next(&mut self) -> Result<Frame, Closed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let frame = self.frame(deadline).await?;
            match frame {
                Frame::Error { message, .. } => self.errors.push(message),
                frame => return Ok(frame),
            }
        }
    }

    async fn frame(&mut self, deadline: Instant) -> Result<Frame, Closed> {
        loop {
            let gone = |reason: String| Closed { code: 1006, reason };
            match timeout_at(deadline, self.ws.next()).await {
                Err(_) => return Err(gone("nothing came".to_owned())),
                Ok(None) => return Err(gone("ended".to_owned())),
                Ok(Some(Ok(Message::Binary(bytes)))) => {
                    return Ok(Frame::decode(&bytes).expect("the server speaks the protocol"));
                }
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |f| (u16::from(f.code), f.reason.to_string()));
                    return Err(Closed { code, reason });
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(gone(error.to_string())),
            }
        }
    }

    /// Waits until the server closes; what it says before is noted.
    ///
    /// # Panics
    /// Where it does not close.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next().await {
                assert_ne!(closed.reason, "nothing came", "the server should have closed");
                return closed;
            }
        }
    }

    /// The next error frame's words.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn error(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.frame(deadline).await {
                Ok(Frame::Error { message, .. }) => return message,
                Ok(_) => {}
                Err(closed) => panic!("no error came: {closed:?}"),
            }
        }
    }
}

/// A document on a connection.
#[derive(Debug)]
pub struct Replica {
    /// The document.
    pub doc: Automerge,
    /// What Automerge knows of the server.
    pub state: SyncState,
    /// Its id.
    pub document: String,
}

impl Replica {
    /// An empty replica of a document, in a delegation's name.
    pub fn new(document: &str, delegation: &str, actor: [u8; 16]) -> Self {
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        if !delegation.is_empty() {
            doc.set_author(Some(Author::from(delegation.as_bytes().to_vec())));
        }
        doc.set_actor(ActorId::from(actor));
        Self { doc, state: SyncState::new(), document: document.to_owned() }
    }

    /// Sends what there is to send.
    pub async fn push(&mut self, peer: &mut Peer) {
        if let Some(message) = self.doc.generate_sync_message(&mut self.state) {
            peer.sync(&self.document, message.encode()).await;
        }
    }

    /// Begins anew on a new connection.
    pub async fn begin(&mut self, peer: &mut Peer) {
        self.state = SyncState::new();
        self.push(peer).await;
    }

    /// Takes in one frame and answers. Returns whether it was about this document.
    ///
    /// # Panics
    /// Where Automerge does not take it.
    pub async fn take(&mut self, peer: &mut Peer, frame: Frame) -> bool {
        let Frame::Sync { document, data, .. } = frame else { return false };
        if document != self.document {
            return false;
        }
        let message = SyncMessage::decode(&data).expect("a sync message");
        self.doc.receive_sync_message(&mut self.state, message).expect("it applies");
        self.push(peer).await;
        true
    }

    /// Goes on until `enough`.
    ///
    /// # Panics
    /// Where that does not come.
    pub async fn until(&mut self, peer: &mut Peer, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let frame = peer.next().await.unwrap_or_else(|closed| panic!("{closed:?} {:?}", peer.errors));
            self.take(peer, frame).await;
        }
    }

    /// Whether the server has, durably, what is here, and the other way round.
    pub fn in_sync(&self) -> bool {
        let mut ours = self.doc.get_heads();
        let mut theirs = self.state.their_heads.clone().unwrap_or_default();
        ours.sort_unstable();
        theirs.sort_unstable();
        !ours.is_empty() && ours == theirs
    }

    /// Until both have the same.
    ///
    /// # Panics
    /// Where that does not come.
    pub async fn settle(&mut self, peer: &mut Peer) {
        self.until(peer, Self::in_sync).await;
    }

    /// The text object of a provision.
    ///
    /// # Panics
    /// Where there is none.
    pub fn text_object(&self, provision: usize) -> ObjId {
        let list = match self.doc.get(ROOT, "provisions").expect("a document") {
            Some((Value::Object(ObjType::List), list)) => list,
            other => panic!("no provisions: {other:?}"),
        };
        let (_, map) = self.doc.get(&list, provision).expect("a list").expect("a provision");
        self.doc.get(&map, "text").expect("a map").expect("a text").1
    }

    /// The text of a provision.
    ///
    /// # Panics
    /// Where there is none.
    pub fn text(&self, provision: usize) -> String {
        self.doc.text(self.text_object(provision)).expect("a text")
    }

    /// Edits a provision's text in one change.
    ///
    /// # Panics
    /// Where Automerge does not take it.
    pub fn splice(&mut self, provision: usize, at: usize, cut: isize, words: &str) {
        let text = self.text_object(provision);
        let mut tx = self.doc.transaction();
        tx.splice_text(&text, at, cut, words).expect("a splice");
        tx.commit();
    }
}

/// Waits for a condition that another process brings about.
///
/// # Panics
/// Where it does not come.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}
