#!/usr/bin/env bash
# The command lines of docs/ao.md give what stands below them there.
#
# Usage: ao_docs_test.sh BEAMR
# In blocks that begin with ```console, "$ " begins a command, and what follows is all of its
# output, errors included.
set -u

beamr=$(realpath "$1")
page=$(realpath docs/ao.md)
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
mkdir "$work/bin" "$work/run"
ln -s "$beamr" "$work/bin/beamr"
PATH=$work/bin:$PATH
cd "$work/run" || exit 1

# try COMMAND EXPECTED
try() {
    local got
    got=$(bash -c "$1" 2>&1 </dev/null)
    if [ "$got" = "$2" ]; then
        passed=$((passed + 1))
        echo "ok: $1"
    else
        failed=$((failed + 1))
        echo "failed: $1"
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$got") | sed 's/^/    /'
    fi
}

command='' expected='' is_on=0
while IFS= read -r line; do
    case $is_on$line in
    '0```console') is_on=1 ;;
    '1```' | '1$ '*)
        [ -z "$command" ] || try "$command" "${expected%$'\n'}"
        command='' expected=''
        [ "$line" = '```' ] && is_on=0 || command=${line#\$ }
        ;;
    1*) expected+=$line$'\n' ;;
    esac
done <"$page"
[ "$passed" -gt 0 ] || failed=$((failed + 1))
finish
