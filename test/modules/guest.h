/* A guest from outside: a module of a package that scripts/modules downloads, loaded and linked
 * through the public headers alone, as any embedder would.
 * A failure prints what is wrong and ends the program with 1: one program run is one test, and
 * what it holds goes with it.
 * Read next: xxhash.c, the shortest use; wasi.c, what modules of Emscripten import. */
#ifndef MODULES_GUEST_H
#define MODULES_GUEST_H

#include <beamr/beamr.h>

/* One import that a test provides. Its type is that of the module's import. */
typedef struct guest_import {
    const char *module;
    const char *name;
    beamr_host_func callback;
} guest_import;

typedef struct guest {
    beamr_engine *engine;
    beamr_store *store;
    beamr_module *module;
    beamr_instance *instance;
    beamr_memory *memory; /* the first, or NULL */
    beamr_linker *linker;
    const guest_import *imports; /* ends with a row of NULLs */
    void *user;                  /* of the test; the callbacks get the guest as their `user` */
} guest;

/* What main.c hands to a test. */
typedef struct test_folders {
    const char *package; /* of the unpacked package */
    const char *work;    /* exchanged with peer.mjs; empty but for what that prepared */
} test_folders;

/* Bytes on the heap: free(data). There is a NUL behind them. */
typedef struct blob {
    uint8_t *data;
    size_t len;
} blob;

/* Print and exit with 1 unless `ok` holds. The message should say what was compared. */
#define CHECK(ok, ...) ((ok) ? (void)0 : guest_die(__FILE__, __LINE__, #ok, __VA_ARGS__))
_Noreturn void guest_die(const char *file, int line, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- Files ---- */

blob blob_read(const char *folder, const char *name);
void blob_write(const char *folder, const char *name, const void *data, size_t len);
/* The module that a file of JavaScript holds in base64: the first one there. */
blob blob_read_embedded(const char *folder, const char *name);
/* Bytes that look random and are the same each time (a linear congruential generator). */
blob blob_noise(size_t len, uint32_t seed);

/* ---- Life ---- */

/* Load and instantiate a module, with the imports named; others may be there, but calling one
 * of them is a failure of the test. wasm     freed imports  borrowed until guest_close; NULL
 * for none An export `_initialize` or `__wasm_call_ctors` is not called. */
void guest_open(guest *g, blob wasm, const guest_import *imports, void *user);
/* As the first half of guest_open, so that memories and tables can be defined in g->linker. */
void guest_load(guest *g, blob wasm, const guest_import *imports, void *user);
void guest_link(guest *g);
void guest_close(guest *g);

/* ---- Calls and memory ---- */

/* Call an export: CALL(g, "name", 1, 2). Numbers are converted to the parameters' kinds.
 * Returns the result; an i32 as unsigned, an f64 cut to an integer, 0 when there is none. */
#define CALL(g, name, ...)                                                                     \
    guest_call(g, name, (const int64_t[]){0, ##__VA_ARGS__},                                   \
               sizeof((const int64_t[]){0, ##__VA_ARGS__}) / sizeof(int64_t) - 1)
/*   args  args[1] is the first
 * Fails the test unless the call succeeds. */
int64_t guest_call(guest *g, const char *name, const int64_t *args, size_t count);
/* As guest_call, for calls that may fail. */
beamr_status guest_try(guest *g, const char *name, const int64_t *args, size_t count,
                       int64_t *result, beamr_error *err);

/* Call an export with arguments of all kinds, and take the bytes that it gives, by the module's
 * own convention. Fails the test unless that succeeds. */
blob guest_call_bytes(guest *g, const char *name, const beamr_arg *args, size_t count);

void guest_put(guest *g, int64_t addr, const void *data, size_t len);
void guest_get(guest *g, int64_t addr, void *out, size_t len);
uint32_t guest_get_u32(guest *g, int64_t addr);
void guest_put_u32(guest *g, int64_t addr, uint32_t v);
/* Make the memory at least so many bytes large. */
void guest_grow_to(guest *g, uint64_t size);

/* ---- Imports that several modules have (wasi.c) ---- */

/* emscripten_resize_heap(size): grow the memory; 1 or 0. */
beamr_status host_resize_heap(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err);
/* fd_write: to standard output or error of this program. */
beamr_status host_fd_write(const beamr_call *call, const beamr_value *args,
                           beamr_value *results, beamr_error *err);
/* environ_sizes_get: no variables. */
beamr_status host_environ_sizes(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err);
/* Takes anything, does nothing, returns 0. */
beamr_status host_nothing(const beamr_call *call, const beamr_value *args, beamr_value *results,
                          beamr_error *err);

/* ---- Tests: one for each package; they return when all was as expected ---- */

#define TESTS(X)                                                                               \
    X(xxhash)                                                                                  \
    X(hash_wasm)                                                                               \
    X(gofmt)                                                                                   \
    X(zstd)                                                                                    \
    X(brotli)                                                                                  \
    X(png)                                                                                     \
    X(es_module_lexer)                                                                         \
    X(source_map)                                                                              \
    X(flac)                                                                                    \
    X(lua)                                                                                     \
    X(quickjs)                                                                                 \
    X(sqlite)

#define X(name) void test_##name(const test_folders *folders);
TESTS(X)
#undef X

#endif
