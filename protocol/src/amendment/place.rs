//! Where a provision stands: its part, the heading above it, its enumerator.

use super::sketch::Sketch;
use crate::api::ProvisionRef;
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
