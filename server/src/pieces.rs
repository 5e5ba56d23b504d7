//! How frames go out: large ones in pieces and past the websocket's own buffer, so that no connection holds a whole
//! document in it, and a frame that goes to many is copied by none of them.

use bytes::{Buf as _, Bytes};
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes of the largest message that goes through the websocket's buffer, which grows to so many, and stays as large.
const SMALL: usize = 4 << 10;
/// Bytes of one piece: a socket takes about as many at once.
const PIECE: usize = 64 << 10;

/// Feeds one binary message that consists of `body` and `tail`; whoever calls flushes, and has not sent a close frame.
///
/// # Errors
/// The websocket's.
pub async fn feed<S: AsyncRead + AsyncWrite + Unpin>(
    ws: &mut WebSocketStream<S>,
    body: Bytes,
    tail: Bytes,
) -> Result<(), Error> {
    if body.len() + tail.len() <= SMALL {
        let whole = if tail.is_empty() { body } else { [body, tail].concat().into() };
        return ws.feed(Message::Binary(whole)).await;
    }
    // What it holds stands in front.
    ws.flush().await?;
    let mut left = body.len() + tail.len();
    let mut kind = Data::Binary;
    for mut part in [body, tail] {
        while !part.is_empty() {
            let piece = part.split_to(part.len().min(PIECE));
            left -= piece.len();
            // A server masks nothing.
            let header =
                FrameHeader { is_final: left == 0, opcode: OpCode::Data(kind), ..Default::default() };
            let mut head = Vec::with_capacity(10);
            header.format(piece.len() as u64, &mut head)?;
            ws.get_mut().write_all_buf(&mut head.as_slice().chain(piece)).await?;
            kind = Data::Continue;
        }
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
        let sizes = [0, 1, SMALL - 1, SMALL, SMALL + 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 125];
        let all: Vec<_> =
            sizes.iter().flat_map(|body| [0, 1, 40, 126, SMALL, PIECE].map(|tail| (*body, tail))).collect();
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
