//! Sockets that stall, dribble or never read: everybody else's latency stays what it was.

use crate::{address, blocking};
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::Server;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long each of some edits takes from one honest client to another.
async fn round_trips(url: &str, token: &str, document: &str, count: usize, round: u8) -> Vec<Duration> {
    let (mut from, mut to) = (
        Peer::join(url, token, &format!("from-{round}")).await,
        Peer::join(url, token, &format!("to-{round}")).await,
    );
    let (mut writer, mut reader) =
        (Replica::new(document, "CAN", [round; 16]), Replica::new(document, "", [round + 100; 16]));
    writer.begin(&mut from).await;
    writer.settle(&mut from).await;
    reader.begin(&mut to).await;
    reader.settle(&mut to).await;
    let mut took = Vec::new();
    for _ in 0..count {
        writer.splice(3, 0, 0, "x");
        let started = Instant::now();
        writer.push(&mut from).await;
        let expected = writer.text(3);
        reader.until(&mut to, |reader| reader.text(3) == expected).await;
        took.push(started.elapsed());
        writer.settle(&mut from).await;
    }
    took.sort_unstable();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slow_loris_and_slow_readers_leave_others_latency_unchanged() {
    let (server, document, can) = blocking(|| {
        // Pings come seldom here: they are not what is measured.
        let server = Server::start_with(&["--ping-seconds", "600"]);
        let (document, can) = (server.import(SAMPLE), server.delegation("CAN"));
        (server, document, can)
    })
    .await;
    let url = server.url.clone();
    let quiet = round_trips(&url, &can.token, &document, 60, 1).await;

    // 300 heads that never end, a byte at a time; 100 bodies that do not come; 100 websockets that never join;
    // 30 that have the document open and read nothing.
    let dribbling = Arc::new(AtomicBool::new(true));
    let token = can.token.clone();
    let (begun, beginning) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let dribble = {
        let (url, dribbling) = (url.clone(), Arc::clone(&dribbling));
        tokio::task::spawn_blocking(move || {
            let mut sockets: Vec<TcpStream> =
                (0..400).map(|_| TcpStream::connect(address(&url)).unwrap()).collect();
            for (n, socket) in sockets.iter_mut().enumerate() {
                let head = if n < 300 {
                    "GET /api/v1/me HTTP/1.1\r\nx: ".to_owned()
                } else {
                    format!(
                        "POST /api/v1/tickets HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-length: 5000\r\n\r\n"
                    )
                };
                // Those that were closed meanwhile are done.
                let _ = socket.write_all(head.as_bytes());
            }
            let mut sent = 0_u64;
            while dribbling.load(Ordering::Relaxed) {
                for socket in &mut sockets {
                    sent += u64::from(socket.write_all(b"a").is_ok());
                }
                begun.take().map(|begun| begun.send(()));
                std::thread::sleep(Duration::from_millis(50));
            }
            sent
        })
    };
    let mut held = Vec::new();
    for n in 0..100 {
        held.push(Peer::connect(&url, &can.token, &format!("silent-{n}")).await.unwrap());
    }
    for n in 0..30 {
        let mut deaf = Peer::join(&url, &can.token, &format!("deaf-{n}")).await;
        let mut copy = Replica::new(&document, "", [n + 150; 16]);
        copy.begin(&mut deaf).await;
        held.push(deaf);
    }
    beginning.await.unwrap();
    let stalled = round_trips(&url, &can.token, &document, 60, 2).await;
    dribbling.store(false, Ordering::Relaxed);
    let sent = dribble.await.unwrap();
    assert!(sent >= 400, "{sent}");
    drop(held);
    let of = |took: &[Duration], part: usize| took[(took.len() - 1) * part / 100];
    println!(
        "others' round trips: quiet p50 {:?} p95 {:?}; beside 530 stalled sockets p50 {:?} p95 {:?}; {sent} bytes dribbled",
        of(&quiet, 50),
        of(&quiet, 95),
        of(&stalled, 50),
        of(&stalled, 95)
    );
    // Unchanged, within what a busy machine makes of it.
    assert!(
        of(&stalled, 50) < of(&quiet, 50) * 5 + Duration::from_millis(20),
        "{:?} {:?}",
        of(&quiet, 50),
        of(&stalled, 50)
    );
}
