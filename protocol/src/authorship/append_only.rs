//! An append-only list of which copies cost the same however long it is: they share all that was full when they were made.

use std::sync::Arc;

/// Items that one piece holds.
const PIECE: usize = 512;

/// The list.
#[derive(Clone, Debug)]
pub(crate) struct AppendOnly<T> {
    full: Arc<Vec<Arc<Vec<T>>>>,
    last: Arc<Vec<T>>,
}

impl<T> Default for AppendOnly<T> {
    fn default() -> Self {
        Self { full: Arc::default(), last: Arc::default() }
    }
}

impl<T: Clone> AppendOnly<T> {
    pub(crate) fn len(&self) -> usize {
        self.full.len() * PIECE + self.last.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.full.get(at / PIECE).unwrap_or(&self.last).get(at % PIECE)
    }

    pub(crate) fn push(&mut self, item: T) {
        // Where a copy shares the last piece, it keeps it, and this list goes on with its own.
        Arc::make_mut(&mut self.last).push(item);
        if self.last.len() == PIECE {
            Arc::make_mut(&mut self.full).push(std::mem::take(&mut self.last));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().chain([&self.last]).flat_map(|piece| piece.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut list = AppendOnly::default();
        let mut copies = Vec::new();
        for n in 0..2 * PIECE + 3 {
            if n % 500 == 0 {
                copies.push((n, list.clone()));
            }
            list.push(n);
            assert_eq!((list.len(), list.get(n), list.get(n + 1)), (n + 1, Some(&n), None));
        }
        assert!(list.iter().copied().eq(0..2 * PIECE + 3));
        for (len, copy) in copies {
            assert!(copy.len() == len && copy.iter().copied().eq(0..len) && copy.get(len).is_none());
        }
    }
}
