//! The provisions of a document as Automerge has them.

use super::EditError;
use crate::id::ProvisionId;
use crate::resolution::line::Line;
use crate::resolution::schema;
use automerge::iter::DocItem;
use automerge::{ObjId, ObjType, ReadDoc, ScalarValue, ScalarValueRef, Value, ValueRef};
use std::collections::HashMap;

/// A provision as Automerge has it.
pub(super) struct Standing {
    /// Its place in the list.
    pub(super) at: usize,
    pub(super) map: ObjId,
    pub(super) line: Line,
    /// The keys of its map of suppressions.
    pub(super) suppressed: Vec<String>,
}

/// A provision's fields, as far as they were read.
#[derive(Default)]
struct Fields {
    kind: String,
    part: String,
    level: String,
    enumerator: String,
    separator: Option<String>,
    text: String,
}

impl Fields {
    fn named(&mut self, key: &str) -> Option<&mut String> {
        Some(match key {
            schema::KIND => &mut self.kind,
            schema::PART => &mut self.part,
            schema::LEVEL => &mut self.level,
            schema::ENUMERATOR => &mut self.enumerator,
            schema::SEPARATOR => self.separator.get_or_insert_default(),
            schema::TEXT => &mut self.text,
            _ => return None,
        })
    }
}

/// What an object inside the list of provisions is, of the provision that was found so many before.
enum Role {
    Provision(usize),
    /// A Text, under this key.
    Text(usize, String),
    Suppressed(usize),
}

/// All provisions, those that are suppressed too.
///
/// The document is read in one pass: asking it for each field of each provision costs a search each time, of 8,000
/// provisions a quarter of a second.
///
/// # Errors
/// [`EditError`]
pub(super) fn standing(doc: &impl ReadDoc, list: &ObjId) -> Result<Vec<Standing>, EditError> {
    let mut found: Vec<(usize, ObjId, Fields, Vec<String>)> = Vec::new();
    let mut roles: HashMap<ObjId, Role> = HashMap::new();
    let mut contested = Vec::new();
    // An object comes after the one that it is in.
    for read in doc.iter() {
        let object = read.obj.as_ref();
        match read.item {
            DocItem::List(item) if object == list => {
                if matches!(item.value, ValueRef::Object(ObjType::Map)) {
                    let map = item.id();
                    roles.insert(map.clone(), Role::Provision(found.len()));
                    found.push((item.index, map, Fields::default(), Vec::new()));
                }
            }
            DocItem::Map(item) => match roles.get(object) {
                Some(Role::Provision(n)) => {
                    let Some((_, _, fields, _)) = found.get_mut(*n) else { continue };
                    match (&item.value, item.key.as_ref()) {
                        (ValueRef::Object(_), schema::SUPPRESSED) if item.conflict => contested.push(*n),
                        (ValueRef::Object(_), schema::SUPPRESSED) => {
                            let role = Role::Suppressed(*n);
                            roles.insert(item.id(), role);
                        }
                        (value, key) => {
                            let Some(field) = fields.named(key) else { continue };
                            match value {
                                ValueRef::Scalar(value) => *field = scalar(value),
                                // Also where a client wrote a Text in place of a scalar.
                                ValueRef::Object(ObjType::Text) => {
                                    let role = Role::Text(*n, key.to_owned());
                                    roles.insert(item.id(), role);
                                }
                                ValueRef::Object(_) => {}
                            }
                        }
                    }
                }
                Some(Role::Suppressed(n)) => {
                    if let (ValueRef::Scalar(ScalarValueRef::Boolean(true)), Some((.., suppressed))) =
                        (&item.value, found.get_mut(*n))
                    {
                        suppressed.push(item.key.into_owned());
                    }
                }
                _ => {}
            },
            DocItem::Text(span) => {
                if let Some(Role::Text(n, key)) = roles.get(object)
                    && let Some(field) = found.get_mut(*n).and_then(|(_, _, fields, _)| fields.named(key))
                {
                    field.push_str(span.as_str());
                }
            }
            DocItem::List(_) => {}
        }
    }
    for n in contested {
        if let Some((_, map, _, suppressed)) = found.get_mut(n) {
            *suppressed = all_suppressions(doc, map)?;
        }
    }
    let all = found.into_iter().map(|(at, map, fields, suppressed)| {
        let separator =
            fields.separator.unwrap_or_else(|| schema::default_separator(&fields.enumerator).to_owned());
        let line = Line {
            provision: ProvisionId(map.to_string()),
            kind: fields.kind,
            part: fields.part,
            level: fields.level.parse().unwrap_or(0),
            enumerator: fields.enumerator,
            separator,
            text: fields.text,
        };
        Standing { at, map, line, suppressed }
    });
    Ok(all.collect())
}

fn scalar(value: &ScalarValueRef<'_>) -> String {
    match value {
        ScalarValueRef::Str(text) => text.to_string(),
        ScalarValueRef::Int(number) => number.to_string(),
        ScalarValueRef::Uint(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Of several maps of suppressions, which clients made at once, each counts.
fn all_suppressions(doc: &impl ReadDoc, provision: &ObjId) -> Result<Vec<String>, EditError> {
    let mut suppressed = Vec::new();
    for (_, entries) in doc.get_all(provision, schema::SUPPRESSED)? {
        for key in doc.keys(&entries) {
            if matches!(doc.get(&entries, key.as_str())?, Some((Value::Scalar(value), _)) if *value == ScalarValue::Boolean(true))
            {
                suppressed.push(key);
            }
        }
    }
    Ok(suppressed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::transaction::Transactable as _;
    use automerge::{ActorId, AutoCommit, ROOT};

    fn shown(doc: &AutoCommit, list: &ObjId) -> Vec<(usize, String, String, String, Vec<String>)> {
        let mut all = standing(doc, list).unwrap();
        all.iter_mut().for_each(|one| one.suppressed.sort());
        let each = all.into_iter();
        each.map(|one| (one.at, one.line.enumerator, one.line.separator, one.line.text, one.suppressed))
            .collect()
    }

    /// What clients have done at once, or otherwise than the page would: all of it is read as Automerge has it.
    #[test]
    fn what_no_import_would_write_is_read_all_the_same() {
        let mut doc = AutoCommit::new();
        doc.set_actor(ActorId::from([1; 16]));
        let list = doc.put_object(ROOT, schema::PROVISIONS, ObjType::List).unwrap();
        // Not a provision, but it has a place in the list.
        doc.insert(&list, 0, "stray").unwrap();
        let one = doc.insert_object(&list, 1, ObjType::Map).unwrap();
        let enumerator = doc.put_object(&one, schema::ENUMERATOR, ObjType::Text).unwrap();
        doc.splice_text(&enumerator, 0, 0, "7").unwrap();
        let text = doc.put_object(&one, schema::TEXT, ObjType::Text).unwrap();
        doc.splice_text(&text, 0, 0, "to act;").unwrap();
        let bare = doc.insert_object(&list, 2, ObjType::Map).unwrap();
        doc.put(&bare, schema::SEPARATOR, "").unwrap();
        let mut other = doc.fork().with_actor(ActorId::from([2; 16]));
        for (doc, code) in [(&mut doc, "CAN"), (&mut other, "USA")] {
            let map = doc.put_object(&one, schema::SUPPRESSED, ObjType::Map).unwrap();
            doc.put(&map, code, true).unwrap();
            doc.put(&map, "FRA", false).unwrap();
            let text = doc.put_object(&bare, schema::TEXT, ObjType::Text).unwrap();
            doc.splice_text(&text, 0, 0, code).unwrap();
        }
        doc.merge(&mut other).unwrap();
        let (_, winner) = doc.get(&bare, schema::TEXT).unwrap().unwrap();
        let winner = doc.text(&winner).unwrap();
        let words = |text: &str| text.to_owned();
        assert_eq!(
            shown(&doc, &list),
            [
                (1, words("7"), words("\t"), words("to act;"), vec![words("CAN"), words("USA")]),
                (2, words(""), words(""), winner, vec![]),
            ]
        );
    }
}
