//! The scenarios, each on every server that it is asked for, one after the other.

#![allow(clippy::print_stderr)] // What goes on is said while it goes on.

use super::board::Dialect;
use super::client::Failed;
use super::contender::{Contender, Running, Subject};
use super::document::resolution;
use super::fan_out::{self, Shape, middle};
use super::report::Row;
use super::{disk, growth, kill, late, many, pages, soak};

/// What one may choose about them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Runs of each, where it repeats.
    pub repeat: usize,
    /// How long those take that take as long as one likes.
    pub minutes: f64,
    /// The histories of open and growth, in operations.
    pub operations: Vec<usize>,
    /// Pauses while the history of open is brought, in which the store comes to rest.
    pub pauses: usize,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// 100 peers, 1 writer, 20 edits a second
    S1,
    /// 200 peers, 20 writers, 200 edits a second
    S2,
    /// 50 peers, 5 writers: the highest rate with p99 below 250 ms
    S3,
    /// A newcomer to a document of 50,000 operations, cold and warm
    S4,
    /// 1,000 peers join an equal document and stay idle
    S5,
    /// kill -9 right after an acknowledgement
    S6,
    /// 20 writers to 100 readers, as fast as they come through
    Readers,
    /// Restart and first reading of documents of 1,000 to 1,000,000 operations
    Open,
    /// What a change and the proposals cost at 1,000 to 1,000,000 operations and 40 to 4,000 provisions
    Growth,
    /// 10,000 documents, 200 of them active, one of them busy
    Many,
    /// 100 pages follow what one delegation writes, in 40 and in 400 provisions
    Pages,
    /// 200 clients come and go, the server is killed every minute; see --minutes
    Soak,
}

impl Scenario {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
            Self::S5 => "S5",
            Self::S6 => "S6",
            Self::Readers => "readers",
            Self::Open => "open",
            Self::Growth => "growth",
            Self::Many => "many",
            Self::Pages => "pages",
            Self::Soak => "soak",
        }
    }

    /// What it is, in a line.
    pub fn words(self) -> &'static str {
        match self {
            Self::S1 => "100 peers, 1 writer, 20 edits a second",
            Self::S2 => "200 peers, 20 writers, 200 edits a second",
            Self::S3 => "50 peers, 5 writers: the highest rate with p99 below 250 ms",
            Self::S4 => "a newcomer to a document of 50,000 operations",
            Self::S5 => "1,000 peers join an equal document and stay idle",
            Self::S6 => "kill -9 right after an acknowledgement",
            Self::Readers => "20 writers to 100 readers: the highest rate with p99 below 1 s",
            Self::Open => "documents of 1,000 to 1,000,000 operations after a restart",
            Self::Growth => "the hub alone, as a document grows",
            Self::Many => "10,000 documents, 200 of them active, one of them busy",
            Self::Pages => "100 pages follow what one delegation writes, 20 edits a second, to 10 peers",
            Self::Soak => "200 clients come and go, 20 edits a second, the server is killed every minute",
        }
    }

    /// Whether it says anything about that server.
    pub fn is_for(self, contender: Contender) -> bool {
        match self {
            Self::S1 | Self::S2 | Self::S3 | Self::S5 | Self::Readers => true,
            Self::S4 | Self::S6 => contender.dialect() == Dialect::Automerge,
            Self::Open | Self::Growth | Self::Many | Self::Pages | Self::Soak => {
                contender == Contender::Codraft
            }
        }
    }

    /// Whether several runs of it have a middle one.
    pub fn repeats(self) -> bool {
        matches!(self, Self::S1 | Self::S2 | Self::S5)
    }

    /// Runs it. A server that fails is a row that says so.
    pub async fn run(self, contender: Contender, settings: &Settings) -> Vec<Row> {
        let outcome = match self {
            Self::Growth => {
                let sizes = || growth::run(&settings.operations, &[40, 400, 4_000]);
                Ok(tokio::task::block_in_place(sizes))
            }
            Self::Open => {
                let (mut rows, mut points) = (Vec::new(), Vec::new());
                for operations in settings.operations.iter().copied() {
                    let row = self.late(contender, operations, settings.pauses).await;
                    let row = row.unwrap_or_else(|why| Row::failed(self.name(), contender.name(), why));
                    points.push((operations as f64, row.clone()));
                    rows.push(row);
                }
                let figures = [
                    "stop s",
                    "restart s",
                    "cold text ms",
                    "killed: text ms",
                    "cold ms",
                    "cold first word ms",
                    "warm ms",
                    "document MB",
                ];
                rows.push(growth::fitted(self.name(), "exponent over operations", &figures, &points));
                Ok(rows)
            }
            Self::Many => match tokio::task::block_in_place(|| Running::start(contender)) {
                Ok(mut running) => many::run(&mut running, MANY).await,
                Err(why) => Err(why),
            },
            Self::Pages => {
                let mut rows = Vec::new();
                for (provisions, hall) in [(40, 0), (40, 100), (400, 0), (400, 100)] {
                    rows.push(self.beside(contender, hall, provisions).await);
                }
                Ok(rows)
            }
            _ => self.on_each(contender, settings).await.map(|row| vec![row]),
        };
        outcome.unwrap_or_else(|why| vec![Row::failed(self.name(), contender.name(), why)])
    }

    async fn on_each(self, contender: Contender, settings: &Settings) -> Result<Row, Failed> {
        let repeat = settings.repeat;
        match self {
            Self::S1 => {
                let shape = Shape { peers: 100, writers: 1, rate: 20.0, seconds: 10.0, ..Shape::default() };
                self.repeat(contender, &shape, repeat).await
            }
            Self::S2 => {
                let shape = Shape {
                    peers: 200,
                    writers: 20,
                    rate: 200.0,
                    seconds: 15.0,
                    warm_up: 3.0,
                    ..Shape::default()
                };
                self.repeat(contender, &shape, repeat).await
            }
            Self::S3 => self.highest(contender, 50, 5, 250.0).await,
            Self::Readers => self.highest(contender, 120, 20, 1000.0).await,
            Self::S4 => self.late(contender, 50_000, 0).await,
            Self::S5 => {
                let shape = Shape { peers: 1000, rate: 0.0, idle: 5.0, ..Shape::default() };
                self.repeat(contender, &shape, repeat).await
            }
            Self::S6 => {
                let mut running = tokio::task::block_in_place(|| Running::start(contender))?;
                kill::run(self.name(), &mut running, 5, 100, 50.0).await
            }
            Self::Soak => {
                let mut running = tokio::task::block_in_place(|| Running::start(contender))?;
                soak::run(&mut running, &soak::Layout::of(settings.minutes), |_, _| {}).await
            }
            Self::Open | Self::Growth | Self::Many | Self::Pages => {
                Err("this is not run server by server".to_owned())
            }
        }
    }

    async fn late(self, contender: Contender, operations: usize, pauses: usize) -> Result<Row, Failed> {
        let mut running = tokio::task::block_in_place(|| Running::start(contender))?;
        let visits = if operations > 200_000 { 2 } else { 4 };
        late::run(self.name(), &mut running, 20_000, operations, visits, pauses).await
    }

    async fn once(self, contender: Contender, shape: &Shape) -> Result<Row, Failed> {
        let running = tokio::task::block_in_place(|| Running::start(contender))?;
        let subject = Subject::make(&running, &resolution(40, 20_000)).await?;
        fan_out::run(self.name(), &running, &subject, shape).await.map(|ran| ran.row)
    }

    async fn repeat(self, contender: Contender, shape: &Shape, repeat: usize) -> Result<Row, Failed> {
        let mut rows = Vec::new();
        for _ in 0..repeat {
            let mut row = self.once(contender, shape).await?;
            let mut tries = 1;
            while stood_still(&row) && tries < TRIES {
                row = self.once(contender, shape).await?;
                tries += 1;
            }
            rows.push(row);
        }
        middle(rows).ok_or_else(|| "nothing was run".to_owned())
    }

    async fn beside(self, contender: Contender, hall: usize, provisions: usize) -> Row {
        let mut tries = 0;
        loop {
            tries += 1;
            let row = pages::run(hall, provisions).await;
            let row = row.unwrap_or_else(|why| Row::failed(self.name(), contender.name(), why));
            if !stood_still(&row) || tries == TRIES {
                return row;
            }
        }
    }

    /// Runs it at one rate; again where the disk by itself stood still meanwhile. What it says is why the rate did not
    /// hold.
    async fn at(self, contender: Contender, shape: &Shape, bound: f64) -> (Row, Option<String>) {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.once(contender, shape).await;
            let row = outcome.unwrap_or_else(|why| Row::failed(self.name(), contender.name(), why));
            let p99 = row.get("p99 ms");
            let came =
                p99.map_or_else(|| "it did not come to its end".to_owned(), |p99| format!("p99 {p99:.0} ms"));
            let said = format!("{}/s: {came} {}", shape.rate, row.why).trim().to_owned();
            let slowest = row.get(disk::SLOWEST).unwrap_or_default();
            eprintln!("  {} at {said}; the disk's slowest sync took {slowest:.0} ms", contender.name());
            if row.counts && p99.is_some_and(|p99| p99 <= bound) {
                return (row, None);
            }
            if !stood_still(&row) || tries == TRIES {
                return (row, Some(said));
            }
        }
    }

    /// Raises the rate until deliveries are late or missing; the row is that of the last rate that held.
    async fn highest(
        self,
        contender: Contender,
        peers: usize,
        writers: usize,
        bound: f64,
    ) -> Result<Row, Failed> {
        let mut best: Option<Row> = None;
        let mut first = None;
        for rate in RATES {
            let shape = Shape { peers, writers, rate, seconds: 6.0, drain: 6.0, ..Shape::default() };
            let (mut row, said) = self.at(contender, &shape, bound).await;
            if let Some(said) = said {
                first = Some(said);
                break;
            }
            row.set("rate", rate);
            best = Some(row);
        }
        let Some(mut row) = best else {
            return Err(format!("not even {}", first.unwrap_or_default()));
        };
        if let Some(said) = first {
            row.figures.insert("then".to_owned(), said.into());
        }
        Ok(row)
    }
}

/// Whether the disk by itself stood still while it ran, so that it says nothing.
fn stood_still(row: &Row) -> bool {
    row.get(disk::SLOWEST).is_some_and(|slowest| slowest >= STILL)
}

/// The rates that are tried.
const RATES: [f64; 13] =
    [20.0, 40.0, 80.0, 160.0, 320.0, 500.0, 700.0, 1000.0, 1400.0, 2000.0, 2800.0, 4000.0, 5600.0];

/// A disk of which one sync takes so many milliseconds stood still: that says nothing of a server.
const STILL: f64 = 50.0;

/// How often a run is made at most.
const TRIES: u32 = 4;

/// The many documents.
const MANY: many::Layout =
    many::Layout { documents: 10_000, active: 200, rate: 0.5, seconds: 12.0, busy: 500.0 };
