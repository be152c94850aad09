#!/usr/bin/env bash
# Run a fuzz target for BEAMR_FUZZ_SECONDS seconds (10), starting from its seeds.
# New inputs go to a folder of its own in the current one; a finding is kept beside it, named, and,
# if it is small, printed in base64: where the folder goes away, the log keeps it.
# Usage: smoke.sh TARGET SEEDS
set -euo pipefail
target=$1 seeds=$2
name=$(basename "$target")
corpus=$PWD/$name.corpus
findings=$PWD/$name.findings

mkdir -p "$corpus" "$findings"
status=0
"$target" -max_total_time="${BEAMR_FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=4096 \
    -artifact_prefix="$findings/" -print_final_stats=1 -verbosity=0 "$corpus" "$seeds" 2>&1 |
    tail -n 60 || status=$?
if [ "$status" -ne 0 ]; then
    find "$findings" -type f -size -8 -printf '%p in base64:\n' -exec base64 {} \;
fi
exit "$status"
