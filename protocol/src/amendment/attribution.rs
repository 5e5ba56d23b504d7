//! Who wrote every word of a document, for the API.

use super::derive::Context;
use super::joint::groups;
use super::piece::Pieces;
use super::place::places;
use super::sketch::{Sketches, runs};
use crate::api::AttributedProvision;
use crate::authorship::{Anchors, Record};
use std::collections::BTreeSet;

/// Every provision that the baseline or somebody's pending addition has, with each word's author and the comments
/// on it.
pub fn attribution(
    record: &Record,
    comments: &Anchors<'_>,
    context: &Context<'_>,
    sketches: &mut Sketches,
) -> Vec<AttributedProvision> {
    let sketches = sketches.of(record, context.saw);
    // An addition that several made alike is shown where its lead made it.
    let leads: BTreeSet<usize> =
        groups(&record.changes, &sketches).iter().map(|group| group.lead.at).collect();
    let all = sketches.iter().zip(places(&sketches)).enumerate();
    let provisions = all.filter_map(|(at, (sketch, place))| {
        let mut attributed = sketch.attributed.clone()?;
        if comments.are_in(&sketch.provision.id)
            && let Some(pieces) = Pieces::of(&record.changes, &sketch.provision)
        {
            attributed.runs = runs(&pieces, Some(comments));
        }
        attributed.provision = place;
        attributed.shown |= leads.contains(&at);
        Some(attributed)
    });
    provisions.collect()
}
