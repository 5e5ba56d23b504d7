//! What waits until all that came before it is durable: answers, questions, what is to be published.

use crate::hub::Hub;
use std::collections::VecDeque;

/// How far the log and the ledger are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Changes.
    pub changes: u32,
    /// Entries.
    pub entries: u64,
}

impl Ends {
    /// What will be durable once all that a hub has given out is.
    pub fn of(hub: &Hub) -> Self {
        Self { changes: hub.folded(), entries: hub.entries() }
    }

    /// Whether all of `goal` is within these.
    pub fn reach(self, goal: Self) -> bool {
        self.changes >= goal.changes && self.entries >= goal.entries
    }
}

/// Things in the order in which they came, each with what must be durable before it may leave.
#[derive(Debug)]
pub struct Pending<T>(VecDeque<(Ends, T)>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Pending<T> {
    /// Puts one behind the others. Its goal is not before theirs: the log and the ledger only grow.
    pub fn push(&mut self, goal: Ends, one: T) {
        self.0.push_back((goal, one));
    }

    /// Takes out the next one, if it may leave.
    pub fn next(&mut self, durable: Ends) -> Option<T> {
        self.0.front().filter(|(goal, _)| durable.reach(*goal))?;
        self.0.pop_front().map(|(_, one)| one)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that wait.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, one)| one)
    }
}
