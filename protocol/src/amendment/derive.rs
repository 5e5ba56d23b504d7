//! Derivation of proposals from the record.

use crate::api::Proposal;
use crate::authorship::{ChangeIx, Record};
use crate::id::DocumentId;

/// What derivation needs beside the record.
pub struct Context<'a> {
    /// The document, for proposal ids.
    pub document: DocumentId,
    /// Whether the author of the first change had the second before them.
    pub saw: &'a dyn Fn(ChangeIx, ChangeIx) -> bool,
}

/// All proposals, in document order, then by first sponsor. The same for any order of arrival.
pub fn proposals(record: &Record, context: &Context<'_>) -> Vec<Proposal> {
    let _ = (record, context.document);
    unimplemented!()
}
