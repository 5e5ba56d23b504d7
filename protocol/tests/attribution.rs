//! The attribution index against Automerge itself, on random histories of several delegations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::transaction::Transactable;
use automerge::{ActorId, Author, Automerge, Change, ObjId, ObjType, ROOT, ReadDoc, TextEncoding, Value};
use bytes::Bytes;
use codraft_protocol::authorship::{ChangeIx, Gate, Index, Record, Sender};
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::time::Timestamp;
use proptest::prelude::{ProptestConfig, prop, prop_assert, prop_assert_eq, proptest};
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

const CODES: [&str; 6] = ["BRA", "CAN", "FRA", "JPN", "NOR", "USA"];
const WORDS: [&str; 9] = ["resolves", " ", "é", "e\u{301}", "漢字", "👩‍👩‍👧", "العربية", "2022", "-"];

/// A document with `n` provisions, as the secretariat imports it.
fn founded(n: usize) -> Automerge {
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    doc.set_author(Some(Author::from(b"SECRETARIAT".to_vec())));
    let mut tx = doc.transaction();
    tx.put(ROOT, "schema", 1).unwrap();
    let list = tx.put_object(ROOT, "provisions", ObjType::List).unwrap();
    for i in 0..n {
        add(&mut tx, &list, i, "requests the Secretary-General");
    }
    tx.commit();
    doc
}

fn add(tx: &mut impl Transactable, list: &ObjId, at: usize, words: &str) {
    let map = tx.insert_object(list, at, ObjType::Map).unwrap();
    tx.put(&map, "kind", "paragraph").unwrap();
    tx.put(&map, "level", 1).unwrap();
    tx.put(&map, "enumerator", format!("{at})")).unwrap();
    tx.put_object(&map, "suppressed", ObjType::Map).unwrap();
    let text = tx.put_object(&map, "text", ObjType::Text).unwrap();
    tx.splice_text(&text, 0, 0, words).unwrap();
}

/// One random edit by one delegation.
fn edit(doc: &mut Automerge, code: &str, r: &mut StdRng) {
    let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
    let n = doc.length(&list);
    let mut tx = doc.transaction();
    let pick = r.random_range(0..20);
    if n == 0 || pick == 0 {
        add(&mut tx, &list, r.random_range(0..=n), WORDS[r.random_range(0..WORDS.len())]);
    } else if pick == 1 {
        tx.delete(&list, r.random_range(0..n)).unwrap();
    } else {
        let (_, map) = tx.get(&list, r.random_range(0..n)).unwrap().unwrap();
        match pick {
            2 => tx.put(&map, "enumerator", format!("{})", r.random_range(1..9))).unwrap(),
            3 => {
                let (_, suppressed) = tx.get(&map, "suppressed").unwrap().unwrap();
                tx.put(&suppressed, code, true).unwrap();
            }
            _ => {
                let (_, text) = tx.get(&map, "text").unwrap().unwrap();
                let length = tx.length(&text);
                let at = r.random_range(0..=length);
                let cut = r.random_range(0..=(length - at).min(6));
                let word = if r.random_bool(0.7) { WORDS[r.random_range(0..WORDS.len())] } else { "" };
                tx.splice_text(&text, at, cut as isize, word).unwrap();
            }
        }
    }
    tx.commit();
}

/// A random history: every delegation's replica, and the merge of all.
fn history(seed: u64) -> (Automerge, Vec<(Automerge, &'static str)>) {
    let mut r = StdRng::seed_from_u64(seed);
    let base = founded(r.random_range(1..4));
    let count = r.random_range(3..=6);
    let mut replicas: Vec<(Automerge, &str)> = (0..count)
        .map(|i| {
            let label = Some(Author::from(CODES[i].as_bytes().to_vec()));
            (base.fork().with_author(label), CODES[i])
        })
        .collect();
    for _ in 0..r.random_range(5..60) {
        let i = r.random_range(0..count);
        let (doc, code) = &mut replicas[i];
        edit(doc, code, &mut r);
        if r.random_bool(0.3) {
            let j = r.random_range(0..count);
            if i != j {
                let mut other = replicas[j].0.clone();
                replicas[i].0.merge(&mut other).unwrap();
            }
        }
    }
    let mut all = base;
    for (doc, _) in &mut replicas {
        all.merge(doc).unwrap();
    }
    (all, replicas)
}

/// Whose an honest change is.
fn owner(doc: &Automerge, change: &Change) -> DelegationCode {
    let author = doc.get_author_for_actor(change.actor_id()).expect("every actor is labelled");
    String::from_utf8(author.as_bytes().to_vec()).unwrap().parse().unwrap()
}

/// The index of a document, its changes let through the gate one by one.
fn indexed(doc: &Automerge, changes: &[Change]) -> Index {
    let (gate, mut index) = (Gate::default(), Index::new());
    for change in changes {
        let delegation = owner(doc, change);
        if index.is_empty() {
            index.replay(change, &delegation).unwrap();
            continue;
        }
        let role = if delegation.is_secretariat() { Role::Secretariat } else { Role::Delegate };
        let sender = Sender { role, delegation: Some(&delegation) };
        let passed = gate.check(&index, sender, change.raw_bytes());
        index.fold(passed.unwrap_or_else(|refusal| panic!("an honest change was refused: {refusal}")));
    }
    index
}

/// What Automerge shows: per provision its enumerator, text and suppressors, in order.
type Shown = Vec<(String, String, Vec<String>)>;

fn shown_by_automerge(doc: &Automerge, heads: Option<&[automerge::ChangeHash]>) -> Shown {
    let heads = heads.map(<[_]>::to_vec).unwrap_or_else(|| doc.get_heads());
    let (_, list) = doc.get_at(ROOT, "provisions", &heads).unwrap().unwrap();
    (0..doc.length_at(&list, &heads))
        .map(|i| {
            let (_, map) = doc.get_at(&list, i, &heads).unwrap().unwrap();
            let enumerator = match doc.get_at(&map, "enumerator", &heads).unwrap() {
                Some((Value::Scalar(s), _)) => scalar(&s),
                _ => String::new(),
            };
            let (_, text) = doc.get_at(&map, "text", &heads).unwrap().unwrap();
            let (_, suppressed) = doc.get_at(&map, "suppressed", &heads).unwrap().unwrap();
            let keys = doc.keys_at(&suppressed, &heads).collect();
            (enumerator, doc.text_at(&text, &heads).unwrap(), keys)
        })
        .collect()
}

/// The same from the record, counting only deeds for which `counts` holds.
fn shown_by_record(record: &Record, counts: impl Fn(&codraft_protocol::authorship::Deed) -> bool) -> Shown {
    let standing =
        record.provisions.iter().filter(|p| p.inserted.iter().any(&counts) && !p.removed.iter().any(&counts));
    standing
        .map(|p| {
            let mut versions = p.field("enumerator").iter();
            let value = versions.rfind(|v| counts(&v.put) && !v.replaced.iter().any(&counts));
            let runs = p
                .text
                .iter()
                .filter(|run| run.inserted.iter().any(&counts) && !run.struck.iter().any(&counts));
            let mut by: Vec<String> = p
                .suppressed
                .iter()
                .filter(|s| counts(&s.put) && !s.lifted.iter().any(&counts))
                .map(|s| s.delegation.to_string())
                .collect();
            by.dedup();
            (
                value.map(|v| v.value.clone()).unwrap_or_default(),
                runs.map(|run| run.text.as_str()).collect(),
                by,
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("CODRAFT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
    ))]

    #[test]
    fn everything_projected_is_automerges_own_text(seed: u64) {
        let (doc, _) = history(seed);
        let index = indexed(&doc, &doc.get_changes(&[]));
        prop_assert_eq!(index.heads(), { let mut h = doc.get_heads(); h.sort(); h });
        let record = index.record(&index.adopted_at(&[]).unwrap());
        prop_assert_eq!(shown_by_record(&record, |_| true), shown_by_automerge(&doc, None));
    }

    #[test]
    fn what_is_adopted_projected_is_the_text_at_those_heads(seed: u64, at: prop::sample::Index) {
        let (doc, _) = history(seed);
        let changes = doc.get_changes(&[]);
        let heads = [changes[at.index(changes.len())].hash()];
        let index = indexed(&doc, &changes);
        let record = index.record(&index.adopted_at(&heads).unwrap());
        prop_assert_eq!(shown_by_record(&record, codraft_protocol::authorship::Deed::is_adopted), shown_by_automerge(&doc, Some(&heads)));
    }

    #[test]
    fn any_order_of_arrival_gives_the_same_record(seed: u64) {
        let (doc, _) = history(seed);
        let changes = doc.get_changes(&[]);
        let straight = indexed(&doc, &changes);
        // A random topological order.
        let mut r = StdRng::seed_from_u64(seed ^ 1);
        let (mut left, mut order) = (changes, Vec::<Change>::new());
        while !left.is_empty() {
            let at = r.random_range(0..left.len());
            if left[at].deps().iter().all(|dep| order.iter().any(|c| c.hash() == *dep)) {
                order.push(left.remove(at));
            }
        }
        let shuffled = indexed(&doc, &order);
        let named = |index: &Index| {
            let record = index.record(&index.adopted_at(&[]).unwrap());
            let name = |deed: &codraft_protocol::authorship::Deed| record.change(*deed).unwrap().hash;
            let mut all = Vec::new();
            for p in &record.provisions {
                for run in &p.text {
                    let mut struck: Vec<_> = run.struck.iter().map(name).collect();
                    struck.sort();
                    for c in run.text.chars() {
                        all.push((p.id.clone(), c, name(&run.inserted[0]), struck.clone()));
                    }
                }
            }
            all
        };
        prop_assert_eq!(named(&straight), named(&shuffled));
    }

    #[test]
    fn a_snapshot_is_the_index(seed: u64, at: prop::sample::Index) {
        let (doc, _) = history(seed);
        let changes = doc.get_changes(&[]);
        let (before, after) = changes.split_at(at.index(changes.len() + 1));
        let mut straight = Index::new();
        for change in before {
            straight.replay(change, &owner(&doc, change)).unwrap();
        }
        let bytes = straight.snapshot();
        let mut restored = Index::of_snapshot(&bytes).unwrap();
        prop_assert_eq!(restored.snapshot(), bytes.clone());
        for change in after {
            straight.replay(change, &owner(&doc, change)).unwrap();
            restored.replay(change, &owner(&doc, change)).unwrap();
        }
        prop_assert_eq!(restored.snapshot(), straight.snapshot());
        prop_assert_eq!(restored.heads(), straight.heads());
        let told = |index: &Index| {
            let record = index.record(&index.adopted_at(&[]).unwrap());
            let whose = (0..index.len()).map(|n| index.delegation_at(ChangeIx(n as u32)).cloned());
            (record.provisions, whose.collect::<Vec<_>>())
        };
        prop_assert_eq!(told(&restored), told(&straight));
        for change in &changes {
            let ix = restored.position(&change.hash()).unwrap();
            prop_assert_eq!(restored.last_seq(change.actor_id()), straight.last_seq(change.actor_id()));
            prop_assert_eq!(restored.deps_at(ix), straight.deps_at(ix));
        }
        // What is not whole is none, and nothing that is read panics.
        for length in 0..bytes.len() {
            prop_assert!(Index::of_snapshot(&bytes[..length]).is_err());
        }
        let mut r = StdRng::seed_from_u64(seed);
        for _ in 0..50 {
            let mut bad = bytes.clone();
            let place = r.random_range(0..bad.len());
            bad[place] = r.random();
            let _ = Index::of_snapshot(&bad);
        }
    }

    #[test]
    fn a_message_in_any_order_is_admitted_whole(seed: u64) {
        let (doc, _) = history(seed);
        let changes = doc.get_changes(&[]);
        let (gate, mut index) = (Gate::default(), Index::new());
        index.replay(&changes[0], &DelegationCode::secretariat()).unwrap();
        for code in CODES {
            let code: DelegationCode = code.parse().unwrap();
            let mut own: Vec<Bytes> = changes[1..].iter().map(|c| Bytes::copy_from_slice(c.raw_bytes())).collect();
            SliceRandom::shuffle(&mut own[..], &mut StdRng::seed_from_u64(seed));
            let sender = Sender { role: Role::Delegate, delegation: Some(&code) };
            let before = index.len();
            let admission = gate.admit(&mut index, sender, own);
            // Whatever was let in is its own, labelled so; what is others' was refused or known.
            for accepted in &admission.accepted {
                let change = doc.get_change_by_hash(&accepted.hash).unwrap();
                prop_assert_eq!(owner(&doc, &change), code.clone());
            }
            prop_assert_eq!(before + admission.accepted.len(), index.len());
            prop_assert_eq!(admission.accepted.len() + admission.refused.len() + admission.known, changes.len() - 1);
        }
    }
}

#[test]
fn the_layout_is_the_imported_text_s() {
    let texts =
        ["Title\n1\tto act;\n", "Title\r\n1\tto act;\r\n", "\u{feff}Title\n1\tto act;", "\u{feff}Title\r\n"];
    for text in texts {
        let (layout, lines) = text_form::parse(text.as_bytes()).unwrap();
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        edit::create(&mut doc, "", &layout, &lines, Timestamp(0)).unwrap();
        let mut index = Index::new();
        assert_eq!(index.layout(), None);
        index.replay(&doc.get_changes(&[])[0], &DelegationCode::secretariat()).unwrap();
        assert_eq!(index.layout(), Some(layout), "{text:?}");
    }
}

#[test]
fn saw_is_ancestry() {
    for seed in 0..40 {
        let (doc, _) = history(seed);
        let changes = doc.get_changes(&[]);
        let index = indexed(&doc, &changes);
        let mut ancestors: std::collections::HashMap<_, std::collections::HashSet<_>> = Default::default();
        for change in &changes {
            let mut own: std::collections::HashSet<_> = [change.hash()].into();
            for dep in change.deps() {
                own.extend(ancestors[dep].clone());
            }
            ancestors.insert(change.hash(), own);
        }
        for a in &changes {
            for b in &changes {
                let (x, y) = (index.position(&a.hash()).unwrap(), index.position(&b.hash()).unwrap());
                assert_eq!(index.saw(x, y), ancestors[&a.hash()].contains(&b.hash()), "seed {seed}");
            }
        }
    }
}

#[test]
fn two_actors_ids_are_ordered_as_automerge_orders_them() {
    // Concurrent insertions at one place with equal counters: the tie is broken by the actors' bytes.
    for (low, high) in [(1_u8, 2_u8), (2, 1)] {
        let base = founded(1);
        let mut a = base.fork().with_actor(ActorId::from(vec![low; 16]));
        let mut b = base.fork().with_actor(ActorId::from(vec![high; 16]));
        for (doc, word) in [(&mut a, "left"), (&mut b, "right")] {
            let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
            let (_, map) = doc.get(&list, 0).unwrap().unwrap();
            let (_, text) = doc.get(&map, "text").unwrap().unwrap();
            let mut tx = doc.transaction();
            tx.splice_text(&text, 9, 0, word).unwrap();
            tx.commit();
        }
        a.merge(&mut b).unwrap();
        let mut index = Index::new();
        for change in a.get_changes(&[]) {
            index.replay(&change, &DelegationCode::secretariat()).unwrap();
        }
        let record = index.record(&index.adopted_at(&[]).unwrap());
        assert_eq!(shown_by_record(&record, |_| true), shown_by_automerge(&a, None));
    }
}

fn scalar(value: &automerge::ScalarValue) -> String {
    match value {
        automerge::ScalarValue::Str(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}
