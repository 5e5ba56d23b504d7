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
        let taken = match self.read_and_publish(&draft, caller).await {
            Ok(taken) => taken,
            Err(why) => {
                let opened = self.ask(own, |hub, _| hub.close(false)).await;
                lock(&self.inner.drafts).give_up(own);
                return Err(opened.err().unwrap_or(why));
            }
        };
        // Only now: a draft that is closed while its words are not in the common log could never be tabled. What ends
        // the server in between leaves it open, and the log says that it is tabled.
        let closed = DraftRecord { tabled: Some(now()), ..draft };
        if let Err(why) = self.store(vec![drafts::closing(&closed)], now()).await {
            // Its words are tabled, so it takes none any more; whoever tables it again closes it for good.
            lock(&self.inner.drafts).give_up(own);
            return Err(why);
        }
        lock(&self.inner.drafts).keep(closed.clone());
        let changes = taken.ok_or(DraftError::Tabled)? as u64;
        Ok(api::Tabled { draft: drafts::listed(&closed), changes })
    }

    /// Closes a draft and publishes what it has changed, durably; answers with how many changes were taken, or nothing
    /// where it has published before.
    async fn read_and_publish(
        &self,
        draft: &DraftRecord,
        caller: &Caller,
    ) -> Result<Option<usize>, RegistryError> {
        // What is written from here on would not be in it.
        let read = |hub: &mut Hub, _: &_| {
            hub.close(true);
            hub.text(&View::Current)
        };
        let text = self.ask(draft.id, read).await?;
        let common = self.changes(draft.of).await?;
        let of = draft.clone();
        let net = tokio::task::spawn_blocking(move || drafts::net_change(&of, &text, &common, now()));
        let net = net.await.map_err(|_| RegistryError::Closing)??;
        let member = Member {
            peer: format!("draft-{}", draft.id),
            account: caller.account.clone(),
            role: caller.role,
            delegation: caller.delegation.clone(),
        };
        let handle = self.open(draft.of).await?;
        match handle.publish(member, net).await.ok_or(RegistryError::Closing)? {
            Some(0) => Err(DraftError::NotTaken.into()),
            taken => Ok(taken),
        }
    }
}
