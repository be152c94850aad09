# What the tests that run programs share, beside test/cli/check.bash: skipping by name, input, and
# expected output from files. Sourced, with the command's path in $beamr.

source "$(dirname "${BASH_SOURCE[0]}")/../cli/check.bash"
expected=$(dirname "${BASH_SOURCE[0]}")/expected
skipped=0

# skip NAME WHY
skip() {
    skipped=$((skipped + 1))
    echo "skipped: $1 ($2)"
}

# has NAME FILE WHY: whether the file is there; skips by name if not.
has() {
    [ -f "$2" ] && return
    skip "$1" "$3"
    return 1
}

# input TEXT COMMAND...: with this on its standard input; \n as printf has it.
input() {
    local text=$1
    shift
    printf '%b' "$text" | "$@"
}

# Print the counts. Fails if a check did; 77 if all was skipped.
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] || exit 1
    [ "$passed" -gt 0 ] || exit 77
}
