//! What added provisions are called until the secretariat numbers them: `11bis`, `11ter` behind 11.

use super::sketch::{Ground, Sketch};
use crate::resolution::enumerator::CLOSING;
use std::collections::BTreeMap;
use std::sync::Arc;

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
pub(super) fn names(sketches: &[Arc<Sketch>]) -> BTreeMap<usize, String> {
    let mut names = BTreeMap::new();
    let (mut before, mut added) = ("", 0);
    for (at, sketch) in sketches.iter().enumerate() {
        match sketch.ground {
            Ground::Agreed => (before, added) = (&sketch.enumerator, 0),
            Ground::Added => {
                if let Some(name) = ORDINALS.get(added).and_then(|ordinal| named(before, ordinal)) {
                    names.insert(at, name);
                }
                added += 1;
            }
            Ground::Gone => {}
        }
    }
    names
}

/// `11` becomes `11bis`, `a)` becomes `abis)`; a dash, or nothing, has no names.
fn named(enumerator: &str, ordinal: &str) -> Option<String> {
    let core = enumerator.trim_end_matches(CLOSING);
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
        assert_eq!(name("（a）"), Some("（abis）".into()));
        assert_eq!((name("–"), name("")), (None, None));
    }
}
