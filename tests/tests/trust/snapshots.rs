//! A document with a long log opens from a snapshot of its index; where that is damaged, from its log, and alike.

use crate::{ask_as, blocking};
use codraft_protocol::api::{Attribution, Proposals};
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::Server;

/// How many documents were opened from a snapshot.
fn used(server: &Server) -> u64 {
    let metrics = ask_as(&server.url, &server.secretariat, "GET", "/metrics", "").body;
    let said = metrics.lines().find_map(|line| line.strip_prefix("codraft_snapshots_used_total "));
    said.unwrap().trim().parse().unwrap()
}

fn told(server: &Server, document: &str) -> (String, Attribution, Proposals) {
    let pen = server.pen();
    let text = pen.text(document, "marked").unwrap();
    (text, pen.attribution(document).unwrap(), pen.proposals(document).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_opens_from_its_snapshot_and_without_it_alike() {
    let (mut server, document, can) = blocking(|| {
        let server = Server::start();
        let (document, can) = (server.import(SAMPLE), server.delegation("CAN"));
        (server, document, can)
    })
    .await;
    let mut peer = Peer::join(&server.url, &can.token, "can").await;
    let mut replica = Replica::new(&document, "CAN", [1; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    for n in 0..600 {
        replica.splice(3, n % 7, (n % 2) as isize, "x");
    }
    replica.push(&mut peer).await;
    replica.settle(&mut peer).await;
    drop(peer);
    blocking(move || {
        let before = told(&server, &document);
        assert_eq!(used(&server), 0);
        assert!(server.stop());
        let file = server.data.join(format!("snapshots/{document}.index"));
        let good = std::fs::read(&file).unwrap();
        server.restart();
        assert_eq!(told(&server, &document), before);
        assert_eq!(used(&server), 1);
        server.kill();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        for unusable in [bad, good[..middle].to_vec(), Vec::new()] {
            std::fs::write(&file, unusable).unwrap();
            server.restart();
            assert_eq!(told(&server, &document), before);
            assert_eq!(used(&server), 0);
            server.kill();
        }
        // Another document's.
        server.restart();
        let other = server.import(SAMPLE);
        server.kill();
        std::fs::write(server.data.join(format!("snapshots/{other}.index")), &good).unwrap();
        server.restart();
        assert_eq!(server.text(&other), SAMPLE);
        assert_eq!(server.pen().proposals(&other).unwrap().proposals, []);
        assert_eq!(used(&server), 0);
        assert!(server.stop());
    })
    .await;
}
