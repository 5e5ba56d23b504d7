use super::*;
use crate::hub::{Budgets, LoadError, Logged, Quarantine, Settings};
use automerge::{ActorId, Automerge, TextEncoding};
use codraft_protocol::api::Baseline;
use codraft_protocol::authorship::Gate;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::resolution::{edit, text_form};
use std::sync::Mutex;
use tokio::task::yield_now;

type Done = Box<dyn FnOnce(bool) + Send>;

/// A store that takes its time.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Vec<Done>>>);

impl Keep for Slow {
    fn store(&mut self, _: Vec<Kept>, _: Timestamp, done: Done) {
        self.0.lock().unwrap().push(done);
    }

    fn quarantine(&mut self, _: Refused, _: Timestamp, done: Done) {
        self.0.lock().unwrap().push(done);
    }

    fn snapshot(&mut self, _: Snapshot) {}
}

impl Slow {
    fn store_all(&self) {
        self.0.lock().unwrap().drain(..).for_each(|done| done(true));
    }
}

fn started(keep: Slow) -> Handle {
    let (layout, lines) = text_form::parse(b"Title\n1\tto act;\n").unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "", &layout, &lines, Timestamp(0)).unwrap();
    let changes = doc.get_changes(&[]);
    let settings = Settings {
        document: DocumentId::from_bytes([1; 16]),
        server: "server".into(),
        baseline: vec![changes[0].hash()],
        quarantine: Quarantine::default(),
        closed: false,
        imported: Timestamp(0),
        hand: ActorId::from([250; 16]),
        gate: Gate::default(),
        budgets: Budgets::default(),
        snapshot_every: 1000,
    };
    let raw = changes[0].raw_bytes().to_vec().into();
    let logged = [Logged::read(0, raw, DelegationCode::secretariat())];
    let hub = Hub::load::<LoadError>(settings, logged, []);
    let baseline = Baseline { revision: 0, heads: Vec::new() };
    let facts = Facts { symbol: "S/1".into(), created: Timestamp(0), baseline };
    Handle::start(hub.unwrap(), facts, keep)
}

/// What comes in behind a question is not in its answer: it is not durable yet.
#[tokio::test]
async fn an_answer_tells_nothing_that_could_be_lost() {
    let keep = Slow::default();
    let handle = started(keep.clone());
    let chair = || By { account: "chair".into(), role: Some(Role::Chair), delegation: None };
    let postpone =
        |ms: i64| handle.act(Decision::Deadline { deadline: Some(Timestamp(now().0 + ms)) }, chair());
    let storing = async {
        while keep.0.lock().unwrap().is_empty() {
            yield_now().await;
        }
        let storing = async {
            // All the time that the task could want before the store is done.
            for _ in 0..100 {
                yield_now().await;
            }
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
