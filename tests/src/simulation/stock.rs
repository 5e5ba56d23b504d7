//! A stock client: Automerge and its own sync, counting in UTF-16 as browsers do, stored now and then as a whole.

use super::Violation;
use super::copy::WORDS;
use super::truth::Truth;
use automerge::sync::{Message, State, SyncDoc};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, Automerge, ChangeHash, LoadOptions, ObjId, ObjType, ROOT, ReadDoc, TextEncoding, Value,
};
use bytes::Bytes;
use codraft_protocol::id::DelegationCode;
use codraft_protocol::resolution::edit::begin_session;
use codraft_protocol::time::Timestamp;
use rand::Rng as _;
use rand::rngs::StdRng;

/// A stock client. `saved` outlives its process.
#[derive(Debug)]
pub struct Stock {
    /// In whose name its changes are labelled.
    pub code: DelegationCode,
    /// What it has.
    pub doc: Automerge,
    state: State,
    saved: Vec<u8>,
    /// Whether its process runs.
    pub alive: bool,
    /// Whether this start of it has an actor.
    begun: bool,
    /// Why everything that it writes from now on is to be refused, if it is.
    pub spoilt: Option<&'static str>,
    /// Why everything that it ever writes is.
    barred: Option<&'static str>,
}

fn empty() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::Utf16CodeUnit)
}

impl Stock {
    /// A new one; `barred` for one that may only read.
    pub fn new(code: DelegationCode, barred: Option<&'static str>) -> Self {
        let (doc, state, saved) = (empty(), State::new(), Vec::new());
        Self { code, doc, state, saved, alive: true, begun: false, spoilt: barred, barred }
    }

    /// A fresh actor, as every start of the program takes one. Automerge forgets the label where it loads into
    /// an empty document, so this is done before the first edit.
    fn begin(&mut self, rng: &mut StdRng) {
        if !self.begun {
            begin_session(&mut self.doc, ActorId::from(rng.random::<[u8; 16]>()), &self.code);
            if self.barred.is_some() {
                // Nor does whoever may not write say who it is.
                self.doc.set_author(None);
                self.doc.set_actor(ActorId::from(rng.random::<[u8; 16]>()));
            }
            self.begun = true;
        }
    }

    /// Stores the whole document.
    pub fn save(&mut self) {
        self.saved = self.doc.save();
    }

    /// The process ends.
    pub fn crash(&mut self) {
        self.alive = false;
    }

    /// The process starts with what was stored.
    pub fn boot(&mut self, truth: &Truth) {
        let options = LoadOptions::new().text_encoding(TextEncoding::Utf16CodeUnit);
        self.doc = if self.saved.is_empty() {
            empty()
        } else {
            Automerge::load_with_options(&self.saved, options).expect("what was saved loads")
        };
        self.alive = true;
        let bad = |hash: &ChangeHash| truth.of(hash).and_then(|origin| origin.bad);
        self.spoilt = self.barred.or_else(|| self.hashes().iter().find_map(bad));
        self.begun = false;
    }

    /// Throws its copy away and starts anew.
    pub fn reset(&mut self) {
        (self.doc, self.saved, self.spoilt, self.begun) = (empty(), Vec::new(), self.barred, false);
    }

    /// Begins a conversation.
    pub fn connect(&mut self, rng: &mut StdRng) -> Vec<Bytes> {
        // automerge-repo keeps the sync state of a server that it knows.
        self.state = match rng.random_bool(0.5) {
            true => State::decode(&self.state.encode()).expect("its own state"),
            false => State::new(),
        };
        // After a crash it may know less than it did.
        if self.state.shared_heads.iter().any(|hash| self.doc.get_change_by_hash(hash).is_none()) {
            self.state = State::new();
        }
        self.messages()
    }

    /// Begins the conversation anew, on the connection that it has.
    pub fn begin_anew(&mut self) -> Vec<Bytes> {
        self.state = State::new();
        self.messages()
    }

    /// The server's heads, as it has last heard of them, ascending.
    pub fn heard(&self) -> Vec<ChangeHash> {
        let mut heads = self.state.their_heads.clone().unwrap_or_default();
        heads.sort_unstable();
        heads
    }

    /// What it has to say.
    pub fn messages(&mut self) -> Vec<Bytes> {
        self.doc.generate_sync_message(&mut self.state).map(|m| m.encode().into()).into_iter().collect()
    }

    /// Takes in a message, and answers.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn receive(&mut self, data: &[u8]) -> Result<Vec<Bytes>, Violation> {
        let bad = |what: String| {
            Violation::new("client", format!("a stock client cannot take a message in: {what}"))
        };
        let message = Message::decode(data).map_err(|error| bad(error.to_string()))?;
        self.doc.receive_sync_message(&mut self.state, message).map_err(|error| bad(error.to_string()))?;
        Ok(self.messages())
    }

    /// Its list of provisions, once it has one.
    pub fn list(&self) -> Option<ObjId> {
        list(&self.doc)
    }

    /// One edit. Returns whether anything was written.
    pub fn edit(&mut self, rng: &mut StdRng, now: Timestamp, truth: &mut Truth) -> bool {
        if self.list().is_none() || !self.alive {
            return false;
        }
        self.begin(rng);
        let clumsy = self.spoilt.is_none() && rng.random_bool(0.02);
        if clumsy {
            self.spoilt = Some("it has a line break");
        }
        let (before, code) = (self.doc.get_heads(), self.code.clone());
        write(&mut self.doc, &code, rng, now, clumsy);
        for change in self.doc.get_changes(&before) {
            truth.wrote(&code, change.hash(), self.spoilt);
        }
        self.doc.get_heads() != before
    }

    /// Everything it holds.
    pub fn hashes(&self) -> Vec<ChangeHash> {
        self.doc.get_changes(&[]).iter().map(automerge::Change::hash).collect()
    }
}

/// The list of provisions of a document.
pub fn list(doc: &impl ReadDoc) -> Option<ObjId> {
    match doc.get(ROOT, "provisions") {
        Ok(Some((Value::Object(ObjType::List), list))) => Some(list),
        _ => None,
    }
}

/// Writes one random change into a document.
pub fn write(doc: &mut Automerge, code: &DelegationCode, rng: &mut StdRng, now: Timestamp, clumsy: bool) {
    let Some(list) = list(doc) else { return };
    let encoding = doc.text_encoding();
    let units = move |text: &str| match encoding {
        TextEncoding::Utf16CodeUnit => text.encode_utf16().count(),
        _ => text.chars().count(),
    };
    let mut tx = doc.transaction();
    let n = tx.length(&list);
    let pick = rng.random_range(0..20);
    if n == 0 || pick == 0 {
        let map = tx.insert_object(&list, rng.random_range(0..=n), ObjType::Map).unwrap();
        tx.put(&map, "kind", "paragraph").unwrap();
        tx.put(&map, "part", "operative").unwrap();
        tx.put(&map, "level", 1).unwrap();
        tx.put(&map, "enumerator", ["3", "8"][rng.random_range(0..2)]).unwrap();
        if rng.random_bool(0.7) {
            tx.put_object(&map, "suppressed", ObjType::Map).unwrap();
        }
        let text = tx.put_object(&map, "text", ObjType::Text).unwrap();
        tx.splice_text(&text, 0, 0, ["to report back;", "to 🙂 go"][rng.random_range(0..2)]).unwrap();
    } else if pick == 1 && n > 2 {
        tx.delete(&list, rng.random_range(0..n)).unwrap();
    } else {
        let at = rng.random_range(0..n);
        let Some((_, map)) = tx.get(&list, at).unwrap() else { return };
        match pick {
            2 => tx.put(&map, "enumerator", format!("{})", rng.random_range(1..4))).unwrap(),
            3 => {
                let entries = match tx.get(&map, "suppressed").unwrap() {
                    Some((_, entries)) => entries,
                    None => tx.put_object(&map, "suppressed", ObjType::Map).unwrap(),
                };
                match tx.get(&entries, code.as_str()).unwrap() {
                    Some(_) => tx.delete(&entries, code.as_str()).unwrap(),
                    None => tx.put(&entries, code.as_str(), true).unwrap(),
                }
            }
            _ => {
                let Some((_, text)) = tx.get(&map, "text").unwrap() else { return };
                words(&mut tx, &text, rng, &units);
            }
        }
    }
    if clumsy {
        let Some((_, map)) = tx.get(&list, 0).unwrap() else { return };
        let Some((_, text)) = tx.get(&map, "text").unwrap() else { return };
        tx.splice_text(&text, 0, 0, "\n").unwrap();
    }
    tx.commit_with(CommitOptions::default().with_time(now.0 / 1000));
}

/// Changes words or characters of one text.
fn words(
    tx: &mut automerge::transaction::Transaction<'_>,
    text: &ObjId,
    rng: &mut StdRng,
    units: &dyn Fn(&str) -> usize,
) {
    let now = tx.text(text).unwrap();
    let chars: Vec<char> = now.chars().collect();
    let prefix = |n: usize| units(&chars[..n].iter().collect::<String>());
    let whole_words = rng.random_bool(0.5);
    let (start, end) = if whole_words {
        let spaces: Vec<usize> = (0..chars.len()).filter(|at| chars[*at] == ' ').collect();
        if spaces.is_empty() {
            (chars.len(), chars.len())
        } else {
            let first = rng.random_range(0..spaces.len());
            (spaces[first] + 1, spaces.get(first + 1).copied().unwrap_or(chars.len()))
        }
    } else {
        let start = rng.random_range(0..=chars.len());
        (start, rng.random_range(start..=chars.len().min(start + 4)))
    };
    let new = match rng.random_range(0..4) {
        0 => "",
        _ => WORDS[rng.random_range(0..if whole_words { 3 } else { WORDS.len() })],
    };
    let cut = isize::try_from(prefix(end) - prefix(start)).unwrap();
    tx.splice_text(text, prefix(end), 0, new).unwrap();
    tx.splice_text(text, prefix(start), cut, "").unwrap();
}
