//! A working copy: the real replica of client-core, with its file and its store on a disk that keeps whole
//! records. The process may end between any two of its steps.

use super::truth::Truth;
use super::{Fuse, Violation};
use automerge::{ActorId, Change, ChangeHash};
use bytes::Bytes;
use codraft_client_core::replica::{Replica, ReplicaError};
use codraft_client_core::store::{Facts, Record};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::time::Timestamp;
use rand::Rng as _;
use rand::rngs::StdRng;

/// A working copy. What is not in `replica` outlives its process.
#[derive(Debug)]
pub struct Copy {
    writer: Option<DelegationCode>,
    records: Vec<Record>,
    file: Option<String>,
    /// The text that is about to replace the file.
    ready: Option<String>,
    replica: Option<Replica>,
}

/// Words that edits use; few, so that different delegations now and then do the same.
pub const WORDS: [&str; 6] = ["urgently", "🙂", "décide", "漢字", "e\u{301}t", "and"];
const LINES: [&str; 3] = ["3\tto report back;", "4bis\tto thank 🙂 all;", "noting the progress made,"];

/// One edit in an editor.
pub fn edited(text: &str, rng: &mut StdRng) -> String {
    let mut lines: Vec<String> = text.trim_end_matches('\n').split('\n').map(str::to_owned).collect();
    let at = rng.random_range(0..lines.len());
    let words: Vec<String> = lines[at].split(' ').map(str::to_owned).collect();
    let word = rng.random_range(0..words.len());
    let change_words = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut words = words.clone();
        edit(&mut words);
        words.join(" ")
    };
    let new = WORDS[rng.random_range(0..3)];
    match rng.random_range(0..12) {
        0 | 1 if lines.len() > 3 => drop(lines.remove(at)),
        2 => lines.insert(at, LINES[rng.random_range(0..LINES.len())].to_owned()),
        3 => lines.push(LINES[rng.random_range(0..LINES.len())].to_owned()),
        4 => {
            if let Some((_, rest)) = lines[at].split_once('\t') {
                lines[at] = format!("{}\t{rest}", ["1", "2", "7"][rng.random_range(0..3)]);
            }
        }
        5 => {
            let moved = lines.remove(at);
            let to = rng.random_range(0..=lines.len());
            lines.insert(to, moved);
        }
        6 | 7 if words.len() > 1 => lines[at] = change_words(&|words| drop(words.remove(word))),
        8 => lines[at] = change_words(&|words| words.insert(word, new.to_owned())),
        9 => lines[at].push_str(" and so on"),
        _ if word > 0 => lines[at] = change_words(&|words| new.clone_into(&mut words[word])),
        _ => lines[at].push('…'),
    }
    lines.join("\n") + "\n"
}

fn failed(what: &str) -> impl Fn(ReplicaError) -> Violation {
    let what = what.to_owned();
    move |error| Violation::new("client", format!("{what}: {error}"))
}

impl Copy {
    /// A new one, that knows where the baseline is.
    pub fn new(writer: Option<DelegationCode>, baseline: &[ChangeHash]) -> Self {
        let facts = Facts { baseline: baseline.iter().map(|head| head.0).collect(), ..Facts::default() };
        let mut copy =
            Self { writer, records: vec![Record::Facts(facts)], file: None, ready: None, replica: None };
        copy.boot().expect("an empty store opens");
        copy
    }

    /// The running replica.
    pub fn replica(&self) -> Option<&Replica> {
        self.replica.as_ref()
    }

    /// The file.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The process ends.
    pub fn crash(&mut self) {
        self.replica = None;
    }

    /// The process starts.
    ///
    /// # Errors
    /// The store does not open.
    pub fn boot(&mut self) -> Result<(), Violation> {
        let mut replica = Replica::new(self.writer.clone());
        for record in self.records.clone() {
            replica.apply(record).map_err(failed("opening its store"))?;
        }
        self.replica = Some(replica);
        let settled = self.replica.as_ref().and_then(|replica| {
            let heads = replica.rendering()?;
            Some(Record::Rendered(if self.ready.is_none() { heads } else { replica.rendered() }))
        });
        if let Some(record) = settled {
            self.keep(record, &mut Fuse::none())?;
            self.ready = None;
        }
        Ok(())
    }

    /// Keeps a record and takes it in. Returns whether the process lives on.
    fn keep(&mut self, record: Record, fuse: &mut Fuse) -> Result<bool, Violation> {
        if fuse.burns() {
            self.crash();
            return Ok(false);
        }
        self.records.push(record.clone());
        if fuse.burns() {
            self.crash();
            return Ok(false);
        }
        let Some(replica) = &mut self.replica else { return Ok(false) };
        replica.apply(record).map_err(failed("taking in its own record"))?;
        Ok(true)
    }

    /// Somebody saves the file in an editor.
    pub fn edit(&mut self, rng: &mut StdRng) {
        if let (Some(_), Some(file)) = (&self.writer, &self.file) {
            self.file = Some(edited(file, rng));
        }
    }

    /// Takes in what was edited. Returns what is to be sent, if there is a connection.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn take(
        &mut self,
        rng: &mut StdRng,
        now: Timestamp,
        truth: &mut Truth,
        fuse: &mut Fuse,
        connected: bool,
    ) -> Result<Vec<Bytes>, Violation> {
        let (Some(replica), Some(file), Some(writer)) = (&self.replica, &self.file, &self.writer) else {
            return Ok(Vec::new());
        };
        if replica.rendered().is_empty() {
            return Ok(Vec::new());
        }
        let actor = ActorId::from(rng.random::<[u8; 16]>());
        let record = match replica.write(file.as_bytes(), actor, now) {
            Ok(record) => record,
            Err(ReplicaError::Text(_)) => {
                // The command says so, and the delegate takes it back.
                self.file = Some(replica.rendered_text().map_err(failed("reading its text"))?);
                return Ok(Vec::new());
            }
            Err(error) => return Err(failed("taking in its file")(error)),
        };
        let Some(record) = record else { return Ok(Vec::new()) };
        if let Record::Written { changes, .. } = &record {
            for change in changes {
                let change = Change::from_bytes(change.clone())
                    .map_err(|error| Violation::new("client", error.to_string()))?;
                truth.wrote(writer, change.hash(), None);
            }
        }
        if !self.keep(record, fuse)? {
            return Ok(Vec::new());
        }
        if let (Some(replica), Some(file)) = (&self.replica, &self.file) {
            let rendered = replica.rendered_text().map_err(failed("reading its text"))?;
            if rendered != *file {
                let how = format!("the file says\n{file}\nand is taken in as\n{rendered}");
                return Err(Violation::new("a file is taken in as it is", how));
            }
        }
        if !connected {
            return Ok(Vec::new());
        }
        let Some(replica) = &mut self.replica else { return Ok(Vec::new()) };
        replica.messages().map_err(failed("saying what is new"))
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn connect(&mut self) -> Result<Vec<Bytes>, Violation> {
        let Some(replica) = &mut self.replica else { return Ok(Vec::new()) };
        replica.connect().map_err(failed("connecting"))
    }

    /// Takes in a message. Returns what is to be sent.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn receive(&mut self, data: &[u8], now: Timestamp, fuse: &mut Fuse) -> Result<Vec<Bytes>, Violation> {
        let Some(replica) = &mut self.replica else { return Ok(Vec::new()) };
        let received = replica.receive(data, now).map_err(failed("taking in a message"))?;
        if let Some(record) = received.record {
            if fuse.burns() {
                self.crash();
                return Ok(Vec::new());
            }
            self.records.push(record);
        }
        self.rest(fuse)?;
        Ok(if self.replica.is_some() { received.messages } else { Vec::new() })
    }

    /// Once in sync: notes that, and writes the merged text into the file.
    fn rest(&mut self, fuse: &mut Fuse) -> Result<(), Violation> {
        let Some(replica) = &self.replica else { return Ok(()) };
        if !replica.is_in_sync() || replica.rendered() == replica.heads() {
            return Ok(());
        }
        if !self.keep(replica.acknowledgement(), fuse)? {
            return Ok(());
        }
        let Some(replica) = &self.replica else { return Ok(()) };
        let text = replica.text().map_err(failed("reading its text"))?;
        let heads = replica.heads();
        if let Some(file) = &self.file
            && *file != text
        {
            let rendered = replica.rendered_text().map_err(failed("reading its text"))?;
            // Edits that are not taken in yet stay.
            if *file != rendered {
                return Ok(());
            }
        }
        self.ready = Some(text);
        if !self.keep(Record::Rendering(heads.clone()), fuse)? {
            return Ok(());
        }
        self.file = self.ready.take();
        self.keep(Record::Rendered(heads), fuse)?;
        Ok(())
    }

    /// Learns what the server knows beside the document.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn learn(&mut self, facts: Facts) -> Result<(), Violation> {
        self.keep(Record::Facts(facts), &mut Fuse::none()).map(drop)
    }

    /// Every change that its store holds and that it has written itself.
    pub fn written(&self) -> Vec<ChangeHash> {
        let written = self.records.iter().filter_map(|record| match record {
            Record::Written { changes, .. } => Some(changes),
            _ => None,
        });
        written.flatten().filter_map(|change| Some(Change::from_bytes(change.clone()).ok()?.hash())).collect()
    }
}
