#!/usr/bin/env bash
# The commands `beamr run`, `beamr inspect` and `beamr validate`, each in right and wrong use;
# wast_test.sh has the fourth.
#
# Usage: cli_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed. The guests are
# written out here in hexadecimal, with their text above; the calculator comes from the build.
set -u

beamr=$1
calculator=$2/examples/calculator.wasm
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

run() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "run: $name" "$code" "$out" "$err" "$beamr" run "$@"
}

# ---- Guests ----

# (module
#   (memory (export "memory") 1)
#   (global $g (mut i32) (i32.const 0))
#   (func (export "_initialize") (global.set $g (i32.const 7)))
#   (func (export "ready") (result i32) global.get $g)
#   (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
#   (func (export "wide") (param i64) (result i64) local.get 0)
#   (func (export "float") (param f32) (result f32) local.get 0)
#   (func (export "double") (param f64) (result f64) local.get 0)
#   (func (export "both") (result i32 f64) i32.const 1 f64.const 0.5)
#   (func (export "spin") (loop br 0))
#   (func (export "trap") unreachable)
#   (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
#   (func (export "last_error") (result i32) i32.const 8)
#   (data (i32.const 8) "it said \1b[1m \22why\22\00"))
module tour \
    0061736d010000000127086000006000017f60027f7f017f60017e017e60017d017d60017c017c6000027f7c \
    60017f017f030c0b000102030405060000070105030100010606017f0141000b07670c066d656d6f72790200 \
    0b5f696e697469616c697a65000005726561647900010361646400020477696465000305666c6f6174000406 \
    646f75626c65000504626f74680006047370696e0007047472617000080467726f7700090a6c6173745f6572 \
    726f72000a0a4a0b0600410724000b040023000b0700200020016a0b040020000b040020000b040020000b0d \
    00410144000000000000e03f0b070003400c000b0b0300000b0600200040000b040041080b0b19010041080b \
    1369742073616964201b5b316d20227768792200

# (module
#   (import "env" "a\22b\5c" (func (param i32 i64) (result f64)))
#   (import "env" "\e2\82\ac" (global (mut i64)))
#   (memory (export "m\0a") i64 1 16)
#   (table (export "t") 2 funcref)
#   (export "f" (func 0))
#   )
module names \
    0061736d0100000001070160027f7e017c02170203656e76046122625c000003656e7603e282ac037e010404 \
    01700002050401050110070e03026d0a02000174010001660000

# (module (func (export "_start") nop))
module start \
    0061736d0100000001040160000003020100070a01065f737461727400000a05010300010b

# (module (func $s (loop br 0)) (start $s) (func (export "f")))
module startloop \
    0061736d010000000104016000000303020000070501016600010801000a0c02070003400c000b0b02000b

# (module (func (export "_start") (param i32)))
module startsig \
    0061736d0100000001050160017f0003020100070a01065f737461727400000a040102000b

# (module (memory 1 2 shared))
module shared \
    0061736d01000000050401030102

# (module (import "env" "mem" (memory 1 2 shared)) (import "env" "g" (global i32))
#   (import "a" "f" (func (param i32))) (func (export "hi")))
module linked \
    0061736d0100000001080260017f00600000021c0303656e76036d656d0203010203656e76 \
    0167037f000161016600000302010107060102686900010a040102000b

# (module (func (export "f") (result i32) i64.const 0))
module bad \
    0061736d010000000105016000017f03020100070501016600000a0601040042000b

# (module (func (export "f") unreachable)), with a name section that calls it "\1b[31mevil\0a"
module escape \
    0061736d0100000001040160000003020100070501016600000a05010300000b0014046e616d65010d01000a1b \
    5b33316d6576696c0a

# (module (tag $t) (func (export "f") (throw $t)))
module throw \
    0061736d01000000010401600000030201000d03010000070501016600000a0601040008000b

# (module (tag $t (param i32 f64)) (func (export "f") (throw $t (i32.const 5) (f64.const 0.5))))
module thrown \
    0061736d0100000001090260000060027f7c00030201000d03010001070501016600000a11010f00410544000000000000e03f08000b

# (module
#   (memory (export "memory") 1)
#   (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
#   (func (export "length") (param i32 i32) (result i32) local.get 1)
#   (func (export "first") (param i32) (result i32) local.get 0 i32.load8_u)
#   (func (export "behind") (param i32 i32) (result i32)
#     local.get 0 local.get 1 i32.add i32.load8_u))
module texts \
    0061736d0100000001140360047f7f7f7f017f60027f7f017f60017f017f030504000102010503010001073305 \
    066d656d6f727902000c636162695f7265616c6c6f630000066c656e6774680001056669727374000206626568 \
    696e6400030a1f04050041c0000b040020010b070020002d00000b0a00200020016a2d00000b

# (module (memory (export "memory") 1) (data (i32.const 8) "h\c3\a9\0a!\00")
#   (func (export "malloc") (param i32) (result i32) i32.const 64)
#   (func (export "name") (result i32) i32.const 8)
#   (func (export "nothing") (result i32) i32.const 0)
#   (func (export "beyond") (result i32) i32.const -1)
#   (func (export "number") (result f64) f64.const 1))
module answers \
    0061736d01000000010e0360017f017f6000017f6000017c03060500010101020503010001073606066d656d6f \
    72790200066d616c6c6f630000046e616d650001076e6f7468696e670002066265796f6e640003066e756d6265 \
    7200040a2205050041c0000b040041080b040041000b0400417f0b0b0044000000000000f03f0b0b0c01004108 \
    0b0668c3a90a2100

cd "$work" || exit 1
printf 'not wasm' >text.wasm
: >empty.wasm
module object 0061736d01000000 00 08 07 6c696e6b696e67 # a custom section "linking"
module nothing 0061736d01000000
mkdir folder.wasm

# ---- run: arguments and results ----

calc() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    run "$name" "$code" "$out" "$err" "$calculator" --invoke evaluate_expression "$@"
}

calc "text is an expression" 0 15.0 "" 'sqrt(9) * (10 / 2)'
calc "text: forces text" 0 42.0 "" text:42
calc "a leading dash is no option" 0 -4.0 "" '-2^2'
calc "-- may stand before the arguments" 0 -4.0 "" -- '-2^2'
calc "functions are accurate" 0 0.8414709848078965 "" 'sin(1)'
calc "infinity" 0 inf "" '1 / 0'
calc "no number" 0 nan "" '0 / 0'
calc "a trap shows last_error" 1 "" "^last_error: at 6: expected a number, found '\)'" '(1 + )'
calc "a trap shows its kind" 1 "" "evaluate_expression: trap: unreachable" '(1 + )'
calc "a trap shows its frames" 1 "" "#0 .*<evaluate_expression>" '(1 + )'
calc "an argument too many" 2 "" "takes 1 parameters, and 3 arguments were given" 'a+' 'b' 'c'
calc "an argument missing" 2 "" "takes 1 parameters, and 0 arguments were given"

tour() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    run "$name" "$code" "$out" "$err" tour.wasm --invoke "$@"
}

tour "numbers" 0 5 "" add 2 3
tour "negative numbers" 0 -5 "" add -2 -3
tour "hexadecimal and unsigned numbers" 0 -1 "" add 0xfffffffe 1
tour "the largest unsigned number" 0 0 "" add 4294967295 1
tour "64 bits" 0 -9223372036854775808 "" wide -9223372036854775808
tour "single precision" 0 0.1 "" float 0.1
tour "single precision, rounded once" 0 1.0000001 "" float 1.00000005960464477540
tour "double precision" 0 1e-7 "" double 0.0000001
tour "a fraction always" 0 3.0 "" double 3
tour "minus zero" 0 -0.0 "" double -0
tour "nan" 0 nan "" double nan
tour "minus infinity" 0 -inf "" double -inf
tour "several results" 0 "1
0.5" "" both
tour "text without an allocator" 2 "" "argument 1 is text, and the guest exports neither" add x 3
tour "a number out of range is no number" 2 "" "argument 1 is text" add 4294967296 3
tour "too few arguments" 2 "" "takes 2 parameters, and 1 arguments were given" add 2
tour "_initialize runs first" 0 7 "" ready
tour "_initialize may be called itself" 0 "" "" _initialize
tour "control characters of a guest are escaped" 1 "" \
    '^last_error: it said \\u001b\[1m "why"$' trap
tour "an unknown function" 2 "" "tour.wasm: no export 'nothing'" nothing
tour "an unknown function lists the known" 2 "" 'Exported functions: "_initialize", "ready",' nothing
tour "an export that is no function" 2 "" "export 'memory' is a memory, not a function" memory

texts() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    run "$name" "$code" "$out" "$err" texts.wasm --invoke "$@"
}

texts "text as pointer and length" 0 5 "" length hello
texts "length in bytes" 0 3 "" length '€'
texts "text of no bytes" 0 0 "" length ''
texts "text as one pointer" 0 104 "" first hello
texts "a NUL stands behind the text" 0 0 "" behind hello
texts "numbers stay numbers" 0 7 "" length 5 7
texts "text: beside a number" 0 104 "" first text:h
run "--text prints the text that a result points to" 0 "hé
!" "" --text answers.wasm --invoke name
run "--text, and a null pointer" 0 null "" --text answers.wasm --invoke nothing
run "--text, and a pointer beyond memory" 1 "" "beyond: trap: out of bounds memory access" \
    --text answers.wasm --invoke beyond
run "--text, and a result that is no pointer" 2 "" "result 1 is f64, and no part of text" \
    --text answers.wasm --invoke number
run "--text without --invoke" 2 "" "--text tells what --invoke NAME gives" --text answers.wasm
run "an exception that nobody catches" 1 "" "^beamr run: f: uncaught exception" throw.wasm --invoke f
run "what such an exception holds" 1 "" "^exception: 5 0[.]5$" thrown.wasm --invoke f
run "names in backtraces are escaped" 1 "" '<\\u001b\[31mevil\\u000a>' escape.wasm --invoke f

# ---- run: options ----

run "memory.grow within the limit" 0 1 "" tour.wasm --invoke grow 1
run "memory.grow beyond --max-memory" 0 -1 "" --max-memory 128KiB tour.wasm --invoke grow 2
run "memory.grow up to --max-memory" 0 1 "" --max-memory 1MiB tour.wasm --invoke grow 15
run "--max-memory in bytes" 0 -1 "" --max-memory 131071 tour.wasm --invoke grow 1
run "--max-memory below the start" 2 "" "memory 0 begins with 1 pages.* --max-memory 1KiB allows 0" \
    --max-memory 1KiB tour.wasm --invoke grow 1
run "--max-memory that is no size" 2 "" "--max-memory 3XB: not a size" --max-memory 3XB tour.wasm
run "--max-memory that overflows" 2 "" "not a size" --max-memory 99999999999GiB tour.wasm
run "--timeout ends a loop" 1 "" "spin: the time limit of 100ms was reached" \
    --timeout 100ms tour.wasm --invoke spin
run "--timeout ends a start function" 1 "" "the time limit of 50ms was reached" \
    --timeout=50ms startloop.wasm --invoke f
run "--timeout that is not reached" 0 5 "" --timeout 1m tour.wasm --invoke add 2 3
run "--timeout without a unit" 2 "" "--timeout 5: not a time" --timeout 5 tour.wasm --invoke spin
run "--timeout of nothing" 2 "" "--timeout 0s: not a time" --timeout 0s tour.wasm --invoke spin
run "--features switches one off" 2 "" "unsupported feature" --features=-memory64 names.wasm
run "--features that are unknown" 2 "" "nonsense" --features nonsense tour.wasm --invoke ready
run "an unknown option" 2 "" "unrecognized option '--fast'" --fast tour.wasm
run "options end at --invoke" 2 "" "argument 1 is text" tour.wasm --invoke add --timeout 3
run "FILE may follow NAME" 0 5 "" --invoke add tour.wasm 2 3
run "options end at FILE" 2 "" "no _start to run" tour.wasm --timeout 3 --invoke add 2 3
run "--invoke=NAME behind FILE" 0 5 "" tour.wasm --invoke=add 2 3
run "--invoke without a name" 2 "" "--invoke: the function's name is missing" tour.wasm --invoke
run "--fuel that suffices" 0 5 "" --fuel 1000 tour.wasm --invoke add 2 3
run "--fuel that does not" 1 "" "spin: the fuel limit of 1000 was reached" \
    --fuel 1000 tour.wasm --invoke spin
run "--fuel that is no number" 2 "" "--fuel lots: not a number of units" --fuel lots tour.wasm
run "no file" 2 "" "the module's file is missing"
run "--help" 0 "~^Usage: beamr run" "" --help

# ---- run: programs and unusable modules ----

run "_start" 0 "" "" start.wasm
run "_start with a parameter" 2 "" "its _start takes parameters" startsig.wasm
run "no _start" 2 "" "no _start to run; name a function with --invoke" tour.wasm
run "no functions" 2 "" "nothing.wasm: no _start: it exports no functions$" nothing.wasm
run "no functions, and one is named" 2 "" "no f: it exports no functions$" nothing.wasm --invoke f
run "an object file" 2 "" "no _start: it exports no functions; it is an object file" object.wasm
run "no _start lists functions" 2 "" 'Exported functions: .*"add"' tour.wasm
run "an import that is no function and missing" 2 "" "1 import that nothing provides" \
    names.wasm --invoke f
run "a missing import is named" 2 "" '"env" "€": global mut i64$' names.wasm --invoke f
run "a file that is missing" 2 "" "^beamr run: nowhere.wasm: No such file" nowhere.wasm --invoke f
run "a file that is no module" 2 "" "text.wasm: malformed module" text.wasm --invoke f
run "an empty file" 2 "" "empty.wasm: malformed module" empty.wasm --invoke f
run "a folder" 2 "" "folder.wasm: Is a directory" folder.wasm --invoke f
run "a file without an end" 2 "" "/dev/zero: implementation limit: the file is larger" /dev/zero --invoke f
run "an invalid module" 2 "" "bad.wasm: invalid module" bad.wasm --invoke f
check "run: standard input" 0 5 "" bash -c '"$1" run - --invoke add 2 3 <tour.wasm' - "$beamr"

# ---- inspect ----

check "inspect: memories" 0 "~^  0: 64 bit, minimum 1 pages, maximum 16 pages$" "" "$beamr" inspect names.wasm
check "inspect: features" 0 "~^Features used: .*memory64" "" "$beamr" inspect names.wasm
check "inspect: imports" 0 '~^  "env" "a\\"b\\\\": func \[i32 i64\] -> \[f64\]; stub$' "" "$beamr" inspect names.wasm
check "inspect: an import that is not linkable" 0 \
    '~^  "env" "€": global mut i64; not linkable: nothing provides it$' "" "$beamr" inspect names.wasm
check "inspect: what becomes of imports" 0 '~^Imports: 2 \(1 stubbed, 1 not linkable\)$' "" \
    "$beamr" inspect names.wasm
check "inspect: exports" 0 '~^  "m\\u000a": memory i64 1 16$' "" "$beamr" inspect names.wasm
check "inspect: functions" 0 "~^Functions: 1, of which 1 imported$" "" "$beamr" inspect names.wasm
check "inspect: sections" 0 "~^  import +at 0x00000013, 23 bytes$" "" "$beamr" inspect names.wasm
check "inspect: JSON" 0 '~^\{"file":"names.wasm","size":70,"supported":true,"features":\[' "" \
    "$beamr" inspect --json names.wasm
check "inspect: JSON of memories" 0 '~"memories":\[\{"bits":64,"minimum":1,"maximum":16\}\]' "" \
    "$beamr" inspect names.wasm --json
check "inspect: JSON of imports" 0 \
    '~"imports":\[\{"module":"env","name":"a\\"b\\\\","kind":"func","parameters":\["i32","i64"\],"results":\["f64"\],"provider":"stub"\},\{"module":"env","name":"€","kind":"global","type":"i64","mutable":true,"provider":"nothing"\}\]' \
    "" "$beamr" inspect --json names.wasm
check "inspect: JSON of exports" 0 \
    '~"exports":\[\{"name":"m\\u000a","kind":"memory","bits":64,"minimum":1,"maximum":16\},\{"name":"t","kind":"table","element":"funcref","bits":32,"minimum":2,"maximum":null\},' \
    "" "$beamr" inspect --json names.wasm
check "inspect: JSON of sections" 0 '~\{"kind":"import","offset":19,"size":23\}' "" \
    "$beamr" inspect --json names.wasm
check "inspect: a refused module shows its imports" 2 '~^  "env" "mem": memory$' "threads" \
    "$beamr" inspect linked.wasm
check "inspect: a refused module shows its exports" 2 '~^  "hi": func$' "threads" \
    "$beamr" inspect linked.wasm
check "inspect: a refused module names the feature" 2 "~^  memory +at 0x0000000a, 4 bytes$" "threads" \
    "$beamr" inspect shared.wasm
check "inspect: JSON of a refused module" 2 \
    '~"supported":false,"error":\{"status":"unsupported feature","offset":[0-9]+,"text":".*threads.*"\},"imports":\[\],"exports":\[\],"sections":\[\{"kind":"memory","offset":10,"size":4\}\]\}$' \
    "threads" "$beamr" inspect --json shared.wasm
check "inspect: no module" 2 "" "text.wasm: malformed module" "$beamr" inspect text.wasm
check "inspect: a file that is missing" 2 "" "nowhere.wasm: No such file" "$beamr" inspect nowhere.wasm
check "inspect: no file" 2 "" "no file is given" "$beamr" inspect
check "inspect: two files" 2 "" "one file at a time" "$beamr" inspect tour.wasm bad.wasm
check "inspect: an unknown option" 2 "" "unrecognized option '--xml'" "$beamr" inspect --xml tour.wasm
check "inspect: --help" 0 "~^Usage: beamr inspect" "" "$beamr" inspect --help
if command -v python3 >/dev/null; then
    for file in tour names start shared text; do
        "$beamr" inspect --json "$file.wasm" >"$file.json" 2>/dev/null
        check "inspect: $file.json is JSON" 0 "~^[{]" "" python3 -m json.tool "$file.json"
    done
fi

# ---- validate ----

check "validate: valid modules" 0 "tour.wasm: ok
$calculator: ok" "" "$beamr" validate tour.wasm "$calculator"
check "validate: an invalid module" 2 "" "^bad.wasm: offset 0x[0-9a-f]+: invalid module: " "$beamr" validate bad.wasm
check "validate: goes on behind it" 2 "tour.wasm: ok" "^bad.wasm: offset" "$beamr" validate bad.wasm tour.wasm
check "validate: a file that is missing" 2 "tour.wasm: ok" "nowhere.wasm: No such file" \
    "$beamr" validate nowhere.wasm tour.wasm
check "validate: an empty file and a folder" 2 "tour.wasm: ok" "^empty.wasm: offset 0x0: malformed" \
    "$beamr" validate empty.wasm folder.wasm tour.wasm
check "validate: standard input" 0 "-: ok" "" bash -c '"$1" validate - <tour.wasm' - "$beamr"
check "validate: a refused feature" 2 "" "shared.wasm: offset 0x[0-9a-f]+: unsupported feature: .*threads" \
    "$beamr" validate shared.wasm
check "validate: --features" 2 "" "unsupported feature: .*memory64" "$beamr" validate --features=-memory64 names.wasm
check "validate: no file" 2 "" "no file is given" "$beamr" validate
check "validate: an unknown option" 2 "" "unrecognized option" "$beamr" validate --fast tour.wasm
check "validate: --help" 0 "~^Usage: beamr validate" "" "$beamr" validate --help

# ---- beamr itself ----

check "beamr: no command" 2 "" "^beamr: a command is missing" "$beamr"
check "beamr: an unknown command" 2 "" "^beamr: unknown command 'vlidate'" "$beamr" vlidate
check "beamr: a misspelt command" 2 "" "^Did you mean 'beamr validate'" "$beamr" vlidate
check "beamr: an unknown option" 2 "" "^beamr: unknown option '--fast'" "$beamr" --fast
check "beamr: --help" 0 "~^  validate +check modules" "" "$beamr" --help
check "beamr: --help tells the exit codes" 0 "~^  2 +wrong usage" "" "$beamr" --help
check "beamr: --version" 0 "~^beamr [0-9]+[.][0-9]+[.][0-9]+$" "" "$beamr" --version
check "beamr: help" 0 "~^Usage: beamr COMMAND" "" "$beamr" help
check "beamr: help of a command" 0 "~^Usage: beamr inspect" "" "$beamr" help inspect
check "beamr: a file in place of a command" 2 "" "^To run a file: beamr run tour.wasm" "$beamr" tour.wasm
check "beamr: help of an unknown command" 2 "" "unknown command 'nothing'" "$beamr" help nothing
check "beamr: a full disk" 1 "" "writing to stdout failed" bash -c '"$1" --help >/dev/full' - "$beamr"

finish
