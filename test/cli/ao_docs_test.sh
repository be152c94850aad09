#!/usr/bin/env bash
# The command lines of docs/ao.md, docs/devices.md and docs/aos.md give what stands below them there.
#
# Usage: ao_docs_test.sh BEAMR BUILD-FOLDER
# Each page has a folder of its own, with the modules of the examples and handle.wasm. In blocks that begin with ```console, "$ " begins a command, and what follows is all of its
# output, errors included. Without a compiler those that ask for native code are left out.
set -u

beamr=$(realpath "$1")
root=$PWD
examples=$(realpath "$2/examples")
guests=$(realpath "$2/test/guests")
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
mkdir "$work/bin"
ln -s "$beamr" "$work/bin/beamr"
PATH=$work/bin:$PATH

# try COMMAND EXPECTED
try() {
    local got
    if [[ $1 == *wasm_allow_aot=true* || $1 == *"--tier native"* ]] && [ ! -x "${beamr%/*}/beamr-compile" ]; then
        echo "skipped: $1 (no beamr-compile)"
        return
    fi
    got=$(bash -c "$1" 2>&1 </dev/null)
    if [ "$got" = "$2" ]; then
        passed=$((passed + 1))
        echo "ok: $1"
    else
        failed=$((failed + 1))
        echo "failed: $1"
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$got") | sed 's/^/    /'
    fi
}

# page NAME: try all of a page.
page() {
    local command='' expected='' is_on=0 before=$passed line
    mkdir "$work/$1" && cd "$work/$1" || exit 1
    cp "$examples"/*.wasm "$guests/handle.wasm" .
    while IFS= read -r line; do
        case $is_on$line in
        '0```console') is_on=1 ;;
        '1```' | '1$ '*)
            [ -z "$command" ] || try "$command" "${expected%$'\n'}"
            command='' expected=''
            [ "$line" = '```' ] && is_on=0 || command=${line#\$ }
            ;;
        1*) expected+=$line$'\n' ;;
        esac
    done <"$root/docs/$1.md"
    [ "$passed" -gt "$before" ] || failed=$((failed + 1))
}

page ao
page devices
page aos
finish
