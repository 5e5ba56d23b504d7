//! Comments through a real server and the real command: on words that are edited, struck, ruled on; after a kill;
//! offline; in the trail; told as they happen; and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use codraft_protocol::id::Role;
use codraft_tests::cli::{Said, Terminal};
use codraft_tests::scene::{House, sample};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

struct Meeting {
    house: House,
    chair: Terminal,
    pen: Terminal,
    guest: Terminal,
}

impl Meeting {
    fn new() -> Self {
        let house = House::new(&sample(), "CAN", "USA");
        let at = |token: &str| Terminal::new(house.dir.path(), &house.server, token);
        let (chair, guest) = (house.server.invite(Role::Chair), house.server.invite(Role::Observer));
        let (chair, guest, pen) = (at(&chair), at(&guest), at(&house.server.secretariat));
        Self { house, chair, pen, guest }
    }

    fn at(&self, terminal: &Terminal, args: &[&str]) -> Said {
        terminal.run(&[args, &["--document", &self.house.document]].concat())
    }

    fn can(&self, args: &[&str]) -> Said {
        self.house.first.1.run(args)
    }

    fn usa(&self, args: &[&str]) -> Said {
        self.house.second.1.run(args)
    }

    fn comments(&self) -> Vec<Value> {
        let listed = self.at(&self.guest, &["comments", "--all", "--json"]).json();
        listed["comments"].as_array().unwrap().clone()
    }
}

fn refused(said: &Said, words: &str) {
    assert!(said.code == 4 && said.err.contains(words), "{}: {}", said.code, said.err);
}

#[test]
fn a_comment_goes_with_its_words() {
    let mut meeting = Meeting::new();
    let (role, _, _) = sample().role;
    let made = meeting
        .can(&["comment", "add", "resolves 1", "too strong?", "--words", "leading role", "--json"])
        .json();
    assert_eq!(
        (&made["number"], &made["by"], &made["words"][0]["text"]),
        (&1.into(), &"CAN".into(), &"leading role".into())
    );
    assert!(made["at"].as_str().unwrap().ends_with('Z'));
    meeting.usa(&["comment", "reply", "1", "that is what was agreed"]).ok();
    meeting.at(&meeting.chair, &["comment", "add", "Resolves 1.", "time is short"]).ok();

    meeting.house.first.1.edit(role, &format!("firmly {role} always"));
    meeting.house.second.1.edit("leading ", "");
    meeting.house.sync(true);
    let first = &meeting.comments()[0];
    let words: Vec<_> =
        first["words"].as_array().unwrap().iter().map(|one| (&one["text"], &one["stands"])).collect();
    assert_eq!(words, [(&"leading ".into(), &false.into()), (&"role".into(), &true.into())]);
    assert_eq!(first["words"][0]["struck_by"], serde_json::json!(["USA"]));
    assert_eq!(first["replies"][0]["by"], "USA");
    let listed = meeting.can(&["comments"]).ok();
    assert!(listed.contains("“[-leading -]role”") && listed.contains("chair: time is short"), "{listed}");

    // Acknowledged is on the disk.
    let before = meeting.comments();
    meeting.usa(&["comment", "add", "resolves 2", "and this?"]).ok();
    meeting.house.server.kill();
    meeting.house.server.restart();
    let after = meeting.comments();
    assert_eq!((after.len(), &after[..2]), (3, &before[..]));

    // Offline, as the working copy knows them.
    meeting.house.sync(true);
    meeting.house.server.kill();
    let offline = meeting.usa(&["comments", "--all", "--json"]);
    assert!(offline.err.contains("offline"), "{}", offline.err);
    assert_eq!(offline.json()["comments"].as_array().unwrap(), &after);
    meeting.house.server.restart();

    // Who made it, the chair and the secretariat put it away.
    refused(&meeting.usa(&["comment", "resolve", "1"]), "only whoever made comment 1");
    meeting.can(&["comment", "resolve", "1"]).ok();
    assert!(!meeting.can(&["comments"]).ok().contains("too strong?"));
    meeting.at(&meeting.pen, &["comment", "reopen", "1"]).ok();
    assert!(meeting.can(&["comments"]).ok().contains("too strong?"));

    // The words fall with a ruling; the comment does not.
    meeting.at(&meeting.chair, &["round", "close"]).ok();
    meeting.at(&meeting.chair, &["rule", "reject", "USA/1"]).ok();
    let first = &meeting.comments()[0];
    assert_eq!(
        (&first["words"][0]["text"], &first["words"][0]["stands"]),
        (&"leading role".into(), &true.into())
    );

    // All of it stands in the trail, which proves itself.
    let trail = meeting.house.dir.path().join("trail.json");
    let trail = trail.to_str().unwrap();
    meeting.at(&meeting.chair, &["audit", "export", trail]).ok();
    let verified = meeting.chair.run(&["audit", "verify", trail, "--json"]).json();
    assert!(verified["entries"].as_u64().unwrap() >= 7, "{verified}");
    let written = std::fs::read_to_string(trail).unwrap();
    assert!(written.contains("too strong?") && written.contains("that is what was agreed"));
    std::fs::write(trail, written.replace("too strong?", "well done")).unwrap();
    let said = meeting.chair.run(&["audit", "verify", trail]);
    assert!(said.code != 0 && said.err.contains("hash"), "{}", said.err);
}

#[test]
fn what_cannot_be_said_is_refused_in_words_that_help() {
    let meeting = Meeting::new();
    let add =
        |text: &str, more: &[&str]| meeting.can(&[&["comment", "add", "resolves 1", text], more].concat());
    refused(&add("x", &["--words", "nowhere to be found"]), "choose them again");
    refused(&add("x", &["--words", "e"]), "--occurrence");
    add("x", &["--words", "e", "--occurrence", "2"]).ok();
    for text in [" ", "\u{1b}[2J", &"x".repeat(4001)] {
        let said = add(text, &[]);
        assert!(said.code == 7 && said.err.contains("1 to 4000 characters"), "{}: {}", said.code, said.err);
    }
    let nowhere = meeting.can(&["comment", "add", "resolves 77", "x"]);
    assert!(nowhere.code == 6 && nowhere.err.contains("'resolves 1'"), "{}", nowhere.err);
    let unknown = meeting.can(&["comment", "reply", "9", "x"]);
    assert!(unknown.code == 6 && unknown.err.contains("codraft comments"), "{}", unknown.err);
    let guest = meeting.at(&meeting.guest, &["comment", "add", "resolves 1", "x"]);
    assert!(guest.code == 5 && guest.err.contains("may not comment"), "{}", guest.err);
    assert_eq!(meeting.comments().len(), 1);
}

#[test]
fn everybody_is_told_and_a_private_draft_keeps_its_own() {
    let meeting = Meeting::new();
    let House { server, document, first, .. } = &meeting.house;
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let head = format!(
        "GET /api/v1/documents/{document}/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
        meeting.house.second.0.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.find(|line| line.contains("text/event-stream")).unwrap();
    meeting.can(&["comment", "add", "resolves 1", "told"]).ok();
    meeting.can(&["comment", "resolve", "1"]).ok();
    for what in ["commented", "resolved"] {
        lines.find(|line| line == "event: comments").unwrap();
        let data: Value = serde_json::from_str(lines.next().unwrap().trim_start_matches("data: ")).unwrap();
        assert_eq!((&data["comment"], &data["what"]), (&1.into(), &what.into()));
    }
    let draft = meeting.can(&["draft", "begin"]).ok().trim().to_owned();
    first.1.run(&["comment", "add", "resolves 1", "our line is 3", "--document", &draft]).ok();
    let theirs = meeting.usa(&["comments", "--document", &draft]);
    assert!(theirs.code == 6 && !theirs.out.contains("our line"), "{}", theirs.err);
    assert_eq!(meeting.comments().len(), 1, "a draft's comments stay in the draft");
}
