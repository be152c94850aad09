#!/usr/bin/env bash
# Processes that are kept after some messages and go on in a new program: what they answer, and the
# snapshot at their end, is the same, byte for byte, as without an interruption. The guest `handle`
# changes memory, a global, a table, files, traps, and runs into a time limit, which undoes what the
# message did; Lua has all its state in memory and files.
# Usage: life_test.sh LIFE GUESTS-FOLDER
#        life_test.sh LIFE GUESTS-FOLDER MODULE EXPRESSIONS   (another process, by hand)
set -u
life=$1 guests=$2 beamr=
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
programs=$here/../../build/programs

# answers FILE: without the snapshot.
answers() {
    sed '/^snapshot/,$d' "$1"
}

# whole INPUT SPAWN TO: evaluate the lines up to TO at a stretch, into $work/whole.
whole() {
    "$life" "$2" 1 "$3" - <"$1" >"$work/whole"
}

# cut INPUT MODULE TO AT...: the same with a new program after each of these lines, into $work/cut.
cut_at() {
    local input=$1 from=$2 to=$3 line=1 at number=0
    shift 3
    : >"$work/cut"
    for at in "$@" "$to"; do
        number=$((number + 1))
        "$life" "$from" "$line" "$at" "$work/kept.$number" <"$input" >"$work/part" || return 1
        answers "$work/part" >>"$work/cut"
        from=$work/kept.$number line=$((at + 1))
    done
    sed -n '/^snapshot/,$p' "$work/part" >>"$work/cut"
    rm -rf "$work"/kept.*
}

# twice INPUT MODULE TO: the same where each message is sent twice, into $work/cut.
twice() {
    "$life" --twice "$2" 1 "$3" - <"$1" >"$work/cut"
}

# same: whether both came to the same.
same() {
    [ -s "$work/whole" ] || echo "there is nothing to compare"
    diff "$work/whole" "$work/cut"
}

# lives NAME MODULE INPUT [brief]: brief for one that differs little from another.
lives() {
    local count at places
    if [ ! -f "$2" ]; then
        skip "life: $1" "$(cat "$programs/lua_process.reason" 2>/dev/null || echo "scripts/fetch-sources")"
        return
    fi
    count=$(wc -l <"$3")
    check "life: $1: an uninterrupted life" 0 "" "" whole "$3" "$2" "$count"
    places="1 $((count / 2)) $((count - 1))"
    [ $# -eq 3 ] || places=$((count / 2))
    for at in $places; do
        check "life: $1: goes on after $at messages" 0 "" "" cut_at "$3" "$2" "$count" "$at"
        check "life: $1: and is the same" 0 "" "" same
    done
    [ $# -eq 3 ] || return
    check "life: $1: a new program for each message" 0 "" "" cut_at "$3" "$2" "$count" $(seq $((count - 1)))
    check "life: $1: is the same as well" 0 "" "" same
    check "life: $1: each message sent twice to the same state" 0 "" "" twice "$3" "$2" "$count"
    check "life: $1: makes no difference" 0 "" "" same
}

# by_body MODULE INPUT AT TO: a snapshot's memory alone is enough for the same answers.
by_body() {
    "$life" "$1" 1 "$4" - <"$2" | answers - | tail -n +$(($3 + 1)) >"$work/whole" &&
        "$life" "$1" 1 "$3" "$work/kept" <"$2" >"$work/part" &&
        "$life" --body-only "$work/kept" $(($3 + 1)) "$4" - <"$2" | answers - >"$work/cut" &&
        rm -rf "$work/kept"
}

if [ $# -eq 4 ]; then
    lives "$(basename "$3" .wasm)" "$3" "$4"
    finish
    exit
fi
lives handle "$guests/handle.wasm" "$here/handle.txt"
lives lua_process "$programs/lua_process.wasm" "$here/lua.txt"
lives lua_process_invoke "$programs/lua_process_invoke.wasm" "$here/lua.txt" brief

printf '%s\n' 'x = 5' 'allocate(3e6) .. " " .. pages()' 'x .. count()' 'x = x + 1; x' >"$work/memory.txt"
check "life: handle: from the bytes of memory" 0 "" "" \
    by_body "$guests/handle.wasm" "$work/memory.txt" 2 4
check "life: handle: which are enough for its variables" 0 "" "" same
if [ -f "$programs/lua_process.wasm" ]; then
    # How much is in use depends on where messages are written, and that is not part of the bytes.
    grep -v collectgarbage "$here/lua.txt" >"$work/lua.txt"
    check "life: lua_process: from the bytes of memory" 0 "" "" \
        by_body "$programs/lua_process.wasm" "$work/lua.txt" 4 17
    check "life: lua_process: which are all of its state" 0 "" "" same
fi
finish
