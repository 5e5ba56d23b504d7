//! Who wrote the text as it stands.

use super::ProvisionRef;
use crate::id::DelegationCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

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
    #[serde(default = "super::yes")]
    pub baseline: bool,
    /// Whether the marked view shows it here: not an addition that its author took back, nor one that another
    /// delegation made alike and that is shown there.
    #[serde(default = "super::yes")]
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
    /// The heads of the history that it speaks of: who has more than that has more than it attributes.
    pub heads: Vec<String>,
    /// Which delegation each actor (hex) belongs to.
    pub roster: BTreeMap<String, DelegationCode>,
    /// Provisions in document order.
    pub provisions: Vec<AttributedProvision>,
}
