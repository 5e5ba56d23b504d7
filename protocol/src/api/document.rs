//! Documents, what is imported, and what was refused in them.

use super::Baseline;
use crate::id::{DelegationCode, ProvisionId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

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

/// `GET` and `PUT /api/v1/documents/{id}/screen`: what the projector shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Screen {
    /// The provision; absent: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision: Option<ProvisionId>,
    /// Whether the delegations are named there.
    #[serde(default = "super::yes")]
    pub names: bool,
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
