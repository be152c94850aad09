#!/usr/bin/env bash
# The commands `beamr id` and `beamr message`, in right and wrong use.
#
# Usage: message_test.sh BEAMR
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

id() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "id: $name" "$code" "$out" "$err" "$beamr" id "$@"
}

message() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "message: $name" "$code" "$out" "$err" "$beamr" message "$@"
}

# ---- Ids ----

echo '{"a": "b"}' >"$work/ab.json"
echo '{"a": 1}' >"$work/integer.json"
echo '{"data": "hello"}' >"$work/data.json"
echo '{}' >"$work/empty.json"
echo 'a: b' >"$work/ab.flat"
printf 'a: b\n\n' >"$work/ab.http"
printf '{"a": "b", "priv": {"x": "y"}, "A": "b"' >"$work/cut.json"

id "of nothing" 0 VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ "" "$work/empty.json"
id "of a text" 0 UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 "" "$work/ab.json"
id "of flat text" 0 UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 "" "$work/ab.flat"
id "of HTTP fields" 0 UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 "" "$work/ab.http"
id "of a number" 0 np3stvTlJELQLgarP2Iw5NuN6oFI_iMfrglyWWsK3ME "" "$work/integer.json"
id "of a body" 0 y93TLapq53SCUI2fRxwyIM3S_wKFTX0pPywKujRR0Ug "" "$work/data.json"
id "all of an unsigned one" 0 "unsigned UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40" "" --all \
    "$work/ab.json"
check "id: from standard input" 0 UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 "" \
    bash -c 'echo "{\"a\": \"b\"}" | "$1" id -' - "$beamr"
id "of a damaged file" 2 "" "malformed" "$work/cut.json"
id "of a missing file" 2 "" "$work/none: No such file" "$work/none"
id "of no file" 2 "" "no file is given"
id "of two files" 2 "" "one file at a time" "$work/ab.json" "$work/ab.flat"
id "help" 0 "~^Usage: beamr id" "" --help

# ---- Signing and verifying ----

"$beamr" wallet new "$work/key.json" >"$work/address" 2>"$work/err" || cat "$work/err"
address=$(cat "$work/address")
signed=$work/signed.http
message "sign" 0 "" "" sign "$work/ab.json" --wallet "$work/key.json" -o "$signed"
message "verify" 0 "~^[A-Za-z0-9_-]{43} httpsig@1.0 rsa-pss-sha512 $address: valid$" "" \
    verify "$signed"
id "unsigned, of a signed one" 0 UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 "" --unsigned \
    "$signed"
id "all of a signed one" 0 "~^commitment [A-Za-z0-9_-]{43} httpsig@1.0 rsa-pss-sha512 $address$" "" \
    --all "$signed"
of_signature=$("$beamr" message verify "$signed" | sed -n 's/ httpsig@1.0 rsa-pss.*//p')
id "of the signature" 0 "$of_signature" "" "$signed"
sed 's/^a: b$/a: c/' "$signed" >"$work/changed.http"
message "verify a message that was changed" 1 "~: not valid: " "" verify "$work/changed.http"
sed 's/^\(signature: [^=]*=:\)..../\1AAAA/' "$signed" >"$work/forged.http"
message "verify a signature that was changed" 1 "~not valid" "" verify "$work/forged.http"
message "verify without a signature" 1 "" "there is no signature" verify "$work/ab.json"

message "as JSON" 0 '~"commitments":' "" convert "$signed" --to json
"$beamr" message convert "$signed" --to json -o "$work/signed.json"
message "verify from JSON" 0 "~: valid$" "" verify "$work/signed.json"
id "of JSON is the same" 0 "$of_signature" "" "$work/signed.json"
message "sign as ANS-104" 0 "" "" sign "$work/data.json" --wallet "$work/key.json" \
    --codec ans104@1.0 -o "$work/signed.item"
message "verify ANS-104" 0 "~ ans104@1.0 rsa-pss $address: valid$" "" verify "$work/signed.item"
message "show" 0 '~^data: "hello"$' "" show "$work/signed.item"
message "sign without a wallet" 2 "" "no wallet is given" sign "$work/ab.json"
message "sign with a wallet that is none" 2 "" "bad argument" sign "$work/ab.json" \
    --wallet "$work/ab.json"
message "sign with an unknown codec" 2 "" "." sign "$work/ab.json" --wallet "$work/key.json" \
    --codec no@1.0

# ---- Showing and converting ----

printf '{"esc": "\\u001b[31mred", "long": "%s", "k y": "q"}' "$(printf 'x%.0s' {1..500})" \
    >"$work/hostile.json"
message "show escapes" 0 '~^esc: binary of 8 bytes 1b5b33316d726564$' "" show "$work/hostile.json"
message "show shortens" 0 '~^long: text of 500 bytes "x{240}"\.\.\.$' "" show "$work/hostile.json"
message "show quotes keys" 0 '~^"k y": "q"$' "" show "$work/hostile.json"
message "convert to flat" 0 "a: b" "" convert "$work/ab.json" --to flat
message "convert to JSON" 0 '{"a":"b"}' "" convert "$work/ab.flat" --to json
message "convert to HTTP" 0 "~^a: b$" "" convert "$work/ab.flat" --to http
message "convert to nothing" 2 "" "no form is given" convert "$work/ab.flat"
message "convert to what does not exist" 2 "" "no form is called" convert "$work/ab.flat" --to xml
printf '{"a": "b\\r\\nx-evil: 1"}' >"$work/smuggle.json"
"$beamr" message convert "$work/smuggle.json" --to http -o "$work/smuggle.http"
message "a line break makes no field" 0 'a: "b\u000d\u000ax-evil: 1"' "" show "$work/smuggle.http"
printf 'a: b\na: c\n\n' >"$work/twice.http"
message "a field that comes twice" 2 "" "twice" show "$work/twice.http"
printf 'no colon\n\n' >"$work/bad.http"
message "a line that is no field" 2 "" "malformed" show "$work/bad.http"
printf '[1, 2]' >"$work/list.json"
message "a list is no message" 2 "" "JSON: an object is wanted" show "$work/list.json"
printf 'a: b\nc:d\n' >"$work/typo.flat"
message "a line that is not flat text" 2 "" "typo.flat: malformed message at byte 5 .*not .key: value" \
    show "$work/typo.flat"
message "... is passed over when that is asked for" 0 'a: "b"' "" show "$work/typo.flat" --format flat
printf '\377\376\000\001' >"$work/bytes"
message "any bytes are no message" 2 "" "malformed" sign "$work/bytes" --wallet "$work/key.json"
printf '{"a": 1,' >"$work/cut.json"
message "a position is told once" 2 "" "cut.json: malformed message at byte 8 .0x8.: JSON: " \
    show "$work/cut.json"
printf 'kept' >"$work/kept"
printf '{"a/b": "c"}' >"$work/slash.json"
message "what cannot be written" 1 "" "cannot be encoded: key .a/b." convert "$work/slash.json" --to flat -o "$work/kept"
check "message: ... leaves the output as it was" 0 "kept" "" cat "$work/kept"
message "an output that cannot be written" 3 "" "No such file" convert "$work/ab.json" --to flat \
    -o "$work/none/out"

# ---- The store ----

message "store" 0 "UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40" "" store "$work/ab.json" \
    --kv "$work/kv"
check "message: what was stored is resolved by its id" 0 "b" "" "$beamr" resolve \
    /UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40/a --kv "$work/kv"
check "message: ... and is a base" 0 "b" "" "$beamr" resolve /a \
    --base UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40 --kv "$work/kv"
message "store a signed one, in files" 0 "$of_signature" "" store "$signed" --kv "files:$work/files"
check "message: an id of a signature leads to it" 0 "b" "" "$beamr" resolve "/$of_signature/a" \
    --kv "files:$work/files"
check "message: a signature survives the store" 0 "true" "" "$beamr" resolve \
    "/$of_signature/verify" --kv "files:$work/files"
message "store without a store" 2 "" "no store is given" store "$work/ab.json"
message "store where nothing can be" 2 "" "." store "$work/ab.json" --kv "$work/none/kv"

message "nothing to do" 2 "" "what to do is missing"
message "an unknown verb" 2 "" "not one of sign" frobnicate "$work/ab.json"
message "no file" 2 "" "no file is given" verify
message "a wallet is not what verify looks at" 2 "" "--wallet means nothing here" \
    verify "$signed" --wallet "$work/key.json"
message "an unknown kind of store" 2 "" "file:" store "$work/ab.json" --kv "file:$work/kv"
message "an unknown option" 2 "" "--help" verify --nope "$work/ab.json"
message "help" 0 "~^Usage: beamr message sign" "" --help
message "help of a verb" 0 "~^Usage: beamr message sign" "" verify --help

finish
