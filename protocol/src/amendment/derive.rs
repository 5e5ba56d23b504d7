//! Derivation of proposals from the record.

use super::collision::{amends, collisions};
use super::deeds::Deeds;
use super::joint::{Group, earliest, groups};
use super::place::places;
use super::provisional;
use crate::api::{Mark, Proposal, Segment, SegmentKind, Status};
use crate::authorship::{ChangeIx, Record};
use crate::id::{DelegationCode, DocumentId, ProposalId, ProvisionId};
use std::collections::BTreeSet;

/// What derivation needs beside the record.
pub struct Context<'a> {
    /// The document, for proposal ids.
    pub document: DocumentId,
    /// Whether the author of the first change had the second before them.
    pub saw: &'a dyn Fn(ChangeIx, ChangeIx) -> bool,
}

/// One sponsor's own share of a proposal.
#[derive(Clone, Debug)]
pub struct Share {
    /// The provision that it was made in.
    pub provision: ProvisionId,
    /// Whose.
    pub delegation: DelegationCode,
    /// The deeds.
    pub deeds: Deeds,
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
    pub parts: Option<Vec<Deeds>>,
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
    derive(record, context).into_iter().map(|one| one.proposal).collect()
}

/// The same with their deeds.
pub fn derive(record: &Record, context: &Context<'_>) -> Vec<Derived> {
    let groups = groups(record);
    let places = places(record);
    let names = provisional::names(record);
    let ids: Vec<ProposalId> = groups
        .iter()
        .map(|group| {
            let id = record.provisions.get(group.lead.at).map(|provision| provision.id.clone());
            ProposalId::derive(&context.document, &id.unwrap_or_default(), group.lead.delegation)
        })
        .collect();
    let collisions = collisions(record, context, &groups);
    let mut derived = Vec::with_capacity(groups.len());
    for (n, group) in groups.iter().enumerate() {
        let (Some(id), Some(place)) = (ids.get(n), places.get(group.lead.at)) else { continue };
        let collides = collisions.iter().filter_map(|(a, b)| match n {
            _ if *a == n => ids.get(*b),
            _ if *b == n => ids.get(*a),
            _ => None,
        });
        let mut collides_with: Vec<ProposalId> = collides.cloned().collect();
        collides_with.sort();
        let here = |other: &Group<'_>| other.lead.at == group.lead.at;
        let amended = groups
            .iter()
            .zip(&ids)
            .filter(|(other, other_id)| *other_id != id && here(other) && amends(group, other));
        let sponsors: Vec<DelegationCode> = group.sponsors().into_iter().cloned().collect();
        let changes: BTreeSet<_> = group
            .drafts()
            .flat_map(|draft| &draft.changes)
            .filter_map(|ix| record.changes.get(ix.0 as usize))
            .map(|change| (change.time, change.hash))
            .collect();
        let provisional =
            names.get(&group.lead.at).filter(|_| group.lead.mark == Mark::Add && !group.lead.gone).cloned();
        let proposal = Proposal {
            id: id.clone(),
            document: context.document.to_string(),
            provision: place.clone(),
            mark: group.lead.mark,
            segments: group.lead.segments.iter().map(|segment| with_sponsors(segment, &sponsors)).collect(),
            editorial: sponsors.iter().all(DelegationCode::is_secretariat),
            sponsors,
            collides_with,
            amends: amended.map(|(_, id)| id.clone()).collect(),
            status: Status::Tabled,
            number: None,
            round: None,
            late: false,
            gone: group.lead.gone,
            provisional,
            reasons: Vec::new(),
            history: Vec::new(),
            created: earliest(record, &group.lead).map(|change| change.time).unwrap_or_default(),
            changes: changes.into_iter().map(|(_, hash)| hash.to_string()).collect(),
            also: group
                .others
                .iter()
                .filter(|draft| draft.at != group.lead.at)
                .filter_map(|draft| record.provisions.get(draft.at))
                .map(|provision| provision.id.clone())
                .collect(),
        };
        derived.push(with_deeds(record, group, proposal));
    }
    derived
}

fn with_deeds(record: &Record, group: &Group<'_>, proposal: Proposal) -> Derived {
    let shape = |segments: &[Segment]| {
        segments.iter().map(|one| (one.kind, one.field, one.text.clone())).collect::<Vec<_>>()
    };
    let alike = group.others.iter().all(|other| shape(&other.segments) == shape(&group.lead.segments));
    let mut whole = Deeds::default();
    group.drafts().for_each(|draft| whole.extend(&draft.whole));
    let parts = alike.then(|| {
        (0..group.lead.segments.len())
            .map(|n| {
                let mut deeds = Deeds::default();
                group.drafts().filter_map(|draft| draft.parts.get(n)).for_each(|part| deeds.extend(part));
                deeds
            })
            .collect()
    });
    let shares = group.drafts().filter_map(|draft| {
        Some(Share {
            provision: record.provisions.get(draft.at)?.id.clone(),
            delegation: draft.delegation.clone(),
            deeds: draft.deeds(),
        })
    });
    Derived { proposal, shares: shares.collect(), parts, whole }
}

/// What the lead did, all sponsors did.
fn with_sponsors(segment: &Segment, sponsors: &[DelegationCode]) -> Segment {
    let by = if segment.kind == SegmentKind::Kept { Vec::new() } else { sponsors.to_vec() };
    Segment { by, ..segment.clone() }
}
