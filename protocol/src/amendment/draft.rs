//! One delegation's amendment of one provision, before delegations that made the same one are joined.

use super::piece::{Piece, Pieces, Removal, by};
use crate::api::{ChangeHashes, Field, Mark, Segment, SegmentKind};
use crate::authorship::{ChangeIx, Changes, Deeds};
use crate::id::DelegationCode;
use crate::resolution::schema;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An amendment.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) delegation: DelegationCode,
    pub(super) mark: Mark,
    pub(super) segments: Vec<Segment>,
    /// With each segment the deeds that it shows.
    pub(super) parts: Arc<Vec<Deeds>>,
    /// The deeds that concern the provision as a whole: its addition or suppression, its structure.
    pub(super) whole: Deeds,
    /// All its deeds.
    pub(super) deeds: Arc<Deeds>,
    /// What the provision would say with only this adopted.
    pub(super) text: String,
    pub(super) enumerator: String,
    /// The enumerator, where the delegation changed it.
    pub(super) renumbered: bool,
    /// Every change with a deed in it: by its author's clock, then by hash, never by order of arrival.
    pub(super) changes: Vec<ChangeIx>,
    /// The same.
    pub(super) hashes: ChangeHashes,
    /// Of each actor the first and last of them.
    pub(super) ends: Vec<Ends>,
    /// The same of those that inserted words.
    pub(super) insertion_ends: Vec<Ends>,
    /// Whose pending words it changes.
    pub(super) amends: BTreeSet<DelegationCode>,
    /// The provision no longer stands.
    pub(super) gone: bool,
}

/// The first and the last of an actor's changes.
pub(super) type Ends = (ChangeIx, ChangeIx);

impl Draft {
    /// `None` where the delegation proposes nothing here.
    pub(super) fn of(changes: &Changes, pieces: &Pieces<'_>, own: &DelegationCode) -> Option<Self> {
        let mut drafting = Drafting {
            all: changes,
            own,
            segments: Vec::new(),
            parts: Vec::new(),
            whole: Deeds::default(),
            text: String::new(),
            enumerator: String::new(),
            renumbered: false,
            changes: BTreeSet::new(),
            insertions: BTreeSet::new(),
            amends: BTreeSet::new(),
        };
        let mark = drafting.draft(pieces)?;
        Some(drafting.finish(mark, pieces.gone))
    }
}

/// A draft that is being made.
struct Drafting<'a> {
    all: &'a Changes,
    own: &'a DelegationCode,
    segments: Vec<Segment>,
    parts: Vec<Deeds>,
    whole: Deeds,
    text: String,
    enumerator: String,
    renumbered: bool,
    changes: BTreeSet<ChangeIx>,
    insertions: BTreeSet<ChangeIx>,
    amends: BTreeSet<&'a DelegationCode>,
}

impl<'a> Drafting<'a> {
    /// `None` where the delegation proposes nothing.
    fn draft(&mut self, pieces: &Pieces<'a>) -> Option<Mark> {
        let own = self.own;
        let suppressions = pieces.suppressed.iter().filter(|((by, _), _)| *by == own);
        for ((_, deed), removal) in suppressions {
            self.changes.insert(deed.change);
            match removal {
                Removal::Suppressed => self.whole.push_done(deed.change, deed.op, 1),
                Removal::Removed => self.whole.push_undone(deed.change, deed.op, 1),
            }
        }
        let suppresses = !self.changes.is_empty();
        let added = pieces.added_by.contains(own);
        let (adds, takes_back) = (added && !suppresses, added && suppresses);
        let stands = |by: &&DelegationCode| !pieces.suppressed.iter().any(|((one, _), _)| one == by);
        if takes_back && !pieces.added_by.iter().any(stands) {
            // Nothing is left of it. Where others add it still, it is theirs, and this one's wish is to suppress it.
            return None;
        }
        if added {
            for deed in pieces.provision.inserted.iter().filter(|deed| by(self.all, deed) == Some(own)) {
                self.changes.insert(deed.change);
                self.whole.push_done(deed.change, deed.op, 1);
            }
        }
        let structure = self.fields(pieces, adds, suppresses);
        self.words(pieces, suppresses, takes_back);
        let touched = self.segments.iter().any(|segment| segment.kind != SegmentKind::Kept);
        // A stock client that empties a paragraph means to suppress it.
        let text = || self.segments.iter().filter(|s| s.field == Field::Text && s.of.is_none());
        let emptied = pieces.base
            && text().any(|s| s.kind == SegmentKind::Struck && !s.text.trim().is_empty())
            && text().all(|s| s.kind == SegmentKind::Struck);
        if !adds {
            self.amends.extend(pieces.added_by.iter().filter(|by| **by != own));
        }
        let mark = match () {
            () if adds => Mark::Add,
            () if suppresses || emptied => Mark::Sup,
            () => Mark::Mod,
        };
        (adds || suppresses || touched || structure).then_some(mark)
    }

    fn finish(self, mark: Mark, gone: bool) -> Draft {
        let mut deeds = self.whole.clone();
        self.parts.iter().for_each(|part| deeds.extend(part));
        let changes = in_time(self.all, &self.changes);
        Draft {
            delegation: self.own.clone(),
            mark,
            segments: self.segments,
            parts: Arc::new(self.parts),
            whole: self.whole,
            deeds: Arc::new(deeds),
            text: self.text,
            enumerator: self.enumerator,
            renumbered: self.renumbered,
            hashes: hashes(self.all, &changes),
            changes,
            ends: ends(self.all, &self.changes),
            insertion_ends: ends(self.all, &self.insertions),
            amends: self.amends.into_iter().cloned().collect(),
            gone,
        }
    }

    /// Enumerator and structure. Returns whether the delegation changed anything of them.
    fn fields(&mut self, pieces: &Pieces<'a>, adds: bool, suppresses: bool) -> bool {
        let all = self.all;
        let mut changed = false;
        let mut renumbering = Deeds::default();
        for (field, versions) in &pieces.provision.fields {
            let deeds = if *field == schema::ENUMERATOR { &mut renumbering } else { &mut self.whole };
            for version in versions {
                if !version.put.is_adopted() && by(all, &version.put) == Some(self.own) {
                    deeds.push_done(version.put.change, version.put.op, 1);
                    self.changes.insert(version.put.change);
                    changed = true;
                }
                for replaced in &version.replaced {
                    if !replaced.is_adopted() && by(all, replaced) == Some(self.own) {
                        deeds.push_undone(replaced.change, replaced.op, 1);
                        self.changes.insert(replaced.change);
                        changed = true;
                    }
                }
            }
        }
        let before = if adds { "" } else { pieces.enumerator(all) };
        // The enumerator of another delegation's addition is that delegation's pending word.
        let of = if adds { None } else { pieces.added_by.first().map(|by| (*by).clone()) };
        let after = match pieces.own_field(all, schema::ENUMERATOR, self.own) {
            // What the secretariat has numbered keeps its number.
            _ if adds => pieces.enumerator(all),
            Some(own) => own,
            None => before,
        };
        self.renumbered = after != before && !adds;
        self.enumerator = after.to_owned();
        let by = vec![self.own.clone()];
        let mut push = |kind, text: &str, by: Vec<DelegationCode>, of: Option<DelegationCode>| {
            if !text.is_empty() {
                self.segments.push(Segment { kind, field: Field::Enumerator, text: text.to_owned(), by, of });
                let deeds = if kind == SegmentKind::Kept {
                    Deeds::default()
                } else {
                    std::mem::take(&mut renumbering)
                };
                self.parts.push(deeds);
            }
        };
        if suppresses {
            push(SegmentKind::Struck, before, by.clone(), of);
        } else if after == before {
            push(SegmentKind::Kept, before, Vec::new(), of);
        } else {
            push(SegmentKind::Struck, before, by.clone(), of);
            push(SegmentKind::Inserted, after, by, None);
        }
        // Where no segment shows it.
        self.whole.extend(&renumbering);
        changed
    }

    fn words(&mut self, pieces: &Pieces<'a>, suppresses: bool, takes_back: bool) {
        let own = self.own;
        // Suppressing what the baseline has strikes the baseline's words: what others propose there is not
        // struck by it, it collides with it. Suppressing another's addition strikes the addition.
        let strikes = |p: &Piece<'_>| {
            let whole = suppresses && (p.base || !pieces.base || p.is_own(own));
            whole || p.struck_by(own)
        };
        for stretch in pieces.pieces.chunk_by(|a, b| a.base == b.base) {
            let involved = stretch.iter().any(|p| p.is_foreign(own) && strikes(p));
            let inside = inserts_inside(stretch, own);
            for piece in stretch {
                let mut deeds = Deeds::default();
                for (_, deed) in piece.struck.iter().filter(|(by, _)| *by == own) {
                    self.changes.insert(deed.change);
                    deeds.push_undone(deed.change, deed.op, piece.len());
                }
                // What it took back stays so, also where its strike is rejected.
                for (_, deed) in piece.taken_back.iter().filter(|(by, _)| *by == own) {
                    self.changes.insert(deed.change);
                    deeds.push_done(deed.change, deed.op, piece.len());
                }
                let own_words = piece.is_own(own);
                if own_words {
                    for (_, deed) in piece.inserted.iter().filter(|(by, _)| *by == own) {
                        self.changes.insert(deed.change);
                        self.insertions.insert(deed.change);
                        deeds.push_done(deed.change, deed.op, piece.len());
                    }
                }
                let other = piece.by.iter().find(|by| **by != own);
                let foreign = piece.is_foreign(own) || (own_words && takes_back && other.is_some());
                let of = if foreign { other.map(|by| (*by).clone()) } else { None };
                let by = vec![own.clone()];
                if own_words && !foreign {
                    self.push(SegmentKind::Inserted, piece.text, by, None, &deeds);
                    self.text.push_str(piece.text);
                } else if strikes(piece) {
                    self.push(SegmentKind::Struck, piece.text, by, of, &deeds);
                    if foreign {
                        self.amends.extend(piece.by.iter().filter(|by| **by != own));
                    }
                } else if !foreign {
                    self.push(SegmentKind::Kept, piece.text, Vec::new(), None, &deeds);
                    self.text.push_str(piece.text);
                } else if involved || !inside.is_disjoint(&piece.by) {
                    self.push(SegmentKind::Kept, piece.text, Vec::new(), of, &deeds);
                }
            }
            self.amends.extend(inside);
        }
    }

    /// Appends a segment of the text, to the one before where they are alike.
    fn push(
        &mut self,
        kind: SegmentKind,
        text: &str,
        by: Vec<DelegationCode>,
        of: Option<DelegationCode>,
        deeds: &Deeds,
    ) {
        match (self.segments.last_mut(), self.parts.last_mut()) {
            (Some(last), Some(part))
                if last.kind == kind && last.field == Field::Text && last.by == by && last.of == of =>
            {
                last.text.push_str(text);
                part.extend(deeds);
            }
            _ => {
                self.segments.push(Segment { kind, field: Field::Text, text: text.to_owned(), by, of });
                self.parts.push(deeds.clone());
            }
        }
    }
}

/// Within a stretch of pending words: whose words `own` inserted into, between two of theirs.
fn inserts_inside<'a>(stretch: &[Piece<'a>], own: &DelegationCode) -> BTreeSet<&'a DelegationCode> {
    if stretch.iter().any(|piece| piece.base) {
        return BTreeSet::new();
    }
    let foreign = |pieces: &[Piece<'a>]| -> BTreeSet<&'a DelegationCode> {
        pieces
            .iter()
            .filter(|piece| piece.is_foreign(own))
            .flat_map(|piece| piece.by.iter().copied())
            .collect()
    };
    let mut inside = BTreeSet::new();
    for (n, _) in stretch.iter().enumerate().filter(|(_, piece)| piece.is_own(own)) {
        let before = foreign(stretch.get(..n).unwrap_or_default());
        let after = foreign(stretch.get(n + 1..).unwrap_or_default());
        inside.extend(before.intersection(&after));
    }
    inside
}

/// Changes by their authors' clocks, then by hash.
pub(super) fn in_time(all: &Changes, changes: &BTreeSet<ChangeIx>) -> Vec<ChangeIx> {
    let mut sorted: Vec<_> =
        changes.iter().filter_map(|ix| all.get(*ix).map(|change| (change.time, change.hash, *ix))).collect();
    sorted.sort_unstable();
    sorted.into_iter().map(|(_, _, ix)| ix).collect()
}

/// Their hashes, in the same order.
pub(super) fn hashes(all: &Changes, changes: &[ChangeIx]) -> ChangeHashes {
    changes.iter().filter_map(|ix| all.get(*ix)).map(|change| change.hash).collect()
}

fn ends(all: &Changes, changes: &BTreeSet<ChangeIx>) -> Vec<Ends> {
    let mut ends: BTreeMap<u32, Ends> = BTreeMap::new();
    for ix in changes {
        let Some(change) = all.get(*ix) else { continue };
        ends.entry(change.actor).and_modify(|(_, last)| *last = *ix).or_insert((*ix, *ix));
    }
    ends.into_values().collect()
}
