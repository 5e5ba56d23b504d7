//! The stock JavaScript client, driven by its own test runner against the programs of this build.
#![allow(clippy::expect_used, clippy::print_stdout)]

use codraft_tests::server::programs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_stock_automerge_repo_client() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign");
    if !folder.join("node_modules").is_dir() {
        let installed = Command::new("npm").args(["ci", "--silent"]).current_dir(&folder).status();
        assert!(installed.expect("npm is needed; it comes with Node 20").success(), "npm ci");
    }
    let output = Command::new("node")
        .args([
            "--test",
            "--test-force-exit",
            "--test-timeout=240000",
            "--test-reporter=spec",
            "stock.test.mjs",
        ])
        .current_dir(&folder)
        .env("CODRAFT_PROGRAMS", programs())
        .output()
        .expect("Node 20 is needed");
    println!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the stock client's tests failed");
}
