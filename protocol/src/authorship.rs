//! Who wrote what: the roster binds actors to delegations, the gate checks each incoming change, and the
//! attribution index keeps every element of the document with its inserter and its strikers.

pub mod chunk;
pub mod gate;
pub mod index;
pub mod record;
pub mod roster;

pub use gate::{Gate, Limits, Refusal, Sender};
pub use index::Index;
pub use record::{ChangeIx, ChangeMeta, Deed, FieldVersion, Provision, Record, Suppression, TextRun};
pub use roster::Roster;
