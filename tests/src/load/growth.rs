//! What a change costs as a document grows: the hub alone, without sockets and disk, at histories and sizes a
//! thousand times apart.

use super::document::{Plan, imported, resolution};
use super::edits::{Edit, History, Pen};
use super::figures::{exponent, median, ms};
use super::report::Row;
use bytes::Bytes;
use codraft_protocol::authorship::{Gate, Index};
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::sync::{Have, SyncMessage};
use codraft_protocol::time::Timestamp;
use codraft_server::hub::{Budgets, ConnectionId, Event, Hub, LoadError, Logged, Member, Settings};
use std::time::Instant;

const DELEGATIONS: [&str; 4] = ["CAN", "USA", "FRA", "KEN"];
/// Changes that are timed at each size.
const TIMED: usize = 400;
/// How often the proposals are asked for, each time after one more change.
const ASKED: usize = 51;

fn code(number: usize) -> DelegationCode {
    DELEGATIONS[number % DELEGATIONS.len()].parse().expect("a code")
}

/// A hub with a history, and a delegation that goes on writing.
struct Desk {
    hub: Hub,
    pen: Pen,
    plan: Plan,
    /// How long it took to load.
    loading: f64,
    /// How long it takes to take a snapshot, and to make the index of that again.
    taking: f64,
    reading: f64,
}

const WRITER: ConnectionId = ConnectionId(1);
const AT: Timestamp = Timestamp(1_700_000_000_000);

impl Desk {
    fn new(provisions: usize, characters: usize, history: usize) -> Self {
        let text = resolution(provisions, characters);
        let plan = Plan::of(&imported(&text));
        let edits = History::new(&plan, DELEGATIONS.len(), 500).all(&plan, history);
        let mut pen = Pen::new(&plan, 4711);
        if let Some((_, last)) = edits.last() {
            pen.heads = vec![last.hash];
            pen.last_op = last.last_op;
        }
        let secretariat = DelegationCode::secretariat();
        let imported = plan.changes.iter().map(|(_, raw)| (raw.clone(), secretariat.clone()));
        let log: Vec<(Bytes, DelegationCode)> =
            imported.chain(edits.into_iter().map(|(who, edit)| (edit.raw, code(who)))).collect();
        let settings = Settings {
            document: DocumentId::from_bytes([7; 16]),
            server: "growth".to_owned(),
            baseline: plan.heads.clone(),
            gate: Gate::default(),
            budgets: Budgets::default(),
            snapshot_every: 1000,
            quarantine: Default::default(),
            closed: false,
            imported: Default::default(),
            hand: automerge::ActorId::from([250; 16]),
        };
        let started = Instant::now();
        let logged = (0..).zip(log).map(|(number, (raw, owner))| Logged::read(number, raw, owner));
        let mut hub = Hub::load::<LoadError>(settings, logged, []).expect("an honest log");
        let loading = ms(started.elapsed());
        let started = Instant::now();
        let snapshot = hub.snapshot(0).expect("all of it is durable");
        let taking = ms(started.elapsed());
        let started = Instant::now();
        let index = Index::of_snapshot(&snapshot.index).expect("its own");
        let reading = ms(started.elapsed());
        assert_eq!(index.len() as u32, hub.folded());
        drop(index);
        let (role, delegation) = (Role::Delegate, Some(code(0)));
        let member = Member { peer: "p".to_owned(), account: "a".to_owned(), role, delegation };
        hub.handle(AT, Event::Open { connection: WRITER, member }, &mut Vec::new());
        let mut desk = Self { hub, pen, plan, loading, taking, reading };
        // The first exchange, as a client that has all of it begins.
        let heads = desk.pen.heads.clone();
        desk.sync(SyncMessage::acknowledging(heads));
        desk
    }

    fn sync(&mut self, message: SyncMessage) {
        let data = message.encode().into();
        self.hub.handle(AT, Event::Sync { connection: WRITER, data }, &mut Vec::new());
    }

    /// One change from its bytes to the frames that relay and acknowledge it.
    fn change(&mut self, shared: &mut Vec<automerge::ChangeHash>) -> f64 {
        let Edit { hash, raw, .. } = self.pen.insert(&self.plan);
        let have = vec![Have { last_sync: std::mem::replace(shared, vec![hash]), ..Have::default() }];
        let data = SyncMessage { heads: vec![hash], have, changes: vec![raw], ..SyncMessage::default() };
        let data = data.encode().into();
        let mut effects = Vec::new();
        let started = Instant::now();
        self.hub.handle(AT, Event::Sync { connection: WRITER, data }, &mut effects);
        let durable = self.hub.folded();
        self.hub.handle(AT, Event::Stored { durable }, &mut effects);
        let took = started.elapsed().as_secs_f64() * 1e6;
        assert_eq!(self.hub.heads(), [hash], "the change went through");
        took
    }

    fn measure(mut self, row: &mut Row) {
        row.set("load ms", self.loading);
        row.set("snapshot ms", self.taking);
        row.set("from snapshot ms", self.reading);
        let mut shared = self.pen.heads.clone();
        let each: Vec<f64> = (0..TIMED).map(|_| self.change(&mut shared)).collect();
        row.set("a change us", median(each));
        let proposals = |desk: &mut Self, shared: &mut Vec<_>| {
            desk.change(shared);
            let started = Instant::now();
            let found = desk.hub.proposals();
            assert!(!found.proposals.is_empty());
            ms(started.elapsed())
        };
        row.set("proposals ms", median((0..ASKED).map(|_| proposals(&mut self, &mut shared)).collect()));
    }
}

/// The exponents of the power laws that fit these figures best, over sizes.
pub fn fitted(scenario: &str, name: &str, figures: &[&str], points: &[(f64, Row)]) -> Row {
    let mut row = Row::new(scenario, name);
    for figure in figures {
        let values: Vec<_> = points.iter().filter_map(|(x, row)| Some((*x, row.get(figure)?))).collect();
        row.set(figure, exponent(&values));
    }
    row
}

const FIGURES: [&str; 5] = ["load ms", "snapshot ms", "from snapshot ms", "a change us", "proposals ms"];

/// At these histories (operations, one a change) and numbers of provisions; the last rows are the exponents
/// of the power laws that fit.
pub fn run(histories: &[usize], provisions: &[usize]) -> Vec<Row> {
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    for history in histories {
        let mut row = Row::new("growth", &format!("{history} operations"));
        Desk::new(40, 20_000, *history).measure(&mut row);
        points.push((*history as f64, row.clone()));
        rows.push(row);
    }
    rows.push(fitted("growth", "exponent over operations", &FIGURES, &points));
    points.clear();
    for count in provisions {
        let mut row = Row::new("growth", &format!("{count} provisions"));
        Desk::new(*count, count * 500, 1000).measure(&mut row);
        points.push((*count as f64, row.clone()));
        rows.push(row);
    }
    rows.push(fitted("growth", "exponent over provisions", &FIGURES, &points));
    rows
}
