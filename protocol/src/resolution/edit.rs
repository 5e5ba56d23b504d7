//! Edits to a resolution in an Automerge document: its creation, and an edited file turned into the smallest
//! change that gives its text.

mod matching;
mod standing;

use super::line::Line;
use super::profile::Profile;
use super::text_form::{Layout, ParsedLine};
use super::{schema, structure, words};
use crate::id::DelegationCode;
use crate::time::Timestamp;
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, Author, Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, TextEncoding, Value,
    hydrate,
};
use matching::Shape;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use standing::{Standing, standing};
use std::collections::HashMap;

/// A document that is not a resolution, or an edit that Automerge did not take.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Automerge's own error.
    #[error(transparent)]
    Automerge(#[from] automerge::AutomergeError),
    /// The document lacks what a resolution has.
    #[error("this document is not a resolution: {0}")]
    NotAResolution(&'static str),
}

/// Begins a writing session: gives the document a fresh actor (which must be random and never used before)
/// whose first change will carry `delegation` as its author label.
pub fn begin_session(doc: &mut Automerge, actor: ActorId, delegation: &DelegationCode) {
    // Setting the author replaces the actor, so the actor is set last.
    doc.set_author(Some(Author::from(delegation.as_str().as_bytes().to_vec())));
    doc.set_actor(actor);
}

fn commit_options(at: Timestamp) -> CommitOptions {
    CommitOptions::default().with_time(at.0.div_euclid(1000))
}

/// Writes a new resolution into an empty document, in one change.
///
/// # Errors
/// [`EditError`]
pub fn create(
    doc: &mut Automerge,
    symbol: &str,
    layout: &Layout,
    lines: &[ParsedLine],
    at: Timestamp,
) -> Result<ChangeHash, EditError> {
    let mut tx = doc.transaction();
    tx.put(ROOT, schema::SCHEMA, schema::SCHEMA_VERSION)?;
    tx.put(ROOT, schema::SYMBOL, symbol)?;
    let map = tx.put_object(ROOT, schema::LAYOUT, ObjType::Map)?;
    tx.put(&map, schema::LINE_ENDING, layout.line_ending)?;
    tx.put(&map, schema::FINAL_NEWLINE, layout.final_newline)?;
    tx.put(&map, schema::BOM, layout.bom)?;
    // All at once: Automerge takes in a whole list some ten times as fast as its fields one by one.
    let provisions: Vec<hydrate::Value> = lines.iter().map(provision).collect();
    tx.batch_create_object(ROOT, schema::PROVISIONS, &provisions.into(), false)?;
    let (hash, _) = tx.commit_with(commit_options(at));
    hash.ok_or(EditError::NotAResolution("nothing was written"))
}

/// A new provision as Automerge takes it in.
fn provision(line: &ParsedLine) -> hydrate::Value {
    let scalar = |text: &str| hydrate::Value::scalar(text);
    let mut map = HashMap::from([
        (schema::KIND, scalar(line.kind)),
        (schema::PART, scalar(line.part)),
        (schema::LEVEL, hydrate::Value::scalar(i64::from(line.level))),
        (schema::ENUMERATOR, scalar(&line.enumerator)),
        (schema::SUPPRESSED, hydrate::Value::map()),
        (schema::TEXT, hydrate::Value::text(TextEncoding::UnicodeCodePoint, &line.text)),
    ]);
    if line.separator != schema::default_separator(&line.enumerator) {
        map.insert(schema::SEPARATOR, scalar(&line.separator));
    }
    map.into()
}

/// The layout that a document was imported with.
///
/// # Errors
/// [`EditError::NotAResolution`]
pub fn layout(doc: &Automerge) -> Result<Layout, EditError> {
    let Some((_, map)) = doc.get(ROOT, schema::LAYOUT)? else {
        return Err(EditError::NotAResolution("it has no layout"));
    };
    let is = |key: &str, value: ScalarValue| -> Result<bool, EditError> {
        Ok(matches!(doc.get(&map, key)?, Some((Value::Scalar(found), _)) if *found == value))
    };
    Ok(Layout {
        line_ending: if is(schema::LINE_ENDING, "\r\n".into())? { "\r\n" } else { "\n" },
        final_newline: is(schema::FINAL_NEWLINE, true.into())?,
        bom: is(schema::BOM, true.into())?,
    })
}

impl Standing {
    fn whole(&self) -> String {
        format!("{}{}{}", self.line.enumerator, self.line.separator, self.line.text)
    }

    /// As (enumerator, separator, text).
    fn parts(&self) -> (&str, &str, &str) {
        (&self.line.enumerator, &self.line.separator, &self.line.text)
    }

    fn shape(&self) -> Shape<'_> {
        Shape {
            whole: self.whole(),
            enumerator: &self.line.enumerator,
            text: &self.line.text,
            kind: &self.line.kind,
        }
    }
}

fn provisions(doc: &impl ReadDoc) -> Result<ObjId, EditError> {
    match doc.get(ROOT, schema::PROVISIONS)? {
        Some((Value::Object(ObjType::List), list)) => Ok(list),
        _ => Err(EditError::NotAResolution("it has no list of provisions")),
    }
}

/// The lines as they stand (suppressed provisions left out), as Automerge reads them.
///
/// # Errors
/// [`EditError::NotAResolution`]
pub fn lines(doc: &Automerge) -> Result<Vec<Line>, EditError> {
    let all = standing(doc, &provisions(doc)?)?;
    Ok(all.into_iter().filter(|one| one.suppressed.is_empty()).map(|one| one.line).collect())
}

/// Turns an edited file into the smallest change that makes the standing text equal to it, written in
/// `delegation`'s name by the document's actor at the document's heads. `None`: nothing to change.
///
/// # Errors
/// [`EditError`]; the document is then as it was.
pub fn apply_text(
    doc: &mut Automerge,
    delegation: &DelegationCode,
    wanted: &[ParsedLine],
    at: Timestamp,
) -> Result<Option<ChangeHash>, EditError> {
    let list = provisions(doc)?;
    let all = standing(doc, &list)?;
    let profile = match all.as_slice() {
        [] => Profile::of(&wanted.iter().map(ParsedLine::parts).collect::<Vec<_>>()),
        // Also where most of it is in another language now: the words of whoever adds a translation do not change what
        // the lines of others are.
        all => Profile::of(&all.iter().map(Standing::parts).collect::<Vec<_>>()),
    };
    let wanted = placed(profile, wanted);
    let plan = plan(doc, delegation, &all, &wanted, profile);
    if plan.is_empty() {
        return Ok(None);
    }
    let mut tx = doc.transaction();
    for step in plan {
        perform(&mut tx, &list, delegation, step)?;
    }
    let (hash, _) = tx.commit_with(commit_options(at));
    Ok(hash)
}

/// One step of an edit.
enum Step<'a> {
    /// Change a provision's fields and words.
    Rewrite { old: &'a Standing, new: &'a ParsedLine, place_too: bool },
    /// Suppress a provision.
    Suppress(&'a Standing),
    /// Take back an addition of one's own.
    Remove(&'a Standing),
    /// Lift one's own suppression.
    Lift(&'a Standing),
    /// Add a provision at this index of the list.
    Add { at: usize, new: &'a ParsedLine },
}

/// The lines as they are in a document of that language.
fn placed(profile: &Profile, lines: &[ParsedLine]) -> Vec<ParsedLine> {
    let parts: Vec<_> = lines.iter().map(ParsedLine::parts).collect();
    let places = structure::recognise(profile, &parts);
    let placed = lines.iter().zip(places).map(|(line, place)| ParsedLine {
        kind: place.kind,
        part: place.part,
        level: place.level,
        ..line.clone()
    });
    placed.collect()
}

/// The steps, from the end of the list to its start, so that indices stay true.
fn plan<'a>(
    doc: &Automerge,
    delegation: &DelegationCode,
    all: &'a [Standing],
    wanted: &'a [ParsedLine],
    profile: &Profile,
) -> Vec<Step<'a>> {
    let visible: Vec<&Standing> = all.iter().filter(|one| one.suppressed.is_empty()).collect();
    let old: Vec<Shape<'_>> = visible.iter().map(|one| one.shape()).collect();
    let new: Vec<Shape<'_>> = wanted
        .iter()
        .map(|line| Shape {
            whole: line.whole(),
            enumerator: &line.enumerator,
            text: &line.text,
            kind: line.kind,
        })
        .collect();
    let pairs = matching::pairs(&old, &new);
    // What the recogniser made of the old text: only a line whose own words changed its place is given a new one.
    let before: Vec<_> = visible.iter().map(|one| one.parts()).collect();
    let before = structure::recognise(profile, &before);

    let mut steps = Vec::new();
    let mut pairs = pairs.into_iter().rev().peekable();
    let (mut i, mut j) = (visible.len(), wanted.len());
    loop {
        let (next_old, next_new) = pairs.peek().map_or((0, 0), |(o, n)| (o + 1, n + 1));
        // Between this pair and the one behind it: old lines are gone, new lines are added or come back.
        let anchor = next_old.checked_sub(1).and_then(|at| visible.get(at)).map_or(0, |one| one.at + 1);
        let limit = visible.get(i).map_or(usize::MAX, |one| one.at);
        let own =
            |one: &&Standing| (anchor..limit).contains(&one.at) && one.suppressed == [delegation.as_str()];
        let own: Vec<&Standing> = all.iter().filter(own).collect();
        let lines = wanted.get(next_new..j).unwrap_or_default();
        let mut gap: Vec<(usize, Step<'_>)> = Vec::new();
        // An addition stands behind whatever comes back before it.
        let mut behind = anchor;
        for (line, lifted) in lines.iter().zip(come_back(&own, lines)) {
            gap.push(match lifted {
                Some(lifted) => {
                    behind = lifted.at + 1;
                    (2 * lifted.at, Step::Lift(lifted))
                }
                None => (2 * behind, Step::Add { at: behind, new: line }),
            });
        }
        for gone in visible.get(next_old..i).unwrap_or_default() {
            let own =
                inserted_by(doc, &gone.map).is_some_and(|label| label == delegation.as_str().as_bytes());
            gap.push((2 * gone.at + 1, if own { Step::Remove(gone) } else { Step::Suppress(gone) }));
        }
        // What is added at one place is added last line first.
        gap.reverse();
        gap.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        steps.extend(gap.into_iter().map(|(_, step)| step));
        let Some((o, n)) = pairs.next() else { break };
        (i, j) = (o, n);
        if let (Some(old), Some(new)) = (visible.get(o).copied(), wanted.get(n))
            && old.whole() != new.whole()
        {
            let place_too =
                before.get(o).is_some_and(|place| (place.kind, place.level) != (new.kind, new.level));
            steps.push(Step::Rewrite { old, new, place_too });
        }
    }
    steps
}

/// Which of one's own suppressed provisions each line brings back: as many as can be in their order.
fn come_back<'a>(suppressed: &[&'a Standing], lines: &[ParsedLine]) -> Vec<Option<&'a Standing>> {
    let old: Vec<String> = suppressed.iter().map(|one| one.whole()).collect();
    let new: Vec<String> = lines.iter().map(ParsedLine::whole).collect();
    let mut back = vec![None; lines.len()];
    if old.is_empty() || new.is_empty() {
        return back;
    }
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let DiffOp::Equal { old_index, new_index, len } = op else { continue };
        for n in 0..len {
            if let Some(place) = back.get_mut(new_index + n) {
                *place = suppressed.get(old_index + n).copied();
            }
        }
    }
    back
}

/// The author label of whoever inserted a provision.
fn inserted_by(doc: &Automerge, provision: &ObjId) -> Option<Vec<u8>> {
    let ObjId::Id(_, actor, _) = provision else { return None };
    doc.get_author_for_actor(actor).map(|author| author.as_bytes().to_vec())
}

fn perform(
    tx: &mut impl Transactable,
    list: &ObjId,
    delegation: &DelegationCode,
    step: Step<'_>,
) -> Result<(), EditError> {
    match step {
        Step::Remove(old) => tx.delete(list, old.at)?,
        Step::Suppress(old) => {
            let entries = match tx.get(&old.map, schema::SUPPRESSED)? {
                Some((Value::Object(ObjType::Map), entries)) => entries,
                _ => tx.put_object(&old.map, schema::SUPPRESSED, ObjType::Map)?,
            };
            tx.put(&entries, delegation.as_str(), true)?;
        }
        Step::Lift(old) => {
            let maps: Vec<ObjId> =
                tx.get_all(&old.map, schema::SUPPRESSED)?.into_iter().map(|(_, entries)| entries).collect();
            for entries in maps {
                if tx.get(&entries, delegation.as_str())?.is_some() {
                    tx.delete(&entries, delegation.as_str())?;
                }
            }
        }
        Step::Add { at, new } => {
            tx.batch_create_object(list, at, &provision(new), true)?;
        }
        Step::Rewrite { old, new, place_too } => {
            if old.line.enumerator != new.enumerator {
                tx.put(&old.map, schema::ENUMERATOR, new.enumerator.as_str())?;
            }
            let renumbered_default = schema::default_separator(&new.enumerator) == new.separator
                && schema::default_separator(&old.line.enumerator) == old.line.separator;
            if old.line.separator != new.separator && !renumbered_default {
                tx.put(&old.map, schema::SEPARATOR, new.separator.as_str())?;
            }
            if place_too {
                tx.put(&old.map, schema::KIND, new.kind)?;
                tx.put(&old.map, schema::LEVEL, i64::from(new.level))?;
            }
            let text = match tx.get(&old.map, schema::TEXT)? {
                Some((Value::Object(ObjType::Text), text)) => text,
                _ => tx.put_object(&old.map, schema::TEXT, ObjType::Text)?,
            };
            for replacement in words::replacements(&old.line.text, &new.text).into_iter().rev() {
                // Insert first, then strike: so the struck words stand before those that replace them.
                let cut = isize::try_from(replacement.end - replacement.start).unwrap_or(isize::MAX);
                tx.splice_text(&text, replacement.end, 0, &replacement.text)?;
                tx.splice_text(&text, replacement.start, cut, "")?;
            }
        }
    }
    Ok(())
}
