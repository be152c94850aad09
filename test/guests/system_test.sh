#!/usr/bin/env bash
# system.c: what a program of the C library finds around it, as `beamr run` gives it; and modules
# that are no programs, by their conventions.
# Usage: system_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

run() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "system: $name" "$code" "$out" "$err" "$@"
}

if has system "$guests/system.wasm" "no C library for guests: wasi-libc"; then
    system=("$beamr" run "$guests/system.wasm")
    run "arguments" 0 $'1 \'args\'\n2 \'--env\'\n3 \'\'\n4 \'two words\'' "" \
        "${system[@]}" args --env '' 'two words'
    run "environment" 0 $'NAME is a=b\nEMPTY is \nHOME is not set' "" \
        "$beamr" run --env NAME=a=b --env EMPTY= "$guests/system.wasm" env NAME EMPTY HOME
    run "lines of standard input" 0 $'1: four\n2: \n3: lastend after 3 lines' "^5 bytes$" \
        input 'four\n\nlast' "${system[@]}" lines
    run "no input" 0 "end after 0 lines" "" "${system[@]}" lines
    run "numbers" 0 "$(cat "$expected/numbers.txt")" "" "${system[@]}" numbers
    run "clocks of the host" 0 "~^slept long enough: yes$" "" "${system[@]}" clocks
    run "clocks that begin at 0" 0 $'slept long enough: yes\nresolution below a second: yes\nseconds 0' \
        "" "$beamr" run --deterministic "$guests/system.wasm" clocks
    run "random bytes" 0 "~^[0-9a-f]{16}$" "" "${system[@]}" noise
    first=$("$beamr" run --deterministic "$guests/system.wasm" noise)
    run "the same random bytes again" 0 "$first" "" \
        "$beamr" run --deterministic "$guests/system.wasm" noise
    run "exit code" 7 "farewell" "" "${system[@]}" exit 7
    run "exit code 0" 0 "farewell" "" "${system[@]}" exit 0
    run "abort is a trap" 1 "" "unreachable" "${system[@]}" abort
    run "nothing is a terminal here" 0 "000" "" "${system[@]}" terminal
fi

if has reactor "$guests/reactor.wasm" "no C library for guests: wasi-libc"; then
    run "_initialize is called first" 0 "5" "" "$beamr" run "$guests/reactor.wasm" --invoke add 2 3
fi
run "__wasm_call_ctors is called first" 0 "5" "" \
    "$beamr" run "$guests/library.wasm" --invoke add 2 3
run "an abort with a message" 1 "" "aborted: wrong, at x.s:3:14" \
    "$beamr" run "$guests/library.wasm" --invoke fail
run "a library is no program" 2 "" "_start" "$beamr" run "$guests/library.wasm"
finish
