#!/usr/bin/env bash
# The calculator in every language (examples/calculator in C, examples/calculators): the same list of
# expressions, with the same values and the same places of what cannot be read.
# Usage: calculators_test.sh BEAMR GUESTS-FOLDER
set -u
beamr=$1 guests=$2
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
examples=$(dirname "${BASH_SOURCE[0]}")/../../examples

# is_near A B: four units in the last place at most.
is_near() {
    [ "$1" = "$2" ] || awk -v a="$1" -v b="$2" 'BEGIN {
        far = (a > b ? a - b : b - a) / (b < 0 ? -b : b)
        exit !(a b !~ /[fn]/ && far <= 4 * 2 ^ -52)
    }'
}

# value FILE EXPRESSION: what the calculator gives; or, of what is no expression, "at N".
value() {
    "$beamr" run "$1" --invoke evaluate_expression "text:$2" 2>"$work/why" ||
        sed -n 's/^last_error: \(at [0-9]*\):.*/\1/p' "$work/why"
}

# differing FILE KIND PATTERN: print what differs of this kind, but for the expressions that match.
differing() {
    local kind expression value got
    while IFS='|' read -r kind expression value; do
        [ "$kind" = "$2" ] || continue
        [[ -n $3 && $expression =~ $3 ]] && continue
        got=$(value "$1" "$expression")
        [ "$got" = "$value" ] && continue
        [ "$kind" = near ] && is_near "$got" "$value" && continue
        echo "$expression: $got instead of $value"
    done <"$expected/expressions.txt"
}

# by_messages FILE: the values of the first of them, from a device.
by_messages() {
    grep '^exact|' "$expected/expressions.txt" | head -n 5 | while IFS='|' read -r _ expression value; do
        "$beamr" resolve '~wasm64@1.0/init/compute/results/output/1' "image=@$1" \
            function=evaluate_expression "parameters:=[\"$expression\"]" >"$work/got"
        [ "$(cat "$work/got")" = "$value" ] || echo "$expression: $(cat "$work/got") instead of $value"
    done
}

# same_globals FILE: an expression that cannot be read leaves nothing on the guest's stack, whose pointer is
# a global.
same_globals() {
    local expression
    for expression in '1 + 2' 'sqrt(1 + (2' '('; do
        "$beamr" resolve '~wasm64@1.0/init/compute/snapshot/state' "image=@$1" \
            function=evaluate_expression "parameters:=[\"$expression\"]" >"$work/state" 2>&1
        [ -s "$work/first" ] || mv "$work/state" "$work/first"
        [ "$expression" = '1 + 2' ] || cmp "$work/first" "$work/state"
    done
    rm -f "$work/first"
}

# calculator LANGUAGE FILE [PATTERN]
calculator() {
    local kind
    check "calculators: $1: by messages" 0 "" "" by_messages "$2"
    [ "$1" = wat ] || # has no stack, and globals for what it reads
        check "calculators: $1: nothing stays on the stack" 0 "" "" same_globals "$2"
    for kind in exact near bad; do
        check "calculators: $1: $kind" 0 "" "" differing "$2" "$kind" "${3-}"
    done
}

calculator C "$guests/../../examples/calculator.wasm"
for language in cc rs d cr nim wat; do
    without=
    [ "$language" = wat ] && without='sin|cos|tan|log|exp|\^-?[02]\.[^^]*$|2\.5'
    why=$("$examples/calculators/build" "$language" "$work/$language.wasm" 2>"$work/log")
    case $? in
    0) calculator "$language" "$work/$language.wasm" "$without" ;;
    77) skip "calculators: $language" "$why" ;;
    *) check "calculators: $language compiles" 0 "" "" cat "$work/log" - /nonexistent ;;
    esac
done
finish
