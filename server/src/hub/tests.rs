use super::*;
use automerge::sync::{BloomFilter, State, SyncDoc};
use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, ObjId, ROOT, ReadDoc, TextEncoding};
use codraft_protocol::id::Role;
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::wire::{Frame, Target};

const NOW: Timestamp = Timestamp(0);
const LINK: ConnectionId = ConnectionId(1);

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

fn founded() -> Automerge {
    let (layout, lines) = text_form::parse(b"Title\nThe Conference,\n1\tto act;\n").unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "", &layout, &lines, NOW).unwrap();
    doc
}

/// A hub with everything that `doc` has, all of it the secretariat's, and with those refused changes.
fn hub(doc: &Automerge, refused: &[&Change]) -> Hub {
    with(doc, refused, Budgets::default())
}

fn with(doc: &Automerge, refused: &[&Change], budgets: Budgets) -> Hub {
    let changes = doc.get_changes(&[]);
    let mut quarantine = Quarantine::default();
    refused.iter().for_each(|change| quarantine.holds("can", change.raw_bytes()));
    let settings = Settings { quarantine, budgets, ..settings(doc) };
    let raw = |change: &Change| Bytes::from(change.raw_bytes().to_vec());
    let logged = (0..).zip(&changes).map(|(n, one)| Logged::read(n, raw(one), DelegationCode::secretariat()));
    Hub::load::<LoadError>(settings, logged, []).unwrap()
}

fn settings(doc: &Automerge) -> Settings {
    Settings::of(doc.get_changes(&[])[0].hash())
}

fn handle(hub: &mut Hub, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    hub.handle(NOW, event, &mut effects);
    effects
}

/// What the first client is sent, as Automerge reads it.
fn sent(effects: &[Effect]) -> Vec<automerge::sync::Message> {
    let frames = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to: LINK, frame } => Some(frame.addressed_to(&Target::new("p1"))),
        _ => None,
    });
    let message = |frame| match Frame::decode(&frame) {
        Ok(Frame::Sync { data, .. }) => automerge::sync::Message::decode(&data).unwrap(),
        other => panic!("{other:?}"),
    };
    frames.map(message).collect()
}

fn member(connection: ConnectionId) -> Member {
    Member {
        peer: format!("p{}", connection.0),
        account: "can".into(),
        role: Role::Delegate,
        delegation: Some(code("CAN")),
    }
}

fn join(hub: &mut Hub, connection: ConnectionId) {
    handle(hub, Event::Open { connection, member: member(connection) });
}

fn text(doc: &Automerge) -> ObjId {
    let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
    let (_, map) = doc.get(&list, 0).unwrap().unwrap();
    doc.get(&map, "text").unwrap().unwrap().1
}

fn write(doc: &mut Automerge, words: &str) -> Change {
    let text = text(doc);
    let mut tx = doc.transaction();
    tx.splice_text(&text, 0, 0, words).unwrap();
    let (hash, _) = tx.commit();
    doc.get_change_by_hash(&hash.unwrap()).unwrap()
}

fn fork(doc: &Automerge, actor: u8) -> Automerge {
    let mut fork = doc.fork();
    edit::begin_session(&mut fork, ActorId::from([actor; 16]), &code("CAN"));
    fork
}

fn bringing(changes: &[&Change]) -> Event {
    let changes = changes.iter().map(|change| Bytes::from(change.raw_bytes().to_vec())).collect();
    let message = SyncMessage { changes, ..SyncMessage::acknowledging(Vec::new()) };
    Event::Sync { connection: LINK, data: message.encode().into() }
}

fn codes(effects: &[Effect]) -> Vec<&'static str> {
    let codes = effects.iter().filter_map(|effect| match effect {
        Effect::Quarantine(refused) => Some(refused.code),
        _ => None,
    });
    codes.collect()
}

fn is_told(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Tell { .. }))
}

/// A client comes back with a change that a Bloom filter over the server's changes takes for one of them, and
/// with others that build on it.
#[test]
fn a_filter_that_errs_costs_nobody_a_change() {
    let mut doc = founded();
    for _ in 0..20 {
        write(&mut doc, "x");
    }
    let hashes: Vec<_> = doc.get_changes(&[]).iter().map(Change::hash).collect();
    let filter = BloomFilter::from_hashes(hashes.iter());
    let mistaken = (0..10_000).find_map(|n| {
        let mut client = fork(&doc, 7);
        let first = write(&mut client, &format!("{n}"));
        filter.contains_hash(&first.hash()).then_some(client)
    });
    let mut client = mistaken.expect("one in a hundred");
    write(&mut client, "later");
    let mut hub = hub(&doc, &[]);
    join(&mut hub, LINK);
    let mut state = State::new();
    while let Some(message) = client.generate_sync_message(&mut state) {
        let arrives = Event::Sync { connection: LINK, data: message.encode().into() };
        let mut effects = handle(&mut hub, arrives);
        let durable = hub.folded();
        effects.extend(handle(&mut hub, Event::Stored { durable }));
        assert_eq!(codes(&effects), [""; 0]);
        for message in sent(&effects) {
            client.receive_sync_message(&mut state, message).unwrap();
        }
    }
    assert_eq!(hub.heads(), client.get_heads());
}

/// A document goes on from a snapshot of the beginning of its own log, and from no other.
#[test]
fn a_snapshot_is_taken_up_by_its_own_log_only() {
    let mut doc = founded();
    for n in 0..9 {
        write(&mut fork(&doc, 7 + n), "elsewhere");
        write(&mut doc, "x");
    }
    let changes = doc.get_changes(&[]);
    let mut beginning = Automerge::new();
    beginning.apply_changes(changes[..6].to_vec()).unwrap();
    let mut before = hub(&beginning, &[]);
    assert_eq!(before.snapshot(7), None, "it has not grown by so much");
    let snapshot = before.snapshot(1).unwrap();
    assert_eq!((snapshot.changes, before.snapshot(1)), (6, None));
    let secretariat = DelegationCode::secretariat;
    let go_on = |owners: &dyn Fn(usize) -> DelegationCode, first: &[Change]| {
        let later = changes.iter().enumerate().skip(6);
        let later = later.map(|(n, one)| Logged::read(n, one.raw_bytes().to_vec().into(), secretariat()));
        let later = later.map(|logged| logged.map_err(Why::from));
        let mut unparsed = Unparsed::default();
        let owned = first.iter().enumerate();
        owned.for_each(|(n, change)| unparsed.push(change.raw_bytes(), owners(n)));
        let mut hub = Hub::go_on::<Why>(settings(&doc), &snapshot, later, []).unwrap();
        hub.take(&unparsed).and_then(|()| hub.whole())
    };
    let ours = |_: usize| secretariat();
    let hub = go_on(&ours, &changes[..6]).unwrap();
    let whole = self::hub(&doc, &[]);
    assert_eq!(hub.attribution(), whole.attribution());
    assert_eq!((hub.heads(), hub.durable()), (whole.heads(), whole.durable()));
    assert!((0..=hub.durable()).all(|n| hub.raw(n) == whole.raw(n)));
    let other = |n: usize| if n == 4 { code("CAN") } else { secretariat() };
    assert_eq!(go_on(&other, &changes[..6]).unwrap_err(), Mismatch::Differs(4));
    assert_eq!(go_on(&ours, &changes[..5]).unwrap_err(), Mismatch::Differs(5));
    assert_eq!(go_on(&ours, &changes[..7]).unwrap_err(), Mismatch::Differs(6));
    let swapped: Vec<_> = [0, 1, 3, 2, 4, 5].map(|n| changes[n].clone()).into();
    assert_eq!(go_on(&ours, &swapped).unwrap_err(), Mismatch::Differs(2));
}

/// Where changes keep coming, a snapshot is taken all the same, and goes out once every one of its changes is durable.
#[test]
fn who_never_pauses_has_a_snapshot_too() {
    let doc = founded();
    let mut client = fork(&doc, 7);
    let changes: Vec<Change> = (0..30).map(|_| write(&mut client, "x")).collect();
    let settings = Settings { snapshot_every: 2, ..settings(&doc) };
    let logged = |(n, one): (usize, &Change)| {
        Logged::read(n, one.raw_bytes().to_vec().into(), DelegationCode::secretariat())
    };
    let before = doc.get_changes(&[]);
    let mut hub =
        Hub::load::<LoadError>(settings.clone(), before.iter().enumerate().map(logged), []).unwrap();
    join(&mut hub, LINK);
    let mut kept: Vec<Snapshot> = Vec::new();
    for change in &changes {
        handle(&mut hub, bringing(&[change]));
        // The store is always two behind.
        let durable = hub.folded() - 2;
        handle(&mut hub, Event::Stored { durable });
        if let Some(snapshot) = hub.snapshot_beside_writing() {
            assert_eq!(snapshot.changes, durable, "it goes out as soon as it may");
            kept.push(snapshot);
        }
    }
    let of: Vec<u32> = kept.iter().map(|snapshot| snapshot.changes).collect();
    assert_eq!(of, [8, 16, 24], "each lacks eight changes, which are more than a quarter");
    let all: Vec<Change> = before.into_iter().chain(changes).collect();
    for snapshot in kept {
        let (first, later) = all.split_at(snapshot.changes as usize);
        let owned = |n: usize| if n == 0 { DelegationCode::secretariat() } else { code("CAN") };
        let later = (first.len()..)
            .zip(later)
            .map(|(n, one)| Logged::read(n, one.raw_bytes().to_vec().into(), owned(n)).map_err(Why::from));
        let mut unparsed = Unparsed::default();
        first.iter().enumerate().for_each(|(n, one)| unparsed.push(one.raw_bytes(), owned(n)));
        let mut continued = Hub::go_on::<Why>(settings.clone(), &snapshot, later, []).unwrap();
        continued.take(&unparsed).unwrap();
        assert_eq!(continued.whole().unwrap().attribution(), hub.attribution());
    }
}

/// Before its log is there a document from a snapshot can be read; where the log ends otherwise, it is not even that.
#[test]
fn a_snapshot_is_read_where_its_heads_are_those_of_the_log() {
    let mut doc = founded();
    write(&mut fork(&doc, 7), "elsewhere");
    for _ in 0..5 {
        write(&mut doc, "x");
    }
    let changes = doc.get_changes(&[]);
    let mut whole = hub(&doc, &[]);
    let snapshot = whole.snapshot(1).unwrap();
    let mut continued = Hub::go_on::<Why>(settings(&doc), &snapshot, [], []).unwrap();
    assert_eq!(continued.hub().attribution(), whole.attribution());
    assert_eq!((continued.hub().heads(), continued.hub().durable()), (whole.heads(), whole.durable()));
    assert_eq!(continued.hub().snapshot(1), None, "the one it comes from is kept already");
    let secretariat = DelegationCode::secretariat;
    let is_of = |stored: &dyn Fn(u32) -> (Vec<u8>, DelegationCode)| {
        let mut looked = Vec::new();
        let outcome = continued.is_of(|number| {
            looked.push(number);
            Ok::<_, Mismatch>(stored(number))
        });
        (outcome, looked)
    };
    let raw = |number: u32| changes[number as usize].raw_bytes().to_vec();
    let last = whole.durable() - 1;
    assert_eq!(is_of(&|number| (raw(number), secretariat())), (Ok(()), vec![last]));
    let differs = (Err(Mismatch::Differs(last)), vec![last]);
    assert_eq!(is_of(&|number| (raw(number - 1), secretariat())), differs);
    assert_eq!(is_of(&|number| (raw(number), code("CAN"))), differs);
}

/// Why a log does not go on, in words.
#[derive(Debug)]
struct Why(#[allow(dead_code, reason = "shown where a test fails")] String);

impl From<LoadError> for Why {
    fn from(error: LoadError) -> Self {
        Self(error.to_string())
    }
}

impl From<Mismatch> for Why {
    fn from(error: Mismatch) -> Self {
        Self(error.to_string())
    }
}

/// Whoever begins anew on a connection that goes on (a copy closed and opened again) is answered, with whatever of the
/// document it has; without an answer it would wait for ever.
#[test]
fn who_begins_anew_on_its_connection_is_answered() {
    let mut doc = founded();
    let older = fork(&doc, 7);
    write(&mut doc, "x");
    let mut ahead = fork(&doc, 8);
    write(&mut ahead, "new");
    let mut hub = hub(&doc, &[]);
    join(&mut hub, LINK);
    for mut client in [Automerge::new(), fork(&doc, 9), older, ahead, fork(&doc, 9)] {
        let mut state = State::new();
        let mut answers = 0;
        while let Some(message) = client.generate_sync_message(&mut state) {
            let arrives = Event::Sync { connection: LINK, data: message.encode().into() };
            let mut effects = handle(&mut hub, arrives);
            let durable = hub.folded();
            effects.extend(handle(&mut hub, Event::Stored { durable }));
            for message in sent(&effects) {
                client.receive_sync_message(&mut state, message).unwrap();
                answers += 1;
            }
        }
        assert!((1..5).contains(&answers), "{answers}");
        assert_eq!(state.their_heads.as_ref(), Some(&hub.heads()));
        assert!(hub.heads().iter().all(|head| client.get_change_by_hash(head).is_some()));
    }
}

/// A client comes back whose Bloom filter takes one of our heads for its own, while others write: it asks to start
/// over for every message that names that head, and is sent the document once.
#[test]
fn a_wish_to_start_over_is_one_however_often_it_is_said() {
    let mut doc = founded();
    let mut client = fork(&doc, 7);
    write(&mut client, "offline");
    let head = write(&mut doc, "x");
    let mut elsewhere = fork(&doc, 8);
    let mut hub = hub(&doc, &[]);
    join(&mut hub, LINK);
    let hashes: Vec<_> = client.get_changes(&[]).iter().chain([&head]).map(Change::hash).collect();
    let mut state = State::new();
    let mut first = client.generate_sync_message(&mut state).unwrap();
    first.have[0].bloom = BloomFilter::from_hashes(hashes.iter());
    let mut arriving = sent(&handle(&mut hub, Event::Sync { connection: LINK, data: first.encode().into() }));
    for _ in 0..100 {
        let raw = Bytes::from(write(&mut elsewhere, "y").raw_bytes().to_vec());
        hub.submit(&member(ConnectionId(2)), &[raw], &mut Vec::new());
        let durable = hub.folded();
        arriving.extend(sent(&handle(&mut hub, Event::Stored { durable })));
    }
    // What is on the way when the client begins to answer.
    assert_eq!(arriving.len(), 101);
    let mut changes = 0;
    while !arriving.is_empty() {
        let mut answers = Vec::new();
        for message in arriving {
            client.receive_sync_message(&mut state, message).unwrap();
            let Some(message) = client.generate_sync_message(&mut state) else { continue };
            answers.push(handle(&mut hub, Event::Sync { connection: LINK, data: message.encode().into() }));
            let durable = hub.folded();
            answers.push(handle(&mut hub, Event::Stored { durable }));
        }
        assert!(!answers.iter().flatten().any(|effect| matches!(effect, Effect::Close { .. })));
        arriving = answers.iter().flat_map(|effects| sent(effects)).collect();
        changes += arriving.iter().map(|message| message.changes.len()).sum::<usize>();
    }
    assert_eq!(hub.heads(), client.get_heads());
    assert!(changes <= 103, "sent {changes} changes, and has 103");
    // Later, when it has gone on meanwhile, it is another wish.
    let last = write(&mut client, "later");
    let changes = vec![Bytes::from(last.raw_bytes().to_vec())];
    let goes_on = SyncMessage { changes, ..SyncMessage::acknowledging(hub.heads()) };
    handle(&mut hub, Event::Sync { connection: LINK, data: goes_on.encode().into() });
    let again = SyncMessage::reset(Vec::new()).encode();
    let answer = sent(&handle(&mut hub, Event::Sync { connection: LINK, data: again.into() }));
    assert_eq!(answer.len(), 1);
}

/// The first telling may have been lost with its connection.
#[test]
fn what_is_refused_again_is_told_again_and_kept_once() {
    let doc = founded();
    let bad = write(&mut fork(&doc, 7), "\n");
    let mut hub = hub(&doc, &[]);
    join(&mut hub, LINK);
    assert_eq!(codes(&handle(&mut hub, bringing(&[&bad]))), ["control-character"]);
    assert!(is_told(&handle(&mut hub, Event::Kept { refused: 1 })));
    let again = handle(&mut hub, bringing(&[&bad]));
    assert_eq!(codes(&again), [""; 0]);
    assert!(is_told(&again));
}

/// Whoever is told may throw its copy away, and who watches hears of nothing that could be lost.
#[test]
fn nobody_is_told_before_it_is_in_quarantine() {
    let doc = founded();
    let (one, two) = (write(&mut fork(&doc, 7), "\n"), write(&mut fork(&doc, 8), "\n"));
    let mut hub = hub(&doc, &[]);
    join(&mut hub, LINK);
    let published = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::Publish(DocumentEvent::Refused { .. })))
    };
    for bad in [&one, &two, &two] {
        let effects = handle(&mut hub, bringing(&[bad]));
        assert!(!is_told(&effects) && !published(&effects), "{effects:?}");
    }
    let kept = handle(&mut hub, Event::Kept { refused: 1 });
    assert!(is_told(&kept) && published(&kept));
    let rest = handle(&mut hub, Event::Kept { refused: 2 });
    assert_eq!(rest.iter().filter(|effect| matches!(effect, Effect::Tell { .. })).count(), 2);
}

/// Also where it was refused in an earlier message, or before a restart.
#[test]
fn what_builds_on_a_refused_change_says_so() {
    let doc = founded();
    let mut client = fork(&doc, 7);
    let (bad, next) = (write(&mut client, "\n"), write(&mut client, "x"));
    let mut first = hub(&doc, &[]);
    join(&mut first, LINK);
    handle(&mut first, bringing(&[&bad]));
    assert_eq!(codes(&handle(&mut first, bringing(&[&next]))), ["depends-on-refused"]);
    let mut second = hub(&doc, &[&bad]);
    join(&mut second, LINK);
    assert_eq!(codes(&handle(&mut second, bringing(&[&bad, &next]))), ["depends-on-refused"]);
}

/// Nobody is told that their words are kept where they are not: all of what fits is kept whole, nothing of the rest.
#[test]
fn a_full_quarantine_says_so_and_takes_nothing() {
    let doc = founded();
    let (one, two) = (write(&mut fork(&doc, 7), "\n"), write(&mut fork(&doc, 8), "\n"));
    for held in [vec![], vec![&one]] {
        let room = one.raw_bytes().len() + two.raw_bytes().len() / 2;
        let budgets = Budgets { quarantine_bytes: room, ..Budgets::default() };
        let mut hub = with(&doc, &held, budgets);
        join(&mut hub, LINK);
        let mut effects = handle(&mut hub, bringing(&[&one, &two, &one]));
        effects.extend(handle(&mut hub, Event::Kept { refused: 1 }));
        let (mut kept, mut unkept) = (Vec::new(), Vec::new());
        for effect in &effects {
            match effect {
                Effect::Quarantine(refused) => kept.push(refused.raw.as_ref()),
                Effect::Unkept(refused) => unkept.push(refused.raw.as_ref()),
                _ => {}
            }
        }
        let expected = if held.is_empty() { vec![one.raw_bytes()] } else { Vec::new() };
        assert_eq!((kept, unkept), (expected, vec![two.raw_bytes()]));
        let closed = effects.iter().any(
            |effect| matches!(effect, Effect::Close { closing, .. } if closing.reason.contains("NOT kept")),
        );
        assert!(closed && is_told(&effects));
    }
}

/// A committee opens its document: many who have nothing come at once. They are sent the same bytes, which are held no
/// longer than they are all there is, or somebody may come.
#[test]
fn who_has_nothing_shares_what_it_is_sent() {
    let mut doc = founded();
    write(&mut doc, &"words ".repeat(20_000));
    let mut hub = hub(&doc, &[]);
    let comes = |hub: &mut Hub, n: u64| {
        let connection = ConnectionId(n);
        join(hub, connection);
        let mut client = Automerge::new();
        let data = client.generate_sync_message(&mut State::new()).unwrap().encode().into();
        let effects = handle(hub, Event::Sync { connection, data });
        let frames = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send { to, frame } if to == connection => Some(frame),
            _ => None,
        });
        let frames: Vec<_> = frames.collect();
        assert_eq!(frames.len(), 1);
        let message = automerge::sync::Message::decode(frames[0].data()).unwrap();
        client.receive_sync_message(&mut State::new(), message).unwrap();
        assert_eq!(client.get_heads(), hub.heads());
        frames[0].clone()
    };
    assert!(!hub.has_to_spare());
    let (first, second) = (comes(&mut hub, 2), comes(&mut hub, 3));
    assert!(hub.has_to_spare() && first.len() > 100_000);
    assert_eq!((first.bytes().as_ptr(), &first), (second.bytes().as_ptr(), &second));
    join(&mut hub, LINK);
    let change = write(&mut fork(&doc, 7), "more ");
    handle(&mut hub, bringing(&[&change]));
    let third = comes(&mut hub, 4);
    assert_eq!(third.bytes().as_ptr(), first.bytes().as_ptr(), "what is not durable is sent to nobody");
    let durable = hub.folded();
    handle(&mut hub, Event::Stored { durable });
    assert!(!hub.has_to_spare());
    assert!(comes(&mut hub, 5).len() > first.len() && hub.has_to_spare());
    handle(&mut hub, Event::Quiet);
    assert!(!hub.has_to_spare());
}
