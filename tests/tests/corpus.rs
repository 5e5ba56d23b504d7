//! The corpus, from end to end: two delegations turn the resolution of 2019 into that of 2023 through a real
//! server, one of them offline for half of its edits while the server is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use codraft_tests::cli::Terminal;
use codraft_tests::corpus;
use codraft_tests::scene::unnumbered;
use codraft_tests::server::Server;
use serde_json::Value;
use std::collections::BTreeSet;

/// One line of the new text that differs from the old one: how to make the old text into a text with it.
#[derive(Clone, Debug)]
struct Edit {
    /// Lines of the old text that it replaces: `start..end`.
    start: usize,
    end: usize,
    lines: Vec<String>,
}

/// The edits that turn the old text into the new one. Unchanged lines lie between them.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    // The longest common subsequence of lines, backwards.
    let mut table = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            table[i][j] =
                if old[i] == new[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut edits) = (0, 0, Vec::<Edit>::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (start, from) = (i, j);
        while i < old.len() || j < new.len() {
            if i < old.len() && j < new.len() && old[i] == new[j] {
                break;
            }
            if j == new.len() || (i < old.len() && table[i + 1][j] >= table[i][j + 1]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        let lines: Vec<String> = new[from..j].iter().map(|l| (*l).to_owned()).collect();
        if lines.len() == i - start {
            // Line by line.
            edits.extend(lines.into_iter().enumerate().map(|(n, line)| Edit {
                start: start + n,
                end: start + n + 1,
                lines: vec![line],
            }));
        } else {
            edits.push(Edit { start, end: i, lines });
        }
    }
    edits
}

/// The old text with some of the edits.
fn with<'a>(old: &[&str], edits: impl IntoIterator<Item = &'a Edit>) -> String {
    let mut lines: Vec<String> = old.iter().map(|line| (*line).to_owned()).collect();
    let mut edits: Vec<_> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.start);
    for edit in edits.into_iter().rev() {
        lines.splice(edit.start..edit.end, edit.lines.iter().cloned());
    }
    lines.join("\n")
}

/// A critic file's line as (mark, words): `+`, `-` or ` `.
fn marks(line: &str) -> Vec<(char, String)> {
    let (mut out, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        let (mark, words, after) = if let Some(body) = rest.strip_prefix("{++") {
            let (words, after) = body.split_once("++}").expect("closed");
            ('+', words, after)
        } else if let Some(body) = rest.strip_prefix("{--") {
            let (words, after) = body.split_once("--}").expect("closed");
            ('-', words, after)
        } else {
            let end = rest.find("{++").into_iter().chain(rest.find("{--")).min().unwrap_or(rest.len());
            (' ', &rest[..end], &rest[end..])
        };
        out.push((mark, words.to_owned()));
        rest = after;
    }
    out
}

/// A proposal's segments in the same form.
fn segments(proposal: &Value) -> Vec<(char, String)> {
    let segments = proposal["segments"].as_array().unwrap().iter();
    let mark = |kind: &Value| match kind.as_str() {
        Some("inserted") => '+',
        Some("struck") => '-',
        _ => ' ',
    };
    segments.map(|s| (mark(&s["kind"]), s["text"].as_str().unwrap().to_owned())).collect()
}

/// The line with the marks `which`: each of its letters, and whether it is marked.
fn flagged(marks: &[(char, String)], which: char) -> Vec<(char, bool)> {
    let stretches = marks.iter().filter(|(mark, _)| *mark == ' ' || *mark == which);
    let letters = stretches.flat_map(|(mark, words)| words.chars().map(move |c| (c, *mark == which)));
    letters.filter(|(c, _)| !c.is_whitespace()).collect()
}

fn letters(flagged: &[(char, bool)]) -> String {
    flagged.iter().map(|(c, _)| *c).collect()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether the letters of `part` occur in `whole` in their order.
fn within(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|c| rest.any(|d| d == c))
}

#[test]
fn the_resolution_of_2019_becomes_that_of_2023() {
    let (Some(old), Some(new), Some(critic)) = (
        corpus::read("resolution-1332-2019.txt"),
        corpus::read("resolution-1332-2023-can-usa.txt"),
        corpus::read("resolution-1332-2023-can-usa.critic.txt"),
    ) else {
        return;
    };
    let mut server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let document = server.import(&old);
    assert_eq!(server.text(&document), old, "export is byte-identical");
    let (usa, can) = (server.delegation("USA"), server.delegation("CAN"));
    let usa = Terminal::new(dir.path(), &server, &usa.token).cloned(&document, "usa");
    let can = Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    assert_eq!(usa.file(), old);

    let (old_lines, new_lines): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let edits = edits(&old_lines, &new_lines);
    assert!(edits.len() >= 10, "{} places differ", edits.len());
    assert_eq!(with(&old_lines, &edits), new);
    // USA makes every other one; CAN the rest, half of those offline.
    let usas: Vec<&Edit> = edits.iter().step_by(2).collect();
    let cans: Vec<&Edit> = edits.iter().skip(1).step_by(2).collect();
    let (online, offline) = cans.split_at(cans.len() / 2);

    usa.write(&with(&old_lines, usas.iter().copied()));
    usa.run(&["sync"]).ok();
    // CAN has not seen USA's edits: it works on the text of 2019.
    can.write(&with(&old_lines, online.iter().copied()));
    can.run(&["sync"]).ok();
    server.kill();
    // Offline now: its file holds both delegations' edits, and it goes on in it.
    let so_far = can.file();
    assert_eq!(so_far, with(&old_lines, usas.iter().chain(online).copied()));
    can.write(&with(&old_lines, usas.iter().chain(online).chain(offline).copied()));
    let said = can.run(&["sync"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("offline") && said.err.contains("1 change is recorded here"), "{}", said.err);
    server.restart();
    can.run(&["sync"]).ok();
    usa.run(&["sync"]).ok();

    for (round, terminal) in [&usa, &can].into_iter().cycle().take(4).enumerate() {
        if round == 2 {
            // All of it again after a restart.
            server.kill();
            server.restart();
        }
        assert_eq!(terminal.file(), new);
        assert_eq!(terminal.run(&["show", "--view", "current"]).ok(), new);
        assert_eq!(terminal.run(&["show", "--view", "baseline"]).ok(), old);
        let listed = unnumbered(terminal.run(&["proposals", "--json"]).json());
        let derived = unnumbered(terminal.run(&["proposals", "--json", "--offline"]).json());
        assert_eq!(listed, derived, "the server and the copy derive the same");
    }
    assert_eq!(server.text(&document), new);

    let listing = usa.run(&["proposals", "--json"]).json();
    let proposals: Vec<&Value> = listing["proposals"].as_array().unwrap().iter().collect();
    let of = |mark: &str| -> Vec<&str> {
        let those = proposals.iter().filter(|p| p["mark"] == mark);
        those.map(|p| p["provision"]["enumerator"].as_str().unwrap()).collect()
    };
    assert_eq!(of("ADD"), ["iv)", "v)", "12", "13", "14", "15"]);
    assert_eq!(of("SUP"), ["4"]);

    // The proposals name exactly the changed provisions, each with the one who made the edit.
    let mut expected = BTreeSet::new();
    let mut changed = 0;
    for (n, edit) in edits.iter().enumerate() {
        let sponsor = if n % 2 == 0 { "USA" } else { "CAN" };
        expected.insert((edit.start, sponsor));
        changed += (edit.end - edit.start).max(edit.lines.len());
    }
    let sponsors: Vec<Vec<&str>> = proposals
        .iter()
        .map(|p| p["sponsors"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect())
        .collect();
    assert!(sponsors.iter().all(|s| s.len() == 1), "{sponsors:?}");
    assert_eq!(proposals.len(), changed, "one proposal a changed line");
    for edit in edits.iter().enumerate() {
        let (n, edit) = edit;
        let sponsor = if n % 2 == 0 { "USA" } else { "CAN" };
        // Every line of this edit is somebody's proposal: its own author's.
        for line in edit.lines.iter().filter(|line| !line.is_empty()) {
            let owners: Vec<&&Value> =
                proposals.iter().filter(|p| squeezed(&proposed(p)) == squeezed(line)).collect();
            assert!(!owners.is_empty(), "no proposal says “{line}”");
            assert!(owners.iter().any(|p| p["sponsors"][0] == sponsor), "“{line}” should be {sponsor}'s");
        }
    }

    // Every mark of the critic file is accounted for by a segment of a proposal that turns the same line into
    // the same line. A common word within or beside a replacement may be kept in the one and replaced by
    // itself in the other; any other letter is marked in both.
    let (mut checked, mut agreed, mut all) = (0, 0, 0);
    for line in critic.lines() {
        let theirs = marks(line);
        if theirs.iter().all(|(mark, _)| *mark == ' ') {
            continue;
        }
        let (before, after) = (flagged(&theirs, '-'), flagged(&theirs, '+'));
        let found = proposals.iter().find(|p| {
            let ours = segments(p);
            letters(&flagged(&ours, '-')) == letters(&before)
                && letters(&flagged(&ours, '+')) == letters(&after)
        });
        let ours = segments(found.unwrap_or_else(|| panic!("no proposal for: {line}")));
        for (which, theirs, other) in [('+', &after, &before), ('-', &before, &after)] {
            let ours = flagged(&ours, which);
            let marked = |flags: &[(char, bool)]| {
                flags.iter().filter(|(_, marked)| *marked).map(|(c, _)| *c).collect::<String>()
            };
            let missing: String =
                theirs.iter().zip(&ours).filter(|(t, o)| t.1 && !o.1).map(|(t, _)| t.0).collect();
            assert!(within(&missing, &marked(other)), "not accounted for in “{line}”: {missing}");
            agreed += theirs.iter().zip(&ours).filter(|(t, o)| t.1 && o.1).count();
            all += theirs.iter().filter(|(_, marked)| *marked).count();
        }
        checked += 1;
    }
    println!("{agreed} of {all} marked letters are marked alike; the others are common words");
    assert!(agreed * 100 >= all * 90, "{agreed} of {all}");
    println!("{checked} marked lines of the critic file, {} proposals", proposals.len());
    assert_eq!(checked, proposals.len());
    assert!(server.stop());
}

/// What the provision says with the proposal, enumerator first; nothing for a suppression.
fn proposed(proposal: &Value) -> String {
    let segments = proposal["segments"].as_array().unwrap().iter();
    segments.filter(|s| s["kind"] != "struck").map(|s| s["text"].as_str().unwrap()).collect()
}
