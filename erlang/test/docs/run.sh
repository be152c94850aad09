#!/usr/bin/env bash
# What docs/erlang.md and README.md show of Erlang is so.
#
# Usage: run.sh BUILD-FOLDER
# Ends with 77 where what it needs is not installed.
set -euo pipefail
build=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
    echo "skipped: erlang: docs/erlang.md ($*)"
    exit 77
}

command -v escript >/dev/null || skip "escript is missing"
for module in calculator ledger; do
    cp "$build/examples/$module.wasm" "$work" || skip "$module.wasm was not built"
done
cd "$work"
ERL_LIBS=$build/erlang escript "$here/page.escript" "$root/docs/erlang.md" "$root/README.md"
