#!/usr/bin/env bash
# Modules that messages run, from the command line: in right use, and with every kind of bad input.
#
# Usage: devices_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
calculator=$2/examples/calculator.wasm
steps=$2/test/cli/steps.wasm
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
for module in "$calculator" "$steps"; do
    [ -f "$module" ] || { echo "failed: $module is missing"; exit 1; }
done

# resolve NAME EXIT-CODE STDOUT STDERR-PATTERN WORD...
resolve() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "devices: $name" "$code" "$out" "$err" "$beamr" resolve "$@"
}

# call NAME OUTPUT PATH FUNCTION PARAMETERS [WORD...]: what `output` is, as JSON, after init and PATH.
call() {
    local name=$1 out=$2 path=$3 function=$4 parameters=$5
    shift 5
    resolve "$name" 0 "$out" "" "~wasm-64@1.0/init/$path/results/output" --json image="@$steps" \
        "function=$function" "parameters:=$parameters" "$@"
}

# bad NAME PATTERN FUNCTION PARAMETERS [WORD...]: a call whose `type` is `error`, with a text that has
# PATTERN; and the next call on the same guest, whose counter is then 1 more than before, goes well.
bad() {
    local name=$1 text=$2 function=$3 parameters=$4
    shift 4
    resolve "$name: the type is error" 0 '"error"' "" "~wasm-64@1.0/init/compute/results/type" --json \
        image="@$steps" "function=$function" "parameters:=$parameters" "$@"
    resolve "$name: a text says why" 0 "~$text" "" "~wasm-64@1.0/init/compute/results/output" \
        image="@$steps" "function=$function" "parameters:=$parameters" "$@"
    resolve "$name: the next message is answered" 0 "~^\[[12]\]$" "" \
        "~wasm-64@1.0/init/compute/compute/results/output" --json image="@$steps" \
        "2.function=$function" "2.parameters:=$parameters" 3.function=count "$@"
}

# refused NAME EXIT-CODE PATTERN PATH [WORD...]: no result at all.
refused() {
    local name=$1 code=$2 err=$3 path=$4
    shift 4
    resolve "$name" "$code" "" "$err" "$path" "$@"
}

expression=(function=evaluate_expression 'parameters:=["sqrt(9) * (10 / 2)"]')
first=init/compute/results/output/1

# ---- One command line ----

for device in wasm64@1.0 wasm-64@1.0 WASM-64@1.0 wasm@1.0; do
    resolve "init and compute by $device" 0 15.0 "" "~$device/$first" image="@$calculator" \
        "${expression[@]}"
done
for key in image Wasm-Image-ID WASM-Image module body; do
    resolve "the module as $key" 0 15.0 "" "~wasm64@1.0/$first" "$key=@$calculator" "${expression[@]}"
done
resolve "keys as people write them" 0 15.0 "" "~wasm64@1.0/$first" Image="@$calculator" Mode=WASM \
    Function=evaluate_expression 'Parameters:=["sqrt(9) * (10 / 2)"]'
resolve "what to call in the path" 0 15.0 "" \
    "~wasm64@1.0/init/compute&function=evaluate_expression&parameters+list=%22sqrt(9)%20*%20(10%20/%202)%22/results/output/1" \
    image="@$calculator"
resolve "what to call in a body" 0 15.0 "" "~wasm64@1.0/$first" image="@$calculator" \
    '2.body:={"function": "evaluate_expression", "parameters": ["sqrt(9) * (10 / 2)"]}'
resolve "the results" 0 'output: list of 1
  1: 15.0
type: ok (atom)' "" "~wasm64@1.0/init/compute/results" image="@$calculator" "${expression[@]}"
resolve "an output prefix" 0 15.0 "" "~wasm64@1.0/init/compute/results/out/output/1" \
    image="@$calculator" output-prefix=out "${expression[@]}"
echo '{"device": "wasm64@1.0", "input-prefix": "in"}' >"$work/in.json"
resolve "an input prefix" 0 15.0 "" "/$first" --base "$work/in.json" 0.in/image="@$calculator" \
    "${expression[@]}"
resolve "a process, with its module in short" 0 '~^image: binary of [0-9]+ bytes 0061736d' "" \
    '~wasm64@1.0/init' image="@$calculator"
resolve "nothing private is shown" 1 "" "error: not_found" '~wasm64@1.0/init/priv' image="@$calculator"

# ---- Messages in files, modules in a store ----

(printf 'content-type: application/wasm\n\n' && cat "$calculator") >"$work/module.http"
id=$("$beamr" message store "$work/module.http" --kv "$work/kv")
echo "{\"Device\": \"wasm64@1.0\", \"Wasm-Image-ID\": \"$id\"}" >"$work/process.json"
echo '{"Path": "/init/compute/results/output/1", "Action": "Compute", "Function": "evaluate_expression",
  "Parameters": ["sqrt(9) * (10 / 2)"]}' >"$work/request.json"
resolve "a process and a request in files" 0 15.0 "" --base "$work/process.json" \
    --request "$work/request.json" --kv "$work/kv"
process=$("$beamr" message store "$work/process.json" --kv "$work/kv")
resolve "a process in the store" 0 15.0 "" "/$process/$first" "${expression[@]}" --kv "$work/kv"
refused "a module that is not in the store" 1 "error 404|not stored|not found" "/$first" --kv "$work/kv" \
    --base "$work/process.json" 0.wasm-image-id=VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ \
    "${expression[@]}"
refused "an id without a store" 1 "not stored here: there is no store" "/$first" --base "$work/process.json" "${expression[@]}"

# ---- Stacks ----

echo '{"device": "stack@1.0", "device-stack": ["WASI@1.0", "wasm-64@1.0"], "output-prefixes": ["wasm", "wasm"]}' \
    >"$work/stack.json"
resolve "a stack in one command line" 0 15.0 "" "/$first" device=stack@1.0 \
    'device-stack:=["wasm-64@1.0"]' image="@$calculator" "${expression[@]}"
resolve "a stack in a file" 0 15.0 "" /init/compute/results/wasm/output/1 --base "$work/stack.json" \
    0.image="@$calculator" "${expression[@]}"

resolve "files of a process" 0 '~^stdout: ""$' "" /init/vfs/dev --base "$work/stack.json" \
    0.image="@$calculator"
check "devices: what a guest prints collects in a file" 0 $'hello\nhello' "" \
    "$beamr" resolve /init/compute/compute/vfs/dev/stdout --base "$work/stack.json" \
    0.image="@$steps" function=say 'parameters:=["hello"]'
resolve "files that are there before" 0 '~^name: "x"$' "" /init/vfs/etc --base "$work/stack.json" \
    0.image="@$calculator" 0.vfs/etc/name=x
resolve "without WASI nothing is printed, and that is noted" 0 '~func: "fd_write"' "" \
    '~wasm-64@1.0/init/compute/results' image="@$steps" function=say 'parameters:=["hello"]'

# ---- State, calls ----

call "a call without parameters" "[1]" compute count '[]'
call "memory stays" "[3]" compute/compute/compute count '[]'
call "an integer for a float" "[5.0]" compute add '[3, 2]'
call "a float that is whole for an integer" "[5]" compute low '[3.0, 2]'
call "a text" "[5]" compute length '["hello"]'
call "digits as a text" "[2]" compute length '["42"]'
call "a message as JSON" "[10]" compute length '[{"a": "bc"}]'
call "an import that nobody answers gives 0" "[1]" compute question '[41]'
resolve "which is noted" 0 '~^ +func: "ask"$' "" '~wasm-64@1.0/init/compute/results/undefined-calls' \
    image="@$steps" function=question 'parameters:=[41]'
call "memory of the message's own limit" "[2]" compute grow '[1000]' memory-limit:=262144
resolve "terminate, and init again" 0 '[1]' "" \
    '~wasm-64@1.0/init/compute/terminate/init/compute/results/output' --json image="@$steps" \
    function=count
resolve "a snapshot" 0 '~^body: binary of ' "" '~wasm-64@1.0/init/compute/snapshot' image="@$steps" \
    function=count

# ---- Bad input: the module ----

printf 'no module at all' >"$work/text"
head -c 100 "$steps" >"$work/cut.wasm"
refused "no image" 2 "wasm_init_error: No viable image found in image" '~wasm64@1.0/init'
refused "bytes that are no module" 1 "error 400: .*module|magic|malformed" '~wasm64@1.0/init' image="@$work/text"
refused "a module that is cut off" 1 "error 400: " '~wasm64@1.0/init' image="@$work/cut.wasm"
refused "an empty image" 1 "error 400: " '~wasm64@1.0/init' image=
refused "an unknown mode" 1 "error 400: .*XYZ" '~wasm64@1.0/init' image="@$steps" mode=XYZ
refused "compute without an instance" 2 "no_wasm_instance_or_snapshot: " '~wasm64@1.0/compute' function=count

# ---- Native code ----

# aot NAME STDERR-PATTERN COMPILER [WORD...]: the answer of a process with the mode AOT, which is the
# same in any case.
aot() {
    local name=$1 err=$2 compiler=$3
    shift 3
    check "devices: $name" 0 '[1]' "$err" env BEAMR_TIER=interpret BEAMR_COMPILE="$compiler" "$beamr" \
        resolve '~wasm-64@1.0/init/compute/results/output' --json image="@$steps" mode=AOT \
        function=count "$@"
}

aot "AOT runs as WASM where it is not allowed" "" /bin/false
aot "and where it is refused" "" /bin/false --option wasm_allow_aot=false
aot "AOT without a compiler is interpreted, and that is told" \
    '^beamr resolve: module [A-Za-z0-9_-]{43}: interpreted, as it could not be compiled: .*cannot be started' \
    /nowhere --option wasm_allow_aot=true
aot "so it is with one that fails" "interpreted, as it could not be compiled: .*exit code 1" \
    /bin/false --option wasm_allow_aot=true
if [ -x "$2/beamr-compile" ]; then
    aot "AOT is native code" "" "$2/beamr-compile" --option wasm_allow_aot=true
    aot "within its limits" "interpreted" "$2/beamr-compile" --option wasm_allow_aot=true \
        --option wasm_aot_time=1
else
    echo "skipped: native code of processes (no beamr-compile)"
fi
resolve "a time that is none" 2 "" "wasm_aot_time is no number from 1 to 86400000" \
    '~wasm-64@1.0/init' image="@$steps" --option wasm_aot_time=0
printf '\177ELF and more' >"$work/object"
refused "a code object, with AOT too" 1 "error 400: .*native code is not taken from messages" \
    '~wasm64@1.0/init' image="@$work/object" mode=AOT --option wasm_allow_aot=true

# ---- Bad input: the call ----

resolve "what is wrong stands where a result is looked for" 1 "" \
    'no `1` in /init/compute/results/output, which is the text: Function not found: nothing$' \
    '~wasm64@1.0/init/compute/results/output/1' image="@$calculator" function=nothing
bad "an unknown function" "nothing" nothing '[]'
bad "a function that is none" "memory" memory '[]'
bad "too few parameters" "parameter" add '[1]'
bad "too many parameters" "parameter" count '[1]'
bad "a text for a number" "parameter" add '["1", 2]'
bad "an integer beyond 32 bits" "parameter" low '[4294967296, 1]'
bad "a float with a fraction for an integer" "parameter" low '[0.5, 1]'
bad "parameters that are no list" "." add '"x"'
bad "a trap" "unreachable" trap '[]'

# ---- Bad input: imports ----

bad "an import of an unknown device" "no-such" question '[1]' 'stdlib:={"host": {"device": "no-such@1.0"}}'
bad "an answer that is no message" "ask" question '[1]' 'stdlib:={"host": {"ask": "x"}}'
bad "an answer without results" "ask" question '[1]' 'stdlib:={"host": {"ask": {"a": "b"}}}'
resolve "imports that trap by option" 0 "~ask" "" '~wasm-64@1.0/init/compute/results/output' \
    image="@$steps" function=question 'parameters:=[41]' --option wasm_imports=trap

resolve "a wrong value of an option" 2 "" "the option wasm_imports is stub or trap, not 'wrong'" \
    '~wasm-64@1.0/init' image="@$steps" --option wasm_imports=wrong

# ---- What does not end ----

refused "a timeout" 3 "failure.*(deadline|time)" '~wasm-64@1.0/init/compute' image="@$steps" \
    function=spin --option wasm_timeout=200
refused "the node's fuel" 3 "failure.*fuel" '~wasm-64@1.0/init/compute' image="@$steps" \
    function=spin --option wasm_max_fuel=100000
bad "the message's own limit of computing" "fuel" spin '[]' compute-limit:=100000
# What is stored before it is interrupted stays.
timeout -s INT 1 "$beamr" resolve '~wasm-64@1.0/init/compute' image="@$steps" function=spin --kv "$work/kv" \
    >"$work/out" 2>"$work/err"
check "devices: an interrupt ends it" 0 124 "" echo $?
resolve "and the store is as before" 0 15.0 "" "/$process/$first" "${expression[@]}" --kv "$work/kv"

# ---- Snapshots ----

# snapshot NAME MODULE FUNCTION: the parts of a snapshot after two calls, as $work/NAME.KEY.
snapshot() {
    for key in body format state; do
        "$beamr" resolve "~wasm-64@1.0/init/compute/compute/snapshot/$key" image="@$2" \
            function="$3" "${@:4}" >"$work/$1.$key" 2>/dev/null
    done
}

# restored NAME EXIT-CODE STDOUT STDERR-PATTERN [WORD...]: a call of `count` on a process with a snapshot
# of these keys.
restored() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    resolve "$name" "$code" "$out" "$err" compute/results/output --json --base "$work/bare.json" \
        0.image="@$steps" function=count "$@"
}

echo '{"device": "wasm-64@1.0"}' >"$work/bare.json"
snapshot steps "$steps" count
snapshot calculator "$calculator" evaluate_expression 'parameters:=["1"]'
whole=(0.snapshot/body="@$work/steps.body" 0.snapshot/format="@$work/steps.format"
    0.snapshot/state="@$work/steps.state")
head -c 100 "$work/steps.state" >"$work/cut.state"
head -c 1000 "$work/steps.body" >"$work/cut.body"
restored "a process goes on from a snapshot" 0 "[3]" "" "${whole[@]}"
restored "memory alone is enough" 0 "[3]" "" 0.snapshot/body="@$work/steps.body"
restored "a snapshot that is cut off" 1 "~." "error 422: .*a snapshot of [0-9]+ bytes; 100 are given" "${whole[@]}" \
    0.snapshot/state="@$work/cut.state"
restored "whose memory is cut off" 1 "~." "error 422: .*1000 bytes of contents" "${whole[@]}" \
    0.snapshot/body="@$work/cut.body"
restored "of another module" 1 "~." "error 422: .*the snapshot is of another module" 0.snapshot/body="@$work/calculator.body" \
    0.snapshot/format="@$work/calculator.format" 0.snapshot/state="@$work/calculator.state"
restored "of an unknown format" 1 "~." "error 422: .*format" "${whole[@]}" 0.snapshot/format=nonsense
finish
