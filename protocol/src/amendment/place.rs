//! Where a provision stands: its part, the heading above it, its enumerator.

use super::piece::Pieces;
use crate::api::ProvisionRef;
use crate::authorship::Record;
use crate::resolution::schema;

/// The place of every provision of a record, in order.
pub(super) fn places(record: &Record) -> Vec<ProvisionRef> {
    let mut heading = String::new();
    record
        .provisions
        .iter()
        .map(|provision| {
            let pieces = Pieces::of(record, provision);
            let field = |name: &str| {
                let base = pieces.as_ref().map(|p| p.base_field(name)).unwrap_or_default();
                let last = || provision.field(name).last().map_or("", |version| version.value.as_str());
                if base.is_empty() { last() } else { base }.to_owned()
            };
            let place = ProvisionRef {
                id: provision.id.clone(),
                part: field(schema::PART),
                heading: heading.clone(),
                enumerator: pieces.as_ref().map_or("", |p| p.enumerator(record)).to_owned(),
            };
            if field(schema::KIND) == "heading"
                && let Some(pieces) = &pieces
            {
                let words =
                    pieces.pieces.iter().filter(|piece| piece.base || !pieces.base).map(|piece| piece.text);
                heading = words.collect::<String>().trim_end_matches([',', ':', ' ']).to_owned();
            }
            place
        })
        .collect()
}
