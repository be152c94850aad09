#!/usr/bin/env bash
# Compile emscripten_guest.cc in both pointer widths, and write the modules as C headers.
# Usage: make.sh    (needs clang-19 and wasm-ld-19)
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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
    {
        echo "/* emscripten_guest.cc with $width-bit pointers; made by sources/make.sh. */"
        echo "/* clang-format off */"
        echo "static const uint8_t emscripten_guest$width[] = {"
        xxd -i <"$work/guest.wasm"
        echo "};"
        echo "/* clang-format on */"
    } >../emscripten_guest$width.h
done
