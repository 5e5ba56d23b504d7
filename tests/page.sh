#!/bin/sh
# The page's first load in a real browser: what comes over the wire, and how long it takes until somebody can read, and
# write, with an empty cache and with a full one, over this machine's own network and over a slow one.
#   sh tests/page.sh [RUNS]      prints the middle of so many runs (9)
# Needs Rust, Node 20 and Chromium (CODRAFT_CHROMIUM says where).
set -eu
cd "$(dirname "$0")/.."
for dir in tests/browser tests/foreign; do
    [ -d "$dir/node_modules" ] || (cd "$dir" && npm ci --no-audit --no-fund --silent)
done
if [ -z "${CODRAFT_BUILT:-}" ]; then
    sh server/web/build.sh
    cargo build --release --locked --quiet -p codraft-server --bins
fi
CODRAFT_PROGRAMS="$PWD/target/release" exec node tests/browser/first-load.mjs "${1:-9}"
