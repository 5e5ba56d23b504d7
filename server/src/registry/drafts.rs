//! Private drafts: a delegation's own branch of a document, which nobody else sees. Tabling it publishes the net
//! change in the common document; the keystrokes that led there stay private.

use super::loading::new_actor;
use super::{Registry, RegistryError, lock};
use crate::directory::Caller;
use crate::document::now;
use crate::hub::Member;
use crate::storage::committer::Batch;
use crate::storage::record::{ChangeRecord, DocumentRecord, DraftRecord, key};
use crate::storage::{Tree, Write};
use automerge::{Automerge, ChangeHash, TextEncoding};
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::{edit, text_form};
use std::sync::Arc;

/// What a transaction takes of the copied log at most.
const TOGETHER: usize = 500;

fn listed(record: &DraftRecord) -> api::Draft {
    api::Draft {
        id: record.id.to_string(),
        document: record.of.to_string(),
        delegation: record.delegation.clone(),
        created: record.created,
        tabled: record.tabled,
    }
}

/// Who owns a change of a document that Automerge has loaded.
fn delegation(caller: &Caller) -> Result<DelegationCode, RegistryError> {
    let own = caller.delegation.clone().filter(|code| !code.is_secretariat());
    own.ok_or(RegistryError::Draft("only delegations keep private drafts"))
}

impl Registry {
    /// The caller's delegation's drafts of a document.
    pub fn drafts(&self, id: DocumentId, caller: &Caller) -> api::Drafts {
        let drafts = lock(&self.inner.drafts);
        let own =
            drafts.values().filter(|one| one.of == id && caller.delegation.as_ref() == Some(&one.delegation));
        let mut drafts: Vec<api::Draft> = own.map(listed).collect();
        drafts.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        api::Drafts { drafts }
    }

    /// Begins a draft at the common document as it is now: a document of its own, whose proposals are what the
    /// delegation has changed since.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn begin_draft(&self, id: DocumentId, caller: &Caller) -> Result<api::Draft, RegistryError> {
        let delegation = delegation(caller)?;
        if lock(&self.inner.drafts).contains_key(&id) {
            return Err(RegistryError::Draft("a draft is begun from the common document, not from a draft"));
        }
        let of = self.record(id)?;
        let heads = self.ask(id, |hub, _| hub.heads()).await?;
        let owned = self.owned_changes(id).await?;
        let at = now();
        let own = DocumentId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
        let draft = DraftRecord {
            id: own,
            of: id,
            delegation,
            account: caller.account.clone(),
            created: at,
            began_at: heads.iter().map(|head| head.0).collect(),
            tabled: None,
        };
        let record = DocumentRecord {
            id: own,
            symbol: of.symbol,
            created: at,
            created_by: caller.account.clone(),
            baseline: heads.iter().map(|head| head.0).collect(),
            revision: 0,
        };
        let mut writes: Vec<Write> = (0_u64..)
            .zip(owned)
            .map(|(number, change)| Write {
                tree: Tree::Changes,
                key: key::numbered(&own, number),
                value: Some(change.encode()),
            })
            .collect();
        // The records come last: without them the copied log belongs to nothing.
        while writes.len() > TOGETHER {
            let rest = writes.split_off(TOGETHER);
            self.store(writes, at).await?;
            writes = rest;
        }
        let key = key::document(&own);
        writes.push(Write { tree: Tree::Drafts, key: key.clone(), value: Some(draft.encode()) });
        writes.push(Write { tree: Tree::Documents, key, value: Some(record.encode()) });
        self.store(writes, at).await?;
        let answer = listed(&draft);
        lock(&self.inner.drafts).insert(own, draft);
        lock(&self.inner.catalogue).push(record);
        tracing::info!(document = %id, account = caller.account, "began a private draft");
        Ok(answer)
    }

    async fn store(
        &self,
        writes: Vec<Write>,
        at: codraft_protocol::time::Timestamp,
    ) -> Result<(), RegistryError> {
        let stored = self.inner.committer.submit(Batch { writes, at, lane: None }).await;
        stored.map_err(|_| RegistryError::Closing)?.map_err(RegistryError::Storage)
    }

    /// The durable changes with their owners.
    async fn owned_changes(&self, id: DocumentId) -> Result<Vec<ChangeRecord>, RegistryError> {
        self.ask(id, |_, _| ()).await?;
        let reader = Arc::clone(&self.inner.reader);
        let read = tokio::task::spawn_blocking(move || {
            let changes = reader.scan(Tree::Changes, &key::document(&id));
            changes.map(|entry| Ok(ChangeRecord::decode(&entry?.1)?)).collect::<Result<Vec<_>, _>>()
        });
        let read: Result<_, crate::storage::StorageError> = read.await.map_err(|_| RegistryError::Closing)?;
        read.map_err(|error| RegistryError::Storage(Arc::new(error)))
    }

    /// Tables a draft: what its text has changed since it was begun becomes one change of the delegation in the
    /// common document. The draft is closed then.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn table_draft(&self, own: DocumentId, caller: &Caller) -> Result<api::Tabled, RegistryError> {
        let draft = lock(&self.inner.drafts).get(&own).cloned();
        let draft = draft
            .ok_or(RegistryError::Draft("this document is no draft; 'codraft draft list' lists yours"))?;
        if draft.tabled.is_some() {
            return Err(RegistryError::Draft("this draft was tabled already; begin a new one"));
        }
        let text = self.text(own, codraft_protocol::amendment::View::Current).await?;
        let common = self.changes(draft.of).await?;
        let (actor, at, code) = (new_actor()?, now(), draft.delegation.clone());
        let began_at: Vec<ChangeHash> = draft.began_at.iter().copied().map(ChangeHash).collect();
        let written = tokio::task::spawn_blocking(move || {
            let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
            let damaged = |error: automerge::AutomergeError| RegistryError::Edit(error.into());
            for raw in &common {
                doc.load_incremental(raw).map_err(damaged)?;
            }
            let mut fork = doc.fork_at(&began_at).map_err(damaged)?;
            let (_, lines) = text_form::parse(text.as_bytes())?;
            edit::begin_session(&mut fork, actor, &code);
            edit::apply_text(&mut fork, &code, &lines, at)?;
            let changes = fork.get_changes(&began_at);
            Ok::<_, RegistryError>(
                changes
                    .iter()
                    .map(|change| bytes::Bytes::copy_from_slice(change.raw_bytes()))
                    .collect::<Vec<_>>(),
            )
        });
        let changes = written.await.map_err(|_| RegistryError::Closing)??;
        if changes.is_empty() {
            return Err(RegistryError::Draft("this draft changes nothing; there is nothing to table"));
        }
        let member = Member {
            peer: format!("draft-{own}"),
            account: caller.account.clone(),
            role: caller.role,
            delegation: caller.delegation.clone(),
        };
        let handle = self.open(draft.of).await?;
        let taken = handle.submit(member, changes).await.ok_or(RegistryError::Closing)?;
        if taken == 0 {
            return Err(RegistryError::Draft(
                "the common document did not take the draft's changes; see its quarantine for the reason",
            ));
        }
        let closed = DraftRecord { tabled: Some(at), ..draft };
        let write = Write { tree: Tree::Drafts, key: key::document(&own), value: Some(closed.encode()) };
        self.store(vec![write], at).await?;
        lock(&self.inner.drafts).insert(own, closed.clone());
        Ok(api::Tabled { draft: listed(&closed), changes: taken as u64 })
    }
}
