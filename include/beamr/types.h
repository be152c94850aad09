/* Types and values as embedders see them. Plain data; nothing here needs freeing unless said. */
#ifndef BEAMR_TYPES_H
#define BEAMR_TYPES_H

#include "beamr/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of values. References of every nullability and defined type fall in the last three. */
typedef enum beamr_kind {
    BEAMR_I32,
    BEAMR_I64,
    BEAMR_F32,
    BEAMR_F64,
    BEAMR_V128,
    BEAMR_FUNCREF,
    BEAMR_EXTERNREF,
    BEAMR_EXNREF,
} beamr_kind;

typedef struct beamr_func beamr_func;           /* belongs to a store; likewise the following */
typedef struct beamr_memory beamr_memory;
typedef struct beamr_table beamr_table;
typedef struct beamr_global beamr_global;
typedef struct beamr_tag beamr_tag;
typedef struct beamr_exception beamr_exception;

/* A value. References may be null; those to functions and exceptions are borrowed from the
 * store, an external reference is any pointer of the embedder's. */
typedef struct beamr_value {
    beamr_kind kind;
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        uint8_t v128[16]; /* little-endian lanes */
        beamr_func *func;
        void *external;
        beamr_exception *exception;
    } of;
} beamr_value;

/* Only what the kind says is set: clearing the rest makes some compilers build each value aside
 * and copy it, which takes longer than a call of a guest. */
static inline beamr_value beamr_i32(int32_t v)
{
    beamr_value value;

    value.kind = BEAMR_I32;
    value.of.i32 = v;
    return value;
}
static inline beamr_value beamr_i64(int64_t v)
{
    beamr_value value;

    value.kind = BEAMR_I64;
    value.of.i64 = v;
    return value;
}
static inline beamr_value beamr_f32(float v)
{
    beamr_value value;

    value.kind = BEAMR_F32;
    value.of.f32 = v;
    return value;
}
static inline beamr_value beamr_f64(double v)
{
    beamr_value value;

    value.kind = BEAMR_F64;
    value.of.f64 = v;
    return value;
}

/* A value type in full: the kind, and for references what the kind leaves out.
 * Treat as opaque, except that equal types are equal numbers within one engine. */
typedef struct beamr_valtype {
    uint32_t bits;
} beamr_valtype;

BEAMR_API beamr_valtype beamr_valtype_of(beamr_kind kind); /* nullable, of the top type */
BEAMR_API beamr_kind beamr_valtype_kind(beamr_valtype type);
/* As in the text format; cut to fit `size`. Returns buf. 64 bytes suffice. */
BEAMR_API const char *beamr_valtype_text(beamr_valtype type, char *buf, size_t size);

typedef enum beamr_extern_kind {
    BEAMR_EXTERN_FUNC,
    BEAMR_EXTERN_TABLE,
    BEAMR_EXTERN_MEMORY,
    BEAMR_EXTERN_GLOBAL,
    BEAMR_EXTERN_TAG,
} beamr_extern_kind;

/* "func", "table", "memory", "global", "tag". */
BEAMR_API const char *beamr_extern_kind_text(beamr_extern_kind kind);

/* A function's type; the arrays are borrowed from whoever gave it. */
typedef struct beamr_functype {
    const beamr_valtype *params;
    size_t param_count;
    const beamr_valtype *results;
    size_t result_count;
} beamr_functype;

/* Sizes of a memory, in pages of 64 KiB, or of a table, in elements. */
typedef struct beamr_limits {
    uint64_t min;
    uint64_t max; /* UINT64_MAX: none */
    bool is64;    /* 64-bit addresses */
} beamr_limits;

/* Type of an import or export. */
typedef struct beamr_externtype {
    beamr_extern_kind kind;
    beamr_functype func; /* FUNC; TAG: its parameters */
    beamr_limits limits; /* MEMORY, TABLE */
    beamr_valtype value; /* GLOBAL: its type; TABLE: of the elements */
    bool is_mutable;     /* GLOBAL */
} beamr_externtype;

/* As in the text format: "func [i32 i64] -> [f64]", "memory i64 1 16384", "global mut i32".
 * Cut to fit `size`; returns buf. */
BEAMR_API const char *beamr_externtype_text(const beamr_externtype *type, char *buf,
                                            size_t size);

#ifdef __cplusplus
}
#endif
#endif
