//! The record, built from the index relative to what is adopted.

use super::id::{ActorIx, OpId};
use super::object::{Object, Value};
use super::sequence::{Run, Sequence};
use super::{Adopted, Index};
use crate::authorship::ChangeIx;
use crate::authorship::record::{ChangeMeta, Deed, FieldVersion, Provision, Record, Suppression, TextRun};
use crate::id::{DelegationCode, ProvisionId};
use crate::resolution::schema;
use crate::time::Timestamp;

impl Index {
    /// All provisions with their deeds, relative to what is adopted.
    pub fn record(&self, adopted: &Adopted) -> Record {
        let changes = self.history.entries.iter().map(|entry| ChangeMeta {
            hash: entry.hash,
            actor: entry.actor.0,
            delegation: self.owner(entry.actor),
            time: Timestamp::from_seconds(entry.time),
        });
        let list = self.provisions.and_then(|list| self.objects.get(&list));
        let provisions =
            list.into_iter().flat_map(|list| list.sequence.iter()).map(|run| self.provision(run, adopted));
        Record { changes: changes.collect(), provisions: provisions.collect() }
    }

    fn owner(&self, actor: ActorIx) -> DelegationCode {
        self.owners.get(actor.0 as usize).cloned().unwrap_or_else(DelegationCode::secretariat)
    }

    fn deed(&self, change: ChangeIx, adopted: &Adopted) -> Deed {
        let is_adopted = self.history.entry(change).is_some_and(|entry| {
            let count = adopted.clock.get(entry.actor.0 as usize).copied().unwrap_or(0) as usize;
            let changes = self.history.of_actor(entry.actor);
            changes.get(..count).and_then(<[ChangeIx]>::last).is_some_and(|last| change <= *last)
        });
        Deed { change, adopted: is_adopted }
    }

    fn deeds(&self, changes: &[ChangeIx], adopted: &Adopted) -> Vec<Deed> {
        changes.iter().map(|change| self.deed(*change, adopted)).collect()
    }

    /// The deed that performed an operation. Every operation in the index is in a change of its history.
    fn done(&self, id: OpId, adopted: &Adopted) -> Deed {
        self.deed(self.history.change_of(id).unwrap_or(ChangeIx(0)), adopted)
    }

    /// An id as Automerge writes it: `counter@actor`.
    fn written(&self, id: OpId) -> ProvisionId {
        let actor = self.history.actors.get(id.actor.0 as usize).map(ToString::to_string).unwrap_or_default();
        ProvisionId(format!("{}@{actor}", id.counter))
    }

    fn provision(&self, run: &Run, adopted: &Adopted) -> Provision {
        let id = run.id;
        let object = self.objects.get(&id);
        let versions = |key: &str| object.map_or(&[][..], |object| object.versions(key));
        let fields = schema::FIELDS.into_iter().map(|field| {
            let versions = versions(field).iter().map(|version| FieldVersion {
                value: self.scalar(&version.value),
                put: self.done(version.id, adopted),
                replaced: self.deeds(&version.replaced, adopted),
            });
            (field, versions.collect())
        });
        let texts = versions(schema::TEXT).iter().filter_map(|version| match version.value {
            Value::Object(text) => self.objects.get(&text),
            _ => None,
        });
        // Two clients may make the map at once; Automerge shows one of them, but a suppression is a suppression.
        let maps = versions(schema::SUPPRESSED).iter().filter_map(|version| match version.value {
            Value::Object(map) => self.objects.get(&map),
            _ => None,
        });
        Provision {
            inserted: self.done(id, adopted),
            removed: self.deeds(&run.struck, adopted),
            suppressed: maps.flat_map(|map| self.suppressions(map, adopted)).collect(),
            fields: fields.collect(),
            text: texts.flat_map(|text| self.text(&text.sequence, adopted)).collect(),
            id: self.written(id),
        }
    }

    fn suppressions(&self, map: &Object, adopted: &Adopted) -> Vec<Suppression> {
        let named = map
            .keys
            .iter()
            .filter_map(|(key, versions)| Some((key.parse::<DelegationCode>().ok()?, versions)));
        named
            .flat_map(|(delegation, versions)| {
                versions.iter().filter(|version| version.value == Value::Truth(true)).map(move |version| {
                    Suppression {
                        delegation: delegation.clone(),
                        put: self.done(version.id, adopted),
                        lifted: self.deeds(&version.replaced, adopted),
                    }
                })
            })
            .collect()
    }

    fn scalar(&self, value: &Value) -> String {
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

    /// The runs of a text, split where one change ends and the next begins.
    fn text(&self, sequence: &Sequence, adopted: &Adopted) -> Vec<TextRun> {
        let mut runs = Vec::new();
        for run in sequence.iter() {
            let struck = self.deeds(&run.struck, adopted);
            let mut characters = run.text.chars();
            let mut done = 0;
            while done < run.len {
                let id = run.id.plus(done);
                let change = self.history.change_of(id).unwrap_or(ChangeIx(0));
                let last = self.history.entry(change).map_or(id.counter, |entry| entry.last());
                let here = (run.len - done).min(last.saturating_sub(id.counter) + 1);
                let text = characters.by_ref().take(here as usize).collect();
                runs.push(TextRun { text, inserted: self.deed(change, adopted), struck: struck.clone() });
                done += here;
            }
        }
        runs
    }
}

/// The characters that nobody struck.
fn standing(sequence: &Sequence) -> String {
    sequence.iter().filter(|run| run.struck.is_empty()).map(|run| run.text.as_str()).collect()
}
