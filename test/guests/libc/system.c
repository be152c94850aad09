/* What else of a C library asks the host: time, and ends. There is no environment. */
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "wasi.h"

enum { REAL_TIME, MONOTONIC };

time_t time(time_t *out)
{
    uint64_t ns = 0;
    time_t now;

    wasi_time(REAL_TIME, 1, &ns);
    now = (time_t)(ns / 1000000000);
    if (out)
        *out = now;
    return now;
}

clock_t clock(void)
{
    uint64_t ns = 0;

    wasi_time(MONOTONIC, 1, &ns);
    return (clock_t)(ns / 1000);
}

void exit(int code)
{
    wasi_exit(code);
}

void abort(void)
{
    __builtin_trap();
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

struct lconv *localeconv(void)
{
    static struct lconv c = {"."};

    return &c;
}
