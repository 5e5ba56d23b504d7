//! Rounds, rulings and sponsors, as the API speaks of them.

use super::{Proposal, ProvisionRef};
use crate::id::{DelegationCode, Role};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// Where a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum RoundState {
    /// Delegations edit.
    Open,
    /// What is edited now is late; the chair rules.
    Closed,
    /// Its result is the next baseline.
    Concluded,
}

/// From one baseline to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Round {
    /// 1 for the first.
    pub number: u32,
    /// Where it stands.
    pub state: RoundState,
    /// The revision that its proposals are measured against.
    pub baseline: u32,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it closes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// When it was closed for edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// When it was concluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concluded: Option<Timestamp>,
    /// The revision that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<u32>,
    /// How many changes the log had when it was closed: later ones are late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at_change: Option<u32>,
}

/// `GET /api/v1/documents/{id}/rounds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Rounds {
    /// In order; the last one is the current one.
    pub rounds: Vec<Round>,
}

/// `POST /api/v1/documents/{id}/rounds`: opens the next round, or gives the open one a deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewRound {
    /// When it closes by itself; absent: when it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

/// An agreed text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Revision {
    /// 0 for the text as imported.
    pub number: u32,
    /// When it was agreed.
    pub at: Timestamp,
    /// The round that it came of; absent for the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
    /// Bytes of its text.
    pub bytes: u64,
}

/// `GET /api/v1/documents/{id}/revisions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Revisions {
    /// In order. The text of each: `GET …/revisions/{number}/text`.
    pub revisions: Vec<Revision>,
}

/// What the chair decides about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum Decision {
    /// It becomes part of the agreed text.
    Adopt,
    /// It does not.
    Reject,
    /// It stays in square brackets.
    Bracket,
    /// It is taken up another time.
    Defer,
}

/// A ruling to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewRuling {
    /// The proposal's number (`CAN/3`) or id.
    pub proposal: String,
    /// What is decided.
    pub decision: Decision,
    /// Adopt only these of its segments, counted from 0; the rest stays proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<usize>>,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Whether this is to replace an earlier ruling of this round.
    #[serde(default)]
    pub revisit: bool,
}

/// `POST /api/v1/documents/{id}/rulings`: all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewRulings {
    /// One at a time or many at once.
    #[serde(default)]
    pub rulings: Vec<NewRuling>,
    /// Adopt, beside these, every open proposal that collides with nothing.
    #[serde(default)]
    pub consensual: bool,
    /// The reason for the consensual ones.
    #[serde(default)]
    pub reason: String,
}

/// A ruling that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Ruling {
    /// Its number in the document's ledger.
    pub entry: u64,
    /// The round.
    pub round: u32,
    /// The proposal's number.
    pub proposal: String,
    /// What was decided.
    pub decision: Decision,
    /// Of these segments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<usize>>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The chair's account; empty for whoever may not read the audit trail.
    pub by: String,
    /// It fell because this one did, whose words it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_with: Option<String>,
}

/// `GET /api/v1/documents/{id}/rulings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Rulings {
    /// In order; none is ever taken away.
    pub rulings: Vec<Ruling>,
}

/// `POST …/proposals/{number}/reasons`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewReason {
    /// Why the delegation proposes this.
    pub text: String,
}

/// Why a delegation proposes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Reason {
    /// Which delegation.
    pub by: DelegationCode,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub text: String,
}

/// What happened to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// Whose doing: a delegation's code, `chair`, `secretariat` or `server`.
    pub by: String,
    /// `numbered`, `joined`, `withdrew`, `reasons`, `adopt`, `adopt-part`, `reject`, `bracket`, `defer`, `fell`,
    /// `carried-over`.
    pub what: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One of several versions of the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Alternative {
    /// Whose: proposals' numbers.
    pub proposals: Vec<String>,
    /// Who stands behind it; empty for the agreed text.
    pub sponsors: Vec<DelegationCode>,
    /// What the provision would say.
    pub text: String,
}

/// Proposals that cannot all be adopted as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Collision {
    /// Where.
    pub provision: ProvisionRef,
    /// The proposals' numbers.
    pub proposals: Vec<String>,
    /// Each version of the words.
    pub alternatives: Vec<Alternative>,
    /// All in one line, each in its brackets with the names of those who hold it: `[USA, CAN: …] [X: …]`.
    pub bracketed: String,
}

/// A sentence of the text as it stands that matches no single delegation's version: a merge made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct UnwrittenSentence {
    /// Where.
    pub provision: ProvisionRef,
    /// The sentence.
    pub text: String,
    /// What each delegation wrote in its place, the agreed text first.
    pub versions: Vec<Alternative>,
}

/// `GET /api/v1/documents/{id}/collisions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Collisions {
    /// In document order.
    pub collisions: Vec<Collision>,
    /// Sentences that nobody wrote.
    pub unwritten: Vec<UnwrittenSentence>,
}

/// `POST /api/v1/documents/{id}/preview`: the text with these adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewPreview {
    /// Numbers or ids of proposals.
    #[serde(default)]
    pub adopt: Vec<String>,
    /// Every open proposal that collides with nothing, beside these.
    #[serde(default)]
    pub consensual: bool,
}

/// What a ruling would give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Preview {
    /// The numbers of what would be adopted.
    pub adopted: Vec<String>,
    /// The agreed text then.
    pub text: String,
    /// What would still collide.
    pub collisions: Vec<Collision>,
}

/// One row of the table of proposals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Row {
    /// Where it stands, such as `resolves 1`.
    pub provision: String,
    /// ADD, MOD, SUP, or (MOD) for an editorial change.
    pub mark: String,
    /// The proposal's number.
    pub number: String,
    /// Who stands behind it.
    pub sponsors: Vec<DelegationCode>,
    /// The proposed words, struck ones as `[-…-]`, new ones as `{+…+}`.
    pub words: String,
    /// Why, by delegation.
    pub reasons: Vec<Reason>,
    /// Numbers of those it collides with.
    pub collides_with: Vec<String>,
    /// Where it stands.
    pub status: super::Status,
    /// The last ruling's reason.
    pub ruling: String,
}

/// `GET /api/v1/documents/{id}/table`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Table {
    /// In document order.
    pub rows: Vec<Row>,
}

/// `POST …/renumber` and `POST …/move` answer with it: an editorial change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Editorial {
    /// Its entry in the ledger; absent: there was nothing to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

/// A delegation's private draft of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Draft {
    /// Its own document, for `clone` and the wire.
    pub id: String,
    /// The common document.
    pub document: String,
    /// Whose it is.
    pub delegation: DelegationCode,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was tabled: it is closed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tabled: Option<Timestamp>,
}

/// `GET /api/v1/documents/{id}/drafts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Drafts {
    /// One's own delegation's, in order of creation.
    pub drafts: Vec<Draft>,
}

/// The answer to tabling a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Tabled {
    /// The draft, closed now.
    pub draft: Draft,
    /// Changes that the common document has taken.
    pub changes: u64,
}

/// `POST /api/v1/documents/{id}/move`: a provision goes behind another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewMove {
    /// Which provision, by its id.
    pub provision: String,
    /// Behind which one; absent: to the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
}

/// The text and the proposals as they stood: `GET …/replay?at=…` or `?heads=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Replay {
    /// How many changes there were.
    pub changes: u64,
    /// How many entries the ledger had.
    pub entries: u64,
    /// The text as it stood.
    pub text: String,
    /// The proposals as they stood.
    pub proposals: Vec<Proposal>,
}

/// Who entered something in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct By {
    /// The account; empty where it is the server itself, and for whoever may not read the audit trail.
    pub account: String,
    /// Its role; absent: the server itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationCode>,
}

impl By {
    /// Whose doing that is, for everybody: a delegation's code, or a role.
    pub fn name(&self) -> String {
        match (&self.delegation, self.role) {
            (Some(delegation), _) if !delegation.is_secretariat() => delegation.to_string(),
            (_, Some(role)) => role.to_string(),
            (_, None) => "server".to_owned(),
        }
    }
}
