/* The decoder: what a module becomes, where it is refused, features, and names. */
#include "decode_fixture.h"

/* ---- A module of everything ---- */

static void put_sample_imports(builder *b)
{
    PUT_SECTION(b, 2, 5,                                         /* */
                1, 'm', 1, 'f', 0x00, 0,                         /* func, type 0 */
                1, 'm', 1, 't', 0x01, 0x70, 0x01, 1, 9,          /* table */
                1, 'm', 1, 'p', 0x02, 0x05, 1, 0x80, 0x80, 0x04, /* i64 memory */
                1, 'm', 1, 'g', 0x03, 0x7f, 0x01,                /* global */
                1, 'm', 1, 'e', 0x04, 0x00, 2);                  /* tag */
}

static void put_sample_elements(builder *b)
{
    PUT_SECTION(b, 9, 8,                                           /* all kinds */
                0, 0x41, 0x00, 0x0b, 2, 0, 1,                      /* */
                1, 0x00, 1, 1,                                     /* */
                2, 1, 0x41, 0x01, 0x0b, 0x00, 1, 1,                /* */
                3, 0x00, 1, 1,                                     /* */
                4, 0x41, 0x02, 0x0b, 1, 0xd2, 0x00, 0x0b,          /* */
                5, 0x6f, 1, 0xd0, 0x6f, 0x0b,                      /* */
                6, 1, 0x41, 0x03, 0x0b, 0x70, 1, 0xd0, 0x70, 0x0b, /* */
                7, 0x64, 0, 1, 0xd2, 0x01, 0x0b);
}

static void put_sample_code(builder *b)
{
    PUT_SECTION(b, 10, 2,                           /* */
                7, 2, 2, 0x7f, 1, 0x7b, 0x01, 0x0b, /* (local i32 i32 v128) nop */
                2, 0, 0x0b);
}

/* Every section once, and every kind of entry. */
static void put_sample(builder *b)
{
    put_header(b);
    PUT_SECTION(b, 1, 3,                             /* */
                0x60, 1, 0x7f, 1, 0x7e,              /* 0: [i32] -> [i64] */
                0x4e, 2,                             /* */
                0x50, 0, 0x60, 0, 1, 0x63, 1,        /* 1: [] -> [(ref null 1)] */
                0x4f, 1, 1, 0x60, 0, 1, 0x64, 2,     /* 2: sub 1, [] -> [(ref 2)] */
                0x60, 2, 0x7b, 0x69, 2, 0x7d, 0x7c); /* 3 */
    put_sample_imports(b);
    PUT_SECTION(b, 3, 2, 0, 3);
    PUT_SECTION(b, 4, 2, 0x6f, 0x00, 3, /* */
                0x40, 0x00, 0x64, 0x70, 0x04, 1, 0xd2, 0x00, 0x0b);
    PUT_SECTION(b, 5, 1, 0x01, 1, 2);
    PUT_SECTION(b, 13, 1, 0x00, 2);
    PUT_SECTION(b, 6, 1, 0x7e, 0x00, 0x42, 0x7f, 0x0b);
    PUT_SECTION(b, 7, 2, 1, 'r', 0x00, 1, 0, 0x02, 1);
    PUT_SECTION(b, 8, 1);
    put_sample_elements(b);
    PUT_SECTION(b, 12, 3);
    put_sample_code(b);
    PUT_SECTION(b, 11, 3, 0, 0x41, 0x00, 0x0b, 2, 'h', 'i', 1, 0, 2, 1, 0x41, 0x00, 0x0b, 1,
                'x');
    PUT_SECTION(b, 0, 5, 'e', 'x', 't', 'r', 'a', 1, 2, 3);
}

/* The tag types of the sample have results, and it has code that no validator would take: only
 * decoding is looked at here. */
static void sample_becomes_a_model(void **state)
{
    builder b = {0};
    beamr_error err = {0};
    wb_module m;

    (void)state;
    put_sample(&b);
    assert_int_equal(decode(&m, &b, &err), BEAMR_OK);
    assert_int_equal(m.bytes.len, b.len);
    assert_memory_equal(m.bytes.data, b.data, b.len);

    assert_int_equal(m.type_count, 4);
    assert_int_equal(m.group_count, 3);
    assert_int_equal(m.types[0].func->result_count, 1);
    assert_int_equal(m.types[2].canon, m.types[1].canon + 1);
    assert_int_equal(wb_registry_super(registry, m.types[2].canon), m.types[1].canon);
    assert_int_equal(m.types[1].func->results[0],
                     WB_REFTYPE(true, WB_HEAP_DEFINED + m.types[1].canon));
    assert_int_equal(m.types[3].func->param_slots, 3);

    assert_int_equal(m.import_count, 5);
    assert_memory_equal(m.imports[4].name.data, "e", 1);
    assert_int_equal(m.func_count, 3);
    assert_int_equal(m.func_imports, 1);
    assert_int_equal(m.table_count, 3);
    assert_int_equal(m.table_imports, 1);
    assert_int_equal(m.memory_count, 2);
    assert_int_equal(m.global_count, 2);
    assert_int_equal(m.tag_count, 2);
    assert_true(m.tables[0].type.limits.has_max && m.tables[0].type.limits.max == 9);
    assert_int_equal(m.tables[0].type.elem, WB_FUNCREF);
    assert_int_equal(m.tables[1].init.len, 0);
    assert_int_equal(m.tables[2].init.len, 3);
    assert_true(m.tables[2].type.limits.is64);
    assert_true(m.tables[2].type.limits.max == UINT64_MAX);
    assert_true(m.memories[0].limits.is64 && m.memories[0].limits.max == 65536);
    assert_true(m.globals[0].type.is_mutable && m.globals[0].init.len == 0);
    assert_true(!m.globals[1].type.is_mutable && m.globals[1].init.len == 3);

    assert_int_equal(m.export_count, 2);
    assert_int_equal(m.exports[1].name.len, 0);
    assert_int_equal(m.exports[1].kind, WB_EXTERN_MEMORY);
    assert_true(m.has_start && m.start == 1);
    assert_int_equal(m.bytes.data[m.start_offset], 1);
    assert_int_equal(m.section_count, 14);
    assert_int_equal(m.sections[13].name.len, 5);
    wb_module_clear(&m);
    builder_clear(&b);
}

static void sample_has_bodies_and_segments(void **state)
{
    static const wb_segment_mode modes[] = {
        WB_SEGMENT_ACTIVE, WB_SEGMENT_PASSIVE, WB_SEGMENT_ACTIVE, WB_SEGMENT_DECLARED,
        WB_SEGMENT_ACTIVE, WB_SEGMENT_PASSIVE, WB_SEGMENT_ACTIVE, WB_SEGMENT_DECLARED,
    };
    builder b = {0};
    beamr_error err = {0};
    wb_module m;

    (void)state;
    put_sample(&b);
    assert_int_equal(decode(&m, &b, &err), BEAMR_OK);
    assert_int_equal(m.funcs[1].run_count, 2);
    assert_int_equal(m.funcs[1].local_count, 4);
    assert_int_equal(m.funcs[1].local_slots, 5);
    assert_int_equal(m.funcs[1].body_len, 2);
    assert_int_equal(m.funcs[1].body[0], 0x01);
    assert_int_equal(m.funcs[2].local_count, 2);
    assert_int_equal(m.funcs[2].local_slots, 3);
    assert_int_equal(m.funcs[2].body_len, 1);

    assert_int_equal(m.elem_count, 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(m.elems[i].mode, modes[i]);
        assert_int_equal(m.elems[i].table, i == 2 || i == 6);
        assert_int_equal(m.elems[i].offset.len, modes[i] == WB_SEGMENT_ACTIVE ? 3 : 0);
        assert_int_equal(m.elems[i].funcs != NULL, i < 4);
        assert_int_equal(m.elems[i].exprs != NULL, i >= 4);
    }
    assert_int_equal(m.elems[0].count, 2);
    assert_int_equal(m.elems[0].type, WB_REFTYPE(false, WB_HEAP_FUNC));
    assert_int_equal(m.elems[4].type, WB_FUNCREF);
    assert_int_equal(m.elems[5].type, WB_EXTERNREF);
    assert_int_equal(m.elems[7].type, WB_REFTYPE(false, WB_HEAP_DEFINED + m.types[0].canon));

    assert_true(m.has_data_count);
    assert_int_equal(m.data_count, 3);
    assert_memory_equal(m.datas[0].bytes.data, "hi", 2);
    assert_int_equal(m.datas[1].mode, WB_SEGMENT_PASSIVE);
    assert_int_equal(m.datas[2].memory, 1);
    wb_module_clear(&m);
    builder_clear(&b);
}

static void truncation_at_any_byte_is_refused(void **state)
{
    builder b = {0};
    size_t extra; /* where the custom section at the end begins */

    (void)state;
    put_sample(&b);
    extra = b.len - 11;
    for (size_t len = 0; len < b.len; len++) {
        beamr_error err = {0};
        wb_module m;
        beamr_status st =
            decode_features(&m, (beamr_bytes){b.data, len}, wb_features_default(), &err);

        if (len == 8 || len == extra) {
            assert_int_equal(st, BEAMR_OK);
            wb_module_clear(&m);
        } else if (st == BEAMR_OK) {
            wb_module_clear(&m); /* between sections, before there are functions */
        } else {
            assert_int_equal(st, BEAMR_MALFORMED);
            assert_true(err.offset <= len);
        }
    }
    builder_clear(&b);
}

/* Whatever single byte is changed, decoding ends in some answer and leaks nothing. */
static void changed_bytes_do_no_harm(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x40, 0x63, 0x64, 0x7f, 0x80, 0xfb, 0xff};
    builder b = {0};

    (void)state;
    put_sample(&b);
    for (size_t at = 0; at < b.len; at++) {
        uint8_t before = b.data[at];

        for (size_t i = 0; i < sizeof values; i++) {
            beamr_error err = {0};

            b.data[at] = values[i];
            (void)try_decode(&b, &err);
        }
        b.data[at] = before;
    }
    builder_clear(&b);
}

/* ---- Frame ---- */

static void headers_are_told_apart(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        beamr_status status;
        const char *part;
    } rows[] = {
        {"", 0, BEAMR_MALFORMED, "unexpected end"},
        {"\0as", 3, BEAMR_MALFORMED, "unexpected end"},
        {"\0as!", 4, BEAMR_MALFORMED, "magic"},
        {"\0asm\1\0\0", 7, BEAMR_MALFORMED, "unexpected end"},
        {"\0asm\1\0\0\0", 8, BEAMR_OK, ""},
        {"\0asm\2\0\0\0", 8, BEAMR_MALFORMED, "unknown binary version"},
        {"\0asm\x0d\0\1\0", 8, BEAMR_UNSUPPORTED, "component-model"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        builder b = {0};

        put(&b, rows[i].bytes, rows[i].len);
        EXPECT(rows[i].status, rows[i].part, &b);
        builder_clear(&b);
    }
}

static void sections_come_once_and_in_order(void **state)
{
    static const uint8_t order[] = {1, 2, 3, 4, 5, 13, 6, 7, 9, 12, 10, 11};

    (void)state;
    for (size_t i = 0; i < sizeof order; i++) {
        for (size_t k = 0; k < sizeof order; k++) {
            builder b = {0};

            put_header(&b);
            PUT_SECTION(&b, order[i], 0);
            PUT_SECTION(&b, 0, 1, 'c'); /* custom sections do not matter */
            PUT_SECTION(&b, order[k], 0);
            if (i < k)
                EXPECT(BEAMR_OK, "", &b);
            else
                EXPECT(BEAMR_MALFORMED, "unexpected content after last section", &b);
            builder_clear(&b);
        }
    }
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed section id", 14, 0);
}

static void sections_have_their_size(void **state)
{
    builder b = {0};

    (void)state;
    EXPECT_SECTION(BEAMR_MALFORMED, "section size mismatch", 1, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "unexpected end", 1, 1, 0x60, 0);
    put_header(&b);
    PUT(&b, 1, 2, 0); /* one byte of two */
    EXPECT(BEAMR_MALFORMED, "length out of bounds", &b);
    builder_clear(&b);
}

static void custom_sections_need_a_name(void **state)
{
    EXPECT_SECTION(BEAMR_OK, "", 0, 3, 'a', 'b', 'c');
    EXPECT_SECTION(BEAMR_MALFORMED, "length out of bounds", 0, 4, 'a', 'b', 'c');
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed UTF-8", 0, 1, 0xff);
    (void)state;
}

static void promises_are_kept(void **state)
{
    builder b = {0};

    (void)state;
    put_header(&b);
    PUT_SECTION(&b, 1, 1, 0x60, 0, 0);
    PUT_SECTION(&b, 3, 1, 0);
    EXPECT(BEAMR_MALFORMED, "function and code section have inconsistent lengths", &b);
    PUT_SECTION(&b, 10, 2, 2, 0, 0x0b, 2, 0, 0x0b);
    EXPECT(BEAMR_MALFORMED, "function and code section have inconsistent lengths", &b);
    builder_clear(&b);
    EXPECT_SECTION(BEAMR_MALFORMED, "function and code section", 10, 1, 2, 0, 0x0b);
    EXPECT_SECTION(BEAMR_MALFORMED, "data count and data section", 12, 1);
    put_header(&b);
    PUT_SECTION(&b, 12, 0);
    PUT_SECTION(&b, 11, 1, 1, 0);
    EXPECT(BEAMR_MALFORMED, "data count and data section", &b);
    builder_clear(&b);
}

static void encodings_are_checked(void **state)
{
    (void)state;
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed type", 1, 1, 0x61, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed value type", 1, 1, 0x60, 1, 0x40, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed value type", 1, 1, 0x60, 1, 0x78, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed import kind", 2, 1, 0, 0, 5, 0, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed UTF-8", 2, 1, 1, 0x80, 0, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "unknown type 7", 2, 1, 0, 0, 0, 7);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed reference type", 4, 1, 0x7f, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed limits flags", 4, 1, 0x70, 8, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed limits flags", 5, 1, 0x81, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed table", 4, 1, 0x40, 1, 0x70, 0, 0, 0x0b);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed mutability", 6, 1, 0x7f, 2, 0x0b);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed export kind", 7, 1, 0, 5, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed elements segment kind", 9, 1, 8, 0, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed element kind", 9, 1, 1, 1, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed data segment kind", 11, 1, 3, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "malformed tag attribute", 13, 1, 1, 0);
    EXPECT_SECTION(BEAMR_MALFORMED, "illegal opcode", 6, 1, 0x7f, 0, 0xf3, 0x0b);
    EXPECT_SECTION(BEAMR_MALFORMED, "unexpected end", 6, 1, 0x7f, 0, 0x02, 0x40, 0x0b);
    EXPECT_SECTION(BEAMR_MALFORMED, "delegate", 6, 1, 0x7f, 0, 0x18, 0x00, 0x0b);
}

/* ---- Types ---- */

static void recursion_groups_are_judged(void **state)
{
    (void)state;
    /* Forward within the group, to the type itself, and none at all. */
    EXPECT_SECTION(BEAMR_OK, "", 1, 1, 0x4e, 2, 0x60, 1, 0x64, 1, 0, 0x60, 0, 0);
    EXPECT_SECTION(BEAMR_OK, "", 1, 1, 0x60, 1, 0x63, 0, 0);
    EXPECT_SECTION(BEAMR_OK, "", 1, 1, 0x4e, 0);
    /* Behind the group. */
    EXPECT_SECTION(BEAMR_INVALID, "unknown type", 1, 2, 0x60, 1, 0x64, 1, 0, 0x60, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "unknown type", 1, 1, 0x60, 1, 0x64, 0xff, 0xff, 0xff, 0xff,
                   0x0f, 0);
}

static void supertypes_are_judged(void **state)
{
    (void)state;
    EXPECT_SECTION(BEAMR_OK, "", 1, 2, 0x50, 0, 0x60, 0, 0, 0x50, 1, 0, 0x60, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 2, 0x60, 0, 0, 0x50, 1, 0, 0x60, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 1, 0x50, 1, 0, 0x60, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 1, 0x4e, 2, 0x50, 1, 1, 0x60, 0, 0, 0x50, 0,
                   0x60, 0, 0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 2, 0x50, 0, 0x60, 0, 0, 0x50, 2, 0, 0, 0x60, 0,
                   0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 1, 0x50, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x60,
                   0, 0);
    /* Results may become narrower and parameters wider, not the reverse. */
    EXPECT_SECTION(BEAMR_OK, "", 1, 2, 0x50, 0, 0x60, 1, 0x64, 0x70, 1, 0x70, /* */
                   0x50, 1, 0, 0x60, 1, 0x70, 1, 0x64, 0x70);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 2, 0x50, 0, 0x60, 1, 0x70, 0, /* */
                   0x50, 1, 0, 0x60, 1, 0x64, 0x70, 0);
    EXPECT_SECTION(BEAMR_INVALID, "sub type", 1, 2, 0x50, 0, 0x60, 0, 1, 0x64, 0x70, /* */
                   0x50, 1, 0, 0x60, 0, 1, 0x70);
}

static void garbage_collected_types_are_named_first(void **state)
{
    (void)state;
    EXPECT_SECTION(BEAMR_UNSUPPORTED, "gc", 1, 1, 0x5f, 0);
    EXPECT_SECTION(BEAMR_UNSUPPORTED, "gc", 1, 1, 0x5e, 0x7f, 0);
    EXPECT_SECTION(BEAMR_UNSUPPORTED, "gc", 1, 1, 0x60, 1, 0x6e, 0);
    /* Also when the group would be invalid. */
    EXPECT_SECTION(BEAMR_UNSUPPORTED, "gc", 1, 1, 0x4e, 2, 0x50, 1, 9, 0x60, 1, 0x64, 9, 0,
                   0x5f, 0);
    EXPECT_SECTION(BEAMR_UNSUPPORTED, "garbage-collected objects", 1, 1, 0x50, 2, 9, 9, 0x5f,
                   0);
}

static void equal_types_are_shared_between_modules(void **state)
{
    builder a = {0}, b = {0};
    beamr_error err = {0};
    wb_module m, n;

    (void)state;
    put_header(&a);
    PUT_SECTION(&a, 1, 2, 0x60, 1, 0x7f, 0, 0x60, 1, 0x64, 0, 0);
    put_header(&b);
    PUT_SECTION(&b, 1, 3, 0x60, 0, 0, 0x60, 1, 0x7f, 0, 0x60, 1, 0x64, 1, 0);
    assert_int_equal(decode(&m, &a, &err), BEAMR_OK);
    assert_int_equal(decode(&n, &b, &err), BEAMR_OK);
    assert_int_equal(m.types[0].canon, n.types[1].canon);
    assert_int_equal(m.types[1].canon, n.types[2].canon);
    assert_ptr_equal(m.types[1].func, n.types[2].func);
    wb_module_clear(&m);
    assert_int_equal(n.types[2].func->param_count, 1);
    wb_module_clear(&n);
    builder_clear(&a);
    builder_clear(&b);
}

/* ---- Features ---- */

static void sections_need_features(void **state)
{
    static const struct {
        wb_feature feature;
        uint8_t len, bytes[15];
    } rows[] = {
        {WB_FEATURE_MUTABLE_GLOBALS, 8, {2, 6, 1, 0, 0, 3, 0x7f, 1}},
        {WB_FEATURE_MUTABLE_GLOBALS, 14, {6, 6, 1, 0x7f, 1, 0x41, 0, 0x0b, 7, 4, 1, 0, 3, 0}},
        {WB_FEATURE_MULTI_VALUE, 8, {1, 6, 1, 0x60, 0, 2, 0x7f, 0x7f}},
        {WB_FEATURE_BULK_MEMORY, 3, {12, 1, 0}},
        {WB_FEATURE_BULK_MEMORY, 5, {11, 3, 1, 1, 0}},
        {WB_FEATURE_BULK_MEMORY, 6, {9, 4, 1, 1, 0, 0}},
        {WB_FEATURE_BULK_MEMORY, 8, {9, 6, 1, 2, 0, 0x0b, 0, 0}},
        {WB_FEATURE_REFERENCE_TYPES, 7, {1, 5, 1, 0x60, 1, 0x70, 0}},
        {WB_FEATURE_REFERENCE_TYPES, 6, {4, 4, 1, 0x6f, 0, 0}},
        {WB_FEATURE_REFERENCE_TYPES, 9, {4, 7, 2, 0x70, 0, 0, 0x70, 0, 0}},
        {WB_FEATURE_REFERENCE_TYPES, 6, {9, 4, 1, 3, 0, 0}},
        {WB_FEATURE_REFERENCE_TYPES, 6, {9, 4, 1, 4, 0x0b, 0}},
        {WB_FEATURE_SIMD, 7, {1, 5, 1, 0x60, 1, 0x7b, 0}},
        {WB_FEATURE_SIMD, 6, {6, 4, 1, 0x7b, 0, 0x0b}},
        {WB_FEATURE_MEMORY64, 5, {5, 3, 1, 4, 0}},
        {WB_FEATURE_MEMORY64, 6, {4, 4, 1, 0x70, 4, 0}},
        {WB_FEATURE_MULTI_MEMORY, 7, {5, 5, 2, 0, 0, 0, 0}},
        {WB_FEATURE_MULTI_MEMORY, 7, {11, 5, 1, 2, 1, 0x0b, 0}},
        {WB_FEATURE_EXCEPTIONS, 7, {1, 5, 1, 0x60, 1, 0x69, 0}},
        {WB_FEATURE_FUNCTION_REFERENCES, 8, {1, 6, 1, 0x60, 1, 0x64, 0x70, 0}},
        {WB_FEATURE_FUNCTION_REFERENCES, 8, {1, 6, 1, 0x60, 1, 0x63, 0, 0}},
        {WB_FEATURE_FUNCTION_REFERENCES, 9, {4, 7, 1, 0x40, 0, 0x70, 0, 0, 0x0b}},
        {WB_FEATURE_SUBTYPING, 8, {1, 6, 1, 0x50, 0, 0x60, 0, 0}},
        {WB_FEATURE_SUBTYPING, 8, {1, 6, 1, 0x4f, 0, 0x60, 0, 0}},
        {WB_FEATURE_SUBTYPING, 8, {1, 6, 1, 0x4e, 1, 0x60, 0, 0}},
        {WB_FEATURE_SUBTYPING, 6, {4, 4, 1, 0x73, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wb_features bit = 1u << rows[i].feature;
        beamr_error err = {0};
        builder b = {0};
        wb_module m;

        put_header(&b);
        put(&b, rows[i].bytes, rows[i].len);
        assert_int_equal(decode(&m, &b, &err), BEAMR_OK);
        assert_true(m.used & bit);
        wb_module_clear(&m);
        assert_int_equal(
            decode_features(&m, builder_bytes(&b), wb_features_default() & ~bit, &err),
            BEAMR_UNSUPPORTED);
        assert_non_null(strstr(err.text, wb_feature_text(rows[i].feature)));
        assert_non_null(strstr(err.text, "switched off"));
        builder_clear(&b);
    }
}

static void plain_modules_need_no_feature(void **state)
{
    builder b = {0};
    beamr_error err = {0};
    wb_module m;

    (void)state;
    put_header(&b);
    PUT_SECTION(&b, 1, 1, 0x60, 1, 0x7f, 1, 0x7f);
    PUT_SECTION(&b, 3, 1, 0);
    PUT_SECTION(&b, 4, 1, 0x70, 0, 1);
    PUT_SECTION(&b, 5, 1, 1, 1, 2);
    PUT_SECTION(&b, 6, 1, 0x7f, 1, 0x41, 0, 0x0b);
    PUT_SECTION(&b, 7, 1, 1, 'm', 2, 0);
    PUT_SECTION(&b, 9, 1, 0, 0x41, 0, 0x0b, 1, 0);
    PUT_SECTION(&b, 10, 1, 6, 1, 1, 0x7f, 0x20, 0, 0x0b);
    PUT_SECTION(&b, 11, 1, 0, 0x41, 0, 0x0b, 1, 'x');
    assert_int_equal(decode_features(&m, builder_bytes(&b), 0, &err), BEAMR_OK);
    assert_int_equal(m.used, WB_FEATURE_BIT(CORE));
    wb_module_clear(&m);
    builder_clear(&b);
}

static void tags_need_either_kind_of_exceptions(void **state)
{
    const wb_features both = WB_FEATURE_BIT(EXCEPTIONS) | WB_FEATURE_BIT(LEGACY_EXCEPTIONS);
    builder b = {0};
    beamr_error err = {0};
    wb_module m;

    (void)state;
    put_header(&b);
    PUT_SECTION(&b, 1, 1, 0x60, 0, 0);
    PUT_SECTION(&b, 13, 1, 0, 0);
    for (unsigned f = WB_FEATURE_EXCEPTIONS; f <= WB_FEATURE_LEGACY_EXCEPTIONS; f++) {
        assert_int_equal(decode_features(&m, builder_bytes(&b), 1u << f, &err), BEAMR_OK);
        wb_module_clear(&m);
    }
    assert_int_equal(
        decode_features(&m, builder_bytes(&b), wb_features_default() & ~both, &err),
        BEAMR_UNSUPPORTED);
    builder_clear(&b);
}

static void refused_features_are_refused_whatever_is_asked(void **state)
{
    builder b = {0};
    beamr_error err = {0};
    wb_module m;

    (void)state;
    put_header(&b);
    PUT_SECTION(&b, 5, 1, 3, 1, 2);
    assert_int_equal(decode_features(&m, builder_bytes(&b), UINT32_MAX, &err),
                     BEAMR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "threads"));
    assert_non_null(strstr(err.text, "does not support"));
    builder_clear(&b);
    put_header(&b);
    PUT_SECTION(&b, 4, 1, 0x6c, 0, 0);
    assert_int_equal(decode_features(&m, builder_bytes(&b), UINT32_MAX, &err),
                     BEAMR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "gc"));
    builder_clear(&b);
}

static void features_have_names(void **state)
{
    (void)state;
    for (unsigned f = 0; f < WB_FEATURE_COUNT; f++) {
        beamr_bytes name = beamr_bytes_of(wb_feature_text((wb_feature)f));

        assert_int_equal(wb_feature_find(name), f);
        name.len--;
        assert_int_equal(wb_feature_find(name), WB_FEATURE_COUNT);
        assert_int_equal(wb_feature_is_refused((wb_feature)f),
                         !(wb_features_default() >> f & 1));
    }
    assert_true(wb_feature_is_refused(WB_FEATURE_GC));
    assert_string_equal(wb_feature_text(WB_FEATURE_COUNT), "unknown");
}

/* ---- Names ---- */

/* Two functions, of which the second is exported, and a name section of `contents`. */
static beamr_status decode_named(wb_module *m, builder *contents)
{
    builder b = {0}, section = {0};
    beamr_error err = {0};
    beamr_status st;

    put_header(&b);
    PUT_SECTION(&b, 1, 1, 0x60, 0, 0);
    put_name(&section, "name"); /* before the functions are known */
    put(&section, contents->data, contents->len);
    put_section(&b, 0, &section);
    PUT_SECTION(&b, 3, 2, 0, 0);
    PUT_SECTION(&b, 7, 1, 3, 'e', 'x', 'p', 0, 1);
    PUT_SECTION(&b, 10, 2, 2, 0, 0x0b, 2, 0, 0x0b);
    st = decode(m, &b, &err);
    contents->len = 0;
    builder_clear(&section);
    builder_clear(&b);
    return st;
}

static void assert_name(const wb_module *m, uint32_t func, const char *expected)
{
    beamr_bytes name = wb_func_name(m, func);

    assert_int_equal(name.len, strlen(expected));
    if (name.len > 0)
        assert_memory_equal(name.data, expected, name.len);
}

static void functions_have_names(void **state)
{
    builder names = {0};
    wb_module m;

    (void)state;
    PUT(&names, 0, 4, 3, 'm', 'o', 'd');
    PUT(&names, 2, 1, 0);                            /* local names: of no interest */
    PUT(&names, 1, 8, 2, 0, 1, 'a', 9, 2, 'n', 'o'); /* there is no function 9 */
    assert_int_equal(decode_named(&m, &names), BEAMR_OK);
    assert_memory_equal(m.module_name.data, "mod", 3);
    assert_name(&m, 0, "a");
    assert_name(&m, 1, "exp");
    wb_module_clear(&m);
    builder_clear(&names);
}

static void bad_names_are_left_out(void **state)
{
    builder names = {0};
    wb_module m;

    (void)state;
    /* The second name is not UTF-8. */
    PUT(&names, 1, 7, 2, 0, 1, 'a', 1, 1, 0xff);
    assert_int_equal(decode_named(&m, &names), BEAMR_OK);
    assert_name(&m, 0, "a");
    assert_name(&m, 1, "exp");
    wb_module_clear(&m);
    /* More names announced than there are. */
    PUT(&names, 1, 8, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 'b');
    assert_int_equal(decode_named(&m, &names), BEAMR_OK);
    assert_name(&m, 0, "");
    assert_name(&m, 1, "b");
    wb_module_clear(&m);
    /* A part beyond the end of the section. */
    PUT(&names, 0, 2, 1, 'm', 1, 9, 1, 0);
    assert_int_equal(decode_named(&m, &names), BEAMR_OK);
    assert_int_equal(m.module_name.len, 1);
    assert_name(&m, 0, "");
    wb_module_clear(&m);
    builder_clear(&names);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sample_becomes_a_model),
        TEST(sample_has_bodies_and_segments),
        TEST(truncation_at_any_byte_is_refused),
        TEST(changed_bytes_do_no_harm),
        TEST(headers_are_told_apart),
        TEST(sections_come_once_and_in_order),
        TEST(sections_have_their_size),
        TEST(custom_sections_need_a_name),
        TEST(promises_are_kept),
        TEST(encodings_are_checked),
        TEST(recursion_groups_are_judged),
        TEST(supertypes_are_judged),
        TEST(garbage_collected_types_are_named_first),
        TEST(equal_types_are_shared_between_modules),
        TEST(sections_need_features),
        TEST(plain_modules_need_no_feature),
        TEST(tags_need_either_kind_of_exceptions),
        TEST(refused_features_are_refused_whatever_is_asked),
        TEST(features_have_names),
        TEST(functions_have_names),
        TEST(bad_names_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
