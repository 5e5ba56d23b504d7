//! A newcomer to a document with a long history: when it has all of it, without the time that its own
//! Automerge takes.

use super::client::{Client, Failed};
use super::contender::{PATIENCE, Running, Subject};
use super::document::text;
use super::figures::{folder, median, memory, ms, peak};
use super::history::bring;
use super::report::Row;
use std::time::{Duration, Instant};
use tokio::time::timeout;

struct Visit {
    total: f64,
    applying: f64,
    first_word: f64,
    bytes: usize,
    text: String,
    changes: usize,
}

async fn visit(subject: &Subject) -> Result<Visit, Failed> {
    let started = Instant::now();
    let mut client = Client::open(&subject.reader, &subject.document, None).await?;
    client.settle(PATIENCE * 3).await?;
    Ok(Visit {
        total: ms(started.elapsed()),
        applying: ms(client.applying),
        first_word: client.first_word.map_or(-1.0, |at| ms(at - started)),
        bytes: client.received,
        text: text(&client.doc),
        changes: client.doc.get_changes(&[]).len(),
    })
}

/// A process's memory once it stays as it is, KB: behind the text that it has told, a server still reads the log.
async fn at_rest(pid: u32) -> Result<f64, Failed> {
    let mut before = 0.0;
    let coming = async {
        loop {
            let now = memory(pid);
            if now == before {
                return now;
            }
            before = now;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    timeout(PATIENCE, coming).await.map_err(|_| "the server's memory never stays as it is".to_owned())
}

/// How long a reader waits for the first byte of the marked text, which only an open document can tell, ms.
fn marked(running: &Running, subject: &Subject) -> Result<f64, Failed> {
    let server = running.codraft().ok_or("only codraft has marked texts")?;
    let started = Instant::now();
    let text = tokio::task::block_in_place(|| server.pen().text(&subject.document, "marked"));
    text.map_err(|error| error.to_string())?;
    Ok(ms(started.elapsed()))
}

/// A newcomer has every change of the history.
fn complete(row: &mut Row, visit: &Visit, changes: usize) {
    if visit.changes != changes {
        row.object(format!("a newcomer got {} changes of {changes}", visit.changes));
    }
}

/// Brings a history, ends the server, starts it again, and visits: the first visit is the cold one. With `pauses` the
/// history is brought in so many parts, after each of which the store comes to rest.
///
/// # Errors
/// What the server says.
pub async fn run(
    scenario: &str,
    running: &mut Running,
    characters: usize,
    history: usize,
    visits: usize,
    pauses: usize,
) -> Result<Row, Failed> {
    let resolution = super::document::resolution(40, characters);
    let subject = Subject::make(running, &resolution).await?;
    let mut row = Row::new(scenario, running.contender.name());
    row.count("ops", history as u64);
    let took = bring(running, &subject, history, pauses).await?;
    row.set("bring s", took.as_secs_f64());
    row.set("disk bytes a change", folder(&running.data()) as f64 / history as f64);
    if running.codraft().is_some() && pauses == 0 {
        // Nobody has paused so far: there is no snapshot, and everything is folded.
        tokio::task::block_in_place(|| running.kill());
        tokio::task::block_in_place(|| running.revive())?;
        row.set("killed: text ms", marked(running, &subject)?);
    }
    let started = Instant::now();
    tokio::task::block_in_place(|| running.stop());
    row.set("stop s", started.elapsed().as_secs_f64());
    if running.codraft().is_some() {
        tokio::task::block_in_place(|| running.revive())?;
        let empty = memory(running.pid());
        row.set("cold text ms", marked(running, &subject)?);
        row.set("empty MB", empty / 1024.0);
        row.set("text MB", (at_rest(running.pid()).await? - empty) / 1024.0);
        tokio::task::block_in_place(|| running.stop());
    }
    let started = Instant::now();
    tokio::task::block_in_place(|| running.revive())?;
    row.set("restart s", started.elapsed().as_secs_f64());
    let empty = memory(running.pid());
    let cold = visit(&subject).await?;
    row.set("cold ms", cold.total - cold.applying);
    row.set("cold first word ms", cold.first_word);
    row.set("document MB", (memory(running.pid()) - empty) / 1024.0);
    // A history leaves the text as it was: that a newcomer has all of it, its changes say.
    let changes = subject.plan.changes.len() + history;
    complete(&mut row, &cold, changes);
    let mut warm = Vec::new();
    for _ in 1..visits {
        let next = visit(&subject).await?;
        complete(&mut row, &next, changes);
        if next.text != cold.text {
            row.object("two newcomers read different texts");
        }
        warm.push(next);
    }
    row.set("warm ms", median(warm.iter().map(|visit| visit.total - visit.applying).collect()));
    row.set("client's apply ms", median(warm.iter().map(|visit| visit.applying).collect()));
    row.set("MB received", cold.bytes as f64 / 1e6);
    row.set("server MB", memory(running.pid()) / 1024.0);
    row.set("peak MB", peak(running.pid()) / 1024.0);
    // All that is inserted in a history is struck again.
    let expected = super::document::text(&super::document::imported(&resolution));
    if history.is_multiple_of(2) && cold.text != expected {
        row.object("the text is not what the history gives");
    }
    Ok(row)
}
