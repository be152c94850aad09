#!/usr/bin/env bash
# Compile emscripten_guest.cc in both pointer widths, and the guests in text form, and write the
# modules as C headers.
# Usage: make.sh    (needs clang-19, wasm-ld-19 and wat2wasm)
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# header NAME SOURCE MODULE: write ../NAME.h.
header() {
    {
        echo "/* sources/$2 in binary form; made by sources/make.sh. */"
        echo "/* clang-format off */"
        echo "static const uint8_t $1[] = {"
        xxd -i <"$3"
        echo "};"
        echo "/* clang-format on */"
    } >"../$1.h"
}

for width in 32 64; do
    target=--target=wasm$width-unknown-emscripten
    for file in emscripten_guest emscripten_runtime; do
        clang-19 $target -std=c++17 -O1 -fexceptions -ffreestanding -nostdinc++ \
            -fvisibility=hidden -mllvm -enable-emscripten-cxx-exceptions \
            -mllvm -enable-emscripten-sjlj -c $file.cc -o "$work/$file.o"
    done
    sed "s/i32/i$width/g" stack32.s >"$work/stack.s"
    clang-19 $target -c "$work/stack.s" -o "$work/stack.o"
    wasm-ld-19 -mwasm$width --no-entry --allow-undefined --export-dynamic --export-table \
        --export=emscripten_stack_get_current \
        --export=_emscripten_stack_restore --strip-all -z stack-size=8388608 "$work"/*.o \
        -o "$work/guest.wasm"
    header emscripten_guest$width emscripten_guest.cc "$work/guest.wasm"
done
for name in invoke_guest start_guest; do
    wat2wasm "$name.wat" -o "$work/$name.wasm"
    header "$name" "$name.wat" "$work/$name.wasm"
done
