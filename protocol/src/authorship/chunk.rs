//! Automerge chunks as untrusted bytes: split, bounded and inflated before anything parses them.
//!
//! A chunk: magic `85 6f 4a 83`, checksum (the first 4 bytes of the hash), type, LEB128 length, body. The hash
//! is SHA-256 over type, length and body of the uncompressed chunk.

use super::{Limits, Refusal};
use automerge::ChangeHash;
use bytes::Bytes;
use flate2::read::DeflateDecoder;
use sha2::{Digest, Sha256};
use std::io::Read;

pub(super) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const DOCUMENT: u8 = 0;
pub(super) const CHANGE: u8 = 1;
const DEFLATED: u8 = 2;
const BUNDLE: u8 = 3;
/// Where the type stands; the checksum covers everything from here.
const TYPE: usize = 8;

/// Splits a concatenation of chunks and returns each change chunk uncompressed, bounded in all by eight times
/// the limit of one.
///
/// # Errors
/// The [`Refusal`] that names what is wrong: not a chunk, a document or bundle chunk, too large.
pub fn split(bytes: &Bytes, limits: &Limits) -> Result<Vec<Bytes>, Refusal> {
    let mut chunks = Vec::new();
    let mut rest = bytes.clone();
    let mut inflated = 0_usize;
    while !rest.is_empty() {
        let (kind, body, end) = frame(&rest).ok_or(Refusal::NotAChunk)?;
        let whole = rest.split_to(end);
        match kind {
            CHANGE => chunks.push(whole),
            DEFLATED => {
                let left = limits.change_bytes.saturating_mul(8).saturating_sub(inflated);
                let chunk = inflate(&whole, body, limits.change_bytes.min(left))?;
                inflated += chunk.len();
                chunks.push(chunk);
            }
            DOCUMENT => return Err(Refusal::DocumentChunk),
            BUNDLE => return Err(Refusal::BundleChunk),
            _ => return Err(Refusal::NotAChunk),
        }
    }
    Ok(chunks)
}

/// The type, the start of the body, and the end of the chunk at the head of `bytes`.
pub(super) fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    if bytes.get(..4)? != MAGIC {
        return None;
    }
    let kind = *bytes.get(TYPE)?;
    let mut rest = bytes.get(TYPE + 1..)?;
    let len = unsigned(&mut rest)?;
    let body = bytes.len() - rest.len();
    let end = body.checked_add(usize::try_from(len).ok()?)?;
    (end <= bytes.len()).then_some((kind, body, end))
}

fn inflate(chunk: &[u8], body: usize, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = Refusal::ChangeTooLarge { limit };
    let mut plain = Vec::new();
    let deflated = chunk.get(body..).unwrap_or_default();
    let read = DeflateDecoder::new(deflated).take(limit as u64 + 1).read_to_end(&mut plain);
    if read.map_err(|_| Refusal::Unreadable)? > limit {
        return Err(too_large);
    }
    let mut whole = Vec::with_capacity(plain.len() + 16);
    // The checksum is that of the uncompressed chunk.
    whole.extend_from_slice(chunk.get(..TYPE).unwrap_or_default());
    whole.push(CHANGE);
    put_unsigned(&mut whole, plain.len() as u64);
    whole.extend_from_slice(&plain);
    Ok(whole.into())
}

/// The dependencies of an uncompressed change chunk, and what stands behind them.
pub fn taken_apart(chunk: &[u8]) -> Option<(Vec<ChangeHash>, &[u8])> {
    let (CHANGE, body, end) = frame(chunk)? else { return None };
    let mut rest = chunk.get(body..end)?;
    let mut deps = Vec::new();
    for _ in 0..unsigned(&mut rest)? {
        let (dep, behind) = rest.split_first_chunk()?;
        deps.push(ChangeHash(*dep));
        rest = behind;
    }
    Some((deps, rest))
}

/// The uncompressed change chunk of these dependencies and of what stands behind them, and its hash. What
/// [`taken_apart`] gives makes the same chunk again, where that had the shortest numbers and its own checksum.
pub fn put_together(deps: &[ChangeHash], rest: &[u8]) -> (Vec<u8>, ChangeHash) {
    let mut head = Vec::with_capacity(32 * deps.len() + 2);
    put_unsigned(&mut head, deps.len() as u64);
    deps.iter().for_each(|dep| head.extend_from_slice(&dep.0));
    let mut chunk = Vec::with_capacity(head.len() + rest.len() + 16);
    chunk.extend_from_slice(&MAGIC);
    chunk.extend_from_slice(&[0; TYPE - MAGIC.len()]);
    chunk.push(CHANGE);
    put_unsigned(&mut chunk, (head.len() + rest.len()) as u64);
    chunk.extend_from_slice(&head);
    chunk.extend_from_slice(rest);
    let digest: [u8; 32] = Sha256::digest(chunk.get(TYPE..).unwrap_or_default()).into();
    if let (Some(checksum), Some(first)) =
        (chunk.get_mut(MAGIC.len()..TYPE), digest.get(..TYPE - MAGIC.len()))
    {
        checksum.copy_from_slice(first);
    }
    (chunk, ChangeHash(digest))
}

/// The hash of an uncompressed chunk, if it is one and its checksum agrees.
pub fn hash(chunk: &[u8]) -> Option<ChangeHash> {
    let (_, _, end) = frame(chunk)?;
    if end != chunk.len() {
        return None;
    }
    let digest: [u8; 32] = Sha256::digest(chunk.get(TYPE..)?).into();
    (digest.get(..4) == chunk.get(4..TYPE)).then_some(ChangeHash(digest))
}

/// Counts the operations of an uncompressed change chunk without expanding anything: its action column says
/// how many there are, and a run of millions takes a few bytes.
///
/// # Errors
/// [`Refusal::TooManyOperations`], [`Refusal::Unreadable`]
pub fn count_operations(chunk: &[u8], limit: u64) -> Result<u64, Refusal> {
    let (kind, body, end) = frame(chunk).ok_or(Refusal::NotAChunk)?;
    if kind != CHANGE || end != chunk.len() {
        return Err(Refusal::NotAChunk);
    }
    let columns = columns(chunk.get(body..).unwrap_or_default()).ok_or(Refusal::Unreadable)?;
    let mut most = 0;
    for (specification, column) in columns {
        // Bit 3 says that a column is deflated; changes never are, column by column.
        if specification & 8 != 0 {
            return Err(Refusal::Unreadable);
        }
        // What expands by runs: every column but those of raw bytes. The longest says how many rows there are,
        // and predecessors may be more than operations.
        let rows = match specification & 7 {
            7 => continue,
            4 => boolean_rows(column, limit),
            5 => run_rows(column, limit, |bytes| unsigned(bytes).and_then(|length| skip(bytes, length))),
            _ => run_rows(column, limit, |bytes| unsigned(bytes).map(drop)),
        };
        most = most.max(rows.ok_or(Refusal::TooManyOperations { limit })?);
    }
    Ok(most)
}

/// The columns of a change body: (specification, bytes).
fn columns(mut body: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let b = &mut body;
    let deps = unsigned(b)?;
    skip(b, deps.checked_mul(32)?)?;
    let actor = unsigned(b)?;
    skip(b, actor)?;
    unsigned(b)?; // seq
    unsigned(b)?; // start
    signed(b)?; // time
    let message = unsigned(b)?;
    skip(b, message)?;
    for _ in 0..unsigned(b)? {
        let other = unsigned(b)?;
        skip(b, other)?;
    }
    let count = unsigned(b)?;
    let mut lengths = Vec::new();
    for _ in 0..count {
        lengths.push((unsigned(b)?, unsigned(b)?));
    }
    let mut columns = Vec::with_capacity(lengths.len());
    for (specification, length) in lengths {
        let length = usize::try_from(length).ok()?;
        columns.push((specification, b.get(..length)?));
        *b = b.get(length..)?;
    }
    Some(columns)
}

/// Rows of a run-length encoded column, whose values `value` skips; `None` past the limit or where it cannot
/// be read.
fn run_rows(mut column: &[u8], limit: u64, value: impl Fn(&mut &[u8]) -> Option<()>) -> Option<u64> {
    let mut rows = 0_u64;
    let whole = column.len() as u64;
    while !column.is_empty() {
        let run = signed(&mut column)?;
        let count = run.unsigned_abs();
        rows = rows.checked_add(match run {
            0 => unsigned(&mut column)?, // nulls
            1.. => {
                value(&mut column)?;
                count
            }
            // Literals take at least a byte each.
            _ if count > whole => return None,
            _ => {
                for _ in 0..count {
                    value(&mut column)?;
                }
                count
            }
        })?;
        if rows > limit {
            return None;
        }
    }
    Some(rows)
}

/// Rows of a boolean column: alternating run lengths.
fn boolean_rows(mut column: &[u8], limit: u64) -> Option<u64> {
    let mut rows = 0_u64;
    while !column.is_empty() {
        rows = rows.checked_add(unsigned(&mut column)?)?;
        if rows > limit {
            return None;
        }
    }
    Some(rows)
}

pub(super) fn skip(bytes: &mut &[u8], count: u64) -> Option<()> {
    *bytes = bytes.get(usize::try_from(count).ok()?..)?;
    Some(())
}

pub(super) fn unsigned(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        if shift > 63 {
            return None;
        }
    }
}

fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let (mut value, mut shift) = (0_i64, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= i64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            let negative = byte & 0x40 != 0 && shift < 64;
            return Some(if negative { value | (-1_i64 << shift) } else { value });
        }
        if shift > 63 {
            return None;
        }
    }
}

pub(super) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}
