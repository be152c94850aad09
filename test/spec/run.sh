#!/usr/bin/env bash
# The official WebAssembly suite, from the folder that BEAMR_SPEC_TESTS names.
# Fails unless every assertion passes, but for those on the modules in gc-modules.txt, and unless
# there are as many as the suite is known to have. Counts files.
# Usage: run.sh BEAMR [TIER]
#   TIER  interpret, or native: then each module is compiled, and nearly all functions must be
set -euo pipefail
beamr=$1
tier=${2:-interpret}
here=$(cd "$(dirname "$0")" && pwd)
at_least=60500 # assertions that pass

if [ -z "${BEAMR_SPEC_TESTS:-}" ]; then
    echo "skipped: official suite (BEAMR_SPEC_TESTS is not set)"
    exit 77
fi
if ! [ -d "$BEAMR_SPEC_TESTS/core" ] || ! [ -d "$BEAMR_SPEC_TESTS/legacy" ]; then
    echo "failed: BEAMR_SPEC_TESTS=$BEAMR_SPEC_TESTS has no folders core and legacy"
    exit 1
fi

options=(-v --tier "$tier")
[ -f "$here/gc-modules.txt" ] && options+=(--unsupported "$here/gc-modules.txt")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mapfile -d '' files < <(find "$BEAMR_SPEC_TESTS/core" "$BEAMR_SPEC_TESTS/legacy" -name '*.wast' \
    -print0 | sort -z)
code=0
"$beamr" wast "${options[@]}" "${files[@]}" >"$log" 2>&1 || code=$?

# What went wrong, up to a point, and by name the files in which nothing could run.
grep -vE '(: |^)[0-9]+ passed, 0 failed, [0-9]+ skipped$|^[0-9]+ of [0-9]+ functions compiled$' \
    "$log" | sed 80q || true
gc=$(sed -nE 's|^.*/([^/]+)\.bin\.wast: 0 passed, 0 failed, [1-9][0-9]* skipped$|\1|p' "$log")
[ -n "$gc" ] && echo "skipped: official suite, files that need the garbage collector's objects:" $gc

read -r assertions _ failures _ rest _ <<<"$(tail -n 1 "$log")"
counted=$(grep -cE ': [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" || true)
bad=$(grep -cE ': [0-9]+ passed, [1-9][0-9]* failed, [0-9]+ skipped$' "$log" || true)
skips=$(wc -w <<<"$gc")
bad=$((bad + ${#files[@]} - counted)) # a file without a count could not be used
if ! [[ $assertions =~ ^[0-9]+$ ]] || [ "$assertions" -lt "$at_least" ]; then
    echo "failed: $assertions assertions passed, of at least $at_least"
    code=1
fi
if [ "$tier" = native ]; then
    read -r compiled _ functions _ <<<"$(grep -E '^[0-9]+ of [0-9]+ functions compiled$' "$log")"
    echo "note: official suite: ${compiled:-0} of ${functions:-?} functions compiled"
    if [ "${compiled:-0}" -lt 1000 ] || [ "$compiled" -lt $((functions * 99 / 100)) ]; then
        echo "failed: ${compiled:-0} of ${functions:-?} functions compiled; nearly all must be"
        code=1
    fi
fi
[ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
echo "note: official suite: $assertions assertions passed, ${failures:-?} failed, ${rest:-?} skipped"
echo "$((${#files[@]} - bad - skips)) passed, $bad failed, $skips skipped"
exit "$code"
