/* Every instruction on numbers, vectors and memory, in both tiers, over values at the edges:
 * the same bits, traps, places and memory. Drawn from the table of instructions, so that none
 * is forgotten; each takes its operands from memory, and as constants, which LLVM computes with
 * by itself. Control, calls, tables, globals and bulk memory are in other tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../wasm_builder.h"
#include "beamr/beamr.h"
#include "wasm/opcode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    SLOT = 16,     /* bytes of an operand in memory; operand k is at k * SLOT */
    RESULT = 64,   /* where the result is stored */
    CONSTANTS = 3, /* functions with constant operands, for each instruction */
    MOST = 2000,   /* combinations of operands that a function is called with */
    PAGE = 65536,
};

/* ---- Values ---- */

static const uint32_t addresses[] = {
    0x100,  0x101,  0x1ff,   0xffc0, 0xffe1,  0xfff0,     0xfff1,     0xfff8,     0xfffc,
    0xfffe, 0xffff, 0x10000, 0xfffb, 0x20000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

/* Numbers of 32 bits: integers, and floats around zero, one, the ends of integers and NaN. */
static const uint32_t edges32[] = {
    0,          1,          2,          31,         32,         0x7fffffff, 0x80000000,
    0x80000001, 0xffffffff, 0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x3effffff,
    0x3f7fffff, 0xbf7fffff, 0x3fc00000, 0x40200000, 0x4b000000, 0x4b000001, 0x4affffff,
    0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000, 0x5effffff,
    0x5f000000, 0xdf000000, 0x5f7fffff, 0x5f800000, 0x00800000, 0x007fffff, 0x7f7fffff,
    0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffa00001, 0x80808080,
    0x7f7f7f7f, 0x80008000, 0x7fff7fff, 0xff00ff00, 0x0f10ff81,
};

static const uint64_t edges64[] = {
    0,
    1,
    63,
    64,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffffffffffff,
    0x00000000ffffffff,
    0x0000000080000000,
    0xffffffff7fffffff,
    0x3ff0000000000000, /* 1 */
    0xbff0000000000000,
    0x3fe0000000000000, /* a half, and what is just below */
    0x3fdfffffffffffff,
    0xbfefffffffffffff,
    0x4004000000000000,
    0x4330000000000000, /* 2 to the 52 */
    0x4330000000000001,
    0x432fffffffffffff,
    0x41dfffffffc00000, /* around the ends of 32-bit integers */
    0x41dfffffffe00000,
    0x41e0000000000000,
    0xc1e0000000000000,
    0xc1e0000000100000,
    0xc1e0000000200000,
    0x41efffffffe00000,
    0x41effffffff00000,
    0x41f0000000000000,
    0x43dfffffffffffff, /* and of 64-bit ones */
    0x43e0000000000000,
    0xc3e0000000000000,
    0xc3e0000000000001,
    0x43efffffffffffff,
    0x43f0000000000000,
    0x36a0000000000000, /* around the ends of f32 */
    0x36a0000000000001,
    0x380fffffffffffff,
    0x47efffffe0000000,
    0x47effffff0000000,
    0x3ff0000010000000,
    0x000fffffffffffff,
    0x0010000000000000,
    0x7fefffffffffffff,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x7ff8000000000000,
    0xfff8000000000000,
    0x7ff0000000000001,
    0xfff4000000000001,
};

static const uint8_t edges8[] = {0,    1,    2,    7,    8,    15,   16,
                                 0x1f, 0x40, 0x7f, 0x80, 0x81, 0xf0, 0xff};

static size_t vector_count(void)
{
    return COUNT(edges32) + COUNT(edges64) + 2 * COUNT(edges8);
}

/* Neighbouring lanes hold different edges. */
static void vector(size_t i, uint8_t out[16])
{
    for (size_t lane = 0; lane < 16; lane++)
        out[lane] = edges8[(i + lane * (1 + i % 5)) % COUNT(edges8)];
    if (i < COUNT(edges32))
        for (size_t lane = 0; lane < 4; lane++)
            memcpy(out + 4 * lane, &edges32[(i + lane * 11) % COUNT(edges32)], 4);
    else if (i < COUNT(edges32) + COUNT(edges64))
        for (size_t lane = 0; lane < 2; lane++)
            memcpy(out + 8 * lane, &edges64[(i + lane * 17) % COUNT(edges64)], 8);
}

/* Values of an operand, by its letter in the table. */
static size_t value_count(char letter)
{
    switch (letter) {
    case 'a':
        return COUNT(addresses);
    case 'i':
    case 'f':
        return COUNT(edges32);
    case 'v':
        return vector_count();
    default:
        return COUNT(edges64);
    }
}

static void value(char letter, size_t i, uint8_t out[16])
{
    memset(out, 0, 16);
    if (letter == 'a')
        memcpy(out, &addresses[i], 4);
    else if (letter == 'i' || letter == 'f')
        memcpy(out, &edges32[i], 4);
    else if (letter == 'v')
        vector(i, out);
    else
        memcpy(out, &edges64[i], 8);
}

/* ---- The module: a function for each way to run an instruction, all in a table ---- */

typedef struct place {
    wb_op op;
    bool constant; /* it reads no operand */
    unsigned way;  /* of those that the immediate has */
} place;

typedef struct suite {
    wasm_builder w;
    place places[4000];
    size_t count;
    size_t drawn;
} suite;

static size_t operand_count(wb_op op)
{
    return (size_t)(strchr(wb_op_table[op].sig, '_') - wb_op_table[op].sig);
}

static char result_of(wb_op op)
{
    return wb_op_table[op].sig[operand_count(op) + 1];
}

/* Ways to write an instruction's immediate; 0: it is of no interest here. */
static unsigned way_count(wb_op op)
{
    const wb_op_info *info = &wb_op_table[op];

    if (strcmp(info->sig, "SPECIAL") == 0)
        return 0;
    switch ((wb_imm)info->imm) {
    case WB_IMM_NONE:
    case WB_IMM_V128:
    case WB_IMM_I32:
    case WB_IMM_I64:
    case WB_IMM_F32:
    case WB_IMM_F64:
        return 1;
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
    case WB_IMM_MEM16:
        return 3;
    case WB_IMM_LANES16:
        return 6;
    case WB_IMM_LANE2:
    case WB_IMM_MEM8_LANE:
        return 2;
    case WB_IMM_LANE4:
    case WB_IMM_MEM4_LANE:
        return 4;
    case WB_IMM_LANE8:
    case WB_IMM_MEM2_LANE:
        return 8;
    case WB_IMM_LANE16:
    case WB_IMM_MEM1_LANE:
        return 16;
    case WB_IMM_DATA:
    case WB_IMM_ELEM:
    case WB_IMM_MEM:
        return 0; /* bulk, memory.size and memory.grow */
    default:
        fail_msg("%s has an immediate that this test does not know", info->text);
        return 0;
    }
}

/* Lanes of a shuffle: some that have an instruction of their own, and some that have none. */
static void put_lanes(wasm_builder *w, unsigned way)
{
    static const uint8_t steps[][2] = {{0, 1}, {8, 1}, {3, 7}, {0, 2}, {31, 31}, {5, 0}};

    for (unsigned i = 0; i < 16; i++)
        WASM(w, (uint8_t)((steps[way][0] + i * steps[way][1]) & 31));
}

static void put_immediate(wasm_builder *w, wb_op op, unsigned way)
{
    static const uint32_t offsets[] = {0, 5, 0xffff0000};
    uint8_t bits[16];

    vector(COUNT(edges32) + 46, bits); /* a NaN */
    switch ((wb_imm)wb_op_table[op].imm) {
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
    case WB_IMM_MEM16:
        WASM(w, 0);
        wasm_u32(w, offsets[way]);
        return;
    case WB_IMM_MEM1_LANE:
    case WB_IMM_MEM2_LANE:
    case WB_IMM_MEM4_LANE:
    case WB_IMM_MEM8_LANE:
        WASM(w, 0, 3, (uint8_t)way);
        return;
    case WB_IMM_LANE2:
    case WB_IMM_LANE4:
    case WB_IMM_LANE8:
    case WB_IMM_LANE16:
        WASM(w, (uint8_t)way);
        return;
    case WB_IMM_LANES16:
        put_lanes(w, way);
        return;
    case WB_IMM_I32:
    case WB_IMM_I64:
        wasm_s64(w, -0x12345678);
        return;
    case WB_IMM_F32:
        wasm_bytes(w, &edges32[38], 4);
        return;
    case WB_IMM_F64:
        wasm_bytes(w, bits, 8);
        return;
    case WB_IMM_V128:
        wasm_bytes(w, bits, 16);
        return;
    default:
        return;
    }
}

static void put_op(wasm_builder *w, wb_op op, unsigned way)
{
    if (wb_op_table[op].prefix != 0)
        WASM(w, wb_op_table[op].prefix);
    if (wb_op_table[op].prefix != 0)
        wasm_u32(w, wb_op_table[op].code);
    else
        WASM(w, (uint8_t)wb_op_table[op].code);
    put_immediate(w, op, way);
}

/* A constant that is one of the values of its type. */
static void put_constant(suite *s, char letter)
{
    uint8_t bits[16];
    int32_t narrow;
    int64_t wide;

    s->drawn += 7;
    value(letter, s->drawn % value_count(letter), bits);
    memcpy(&narrow, bits, sizeof narrow);
    memcpy(&wide, bits, sizeof wide);
    switch (letter) {
    case 'a':
    case 'i':
        WASM(&s->w, 0x41);
        wasm_s64(&s->w, narrow);
        return;
    case 'l':
        WASM(&s->w, 0x42);
        wasm_s64(&s->w, wide);
        return;
    case 'f':
        WASM(&s->w, 0x43);
        wasm_bytes(&s->w, bits, 4);
        return;
    case 'd':
        WASM(&s->w, 0x44);
        wasm_bytes(&s->w, bits, 8);
        return;
    default:
        WASM(&s->w, 0xfd, 0x0c);
        wasm_bytes(&s->w, bits, 16);
    }
}

/* Read operand k, or store a result behind its address. Floats travel as floats. */
static void put_access(wasm_builder *w, char letter, bool is_store)
{
    switch (letter) {
    case 'a':
    case 'i':
        WASM(w, is_store ? 0x36 : 0x28, 0, 0);
        return;
    case 'l':
        WASM(w, is_store ? 0x37 : 0x29, 0, 0);
        return;
    case 'f':
        WASM(w, is_store ? 0x38 : 0x2a, 0, 0);
        return;
    case 'd':
        WASM(w, is_store ? 0x39 : 0x2b, 0, 0);
        return;
    default:
        WASM(w, 0xfd, is_store ? 0x0b : 0x00, 0, 0);
    }
}

static void put_func(suite *s, place p)
{
    char result = result_of(p.op);

    wasm_sized(&s->w);
    WASM(&s->w, 0); /* no locals */
    if (result != '\0') {
        WASM(&s->w, 0x41);
        wasm_s64(&s->w, RESULT);
    }
    for (size_t k = 0; k < operand_count(p.op); k++) {
        char letter = wb_op_table[p.op].sig[k];

        if (p.constant) {
            put_constant(s, letter);
            continue;
        }
        WASM(&s->w, 0x41);
        wasm_s64(&s->w, (int64_t)(k * SLOT));
        put_access(&s->w, letter, false);
    }
    put_op(&s->w, p.op, p.way);
    if (result != '\0')
        put_access(&s->w, result, true);
    WASM(&s->w, 0x0b);
    wasm_end(&s->w);
}

static void put_sections(suite *s)
{
    uint32_t count = (uint32_t)s->count;

    wasm_begin(&s->w);
    wasm_section(&s->w, WASM_TYPE);
    WASM(&s->w, 1);
    wasm_functype(&s->w, "", "");
    wasm_end(&s->w);
    wasm_section(&s->w, WASM_FUNCTION);
    wasm_u32(&s->w, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(&s->w, 0);
    wasm_end(&s->w);
    wasm_section(&s->w, WASM_TABLE);
    WASM(&s->w, 1, 0x70, 0);
    wasm_u32(&s->w, count);
    wasm_end(&s->w);
    wasm_section(&s->w, WASM_MEMORY);
    WASM(&s->w, 1, 1, 1, 1);
    wasm_end(&s->w);
    wasm_section(&s->w, WASM_ELEMENT);
    WASM(&s->w, 1, 0, 0x41, 0, 0x0b);
    wasm_u32(&s->w, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_u32(&s->w, i);
    wasm_end(&s->w);
}

static void suite_build(suite *s)
{
    for (wb_op op = 0; op < WB_OP_COUNT; op++) {
        unsigned ways = way_count(op);
        unsigned constants = ways > 0 && operand_count(op) > 0 ? CONSTANTS : 0;

        for (unsigned way = 0; way < ways; way++)
            s->places[s->count++] = (place){op, false, way};
        for (unsigned i = 0; i < constants; i++)
            s->places[s->count++] = (place){op, true, i % ways};
        assert_true(s->count + 32 < COUNT(s->places));
    }
    put_sections(s);
    wasm_section(&s->w, WASM_CODE);
    wasm_u32(&s->w, (uint32_t)s->count);
    for (size_t i = 0; i < s->count; i++)
        put_func(s, s->places[i]);
    wasm_end(&s->w);
}

/* ---- Running ---- */

/* The module in one tier. */
typedef struct side {
    beamr_store *store;
    beamr_table *funcs;
    uint8_t *memory;
    beamr_status status; /* of the last call */
    beamr_error err;
} side;

static side side_open(beamr_engine *engine, beamr_bytes wasm,
                      const beamr_compile_options *options, size_t count)
{
    beamr_module *m = NULL;
    beamr_instance *inst = NULL;
    side s = {0};

    if (beamr_module_load(engine, wasm, &m, &s.err) != BEAMR_OK)
        fail_msg("the module does not load: %s at %u", s.err.text, (unsigned)s.err.offset);
    if (options != NULL && beamr_module_compile(m, options, &s.err) != BEAMR_OK)
        fail_msg("the module is not compiled: %s", s.err.text);
    assert_int_equal(beamr_module_native_count(m), options != NULL ? count : 0);
    assert_int_equal(beamr_store_new(engine, NULL, &s.store, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(s.store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    beamr_module_unref(m);
    s.funcs = beamr_instance_table(inst, 0);
    s.memory = beamr_memory_data(beamr_instance_memory(inst, 0));
    for (size_t i = 0; i < PAGE; i++)
        s.memory[i] = (uint8_t)(i * 151 >> 3 ^ i);
    return s;
}

static void side_call(side *s, size_t i)
{
    beamr_error_clear(&s->err);
    s->status = beamr_table_call(s->funcs, i, NULL, 0, NULL, 0, &s->err);
}

static bool same(const side *a, const side *b, bool stores)
{
    return a->status == b->status && a->err.trap == b->err.trap &&
           a->err.frame_total == b->err.frame_total &&
           memcmp(a->err.frames, b->err.frames, sizeof a->err.frames) == 0 &&
           strcmp(a->err.text, b->err.text) == 0 &&
           memcmp(a->memory, b->memory, stores ? PAGE : RESULT + SLOT) == 0;
}

static void print_bytes(const char *what, const uint8_t *bytes)
{
    print_error("  %s ", what);
    for (size_t i = 16; i-- > 0;)
        print_error("%02x", bytes[i]);
    print_error("\n");
}

static void fail_different(const place *p, const side *a, const side *b)
{
    print_error("%s, way %u%s\n", wb_op_table[p->op].text, p->way,
                p->constant ? ", constant operands" : "");
    for (size_t k = 0; k < operand_count(p->op) && !p->constant; k++)
        print_bytes("operand    ", a->memory + k * SLOT);
    print_bytes("interpreted", a->memory + RESULT);
    print_error("  %s at %u\n", a->err.text, a->err.frames[0].offset);
    print_bytes("native     ", b->memory + RESULT);
    print_error("  %s at %u\n", b->err.text, b->err.frames[0].offset);
    fail_msg("%s differs", wb_op_table[p->op].text);
}

/* Write the operands of combination `at`. */
static void put_operands(const place *p, size_t at, side *a, side *b)
{
    const char *sig = wb_op_table[p->op].sig;

    for (size_t k = 0; k < operand_count(p->op); k++) {
        size_t count = value_count(sig[k]);

        value(sig[k], at % count, a->memory + k * SLOT);
        memcpy(b->memory + k * SLOT, a->memory + k * SLOT, SLOT);
        at /= count;
    }
}

static void run(const suite *s, size_t i, side *a, side *b)
{
    const place *p = &s->places[i];
    size_t all = 1, tried;
    bool stores = result_of(p->op) == '\0';

    for (size_t k = 0; k < operand_count(p->op) && !p->constant; k++)
        all *= value_count(wb_op_table[p->op].sig[k]);
    tried = all < MOST ? all : MOST;
    for (size_t n = 0; n < tried; n++) {
        if (!p->constant)
            put_operands(p, all <= MOST ? n : n * 1000003 % all, a, b);
        side_call(a, i);
        side_call(b, i);
        if (!same(a, b, stores))
            fail_different(p, a, b);
    }
}

static void compare(const beamr_compile_options *options)
{
    static suite s;
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;
    side a, b;

    s = (suite){0};
    suite_build(&s);
    config.tier = BEAMR_TIER_INTERPRET;
    assert_int_equal(beamr_engine_new(&config, &engine, NULL), BEAMR_OK);
    a = side_open(engine, wasm_bytes_of(&s.w), NULL, s.count);
    b = side_open(engine, wasm_bytes_of(&s.w), options, s.count);
    for (size_t i = 0; i < s.count; i++)
        run(&s, i, &a, &b);
    beamr_store_free(a.store);
    beamr_store_free(b.store);
    beamr_engine_free(engine);
    wasm_free(&s.w);
}

/* ---- Tests ---- */

static void instructions_agree(void **state)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;

    (void)state;
    compare(&options);
}

static void instructions_agree_with_checks(void **state)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;

    (void)state;
    options.checks = true;
    compare(&options);
}

/* The least processor of the architecture. */
static void instructions_agree_on_an_old_processor(void **state)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;

    (void)state;
#ifdef __x86_64__
    options.cpu = "x86-64-v2";
#endif
    compare(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_agree),
        cmocka_unit_test(instructions_agree_with_checks),
        cmocka_unit_test(instructions_agree_on_an_old_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
