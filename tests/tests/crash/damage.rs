//! Files that were truncated or have a flipped bit: found at opening, or without any effect. Every file of the
//! store, at positions all over it. `CODRAFT_DAMAGES` says how many of each (40 by default).

use crate::{copy, setting};
use codraft_protocol::resolution::SAMPLE;
use codraft_server::storage::Tree;
use codraft_server::storage::sled_store::{Options, SledStorage};
use codraft_server::storage::{Storage as _, StorageError};
use codraft_tests::cli::Terminal;
use codraft_tests::server::Server;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::path::{Path, PathBuf};

type Content = Vec<(Tree, Vec<u8>, Vec<u8>)>;

/// Everything that a store gives back; an error where it is refused.
fn content(dir: &Path) -> Result<Content, StorageError> {
    let store = SledStorage::open(dir, &Options { reserve: Some(0), ..Options::default() })?;
    let reader = store.reader();
    let mut all = Vec::new();
    for tree in Tree::ALL {
        for entry in reader.scan(tree, &[]) {
            let (key, value) = entry?;
            all.push((tree, key, value));
        }
    }
    Ok(all)
}

/// The files of a store, largest first.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("HEAD")];
    for entry in std::fs::read_dir(dir.join("db")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            found.push(Path::new("db").join(entry.file_name()));
        }
    }
    found
}

#[test]
fn damage_is_found_or_harmless() {
    let count = setting("CODRAFT_DAMAGES", 40);
    let mut rng = StdRng::seed_from_u64(setting("CODRAFT_SEED", 1));
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let dir = tempfile::tempdir().unwrap();
    let working = Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    for n in 0..10 {
        working.write(&working.file().replacen("every", &format!("every {n}"), 1));
        working.run(&["sync"]).ok();
    }
    assert!(server.stop());
    // Opened and closed once more, so that sled has its snapshot.
    let before = content(&server.data).unwrap();
    let (mut found, mut harmless) = (0, 0);
    for file in files(&server.data) {
        let whole = std::fs::read(server.data.join(&file)).unwrap();
        // Most of a young database file is nothing: damage where something is.
        let end = whole.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
        let mut here = (0, 0);
        for round in 0..count * 2 {
            let copied = dir.path().join("damaged");
            let _ = std::fs::remove_dir_all(&copied);
            copy(&server.data, &copied);
            let at = rng.random_range(0..end);
            let mut damaged = whole.clone();
            if round % 2 == 0 {
                damaged[at] ^= 1 << rng.random_range(0..8);
            } else {
                damaged.truncate(at);
            }
            std::fs::write(copied.join(&file), damaged).unwrap();
            match content(&copied) {
                Err(StorageError::BehindHead { .. } | StorageError::Damaged { .. }) => here.0 += 1,
                Err(other) => panic!("{} at {at}: {other}", file.display()),
                Ok(after) => {
                    assert!(after == before, "{} at {at}: damage that nobody noticed", file.display());
                    here.1 += 1;
                }
            }
        }
        println!("{}: {} damages found, {} without effect", file.display(), here.0, here.1);
        found += here.0;
        harmless += here.1;
    }
    println!("{found} damages found, {harmless} without effect, none unnoticed");
    assert!(found > count / 2);
}
