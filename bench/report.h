/* What the benchmarks' reports share: what was measured where, and times in order. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>

/* Print the machine, the system, the compiler and the commit, a line each; what is not known is
 * left out. */
void report_host(void);

/* Put times in ascending order: the median is in the middle. */
void report_sort(double *times, size_t count);

#endif
