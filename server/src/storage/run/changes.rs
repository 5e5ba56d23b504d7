//! Records of changes as columns. A chunk of Automerge's is its hash's first four bytes, its dependencies, and the
//! rest; the first follow from the others, and a dependency is mostly one of the changes before it.

use super::super::record::{ChangeRecord, RecordError, leb128, octets};
use super::{Unpacked, malformed};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type of a chunk that is a change.
const CHANGE: u8 = 1;
const HASH: usize = 32;

type Hash = [u8; HASH];

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Changes {
    accounts: Vec<String>,
    delegations: Vec<DelegationCode>,
    /// For each change: its account and its delegation, by their places in those, and the milliseconds since the one
    /// before.
    account: Vec<u32>,
    delegation: Vec<u32>,
    received: Vec<i64>,
    /// How each is kept: none, whole; else the places of its dependencies, how many changes before it, from 1 on; 0 for
    /// the next of `others`.
    deps: Vec<Option<Vec<u32>>>,
    others: Vec<Hash>,
    /// How long the rest of each is; and all of it.
    lengths: Vec<u32>,
    #[serde(with = "octets")]
    rest: Vec<u8>,
}

/// The place of something in a table, which it is added to where it is not there.
fn place<T: PartialEq>(table: &mut Vec<T>, one: T) -> Option<u32> {
    let at = table.iter().position(|known| *known == one).unwrap_or_else(|| {
        table.push(one);
        table.len() - 1
    });
    u32::try_from(at).ok()
}

/// A number, and what comes behind it.
fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        number |= usize::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
    }
    None
}

/// The dependencies of a chunk, and what comes behind them.
fn taken_apart(raw: &[u8]) -> Option<(Vec<Hash>, &[u8])> {
    let chunk = raw.strip_prefix(&MAGIC)?.get(4..)?;
    let (_, data) = read_leb128(chunk.strip_prefix(&[CHANGE])?)?;
    let (count, mut rest) = read_leb128(data)?;
    let mut deps = Vec::new();
    for _ in 0..count {
        let (dep, behind) = rest.split_first_chunk::<HASH>()?;
        deps.push(*dep);
        rest = behind;
    }
    Some((deps, rest))
}

/// How many bytes a number takes.
fn width(number: usize) -> usize {
    (usize::BITS - number.leading_zeros()).div_ceil(7).max(1) as usize
}

/// Puts the length of a chunk, and the chunk, behind what is there; answers its hash.
fn put_together(deps: &[Hash], rest: &[u8], to: &mut Vec<u8>) -> Hash {
    let data = width(deps.len()) + HASH * deps.len() + rest.len();
    leb128(MAGIC.len() + 4 + 1 + width(data) + data, to);
    let from = to.len();
    to.extend_from_slice(&MAGIC);
    to.extend_from_slice(&[0; 4]);
    to.push(CHANGE);
    leb128(data, to);
    leb128(deps.len(), to);
    deps.iter().for_each(|dep| to.extend_from_slice(dep));
    to.extend_from_slice(rest);
    let raw = to.get_mut(from..).unwrap_or_default();
    let hash = hash(raw);
    if let (Some(sum), Some(first)) = (raw.get_mut(4..8), hash.get(..4)) {
        sum.copy_from_slice(first);
    }
    hash
}

/// The hash of a chunk: all of it but its magic bytes and its checksum.
fn hash(raw: &[u8]) -> Hash {
    Sha256::digest(raw.get(8..).unwrap_or_default()).into()
}

/// Packs records; `None` where one of them is no record of a change.
pub(super) fn pack(values: &[Vec<u8>]) -> Option<Changes> {
    let mut packed = Changes::default();
    let mut hashes: Vec<Hash> = Vec::with_capacity(values.len());
    let mut before = 0;
    for value in values {
        let record = ChangeRecord::decode(value).ok()?;
        packed.account.push(place(&mut packed.accounts, record.account)?);
        packed.delegation.push(place(&mut packed.delegations, record.delegation)?);
        packed.received.push(record.received.0.wrapping_sub(before));
        before = record.received.0;
        let apart = taken_apart(&record.raw).filter(|(deps, rest)| {
            let mut again = Vec::new();
            put_together(deps, rest, &mut again);
            again.get(width(record.raw.len())..) == Some(record.raw.as_slice())
        });
        let rest = match apart {
            Some((deps, rest)) => {
                let places = deps.iter().map(|dep| {
                    let back = hashes.iter().rev().position(|hash| hash == dep);
                    let back = back.and_then(|back| u32::try_from(back + 1).ok()).unwrap_or_default();
                    if back == 0 {
                        packed.others.push(*dep);
                    }
                    back
                });
                let places = places.collect();
                packed.deps.push(Some(places));
                rest
            }
            None => {
                packed.deps.push(None);
                &record.raw
            }
        };
        packed.lengths.push(u32::try_from(rest.len()).ok()?);
        packed.rest.extend_from_slice(rest);
        hashes.push(hash(&record.raw));
    }
    Some(packed)
}

/// The records again.
pub(super) fn unpack(packed: Changes) -> Result<Vec<Vec<u8>>, RecordError> {
    let short = || malformed("a column is too short");
    let mut unpacked = Unpacked::default();
    let mut hashes: Vec<Hash> = Vec::new();
    let (mut before, mut rest, mut others) = (0_i64, packed.rest.as_slice(), packed.others.iter());
    for (at, deps) in packed.deps.iter().enumerate() {
        let named = |column: &[u32]| column.get(at).map(|place| *place as usize);
        let account =
            named(&packed.account).and_then(|place| packed.accounts.get(place)).ok_or_else(short)?;
        let delegation =
            named(&packed.delegation).and_then(|place| packed.delegations.get(place)).ok_or_else(short)?;
        before = before.wrapping_add(*packed.received.get(at).ok_or_else(short)?);
        let length = named(&packed.lengths).ok_or_else(short)?;
        let (own, behind) = rest.split_at_checked(length).ok_or_else(short)?;
        rest = behind;
        let (received, account, delegation) = (Timestamp(before), account.clone(), delegation.clone());
        let record = ChangeRecord { received, account, delegation, raw: Vec::new() };
        let mut value = record.encode_before(own.len() + 2 * HASH);
        let hash = match deps {
            None => {
                leb128(own.len(), &mut value);
                value.extend_from_slice(own);
                hash(own)
            }
            Some(places) => {
                let dep = |back: &u32| match *back as usize {
                    0 => others.next(),
                    back => hashes.len().checked_sub(back).and_then(|at| hashes.get(at)),
                };
                let deps: Option<Vec<Hash>> = places.iter().map(dep).map(|dep| dep.copied()).collect();
                put_together(&deps.ok_or_else(short)?, own, &mut value)
            }
        };
        hashes.push(hash);
        unpacked.push(value)?;
    }
    Ok(unpacked.values)
}
