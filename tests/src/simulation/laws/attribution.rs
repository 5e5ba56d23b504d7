//! Attribution: every deed is its author's, whatever was decided about it and however often its words came back.

use super::{authors, differs};
use crate::simulation::Violation;
use crate::simulation::settlement::Whole;
use crate::simulation::truth::Truth;
use codraft_protocol::api::Attribution;
use codraft_protocol::authorship::Standing;
use codraft_protocol::id::DelegationCode;
use std::collections::{BTreeMap, BTreeSet};

/// The deeds that count are those that the oracle finds.
pub(super) fn deeds(ours: &[Whole], naive: Vec<Whole>) -> Result<(), Violation> {
    let by_id = |wholes: Vec<Whole>| -> BTreeMap<String, Whole> {
        wholes.into_iter().map(|one| (one.id.clone(), one.sorted())).collect()
    };
    let (ours, naive) = (by_id(ours.to_vec()), by_id(naive));
    let ids = |all: &BTreeMap<String, Whole>| all.keys().cloned().collect::<Vec<_>>();
    differs("attribution", "the provisions", &ids(&ours), &ids(&naive))?;
    for (ours, naive) in ours.values().zip(naive.values()) {
        differs("attribution", &format!("the deeds in {}", naive.id), ours, naive)?;
    }
    Ok(())
}

/// The API's attribution: every letter that has not been taken back, with who inserted and who struck it.
pub(super) fn shown(shown: &Attribution, wholes: &[Whole], truth: &Truth) -> Result<(), Violation> {
    type Row = (char, Vec<DelegationCode>, Vec<DelegationCode>, bool);
    let mut expected: Vec<(String, BTreeSet<DelegationCode>, Vec<Row>)> = Vec::new();
    for whole in wholes.iter().filter(|whole| !whole.is_gone()) {
        let mut rows = Vec::new();
        for word in whole.words() {
            let (mut by, struck) = (authors(&word.inserted, truth)?, authors(&word.struck, truth)?);
            if !word.is_base() {
                by.retain(|author| !struck.contains(author));
            }
            if !by.is_empty() {
                rows.push((
                    word.character,
                    by.into_iter().collect(),
                    struck.into_iter().collect(),
                    word.is_base(),
                ));
            }
        }
        let mut suppressed = authors(&whole.removed, truth)?;
        let pending = |deed: &crate::simulation::settlement::Deed| deed.standing != Standing::Adopted;
        let standing = whole.suppressed.iter().filter(|one| one.replaced.is_empty() && pending(&one.put));
        suppressed.extend(authors(standing.map(|one| &one.put), truth)?);
        expected.push((whole.id.clone(), suppressed, rows));
    }
    let found = shown.provisions.iter().map(|provision| {
        let letters = provision.runs.iter().flat_map(|run| {
            let by: Vec<_> = std::iter::once(&run.inserted_by).chain(&run.also_by).cloned().collect();
            run.text.chars().map(move |c| (c, by.clone(), run.struck_by.clone(), run.baseline))
        });
        let suppressed: BTreeSet<_> = provision.suppressed_by.iter().cloned().collect();
        (provision.provision.id.0.clone(), suppressed, letters.collect::<Vec<Row>>())
    });
    let found: Vec<_> = found.collect();
    for (found, expected) in found.iter().zip(&expected) {
        differs("attribution", "the attribution of a provision", found, expected)?;
    }
    differs("attribution", "how many provisions are attributed", &found.len(), &expected.len())
}
