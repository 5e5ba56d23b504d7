//! A long working day: clients that come and go and write meanwhile, a server that is killed again and again. In
//! the end everybody has everything, nothing acknowledged was ever missing, and memory is flat.

use super::board::{Board, Dialect, Seen, Sight};
use super::client::{Client, Failed};
use super::contender::{PATIENCE, Running, Subject};
use super::document::resolution;
use super::fan_out::{compare, judge};
use super::figures::{median, memory};
use super::peer::{Joined, Orders, Peer};
use super::report::Row;
use automerge::ReadDoc;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How it is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Clients, writers included.
    pub clients: usize,
    /// How many of them write.
    pub writers: usize,
    /// Edits a second in all.
    pub rate: f64,
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds from one kill of the server to the next.
    pub life: f64,
    /// Seconds that a client stays.
    pub stay: Range<f64>,
    /// Seconds that it is away; who writes goes on writing.
    pub away: Range<f64>,
}

impl Layout {
    /// 200 clients for so many minutes; the server is killed every minute, in short runs four times.
    pub fn of(minutes: f64) -> Self {
        let seconds = minutes * 60.0;
        let life = (seconds / 5.0).min(60.0);
        Self { clients: 200, writers: 20, rate: 20.0, seconds, life, stay: 5.0..60.0, away: 0.1..5.0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sky {
    /// Everybody stays.
    Calm,
    /// Clients come and go.
    Rough,
    /// The server is gone: nobody comes.
    Down,
    /// The end.
    Over,
}

/// What all clients look at.
#[derive(Clone, Copy, Debug)]
struct Weather {
    sky: Sky,
    /// How often the server was killed.
    kills: u32,
}

/// What all clients share.
struct Common {
    board: Board,
    stay: Range<f64>,
    away: Range<f64>,
    /// The changes that the server has said to have: those that its heads are, or are built on.
    promised: Mutex<Seen>,
    /// How often a client left by itself.
    left: AtomicU64,
}

impl Common {
    /// Takes note of what heads promise, and moves on over a peer's own edits that are promised.
    fn note(&self, peer: &Peer<'_>, known: &mut usize) {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = peer.theirs.clone();
        while let Some(hash) = waiting.pop() {
            if let Some(number) = self.board.number_of(&hash)
                && promised.set(number)
                && let Some(edit) = self.board.edit(number)
            {
                waiting.extend(&edit.deps);
            }
        }
        while peer.written.get(*known).is_some_and(|number| promised.has(*number)) {
            *known += 1;
        }
    }

    /// How many promised edits there are, and how many of them a newcomer does not get.
    async fn count(&self, subject: &Subject) -> Result<(u64, u64), Failed> {
        let promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut newcomer = Client::open(&subject.reader, &subject.document, None).await?;
        newcomer.settle(PATIENCE).await?;
        let (mut all, mut lost) = (0, 0);
        let mut number = self.board.seeds();
        while let Some(edit) = self.board.edit(number) {
            if promised.has(number) {
                all += 1;
                lost += u64::from(newcomer.doc.get_change_by_hash(&edit.hash).is_none());
            }
            number += 1;
        }
        Ok((all, lost))
    }
}

/// A client that comes and goes.
async fn roam(
    number: usize,
    url: String,
    common: Arc<Common>,
    orders: Option<Orders>,
    joined: Joined,
    weather: watch::Receiver<Weather>,
) -> Sight {
    let mut sight = Sight::default();
    let ended = wander(number, &url, &common, orders, joined, weather, &mut sight).await;
    sight.error = ended.err();
    sight
}

async fn wander(
    number: usize,
    url: &str,
    common: &Common,
    mut orders: Option<Orders>,
    joined: Joined,
    mut weather: watch::Receiver<Weather>,
    sight: &mut Sight,
) -> Result<(), Failed> {
    let mut random = SmallRng::seed_from_u64(number as u64);
    let mut within = |range: &Range<f64>| Duration::from_secs_f64(random.random_range(range.clone()));
    let mut peer = Peer::open(number, url, &common.board, orders.is_some()).await?;
    peer.ask().await?;
    let (mut complete, mut known) = (false, 0);
    let mut kills = 0;
    loop {
        let heard = |peer: &Peer<'_>, sight: &Sight| {
            common.note(peer, &mut known);
            if !complete && peer.is_complete(sight) {
                complete = true;
                let _ = joined.send(());
            }
        };
        let stayed =
            peer.stay(sight, &mut orders, enough(within(&common.stay), weather.clone()), heard).await;
        match stayed {
            Ok(()) if weather.borrow().sky == Sky::Over => return Ok(()),
            Ok(()) => {
                common.left.fetch_add(1, Relaxed);
                peer.leave().await;
            }
            // A server that is killed says no goodbye; any other end of a connection is a fault.
            Err(_) if weather.borrow().kills > kills => {}
            Err(why) => return Err(why),
        }
        let back = sleep(within(&common.away));
        tokio::pin!(back);
        loop {
            tokio::select! {
                () = &mut back => break,
                Some(edit) = async { orders.as_mut()?.recv().await }, if orders.is_some() => {
                    peer.make(edit, sight);
                }
            }
        }
        loop {
            kills =
                weather.wait_for(|now| now.sky != Sky::Down).await.map_err(|_| "it was broken off")?.kills;
            match timeout(PATIENCE, peer.come_back(url, known)).await {
                Ok(Ok(())) => break,
                _ if weather.borrow().kills > kills => {}
                Ok(Err(why)) => return Err(why),
                Err(_) => return Err("the server does not answer".to_owned()),
            }
        }
    }
}

/// Until a client has stayed long enough, unless everybody is to stay; or until the end.
async fn enough(long: Duration, mut weather: watch::Receiver<Weather>) {
    let mut end = weather.clone();
    let leaves = async {
        sleep(long).await;
        drop(weather.wait_for(|now| now.sky != Sky::Calm).await);
    };
    tokio::select! {
        () = leaves => {}
        _ = end.wait_for(|now| now.sky == Sky::Over) => {}
    }
}

/// What the server's memory was, in KB, and how many edits it had by then.
type Sample = (f64, f64);

/// KB that memory may differ without growing, beside a tenth of it.
const UNSTEADY: f64 = 8.0 * 1024.0;
/// KB that one more edit may take: it is kept for ever. Allocated are 1.5: 0.1 for its bytes, 0.3 in the index, 0.3 in
/// the record, 0.8 in the proposals and the attribution; the allocator loses some.
const AN_EDIT: f64 = 2.0;

/// How many KB memory grew by more than it may: from the first third of samples to the last, by their middle
/// ones; 0 where it is flat.
fn growth(first: &[Sample], last: &[Sample]) -> f64 {
    let middle = |of: &[Sample], part: fn(&Sample) -> f64| median(of.iter().map(part).collect());
    let (before, after) = (middle(first, |sample| sample.0), middle(last, |sample| sample.0));
    let edits = middle(last, |sample| sample.1) - middle(first, |sample| sample.1);
    (after - before * 1.1 - UNSTEADY - edits * AN_EDIT).max(0.0)
}

/// Memory is judged twice: at the end of each life of the server, the first third of lives against the last; and
/// within lives, halfway against the end.
fn flat(row: &mut Row, lives: &[(Sample, Sample)]) {
    let ends: Vec<Sample> = lives.iter().map(|life| life.1).collect();
    let third = lives.len().div_ceil(3);
    let (first, last) = (&ends[..third], &ends[lives.len() - third..]);
    let megabytes = |of: &[Sample]| median(of.iter().map(|sample| sample.0).collect()) / 1024.0;
    row.set("MB in the first third", megabytes(first));
    row.set("MB in the last third", megabytes(last));
    let grown = growth(first, last);
    if grown > 0.0 {
        row.object(format!("the server's memory grew by {:.1} MB too much", grown / 1024.0));
    }
    let halves: Vec<f64> = lives.iter().map(|(half, end)| growth(&[*half], &[*end])).collect();
    let grown = median(halves);
    if grown > 0.0 {
        row.object(format!("between two restarts memory grew by {:.1} MB too much", grown / 1024.0));
    }
}

/// Runs it. `meanwhile` is told each time that the server is gone, and where its store is.
///
/// # Errors
/// Where the run did not come to its end.
pub async fn run(
    running: &mut Running,
    layout: &Layout,
    mut meanwhile: impl FnMut(u32, &Path),
) -> Result<Row, Failed> {
    let mut row = Row::new("soak", running.contender.name());
    let subject = Subject::make(running, &resolution(40, 20_000)).await?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let edits = (layout.rate * layout.seconds) as u32;
    let (document, plan, writers) = (subject.document.clone(), subject.plan.clone(), layout.writers);
    let patience = Duration::from_millis(100);
    let board = Board::new(Dialect::Automerge, document, plan, Vec::new(), edits as usize, writers, patience);
    let common = Arc::new(Common {
        board,
        stay: layout.stay.clone(),
        away: layout.away.clone(),
        promised: Mutex::default(),
        left: AtomicU64::new(0),
    });
    let (sky, weather) = watch::channel(Weather { sky: Sky::Calm, kills: 0 });
    let (clients, orders) = join(&subject, layout, &common, &weather).await?;
    sky.send_modify(|now| now.sky = Sky::Rough);
    let begun = Instant::now();
    let pace = layout.rate;
    let pacing = tokio::spawn(async move {
        for edit in 0..edits {
            sleep_until(begun + Duration::from_secs_f64(f64::from(edit) / pace)).await;
            // A writer that has ended has said why.
            let _ = orders[edit as usize % orders.len()].send(edit);
        }
    });

    let at = |seconds: f64| sleep_until(begun + Duration::from_secs_f64(seconds));
    let sample = |pid| (memory(pid), begun.elapsed().as_secs_f64() * layout.rate);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (layout.seconds / layout.life).round().max(1.0) as u32;
    let mut lives = Vec::new();
    for life in 1..=count {
        at((f64::from(life) - 0.5) * layout.life).await;
        let half = sample(running.pid());
        at(f64::from(life) * layout.life).await;
        lives.push((half, sample(running.pid())));
        if life == count {
            break;
        }
        sky.send_modify(|now| *now = Weather { sky: Sky::Down, kills: life });
        tokio::task::block_in_place(|| {
            running.kill();
            meanwhile(life, &running.data());
            running.revive()
        })?;
        // Before anybody comes back who could bring what is lost.
        let (_, lost) = common.count(&subject).await?;
        if lost > 0 {
            return Err(format!("{lost} acknowledged edits are gone after kill {life}"));
        }
        sky.send_modify(|now| now.sky = Sky::Rough);
    }
    pacing.await.map_err(|error| error.to_string())?;
    sky.send_modify(|now| now.sky = Sky::Calm);
    let expected = u64::from(edits) * (layout.clients as u64 - 1);
    let deadline = Instant::now() + PATIENCE;
    while common.board.delivered.load(Relaxed) < expected && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
    }
    // The last acknowledgements.
    sleep(patience * 10).await;
    sky.send_modify(|now| now.sky = Sky::Over);
    let mut sights = Vec::new();
    for client in clients {
        sights.push(client.await.map_err(|error| error.to_string())?);
    }
    row.set("minutes", layout.seconds / 60.0);
    row.count("clients", layout.clients as u64);
    row.count("kills", u64::from(count - 1));
    row.count("times a client left", common.left.load(Relaxed));
    row.count("edits", u64::from(edits));
    let (acknowledged, lost) = common.count(&subject).await?;
    row.count("acknowledged", acknowledged);
    row.count("lost", lost);
    if lost > 0 {
        row.object("acknowledged edits are gone");
    }
    if acknowledged < u64::from(edits) {
        row.object("edits were never acknowledged");
    }
    judge(&mut row, &common.board, &sights, edits);
    flat(&mut row, &lives);
    if row.counts {
        compare(&mut row, running, &subject, &common.board).await?;
    }
    Ok(row)
}

type Clients = (Vec<tokio::task::JoinHandle<Sight>>, Vec<mpsc::UnboundedSender<u32>>);

/// All clients, once they have the document, and where the writers take their orders.
async fn join(
    subject: &Subject,
    layout: &Layout,
    common: &Arc<Common>,
    weather: &watch::Receiver<Weather>,
) -> Result<Clients, Failed> {
    let (joined, mut joins) = mpsc::unbounded_channel();
    let (mut clients, mut orders) = (Vec::new(), Vec::new());
    for number in 0..layout.clients {
        let (order, ordered) = mpsc::unbounded_channel();
        let writes = number < layout.writers;
        let url = if writes { &subject.writers[number % subject.writers.len()] } else { &subject.reader };
        if writes {
            orders.push(order);
        }
        let ordered = writes.then_some(ordered);
        let (common, joined, weather) = (Arc::clone(common), joined.clone(), weather.clone());
        clients.push(tokio::spawn(roam(number, url.clone(), common, ordered, joined, weather)));
    }
    for here in 0..layout.clients {
        let here = |_| format!("{here} of {} clients joined", layout.clients);
        timeout(PATIENCE, joins.recv()).await.map_err(here)?;
    }
    Ok((clients, orders))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_flat_or_it_is_not() {
        let mb = 1024.0;
        // A tenth, 8 MB, and what the edits take.
        assert_eq!(growth(&[(50.0 * mb, 0.0)], &[(62.9 * mb, 0.0)]), 0.0);
        assert_eq!(growth(&[(50.0 * mb, 0.0)], &[(64.0 * mb, 1_500.0)]), 0.0);
        assert!((growth(&[(50.0 * mb, 0.0)], &[(64.0 * mb, 0.0)]) - mb).abs() < 1.0);
        let life = |half: f64, end: f64| ((half * mb, 0.0), (end * mb, 0.0));
        let judged = |lives: &[(Sample, Sample)]| {
            let mut row = Row::new("soak", "codraft");
            flat(&mut row, lives);
            row.why
        };
        assert_eq!(judged(&[life(40.0, 45.0); 6]), "");
        let leaking: Vec<_> = (0..6).map(|n| life(40.0, 40.0 + f64::from(n) * 10.0)).collect();
        assert!(judged(&leaking).contains("grew by"), "{}", judged(&leaking));
        assert!(judged(&[life(40.0, 60.0); 6]).contains("between two restarts"));
    }
}
