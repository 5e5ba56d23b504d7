//! The replica itself: the document, what of it the server has, and what the file stands for. No IO: it says
//! which [`Record`] is to be kept, and which messages are to be sent.

mod attribution;

use crate::store::{Facts, Heads, Record};
use attribution::{Attribution, Owners};
use automerge::sync::{Message, State as SyncState, SyncDoc};
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc, TextEncoding};
use bytes::Bytes;
use codraft_protocol::amendment::{self, Context, View};
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::edit::{self, EditError};
use codraft_protocol::resolution::text_form::{self, TextFormError};
use codraft_protocol::round::Proceedings;
use codraft_protocol::sync::{SyncError, SyncMessage};
use codraft_protocol::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

/// Bytes of changes in one message; the server reads frames up to 1 MiB.
const MESSAGE: usize = 768 << 10;
/// Bytes of one change; the server takes no larger one.
const CHANGE: usize = 900 << 10;

/// Why the replica cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The file is not a resolution's text.
    #[error(transparent)]
    Text(#[from] TextFormError),
    /// The document is not a resolution.
    #[error(transparent)]
    Edit(Box<EditError>),
    /// Automerge does not take what came.
    #[error("the document cannot take this in: {0}")]
    Automerge(Box<automerge::AutomergeError>),
    /// The server sent something that is no sync message.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The server sent something that is no sync message.
    #[error("the server sent a sync message that cannot be read: {0}")]
    Message(String),
    /// More at once than the server takes.
    #[error(
        "this edit is too large to be sent in one piece ({0} KB; at most 900 KB); take some of it back, sync, and add the rest afterwards"
    )]
    TooLarge(usize),
    /// The history cannot be attributed.
    #[error("the proposals cannot be derived here: {0}")]
    Attribution(String),
}

impl From<EditError> for ReplicaError {
    fn from(error: EditError) -> Self {
        Self::Edit(Box::new(error))
    }
}

impl From<automerge::AutomergeError> for ReplicaError {
    fn from(error: automerge::AutomergeError) -> Self {
        Self::Automerge(Box::new(error))
    }
}

/// The replica.
#[derive(Clone, Debug)]
pub struct Replica {
    /// In whose name edits are made; none for those who only read.
    delegation: Option<DelegationCode>,
    doc: Automerge,
    sync: SyncState,
    rendered: Vec<ChangeHash>,
    /// Set where the file was about to be replaced and nothing tells yet whether it was.
    rendering: Option<Vec<ChangeHash>>,
    acknowledged: Vec<ChangeHash>,
    acknowledged_at: Option<Timestamp>,
    refused: Option<String>,
    facts: Facts,
    /// An index that an earlier command has kept.
    kept: Option<Bytes>,
    made: Made,
}

/// What was made of the document, kept until there is another one: of 200 pages each costs a good part of a second,
/// and one command asks for the same several times.
#[derive(Clone, Debug, Default)]
struct Made {
    /// The text as it stands.
    text: OnceLock<String>,
    /// The text that was rendered, where that is another one.
    rendered: OnceLock<String>,
    /// Who did what, by the roster as it is.
    attribution: OnceLock<Attribution>,
}

/// What came of a message.
#[derive(Debug, Default)]
pub struct Received {
    /// To be kept before anything is answered.
    pub record: Option<Record>,
    /// How many changes came.
    pub changes: usize,
    /// To be sent.
    pub messages: Vec<Bytes>,
}

/// What is in the cell; made now where nothing is.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, ReplicaError>) -> Result<&T, ReplicaError> {
    match cell.get() {
        Some(made) => Ok(made),
        None => {
            let made = make()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}

fn hashes(heads: &Heads) -> Vec<ChangeHash> {
    heads.iter().copied().map(ChangeHash).collect()
}

fn heads(hashes: &[ChangeHash]) -> Heads {
    hashes.iter().map(|hash| hash.0).collect()
}

impl Replica {
    /// An empty replica.
    pub fn new(delegation: Option<DelegationCode>) -> Self {
        Self {
            delegation,
            doc: Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint),
            sync: SyncState::new(),
            rendered: Vec::new(),
            rendering: None,
            acknowledged: Vec::new(),
            acknowledged_at: None,
            refused: None,
            facts: Facts::default(),
            kept: None,
            made: Made::default(),
        }
    }

    /// Takes in a record that was kept.
    ///
    /// # Errors
    /// [`ReplicaError::Automerge`]
    pub fn apply(&mut self, record: Record) -> Result<(), ReplicaError> {
        match record {
            Record::Received(changes) => self.load(&changes)?,
            Record::Written { changes, rendered } => {
                self.load(&changes)?;
                self.renders(&rendered);
            }
            Record::Rendering(heads) => self.rendering = Some(hashes(&heads)),
            Record::Rendered(heads) => {
                self.renders(&heads);
                self.rendering = None;
            }
            Record::Acknowledged { heads, at } => {
                self.acknowledged = hashes(&heads);
                self.acknowledged_at = Some(Timestamp(at));
            }
            Record::Refused(reason) => self.refused = reason,
            Record::Facts(facts) => {
                self.facts = facts;
                // It stands where the roster says nothing else about its actors.
                if let Some(mut made) = self.made.attribution.take()
                    && made.goes_on(&self.doc, &self.facts)
                {
                    self.made.attribution = made.into();
                }
            }
        }
        Ok(())
    }

    fn renders(&mut self, heads: &Heads) {
        self.rendered = hashes(heads);
        self.made.rendered.take();
    }

    fn load(&mut self, changes: &[Vec<u8>]) -> Result<(), ReplicaError> {
        for change in changes {
            self.doc.load_incremental(change)?;
        }
        self.made = Made::default();
        Ok(())
    }

    /// Everything, in as few records as it takes.
    pub fn records(&self) -> Vec<Record> {
        let mut records = vec![
            Record::Received(vec![self.doc.save()]),
            Record::Rendered(heads(&self.rendered)),
            Record::Facts(self.facts.clone()),
        ];
        if let Some(at) = self.acknowledged_at {
            records.push(Record::Acknowledged { heads: heads(&self.acknowledged), at: at.0 });
        }
        if let Some(reason) = &self.refused {
            records.push(Record::Refused(Some(reason.clone())));
        }
        records
    }

    /// In whose name edits are made.
    pub fn delegation(&self) -> Option<&DelegationCode> {
        self.delegation.as_ref()
    }

    /// What the server knows beside the document.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Why the server refused something, if it did.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// When the server last said what it has.
    pub fn acknowledged_at(&self) -> Option<Timestamp> {
        self.acknowledged_at
    }

    /// Whether there is anything in it.
    pub fn is_empty(&self) -> bool {
        self.doc.get_heads().is_empty()
    }

    /// The heads whose text lay ready to replace the file when the last process ended.
    pub fn rendering(&self) -> Option<Heads> {
        self.rendering.as_deref().map(heads)
    }

    /// The heads whose text the file is, as far as codraft knows.
    pub fn rendered(&self) -> Heads {
        heads(&self.rendered)
    }

    /// The heads of everything.
    pub fn heads(&self) -> Heads {
        heads(&self.doc.get_heads())
    }

    fn at(&self, heads: &[ChangeHash]) -> Result<Automerge, ReplicaError> {
        if self.doc.get_heads() == heads {
            return Ok(self.doc.clone());
        }
        Ok(self.doc.fork_at(heads)?)
    }

    fn text_of(doc: &Automerge) -> Result<String, ReplicaError> {
        let (layout, lines) = (edit::layout(doc)?, edit::lines(doc)?);
        let parts =
            lines.iter().map(|line| (line.enumerator.as_str(), line.separator.as_str(), line.text.as_str()));
        Ok(text_form::write(&layout, parts))
    }

    /// The text as it stands.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn text(&self) -> Result<String, ReplicaError> {
        once(&self.made.text, || Self::text_of(&self.doc)).cloned()
    }

    /// The text that the file was, as far as codraft knows.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn rendered_text(&self) -> Result<String, ReplicaError> {
        if self.doc.get_heads() == self.rendered {
            return self.text();
        }
        once(&self.made.rendered, || Self::text_of(&self.at(&self.rendered)?)).cloned()
    }

    /// Turns an edited file into changes: what differs from the text that was rendered, and nothing else,
    /// whatever has come from others in the meantime. `None`: nothing was edited. `actor` is fresh and random.
    ///
    /// # Errors
    /// [`ReplicaError`]; nothing has changed then.
    pub fn write(&self, file: &[u8], actor: ActorId, now: Timestamp) -> Result<Option<Record>, ReplicaError> {
        let lines = text_form::parse_edited(file)?;
        let Some(delegation) = &self.delegation else { return Ok(None) };
        let mut fork = self.at(&self.rendered)?;
        edit::begin_session(&mut fork, actor, delegation);
        if edit::apply_text(&mut fork, delegation, &lines, now)?.is_none() {
            return Ok(None);
        }
        let changes: Vec<Vec<u8>> =
            fork.get_changes(&self.rendered).iter().map(|change| change.raw_bytes().to_vec()).collect();
        if let Some(large) = changes.iter().map(Vec::len).find(|size| *size > CHANGE) {
            return Err(ReplicaError::TooLarge(large >> 10));
        }
        Ok(Some(Record::Written { changes, rendered: heads(&fork.get_heads()) }))
    }

    /// Begins a conversation with the server.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn connect(&mut self) -> Result<Vec<Bytes>, ReplicaError> {
        self.sync = SyncState::new();
        self.messages()
    }

    /// What is to be said to the server now.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn messages(&mut self) -> Result<Vec<Bytes>, ReplicaError> {
        let Some(message) = self.doc.generate_sync_message(&mut self.sync) else { return Ok(Vec::new()) };
        let encoded = Bytes::from(message.encode());
        if encoded.len() <= MESSAGE {
            return Ok(vec![encoded]);
        }
        // What builds on something must not come before it.
        let order: HashMap<ChangeHash, usize> =
            self.doc.get_changes(&[]).iter().enumerate().map(|(n, change)| (change.hash(), n)).collect();
        let whole = SyncMessage::decode(&encoded)?;
        let mut changes = Vec::new();
        for chunk in &whole.changes {
            let change = Change::from_bytes(chunk.to_vec())
                .map_err(|error| ReplicaError::Message(error.to_string()))?;
            changes.push((order.get(&change.hash()).copied().unwrap_or(usize::MAX), chunk.clone()));
        }
        changes.sort_by_key(|(place, _)| *place);
        let part = |changes| SyncMessage { changes, ..whole.clone() }.encode_with_flags().into();
        let (mut messages, mut group, mut size) = (Vec::new(), Vec::new(), 0);
        for (_, chunk) in changes {
            if size + chunk.len() > MESSAGE && !group.is_empty() {
                messages.push(part(std::mem::take(&mut group)));
                size = 0;
            }
            size += chunk.len();
            group.push(chunk);
        }
        messages.push(part(group));
        Ok(messages)
    }

    /// Takes in a message of the server.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn receive(&mut self, message: &[u8], now: Timestamp) -> Result<Received, ReplicaError> {
        let message = Message::decode(message).map_err(|error| ReplicaError::Message(error.to_string()))?;
        let before = self.doc.get_heads();
        let first = before.is_empty();
        let (chunks, facts) = (message.changes.clone(), &self.facts);
        // Taking in a whole document and folding it take about as long, and neither waits for the other.
        let folded = std::thread::scope(|scope| {
            let fold = || Attribution::of_chunks(chunks.iter(), facts);
            let folding =
                if first { std::thread::Builder::new().spawn_scoped(scope, fold).ok() } else { None };
            self.doc.receive_sync_message(&mut self.sync, message)?;
            Ok::<_, ReplicaError>(folding.and_then(|folding| folding.join().ok()).flatten())
        })?;
        let mut received =
            Received { changes: self.doc.get_changes_meta(&before).len(), ..Received::default() };
        if received.changes > 0 {
            let folded = folded.or_else(|| self.made.attribution.take());
            self.made = Made::default();
            if let Some(mut folded) = folded
                && folded.goes_on(&self.doc, &self.facts)
            {
                self.made.attribution = folded.into();
            }
            // A whole document is kept in the form that loads four times as fast as its changes.
            let chunks = if first {
                vec![self.doc.save()]
            } else {
                self.doc.get_changes(&before).iter().map(|change| change.raw_bytes().to_vec()).collect()
            };
            received.record = Some(Record::Received(chunks));
        }
        let theirs = self.sync.their_heads.clone().unwrap_or_default();
        // What of it is not here yet comes with the next message.
        if self.doc.get_missing_deps(&theirs).is_empty() {
            (self.acknowledged, self.acknowledged_at) = (theirs, Some(now));
        }
        received.messages = self.messages()?;
        Ok(received)
    }

    /// Whether the server has, durably, exactly what is here. True only in a conversation.
    pub fn is_in_sync(&self) -> bool {
        let mut ours = self.doc.get_heads();
        let mut theirs = self.sync.their_heads.clone().unwrap_or_default();
        ours.sort_unstable();
        theirs.sort_unstable();
        !ours.is_empty() && ours == theirs
    }

    /// The record of what the server has said that it has.
    pub fn acknowledgement(&self) -> Record {
        Record::Acknowledged {
            heads: heads(&self.acknowledged),
            at: self.acknowledged_at.unwrap_or_default().0,
        }
    }

    /// Changes that the server has not acknowledged, in order.
    pub fn unacknowledged(&self) -> Vec<Change> {
        self.doc.get_changes(&self.acknowledged)
    }

    /// All changes, in an order in which each follows what it builds on.
    pub fn changes(&self) -> Vec<Change> {
        self.doc.get_changes(&[])
    }

    /// Whose the changes are that are not in the history of these heads, and how many of each; `None`: nothing says so.
    pub fn authors_since(&self, heads: &Heads) -> BTreeMap<Option<DelegationCode>, usize> {
        let (owners, mut authors) = (Owners::new(&self.facts, &self.doc), BTreeMap::new());
        for change in self.doc.get_changes_meta(&hashes(heads)) {
            *authors.entry(owners.of(&change.actor)).or_default() += 1;
        }
        authors
    }

    /// Whether it holds, and knows, exactly what the other one does.
    pub fn is_as(&self, other: &Self) -> bool {
        self.doc.get_heads() == other.doc.get_heads() && self.facts == other.facts
    }

    /// Whether it knows without asking whose each change is: by the roster, or by its label, which the server's gate
    /// has held against the roster.
    pub fn knows_all_authors(&self) -> bool {
        let listed: HashSet<&[u8]> = self.facts.roster.iter().map(|(actor, _)| actor.as_slice()).collect();
        let changes = self.doc.get_changes_meta(&[]);
        changes.iter().all(|change| change.author.is_some() || listed.contains(change.actor.to_bytes()))
    }

    /// Whose a change is: by the server's roster, else by its own label.
    pub fn author(&self, change: &Change) -> Option<DelegationCode> {
        Owners::new(&self.facts, &self.doc).of(change.actor_id())
    }

    fn attribution_of(&self, doc: &Automerge) -> Result<Attribution, ReplicaError> {
        Attribution::of(doc, &self.facts, self.kept.as_deref())
    }

    fn attribution(&self) -> Result<&Attribution, ReplicaError> {
        once(&self.made.attribution, || self.attribution_of(&self.doc))
    }

    /// Hands it what [`Self::to_keep`] once gave, for this document or any other: it is looked at when an index is
    /// needed, and where it does not fit, everything is made anew.
    pub fn recall(&mut self, kept: Bytes) {
        self.kept = Some(kept);
    }

    /// What is worth keeping for the next [`Self::recall`]: the attribution index, where one was made, and not from
    /// what is nearly as new.
    pub fn to_keep(&self) -> Option<Vec<u8>> {
        self.made.attribution.get()?.packed()
    }

    /// Proposals relative to the baseline, derived here.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn proposals(&self, document: DocumentId) -> Result<Vec<api::Proposal>, ReplicaError> {
        let proceedings = self.proceedings(document)?;
        Ok(proceedings.floor().proposals(&proceedings.record()))
    }

    /// The proposals of `before`, an earlier state of this replica, and those as they are now: what came in between is
    /// put on top of what was made of that state.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn proposals_since(
        &self,
        before: &Self,
        document: DocumentId,
    ) -> Result<(Vec<api::Proposal>, Vec<api::Proposal>), ReplicaError> {
        if self.facts != before.facts {
            return Ok((before.proposals(document)?, self.proposals(document)?));
        }
        let mut proceedings = before.proceedings(document)?;
        let then = proceedings.floor().proposals(&proceedings.record());
        let mut attribution = before.attribution()?.with(std::mem::take(&mut proceedings.index));
        if !attribution.goes_on(&self.doc, &self.facts) {
            return Ok((then, self.proposals(document)?));
        }
        // Its changes have their numbers, and those that came later follow.
        proceedings.index = std::mem::take(&mut attribution.index);
        let now = proceedings.floor().proposals(&proceedings.record());
        attribution.index = proceedings.index;
        let _ = self.made.attribution.set(attribution);
        Ok((then, now))
    }

    /// The comments, as far as the server has told.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn comments(&self, document: DocumentId) -> Result<api::Comments, ReplicaError> {
        let proceedings = self.proceedings(document)?;
        Ok(codraft_protocol::round::comments(&proceedings.floor(), &proceedings.record()))
    }

    /// The document with all that was decided about it, as far as the server has told.
    fn proceedings(&self, document: DocumentId) -> Result<Proceedings, ReplicaError> {
        let index = self.attribution()?.index.clone();
        let unknown = |_| ReplicaError::Attribution("the baseline is not here yet; sync first".to_owned());
        let (baseline, imported) = (hashes(&self.facts.baseline), Timestamp(self.facts.imported));
        let mut proceedings = Proceedings::new(document, index, &baseline, imported).map_err(unknown)?;
        for entry in &self.facts.ledger {
            // What was decided after the last sync may be about changes that are not here yet.
            let entry = serde_json::from_str(entry).ok();
            if entry.is_none_or(|entry| proceedings.take(&entry).is_err()) {
                break;
            }
        }
        let late = hashes(&self.facts.late);
        let late: Vec<_> = late.iter().filter_map(|hash| proceedings.index.position(hash)).collect();
        proceedings.set_late(late);
        Ok(proceedings)
    }

    /// What a file would change, as proposals relative to the text that was rendered.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn edits(
        &self,
        file: &[u8],
        document: DocumentId,
        actor: ActorId,
        now: Timestamp,
    ) -> Result<Vec<api::Proposal>, ReplicaError> {
        let written = self.write(file, actor, now)?;
        let (Some(delegation), Some(Record::Written { changes, .. })) = (&self.delegation, written) else {
            return Ok(Vec::new());
        };
        let mut index = if self.doc.get_heads() == self.rendered {
            self.attribution()?.index.clone()
        } else {
            self.attribution_of(&self.at(&self.rendered)?)?.index
        };
        let unread = |error: automerge::LoadChangeError| ReplicaError::Attribution(error.to_string());
        let changes: Result<Vec<Change>, _> =
            changes.iter().map(|change| Change::try_from(change.as_slice()).map_err(unread)).collect();
        attribution::fold(&mut index, &changes?, |_| delegation.clone())?;
        let unknown = || ReplicaError::Attribution("the baseline is not here yet; sync first".to_owned());
        let record = index.record(&index.adopted_at(&self.rendered).ok_or_else(unknown)?);
        let saw = |later, earlier| index.saw(later, earlier);
        Ok(amendment::proposals(&record, &Context { document, saw: &saw }))
    }

    /// A view of the text, made here.
    ///
    /// # Errors
    /// [`ReplicaError`]
    pub fn view(&self, view: &View) -> Result<String, ReplicaError> {
        let proceedings = self.proceedings(DocumentId::from_bytes([0; 16]))?;
        Ok(match (view, proceedings.ledger.revisions().last()) {
            (View::Baseline, Some(revision)) => revision.text.clone(),
            _ => amendment::text(&proceedings.record(), &proceedings.layout, view),
        })
    }

    /// After a refusal: a replica of what the server has (`fetched`), for which the file stands for what the
    /// server had of the text that was rendered. What was refused, and is still in the file, is then an edit
    /// anew.
    pub fn reset(&self, mut fetched: Self) -> Self {
        let theirs: HashSet<ChangeHash> = fetched.doc.get_changes(&[]).iter().map(Change::hash).collect();
        let rendered = self.doc.fork_at(&self.rendered).map(|doc| doc.get_changes(&[])).unwrap_or_default();
        let kept: Vec<&Change> = rendered.iter().filter(|change| theirs.contains(&change.hash())).collect();
        let built_on: BTreeSet<ChangeHash> =
            kept.iter().flat_map(|change| change.deps().iter().copied()).collect();
        let ends = kept.iter().map(|change| change.hash()).filter(|hash| !built_on.contains(hash));
        fetched.renders(&ends.map(|hash| hash.0).collect());
        fetched.refused = None;
        fetched
    }
}

#[cfg(test)]
mod tests;
