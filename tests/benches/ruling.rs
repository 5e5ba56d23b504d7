//! What a ruling on 200 proposals at once costs, on a resolution of 220 provisions with 100,000 operations, each a
//! change of its own. Nobody's edit is relayed while it is decided, so this is what editors wait for it at most:
//! `cargo bench -p codraft-tests --bench ruling`.
#![allow(clippy::unwrap_used, missing_docs)]

use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, ROOT, ReadDoc as _, TextEncoding};
use codraft_protocol::api::{By, Decision, NewRuling, NewRulings};
use codraft_protocol::authorship::Index;
use codraft_protocol::authorship::hand::Pen;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::round::{Command, Proceedings};
use codraft_protocol::time::Timestamp;
use codraft_server::storage::record::{key, ledger};
use codraft_server::storage::sled_store::{Options, SledStorage};
use codraft_server::storage::{Storage as _, Tree, Write};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const PROVISIONS: usize = 220;
const PROPOSALS: usize = 200;
/// Operations of one proposal: a sentence that is typed in, each letter a change.
const LETTERS: usize = 500;

fn by(role: Role) -> By {
    By { account: "a".to_owned(), role: Some(role), delegation: None }
}

fn pen() -> Pen {
    Pen { actor: ActorId::from([250; 16]), time: 1, message: String::new() }
}

/// A closed round with all its proposals.
fn closed() -> Proceedings {
    let mut text = "Resolution 1\nOn rulings\nThe Council,\nresolves\n".to_owned();
    (1..=PROVISIONS).for_each(|n| text.push_str(&format!("{n}\tto do what paragraph {n} says;\n")));
    let (layout, lines) = text_form::parse(text.as_bytes()).unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "", &layout, &lines, Timestamp(0)).unwrap();
    let mut index = Index::new();
    for change in doc.get_changes(&[]) {
        index.replay(&change, &DelegationCode::secretariat()).unwrap();
    }
    let id = DocumentId::from_bytes([1; 16]);
    let mut proceedings = Proceedings::new(id, index, &doc.get_heads(), Timestamp(0)).unwrap();
    for (n, code) in ["BRA", "CAN", "KEN", "NOR", "USA"].into_iter().enumerate() {
        let delegation: DelegationCode = code.parse().unwrap();
        let mut replica = doc.fork();
        edit::begin_session(&mut replica, ActorId::from([n as u8 + 1; 16]), &delegation);
        let provisions = replica.get(ROOT, "provisions").unwrap().unwrap().1;
        let own = (4..4 + PROVISIONS).filter(|at| at % 5 == n).take(PROPOSALS / 5);
        for at in own {
            let provision = replica.get(&provisions, at).unwrap().unwrap().1;
            let text = replica.get(&provision, "text").unwrap().unwrap().1;
            for letter in "word ".chars().cycle().take(LETTERS) {
                let end = replica.length(&text);
                let mut transaction = replica.transaction();
                transaction.splice_text(&text, end, 0, letter.encode_utf8(&mut [0; 4])).unwrap();
                transaction.commit();
            }
        }
        for change in replica.get_changes(&doc.get_heads()) {
            proceedings.index.replay(&change, &delegation).unwrap();
        }
    }
    proceedings.act(&Command::Close, by(Role::Chair), Timestamp(2000), &pen()).unwrap();
    let open = proceedings.floor().open(&proceedings.record()).len();
    assert_eq!(open, PROPOSALS);
    proceedings
}

fn rulings(c: &mut Criterion) {
    let closed = closed();
    let names: Vec<String> = {
        let open = closed.floor().open(&closed.record());
        open.iter().map(|one| one.derived.proposal.id.0.clone()).collect()
    };
    let rule = |names: &[String], decision: Decision| {
        let each = names.iter().map(|proposal| NewRuling {
            proposal: proposal.clone(),
            decision,
            segments: None,
            reason: String::new(),
            revisit: false,
        });
        Command::Rule(NewRulings { rulings: each.collect(), ..NewRulings::default() })
    };
    let mut group = c.benchmark_group("ruling on 200 proposals at once");
    group.sample_size(10);
    let commands = [
        ("adopt", rule(&names, Decision::Adopt)),
        ("reject", rule(&names, Decision::Reject)),
        ("one", rule(names.get(..1).unwrap(), Decision::Adopt)),
    ];
    for (name, command) in &commands {
        group.bench_function(*name, |b| {
            b.iter_batched(
                || closed.clone(),
                |mut house| {
                    let entry = house.act(command, by(Role::Chair), Timestamp(3000), &pen()).unwrap();
                    (house, entry.unwrap())
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();

    // Beside it what its own commit costs, on this disk: nobody should wait longer for the one than for the other.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    drop(SledStorage::init(&path, [1; 16], &[], Timestamp(0)).unwrap());
    let mut store = SledStorage::open(&path, &Options { reserve: Some(0), ..Options::default() }).unwrap();
    let mut number = 0;
    let mut group = c.benchmark_group("the commit of a ruling on 200 proposals");
    group.sample_size(10);
    for (name, command) in commands {
        let (entry, change) =
            closed.clone().act(&command, by(Role::Chair), Timestamp(3000), &pen()).unwrap().unwrap();

        group.bench_function(name, |b| {
            b.iter(|| {
                number += 1;
                let put = |tree, value| Write {
                    tree,
                    key: key::numbered(&closed.document, number),
                    value: Some(value),
                };
                let mut writes = vec![put(Tree::Ledger, ledger::encode(&entry))];
                writes.extend(change.iter().map(|change| put(Tree::Changes, change.raw_bytes().to_vec())));
                store.commit(&writes, Timestamp(4000)).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rulings);
criterion_main!(benches);
