//! Derivation of proposals from the record.

use super::collision::{amends, collisions};
use super::joint::{Group, earliest, groups};
use super::place::places;
use crate::api::{Proposal, Segment, SegmentKind, Status};
use crate::authorship::{ChangeIx, Record};
use crate::id::{DelegationCode, DocumentId, ProposalId};
use std::collections::BTreeSet;

/// What derivation needs beside the record.
pub struct Context<'a> {
    /// The document, for proposal ids.
    pub document: DocumentId,
    /// Whether the author of the first change had the second before them.
    pub saw: &'a dyn Fn(ChangeIx, ChangeIx) -> bool,
}

/// All proposals, in document order, then by first sponsor. The same for any order of arrival.
pub fn proposals(record: &Record, context: &Context<'_>) -> Vec<Proposal> {
    let groups = groups(record);
    let places = places(record);
    let ids: Vec<ProposalId> = groups
        .iter()
        .map(|group| {
            let id = record.provisions.get(group.lead.at).map(|provision| provision.id.clone());
            ProposalId::derive(&context.document, &id.unwrap_or_default(), group.lead.delegation)
        })
        .collect();
    let collisions = collisions(record, context, &groups);
    let mut proposals = Vec::with_capacity(groups.len());
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
        proposals.push(Proposal {
            id: id.clone(),
            document: context.document.to_string(),
            provision: place.clone(),
            mark: group.lead.mark,
            segments: group.lead.segments.iter().map(|segment| with_sponsors(segment, &sponsors)).collect(),
            sponsors,
            collides_with,
            amends: amended.map(|(_, id)| id.clone()).collect(),
            status: Status::Tabled,
            created: earliest(record, &group.lead).map(|change| change.time).unwrap_or_default(),
            changes: changes.into_iter().map(|(_, hash)| hash.to_string()).collect(),
            also: group
                .others
                .iter()
                .filter(|draft| draft.at != group.lead.at)
                .filter_map(|draft| record.provisions.get(draft.at))
                .map(|provision| provision.id.clone())
                .collect(),
        });
    }
    proposals
}

/// What the lead did, all sponsors did.
fn with_sponsors(segment: &Segment, sponsors: &[DelegationCode]) -> Segment {
    let by = if segment.kind == SegmentKind::Kept { Vec::new() } else { sponsors.to_vec() };
    Segment { by, ..segment.clone() }
}
