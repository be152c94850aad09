/* Matching of types, and types as text. What makes equal types identical is registry.c.
 * Source: Core, "Validation of Types" (matching), "Text Format" (abbreviations). */
#include "wasm/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Matching ---- */

static bool heap_is_defined(uint32_t heap)
{
    return heap >= WB_HEAP_DEFINED && heap < WB_HEAP_REC;
}

bool wb_heap_matches(const wb_registry *r, uint32_t sub, uint32_t super)
{
    if (sub == super || sub == WB_HEAP_BOTTOM)
        return true;
    switch (super) {
    case WB_HEAP_FUNC: /* every defined type is a function type */
        return sub == WB_HEAP_NOFUNC || heap_is_defined(sub);
    case WB_HEAP_EXTERN:
        return sub == WB_HEAP_NOEXTERN;
    case WB_HEAP_EXN:
        return sub == WB_HEAP_NOEXN;
    default:
        break;
    }
    if (!heap_is_defined(super))
        return false;
    return sub == WB_HEAP_NOFUNC ||
           (heap_is_defined(sub) &&
            wb_type_is_subtype(r, sub - WB_HEAP_DEFINED, super - WB_HEAP_DEFINED));
}

bool wb_valtype_matches(const wb_registry *r, wb_valtype sub, wb_valtype super)
{
    if (sub == super || sub == WB_BOTTOM)
        return true;
    if (!wb_valtype_is_ref(sub) || !wb_valtype_is_ref(super))
        return false;
    if (wb_valtype_is_nullable(sub) && !wb_valtype_is_nullable(super))
        return false;
    return wb_heap_matches(r, wb_valtype_heap(sub), wb_valtype_heap(super));
}

/* ---- Texts ---- */

/* A buffer being filled; what does not fit is dropped. */
typedef struct text {
    char *buf;
    size_t size, len;
} text;

static void text_init(text *t, char *buf, size_t size)
{
    *t = (text){buf, size, 0};
    if (size > 0)
        buf[0] = '\0';
}

static void text_add(text *t, const char *part)
{
    size_t len = strlen(part);
    size_t room = t->size > 0 ? t->size - 1 - t->len : 0;

    if (len > room)
        len = room;
    if (len == 0)
        return;
    memcpy(t->buf + t->len, part, len);
    t->len += len;
    t->buf[t->len] = '\0';
}

static const char *const kind_texts[] = {
    [WB_KIND_NONE] = "none", [WB_KIND_I32] = "i32",         [WB_KIND_I64] = "i64",
    [WB_KIND_F32] = "f32",   [WB_KIND_F64] = "f64",         [WB_KIND_V128] = "v128",
    [WB_KIND_REF] = "ref",   [WB_KIND_BOTTOM] = "any type",
};

/* Abstract heap types, and the abbreviations of their nullable references. */
static const struct {
    const char *heap, *nullable;
} heap_texts[] = {
    [WB_HEAP_FUNC] = {"func", "funcref"},
    [WB_HEAP_NOFUNC] = {"nofunc", "nullfuncref"},
    [WB_HEAP_EXTERN] = {"extern", "externref"},
    [WB_HEAP_NOEXTERN] = {"noextern", "nullexternref"},
    [WB_HEAP_EXN] = {"exn", "exnref"},
    [WB_HEAP_NOEXN] = {"noexn", "nullexnref"},
    [WB_HEAP_BOTTOM] = {"any", "any reference"},
    [WB_HEAP_ANY] = {"any", "anyref"},
    [WB_HEAP_EQ] = {"eq", "eqref"},
    [WB_HEAP_I31] = {"i31", "i31ref"},
    [WB_HEAP_STRUCT] = {"struct", "structref"},
    [WB_HEAP_ARRAY] = {"array", "arrayref"},
    [WB_HEAP_NONE] = {"none", "nullref"},
};

#define ABSTRACT_COUNT (sizeof heap_texts / sizeof heap_texts[0])

static void add_valtype(text *t, wb_valtype type)
{
    uint32_t heap = wb_valtype_heap(type);
    unsigned kind = wb_valtype_kind(type);
    char number[24];

    if (kind != WB_KIND_REF) {
        text_add(t, kind <= WB_KIND_BOTTOM ? kind_texts[kind] : "unknown");
        return;
    }
    if (heap < ABSTRACT_COUNT && wb_valtype_is_nullable(type)) {
        text_add(t, heap_texts[heap].nullable);
        return;
    }
    text_add(t, wb_valtype_is_nullable(type) ? "(ref null " : "(ref ");
    if (heap < ABSTRACT_COUNT) {
        text_add(t, heap_texts[heap].heap);
    } else {
        if (heap >= WB_HEAP_REC)
            (void)snprintf(number, sizeof number, "rec.%" PRIu32, heap - WB_HEAP_REC);
        else
            (void)snprintf(number, sizeof number, "%" PRIu32, heap - WB_HEAP_DEFINED);
        text_add(t, number);
    }
    text_add(t, ")");
}

static void add_list(text *t, const wb_valtype *types, uint32_t count)
{
    text_add(t, "[");
    /* A buffer that is full takes nothing more, so a long list needs no walk to its end. */
    for (uint32_t i = 0; i < count && t->len + 1 < t->size; i++) {
        if (i > 0)
            text_add(t, " ");
        add_valtype(t, types[i]);
    }
    text_add(t, "]");
}

const char *wb_valtype_text(wb_valtype type, char *buf, size_t size)
{
    text t;

    text_init(&t, buf, size);
    add_valtype(&t, type);
    return buf;
}

const char *wb_functype_text(const wb_functype *type, char *buf, size_t size)
{
    text t;

    text_init(&t, buf, size);
    add_list(&t, type->params, type->param_count);
    text_add(&t, " -> ");
    add_list(&t, type->results, type->result_count);
    return buf;
}
