//! Recognises what each line of a resolution is. The styles of the organisations, in each language, are data
//! ([`super::profile`]), not code paths.

use super::enumerator;
use super::profile::{self, Profile};

/// What a line is, in the words of [`super::schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its kind.
    pub kind: &'static str,
    /// The part it stands in.
    pub part: &'static str,
    /// Its level.
    pub level: u8,
}

/// What separates, in every script. After a semicolon or a stop nothing is headed.
pub(crate) const COMMAS: [char; 3] = [',', '،', '，'];
const SEMICOLONS: [char; 3] = [';', '؛', '；'];
pub(crate) const COLONS: [char; 2] = [':', '：'];
const STOPS: [char; 2] = ['.', '。'];

/// How an enumerator counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Number,
    Letter,
    Roman,
    Dash,
}

/// What each line is, given as (enumerator, separator, text).
pub fn recognise(profile: &Profile, lines: &[(&str, &str, &str)]) -> Vec<Place> {
    let mut reader = Reader {
        profile,
        part: "opening",
        opening: 0,
        after_heading: false,
        letter: None,
        last: None,
        numbered: false,
    };
    lines.iter().map(|(enumerator, _, text)| reader.line(enumerator, text)).collect()
}

struct Reader<'a> {
    profile: &'a Profile,
    part: &'static str,
    /// How many lines the opening has had that are not blank.
    opening: usize,
    after_heading: bool,
    /// The last enumerator that counts by letters.
    letter: Option<char>,
    last: Option<Count>,
    /// Whether paragraphs under this heading are numbered.
    numbered: bool,
}

impl Reader<'_> {
    fn line(&mut self, enumerator: &str, text: &str) -> Place {
        let words = text.trim();
        if enumerator.is_empty() && words.is_empty() {
            return self.place("blank", 0);
        }
        if enumerator.is_empty() && words.len() >= 3 && words.chars().all(|c| "_-*–—".contains(c)) {
            return self.place("rule", 0);
        }
        if !enumerator.is_empty() {
            let level = self.level(enumerator);
            // Where no heading says so, a numbered paragraph that an operative verb opens does (UN style).
            let opens = self.last == Some(Count::Number)
                && self.profile.after(self.profile.operative, &profile::beginning(words)).is_some();
            if self.part == "opening" || (self.part == "preambular" && opens) {
                self.part = "operative";
            }
            self.after_heading = false;
            return self.place("paragraph", level);
        }
        if self.profile.is_annex(words) {
            self.part = "annex";
            return self.heading();
        }
        if let Some((part, whole)) = self.opened_part(words) {
            // A heading inside an annex does not end the annex.
            if self.part != "annex" {
                self.part = part;
            }
            if self.is_heading(words, whole) {
                return self.heading();
            }
            self.after_heading = false;
            return self.place("paragraph", 0);
        }
        if self.part == "opening" {
            self.opening += 1;
            let formula =
                words.ends_with(COMMAS) && words.split_whitespace().count() <= self.profile.formula_words;
            let kind = match self.opening {
                _ if formula => "formula",
                1 => "designation",
                _ => "title",
            };
            return self.place(kind, 0);
        }
        // The line under an annex's heading is its title.
        let ends = words.ends_with(SEMICOLONS) || words.ends_with(STOPS) || words.ends_with(COLONS);
        if self.part == "annex" && self.after_heading && !ends {
            return self.heading();
        }
        let kind = if self.after_heading { "paragraph" } else { "continuation" };
        self.after_heading = false;
        self.place(kind, 0)
    }

    fn place(&self, kind: &'static str, level: u8) -> Place {
        Place { kind, part: self.part, level }
    }

    fn heading(&mut self) -> Place {
        (self.after_heading, self.letter, self.last, self.numbered) = (true, None, None, false);
        self.place("heading", 0)
    }

    /// The part that the beginning of a line opens or continues, and whether the line is nothing but that beginning.
    fn opened_part(&self, words: &str) -> Option<(&'static str, bool)> {
        // “requested Council:” and “and invites ITU members:” lead into what follows; they open no part.
        if words.ends_with(COLONS) {
            return None;
        }
        let begin = profile::beginning(words);
        let after = |beginnings| self.profile.after(beginnings, &begin);
        let preambular = after(self.profile.preambular).filter(|_| self.part != "operative");
        let (part, rest) = match preambular {
            Some(rest) => ("preambular", rest),
            None => ("operative", after(self.profile.operative)?),
        };
        let whole = !rest.contains(char::is_alphanumeric);
        (whole || self.is_sure(words)).then_some((part, whole))
    }

    /// Whether what goes on behind a beginning may be believed. Where words are not set apart, it may be that of a
    /// title, of a paragraph right under its heading, or of anything in an annex.
    fn is_sure(&self, words: &str) -> bool {
        let ends = words.ends_with(COMMAS) || words.ends_with(SEMICOLONS) || words.ends_with(STOPS);
        self.profile.spaced
            || match self.part {
                "opening" => ends,
                "annex" => false,
                _ => !self.after_heading,
            }
    }

    fn is_heading(&self, words: &str, whole: bool) -> bool {
        let long = words.chars().count() > self.profile.heading_chars;
        let bare = words.trim_end_matches(COMMAS);
        // A preambular heading is a few bare words; whoever goes on is a paragraph.
        let few = match self.part {
            "preambular" if self.profile.spaced => bare.split_whitespace().count() <= 5,
            "preambular" => whole,
            _ => true,
        };
        !long && few && !bare.contains(SEMICOLONS) && !bare.ends_with(STOPS)
    }

    fn level(&mut self, enumerator: &str) -> u8 {
        let core = enumerator::core(enumerator);
        let mut letters = core.chars();
        let single = letters.next().filter(|_| letters.next().is_none());
        let follows =
            single.is_some() && single == self.letter.and_then(|c| char::from_u32(u32::from(c) + 1));
        let roman = !core.is_empty() && core.chars().all(|c| "ivxlc".contains(c));
        let count = if core.starts_with(enumerator::is_digit) {
            Count::Number
        } else if !core.starts_with(|c: char| c.is_ascii_lowercase()) && !enumerator::is_letter(core) {
            Count::Dash
        } else if roman && (single.is_none() || self.last == Some(Count::Roman) || (core == "i" && !follows))
        {
            // After h) comes the letter i); otherwise i) begins a roman count.
            Count::Roman
        } else {
            Count::Letter
        };
        self.last = Some(count);
        match count {
            Count::Number => {
                (self.numbered, self.letter) = (true, None);
                1
            }
            Count::Letter => {
                self.letter = single;
                if self.numbered { 2 } else { 1 }
            }
            Count::Roman => 2,
            Count::Dash => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolution::text_form::parse;

    fn table(text: &str) -> Vec<(String, u8, &'static str, &'static str)> {
        let (_, lines) = parse(text.as_bytes()).unwrap();
        lines.into_iter().map(|l| (l.whole(), l.level, l.kind, l.part)).collect()
    }

    fn expect(text: &str, expected: &[(u8, &str, &str)]) {
        for ((line, level, kind, part), wanted) in table(text).iter().zip(expected) {
            assert_eq!((*level, *kind, *part), *wanted, "{line:?}");
        }
        assert_eq!(table(text).len(), expected.len());
    }

    #[test]
    fn itu_style() {
        let text = "Resolution 1\nOn things\nThe Council,\nrecalling\na)\tone;\nh)\teight;\ni)\tnine,\n\nnoting\nthat all is well,\nresolves\n1\tto do:\na) this;\ni)\tthat:\n–\tmore\nrequested Council:\ninstructs the Secretary-General\nto report,\nAnnex 1\nTerms of reference\na)\tto meet\n____\n";
        expect(
            text,
            &[
                (0, "designation", "opening"),
                (0, "title", "opening"),
                (0, "formula", "opening"),
                (0, "heading", "preambular"),
                (1, "paragraph", "preambular"),
                (1, "paragraph", "preambular"),
                (1, "paragraph", "preambular"),
                (0, "blank", "preambular"),
                (0, "heading", "preambular"),
                (0, "paragraph", "preambular"),
                (0, "heading", "operative"),
                (1, "paragraph", "operative"),
                (2, "paragraph", "operative"),
                (2, "paragraph", "operative"),
                (3, "paragraph", "operative"),
                (0, "continuation", "operative"),
                (0, "heading", "operative"),
                (0, "paragraph", "operative"),
                (0, "heading", "annex"),
                (0, "heading", "annex"),
                (1, "paragraph", "annex"),
                (0, "rule", "annex"),
            ],
        );
    }

    #[test]
    fn united_nations_style() {
        let text = "A/RES/70/1\nTransforming our world\nThe General Assembly,\nRecalling its resolution 60/252 of 27 March 2006 and other relevant resolutions,\n1. Decides to convene a meeting;\n2. Requests the Secretary-General to report.\n";
        expect(
            text,
            &[
                (0, "designation", "opening"),
                (0, "title", "opening"),
                (0, "formula", "opening"),
                (0, "paragraph", "preambular"),
                (1, "paragraph", "operative"),
                (1, "paragraph", "operative"),
            ],
        );
    }
}
