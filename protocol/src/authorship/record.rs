//! What the index tells the amendment module: each provision with all that was ever done to it, by whom.
//!
//! Plain data, so that amendments, collisions and views can be derived and tested without Automerge.

use crate::id::{DelegationCode, ProvisionId};
use crate::time::Timestamp;
use automerge::ChangeHash;

/// A change, as an index into [`Record::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeIx(pub u32);

/// A change, as far as attribution is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeMeta {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its actor, numbered within this record: one actor's changes build on each other.
    pub actor: u32,
    /// Whose it is, by the roster.
    pub delegation: DelegationCode,
    /// When its author says it was made.
    pub time: Timestamp,
}

/// One insertion or one strike: in which change, and whether that operation is adopted
/// (part of the baseline) or pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deed {
    /// The change that did it.
    pub change: ChangeIx,
    /// Whether the operation is adopted.
    pub adopted: bool,
}

/// Consecutive characters of a text with one history. All of them were inserted by one change and struck by
/// the same set of changes (empty: they stand). Struck characters are kept here in place for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRun {
    /// The characters, at least one.
    pub text: String,
    /// Their insertion.
    pub inserted: Deed,
    /// Their strikes, in ascending order, each change once; several delegations may strike the same word.
    pub struck: Vec<Deed>,
}

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// Its identity.
    pub id: ProvisionId,
    /// The insertion of its list element.
    pub inserted: Deed,
    /// Removals of its list element (by stock clients; read as suppression by those delegations).
    pub removed: Vec<Deed>,
    /// `suppressed` entries, in ascending order of op id.
    pub suppressed: Vec<Suppression>,
    /// Versions of `kind`, `part`, `level`, `enumerator`, `separator`: (field, versions), fields in
    /// alphabetical order; `level` as decimal digits.
    pub fields: Vec<(&'static str, Vec<FieldVersion>)>,
    /// Every character ever written in its text, in document order.
    pub text: Vec<TextRun>,
}

impl Provision {
    /// The versions of one field; empty where it was never set.
    pub fn field(&self, name: &str) -> &[FieldVersion] {
        self.fields.iter().find(|(field, _)| *field == name).map_or(&[], |(_, versions)| versions)
    }
}

/// All provisions of a document, in document order, removed ones in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The changes that deeds refer to.
    pub changes: Vec<ChangeMeta>,
    /// The provisions.
    pub provisions: Vec<Provision>,
}

impl Record {
    /// The change behind a deed.
    pub fn change(&self, deed: Deed) -> Option<&ChangeMeta> {
        self.changes.get(deed.change.0 as usize)
    }
}
