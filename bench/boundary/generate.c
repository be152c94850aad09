/* A large module, generated: functions as a compiler for C emits them, with 32-bit addresses.
 * Statements are drawn by weight - arithmetic on locals, loads and stores, comparisons with
 * branches, nested blocks, loops and ifs, calls - so that the mix of instructions and the bytes
 * for each are those of real modules. Equal sizes give equal modules. */
#include "boundary.h"

#include "../../test/unit/wasm_builder.h"

enum {
    LOCALS = 12,      /* i32; the first two are parameters */
    LOCALS_64 = 3,    /* i64, behind them */
    LOCALS_F64 = 3,   /* f64, behind those */
    FUNC_BYTES = 300, /* average, about */
    DEPTH_MAX = 6,
};

typedef struct generator {
    wasm_builder w;
    uint64_t random;
    uint32_t funcs;
} generator;

static uint32_t draw(generator *g, uint32_t below)
{
    g->random ^= g->random << 13;
    g->random ^= g->random >> 7;
    g->random ^= g->random << 17;
    return (uint32_t)(g->random >> 33) % below;
}

/* ---- Expressions: each leaves one value ---- */

static void op_local(generator *g, uint8_t op, uint32_t first, uint32_t count)
{
    WASM(&g->w, op, (uint8_t)(first + draw(g, count)));
}

static void put_const(generator *g)
{
    WASM(&g->w, 0x41);
    switch (draw(g, 8)) {
    case 0:
        wasm_s64(&g->w, (int32_t)draw(g, 1u << 20)); /* an address */
        break;
    case 1:
        wasm_s64(&g->w, -(int64_t)draw(g, 64));
        break;
    default:
        wasm_s64(&g->w, draw(g, 256));
        break;
    }
}

static void put_operand(generator *g)
{
    if (draw(g, 3) == 0)
        put_const(g);
    else
        op_local(g, 0x20, 0, LOCALS);
}

static void put_memarg(generator *g, uint8_t align)
{
    WASM(&g->w, align);
    wasm_u32(&g->w, draw(g, 4) == 0 ? draw(g, 1u << 16) : draw(g, 32) * 4);
}

static void put_load(generator *g)
{
    static const uint8_t ops[][2] = {{0x28, 2}, {0x28, 2}, {0x28, 2}, {0x2d, 0}, {0x2f, 1}};
    uint32_t i = draw(g, sizeof ops / sizeof ops[0]);

    op_local(g, 0x20, 0, LOCALS);
    WASM(&g->w, ops[i][0]);
    put_memarg(g, ops[i][1]);
}

static void put_expression(generator *g)
{
    static const uint8_t ops[] = {0x6a, 0x6a, 0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x76};

    if (draw(g, 3) == 0) {
        put_load(g);
        return;
    }
    op_local(g, 0x20, 0, LOCALS);
    for (uint32_t i = draw(g, 3); i > 0; i--) {
        put_operand(g);
        WASM(&g->w, ops[draw(g, sizeof ops)]);
    }
}

static void put_condition(generator *g)
{
    static const uint8_t ops[] = {0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4e, 0x4f};

    op_local(g, 0x20, 0, LOCALS);
    if (draw(g, 3) == 0) {
        WASM(&g->w, 0x45);
        return;
    }
    put_operand(g);
    WASM(&g->w, ops[draw(g, sizeof ops)]);
}

/* ---- Statements: they leave nothing ---- */

static void put_store(generator *g)
{
    static const uint8_t ops[][2] = {{0x36, 2}, {0x36, 2}, {0x3a, 0}, {0x3b, 1}};
    uint32_t i = draw(g, sizeof ops / sizeof ops[0]);

    op_local(g, 0x20, 0, LOCALS);
    put_expression(g);
    WASM(&g->w, ops[i][0]);
    put_memarg(g, ops[i][1]);
}

static void put_call(generator *g)
{
    put_operand(g);
    put_operand(g);
    if (draw(g, 8) == 0) {
        op_local(g, 0x20, 0, LOCALS);
        WASM(&g->w, 0x11, 0, 0);
    } else {
        WASM(&g->w, 0x10);
        wasm_u32(&g->w, draw(g, g->funcs));
    }
    if (draw(g, 3) == 0)
        WASM(&g->w, 0x1a);
    else
        op_local(g, 0x21, 0, LOCALS);
}

/* 64 bits, or floating point. */
static void put_wide(generator *g)
{
    static const uint8_t ops[2][4] = {{0x7c, 0x7e, 0x83, 0x88}, {0xa0, 0xa1, 0xa2, 0xa3}};
    static const uint8_t loads[2] = {0x29, 0x2b};
    uint32_t is_float = draw(g, 2);
    uint32_t first = is_float ? LOCALS + LOCALS_64 : LOCALS;
    uint32_t count = is_float ? LOCALS_F64 : LOCALS_64;

    op_local(g, 0x20, first, count);
    if (draw(g, 2)) {
        op_local(g, 0x20, 0, LOCALS);
        WASM(&g->w, loads[is_float]);
        put_memarg(g, 3);
    } else {
        op_local(g, 0x20, first, count);
    }
    WASM(&g->w, ops[is_float][draw(g, 4)]);
    op_local(g, 0x21, first, count);
}

/* What opens a block; returns how many it opened. */
static uint32_t put_open(generator *g)
{
    switch (draw(g, 4)) {
    case 0:
        put_condition(g);
        WASM(&g->w, 0x04, 0x40);
        return 1;
    case 1:
        WASM(&g->w, 0x02, 0x40, 0x03, 0x40);
        return 2;
    default:
        WASM(&g->w, 0x02, 0x40);
        return 1;
    }
}

static void put_statement(generator *g, uint32_t depth)
{
    switch (draw(g, 16)) {
    case 0:
    case 1:
    case 2:
        put_store(g);
        break;
    case 3:
    case 4:
        put_call(g);
        break;
    case 5:
        put_wide(g);
        break;
    case 6:
    case 7:
        if (depth > 0) {
            put_condition(g);
            WASM(&g->w, 0x0d, (uint8_t)draw(g, depth));
            break;
        } /* fall through */
    default:
        put_expression(g);
        if (draw(g, 4) == 0) {
            op_local(g, 0x22, 0, LOCALS);
            put_operand(g);
            WASM(&g->w, 0x6a);
        }
        op_local(g, 0x21, 0, LOCALS);
        break;
    }
}

/* A frame on the guest's own stack, statements and blocks, the frame given back. */
static void put_body(generator *g)
{
    uint32_t size = FUNC_BYTES / 4 + draw(g, FUNC_BYTES * 3 / 2);
    uint32_t depth = 0;
    size_t begin;

    wasm_sized(&g->w);
    begin = g->w.len;
    WASM(&g->w, 3, LOCALS - 2, 0x7f, LOCALS_64, 0x7e, LOCALS_F64, 0x7c);
    WASM(&g->w, 0x23, 0, 0x41, 32, 0x6b, 0x22, 2, 0x24, 0);
    while (g->w.len - begin < size) {
        if (depth + 2 <= DEPTH_MAX && draw(g, 9) == 0)
            depth += put_open(g);
        else
            put_statement(g, depth);
        if (depth > 0 && draw(g, 9) == 0) {
            WASM(&g->w, 0x0b);
            depth--;
        }
    }
    for (; depth > 0; depth--)
        WASM(&g->w, 0x0b);
    WASM(&g->w, 0x20, 2, 0x41, 32, 0x6a, 0x24, 0, 0x20, 3, 0x0b);
    wasm_end(&g->w);
}

uint8_t *generate_module(size_t size, size_t *len)
{
    generator g = {.random = 88172645463325252u, .funcs = (uint32_t)(size / FUNC_BYTES) + 1};
    wasm_builder *w = &g.w;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "ii", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, g.funcs);
    for (uint32_t i = 0; i < g.funcs; i++)
        WASM(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 16);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 16);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, g.funcs);
    for (uint32_t i = 0; i < g.funcs; i++)
        put_body(&g);
    wasm_end(w);
    *len = w->len;
    return w->data;
}
