/* Validation of a decoded module: what holds of its parts, one function for each, and constant
 * expressions. Function bodies come last, since a ref.func in one needs to know what the rest
 * of the module names; they are in validate_body.c. The decoder has checked counts, encodings
 * and the types of functions; the features of types and sections too. Everything takes time
 * linear in the module, but for the names of exports, which are sorted. Source: Core, "Modules"
 * (validation). */
#include "wasm/validate.h"

#include <stdlib.h>
#include <string.h>

/* Section ids, where an error has no more exact place. */
enum {
    SECTION_IMPORT = 2,
    SECTION_TABLE = 4,
    SECTION_MEMORY = 5,
    SECTION_GLOBAL = 6,
    SECTION_ELEM = 9,
    SECTION_DATA = 11,
    SECTION_TAG = 13,
};

static uint32_t section_offset(const wb_module *m, uint8_t id)
{
    for (uint32_t i = 0; i < m->section_count; i++)
        if (m->sections[i].id == id)
            return m->sections[i].offset;
    return 0;
}

/* Where definitions of a section stand, and, in [1], imports. */
static void find_places(const wb_module *m, uint8_t id, uint32_t out[2])
{
    out[0] = section_offset(m, id);
    out[1] = section_offset(m, SECTION_IMPORT);
}

/* ---- Constant expressions ---- */

static bool is_extended(wb_op op)
{
    return op == WB_OP_I32_ADD || op == WB_OP_I32_SUB || op == WB_OP_I32_MUL ||
           op == WB_OP_I64_ADD || op == WB_OP_I64_SUB || op == WB_OP_I64_MUL;
}

static bool is_constant(wb_op op)
{
    return op == WB_OP_I32_CONST || op == WB_OP_I64_CONST || op == WB_OP_F32_CONST ||
           op == WB_OP_F64_CONST || op == WB_OP_V128_CONST;
}

static beamr_status use_extended(wb_checker *c)
{
    return wb_features_need(c->m, WB_FEATURE_BIT(EXTENDED_CONST), &c->used, c->in.offset,
                            c->err);
}

/* A constant global.get: `visible` globals stand before this place. */
static beamr_status check_const_global(wb_checker *c, uint32_t visible)
{
    const wb_module *m = c->m;

    if (c->in.index >= visible)
        return WB_INVALID(c, "unknown global %u: %u can be named here", c->in.index, visible);
    if (m->globals[c->in.index].type.is_mutable)
        return WB_INVALID(c, "constant expression required: global %u is mutable", c->in.index);
    if (c->in.index >= m->global_imports)
        BEAMR_TRY(use_extended(c));
    return wb_check_push(c, m->globals[c->in.index].type.type);
}

/* A constant ref.func allows bodies to name the function too. */
static beamr_status check_const_func(wb_checker *c)
{
    wb_func *f;

    BEAMR_TRY(wb_check_index(c, "function", c->in.index, c->m->func_count));
    f = &c->m->funcs[c->in.index];
    f->is_declared_ref = true;
    return wb_check_push(c, wb_check_typed_ref(c, false, f->type));
}

static beamr_status check_const_instr(wb_checker *c, uint32_t visible)
{
    wb_op op = c->in.op;

    if (is_extended(op))
        BEAMR_TRY(use_extended(c));
    else if (op == WB_OP_GLOBAL_GET)
        return check_const_global(c, visible);
    else if (op == WB_OP_REF_FUNC)
        return check_const_func(c);
    else if (op == WB_OP_REF_NULL) {
        wb_check_note_type(c, c->in.type);
        return wb_check_push(c, c->in.type);
    } else if (!is_constant(op))
        return WB_INVALID(c, "constant expression required: %s is not constant",
                          wb_check_text(c));
    return wb_check_signature(c, &c->rules[op]);
}

/* Check a constant expression, which gives a value of type `want`.
 *   visible  globals that it may name: those before it */
static beamr_status check_const(wb_checker *c, wb_expr expr, wb_valtype want, uint32_t visible)
{
    wb_reader reader = {c->m, c->m->bytes.data, expr.data, expr.data + expr.len};
    wb_frame frame = {.op = WB_OP_BLOCK, .result = want};

    wb_checker_reset(c);
    BEAMR_TRY(wb_check_push_frame(c, &frame));
    for (;;) {
        BEAMR_TRY(wb_instr_read(&reader, &c->in, c->err));
        c->used |= 1u << wb_op_table[c->in.op].feature;
        if (c->in.op == WB_OP_END)
            break;
        BEAMR_TRY(check_const_instr(c, visible));
    }
    BEAMR_TRY(wb_check_pop(c, want));
    if (c->height > 0)
        return WB_INVALID(c, "type mismatch: a constant expression leaves %u values too many",
                          c->height);
    if (reader.next != reader.end)
        return beamr_fail(c->err, BEAMR_MALFORMED, wb_module_offset(c->m, reader.next),
                          "%zu bytes behind the end of a constant expression",
                          (size_t)(reader.end - reader.next));
    return BEAMR_OK;
}

/* ---- Memories, tables, globals, tags ---- */

/* The sizes are in order and at most `bound`. */
static beamr_status check_limits(wb_checker *c, wb_limits limits, uint64_t bound,
                                 const char *what, uint32_t index, uint32_t offset)
{
    uint64_t most = limits.has_max && limits.max > limits.min ? limits.max : limits.min;

    if (limits.has_max && limits.min > limits.max)
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "size minimum must not be greater than maximum: %s %u has %llu "
                          "and %llu",
                          what, index, (unsigned long long)limits.min,
                          (unsigned long long)limits.max);
    if (most > bound)
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "%s size must be at most %llu: %s %u has %llu", what,
                          (unsigned long long)bound, what, index, (unsigned long long)most);
    return BEAMR_OK;
}

static beamr_status check_memories(wb_checker *c)
{
    wb_module *m = c->m;
    uint32_t places[2];

    find_places(m, SECTION_MEMORY, places);
    for (uint32_t i = 0; i < m->memory_count; i++) {
        wb_limits limits = m->memories[i].limits;
        uint64_t pages = limits.is64 ? (uint64_t)1 << 48 : (uint64_t)1 << 16;

        BEAMR_TRY(check_limits(c, limits, pages, "memory", i, places[i < m->memory_imports]));
    }
    if (m->memory_count < 2)
        return BEAMR_OK;
    return wb_features_need(m, WB_FEATURE_BIT(MULTI_MEMORY), &c->used,
                            places[m->memory_imports > 1], c->err);
}

static beamr_status check_table(wb_checker *c, uint32_t index, uint32_t offset)
{
    const wb_module *m = c->m;
    const wb_table *table = &m->tables[index];
    wb_limits limits = table->type.limits;
    wb_valtype elem = table->type.elem;
    char text[64];

    BEAMR_TRY(
        check_limits(c, limits, limits.is64 ? UINT64_MAX : UINT32_MAX, "table", index, offset));
    if (index < m->table_imports)
        return BEAMR_OK;
    /* Tables stand before the globals of the module, and can name imported ones only. */
    if (table->init.len)
        return check_const(c, table->init, elem, m->global_imports);
    if (!wb_valtype_has_default(elem))
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "type mismatch: table %u of %s needs an initial value, null is none",
                          index, wb_valtype_text(elem, text, sizeof text));
    return BEAMR_OK;
}

static beamr_status check_tables(wb_checker *c)
{
    wb_module *m = c->m;
    uint32_t places[2];

    find_places(m, SECTION_TABLE, places);
    for (uint32_t i = 0; i < m->table_count; i++)
        BEAMR_TRY(check_table(c, i, places[i < m->table_imports]));
    if (m->table_count < 2)
        return BEAMR_OK;
    return wb_features_need(m, WB_FEATURE_BIT(REFERENCE_TYPES), &c->used,
                            places[m->table_imports > 1], c->err);
}

static beamr_status check_globals(wb_checker *c)
{
    const wb_module *m = c->m;

    for (uint32_t i = m->global_imports; i < m->global_count; i++)
        BEAMR_TRY(check_const(c, m->globals[i].init, m->globals[i].type.type, i));
    return BEAMR_OK;
}

static beamr_status check_tags(wb_checker *c)
{
    const wb_module *m = c->m;
    uint32_t places[2];

    find_places(m, SECTION_TAG, places);
    for (uint32_t i = 0; i < m->tag_count; i++) {
        uint32_t offset = places[i < m->tag_imports];

        if (m->tags[i].type >= m->type_count)
            return beamr_fail(c->err, BEAMR_INVALID, offset,
                              "unknown type %u: tag %u names it, there are %u", m->tags[i].type,
                              i, m->type_count);
        if (m->types[m->tags[i].type].func->result_count)
            return beamr_fail(c->err, BEAMR_INVALID, offset,
                              "non-empty tag result type: tag %u has type %u", i,
                              m->tags[i].type);
    }
    return BEAMR_OK;
}

/* ---- Segments ---- */

static beamr_status check_active_elem(wb_checker *c, uint32_t index)
{
    const wb_module *m = c->m;
    const wb_elem *elem = &m->elems[index];
    const wb_tabletype *table;
    char want[64], found[64];
    uint32_t offset = wb_module_offset(m, elem->offset.data);

    if (elem->table >= m->table_count)
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "unknown table %u: element segment %u names it, there are %u",
                          elem->table, index, m->table_count);
    table = &m->tables[elem->table].type;
    if (!wb_valtype_matches(m->registry, elem->type, table->elem))
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "type mismatch: table %u needs %s, element segment %u has %s",
                          elem->table, wb_valtype_text(table->elem, want, sizeof want), index,
                          wb_valtype_text(elem->type, found, sizeof found));
    return check_const(c, elem->offset, wb_address_type(table->limits), m->global_count);
}

static beamr_status check_elem(wb_checker *c, uint32_t index)
{
    const wb_module *m = c->m;
    const wb_elem *elem = &m->elems[index];

    for (uint32_t i = 0; i < elem->count && elem->funcs; i++) {
        if (elem->funcs[i] >= m->func_count)
            return beamr_fail(c->err, BEAMR_INVALID, section_offset(m, SECTION_ELEM),
                              "unknown function %u: element %u of segment %u, there are %u",
                              elem->funcs[i], i, index, m->func_count);
        m->funcs[elem->funcs[i]].is_declared_ref = true;
    }
    for (uint32_t i = 0; i < elem->count && elem->exprs; i++)
        BEAMR_TRY(check_const(c, elem->exprs[i], elem->type, m->global_count));
    return elem->mode == WB_SEGMENT_ACTIVE ? check_active_elem(c, index) : BEAMR_OK;
}

static beamr_status check_elems(wb_checker *c)
{
    for (uint32_t i = 0; i < c->m->elem_count; i++)
        BEAMR_TRY(check_elem(c, i));
    return BEAMR_OK;
}

static beamr_status check_datas(wb_checker *c)
{
    const wb_module *m = c->m;

    for (uint32_t i = 0; i < m->data_count; i++) {
        const wb_data *data = &m->datas[i];

        if (data->mode != WB_SEGMENT_ACTIVE)
            continue;
        if (data->memory >= m->memory_count)
            return beamr_fail(c->err, BEAMR_INVALID, wb_module_offset(m, data->offset.data),
                              "unknown memory %u: data segment %u names it, there are %u",
                              data->memory, i, m->memory_count);
        BEAMR_TRY(check_const(c, data->offset,
                              wb_address_type(m->memories[data->memory].limits),
                              m->global_count));
    }
    return BEAMR_OK;
}

/* ---- Start and exports ---- */

static beamr_status check_start(wb_checker *c)
{
    const wb_module *m = c->m;
    const wb_functype *type;
    char text[128];

    if (!m->has_start)
        return BEAMR_OK;
    if (m->start >= m->func_count)
        return beamr_fail(c->err, BEAMR_INVALID, m->start_offset,
                          "unknown function %u: the start section names it, there are %u",
                          m->start, m->func_count);
    type = wb_module_functype(m, m->start);
    if (type->param_count || type->result_count)
        return beamr_fail(c->err, BEAMR_INVALID, m->start_offset,
                          "start function %u must have type [] -> [], it has %s", m->start,
                          wb_functype_text(type, text, sizeof text));
    return BEAMR_OK;
}

static beamr_status check_export(wb_checker *c, const wb_export *export)
{
    static const char *const texts[WB_EXTERN_COUNT] = {"function", "table", "memory", "global",
                                                       "tag"};
    wb_module *m = c->m;
    const uint32_t counts[WB_EXTERN_COUNT] = {m->func_count, m->table_count, m->memory_count,
                                              m->global_count, m->tag_count};
    uint32_t offset = wb_module_offset(m, export->name.data);

    if (export->index >= counts[export->kind])
        return beamr_fail(c->err, BEAMR_INVALID, offset,
                          "unknown %s %u: an export names it, there are %u",
                          texts[export->kind], export->index, counts[export->kind]);
    if (export->kind == WB_EXTERN_FUNC)
        m->funcs[export->index].is_declared_ref = true;
    if (export->kind == WB_EXTERN_GLOBAL && m->globals[export->index].type.is_mutable)
        return wb_features_need(m, WB_FEATURE_BIT(MUTABLE_GLOBALS), &c->used, offset, c->err);
    return BEAMR_OK;
}

/* By length, then by bytes, then by place in the module, which is also their place in memory.
 */
static int compare_names(const void *a, const void *b)
{
    const beamr_bytes *x = a, *y = b;
    int order;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    order = x->len ? memcmp(x->data, y->data, x->len) : 0;
    if (order != 0)
        return order;
    return (x->data > y->data) - (x->data < y->data);
}

/* A name as one line of text, cut to fit. */
static const char *name_text(beamr_bytes name, char *buf, size_t size)
{
    size_t len = name.len < size - 1 ? name.len : size - 1;

    for (size_t i = 0; i < len; i++)
        buf[i] = (char)(name.data[i] >= 0x20 && name.data[i] < 0x7f ? name.data[i] : '?');
    buf[len] = '\0';
    return buf;
}

/* Sorting rather than hashing, since whoever makes the module chooses the names. */
static beamr_status check_names(wb_checker *c, beamr_bytes *names)
{
    const wb_module *m = c->m;
    char text[64];

    for (uint32_t i = 0; i < m->export_count; i++)
        names[i] = m->exports[i].name;
    qsort(names, m->export_count, sizeof *names, compare_names);
    for (uint32_t i = 1; i < m->export_count; i++)
        if (names[i].len == names[i - 1].len &&
            (names[i].len == 0 || memcmp(names[i].data, names[i - 1].data, names[i].len) == 0))
            return beamr_fail(c->err, BEAMR_INVALID, wb_module_offset(m, names[i].data),
                              "duplicate export name \"%s\"",
                              name_text(names[i], text, sizeof text));
    return BEAMR_OK;
}

static beamr_status check_exports(wb_checker *c)
{
    const wb_module *m = c->m;
    beamr_bytes *names;
    beamr_status st;

    for (uint32_t i = 0; i < m->export_count; i++)
        BEAMR_TRY(check_export(c, &m->exports[i]));
    if (m->export_count < 2)
        return BEAMR_OK;
    if (!(names = malloc(m->export_count * sizeof *names)))
        return wb_fail_memory("the names of exports", c->err);
    st = check_names(c, names);
    free(names);
    return st;
}

/* ---- The module ---- */

static beamr_status check_module(wb_checker *c)
{
    BEAMR_TRY(check_memories(c));
    BEAMR_TRY(check_tables(c));
    BEAMR_TRY(check_globals(c));
    BEAMR_TRY(check_tags(c));
    BEAMR_TRY(check_elems(c));
    BEAMR_TRY(check_datas(c));
    BEAMR_TRY(check_start(c));
    BEAMR_TRY(check_exports(c));
    return wb_check_bodies(c);
}

beamr_status wb_validate(wb_module *m, beamr_error *err)
{
    wb_checker c = {.m = m, .err = err};
    beamr_status st;

    wb_check_init_rules(&c);
    st = check_module(&c);
    if (st == BEAMR_OK)
        m->used |= c.used;
    wb_checker_clear(&c);
    return st;
}
