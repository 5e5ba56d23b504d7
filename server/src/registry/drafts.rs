//! Private drafts: what [`crate::drafts`] decides, asked of the documents, stored and answered.

use super::{Registry, RegistryError, lock};
use crate::directory::Caller;
use crate::document::now;
use crate::drafts::{self, Beginning, DraftError};
use crate::hub::{Hub, Member};
use crate::storage::Write;
use crate::storage::committer::Batch;
use crate::storage::record::DraftRecord;
use codraft_protocol::amendment::View;
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use codraft_protocol::time::Timestamp;
use std::sync::Arc;

/// What a transaction takes of the copied log at most.
const TOGETHER: usize = 500;

impl Registry {
    /// The caller's delegation's drafts of a document.
    pub fn drafts(&self, id: DocumentId, caller: &Caller) -> api::Drafts {
        api::Drafts { drafts: lock(&self.inner.drafts).listed(id, caller) }
    }

    /// Begins a draft at the common document as it is now: a document of its own, whose proposals are what the
    /// delegation has changed since.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn begin_draft(&self, id: DocumentId, caller: &Caller) -> Result<api::Draft, RegistryError> {
        let delegation = lock(&self.inner.drafts).may_begin(id, caller)?;
        let (of, at, account) = (self.record(id)?, now(), caller.account.clone());
        let own = DocumentId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
        let begin = move |hub: &mut Hub, _: &_| Beginning::new(own, &of, hub, delegation, &account, at);
        let beginning = self.ask(id, begin).await?;
        let (reader, begun) = (Arc::clone(&self.inner.reader), beginning.clone());
        let writes = tokio::task::spawn_blocking(move || begun.writes(&*reader, TOGETHER));
        let writes = writes.await.map_err(|_| RegistryError::Closing)?;
        for together in writes.map_err(|error| RegistryError::Storage(Arc::new(error)))? {
            self.store(together, at).await?;
        }
        let answer = drafts::listed(&beginning.draft);
        // It is a draft before it is a document: nobody sees it in between.
        lock(&self.inner.drafts).keep(beginning.draft);
        lock(&self.inner.catalogue).push(beginning.document);
        tracing::info!(document = %id, account = caller.account, "began a private draft");
        Ok(answer)
    }

    async fn store(&self, writes: Vec<Write>, at: Timestamp) -> Result<(), RegistryError> {
        let stored = self.inner.committer.submit(Batch { writes, at, lane: None }).await;
        stored.map_err(|_| RegistryError::Closing)?.map_err(RegistryError::Storage)
    }

    /// Tables a draft: what its text has changed since it was begun becomes one change of the delegation in the
    /// common document. The draft is closed then.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn table_draft(&self, own: DocumentId, caller: &Caller) -> Result<api::Tabled, RegistryError> {
        let (registry, caller) = (self.clone(), caller.clone());
        // To its end, also where whoever asked for it waits no longer: a draft is not left closed and not tabled.
        let tabling = tokio::spawn(async move { registry.table_once(own, &caller).await });
        tabling.await.map_err(|_| RegistryError::Closing)?
    }

    async fn table_once(&self, own: DocumentId, caller: &Caller) -> Result<api::Tabled, RegistryError> {
        let draft = lock(&self.inner.drafts).begin_tabling(own, caller)?;
        let tabled = self.read_and_publish(draft, caller).await;
        if !matches!(tabled, Ok(_) | Err(RegistryError::Draft(DraftError::Tabled))) {
            let opened = self.ask(own, |hub, _| hub.close(false)).await;
            lock(&self.inner.drafts).give_up(own);
            opened?;
        }
        tabled
    }

    async fn read_and_publish(
        &self,
        draft: DraftRecord,
        caller: &Caller,
    ) -> Result<api::Tabled, RegistryError> {
        // What is written from here on would not be in it.
        let read = |hub: &mut Hub, _: &_| {
            hub.close(true);
            hub.text(&View::Current)
        };
        let text = self.ask(draft.id, read).await?;
        let common = self.changes(draft.of).await?;
        let (at, of) = (now(), draft.clone());
        let net = tokio::task::spawn_blocking(move || drafts::net_change(&of, &text, &common, at));
        let net = net.await.map_err(|_| RegistryError::Closing)??;
        let member = Member {
            peer: format!("draft-{}", draft.id),
            account: caller.account.clone(),
            role: caller.role,
            delegation: caller.delegation.clone(),
        };
        let handle = self.open(draft.of).await?;
        let taken = handle.publish(member, net).await.ok_or(RegistryError::Closing)?;
        if taken == Some(0) {
            return Err(DraftError::NotTaken.into());
        }
        // Only now: a draft that is closed while its words are not in the common log could never be tabled. What
        // ends the server in between leaves it open, and the log says that it is tabled.
        let closed = DraftRecord { tabled: Some(at), ..draft };
        self.store(vec![drafts::closing(&closed)], at).await?;
        lock(&self.inner.drafts).keep(closed.clone());
        let changes = taken.ok_or(DraftError::Tabled)? as u64;
        Ok(api::Tabled { draft: drafts::listed(&closed), changes })
    }
}
