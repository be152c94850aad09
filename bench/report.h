/* What the benchmarks' reports share: what was measured where, and times in order. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "beamr/error.h"

/* Print the machine, the system, the compiler and the commit, a line each; what is not known is
 * left out. */
void report_host(void);

/* What must not go wrong: otherwise say what did, and end the program. */
void check(beamr_status st, const beamr_error *err);
void need(bool is_right, const char *what);

/* Put times in ascending order: the median is in the middle. */
void report_sort(double *times, size_t count);

#endif
