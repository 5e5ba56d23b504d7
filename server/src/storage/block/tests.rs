use super::super::chain::End;
use super::super::record::{ChangeRecord, key};
use super::super::{Tree, Write};
use super::*;
use automerge::transaction::Transactable as _;
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc as _};
use codraft_protocol::id::DocumentId;
use codraft_protocol::time::Timestamp;
use proptest::prelude::*;

/// What a few delegations write in turn, key by key, and at times at once.
fn log(changes: usize, concurrent: bool) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut record = |raw: Vec<u8>, who: usize| {
        let delegation = ["CAN", "USA", "FRA"][who].parse().unwrap();
        let received = Timestamp(1_700_000_000_000 + 137 * all.len() as i64);
        all.push(ChangeRecord { received, account: format!("delegate-{who}"), delegation, raw }.encode());
    };
    let mut documents: Vec<AutoCommit> =
        (0..3_u8).map(|n| AutoCommit::new().with_actor(ActorId::from([n; 16]))).collect();
    let text = documents[0].put_object(ROOT, "text", ObjType::Text).unwrap();
    record(documents[0].get_last_local_change().unwrap().raw_bytes().to_vec(), 0);
    let mut first = documents[0].fork().with_actor(ActorId::from([9; 16]));
    documents.iter_mut().skip(1).for_each(|one| drop(one.merge(&mut first).unwrap()));
    for n in 1..changes {
        let who = n / 7 % 3;
        if !concurrent || n % 20 == 0 {
            let (before, behind) = documents.split_at_mut(who);
            let (one, behind) = behind.split_first_mut().unwrap();
            before.iter_mut().chain(behind).for_each(|other| drop(one.merge(other).unwrap()));
        }
        let length = documents[who].length(&text);
        documents[who].splice_text(&text, length, 0, "x").unwrap();
        record(documents[who].get_last_local_change().unwrap().raw_bytes().to_vec(), who);
    }
    all
}

/// A chain of commits that wrote such a log, among other things.
fn chain(values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut end = End::start([7; 16]);
    let mut commits = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let document = DocumentId::from_bytes([(number % 2) as u8; 16]);
        let key = key::numbered(&document, number as u64 / 2);
        let mut writes = vec![Write { tree: Tree::Changes, key, value: Some(value.clone()) }];
        if number % 10 == 3 {
            writes.push(Write { tree: Tree::Tickets, key: b"t".to_vec(), value: None });
            writes.push(Write {
                tree: Tree::Delegations,
                key: b"a longer key than numbers are".to_vec(),
                value: Some(vec![1]),
            });
        }
        let (stored, next) = end.commit(&writes, Timestamp(1_700_000_000_000 + 9 * number as i64));
        end = next;
        commits.push(stored);
    }
    commits
}

fn size(values: &[Vec<u8>]) -> usize {
    values.iter().map(Vec::len).sum()
}

#[test]
fn a_log_takes_a_fraction_of_its_room() {
    for concurrent in [false, true] {
        let values = log(256, concurrent);
        let block = seal(Kind::Changes, &values).unwrap();
        assert_eq!(block[0], Kind::Changes as u8);
        assert_eq!(open(&block).unwrap(), values);
        assert_eq!(count(&block), Ok(256));
        assert!(block.len() * 4 < size(&values), "{} of {}", block.len(), size(&values));
        let plain = seal(Kind::Any, &values).unwrap();
        assert_eq!(open(&plain).unwrap(), values);
        println!("256 changes: {} bytes of {}", block.len(), size(&values));
        assert!(block.len() * 2 < plain.len(), "{} and {}", block.len(), plain.len());
    }
    let values = chain(&log(256, false));
    let block = seal(Kind::Commits, &values).unwrap();
    assert_eq!(block[0], Kind::Commits as u8);
    assert_eq!(open(&block).unwrap(), values);
    println!("256 commits: {} bytes of {}", block.len(), size(&values));
    // Nearly all of it is the hashes of what was written.
    assert!(block.len() < 256 * 40, "{} of {}", block.len(), size(&values));
}

#[test]
fn what_cannot_be_said_shorter_is_kept_as_it_is() {
    let mut changes = log(20, false);
    // Not a record; a record of what is no change; a change whose checksum is wrong; nothing at all.
    changes.push(b"something else".to_vec());
    let block = seal(Kind::Changes, &changes).unwrap();
    assert_eq!((block[0], open(&block).unwrap()), (Kind::Any as u8, changes.clone()));
    changes.pop();
    let mut record = ChangeRecord::decode(&changes[3]).unwrap();
    record.raw[5] ^= 1;
    changes[3] = record.encode();
    record.raw = b"no chunk".to_vec();
    changes.push(record.encode());
    record.raw.clear();
    changes.push(record.encode());
    let block = seal(Kind::Changes, &changes).unwrap();
    assert_eq!((block[0], open(&block).unwrap()), (Kind::Changes as u8, changes));
    // Commits that do not follow one another.
    let mut commits = chain(&log(6, false));
    commits.remove(2);
    let block = seal(Kind::Commits, &commits).unwrap();
    assert_eq!((block[0], open(&block).unwrap()), (Kind::Any as u8, commits));
    assert_eq!(open(&seal(Kind::Changes, &[]).unwrap()).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn damage_is_told() {
    for (kind, values) in
        [(Kind::Changes, log(40, true)), (Kind::Commits, chain(&log(40, true))), (Kind::Any, log(40, true))]
    {
        let block = seal(kind, &values).unwrap();
        for length in 0..block.len() {
            assert!(open(&block[..length]).is_err());
        }
        for at in 0..block.len() {
            let mut other = block.clone();
            other[at] ^= 1 << (at % 8);
            // Told, or other values, which the chain finds; never a panic.
            let _ = open(&other);
        }
        let mut newer = block.clone();
        newer[0] = 9;
        assert!(matches!(open(&newer), Err(RecordError::Version { version: 9, .. })));
    }
}

proptest! {
    #[test]
    fn any_values_come_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
        for kind in [Kind::Any, Kind::Changes, Kind::Commits] {
            prop_assert_eq!(&open(&seal(kind, &values).unwrap()).unwrap(), &values);
        }
    }

    #[test]
    fn any_bytes_are_told_or_opened(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_u8) {
        let mut block = vec![kind, 0, 0, 0, 1];
        block.extend_from_slice(&bytes);
        let _ = open(&block);
    }
}
