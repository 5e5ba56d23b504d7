//! Comments, as the API speaks of them.

use super::ProvisionRef;
use crate::id::DelegationCode;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// `POST /api/v1/documents/{id}/comments`: on a whole provision, or on words of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewComment {
    /// On which provision, by its id.
    pub provision: String,
    /// What is said.
    pub text: String,
    /// On exactly these words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Where they stand there several times: which of them, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurrence: Option<usize>,
    /// The provision's text, as it stood where `words` were chosen, by who cannot name their characters: what has
    /// changed since does not turn them into others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// On the words from this character on, by its operation (`counter@actor`); instead of `words`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To this one, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Chosen by who sends it: sent again with the same one, because the answer was lost, it is not said twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `POST …/comments/{number}/replies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewReply {
    /// What is said.
    pub text: String,
    /// Chosen by who sends it: sent again with the same one, it is not said twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `PUT …/comments/{number}/resolved`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct NewResolved {
    /// True: it is resolved; false: it is open again.
    pub resolved: bool,
}

/// A reply to a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Reply {
    /// Whose: a delegation's code, `chair` or `secretariat`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What is said.
    pub text: String,
    /// The key that it was sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Who resolved a comment, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Resolved {
    /// Whose doing: a delegation's code, `chair` or `secretariat`.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What became of words that a comment is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct CommentedWords {
    /// The words.
    pub text: String,
    /// Whether they stand.
    pub stands: bool,
    /// Who struck them, ascending; empty where they stand, and where they were rejected or withdrawn.
    pub struck_by: Vec<DelegationCode>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Comment {
    /// Its number in the document, from 1.
    pub number: u32,
    /// Its entry in the document's ledger.
    pub entry: u64,
    /// What it is on.
    pub provision: ProvisionRef,
    /// Whether that provision no longer stands in the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// The words that it is on, with what became of them; absent: it is on the whole provision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<CommentedWords>,
    /// Whose: a delegation's code, `chair` or `secretariat`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What is said.
    pub text: String,
    /// The key that it was sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was said to it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replies: Vec<Reply>,
    /// Who resolved it; absent: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

/// `GET /api/v1/documents/{id}/comments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Comments {
    /// In order of the provisions, then of their numbers.
    pub comments: Vec<Comment>,
}
