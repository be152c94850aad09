/* Writing the two modules of `invoke_*`, byte by byte. Making instances of them is invoke.c's.
 */
#include "guest/adapter.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Bytes ---- */

enum {
    SECTION_CUSTOM = 0,
    SECTION_TYPE = 1,
    SECTION_IMPORT = 2,
    SECTION_FUNCTION = 3,
    SECTION_TABLE = 4,
    SECTION_EXPORT = 7,
    SECTION_CODE = 10,
};

enum { KIND_FUNC, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL, KIND_TAG };

enum {
    OP_BLOCK = 0x02,
    OP_TRY = 0x06,
    OP_CATCH = 0x07,
    OP_END = 0x0b,
    OP_BR = 0x0c,
    OP_CALL = 0x10,
    OP_CALL_INDIRECT = 0x11,
    OP_RETURN_CALL_INDIRECT = 0x13,
    OP_DROP = 0x1a,
    OP_TRY_TABLE = 0x1f,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET = 0x21,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_F32_CONST = 0x43,
    OP_F64_CONST = 0x44,
    OP_I32_WRAP_I64 = 0xa7,
    OP_I64_EXTEND_I32_U = 0xad,
    OP_REF_NULL = 0xd0,
    OP_SIMD = 0xfd,
};

enum { TYPE_I32 = 0x7f, TYPE_I64 = 0x7e, TYPE_FUNCREF = 0x70, TYPE_EMPTY = 0x40 };

typedef struct writer {
    uint8_t *data;
    size_t len, room;
    size_t open[2]; /* where the sizes of what is not yet closed stand */
    unsigned depth;
    bool has_failed; /* no memory */
} writer;

static void put_bytes(writer *w, const void *bytes, size_t len)
{
    if (w->room - w->len < len) {
        size_t room = (w->room + len) * 2 + 256;
        uint8_t *data = w->has_failed ? NULL : realloc(w->data, room);

        if (!data) {
            w->has_failed = true;
            return;
        }
        w->data = data;
        w->room = room;
    }
    if (len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

static void put_byte(writer *w, unsigned byte)
{
    uint8_t b = (uint8_t)byte;

    put_bytes(w, &b, 1);
}

static void put_u32(writer *w, size_t v)
{
    for (; v > 0x7f; v >>= 7)
        put_byte(w, (unsigned)(v & 0x7f) | 0x80u);
    put_byte(w, (unsigned)v);
}

/* A number that is not negative, where a signed one stands: its bit 6 is the sign. */
static void put_signed(writer *w, size_t v)
{
    for (; v > 0x3f; v >>= 7)
        put_byte(w, (unsigned)(v & 0x7f) | 0x80u);
    put_byte(w, (unsigned)v);
}

static void put_const(writer *w, unsigned op, size_t v)
{
    put_byte(w, op);
    put_signed(w, v);
}

static void put_op(writer *w, unsigned op, size_t operand)
{
    put_byte(w, op);
    put_u32(w, operand);
}

static void put_name(writer *w, const char *name)
{
    put_u32(w, strlen(name));
    put_bytes(w, name, strlen(name));
}

/* Begin what has its size in front: five bytes, filled in when it is closed. */
static void begin(writer *w)
{
    w->open[w->depth++] = w->len;
    put_bytes(w, "\0\0\0\0", 5);
}

static void end(writer *w)
{
    size_t at = w->open[--w->depth];
    size_t size;

    if (w->has_failed)
        return;
    size = w->len - at - 5;
    for (unsigned i = 0; i < 5; i++)
        w->data[at + i] = (uint8_t)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80u : 0u));
}

static void begin_section(writer *w, unsigned id, size_t count)
{
    put_byte(w, id);
    begin(w);
    put_u32(w, count);
}

static beamr_status finish(writer *w, uint8_t **out, size_t *len, beamr_error *err)
{
    if (w->has_failed) {
        free(w->data);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the functions of invoke_*");
    }
    *out = w->data;
    *len = w->len;
    return BEAMR_OK;
}

/* ---- Types ---- */

static const uint8_t kind_codes[] = {
    [BEAMR_I32] = TYPE_I32,   [BEAMR_I64] = TYPE_I64, [BEAMR_F32] = 0x7d,
    [BEAMR_F64] = 0x7c,       [BEAMR_V128] = 0x7b,    [BEAMR_FUNCREF] = TYPE_FUNCREF,
    [BEAMR_EXTERNREF] = 0x6f, [BEAMR_EXNREF] = 0x69,
};

static unsigned code_of(beamr_valtype type)
{
    return kind_codes[beamr_valtype_kind(type)];
}

static bool are_plain(const beamr_valtype *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (beamr_valtype_of(beamr_valtype_kind(types[i])).bits != types[i].bits)
            return false;
    return true;
}

bool adapter_type_is_plain(const beamr_functype *type)
{
    return are_plain(type->params, type->param_count) &&
           are_plain(type->results, type->result_count);
}

static void put_types(writer *w, const beamr_valtype *types, size_t count)
{
    put_u32(w, count);
    for (size_t i = 0; i < count; i++)
        put_byte(w, code_of(types[i]));
}

/* Types of the back that do not depend on the invokes; then three for each of these. */
enum { TYPE_TAG, TYPE_SAVE, TYPE_RESTORE, TYPE_THREW, TYPE_FIXED };
/* What an invoke is, what it calls, and what blocks in it give. */
enum { TYPE_OWN, TYPE_CALLEE, TYPE_BLOCK, TYPES_EACH };

static size_t type_of(size_t place, size_t which)
{
    return TYPE_FIXED + place * TYPES_EACH + which;
}

static void put_functype(writer *w, const beamr_functype *t, size_t skip, bool has_params)
{
    put_byte(w, 0x60);
    put_types(w, t->params + skip, has_params ? t->param_count - skip : 0);
    put_types(w, t->results, t->result_count);
}

static void put_type_section(writer *w, const adapter_plan *p)
{
    uint8_t pointer = p->is64 ? TYPE_I64 : TYPE_I32;

    begin_section(w, SECTION_TYPE, TYPE_FIXED + p->count * TYPES_EACH);
    put_bytes(w, (uint8_t[]){0x60, 1, TYPE_I64, 0}, 4);
    put_bytes(w, (uint8_t[]){0x60, 0, 1, pointer}, 4);
    put_bytes(w, (uint8_t[]){0x60, 1, pointer, 0}, 4);
    put_bytes(w, (uint8_t[]){0x60, 2, pointer, TYPE_I32, 0}, 5);
    for (size_t i = 0; i < p->count; i++) {
        const beamr_functype *t = p->invokes[i].type;

        put_functype(w, t, 0, true);
        put_functype(w, t, p->invokes[i].is_dyncall ? 0 : 1, true);
        put_functype(w, t, 0, false);
    }
    end(w);
}

/* ---- What both have ---- */

static void put_head(writer *w, const adapter_plan *p)
{
    put_bytes(w, "\0asm\1\0\0\0", 8);
    put_type_section(w, p);
}

static void put_function_section(writer *w, const adapter_plan *p)
{
    begin_section(w, SECTION_FUNCTION, p->count);
    for (size_t i = 0; i < p->count; i++)
        put_u32(w, type_of(i, TYPE_OWN));
    end(w);
}

static void number_text(size_t n, char text[24])
{
    (void)snprintf(text, 24, "%zu", n);
}

/* The functions under their numbers, `first` being the first one's index. */
static void put_exports(writer *w, const adapter_plan *p, size_t first)
{
    char text[24];

    for (size_t i = 0; i < p->count; i++) {
        number_text(i, text);
        put_name(w, text);
        put_op(w, KIND_FUNC, first + i);
    }
}

static void put_arguments(writer *w, const beamr_functype *t, size_t from)
{
    for (size_t i = from; i < t->param_count; i++)
        put_op(w, OP_LOCAL_GET, i);
}

/* Names for backtraces, in a custom section: those of the imports. */
static void put_names(writer *w, const adapter_plan *p, size_t first)
{
    put_byte(w, SECTION_CUSTOM);
    begin(w);
    put_name(w, "name");
    put_byte(w, 1); /* of functions */
    begin(w);
    put_u32(w, p->count);
    for (size_t i = 0; i < p->count; i++) {
        put_u32(w, first + i);
        put_u32(w, p->invokes[i].name.len);
        put_bytes(w, p->invokes[i].name.data, p->invokes[i].name.len);
    }
    end(w);
    end(w);
}

/* ---- The front ---- */

static void put_jump(writer *w, const adapter_plan *p, size_t place)
{
    begin(w);
    put_u32(w, 0); /* no locals */
    put_arguments(w, p->invokes[place].type, 0);
    put_const(w, OP_I32_CONST, place);
    put_op(w, p->use_tail ? OP_RETURN_CALL_INDIRECT : OP_CALL_INDIRECT,
           type_of(place, TYPE_OWN));
    put_u32(w, 0);
    put_byte(w, OP_END);
    end(w);
}

beamr_status adapter_write_front(const adapter_plan *plan, uint8_t **out, size_t *len,
                                 beamr_error *err)
{
    writer w = {0};

    put_head(&w, plan);
    put_function_section(&w, plan);
    begin_section(&w, SECTION_TABLE, 1);
    put_bytes(&w, (uint8_t[]){TYPE_FUNCREF, 0x01}, 2);
    put_u32(&w, plan->count);
    put_u32(&w, plan->count);
    end(&w);
    begin_section(&w, SECTION_EXPORT, plan->count + 1);
    put_name(&w, "table");
    put_op(&w, KIND_TABLE, 0);
    put_exports(&w, plan, 0);
    end(&w);
    begin_section(&w, SECTION_CODE, plan->count);
    for (size_t i = 0; i < plan->count; i++)
        put_jump(&w, plan, i);
    end(&w);
    put_names(&w, plan, 0);
    return finish(&w, out, len, err);
}

/* ---- The back ---- */

enum { FUNC_SAVE, FUNC_RESTORE, FUNC_THREW, FUNC_FIXED };

static void put_import(writer *w, const char *name, unsigned kind)
{
    put_name(w, "");
    put_name(w, name);
    put_byte(w, kind);
}

static size_t count_dyncalls(const adapter_plan *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        n += p->invokes[i].is_dyncall;
    return n;
}

static void put_import_section(writer *w, const adapter_plan *p)
{
    char text[24];

    begin_section(w, SECTION_IMPORT, 4u + p->has_table + p->has_memory + count_dyncalls(p));
    put_import(w, "tag", KIND_TAG);
    put_bytes(w, (uint8_t[]){0, TYPE_TAG}, 2);
    put_import(w, "save", KIND_FUNC);
    put_u32(w, TYPE_SAVE);
    put_import(w, "restore", KIND_FUNC);
    put_u32(w, TYPE_RESTORE);
    put_import(w, "threw", KIND_FUNC);
    put_u32(w, TYPE_THREW);
    if (p->has_table) {
        put_import(w, "table", KIND_TABLE);
        put_bytes(w, (uint8_t[]){TYPE_FUNCREF, p->is_table64 ? 4 : 0, 0}, 3);
    }
    if (p->has_memory) {
        put_import(w, "memory", KIND_MEMORY);
        put_bytes(w, (uint8_t[]){p->is64 ? 4 : 0, 0}, 2);
    }
    for (size_t i = 0; i < p->count; i++) {
        if (!p->invokes[i].is_dyncall)
            continue;
        number_text(i, text);
        put_import(w, text, KIND_FUNC);
        put_u32(w, type_of(i, TYPE_OWN));
    }
    end(w);
}

static void put_zero(writer *w, beamr_valtype type)
{
    switch (beamr_valtype_kind(type)) {
    case BEAMR_I32:
        put_const(w, OP_I32_CONST, 0);
        break;
    case BEAMR_I64:
        put_const(w, OP_I64_CONST, 0);
        break;
    case BEAMR_F32:
        put_byte(w, OP_F32_CONST);
        put_bytes(w, "\0\0\0", 4);
        break;
    case BEAMR_F64:
        put_byte(w, OP_F64_CONST);
        put_bytes(w, "\0\0\0\0\0\0\0", 8);
        break;
    case BEAMR_V128:
        put_op(w, OP_SIMD, 12); /* v128.const */
        put_bytes(w, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        break;
    case BEAMR_FUNCREF:
    case BEAMR_EXTERNREF:
    case BEAMR_EXNREF:
        put_byte(w, OP_REF_NULL);
        put_byte(w, code_of(type));
        break;
    }
}

/* One function while it is written. */
typedef struct body {
    const adapter_plan *plan;
    const beamr_functype *type;
    size_t place;
    size_t dyncall; /* index of the dynCall function that it has, if it has one */
} body;

/* The index is a pointer, of which the low 32 bits count. */
static void put_call(writer *w, const body *b)
{
    const adapter_plan *p = b->plan;

    if (p->invokes[b->place].is_dyncall) {
        put_arguments(w, b->type, 0);
        put_op(w, OP_CALL, b->dyncall);
        return;
    }
    put_arguments(w, b->type, 1);
    put_op(w, OP_LOCAL_GET, 0);
    if (p->is64)
        put_byte(w, OP_I32_WRAP_I64);
    if (p->is_table64)
        put_byte(w, OP_I64_EXTEND_I32_U);
    put_op(w, OP_CALL_INDIRECT, type_of(b->place, TYPE_CALLEE));
    put_u32(w, 0);
}

/* What is done when the tag's exception has been caught; its argument is on the stack. */
static void put_handler(writer *w, const body *b)
{
    const beamr_functype *t = b->type;

    put_byte(w, OP_DROP);
    put_op(w, OP_LOCAL_GET, t->param_count);
    put_op(w, OP_CALL, FUNC_RESTORE);
    put_const(w, b->plan->is64 ? OP_I64_CONST : OP_I32_CONST, 1);
    put_const(w, OP_I32_CONST, 0);
    put_op(w, OP_CALL, FUNC_THREW);
    for (size_t i = 0; i < t->result_count; i++)
        put_zero(w, t->results[i]);
}

/* Begin a block that gives the results; several need a type of their own. */
static void put_block(writer *w, unsigned op, const body *b)
{
    const beamr_functype *t = b->type;

    put_byte(w, op);
    if (t->result_count == 0)
        put_byte(w, TYPE_EMPTY);
    else if (t->result_count == 1)
        put_byte(w, code_of(t->results[0]));
    else
        put_signed(w, type_of(b->place, TYPE_BLOCK));
}

static void put_protected_legacy(writer *w, const body *b)
{
    put_block(w, OP_TRY, b);
    put_call(w, b);
    put_op(w, OP_CATCH, 0);
    put_handler(w, b);
    put_byte(w, OP_END);
}

static void put_protected(writer *w, const body *b)
{
    put_block(w, OP_BLOCK, b); /* the whole */
    put_byte(w, OP_BLOCK);     /* left by what is caught, with the tag's argument */
    put_byte(w, TYPE_I64);
    put_block(w, OP_TRY_TABLE, b);
    put_bytes(w, (uint8_t[]){1, 0, 0, 0}, 4); /* one clause: catch tag 0, leave 1 block */
    put_call(w, b);
    put_byte(w, OP_END);
    put_op(w, OP_BR, 1);
    put_byte(w, OP_END);
    put_handler(w, b);
    put_byte(w, OP_END);
}

static void put_invoke(writer *w, const body *b)
{
    begin(w);
    put_bytes(w, (uint8_t[]){1, 1, b->plan->is64 ? TYPE_I64 : TYPE_I32}, 3);
    put_op(w, OP_CALL, FUNC_SAVE);
    put_op(w, OP_LOCAL_SET, b->type->param_count);
    if (b->plan->use_legacy)
        put_protected_legacy(w, b);
    else
        put_protected(w, b);
    put_byte(w, OP_END);
    end(w);
}

static void put_invokes(writer *w, const adapter_plan *p)
{
    body b = {.plan = p, .dyncall = FUNC_FIXED};

    begin_section(w, SECTION_CODE, p->count);
    for (; b.place < p->count; b.place++) {
        b.type = p->invokes[b.place].type;
        put_invoke(w, &b);
        b.dyncall += p->invokes[b.place].is_dyncall;
    }
    end(w);
}

beamr_status adapter_write_back(const adapter_plan *plan, uint8_t **out, size_t *len,
                                beamr_error *err)
{
    writer w = {0};

    put_head(&w, plan);
    put_import_section(&w, plan);
    put_function_section(&w, plan);
    begin_section(&w, SECTION_EXPORT, plan->count);
    put_exports(&w, plan, FUNC_FIXED + count_dyncalls(plan));
    end(&w);
    put_invokes(&w, plan);
    put_names(&w, plan, FUNC_FIXED + count_dyncalls(plan));
    return finish(&w, out, len, err);
}
