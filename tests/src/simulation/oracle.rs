//! Who did what, found out in the simplest way there is: every change decoded, every text a tree of characters,
//! every key of a map a list of values. Shares nothing with the attribution index but the changes.

use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ScalarValue};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Changes, by what they did to something.
pub type Hashes = BTreeSet<ChangeHash>;

/// An operation: its counter and its actor.
pub type Op = (u64, ActorId);

/// A character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its element.
    pub id: Op,
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
    /// The operation that gave it.
    pub id: Op,
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
    /// Its element.
    pub id: Op,
    /// Who added it.
    pub inserted: ChangeHash,
    /// Who removed it.
    pub removed: Hashes,
    /// Its text.
    pub letters: Vec<Letter>,
    /// Its fields.
    pub fields: BTreeMap<String, Vec<Given>>,
    /// In whose name it was suppressed.
    pub suppressed: Vec<(String, Given)>,
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
                    let op_id = (id.0, id.1.clone());
                    let given =
                        |value: String| Given { id: op_id, value, put: hash, replaced: Hashes::new() };
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

/// Which change did each operation that inserts or writes something.
pub fn operations(provisions: &[Provision]) -> HashMap<Op, ChangeHash> {
    let mut all = HashMap::new();
    for one in provisions {
        all.insert(one.id.clone(), one.inserted);
        all.extend(one.letters.iter().map(|letter| (letter.id.clone(), letter.inserted)));
        let given = one.fields.values().flatten().chain(one.suppressed.iter().map(|(_, given)| given));
        all.extend(given.map(|given| (given.id.clone(), given.put)));
    }
    all
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
                id: (id.0, id.1.clone()),
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
            suppressed.extend(set.map(|(_, given, _)| (key.clone(), given.clone())));
        }
    }
    let fields = ["enumerator", "kind", "level", "part", "separator"].into_iter().map(|field| {
        let values = map.keys.get(field).into_iter().flatten().map(|(_, given, _)| given.clone());
        (field.to_owned(), values.collect())
    });
    Provision {
        id: (id.0, id.1.clone()),
        inserted: element.inserted,
        removed: element.struck.clone(),
        letters,
        fields: fields.collect(),
        suppressed,
    }
}
