/* What fuzz targets share: the function that libFuzzer (or replay.c) calls, and a check that
 * stays in every build. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The target: must survive any bytes, and keep what FUZZ_CHECK states. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                  \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,            \
                          #condition);                                                         \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

#endif
