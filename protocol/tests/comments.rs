//! Comments stay with their words: through edits before, inside and around them, strikes, rulings, moves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, Change, ObjId, ObjType, ROOT, ReadDoc, TextEncoding, Value};
use codraft_protocol::amendment;
use codraft_protocol::api::{By, Comment, Decision, NewComment, NewReply, NewRuling, NewRulings};
use codraft_protocol::authorship::Index;
use codraft_protocol::authorship::hand::Pen;
use codraft_protocol::id::{DelegationCode, DocumentId, ProvisionId, Role};
use codraft_protocol::resolution::edit;
use codraft_protocol::resolution::text_form::parse;
use codraft_protocol::round::audit::{Audit, Event, Moment};
use codraft_protocol::round::{self, Command, Entry, Proceedings, Refusal};
use codraft_protocol::time::Timestamp;

const BASE: &str = "Resolution 1\nOn roles\nThe Council,\nresolves\n1\tthat ITU play a leading part;\n2\tto update the roadmap;\n";
const CODES: [&str; 2] = ["CAN", "USA"];

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

fn by(role: Role, delegation: Option<&str>) -> By {
    By { account: format!("{role}-1"), role: Some(role), delegation: delegation.map(code) }
}

fn delegate(of: &str) -> By {
    by(Role::Delegate, Some(of))
}

struct House {
    proceedings: Proceedings,
    founding: (DocumentId, Vec<Change>, Vec<automerge::ChangeHash>),
    replicas: Vec<Automerge>,
    entries: Vec<Entry>,
    /// The log, each change with its owner, for the trail.
    log: Vec<(Change, DelegationCode)>,
}

impl House {
    fn new() -> Self {
        let (layout, lines) = parse(BASE.as_bytes()).unwrap();
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        edit::begin_session(&mut doc, ActorId::from(vec![0; 16]), &DelegationCode::secretariat());
        edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
        let mut index = Index::new();
        let changes = doc.get_changes(&[]);
        for change in &changes {
            index.replay(change, &DelegationCode::secretariat()).unwrap();
        }
        let (id, heads) = (DocumentId::from_bytes([1; 16]), doc.get_heads());
        let proceedings = Proceedings::new(id, index, &heads, Timestamp(0)).unwrap();
        let replicas = (1..).zip(CODES).map(|(n, of)| {
            let mut replica = doc.fork();
            edit::begin_session(&mut replica, ActorId::from(vec![n; 16]), &code(of));
            replica
        });
        let replicas = replicas.collect();
        let log = changes.iter().map(|one| (one.clone(), DelegationCode::secretariat())).collect();
        Self { proceedings, founding: (id, changes, heads), replicas, entries: Vec::new(), log }
    }

    fn text(&self, n: usize, line: usize) -> (ObjId, ObjId) {
        let replica = &self.replicas[n];
        let (_, list) = replica.get(ROOT, "provisions").unwrap().unwrap();
        let (_, provision) = replica.get(&list, line).unwrap().unwrap();
        let (Value::Object(ObjType::Text), text) = replica.get(&provision, "text").unwrap().unwrap() else {
            panic!("no text")
        };
        (provision, text)
    }

    fn provision(&self, line: usize) -> String {
        self.text(0, line).0.to_string()
    }

    /// `n` puts `to` in the place of the first `from`, and everybody has it at once.
    fn replace(&mut self, n: usize, line: usize, from: &str, to: &str) {
        self.splice(n, line, from, from.chars().count(), to);
    }

    /// `n` puts words before the first `here`.
    fn insert(&mut self, n: usize, line: usize, here: &str, words: &str) {
        self.splice(n, line, here, 0, words);
    }

    fn splice(&mut self, n: usize, line: usize, here: &str, strikes: usize, words: &str) {
        let (_, text) = self.text(n, line);
        let now = self.replicas[n].text(&text).unwrap();
        let at = now[..now.find(here).unwrap_or_else(|| panic!("{now} has no {here}"))].chars().count();
        let mut tx = self.replicas[n].transaction();
        tx.splice_text(&text, at, strikes as isize, words).unwrap();
        tx.commit();
        self.sync();
    }

    fn sync(&mut self) {
        for (replica, owner) in self.replicas.iter().zip(CODES.map(code)) {
            for change in replica.get_changes(&[]) {
                if self.proceedings.index.position(&change.hash()).is_none() {
                    self.proceedings.index.replay(&change, &owner).unwrap();
                    self.log.push((change, owner.clone()));
                }
            }
        }
        for replica in &mut self.replicas {
            replica.apply_changes(self.log.iter().map(|(change, _)| change.clone())).unwrap();
        }
    }

    fn act(&mut self, command: &Command, who: By) -> Result<(), Refusal> {
        let now = self.entries.len() as i64 + 10;
        let pen = Pen { actor: ActorId::from(vec![200; 16]), time: now, message: "hand".to_owned() };
        let length = self.proceedings.index.len();
        let made = self.proceedings.act(command, who, Timestamp(now * 1000), &pen)?;
        if let Some((entry, change)) = made {
            let about_comments =
                matches!(command, Command::Comment(_) | Command::Reply { .. } | Command::Resolve { .. });
            assert!(!about_comments || (change.is_none() && self.proceedings.index.len() == length));
            self.entries.push(entry);
            self.log.extend(change.map(|change| (change, DelegationCode::secretariat())));
            self.sync();
        }
        Ok(())
    }

    fn comment(&mut self, line: usize, words: Option<&str>) -> Result<(), Refusal> {
        let new = NewComment {
            provision: self.provision(line),
            text: "why?".to_owned(),
            words: words.map(str::to_owned),
            ..NewComment::default()
        };
        self.act(&Command::Comment(new), delegate("CAN"))
    }

    fn rule(&mut self, sponsor: &str, decision: Decision) {
        let open = self.proceedings.floor().open(&self.proceedings.record());
        let of = |one: &&round::Listed| one.derived.proposal.sponsors == [code(sponsor)];
        let number = open.iter().find(of).unwrap().number.clone().unwrap();
        let ruling = NewRuling {
            proposal: number.to_string(),
            decision,
            segments: None,
            reason: String::new(),
            revisit: false,
        };
        let rulings = NewRulings { rulings: vec![ruling], ..NewRulings::default() };
        self.act(&Command::Rule(rulings), by(Role::Chair, None)).unwrap();
    }

    fn listed(&self) -> Vec<Comment> {
        let floor = self.proceedings.floor();
        let listed = round::comments(&floor, &self.proceedings.record()).comments;
        // Whoever has the changes and the entries has the same comments.
        let mut index = Index::new();
        for (change, owner) in &self.log {
            index.replay(change, owner).unwrap();
        }
        let (id, _, heads) = &self.founding;
        let mut again = Proceedings::new(*id, index, heads, Timestamp(0)).unwrap();
        self.entries.iter().for_each(|entry| again.take(entry).unwrap());
        assert_eq!(round::comments(&again.floor(), &again.record()).comments, listed);
        listed
    }

    /// The words that the only comment is on: `stands`, `-struck by-`, `~gone~`.
    fn words(&self) -> String {
        let listed = self.listed();
        let [comment] = listed.as_slice() else { panic!("{listed:#?}") };
        let shown = comment.words.iter().map(|words| match (words.stands, words.struck_by.as_slice()) {
            (true, _) => words.text.clone(),
            (false, []) => format!("~{}~", words.text),
            (false, by) => format!("-{} {}-", words.text, by.iter().map(|c| c.as_str()).collect::<String>()),
        });
        shown.collect()
    }

    /// What stands before the commented words in their provision.
    fn before_marks(&self) -> String {
        let all = self.proceedings.floor().attribution(&self.proceedings.record());
        let marked = |one: &&codraft_protocol::api::AttributedProvision| {
            one.runs.iter().any(|run| !run.comments.is_empty())
        };
        let runs = &all.provisions.iter().find(marked).unwrap().runs;
        let before = runs.iter().take_while(|run| run.comments.is_empty());
        before.filter(|run| run.struck_by.is_empty()).map(|run| run.text.as_str()).collect()
    }

    /// What the attribution marks as commented on, in the whole document.
    fn marked(&self) -> String {
        let floor = self.proceedings.floor();
        let record = self.proceedings.record();
        let all = floor.attribution(&record);
        let none = codraft_protocol::authorship::Anchors::new(floor.settled);
        let context = amendment::Context { document: floor.document, saw: &|_, _| true };
        let plain = amendment::attribution(&record, &none, &context, &mut Default::default());
        let text = |all: &[codraft_protocol::api::AttributedProvision]| -> Vec<String> {
            all.iter().map(|one| one.runs.iter().map(|run| run.text.as_str()).collect()).collect()
        };
        assert_eq!(text(&all.provisions), text(&plain), "marks change no words");
        let runs = all.provisions.iter().flat_map(|one| &one.runs);
        runs.filter(|run| !run.comments.is_empty()).map(|run| run.text.as_str()).collect()
    }
}

#[test]
fn words_keep_their_comment_through_edits_before_inside_and_around() {
    let mut house = House::new();
    house.comment(4, Some("a leading part")).unwrap();
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("a leading part", "a leading part"));
    house.insert(1, 4, "that ", "firmly ");
    house.insert(0, 4, ";", ", always");
    assert_eq!(house.marked(), "a leading part");
    // Words put between them are not what was commented on; they are still between.
    house.insert(1, 4, "leading", "truly ");
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("a leading part", "a leading part"));
    house.replace(1, 4, "leading ", "");
    assert_eq!(house.words(), "a -leading  USA-part");
    assert_eq!(house.marked(), "a leading part", "struck words are still marked where they are shown");
    house.replace(1, 4, "ITU play a truly part", "all act");
    assert_eq!(house.words(), "-a leading part USA-");
    assert_eq!(house.listed()[0].words[0].text, "a leading part");
    // In a provision that somebody removes, it stands with the provision.
    let (provision, _) = house.text(1, 4);
    let mut tx = house.replicas[1].transaction();
    let (_, suppressed) = tx.get(&provision, "suppressed").unwrap().unwrap();
    tx.put(&suppressed, "USA", true).unwrap();
    tx.commit();
    house.sync();
    let listed = house.listed();
    assert_eq!((listed[0].gone, listed[0].provision.enumerator.as_str()), (false, "1"));
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    house.rule("USA", Decision::Adopt);
    assert_eq!((house.listed()[0].gone, house.words().as_str()), (true, "-a leading part USA-"));
}

#[test]
fn words_that_their_author_takes_back_are_struck_by_their_author() {
    let mut house = House::new();
    house.insert(1, 4, ";", ", gladly");
    house.comment(4, Some("part, gladly")).unwrap();
    house.replace(1, 4, ", gladly", "");
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("part-, gladly USA-", "part"));
}

#[test]
fn words_that_a_ruling_takes_out_or_brings_back_are_the_same_words() {
    let mut house = House::new();
    house.replace(1, 4, "leading", "modest");
    house.comment(4, Some("modest part")).unwrap();
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    house.rule("USA", Decision::Reject);
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("~modest~ part", " part"));
    // What was brought back by the hand has new elements: a comment on them is on the old words.
    house.comment(4, Some("a leading part")).unwrap();
    let listed = house.listed();
    assert_eq!(listed[1].words.len(), 1, "{listed:#?}");
    assert!(listed[1].words[0].stands && listed[1].words[0].text == "a leading part");
    assert_eq!(house.marked(), "a leading part");
    // And one made before a strike that is rejected holds the words that come back.
    let mut house = House::new();
    house.comment(5, Some("the roadmap")).unwrap();
    house.replace(0, 5, "the roadmap", "");
    assert_eq!(house.words(), "-the roadmap CAN-");
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    house.rule("CAN", Decision::Reject);
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("the roadmap", "the roadmap"));
    let behind = Some(ProvisionId(house.provision(2)));
    let provision = ProvisionId(house.provision(5));
    house.act(&Command::Move { provision, behind }, by(Role::Secretariat, None)).unwrap();
    assert_eq!((house.words().as_str(), house.marked().as_str()), ("the roadmap", "the roadmap"));
}

#[test]
fn a_selection_is_named_by_its_elements() {
    let mut house = House::new();
    let (provision, text) = house.text(1, 4);
    let cursor = |at| house.replicas[1].get_cursor(&text, at, None).unwrap().to_string();
    let new = NewComment {
        provision: provision.to_string(),
        text: "why this?".to_owned(),
        from: Some(cursor(5)),
        to: Some(cursor(7)),
        ..NewComment::default()
    };
    let backwards = NewComment { from: new.to.clone(), to: new.from.clone(), ..new.clone() };
    assert_eq!(house.act(&Command::Comment(backwards), delegate("USA")), Err(Refusal::UnknownWords));
    let elsewhere = NewComment { provision: house.provision(5), ..new.clone() };
    assert_eq!(house.act(&Command::Comment(elsewhere), delegate("USA")), Err(Refusal::UnknownWords));
    house.act(&Command::Comment(new.clone()), delegate("USA")).unwrap();
    assert_eq!(house.words(), "ITU");
    // Somebody struck some of them meanwhile: it is on what still stands.
    house.replace(0, 4, "TU", "");
    house.act(&Command::Comment(new.clone()), delegate("USA")).unwrap();
    assert_eq!(house.listed()[1].words[0].text, "I");
    house.replace(0, 4, "I", "");
    assert_eq!(house.act(&Command::Comment(new), delegate("USA")), Err(Refusal::UnknownWords));
}

#[test]
fn words_chosen_in_an_older_text_are_those_words_or_none() {
    // What became of a text, and what stands then before its third t, which is that of “part”.
    type Case = (&'static [(&'static str, &'static str)], Option<&'static str>);
    let then = "that ITU play a leading part;";
    let cases: [Case; 5] = [
        (&[], Some("that ITU play a leading par")),
        (&[("that", "that the best")], Some("that the best ITU play a leading par")),
        (&[("part;", "part to the end;")], Some("that ITU play a leading par")),
        // Changed on both sides: which t it was, nobody can tell.
        (&[("that", "that the best"), ("part;", "part to the end;")], None),
        // It may be the one that stood there, or one that was put where it stood.
        (&[("part;", "part;t;")], None),
    ];
    for (edits, stands_behind) in cases {
        let mut house = House::new();
        for (from, to) in edits {
            house.replace(0, 4, from, to);
        }
        let chosen = |words: &str, nth| {
            let text = "which?".to_owned();
            Command::Comment(NewComment {
                provision: house.provision(4),
                text,
                words: Some(words.to_owned()),
                occurrence: Some(nth),
                within: Some(then.to_owned()),
                ..NewComment::default()
            })
        };
        // What stands once then and now is told from nothing else.
        let (third, only, never) = (chosen("t", 3), chosen("leading", 1), chosen("t", 9));
        let said = house.act(&third, by(Role::Chair, None));
        assert_eq!(said.is_ok(), stands_behind.is_some(), "{edits:?}");
        if let Some(before) = stands_behind {
            assert_eq!((house.words().as_str(), house.before_marks()), ("t", before.to_owned()), "{edits:?}");
        }
        house.act(&only, by(Role::Chair, None)).unwrap();
        assert_eq!(house.act(&never, by(Role::Chair, None)), Err(Refusal::UnknownWords));
    }
}

#[test]
fn replies_and_resolving() {
    let mut house = House::new();
    house.comment(4, None).unwrap();
    house.comment(5, Some("roadmap")).unwrap();
    let reply = |text: &str| Command::Reply { comment: 1, reply: said(text, None) };
    house.act(&reply("because"), delegate("USA")).unwrap();
    house.act(&reply("noted"), by(Role::Chair, None)).unwrap();
    let listed = house.listed();
    let said: Vec<_> = listed[0].replies.iter().map(|one| (one.by.as_str(), one.text.as_str())).collect();
    assert_eq!(said, [("USA", "because"), ("chair", "noted")]);
    assert!(listed[0].words.is_empty() && listed[0].by == "CAN");

    let resolve = |comment, resolved| Command::Resolve { comment, resolved };
    assert_eq!(house.act(&resolve(2, true), delegate("USA")), Err(Refusal::NotYourComment(2)));
    assert_eq!(house.marked(), "roadmap");
    house.act(&resolve(2, true), delegate("CAN")).unwrap();
    assert_eq!(house.listed()[1].resolved.as_ref().unwrap().by, "CAN");
    assert_eq!(house.marked(), "", "what is resolved is not marked");
    let entries = house.entries.len();
    house.act(&resolve(2, true), delegate("CAN")).unwrap();
    assert_eq!(house.entries.len(), entries, "it is resolved already");
    house.act(&resolve(2, false), by(Role::Secretariat, None)).unwrap();
    assert!(house.listed()[1].resolved.is_none() && house.marked() == "roadmap");
}

fn said(text: &str, key: Option<&str>) -> NewReply {
    NewReply { text: text.to_owned(), key: key.map(str::to_owned) }
}

#[test]
fn what_is_sent_twice_with_a_key_is_said_once() {
    let mut house = House::new();
    let comment = |house: &House, key: &str| {
        let (provision, text) = (house.provision(4), "why?".to_owned());
        Command::Comment(NewComment { provision, text, key: Some(key.to_owned()), ..NewComment::default() })
    };
    let reply = |key: Option<&str>| Command::Reply { comment: 1, reply: said("because", key) };
    let (first, second) = (comment(&house, "k1"), comment(&house, "k2"));
    for _ in 0..2 {
        house.act(&first, delegate("CAN")).unwrap();
        house.act(&reply(Some("r1")), delegate("CAN")).unwrap();
    }
    let listed = house.listed();
    assert_eq!((listed.len(), listed[0].replies.len(), house.entries.len()), (1, 1, 2));
    assert_eq!((listed[0].key.as_deref(), listed[0].replies[0].key.as_deref()), (Some("k1"), Some("r1")));
    // A key is its author's own, and another one is another comment; without one, all is as it is said.
    for command in [first, second, reply(Some("r1")), reply(None), reply(None)] {
        house.act(&command, delegate("USA")).unwrap();
    }
    let listed = house.listed();
    assert_eq!((listed.len(), listed[0].replies.len()), (3, 4));
    for bad in ["", "a b", "é", &"k".repeat(65)] {
        let command = comment(&house, bad);
        assert_eq!(house.act(&command, delegate("CAN")), Err(Refusal::BadKey { limit: 64 }));
        let refused = house.act(&reply(Some(bad)), delegate("CAN"));
        assert_eq!(refused, Err(Refusal::BadKey { limit: 64 }));
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    let mut house = House::new();
    assert_eq!(house.comment(4, Some("nowhere")), Err(Refusal::UnknownWords));
    assert_eq!(house.comment(4, Some("")), Err(Refusal::UnknownWords));
    assert_eq!(house.comment(4, Some("t")), Err(Refusal::AmbiguousWords(3)));
    let third = |occurrence| {
        let (provision, text) = (house.provision(4), "x".to_owned());
        let words = Some("t".to_owned());
        Command::Comment(NewComment {
            provision,
            text,
            words,
            occurrence: Some(occurrence),
            ..NewComment::default()
        })
    };
    let (none, fourth, third) = (third(0), third(4), third(3));
    assert_eq!(house.act(&none, delegate("CAN")), Err(Refusal::UnknownWords));
    assert_eq!(house.act(&fourth, delegate("CAN")), Err(Refusal::UnknownWords));
    house.act(&third, delegate("CAN")).unwrap();
    house.replace(0, 4, "hat I", "");
    assert_eq!(house.words(), "t", "the third of them, not another one");
    house.replace(0, 4, " a lead", "");
    assert_eq!(house.words(), "t");
    house.replace(0, 4, "part", "");
    assert_eq!(house.words(), "-t CAN-");
    let mut house = House::new();
    let on = |text: &str| {
        let provision = house.provision(4);
        Command::Comment(NewComment { provision, text: text.to_owned(), ..NewComment::default() })
    };
    let (long, longest) = (on(&"é".repeat(4001)), on(&"é".repeat(4000)));
    let bad = [on(""), on(" \n "), on("\u{1b}[31mred"), long];
    let unknown = NewComment { provision: "7@ff".to_owned(), text: "x".to_owned(), ..NewComment::default() };
    for command in bad {
        assert_eq!(house.act(&command, delegate("CAN")), Err(Refusal::BadComment { limit: 4000 }));
    }
    let refused = house.act(&Command::Comment(unknown), delegate("CAN"));
    assert_eq!(refused, Err(Refusal::UnknownProvision("7@ff".to_owned())));
    let reply = Command::Reply { comment: 1, reply: said("x", None) };
    assert_eq!(house.act(&reply, delegate("CAN")), Err(Refusal::UnknownComment(1)));
    house.act(&longest, delegate("CAN")).unwrap();
    house.replace(0, 5, "roadmap", &"x".repeat(1001));
    let all = format!("to update the {};", "x".repeat(1001));
    assert_eq!(house.comment(5, Some(&all)), Err(Refusal::TooManyWords { limit: 1000 }));
    assert_eq!(house.listed().len(), 1);
}

#[test]
fn a_trail_holds_comments_and_nobody_elses() {
    let mut house = House::new();
    house.comment(4, Some("ITU")).unwrap();
    let trail = |entries: Vec<Entry>| {
        let change = |(change, owner): &(Change, DelegationCode)| Event::Change {
            change: change.hash().to_string(),
            received: Timestamp(0),
            account: "a".to_owned(),
            delegation: owner.clone(),
            raw: hex::encode(change.raw_bytes()),
        };
        let (id, _, heads) = &house.founding;
        let changes = house.log.iter().map(change).collect();
        Audit::new(*id, "T/1".to_owned(), Timestamp(0), heads, changes, entries)
    };
    let whole = trail(house.entries.clone());
    assert_eq!(whole.verify().unwrap().entries, 1);
    let then = whole.replay(&Moment::Now).unwrap();
    assert_eq!(round::comments(&then.floor(), &then.record()).comments, house.listed());
    let mut forged = house.entries.clone();
    forged[0].by.role = Some(Role::Observer);
    assert!(trail(forged).verify().unwrap_err().to_string().contains("may not comment"));
}
