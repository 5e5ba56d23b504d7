//! Names and layout of the Automerge document (docs/schema.md).
//!
//! ```text
//! ROOT  schema       1 (int)
//!       symbol       string, may be empty
//!       layout       map: line_ending "\n" | "\r\n", final_newline bool, bom bool
//!       provisions   list of maps, one a line of the text form, in order:
//!         kind        designation | title | formula | heading | paragraph | continuation | blank | rule
//!         part        opening | preambular | operative | annex
//!         level       int, 0 = heading or unnumbered, 1 = a) or 1, 2 = i), 3 = –
//!         enumerator  string as written: "a)", "iv)", "3", "–", ""
//!         separator   string between enumerator and text; absent: "\t" after an enumerator, "" without one
//!         text        Text
//!         suppressed  map: delegation code → true
//! ```
//!
//! Every line is a provision, the title and the opening formula too, so that they can be proposed against,
//! collide and be ruled on like any other; hence there is no separate title at the root.

/// The version of the schema that this build reads and writes, at the root under [`SCHEMA`].
pub const SCHEMA_VERSION: i64 = 1;
/// Root: schema version.
pub const SCHEMA: &str = "schema";
/// Root: symbol of the document.
pub const SYMBOL: &str = "symbol";
/// Root: how the text form is laid out.
pub const LAYOUT: &str = "layout";
/// Layout: `"\n"` or `"\r\n"`.
pub const LINE_ENDING: &str = "line_ending";
/// Layout: whether the last line ends with a line ending.
pub const FINAL_NEWLINE: &str = "final_newline";
/// Layout: whether the file starts with a byte order mark.
pub const BOM: &str = "bom";
/// Root: the list of provisions.
pub const PROVISIONS: &str = "provisions";
/// Provision: its kind.
pub const KIND: &str = "kind";
/// Provision: its part.
pub const PART: &str = "part";
/// Provision: its level.
pub const LEVEL: &str = "level";
/// Provision: its enumerator.
pub const ENUMERATOR: &str = "enumerator";
/// Provision: what stands between enumerator and text, where it is not the usual.
pub const SEPARATOR: &str = "separator";
/// Provision: its Text.
pub const TEXT: &str = "text";
/// Provision: map of delegation → true.
pub const SUPPRESSED: &str = "suppressed";
/// The scalar fields of a provision, alphabetically, as [`crate::authorship::Provision::fields`] has them.
pub const FIELDS: [&str; 5] = [ENUMERATOR, KIND, LEVEL, PART, SEPARATOR];

/// What stands between an enumerator and the text where [`SEPARATOR`] is absent.
pub fn default_separator(enumerator: &str) -> &'static str {
    if enumerator.is_empty() { "" } else { "\t" }
}
