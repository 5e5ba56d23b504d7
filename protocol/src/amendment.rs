//! From who-did-what to amendments: derivation of proposals, collisions, and the views of the text.
//!
//! Everything here reads records, never Automerge.

mod attribution;
mod collision;
mod deeds;
mod derive;
mod draft;
mod joint;
mod marked;
mod piece;
mod place;
mod provisional;
mod view;

pub use attribution::attribution;
pub use deeds::Deeds;
pub use derive::{Context, Derived, Share, derive, proposals};
pub use marked::Names;
pub(crate) use place::{places, stands};
pub use view::{View, lines, project, text};
