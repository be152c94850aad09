/* What the files of src/wasm share: reading bytes, limits, and the parts of the decoder.
 * Primitives first (reader.c), then limits and features (feature.c), then one function for each
 * section (decode_*.c), which decode.c calls in order.
 * Source: Core, "Binary Format". */
#ifndef WASM_INTERNAL_H
#define WASM_INTERNAL_H

#include "wasm/module.h"

#define WB_LIKELY(x) __builtin_expect(!!(x), 1)
#define WB_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- Limits ---- */

/* Rows of wasm/limits.def, by number; WB_LIMIT_* are their values. */
typedef enum wb_limit {
#define WB_LIMIT(id, value, text) WB_LIMIT_ROW_##id,
#include "wasm/limits.def"
#undef WB_LIMIT
} wb_limit;

/* Fail with BEAMR_LIMIT when `n` is above the limit: "1001 parameters of a function, the limit
 * is 1000". */
beamr_status wb_limit_check(wb_limit limit, uint64_t n, uint64_t offset, beamr_error *err);

/* ---- Features ---- */

/* Fail, naming one of the features in `need` that the module may not use.
 *   used  gains `need` on success; may be NULL */
beamr_status wb_features_need(const wb_module *m, wb_features need, wb_features *used,
                              uint64_t offset, beamr_error *err);

/* ---- Reading ---- */

static inline uint32_t wb_reader_offset(const wb_reader *r)
{
    return (uint32_t)(r->next - r->base);
}
static inline size_t wb_reader_left(const wb_reader *r)
{
    return (size_t)(r->end - r->next);
}

/* BEAMR_MALFORMED: the section, function or module ends too early. */
beamr_status wb_fail_end(const wb_reader *r, beamr_error *err);
/* BEAMR_NO_MEMORY; `what` was to be allocated. */
beamr_status wb_fail_memory(const char *what, beamr_error *err);

/* LEB128 of any length; the inline functions below take one byte themselves.
 * Errors: BEAMR_MALFORMED (end of input, too many bytes, bits beyond the width). */
beamr_status wb_read_u32_long(wb_reader *r, uint32_t *out, beamr_error *err);
beamr_status wb_read_u64_long(wb_reader *r, uint64_t *out, beamr_error *err);
beamr_status wb_read_s32_long(wb_reader *r, int32_t *out, beamr_error *err);
beamr_status wb_read_s33_long(wb_reader *r, int64_t *out, beamr_error *err);
beamr_status wb_read_s64_long(wb_reader *r, int64_t *out, beamr_error *err);

static inline beamr_status wb_read_byte(wb_reader *r, uint8_t *out, beamr_error *err)
{
    if (WB_UNLIKELY(r->next == r->end))
        return wb_fail_end(r, err);
    *out = *r->next++;
    return BEAMR_OK;
}

/* The next byte is the whole of a LEB128 number. */
static inline bool wb_leb_is_short(const wb_reader *r)
{
    return WB_LIKELY(r->next != r->end && *r->next < 0x80);
}

/* Value of a signed one-byte LEB128: bit 6 is the sign. */
static inline int32_t wb_leb_short_signed(uint8_t byte)
{
    return (int32_t)(byte ^ 0x40u) - 0x40;
}

static inline beamr_status wb_read_u32(wb_reader *r, uint32_t *out, beamr_error *err)
{
    if (!wb_leb_is_short(r))
        return wb_read_u32_long(r, out, err);
    *out = *r->next++;
    return BEAMR_OK;
}

static inline beamr_status wb_read_u64(wb_reader *r, uint64_t *out, beamr_error *err)
{
    if (!wb_leb_is_short(r))
        return wb_read_u64_long(r, out, err);
    *out = *r->next++;
    return BEAMR_OK;
}

static inline beamr_status wb_read_s32(wb_reader *r, int32_t *out, beamr_error *err)
{
    if (!wb_leb_is_short(r))
        return wb_read_s32_long(r, out, err);
    *out = wb_leb_short_signed(*r->next++);
    return BEAMR_OK;
}

static inline beamr_status wb_read_s64(wb_reader *r, int64_t *out, beamr_error *err)
{
    if (!wb_leb_is_short(r))
        return wb_read_s64_long(r, out, err);
    *out = wb_leb_short_signed(*r->next++);
    return BEAMR_OK;
}

/* Number of entries of a vector, which are still to come.
 *   limit      row that it must obey
 *   min_bytes  fewest bytes that an entry takes */
beamr_status wb_read_count(wb_reader *r, wb_limit limit, uint32_t min_bytes, uint32_t *out,
                           beamr_error *err);

/* `len` bytes, borrowed from the input. */
beamr_status wb_read_bytes(wb_reader *r, uint32_t len, beamr_bytes *out, beamr_error *err);
/* A length and that many bytes of UTF-8; borrowed. */
beamr_status wb_read_name(wb_reader *r, beamr_bytes *out, beamr_error *err);

/* How the type section resolves indices that belong to a group not yet in the registry. */
typedef struct wb_type_scope {
    uint32_t group_first; /* this index and those above become WB_HEAP_REC + position */
} wb_type_scope;

#define WB_TYPE_POSITION_MAX (0x7ffffffu - WB_HEAP_REC) /* what a heap number has room for */

/* A heap type, reference type or value type.
 *   scope  NULL outside the type section
 *   used   gains the features that the type needs
 * Errors: BEAMR_MALFORMED; BEAMR_INVALID (unknown type; never with a scope); BEAMR_UNSUPPORTED.
 */
beamr_status wb_read_heaptype(wb_reader *r, const wb_type_scope *scope, uint32_t *heap,
                              wb_features *used, beamr_error *err);
beamr_status wb_read_reftype(wb_reader *r, const wb_type_scope *scope, wb_valtype *out,
                             wb_features *used, beamr_error *err);
beamr_status wb_read_valtype(wb_reader *r, const wb_type_scope *scope, wb_valtype *out,
                             wb_features *used, beamr_error *err);

/* Step over a constant expression, whose instructions are checked for their encoding only.
 *   out  its bytes, up to and including its `end` */
beamr_status wb_read_expr(wb_reader *r, wb_expr *out, beamr_error *err);

/* ---- The decoder ---- */

/* State of a run of wb_decode. */
typedef struct wb_decoder {
    wb_module *m;
    wb_reader in;  /* the contents of the present section */
    arena scratch; /* what the module does not keep */
    uint32_t code_count;
    uint32_t declared_datas;  /* from the data count section */
    beamr_bytes name_section; /* contents behind its name; len 0 for none */
} wb_decoder;

/* One section each: read d->in from its start. Whether all of it was read is checked by the
 * caller. */
beamr_status wb_decode_types(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_imports(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_functions(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_tables(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_memories(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_tags(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_globals(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_exports(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_start(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_elements(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_data_count(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_code(wb_decoder *d, beamr_error *err);
beamr_status wb_decode_datas(wb_decoder *d, beamr_error *err);

/* Take what is readable from the name section; nothing in it is an error, but memory may run
 * out. */
beamr_status wb_decode_names(wb_decoder *d, beamr_error *err);

#endif
