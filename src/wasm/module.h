/* The decoded module: an immutable model that validator, executors and tools share.
 * Everything is in the module's arena. Index spaces hold the imports first. Function bodies,
 * data and names point into the module's own copy of its bytes. */
#ifndef WASM_MODULE_H
#define WASM_MODULE_H

#include "base/arena.h"
#include "beamr/bytes.h"
#include "wasm/opcode.h"
#include "wasm/types.h"

typedef enum wb_feature {
#define WB_FEATURE(id, text, status) WB_FEATURE_##id,
#include "wasm/feature.def"
#undef WB_FEATURE
    WB_FEATURE_COUNT
} wb_feature;

/* A set of features: bit 1 << WB_FEATURE_*. */
typedef uint32_t wb_features;
#define WB_FEATURE_BIT(id) (1u << WB_FEATURE_##id)

wb_features wb_features_default(void); /* all that the engine supports */
const char *wb_feature_text(wb_feature f);
/* Name to number; WB_FEATURE_COUNT when unknown. */
wb_feature wb_feature_find(beamr_bytes name);
/* The feature is refused whatever the options say. */
bool wb_feature_is_refused(wb_feature f);
/* Fail with BEAMR_UNSUPPORTED and a text that names the feature. */
beamr_status wb_fail_feature(wb_feature f, uint64_t offset, beamr_error *err);

enum {
#define WB_LIMIT(id, value, text) WB_LIMIT_##id = (int)(value),
#include "wasm/limits.def"
#undef WB_LIMIT
};

typedef enum wb_extern_kind {
    WB_EXTERN_FUNC,
    WB_EXTERN_TABLE,
    WB_EXTERN_MEMORY,
    WB_EXTERN_GLOBAL,
    WB_EXTERN_TAG,
    WB_EXTERN_COUNT
} wb_extern_kind;

/* Sizes of a memory (pages of 64 KiB) or a table (elements). */
typedef struct wb_limits {
    uint64_t min;
    uint64_t max; /* UINT64_MAX when has_max is false */
    bool has_max;
    bool is64; /* addresses are i64 */
} wb_limits;

typedef struct wb_memtype {
    wb_limits limits;
} wb_memtype;

typedef struct wb_tabletype {
    wb_limits limits;
    wb_valtype elem;
} wb_tabletype;

typedef struct wb_globaltype {
    wb_valtype type;
    bool is_mutable;
} wb_globaltype;

/* A constant expression: its bytes up to and including `end`. */
typedef struct wb_expr {
    const uint8_t *data;
    uint32_t len;
} wb_expr;

typedef struct wb_import {
    beamr_bytes module;
    beamr_bytes name;
    wb_extern_kind kind;
    uint32_t index; /* in the index space of its kind */
} wb_import;

typedef struct wb_export {
    beamr_bytes name;
    wb_extern_kind kind;
    uint32_t index;
} wb_export;

/* A run of locals of one type. */
typedef struct wb_local_run {
    uint32_t count;
    wb_valtype type;
} wb_local_run;

typedef struct wb_func {
    uint32_t type; /* index into wb_module.types */
    const uint8_t *body; /* instructions, up to and including the last `end`; NULL if imported */
    uint32_t body_len;
    uint32_t run_count;
    const wb_local_run *runs; /* declared locals, parameters not included */
    uint32_t local_count;     /* all locals, parameters included */
    uint32_t local_slots;     /* 64-bit slots of all locals, parameters included */

    /* Written by wb_validate. */
    uint32_t operand_slots; /* most slots that operands take at once; see wb_func_units */
    bool uses_exceptions;   /* holds a try_table or a legacy try */
    bool is_declared_ref;   /* may be the target of ref.func inside a body */
} wb_func;

typedef struct wb_table {
    wb_tabletype type;
    wb_expr init; /* len 0: null */
} wb_table;

typedef struct wb_global {
    wb_globaltype type;
    wb_expr init; /* len 0 if imported */
} wb_global;

typedef struct wb_tag {
    uint32_t type; /* index into wb_module.types; no results */
} wb_tag;

typedef enum wb_segment_mode {
    WB_SEGMENT_ACTIVE,
    WB_SEGMENT_PASSIVE,
    WB_SEGMENT_DECLARED, /* elements only */
} wb_segment_mode;

typedef struct wb_elem {
    wb_segment_mode mode;
    uint32_t table;
    wb_expr offset; /* when active */
    wb_valtype type;
    uint32_t count;
    /* Exactly one is used: function indices, or constant expressions. NULL when count is 0. */
    const uint32_t *funcs;
    const wb_expr *exprs;
} wb_elem;

typedef struct wb_data {
    wb_segment_mode mode;
    uint32_t memory;
    wb_expr offset; /* when active */
    beamr_bytes bytes;
} wb_data;

typedef struct wb_section {
    uint8_t id;
    uint32_t offset; /* of the contents */
    uint32_t size;
    beamr_bytes name; /* of a custom section */
} wb_section;

/* A defined type of the module. */
typedef struct wb_type {
    uint32_t canon; /* id in the registry */
    const wb_functype *func; /* with canonical value types */
} wb_type;

typedef struct wb_module {
    arena arena;
    beamr_bytes bytes; /* a copy, in the arena */
    wb_registry *registry;
    wb_features features; /* allowed */
    wb_features used;     /* found so far; complete after validation */

    wb_type *types;
    uint32_t type_count;
    uint32_t *groups; /* canonical id of the first member of each recursion group */
    uint32_t group_count;

    wb_import *imports;
    uint32_t import_count;
    wb_export *exports;
    uint32_t export_count;

    wb_func *funcs;
    uint32_t func_count, func_imports;
    wb_table *tables;
    uint32_t table_count, table_imports;
    wb_memtype *memories;
    uint32_t memory_count, memory_imports;
    wb_global *globals;
    uint32_t global_count, global_imports;
    wb_tag *tags;
    uint32_t tag_count, tag_imports;
    wb_elem *elems;
    uint32_t elem_count;
    wb_data *datas;
    uint32_t data_count;
    bool has_data_count;
    bool has_start;
    uint32_t start;
    uint32_t start_offset; /* of the start section's index, for errors */
    uint32_t code_offset;  /* of the code section's contents */

    wb_section *sections;
    uint32_t section_count;

    beamr_bytes module_name;  /* from the name section; may be empty */
    beamr_bytes *func_names;  /* func_count entries, or NULL */
} wb_module;

/* Offset of a place in the module's bytes. */
static inline uint32_t wb_module_offset(const wb_module *m, const uint8_t *at)
{
    return (uint32_t)(at - m->bytes.data);
}

static inline const wb_functype *wb_module_functype(const wb_module *m, uint32_t func)
{
    return m->types[m->funcs[func].type].func;
}

/* Decode all sections; bodies are delimited, their locals read, instructions are left to
 * wb_validate. Linear in the input.
 *   m         caller's memory, uninitialised; on success to be cleared with wb_module_clear
 *   bytes     borrowed; copied
 *   features  allowed
 *   registry  borrowed; must outlive the module
 * Errors: BEAMR_MALFORMED, BEAMR_INVALID, BEAMR_UNSUPPORTED, BEAMR_LIMIT, BEAMR_NO_MEMORY; then
 * `m` needs no clearing. */
beamr_status wb_decode(wb_module *m, beamr_bytes bytes, wb_features features,
                       wb_registry *registry, beamr_error *err);

/* Type-check the whole module, and fill in what wb_func says that it writes. Linear in the
 * input.
 * Errors: as wb_decode; `m` still needs clearing. */
beamr_status wb_validate(wb_module *m, beamr_error *err);

/* Release everything, and the module's references into the registry. */
void wb_module_clear(wb_module *m);

/* Name of a function: from the name section, else from its first export, else empty. */
beamr_bytes wb_func_name(const wb_module *m, uint32_t func);

/* Stack depth that a call of the function takes, in units: fixed overhead, and one for each
 * 64-bit slot of locals (or results, if more) and operands. The same in both executors. */
#define WB_UNITS_FRAME 16u
static inline uint32_t wb_func_units(const wb_module *m, uint32_t func)
{
    const wb_func *f = &m->funcs[func];
    uint32_t results = wb_module_functype(m, func)->result_slots;
    uint32_t locals = f->local_slots > results ? f->local_slots : results;

    return WB_UNITS_FRAME + locals + f->operand_slots;
}

#endif
