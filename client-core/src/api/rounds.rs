//! Rounds, rulings, sponsors, comments, drafts and the audit trail.

use super::{Api, ApiError, segment};
use codraft_protocol::api;
use codraft_protocol::round::Entry;
use codraft_protocol::round::audit::Audit;
use serde::Deserialize;
use serde_json::json;

/// A document's ledger, as replicas take it in.
#[derive(Clone, Debug, Deserialize)]
pub struct Ledger {
    /// All entries, in order.
    pub entries: Vec<Entry>,
    /// Hashes of changes that came too late for the round that is closed now.
    pub late: Vec<String>,
}

fn of(document: &str, rest: &str) -> String {
    format!("/documents/{}/{rest}", segment(document))
}

/// A proposal's number as a part of an address: `CAN-3`.
fn of_proposal(document: &str, proposal: &str, rest: &str) -> String {
    of(document, &format!("proposals/{}{rest}", segment(&proposal.replace('/', "-"))))
}

impl Api {
    /// The rounds.
    ///
    /// # Errors
    /// [`ApiError`], like all of these
    pub fn rounds(&self, document: &str) -> Result<api::Rounds, ApiError> {
        self.get(&of(document, "rounds"))
    }

    /// Opens the next round, or gives the open one a deadline.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn open_round(&self, document: &str, new: &api::NewRound) -> Result<api::Rounds, ApiError> {
        self.post(&of(document, "rounds"), new)
    }

    /// Sets or lifts the open round's deadline.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn round_deadline(&self, document: &str, new: &api::NewRound) -> Result<api::Rounds, ApiError> {
        self.put(&of(document, "rounds/deadline"), new)
    }

    /// Closes the round for edits.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn close_round(&self, document: &str) -> Result<api::Rounds, ApiError> {
        self.post(&of(document, "rounds/close"), &json!({}))
    }

    /// Concludes the round.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn conclude_round(&self, document: &str) -> Result<api::Rounds, ApiError> {
        self.post(&of(document, "rounds/conclude"), &json!({}))
    }

    /// The agreed texts.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn revisions(&self, document: &str) -> Result<api::Revisions, ApiError> {
        self.get(&of(document, "revisions"))
    }

    /// One of them, byte for byte.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn revision_text(&self, document: &str, number: u32) -> Result<String, ApiError> {
        self.words(&of(document, &format!("revisions/{number}/text")))
    }

    /// All rulings.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn rulings(&self, document: &str) -> Result<api::Rulings, ApiError> {
        self.get(&of(document, "rulings"))
    }

    /// Rules.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn rule(&self, document: &str, new: &api::NewRulings) -> Result<api::Rulings, ApiError> {
        self.post(&of(document, "rulings"), new)
    }

    /// The text with some more adopted.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn preview(&self, document: &str, new: &api::NewPreview) -> Result<api::Preview, ApiError> {
        self.post(&of(document, "preview"), new)
    }

    /// Numbers the provisions anew.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn renumber(&self, document: &str) -> Result<api::Editorial, ApiError> {
        self.post(&of(document, "renumber"), &json!({}))
    }

    /// Moves a provision.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn move_provision(&self, document: &str, new: &api::NewMove) -> Result<api::Editorial, ApiError> {
        self.post(&of(document, "move"), new)
    }

    /// One proposal, by number or id.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn proposal(&self, document: &str, proposal: &str) -> Result<api::Proposal, ApiError> {
        self.get(&of_proposal(document, proposal, ""))
    }

    /// Joins its sponsors.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn join(&self, document: &str, proposal: &str) -> Result<api::Proposal, ApiError> {
        self.post(&of_proposal(document, proposal, "/sponsors"), &json!({}))
    }

    /// Withdraws from it.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn withdraw(&self, document: &str, proposal: &str) -> Result<api::Proposal, ApiError> {
        let body = self.delete(&of_proposal(document, proposal, "/sponsors"))?;
        self.json(body)
    }

    /// Says why.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn give_reason(&self, document: &str, proposal: &str, text: &str) -> Result<api::Proposal, ApiError> {
        let new = api::NewReason { text: text.to_owned() };
        self.post(&of_proposal(document, proposal, "/reasons"), &new)
    }

    /// What collides, and what nobody wrote.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn collisions(&self, document: &str) -> Result<api::Collisions, ApiError> {
        self.get(&of(document, "collisions"))
    }

    /// The table of proposals as `json`, `text`, `html` or `csv`.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn table(&self, document: &str, format: &str, names: bool) -> Result<String, ApiError> {
        let names = if names { "shown" } else { "hidden" };
        self.words(&of(document, &format!("table?format={}&names={names}", segment(format))))
    }

    /// The comments.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn comments(&self, document: &str) -> Result<api::Comments, ApiError> {
        self.get(&of(document, "comments"))
    }

    /// Comments on a provision, or on words of it.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn comment(&self, document: &str, new: &api::NewComment) -> Result<api::Comment, ApiError> {
        self.post(&of(document, "comments"), new)
    }

    /// Replies to a comment.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn reply(&self, document: &str, comment: u32, text: &str) -> Result<api::Comment, ApiError> {
        let new = api::NewReply { text: text.to_owned(), key: None };
        self.post(&of(document, &format!("comments/{comment}/replies")), &new)
    }

    /// Resolves a comment, or opens it again.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn resolve(&self, document: &str, comment: u32, resolved: bool) -> Result<api::Comment, ApiError> {
        self.put(&of(document, &format!("comments/{comment}/resolved")), &api::NewResolved { resolved })
    }

    /// The ledger.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn ledger(&self, document: &str) -> Result<Ledger, ApiError> {
        self.get(&of(document, "ledger"))
    }

    /// The audit trail.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn audit(&self, document: &str) -> Result<Audit, ApiError> {
        self.get(&of(document, "audit"))
    }

    /// The document as it was: `at=2026-11-25T15:00:00Z` or `heads=…`; nothing: as it is.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn replay(&self, document: &str, moment: Option<(&str, &str)>) -> Result<api::Replay, ApiError> {
        let query = moment.map(|(name, value)| format!("?{name}={}", segment(value))).unwrap_or_default();
        self.get(&of(document, &format!("replay{query}")))
    }

    /// One's own delegation's drafts.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn drafts(&self, document: &str) -> Result<api::Drafts, ApiError> {
        self.get(&of(document, "drafts"))
    }

    /// Begins a private draft.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn begin_draft(&self, document: &str) -> Result<api::Draft, ApiError> {
        self.post(&of(document, "drafts"), &json!({}))
    }

    /// Tables a draft, named by its own document's id.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn table_draft(&self, draft: &str) -> Result<api::Tabled, ApiError> {
        self.post(&of(draft, "table-draft"), &json!({}))
    }
}
