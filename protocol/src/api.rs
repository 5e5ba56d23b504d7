//! The JSON types of the HTTP API: what `docs/api.md` and the OpenAPI description say.

mod comment;
mod hashes;
mod round;

pub use comment::*;
pub use hashes::ChangeHashes;
pub use round::*;

use crate::id::{DelegationCode, ProposalId, ProvisionId, Role};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// A document in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Document {
    /// Its id, as `clone` and the wire take it.
    pub id: String,
    /// Its symbol; may be empty.
    pub symbol: String,
    /// Its title line.
    pub title: String,
    /// When it was imported.
    pub created: Timestamp,
    /// What proposals are measured against.
    pub baseline: Baseline,
    /// The durable heads, in hex.
    pub heads: Vec<String>,
    /// Changes in its log.
    pub changes: u64,
    /// Provisions that stand.
    pub provisions: u64,
    /// Open connections to it.
    pub connections: u64,
}

/// `GET /api/v1/documents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Documents {
    /// In order of creation.
    pub documents: Vec<Document>,
}

/// `POST /api/v1/documents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewDocument {
    /// The resolution in the plain-text form of `docs/text-form.md`.
    pub text: String,
    /// Its symbol, such as `C19/DT/3`.
    #[serde(default)]
    pub symbol: String,
}

/// The answer to `POST /api/v1/documents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Imported {
    /// The new document.
    pub document: Document,
    /// Lines that look as if two words were fused by a lost revision mark; nothing was changed in them.
    pub warnings: Vec<ImportWarning>,
}

/// A suspicious place in an imported text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct ImportWarning {
    /// The line, counted from 1.
    pub line: u32,
    /// The run as it stands, such as `Dubai, 2018Bucharest, 2022`.
    pub run: String,
    /// What may have been struck and what inserted, the likeliest first.
    pub candidates: Vec<Split>,
}

/// One reading of a fused run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Split {
    /// The words that were perhaps struck.
    pub struck: String,
    /// The words that were perhaps inserted.
    pub inserted: String,
}

/// A stretch of the text as it stands, with its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct AttributedRun {
    /// The words.
    pub text: String,
    /// Who inserted them.
    pub inserted_by: DelegationCode,
    /// Who else did: where several delegations wrote the same words, they stand once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_by: Vec<DelegationCode>,
    /// Who struck them; empty: they stand.
    pub struck_by: Vec<DelegationCode>,
    /// Whether they are in the baseline.
    pub baseline: bool,
    /// Numbers of the comments on them that are not resolved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<u32>,
}

fn yes() -> bool {
    true
}

/// One provision with every word's author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct AttributedProvision {
    /// Its place.
    pub provision: ProvisionRef,
    /// Its kind, as `docs/schema.md` has it.
    #[serde(default)]
    pub kind: String,
    /// Its level.
    #[serde(default)]
    pub level: u8,
    /// Who added it.
    pub inserted_by: DelegationCode,
    /// Whether the baseline has it; otherwise it is a pending addition.
    #[serde(default = "yes")]
    pub baseline: bool,
    /// Whether the marked view shows it here: not an addition that its author took back, nor one that another
    /// delegation made alike and that is shown there.
    #[serde(default = "yes")]
    pub shown: bool,
    /// Who suppressed it.
    pub suppressed_by: Vec<DelegationCode>,
    /// Its words, pending strikes included.
    pub runs: Vec<AttributedRun>,
}

/// `GET /api/v1/documents/{id}/attribution`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Attribution {
    /// Which delegation each actor (hex) belongs to.
    pub roster: BTreeMap<String, DelegationCode>,
    /// Provisions in document order.
    pub provisions: Vec<AttributedProvision>,
}

/// A delegation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Delegation {
    /// Its code.
    pub code: DelegationCode,
    /// Its name.
    pub name: String,
}

/// `GET /api/v1/delegations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Delegations {
    /// By code.
    pub delegations: Vec<Delegation>,
    /// Every account: who can come in, in which role.
    pub accounts: Vec<Account>,
}

/// One who can come in with a token; the token itself is never stored or shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Account {
    /// Its id, for `revoke`.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// In whose name, for delegates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationCode>,
    /// When it was invited.
    pub created: Timestamp,
    /// Whether its token was revoked.
    pub revoked: bool,
    /// When its token expires; never where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// `PUT /api/v1/accounts/{id}/expiry`: when an account's token ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewExpiry {
    /// So many days from now; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// One entry of the access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct AccessEntry {
    /// Its number.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// `login`, `login-refused`, `refused`, `export`, `invited`, `revoked` or `ticket`.
    pub kind: String,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// With which ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The account or ticket that a refused token named; nothing proves that it was theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// From where: an IPv4 address, or the /64 of an IPv6 one.
    pub address: String,
    /// More, in words.
    pub detail: String,
    /// Refusals before this entry that were not noted, since there were too many.
    pub left_out: u64,
}

/// `GET /api/v1/access-log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct AccessEntries {
    /// In order; the oldest of them first.
    pub entries: Vec<AccessEntry>,
}

/// `POST /api/v1/delegations`: adds a delegation and invites its first delegate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewDelegation {
    /// Its code.
    pub code: DelegationCode,
    /// Its name.
    pub name: String,
}

/// `POST /api/v1/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewInvitation {
    /// In which role.
    pub role: Role,
    /// For which delegation; needed for delegates, absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationCode>,
}

/// The answer to an invitation: the token is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Invitation {
    /// The new account.
    pub account: Account,
    /// Its token, for `CODRAFT_TOKEN` or `Authorization: Bearer`.
    pub token: String,
}

/// `GET` and `PUT /api/v1/documents/{id}/screen`: what the projector shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Screen {
    /// The provision; absent: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision: Option<ProvisionId>,
    /// Whether the delegations are named there.
    #[serde(default = "yes")]
    pub names: bool,
}

/// `POST /api/v1/login`: what a page sends to get its cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Login {
    /// An account's token.
    pub token: String,
}

/// `POST /api/v1/tickets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewTicket {
    /// The only document it opens; absent: every document its account may open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Seconds until it expires; absent: 12 hours; at most 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// Whether it only reads.
    #[serde(default)]
    pub read_only: bool,
}

/// A ticket: for clients that can only be given a URL. It can be used again until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Ticket {
    /// Its id, for `DELETE /api/v1/tickets/{id}`.
    pub id: String,
    /// The ticket, for `/sync?ticket=…`; shown this once.
    pub ticket: String,
    /// When it expires.
    pub expires: Timestamp,
}

/// A refused change, kept for the secretariat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Quarantined {
    /// Its number in the document's quarantine.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The account that sent it.
    pub sender: String,
    /// That account's delegation, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationCode>,
    /// A stable code of the reason, such as `foreign-actor`.
    pub code: String,
    /// The reason in words.
    pub reason: String,
    /// The bytes, in hex, cut at 4 KiB.
    pub bytes: String,
    /// How many bytes there were.
    pub size: u64,
}

/// `GET /api/v1/documents/{id}/quarantine`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Quarantine {
    /// In order of arrival.
    pub quarantine: Vec<Quarantined>,
}

/// Who the caller is: `GET /api/v1/me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Me {
    /// The account.
    pub account: Account,
    /// The name of its delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What happens on a document: the event stream's data. The SSE event name is the `event` tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum DocumentEvent {
    /// Changes were stored.
    Changes {
        /// How many.
        count: u64,
        /// Whose.
        delegations: Vec<DelegationCode>,
        /// The heads after them, in hex.
        heads: Vec<String>,
    },
    /// A change was refused and quarantined.
    Refused {
        /// Whose connection sent it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delegation: Option<DelegationCode>,
        /// The reason's code.
        code: String,
        /// The reason in words.
        reason: String,
    },
    /// A delegation came or went.
    Presence {
        /// Delegations with an open connection, ascending.
        delegations: Vec<DelegationCode>,
    },
    /// A round was opened, closed or concluded.
    Round {
        /// Its number.
        round: u32,
        /// Where it stands.
        state: RoundState,
    },
    /// Proposals were ruled on, put on record, joined or withdrawn.
    Proposals {
        /// Their numbers.
        proposals: Vec<String>,
        /// `numbered`, `joined`, `withdrew`, `reasons`, `ruled`, `collapsed`, `renumbered`, `moved`.
        what: String,
    },
    /// Somebody commented, replied, or resolved a comment.
    Comments {
        /// The comment's number.
        comment: u32,
        /// `commented`, `replied`, `resolved`, `reopened`.
        what: String,
    },
    /// The reader was too slow and missed events; read the document again.
    Missed {
        /// How many.
        count: u64,
    },
}

/// RFC 9457 `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Problem {
    /// A stable name of the kind of problem, such as `urn:codraft:unknown-document`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
}
