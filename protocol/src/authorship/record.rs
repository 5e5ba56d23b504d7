//! What the index tells the amendment module: each provision with all that was ever done to it, by whom.
//!
//! Plain data, so that amendments, collisions and views can be derived and tested without Automerge.

mod changes;
pub(crate) mod memo;

pub use changes::{ChangeMeta, Changes};

use super::Few;
use super::index::id::OpId;
use crate::id::{DelegationCode, ProvisionId};
use ecow::EcoString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change, as an index into [`Record::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangeIx(pub u32);

/// How a deed stands. What is void (rejected, withdrawn) has no deed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Part of the agreed text.
    Adopted,
    /// Proposed.
    Pending,
    /// Proposed after the round was closed: it belongs to the next one.
    Late,
}

/// One insertion or one strike: in which change, of which operation, and how it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deed {
    /// The change that did it.
    pub change: ChangeIx,
    /// The operation that was done (an insertion, a writing), or that was undone by a strike, a replacement or a
    /// lift. Of several characters with one deed: the first one's; the others' follow by counter.
    pub op: OpId,
    /// How it stands.
    pub standing: Standing,
}

impl Deed {
    /// Whether it is part of the agreed text.
    pub fn is_adopted(&self) -> bool {
        self.standing == Standing::Adopted
    }
}

/// Consecutive characters of a text with one history. All of them were inserted by the same change (or by the
/// same several, where delegations wrote the same words) and struck by the same set of changes (empty: they
/// stand). Struck characters are kept here in place for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRun {
    /// The characters, at least one.
    pub text: EcoString,
    /// Their insertions, at least one, in ascending order.
    pub inserted: FewDeeds,
    /// Their strikes, in ascending order, each change once; several delegations may strike the same word.
    pub struck: FewDeeds,
}

/// Deeds, mostly one: most words have one author, and one striker if any.
pub type FewDeeds = Few<Deed>;

/// One value that a field of a provision (its enumerator, kind, part …) was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldVersion {
    /// The value.
    pub value: String,
    /// The writing of it.
    pub put: Deed,
    /// The writings and deletions that replaced it. Of several versions that nothing replaced, the last in
    /// the list is the one Automerge shows (highest op id); versions are in ascending order of op id.
    pub replaced: Vec<Deed>,
}

/// `suppressed.<delegation> = true`, as often as it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The delegation named by the key; the gate has seen to it that it is also the writer's.
    pub delegation: DelegationCode,
    /// The setting of it.
    pub put: Deed,
    /// What lifted it again (deleted the key or wrote false).
    pub lifted: Vec<Deed>,
}

/// One provision with its whole history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provision {
    /// Its identity.
    pub id: ProvisionId,
    /// The insertions of its list element, in ascending order: one, several where delegations added the same
    /// provision, none where its addition was rejected and others have written in it.
    pub inserted: Vec<Deed>,
    /// Removals of its list element (by stock clients; read as suppression by those delegations).
    pub removed: Vec<Deed>,
    /// `suppressed` entries, in ascending order of op id.
    pub suppressed: Vec<Suppression>,
    /// Versions of `kind`, `part`, `level`, `enumerator`, `separator`: (field, versions), fields in
    /// alphabetical order; `level` as decimal digits.
    pub fields: Vec<(&'static str, Vec<FieldVersion>)>,
    /// Every character ever written in its text, in document order, but for open ones that their own author struck.
    pub text: Vec<TextRun>,
}

impl Provision {
    /// The versions of one field; empty where it was never set.
    pub fn field(&self, name: &str) -> &[FieldVersion] {
        self.fields.iter().find(|(field, _)| *field == name).map_or(&[], |(_, versions)| versions)
    }

    /// The same with other standings: `becomes` says how a deed stands now, `None` that it does not count.
    #[must_use]
    pub fn restanding(&self, becomes: &dyn Fn(&Deed) -> Option<Standing>) -> Self {
        let all = |deeds: &[Deed]| -> Vec<Deed> {
            deeds.iter().filter_map(|deed| Some(Deed { standing: becomes(deed)?, ..*deed })).collect()
        };
        let few = |deeds: &[Deed]| -> FewDeeds {
            deeds.iter().filter_map(|deed| Some(Deed { standing: becomes(deed)?, ..*deed })).collect()
        };
        let one = |deed: &Deed| becomes(deed).map(|standing| Deed { standing, ..*deed });
        let suppressed = self.suppressed.iter().filter_map(|s| {
            let (delegation, lifted) = (s.delegation.clone(), all(&s.lifted));
            Some(Suppression { delegation, put: one(&s.put)?, lifted })
        });
        let fields = self.fields.iter().map(|(field, versions)| {
            let versions = versions.iter().filter_map(|version| {
                let (value, replaced) = (version.value.clone(), all(&version.replaced));
                Some(FieldVersion { value, put: one(&version.put)?, replaced })
            });
            (*field, versions.collect())
        });
        let text = self.text.iter().map(|run| TextRun {
            text: run.text.clone(),
            inserted: few(&run.inserted),
            struck: few(&run.struck),
        });
        Self {
            id: self.id.clone(),
            inserted: all(&self.inserted),
            removed: all(&self.removed),
            suppressed: suppressed.collect(),
            fields: fields.collect(),
            text: text.filter(|run| !run.inserted.is_empty()).collect(),
        }
    }
}

/// All provisions of a document, in document order, removed ones in place.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The changes that deeds refer to.
    pub changes: Changes,
    /// The provisions.
    pub provisions: Vec<Arc<Provision>>,
}

impl Record {
    /// The change behind a deed.
    pub fn change(&self, deed: Deed) -> Option<ChangeMeta<'_>> {
        self.changes.get(deed.change)
    }
}
