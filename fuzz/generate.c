/* The sections of a generated module; bodies are in generate_body.c.
 * Everything declared is exported, so that any function may be referred to, and all state can
 * be looked at. Source: Core, "Binary Format", "Modules". */
#include <stdlib.h>

#include "generate_internal.h"

/* ---- Types and constants ---- */

void gen_heaptype(gen_buf *b, uint32_t heap)
{
    static const uint8_t codes[] = {
        [WB_HEAP_FUNC] = 0x70,     [WB_HEAP_NOFUNC] = 0x73, [WB_HEAP_EXTERN] = 0x6f,
        [WB_HEAP_NOEXTERN] = 0x72, [WB_HEAP_EXN] = 0x69,    [WB_HEAP_NOEXN] = 0x74,
    };

    if (heap >= WB_HEAP_DEFINED)
        gen_s(b, heap - WB_HEAP_DEFINED);
    else
        gen_u8(b, codes[heap]);
}

void gen_valtype(gen_buf *b, wb_valtype type)
{
    static const uint8_t codes[] = {
        [WB_KIND_I32] = 0x7f, [WB_KIND_I64] = 0x7e,  [WB_KIND_F32] = 0x7d,
        [WB_KIND_F64] = 0x7c, [WB_KIND_V128] = 0x7b,
    };

    if (!wb_valtype_is_ref(type)) {
        gen_u8(b, codes[wb_valtype_kind(type)]);
        return;
    }
    gen_u8(b, wb_valtype_is_nullable(type) ? 0x63 : 0x64);
    gen_heaptype(b, wb_valtype_heap(type));
}

static bool heap_matches(const gen *g, uint32_t sub, uint32_t super)
{
    switch (sub) {
    case WB_HEAP_NOFUNC:
        return super == sub || super == WB_HEAP_FUNC || super >= WB_HEAP_DEFINED;
    case WB_HEAP_NOEXTERN:
        return super == sub || super == WB_HEAP_EXTERN;
    case WB_HEAP_NOEXN:
        return super == sub || super == WB_HEAP_EXN;
    default:
        break;
    }
    if (sub < WB_HEAP_DEFINED || super == WB_HEAP_FUNC)
        return sub == super || (sub >= WB_HEAP_DEFINED && super == WB_HEAP_FUNC);
    while (sub != super) {
        uint32_t above = g->types[sub - WB_HEAP_DEFINED].super;

        if (above == WB_NO_TYPE)
            return false;
        sub = WB_HEAP_DEFINED + above;
    }
    return true;
}

bool gen_matches(const gen *g, wb_valtype sub, wb_valtype super)
{
    if (!wb_valtype_is_ref(sub) || !wb_valtype_is_ref(super))
        return sub == super;
    if (wb_valtype_is_nullable(sub) && !wb_valtype_is_nullable(super))
        return false;
    return heap_matches(g, wb_valtype_heap(sub), wb_valtype_heap(super));
}

uint32_t gen_func_of(gen *g, uint32_t heap)
{
    uint32_t start = gen_below(g, g->func_count);

    for (uint32_t i = 0; i < g->func_count; i++) {
        uint32_t func = (start + i) % g->func_count;

        if (heap_matches(g, WB_HEAP_DEFINED + g->funcs[func], heap))
            return func;
    }
    return UINT32_MAX;
}

static int64_t int_const(gen *g)
{
    static const int64_t bounds[] = {0,         1,         -1,         INT32_MIN, INT32_MAX,
                                     INT64_MIN, INT64_MAX, UINT32_MAX, 65535,     65536,
                                     127,       -128,      32,         63,        64};
    uint64_t bits = 0;

    switch (gen_below(g, 4)) {
    case 0:
        return bounds[gen_below(g, sizeof bounds / sizeof bounds[0])];
    case 1:
        for (unsigned i = 0; i < 8; i++)
            bits = bits << 8 | gen_byte(g);
        return (int64_t)bits;
    default:
        return (int8_t)gen_byte(g);
    }
}

/* Infinities, NaNs of all kinds, the least and largest numbers, or any bits. */
static void special_float(gen *g, uint8_t *bits, bool is_double)
{
    static const uint32_t singles[] = {0x7f800000, 0x7fc00000, 0x7f800001, 0x7fbfffff,
                                       0x7fffffff, 0x7fc12345, 0x00000001, 0x00800000,
                                       0x7f7fffff, 0x4f000000, 0x4effffff, 0x5f000000};
    static const uint64_t doubles[] = {
        0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001, 0x7ff7ffffffffffff,
        0x7fffffffffffffff, 0x7ff8000012345678, 0x0000000000000001, 0x0010000000000000,
        0x7fefffffffffffff, 0x41e0000000000000, 0x41dfffffffc00000, 0x43e0000000000000};
    uint32_t which = gen_below(g, 16);
    unsigned size = is_double ? 8 : 4;

    if (which >= 12) {
        for (unsigned i = 0; i < size; i++)
            bits[i] = (uint8_t)(gen_chance(g, 100) ? 0xff : gen_byte(g));
        return;
    }
    memcpy(bits, is_double ? (const void *)&doubles[which] : &singles[which], size);
    if (gen_chance(g, 128))
        bits[size - 1] |= 0x80; /* negative */
}

static void float_const(gen *g, gen_buf *b, bool is_double)
{
    static const double bounds[] = {0.0,    -0.0,   1.0,          -1.0,          0.5,
                                    1e300,  1e-320, 2147483648.0, -2147483649.0, 1e-45,
                                    3.4e38, 255.5,  9.3e18,       4294967295.75};
    double d = (int8_t)gen_byte(g) / 4.0;
    float f;
    uint8_t bits[8];

    if (gen_chance(g, 100))
        d = bounds[gen_below(g, sizeof bounds / sizeof bounds[0])];
    f = d > 3.4e38 ? 3.4e38f : (float)d;
    memcpy(bits, is_double ? (void *)&d : (void *)&f, is_double ? 8 : 4);
    if (gen_chance(g, 40))
        special_float(g, bits, is_double);
    gen_bytes(b, bits, is_double ? 8 : 4);
}

/* Lanes that are bounds of their kinds, some of them alike. */
static void vector_const(gen *g, gen_buf *b)
{
    uint8_t bits[16];
    unsigned size = 1u << gen_below(g, 4);

    for (unsigned i = 0; i < 16; i += size) {
        uint64_t lane = (uint64_t)int_const(g);

        if (i && gen_chance(g, 100))
            memcpy(&lane, bits, 8);
        else if (gen_chance(g, 30))
            lane = 1ull << (8 * size - 1); /* the least integer, or -0 */
        memcpy(bits + i, &lane, size);
        if (size >= 4 && gen_chance(g, 60))
            special_float(g, bits + i, size == 8);
    }
    gen_bytes(b, bits, 16);
}

void gen_const(gen *g, gen_buf *b, wb_valtype type)
{
    switch (wb_valtype_kind(type)) {
    case WB_KIND_I32:
        gen_op(b, WB_OP_I32_CONST);
        gen_s(b, (int32_t)(uint32_t)(uint64_t)int_const(g));
        break;
    case WB_KIND_I64:
        gen_op(b, WB_OP_I64_CONST);
        gen_s(b, int_const(g));
        break;
    case WB_KIND_F32:
        gen_op(b, WB_OP_F32_CONST);
        float_const(g, b, false);
        break;
    case WB_KIND_F64:
        gen_op(b, WB_OP_F64_CONST);
        float_const(g, b, true);
        break;
    default:
        gen_op(b, WB_OP_V128_CONST);
        vector_const(g, b);
        break;
    }
}

/* ---- Sections ---- */

static void section_end(gen *g, uint8_t id)
{
    gen_u8(&g->out, id);
    gen_u(&g->out, g->section.len);
    gen_bytes(&g->out, g->section.data, g->section.len);
    g->section.len = 0;
}

/* Any type; one to a reference is below `types`.
 *   only_default  it has a default value */
static wb_valtype any_type(gen *g, uint32_t types, bool only_default)
{
    static const wb_valtype plain[] = {WB_I32,  WB_I64,     WB_F32,       WB_F64,
                                       WB_V128, WB_FUNCREF, WB_EXTERNREF, WB_EXNREF};
    uint32_t choice = gen_below(g, 32);
    bool nullable = only_default || gen_chance(g, 200);

    if (g->style.plain_types)
        return choice < 28 ? plain[choice % 4] : plain[5 + choice % 2];
    if (choice < 12)
        return plain[choice % 4]; /* mostly numbers */
    if (choice < 28 || types == 0)
        return plain[choice % 8];
    return WB_REFTYPE(nullable, WB_HEAP_DEFINED + gen_below(g, types));
}

static wb_valtype any_reftype(gen *g)
{
    static const uint32_t heaps[] = {WB_HEAP_FUNC, WB_HEAP_FUNC, WB_HEAP_EXTERN, WB_HEAP_EXN};

    if (g->style.plain_types)
        return WB_REFTYPE(true, heaps[gen_below(g, 3)]);
    if (gen_chance(g, 60) && g->type_count)
        return WB_REFTYPE(true, WB_HEAP_DEFINED + gen_below(g, g->type_count));
    return WB_REFTYPE(true, heaps[gen_below(g, 4)]);
}

static void write_functype(gen *g, const gen_functype *t)
{
    gen_buf *b = &g->section;

    if (t->is_open || t->super != WB_NO_TYPE) {
        gen_u8(b, t->is_open ? 0x50 : 0x4f);
        gen_u(b, t->super != WB_NO_TYPE);
        if (t->super != WB_NO_TYPE)
            gen_u(b, t->super);
    }
    gen_u8(b, 0x60);
    gen_u(b, t->param_count);
    for (uint32_t i = 0; i < t->param_count; i++)
        gen_valtype(b, t->params[i]);
    gen_u(b, t->result_count);
    for (uint32_t i = 0; i < t->result_count; i++)
        gen_valtype(b, t->results[i]);
}

static void any_functype(gen *g, gen_functype *t)
{
    uint32_t super = gen_below(g, g->type_count);

    if (g->type_count && g->types[super].is_open && gen_chance(g, 128)) {
        *t = g->types[super];
        t->super = super;
        t->is_open = gen_chance(g, 128);
        return;
    }
    *t = (gen_functype){.super = WB_NO_TYPE, .is_open = gen_chance(g, 40)};
    /* Sometimes more than any processor has registers for. */
    t->param_count = gen_chance(g, 30) ? 5 + gen_below(g, GEN_ARITY - 5) : gen_below(g, 5);
    t->result_count = gen_chance(g, 16) ? 4 + gen_below(g, 8) : gen_below(g, 4);
    for (uint32_t i = 0; i < t->param_count; i++)
        t->params[i] = any_type(g, g->type_count, false);
    for (uint32_t i = 0; i < t->result_count; i++)
        t->results[i] = any_type(g, g->type_count, false);
}

/* What a tag carries as results, so that blocks can be the targets of its catch clauses; with
 * the exception behind it when `with_ref`. */
static void tag_target(gen *g, const gen_functype *tag, bool with_ref)
{
    gen_functype *t = &g->types[g->type_count];

    *t = (gen_functype){.super = WB_NO_TYPE, .result_count = tag->param_count};
    memcpy(t->results, tag->params, sizeof t->results);
    if (with_ref)
        t->results[t->result_count++] = WB_EXNREF;
    write_functype(g, t);
    g->type_count++;
}

/* Type 0 is [] -> []; the types of tags come next, with their targets. */
static void type_section(gen *g)
{
    uint32_t more = 3 + gen_below(g, 12);

    g->tag_count = gen_below(g, GEN_TAGS + 1);
    gen_u(&g->section, 1 + 3 * g->tag_count + more);
    g->types[0] = (gen_functype){.super = WB_NO_TYPE};
    write_functype(g, &g->types[0]);
    g->type_count = 1;
    for (uint32_t i = 0; i < g->tag_count; i++) {
        gen_functype *t = &g->types[g->type_count];

        any_functype(g, t);
        t->result_count = 0;
        t->super = WB_NO_TYPE;
        t->is_open = t->is_open && gen_chance(g, 60);
        write_functype(g, t);
        g->tags[i] = g->type_count++;
        tag_target(g, t, false);
        tag_target(g, t, true);
    }
    for (uint32_t i = 0; i < more; i++) {
        any_functype(g, &g->types[g->type_count]);
        write_functype(g, &g->types[g->type_count]);
        g->type_count++;
    }
    section_end(g, 1);
}

static void write_limits(gen *g, uint32_t min, uint32_t more, bool is64)
{
    bool has_max = gen_chance(g, 128);

    gen_u8(&g->section, (is64 ? 4u : 0u) | (has_max ? 1u : 0u));
    gen_u(&g->section, min);
    if (has_max)
        gen_u(&g->section, min + gen_below(g, more));
}

static void write_memory(gen *g)
{
    gen_memory *m = &g->memories[g->memory_count++];

    m->min = gen_chance(g, 230) ? 1 + gen_below(g, 2) : 0;
    m->is64 = gen_chance(g, 80);
    write_limits(g, m->min, 4, m->is64);
}

/* Of nullable references; see also table_section. */
static void write_table(gen *g)
{
    gen_table *t = &g->tables[g->table_count++];

    t->elem = any_reftype(g);
    t->min = gen_below(g, 12);
    t->is64 = gen_chance(g, 60);
    gen_valtype(&g->section, t->elem);
    write_limits(g, t->min, 10, t->is64);
}

static void write_global(gen *g)
{
    gen_global *global = &g->globals[g->global_count++];

    global->type = any_type(g, g->type_count, true);
    global->is_mutable = gen_chance(g, 140);
    gen_valtype(&g->section, global->type);
    gen_u8(&g->section, global->is_mutable);
}

static bool holds_exception(const gen_functype *t)
{
    return t->result_count && t->results[t->result_count - 1] == WB_EXNREF;
}

/* The type of a function. In the plain style not one made for a catch clause. */
static uint32_t func_type(gen *g)
{
    uint32_t type = gen_below(g, g->type_count);

    while (g->style.plain_types && holds_exception(&g->types[type]))
        type--; /* type 0 has nothing */
    return type;
}

/* A type that a host function can have: not one declared above or below others. */
static uint32_t hostly_type(gen *g)
{
    uint32_t type = func_type(g);

    while (g->types[type].is_open || g->types[type].super != WB_NO_TYPE ||
           (g->style.plain_types && holds_exception(&g->types[type])))
        type--;
    return type;
}

static void write_import(gen *g, uint32_t number)
{
    uint32_t kind = gen_below(g, 8);

    gen_u8(&g->section, 1);
    gen_u8(&g->section, 'e');
    gen_u8(&g->section, 1);
    gen_u8(&g->section, 'a' + number);
    if (kind == 1 && g->table_count < GEN_TABLES) {
        gen_u8(&g->section, 1);
        write_table(g);
    } else if (kind == 2 && g->memory_count < GEN_MEMORIES) {
        gen_u8(&g->section, 2);
        write_memory(g);
    } else if (kind == 3 || kind == 4) {
        gen_u8(&g->section, 3);
        write_global(g);
    } else if (kind == 5 && g->imported_tags < g->tag_count) {
        gen_u8(&g->section, 4);
        gen_u8(&g->section, 0);
        gen_u(&g->section, g->tags[g->imported_tags++]);
    } else {
        gen_u8(&g->section, 0);
        g->funcs[g->func_count] = hostly_type(g);
        gen_u(&g->section, g->funcs[g->func_count++]);
    }
}

static void import_section(gen *g)
{
    uint32_t count = gen_below(g, 9);

    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++)
        write_import(g, i);
    g->imported_funcs = g->func_count;
    g->imported_tables = g->table_count;
    g->imported_memories = g->memory_count;
    g->imported_globals = g->global_count;
    section_end(g, 2);
}

static void func_section(gen *g)
{
    uint32_t count = 1 + gen_below(g, 16);

    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = func_type(g);

        gen_u(&g->section, type);
        g->funcs[g->func_count++] = type;
    }
    section_end(g, 3);
}

/* A constant expression of the type, without its end: `globals` may be read. */
static void const_expr(gen *g, gen_buf *b, wb_valtype type, uint32_t globals)
{
    uint32_t global = gen_below(g, globals);
    uint32_t func;

    if (globals && !g->globals[global].is_mutable &&
        gen_matches(g, g->globals[global].type, type) && gen_chance(g, 128)) {
        gen_op(b, WB_OP_GLOBAL_GET);
        gen_u(b, global);
    } else if (!wb_valtype_is_ref(type)) {
        gen_const(g, b, type);
        if ((type == WB_I32 || type == WB_I64) && gen_chance(g, 60)) {
            gen_const(g, b, type);
            gen_op(b, type == WB_I32 ? WB_OP_I32_ADD : WB_OP_I64_MUL);
        }
    } else if (gen_chance(g, 160) && wb_valtype_heap(type) != WB_HEAP_EXTERN &&
               wb_valtype_heap(type) != WB_HEAP_EXN &&
               (func = gen_func_of(g, wb_valtype_heap(type))) != UINT32_MAX) {
        gen_op(b, WB_OP_REF_FUNC);
        gen_u(b, func);
    } else {
        gen_op(b, WB_OP_REF_NULL);
        gen_heaptype(b, wb_valtype_heap(type));
    }
}

/* At times a table says what its elements are at first. */
static void table_section(gen *g)
{
    uint32_t count = gen_below(g, 3);

    if (count > GEN_TABLES - g->table_count)
        count = GEN_TABLES - g->table_count;
    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++) {
        bool has_init = gen_chance(g, 100);

        if (has_init) {
            gen_u8(&g->section, 0x40);
            gen_u8(&g->section, 0);
        }
        write_table(g);
        if (has_init) {
            const_expr(g, &g->section, g->tables[g->table_count - 1].elem, g->imported_globals);
            gen_op(&g->section, WB_OP_END);
        }
    }
    section_end(g, 4);
}

static void memory_section(gen *g)
{
    uint32_t count = gen_chance(g, 200) ? 1 + gen_below(g, 2) : 0;

    if (count > GEN_MEMORIES - g->memory_count)
        count = GEN_MEMORIES - g->memory_count;
    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++)
        write_memory(g);
    section_end(g, 5);
}

static void tag_section(gen *g)
{
    if (g->tag_count == g->imported_tags)
        return;
    gen_u(&g->section, g->tag_count - g->imported_tags);
    for (uint32_t i = g->imported_tags; i < g->tag_count; i++) {
        gen_u8(&g->section, 0);
        gen_u(&g->section, g->tags[i]);
    }
    section_end(g, 13);
}

static void global_section(gen *g)
{
    uint32_t count = gen_below(g, 7);

    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t before = g->global_count;

        write_global(g);
        const_expr(g, &g->section, g->globals[before].type, before);
        gen_op(&g->section, WB_OP_END);
    }
    section_end(g, 6);
}

static void export_all(gen *g, uint8_t kind, uint32_t count)
{
    static const char letters[] = "ftmgx";

    for (uint32_t i = 0; i < count; i++) {
        gen_u8(&g->section, 2);
        gen_u8(&g->section, (uint8_t)letters[kind]);
        gen_u8(&g->section, 'A' + i);
        gen_u8(&g->section, kind);
        gen_u(&g->section, i);
    }
}

static void export_section(gen *g)
{
    gen_u(&g->section,
          g->func_count + g->table_count + g->memory_count + g->global_count + g->tag_count);
    export_all(g, 0, g->func_count);
    export_all(g, 1, g->table_count);
    export_all(g, 2, g->memory_count);
    export_all(g, 3, g->global_count);
    export_all(g, 4, g->tag_count);
    section_end(g, 7);
}

static void start_section(gen *g)
{
    if (!gen_chance(g, 50))
        return;
    for (uint32_t i = 0; i < g->func_count; i++)
        if (g->types[g->funcs[i]].param_count + g->types[g->funcs[i]].result_count == 0) {
            gen_u(&g->section, i);
            section_end(g, 8);
            return;
        }
}

/* A place for `count` of `size`; seldom one that does not fit. */
static void write_offset(gen *g, uint32_t size, uint32_t count, bool is64)
{
    uint32_t offset = count <= size ? gen_below(g, size - count + 1) : 0;

    if (gen_chance(g, 8))
        offset = size;
    gen_op(&g->section, is64 ? WB_OP_I64_CONST : WB_OP_I32_CONST);
    gen_s(&g->section, offset);
    gen_op(&g->section, WB_OP_END);
}

static void write_elem(gen *g)
{
    uint32_t table = gen_below(g, g->table_count), count = gen_below(g, 6);
    bool is_active = g->table_count && gen_chance(g, 128);
    wb_valtype type = is_active ? g->tables[table].elem : any_reftype(g);

    if (is_active && count > g->tables[table].min)
        count = g->tables[table].min;
    gen_u(&g->section, is_active ? 6 : gen_chance(g, 30) ? 7 : 5);
    if (is_active) {
        gen_u(&g->section, table);
        write_offset(g, g->tables[table].min, count, g->tables[table].is64);
    }
    gen_valtype(&g->section, type);
    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++) {
        const_expr(g, &g->section, type, g->global_count);
        gen_op(&g->section, WB_OP_END);
    }
    g->elems[g->elem_count++] = type;
}

static void elem_section(gen *g)
{
    uint32_t count = gen_below(g, GEN_SEGMENTS);

    gen_u(&g->section, count);
    for (uint32_t i = 0; i < count; i++)
        write_elem(g);
    section_end(g, 9);
}

static void data_section(gen *g)
{
    gen_u(&g->section, g->data_count);
    for (uint32_t i = 0; i < g->data_count; i++) {
        uint32_t memory = gen_below(g, g->memory_count), count = gen_below(g, 40);

        if (g->memory_count && gen_chance(g, 140)) {
            if (g->memories[memory].min == 0)
                count = 0;
            gen_u(&g->section, 2);
            gen_u(&g->section, memory);
            write_offset(g, g->memories[memory].min * 65536, count, g->memories[memory].is64);
        } else {
            gen_u(&g->section, 1);
        }
        gen_u(&g->section, count);
        for (uint32_t k = 0; k < count; k++)
            gen_u8(&g->section, gen_byte(g));
    }
    section_end(g, 11);
}

static void code_section(gen *g)
{
    gen_u(&g->section, g->func_count - g->imported_funcs);
    for (uint32_t i = g->imported_funcs; i < g->func_count; i++) {
        g->body.len = 0;
        gen_body(g, i);
        gen_u(&g->section, g->body.len);
        gen_bytes(&g->section, g->body.data, g->body.len);
    }
    section_end(g, 10);
}

static void module(gen *g)
{
    gen_bytes(&g->out, (const uint8_t *)"\0asm\1\0\0", 8);
    type_section(g);
    import_section(g);
    func_section(g);
    table_section(g);
    memory_section(g);
    tag_section(g);
    global_section(g);
    export_section(g);
    start_section(g);
    elem_section(g);
    g->data_count = gen_below(g, GEN_SEGMENTS);
    gen_u(&g->section, g->data_count);
    section_end(g, 12);
    code_section(g);
    data_section(g);
}

size_t generate_module(const uint8_t *tape, size_t len, uint8_t *out)
{
    return generate_styled(tape, len, NULL, out);
}

size_t generate_styled(const uint8_t *tape, size_t len, const generate_style *style,
                       uint8_t *out)
{
    uint8_t head[6] = {0};
    gen *g = calloc(1, sizeof *g);
    uint8_t *rooms = malloc(2 * (size_t)GENERATE_ROOM);
    size_t size = 0;

    if (g && rooms) {
        memcpy(head, tape, len < sizeof head ? len : sizeof head);
        g->state = 0x9e3779b97f4a7c15u;
        for (unsigned i = 0; i < 4; i++)
            g->state = (g->state ^ head[i]) * 0x100000001b3u + 1;
        g->extra = head[4] | (uint32_t)head[5] << 8;
        if (style)
            g->style = *style;
        g->is_legacy = head[3] & 1;
        g->next = tape + (len < sizeof head ? len : sizeof head);
        g->end = tape + len;
        g->out = (gen_buf){out, 0, GENERATE_ROOM};
        g->section = (gen_buf){rooms, 0, GENERATE_ROOM};
        g->body = (gen_buf){rooms + GENERATE_ROOM, 0, GENERATE_ROOM};
        module(g);
        size = g->out.len;
    }
    free(rooms);
    free(g);
    return size;
}
