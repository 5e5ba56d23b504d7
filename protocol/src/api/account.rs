//! Delegations and accounts: who may come in, with what, and who did.

use crate::id::{DelegationCode, Role};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// A delegation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Delegation {
    /// Its code.
    pub code: DelegationCode,
    /// Its name.
    pub name: String,
    /// When it was added: what tells the first from those that came later, wherever that matters.
    #[serde(default)]
    pub created: Timestamp,
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
