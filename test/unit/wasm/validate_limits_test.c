/* The validator: its limits, and inputs that would take quadratic time, or memory out of all
 * proportion, if it were careless. Each takes well below a second; a failure shows itself as a
 * test that runs for minutes. */
#include <stdio.h>

#include "build.h"

/* A module of one function type and `count` functions with the body `body`. */
static void put_functions(buffer *b, const uint8_t *type, size_t type_len, uint32_t count,
                          const buffer *body)
{
    buffer types = {0}, funcs = {0}, code = {0};

    put_header(b);
    PUT(&types, 1);
    put(&types, type, type_len);
    put_sized(b, 1, &types);
    put_u32(&funcs, count);
    put_u32(&code, count);
    for (uint32_t i = 0; i < count; i++) {
        PUT(&funcs, 0);
        put_u32(&code, (uint32_t)body->len);
        put(&code, body->data, body->len);
    }
    put_sized(b, 3, &funcs);
    put_sized(b, 10, &code);
}

static void expect_nesting(uint32_t depth, beamr_status status)
{
    buffer b = {0}, body = {0};

    PUT(&body, 0);
    for (uint32_t i = 0; i < depth; i++)
        PUT(&body, 0x02, 0x40);
    for (uint32_t i = 0; i <= depth; i++)
        PUT(&body, 0x0b);
    put_functions(&b, BODY(0x60, 0, 0), 1, &body);
    free(body.data);
    expect(&b, wb_features_default(), status, "");
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    expect_nesting(WB_LIMIT_NESTING, BEAMR_OK);
    expect_nesting(WB_LIMIT_NESTING + 1, BEAMR_LIMIT);
}

/* Calls that give 1000 results each would make gigabytes of operands out of a few bytes. */
static void operands_have_a_limit(void **state)
{
    buffer b = {0}, body = {0}, type = {0};

    (void)state;
    PUT(&type, 0x60, 0);
    put_u32(&type, 1000);
    for (int i = 0; i < 1000; i++)
        PUT(&type, I32);
    PUT(&body, 0);
    for (int i = 0; i < WB_LIMIT_OPERANDS / 1000 + 1; i++)
        PUT(&body, 0x10, 0);
    PUT(&body, 0x00, 0x0b);
    put_functions(&b, type.data, type.len, 1, &body);
    free(type.data);
    free(body.data);
    expect(&b, wb_features_default(), BEAMR_LIMIT, "");
}

/* Each function declares 50,000 locals in three bytes. */
static void many_functions_with_many_locals_are_fast(void **state)
{
    buffer b = {0}, body = {0};

    (void)state;
    PUT(&body, 1, 0xd0, 0x86, 3, I64, 0x20, 0xcf, 0x86, 3, 0x1a, 0x0b);
    put_functions(&b, BODY(0x60, 0, 0), 300000, &body);
    free(body.data);
    expect(&b, wb_features_default(), BEAMR_OK, "");
}

/* A million targets, each a label of 1000 operands, from within 1000 blocks. */
static void giant_br_table_is_fast(void **state)
{
    buffer b = {0}, body = {0}, type = {0};

    (void)state;
    PUT(&type, 0x60, 0);
    put_u32(&type, 1000);
    for (int i = 0; i < 1000; i++)
        PUT(&type, I32);
    PUT(&body, 0);
    for (int i = 0; i < 1000; i++)
        PUT(&body, 0x02, 0);
    PUT(&body, 0x10, 0, 0x41, 0, 0x0e);
    put_u32(&body, 1000000);
    for (uint32_t i = 0; i <= 1000000; i++)
        put_u32(&body, i % 1000);
    for (int i = 0; i <= 1000; i++)
        PUT(&body, 0x0b);
    put_functions(&b, type.data, type.len, 1, &body);
    free(type.data);
    free(body.data);
    expect(&b, wb_features_default(), BEAMR_OK, "");
}

/* Many blocks that each set and forget the same locals without a default. */
static void undoing_locals_is_fast(void **state)
{
    buffer b = {0}, body = {0};

    (void)state;
    PUT(&body, 1, 0xd0, 0x86, 3, REF, 0); /* 50,000 locals of (ref 0) */
    for (uint32_t i = 0; i < 500000; i++) {
        PUT(&body, 0x02, 0x40, 0x00, 0x21);
        put_u32(&body, i % 50000);
        PUT(&body, 0x0b);
    }
    PUT(&body, 0x0b);
    put_functions(&b, BODY(0x60, 0, 0), 1, &body);
    free(body.data);
    expect(&b, wb_features_default(), BEAMR_OK, "");
}

/* 300,000 exports whose names begin alike. */
static void many_exports_are_fast(void **state)
{
    buffer b = {0}, exports = {0};

    (void)state;
    put_header(&b);
    put_sections(&b, SECTIONS(SECTION(5, 1, 0, 1)));
    put_u32(&exports, 300000);
    for (int i = 0; i < 300000; i++) {
        char name[32];
        int len =
            snprintf(name, sizeof name, "aaaaaaaaaaaaaaaa%06d", (int)(i * 7919LL % 300000));

        PUT(&exports, (uint8_t)len);
        put(&exports, name, (size_t)len);
        PUT(&exports, 2, 0);
    }
    put_sized(&b, 7, &exports);
    expect(&b, wb_features_default(), BEAMR_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(operands_have_a_limit),
        cmocka_unit_test(many_functions_with_many_locals_are_fast),
        cmocka_unit_test(giant_br_table_is_fast),
        cmocka_unit_test(undoing_locals_is_fast),
        cmocka_unit_test(many_exports_are_fast),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
