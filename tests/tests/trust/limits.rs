//! Every limit that can be set: met on purpose, and told in its own words.

use crate::{address, ask, ask_as, blocking};
use bytes::Bytes;
use codraft_protocol::resolution::SAMPLE;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::Frame;
use codraft_server::config::limits::Limits;
use codraft_tests::peer::{Closed, PATIENCE, Peer, Replica};
use codraft_tests::server::{Delegate, Server};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

struct House {
    server: Server,
    document: String,
    can: Delegate,
}

async fn house(flags: &[&'static str]) -> House {
    let flags = flags.to_vec();
    blocking(move || {
        let server = Server::start_with(&flags);
        let (document, can) = (server.import(SAMPLE), server.delegation("CAN"));
        House { server, document, can }
    })
    .await
}

impl House {
    async fn writer(&self) -> (Peer, Replica) {
        let mut peer = Peer::join(&self.server.url, &self.can.token, "writer").await;
        let mut replica = Replica::new(&self.document, "CAN", [7; 16]);
        replica.begin(&mut peer).await;
        replica.settle(&mut peer).await;
        (peer, replica)
    }
}

/// What the writer is told of one edit.
async fn told(flags: &[&'static str], words: &str) -> String {
    let house = house(flags).await;
    let (mut peer, mut replica) = house.writer().await;
    replica.splice(3, 0, 0, words);
    replica.push(&mut peer).await;
    peer.error().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_and_a_document_may_be() {
    let said =
        told(&["--change-bytes", "200"], &"many words, none like the other 0123456789 ".repeat(20)).await;
    assert!(said.contains("more than 200 bytes"), "{said}");
    let said = told(&["--change-operations", "20"], "more than twenty letters in it").await;
    assert!(said.contains("more than 20 operations"), "{said}");
    let said = told(&["--text-characters", "100"], &"x".repeat(101)).await;
    assert!(said.contains("at most 100 characters in one provision"), "{said}");
    // A document that is full: new changes are refused, what is there is served, and known changes are no news.
    let said = told(&["--document-mb", "0"], "x").await;
    assert!(said.contains("at most 0 bytes of changes"), "{said}");
    // Provisions: one more line than there may be.
    let house = house(&["--provisions", "47"]).await;
    let lines = SAMPLE.lines().count();
    assert!(lines < 47, "{lines}");
    let dir = tempfile::tempdir().unwrap();
    let (folder, document) = (dir.path().to_owned(), house.document.clone());
    let said = blocking(move || {
        let terminal = codraft_tests::cli::Terminal::new(&folder, &house.server, &house.can.token);
        let can = terminal.cloned(&document, "can");
        can.write(&format!("{}{}", can.file(), "One more.\n".repeat(47 - lines + 1)));
        can.run(&["sync"])
    })
    .await;
    assert!(format!("{}{}", said.out, said.err).contains("at most 47 provisions"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_websocket_may_do() {
    let flags = [
        "--frame-bytes",
        "5000",
        "--documents-per-connection",
        "2",
        "--refusals",
        "3",
        "--resets",
        "2",
        "--ephemeral-bytes",
        "100",
        "--ephemeral-per-second",
        "1",
        "--join-seconds",
        "2",
    ];
    let house = house(&flags).await;
    let (url, token, document) = (&house.server.url, &house.can.token, &house.document);
    let (second, third) =
        tokio::task::block_in_place(|| (house.server.import(SAMPLE), house.server.import(SAMPLE)));
    // A frame.
    let mut peer = Peer::join(url, token, "p").await;
    peer.raw(Bytes::from(vec![0; 5001])).await;
    assert_eq!(peer.closed().await.code, 1009);
    // Documents.
    let mut peer = Peer::join(url, token, "p").await;
    for id in [document, &second, &third] {
        peer.sync(id, vec![0x42, 0, 0, 0, 0]).await;
    }
    let closed = peer.closed().await;
    assert!(closed.code == 4429 && closed.reason.contains("at most 2 documents"), "{closed:?}");
    // Refusals.
    let mut peer = Peer::join(url, token, "p").await;
    for n in 0..4 {
        peer.sync(document, vec![0x99, n]).await;
    }
    let closed = peer.closed().await;
    assert!(closed.code == 4403 && closed.reason.contains("too many refused"), "{closed:?}");
    // Starts from scratch; some of them may be from before an answer, and do not count.
    let mut peer = Peer::join(url, token, "p").await;
    for _ in 0..10 {
        peer.sync(document, SyncMessage::reset(Vec::new()).encode()).await;
    }
    let closed = peer.closed().await;
    assert!(closed.code == 4429 && closed.reason.contains("again and again"), "{closed:?}");
    // Presence: too large or too often is dropped, in silence.
    let (mut sender, mut receiver) = (Peer::join(url, token, "s").await, Peer::join(url, token, "r").await);
    let (mut one, mut two) = (Replica::new(document, "", [1; 16]), Replica::new(document, "", [2; 16]));
    one.begin(&mut sender).await;
    one.settle(&mut sender).await;
    two.begin(&mut receiver).await;
    two.settle(&mut receiver).await;
    for (count, length) in [(1, 101), (2, 100), (3, 100), (4, 100), (5, 100)] {
        let (sender_id, data) = (sender.id.clone(), Bytes::from(vec![count as u8; length]));
        let (session, document) = ("s".to_owned(), document.clone());
        let frame =
            Frame::Ephemeral { sender: sender_id, target: String::new(), document, session, count, data };
        sender.send(&frame).await;
    }
    let mut heard = Vec::new();
    // What comes after the last one says that nothing is on its way any more.
    let frame = Frame::Ephemeral {
        sender: sender.id.clone(),
        target: String::new(),
        document: document.clone(),
        session: "s".into(),
        count: 9,
        data: Bytes::from_static(b"last"),
    };
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    sender.send(&frame).await;
    while heard.last() != Some(&9) {
        if let Frame::Ephemeral { count, .. } = receiver.next().await.unwrap() {
            heard.push(count);
        }
    }
    assert_eq!(heard, [2, 3, 9], "one over the size is dropped, then a burst of two, then the rate");
    // Joining in time, which is two seconds here.
    let started = Instant::now();
    let mut silent = Peer::connect(url, &house.server.secretariat, "silent").await.unwrap();
    let closed = silent.closed().await;
    assert!(closed.code == 4400 && closed.reason.contains("join"), "{closed:?}");
    assert!((1..10).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_of_one_account() {
    let house = house(&["--connections-per-account", "3"]).await;
    let (url, token, document) = (&house.server.url, &house.can.token, &house.document);
    let (_one, two) = (Peer::join(url, token, "one").await, Peer::join(url, token, "two").await);
    let _three = Peer::join(url, token, "three").await;
    let mut fourth = Peer::connect(url, token, "four").await.unwrap();
    let closed = fourth.closed().await;
    assert!(closed.code == 4429 && closed.reason.contains("has 3 connections"), "{closed:?}");
    let path = format!("/api/v1/documents/{document}/events");
    let stream = tokio::task::block_in_place(|| ask_as(url, token, "GET", &path, ""));
    assert!(stream.status == 429 && stream.body.contains("too-many-connections"), "{stream:?}");
    drop(two);
    // Who leaves makes room.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut again = Peer::connect(url, token, "again").await.unwrap();
        again.send(&again.joining()).await;
        match again.next().await {
            Ok(Frame::Peer { .. }) => break,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_is_kept_of_what_is_refused() {
    let house = house(&["--quarantine-mb", "0"]).await;
    let mut peer = Peer::join(&house.server.url, &house.can.token, "p").await;
    peer.sync(&house.document, vec![0x99; 10_000]).await;
    assert!(peer.error().await.contains("refused"));
    // Nobody may believe that their words are here.
    let closed = peer.closed().await;
    assert!(closed.code == 4403 && closed.reason.contains("NOT kept"), "{closed:?}");
    let kept =
        tokio::task::block_in_place(|| house.server.pen().quarantine(&house.document).unwrap().quarantine);
    assert!(kept.is_empty(), "{kept:?}");
    // What is with its sender only is counted: an alert watches it.
    let url = house.server.url.clone();
    let figures = blocking(move || ask(&url, "GET", "/metrics", &[], "")).await.body;
    assert!(figures.contains("\ncodraft_unkept_changes_total 1\n"), "{figures}");
    assert!(figures.contains("\ncodraft_refused_changes_total{code=\"malformed-sync\"} 1\n"), "{figures}");
    // Where there is room it is kept whole.
    let house = self::house(&["--quarantine-mb", "1"]).await;
    let mut peer = Peer::join(&house.server.url, &house.can.token, "p").await;
    peer.sync(&house.document, vec![0x99; 10_000]).await;
    assert!(peer.error().await.contains("refused"));
    let kept =
        tokio::task::block_in_place(|| house.server.pen().quarantine(&house.document).unwrap().quarantine);
    assert_eq!((kept.len(), kept[0].size, kept[0].code.as_str()), (1, 10_000, "malformed-sync"));
}

/// Connects until this many have a place, who hear nothing, and answers what the next one is told. An earlier
/// connection of this test may still be leaving, and hold a place that somebody else then has to take.
fn crowd(url: &str, places: usize) -> crate::Answer {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut held = Vec::new();
    loop {
        let stream = TcpStream::connect(address(url)).unwrap();
        stream.set_nonblocking(true).unwrap();
        held.push(stream);
        let answer = ask(url, "GET", "/healthz", &[], "");
        // They were let in or turned away in their order, so that all is said to them by now.
        let silent = |stream: &&TcpStream| {
            stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        };
        let silent = held.iter().filter(silent).count();
        assert!(silent <= places, "{silent} have a place");
        if answer.status != 200 && silent == places {
            return answer;
        }
        assert!(Instant::now() < deadline, "{silent} have a place; {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_connections() {
    let house = house(&["--connections-per-address", "4", "--connections", "100"]).await;
    let url = house.server.url.clone();
    let answer = blocking(move || crowd(&url, 4)).await;
    assert!(answer.status == 429 && answer.body.contains("4 connections from your address"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("10"));
    let other = self::house(&["--connections", "5"]).await;
    let url = other.server.url.clone();
    let answer = blocking(move || crowd(&url, 5)).await;
    assert!(answer.status == 503 && answer.body.contains("as many connections as it takes"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_may_be_and_how_long_it_may_take() {
    blocking(move || {
        let flags = ["--body-bytes", "1000", "--body-seconds", "1", "--head-seconds", "1"];
        let server = Server::start_with(&flags);
        let (url, token) = (server.url.clone(), server.secretariat.clone());
        let body = format!("{{\"text\": \"{}\"}}", "x".repeat(1000));
        let answer = ask_as(&url, &token, "POST", "/api/v1/documents", &body);
        assert!(answer.status == 413 && answer.body.contains("at most 1000 bytes"), "{answer:?}");
        // A body that is announced and does not come.
        let head = format!(
            "POST /api/v1/documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\ncontent-length: 500\r\n\r\n{{"
        );
        let started = Instant::now();
        let answer = crate::raw(&url, &head);
        assert!(answer.status == 408 && answer.body.contains("within 1 s"), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
        // A head that never ends, and one that never begins: closed.
        for beginning in ["GET / HTTP/1.1\r\nx: ", ""] {
            let started = Instant::now();
            let mut stream = TcpStream::connect(address(&url)).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(beginning.as_bytes()).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            assert!(started.elapsed() < Duration::from_secs(10), "{beginning:?} {:?}", started.elapsed());
        }
        // A connection that has been used and then says nothing.
        let mut stream = TcpStream::connect(address(&url)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let started = Instant::now();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.starts_with(b"HTTP/1.1 200"));
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_fast_is_read_more_slowly() {
    let house = house(&["--messages-per-second", "10"]).await;
    let mut peer = Peer::join(&house.server.url, &house.can.token, "fast").await;
    let started = Instant::now();
    // Fifty at once, then ten a second. Each is answered: there is no such document.
    for _ in 0..70 {
        peer.sync("4NMNnkMhL8jXrdJ9jamS58PAVdXu", vec![0x42, 0, 0, 0, 0]).await;
    }
    for _ in 0..70 {
        assert!(matches!(peer.next().await, Ok(Frame::Unavailable { .. })));
    }
    let took = started.elapsed();
    assert!((1_500..8_000).contains(&took.as_millis()), "{took:?} for 70 messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_too_slowly_is_closed() {
    for (flag, value) in [("--pending-bytes", "20000"), ("--pending-messages", "20")] {
        let flags = [
            flag,
            value,
            "--write-seconds",
            "3",
            "--ephemeral-bytes",
            "200000",
            "--ephemeral-per-second",
            "1000000",
        ];
        let house = house(&flags).await;
        // It joins the document, and then reads nothing while another one shouts.
        let mut deaf = Peer::join(&house.server.url, &house.can.token, "deaf").await;
        let mut copy = Replica::new(&house.document, "", [8; 16]);
        copy.begin(&mut deaf).await;
        copy.settle(&mut deaf).await;
        let (mut peer, _) = house.writer().await;
        let metrics = || {
            let all = tokio::task::block_in_place(|| ask(&house.server.url, "GET", "/metrics", &[], ""));
            let mut lines = all.body.lines();
            let line =
                lines.find_map(|line| line.strip_prefix("codraft_slow_readers_total ")?.parse::<u64>().ok());
            line.unwrap_or(0)
        };
        let mut count = 0;
        // More than the sockets hold.
        while metrics() == 0 {
            assert!(count < 4_000, "it is never closed");
            for _ in 0..50 {
                count += 1;
                let frame = Frame::Ephemeral {
                    sender: peer.id.clone(),
                    target: String::new(),
                    document: house.document.clone(),
                    session: "s".into(),
                    count,
                    data: Bytes::from(vec![7; 15_000]),
                };
                peer.send(&frame).await;
            }
        }
        let closed = loop {
            if let Err(closed) = deaf.next().await {
                break closed;
            }
        };
        let expected = |closed: &Closed| closed.code == 4408 || closed.code == 1006;
        assert!(expected(&closed), "{closed:?}");
    }
}

/// The only place of this account is taken.
async fn taken(url: &str, token: &str) {
    let mut second = Peer::connect(url, token, "second").await.unwrap();
    assert_eq!(second.closed().await.code, 4429);
}

/// It is free again, after so long.
async fn free_again(url: &str, token: &str) -> Duration {
    let started = Instant::now();
    loop {
        let mut again = Peer::connect(url, token, "again").await.unwrap();
        again.send(&again.joining()).await;
        match again.next().await {
            Ok(Frame::Peer { .. }) => return started.elapsed(),
            other => assert!(started.elapsed() < PATIENCE, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_no_sign_of_life_is_dropped() {
    let house = house(&["--ping-seconds", "1", "--connections-per-account", "1"]).await;
    let url = &house.server.url;
    // Its pings are never answered, since nobody reads them. The writer reads, and that is all it does.
    let _dead = Peer::join(url, &house.server.secretariat, "dead").await;
    let (mut alive, _) = house.writer().await;
    let listening = tokio::spawn(async move {
        let heard = tokio::time::timeout(Duration::from_secs(8), alive.next()).await;
        heard.is_err()
    });
    taken(url, &house.server.secretariat).await;
    let took = free_again(url, &house.server.secretariat).await;
    // Three pings, and then five seconds for it to take the close message.
    assert!((2..15).contains(&took.as_secs()), "{took:?}");
    assert!(listening.await.unwrap(), "who answers pings stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_what_is_written_is_dropped() {
    // Neither pings nor what waits for it are to be what ends it.
    let flags = [
        "--write-seconds",
        "1",
        "--ping-seconds",
        "600",
        "--pending-bytes",
        "1000000000",
        "--pending-messages",
        "1000000",
        "--ephemeral-bytes",
        "200000",
        "--ephemeral-per-second",
        "1000000",
        "--connections-per-account",
        "1",
    ];
    let house = house(&flags).await;
    let (url, token) = (&house.server.url, &house.server.secretariat);
    let mut deaf = Peer::join(url, token, "deaf").await;
    let mut copy = Replica::new(&house.document, "", [8; 16]);
    copy.begin(&mut deaf).await;
    copy.settle(&mut deaf).await;
    taken(url, token).await;
    let (mut peer, _) = house.writer().await;
    // Far more than the sockets hold.
    for count in 1..=400 {
        let frame = Frame::Ephemeral {
            sender: peer.id.clone(),
            target: String::new(),
            document: house.document.clone(),
            session: "s".into(),
            count,
            data: Bytes::from(vec![7; 150_000]),
        };
        peer.send(&frame).await;
    }
    let took = free_again(url, token).await;
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_merges_what_it_was_sent_is_waited_for() {
    let flags = [
        "--ping-seconds",
        "1",
        "--pending-bytes",
        "1000000000",
        "--ephemeral-bytes",
        "200000",
        "--ephemeral-per-second",
        "1000000",
    ];
    let house = house(&flags).await;
    let mut busy = Peer::join(&house.server.url, &house.server.secretariat, "busy").await;
    let mut copy = Replica::new(&house.document, "", [8; 16]);
    copy.begin(&mut busy).await;
    copy.settle(&mut busy).await;
    let (mut peer, _) = house.writer().await;
    let whisper = async |peer: &mut Peer, count| {
        let frame = Frame::Ephemeral {
            sender: peer.id.clone(),
            target: String::new(),
            document: house.document.clone(),
            session: "s".into(),
            count,
            data: Bytes::from(vec![7; 150_000]),
        };
        peer.send(&frame).await;
    };
    let heard = async |busy: &mut Peer| loop {
        if let Frame::Ephemeral { count, .. } = busy.next().await.expect("it is still there") {
            break count;
        }
    };
    // Three megabytes, which it may merge for twelve seconds; without them it would be dropped after three.
    for count in 1..=20 {
        whisper(&mut peer, count).await;
        assert_eq!(heard(&mut busy).await, count);
    }
    // Nobody reads, so nobody answers pings. Who wrote has nothing to merge, and is gone by then.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let (mut peer, _) = house.writer().await;
    whisper(&mut peer, 21).await;
    assert_eq!(heard(&mut busy).await, 21);
}

/// A limit that nobody meets on purpose is not tested. Only files that meet those that they name stand here.
#[test]
fn every_limit_is_met_by_a_test() {
    let sources = [include_str!("limits.rs"), include_str!("logins.rs"), include_str!("resting.rs")].concat();
    let untested: BTreeSet<_> = Limits::NAMES
        .iter()
        .map(|name| format!("\"--{}\"", name.replace('_', "-")))
        .filter(|flag| !sources.contains(flag.as_str()))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}
