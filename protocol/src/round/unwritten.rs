//! The detector of sentences that nobody wrote: where edits of several delegations met in one provision, a merge
//! can read as no one of them meant it.

use super::Listed;
use super::alternatives::with_only;
use crate::amendment::{self, View};
use crate::api::{Alternative, UnwrittenSentence};
use crate::authorship::Record;
use std::collections::{BTreeMap, BTreeSet};
use unicode_segmentation::UnicodeSegmentation;

/// The sentences of the text as it stands that match no single proposal's version, nor the agreed text.
pub fn unwritten(record: &Record, open: &[Listed]) -> Vec<UnwrittenSentence> {
    let mut here: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for one in open {
        here.entry(one.derived.proposal.provision.id.0.as_str()).or_default().push(one);
    }
    // One proposal alone makes no sentence that nobody wrote.
    here.retain(|_, all| all.len() > 1);
    if here.is_empty() {
        return Vec::new();
    }
    let agreed = amendment::lines(record, &View::Baseline);
    let mut found = Vec::new();
    for line in amendment::lines(record, &View::Current) {
        let Some(all) = here.get(line.provision.0.as_str()) else { continue };
        let base = agreed.iter().find(|one| one.provision == line.provision).map(|one| one.text.clone());
        let mut versions: Vec<Alternative> = base
            .into_iter()
            .map(|text| Alternative { proposals: Vec::new(), sponsors: Vec::new(), text })
            .collect();
        versions.extend(all.iter().map(|one| Alternative {
            proposals: one.number.iter().map(ToString::to_string).collect(),
            sponsors: one.derived.proposal.sponsors.clone(),
            text: with_only(record, one),
        }));
        let written: BTreeSet<&str> = versions.iter().flat_map(|one| sentences(&one.text)).collect();
        for sentence in sentences(&line.text).filter(|sentence| !written.contains(sentence)) {
            let provision = all.first().map(|one| one.derived.proposal.provision.clone());
            let Some(provision) = provision else { continue };
            found.push(UnwrittenSentence {
                provision,
                text: sentence.to_owned(),
                versions: versions.clone(),
            });
        }
    }
    found
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_sentences().map(str::trim).filter(|sentence| !sentence.is_empty())
}
