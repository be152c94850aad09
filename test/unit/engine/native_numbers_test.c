/* Every scalar instruction on numbers, in both tiers, at the edges of its operands: as
 * arguments, as constants, in memory; and chains of float arithmetic, of whose NaNs some can be
 * seen. */
#include "native_pair.h"

#include "wasm/opcode.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const uint64_t i32_edges[] = {
    0,          1,          2,          3,          7,          31,         32,
    33,         63,         64,         65,         127,        128,        255,
    256,        32767,      32768,      65535,      65536,      0x12345678, 0x7ffffffe,
    0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffffff80, 0xfffffffe, 0xffffffff,
};

static const uint64_t i64_edges[] = {
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    63,
    64,
    65,
    128,
    255,
    32768,
    65535,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x1fffffffffffff,
    0x20000000000001,
    0x7fffff4000000001,
    0x7ffffffffffffffe,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffff00000000,
    0xffffffff7fffffff,
    0xffffffff80000000,
    0xffffffffffffff80,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};

/* Signs are added. NaNs: canonical, arithmetic, signalling, with all bits. */
static const uint64_t f32_edges[] = {
    0,          1,          0x007fffff, 0x00800000, 0x00800001, 0x3effffff, 0x3f000000,
    0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000, 0x40200000,
    0x40490fdb, 0x4affffff, 0x4b000000, 0x4b000001, 0x4b7fffff, 0x4effffff, 0x4f000000,
    0x4f000001, 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000, 0x5f000001, 0x5f7fffff,
    0x5f800000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fa5a5a5, 0x7fbfffff, 0x7fc00000,
    0x7fc00001, 0x7fffffff,
};

static const uint64_t f64_edges[] = {
    0,
    1,
    0x000fffffffffffff,
    0x0010000000000000,
    0x36a0000000000000, /* half of float's least */
    0x36a0000000000001,
    0x380fffffe0000000,
    0x3fdfffffffffffff,
    0x3fe0000000000000,
    0x3fefffffffffffff,
    0x3ff0000000000000,
    0x3ff0000010000000, /* between two floats */
    0x3ff8000000000000,
    0x4000000000000000,
    0x4004000000000000,
    0x41dfffffffc00000, /* 2^31 - 1 */
    0x41dfffffffe00000, /* 2^31 - 0.5 */
    0x41e0000000000000,
    0x41e0000000000001,
    0x41e00000001fffff, /* below 2^31 + 1 */
    0x41e0000000200000,
    0x41efffffffe00000,
    0x41effffffff00000,
    0x41f0000000000000,
    0x432fffffffffffff,
    0x4330000000000000,
    0x4330000000000001,
    0x43dfffffffffffff,
    0x43e0000000000000,
    0x43e0000000000001,
    0x43efffffffffffff,
    0x43f0000000000000,
    0x47efffffe0000000, /* the greatest float */
    0x47efffffefffffff,
    0x47effffff0000000,
    0x7fefffffffffffff,
    0x7ff0000000000000,
    0x7ff0000000000001,
    0x7ff5a5a5a5a5a5a5,
    0x7ff7ffffffffffff,
    0x7ff8000000000000,
    0x7ff8000020000001,
    0x7fffffffffffffff,
};

/* Number `i` of the operands of a type, or false. */
static bool edge(char letter, size_t i, uint64_t *bits)
{
    size_t count = letter == 'i'   ? COUNT(i32_edges)
                   : letter == 'l' ? COUNT(i64_edges)
                   : letter == 'f' ? 2 * COUNT(f32_edges)
                                   : 2 * COUNT(f64_edges);

    if (i >= count)
        return false;
    *bits = letter == 'i'   ? i32_edges[i]
            : letter == 'l' ? i64_edges[i]
            : letter == 'f' ? f32_edges[i / 2] | (uint64_t)(i % 2) << 31
                            : f64_edges[i / 2] | (uint64_t)(i % 2) << 63;
    return true;
}

/* ---- Modules ---- */

/* An instruction on numbers alone. */
static bool is_number_op(const wb_op_info *op)
{
    return op->imm == WB_IMM_NONE && (op->prefix == 0 || op->prefix == 0xfc) &&
           strcspn(op->sig, "_") > 0 && strlen(op->sig) == strspn(op->sig, "ilfd_") &&
           strlen(strchr(op->sig, '_')) == 2;
}

static size_t operand_count(const wb_op_info *op)
{
    return strcspn(op->sig, "_");
}

static void emit_op(wasm_builder *w, const wb_op_info *op)
{
    if (op->prefix)
        WASM(w, op->prefix);
    WASM(w, (uint8_t)op->code); /* those of a prefix are below 128 */
}

static void emit_const(wasm_builder *w, char letter, uint64_t bits)
{
    switch (letter) {
    case 'i':
        WASM(w, 0x41);
        wasm_s64(w, (int32_t)(uint32_t)bits);
        break;
    case 'l':
        WASM(w, 0x42);
        wasm_s64(w, (int64_t)bits);
        break;
    case 'f':
        WASM(w, 0x43);
        wasm_bytes(w, &bits, 4);
        break;
    default:
        WASM(w, 0x44);
        wasm_bytes(w, &bits, 8);
        break;
    }
}

static void emit_load(wasm_builder *w, char letter, uint32_t address)
{
    uint8_t code = (uint8_t)(0x28 + (strchr("ilfd", letter) - "ilfd"));

    WASM(w, 0x41);
    wasm_s64(w, (int32_t)address);
    WASM(w, code, 0, 0);
}

static void emit_store(wasm_builder *w, char letter)
{
    uint8_t code = (uint8_t)(0x36 + (strchr("ilfd", letter) - "ilfd"));

    WASM(w, code, 0, 0);
}

/* What a function of the module does with an operand. */
typedef enum operand_kind {
    FROM_PARAM,
    FROM_CONST,
    FROM_MEMORY,
} operand_kind;

typedef struct number_func {
    const wb_op_info *op;
    operand_kind kinds[2];
    uint64_t consts[2];
    char letters[6];    /* parameters, underscore, result */
    bool all_constants; /* as emit_constants has it */
    char name[16];
    pair_func both;
} number_func;

typedef struct number_module {
    number_func funcs[1000];
    size_t count;
} number_module;

static number_func *add_func(number_module *m, const wb_op_info *op, operand_kind a,
                             operand_kind b)
{
    number_func *f = &m->funcs[m->count];
    operand_kind kinds[] = {a, b};
    size_t at = 0;

    assert_true(m->count < COUNT(m->funcs));
    *f = (number_func){.op = op, .kinds = {a, b}};
    for (size_t i = 0; i < operand_count(op); i++)
        if (kinds[i] == FROM_PARAM)
            f->letters[at++] = op->sig[i];
    f->letters[at++] = '_';
    f->letters[at] = strchr(op->sig, '_')[1];
    (void)snprintf(f->name, sizeof f->name, "%zu", m->count);
    m->count++;
    return f;
}

static void emit_func(wasm_builder *w, const number_func *f)
{
    char result = strchr(f->op->sig, '_')[1];
    uint8_t param = 0;

    wasm_sized(w);
    WASM(w, 0);
    if (f->kinds[0] == FROM_MEMORY)
        WASM(w, 0x41, 16); /* where the result is stored, too */
    for (size_t i = 0; i < operand_count(f->op); i++) {
        if (f->kinds[i] == FROM_PARAM)
            WASM(w, 0x20, param++);
        else if (f->kinds[i] == FROM_CONST)
            emit_const(w, f->op->sig[i], f->consts[i]);
        else
            emit_load(w, f->op->sig[i], 8 * (uint32_t)i);
    }
    emit_op(w, f->op);
    if (f->kinds[0] == FROM_MEMORY) {
        emit_store(w, result);
        emit_load(w, result, 16);
    }
    WASM(w, 0x0b);
    wasm_end(w);
}

/* Constants that compilers know something about. */
static bool some_const(char letter, size_t i, uint64_t *bits)
{
    static const uint64_t ints[] = {0, 1, 2, 10, 31, 64, ~UINT64_C(0), ~UINT64_C(1)};
    static const uint64_t floats[] = {0,          0x80000000, 0x3f800000, 0xbf800000,
                                      0x40000000, 0x40490fdb, 0x7f800000, 0x7fc00000,
                                      0xffa00001, 0x7f7fffff};
    static const uint64_t doubles[] = {
        0,
        0x8000000000000000,
        0x3ff0000000000000,
        0xbff0000000000000,
        0x4000000000000000,
        0x400921fb54442d18,
        0x7ff0000000000000,
        0x7ff8000000000000,
        0xfff4000000000001,
        0x7fefffffffffffff,
    };

    if (letter == 'i' || letter == 'l') {
        if (i == COUNT(ints))
            *bits = letter == 'i' ? 0x80000000 : 0x8000000000000000;
        else if (i < COUNT(ints))
            *bits = ints[i];
        return i <= COUNT(ints);
    }
    if (i < COUNT(floats))
        *bits = letter == 'f' ? floats[i] : doubles[i];
    return i < COUNT(floats);
}

/* All that a function with constants computes, into memory from `at` on: with a constant on
 * either side, with constants alone. */
static void emit_constants(wasm_builder *w, const wb_op_info *op)
{
    char type = op->sig[0], result = strchr(op->sig, '_')[1];
    uint32_t at = 0;
    uint64_t a, b;

#define PUT(operands)                                                                          \
    do {                                                                                       \
        WASM(w, 0x41);                                                                         \
        wasm_s64(w, 8 * (int32_t)at++);                                                        \
        operands;                                                                              \
        emit_op(w, op);                                                                        \
        emit_store(w, result);                                                                 \
    } while (0)
    wasm_sized(w);
    WASM(w, 0);
    for (size_t k = 0; operand_count(op) == 1 && edge(type, k, &a); k++)
        PUT(emit_const(w, type, a));
    for (size_t k = 0; operand_count(op) == 2 && some_const(type, k, &a); k++) {
        PUT(emit_const(w, type, a); WASM(w, 0x20, 0));
        PUT(WASM(w, 0x20, 0); emit_const(w, type, a));
        for (size_t j = k % 2; some_const(type, j, &b); j += 2)
            PUT(emit_const(w, type, a); emit_const(w, type, b));
    }
    WASM(w, 0x0b);
    wasm_end(w);
#undef PUT
}

static native_pair open_module(number_module *m)
{
    wasm_builder w = {0};
    native_pair p;

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, (uint32_t)m->count);
    for (size_t i = 0; i < m->count; i++) {
        char params[4];
        size_t len = strcspn(m->funcs[i].letters, "_");

        memcpy(params, m->funcs[i].letters, len);
        params[len] = 0;
        wasm_functype(&w, params, m->funcs[i].letters + len + 1);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, (uint32_t)m->count);
    for (uint32_t i = 0; i < m->count; i++)
        wasm_u32(&w, i);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, (uint32_t)m->count + 1);
    wasm_export(&w, "memory", 2, 0);
    for (uint32_t i = 0; i < m->count; i++)
        wasm_export(&w, m->funcs[i].name, 0, i);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, (uint32_t)m->count);
    for (size_t i = 0; i < m->count; i++)
        if (m->funcs[i].all_constants)
            emit_constants(&w, m->funcs[i].op);
        else
            emit_func(&w, &m->funcs[i]);
    wasm_end(&w);
    p = pair_open(&w, false);
    for (size_t i = 0; i < m->count; i++)
        m->funcs[i].both = pair_find(&p, m->funcs[i].name);
    return p;
}

static void call(const number_func *f, const uint64_t *args)
{
    (void)pair_call(&f->both, f->letters, args);
}

/* ---- One instruction ---- */

static void every_instruction_agrees_on_arguments(void **state)
{
    number_module *m = calloc(1, sizeof *m);
    native_pair p;

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < WB_OP_COUNT; i++)
        if (is_number_op(&wb_op_table[i]))
            (void)add_func(m, &wb_op_table[i], FROM_PARAM, FROM_PARAM);
    assert_int_equal(m->count, 136);
    p = open_module(m);
    for (size_t i = 0; i < m->count; i++) {
        const number_func *f = &m->funcs[i];
        uint64_t args[2] = {0};

        for (size_t a = 0; edge(f->op->sig[0], a, &args[0]); a++) {
            if (operand_count(f->op) == 1)
                call(f, args);
            else
                for (size_t b = 0; edge(f->op->sig[1], b, &args[1]); b++)
                    call(f, args);
        }
    }
    pair_close(&p);
    free(m);
}

/* It traps for some operands. */
static bool traps(const wb_op_info *op)
{
    return strstr(op->text, ".div_") || strstr(op->text, ".rem_") ||
           (strstr(op->text, ".trunc_f") != NULL);
}

static void every_instruction_agrees_with_constants(void **state)
{
    number_module *m = calloc(1, sizeof *m);
    native_pair p;

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < WB_OP_COUNT; i++)
        if (is_number_op(&wb_op_table[i]) && !traps(&wb_op_table[i])) {
            number_func *f = add_func(m, &wb_op_table[i], FROM_PARAM, FROM_CONST);

            f->all_constants = true;
            (void)snprintf(f->letters, sizeof f->letters, "%c_", f->op->sig[0]);
        }
    p = open_module(m);
    for (size_t i = 0; i < m->count; i++) {
        uint64_t arg;

        for (size_t a = 0; edge(m->funcs[i].letters[0], a, &arg); a++) {
            call(&m->funcs[i], &arg);
            pair_check_memories(&p, m->funcs[i].op->text);
        }
    }
    pair_close(&p);
    free(m);
}

static void instructions_that_trap_agree_with_a_constant(void **state)
{
    number_module *m = calloc(1, sizeof *m);
    native_pair p;

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < WB_OP_COUNT; i++) {
        const wb_op_info *op = &wb_op_table[i];
        uint64_t c;

        if (!is_number_op(op) || !traps(op))
            continue;
        for (size_t k = 0; operand_count(op) == 1 && edge(op->sig[0], k, &c); k += 3)
            add_func(m, op, FROM_CONST, FROM_CONST)->consts[0] = c;
        for (size_t k = 0; operand_count(op) == 2 && some_const(op->sig[0], k, &c); k++) {
            add_func(m, op, FROM_CONST, FROM_PARAM)->consts[0] = c;
            add_func(m, op, FROM_PARAM, FROM_CONST)->consts[1] = c;
        }
    }
    p = open_module(m);
    for (size_t i = 0; i < m->count; i++) {
        uint64_t arg = 0;

        if (m->funcs[i].letters[0] == '_')
            call(&m->funcs[i], &arg);
        else
            for (size_t a = 0; edge(m->funcs[i].letters[0], a, &arg); a++)
                call(&m->funcs[i], &arg);
    }
    pair_close(&p);
    free(m);
}

static void every_instruction_agrees_on_operands_in_memory(void **state)
{
    number_module *m = calloc(1, sizeof *m);
    native_pair p;

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < WB_OP_COUNT; i++)
        if (is_number_op(&wb_op_table[i]))
            (void)add_func(m, &wb_op_table[i], FROM_MEMORY, FROM_MEMORY);
    p = open_module(m);
    for (size_t i = 0; i < m->count; i++) {
        const number_func *f = &m->funcs[i];
        uint64_t args[3] = {0};

        for (size_t a = 0; edge(f->op->sig[0], a, &args[0]); a++)
            for (size_t b = a % 5; edge(f->op->sig[0], b, &args[1]); b += 5) {
                pair_write(&p, 0, args, sizeof args);
                call(f, args);
            }
    }
    pair_close(&p);
    free(m);
}

/* ---- Chains ---- */

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Locals: 0 to 3 f32 parameters, 4 to 7 f64 parameters, 8 an i32 counter. */
#define CHAIN_FUNCS 200

static void get(wasm_builder *w, uint32_t *seed, bool is64)
{
    WASM(w, 0x20, (uint8_t)(random_next(seed) % 4 + (is64 ? 4 : 0)));
}

static void one_step(wasm_builder *w, uint32_t *seed)
{
    bool is64 = random_next(seed) & 1;
    uint8_t at = is64 ? 14 : 0;

    get(w, seed, is64);
    switch (random_next(seed) % 12) {
    case 0: /* abs, neg, ceil, floor, trunc, nearest, sqrt */
    case 1:
        WASM(w, (uint8_t)(0x8b + at + random_next(seed) % 7));
        break;
    case 2: /* of another width */
        WASM(w, 0x1a);
        get(w, seed, !is64);
        WASM(w, is64 ? 0xbb : 0xb6);
        break;
    case 3: /* select */
        get(w, seed, is64);
        get(w, seed, is64);
        get(w, seed, is64);
        WASM(w, is64 ? 0x63 : 0x5d, 0x1b);
        break;
    case 4: /* a load of what is there */
        WASM(w, 0x1a, 0x41, (uint8_t)(random_next(seed) % 8 * 4), is64 ? 0x2b : 0x2a, 0, 0);
        break;
    case 5: /* bits: xor */
        WASM(w, is64 ? 0xbd : 0xbc);
        get(w, seed, is64);
        WASM(w, is64 ? 0xbd : 0xbc, is64 ? 0x85 : 0x73, is64 ? 0xbf : 0xbe);
        break;
    case 6: /* a store, the result being as before */
        WASM(w, 0x1a, 0x41, (uint8_t)(random_next(seed) % 8 * 4));
        get(w, seed, is64);
        WASM(w, is64 ? 0x39 : 0x38, 0, 0);
        return;
    default: /* add, sub, mul, div, min, max, copysign */
        get(w, seed, is64);
        WASM(w, (uint8_t)(0x92 + at + random_next(seed) % 7));
        break;
    }
    WASM(w, 0x21, (uint8_t)(random_next(seed) % 4 + (is64 ? 4 : 0)));
}

static void some_steps(wasm_builder *w, uint32_t *seed, uint32_t depth)
{
    for (uint32_t n = random_next(seed) % 8 + 2; n > 0; n--) {
        uint32_t kind = depth < 3 ? random_next(seed) % 6 : 5;

        if (kind == 0) { /* if ... else ... end */
            get(w, seed, true);
            get(w, seed, true);
            WASM(w, 0x63, 0x04, 0x40);
            some_steps(w, seed, depth + 1);
            WASM(w, 0x05);
            some_steps(w, seed, depth + 1);
            WASM(w, 0x0b);
        } else if (kind == 1) { /* a loop, three times at most in all */
            WASM(w, 0x03, 0x40);
            some_steps(w, seed, depth + 1);
            WASM(w, 0x20, 8, 0x41, 1, 0x6b, 0x22, 8, 0x41, 0, 0x4a, 0x0d, 0, 0x0b);
        } else {
            one_step(w, seed);
        }
    }
}

static void emit_chain(wasm_builder *w, uint32_t seed)
{
    wasm_sized(w);
    WASM(w, 1, 1, 0x7f, 0x41, 4, 0x21, 8);
    some_steps(w, &seed, 0);
    for (uint8_t i = 0; i < 4; i++)
        if (random_next(&seed) % 4 == 0) { /* seen at the end */
            WASM(w, 0x41, (uint8_t)(4 * i), 0x20, i, 0x38, 0, 0x20);
            WASM(w, 0x41, (uint8_t)(8 * i), 0x20, (uint8_t)(i + 4), 0x39, 0, 0x30);
        }
    WASM(w, 0x20, (uint8_t)(random_next(&seed) % 4 + 4), 0x0b);
    wasm_end(w);
}

static native_pair open_chains(uint32_t seed)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "ffffdddd", "d");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, CHAIN_FUNCS);
    for (uint32_t i = 0; i < CHAIN_FUNCS; i++)
        WASM(&w, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, CHAIN_FUNCS + 1);
    wasm_export(&w, "memory", 2, 0);
    for (uint32_t i = 0; i < CHAIN_FUNCS; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%u", (unsigned)i);
        wasm_export(&w, name, 0, i);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, CHAIN_FUNCS);
    for (uint32_t i = 0; i < CHAIN_FUNCS; i++)
        emit_chain(&w, seed + i);
    wasm_end(&w);
    return pair_open(&w, false);
}

static void chains_show_the_same_nans(void **state)
{
    native_pair p = open_chains(1);
    uint32_t seed = 7;

    (void)state;
    for (uint32_t i = 0; i < CHAIN_FUNCS; i++) {
        char name[16];
        pair_func f;

        (void)snprintf(name, sizeof name, "%u", (unsigned)i);
        f = pair_find(&p, name);
        for (uint32_t round = 0; round < 30; round++) {
            uint64_t args[8], memory[16];

            for (size_t k = 0; k < 8; k++)
                (void)edge(k < 4 ? 'f' : 'd',
                           random_next(&seed) %
                               (2 * (k < 4 ? COUNT(f32_edges) : COUNT(f64_edges))),
                           &args[k]);
            for (size_t k = 0; k < 16; k++)
                (void)edge('d', random_next(&seed) % (2 * COUNT(f64_edges)), &memory[k]);
            pair_write(&p, 0, memory, sizeof memory);
            (void)pair_call(&f, "ffffdddd_d", args);
            pair_check_memories(&p, name);
        }
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_agrees_on_arguments),
        cmocka_unit_test(every_instruction_agrees_with_constants),
        cmocka_unit_test(instructions_that_trap_agree_with_a_constant),
        cmocka_unit_test(every_instruction_agrees_on_operands_in_memory),
        cmocka_unit_test(chains_show_the_same_nans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
