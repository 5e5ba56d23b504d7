//! `kill -9` of the server at random moments under load: no acknowledged change is missing, no record is torn,
//! and it always opens. `CODRAFT_KILLS` says how often (10 by default), `CODRAFT_SEED` at which moments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::Server;
use codraft_tests::writer::{acknowledged_of, write};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::time::Duration;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    let (kills, seed) = (setting("CODRAFT_KILLS", 10), setting("CODRAFT_SEED", 1));
    let mut rng = StdRng::seed_from_u64(seed);
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let document = tokio::task::block_in_place(|| server.import(SAMPLE));
    let codes = ["BRA", "CAN", "KEN", "NOR", "USA"];
    let delegates = tokio::task::block_in_place(|| codes.map(|code| server.delegation(code)));
    let (mut acknowledged, mut in_doubt) = (BTreeSet::new(), 0);
    for round in 0..kills {
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
        let mut peer = Peer::join(&server.url, &delegates[0].token, "reader").await;
        let mut reader = Replica::new(&document, "", rng.random());
        reader.begin(&mut peer).await;
        reader.settle(&mut peer).await;
        let there: BTreeSet<_> = reader.doc.get_changes(&[]).iter().map(|change| change.hash()).collect();
        let missing = acknowledged.difference(&there).count();
        assert_eq!(missing, 0, "round {round} of seed {seed}: {missing} acknowledged changes are gone");
    }
    println!(
        "{kills} kills: {} acknowledged changes, all there; {in_doubt} were on their way",
        acknowledged.len()
    );
    assert!(acknowledged.len() as u64 > kills);
    // Each letter is its writer's.
    let proposals = tokio::task::block_in_place(|| server.pen().proposals(&document).unwrap().proposals);
    for (n, proposal) in proposals.iter().enumerate() {
        assert_eq!(proposal.sponsors, [codes[n].parse().unwrap()]);
    }
    assert!(tokio::task::block_in_place(|| server.stop()), "it also ends well");
}
