#!/usr/bin/env bash
# The command `beamr wallet`: what it makes, and what it leaves alone.
#
# Usage: wallet_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed.
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

wallet() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "wallet: $name" "$code" "$out" "$err" "$beamr" wallet "$@"
}

cd "$work" || exit 1
mkdir folder
umask 0 # the mode is the command's own

wallet "new prints an address" 0 "~^[A-Za-z0-9_-]{43}$" "" new folder/w.json
address=$(cat out)
wallet "address prints the same" 0 "$address" "" address folder/w.json
check "wallet: address of standard input" 0 "$address" "" \
    bash -c '"$0" wallet address - <folder/w.json' "$beamr"
check "wallet: only the owner can read it" 0 600 "" stat -c %a folder/w.json
check "wallet: it is one line" 0 1 "" bash -c 'wc -l <folder/w.json'
check "wallet: nothing else is left in the folder" 0 w.json "" ls -A folder

sum=$(sha256sum folder/w.json)
wallet "an existing file is left alone" 2 "" "folder/w.json: File exists" new folder/w.json
ln -s nowhere folder/link
wallet "so is a link that leads nowhere" 2 "" "folder/link: File exists" new folder/link
check "wallet: the file is unchanged" 0 "$sum" "" sha256sum folder/w.json
wallet "a folder that is missing" 2 "" "none/w.json: No such file" new none/w.json
wallet "not to standard output" 2 "" "not to standard output" new -

wallet "address of no file" 2 "" "none.json: No such file" address none.json
echo '{"kty":"RSA"' >broken.json
wallet "address of broken JSON" 2 "" "broken.json: bad argument at byte .*no JWK" address broken.json
sed 's/,"d":.*/}/' folder/w.json >public.json
wallet "address of a public key" 2 "" "a public key only" address public.json

wallet "no action" 2 "" "neither .new. nor .address. is given"
wallet "an unknown action" 2 "" "'show' is neither" show folder/w.json
wallet "no file" 2 "" "no file is given" new
wallet "two files" 2 "" "one file at a time" address a b
wallet "an unknown option" 2 "" "unrecognized option" --bits 2048
wallet "--help" 0 "~^Usage: beamr wallet new FILE" "" --help

finish
