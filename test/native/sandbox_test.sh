#!/bin/bash
# The compiler's process has given up its rights before it looks at a module: each attempt of
# sandbox_probe.c, which is preloaded, is refused.
#   sandbox_test.sh COMPILER PROBE
set -u

said=$(printf '\0asm\1\0\0\0' | LD_PRELOAD=$2 "$1" 2>&1 >/dev/null)
code=$?
printf '%s\n' "$said"
[ $code -eq 0 ] && [ "$said" = "sandbox probed" ]
