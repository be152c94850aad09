#!/usr/bin/env bash
# The command `beamr resolve`, in right and wrong use.
#
# Usage: resolve_test.sh BEAMR
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

resolve() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "resolve: $name" "$code" "$out" "$err" "$beamr" resolve "$@"
}

# same NAME FILE FILE: equal bytes.
same() {
    if cmp -s "$2" "$3"; then
        passed=$((passed + 1))
        echo "ok: $1"
    else
        failed=$((failed + 1))
        echo "failed: $1"
    fi
}

cat >"$work/user.json" <<'EOF'
{"user": {"name": "Ada", "age": 36, "langs": ["C", "Erlang"]}, "greeting": "hello", "ok": true}
EOF
printf 'greeting: hello\nuser/name: Ada\n' >"$work/user.flat"
printf 'greeting: hello\ncontent-type: text/plain\n\nthe body\n' >"$work/user.http"

# ---- Values ----

resolve "a key of the request" 0 "v" "" '/k?k=v'
resolve "a word is a key" 0 "v w" "" k 'k=v w'
resolve "a typed key of the query" 0 7 "" '/k?k+integer=7'
resolve "a number" 0 5 "" n n:=5
resolve "a boolean" 0 true "" b b:=true
resolve "an atom names its type" 0 "maybe (atom)" "" '/a?a+atom=maybe'
resolve "a float" 0 1.5 "" f f:=1.5
resolve "a float that is whole has a point" 0 15.0 "" f f:=15.0
resolve "and as JSON" 0 15.0 "" f f:=15.0 --json
resolve "a list as JSON" 0 '[1, 2.0, "x", true, null]' "" l 'l:=[1,2.0,"x",true,null]' --json
resolve "a message in a list as JSON" 0 '[{"a":"b"}]' "" l 'l:=[{"a":"b"}]' --json
printf 'raw\033[1m\0bytes' >"$work/raw"
"$beamr" resolve data "data=@$work/raw" >"$work/got" 2>"$work/err"
same "resolve: a file's bytes come out as they are" "$work/got" "$work/raw"

# ---- A base ----

resolve "a nested key" 0 "Ada" "" /user/name --base "$work/user.json"
resolve "options may come first" 0 "Ada" "" --base "$work/user.json" user/name
resolve "keys without case" 0 "Ada" "" /USER/Name --base "$work/user.json"
resolve "an item of a list" 0 "Erlang" "" /user/langs/2 --base "$work/user.json"
resolve "a base of flat text" 0 "Ada" "" /user/name --base "$work/user.flat"
resolve "a base of HTTP fields" 0 "the body" "" /body --base "$work/user.http"
resolve "a form that is forced" 0 "hello" "" /greeting --base "$work/user.flat" --format flat
check "resolve: a base from standard input" 0 "Ada" "" \
    bash -c '"$1" resolve /user/name --base - <"$2"' - "$beamr" "$work/user.json"
resolve "a message, one key a line" 0 'age: 36
langs: list of 2
  1: "C"
  2: "Erlang"
name: "Ada"' "" /user --base "$work/user.json"
resolve "a message as JSON" 0 '~"name":"Ada"' "" /user --base "$work/user.json" --json
resolve "a literal as JSON" 0 '"Ada"' "" /user/name --base "$work/user.json" --json
resolve "a message as HTTP fields" 0 '~^age: 36$' "" /user --base "$work/user.json" --headers
resolve "a literal as HTTP fields" 0 '~^ao-result: body$' "" /user/name --base "$work/user.json" \
    --headers
resolve "set, and read again" 0 "9" "" '/set&x=9/x' --base "$work/user.json"
resolve "set below a path" 0 "Bob" "" '/set/user/name' --base "$work/user.json" 'user/name=Bob'
resolve "remove" 1 "" "error: not_found" '/remove&item=greeting/greeting' --base "$work/user.json"

# ---- Keys of the base, and of a request that is a file ----

echo '{"Path": "/user/name?x=1", "greeting": "good morning"}' >"$work/request.json"
resolve "the path of a file" 0 "Ada" "" --request "$work/request.json" --base "$work/user.json"
resolve "another path than the file's" 0 "good morning" "" --request "$work/request.json" greeting
resolve "words beside a file" 0 "hi" "" --request "$work/request.json" greeting greeting=hi
resolve "a file without a path" 2 "" "user.json: .*it has no key .path., and no path is given" \
    --request "$work/user.json"
resolve "a request that is missing" 2 "" "$work/none: No such file" --request "$work/none"
resolve "a key of the base" 0 "Bob" "" /user/name --base "$work/user.json" '0.user:={"name":"Bob"}'
resolve "a key below one of the base" 0 "Bob" "" /user/name --base "$work/user.json" 0.user/name=Bob
resolve "which leaves the others there" 0 "36" "" /user/age --base "$work/user.json" 0.user/name=Bob
resolve "which the request does not get" 0 "1" "" '/set&b=1/b' --base "$work/user.json" 0.b=2

# ---- Options of the node ----

resolve "an option" 0 "Ada" "" /user/name --base "$work/user.json" --option wasm_timeout=1000
resolve "an unknown option of the node" 2 "" "no option of the node is called 'wasm_time'; these are: .*wasm_timeout" \
    k k=v --option wasm_time=1
resolve "an option that is no number" 2 "" "the option wasm_timeout is a number, not '1s'" \
    k k=v --option wasm_timeout=1s
resolve "an option that is neither true nor false" 2 "" "wasm_allow_aot is true or false" \
    k k=v --option wasm_allow_aot=yes
resolve "an option without a value" 2 "" "'wasm_timeout' is not NAME=VALUE" k k=v --option wasm_timeout

# ---- Devices ----

resolve "a device" 0 "GOOD_FUNCTION" "" '~test-device@1.0/test-func'
resolve "a device in a key" 0 "GOOD_FUNCTION" "" test-func device=test-device@1.0
resolve "a device in a key as paths have it" 0 "GOOD_FUNCTION" "" test-func 'device=~test-device@1.0'
resolve "names have no case, - is _" 0 "GOOD_FUNCTION" "" '~Test-Device@1.0/test_func'
resolve "a device on a base" 0 '~"greeting":"hello"' "" '~json@1.0/serialize/body' \
    --base "$work/user.flat"
resolve "a device with typed arguments" 0 '~1: 42' "" '~test-device@1.0/mul/results' 'args:=[6, 7]'
resolve "an answer that comes later" 0 'late' "" '~test-device@1.0/delay&duration=30' 'return=late'
resolve "a path as a value" 0 "GOOD_FUNCTION" "" '/k?k+resolve=/~test-device@1.0/test-func'

# ---- Errors ----

resolve "no such key" 1 "" 'error: not_found: there is no `nope` in the base$' /nope --base "$work/user.json"
resolve "no such key further on" 1 "" 'not_found: there is no `nope` in /user$' /user/nope/more \
    --base "$work/user.json"
resolve "a key of a text" 1 "" 'there is no `1` in /user/name, which is the text: Ada$' /user/name/1 \
    --base "$work/user.json"
resolve "an id that is not stored" 1 "" "not_found: nothing is stored under this id$" \
    "/$(printf 'a%.0s' {1..43})" --kv memory
resolve "a private key" 1 "" "error: not_found" /priv/x
resolve "an error of a device" 1 "" "^beamr resolve: error 400: " \
    '~test-device@1.0/compute'
resolve "an error of a device as JSON" 1 '~"status":"400"' "^beamr resolve: error 400: " \
    '~test-device@1.0/compute' --json
resolve "no such device" 1 "" "not found" '~no-such@1.0/x'
resolve "a path without end of its brackets" 2 "" "byte|malformed" '/a/%zz'
resolve "a segment that is too long" 2 "" "." "/$(printf 'a%.0s' {1..600})"
resolve "no path" 2 "" "no path is given"
resolve "a word without =" 2 "" "'word' is not KEY=VALUE" k word
resolve "a word without a key" 2 "" "is not KEY=VALUE" k =v
resolve "JSON that is none" 2 "" "malformed" k 'k:={'
resolve "JSON with more behind it" 2 "" "." k 'k:=1,"b":2'
resolve "a missing file of a word" 2 "" "$work/none: No such file" k "k=@$work/none"
resolve "a missing base" 2 "" "$work/none: No such file" k --base "$work/none"
printf '{"a": ' >"$work/cut.json"
resolve "a base that is damaged" 2 "" "cut.json: malformed message at byte 6 .0x6.: JSON: " k \
    --base "$work/cut.json"
resolve "JSON that is cut off" 2 "" "malformed message at byte 4 .0x4.: JSON: " k 'k:=[1,'
resolve "two forms at once" 2 "" "both --json and --headers" k k=v --json --headers
resolve "a base and an id" 2 "" "begins with an id" /VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ/k \
    --base "$work/user.json"
resolve "an unknown form" 2 "" "no form is called 'xml'" k --base "$work/user.json" --format xml
resolve "an unknown option" 2 "" "--help" k --nope
resolve "a store of an unknown kind" 2 "" "." k --kv "files:"
resolve "help" 0 "~^Usage: beamr resolve" "" --help
if [ -e /dev/full ]; then
    check "resolve: a full disk" 1 "" "writing to stdout failed" \
        bash -c '"$1" resolve k k=v >/dev/full' - "$beamr"
fi

# What others wrote does not reach a terminal: the text of an error is escaped.
resolve "an escape sequence in an error" 1 "" 'u001b\[31mred' "$(printf '~\033[31mred@1.0/x')"

if command -v script >/dev/null; then
    check "resolve: a text ends its line on a terminal" 0 $'v\r' "" \
        script -qec "$beamr resolve k k=v" /dev/null
fi

# ---- The store ----

resolve "an id without a store" 2 "" "an id needs a store: --kv DIR" /VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ/k
resolve "an id that is not stored" 1 "" "." /VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ/k \
    --kv "$work/kv"

finish
