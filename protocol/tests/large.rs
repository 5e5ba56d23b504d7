//! The largest resolutions that an import takes can be read again.
#![allow(missing_docs, clippy::unwrap_used)]

use automerge::{Automerge, TextEncoding};
use codraft_protocol::authorship::Index;
use codraft_protocol::id::DelegationCode;
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::time::Timestamp;

#[test]
fn an_import_of_more_than_a_million_characters_is_replayed() {
    let line = "word ".repeat(19_000);
    let text = (1..=12).map(|n| format!("{n}\t{line};\n")).collect::<String>();
    let (layout, lines) = text_form::parse(text.as_bytes()).unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
    let changes = doc.get_changes(&[]);
    assert!(changes.iter().map(|change| change.len()).sum::<usize>() > 1 << 20);
    let mut index = Index::new();
    for change in &changes {
        index.replay(change, &DelegationCode::secretariat()).unwrap();
    }
    assert_eq!(index.heads(), doc.get_heads());
}
