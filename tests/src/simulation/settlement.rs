//! What is settled, by the entries of the ledger alone, and what a document's deeds amount to with that. Shares
//! nothing with the product but the form of the entries.

use super::Violation;
use super::oracle::{Given, Hashes, Op, Provision};
use automerge::{Change, ChangeHash};
use codraft_protocol::api::Decision;
use codraft_protocol::authorship::{Deed as Recorded, Index, OpId, Record, Standing};
use codraft_protocol::round::{Act, DeedRefs, Entry, JoinRef, OpRef};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Something that somebody did, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// The change that did it.
    pub change: ChangeHash,
    /// What it did, or undid.
    pub op: Op,
    /// How it stands.
    pub standing: Standing,
}

/// Deeds.
pub type Deeds = BTreeSet<Deed>;

/// A character, wherever it stands, and however often it was brought back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// Who wrote it.
    pub inserted: Deeds,
    /// Who struck it.
    pub struck: Deeds,
    /// Which.
    pub character: char,
}

/// A value of a field, or a suppression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    /// Who gave it.
    pub put: Deed,
    /// Who replaced or lifted it.
    pub replaced: Deeds,
    /// Of which field; of a suppression, in whose name.
    pub of: String,
    /// The value.
    pub value: String,
}

/// A provision, with all that counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole {
    /// Its id.
    pub id: String,
    /// Who added it.
    pub inserted: Deeds,
    /// Who removed it.
    pub removed: Deeds,
    /// Its words.
    pub words: Vec<Word>,
    /// Its fields.
    pub fields: Vec<Value>,
    /// Who suppressed it.
    pub suppressed: Vec<Value>,
}

impl Whole {
    /// The same, in an order that says nothing.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.words.sort();
        self.fields.sort();
        self.suppressed.sort();
        self
    }

    /// The same with other standings.
    #[must_use]
    pub fn restanding(&self, becomes: &dyn Fn(&Deed) -> Option<Standing>) -> Self {
        let one = |deed: &Deed| Some(Deed { standing: becomes(deed)?, ..deed.clone() });
        let all = |deeds: &Deeds| -> Deeds { deeds.iter().filter_map(one).collect() };
        let values = |values: &[Value]| {
            let each = values.iter().filter_map(|value| {
                Some(Value { put: one(&value.put)?, replaced: all(&value.replaced), ..value.clone() })
            });
            each.collect()
        };
        let words = self.words.iter().map(|word| Word {
            inserted: all(&word.inserted),
            struck: all(&word.struck),
            character: word.character,
        });
        Self {
            id: self.id.clone(),
            inserted: all(&self.inserted),
            removed: all(&self.removed),
            words: words.filter(|word| !word.inserted.is_empty()).collect(),
            fields: values(&self.fields),
            suppressed: values(&self.suppressed),
        }
    }
}

/// Operations that follow each other.
pub fn ops(first: &OpRef, len: u32) -> impl Iterator<Item = Op> {
    (0..u64::from(len)).map(|n| (u64::from(first.counter) + n, first.actor.clone()))
}

/// What is settled.
#[derive(Debug)]
pub struct Settlement {
    founding: Hashes,
    position: HashMap<ChangeHash, u32>,
    hands: Hashes,
    editorial: Hashes,
    /// Whether an insertion or a writing is adopted, or void.
    done: HashMap<Op, bool>,
    /// The same of what a change struck or replaced.
    undone: HashMap<(ChangeHash, Op), bool>,
    /// While a round is closed: changes from here on are late.
    late_from: Option<u32>,
    /// Elements that are one, in the order in which they were found to be.
    alike: Vec<Vec<Op>>,
    of: HashMap<Op, usize>,
}

impl Settlement {
    /// By these entries, of a document with these changes.
    ///
    /// # Errors
    /// An entry names what cannot be read.
    pub fn of(changes: &[Change], entries: &[Entry], founding: &Hashes) -> Result<Self, Violation> {
        let mut all = Self {
            founding: founding.clone(),
            position: (0..).zip(changes).map(|(n, change)| (change.hash(), n)).collect(),
            hands: Hashes::new(),
            editorial: Hashes::new(),
            done: HashMap::new(),
            undone: HashMap::new(),
            late_from: None,
            alike: Vec::new(),
            of: HashMap::new(),
        };
        for entry in entries {
            match &entry.act {
                Act::Close { .. } => all.late_from = Some(entry.after),
                Act::Conclude { .. } => all.late_from = None,
                Act::Rule { rulings } => {
                    for ruled in rulings {
                        let adopted = match ruled.decision {
                            Decision::Adopt => Some(true),
                            Decision::Reject => Some(false),
                            Decision::Bracket | Decision::Defer => None,
                        };
                        all.decide(&ruled.deeds, adopted)?;
                    }
                }
                Act::Withdraw { deeds, .. } => all.decide(deeds, Some(false))?,
                Act::Collapse { joins, .. } => all.join(joins),
                _ => {}
            }
            if let Some(hand) = &entry.hand {
                let hash = parsed(&hand.change)?;
                all.hands.insert(hash);
                if hand.editorial {
                    all.editorial.insert(hash);
                }
                all.join(&hand.joins);
            }
        }
        Ok(all)
    }

    fn decide(&mut self, deeds: &DeedRefs, adopted: Option<bool>) -> Result<(), Violation> {
        for op in deeds.done.iter().flat_map(|(first, len)| ops(first, *len)) {
            match adopted {
                Some(adopted) => drop(self.done.insert(op, adopted)),
                None => drop(self.done.remove(&op)),
            }
        }
        for one in &deeds.undone {
            let by = parsed(&one.by)?;
            for op in ops(&one.op, one.len) {
                match adopted {
                    Some(adopted) => drop(self.undone.insert((by, op), adopted)),
                    None => drop(self.undone.remove(&(by, op))),
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, joins: &[JoinRef]) {
        for join in joins {
            for (from, to) in ops(&join.from, join.len).zip(ops(&join.to, join.len)) {
                let into = match (self.of.get(&from).copied(), self.of.get(&to).copied()) {
                    (Some(a), Some(b)) if a != b => {
                        let moved = std::mem::take(&mut self.alike[b]);
                        self.of.extend(moved.iter().map(|op| (op.clone(), a)));
                        self.alike[a].extend(moved);
                        a
                    }
                    (Some(known), _) | (None, Some(known)) => known,
                    (None, None) => {
                        self.alike.push(Vec::new());
                        self.alike.len() - 1
                    }
                };
                for op in [from, to] {
                    if self.of.insert(op.clone(), into) != Some(into) {
                        self.alike[into].push(op);
                    }
                }
            }
        }
    }

    /// The first of all elements that are this one.
    pub fn first<'a>(&'a self, op: &'a Op) -> &'a Op {
        self.of.get(op).and_then(|at| self.alike[*at].first()).unwrap_or(op)
    }

    /// Whether a change is the server's own hand.
    pub fn is_hand(&self, change: &ChangeHash) -> bool {
        self.hands.contains(change)
    }

    fn deed(&self, change: ChangeHash, op: &Op, adopted: Option<bool>) -> Option<Deed> {
        let late = || self.late_from.is_some_and(|from| self.position.get(&change) >= Some(&from));
        let standing = match adopted {
            Some(true) => Standing::Adopted,
            Some(false) => return None,
            None if self.editorial.contains(&change) => Standing::Adopted,
            None if self.is_hand(&change) => return None,
            None if self.founding.contains(&change) => Standing::Adopted,
            None if late() => Standing::Late,
            None => Standing::Pending,
        };
        Some(Deed { change, op: op.clone(), standing })
    }

    fn did(&self, change: ChangeHash, op: &Op) -> Option<Deed> {
        self.deed(change, op, self.done.get(op).copied())
    }

    fn undid(&self, changes: &Hashes, op: &Op) -> Deeds {
        let each = changes
            .iter()
            .filter_map(|change| self.deed(*change, op, self.undone.get(&(*change, op.clone())).copied()));
        each.collect()
    }

    fn value(&self, of: &str, given: &Given) -> Option<Value> {
        Some(Value {
            put: self.did(given.put, &given.id)?,
            replaced: self.undid(&given.replaced, &given.id),
            of: of.to_owned(),
            value: given.value.clone(),
        })
    }

    /// What a document's provisions amount to.
    ///
    /// # Errors
    /// Different characters are said to be one word.
    pub fn amounts(&self, provisions: &[Provision]) -> Result<Vec<Whole>, Violation> {
        let mut alike: BTreeMap<&Op, Vec<&Provision>> = BTreeMap::new();
        for provision in provisions {
            alike.entry(self.first(&provision.id)).or_default().push(provision);
        }
        alike.into_iter().map(|(id, all)| self.whole(id, &all)).collect()
    }

    fn whole(&self, id: &Op, all: &[&Provision]) -> Result<Whole, Violation> {
        let mut words: BTreeMap<&Op, Word> = BTreeMap::new();
        for letter in all.iter().flat_map(|one| &one.letters) {
            let fresh = || Word { inserted: Deeds::new(), struck: Deeds::new(), character: letter.character };
            let word = words.entry(self.first(&letter.id)).or_insert_with(fresh);
            if word.character != letter.character {
                let how = format!("{} and {} are one", word.character, letter.character);
                return Err(Violation::new("joined words are alike", how));
            }
            word.inserted.extend(self.did(letter.inserted, &letter.id));
            word.struck.extend(self.undid(&letter.struck, &letter.id));
        }
        let fields = all.iter().flat_map(|one| &one.fields);
        let fields = fields.flat_map(|(field, given)| given.iter().filter_map(|one| self.value(field, one)));
        let suppressed = all.iter().flat_map(|one| &one.suppressed);
        Ok(Whole {
            id: format!("{}@{}", id.0, id.1),
            inserted: all.iter().filter_map(|one| self.did(one.inserted, &one.id)).collect(),
            removed: all.iter().flat_map(|one| self.undid(&one.removed, &one.id)).collect(),
            words: words.into_values().filter(|word| !word.inserted.is_empty()).collect(),
            fields: fields.collect(),
            suppressed: suppressed.filter_map(|(name, given)| self.value(name, given)).collect(),
        })
    }
}

fn parsed(hash: &str) -> Result<ChangeHash, Violation> {
    hash.parse().map_err(|_| Violation::new("ledger", format!("{hash} is no hash")))
}

/// The same, as a record of the attribution index has it.
pub fn recorded(record: &Record, index: &Index) -> Vec<Whole> {
    let named = |id: OpId, n: u32| {
        let first = OpRef::of(index, id).expect("an operation of the index");
        (u64::from(first.counter + n), first.actor)
    };
    let nth = |deed: &Recorded, n: u32| Deed {
        change: record.change(*deed).expect("in the record").hash,
        op: named(deed.op, n),
        standing: deed.standing,
    };
    let one = |deed: &Recorded| nth(deed, 0);
    let all = |deeds: &[Recorded]| deeds.iter().map(one).collect::<Deeds>();
    let each = record.provisions.iter().map(|provision| Whole {
        id: provision.id.0.clone(),
        inserted: all(&provision.inserted),
        removed: all(&provision.removed),
        words: provision
            .text
            .iter()
            .flat_map(|run| {
                (0..).zip(run.text.chars()).map(|(n, character)| Word {
                    inserted: run.inserted.iter().map(|deed| nth(deed, n)).collect(),
                    struck: run.struck.iter().map(|deed| nth(deed, n)).collect(),
                    character,
                })
            })
            .collect(),
        fields: provision
            .fields
            .iter()
            .flat_map(|(field, versions)| {
                versions.iter().map(|version| Value {
                    put: one(&version.put),
                    replaced: all(&version.replaced),
                    of: (*field).to_owned(),
                    value: version.value.clone(),
                })
            })
            .collect(),
        suppressed: provision
            .suppressed
            .iter()
            .map(|version| Value {
                put: one(&version.put),
                replaced: all(&version.lifted),
                of: version.delegation.to_string(),
                value: "true".to_owned(),
            })
            .collect(),
    });
    each.collect()
}
