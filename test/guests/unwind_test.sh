#!/usr/bin/env bash
# setjmp, longjmp and exceptions of C++: in the legacy encoding as clang writes it, in the new one
# as wasm-opt translates it, and by Emscripten's imports; in both pointer widths.
# Usage: unwind_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
optimizer=$(dirname "${BASH_SOURCE[0]}")/../../build/modules/binaryen/bin/wasm-opt

# renewed FILE: translate it to the new encoding, as $work/new.wasm.
renewed() {
    node "$optimizer" "$1" --enable-exception-handling --enable-memory64 --enable-mutable-globals \
        --enable-sign-ext --enable-nontrapping-float-to-int --enable-bulk-memory \
        --enable-multivalue --enable-reference-types --emit-exnref --disable-compact-imports \
        -o "$work/new.wasm"
}

# legacy_and_new NAME FILE EXPECTED
legacy_and_new() {
    check "unwind: $1, legacy encoding" 0 "$(cat "$expected/$3")" "" "$beamr" run "$2"
    command -v node >/dev/null || optimizer=
    if has "$1, new encoding" "$optimizer" "no wasm-opt: scripts/modules"; then
        check "unwind: $1, new encoding" 0 "$(cat "$expected/$3")" "" \
            bash -c "$(declare -f renewed); optimizer='$optimizer' work='$work'
                renewed '$2' && '$beamr' run '$work/new.wasm'"
    fi
}

for bits in 32 64; do
    for what in jump throw; do
        legacy_and_new "$what in $bits bits" "$guests/${what}_$bits.wasm" "$what.txt"
        check "unwind: $what in $bits bits, by invoke" 0 "$(cat "$expected/$what.txt")" "" \
            "$beamr" run "$guests/${what}_invoke_$bits.wasm"
    done
done
if has standard "$guests/standard.wasm" "no C++ library for guests: libc++-19-dev-wasm32"; then
    legacy_and_new "the C++ library" "$guests/standard.wasm" standard.txt
    check "unwind: the C++ library, by invoke" 0 "$(cat "$expected/standard.txt")" "" \
        "$beamr" run "$guests/standard_invoke.wasm"
fi
finish
