//! A hall of pages: each follows a document's events, and reads what has changed as the real page does, while one
//! delegation writes.

use super::client::Failed;
use super::contender::{Contender, PATIENCE, Running, Subject};
use super::document::resolution;
use super::fan_out::{self, Shape};
use super::figures::percentile;
use super::report::Row;
use codraft_protocol::api::Overview;
use codraft_protocol::id::Role;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use std::io::Read as _;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};

/// How long a page rests before it reads again: the real page's own.
const BREATH: Duration = Duration::from_millis(250);

/// What a page has seen.
struct Sight {
    /// How long each answer took, in microseconds.
    answers: Vec<u64>,
    /// Bytes of all answers' bodies after the first, as they came.
    bytes: u64,
    /// Everything that was read, put together.
    overview: Option<Overview>,
}

async fn connect(address: &str) -> Result<SendRequest<Empty<Bytes>>, Failed> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One page of one delegation's.
struct Page {
    sender: SendRequest<Empty<Bytes>>,
    path: String,
    token: String,
    sight: Sight,
}

async fn ask(
    sender: &mut SendRequest<Empty<Bytes>>,
    path: &str,
    token: &str,
) -> Result<Response<Incoming>, Failed> {
    let request = Request::get(format!("/api/v1{path}"))
        .header(header::HOST, "hall")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT_ENCODING, "gzip")
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if answer.status().is_success() { Ok(answer) } else { Err(format!("HTTP status {}", answer.status())) }
}

impl Page {
    async fn read(&mut self) -> Result<(), Failed> {
        let since = self.sight.overview.as_ref().map(|overview| format!("?since={}", overview.edition));
        let path = format!("{}/overview{}", self.path, since.unwrap_or_default());
        let began = Instant::now();
        let answer = ask(&mut self.sender, &path, &self.token).await?;
        let compressed = answer.headers().contains_key(header::CONTENT_ENCODING);
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if self.sight.overview.is_some() {
            self.sight.answers.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
            self.sight.bytes += body.len() as u64;
        }
        let mut plain = Vec::new();
        if compressed {
            GzDecoder::new(&*body).read_to_end(&mut plain).map_err(|error| error.to_string())?;
        } else {
            plain.extend_from_slice(&body);
        }
        let said: Overview = serde_json::from_slice(&plain).map_err(|error| error.to_string())?;
        self.sight.overview = said.after(self.sight.overview.take());
        Ok(())
    }

    /// Follows the events, and reads after them, until it is told to stop; then reads once more.
    async fn run(
        mut self,
        address: String,
        joined: mpsc::UnboundedSender<()>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Sight, Failed> {
        let mut stream = connect(&address).await?;
        let events = ask(&mut stream, &format!("{}/events", self.path), &self.token).await?;
        let mut events = events.into_body();
        self.read().await?;
        // Whoever waits for it has given up, where it does not.
        let _ = joined.send(());
        let mut last = tokio::time::Instant::now();
        let mut news = false;
        loop {
            tokio::select! {
                _ = stop.changed() => break,
                frame = events.frame() => {
                    let frame = frame.ok_or("the events ended")?.map_err(|error| error.to_string())?;
                    // Who is there is told in the event itself.
                    let text = frame.data_ref().map(|data| String::from_utf8_lossy(data)).unwrap_or_default();
                    news |= text.contains("event: changes") || text.contains("event: proposals");
                }
                () = sleep_until(last + BREATH), if news => {
                    (last, news) = (tokio::time::Instant::now(), false);
                    self.read().await?;
                }
            }
        }
        self.read().await?;
        Ok(self.sight)
    }
}

/// One delegation writes in a resolution of that size, beside so many pages.
///
/// # Errors
/// Where the run did not come to its end.
pub async fn run(pages: usize, provisions: usize) -> Result<Row, Failed> {
    let running = tokio::task::block_in_place(|| Running::start(Contender::Codraft))?;
    let subject = Subject::make(&running, &resolution(provisions, provisions * 500)).await?;
    let server = running.codraft().ok_or("pages are codraft's")?;
    let address = server.url.trim_start_matches("http://").to_owned();
    let (stop, stopping) = watch::channel(false);
    let (joined, mut joins) = mpsc::unbounded_channel();
    let mut hall = Vec::new();
    for _ in 0..pages {
        let page = Page {
            sender: connect(&address).await?,
            path: format!("/documents/{}", subject.document),
            token: tokio::task::block_in_place(|| server.invite(Role::Observer)),
            sight: Sight { answers: Vec::new(), bytes: 0, overview: None },
        };
        hall.push(tokio::spawn(page.run(address.clone(), joined.clone(), stopping.clone())));
    }
    for _ in 0..pages {
        timeout(PATIENCE, joins.recv()).await.map_err(|_| "a page never read the document")?;
    }
    let shape = Shape { peers: 10, ..Shape::default() };
    let mut row = fan_out::run("pages", &running, &subject, &shape).await?.row;
    row.server = format!("{provisions} provisions, {pages} pages");
    stop.send_replace(true);
    let now = tokio::task::block_in_place(|| server.pen().overview(&subject.document, None));
    let now = now.map_err(|error| error.to_string())?;
    let (mut answers, mut bytes) = (Vec::new(), 0);
    for page in hall {
        match page.await.map_err(|error| error.to_string())? {
            Ok(sight) => {
                answers.extend(sight.answers);
                bytes += sight.bytes;
                let shown = sight.overview.map(|shown| (shown.provisions, shown.proposals));
                if shown.is_none_or(|shown| shown != (now.provisions.clone(), now.proposals.clone())) {
                    row.object("a page shows something else than the server says");
                }
            }
            Err(why) => row.object(format!("a page: {why}")),
        }
    }
    if pages > 0 {
        answers.sort_unstable();
        row.set("answer p50 ms", percentile(&answers, 0.5) / 1e3);
        row.set("answer p99 ms", percentile(&answers, 0.99) / 1e3);
        row.count("answers", answers.len() as u64);
        row.set("KB an answer", bytes as f64 / 1024.0 / answers.len().max(1) as f64);
    }
    Ok(row)
}
