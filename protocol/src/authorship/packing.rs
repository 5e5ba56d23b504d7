//! Changes without what the index knows of them: half as many bytes for a log in memory.
//!
//! A change names what it builds on by 32-byte hashes, and its actors by 16 bytes each; the index has all of them
//! already, and the checksum with which a chunk begins is the first four bytes of its hash. What is left out comes
//! back byte for byte: a change that would not (an unusual encoding) is kept as it is.

use super::chunk::{CHANGE, MAGIC, frame, put_unsigned, skip, unsigned};
use super::{ChangeIx, Index};
use crate::authorship::index::id::ActorIx;
use automerge::ActorId;

/// The first byte of what is kept as it is, and of what is packed.
const WHOLE: u8 = 0;
const PACKED: u8 = 1;

impl Index {
    /// Appends change `ix`, an uncompressed chunk that this index holds, to `out`, for [`Index::unpack`].
    pub fn pack(&self, ix: ChangeIx, chunk: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(PACKED);
        let mut whole = Vec::with_capacity(chunk.len());
        let is_packed = self.shorten(ix, chunk, out).is_some()
            && out.get(start..).and_then(|packed| self.unpack(ix, packed, &mut whole)).is_some()
            && whole == chunk;
        if !is_packed {
            out.truncate(start);
            out.push(WHOLE);
            out.extend_from_slice(chunk);
        }
    }

    /// Appends the chunk again to `out`. `None`: it is not what [`Index::pack`] has made of change `ix`, and `out` is as
    /// it was.
    pub fn unpack(&self, ix: ChangeIx, packed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        let unpacked = self.lengthen(ix, packed, out);
        if unpacked.is_none() {
            out.truncate(start);
        }
        unpacked
    }

    fn lengthen(&self, ix: ChangeIx, packed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (kind, mut rest) = packed.split_first()?;
        if *kind == WHOLE {
            out.extend_from_slice(rest);
            return Some(());
        }
        let entry = self.history.entry(ix)?;
        let start = out.len();
        let deps = self.deps_at(ix);
        put_unsigned(out, deps.len() as u64);
        for dep in deps {
            out.extend_from_slice(&self.history.entry(*dep)?.hash.0);
        }
        put_actor(out, self.actor_at(entry.actor)?);
        out.extend_from_slice(own(&mut rest)?);
        let others = unsigned(&mut rest)?;
        put_unsigned(out, others);
        for _ in 0..others {
            put_actor(out, self.actor_at(ActorIx(u32::try_from(unsigned(&mut rest)?).ok()?))?);
        }
        out.extend_from_slice(rest);
        // How long the body is stands in front of it.
        let body = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend(entry.hash.0.iter().take(4));
        out.push(CHANGE);
        put_unsigned(out, (body - start) as u64);
        let header = out.len() - body;
        out.get_mut(start..)?.rotate_right(header);
        Some(())
    }

    /// Appends what the index does not know. `None`: this is no such chunk.
    fn shorten(&self, ix: ChangeIx, chunk: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (CHANGE, body, _) = frame(chunk)? else { return None };
        let mut rest = chunk.get(body..)?;
        let deps = unsigned(&mut rest)?;
        skip(&mut rest, deps.checked_mul(32)?)?;
        let actor = unsigned(&mut rest)?;
        skip(&mut rest, actor)?;
        out.extend_from_slice(own(&mut rest)?);
        let others = unsigned(&mut rest)?;
        put_unsigned(out, others);
        for _ in 0..others {
            let length = usize::try_from(unsigned(&mut rest)?).ok()?;
            let (actor, behind) = rest.split_at_checked(length)?;
            put_unsigned(out, self.actor(&ActorId::from(actor))?.0.into());
            rest = behind;
        }
        out.extend_from_slice(rest);
        // All else is checked by whoever unpacks it; this would be for nothing.
        (deps == self.deps_at(ix).len() as u64).then_some(())
    }
}

/// What stands between a change's own actor and the others: seq, start, time and message.
fn own<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let whole = *rest;
    unsigned(rest)?;
    unsigned(rest)?;
    // Signed: as many bytes as an unsigned one, but for its last.
    let time = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    skip(rest, time as u64)?;
    let message = unsigned(rest)?;
    skip(rest, message)?;
    whole.get(..whole.len() - rest.len())
}

fn put_actor(out: &mut Vec<u8>, actor: &ActorId) {
    put_unsigned(out, actor.to_bytes().len() as u64);
    out.extend_from_slice(actor.to_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DelegationCode;
    use automerge::transaction::{CommitOptions, Transactable as _};
    use automerge::{AutoCommit, Change, ObjType, ROOT};

    /// An index of these changes, all of one delegation.
    fn index(changes: &[Change]) -> Index {
        let (mut index, code) = (Index::new(), DelegationCode::secretariat());
        for change in changes {
            index.replay(change, &code).unwrap();
        }
        index
    }

    /// Two actors that write in turn, also beside each other.
    fn changes() -> Vec<Change> {
        let mut one = AutoCommit::new();
        one.set_actor(ActorId::from([1; 16]));
        let list = one.put_object(ROOT, "provisions", ObjType::List).unwrap();
        let provision = one.insert_object(&list, 0, ObjType::Map).unwrap();
        let text = one.put_object(&provision, "text", ObjType::Text).unwrap();
        one.splice_text(&text, 0, 0, "decides").unwrap();
        one.commit_with(CommitOptions::default().with_time(-7).with_message("a message"));
        let mut other = one.fork().with_actor(ActorId::from([2; 16]));
        other.splice_text(&text, 3, 2, "é😀").unwrap();
        other.commit_with(CommitOptions::default().with_time(1_700_000_000));
        one.splice_text(&text, 1, 1, "").unwrap();
        one.commit();
        one.merge(&mut other).unwrap();
        one.splice_text(&text, 0, 3, "x").unwrap();
        one.commit();
        one.get_changes(&[])
    }

    /// What is unpacked behind something else, which stays as it is.
    fn unpacked(index: &Index, number: u32, packed: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![7; 3];
        let unpacked = index.unpack(ChangeIx(number), packed, &mut out);
        let behind = out.split_off(3);
        assert_eq!(out, [7; 3]);
        assert!(unpacked.is_some() || behind.is_empty());
        unpacked.map(|()| behind)
    }

    #[test]
    fn what_is_packed_comes_back() {
        let changes = changes();
        let index = index(&changes);
        for (number, change) in (0..).zip(&changes) {
            let mut packed = vec![9];
            index.pack(ChangeIx(number), change.raw_bytes(), &mut packed);
            let packed = packed.split_off(1);
            assert_eq!(packed.first(), Some(&PACKED));
            let raw = change.raw_bytes();
            let header = if raw.len() < 10 + 128 { 10 } else { 11 };
            let named = 1 + 17 + 32 * change.deps().len() + 16 * change.other_actor_ids().len();
            assert_eq!(packed.len(), 1 + raw.len() - header - named);
            assert_eq!(unpacked(&index, number, &packed).unwrap(), raw);
        }
    }

    #[test]
    fn what_would_not_come_back_is_kept_whole() {
        let changes = changes();
        let index = index(&changes);
        let raw = changes[1].raw_bytes();
        let mut longer = raw.to_vec();
        // The length of the body in more bytes than it takes.
        longer.splice(9..10, [raw[9] | 0x80, 0]);
        let mut other = raw.to_vec();
        other[12] ^= 1;
        for (ix, odd) in [(1, &longer[..]), (1, &other), (0, raw), (9, raw), (1, &raw[..20]), (1, b"")] {
            let mut packed = Vec::new();
            index.pack(ChangeIx(ix), odd, &mut packed);
            assert_eq!(packed.first(), Some(&WHOLE));
            assert_eq!(unpacked(&index, ix, &packed).unwrap(), odd);
        }
        assert_eq!(unpacked(&index, 1, &[]), None);
        assert_eq!(unpacked(&index, 1, &[PACKED, 1, 1]), None);
    }
}
