//! Rounds, rulings and sponsors: what is decided about proposals, and the ledger that keeps it.
//!
//! The ledger is a document's second log, beside its changes: rounds, numbers, sponsors, reasons, rulings. An
//! entry, once made, is never taken away; a new ruling replaces an old one by being later. Everything here
//! follows from the changes and the entries alone, so that the server, a replica and an audit agree.

mod alternatives;
pub mod audit;
mod comment;
mod decide;
mod double;
mod entry;
mod floor;
mod ledger;
mod memory;
mod number;
mod refusal;
mod replay;
mod settle;
mod table;
mod unwritten;

pub use alternatives::collisions;
pub use comment::{Comment, anchors, comments};
pub use decide::{Command, Plan, decide};
pub use entry::{Act, DeedRefs, Entry, HandRecord, JoinRef, Numbered, OpRef, Ruled, UndoneRef};
pub use floor::{Floor, Listed};
pub use ledger::{Ledger, OnRecord, Revision};
pub use number::Number;
pub use refusal::Refusal;
pub use replay::{Proceedings, ReplayError};
pub use table::{Names, csv, html, rows, text};
pub use unwritten::unwritten;
