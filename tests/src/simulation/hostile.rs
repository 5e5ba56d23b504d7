//! What a hostile delegate sends beside honest edits: changes in another's name, changes that do not fit,
//! messages that stall whoever reads them.

use super::stock::{Stock, list, write};
use super::truth::Truth;
use automerge::sync::BloomFilter;
use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, Change, ChangeHash, ExpandedChange, ObjType, ReadDoc};
use bytes::Bytes;
use codraft_protocol::id::DelegationCode;
use codraft_protocol::resolution::edit::begin_session;
use codraft_protocol::sync::{Have, SyncMessage};
use codraft_protocol::time::Timestamp;
use rand::Rng as _;
use rand::rngs::StdRng;
use std::num::NonZeroU64;

/// What an attack sends.
pub fn attack(
    stock: &mut Stock,
    others: &[(DelegationCode, Vec<Change>)],
    rng: &mut StdRng,
    now: Timestamp,
    truth: &mut Truth,
) -> Vec<Bytes> {
    if list(&stock.doc).is_none() {
        return Vec::new();
    }
    let own = stock.code.clone();
    let heads = stock.doc.get_heads();
    let mut bad = |changes: Vec<Change>, why: &'static str| {
        for change in &changes {
            truth.wrote(&own, change.hash(), Some(why));
        }
        bringing(heads.clone(), &changes)
    };
    let another = others.get(rng.random_range(0..others.len().max(1))).map(|(code, _)| code.clone());
    match rng.random_range(0..15) {
        0 | 1 => {
            // In the name of an actor that others know.
            let changes = stock.doc.get_changes(&[]);
            let actors: Vec<&ActorId> =
                changes.iter().filter(|change| truth_author(others, change)).map(Change::actor_id).collect();
            if actors.is_empty() {
                return Vec::new();
            }
            let actor = actors[rng.random_range(0..actors.len())].clone();
            let mut fork = stock.doc.fork().with_actor(actor);
            vec![bad(edited(&mut fork, &stock.code, rng, now), "another's actor")]
        }
        2 | 3 => {
            let Some(another) = another else { return Vec::new() };
            let mut fork = stock.doc.fork();
            begin_session(&mut fork, fresh(rng), &another);
            vec![bad(edited(&mut fork, &stock.code, rng, now), "another's label")]
        }
        4 => vec![bad(forged(stock, rng, now, |change, _| change.seq += 3), "a gap in its numbers")],
        5 => {
            let orphan = |change: &mut ExpandedChange, rng: &mut StdRng| {
                change.deps.push(ChangeHash(rng.random()));
                change.deps.sort();
            };
            vec![bad(forged(stock, rng, now, orphan), "an orphan")]
        }
        6 => {
            let early = |change: &mut ExpandedChange, _: &mut StdRng| change.start_op = NonZeroU64::MIN;
            vec![bad(forged(stock, rng, now, early), "operation numbers that are taken")]
        }
        7 => {
            // Another device of its own: two changes of one number.
            let actor = fresh(rng);
            let mut one = stock.doc.fork();
            begin_session(&mut one, actor.clone(), &own);
            let mut two = stock.doc.fork();
            begin_session(&mut two, actor, &own);
            let (first, mut second) = (edited(&mut one, &own, rng, now), edited(&mut two, &own, rng, now));
            if first.is_empty() || second.is_empty() || first[0].hash() == second[0].hash() {
                return Vec::new();
            }
            second = second.into_iter().map(|change| Change::from(change.decode())).collect();
            let message = [first.clone(), second.clone()].concat();
            // Whichever comes first is let in; both are its own.
            for change in message.iter() {
                truth.wrote(&own, change.hash(), None);
            }
            truth.rivals(first[0].hash(), second[0].hash());
            let known = stock.doc.apply_changes(first);
            debug_assert!(known.is_ok());
            vec![bringing(heads, &message)]
        }
        8 => {
            // What others have written and not sent yet, as if it were its own.
            let leaked: Vec<Change> = others.iter().flat_map(|(_, changes)| changes.clone()).collect();
            vec![bringing(heads, &leaked)]
        }
        9 => {
            let Some(another) = another else { return Vec::new() };
            let mut fork = stock.doc.fork();
            let Some(list) = list(&fork) else { return Vec::new() };
            let mut tx = fork.transaction();
            if let Ok(Some((_, map))) = tx.get(&list, 0)
                && let Ok(entries) = tx.put_object(&map, "suppressed", ObjType::Map)
            {
                tx.put(&entries, another.as_str(), true).unwrap();
            }
            tx.commit();
            vec![bad(fork.get_changes(&stock.doc.get_heads()), "another's suppression")]
        }
        10 => {
            let mut fork = stock.doc.fork();
            let Some(list) = list(&fork) else { return Vec::new() };
            let mut tx = fork.transaction();
            let which = rng.random_range(0..4);
            if let Ok(Some((_, map))) = tx.get(&list, 0) {
                match which {
                    0 => drop(tx.put_object(&map, "text", ObjType::Text).unwrap()),
                    1 => tx.put(&map, "malware", true).unwrap(),
                    2 => tx.put(automerge::ROOT, "schema", 9).unwrap(),
                    _ => {
                        if let Ok(Some((_, text))) = tx.get(&map, "text") {
                            tx.splice_text(&text, 0, 0, "\u{7}").unwrap();
                        }
                    }
                }
            }
            tx.commit();
            vec![bad(fork.get_changes(&stock.doc.get_heads()), "outside of the schema")]
        }
        11 => vec![(0..rng.random_range(0..60)).map(|_| rng.random::<u8>()).collect::<Vec<_>>().into()],
        12 => {
            // Wants what nobody has, and claims what nobody has.
            let mut unknown = || ChangeHash(rng.random());
            let (a, b, c) = (unknown(), unknown(), unknown());
            let have = vec![Have { last_sync: vec![c], bloom: BloomFilter::from_hashes([a].iter()) }];
            let message = SyncMessage { heads: vec![a], need: vec![b], have, ..SyncMessage::default() };
            vec![message.encode().into()]
        }
        13 => {
            let asks = SyncMessage::reset(heads);
            (0..rng.random_range(1..12)).map(|_| asks.encode().into()).collect()
        }
        _ => {
            // A bad change in the midst of good ones, of a device of its own.
            let mut fork = stock.doc.fork();
            begin_session(&mut fork, fresh(rng), &own);
            let good = edited(&mut fork, &own, rng, now);
            for change in &good {
                truth.wrote(&own, change.hash(), None);
            }
            let before = fork.get_heads();
            write(&mut fork, &own, rng, now, true);
            write(&mut fork, &own, rng, now, false);
            let spoilt = fork.get_changes(&before);
            for change in &spoilt {
                truth.wrote(&own, change.hash(), Some("it builds on a line break"));
            }
            let mut all = good.clone();
            all.extend(spoilt);
            let _ = stock.doc.apply_changes(good);
            vec![bringing(stock.doc.get_heads(), &all)]
        }
    }
}

fn fresh(rng: &mut StdRng) -> ActorId {
    ActorId::from(rng.random::<[u8; 16]>())
}

/// Whether one of the others wrote a change, by their label or not at all by this delegation.
fn truth_author(others: &[(DelegationCode, Vec<Change>)], change: &Change) -> bool {
    change
        .author()
        .is_some_and(|label| others.iter().any(|(code, _)| code.as_str().as_bytes() == label.as_bytes()))
}

fn edited(doc: &mut Automerge, code: &DelegationCode, rng: &mut StdRng, now: Timestamp) -> Vec<Change> {
    let before = doc.get_heads();
    write(doc, code, rng, now, false);
    doc.get_changes(&before)
}

/// An honest change of a fresh actor of its own, with something about it falsified.
fn forged(
    stock: &Stock,
    rng: &mut StdRng,
    now: Timestamp,
    falsify: impl Fn(&mut ExpandedChange, &mut StdRng),
) -> Vec<Change> {
    let mut fork = stock.doc.fork();
    fork.set_author(None);
    fork.set_actor(fresh(rng));
    let honest = edited(&mut fork, &stock.code, rng, now);
    let falsified = honest.first().map(|change| {
        let mut expanded = change.decode();
        falsify(&mut expanded, rng);
        Change::from(expanded)
    });
    falsified.into_iter().collect()
}

/// A message with those changes.
fn bringing(heads: Vec<ChangeHash>, changes: &[Change]) -> Bytes {
    let changes = changes.iter().map(|change| Bytes::from(change.raw_bytes().to_vec())).collect();
    SyncMessage { changes, ..SyncMessage::acknowledging(heads) }.encode().into()
}
