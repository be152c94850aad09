/* Types of WebAssembly, and the registry that makes equal types identical.
 * A value type is one 32-bit number. A reference to a defined type holds the type's *canonical*
 * id, which the registry gives out: two types are equal, in one module or in two, exactly when
 * their ids are. Struct and array types have a place in the model and are refused when decoded.
 * Source: Core, "Types", "Validation of Types" (rolling of recursion groups). */
#ifndef WASM_TYPES_H
#define WASM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "beamr/error.h"

/* Value type: bits 0-3 kind, bit 4 nullable, bits 5-31 heap type (both for references only). */
typedef uint32_t wb_valtype;

typedef enum wb_kind {
    WB_KIND_NONE, /* no type: the empty block type */
    WB_KIND_I32,
    WB_KIND_I64,
    WB_KIND_F32,
    WB_KIND_F64,
    WB_KIND_V128,
    WB_KIND_REF,
    WB_KIND_BOTTOM, /* unknown operand in unreachable code; validator only */
} wb_kind;

/* Heap types: the abstract ones, then canonical ids of defined types from WB_HEAP_DEFINED on.
 * While a recursion group is being decoded, its own members appear as WB_HEAP_REC + position. */
typedef enum wb_heap {
    WB_HEAP_FUNC,
    WB_HEAP_NOFUNC,
    WB_HEAP_EXTERN,
    WB_HEAP_NOEXTERN,
    WB_HEAP_EXN,
    WB_HEAP_NOEXN,
    WB_HEAP_BOTTOM, /* reference to anything; validator only */
    WB_HEAP_ANY,    /* from here on: garbage-collected objects, refused */
    WB_HEAP_EQ,
    WB_HEAP_I31,
    WB_HEAP_STRUCT,
    WB_HEAP_ARRAY,
    WB_HEAP_NONE,
    WB_HEAP_DEFINED = 16,
} wb_heap;

#define WB_HEAP_REC 0x4000000u /* heap numbers have 27 bits; canonical ids stay below this */

#define WB_NULLABLE 0x10u
#define WB_VALTYPE(kind) ((wb_valtype)(kind))
#define WB_REFTYPE(nullable, heap)                                                             \
    ((wb_valtype)(WB_KIND_REF | ((nullable) ? WB_NULLABLE : 0u) | ((uint32_t)(heap) << 5)))

#define WB_VALTYPE_NONE WB_VALTYPE(WB_KIND_NONE)
#define WB_I32 WB_VALTYPE(WB_KIND_I32)
#define WB_I64 WB_VALTYPE(WB_KIND_I64)
#define WB_F32 WB_VALTYPE(WB_KIND_F32)
#define WB_F64 WB_VALTYPE(WB_KIND_F64)
#define WB_V128 WB_VALTYPE(WB_KIND_V128)
#define WB_BOTTOM WB_VALTYPE(WB_KIND_BOTTOM)
#define WB_FUNCREF WB_REFTYPE(true, WB_HEAP_FUNC)
#define WB_EXTERNREF WB_REFTYPE(true, WB_HEAP_EXTERN)
#define WB_EXNREF WB_REFTYPE(true, WB_HEAP_EXN)

static inline wb_kind wb_valtype_kind(wb_valtype t)
{
    return (wb_kind)(t & 15u);
}
static inline bool wb_valtype_is_ref(wb_valtype t)
{
    return (t & 15u) == WB_KIND_REF;
}
static inline bool wb_valtype_is_nullable(wb_valtype t)
{
    return (t & WB_NULLABLE) != 0;
}
static inline uint32_t wb_valtype_heap(wb_valtype t)
{
    return t >> 5;
}
/* 64-bit slots that a value takes on the interpreter's stack. */
static inline uint32_t wb_valtype_slots(wb_valtype t)
{
    return t == WB_V128 ? 2 : 1;
}
/* A local of the type starts at a default value; otherwise it must be set before it is read. */
static inline bool wb_valtype_has_default(wb_valtype t)
{
    return !wb_valtype_is_ref(t) || wb_valtype_is_nullable(t);
}

/* A function type. Arrays are in an arena: the module's, or the registry's. */
typedef struct wb_functype {
    const wb_valtype *params;
    const wb_valtype *results;
    uint32_t param_count;
    uint32_t result_count;
    uint32_t param_slots; /* 64-bit slots of all params, likewise results */
    uint32_t result_slots;
} wb_functype;

#define WB_NO_TYPE UINT32_MAX

/* One member of a recursion group, as decoded. */
typedef struct wb_subtype {
    wb_functype func;
    uint32_t super; /* heap number (canonical + WB_HEAP_DEFINED, or WB_HEAP_REC + i) or WB_NO_TYPE */
    bool final;
} wb_subtype;

typedef struct wb_registry wb_registry;

/* A registry, shared by all modules of an engine. Thread-safe.  NULL when memory is gone. */
wb_registry *wb_registry_new(void);
void wb_registry_free(wb_registry *r); /* accepts NULL; all groups must have been released */

/* Find or add a recursion group of `count` members, and take one reference to it.
 *   group  borrowed, copied when new; members refer to each other as WB_HEAP_REC + position
 *   first  canonical id of member 0; the others follow it
 * A supertype among the members must come before its subtype. What a supertype allows is left
 * to the decoder.
 * Errors: BEAMR_NO_MEMORY; BEAMR_LIMIT (ids run out, too many levels of subtyping). */
beamr_status wb_registry_add(wb_registry *r, const wb_subtype *group, uint32_t count,
                             uint32_t *first, beamr_error *err);

/* Give back the reference that wb_registry_add took to the group beginning at id `first`. */
void wb_registry_release(wb_registry *r, uint32_t first);

/* The function type with canonical id `id`, borrowed while its group is referenced; its value
 * types are canonical.  No lock is taken. */
const wb_functype *wb_registry_func(const wb_registry *r, uint32_t id);

/* Canonical id of the declared supertype, or WB_NO_TYPE. No lock is taken. */
uint32_t wb_registry_super(const wb_registry *r, uint32_t id);
bool wb_registry_is_final(const wb_registry *r, uint32_t id);

/* `sub` is `super` or declared below it. In constant time; no lock is taken. */
bool wb_type_is_subtype(const wb_registry *r, uint32_t sub, uint32_t super);

/* A value of type `sub` may stand where `super` is wanted. Bottom matches everything. */
bool wb_valtype_matches(const wb_registry *r, wb_valtype sub, wb_valtype super);
bool wb_heap_matches(const wb_registry *r, uint32_t sub, uint32_t super);

/* Write the type as in the text format: "i32", "funcref", "(ref null 3)" (canonical id).
 * Cut to fit `size`; returns `buf`. */
const char *wb_valtype_text(wb_valtype t, char *buf, size_t size);
/* Likewise: "[i32 i32] -> [f64]". */
const char *wb_functype_text(const wb_functype *t, char *buf, size_t size);

#endif
