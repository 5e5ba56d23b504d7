//! Who wrote what: the roster binds actors to delegations, the gate checks each incoming change, and the
//! attribution index keeps every element of the document with its inserter and its strikers.

pub(crate) mod anchor;
pub mod chunk;
pub mod gate;
pub mod hand;
pub mod index;
pub mod record;
mod resolve;
pub mod roster;
pub mod settled;
mod spans;

pub use anchor::Anchors;
pub use gate::{Accepted, Admission, Gate, Limits, Passed, Refusal, Refused, Sender};
pub use index::id::{ActorIx, OpId};
pub use index::{FoldError, Index};
pub use record::{
    ChangeIx, ChangeMeta, Deed, FieldVersion, Provision, Record, Standing, Suppression, TextRun,
};
pub use roster::Roster;
pub use settled::{Settled, Verdict};
