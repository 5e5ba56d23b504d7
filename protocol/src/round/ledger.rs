//! What the entries add up to: rounds, revisions, proposals on record.

use super::{Act, Comment, DeedRefs, Entry, Number, Ruled};
use crate::api::{Decision, Happening, Proposal, Reason, Round, RoundState, Ruling, Status};
use crate::id::{DelegationCode, ProvisionId};
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// An agreed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// 0 for the text as imported.
    pub number: u32,
    /// When it was agreed.
    pub at: Timestamp,
    /// The round that it came of.
    pub round: Option<u32>,
    /// The text, byte for byte.
    pub text: String,
}

impl Revision {
    /// As the API shows it.
    pub fn listed(&self) -> crate::api::Revision {
        crate::api::Revision {
            number: self.number,
            at: self.at,
            round: self.round,
            sha256: hex::encode(Sha256::digest(self.text.as_bytes())),
            bytes: self.text.len() as u64,
        }
    }
}

/// A proposal on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnRecord {
    /// Its number.
    pub number: Number,
    /// The round in which it was put on record.
    pub round: u32,
    /// Whether it came in after that round was closed.
    pub late: bool,
    /// Whose amendments of which provisions it is, or was when it was settled.
    pub drafts: BTreeSet<(ProvisionId, DelegationCode)>,
    /// Who joined without having written it.
    pub joined: BTreeSet<DelegationCode>,
    /// Who has withdrawn.
    pub withdrawn: BTreeSet<DelegationCode>,
    /// Why, by delegation.
    pub reasons: Vec<Reason>,
    /// What happened to it.
    pub history: Vec<Happening>,
    /// What was decided; `None`: nothing yet, or it was opened again.
    pub status: Option<Status>,
    /// Whether any ruling was made on it in the current round.
    pub ruled: bool,
    /// What was settled of it in the current round, so that a new ruling can settle it otherwise.
    pub settled: DeedRefs,
    /// As it stood when it was settled, or last put on record.
    pub proposal: Option<Box<Proposal>>,
}

impl OnRecord {
    /// Whether nothing final was decided.
    pub fn is_open(&self) -> bool {
        !matches!(self.status, Some(Status::Agreed | Status::Rejected | Status::Withdrawn))
    }

    fn happened(&mut self, at: Timestamp, by: &str, what: &str, reason: &str) {
        let (by, what, reason) = (by.to_owned(), what.to_owned(), reason.to_owned());
        self.history.push(Happening { at, by, what, reason });
    }
}

/// The ledger's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    entries: u64,
    rounds: Vec<Round>,
    revisions: Vec<Revision>,
    on_record: Vec<OnRecord>,
    rulings: Vec<Ruling>,
    running: BTreeMap<DelegationCode, u32>,
    comments: Vec<Comment>,
}

impl Ledger {
    /// Of a document that was just imported: its text is Rev.0, and the first round is open.
    pub fn new(imported: Timestamp, text: String) -> Self {
        let round = Round {
            number: 1,
            state: RoundState::Open,
            baseline: 0,
            opened: imported,
            deadline: None,
            closed: None,
            concluded: None,
            result: None,
            closed_at_change: None,
        };
        Self {
            entries: 0,
            rounds: vec![round],
            revisions: vec![Revision { number: 0, at: imported, round: None, text }],
            on_record: Vec::new(),
            rulings: Vec::new(),
            running: BTreeMap::new(),
            comments: Vec::new(),
        }
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The rounds, in order.
    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    /// The last round.
    pub fn round(&self) -> Option<&Round> {
        self.rounds.last()
    }

    /// Its number and state.
    pub fn current(&self) -> (u32, RoundState) {
        self.round().map_or((0, RoundState::Concluded), |round| (round.number, round.state))
    }

    /// The agreed texts, in order.
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// All proposals that were ever put on record, in that order.
    pub fn on_record(&self) -> &[OnRecord] {
        &self.on_record
    }

    /// One of them.
    pub fn find(&self, number: &Number) -> Option<&OnRecord> {
        self.on_record.iter().find(|one| one.number == *number)
    }

    /// The open one that these amendments are, or belong to: the oldest.
    pub fn open_for(&self, drafts: &[(ProvisionId, DelegationCode)], late: bool) -> Option<&OnRecord> {
        let closed = self.current().1 == RoundState::Closed;
        self.on_record.iter().find(|one| {
            one.is_open()
                // Once its round is over, a late proposal is one like any other.
                && (!closed || self.is_late_now(one) == late)
                && drafts.iter().any(|draft| one.drafts.contains(draft))
        })
    }

    /// Whether a proposal belongs to the next round, not to the one that is closed now.
    pub fn is_late_now(&self, one: &OnRecord) -> bool {
        one.late && self.current() == (one.round, RoundState::Closed)
    }

    /// All rulings, in order.
    pub fn rulings(&self) -> &[Ruling] {
        &self.rulings
    }

    /// All comments, in order; a comment's number is its place, from 1.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// The next running number of a delegation; `taken` were given in the same entry.
    pub fn next_running(&self, delegation: &DelegationCode, taken: u32) -> u32 {
        self.running.get(delegation).copied().unwrap_or(0) + taken + 1
    }

    fn record(&mut self, number: &Number) -> Option<&mut OnRecord> {
        self.on_record.iter_mut().find(|one| one.number == *number)
    }

    /// Takes in one entry. Entries come in order.
    pub fn take(&mut self, entry: &Entry) {
        self.entries = entry.number + 1;
        let (at, by) = (entry.at, entry.by.name());
        let (round, _) = self.current();
        for one in &entry.numbered {
            let running = self.running.entry(one.number.delegation.clone()).or_default();
            *running = (*running).max(one.number.running);
            let mut record = OnRecord {
                number: one.number.clone(),
                round,
                late: one.late,
                drafts: one.drafts.iter().cloned().collect(),
                joined: BTreeSet::new(),
                withdrawn: BTreeSet::new(),
                reasons: Vec::new(),
                history: Vec::new(),
                status: None,
                ruled: false,
                settled: DeedRefs::default(),
                proposal: Some(one.proposal.clone()),
            };
            record.happened(
                at,
                "server",
                "numbered",
                if one.late { "arrived after the round was closed" } else { "" },
            );
            self.on_record.push(record);
        }
        match &entry.act {
            Act::Open { round, deadline } => {
                let baseline = self.revisions.last().map_or(0, |revision| revision.number);
                self.rounds.push(Round {
                    number: *round,
                    state: RoundState::Open,
                    baseline,
                    opened: at,
                    deadline: *deadline,
                    closed: None,
                    concluded: None,
                    result: None,
                    closed_at_change: None,
                });
            }
            Act::Deadline { deadline, .. } => {
                if let Some(round) = self.rounds.last_mut() {
                    round.deadline = *deadline;
                }
            }
            Act::Close { .. } => {
                if let Some(round) = self.rounds.last_mut() {
                    (round.state, round.closed) = (RoundState::Closed, Some(at));
                    round.closed_at_change = Some(entry.after);
                }
            }
            Act::Conclude { round: number, revision, text } => {
                if let Some(round) = self.rounds.last_mut() {
                    (round.state, round.concluded) = (RoundState::Concluded, Some(at));
                    round.result = Some(*revision);
                }
                let (round, text) = (Some(*number), text.clone());
                self.revisions.push(Revision { number: *revision, at, round, text });
                for one in &mut self.on_record {
                    if one.is_open() {
                        one.happened(at, "server", "carried-over", "");
                    }
                    // What was decided is decided; a bracketed or deferred one is taken up anew.
                    (one.ruled, one.settled) = (false, DeedRefs::default());
                }
            }
            Act::Number | Act::Settle | Act::Collapse { .. } | Act::Renumber { .. } | Act::Move { .. } => {}
            Act::Rule { rulings } => {
                for ruled in rulings {
                    self.take_ruling(entry, round, ruled);
                }
            }
            Act::Join { number, delegation } => {
                if let Some(one) = self.record(number) {
                    one.withdrawn.remove(delegation);
                    one.joined.insert(delegation.clone());
                    one.happened(at, delegation.as_str(), "joined", "");
                }
            }
            Act::Withdraw { number, delegation, deeds, drafts, proposal, fallen } => {
                if let Some(one) = self.record(number) {
                    one.joined.remove(delegation);
                    // An author whose own words are void stands behind nothing; who wrote what others carry on must
                    // be named as no longer standing behind it.
                    if deeds.done.is_empty() && deeds.undone.is_empty() {
                        one.withdrawn.insert(delegation.clone());
                    }
                    one.happened(at, delegation.as_str(), "withdrew", "");
                    if *fallen {
                        one.status = Some(Status::Withdrawn);
                        one.proposal = Some(proposal.clone());
                    } else {
                        one.drafts = drafts.iter().cloned().collect();
                    }
                }
            }
            Act::Reason { number, delegation, text } => {
                if let Some(one) = self.record(number) {
                    one.reasons.retain(|reason| reason.by != *delegation);
                    one.reasons.push(Reason { by: delegation.clone(), at, text: text.clone() });
                    one.happened(at, &by, "reasons", text);
                }
            }
            Act::Comment { .. } | Act::Reply { .. } | Act::Resolve { .. } => {
                super::comment::take(&mut self.comments, entry);
            }
        }
    }

    fn take_ruling(&mut self, entry: &Entry, round: u32, ruled: &Ruled) {
        self.rulings.push(Ruling {
            entry: entry.number,
            round,
            proposal: ruled.number.to_string(),
            decision: ruled.decision,
            segments: ruled.segments.clone(),
            reason: ruled.reason.clone(),
            at: entry.at,
            by: entry.by.account.clone(),
            fell_with: ruled.fell_with.as_ref().map(ToString::to_string),
        });
        let by = entry.by.name();
        let Some(one) = self.record(&ruled.number) else { return };
        let whole = ruled.segments.is_none();
        let what = match (ruled.decision, &ruled.fell_with) {
            (_, Some(_)) => "fell",
            (Decision::Adopt, None) if !whole => "adopt-part",
            (Decision::Adopt, None) => "adopt",
            (Decision::Reject, None) => "reject",
            (Decision::Bracket, None) => "bracket",
            (Decision::Defer, None) => "defer",
        };
        let reason = match &ruled.fell_with {
            Some(with) if ruled.reason.is_empty() => format!("with {with}"),
            _ => ruled.reason.clone(),
        };
        one.happened(entry.at, &by, what, &reason);
        one.ruled = true;
        one.drafts.extend(ruled.drafts.iter().cloned());
        one.proposal = Some(ruled.proposal.clone());
        one.status = match ruled.decision {
            Decision::Adopt if whole => Some(Status::Agreed),
            Decision::Adopt => None,
            Decision::Reject => Some(Status::Rejected),
            Decision::Bracket => Some(Status::Bracketed),
            Decision::Defer => Some(Status::Deferred),
        };
        match ruled.decision {
            Decision::Adopt | Decision::Reject => {
                // A ruling on everything names all that earlier ones had settled.
                if whole {
                    one.settled = DeedRefs::default();
                }
                one.settled.done.extend(ruled.deeds.done.iter().cloned());
                one.settled.undone.extend(ruled.deeds.undone.iter().cloned());
            }
            Decision::Bracket | Decision::Defer => one.settled = DeedRefs::default(),
        }
    }
}
