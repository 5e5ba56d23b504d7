//! Word-level differences between two versions of a text, marked as a careful editor would mark them.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation;

/// A replacement: characters `start..end` of the old text become `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// First character, counted in code points.
    pub start: usize,
    /// The one after the last; equal to `start` for a mere insertion.
    pub end: usize,
    /// The new words.
    pub text: String,
}

/// What turns `old` into `new`, in ascending order, words whole.
///
/// Islands of common words between larger changes are taken into one replacement, since nobody reads
/// `{--to prepare--}{++to maintain++} the {--report--}{++group++}` as what was meant.
pub fn replacements(old: &str, new: &str) -> Vec<Replacement> {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.split_word_bounds().collect(), new.split_word_bounds().collect());
    let mut spans = spans(&a, &b);
    while merge_islands(&mut spans, &a, &b) {}
    let mut offsets = vec![0];
    for word in &a {
        offsets.push(offsets.last().copied().unwrap_or(0) + word.chars().count());
    }
    let offset = |word: usize| offsets.get(word).copied().unwrap_or(0);
    spans
        .into_iter()
        .map(|span| Replacement {
            start: offset(span.old.0),
            end: offset(span.old.1),
            text: b.get(span.new.0..span.new.1).unwrap_or_default().concat(),
        })
        .collect()
}

/// Words `old` of the one text replaced by words `new` of the other.
#[derive(Clone, Copy)]
struct Span {
    old: (usize, usize),
    new: (usize, usize),
}

fn spans(a: &[&str], b: &[&str]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, a, b) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (op.old_range(), op.new_range());
        match spans.last_mut() {
            Some(last) if last.old.1 == old.start && last.new.1 == new.start => {
                (last.old.1, last.new.1) = (old.end, new.end);
            }
            _ => spans.push(Span { old: (old.start, old.end), new: (new.start, new.end) }),
        }
    }
    spans
}

fn letters(words: Option<&[&str]>) -> usize {
    words.unwrap_or_default().iter().flat_map(|word| word.chars()).filter(|c| c.is_alphanumeric()).count()
}

/// Letters of an island that always stays: somebody would read it as kept.
const ISLAND: usize = 16;

/// Takes one island between two changes into them; whether there was one. An island is short, and no longer
/// (in letters) than the larger side of the change on either hand.
fn merge_islands(spans: &mut Vec<Span>, a: &[&str], b: &[&str]) -> bool {
    let size =
        |span: &Span| letters(a.get(span.old.0..span.old.1)).max(letters(b.get(span.new.0..span.new.1)));
    for at in 1..spans.len() {
        let (Some(left), Some(right)) = (spans.get(at - 1).copied(), spans.get(at).copied()) else { break };
        let island = letters(a.get(left.old.1..right.old.0));
        if island < ISLAND && island <= size(&left) && island <= size(&right) {
            if let Some(span) = spans.get_mut(at - 1) {
                (span.old.1, span.new.1) = (right.old.1, right.new.1);
            }
            spans.remove(at);
            return true;
        }
    }
    false
}

/// How alike two texts are, from 0 to 1: twice the words they share over the words they have.
pub fn similarity(a: &str, b: &str) -> f64 {
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
        words.sort_unstable();
        words
    };
    let (a, b) = (sorted(a), sorted(b));
    let total = a.len() + b.len();
    if total == 0 {
        return 1.0;
    }
    let (mut i, mut j, mut shared) = (0, 0, 0_u32);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let total = total as f64;
    2.0 * f64::from(shared) / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(old: &str, replacements: &[Replacement]) -> String {
        let mut chars: Vec<char> = old.chars().collect();
        for r in replacements.iter().rev() {
            chars.splice(r.start..r.end, r.text.chars());
        }
        chars.into_iter().collect()
    }

    fn marked(old: &str, new: &str) -> Vec<(String, String)> {
        let chars: Vec<char> = old.chars().collect();
        let all = replacements(old, new).into_iter();
        all.map(|r| (chars[r.start..r.end].iter().collect(), r.text)).collect()
    }

    proptest! {
        #[test]
        fn replacements_give_the_new_text(old in "[ab é漢🙂,.]{0,60}", new in "[ab é漢🙂,.]{0,60}") {
            prop_assert_eq!(apply(&old, &replacements(&old, &new)), new);
        }
    }

    #[test]
    fn words_stay_whole_and_islands_go() {
        let mark = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            marked("(Rev. Dubai, 2018) on the role", "(Rev. Bucharest, 2022) on the role"),
            [mark("Dubai, 2018", "Bucharest, 2022")]
        );
        assert_eq!(marked("in 2022 and", "in 2026 and"), [mark("2022", "2026")]);
        assert_eq!(marked("the role", "the leading role"), [mark("", "leading ")]);
    }
}
