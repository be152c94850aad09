#!/usr/bin/env bash
# MuJS, an interpreter of JavaScript, from Debian's source. Each exception of JavaScript is a
# longjmp.
# Usage: mujs_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

cat >"$work/tour.js" <<'JS'
try { missing() } catch (e) { print(e.name, e.message) }
function thrower(n) { if (n == 0) throw { code: 5 }; return thrower(n - 1) }
try { thrower(20) } catch (e) { print(e.code) } finally { print('finally') }
var caught = 0
for (var i = 0; i < 3000; ++i) try { null.x } catch (e) { ++caught }
print(caught, JSON.stringify({ a: [1, 2.5, 'x'], b: null }))
print([3, 1, 10, 2].sort(function (a, b) { return b - a }).map(function (x) { return x * x }))
print(/(\d+)-(\w+)/.exec('on 2024-may').slice(1), 'a,b,c'.split(',').length, 1 / 3)
print(new Date(86400000 * 365).toISOString(), Math.max.apply(null, [1, 7, 3]))
write('no newline'); print('')
print(read('tour.js').length > 100, scriptArgs.length)
quit(4)
JS
tour="ReferenceError 'missing' is not defined
5
finally
3000 {\"a\":[1,2.5,\"x\"],\"b\":null}
100,9,4,1
2024,may 3 0.3333333333333333
1971-01-01T00:00:00.000Z 7
no newline
true 1"

echo 'undefined.x' >"$work/bad.js"
if downloaded mujs mujs &&
    built mujs -D_WASI_EMULATED_PROCESS_CLOCKS "${by_exception[@]}" -- "$modules/mujs/one.c" \
        "$modules/mujs/main.c" "$here/missing.c" "$runtime/setjmp.c" "$runtime/tags.S" -- \
        -lm -lwasi-emulated-process-clocks; then
    check "mujs: exceptions, JSON, sorting, regular expressions, dates" 4 "$tour" "" \
        "$beamr" run --dir "$work::/" "$programs/mujs.wasm" tour.js argument
    check "mujs: an exception that nobody catches" 1 "" "TypeError" \
        "$beamr" run --dir "$work::/" "$programs/mujs.wasm" bad.js
fi
finish
