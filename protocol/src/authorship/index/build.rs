//! The record, built from the index relative to what is settled.

pub(crate) mod words;

use super::Index;
use super::id::OpId;
use super::object::{Object, Value, Version};
use super::sequence::Sequence;
use crate::authorship::ChangeIx;
use crate::authorship::record::{Changes, Deed, FieldVersion, Provision, Record, Suppression, TextRun};
use crate::authorship::{Scope, Settled};
use crate::id::{DelegationCode, ProvisionId};
use crate::resolution::schema;
use crate::resolution::text_form::Layout;
use std::sync::Arc;
use words::{TakenBack, Wanted};

impl Index {
    /// How the text form is laid out: written with the imported text, and never again. `None`: there is no resolution.
    pub fn layout(&self) -> Option<Layout> {
        let value = |object: OpId, key: &str| Some(&self.objects.get(&object)?.versions(key).last()?.value);
        let Value::Object(map) = value(OpId::ROOT, schema::LAYOUT)? else { return None };
        let is_true = |key: &str| matches!(value(*map, key), Some(Value::Truth(true)));
        let is_crlf =
            matches!(value(*map, schema::LINE_ENDING), Some(Value::Text(ending)) if ending == "\r\n");
        Some(Layout {
            line_ending: if is_crlf { "\r\n" } else { "\n" },
            final_newline: is_true(schema::FINAL_NEWLINE),
            bom: is_true(schema::BOM),
        })
    }

    /// All provisions with their deeds, relative to what is settled: without words that are nobody's proposal and nobody's
    /// loss, since their own author took them back.
    pub fn record(&self, settled: &Settled) -> Record {
        let provisions = self.bodies(settled).map(|body| Arc::new(self.provision(body, settled)));
        Record { changes: self.changes(), provisions: provisions.collect() }
    }

    /// The same with all words, those too that their authors took back: whatever is derived from it comes out the same.
    pub fn whole_record(&self, settled: &Settled) -> Record {
        let whole = |body| {
            let text = self.all_words(body, settled);
            Arc::new(Provision { text, ..self.frame(body, settled) })
        };
        Record { changes: self.changes(), provisions: self.bodies(settled).map(whole).collect() }
    }

    /// The words of a provision that count anywhere, those too that their authors took back.
    pub(crate) fn all_words(&self, body: OpId, settled: &Settled) -> Vec<TextRun> {
        self.words(&self.texts(body, &self.alike(body, settled)), settled, Wanted::All)
    }

    /// The same, where all that is settled otherwise than in another record of this index is in `scope`. It shares
    /// with that one what comes out the same: what was made of it then need not be made again.
    pub fn record_beside(&self, settled: &Settled, other: &Record, scope: &Scope) -> Record {
        let scope = scope.with_likenesses(settled);
        let provisions = self.bodies(settled).zip(&other.provisions).map(|(body, known)| {
            if !scope.has(body) {
                return Arc::clone(known);
            }
            let provision = self.provision(body, settled);
            if provision == **known { Arc::clone(known) } else { Arc::new(provision) }
        });
        Record { changes: self.changes(), provisions: provisions.collect() }
    }

    /// All changes.
    pub(crate) fn changes(&self) -> Changes {
        Changes::new(self.history.entries.clone(), Arc::clone(&self.owners))
    }

    /// The elements that stand for the provisions, in document order: of several that are one provision, it has
    /// the place of the one that stands for it in the document.
    pub(crate) fn bodies(&self, settled: &Settled) -> impl Iterator<Item = OpId> {
        let list = self.provisions.and_then(|list| self.objects.get(&list));
        let elements = list.into_iter().flat_map(|list| list.sequence.iter()).map(|run| run.id);
        elements.filter(|id| settled.likeness(*id).is_none_or(|likeness| likeness.body.id == *id))
    }

    /// How many changes there were when one last touched a provision or anything in it.
    pub(crate) fn touched(&self, body: OpId, settled: &Settled) -> u32 {
        let of = |id: &OpId| self.objects.get(id).map_or(0, |object| object.touched);
        match settled.likeness(body) {
            Some(likeness) => likeness.members.iter().map(|member| of(&member.id)).max().unwrap_or(0),
            None => of(&body),
        }
    }

    /// The change that performed an operation. Every operation in the index is in a change of its history.
    pub(crate) fn change_of(&self, op: OpId) -> ChangeIx {
        self.history.change_of(op).unwrap_or(ChangeIx(0))
    }

    /// The deed that performed an operation; `None` where it does not count.
    fn done(&self, op: OpId, settled: &Settled) -> Option<Deed> {
        let change = self.change_of(op);
        let standing = settled.done(&self.history, change, op).0?;
        Some(Deed { change, op, standing })
    }

    /// The deeds of the changes that undid an operation, as far as they count.
    fn undone(&self, op: OpId, by: &[ChangeIx], settled: &Settled) -> Vec<Deed> {
        let deeds = by.iter().filter_map(|change| {
            let standing = settled.undone(&self.history, *change, op).0?;
            Some(Deed { change: *change, op, standing })
        });
        deeds.collect()
    }

    /// An id as Automerge writes it: `counter@actor`.
    pub(crate) fn written(&self, id: OpId) -> ProvisionId {
        let actor = self.history.actors.get(id.actor.0 as usize).map(ToString::to_string).unwrap_or_default();
        ProvisionId(format!("{}@{actor}", id.counter))
    }

    /// All elements that are this provision; itself where it has no likeness.
    pub(crate) fn alike(&self, provision: OpId, settled: &Settled) -> Vec<OpId> {
        match settled.likeness(provision) {
            Some(likeness) => likeness.members.iter().map(|member| member.id).collect(),
            None => vec![provision],
        }
    }

    /// The versions of a key in all of these maps, in ascending order of operation id.
    pub(crate) fn versions(&self, maps: &[OpId], key: &str) -> Vec<&Version> {
        let mut versions: Vec<&Version> = maps
            .iter()
            .filter_map(|map| self.objects.get(map))
            .flat_map(|object| object.versions(key))
            .collect();
        if maps.len() > 1 {
            versions.sort_by_key(|version| self.order(version.id));
        }
        versions
    }

    /// How Automerge orders operations.
    pub(crate) fn order(&self, op: OpId) -> (u32, Option<&automerge::ActorId>) {
        (op.counter, self.history.actors.get(op.actor.0 as usize))
    }

    pub(crate) fn provision(&self, body: OpId, settled: &Settled) -> Provision {
        self.provision_knowing(body, settled, &mut TakenBack::default())
    }

    /// The same for whoever has had it made before.
    pub(crate) fn provision_knowing(
        &self,
        body: OpId,
        settled: &Settled,
        known: &mut TakenBack,
    ) -> Provision {
        let texts = self.texts(body, &self.alike(body, settled));
        let text = self.words(&texts, settled, Wanted::Kept(known));
        Provision { text, ..self.frame(body, settled) }
    }

    /// A provision without its words.
    pub(crate) fn frame(&self, body: OpId, settled: &Settled) -> Provision {
        let alike = self.alike(body, settled);
        let fields = schema::FIELDS.into_iter().map(|field| {
            let versions = self.versions(&alike, field);
            let versions = versions.into_iter().filter_map(|version| {
                Some(FieldVersion {
                    value: self.scalar(&version.value),
                    put: self.done(version.id, settled)?,
                    replaced: self.undone(version.id, &version.replaced, settled),
                })
            });
            (field, versions.collect())
        });
        let maps = self.suppression_maps(&alike);
        let mut inserted: Vec<Deed> = alike.iter().filter_map(|id| self.done(*id, settled)).collect();
        inserted.sort_unstable();
        let list = self.provisions.and_then(|list| self.objects.get(&list));
        let removals = alike.iter().flat_map(|id| {
            let struck = list.and_then(|list| list.sequence.struck(*id)).unwrap_or_default();
            self.undone(*id, struck, settled)
        });
        let root = alike.first().copied().unwrap_or(body);
        Provision {
            removed: removals.collect(),
            suppressed: maps.into_iter().flat_map(|(_, map)| self.suppressions(map, settled)).collect(),
            fields: fields.collect(),
            text: Vec::new(),
            id: self.written(root),
            inserted,
        }
    }

    /// The texts of elements that are one provision, that of its body first.
    pub(crate) fn texts(&self, body: OpId, alike: &[OpId]) -> Vec<(OpId, &Sequence)> {
        let mut members = alike.to_vec();
        members.sort_by_key(|id| *id != body);
        members.into_iter().filter_map(|id| self.text_of(id)).collect()
    }

    /// The text of one provision's element.
    pub(crate) fn text_of(&self, provision: OpId) -> Option<(OpId, &Sequence)> {
        let versions = self.objects.get(&provision)?.versions(schema::TEXT);
        versions.iter().find_map(|version| match version.value {
            Value::Object(text) => Some((text, &self.objects.get(&text)?.sequence)),
            _ => None,
        })
    }

    /// Their maps of suppressions. Two clients may make one at once; Automerge shows one of them, but a
    /// suppression is a suppression.
    pub(crate) fn suppression_maps(&self, alike: &[OpId]) -> Vec<(OpId, &Object)> {
        let maps = self.versions(alike, schema::SUPPRESSED).into_iter();
        maps.filter_map(|version| match version.value {
            Value::Object(map) => Some((map, self.objects.get(&map)?)),
            _ => None,
        })
        .collect()
    }

    fn suppressions(&self, map: &Object, settled: &Settled) -> Vec<Suppression> {
        let named = map
            .keys
            .iter()
            .filter_map(|(key, versions)| Some((key.parse::<DelegationCode>().ok()?, versions)));
        named
            .flat_map(|(delegation, versions)| {
                versions.iter().filter(|version| version.value == Value::Truth(true)).filter_map(
                    move |version| {
                        Some(Suppression {
                            delegation: delegation.clone(),
                            put: self.done(version.id, settled)?,
                            lifted: self.undone(version.id, &version.replaced, settled),
                        })
                    },
                )
            })
            .collect()
    }

    pub(crate) fn scalar(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
            // A client wrote a Text where the schema has a scalar.
            Value::Object(text) => {
                self.objects.get(text).map(|text| standing(&text.sequence)).unwrap_or_default()
            }
            Value::Other => String::new(),
        }
    }
}

/// The characters that nobody struck.
fn standing(sequence: &Sequence) -> String {
    sequence.iter().filter(|run| sequence.strikers(run).is_empty()).map(|run| run.text.as_str()).collect()
}
