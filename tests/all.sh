#!/bin/sh
# Every test of the project, from a fresh clone: format, the page, lints, Rust tests, the JavaScript client, the
# page in a browser, the documents. Needs Rust (with rustfmt and clippy), a C compiler, Node 20 and, for the tests in
# a browser, Chromium; everything else is fetched or built here.
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
need() {
    command -v "$1" >/dev/null 2>&1 || { echo "tests: $1 is missing; $2" >&2; exit 1; }
}
need cargo "install Rust from https://rustup.rs"
need cc "install a C compiler, such as gcc"
need patch "install it"
need node "install Node 20 or newer"
need npm "it comes with Node"

step "format"
cargo fmt --all --check

step "the page"
# Before the server is built, which takes it along.
sh server/web/build.sh

step "lints"
cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

step "the JavaScript tests' packages"
(cd tests/foreign && npm ci --no-audit --no-fund --silent)
(cd tests/browser && npm ci --no-audit --no-fund --silent)

step "tests"
# The programs are built along, since their packages have tests of their own.
log=$(mktemp)
# It takes a quarter of an hour; what hangs is to be seen here and not by whoever waits for it.
limit=
command -v timeout >/dev/null 2>&1 && limit="timeout -k 30 3000"
{ CODRAFT_BUILT=1 $limit cargo test --workspace --locked --no-fail-fast -- --show-output 2>&1 || touch "$log.failed"; } | tee "$log"
if [ -e "$log.failed" ]; then
    # Said again at the end, where one looks first.
    step "what failed"
    awk '/has been running for over/ { slow = $0 } /^test result:/ { slow = "" } END { if (slow) print "did not end: " slow }' "$log"
    awk '/^failures:$/ { on = 1 } on { print } /^test result:/ { on = 0 } /^error/ { print }' "$log" | tail -n 300
    exit 1
fi
rm "$log"

step "documents"
node tests/foreign/documents.mjs

if command -v cargo-deny >/dev/null 2>&1; then
    step "licences, bans and sources"
    # Not the advisories, which change by the day: cargo deny check advisories, now and then.
    cargo deny check licenses bans sources
else
    echo "licences, bans and sources: not checked, cargo-deny is not installed (cargo install cargo-deny --locked)"
fi

printf '\nall tests passed\n'
