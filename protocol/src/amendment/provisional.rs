//! What added provisions are called until the secretariat numbers them: `11bis`, `11ter` behind 11.

use super::piece::Pieces;
use crate::authorship::Record;
use std::collections::BTreeMap;

const ORDINALS: [&str; 11] = [
    "bis",
    "ter",
    "quater",
    "quinquies",
    "sexies",
    "septies",
    "octies",
    "novies",
    "decies",
    "undecies",
    "duodecies",
];

/// By place in the record: the names of the added provisions that stand behind an enumerated one.
pub(super) fn names(record: &Record) -> BTreeMap<usize, String> {
    let mut names = BTreeMap::new();
    let (mut before, mut added) = (String::new(), 0);
    for (at, provision) in record.provisions.iter().enumerate() {
        let Some(pieces) = Pieces::of(record, provision).filter(|pieces| !pieces.gone) else { continue };
        if pieces.base {
            (before, added) = (pieces.enumerator(record).to_owned(), 0);
            continue;
        }
        if let Some(name) = ORDINALS.get(added).and_then(|ordinal| named(&before, ordinal)) {
            names.insert(at, name);
        }
        added += 1;
    }
    names
}

/// `11` becomes `11bis`, `a)` becomes `abis)`; a dash, or nothing, has no names.
fn named(enumerator: &str, ordinal: &str) -> Option<String> {
    let core = enumerator.trim_end_matches([')', '.']);
    let close = enumerator.get(core.len()..).unwrap_or_default();
    let counts = core.chars().last().is_some_and(|c| c.is_ascii_alphanumeric());
    counts.then(|| format!("{core}{ordinal}{close}"))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn the_sign_that_closes_stays_at_the_end() {
        let name = |enumerator| named(enumerator, "bis");
        assert_eq!((name("11"), name("a)")), (Some("11bis".into()), Some("abis)".into())));
        assert_eq!((name("–"), name("")), (None, None));
    }
}
