//! A line of a resolution: a provision as a reader sees it.

use crate::id::ProvisionId;

/// One line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The provision.
    pub provision: ProvisionId,
    /// Its kind.
    pub kind: String,
    /// Its part.
    pub part: String,
    /// Its level.
    pub level: u8,
    /// Its enumerator.
    pub enumerator: String,
    /// What stands between enumerator and text.
    pub separator: String,
    /// Its text.
    pub text: String,
}
