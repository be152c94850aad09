#!/usr/bin/env bash
# The command `beamr aos`, in right and wrong use, on the guest of test/guests/handle/.
#
# Usage: aos_test.sh BEAMR BUILD
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
guest=$2/test/guests/handle.wasm
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
if [ ! -f "$guest" ]; then
    echo "skipped: beamr aos (no clang-19 for $guest)"
    exit 77
fi
export XDG_STATE_HOME=$work/home

aos() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "aos: $name" "$code" "$out" "$err" "$beamr" aos "$@"
}

# equal NAME TEXT TEXT
equal() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok: aos: $1"
    else
        failed=$((failed + 1))
        echo "failed: aos: $1: '$2' is not '$3'"
    fi
}

# has NAME FILE PATTERN
has() {
    if grep -Eq -- "$3" "$2"; then
        passed=$((passed + 1))
        echo "ok: aos: $1"
    else
        failed=$((failed + 1))
        echo "failed: aos: $1: no '$3'"
        sed 's/^/    /' "$2"
    fi
}

# ---- Answers ----

aos "an expression" 0 2 "" "$guest" '1 + 1'
aos "the state is kept" 0 10 "" "$guest" 'x = 5' 'x * 2'
aos "an error, and what follows" 1 5 "^error: boom$" "$guest" 'x = 5' 'error("boom")' 'x'
aos "a trap, and what follows" 1 5 "^trap: unreachable" "$guest" 'x = 5' 'trap()' 'x'
aos "a module with other functions" 1 "" "^error: the module is not made for aos: Function not found: handle" \
    "$2/examples/calculator.wasm" '1'
aos "an exit" 1 5 "^trap: exit: 3$" "$guest" 'x = 5' 'exit(3)' 'x'
aos "standard output is shown" 0 $'hello\n3' "" "$guest" 'print("hello")' '1 + 2'
aos "an error that begins with empty lines" 1 "" "^error: boom$" "$guest" $'error("\n\nboom")'
aos "standard output that the process begins anew" 0 $'hello\nyo\n2' "" "$guest" \
    'print("hello")' 'write("/dev/stdout", "yo")'
aos "an evaluation without end" 3 5 "failure: compute: " "$guest" \
    --option wasm_timeout=2000 'x = 5' 'loop()' 'x'
aos "output that is lost" 0 $'hel\n3' "aos: 3 bytes of output are lost .wasi_max_output." "$guest" \
    --option wasi_max_output=3 'print("hello")' 'x = 3' x
aos "what is sent out" 0 "~^ *data: \"someone's data\"" "" "$guest" --show-outbox \
    'send("T", "someone'"'"'s data")'
aos "where it comes from" 0 "~^ *from-process: " "" "$guest" --show-outbox 'send("T", "d")'

# A folder from elsewhere: its process is whatever it likes.
mkdir "$work/foreign"
cat >"$work/foreign.json" <<'END'
{"device": "patch@1.0", "patch-from": "/results", "process": {"type": "Process"}, "at-slot": 0,
 "results": {"outbox": {"\u001b[31mred": {"a": "b"}}, "data": "d"}}
END
id=$("$beamr" message store "$work/foreign.json" --kv "lmdb:$work/foreign/state-1")
echo "state-1 $id" >"$work/foreign/current"
aos "no control characters of a process on the terminal" 0 '~^message .u001b.31mred$' "" \
    --load "$work/foreign" --show-outbox x

# What programs of aos answer: {output, prompt}; and all that they send.
cat >"$work/foreign.json" <<'END'
{"device": "patch@1.0", "patch-from": "/results", "process": {"type": "Process"}, "at-slot": 0,
 "results": {"spawns": {"1": {"a": "b"}}, "assignments": ["c"], "data": {"output": "told", "prompt": ">"}}}
END
id=$("$beamr" message store "$work/foreign.json" --kv "lmdb:$work/foreign/state-1")
echo "state-1 $id" >"$work/foreign/current"
aos "an answer with a prompt" 0 told "" --load "$work/foreign" x
aos "spawns are shown" 0 '~^spawn 1$' "" --load "$work/foreign" --show-outbox x
aos "assignments are shown" 0 '~^assignments$' "" --load "$work/foreign" --show-outbox x

printf 'y = 6\ny * 7' >"$work/program"
aos "data out of a file" 0 42 "" "$guest" --data "@$work/program"
printf 'print("\xfc")' >"$work/latin"
aos "text that is not UTF-8 is told" 0 "" "this is not UTF-8: the module gets it as base64url" \
    "$guest" --data "@$work/latin"
aos "bytes for another action are not" 0 1 "" "$guest" --action Ping --data "@$work/latin"
aos "data out of a file that is missing" 2 "" "none: No such file" "$guest" --data "@$work/none" 1
aos "data, then expressions" 0 $'3\n4' "" "$guest" --data 3 4
aos "the time of messages" 0 1234 "" "$guest" --timestamp 1234 'clock()'
aos "random numbers of messages" 0 "~^[0-9]+$" "" "$guest" 'random()'
aos "another action" 0 $'1\n2' "" "$guest" --action Ping a b
aos "tags, and their values" 0 $'1\n2' "" "$guest" --tag a=b --tag c:=5 --action Ping a b
aos "someone else's message" 1 "" "only the owner may evaluate" "$guest" \
    --tag from-process=x '1 + 1'
aos "the owner that a tag names" 0 2 "" "$guest" --process-tag from-process=x \
    --tag from-process=x '1 + 1'

# ---- Standard input ----

printf 'x = 5\ny = 2\\\nx * y\n\ncount()\n' >"$work/lines"
"$beamr" aos "$guest" <"$work/lines" >"$work/out" 2>&1
equal "expressions out of lines" "$?:$(cat "$work/out")" $'0:10\n3'
"$beamr" aos "$guest" --data 3 <"$work/lines" >"$work/out" 2>&1
equal "with --data nothing else is read" "$?:$(cat "$work/out")" 0:3
printf '(1 + 1' | "$beamr" aos "$guest" >"$work/out" 2>"$work/err"
equal "the end of the input ends an expression" "$?:$(wc -l <"$work/err")" 1:1

# ---- Keeping ----

at=(--timestamp 5)
aos "a process that is kept" 0 0 "" "$guest" "${at[@]}" --save "$work/kept" 'x = 5' 'grow(3) * 0'
aos "and loaded" 0 15 "" --load "$work/kept" "${at[@]}" --save "$work/kept" 'x = x * 3' x
aos "again" 0 15 "" --load "$work/kept" "${at[@]}" x
aos "the same without a break" 0 $'0\n15' "" "$guest" "${at[@]}" --save "$work/whole" \
    'x = 5' 'grow(3) * 0' 'x = x * 3' x
equal "both are the same, byte for byte" "$(cut -d' ' -f2 "$work/kept/current")" \
    "$(cut -d' ' -f2 "$work/whole/current")"
read -r store id <"$work/whole/current"
check "aos: the slot of its last message" 0 4 "" "$beamr" resolve "/$id/at-slot" --kv "lmdb:$work/whole/$store"
aos "a process that has printed" 0 hello "" "$guest" --save "$work/printed" 'print("hello")'
aos "prints it once" 0 2 "" --load "$work/printed" '1 + 1'
equal "one state is kept" "$(ls "$work/kept")" $'current\nstate-2'
mkdir "$work/kept/state-9"
echo "not a store" >"$work/kept/state-9/data.mdb"
echo "half a line" >"$work/kept/current.new"
aos "what a crash has left does no harm" 0 15 "" --load "$work/kept" --save "$work/kept" x
equal "and is gone" "$(ls "$work/kept")" $'current\nstate-10'
cp -r "$work/kept" "$work/linked"
echo mine >"$work/mine"
ln -s "$work/mine" "$work/linked/current.new"
aos "a link in the folder is not followed" 0 15 "" --load "$work/linked" --save "$work/linked" x
equal "what it leads to is as it was" "$(cat "$work/mine")" mine
cp "$work/kept/current" "$work/before"
cp -r "$work/kept" "$work/unsure"
store=$(cut -d ' ' -f 1 "$work/unsure/current")
rm "$work/unsure/current"
mkdir "$work/unsure/current"
aos "no process goes while it is not known which is kept" 3 2 "Is a directory" "$guest" --save "$work/unsure" '1 + 1'
equal "it is still there" "$(ls "$work/unsure/$store")" "$(ls "$work/kept/$store")"
(trap '' XFSZ; ulimit -f 64; "$beamr" aos --load "$work/kept" --save "$work/kept" 'x = 1' >"$work/out" 2>&1)
equal "a save that fails says so" "$?" 3
equal "and leaves what was there" "$(cat "$work/kept/current")" "$(cat "$work/before")"
{ (ulimit -f 64; exec "$beamr" aos --load "$work/kept" --save "$work/kept" 'x = 1'); } >"$work/out" 2>&1
equal "so does one that is killed" "$(cat "$work/kept/current")" "$(cat "$work/before")"
aos "which can be loaded" 0 15 "" --load "$work/kept" x
aos "nothing is kept there" 2 "" "no process is kept there" --load "$work" 1
cp -r "$work/kept" "$work/bare"
rm -r "$work/bare"/state-*
aos "a folder without its store" 2 "" "its file .state-[0-9]+/data.mdb. is missing" --load "$work/bare" 1
equal "which is not made" "$(ls "$work/bare")" current
aos "no such folder" 2 "" "No such file" --load "$work/none" 1

# ---- Keeping by several at once ----

# comes PATTERN FILE: wait for a line, up to ten seconds
comes() {
    for _ in {1..200}; do
        grep -q "$1" "$2" && return
        sleep 0.05
    done
    equal "what comes in time" "" "$1"
}

aos "a process for several" 0 "" "" "$guest" --save "$work/shared" 'x = 0'
for i in 1 2 3 4 5; do
    "$beamr" aos --load "$work/shared" --save "$work/shared" 'x = x + 1' >/dev/null 2>&1 &
    adders[i]=$!
done
for i in 1 2 3 4 5; do
    wait "${adders[i]}" || echo "one that adds has failed" >&2
done
aos "no update is lost" 0 5 "" --load "$work/shared" x
cp -r "$work/shared" "$work/busy"
for _ in {1..40}; do
    "$beamr" aos --load "$work/busy" --save "$work/busy" 'x = x + 1' >/dev/null 2>&1
done &
saver=$!
: >"$work/err"
while kill -0 "$saver" 2>/dev/null; do
    "$beamr" aos --load "$work/busy" x >/dev/null 2>>"$work/err"
done
wait "$saver"
equal "who loads is not disturbed by those who save" "$(cat "$work/err")" ""
mkfifo "$work/pipe"
"$beamr" aos --load "$work/shared" --save "$work/shared" <"$work/pipe" >"$work/first" 2>&1 &
holder=$!
exec 7>"$work/pipe"
printf 'x = x + 1\nx\n' >&7
comes . "$work/first"
aos "one that waits too long" 2 "" "process $holder" --load "$work/shared" --save "$work/shared" x
aos "who does not save does not wait" 0 5 "" --load "$work/shared" x
"$beamr" aos --load "$work/shared" --save "$work/shared" 'x = x + 1' >/dev/null 2>"$work/err" 7>&- &
second=$!
comes "waiting for another beamr aos" "$work/err"
exec 7>&-
wait "$holder"
wait "$second"
equal "one that waits goes on" "$?" 0
aos "from what the first has saved" 0 7 "" --load "$work/shared" x
"$beamr" aos --load "$work/shared" --save "$work/shared" <"$work/pipe" >"$work/first" 2>&1 &
holder=$!
exec 7>"$work/pipe"
printf 'x = x + 1\nx\n' >&7
comes . "$work/first"
kill -KILL "$holder"
wait "$holder" 2>/dev/null
exec 7>&-
aos "one that was killed holds nothing" 0 8 "" --load "$work/shared" --save "$work/shared" \
    'x = x + 1' x
chmod a-w "$work/shared" "$work/shared"/state-*
aos "a folder that cannot be written is loaded" 0 8 "" --load "$work/shared" x
chmod u+w "$work/shared" "$work/shared"/state-*
echo "state-1 short" >"$work/kept/current"
aos "a damaged folder" 2 "" "is damaged" --load "$work/kept" 1
aos "a folder that cannot be" 2 "" "no/such: it cannot be made: No such file" "$guest" \
    --save "$work/no/such" '1 + 1'
aos "a file in place of a folder" 2 "" "mine: nothing can be kept there: Not a directory" "$guest" \
    --save "$work/mine" '1 + 1'
equal "which is as it was" "$(cat "$work/mine")" mine
ln -s "$work/nowhere" "$work/dangling"
aos "a link to nothing in place of a folder" 2 "" "dangling: nothing can be kept there: No such file" \
    "$guest" --save "$work/dangling" '1 + 1'
aos "no name of a folder" 2 "" "nothing can be kept there" "$guest" --save "" '1 + 1'
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 500 "$work/closed"
    aos "a folder that is closed" 2 "" "closed: nothing can be kept there: Permission denied" "$guest" \
        --save "$work/closed" '1 + 1'
fi

# ---- Native code ----

# tier NAME EXIT-CODE STDOUT STDERR-PATTERN COMPILER WORD...
tier() {
    local name=$1 code=$2 out=$3 err=$4 compiler=$5
    shift 5
    check "aos: $name" "$code" "$out" "$err" env BEAMR_TIER=interpret BEAMR_COMPILE="$compiler" \
        "$beamr" aos "$@"
}

interpreted='^beamr aos: module [A-Za-z0-9_-]{43}: interpreted, as it could not be compiled: '
tier "no such tier" 2 "" "--tier fast: neither interpret nor native" x "$guest" --tier fast 1
tier "a compiler that fails" 0 2 "$interpreted" /bin/false "$guest" --tier native '1 + 1'
tier "nobody compiles unasked" 0 2 "" /bin/false "$guest" '1 + 1'
tier "nor where it is to be interpreted" 0 2 "" /bin/false "$guest" --tier interpret '1 + 1'
check "aos: which overrides the environment" 0 2 "" env BEAMR_TIER=native BEAMR_COMPILE=/bin/false \
    "$beamr" aos "$guest" --tier interpret '1 + 1'
if [ -x "$2/beamr-compile" ]; then
    native=$2/beamr-compile
    tier "native code" 1 10 "^error: boom" "$native" "$guest" "${at[@]}" --tier native \
        --save "$work/native" 'x = 5' 'error("boom")' 'x * 2'
    tier "goes on interpreted" 0 15 "" /bin/false --load "$work/native" "${at[@]}" \
        --save "$work/native" 'x = x * 3' x
    tier "and native again" 0 16 "" "$native" --load "$work/native" "${at[@]}" --tier native \
        --save "$work/native" 'x = x + 1' x
    tier "the same without native code" 1 $'10\n15\n16' "^error: boom" /bin/false "$guest" \
        "${at[@]}" --save "$work/plain" 'x = 5' 'error("boom")' 'x * 2' 'x = x * 3' x 'x = x + 1' x
    tier "but for the mode" 0 16 "$interpreted" /bin/false --load "$work/plain" "${at[@]}" \
        --tier native --save "$work/plain" x
    tier "and the call" 0 16 "" "$native" --load "$work/native" "${at[@]}" --tier native \
        --save "$work/native" x
    equal "both are the same, byte for byte" "$(cut -d' ' -f2 "$work/native/current")" \
        "$(cut -d' ' -f2 "$work/plain/current")"
else
    echo "skipped: native code of aos processes (no beamr-compile)"
fi

# ---- A signed process ----

"$beamr" wallet new "$work/wallet" >"$work/address"
aos "a signed process" 0 2 "" "$guest" --wallet "$work/wallet" --save "$work/signed" '1 + 1'
aos "its owner" 0 3 "" --load "$work/signed" --wallet "$work/wallet" '1 + 2'
aos "not its owner" 1 "" "only the owner" --load "$work/signed" '1 + 2'

# ---- Wrong use ----

aos "help" 0 "~^Usage: beamr aos" "" --help
aos "no module" 2 "" "no module is given"
aos "no such file" 2 "" "No such file" "$work/none.wasm" 1
echo text >"$work/text.wasm"
aos "not a module" 2 "" "no module that can be run" "$work/text.wasm" 1
module empty 0061736d 01000000
aos "no such interface" 1 "" "error: compute: " "$work/empty.wasm" 1
# malloc gives 4096, handle the text {"ok": true, "response": {"Output": {"data":
# {"b": [1, {"c": 2.5}], "a": true, "o": {}}}}}.
module object 0061736d 01000000 010c0260017f017f60027f7f017f 03030200010503010001 \
    071c03066d656d6f72790200066d616c6c6f6300000668616e646c650001 0a0c0205004180200b040041100b \
    0b55010041100b4f7b226f6b223a747275652c22726573706f6e7365223a7b224f7574707574223a7b2264617461223a \
    7b2262223a5b312c7b2263223a322e357d5d2c2261223a747275652c226f223a7b7d7d7d7d7d00
aos "an answer that is an object" 0 '{"a": true, "b": [1, {"c": 2.5}], "o": {}}' "" "$work/object.wasm" 1
aos "an unknown option" 2 "" "unrecognized option" "$guest" --foo
aos "a tag without a value" 2 "" "is not NAME=VALUE" "$guest" --tag foo 1
aos "a tag in place of the expression" 2 "" "the data of a message is its expression" "$guest" --tag Data=2 1
aos "a time that is none" 2 "" "not a number" "$guest" --timestamp soon 1
aos "a node's option that is none" 2 "" "no option of the node" "$guest" --option a=b 1
aos "a module for a process that is there" 2 "" "has its module already" --load "$work/whole" "$guest" 1
aos "a tag for a process that is there" 2 "" "for a new process" --load "$work/whole" \
    --process-tag a=b 1
aos "a wallet that is none" 2 "" "wallet|JWK|JSON" "$guest" --wallet "$work/text.wasm" 1

# ---- The prompt ----

# prompt_comes SIZE TRIES: wait until $work/typed has more bytes and ends with a prompt.
prompt_comes() {
    for ((try = 0; try < $2; try++)); do
        if [ "$(stat -c %s "$work/typed")" -gt "$1" ]; then
            case $(tail -c 5 "$work/typed") in "aos> " | "...> ") return ;; esac
        fi
        sleep 0.05
    done
    return 1
}

# Each line comes when the prompt is there again, as from a keyboard; Ctrl-C until it is there.
type_lines() {
    local line size=0
    for line in "$@"; do
        if [ "$line" = '\x03' ]; then
            sleep 0.3
            for _ in {1..20}; do
                printf '%b' "$line"
                prompt_comes "$size" 10 && break
            done
        else
            prompt_comes "$size" 200
            size=$(stat -c %s "$work/typed")
            printf '%b' "$line"
        fi
    done
}

if command -v script >/dev/null; then
    : >"$work/typed"
    type_lines 'x = 5\n' 'y = 2\\\n' 'x * y\n' 'print("gr\xc3\xbcn")\n' 'error("boom")\n' 'loop()\n' '\x03' \
        'x + 1(' '\x03' 'x + 2\n' '.outbox\n' '.nonsense\n' ".save $work/prompt\\n" '.quit\n' |
        TERM=xterm timeout 60 script -qec "exec $beamr aos $guest" /dev/null >"$work/typed" 2>&1
    equal "the prompt ends well" "${PIPESTATUS[1]}" 0
    has "the prompt answers" "$work/typed" '^10'
    has "it takes more than ASCII" "$work/typed" $'^gr\xc3\xbcn'
    has "it asks for more" "$work/typed" '^\.\.\.> '
    has "it shows errors" "$work/typed" '^error: boom'
    has "Ctrl-C ends an evaluation" "$work/typed" 'failure: compute: interrupted'
    has "and the state is as before" "$work/typed" '^7'
    has "unknown commands are told" "$work/typed" 'no such command'
    has "the history is kept" "$work/home/beamr/aos_history" 'error'
    hostile=$'error("a\033[31mb\033[2Jc")'
    script -qec "$beamr aos $guest '$hostile'" /dev/null </dev/null >"$work/typed" 2>&1
    has "colours end with the text, and nothing else passes" "$work/typed" \
        $'a\033\\[31mb\\\\u001b\\[2Jc.*\033\\[0m'
    aos "the prompt saves" 0 5 "" --load "$work/prompt" x
    for signal in HUP TERM; do
        : >"$work/typed"
        {
            type_lines 'x = 7\n' 'x\n' 'loop()\n'
            while kill -0 "$(cat "$work/pid")"; do sleep 0.1; done
        } 2>/dev/null |
            TERM=xterm timeout 60 script -qec \
                "echo \$\$ >'$work/pid'; exec '$beamr' aos --save '$work/$signal' '$guest'" /dev/null >"$work/typed" 2>&1 &
        for ((i = 0; i < 200; i++)); do
            grep -q 'loop()' "$work/typed" && break
            sleep 0.1
        done
        kill -s "$signal" "$(cat "$work/pid")"
        wait $!
        aos "a prompt that is ended keeps its process ($signal)" 0 7 "" --load "$work/$signal" x
    done
else
    echo "skipped: the prompt (no script)"
fi

finish
