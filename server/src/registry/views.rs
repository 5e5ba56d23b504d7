//! What is told of documents that are not open: their views, each laid down when its document goes to rest.

use super::{Registry, RegistryError, lock};
use crate::document::{Handle, now};
use crate::storage::committer::Batch;
use crate::storage::record::{ViewRecord, key};
use crate::storage::{Reader, StorageError, Tree, Write};
use codraft_protocol::amendment::View;
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use std::collections::HashMap;
use std::sync::Arc;

/// The version of this server.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A document as a view has it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) document: api::Document,
    pub(super) text: String,
}

impl Registry {
    /// What is known of those of these documents that are not open; nothing of those whose view is out of date.
    pub(super) async fn seen(
        &self,
        ids: Vec<DocumentId>,
    ) -> Result<HashMap<DocumentId, Seen>, RegistryError> {
        let closed: Vec<_> = {
            let open = lock(&self.inner.open);
            ids.into_iter().filter(|id| !open.is_open(*id)).collect()
        };
        if closed.is_empty() {
            return Ok(HashMap::new());
        }
        let reader = Arc::clone(&self.inner.reader);
        let read = tokio::task::spawn_blocking(move || {
            let mut all = HashMap::new();
            for id in closed {
                all.extend(current(&*reader, id)?.map(|seen| (id, seen)));
            }
            Ok::<_, StorageError>(all)
        });
        read.await.map_err(|_| RegistryError::Closing)?.map_err(|e| RegistryError::Storage(Arc::new(e)))
    }

    /// Lets documents that nobody uses go to rest, as far as more than enough are open.
    pub(super) fn rest(&self) {
        let resting = {
            let mut open = lock(&self.inner.open);
            let resting = open.take_resting(self.inner.settings.open_documents);
            #[allow(clippy::cast_precision_loss, reason = "it is some thousands at most")]
            metrics::gauge!("codraft_open_documents").set(open.len() as f64);
            resting
        };
        for (id, handle) in resting {
            let registry = self.clone();
            tokio::spawn(async move {
                registry.lay_down(id, handle).await;
            });
        }
    }

    /// Lets all that are open lay down their views: the server stops.
    pub async fn rest_all(&self) {
        let open = lock(&self.inner.open).all();
        for (id, handle) in open {
            self.lay_down(id, handle).await;
        }
    }

    /// Lays down the view and a snapshot of a document that goes to rest, where it has changed. Whatever goes wrong, they
    /// are only there to be quick.
    async fn lay_down(&self, id: DocumentId, handle: Handle) {
        let reader = Arc::clone(&self.inner.reader);
        let known = tokio::task::spawn_blocking(move || current(&*reader, id));
        if matches!(known.await, Ok(Ok(Some(_)))) {
            return;
        }
        let answer = handle.ask(|hub, facts| {
            let document = hub.describe(facts);
            let view = ViewRecord {
                version: VERSION.to_owned(),
                changes: document.changes,
                entries: hub.entries(),
                // Plain data into memory.
                document: serde_json::to_vec(&document).unwrap_or_default(),
                text: hub.text(&View::Current),
            };
            (view, hub.last_snapshot())
        });
        let Some((view, snapshot)) = answer.await else { return };
        drop(handle);
        if let Some(snapshot) = snapshot {
            let snapshots = self.inner.snapshots.clone();
            let written = tokio::task::spawn_blocking(move || snapshots.write(id, &snapshot));
            if let Ok(Err(error)) = written.await {
                tracing::warn!(document = %id, %error, "a snapshot could not be kept");
            }
        }
        let write = Write { tree: Tree::Views, key: key::document(&id), value: Some(view.encode()) };
        let batch = Batch { writes: vec![write], at: now(), lane: None };
        if let Ok(Err(error)) = self.inner.committer.submit(batch).await {
            tracing::debug!(document = %id, %error, "no view was laid down");
        }
    }
}

/// A document's view, where it is of the ends of its log and its ledger.
fn current(reader: &dyn Reader, id: DocumentId) -> Result<Option<Seen>, StorageError> {
    let prefix = key::document(&id);
    let Some(stored) = reader.get(Tree::Views, &prefix)? else { return Ok(None) };
    // One of another format is as good as none.
    let Ok(view) = ViewRecord::decode(&stored) else { return Ok(None) };
    let length = |tree| -> Result<u64, StorageError> {
        Ok(reader.last(tree, &prefix)?.map_or(0, |(key, _)| key::number(&key) + 1))
    };
    let is_current = view.version == VERSION
        && view.changes == length(Tree::Changes)?
        && view.entries == length(Tree::Ledger)?;
    let document = serde_json::from_slice(&view.document).ok();
    Ok(document.filter(|_| is_current).map(|document| Seen { document, text: view.text }))
}
