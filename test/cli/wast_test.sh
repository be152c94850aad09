#!/usr/bin/env bash
# The command `beamr wast`, in right and wrong use: what it counts, what it says, and the list of
# modules that are refused. The official suite itself is test/spec's business.
#
# Usage: wast_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
cd "$work" || exit 1

# (module $m (func (export "f") (param i32) (result i32) local.get 0))
echo_module='(module $m binary "\00asm\01\00\00\00\01\06\01\60\01\7f\01\7f\03\02\01\00"
    "\07\05\01\01f\00\00\0a\06\01\04\00\20\00\0b")'

# script NAME: write standard input to NAME.bin.wast, behind the module above.
script() {
    { echo "$echo_module" && cat; } >"$1.bin.wast"
}

wast() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "wast: $name" "$code" "$out" "$err" "$beamr" wast "$@"
}

# one NAME COUNTS LINE: a script of one line, and what is counted for it.
one() {
    script one <<<"$3"
    wast "$1" "$([[ $2 = *" 0 failed"* ]] && echo 0 || echo 1)" "one.bin.wast: $2
$2" "" one.bin.wast
}

pass="1 passed, 0 failed, 0 skipped"
fail="0 passed, 1 failed, 0 skipped"
nothing="0 passed, 0 failed, 0 skipped"

# ---- What is counted ----

one "a right result" "$pass" '(assert_return (invoke "f" (i32.const 5)) (i32.const 5))'
one "a wrong result" "$fail" '(assert_return (invoke "f" (i32.const 5)) (i32.const 6))'
one "a result of another type" "$fail" '(assert_return (invoke "f" (i32.const 5)) (i64.const 5))'
one "a result too few" "$fail" '(assert_return (invoke "f" (i32.const 5)))'
one "one of several results" "$pass" \
    '(assert_return (invoke "f" (i32.const 5)) (either (i32.const 4) (i32.const 5)))'
one "an unknown function" "$fail" '(assert_return (invoke "g" (i32.const 5)) (i32.const 5))'
one "no trap" "$fail" '(assert_trap (invoke "f" (i32.const 5)) "unreachable")'
one "no exhaustion" "$fail" '(assert_exhaustion (invoke "f" (i32.const 5)) "call stack exhausted")'
one "no exception" "$fail" '(assert_exception (invoke "f" (i32.const 5)))'
one "an action that works" "$nothing" '(invoke "f" (i32.const 5))'
one "an action that fails" "$fail" '(invoke "f")'
one "a module that works" "$nothing" '(module binary "\00asm\01\00\00\00")'
one "a module that does not" "$fail" '(module binary "\00asm\02\00\00\00")'
one "a registration that works" "$nothing" '(register "m" $m)'
one "a registration that does not" "$fail" '(register "m" $n)'
one "a malformed module" "$pass" '(assert_malformed (module binary "\00asm") "unexpected end")'
one "a module that is not malformed" "$fail" \
    '(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end")'
one "malformed is not invalid" "$fail" '(assert_invalid (module binary "\00asm") "type mismatch")'
one "a module that is not invalid" "$fail" \
    '(assert_invalid (module binary "\00asm\01\00\00\00") "type mismatch")'
one "a module that is linkable" "$fail" \
    '(assert_unlinkable (module binary "\00asm\01\00\00\00") "unknown import")'
# (module (type (struct))): refused, so that what depends on it is skipped
one "a module with garbage-collected objects" "0 passed, 0 failed, 1 skipped" \
    '(module binary "\00asm\01\00\00\00\01\03\01\5f\00") (assert_return (invoke "f") (i32.const 1))'

# ---- What is said ----

script wrong <<<'(assert_return (invoke "f" (i32.const 5)) (i32.const 6))'
script right <<<'(assert_return (invoke "f" (i32.const 5)) (i32.const 5))'
wast "-v shows a failure with its place" 1 \
    '~^wrong.bin.wast:3: assert_return: .*expected \(i32.const 6\), came \(i32.const 0x5\)$' "" \
    -v wrong.bin.wast
wast "sums of several files" 1 "~^1 passed, 1 failed, 0 skipped$" "" right.bin.wast wrong.bin.wast
wast "a line for each file" 1 "~^right.bin.wast: $pass$" "" wrong.bin.wast right.bin.wast
# (module (func (result i32 i32) ...)) needs multi-value
script values <<<'(module binary "\00asm\01\00\00\00\01\06\01\60\00\02\7f\7f")'
wast "--features: on" 0 "~^$nothing$" "" values.bin.wast
wast "--features: off" 1 "~^$fail$" "" --features=-multi-value values.bin.wast

# ---- The list of refused modules ----

script objects <<<'(module binary "\00asm\01\00\00\00\01\03\01\5f\00")
(assert_return (invoke "f") (i32.const 1))'
echo "objects.bin.wast:3 # a comment" >right.txt
echo "# nothing" >empty.txt
echo "right.bin.wast:1" >stale.txt
echo "right.bin.wast:77" >nowhere.txt
echo "objects" >bad.txt
wast "--write-unsupported" 0 "~^0 passed, 0 failed, 1 skipped$" "" --write-unsupported new.txt \
    objects.bin.wast
check "wast: the list that was written" 0 "~^objects.bin.wast:3$" "" cat new.txt
wast "--unsupported: what was written" 0 "~^0 passed, 0 failed, 1 skipped$" "" --unsupported new.txt \
    objects.bin.wast
wast "--unsupported: a listed module" 0 "~^0 passed, 0 failed, 1 skipped$" "" --unsupported right.txt \
    objects.bin.wast
wast "--unsupported: one that is not listed" 1 "~^0 passed, 1 failed, 1 skipped$" "" \
    --unsupported empty.txt objects.bin.wast
wast "--unsupported: one that is not refused" 1 "~^1 passed, 1 failed, 0 skipped$" "" \
    --unsupported stale.txt right.bin.wast
wast "--unsupported: a place without a module" 1 "~^1 passed, 1 failed, 0 skipped$" "" \
    --unsupported nowhere.txt right.bin.wast
wast "--unsupported: a list that cannot be read" 2 "" "^beamr wast: bad.txt:1:1: 'file-name:line'" \
    --unsupported bad.txt right.bin.wast
wast "--unsupported: no list" 2 "" "nowhere.txt.txt: No such file" --unsupported nowhere.txt.txt \
    right.bin.wast
wast "--write-unsupported: nowhere to write" 2 "" "/nowhere/list: No such file" \
    --write-unsupported /nowhere/list right.bin.wast

# ---- Wrong use ----

echo '(bogus 1)' >bogus.bin.wast
echo '(module binary "\00asm\01\00\00\00")(assert_return' >cut.bin.wast
: >empty.bin.wast
wast "no file" 2 "" "no file is given"
wast "an unknown option" 2 "" "unrecognized option '--fast'" --fast right.bin.wast
wast "an unknown feature" 2 "" 'unknown feature "nonsense"' --features nonsense right.bin.wast
wast "--help" 0 "~^Usage: beamr wast" "" --help
wast "a file that is missing" 2 "~^1 passed, 0 failed, 0 skipped$" "nowhere: No such file" nowhere \
    right.bin.wast
wast "an unknown command" 2 "~^$nothing$" "bogus.bin.wast:1:2: unknown command 'bogus'" bogus.bin.wast
wast "a file that is cut" 2 "~^$nothing$" "cut.bin.wast:1:.*without a '\)'" cut.bin.wast
wast "an empty file" 0 "~^$nothing$" "" empty.bin.wast

finish
