//! The plain-text form of a resolution: one provision a line.

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
}

/// Reads a file. `write(&layout, &lines)` of the result gives the same bytes.
///
/// # Errors
/// [`TextFormError`]
pub fn parse(bytes: &[u8]) -> Result<(Layout, Vec<ParsedLine>), TextFormError> {
    let _ = bytes;
    unimplemented!()
}

/// Joins lines given as (enumerator, separator, text) into a file.
pub fn write<'a>(layout: &Layout, lines: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let _ = (layout, lines.into_iter().count());
    unimplemented!()
}
