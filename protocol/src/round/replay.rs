//! A document's proceedings: its changes, what is settled, its ledger. Entries are made here, and taken in again
//! wherever the document is rebuilt.

use super::decide::Work;
use super::memory::Memory;
use super::{Command, Entry, Floor, HandRecord, JoinRef, Ledger, Plan, Refusal, decide, settle};
use crate::amendment::{self, View};
use crate::api::By;
use crate::authorship::hand::{self, Pen};
use crate::authorship::{ChangeIx, Index, Record, Scope, Settled};
use crate::id::{DelegationCode, DocumentId};
use crate::resolution::text_form::Layout;
use crate::time::Timestamp;
use automerge::{Change, ChangeHash};
use std::cell::RefCell;
use std::sync::Arc;

/// An entry that does not fit the changes or the entries before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The baseline is not there.
    #[error("the imported text is not among the changes")]
    Baseline,
    /// Another entry should come now.
    #[error("entry {found} of the ledger stands where entry {expected} should")]
    Order {
        /// The number that it has.
        found: u64,
        /// The number that should come.
        expected: u64,
    },
    /// It names something that is not there.
    #[error("entry {0} of the ledger names a change or an operation that is not there")]
    Unknown(u64),
}

/// A document with all that was decided about it.
#[derive(Clone, Debug)]
pub struct Proceedings {
    /// Its id.
    pub document: DocumentId,
    /// How its text form is laid out.
    pub layout: Layout,
    /// All changes.
    pub index: Index,
    /// The ledger.
    pub ledger: Ledger,
    settled: Settled,
    memory: RefCell<Memory>,
}

impl Proceedings {
    /// Of a document whose imported text are the changes up to `baseline`, with no entry in its ledger.
    ///
    /// # Errors
    /// [`ReplayError::Baseline`]
    pub fn new(
        document: DocumentId,
        index: Index,
        baseline: &[ChangeHash],
        imported: Timestamp,
    ) -> Result<Self, ReplayError> {
        let settled = index.adopted_at(baseline).ok_or(ReplayError::Baseline)?;
        let layout = index.layout().ok_or(ReplayError::Baseline)?;
        // Where the ledger says nothing, what is asked for first is of the same record.
        let mut memory = Memory::default();
        let text = amendment::text(&memory.record(&index, &settled), &layout, &View::Baseline);
        let (ledger, memory) = (Ledger::new(imported, text), RefCell::new(memory));
        Ok(Self { document, layout, index, ledger, settled, memory })
    }

    /// Takes in an entry that was made before. Its hand's change is in the index.
    ///
    /// # Errors
    /// [`ReplayError`]; nothing of it is taken in then, or the document must be rebuilt.
    pub fn take(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let expected = self.ledger.entries();
        if entry.number != expected {
            return Err(ReplayError::Order { found: entry.number, expected });
        }
        let unknown = |_| ReplayError::Unknown(entry.number);
        self.take_act(entry).map_err(unknown)?;
        self.take_hand(entry).map_err(unknown)?;
        self.ledger.take(entry);
        Ok(())
    }

    /// What lies before the house.
    pub fn floor(&self) -> Floor<'_> {
        Floor {
            document: self.document,
            index: &self.index,
            settled: &self.settled,
            ledger: &self.ledger,
            memory: &self.memory,
        }
    }

    /// The record; the same one until something changes.
    pub fn record(&self) -> Arc<Record> {
        self.memory.borrow_mut().record(&self.index, &self.settled)
    }

    /// Gives back the memory that is only there to be quick: what is asked for next is made anew.
    pub fn forget(&mut self) {
        self.memory = RefCell::default();
    }

    /// What is settled.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Names the late changes one by one: for whoever numbers changes otherwise than the server.
    pub fn set_late(&mut self, late: impl IntoIterator<Item = ChangeIx>) {
        self.settled.set_late(late);
        self.memory.get_mut().resettled(&Scope::All, &self.settled);
    }

    /// Everything that settles something goes through here, so that no record outlives it. `settle` tells about which
    /// provisions.
    fn settle(
        &mut self,
        settle: impl FnOnce(&mut Settled, &Index) -> Result<Scope, settle::Unknown>,
    ) -> Result<(), settle::Unknown> {
        let outcome = settle(&mut self.settled, &self.index);
        // What breaks off may have settled something already.
        self.memory.get_mut().resettled(outcome.as_ref().unwrap_or(&Scope::All), &self.settled);
        outcome.map(drop)
    }

    fn take_act(&mut self, entry: &Entry) -> Result<(), settle::Unknown> {
        self.settle(|settled, index| settle::take_act(settled, index, entry))
    }

    fn take_hand(&mut self, entry: &Entry) -> Result<(), settle::Unknown> {
        let Some(hand) = &entry.hand else { return Ok(()) };
        self.settle(|settled, index| settle::take_hand(settled, index, hand))
    }

    /// Decides and carries out. Returns the entry, and the hand's change where it wrote one: both are to be stored
    /// together. `None`: there is nothing to do.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn act(
        &mut self,
        command: &Command,
        by: By,
        at: Timestamp,
        pen: &Pen,
    ) -> Result<Option<(Entry, Option<Change>)>, Refusal> {
        let record = self.record();
        match decide(&self.floor(), &record, &self.layout, command, &by, at)? {
            Some(plan) => self.carry_out(plan, by, at, pen),
            None => Ok(None),
        }
    }

    fn carry_out(
        &mut self,
        plan: Plan,
        by: By,
        at: Timestamp,
        pen: &Pen,
    ) -> Result<Option<(Entry, Option<Change>)>, Refusal> {
        let idle = matches!(plan.act, super::Act::Settle);
        let mut entry = Entry {
            number: self.ledger.entries(),
            at,
            by,
            after: u32::try_from(self.index.len()).unwrap_or(u32::MAX),
            act: plan.act,
            numbered: plan.numbered,
            hand: None,
        };
        let before = self.settled.clone();
        let outcome = self.write(&mut entry, &plan.work, pen);
        match outcome {
            // It settles nothing, and the hand had nothing to do.
            Ok(None) if idle => Ok(None),
            Ok(change) => {
                self.ledger.take(&entry);
                Ok(Some((entry, change)))
            }
            Err(why) => {
                self.settled = before;
                self.memory.get_mut().resettled(&Scope::All, &self.settled);
                Err(Refusal::Hand(why))
            }
        }
    }

    /// Settles what the entry says, and lets the hand write what follows.
    fn write(&mut self, entry: &mut Entry, work: &Work, pen: &Pen) -> Result<Option<Change>, String> {
        let unknown = || "it names a change or an operation that is not there".to_owned();
        self.take_act(entry).map_err(|_| unknown())?;
        let written = match work {
            Work::Nothing => None,
            Work::Settle => {
                let tidy = &mut self.memory.get_mut().tidy;
                hand::write(&self.index, &self.settled, pen, tidy)
            }
            Work::Number(numbers) => hand::number(&self.index, &self.settled, pen, numbers),
            Work::Move { provision, behind } => {
                hand::move_behind(&self.index, &self.settled, pen, *provision, *behind)
            }
        };
        let Some(written) = written else { return Ok(None) };
        // The hand's change passes the same checks as everybody's, its limits and rights apart.
        self.index
            .replay_decoded(&written.change, &written.decoded, &DelegationCode::secretariat())
            .map_err(|error| error.to_string())?;
        let joins = written.joins.iter().map(|join| JoinRef::of(&self.index, join)).collect::<Option<_>>();
        entry.hand = Some(HandRecord {
            change: written.change.hash().to_string(),
            joins: joins.ok_or_else(unknown)?,
            editorial: matches!(work, Work::Number(_)),
        });
        self.take_hand(entry).map_err(|_| unknown())?;
        Ok(Some(written.change))
    }

    /// The text with some more adopted, and what would still be open then. `names` are numbers or ids.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub fn preview(&self, names: &[String], consensual: bool) -> Result<crate::api::Preview, Refusal> {
        let record = self.record();
        let floor = self.floor();
        let open = floor.open(&record);
        let mut adopted = Vec::new();
        for name in names {
            let Some(one) = floor.find(&open, name) else {
                // What is on record is known, also where nothing of it is open any more.
                let on_record = name.parse().ok().and_then(|number| self.ledger.find(&number));
                return Err(match on_record {
                    Some(known) => Refusal::Empty { number: known.number.clone() },
                    None => Refusal::UnknownProposal(name.chars().take(64).collect()),
                });
            };
            adopted.push(one);
        }
        if consensual {
            adopted.extend(decide::consensual(&open, &floor));
        }
        let (mut then, mut scope) = (self.settled.clone(), Scope::default());
        for one in &adopted {
            let deeds = one.derived.deeds();
            scope.extend(self.index.scope_of(&deeds));
            then.adopt(&deeds);
        }
        let after = self.index.record_beside(&then, &record, &scope);
        let shown = |one: &&super::Listed| {
            let proposal = &one.derived.proposal;
            proposal.number.clone().unwrap_or_else(|| proposal.id.to_string())
        };
        let left = Floor { settled: &then, ..floor }.open(&after);
        Ok(crate::api::Preview {
            adopted: adopted.iter().map(shown).collect(),
            text: amendment::text(&after, &self.layout, &View::Baseline),
            collisions: super::collisions(&after, &left),
        })
    }
}
