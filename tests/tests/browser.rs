//! The page in a real browser.
#![allow(clippy::print_stdout)]

use std::path::Path;

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
    codraft_tests::node::test("browser", &["--test-concurrency=1", "--test-timeout=600000"]);
}
