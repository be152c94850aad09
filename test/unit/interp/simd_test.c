/* Tests of interp/simd.h: every vector instruction against a reference that takes one lane at a
 * time, over edge values and random ones, with operands and result in all overlaps. The
 * reference shares nothing with src/interp but the table. */
#include "simd_reference.h"

/* ---- Every instruction with its reference ---- */

#define ROW(id, whole, ...)                                                                    \
    {                                                                                          \
        WB_OP_##id, whole, __VA_ARGS__                                                         \
    }
#define LANEWISE(id, bits, lane) ROW(id, lanewise, bits, lane, false, false)
#define SIGNS(id, whole, bits, high)                                                           \
    ROW(id##_S, whole, bits, NULL, true, high), ROW(id##_U, whole, bits, NULL, false, high)

#define SHAPE(ID, bits)                                                                        \
    LANEWISE(ID##_EQ, bits, ref_eq), LANEWISE(ID##_NE, bits, ref_ne),                          \
        LANEWISE(ID##_LT_S, bits, ref_lt_s), LANEWISE(ID##_GT_S, bits, ref_gt_s),              \
        LANEWISE(ID##_LE_S, bits, ref_le_s), LANEWISE(ID##_GE_S, bits, ref_ge_s),              \
        LANEWISE(ID##_ABS, bits, ref_abs), LANEWISE(ID##_NEG, bits, ref_neg),                  \
        LANEWISE(ID##_ADD, bits, ref_add), LANEWISE(ID##_SUB, bits, ref_sub),                  \
        ROW(ID##_SHL, shift, bits, ref_shl, false, false),                                     \
        ROW(ID##_SHR_S, shift, bits, ref_shr_s, false, false),                                 \
        ROW(ID##_SHR_U, shift, bits, ref_shr_u, false, false),                                 \
        ROW(ID##_ALL_TRUE, all_true, bits, NULL, false, false),                                \
        ROW(ID##_BITMASK, bitmask, bits, NULL, false, false),                                  \
        ROW(ID##_SPLAT, splat, bits, NULL, false, false),                                      \
        ROW(ID##_REPLACE_LANE, replace, bits, NULL, false, false),                             \
        LANEWISE(ID##_RELAXED_LANESELECT, bits, ref_select)
#define UP_TO_32(ID, bits)                                                                     \
    LANEWISE(ID##_LT_U, bits, ref_lt_u), LANEWISE(ID##_GT_U, bits, ref_gt_u),                  \
        LANEWISE(ID##_LE_U, bits, ref_le_u), LANEWISE(ID##_GE_U, bits, ref_ge_u),              \
        LANEWISE(ID##_MIN_S, bits, ref_min_s), LANEWISE(ID##_MIN_U, bits, ref_min_u),          \
        LANEWISE(ID##_MAX_S, bits, ref_max_s), LANEWISE(ID##_MAX_U, bits, ref_max_u)
#define UP_TO_16(ID, bits)                                                                     \
    LANEWISE(ID##_ADD_SAT_S, bits, ref_add_sat_s),                                             \
        LANEWISE(ID##_ADD_SAT_U, bits, ref_add_sat_u),                                         \
        LANEWISE(ID##_SUB_SAT_S, bits, ref_sub_sat_s),                                         \
        LANEWISE(ID##_SUB_SAT_U, bits, ref_sub_sat_u), LANEWISE(ID##_AVGR_U, bits, ref_avgr_u)
#define WIDER(TO, FROM, bits)                                                                  \
    SIGNS(TO##_EXTEND_LOW_##FROM, extend, bits, false),                                        \
        SIGNS(TO##_EXTEND_HIGH_##FROM, extend, bits, true),                                    \
        SIGNS(TO##_EXTMUL_LOW_##FROM, extmul, bits, false),                                    \
        SIGNS(TO##_EXTMUL_HIGH_##FROM, extmul, bits, true)
#define FLOAT_SHAPE(ID, bits)                                                                  \
    LANEWISE(ID##_EQ, bits, ref_feq), LANEWISE(ID##_NE, bits, ref_fne),                        \
        LANEWISE(ID##_LT, bits, ref_flt), LANEWISE(ID##_GT, bits, ref_fgt),                    \
        LANEWISE(ID##_LE, bits, ref_fle), LANEWISE(ID##_GE, bits, ref_fge),                    \
        LANEWISE(ID##_ABS, bits, ref_fabs), LANEWISE(ID##_NEG, bits, ref_fneg),                \
        LANEWISE(ID##_SQRT, bits, ref_fsqrt), LANEWISE(ID##_CEIL, bits, ref_fceil),            \
        LANEWISE(ID##_FLOOR, bits, ref_ffloor), LANEWISE(ID##_TRUNC, bits, ref_ftrunc),        \
        LANEWISE(ID##_NEAREST, bits, ref_fnearest), LANEWISE(ID##_ADD, bits, ref_fadd),        \
        LANEWISE(ID##_SUB, bits, ref_fsub), LANEWISE(ID##_MUL, bits, ref_fmul),                \
        LANEWISE(ID##_DIV, bits, ref_fdiv), LANEWISE(ID##_MIN, bits, ref_fmin),                \
        LANEWISE(ID##_MAX, bits, ref_fmax), LANEWISE(ID##_PMIN, bits, ref_pmin),               \
        LANEWISE(ID##_PMAX, bits, ref_pmax), LANEWISE(ID##_RELAXED_MIN, bits, ref_fmin),       \
        LANEWISE(ID##_RELAXED_MAX, bits, ref_fmax),                                            \
        LANEWISE(ID##_RELAXED_MADD, bits, ref_madd),                                           \
        LANEWISE(ID##_RELAXED_NMADD, bits, ref_nmadd),                                         \
        ROW(ID##_SPLAT, splat, bits, NULL, false, false),                                      \
        ROW(ID##_EXTRACT_LANE, extract, bits, NULL, false, false),                             \
        ROW(ID##_REPLACE_LANE, replace, bits, NULL, false, false)

static const row rows[] = {
    LANEWISE(V128_NOT, 64, ref_not),
    LANEWISE(V128_AND, 64, ref_and),
    LANEWISE(V128_ANDNOT, 64, ref_andnot),
    LANEWISE(V128_OR, 64, ref_or),
    LANEWISE(V128_XOR, 64, ref_xor),
    LANEWISE(V128_BITSELECT, 64, ref_select),
    ROW(V128_ANY_TRUE, any_true, 64, NULL, false, false),
    SHAPE(I8X16, 8),
    SHAPE(I16X8, 16),
    SHAPE(I32X4, 32),
    SHAPE(I64X2, 64),
    UP_TO_32(I8X16, 8),
    UP_TO_32(I16X8, 16),
    UP_TO_32(I32X4, 32),
    UP_TO_16(I8X16, 8),
    UP_TO_16(I16X8, 16),
    LANEWISE(I16X8_MUL, 16, ref_mul),
    LANEWISE(I32X4_MUL, 32, ref_mul),
    LANEWISE(I64X2_MUL, 64, ref_mul),
    LANEWISE(I8X16_POPCNT, 8, ref_popcnt),
    LANEWISE(I16X8_Q15MULR_SAT_S, 16, ref_q15mulr),
    LANEWISE(I16X8_RELAXED_Q15MULR_S, 16, ref_q15mulr),
    SIGNS(I8X16_EXTRACT_LANE, extract, 8, false),
    SIGNS(I16X8_EXTRACT_LANE, extract, 16, false),
    ROW(I32X4_EXTRACT_LANE, extract, 32, NULL, false, false),
    ROW(I64X2_EXTRACT_LANE, extract, 64, NULL, false, false),
    ROW(I8X16_SHUFFLE, shuffle, 8, NULL, false, false),
    ROW(I8X16_SWIZZLE, swizzle, 8, NULL, false, false),
    ROW(I8X16_RELAXED_SWIZZLE, swizzle, 8, NULL, false, false),
    WIDER(I16X8, I8X16, 8),
    WIDER(I32X4, I16X8, 16),
    WIDER(I64X2, I32X4, 32),
    SIGNS(I16X8_EXTADD_PAIRWISE_I8X16, extadd, 8, false),
    SIGNS(I32X4_EXTADD_PAIRWISE_I16X8, extadd, 16, false),
    ROW(I32X4_DOT_I16X8_S, dot, 16, NULL, true, false),
    ROW(I16X8_RELAXED_DOT_I8X16_I7X16_S, dot_sat, 8, NULL, true, false),
    ROW(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S, dot_add, 8, NULL, true, false),
    SIGNS(I8X16_NARROW_I16X8, narrow, 8, false),
    SIGNS(I16X8_NARROW_I32X4, narrow, 16, false),
    FLOAT_SHAPE(F32X4, 32),
    FLOAT_SHAPE(F64X2, 64),
    SIGNS(I32X4_TRUNC_SAT_F32X4, trunc_float, 32, false),
    ROW(I32X4_TRUNC_SAT_F64X2_S_ZERO, trunc_float, 64, NULL, true, false),
    ROW(I32X4_TRUNC_SAT_F64X2_U_ZERO, trunc_float, 64, NULL, false, false),
    SIGNS(I32X4_RELAXED_TRUNC_F32X4, trunc_float, 32, false),
    ROW(I32X4_RELAXED_TRUNC_F64X2_S_ZERO, trunc_float, 64, NULL, true, false),
    ROW(I32X4_RELAXED_TRUNC_F64X2_U_ZERO, trunc_float, 64, NULL, false, false),
    SIGNS(F32X4_CONVERT_I32X4, convert, 32, false),
    SIGNS(F64X2_CONVERT_LOW_I32X4, convert, 64, false),
    ROW(F32X4_DEMOTE_F64X2_ZERO, demote, 64, NULL, false, false),
    ROW(F64X2_PROMOTE_LOW_F32X4, promote, 32, NULL, false, false),
};

/* ---- Inputs ---- */

static uint64_t random_next(void)
{
    static uint64_t state = 4;
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static const double edge_numbers[] = {
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
    1.5,
    2.5,
    3.5,
    0x1p-149,
    0x1p-126,
    0x1.fffffep127,
    0x1.fffffefffffffp127,
    0x1.ffffffp127,
    0x1p-1074,
    0x1p-1022,
    0x1.fffffffffffffp1023,
    0x1p-150,
    0x1.0000000000001p-150,
    8388607.5,
    8388608.0,
    8388609.0,
    4503599627370495.5,
    4503599627370496.0,
    2147483520.0,
    2147483647.0,
    2147483647.5,
    2147483648.0,
    2147483648.9,
    2147483649.0,
    2147483904.0,
    4294967040.0,
    4294967295.0,
    4294967295.9,
    4294967296.0,
    0x1.fffffep-1,
    0x1.fffffffffffffp-1,
    (double)INFINITY,
};

static uint64_t edge_float(unsigned bits)
{
    static const uint64_t nans[] = {0x7ff8000000000000, 0x7ff0000000000001, 0x7ff4000000000000,
                                    0x7fffffffffffffff};
    static const uint64_t nans_32[] = {0x7fc00000, 0x7f800001, 0x7fa00000, 0x7fffffff};
    uint64_t pick = random_next(), x;
    double number = edge_numbers[pick / 8 % COUNT(edge_numbers)];

    if (pick % 8 == 0)
        x = bits == 32 ? nans_32[pick / 8 % 4] : nans[pick / 8 % 4];
    else
        x = bits == 32 ? bits32((float)number) : bits64(number);
    return x | (pick >> 63) << (bits - 1);
}

static uint64_t edge_int(unsigned bits)
{
    uint64_t top = 1ull << (bits - 1);
    const uint64_t edges[] = {0,
                              1,
                              2,
                              3,
                              15,
                              16,
                              bits - 1,
                              bits,
                              top - 1,
                              top,
                              top + 1,
                              ones(bits),
                              ones(bits) - 1,
                              ones(bits / 2),
                              ones(bits / 2) + 1,
                              ones(bits / 2) / 2,
                              ones(bits / 2) / 2 + 1,
                              ones(bits) - ones(bits / 2) / 2,
                              ones(bits) - ones(bits / 2) / 2 - 1};
    return edges[random_next() % COUNT(edges)] & ones(bits);
}

/* A vector whose lanes, of any width, are partly edge values and partly random. */
static void fill(uint64_t *v)
{
    unsigned bits = 8u << random_next() % 4;
    for (unsigned i = 0; i < 128 / bits; i++) {
        uint64_t pick = random_next() % 4;
        uint64_t x = random_next();
        if (pick == 0)
            x = edge_int(bits);
        else if (pick != 1 && bits >= 32)
            x = edge_float(bits);
        else if (pick == 2)
            x >>= x % 60; /* small numbers */
        put(v, bits, i, x);
    }
}

static const char *name_of(wb_op op)
{
    static const char *const names[] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature) text,
#include "wasm/opcode.def"
#undef WB_OP
    };
    return names[op];
}

static bool is_scalar_result(const row *r)
{
    return r->whole == any_true || r->whole == all_true || r->whole == bitmask ||
           r->whole == extract;
}

/* Compare one execution with the reference, the result being at `d` in `frame`. */
static void check_at(const row *r, uint64_t *frame, const uint64_t *saved, unsigned d,
                     const uint64_t *want, const uint8_t *imm)
{
    memcpy(frame, saved, 8 * sizeof frame[0]);
    interp_simd_table[r->op](frame + d, frame, frame + 2, frame + 4, imm);
    if (memcmp(frame + d, want, is_scalar_result(r) ? 8 : 16) != 0)
        fail_msg("%s at slot %u: a %016llx %016llx b %016llx %016llx gives %016llx "
                 "%016llx, not %016llx %016llx",
                 name_of(r->op), d, (unsigned long long)saved[0], (unsigned long long)saved[1],
                 (unsigned long long)saved[2], (unsigned long long)saved[3],
                 (unsigned long long)frame[d], (unsigned long long)frame[d + 1],
                 (unsigned long long)want[0], (unsigned long long)want[1]);
    for (unsigned i = 0; i < 8; i++) /* nothing else was written */
        if (i < d || i >= d + (is_scalar_result(r) ? 1 : 2))
            assert_int_equal(frame[i], saved[i]);
}

static void check(const row *r)
{
    /* Operands at slots 0, 2 and 4, a free place at 6. */
    uint64_t saved[8], frame[8], want[2] = {0, 0};
    uint8_t imm[16];

    for (unsigned i = 0; i < 4; i++)
        fill(saved + 2 * i);
    for (unsigned i = 0; i < 16; i++)
        imm[i] = (uint8_t)(random_next() % (r->whole == shuffle ? 32 : 128 / r->bits));
    r->whole(r, want, saved, saved + 2, saved + 4, imm);
    for (unsigned d = 0; d <= 6; d++)
        check_at(r, frame, saved, d, want, imm);
}

/* ---- Tests ---- */

static void every_instruction_agrees_with_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int round = 0; round < ROUNDS; round++)
            check(&rows[i]);
}

static void every_vector_instruction_has_a_function_and_a_reference(void **state)
{
    static const struct {
        wb_op op;
        unsigned prefix;
        const char *imm;
    } all[] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature) {WB_OP_##id, prefix, #imm},
#include "wasm/opcode.def"
#undef WB_OP
    };
    bool has_reference[WB_OP_COUNT] = {false};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(has_reference[rows[i].op]);
        has_reference[rows[i].op] = true;
    }
    for (size_t i = 0; i < COUNT(all); i++) {
        bool is_handled = all[i].prefix == 0xfd && strncmp(all[i].imm, "MEM", 3) != 0 &&
                          strcmp(all[i].imm, "V128") != 0;
        assert_int_equal(interp_simd_table[all[i].op] != NULL, is_handled);
        assert_int_equal(has_reference[all[i].op], is_handled);
    }
}

static void run2(wb_op op, uint64_t *d, uint64_t a0, uint64_t a1, uint64_t b0, uint64_t b1)
{
    const uint64_t a[2] = {a0, a1}, b[2] = {b0, b1};
    interp_simd_table[op](d, a, b, NULL, NULL);
}

static void relaxed_multiply_add_rounds_twice(void **state)
{
    const uint64_t a[2] = {0x3f8000023f800002, 0x3f8000023f800002};
    const uint64_t minus_a[2] = {0xbf800002bf800002, 0xbf800002bf800002};
    const uint64_t b[2] = {0x3f8001003f800100, 0x3f8001003f800100};
    const uint64_t c[2] = {0xbf800102bf800102, 0xbf800102bf800102};
    const uint64_t a64[2] = {0x3ff0000000400000, 0x7fefffffffffffff};
    const uint64_t b64[2] = {0x3ff0000020000000, 0x4000000000000000};
    const uint64_t c64[2] = {0xbff0000020400000, 0xffefffffffffffff};
    uint64_t d[2];
    (void)state;

    interp_simd_table[WB_OP_F32X4_RELAXED_MADD](d, a, b, c, NULL);
    assert_true(d[0] == 0 && d[1] == 0); /* fused, it would be 0x1p-37 */
    interp_simd_table[WB_OP_F32X4_RELAXED_NMADD](d, minus_a, b, c, NULL);
    assert_true(d[0] == 0 && d[1] == 0);
    interp_simd_table[WB_OP_F64X2_RELAXED_MADD](d, a64, b64, c64, NULL);
    assert_int_equal(d[0], 0);
    assert_int_equal(d[1], 0x7ff0000000000000); /* fused, the greatest finite number */
}

static void relaxed_integers_saturate(void **state)
{
    uint64_t d[2];
    const uint64_t least[2] = {0x8080808080808080, 0}, zero[2] = {0, 0};
    (void)state;

    run2(WB_OP_I16X8_RELAXED_Q15MULR_S, d, 0x80018000, 0x7fff, 0x80008000, 0x7fff);
    assert_int_equal(d[0], 0x7fff7fff);
    assert_int_equal(d[1], 0x7ffe);
    run2(WB_OP_I16X8_RELAXED_DOT_I8X16_I7X16_S, d, 0x8080, 0x80808080, 0x8181, 0x80807f7f);
    assert_int_equal(d[0], 0x7f00);
    assert_int_equal(d[1], 0x7fff8100);
    interp_simd_table[WB_OP_I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S](d, least, least, zero, NULL);
    assert_int_equal(d[0], 0x0000fffe0000fffe);
}

static void shift_counts_ignore_the_upper_half_of_their_slot(void **state)
{
    uint64_t d[2];
    (void)state;
    run2(WB_OP_I64X2_SHL, d, 1, 2, 0xffffffff00000041, 0);
    assert_true(d[0] == 2 && d[1] == 4);
    run2(WB_OP_I8X16_SHR_S, d, 0x80, 0x7f, 0x100000009, 0);
    assert_true(d[0] == 0xc0 && d[1] == 0x3f);
}

static void loads_widen_repeat_and_pad(void **state)
{
    const uint64_t bits = 0xff80017f8000fe02;
    static const struct {
        wb_op op;
        unsigned bits;
        bool is_signed;
    } extends[] = {{WB_OP_V128_LOAD8X8_S, 8, true},   {WB_OP_V128_LOAD8X8_U, 8, false},
                   {WB_OP_V128_LOAD16X4_S, 16, true}, {WB_OP_V128_LOAD16X4_U, 16, false},
                   {WB_OP_V128_LOAD32X2_S, 32, true}, {WB_OP_V128_LOAD32X2_U, 32, false}};
    uint64_t d[2];
    (void)state;

    for (size_t k = 0; k < COUNT(extends); k++) {
        unsigned n = extends[k].bits;
        interp_simd_load(extends[k].op, d, bits);
        for (unsigned i = 0; i < 64 / n; i++)
            assert_int_equal(get(d, 2 * n, i), (uint64_t)number(extends[k].is_signed, n,
                                                                bits >> i * n & ones(n)) &
                                                   ones(2 * n));
    }
    interp_simd_load(WB_OP_V128_LOAD8_SPLAT, d, 0xfe);
    assert_true(d[0] == 0xfefefefefefefefe && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD16_SPLAT, d, 0xfedc);
    assert_true(d[0] == 0xfedcfedcfedcfedc && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD32_SPLAT, d, 0xfedcba98);
    assert_true(d[0] == 0xfedcba98fedcba98 && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD64_SPLAT, d, bits);
    assert_true(d[0] == bits && d[1] == bits);
    interp_simd_load(WB_OP_V128_LOAD32_ZERO, d, 0xfedcba98);
    assert_true(d[0] == 0xfedcba98 && d[1] == 0);
    interp_simd_load(WB_OP_V128_LOAD64_ZERO, d, bits);
    assert_true(d[0] == bits && d[1] == 0);
}

static void single_lanes_load_and_store(void **state)
{
    static const struct {
        wb_op load, store;
        unsigned bits;
    } lanes[] = {{WB_OP_V128_LOAD8_LANE, WB_OP_V128_STORE8_LANE, 8},
                 {WB_OP_V128_LOAD16_LANE, WB_OP_V128_STORE16_LANE, 16},
                 {WB_OP_V128_LOAD32_LANE, WB_OP_V128_STORE32_LANE, 32},
                 {WB_OP_V128_LOAD64_LANE, WB_OP_V128_STORE64_LANE, 64}};
    (void)state;

    for (size_t k = 0; k < COUNT(lanes); k++) {
        for (uint8_t lane = 0; lane < 128 / lanes[k].bits; lane++) {
            uint64_t v[2], want[2], bits = random_next() & ones(lanes[k].bits);
            fill(v);
            memcpy(want, v, sizeof v);
            assert_int_equal(interp_simd_store_lane(lanes[k].store, v, lane),
                             get(v, lanes[k].bits, lane));
            put(want, lanes[k].bits, lane, bits);
            interp_simd_load_lane(lanes[k].load, v, v, lane, bits);
            assert_memory_equal(v, want, sizeof v);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_instruction_has_a_function_and_a_reference),
        cmocka_unit_test(every_instruction_agrees_with_the_reference),
        cmocka_unit_test(relaxed_multiply_add_rounds_twice),
        cmocka_unit_test(relaxed_integers_saturate),
        cmocka_unit_test(shift_counts_ignore_the_upper_half_of_their_slot),
        cmocka_unit_test(loads_widen_repeat_and_pad),
        cmocka_unit_test(single_lanes_load_and_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
