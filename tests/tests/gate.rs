//! The gate against what no honest client sends: every attack refused, random damage never gets through to
//! harm, honest changes always do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::{ActorId, Automerge, Change};
use bytes::Bytes;
use codraft_protocol::authorship::{Gate, Index, Sender};
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::resolution::{SAMPLE, edit, text_form};
use codraft_protocol::time::Timestamp;
use codraft_tests::hostile::{attacks, orphans, sealed};
use codraft_tests::peer::Replica;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

/// The sample, with a first edit by CAN's actor, and the server's index of it.
fn house() -> (Replica, Index) {
    let mut replica = Replica::new("", "", [0; 16]);
    let (layout, lines) = text_form::parse(SAMPLE.as_bytes()).unwrap();
    edit::begin_session(&mut replica.doc, ActorId::from([0; 16]), &DelegationCode::secretariat());
    edit::create(&mut replica.doc, "T", &layout, &lines, Timestamp(0)).unwrap();
    let mut index = Index::new();
    index.replay(&replica.doc.get_changes(&[])[0], &DelegationCode::secretariat()).unwrap();
    edit::begin_session(&mut replica.doc, ActorId::from([1; 16]), &code("CAN"));
    let before = replica.doc.get_heads();
    replica.splice(4, 0, 0, "honest ");
    admit(&mut index, "CAN", replica.doc.get_changes(&before)).unwrap();
    (replica, index)
}

/// Lets changes in as a delegate's; the code of the first refusal.
fn admit(index: &mut Index, delegation: &str, changes: Vec<Change>) -> Result<(), &'static str> {
    let chunks = changes.iter().map(|change| Bytes::copy_from_slice(change.raw_bytes())).collect();
    admit_chunks(index, delegation, chunks)
}

fn admit_chunks(index: &mut Index, delegation: &str, chunks: Vec<Bytes>) -> Result<(), &'static str> {
    let delegation = code(delegation);
    let sender = Sender { role: Role::Delegate, delegation: Some(&delegation) };
    let mut whole = Vec::new();
    for run in chunks {
        match codraft_protocol::authorship::chunk::split(&run, &Gate::default().limits) {
            Ok(split) => whole.extend(split),
            Err(refusal) => return Err(refusal.code()),
        }
    }
    let admission = Gate::default().admit(index, sender, whole);
    admission.refused.first().map_or(Ok(()), |refused| Err(refused.refusal.code()))
}

#[test]
fn every_attack_is_refused_and_nothing_changes() {
    let (replica, mut index) = house();
    let text = replica.text_object(4);
    let heads = index.heads();
    for (name, bytes, expected) in attacks(&replica.doc, &ActorId::from([1; 16]), &text) {
        let outcome = admit_chunks(&mut index, "CAN", vec![Bytes::from(bytes)]);
        let code = outcome.expect_err(name);
        println!("{name}: {code}");
        assert!(expected.is_empty() || code == expected, "{name}: {code}, not {expected}");
        assert_eq!(index.heads(), heads, "{name}");
    }
    for orphan in orphans(50) {
        assert!(admit_chunks(&mut index, "CAN", vec![orphan.into()]).is_err());
    }
    // Others' actors and roles.
    let (mut honest, mut index) = house();
    let before = honest.doc.get_heads();
    honest.splice(5, 0, 0, "more ");
    let changes = honest.doc.get_changes(&before);
    assert_eq!(admit(&mut index, "USA", changes.clone()), Err("foreign-actor"));
    let observer = Sender { role: Role::Observer, delegation: None };
    let chunks = changes.iter().map(|change| Bytes::copy_from_slice(change.raw_bytes())).collect();
    assert_eq!(Gate::default().admit(&mut index, observer, chunks).refused.len(), 1);
    assert_eq!(admit(&mut index, "CAN", changes), Ok(()));
}

/// Damages honest changes in every way; `CODRAFT_MUTATIONS` says how many (4,000 by default).
#[test]
fn damaged_changes_do_no_harm() {
    let count = std::env::var("CODRAFT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000);
    let mut rng = StdRng::seed_from_u64(5);
    let (replica, _) = house();
    // Honest changes of many kinds.
    let mut honest = Vec::new();
    let mut writer = replica.doc.clone();
    for n in 0..40 {
        let before = writer.get_heads();
        let (layout, mut lines) = (edit::layout(&writer).unwrap(), edit::lines(&writer).unwrap());
        let at = rng.random_range(4..lines.len());
        match n % 4 {
            0 => drop(lines.remove(at)),
            1 => lines[at].text.push_str(" and more"),
            2 => lines[at].enumerator = "7".to_owned(),
            _ => lines.insert(at, lines[at].clone()),
        }
        let parts = lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
        let text = text_form::write(&layout, parts);
        let (_, parsed) = text_form::parse(text.as_bytes()).unwrap();
        if n % 10 == 0 {
            edit::begin_session(&mut writer, ActorId::from([n as u8 + 2; 16]), &code("CAN"));
        }
        edit::apply_text(&mut writer, &code("CAN"), &parsed, Timestamp(0)).unwrap();
        let base = writer.fork_at(&before).unwrap();
        honest.extend(writer.get_changes(&before).into_iter().map(|change| (base.clone(), change)));
    }
    let index_of = |doc: &Automerge| {
        let mut index = Index::new();
        for change in doc.get_changes(&[]) {
            let label = doc.get_author_for_actor(change.actor_id()).unwrap();
            let owner = std::str::from_utf8(label.as_bytes()).unwrap().parse().unwrap();
            index.replay(&change, &owner).unwrap();
        }
        index
    };
    let indexed: Vec<_> = honest.iter().map(|(base, change)| (base, change, index_of(base))).collect();
    for (_, change, index) in &indexed {
        assert_eq!(admit(&mut index.clone(), "CAN", vec![(*change).clone()]), Ok(()), "honest");
    }
    let mut admitted = 0;
    for n in 0..count {
        let (base, change, index) = &indexed[n % indexed.len()];
        let mut chunk = change.raw_bytes().to_vec();
        let is_deflated = chunk[8] == 2;
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(9..chunk.len());
            match rng.random_range(0..4) {
                0 => chunk[at] ^= 1 << rng.random_range(0..8),
                1 => chunk[at] = rng.random(),
                2 => drop(chunk.remove(at)),
                _ => chunk.insert(at, rng.random()),
            }
        }
        if !is_deflated {
            chunk = sealed(chunk);
        }
        let mut index = index.clone();
        if admit_chunks(&mut index, "CAN", vec![chunk.clone().into()]).is_ok() {
            // Then every client takes it, too, and the document can be saved and loaded.
            admitted += 1;
            let mut doc = Automerge::clone(base);
            doc.load_incremental(&chunk).unwrap_or_else(|error| panic!("mutation {n}: {error}"));
            let loaded = Automerge::load(&doc.save()).unwrap_or_else(|error| panic!("mutation {n}: {error}"));
            assert_eq!(loaded.get_heads(), doc.get_heads(), "mutation {n}");
            assert_eq!(index.heads(), doc.get_heads(), "mutation {n}");
        }
    }
    println!("{count} damaged changes, {admitted} of them harmless and let in");
    assert!(admitted > 0 && admitted < count / 2);
}
