//! Who may come in: delegations, accounts with roles, and tickets.

use codraft_protocol::id::{DelegationCode, DocumentId, Role};

/// Who is behind a request or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's id.
    pub account: String,
    /// What it may do (a read-only ticket turns any role into an observer).
    pub role: Role,
    /// In whose name; the secretariat's own code for the secretariat.
    pub delegation: Option<DelegationCode>,
    /// The only document it may open, for a scoped ticket.
    pub document: Option<DocumentId>,
    /// The ticket it came with.
    pub ticket: Option<String>,
}
