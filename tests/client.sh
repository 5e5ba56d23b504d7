#!/bin/sh
# The client's side of performance: a file of 200 pages, and a thousand changes made without a network.
#   sh tests/client.sh [CHANGES]      prints milliseconds; each figure is a whole process, its start included
set -eu
cd "$(dirname "$0")/.."
changes=${1:-1000}
[ -n "${CODRAFT_BUILT:-}" ] || cargo build --release --locked --quiet -p codraft-server -p codraft-cli --bins
bin=$PWD/target/release sample=$PWD/protocol/samples/resolution.txt dir=$(mktemp -d) server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
cd "$dir"

serve() {
    : >said
    "$bin/codraft-server" serve --data-dir data --listen "$1" --log warn --reserve-mb 0 >said &
    server=$!
    until grep -q listening said; do
        kill -0 "$server" 2>/dev/null || { echo "client: the server does not start" >&2; exit 1; }
        sleep 0.05
    done
    CODRAFT_SERVER=$(sed 's/listening on //' said)
    export CODRAFT_SERVER
}
# timed WORDS COMMAND…
timed() {
    words=$1
    shift
    start=$(date +%s%N)
    "$@" >out
    echo "$words: $((($(date +%s%N) - start) / 1000000)) ms"
}

secretariat=$("$bin/codraft-server" init --data-dir data)
serve 127.0.0.1:0
export CODRAFT_TOKEN="$secretariat"
# 40 lines a page.
awk 'BEGIN {
    print "RESOLUTION 9000 (Geneva, 2026)\nA resolution of two hundred pages\nThe Council,\nresolves"
    for (n = 1; n <= 8000; n++)
        printf "%d\tthat station %d should report to the Council every year on what it did for islands;\n", n, n
}' >large.txt
timed "import 200 pages, $(wc -c <large.txt) bytes" "$bin/codraft" import large.txt --symbol L/1
large=$(head -1 out)
small=$("$bin/codraft" import "$sample" --symbol S/1)
CODRAFT_TOKEN=$("$bin/codraft" delegation add CAN --name Canada)

timed "clone 200 pages" "$bin/codraft" clone "$large" large
"$bin/codraft" clone "$small" small >/dev/null
cd large
sed -i '4000s/every year/every second year/' resolution.txt
timed "diff of one edit in 200 pages" "$bin/codraft" diff
timed "sync of that edit" "$bin/codraft" sync
timed "sync of nothing" "$bin/codraft" sync
cd ../small

kill "$server"
wait "$server" || true
server=
start=$(date +%s%N)
n=0
while [ "$n" -lt "$changes" ]; do
    n=$((n + 1))
    sed -i "$((n % 30 + 6))s/\$/ $n/" resolution.txt
    # It says that nobody answers; what was edited is recorded.
    "$bin/codraft" sync >/dev/null 2>&1 || true
done
echo "an edit and a sync without a network: $((($(date +%s%N) - start) / 1000000 / changes)) ms each"
cd ..
serve "${CODRAFT_SERVER#http://}"
cd small
timed "sync of $changes changes made without a network" "$bin/codraft" sync
cat out
