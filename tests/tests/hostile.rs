//! Hostile input over the wire: the server stays up, says why it refuses, and answers others meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::ActorId;
use bytes::Bytes;
use codraft_protocol::resolution::{SAMPLE, edit};
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::Frame;
use codraft_tests::hostile::{attacks, bringing, orphans, sync_messages};
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Delegate, Server};
use std::time::{Duration, Instant};

/// The memory that a process has at this moment, in megabytes.
fn megabytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

struct House {
    server: Server,
    document: String,
    attacker: Delegate,
    honest: Delegate,
}

fn house() -> House {
    let server = Server::start();
    let document = server.import(SAMPLE);
    let (attacker, honest) = (server.delegation("EVE"), server.delegation("CAN"));
    House { server, document, attacker, honest }
}

/// An honest writer and reader: how long each edit takes to arrive, until told to stop.
async fn round_trips(
    url: String,
    token: String,
    document: String,
    mut stop: tokio::sync::oneshot::Receiver<()>,
) -> Vec<Duration> {
    let (mut write_peer, mut read_peer) =
        (Peer::join(&url, &token, "writer").await, Peer::join(&url, &token, "reader").await);
    let (mut writer, mut reader) =
        (Replica::new(&document, "CAN", [1; 16]), Replica::new(&document, "", [2; 16]));
    writer.begin(&mut write_peer).await;
    writer.settle(&mut write_peer).await;
    reader.begin(&mut read_peer).await;
    reader.settle(&mut read_peer).await;
    let mut took = Vec::new();
    while stop.try_recv().is_err() {
        writer.splice(3, 0, 0, "x");
        let start = Instant::now();
        writer.push(&mut write_peer).await;
        let expected = writer.text(3);
        reader.until(&mut read_peer, |reader| reader.text(3) == expected).await;
        took.push(start.elapsed());
        writer.settle(&mut write_peer).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_server_stays_up_says_why_and_answers_others() {
    let House { server, document, attacker, honest } = tokio::task::spawn_blocking(house).await.unwrap();
    let url = server.url.clone();
    let before = megabytes(server.pid());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let others = tokio::spawn(round_trips(url.clone(), honest.token.clone(), document.clone(), stopped));

    // One change first, so that its actor is known.
    let actor = ActorId::from([7; 16]);
    let mut peer = Peer::join(&url, &attacker.token, "eve").await;
    let mut replica = Replica::new(&document, "EVE", [7; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    edit::begin_session(&mut replica.doc, actor.clone(), &"EVE".parse().unwrap());
    replica.splice(5, 0, 0, "e");
    replica.push(&mut peer).await;
    replica.until(&mut peer, |r| r.doc.get_changes(&[]).len() > 1 && r.in_sync()).await;

    // Changes: each is refused, and said why.
    let all = attacks(&replica.doc, &actor, &replica.text_object(5));
    let count = all.len();
    for (name, bytes, _) in all {
        // A change that is larger than a frame does not even come in.
        println!("attack: {name}");
        if bytes.len() > 1_000_000 {
            continue;
        }
        let mut peer = Peer::join(&url, &attacker.token, "eve").await;
        peer.sync(&document, bringing(replica.doc.get_heads(), vec![bytes])).await;
        let said = peer.error().await;
        assert!(said.starts_with("refused: ") && said.len() > 20, "{name}: {said}");
    }
    // Sync messages.
    for (name, message) in sync_messages(replica.doc.get_heads()[0]) {
        println!("attack: {name}");
        let mut peer = Peer::join(&url, &attacker.token, "eve").await;
        peer.sync(&document, message).await;
        let said = peer.error().await;
        assert!(!said.is_empty(), "{name}");
    }
    // A flood of orphans: refused, not queued; the connection ends when its budget does.
    let mut peer = Peer::join(&url, &attacker.token, "eve").await;
    for group in orphans(10_000).chunks(1000) {
        peer.sync(&document, bringing(replica.doc.get_heads(), group.to_vec())).await;
    }
    let closed = peer.closed().await;
    assert!(closed.code == 4403 || closed.code == 1006, "{closed:?}");
    // A peer that asks for everything again and again is closed.
    let mut peer = Peer::join(&url, &attacker.token, "eve").await;
    let reset = SyncMessage::reset(replica.doc.get_heads()).encode();
    for _ in 0..10_000 {
        peer.sync(&document, reset.clone()).await;
    }
    let closed = peer.closed().await;
    assert!(closed.code == 4429 || closed.code == 4403 || closed.code == 1006, "{closed:?}");
    // Whispers without end: held to a rate, never stored.
    let mut peer = Peer::join(&url, &attacker.token, "eve").await;
    replica.begin(&mut peer).await;
    for count in 0..20_000 {
        let data = Bytes::from(vec![1; 500]);
        let (sender, document) = (peer.id.clone(), document.clone());
        let frame =
            Frame::Ephemeral { sender, target: String::new(), document, session: "s".into(), count, data };
        peer.send(&frame).await;
    }
    // Sockets that say nothing.
    let mut silent = Vec::new();
    for n in 0..200 {
        silent.push(Peer::connect(&url, &attacker.token, &format!("silent-{n}")).await.unwrap());
    }
    // One that never reads.
    let deaf = Peer::join(&url, &attacker.token, "deaf").await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    stop.send(()).unwrap();
    let mut took = others.await.expect("the others were served all the time");
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    let after = megabytes(server.pid());
    println!(
        "{count} attacks; {} round trips of others meanwhile: median {median:?}, worst {worst:?}; memory {before} → {after} MB",
        took.len()
    );
    assert!(took.len() > 20, "{}", took.len());
    assert!(worst < Duration::from_secs(5), "{worst:?}");
    assert!(after < before + 200, "{before} → {after} MB");
    drop((silent, deaf));
    tokio::task::block_in_place(|| {
        let text = server.text(&document);
        assert!(text.contains("xx"), "the others' words are there");
        let quarantine = server.pen().quarantine(&document).unwrap().quarantine;
        assert!(quarantine.len() >= 20 && quarantine.iter().all(|one| one.sender == attacker.account));
        let proposals = server.pen().proposals(&document).unwrap().proposals;
        assert_eq!(proposals.len(), 2);
    });
}
