//! Decisions: from what somebody asks for, and what lies before the house, to an entry of the ledger or a
//! refusal. Nothing is changed here.

mod comment;
mod rule;
mod sponsor;

pub(super) use rule::consensual;

use super::{Act, Entry, Floor, JoinRef, Listed, Number, Numbered, Refusal, double, settle};
use crate::amendment::{self, View};
use crate::api::{By, NewComment, NewReply, NewRulings, RoundState};
use crate::authorship::{Index, OpId, Record, Settled};
use crate::id::{DelegationCode, ProvisionId};
use crate::resolution::enumerator;
use crate::resolution::text_form::Layout;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open the next round, or give the open one a deadline.
    Open {
        /// When it closes by itself.
        deadline: Option<Timestamp>,
    },
    /// Set or lift the open round's deadline.
    Deadline {
        /// When it closes by itself.
        deadline: Option<Timestamp>,
    },
    /// Close the round for edits.
    Close,
    /// Conclude the round.
    Conclude,
    /// Put on record what is not yet.
    Number,
    /// Rule.
    Rule(NewRulings),
    /// Join the sponsors of a proposal.
    Join {
        /// Its number or id.
        proposal: String,
    },
    /// Withdraw from a proposal.
    Withdraw {
        /// Its number or id.
        proposal: String,
    },
    /// Say why.
    Reason {
        /// The proposal's number or id.
        proposal: String,
        /// Why.
        text: String,
    },
    /// Comment on a provision, or on words of it.
    Comment(NewComment),
    /// Reply to a comment.
    Reply {
        /// The comment's number.
        comment: u32,
        /// What is said.
        reply: NewReply,
    },
    /// Resolve a comment, or open it again.
    Resolve {
        /// The comment's number.
        comment: u32,
        /// Whether it is resolved then.
        resolved: bool,
    },
    /// Let words that several delegations wrote alike stand once.
    Collapse,
    /// Make the document show what the deeds amount to, where a late edit has come between.
    Settle,
    /// Number the provisions anew.
    Renumber,
    /// Move a provision.
    Move {
        /// Which.
        provision: ProvisionId,
        /// Behind which one; `None`: to the start.
        behind: Option<ProvisionId>,
    },
}

/// What the hand has to do for an entry, beside what follows from the deeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Work {
    /// Nothing else.
    #[default]
    Settle,
    /// Nothing at all: the entry is not about the text.
    Nothing,
    /// Number provisions.
    Number(Vec<(OpId, String)>),
    /// Move a provision.
    Move {
        /// Which.
        provision: OpId,
        /// Behind which.
        behind: Option<OpId>,
    },
}

/// What is to be entered.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done.
    pub act: Act,
    /// What is put on record with it.
    pub numbered: Vec<Numbered>,
    /// What the hand does.
    pub work: Work,
}

impl Plan {
    fn of(act: Act) -> Self {
        Self { act, numbered: Vec::new(), work: Work::Settle }
    }
}

/// Decides. `None`: there is nothing to do.
///
/// # Errors
/// Why not.
pub fn decide(
    floor: &Floor<'_>,
    record: &Record,
    layout: &Layout,
    command: &Command,
    by: &By,
    at: Timestamp,
) -> Result<Option<Plan>, Refusal> {
    let (round, state) = floor.ledger.current();
    let needs = |needed: RoundState, what: &'static str| {
        if state == needed { Ok(()) } else { Err(Refusal::WrongState { round, state, what, needed }) }
    };
    let still_to_come = |deadline: &Option<Timestamp>| match deadline {
        Some(deadline) if *deadline <= at => Err(Refusal::DeadlinePassed),
        _ => Ok(()),
    };
    let plan = match command {
        Command::Open { deadline } => {
            still_to_come(deadline)?;
            match (state, deadline) {
                (RoundState::Concluded, _) => Plan::of(Act::Open { round: round + 1, deadline: *deadline }),
                (RoundState::Open, Some(_)) => Plan::of(Act::Deadline { round, deadline: *deadline }),
                (RoundState::Open, None) => return Err(Refusal::AlreadyOpen { round }),
                (RoundState::Closed, _) => {
                    needs(RoundState::Concluded, "opening the next one")?;
                    return Ok(None);
                }
            }
        }
        Command::Deadline { deadline } => {
            needs(RoundState::Open, "a deadline")?;
            still_to_come(deadline)?;
            Plan::of(Act::Deadline { round, deadline: *deadline })
        }
        Command::Close => {
            needs(RoundState::Open, "closing it")?;
            let open = floor.open(record);
            Plan { numbered: number(floor, &open), ..Plan::of(Act::Close { round }) }
        }
        Command::Conclude => {
            match state {
                RoundState::Open => return Err(Refusal::RoundOpen { round }),
                RoundState::Concluded => return Err(Refusal::RoundConcluded { round }),
                RoundState::Closed => {}
            }
            let revision = floor.ledger.revisions().last().map_or(0, |revision| revision.number) + 1;
            let open = floor.open(record);
            let text = amendment::text(record, layout, &View::Baseline);
            Plan { numbered: number(floor, &open), ..Plan::of(Act::Conclude { round, revision, text }) }
        }
        Command::Number => {
            let numbered = number(floor, &floor.open(record));
            if numbered.is_empty() {
                return Ok(None);
            }
            Plan { numbered, ..Plan::of(Act::Number) }
        }
        Command::Rule(new) => rule::rule(floor, record, new)?,
        Command::Join { proposal } => sponsor::join(floor, record, proposal, by)?,
        Command::Withdraw { proposal } => sponsor::withdraw(floor, record, proposal, by)?,
        Command::Reason { proposal, text } => sponsor::reason(floor, record, proposal, text, by)?,
        Command::Comment(new) => return comment::comment(floor, new, by),
        Command::Reply { comment, reply } => return comment::reply(floor, *comment, reply, by),
        Command::Resolve { comment, resolved } => return comment::resolve(floor, *comment, *resolved, by),
        Command::Collapse => {
            let open = floor.open(record);
            let joins = double::joins(floor.index, floor.settled, &open);
            if joins.is_empty() {
                return Ok(None);
            }
            let numbers =
                open.iter().filter(|one| one.derived.shares.len() > 1).filter_map(|one| one.number.clone());
            let refs = joins.iter().filter_map(|join| JoinRef::of(floor.index, join));
            Plan::of(Act::Collapse { numbers: numbers.collect(), joins: refs.collect() })
        }
        Command::Settle => Plan::of(Act::Settle),
        Command::Renumber => renumber(floor, record)?,
        Command::Move { provision, behind } => {
            let find = |id: &ProvisionId| {
                let stands =
                    amendment::lines(record, &View::Current).iter().any(|line| line.provision == *id);
                let found = floor.index.provision_named(id, floor.settled).filter(|_| stands);
                found.ok_or_else(|| Refusal::UnknownProvision(id.0.chars().take(64).collect()))
            };
            let moved = find(provision)?;
            let behind = behind.as_ref().map(find).transpose()?;
            if behind == Some(moved) {
                return Ok(None);
            }
            let work = Work::Move { provision: moved, behind };
            Plan { work, ..Plan::of(Act::Move { provision: provision.clone() }) }
        }
    };
    Ok(Some(plan))
}

/// Numbers for those that have none, in order.
pub(super) fn number(floor: &Floor<'_>, open: &[Listed]) -> Vec<Numbered> {
    let mut taken: BTreeMap<DelegationCode, u32> = BTreeMap::new();
    let new = open.iter().filter(|one| one.number.is_none()).filter_map(|one| {
        let lead = one.derived.shares.first()?.delegation.clone();
        let taken = taken.entry(lead.clone()).or_default();
        let running = floor.ledger.next_running(&lead, *taken);
        *taken += 1;
        Some(Numbered {
            number: Number { delegation: lead, running },
            drafts: one.drafts(),
            late: one.late,
            proposal: Box::new(one.derived.proposal.clone()),
        })
    });
    new.collect()
}

/// The number of one of the open ones: its own, or the one that it is given now.
pub(super) fn number_of(one: &Listed, numbered: &[Numbered]) -> Option<Number> {
    let drafts = one.drafts();
    let new = || numbered.iter().find(|new| new.drafts == drafts && new.late == one.late);
    one.number.clone().or_else(|| new().map(|new| new.number.clone()))
}

/// What would be settled with a plan carried out, before the hand writes.
pub(super) fn with(index: &Index, settled: &Settled, act: &Act) -> Settled {
    let mut then = settled.clone();
    let entry = Entry {
        number: 0,
        at: Timestamp(0),
        by: By { account: String::new(), role: None, delegation: None },
        after: 0,
        act: act.clone(),
        numbered: Vec::new(),
        hand: None,
    };
    // What names an unknown deed settles nothing; the entry itself would be refused.
    let _ = settle::take_act(&mut then, index, &entry);
    then
}

/// Numbers, in their order, for all provisions that stand and have one; each list begins anew under a heading.
fn renumber(floor: &Floor<'_>, record: &Record) -> Result<Plan, Refusal> {
    let mut numbers = Vec::new();
    // By level: how far it has counted, and whether it counts in roman numerals.
    let mut counted: [(u32, bool); 10] = [(0, false); 10];
    for line in amendment::lines(record, &View::Current) {
        if line.kind == "heading" {
            counted = [(0, false); 10];
            continue;
        }
        let core = enumerator::core(&line.enumerator);
        if core.is_empty() || !core.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            continue;
        }
        let level = usize::from(line.level).min(9);
        counted.iter_mut().skip(level + 1).for_each(|deeper| *deeper = (0, false));
        let Some((count, roman)) = counted.get_mut(level) else { continue };
        *count += 1;
        if *count == 1 {
            *roman = core == "i";
        }
        let counts = match core.starts_with(|c: char| c.is_ascii_digit()) {
            true => count.to_string(),
            false if *roman => in_roman(*count),
            false => in_letters(*count),
        };
        let renumbered = enumerator::between_signs(&line.enumerator, &counts);
        if renumbered != line.enumerator
            && let Some(provision) = floor.index.provision_named(&line.provision, floor.settled)
        {
            numbers.push((provision, renumbered));
        }
    }
    if numbers.is_empty() {
        return Err(Refusal::NothingToRenumber);
    }
    let act = Act::Renumber { provisions: numbers.len() as u64 };
    Ok(Plan { work: Work::Number(numbers), ..Plan::of(act) })
}

fn in_letters(mut count: u32) -> String {
    let mut letters = Vec::new();
    while count > 0 {
        let letter = u8::try_from((count - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'a' + letter));
        count = (count - 1) / 26;
    }
    letters.iter().rev().collect()
}

fn in_roman(mut count: u32) -> String {
    const NUMERALS: [(u32, &str); 9] =
        [(100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")];
    let mut out = String::new();
    for (value, numeral) in NUMERALS {
        while count >= value {
            out.push_str(numeral);
            count -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_goes_on_past_the_alphabet() {
        assert_eq!([1, 26, 27, 53].map(in_letters), ["a", "z", "aa", "ba"]);
        assert_eq!([1, 4, 9, 14, 40, 99].map(in_roman), ["i", "iv", "ix", "xiv", "xl", "xcix"]);
    }
}
