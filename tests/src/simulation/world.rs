//! Everything there is in a run, and what each kind of step does to it.

mod acting;
mod drafting;
mod ending;
mod happening;
mod performing;

use super::client::{Client, Program};
use super::copy::Copy;
use super::disk::{Disk, DiskStorage};
use super::laws::{self, Founding};
use super::server::{Open, Server};
use super::stock::Stock;
use super::truth::Truth;
use super::{Step, Tally, Violation};
use automerge::{ActorId, Automerge, ChangeHash, TextEncoding};
use bytes::Bytes;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::time::Timestamp;
use codraft_server::hub::{ConnectionId, Member};
use codraft_server::registry::Snapshots;
use codraft_server::storage::record::{ChangeRecord, DocumentRecord, key};
use codraft_server::storage::{Storage as _, Tree, Write};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const BASE: &str = "Resolution 7 (🙂)\nThe Conference,\nrecalling\na)\tthe é and 漢字 of words,\nresolves\n1\tto act at once on this matter;\n2\tto invite all members;\n";

/// What a client has sent.
#[derive(Clone, Debug)]
enum Up {
    Sync(Bytes),
    Whisper { session: String, count: u64, data: Bytes },
    Bye,
}

/// What the server has sent.
#[derive(Clone, Debug)]
enum Down {
    Frame(Bytes),
    Tell(String),
    /// The connection ends; with a close code, or without a word.
    Close(Option<u16>),
}

/// One websocket: ordered in each direction.
#[derive(Debug)]
struct Connection {
    client: usize,
    document: DocumentId,
    member: Member,
    up: VecDeque<Up>,
    down: VecDeque<Down>,
    /// What the server has refused on it and has not told yet, event by event; without a hash where it is no change.
    refused: VecDeque<(u64, Vec<Option<ChangeHash>>)>,
    /// Whether what was refused before came on it again.
    repeats: bool,
    /// The hub knows of it.
    opened: bool,
    /// The server holds its end.
    server_open: bool,
    /// It is dead, and the server has not noticed.
    lost: bool,
}

impl Connection {
    /// One that nothing has gone over yet.
    fn new(client: usize, document: DocumentId, member: Member) -> Self {
        Self {
            client,
            document,
            member,
            up: VecDeque::new(),
            down: VecDeque::new(),
            refused: VecDeque::new(),
            repeats: false,
            opened: false,
            server_open: true,
            lost: false,
        }
    }
}

/// When and how the server is to end.
#[derive(Clone, Copy, Debug)]
struct Doom {
    /// At this many effects from now.
    after: u32,
    power: bool,
}

/// What is known of a document, whatever becomes of the server.
#[derive(Debug)]
struct Papers {
    founding: Founding,
    /// Changes that the server has acknowledged or relayed.
    promised: BTreeSet<ChangeHash>,
    /// Entries that hubs have made and that are not lost, as they are to be stored.
    entered: BTreeMap<u64, Vec<u8>>,
    /// Entries that somebody was told of, likewise.
    answered: BTreeMap<u64, Vec<u8>>,
    /// Changes that are refused, as far as this process of the server knows.
    refused: BTreeSet<ChangeHash>,
    /// Of a draft: what is known of that.
    draft: Option<Draft>,
}

/// What is known of a draft.
#[derive(Debug)]
struct Draft {
    /// Changes that were made of it for the common document: at most one of them may ever stand in it.
    made: BTreeSet<ChangeHash>,
    /// Its text as it was read to be tabled last: from then on it may refuse what is written in it.
    read: Option<String>,
    /// Whether somebody was told that it is tabled.
    tabled: bool,
}

/// The world.
pub struct World {
    now: Timestamp,
    disk: Disk,
    snapshots: Snapshots,
    /// The common document.
    common: DocumentId,
    documents: BTreeMap<DocumentId, Papers>,
    /// Who has begun drafts, by their ids.
    begun: BTreeMap<DocumentId, DelegationCode>,
    server: Option<Server>,
    clients: Vec<Client>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    /// Connections that the server has closed, and whose tasks have not ended yet.
    closings: Vec<(DocumentId, ConnectionId)>,
    doom: Option<Doom>,
    truth: Truth,
    /// Where the actors of the server's own hand come from.
    hands: StdRng,
    /// Events that hubs have handled.
    events: u64,
    /// Presence messages: how often each connection got each.
    whispers: BTreeMap<(String, u64, u64), u32>,
    whispered: u64,
    tally: Tally,
    /// The server has found that acknowledged changes are missing, and refuses to serve.
    closed: bool,
    told: bool,
    story: Vec<String>,
}

fn code(code: &str) -> DelegationCode {
    code.parse().expect("a code")
}

/// A document as the secretariat imports it, in a store of its own.
fn found(disk: &Disk) -> Founding {
    let (layout, lines) = text_form::parse(BASE.as_bytes()).expect("a resolution");
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    doc.set_actor(ActorId::from([1_u8; 16]));
    let hash = edit::create(&mut doc, "S/1", &layout, &lines, Timestamp(0)).expect("a document");
    let id = DocumentId::from_bytes([7; 16]);
    let record = DocumentRecord {
        id,
        symbol: "S/1".to_owned(),
        created: Timestamp(0),
        created_by: "secretariat".to_owned(),
        baseline: vec![hash.0],
        revision: 0,
    };
    let first = ChangeRecord {
        received: Timestamp(0),
        account: "secretariat".to_owned(),
        delegation: DelegationCode::secretariat(),
        raw: doc.get_changes(&[])[0].raw_bytes().to_vec(),
    };
    let writes = [
        Write { tree: Tree::Documents, key: key::document(&id), value: Some(record.encode()) },
        Write { tree: Tree::Changes, key: key::numbered(&id, 0), value: Some(first.encode()) },
    ];
    DiskStorage::init(disk).commit(&writes, Timestamp(0)).expect("an empty disk takes it");
    let before = BTreeSet::from([hash]);
    Founding { document: id, created: record.created, text: BASE.to_owned(), baseline: vec![hash], before }
}

impl Papers {
    fn new(founding: Founding, draft: Option<Draft>) -> Self {
        Self {
            founding,
            promised: BTreeSet::new(),
            entered: BTreeMap::new(),
            answered: BTreeMap::new(),
            refused: BTreeSet::new(),
            draft,
        }
    }
}

impl World {
    /// The world at the beginning of a seed's run.
    pub fn new(seed: u64, told: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0057_0a1d);
        let disk = Disk::default();
        let founding = found(&disk);
        let mut truth = Truth::new(founding.document);
        truth.wrote(&DelegationCode::secretariat(), founding.baseline[0], None);
        let mut clients = Vec::new();
        let honest = rng.random_range(2..=4);
        let mut pool = vec![("CAN", true), ("USA", false), ("FRA", true), ("CAN", false), ("BRA", false)];
        for n in 0..honest {
            let (name, copy) = pool.remove(rng.random_range(0..pool.len()));
            clients.push(client(n, name, copy, Role::Delegate, false, &founding));
        }
        if rng.random_bool(0.5) {
            clients.push(client(clients.len(), "NOR", false, Role::Delegate, true, &founding));
        }
        if rng.random_bool(0.25) {
            let copy = rng.random_bool(0.5);
            clients.push(client(clients.len(), "PRESS", copy, Role::Observer, false, &founding));
        }
        Self {
            now: Timestamp(1_700_000_000_000),
            disk,
            snapshots: Snapshots::in_memory(),
            common: founding.document,
            documents: BTreeMap::from([(founding.document, Papers::new(founding, None))]),
            begun: BTreeMap::new(),
            server: None,
            clients,
            connections: BTreeMap::new(),
            next_connection: 1,
            closings: Vec::new(),
            doom: None,
            truth,
            hands: StdRng::seed_from_u64(seed ^ 0x00ba_2d00),
            events: 0,
            whispers: BTreeMap::new(),
            whispered: 0,
            tally: Tally::default(),
            closed: false,
            told,
            story: Vec::new(),
        }
    }

    /// A document as the server has it open.
    fn open(&mut self, id: DocumentId) -> Option<&mut Open> {
        self.server.as_mut()?.documents.get_mut(&id)
    }

    /// What is known of a document.
    fn papers(&mut self, id: DocumentId) -> &mut Papers {
        self.documents.get_mut(&id).expect("every document has papers")
    }

    /// Every document.
    fn ids(&self) -> Vec<DocumentId> {
        self.documents.keys().copied().collect()
    }

    /// What happened, where it was asked for.
    pub fn story(self) -> Vec<String> {
        self.story
    }

    fn tell(&mut self, words: impl FnOnce(&Self) -> String) {
        if self.told {
            let words = words(self);
            self.story.push(words);
        }
    }

    /// Does all those steps, brings everything to rest, and checks it.
    ///
    /// # Errors
    /// The first law that did not hold.
    pub fn run(&mut self, steps: &[Step]) -> Result<Tally, Violation> {
        self.boot(&mut StdRng::seed_from_u64(0))?;
        for step in steps {
            self.now.0 += 7;
            self.tell(|_| format!("{:4} {:?}", step.number, step.kind));
            self.happen(step)?;
            if self.closed {
                self.tally.closed = 1;
                return Ok(self.tally.clone());
            }
        }
        let mut rng = StdRng::seed_from_u64(steps.len() as u64);
        self.settle(&mut rng)?;
        match self.closed {
            true => self.tally.closed = 1,
            false => self.conclude(&mut rng)?,
        }
        Ok(self.tally.clone())
    }
}

fn client(n: usize, name: &str, copy: bool, role: Role, hostile: bool, founding: &Founding) -> Client {
    let delegation = (role == Role::Delegate).then(|| code(name));
    let program = if copy {
        Program::Copy(Box::new(Copy::new(delegation.clone(), &founding.baseline)))
    } else {
        let barred = (role == Role::Observer).then_some("it is an observer's");
        Program::Stock(Box::new(Stock::new(code(name), barred)))
    };
    let account = format!("{}-{n}", name.to_lowercase());
    Client {
        document: founding.document,
        member: Member { peer: format!("peer-{account}"), account, role, delegation },
        code: code(name),
        program,
        link: None,
        hostile,
        shut_out: false,
        cut_off: false,
        connections: 0,
    }
}
