#!/usr/bin/env bash
# files.c in the file system of `beamr run`: an empty one, a copy of a folder, and a folder that is
# written back.
# Usage: files_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

if has files "$guests/files.wasm" "no C library for guests: wasi-libc"; then
    check "files: what the C library does with files" 0 "$(cat "$expected/files.txt")" "" \
        "$beamr" run "$guests/files.wasm"

    mkdir "$work/copied"
    check "files: the same in a copy of a folder" 0 "$(cat "$expected/files.txt")" "" \
        "$beamr" run --dir "$work/copied::/" "$guests/files.wasm"
    check "files: a copy leaves the folder alone" 0 "" "" ls -A "$work/copied"

    mkdir "$work/kept"
    check "files: the same in a folder that is written back" 0 "$(cat "$expected/files.txt")" "" \
        "$beamr" run --dir-rw "$work/kept::/" "$guests/files.wasm"
    check "files: all of it is there afterwards" 0 "$(cat "$expected/kept.txt")" "" \
        bash -c "cd '$work/kept' && find . -printf '%P %y %l\n' | sort"
    check "files: with its content" 0 "sea" "" cat "$work/kept/moved/c.txt"
fi
finish
