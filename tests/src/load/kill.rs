//! `kill -9` right after an acknowledgement: what was acknowledged must be there when the server is back.

use super::client::{Client, Failed};
use super::contender::{PATIENCE, Running, Subject};
use super::document::resolution;
use super::edits::Pen;
use super::report::Row;
use automerge::{ChangeHash, ReadDoc};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// So many tries of about so many edits each.
///
/// # Errors
/// What the server says.
pub async fn run(
    scenario: &str,
    running: &mut Running,
    tries: usize,
    edits: usize,
    rate: f64,
) -> Result<Row, Failed> {
    let mut row = Row::new(scenario, running.contender.name());
    let subject = Subject::make(running, &resolution(40, 20_000)).await?;
    let (mut acknowledged, mut lost, mut unread) = (0, Vec::new(), 0);
    let mut doc = None;
    for number in 0..tries {
        // What an earlier try lost must not help this one: every try begins with what the server has.
        let mut client = Client::open(&subject.writers[0], &subject.document, None).await?;
        client.settle(PATIENCE).await?;
        drop(doc.take());
        let (sent, known) = write(&mut client, &subject, edits + number * 7, rate).await?;
        tokio::task::block_in_place(|| running.kill());
        acknowledged += known;
        tokio::task::block_in_place(|| running.revive())?;
        let mut newcomer = Client::open(&subject.reader, &subject.document, None).await?;
        unread += usize::from(newcomer.settle(Duration::from_secs(30)).await.is_err());
        let missing = sent.iter().take(known).filter(|hash| newcomer.doc.get_change_by_hash(hash).is_none());
        lost.push(missing.count());
        doc = Some(newcomer);
    }
    row.count("tries", tries as u64);
    row.count("acknowledged", acknowledged as u64);
    row.count("lost", lost.iter().sum::<usize>() as u64);
    row.figures.insert("lost a try".to_owned(), format!("{lost:?}").into());
    if lost.iter().any(|lost| *lost > 0) {
        row.object("acknowledged edits are gone");
    }
    if unread > 0 {
        row.object(format!("after {unread} of the kills the document could not be read"));
    }
    Ok(row)
}

/// Writes at a steady rate until the server has named the last edit. Returns the edits in order, and how many
/// of them the server has named.
async fn write(
    client: &mut Client,
    subject: &Subject,
    edits: usize,
    rate: f64,
) -> Result<(Vec<ChangeHash>, usize), Failed> {
    let mut pen = Pen::new(&subject.plan, 77);
    pen.heads = client.doc.get_heads();
    pen.last_op = client.doc.get_changes(&[]).iter().map(|change| change.max_op()).max().unwrap_or(0);
    let (mut sent, mut known) = (Vec::new(), 0);
    let mut next = Instant::now();
    let writing = async {
        while known < edits {
            tokio::select! {
                () = sleep_until(next), if sent.len() < edits => {
                    next += Duration::from_secs_f64(1.0 / rate);
                    let edit = pen.insert(&subject.plan);
                    client.doc.load_incremental(&edit.raw).map_err(|error| error.to_string())?;
                    sent.push(edit.hash);
                    client.push().await?;
                }
                taken = client.step() => {
                    taken?;
                    for head in &client.theirs {
                        known = sent.iter().position(|hash| hash == head).map_or(known, |at| known.max(at + 1));
                    }
                    if known < edits {
                        client.push().await?;
                    }
                }
            }
        }
        Ok::<(), Failed>(())
    };
    timeout(PATIENCE, writing).await.map_err(|_| "edits were never acknowledged")??;
    Ok((sent, known))
}
