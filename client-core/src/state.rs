//! How a replica stands with its server.

use std::fmt;
use std::time::Duration;

/// How a replica stands with its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No connection; edits are kept here.
    Offline {
        /// Why.
        reason: String,
        /// When it tries again; `None`: not by itself.
        retry_in: Option<Duration>,
    },
    /// Connected; something is still under way.
    Syncing,
    /// The server has, durably, everything that is here, and the other way round.
    InSync,
    /// The server refused something of what was sent; it is kept here, and in the server's quarantine.
    Refused {
        /// The server's words.
        reason: String,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { reason, retry_in: None } => write!(f, "offline: {reason}"),
            Self::Offline { reason, retry_in: Some(wait) } => {
                write!(f, "offline: {reason}; trying again in {:.0} s", wait.as_secs_f64().max(1.0))
            }
            Self::Syncing => f.write_str("syncing"),
            Self::InSync => f.write_str("in sync"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
        }
    }
}
