//! Delegations that independently made the same amendment stand behind one proposal.

use super::draft::Draft;
use super::sketch::{Ground, Sketch};
use crate::api::Mark;
use crate::authorship::{ChangeMeta, Changes};
use crate::id::DelegationCode;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A draft, and the place of its provision in the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) at: usize,
    pub(super) draft: &'a Draft,
}

/// Drafts that are one proposal.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The first by time, then by code: its words are shown, its provision is the proposal's.
    pub(super) lead: Placed<'a>,
    /// The others.
    pub(super) others: Vec<Placed<'a>>,
    /// The provision of the baseline that an addition stands behind, counted in the record; for ADD only.
    pub(super) gap: Option<usize>,
}

impl<'a> Group<'a> {
    pub(super) fn placed(&self) -> impl Iterator<Item = Placed<'a>> {
        std::iter::once(self.lead).chain(self.others.iter().copied())
    }

    pub(super) fn drafts(&self) -> impl Iterator<Item = &'a Draft> {
        self.placed().map(|one| one.draft)
    }

    pub(super) fn sponsors(&self) -> BTreeSet<&'a DelegationCode> {
        self.drafts().map(|draft| &draft.delegation).collect()
    }
}

/// The earliest change of a draft: by its author's clock, then by hash, never by order of arrival.
pub(super) fn earliest<'r>(changes: &'r Changes, draft: &Draft) -> Option<ChangeMeta<'r>> {
    changes.get(*draft.changes.first()?)
}

/// All amendments of a record, the same ones joined, in document order, then by lead.
pub(super) fn groups<'a>(changes: &Changes, sketches: &'a [Arc<Sketch>]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut gap = None;
    let mut first_of_gap = 0;
    for (at, sketch) in sketches.iter().enumerate() {
        if sketch.ground == Ground::Agreed {
            (gap, first_of_gap) = (Some(at), groups.len());
        }
        let first_here = groups.len();
        for draft in &sketch.drafts {
            let one = Placed { at, draft };
            let from = if draft.mark == Mark::Add { first_of_gap } else { first_here };
            let same = groups.iter_mut().skip(from).find(|group| is_same(group, one, gap));
            match same {
                Some(group) => group.others.push(one),
                None => groups.push(Group {
                    gap: if draft.mark == Mark::Add { gap } else { None },
                    lead: one,
                    others: Vec::new(),
                }),
            }
        }
    }
    for group in groups.iter_mut().filter(|group| !group.others.is_empty()) {
        let mut all: Vec<_> = group.placed().collect();
        all.sort_by_key(|one| {
            let first = earliest(changes, one.draft);
            (first.map(|change| change.time), &one.draft.delegation, one.at)
        });
        group.lead = all.remove(0);
        group.others = all;
    }
    groups.sort_by(|a, b| (a.lead.at, &a.lead.draft.delegation).cmp(&(b.lead.at, &b.lead.draft.delegation)));
    groups
}

/// Whether a draft is what a group proposes already, whatever the keystrokes that led there.
fn is_same(group: &Group<'_>, one: Placed<'_>, gap: Option<usize>) -> bool {
    let (lead, draft) = (group.lead.draft, one.draft);
    if lead.mark != draft.mark || group.drafts().any(|other| other.delegation == draft.delegation) {
        return false;
    }
    match draft.mark {
        // The same paragraph added at the same place; each may have numbered it differently.
        Mark::Add => {
            group.gap == gap && lead.text.trim() == draft.text.trim() && !draft.text.trim().is_empty()
        }
        Mark::Mod | Mark::Sup => {
            let words = |draft: &Draft| {
                let pending = draft.segments.iter().filter(|segment| segment.of.is_some());
                pending.map(|segment| (segment.kind, segment.text.clone())).collect::<Vec<_>>()
            };
            group.lead.at == one.at
                && lead.text == draft.text
                && (draft.mark == Mark::Sup || lead.enumerator == draft.enumerator)
                && lead.amends == draft.amends
                && words(lead) == words(draft)
        }
    }
}
