//! `kill -9` of the server at random moments under load: no acknowledged change is missing, no record is torn,
//! and it always opens. `CODRAFT_KILLS` says how often (50 by default), `CODRAFT_SEED` at which moments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::ChangeHash;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Delegate, Server};
use codraft_tests::writer::{acknowledged_of, write};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::time::Duration;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Kills after which work goes on in a new document: clients take in the whole history each time.
const A_DOCUMENT: u64 = 50;

/// How many of these changes a newcomer does not get.
async fn missing(
    server: &Server,
    reader: &Delegate,
    document: &str,
    acknowledged: &BTreeSet<ChangeHash>,
) -> usize {
    let mut peer = Peer::join(&server.url, &reader.token, "reader").await;
    let mut reader = Replica::new(document, "", [0; 16]);
    reader.begin(&mut peer).await;
    reader.settle(&mut peer).await;
    let there: BTreeSet<_> = reader.doc.get_changes(&[]).iter().map(|change| change.hash()).collect();
    acknowledged.difference(&there).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    let (kills, seed) = (setting("CODRAFT_KILLS", 50), setting("CODRAFT_SEED", 1));
    let mut rng = StdRng::seed_from_u64(seed);
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let codes = ["BRA", "CAN", "KEN", "NOR", "USA"];
    let delegates = tokio::task::block_in_place(|| codes.map(|code| server.delegation(code)));
    let (mut documents, mut in_doubt) = (Vec::<(String, BTreeSet<ChangeHash>)>::new(), 0);
    for round in 0..kills {
        if round % A_DOCUMENT == 0 {
            documents.push((tokio::task::block_in_place(|| server.import(SAMPLE)), BTreeSet::new()));
        }
        let (document, acknowledged) = documents.last_mut().unwrap();
        let writers: Vec<_> = codes
            .into_iter()
            .enumerate()
            .map(|(n, code)| {
                let mut actor: [u8; 16] = rng.random();
                actor[1] = n as u8;
                let (url, token) = (server.url.clone(), delegates[n].token.clone());
                tokio::spawn(write(url, token, document.clone(), code, actor))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(rng.random_range(20..400))).await;
        tokio::task::block_in_place(|| server.kill());
        for writer in writers {
            let replica = writer.await.unwrap();
            let known = acknowledged_of(&replica);
            in_doubt += replica.doc.get_changes(&[]).len() - known.len();
            acknowledged.extend(known);
        }
        // It opens, and has all of them: verified by itself, and here.
        tokio::task::block_in_place(|| server.restart());
        let missing = missing(&server, &delegates[0], document, acknowledged).await;
        assert_eq!(missing, 0, "round {round} of seed {seed}: {missing} acknowledged changes are gone");
    }
    let all: usize = documents.iter().map(|(_, acknowledged)| acknowledged.len()).sum();
    println!("{kills} kills: {all} acknowledged changes, all there; {in_doubt} were on their way");
    assert!(all as u64 > kills);
    for (document, acknowledged) in &documents {
        assert_eq!(missing(&server, &delegates[0], document, acknowledged).await, 0, "in an older document");
        // Each letter is its writer's: they write in provisions one behind the other.
        let proposals = tokio::task::block_in_place(|| server.pen().proposals(document).unwrap().proposals);
        let found: Vec<_> = proposals.into_iter().map(|proposal| proposal.sponsors).collect();
        let wrote = codes.map(|code| vec![code.parse().unwrap()]).into_iter();
        assert_eq!(found, wrote.filter(|one| found.contains(one)).collect::<Vec<_>>());
        assert!(!found.is_empty());
    }
    assert!(tokio::task::block_in_place(|| server.stop()), "it also ends well");
}
