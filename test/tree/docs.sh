#!/usr/bin/env bash
# What the documents name exists: functions and types in backticks, paths, and linked pages.
set -euo pipefail
passed=0 failed=0

result() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $2"
    fi
}

words=$(grep -rhoE '[A-Za-z_][A-Za-z0-9_]*' include src erlang | sort -u)
while IFS= read -r page; do
    while IFS= read -r name; do
        grep -qx "$name" <<<"$words" && code=0 || code=1
        result "$code" "$page names $name, which is not in the source"
    done < <(grep -oE '`(wb|abi|crypto|rt|interp|native|compile|engine|guest|host|beamr|cli|wast|arena|ao|kv|codec|drv|hb)_[a-z0-9_]+`' "$page" |
        tr -d '`' | sort -u)
    while IFS= read -r path; do
        [ -e "$path" ] && code=0 || code=1
        result "$code" "$page names $path, which does not exist"
    done < <(grep -oE '`(include|src|test|scripts|docs|examples|bench|fuzz|erlang)/[A-Za-z0-9_./-]*`' "$page" |
        tr -d '`' | sort -u)
    while IFS= read -r link; do
        [ -e "$(dirname "$page")/${link%%#*}" ] && code=0 || code=1
        result "$code" "$page links $link, which does not exist"
    done < <(grep -oE '\]\([A-Za-z0-9_./-]+(#[a-z0-9-]+)?\)' "$page" | sed -E 's/^\]\(//; s/\)$//' |
        sort -u)
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*' | sed 's|^\./||' | sort)

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
