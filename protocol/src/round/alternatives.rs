//! Collisions as people see them: the alternatives, each in its brackets with the names of those who hold it.

use super::Listed;
use crate::amendment;
use crate::api::{Alternative, Collision, Mark};
use crate::authorship::{Deed, Record};
use crate::id::ProposalId;
use std::collections::{BTreeMap, BTreeSet};

/// The collisions among proposals, in document order; those that hang together are one.
pub fn collisions(record: &Record, open: &[Listed]) -> Vec<Collision> {
    let by_id: BTreeMap<&ProposalId, &Listed> =
        open.iter().map(|one| (&one.derived.proposal.id, one)).collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for first in open {
        if first.derived.proposal.collides_with.is_empty() || seen.contains(&first.derived.proposal.id) {
            continue;
        }
        // Everything that is reached by colliding.
        let (mut members, mut stack) = (Vec::new(), vec![&first.derived.proposal.id]);
        while let Some(id) = stack.pop() {
            let Some(one) = by_id.get(id) else { continue };
            if seen.insert(id.clone()) {
                stack.extend(&one.derived.proposal.collides_with);
                members.push(*one);
            }
        }
        members.sort_by(|a, b| a.derived.proposal.sponsors.cmp(&b.derived.proposal.sponsors));
        all.push(collision(record, first, &members));
    }
    all
}

fn name(one: &Listed) -> String {
    one.number.as_ref().map_or_else(|| one.derived.proposal.id.to_string(), ToString::to_string)
}

fn collision(record: &Record, first: &Listed, members: &[&Listed]) -> Collision {
    let mut alternatives: Vec<Alternative> = Vec::new();
    for one in members {
        let text = with_only(record, one);
        match alternatives.iter_mut().find(|other| other.text == text) {
            Some(same) => {
                same.proposals.push(name(one));
                same.sponsors.extend(one.derived.proposal.sponsors.iter().cloned());
                same.sponsors.sort();
                same.sponsors.dedup();
            }
            None => alternatives.push(Alternative {
                proposals: vec![name(one)],
                sponsors: one.derived.proposal.sponsors.clone(),
                text,
            }),
        }
    }
    let bracketed = alternatives.iter().map(|one| {
        let names = one.sponsors.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ");
        let words = if one.text.is_empty() { "(suppressed)" } else { one.text.as_str() };
        format!("[{names}: {words}]")
    });
    Collision {
        provision: first.derived.proposal.provision.clone(),
        proposals: members.iter().map(|one| name(one)).collect(),
        bracketed: bracketed.collect::<Vec<_>>().join(" "),
        alternatives,
    }
}

/// What its provision would say with only this proposal adopted; nothing where it suppresses it.
pub(super) fn with_only(record: &Record, one: &Listed) -> String {
    let proposal = &one.derived.proposal;
    if proposal.mark == Mark::Sup {
        return String::new();
    }
    let deeds = one.derived.deeds().set();
    let provision = record.provisions.iter().find(|provision| provision.id == proposal.provision.id);
    let counts = |deed: &Deed| deed.is_adopted() || deeds.contains(deed);
    let line = provision.and_then(|provision| amendment::line(provision, &counts));
    line.map(|line| line.text).unwrap_or_default()
}
