#!/usr/bin/env bash
# What gets installed is enough: the README's C program compiles against it, shared and static,
# and prints what the README says; likewise the program of docs/ao.md and the examples of a device and
# of a process with the AO library; the application for Erlang starts, where it is installed; the
# shared libraries show beamr_* symbols, and ao_* ones, and the driver its entry, and no others.
# Usage: install.sh BUILD-FOLDER C-COMPILER
set -euo pipefail
build=$1 cc=$2
passed=0 failed=0
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

# expect NAME FILE FILE: the two are equal.
expect() {
    if diff -u "$2" "$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $1"
    fi
}

if ! cmake --install "$build" --prefix "$prefix" >"$prefix/log" 2>&1; then
    cat "$prefix/log"
    echo "failed: install"
    exit 1
fi
library=$(dirname "$(find "$prefix" -name 'libbeamr.so')")

# The command finds its compiler there: it would say so if it had to interpret.
if [ -x "$build/beamr-compile" ]; then
    for tier in interpret native; do
        (unset BEAMR_COMPILE && "$prefix/bin/beamr" run --tier "$tier" \
            "$build/examples/calculator.wasm" --invoke last_error) >"$prefix/$tier.out" 2>&1 || true
    done
    expect "the installed compiler" "$prefix/interpret.out" "$prefix/native.out"
fi

# The README: the program in its first block of C, and the output in the block below it.
awk '/^```c$/ { on = 1; next } /^```/ { if (on) exit } on' README.md >"$prefix/program.c"
awk '/^```c$/ { after = 1; next } /^```/ { if (after) n++; next } after && n == 2' README.md |
    sed -n '/^\$ .\/program/,$p' | sed 1d >"$prefix/expected"
if ! [ -s "$prefix/program.c" ] || ! [ -s "$prefix/expected" ]; then
    echo "failed: README.md has no program, or no output of it"
    exit 1
fi
flags=(-std=gnu11 -Wall -Wextra -Werror "$prefix/program.c" -I"$prefix/include")
"$cc" "${flags[@]}" -L"$library" -lbeamr -Wl,-rpath,"$library" -o "$prefix/shared"
"$cc" "${flags[@]}" "$library/libbeamr.a" -lcrypto -lm -lpthread -o "$prefix/static"
for kind in shared static; do
    "$prefix/$kind" >"$prefix/$kind.out" 2>&1 || true
    expect "the README's program, $kind" "$prefix/expected" "$prefix/$kind.out"
done
# The second library: the program of docs/ao.md, and the example device, do the same from what is
# installed.
awk '/^```c$/ { on = 1; next } /^```/ { if (on) exit } on' docs/ao.md >"$prefix/program.c"
awk '/^```c$/ { after = 1; next } /^```/ { if (after) n++; next } after && n == 2' docs/ao.md |
    sed -n '/^\$ .\/program/,$p' | sed 1d >"$prefix/expected"
if ! [ -s "$prefix/program.c" ] || ! [ -s "$prefix/expected" ]; then
    echo "failed: docs/ao.md has no program, or no output of it"
    exit 1
fi
ao_static=("$library/libbeamr-ao.a" "$library/libbeamr.a" -llmdb -ljansson -lcrypto -lm)
flags=(-std=gnu11 -Wall -Wextra -Werror "$prefix/program.c" -I"$prefix/include")
"$cc" "${flags[@]}" -L"$library" -lbeamr-ao -lbeamr -Wl,-rpath,"$library" -o "$prefix/shared"
"$cc" "${flags[@]}" "${ao_static[@]}" -o "$prefix/static"
for kind in shared static; do
    "$prefix/$kind" >"$prefix/$kind.out" 2>&1 || true
    expect "the program of docs/ao.md, $kind" "$prefix/expected" "$prefix/$kind.out"
done
flags=(-std=gnu11 -Wall -Wextra -Werror examples/device/device.c -I"$prefix/include")
"$cc" "${flags[@]}" -L"$library" -lbeamr-ao -lbeamr -lpthread -Wl,-rpath,"$library" \
    -o "$prefix/shared"
"$cc" "${flags[@]}" "${ao_static[@]}" -lpthread -o "$prefix/static"
"$build/examples/device" >"$prefix/expected"
for kind in shared static; do
    "$prefix/$kind" >"$prefix/$kind.out" 2>&1 || echo "it failed" >>"$prefix/$kind.out"
    expect "the example device, $kind" "$prefix/expected" "$prefix/$kind.out"
done
flags=(-std=gnu11 -Wall -Wextra -Werror examples/process/process.c -I"$prefix/include")
"$cc" "${flags[@]}" -L"$library" -lbeamr-ao -lbeamr -Wl,-rpath,"$library" -o "$prefix/shared"
"$cc" "${flags[@]}" "${ao_static[@]}" -lpthread -o "$prefix/static"
ledger=$build/examples/ledger.wasm
"$build/examples/process" "$ledger" >"$prefix/expected"
for kind in shared static; do
    "$prefix/$kind" "$ledger" >"$prefix/$kind.out" 2>&1 || echo "it failed" >>"$prefix/$kind.out"
    expect "the example process, $kind" "$prefix/expected" "$prefix/$kind.out"
done

"$prefix/bin/beamr" --version >"$prefix/version"
sed -nE 's/^project\(beamr VERSION ([0-9.]+).*/beamr \1/p' CMakeLists.txt >"$prefix/expected"
expect "version" "$prefix/expected" "$prefix/version"

: >"$prefix/expected"
nm -D --defined-only "$library/libbeamr.so" | awk '{ print $3 }' | grep -v '^beamr_' \
    >"$prefix/symbols" || true
expect "symbols of the shared library" "$prefix/expected" "$prefix/symbols"
nm -D --defined-only "$library/libbeamr-ao.so" | awk '{ print $3 }' | grep -vE '^(beamr|ao)_' \
    >"$prefix/symbols" || true
expect "symbols of the shared AO library" "$prefix/expected" "$prefix/symbols"

driver=$(find "$prefix/lib/erlang" -name hb_beamr.so 2>/dev/null || true)
if [ -n "$driver" ] && command -v erl >/dev/null; then
    echo '[120.0]' >"$prefix/expected"
    ERL_LIBS=$prefix/lib/erlang/lib erl -noinput -eval '
        {ok, Pid, _, _} = hb_beamr:start(beamr_bench_guests:calls()),
        {ok, Results} = hb_beamr:call(Pid, <<"fac">>, [5]),
        io:format("~p~n", [Results]), halt().' >"$prefix/erlang.out" 2>&1 || true
    expect "the application for Erlang" "$prefix/expected" "$prefix/erlang.out"
    echo driver_init >"$prefix/expected"
    nm -D --defined-only "$driver" | awk '{ print $3 }' >"$prefix/symbols"
    expect "symbols of the driver" "$prefix/expected" "$prefix/symbols"
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
