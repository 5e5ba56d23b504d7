//! The entries of the ledger, in a form that does not depend on any one server's numbering of changes.

use super::Number;
use crate::api::{By, Decision, Proposal};
use crate::authorship::hand::Join;
use crate::authorship::{ChangeIx, Deeds, Index, OpId};
use crate::id::{DelegationCode, ProvisionId};
use crate::time::Timestamp;
use automerge::{ActorId, ChangeHash};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An operation as Automerge writes it: `counter@actor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpRef {
    /// Its counter.
    pub counter: u32,
    /// Its actor.
    pub actor: ActorId,
}

impl OpRef {
    /// As this index names it.
    pub fn of(index: &Index, op: OpId) -> Option<Self> {
        Some(Self { counter: op.counter, actor: index.actor_at(op.actor)?.clone() })
    }

    /// In an index; `None` where its actor is unknown there.
    pub fn in_index(&self, index: &Index) -> Option<OpId> {
        Some(OpId { actor: index.actor(&self.actor)?, counter: self.counter })
    }
}

impl fmt::Display for OpRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.counter, self.actor)
    }
}

impl FromStr for OpRef {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let read = || {
            let (counter, actor) = s.split_once('@')?;
            Some(Self { counter: counter.parse().ok()?, actor: ActorId::try_from(actor).ok()? })
        };
        read().ok_or_else(|| format!("“{}” is not an operation", s.chars().take(64).collect::<String>()))
    }
}

impl TryFrom<String> for OpRef {
    type Error = String;

    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<OpRef> for String {
    fn from(op: OpRef) -> Self {
        op.to_string()
    }
}

/// Deeds that a decision is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeedRefs {
    /// Insertions and writings: the first operation, and how many follow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<(OpRef, u32)>,
    /// What was struck or replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<UndoneRef>,
}

/// What one change struck or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneRef {
    /// The change, by its hash in hex.
    pub by: String,
    /// The first operation that it undid.
    pub op: OpRef,
    /// How many follow it.
    pub len: u32,
}

impl DeedRefs {
    /// As they are named in an index.
    pub fn of(index: &Index, deeds: &Deeds) -> Self {
        // What was typed in letter by letter is named in one go, whichever change each letter came in.
        let mut spans: Vec<(OpId, u32)> = Vec::new();
        for (_, op, len) in &deeds.done {
            match spans.last_mut() {
                Some((first, count)) if first.plus(*count) == *op => *count += len,
                _ => spans.push((*op, *len)),
            }
        }
        let done = spans.into_iter().filter_map(|(op, len)| Some((OpRef::of(index, op)?, len)));
        let undone = deeds.undone.iter().filter_map(|(change, op, len)| {
            Some(UndoneRef { by: index.hash_at(*change)?.to_string(), op: OpRef::of(index, *op)?, len: *len })
        });
        Self { done: done.collect(), undone: undone.collect() }
    }

    /// In an index; `None` where it does not know one of them.
    pub fn in_index(&self, index: &Index) -> Option<Deeds> {
        let done = self.done.iter().map(|(op, len)| {
            let op = op.in_index(index)?;
            Some((index.change_of(op), op, *len))
        });
        let undone = self.undone.iter().map(|one| {
            let hash: ChangeHash = one.by.parse().ok()?;
            let by: ChangeIx = index.position(&hash)?;
            Some((by, one.op.in_index(index)?, one.len))
        });
        Some(Deeds { done: done.collect::<Option<_>>()?, undone: undone.collect::<Option<_>>()? })
    }
}

/// Elements that are the same words from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRef {
    /// The text or list of the elements that no longer stand for them.
    pub from_sequence: OpRef,
    /// The first of these.
    pub from: OpRef,
    /// The text or list of the elements that do.
    pub to_sequence: OpRef,
    /// The first of those.
    pub to: OpRef,
    /// How many.
    pub len: u32,
}

impl JoinRef {
    /// As it is named in an index that knows all of it.
    pub fn of(index: &Index, join: &Join) -> Option<Self> {
        Some(Self {
            from_sequence: OpRef::of(index, join.from_sequence)?,
            from: OpRef::of(index, join.from)?,
            to_sequence: OpRef::of(index, join.to_sequence)?,
            to: OpRef::of(index, join.to)?,
            len: join.len,
        })
    }

    /// In an index.
    pub fn in_index(&self, index: &Index) -> Option<Join> {
        Some(Join {
            from_sequence: self.from_sequence.in_index(index)?,
            from: self.from.in_index(index)?,
            to_sequence: self.to_sequence.in_index(index)?,
            to: self.to.in_index(index)?,
            len: self.len,
        })
    }
}

/// What the server's hand wrote for an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandRecord {
    /// The change, by its hash in hex.
    pub change: String,
    /// Which of its elements are which older ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinRef>,
    /// Whether it is an editorial correction, agreed as it is, rather than nobody's deed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub editorial: bool,
}

/// A number given to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The number.
    pub number: Number,
    /// Whose amendments of which provisions it is.
    pub drafts: Vec<(ProvisionId, DelegationCode)>,
    /// Whether it came in after its round was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The proposal as it stood.
    pub proposal: Box<Proposal>,
}

/// One proposal's ruling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// The proposal.
    pub number: Number,
    /// What was decided.
    pub decision: Decision,
    /// Of these segments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<usize>>,
    /// The deeds that it is about.
    pub deeds: DeedRefs,
    /// Why.
    pub reason: String,
    /// The proposal as it stood.
    pub proposal: Box<Proposal>,
    /// Its authors' amendments.
    pub drafts: Vec<(ProvisionId, DelegationCode)>,
    /// It fell because this one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_with: Option<Number>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// A round was opened.
    Open {
        /// Its number.
        round: u32,
        /// When it closes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// The open round was given a deadline, or it was taken away.
    Deadline {
        /// Its number.
        round: u32,
        /// When it closes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// A round was closed for edits: changes from `after` on are late.
    Close {
        /// Its number.
        round: u32,
    },
    /// A round was concluded.
    Conclude {
        /// Its number.
        round: u32,
        /// The revision that came of it.
        revision: u32,
        /// The agreed text, byte for byte.
        text: String,
    },
    /// Proposals were put on record.
    Number,
    /// Proposals were ruled on.
    Rule {
        /// All at once.
        rulings: Vec<Ruled>,
    },
    /// A delegation joined the sponsors of a proposal.
    Join {
        /// Which proposal.
        number: Number,
        /// Which delegation.
        delegation: DelegationCode,
    },
    /// A delegation withdrew from a proposal.
    Withdraw {
        /// Which proposal.
        number: Number,
        /// Which delegation.
        delegation: DelegationCode,
        /// What is void with that.
        deeds: DeedRefs,
        /// Authors whose amendments still carry it; none and no sponsor left: it has fallen.
        drafts: Vec<(ProvisionId, DelegationCode)>,
        /// The proposal as it stood before.
        proposal: Box<Proposal>,
        /// Whether it has fallen.
        fallen: bool,
    },
    /// A delegation said why.
    Reason {
        /// Which proposal.
        number: Number,
        /// Which delegation.
        delegation: DelegationCode,
        /// Why.
        text: String,
    },
    /// Somebody commented on a provision, or on words of it.
    Comment {
        /// The comment's number, from 1.
        comment: u32,
        /// On which provision.
        provision: ProvisionId,
        /// The words' elements: the first of each stretch, and how many they are; none: on the whole provision.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        words: Vec<(OpRef, u32)>,
        /// The words as they stood.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        quote: String,
        /// What is said.
        text: String,
        /// The key that it was sent with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Somebody replied to a comment.
    Reply {
        /// The comment's number.
        comment: u32,
        /// What is said.
        text: String,
        /// The key that it was sent with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Somebody resolved a comment, or opened it again.
    Resolve {
        /// The comment's number.
        comment: u32,
        /// Whether it is resolved now.
        resolved: bool,
    },
    /// Words that several delegations wrote alike stand once now.
    Collapse {
        /// The proposals.
        numbers: Vec<Number>,
        /// Which elements are which.
        joins: Vec<JoinRef>,
    },
    /// The document was made to show what the deeds amount to, after a late edit.
    Settle,
    /// The secretariat numbered the provisions anew.
    Renumber {
        /// How many.
        provisions: u64,
    },
    /// The secretariat moved a provision.
    Move {
        /// Which.
        provision: ProvisionId,
    },
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 0.
    #[serde(rename = "entry")]
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// How many changes the log had before it (and before its own).
    pub after: u32,
    /// What.
    #[serde(flatten)]
    pub act: Act,
    /// Proposals that were put on record with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbered: Vec<Numbered>,
    /// What the hand wrote for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<HandRecord>,
}
