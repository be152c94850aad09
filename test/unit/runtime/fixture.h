/* An engine without an executor, and a store in it. Guest functions that are called anyway run
 * `guest_body`. */
#ifndef TEST_RUNTIME_FIXTURE_H
#define TEST_RUNTIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../wasm_builder.h"
#include "runtime/runtime.h"

static abi_entry guest_body;

static beamr_status fixture_entry(abi_func *f, abi_instance *caller, uint64_t *slots,
                                  beamr_error *err)
{
    return guest_body ? guest_body(f, caller, slots, err)
                      : beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, NULL);
}

static beamr_status fixture_code_new(abi_module *m, void **out, beamr_error *err)
{
    (void)err;
    *out = m;
    return BEAMR_OK;
}

static void fixture_code_free(void *code)
{
    (void)code;
}

static void *fixture_code_func(void *code, uint32_t index)
{
    (void)index;
    return code;
}

static inline rt_engine *fixture_engine(void)
{
    rt_engine *e = NULL;

    assert_int_equal(rt_engine_new(&e, NULL), BEAMR_OK);
    e->guest_entry = fixture_entry;
    e->code_new = fixture_code_new;
    e->code_free = fixture_code_free;
    e->code_func = fixture_code_func;
    return e;
}

static const rt_limits fixture_limits = {
    ABI_MEMORY_MAX_PAGES, ABI_TABLE_MAX_ELEMENTS, 100, 1u << 16, 50, UINT64_MAX, 0};

static inline abi_store *fixture_store_with(const rt_limits *limits, bool metering)
{
    rt_engine *e = fixture_engine();
    abi_store *s = NULL;

    e->metering = metering;
    assert_int_equal(rt_store_new(e, limits, &s, NULL), BEAMR_OK);
    rt_engine_unref(e); /* the store holds it */
    return s;
}

static inline abi_store *fixture_store(void)
{
    return fixture_store_with(&fixture_limits, false);
}

/* The size before, or -1; fails the test on a trap. */
static inline int64_t fixture_memory_grow(abi_memory *m, uint64_t delta)
{
    beamr_error err = {0};
    int64_t old;

    if (rt_memory_grow(m, delta, &old, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return old;
}

static inline int64_t fixture_table_grow(abi_table *t, uint64_t delta, uint64_t init)
{
    beamr_error err = {0};
    int64_t old;

    if (rt_table_grow(t, delta, init, &old, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return old;
}

/* Load what was built; fails the test when it cannot be. */
static inline abi_module *fixture_load(abi_store *s, wasm_builder *w)
{
    abi_module *m = NULL;
    beamr_error err = {0};

    if (rt_module_new(s->engine, wasm_bytes_of(w), &m, &err) != BEAMR_OK)
        fail_msg("the module does not load: %s at %u", err.text, (unsigned)err.offset);
    wasm_free(w);
    return m;
}

/* Instantiate and give the module away.  Returns what rt_instance_new does. */
static inline beamr_status fixture_instance(abi_store *s, wasm_builder *w,
                                            const rt_extern *imports, size_t count,
                                            abi_instance **out, beamr_error *err)
{
    abi_module *m = fixture_load(s, w);
    beamr_status st = rt_instance_new(s, m, imports, count, out, NULL, err);

    rt_module_unref(m);
    return st;
}

/* Sanitizers reserve more address space than the tests leave. */
static inline bool fixture_is_sanitized(void)
{
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#endif
    return false;
}

#define assert_trap(call, which, err)                                                          \
    do {                                                                                       \
        beamr_error_clear(&(err));                                                             \
        assert_int_equal((call), BEAMR_TRAP);                                                  \
        assert_int_equal((err).trap, BEAMR_TRAP_##which);                                      \
    } while (0)

#endif
