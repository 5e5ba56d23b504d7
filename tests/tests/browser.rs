//! The page in a real browser, driven by Node's test runner against the programs of this build.
#![allow(clippy::expect_used, clippy::print_stdout)]

use codraft_tests::server::programs;
use std::path::Path;
use std::process::Command;

/// Where a Chromium may be, as `tests/browser/page.mjs` has it.
const CHROMIUM: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Why the tests in a browser cannot run here, if they cannot.
fn missing() -> Option<&'static str> {
    let named = std::env::var_os("CODRAFT_CHROMIUM").is_some_and(|path| Path::new(&path).is_file());
    if !named && !CHROMIUM.iter().any(|path| Path::new(path).is_file()) {
        return Some(
            "there is no Chromium: install Debian's (apt-get install chromium), or name one in CODRAFT_CHROMIUM",
        );
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/web/dist/index.html.br");
    (!page.is_file()).then_some("the page was not built: sh server/web/build.sh, then build the server again")
}

#[test]
fn the_page_in_a_browser() {
    if let Some(missing) = missing() {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("SKIPPED: the tests in a browser. {missing}");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    if !folder.join("node_modules").is_dir() {
        let installed = Command::new("npm").args(["ci", "--silent"]).current_dir(&folder).status();
        assert!(installed.expect("npm is needed; it comes with Node 20").success(), "npm ci");
    }
    let output = Command::new("node")
        .args([
            "--test",
            "--test-force-exit",
            "--test-concurrency=1",
            "--test-timeout=600000",
            "--test-reporter=spec",
        ])
        .current_dir(&folder)
        .env("CODRAFT_PROGRAMS", programs())
        .output()
        .expect("Node 20 is needed");
    println!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the page's tests failed");
}
