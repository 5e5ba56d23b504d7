//! The changes of one document in memory, without what the index knows of them.

use super::strings::Strings;
use bytes::Bytes;
use codraft_protocol::authorship::{ChangeIx, Index};

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
        let packed = later.packed.bytes() + log.packed.bytes();
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
