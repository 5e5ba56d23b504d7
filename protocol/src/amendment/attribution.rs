//! Who wrote every word of a document, for the API.

use super::derive::Context;
use super::joint::groups;
use super::place::places;
use super::sketch::Sketches;
use crate::api::Attribution;
use crate::authorship::{Record, Roster};
use std::collections::BTreeSet;

/// Every provision that the baseline or somebody's pending addition has, with each word's author.
pub fn attribution(
    record: &Record,
    roster: &Roster,
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
        attributed.provision = place;
        attributed.shown |= leads.contains(&at);
        Some(attributed)
    });
    Attribution {
        roster: roster.iter().map(|(actor, delegation)| (actor.to_string(), delegation.clone())).collect(),
        provisions: provisions.collect(),
    }
}
