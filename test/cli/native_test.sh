#!/usr/bin/env bash
# The command with native code: `compile`, `--tier`, `--object`, and `inspect` of an object.
#
# Usage: native_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
cd "$work" || exit 1
export -n BEAMR_COMPILE BEAMR_TIER
unset BEAMR_COMPILE BEAMR_TIER

# (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add), and the same
# with i32.sub; a function that only traps.
module add 0061736d01000000 0107016002 7f7f017f 03020100 0707010361646400 00 0a09010700200020016a0b
module sub 0061736d01000000 0107016002 7f7f017f 03020100 0707010361646400 00 0a09010700200020016b0b
module trap 0061736d01000000 010401600000 03020100 0705010166 0000 0a05010300000b
printf 'garbage' >garbage.obj

native() {
    check "native: $1" "$2" "$3" "$4" "$beamr" "${@:5}"
}

# ---- run --tier ----

native "run compiles" 0 5 "" run --tier native add.wasm --invoke add 2 3
native "run interprets" 0 5 "" run --tier interpret add.wasm --invoke add 2 3
native "a trap has its place" 1 "" "#0  function 0 <f> at 0x1e" run --tier native trap.wasm --invoke f
native "no such tier" 2 "" "--tier fast: neither interpret nor native" run --tier fast add.wasm
check "native: no compiler, interpreted" 0 5 \
    'add.wasm: interpreted, as it could not be compiled: the compiler "/nowhere" cannot be started' \
    env BEAMR_COMPILE=/nowhere "$beamr" run --tier native add.wasm --invoke add 2 3
check "native: a compiler that fails, interpreted" 0 5 "interpreted, .* exit code 1" \
    env BEAMR_COMPILE=/bin/false BEAMR_TIER=native "$beamr" run add.wasm --invoke add 2 3
check "native: the option overrides the environment" 0 5 "" \
    env BEAMR_COMPILE=/bin/false BEAMR_TIER=native "$beamr" run --tier interpret add.wasm \
    --invoke add 2 3
check "native: a tier that is none" 2 "" 'BEAMR_TIER is "fast" in the environment' \
    env BEAMR_TIER=fast "$beamr" run add.wasm --invoke add 2 3

# Programs of the current folder are not looked for, however this one is called.
mkdir elsewhere here bin
cp "$beamr" elsewhere/beamr
for place in here/beamr-compile bin/beamr-compile; do
    printf '#!/bin/sh\ntouch "%s/was_run"\n' "$work" >$place
    chmod +x $place
done
check "native: no compiler is found" 0 5 "interpreted, .*neither beside this program nor" \
    env -C here PATH="$work/elsewhere:$PATH" beamr run --tier native ../add.wasm --invoke add 2 3
check "native: nor one of the current folder" 1 "" "" test -e was_run

# ---- compile, --object ----

native "compile" 0 "" "" compile add.wasm -o add.obj
native "an object runs" 0 5 "" run --object add.obj add.wasm --invoke add 2 3
native "an object of another module" 2 "" "add.obj: bad argument: .*another module" \
    run --object add.obj sub.wasm --invoke add 2 3
native "an object without fuel" 2 "" "add.obj: bad argument: .*fuel" \
    run --fuel 1000 --object add.obj add.wasm --invoke add 2 3
native "compile with fuel" 0 "" "" compile --metering add.wasm -o fuel.obj
native "an object that counts fuel" 0 5 "" \
    run --fuel 1000 --object fuel.obj add.wasm --invoke add 2 3
native "an object that checks" 0 "" "" compile --checks --cpu x86-64-v2 add.wasm -o checks.obj
native "no object" 2 "" "garbage.obj: code object refused" run --object garbage.obj add.wasm --invoke add 2 3
head -c 300 add.obj >cut.obj
native "a cut object" 2 "" "cut.obj: code object refused" run --object cut.obj add.wasm --invoke add 2 3
native "no such object" 2 "" "nothing.obj: No such file" run --object nothing.obj add.wasm --invoke add
native "both" 2 "" "leave out --tier" run --tier native --object add.obj add.wasm --invoke add 2 3
native "for another processor" 0 "" "" compile --target aarch64 add.wasm -o arm.obj
native "an object for another processor" 2 "" "arm.obj: unsupported" \
    run --object arm.obj add.wasm --invoke add 2 3

native "compile of nothing" 2 "" "no file is given" compile
native "compile to nowhere" 2 "" "-o OBJ is missing" compile add.wasm
native "compile into a folder that is missing" 2 "" "no/add.obj: No such file" \
    compile add.wasm -o no/add.obj
mkdir folder && mkfifo pipe
native "compile into a folder" 2 "" "folder: Is a directory" compile add.wasm -o folder
timeout 20 cat pipe >from_pipe.obj &
native "compile into a pipe" 0 "" "" compile add.wasm -o pipe
wait
check "native: the pipe is still there, and had the object" 0 "" "" \
    sh -c 'test -p pipe && cmp add.obj from_pipe.obj'
native "compile of garbage" 2 "" "garbage.obj: malformed module" compile garbage.obj -o x.obj
native "an unknown target" 2 "" 'target "mips" is not supported' \
    compile --target mips add.wasm -o x.obj
native "an unknown processor" 2 "" "unsupported.*i386" compile --cpu i386 add.wasm -o x.obj
native "a bad time" 2 "" "--time-limit soon: not a time" compile --time-limit soon add.wasm -o x.obj
native "an object too large to be one" 2 "" "--max-output 9GiB: too large" \
    compile --max-output 9GiB add.wasm -o x.obj
native "a small output" 2 "" "implementation limit" compile --max-output 100 add.wasm -o x.obj
check "native: the compiler fails" 2 "" "add.wasm: compiler failed: .*exit code 1" \
    env BEAMR_COMPILE=/bin/false "$beamr" compile add.wasm -o x.obj
check "native: compile without a compiler" 2 "" "unsupported feature: the compiler" \
    env BEAMR_COMPILE=/nowhere "$beamr" compile add.wasm -o x.obj
check "native: nothing is written on failure" 1 "" "" test -e x.obj
check "native: no temporary file stays" 0 "" "" sh -c '! ls | grep "obj\\.[^.]*$"'

# ---- inspect, wast ----

native "inspect" 0 "~^Functions: 1 of 1 compiled$" "" inspect add.obj
native "inspect names options" 0 "~^Options: metering$" "" inspect fuel.obj
native "inspect names the processor" 0 "~^Processor: x86_64, x86-64-v2$" "" inspect checks.obj
native "inspect as JSON" 0 '~"target":"aarch64".*"options":\[\],"functions":1,"compiled":1' "" \
    inspect --json arm.obj
cat >one.bin.wast <<'EOF'
(module binary "\00asm\01\00\00\00\01\06\01\60\01\7f\01\7f\03\02\01\00\07\05\01\01f\00\00\0a\06\01\04\00\20\00\0b")
(assert_return (invoke "f" (i32.const 1)) (i32.const 1))
EOF
native "wast" 0 "one.bin.wast: 1 passed, 0 failed, 0 skipped
1 of 1 functions compiled
1 passed, 0 failed, 0 skipped" "" wast --tier native one.bin.wast
check "native: wast without a compiler" 1 "~2 failed" "" \
    env BEAMR_COMPILE=/nowhere "$beamr" wast --tier native one.bin.wast

finish
