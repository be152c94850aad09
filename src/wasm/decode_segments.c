/* The sections with contents: element segments, code, data segments.
 * Function bodies are delimited and their locals read; instructions are left to validate.c.
 * Source: Core, "Binary Format", "Modules". */
#include <inttypes.h>

#include "wasm/internal.h"

/* Bits of an element segment's kind. */
#define ELEM_NOT_ACTIVE 1u
#define ELEM_EXPLICIT 2u /* active: names its table; else: declared */
#define ELEM_EXPRS 4u
#define ELEM_KINDS 8u

static beamr_status need(wb_decoder *d, wb_features features, uint32_t offset, beamr_error *err)
{
    return wb_features_need(d->m, features, &d->m->used, offset, err);
}

/* ---- Element segments ---- */

/* Features of a segment's kind: WebAssembly 1.0 has kind 0. */
static wb_features elem_features(uint32_t kind)
{
    wb_features set = 0;

    if (kind & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT))
        set |= WB_FEATURE_BIT(BULK_MEMORY);
    if ((kind & ELEM_EXPRS) || (kind & 3) == (ELEM_NOT_ACTIVE | ELEM_EXPLICIT))
        set |= WB_FEATURE_BIT(REFERENCE_TYPES);
    return set;
}

/* Table and offset of an active segment. */
static beamr_status read_elem_place(wb_decoder *d, uint32_t kind, wb_elem *out,
                                    beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);

    if (kind & ELEM_EXPLICIT)
        BEAMR_TRY(wb_read_u32(&d->in, &out->table, err));
    if (out->table != 0)
        BEAMR_TRY(need(d, WB_FEATURE_BIT(REFERENCE_TYPES), offset, err));
    return wb_read_expr(&d->in, &out->offset, err);
}

/* Type of the elements. Kinds 0 and 4 leave it out; indices name functions, which are never
 * null. */
static beamr_status read_elem_type(wb_decoder *d, uint32_t kind, wb_elem *out, beamr_error *err)
{
    bool is_explicit = (kind & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) != 0;
    uint8_t elem_kind = 0;

    out->type = WB_REFTYPE((kind & ELEM_EXPRS) != 0, WB_HEAP_FUNC);
    if (!is_explicit)
        return BEAMR_OK;
    if (kind & ELEM_EXPRS)
        return wb_read_reftype(&d->in, NULL, &out->type, &d->m->used, err);
    BEAMR_TRY(wb_read_byte(&d->in, &elem_kind, err));
    if (elem_kind != 0)
        return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(&d->in) - 1,
                          "malformed element kind 0x%02x", elem_kind);
    return BEAMR_OK;
}

static beamr_status read_elem_funcs(wb_decoder *d, wb_elem *out, beamr_error *err)
{
    uint32_t *funcs = ARENA_NEW(&d->m->arena, uint32_t, out->count);

    if (!funcs)
        return wb_fail_memory("elements", err);
    for (uint32_t i = 0; i < out->count; i++)
        BEAMR_TRY(wb_read_u32(&d->in, &funcs[i], err));
    out->funcs = funcs;
    return BEAMR_OK;
}

static beamr_status read_elem_exprs(wb_decoder *d, wb_elem *out, beamr_error *err)
{
    wb_expr *exprs = ARENA_NEW(&d->m->arena, wb_expr, out->count);

    if (!exprs)
        return wb_fail_memory("elements", err);
    for (uint32_t i = 0; i < out->count; i++)
        BEAMR_TRY(wb_read_expr(&d->in, &exprs[i], err));
    out->exprs = exprs;
    return BEAMR_OK;
}

static beamr_status read_elem(wb_decoder *d, wb_elem *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t kind;

    BEAMR_TRY(wb_read_u32(&d->in, &kind, err));
    if (kind >= ELEM_KINDS)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "malformed elements segment kind %" PRIu32, kind);
    BEAMR_TRY(need(d, elem_features(kind), offset, err));
    if (kind & ELEM_NOT_ACTIVE)
        out->mode = kind & ELEM_EXPLICIT ? WB_SEGMENT_DECLARED : WB_SEGMENT_PASSIVE;
    else
        BEAMR_TRY(read_elem_place(d, kind, out, err));
    BEAMR_TRY(read_elem_type(d, kind, out, err));
    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_ELEM_ITEMS, 1, &out->count, err));
    if (out->count == 0)
        return BEAMR_OK;
    return kind & ELEM_EXPRS ? read_elem_exprs(d, out, err) : read_elem_funcs(d, out, err);
}

beamr_status wb_decode_elements(wb_decoder *d, beamr_error *err)
{
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_ELEM_SEGMENTS, 3, &count, err));
    if (!(d->m->elems = ARENA_NEW(&d->m->arena, wb_elem, count)))
        return wb_fail_memory("element segments", err);
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(read_elem(d, &d->m->elems[i], err));
    d->m->elem_count = count;
    return BEAMR_OK;
}

/* ---- Code ---- */

/* Add the runs of locals to the function. The sum is judged at the end: more than 2^32 is
 * malformed, whatever smaller limit it is above as well. */
static beamr_status read_locals(wb_decoder *d, wb_reader *r, wb_func *func, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    uint64_t total = 0, slots = func->local_slots;
    wb_local_run *runs;
    uint32_t count;

    /* Runs have no limit of their own: the body's size is theirs. */
    BEAMR_TRY(wb_read_count(r, WB_LIMIT_ROW_FUNCTION_SIZE, 2, &count, err));
    if (count == 0)
        return BEAMR_OK;
    if (!(runs = ARENA_NEW(&d->m->arena, wb_local_run, count)))
        return wb_fail_memory("locals", err);
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(wb_read_u32(r, &runs[i].count, err));
        BEAMR_TRY(wb_read_valtype(r, NULL, &runs[i].type, &d->m->used, err));
        total += runs[i].count;
        slots += (uint64_t)runs[i].count * wb_valtype_slots(runs[i].type);
    }
    if (total > UINT32_MAX)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "too many locals: %" PRIu64, total);
    total += func->local_count; /* the parameters */
    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_LOCALS, total, offset, err));
    func->runs = runs;
    func->run_count = count;
    func->local_count = (uint32_t)total;
    func->local_slots = (uint32_t)slots;
    return BEAMR_OK;
}

static beamr_status read_body(wb_decoder *d, wb_func *func, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    beamr_bytes code;
    wb_reader r;
    uint32_t size;

    BEAMR_TRY(wb_read_u32(&d->in, &size, err));
    BEAMR_TRY(wb_read_bytes(&d->in, size, &code, err));
    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_FUNCTION_SIZE, size, offset, err));
    r = d->in;
    r.next = code.data;
    r.end = code.data + code.len;
    BEAMR_TRY(read_locals(d, &r, func, err));
    func->body = r.next;
    func->body_len = (uint32_t)wb_reader_left(&r);
    return BEAMR_OK;
}

beamr_status wb_decode_code(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    wb_module *m = d->m;
    uint32_t count;

    m->code_offset = offset;
    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_FUNCTIONS, 1, &count, err));
    if (count != m->func_count - m->func_imports)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "function and code section have inconsistent lengths: %" PRIu32
                          " and %" PRIu32,
                          m->func_count - m->func_imports, count);
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(read_body(d, &m->funcs[m->func_imports + i], err));
    d->code_count = count;
    return BEAMR_OK;
}

/* ---- Data segments ---- */

beamr_status wb_decode_data_count(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);

    BEAMR_TRY(need(d, WB_FEATURE_BIT(BULK_MEMORY), offset, err));
    d->m->has_data_count = true;
    BEAMR_TRY(wb_read_u32(&d->in, &d->declared_datas, err));
    return wb_limit_check(WB_LIMIT_ROW_DATA_SEGMENTS, d->declared_datas, offset, err);
}

static beamr_status read_data(wb_decoder *d, wb_data *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t kind, len;

    BEAMR_TRY(wb_read_u32(&d->in, &kind, err));
    if (kind > 2)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed data segment kind %" PRIu32,
                          kind);
    if (kind != 0)
        BEAMR_TRY(need(d, WB_FEATURE_BIT(BULK_MEMORY), offset, err));
    if (kind == 2)
        BEAMR_TRY(wb_read_u32(&d->in, &out->memory, err));
    if (out->memory != 0)
        BEAMR_TRY(need(d, WB_FEATURE_BIT(MULTI_MEMORY), offset, err));
    out->mode = kind == 1 ? WB_SEGMENT_PASSIVE : WB_SEGMENT_ACTIVE;
    if (kind != 1)
        BEAMR_TRY(wb_read_expr(&d->in, &out->offset, err));
    BEAMR_TRY(wb_read_u32(&d->in, &len, err));
    return wb_read_bytes(&d->in, len, &out->bytes, err);
}

beamr_status wb_decode_datas(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    wb_module *m = d->m;
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_DATA_SEGMENTS, 2, &count, err));
    if (m->has_data_count && count != d->declared_datas)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "data count and data section have inconsistent lengths: %" PRIu32
                          " and %" PRIu32,
                          d->declared_datas, count);
    if (!(m->datas = ARENA_NEW(&m->arena, wb_data, count)))
        return wb_fail_memory("data segments", err);
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(read_data(d, &m->datas[i], err));
    m->data_count = count;
    return BEAMR_OK;
}
