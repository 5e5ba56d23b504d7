//! Rounds, rulings and sponsors through a real server and the real command: the field's scenarios 2 to 6, late
//! laptops, private drafts, the audit trail, and what is refused. On the sample, and on the corpus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use codraft_protocol::api::Overview;
use codraft_protocol::id::Role;
use codraft_tests::cli::{Said, Terminal};
use codraft_tests::scene::{Base, House, bases, said, sample, sponsors};
use serde_json::Value;
use std::cell::RefCell;

/// A house with its chair and its secretariat at terminals of their own.
struct Meeting {
    house: House,
    chair: Terminal,
    pen: Terminal,
    /// What a page would show that has followed from the start.
    shown: RefCell<Option<Overview>>,
}

impl Meeting {
    fn new(base: &Base, first: &str, second: &str) -> Self {
        let house = House::new(base, first, second);
        let chair = house.server.invite(Role::Chair);
        let chair = Terminal::new(house.dir.path(), &house.server, &chair);
        let pen = Terminal::new(house.dir.path(), &house.server, &house.server.secretariat);
        Self { house, chair, pen, shown: RefCell::default() }
    }

    fn at(&self, terminal: &Terminal, args: &[&str]) -> Said {
        terminal.run(&[args, &["--document", &self.house.document]].concat())
    }

    fn chair(&self, args: &[&str]) -> Said {
        self.at(&self.chair, args)
    }

    fn pen(&self, args: &[&str]) -> Said {
        self.at(&self.pen, args)
    }

    fn proposals(&self) -> Vec<Value> {
        self.follow();
        let listed = self.pen(&["proposals", "--json"]).json();
        listed["proposals"].as_array().unwrap().clone()
    }

    /// What has changed since it was last looked at makes, of what was shown then, what is shown to a newcomer, and that
    /// is what each part of the API says.
    fn follow(&self) {
        let (api, id) = (self.house.server.pen(), &self.house.document);
        let before = self.shown.take();
        let since = before.as_ref().map(|shown| shown.edition.clone());
        let said = api.overview(id, since.as_deref()).unwrap();
        // Where the server was started again, it is all said anew.
        let opening = |edition: &str| edition.split('-').next().map(str::to_owned);
        let known = since.filter(|since| opening(since) == opening(&said.edition));
        assert_eq!(said.since, known);
        let shown = said.after(before).unwrap();
        assert_eq!(shown, api.overview(id, None).unwrap());
        assert_eq!(shown.proposals.items, api.proposals(id).unwrap().proposals);
        let attribution = api.attribution(id).unwrap();
        assert_eq!(shown.provisions.items, attribution.provisions);
        assert_eq!((&shown.heads, &shown.roster), (&attribution.heads, &attribution.roster));
        assert_eq!(shown.document.heads, api.document(id).unwrap().heads);
        self.shown.replace(Some(shown));
    }

    /// The proposal of these sponsors.
    fn of(&self, codes: &[&str]) -> Value {
        let found = self.proposals().into_iter().find(|one| sponsors(one) == codes);
        found.unwrap_or_else(|| panic!("nothing of {codes:?} in {:#?}", self.proposals()))
    }

    fn numbered(&self, number: &str) -> Value {
        let found = self.proposals().into_iter().find(|one| one["number"] == number);
        found.unwrap_or_else(|| panic!("no {number} in {:#?}", self.proposals()))
    }

    fn live(&self) -> String {
        self.house.server.text(&self.house.document)
    }

    fn revision(&self, number: &str) -> String {
        self.pen(&["round", "revision", number]).ok()
    }
}

#[test]
fn scenario_2_the_doubled_words_stand_once() {
    for base in bases() {
        let meeting = Meeting::new(&base, "USA", "CAN");
        let (usa, can) = (&meeting.house.first.1, &meeting.house.second.1);
        usa.edit(base.date.0, base.date.1);
        usa.run(&["sync"]).ok();
        // Canada has made the same change offline, and syncs later.
        can.edit(base.date.0, base.date.1);
        meeting.house.sync(true);
        let one = meeting.of(&["CAN", "USA"]);
        assert_eq!(meeting.proposals().len(), 1);
        meeting.chair(&["round", "close"]).ok();
        meeting.house.sync(true);
        let wanted = base.text.replacen(base.date.0, base.date.1, 1);
        assert_eq!(meeting.live(), wanted, "the words stand once");
        assert_eq!(usa.file(), wanted);
        // Both provenances are kept.
        let attribution = meeting.house.server.pen().attribution(&meeting.house.document).unwrap();
        let runs = attribution.provisions.iter().flat_map(|provision| &provision.runs);
        let both: Vec<_> = runs.filter(|run| !run.also_by.is_empty()).collect();
        assert!(!both.is_empty() && both.iter().all(|run| run.inserted_by.as_str() == "CAN"));
        // One of them withdraws: the other still stands behind it, and the words stay.
        let number = one["number"].as_str().unwrap();
        let left = meeting.at(usa, &["withdraw", number, "--json"]).json();
        assert_eq!(sponsors(&left), ["CAN"]);
        assert_eq!(meeting.live(), wanted);
        // The last one does: it falls, and the text is as it was.
        assert!(meeting.at(can, &["withdraw", number]).ok().contains("has fallen"));
        assert_eq!(meeting.live(), base.text);
        assert_eq!(meeting.numbered(number)["status"], "withdrawn");
        let said = meeting.chair(&["rule", "adopt", number]);
        assert!(said.code == 4 && said.err.contains("has been withdrawn"), "{}", said.err);
    }
}

#[test]
fn scenario_3_bracketed_alternatives_whichever_syncs_first() {
    for base in bases() {
        let mut seen = Vec::new();
        for first_first in [true, false] {
            let meeting = Meeting::new(&base, "USA", "X");
            meeting.house.first.1.edit(base.role.0, base.role.1);
            meeting.house.second.1.edit(base.role.0, base.role.2);
            meeting.house.sync(first_first);
            let found = meeting.pen(&["collisions", "--json"]).json();
            let collision = &found["collisions"][0];
            let bracketed = collision["bracketed"].as_str().unwrap();
            assert!(bracketed.starts_with("[USA: ") && bracketed.contains("] [X: "), "{bracketed}");
            assert_eq!(collision["alternatives"].as_array().unwrap().len(), 2);
            // The merge is what X wrote: USA's strike lies within X's.
            assert_eq!(found["unwritten"], serde_json::json!([]));
            meeting.chair(&["round", "close"]).ok();
            let said = meeting.chair(&["rule", "adopt", "USA/1", "X/1"]);
            assert!(said.code == 4 && said.err.contains("collide"), "{}", said.err);
            let preview = meeting.pen(&["preview", "X/1", "--json"]).json();
            assert_eq!(preview["text"], base.text.replacen(base.role.0, base.role.2, 1));
            meeting.chair(&["rule", "bracket", "USA/1", "X/1", "--reason", "to be settled"]).ok();
            assert_eq!(meeting.revision("0"), base.text);
            let listed = meeting.pen(&["consolidate", "--format", "csv"]).ok();
            assert!(listed.contains("\"USA/1\"") && listed.contains("\"bracketed\""), "{listed}");
            let nameless = meeting.pen(&["consolidate", "--no-names"]).ok();
            assert!(!nameless.contains("USA") && nameless.contains("collides with"), "{nameless}");
            seen.push((found, meeting.live(), meeting.pen(&["show", "--view", "marked"]).ok()));
        }
        assert_eq!(seen[0].1, seen[1].1, "the same bytes whoever syncs first");
        assert_eq!(seen[0].2, seen[1].2);
        assert_eq!(seen[0].0["collisions"][0]["bracketed"], seen[1].0["collisions"][0]["bracketed"]);
    }
}

#[test]
fn a_sentence_that_nobody_wrote_is_found() {
    let base = sample();
    let meeting = Meeting::new(&base, "USA", "X");
    meeting.house.first.1.edit("play a leading role", "play a modest role");
    meeting.house.second.1.edit("accessible to all", "affordable to all");
    meeting.house.sync(true);
    let found = meeting.pen(&["collisions", "--json"]).json();
    let unwritten = found["unwritten"].as_array().unwrap();
    assert_eq!(unwritten.len(), 1, "{found:#}");
    let text = unwritten[0]["text"].as_str().unwrap();
    assert!(text.contains("modest") && text.contains("affordable"), "{text}");
    let versions: Vec<_> = unwritten[0]["versions"].as_array().unwrap().iter().collect();
    assert_eq!(versions.len(), 3, "the agreed text, USA's and X's");
    assert!(versions[0]["sponsors"].as_array().unwrap().is_empty());
    let listed = meeting.pen(&["collisions"]).ok();
    assert!(listed.contains("nobody wrote this sentence"), "{listed}");
}

#[test]
fn scenario_4_a_suppression_against_an_edit() {
    for base in bases() {
        let meeting = Meeting::new(&base, "USA", "CAN");
        let (line, from, to) = base.suppressed;
        let without: String = base.text.split_inclusive('\n').filter(|one| !one.starts_with(line)).collect();
        meeting.house.first.1.write(&without);
        let edited: String = base
            .text
            .split_inclusive('\n')
            .map(|one| if one.starts_with(line) { one.replace(from, to) } else { one.to_owned() })
            .collect();
        meeting.house.second.1.write(&edited);
        meeting.house.sync(true);
        meeting.chair(&["round", "close"]).ok();
        let (sup, edit) = (meeting.of(&["USA"]), meeting.of(&["CAN"]));
        assert_eq!((sup["mark"].as_str(), edit["mark"].as_str()), (Some("SUP"), Some("MOD")));
        // The suppression is adopted: Canada's words are kept and shown, and cannot slip into the text.
        meeting.chair(&["rule", "adopt", "USA/1"]).ok();
        let edit = meeting.numbered("CAN/1");
        assert_eq!(edit["gone"], true);
        assert!(!said(&edit, "inserted").is_empty());
        let refused = meeting.chair(&["rule", "adopt", "CAN/1"]);
        assert!(refused.code == 4 && refused.err.contains("no longer stands"), "{}", refused.err);
        // The chair thinks again: a new ruling, not an undoing.
        let again = meeting.chair(&["rule", "reject", "USA/1"]);
        assert!(again.code == 4 && again.err.contains("--revisit"), "{}", again.err);
        meeting.chair(&["rule", "reject", "USA/1", "--revisit", "--reason", "on reflection"]).ok();
        meeting.chair(&["rule", "adopt", "CAN/1"]).ok();
        meeting.pen(&["round", "conclude"]).ok();
        assert_eq!(meeting.revision("1"), edited);
        assert_eq!(meeting.live(), edited);
        meeting.house.sync(false);
        assert_eq!(meeting.house.first.1.file(), edited);
        let rulings = meeting.pen(&["rulings", "--json"]).json();
        let decisions: Vec<_> =
            rulings["rulings"].as_array().unwrap().iter().map(|r| r["decision"].as_str().unwrap()).collect();
        assert_eq!(decisions, ["adopt", "reject", "adopt"], "none is ever erased");
    }
}

#[test]
fn scenario_5_two_additions_get_their_numbers() {
    const SUMMIT: &str = "12\tto engage actively in the preparatory process of the Summit of the Future;\n";
    const REVIEW: &str = "12\tto engage actively in the preparatory process of the overall review;\n";
    for base in bases() {
        let meeting = Meeting::new(&base, "USA", "CAN");
        meeting.house.first.1.edit(base.after, &format!("{}{SUMMIT}", base.after));
        meeting.house.second.1.edit(base.after, &format!("{}{REVIEW}", base.after));
        meeting.house.sync(false);
        let names: Vec<_> = meeting.proposals().iter().map(|one| one["provisional"].clone()).collect();
        assert_eq!(names.len(), 2);
        let name = |n: usize| names[n].as_str().unwrap_or_default().to_owned();
        assert!(name(0).ends_with("bis") && name(1).ends_with("ter"), "{names:?}");
        meeting.chair(&["round", "close"]).ok();
        let refused = meeting.chair(&["rule", "--consensual"]);
        assert!(refused.code == 4 && refused.err.contains("nothing to rule on"), "{refused:?}");
        let numbers: Vec<String> =
            meeting.proposals().iter().map(|one| one["number"].as_str().unwrap().to_owned()).collect();
        for number in &numbers {
            meeting.chair(&["rule", "adopt", number]).ok();
        }
        meeting.pen(&["round", "conclude"]).ok();
        meeting.pen(&["renumber"]).ok();
        meeting.house.sync(true);
        let text = meeting.house.first.1.file();
        let numbered: Vec<u32> = text
            .lines()
            .filter(|line| line.contains("to engage actively in the preparatory process"))
            .map(|line| line.split('\t').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbered[1], numbered[0] + 1, "one behind the other: {numbered:?}");
        // Whose they are stays.
        let attribution = meeting.house.server.pen().attribution(&meeting.house.document).unwrap();
        for (code, words) in
            [("USA", "process of the Summit of the Future"), ("CAN", "process of the overall review")]
        {
            let found =
                attribution.provisions.iter().find(|p| p.runs.iter().any(|run| run.text.contains(words)));
            assert_eq!(found.unwrap().inserted_by.as_str(), code);
        }
        assert!(meeting.proposals().iter().all(|one| one["status"] == "agreed"));
    }
}

#[test]
fn scenario_6_a_round_and_the_next() {
    for base in bases() {
        let meeting = Meeting::new(&base, "USA", "X");
        let (usa, x) = (&meeting.house.first.1, &meeting.house.second.1);
        let dated = base.text.replacen(base.date.0, base.date.1, 1);
        usa.write(&dated.replacen(base.role.0, base.role.1, 1));
        x.edit(base.role.0, base.role.2);
        meeting.house.sync(true);
        // A laptop is closed before the round is, and opened two rounds later.
        let (line, from, to) = base.suppressed;
        let laptop =
            Terminal::new(meeting.house.dir.path(), &meeting.house.server, &meeting.house.second.0.token)
                .cloned(&meeting.house.document, "laptop");
        let late: String = laptop
            .file()
            .split_inclusive('\n')
            .map(|one| if one.starts_with(line) { one.replace(from, to) } else { one.to_owned() })
            .collect();
        laptop.write(&late);
        meeting.pen(&["round", "deadline", "3d"]).ok();
        meeting.at(usa, &["reason", "USA/1", "to name the newest Conference"]).ok();
        meeting.chair(&["round", "close"]).ok();
        laptop.run(&["sync"]).ok();
        let found = meeting.proposals();
        let late_one = found.iter().find(|one| one["status"] == "late").expect("kept as late");
        assert_eq!((sponsors(late_one), late_one["late"].as_bool()), (vec!["X"], Some(true)));
        let number_of = |mark: &dyn Fn(&Value) -> bool| {
            found.iter().find(|one| mark(one)).unwrap()["number"].as_str().unwrap().to_owned()
        };
        let date = number_of(&|one| {
            base.date.1.contains(&said(one, "inserted")) && !said(one, "inserted").is_empty()
        });
        let late_number = late_one["number"].as_str().unwrap().to_owned();
        let refused = meeting.chair(&["rule", "adopt", &late_number]);
        assert!(refused.code == 4 && refused.err.contains("next round"), "{}", refused.err);
        meeting.chair(&["rule", "adopt", &date, "--reason", "agreed in the group"]).ok();
        // Two screens at once: one wins, the other one is told.
        let second_screen = meeting.chair(&["rule", "reject", &date]);
        assert!(
            second_screen.code == 4 && second_screen.err.contains("ruled on already"),
            "{}",
            second_screen.err
        );
        meeting.pen(&["round", "conclude"]).ok();
        assert_eq!(meeting.revision("1"), dated, "the dates alone; nothing late slipped in");
        assert_eq!(meeting.revision("0"), base.text, "byte for byte");
        let refused = meeting.chair(&["rule", "adopt", &late_number]);
        assert!(refused.code == 4 && refused.err.contains("concluded"), "{}", refused.err);
        // What was left open is carried over: still attributed, measured against the new text.
        meeting.pen(&["round", "open"]).ok();
        let left: Vec<Value> =
            meeting.proposals().into_iter().filter(|one| one["status"] == "tabled").collect();
        assert_eq!(left.len(), 3, "{left:#?}");
        assert!(left.iter().all(|one| one["history"].to_string().contains("carried-over")));
        assert_eq!(meeting.numbered(&late_number)["late"], true);
        meeting.house.sync(true);
        assert_eq!(usa.run(&["show", "--view", "baseline"]).ok(), dated);
        // The second round.
        meeting.chair(&["round", "close"]).ok();
        meeting.chair(&["rule", "adopt", "X/1", &late_number]).ok();
        let fallen = meeting.pen(&["rulings", "--json"]).json();
        let fallen: Vec<&Value> =
            fallen["rulings"].as_array().unwrap().iter().filter(|one| !one["fell_with"].is_null()).collect();
        meeting.pen(&["round", "conclude"]).ok();
        let second = meeting.revision("2");
        assert!(second.contains(base.role.2) || !fallen.is_empty(), "{second}");
        assert!(second.contains(to));
        // The laptop of the first round still merges.
        laptop.run(&["sync"]).ok();
        assert_eq!(laptop.file(), meeting.live());

        // The trail proves itself, and tells of any change made to it.
        let trail = meeting.house.dir.path().join("trail.json");
        meeting.pen(&["audit", "export", trail.to_str().unwrap()]).ok();
        let verified = meeting.pen.run(&["audit", "verify", trail.to_str().unwrap(), "--json"]).json();
        assert_eq!(verified["revisions"], 2);
        let whole = std::fs::read_to_string(&trail).unwrap();
        let forged = whole.replacen("agreed in the group", "agreed in the hall ", 1);
        assert_ne!(forged, whole);
        std::fs::write(&trail, forged).unwrap();
        let told = meeting.pen.run(&["audit", "verify", trail.to_str().unwrap()]);
        assert!(told.code == 4 && told.err.contains("does not fit the one before it"), "{}", told.err);
        std::fs::write(&trail, whole).unwrap();
        let replayed = meeting.pen.run(&["replay", "--file", trail.to_str().unwrap()]).ok();
        assert_eq!(replayed, meeting.live());
        let first =
            meeting.pen(&["round", "--json"]).json()["rounds"][0]["closed"].as_str().unwrap().to_owned();
        let then = meeting.pen(&["replay", "--at", &first, "--json"]).json();
        assert!(then["text"].as_str().unwrap().contains(base.date.1));
        // After a restart it is all there.
        let before = meeting.proposals();
        let mut meeting = meeting;
        meeting.house.server.kill();
        meeting.house.server.restart();
        assert_eq!(meeting.proposals(), before);
    }
}

/// A private draft of the first delegation, and its folder.
fn begun(meeting: &Meeting) -> (String, Terminal) {
    let can = &meeting.house.first;
    let draft = meeting.at(&can.1, &["draft", "begin"]).ok().trim().to_owned();
    let all = Terminal::new(meeting.house.dir.path(), &meeting.house.server, &can.0.token);
    let folder = all.cloned(&draft, "ours");
    (draft, folder)
}

#[test]
fn private_drafts_stay_private_until_they_are_tabled() {
    let base = sample();
    let meeting = Meeting::new(&base, "CAN", "USA");
    let usa = &meeting.house.second;
    let (draft, folder) = begun(&meeting);
    folder.edit(base.role.0, "play a first, clumsy role");
    folder.run(&["sync"]).ok();
    folder.edit("play a first, clumsy role", base.role.2);
    folder.run(&["sync"]).ok();
    let own = folder.run(&["proposals", "--json"]).json();
    assert_eq!(own["proposals"][0]["status"], "draft");
    // Nobody else sees it: not the other delegation, not the secretariat, not the chair.
    for other in [&usa.1, &meeting.pen, &meeting.chair] {
        let told = other.run(&["show", "--document", &draft]);
        assert!(told.code == 6 && told.err.contains("there is no document"), "{}", told.err);
        let listed = other.run(&["documents", "--json"]).json().to_string();
        assert!(!listed.contains(&draft));
    }
    assert!(meeting.proposals().is_empty());
    let told = usa.1.run(&["draft", "table", &draft]);
    assert_eq!(told.code, 6, "{}", told.err);
    folder.run(&["draft", "table"]).ok();
    let tabled = meeting.of(&["CAN"]);
    assert_eq!(meeting.proposals().len(), 1);
    assert_eq!(meeting.live(), base.text.replacen(base.role.0, base.role.2, 1));
    // The keystrokes that led there are not in the common document.
    let trail = meeting.pen(&["replay", "--json"]).json();
    assert_eq!(trail["changes"], 2);
    assert!(!tabled.to_string().contains("clumsy"));
    let again = folder.run(&["draft", "table"]);
    assert!(again.code == 4 && again.err.contains("already"), "{}", again.err);
}

/// Two devices of one delegation, or one that has heard no answer and asks again.
#[test]
fn a_draft_that_is_tabled_many_times_at_once_is_tabled_once() {
    let base = sample();
    let meeting = Meeting::new(&base, "CAN", "USA");
    let (server, can) = (&meeting.house.server, &meeting.house.first);
    let (draft, folder) = begun(&meeting);
    folder.edit(base.role.0, base.role.2);
    folder.run(&["sync"]).ok();
    let tabled = std::thread::scope(|scope| {
        let table = || server.api(&can.0.token).table_draft(&draft).is_ok();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(table)).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|tabled| *tabled).count()
    });
    assert_eq!(tabled, 1);
    assert_eq!(meeting.live(), base.text.replacen(base.role.0, base.role.2, 1));
    // What is written in it now could never be tabled: it is refused.
    folder.edit(base.role.2, base.role.0);
    let said = folder.run(&["sync"]);
    assert!(said.code != 0 && said.err.contains("this draft was tabled"), "{} {}", said.code, said.err);
}

#[test]
fn what_may_not_be_decided_is_refused_in_words() {
    let base = sample();
    let meeting = Meeting::new(&base, "CAN", "USA");
    let (can, usa) = (&meeting.house.first.1, &meeting.house.second.1);
    can.edit(base.role.0, base.role.2);
    meeting.house.sync(true);
    let number = meeting.of(&["CAN"])["number"].as_str().unwrap().to_owned();
    let refused = |said: Said, code: i32, words: &str| {
        assert!(said.code == code && said.err.contains(words), "{} {}", said.code, said.err);
    };
    // By the role.
    for terminal in [can, &meeting.pen] {
        refused(meeting.at(terminal, &["rule", "adopt", &number]), 5, "may not rule");
    }
    refused(meeting.chair(&["round", "open"]), 5, "may not open");
    refused(meeting.chair(&["sponsor", &number]), 5, "may not sponsor");
    // By the state of the round.
    refused(meeting.chair(&["rule", "adopt", &number]), 4, "still open for edits");
    refused(meeting.pen(&["round", "conclude"]), 4, "still open");
    refused(meeting.pen(&["round", "open"]), 4, "open already");
    refused(meeting.pen(&["round", "deadline", "2001-01-01T00:00:00Z"]), 7, "in the past");
    // By what there is.
    refused(meeting.at(usa, &["sponsor", "CAN/99"]), 6, "no proposal");
    refused(meeting.at(can, &["sponsor", &number]), 4, "already");
    refused(meeting.at(usa, &["withdraw", &number]), 4, "does not stand behind");
    refused(meeting.at(usa, &["reason", &number, "because"]), 4, "does not stand behind");
    meeting.at(usa, &["sponsor", &number]).ok();
    assert_eq!(sponsors(&meeting.numbered(&number)), ["CAN", "USA"]);
    // The author withdraws; who joined carries it on.
    meeting.at(can, &["withdraw", &number]).ok();
    assert_eq!(sponsors(&meeting.numbered(&number)), ["USA"]);
    meeting.pen(&["round", "close"]).ok();
    refused(meeting.pen(&["round", "close"]), 4, "closed for edits");
    refused(meeting.chair(&["rule", "adopt", &number, "--segments", "99"]), 7, "no such segment");
    refused(meeting.chair(&["rule", "reject", &number, "--segments", "1"]), 7, "whole proposal");
    refused(meeting.chair(&["rule", "adopt", &number, &number]), 7, "named twice");
    refused(meeting.chair(&["preview", "CAN/77"]), 6, "no proposal");
    refused(meeting.pen(&["move", "nonsense"]), 6, "no provision");
    // One segment: the strike alone; the rest stays proposed.
    let segments = meeting.numbered(&number)["segments"].as_array().unwrap().clone();
    let strike = segments.iter().position(|one| one["kind"] == "struck").unwrap().to_string();
    meeting.chair(&["rule", "adopt", &number, "--segments", &strike]).ok();
    let rest = meeting.numbered(&number);
    assert_eq!((rest["status"].as_str(), said(&rest, "struck").as_str()), (Some("tabled"), ""));
    assert!(!said(&rest, "inserted").is_empty());
    meeting.chair(&["rule", "reject", &number, "--revisit"]).ok();
    refused(meeting.chair(&["preview", &number]), 4, "nothing left in it");
    meeting.pen(&["round", "conclude"]).ok();
    assert_eq!(meeting.revision("1"), base.text, "the new ruling is on all of it");
    assert_eq!(meeting.live(), base.text);
}
