/* Guests for the tests of value_*.c: modules that export again what they import, under the
 * names that a language uses. One C function plays all of them, notes each call in f.log, and
 * misbehaves as a test wants. */
#ifndef TEST_GUEST_PLAYED_H
#define TEST_GUEST_PLAYED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../wasm_builder.h"
#include "beamr/beamr.h"

/* ---- A guest made to measure ---- */

typedef enum role { CALLED, TAKE, GIVE, PIN, STACK } role;

typedef struct export
{
    const char *name;
    const char *params, *results;
    role role;
}
export;

/* How a function misbehaves. */
typedef enum misdeed {
    WELL,
    TRAPS,
    THROWS,
    IS_INTERRUPTED,
    GROWS,     /* the memory, which may move */
    IS_ZERO,   /* its result */
    IS_BEYOND, /* the end of memory */
    IS_LAST,   /* byte of it */
    REPEATS,   /* the same address each time */
    FAULT_COUNT,
} misdeed;

enum { FIRST = 4096, LOG_SIZE = 1024, RESULTS_MAX = 4, RTTI = 512, STACK_TOP = 2048 };

typedef struct fixture {
    beamr_engine *engine;
    beamr_store *store;
    beamr_instance *instance;
    beamr_memory *memory;
    beamr_tag *tag;
    uint32_t next, stack;
    const char *faulty; /* name of the function that misbehaves */
    misdeed fault;
    bool is_deferred; /* "f" is answered later */
    /* What the called function does: text for it to put at an address, and its results. */
    uint32_t put_at;
    const void *put;
    size_t put_len;
    uint32_t results[RESULTS_MAX];
    bool is_place;    /* the first parameter is where put[] goes */
    uint8_t seen[64]; /* memory at its last address parameter when it was called */
    char log[LOG_SIZE];
} fixture;

static fixture f;

static inline void note(const char *name, const beamr_value *args, size_t count)
{
    size_t len = strlen(f.log);

    len += (size_t)snprintf(f.log + len, sizeof f.log - len, "%s%s(", len ? " " : "", name);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(f.log + len, sizeof f.log - len, "%s%d", i ? "," : "",
                                args[i].of.i32);
    snprintf(f.log + len, sizeof f.log - len, ")");
}

static inline void play(const export *is, const beamr_value *args, beamr_value *results)
{
    switch (is->role) {
    case CALLED:
        if (f.is_place)
            f.put_at = (uint32_t)args[0].of.i32;
        if (f.put)
            assert_int_equal(beamr_memory_write(f.memory, f.put_at, f.put, f.put_len, NULL),
                             BEAMR_OK);
        for (size_t i = 0; i < strlen(is->results); i++)
            results[i].of.i32 = (int32_t)f.results[i];
        break;
    case TAKE:
        results[0] = beamr_i32((int32_t)f.next);
        f.next += 256;
        break;
    case GIVE:
        if (strlen(is->results) > 0)
            results[0] = beamr_i32(0);
        break;
    case PIN:
        results[0] = args[0];
        break;
    case STACK:
        f.stack += (uint32_t)args[0].of.i32;
        results[0] = beamr_i32((int32_t)f.stack);
        break;
    }
}

static inline beamr_status misbehave(const beamr_call *call, beamr_value *results,
                                     bool has_result, beamr_error *err)
{
    static const uint32_t addresses[FAULT_COUNT] = {
        [IS_BEYOND] = 0xffffffff, [IS_LAST] = 2 * 65536 - 1, [REPEATS] = FIRST};

    switch (f.fault) {
    case TRAPS:
        return beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, NULL);
    case THROWS:
        return beamr_throw(call->store, f.tag, NULL, 0, err);
    case IS_INTERRUPTED:
        return beamr_fail_trap(err, BEAMR_TRAP_INTERRUPTED, NULL);
    case GROWS:
        return beamr_memory_grow(f.memory, 1, NULL, err);
    case WELL:
    case FAULT_COUNT:
        return BEAMR_OK;
    default:
        if (has_result)
            results[0] = beamr_i32((int32_t)addresses[f.fault]);
        return BEAMR_OK;
    }
}

static inline beamr_status guest_function(const beamr_call *call, const beamr_value *args,
                                          beamr_value *results, beamr_error *err)
{
    const export *is = call->user;
    size_t count = strlen(is->params);

    note(is->name, args, count);
    if (is->role == CALLED && count > 0)
        (void)beamr_memory_read(f.memory, (uint32_t)args[0].of.i32, f.seen, sizeof f.seen,
                                NULL);
    play(is, args, results);
    if (f.faulty && strcmp(f.faulty, is->name) == 0)
        return misbehave(call, results, strlen(is->results) > 0, err);
    return BEAMR_OK;
}

static inline void build(wasm_builder *w, const export *exports, size_t count)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wasm_functype(w, exports[i].params, exports[i].results);
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, (uint32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_import(w, "host", exports[i].name);
        WASM(w, 0);
        wasm_u32(w, i);
    }
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 2);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 0, 0x41, 0x80, 0x04, 0x0b); /* RTTI */
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, (uint32_t)count + 2);
    for (uint32_t i = 0; i < count; i++)
        wasm_export(w, exports[i].name, 0, i);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "__rtti_base", 3, 0);
    wasm_end(w);
}

static inline void define(beamr_linker *linker, const export *is)
{
    beamr_valtype params[8], results[8];
    beamr_functype type = {params, strlen(is->params), results, strlen(is->results)};
    beamr_host host = {.callback = guest_function, .user = (void *)(uintptr_t)is};

    if (is->role == CALLED && f.is_deferred)
        host.callback = NULL;
    for (size_t i = 0; i < type.param_count; i++)
        params[i] = beamr_valtype_of(is->params[i] == 'l' ? BEAMR_I64 : BEAMR_I32);
    for (size_t i = 0; i < type.result_count; i++)
        results[i] = beamr_valtype_of(is->results[i] == 'l' ? BEAMR_I64 : BEAMR_I32);
    assert_int_equal(beamr_linker_define_host(linker, "host", is->name, &type, &host, NULL),
                     BEAMR_OK);
}

static inline void make(const export *exports, size_t count)
{
    wasm_builder w = {.len = 0};
    beamr_linker *linker;
    beamr_module *module;
    beamr_error err = {0};

    build(&w, exports, count);
    if (beamr_module_load(f.engine, wasm_bytes_of(&w), &module, &err) != BEAMR_OK ||
        beamr_linker_new(f.store, &linker, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        define(linker, &exports[i]);
    if (beamr_linker_instantiate(linker, module, &f.instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    f.memory = beamr_instance_find_memory(f.instance, "memory");
    beamr_linker_free(linker);
    beamr_module_unref(module);
    wasm_free(&w);
}

/* The exports outlive the instance: they are what its functions are told. */
#define GUEST(...)                                                                             \
    static const export exports[] = {__VA_ARGS__};                                             \
    make(exports, sizeof exports / sizeof exports[0])

#define SCRIPT                                                                                 \
    {"__new", "ii", "i", TAKE}, {"__pin", "i", "i", PIN},                                      \
    {                                                                                          \
        "__unpin", "i", "", GIVE                                                               \
    }
#define BINDGEN                                                                                \
    {"__wbindgen_malloc", "ii", "i", TAKE}, {"__wbindgen_free", "iii", "", GIVE},              \
    {                                                                                          \
        "__wbindgen_add_to_stack_pointer", "i", "i", STACK                                     \
    }
#define OLD_BINDGEN                                                                            \
    {"__wbindgen_malloc", "i", "i", TAKE},                                                     \
    {                                                                                          \
        "__wbindgen_free", "ii", "", GIVE                                                      \
    }

/* ---- Calling ---- */

static inline beamr_arg text_arg(const char *text)
{
    return (beamr_arg){.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of(text)};
}

static inline beamr_arg bytes_arg(const char *data, size_t len)
{
    return (beamr_arg){.kind = BEAMR_ARG_BYTES, .text = {(const uint8_t *)data, len}};
}

static inline beamr_status begin(const beamr_arg *args, size_t count, beamr_reading reading,
                                 beamr_args_call **call, beamr_error *err)
{
    beamr_args_options options = {
        .can_wait = f.is_deferred, .reading = reading, .max_bytes = 16};

    f.log[0] = 0;
    *call = NULL;
    return beamr_args_begin(f.instance, beamr_instance_find_func(f.instance, "f"), args, count,
                            &options, call, err);
}

/* The call gives this text; NULL: it gives none. */
static inline void assert_reads(const beamr_arg *args, size_t count, beamr_reading reading,
                                const char *want)
{
    beamr_args_call *call;
    beamr_error err = {0};
    beamr_bytes text;

    if (begin(args, count, reading, &call, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    text = beamr_args_text(call);
    assert_int_equal(beamr_args_entry(call), 0);
    if (want)
        assert_string_equal(text.data ? (const char *)text.data : "(none)", want);
    else
        assert_null(text.data);
    if (want)
        assert_int_equal(text.len, strlen(want));
    beamr_args_free(call);
}

static inline void assert_fails(const beamr_arg *args, size_t count, beamr_reading reading,
                                beamr_status status, const char *text)
{
    beamr_args_call *call;
    beamr_error err = {0};
    beamr_status st = begin(args, count, reading, &call, &err);

    if (st != status || strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", beamr_status_text(st), err.text, text);
    assert_null(call);
}

static inline void assert_values(const beamr_arg *args, size_t count)
{
    assert_reads(args, count, BEAMR_READ_VALUES, NULL);
}

static inline beamr_convention convention(void)
{
    return beamr_module_convention(beamr_instance_module(f.instance));
}

static inline int set_up(void **state)
{
    beamr_functype type = {NULL, 0, NULL, 0};
    beamr_error err = {0};

    (void)state;
    f = (fixture){.next = FIRST, .stack = STACK_TOP};
    return beamr_engine_new(NULL, &f.engine, &err) ||
           beamr_store_new(f.engine, NULL, &f.store, &err) ||
           beamr_tag_new(f.store, &type, &f.tag, &err);
}

static inline int tear_down(void **state)
{
    (void)state;
    beamr_store_free(f.store);
    beamr_engine_free(f.engine);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
