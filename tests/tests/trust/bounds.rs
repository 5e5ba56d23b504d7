//! What the dearest inputs cost that get past the checks before parsing, or are refused by them: time and
//! memory, in a process of their own, so that nothing else is measured.

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ScalarValue};
use bytes::Bytes;
use codraft_protocol::authorship::{Gate, Index, Limits, Sender, chunk};
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::resolution::{SAMPLE, edit, fused, text_form};
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::time::Timestamp;
use codraft_protocol::wire::Frame;
use codraft_tests::fuzz::{forget_peak, kilobytes};
use codraft_tests::hostile::sealed;
use codraft_tests::peer::Replica;
use std::num::NonZeroU64;
use std::process::Command;
use std::time::{Duration, Instant};

/// A frame's limit.
const FRAME: usize = 1 << 20;

struct House {
    index: Index,
    heads: Vec<ChangeHash>,
    max: u64,
    text: ObjectId,
}

fn house() -> House {
    let mut replica = Replica::new("", "", [0; 16]);
    let (layout, lines) = text_form::parse(SAMPLE.as_bytes()).unwrap();
    edit::begin_session(&mut replica.doc, ActorId::from([0; 16]), &DelegationCode::secretariat());
    edit::create(&mut replica.doc, "T", &layout, &lines, Timestamp(0)).unwrap();
    let changes = replica.doc.get_changes(&[]);
    let mut index = Index::new();
    index.replay(&changes[0], &DelegationCode::secretariat()).unwrap();
    let text = match replica.text_object(5) {
        automerge::ObjId::Id(counter, actor, _) => ObjectId::Id(OpId(counter, actor)),
        automerge::ObjId::Root => ObjectId::Root,
    };
    House { index, heads: replica.doc.get_heads(), max: changes[0].max_op(), text }
}

fn change(house: &House, actor: [u8; 16], deps: Vec<ChangeHash>, operations: Vec<Op>) -> Vec<u8> {
    let expanded = ExpandedChange {
        operations,
        actor_id: ActorId::from(actor),
        hash: None,
        seq: 1,
        start_op: NonZeroU64::new(house.max + 1).unwrap(),
        time: 0,
        message: None,
        deps,
        extra_bytes: Vec::new(),
        author: None,
    };
    Change::from(expanded).raw_bytes().to_vec()
}

fn actor(n: usize) -> [u8; 16] {
    let mut actor = [9; 16];
    actor[..8].copy_from_slice(&n.to_be_bytes());
    actor
}

fn insert(house: &House, after: ElementId) -> Op {
    Op {
        action: OpType::Put(ScalarValue::Str("x".into())),
        obj: house.text.clone(),
        key: Key::Seq(after),
        pred: Vec::new().into(),
        insert: true,
    }
}

fn put() -> Op {
    Op {
        action: OpType::Put(ScalarValue::Null),
        obj: ObjectId::Root,
        key: Key::Map("x".into()),
        pred: Vec::new().into(),
        insert: false,
    }
}

/// What the gate makes of the bytes of one message.
fn admit(house: &House, runs: &[Vec<u8>]) -> String {
    let limits = Limits::default();
    let (mut chunks, mut split) = (Vec::new(), 0);
    for run in runs {
        match chunk::split(&Bytes::copy_from_slice(run), &limits) {
            Ok(more) => chunks.extend(more),
            Err(_) => split += 1,
        }
    }
    let delegation: DelegationCode = "CAN".parse().unwrap();
    let sender = Sender { role: Role::Delegate, delegation: Some(&delegation) };
    let admission = Gate::default().admit(&mut house.index.clone(), sender, chunks);
    format!("{} let in, {} refused", admission.accepted.len(), admission.refused.len() + split)
}

type Dear<'a> = (&'a str, usize, Box<dyn FnMut() -> String + 'a>);

fn measured() {
    let house = &house();
    let heads = house.heads.clone();
    let of_gate = |name: &'static str, runs: Vec<Vec<u8>>| -> Dear<'_> {
        let length = runs.iter().map(Vec::len).sum();
        assert!(length <= FRAME + 64, "{name} is no frame: {length}");
        (name, length, Box::new(move || admit(house, &runs)))
    };
    // A run of as many operations as one change may have, in some seventy bytes.
    let run = |n: usize, count: usize| change(house, actor(n), heads.clone(), vec![put(); count]);
    let one_run = run(0, 100_000);
    // The same with other actors' ids in it.
    let pattern = run(0, 90_000);
    let place = pattern.windows(16).position(|part| part == actor(0)).unwrap();
    let many: Vec<_> = (0..FRAME / pattern.len())
        .map(|n| {
            let mut other = pattern.clone();
            other[place..place + 16].copy_from_slice(&actor(n));
            sealed(other)
        })
        .collect();
    // As many characters as fit, each an operation of its own.
    let mut typed = Vec::new();
    for n in 0..7 {
        let mut ops = vec![insert(house, ElementId::Head)];
        let first = house.max + 1;
        ops.extend(
            (1..100_000_u64)
                .map(|k| insert(house, ElementId::Id(OpId(first + k - 1, ActorId::from(actor(n)))))),
        );
        typed.push(change(house, actor(n), heads.clone(), ops));
    }
    // A chain, the last first; and one change that builds on all others of its message.
    let (mut chain, mut before) = (Vec::new(), heads.clone());
    let (mut fan, mut hashes) = (Vec::new(), Vec::new());
    for n in 0..5_000 {
        let link = Change::from_bytes(change(house, actor(n), before.clone(), vec![])).unwrap();
        before = vec![link.hash()];
        chain.push(link.raw_bytes().to_vec());
        let leaf = Change::from_bytes(change(house, actor(n + 10_000), heads.clone(), vec![])).unwrap();
        hashes.push(leaf.hash());
        fan.push(leaf.raw_bytes().to_vec());
    }
    chain.reverse();
    hashes.sort_unstable();
    fan.insert(0, change(house, actor(99_999), hashes, vec![]));
    // What inflates as far as one message may: eight times a change's limit.
    let deflated: Vec<_> = (0..8).map(|n| inflates(house, n)).collect();

    let frame = {
        // The most keys that fit, none of them known.
        let mut bytes = vec![0xbf];
        while bytes.len() < FRAME - 3 {
            bytes.extend([0x60, 0xf6]);
        }
        bytes.push(0xff);
        Bytes::from(bytes)
    };
    let nested = Bytes::from([&[0xa1, 0x61, b'x'][..], &vec![0x81; FRAME - 4], &[0]].concat());
    let sync = {
        let hashes: Vec<ChangeHash> = (0..30_000_u32)
            .map(|n| {
                let mut hash = [1; 32];
                hash[..4].copy_from_slice(&n.to_be_bytes());
                ChangeHash(hash)
            })
            .collect();
        Bytes::from(SyncMessage { need: hashes.clone(), ..SyncMessage::acknowledging(Vec::new()) }.encode())
    };
    let long_line = "1234567890".repeat(9_000);
    let text = vec![long_line; 11].join("\n");
    let lines = "a\n".repeat(9_000);

    let mut dear: Vec<Dear<'_>> = vec![
        of_gate("one run of 100,000 operations", vec![one_run]),
        of_gate("a message full of such runs", many),
        of_gate("700,000 characters typed", typed),
        of_gate("a chain of changes, the last first", chain),
        of_gate("a change that builds on all others", fan),
        of_gate("changes that inflate to 8 MB", deflated),
        (
            "a frame of unknown keys",
            frame.len(),
            Box::new(move || format!("{}", Frame::decode(&frame).is_ok())),
        ),
        (
            "a frame of nested lists",
            nested.len(),
            Box::new(move || format!("{}", Frame::decode(&nested).is_ok())),
        ),
        (
            "a sync message of 30,000 hashes",
            sync.len(),
            Box::new(move || format!("{}", SyncMessage::decode(&sync).is_ok())),
        ),
        ("a text of digits", text.len(), Box::new(move || import(&text))),
        ("a text of short lines", lines.len(), Box::new(move || import(&lines))),
    ];
    println!("| input | bytes | takes | memory | what becomes of it |\n| --- | --- | --- | --- | --- |");
    for (name, length, run) in &mut dear {
        forget_peak();
        let before = kilobytes("VmRSS");
        let started = Instant::now();
        let outcome = run();
        let took = started.elapsed();
        let memory = kilobytes("VmHWM").saturating_sub(before) >> 10;
        println!("| {name} | {length} | {:.0} ms | {memory} MB | {outcome} |", took.as_secs_f64() * 1000.0);
        assert!(took < Duration::from_secs(30), "{name} takes {took:?}");
        assert!(memory < 700, "{name} takes {memory} MB");
    }
}

/// A change of a megabyte that is sent as a few kilobytes.
fn inflates(house: &House, n: usize) -> Vec<u8> {
    let expanded = ExpandedChange {
        operations: Vec::new(),
        actor_id: ActorId::from(actor(n)),
        hash: None,
        seq: 1,
        start_op: NonZeroU64::new(house.max + 1).unwrap(),
        time: 0,
        message: Some("a".repeat((1 << 20) - 300)),
        deps: house.heads.clone(),
        extra_bytes: Vec::new(),
        author: None,
    };
    let mut change = Change::from(expanded);
    change.bytes().to_vec()
}

fn import(text: &str) -> String {
    match text_form::parse(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok((layout, lines)) => {
            let warnings = fused::warnings(&lines).len();
            let mut doc = automerge::Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint);
            let made = edit::create(&mut doc, "T", &layout, &lines, Timestamp(0)).is_ok();
            format!("{} lines, {warnings} warnings, a document: {made}", lines.len())
        }
    }
}

#[test]
fn bounds_hold_for_the_dearest_inputs() {
    const CHILD: &str = "CODRAFT_TEST_BOUNDS";
    if std::env::var_os(CHILD).is_some() {
        return measured();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bounds::bounds_hold_for_the_dearest_inputs", "--nocapture"])
        .env(CHILD, "1")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().filter(|line| line.starts_with('|')).for_each(|line| println!("{line}"));
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
