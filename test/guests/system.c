/* Arguments, environment, streams, clocks and exit codes by way of the C library; the first
 * argument says which. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%d '%s'\n", i, argv[i]);
    return 0;
}

static int environment(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const char *value = getenv(argv[i]);

        printf("%s %s%s\n", argv[i], value ? "is " : "is not set", value ? value : "");
    }
    return 0;
}

/* What is read from standard input, with numbers; the words go to standard error. */
static int lines(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int number = 0;

    while ((len = getline(&line, &room, stdin)) > 0) {
        printf("%d: %s", ++number, line);
        fprintf(stderr, "%zd bytes\n", len);
    }
    printf("%s after %d lines\n", feof(stdin) ? "end" : strerror(errno), number);
    free(line);
    return 0;
}

static int numbers(void)
{
    const double list[] = {0.1, -0.0, 1.0 / 3, 1e300, 5e-324, 123456789.125, INFINITY, NAN};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        printf("%.17g %.3f %e %a\n", list[i], list[i], list[i], list[i]);
    printf("%s %d %u %x %lld %c %%\n", "text", -5, 5u, 255u, -1234567890123ll, 'c');
    printf("%.15g %.15g %.15g\n", sqrt(2), exp(1), atan2(1, 1) * 4);
    printf("%.17g %d\n", strtod("0.30000000000000004", NULL), atoi("-42"));
    return 0;
}

static int clocks(void)
{
    struct timespec before, after, nap = {0, 2000000}, resolution;
    time_t now = time(NULL);
    int64_t passed;

    if (clock_gettime(CLOCK_MONOTONIC, &before) || nanosleep(&nap, NULL) ||
        clock_gettime(CLOCK_MONOTONIC, &after) || clock_getres(CLOCK_REALTIME, &resolution))
        return 1;
    passed = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    printf("slept long enough: %s\n", passed >= 2000000 ? "yes" : "no");
    printf("resolution below a second: %s\n", resolution.tv_sec == 0 ? "yes" : "no");
    printf("seconds %lld\n", (long long)now);
    return 0;
}

static int noise(void)
{
    unsigned char bytes[8];

    if (getentropy(bytes, sizeof bytes))
        return 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        printf("%02x", bytes[i]);
    printf("\n");
    return 0;
}

static void farewell(void)
{
    printf("farewell\n");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "args") == 0)
        return arguments(argc, argv);
    if (strcmp(what, "env") == 0)
        return environment(argc, argv);
    if (strcmp(what, "lines") == 0)
        return lines();
    if (strcmp(what, "numbers") == 0)
        return numbers();
    if (strcmp(what, "clocks") == 0)
        return clocks();
    if (strcmp(what, "noise") == 0)
        return noise();
    if (strcmp(what, "exit") == 0) {
        atexit(farewell);
        exit(argc > 2 ? atoi(argv[2]) : 0);
    }
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "terminal") == 0) {
        printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
        return 0;
    }
    fprintf(stderr, "system: what?\n");
    return 2;
}
