//! Who may do what: the one table.

use super::Caller;
use codraft_protocol::id::Role;

/// What can be asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read a document's text, proposals, attribution and events.
    Read,
    /// Write in a document.
    Edit,
    /// Make a document of a text.
    Import,
    /// See what was refused.
    ReadQuarantine,
    /// Add delegations, invite people, see all accounts.
    Invite,
    /// Take tokens and other people's tickets away.
    Revoke,
    /// Get a ticket for oneself.
    CreateTicket,
    /// Download the whole store.
    Backup,
    /// See who came in, was refused, took data out.
    ReadAccessLog,
    /// Say what the projector shows.
    Project,
    /// Rule on proposals.
    Rule,
    /// Open and conclude rounds.
    Round,
    /// Close a round for edits, or say when it closes.
    CloseRound,
    /// Join, withdraw from, and give reasons for proposals.
    Sponsor,
    /// Comment, reply, and resolve comments.
    Comment,
    /// Make editorial corrections: number and move provisions.
    Correct,
    /// Read the audit trail.
    ReadAudit,
    /// Keep private drafts, and table them.
    Draft,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 18] = [
        Self::Read,
        Self::Edit,
        Self::Import,
        Self::ReadQuarantine,
        Self::Invite,
        Self::Revoke,
        Self::CreateTicket,
        Self::Backup,
        Self::ReadAccessLog,
        Self::Project,
        Self::Rule,
        Self::Round,
        Self::CloseRound,
        Self::Sponsor,
        Self::Comment,
        Self::Correct,
        Self::ReadAudit,
        Self::Draft,
    ];

    /// What it is, for the sentence "a chair may not …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Read => "read documents",
            Self::Edit => "write in a document",
            Self::Import => "import documents",
            Self::ReadQuarantine => "see refused changes",
            Self::Invite => "add delegations or invite people",
            Self::Revoke => "revoke tokens",
            Self::CreateTicket => "get tickets",
            Self::Backup => "make backups",
            Self::ReadAccessLog => "read the access log",
            Self::Project => "say what the projector shows",
            Self::Rule => "rule on proposals",
            Self::Round => "open or conclude rounds",
            Self::CloseRound => "close rounds, set their deadline",
            Self::Sponsor => "sponsor proposals",
            Self::Comment => "comment",
            Self::Correct => "make editorial corrections",
            Self::ReadAudit => "read the audit trail",
            Self::Draft => "keep private drafts",
        }
    }
}

/// Whether a role may.
pub const fn role_allows(role: Role, action: Action) -> bool {
    use Action::{
        Backup, CloseRound, Comment, Correct, CreateTicket, Draft, Edit, Import, Invite, Project, Read,
        ReadAccessLog, ReadAudit, ReadQuarantine, Revoke, Round, Rule, Sponsor,
    };
    match (role, action) {
        (_, Read | CreateTicket) => true,
        (role, Edit) => role.may_edit(),
        (role, Comment) => !matches!(role, Role::Observer),
        (Role::Secretariat, Rule | Sponsor | Draft) => false,
        (
            Role::Secretariat,
            Import | ReadQuarantine | Invite | Revoke | Backup | ReadAccessLog | Project | Round | CloseRound
            | Correct | ReadAudit,
        ) => true,
        (Role::Chair, ReadQuarantine | Project | Rule | CloseRound | ReadAudit) => true,
        (Role::Delegate, Sponsor | Draft) => true,
        (
            Role::Chair | Role::Delegate | Role::Observer,
            Import | ReadQuarantine | Invite | Revoke | Backup | ReadAccessLog | Project | Rule | Round
            | CloseRound | Sponsor | Correct | ReadAudit | Draft,
        ) => false,
    }
}

/// Whether a caller may. A ticket only ever reads and writes documents: it stands in URLs, and URLs leak.
pub fn allows(caller: &Caller, action: Action) -> bool {
    let ticket_may = caller.ticket.is_none() || matches!(action, Action::Read | Action::Edit);
    ticket_may && role_allows(caller.role, action)
}
