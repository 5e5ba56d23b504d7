//! Many byte strings, end to end, and compressed.

/// Some byte strings end to end: one costs its bytes and four.
#[derive(Debug, Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
}

/// Such strings where they are seldom read.
#[derive(Debug)]
pub(super) struct Compressed {
    /// How many strings.
    len: u32,
    /// The length of each (u32, little-endian), and all of them: compressed.
    packed: Box<[u8]>,
}

impl Strings {
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
    pub(super) fn compressed(&self) -> Compressed {
        let mut whole = Vec::with_capacity(self.ends.len() * 4 + self.bytes.len());
        for string in self.iter() {
            whole.extend_from_slice(&u32::try_from(string.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        whole.extend_from_slice(&self.bytes);
        Compressed { len: self.len(), packed: lz4_flex::compress_prepend_size(&whole).into() }
    }
}

impl Compressed {
    /// How many bytes it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// The strings again.
    pub(super) fn strings(&self) -> Option<Strings> {
        let mut bytes = lz4_flex::decompress_size_prepended(&self.packed).ok()?;
        let (lengths, _) = bytes.split_at_checked(self.len as usize * 4)?.0.as_chunks::<4>();
        let mut end = 0;
        let ends = lengths.iter().map(|length| {
            end += u32::from_le_bytes(*length);
            end
        });
        let ends = ends.collect();
        bytes.drain(..self.len as usize * 4);
        Some(Strings { bytes, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(n: u32) -> Vec<u8> {
        vec![b'x'; (n as usize * 7_919) % 80_000]
    }

    #[test]
    fn what_was_compressed_is_the_same() {
        let mut strings = Strings::default();
        for n in 0..20 {
            strings.push(|out| out.extend(string(n)));
            let opened = strings.compressed().strings().unwrap();
            assert_eq!((opened.len(), opened.bytes()), (n + 1, strings.bytes()));
            assert!((0..n + 3).all(|place| opened.at(place) == strings.at(place)));
        }
        assert_eq!(strings.at(19), Some(&string(19)[..]));
        assert_eq!(strings.at(20), None);
        assert!(strings.compressed().bytes() * 10 < strings.bytes());
        assert_eq!(Strings::default().compressed().strings().unwrap().len(), 0);
    }
}
