#!/usr/bin/env bash
# Guests of this folder as Emscripten itself builds them, without the loader that it writes beside
# them: C++ exceptions and longjmp by invoke_*, files by __syscall_*.
# Usage: emscripten_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.bash"
examples=$here/../../examples/guests

# built NAME SOURCE FLAG...: compile and link it, to $work/NAME.wasm.
built() {
    local name=$1 source=$2
    shift 2
    # What it says of its cache is of no interest.
    check "emscripten: $name compiles" 0 "" "" \
        bash -c 'emcc "$@" 2>"$0" || { cat "$0" >&2; exit 1; }' "$work/log" \
        -O1 -sALLOW_MEMORY_GROWTH "$@" "$source" -o "$work/$name.js"
    [ -f "$work/$name.wasm" ]
}

if ! command -v emcc >/dev/null; then
    skip "emscripten" "emcc is missing"
    finish
fi
built standard "$here/standard.cc" -fexceptions -I"$examples/runtime" &&
    check "emscripten: C++ exceptions" 0 "$(cat "$expected/standard.txt")" "" \
        "$beamr" run "$work/standard.wasm"
built recover "$examples/recover.c" &&
    check "emscripten: longjmp" 0 $'(()): 2 deep\n()): closed too often\n(: left open' "" \
        "$beamr" run "$work/recover.wasm" '(())' '())' '('
# Debian's version has a link() that only fails.
built files "$here/files.c" &&
    check "emscripten: files" 0 "$(sed "s/^link: ok/link: Too many links/
        s/4 'both'/5 'first'/; s/'both'/'first'/" "$expected/files.txt")" "" \
        "$beamr" run "$work/files.wasm"
if built system "$here/system.c"; then
    check "emscripten: arguments" 0 $'1 \'args\'\n2 \'--env\'\n3 \'\'' "" \
        "$beamr" run "$work/system.wasm" args --env ''
    check "emscripten: numbers" 0 "$(cat "$expected/numbers.txt")" "" \
        "$beamr" run "$work/system.wasm" numbers
    check "emscripten: clocks that begin at 0" 0 \
        $'slept long enough: yes\nresolution below a second: yes\nseconds 0' "" \
        "$beamr" run --deterministic "$work/system.wasm" clocks
    check "emscripten: exit code" 7 "" "" "$beamr" run "$work/system.wasm" exit 7
    check "emscripten: abort is a trap" 1 "" "trap: aborted" \
        "$beamr" run "$work/system.wasm" abort
    check "emscripten: its imports are known" 0 "" "" bash -c \
        "'$beamr' inspect '$work/system.wasm' | grep stub"' | cat'
fi
finish
