//! The resolution over Automerge: its schema, its plain-text form, and edits to it.

pub mod edit;
pub(crate) mod enumerator;
pub mod fused;
pub mod line;
pub mod profile;
pub mod schema;
pub mod structure;
pub mod text_form;
pub mod words;

/// An invented resolution in the plain-text form, for the demo and for tests.
pub const SAMPLE: &str = include_str!("../samples/resolution.txt");
