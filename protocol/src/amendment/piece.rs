//! One provision's words as derivation sees them: what the agreed text has, what is pending, who did what.

use crate::authorship::{Changes, Deed, FieldVersion, Provision};
use crate::id::DelegationCode;
use crate::resolution::schema;
use std::collections::BTreeSet;

/// Somebody's deed.
pub(super) type Own<'a> = (&'a DelegationCode, Deed);

/// A stretch of words with one history, relative to the agreed text. Words that an adopted strike removed, or
/// that their own authors took back, are gone and have no piece.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Whether the agreed text has them; otherwise they are `by`'s pending words.
    pub(super) base: bool,
    /// Who wrote them, ascending; several where delegations wrote the same words.
    pub(super) by: BTreeSet<&'a DelegationCode>,
    pub(super) inserted: Vec<Own<'a>>,
    /// Insertions that their authors took back, leaving the words to others who wrote them too.
    pub(super) taken_back: Vec<Own<'a>>,
    /// Pending strikes.
    pub(super) struck: Vec<Own<'a>>,
}

impl Piece<'_> {
    pub(super) fn struck_by(&self, delegation: &DelegationCode) -> bool {
        self.struck.iter().any(|(by, _)| *by == delegation)
    }

    /// Whether they are this delegation's pending words.
    pub(super) fn is_own(&self, delegation: &DelegationCode) -> bool {
        !self.base && self.by.contains(delegation)
    }

    /// Whether they are pending words of others alone.
    pub(super) fn is_foreign(&self, delegation: &DelegationCode) -> bool {
        !self.base && !self.by.contains(delegation)
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX)
    }
}

/// A provision, prepared for derivation.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    pub(super) provision: &'a Provision,
    /// Whether the agreed text has the provision, or had it.
    pub(super) base: bool,
    /// It no longer stands (it was suppressed, or its addition was rejected), but somebody has since, or without
    /// knowing, proposed something in it.
    pub(super) gone: bool,
    /// Who proposes to add it, ascending; empty where the agreed text has it.
    pub(super) added_by: BTreeSet<&'a DelegationCode>,
    pub(super) pieces: Vec<Piece<'a>>,
    /// Who suppresses or removes it, pending.
    pub(super) suppressed: Vec<(Own<'a>, Removal)>,
}

/// How a provision was suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// By its map of suppressions.
    Suppressed,
    /// By removing its element, as stock clients do.
    Removed,
}

/// The delegation behind a deed. Every deed's change is in its record.
pub(super) fn by<'a>(changes: &'a Changes, deed: &Deed) -> Option<&'a DelegationCode> {
    changes.get(deed.change).map(|change| change.delegation)
}

fn owned<'a>(changes: &'a Changes, deeds: &[Deed]) -> Vec<Own<'a>> {
    deeds.iter().filter_map(|deed| Some((by(changes, deed)?, *deed))).collect()
}

impl<'a> Pieces<'a> {
    /// `None` where the agreed text has struck the provision and nobody proposes anything in it.
    pub(super) fn of(changes: &'a Changes, provision: &'a Provision) -> Option<Self> {
        let stood_down = provision
            .suppressed
            .iter()
            .any(|one| one.put.is_adopted() && !one.lifted.iter().any(Deed::is_adopted));
        let gone =
            stood_down || provision.removed.iter().any(Deed::is_adopted) || provision.inserted.is_empty();
        let base = gone || provision.inserted.iter().any(Deed::is_adopted);
        let pieces = provision.text.iter().filter_map(|run| {
            if run.struck.iter().any(Deed::is_adopted) {
                return None;
            }
            let (inserted, struck) = (owned(changes, &run.inserted), owned(changes, &run.struck));
            let base = run.inserted.iter().any(Deed::is_adopted);
            let stands = |(by, _): &Own<'_>| base || !struck.iter().any(|(striker, _)| striker == by);
            let (inserted, taken_back): (Vec<_>, Vec<_>) = inserted.into_iter().partition(stands);
            let by: BTreeSet<_> = inserted.iter().map(|(by, _)| *by).collect();
            (!by.is_empty()).then_some(Piece { text: &run.text, base, by, inserted, taken_back, struck })
        });
        let mut suppressed: Vec<_> =
            owned(changes, &provision.removed).into_iter().map(|own| (own, Removal::Removed)).collect();
        let pending =
            provision.suppressed.iter().filter(|one| !one.put.is_adopted() && one.lifted.is_empty());
        suppressed
            .extend(pending.filter_map(|one| Some(((by(changes, &one.put)?, one.put), Removal::Suppressed))));
        let mut added_by = BTreeSet::new();
        if base {
            suppressed.retain(|_| !gone);
        } else {
            added_by.extend(provision.inserted.iter().filter_map(|deed| by(changes, deed)));
        }
        let one = Self { provision, base, gone, added_by, pieces: pieces.collect(), suppressed };
        (!gone || !one.is_quiet()).then_some(one)
    }

    /// Whether nothing about it is pending: most provisions, most of the time.
    pub(super) fn is_quiet(&self) -> bool {
        let fields_quiet = self
            .provision
            .fields
            .iter()
            .flat_map(|(_, versions)| versions)
            .all(|version| version.put.is_adopted() || self.gone);
        let words_quiet = self.pieces.iter().all(|piece| piece.base && piece.struck.is_empty());
        self.base && self.suppressed.is_empty() && fields_quiet && words_quiet
    }

    /// Everyone with a pending deed in it, ascending.
    pub(super) fn delegations(&self, changes: &'a Changes) -> BTreeSet<&'a DelegationCode> {
        let mut all: BTreeSet<&DelegationCode> = self.suppressed.iter().map(|((by, _), _)| *by).collect();
        all.extend(&self.added_by);
        for piece in &self.pieces {
            if !piece.base {
                all.extend(&piece.by);
            }
            all.extend(piece.struck.iter().map(|(by, _)| *by));
        }
        let versions = self.provision.fields.iter().flat_map(|(_, versions)| versions);
        all.extend(versions.filter(|v| !v.put.is_adopted()).filter_map(|v| by(changes, &v.put)));
        all
    }

    /// The agreed text's words.
    pub(super) fn base_text(&self) -> String {
        self.pieces.iter().filter(|piece| piece.base).map(|piece| piece.text).collect()
    }

    /// The agreed text's version of a field.
    pub(super) fn base_field(&self, name: &str) -> &'a str {
        let adopted = |version: &&FieldVersion| {
            version.put.is_adopted() && !version.replaced.iter().any(Deed::is_adopted)
        };
        self.provision.field(name).iter().rfind(adopted).map_or("", |version| version.value.as_str())
    }

    /// A delegation's own pending version of a field.
    pub(super) fn own_field(&self, changes: &Changes, name: &str, own: &DelegationCode) -> Option<&'a str> {
        let is_own = |deed: &Deed| by(changes, deed) == Some(own);
        let mut standing = self.provision.field(name).iter().filter(|version| {
            !version.put.is_adopted()
                && is_own(&version.put)
                && !version.replaced.iter().any(|d| !d.is_adopted() && is_own(d))
        });
        standing.next_back().map(|version| version.value.as_str())
    }

    /// The agreed enumerator; of an added provision, its author's, where nothing was agreed about it.
    pub(super) fn enumerator(&self, changes: &Changes) -> &'a str {
        let agreed = self.base_field(schema::ENUMERATOR);
        if self.base || !agreed.is_empty() {
            return agreed;
        }
        let own = self.added_by.iter().find_map(|by| self.own_field(changes, schema::ENUMERATOR, by));
        own.unwrap_or_default()
    }
}
