//! The document that everything is measured on: a resolution of so many provisions and characters. codraft
//! imports its text; the other Automerge servers are given the very same document by a client.

use automerge::{ActorId, Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, TextEncoding, Value};
use bytes::Bytes;
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::time::Timestamp;

const WORDS: &str = "that the Union should continue to keep the inventory of stations and to report every year to the Council on what was done for small administrations, ";

/// The text of a resolution with so many provisions and about so many characters in all.
pub fn resolution(provisions: usize, characters: usize) -> String {
    let mut text =
        "RESOLUTION 9000 (Geneva, 2026)\nA resolution to be measured\nThe Council,\nresolves\n".to_owned();
    let each = (characters / provisions.max(1)).max(8);
    for number in 1..=provisions {
        text.push_str(&format!("{number}\t"));
        text.extend(WORDS.chars().cycle().skip(number % 7 * 9).take(each - 1));
        text.push_str(if number == provisions { ".\n" } else { ";\n" });
    }
    text
}

/// The document that an import of `text` makes.
///
/// # Panics
/// Where the text is no resolution, as all of these.
pub fn imported(text: &str) -> Automerge {
    let (layout, lines) = text_form::parse(text.as_bytes()).expect("a resolution's text");
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(1_700_000_000_000)).expect("a resolution");
    doc
}

/// A provision's text as the driver sees it: an object, and the elements that the import put there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The counter of its object id; the actor is the import's.
    pub text: u64,
    /// The counter of its first character's element; the others follow.
    pub first: u64,
    /// How many characters it was imported with.
    pub characters: u64,
}

/// A document as the driver sees it. No driver's peer holds an Automerge document.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The actor that imported it.
    pub actor: ActorId,
    /// Its changes.
    pub changes: Vec<(ChangeHash, Bytes)>,
    /// Its heads.
    pub heads: Vec<ChangeHash>,
    /// Its highest counter.
    pub last_op: u64,
    /// Its texts.
    pub places: Vec<Place>,
}

impl Plan {
    /// The plan of a document that was just imported.
    ///
    /// # Panics
    /// Where it is no resolution.
    pub fn of(doc: &Automerge) -> Self {
        let Some((Value::Object(ObjType::List), list)) = doc.get(ROOT, "provisions").expect("a document")
        else {
            panic!("this document is no resolution")
        };
        let mut places = Vec::new();
        let mut author = None;
        for at in 0..doc.length(&list) {
            let (_, map) = doc.get(&list, at).expect("a list").expect("a provision");
            let (_, text) = doc.get(&map, "text").expect("a map").expect("a text");
            let characters = doc.length(&text) as u64;
            let first = doc.get(&text, 0).expect("a text").map(|(_, element)| element);
            if let (ObjId::Id(text, actor, _), Some(ObjId::Id(first, ..))) = (text, first) {
                author = Some(actor);
                places.push(Place { text, first, characters });
            }
        }
        let changes = doc.get_changes(&[]);
        Self {
            actor: author.expect("a text"),
            last_op: changes.iter().map(|change| change.max_op()).max().unwrap_or(0),
            changes: changes.iter().map(|c| (c.hash(), Bytes::copy_from_slice(c.raw_bytes()))).collect(),
            heads: doc.get_heads(),
            places,
        }
    }
}

/// The text of a document, one provision a line: what readers compare.
///
/// # Panics
/// Where it is no resolution.
pub fn text(doc: &Automerge) -> String {
    let lines = edit::lines(doc).expect("a resolution");
    lines.iter().map(|line| format!("{}{}{}\n", line.enumerator, line.separator, line.text)).collect()
}
