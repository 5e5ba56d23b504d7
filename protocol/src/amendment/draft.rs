//! One delegation's amendment of one provision, before delegations that made the same one are joined.

use super::piece::{Piece, Pieces};
use crate::api::{Field, Mark, Segment, SegmentKind};
use crate::authorship::{ChangeIx, Record};
use crate::id::DelegationCode;
use crate::resolution::schema;
use std::collections::BTreeSet;

/// An amendment.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub(super) delegation: &'a DelegationCode,
    /// The place of its provision in the record.
    pub(super) at: usize,
    pub(super) mark: Mark,
    pub(super) segments: Vec<Segment>,
    /// What the provision would say with only this adopted.
    pub(super) text: String,
    pub(super) enumerator: String,
    /// The enumerator, where the delegation changed it.
    pub(super) renumbered: bool,
    /// Every change with a deed in it.
    pub(super) changes: BTreeSet<ChangeIx>,
    /// Those that inserted words.
    pub(super) insertions: BTreeSet<ChangeIx>,
    /// Whose pending words it changes.
    pub(super) amends: BTreeSet<&'a DelegationCode>,
}

impl<'a> Draft<'a> {
    /// `None` where the delegation proposes nothing here.
    pub(super) fn of(
        record: &'a Record,
        at: usize,
        pieces: &Pieces<'a>,
        own: &'a DelegationCode,
    ) -> Option<Self> {
        let suppressions = pieces.suppressed.iter().filter(|(by, _)| *by == own).map(|(_, change)| *change);
        let mut changes: BTreeSet<ChangeIx> = suppressions.collect();
        let suppresses = !changes.is_empty();
        let adds = !pieces.base && pieces.added_by == own;
        if adds && suppresses {
            // An addition taken back.
            return None;
        }
        if adds {
            changes.insert(pieces.provision.inserted.change);
        }
        let mut draft = Self {
            delegation: own,
            at,
            mark: Mark::Mod,
            segments: Vec::new(),
            text: String::new(),
            enumerator: String::new(),
            renumbered: false,
            changes,
            insertions: BTreeSet::new(),
            amends: BTreeSet::new(),
        };
        let structure = draft.fields(record, pieces, adds, suppresses);
        draft.words(pieces, suppresses);
        let touched = draft.segments.iter().any(|segment| segment.kind != SegmentKind::Kept);
        // A stock client that empties a paragraph means to suppress it.
        let text = || draft.segments.iter().filter(|s| s.field == Field::Text && s.of.is_none());
        let emptied = pieces.base
            && text().any(|s| s.kind == SegmentKind::Struck && !s.text.trim().is_empty())
            && text().all(|s| s.kind == SegmentKind::Struck);
        draft.mark = match () {
            () if adds => Mark::Add,
            () if suppresses || emptied => Mark::Sup,
            () => Mark::Mod,
        };
        if !pieces.base && !adds {
            draft.amends.insert(pieces.added_by);
        }
        (adds || suppresses || touched || structure).then_some(draft)
    }

    /// Enumerator and structure. Returns whether the delegation changed anything of them.
    fn fields(&mut self, record: &'a Record, pieces: &Pieces<'a>, adds: bool, suppresses: bool) -> bool {
        let mut changed = false;
        for field in schema::FIELDS.into_iter().filter(|field| *field != schema::ENUMERATOR) {
            if let Some((_, change)) = pieces.own_field(record, field, self.delegation) {
                self.changes.insert(change);
                changed = true;
            }
        }
        let before = if adds { "" } else { pieces.enumerator(record) };
        // The enumerator of another delegation's addition is that delegation's pending word.
        let of = (!pieces.base && !adds).then(|| pieces.added_by.clone());
        let own = pieces.own_field(record, schema::ENUMERATOR, self.delegation);
        self.changes.extend(own.map(|(_, change)| change));
        let after = own.map_or(before, |(value, _)| value);
        self.renumbered = after != before && !adds;
        self.enumerator = after.to_owned();
        let by = vec![self.delegation.clone()];
        let mut push = |kind, text: &str, by: Vec<DelegationCode>, of: Option<DelegationCode>| {
            if !text.is_empty() {
                self.segments.push(Segment { kind, field: Field::Enumerator, text: text.to_owned(), by, of });
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
        changed || own.is_some()
    }

    fn words(&mut self, pieces: &Pieces<'a>, suppresses: bool) {
        let own = self.delegation;
        // Suppressing what the baseline has strikes the baseline's words: what others propose there is not
        // struck by it, it collides with it. Suppressing another's addition strikes the addition.
        let strikes = |p: &Piece<'_>| {
            let whole = suppresses && (p.base || !pieces.base || p.by == own);
            whole || p.struck_by(own)
        };
        for stretch in pieces.pieces.chunk_by(|a, b| a.base == b.base) {
            let involved = stretch.iter().any(|p| !p.base && p.by != own && strikes(p));
            let inside = inserts_inside(stretch, own);
            for piece in stretch {
                if piece.struck_by(own) {
                    self.changes
                        .extend(piece.struck.iter().filter(|(by, _)| *by == own).map(|(_, change)| *change));
                }
                let foreign = !piece.base && piece.by != own;
                let of = foreign.then(|| piece.by.clone());
                let by = vec![own.clone()];
                if !piece.base && !foreign {
                    self.changes.insert(piece.inserted);
                    self.insertions.insert(piece.inserted);
                    self.push(SegmentKind::Inserted, piece.text, by, None);
                    self.text.push_str(piece.text);
                } else if strikes(piece) {
                    self.push(SegmentKind::Struck, piece.text, by, of);
                    if foreign {
                        self.amends.insert(piece.by);
                    }
                } else if !foreign {
                    self.push(SegmentKind::Kept, piece.text, Vec::new(), None);
                    self.text.push_str(piece.text);
                } else if involved || inside.contains(piece.by) {
                    self.push(SegmentKind::Kept, piece.text, Vec::new(), of);
                }
            }
            self.amends.extend(inside);
        }
    }

    /// Appends a segment of the text, to the one before where they are alike.
    fn push(&mut self, kind: SegmentKind, text: &str, by: Vec<DelegationCode>, of: Option<DelegationCode>) {
        match self.segments.last_mut() {
            Some(last)
                if last.kind == kind && last.field == Field::Text && last.by == by && last.of == of =>
            {
                last.text.push_str(text);
            }
            _ => self.segments.push(Segment { kind, field: Field::Text, text: text.to_owned(), by, of }),
        }
    }
}

/// Within a stretch of pending words: whose words `own` inserted into, between two of theirs.
fn inserts_inside<'a>(stretch: &[Piece<'a>], own: &DelegationCode) -> BTreeSet<&'a DelegationCode> {
    if stretch.iter().any(|piece| piece.base) {
        return BTreeSet::new();
    }
    let mut inside = BTreeSet::new();
    for (n, piece) in stretch.iter().enumerate().filter(|(_, piece)| piece.by == own) {
        let _ = piece;
        let before: BTreeSet<_> = stretch.iter().take(n).map(|p| p.by).filter(|by| *by != own).collect();
        let after: BTreeSet<_> = stretch.iter().skip(n + 1).map(|p| p.by).filter(|by| *by != own).collect();
        inside.extend(before.intersection(&after));
    }
    inside
}
