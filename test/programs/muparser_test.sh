#!/usr/bin/env bash
# muParser, a parser of formulas in C++, from Debian's source, with the sample program that reads
# formulas from standard input. What is wrong with a formula is thrown.
# Usage: muparser_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

# muparser NAME PROGRAM: all in one run, for each begins with the library's own tests.
muparser() {
    input '2^10\n3+sin)\n1+1\n2*\n(\n6*7\nselftest(0)\nquit\n' "$beamr" run "$2" \
        >"$work/all" 2>"$work/errors"
    check "$1: it ends well" 0 0 "" echo $?
    check "$1: and says no more" 0 "" "" cat "$work/errors"
    check "$1: formulas" 0 "~ans=1024$" "" cat "$work/all"
    check "$1: what is thrown is caught" 0 "~Unexpected parenthesis" "" cat "$work/all"
    check "$1: and the program goes on" 0 "~ans=42$" "" cat "$work/all"
    check "$1: its own tests" 0 "~selftest" "" cat "$work/all"
}

if downloaded muparser muparser; then
    files=("$modules/muparser/samples/example1/example1.cpp")
    for file in muParser muParserBase muParserBytecode muParserCallback muParserError \
        muParserInt muParserTest muParserTokenReader; do
        files+=("$modules/muparser/src/$file.cpp")
    done
    files+=("$runtime/cxx.cc")
    flags=(-O1 -DMUPARSER_STATIC "-I$modules/muparser/include")
    if built muparser "${flags[@]}" "${cxx_by_exception[@]}" -- "${files[@]}" "$runtime/tags.S" -- \
        -lc++ -lc++abi; then
        muparser muparser "$programs/muparser.wasm"
    fi
    if built muparser_invoke "${flags[@]}" "${cxx_by_invoke[@]}" -- "${files[@]}" \
        "$runtime/invoke.c" -- -lc++ -lc++abi "${link_by_invoke[@]}"; then
        muparser "muparser by invoke" "$programs/muparser_invoke.wasm"
    fi
fi
finish
