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

# ---- Guests ----

# numbers FILE MACRO: what stands in its braces, each number with its shift, if any, and no suffix.
numbers() {
    sed -n "/^#define $2 /,/}/p" "$1" | tr -d '\\\n' | sed -E 's/.*\{(.*)\}.*/\1/; s/(ull|u)\b//g; s/ << /<</g; s/,/ /g; s/$/\n/'
}

# enumerator FILE NAME
enumerator() {
    sed -nE "s/.*\b$2 = ([0-9]+( << [0-9]+)?)[, ].*/\1/p" "$1"
}

read -r bytes file_size nodes name path depth < <(numbers include/beamr/vfs.h BEAMR_VFS_LIMITS_DEFAULT)
has "$((bytes >> 30)) GiB" "bytes of contents, names and targets of links together |"
has "$((file_size >> 30)) GiB" "bytes of a file |"
has $((nodes)) "files, directories and links, those included"
has "$name" "bytes of a name |"
has "$path" "bytes of a path, and of a link's target |"
most=$(constant src/guest/vfs.c DEPTH_MOST)
has "$depth" "directories below each other; $(commas "$most") at most |"
has "$(constant src/guest/vfs_walk.c MOST_LINKS)" "links followed in one path; fixed |"

state=src/guest/system_state.h
has "$(commas "$(enumerator $state SYSTEM_MAX_OPEN)"); $(commas "$(enumerator $state SYSTEM_MAX_OPEN_MOST)") at most" \
    "open descriptors (\`max_open\`) |"
has "$(enumerator $state SYSTEM_MAX_IOVS)" "buffers of one call that reads or writes |"
has "$(($(sed -nE 's/^#define SYSTEM_MAX_TRANSFER UINT64_C\((.*)\)/\1/p' $state)))" "bytes that one such call transfers |"
has "$(($(enumerator $state SYSTEM_MAX_TEXTS) >> 20)) MiB" "of arguments; of environment |"
has "$(enumerator src/guest/wasi_poll.c MOST)" "subscriptions of one \`poll_oneoff\`, descriptors of one \`poll\` |"
has "$(enumerator src/guest/env_poll.c POLL_MAX)" "subscriptions of one \`poll_oneoff\`, descriptors of one \`poll\` |"
has "$(enumerator src/guest/env_poll.c SELECT_MAX)" "descriptors of one \`select\` |"
has "$(($(sed -nE 's/^#define GUEST_CXX_CAUGHT_MAX \(\(size_t\)(.*)\)$/\1/p' src/guest/cxx.h)))" \
    "C++ exceptions caught at once, by \`invoke_*\` |"
has "$(($(sed -nE 's/^#define OBJECT_MAX \(UINT64_C\(1\) (.*)\)$/1 \1/p' src/guest/cxx_object.c)))" \
    "bytes of a C++ exception, by \`invoke_*\` |"

read -r bytes depth values < <(numbers include/beamr/json.h BEAMR_JSON_LIMITS_DEFAULT)
has "$((bytes >> 20)) MiB" "a JSON text, read or written |"
has "$depth; $(constant include/beamr/json.h BEAMR_JSON_DEPTH_MAX) at most" "lists and maps within each other |"
has "$values" "values in a JSON tree |"
has "$(($(enumerator src/guest/values.c MAX_BYTES_DEFAULT) >> 20)) MiB" "text or bytes that are read from a guest |"

# ---- AO messages ----

read -r depth keys bytes < <(sed -n '/^#define AO_LIMITS_DEFAULT/,/^$/p' include/beamr/ao/message.h |
    tr -d '\\\n' | sed -E "s/.*\{ *(.*) *\}.*/\1/; s/AO_DEPTH_MAX/$(constant include/beamr/ao/message.h AO_DEPTH_MAX)/
        s/\(size_t\)//; s/ << /<</; s/,/ /g; s/$/\n/")
has "$depth; $(constant include/beamr/ao/message.h AO_DEPTH_MAX) at most" "messages and lists within each other |"
has "$keys" "keys and items of lists in a message |"
has "$((bytes >> 30)) GiB" "keys and values of a message |"
has "$(constant include/beamr/ao/value.h AO_NAME_MAX)" "bytes in a key or an atom |"
has "$(constant include/beamr/ao/value.h AO_INTEGER_DIGITS_MAX)" "digits in an integer |"
has "$(constant src/ao/path.h PATH_TEXT_MAX)" "bytes in a path with its query |"
has "$(constant src/ao/path.h PATH_SEGMENT_MAX)" "bytes in a segment of a path |"
has "$(constant src/ao/path.h PATH_PARTS_MAX)" "segments and inline keys in a path |"
has "$(constant src/ao/path.h PATH_NESTING_MAX)" "parentheses within each other |"
has "$(constant include/beamr/ao/context.h AO_RESOLVE_DEPTH)" "resolutions within each other |"
has "$(constant include/beamr/ao/context.h AO_RESOLVE_STEPS)" "requests in a resolution, with"
has "$(constant src/codec/httpsig.h HTTPSIG_HEADER_MAX)" "bytes in a header field of HTTP; longer"
has "$(constant src/codec/httpsig.h HTTPSIG_SIGNATURES_MAX)" "signatures of an HTTP message |"
has "$(constant src/codec/httpsig.h HTTPSIG_PARTS_MAX)" "parts of a multipart body |"
has "$(constant src/kv/kv.h KV_KEY_MAX)" "bytes in a key of a store |"
has "$(($(sed -nE 's/^#define KV_VALUE_MAX \(\(size_t\)([0-9a-fx]+)\).*/\1/p' src/kv/kv.h)))" "bytes in a value of a store |"
has "$(constant src/ao/store.h AO_STORE_INLINE_MAX)" "bytes in a binary that is stored within its message |"
has "$(constant src/ao/hashpath.h AO_CHAIN_MAX)" "results in a chain whose hashpath"
has "$(constant src/device/delay.h DELAY_MAX_MS)" "milliseconds of a \`delay\` of"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
