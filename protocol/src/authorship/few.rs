//! A few things in order, mostly none or one.

use std::ops::{Deref, DerefMut};

/// None or one without an allocation, and in no more room than the one, where that is two words: a long history has
/// two of these for each of its words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Few<T>(Held<T>);

#[derive(Clone, Debug)]
enum Held<T> {
    None,
    One(T),
    #[expect(clippy::box_collection, reason = "one word instead of three")]
    More(Box<Vec<T>>),
}

impl<T> Held<T> {
    fn all(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }
}

/// What counts is what it holds.
impl<T: PartialEq> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl<T: Eq> Eq for Held<T> {}

impl<T: std::hash::Hash> std::hash::Hash for Held<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.all().hash(state);
    }
}

impl<T> Few<T> {
    /// Of nothing.
    pub const fn new() -> Self {
        Self(Held::None)
    }

    /// Puts one in front of all from a place on; behind all where there is no such place.
    pub fn insert(&mut self, place: usize, new: T) {
        self.0 = match std::mem::replace(&mut self.0, Held::None) {
            Held::None => Held::One(new),
            Held::One(one) => Held::More(Box::new(if place == 0 { vec![new, one] } else { vec![one, new] })),
            Held::More(mut all) => {
                all.insert(place.min(all.len()), new);
                Held::More(all)
            }
        };
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.all()
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Held::None => &mut [],
            Held::One(one) => std::slice::from_mut(one),
            Held::More(all) => all,
        }
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        more.into_iter().for_each(|one| self.insert(self.len(), one));
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut few = Self::new();
        few.extend(all);
        few
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorship::{ChangeIx, Deed};
    use proptest::prelude::*;

    #[test]
    fn one_takes_no_more_room_than_itself() {
        assert_eq!(size_of::<Few<Deed>>(), size_of::<Deed>());
        assert_eq!(size_of::<Few<ChangeIx>>(), 16);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_list_would(places in proptest::collection::vec((0_usize..5, 0_u32..9), 0..6)) {
            let (mut few, mut list) = (Few::new(), Vec::new());
            for (place, one) in places {
                few.insert(place, one);
                list.insert(place.min(list.len()), one);
                prop_assert_eq!(&*few, &*list);
            }
            prop_assert_eq!(&few, &list.iter().copied().collect::<Few<_>>());
            few.sort_unstable();
            list.sort_unstable();
            prop_assert_eq!(few.iter().collect::<Vec<_>>(), list.iter().collect::<Vec<_>>());
        }
    }
}
