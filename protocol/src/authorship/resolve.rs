//! Resolves a decoded change against the index: every object, element and predecessor that it names must
//! exist, be of the right kind, and lie inside the schema.

use super::gate::{Limits, Refusal};
use super::index::Index;
use super::index::id::{ActorIx, OpId};
use super::index::object::{Place, Value};
use super::index::operation::{Operation, Resolved};
use crate::id::DelegationCode;
use crate::resolution::schema;
use crate::resolution::text_form::is_control;
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue, legacy};
use hashbrown::{HashMap, HashSet};
use std::cell::Cell;

/// Whose change it is, and what that one may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The writer's delegation; `None` for a trusted log, whose changes have all passed before.
    pub(crate) writer: Option<&'a DelegationCode>,
    /// Bounds.
    pub(crate) limits: &'a Limits,
}

impl Rules<'_> {
    /// For a log that passed the gate when it was written: structure is checked, limits and rights are not.
    pub(crate) const TRUSTED: Self = Rules { writer: None, limits: &Limits::UNBOUNDED };
}

/// Resolves `change`, whose decoded form is `expanded`.
pub(crate) fn resolve(
    index: &Index,
    change: &Change,
    expanded: &ExpandedChange,
    rules: Rules<'_>,
) -> Result<Resolved, Refusal> {
    let history = &index.history;
    let deps: Option<Vec<_>> = change.deps().iter().map(|dep| history.position(dep)).collect();
    let deps = deps.ok_or(Refusal::MissingDependencies)?;
    let expected = index.last_seq(change.actor_id()) + 1;
    if change.seq() != expected {
        return Err(match change.seq() < expected {
            true => Refusal::Equivocation,
            false => Refusal::SeqGap { given: change.seq(), expected },
        });
    }
    let Ok(start) = u32::try_from(change.start_op().get()) else { return Err(Refusal::CounterOutOfRange) };
    let count = expanded.operations.len() as u64;
    // No honest counter exceeds the number of operations that its author knew and made; some may still be on their
    // way.
    let known = history.operations.saturating_add(count);
    let ceiling = known.saturating_add(COUNTER_SLACK).min(u64::from(u32::MAX / 2));
    if u64::from(start).saturating_add(count) > ceiling {
        return Err(Refusal::CounterOutOfRange);
    }
    let own = history.actor(change.actor_id());
    let previous = own.and_then(|actor| history.of_actor(actor).last().copied());
    // An actor's changes build on each other; Automerge itself never writes them otherwise.
    if previous.is_some_and(|previous| !deps.iter().any(|dep| history.saw(*dep, previous))) {
        return Err(Refusal::NotOnOwnHistory);
    }
    if deps.iter().filter_map(|dep| history.entry(*dep)).any(|entry| entry.last() >= start) {
        return Err(Refusal::CounterOutOfRange);
    }
    // Automerge finds a saved change's first number by its operations; of a change without any, by those that it
    // builds on. One that leaves a gap applies, and then the saved document cannot be loaded (found by fuzzing).
    let seen = deps.iter().filter_map(|dep| history.entry(*dep)).map(|entry| u64::from(entry.last())).max();
    if expanded.operations.is_empty() && u64::from(start) != seen.unwrap_or(0) + 1 {
        return Err(Refusal::CounterOutOfRange);
    }
    let mut resolver = Resolver {
        index,
        rules,
        own: history.actor_or_next(change.actor_id()),
        recent: Cell::default(),
        own_id: change.actor_id(),
        founding: index.is_empty(),
        made: HashMap::new(),
        inserted: HashSet::new(),
        written: HashMap::new(),
        grown: HashMap::new(),
        counter: start,
    };
    let mut operations = Vec::new();
    for (n, op) in expanded.operations.iter().enumerate() {
        let counter = start.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        let id = OpId { counter, actor: resolver.own };
        let operation = resolver.operation(id, op)?;
        match (operations.last_mut(), operation) {
            (
                Some(Operation::Strike { sequence, element, len }),
                Operation::Strike { sequence: same, element: next, .. },
            ) if same == *sequence && next == element.plus(*len) => *len += 1,
            (_, operation) => operations.push(operation),
        }
    }
    Ok(Resolved {
        hash: change.hash(),
        actor: change.actor_id().clone(),
        start,
        count: u32::try_from(count).map_err(|_| Refusal::CounterOutOfRange)?,
        time: change.timestamp(),
        deps,
        operations,
    })
}

/// How far a counter may be ahead of all operations known, for changes that are still on their way.
const COUNTER_SLACK: u64 = 1 << 20;

struct Resolver<'a> {
    index: &'a Index,
    rules: Rules<'a>,
    own: ActorIx,
    /// The actor of the last id but its own: the next one is often the same.
    recent: Cell<ActorIx>,
    own_id: &'a ActorId,
    /// Whether this is the document's first change, which lays out the root.
    founding: bool,
    /// Objects that this change makes.
    made: HashMap<OpId, Place>,
    /// Elements that this change inserts: (sequence, element).
    inserted: HashSet<(OpId, OpId)>,
    /// Values that this change writes: (map, key) → ids.
    written: HashMap<(OpId, String), Vec<OpId>>,
    /// How many elements this change adds to a sequence.
    grown: HashMap<OpId, usize>,
    /// The counter of the operation at hand: it refers to smaller ones only.
    counter: u32,
}

impl Resolver<'_> {
    fn operation(&mut self, id: OpId, op: &legacy::Op) -> Result<Operation, Refusal> {
        self.counter = id.counter;
        let object = match &op.obj {
            legacy::ObjectId::Root => OpId::ROOT,
            legacy::ObjectId::Id(id) => self.id(id)?,
        };
        let place = self.place(object).ok_or(Refusal::UnknownObject)?;
        match (&op.key, place.is_sequence()) {
            (legacy::Key::Map(key), false) => self.in_map(id, object, place, key, op),
            (legacy::Key::Seq(element), true) => self.in_sequence(id, object, place, element, op),
            _ => Err(Refusal::WrongKey),
        }
    }

    fn id(&self, id: &legacy::OpId) -> Result<OpId, Refusal> {
        let actor = self.actor(&id.1);
        let counter = u32::try_from(id.0).map_err(|_| Refusal::CounterOutOfRange)?;
        // Nobody can refer to what did not exist yet.
        if counter >= self.counter {
            return Err(Refusal::CounterOutOfRange);
        }
        Ok(OpId { counter, actor: actor.ok_or(Refusal::UnknownActor)? })
    }

    fn actor(&self, id: &ActorId) -> Option<ActorIx> {
        if id == self.own_id {
            return Some(self.own);
        }
        if self.index.actor_at(self.recent.get()) != Some(id) {
            self.recent.set(self.index.actor(id)?);
        }
        Some(self.recent.get())
    }

    fn place(&self, object: OpId) -> Option<Place> {
        self.made.get(&object).copied().or_else(|| self.index.objects.get(&object).map(|object| object.place))
    }

    fn in_map(
        &mut self,
        id: OpId,
        map: OpId,
        place: Place,
        key: &str,
        op: &legacy::Op,
    ) -> Result<Operation, Refusal> {
        if op.insert {
            return Err(Refusal::WrongKey);
        }
        let replaces = op.pred.iter().map(|pred| self.id(pred)).collect::<Result<Vec<_>, _>>()?;
        let own = self.written.get(&(map, key.to_owned())).map(Vec::as_slice).unwrap_or_default();
        let known = self.index.objects.get(&map).map(|object| object.versions(key)).unwrap_or_default();
        let exists = |pred: &OpId| own.contains(pred) || known.iter().any(|version| version.id == *pred);
        if !replaces.iter().all(exists) {
            return Err(Refusal::UnknownPredecessor);
        }
        let first = known.is_empty() && own.is_empty();
        let (value, makes) = match &op.action {
            legacy::OpType::Delete if replaces.is_empty() => return Err(Refusal::UnknownPredecessor),
            legacy::OpType::Delete => {
                self.may_delete(place, key)?;
                return Ok(Operation::Delete { map, key: key.to_owned(), replaces });
            }
            legacy::OpType::Make(kind) => {
                let made = self.made_in_map(id, map, place, key, *kind, first)?;
                self.made.insert(id, made);
                (Value::Object(id), Some(made))
            }
            legacy::OpType::Put(scalar) => (self.put_in_map(place, key, scalar)?, None),
            legacy::OpType::Increment(_) => return Err(Refusal::Counter),
            legacy::OpType::MarkBegin(_) | legacy::OpType::MarkEnd(_) => return Err(Refusal::Mark),
        };
        self.written.entry((map, key.to_owned())).or_default().push(id);
        Ok(Operation::Put { id, map, key: key.to_owned(), value, makes, replaces })
    }

    /// What a new object under `key` is for.
    fn made_in_map(
        &self,
        id: OpId,
        map: OpId,
        place: Place,
        key: &str,
        kind: ObjType,
        first: bool,
    ) -> Result<Place, Refusal> {
        match (place, key, kind) {
            (Place::Root, schema::PROVISIONS, ObjType::List) if self.founding => Ok(Place::Provisions),
            (Place::Root | Place::Fixed, _, ObjType::Map) if self.founding => Ok(Place::Fixed),
            (Place::Root | Place::Fixed, ..) => Err(Refusal::OutsideProvisions),
            (Place::Provision, schema::TEXT, ObjType::Text) if first => Ok(Place::Text(map)),
            (Place::Provision, schema::TEXT, _) => Err(Refusal::TextReplaced),
            (Place::Provision, schema::SUPPRESSED, ObjType::Map) => Ok(Place::Suppressed(map)),
            (Place::Provision, _, ObjType::Text) if schema::FIELDS.contains(&key) => Ok(Place::FieldText(id)),
            _ => Err(Refusal::OutsideSchema { key: key.chars().take(40).collect() }),
        }
    }

    fn put_in_map(&self, place: Place, key: &str, scalar: &ScalarValue) -> Result<Value, Refusal> {
        let value = match scalar {
            ScalarValue::Str(text) => Value::Text(text.to_string()),
            ScalarValue::Int(number) => Value::Number(*number),
            ScalarValue::Uint(number) => Value::Number(i64::try_from(*number).unwrap_or(i64::MAX)),
            ScalarValue::F64(number) if number.fract() == 0.0 && (0.0..=1e6).contains(number) => {
                // JavaScript writes small integers as floats where a client asks for it.
                #[allow(clippy::cast_possible_truncation)]
                Value::Number(*number as i64)
            }
            ScalarValue::Boolean(truth) => Value::Truth(*truth),
            ScalarValue::Counter(_) => return Err(Refusal::Counter),
            _ => Value::Other,
        };
        let outside = || Refusal::OutsideSchema { key: key.chars().take(40).collect() };
        match place {
            Place::Root | Place::Fixed if self.founding => Ok(value),
            Place::Root | Place::Fixed => Err(Refusal::OutsideProvisions),
            Place::Provision => match &value {
                Value::Text(_) if key == schema::TEXT => Err(Refusal::TextReplaced),
                Value::Text(text) if schema::FIELDS.contains(&key) && key != schema::LEVEL => {
                    if text.chars().count() > FIELD_CHARS || text.chars().any(is_control) {
                        return Err(outside());
                    }
                    Ok(value)
                }
                Value::Number(0..=9) if key == schema::LEVEL => Ok(value),
                _ => Err(outside()),
            },
            Place::Suppressed(_) => {
                self.is_own(key)?;
                if matches!(value, Value::Truth(_)) { Ok(value) } else { Err(outside()) }
            }
            Place::Provisions | Place::Text(_) | Place::FieldText(_) => Err(Refusal::WrongKey),
        }
    }

    fn may_delete(&self, place: Place, key: &str) -> Result<(), Refusal> {
        match place {
            Place::Suppressed(_) => self.is_own(key),
            // Automerge writes a deletion where one of several concurrent values is chosen again.
            Place::Provision if schema::FIELDS.contains(&key) => Ok(()),
            Place::Root | Place::Fixed => Err(Refusal::OutsideProvisions),
            _ => Err(Refusal::OutsideSchema { key: key.chars().take(40).collect() }),
        }
    }

    /// A delegation suppresses in its own name only.
    fn is_own(&self, key: &str) -> Result<(), Refusal> {
        match self.rules.writer {
            Some(writer) if writer.as_str() != key => Err(Refusal::SuppressedForAnother {
                named: key.chars().take(40).collect(),
                sender: writer.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn in_sequence(
        &mut self,
        id: OpId,
        sequence: OpId,
        place: Place,
        element: &legacy::ElementId,
        op: &legacy::Op,
    ) -> Result<Operation, Refusal> {
        let element = match element {
            legacy::ElementId::Head => None,
            legacy::ElementId::Id(element) => {
                let element = self.id(element)?;
                let known = self.inserted.contains(&(sequence, element))
                    || self
                        .index
                        .objects
                        .get(&sequence)
                        .is_some_and(|object| object.sequence.contains(element));
                Some(known.then_some(element).ok_or(Refusal::UnknownElement)?)
            }
        };
        if let Place::FieldText(made) = place
            && !self.made.contains_key(&made)
        {
            return Err(Refusal::FieldTextEdited);
        }
        if !op.insert {
            return self.strike(sequence, element, op);
        }
        if !op.pred.is_empty() {
            return Err(Refusal::UnknownPredecessor);
        }
        self.grow(sequence, place)?;
        self.inserted.insert((sequence, id));
        match (&op.action, place) {
            (legacy::OpType::Make(ObjType::Map), Place::Provisions) => {
                self.made.insert(id, Place::Provision);
                Ok(Operation::InsertProvision { id, list: sequence, after: element })
            }
            (_, Place::Provisions) => Err(Refusal::OutsideSchema { key: schema::PROVISIONS.to_owned() }),
            (legacy::OpType::Put(ScalarValue::Str(text)), _) => {
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(character), None) if is_control(character) => Err(Refusal::ControlCharacter),
                    (Some(character), None) => {
                        Ok(Operation::InsertCharacter { id, text: sequence, after: element, character })
                    }
                    _ => Err(Refusal::NotACharacter),
                }
            }
            (legacy::OpType::MarkBegin(_) | legacy::OpType::MarkEnd(_), _) => Err(Refusal::Mark),
            _ => Err(Refusal::NotACharacter),
        }
    }

    fn strike(&self, sequence: OpId, element: Option<OpId>, op: &legacy::Op) -> Result<Operation, Refusal> {
        let element = element.ok_or(Refusal::UnknownElement)?;
        match op.action {
            legacy::OpType::Delete => {}
            legacy::OpType::Increment(_) => return Err(Refusal::Counter),
            legacy::OpType::MarkBegin(_) | legacy::OpType::MarkEnd(_) => return Err(Refusal::Mark),
            _ => return Err(Refusal::NotACharacter),
        }
        // An element is never overwritten, so its only value is its insertion.
        let preds = op.pred.iter().map(|pred| self.id(pred)).collect::<Result<Vec<_>, _>>()?;
        if preds != [element] {
            return Err(Refusal::UnknownPredecessor);
        }
        Ok(Operation::Strike { sequence, element, len: 1 })
    }

    fn grow(&mut self, sequence: OpId, place: Place) -> Result<(), Refusal> {
        let before = self.index.objects.get(&sequence).map_or(0, |object| object.sequence.elements());
        let grown = self.grown.entry(sequence).or_default();
        *grown += 1;
        let (limit, what) = match place {
            Place::Provisions => (self.rules.limits.provisions, "provisions"),
            _ => (self.rules.limits.text_chars, "characters in one provision"),
        };
        if before + *grown > limit {
            return Err(Refusal::DocumentTooLarge { what, limit });
        }
        Ok(())
    }
}

/// Characters that a scalar field may have.
const FIELD_CHARS: usize = 64;
