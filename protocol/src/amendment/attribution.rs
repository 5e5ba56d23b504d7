//! Who wrote every word of a document, for the API.

use super::joint::groups;
use super::piece::{Pieces, by};
use super::place::places;
use crate::api::{AttributedProvision, AttributedRun, Attribution};
use crate::authorship::{Anchors, Record, Roster};
use crate::id::DelegationCode;
use crate::resolution::schema;
use std::collections::BTreeSet;

/// Every provision that the baseline or somebody's pending addition has, with each word's author and the comments
/// on it.
pub fn attribution(record: &Record, roster: &Roster, comments: &Anchors<'_>) -> Attribution {
    // An addition that several made alike is shown where its lead made it.
    let leads: BTreeSet<usize> = groups(record).iter().map(|group| group.lead.at).collect();
    let all = record.provisions.iter().zip(places(record)).enumerate();
    let provisions = all.filter_map(|(at, (provision, place))| {
        let pieces = Pieces::of(record, provision).filter(|pieces| !pieces.gone)?;
        let field = |name: &str| provision.field(name).last().map_or("", |version| version.value.as_str());
        let mut runs: Vec<AttributedRun> = Vec::new();
        for piece in &pieces.pieces {
            let strikers: BTreeSet<_> = piece.struck.iter().map(|(by, _)| (*by).clone()).collect();
            let struck_by: Vec<_> = strikers.into_iter().collect();
            let mut authors = piece.by.iter().map(|by| (*by).clone());
            let Some(inserted_by) = authors.next() else { continue };
            let also_by: Vec<_> = authors.collect();
            let first = piece.inserted.first().map(|(_, deed)| deed.op);
            let parts = first.map(|first| comments.cut(&provision.id, first, piece.len()));
            let mut characters = piece.text.chars();
            for (len, comments) in parts.unwrap_or_default() {
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
        let suppressors: BTreeSet<_> = pieces.suppressed.iter().map(|((by, _), _)| (*by).clone()).collect();
        let first = provision.inserted.first().and_then(|deed| by(record, deed));
        Some(AttributedProvision {
            provision: place,
            kind: field(schema::KIND).to_owned(),
            level: field(schema::LEVEL).parse().unwrap_or(0),
            baseline: pieces.base,
            shown: pieces.base || leads.contains(&at),
            inserted_by: first.cloned().unwrap_or_else(DelegationCode::secretariat),
            suppressed_by: suppressors.into_iter().collect(),
            runs,
        })
    });
    Attribution {
        roster: roster.iter().map(|(actor, delegation)| (actor.to_string(), delegation.clone())).collect(),
        provisions: provisions.collect(),
    }
}
