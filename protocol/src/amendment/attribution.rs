//! Who wrote every word of a document, for the API.

use super::derive::Context;
use super::joint::groups;
use super::piece::Pieces;
use super::place::places;
use super::sketch::{Sketches, runs};
use crate::api::Attribution;
use crate::authorship::{Anchors, Record, Roster};
use std::collections::BTreeSet;

/// Every provision that the baseline or somebody's pending addition has, with each word's author and the comments
/// on it.
pub fn attribution(
    record: &Record,
    roster: &Roster,
    comments: &Anchors<'_>,
    context: &Context<'_>,
    sketches: &mut Sketches,
) -> Attribution {
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
    Attribution {
        roster: roster.iter().map(|(actor, delegation)| (actor.to_string(), delegation.clone())).collect(),
        provisions: provisions.collect(),
    }
}
