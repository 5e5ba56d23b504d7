//! What the event stream tells.

use super::RoundState;
use crate::id::DelegationCode;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// What happens on a document: the event stream's data. The SSE event name is the `event` tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum DocumentEvent {
    /// Changes were stored.
    Changes {
        /// How many.
        count: u64,
        /// Whose.
        delegations: Vec<DelegationCode>,
        /// The heads after them, in hex.
        heads: Vec<String>,
    },
    /// A change was refused and quarantined.
    Refused {
        /// Whose connection sent it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delegation: Option<DelegationCode>,
        /// The reason's code.
        code: String,
        /// The reason in words.
        reason: String,
    },
    /// A delegation came or went.
    Presence {
        /// Delegations with an open connection, ascending.
        delegations: Vec<DelegationCode>,
    },
    /// A round was opened, closed or concluded.
    Round {
        /// Its number.
        round: u32,
        /// Where it stands.
        state: RoundState,
    },
    /// Proposals were ruled on, put on record, joined or withdrawn.
    Proposals {
        /// Their numbers.
        proposals: Vec<String>,
        /// `numbered`, `joined`, `withdrew`, `reasons`, `ruled`, `collapsed`, `renumbered`, `moved`.
        what: String,
    },
    /// Somebody commented, replied, or resolved a comment.
    Comments {
        /// The comment's number.
        comment: u32,
        /// `commented`, `replied`, `resolved`, `reopened`.
        what: String,
    },
    /// The reader was too slow and missed events; read the document again.
    Missed {
        /// How many.
        count: u64,
    },
}
