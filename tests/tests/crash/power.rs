//! Power loss: a library preloaded into the real server keeps what a disk would have, which is what was synced
//! and nothing else (tests/src/unsynced.c). The server is killed under load and goes on from there, with some
//! of the unsynced pages, at random, as disks do. `CODRAFT_POWER_LOSSES` says how often (6 by default).

use crate::{copy, preloaded, setting};
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Delegate, Server, codraft_server};
use codraft_tests::writer::{acknowledged_of, write};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PAGE: usize = 4096;

/// What the disk has: all that was synced, and of what was not, some pages. Answers how many of those it took,
/// and left out.
fn after_the_loss(live: &Path, shadow: &Path, disk: &Path, rng: &mut StdRng) -> (u64, u64) {
    copy(shadow, disk);
    let (mut took, mut lost) = (0, 0);
    // Only sled's one file is ever written without being synced at once.
    let (Ok(written), Ok(file)) =
        (std::fs::read(live.join("db/db")), std::fs::OpenOptions::new().write(true).open(disk.join("db/db")))
    else {
        return (0, 0);
    };
    let synced = std::fs::read(disk.join("db/db")).unwrap();
    for (n, page) in written.chunks(PAGE).enumerate() {
        let at = n * PAGE;
        if synced.get(at..at + page.len()) == Some(page) {
            continue;
        }
        if rng.random_bool(0.3) {
            took += 1;
            // A page, or the beginning of one.
            let cut = if rng.random_bool(0.2) { rng.random_range(1..=page.len()) } else { page.len() };
            file.write_all_at(&page[..cut], at as u64).unwrap();
        } else {
            lost += 1;
        }
    }
    (took, lost)
}

struct House {
    _dir: tempfile::TempDir,
    dir: PathBuf,
    server: Server,
    document: String,
    delegates: Vec<Delegate>,
}

const CODES: [&str; 3] = ["BRA", "CAN", "KEN"];

fn house(library: &Path, lies: bool) -> House {
    let holder = tempfile::tempdir().unwrap();
    let dir = holder.path().canonicalize().unwrap();
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let delegates = CODES.iter().map(|code| server.delegation(code)).collect();
    assert!(server.stop());
    // From here on it runs on a disk of ours.
    copy(&server.data, &dir.join("disk-0"));
    server.data = dir.join("disk-0");
    server.environment = vec![("LD_PRELOAD".to_owned(), library.display().to_string())];
    if lies {
        server.environment.push(("CODRAFT_SHADOW_LIES".to_owned(), "1".to_owned()));
    }
    House { _dir: holder, dir, server, document, delegates }
}

impl House {
    /// Puts the server on a disk that begins as this one is.
    fn run_on(&mut self, disk: &Path, round: u64) {
        let shadow = self.dir.join(format!("shadow-{round}"));
        copy(disk, &shadow);
        self.server.data = disk.to_owned();
        self.server
            .environment
            .retain(|(name, _)| !name.starts_with("CODRAFT_SHADOW_") || name.ends_with("LIES"));
        for (name, path) in [("CODRAFT_SHADOW_FROM", disk), ("CODRAFT_SHADOW_TO", shadow.as_path())] {
            self.server.environment.push((name.to_owned(), path.display().to_string()));
        }
        self.server.restart();
    }
}

/// How a loss of power is noticed.
#[derive(Debug)]
enum Noticed {
    /// What the server says, which refuses what the disk has left.
    Refused(String),
    /// It serves, and so many acknowledged changes are gone.
    Missing(usize),
}

/// Runs until the power is cut `losses` times. Answers how many changes were acknowledged.
async fn run(mut house: House, losses: u64, seed: u64) -> Result<usize, Noticed> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut acknowledged = BTreeSet::new();
    let (mut took, mut lost) = (0, 0);
    for round in 0..losses {
        let disk = house.dir.join(format!("disk-{round}"));
        tokio::task::block_in_place(|| house.run_on(&disk, round));
        let writers: Vec<_> = CODES
            .into_iter()
            .zip(&house.delegates)
            .enumerate()
            .map(|(n, (code, delegate))| {
                let mut actor: [u8; 16] = rng.random();
                actor[1] = n as u8;
                let (url, token) = (house.server.url.clone(), delegate.token.clone());
                tokio::spawn(write(url, token, house.document.clone(), code, actor))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..1200))).await;
        tokio::task::block_in_place(|| house.server.kill());
        for writer in writers {
            acknowledged.extend(acknowledged_of(&writer.await.unwrap()));
        }
        // The next disk is what is left.
        let next = house.dir.join(format!("disk-{}", round + 1));
        let shadow = house.dir.join(format!("shadow-{round}"));
        let (more, less) = after_the_loss(&disk, &shadow, &next, &mut rng);
        took += more;
        lost += less;
        // What it holds is read by a server without the library.
        let check = house.dir.join("check");
        let _ = std::fs::remove_dir_all(&check);
        copy(&next, &check);
        let verified = tokio::task::block_in_place(|| codraft_server(&["verify", check.to_str().unwrap()]));
        if !verified.status.success() {
            return Err(Noticed::Refused(String::from_utf8_lossy(&verified.stderr).into_owned()));
        }
        let environment = std::mem::take(&mut house.server.environment);
        house.server.data = check;
        tokio::task::block_in_place(|| house.server.restart());
        let mut peer = Peer::join(&house.server.url, &house.delegates[0].token, "reader").await;
        let mut reader = Replica::new(&house.document, "", rng.random());
        reader.begin(&mut peer).await;
        reader.settle(&mut peer).await;
        let there: BTreeSet<_> = reader.doc.get_changes(&[]).iter().map(|change| change.hash()).collect();
        let missing = acknowledged.difference(&there).count();
        tokio::task::block_in_place(|| house.server.kill());
        house.server.environment = environment;
        if missing > 0 {
            return Err(Noticed::Missing(missing));
        }
    }
    println!(
        "{losses} power losses (seed {seed}): {} acknowledged changes, none lost; of the unsynced pages {lost} were lost, {took} not",
        acknowledged.len()
    );
    Ok(acknowledged.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_power_loss() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = preloaded("unsynced.c", dir.path()) else { return };
    let (losses, seed) = (setting("CODRAFT_POWER_LOSSES", 6), setting("CODRAFT_SEED", 1));
    let house = tokio::task::spawn_blocking(move || house(&library, false)).await.unwrap();
    let acknowledged = run(house, losses, seed).await.unwrap_or_else(|why| panic!("seed {seed}: {why:?}"));
    assert!(acknowledged as u64 > losses, "{acknowledged}");
}

/// The test above would notice: on a disk that only says that it has synced, words are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = preloaded("unsynced.c", dir.path()) else { return };
    let house = tokio::task::spawn_blocking(move || house(&library, true)).await.unwrap();
    // Either it is refused for what is missing, or it opens, and this test misses what was acknowledged.
    match run(house, 3, 1).await {
        Err(Noticed::Refused(said)) => assert!(said.contains("REFUSING TO SERVE"), "{said}"),
        Err(Noticed::Missing(changes)) => assert!(changes > 0),
        Ok(acknowledged) => panic!("a lying disk with {acknowledged} acknowledged changes went unnoticed"),
    }
}
