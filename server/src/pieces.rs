//! How frames go out: large ones in pieces, so that no connection holds a whole document in its buffer, and a
//! frame that goes to many is copied by none of them.

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes of one piece. A websocket's buffer grows to a piece or two, and stays as large.
const PIECE: usize = 4 << 10;

/// Feeds one binary message that consists of `body` and `tail`; whoever calls flushes.
///
/// # Errors
/// The websocket's.
pub async fn feed<S: AsyncRead + AsyncWrite + Unpin>(
    ws: &mut WebSocketStream<S>,
    mut body: Bytes,
    tail: Bytes,
) -> Result<(), Error> {
    if body.len() + tail.len() <= PIECE {
        let whole = if tail.is_empty() { body } else { [body, tail].concat().into() };
        return ws.feed(Message::Binary(whole)).await;
    }
    let mut kind = Data::Binary;
    while !body.is_empty() {
        let piece = body.split_to(body.len().min(PIECE));
        let last = body.is_empty() && tail.is_empty();
        ws.feed(Message::Frame(Frame::message(piece, OpCode::Data(kind), last))).await?;
        kind = Data::Continue;
    }
    if !tail.is_empty() {
        ws.feed(Message::Frame(Frame::message(tail, OpCode::Data(kind), true))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tokio_tungstenite::tungstenite::protocol::Role;

    #[tokio::test]
    async fn whatever_the_sizes_one_message_arrives() {
        let (here, there) = tokio::io::duplex(64 << 10);
        let mut server = WebSocketStream::from_raw_socket(here, Role::Server, None).await;
        let mut client = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
        let sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7];
        let all: Vec<_> = sizes.iter().flat_map(|body| [0, 1, 40, PIECE].map(|tail| (*body, tail))).collect();
        let expected = all.clone();
        let sending = tokio::spawn(async move {
            for (body, tail) in all {
                let bytes = |len: usize| Bytes::from((0..len).map(|n| n as u8).collect::<Vec<_>>());
                feed(&mut server, bytes(body), bytes(tail)).await.unwrap();
                server.flush().await.unwrap();
            }
        });
        for (body, tail) in expected {
            let Some(Ok(Message::Binary(whole))) = client.next().await else { panic!("no message") };
            let wanted: Vec<u8> = (0..body).chain(0..tail).map(|n| n as u8).collect();
            assert_eq!(whole, wanted, "{body} and {tail} bytes");
        }
        sending.await.unwrap();
    }
}
