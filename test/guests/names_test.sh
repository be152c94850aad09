#!/usr/bin/env bash
# names.c gives the same under Linux and as a guest: which errno a path has, and what became of
# directories, files and links.
# Usage: names_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.bash"

if ! has names "$guests/names.wasm" "no C library for guests: wasi-libc"; then
    finish
fi
check "names: compiles for Linux" 0 "" "" clang-19 -D_GNU_SOURCE -O1 "$here/names.c" \
    -o "$work/names"
for seed in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$work/root" && mkdir "$work/root"
    (cd "$work/root" && ../names "$seed" 2000) >"$work/linux"
    check "names: 2,000 calls of seed $seed are as under Linux" 0 "$(cat "$work/linux")" "" \
        "$beamr" run "$guests/names.wasm" "$seed" 2000
done
finish
