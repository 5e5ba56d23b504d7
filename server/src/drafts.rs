//! Private drafts: a delegation's own branch of a document, which nobody else sees. Tabling it publishes the net
//! change in the common document; the keystrokes that led there stay private.
//!
//! Who may know of one, what it begins with, and what tabling it publishes are decided here, without clock, store or
//! task: the registry asks, stores and answers, and so does the simulation.

use crate::directory::Caller;
use crate::hub::{Hub, NetChange};
use crate::storage::record::{ChangeRecord, DocumentRecord, DraftRecord, key};
use crate::storage::{Reader, StorageError, Tree, Write};
use automerge::{ActorId, Automerge, ChangeHash, TextEncoding};
use bytes::Bytes;
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::text_form::{self, TextFormError};
use codraft_protocol::resolution::{edit, edit::EditError};
use codraft_protocol::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// Why something cannot be done with a draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// Nobody else keeps any.
    #[error("only delegations keep private drafts")]
    NoDelegation,
    /// It would be a draft's draft.
    #[error("a draft is begun from the common document, not from a draft")]
    FromDraft,
    /// There is none, or the caller may not know of it.
    #[error("this document is no draft; 'codraft draft list' lists yours")]
    NoDraft,
    /// Somebody tables it at this moment.
    #[error("this draft is being tabled at this moment; look again in a second")]
    UnderWay,
    /// It is closed.
    #[error("this draft was tabled already; begin a new one")]
    Tabled,
    /// Its text is what it was begun with.
    #[error("this draft changes nothing; there is nothing to table")]
    Nothing,
    /// The gate has refused it.
    #[error("the common document did not take the draft's changes; see its quarantine for the reason")]
    NotTaken,
    /// Its text is none that a document can have.
    #[error(transparent)]
    Text(#[from] TextFormError),
    /// The common document cannot be written in.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// All drafts of a store, by the id of their own document.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    all: HashMap<DocumentId, DraftRecord>,
    /// Those that are being tabled: each once at a time, since they take nothing meanwhile.
    under_way: HashSet<DocumentId>,
}

impl Drafts {
    /// Those that are stored.
    ///
    /// # Errors
    /// [`StorageError`]
    pub fn read(reader: &dyn Reader) -> Result<Self, StorageError> {
        let mut drafts = Self::default();
        for entry in reader.scan(Tree::Drafts, &[]) {
            drafts.keep(DraftRecord::decode(&entry?.1)?);
        }
        Ok(drafts)
    }

    /// Notes one that is stored, or what has become of it.
    pub fn keep(&mut self, draft: DraftRecord) {
        self.under_way.remove(&draft.id);
        self.all.insert(draft.id, draft);
    }

    /// Whether a document is a draft.
    pub fn is_draft(&self, id: DocumentId) -> bool {
        self.all.contains_key(&id)
    }

    /// Whether a caller may know of a document: a draft is its delegation's, every other one is everybody's.
    pub fn is_visible(&self, caller: &Caller, id: DocumentId) -> bool {
        self.all.get(&id).is_none_or(|draft| caller.delegation.as_ref() == Some(&draft.delegation))
    }

    /// The caller's delegation's drafts of a document, the oldest first.
    pub fn listed(&self, of: DocumentId, caller: &Caller) -> Vec<api::Draft> {
        let own = self.all.values().filter(|one| one.of == of && self.is_visible(caller, one.id));
        let mut drafts: Vec<api::Draft> = own.map(listed).collect();
        drafts.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        drafts
    }

    /// In whose name a caller may begin a draft of a document.
    ///
    /// # Errors
    /// [`DraftError::NoDelegation`], [`DraftError::FromDraft`]
    pub fn may_begin(&self, of: DocumentId, caller: &Caller) -> Result<DelegationCode, DraftError> {
        let own = caller.delegation.clone().filter(|code| !code.is_secretariat());
        let own = own.ok_or(DraftError::NoDelegation)?;
        if self.is_draft(of) { Err(DraftError::FromDraft) } else { Ok(own) }
    }

    /// The draft that a caller may table, which is under way from then on: until it is kept as tabled, or given up.
    ///
    /// # Errors
    /// [`DraftError::NoDraft`], [`DraftError::Tabled`], [`DraftError::UnderWay`]
    pub fn begin_tabling(&mut self, id: DocumentId, caller: &Caller) -> Result<DraftRecord, DraftError> {
        let draft = self.all.get(&id).filter(|_| self.is_visible(caller, id)).ok_or(DraftError::NoDraft)?;
        match draft.tabled {
            Some(_) => Err(DraftError::Tabled),
            None if !self.under_way.insert(id) => Err(DraftError::UnderWay),
            None => Ok(draft.clone()),
        }
    }

    /// A draft that was under way is not tabled after all.
    pub fn give_up(&mut self, id: DocumentId) {
        self.under_way.remove(&id);
    }
}

/// A draft in a listing.
pub fn listed(draft: &DraftRecord) -> api::Draft {
    api::Draft {
        id: draft.id.to_string(),
        document: draft.of.to_string(),
        delegation: draft.delegation.clone(),
        created: draft.created,
        tabled: draft.tabled,
    }
}

/// What has to be stored for a draft to be there.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The draft.
    pub draft: DraftRecord,
    /// Its own document, whose baseline is the common one as it was.
    pub document: DocumentRecord,
    /// How many changes of the common log are its own log's first: those that the baseline is made of. What is
    /// stored behind them came later, and is nothing that the draft's delegation has seen.
    pub changes: u32,
}

impl Beginning {
    /// A draft of a common document, all of which is durable, as it is now. `id`: random, and never used before.
    pub fn new(
        id: DocumentId,
        of: &DocumentRecord,
        common: &Hub,
        delegation: DelegationCode,
        account: &str,
        at: Timestamp,
    ) -> Self {
        let heads: Vec<[u8; 32]> = common.heads().iter().map(|head| head.0).collect();
        let draft = DraftRecord {
            id,
            of: of.id,
            delegation,
            account: account.to_owned(),
            created: at,
            began_at: heads.clone(),
            tabled: None,
        };
        let document = DocumentRecord {
            id,
            symbol: of.symbol.clone(),
            created: at,
            created_by: account.to_owned(),
            baseline: heads,
            revision: 0,
        };
        Self { draft, document, changes: common.durable() }
    }

    /// What is stored, `together` copied changes a transaction at most, in this order: the records come last, both at
    /// once, since without them the copied log belongs to nothing.
    ///
    /// # Errors
    /// The common log cannot be read.
    pub fn writes(&self, reader: &dyn Reader, together: usize) -> Result<Vec<Vec<Write>>, StorageError> {
        let (mut all, mut writes) = (Vec::new(), Vec::new());
        let log = reader.scan(Tree::Changes, &key::document(&self.draft.of)).take(self.changes as usize);
        for (number, entry) in (0..).zip(log) {
            // Read, so that nothing damaged is copied.
            let value = ChangeRecord::decode(&entry?.1)?.encode();
            if writes.len() >= together {
                all.push(std::mem::take(&mut writes));
            }
            let key = key::numbered(&self.draft.id, number);
            writes.push(Write { tree: Tree::Changes, key, value: Some(value) });
        }
        let key = key::document(&self.draft.id);
        writes.push(Write { tree: Tree::Drafts, key: key.clone(), value: Some(self.draft.encode()) });
        writes.push(Write { tree: Tree::Documents, key, value: Some(self.document.encode()) });
        all.push(writes);
        Ok(all)
    }
}

/// What a draft whose text is this has changed since it was begun, as a change of its delegation on what the common
/// document was then. `common`: the log, at least as far as that.
///
/// # Errors
/// [`DraftError::Nothing`], [`DraftError::Text`], [`DraftError::Edit`]
pub fn net_change(
    draft: &DraftRecord,
    text: &str,
    common: &[Bytes],
    at: Timestamp,
) -> Result<NetChange, DraftError> {
    let began_at: Vec<ChangeHash> = draft.began_at.iter().copied().map(ChangeHash).collect();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    for raw in common {
        doc.load_incremental(raw).map_err(EditError::from)?;
    }
    let mut doc = doc.fork_at(&began_at).map_err(EditError::from)?;
    let (_, lines) = text_form::parse(text.as_bytes())?;
    let actor = ActorId::from(*draft.id.as_bytes());
    edit::begin_session(&mut doc, actor.clone(), &draft.delegation);
    edit::apply_text(&mut doc, &draft.delegation, &lines, at)?;
    let changes = doc.get_changes(&began_at);
    if changes.is_empty() {
        return Err(DraftError::Nothing);
    }
    let changes = changes.iter().map(|change| Bytes::copy_from_slice(change.raw_bytes())).collect();
    Ok(NetChange { actor, changes })
}

/// What is stored once a draft is tabled.
pub fn closing(draft: &DraftRecord) -> Write {
    Write { tree: Tree::Drafts, key: key::document(&draft.id), value: Some(draft.encode()) }
}
