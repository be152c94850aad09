# What the tests of the command share: a folder that goes at the end, guests out of hexadecimal
# digits, and checks that are counted. Sourced, with the command's path in $beamr.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# module NAME HEX...: write $work/NAME.wasm.
module() {
    local name=$1 hex
    shift
    hex=$(printf '%s' "$@")
    printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" >"$work/$name.wasm"
}

# check NAME EXIT-CODE STDOUT STDERR-PATTERN COMMAND...: what the command gives. STDOUT is exact, or
# a pattern when it begins with "~"; patterns are extended regular expressions that match some
# line, and an empty one means nothing at all.
check() {
    local name=$1 code=$2 out=$3 err=$4 got why=
    shift 4
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" = "$code" ] || why="exit code $got instead of $code"
    case $out in
    "~"*) grep -Eq -- "${out#\~}" "$work/out" || why="standard output lacks '${out#\~}'" ;;
    *) [ "$(cat "$work/out")" = "$out" ] || why="standard output is not '$out'" ;;
    esac
    if [ -z "$err" ]; then
        [ ! -s "$work/err" ] || why="standard error is not empty"
    else
        grep -Eq -- "$err" "$work/err" || why="standard error lacks '$err'"
    fi
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "failed: $name: $why"
        sed 's/^/    out: /' "$work/out"
        sed 's/^/    err: /' "$work/err"
    fi
}

# Print the counts.  Fails if a check did.
finish() {
    echo "$passed passed, $failed failed, 0 skipped"
    [ "$failed" -eq 0 ]
}
