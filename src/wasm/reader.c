/* Reading the values that the binary format is made of: numbers, vectors, names, types.
 * Instructions are in opcode.c, sections in decode_*.c.
 * Source: Core, "Binary Format", "Values" and "Types". */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "wasm/internal.h"

/* ---- Failures ---- */

beamr_status wb_fail_end(const wb_reader *r, beamr_error *err)
{
    return beamr_fail(err, BEAMR_MALFORMED, (uint64_t)(r->end - r->base),
                      "unexpected end of section or function");
}

beamr_status wb_fail_memory(const char *what, beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for %s", what);
}

/* ---- Numbers ---- */

/* The last byte that a number of `bits` may take: does it say more than the width holds?
 *   used  bits of the width that this byte has */
static inline bool leb_is_too_large(uint8_t last, unsigned used, bool is_signed)
{
    uint8_t above;

    if (!is_signed)
        return (last >> used) != 0;
    above = (uint8_t)(0x7fu & (0xffu << (used - 1))); /* the sign, and all copies of it */
    return (last & above) != 0 && (last & above) != above;
}

/* Inlined with constant `bits` and `is_signed` into one function for each kind of number. */
static inline __attribute__((always_inline)) beamr_status
read_leb(wb_reader *r, unsigned bits, bool is_signed, uint64_t *out, beamr_error *err)
{
    const uint8_t *start = r->next;
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    for (;;) {
        if (r->next == r->end)
            return wb_fail_end(r, err);
        byte = *r->next++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (shift + 7 >= bits)
            break;
        shift += 7;
        if (byte < 0x80) {
            if (is_signed && (byte & 0x40))
                value |= ~(uint64_t)0 << shift;
            *out = value;
            return BEAMR_OK;
        }
    }
    if (byte >= 0x80)
        return beamr_fail(err, BEAMR_MALFORMED, (uint64_t)(start - r->base),
                          "integer representation too long: more bytes than %u bits take",
                          bits);
    if (leb_is_too_large(byte, bits - shift, is_signed))
        return beamr_fail(err, BEAMR_MALFORMED, (uint64_t)(start - r->base),
                          "integer too large: it does not fit %u bits", bits);
    if (is_signed && (byte & 0x40) && shift + 7 < 64)
        value |= ~(uint64_t)0 << (shift + 7);
    *out = value;
    return BEAMR_OK;
}

beamr_status wb_read_u32_long(wb_reader *r, uint32_t *out, beamr_error *err)
{
    uint64_t value = 0;

    BEAMR_TRY(read_leb(r, 32, false, &value, err));
    *out = (uint32_t)value;
    return BEAMR_OK;
}

beamr_status wb_read_u64_long(wb_reader *r, uint64_t *out, beamr_error *err)
{
    return read_leb(r, 64, false, out, err);
}

beamr_status wb_read_s32_long(wb_reader *r, int32_t *out, beamr_error *err)
{
    uint64_t value = 0;

    BEAMR_TRY(read_leb(r, 32, true, &value, err));
    *out = (int32_t)value;
    return BEAMR_OK;
}

beamr_status wb_read_s33_long(wb_reader *r, int64_t *out, beamr_error *err)
{
    uint64_t value = 0;

    BEAMR_TRY(read_leb(r, 33, true, &value, err));
    *out = (int64_t)value;
    return BEAMR_OK;
}

beamr_status wb_read_s64_long(wb_reader *r, int64_t *out, beamr_error *err)
{
    uint64_t value = 0;

    BEAMR_TRY(read_leb(r, 64, true, &value, err));
    *out = (int64_t)value;
    return BEAMR_OK;
}

/* ---- Vectors and names ---- */

beamr_status wb_read_count(wb_reader *r, wb_limit limit, uint32_t min_bytes, uint32_t *out,
                           beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    uint32_t count;

    BEAMR_TRY(wb_read_u32(r, &count, err));
    if ((uint64_t)count * min_bytes > wb_reader_left(r))
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "unexpected end of section or function: %" PRIu32
                          " entries are announced, %zu bytes are left",
                          count, wb_reader_left(r));
    BEAMR_TRY(wb_limit_check(limit, count, offset, err));
    *out = count;
    return BEAMR_OK;
}

beamr_status wb_read_bytes(wb_reader *r, uint32_t len, beamr_bytes *out, beamr_error *err)
{
    if (len > wb_reader_left(r))
        return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(r),
                          "length out of bounds: %" PRIu32 " bytes are announced, %zu are left "
                          "(unexpected end)",
                          len, wb_reader_left(r));
    *out = (beamr_bytes){r->next, len};
    r->next += len;
    return BEAMR_OK;
}

beamr_status wb_read_name(wb_reader *r, beamr_bytes *out, beamr_error *err)
{
    uint32_t len, offset;
    beamr_bytes name;

    BEAMR_TRY(wb_read_u32(r, &len, err));
    offset = wb_reader_offset(r);
    BEAMR_TRY(wb_read_bytes(r, len, &name, err));
    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_NAME_SIZE, len, offset, err));
    if (!utf8_is_valid(name))
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed UTF-8 encoding of a name");
    *out = name;
    return BEAMR_OK;
}

/* ---- Types ---- */

/* Abstract heap types, 0x69 to 0x74, and the features that each needs. */
static const struct {
    uint8_t heap;
    wb_features need;
} abstract_heaps[] = {
    [0x69 - 0x69] = {WB_HEAP_EXN, WB_FEATURE_BIT(EXCEPTIONS)},
    [0x6a - 0x69] = {WB_HEAP_ARRAY, WB_FEATURE_BIT(GC)},
    [0x6b - 0x69] = {WB_HEAP_STRUCT, WB_FEATURE_BIT(GC)},
    [0x6c - 0x69] = {WB_HEAP_I31, WB_FEATURE_BIT(GC)},
    [0x6d - 0x69] = {WB_HEAP_EQ, WB_FEATURE_BIT(GC)},
    [0x6e - 0x69] = {WB_HEAP_ANY, WB_FEATURE_BIT(GC)},
    [0x6f - 0x69] = {WB_HEAP_EXTERN, WB_FEATURE_BIT(REFERENCE_TYPES)},
    [0x70 - 0x69] = {WB_HEAP_FUNC, 0},
    [0x71 - 0x69] = {WB_HEAP_NONE, WB_FEATURE_BIT(GC)},
    [0x72 - 0x69] = {WB_HEAP_NOEXTERN, WB_FEATURE_BIT(SUBTYPING)},
    [0x73 - 0x69] = {WB_HEAP_NOFUNC, WB_FEATURE_BIT(SUBTYPING)},
    [0x74 - 0x69] = {WB_HEAP_NOEXN, WB_FEATURE_BIT(EXCEPTIONS) | WB_FEATURE_BIT(SUBTYPING)},
};

static bool is_abstract_heap(uint8_t byte)
{
    return byte >= 0x69 && byte <= 0x74;
}

static beamr_status read_abstract(wb_reader *r, uint32_t *heap, wb_features *used,
                                  beamr_error *err)
{
    unsigned row = *r->next - 0x69u;

    BEAMR_TRY(
        wb_features_need(r->module, abstract_heaps[row].need, used, wb_reader_offset(r), err));
    r->next++;
    *heap = abstract_heaps[row].heap;
    return BEAMR_OK;
}

/* Number of a defined type. Inside the type section, what is not in the registry yet becomes a
 * position in the group; how far that may go is checked when the group is complete. */
static beamr_status resolve_type(const wb_reader *r, const wb_type_scope *scope, int64_t index,
                                 uint32_t offset, uint32_t *heap, beamr_error *err)
{
    if (scope && index >= scope->group_first) {
        int64_t position = index - scope->group_first;

        *heap = WB_HEAP_REC +
                (uint32_t)(position < WB_TYPE_POSITION_MAX ? position : WB_TYPE_POSITION_MAX);
        return BEAMR_OK;
    }
    if (index >= r->module->type_count)
        return beamr_fail(err, BEAMR_INVALID, offset,
                          "unknown type %" PRIi64 ": the module has %" PRIu32, index,
                          r->module->type_count);
    *heap = WB_HEAP_DEFINED + r->module->types[index].canon;
    return BEAMR_OK;
}

beamr_status wb_read_heaptype(wb_reader *r, const wb_type_scope *scope, uint32_t *heap,
                              wb_features *used, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    int64_t index;

    if (r->next == r->end)
        return wb_fail_end(r, err);
    if (is_abstract_heap(*r->next))
        return read_abstract(r, heap, used, err);
    BEAMR_TRY(wb_read_s33_long(r, &index, err));
    if (index < 0)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed heap type");
    BEAMR_TRY(
        wb_features_need(r->module, WB_FEATURE_BIT(FUNCTION_REFERENCES), used, offset, err));
    return resolve_type(r, scope, index, offset, heap, err);
}

beamr_status wb_read_reftype(wb_reader *r, const wb_type_scope *scope, wb_valtype *out,
                             wb_features *used, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    bool is_nullable = true;
    uint32_t heap;

    if (r->next == r->end)
        return wb_fail_end(r, err);
    if (is_abstract_heap(*r->next)) {
        BEAMR_TRY(read_abstract(r, &heap, used, err));
    } else if (*r->next == 0x63 || *r->next == 0x64) {
        is_nullable = *r->next++ == 0x63;
        BEAMR_TRY(wb_read_heaptype(r, scope, &heap, used, err));
        BEAMR_TRY(wb_features_need(r->module, WB_FEATURE_BIT(FUNCTION_REFERENCES), used, offset,
                                   err));
    } else {
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed reference type 0x%02x",
                          *r->next);
    }
    *out = WB_REFTYPE(is_nullable, heap);
    return BEAMR_OK;
}

beamr_status wb_read_valtype(wb_reader *r, const wb_type_scope *scope, wb_valtype *out,
                             wb_features *used, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(r);
    uint8_t byte = r->next == r->end ? 0 : *r->next;

    if (byte >= 0x7c && byte <= 0x7f) {
        r->next++;
        *out = WB_VALTYPE(WB_KIND_I32 + (0x7fu - byte));
        return BEAMR_OK;
    }
    if (byte == 0x7b) {
        BEAMR_TRY(wb_features_need(r->module, WB_FEATURE_BIT(SIMD), used, offset, err));
        r->next++;
        *out = WB_V128;
        return BEAMR_OK;
    }
    if (r->next != r->end && !is_abstract_heap(byte) && byte != 0x63 && byte != 0x64)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed value type 0x%02x", byte);
    BEAMR_TRY(wb_read_reftype(r, scope, out, used, err));
    return wb_features_need(r->module, WB_FEATURE_BIT(REFERENCE_TYPES), used, offset, err);
}

/* ---- Expressions ---- */

beamr_status wb_read_expr(wb_reader *r, wb_expr *out, beamr_error *err)
{
    const uint8_t *start = r->next;
    uint32_t depth = 0;
    wb_instr instr;

    for (;;) {
        BEAMR_TRY(wb_instr_read(r, &instr, err));
        switch (instr.op) {
        case WB_OP_BLOCK:
        case WB_OP_LOOP:
        case WB_OP_IF:
        case WB_OP_TRY:
        case WB_OP_TRY_TABLE:
            depth++;
            break;
        case WB_OP_DELEGATE:
            if (depth == 0)
                return beamr_fail(err, BEAMR_MALFORMED, instr.offset, "delegate without try");
            depth--;
            break;
        case WB_OP_END:
            if (depth-- == 0) {
                *out = (wb_expr){start, (uint32_t)(r->next - start)};
                return BEAMR_OK;
            }
            break;
        default:
            break;
        }
    }
}
