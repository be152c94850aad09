/* What bench/native's files share: rows, modules, and the ways in which they are run. */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/beamr.h"

enum { RUNS_MAX = 100 };

/* How a row is run. */
typedef enum way {
    WAY_C,         /* compiled natively by the C compiler */
    WAY_INTERPRET, /* our interpreter */
    WAY_NATIVE,    /* our native code, as users get it */
    WAY_PLAIN,     /* the same without loop polls, NaNs as the processor makes them */
    WAY_V8,
    WAYS
} way;

/* What a module is, and what `what` and `size` of its rows mean.
 *   KERNEL   an export that takes a size and returns a checksum (bench/interp/kernels.h)
 *   LUA      code that Lua as an AO process evaluates (test/programs/lua_process)
 *   COMMAND  arguments of a program of WASI, separated by 0x1f; the result is FNV-1a of what it
 *            printed. Its root has the files of bench_files */
typedef enum kind { KERNEL, LUA, COMMAND } kind;

typedef struct source {
    const char *name; /* of the module, as rows name it */
    kind kind;
    const char *path; /* NULL when it is not there */
    /* By ways.c: */
    beamr_module *modules[WAYS];
    beamr_instance *instances[WAYS];
    beamr_wasi *wasi[WAYS];
    beamr_store *stores[WAYS];
} source;

typedef struct row {
    const char *name, *what;
    unsigned source;
    unsigned group; /* that its mean counts in; 0: none */
    uint32_t size, quick_size;
    uint64_t (*native)(uint32_t size); /* of a KERNEL */
} row;

/* A run of a row. */
typedef struct outcome {
    double ms;
    uint64_t result;
    bool has; /* it could be run */
} outcome;

/* Files that commands find, and the folder in which other processes find them. */
typedef struct bench_file {
    const char *name, *content;
} bench_file;
extern const bench_file bench_files[];

double now_ms(void); /* time of the processor, for this thread */

/* ---- ways.c: in this process ---- */

/* Load all sources that are there. Without a compiler WAY_NATIVE and WAY_PLAIN are missing;
 * says so once. */
void ways_open(source *sources, unsigned count);
void ways_close(source *sources, unsigned count);
/* Run it by one of our ways. */
outcome ways_run(source *s, const row *r, way w, uint32_t size);

/* ---- child.c: other processes ---- */

typedef struct child child;

/* Start a program that answers requests (v8.mjs says how) in a folder.
 * Returns NULL if it cannot be started. */
child *child_start(char *const argv[], const char *folder);
bool child_open(child *c, unsigned number, const source *s);
outcome child_run(child *c, unsigned number, const row *r, uint32_t size);
void child_stop(child *c); /* accepts NULL */

#endif
