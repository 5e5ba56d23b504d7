//! The same for Hocuspocus: its frames, and Yjs documents for those who write.

use super::board::{Board, Sight};
use super::client::{Failed, Socket, connect, receive, send};
use super::contender::PATIENCE;
use super::peer::{Joined, Orders};
use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::time::timeout;
use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, ReadTxn, Text, TextRef, Transact, Update};

fn put(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let (mut value, mut shift) = (0_usize, 0);
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
}

/// A frame: the document's name, a head of small numbers, a payload with its length.
fn frame(document: &str, head: &[usize], payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + document.len() + 16);
    put(&mut out, document.len());
    out.extend_from_slice(document.as_bytes());
    head.iter().for_each(|one| put(&mut out, *one));
    put(&mut out, payload.len());
    out.extend_from_slice(payload);
    out.into()
}

enum Word<'a> {
    /// The server wants to know what we have.
    Ask,
    /// Everything that we lack.
    Answer(&'a [u8]),
    /// One update.
    Update(&'a [u8]),
    Other,
}

fn word(bytes: &[u8]) -> Option<Word<'_>> {
    let mut at = 0;
    let name = number(bytes, &mut at)?;
    at += name;
    if !matches!(number(bytes, &mut at)?, 0 | 4) {
        return Some(Word::Other);
    }
    let kind = number(bytes, &mut at)?;
    let length = number(bytes, &mut at)?;
    let data = bytes.get(at..at + length)?;
    Some(match kind {
        0 => Word::Ask,
        1 => Word::Answer(data),
        _ => Word::Update(data),
    })
}

/// Client and clock of an update's first insertion, as one number.
fn mark_of(update: &[u8]) -> Option<u32> {
    let mut at = 0;
    if number(update, &mut at)? == 0 {
        return None;
    }
    number(update, &mut at)?;
    let client = number(update, &mut at)?;
    let clock = number(update, &mut at)?;
    Some(fold(client as u64, clock as u32))
}

fn fold(client: u64, clock: u32) -> u32 {
    (client as u32).wrapping_mul(0x9e37_79b1).rotate_left(13) ^ clock.wrapping_mul(0x85eb_ca6b)
}

fn open(seed: &[u8], client: u64) -> (Doc, TextRef) {
    let doc = Doc::with_client_id(client);
    let text = doc.get_or_insert_text("text");
    doc.transact_mut().apply_update(Update::decode_v1(seed).expect("an update")).expect("it applies");
    (doc, text)
}

/// A document of that text.
pub fn seed(text: &str) -> Vec<u8> {
    let doc = Doc::with_client_id(1);
    let object = doc.get_or_insert_text("text");
    object.insert(&mut doc.transact_mut(), 0, text);
    doc.transact().encode_state_as_update_v1(&Default::default())
}

/// The text after all those updates.
pub fn text<'a>(seed: &[u8], updates: impl Iterator<Item = &'a Vec<u8>>) -> String {
    let (doc, text) = open(seed, 2);
    for update in updates {
        doc.transact_mut().apply_update(Update::decode_v1(update).expect("an update")).expect("it applies");
    }
    text.get_string(&doc.transact())
}

async fn enter(url: &str, document: &str) -> Result<Socket, Failed> {
    let mut socket = connect(url).await?;
    send(&mut socket, frame(document, &[2, 0], b"load")).await?;
    send(&mut socket, frame(document, &[0, 0], &[0])).await?;
    Ok(socket)
}

/// Puts a document up. The server keeps it as long as somebody is there: the connection stays until it is
/// dropped.
///
/// # Errors
/// [`Failed`]
pub async fn upload(url: &str, document: &str, seed: &[u8]) -> Result<tokio::task::JoinHandle<()>, Failed> {
    let mut socket = enter(url, document).await?;
    send(&mut socket, frame(document, &[0, 2], seed)).await?;
    let expected = text(seed, [].into_iter());
    let there = async {
        while read(url, document).await? != expected {}
        Ok::<(), Failed>(())
    };
    timeout(PATIENCE, there).await.map_err(|_| "the server never had the document")??;
    Ok(tokio::spawn(async move { while receive(&mut socket).await.is_ok() {} }))
}

/// The text that a newcomer gets.
///
/// # Errors
/// [`Failed`]
pub async fn read(url: &str, document: &str) -> Result<String, Failed> {
    let mut socket = enter(url, document).await?;
    loop {
        if let Some(Word::Answer(update)) = word(&receive(&mut socket).await?) {
            let update = update.to_vec();
            return Ok(text(&update, [].into_iter()));
        }
    }
}

/// A light peer; only writers hold a document.
///
/// # Errors
/// [`Failed`]
pub async fn peer(
    number: usize,
    url: &str,
    board: &Board,
    mut orders: Option<Orders>,
    joined: Joined,
    mut stop: watch::Receiver<bool>,
    sight: &mut Sight,
) -> Result<(), Failed> {
    let mut socket = enter(url, &board.document).await?;
    let mut pen = orders.is_some().then(|| (open(&board.yjs, 1000 + number as u64), Vec::new()));
    let mut random = SmallRng::seed_from_u64(number as u64);
    loop {
        tokio::select! {
            _ = stop.changed() => return Ok(()),
            message = receive(&mut socket) => {
                let bytes = message?;
                let now = board.now();
                match word(&bytes) {
                    Some(Word::Ask) => send(&mut socket, frame(&board.document, &[0, 1], &[0, 0])).await?,
                    Some(Word::Answer(update)) if update.len() > 2 => drop(joined.send(())),
                    Some(Word::Update(update)) => {
                        if let Some(mark) = mark_of(update) {
                            sight.arrived(board, mark, None, now);
                        }
                        if let Some((_, waiting)) = &mut pen {
                            waiting.push(update.to_vec());
                        }
                    }
                    _ => {}
                }
            }
            Some(edit) = async { orders.as_mut()?.recv().await }, if orders.is_some() => {
                let Some(((doc, text), waiting)) = &mut pen else { continue };
                let mut change = doc.transact_mut();
                for update in waiting.drain(..) {
                    let update = Update::decode_v1(&update).map_err(|e| e.to_string())?;
                    change.apply_update(update).map_err(|e| e.to_string())?;
                }
                drop(change);
                let mut change = doc.transact_mut();
                let before = change.state_vector();
                let at = random.random_range(0..=text.len(&change));
                text.insert(&mut change, at, "q");
                let update = change.encode_state_as_update_v1(&before);
                drop(change);
                let mark = mark_of(&update).ok_or("an update without an insertion")?;
                sight.seen.set(edit);
                board.put(edit, mark, None, Some(update.clone()));
                send(&mut socket, frame(&board.document, &[0, 2], &update)).await?;
            }
        }
    }
}
