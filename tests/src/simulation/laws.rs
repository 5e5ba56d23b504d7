//! What must be true of a document, whatever has happened: checked against log and ledger as they are stored,
//! Automerge, and the naive oracle.

mod attribution;
mod comments;
mod ledger;
mod proposals;

pub use ledger::{all_or_nothing, paired};

use super::oracle::{self, Op};
use super::settlement::{self, Settlement, Whole};
use super::truth::Truth;
use super::{Violation, house};
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};
use codraft_protocol::amendment::{self, View};
use codraft_protocol::api::RoundState;
use codraft_protocol::authorship::hand::Pen;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::round::{Act, Command, Entry, Proceedings};
use codraft_protocol::time::Timestamp;
use codraft_server::hub::Hub;
use codraft_server::storage::record::ChangeRecord;
use rand::rngs::StdRng;
use std::collections::{BTreeSet, HashMap};

/// What was there before anybody proposed anything.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The document.
    pub document: DocumentId,
    /// When it was made.
    pub created: Timestamp,
    /// The text: the imported one, or, of a draft, the common one as it was.
    pub text: String,
    /// The heads of that.
    pub baseline: Vec<ChangeHash>,
    /// All changes that it is made of.
    pub before: BTreeSet<ChangeHash>,
}

/// What is stored of a document.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Its changes.
    pub log: Vec<ChangeRecord>,
    /// Its decisions.
    pub entries: Vec<Entry>,
}

impl Stored {
    /// The changes' hashes.
    pub fn hashes(&self) -> BTreeSet<ChangeHash> {
        let hash = |record: &ChangeRecord| codraft_protocol::authorship::chunk::hash(&record.raw);
        self.log.iter().filter_map(hash).collect()
    }
}

fn differs<T: PartialEq + std::fmt::Debug>(
    law: &'static str,
    what: &str,
    ours: &T,
    theirs: &T,
) -> Result<(), Violation> {
    if ours == theirs {
        return Ok(());
    }
    Err(Violation::new(law, format!("{what}\n  expected {theirs:?}\n  found    {ours:?}")))
}

/// Everything that Automerge has to say about a log: it takes in every change, at once, and what it has can be
/// saved and loaded.
///
/// # Errors
/// [`Violation`]
pub fn applied(log: &[ChangeRecord]) -> Result<(Automerge, Vec<Change>), Violation> {
    let law = "applies in Automerge";
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    let mut changes = Vec::new();
    for (number, record) in log.iter().enumerate() {
        let change =
            Change::from_bytes(record.raw.clone()).map_err(|e| Violation::new(law, e.to_string()))?;
        doc.apply_changes([change.clone()]).map_err(|e| Violation::new(law, e.to_string()))?;
        if doc.get_change_by_hash(&change.hash()).is_none() {
            return Err(Violation::new(law, format!("change {number} of the log is not taken in")));
        }
        changes.push(change);
    }
    let again = Automerge::load(&doc.save())
        .map_err(|e| Violation::new(law, format!("saved, it does not load: {e}")))?;
    differs(law, "heads after saving and loading", &again.get_heads(), &doc.get_heads())?;
    Ok((doc, changes))
}

/// A resolution's text as Automerge has it.
///
/// # Errors
/// [`Violation`]
pub fn text(doc: &Automerge) -> Result<String, Violation> {
    let read = || -> Result<String, edit::EditError> {
        let (layout, lines) = (edit::layout(doc)?, edit::lines(doc)?);
        let parts = lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
        Ok(text_form::write(&layout, parts))
    };
    read().map_err(|error| Violation::new("text", error.to_string()))
}

/// Checks a hub, everything in which is durable, against what is stored.
///
/// # Errors
/// The first law that does not hold.
pub fn check(
    hub: &mut Hub,
    stored: &Stored,
    founding: &Founding,
    truth: &Truth,
    rng: &mut StdRng,
) -> Result<(), Violation> {
    let (doc, changes) = applied(&stored.log)?;
    let mut heads = doc.get_heads();
    heads.sort_unstable();
    differs("heads", "the hub's heads", &hub.heads(), &heads)?;
    for (record, change) in stored.log.iter().zip(&changes) {
        let author = truth.author(&change.hash())?;
        differs("attribution", "whose a stored change is", &&record.delegation, &author)?;
    }
    let naive = oracle::provisions(&changes);
    let by: HashMap<Op, ChangeHash> = oracle::operations(&naive);
    paired(stored, founding)?;
    ledger::fair(stored, &changes, &by, truth)?;
    let house = ledger::rebuilt(stored, founding)?;
    ledger::same(hub, &house)?;

    // Attribution: every deed in the record is that of the change that did it, and stands as was decided.
    let settlement = Settlement::of(&changes, &stored.entries, &founding.before)?;
    let record = house.index.whole_record(house.settled());
    for meta in record.changes.iter() {
        let whose = format!("whose {} is", meta.hash);
        differs("attribution", &whose, &meta.delegation, &truth.author(&meta.hash)?)?;
    }
    let wholes = settlement::recorded(&record, &house.index);
    attribution::deeds(&wholes, settlement.amounts(&naive)?)?;
    attribution::shown(&hub.attribution(), &wholes, truth)?;
    texts(hub, &house, doc, stored, founding)?;
    comments::kept(hub, &settlement, &wholes, &stored.entries, truth)?;
    proposals::check(&house, &wholes, truth)?;
    proposals::in_any_order(hub, &changes, stored, founding, truth, rng)
}

/// The words that a reader sees are those that the deeds amount to.
fn texts(
    hub: &Hub,
    house: &Proceedings,
    mut doc: Automerge,
    stored: &Stored,
    founding: &Founding,
) -> Result<(), Violation> {
    let (state, revisions) = (house.ledger.current().1, hub.revisions().revisions);
    let mut agreed = vec![founding.text.as_str()];
    let mut corrected = false;
    for entry in &stored.entries {
        match &entry.act {
            Act::Conclude { text, .. } => {
                agreed.push(text);
                corrected = false;
            }
            Act::Renumber { .. } | Act::Move { .. } => corrected = true,
            _ => {}
        }
    }
    differs("revisions", "how many there are", &revisions.len(), &agreed.len())?;
    for (text, revision) in agreed.iter().zip(&revisions) {
        let found = hub.revision_text(revision.number);
        differs("revisions", "the text of one", &found.as_deref(), &Some(*text))?;
    }
    let last = agreed.last().map(|text| (*text).to_owned());
    differs("baseline", "the agreed text", &Some(hub.text(&View::Baseline)), &last)?;
    // While the chair rules it becomes the next one; editorial corrections are agreed at once.
    if state != RoundState::Closed && !corrected {
        let projected = amendment::text(&house.record(), &house.layout, &View::Baseline);
        differs("baseline", "no pending deed projected", &Some(projected), &last)?;
    }
    // Where a late edit has come between, the hand has to write first.
    let mut house = house.clone();
    doc.apply_changes(settle(&mut house)?).map_err(|e| Violation::new("text", e.to_string()))?;
    let shown = amendment::text(&house.record(), &house.layout, &View::Current);
    differs("text", "all deeds projected", &shown, &text(&doc)?)?;
    match settle(&mut house)? {
        None => Ok(()),
        Some(change) => {
            let how = format!("it writes again: {:?}", change.decode());
            Err(Violation::new("the hand is done when it is done", how))
        }
    }
}

/// Lets the hand write what it has to.
fn settle(house: &mut Proceedings) -> Result<Option<Change>, Violation> {
    act(house, &Command::Settle, Role::Secretariat)
}

/// Decides something in a copy of a document; what the hand writes for it.
fn act(house: &mut Proceedings, command: &Command, role: Role) -> Result<Option<Change>, Violation> {
    let pen = Pen { actor: ActorId::from([0xee; 16]), time: 0, message: String::new() };
    let outcome = house.act(command, house::presiding(role), Timestamp(i64::MAX), &pen);
    let outcome = outcome.map_err(|error| Violation::new("the hand can write", error.to_string()))?;
    Ok(outcome.and_then(|(_, change)| change))
}

/// Whose deeds those are.
fn authors<'a>(
    deeds: impl IntoIterator<Item = &'a settlement::Deed>,
    truth: &Truth,
) -> Result<BTreeSet<DelegationCode>, Violation> {
    deeds.into_iter().map(|deed| truth.author(&deed.change).cloned()).collect()
}

impl settlement::Deed {
    fn is_adopted(&self) -> bool {
        self.standing == codraft_protocol::authorship::Standing::Adopted
    }
}

impl Whole {
    /// Whether it no longer stands.
    fn is_gone(&self) -> bool {
        let agreed = |one: &settlement::Value| {
            one.put.is_adopted() && !one.replaced.iter().any(settlement::Deed::is_adopted)
        };
        self.suppressed.iter().any(agreed)
            || self.removed.iter().any(settlement::Deed::is_adopted)
            || self.inserted.is_empty()
    }

    /// Whether the agreed text has it, or had it.
    fn is_base(&self) -> bool {
        self.is_gone() || self.inserted.iter().any(settlement::Deed::is_adopted)
    }

    /// The words that the agreed text does not lack.
    fn words(&self) -> impl Iterator<Item = &settlement::Word> {
        self.words.iter().filter(|word| !word.struck.iter().any(settlement::Deed::is_adopted))
    }
}

impl settlement::Word {
    fn is_base(&self) -> bool {
        self.inserted.iter().any(settlement::Deed::is_adopted)
    }
}
