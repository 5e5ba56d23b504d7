//! Writers to readers: so many peers join one document, some of them write at a steady rate, all receive.

use super::board::{Board, Dialect, Sight};
use super::client::{Client, Failed};
use super::contender::{PATIENCE, Running, Subject};
use super::disk::{Probe, SLOWEST};
use super::document;
use super::figures::{Usage, median, memory, peak, percentile, written};
use super::peer;
use super::report::Row;
use super::yjs;
use automerge::Automerge;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};

/// The shape of a run.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Peers, writers included.
    pub peers: usize,
    /// How many of them write.
    pub writers: usize,
    /// Edits a second in all.
    pub rate: f64,
    /// Seconds that are measured.
    pub seconds: f64,
    /// Seconds before that.
    pub warm_up: f64,
    /// Seconds that the last deliveries may take after the last edit.
    pub drain: f64,
    /// Seconds that all wait after they have joined, for figures of idle connections.
    pub idle: f64,
    /// How long a reader collects before it acknowledges, as stock clients do.
    pub acknowledge: Duration,
}

impl Default for Shape {
    fn default() -> Self {
        let acknowledge = Duration::from_millis(100);
        Self {
            peers: 100,
            writers: 1,
            rate: 20.0,
            seconds: 10.0,
            warm_up: 2.0,
            drain: 15.0,
            idle: 0.0,
            acknowledge,
        }
    }
}

/// Peers that may be joining at a time.
const JOINING: usize = 64;

/// What a run was, and when it wrote.
#[derive(Debug)]
pub struct Ran {
    /// Its figures.
    pub row: Row,
    /// From its first edit to its last one.
    pub wrote: Range<Instant>,
}

/// Runs it.
///
/// # Errors
/// Where the run did not come to its end.
#[allow(clippy::too_many_lines)] // One run, told in order.
pub async fn run(scenario: &str, running: &Running, subject: &Subject, shape: &Shape) -> Result<Ran, Failed> {
    let mut row = Row::new(scenario, running.contender.name());
    let pid = running.pid();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = |seconds: f64| (seconds * shape.rate) as u32;
    let (edits, warm) = (count(shape.warm_up + shape.seconds), count(shape.warm_up));
    let board = Arc::new(Board::new(
        running.contender.dialect(),
        subject.document.clone(),
        subject.plan.clone(),
        subject.yjs.clone(),
        edits as usize,
        shape.writers,
        shape.acknowledge,
    ));
    let (stop, stopping) = watch::channel(false);
    let (joined, mut joins) = mpsc::unbounded_channel();
    let (mut peers, mut writers) = (Vec::new(), Vec::new());
    let (empty, started) = (memory(pid), Instant::now());
    let mut here = 0;
    for number in 0..shape.peers {
        let mut orders = None;
        let mut url = subject.reader.clone();
        if number < shape.writers {
            let (order, ordered) = mpsc::unbounded_channel();
            writers.push(order);
            orders = Some(ordered);
            url.clone_from(&subject.writers[number % subject.writers.len()]);
        }
        let (board, joined, stopping) = (Arc::clone(&board), joined.clone(), stopping.clone());
        peers.push(tokio::spawn(peer::run(number, url, board, orders, joined, stopping)));
        while number + 1 - here > JOINING {
            timeout(PATIENCE, joins.recv())
                .await
                .map_err(|_| format!("{here} of {} peers joined", shape.peers))?;
            here += 1;
        }
    }
    while here < shape.peers {
        match timeout(Duration::from_millis(500), joins.recv()).await {
            Ok(_) => here += 1,
            Err(_) if started.elapsed() < PATIENCE && !peers.iter().any(|peer| peer.is_finished()) => {}
            Err(_) => {
                stop.send_replace(true);
                let mut why = String::new();
                for peer in peers {
                    why = peer.await.ok().and_then(|sight| sight.error).unwrap_or(why);
                }
                return Err(format!("{here} of {} peers joined: {why}", shape.peers));
            }
        }
    }
    row.count("peers", shape.peers as u64);
    row.set("join all s", started.elapsed().as_secs_f64());
    if shape.idle > 0.0 {
        // What was needed for joining alone is given back meanwhile.
        let before = Usage::now(pid);
        tokio::time::sleep(Duration::from_secs_f64(shape.idle)).await;
        let used = Usage::now(pid).since(before);
        row.set("KB a connection", (memory(pid) - empty) / shape.peers as f64);
        row.set("idle CPU %", used.server / shape.idle * 100.0);
    }
    if edits == 0 {
        stop.send_replace(true);
        for peer in peers {
            if let Some(error) = peer.await.map_err(|error| error.to_string())?.error {
                row.object(error);
            }
        }
        return Ok(Ran { row, wrote: started..started });
    }

    let probe = Probe::start().map_err(|error| format!("watching the disk: {error}"))?;
    let begun = tokio::time::Instant::now();
    let due = |edit: u32| begun + Duration::from_secs_f64(f64::from(edit) / shape.rate);
    let (mut before, mut disk) = (Usage::now(pid), written(pid));
    for edit in 0..edits {
        sleep_until(due(edit)).await;
        if edit == warm {
            (before, disk) = (Usage::now(pid), written(pid));
        }
        // A writer that has ended has said why.
        let _ = writers[edit as usize % shape.writers].send(edit);
    }
    let wrote = begun.into_std()..Instant::now();
    let expected = u64::from(edits) * (shape.peers as u64 - 1);
    let deadline = Instant::now() + Duration::from_secs_f64(shape.drain);
    while board.delivered.load(Relaxed) < expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let used = Usage::now(pid).since(before);
    let disk = written(pid) - disk;
    row.set(SLOWEST, probe.slowest().as_secs_f64() * 1e3);
    // Late duplicates and acknowledgements are part of what a server does.
    tokio::time::sleep(shape.acknowledge * 3).await;
    stop.send_replace(true);
    let mut sights = Vec::new();
    for peer in peers {
        sights.push(peer.await.map_err(|error| error.to_string())?);
    }
    figures(&mut row, &board, &sights, shape, (edits, warm));
    judge(&mut row, &board, &sights, edits);
    let deliveries = f64::from(edits - warm) * (shape.peers as f64 - 1.0);
    // What was not delivered has cost nothing: its share would flatter.
    if row.get("missing") == Some(0.0) {
        row.set("CPU us a delivery", used.server * 1e6 / deliveries);
    }
    row.set("server CPU %", used.server / used.passed * 100.0);
    row.set("driver CPU %", used.driver / used.passed * 100.0);
    row.set("others CPU %", used.others / used.passed * 100.0);
    row.set("disk bytes an edit", disk / f64::from(edits - warm));
    row.set("peak MB", peak(pid) / 1024.0);
    if row.counts {
        compare(&mut row, running, subject, &board).await?;
    }
    Ok(Ran { row, wrote })
}

/// What the peers have in the end, and what speaks against it.
pub(super) fn judge(row: &mut Row, board: &Board, sights: &[Sight], edits: u32) {
    let yjs = board.dialect == Dialect::Yjs;
    let all = if yjs { edits } else { board.seeds() + edits };
    let expected = u64::from(edits) * (sights.len() as u64).saturating_sub(1);
    let (mut got, mut again, mut strange, mut whole) = (0_u64, 0, 0, 0);
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    for sight in sights {
        got += sight.latencies.len() as u64;
        (again, strange) = (again + sight.again, strange + sight.strange);
        whole += usize::from(sight.seen.all(all));
        if let Some(error) = &sight.error {
            *errors.entry(error).or_default() += 1;
        }
    }
    row.count("missing", expected.saturating_sub(got));
    row.count("came again", again);
    if whole < sights.len() {
        row.object(format!("{} of {} peers lack changes", sights.len() - whole, sights.len()));
    }
    if strange > 0 {
        row.object(format!("{strange} changes arrived that nobody sent"));
    }
    for (error, count) in errors {
        row.object(format!("{count} peers: {error}"));
    }
}

fn figures(row: &mut Row, board: &Board, sights: &[Sight], shape: &Shape, (edits, warm): (u32, u32)) {
    let (mut latencies, mut last) = (Vec::new(), 0);
    for (edit, took) in sights.iter().flat_map(|sight| &sight.latencies) {
        last = last.max(board.sent(*edit) + u64::from(*took));
        if *edit >= warm {
            latencies.push(u64::from(*took) + board.lateness(*edit, shape.rate));
        }
    }
    latencies.sort_unstable();
    let first = board.sent(warm);
    row.set("edits a second", f64::from(edits - warm) / ((last.saturating_sub(first)) as f64 / 1e6));
    for (name, share) in [("p50 ms", 0.5), ("p90 ms", 0.9), ("p99 ms", 0.99), ("max ms", 1.0)] {
        row.set(name, percentile(&latencies, share) / 1e3);
    }
    // How late the driver itself was: beyond a few milliseconds it measures itself.
    let late = (0..edits).map(|edit| board.lateness(edit, shape.rate)).max().unwrap_or(0);
    row.set("driver late ms", late as f64 / 1e3);
}

/// The text that all edits give, against what a newcomer reads and what the server says. Every light peer has
/// the very same changes, byte for byte (in Yjs: the very same insertions), so its text is this one.
pub(super) async fn compare(
    row: &mut Row,
    running: &Running,
    subject: &Subject,
    board: &Board,
) -> Result<(), Failed> {
    if let Dialect::Broadcast { .. } = board.dialect {
        return Ok(());
    }
    if board.dialect == Dialect::Yjs {
        let ours = yjs::text(&board.yjs, board.updates.iter().filter_map(|update| update.get()));
        if yjs::read(&subject.reader, &subject.document).await? != ours {
            row.object("a newcomer reads another text");
        }
        return Ok(());
    }
    let mut doc = Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint);
    let mut chunks = Vec::new();
    let mut number = 0;
    while let Some(raw) = board.raw(number) {
        chunks.extend_from_slice(raw);
        number += 1;
    }
    doc.load_incremental(&chunks).map_err(|error| error.to_string())?;
    let ours = document::text(&doc);
    let mut newcomer = Client::open(&subject.reader, &subject.document, None).await?;
    newcomer.settle(PATIENCE).await?;
    if document::text(&newcomer.doc) != ours {
        row.object("a newcomer reads another text");
    }
    if let Some(server) = running.codraft() {
        let (text, attributed) = tokio::task::block_in_place(|| {
            let attribution =
                server.pen().attribution(&subject.document).map_err(|error| error.to_string())?;
            Ok::<_, Failed>((server.text(&subject.document), attribution))
        })?;
        if text != ours {
            row.object("the server's own text is another one");
        }
        attribution(row, subject, board, &attributed);
    }
    Ok(())
}

/// Every edit is its delegation's.
fn attribution(row: &mut Row, subject: &Subject, board: &Board, said: &codraft_protocol::api::Attribution) {
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    let mut edit = 0;
    while board.edit(board.seeds() + edit).is_some() {
        let writer = edit as usize % board.writers;
        if let Some(code) = subject.delegations.get(writer % subject.delegations.len()) {
            *expected.entry(code).or_default() += 1;
        }
        edit += 1;
    }
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for run in said.provisions.iter().flat_map(|provision| &provision.runs).filter(|run| !run.baseline) {
        *found.entry(run.inserted_by.as_str()).or_default() += run.text.chars().count();
    }
    if found != expected {
        row.object(format!("words are attributed to {found:?}, and were written by {expected:?}"));
    }
}

/// The middle one of several rows of one server and scenario, by its p99 (or its first figure).
pub fn middle(mut rows: Vec<Row>) -> Option<Row> {
    let by = |row: &Row| row.get("p99 ms").or_else(|| row.get("join all s")).unwrap_or(f64::MAX);
    rows.sort_by(|a, b| by(a).total_cmp(&by(b)));
    let at = rows.len().checked_sub(1)? / 2;
    let spread = (by(rows.first()?), by(rows.last()?));
    let cpu = median(rows.iter().filter_map(|row| row.get("CPU us a delivery")).collect());
    let mut row = rows.swap_remove(at);
    if !rows.is_empty() {
        row.figures.insert("p99 of all runs".to_owned(), format!("{:.1}–{:.1}", spread.0, spread.1).into());
        if cpu.is_finite() {
            row.set("CPU us a delivery", cpu);
        }
    }
    if let Some(bad) = rows.iter().find(|row| !row.counts) {
        row.object(format!("another run of it does not count: {}", bad.why));
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::document::{Plan, imported, resolution};

    /// Whoever waits for an edit waits from when it was due: a server that stalls its writers hides nothing.
    #[test]
    fn latency_counts_from_when_an_edit_was_due() {
        let plan = Plan::of(&imported(&resolution(2, 100)));
        let document = String::new();
        let board = Board::new(Dialect::Automerge, document, plan, Vec::new(), 2, 1, Duration::ZERO);
        board.put(board.seeds(), 1, None, None);
        std::thread::sleep(Duration::from_millis(60));
        board.put(board.seeds() + 1, 2, None, None);
        let sight = Sight { latencies: vec![(0, 10), (1, 10)], ..Sight::default() };
        let mut row = Row::new("test", "test");
        let shape = Shape { rate: 100.0, ..Shape::default() };
        figures(&mut row, &board, &[sight], &shape, (2, 0));
        // Due 10 ms after the first one, and sent 60 ms after it.
        let late = row.get("driver late ms").unwrap();
        assert!(late >= 49.0, "{late}");
        assert!(row.get("max ms").unwrap() >= late, "{row:?}");
        assert_eq!(row.get("p50 ms"), Some(0.01));
    }
}
