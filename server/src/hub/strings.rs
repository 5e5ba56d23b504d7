//! Many byte strings, end to end in blocks.

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
    pub(super) fn append(&mut self, others: Self) {
        for mut block in others.blocks().filter(|block| block.len() > 0) {
            if self.last.len() > 0 {
                self.close();
            }
            block.first = self.len();
            self.last = block;
        }
    }

    /// How many bytes they have.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.full.iter().chain([&self.last]).map(|block| block.bytes.len()).sum()
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.last.first + self.last.len()
    }

    /// One of them.
    pub(super) fn at(&self, number: u32) -> Option<&[u8]> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
