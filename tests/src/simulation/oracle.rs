//! Who did what, found out in the simplest way there is: every change decoded, every text a tree of characters,
//! every key of a map a list of values. Shares nothing with the attribution index but the changes.

use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use automerge::{Change, ChangeHash, ScalarValue};
use codraft_protocol::authorship::Record;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Changes, by what they did to something.
pub type Hashes = BTreeSet<ChangeHash>;

/// A character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Which.
    pub character: char,
    /// Who inserted it.
    pub inserted: ChangeHash,
    /// Who struck it.
    pub struck: Hashes,
}

/// A value that a key was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value, as text.
    pub value: String,
    /// Who gave it.
    pub put: ChangeHash,
    /// Who replaced it.
    pub replaced: Hashes,
}

/// A provision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// Its id.
    pub id: String,
    /// Who added it.
    pub inserted: ChangeHash,
    /// Who removed it.
    pub removed: Hashes,
    /// Its text.
    pub letters: Vec<Letter>,
    /// Its fields.
    pub fields: BTreeMap<String, Vec<Given>>,
    /// Who suppressed it, each with who lifted that.
    pub suppressed: Vec<(String, ChangeHash, Hashes)>,
}

#[derive(Debug)]
struct Element {
    character: Option<char>,
    inserted: ChangeHash,
    struck: Hashes,
}

#[derive(Debug, Default)]
struct Object {
    /// What follows each element directly; `None`: what stands first.
    after: HashMap<Option<OpId>, Vec<OpId>>,
    elements: HashMap<OpId, Element>,
    /// Key → (id, value, the object it made).
    keys: BTreeMap<String, Vec<(OpId, Given, bool)>>,
}

impl Object {
    /// All elements, each before those that were inserted behind it, later ids first.
    fn order(&self) -> Vec<OpId> {
        let (mut out, mut stack) = (Vec::new(), vec![None]);
        while let Some(at) = stack.pop() {
            let mut next = self.after.get(&at).cloned().unwrap_or_default();
            // Ascending, so that the greatest is taken from the stack first.
            next.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            stack.extend(next.into_iter().map(Some));
            out.extend(at);
        }
        out
    }
}

fn shown(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Str(text) => text.to_string(),
        ScalarValue::Int(number) => number.to_string(),
        ScalarValue::Uint(number) => number.to_string(),
        ScalarValue::Boolean(truth) => truth.to_string(),
        _ => String::new(),
    }
}

/// The provisions, from all changes.
pub fn provisions(changes: &[Change]) -> Vec<Provision> {
    let mut objects: HashMap<ObjectId, Object> = HashMap::new();
    for change in changes {
        let (hash, expanded) = (change.hash(), change.decode());
        for (op, counter) in expanded.operations.iter().zip(expanded.start_op.get()..) {
            let id = OpId(counter, expanded.actor_id.clone());
            let object = objects.entry(op.obj.clone()).or_default();
            match (&op.key, op.insert) {
                (Key::Seq(place), true) => {
                    let after = match place {
                        ElementId::Head => None,
                        ElementId::Id(id) => Some(id.clone()),
                    };
                    object.after.entry(after).or_default().push(id.clone());
                    let character = match &op.action {
                        OpType::Put(ScalarValue::Str(text)) => text.chars().next(),
                        _ => None,
                    };
                    object.elements.insert(id, Element { character, inserted: hash, struck: Hashes::new() });
                }
                (Key::Seq(ElementId::Id(element)), false) => {
                    object.elements.get_mut(element).unwrap().struck.insert(hash);
                }
                (Key::Seq(ElementId::Head), false) => {}
                (Key::Map(key), _) => {
                    let values = object.keys.entry(key.to_string()).or_default();
                    for (other, given, _) in values.iter_mut() {
                        if op.pred.iter().any(|pred| pred == other) {
                            given.replaced.insert(hash);
                        }
                    }
                    let given = |value: String| Given { value, put: hash, replaced: Hashes::new() };
                    match &op.action {
                        OpType::Put(value) => values.push((id, given(shown(value)), false)),
                        OpType::Make(_) => values.push((id, given(String::new()), true)),
                        _ => {}
                    }
                    values.sort_by(|(a, ..), (b, ..)| (a.0, &a.1).cmp(&(b.0, &b.1)));
                }
            }
        }
    }
    let list = objects.get(&ObjectId::Root).and_then(|root| root.keys.get("provisions")?.last().cloned());
    let Some((list, ..)) = list else { return Vec::new() };
    let Some(list) = objects.get(&ObjectId::Id(list)) else { return Vec::new() };
    list.order().into_iter().map(|id| provision(&objects, list, &id)).collect()
}

fn provision(objects: &HashMap<ObjectId, Object>, list: &Object, id: &OpId) -> Provision {
    let element = &list.elements[id];
    let nothing = Object::default();
    let map = objects.get(&ObjectId::Id(id.clone())).unwrap_or(&nothing);
    let made = |key: &str| {
        let values = map.keys.get(key).into_iter().flatten().filter(|(_, _, made)| *made);
        values.filter_map(|(id, ..)| objects.get(&ObjectId::Id(id.clone()))).collect::<Vec<_>>()
    };
    let mut letters = Vec::new();
    for text in made("text") {
        for id in text.order() {
            let element = &text.elements[&id];
            letters.extend(element.character.map(|character| Letter {
                character,
                inserted: element.inserted,
                struck: element.struck.clone(),
            }));
        }
    }
    let mut suppressed = Vec::new();
    for entries in made("suppressed") {
        for (key, values) in &entries.keys {
            let set = values.iter().filter(|(_, given, _)| given.value == "true");
            suppressed.extend(set.map(|(_, given, _)| (key.clone(), given.put, given.replaced.clone())));
        }
    }
    let fields = ["enumerator", "kind", "level", "part", "separator"].into_iter().map(|field| {
        let values = map.keys.get(field).into_iter().flatten().map(|(_, given, _)| given.clone());
        (field.to_owned(), values.collect())
    });
    Provision {
        id: format!("{}@{}", id.0, id.1),
        inserted: element.inserted,
        removed: element.struck.clone(),
        letters,
        fields: fields.collect(),
        suppressed,
    }
}

/// The same, of the record of the attribution index.
pub fn recorded(record: &Record) -> Vec<Provision> {
    let hash = |deed: &codraft_protocol::authorship::Deed| record.change(*deed).expect("in the record").hash;
    let hashes = |deeds: &[codraft_protocol::authorship::Deed]| deeds.iter().map(hash).collect::<Hashes>();
    let provision = |provision: &std::sync::Arc<codraft_protocol::authorship::Provision>| Provision {
        id: provision.id.0.clone(),
        inserted: hash(&provision.inserted[0]),
        removed: hashes(&provision.removed),
        letters: provision
            .text
            .iter()
            .flat_map(|run| {
                run.text.chars().map(|character| Letter {
                    character,
                    inserted: hash(&run.inserted[0]),
                    struck: hashes(&run.struck),
                })
            })
            .collect(),
        fields: provision
            .fields
            .iter()
            .map(|(field, versions)| {
                let given = |version: &codraft_protocol::authorship::FieldVersion| Given {
                    value: version.value.clone(),
                    put: hash(&version.put),
                    replaced: hashes(&version.replaced),
                };
                ((*field).to_owned(), versions.iter().map(given).collect())
            })
            .collect(),
        suppressed: provision
            .suppressed
            .iter()
            .map(|one| (one.delegation.to_string(), hash(&one.put), hashes(&one.lifted)))
            .collect(),
    };
    record.provisions.iter().map(provision).collect()
}
