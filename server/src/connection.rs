//! One websocket: joins, reads frames, hands them to the documents they are about, writes what comes back.

use crate::direct::Writing;
use crate::directory::Caller;
use crate::document::{Handle, now};
use crate::echo::Echo;
use crate::hub::{Closing, ConnectionId, Event, Member};
use crate::outbox::{self, Addressee, Outflow, Outgoing};
use crate::patience::Patience;
use crate::registry::Registry;
use crate::throttle::{Buckets, Rate};
use bytes::Bytes;
use codraft_protocol::id::DocumentId;
use codraft_protocol::wire::{Frame, PROTOCOL_VERSION, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// Bounds and times of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// Largest message that is read, in bytes.
    pub frame_bytes: usize,
    /// Most bytes that may wait to be written.
    pub pending_bytes: usize,
    /// Most messages that may wait to be written.
    pub pending_messages: usize,
    /// Messages a second that are read, after a burst of five times as many; who sends more is read later.
    pub messages_per_second: u32,
    /// How long a client may take to join.
    pub join_timeout: Duration,
    /// How long one write may take.
    pub write_timeout: Duration,
    /// How often a ping is sent; without any sign of life for three of them, the connection is dropped.
    pub ping_interval: Duration,
    /// Documents that one connection may have open.
    pub documents: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            frame_bytes: 1 << 20,
            pending_bytes: 8 << 20,
            pending_messages: 4096,
            messages_per_second: 1000,
            join_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            ping_interval: Duration::from_secs(15),
            documents: 1000,
        }
    }
}

impl ConnectionSettings {
    /// The websocket's own settings. Its default buffers would cost 137 KB a connection.
    pub fn websocket(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(4 << 10)
            .max_message_size(Some(self.frame_bytes))
            .max_frame_size(Some(self.frame_bytes))
    }
}

/// Tells a client in words why it may not come in, and closes. A stock client throws an uncaught
/// exception at HTTP 401, hence this is said on the open websocket.
pub async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    mut ws: WebSocketStream<S>,
    server: &str,
    closing: &Closing,
) {
    let error = Frame::Error { sender: server.to_owned(), target: None, message: closing.reason.clone() };
    let said = timeout(Duration::from_secs(5), async {
        ws.send(Message::Binary(error.encode())).await?;
        close(&mut ws, closing).await;
        Ok::<(), WsError>(())
    });
    if !matches!(said.await, Ok(Ok(()))) {
        tracing::debug!("a refused client was gone before it was told why");
    }
}

/// Runs a connection to its end. `direct` is the short way to it, if there is one; `ended` resolves when the server wants it closed (shutdown, revocation).
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut ws: WebSocketStream<S>,
    direct: Option<Weak<Writing>>,
    caller: Caller,
    registry: Registry,
    ended: impl Future<Output = Closing>,
) {
    let settings = registry.settings().connection.clone();
    let server = registry.peer_id().to_owned();
    let joined = timeout(settings.join_timeout, join(&mut ws, &registry)).await;
    let peer = match joined {
        Ok(Ok(peer)) => peer,
        Ok(Err(closing)) => {
            say_and_close(&mut ws, &server, &closing, &settings).await;
            return;
        }
        Err(_) => {
            let reason = "no join message came in time; a client starts with {type: \"join\", …}".to_owned();
            say_and_close(&mut ws, &server, &Closing { code: 4400, reason }, &settings).await;
            return;
        }
    };
    let addressee = Addressee::new(&server, &peer, direct);
    let (outbox, outflow) =
        outbox::outbox(Arc::clone(&addressee), settings.pending_bytes, settings.pending_messages);
    let mut connection = Connection {
        id: registry.next_connection(),
        addressee,
        member: Member {
            peer,
            account: caller.account.clone(),
            role: caller.role,
            delegation: caller.delegation.clone(),
        },
        caller,
        registry,
        outbox,
        documents: HashMap::new(),
        server,
    };
    metrics::gauge!("codraft_connections").increment(1.0);
    tracing::debug!(connection = connection.id.0, account = connection.caller.account, "joined");
    let closing = connection.run(&mut ws, outflow, &settings, ended).await;
    metrics::gauge!("codraft_connections").decrement(1.0);
    tracing::debug!(connection = connection.id.0, code = closing.code, reason = closing.reason, "closed");
    for document in connection.documents.values() {
        document.event(Event::Closed { connection: connection.id }).await;
    }
    connection.addressee.shut();
    if closing.code != 1000 {
        say_and_close(&mut ws, &connection.server, &closing, &settings).await;
    }
}

/// Waits for `join` and answers it. Returns the client's peer id.
async fn join<S: AsyncRead + AsyncWrite + Unpin>(
    ws: &mut WebSocketStream<S>,
    registry: &Registry,
) -> Result<String, Closing> {
    let bad = |reason: &str| Closing { code: 4400, reason: reason.to_owned() };
    let frame = loop {
        match ws.next().await {
            Some(Ok(Message::Binary(bytes))) => break bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_)) | None => return Err(bad("the first message must be a binary join message")),
            Some(Err(error)) => return Err(read_error(&error)),
        }
    };
    match Frame::decode(&frame) {
        Ok(Frame::Join { sender, versions, .. }) => {
            if sender.is_empty() {
                return Err(bad("the join message must name a senderId"));
            }
            if !versions.iter().any(|version| version == PROTOCOL_VERSION) {
                return Err(bad("this server speaks protocol version 1 only; update the client"));
            }
            let metadata =
                PeerMetadata { storage_id: Some(registry.storage_id().to_owned()), is_ephemeral: false };
            let answer = Frame::Peer {
                sender: registry.peer_id().to_owned(),
                target: sender.clone(),
                metadata,
                version: PROTOCOL_VERSION.to_owned(),
            };
            ws.send(Message::Binary(answer.encode())).await.map_err(|error| read_error(&error))?;
            Ok(sender)
        }
        Ok(_) => Err(bad("the first message must be a join message")),
        Err(error) => Err(bad(&error.to_string())),
    }
}

struct Connection {
    id: ConnectionId,
    addressee: Arc<Addressee>,
    member: Member,
    caller: Caller,
    registry: Registry,
    outbox: outbox::Outbox,
    documents: HashMap<DocumentId, Handle>,
    server: String,
}

impl Connection {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        ws: &mut WebSocketStream<S>,
        mut outflow: Outflow,
        settings: &ConnectionSettings,
        ended: impl Future<Output = Closing>,
    ) -> Closing {
        let mut pings = interval(settings.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        let mut patience = Patience::new(Instant::now());
        let per_second = f64::from(settings.messages_per_second.max(1));
        let mut pace = Buckets::new(Rate { per_second, burst: per_second * 5.0 });
        tokio::pin!(ended);
        loop {
            tokio::select! {
                closing = &mut ended => return closing,
                outgoing = outflow.next() => {
                    let outgoing = match outgoing {
                        Ok(outgoing) => outgoing,
                        Err(closing) => return closing,
                    };
                    let begun = Instant::now();
                    match timeout(settings.write_timeout, outflow.write(ws, outgoing)).await {
                        Ok(Ok(bytes)) => patience.sent(bytes, begun.elapsed()),
                        Ok(Err(error)) => return read_error(&error),
                        Err(_) => {
                            let reason = "the client took too long to read".to_owned();
                            return Closing { code: 4408, reason };
                        }
                    }
                }
                incoming = ws.next() => {
                    match incoming {
                        Some(Ok(Message::Binary(bytes))) => {
                            // Who sends too fast is read more slowly, and then its own socket is full.
                            while let Err(wait) = pace.take((), now()) {
                                tokio::time::sleep(wait).await;
                            }
                            if let Err(closing) = self.receive(&bytes, settings).await {
                                return closing;
                            }
                        }
                        Some(Ok(Message::Text(_))) => {
                            let reason = "messages are binary CBOR maps, not text".to_owned();
                            return Closing { code: 4400, reason };
                        }
                        Some(Ok(Message::Close(_))) | None => return gone(),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return read_error(&error),
                    }
                    patience.heard(Instant::now());
                }
                _ = pings.tick() => {
                    patience.sent(self.addressee.take_sent(), Duration::ZERO);
                    if patience.is_over(Instant::now(), settings.ping_interval) {
                        return Closing { code: 4408, reason: "no sign of life from the client".to_owned() };
                    }
                    match timeout(settings.write_timeout, ws.send(Message::Ping(Bytes::new()))).await {
                        Ok(Ok(())) => {}
                        _ => return gone(),
                    }
                }
            }
        }
    }

    async fn receive(&mut self, bytes: &Bytes, settings: &ConnectionSettings) -> Result<(), Closing> {
        let frame =
            Frame::decode(bytes).map_err(|error| Closing { code: 4400, reason: error.to_string() })?;
        match frame {
            Frame::Sync { sender, document, data, .. } => {
                self.is_sender(&sender)?;
                if self.addressee.echo().is_echo(&document, &data) {
                    return Ok(());
                }
                let connection = self.id;
                if let Some(handle) = self.open(&document, settings).await? {
                    handle.event(Event::Sync { connection, data }).await;
                }
            }
            // Stock clients pass on what they hear, under its author's name, back to where it came from.
            Frame::Ephemeral { sender, .. } if sender != self.member.peer => {}
            Frame::Ephemeral { document, session, count, data, .. } => {
                let connection = self.id;
                if let Some(handle) = self.open(&document, settings).await? {
                    handle.event(Event::Ephemeral { connection, session, count, data }).await;
                }
            }
            Frame::Leave { .. } => return Err(gone()),
            Frame::Join { .. } => {
                return Err(Closing { code: 4400, reason: "this connection has joined already".to_owned() });
            }
            Frame::Peer { .. } | Frame::Unavailable { .. } | Frame::Error { .. } | Frame::Other { .. } => {}
        }
        Ok(())
    }

    /// Who speaks on this connection is who joined on it.
    fn is_sender(&self, sender: &str) -> Result<(), Closing> {
        if sender == self.member.peer {
            return Ok(());
        }
        let reason = "the senderId of a message must be the one that joined".to_owned();
        Err(Closing { code: 4400, reason })
    }

    /// The document's handle; `None` where there is no such document for this caller, who is then told so.
    async fn open(
        &mut self,
        document: &str,
        settings: &ConnectionSettings,
    ) -> Result<Option<Handle>, Closing> {
        let id = document.parse::<DocumentId>().ok();
        if let Some(handle) = id.and_then(|id| self.documents.get(&id)) {
            return Ok(Some(handle.clone()));
        }
        if self.documents.len() >= settings.documents {
            let reason = format!("one connection opens at most {} documents", settings.documents);
            return Err(Closing { code: 4429, reason });
        }
        // Clients announce every document they hold: what is not theirs to see does not exist for them.
        let visible = id.filter(|id| self.registry.is_visible(&self.caller, *id));
        let handle = match visible {
            Some(id) => self.registry.open(id).await.ok().map(|handle| (id, handle)),
            None => None,
        };
        let Some((id, handle)) = handle else {
            let (sender, target) = (self.server.clone(), self.member.peer.clone());
            let unavailable = Frame::Unavailable { sender, target, document: document.to_owned() };
            self.outbox.send(Outgoing::Own(unavailable.encode()));
            return Ok(None);
        };
        handle.join(self.id, self.member.clone(), self.outbox.clone()).await;
        self.documents.insert(id, handle.clone());
        // With several documents it would not be plain which of them was sent last.
        *self.addressee.echo() = if self.documents.len() == 1 { Echo::of(document) } else { Echo::default() };
        Ok(Some(handle))
    }
}

fn gone() -> Closing {
    Closing { code: 1000, reason: "the client is gone".to_owned() }
}

/// What an error of the websocket means.
fn read_error(error: &WsError) -> Closing {
    match error {
        WsError::Capacity(_) => {
            let reason = "this message is larger than the server reads; send smaller ones".to_owned();
            Closing { code: 1009, reason }
        }
        // A laptop that is shut says no goodbye.
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => gone(),
        WsError::Protocol(_) | WsError::Utf8(_) => Closing { code: 1002, reason: error.to_string() },
        _ => gone(),
    }
}

/// Says why in the protocol's own words, for clients that show them, and closes.
async fn say_and_close<S: AsyncRead + AsyncWrite + Unpin>(
    ws: &mut WebSocketStream<S>,
    server: &str,
    closing: &Closing,
    settings: &ConnectionSettings,
) {
    let error = Frame::Error { sender: server.to_owned(), target: None, message: closing.reason.clone() };
    let patience = settings.write_timeout.min(Duration::from_secs(5));
    let said = timeout(patience, async {
        if closing.code != 1001 && ws.send(Message::Binary(error.encode())).await.is_err() {
            return;
        }
        close(ws, closing).await;
    });
    if said.await.is_err() {
        tracing::debug!("the client did not take the close message");
    }
}

/// Sends the close frame and waits for the other side's, so that the reason is not lost in a reset.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocketStream<S>, closing: &Closing) {
    // A close frame carries at most 123 bytes of reason.
    let mut reason = closing.reason.as_str();
    while reason.len() > 120 {
        reason = reason.rsplit_once(' ').map_or("", |(head, _)| head);
    }
    let frame = CloseFrame { code: CloseCode::from(closing.code), reason: reason.to_owned().into() };
    if ws.close(Some(frame)).await.is_ok() {
        while let Some(Ok(_)) = ws.next().await {}
    }
}
