//! Delegations that independently made the same amendment stand behind one proposal.

use super::draft::Draft;
use super::piece::Pieces;
use crate::api::Mark;
use crate::authorship::{ChangeMeta, Record};
use crate::id::DelegationCode;
use std::collections::BTreeSet;

/// Drafts that are one proposal.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The first by time, then by code: its words are shown, its provision is the proposal's.
    pub(super) lead: Draft<'a>,
    /// The others.
    pub(super) others: Vec<Draft<'a>>,
    /// The provision of the baseline that an addition stands behind, counted in the record; for ADD only.
    pub(super) gap: Option<usize>,
}

impl<'a> Group<'a> {
    pub(super) fn drafts(&self) -> impl Iterator<Item = &Draft<'a>> {
        std::iter::once(&self.lead).chain(&self.others)
    }

    pub(super) fn sponsors(&self) -> BTreeSet<&'a DelegationCode> {
        self.drafts().map(|draft| draft.delegation).collect()
    }
}

/// The earliest change of a draft: by its author's clock, then by hash, never by order of arrival.
pub(super) fn earliest<'r>(record: &'r Record, draft: &Draft<'_>) -> Option<&'r ChangeMeta> {
    let changes = draft.changes.iter().filter_map(|ix| record.changes.get(ix.0 as usize));
    changes.min_by_key(|change| (change.time, change.hash))
}

/// All amendments of a record, the same ones joined, in document order, then by lead.
pub(super) fn groups<'a>(record: &'a Record) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut gap = None;
    let mut first_of_gap = 0;
    for (at, provision) in record.provisions.iter().enumerate() {
        let Some(pieces) = Pieces::of(record, provision) else { continue };
        if pieces.base && !pieces.gone {
            (gap, first_of_gap) = (Some(at), groups.len());
        }
        if pieces.is_quiet() {
            continue;
        }
        let first_here = groups.len();
        for delegation in pieces.delegations(record) {
            let Some(draft) = Draft::of(record, at, &pieces, delegation) else { continue };
            let from = if draft.mark == Mark::Add { first_of_gap } else { first_here };
            let same = groups.iter_mut().skip(from).find(|group| is_same(group, &draft, gap));
            match same {
                Some(group) => group.others.push(draft),
                None => groups.push(Group {
                    gap: if draft.mark == Mark::Add { gap } else { None },
                    lead: draft,
                    others: Vec::new(),
                }),
            }
        }
    }
    for group in &mut groups {
        let mut drafts = std::mem::take(&mut group.others);
        drafts.push(group.lead.clone());
        drafts.sort_by_key(|draft| {
            let first = earliest(record, draft);
            (first.map(|change| change.time), draft.delegation, draft.at)
        });
        group.lead = drafts.remove(0);
        group.others = drafts;
    }
    groups.sort_by(|a, b| (a.lead.at, a.lead.delegation).cmp(&(b.lead.at, b.lead.delegation)));
    groups
}

/// Whether a draft is what a group proposes already, whatever the keystrokes that led there.
fn is_same(group: &Group<'_>, draft: &Draft<'_>, gap: Option<usize>) -> bool {
    let lead = &group.lead;
    if lead.mark != draft.mark || group.drafts().any(|other| other.delegation == draft.delegation) {
        return false;
    }
    match draft.mark {
        // The same paragraph added at the same place; each may have numbered it differently.
        Mark::Add => {
            group.gap == gap && lead.text.trim() == draft.text.trim() && !draft.text.trim().is_empty()
        }
        Mark::Mod | Mark::Sup => {
            let words = |draft: &Draft<'_>| {
                let pending = draft.segments.iter().filter(|segment| segment.of.is_some());
                pending.map(|segment| (segment.kind, segment.text.clone())).collect::<Vec<_>>()
            };
            lead.at == draft.at
                && lead.text == draft.text
                && (draft.mark == Mark::Sup || lead.enumerator == draft.enumerator)
                && lead.amends == draft.amends
                && words(lead) == words(draft)
        }
    }
}
