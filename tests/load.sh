#!/bin/sh
# The load tool with everything it needs: every scenario on every server, side by side.
#   sh tests/load.sh                      all of it (about half an hour)
#   sh tests/load.sh --scenarios s1,s2    part of it; see: sh tests/load.sh --help
#   sh tests/load.sh --scenarios soak --minutes 20    a long day: does anything get lost, does memory grow
# Needs Rust, and Node 20 for the servers that are in Node.
set -eu
cd "$(dirname "$0")/.."
[ -d tests/load/node_modules ] || (cd tests/load && npm ci --no-audit --no-fund --silent)
cargo build --release --locked --quiet -p codraft-server -p codraft-tests --bins
CODRAFT_BUILT=1 exec target/release/load run "$@"
