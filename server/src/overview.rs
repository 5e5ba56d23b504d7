//! Everything that is shown of a document, made once for all who look at it; and what of it has changed since they last
//! looked. Pure.

use crate::hub::read::State;
use bytes::Bytes;
use codraft_protocol::api::{self, Named};
use codraft_protocol::id::DelegationCode;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write as _};
use std::time::Instant;

/// Bytes of answers of one edition that are kept: pages ask in step, for what came after a few editions.
const ANSWERS: usize = 4 << 20;

/// What is shown of a document at one moment.
#[derive(Clone, Debug)]
pub struct Shown {
    /// When that was.
    pub state: State,
    /// Whether everything proposed was given a number first.
    pub on_record: bool,
    /// The document.
    pub document: api::Document,
    /// Who wrote what.
    pub attribution: api::Attribution,
    /// The proposals.
    pub proposals: Vec<api::Proposal>,
    /// The rounds.
    pub rounds: Vec<api::Round>,
    /// The comments.
    pub comments: Vec<api::Comment>,
}

/// The newest edition, and since which one each part of it is as it is.
#[derive(Debug)]
pub struct Editions {
    /// What tells these editions from those of another opening of the document.
    opening: String,
    /// The number of the newest one; 0: there is none.
    newest: u64,
    of: Option<Of>,
    /// When whoever looked last whether it still is the newest began to look.
    looked: Option<Instant>,
    /// What was answered from it: since which edition, and whether compressed.
    answers: HashMap<(Option<u64>, Form), Bytes>,
    roster: BTreeMap<String, (DelegationCode, u64)>,
    provisions: List,
    proposals: List,
    comments: List,
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// As it is.
    Plain,
    /// Compressed.
    Gzip,
}

/// What is said in full each time.
#[derive(Debug)]
struct Of {
    state: State,
    on_record: bool,
    document: api::Document,
    heads: Vec<String>,
    rounds: Vec<api::Round>,
}

impl Editions {
    /// None yet. `opening` is never the same twice.
    pub fn new(opening: String) -> Self {
        Self {
            opening,
            newest: 0,
            of: None,
            looked: None,
            answers: HashMap::new(),
            roster: BTreeMap::new(),
            provisions: List::default(),
            proposals: List::default(),
            comments: List::default(),
        }
    }

    /// Whether the newest edition is of this state of the document, with numbers or not.
    pub fn are_of(&self, state: State, on_record: bool) -> bool {
        self.of.as_ref().is_some_and(|of| of.state == state && of.on_record == on_record)
    }

    /// Whether somebody has begun to look at the document's state since then: what was found is good for whoever asked
    /// before.
    pub fn looked_since(&self, then: Instant) -> bool {
        self.of.is_some() && self.looked.is_some_and(|looked| looked > then)
    }

    /// The newest edition still is the newest: somebody has looked, who began to do so then.
    pub fn looked(&mut self, then: Instant) {
        self.looked = Some(then);
    }

    /// A new edition.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    pub fn publish(&mut self, shown: Shown) -> Result<(), serde_json::Error> {
        let Shown { state, on_record, document, attribution, proposals, rounds, comments } = shown;
        self.of = None;
        self.answers.clear();
        self.newest += 1;
        for (actor, delegation) in attribution.roster {
            self.roster.entry(actor).or_insert((delegation, self.newest));
        }
        self.provisions.take(&attribution.provisions, self.newest)?;
        self.proposals.take(&proposals, self.newest)?;
        self.comments.take(&comments, self.newest)?;
        self.of = Some(Of { state, on_record, document, heads: attribution.heads, rounds });
        Ok(())
    }

    /// The newest edition as JSON, an [`api::Overview`]: what has changed since another, or, where that is none of these,
    /// everything. `None`: there is none.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn answer(&mut self, since: Option<&str>, form: Form) -> io::Result<Option<Bytes>> {
        let known = since.and_then(|name| self.number(name));
        if let Some(answer) = self.answers.get(&(known, form)) {
            return Ok(Some(answer.clone()));
        }
        let Some(plain) = self.write(known)? else { return Ok(None) };
        let answer = match form {
            Form::Plain => Bytes::from(plain),
            Form::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&plain)?;
                Bytes::from(gzip.finish()?)
            }
        };
        let held: usize = self.answers.values().map(Bytes::len).sum();
        if held + answer.len() > ANSWERS {
            self.answers.clear();
        }
        self.answers.insert((known, form), answer.clone());
        Ok(Some(answer))
    }

    fn write(&self, known: Option<u64>) -> Result<Option<Vec<u8>>, serde_json::Error> {
        let Some(of) = &self.of else { return Ok(None) };
        let after = known.unwrap_or(0);
        let fresh = self.roster.iter().filter(|(_, (_, edition))| *edition > after);
        let written = serde_json::to_vec(&Written {
            edition: &self.name(self.newest),
            since: known.map(|number| self.name(number)),
            document: &of.document,
            heads: &of.heads,
            roster: fresh.map(|(actor, (delegation, _))| (actor.as_str(), delegation)).collect(),
            provisions: self.provisions.since(known),
            proposals: self.proposals.since(known),
            rounds: &of.rounds,
            comments: self.comments.since(known),
        })?;
        Ok(Some(written))
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{number}", self.opening)
    }

    /// The number of an edition of these.
    fn number(&self, name: &str) -> Option<u64> {
        let number = name.strip_prefix(self.opening.as_str())?.strip_prefix('-')?.parse().ok()?;
        (1..=self.newest).contains(&number).then_some(number)
    }
}

/// An [`api::Overview`] as it is written.
#[derive(Serialize)]
struct Written<'a> {
    edition: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    document: &'a api::Document,
    heads: &'a [String],
    roster: BTreeMap<&'a str, &'a DelegationCode>,
    provisions: Items<'a>,
    proposals: Items<'a>,
    rounds: &'a [api::Round],
    comments: Items<'a>,
}

/// [`api::Items`] as it is written.
#[derive(Serialize)]
struct Items<'a> {
    whole: bool,
    items: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Vec<&'a str>>,
}

/// A list, as JSON, with the edition since which each item is as it is.
#[derive(Debug, Default)]
struct List {
    items: Vec<Item>,
    /// Since which the list has the same items in the same order.
    ordered: u64,
    /// The last one in which two items had the same name.
    mistakable: u64,
}

#[derive(Debug)]
struct Item {
    name: String,
    json: Box<RawValue>,
    since: u64,
}

impl List {
    /// The list as it is in this edition.
    fn take<T: Named + Serialize>(&mut self, list: &[T], edition: u64) -> Result<(), serde_json::Error> {
        let mut before: HashMap<&str, &Item> = HashMap::new();
        before.extend(self.items.iter().map(|item| (item.name.as_str(), item)));
        let mut items = Vec::with_capacity(list.len());
        for one in list {
            let (name, json) = (one.name(), to_raw_value(one)?);
            let old = before.get(name.as_str()).filter(|old| old.json.get() == json.get());
            let since = old.map_or(edition, |old| old.since);
            items.push(Item { name, json, since });
        }
        if !items.iter().map(|item| &item.name).eq(self.items.iter().map(|item| &item.name)) {
            self.ordered = edition;
        }
        let mut seen = HashSet::new();
        if !items.iter().all(|item| seen.insert(&item.name)) {
            self.mistakable = edition;
        }
        self.items = items;
        Ok(())
    }

    /// What has changed since an edition.
    fn since(&self, edition: Option<u64>) -> Items<'_> {
        let Some(edition) = edition.filter(|edition| *edition > self.mistakable) else {
            let items = self.items.iter().map(|item| &*item.json).collect();
            return Items { whole: true, items, order: None };
        };
        let changed = self.items.iter().filter(|item| item.since > edition);
        let order = || self.items.iter().map(|item| item.name.as_str()).collect();
        Items {
            whole: false,
            items: changed.map(|item| &*item.json).collect(),
            order: (self.ordered > edition).then(order),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::io::Read as _;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Thing(u8, u8);

    impl Named for Thing {
        fn name(&self) -> String {
            self.0.to_string()
        }
    }

    fn things() -> impl Strategy<Value = Vec<Thing>> {
        prop::collection::vec((0..6_u8, 0..3_u8).prop_map(|(name, says)| Thing(name, says)), 0..7)
    }

    fn part(list: &List, since: Option<u64>) -> api::Items<Thing> {
        serde_json::from_slice(&serde_json::to_vec(&list.since(since)).unwrap()).unwrap()
    }

    proptest! {
        /// Whoever has any edition has the newest with what has changed since, also where names came twice.
        #[test]
        fn what_has_changed_makes_the_newest_of_any(lists in prop::collection::vec(things(), 1..8)) {
            let mut list = List::default();
            for (at, now) in lists.iter().enumerate() {
                list.take(now, at as u64 + 1).unwrap();
                prop_assert_eq!(&part(&list, None).items, now);
                for (earlier, before) in lists[..=at].iter().enumerate() {
                    let part = part(&list, Some(earlier as u64 + 1));
                    prop_assert_eq!(&part.after(api::Items::whole(before.clone())).items, now);
                }
            }
        }
    }

    #[test]
    fn only_what_has_changed_is_said() {
        let mut list = List::default();
        list.take(&[Thing(1, 1), Thing(2, 1), Thing(3, 1)], 1).unwrap();
        list.take(&[Thing(1, 1), Thing(2, 2), Thing(3, 1)], 2).unwrap();
        let said = part(&list, Some(1));
        assert_eq!(said, api::Items { whole: false, items: vec![Thing(2, 2)], order: None });
        list.take(&[Thing(3, 1), Thing(1, 1)], 3).unwrap();
        let order = Some(vec!["3".to_owned(), "1".to_owned()]);
        assert_eq!(part(&list, Some(2)), api::Items { whole: false, items: vec![], order });
        assert_eq!(part(&list, Some(3)), api::Items { whole: false, items: vec![], order: None });
    }

    #[test]
    fn an_edition_of_another_opening_or_of_nobody_gets_everything() {
        let mut editions = Editions::new("a".to_owned());
        assert!(editions.answer(None, Form::Plain).unwrap().is_none());
        let state = State { changes: 1, durable: 1, entries: 0 };
        editions.publish(shown(state)).unwrap();
        assert!(editions.are_of(state, true) && !editions.are_of(state, false));
        assert!(!editions.are_of(State { entries: 1, ..state }, true));
        let mut ask = |since: Option<&str>| -> api::Overview {
            let gzip = editions.answer(since, Form::Gzip).unwrap().unwrap();
            let mut plain = Vec::new();
            GzDecoder::new(&*gzip).read_to_end(&mut plain).unwrap();
            assert_eq!(editions.answer(since, Form::Plain).unwrap().unwrap(), plain);
            serde_json::from_slice(&plain).unwrap()
        };
        let all = ask(None);
        assert_eq!((all.edition.as_str(), all.roster.len()), ("a-1", 1));
        for strange in ["", "a", "a-", "a-0", "a-2", "b-1", "1", "a-1-1", "a-99999999999999999999"] {
            assert_eq!(ask(Some(strange)), all, "{strange}");
        }
        let nothing = ask(Some("a-1"));
        assert_eq!(nothing.since.as_deref(), Some("a-1"));
        assert!(nothing.roster.is_empty() && nothing.provisions.items.is_empty());
        assert_eq!(nothing.clone().after(Some(all.clone())), Some(all));
        assert_eq!(nothing.after(None), None);
    }

    #[test]
    fn an_answer_is_of_the_newest_edition_and_those_before_are_let_go() {
        let mut editions = Editions::new("a".to_owned());
        let state = State { changes: 0, durable: 0, entries: 0 };
        let edition = |editions: &mut Editions, since: &str| {
            let answer = editions.answer(Some(since), Form::Plain).unwrap().unwrap();
            serde_json::from_slice::<api::Overview>(&answer).unwrap().edition
        };
        for changes in 1..=100 {
            editions.publish(shown(State { changes, ..state })).unwrap();
            for since in 1..=changes {
                assert_eq!(edition(&mut editions, &format!("a-{since}")), format!("a-{changes}"));
            }
            assert_eq!(editions.answers.len(), changes);
        }
    }

    #[test]
    fn what_is_kept_of_large_answers_has_a_bound() {
        let mut editions = Editions::new("a".to_owned());
        for changes in 1..=10 {
            let mut shown = shown(State { changes, durable: 0, entries: 0 });
            shown.document.title = "x".repeat(1 << 20);
            editions.publish(shown).unwrap();
        }
        for since in 1..=10 {
            let answer = editions.answer(Some(&format!("a-{since}")), Form::Plain).unwrap().unwrap();
            assert!(answer.len() > 1 << 20);
            assert!(editions.answers.values().map(Bytes::len).sum::<usize>() <= ANSWERS);
        }
    }

    #[test]
    fn who_asked_before_somebody_looked_need_not_look() {
        let (mut editions, then) = (Editions::new("a".to_owned()), Instant::now());
        let later = then + std::time::Duration::from_millis(1);
        editions.looked(later);
        assert!(!editions.looked_since(then), "nothing was found yet");
        editions.publish(shown(State { changes: 0, durable: 0, entries: 0 })).unwrap();
        assert!(editions.looked_since(then) && !editions.looked_since(later));
    }

    fn shown(state: State) -> Shown {
        let document = serde_json::json!({
            "id": "d", "symbol": "", "title": "", "created": "2026-01-01T00:00:00Z",
            "baseline": { "revision": 0, "heads": [] }, "heads": [], "changes": 1, "provisions": 0, "connections": 0,
        });
        let attribution = serde_json::json!({ "heads": [], "roster": { "00": "CAN" }, "provisions": [] });
        Shown {
            state,
            on_record: true,
            document: serde_json::from_value(document).unwrap(),
            attribution: serde_json::from_value(attribution).unwrap(),
            proposals: Vec::new(),
            rounds: Vec::new(),
            comments: Vec::new(),
        }
    }
}
