//! The parts of the way of a change, one by one: `cargo bench -p codraft-tests`.
//! `sh tests/compare.sh OLD NEW` compares two revisions.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use bytes::Bytes;
use codraft_protocol::amendment::{Context, proposals};
use codraft_protocol::authorship::{Gate, Index, Sender};
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::time::Timestamp;
use codraft_protocol::wire::{Frame, SharedFrame, Target};
use codraft_server::hub::{Budgets, ConnectionId, Event, Hub, LoadError, Logged, Member, Settings};
use codraft_server::storage::sled_store::{Options, SledStorage};
use codraft_server::storage::{Storage, Tree, Write};
use codraft_tests::load::document::{Plan, imported, resolution};
use codraft_tests::load::edits::{Edit, History, Pen};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const AT: Timestamp = Timestamp(1_700_000_000_000);

fn can() -> DelegationCode {
    "CAN".parse().unwrap()
}

/// A resolution of 20,000 characters with a history, and a pen at its end.
struct Scene {
    plan: Plan,
    log: Vec<(Bytes, DelegationCode)>,
    pen: Pen,
}

fn scene(history: usize) -> Scene {
    let text = resolution(40, 20_000);
    let plan = Plan::of(&imported(&text));
    let edits = History::new(&plan, 4, 500).all(&plan, history);
    let mut pen = Pen::new(&plan, 1);
    let (_, last) = edits.last().unwrap();
    pen.heads = vec![last.hash];
    pen.last_op = last.last_op;
    let secretariat = DelegationCode::secretariat();
    let imported = plan.changes.iter().map(|(_, raw)| (raw.clone(), secretariat.clone()));
    let written =
        edits.into_iter().map(|(who, edit)| (edit.raw, ["CAN", "USA", "FRA", "KEN"][who].parse().unwrap()));
    let log = imported.chain(written).collect();
    Scene { plan, log, pen }
}

fn index(scene: &Scene) -> Index {
    let mut index = Index::new();
    for (raw, delegation) in &scene.log {
        let change = automerge::Change::from_bytes(raw.to_vec()).unwrap();
        index.replay(&change, delegation).unwrap();
    }
    index
}

fn hub(scene: &Scene, peers: u64) -> Hub {
    let settings = Settings {
        document: DocumentId::from_bytes([7; 16]),
        server: "bench".into(),
        baseline: scene.plan.heads.clone(),
        gate: Gate::default(),
        budgets: Budgets::default(),
        snapshot_every: 1000,
        quarantine: Default::default(),
        closed: false,
        imported: Default::default(),
        hand: automerge::ActorId::from([250; 16]),
    };
    let log = (0..).zip(&scene.log);
    let logged = log.map(|(number, (raw, owner))| Logged::read(number, raw.clone(), owner.clone()));
    let mut hub = Hub::load::<LoadError>(settings, logged, []).unwrap();
    for number in 0..peers {
        let connection = ConnectionId(number);
        let (peer, account) = (format!("p{number}"), "a".into());
        let member = Member { peer, account, role: Role::Delegate, delegation: Some(can()) };
        hub.handle(AT, Event::Open { connection, member }, &mut Vec::new());
        let data = SyncMessage::acknowledging(hub.heads()).encode().into();
        hub.handle(AT, Event::Sync { connection, data }, &mut Vec::new());
    }
    hub
}

fn message(edit: &Edit) -> SyncMessage {
    SyncMessage { changes: vec![edit.raw.clone()], ..SyncMessage::acknowledging(vec![edit.hash]) }
}

fn authorship(c: &mut Criterion) {
    let mut scene = scene(10_000);
    let (mut index, gate, can) = (index(&scene), Gate::default(), can());
    let sender = Sender { role: Role::Delegate, delegation: Some(&can) };
    let edit = scene.pen.insert(&scene.plan);
    c.bench_function("gate: check one change", |b| b.iter(|| gate.check(&index, sender, &edit.raw).unwrap()));
    gate.admit(&mut index, sender, vec![edit.raw]);
    c.bench_function("gate and fold one change", |b| {
        b.iter_batched(
            || scene.pen.insert(&scene.plan).raw,
            |raw| assert_eq!(gate.admit(&mut index, sender, vec![raw]).accepted.len(), 1),
            BatchSize::PerIteration,
        );
    });
    let adopted = index.adopted_at(&scene.plan.heads).unwrap();
    c.bench_function("record", |b| b.iter(|| index.record(&adopted)));
    let record = index.record(&adopted);
    c.bench_function("proposals of a record", |b| {
        let saw = |later, earlier| index.saw(later, earlier);
        b.iter(|| proposals(&record, &Context { document: DocumentId::from_bytes([7; 16]), saw: &saw }));
    });
    c.bench_function("replay 10,000 changes", |b| b.iter(|| self::index(&scene)));
}

fn wire(c: &mut Criterion) {
    let mut scene = scene(500);
    let data: Bytes = message(&scene.pen.insert(&scene.plan)).encode().into();
    let (sender, target) = ("peer-00001-0123abcd".to_owned(), "codraft-01234567".to_owned());
    let document = DocumentId::from_bytes([7; 16]).to_string();
    let frame =
        Frame::Sync { sender, target, document: document.clone(), data: data.clone(), request: false };
    let bytes = frame.encode();
    c.bench_function("wire: read a frame and its sync message", |b| {
        b.iter(|| match Frame::decode(&bytes) {
            Ok(Frame::Sync { data, .. }) => SyncMessage::decode(&data).unwrap(),
            _ => unreachable!(),
        });
    });
    let shared = SharedFrame::sync("codraft-01234567", &document, &data);
    let target = Target::new("peer-00001-0123abcd");
    c.bench_function("wire: address a shared frame", |b| b.iter(|| shared.addressed_to(&target)));
}

fn hubs(c: &mut Criterion) {
    let mut scene = scene(10_000);
    let mut hub = hub(&scene, 101);
    c.bench_function("hub: a change in, effects for 100 readers out", |b| {
        b.iter_batched(
            || message(&scene.pen.insert(&scene.plan)).encode().into(),
            |data| {
                let mut effects = Vec::new();
                hub.handle(AT, Event::Sync { connection: ConnectionId(0), data }, &mut effects);
                let durable = hub.folded();
                hub.handle(AT, Event::Stored { durable }, &mut effects);
                effects
            },
            BatchSize::PerIteration,
        );
    });
}

fn commits(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    drop(SledStorage::init(&path, [1; 16], &[], AT).unwrap());
    let mut store = SledStorage::open(&path, &Options { reserve: Some(0), ..Options::default() }).unwrap();
    let mut number = 0_u64;
    let mut group = c.benchmark_group("commit");
    group.sample_size(20);
    for size in [1, 64] {
        group.bench_function(format!("{size} changes"), |b| {
            b.iter(|| {
                let write = |n: u64| Write {
                    tree: Tree::Changes,
                    key: (number + n).to_be_bytes().to_vec(),
                    value: Some(vec![7; 200]),
                };
                let writes: Vec<_> = (0..size).map(write).collect();
                number += size;
                store.commit(&writes, AT).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, authorship, wire, hubs, commits);
criterion_main!(benches);
