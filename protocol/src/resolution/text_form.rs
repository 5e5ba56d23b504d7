//! The plain-text form of a resolution: one provision a line (docs/text-form.md).
//!
//! A line is its enumerator, a separator (one tab or space) and its text, in that order and with nothing
//! between, so that joining them gives the line back byte for byte.

use super::profile::Profile;
use super::{enumerator, structure};

/// Most lines that are read.
pub const LINES: usize = 10_000;
/// Longest line, in characters.
pub const LINE_CHARS: usize = 100_000;

/// How the file is laid out, beside its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `"\n"` or `"\r\n"`.
    pub line_ending: &'static str,
    /// Whether the last line ends with a line ending.
    pub final_newline: bool,
    /// Whether it starts with a byte order mark.
    pub bom: bool,
}

/// One line, with its place in the structure recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedLine {
    /// See [`super::schema`].
    pub kind: &'static str,
    /// See [`super::schema`].
    pub part: &'static str,
    /// See [`super::schema`].
    pub level: u8,
    /// As written.
    pub enumerator: String,
    /// As written.
    pub separator: String,
    /// The rest of the line.
    pub text: String,
}

impl ParsedLine {
    /// The line as written.
    pub fn whole(&self) -> String {
        format!("{}{}{}", self.enumerator, self.separator, self.text)
    }

    /// As (enumerator, separator, text).
    pub(super) fn parts(&self) -> (&str, &str, &str) {
        (&self.enumerator, &self.separator, &self.text)
    }
}

/// A text that is not in the form; says the line and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFormError {
    /// Not UTF-8.
    #[error(
        "line {line}, byte {byte}: this is not UTF-8 text; save the file as “plain text, UTF-8” and try again"
    )]
    NotUtf8 {
        /// Counted from 1.
        line: usize,
        /// Counted from 1 within the file.
        byte: usize,
    },
    /// A control character, or a line ending unlike the others.
    #[error(
        "line {line} has the control character U+{code:04X}; a line takes text and tabs only. Remove it; where the line endings are mixed, have the editor save all of them alike"
    )]
    ControlCharacter {
        /// Counted from 1.
        line: usize,
        /// The character.
        code: u32,
    },
    /// Far more text than a resolution has.
    #[error(
        "this file has more than {LINES} lines or a line of more than {LINE_CHARS} characters; it is not a resolution"
    )]
    TooLarge,
    /// Nothing in it.
    #[error("this text is empty; nobody strikes a whole resolution by saving an empty file")]
    Empty,
}

/// Reads a file. [`write`] of the result gives the same bytes.
///
/// # Errors
/// [`TextFormError`]
pub fn parse(bytes: &[u8]) -> Result<(Layout, Vec<ParsedLine>), TextFormError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        TextFormError::NotUtf8 { line, byte: error.valid_up_to() + 1 }
    })?;
    let (bom, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let crlf = text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count();
    let line_ending = if crlf { "\r\n" } else { "\n" };
    let (body, final_newline) = match text.strip_suffix(line_ending) {
        Some(body) => (body, true),
        None => (text, false),
    };
    if body.trim().is_empty() {
        return Err(TextFormError::Empty);
    }
    let lines: Vec<&str> = body.split(line_ending).collect();
    if lines.len() > LINES
        || lines.iter().any(|line| line.len() > LINE_CHARS && line.chars().count() > LINE_CHARS)
    {
        return Err(TextFormError::TooLarge);
    }
    for (n, line) in lines.iter().enumerate() {
        if let Some(bad) = line.chars().find(|c| is_control(*c)) {
            return Err(TextFormError::ControlCharacter { line: n + 1, code: u32::from(bad) });
        }
    }
    let split: Vec<_> = lines.into_iter().map(enumerator::split).collect();
    let places = structure::recognise(Profile::of(&split), &split);
    let lines = split.into_iter().zip(places).map(|((enumerator, separator, text), place)| ParsedLine {
        kind: place.kind,
        part: place.part,
        level: place.level,
        enumerator: enumerator.to_owned(),
        separator: separator.to_owned(),
        text: text.to_owned(),
    });
    Ok((Layout { line_ending, final_newline, bom }, lines.collect()))
}

/// Reads a file that an editor has saved: what it did to line endings, all or some of them, is nobody's edit.
///
/// # Errors
/// [`TextFormError`]
pub fn parse_edited(bytes: &[u8]) -> Result<Vec<ParsedLine>, TextFormError> {
    let has = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    if !has(b"\r\n") {
        return parse(bytes).map(|(_, lines)| lines);
    }
    let mut alike = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte != b'\r' || rest.peek() != Some(&&b'\n') {
            alike.push(*byte);
        }
    }
    parse(&alike).map(|(_, lines)| lines)
}

/// Joins lines given as (enumerator, separator, text) into a file.
pub fn write<'a>(layout: &Layout, lines: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut out = String::new();
    if layout.bom {
        out.push('\u{feff}');
    }
    for (n, (enumerator, separator, text)) in lines.into_iter().enumerate() {
        if n > 0 {
            out.push_str(layout.line_ending);
        }
        out.push_str(enumerator);
        out.push_str(separator);
        out.push_str(text);
    }
    if layout.final_newline {
        out.push_str(layout.line_ending);
    }
    out
}

/// Characters that a provision, being one line, does not have.
pub(crate) fn is_control(character: char) -> bool {
    (character < ' ' && character != '\t') || character == '\u{7f}'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn again(bytes: &[u8]) -> Vec<u8> {
        let (layout, lines) = parse(bytes).unwrap();
        let lines = lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
        write(&layout, lines).into_bytes()
    }

    proptest! {
        #[test]
        fn every_text_comes_back_byte_for_byte(text in "[\u{feff}\t a-z0-9)é漢🙂\u{2028}\u{a0}\n–.（）бأـ١،-]{0,80}") {
            // A text of nothing is refused.
            let text = format!("{text}x{text}");
            prop_assert_eq!(again(text.as_bytes()), text.as_bytes());
            let crlf = text.replace('\n', "\r\n");
            prop_assert_eq!(again(crlf.as_bytes()), crlf.as_bytes());
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if parse(&bytes).is_ok() {
                prop_assert_eq!(again(&bytes), bytes);
            }
        }
    }

    #[test]
    fn editors_may_mix_line_endings() {
        let lines = parse(b"a\nb\nc\n").unwrap().1;
        for edited in ["a\r\nb\nc\n", "a\r\nb\r\nc\r\n", "\u{feff}a\nb\r\nc", "a\nb\nc\n"] {
            assert_eq!(parse_edited(edited.as_bytes()).unwrap(), lines, "{edited:?}");
        }
        assert_eq!(
            parse_edited(b"a\r\nb\rc\n").unwrap_err(),
            TextFormError::ControlCharacter { line: 2, code: 13 }
        );
    }

    #[test]
    fn what_is_not_the_form_is_refused_with_its_line() {
        assert_eq!(parse(b"ok\nbad \xff").unwrap_err(), TextFormError::NotUtf8 { line: 2, byte: 8 });
        assert_eq!(parse(b"a\nb\0").unwrap_err(), TextFormError::ControlCharacter { line: 2, code: 0 });
        assert_eq!(parse(b"a\r\nb\nc").unwrap_err(), TextFormError::ControlCharacter { line: 1, code: 13 });
        assert_eq!(parse("x\n".repeat(LINES + 1).as_bytes()).unwrap_err(), TextFormError::TooLarge);
        for nothing in ["", "\n\n", "\u{feff} \t\r\n"] {
            assert_eq!(parse(nothing.as_bytes()).unwrap_err(), TextFormError::Empty, "{nothing:?}");
        }
    }
}
