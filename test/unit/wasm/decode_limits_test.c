/* The decoder: limits of a module, each at its edge. */
#include "decode_fixture.h"

/* A section that announces `count` entries, and has `bytes` zeros behind that. */
static beamr_status decode_zeros(uint8_t id, uint32_t count, size_t bytes, beamr_error *err)
{
    builder b = {0}, contents = {0};
    beamr_status st;

    put_header(&b);
    put_leb(&contents, count);
    put_zeros(&contents, bytes);
    put_section(&b, id, &contents);
    st = try_decode(&b, err);
    builder_clear(&contents);
    builder_clear(&b);
    return st;
}

static void vectors_are_limited(void **state)
{
    static const struct {
        uint8_t id;
        uint32_t limit;
        const char *text;
    } rows[] = {
        {1, WB_LIMIT_REC_GROUPS, "1000001 recursion groups in a module, the limit is 1000000"},
        {2, WB_LIMIT_IMPORTS, "1000001 imports of a module, the limit is 1000000"},
        {3, WB_LIMIT_FUNCTIONS, "1000001 functions in a module, the limit is 1000000"},
        {4, WB_LIMIT_TABLES, "100001 tables in a module, the limit is 100000"},
        {5, WB_LIMIT_MEMORIES, "101 memories in a module, the limit is 100"},
        {13, WB_LIMIT_TAGS, "1000001 tags in a module, the limit is 1000000"},
        {6, WB_LIMIT_GLOBALS, "1000001 globals in a module, the limit is 1000000"},
        {7, WB_LIMIT_EXPORTS, "1000001 exports of a module, the limit is 1000000"},
        {9, WB_LIMIT_ELEM_SEGMENTS,
         "10000001 element segments in a module, the limit is 10000000"},
        {11, WB_LIMIT_DATA_SEGMENTS, "100001 data segments in a module, the limit is 100000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        beamr_error err = {0};
        uint32_t count = rows[i].limit + 1;

        assert_int_equal(decode_zeros(rows[i].id, count, (size_t)count * 4, &err), BEAMR_LIMIT);
        assert_string_equal(err.text, rows[i].text);
        assert_true(err.offset > 8);
    }
    EXPECT_SECTION(BEAMR_LIMIT, "100001 data segments", 12, 0xa1, 0x8d, 0x06);
}

static void announced_entries_must_be_there(void **state)
{
    static const uint8_t ids[] = {1, 2, 3, 4, 5, 13, 6, 7, 9, 10, 11};

    (void)state;
    for (size_t i = 0; i < sizeof ids; i++) {
        beamr_error err = {0};

        assert_int_equal(decode_zeros(ids[i], UINT32_MAX, 3, &err), BEAMR_MALFORMED);
    }
}

static void types_are_limited(void **state)
{
    builder b = {0}, contents = {0};

    (void)state;
    /* One group of one more than there may be. */
    put_header(&b);
    PUT(&contents, 1, 0x4e);
    put_leb(&contents, WB_LIMIT_TYPES + 1);
    put_zeros(&contents, (size_t)(WB_LIMIT_TYPES + 1) * 3);
    put_section(&b, 1, &contents);
    EXPECT(BEAMR_LIMIT, "1000001 types in a module, the limit is 1000000", &b);
    builder_clear(&b);

    /* As many as there may be, then one more. */
    put_header(&b);
    PUT(&contents, 2, 0x4e);
    put_leb(&contents, WB_LIMIT_TYPES);
    for (uint32_t i = 0; i < WB_LIMIT_TYPES; i++)
        PUT(&contents, 0x60, 0, 0);
    PUT(&contents, 0x60, 0, 0);
    put_section(&b, 1, &contents);
    EXPECT(BEAMR_LIMIT, "1000001 types in a module", &b);
    builder_clear(&contents);
    builder_clear(&b);
}

/* A function type with so many parameters and results. */
static beamr_status decode_functype(uint32_t params, uint32_t results, beamr_error *err)
{
    builder b = {0}, contents = {0};
    beamr_status st;

    put_header(&b);
    PUT(&contents, 1, 0x60);
    put_leb(&contents, params);
    for (uint32_t i = 0; i < params; i++)
        PUT(&contents, 0x7f);
    put_leb(&contents, results);
    for (uint32_t i = 0; i < results; i++)
        PUT(&contents, 0x7b);
    put_section(&b, 1, &contents);
    st = try_decode(&b, err);
    builder_clear(&contents);
    builder_clear(&b);
    return st;
}

static void function_types_are_limited(void **state)
{
    beamr_error err = {0};

    (void)state;
    assert_int_equal(decode_functype(WB_LIMIT_PARAMS, WB_LIMIT_RESULTS, &err), BEAMR_OK);
    assert_int_equal(decode_functype(WB_LIMIT_PARAMS + 1, 0, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "1001 parameters of a function, the limit is 1000");
    assert_int_equal(decode_functype(0, WB_LIMIT_RESULTS + 1, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "1001 results of a function or block, the limit is 1000");
}

/* A chain of types, each a subtype of the one before, behind the first. */
static beamr_status decode_chain(uint8_t levels, bool one_group, beamr_error *err)
{
    builder b = {0}, contents = {0};
    beamr_status st;

    put_header(&b);
    if (one_group)
        PUT(&contents, 1, 0x4e);
    PUT(&contents, (uint8_t)(levels + 1), 0x50, 0, 0x60, 0, 0);
    for (uint8_t i = 0; i < levels; i++)
        PUT(&contents, 0x50, 1, i, 0x60, 0, 0);
    put_section(&b, 1, &contents);
    st = try_decode(&b, err);
    builder_clear(&contents);
    builder_clear(&b);
    return st;
}

static void depth_of_subtyping_is_limited(void **state)
{
    (void)state;
    for (int one_group = 0; one_group < 2; one_group++) {
        beamr_error err = {0};

        assert_int_equal(decode_chain(63, one_group, &err), BEAMR_OK);
        assert_int_equal(decode_chain(64, one_group, &err), BEAMR_LIMIT);
        assert_string_equal(err.text, "64 levels of subtyping, the limit is 63");
        assert_true(err.offset > 8);
    }
}

/* One function of type [i32] -> [] whose body is `body`. */
static beamr_status decode_body(builder *body, beamr_error *err)
{
    builder b = {0}, contents = {0};
    beamr_status st;

    put_header(&b);
    PUT_SECTION(&b, 1, 1, 0x60, 1, 0x7f, 0);
    PUT_SECTION(&b, 3, 1, 0);
    PUT(&contents, 1);
    put_leb(&contents, body->len);
    put(&contents, body->data, body->len);
    put_section(&b, 10, &contents);
    st = try_decode(&b, err);
    body->len = 0;
    builder_clear(&contents);
    builder_clear(&b);
    return st;
}

static void locals_are_limited(void **state)
{
    builder body = {0};
    beamr_error err = {0};

    (void)state;
    PUT(&body, 2);
    put_leb(&body, WB_LIMIT_LOCALS - 2);
    PUT(&body, 0x7e, 1, 0x7b, 0x0b);
    assert_int_equal(decode_body(&body, &err), BEAMR_OK);
    PUT(&body, 1);
    put_leb(&body, WB_LIMIT_LOCALS);
    PUT(&body, 0x7e, 0x0b);
    assert_int_equal(decode_body(&body, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "50001 locals of a function, the limit is 50000");
    /* A sum that a 32-bit number would wrap is malformed, whatever the limit. */
    PUT(&body, 2);
    put_leb(&body, UINT32_MAX);
    PUT(&body, 0x7f);
    put_leb(&body, 2);
    PUT(&body, 0x7e, 0x0b);
    assert_int_equal(decode_body(&body, &err), BEAMR_MALFORMED);
    assert_non_null(strstr(err.text, "too many locals"));
    PUT(&body, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b);
    assert_int_equal(decode_body(&body, &err), BEAMR_MALFORMED);
    builder_clear(&body);
}

static void bodies_are_limited(void **state)
{
    builder body = {0};
    beamr_error err = {0};

    (void)state;
    put_zeros(&body, WB_LIMIT_FUNCTION_SIZE);
    assert_int_equal(decode_body(&body, &err), BEAMR_OK);
    put_zeros(&body, WB_LIMIT_FUNCTION_SIZE + 1);
    assert_int_equal(decode_body(&body, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "7654322 bytes in a function body, the limit is 7654321");
    builder_clear(&body);
}

static void names_are_limited(void **state)
{
    builder b = {0}, contents = {0};
    beamr_error err = {0};

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        b.len = 0;
        put_header(&b);
        put_leb(&contents, WB_LIMIT_NAME_SIZE + extra);
        put_zeros(&contents, WB_LIMIT_NAME_SIZE + extra);
        put_section(&b, 0, &contents);
        assert_int_equal(try_decode(&b, &err), extra ? BEAMR_LIMIT : BEAMR_OK);
    }
    assert_string_equal(err.text, "100001 bytes in a name, the limit is 100000");
    builder_clear(&contents);
    builder_clear(&b);
}

static void elements_are_limited(void **state)
{
    builder b = {0}, contents = {0};

    (void)state;
    put_header(&b);
    PUT(&contents, 1, 1, 0x00); /* a passive segment */
    put_leb(&contents, WB_LIMIT_ELEM_ITEMS + 1);
    put_zeros(&contents, WB_LIMIT_ELEM_ITEMS + 1);
    put_section(&b, 9, &contents);
    EXPECT(BEAMR_LIMIT, "10000001 elements in a segment, the limit is 10000000", &b);
    builder_clear(&contents);
    builder_clear(&b);
}

/* Imports count as well. */
static void index_spaces_are_limited_as_a_whole(void **state)
{
    builder b = {0}, contents = {0};

    (void)state;
    put_header(&b);
    PUT(&contents, 60);
    for (int i = 0; i < 60; i++)
        PUT(&contents, 0, 0, 0x02, 0x00, 0x00);
    put_section(&b, 2, &contents);
    EXPECT(BEAMR_OK, "", &b);
    PUT(&contents, 41);
    put_zeros(&contents, 82);
    put_section(&b, 5, &contents);
    EXPECT(BEAMR_LIMIT, "101 memories in a module", &b);
    builder_clear(&contents);
    builder_clear(&b);
}

static void modules_are_limited(void **state)
{
    beamr_error err = {0};
    wb_module m;

    (void)state;
    /* Judged before the first byte is looked at. */
    assert_int_equal(wb_decode(&m, (beamr_bytes){NULL, (size_t)WB_LIMIT_MODULE_SIZE + 1},
                               wb_features_default(), registry, &err),
                     BEAMR_LIMIT);
    assert_string_equal(err.text, "1073741825 bytes in a module, the limit is 1073741824");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(vectors_are_limited),
        TEST(announced_entries_must_be_there),
        TEST(types_are_limited),
        TEST(function_types_are_limited),
        TEST(depth_of_subtyping_is_limited),
        TEST(locals_are_limited),
        TEST(bodies_are_limited),
        TEST(names_are_limited),
        TEST(elements_are_limited),
        TEST(index_spaces_are_limited_as_a_whole),
        TEST(modules_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
