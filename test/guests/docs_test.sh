#!/usr/bin/env bash
# The commands in docs/modules.md do what it says: each block that begins with ```console is run, in
# a copy of examples/guests, line by line; the lines without a dollar are what is printed.
# A block whose tools are missing is skipped.
# Usage: docs_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.bash"

mkdir "$work/bin"
ln -s "$(realpath "$beamr")" "$work/bin/beamr"
PATH=$work/bin:$PATH
cp -r "$here/../../examples/guests" "$work/examples"
cd "$work/examples" || exit 1

# missing COMMAND: what it needs and is not here, if anything.
missing() {
    case $1 in
    *--target=wasm32-wasi*.cc*) can_make .cc -lc++ -lc++abi || echo "clang-19 or libc++-19-dev-wasm32" ;;
    *--target=wasm32-wasi*) can_make .c || echo "clang-19 or wasi-libc" ;;
    */usr/bin/rustc*) ls -d /usr/lib/rustlib/wasm32-wasi >/dev/null 2>&1 ||
        echo "Debian's rustc or libstd-rust-dev-wasm32" ;;
    *"go build"*) [ "$(go version 2>/dev/null | grep -cE 'go1\.(2[1-9]|[3-9])')" = 1 ] ||
        echo "Go 1.21 or later" ;;
    emcc*) command -v emcc >/dev/null || echo "emcc of emscripten" ;;
    asc*) command -v asc >/dev/null || echo "asc, AssemblyScript's compiler" ;;
    esac
}

# can_make SUFFIX LIBRARY...
can_make() {
    echo 'int main(void) { return 0; }' >"probe$1"
    clang-19 --target=wasm32-wasi "probe$1" "${@:2}" -o probe.wasm 2>/dev/null
}

# one COMMAND EXPECTED: a command, and what it prints.
one() {
    local why
    [ -n "$skipping" ] && return
    why=$(missing "$1")
    if [ -n "$why" ]; then
        skip "docs: $heading" "$why is missing"
        skipping=yes
        return
    fi
    check "docs: $heading: $1" 0 "$2" "" bash -c "$1"
}

heading='' command='' lines='' is_block='' skipping=''
while IFS= read -r line; do
    case $is_block$line in
    '#'*) heading=${line##*# } ;;
    '```console') is_block=yes skipping='' ;;
    'yes```'*)
        [ -z "$command" ] || one "$command" "${lines%$'\n'}"
        command='' lines='' is_block=''
        ;;
    'yes$ '*)
        [ -z "$command" ] || one "$command" "${lines%$'\n'}"
        command=${line#'$ '} lines=''
        ;;
    yes*) lines+=$line$'\n' ;;
    esac
done <"$here/../../docs/modules.md"
[ $((passed + failed + skipped)) -ge 7 ] || { echo "failed: docs/modules.md has too few commands"; failed=1; }
finish
