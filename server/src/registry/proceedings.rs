//! Rounds, rulings, sponsors, and the trail of all of it.

use super::{Registry, RegistryError, lock};
use crate::directory::Caller;
use crate::document::Ends;
use crate::hub::Hub;
use crate::storage::record::{ChangeRecord, key, ledger};
use crate::storage::{Reader, StorageError, Tree};
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use codraft_protocol::round::audit::{Audit, Event, Moment};
use codraft_protocol::round::{self, Command, Entry, Refusal};
use std::sync::Arc;

/// The ledger as replicas take it in.
#[derive(Clone, Debug, serde::Serialize)]
pub struct LedgerListing {
    /// All entries, in order.
    pub entries: Vec<Entry>,
    /// Changes that came too late for the round that is closed now.
    pub late: Vec<String>,
}

impl Registry {
    /// Has something decided; answers with the number of its entry once it is durable.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn act(
        &self,
        id: DocumentId,
        command: Command,
        by: api::By,
    ) -> Result<Option<u64>, RegistryError> {
        let outcome = self.open(id).await?.act(command, by).await.ok_or(RegistryError::Closing)?;
        Ok(outcome?)
    }

    /// Its proposals, each with its number: what has none is put on record first, where the store takes writes.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn proposals(&self, id: DocumentId) -> Result<api::Proposals, RegistryError> {
        if self.inner.committer.takes_writes() {
            self.put_on_record(id).await?;
        }
        let mut proposals = self.ask(id, |hub, _| hub.proposals()).await?;
        self.mark_draft(id, &mut proposals.proposals);
        Ok(proposals)
    }

    /// Gives each of its proposals a number that has none.
    pub(super) async fn put_on_record(&self, id: DocumentId) -> Result<(), RegistryError> {
        let server = api::By { account: String::new(), role: None, delegation: None };
        self.act(id, Command::Number, server).await.map(drop)
    }

    /// Proposals of a draft are not tabled.
    pub(super) fn mark_draft(&self, id: DocumentId, proposals: &mut [api::Proposal]) {
        if lock(&self.inner.drafts).is_draft(id) {
            proposals.iter_mut().for_each(|one| one.status = api::Status::Draft);
        }
    }

    /// Its comments.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn comments(&self, id: DocumentId) -> Result<api::Comments, RegistryError> {
        self.ask(id, |hub, _| hub.comments()).await
    }

    /// The comment that is meant, which is there.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn comment(
        &self,
        id: DocumentId,
        meant: impl Fn(&api::Comment) -> bool,
    ) -> Result<api::Comment, RegistryError> {
        let found = self.comments(id).await?.comments.into_iter().find(meant);
        found.ok_or(RegistryError::Closing)
    }

    /// Its rounds.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn rounds(&self, id: DocumentId) -> Result<api::Rounds, RegistryError> {
        self.ask(id, |hub, _| hub.rounds()).await
    }

    /// Its agreed texts.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn revisions(&self, id: DocumentId) -> Result<api::Revisions, RegistryError> {
        self.ask(id, |hub, _| hub.revisions()).await
    }

    /// One of them, byte for byte.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn revision(&self, id: DocumentId, number: u32) -> Result<String, RegistryError> {
        let text = self.ask(id, move |hub, _| hub.revision_text(number)).await?;
        text.ok_or(RegistryError::NoSuchRevision(number))
    }

    /// All rulings.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn rulings(&self, id: DocumentId) -> Result<api::Rulings, RegistryError> {
        self.ask(id, |hub, _| hub.rulings()).await
    }

    /// The text with some more adopted.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn preview(&self, id: DocumentId, new: api::NewPreview) -> Result<api::Preview, RegistryError> {
        Ok(self.ask(id, move |hub, _| hub.preview(&new)).await??)
    }

    /// What collides, and what nobody wrote.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn collisions(&self, id: DocumentId) -> Result<api::Collisions, RegistryError> {
        self.ask(id, |hub, _| hub.collisions()).await
    }

    /// The table of proposals, and the document's title.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn table(
        &self,
        id: DocumentId,
        names: round::Names,
    ) -> Result<(api::Table, String), RegistryError> {
        self.proposals(id).await?;
        self.ask(id, move |hub, facts| (hub.table(names), hub.describe(facts).title)).await
    }

    /// All entries of its ledger, as replicas take them in.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn ledger(&self, id: DocumentId) -> Result<LedgerListing, RegistryError> {
        let (late, ends) = self.ask(id, |hub, _| (hub.late(), Ends::of(hub))).await?;
        let reader = Arc::clone(&self.inner.reader);
        let entries = tokio::task::spawn_blocking(move || entries(&*reader, id, ends));
        let entries = entries.await.map_err(|_| RegistryError::Closing)?;
        Ok(LedgerListing { entries: entries.map_err(|e| RegistryError::Storage(Arc::new(e)))?, late })
    }

    /// Its whole trail.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn audit(&self, id: DocumentId) -> Result<Audit, RegistryError> {
        let record = self.record(id)?;
        // What is under way is durable before the trail is read.
        let ends = self.ask(id, |hub, _| Ends::of(hub)).await?;
        let reader = Arc::clone(&self.inner.reader);
        let trail = tokio::task::spawn_blocking(move || {
            let entries = entries(&*reader, id, ends)?;
            let mut changes = Vec::new();
            for entry in reader.scan(Tree::Changes, &key::document(&id)).take(ends.changes as usize) {
                let change = ChangeRecord::decode(&entry?.1)?;
                let parsed = automerge::Change::from_bytes(change.raw.clone());
                changes.push(Event::Change {
                    change: parsed.map(|one| one.hash().to_string()).unwrap_or_default(),
                    received: change.received,
                    account: change.account,
                    delegation: change.delegation,
                    raw: hex::encode(&change.raw),
                });
            }
            let baseline: Vec<_> = record.baseline.iter().copied().map(automerge::ChangeHash).collect();
            Ok::<_, StorageError>(Audit::new(id, record.symbol, record.created, &baseline, changes, entries))
        });
        trail.await.map_err(|_| RegistryError::Closing)?.map_err(|e| RegistryError::Storage(Arc::new(e)))
    }

    /// The document as it was at a moment.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn replay(&self, id: DocumentId, moment: Moment) -> Result<api::Replay, RegistryError> {
        let audit = self.audit(id).await?;
        let replay = tokio::task::spawn_blocking(move || {
            let then = audit.replay(&moment)?;
            let record = then.record();
            let view = codraft_protocol::amendment::View::Current;
            Ok::<_, RegistryError>(api::Replay {
                changes: then.index.len() as u64,
                entries: then.ledger.entries(),
                text: codraft_protocol::amendment::text(&record, &then.layout, &view),
                proposals: then.floor().proposals(&record),
            })
        });
        replay.await.map_err(|_| RegistryError::Closing)?
    }

    /// Whether a caller may know of a document: a ticket opens one only, a private draft is its delegation's.
    pub fn is_visible(&self, caller: &Caller, id: DocumentId) -> bool {
        let ticket = caller.document.is_none_or(|only| only == id);
        ticket && lock(&self.inner.drafts).is_visible(caller, id)
    }

    /// One proposal, by number or id.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn proposal(&self, id: DocumentId, name: &str) -> Result<api::Proposal, RegistryError> {
        let number = name.parse::<round::Number>().ok().map(|number| number.to_string());
        let all = self.proposals(id).await?.proposals;
        let found =
            all.into_iter().find(|one| one.id.0 == name || (number.is_some() && one.number == number));
        found.ok_or_else(|| Refusal::UnknownProposal(name.chars().take(64).collect()).into())
    }

    /// The hashes and bytes of all durable changes, in order.
    pub(super) async fn changes(&self, id: DocumentId) -> Result<Vec<bytes::Bytes>, RegistryError> {
        let all = |hub: &mut Hub, _: &_| (0..hub.durable()).filter_map(|number| hub.raw(number)).collect();
        self.open(id).await?.ask_raw(all).await.ok_or(RegistryError::Closing)
    }
}

/// The entries up to these ends: what is stored beyond them may not be durable yet.
fn entries(reader: &dyn Reader, id: DocumentId, ends: Ends) -> Result<Vec<Entry>, StorageError> {
    let most = usize::try_from(ends.entries).unwrap_or(usize::MAX);
    let mut entries = Vec::new();
    for entry in reader.scan(Tree::Ledger, &key::document(&id)).take(most) {
        entries.push(ledger::decode(&entry?.1)?);
    }
    Ok(entries)
}
