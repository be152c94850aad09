#!/usr/bin/env bash
# Code for AArch64, run under an emulator by a stand-in for the runtime (aarch64.c), gives what the
# interpreter gives here: so its relocations are right, and its calls are as abi/context.h says.
#
# Usage: aarch64_test.sh BEAMR
set -u

beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../cli/check.bash"

for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: code for AArch64 ($tool is not installed)"
        exit 77
    fi
done
if ! aarch64-linux-gnu-gcc -static -x c -o "$work/run" - <<<'int main(void) { return 0; }' \
    2>"$work/err"; then
    echo "skipped: code for AArch64 ($(head -n 1 "$work/err"))"
    exit 77
fi
aarch64-linux-gnu-gcc -std=gnu11 -O1 -static -I "$here/../../src" -I "$here/../../include" \
    "$here/aarch64.c" -o "$work/run" || exit 1
cd "$work" || exit 1

# aarch64.wat in binary form.
module guest \
0061736d0100000001110260017e017e60047e7f7b7c047e7f7b7c030b0a00000000000000000001040501700104 \
0405030100010606017e0142050b07560a066d656d6f7279020003666962000005666c6f6174000106676c6f6261 \
6c0002057461626c650003076d656d6f72795f000406766563746f720005077365766572616c0006066469766964 \
650007046465657000080909010041000b030001020a9f040a1c002000420253047e200005200042017d10002000 \
42027d10007c0b0b4101017c2000b99f2101446957148b0abf05402001449a9999999999f13fa2a5bd20014400a0 \
d88557347643a2fc06200144333333333333d3bfa3b690bcad7c850b12002300200085420d892400230020007b7c \
0b3f0002400240024002402000a70e080001020300020301030b42ef9baf8589cf959a120f0b420b41001100000f \
0b42e30041011100000f0b200041021100000b4d02017f017e0340200141037420002001ad7e370308200120013a \
00462001430000a03f3802b817200220012903007c2102200220013201b9177c2102200141016a220141ac02490d \
000b20020ba10101017b2000fd12210141102001fd0c04030201080706050c0b0a09100f0e0dfd0d001102130415 \
06170f0e0d0c0b0a0908fd0b04004110fd0004002001fd0c01000200030004000500060007000800fd8e01fdba01 \
21012001fd0c03020100070605040f100d0cff0a0908fd0e210120012001fdfa01fd0c0000c03f000000c00000c0 \
7f00000000fde801fd5121012001fd1d002001fd1d012001fd64ad7c7c0b3d03017c017b017f20004103fd0c0700 \
000000000000080000000000000044000000000000e03f10092101210221032003ac7c2002fd1d017c2001bd7c0b \
1000428080808080808080807f20007f0b09004201200010087c0b2100200042037e410020016b20022000fd12fd \
ce012003449a9999999999b93fa20b
functions=(fib float global table memory_ vector several divide deep)

# same FUNCTION ARGUMENT...: each object gives what the interpreter gives.
same() {
    local index n object
    for index in "${!functions[@]}"; do
        [ "${functions[index]}" = "$1" ] && break
    done
    for n in "${@:2}"; do
        expected=$("$beamr" run --tier interpret guest.wasm --invoke "$1" -- "$n" 2>&1)
        case $expected in
        *"divide by zero"*) expected="trap 7" ;; # beamr_trap
        *"integer overflow"*) expected="trap 8" ;;
        *"stack exhausted"*) expected=exhausted ;;
        esac
        for object in plain checks metering; do
            check "aarch64: $1 $n, $object" 0 "$expected" "" \
                qemu-aarch64 ./run "$object.obj" "$index" "$n"
        done
    done
}

check "aarch64: compile" 0 "" "" "$beamr" compile --target aarch64 guest.wasm -o plain.obj
for option in checks metering; do
    check "aarch64: compile, $option" 0 "" "" \
        "$beamr" compile --target aarch64 "--$option" guest.wasm -o "$option.obj"
done
same fib 0 20
same float 0 7 -1 1000000007
same global 9 -123456789
same table 0 1 2 4 7 100
same memory_ 77 -1
same vector 0 -1 123456789012
same several 9 -9
same divide 7 0 -1
same deep 1

finish
