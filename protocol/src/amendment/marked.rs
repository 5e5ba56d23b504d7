//! Everything in one text, in CriticMarkup: `{--struck--}{>>CAN<<}{++inserted++}{>>CAN, USA<<}`.
//!
//! Words of the resolution that could be taken for marks are escaped: `\`, `{` and `}` stand behind a `\`.

use super::joint::{Group, groups};
use super::piece::Pieces;
use super::sketch::Sketches;
use crate::api::Mark;
use crate::authorship::{Changes, Record};
use crate::id::DelegationCode;
use crate::resolution::line::Line;
use crate::resolution::schema;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the delegations are named. The audit trail always names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `{>>CAN, USA<<}` behind each mark.
    Shown,
    /// Marks alone.
    Hidden,
}

type Codes<'a> = BTreeSet<&'a DelegationCode>;

/// A stretch of a marked line.
#[derive(PartialEq)]
enum Stretch<'a> {
    Plain,
    Struck(Codes<'a>),
    Inserted(Codes<'a>),
    /// Pending words that others strike again.
    InsertedAndStruck(Codes<'a>, Codes<'a>),
}

/// The lines of the marked view.
pub(super) fn lines(record: &Record, names: Names) -> Vec<Line> {
    let changes = &record.changes;
    // Nothing here asks what collides, so nobody needs to have seen anything.
    let sketches = Sketches::default().of(record, &|_, _| true);
    let groups = groups(changes, &sketches);
    let mut by_provision: BTreeMap<usize, Vec<&Group<'_>>> = BTreeMap::new();
    // The same addition made by several stands in the text once: in the lead's place.
    let mut doubled = BTreeSet::new();
    for group in &groups {
        by_provision.entry(group.lead.at).or_default().push(group);
        doubled.extend(group.others.iter().filter(|one| one.at != group.lead.at).map(|one| one.at));
    }
    let all = record.provisions.iter().enumerate().filter(|(at, _)| !doubled.contains(at));
    all.filter_map(|(at, provision)| {
        let pieces = Pieces::of(changes, provision).filter(|pieces| !pieces.gone)?;
        let here = by_provision.get(&at).map(Vec::as_slice).unwrap_or_default();
        // An addition that its author took back is gone, unless others wrote in it.
        (pieces.base || !here.is_empty()).then(|| line(changes, &pieces, here, names))
    })
    .collect()
}

fn line(changes: &Changes, pieces: &Pieces<'_>, groups: &[&Group<'_>], names: Names) -> Line {
    // Joint sponsors' words stand once, under all their names.
    let sponsors = |by: &Codes<'_>| -> Option<Codes<'_>> {
        let group = groups.iter().find(|group| group.drafts().any(|draft| by.contains(&draft.delegation)))?;
        let shown = by.contains(&group.lead.draft.delegation) || group.lead.draft.mark == Mark::Add;
        shown.then(|| group.sponsors())
    };
    let suppressors: Codes<'_> = groups
        .iter()
        .filter(|group| group.lead.draft.mark == Mark::Sup)
        .flat_map(|group| group.sponsors())
        .collect();
    let added = (!pieces.base).then(|| sponsors(&pieces.added_by).unwrap_or_default());
    let mut out = Writer { names, out: String::new(), open: Stretch::Plain, text: String::new() };

    // What frames the words shares the fate of the whole provision.
    let frame = || match (added.clone(), suppressors.clone()) {
        (None, by) if by.is_empty() => Stretch::Plain,
        (None, by) => Stretch::Struck(by),
        (Some(codes), by) if by.is_empty() => Stretch::Inserted(codes),
        (Some(codes), by) => Stretch::InsertedAndStruck(codes, by),
    };
    let before = pieces.enumerator(changes);
    let renumbering: Vec<&&Group<'_>> = groups.iter().filter(|group| group.lead.draft.renumbered).collect();
    if renumbering.is_empty() {
        out.write(frame(), before);
    } else {
        let renumberers: Codes<'_> = renumbering.iter().flat_map(|group| group.sponsors()).collect();
        let old = match added.clone() {
            None => Stretch::Struck(renumberers),
            Some(codes) => Stretch::InsertedAndStruck(codes, renumberers),
        };
        out.write(old, before);
        for group in renumbering {
            out.write(Stretch::Inserted(group.sponsors()), &group.lead.draft.enumerator);
        }
    }
    let separator = match pieces.base_field(schema::SEPARATOR) {
        "" => schema::default_separator(before),
        given => given,
    };
    out.write(frame(), separator);
    for piece in &pieces.pieces {
        let mut strikers: Codes<'_> = piece.struck.iter().map(|(by, _)| *by).collect();
        strikers.extend(suppressors.iter().filter(|by| piece.base || !piece.by.contains(*by)));
        let stretch = match (piece.base, strikers.is_empty()) {
            (true, true) => Stretch::Plain,
            (true, false) => Stretch::Struck(strikers),
            (false, empty) => match sponsors(&piece.by) {
                None => continue,
                Some(codes) if empty => Stretch::Inserted(codes),
                Some(codes) => Stretch::InsertedAndStruck(codes, strikers),
            },
        };
        out.write(stretch, piece.text);
    }
    Line {
        provision: pieces.provision.id.clone(),
        kind: pieces.base_field(schema::KIND).to_owned(),
        part: pieces.base_field(schema::PART).to_owned(),
        level: pieces.base_field(schema::LEVEL).parse().unwrap_or(0),
        enumerator: String::new(),
        separator: String::new(),
        text: out.finish(),
    }
}

struct Writer<'a> {
    names: Names,
    out: String,
    open: Stretch<'a>,
    text: String,
}

impl<'a> Writer<'a> {
    /// Appends words, to the mark before where it is the same.
    fn write(&mut self, stretch: Stretch<'a>, words: &str) {
        if words.is_empty() {
            return;
        }
        if self.open != stretch {
            self.close();
            self.open = stretch;
        }
        for character in words.chars() {
            if matches!(character, '\\' | '{' | '}') {
                self.text.push('\\');
            }
            self.text.push(character);
        }
    }

    fn close(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        let list = |codes: &Codes<'_>| codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ");
        let (mark, who) = match &self.open {
            Stretch::Plain => (text, None),
            Stretch::Struck(by) => (format!("{{--{text}--}}"), Some(list(by))),
            Stretch::Inserted(by) => (format!("{{++{text}++}}"), Some(list(by))),
            Stretch::InsertedAndStruck(by, struck) => {
                (format!("{{++{text}++}}"), Some(format!("{}; struck by {}", list(by), list(struck))))
            }
        };
        self.out.push_str(&mark);
        if let (Some(who), Names::Shown) = (who, self.names) {
            self.out.push_str(&format!("{{>>{who}<<}}"));
        }
    }

    fn finish(mut self) -> String {
        self.close();
        self.out
    }
}
