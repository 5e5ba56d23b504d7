//! From who-did-what to amendments: derivation of proposals, collisions, and the views of the text.
//!
//! Everything here reads records, never Automerge.

mod attribution;
mod collision;
mod derive;
mod draft;
mod joint;
mod marked;
mod piece;
mod place;
mod provisional;
mod sketch;
mod view;

pub use attribution::attribution;
pub use derive::{Context, Derived, Saw, Share, derive, proposals};
pub use marked::Names;
pub(crate) use place::placed;
pub use sketch::Sketches;
pub use view::{View, line, lines, project, text};
