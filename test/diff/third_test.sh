#!/usr/bin/env bash
# A third opinion on random modules: V8, in a package of npm that scripts/modules downloads.
# 150 modules, or 3,000 with BEAMR_LONG.
# Usage: third_test.sh DIFF_CALLS
set -eu
diff_calls=$1
here=$(cd "$(dirname "$0")" && pwd)
node=$here/../../build/modules/node/bin/node
count=150
[ -z "${BEAMR_LONG:-}" ] || count=3000

skip() {
    echo "skipped: the opinion of V8 ($1)"
    exit 77
}
[ -f "$node" ] || skip "$(cat "$here/../../build/modules/node.reason" 2>/dev/null ||
    echo "not downloaded yet: scripts/modules")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$diff_calls" --seed 1 --count $((count / 2)) "$work/one" &
"$diff_calls" --seed 100001 --count $((count / 2)) "$work/two"
wait $!
"$node" "$here/third.mjs" "$work/one"
"$node" "$here/third.mjs" "$work/two"
