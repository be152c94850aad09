/* The table of instructions, their costs, and reading one instruction from its bytes.
 * Reading is the inner loop of validation: one look-up by code, one switch by kind of
 * immediate, one byte for most numbers. What instructions mean is left to validate.c.
 * Source: Core, "Binary Format", "Instructions"; the legacy exception handling proposal. */
#include "wasm/opcode.h"

#include <string.h>

#include "wasm/internal.h"

const wb_op_info wb_op_table[WB_OP_COUNT] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature)                                       \
    [WB_OP_##id] = {text, prefix, code, WB_IMM_##imm, WB_FEATURE_##feature, #sig},
#include "wasm/opcode.def"
#undef WB_OP
};

/* ---- Costs ---- */

enum cost {
#define WB_COST_CLASS(class, units) COST_##class = (units),
#define WB_COST(op, class)
#include "wasm/cost.def"
#undef WB_COST
#undef WB_COST_CLASS
};

/* All begin with the default, and the rows of the table override it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const uint16_t wb_op_cost[WB_OP_COUNT] = {
    [0 ... WB_OP_COUNT - 1] = COST_DEFAULT,
#define WB_COST_CLASS(class, units)
#define WB_COST(op, class) [WB_OP_##op] = COST_##class,
#include "wasm/cost.def"
#undef WB_COST
#undef WB_COST_CLASS
};
#pragma GCC diagnostic pop

/* ---- From code to instruction ---- */

/* What the reader needs of a row, by code: 256 without prefix, then those of 0xfc and 0xfd. */
typedef struct code_row {
    uint16_t op; /* wb_op + 1; 0: no such instruction */
    uint8_t imm;
    uint8_t feature;
} code_row;

#define CODES_FC 0x12u
#define CODES_FD 0x114u
#define CODE_SLOT(prefix, code)                                                                \
    ((prefix) == 0xfd ? 256u + CODES_FC + (code) : (prefix) == 0xfc ? 256u + (code) : (code))

static const code_row code_rows[256 + CODES_FC + CODES_FD] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature)                                       \
    [CODE_SLOT(prefix, code)] = {WB_OP_##id + 1, WB_IMM_##imm, WB_FEATURE_##feature},
#include "wasm/opcode.def"
#undef WB_OP
};

/* An instruction without a row in the first 256: one with a prefix, or none at all. */
static beamr_status read_prefixed(wb_reader *r, const code_row **row, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r) - 1;
    uint8_t prefix = r->next[-1];
    uint32_t code, first, count;

    if (prefix == 0xd3 || prefix == 0xfb)
        return wb_fail_feature(WB_FEATURE_GC, offset, err);
    if (prefix == 0xfe)
        return wb_fail_feature(WB_FEATURE_THREADS, offset, err);
    if (prefix != 0xfc && prefix != 0xfd)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "illegal opcode %02x", prefix);

    first = CODE_SLOT(prefix, 0);
    count = prefix == 0xfc ? CODES_FC : CODES_FD;
    BEAMR_TRY(wb_read_u32(r, &code, err));
    if (code >= count || !code_rows[first + code].op)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "illegal opcode %02x %02x", prefix,
                          code);
    *row = &code_rows[first + code];
    return BEAMR_OK;
}

/* ---- Immediates ---- */

static uint64_t load_le(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

/* Fail unless the feature is on: for encodings within an instruction. */
static beamr_status need(const wb_reader *r, wb_features features, uint32_t offset,
                         beamr_error *err)
{
    return wb_features_need(r->module, features, NULL, offset, err);
}

/* A memory or table index, which was a zero byte before the feature let there be more. */
static beamr_status read_space_index(wb_reader *r, wb_features feature, uint32_t *out,
                                     beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    bool is_zero_byte = r->next != r->end && *r->next == 0;

    BEAMR_TRY(wb_read_u32(r, out, err));
    return is_zero_byte ? BEAMR_OK : need(r, feature, offset, err);
}

static beamr_status read_memarg(wb_reader *r, wb_instr *out, beamr_error *err)
{
    uint32_t start = wb_reader_offset(r);
    uint32_t flags, memory = 0;
    uint64_t offset;

    BEAMR_TRY(wb_read_u32(r, &flags, err));
    if (WB_UNLIKELY(flags >= 64)) {
        if (flags >= 128)
            return beamr_fail(err, BEAMR_MALFORMED, start, "malformed memop flags 0x%x", flags);
        BEAMR_TRY(need(r, WB_FEATURE_BIT(MULTI_MEMORY), start, err));
        BEAMR_TRY(wb_read_u32(r, &memory, err));
    }
    BEAMR_TRY(wb_read_u64(r, &offset, err));
    out->mem.offset = offset;
    out->mem.memory = memory;
    out->mem.align = (uint8_t)(flags & 63);
    out->mem.lane = 0;
    return BEAMR_OK;
}

static beamr_status read_lane(wb_reader *r, unsigned lanes, uint8_t *out, beamr_error *err)
{
    BEAMR_TRY(wb_read_byte(r, out, err));
    if (*out >= lanes)
        return beamr_fail(err, BEAMR_INVALID, wb_reader_offset(r) - 1,
                          "invalid lane index %u: there are %u lanes", *out, lanes);
    return BEAMR_OK;
}

static beamr_status read_shuffle(wb_reader *r, wb_instr *out, beamr_error *err)
{
    for (unsigned i = 0; i < 16; i++)
        BEAMR_TRY(read_lane(r, 32, &out->v128[i], err));
    return BEAMR_OK;
}

static beamr_status read_memarg_lane(wb_reader *r, unsigned lanes, wb_instr *out,
                                     beamr_error *err)
{
    BEAMR_TRY(read_memarg(r, out, err));
    return read_lane(r, lanes, &out->mem.lane, err);
}

/* Constants that are stored as they are. */
static beamr_status read_fixed(wb_reader *r, unsigned bytes, wb_instr *out, beamr_error *err)
{
    if (wb_reader_left(r) < bytes)
        return wb_fail_end(r, err);
    if (bytes == 4)
        out->f32 = (uint32_t)load_le(r->next, 4);
    else if (bytes == 8)
        out->f64 = load_le(r->next, 8);
    else
        memcpy(out->v128, r->next, 16);
    r->next += bytes;
    return BEAMR_OK;
}

/* A block type: 0x40, a value type, or an index as a positive number of 33 bits. */
static beamr_status read_block(wb_reader *r, wb_blocktype *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    uint8_t byte = r->next == r->end ? 0 : *r->next;
    int64_t index;

    *out = (wb_blocktype){.result = WB_VALTYPE_NONE};
    if (byte == 0x40) {
        r->next++;
        return BEAMR_OK;
    }
    if ((byte & 0xc0) == 0x40)
        return wb_read_valtype(r, NULL, &out->result, NULL, err);
    BEAMR_TRY(wb_read_s33_long(r, &index, err));
    if (index < 0)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed block type");
    BEAMR_TRY(need(r, WB_FEATURE_BIT(MULTI_VALUE), offset, err));
    out->is_index = true;
    out->index = (uint32_t)index;
    return BEAMR_OK;
}

static beamr_status read_labels(wb_reader *r, wb_instr *out, beamr_error *err)
{
    uint32_t label;

    BEAMR_TRY(wb_read_count(r, WB_LIMIT_ROW_BR_TABLE, 1, &out->count, err));
    out->list = r->next;
    for (uint32_t i = 0; i < out->count; i++)
        BEAMR_TRY(wb_read_u32(r, &label, err));
    return wb_read_u32(r, &label, err); /* the default */
}

static beamr_status read_valtypes(wb_reader *r, wb_instr *out, beamr_error *err)
{
    wb_valtype type = WB_VALTYPE_NONE;

    BEAMR_TRY(wb_read_count(r, WB_LIMIT_ROW_RESULTS, 1, &out->count, err));
    for (uint32_t i = 0; i < out->count; i++)
        BEAMR_TRY(wb_read_valtype(r, NULL, &type, NULL, err));
    out->type = out->count == 1 ? type : WB_VALTYPE_NONE;
    return BEAMR_OK;
}

static beamr_status read_heap_immediate(wb_reader *r, wb_instr *out, beamr_error *err)
{
    uint32_t heap;

    BEAMR_TRY(wb_read_heaptype(r, NULL, &heap, NULL, err));
    out->type = WB_REFTYPE(true, heap);
    return BEAMR_OK;
}

static beamr_status read_try_table(wb_reader *r, wb_instr *out, beamr_error *err)
{
    uint32_t index;
    uint8_t kind = 0;

    BEAMR_TRY(read_block(r, &out->block, err));
    BEAMR_TRY(wb_read_count(r, WB_LIMIT_ROW_CATCHES, 2, &out->count, err));
    out->list = r->next;
    for (uint32_t i = 0; i < out->count; i++) {
        BEAMR_TRY(wb_read_byte(r, &kind, err));
        if (kind > WB_CATCH_ALL_REF)
            return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(r) - 1,
                              "malformed catch clause: kind %u", kind);
        if (kind == WB_CATCH || kind == WB_CATCH_REF)
            BEAMR_TRY(wb_read_u32(r, &index, err));
        BEAMR_TRY(wb_read_u32(r, &index, err));
    }
    return BEAMR_OK;
}

/* Two indices. Which of them count memories or tables says what a number but 0 needs. */
static beamr_status read_two(wb_reader *r, wb_imm imm, wb_instr *out, beamr_error *err)
{
    wb_features second = imm == WB_IMM_DATA_MEM || imm == WB_IMM_MEM_MEM
                             ? WB_FEATURE_BIT(MULTI_MEMORY)
                             : WB_FEATURE_BIT(REFERENCE_TYPES);

    if (imm == WB_IMM_MEM_MEM || imm == WB_IMM_TABLE_TABLE)
        BEAMR_TRY(read_space_index(r, second, &out->index, err));
    else
        BEAMR_TRY(wb_read_u32(r, &out->index, err));
    return read_space_index(r, second, &out->index2, err);
}

/* Instructions on data segments can be read only behind a data count section. */
static beamr_status need_data_count(const wb_reader *r, uint32_t offset, beamr_error *err)
{
    if (r->module->has_data_count)
        return BEAMR_OK;
    return beamr_fail(
        err, BEAMR_MALFORMED, offset,
        "data count section required by an instruction that names a data segment");
}

/* The kinds that few instructions have. */
static beamr_status read_rare(wb_reader *r, const code_row *row, uint32_t offset, wb_instr *out,
                              beamr_error *err)
{
    const wb_features any_exceptions =
        WB_FEATURE_BIT(EXCEPTIONS) | WB_FEATURE_BIT(LEGACY_EXCEPTIONS);
    wb_imm imm = (wb_imm)row->imm;

    switch (imm) {
    case WB_IMM_TYPE:
        if (row->op == WB_OP_RETURN_CALL_REF + 1)
            BEAMR_TRY(need(r, WB_FEATURE_BIT(TAIL_CALL), offset, err));
        return wb_read_u32(r, &out->index, err);
    case WB_IMM_TAG: /* throw belongs to both proposals */
        if (!(r->module->features & any_exceptions))
            return wb_fail_feature(WB_FEATURE_EXCEPTIONS, offset, err);
        return wb_read_u32(r, &out->index, err);
    case WB_IMM_DATA:
        BEAMR_TRY(need_data_count(r, offset, err));
        return wb_read_u32(r, &out->index, err);
    case WB_IMM_DATA_MEM:
        BEAMR_TRY(need_data_count(r, offset, err));
        return read_two(r, imm, out, err);
    case WB_IMM_TYPE_TABLE:
    case WB_IMM_ELEM_TABLE:
    case WB_IMM_MEM_MEM:
    case WB_IMM_TABLE_TABLE:
        return read_two(r, imm, out, err);
    case WB_IMM_MEM:
        return read_space_index(r, WB_FEATURE_BIT(MULTI_MEMORY), &out->index, err);
    case WB_IMM_MEM1_LANE:
        return read_memarg_lane(r, 16, out, err);
    case WB_IMM_MEM2_LANE:
        return read_memarg_lane(r, 8, out, err);
    case WB_IMM_MEM4_LANE:
        return read_memarg_lane(r, 4, out, err);
    case WB_IMM_MEM8_LANE:
        return read_memarg_lane(r, 2, out, err);
    case WB_IMM_LANE2:
        return read_lane(r, 2, &out->lane, err);
    case WB_IMM_LANE4:
        return read_lane(r, 4, &out->lane, err);
    case WB_IMM_LANE8:
        return read_lane(r, 8, &out->lane, err);
    case WB_IMM_LANE16:
        return read_lane(r, 16, &out->lane, err);
    case WB_IMM_LANES16:
        return read_shuffle(r, out, err);
    case WB_IMM_LABELS:
        return read_labels(r, out, err);
    case WB_IMM_VALTYPES:
        return read_valtypes(r, out, err);
    case WB_IMM_HEAPTYPE:
        return read_heap_immediate(r, out, err);
    case WB_IMM_TRY_TABLE:
        return read_try_table(r, out, err);
    default:
        __builtin_unreachable(); /* the others are read by read_immediates */
    }
}

static inline beamr_status read_immediates(wb_reader *r, const code_row *row, uint32_t offset,
                                           wb_instr *out, beamr_error *err)
{
    beamr_status st;
    int32_t i32;
    int64_t i64;

    switch (row->imm) {
    case WB_IMM_NONE:
        return BEAMR_OK;
    case WB_IMM_LABEL:
    case WB_IMM_FUNC:
    case WB_IMM_LOCAL:
    case WB_IMM_GLOBAL:
    case WB_IMM_TABLE:
    case WB_IMM_ELEM:
        return wb_read_u32(r, &out->index, err);
    case WB_IMM_I32:
        st = wb_read_s32(r, &i32, err);
        if (st == BEAMR_OK)
            out->i32 = (uint32_t)i32;
        return st;
    case WB_IMM_I64:
        st = wb_read_s64(r, &i64, err);
        if (st == BEAMR_OK)
            out->i64 = (uint64_t)i64;
        return st;
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
    case WB_IMM_MEM16:
        return read_memarg(r, out, err);
    case WB_IMM_F32:
        return read_fixed(r, 4, out, err);
    case WB_IMM_F64:
        return read_fixed(r, 8, out, err);
    case WB_IMM_V128:
        return read_fixed(r, 16, out, err);
    case WB_IMM_BLOCK:
        return read_block(r, &out->block, err);
    default:
        return read_rare(r, row, offset, out, err);
    }
}

beamr_status wb_instr_read(wb_reader *r, wb_instr *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    const code_row *row;

    if (WB_UNLIKELY(r->next == r->end))
        return wb_fail_end(r, err);
    row = &code_rows[*r->next++];
    if (WB_UNLIKELY(!row->op))
        BEAMR_TRY(read_prefixed(r, &row, err));
    if (WB_UNLIKELY(!(r->module->features >> row->feature & 1)))
        return wb_fail_feature((wb_feature)row->feature, offset, err);
    BEAMR_TRY(read_immediates(r, row, offset, out, err));
    out->op = (wb_op)(row->op - 1);
    out->offset = offset;
    return BEAMR_OK;
}

/* ---- Lists ---- */

/* A number that was found well-formed before. */
static uint32_t next_u32(const uint8_t **cursor)
{
    const uint8_t *p = *cursor;
    uint32_t value = 0;
    unsigned shift = 0;

    while (*p >= 0x80) {
        value |= (uint32_t)(*p++ & 0x7f) << shift;
        shift += 7;
    }
    value |= (uint32_t)*p++ << shift;
    *cursor = p;
    return value;
}

uint32_t wb_label_next(const uint8_t **cursor)
{
    return next_u32(cursor);
}

wb_catch_clause wb_catch_next(const uint8_t **cursor)
{
    wb_catch_clause clause = {.kind = (wb_catch_kind) * (*cursor)++};

    if (clause.kind == WB_CATCH || clause.kind == WB_CATCH_REF)
        clause.tag = next_u32(cursor);
    clause.label = next_u32(cursor);
    return clause;
}
