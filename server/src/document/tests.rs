use super::*;
use crate::hub::{LoadError, Logged, Mismatch, Settings, Unparsed};
use crate::outbox::{self, Addressee};
use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, ROOT, ReadDoc as _, TextEncoding};
use codraft_protocol::amendment::View;
use codraft_protocol::api::Baseline;
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::resolution::{edit, text_form};
use codraft_protocol::sync::{Have, SyncMessage};
use std::sync::Mutex;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::yield_now;

type Done = Box<dyn FnOnce(bool) + Send>;

/// A store that takes its time.
#[derive(Clone, Default)]
struct Slow {
    waiting: Arc<Mutex<Vec<Done>>>,
    /// How many changes each snapshot has that it was given.
    snapshots: Arc<Mutex<Vec<u32>>>,
    forgotten: Arc<Mutex<bool>>,
}

impl Keep for Slow {
    fn store(&mut self, _: Vec<Kept>, _: Timestamp, done: Done) {
        self.waiting.lock().unwrap().push(done);
    }

    fn quarantine(&mut self, _: Refused, _: Timestamp, done: Done) {
        self.waiting.lock().unwrap().push(done);
    }

    fn snapshot(&mut self, snapshot: Snapshot) {
        self.snapshots.lock().unwrap().push(snapshot.changes);
    }

    fn forget_snapshot(&mut self) {
        *self.forgotten.lock().unwrap() = true;
    }
}

impl Slow {
    fn store_all(&self) {
        self.waiting.lock().unwrap().drain(..).for_each(|done| done(true));
    }
}

/// A document of one change, how it is set up, and what is known beside it.
fn document() -> (Settings, Vec<u8>, Facts) {
    let (layout, lines) = text_form::parse(b"Title\n1\tto act;\n").unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "", &layout, &lines, Timestamp(0)).unwrap();
    let changes = doc.get_changes(&[]);
    let settings = Settings::of(changes[0].hash());
    let baseline = Baseline { revision: 0, heads: Vec::new() };
    let facts = Facts { symbol: "S/1".into(), created: Timestamp(0), baseline };
    (settings, changes[0].raw_bytes().to_vec(), facts)
}

fn hub(settings: Settings, raw: &[u8]) -> Hub {
    let logged = [Logged::read(0, raw.to_vec().into(), DelegationCode::secretariat())];
    Hub::load::<LoadError>(settings, logged, []).unwrap()
}

fn started(keep: Slow) -> Handle {
    let (settings, raw, facts) = document();
    Handle::start(Opened::Whole(Box::new(hub(settings, &raw))), facts, keep)
}

/// A document whose snapshot is there, and where its log is to come from.
fn readable(keep: Slow) -> (Handle, UnboundedSender<Result<Unparsed, String>>, Vec<u8>) {
    #[derive(Debug)]
    struct Never;
    impl From<LoadError> for Never {
        fn from(_: LoadError) -> Self {
            Self
        }
    }
    impl From<Mismatch> for Never {
        fn from(_: Mismatch) -> Self {
            Self
        }
    }
    let (settings, raw, facts) = document();
    let snapshot = hub(settings.clone(), &raw).snapshot(1).unwrap();
    let continued = Hub::go_on::<Never>(settings, &snapshot, [], []).unwrap();
    let (sender, part) = unbounded_channel();
    let opened = Opened::Readable(Box::new(continued), History::of(vec![part]));
    (Handle::start(opened, facts, keep), sender, raw)
}

fn by_the_chair() -> By {
    By { account: "chair".into(), role: Some(Role::Chair), delegation: None }
}

fn owned_by(code: DelegationCode, raw: &[u8]) -> Unparsed {
    let mut log = Unparsed::default();
    log.push(raw, code);
    log
}

async fn a_while() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn it_is_read_before_its_log_is_there_and_written_to_after() {
    let keep = Slow::default();
    let (handle, log, raw) = readable(keep.clone());
    let (first, second) = (handle.clone(), handle.clone());
    let acting = tokio::spawn(async move {
        first.act(Decision::Deadline { deadline: Some(Timestamp(now().0 + 1_000_000)) }, by_the_chair()).await
    });
    a_while().await;
    let asking = tokio::spawn(async move { second.ask_raw(|hub, _| (hub.raw(0), hub.entries())).await });
    a_while().await;
    let text = handle.ask(|hub, _| (hub.text(&View::Current), hub.raw(0), hub.entries())).await.unwrap();
    assert_eq!((text.0.contains("to act"), text.1, text.2), (true, None, 0));
    a_while().await;
    assert!(keep.waiting.lock().unwrap().is_empty() && !acting.is_finished() && !asking.is_finished());
    log.send(Ok(owned_by(DelegationCode::secretariat(), &raw))).unwrap();
    drop(log);
    let storing = async {
        while keep.waiting.lock().unwrap().is_empty() {
            yield_now().await;
        }
        keep.store_all();
    };
    let (acted, asked, ()) = tokio::join!(acting, asking, storing);
    assert_eq!(acted.unwrap(), Some(Ok(Some(0))));
    assert_eq!(asked.unwrap(), Some((Some(raw.into()), 1)), "in the order in which they came");
}

#[tokio::test]
async fn a_log_that_is_another_one_ends_the_document() {
    for wrong in [true, false] {
        let keep = Slow::default();
        let (handle, log, raw) = readable(keep.clone());
        assert!(handle.ask(|hub, _| hub.durable()).await.is_some());
        let addressee = Addressee::new("server", "peer", None);
        let (outbox, mut outflow) = outbox::outbox(addressee, 100, 8);
        let member = Member { peer: "p".into(), account: "a".into(), role: Role::Chair, delegation: None };
        handle.join(ConnectionId(1), member, outbox).await;
        a_while().await;
        let code: DelegationCode = "CAN".parse().unwrap();
        log.send(if wrong { Ok(owned_by(code, &raw)) } else { Err("torn".into()) }).unwrap();
        assert_eq!(outflow.next().await.unwrap_err().code, 4507);
        assert!(handle.ask(|hub, _| hub.durable()).await.is_none());
        assert!(handle.is_closed() && *keep.forgotten.lock().unwrap());
    }
}

/// What comes in behind a question is not in its answer: it is not durable yet.
#[tokio::test]
async fn an_answer_tells_nothing_that_could_be_lost() {
    let keep = Slow::default();
    let handle = started(keep.clone());
    let postpone =
        |ms: i64| handle.act(Decision::Deadline { deadline: Some(Timestamp(now().0 + ms)) }, by_the_chair());
    let storing = async {
        while keep.waiting.lock().unwrap().is_empty() {
            yield_now().await;
        }
        let storing = async {
            // All the time that the task could want before the store is done.
            a_while().await;
            for _ in 0..100 {
                keep.store_all();
                yield_now().await;
            }
        };
        let asked = handle.ask(|hub, _| hub.entries());
        let (asked, behind, ()) = tokio::join!(asked, postpone(2_000_000), storing);
        (asked, behind)
    };
    let (first, (asked, behind)) = tokio::join!(postpone(1_000_000), storing);
    assert_eq!((first, behind), (Some(Ok(Some(0))), Some(Ok(Some(1)))));
    assert_eq!(asked, Some(1), "the second entry was not durable");
}

/// Long before anybody could have paused.
#[tokio::test]
async fn what_is_written_without_a_pause_gets_its_snapshot() {
    let (settings, raw, facts) = document();
    let mut doc = Automerge::load(&raw).unwrap();
    let actor = ActorId::from([7; 16]);
    edit::begin_session(&mut doc, actor.clone(), &"CAN".parse().unwrap());
    let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
    let (_, provision) = doc.get(&list, 0).unwrap().unwrap();
    let (_, text) = doc.get(&provision, "text").unwrap().unwrap();
    for _ in 0..3 {
        let mut tx = doc.transaction();
        tx.splice_text(&text, 0, 0, "x").unwrap();
        tx.commit();
    }
    let all = doc.get_changes(&[]);
    let changes = all.iter().skip(1).map(|change| change.raw_bytes().to_vec().into()).collect();
    let keep = Slow::default();
    let settings = Settings { snapshot_every: 1, ..settings };
    let opened = Opened::Whole(Box::new(hub(settings, &raw)));
    let handle = Handle::start(opened, facts, keep.clone());
    let delegation = Some("CAN".parse().unwrap());
    let member = Member { peer: "p".into(), account: "a".into(), role: Role::Delegate, delegation };
    let storing = async {
        while keep.waiting.lock().unwrap().is_empty() {
            yield_now().await;
        }
        assert!(keep.snapshots.lock().unwrap().is_empty(), "it is not durable");
        keep.store_all();
    };
    let (published, ()) = tokio::join!(handle.publish(member, NetChange { actor, changes }), storing);
    assert_eq!(published, Some(Some(all.len() - 1)));
    assert_eq!(*keep.snapshots.lock().unwrap(), [u32::try_from(all.len()).unwrap()]);
}

/// What many newcomers share is held no longer than they come.
#[tokio::test]
async fn what_newcomers_share_is_let_go_of() {
    let handle = started(Slow::default());
    // It has looked after what an earlier run left.
    while !handle.is_at_rest() {
        tokio::time::sleep(QUIET / 10).await;
    }
    let (outbox, _outflow) = outbox::outbox(Addressee::new("server", "p", None), 1 << 20, 8);
    let member = Member { peer: "p".into(), account: "a".into(), role: Role::Chair, delegation: None };
    handle.join(ConnectionId(1), member, outbox).await;
    let asking = SyncMessage { have: vec![Have::default()], ..SyncMessage::default() };
    handle.event(Event::Sync { connection: ConnectionId(1), data: asking.encode().into() }).await;
    let mut held = 0;
    while handle.ask(|hub, _| hub.has_to_spare()).await.unwrap() {
        held += 1;
        assert!(held < 200, "it is still held");
        tokio::time::sleep(QUIET / 10).await;
    }
    assert!(held > 1, "it was let go of at once: who comes next cannot share it");
}
