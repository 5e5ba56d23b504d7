//! One provision as all that is derived from a record sees it: whatever does not depend on what stands around it.
//!
//! A sketch follows from its provision alone, so it is made once for as long as nobody touches that: what a change
//! costs does not grow with the rest of the document.

use super::collision;
use super::derive::Saw;
use super::draft::Draft;
use super::piece::{Pieces, by};
use crate::api::{AttributedProvision, AttributedRun, Mark, ProvisionRef};
use crate::authorship::record::memo::Memo;
use crate::authorship::{Anchors, Changes, Provision, Record};
use crate::id::DelegationCode;
use crate::resolution::{schema, structure};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a provision stands to the agreed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// The agreed text has it.
    Agreed,
    /// Somebody proposes to add it.
    Added,
    /// It no longer stands.
    Gone,
}

/// A sketch.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) provision: Arc<Provision>,
    pub(super) ground: Ground,
    pub(super) part: String,
    /// As in [`Pieces::enumerator`].
    pub(super) enumerator: String,
    /// Of a heading: its words, under which the next provisions stand.
    pub(super) heads: Option<String>,
    /// Each delegation's amendment of it, in order of their codes.
    pub(super) drafts: Vec<Draft>,
    /// Pairs of those, other than additions, that cannot both be adopted: places in `drafts`, the lower first.
    pub(super) clashes: BTreeSet<(usize, usize)>,
    /// Who wrote its words, but for its place; none where it is gone.
    pub(super) attributed: Option<AttributedProvision>,
}

/// The sketches of a record's provisions, those that were made before as they are.
#[derive(Clone, Debug, Default)]
pub struct Sketches(Memo<Arc<Sketch>>);

impl Sketches {
    /// One of each provision, in order.
    pub(super) fn of(&mut self, record: &Record, saw: &Saw<'_>) -> Vec<Arc<Sketch>> {
        let made = record.provisions.iter().map(|provision| {
            self.0.of(provision, |provision| Arc::new(Sketch::of(&record.changes, provision, saw)))
        });
        let sketches = made.collect();
        self.0.end_pass();
        sketches
    }
}

impl Sketch {
    fn of(changes: &Changes, provision: &Arc<Provision>, saw: &Saw<'_>) -> Self {
        let pieces = Pieces::of(changes, provision);
        let field = |name: &str| {
            let base = pieces.as_ref().map(|p| p.base_field(name)).unwrap_or_default();
            let last = || provision.field(name).last().map_or("", |version| version.value.as_str());
            if base.is_empty() { last() } else { base }.to_owned()
        };
        let heads = pieces.as_ref().filter(|_| field(schema::KIND) == "heading").map(|pieces| {
            let words =
                pieces.pieces.iter().filter(|piece| piece.base || !pieces.base).map(|piece| piece.text);
            words
                .collect::<String>()
                .trim_end_matches(|c| {
                    structure::COMMAS.contains(&c) || structure::COLONS.contains(&c) || c == ' '
                })
                .to_owned()
        });
        let mut sketch = Self {
            provision: Arc::clone(provision),
            ground: match &pieces {
                Some(pieces) if !pieces.gone && pieces.base => Ground::Agreed,
                Some(pieces) if !pieces.gone => Ground::Added,
                _ => Ground::Gone,
            },
            part: field(schema::PART),
            enumerator: pieces.as_ref().map_or("", |p| p.enumerator(changes)).to_owned(),
            heads,
            drafts: Vec::new(),
            clashes: BTreeSet::new(),
            attributed: pieces.as_ref().filter(|pieces| !pieces.gone).map(|p| attributed(changes, p)),
        };
        let Some(pieces) = pieces.filter(|pieces| !pieces.is_quiet()) else { return sketch };
        let delegations = pieces.delegations(changes);
        sketch.drafts = delegations.into_iter().filter_map(|own| Draft::of(changes, &pieces, own)).collect();
        let others: Vec<(usize, &Draft)> =
            sketch.drafts.iter().enumerate().filter(|(_, draft)| draft.mark != Mark::Add).collect();
        sketch.clashes = collision::clashes(&pieces.base_text(), &others, saw);
        sketch
    }
}

/// Who wrote every word of a provision. Its place is filled in by whoever knows what stands before it.
fn attributed(changes: &Changes, pieces: &Pieces<'_>) -> AttributedProvision {
    let provision = pieces.provision;
    let field = |name: &str| provision.field(name).last().map_or("", |version| version.value.as_str());
    let suppressors: BTreeSet<_> = pieces.suppressed.iter().map(|((by, _), _)| (*by).clone()).collect();
    let first = provision.inserted.first().and_then(|deed| by(changes, deed));
    AttributedProvision {
        provision: ProvisionRef {
            id: provision.id.clone(),
            part: String::new(),
            heading: String::new(),
            enumerator: String::new(),
        },
        kind: field(schema::KIND).to_owned(),
        level: field(schema::LEVEL).parse().unwrap_or(0),
        baseline: pieces.base,
        shown: pieces.base,
        inserted_by: first.cloned().unwrap_or_else(DelegationCode::secretariat),
        suppressed_by: suppressors.into_iter().collect(),
        runs: runs(pieces, None),
    }
}

/// Its words, each stretch with its authors, cut also where comments begin and end.
pub(super) fn runs(pieces: &Pieces<'_>, comments: Option<&Anchors<'_>>) -> Vec<AttributedRun> {
    let mut runs: Vec<AttributedRun> = Vec::new();
    for piece in &pieces.pieces {
        let strikers: BTreeSet<_> = piece.struck.iter().map(|(by, _)| (*by).clone()).collect();
        let struck_by: Vec<_> = strikers.into_iter().collect();
        let mut authors = piece.by.iter().map(|by| (*by).clone());
        let Some(inserted_by) = authors.next() else { continue };
        let also_by: Vec<_> = authors.collect();
        let first = piece.inserted.first().map(|(_, deed)| deed.op);
        let parts = match (comments, first) {
            (Some(comments), Some(first)) => comments.cut(&pieces.provision.id, first, piece.len()),
            _ => vec![(piece.len(), Vec::new())],
        };
        let mut characters = piece.text.chars();
        for (len, comments) in parts {
            let text: String = characters.by_ref().take(len as usize).collect();
            match runs.last_mut() {
                Some(last)
                    if last.inserted_by == inserted_by
                        && last.also_by == also_by
                        && last.struck_by == struck_by
                        && last.comments == comments
                        && last.baseline == piece.base =>
                {
                    last.text.push_str(&text);
                }
                _ => runs.push(AttributedRun {
                    text,
                    inserted_by: inserted_by.clone(),
                    also_by: also_by.clone(),
                    struck_by: struck_by.clone(),
                    baseline: piece.base,
                    comments,
                }),
            }
        }
    }
    runs
}
