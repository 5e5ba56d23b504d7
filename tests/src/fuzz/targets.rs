//! What is fuzzed: every place where bytes of others are read.

use super::Target;
use crate::hostile::{attacks, bringing, sealed, sync_messages};
use crate::peer::Replica;
use automerge::{ActorId, Automerge};
use bytes::Bytes;
use codraft_protocol::api;
use codraft_protocol::authorship::{Gate, Index, Limits, Sender, chunk};
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::{SAMPLE, edit, text_form};
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::time::Timestamp;
use codraft_protocol::wire::{Frame, PeerMetadata};
use codraft_server::address::Source;
use codraft_server::directory::token::{Seed, Token};
use codraft_server::directory::{Change, Directory};
use codraft_server::storage::backup::{self, Backup};
use codraft_server::storage::block::{self, Kind};
use codraft_server::storage::chain::End;
use codraft_server::storage::memory::MemoryStorage;
use codraft_server::storage::record::{
    AccessRecord, AccountRecord, ChangeRecord, DelegationRecord, DocumentRecord, QuarantineRecord,
    TicketRecord, key,
};
use codraft_server::storage::{Storage as _, Tree, Write};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rand::Rng as _;
use rand::rngs::SmallRng;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};

/// All of them.
pub fn all() -> Vec<Target> {
    vec![frame(), sync(), gate(), text(), record(), snapshot(), block(), backup_file(), body()]
}

/// The one with that name.
///
/// # Panics
/// Where there is none.
pub fn named(name: &str) -> Target {
    all().into_iter().find(|target| target.name == name).expect("a target")
}

fn leave(_: &mut Vec<u8>, _: &mut SmallRng) {}

/// An error's words without what stands in quotes and numbers, which are the input's own.
fn kind(words: &impl std::fmt::Display) -> String {
    words.to_string().chars().filter(|c| c.is_alphabetic() || *c == ' ').take(40).collect()
}

/// A frame as it comes out of the websocket.
fn frame() -> Target {
    let metadata = PeerMetadata { storage_id: Some("s".into()), is_ephemeral: true };
    let (sender, target, document) =
        ("p".to_owned(), "q".to_owned(), "4NMNnkMhL8jXrdJ9jamS58PAVdXu".to_owned());
    let data = Bytes::from_static(&[0x42, 0, 0, 0, 0]);
    let frames = [
        Frame::Join { sender: sender.clone(), metadata: metadata.clone(), versions: vec!["1".into()] },
        Frame::Peer { sender: sender.clone(), target: target.clone(), metadata, version: "1".into() },
        Frame::Leave { sender: sender.clone() },
        Frame::Sync {
            sender: sender.clone(),
            target: target.clone(),
            document: document.clone(),
            data: data.clone(),
            request: true,
        },
        Frame::Unavailable { sender: sender.clone(), target: target.clone(), document: document.clone() },
        Frame::Ephemeral {
            sender: sender.clone(),
            target: target.clone(),
            document,
            session: "s".into(),
            count: 7,
            data,
        },
        Frame::Error { sender, target: Some(target), message: "m".into() },
    ];
    Target {
        name: "frame",
        seeds: frames.iter().map(|frame| frame.encode().to_vec()).collect(),
        mend: leave,
        run: Box::new(|input| match Frame::decode(&Bytes::copy_from_slice(input)) {
            Err(error) => kind(&error),
            Ok(frame) => {
                // What is read is what would be written.
                let again = Frame::decode(&frame.encode()).expect("what we write is read");
                if !matches!(frame, Frame::Other { .. }) {
                    assert_eq!(again, frame);
                }
                kind(&format!("{frame:?}").split([' ', '{']).next().unwrap_or_default())
            }
        }),
    }
}

/// A sync message.
fn sync() -> Target {
    let (replica, _) = house();
    let heads = replica.doc.get_heads();
    let changes: Vec<Vec<u8>> = replica.doc.get_changes(&[]).iter().map(|c| c.raw_bytes().to_vec()).collect();
    let mut seeds = vec![
        SyncMessage::acknowledging(heads.clone()).encode(),
        SyncMessage::reset(heads.clone()).encode_with_flags(),
        bringing(heads.clone(), changes),
    ];
    seeds.extend(sync_messages(heads[0]).into_iter().map(|(_, bytes)| bytes));
    let head = heads[0];
    Target {
        name: "sync",
        seeds,
        mend: leave,
        run: Box::new(move |input| match SyncMessage::decode(&Bytes::copy_from_slice(input)) {
            Err(error) => kind(&error),
            Ok(message) => {
                for have in &message.have {
                    let _ = have.bloom.contains_hash(&head);
                }
                let again = SyncMessage::decode(&message.encode().into()).expect("what we write is read");
                assert_eq!(
                    (again.heads, again.need, again.changes),
                    (message.heads.clone(), message.need.clone(), message.changes.clone())
                );
                format!(
                    "{} {} {} {}",
                    message.heads.len().min(3),
                    message.need.len().min(3),
                    message.have.len(),
                    message.changes.len().min(3)
                )
            }
        }),
    }
}

fn code(code: &str) -> DelegationCode {
    code.parse().expect("a code")
}

/// The sample, with a first edit by CAN's actor, and the server's index of it.
fn house() -> (Replica, Index) {
    let mut replica = Replica::new("", "", [0; 16]);
    let (layout, lines) = text_form::parse(SAMPLE.as_bytes()).expect("the sample");
    edit::begin_session(&mut replica.doc, ActorId::from([0; 16]), &DelegationCode::secretariat());
    edit::create(&mut replica.doc, "T", &layout, &lines, Timestamp(0)).expect("a document");
    let mut index = Index::new();
    index.replay(&replica.doc.get_changes(&[])[0], &DelegationCode::secretariat()).expect("its first change");
    edit::begin_session(&mut replica.doc, ActorId::from([1; 16]), &code("CAN"));
    let before = replica.doc.get_heads();
    replica.splice(4, 0, 0, "honest ");
    for change in replica.doc.get_changes(&before) {
        index.replay(&change, &code("CAN")).expect("an honest change");
    }
    (replica, index)
}

/// Gives a chunk the length and the checksum that it should have.
fn mend_chunk(chunk: &mut Vec<u8>, rng: &mut SmallRng) {
    if chunk.len() < 12 || rng.random_bool(0.05) {
        return;
    }
    chunk[..4].copy_from_slice(&[0x85, 0x6f, 0x4a, 0x83]);
    // Bytes of the length as it stands.
    let bytes = chunk[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let body = chunk.len().saturating_sub(9 + bytes);
    let mut length = Vec::new();
    let mut left = body;
    loop {
        let low = (left & 0x7f) as u8;
        left >>= 7;
        length.push(if left == 0 { low } else { low | 0x80 });
        if left == 0 {
            break;
        }
    }
    let end = (9 + bytes).min(chunk.len());
    chunk.splice(9..end, length);
    if chunk[8] != 2 {
        *chunk = sealed(std::mem::take(chunk));
    }
}

/// Changes, through the gate, and on into Automerge.
fn gate() -> Target {
    let (replica, index) = house();
    let text = replica.text_object(4);
    // Large ones would be copied and mutated for nothing: their limits have tests of their own.
    let mut seeds: Vec<Vec<u8>> = attacks(&replica.doc, &ActorId::from([1; 16]), &text)
        .into_iter()
        .map(|(_, bytes, _)| bytes)
        .filter(|bytes| bytes.len() < 20_000)
        .collect();
    let base = replica.doc.clone();
    let mut writer = replica;
    for n in 0..30 {
        let before = writer.doc.get_heads();
        match n % 5 {
            0 => writer.splice(5 + n % 7, 0, 0, "word "),
            1 => writer.splice(5 + n % 7, 0, 3, ""),
            2 => writer.splice(5 + n % 7, 2, 1, "é🙂"),
            _ => {
                let (layout, mut lines) =
                    (edit::layout(&writer.doc).expect("a layout"), edit::lines(&writer.doc).expect("lines"));
                let at = 6 + n % 10;
                if n % 5 == 3 {
                    let line = lines[at].clone();
                    lines.insert(at, line);
                } else {
                    lines.remove(at);
                }
                let parts =
                    lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
                let written = text_form::write(&layout, parts);
                let (_, parsed) = text_form::parse(written.as_bytes()).expect("what we wrote");
                edit::apply_text(&mut writer.doc, &code("CAN"), &parsed, Timestamp(0)).expect("an edit");
            }
        }
        // Each on the base, so that each alone can pass.
        seeds.extend(writer.doc.get_changes(&before).iter().map(|change| change.raw_bytes().to_vec()));
        writer.doc = base.clone();
        writer.doc.set_actor(ActorId::from([n as u8 + 2; 16]));
    }
    let delegation = code("CAN");
    Target {
        name: "gate",
        seeds,
        mend: mend_chunk,
        run: Box::new(move |input| {
            let bytes = Bytes::copy_from_slice(input);
            let chunks = match chunk::split(&bytes, &Limits::default()) {
                Ok(chunks) => chunks,
                Err(refusal) => return format!("split {}", refusal.code()),
            };
            let mut index = index.clone();
            let sender = Sender { role: Role::Delegate, delegation: Some(&delegation) };
            let admission = Gate::default().admit(&mut index, sender, chunks);
            for accepted in &admission.accepted {
                // Nothing that passed fails to apply, and the log in memory gives it back as it came.
                assert!(index.position(&accepted.hash).is_some());
                let (mut packed, mut whole) = (Vec::new(), Vec::new());
                index.pack(accepted.ix, &accepted.raw, &mut packed);
                assert!(index.unpack(accepted.ix, &packed, &mut whole).is_some());
                assert_eq!(whole, accepted.raw);
            }
            if !admission.accepted.is_empty() {
                let mut doc = base.clone();
                for accepted in &admission.accepted {
                    doc.load_incremental(&accepted.raw).expect("what passed the gate applies");
                }
                let mut heads = doc.get_heads();
                heads.sort_unstable();
                assert_eq!(heads, index.heads());
                let loaded = Automerge::load(&doc.save()).expect("and can be saved and loaded");
                assert_eq!(loaded.get_heads().len(), heads.len());
            }
            let first = admission.refused.first().map_or("none", |one| one.refusal.code());
            format!("{} {first} {}", admission.accepted.len().min(3), admission.known.min(2))
        }),
    }
}

/// A resolution's text.
fn text() -> Target {
    let seeds =
        [SAMPLE, "", "a", "Resolution 1\r\n\r\n1\tto go;\r\n", "\u{feff}x\n– y\n\ta) z", "ANNEX 1\n_____\n"];
    Target {
        name: "text",
        seeds: seeds.iter().map(|text| text.as_bytes().to_vec()).collect(),
        mend: leave,
        run: Box::new(|input| match text_form::parse(input) {
            Err(error) => kind(&error),
            Ok((layout, lines)) => {
                let parts =
                    lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
                assert_eq!(text_form::write(&layout, parts).as_bytes(), input, "it comes back byte for byte");
                let _ = codraft_protocol::resolution::fused::warnings(&lines);
                // And it makes a document, within reason of size.
                if input.len() < 5_000 {
                    let mut doc = Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint);
                    if edit::create(&mut doc, "T", &layout, &lines, Timestamp(0)).is_ok() {
                        assert_eq!(edit::lines(&doc).expect("its lines").len(), lines.len());
                    }
                }
                format!("{} lines", lines.len().min(40))
            }
        }),
    }
}

macro_rules! each_record {
    ($input:ident, $($record:ty),+) => {{
        let mut read = String::new();
        $(if let Ok(record) = <$record>::decode($input) {
            assert_eq!(<$record>::decode(&record.encode()).as_ref(), Ok(&record));
            read.push_str(stringify!($record));
        })+
        read
    }};
}

/// A snapshot of an index: what is read has a form of its own, and only that one.
fn snapshot() -> Target {
    let (mut replica, mut index) = house();
    let mut seeds = vec![index.snapshot()];
    for n in 0..20 {
        replica.splice(5 + n % 7, n % 4, (n % 3) as isize, "é🙂");
        let change = replica.doc.get_last_local_change().expect("it has just been made");
        index.replay(&change, &code("CAN")).expect("an honest change");
        if n % 5 == 0 {
            seeds.push(index.snapshot());
        }
    }
    Target {
        name: "snapshot",
        seeds,
        mend: leave,
        run: Box::new(|input| match Index::of_snapshot(input) {
            Err(error) => error.to_string(),
            Ok(index) => {
                let again = index.snapshot();
                let restored = Index::of_snapshot(&again).expect("its own");
                assert!(restored.snapshot() == again, "what is read is written alike");
                format!("{} changes", index.len())
            }
        }),
    }
}

/// A block of values, inflated: what is read comes back as it was.
fn block() -> Target {
    let (mut replica, _) = house();
    let changes = (0..30).map(|n| {
        replica.splice(5 + n % 7, n % 4, (n % 3) as isize, "é🙂");
        let raw = replica.doc.get_last_local_change().expect("it has just been made").raw_bytes().to_vec();
        let received = Timestamp(1_700_000_000_000 + n as i64);
        ChangeRecord { received, account: "a".into(), delegation: code("CAN"), raw }.encode()
    });
    let changes: Vec<Vec<u8>> = changes.collect();
    let mut end = End::start([7; 16]);
    let commits = changes.iter().zip(0_u64..).map(|(change, number)| {
        let key = key::numbered(&DocumentId::from_bytes([7; 16]), number);
        let writes = [Write { tree: Tree::Changes, key, value: Some(change.clone()) }];
        let (commit, next) = end.commit(&writes, Timestamp(number as i64));
        end = next;
        commit
    });
    let commits: Vec<Vec<u8>> = commits.collect();
    let inflated = |block: Vec<u8>| {
        let (head, packed) = block.split_at(5);
        let mut all = head.to_vec();
        DeflateDecoder::new(packed).read_to_end(&mut all).expect("a block");
        all
    };
    let seeds = [(Kind::Any, &changes), (Kind::Changes, &changes), (Kind::Commits, &commits)];
    Target {
        name: "block",
        seeds: seeds.map(|(kind, values)| inflated(block::seal(kind, values).expect("a block"))).to_vec(),
        mend: leave,
        run: Box::new(|input| {
            let Some((head, packed)) = input.split_at_checked(5) else { return "short".to_owned() };
            let mut deflate = DeflateEncoder::new(head.to_vec(), Compression::none());
            deflate.write_all(packed).expect("memory");
            match block::open(&deflate.finish().expect("memory")) {
                Err(error) => kind(&error),
                Ok(values) => {
                    for kind in [Kind::Any, Kind::Changes, Kind::Commits] {
                        assert!(block::seal(kind, &values).is_some(), "it comes back");
                    }
                    format!("{} values", values.len().min(40))
                }
            }
        }),
    }
}

/// A stored record: a damaged disk is an attacker, too.
fn record() -> Target {
    let at = Timestamp(1_700_000_000_000);
    let id = DocumentId::from_bytes([7; 16]);
    let seeds = vec![
        DocumentRecord {
            id,
            symbol: "C/1".into(),
            created: at,
            created_by: "s".into(),
            baseline: vec![[9; 32]],
            revision: 2,
        }
        .encode(),
        ChangeRecord { received: at, account: "a".into(), delegation: code("CAN"), raw: vec![1; 40] }
            .encode(),
        QuarantineRecord {
            at,
            account: "a".into(),
            delegation: None,
            code: "c".into(),
            reason: "r".into(),
            raw: vec![2; 9],
        }
        .encode(),
        DelegationRecord { code: code("CAN"), name: "Canada".into(), created: at }.encode(),
        AccountRecord {
            id: "a".into(),
            role: Role::Chair,
            delegation: None,
            token_hash: [1; 32],
            created: at,
            revoked: Some(at),
            expires: Some(at),
        }
        .encode(),
        TicketRecord {
            id: "t".into(),
            account: "a".into(),
            secret_hash: [1; 32],
            document: Some(id),
            read_only: true,
            created: at,
            expires: at,
            revoked: None,
        }
        .encode(),
        AccessRecord {
            at,
            kind: "login".into(),
            account: Some("a".into()),
            ticket: None,
            claimed: None,
            address: "::".into(),
            detail: "d".into(),
            left_out: 3,
        }
        .encode(),
    ];
    Target {
        name: "record",
        seeds,
        mend: leave,
        run: Box::new(|input| {
            each_record!(
                input,
                DocumentRecord,
                ChangeRecord,
                QuarantineRecord,
                DelegationRecord,
                AccountRecord,
                TicketRecord,
                AccessRecord
            )
        }),
    }
}

/// Puts the right checksum behind every record of a backup that still has its length.
#[allow(clippy::ptr_arg, reason = "one signature for all targets")]
fn mend_backup(file: &mut Vec<u8>, rng: &mut SmallRng) {
    if rng.random_bool(0.2) {
        return;
    }
    let mut at = 17;
    while let Some(length) = file
        .get(at..at + 4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    {
        let (from, to) = (at + 4, (at + 4).saturating_add(length));
        if to.saturating_add(8) > file.len() {
            return;
        }
        let sum = Sha256::digest(&file[from..to]);
        file[to..to + 8].copy_from_slice(&sum[..8]);
        at = to + 8;
    }
}

/// A backup's file.
fn backup_file() -> Target {
    let mut store = MemoryStorage::default();
    for n in 0..4_u8 {
        let writes = [
            Write { tree: Tree::Changes, key: vec![n], value: Some(vec![n; 30]) },
            Write { tree: Tree::Tickets, key: vec![n % 2], value: (n != 2).then(|| vec![n]) },
        ];
        store.commit(&writes, Timestamp(1)).expect("memory");
    }
    let reader = store.reader();
    let mut seed = Vec::new();
    let frozen = backup::freeze(store.end(), &*reader).expect("memory");
    backup::write(frozen, &*reader, Timestamp(2), &mut seed).expect("memory");
    let read = Backup::read(&seed[..]).expect("a backup");
    let (whole, made) = (read.whole(), read.made());
    Target {
        name: "backup",
        seeds: vec![seed],
        mend: mend_backup,
        run: Box::new(move |input| match Backup::read(input) {
            Err(error) => kind(&error),
            Ok(read) => {
                assert_eq!(read.whole(), whole, "whatever is taken for whole holds what was written");
                format!("whole, made {}", read.made() == made)
            }
        }),
    }
}

/// Bodies of requests, and whatever else of a request is read by us: tokens, ids, addresses.
fn body() -> Target {
    let mut directory = Directory::default();
    let seed = |n: u8| Seed { id: [n; 6], secret: [n; 32] };
    let first = Directory::bootstrap(Timestamp(1), &seed(1));
    let token = first.answer.clone();
    first.changes.into_iter().for_each(|change: Change| directory.apply(change));
    let pen = directory.authenticate(&token, Timestamp(2)).expect("the secretariat");
    let seeds = [
        r#"{"text": "Resolution 1\nOn a thing\n", "symbol": "C/1"}"#,
        r#"{"code": "CAN", "name": "Canada"}"#,
        r#"{"role": "delegate", "delegation": "CAN"}"#,
        r#"{"role": "chair"}"#,
        r#"{"ttl_seconds": 60, "read_only": true, "document": "4NMNnkMhL8jXrdJ9jamS58PAVdXu"}"#,
        r#"{"days": 30}"#,
        r#"[[[[[[[[{"a":{"b":[1e999,-0.0,"\ud800"]}}]]]]]]]]"#,
        "cdt_can-0f1e2d3c4b5a_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "198.51.100.7, 2001:db8::1, 10.0.0.1",
        "4NMNnkMhL8jXrdJ9jamS58PAVdXu",
    ];
    Target {
        name: "body",
        seeds: seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect(),
        mend: leave,
        run: Box::new(move |input| {
            let mut read = String::new();
            let now = Timestamp(1_000_000);
            if let Ok(new) = serde_json::from_slice::<api::NewDocument>(input) {
                read.push_str(if text_form::parse(new.text.as_bytes()).is_ok() {
                    "document "
                } else {
                    "no text "
                });
            }
            if let Ok(new) = serde_json::from_slice::<api::NewDelegation>(input) {
                let decided = directory.add_delegation(&new, now, &seed(2));
                read.push_str(&decided.map_or_else(|error| kind(&error), |_| "delegation ".into()));
            }
            if let Ok(new) = serde_json::from_slice::<api::NewInvitation>(input) {
                let decided = directory.invite(&new, now, &seed(3));
                read.push_str(&decided.map_or_else(|error| kind(&error), |_| "invitation ".into()));
            }
            if let Ok(new) = serde_json::from_slice::<api::NewTicket>(input) {
                let decided = directory.create_ticket(&pen, None, &new, now, &seed(4));
                read.push_str(&decided.map_or_else(|error| kind(&error), |_| "ticket ".into()));
            }
            if let Ok(new) = serde_json::from_slice::<api::NewExpiry>(input) {
                let decided = directory.expire_account(&pen.account, &new, now);
                read.push_str(&decided.map_or_else(|error| kind(&error), |_| "expiry ".into()));
            }
            if let Ok(text) = std::str::from_utf8(input) {
                // Nobody comes in by guessing.
                assert!(text.trim() == token || directory.authenticate(text, now).is_err());
                read.push_str(if Token::parse(text).is_some() { "token " } else { "" });
                read.push_str(if text.parse::<DocumentId>().is_ok() { "id " } else { "" });
                let _ = text.parse::<DelegationCode>();
                if let Ok(value) = text.parse() {
                    let mut headers = axum::http::HeaderMap::new();
                    headers.insert("x-forwarded-for", value);
                    let proxy = std::net::IpAddr::from([10, 0, 0, 1]);
                    let _ = Source::of_request(proxy, &headers, &[proxy]).to_string();
                }
            }
            read
        }),
    }
}
