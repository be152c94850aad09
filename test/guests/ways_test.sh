#!/usr/bin/env bash
# Programs run by wasm-64@1.0 with their system directly and through messages: the same results,
# files and memory. What is compared is in test/unit/device/ways.h.
# Usage: ways_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
ways=$guests/../unit_device_system_ways

# same NAME WHY-NOT: the program prints something, and does the same both ways.
same() {
    has "$1" "$guests/$1.wasm" "$2" || return
    has "$1" "$ways" "the unit tests are not built" || return
    check "ways: $1" 0 "~: [1-9][0-9]* bytes of output" "" \
        bash -c "'$ways' '$guests/$1.wasm' 2>/dev/null"
}

same files "no C library for guests: wasi-libc"
same wide_32 "no compiler for guests"
same wide_64 "no compiler for guests"
finish
