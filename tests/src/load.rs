//! The load tool (`cargo run --release -p codraft-tests --bin load -- --help`): drives codraft and the servers
//! that others would take instead with the same edits, side by side, and says what each of them did.
//!
//! A run counts only if nothing is missing and every reader's text is equal at the end.

pub mod board;
pub mod client;
pub mod contender;
pub mod disk;
pub mod document;
pub mod edits;
pub mod fan_out;
pub mod figures;
pub mod growth;
pub mod history;
pub mod kill;
pub mod late;
pub mod limit;
pub mod many;
pub mod pages;
pub mod peer;
pub mod report;
pub mod samod_server;
pub mod scenarios;
pub mod soak;
pub mod yjs;
