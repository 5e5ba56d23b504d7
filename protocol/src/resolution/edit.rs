//! Edits to a resolution in an Automerge document.

use super::line::Line;
use super::text_form::{Layout, ParsedLine};
use crate::id::DelegationCode;
use crate::time::Timestamp;
use automerge::{Automerge, ChangeHash};

/// A document that is not a resolution, or an edit that Automerge did not take.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Automerge's own error.
    #[error(transparent)]
    Automerge(#[from] automerge::AutomergeError),
    /// The document lacks what a resolution has.
    #[error("this document is not a resolution: {0}")]
    NotAResolution(String),
}

/// Writes a new resolution into an empty document, in one change with the author label `SECRETARIAT`.
///
/// # Errors
/// [`EditError`]
pub fn create(
    doc: &mut Automerge,
    symbol: &str,
    layout: &Layout,
    lines: &[ParsedLine],
    at: Timestamp,
) -> Result<ChangeHash, EditError> {
    let _ = (doc, symbol, layout, lines, at);
    unimplemented!()
}

/// The layout that a document was imported with.
///
/// # Errors
/// [`EditError::NotAResolution`]
pub fn layout(doc: &Automerge) -> Result<Layout, EditError> {
    let _ = doc;
    unimplemented!()
}

/// The lines as they stand (suppressed provisions left out), as Automerge reads them.
///
/// # Errors
/// [`EditError::NotAResolution`]
pub fn lines(doc: &Automerge) -> Result<Vec<Line>, EditError> {
    let _ = doc;
    unimplemented!()
}

/// Turns an edited file into the smallest change that makes the standing text equal to it, written in
/// `delegation`'s name by the document's actor at the document's heads. `None`: nothing to change.
///
/// # Errors
/// [`EditError`]
pub fn apply_text(
    doc: &mut Automerge,
    delegation: &DelegationCode,
    wanted: &[ParsedLine],
    at: Timestamp,
) -> Result<Option<ChangeHash>, EditError> {
    let _ = (doc, delegation, wanted, at);
    unimplemented!()
}
