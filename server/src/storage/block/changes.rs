//! Records of changes as columns. A chunk of Automerge's is its hash's first four bytes, its dependencies, and the
//! rest; the first follow from the others, and a dependency is mostly one of the changes before it.

use super::super::record::{ChangeRecord, RecordError};
use super::{Unpacked, malformed};
use automerge::ChangeHash;
use codraft_protocol::authorship::chunk;
use codraft_protocol::id::DelegationCode;
use codraft_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

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
    others: Vec<[u8; 32]>,
    /// How long the rest of each is; and all of it.
    lengths: Vec<u32>,
    #[serde(with = "serde_bytes")]
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

/// Packs records; `None` where one of them is no record of a change.
pub(super) fn pack(values: &[Vec<u8>]) -> Option<Changes> {
    let mut packed = Changes::default();
    let mut hashes = Vec::with_capacity(values.len());
    let mut before = 0;
    for value in values {
        let record = ChangeRecord::decode(value).ok()?;
        packed.account.push(place(&mut packed.accounts, record.account)?);
        packed.delegation.push(place(&mut packed.delegations, record.delegation)?);
        packed.received.push(record.received.0.wrapping_sub(before));
        before = record.received.0;
        let apart = chunk::taken_apart(&record.raw)
            .filter(|(deps, rest)| chunk::put_together(deps, rest).0 == record.raw);
        let rest = match apart {
            Some((deps, rest)) => {
                let places = deps.iter().map(|dep| {
                    let back = hashes.iter().rev().position(|hash| *hash == Some(*dep));
                    let back = back.and_then(|back| u32::try_from(back + 1).ok()).unwrap_or_default();
                    if back == 0 {
                        packed.others.push(dep.0);
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
        hashes.push(chunk::hash(&record.raw));
    }
    Some(packed)
}

/// The records again.
pub(super) fn unpack(packed: Changes) -> Result<Vec<Vec<u8>>, RecordError> {
    let short = || malformed("a column is too short");
    let mut unpacked = Unpacked::default();
    let mut hashes: Vec<Option<ChangeHash>> = Vec::new();
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
        let (raw, hash) = match deps {
            None => (own.to_vec(), chunk::hash(own)),
            Some(places) => {
                let dep = |back: &u32| match *back as usize {
                    0 => others.next().map(|other| ChangeHash(*other)),
                    back => *hashes.get(hashes.len().checked_sub(back)?)?,
                };
                let deps: Option<Vec<ChangeHash>> = places.iter().map(dep).collect();
                let (raw, hash) = chunk::put_together(&deps.ok_or_else(short)?, own);
                (raw, Some(hash))
            }
        };
        hashes.push(hash);
        let (received, account, delegation) = (Timestamp(before), account.clone(), delegation.clone());
        unpacked.push(ChangeRecord { received, account, delegation, raw }.encode())?;
    }
    Ok(unpacked.values)
}
