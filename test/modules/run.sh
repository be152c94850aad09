#!/usr/bin/env bash
# Run one test with a module from outside; skipped by name when scripts/modules could not get it.
# Usage: run.sh MODULES_TEST NAME
set -euo pipefail
program=$1 name=$2
here=$(cd "$(dirname "$0")" && pwd)
package=$here/../../build/modules/$name

if ! [ -f "$package/.sha512" ]; then
    reason=$(cat "$package.reason" 2>/dev/null || echo "not downloaded yet: scripts/modules")
    echo "skipped: $name ($reason)"
    exit 77
fi
if ! command -v node >/dev/null; then
    echo "skipped: $name (node is missing)"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node "$here/peer.mjs" prepare "$name" "$package" "$work"
"$program" "$name" "$package" "$work"
node "$here/peer.mjs" check "$name" "$package" "$work"

if [ "$name" = zstd ]; then
    if command -v zstd >/dev/null; then
        zstd -q -d -c "$work/out.zst" | cmp - "$work/text"
    else
        echo "note: zstd: no zstd command, so its output was read by the module alone"
    fi
fi
