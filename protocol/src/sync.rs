//! Automerge's sync message, version 1, as untrusted bytes: read within bounds, written without the flags
//! that would invite whole-document chunks (docs/wire.md).

use automerge::ChangeHash;
use automerge::sync::BloomFilter;
use bytes::Bytes;

/// First byte of a version 1 message.
const V1: u8 = 0x42;
/// First byte of a version 2 message.
const V2: u8 = 0x43;
/// The capability section's length and tag, as Automerge writes it.
const FLAGS: [u8; 2] = [0x02, 0x02];

/// Most heads, needs or last-sync hashes that one message may name.
const HASHES_LIMIT: u64 = 65_536;
/// Most `have` entries; every client sends one.
const HAVE_LIMIT: u64 = 8;
/// Automerge uses 7 probes; each one costs a look-up per change.
const PROBES_LIMIT: u32 = 7;

/// A sync message that cannot be read, or would stall whoever used it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// Cut off or not a sync message.
    #[error("this is not an Automerge sync message: {0}")]
    Malformed(&'static str),
    /// More entries than any client sends.
    #[error("this sync message names {given} {what}; at most {limit} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        given: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// A Bloom filter that would crash or stall Automerge.
    #[error(
        "this sync message carries a Bloom filter of {bits} bits an entry and {probes} probes; expected are 10 and 7"
    )]
    BadBloom {
        /// Bits per entry.
        bits: u32,
        /// Probes per look-up.
        probes: u32,
    },
}

/// What a peer already has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Have {
    /// Heads that both sides had at the last exchange.
    pub last_sync: Vec<ChangeHash>,
    /// The hashes that the peer has beyond them, probably.
    pub bloom: BloomFilter,
}

/// A sync message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncMessage {
    /// The sender's heads.
    pub heads: Vec<ChangeHash>,
    /// Hashes that the sender wants.
    pub need: Vec<ChangeHash>,
    /// What the sender has.
    pub have: Vec<Have>,
    /// Byte runs of one or more chunks each; not looked into here.
    pub changes: Vec<Bytes>,
    /// Whether the sender reads version 2 (it sent a flags section).
    pub speaks_v2: bool,
}

impl SyncMessage {
    /// What a server that has nothing to send says: its heads, as an acknowledgement.
    pub fn acknowledging(heads: Vec<ChangeHash>) -> Self {
        let have = vec![Have { last_sync: heads.clone(), bloom: BloomFilter::default() }];
        Self { heads, have, ..Self::default() }
    }

    /// What asks the peer to forget what it believes was shared, and to start over.
    pub fn reset(heads: Vec<ChangeHash>) -> Self {
        Self { heads, have: vec![Have::default()], ..Self::default() }
    }

    /// Whether the sender asks to start over: it claims to have nothing in common.
    pub fn asks_for_everything(&self) -> bool {
        self.have.first().is_some_and(|have| *have == Have::default())
    }

    /// Whether the sender has no change at all, and says nothing else.
    pub fn has_nothing(&self) -> bool {
        let none = self.have.iter().all(|have| *have == Have::default());
        none && self.heads.is_empty() && self.need.is_empty() && self.changes.is_empty()
    }

    /// Whether the sender knows nothing of what it shares with us: its state of syncing is new.
    pub fn begins(&self) -> bool {
        self.have.first().is_some_and(|have| have.last_sync.is_empty())
    }

    /// Reads a message; `changes` are slices of `bytes`.
    ///
    /// # Errors
    /// [`SyncError`]; reading takes time and memory in proportion to the message.
    pub fn decode(bytes: &Bytes) -> Result<Self, SyncError> {
        let mut r = Reader { whole: bytes, at: 0 };
        if !matches!(r.byte()?, V1 | V2) {
            return Err(SyncError::Malformed("unknown version"));
        }
        let heads = r.hashes("heads")?;
        let need = r.hashes("needs")?;
        let mut have = Vec::new();
        for _ in 0..r.count("have entries", HAVE_LIMIT)? {
            let last_sync = r.hashes("last-sync hashes")?;
            have.push(Have { last_sync, bloom: bloom(&r.prefixed()?)? });
        }
        let mut changes = Vec::new();
        for _ in 0..r.count("changes", bytes.len() as u64)? {
            changes.push(r.prefixed()?);
        }
        // Whatever follows is a flags section: only clients that read version 2 send one.
        Ok(Self { heads, need, have, changes, speaks_v2: r.at < bytes.len() })
    }

    /// Writes a version 1 message without flags: clients then never send whole-document chunks.
    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self.changes.iter().map(|c| c.len() + 5).sum();
        let mut out = Vec::with_capacity(size + 32 * (self.heads.len() * 2 + self.need.len()) + 64);
        self.put_head(&mut out, self.changes.len());
        for change in &self.changes {
            put_prefixed(&mut out, change);
        }
        out
    }

    /// Appends it to `out` with other changes in place of its own: each of `changes` appends one. They are written
    /// one by one, so that a document's worth of them is in memory once.
    ///
    /// `None`: one of them did not come, and what stands in `out` is of no use.
    pub fn encode_with<C>(&self, out: &mut Vec<u8>, changes: impl ExactSizeIterator<Item = C>) -> Option<()>
    where
        C: FnOnce(&mut Vec<u8>) -> Option<()>,
    {
        self.put_head(out, changes.len());
        for change in changes {
            let start = out.len();
            change(out)?;
            // Its length stands in front of it.
            let end = out.len();
            put_leb(out, (end - start) as u64);
            let length = out.len() - end;
            out.get_mut(start..)?.rotate_right(length);
        }
        Some(())
    }

    /// All of it up to its changes, of which there are so many.
    fn put_head(&self, out: &mut Vec<u8>, changes: usize) {
        out.push(V1);
        put_hashes(out, &self.heads);
        put_hashes(out, &self.need);
        put_leb(out, self.have.len() as u64);
        for have in &self.have {
            put_hashes(out, &have.last_sync);
            put_prefixed(out, &have.bloom.to_bytes());
        }
        put_leb(out, changes as u64);
    }

    /// Writes it as a client that reads version 2 would; for tests and load drivers.
    pub fn encode_with_flags(&self) -> Vec<u8> {
        let mut out = self.encode();
        out.extend(FLAGS);
        out.push(0x84);
        out
    }
}

/// A Bloom filter that is safe to look things up in.
fn bloom(bytes: &Bytes) -> Result<BloomFilter, SyncError> {
    if bytes.is_empty() {
        return Ok(BloomFilter::default());
    }
    let mut r = Reader { whole: bytes, at: 0 };
    let entries = r.leb()?;
    let (bits, probes) = (r.small()?, r.small()?);
    if entries == 0 {
        return Ok(BloomFilter::default());
    }
    if !(1..=64).contains(&bits) || !(1..=PROBES_LIMIT).contains(&probes) {
        return Err(SyncError::BadBloom { bits, probes });
    }
    let needed = entries.saturating_mul(u64::from(bits)).div_ceil(8);
    if needed != (bytes.len() - r.at) as u64 {
        return Err(SyncError::Malformed("a Bloom filter of another size than it says"));
    }
    BloomFilter::try_from(bytes.as_ref()).map_err(|_| SyncError::Malformed("Bloom filter"))
}

struct Reader<'a> {
    whole: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, SyncError> {
        let byte = self.whole.get(self.at).ok_or(SyncError::Malformed("cut off"))?;
        self.at += 1;
        Ok(*byte)
    }

    fn leb(&mut self) -> Result<u64, SyncError> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte()?;
            if shift > 56 {
                return Err(SyncError::Malformed("a number over 63 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    fn small(&mut self) -> Result<u32, SyncError> {
        Ok(u32::try_from(self.leb()?).unwrap_or(u32::MAX))
    }

    /// A count that is in bounds and that the bytes left could hold.
    fn count(&mut self, what: &'static str, limit: u64) -> Result<u64, SyncError> {
        let given = self.leb()?;
        if given > limit {
            return Err(SyncError::TooMany { what, given, limit });
        }
        if given > (self.whole.len() - self.at) as u64 {
            return Err(SyncError::Malformed("cut off"));
        }
        Ok(given)
    }

    fn hashes(&mut self, what: &'static str) -> Result<Vec<ChangeHash>, SyncError> {
        let n = self.count(what, HASHES_LIMIT)?;
        (0..n)
            .map(|_| {
                let end = self.at + 32;
                let bytes = self.whole.get(self.at..end).ok_or(SyncError::Malformed("cut off"))?;
                self.at = end;
                bytes.try_into().map(ChangeHash).map_err(|_| SyncError::Malformed("cut off"))
            })
            .collect()
    }

    fn prefixed(&mut self) -> Result<Bytes, SyncError> {
        let len = self.leb()?;
        let left = self.whole.len() - self.at;
        let len = usize::try_from(len).ok().filter(|n| *n <= left).ok_or(SyncError::Malformed("cut off"))?;
        let slice = self.whole.slice(self.at..self.at + len);
        self.at += len;
        Ok(slice)
    }
}

fn put_leb(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn put_hashes(out: &mut Vec<u8>, hashes: &[ChangeHash]) {
    put_leb(out, hashes.len() as u64);
    hashes.iter().for_each(|hash| out.extend(hash.as_ref()));
}

fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_leb(out, bytes.len() as u64);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::sync::{Message, State, SyncDoc};
    use automerge::transaction::Transactable;
    use automerge::{Automerge, ROOT};
    use proptest::prelude::*;

    fn hashes() -> impl Strategy<Value = Vec<ChangeHash>> {
        proptest::collection::vec(any::<[u8; 32]>().prop_map(ChangeHash), 0..5)
    }

    fn message() -> impl Strategy<Value = SyncMessage> {
        let have = (hashes(), hashes())
            .prop_map(|(last_sync, known)| Have { last_sync, bloom: BloomFilter::from_hashes(known.iter()) });
        let change = proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
        let (have, changes) =
            (proptest::collection::vec(have, 0..2), proptest::collection::vec(change, 0..4));
        (hashes(), hashes(), have, changes).prop_map(|(heads, need, have, changes)| SyncMessage {
            heads,
            need,
            have,
            changes,
            speaks_v2: false,
        })
    }

    proptest! {
        #[test]
        fn every_message_reads_back_as_written(m in message()) {
            prop_assert_eq!(SyncMessage::decode(&m.encode().into()), Ok(m.clone()));
            let v2 = SyncMessage { speaks_v2: true, ..m.clone() };
            prop_assert_eq!(SyncMessage::decode(&m.encode_with_flags().into()), Ok(v2));
            let mut out = vec![7];
            let changes = m.changes.iter().map(|change| |out: &mut Vec<u8>| {
                out.extend_from_slice(change);
                Some(())
            });
            let bare = SyncMessage { changes: Vec::new(), ..m.clone() };
            prop_assert!(bare.encode_with(&mut out, changes).is_some());
            prop_assert_eq!(out.split_off(1), m.encode());
        }

        #[test]
        fn automerge_reads_what_we_write_alike(m in message()) {
            let theirs = Message::decode(&m.encode()).unwrap();
            prop_assert_eq!(theirs.heads, m.heads);
            prop_assert_eq!(theirs.need, m.need);
            prop_assert!(theirs.flags.is_none());
            prop_assert_eq!(theirs.changes.iter().collect::<Vec<_>>(), m.changes);
        }

        #[test]
        fn what_passes_never_stalls_automerge(bytes in proptest::collection::vec(any::<u8>(), 0..120), hash: [u8; 32]) {
            let mut framed = vec![V1, 0, 0, 1, 0];
            put_prefixed(&mut framed, &bytes);
            framed.push(0);
            if let Ok(m) = SyncMessage::decode(&framed.into()) {
                let _ = m.have[0].bloom.contains_hash(&ChangeHash(hash));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), m in message(), at: prop::sample::Index, to: u8) {
            let _ = SyncMessage::decode(&bytes.into());
            let mut damaged = m.encode();
            let at = at.index(damaged.len());
            damaged[at] = to;
            let _ = SyncMessage::decode(&damaged.into());
        }
    }

    #[test]
    fn what_automerge_writes_is_read() {
        let mut doc = Automerge::new();
        let mut tx = doc.transaction();
        tx.put(ROOT, "k", "v").unwrap();
        tx.commit();
        let message = doc.generate_sync_message(&mut State::new()).unwrap();
        let read = SyncMessage::decode(&message.encode().into()).unwrap();
        assert_eq!(read.heads, doc.get_heads());
        assert!(read.speaks_v2);
        assert!(read.have[0].bloom.contains_hash(&doc.get_heads()[0]));
    }

    #[test]
    fn hostile_bloom_filters_are_refused() {
        let with = |bloom: &[u8]| {
            let mut bytes = vec![V1, 0, 0, 1, 0];
            put_prefixed(&mut bytes, bloom);
            bytes.push(0);
            SyncMessage::decode(&bytes.into())
        };
        // One entry of no bits: Automerge divides by zero. 200 million probes: seconds and 800 MB.
        assert_eq!(with(&[1, 0, 7]), Err(SyncError::BadBloom { bits: 0, probes: 7 }));
        let mut probes = vec![1, 10];
        put_leb(&mut probes, 200_000_000);
        probes.extend([0xff, 0xff]);
        assert_eq!(with(&probes), Err(SyncError::BadBloom { bits: 10, probes: 200_000_000 }));
        assert!(with(&[0xff, 0xff, 0xff, 0xff, 0x0f, 10, 7]).is_err());
        // Counts that the message cannot hold are refused before anything is set aside for them.
        assert!(SyncMessage::decode(&Bytes::from_static(&[V1, 0xff, 0xff, 3])).is_err());
    }
}
