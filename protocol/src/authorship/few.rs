//! A few things in order, mostly none or one.

use std::ops::{Deref, DerefMut};

/// None or one without an allocation, and in no more room than the one, where that is two words: a long history has
/// two of these for each of its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T>(Held<T>);

/// How many there are says which it is, so that equal ones are held alike.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held<T> {
    None,
    One(T),
    #[expect(clippy::box_collection, reason = "one word instead of three")]
    More(Box<Vec<T>>),
}

impl<T> Few<T> {
    /// Of nothing.
    pub const fn new() -> Self {
        Self(Held::None)
    }

    fn push(&mut self, new: T) {
        self.0 = match std::mem::replace(&mut self.0, Held::None) {
            Held::None => Held::One(new),
            Held::One(one) => Held::More(Box::new(vec![one, new])),
            Held::More(mut all) => {
                all.push(new);
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
        match &self.0 {
            Held::None => &[],
            Held::One(one) => std::slice::from_ref(one),
            Held::More(all) => all,
        }
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
        more.into_iter().for_each(|one| self.push(one));
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut few = Self::new();
        few.extend(all);
        few
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
        fn it_holds_what_a_list_would(mut list in proptest::collection::vec(0_u32..9, 0..6), split in 0_usize..6) {
            let (front, back) = list.split_at(split.min(list.len()));
            let mut few: Few<u32> = front.iter().copied().collect();
            prop_assert_eq!(&*few, front);
            few.extend(back.iter().copied());
            prop_assert_eq!(&*few, &*list);
            prop_assert_eq!(&few, &list.iter().copied().collect());
            few.sort_unstable();
            list.sort_unstable();
            prop_assert_eq!(&*few, &*list);
        }
    }
}
