//! Proposals, as the API speaks of them.

use super::{ChangeHashes, Happening, Reason};
use crate::id::{DelegationCode, ProposalId, ProvisionId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// What a proposal does to its provision (ITU marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum Mark {
    /// A new provision.
    Add,
    /// Changed wording.
    Mod,
    /// A suppressed provision.
    Sup,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum Status {
    /// In a delegation's private draft: nobody else sees it before it is tabled.
    Draft,
    /// Derived from edits in the common document and not yet ruled on.
    Tabled,
    /// Came in after its round was closed: belongs to the next one.
    Late,
    /// Adopted.
    Agreed,
    /// Rejected, or fell with one that was.
    Rejected,
    /// Left in square brackets.
    Bracketed,
    /// Taken up another time.
    Deferred,
    /// Its last sponsor has withdrawn.
    Withdrawn,
}

/// How a stretch of words came to be where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum SegmentKind {
    /// Stands in the baseline and is left alone.
    Kept,
    /// Proposed new words.
    Inserted,
    /// Words proposed for deletion.
    Struck,
}

/// Which part of a provision a segment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum Field {
    /// Its enumerator, such as `iv)`.
    Enumerator,
    /// Its text.
    Text,
}

/// A stretch of words of one proposal. The `kept` and `struck` segments of a field without `of`, joined,
/// are the baseline's words of that field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Segment {
    /// Kept, inserted or struck.
    pub kind: SegmentKind,
    /// Enumerator or text.
    pub field: Field,
    /// The words.
    pub text: String,
    /// Who did it: the inserters or strikers among the sponsors, ascending; empty for kept words.
    pub by: Vec<DelegationCode>,
    /// Whose pending words these are, where they are not the baseline's: an amendment to that amendment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<DelegationCode>,
}

/// Where a proposal's provision stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct ProvisionRef {
    /// The provision's id.
    pub id: ProvisionId,
    /// `opening`, `preambular`, `operative` or `annex`.
    pub part: String,
    /// The heading it stands under, such as `recalling`; empty before the first.
    pub heading: String,
    /// Its enumerator in the baseline (of an added provision: the proposed one); may be empty.
    pub enumerator: String,
}

/// An attributed amendment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Proposal {
    /// The proposal's id.
    pub id: ProposalId,
    /// The document's id.
    pub document: String,
    /// What it is about.
    pub provision: ProvisionRef,
    /// ADD, MOD or SUP.
    pub mark: Mark,
    /// The delegations behind it, ascending.
    pub sponsors: Vec<DelegationCode>,
    /// The proposed words within their context, in reading order, enumerator first.
    pub segments: Vec<Segment>,
    /// Proposals that cannot be adopted together with this one as they stand.
    pub collides_with: Vec<ProposalId>,
    /// Proposals whose pending words this one changes.
    pub amends: Vec<ProposalId>,
    /// Where it stands.
    pub status: Status,
    /// Its number on record, once and for all; absent where it was derived without a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The round in which it was put on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Whether it came in after a round was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Whether it is an editorial change by the secretariat: (MOD).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub editorial: bool,
    /// Whether its provision no longer stands in the agreed text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// What an added provision is called until the secretariat numbers it, such as `11bis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisional: Option<String>,
    /// Why, by delegation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What happened to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Happening>,
    /// The time of its earliest change, as its author's clock gave it.
    pub created: Timestamp,
    /// The hashes of its changes, in hex.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub changes: ChangeHashes,
    /// Other provisions that carry the same addition, made independently by another sponsor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ProvisionId>,
}

/// `GET /api/v1/documents/{id}/proposals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Proposals {
    /// In document order, then by first sponsor.
    pub proposals: Vec<Proposal>,
}

/// The text that proposals are measured against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Baseline {
    /// 0 for the text as imported.
    pub revision: u32,
    /// The change hashes, in hex, whose history is the baseline.
    pub heads: Vec<String>,
}

impl Mark {
    /// As it stands above a proposal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Mod => "MOD",
            Self::Sup => "SUP",
        }
    }
}
