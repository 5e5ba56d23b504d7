//! Drafts that are being begun or tabled: the registry's way to each, step by step. Anybody may come in between two
//! steps, and the server may end there.

use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_server::directory::Caller;
use codraft_server::drafts::Beginning;
use codraft_server::hub::NetChange;
use codraft_server::storage::Write;
use codraft_server::storage::record::DraftRecord;
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc;

/// How far one is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The common document is to be asked what it is now.
    Begin {
        /// What the draft's own document will be.
        id: DocumentId,
        /// Whose it will be.
        delegation: DelegationCode,
    },
    /// Its log is to be read.
    Copy(Box<Beginning>),
    /// That is to be stored, transaction by transaction.
    Store(Box<Beginning>, VecDeque<Vec<Write>>),
    /// The draft is to be asked for its text.
    Table(DraftRecord),
    /// The common document is to be asked for its log.
    Read(DraftRecord, String),
    /// What the draft has changed is to be published.
    Publish(DraftRecord, NetChange),
    /// It is published, or had been before; the draft is to be closed.
    Close(DraftRecord, Option<usize>),
    /// It is closed.
    Closed(DraftRecord, Option<usize>),
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Who asks for it.
    pub caller: Caller,
    /// How far it is.
    pub stage: Stage,
    /// Which document it waits for, if for any.
    pub waits_for: Option<DocumentId>,
    /// Whether it waits for the store.
    pub stores: bool,
}

impl Errand {
    /// One that begins.
    pub fn new(caller: Caller, stage: Stage) -> Self {
        Self { caller, stage, waits_for: None, stores: false }
    }
}

/// All that a server has under way.
#[derive(Debug)]
pub struct Errands {
    next: u64,
    all: BTreeMap<u64, Errand>,
    told: mpsc::Sender<(u64, bool)>,
    heard: mpsc::Receiver<(u64, bool)>,
}

impl Default for Errands {
    fn default() -> Self {
        let (told, heard) = mpsc::channel();
        Self { next: 0, all: BTreeMap::new(), told, heard }
    }
}

impl Errands {
    /// One more.
    pub fn begin(&mut self, errand: Errand) {
        self.all.insert(self.next, errand);
        self.next += 1;
    }

    /// Those that can go on.
    pub fn ready(&self) -> Vec<u64> {
        let ready = |errand: &Errand| errand.waits_for.is_none() && !errand.stores;
        self.all.iter().filter(|(_, errand)| ready(errand)).map(|(number, _)| *number).collect()
    }

    /// Takes one out, to go on with it or to end it.
    pub fn take(&mut self, number: u64) -> Option<Errand> {
        self.all.remove(&number)
    }

    /// Puts one back.
    pub fn put(&mut self, number: u64, errand: Errand) {
        self.all.insert(number, errand);
    }

    /// A document is closed: who waits for it is told that it is.
    pub fn closes(&mut self, document: DocumentId) {
        self.all.retain(|_, errand| errand.waits_for != Some(document));
    }

    /// What the store calls once something is stored for one, or is not.
    pub fn done(&self, number: u64) -> Box<dyn FnOnce(bool) + Send> {
        let told = self.told.clone();
        Box::new(move |ok| {
            // Who has given up does not listen.
            let _ = told.send((number, ok));
        })
    }

    /// Hears of what was stored. Who is told that it could not be gives up. Returns whether anything was heard.
    pub fn hear(&mut self) -> bool {
        let mut heard = false;
        for (number, ok) in self.heard.try_iter() {
            heard = true;
            match self.all.get_mut(&number) {
                Some(errand) if ok => errand.stores = false,
                _ => drop(self.all.remove(&number)),
            }
        }
        heard
    }
}
