//! Comments: what the entries add up to, and what became of the words that they are on.

use super::{Act, Entry, Floor, OpRef};
use crate::amendment;
use crate::api::{self, By, CommentedWords, Reply, Resolved};
use crate::authorship::anchor::Span;
use crate::authorship::{Anchors, OpId, Provision, Record};
use crate::id::{DelegationCode, ProvisionId};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A comment as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its number, from 1.
    pub number: u32,
    /// Its entry.
    pub entry: u64,
    /// On which provision.
    pub provision: ProvisionId,
    /// The elements of the words that it is on; none: on the whole provision.
    pub words: Vec<(OpRef, u32)>,
    /// The words as they stood.
    pub quote: String,
    /// Whose it is.
    pub by: By,
    /// When it was made.
    pub at: Timestamp,
    /// What is said.
    pub text: String,
    /// The key that it was sent with.
    pub key: Option<String>,
    /// What was said to it.
    pub replies: Vec<Reply>,
    /// Who resolved it.
    pub resolved: Option<Resolved>,
}

/// Takes in an entry about comments.
pub(super) fn take(all: &mut Vec<Comment>, entry: &Entry) {
    let of = |all: &mut Vec<Comment>, number: u32, does: &dyn Fn(&mut Comment)| {
        all.iter_mut().filter(|one| one.number == number).for_each(does);
    };
    let (by, at) = (entry.by.name(), entry.at);
    match &entry.act {
        Act::Comment { comment, provision, words, quote, text, key } => all.push(Comment {
            number: *comment,
            entry: entry.number,
            provision: provision.clone(),
            words: words.clone(),
            quote: quote.clone(),
            by: entry.by.clone(),
            at,
            text: text.clone(),
            key: key.clone(),
            replies: Vec::new(),
            resolved: None,
        }),
        Act::Reply { comment, text, key } => of(all, *comment, &|one| {
            one.replies.push(Reply { by: by.clone(), at, text: text.clone(), key: key.clone() });
        }),
        Act::Resolve { comment, resolved } => of(all, *comment, &|one| {
            one.resolved = resolved.then(|| Resolved { by: by.clone(), at });
        }),
        _ => {}
    }
}

impl Comment {
    /// Its words' elements in an index; those that it does not know are left out.
    fn spans(&self, floor: &Floor<'_>) -> Vec<Span> {
        let known = self.words.iter().filter_map(|(first, len)| Some((first.in_index(floor.index)?, *len)));
        known.collect()
    }

    /// The name that its provision has in the record.
    fn place(&self, floor: &Floor<'_>) -> ProvisionId {
        floor.index.named(&self.provision, floor.settled).unwrap_or_else(|| self.provision.clone())
    }
}

/// Which words the comments are on that are not resolved.
pub fn anchors<'a>(floor: &Floor<'a>) -> Anchors<'a> {
    let mut anchors = Anchors::new(floor.settled);
    for one in floor.ledger.comments().iter().filter(|one| one.resolved.is_none() && !one.words.is_empty()) {
        anchors.tie(one.number, one.place(floor), &one.spans(floor));
    }
    anchors
}

/// All comments, in the order of the provisions.
pub fn comments(floor: &Floor<'_>, record: &Record) -> api::Comments {
    let mut by_place: BTreeMap<ProvisionId, Vec<&Comment>> = BTreeMap::new();
    for one in floor.ledger.comments() {
        by_place.entry(one.place(floor)).or_default().push(one);
    }
    let saw = |later, earlier| floor.index.saw(later, earlier);
    let places = amendment::placed(record, &saw, &mut floor.memory.borrow_mut().sketches);
    let listed = record.provisions.iter().zip(places).flat_map(|(provision, (place, stands))| {
        let fates = by_place.contains_key(&provision.id).then(|| fates(floor, provision));
        let all = by_place.remove(&provision.id).unwrap_or_default();
        all.into_iter()
            .map(|one| api::Comment {
                number: one.number,
                entry: one.entry,
                provision: place.clone(),
                gone: !stands,
                words: words(one, floor, fates.as_deref().unwrap_or_default()),
                by: one.by.name(),
                at: one.at,
                text: one.text.clone(),
                key: one.key.clone(),
                replies: one.replies.clone(),
                resolved: one.resolved.clone(),
            })
            .collect::<Vec<_>>()
    });
    api::Comments { comments: listed.collect() }
}

/// Elements of a text that counts, with who struck them.
struct Fate {
    first: OpId,
    len: u32,
    struck_by: Vec<DelegationCode>,
}

/// What became of every element of a provision's text that counts anywhere, ascending.
fn fates(floor: &Floor<'_>, provision: &Provision) -> Vec<Fate> {
    let body = floor.index.provision_named(&provision.id, floor.settled);
    // Of words that their author took back, and of which the record has none, it is to be said too who struck them.
    let all = body.map(|body| floor.index.all_words(body, floor.settled)).unwrap_or_default();
    let each = all.iter().filter_map(|run| {
        let strikers = run.struck.iter().filter_map(|deed| floor.index.delegation_at(deed.change));
        let strikers: BTreeSet<_> = strikers.cloned().collect();
        Some(Fate {
            first: floor.settled.first_alike(run.inserted.first()?.op),
            len: u32::try_from(run.text.chars().count()).unwrap_or(u32::MAX),
            struck_by: strikers.into_iter().collect(),
        })
    });
    let mut fates: Vec<Fate> = each.collect();
    fates.sort_by_key(|fate| fate.first);
    fates
}

/// A comment's words with what became of them.
fn words(comment: &Comment, floor: &Floor<'_>, fates: &[Fate]) -> Vec<CommentedWords> {
    let mut out: Vec<CommentedWords> = Vec::new();
    let mut characters = comment.quote.chars();
    for (first, len) in floor.settled.first_spans(&comment.spans(floor)) {
        let mut done = 0;
        while done < len {
            let here = first.plus(done);
            let at = fates.partition_point(|fate| fate.first <= here);
            let before = at.checked_sub(1).and_then(|at| fates.get(at));
            let within = before.filter(|fate| {
                fate.first.actor == here.actor && here.counter - fate.first.counter < fate.len
            });
            // Up to where the answer may be another one.
            let same = match (within, fates.get(at)) {
                (Some(fate), _) => fate.len - (here.counter - fate.first.counter),
                (None, Some(next)) if next.first.actor == here.actor => next.first.counter - here.counter,
                (None, _) => u32::MAX,
            };
            let many = same.min(len - done);
            let text: String = characters.by_ref().take(many as usize).collect();
            let struck_by = within.map(|fate| fate.struck_by.clone()).unwrap_or_default();
            let stands = within.is_some() && struck_by.is_empty();
            match out.last_mut() {
                Some(last) if last.stands == stands && last.struck_by == struck_by => {
                    last.text.push_str(&text)
                }
                _ => out.push(CommentedWords { text, stands, struck_by }),
            }
            done += many;
        }
    }
    out
}
