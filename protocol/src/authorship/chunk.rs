//! Automerge chunks as untrusted bytes: split, bounded and inflated before anything parses them.

use bytes::Bytes;

/// Splits a concatenation of chunks and returns each change chunk uncompressed (type 1), bounded by
/// `inflated_bytes` in all.
///
/// # Errors
/// A [`super::Refusal`] of the kind that names what is wrong: not a chunk, a document or bundle chunk, too large.
pub fn split(bytes: &[u8], limits: &super::Limits) -> Result<Vec<Bytes>, super::Refusal> {
    let _ = (bytes, limits);
    unimplemented!()
}
