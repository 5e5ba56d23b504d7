//! The load tool's soak, in seconds instead of minutes: it passes where nothing is lost, and notices where
//! something is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use codraft_tests::load::contender::{Contender, Running};
use codraft_tests::load::report::Row;
use codraft_tests::load::soak::{Layout, run};
use std::path::Path;
use std::process::Command;

/// A soak of some seconds.
async fn soak(meanwhile: impl FnMut(u32, &Path)) -> Result<Row, String> {
    let layout = Layout {
        clients: 16,
        writers: 4,
        rate: 40.0,
        seconds: 12.0,
        life: 3.0,
        stay: 0.5..3.0,
        away: 0.1..1.0,
    };
    let mut running = tokio::task::block_in_place(|| Running::start(Contender::Codraft))?;
    run(&mut running, &layout, meanwhile).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_clients_come_and_go_and_the_server_is_killed() {
    let row = soak(|_, _| {}).await.unwrap();
    println!("{row:?}");
    assert!(row.counts, "{}", row.why);
    let figures = ["kills", "edits", "acknowledged", "lost", "missing"].map(|name| row.get(name).unwrap());
    assert_eq!(figures, [3.0, 480.0, 480.0, 0.0, 0.0]);
    assert!(row.get("times a client left").unwrap() > 10.0, "{row:?}");
}

/// A disk that goes back to what it was a kill ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_forgets_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    };
    let forgetful = |kill: u32, data: &Path| match kill {
        1 => copy(data, &old),
        2 => {
            std::fs::remove_dir_all(data).unwrap();
            copy(&old, data);
        }
        _ => {}
    };
    let why = soak(forgetful).await.unwrap_err();
    assert!(why.contains("acknowledged edits are gone after kill 2"), "{why}");
}
