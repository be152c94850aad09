#!/usr/bin/env bash
# Compile Lua as an AO process for wasm64, from Debian's source in build/modules/lua_source/, as
# build/programs/lua_process.wasm (errors are exceptions, in the legacy encoding) and
# lua_process_invoke.wasm (they go by Emscripten's imports), unless they are there already. What
# went wrong stands in lua_process.reason; tests that need them are then skipped.
# Usage: build.sh   (exit code 0)
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../../.." || exit 1
source=build/modules/lua_source/src programs=build/programs
libc=test/guests/libc runtime=examples/guests/runtime calculator=examples/calculator
mkdir -p "$programs"

# refuse WHY
refuse() {
    echo "$1" >"$programs/lua_process.reason"
    echo "lua_process: $1" >&2
    exit 0
}

[ -d "$source" ] || refuse "$(cat build/modules/lua_source.reason 2>/dev/null || echo "no source of Lua")"
command -v clang-19 >/dev/null && command -v wasm-ld-19 >/dev/null ||
    refuse "clang-19 or wasm-ld-19 is missing"

flags=(--target=wasm64-unknown-unknown -O2 -std=gnu11 -w -nostdlibinc -ffp-contract=off
    -mbulk-memory -mnontrapping-fptoint "-I$libc/include" "-I$libc" "-I$runtime" "-I$calculator"
    "-I$source" "-Wa,-I$here")
lua=()
for name in api code ctype debug do dump func gc lex mem object opcodes parser state string table \
    tm undump vm zio auxlib baselib corolib tablib strlib mathlib utf8lib iolib; do
    lua+=("$source/l$name.c")
done
# Fixed seeds, or equal processes would differ.
lua_flags=("-Dluai_makeseed(L)=1" -fno-builtin-fprintf -fno-builtin-snprintf)

# objects FOLDER FLAG...: compile all into it, two at a time.
objects() {
    local folder=$1 file more running=0 failed=0
    shift
    for file in "${lua[@]}" "$here/process.c" "$here/script.S" $libc/*.c $calculator/functions.c \
        $calculator/number.c $runtime/setjmp.c "${unwinder[@]}"; do
        more=(-ffreestanding -fno-builtin)
        case $file in "$source"/*) more=("${lua_flags[@]}") ;; esac
        if [ "$running" -ge 2 ]; then
            wait -n || failed=1
            running=$((running - 1))
        fi
        running=$((running + 1))
        clang-19 "${flags[@]}" "${more[@]}" "$@" -c "$file" \
            -o "$folder/$(basename "$(dirname "$file")")-$(basename "$file").o" &
    done
    while [ "$running" -gt 0 ]; do
        wait -n || failed=1
        running=$((running - 1))
    done
    return "$failed"
}

# build NAME FLAG... -- LINK...: unless it is there and nothing has changed.
build() {
    local name=$1 compile=() recipe folder
    shift
    while [ "$1" != -- ]; do compile+=("$1") && shift; done
    shift
    recipe=$(cat "$here"/* "$libc"/*.* "$libc"/include/* "$runtime"/* "$source"/*.[ch] | cksum)
    [ "$(cat "$programs/$name.recipe" 2>/dev/null)" = "$recipe" ] && return
    folder=$(mktemp -d "$programs/.build.XXXXXX")
    if objects "$folder" "${compile[@]}" &&
        wasm-ld-19 -mwasm64 --no-entry --stack-first -z stack-size=1048576 \
            --max-memory=4294967296 "$@" "$folder"/*.o -o "$folder/done.wasm"; then
        mv "$folder/done.wasm" "$programs/$name.wasm"
        echo "$recipe" >"$programs/$name.recipe"
        rm -f "$programs/lua_process.reason"
    else
        rm -rf "$folder"
        refuse "does not compile"
    fi
    rm -rf "$folder"
}

unwinder=("$runtime/tags.S")
build lua_process -mexception-handling -mllvm -wasm-enable-sjlj --
unwinder=("$runtime/invoke.c")
build lua_process_invoke -DGUEST_INVOKE -mllvm -enable-emscripten-sjlj -- --export-table
