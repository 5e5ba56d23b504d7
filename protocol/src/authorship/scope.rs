//! Which provisions something is about that was settled: the others stay as they are.

use super::index::Index;
use super::index::id::OpId;
use super::index::object::{Object, Place, Value};
use super::{ChangeIx, Deeds, Settled};
use crate::authorship::hand::Join;
use crate::resolution::schema;
use std::collections::BTreeSet;

/// Provisions, by the elements that stand or stood for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whichever there are.
    All,
    /// These.
    Provisions(BTreeSet<OpId>),
}

impl Default for Scope {
    fn default() -> Self {
        Self::Provisions(BTreeSet::new())
    }
}

impl Scope {
    /// Widens it by another one.
    pub(crate) fn extend(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Provisions(these), Self::Provisions(those)) => these.extend(those),
            _ => *self = Self::All,
        }
    }

    /// The same with every element that is one provision with one of these.
    pub(crate) fn with_likenesses(&self, settled: &Settled) -> Self {
        let Self::Provisions(these) = self else { return Self::All };
        let alike = these.iter().filter_map(|id| settled.likeness(*id));
        let alike = alike.flat_map(|likeness| likeness.members.iter().map(|member| member.id));
        Self::Provisions(these.iter().copied().chain(alike).collect())
    }

    /// Whether an element is one of these.
    pub(crate) fn has(&self, element: OpId) -> bool {
        match self {
            Self::All => true,
            Self::Provisions(these) => these.contains(&element),
        }
    }
}

impl Index {
    /// The provisions that deeds are in; all of them where one is nowhere to be found.
    pub(crate) fn scope_of(&self, deeds: &Deeds) -> Scope {
        let done = deeds.done.iter().map(|(_, op, len)| (*op, *len));
        let undone = deeds.undone.iter().map(|(_, op, len)| (*op, *len));
        let (mut found, mut last) = (BTreeSet::new(), None);
        for (first, len) in done.chain(undone) {
            let mut passed = 0;
            while passed < len {
                let op = first.plus(passed);
                // What was typed in one go is mostly in one provision.
                let here = last.and_then(|provision| self.has(provision, op).map(|len| (provision, len)));
                let Some((provision, stretch)) = here.or_else(|| self.find(op)) else { return Scope::All };
                found.insert(provision);
                last = Some(provision);
                passed = passed.saturating_add(stretch.max(1));
            }
        }
        Scope::Provisions(found)
    }

    /// The provisions that a change or a later one has touched.
    pub(crate) fn scope_since(&self, change: ChangeIx) -> Scope {
        let list = self.provisions.and_then(|list| self.objects.get(&list));
        let elements = list.into_iter().flat_map(|list| list.sequence.iter()).map(|run| run.id);
        let is_touched = |id: &OpId| self.objects.get(id).is_none_or(|object| object.touched > change.0);
        Scope::Provisions(elements.filter(is_touched).collect())
    }

    /// The provisions in which elements were joined.
    pub(crate) fn scope_of_joins(&self, joins: &[Join]) -> Scope {
        let mut found = BTreeSet::new();
        for join in joins {
            for (sequence, first) in [(join.from_sequence, join.from), (join.to_sequence, join.to)] {
                match self.objects.get(&sequence).map(|object| object.place) {
                    Some(Place::Text(provision)) => drop(found.insert(provision)),
                    Some(Place::Provisions) => found.extend((0..join.len).map(|n| first.plus(n))),
                    _ => return Scope::All,
                }
            }
        }
        Scope::Provisions(found)
    }

    /// The provision that an operation is in, and how many of those that follow by counter are surely there too.
    fn find(&self, op: OpId) -> Option<(OpId, u32)> {
        let list = self.objects.get(&self.provisions?)?;
        if list.sequence.contains(op) {
            return Some((op, 1));
        }
        let mut elements = list.sequence.iter().map(|run| run.id);
        elements.find_map(|provision| self.has(provision, op).map(|len| (provision, len)))
    }

    /// Whether an operation is in a provision: a character of its text, a value of its fields, a suppression; and how
    /// many of those that follow by counter are surely there too.
    fn has(&self, provision: OpId, op: OpId) -> Option<u32> {
        let object = self.objects.get(&provision)?;
        let inside = |key| {
            let objects = object.versions(key).iter().filter_map(|version| match version.value {
                Value::Object(id) => self.objects.get(&id),
                _ => None,
            });
            objects.collect::<Vec<_>>()
        };
        let texts = inside(schema::TEXT);
        let in_text = texts.iter().find_map(|text| text.sequence.stretch(op));
        let is_value =
            |map: &Object| map.keys.values().flatten().any(|version| version.id == op).then_some(1);
        in_text
            .or_else(|| is_value(object))
            .or_else(|| inside(schema::SUPPRESSED).into_iter().find_map(is_value))
    }
}
