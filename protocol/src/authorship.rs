//! Who wrote what: the roster binds actors to delegations, the gate checks each incoming change, and the
//! attribution index keeps every element of the document with its inserter and its strikers.

pub(crate) mod anchor;
mod append_only;
pub mod chunk;
mod deeds;
mod few;
pub mod gate;
pub mod hand;
pub mod index;
mod packing;
pub mod record;
pub mod recorder;
mod resolve;
pub mod roster;
pub mod scope;
pub mod settled;
mod spans;

pub use anchor::Anchors;
pub use deeds::{DeedSet, Deeds};
pub use few::Few;
pub use gate::{Accepted, Admission, Gate, Limits, Passed, Refusal, Refused, Sender};
pub use index::id::{ActorIx, OpId};
pub use index::{FoldError, Index};
pub use record::{
    ChangeIx, ChangeMeta, Changes, Deed, FieldVersion, Provision, Record, Standing, Suppression, TextRun,
};
pub use recorder::Recorder;
pub use roster::Roster;
pub use scope::Scope;
pub use settled::{Settled, Verdict};
