#!/usr/bin/env bash
# Run EUnit suites of the bridge in an emulator of their own.
# Usage: run.sh APPLICATIONS BEAMS SUITE...
#   APPLICATIONS  the folder that holds the application `beamr`, with its driver; "none" where it
#                 could not be built
#   BEAMS         the suites, compiled
# Ends with 77 where Erlang or what the suites need is not installed.
set -euo pipefail
applications=$1 beams=$2
shift 2

skip() {
    echo "skipped: erlang: $*"
    exit 77
}

[ "$applications" != none ] || skip "$* (erl_driver.h is missing)"
command -v erl >/dev/null || skip "$* (erl is missing)"
erl -noshell -eval 'halt(case code:which(eunit) of non_existing -> 1; _ -> 0 end).' ||
    skip "$* (eunit is missing)"
[ -e "$applications/beamr/priv/hb_beamr.so" ] ||
    { echo "failed: $*: there is no driver in $applications/beamr/priv" && exit 1; }

ERL_LIBS=$applications exec erl -noinput -pa "$beams" -eval 'beamr_test:main().' -extra "$@"
