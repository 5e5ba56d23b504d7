//! What lies before the house: the proposals of the round, those that came too late for it, and those that are
//! settled, each with its number.

use super::comment::anchors;
use super::memory::Memory;
use super::{Ledger, Number, OnRecord};
use crate::amendment::{self, Context, Derived, derive};
use crate::api::{Attribution, Proposal, RoundState, Status};
use crate::authorship::{Index, Record, Settled};
use crate::id::{DelegationCode, DocumentId, ProposalId, ProvisionId};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A document at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Floor<'a> {
    /// Its id.
    pub document: DocumentId,
    /// All changes.
    pub index: &'a Index,
    /// What is settled.
    pub settled: &'a Settled,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// What was made before of provisions that have not changed.
    pub(super) memory: &'a RefCell<Memory>,
}

/// A proposal that is not settled.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The proposal, with what is on record about it, and its deeds.
    pub derived: Derived,
    /// Its number, if it has one.
    pub number: Option<Number>,
    /// Whether it belongs to the next round.
    pub late: bool,
}

impl Listed {
    /// Whose amendments of which provisions it is.
    pub fn drafts(&self) -> Vec<(ProvisionId, DelegationCode)> {
        let each = self.derived.shares.iter();
        each.map(|share| (share.provision.clone(), share.delegation.clone())).collect()
    }
}

impl<'a> Floor<'a> {
    /// All proposals that are not settled: those of the round first, then those that came too late for it.
    pub fn open(&self, record: &Record) -> Vec<Listed> {
        let saw = |later, earlier| self.index.saw(later, earlier);
        let context = Context { document: self.document, saw: &saw };
        let memory = &mut *self.memory.borrow_mut();
        let sketches = &mut memory.sketches;
        let mut with = |record: &Record, late: bool| -> Vec<Listed> {
            let each = derive(record, &context, sketches).into_iter();
            each.map(|derived| Listed { derived, number: None, late }).collect()
        };
        let mut listed;
        if self.ledger.current().1 == RoundState::Closed {
            listed = with(&memory.closed.in_time(record), false);
            listed.extend(with(&memory.closed.late(record), true));
        } else {
            listed = with(record, false);
        }
        self.assign(&mut listed);
        for one in &mut listed {
            let on_record = one.number.as_ref().and_then(|number| self.ledger.find(number));
            let proposal = &mut one.derived.proposal;
            if one.late {
                let late = |id: &mut ProposalId| id.0.push_str("-late");
                late(&mut proposal.id);
                proposal.collides_with.iter_mut().for_each(late);
                proposal.amends.iter_mut().for_each(late);
            }
            proposal.late = one.late || on_record.is_some_and(|one| one.late);
            if one.late {
                proposal.status = Status::Late;
            }
            if let Some(on_record) = on_record {
                dress(proposal, on_record);
            }
        }
        listed
    }

    /// Finds each proposal's number: the one under which its lead's amendment was put on record, else the oldest
    /// of its other authors'.
    fn assign(&self, listed: &mut [Listed]) {
        let closed = self.ledger.current().1 == RoundState::Closed;
        for by_lead in [true, false] {
            for on_record in self.ledger.on_record().iter().filter(|one| one.is_open()) {
                if listed.iter().any(|one| one.number.as_ref() == Some(&on_record.number)) {
                    continue;
                }
                let belongs = |one: &Listed| {
                    let same_time = !closed || self.ledger.is_late_now(on_record) == one.late;
                    same_time
                        && one.derived.shares.iter().any(|share| {
                            let is_lead = share.delegation == on_record.number.delegation;
                            let key = (share.provision.clone(), share.delegation.clone());
                            (is_lead || !by_lead) && on_record.drafts.contains(&key)
                        })
                };
                if let Some(one) = listed.iter_mut().find(|one| one.number.is_none() && belongs(one)) {
                    one.number = Some(on_record.number.clone());
                }
            }
        }
    }

    /// Every proposal that there is or was: the open ones, then the settled ones in order of their numbers.
    pub fn proposals(&self, record: &Record) -> Vec<Proposal> {
        let open = self.open(record);
        let live: BTreeSet<&Number> = open.iter().filter_map(|one| one.number.as_ref()).collect();
        let settled: Vec<Proposal> = self
            .ledger
            .on_record()
            .iter()
            .filter(|one| !live.contains(&one.number))
            .filter_map(|one| {
                let mut proposal = *one.proposal.clone()?;
                proposal.collides_with.clear();
                // What nobody decided on, and has no words left, its authors have taken back.
                proposal.status = one.status.filter(|_| !one.is_open()).unwrap_or(Status::Withdrawn);
                dress(&mut proposal, one);
                Some(proposal)
            })
            .collect();
        let mut all: Vec<Proposal> = open.into_iter().map(|one| one.derived.proposal).collect();
        let order: BTreeMap<&str, usize> =
            record.provisions.iter().enumerate().map(|(n, one)| (one.id.0.as_str(), n)).collect();
        all.extend(settled);
        all.sort_by_key(|one| order.get(one.provision.id.0.as_str()).copied().unwrap_or(usize::MAX));
        all
    }

    /// Who wrote every word, and which comments are on it.
    pub fn attribution(&self, record: &Record) -> Attribution {
        let saw = |later, earlier| self.index.saw(later, earlier);
        let context = Context { document: self.document, saw: &saw };
        let sketches = &mut self.memory.borrow_mut().sketches;
        let roster = self.index.roster().iter();
        Attribution {
            heads: self.index.heads().iter().map(ToString::to_string).collect(),
            roster: roster.map(|(actor, delegation)| (actor.to_string(), delegation.clone())).collect(),
            provisions: amendment::attribution(record, &anchors(self), &context, sketches),
        }
    }

    /// One of the open ones, by number or id.
    pub fn find<'l>(&self, listed: &'l [Listed], name: &str) -> Option<&'l Listed> {
        let number = name.parse::<Number>().ok();
        listed
            .iter()
            .find(|one| one.derived.proposal.id.0 == name || (number.is_some() && one.number == number))
    }
}

/// Puts on a proposal what is on record about it.
fn dress(proposal: &mut Proposal, on_record: &OnRecord) {
    proposal.number = Some(on_record.number.to_string());
    proposal.round = Some(on_record.round);
    proposal.late = proposal.late || on_record.late;
    proposal.reasons.clone_from(&on_record.reasons);
    proposal.history.clone_from(&on_record.history);
    if let Some(status @ (Status::Bracketed | Status::Deferred)) = on_record.status
        && proposal.status == Status::Tabled
    {
        proposal.status = status;
    }
    let mut sponsors: BTreeSet<DelegationCode> = proposal.sponsors.drain(..).collect();
    sponsors.extend(on_record.joined.iter().cloned());
    // The lead comes first where it still stands behind it.
    sponsors.retain(|code| !on_record.withdrawn.contains(code));
    proposal.sponsors = sponsors.into_iter().collect();
    for segment in &mut proposal.segments {
        if !segment.by.is_empty() {
            segment.by.clone_from(&proposal.sponsors);
        }
    }
}
