/* The validator: each family of typing rules, what wb_validate reports of a function, limits,
 * and inputs that would take quadratic time if the validator were careless. Most tests put one
 * body into a module that has something of everything (write_context); bodies are bytes,
 * beginning with the vector of locals, and the last `end` is added here. */
#include "build.h"

/* Types of the context. */
enum {
    T_NOTHING,      /* [] -> [] */
    T_I32_I32,      /* [i32] -> [i32] */
    T_TO_I32,       /* [] -> [i32] */
    T_I64_F32,      /* [i64] -> [f32] */
    T_TO_TWO,       /* [] -> [i32 i32] */
    T_FROM_I32,     /* [i32] -> [] */
    T_TO_EXN,       /* [] -> [exnref] */
    T_TO_I32_EXN,   /* [] -> [i32 exnref] */
    T_FUNCREF,      /* [funcref] -> [funcref] */
    T_TO_V128,      /* [] -> [v128] */
    T_TYPED,        /* [(ref null T_NOTHING)] -> [(ref T_NOTHING)] */
    T_TO_FUNCREF,   /* [] -> [funcref] */
    T_TO_EXTERNREF, /* [] -> [externref] */
    T_COUNT
};

/* A body in a module with functions 0 of type [] -> [] (exported), 1 of [i32] -> [i32] (in an
 * element segment), 2 the one tested, 3 of [] -> []; tables 0 of functions, 1 of external
 * references, 2 of functions with 64-bit addresses; memories 0 and, with 64-bit addresses, 1;
 * tags 0 of [], 1 of [i32]; globals 0 i32, 1 mut i64; element segments 0 of functions, 1 of
 * external references; one data segment. */
static void write_context(buffer *b, uint8_t type, const uint8_t *body, size_t len)
{
    static const uint8_t end = 0x0b;
    buffer code = {0}, one = {0};

    put_header(b);
    put_sections(
        b,
        SECTIONS(SECTION(1, T_COUNT, 0x60, 0, 0, 0x60, 1, I32, 1, I32, 0x60, 0, 1, I32, 0x60, 1,
                         I64, 1, F32, 0x60, 0, 2, I32, I32, 0x60, 1, I32, 0, 0x60, 0, 1, EXNREF,
                         0x60, 0, 2, I32, EXNREF, 0x60, 1, FUNCREF, 1, FUNCREF, 0x60, 0, 1,
                         V128, 0x60, 1, REF_NULL, 0, 1, REF, 0, 0x60, 0, 1, FUNCREF, 0x60, 0, 1,
                         EXTERNREF),
                 SECTION(3, 4, T_NOTHING, T_I32_I32, type, T_NOTHING),
                 SECTION(4, 3, FUNCREF, 0, 1, EXTERNREF, 0, 1, FUNCREF, 4, 1),
                 SECTION(5, 2, 0, 1, 4, 1), SECTION(13, 2, 0, T_NOTHING, 0, T_FROM_I32),
                 SECTION(6, 2, I32, 0, 0x41, 7, 0x0b, I64, 1, 0x42, 7, 0x0b),
                 SECTION(7, 1, 1, 'f', 0, 0),
                 SECTION(9, 2, 1, 0, 1, 1, 5, EXTERNREF, 1, 0xd0, 0x6f, 0x0b), SECTION(12, 1)));
    PUT(&code, 4, 2, 0, 0x0b, 4, 0, 0x20, 0, 0x0b);
    put(&one, body, len);
    put(&one, &end, 1);
    put_sized(&code, -1, &one);
    PUT(&code, 2, 0, 0x0b);
    put_sized(b, 10, &code);
    put_sections(b, SECTIONS(SECTION(11, 1, 1, 1, 'x')));
}

/* ---- Checking ---- */

static void expect_body(beamr_status status, const char *text, uint8_t type,
                        const uint8_t *body, size_t len)
{
    buffer b = {0};

    write_context(&b, type, body, len);
    expect(&b, wb_features_default(), status, text);
}

static void expect_module(wb_features features, beamr_status status, const char *text,
                          const section *list, size_t count)
{
    buffer b = {0};

    put_header(&b);
    put_sections(&b, list, count);
    expect(&b, features, status, text);
}

#define valid(type, ...) expect_body(BEAMR_OK, "", (type), BODY(__VA_ARGS__))
#define invalid(type, text, ...) expect_body(BEAMR_INVALID, (text), (type), BODY(__VA_ARGS__))
#define malformed(type, text, ...)                                                             \
    expect_body(BEAMR_MALFORMED, (text), (type), BODY(__VA_ARGS__))
#define valid_module(...)                                                                      \
    expect_module(wb_features_default(), BEAMR_OK, "", SECTIONS(__VA_ARGS__))
#define invalid_module(text, ...)                                                              \
    expect_module(wb_features_default(), BEAMR_INVALID, (text), SECTIONS(__VA_ARGS__))
#define unsupported_module(without, ...)                                                       \
    expect_module(wb_features_default() & ~(without), BEAMR_UNSUPPORTED, "the module needs",   \
                  SECTIONS(__VA_ARGS__))

/* ---- Operands ---- */

static void signatures_are_checked(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 2, 0x6a);
    invalid(T_TO_I32, "type mismatch: i32.add needs i32, found f64", 0, 0x41, 1, 0x44, 0, 0, 0,
            0, 0, 0, 0, 0, 0x6a);
    invalid(T_TO_I32, "type mismatch: i32.add needs i32, found no operand", 0, 0x41, 1, 0x6a);
    valid(T_TO_V128, 0, 0x41, 1, 0xfd, 0x0f, 0x41, 1, 0xfd, 0x6b); /* i8x16.shl */
    invalid(T_TO_V128, "type mismatch: i8x16.shl", 0, 0x41, 1, 0x41, 1, 0xfd, 0x6b);
    invalid(T_TO_I32, "type mismatch: end needs i32", 0, 0x42, 1);
    invalid(T_TO_I32, "type mismatch: end needs i32", 0);
    invalid(T_NOTHING, "type mismatch: end finds 1 operands more", 0, 0x41, 1);
    invalid(T_NOTHING, "type mismatch: drop", 0, 0x1a);
}

static void errors_tell_the_offset(void **state)
{
    buffer b = {0};
    beamr_error err;
    wb_module m;
    size_t at;

    (void)state;
    write_context(&b, T_NOTHING, BODY(0, 0x01, 0x01, 0x6a, 0x1a));
    for (at = b.len; b.data[at] != 0x6a; at--)
        ;
    assert_int_equal(load(&b, wb_features_default(), &m, &err), BEAMR_INVALID);
    assert_int_equal(err.offset, at);
    free(b.data);
}

static void unreachable_code_takes_any_operand(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x00);
    valid(T_TO_I32, 0, 0x00, 0x6a);
    valid(T_TO_I32, 0, 0x00, 0x42, 1, 0xa7, 0x6a);
    invalid(T_TO_I32, "type mismatch", 0, 0x00, 0x42, 1, 0x6a);
    invalid(T_TO_I32, "type mismatch", 0, 0x00, 0x41, 1, 0x41, 1);
    valid(T_NOTHING, 0, 0x00, 0x1b, 0x1a);    /* select of unknowns */
    valid(T_NOTHING, 0, 0x00, 0xd1, 0x1a);    /* ref.is_null */
    valid(T_NOTHING, 0, 0x00, 0xd4, 0x1a);    /* ref.as_non_null */
    valid(T_NOTHING, 0, 0x00, 0xd4, 0x14, 0); /* call_ref of it */
    valid(T_TO_I32, 0, 0x00, 0x0e, 1, 0, 0);  /* br_table */
    invalid(T_TO_I32, "type mismatch", 0, 0x02, 0x40, 0x00, 0x41, 0, 0x0e, 1, 0, 1, 0x0b);
}

static void select_needs_equal_types(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 2, 0x41, 3, 0x1b);
    invalid(T_TO_I32, "type mismatch: select", 0, 0x41, 1, 0x42, 2, 0x41, 3, 0x1b);
    invalid(T_NOTHING, "type mismatch: select of references", 0, 0xd0, 0x70, 0xd0, 0x70, 0x41,
            3, 0x1b, 0x1a);
    valid(T_NOTHING, 0, 0xd0, 0x70, 0xd0, 0x70, 0x41, 3, 0x1c, 1, FUNCREF, 0x1a);
    invalid(T_NOTHING, "type mismatch: select", 0, 0xd0, 0x6f, 0xd0, 0x70, 0x41, 3, 0x1c, 1,
            FUNCREF, 0x1a);
    invalid(T_NOTHING, "invalid result arity", 0, 0x41, 3, 0x1c, 0);
    invalid(T_NOTHING, "invalid result arity", 0, 0x41, 1, 0x41, 1, 0x41, 1, 0x1c, 2, I32, I32);
}

/* ---- Blocks and branches ---- */

static void blocks_have_types(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x02, I32, 0x41, 1, 0x0b);
    invalid(T_TO_I32, "type mismatch: end needs i32, found i64", 0, 0x02, I32, 0x42, 1, 0x0b);
    valid(T_TO_I32, 0, 0x41, 1, 0x02, T_I32_I32, 0x45, 0x0b);
    valid(T_TO_I32, 0, 0x41, 1, 0x03, T_I32_I32, 0x41, 1, 0x0d, 0, 0x0b);
    invalid(T_TO_I32, "type mismatch: block needs i32, found no operand", 0, 0x02, T_I32_I32,
            0x45, 0x0b);
    invalid(T_NOTHING, "type mismatch: drop", 0, 0x41, 1, 0x02, 0x40, 0x1a, 0x0b);
    invalid(T_NOTHING, "unknown type 60", 0, 0x02, 60, 0x0b);
}

static void if_needs_both_arms_alike(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 1, 0x04, I32, 0x41, 1, 0x05, 0x41, 2, 0x0b);
    valid(T_NOTHING, 0, 0x41, 1, 0x04, 0x40, 0x0b);
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 1, 0x04, T_I32_I32, 0x45, 0x0b);
    invalid(T_TO_I32, "type mismatch: if without else", 0, 0x41, 1, 0x04, I32, 0x41, 1, 0x0b);
    invalid(T_TO_I32, "type mismatch: else needs i32", 0, 0x41, 1, 0x04, I32, 0x05, 0x41, 2,
            0x0b);
    invalid(T_NOTHING, "type mismatch: if needs i32", 0, 0x42, 1, 0x04, 0x40, 0x0b);
    malformed(T_NOTHING, "unexpected else", 0, 0x05);
    malformed(T_NOTHING, "unexpected else", 0, 0x41, 1, 0x04, 0x40, 0x05, 0x05, 0x0b);
    malformed(T_NOTHING, "", 0, 0x02, 0x40); /* one `end` too few */
    malformed(T_NOTHING, "", 0, 0x0b);       /* one too many */
}

static void branches_carry_operands(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x02, I32, 0x41, 1, 0x0c, 0, 0x0b);
    valid(T_TO_I32, 0, 0x41, 1, 0x0c, 0);
    invalid(T_NOTHING, "unknown label 1", 0, 0x0c, 1);
    invalid(T_TO_I32, "type mismatch: br needs i32", 0, 0x42, 1, 0x0c, 0);
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 1, 0x0d, 0);
    invalid(T_TO_I32, "type mismatch: br_if needs i32", 0, 0x41, 1, 0x0d, 0);
    /* A conditional branch leaves its operands with the label's type. */
    invalid(T_TO_FUNCREF, "type mismatch: call_ref", 0, 0xd2, 0, 0x41, 1, 0x0d, 0, 0x14, 0);
    valid(T_TO_I32, 0, 0x41, 9, 0x0f);
    invalid(T_TO_I32, "type mismatch: return needs i32", 0, 0x0f);
}

static void br_table_needs_labels_alike(void **state)
{
    (void)state;
    valid(T_NOTHING, 0, 0x02, 0x40, 0x41, 0, 0x0e, 2, 0, 1, 0, 0x0b);
    invalid(T_NOTHING, "unknown label 2", 0, 0x02, 0x40, 0x41, 0, 0x0e, 2, 0, 1, 2, 0x0b);
    invalid(T_NOTHING, "type mismatch: br_table label 1 takes 0 operands", 0, 0x02, I32, 0x41,
            0, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x1a);
    invalid(T_TO_I32, "type mismatch: br_table needs i64, found i32", 0, 0x02, I64, 0x41, 0,
            0x41, 0, 0x0e, 1, 1, 0, 0x0b, 0x1a);
}

/* ---- Calls ---- */

static void calls_follow_the_type(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 1, 0x10, 1);
    invalid(T_TO_I32, "type mismatch: call needs i32", 0, 0x10, 1);
    invalid(T_TO_I32, "unknown function 4", 0, 0x10, 4);
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 0, 0x11, T_I32_I32, 0);
    valid(T_TO_I32, 0, 0x41, 1, 0x42, 0, 0x11, T_I32_I32, 2);
    invalid(T_TO_I32, "type mismatch: call_indirect needs i64", 0, 0x41, 1, 0x41, 0, 0x11,
            T_I32_I32, 2);
    invalid(T_NOTHING, "type mismatch: call_indirect needs a table of functions", 0, 0x41, 0,
            0x11, T_NOTHING, 1);
    invalid(T_NOTHING, "unknown table 3", 0, 0x41, 0, 0x11, T_NOTHING, 3);
    invalid(T_NOTHING, "unknown type 70", 0, 0x41, 0, 0x11, 70, 0);
    valid(T_NOTHING, 0, 0xd2, 0, 0x14, T_NOTHING);
    invalid(T_NOTHING, "type mismatch: call_ref", 0, 0xd2, 1, 0x14, T_NOTHING);
    invalid(T_NOTHING, "unknown type 70", 0, 0xd2, 1, 0x14, 70);
}

static void tail_calls_need_the_results(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 1, 0x12, 1);
    invalid(T_NOTHING, "type mismatch: return_call", 0, 0x41, 1, 0x12, 1);
    invalid(T_TO_V128, "type mismatch: return_call needs v128, found i32", 0, 0x41, 1, 0x12, 1);
    valid(T_TO_I32, 0, 0x41, 1, 0x41, 0, 0x13, T_I32_I32, 0, 0x42, 1, 0x1a);
    invalid(T_NOTHING, "type mismatch: return_call_indirect", 0, 0x41, 0, 0x13, T_TO_I32, 0);
    valid(T_NOTHING, 0, 0xd2, 0, 0x15, T_NOTHING);
    invalid(T_TO_I32, "type mismatch: return_call_ref", 0, 0xd2, 0, 0x15, T_NOTHING);
}

/* ---- Locals and globals ---- */

static void locals_have_types(void **state)
{
    (void)state;
    valid(T_TO_I32, 2, 1, F32, 2, I32, 0x20, 2);
    invalid(T_TO_I32, "type mismatch: end needs i32, found f32", 2, 1, F32, 2, I32, 0x20, 0);
    invalid(T_TO_I32, "unknown local 3", 2, 1, F32, 2, I32, 0x20, 3);
    valid(T_I32_I32, 0, 0x20, 0);
    valid(T_I32_I32, 1, 1, I64, 0x20, 0, 0x22, 0, 0x21, 0, 0x42, 1, 0x22, 1, 0xa7);
    invalid(T_I32_I32, "type mismatch: local.set needs i32", 0, 0x42, 1, 0x21, 0, 0x20, 0);
}

static void far_locals_are_found(void **state)
{
    (void)state;
    /* 10,000 f64, none, 10,000 i32: more than the body is long */
    valid(T_TO_I32, 3, 0x90, 0x4e, F64, 0, I64, 0x90, 0x4e, I32, 0x20, 0x90, 0x4e);
    valid(T_TO_I32, 3, 0x90, 0x4e, F64, 0, I64, 0x90, 0x4e, I32, 0x20, 0x9f, 0x9c, 0x01);
    invalid(T_TO_I32, "type mismatch: end needs i32, found f64", 3, 0x90, 0x4e, F64, 0, I64,
            0x90, 0x4e, I32, 0x20, 0x8f, 0x4e);
    invalid(T_TO_I32, "unknown local 20000", 3, 0x90, 0x4e, F64, 0, I64, 0x90, 0x4e, I32, 0x20,
            0xa0, 0x9c, 0x01);
}

static void locals_without_default_must_be_set(void **state)
{
    (void)state;
    /* local 0: (ref 0) */
    invalid(T_NOTHING, "uninitialized local 0", 1, 1, REF, 0, 0x20, 0, 0x1a);
    valid(T_NOTHING, 1, 1, REF, 0, 0xd2, 0, 0x21, 0, 0x20, 0, 0x1a);
    valid(T_NOTHING, 1, 1, REF, 0, 0xd2, 0, 0x22, 0, 0x1a, 0x20, 0, 0x1a);
    valid(T_NOTHING, 1, 1, REF_NULL, 0, 0x20, 0, 0x1a);
    /* set outside counts inside; set inside is forgotten outside, and in the other arm */
    valid(T_NOTHING, 1, 1, REF, 0, 0xd2, 0, 0x21, 0, 0x02, 0x40, 0x20, 0, 0x1a, 0x0b);
    invalid(T_NOTHING, "uninitialized local 0", 1, 1, REF, 0, 0x02, 0x40, 0xd2, 0, 0x21, 0,
            0x0b, 0x20, 0, 0x1a);
    invalid(T_NOTHING, "uninitialized local 0", 1, 1, REF, 0, 0x41, 1, 0x04, 0x40, 0xd2, 0,
            0x21, 0, 0x05, 0x20, 0, 0x1a, 0x0b);
    invalid(T_NOTHING, "uninitialized local 0", 1, 1, REF, 0, 0x06, 0x40, 0xd2, 0, 0x21, 0,
            0x19, 0x20, 0, 0x1a, 0x0b);
}

static void globals_are_mutable_or_not(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x23, 0);
    valid(T_NOTHING, 0, 0x42, 1, 0x24, 1);
    invalid(T_NOTHING, "immutable global 0", 0, 0x41, 1, 0x24, 0);
    invalid(T_NOTHING, "type mismatch: global.set needs i64", 0, 0x41, 1, 0x24, 1);
    invalid(T_TO_I32, "unknown global 2", 0, 0x23, 2);
    invalid(T_TO_I32, "unknown global 9", 0, 0x24, 9);
}

/* ---- Memories and tables ---- */

static void memory_accesses_are_checked(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x41, 0, 0x28, 2, 0);
    invalid(T_TO_I32, "alignment must not be larger than natural", 0, 0x41, 0, 0x28, 3, 0);
    invalid(T_TO_I32, "alignment must not be larger than natural", 0, 0x41, 0, 0x2d, 1, 0);
    valid(T_TO_I32, 0, 0x42, 0, 0x28, 0x42, 1, 0); /* memory 1 */
    invalid(T_TO_I32, "type mismatch: i32.load needs i64", 0, 0x41, 0, 0x28, 0x42, 1, 0);
    invalid(T_TO_I32, "unknown memory 2", 0, 0x41, 0, 0x28, 0x42, 2, 0);
    valid(T_TO_I32, 0, 0x41, 0, 0x28, 2, 0xff, 0xff, 0xff, 0xff, 0x0f);
    invalid(T_TO_I32, "offset out of range", 0, 0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x10);
    valid(T_TO_I32, 0, 0x42, 0, 0x28, 0x42, 1, 0x80, 0x80, 0x80, 0x80, 0x10);
    valid(T_TO_I32, 0, 0x3f, 0);
    invalid(T_TO_I32, "type mismatch: end needs i32, found i64", 0, 0x3f, 1);
    valid(T_TO_V128, 0, 0x41, 0, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x54, 0, 0, 0);
    invalid(T_TO_V128, "alignment", 0, 0x41, 0, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x54, 1, 0, 0);
}

static void bulk_memory_mixes_address_types(void **state)
{
    (void)state;
    valid(T_NOTHING, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0);
    valid(T_NOTHING, 0, 0x42, 0, 0x42, 0, 0x42, 0, 0xfc, 10, 1, 1);
    valid(T_NOTHING, 0, 0x42, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 1, 0);
    valid(T_NOTHING, 0, 0x41, 0, 0x42, 0, 0x41, 0, 0xfc, 10, 0, 1);
    invalid(T_NOTHING, "type mismatch: memory.copy needs i32", 0, 0x42, 0, 0x41, 0, 0x42, 0,
            0xfc, 10, 1, 0);
    valid(T_NOTHING, 0, 0x42, 0, 0x41, 0, 0x42, 0, 0xfc, 11, 1); /* memory.fill */
    valid(T_NOTHING, 0, 0x42, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 1);
    invalid(T_NOTHING, "unknown data segment 1", 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 1, 0);
    valid(T_NOTHING, 0, 0xfc, 9, 0);
    invalid(T_NOTHING, "unknown data segment 1", 0, 0xfc, 9, 1);
}

static void data_instructions_need_the_data_count(void **state)
{
    (void)state;
    expect_module(wb_features_default(), BEAMR_MALFORMED, "data count section required",
                  SECTIONS(SECTION(1, 1, 0x60, 0, 0), SECTION(3, 1, 0), SECTION(5, 1, 0, 1),
                           SECTION(10, 1, 5, 0, 0xfc, 9, 0, 0x0b), SECTION(11, 1, 1, 0)));
}

static void table_instructions_are_checked(void **state)
{
    (void)state;
    valid(T_TO_FUNCREF, 0, 0x41, 0, 0x25, 0);
    valid(T_TO_FUNCREF, 0, 0x42, 0, 0x25, 2);
    invalid(T_TO_FUNCREF, "type mismatch", 0, 0x41, 0, 0x25, 1);
    invalid(T_TO_FUNCREF, "unknown table 3", 0, 0x41, 0, 0x25, 3);
    valid(T_NOTHING, 0, 0x42, 0, 0xd2, 0, 0x26, 2);
    invalid(T_NOTHING, "type mismatch: table.set needs externref", 0, 0x41, 0, 0xd2, 0, 0x26,
            1);
    valid(T_TO_I32, 0, 0xd0, 0x70, 0x41, 1, 0xfc, 15, 0); /* table.grow */
    valid(T_TO_I32, 0, 0xfc, 16, 1);
    valid(T_NOTHING, 0, 0x42, 0, 0xd0, 0x70, 0x42, 0, 0xfc, 17, 2); /* table.fill */
    valid(T_NOTHING, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0); /* table.init */
    invalid(T_NOTHING, "type mismatch: table.init", 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 1,
            0);
    invalid(T_NOTHING, "unknown elem segment 2", 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 2, 0);
    valid(T_NOTHING, 0, 0xfc, 13, 1);
    invalid(T_NOTHING, "unknown elem segment 2", 0, 0xfc, 13, 2);
    valid(T_NOTHING, 0, 0x42, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 2, 0); /* table.copy */
    invalid(T_NOTHING, "type mismatch: table.copy", 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0,
            1);
}

/* ---- References ---- */

static void references_are_checked(void **state)
{
    (void)state;
    valid(T_TO_FUNCREF, 0, 0xd2, 1);
    invalid(T_TO_FUNCREF, "undeclared function reference", 0, 0xd2, 3);
    invalid(T_TO_FUNCREF, "unknown function 4", 0, 0xd2, 4);
    invalid(T_TO_EXTERNREF, "type mismatch", 0, 0xd2, 1);
    valid(T_TO_I32, 0, 0xd0, 0x6f, 0xd1);
    invalid(T_TO_I32, "type mismatch: ref.is_null needs a reference, found i32", 0, 0x41, 1,
            0xd1);
    valid(T_TYPED, 0, 0x20, 0, 0xd4);
    invalid(T_TYPED, "type mismatch: end needs (ref", 0, 0x20, 0);
}

static void branches_on_null_are_checked(void **state)
{
    (void)state;
    valid(T_TYPED, 0, 0x02, 0x40, 0x20, 0, 0xd5, 0, 0x0f, 0x0b, 0x00);
    valid(T_TYPED, 0, 0x20, 0, 0xd6, 0, 0x00);
    invalid(T_NOTHING, "type mismatch: br_on_non_null", 0, 0xd0, 0x70, 0xd6, 0);
    invalid(T_TO_EXTERNREF, "type mismatch: br_on_non_null", 0, 0xd0, 0x70, 0xd6, 0, 0x00);
    invalid(T_NOTHING, "type mismatch: br_on_null needs a reference", 0, 0x41, 1, 0xd5, 0);
    invalid(T_NOTHING, "unknown label 1", 0, 0xd0, 0x70, 0xd5, 1, 0x1a);
    invalid(T_TO_I32, "type mismatch: br_on_null needs i32", 0, 0xd0, 0x70, 0xd5, 0, 0x1a, 0x41,
            1);
}

/* ---- Exceptions ---- */

static void throws_are_checked(void **state)
{
    (void)state;
    valid(T_NOTHING, 0, 0x41, 1, 0x08, 1);
    invalid(T_NOTHING, "type mismatch: throw needs i32", 0, 0x08, 1);
    invalid(T_NOTHING, "unknown tag 2", 0, 0x08, 2);
    valid(T_NOTHING, 0, 0xd0, 0x69, 0x0a);
    invalid(T_NOTHING, "type mismatch: throw_ref", 0, 0x41, 1, 0x0a);
}

static void catch_clauses_fit_their_labels(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x02, I32, 0x1f, 0x40, 1, 0, 1, 0, 0x0b, 0x41, 1, 0x0b);
    valid(T_NOTHING, 0, 0x1f, 0x40, 2, 0, 0, 0, 2, 0, 0x0b);
    valid(T_TO_EXN, 0, 0x1f, 0x40, 2, 1, 0, 0, 3, 0, 0x0b, 0x00);
    valid(T_TO_I32_EXN, 0, 0x1f, 0x40, 1, 1, 1, 0, 0x0b, 0x00);
    invalid(T_NOTHING, "type mismatch: a catch clause", 0, 0x1f, 0x40, 1, 0, 1, 0, 0x0b);
    invalid(T_TO_I32, "type mismatch: try_table needs i32, found (ref exn)", 0, 0x1f, 0x40, 1,
            3, 0, 0x0b, 0x00);
    invalid(T_NOTHING, "unknown tag 2", 0, 0x1f, 0x40, 1, 0, 2, 0, 0x0b);
    invalid(T_NOTHING, "unknown label 1", 0, 0x1f, 0x40, 1, 2, 1, 0x0b);
    /* The label counts from outside: the try_table's own result does not matter. */
    invalid(T_TO_V128, "type mismatch", 0, 0x1f, I32, 1, 0, 1, 0, 0x41, 1, 0x0b, 0x00);
}

static void legacy_tries_are_checked(void **state)
{
    (void)state;
    valid(T_TO_I32, 0, 0x06, I32, 0x41, 1, 0x07, 1, 0x07, 0, 0x41, 2, 0x19, 0x41, 3, 0x0b);
    valid(T_NOTHING, 0, 0x06, 0x40, 0x0b);
    invalid(T_TO_I32, "type mismatch: end", 0, 0x06, I32, 0x41, 1, 0x07, 0, 0x0b);
    invalid(T_NOTHING, "unknown tag 2", 0, 0x06, 0x40, 0x07, 2, 0x0b);
    malformed(T_NOTHING, "unexpected catch", 0, 0x02, 0x40, 0x07, 0, 0x0b);
    malformed(T_NOTHING, "unexpected catch", 0, 0x06, 0x40, 0x19, 0x07, 0, 0x0b);
    malformed(T_NOTHING, "unexpected catch_all", 0, 0x06, 0x40, 0x19, 0x19, 0x0b);
    valid(T_NOTHING, 0, 0x06, 0x40, 0x19, 0x09, 0, 0x0b);
    valid(T_NOTHING, 0, 0x06, 0x40, 0x07, 0, 0x02, 0x40, 0x09, 1, 0x0b, 0x0b);
    invalid(T_NOTHING, "invalid rethrow label 0", 0, 0x06, 0x40, 0x09, 0, 0x0b);
    invalid(T_NOTHING, "invalid rethrow label 0", 0, 0x09, 0);
    invalid(T_NOTHING, "unknown label 1", 0, 0x09, 1);
    valid(T_NOTHING, 0, 0x06, 0x40, 0x18, 0);
    valid(T_NOTHING, 0, 0x06, 0x40, 0x06, 0x40, 0x18, 0, 0x19, 0x0b);
    invalid(T_NOTHING, "unknown label 1", 0, 0x06, 0x40, 0x18, 1);
    malformed(T_NOTHING, "unexpected delegate", 0, 0x06, 0x40, 0x19, 0x18, 0);
}

static void encodings_do_not_mix(void **state)
{
    (void)state;
    invalid(T_NOTHING, "legacy and new exception handling in one function", 0, 0x06, 0x40, 0x0b,
            0x1f, 0x40, 0, 0x0b);
    invalid(T_NOTHING, "legacy and new exception handling in one function", 0, 0x1f, 0x40, 0,
            0x0b, 0x06, 0x40, 0x0b);
    invalid(T_NOTHING, "legacy and new exception handling in one function", 0, 0x06, 0x40, 0x0b,
            0xd0, 0x69, 0x0a);
}

/* ---- What is reported ---- */

static void expect_slots(uint32_t slots, bool exceptions, uint8_t type, const uint8_t *body,
                         size_t len)
{
    buffer b = {0};
    beamr_error err;
    wb_module m;

    write_context(&b, type, body, len);
    assert_int_equal(load(&b, wb_features_default(), &m, &err), BEAMR_OK);
    assert_int_equal(m.funcs[2].operand_slots, slots);
    assert_int_equal(m.funcs[2].uses_exceptions, exceptions);
    assert_true(m.funcs[0].is_declared_ref && m.funcs[1].is_declared_ref);
    assert_false(m.funcs[2].is_declared_ref || m.funcs[3].is_declared_ref);
    wb_module_clear(&m);
    free(b.data);
}

static void operand_slots_are_counted(void **state)
{
    (void)state;
    expect_slots(0, false, T_NOTHING, BODY(0));
    expect_slots(2, false, T_TO_I32, BODY(0, 0x41, 1, 0x41, 2, 0x6a));
    expect_slots(2, false, T_TO_V128, BODY(0, 0x41, 1, 0xfd, 0x0f));
    expect_slots(4, false, T_NOTHING,
                 BODY(0, 0x41, 1, 0xfd, 0x0f, 0x41, 1, 0xfd, 0x0f, 0x1a, 0x1a));
    expect_slots(2, false, T_TO_V128, BODY(0, 0x00)); /* results of the function */
    expect_slots(2, false, T_NOTHING, BODY(0, 0x02, V128, 0x00, 0x0b, 0x1a)); /* of a block */
    expect_slots(1, false, T_NOTHING, BODY(0, 0x41, 1, 0x10, 1, 0x1a));
    /* A clause holds its exception in a slot, below the tag's values, until it ends. */
    expect_slots(1, true, T_NOTHING, BODY(0, 0x06, 0x40, 0x19, 0x0b));
    expect_slots(2, true, T_NOTHING, BODY(0, 0x06, 0x40, 0x07, 1, 0x1a, 0x0b));
    expect_slots(3, true, T_NOTHING,
                 BODY(0, 0x06, 0x40, 0x19, 0x06, 0x40, 0x19, 0x41, 1, 0x1a, 0x0b, 0x0b));
    expect_slots(2, true, T_NOTHING,
                 BODY(0, 0x06, 0x40, 0x19, 0x00, 0x41, 1, 0x1a, 0x0b, 0x41, 1, 0x1a));
    expect_slots(1, true, T_TO_EXN, BODY(0, 0x1f, 0x40, 1, 3, 0, 0x0b, 0x00));
}

static wb_features used_by(uint8_t type, const uint8_t *body, size_t len)
{
    buffer b = {0};
    beamr_error err;
    wb_features used;
    wb_module m;

    write_context(&b, type, body, len);
    assert_int_equal(load(&b, wb_features_default(), &m, &err), BEAMR_OK);
    used = m.used;
    wb_module_clear(&m);
    free(b.data);
    return used;
}

static void used_features_are_collected(void **state)
{
    (void)state;
    assert_false(used_by(T_NOTHING, BODY(0)) & WB_FEATURE_BIT(TAIL_CALL));
    assert_true(used_by(T_NOTHING, BODY(0, 0x12, 0)) & WB_FEATURE_BIT(TAIL_CALL));
    assert_false(used_by(T_NOTHING, BODY(0)) & WB_FEATURE_BIT(SIGN_EXTENSION));
    assert_true(used_by(T_NOTHING, BODY(0, 0x41, 1, 0xc0, 0x1a)) &
                WB_FEATURE_BIT(SIGN_EXTENSION));
    assert_true(used_by(T_NOTHING, BODY(0)) & WB_FEATURE_BIT(MULTI_MEMORY));
    assert_true(used_by(T_NOTHING, BODY(0, 0x06, 0x40, 0x0b)) &
                WB_FEATURE_BIT(LEGACY_EXCEPTIONS));
    assert_false(used_by(T_NOTHING, BODY(0)) & WB_FEATURE_BIT(EXTENDED_CONST));
}

/* ---- Parts of the module ---- */

#define GLOBAL_I32(...) SECTION(6, 1, I32, 0, __VA_ARGS__, 0x0b)

static void constant_expressions_are_checked(void **state)
{
    (void)state;
    valid_module(GLOBAL_I32(0x41, 1));
    valid_module(GLOBAL_I32(0x41, 1, 0x41, 2, 0x6c, 0x41, 3, 0x6a));
    invalid_module("type mismatch: end needs i32, found i64", GLOBAL_I32(0x42, 1));
    invalid_module("type mismatch: end needs i32, found no", SECTION(6, 1, I32, 0, 0x0b));
    invalid_module("type mismatch: a constant expression leaves 1",
                   GLOBAL_I32(0x41, 1, 0x41, 2));
    invalid_module("constant expression required: i32.eqz", GLOBAL_I32(0x41, 1, 0x45));
    invalid_module("constant expression required: nop", GLOBAL_I32(0x41, 1, 0x01));
    invalid_module("unknown global 0", GLOBAL_I32(0x23, 0));
    valid_module(SECTION(6, 2, I32, 0, 0x41, 1, 0x0b, I32, 0, 0x23, 0, 0x0b));
    invalid_module("constant expression required: global 0 is mutable",
                   SECTION(6, 2, I32, 1, 0x41, 1, 0x0b, I32, 0, 0x23, 0, 0x0b));
    invalid_module("unknown function 0", SECTION(6, 1, FUNCREF, 0, 0xd2, 0, 0x0b));
    valid_module(
        SECTION(6, 1, V128, 0, 0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b));
}

static void extended_constants_can_be_off(void **state)
{
    wb_features extended = WB_FEATURE_BIT(EXTENDED_CONST);

    (void)state;
    unsupported_module(extended, GLOBAL_I32(0x41, 1, 0x41, 2, 0x6a));
    unsupported_module(extended, SECTION(6, 2, I32, 0, 0x41, 1, 0x0b, I32, 0, 0x23, 0, 0x0b));
    expect_module(wb_features_default() & ~extended, BEAMR_OK, "",
                  SECTIONS(SECTION(2, 1, 1, 'm', 1, 'g', 3, I32, 0), GLOBAL_I32(0x23, 0)));
}

static void sizes_are_checked(void **state)
{
    (void)state;
    valid_module(SECTION(5, 1, 1, 0, 0x80, 0x80, 4));
    invalid_module("memory size must be at most 65536", SECTION(5, 1, 0, 0x81, 0x80, 4));
    invalid_module("memory size must be at most 65536", SECTION(5, 1, 1, 0, 0x81, 0x80, 4));
    invalid_module("size minimum must not be greater than maximum", SECTION(5, 1, 1, 2, 1));
    valid_module(SECTION(5, 1, 4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40));
    invalid_module("memory size", SECTION(5, 1, 4, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40));
    valid_module(SECTION(4, 1, FUNCREF, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f));
    invalid_module("size minimum", SECTION(4, 1, FUNCREF, 1, 2, 1));
    unsupported_module(WB_FEATURE_BIT(MULTI_MEMORY), SECTION(5, 2, 0, 0, 0, 0));
}

static void tables_have_initial_values(void **state)
{
    (void)state;
    invalid_module("type mismatch: table 0", SECTION(4, 1, REF, 0x70, 0, 1));
    valid_module(SECTION(1, 1, 0x60, 0, 0), SECTION(2, 1, 1, 'm', 1, 'f', 0, 0),
                 SECTION(4, 1, 0x40, 0, REF, 0x70, 0, 1, 0xd2, 0, 0x0b));
    invalid_module("type mismatch", SECTION(4, 1, 0x40, 0, REF, 0x70, 0, 1, 0xd0, 0x70, 0x0b));
    /* Globals of the module itself come later. */
    invalid_module("unknown global 0", SECTION(4, 1, 0x40, 0, FUNCREF, 0, 1, 0x23, 0, 0x0b),
                   SECTION(6, 1, FUNCREF, 0, 0xd0, 0x70, 0x0b));
}

static void segments_are_checked(void **state)
{
    (void)state;
    invalid_module("unknown table 0", SECTION(9, 1, 0, 0x41, 0, 0x0b, 0));
    invalid_module("unknown function 0", SECTION(4, 1, FUNCREF, 0, 1),
                   SECTION(9, 1, 0, 0x41, 0, 0x0b, 1, 0));
    invalid_module("type mismatch: table 0 needs externref", SECTION(4, 1, EXTERNREF, 0, 1),
                   SECTION(9, 1, 0, 0x41, 0, 0x0b, 0));
    invalid_module("type mismatch: end needs i64", SECTION(4, 1, FUNCREF, 4, 1),
                   SECTION(9, 1, 0, 0x41, 0, 0x0b, 0));
    invalid_module("type mismatch", SECTION(9, 1, 5, FUNCREF, 1, 0xd0, 0x6f, 0x0b));
    invalid_module("unknown memory 0", SECTION(11, 1, 0, 0x41, 0, 0x0b, 0));
    valid_module(SECTION(5, 1, 4, 1), SECTION(11, 1, 0, 0x42, 0, 0x0b, 0));
    invalid_module("type mismatch", SECTION(5, 1, 4, 1), SECTION(11, 1, 0, 0x41, 0, 0x0b, 0));
}

static void exports_start_and_tags_are_checked(void **state)
{
    (void)state;
    invalid_module("unknown function 0", SECTION(7, 1, 1, 'f', 0, 0));
    invalid_module("unknown memory 1", SECTION(5, 1, 0, 1), SECTION(7, 1, 1, 'f', 2, 1));
    invalid_module("duplicate export name \"f\"", SECTION(5, 1, 0, 1),
                   SECTION(7, 3, 1, 'f', 2, 0, 1, 'g', 2, 0, 1, 'f', 2, 0));
    invalid_module("duplicate export name \"\"", SECTION(5, 1, 0, 1),
                   SECTION(7, 2, 0, 2, 0, 0, 2, 0));
    invalid_module("unknown function 0", SECTION(8, 0));
    invalid_module("start function 0", SECTION(1, 1, 0x60, 0, 1, I32), SECTION(3, 1, 0),
                   SECTION(8, 0), SECTION(10, 1, 4, 0, 0x41, 1, 0x0b));
    valid_module(SECTION(1, 1, 0x60, 0, 0), SECTION(3, 1, 0), SECTION(8, 0),
                 SECTION(10, 1, 2, 0, 0x0b));
    invalid_module("non-empty tag result type", SECTION(1, 1, 0x60, 0, 1, I32),
                   SECTION(13, 1, 0, 0));
    unsupported_module(WB_FEATURE_BIT(MUTABLE_GLOBALS), SECTION(6, 1, I32, 1, 0x41, 1, 0x0b),
                       SECTION(7, 1, 1, 'g', 3, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_checked),
        cmocka_unit_test(errors_tell_the_offset),
        cmocka_unit_test(unreachable_code_takes_any_operand),
        cmocka_unit_test(select_needs_equal_types),
        cmocka_unit_test(blocks_have_types),
        cmocka_unit_test(if_needs_both_arms_alike),
        cmocka_unit_test(branches_carry_operands),
        cmocka_unit_test(br_table_needs_labels_alike),
        cmocka_unit_test(calls_follow_the_type),
        cmocka_unit_test(tail_calls_need_the_results),
        cmocka_unit_test(locals_have_types),
        cmocka_unit_test(far_locals_are_found),
        cmocka_unit_test(locals_without_default_must_be_set),
        cmocka_unit_test(globals_are_mutable_or_not),
        cmocka_unit_test(memory_accesses_are_checked),
        cmocka_unit_test(bulk_memory_mixes_address_types),
        cmocka_unit_test(data_instructions_need_the_data_count),
        cmocka_unit_test(table_instructions_are_checked),
        cmocka_unit_test(references_are_checked),
        cmocka_unit_test(branches_on_null_are_checked),
        cmocka_unit_test(throws_are_checked),
        cmocka_unit_test(catch_clauses_fit_their_labels),
        cmocka_unit_test(legacy_tries_are_checked),
        cmocka_unit_test(encodings_do_not_mix),
        cmocka_unit_test(operand_slots_are_counted),
        cmocka_unit_test(used_features_are_collected),
        cmocka_unit_test(constant_expressions_are_checked),
        cmocka_unit_test(extended_constants_can_be_off),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(tables_have_initial_values),
        cmocka_unit_test(segments_are_checked),
        cmocka_unit_test(exports_start_and_tags_are_checked),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
