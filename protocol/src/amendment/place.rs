//! Where a provision stands: its part, the heading above it, its enumerator.

use super::derive::Saw;
use super::sketch::{Ground, Sketch, Sketches};
use crate::api::ProvisionRef;
use crate::authorship::Record;
use std::sync::Arc;

/// The place of every provision of a record, in order.
pub(super) fn places(sketches: &[Arc<Sketch>]) -> Vec<ProvisionRef> {
    let mut heading = "";
    let each = sketches.iter().map(|sketch| {
        let place = ProvisionRef {
            id: sketch.provision.id.clone(),
            part: sketch.part.clone(),
            heading: heading.to_owned(),
            enumerator: sketch.enumerator.clone(),
        };
        if let Some(words) = &sketch.heads {
            heading = words;
        }
        place
    });
    each.collect()
}

/// The place of every provision of a record, in order, and whether it stands in the agreed text or is proposed to.
pub(crate) fn placed(record: &Record, saw: &Saw<'_>, sketches: &mut Sketches) -> Vec<(ProvisionRef, bool)> {
    let sketches = sketches.of(record, saw);
    let stand = sketches.iter().map(|sketch| sketch.ground != Ground::Gone);
    places(&sketches).into_iter().zip(stand).collect()
}
