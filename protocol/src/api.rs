//! The JSON types of the HTTP API: what `docs/api.md` and the OpenAPI description say.

mod account;
mod attribution;
mod comment;
mod document;
mod event;
mod hashes;
mod overview;
mod proposal;
mod round;

pub use account::*;
pub use attribution::*;
pub use comment::*;
pub use document::*;
pub use event::*;
pub use hashes::ChangeHashes;
pub use overview::*;
pub use proposal::*;
pub use round::*;

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

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

/// What counts where nothing is said.
fn yes() -> bool {
    true
}
