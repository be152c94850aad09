/* Decoding for tests: a module that may be wrong anywhere, and the outcome that is expected.
 * Each test has a registry of its own, by setup and teardown. */
#ifndef TEST_WASM_DECODE_FIXTURE_H
#define TEST_WASM_DECODE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "builder.h"
#include "wasm/module.h"

static wb_registry *registry;

static inline int setup(void **state)
{
    (void)state;
    registry = wb_registry_new();
    return registry ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    wb_registry_free(registry); /* asserts that no group was leaked */
    return 0;
}

/* Decode a copy of exactly that size, gone before the module is looked at. */
static inline beamr_status decode_features(wb_module *m, beamr_bytes bytes,
                                           wb_features features, beamr_error *err)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    beamr_status st;

    if (!copy)
        abort();
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    beamr_error_clear(err);
    st = wb_decode(m, (beamr_bytes){copy, bytes.len}, features, registry, err);
    assert_int_equal(st, err->status);
    free(copy);
    return st;
}

static inline beamr_status decode(wb_module *m, const builder *b, beamr_error *err)
{
    return decode_features(m, builder_bytes(b), wb_features_default(), err);
}

/* Decode, and forget what came of it. */
static inline beamr_status try_decode(const builder *b, beamr_error *err)
{
    wb_module m;
    beamr_status st = decode(&m, b, err);

    if (st == BEAMR_OK)
        wb_module_clear(&m);
    return st;
}

#define EXPECT(status, part, b)                                                                \
    do {                                                                                       \
        beamr_error err_ = {0};                                                                \
        assert_int_equal(try_decode((b), &err_), (status));                                    \
        if (!strstr(err_.text, (part)))                                                        \
            fail_msg("\"%s\" does not say \"%s\"", err_.text, (part));                         \
    } while (0)

/* Begin a module, give it sections, and expect that outcome. */
#define EXPECT_SECTION(status, part, id, ...)                                                  \
    do {                                                                                       \
        builder b_ = {0};                                                                      \
        put_header(&b_);                                                                       \
        PUT_SECTION(&b_, (id), __VA_ARGS__);                                                   \
        EXPECT((status), (part), &b_);                                                         \
        builder_clear(&b_);                                                                    \
    } while (0)

#endif
