//! An edited file becomes the smallest change that gives its text: on random edits, and on the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::{ActorId, Automerge, ReadDoc, TextEncoding};
use codraft_protocol::id::DelegationCode;
use codraft_protocol::resolution::text_form::{Layout, ParsedLine, parse, write};
use codraft_protocol::resolution::{SAMPLE, edit, fused};
use codraft_protocol::time::Timestamp;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::path::PathBuf;

/// The corpus, where there is one.
fn corpus(name: &str) -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("CODRAFT_CORPUS").map_or(beside, PathBuf::from);
    let text = std::fs::read_to_string(folder.join(name)).ok();
    if text.is_none() {
        println!("skipped: no corpus");
    }
    text
}

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

fn document(text: &str) -> (Automerge, Layout) {
    let (layout, lines) = parse(text.as_bytes()).unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::begin_session(&mut doc, ActorId::random(), &DelegationCode::secretariat());
    edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
    (doc, layout)
}

fn shown(doc: &Automerge, layout: &Layout) -> String {
    let lines = edit::lines(doc).unwrap();
    write(layout, lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str())))
}

fn lines(text: &str) -> Vec<ParsedLine> {
    parse(text.as_bytes()).unwrap().1
}

fn replica(doc: &Automerge, delegation: &str) -> Automerge {
    let mut replica = doc.fork();
    edit::begin_session(&mut replica, ActorId::random(), &code(delegation));
    replica
}

/// A few random edits of a text, as people make them.
fn edited(text: &str, r: &mut StdRng) -> String {
    const WORDS: [&str; 6] = ["further ", "العربية ", "漢字", "👩‍👩‍👧", "2022", "é"];
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for _ in 0..r.random_range(1..8) {
        let at = r.random_range(0..lines.len());
        match r.random_range(0..8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, format!("{}\tto do {}", r.random_range(1..9), WORDS[r.random_range(0..6)])),
            2 => lines.insert(at, String::new()),
            3 => {
                let other = r.random_range(0..lines.len());
                lines.swap(at, other);
            }
            _ => {
                let mut words: Vec<&str> = lines[at].split_inclusive(' ').collect();
                let place = r.random_range(0..=words.len());
                words.truncate(words.len().min(place + r.random_range(0..20)));
                words.insert(place.min(words.len()), WORDS[r.random_range(0..6)]);
                lines[at] = words.concat();
            }
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("CODRAFT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
    ))]

    #[test]
    fn the_document_says_what_the_file_says(seed in any::<u64>()) {
        let mut r = StdRng::seed_from_u64(seed);
        let (doc, layout) = document(SAMPLE);
        let mut can = replica(&doc, "CAN");
        let mut text = SAMPLE.to_owned();
        for round in 0..3 {
            text = edited(&text, &mut r);
            let wanted = lines(&text);
            edit::apply_text(&mut can, &code("CAN"), &wanted, Timestamp(round)).unwrap();
            // The layout's final newline is the document's; the lines are the file's.
            let expected = write(&layout, wanted.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str())));
            prop_assert_eq!(shown(&can, &layout), expected);
            prop_assert!(edit::apply_text(&mut can, &code("CAN"), &wanted, Timestamp(9)).unwrap().is_none());
        }
    }

    #[test]
    fn what_was_deleted_can_be_put_back(seed in any::<u64>()) {
        let mut r = StdRng::seed_from_u64(seed);
        let (doc, layout) = document(SAMPLE);
        let mut can = replica(&doc, "CAN");
        for round in 0..3 {
            // Much of it goes, and comes back edited, with lines that are like others.
            let all = lines(SAMPLE);
            let kept: Vec<&str> = SAMPLE.split_inclusive('\n').filter(|_| r.random_bool(0.3)).collect();
            let less = format!("{}rest\n", kept.concat());
            edit::apply_text(&mut can, &code("CAN"), &lines(&less), Timestamp(round)).unwrap();
            prop_assert_eq!(shown(&can, &layout), less);
            let back = match r.random_range(0..3) {
                0 => SAMPLE.to_owned(),
                1 => format!("{SAMPLE}\n\n"),
                _ => edited(SAMPLE, &mut r),
            };
            let wanted = lines(&back);
            edit::apply_text(&mut can, &code("CAN"), &wanted, Timestamp(round)).unwrap();
            let whole = |lines: &[ParsedLine]| lines.iter().map(ParsedLine::whole).collect::<Vec<_>>();
            let stands: Vec<String> = edit::lines(&can).unwrap().iter()
                .map(|l| format!("{}{}{}", l.enumerator, l.separator, l.text)).collect();
            prop_assert_eq!(stands, whole(&wanted));
            // Lines that come back are lifted, not added a second time.
            let (_, list) = can.get(automerge::ROOT, "provisions").unwrap().unwrap();
            if back == SAMPLE && round == 0 {
                prop_assert_eq!(can.length(&list), all.len());
            }
        }
    }

    #[test]
    fn concurrent_edits_merge(seed in any::<u64>()) {
        let mut r = StdRng::seed_from_u64(seed);
        let (doc, layout) = document(SAMPLE);
        let (mut can, mut usa) = (replica(&doc, "CAN"), replica(&doc, "USA"));
        edit::apply_text(&mut can, &code("CAN"), &lines(&edited(SAMPLE, &mut r)), Timestamp(1)).unwrap();
        edit::apply_text(&mut usa, &code("USA"), &lines(&edited(SAMPLE, &mut r)), Timestamp(1)).unwrap();
        can.merge(&mut usa).unwrap();
        usa.merge(&mut can).unwrap();
        prop_assert_eq!(shown(&can, &layout), shown(&usa, &layout));
        let merged = shown(&can, &layout);
        let again = edit::apply_text(&mut can, &code("CAN"), &lines(&merged), Timestamp(2)).unwrap();
        prop_assert!(again.is_none());
    }
}

#[test]
fn an_insertion_above_rewrites_nothing_below() {
    let (doc, _) = document(SAMPLE);
    let mut can = replica(&doc, "CAN");
    let text = SAMPLE.replacen("resolves\n", "resolves\n0\tthat all shall be well;\n", 1);
    edit::apply_text(&mut can, &code("CAN"), &lines(&text), Timestamp(1)).unwrap();
    let change = can.get_last_local_change().unwrap();
    assert!(change.len() < 40, "one line costs about its length, not {} operations", change.len());
}

#[test]
fn what_one_suppressed_one_may_put_back() {
    let (doc, layout) = document(SAMPLE);
    let mut can = replica(&doc, "CAN");
    let without = SAMPLE.replacen("ii)\ton the maintenance of stations that stand unattended;\n", "", 1);
    assert_ne!(without, SAMPLE);
    edit::apply_text(&mut can, &code("CAN"), &lines(&without), Timestamp(1)).unwrap();
    assert_eq!(shown(&can, &layout), without);
    edit::apply_text(&mut can, &code("CAN"), &lines(SAMPLE), Timestamp(2)).unwrap();
    assert_eq!(shown(&can, &layout), SAMPLE);
    let (_, list) = can.get(automerge::ROOT, "provisions").unwrap().unwrap();
    assert_eq!(
        can.length(&list),
        SAMPLE.lines().count(),
        "the suppression was lifted, not answered by an addition"
    );
}

#[test]
fn the_corpus_comes_back_byte_for_byte() {
    for name in
        ["resolution-1332-2019.txt", "resolution-1332-2023-can-usa.txt", "resolution-1332-contribution.txt"]
    {
        let Some(text) = corpus(name) else { return };
        let (doc, layout) = document(&text);
        assert_eq!(shown(&doc, &layout), text, "{name}");
    }
}

#[test]
fn the_corpus_has_the_structure_that_it_has() {
    let Some(text) = corpus("resolution-1332-2019.txt") else { return };
    let lines = lines(&text);
    let headings: Vec<_> = lines
        .iter()
        .filter(|l| l.kind == "heading")
        .map(|l| (l.part, l.text.trim_end_matches(',')))
        .collect();
    let expected = [
        ("preambular", "recalling"),
        ("preambular", "considering"),
        ("preambular", "recognizing"),
        ("preambular", "noting"),
        ("operative", "resolves"),
        ("operative", "instructs the Secretary-General"),
        ("operative", "instructs the Secretary-General and the Directors of the Bureaux"),
        ("operative", "encourages Member States, Sector Members, and all Stakeholders"),
        ("annex", "Annex: 1"),
        ("annex", "ANNEX"),
        ("annex", "Council CWG-WSIS&SDG Terms of Reference"),
    ];
    assert_eq!(headings, expected);
    let find = |start: &str| {
        lines.iter().find(|l| l.whole().starts_with(start)).unwrap_or_else(|| panic!("{start}"))
    };
    for (start, level, enumerator) in [
        ("i)\tthe WSIS+10", 1, "i)"),
        ("i)\tto oversee", 2, "i)"),
        ("iv)\tto review", 2, "iv)"),
        ("–\tthe ITU activities", 3, "–"),
        ("f)\tthat Resolution", 1, "f)"),
        ("3\tto use the WSIS framework", 1, "3"),
        ("a) updating its WSIS", 2, "a)"),
        ("\tto participate actively", 0, ""),
        ("c)\tto monitor", 1, "c)"),
    ] {
        let line = find(start);
        assert_eq!((line.level, line.enumerator.as_str()), (level, enumerator), "{start}");
    }
    assert_eq!(find("requested Council:").kind, "continuation");
    assert_eq!(find("that the ITU Secretary-General created").kind, "paragraph");
    assert_eq!((find("The Council,").kind, find("resolution 1332").kind), ("formula", "designation"));
}

#[test]
fn the_contribution_s_fused_runs_are_reported() {
    let Some(text) = corpus("resolution-1332-contribution.txt") else { return };
    let found = fused::warnings(&lines(&text));
    let split = |run: &str| {
        let of = found.iter().find(|w| w.run.contains(run)).unwrap_or_else(|| panic!("{run} in {found:#?}"));
        of.candidates.iter().map(|c| (c.struck.clone(), c.inserted.clone())).collect::<Vec<_>>()
    };
    assert!(
        split("Dubai, 2018Bucharest, 2022")
            .iter()
            .any(|c| c == &("Dubai, 2018".into(), "Bucharest, 2022".into()))
    );
    assert!(split("20222026").iter().any(|c| c == &("2022".into(), "2026".into())));
    assert!(split("54").iter().any(|c| c == &("5".into(), "4".into())));
    assert!(split("iv)v)").iter().any(|c| c == &("iv)".into(), "v)".into())));
    for honest in ["resolution-1332-2019.txt", "resolution-1332-2023-can-usa.txt"] {
        let Some(text) = corpus(honest) else { return };
        assert_eq!(fused::warnings(&lines(&text)), [], "{honest}");
    }
}
