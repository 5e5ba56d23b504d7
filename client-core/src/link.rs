//! One websocket to the server, in automerge-repo's protocol.

use bytes::Bytes;
use codraft_protocol::wire::{Frame, PROTOCOL_VERSION, PeerMetadata};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long the server may take to answer anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest message that is read from a server, in bytes.
const MESSAGE: usize = 256 << 20;

/// Why there is no connection, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody answers, or the connection broke off.
    #[error("{0}")]
    Offline(String),
    /// The token is not (or no longer) good.
    #[error("{0}")]
    Unauthorised(String),
    /// The document is not there, for this token.
    #[error("there is no document {0} on this server (any more), or this token may not open it")]
    Unavailable(String),
    /// The server closed, and trying again at once would not help.
    #[error("the server closed the connection: {0}")]
    Closed(String),
}

/// What comes from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A sync message.
    Sync(Bytes),
    /// The server refuses something, in words.
    Refused(String),
}

/// An open connection about one document.
#[derive(Debug)]
pub struct Link {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    peer: String,
    server: String,
    document: String,
    first: bool,
}

fn broken(error: &WsError) -> LinkError {
    match error {
        WsError::Http(response) if response.status() == 401 || response.status() == 403 => {
            LinkError::Unauthorised(format!("the server does not let this token in ({})", response.status()))
        }
        WsError::ConnectionClosed | WsError::AlreadyClosed => {
            LinkError::Offline("the connection was closed".to_owned())
        }
        WsError::Io(error) => LinkError::Offline(format!("the server does not answer: {error}")),
        error => LinkError::Offline(error.to_string()),
    }
}

impl Link {
    /// Connects and introduces itself. `peer` is this copy's own, random name.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn open(server: &str, token: &str, document: &str, peer: &str) -> Result<Self, LinkError> {
        let url = format!("{}/sync", server.replacen("http", "ws", 1));
        let mut request = url.into_client_request().map_err(|error| broken(&error))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            LinkError::Unauthorised("the token is not one: it holds odd characters".to_owned())
        })?;
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
        let connecting = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        let no_answer = |_| LinkError::Offline(format!("{server} does not answer"));
        let (ws, _) =
            timeout(PATIENCE, connecting).await.map_err(no_answer)?.map_err(|error| broken(&error))?;
        let mut link = Self {
            ws,
            peer: peer.to_owned(),
            server: String::new(),
            document: document.to_owned(),
            first: true,
        };
        let metadata = PeerMetadata { storage_id: None, is_ephemeral: true };
        let versions = vec![PROTOCOL_VERSION.to_owned()];
        link.write(&Frame::Join { sender: link.peer.clone(), metadata, versions }).await?;
        match timeout(PATIENCE, link.read()).await.map_err(no_answer)?? {
            Frame::Peer { sender, .. } => link.server = sender,
            Frame::Error { message, .. } => {
                // The reason for closing comes next, and says which kind of refusal it is.
                return Err(match timeout(PATIENCE, link.read()).await {
                    Ok(Err(closed)) => closed,
                    _ => LinkError::Closed(message),
                });
            }
            _ => return Err(LinkError::Closed("it does not speak codraft's protocol".to_owned())),
        }
        Ok(link)
    }

    async fn write(&mut self, frame: &Frame) -> Result<(), LinkError> {
        let sent = timeout(PATIENCE, self.ws.send(Message::Binary(frame.encode()))).await;
        sent.map_err(|_| LinkError::Offline("the server takes nothing in".to_owned()))?
            .map_err(|error| broken(&error))
    }

    async fn read(&mut self) -> Result<Frame, LinkError> {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    return Frame::decode(&bytes).map_err(|error| LinkError::Closed(error.to_string()));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    let reason = frame.reason.to_string();
                    return Err(match u16::from(frame.code) {
                        4401 => LinkError::Unauthorised(reason),
                        1001 | 1012 | 4408 | 4507 => LinkError::Offline(reason),
                        _ => LinkError::Closed(reason),
                    });
                }
                Some(Ok(Message::Close(None))) | None => {
                    return Err(LinkError::Offline("the connection was closed".to_owned()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(&error)),
            }
        }
    }

    /// Sends a sync message.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn send(&mut self, data: Bytes) -> Result<(), LinkError> {
        let frame = Frame::Sync {
            sender: self.peer.clone(),
            target: self.server.clone(),
            document: self.document.clone(),
            data,
            request: std::mem::take(&mut self.first),
        };
        self.write(&frame).await
    }

    /// Waits for what comes. May be given up at any moment without losing anything.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn next(&mut self) -> Result<Incoming, LinkError> {
        loop {
            match self.read().await? {
                Frame::Sync { document, data, .. } if document == self.document => {
                    return Ok(Incoming::Sync(data));
                }
                Frame::Unavailable { document, .. } if document == self.document => {
                    return Err(LinkError::Unavailable(document));
                }
                Frame::Error { message, .. } => return Ok(Incoming::Refused(message)),
                _ => {}
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Nobody waits for the answer.
        let _ = timeout(Duration::from_secs(2), self.ws.close(None)).await;
    }
}
