//! Rounds and rulings on random histories: the laws hold after every step, over three rounds, with late edits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, Change, ObjType, ROOT, ReadDoc, TextEncoding};
use codraft_protocol::amendment::{View, lines as view_lines, text};
use codraft_protocol::api::{By, Decision, Mark, NewRuling, NewRulings, RoundState, Status};
use codraft_protocol::authorship::hand::{self, Pen};
use codraft_protocol::authorship::{Deed, DeedSet, Index, Standing};
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::edit;
use codraft_protocol::resolution::text_form::{Layout, parse};
use codraft_protocol::round::{Command, Listed, Proceedings, Refusal};
use codraft_protocol::time::Timestamp;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::test_runner::RngSeed;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const CODES: [&str; 5] = ["BRA", "CAN", "FRA", "JPN", "USA"];
const WORDS: [&str; 7] = ["resolves ", " ", "é", "漢字", "👩‍👩‍👧", "2022", "العربية "];
const BASE: &str = "Resolution 1\nOn roles\nThe Council,\nresolves\n1\tthat ITU play a leading part;\n2\tto update the roadmap;\n3\tto maintain the Fund;\n";

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

fn by(role: Role, delegation: Option<&str>) -> By {
    By { account: format!("{role}-1"), role: Some(role), delegation: delegation.map(code) }
}

#[derive(Clone)]
struct House {
    proceedings: Proceedings,
    /// Everything, as Automerge has it.
    doc: Automerge,
    replicas: Vec<(Automerge, &'static str)>,
    layout: Layout,
    clock: i64,
    hands: u8,
}

impl House {
    fn new(count: usize) -> Self {
        let (layout, lines) = parse(BASE.as_bytes()).unwrap();
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        edit::begin_session(&mut doc, ActorId::from(vec![0; 16]), &DelegationCode::secretariat());
        edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
        let mut index = Index::new();
        for change in doc.get_changes(&[]) {
            index.replay(&change, &DelegationCode::secretariat()).unwrap();
        }
        let id = DocumentId::from_bytes([1; 16]);
        let proceedings = Proceedings::new(id, index, &doc.get_heads(), Timestamp(0)).unwrap();
        let replicas = (0..count)
            .map(|n| {
                let mut replica = doc.fork();
                edit::begin_session(&mut replica, ActorId::from(vec![n as u8 + 1; 16]), &code(CODES[n]));
                (replica, CODES[n])
            })
            .collect();
        Self { proceedings, doc, replicas, layout, clock: 1000, hands: 0 }
    }

    fn pen(&mut self) -> Pen {
        self.clock += 1000;
        // One actor for the hand as long as the server runs; now and then it restarts.
        Pen {
            actor: ActorId::from(vec![200 + self.hands; 16]),
            time: self.clock / 1000,
            message: "the server's hand".to_owned(),
        }
    }

    /// A delegation syncs: the server has all of its changes, and, unless it only sends, it has everything.
    fn sync(&mut self, n: usize, both: bool) {
        let (replica, delegation) = &mut self.replicas[n];
        let mut sent = Vec::new();
        for change in replica.get_changes(&[]) {
            if self.proceedings.index.position(&change.hash()).is_none() {
                self.proceedings.index.replay(&change, &code(delegation)).unwrap();
                sent.push(change);
            }
        }
        self.doc.apply_changes(sent).unwrap();
        if both {
            replica.merge(&mut self.doc).unwrap();
        }
    }

    fn act(&mut self, command: &Command, who: By) -> Result<bool, Refusal> {
        let pen = self.pen();
        let at = Timestamp(self.clock);
        let before = self.proceedings.index.len();
        let entries = self.proceedings.ledger.entries();
        match self.proceedings.act(command, who, at, &pen) {
            Ok(Some((entry, change))) => {
                assert_eq!((entry.number, entry.after as usize), (entries, before));
                // What is stored reads back as it is.
                let stored = serde_json::to_vec(&entry).unwrap();
                assert_eq!(serde_json::from_slice::<codraft_protocol::round::Entry>(&stored).unwrap(), entry);
                self.apply(change);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(refusal) => {
                assert_eq!(self.proceedings.index.len(), before, "a refusal changes nothing");
                assert_eq!(self.proceedings.ledger.entries(), entries);
                Err(refusal)
            }
        }
    }

    fn apply(&mut self, change: Option<Change>) {
        if let Some(change) = change {
            self.doc.apply_changes([change]).unwrap();
            let saved = self.doc.save();
            Automerge::load(&saved).expect("a document with the hand's changes loads again");
        }
    }

    fn open(&self) -> Vec<Listed> {
        self.proceedings.floor().open(&self.proceedings.record())
    }

    fn shown(&self, view: &View) -> String {
        text(&self.proceedings.record(), &self.layout, view)
    }

    /// What Automerge shows.
    fn standing(&self) -> String {
        let lines = edit::lines(&self.doc).unwrap();
        let whole = lines.iter().map(|l| format!("{}{}{}", l.enumerator, l.separator, l.text));
        // Where nothing stands, the file still ends its last line.
        whole.collect::<Vec<_>>().join("\n") + "\n"
    }

    /// What is kept from one state to the next comes out as if it were made anew.
    fn check_memory(&self, what: &str) {
        let mut anew = self.proceedings.clone();
        anew.forget();
        let (kept, new) = (self.proceedings.record(), anew.record());
        assert!(kept.changes.iter().eq(new.changes.iter()), "{what}: the changes");
        assert_eq!(kept.provisions, new.provisions, "{what}: the provisions");
        let (kept, new) = (
            (self.proceedings.floor().proposals(&kept), self.proceedings.floor().attribution(&kept)),
            (anew.floor().proposals(&new), anew.floor().attribution(&new)),
        );
        assert_eq!(kept, new, "{what}: proposals and attribution");
        // What authors took back of their own makes no difference, except to how long it takes.
        let whole = anew.index.whole_record(anew.settled());
        assert_eq!(anew.floor().proposals(&whole), new.0, "{what}: proposals of all words");
        assert_eq!(anew.floor().attribution(&whole), new.1, "{what}: attribution of all words");
        for view in ["current", "baseline", "marked", "delegation:CAN", "delegation:USA"]
            .map(|view| view.parse().unwrap())
        {
            let (of_all, shown) = (text(&whole, &self.layout, &view), self.shown(&view));
            assert_eq!(of_all, shown, "{what}: {view:?} of all words");
        }
    }

    fn check(&mut self, what: &str) {
        self.act(&Command::Settle, by(Role::Secretariat, None)).unwrap();
        let pen = self.pen();
        let (index, settled) = (&self.proceedings.index, self.proceedings.settled());
        let again = hand::write(index, settled, &pen, &mut hand::Tidy::default());
        assert!(again.is_none(), "{what}: the hand is done when it is done");
        let record = self.proceedings.record();
        self.check_memory(what);
        assert_eq!(
            self.shown(&View::Current),
            self.standing(),
            "{what}: all deeds projected are Automerge's text"
        );
        let (_, state) = self.proceedings.ledger.current();
        if state != RoundState::Closed {
            let revision = &self.proceedings.ledger.revisions().last().unwrap().text;
            assert_eq!(self.shown(&View::Baseline), *revision, "{what}: no deeds projected are the baseline");
        }
        // No insertion and no strike is without an owner.
        let open = self.open();
        let deeds: Vec<DeedSet> = open.iter().map(|one| one.derived.deeds().set()).collect();
        let owned = |deed: &Deed| deeds.iter().any(|set| set.contains(deed));
        let author = |deed: &Deed| record.change(*deed).unwrap().delegation.clone();
        for provision in &record.provisions {
            let taken_back = provision.inserted.iter().any(|deed| {
                !deed.is_adopted()
                    && (provision.removed.iter().any(|other| author(other) == author(deed))
                        || provision
                            .suppressed
                            .iter()
                            .any(|one| one.lifted.is_empty() && author(&one.put) == author(deed)))
            });
            for run in &provision.text {
                if run.struck.iter().any(Deed::is_adopted) {
                    continue;
                }
                let base = run.inserted.iter().any(Deed::is_adopted);
                let own = |deed: &Deed| run.struck.iter().any(|strike| author(strike) == author(deed));
                for deed in run.inserted.iter().filter(|deed| !deed.is_adopted() && !base) {
                    if !own(deed) && !taken_back {
                        assert!(
                            owned(deed),
                            "{what}: an insertion without an owner: {run:?} in {}",
                            provision.id
                        );
                    }
                }
                let stands = base || run.inserted.iter().any(|deed| !own(deed));
                // A late strike of a word that the round is to strike anyway waits for the round's outcome.
                let in_time = run.struck.iter().any(|strike| strike.standing == Standing::Pending);
                let waits = |deed: &Deed| deed.standing == Standing::Late && in_time;
                for deed in run.struck.iter().filter(|deed| stands && !taken_back && !waits(deed)) {
                    assert!(owned(deed), "{what}: a strike without an owner: {run:?} in {}", provision.id);
                }
            }
        }
    }

    /// One random edit by one delegation, in whatever it has before it.
    fn edit(&mut self, n: usize, r: &mut StdRng) {
        self.clock += 1000;
        let (doc, delegation) = &mut self.replicas[n];
        let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
        let length = doc.length(&list);
        let mut tx = doc.transaction();
        let pick = r.random_range(0..20);
        if length == 0 || pick == 0 {
            let map = tx.insert_object(&list, r.random_range(0..=length), ObjType::Map).unwrap();
            tx.put(&map, "kind", "paragraph").unwrap();
            tx.put(&map, "part", "operative").unwrap();
            tx.put(&map, "level", 1).unwrap();
            tx.put(&map, "enumerator", format!("{}", r.random_range(1..9))).unwrap();
            tx.put_object(&map, "suppressed", ObjType::Map).unwrap();
            let text = tx.put_object(&map, "text", ObjType::Text).unwrap();
            tx.splice_text(&text, 0, 0, "to add this;").unwrap();
        } else if pick == 1 {
            tx.delete(&list, r.random_range(0..length)).unwrap();
        } else {
            let (_, map) = tx.get(&list, r.random_range(0..length)).unwrap().unwrap();
            match pick {
                2 => tx.put(&map, "enumerator", format!("{}", r.random_range(1..9))).unwrap(),
                3 => {
                    let (_, suppressed) = tx.get(&map, "suppressed").unwrap().unwrap();
                    if tx.get(&suppressed, *delegation).unwrap().is_some() {
                        tx.delete(&suppressed, *delegation).unwrap();
                    } else {
                        tx.put(&suppressed, *delegation, true).unwrap();
                    }
                }
                _ => {
                    let (_, text) = tx.get(&map, "text").unwrap().unwrap();
                    let length = tx.length(&text);
                    let at = r.random_range(0..=length);
                    let cut = r.random_range(0..=(length - at).min(8));
                    let word = if r.random_bool(0.7) { WORDS[r.random_range(0..WORDS.len())] } else { "" };
                    tx.splice_text(&text, at, cut as isize, word).unwrap();
                }
            }
        }
        tx.commit();
    }

    /// A delegation types and takes back, and types and takes back: what it leaves is little beside what it did.
    fn second_thoughts(&mut self, n: usize, r: &mut StdRng) {
        self.clock += 1000;
        let (doc, _) = &mut self.replicas[n];
        let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
        let Some(last) = doc.length(&list).checked_sub(1) else { return };
        let (_, map) = doc.get(&list, r.random_range(0..=last)).unwrap().unwrap();
        let (_, text) = doc.get(&map, "text").unwrap().unwrap();
        let at = r.random_range(0..=doc.length(&text));
        let mut splice = |strikes: isize, words: &str| {
            let mut tx = doc.transaction();
            tx.splice_text(&text, at, strikes, words).unwrap();
            tx.commit();
        };
        for _ in 0..r.random_range(1..12) {
            splice(0, "or");
            splice(2, "");
        }
        if r.random_bool(0.5) {
            splice(0, "so ");
        }
    }

    fn some_edits(&mut self, r: &mut StdRng, most: usize) {
        for _ in 0..r.random_range(1..=most) {
            let n = r.random_range(0..self.replicas.len());
            if r.random_bool(0.1) {
                self.second_thoughts(n, r);
            } else {
                self.edit(n, r);
            }
            if r.random_bool(0.4) {
                self.sync(n, r.random_bool(0.6));
            }
        }
    }

    fn rule(&mut self, rulings: Vec<NewRuling>) -> Result<bool, Refusal> {
        let new = NewRulings { rulings, ..NewRulings::default() };
        self.act(&Command::Rule(new), by(Role::Chair, None))
    }
}

fn ruling(proposal: &str, decision: Decision) -> NewRuling {
    NewRuling {
        proposal: proposal.to_owned(),
        decision,
        segments: None,
        reason: "because".to_owned(),
        revisit: true,
    }
}

const DECISIONS: [Decision; 4] = [Decision::Adopt, Decision::Reject, Decision::Bracket, Decision::Defer];

fn three_rounds(seed: u64) {
    let mut r = StdRng::seed_from_u64(seed);
    let mut house = House::new(r.random_range(2..=5));
    for round in 1..=3_u32 {
        house.some_edits(&mut r, 12);
        house.check("open");
        // Sponsors come and go.
        for _ in 0..r.random_range(0..4) {
            let open = house.open();
            let Some(one) = open.get(r.random_range(0..open.len().max(1))) else { break };
            let name = one.derived.proposal.id.0.clone();
            let who = house.replicas[r.random_range(0..house.replicas.len())].1;
            let command = if r.random_bool(0.5) {
                Command::Join { proposal: name }
            } else {
                Command::Withdraw { proposal: name }
            };
            let _ = house.act(&command, by(Role::Delegate, Some(who)));
            house.check("sponsors");
        }
        house.act(&Command::Collapse, by(Role::Secretariat, None)).unwrap();
        house.check("collapsed");
        house.act(&Command::Close, by(Role::Chair, None)).unwrap();
        let text_closed = house.shown(&View::Baseline);
        // All adopted is the text that lay before the house; nothing late slips in.
        house.some_edits(&mut r, 6);
        house.check("closed");
        assert_eq!(house.shown(&View::Baseline), text_closed);
        for _ in 0..r.random_range(0..8) {
            let open: Vec<Listed> = house.open().into_iter().filter(|one| !one.late).collect();
            if open.is_empty() {
                break;
            }
            let decision = DECISIONS[r.random_range(0..4)];
            let chosen: Vec<&Listed> = open.iter().filter(|_| r.random_bool(0.3)).collect();
            let mut rulings: Vec<NewRuling> =
                chosen.iter().map(|one| ruling(&one.derived.proposal.id.0, decision)).collect();
            // Now and then an earlier ruling is revisited.
            let settled: Vec<String> = house
                .proceedings
                .ledger
                .on_record()
                .iter()
                .filter(|one| one.ruled && !one.is_open() && one.status != Some(Status::Withdrawn))
                .map(|one| one.number.to_string())
                .collect();
            if r.random_bool(0.3)
                && let Some(number) = settled.get(r.random_range(0..settled.len().max(1)))
            {
                rulings.push(ruling(number, decision));
            }
            let names: Vec<String> = chosen.iter().map(|one| one.derived.proposal.id.0.clone()).collect();
            let only_open = rulings.len() == names.len();
            let preview = house.proceedings.preview(&names, false).unwrap();
            let outcome = house.rule(rulings);
            if decision == Decision::Adopt && outcome == Ok(true) && only_open {
                assert_eq!(preview.text, house.shown(&View::Baseline), "a preview is what the ruling does");
            }
            house.check("ruled");
            if r.random_bool(0.3) {
                house.some_edits(&mut r, 3);
            }
            if r.random_bool(0.1) {
                house.hands += 1;
            }
        }
        house.check("before the conclusion");
        let agreed = house.shown(&View::Baseline);
        house.act(&Command::Conclude, by(Role::Secretariat, None)).unwrap();
        let revision = house.proceedings.ledger.revisions().last().unwrap().clone();
        assert_eq!((revision.number, &revision.text), (round, &agreed));
        house.check("concluded");
        house.act(&Command::Open { deadline: None }, by(Role::Secretariat, None)).unwrap();
    }
    // The laptop that was offline all the time merges, too.
    for n in 0..house.replicas.len() {
        house.sync(n, true);
        house.check("a laptop comes back");
    }
    for n in 0..house.replicas.len() {
        house.sync(n, true);
        let shown: String = edit::lines(&house.replicas[n].0)
            .unwrap()
            .iter()
            .map(|l| format!("{}{}{}", l.enumerator, l.separator, l.text))
            .collect::<Vec<_>>()
            .join("\n")
            + "\n";
        assert_eq!(shown, house.standing(), "all replicas show the same");
    }
}

/// Rejecting everything gives the baseline, in the agreed text and in the document; adopting everything gives the
/// text as it stood.
fn all_or_nothing(seed: u64) {
    let mut r = StdRng::seed_from_u64(seed);
    let mut house = House::new(r.random_range(2..=5));
    house.some_edits(&mut r, 20);
    house.check("open");
    let (before, live) = (house.shown(&View::Baseline), house.shown(&View::Current));
    let mut all = house.proceedings.settled().clone();
    house.open().iter().for_each(|one| all.adopt(&one.derived.deeds()));
    let record = house.proceedings.index.record(&all);
    assert_eq!(
        text(&record, &house.layout, &View::Baseline),
        live,
        "adopting all gives the text as it stood"
    );
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    let everything =
        house.open().iter().map(|one| ruling(&one.derived.proposal.id.0, Decision::Reject)).collect();
    let ruled = house.rule(everything);
    house.check("all rejected");
    if ruled == Ok(true) {
        assert_eq!(house.shown(&View::Baseline), before);
        assert_eq!(house.standing(), before, "rejecting all gives the baseline");
        assert!(view_lines(&house.proceedings.record(), &View::Baseline).len() >= 7);
    }
}

/// Whether a late edit comes before or after the rulings, the agreed text is the same.
fn rulings_commute_with_late_edits(seed: u64) {
    let texts: Vec<String> = [true, false]
        .into_iter()
        .map(|late_first| {
            let mut r = StdRng::seed_from_u64(seed);
            let mut house = House::new(3);
            house.some_edits(&mut r, 12);
            for n in 0..3 {
                house.sync(n, true);
            }
            house.act(&Command::Close, by(Role::Chair, None)).unwrap();
            for _ in 0..4 {
                let n = r.random_range(0..3);
                house.edit(n, &mut r);
            }
            let mut chosen = Vec::new();
            for one in house.open() {
                let decision = DECISIONS[r.random_range(0..2)];
                chosen.push(ruling(&one.derived.proposal.id.0, decision));
            }
            let late = |house: &mut House| (0..3).for_each(|n| house.sync(n, false));
            if late_first {
                late(&mut house);
                house.check("late first");
            }
            for one in chosen {
                let _ = house.rule(vec![one]);
                house.check("ruled");
            }
            if !late_first {
                late(&mut house);
                house.check("late after");
            }
            house.act(&Command::Conclude, by(Role::Secretariat, None)).unwrap();
            house.check("concluded");
            house.proceedings.ledger.revisions().last().unwrap().text.clone()
        })
        .collect();
    assert_eq!(texts[0], texts[1]);
}

/// The same 60 histories each time; with `CODRAFT_CASES` so many new ones.
fn config() -> ProptestConfig {
    match std::env::var("CODRAFT_CASES").ok().and_then(|n| n.parse().ok()) {
        Some(cases) => ProptestConfig::with_cases(cases),
        None => ProptestConfig { cases: 60, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_laws_hold_over_three_rounds(seed in any::<u64>()) {
        three_rounds(seed);
    }

    #[test]
    fn all_adopted_is_the_live_text_and_all_rejected_the_baseline(seed in any::<u64>()) {
        all_or_nothing(seed);
    }

    #[test]
    fn late_edits_never_slip_in(seed in any::<u64>()) {
        rulings_commute_with_late_edits(seed);
    }
}

/// Suppressing one's own addition takes it back. Who lifts that too late proposes it again, too late.
#[test]
fn an_addition_that_comes_back_too_late_is_late() {
    let mut house = House::new(2);
    let (doc, delegation) = &mut house.replicas[0];
    let list = doc.get(ROOT, "provisions").unwrap().unwrap().1;
    let mut tx = doc.transaction();
    let map = tx.insert_object(&list, 2, ObjType::Map).unwrap();
    tx.put(&map, "kind", "paragraph").unwrap();
    let suppressed = tx.put_object(&map, "suppressed", ObjType::Map).unwrap();
    let text = tx.put_object(&map, "text", ObjType::Text).unwrap();
    tx.splice_text(&text, 0, 0, "to add this;").unwrap();
    tx.put(&suppressed, *delegation, true).unwrap();
    tx.commit();
    let code = *delegation;
    house.sync(0, true);
    assert!(house.open().is_empty());
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    let closed = house.shown(&View::Baseline);
    let mut tx = house.replicas[0].0.transaction();
    tx.delete(&suppressed, code).unwrap();
    tx.commit();
    house.sync(0, true);
    house.check("closed");
    let open = house.open();
    let said = |open: &[Listed]| -> Vec<_> {
        open.iter()
            .map(|one| (one.late, one.derived.proposal.mark, one.derived.proposal.sponsors.clone()))
            .collect()
    };
    assert_eq!(said(&open), [(true, Mark::Add, vec![self::code(code)])]);
    assert_eq!(house.shown(&View::Baseline), closed);
    house.act(&Command::Conclude, by(Role::Secretariat, None)).unwrap();
    house.check("concluded");
    assert_eq!(said(&house.open()), [(false, Mark::Add, vec![self::code(code)])]);
}

/// Of words that two wrote alike, what one took back does not come back with the rejection of its strike.
#[test]
fn what_was_taken_back_stays_so() {
    let mut house = House::new(2);
    let before = house.standing();
    let write = |house: &mut House, n: usize, strike: isize, words: &str| {
        let doc = &mut house.replicas[n].0;
        let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
        let (_, map) = doc.get(&list, 4).unwrap().unwrap();
        let (_, text) = doc.get(&map, "text").unwrap().unwrap();
        let mut tx = doc.transaction();
        tx.splice_text(&text, 5, strike, words).unwrap();
        tx.commit();
        house.sync(n, false);
    };
    write(&mut house, 0, 0, "all of ");
    write(&mut house, 1, 0, "all of ");
    house.act(&Command::Collapse, by(Role::Secretariat, None)).unwrap();
    house.sync(0, true);
    write(&mut house, 0, 4, "");
    house.check("one has taken back a part");
    house.act(&Command::Close, by(Role::Chair, None)).unwrap();
    let all = house.open().iter().map(|one| ruling(&one.derived.proposal.id.0, Decision::Reject)).collect();
    house.rule(all).unwrap();
    house.check("all rejected");
    assert_eq!((house.standing(), house.shown(&View::Baseline)), (before.clone(), before));
}

/// Of a provision that two added alike, and that one took back, the other's stays proposed, and the taking back too.
#[test]
fn an_addition_is_taken_back_by_one_of_two() {
    for removes in [true, false] {
        let mut house = House::new(2);
        let before = house.standing();
        for n in 0..2 {
            let doc = &mut house.replicas[n].0;
            let list = doc.get(ROOT, "provisions").unwrap().unwrap().1;
            let mut tx = doc.transaction();
            let map = tx.insert_object(&list, 2, ObjType::Map).unwrap();
            tx.put(&map, "kind", "paragraph").unwrap();
            tx.put_object(&map, "suppressed", ObjType::Map).unwrap();
            let text = tx.put_object(&map, "text", ObjType::Text).unwrap();
            tx.splice_text(&text, 0, 0, "to add this;").unwrap();
            tx.commit();
            house.sync(n, false);
        }
        house.act(&Command::Collapse, by(Role::Secretariat, None)).unwrap();
        house.sync(0, true);
        let (doc, delegation) = &mut house.replicas[0];
        let list = doc.get(ROOT, "provisions").unwrap().unwrap().1;
        let at = (0..doc.length(&list)).find(|at| {
            let map = doc.get(&list, *at).unwrap().unwrap().1;
            let text = doc.get(&map, "text").unwrap().unwrap().1;
            doc.text(&text).unwrap() == "to add this;"
        });
        let map = doc.get(&list, at.unwrap()).unwrap().unwrap().1;
        let suppressed = doc.get(&map, "suppressed").unwrap().unwrap().1;
        let mut tx = doc.transaction();
        if removes {
            tx.delete(&list, at.unwrap()).unwrap();
        } else {
            tx.put(&suppressed, *delegation, true).unwrap();
        }
        tx.commit();
        house.sync(0, true);
        house.check("one has taken it back");
        house.act(&Command::Close, by(Role::Chair, None)).unwrap();
        let live = house.standing();
        let mut decided = house.clone();
        let all = |house: &House, decision| {
            house.open().iter().map(|one| ruling(&one.derived.proposal.id.0, decision)).collect()
        };
        house.rule(all(&house, Decision::Adopt)).unwrap();
        house.check("all adopted");
        assert_eq!((house.shown(&View::Baseline), house.standing()), (live.clone(), live));
        decided.rule(all(&decided, Decision::Reject)).unwrap();
        decided.check("all rejected");
        assert_eq!((decided.shown(&View::Baseline), decided.standing()), (before.clone(), before));
    }
}
