//! Why a decision is not taken.

use super::Number;
use crate::api::{Decision, RoundState};
use crate::id::DelegationCode;
use crate::time::Timestamp;

/// Why a decision is not taken. `Display` says it in words, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each variant's words are its documentation.
pub enum Refusal {
    #[error("there is no proposal “{0}” here; 'codraft proposals' lists them")]
    UnknownProposal(String),
    #[error("round {round} is still open for edits; close it before ruling: codraft round close")]
    RoundOpen { round: u32 },
    #[error("round {round} is open already; 'codraft round deadline' changes its deadline")]
    AlreadyOpen { round: u32 },
    #[error("round {round} is {}; {what} needs a round that is {}", words(*.state), words(*.needed))]
    WrongState { round: u32, state: RoundState, what: &'static str, needed: RoundState },
    #[error("round {round} is concluded: its result is agreed; open the next round and take it up there")]
    RoundConcluded { round: u32 },
    #[error("{0} arrived after the round was closed: it belongs to the next round and is ruled on there")]
    Late(Number),
    #[error("{0} has been withdrawn by its last sponsor; there is nothing to rule on")]
    Withdrawn(Number),
    #[error("{number} has nothing left in it (its author took it back, or another ruling has settled it)")]
    Empty { number: Number },
    #[error(
        "{number} was ruled on already in this round ({}, {at}); to replace that ruling by a new one, say so: --revisit",
        decided(*.decision)
    )]
    AlreadyRuled { number: Number, decision: Decision, at: Timestamp },
    #[error("{first} and {second} collide: adopt one of them, and reject, bracket or defer the other")]
    Collide { first: Number, second: Number },
    #[error(
        "the provision of {0} no longer stands, so its words cannot become part of the agreed text; reject or defer it, or ask its sponsors to propose the words anew"
    )]
    Gone(Number),
    #[error("only an adoption takes segments; a ruling to {} is on the whole proposal", infinitive(*.0))]
    SegmentsNotWanted(Decision),
    #[error(
        "{number} has no such segment to adopt: {segment}; choose among its inserted and struck segments"
    )]
    BadSegment { number: Number, segment: usize },
    #[error(
        "the sponsors of {0} came to the same words by different edits, so it cannot be adopted in part; adopt or reject it whole"
    )]
    Indivisible(Number),
    #[error("{0} is named twice; one ruling on each proposal at a time")]
    Twice(Number),
    #[error("there is nothing to rule on: name proposals, or ask for the consensual ones when there are any")]
    NothingToRule,
    #[error("only a delegation can be a sponsor")]
    NotADelegation,
    #[error("{delegation} stands behind {number} already")]
    AlreadySponsor { number: Number, delegation: DelegationCode },
    #[error("{delegation} does not stand behind {number}")]
    NotASponsor { number: Number, delegation: DelegationCode },
    #[error("{0} is an editorial change by the secretariat; it has no sponsors")]
    EditorialChange(Number),
    #[error("{number} was decided on already; its sponsors are on record and stay so")]
    Decided { number: Number },
    #[error("a reason has 1 to {limit} characters")]
    BadReason { limit: usize },
    #[error("a comment has 1 to {limit} characters, and no control characters but line breaks")]
    BadComment { limit: usize },
    #[error("a key has 1 to {limit} characters: ASCII, without spaces")]
    BadKey { limit: usize },
    #[error("there is no comment {0} here; 'codraft comments' lists them")]
    UnknownComment(u32),
    #[error(
        "these words cannot be found in the provision, or not be told from others there; wait until they are stored, then choose them again"
    )]
    UnknownWords,
    #[error(
        "these words stand there {0} times; give more of the words around those that you mean, or say which of them: --occurrence 2"
    )]
    AmbiguousWords(usize),
    #[error(
        "a comment is on at most {limit} characters; choose fewer words, or comment on the whole provision"
    )]
    TooManyWords { limit: usize },
    #[error(
        "only whoever made comment {0}, the chair and the secretariat can resolve it or open it again; reply to it instead"
    )]
    NotYourComment(u32),
    #[error("this document has {limit} comments and replies, the most that it can have")]
    TooManyComments { limit: usize },
    #[error("the deadline lies in the past; give one that is still to come, or close the round")]
    DeadlinePassed,
    #[error("there is no provision “{0}” that stands here")]
    UnknownProvision(String),
    #[error("all provisions have their numbers already")]
    NothingToRenumber,
    #[error("the document cannot be changed that way: {0}")]
    Hand(String),
}

impl Refusal {
    /// A stable code, such as `already-ruled`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownProposal(_) => "unknown-proposal",
            Self::RoundOpen { .. } => "round-open",
            Self::AlreadyOpen { .. } => "already-open",
            Self::WrongState { .. } => "wrong-state",
            Self::RoundConcluded { .. } => "round-concluded",
            Self::Late(_) => "late-proposal",
            Self::Withdrawn(_) => "withdrawn",
            Self::Empty { .. } => "empty-proposal",
            Self::AlreadyRuled { .. } => "already-ruled",
            Self::Collide { .. } => "collide",
            Self::Gone(_) => "gone-provision",
            Self::SegmentsNotWanted(_) => "segments-not-wanted",
            Self::BadSegment { .. } => "bad-segment",
            Self::Indivisible(_) => "indivisible",
            Self::Twice(_) => "named-twice",
            Self::NothingToRule => "nothing-to-rule",
            Self::NotADelegation => "not-a-delegation",
            Self::AlreadySponsor { .. } => "already-sponsor",
            Self::NotASponsor { .. } => "not-a-sponsor",
            Self::EditorialChange(_) => "editorial-change",
            Self::Decided { .. } => "decided",
            Self::BadReason { .. } => "bad-reason",
            Self::BadComment { .. } => "bad-comment",
            Self::BadKey { .. } => "bad-key",
            Self::UnknownComment(_) => "unknown-comment",
            Self::UnknownWords => "unknown-words",
            Self::AmbiguousWords(_) => "ambiguous-words",
            Self::TooManyWords { .. } => "too-many-words",
            Self::NotYourComment(_) => "not-your-comment",
            Self::TooManyComments { .. } => "too-many-comments",
            Self::DeadlinePassed => "deadline-passed",
            Self::UnknownProvision(_) => "unknown-provision",
            Self::NothingToRenumber => "nothing-to-renumber",
            Self::Hand(_) => "hand",
        }
    }

    /// Whether the thing that is asked for is not there at all.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::UnknownProposal(_) | Self::UnknownProvision(_) | Self::UnknownComment(_))
    }

    /// Whether the request itself is wrong, whatever the state of the document.
    pub const fn is_malformed(&self) -> bool {
        matches!(
            self,
            Self::SegmentsNotWanted(_)
                | Self::BadSegment { .. }
                | Self::Twice(_)
                | Self::NotADelegation
                | Self::BadReason { .. }
                | Self::BadComment { .. }
                | Self::BadKey { .. }
                | Self::TooManyWords { .. }
                | Self::DeadlinePassed
        )
    }
}

const fn words(state: RoundState) -> &'static str {
    match state {
        RoundState::Open => "open",
        RoundState::Closed => "closed for edits",
        RoundState::Concluded => "concluded",
    }
}

const fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Adopt => "adopted",
        Decision::Reject => "rejected",
        Decision::Bracket => "bracketed",
        Decision::Defer => "deferred",
    }
}

const fn infinitive(decision: Decision) -> &'static str {
    match decision {
        Decision::Adopt => "adopt",
        Decision::Reject => "reject",
        Decision::Bracket => "bracket",
        Decision::Defer => "defer",
    }
}
