//! Finds places of a flattened text where a lost revision mark has probably fused struck and inserted words.
//! It only reports: nothing is ever split silently.

use super::text_form::ParsedLine;
use crate::api::{ImportWarning, Split};

/// The suspicious places of a text, in order.
pub fn warnings(lines: &[ParsedLine]) -> Vec<ImportWarning> {
    let mut warnings = Vec::new();
    let mut previous = None;
    for (n, line) in lines.iter().enumerate() {
        let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        let mut warn = |run: String, candidates: Vec<Split>| {
            warnings.push(ImportWarning { line: number, run, candidates });
        };
        let whole = line.whole();
        if let Some((run, split)) = fused_enumerator(&whole) {
            warn(run, vec![split]);
        } else if let Some(split) = fused_number(&line.enumerator, previous) {
            warn(line.enumerator.clone(), vec![split]);
        }
        previous =
            line.enumerator.parse::<u32>().ok().or(if line.kind == "heading" { Some(0) } else { None });
        for (run, candidates) in fused_words(&line.text) {
            warn(run, candidates);
        }
    }
    warnings
}

fn split(struck: impl Into<String>, inserted: impl Into<String>) -> Split {
    Split { struck: struck.into(), inserted: inserted.into() }
}

/// `iv)v)` at the start of a line.
fn fused_enumerator(line: &str) -> Option<(String, Split)> {
    let token = line.split(['\t', ' ']).next()?;
    let (first, rest) = token.split_once(')')?;
    let second = rest.strip_suffix(')')?;
    let letters = |s: &str| !s.is_empty() && s.len() <= 4 && s.chars().all(|c| c.is_ascii_lowercase());
    (letters(first) && letters(second))
        .then(|| (token.to_owned(), split(format!("{first})"), format!("{second})"))))
}

/// `54` after `3` or `4`: perhaps 5 struck and 4 inserted.
fn fused_number(enumerator: &str, previous: Option<u32>) -> Option<Split> {
    let number: u32 = enumerator.parse().ok()?;
    let previous = previous?;
    if enumerator.len() < 2 || number <= previous.saturating_add(2) {
        return None;
    }
    let (a, b) = enumerator.split_at(enumerator.len() / 2);
    let near = |s: &str| s.parse::<u32>().is_ok_and(|n| n.abs_diff(previous) <= 2);
    (near(a) && near(b)).then(|| split(a, b))
}

/// Within a text: two years in one number, and a number that runs into a word.
fn fused_words(text: &str) -> Vec<(String, Vec<Split>)> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let digits = chars.iter().skip(at).take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            at += 1;
            continue;
        }
        let end = at + digits;
        let number: String = chars.iter().skip(at).take(digits).collect();
        let stands_alone = at == 0 || chars.get(at - 1).is_none_or(|c| !c.is_alphanumeric());
        let next = chars.get(end).copied();
        let year = |s: Option<&str>| s.is_some_and(|s| s.starts_with("19") || s.starts_with("20"));
        if digits == 8 && stands_alone && year(number.get(..4)) && year(number.get(4..)) {
            let (a, b) = number.split_at(4);
            found.push((number.clone(), vec![split(a, b)]));
        } else if digits == 4 && stands_alone && year(Some(&number)) && next.is_some_and(char::is_alphabetic)
        {
            found.push(runs_into_word(&chars, end));
        }
        at = end;
    }
    found
}

/// A year that runs into a word at `seam`. The inserted words go on to the next closing sign; the struck ones
/// are as many words before the seam, or, the other reading, all since the last opening sign.
fn runs_into_word(chars: &[char], seam: usize) -> (String, Vec<Split>) {
    let close = |c: &char| ")];:”\"".contains(*c);
    let open = |c: &char| "([;:“\"".contains(*c);
    let after: String = chars.iter().skip(seam).take_while(|c| !close(c)).collect();
    let since: String = {
        let from = chars.iter().take(seam).rposition(open).map_or(0, |at| at + 1);
        chars.iter().take(seam).skip(from).collect()
    };
    let words = after.split_whitespace().count();
    let mut starts: Vec<usize> = since
        .char_indices()
        .filter(|(i, c)| {
            !c.is_whitespace()
                && since
                    .get(..*i)
                    .is_none_or(|before| before.is_empty() || before.ends_with(char::is_whitespace))
        })
        .map(|(i, _)| i)
        .collect();
    starts.reverse();
    let from = starts.get(words.saturating_sub(1)).or(starts.last()).copied().unwrap_or(0);
    let alike = since.get(from..).unwrap_or(&since).to_owned();
    let mut candidates = vec![split(alike.clone(), after.clone())];
    if since.trim() != alike.trim() {
        candidates.push(split(since.trim(), after.clone()));
    }
    (format!("{alike}{after}"), candidates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolution::text_form::parse;

    fn found(text: &str) -> Vec<(u32, String, String, String)> {
        let (_, lines) = parse(text.as_bytes()).unwrap();
        let first = |w: ImportWarning| {
            let best = w.candidates.first().unwrap().clone();
            (w.line, w.run, best.struck, best.inserted)
        };
        warnings(&lines).into_iter().map(first).collect()
    }

    #[test]
    fn fused_runs_are_reported_with_their_likely_split() {
        let row = |line, run: &str, a: &str, b: &str| (line, run.to_owned(), a.to_owned(), b.to_owned());
        assert_eq!(
            found(
                "Resolution 140 (Rev. Dubai, 2018Bucharest, 2022) on\n(Modified 20192023)\niv)v)\tto\nresolves\n3\tx\n4\ty\n54\tz\n"
            ),
            [
                row(1, "Dubai, 2018Bucharest, 2022", "Dubai, 2018", "Bucharest, 2022"),
                row(2, "20192023", "2019", "2023"),
                row(3, "iv)v)", "iv)", "v)"),
                row(7, "54", "5", "4"),
            ]
        );
    }

    #[test]
    fn honest_texts_raise_no_alarm() {
        assert_eq!(
            found("In 2018, the Council (Geneva, 2014) …\n1\tone\n2\ttwo\nparagraphs 29-82\nA/70/125\n"),
            []
        );
    }
}
