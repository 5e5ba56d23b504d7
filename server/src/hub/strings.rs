//! Many byte strings, end to end.

/// How many bytes a block of [`Strings`] has before the next one is begun: enough for the allocator to give it back to
/// the system by itself.
const BLOCK: usize = 256 << 10;

/// Some byte strings end to end: one costs its bytes and four.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
}

/// A block as it is kept where it is seldom read.
#[derive(Debug)]
pub(super) struct Shut {
    /// How many strings.
    len: u32,
    /// The length of each (u32, little-endian), and all of them: compressed.
    packed: Box<[u8]>,
}

impl Block {
    /// Appends what `write` appends to the bytes that it is given.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// How many strings there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// One of them.
    pub(super) fn at(&self, place: u32) -> Option<&[u8]> {
        let place = place as usize;
        let end = *self.ends.get(place)? as usize;
        let start =
            place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.bytes.get(start..end)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|place| self.at(place))
    }

    /// The same, compressed.
    pub(super) fn shut(&self) -> Shut {
        let mut whole = Vec::with_capacity(self.ends.len() * 4 + self.bytes.len());
        for string in self.iter() {
            whole.extend_from_slice(&u32::try_from(string.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        whole.extend_from_slice(&self.bytes);
        Shut { len: self.len(), packed: lz4_flex::compress_prepend_size(&whole).into() }
    }
}

impl Shut {
    /// How many bytes it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// The block again.
    pub(super) fn open(&self) -> Option<Block> {
        let mut bytes = lz4_flex::decompress_size_prepended(&self.packed).ok()?;
        let (lengths, _) = bytes.split_at_checked(self.len as usize * 4)?.0.as_chunks::<4>();
        let mut end = 0;
        let ends = lengths.iter().map(|length| {
            end += u32::from_le_bytes(*length);
            end
        });
        let ends = ends.collect();
        bytes.drain(..self.len as usize * 4);
        Some(Block { bytes, ends })
    }
}

/// Byte strings in blocks: those of a full block are not moved again.
#[derive(Debug, Default)]
pub(super) struct Strings {
    full: Vec<Block>,
    last: Block,
}

impl Strings {
    /// Appends one.
    pub(super) fn push(&mut self, string: &[u8]) {
        self.last.push(|out| out.extend_from_slice(string));
        if self.last.bytes() >= BLOCK {
            self.full.push(std::mem::take(&mut self.last));
        }
    }

    /// Its blocks, in order.
    pub(super) fn blocks(self) -> impl Iterator<Item = Block> {
        self.full.into_iter().chain([self.last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(n: u32) -> Vec<u8> {
        vec![b'x'; (n as usize * 7_919) % 80_000]
    }

    #[test]
    fn strings_come_back_in_order() {
        let mut all = Strings::default();
        (0..60).for_each(|n| all.push(&string(n)));
        assert!(all.full.len() > 4);
        let again = all.blocks().flat_map(|block| block.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
        assert_eq!(again.collect::<Vec<_>>(), (0..60).map(string).collect::<Vec<_>>());
    }

    #[test]
    fn a_block_that_was_shut_is_the_same() {
        let mut block = Block::default();
        for n in 0..20 {
            block.push(|out| out.extend(string(n)));
            let opened = block.shut().open().unwrap();
            assert_eq!((opened.len(), opened.bytes()), (n + 1, block.bytes()));
            assert!((0..n + 3).all(|place| opened.at(place) == block.at(place)));
        }
        assert_eq!(block.at(19), Some(&string(19)[..]));
        assert_eq!(block.at(20), None);
        assert!(block.shut().bytes() * 10 < block.bytes());
        assert_eq!(Block::default().shut().open().unwrap().len(), 0);
    }
}
