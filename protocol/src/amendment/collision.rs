//! Which proposals cannot be adopted together as they stand. Nothing here depends on who arrived first.

use super::derive::Saw;
use super::draft::{Draft, Ends};
use super::joint::Group;
use super::sketch::Sketch;
use crate::api::Mark;
use crate::resolution::words::{Replacement, replacements};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A group and its number.
type Numbered<'g> = (usize, &'g Group<'g>);

/// Pairs of colliding groups, each as (lower, higher).
pub(super) fn collisions(
    sketches: &[Arc<Sketch>],
    groups: &[Group<'_>],
    saw: &Saw<'_>,
) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    // Only proposals on one provision, or additions at one place, can collide.
    let mut places: BTreeMap<(bool, Option<usize>), Vec<Numbered<'_>>> = BTreeMap::new();
    for (n, group) in groups.iter().enumerate() {
        let place = match group.lead.draft.mark {
            Mark::Add => (true, group.gap),
            Mark::Mod | Mark::Sup => (false, Some(group.lead.at)),
        };
        places.entry(place).or_default().push((n, group));
    }
    for members in places.values().filter(|members| members.len() > 1) {
        for (i, (a, x)) in members.iter().enumerate() {
            for (b, y) in members.iter().skip(i + 1) {
                if !amends(x, y) && !amends(y, x) && collide(sketches, x, y, saw) {
                    found.insert((*a.min(b), *a.max(b)));
                }
            }
        }
    }
    found
}

/// Whether `a` changes pending words of one of `b`'s sponsors.
pub(super) fn amends(a: &Group<'_>, b: &Group<'_>) -> bool {
    a.drafts().any(|draft| b.drafts().any(|other| draft.amends.contains(&other.delegation)))
}

/// What a draft replaces in the baseline's text, whatever the keystrokes were.
fn hunks(base: &str, draft: &Draft) -> Vec<Replacement> {
    if draft.mark == Mark::Mod { replacements(base, &draft.text) } else { Vec::new() }
}

/// The groups are on one provision, or both add at one place.
fn collide(sketches: &[Arc<Sketch>], a: &Group<'_>, b: &Group<'_>, saw: &Saw<'_>) -> bool {
    if a.lead.draft.mark == Mark::Add {
        return unseen(&a.lead.draft.ends, &b.lead.draft.ends, saw);
    }
    let Some(sketch) = sketches.get(a.lead.at) else { return false };
    let place = |group: &Group<'_>| {
        sketch.drafts.iter().position(|draft| draft.delegation == group.lead.draft.delegation)
    };
    let (Some(a), Some(b)) = (place(a), place(b)) else { return false };
    sketch.clashes.contains(&(a.min(b), a.max(b)))
}

/// Which of these amendments of one provision, none of them its addition, cannot both be adopted.
pub(super) fn clashes(base: &str, drafts: &[(usize, &Draft)], saw: &Saw<'_>) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    if drafts.len() < 2 {
        return found;
    }
    let hunks: Vec<_> = drafts.iter().map(|(n, draft)| (*n, *draft, hunks(base, draft))).collect();
    for (i, (n, a, x)) in hunks.iter().enumerate() {
        for (m, b, y) in hunks.iter().skip(i + 1) {
            if clash((a, x), (b, y), saw) {
                found.insert((*n, *m));
            }
        }
    }
    found
}

fn clash((a, x): (&Draft, &[Replacement]), (b, y): (&Draft, &[Replacement]), saw: &Saw<'_>) -> bool {
    match (a.mark, b.mark) {
        (Mark::Sup, Mark::Sup) => false,
        (Mark::Sup, _) | (_, Mark::Sup) => true,
        _ => {
            let renumbered = a.renumbered && b.renumbered && a.enumerator != b.enumerator;
            let unseen = || unseen(&a.insertion_ends, &b.insertion_ends, saw);
            renumbered || x.iter().any(|x| y.iter().any(|y| hunks_collide(x, y, &unseen)))
        }
    }
}

fn hunks_collide(a: &Replacement, b: &Replacement, unseen: &dyn Fn() -> bool) -> bool {
    if a == b {
        return false;
    }
    let (a_strikes, b_strikes) = (a.start < a.end, b.start < b.end);
    // Overlapping strikes, unless both merely strike.
    if a.start.max(b.start) < a.end.min(b.end) {
        return !a.text.is_empty() || !b.text.is_empty();
    }
    // An insertion inside words that the other strikes.
    let inside = |x: &Replacement, y: &Replacement| y.start < x.start && x.start < y.end;
    if (!a_strikes && inside(a, b)) || (!b_strikes && inside(b, a)) {
        return true;
    }
    // Different insertions at one place, made without seeing each other.
    let touch = a.start <= b.end && b.start <= a.end;
    let both_insert = !a.text.is_empty() && !b.text.is_empty();
    touch && both_insert && !(a_strikes && b_strikes) && unseen()
}

/// Whether neither author had the other's words before them. An actor's changes build on each other, so its
/// last one has seen whatever any of them has, and whoever saw one of them saw the first.
fn unseen(a: &[Ends], b: &[Ends], saw: &Saw<'_>) -> bool {
    !a.iter().any(|(first_a, last_a)| {
        b.iter().any(|(first_b, last_b)| saw(*last_a, *first_b) || saw(*last_b, *first_a))
    })
}
