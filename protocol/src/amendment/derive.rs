//! Derivation of proposals from the record.

use super::collision::{amends, collisions};
use super::draft;
use super::joint::{Group, earliest, groups};
use super::place::places;
use super::provisional;
use super::sketch::Sketches;
use crate::api::{ChangeHashes, Mark, Proposal, Segment, SegmentKind, Status};
use crate::authorship::{ChangeIx, Changes, Deeds, Record};
use crate::id::{DelegationCode, DocumentId, ProposalId, ProvisionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whether the author of the first change had the second before them.
pub type Saw<'a> = dyn Fn(ChangeIx, ChangeIx) -> bool + 'a;

/// What derivation needs beside the record.
pub struct Context<'a> {
    /// The document, for proposal ids.
    pub document: DocumentId,
    /// Whether the author of the first change had the second before them.
    pub saw: &'a Saw<'a>,
}

/// One sponsor's own share of a proposal.
#[derive(Clone, Debug)]
pub struct Share {
    /// The provision that it was made in.
    pub provision: ProvisionId,
    /// Whose.
    pub delegation: DelegationCode,
    /// The deeds.
    pub deeds: Arc<Deeds>,
}

/// A proposal with the deeds that make it up.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The proposal.
    pub proposal: Proposal,
    /// Each author's share, the lead's first.
    pub shares: Vec<Share>,
    /// With each segment its deeds, all authors' together; `None` where the authors' keystrokes are cut up
    /// differently, so that no part can be told from another.
    pub parts: Option<Arc<Vec<Deeds>>>,
    /// The deeds that concern the provision as a whole.
    pub whole: Deeds,
}

impl Derived {
    /// All its deeds.
    pub fn deeds(&self) -> Deeds {
        let mut all = Deeds::default();
        self.shares.iter().for_each(|share| all.extend(&share.deeds));
        all
    }
}

/// All proposals, in document order, then by first sponsor. The same for any order of arrival.
pub fn proposals(record: &Record, context: &Context<'_>) -> Vec<Proposal> {
    derive(record, context, &mut Sketches::default()).into_iter().map(|one| one.proposal).collect()
}

/// The same with their deeds, and with what was made before of provisions that have not changed.
pub fn derive(record: &Record, context: &Context<'_>, sketches: &mut Sketches) -> Vec<Derived> {
    let sketches = sketches.of(record, context.saw);
    let changes = &record.changes;
    let groups = groups(changes, &sketches);
    let places = places(&sketches);
    let names = provisional::names(&sketches);
    let ids: Vec<ProposalId> = groups
        .iter()
        .map(|group| {
            let id = record.provisions.get(group.lead.at).map(|provision| provision.id.clone());
            ProposalId::derive(&context.document, &id.unwrap_or_default(), &group.lead.draft.delegation)
        })
        .collect();
    let mut collides: BTreeMap<usize, Vec<ProposalId>> = BTreeMap::new();
    for (a, b) in collisions(&sketches, &groups, context.saw) {
        for (one, other) in [(a, b), (b, a)] {
            collides.entry(one).or_default().extend(ids.get(other).cloned());
        }
    }
    let mut here: BTreeMap<usize, Vec<(&Group<'_>, &ProposalId)>> = BTreeMap::new();
    for (group, id) in groups.iter().zip(&ids) {
        here.entry(group.lead.at).or_default().push((group, id));
    }
    let mut derived = Vec::with_capacity(groups.len());
    for (n, group) in groups.iter().enumerate() {
        let lead = group.lead.draft;
        let (Some(id), Some(place)) = (ids.get(n), places.get(group.lead.at)) else { continue };
        let mut collides_with = collides.remove(&n).unwrap_or_default();
        collides_with.sort();
        let others = here.get(&group.lead.at).into_iter().flatten();
        let amended = others.filter(|(other, other_id)| *other_id != id && amends(group, other));
        let sponsors: Vec<DelegationCode> = group.sponsors().into_iter().cloned().collect();
        let provisional = names.get(&group.lead.at).filter(|_| lead.mark == Mark::Add && !lead.gone).cloned();
        let proposal = Proposal {
            id: id.clone(),
            document: context.document.to_string(),
            provision: place.clone(),
            mark: lead.mark,
            segments: lead.segments.iter().map(|segment| with_sponsors(segment, &sponsors)).collect(),
            editorial: sponsors.iter().all(DelegationCode::is_secretariat),
            sponsors,
            collides_with,
            amends: amended.map(|(_, id)| (*id).clone()).collect(),
            status: Status::Tabled,
            number: None,
            round: None,
            late: false,
            gone: lead.gone,
            provisional,
            reasons: Vec::new(),
            history: Vec::new(),
            created: earliest(changes, lead).map(|change| change.time).unwrap_or_default(),
            changes: hashes(changes, group),
            also: group
                .others
                .iter()
                .filter(|one| one.at != group.lead.at)
                .filter_map(|one| record.provisions.get(one.at))
                .map(|provision| provision.id.clone())
                .collect(),
        };
        derived.push(with_deeds(record, group, proposal));
    }
    derived
}

/// The changes of all its drafts.
fn hashes(changes: &Changes, group: &Group<'_>) -> ChangeHashes {
    if group.others.is_empty() {
        return group.lead.draft.hashes.clone();
    }
    let all: BTreeSet<ChangeIx> = group.drafts().flat_map(|draft| draft.changes.iter().copied()).collect();
    draft::hashes(changes, &draft::in_time(changes, &all))
}

fn with_deeds(record: &Record, group: &Group<'_>, proposal: Proposal) -> Derived {
    let lead = group.lead.draft;
    let shape = |segments: &[Segment]| {
        segments.iter().map(|one| (one.kind, one.field, one.text.clone())).collect::<Vec<_>>()
    };
    let alike = group.others.iter().all(|other| shape(&other.draft.segments) == shape(&lead.segments));
    let mut whole = Deeds::default();
    group.drafts().for_each(|draft| whole.extend(&draft.whole));
    let together = || {
        let each = (0..lead.segments.len()).map(|n| {
            let mut deeds = Deeds::default();
            group.drafts().filter_map(|draft| draft.parts.get(n)).for_each(|part| deeds.extend(part));
            deeds
        });
        Arc::new(each.collect())
    };
    let parts = alike.then(|| match group.others.is_empty() {
        true => Arc::clone(&lead.parts),
        false => together(),
    });
    let shares = group.placed().filter_map(|one| {
        Some(Share {
            provision: record.provisions.get(one.at)?.id.clone(),
            delegation: one.draft.delegation.clone(),
            deeds: Arc::clone(&one.draft.deeds),
        })
    });
    Derived { proposal, shares: shares.collect(), parts, whole }
}

/// What the lead did, all sponsors did.
fn with_sponsors(segment: &Segment, sponsors: &[DelegationCode]) -> Segment {
    let by = if segment.kind == SegmentKind::Kept { Vec::new() } else { sponsors.to_vec() };
    Segment { by, ..segment.clone() }
}
