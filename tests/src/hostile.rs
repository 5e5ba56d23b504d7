//! Input that no honest client sends: changes that crash, stall or corrupt whoever takes them in, and sync
//! messages that do. What each is known to do to Automerge 0.12 stands beside it.

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, Change, ChangeHash, ExpandedChange, ObjType, ScalarValue};
use bytes::Bytes;
use codraft_protocol::sync::SyncMessage;
use sha2::{Digest, Sha256};
use std::num::NonZeroU64;

/// An attack: its name, the bytes of its change chunk, and the code that the refusal must have (none: any).
pub type Attack = (&'static str, Vec<u8>, &'static str);

/// A chunk with the checksum that its bytes should have, so that it is not refused for that alone.
pub fn sealed(mut chunk: Vec<u8>) -> Vec<u8> {
    let sum = Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&sum[..4]);
    chunk
}

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, kind];
    let mut length = body.len();
    loop {
        let byte = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            chunk.push(byte);
            break;
        }
        chunk.push(byte | 0x80);
    }
    chunk.extend_from_slice(body);
    sealed(chunk)
}

/// The chunk deflated, as clients send large ones: `type 2`, with the checksum of the plain one.
fn deflated(plain: &[u8], header: usize) -> Vec<u8> {
    // Stored blocks of zlib's own would be as large; runs of one byte compress by a thousand.
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &plain[header..]).expect("memory");
    let body = encoder.finish().expect("memory");
    let mut whole = chunk(2, &body);
    whole[4..8].copy_from_slice(&plain[4..8]);
    whole
}

fn bytes(expanded: ExpandedChange) -> Vec<u8> {
    Change::from(expanded).raw_bytes().to_vec()
}

/// The same change with one more actor in its table, whom no operation names: Automerge reads it, writes it
/// without that actor, and so under another hash.
fn not_canonical(plain: &[u8]) -> Vec<u8> {
    let number = |at: &mut usize| {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = plain[*at];
            *at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    };
    let mut at = 9;
    number(&mut at);
    let body = at;
    at += number(&mut at) * 32; // dependencies
    at += number(&mut at); // actor
    for _ in 0..3 {
        number(&mut at); // sequence, first operation, time
    }
    at += number(&mut at); // message
    let table = at;
    let others = number(&mut at);
    let mut end = at;
    for _ in 0..others {
        end += number(&mut end);
    }
    assert!(others < 127, "one byte");
    let mut changed = plain[body..table].to_vec();
    changed.push(others as u8 + 1);
    changed.extend_from_slice(&plain[at..end]);
    changed.push(16);
    changed.extend_from_slice(&[0xff; 16]);
    changed.extend_from_slice(&plain[end..]);
    chunk(1, &changed)
}

/// Attacks on a document by `actor`, who has written in it before. `text` is a text of it.
pub fn attacks(doc: &Automerge, actor: &ActorId, text: &automerge::ObjId) -> Vec<Attack> {
    let own: Vec<Change> = doc.get_changes(&[]).into_iter().filter(|c| c.actor_id() == actor).collect();
    let seq = own.len() as u64;
    // The label of its first change.
    let label = own.first().map(|first| first.decode().extra_bytes).unwrap_or_default();
    let max = doc.get_changes(&[]).iter().map(Change::max_op).max().unwrap_or(0);
    let object = match text {
        automerge::ObjId::Id(counter, actor, _) => ObjectId::Id(OpId(*counter, actor.clone())),
        automerge::ObjId::Root => ObjectId::Root,
    };
    let insert = |obj: &ObjectId, after: ElementId, word: &str| Op {
        action: OpType::Put(ScalarValue::Str(word.into())),
        obj: obj.clone(),
        key: Key::Seq(after),
        pred: Vec::new().into(),
        insert: true,
    };
    let put = |key: &str, value: ScalarValue| Op {
        action: OpType::Put(value),
        obj: ObjectId::Root,
        key: Key::Map(key.into()),
        pred: Vec::new().into(),
        insert: false,
    };
    let change = |operations: Vec<Op>| ExpandedChange {
        operations,
        actor_id: actor.clone(),
        hash: None,
        seq: seq + 1,
        start_op: NonZeroU64::new(max + 1).expect("positive"),
        time: 0,
        message: None,
        deps: doc.get_heads(),
        extra_bytes: Vec::new(),
        author: None,
    };
    let good = || change(vec![insert(&object, ElementId::Head, "x")]);
    let unknown = OpId(max + 1000, actor.clone());
    let stranger = ActorId::from([0xee_u8; 16]);
    let plain = bytes(good());
    let odd = not_canonical(&plain);
    let mut bundle = plain.clone();
    bundle[8] = 3;
    let mut document = plain.clone();
    document[8] = 0;
    let mut checksum = plain.clone();
    checksum[5] ^= 1;
    let mut trailing = good();
    trailing.extra_bytes = vec![0; 2 << 20];
    let mut bomb = good();
    bomb.message = Some("a".repeat(260 << 20));
    let bomb = bytes(bomb);
    let orphan = ExpandedChange { deps: vec![ChangeHash([7; 32])], ..good() };
    let many: Vec<Op> = (0..150_000).map(|_| insert(&object, ElementId::Head, "x")).collect();
    let over = |action: OpType| Op { action, ..insert(&object, ElementId::Head, "x") };
    vec![
        ("no chunk", b"hello".to_vec(), "not-a-chunk"),
        ("a checksum that does not agree", checksum, ""),
        ("cut off", plain[..plain.len() - 1].to_vec(), "not-a-chunk"),
        // 434 bytes of these hang or abort the process.
        ("a bundle", sealed(bundle), "bundle-chunk"),
        ("a whole document", sealed(document), "document-chunk"),
        // Applies only after a panic.
        ("a gap in the sequence", bytes(ExpandedChange { seq: seq + 5, ..good() }), "seq-gap"),
        ("a sequence number that is taken", bytes(ExpandedChange { seq, ..good() }), ""),
        (
            "a label where it does not belong",
            bytes(ExpandedChange { extra_bytes: label, ..good() }),
            "late-label",
        ),
        // Orphans are queued by Automerge without limit, at quadratic cost.
        ("an orphan", bytes(orphan), "missing-dependencies"),
        (
            "a place that does not exist",
            bytes(change(vec![insert(&object, ElementId::Id(unknown.clone()), "x")])),
            "",
        ),
        (
            "an object that does not exist",
            bytes(change(vec![insert(&ObjectId::Id(unknown.clone()), ElementId::Head, "x")])),
            "",
        ),
        (
            "a predecessor that does not exist",
            bytes(change(vec![Op { pred: vec![unknown].into(), ..put("title", ScalarValue::Null) }])),
            "",
        ),
        (
            "an actor that nobody knows",
            bytes(change(vec![insert(&object, ElementId::Id(OpId(3, stranger)), "x")])),
            "",
        ),
        // Applies, and the saved document cannot be loaded again.
        (
            "operation numbers that are taken",
            bytes(ExpandedChange { start_op: NonZeroU64::MIN, ..good() }),
            "counter-out-of-range",
        ),
        (
            "operation numbers at the end of their range",
            bytes(ExpandedChange {
                start_op: NonZeroU64::new(u64::from(u32::MAX) - 1).expect("positive"),
                ..good()
            }),
            "counter-out-of-range",
        ),
        // Likewise.
        (
            "no operation, numbered with a gap",
            bytes(ExpandedChange {
                start_op: NonZeroU64::new(max + 5).expect("positive"),
                ..change(Vec::new())
            }),
            "counter-out-of-range",
        ),
        // Applies, and the document cannot be loaded again.
        ("another encoding of a good change", odd, "not-canonical"),
        (
            "marks that end before they begin",
            bytes(change(vec![
                over(OpType::MarkEnd(true)),
                over(OpType::MarkBegin(MarkData {
                    name: "bold".into(),
                    value: ScalarValue::Boolean(true),
                    expand: true,
                })),
            ])),
            "mark",
        ),
        ("a counter", bytes(change(vec![over(OpType::Increment(5))])), ""),
        ("an object in a text", bytes(change(vec![over(OpType::Make(ObjType::Map))])), ""),
        ("a number in a text", bytes(change(vec![over(OpType::Put(ScalarValue::Int(5)))])), ""),
        ("the document's own settings", bytes(change(vec![put("schema", ScalarValue::Int(9))])), ""),
        (
            "a key that a resolution has not",
            bytes(change(vec![put("malware", ScalarValue::Boolean(true))])),
            "",
        ),
        (
            "somebody else's suppression",
            bytes(change(vec![put("suppressed", ScalarValue::Boolean(true))])),
            "",
        ),
        ("more operations than there may be", bytes(change(many)), "too-many-operations"),
        ("two megabytes of nothing", bytes(trailing), ""),
        // 261 KB that take 805 MB.
        ("a deflate bomb", deflated(&bomb, bomb.len() - (260 << 20) - 64), "change-too-large"),
        // Some seventy bytes that expand to as many operations as one likes: three million take 17 s and 1.3 GB.
        (
            "a run of operations",
            bytes(change(vec![put("x", ScalarValue::Null); 300_000])),
            "too-many-operations",
        ),
    ]
}

/// Sync messages that stall or crash Automerge: a Bloom filter with no bits, one with 200 million probes, and
/// lists that claim to be longer than the message.
pub fn sync_messages(head: ChangeHash) -> Vec<(&'static str, Vec<u8>)> {
    let bloom = |entries: &[u8], bits: &[u8], probes: &[u8]| {
        let filter = [entries, bits, probes, &[0; 4]].concat();
        let mut message = vec![0x42, 1];
        message.extend_from_slice(&head.0);
        message.extend_from_slice(&[0, 1, 0, filter.len() as u8]);
        message.extend_from_slice(&filter);
        message.push(0);
        message
    };
    let long = |place: usize| {
        let mut message = vec![0x42, 0, 0, 0, 0];
        message.splice(place..=place, [0xff, 0xff, 0xff, 0xff, 0x0f]);
        message
    };
    vec![
        ("a Bloom filter without bits", bloom(&[1], &[0], &[7])),
        ("a Bloom filter with 200 million probes", bloom(&[1], &[10], &[0x80, 0x84, 0xaf, 0x5f])),
        ("more heads than bytes", long(1)),
        ("more needs than bytes", long(2)),
        ("more haves than bytes", long(3)),
        ("more changes than bytes", long(4)),
        ("nothing", Vec::new()),
        ("another version", vec![0x99, 0, 0, 0, 0]),
    ]
}

/// A sync message that brings these chunks.
pub fn bringing(heads: Vec<ChangeHash>, chunks: Vec<Vec<u8>>) -> Vec<u8> {
    let changes = chunks.into_iter().map(Bytes::from).collect();
    SyncMessage { changes, ..SyncMessage::acknowledging(heads) }.encode()
}

/// Orphans, each with a dependency that is nowhere.
pub fn orphans(count: usize) -> Vec<Vec<u8>> {
    let orphan = |n: usize| {
        let mut dep = [3; 32];
        dep[..8].copy_from_slice(&n.to_be_bytes());
        let mut actor = [9; 16];
        actor[..8].copy_from_slice(&n.to_be_bytes());
        bytes(ExpandedChange {
            operations: Vec::new(),
            actor_id: ActorId::from(actor),
            hash: None,
            seq: 1,
            start_op: NonZeroU64::MIN,
            time: 0,
            message: None,
            deps: vec![ChangeHash(dep)],
            extra_bytes: Vec::new(),
            author: None,
        })
    };
    (0..count).map(orphan).collect()
}
