//! A delegation's replica of a resolution: works offline, stores what it has, syncs and merges.
//!
//! [`replica`] decides and does no IO; [`store`] keeps, [`link`] and [`api`] reach the server,
//! [`working_copy`] is a folder with all of it, [`sync`] brings it up to date.

pub mod api;
pub mod backoff;
pub mod link;
pub mod replica;
pub mod state;
pub mod store;
pub mod sync;
pub mod working_copy;

use codraft_protocol::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
