#!/usr/bin/env bash
# wide.c: WASI in both pointer widths, without a C library.
# Usage: wide_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

for bits in 32 64; do
    check "wide: WASI in $bits bits" 5 "bytes in a pointer $((bits / 8))
$(cat "$expected/wide.txt")" "" \
        "$beamr" run --env NAME=value "$guests/wide_$bits.wasm" one two
    check "wide: the same without a host, in $bits bits" 5 "bytes in a pointer $((bits / 8))
$(cat "$expected/wide.txt")" "" \
        "$beamr" run --deterministic --env NAME=value "$guests/wide_$bits.wasm" one two
done
finish
