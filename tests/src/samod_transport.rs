//! A websocket as samod wants it, of either end: binary messages only.

use futures_util::{SinkExt, StreamExt};
use samod::Transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// samod's transport over a websocket that is open.
pub fn transport<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: WebSocketStream<S>,
) -> Transport {
    let (sink, stream) = socket.split();
    let stream = stream.filter_map(|message| async {
        match message {
            Ok(Message::Binary(bytes)) => Some(Ok(bytes.to_vec())),
            Ok(_) => None,
            Err(error) => Some(Err::<Vec<u8>, Error>(error)),
        }
    });
    let sink = sink.with(|bytes: Vec<u8>| async { Ok::<_, Error>(Message::binary(bytes)) });
    Transport::new(Box::pin(stream), Box::pin(sink))
}
