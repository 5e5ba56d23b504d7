#!/bin/sh
# Plants bugs and demands that the simulation finds each: `sh tests/planted.sh` runs all, `sh tests/planted.sh NAME…`
# some. The patches of tests/planted go, in order, into a copy of the sources, each behind a switch that the first of
# them makes, so that one build serves all; the sources themselves know no such switch. What was found goes into the
# table of docs/reliability.md. CODRAFT_SEEDS says how many seeds each bug gets (3000).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
seeds=${CODRAFT_SEEDS:-3000}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$copy"
for patch in tests/planted/*.patch; do
    patch --quiet --fuzz=0 --no-backup-if-mismatch -p1 -d "$copy" <"$patch" ||
        { echo "planted: $patch no longer applies; make it anew" >&2; exit 1; }
done
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target/planted}"
echo "building the copy"
# Prints the path of a test's program.
built() {
    program=$(cd "$copy" && cargo test --quiet --locked -p "$1" --test "$2" --no-run --message-format json |
        sed -n "s/.*\"executable\":\"\\([^\"]*\\/$2-[^\"]*\\)\".*/\\1/p" | tail -1)
    [ -x "$program" ] || { echo "planted: the copy does not build; a patch has to be made anew" >&2; exit 1; }
    echo "$program"
}
binary=$(built codraft-tests simulation)
rounds=$(built codraft-protocol rounds)
gate=$(built codraft-tests gate)

# Prints the first seed that breaks a law, and the law; nothing where none does. What shows only beside what is made
# anew, and what the attackers seldom hit, is for the laws of rounds and the tests of the gate.
found() {
    seed=$(CODRAFT_PLANTED=$1 CODRAFT_SEEDS=$seeds CODRAFT_SHRINK=0 "$binary" no_seed_breaks_a_law --nocapture 2>/dev/null |
        sed -n 's/^seed \([0-9]*\): \([^:]*\): .*/\1 \2/p' | head -1)
    if [ -n "$seed" ]; then
        echo "$seed"
    elif ! CODRAFT_PLANTED=$1 "$rounds" >/dev/null 2>&1; then
        echo "– protocol/tests/rounds.rs"
    elif ! CODRAFT_PLANTED=$1 "$gate" >/dev/null 2>&1; then
        echo "– tests/tests/gate.rs"
    fi
}

if [ -n "$(found nothing)" ]; then
    echo "planted: the simulation fails with no bug planted" >&2
    exit 1
fi
missed=0
planted=0
table="$copy/table"
printf '| bug | what it does | the law that it breaks | seeds needed |\n| --- | --- | --- | --- |\n' >"$table"
for patch in tests/planted/*.patch; do
    name=$(basename "$patch" .patch | sed 's/^[0-9]*-//')
    [ "$name" != switch ] || continue
    [ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    planted=$((planted + 1))
    what=$(head -1 "$patch")
    result=$(found "$name")
    if [ -z "$result" ]; then
        echo "MISSED $name"
        missed=$((missed + 1))
    else
        echo "caught $name: seed $result"
        printf '| %s | %s | %s | %s |\n' "$name" "$what" "${result#* }" "${result%% *}" >>"$table"
    fi
done
[ "$planted" != 0 ] || { echo "planted: there is no bug named $*; they are in tests/planted" >&2; exit 1; }
[ "$missed" = 0 ] || { echo "planted: $missed bugs were missed" >&2; exit 1; }
if [ $# = 0 ]; then
    awk -v table="$table" '
        /<!-- planted -->/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
        /<!-- end -->/ { skip = 0 }
        !skip' docs/reliability.md >"$copy/page"
    cp "$copy/page" docs/reliability.md
fi
echo "every planted bug was caught: $planted"
