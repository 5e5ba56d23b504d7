//! What can be read of a document: its text in every view, its proposals, who wrote what.

use super::Hub;
use codraft_protocol::amendment::{self, View};
use codraft_protocol::api;
use codraft_protocol::authorship::{ChangeIx, Record};
use codraft_protocol::round::{self, Refusal};
use codraft_protocol::time::Timestamp;
use std::sync::Arc;

/// What of a document's description is not in the document.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its symbol.
    pub symbol: String,
    /// When it was imported.
    pub created: Timestamp,
    /// The baseline.
    pub baseline: api::Baseline,
}

/// What everything that is read of a document depends on, but for who is connected to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Changes, durable or not.
    pub changes: usize,
    /// Durable ones.
    pub durable: u32,
    /// Entries of the ledger.
    pub entries: u64,
}

impl Hub {
    /// What everything else here depends on.
    pub fn state(&self) -> State {
        State { changes: self.proceedings.index.len(), durable: self.durable, entries: self.entries() }
    }

    /// The record relative to the baseline; the same one until something changes.
    pub fn record(&self) -> Arc<Record> {
        self.proceedings.record()
    }

    /// A view of the text.
    pub fn text(&self, view: &View) -> String {
        // The agreed text is the last revision, also while the chair rules on what comes next.
        match (view, self.proceedings.ledger.revisions().last()) {
            (View::Baseline, Some(revision)) => revision.text.clone(),
            _ => amendment::text(&self.record(), &self.proceedings.layout, view),
        }
    }

    /// The proposals.
    pub fn proposals(&self) -> api::Proposals {
        let record = self.record();
        api::Proposals { proposals: self.proceedings.floor().proposals(&record) }
    }

    /// The rounds.
    pub fn rounds(&self) -> api::Rounds {
        api::Rounds { rounds: self.proceedings.ledger.rounds().to_vec() }
    }

    /// The agreed texts.
    pub fn revisions(&self) -> api::Revisions {
        api::Revisions { revisions: self.proceedings.ledger.revisions().iter().map(|r| r.listed()).collect() }
    }

    /// The text of one of them.
    pub fn revision_text(&self, number: u32) -> Option<String> {
        let revisions = self.proceedings.ledger.revisions();
        revisions.iter().find(|revision| revision.number == number).map(|revision| revision.text.clone())
    }

    /// All rulings.
    pub fn rulings(&self) -> api::Rulings {
        api::Rulings { rulings: self.proceedings.ledger.rulings().to_vec() }
    }

    /// The text with some more adopted.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub fn preview(&self, new: &api::NewPreview) -> Result<api::Preview, Refusal> {
        self.proceedings.preview(&new.adopt, new.consensual)
    }

    /// What collides, and what nobody wrote.
    pub fn collisions(&self) -> api::Collisions {
        let record = self.record();
        let open = self.proceedings.floor().open(&record);
        api::Collisions {
            collisions: round::collisions(&record, &open),
            unwritten: round::unwritten(&record, &open),
        }
    }

    /// The table of proposals.
    pub fn table(&self, names: round::Names) -> api::Table {
        round::rows(&self.proposals().proposals, names)
    }

    /// The hashes of changes that came too late for the round that is closed now.
    pub fn late(&self) -> Vec<String> {
        let round = self.proceedings.ledger.round();
        let closed = round.filter(|round| round.state == api::RoundState::Closed);
        let Some(from) = closed.and_then(|round| round.closed_at_change) else { return Vec::new() };
        (from..self.durable)
            .filter_map(|number| self.proceedings.index.hash_at(ChangeIx(number)))
            .map(|hash| hash.to_string())
            .collect()
    }

    /// A change by its number in the log, as it came.
    pub fn raw(&self, number: u32) -> Option<bytes::Bytes> {
        self.log.get(number, &self.proceedings.index)
    }

    /// Who wrote every word.
    pub fn attribution(&self) -> api::Attribution {
        let record = self.record();
        self.proceedings.floor().attribution(&record)
    }

    /// The comments.
    pub fn comments(&self) -> api::Comments {
        let record = self.record();
        round::comments(&self.proceedings.floor(), &record)
    }

    /// The document in a listing.
    pub fn describe(&self, facts: &Facts) -> api::Document {
        let lines = amendment::lines(&self.record(), &View::Current);
        let title = lines.iter().find(|line| line.kind == "title").or_else(|| lines.first());
        api::Document {
            id: self.document_text.clone(),
            symbol: facts.symbol.clone(),
            title: title.map(|line| line.text.clone()).unwrap_or_default(),
            created: facts.created,
            baseline: api::Baseline {
                revision: self.proceedings.ledger.revisions().last().map_or(0, |revision| revision.number),
                heads: facts.baseline.heads.clone(),
            },
            heads: self.heads().iter().map(ToString::to_string).collect(),
            changes: u64::from(self.durable),
            provisions: lines.len() as u64,
            connections: self.peers.len() as u64,
        }
    }
}
