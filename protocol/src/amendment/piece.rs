//! One provision's words as derivation sees them: what the baseline has, what is pending, who did what.

use crate::authorship::{ChangeIx, Deed, FieldVersion, Provision, Record};
use crate::id::DelegationCode;
use crate::resolution::schema;
use std::collections::BTreeSet;

/// A stretch of words with one history, relative to the baseline. Words that an adopted strike removed, or
/// that their own author took back, are gone and have no piece.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Whether the baseline has them; otherwise they are `by`'s pending words.
    pub(super) base: bool,
    pub(super) by: &'a DelegationCode,
    pub(super) inserted: ChangeIx,
    /// Pending strikes.
    pub(super) struck: Vec<(&'a DelegationCode, ChangeIx)>,
}

impl Piece<'_> {
    pub(super) fn struck_by(&self, delegation: &DelegationCode) -> bool {
        self.struck.iter().any(|(by, _)| *by == delegation)
    }
}

/// A provision, prepared for derivation.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    pub(super) provision: &'a Provision,
    /// Whether the baseline has the provision.
    pub(super) base: bool,
    pub(super) added_by: &'a DelegationCode,
    pub(super) pieces: Vec<Piece<'a>>,
    /// Who suppresses or removes it, pending, and in which change.
    pub(super) suppressed: Vec<(&'a DelegationCode, ChangeIx)>,
}

/// The delegation behind a deed. Every deed's change is in its record.
pub(super) fn by<'a>(record: &'a Record, deed: &Deed) -> Option<&'a DelegationCode> {
    record.change(*deed).map(|change| &change.delegation)
}

impl<'a> Pieces<'a> {
    /// `None` where the baseline has already struck the provision.
    pub(super) fn of(record: &'a Record, provision: &'a Provision) -> Option<Self> {
        let stood_down = provision
            .suppressed
            .iter()
            .any(|one| one.put.adopted && !one.lifted.iter().any(|lifted| lifted.adopted));
        if stood_down || provision.removed.iter().any(|deed| deed.adopted) {
            return None;
        }
        let added_by = by(record, &provision.inserted)?;
        let removed = provision.removed.iter().filter_map(|deed| Some((by(record, deed)?, deed.change)));
        let suppressed = provision.suppressed.iter().filter(|one| !one.put.adopted && one.lifted.is_empty());
        let suppressed = suppressed.filter_map(|one| Some((by(record, &one.put)?, one.put.change)));
        let pieces = provision.text.iter().filter_map(|run| {
            let by_whom = by(record, &run.inserted)?;
            if run.struck.iter().any(|deed| deed.adopted) {
                return None;
            }
            let struck: Vec<_> =
                run.struck.iter().filter_map(|deed| Some((by(record, deed)?, deed.change))).collect();
            let base = run.inserted.adopted;
            let taken_back = !base && struck.iter().any(|(by, _)| *by == by_whom);
            (!taken_back).then_some(Piece {
                text: &run.text,
                base,
                by: by_whom,
                inserted: run.inserted.change,
                struck,
            })
        });
        Some(Self {
            provision,
            base: provision.inserted.adopted,
            added_by,
            pieces: pieces.collect(),
            suppressed: removed.chain(suppressed).collect(),
        })
    }

    /// Whether nothing about it is pending: most provisions, most of the time.
    pub(super) fn is_quiet(&self) -> bool {
        let fields_quiet = self
            .provision
            .fields
            .iter()
            .flat_map(|(_, versions)| versions)
            .all(|version| version.put.adopted);
        let words_quiet = self.pieces.iter().all(|piece| piece.base && piece.struck.is_empty());
        self.base && self.suppressed.is_empty() && fields_quiet && words_quiet
    }

    /// Everyone with a pending deed in it, ascending.
    pub(super) fn delegations(&self, record: &'a Record) -> BTreeSet<&'a DelegationCode> {
        let mut all: BTreeSet<&DelegationCode> = self.suppressed.iter().map(|(by, _)| *by).collect();
        if !self.base {
            all.insert(self.added_by);
        }
        for piece in &self.pieces {
            if !piece.base {
                all.insert(piece.by);
            }
            all.extend(piece.struck.iter().map(|(by, _)| *by));
        }
        let versions = self.provision.fields.iter().flat_map(|(_, versions)| versions);
        all.extend(versions.filter(|v| !v.put.adopted).filter_map(|v| by(record, &v.put)));
        all
    }

    /// The baseline's text.
    pub(super) fn base_text(&self) -> String {
        self.pieces.iter().filter(|piece| piece.base).map(|piece| piece.text).collect()
    }

    /// The baseline's version of a field.
    pub(super) fn base_field(&self, name: &str) -> &'a str {
        let adopted = |version: &&FieldVersion| {
            version.put.adopted && !version.replaced.iter().any(|deed| deed.adopted)
        };
        self.provision.field(name).iter().rfind(adopted).map_or("", |version| version.value.as_str())
    }

    /// A delegation's own pending version of a field, with the change that wrote it.
    pub(super) fn own_field(
        &self,
        record: &Record,
        name: &str,
        own: &DelegationCode,
    ) -> Option<(&'a str, ChangeIx)> {
        let is_own = |deed: &Deed| by(record, deed) == Some(own);
        let mut standing = self.provision.field(name).iter().filter(|version| {
            !version.put.adopted
                && is_own(&version.put)
                && !version.replaced.iter().any(|d| !d.adopted && is_own(d))
        });
        standing.next_back().map(|version| (version.value.as_str(), version.put.change))
    }

    /// The baseline's enumerator; of an added provision, its author's.
    pub(super) fn enumerator(&self, record: &Record) -> &'a str {
        if self.base {
            return self.base_field(schema::ENUMERATOR);
        }
        self.own_field(record, schema::ENUMERATOR, self.added_by).map_or("", |(value, _)| value)
    }
}
