//! Proposals, collisions and views: the laws on random histories, the scenarios, and the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::{ActorId, Automerge, Change, TextEncoding};
use codraft_protocol::amendment::{Context, View, lines as view_lines, proposals, text};
use codraft_protocol::api::{Field, Mark, Proposal, SegmentKind};
use codraft_protocol::authorship::{Index, Record};
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::text_form::{Layout, ParsedLine, parse};
use codraft_protocol::resolution::{SAMPLE, edit};
use codraft_protocol::time::Timestamp;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::path::PathBuf;

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

fn lines(text: &str) -> Vec<ParsedLine> {
    parse(text.as_bytes()).unwrap().1
}

/// A document, its replicas, and everything merged.
struct House {
    base: Automerge,
    layout: Layout,
    merged: Automerge,
    clock: i64,
}

impl House {
    fn new(base_text: &str) -> Self {
        let (layout, lines) = parse(base_text.as_bytes()).unwrap();
        let mut base = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        edit::begin_session(&mut base, ActorId::from(vec![0; 16]), &DelegationCode::secretariat());
        edit::create(&mut base, "T/1", &layout, &lines, Timestamp(0)).unwrap();
        Self { merged: base.clone(), base, layout, clock: 0 }
    }

    /// A delegation's replica at the baseline; its actor is made of `seed`.
    fn replica(&self, delegation: &str, seed: u8) -> Automerge {
        let mut replica = self.base.fork();
        let mut actor = vec![seed; 16];
        actor[0] = seed.wrapping_mul(97);
        edit::begin_session(&mut replica, ActorId::from(actor), &code(delegation));
        replica
    }

    fn write(&mut self, replica: &mut Automerge, delegation: &str, text: &str) {
        self.clock += 1000;
        edit::apply_text(replica, &code(delegation), &lines(text), Timestamp(self.clock)).unwrap();
        self.merged.merge(replica).unwrap();
    }

    fn index(&self, changes: &[Change]) -> Index {
        let mut index = Index::new();
        for change in changes {
            let label = self.merged.get_author_for_actor(change.actor_id()).unwrap();
            let owner = code(std::str::from_utf8(label.as_bytes()).unwrap());
            index.replay(change, &owner).unwrap();
        }
        index
    }

    fn derive(&self, index: &Index) -> (Record, Vec<Proposal>) {
        let record = index.record(&index.adopted_at(&self.base.get_heads()).unwrap());
        let saw = |a, b| index.saw(a, b);
        let context = Context { document: DocumentId::from_bytes([1; 16]), saw: &saw };
        let proposals = proposals(&record, &context);
        (record, proposals)
    }

    fn proposals(&self) -> (Record, Vec<Proposal>) {
        self.derive(&self.index(&self.merged.get_changes(&[])))
    }
}

fn said(proposal: &Proposal, kind: SegmentKind) -> String {
    let of_kind = proposal.segments.iter().filter(|s| s.kind == kind && s.field == Field::Text);
    of_kind.map(|s| s.text.as_str()).collect()
}

fn sponsors(proposal: &Proposal) -> String {
    proposal.sponsors.iter().map(DelegationCode::as_str).collect::<Vec<_>>().join("+")
}

const BASE: &str = "Resolution 1\nOn roles\nThe Council,\nresolves\n1\tthat ITU should play a leading facilitating role in the process;\n2\tto update the roadmap presented to Council 2018 to reflect the agenda;\n3\tto maintain the Fund;\n";

#[test]
fn scenario_2_the_same_change_made_twice_is_one_proposal_with_two_sponsors() {
    let mut house = House::new(BASE);
    let (mut usa, mut can) = (house.replica("USA", 1), house.replica("CAN", 2));
    let text = BASE.replace("Council 2018", "Council 2022");
    house.write(&mut usa, "USA", &text);
    house.write(&mut can, "CAN", &text);
    let (record, proposals) = house.proposals();
    assert_eq!(proposals.len(), 1);
    assert_eq!((sponsors(&proposals[0]).as_str(), proposals[0].mark), ("CAN+USA", Mark::Mod));
    assert_eq!(said(&proposals[0], SegmentKind::Inserted), "2022");
    assert_eq!(said(&proposals[0], SegmentKind::Struck), "2018");
    let marked = text_of(&house, &record, "marked");
    assert!(marked.contains("Council {--2018--}{>>CAN, USA<<}{++2022++}{>>CAN, USA<<} to"), "{marked}");
}

fn text_of(house: &House, record: &Record, view: &str) -> String {
    text(record, &house.layout, &view.parse().unwrap())
}

#[test]
fn scenario_3_different_replacements_collide_whoever_comes_first() {
    let usa_text = BASE.replace("leading facilitating", "facilitating");
    let x_text = BASE.replace("leading facilitating", "coordinating");
    let mut seen = Vec::new();
    for usa_first in [true, false] {
        let mut house = House::new(BASE);
        let (mut usa, mut x) = (house.replica("USA", 1), house.replica("X", 2));
        if usa_first {
            house.write(&mut usa, "USA", &usa_text);
            house.clock = 1000;
            house.write(&mut x, "X", &x_text);
        } else {
            house.clock = 1000;
            house.write(&mut x, "X", &x_text);
            house.clock = 0;
            house.write(&mut usa, "USA", &usa_text);
        }
        let (record, proposals) = house.proposals();
        assert_eq!(proposals.iter().map(sponsors).collect::<Vec<_>>(), ["USA", "X"]);
        assert_eq!(proposals[0].collides_with, [proposals[1].id.clone()]);
        assert_eq!(proposals[1].collides_with, [proposals[0].id.clone()]);
        assert_eq!(text_of(&house, &record, "baseline"), BASE);
        assert_eq!(text_of(&house, &record, "delegation:USA"), usa_text);
        assert_eq!(text_of(&house, &record, "delegation:X"), x_text);
        let words: Vec<_> = proposals.iter().map(|p| (p.id.clone(), p.segments.clone(), p.created)).collect();
        seen.push(words);
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn scenario_4_a_suppression_against_an_edit_loses_neither() {
    let mut house = House::new(BASE);
    let (mut usa, mut can) = (house.replica("USA", 1), house.replica("CAN", 2));
    let line = "2\tto update the roadmap presented to Council 2018 to reflect the agenda;\n";
    house.write(&mut usa, "USA", &BASE.replace(line, ""));
    house.write(&mut can, "CAN", &BASE.replace("2018", "2023"));
    let (record, proposals) = house.proposals();
    let marks: Vec<_> = proposals.iter().map(|p| (sponsors(p), p.mark, p.collides_with.len())).collect();
    assert_eq!(marks, [("CAN".into(), Mark::Mod, 1), ("USA".into(), Mark::Sup, 1)]);
    assert_eq!(said(&proposals[0], SegmentKind::Inserted), "2023");
    assert!(text_of(&house, &record, "delegation:CAN").contains("Council 2023 to"));
    assert!(!text_of(&house, &record, "current").contains("roadmap"));
    let marked = text_of(&house, &record, "marked");
    assert!(marked.contains("2023") && marked.contains("USA"), "{marked}");
}

#[test]
fn scenario_5_two_additions_at_one_place_stay_whole() {
    for seeds in [(1, 2), (2, 1)] {
        let mut house = House::new(BASE);
        let (mut usa, mut can) = (house.replica("USA", seeds.0), house.replica("CAN", seeds.1));
        house.write(&mut usa, "USA", &format!("{BASE}4\tto engage in the Summit of the Future;\n"));
        house.write(&mut can, "CAN", &format!("{BASE}4\tto report on the overall review;\n"));
        let (record, proposals) = house.proposals();
        assert_eq!(
            proposals.iter().map(|p| (p.mark, p.collides_with.len())).collect::<Vec<_>>(),
            [(Mark::Add, 1); 2]
        );
        let current = text_of(&house, &record, "current");
        assert!(current.contains("4\tto engage in the Summit of the Future;\n"), "{current}");
        assert!(current.contains("4\tto report on the overall review;\n"), "{current}");
    }
}

#[test]
fn additions_made_in_sight_of_each_other_do_not_collide() {
    let mut house = House::new(BASE);
    let mut usa = house.replica("USA", 1);
    let first = format!("{BASE}4\tto engage in the Summit of the Future;\n");
    house.write(&mut usa, "USA", &first);
    let mut can = house.merged.fork();
    edit::begin_session(&mut can, ActorId::from(vec![5; 16]), &code("CAN"));
    house.write(&mut can, "CAN", &format!("{first}5\tto report on the overall review;\n"));
    let (_, proposals) = house.proposals();
    assert_eq!(proposals.iter().map(|p| p.collides_with.len()).collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn a_change_to_another_s_pending_words_amends_them() {
    let mut house = House::new(BASE);
    let mut usa = house.replica("USA", 1);
    let first = BASE.replace("the Fund", "the special Trust Fund of the Union");
    house.write(&mut usa, "USA", &first);
    let mut can = house.merged.fork();
    edit::begin_session(&mut can, ActorId::from(vec![5; 16]), &code("CAN"));
    house.write(
        &mut can,
        "CAN",
        &first.replace("special Trust", "special voluntary Trust").replace(" of the Union", ""),
    );
    let (_, proposals) = house.proposals();
    let [of_can, of_usa] = &proposals[..] else { panic!("{proposals:#?}") };
    assert_eq!((sponsors(of_can), sponsors(of_usa)), ("CAN".into(), "USA".into()));
    assert_eq!(of_can.amends, std::slice::from_ref(&of_usa.id));
    assert!(of_can.collides_with.is_empty() && of_usa.amends.is_empty());
    let struck = of_can.segments.iter().find(|s| s.kind == SegmentKind::Struck).unwrap();
    assert_eq!(struck.of, Some(code("USA")));
}

/// A few random edits of a text, as people make them.
fn edited(text: &str, r: &mut StdRng) -> String {
    const WORDS: [&str; 5] = ["further ", "العربية ", "漢字 ", "👩‍👩‍👧 ", "2022 "];
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for _ in 0..r.random_range(1..4) {
        let at = r.random_range(0..lines.len());
        match r.random_range(0..8) {
            0 if lines.len() > 2 => drop(lines.remove(at)),
            1 => lines.insert(at, format!("{}\tto do {}", r.random_range(1..9), WORDS[r.random_range(0..5)])),
            2 => lines[at] = lines[at].replacen(['1', '2', '3'], "7", 1),
            _ => {
                let mut words: Vec<&str> = lines[at].split_inclusive(' ').collect();
                let place = r.random_range(0..=words.len());
                let cut = r.random_range(0..3).min(words.len() - place);
                words.splice(place..place + cut, r.random_bool(0.6).then(|| WORDS[r.random_range(0..5)]));
                lines[at] = words.concat();
            }
        }
    }
    lines.join("\n")
}

/// A random history of three to six delegations, who edit files, sync now and then, and come back late.
fn random_house(seed: u64) -> House {
    let mut r = StdRng::seed_from_u64(seed);
    let mut house = House::new(if r.random_bool(0.5) { BASE } else { SAMPLE });
    let codes = ["BRA", "CAN", "FRA", "JPN", "NOR", "USA"];
    let count = r.random_range(3..=6);
    let mut replicas: Vec<_> = (0..count).map(|i| house.replica(codes[i], i as u8 + 1)).collect();
    for _ in 0..r.random_range(3..14) {
        let i = r.random_range(0..count);
        let replica = &mut replicas[i];
        let current = edit::lines(replica).unwrap();
        let now: String =
            current.iter().map(|l| format!("{}{}{}\n", l.enumerator, l.separator, l.text)).collect();
        let text = edited(now.trim_end_matches('\n'), &mut r);
        house.clock += r.random_range(0..3) * 1000;
        edit::apply_text(replica, &code(codes[i]), &lines(&text), Timestamp(house.clock)).unwrap();
        if r.random_bool(0.4) {
            house.merged.merge(replica).unwrap();
            replica.merge(&mut house.merged.clone()).unwrap();
        }
    }
    for replica in &mut replicas {
        house.merged.merge(replica).unwrap();
    }
    house
}

fn shown(lines: &[codraft_protocol::resolution::line::Line]) -> Vec<String> {
    lines.iter().map(|l| format!("{}|{}|{}", l.enumerator, l.separator, l.text)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("CODRAFT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
    ))]

    #[test]
    fn the_laws_hold(seed in any::<u64>()) {
        let house = random_house(seed);
        let (record, proposals) = house.proposals();
        // Projecting everything is Automerge's own text, projecting nothing pending is the baseline.
        prop_assert_eq!(shown(&view_lines(&record, &View::Current)), shown(&edit::lines(&house.merged).unwrap()));
        prop_assert_eq!(shown(&view_lines(&record, &View::Baseline)), shown(&edit::lines(&house.base).unwrap()));
        let baseline = view_lines(&record, &View::Baseline);
        for p in &proposals {
            // Kept and struck words are the baseline's.
            let old: String = p
                .segments
                .iter()
                .filter(|s| s.field == Field::Text && s.of.is_none() && s.kind != SegmentKind::Inserted)
                .map(|s| s.text.as_str())
                .collect();
            let base = baseline.iter().find(|l| l.provision == p.provision.id).map_or("", |l| l.text.as_str());
            prop_assert_eq!(&old, base);
            prop_assert!(!p.sponsors.is_empty() && !p.changes.is_empty());
            // Collisions are mutual, and never with oneself.
            for other in &p.collides_with {
                let other = proposals.iter().find(|q| q.id == *other).expect("collides with one there is");
                prop_assert!(other.collides_with.contains(&p.id) && other.id != p.id);
            }
        }
        let ids: BTreeSet<_> = proposals.iter().map(|p| &p.id).collect();
        prop_assert_eq!(ids.len(), proposals.len(), "ids are unique");
    }

    #[test]
    fn every_pending_word_has_an_owner(seed in any::<u64>()) {
        let house = random_house(seed);
        let (record, proposals) = house.proposals();
        for provision in &record.provisions {
            let mut here = proposals.iter().filter(|p| p.provision.id == provision.id || p.also.contains(&provision.id));
            let mut holds = |deed, struck| {
                let change = record.change(deed).unwrap();
                here.clone().any(|p| p.sponsors.contains(change.delegation) && p.changes.contains(&change.hash))
                    || here.any(|p| p.mark == Mark::Sup && p.sponsors.contains(change.delegation)) && struck
            };
            let added_by = record.change(provision.inserted[0]).unwrap().delegation;
            let withdrawn = |code: &DelegationCode| {
                !provision.inserted[0].is_adopted() && code == added_by && (provision.removed.iter().any(|d| record.change(*d).unwrap().delegation == code)
                    || provision.suppressed.iter().any(|s| s.delegation == *code && s.lifted.is_empty()))
            };
            for run in &provision.text {
                let own = record.change(run.inserted[0]).unwrap().delegation;
                let taken_back = run.struck.iter().any(|d| record.change(*d).unwrap().delegation == own);
                if !run.inserted[0].is_adopted() && !taken_back && !withdrawn(own) {
                    prop_assert!(holds(run.inserted[0], false), "an insertion without an owner: {:?}", run);
                }
                for strike in run.struck.iter() {
                    let by = &record.change(*strike).unwrap().delegation;
                    let word_stands = run.inserted[0].is_adopted() || !taken_back;
                    if word_stands && !withdrawn(by) {
                        prop_assert!(holds(*strike, true), "a strike without an owner: {:?}", run);
                    }
                }
            }
        }
    }

    #[test]
    fn any_order_of_arrival_gives_the_same_proposals(seed in any::<u64>()) {
        let house = random_house(seed);
        let changes = house.merged.get_changes(&[]);
        let (_, straight) = house.derive(&house.index(&changes));
        let mut r = StdRng::seed_from_u64(seed ^ 1);
        let (mut left, mut order) = (changes, Vec::<Change>::new());
        while !left.is_empty() {
            let at = r.random_range(0..left.len());
            if left[at].deps().iter().all(|dep| order.iter().any(|c| c.hash() == *dep)) {
                order.push(left.remove(at));
            }
        }
        let (_, shuffled) = house.derive(&house.index(&order));
        prop_assert_eq!(straight, shuffled);
    }

    #[test]
    fn rejecting_every_mark_gives_the_baseline(seed in any::<u64>()) {
        let house = random_house(seed);
        let (record, _) = house.proposals();
        let marked = text(&record, &house.layout, &"marked:anonymous".parse().unwrap());
        let rejected = stripped(&marked, false);
        // A provision that is an addition as a whole leaves an empty line.
        let lines = |text: &str| text.split('\n').filter(|l| !l.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let baseline = text(&record, &house.layout, &View::Baseline);
        prop_assert_eq!(lines(&rejected), lines(&baseline));
    }
}

/// A marked text with all marks accepted or rejected.
fn stripped(marked: &str, accept: bool) -> String {
    let (mut out, mut rest, mut skipping) = (String::new(), marked, false);
    while let Some(c) = rest.chars().next() {
        let mark = ["{++", "++}", "{--", "--}"].into_iter().find(|m| rest.starts_with(m));
        match (mark, c) {
            (Some(m), _) => {
                skipping = (m == "{++" && !accept) || (m == "{--" && accept);
                rest = &rest[3..];
            }
            (None, '\\') => {
                let escaped = rest[1..].chars().next().unwrap();
                out.extend((!skipping).then_some(escaped));
                rest = &rest[1 + escaped.len_utf8()..];
            }
            (None, c) => {
                out.extend((!skipping).then_some(c));
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

#[test]
fn the_corpus_gives_exactly_its_marks() {
    let (Some(old), Some(new)) =
        (corpus("resolution-1332-2019.txt"), corpus("resolution-1332-2023-can-usa.txt"))
    else {
        return;
    };
    let mut house = House::new(&old);
    let mut usa = house.replica("USA", 1);
    house.write(&mut usa, "USA", &new);
    let (record, proposals) = house.proposals();
    assert_eq!(text_of(&house, &record, "current"), new);
    assert_eq!(text_of(&house, &record, "baseline"), old);
    let of = |mark| {
        proposals
            .iter()
            .filter(|p| p.mark == mark)
            .map(|p| p.provision.enumerator.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Mark::Add), ["iv)", "v)", "12", "13", "14", "15"]);
    assert_eq!(of(Mark::Sup), ["4"]);
    // 19 lines of the corpus carry marks within them.
    let critic = corpus("resolution-1332-2023-can-usa.critic.txt").unwrap();
    let marked = text(&record, &house.layout, &"marked:anonymous".parse().unwrap());
    assert_eq!(stripped(&marked, true).replace("\n\n", "\n"), stripped(&critic, true).replace("\n\n", "\n"));
    let (ours, theirs): (Vec<_>, Vec<_>) = (marked.lines().collect(), critic.lines().collect());
    let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
    for (a, b) in &differing {
        println!("ours   {a}\ncritic {b}\n");
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(differing.len() <= 8, "{} lines are marked differently", differing.len());
}
