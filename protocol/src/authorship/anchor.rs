//! Words that something is tied to: their own elements, so that edits before, inside and around them leave it
//! where it is, and struck words are still the words that were meant.

use super::{Index, OpId, Settled};
use crate::id::ProvisionId;
use std::collections::BTreeMap;

/// Consecutive elements: the first, and how many they are.
pub(crate) type Span = (OpId, u32);

/// Words of a provision's text, with their elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) spans: Vec<Span>,
    pub(crate) text: String,
}

/// Where some words stand in a text, one after another; empty ones stand nowhere.
fn places<'a>(text: &'a [char], words: &'a [char]) -> impl Iterator<Item = usize> {
    let each = (!words.is_empty()).then(|| text.windows(words.len()));
    each.into_iter().flatten().enumerate().filter(move |(_, here)| *here == words).map(|(at, _)| at)
}

impl Chosen {
    fn of(elements: &[(OpId, char)]) -> Self {
        let mut chosen = Self::default();
        elements.iter().for_each(|(element, character)| chosen.push(*element, *character));
        chosen
    }

    fn push(&mut self, element: OpId, character: char) {
        self.text.push(character);
        match self.spans.last_mut() {
            Some((first, len)) if first.plus(*len) == element => *len += 1,
            _ => self.spans.push((element, 1)),
        }
    }
}

impl Index {
    /// The characters of a provision's element that stand in the document, each with its element.
    fn characters(&self, provision: OpId) -> Option<impl Iterator<Item = (OpId, char, bool)>> {
        let (_, text) = self.text_of(provision)?;
        let each = text.iter().flat_map(|run| {
            let stands = text.strikers(run).is_empty();
            (0..).zip(run.text.chars()).map(move |(n, character)| (run.id.plus(n), character, stands))
        });
        Some(each)
    }

    /// What stands from one element to another one; `None` where the provision has no such elements, in this order.
    pub(crate) fn words_between(&self, provision: OpId, from: OpId, to: OpId) -> Option<Chosen> {
        let (mut chosen, mut begun) = (Chosen::default(), false);
        for (element, character, stands) in self.characters(provision)? {
            begun |= element == from;
            if begun && stands {
                chosen.push(element, character);
            }
            if begun && element == to {
                return Some(chosen);
            }
        }
        None
    }

    /// What stands of a provision's text.
    fn standing(&self, provision: OpId) -> Vec<(OpId, char)> {
        let all = self.characters(provision).into_iter().flatten();
        all.filter(|(_, _, stands)| *stands).map(|(element, character, _)| (element, character)).collect()
    }

    /// Everywhere where exactly these words stand.
    pub(crate) fn words_saying(&self, provision: OpId, words: &str) -> Vec<Chosen> {
        let all = self.standing(provision);
        let text: Vec<char> = all.iter().map(|(_, character)| *character).collect();
        let words: Vec<char> = words.chars().collect();
        places(&text, &words).filter_map(|at| Some(Chosen::of(all.get(at..at + words.len())?))).collect()
    }

    /// Those words which were the `nth` such ones (from 1) when the provision's text was `then`: where what stood
    /// before them, or behind them, still stands there, or where there were and are no others that say the same.
    /// `None`: nobody can tell which they are, or they stand no more.
    pub(crate) fn words_still_saying(
        &self,
        provision: OpId,
        words: &str,
        nth: usize,
        then: &str,
    ) -> Option<Chosen> {
        let all = self.standing(provision);
        let now: Vec<char> = all.iter().map(|(_, character)| *character).collect();
        let [words, then]: [Vec<char>; 2] = [words, then].map(|text| text.chars().collect());
        let at = places(&then, &words).nth(nth.checked_sub(1)?)?;
        let (up_to, from) = (then.get(..at + words.len())?, then.get(at..)?);
        let ahead = now.starts_with(up_to).then_some(at);
        let behind = now.ends_with(from).then(|| now.len() - from.len());
        let only = |text: &[char]| {
            let mut all = places(text, &words);
            all.next().filter(|_| all.next().is_none())
        };
        let at = match (ahead, behind) {
            (Some(one), Some(other)) if one != other => None,
            (Some(one), _) | (_, Some(one)) => Some(one),
            (None, None) => only(&then).and_then(|_| only(&now)),
        };
        Some(Chosen::of(all.get(at?..at? + words.len())?))
    }

    /// The provision's name in every record: that of the first element that is it.
    pub(crate) fn named(&self, id: &ProvisionId, settled: &Settled) -> Option<ProvisionId> {
        let body = self.provision_named(id, settled)?;
        Some(self.written(settled.first_alike(body)))
    }
}

impl Settled {
    /// The first of all elements that are this one: the same whichever of them one asks for.
    pub(crate) fn first_alike(&self, element: OpId) -> OpId {
        self.likeness(element).and_then(|one| one.members.first()).map_or(element, |first| first.id)
    }

    /// The same for stretches of them, in their order.
    pub(crate) fn first_spans(&self, spans: &[Span]) -> Vec<Span> {
        let mut out = Vec::new();
        for (first, len) in spans {
            let mut done = 0;
            while done < *len {
                let element = first.plus(done);
                let plain = self.plain(element, len - done);
                out.push(match plain {
                    0 => (self.first_alike(element), 1),
                    _ => (element, plain),
                });
                done += plain.max(1);
            }
        }
        out
    }
}

/// What is tied to which words, by number.
#[derive(Clone, Debug)]
pub struct Anchors<'a> {
    settled: &'a Settled,
    of: BTreeMap<ProvisionId, Vec<(u32, Span)>>,
}

impl<'a> Anchors<'a> {
    /// Nothing yet.
    pub fn new(settled: &'a Settled) -> Self {
        Self { settled, of: BTreeMap::new() }
    }

    /// Ties a number to words of a provision.
    pub(crate) fn tie(&mut self, number: u32, provision: ProvisionId, spans: &[Span]) {
        let spans = self.settled.first_spans(spans).into_iter().map(|span| (number, span));
        self.of.entry(provision).or_default().extend(spans);
    }

    /// Whether anything is tied to words of a provision.
    pub(crate) fn are_in(&self, provision: &ProvisionId) -> bool {
        self.of.contains_key(provision)
    }

    /// Cuts a stretch of elements where another number begins or ends: how many, and the numbers, ascending.
    pub(crate) fn cut(&self, provision: &ProvisionId, first: OpId, len: u32) -> Vec<(u32, Vec<u32>)> {
        let first = self.settled.first_alike(first);
        let inside = |(_, (start, many)): &&(u32, Span)| {
            start.actor == first.actor
                && start.counter < first.counter.saturating_add(len)
                && first.counter < start.counter.saturating_add(*many)
        };
        let here: Vec<_> = self.of.get(provision).into_iter().flatten().filter(inside).collect();
        let bounds = here.iter().flat_map(|(_, (start, many))| [start.counter, start.counter + many]);
        let mut cuts: Vec<u32> =
            bounds.map(|at| at.saturating_sub(first.counter).min(len)).chain([0, len]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let parts = cuts.windows(2).filter_map(|pair| {
            let [from, to] = *pair else { return None };
            let at = first.counter + from;
            let over =
                here.iter().filter(|(_, (start, many))| start.counter <= at && at < start.counter + many);
            let mut numbers: Vec<u32> = over.map(|(number, _)| *number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            Some((to - from, numbers))
        });
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorship::ActorIx;

    #[test]
    fn a_stretch_is_cut_where_numbers_begin_and_end() {
        let at = |counter| OpId { actor: ActorIx(1), counter };
        let settled = Settled::default();
        let mut anchors = Anchors::new(&settled);
        let provision = ProvisionId("1@aa".to_owned());
        anchors.tie(1, provision.clone(), &[(at(12), 3)]);
        anchors.tie(2, provision.clone(), &[(at(14), 10), (OpId { actor: ActorIx(2), counter: 11 }, 5)]);
        let cut = |first, len| anchors.cut(&provision, at(first), len);
        assert_eq!(cut(10, 8), [(2, vec![]), (2, vec![1]), (1, vec![1, 2]), (3, vec![2])]);
        assert_eq!(cut(13, 1), [(1, vec![1])]);
        assert_eq!(cut(30, 4), [(4, vec![])]);
        assert_eq!(anchors.cut(&ProvisionId("2@aa".to_owned()), at(12), 3), [(3, vec![])]);
    }
}
