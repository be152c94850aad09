/* A system, a memory, and env's functions called as a guest would call them: by name, with
 * numbers as arguments. Each test runs with 32-bit and with 64-bit memory. */
#ifndef TEST_UNIT_ENV_FIXTURE_H
#define TEST_UNIT_ENV_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "beamr/beamr.h"
#include "env_guest.h"
#include "guest/env.h"
#include "guest/system.h"

enum {
    TEXT = 0x100, /* where texts are put, one after the other as paths are named */
    TEXT2 = 0x2000,
    DATA = 0x4000, /* where functions write */
    ARGS = 0x7000, /* variable arguments */
    HEAP = ENV_GUEST_HEAP,
    MEMORY = ENV_GUEST_MEMORY,
    HERE = -100, /* AT_FDCWD */
};

typedef struct fixture {
    beamr_engine *engine;
    beamr_store *store;
    beamr_instance *instance;
    beamr_wasi *wasi;
    guest_call call;
    beamr_error err;     /* of the last call */
    beamr_status status; /* likewise */
    double real;         /* a result that is a floating-point number */
} fixture;

static inline fixture open_env_with(bool is64, const beamr_wasi_options *options)
{
    fixture f = {0};
    wasm_builder w = {0};
    beamr_module *m = NULL;

    assert_int_equal(beamr_engine_new(NULL, &f.engine, &f.err), BEAMR_OK);
    assert_int_equal(beamr_store_new(f.engine, NULL, &f.store, &f.err), BEAMR_OK);
    env_guest_module(&w, is64);
    if (beamr_module_load(f.engine, wasm_bytes_of(&w), &m, &f.err) != BEAMR_OK ||
        beamr_instance_new(f.store, m, NULL, 0, &f.instance, &f.err) != BEAMR_OK)
        fail_msg("%s at %u", f.err.text, (unsigned)f.err.offset);
    beamr_module_unref(m);
    wasm_free(&w);
    if (beamr_wasi_new(options, &f.wasi, &f.err) != BEAMR_OK)
        fail_msg("%s", f.err.text);
    f.call = (guest_call){.store = f.store,
                          .caller = f.instance,
                          .memory = beamr_instance_memory(f.instance, 0),
                          .is64 = is64,
                          .wasi = f.wasi};
    return f;
}

static inline fixture open_env(bool is64)
{
    return open_env_with(is64, NULL);
}

static inline void close_env(fixture *f)
{
    beamr_engine_free(f->engine);
    beamr_store_free(f->store);
    beamr_wasi_unref(f->wasi);
}

/* ---- Memory ---- */

static inline uint8_t *memory_at(const fixture *f, uint64_t addr)
{
    return beamr_memory_data(f->call.memory) + addr;
}
/* Put a text somewhere; returns its address. */
static inline int64_t text_at(const fixture *f, int64_t addr, const char *text)
{
    memcpy(memory_at(f, (uint64_t)addr), text, strlen(text) + 1);
    return addr;
}
#define T(text) text_at(f, TEXT, text)
#define T2(text) text_at(f, TEXT2, text)

static inline uint64_t get_number(const fixture *f, uint64_t addr, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, memory_at(f, addr), size);
    return v;
}
static inline void put_number(const fixture *f, uint64_t addr, size_t size, uint64_t v)
{
    memcpy(memory_at(f, addr), &v, size);
}
static inline size_t word_of(const fixture *f)
{
    return f->call.is64 ? 8 : 4;
}

/* ---- Calls ---- */

static inline beamr_value argument(const fixture *f, char letter, int64_t v)
{
    switch (letter) {
    case 'l':
        return beamr_i64(v);
    case 'd':
        return beamr_f64((double)v);
    case 'P':
        return f->call.is64 ? beamr_i64(v) : beamr_i32((int32_t)v);
    default:
        return beamr_i32((int32_t)v);
    }
}

/* A row by name and type; NULL for its first. */
static inline const guest_import *row_of(const char *name, const char *type)
{
    const guest_import *row =
        guest_import_find(guest_env_rows, guest_env_row_count, beamr_bytes_of(name));

    assert_non_null(row);
    while (type && strcmp(row->type, type) != 0) {
        row++;
        assert_string_equal(row->name, name);
    }
    return row;
}

static inline int64_t call_row(fixture *f, const guest_import *row, const int64_t *numbers,
                               size_t count)
{
    const char *colon = strchr(row->type, ':');
    beamr_value args[8], results[1] = {{0}};

    if ((size_t)(colon - row->type) != count)
        fail_msg("%s takes %s, not %zu arguments", row->name, row->type, count);
    for (size_t i = 0; i < count; i++)
        args[i] = argument(f, row->type[i], numbers[i]);
    results[0] = argument(f, colon[1] ? colon[1] : 'i', 0);
    if (colon[1] == 'f')
        results[0] = beamr_f32(0);
    beamr_error_clear(&f->err);
    f->status = row->function(&f->call, args, results, &f->err);
    if (f->status == BEAMR_OK)
        assert_int_equal(f->err.status, BEAMR_OK);
    f->real = colon[1] == 'd'   ? results[0].of.f64
              : colon[1] == 'f' ? (double)results[0].of.f32
                                : 0;
    return colon[1] == 'l'   ? results[0].of.i64
           : colon[1] == 'P' ? (int64_t)guest_pointer(&results[0])
                             : results[0].of.i32;
}

/* DO("__syscall_rmdir", T("a")): the result. The host's failure is a failed test. */
#define DO_TYPED(name, type, ...)                                                              \
    done(f, name,                                                                              \
         call_row(f, row_of(name, type), (const int64_t[]){0, ##__VA_ARGS__} + 1,              \
                  sizeof((const int64_t[]){0, ##__VA_ARGS__}) / sizeof(int64_t) - 1))
#define DO(name, ...) DO_TYPED(name, NULL, ##__VA_ARGS__)
/* The same, whatever the status. */
#define TRY(name, ...)                                                                         \
    call_row(f, row_of(name, NULL), (const int64_t[]){0, ##__VA_ARGS__} + 1,                   \
             sizeof((const int64_t[]){0, ##__VA_ARGS__}) / sizeof(int64_t) - 1)

static inline int64_t done(const fixture *f, const char *name, int64_t result)
{
    if (f->status != BEAMR_OK)
        fail_msg("%s: %s", name, f->err.text);
    return result;
}

#define assert_errno(result, e) assert_int_equal((result), -(int64_t)GUEST_E##e)

enum {
    OPEN_WRITE = 1,
    OPEN_BOTH = 2,
    OPEN_CREATE = 0x40,
    OPEN_EXCLUSIVE = 0x80,
    OPEN_TRUNCATE = 0x200,
    OPEN_APPEND = 0x400,
    OPEN_NONBLOCK = 0x800,
    OPEN_DIRECTORY = 0x10000,
    OPEN_NOFOLLOW = 0x20000
};

static inline int64_t open_at(fixture *f, const char *path, int64_t flags)
{
    return DO("__syscall_openat", HERE, T(path), flags, ARGS);
}
/* A file with a content; its descriptor, at the end. */
static inline int64_t make_file(fixture *f, const char *path, const char *content)
{
    int64_t fd = open_at(f, path, OPEN_BOTH | OPEN_CREATE | OPEN_TRUNCATE);
    guest_iovec iov = {(uint8_t *)(uintptr_t)content, strlen(content)};
    uint64_t total;

    assert_true(fd >= 0);
    assert_int_equal(guest_fd_write(f->wasi, (uint32_t)fd, &iov, 1, NULL, &total, &f->err),
                     GUEST_ESUCCESS);
    return fd;
}
static inline uint64_t size_of_file(fixture *f, int64_t fd)
{
    guest_filestat stat;

    assert_int_equal(guest_fd_filestat(f->wasi, (uint32_t)fd, &stat), GUEST_ESUCCESS);
    return stat.size;
}

/* Run a test's body with both widths. */
static inline void each_width(void (*body)(fixture *f))
{
    for (int is64 = 0; is64 < 2; is64++) {
        fixture f = open_env(is64);

        body(&f);
        close_env(&f);
    }
}
#define EACH_WIDTH(name)                                                                       \
    static void name##_body(fixture *f);                                                       \
    static void name(void **state)                                                             \
    {                                                                                          \
        (void)state;                                                                           \
        each_width(name##_body);                                                               \
    }                                                                                          \
    static void name##_body(fixture *f)

#endif
