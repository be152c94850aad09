#!/usr/bin/env bash
# A second source of random modules: binaryen's wasm-opt, which makes modules out of any bytes.
# Its package is downloaded by scripts/modules. BEAMR_DIFF_COUNT modules; 12, or 300 with BEAMR_LONG.
# Usage: binaryen_test.sh DIFF_TIERS
set -eu
diff_tiers=$1
here=$(cd "$(dirname "$0")" && pwd)
opt=$here/../../build/modules/binaryen/bin/wasm-opt
count=12
[ -z "${BEAMR_LONG:-}" ] || count=300
count=${BEAMR_DIFF_COUNT:-$count}

skip() {
    echo "skipped: modules of binaryen ($1)"
    exit 77
}
[ -f "$opt" ] || skip "$(cat "$here/../../build/modules/binaryen.reason" 2>/dev/null ||
    echo "not downloaded yet: scripts/modules")"
node=$here/../../build/modules/node/bin/node # of npm, or what is installed
[ -f "$node" ] || node=$(command -v node) || skip "node is missing"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
features=(--enable-mutable-globals --enable-nontrapping-float-to-int --enable-simd
    --enable-bulk-memory --enable-sign-ext --enable-tail-call --enable-reference-types
    --enable-multivalue --enable-multimemory --enable-relaxed-simd --enable-extended-const)

# make NUMBER: one module. It mixes both encodings of exceptions in a function, which no engine
# takes, so one is translated to the other.
make() {
    local more=()
    case $(($1 % 4)) in
    1) more=(--enable-exception-handling --translate-to-exnref) ;;
    2) more=(--enable-memory64) ;;
    3) more=(--enable-memory64 --enable-exception-handling --translate-to-exnref) ;;
    esac
    "$diff_tiers" --tape "$1" >"$work/$1.tape"
    "$node" "$opt" "$work/$1.tape" -ttf "${features[@]}" "${more[@]}" -o "$work/$1.wasm" \
        >"$work/$1.log" 2>&1 || cat "$work/$1.log"
}

for ((i = 1; i <= count; i++)); do
    make "$i" &
    ((i % 2)) || wait
done
wait
ls "$work"/*.wasm >/dev/null || exit 1
cd "$work"
"$diff_tiers" --jobs 2 --module $(ls | grep 'wasm$' | sort -n) || {
    mkdir -p "$here/../../build/diff-binaryen"
    cp "$work"/*.wasm "$here/../../build/diff-binaryen/"
    exit 1
}
