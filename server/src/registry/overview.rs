//! Everything that is shown of a document, for all who look at it at once.

use super::{Registry, RegistryError};
use crate::document::Handle;
use crate::overview::{Editions, Form, Shown};
use bytes::Bytes;
use codraft_protocol::id::DocumentId;
use std::time::Instant;

impl Registry {
    /// An [`Overview`](codraft_protocol::api::Overview) of it, as JSON: of what has changed since an edition, where that
    /// is known.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn overview(
        &self,
        id: DocumentId,
        since: Option<&str>,
        form: Form,
    ) -> Result<Bytes, RegistryError> {
        let asked = Instant::now();
        let handle = self.open(id).await?;
        let mut editions = handle.editions().await;
        // All who waited while one looked need not look themselves.
        if !editions.looked_since(asked) {
            let looking = Instant::now();
            self.renew(id, &handle, &mut editions).await?;
            editions.looked(looking);
        }
        let answer = editions.answer(since, form);
        let answer = answer.map_err(|error| RegistryError::Encoding(error.to_string()))?;
        answer.ok_or(RegistryError::Closing)
    }

    /// Makes a new edition, where the newest is not of the document's state.
    async fn renew(
        &self,
        id: DocumentId,
        handle: &Handle,
        editions: &mut Editions,
    ) -> Result<(), RegistryError> {
        let state = handle.ask(|hub, _| hub.state()).await.ok_or(RegistryError::Closing)?;
        let on_record = self.inner.committer.takes_writes();
        if !editions.are_of(state, on_record) {
            if on_record {
                self.put_on_record(id).await?;
            }
            let shown = handle.ask(move |hub, facts| Shown {
                state: hub.state(),
                on_record,
                document: hub.describe(facts),
                attribution: hub.attribution(),
                proposals: hub.proposals().proposals,
                rounds: hub.rounds().rounds,
                comments: hub.comments().comments,
            });
            let mut shown = shown.await.ok_or(RegistryError::Closing)?;
            self.mark_draft(id, &mut shown.proposals);
            editions.publish(shown).map_err(|error| RegistryError::Encoding(error.to_string()))?;
        }
        Ok(())
    }
}
