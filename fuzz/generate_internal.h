/* What the two halves of the generator share: generate.c makes the sections of a module,
 * generate_body.c the function bodies, and both read decisions from the tape. */
#ifndef FUZZ_GENERATE_INTERNAL_H
#define FUZZ_GENERATE_INTERNAL_H

#include <stdbool.h>
#include <string.h>

#include "generate.h"
#include "wasm/opcode.h"
#include "wasm/types.h"

#define GEN_ARITY 16u
#define GEN_TYPES 40u
#define GEN_FUNCS 32u
#define GEN_TABLES 4u
#define GEN_MEMORIES 3u
#define GEN_GLOBALS 16u
#define GEN_TAGS 4u
#define GEN_SEGMENTS 6u
#define GEN_BODY_MAX 3000u /* bytes; what closes a body comes on top */

/* References to defined types hold the index in the module: WB_HEAP_DEFINED + index. */
typedef struct gen_functype {
    wb_valtype params[GEN_ARITY];
    wb_valtype results[GEN_ARITY];
    uint32_t param_count;
    uint32_t result_count;
    uint32_t super; /* index, or WB_NO_TYPE */
    bool is_open;   /* others may be declared below it */
} gen_functype;

typedef struct gen_table {
    wb_valtype elem;
    uint32_t min;
    bool is64;
} gen_table;

typedef struct gen_memory {
    uint32_t min;
    bool is64;
} gen_memory;

typedef struct gen_global {
    wb_valtype type;
    bool is_mutable;
} gen_global;

typedef struct gen_buf {
    uint8_t *data;
    size_t len;
    size_t room;
} gen_buf;

typedef struct gen {
    const uint8_t *next; /* the tape */
    const uint8_t *end;
    uint32_t extra; /* pseudo-random bytes left behind it */
    uint64_t state;
    generate_style style;
    bool is_legacy; /* the module's encoding of exceptions, if it has one */

    gen_functype types[GEN_TYPES];
    uint32_t funcs[GEN_FUNCS]; /* index of the type */
    gen_table tables[GEN_TABLES];
    gen_memory memories[GEN_MEMORIES];
    gen_global globals[GEN_GLOBALS];
    uint32_t tags[GEN_TAGS];        /* index of the type */
    wb_valtype elems[GEN_SEGMENTS]; /* type of each element segment */
    uint32_t type_count, func_count, table_count, memory_count, global_count, tag_count;
    uint32_t imported_funcs, imported_tables, imported_memories, imported_globals,
        imported_tags;
    uint32_t elem_count, data_count;

    gen_buf out;     /* the module */
    gen_buf section; /* contents of a section */
    gen_buf body;    /* a function body */
} gen;

/* ---- Decisions ---- */

static inline uint8_t gen_byte(gen *g)
{
    if (g->next < g->end)
        return *g->next++;
    if (g->extra == 0)
        return 0;
    g->extra--;
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (uint8_t)(g->state >> 24);
}

/* A number below n; 0 for n of 0. */
static inline uint32_t gen_below(gen *g, uint32_t n)
{
    if (n <= 1)
        return 0;
    if (n <= 256)
        return gen_byte(g) % n;
    return (uint32_t)(gen_byte(g) | gen_byte(g) << 8) % n;
}

/* True in `of256` of 256 cases; false at the end of the tape. */
static inline bool gen_chance(gen *g, unsigned of256)
{
    return gen_byte(g) > 255u - of256;
}

/* ---- Writing ---- */

static inline void gen_u8(gen_buf *b, uint32_t byte)
{
    if (b->len < b->room)
        b->data[b->len++] = (uint8_t)byte;
}

static inline void gen_u(gen_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        gen_u8(b, (uint32_t)(v & 0x7f) | 0x80u);
    gen_u8(b, (uint32_t)v);
}

static inline void gen_s(gen_buf *b, int64_t v)
{
    while (v < -64 || v > 63) {
        gen_u8(b, (uint32_t)(v & 0x7f) | 0x80u);
        v >>= 7;
    }
    gen_u8(b, (uint32_t)(v & 0x7f));
}

static inline void gen_bytes(gen_buf *b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        gen_u8(b, data[i]);
}

/* The instruction's code; its immediates are the caller's. */
static inline void gen_op(gen_buf *b, wb_op op)
{
    if (wb_op_table[op].prefix) {
        gen_u8(b, wb_op_table[op].prefix);
        gen_u(b, wb_op_table[op].code);
    } else {
        gen_u8(b, wb_op_table[op].code);
    }
}

void gen_heaptype(gen_buf *b, uint32_t heap);
void gen_valtype(gen_buf *b, wb_valtype type);
/* An interesting constant of the type, a number or vector. */
void gen_const(gen *g, gen_buf *b, wb_valtype type);

/* ---- Types ---- */

bool gen_matches(const gen *g, wb_valtype sub, wb_valtype super);
/* A function whose type is the one wanted or below it, from a place that the tape chooses on.
 * WB_HEAP_FUNC takes any.  UINT32_MAX when there is none. */
uint32_t gen_func_of(gen *g, uint32_t heap);

static inline wb_valtype gen_addr(bool is64)
{
    return is64 ? WB_I64 : WB_I32;
}

/* Make the body of a function, locals and all, in g->body. */
void gen_body(gen *g, uint32_t func);

#endif
