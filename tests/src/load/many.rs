//! Many documents on one server: most idle, some active, one of them busy.

use super::board::{Board, Dialect};
use super::client::Failed;
use super::contender::{PATIENCE, Running, Subject};
use super::document::resolution;
use super::fan_out::{self, Ran, Shape};
use super::figures::{memory, percentile};
use super::peer;
use super::report::Row;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};

/// Those in an active document: one who writes, and two who read.
const PEERS: usize = 3;

/// How it is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Documents in all.
    pub documents: usize,
    /// Those with a writer and two readers.
    pub active: usize,
    /// Edits a second in each of those.
    pub rate: f64,
    /// Seconds that are measured.
    pub seconds: f64,
    /// Edits a second in the busy one.
    pub busy: f64,
}

/// Latencies in all active documents, in microseconds, in order.
struct Measured {
    latencies: Vec<u64>,
    /// From the first edit to the last delivery.
    during: Range<Instant>,
}

async fn measure(subject: &Subject, documents: &[String], layout: Layout) -> Result<Measured, Failed> {
    let edits = (layout.rate * layout.seconds) as u32;
    let (stop, stopping) = watch::channel(false);
    let (joined, mut joins) = mpsc::unbounded_channel();
    let (mut peers, mut writers, mut boards) = (Vec::new(), Vec::new(), Vec::new());
    for document in documents {
        let patience = Duration::from_millis(100);
        let plan = plan(subject, document).await?;
        let board =
            Board::new(Dialect::Automerge, document.clone(), plan, Vec::new(), edits as usize, 1, patience);
        let board = Arc::new(board);
        for number in 0..PEERS {
            let mut orders = None;
            if number == 0 {
                let (order, ordered) = mpsc::unbounded_channel();
                writers.push(order);
                orders = Some(ordered);
            }
            let url = if number == 0 { subject.writers[0].clone() } else { subject.reader.clone() };
            let (board, joined, stopping) = (Arc::clone(&board), joined.clone(), stopping.clone());
            peers.push(tokio::spawn(peer::run(number, url, board, orders, joined, stopping)));
        }
        for _ in 0..PEERS {
            timeout(PATIENCE, joins.recv()).await.map_err(|_| "a peer never joined")?;
        }
        boards.push(board);
    }
    let begun = tokio::time::Instant::now();
    for edit in 0..edits {
        for (number, writer) in writers.iter().enumerate() {
            let offset = number as f64 / writers.len() as f64;
            sleep_until(begun + Duration::from_secs_f64((f64::from(edit) + offset) / layout.rate)).await;
            let _ = writer.send(edit);
        }
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let whole = |board: &Arc<Board>| board.delivered.load(Relaxed) == u64::from(edits) * (PEERS as u64 - 1);
    while !boards.iter().all(whole) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let during = begun.into_std()..Instant::now();
    stop.send_replace(true);
    let mut latencies = Vec::new();
    for (number, peer) in peers.into_iter().enumerate() {
        let sight = peer.await.map_err(|error| error.to_string())?;
        if let Some(error) = sight.error {
            return Err(error);
        }
        let board = &boards[number / PEERS];
        let waited = |(edit, took): &(u32, u32)| u64::from(*took) + board.lateness(*edit, layout.rate);
        latencies.extend(sight.latencies.iter().map(waited));
    }
    if !boards.iter().all(whole) {
        return Err("edits are missing".to_owned());
    }
    latencies.sort_unstable();
    Ok(Measured { latencies, during })
}

/// Every document has the same text, but an actor of its own.
async fn plan(subject: &Subject, document: &str) -> Result<super::document::Plan, Failed> {
    let mut client = super::client::Client::open(&subject.reader, document, None).await?;
    client.settle(PATIENCE).await?;
    Ok(super::document::Plan::of(&client.doc))
}

/// Makes the documents, wakes them, and measures the active ones alone and beside a busy one.
///
/// # Errors
/// What the server says.
pub async fn run(running: &mut Running, layout: Layout) -> Result<Vec<Row>, Failed> {
    let text = resolution(40, 20_000);
    let subject = Subject::make(running, &text).await?;
    let mut making = Row::new("many", "made");
    let started = Instant::now();
    let documents: Vec<String> = tokio::task::block_in_place(|| {
        let server = running.codraft().ok_or("only codraft has many documents here")?;
        Ok::<_, Failed>((0..layout.documents).map(|_| server.import(&text)).collect())
    })?;
    making.count("documents", documents.len() as u64);
    making.set("a document ms", started.elapsed().as_secs_f64() * 1e3 / documents.len() as f64);
    making.set("server MB", memory(running.pid()) / 1024.0);

    tokio::task::block_in_place(|| running.stop());
    let started = Instant::now();
    tokio::task::block_in_place(|| running.revive())?;
    let mut woken = Row::new("many", "woken after a restart");
    woken.set("restart s", started.elapsed().as_secs_f64());
    woken.set("server MB", memory(running.pid()) / 1024.0);
    let mut wakes = Vec::new();
    for document in documents.iter().take(200) {
        let started = Instant::now();
        let mut client = super::client::Client::open(&subject.reader, document, None).await?;
        client.settle(PATIENCE).await?;
        let took = started.elapsed() - client.applying;
        wakes.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
    wakes.sort_unstable();
    woken.set("p50 ms", percentile(&wakes, 0.5) / 1e3);
    woken.set("p99 ms", percentile(&wakes, 0.99) / 1e3);
    woken.set("200 of them MB", memory(running.pid()) / 1024.0);

    let active = &documents[..layout.active.min(documents.len())];
    let mut alone = Row::new("many", "active alone");
    let Measured { latencies, .. } = measure(&subject, active, layout).await?;
    alone.count("documents", active.len() as u64);
    alone.set("p50 ms", percentile(&latencies, 0.5) / 1e3);
    alone.set("p99 ms", percentile(&latencies, 0.99) / 1e3);
    alone.set("server MB", memory(running.pid()) / 1024.0);

    let shape = Shape {
        peers: 20,
        writers: 5,
        rate: layout.busy,
        seconds: layout.seconds + 30.0,
        ..Shape::default()
    };
    let mut beside = Row::new("many", "active beside a busy one");
    let (busy, measured) = tokio::join!(fan_out::run("many", running, &subject, &shape), async {
        // The busy one has begun by then.
        tokio::time::sleep(Duration::from_secs(3)).await;
        // Those who wrote before have left; their changes stay, so others are written to.
        let fresh = &documents[documents.len().saturating_sub(layout.active)..];
        measure(&subject, fresh, layout).await
    });
    let (Ran { row: mut busy, wrote }, Measured { latencies, during }) = (busy?, measured?);
    if during.start < wrote.start || during.end > wrote.end {
        beside.object("the busy document was not busy all the while");
    }
    beside.set("p50 ms", percentile(&latencies, 0.5) / 1e3);
    beside.set("p99 ms", percentile(&latencies, 0.99) / 1e3);
    beside.set("server MB", memory(running.pid()) / 1024.0);
    busy.server = "the busy one".to_owned();
    Ok(vec![making, woken, alone, beside, busy])
}
