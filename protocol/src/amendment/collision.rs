//! Which proposals cannot be adopted together as they stand. Nothing here depends on who arrived first.

use super::derive::Context;
use super::draft::Draft;
use super::joint::Group;
use super::piece::Pieces;
use crate::api::Mark;
use crate::authorship::{ChangeIx, Record};
use crate::resolution::words::{Replacement, replacements};
use std::collections::{BTreeMap, BTreeSet};

/// Pairs of colliding groups, each as (lower, higher).
pub(super) fn collisions(
    record: &Record,
    context: &Context<'_>,
    groups: &[Group<'_>],
) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    // Only proposals on one provision, or additions at one place, can collide.
    let mut places: BTreeMap<(bool, Option<usize>), Vec<usize>> = BTreeMap::new();
    for (n, group) in groups.iter().enumerate() {
        let place = match group.lead.mark {
            Mark::Add => (true, group.gap),
            Mark::Mod | Mark::Sup => (false, Some(group.lead.at)),
        };
        places.entry(place).or_default().push(n);
    }
    for members in places.values().filter(|members| members.len() > 1) {
        let hunks: Vec<Vec<Replacement>> = members.iter().map(|n| hunks(record, groups.get(*n))).collect();
        for (i, a) in members.iter().enumerate() {
            for (j, b) in members.iter().enumerate().skip(i + 1) {
                let (Some(x), Some(y)) = (groups.get(*a), groups.get(*b)) else { continue };
                let (Some(p), Some(q)) = (hunks.get(i), hunks.get(j)) else { continue };
                if !amends(x, y) && !amends(y, x) && collide(record, context, (x, p), (y, q)) {
                    found.insert((*a.min(b), *a.max(b)));
                }
            }
        }
    }
    found
}

/// Whether `a` changes pending words of one of `b`'s sponsors.
pub(super) fn amends(a: &Group<'_>, b: &Group<'_>) -> bool {
    a.drafts().any(|draft| b.drafts().any(|other| draft.amends.contains(other.delegation)))
}

/// What a group's lead replaces in the baseline's text, whatever the keystrokes were.
fn hunks(record: &Record, group: Option<&Group<'_>>) -> Vec<Replacement> {
    let Some(draft) = group.map(|group| &group.lead).filter(|draft| draft.mark == Mark::Mod) else {
        return Vec::new();
    };
    let base = record.provisions.get(draft.at).and_then(|provision| Pieces::of(record, provision));
    base.map(|pieces| replacements(&pieces.base_text(), &draft.text)).unwrap_or_default()
}

fn collide(
    record: &Record,
    context: &Context<'_>,
    (a, a_hunks): (&Group<'_>, &[Replacement]),
    (b, b_hunks): (&Group<'_>, &[Replacement]),
) -> bool {
    match (a.lead.mark, b.lead.mark) {
        (Mark::Add, Mark::Add) => unseen(record, context, &a.lead, &b.lead, |draft| &draft.changes),
        (Mark::Sup, Mark::Sup) => false,
        (Mark::Sup, _) | (_, Mark::Sup) => true,
        _ => {
            let renumbered = a.lead.renumbered && b.lead.renumbered && a.lead.enumerator != b.lead.enumerator;
            let unseen = || unseen(record, context, &a.lead, &b.lead, |draft| &draft.insertions);
            renumbered || a_hunks.iter().any(|x| b_hunks.iter().any(|y| hunks_collide(x, y, &unseen)))
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
fn unseen(
    record: &Record,
    context: &Context<'_>,
    a: &Draft<'_>,
    b: &Draft<'_>,
    of: impl for<'d> Fn(&'d Draft<'_>) -> &'d BTreeSet<ChangeIx>,
) -> bool {
    let ends = |draft: &Draft<'_>| {
        let mut ends: BTreeMap<u32, (ChangeIx, ChangeIx)> = BTreeMap::new();
        for ix in of(draft) {
            let Some(change) = record.changes.get(ix.0 as usize) else { continue };
            ends.entry(change.actor).and_modify(|(_, last)| *last = *ix).or_insert((*ix, *ix));
        }
        ends.into_values().collect::<Vec<_>>()
    };
    let (a, b) = (ends(a), ends(b));
    !a.iter().any(|(first_a, last_a)| {
        b.iter().any(|(first_b, last_b)| (context.saw)(*last_a, *first_b) || (context.saw)(*last_b, *first_a))
    })
}
