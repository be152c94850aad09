#!/usr/bin/env bash
# docs/limits.md says what the source says.
set -euo pipefail
page=docs/limits.md
passed=0 failed=0

commas() {
    sed -E ':a;s/([0-9])([0-9]{3})(,|$)/\1,\2\3/;ta' <<<"$1"
}

# has NUMBER TEXT: the page has a row that begins with both.
has() {
    if grep -qF "| $(commas "$1") | $2" "$page"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $page has no row for $(commas "$1") $2"
    fi
}

# constant FILE NAME: the number behind the name of a macro.
constant() {
    sed -nE "s/^#define $2 (UINT64_C\()?([0-9]+)u?\)?.*/\2/p" "$1"
}

rows=0
while IFS='|' read -r value text; do
    rows=$((rows + 1))
    has "$value" "$text |"
done < <(sed -nE 's/^WB_LIMIT\([A-Z_0-9]+, *([0-9]+)u, *"(.*)"\)$/\1|\2/p' src/wasm/limits.def)
if [ "$rows" -ne "$(grep -c '^WB_LIMIT(' src/wasm/limits.def)" ]; then
    failed=$((failed + 1))
    echo "failed: not every row of limits.def could be read"
fi

# A row too many in the first table.
listed=$(sed -n '/^## Of a module/,/^## While/p' "$page" | grep -cE '^\| [0-9,]+ \|')
if [ "$listed" -ne "$rows" ]; then
    failed=$((failed + 1))
    echo "failed: $page lists $listed limits of modules, limits.def $rows"
fi

has "$(constant src/abi/instance.h ABI_MEMORY_MAX_PAGES)" "pages of 64 KiB in a memory (16 GiB) |"
has "$(constant src/abi/instance.h ABI_TABLE_MAX_ELEMENTS)" "elements in a table |"
IFS='{}, ' read -r _ pages elements instances _ _ _ nesting bytes _ < <(
    grep '^#define BEAMR_STORE_LIMITS_DEFAULT' include/beamr/store.h | sed 's/^[^{]*{/x{/')
has "$pages" "pages of 64 KiB in a memory (16 GiB) |"
has "$elements" "elements in a table |"
has "$instances" "instances in a store |"
has "$nesting" "entries from C below which others are active |"
has "${bytes%ull}" "GiB of memories, tables and element segments together |"
units=$(sed -nE 's/^#define BEAMR_STORE_LIMITS_DEFAULT .*, ([0-9]+)u << ([0-9]+),.*/\1 \2/p' \
    include/beamr/store.h)
read -r one shift <<<"$units"
has $((one << shift)) "stack units of nested guest calls |"
frame=$(constant src/wasm/module.h WB_UNITS_FRAME)
if grep -q "A guest call takes $frame stack units" "$page"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "failed: $page does not say that a call takes $frame stack units"
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
