//! What two codraft parties must agree on: the wire, the resolution, who wrote what, which amendments
//! follow from it, and the JSON that the API speaks.
//!
//! Pure: no IO, no clock, no randomness, no threads. Two chains that never cross, each module using only
//! those before it: `id, time → wire, sync` and `id, time → api → resolution → authorship → amendment → round`.

pub mod amendment;
pub mod api;
pub mod authorship;
pub mod id;
pub mod resolution;
pub mod round;
pub mod sync;
pub mod time;
pub mod wire;
