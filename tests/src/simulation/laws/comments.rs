//! Comments: none is lost, and each stays with the words that it was made on, or tells what became of them.

use super::{authors, differs};
use crate::simulation::Violation;
use crate::simulation::settlement::{Settlement, Whole, Word, ops};
use crate::simulation::truth::Truth;
use codraft_protocol::api::{By, CommentedWords};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::round::{Act, Entry};
use codraft_server::hub::Hub;
use std::collections::{BTreeMap, BTreeSet};

const LAW: &str = "comments keep their words";

/// A comment by the entries.
struct Said<'e> {
    entry: &'e Entry,
    replies: Vec<&'e str>,
    resolved: bool,
}

fn name(by: &By) -> String {
    match (&by.delegation, by.role) {
        (Some(delegation), _) => delegation.to_string(),
        (None, Some(role)) => role.to_string(),
        (None, None) => "server".to_owned(),
    }
}

/// What the hub tells of comments is what was said, and on which words.
pub(super) fn kept(
    hub: &Hub,
    settlement: &Settlement,
    wholes: &[Whole],
    entries: &[Entry],
    truth: &Truth,
) -> Result<(), Violation> {
    let mut said: BTreeMap<u32, Said<'_>> = BTreeMap::new();
    for entry in entries {
        match &entry.act {
            Act::Comment { comment, .. } => {
                said.insert(*comment, Said { entry, replies: Vec::new(), resolved: false });
            }
            Act::Reply { comment, text, .. } => {
                said.entry(*comment).and_modify(|one| one.replies.push(text));
            }
            Act::Resolve { comment, resolved } => {
                said.entry(*comment).and_modify(|one| one.resolved = *resolved);
            }
            _ => {}
        }
    }
    let listed = hub.comments().comments;
    let numbers: BTreeSet<u32> = listed.iter().map(|one| one.number).collect();
    differs(LAW, "which comments there are", &numbers, &said.keys().copied().collect())?;
    differs(LAW, "how many there are", &listed.len(), &said.len())?;

    let firsts = |word: &Word| word.inserted.iter().map(|deed| settlement.first(&deed.op).clone()).next();
    let words = wholes.iter().flat_map(|whole| &whole.words);
    let words: BTreeMap<_, &Word> = words.filter_map(|word| Some((firsts(word)?, word))).collect();
    let attribution = hub.attribution();
    for one in &listed {
        let Some(Said { entry, replies, resolved }) = said.get(&one.number) else { continue };
        let Act::Comment { provision, words: elements, quote, text, .. } = &entry.act else { continue };
        differs(LAW, "what is said", &(&one.text, &one.by), &(text, &name(&entry.by)))?;
        let found: Vec<&str> = one.replies.iter().map(|reply| reply.text.as_str()).collect();
        differs(LAW, "the replies", &(found, one.resolved.is_some()), &(replies.clone(), *resolved))?;
        let place = place(settlement, &provision.0);
        differs(LAW, "the provision", &one.provision.id.0, &place)?;
        let gone = wholes.iter().find(|whole| whole.id == place).is_none_or(Whole::is_gone);
        differs(LAW, "whether the provision is gone", &one.gone, &gone)?;

        let elements: Vec<_> = elements.iter().flat_map(|(first, len)| ops(first, *len)).collect();
        let mut expected: Vec<CommentedWords> = Vec::new();
        for (op, character) in elements.iter().zip(quote.chars()) {
            let word = words.get(settlement.first(op));
            let strikers = word.map(|word| authors(&word.struck, truth)).transpose()?.unwrap_or_default();
            let struck_by: Vec<DelegationCode> = strikers.into_iter().collect();
            let stands = word.is_some() && struck_by.is_empty();
            match expected.last_mut() {
                Some(last) if last.stands == stands && last.struck_by == struck_by => {
                    last.text.push(character)
                }
                _ => expected.push(CommentedWords { text: character.to_string(), stands, struck_by }),
            }
        }
        differs(LAW, "the words", &one.words, &expected)?;

        // They are marked wherever they are shown, and no others.
        let firsts: BTreeSet<_> = elements.iter().map(|op| settlement.first(op).clone()).collect();
        let shown = attribution.provisions.iter().find(|shown| shown.provision.id.0 == place);
        let Some((shown, whole)) = shown.zip(wholes.iter().find(|whole| whole.id == place)) else { continue };
        let runs = shown.runs.iter().filter(|run| run.comments.contains(&one.number));
        let marked: String = runs.map(|run| run.text.as_str()).collect();
        let mut meant = String::new();
        for word in whole.words().filter(|_| !resolved) {
            let (by, struck) = (authors(&word.inserted, truth)?, authors(&word.struck, truth)?);
            let taken_back = !word.is_base() && by.is_subset(&struck);
            let here = word.inserted.iter().any(|deed| firsts.contains(settlement.first(&deed.op)));
            if here && !taken_back {
                meant.push(word.character);
            }
        }
        differs(LAW, "the marked words", &marked, &meant)?;
    }
    Ok(())
}

/// The name of the provision that an element is.
fn place(settlement: &Settlement, id: &str) -> String {
    let parsed = id.split_once('@').and_then(|(counter, actor)| {
        Some((counter.parse().ok()?, automerge::ActorId::try_from(actor).ok()?))
    });
    parsed.map_or_else(
        || id.to_owned(),
        |op| {
            let (counter, actor) = settlement.first(&op);
            format!("{counter}@{actor}")
        },
    )
}
