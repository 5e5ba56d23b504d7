//! Tests that are written in JavaScript, run by Node's own test runner against the programs of this build.

use crate::server::programs;
use std::path::Path;
use std::process::Command;

/// Runs `node --test` with more arguments in a folder beside this package's `src`; fetches its packages where that
/// was not done, and shows what the runner said.
///
/// # Panics
/// Where Node or npm are missing, and where a test fails.
pub fn test(folder: &str, args: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.join("node_modules").is_dir() {
        let installed = Command::new("npm").args(["ci", "--silent"]).current_dir(&folder).status();
        assert!(installed.expect("npm is needed; it comes with Node 20").success(), "npm ci");
    }
    let output = Command::new("node")
        .args(["--test", "--test-force-exit", "--test-reporter=spec"])
        .args(args)
        .current_dir(&folder)
        .env("CODRAFT_PROGRAMS", programs())
        .output()
        .expect("Node 20 is needed");
    println!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the tests in {} failed", folder.display());
}
