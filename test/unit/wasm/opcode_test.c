/* Reading instructions: every row of the table, numbers at the edges of their encodings, lists,
 * and the features that encodings need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "builder.h"
#include "wasm/module.h"

/* A module of one type, for instructions that name one. */
static wb_type types[] = {{.canon = 5}};
static wb_module module;

static int setup(void **state)
{
    (void)state;
    module = (wb_module){.features = wb_features_default(),
                         .types = types,
                         .type_count = 1,
                         .has_data_count = true};
    return 0;
}

/* Read the instruction in a copy of exactly that size, so that a sanitizer sees each byte too
 * many.  Returns BEAMR_OK only if the whole was used.
 *   out  its list points into the copy, which is gone: see count_labels for lists */
static beamr_status read_instr(const void *data, size_t len, wb_instr *out, beamr_error *err)
{
    uint8_t *copy = malloc(len ? len : 1);
    wb_reader r;
    beamr_status st;

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    r = (wb_reader){&module, copy, copy, copy + len};
    beamr_error_clear(err);
    st = wb_instr_read(&r, out, err);
    if (st == BEAMR_OK && r.next != r.end)
        st = BEAMR_BUSY; /* what no reader returns */
    free(copy);
    return st;
}

#define READ(out, err, ...)                                                                    \
    read_instr((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (out),  \
               (err))

#define ASSERT_STATUS(status, ...)                                                             \
    do {                                                                                       \
        wb_instr instr_;                                                                       \
        beamr_error err_ = {0};                                                                \
        assert_int_equal(READ(&instr_, &err_, __VA_ARGS__), (status));                         \
    } while (0)

/* ---- Every row ---- */

static size_t immediate_zeros(wb_imm imm)
{
    switch (imm) {
    case WB_IMM_NONE:
        return 0;
    case WB_IMM_TYPE_TABLE:
    case WB_IMM_DATA_MEM:
    case WB_IMM_ELEM_TABLE:
    case WB_IMM_MEM_MEM:
    case WB_IMM_TABLE_TABLE:
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
    case WB_IMM_MEM16:
    case WB_IMM_LABELS:
    case WB_IMM_TRY_TABLE:
        return 2;
    case WB_IMM_MEM1_LANE:
    case WB_IMM_MEM2_LANE:
    case WB_IMM_MEM4_LANE:
    case WB_IMM_MEM8_LANE:
        return 3;
    case WB_IMM_F32:
        return 4;
    case WB_IMM_F64:
        return 8;
    case WB_IMM_LANES16:
    case WB_IMM_V128:
        return 16;
    default:
        return 1;
    }
}

/* Immediates all zero: index 0, no entries, the block type and the heap type with index 0. */
static void put_instr(builder *b, wb_op op)
{
    const wb_op_info *info = &wb_op_table[op];

    b->len = 0;
    if (info->prefix) {
        PUT(b, info->prefix);
        put_leb(b, info->code);
    } else {
        PUT(b, (uint8_t)info->code);
    }
    put_zeros(b, immediate_zeros((wb_imm)info->imm));
}

static void every_row_is_read_back(void **state)
{
    builder b = {0};

    (void)state;
    for (unsigned op = 0; op < WB_OP_COUNT; op++) {
        beamr_error err = {0};
        wb_instr instr;

        put_instr(&b, (wb_op)op);
        assert_int_equal(read_instr(b.data, b.len, &instr, &err), BEAMR_OK);
        assert_int_equal(instr.op, op);
        assert_int_equal(instr.offset, 0);
    }
    builder_clear(&b);
}

static void every_row_is_malformed_when_cut(void **state)
{
    builder b = {0};

    (void)state;
    for (unsigned op = 0; op < WB_OP_COUNT; op++) {
        beamr_error err = {0};
        wb_instr instr;

        put_instr(&b, (wb_op)op);
        for (size_t len = 0; len < b.len; len++)
            assert_int_equal(read_instr(b.data, len, &instr, &err), BEAMR_MALFORMED);
    }
    builder_clear(&b);
}

static void every_row_needs_its_feature(void **state)
{
    builder b = {0};

    (void)state;
    for (unsigned op = 0; op < WB_OP_COUNT; op++) {
        wb_feature feature = (wb_feature)wb_op_table[op].feature;
        char expected[128];
        beamr_error err = {0};
        wb_instr instr;

        if (feature == WB_FEATURE_CORE)
            continue;
        module.features = wb_features_default() & ~(1u << feature);
        put_instr(&b, (wb_op)op);
        assert_int_equal(read_instr(b.data, b.len, &instr, &err), BEAMR_UNSUPPORTED);
        snprintf(expected, sizeof expected,
                 "the module needs the feature %s, which is switched off",
                 wb_feature_text(feature));
        assert_string_equal(err.text, expected);
    }
    builder_clear(&b);
}

static void codes_without_rows_are_refused(void **state)
{
    bool known[256] = {false};

    (void)state;
    for (unsigned op = 0; op < WB_OP_COUNT; op++)
        known[wb_op_table[op].prefix ? wb_op_table[op].prefix : wb_op_table[op].code] = true;
    for (unsigned code = 0; code < 256; code++) {
        beamr_status expected = BEAMR_MALFORMED;

        if (known[code])
            continue;
        if (code == 0xd3 || code == 0xfb || code == 0xfe)
            expected = BEAMR_UNSUPPORTED;
        ASSERT_STATUS(expected, (uint8_t)code, 0x00, 0x00);
    }
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfc, 0x12);
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f);
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfd, 0x9a, 0x01);
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfd, 0x94, 0x02);
    ASSERT_STATUS(BEAMR_OK, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x00); /* longer than needed */
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
}

static void costs_are_those_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(wb_op_cost[WB_OP_I32_ADD], 1);
    assert_int_equal(wb_op_cost[WB_OP_UNREACHABLE], 1);
    assert_int_equal(wb_op_cost[WB_OP_COUNT - 1], 1);
    assert_int_equal(wb_op_cost[WB_OP_BLOCK], 0);
    assert_int_equal(wb_op_cost[WB_OP_I64_REM_U], 4);
    assert_int_equal(wb_op_cost[WB_OP_MEMORY_GROW], 256);
}

/* ---- Numbers ---- */

static uint32_t i32_of(const uint8_t *leb, size_t len)
{
    uint8_t bytes[16] = {0x41};
    beamr_error err = {0};
    wb_instr instr;

    memcpy(bytes + 1, leb, len);
    assert_int_equal(read_instr(bytes, len + 1, &instr, &err), BEAMR_OK);
    return instr.i32;
}

static uint64_t i64_of(const uint8_t *leb, size_t len)
{
    uint8_t bytes[16] = {0x42};
    beamr_error err = {0};
    wb_instr instr;

    memcpy(bytes + 1, leb, len);
    assert_int_equal(read_instr(bytes, len + 1, &instr, &err), BEAMR_OK);
    return instr.i64;
}

#define LEB(f, ...) f((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void signed_numbers_reach_their_ends(void **state)
{
    (void)state;
    assert_int_equal(LEB(i32_of, 0x3f), 63);
    assert_int_equal(LEB(i32_of, 0x40), (uint32_t)-64);
    assert_int_equal(LEB(i32_of, 0x7f), UINT32_MAX);
    assert_int_equal(LEB(i32_of, 0xc0, 0x00), 64);
    assert_int_equal(LEB(i32_of, 0xbf, 0x7f), (uint32_t)-65);
    assert_int_equal(LEB(i32_of, 0xff, 0xff, 0xff, 0xff, 0x07), INT32_MAX);
    assert_int_equal(LEB(i32_of, 0x80, 0x80, 0x80, 0x80, 0x78), (uint32_t)INT32_MIN);
    assert_int_equal(LEB(i32_of, 0x80, 0x80, 0x80, 0x80, 0x00), 0);
    assert_int_equal(LEB(i32_of, 0xff, 0xff, 0xff, 0xff, 0x7f), UINT32_MAX);

    assert_true(LEB(i64_of, 0x40) == (uint64_t)-64);
    assert_true(LEB(i64_of, 0x80, 0x80, 0x80, 0x80, 0x70) == (uint64_t)INT32_MIN * 2);
    assert_true(LEB(i64_of, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00) ==
                INT64_MAX);
    assert_true(LEB(i64_of, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f) ==
                (uint64_t)INT64_MIN);
}

static void numbers_beyond_their_width_are_malformed(void **state)
{
    (void)state;
    ASSERT_STATUS(BEAMR_MALFORMED, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x41, 0x80, 0x80, 0x80, 0x80, 0x70);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0x01);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                  0x7e);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                  0x80, 0x00);
    ASSERT_STATUS(BEAMR_OK, 0x20, 0xff, 0xff, 0xff, 0xff, 0x0f);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x20, 0xff, 0xff, 0xff, 0xff, 0x1f);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
}

static void floats_keep_their_bits(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0x43, 0x01, 0x02, 0xa0, 0x7f), BEAMR_OK);
    assert_int_equal(instr.f32, 0x7fa00201);
    assert_int_equal(READ(&instr, &err, 0x44, 1, 2, 3, 4, 5, 6, 0xf4, 0xff), BEAMR_OK);
    assert_true(instr.f64 == 0xfff4060504030201u);
}

/* ---- Memory, lanes ---- */

static void memory_arguments_are_read(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0x28, 0x02, 0x90, 0x03), BEAMR_OK);
    assert_int_equal(instr.mem.align, 2);
    assert_int_equal(instr.mem.memory, 0);
    assert_int_equal(instr.mem.offset, 400);
    assert_int_equal(READ(&instr, &err, 0x28, 0x7f, 0x07, 0x01), BEAMR_OK);
    assert_int_equal(instr.mem.align, 63);
    assert_int_equal(instr.mem.memory, 7);
    assert_int_equal(instr.mem.offset, 1);
    assert_int_equal(READ(&instr, &err, 0x28, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0x01),
                     BEAMR_OK);
    assert_true(instr.mem.offset == UINT64_MAX);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x28, 0x80, 0x01, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x28, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0x02);
}

static void lanes_are_below_their_number(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0xfd, 0x15, 15), BEAMR_OK);
    assert_int_equal(instr.lane, 15);
    ASSERT_STATUS(BEAMR_INVALID, 0xfd, 0x15, 16);
    ASSERT_STATUS(BEAMR_OK, 0xfd, 0x21, 1);
    ASSERT_STATUS(BEAMR_INVALID, 0xfd, 0x21, 2);
    assert_int_equal(READ(&instr, &err, 0xfd, 0x57, 0x03, 0x05, 0x01), BEAMR_OK);
    assert_int_equal(instr.mem.offset, 5);
    assert_int_equal(instr.mem.lane, 1);
    ASSERT_STATUS(BEAMR_INVALID, 0xfd, 0x57, 0x03, 0x05, 0x02);
    ASSERT_STATUS(BEAMR_INVALID, 0xfd, 0x0d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32);
    assert_int_equal(
        READ(&instr, &err, 0xfd, 0x0d, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        BEAMR_OK);
    assert_int_equal(instr.v128[0], 31);
    assert_int_equal(instr.v128[15], 1);
}

/* ---- Types ---- */

static void block_types_are_read(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0x02, 0x40), BEAMR_OK);
    assert_false(instr.block.is_index);
    assert_int_equal(instr.block.result, WB_VALTYPE_NONE);
    assert_int_equal(READ(&instr, &err, 0x02, 0x7e), BEAMR_OK);
    assert_int_equal(instr.block.result, WB_I64);
    assert_int_equal(READ(&instr, &err, 0x02, 0x63, 0x00), BEAMR_OK);
    assert_int_equal(instr.block.result, WB_REFTYPE(true, WB_HEAP_DEFINED + 5));
    assert_int_equal(READ(&instr, &err, 0x02, 0xff, 0xff, 0xff, 0xff, 0x0f), BEAMR_OK);
    assert_true(instr.block.is_index);
    assert_int_equal(instr.block.index, UINT32_MAX);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x02, 0x41);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x02, 0xff, 0x7f); /* negative, in two bytes */
    ASSERT_STATUS(BEAMR_INVALID, 0x02, 0x63, 0x01);   /* there is one type */
    ASSERT_STATUS(BEAMR_UNSUPPORTED, 0x02, 0x6e);
}

static void heap_types_become_canonical(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0xd0, 0x00), BEAMR_OK);
    assert_int_equal(instr.type, WB_REFTYPE(true, WB_HEAP_DEFINED + 5));
    assert_int_equal(READ(&instr, &err, 0xd0, 0x70), BEAMR_OK);
    assert_int_equal(instr.type, WB_FUNCREF);
    ASSERT_STATUS(BEAMR_INVALID, 0xd0, 0x01);
    ASSERT_STATUS(BEAMR_MALFORMED, 0xd0, 0x7f);
    for (uint8_t byte = 0x6a; byte <= 0x6e; byte++)
        ASSERT_STATUS(BEAMR_UNSUPPORTED, 0xd0, byte);
    ASSERT_STATUS(BEAMR_UNSUPPORTED, 0xd0, 0x71);
}

static void selected_types_are_counted(void **state)
{
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(READ(&instr, &err, 0x1c, 0x01, 0x7d), BEAMR_OK);
    assert_int_equal(instr.count, 1);
    assert_int_equal(instr.type, WB_F32);
    assert_int_equal(READ(&instr, &err, 0x1c, 0x02, 0x7d, 0x7d), BEAMR_OK);
    assert_int_equal(instr.count, 2);
    assert_int_equal(instr.type, WB_VALTYPE_NONE);
    ASSERT_STATUS(BEAMR_OK, 0x1c, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x1c, 0x02, 0x7d);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x1c, 0x01, 0x40);
}

/* ---- Lists ---- */

static void branch_tables_are_walked(void **state)
{
    const uint8_t bytes[] = {0x0e, 0x03, 0x05, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x07};
    wb_reader r = {&module, bytes, bytes, bytes + sizeof bytes};
    const uint8_t *cursor;
    beamr_error err = {0};
    wb_instr instr;

    (void)state;
    assert_int_equal(wb_instr_read(&r, &instr, &err), BEAMR_OK);
    assert_ptr_equal(r.next, r.end);
    assert_int_equal(instr.count, 3);
    cursor = instr.list;
    assert_int_equal(wb_label_next(&cursor), 5);
    assert_int_equal(wb_label_next(&cursor), 128);
    assert_int_equal(wb_label_next(&cursor), UINT32_MAX);
    assert_int_equal(wb_label_next(&cursor), 7);
    assert_ptr_equal(cursor, r.end);
}

static void catch_clauses_are_walked(void **state)
{
    const uint8_t bytes[] = {0x1f, 0x7f, 0x04, 0x00, 0x80, 0x01, 0x02,
                             0x01, 0x03, 0x04, 0x02, 0x05, 0x03, 0x06};
    wb_reader r = {&module, bytes, bytes, bytes + sizeof bytes};
    const uint8_t *cursor;
    beamr_error err = {0};
    wb_catch_clause c;
    wb_instr instr;

    (void)state;
    assert_int_equal(wb_instr_read(&r, &instr, &err), BEAMR_OK);
    assert_int_equal(instr.block.result, WB_I32);
    assert_int_equal(instr.count, 4);
    cursor = instr.list;
    c = wb_catch_next(&cursor);
    assert_true(c.kind == WB_CATCH && c.tag == 128 && c.label == 2);
    c = wb_catch_next(&cursor);
    assert_true(c.kind == WB_CATCH_REF && c.tag == 3 && c.label == 4);
    c = wb_catch_next(&cursor);
    assert_true(c.kind == WB_CATCH_ALL && c.label == 5);
    c = wb_catch_next(&cursor);
    assert_true(c.kind == WB_CATCH_ALL_REF && c.label == 6);
    assert_ptr_equal(cursor, r.end);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x1f, 0x40, 0x01, 0x04, 0x00);
}

/* An instruction that announces `count` entries, with zeros enough for all of them. */
static beamr_status read_list(uint8_t code, bool has_block, uint32_t count, beamr_error *err)
{
    builder b = {0};
    beamr_status st;
    wb_instr instr;

    PUT(&b, code);
    if (has_block)
        PUT(&b, 0x40);
    put_leb(&b, count);
    put_zeros(&b, (size_t)count * 3 + 1);
    st = read_instr(b.data, b.len, &instr, err);
    builder_clear(&b);
    return st == BEAMR_BUSY ? BEAMR_OK : st; /* zeros to spare */
}

static void lists_are_limited(void **state)
{
    beamr_error err = {0};

    (void)state;
    assert_int_equal(read_list(0x0e, false, WB_LIMIT_BR_TABLE, &err), BEAMR_OK);
    assert_int_equal(read_list(0x0e, false, WB_LIMIT_BR_TABLE + 1, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "1000001 targets of a br_table, the limit is 1000000");
    assert_int_equal(read_list(0x1f, true, WB_LIMIT_CATCHES, &err), BEAMR_OK);
    assert_int_equal(read_list(0x1f, true, WB_LIMIT_CATCHES + 1, &err), BEAMR_LIMIT);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x1f, 0x40, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0x1c, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f);
}

/* ---- Features within encodings ---- */

static void encodings_need_features(void **state)
{
    static const struct {
        wb_feature feature;
        uint8_t len, bytes[5];
    } rows[] = {
        {WB_FEATURE_MULTI_MEMORY, 4, {0x28, 0x42, 0x00, 0x00}},
        {WB_FEATURE_MULTI_MEMORY, 2, {0x3f, 0x01}},
        {WB_FEATURE_MULTI_MEMORY, 3, {0x40, 0x80, 0x00}},
        {WB_FEATURE_MULTI_MEMORY, 4, {0xfc, 0x08, 0x00, 0x01}},
        {WB_FEATURE_MULTI_MEMORY, 4, {0xfc, 0x0a, 0x00, 0x01}},
        {WB_FEATURE_MULTI_MEMORY, 4, {0xfc, 0x0a, 0x01, 0x00}},
        {WB_FEATURE_MULTI_MEMORY, 3, {0xfc, 0x0b, 0x01}},
        {WB_FEATURE_REFERENCE_TYPES, 3, {0x11, 0x00, 0x01}},
        {WB_FEATURE_REFERENCE_TYPES, 4, {0xfc, 0x0c, 0x00, 0x01}},
        {WB_FEATURE_REFERENCE_TYPES, 4, {0xfc, 0x0e, 0x01, 0x00}},
        {WB_FEATURE_REFERENCE_TYPES, 2, {0x02, 0x6f}},
        {WB_FEATURE_MULTI_VALUE, 2, {0x02, 0x00}},
        {WB_FEATURE_SIMD, 2, {0x02, 0x7b}},
        {WB_FEATURE_EXCEPTIONS, 2, {0x02, 0x69}},
        {WB_FEATURE_FUNCTION_REFERENCES, 3, {0x02, 0x64, 0x70}},
        {WB_FEATURE_FUNCTION_REFERENCES, 2, {0xd0, 0x00}},
        {WB_FEATURE_SUBTYPING, 2, {0xd0, 0x73}},
        {WB_FEATURE_TAIL_CALL, 2, {0x15, 0x00}},
        {WB_FEATURE_FUNCTION_REFERENCES, 2, {0x15, 0x00}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        beamr_error err = {0};
        wb_instr instr;

        module.features = wb_features_default();
        assert_int_equal(read_instr(rows[i].bytes, rows[i].len, &instr, &err), BEAMR_OK);
        module.features &= ~(1u << rows[i].feature);
        assert_int_equal(read_instr(rows[i].bytes, rows[i].len, &instr, &err),
                         BEAMR_UNSUPPORTED);
        assert_non_null(strstr(err.text, wb_feature_text(rows[i].feature)));
    }
}

static void throw_belongs_to_both_proposals(void **state)
{
    const wb_features exceptions = WB_FEATURE_BIT(EXCEPTIONS);
    const wb_features legacy = WB_FEATURE_BIT(LEGACY_EXCEPTIONS);

    (void)state;
    module.features = wb_features_default() & ~exceptions;
    ASSERT_STATUS(BEAMR_OK, 0x08, 0x00);
    module.features = wb_features_default() & ~legacy;
    ASSERT_STATUS(BEAMR_OK, 0x08, 0x00);
    module.features &= ~exceptions;
    ASSERT_STATUS(BEAMR_UNSUPPORTED, 0x08, 0x00);
}

static void data_segments_need_their_count(void **state)
{
    (void)state;
    module.has_data_count = false;
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfc, 0x08, 0x00, 0x00);
    ASSERT_STATUS(BEAMR_MALFORMED, 0xfc, 0x09, 0x00);
    ASSERT_STATUS(BEAMR_OK, 0xfc, 0x0a, 0x00, 0x00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_row_is_read_back, setup),
        cmocka_unit_test_setup(every_row_is_malformed_when_cut, setup),
        cmocka_unit_test_setup(every_row_needs_its_feature, setup),
        cmocka_unit_test_setup(codes_without_rows_are_refused, setup),
        cmocka_unit_test_setup(costs_are_those_of_the_table, setup),
        cmocka_unit_test_setup(signed_numbers_reach_their_ends, setup),
        cmocka_unit_test_setup(numbers_beyond_their_width_are_malformed, setup),
        cmocka_unit_test_setup(floats_keep_their_bits, setup),
        cmocka_unit_test_setup(memory_arguments_are_read, setup),
        cmocka_unit_test_setup(lanes_are_below_their_number, setup),
        cmocka_unit_test_setup(block_types_are_read, setup),
        cmocka_unit_test_setup(heap_types_become_canonical, setup),
        cmocka_unit_test_setup(selected_types_are_counted, setup),
        cmocka_unit_test_setup(branch_tables_are_walked, setup),
        cmocka_unit_test_setup(catch_clauses_are_walked, setup),
        cmocka_unit_test_setup(lists_are_limited, setup),
        cmocka_unit_test_setup(encodings_need_features, setup),
        cmocka_unit_test_setup(throw_belongs_to_both_proposals, setup),
        cmocka_unit_test_setup(data_segments_need_their_count, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
