/* How fast is the compiler, and what does it take?
 * Modules of several sizes, generated as for bench/boundary or given as files, are compiled by
 * beamr-compile, a process each time: with one thread and with two, with the compiler's own
 * passes and with LLVM's default<O2>, in turn. Time is from the process's start to its end; its
 * processor time and its greatest resident memory are the kernel's numbers. Without arguments
 * the machine should be quiet.
 * Usage: compile [--runs N] [--only TEXT] [--quick] [--compiler PATH] [FILE.wasm...] */
#define _GNU_SOURCE /* wait4 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../boundary/boundary.h"
#include "options.h"
#include "report.h"

extern char **environ;

enum {
    RUNS_MAX = 99,
    WAYS = 4,
};

/* One way to compile. */
typedef struct way {
    const char *name;
    const char *threads;
    const char *passes; /* NULL: the compiler's own */
} way;

static const way ways[WAYS] = {
    {"own passes, 1 thread", "1", NULL},
    {"default<O2>, 1 thread", "1", "default<O2>"},
    {"own passes, 2 threads", "2", NULL},
    {"default<O2>, 2 threads", "2", "default<O2>"},
};

typedef struct result {
    double wall[RUNS_MAX], processor[RUNS_MAX]; /* seconds */
    double resident;                            /* most bytes */
    double object;                              /* bytes */
} result;

typedef struct options {
    const char *compiler;
    bench_options shared;
} options;

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double of_timeval(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

/* Compile once. */
static void run_once(const options *o, const char *module, const char *object, const way *w,
                     result *r, unsigned run)
{
    const char *args[] = {
        o->compiler, "--threads", w->threads, module, w->passes ? "--passes" : NULL,
        w->passes,   NULL};
    double begin = seconds();
    struct rusage usage;
    posix_spawn_file_actions_t files;
    struct stat made;
    int status = 0;
    pid_t child = -1;

    need(posix_spawn_file_actions_init(&files) == 0 &&
             posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, object,
                                              O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0 &&
             posix_spawn(&child, o->compiler, &files, NULL, (char *const *)args, environ) == 0,
         "the compiler can be started");
    (void)posix_spawn_file_actions_destroy(&files);
    need(wait4(child, &status, 0, &usage) == child, "the compiler ends");
    r->wall[run] = seconds() - begin;
    need(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the compiler succeeds");
    r->processor[run] = of_timeval(usage.ru_utime) + of_timeval(usage.ru_stime);
    if ((double)usage.ru_maxrss * 1024 > r->resident)
        r->resident = (double)usage.ru_maxrss * 1024;
    need(stat(object, &made) == 0, "there is an object");
    r->object = (double)made.st_size;
}

static void measure(const options *o, const char *name, const char *module, const char *object)
{
    static result results[WAYS];
    unsigned runs = o->shared.runs;

    if (!bench_options_want(&o->shared, name))
        return;
    memset(results, 0, sizeof results);
    for (unsigned run = 0; run < runs; run++)
        for (int i = 0; i < WAYS; i++)
            run_once(o, module, object, &ways[i], &results[i], run);
    for (int i = 0; i < WAYS; i++) {
        result *r = &results[i];

        report_sort(r->wall, runs);
        report_sort(r->processor, runs);
        printf("| %s | %s | %.2f s | %.2f – %.2f | %.2f s | %.0f MB | %.0f KB |\n", name,
               ways[i].name, r->wall[runs / 2], r->wall[0], r->wall[runs - 1],
               r->processor[runs / 2], r->resident * 1e-6, r->object * 1e-3);
        (void)fflush(stdout);
    }
}

/* A generated module of about `size` bytes. */
static void measure_size(const options *o, const char *name, size_t size, const char *folder)
{
    char module[256], object[256];
    size_t length = 0;
    uint8_t *bytes = generate_module(size, &length);
    FILE *f;

    (void)snprintf(module, sizeof module, "%s/m.wasm", folder);
    (void)snprintf(object, sizeof object, "%s/m.obj", folder);
    f = fopen(module, "wb");
    need(f != NULL && fwrite(bytes, 1, length, f) == length && fclose(f) == 0,
         "the module can be written");
    free(bytes);
    measure(o, name, module, object);
    (void)unlink(module);
    (void)unlink(object);
}

static void measure_file(const options *o, const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    char object[256];

    (void)snprintf(object, sizeof object, "%s/m.obj", folder);
    measure(o, slash ? slash + 1 : path, path, object);
    (void)unlink(object);
}

int main(int argc, char **argv)
{
    options o = {getenv("BEAMR_COMPILE"), {.runs = 3, .most = RUNS_MAX}};
    char folder[] = "/tmp/beamr-bench-XXXXXX";
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--compiler") == 0 && i + 1 < argc) {
            o.compiler = argv[++i];
        } else if (!bench_options_take(&o.shared, argc, argv, &i)) {
            bench_options_usage(&o.shared, "[--compiler PATH] [FILE.wasm...]");
            return 2;
        }
    }
    need(o.compiler != NULL, "--compiler or BEAMR_COMPILE names beamr-compile");
    need(mkdtemp(folder) != NULL, "a folder can be made");
    report_host();
    printf("\n| module | how | median | least – most | processor | memory | object |\n"
           "|---|---|---:|---:|---:|---:|---:|\n");
    measure_size(&o, "50 KB", 50000, folder);
    if (!o.shared.is_quick) {
        measure_size(&o, "200 KB", 200000, folder);
        measure_size(&o, "500 KB", 500000, folder);
        measure_size(&o, "5 MB", 5000000, folder);
    }
    for (; i < argc; i++)
        measure_file(&o, argv[i], folder);
    (void)rmdir(folder);
    return 0;
}
