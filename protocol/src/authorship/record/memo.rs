//! What was made of each provision, kept for as long as the provision is the very same.

use super::Provision;
use hashbrown::HashMap;
use std::sync::Arc;

/// Passes for which something is kept though nobody asked for it: views of several records take turns.
const PASSES: u64 = 8;

/// A memory of things that are made of one provision each.
#[derive(Clone, Debug)]
pub(crate) struct Memo<T> {
    /// By the provision's address, which stays its own as long as it is held here.
    made: HashMap<usize, Made<T>>,
    pass: u64,
}

#[derive(Clone, Debug)]
struct Made<T> {
    of: Arc<Provision>,
    what: T,
    asked: u64,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { made: HashMap::new(), pass: 0 }
    }
}

impl<T: Clone> Memo<T> {
    /// What was made of a provision before, or is now.
    pub(crate) fn of(&mut self, provision: &Arc<Provision>, make: impl FnOnce(&Arc<Provision>) -> T) -> T {
        let pass = self.pass;
        let made = self.made.entry(Arc::as_ptr(provision) as usize).or_insert_with(|| Made {
            of: Arc::clone(provision),
            what: make(provision),
            asked: pass,
        });
        debug_assert!(Arc::ptr_eq(&made.of, provision), "an address in use is not another provision's");
        made.asked = pass;
        made.what.clone()
    }

    /// Ends a pass over the provisions of a record: what nobody asks for any more is forgotten.
    pub(crate) fn end_pass(&mut self) {
        let pass = self.pass;
        self.made.retain(|_, made| made.asked + PASSES > pass);
        self.pass += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProvisionId;

    fn provision(id: &str) -> Arc<Provision> {
        Arc::new(Provision { id: ProvisionId(id.to_owned()), ..Provision::default() })
    }

    #[test]
    fn it_is_made_once_of_each_and_forgotten_in_time() {
        let (a, b) = (provision("1@a"), provision("1@a"));
        let (mut memo, mut made) = (Memo::default(), 0);
        for _ in 0..3 {
            let mut make = |of: &Arc<Provision>| {
                made += 1;
                of.id.0.clone()
            };
            assert_eq!((memo.of(&a, &mut make), memo.of(&b, &mut make)), ("1@a".into(), "1@a".into()));
            memo.end_pass();
        }
        assert_eq!(made, 2, "equal ones are not the same");
        for _ in 0..PASSES {
            memo.of(&a, |_| unreachable!());
            memo.end_pass();
        }
        assert_eq!((memo.made.len(), Arc::strong_count(&b)), (1, 1));
    }
}
