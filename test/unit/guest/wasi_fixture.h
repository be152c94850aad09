/* A guest that forwards every function of WASI, in memory of either pointer width, and a world
 * around it that tests can look into: streams, clocks, a file system.
 *
 * Tests run once for each width: WORLD_TESTS makes both out of one function. In a world opened
 * by world_setup, 0 to 2 are streams, 3 is the root, and that is all. */
#ifndef TEST_WASI_FIXTURE_H
#define TEST_WASI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "beamr/beamr.h"
#include "guest/wasi.h"
#include "wasi_guest.h"

/* Where tests put what they pass; the memory's end is END. */
enum {
    OUT = 256,       /* results */
    OUT2 = 320,      /* a second one */
    PATH = 1024,     /* a path */
    PATH2 = 16384,   /* a second one */
    IOVS = 65536,    /* lists of buffers; subscriptions */
    DATA = 131072,   /* what they point to; events */
    END = 64 * 65536 /* bytes of memory */
};

#define RIGHTS GUEST_RIGHTS_ALL

typedef struct world {
    beamr_engine *engine;
    beamr_store *store;
    beamr_vfs *vfs; /* borrowed from wasi */
    beamr_wasi *wasi;
    beamr_instance *instance;
    beamr_memory *memory;
    bool is64, is_unstable;
    beamr_error err; /* of a call that ended */

    const char *input; /* what stdin still has */
    size_t input_most; /* bytes that one read gives; 0 for all */
    char output[8192]; /* what stdout and stderr got */
    size_t output_len;
    beamr_status stream_status; /* what streams answer */
    uint64_t clocks[4];
    uint64_t waits, waited_ns; /* calls of `wait`; the last one's argument */
    bool waited_for_input, has_input;
} world;

/* How a world is to be; all zero for the usual. */
typedef struct world_options {
    beamr_wasi_options wasi; /* streams, clocks and vfs unset: the world's */
    bool is_unstable, metering;
    const beamr_vfs_limits *limits;
    const char *directory; /* to be made first, for a preopen; or NULL */
} world_options;

/* ---- The embedder's side ---- */

static inline beamr_status world_read(void *user, uint8_t *buf, size_t len, size_t *got,
                                      beamr_error *err)
{
    world *w = user;
    size_t n = strlen(w->input);

    if (w->stream_status != BEAMR_OK)
        return beamr_fail(err, w->stream_status, 0, "the stream is broken");
    n = n < len ? n : len;
    n = w->input_most && w->input_most < n ? w->input_most : n;
    memcpy(buf, w->input, n);
    w->input += n;
    *got = n;
    return BEAMR_OK;
}

static inline beamr_status world_write(void *user, beamr_bytes bytes, beamr_error *err)
{
    world *w = user;
    size_t room = sizeof w->output - 1 - w->output_len;
    size_t n = bytes.len < room ? bytes.len : room;

    if (w->stream_status != BEAMR_OK)
        return beamr_fail(err, w->stream_status, 0, "the stream is broken");
    memcpy(w->output + w->output_len, bytes.data, n);
    w->output_len += n;
    return BEAMR_OK;
}

static inline uint64_t world_clock(void *user, beamr_clock clock)
{
    return ((world *)user)->clocks[clock];
}

static inline beamr_status world_wait(void *user, uint64_t ns, bool for_input, bool *has_input,
                                      beamr_error *err)
{
    world *w = user;

    if (w->stream_status != BEAMR_OK)
        return beamr_fail(err, w->stream_status, 0, "the stream is broken");
    w->waits++;
    w->waited_ns = ns;
    w->waited_for_input = for_input;
    *has_input = for_input && w->has_input;
    return BEAMR_OK;
}

/* ---- The guest ---- */

static inline beamr_status world_nothing(const beamr_call *call, const beamr_value *args,
                                         beamr_value *results, beamr_error *err)
{
    (void)call, (void)args, (void)results;
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "not in this version");
}

/* What the older version does not have. */
static inline void world_define_new(beamr_linker *linker, bool is64)
{
    for (size_t i = 0; i < WASI_FUNCTIONS; i++) {
        char params[16], results[4];
        beamr_valtype types[16];
        beamr_valtype result = beamr_valtype_of(BEAMR_I32);
        beamr_functype type = {types, 0, &result, 1};

        if (!wasi_functions[i].is_new)
            continue;
        wasi_letters(wasi_functions[i].type, is64, params, results);
        for (; params[type.param_count]; type.param_count++)
            types[type.param_count] =
                beamr_valtype_of(params[type.param_count] == 'i' ? BEAMR_I32 : BEAMR_I64);
        assert_int_equal(beamr_linker_define_func(linker, "none", wasi_functions[i].name, &type,
                                                  world_nothing, NULL, NULL),
                         BEAMR_OK);
    }
}

static inline void world_instantiate(world *w)
{
    wasm_builder b = {0};
    beamr_module *module = NULL;
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    wasi_guest_module(&b, w->is64, w->is_unstable, END / 65536);
    if (beamr_module_load(w->engine, wasm_bytes_of(&b), &module, &err) != BEAMR_OK ||
        beamr_linker_new(w->store, &linker, &err) != BEAMR_OK ||
        beamr_wasi_link(w->wasi, linker, module, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (w->is_unstable)
        world_define_new(linker, w->is64);
    if (beamr_linker_instantiate(linker, module, &w->instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    w->memory = beamr_instance_find_memory(w->instance, "memory");
    beamr_linker_free(linker);
    beamr_module_unref(module);
    wasm_free(&b);
}

/* ---- Opening and closing ---- */

static inline world *world_open(bool is64, const world_options *options)
{
    world *w = calloc(1, sizeof *w);
    world_options o = options ? *options : (world_options){0};
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_stream stream = {.user = w};
    beamr_error err = {0};

    w->is64 = is64;
    w->is_unstable = o.is_unstable;
    w->input = "";
    config.metering = o.metering;
    assert_int_equal(beamr_engine_new(&config, &w->engine, NULL), BEAMR_OK);
    assert_int_equal(beamr_store_new(w->engine, NULL, &w->store, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_new(o.limits, &w->vfs, NULL), BEAMR_OK);
    if (o.directory)
        assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of(o.directory), true, NULL),
                         BEAMR_OK);
    o.wasi.vfs = w->vfs;
    o.wasi.in = o.wasi.out = o.wasi.err = stream;
    o.wasi.in.read = world_read;
    o.wasi.out.write = o.wasi.err.write = world_write;
    o.wasi.user = w;
    o.wasi.clock = world_clock;
    o.wasi.wait = world_wait;
    if (beamr_wasi_new(&o.wasi, &w->wasi, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_vfs_unref(w->vfs);
    world_instantiate(w);
    return w;
}

static inline void world_close(world *w)
{
    beamr_wasi_unref(w->wasi);
    beamr_store_free(w->store);
    beamr_engine_free(w->engine);
    free(w);
}

static inline int world_setup(void **state)
{
    *state = world_open(*(const bool *)*state, NULL);
    return 0;
}

static inline int world_teardown(void **state)
{
    world_close(*state);
    return 0;
}

static const bool world_widths[] = {false, true};

/* A test in both widths. */
#define WORLD_TESTS(f)                                                                         \
    {#f "_32", f, world_setup, world_teardown, (void *)(uintptr_t)&world_widths[0]},           \
    {                                                                                          \
#f "_64", f, world_setup, world_teardown, (void *)(uintptr_t)&world_widths[1]          \
    }

/* The same for a test that opens its own world: *state points to the width. */
#define WIDTH_TESTS(f)                                                                         \
    {#f "_32", f, NULL, NULL, (void *)(uintptr_t)&world_widths[0]},                            \
    {                                                                                          \
#f "_64", f, NULL, NULL, (void *)(uintptr_t)&world_widths[1]                           \
    }

/* ---- Memory ---- */

static inline uint8_t *world_at(world *w, uint64_t addr)
{
    return beamr_memory_data(w->memory) + addr;
}

static inline uint64_t world_get(world *w, uint64_t addr, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, world_at(w, addr), size);
    return v;
}

static inline void world_put(world *w, uint64_t addr, uint64_t v, size_t size)
{
    memcpy(world_at(w, addr), &v, size);
}

static inline size_t world_word(const world *w)
{
    return w->is64 ? 8 : 4;
}

/* A size or pointer. */
static inline uint64_t world_get_word(world *w, uint64_t addr)
{
    return world_get(w, addr, world_word(w));
}

/* Returns the text's length. */
static inline uint64_t world_text(world *w, uint64_t addr, const char *text)
{
    memcpy(world_at(w, addr), text, strlen(text));
    return strlen(text);
}

static inline void world_iovec(world *w, size_t i, uint64_t addr, uint64_t len)
{
    size_t word = world_word(w);

    world_put(w, IOVS + 2 * word * i, addr, word);
    world_put(w, IOVS + 2 * word * i + word, len, word);
}

#define assert_memory(w, addr, text)                                                           \
    assert_memory_equal(world_at(w, addr), text, sizeof(text) - 1)

/* ---- Calls ---- */

/* Returns what the function did, or -1 when the call ended in w->err. */
static inline int world_call(world *w, const char *name, const uint64_t *args)
{
    beamr_func *func = beamr_instance_find_func(w->instance, name);
    beamr_value values[16], result = beamr_i32(0);
    beamr_functype type;

    assert_non_null(func);
    type = beamr_func_type(func);
    for (size_t i = 0; i < type.param_count; i++)
        values[i] = beamr_valtype_kind(type.params[i]) == BEAMR_I32
                        ? beamr_i32((int32_t)(uint32_t)args[i])
                        : beamr_i64((int64_t)args[i]);
    beamr_error_clear(&w->err);
    if (beamr_func_call(func, values, type.param_count, &result, type.result_count, &w->err) !=
        BEAMR_OK)
        return -1;
    return result.of.i32;
}

/* CALL(w, fd_close, 3) */
#define CALL(w, name, ...) world_call((w), #name, (const uint64_t[]){__VA_ARGS__})

#define assert_errno(call, expected)                                                           \
    do {                                                                                       \
        int assert_got = (call);                                                               \
                                                                                               \
        if (assert_got != (int)(expected))                                                     \
            fail_msg("%s: %s (%d), not %s", #call,                                             \
                     assert_got < 0 ? "ended" : guest_errno_text((guest_errno)assert_got),     \
                     assert_got, guest_errno_text((guest_errno)(expected)));                   \
    } while (0)
#define assert_success(call) assert_errno(call, GUEST_ESUCCESS)

/* The call ended in a trap. */
#define assert_trap(w, call, expected)                                                         \
    do {                                                                                       \
        assert_int_equal((call), -1);                                                          \
        assert_int_equal((w)->err.status, BEAMR_TRAP);                                         \
        assert_int_equal((w)->err.trap, expected);                                             \
    } while (0)

/* One case of a table: arguments that are to give an errno. */
typedef struct world_case {
    const char *name;
    int expected;
    uint64_t args[9];
} world_case;

static inline void world_cases(world *w, const world_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int got = world_call(w, cases[i].name, cases[i].args);

        if (got != cases[i].expected)
            fail_msg("case %zu, %s: %s (%d), not %s", i, cases[i].name,
                     got < 0 ? w->err.text : guest_errno_text((guest_errno)got), got,
                     guest_errno_text((guest_errno)cases[i].expected));
    }
}
#define WORLD_CASES(w, ...)                                                                    \
    world_cases((w), (const world_case[]){__VA_ARGS__},                                        \
                sizeof((const world_case[]){__VA_ARGS__}) / sizeof(world_case))

/* ---- Calls that tests make often ---- */

/* A function that takes a descriptor and a path. */
static inline int world_path(world *w, const char *name, uint64_t fd, const char *path)
{
    return world_call(w, name, (const uint64_t[]){fd, PATH, world_text(w, PATH, path)});
}

/* path_open; the descriptor is at OUT. */
static inline int world_open_at(world *w, uint64_t dir, const char *path, uint64_t oflags,
                                uint64_t rights, uint64_t inheriting, uint64_t fdflags)
{
    return CALL(w, path_open, dir, 0, PATH, world_text(w, PATH, path), oflags, rights,
                inheriting, fdflags, OUT);
}

/* Open what must open, with all rights that a file can have.  Returns the descriptor. */
#define FILE_RIGHTS                                                                            \
    (GUEST_RIGHT_FD_DATASYNC | GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_SEEK |                     \
     GUEST_RIGHT_FD_FDSTAT_SET_FLAGS | GUEST_RIGHT_FD_SYNC | GUEST_RIGHT_FD_TELL |             \
     GUEST_RIGHT_FD_WRITE | GUEST_RIGHT_FD_ADVISE | GUEST_RIGHT_FD_ALLOCATE |                  \
     GUEST_RIGHT_FD_FILESTAT_GET | GUEST_RIGHT_FD_FILESTAT_SET_SIZE |                          \
     GUEST_RIGHT_FD_FILESTAT_SET_TIMES | GUEST_RIGHT_POLL_FD_READWRITE)
static inline uint32_t world_file(world *w, const char *path, uint64_t oflags, uint64_t fdflags)
{
    assert_success(world_open_at(w, 3, path, oflags, FILE_RIGHTS, 0, fdflags));
    return (uint32_t)world_get(w, OUT, 4);
}

/* The rights that a directory needs for all that is done through it. */
#define DIR_RIGHTS                                                                             \
    (GUEST_RIGHTS_ALL &                                                                        \
     ~(GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_WRITE | GUEST_RIGHT_FD_SEEK |                      \
       GUEST_RIGHT_FD_TELL | GUEST_RIGHT_FD_ALLOCATE | GUEST_RIGHT_FD_FILESTAT_SET_SIZE |      \
       GUEST_RIGHT_SOCK_SHUTDOWN | GUEST_RIGHT_SOCK_ACCEPT))
static inline uint32_t world_dir(world *w, const char *path)
{
    assert_success(world_open_at(w, 3, path, GUEST_OFLAG_DIRECTORY, DIR_RIGHTS,
                                 FILE_RIGHTS | DIR_RIGHTS, 0));
    return (uint32_t)world_get(w, OUT, 4);
}

/* Write a text through a descriptor, in one piece. */
static inline void world_write_text(world *w, uint64_t fd, const char *text)
{
    uint64_t len = world_text(w, DATA, text);

    world_iovec(w, 0, DATA, len);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT));
    assert_int_equal(world_get_word(w, OUT), len);
}

/* Set a file's content, and look at it, from the embedder's side. */
static inline void world_make(world *w, const char *path, const char *content)
{
    assert_int_equal(
        beamr_vfs_write(w->vfs, beamr_bytes_of(path), beamr_bytes_of(content), NULL), BEAMR_OK);
}

static inline void world_expect(world *w, const char *path, const char *content)
{
    beamr_bytes bytes;

    assert_int_equal(beamr_vfs_read(w->vfs, beamr_bytes_of(path), true, &bytes, NULL),
                     BEAMR_OK);
    assert_int_equal(bytes.len, strlen(content));
    assert_memory_equal(bytes.data, content, bytes.len);
}

static inline bool world_exists(world *w, const char *path)
{
    beamr_vfs_stat stat;

    return beamr_vfs_stat_at(w->vfs, beamr_bytes_of(path), false, &stat, NULL) == BEAMR_OK;
}

#endif
