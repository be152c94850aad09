#!/usr/bin/env bash
# Run a fuzz target for BEAMR_FUZZ_SECONDS seconds (10), starting from its seeds.
# New inputs go to a folder of its own in the current one; a finding is kept beside it and named.
# Usage: smoke.sh TARGET SEEDS
set -euo pipefail
target=$1 seeds=$2
name=$(basename "$target")
corpus=$PWD/$name.corpus

mkdir -p "$corpus"
"$target" -max_total_time="${BEAMR_FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=4096 \
    -artifact_prefix="$PWD/$name." -print_final_stats=1 -verbosity=0 "$corpus" "$seeds" 2>&1 |
    tail -n 60
