//! Where a provision stands: its part, the heading above it, its enumerator.

use super::piece::Pieces;
use crate::api::ProvisionRef;
use crate::authorship::{Provision, Record};
use crate::resolution::schema;

/// The place of every provision of a record, in order.
pub(crate) fn places(record: &Record) -> Vec<ProvisionRef> {
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

/// Whether a provision stands in the agreed text, or is proposed to.
pub(crate) fn stands(record: &Record, provision: &Provision) -> bool {
    Pieces::of(record, provision).is_some_and(|pieces| !pieces.gone)
}
