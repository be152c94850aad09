#!/usr/bin/env bash
# Every header compiles alone, public ones also as C++ where clang is at hand.
# Usage: headers.sh C-COMPILER [ERLANG-INCLUDE]
#   ERLANG-INCLUDE  the folder of erl_driver.h: look at the driver's headers instead
set -euo pipefail
cc=$1 erlang=${2:-}
passed=0 failed=0

# check HEADER COMMAND...
check() {
    local header=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $header alone: $*"
        echo "$output"
    fi
}

source=$(mktemp --suffix=.c)
trap 'rm -f "$source"' EXIT
if [ -n "$erlang" ]; then
    while IFS= read -r header; do
        echo "#include \"${header#*/}\"" >"$source"
        check "$header" "$cc" -std=gnu11 -Wall -Wextra -Werror -Wstrict-prototypes -Iinclude \
            -Ierlang -isystem "$erlang" -fsyntax-only "$source"
    done < <(find erlang/driver -name '*.h' | sort)
    echo "$passed passed, $failed failed, 0 skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
fi
while IFS= read -r header; do
    echo "#include \"${header#*/}\"" >"$source"
    [[ $header = include/* ]] && folders=(-Iinclude) || folders=(-Iinclude -Isrc -isystem /usr/lib/llvm-19/include)
    check "$header" "$cc" -std=gnu11 -Wall -Wextra -Werror -Wstrict-prototypes "${folders[@]}" \
        -fsyntax-only "$source"
    if [[ $header = include/* ]] && command -v clang-19 >/dev/null; then
        check "$header as C++" clang-19 -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror \
            "${folders[@]}" -fsyntax-only "$source"
    fi
done < <(find include src -name '*.h' | sort)

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
