#!/bin/sh
# Compares the hot path's parts between two revisions: sh tests/compare.sh OLD [NEW] [FILTER]
# NEW is HEAD where it is left out; FILTER narrows to benchmarks whose name contains it. Nothing in the working
# copy is touched: both revisions are checked out beside each other in a temporary folder.
set -eu
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0"; exit 2; }
cd "$(dirname "$0")/.."
old=$(git rev-parse --verify "$1^{commit}") new=$(git rev-parse --verify "${2:-HEAD}^{commit}") filter=${3:-}
target=$PWD/target/compare
folder=$(mktemp -d)
trap 'git worktree remove --force "$folder/old"; git worktree remove --force "$folder/new"; rmdir "$folder"' EXIT
git worktree add --quiet --detach "$folder/old" "$old"
git worktree add --quiet --detach "$folder/new" "$new"
bench() { (cd "$folder/$1" && CARGO_TARGET_DIR=$target cargo bench --quiet --locked -p codraft-tests --bench hot_path -- "$2" old $filter); }
echo "== $1"
bench old --save-baseline
echo "== ${2:-HEAD}, compared with $1"
bench new --baseline
