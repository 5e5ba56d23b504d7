//! What the field's scenarios begin with: a resolution, a server, two delegations with a working copy each.

use crate::cli::Terminal;
use crate::corpus;
use crate::server::{Delegate, Server};
use codraft_protocol::resolution::SAMPLE;
use serde_json::Value;
use std::path::Path;

/// A resolution, and the words in it that the scenarios are about. Each `from` stands in it once.
#[derive(Clone, Debug)]
pub struct Base {
    /// The text.
    pub text: String,
    /// Scenario 2: a date, and the new one.
    pub date: (&'static str, &'static str),
    /// Scenario 3: words, USA's version, X's version.
    pub role: (&'static str, &'static str, &'static str),
    /// Scenario 4: a line's number, a word in it, its new wording.
    pub suppressed: (&'static str, &'static str, &'static str),
    /// Scenario 5: the end of the line after which two paragraphs are added.
    pub after: &'static str,
}

/// On the project's own sample.
pub fn sample() -> Base {
    Base {
        text: SAMPLE.to_owned(),
        // A no-break space stands before the number.
        date: ("\u{a0}36 (Rev. Geneva, 2020) on", "\u{a0}36 (Rev. Bucharest, 2022) on"),
        role: ("play a leading role", "play a role", "play a coordinating part"),
        suppressed: ("2\tto report annually", "annually", "every two years"),
        after: "to draw the attention of the Conference of 2026 to this resolution,\n",
    }
}

/// The sample, and the corpus where it is.
pub fn bases() -> Vec<Base> {
    let corpus = corpus::read("resolution-1332-2019.txt").map(|text| Base {
        text,
        date: (
            "a)\tResolution\u{a0}140 (Rev.\u{a0}Dubai, 2018)",
            "a)\tResolution\u{a0}140 (Rev.\u{a0}Bucharest, 2022)",
        ),
        role: ("a leading facilitating role", "a facilitating role", "a coordinating role"),
        suppressed: ("4\tto update the draft roadmap", "Council 2018", "Council 2023"),
        after: "to invite the ITU Membership to make voluntary contributions;\n",
    });
    [Some(sample()), corpus].into_iter().flatten().collect()
}

/// Two delegations with a working copy each.
#[derive(Debug)]
pub struct House {
    /// The server.
    pub server: Server,
    /// The document.
    pub document: String,
    /// The folder that both work in.
    pub dir: tempfile::TempDir,
    /// One delegation.
    pub first: (Delegate, Terminal),
    /// The other one.
    pub second: (Delegate, Terminal),
}

impl House {
    /// A new server with this text, cloned by two delegations.
    ///
    /// # Panics
    /// Where anything of that fails, like all of these.
    pub fn new(base: &Base, first: &str, second: &str) -> Self {
        let server = Server::start();
        let document = server.import(&base.text);
        let dir = tempfile::tempdir().unwrap();
        let copy = |code: &str, folder: &Path| {
            let delegate = server.delegation(code);
            let terminal = Terminal::new(folder, &server, &delegate.token).cloned(&document, code);
            (delegate, terminal)
        };
        let (first, second) = (copy(first, dir.path()), copy(second, dir.path()));
        Self { document, dir, first, second, server }
    }

    /// Both sync, in this order, until both have everything.
    ///
    /// # Panics
    /// Where they do not come to the same text.
    pub fn sync(&self, first_first: bool) {
        let (a, b) = if first_first { (&self.first, &self.second) } else { (&self.second, &self.first) };
        // The server writes, too, once nobody has for a moment: then there is something more to fetch.
        for _ in 0..10 {
            for terminal in [&a.1, &b.1, &a.1] {
                terminal.run(&["sync"]).ok();
            }
            if a.1.file() == b.1.file() && a.1.file() == self.server.text(&self.document) {
                return;
            }
        }
        panic!("they do not come to the same text: {}\n{}", a.1.file(), b.1.file());
    }

    /// The proposals: the same from the server and from both copies, but for what is put on record in between.
    ///
    /// # Panics
    /// Where they differ.
    pub fn proposals(&self) -> Vec<Value> {
        let listed = self.first.1.run(&["proposals", "--json"]).json();
        for terminal in [&self.first.1, &self.second.1] {
            let offline = terminal.run(&["proposals", "--json", "--offline"]).json();
            assert_eq!(unnumbered(offline), unnumbered(listed.clone()));
        }
        listed["proposals"].as_array().unwrap().clone()
    }

    /// The marked text.
    ///
    /// # Panics
    /// Where it is not to be had.
    pub fn marked(&self) -> String {
        self.first.1.run(&["show", "--view", "marked"]).ok()
    }
}

/// A proposal's sponsors.
///
/// # Panics
/// Where it is none.
pub fn sponsors(proposal: &Value) -> Vec<&str> {
    proposal["sponsors"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect()
}

/// A proposal's words of a kind.
///
/// # Panics
/// Where it is none.
pub fn said(proposal: &Value, kind: &str) -> String {
    let segments = proposal["segments"].as_array().unwrap().iter();
    let of_kind = segments.filter(|s| s["kind"] == kind && s["field"] == "text");
    of_kind.map(|s| s["text"].as_str().unwrap()).collect()
}

/// A listing without what the server puts on record between a sync and a listing.
///
/// # Panics
/// Where it is none.
pub fn unnumbered(mut listing: Value) -> Value {
    for proposal in listing["proposals"].as_array_mut().unwrap() {
        let proposal = proposal.as_object_mut().unwrap();
        for field in ["number", "round", "history"] {
            proposal.remove(field);
        }
    }
    listing
}
