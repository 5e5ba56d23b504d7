//! Who struck a run: mostly nobody, or one change. A run has eight bytes for it.

use crate::authorship::ChangeIx;

/// The changes that struck a run. Several stand in [`Strikers`], in a place that is no other run's: where a run is
/// copied without them, [`Strikers::copied`] makes it one of its own.
#[derive(Clone, Debug, Default)]
pub(crate) enum Struck {
    #[default]
    Never,
    Once(ChangeIx),
    More(u32),
}

/// The changes that struck runs which were struck more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct Strikers {
    sets: Vec<Vec<ChangeIx>>,
    /// Places of those that are no run's any more.
    free: Vec<u32>,
}

impl Strikers {
    /// Those of one run, ascending.
    pub(super) fn of<'a>(&'a self, struck: &'a Struck) -> &'a [ChangeIx] {
        match struck {
            Struck::Never => &[],
            Struck::Once(change) => std::slice::from_ref(change),
            Struck::More(place) => self.sets.get(*place as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Takes in that a change struck a run, once.
    pub(super) fn add(&mut self, struck: &mut Struck, change: ChangeIx) {
        match struck {
            Struck::Never => *struck = Struck::Once(change),
            Struck::Once(one) if *one == change => {}
            Struck::Once(one) => *struck = self.put(vec![change.min(*one), change.max(*one)]),
            Struck::More(place) => {
                if let Some(all) = self.sets.get_mut(*place as usize)
                    && let Err(place) = all.binary_search(&change)
                {
                    all.insert(place, change);
                }
            }
        }
    }

    /// The same for another run.
    pub(super) fn copied(&mut self, struck: &Struck) -> Struck {
        match struck {
            Struck::Never => Struck::Never,
            Struck::Once(change) => Struck::Once(*change),
            Struck::More(_) => self.put(self.of(struck).to_vec()),
        }
    }

    /// A run is no more.
    pub(super) fn forget(&mut self, struck: Struck) {
        if let Struck::More(place) = struck
            && let Some(all) = self.sets.get_mut(place as usize)
        {
            *all = Vec::new();
            self.free.push(place);
        }
    }

    fn put(&mut self, all: Vec<ChangeIx>) -> Struck {
        let fresh = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let place = self.free.pop().unwrap_or(fresh);
        match self.sets.get_mut(place as usize) {
            Some(set) => *set = all,
            None => self.sets.push(all),
        }
        Struck::More(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn one_takes_eight_bytes() {
        assert_eq!(size_of::<Struck>(), 8);
    }

    proptest! {
        /// Strikes, copies and ends of runs, as sets would have them.
        #[test]
        fn each_run_has_its_own(deeds in proptest::collection::vec((0_u8..6, 0_usize..8, 0_u32..6), 0..60)) {
            let mut strikers = Strikers::default();
            let mut runs: Vec<(Struck, BTreeSet<ChangeIx>)> = vec![Default::default()];
            for (deed, which, change) in deeds {
                let which = which % runs.len();
                match deed {
                    0 => {
                        let copied = strikers.copied(&runs[which].0);
                        let set = runs[which].1.clone();
                        runs.push((copied, set));
                    }
                    1 if runs.len() > 1 => strikers.forget(runs.swap_remove(which).0),
                    _ => {
                        strikers.add(&mut runs[which].0, ChangeIx(change));
                        runs[which].1.insert(ChangeIx(change));
                    }
                }
                for (struck, set) in &runs {
                    prop_assert_eq!(strikers.of(struck), set.iter().copied().collect::<Vec<_>>());
                }
            }
            let several = runs.iter().filter(|(struck, _)| matches!(struck, Struck::More(_))).count();
            prop_assert_eq!(strikers.sets.len() - strikers.free.len(), several);
        }
    }
}
