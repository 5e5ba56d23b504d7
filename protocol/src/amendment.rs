//! From who-did-what to amendments: derivation of proposals, collisions, and the views of the text.

pub mod collision;
pub mod derive;
pub mod hunk;
pub mod marked;
pub mod view;

pub use derive::{Context, proposals};
pub use view::{View, lines, text};
