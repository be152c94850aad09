/* The shared parts of reports: report.h. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Print the first line of a command's output behind a title; nothing when there is none. */
static void print_command(const char *title, const char *command)
{
    char line[256];
    FILE *pipe = popen(command, "re");

    if (pipe && fgets(line, sizeof line, pipe))
        (void)printf("%s%s", title, line);
    if (pipe)
        (void)pclose(pipe);
}

void check(beamr_status st, const beamr_error *err)
{
    if (st == BEAMR_OK)
        return;
    (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, beamr_status_text(st),
                  err->text);
    exit(1);
}

void need(bool is_right, const char *what)
{
    if (is_right)
        return;
    (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

void report_host(void)
{
    print_command("machine:  ", "sed -n 's/^model name.*: //p' /proc/cpuinfo");
    print_command("system:   ", "uname -srm");
    (void)printf("compiler: %s\n", BENCH_COMPILER);
    print_command("commit:   ", "git -C '" BENCH_SOURCE "' describe --always --dirty "
                                "--abbrev=12 2>/dev/null");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void report_sort(double *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
}
