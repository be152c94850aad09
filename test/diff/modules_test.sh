#!/usr/bin/env bash
# Random modules in both tiers: a few hundred, or 10,000 with BEAMR_LONG.
# Usage: modules_test.sh DIFF_TIERS FOLDER
set -eu
count=250
[ -z "${BEAMR_LONG:-}" ] || count=10000
"$1" --seed 1 --count "$count" --jobs 2 --out "$2"
