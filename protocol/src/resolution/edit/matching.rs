//! Which line of the old text became which line of the new: so that an insertion above rewrites nothing below.

use crate::resolution::words::similarity;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::ops::Range;

/// What a line is matched by.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    /// The whole line.
    pub(super) whole: String,
    pub(super) enumerator: &'a str,
    pub(super) text: &'a str,
    pub(super) kind: &'a str,
}

/// Lines compared within one changed block; past this only whole lines are matched.
const BLOCK: usize = 1_000_000;
/// A pair less alike than this is a suppression and an addition.
const ALIKE: f64 = 0.3;

/// Pairs (old, new), ascending in both.
pub(super) fn pairs(old: &[Shape<'_>], new: &[Shape<'_>]) -> Vec<(usize, usize)> {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.iter().map(|l| l.whole.as_str()).collect(), new.iter().map(|l| l.whole.as_str()).collect());
    let mut pairs = Vec::new();
    let (mut old_block, mut new_block) = (0..0, 0..0);
    for op in capture_diff_slices(Algorithm::Patience, &a, &b) {
        match op {
            DiffOp::Equal { old_index, new_index, len } => {
                align(old, new, &old_block, &new_block, &mut pairs);
                pairs.extend((0..len).map(|n| (old_index + n, new_index + n)));
                (old_block, new_block) = (old_index + len..old_index + len, new_index + len..new_index + len);
            }
            _ => (old_block.end, new_block.end) = (op.old_range().end, op.new_range().end),
        }
    }
    align(old, new, &old_block, &new_block, &mut pairs);
    pairs
}

/// How well two lines match. The words decide; an equal enumerator pairs what was rewritten altogether, and
/// so does, more weakly, being the same kind of line without one.
fn score(old: &Shape<'_>, new: &Shape<'_>) -> f64 {
    let blank = |line: &Shape<'_>| line.text.trim().is_empty();
    if blank(old) != blank(new) {
        return 0.0;
    }
    let place = match (old.enumerator == new.enumerator, old.enumerator.is_empty()) {
        (true, false) => 0.5,
        (true, true) if old.kind == new.kind => 0.3,
        _ => 0.0,
    };
    similarity(old.text, new.text) + place
}

/// The alignment of two blocks that keeps order and has the greatest sum of scores.
fn align(
    old: &[Shape<'_>],
    new: &[Shape<'_>],
    rows: &Range<usize>,
    columns: &Range<usize>,
    pairs: &mut Vec<(usize, usize)>,
) {
    let (height, width) = (rows.len(), columns.len());
    if height == 0 || width == 0 || height.saturating_mul(width) > BLOCK {
        return;
    }
    let at = |i: usize, j: usize| i * (width + 1) + j;
    let mut best = vec![0.0_f64; (height + 1) * (width + 1)];
    let mut scores = vec![0.0_f64; height * width];
    let get = |table: &[f64], at: usize| table.get(at).copied().unwrap_or(0.0);
    for i in (0..height).rev() {
        for j in (0..width).rev() {
            let score = match (old.get(rows.start + i), new.get(columns.start + j)) {
                (Some(a), Some(b)) => score(a, b),
                _ => 0.0,
            };
            let paired = if score >= ALIKE { score + get(&best, at(i + 1, j + 1)) } else { 0.0 };
            let value = paired.max(get(&best, at(i + 1, j))).max(get(&best, at(i, j + 1)));
            if let (Some(cell), Some(kept)) = (best.get_mut(at(i, j)), scores.get_mut(i * width + j)) {
                (*cell, *kept) = (value, score);
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < height && j < width {
        let score = get(&scores, i * width + j);
        let here = get(&best, at(i, j));
        // The same sums were formed above, so equality is exact.
        #[allow(clippy::float_cmp)]
        if score >= ALIKE && here == score + get(&best, at(i + 1, j + 1)) {
            pairs.push((rows.start + i, columns.start + j));
            (i, j) = (i + 1, j + 1);
        } else if here == get(&best, at(i + 1, j)) {
            i += 1;
        } else {
            j += 1;
        }
    }
}
