//! What can be read of a document: its text in every view, its proposals, who wrote what.

use super::Hub;
use codraft_protocol::amendment::{self, Context, View};
use codraft_protocol::api;
use codraft_protocol::authorship::Record;
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

impl Hub {
    /// The record relative to the baseline; made once per state of the document.
    pub fn record(&mut self) -> Arc<Record> {
        let (index, adopted) = (&self.index, &self.adopted);
        Arc::clone(self.record.get_or_insert_with(|| Arc::new(index.record(adopted))))
    }

    /// A view of the text.
    pub fn text(&mut self, view: &View) -> String {
        amendment::text(&self.record(), &self.layout, view)
    }

    /// The proposals.
    pub fn proposals(&mut self) -> api::Proposals {
        let record = self.record();
        let saw = |later, earlier| self.index.saw(later, earlier);
        let context = Context { document: self.document, saw: &saw };
        api::Proposals { proposals: amendment::proposals(&record, &context) }
    }

    /// Who wrote every word.
    pub fn attribution(&mut self) -> api::Attribution {
        let record = self.record();
        amendment::attribution(&record, self.index.roster())
    }

    /// The document in a listing.
    pub fn describe(&mut self, facts: &Facts) -> api::Document {
        let lines = amendment::lines(&self.record(), &View::Current);
        let title = lines.iter().find(|line| line.kind == "title").or_else(|| lines.first());
        api::Document {
            id: self.document_text.clone(),
            symbol: facts.symbol.clone(),
            title: title.map(|line| line.text.clone()).unwrap_or_default(),
            created: facts.created,
            baseline: facts.baseline.clone(),
            heads: self.heads().iter().map(ToString::to_string).collect(),
            changes: u64::from(self.durable),
            provisions: lines.len() as u64,
            connections: self.peers.len() as u64,
        }
    }
}
