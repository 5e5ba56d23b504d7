//! The raw changes of one document in memory, end to end in one allocation: a change costs its bytes and eight.

use bytes::Bytes;

/// An append-only log.
#[derive(Debug, Default)]
pub(super) struct Log {
    bytes: Vec<u8>,
    /// Where each change ends.
    ends: Vec<u64>,
}

impl Log {
    /// Appends a change and returns its number.
    pub(super) fn push(&mut self, raw: &[u8]) -> u32 {
        self.bytes.extend_from_slice(raw);
        self.ends.push(self.bytes.len() as u64);
        self.len() - 1
    }

    /// Appends all of another one.
    pub(super) fn append(&mut self, other: &Self) {
        let before = self.bytes();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How many changes there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// A copy of one change.
    pub(super) fn get(&self, number: u32) -> Option<Bytes> {
        self.at(number).map(Bytes::copy_from_slice)
    }

    /// One change.
    pub(super) fn at(&self, number: u32) -> Option<&[u8]> {
        let number = number as usize;
        let end = usize::try_from(*self.ends.get(number)?).ok()?;
        let start = match number.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        self.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_by_number() {
        let mut log = Log::default();
        assert_eq!([log.push(b"one"), log.push(b""), log.push(b"three")], [0, 1, 2]);
        let all: Vec<_> = (0..4).map(|n| log.get(n).map(|b| b.to_vec())).collect();
        assert_eq!(all, [Some(b"one".to_vec()), Some(vec![]), Some(b"three".to_vec()), None]);
    }
}
