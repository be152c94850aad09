#!/usr/bin/env bash
# handle/: a guest with the interface of AO processes, called without a process around it.
# Usage: handle_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

process='{"Process":{"Id":"P","Owner":"ME","Tags":[{"name":"Name","value":"test"}]}}'

# message FROM ACTION DATA: JSON; DATA has no quotes or line ends but escaped ones.
message() {
    printf '{"Id":"1","From":"%s","Owner":"%s","Tags":[{"name":"Action","value":"%s"}],"Data":"%s"}' \
        "$1" "$1" "$2" "$3"
}

# answer NAME DATA FIELDS: a message is evaluated, and the answer begins with these fields.
answer() {
    check "handle: $1" 0 "~^\\{\"ok\":true,\"response\":\\{$3" "" "$beamr" run --deterministic --text \
        "$guests/handle.wasm" --invoke handle "$(message ME Eval "$2")" "$process"
}

# trap NAME DATA TEXT
trap_is() {
    check "handle: $1" 1 "" "$3" "$beamr" run --text "$guests/handle.wasm" --invoke handle \
        "$(message ME Eval "$2")" "$process"
}

# data TEXT: how an answer with this text begins.
data() {
    echo "\"Output\":\\{\"data\":\"$1\""
}

answer "arithmetic" 'return 1 + 2 * 3 - 8 / (2 + 2)' "$(data 5)"
answer "fractions" '0.1 + 0.2 .. \" \" .. 1 / 3 .. \" \" .. 7.5 % 2' "$(data '0.3 0.33333333333333 1.5')"
answer "large and small" '1e300 * 1e10 .. \" \" .. 5e-324' "$(data 'inf 4.9406564584125e-324')"
answer "variables" 'x = 5\ny = x * 2; x .. y' "$(data 510)"
answer "escapes" '\"\u00e9\ud83d\ude00\\n\"' "$(data 'é😀\\u000a')"
answer "an error" 'x = 1; error(\"boom\")' '"Error":"boom","Messages":\[\]'
answer "what cannot be read" '1 + + 2' '"Error":"expected a value"'
answer "a function that is not there" 'foo(1)' "\"Error\":\"no function 'foo'\""
answer "brackets without an end" "$(printf '(%.0s' {1..200})" '"Error":"nested too deeply"'
answer "a message is sent, unless it fails" 'send(\"abc\", 7)' \
    "$(data ''),\"prompt\":\"handle> \",\"print\":true\\},\"Messages\":\\[\\{\"Target\":\"abc\",\"Data\":\"7\""
answer "memory that is kept, and memory" 'allocate(1e6) .. \" \" .. pages()' "$(data '1000000 [0-9]+')"
answer "memory grows" 'grow(3) - pages()' "$(data -3)"
answer "too much of it" 'allocate(1e10)' '"Error":"not enough memory"'
answer "a global" 'step(); step()' "$(data 2)"
answer "a table that grows" 'extend(1); extend(2); slots() .. through(0) .. through(2)' "$(data 312)"
answer "files" 'write(\"a\", \"text\"); read(\"a\") .. read(\"b\")' "$(data textnil)"
answer "time and random numbers" 'clock() .. random() - random() * 0' "$(data '0-?[0-9]+')"
answer "calls within each other" 'nest(100)' "$(data 100)"
trap_is "a trap" 'trap()' 'trap: unreachable'
trap_is "the stack ends" 'nest(1e6)' 'trap: out of bounds memory access'
trap_is "an import that nobody answers" 'ask(1, 2)' 'env.ask'
check "handle: an exit" 3 "" "" "$beamr" run "$guests/handle.wasm" --invoke handle \
    "$(message ME Eval 'exit(3)')" "$process"
check "handle: no end" 1 "" 'time limit of 200ms' "$beamr" run --timeout 200ms \
    "$guests/handle.wasm" --invoke handle "$(message ME Eval 'loop()')" "$process"
check "handle: who may evaluate" 0 '~"Error":"only the owner may evaluate"' "" "$beamr" run --text \
    "$guests/handle.wasm" --invoke handle "$(message YOU Eval 1)" "$process"
check "handle: other messages are counted" 0 '~"data":"1"' "" "$beamr" run --text \
    "$guests/handle.wasm" --invoke handle "$(message YOU Ping 1)" "$process"
finish
