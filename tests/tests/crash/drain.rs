//! A restart in the middle of work: clients are told, reconnect, and no edit is lost.

use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Writes until told to stop, through every restart; then until all of it is acknowledged. Answers how many
/// edits it made, and with which codes it was closed.
async fn write_on(
    url: String,
    token: String,
    document: String,
    code: &'static str,
    n: u8,
    stop: Arc<AtomicBool>,
) -> (usize, Vec<u16>) {
    let mut replica = Replica::new(&document, code, [n; 16]);
    let (mut edits, mut closed) = (0, Vec::new());
    loop {
        let Ok(mut peer) = Peer::connect(&url, &token, &format!("peer-{n}")).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        peer.send(&peer.joining()).await;
        replica.begin(&mut peer).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(4));
        let mut ready = false;
        loop {
            if ready && stop.load(Ordering::Relaxed) && replica.in_sync() {
                return (edits, closed);
            }
            tokio::select! {
                _ = ticks.tick(), if ready && !stop.load(Ordering::Relaxed) => {
                    replica.splice(3 + usize::from(n), 0, 0, "x");
                    edits += 1;
                    replica.push(&mut peer).await;
                }
                frame = peer.next() => match frame {
                    Ok(frame) => {
                        replica.take(&mut peer, frame).await;
                        ready = ready || replica.in_sync() || edits > 0;
                    }
                    Err(end) => {
                        closed.push(end.code);
                        break;
                    }
                },
            }
            assert!(peer.errors.iter().all(|error| !error.contains("refused")), "{:?}", peer.errors);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_loses_an_edit_by_a_restart() {
    let codes = ["BRA", "CAN", "KEN", "NOR"];
    let (mut server, document, delegates) = tokio::task::spawn_blocking(move || {
        let server = Server::start();
        let (document, delegates) = (server.import(SAMPLE), codes.map(|code| server.delegation(code)));
        (server, document, delegates)
    })
    .await
    .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = codes
        .into_iter()
        .enumerate()
        .map(|(n, code)| {
            let (url, token, stop) = (server.url.clone(), delegates[n].token.clone(), Arc::clone(&stop));
            tokio::spawn(write_on(url, token, document.clone(), code, n as u8 + 1, stop))
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let started = Instant::now();
        assert!(tokio::task::block_in_place(|| server.stop()), "it ends well");
        slowest = slowest.max(started.elapsed());
        tokio::task::block_in_place(|| server.restart());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut edits, mut closed) = (0, Vec::new());
    for writer in writers {
        let (more, codes) = writer.await.unwrap();
        edits += more;
        closed.extend(codes);
    }
    let changes = tokio::task::block_in_place(|| server.pen().document(&document).unwrap().changes);
    println!(
        "4 restarts (the slowest stop took {slowest:?}): {edits} edits of 4 clients, all there; closed {closed:?}"
    );
    // One change is the import.
    assert_eq!(changes, edits as u64 + 1);
    assert!(edits > 100, "{edits}");
    assert!(closed.len() >= 8 && closed.iter().all(|code| *code == 1001), "{closed:?}");
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}
