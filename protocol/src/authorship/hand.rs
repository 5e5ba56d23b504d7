//! The server's own hand: one change that makes the document show what the deeds amount to.
//!
//! After a ruling, a withdrawal or a late strike, the document may show words that no longer count, or lack
//! words that do. Automerge has no undoing, so the hand strikes the ones and inserts the others anew, each right
//! behind the element that it brings back, and says which new element is which old one. None of its operations
//! is a deed: attribution names those whose deeds they carry out.

use super::index::Index;
use super::index::build::words::Stretch;
use super::index::id::{ActorIx, OpId};
use super::index::object::Value;
use super::record::{Deed, Provision};
use super::scope::Scope;
use super::settled::{Element, Settled};
use crate::resolution::schema;
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue, legacy};
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// Elements that are henceforth the same words: `len` from each side on, by counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The text or list of the elements that no longer stand for them.
    pub from_sequence: OpId,
    /// The first of these.
    pub from: OpId,
    /// The text or list of the elements that do.
    pub to_sequence: OpId,
    /// The first of those.
    pub to: OpId,
    /// How many.
    pub len: u32,
}

/// What the hand writes.
#[derive(Clone, Debug)]
pub struct Written {
    /// The change.
    pub change: Change,
    /// Its decoded form.
    pub decoded: ExpandedChange,
    /// Which elements are the same from now on.
    pub joins: Vec<Join>,
}

/// With which actor and at which time the hand writes.
#[derive(Clone, Debug)]
pub struct Pen {
    /// Its actor: random, and the hand's alone.
    pub actor: ActorId,
    /// Seconds since 1970.
    pub time: i64,
    /// For those who read the history.
    pub message: String,
}

impl Settled {
    /// Takes elements as the same from now on.
    pub fn take_joins(&mut self, joins: &[Join]) {
        for join in joins {
            for n in 0..join.len {
                let from = Element { sequence: join.from_sequence, id: join.from.plus(n) };
                let to = Element { sequence: join.to_sequence, id: join.to.plus(n) };
                self.join(from, to);
            }
        }
    }
}

/// Provisions in which the hand had nothing to do when it last looked, and how many changes there were when one
/// last touched each. It is for one index that only grows; whoever settles something says so.
#[derive(Clone, Debug, Default)]
pub struct Tidy(HashMap<OpId, u32>);

impl Tidy {
    /// Something was settled about these provisions, those that are alike included.
    pub(crate) fn resettled(&mut self, scope: &Scope) {
        self.0.retain(|id, _| !scope.has(*id));
    }
}

/// The change that is needed, if one is. The index is at heads on which it can be built.
pub fn write(index: &Index, settled: &Settled, pen: &Pen, tidy: &mut Tidy) -> Option<Written> {
    let mut writer = Writer::new(index, settled, pen)?;
    let list = index.provisions?;
    for body in index.bodies(settled) {
        let touched = index.touched(body, settled);
        if tidy.0.get(&body) == Some(&touched) {
            continue;
        }
        let before = writer.ops.len();
        writer.provision(list, body);
        if writer.ops.len() == before {
            tidy.0.insert(body, touched);
        }
    }
    writer.finish()
}

/// Moves a provision behind another one (to the start for `None`): its element is made anew there.
pub fn move_behind(
    index: &Index,
    settled: &Settled,
    pen: &Pen,
    provision: OpId,
    behind: Option<OpId>,
) -> Option<Written> {
    let mut writer = Writer::new(index, settled, pen)?;
    let list = index.provisions?;
    let alike = index.alike(provision, settled);
    let record = index.frame(provision, settled);
    writer.strike(list, provision);
    writer.anew(list, provision, behind, &alike, &record);
    writer.finish()
}

/// Numbers provisions.
pub fn number(index: &Index, settled: &Settled, pen: &Pen, numbers: &[(OpId, String)]) -> Option<Written> {
    let mut writer = Writer::new(index, settled, pen)?;
    for (provision, enumerator) in numbers {
        writer.set(*provision, schema::ENUMERATOR, Some(enumerator));
    }
    writer.finish()
}

struct Writer<'a> {
    index: &'a Index,
    settled: &'a Settled,
    pen: &'a Pen,
    own: ActorIx,
    start: u32,
    ops: Vec<legacy::Op>,
    joins: Vec<Join>,
}

/// Whether somebody's insertion counts and nobody's strike does.
fn stands(inserted: &[Deed], struck: &[Deed]) -> bool {
    !inserted.is_empty() && struck.is_empty()
}

impl<'a> Writer<'a> {
    fn new(index: &'a Index, settled: &'a Settled, pen: &'a Pen) -> Option<Self> {
        let last = index.heads().iter().filter_map(|head| index.position(head)).collect::<Vec<_>>();
        let last =
            last.into_iter().filter_map(|ix| index.history.entry(ix)).map(|entry| entry.last()).max()?;
        let own = index.history.actor_or_next(&pen.actor);
        Some(Self { index, settled, pen, own, start: last + 1, ops: Vec::new(), joins: Vec::new() })
    }

    fn finish(self) -> Option<Written> {
        if self.ops.is_empty() {
            return None;
        }
        let decoded = ExpandedChange {
            operations: self.ops,
            actor_id: self.pen.actor.clone(),
            hash: None,
            seq: self.index.last_seq(&self.pen.actor) + 1,
            start_op: NonZeroU64::new(u64::from(self.start))?,
            time: self.pen.time,
            message: Some(self.pen.message.clone()),
            deps: self.index.heads(),
            extra_bytes: Vec::new(),
            author: None,
        };
        let change = Change::from(decoded.clone());
        debug_assert_eq!(change.decode().operations, decoded.operations);
        Some(Written { change, decoded, joins: self.joins })
    }

    fn legacy(&self, op: OpId) -> legacy::OpId {
        let known = self.index.actor_at(op.actor).unwrap_or(&self.pen.actor);
        legacy::OpId::new(u64::from(op.counter), known)
    }

    fn object(&self, object: OpId) -> legacy::ObjectId {
        if object == OpId::ROOT { legacy::ObjectId::Root } else { legacy::ObjectId::Id(self.legacy(object)) }
    }

    fn push(
        &mut self,
        object: OpId,
        key: legacy::Key,
        action: legacy::OpType,
        pred: &[OpId],
        insert: bool,
    ) -> OpId {
        let counter = self.start.saturating_add(u32::try_from(self.ops.len()).unwrap_or(u32::MAX));
        let pred = pred.iter().map(|op| self.legacy(*op)).collect::<Vec<_>>().into();
        self.ops.push(legacy::Op { action, obj: self.object(object), key, pred, insert });
        OpId { actor: self.own, counter }
    }

    fn element(&self, after: Option<OpId>) -> legacy::Key {
        legacy::Key::Seq(after.map_or(legacy::ElementId::Head, |id| legacy::ElementId::Id(self.legacy(id))))
    }

    fn insert(&mut self, sequence: OpId, after: Option<OpId>, action: legacy::OpType) -> OpId {
        let key = self.element(after);
        self.push(sequence, key, action, &[], true)
    }

    fn strike(&mut self, sequence: OpId, element: OpId) {
        let key = self.element(Some(element));
        self.push(sequence, key, legacy::OpType::Delete, &[element], false);
    }

    fn put(&mut self, map: OpId, key: &str, action: legacy::OpType, pred: &[OpId]) -> OpId {
        self.push(map, legacy::Key::Map(key.into()), action, pred, false)
    }

    fn join(&mut self, from: (OpId, OpId), to: (OpId, OpId)) {
        match self.joins.last_mut() {
            Some(last)
                if (last.from_sequence, last.from.plus(last.len)) == from
                    && (last.to_sequence, last.to.plus(last.len)) == to =>
            {
                last.len += 1;
            }
            _ => self.joins.push(Join {
                from_sequence: from.0,
                from: from.1,
                to_sequence: to.0,
                to: to.1,
                len: 1,
            }),
        }
    }

    fn is_visible(&self, sequence: OpId, element: OpId) -> bool {
        let object = self.index.objects.get(&sequence);
        object.and_then(|object| object.sequence.struck(element)).is_some_and(<[_]>::is_empty)
    }

    fn provision(&mut self, list: OpId, body: OpId) {
        let alike = self.index.alike(body, self.settled);
        let record = self.index.frame(body, self.settled);
        let suppressed = record
            .suppressed
            .iter()
            .any(|one| one.put.is_adopted() && !one.lifted.iter().any(Deed::is_adopted));
        let wanted = stands(&record.inserted, &record.removed) && !suppressed;
        for other in alike.iter().filter(|id| **id != body) {
            if self.is_visible(list, *other) {
                self.strike(list, *other);
            }
        }
        match (wanted, self.is_visible(list, body)) {
            (true, true) => {
                self.fields(body, &record);
                self.suppressions(body, &record);
                self.text(body, &alike);
            }
            (true, false) => self.anew(list, body, Some(body), &alike, &record),
            (false, true) => self.strike(list, body),
            (false, false) => {}
        }
    }

    /// Makes a provision's element anew behind another one.
    fn anew(&mut self, list: OpId, body: OpId, behind: Option<OpId>, alike: &[OpId], record: &Provision) {
        let map = self.insert(list, behind, legacy::OpType::Make(ObjType::Map));
        self.join((list, body), (list, map));
        for field in schema::FIELDS {
            if let Some(value) = standing_value(record, field) {
                self.put(map, field, legacy::OpType::Put(scalar(field, value)), &[]);
            }
        }
        let entries = self.put(map, schema::SUPPRESSED, legacy::OpType::Make(ObjType::Map), &[]);
        for code in standing_suppressions(record) {
            self.put(entries, code, legacy::OpType::Put(ScalarValue::Boolean(true)), &[]);
        }
        let text = self.put(map, schema::TEXT, legacy::OpType::Make(ObjType::Text), &[]);
        let mut previous = None;
        for stretch in self.index.stretches(&self.index.texts(body, alike), self.settled) {
            if stands(&stretch.inserted, &stretch.struck) {
                previous = self.again(text, previous, &stretch);
            }
        }
    }

    /// Inserts a stretch's words behind an element; returns the last new one.
    fn again(&mut self, text: OpId, mut behind: Option<OpId>, stretch: &Stretch) -> Option<OpId> {
        for (n, character) in (0..).zip(stretch.text.chars()) {
            let new = self.insert(text, behind, put_character(character));
            self.join((stretch.sequence, stretch.id.plus(n)), (text, new));
            behind = Some(new);
        }
        behind
    }

    fn text(&mut self, body: OpId, alike: &[OpId]) {
        let texts = self.index.texts(body, alike);
        // A provision without a text has no words to bring back: the gate lets no second text in.
        let Some((text, _)) = texts.first().copied().filter(|(text, _)| self.is_of(body, *text)) else {
            return;
        };
        let mut previous = None;
        for stretch in self.index.stretches(&texts, self.settled) {
            let wanted = stands(&stretch.inserted, &stretch.struck);
            let here = stretch.sequence == text;
            let visible = here && self.is_visible(text, stretch.id);
            let len = u32::try_from(stretch.text.chars().count()).unwrap_or(0);
            match (wanted, visible) {
                (true, false) if here => {
                    // Each one behind the very element that it brings back: what others write there later, without
                    // knowing, stands in its place.
                    for (n, character) in (0..).zip(stretch.text.chars()) {
                        let old = stretch.id.plus(n);
                        let new = self.insert(text, Some(old), put_character(character));
                        self.join((text, old), (text, new));
                        previous = Some(new);
                    }
                }
                (true, false) => previous = self.again(text, previous, &stretch),
                (false, true) => {
                    for n in 0..len {
                        self.strike(text, stretch.id.plus(n));
                    }
                    previous = Some(stretch.id.plus(len.saturating_sub(1)));
                }
                _ if here => previous = Some(stretch.id.plus(len.saturating_sub(1))),
                _ => {}
            }
            // Of several elements that are one word, only one is shown.
            if let Some(likeness) = self.settled.likeness(stretch.id) {
                let others =
                    likeness.members.iter().filter(|one| one.sequence == text && one.id != stretch.id);
                let others: Vec<OpId> = others.map(|one| one.id).collect();
                for other in others {
                    if self.is_visible(text, other) {
                        self.strike(text, other);
                    }
                }
            }
        }
    }

    /// Whether a text is this provision element's own.
    fn is_of(&self, provision: OpId, text: OpId) -> bool {
        self.index.text_of(provision).is_some_and(|(own, _)| own == text)
    }

    fn fields(&mut self, body: OpId, record: &Provision) {
        for field in schema::FIELDS {
            self.set(body, field, standing_value(record, field));
        }
    }

    /// Gives a field of an element a value, where it shows another one.
    fn set(&mut self, map: OpId, field: &str, value: Option<&str>) {
        let versions = self.index.versions(&[map], field);
        let shown: Vec<_> = versions.into_iter().filter(|version| version.replaced.is_empty()).collect();
        let current = shown.last().map(|version| self.index.scalar(&version.value));
        if current.as_deref() == value {
            return;
        }
        let pred: Vec<OpId> = shown.iter().map(|version| version.id).collect();
        match value {
            Some(value) => drop(self.put(map, field, legacy::OpType::Put(scalar(field, value)), &pred)),
            None => drop(self.put(map, field, legacy::OpType::Delete, &pred)),
        }
    }

    fn suppressions(&mut self, body: OpId, record: &Provision) {
        let wanted: BTreeSet<&str> = standing_suppressions(record).collect();
        let mut shown = BTreeSet::new();
        let mut last = None;
        for version in self.index.versions(&[body], schema::SUPPRESSED) {
            let Value::Object(map) = version.value else { continue };
            if !version.replaced.is_empty() {
                continue;
            }
            last = Some(map);
            let Some(object) = self.index.objects.get(&map) else { continue };
            for (key, versions) in &object.keys {
                let standing: Vec<_> =
                    versions.iter().filter(|version| version.replaced.is_empty()).collect();
                if !standing.iter().any(|version| version.value == Value::Truth(true)) {
                    continue;
                }
                if wanted.contains(key.as_str()) {
                    shown.insert(key.as_str());
                } else {
                    let pred: Vec<OpId> = standing.iter().map(|version| version.id).collect();
                    self.put(map, key, legacy::OpType::Delete, &pred);
                }
            }
        }
        for code in wanted.difference(&shown) {
            let map = *last.get_or_insert_with(|| {
                self.put(body, schema::SUPPRESSED, legacy::OpType::Make(ObjType::Map), &[])
            });
            let versions =
                self.index.objects.get(&map).map(|object| object.versions(code)).unwrap_or_default();
            let pred: Vec<OpId> = versions
                .iter()
                .filter(|version| version.replaced.is_empty())
                .map(|version| version.id)
                .collect();
            self.put(map, code, legacy::OpType::Put(ScalarValue::Boolean(true)), &pred);
        }
    }
}

fn put_character(character: char) -> legacy::OpType {
    legacy::OpType::Put(ScalarValue::Str(character.to_string().into()))
}

/// A field's value as the schema writes it.
fn scalar(field: &str, value: &str) -> ScalarValue {
    match value.parse::<i64>() {
        Ok(number) if field == schema::LEVEL => ScalarValue::Int(number),
        _ => ScalarValue::Str(value.into()),
    }
}

/// The value that a field has by all deeds that count.
fn standing_value<'r>(record: &'r Provision, field: &str) -> Option<&'r str> {
    let versions = record.field(field).iter();
    versions.rev().find(|version| version.replaced.is_empty()).map(|version| version.value.as_str())
}

/// Who suppresses a provision by deeds that count.
fn standing_suppressions(record: &Provision) -> impl Iterator<Item = &str> {
    let standing = record.suppressed.iter().filter(|one| one.lifted.is_empty());
    standing.map(|one| one.delegation.as_str()).collect::<BTreeSet<_>>().into_iter()
}
