#!/usr/bin/env bash
# Yosys, a compiler for circuits: 31 MB of C++, with a SAT solver.
# Usage: yosys_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/adder.v" <<'VERILOG'
module adder(input [7:0] a, input [7:0] b, output [8:0] y, output [7:0] z);
  assign y = a + b;
  assign z = (a ^ b) + ((a & b) << 1);
endmodule
VERILOG

if downloaded yosys yosys; then
    yosys=("$beamr" run --dir "$work/root::/" "$modules/yosys/gen/yosys.core.wasm" -Q -T)
    check "yosys: proves that two adders are equal" 0 "~SAT proof finished - no model found: SUCCESS" "" \
        "${yosys[@]}" -p 'read_verilog /adder.v; proc; opt; sat -verify -prove z y[7:0] adder'
    check "yosys: solves an equation" 0 '~\\b +100 +64 +01100100' "" \
        "${yosys[@]}" -p 'read_verilog /adder.v; proc; sat -set y 300 -set a 200 -show b adder'
    check "yosys: an error" 1 "" "No such command: nonsense" "${yosys[@]}" -q -p nonsense
fi
finish
