#!/usr/bin/env bash
# The demonstration of the README ends with the line that is promised there.
#
# Usage: demo_test.sh BEAMR BUILD-FOLDER
set -u

beamr=$1
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
check "demo" 0 "results/output: [15.0]" "" \
    bash -o pipefail -c 'scripts/demo "$1" | tail -n 1' - "$2"
finish
