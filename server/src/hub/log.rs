//! The changes of one document in memory, without what the index knows of them.

use super::strings::{Compressed, Strings};
use bytes::Bytes;
use codraft_protocol::authorship::{ChangeIx, Index};
use std::cell::RefCell;

/// How many bytes of changes are compressed together: enough of them to be alike, and not too many to be unpacked for
/// one.
const TOGETHER: usize = 64 << 10;

/// An append-only log. What it needs to read a change is the index that holds it.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many changes stand in front of its first.
    first: u32,
    /// Each with how many changes of this log stand in front of them.
    old: Vec<(u32, Compressed)>,
    last: (u32, Strings),
    /// Those of the old that were last read: who lacks one change lacks those behind it.
    read: RefCell<Option<(u32, Strings)>>,
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
        self.last.1.push(|out| index.pack(ChangeIx(number), raw, out));
        self.bytes += raw.len() as u64;
        if self.last.1.bytes() >= TOGETHER {
            self.compress();
        }
        number
    }

    /// The last ones are old now.
    fn compress(&mut self) {
        let next = self.last.0 + self.last.1.len();
        let (first, strings) = std::mem::replace(&mut self.last, (next, Strings::default()));
        if strings.len() > 0 {
            self.old.push((first, strings.compressed()));
        }
    }

    /// Appends all of the log of what comes behind it.
    pub(super) fn append(&mut self, other: Self) {
        debug_assert_eq!(self.len(), other.first, "one goes on where the other ends");
        self.compress();
        let own = self.last.0;
        self.bytes += other.bytes;
        self.old.extend(other.old.into_iter().map(|(first, changes)| (own + first, changes)));
        self.last = (own + other.last.0, other.last.1);
    }

    /// How many bytes the changes have as they came.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many changes there are, those in front of it included.
    pub(super) fn len(&self) -> u32 {
        self.first + self.last.0 + self.last.1.len()
    }

    /// One change as it came.
    pub(super) fn get(&self, number: u32, index: &Index) -> Option<Bytes> {
        let mut raw = Vec::new();
        self.write(number, index, &mut raw)?;
        Some(raw.into())
    }

    /// Appends one change, as it came, to `out`.
    pub(super) fn write(&self, number: u32, index: &Index, out: &mut Vec<u8>) -> Option<()> {
        let place = number.checked_sub(self.first)?;
        let mut unpack = |(first, strings): &(u32, Strings)| {
            index.unpack(ChangeIx(number), strings.at(place.checked_sub(*first)?)?, out)
        };
        if place >= self.last.0 {
            return unpack(&self.last);
        }
        let mut read = self.read.borrow_mut();
        let is_read = |(first, strings): &(u32, Strings)| (*first..first + strings.len()).contains(&place);
        if !read.as_ref().is_some_and(is_read) {
            let behind = self.old.partition_point(|(first, _)| *first <= place);
            let (first, compressed) = self.old.get(behind.checked_sub(1)?)?;
            *read = Some((*first, compressed.strings()?));
        }
        unpack(read.as_ref()?)
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
        for n in 0..2000 {
            doc.splice_text(&text, n, 0, &"words ".repeat(n % 40 + 1)).unwrap();
            doc.commit();
        }
        let (mut index, code) = (Index::new(), DelegationCode::secretariat());
        let (mut log, mut later) = (Log::default(), Log::behind(1200));
        let changes = doc.get_changes(&[]);
        for (number, change) in (0..).zip(&changes) {
            index.replay(change, &code).unwrap();
            let log = if number < 1200 { &mut log } else { &mut later };
            assert_eq!(log.push(change.raw_bytes(), &index), number);
        }
        assert!(log.old.len() > 1 && !later.old.is_empty());
        assert_eq!(later.get(1199, &index), None);
        assert_eq!(later.get(1200, &index).unwrap(), changes[1200].raw_bytes());
        log.append(later);
        let whole: usize = changes.iter().map(|change| change.raw_bytes().len()).sum();
        assert_eq!((log.len(), log.bytes()), (changes.len() as u32, whole as u64));
        let packed: usize = log.old.iter().map(|(_, compressed)| compressed.bytes()).sum();
        assert!((packed + log.last.1.bytes()) * 4 < whole, "{packed} of {whole}");
        // In order, and from everywhere.
        for number in (0..2000).chain((0..2000).map(|n| n * 577 % 2000)) {
            let raw = log.get(number, &index).unwrap();
            assert_eq!(raw, changes[number as usize].raw_bytes(), "{number}");
        }
        assert_eq!(log.get(changes.len() as u32, &index), None);
        log.append(Log::behind(2000));
        assert_eq!(log.get(1999, &index).unwrap(), changes[1999].raw_bytes());
        assert_eq!(Log::behind(3).get(2, &index), None);
    }
}
