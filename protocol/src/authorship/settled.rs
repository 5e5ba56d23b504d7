//! What has been settled about each deed: adopted, void, or still pending; which changes are the server's own
//! hand; and which elements are one and the same word.
//!
//! Automerge knows no undoing. Where a ruling brings a struck word back, the server's hand inserts it anew; where
//! two delegations wrote the same word, the hand takes one of the two away. In the algebra such elements are one:
//! a *likeness*, with all the insertions and strikes that anybody did to any of them. The hand's own operations
//! are nobody's deeds: they only make the document show what the deeds amount to.

use super::deeds::Deeds;
use super::index::history::History;
use super::index::id::OpId;
use super::record::{ChangeIx, Standing};
use super::spans::Spans;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// What was decided about a deed, as far as anything was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the agreed text.
    Adopted,
    /// It was rejected or withdrawn: it counts nowhere any more.
    Void,
}

/// An element in its text or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Element {
    /// The text or list.
    pub(crate) sequence: OpId,
    /// The element.
    pub(crate) id: OpId,
}

/// Elements that are one and the same word (or provision).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Likeness {
    /// All of them, in the order in which they were joined.
    pub(crate) members: Vec<Element>,
    /// The one that stands for it in the document.
    pub(crate) body: Element,
}

/// What is settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Per actor, how many of its changes are adopted as a whole: the imported text.
    clock: Vec<u32>,
    /// Changes by the server's own hand.
    hand: HashSet<ChangeIx>,
    /// Changes that are agreed as they are: the secretariat's editorial corrections.
    editorial: HashSet<ChangeIx>,
    /// Verdicts on insertions and writings, by the operation that did them.
    done: Spans<Verdict>,
    /// Verdicts on strikes, replacements and lifts, by the change that did them and the operation undone.
    undone: HashMap<ChangeIx, Spans<Verdict>>,
    /// While a round is closed: deeds of this change and all later ones came too late for it.
    late_from: Option<ChangeIx>,
    /// The same as a list, where changes are not numbered as on the server.
    late: HashSet<ChangeIx>,
    likenesses: Vec<Likeness>,
    /// (sequence's and element's actor and counter) → its likeness.
    of_element: BTreeMap<OpId, usize>,
}

impl Settled {
    /// So many changes of each actor adopted, and nothing else settled.
    pub(crate) fn adopting(clock: Vec<u32>) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Marks a change as the server's own hand.
    pub fn set_hand(&mut self, change: ChangeIx) {
        self.hand.insert(change);
    }

    /// Marks a change as an editorial correction: all of it is agreed.
    pub fn set_editorial(&mut self, change: ChangeIx) {
        self.editorial.insert(change);
    }

    /// From which change on pending deeds count as late; none outside a closed round.
    pub fn set_late_from(&mut self, change: Option<ChangeIx>) {
        self.late_from = change;
    }

    /// Gives a verdict on `len` insertions or writings from `first` on; none: they are pending again.
    pub(crate) fn set_done(&mut self, first: OpId, len: u32, verdict: Option<Verdict>) {
        self.done.set(first, len, verdict);
    }

    /// Gives a verdict on what `change` did to `len` operations from `first` on.
    pub(crate) fn set_undone(&mut self, change: ChangeIx, first: OpId, len: u32, verdict: Option<Verdict>) {
        self.undone.entry(change).or_default().set(first, len, verdict);
    }

    /// Names the late changes one by one: for whoever numbers changes otherwise than the server.
    pub fn set_late(&mut self, late: impl IntoIterator<Item = ChangeIx>) {
        self.late_from = None;
        self.late = late.into_iter().collect();
    }

    /// Adopts deeds.
    pub fn adopt(&mut self, deeds: &Deeds) {
        for (_, op, len) in &deeds.done {
            self.set_done(*op, *len, Some(Verdict::Adopted));
        }
        for (change, op, len) in &deeds.undone {
            self.set_undone(*change, *op, *len, Some(Verdict::Adopted));
        }
    }

    /// Joins two elements into one likeness, which `to` stands for.
    pub(crate) fn join(&mut self, from: Element, to: Element) {
        let known = (self.of_element.get(&from.id).copied(), self.of_element.get(&to.id).copied());
        let into = match known {
            (Some(a), Some(b)) if a == b => a,
            (Some(a), Some(b)) => {
                let moved = self.likenesses.get_mut(b).map(|other| std::mem::take(&mut other.members));
                for member in moved.unwrap_or_default() {
                    self.of_element.insert(member.id, a);
                    if let Some(likeness) = self.likenesses.get_mut(a) {
                        likeness.members.push(member);
                    }
                }
                a
            }
            (Some(known), None) | (None, Some(known)) => known,
            (None, None) => {
                self.likenesses.push(Likeness { members: Vec::new(), body: to });
                self.likenesses.len() - 1
            }
        };
        if let Some(likeness) = self.likenesses.get_mut(into) {
            for element in [from, to] {
                if !likeness.members.contains(&element) {
                    likeness.members.push(element);
                }
                self.of_element.insert(element.id, into);
            }
            likeness.body = to;
        }
    }

    /// The likeness of an element, if it has one.
    pub(crate) fn likeness(&self, element: OpId) -> Option<&Likeness> {
        self.likenesses.get(*self.of_element.get(&element)?)
    }

    /// How many elements from this one on, by counter, have no likeness (at most `len`); 0 where it has one.
    pub(crate) fn plain(&self, element: OpId, len: u32) -> u32 {
        let next = self.of_element.range(element..).next().map(|(id, _)| *id);
        match next.filter(|next| next.actor == element.actor) {
            Some(next) => (next.counter - element.counter).min(len),
            None => len,
        }
    }

    /// Whether nothing is settled about the writing of `len` elements from this one on, by counter: no verdict, no
    /// likeness, and nothing of their actor's is in the imported text.
    pub(crate) fn is_unsettled(&self, first: OpId, len: u32) -> bool {
        let imported = self.clock.get(first.actor.0 as usize).is_some_and(|changes| *changes > 0);
        !imported
            && matches!(self.done.at(first), (None, same) if same >= len)
            && self.plain(first, len) >= len
    }

    /// Whether the server's hand has ever written here: later edits, made without knowing, may need it again.
    pub fn has_hand(&self) -> bool {
        !self.hand.is_empty()
    }

    /// Whether a change is the server's own hand.
    pub(crate) fn is_hand(&self, change: ChangeIx) -> bool {
        self.hand.contains(&change)
    }

    fn standing(&self, history: &History, change: ChangeIx, verdict: Option<Verdict>) -> Option<Standing> {
        match verdict {
            Some(Verdict::Void) => None,
            Some(Verdict::Adopted) => Some(Standing::Adopted),
            None if self.editorial.contains(&change) => Some(Standing::Adopted),
            None if self.is_hand(change) => None,
            None if self.in_clock(history, change) => Some(Standing::Adopted),
            None if self.late_from.is_some_and(|late| change >= late) || self.late.contains(&change) => {
                Some(Standing::Late)
            }
            None => Some(Standing::Pending),
        }
    }

    fn in_clock(&self, history: &History, change: ChangeIx) -> bool {
        history.author(change).is_some_and(|actor| {
            let count = self.clock.get(actor.0 as usize).copied().unwrap_or(0) as usize;
            let changes = history.of_actor(actor);
            changes.get(..count).and_then(<[ChangeIx]>::last).is_some_and(|last| change <= *last)
        })
    }

    /// How an insertion or writing stands (`None`: it is nobody's deed, or void), and for how many operations
    /// of its change from it on the answer is the same.
    pub(crate) fn done(&self, history: &History, change: ChangeIx, op: OpId) -> (Option<Standing>, u32) {
        let (verdict, same) = self.done.at(op);
        (self.standing(history, change, verdict), same)
    }

    /// The same for what `change` did to `op`.
    pub(crate) fn undone(&self, history: &History, change: ChangeIx, op: OpId) -> (Option<Standing>, u32) {
        let (verdict, same) = self.undone.get(&change).map_or((None, u32::MAX), |spans| spans.at(op));
        (self.standing(history, change, verdict), same)
    }
}
