//! The changes of one document in memory, without what the index knows of them.

use bytes::Bytes;
use codraft_protocol::authorship::{ChangeIx, Index};

/// How many bytes a block has before the next one is begun: enough for the allocator to give it back to the system by
/// itself.
const BLOCK: usize = 256 << 10;

/// Byte strings end to end, in blocks: one costs its bytes and four, and those of a full block are not moved again.
#[derive(Debug, Default)]
pub(super) struct Strings {
    full: Vec<Block>,
    last: Block,
}

/// Some of them.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// How many strings stand in the blocks before it.
    first: u32,
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
}

impl Block {
    fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    fn at(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)? as usize;
        let start =
            place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.bytes.get(start..end)
    }

    /// Its strings, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).filter_map(|place| self.at(place))
    }
}

impl Strings {
    /// Appends what `write` appends to the bytes that it is given.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let last = &mut self.last;
        write(&mut last.bytes);
        last.ends.push(u32::try_from(last.bytes.len()).unwrap_or(u32::MAX));
        if last.bytes.len() >= BLOCK {
            self.close();
        }
    }

    fn close(&mut self) {
        let next = Block { first: self.len(), ..Block::default() };
        let mut full = std::mem::replace(&mut self.last, next);
        full.bytes.shrink_to_fit();
        full.ends.shrink_to_fit();
        self.full.push(full);
    }

    /// Appends all of others.
    fn append(&mut self, others: Self) {
        for mut block in others.blocks().filter(|block| block.len() > 0) {
            if self.last.len() > 0 {
                self.close();
            }
            block.first = self.len();
            self.last = block;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.last.first + self.last.len()
    }

    fn at(&self, number: u32) -> Option<&[u8]> {
        let behind = self.full.partition_point(|block| block.first <= number);
        let block =
            if number >= self.last.first { &self.last } else { self.full.get(behind.checked_sub(1)?)? };
        block.at((number - block.first) as usize)
    }

    /// Its blocks, in order.
    pub(super) fn blocks(self) -> impl Iterator<Item = Block> {
        self.full.into_iter().chain([self.last])
    }
}

/// An append-only log. What it needs to read a change is the index that holds it.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many changes stand in front of its first.
    first: u32,
    packed: Strings,
    bytes: u64,
}

impl Log {
    /// An empty log of what comes behind so many changes.
    pub(super) fn behind(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    /// Appends a change that the index holds by the same number, which is returned.
    pub(super) fn push(&mut self, raw: &[u8], index: &Index) -> u32 {
        let number = self.len();
        self.packed.push(|out| index.pack(ChangeIx(number), raw, out));
        self.bytes += raw.len() as u64;
        number
    }

    /// Appends all of the log of what comes behind it.
    pub(super) fn append(&mut self, other: Self) {
        debug_assert_eq!(self.len(), other.first, "one goes on where the other ends");
        self.bytes += other.bytes;
        self.packed.append(other.packed);
    }

    /// How many bytes the changes have as they came.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many changes there are, those in front of it included.
    pub(super) fn len(&self) -> u32 {
        self.first + self.packed.len()
    }

    /// One change as it came.
    pub(super) fn get(&self, number: u32, index: &Index) -> Option<Bytes> {
        let packed = self.packed.at(number.checked_sub(self.first)?)?;
        index.unpack(ChangeIx(number), packed).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::transaction::Transactable as _;
    use automerge::{ActorId, AutoCommit, ObjType, ROOT};
    use codraft_protocol::id::DelegationCode;

    #[test]
    fn strings_come_back_by_number() {
        let string = |n: u32| vec![b'x'; (n as usize * 7_919) % 80_000];
        let (mut all, mut rest) = (Strings::default(), Strings::default());
        for n in 0..40 {
            let to = if n < 23 { &mut all } else { &mut rest };
            to.push(|out| out.extend(string(n)));
        }
        assert!(all.full.len() > 2 && rest.full.len() > 1);
        all.append(Strings::default());
        all.append(rest);
        for n in 40..60 {
            all.push(|out| out.extend(string(n)));
        }
        assert_eq!(all.len(), 60);
        for n in 0..60 {
            assert_eq!(all.at(n), Some(&string(n)[..]), "{n}");
        }
        assert_eq!(all.at(60), None);
        let again: Vec<Vec<u8>> =
            all.blocks().flat_map(|block| block.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
        assert_eq!(again, (0..60).map(string).collect::<Vec<_>>());
    }

    #[test]
    fn changes_come_back_as_they_came() {
        let mut doc = AutoCommit::new();
        doc.set_actor(ActorId::from([7; 16]));
        let list = doc.put_object(ROOT, "provisions", ObjType::List).unwrap();
        let provision = doc.insert_object(&list, 0, ObjType::Map).unwrap();
        let text = doc.put_object(&provision, "text", ObjType::Text).unwrap();
        for n in 0..50 {
            doc.splice_text(&text, n, 0, "x").unwrap();
            doc.commit();
        }
        let (mut index, code) = (Index::new(), DelegationCode::secretariat());
        let (mut log, mut later) = (Log::default(), Log::behind(30));
        let changes = doc.get_changes(&[]);
        for (number, change) in (0..).zip(&changes) {
            index.replay(change, &code).unwrap();
            let log = if number < 30 { &mut log } else { &mut later };
            assert_eq!(log.push(change.raw_bytes(), &index), number);
        }
        let packed: usize = later.packed.last.bytes.len() + log.packed.last.bytes.len();
        log.append(later);
        let whole: usize = changes.iter().map(|change| change.raw_bytes().len()).sum();
        assert_eq!((log.len(), log.bytes()), (changes.len() as u32, whole as u64));
        assert!(packed * 2 < whole, "{packed} of {whole}");
        for (number, change) in (0..).zip(&changes) {
            assert_eq!(log.get(number, &index).unwrap(), change.raw_bytes());
        }
        assert_eq!(log.get(changes.len() as u32, &index), None);
        assert_eq!(Log::behind(3).get(2, &index), None);
    }
}
