//! The audit trail of a document: every change and every entry of its ledger, in order, each with a hash over
//! itself and the one before. It proves itself, and replays to any moment, without a server.

use super::{Act, Entry, Number, Proceedings, ReplayError};
use crate::amendment::{self, View};
use crate::authorship::Index;
use crate::id::{DelegationCode, DocumentId, Role};
use crate::time::Timestamp;
use automerge::{Change, ChangeHash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};

/// The form of the file.
pub const FORMAT: u32 = 1;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A change was stored.
    Change {
        /// Its hash, in hex.
        change: String,
        /// When it came in.
        received: Timestamp,
        /// The account that sent it.
        account: String,
        /// Whose it is.
        delegation: DelegationCode,
        /// Its bytes, in hex.
        raw: String,
    },
    /// An entry of the ledger was made.
    Entry {
        /// The entry.
        entry: Box<Entry>,
    },
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Counted from 0.
    pub link: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 over the hash before, in hex, and this link's JSON without this field.
    pub hash: String,
}

/// The trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// [`FORMAT`].
    pub format: u32,
    /// The document.
    pub document: String,
    /// Its symbol.
    pub symbol: String,
    /// When it was imported.
    pub imported: Timestamp,
    /// The heads of the imported text, in hex.
    pub baseline: Vec<String>,
    /// All links, in order.
    pub links: Vec<Link>,
}

/// Why a trail is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Another form of file.
    #[error("this is an audit trail of format {0}; this version reads format {FORMAT}")]
    Format(u32),
    /// Its head cannot be read.
    #[error("the trail's head cannot be read: {0}")]
    Head(String),
    /// The chain is broken.
    #[error("link {link} does not fit the one before it: {why}")]
    Chain {
        /// Which.
        link: u64,
        /// What is wrong.
        why: String,
    },
    /// It says something that the house's rules exclude.
    #[error("link {link} says what cannot be: {why}")]
    Rule {
        /// Which.
        link: u64,
        /// What is wrong.
        why: String,
    },
    /// The moment that is asked for leaves out what a ruling before it was about.
    #[error("at these heads the ledger cannot be replayed: {0}; ask for a moment in time instead")]
    Moment(#[from] ReplayError),
}

/// What a whole trail holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Links.
    pub links: u64,
    /// Changes.
    pub changes: u64,
    /// Entries of the ledger.
    pub entries: u64,
    /// Rulings.
    pub rulings: u64,
    /// Revisions whose text follows from the changes and rulings before it.
    pub revisions: u64,
    /// The last link's hash: whoever has it written down can tell later whether anything was changed.
    pub head: String,
}

/// Up to which moment a trail is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All of it.
    Now,
    /// What had happened by then.
    At(Timestamp),
    /// The changes in the history of these heads, with the entries made until then.
    Heads(Vec<ChangeHash>),
}

fn hash(previous: &str, link: u64, event: &Event) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        link: u64,
        #[serde(flatten)]
        event: &'a Event,
    }
    // Serialising plain data into memory has no way to fail.
    let body = serde_json::to_vec(&Body { link, event }).unwrap_or_default();
    hex::encode(Sha256::new().chain_update(previous.as_bytes()).chain_update(body).finalize())
}

impl Audit {
    /// A trail, of changes in the order of the log and entries in the order of the ledger.
    pub fn new(
        document: DocumentId,
        symbol: String,
        imported: Timestamp,
        baseline: &[ChangeHash],
        changes: Vec<Event>,
        entries: Vec<Entry>,
    ) -> Self {
        let mut audit = Self {
            format: FORMAT,
            document: document.to_string(),
            symbol,
            imported,
            baseline: baseline.iter().map(ToString::to_string).collect(),
            links: Vec::with_capacity(changes.len() + entries.len()),
        };
        let mut changes = changes.into_iter();
        let mut done = 0_u32;
        for entry in entries {
            // What the hand wrote for an entry was stored with it, right behind what was there before.
            let before = entry.after + u32::from(entry.hand.is_some());
            while done < before {
                let Some(change) = changes.next() else { break };
                audit.push(change);
                done += 1;
            }
            audit.push(Event::Entry { entry: Box::new(entry) });
        }
        changes.for_each(|change| audit.push(change));
        audit
    }

    fn push(&mut self, event: Event) {
        let link = self.links.len() as u64;
        let previous = self.links.last().map_or("", |link| link.hash.as_str());
        let hash = hash(previous, link, &event);
        self.links.push(Link { link, event, hash });
    }

    /// Checks everything: the chain, each change against its hash and its owner, each ruling against its maker, each
    /// revision against the text that follows from all before it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self) -> Result<Verified, AuditError> {
        if self.format != FORMAT {
            return Err(AuditError::Format(self.format));
        }
        let mut previous = "";
        for (n, link) in (0_u64..).zip(&self.links) {
            let chain = |why: &str| AuditError::Chain { link: n, why: why.to_owned() };
            if link.link != n {
                return Err(chain("it is not numbered so"));
            }
            if link.hash != hash(previous, n, &link.event) {
                return Err(chain("its hash is not the one it must have"));
            }
            previous = &link.hash;
        }
        let mut verified = Verified {
            links: self.links.len() as u64,
            changes: 0,
            entries: 0,
            rulings: 0,
            revisions: 0,
            head: previous.to_owned(),
        };
        let mut numbers: BTreeSet<Number> = BTreeSet::new();
        self.walk(&|_, _| true, &mut |proceedings, link| {
            let rule = |why: String| AuditError::Rule { link: link.link, why };
            match &link.event {
                Event::Change { .. } => verified.changes += 1,
                Event::Entry { entry } => {
                    verified.entries += 1;
                    for one in &entry.numbered {
                        if !numbers.insert(one.number.clone()) {
                            return Err(rule(format!("{} is given twice", one.number)));
                        }
                    }
                    match &entry.act {
                        Act::Rule { rulings } => {
                            verified.rulings += rulings.len() as u64;
                            if entry.by.role != Some(Role::Chair) {
                                return Err(rule("a ruling by somebody who is not the chair".to_owned()));
                            }
                        }
                        Act::Conclude { text, .. } => {
                            verified.revisions += 1;
                            let record = proceedings.record();
                            let follows = amendment::text(&record, &proceedings.layout, &View::Baseline);
                            if follows != *text {
                                return Err(rule(
                                    "its text is not what the rulings before it give".to_owned(),
                                ));
                            }
                        }
                        Act::Comment { .. } | Act::Reply { .. } | Act::Resolve { .. }
                            if matches!(entry.by.role, None | Some(Role::Observer)) =>
                        {
                            return Err(rule("a comment by somebody who may not comment".to_owned()));
                        }
                        _ => {}
                    }
                }
            }
            Ok(())
        })?;
        Ok(verified)
    }

    /// The document as it was at a moment.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn replay(&self, moment: &Moment) -> Result<Proceedings, AuditError> {
        let within: Option<HashSet<String>> = match moment {
            Moment::Heads(heads) => {
                let whole = self.walk(&|_, _| true, &mut |_, _| Ok(()))?;
                let known = whole.index.ancestors(heads);
                let known = known.ok_or_else(|| AuditError::Head("these heads are not in it".to_owned()))?;
                Some(known.into_iter().map(|hash| hash.to_string()).collect())
            }
            Moment::Now | Moment::At(_) => None,
        };
        let last = within.as_ref().and_then(|within| {
            let is_in =
                |link: &Link| matches!(&link.event, Event::Change { change, .. } if within.contains(change));
            self.links.iter().rposition(is_in)
        });
        let happened = |n: usize, link: &Link| match (moment, &link.event) {
            (Moment::Now, _) => true,
            (Moment::At(at), Event::Change { received, .. }) => received <= at,
            (Moment::At(at), Event::Entry { entry }) => entry.at <= *at,
            (Moment::Heads(_), Event::Change { change, .. }) => {
                within.as_ref().is_some_and(|within| within.contains(change))
            }
            // An entry stands right behind the change that its hand wrote.
            (Moment::Heads(_), Event::Entry { entry }) => match (&entry.hand, &within) {
                (Some(hand), Some(within)) => within.contains(&hand.change),
                _ => last.is_some_and(|last| n <= last + 1),
            },
        };
        self.walk(&happened, &mut |_, _| Ok(()))
    }

    /// Rebuilds the document link by link.
    fn walk(
        &self,
        happened: &dyn Fn(usize, &Link) -> bool,
        look: &mut dyn FnMut(&Proceedings, &Link) -> Result<(), AuditError>,
    ) -> Result<Proceedings, AuditError> {
        let document: DocumentId =
            self.document.parse().map_err(|error| AuditError::Head(format!("{error}")))?;
        let baseline: Result<Vec<ChangeHash>, _> = self.baseline.iter().map(|head| head.parse()).collect();
        let baseline = baseline.map_err(|_| AuditError::Head("its baseline is not hashes".to_owned()))?;
        let mut index = Index::new();
        let mut proceedings: Option<Proceedings> = None;
        for (n, link) in self.links.iter().enumerate().filter(|(n, link)| happened(*n, link)) {
            let chain = |why: String| AuditError::Chain { link: link.link, why };
            match &link.event {
                Event::Change { change: named, delegation, raw, .. } => {
                    let raw = hex::decode(raw).map_err(|_| chain("its bytes are not hex".to_owned()))?;
                    let change = Change::from_bytes(raw).map_err(|error| chain(error.to_string()))?;
                    if change.hash().to_string() != *named {
                        return Err(chain("its bytes are another change's".to_owned()));
                    }
                    let to = proceedings.as_mut().map_or(&mut index, |one| &mut one.index);
                    to.replay(&change, delegation).map_err(|error| chain(error.to_string()))?;
                    if proceedings.is_none() && baseline.iter().all(|head| index.position(head).is_some()) {
                        let founded = std::mem::take(&mut index);
                        proceedings = Some(Proceedings::new(document, founded, &baseline, self.imported)?);
                    }
                }
                Event::Entry { entry } => {
                    let Some(proceedings) = &mut proceedings else {
                        return Err(chain(format!("link {n} comes before the imported text")));
                    };
                    proceedings.take(entry)?;
                }
            }
            if let Some(proceedings) = &proceedings {
                look(proceedings, link)?;
            }
        }
        proceedings.ok_or_else(|| AuditError::Head("the imported text is not in it".to_owned()))
    }
}
