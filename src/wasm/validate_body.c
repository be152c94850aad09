/* Typing rules of function bodies: the loop over instructions, rows of opcode.def that have a
 * signature, locals, globals, tables, memories and references.
 *
 * Locals: a module may declare 50,000 locals in each of a million functions with three bytes
 * apiece, so their types are spread out only as far as the body is long in bytes; the type of a
 * local beyond is found in the runs by bisection. Whether a local without a default is set is
 * kept in one array that all functions share: each marks it with its own number, and an undo
 * log takes back what a block has set when it ends. Source: Core, "Instructions" (validation),
 * "Validation Algorithm". */
#include "wasm/validate.h"

#include <assert.h>
#include <string.h>

/* ---- Signatures ---- */

/* What an immediate names, and whether it gives the address type. */
enum {
    ACCESS_NONE,
    ACCESS_MEMORY, /* index of a memory */
    ACCESS_BYTES,  /* alignment, memory, offset */
    ACCESS_DATA,
    ACCESS_ELEM,
};

static uint8_t kind_of_letter(char letter)
{
    switch (letter) {
    case 'i':
        return WB_KIND_I32;
    case 'l':
        return WB_KIND_I64;
    case 'f':
        return WB_KIND_F32;
    case 'd':
        return WB_KIND_F64;
    case 'v':
        return WB_KIND_V128;
    default:
        assert(letter == 'a');
        return WB_RULE_ADDRESS;
    }
}

static void set_access(wb_rule *rule, wb_imm imm)
{
    switch (imm) {
    case WB_IMM_MEM:
        rule->access = ACCESS_MEMORY;
        break;
    case WB_IMM_DATA:
        rule->access = ACCESS_DATA;
        break;
    case WB_IMM_ELEM:
        rule->access = ACCESS_ELEM;
        break;
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
    case WB_IMM_MEM16:
        rule->access = ACCESS_BYTES;
        rule->align = (uint8_t)(imm - WB_IMM_MEM1);
        break;
    case WB_IMM_MEM1_LANE:
    case WB_IMM_MEM2_LANE:
    case WB_IMM_MEM4_LANE:
    case WB_IMM_MEM8_LANE:
        rule->access = ACCESS_BYTES;
        rule->align = (uint8_t)(imm - WB_IMM_MEM1_LANE);
        break;
    default:
        break;
    }
}

void wb_check_init_rules(wb_checker *c)
{
    for (int op = 0; op < WB_OP_COUNT; op++) {
        const wb_op_info *info = &wb_op_table[op];
        wb_rule *rule = &c->rules[op];
        const char *at = info->sig;

        *rule = (wb_rule){.feature = info->feature};
        set_access(rule, (wb_imm)info->imm);
        if (strcmp(at, "SPECIAL") == 0) {
            rule->is_special = true;
            continue;
        }
        for (; *at != '_'; at++) {
            assert(rule->pop_count < 3);
            rule->pops[rule->pop_count++] = kind_of_letter(*at);
        }
        rule->push = at[1] ? kind_of_letter(at[1]) : (uint8_t)WB_KIND_NONE;
    }
}

static beamr_status check_memory(wb_checker *c, uint32_t index, wb_valtype *address)
{
    BEAMR_TRY(wb_check_index(c, "memory", index, c->m->memory_count));
    *address = wb_address_type(c->m->memories[index].limits);
    return BEAMR_OK;
}

static beamr_status check_data(wb_checker *c, uint32_t index)
{
    if (!c->m->has_data_count)
        return beamr_fail(c->err, BEAMR_MALFORMED, c->in.offset,
                          "data count section required: %s names data segment %u",
                          wb_check_text(c), index);
    return wb_check_index(c, "data segment", index, c->m->data_count);
}

static beamr_status check_elem(wb_checker *c, uint32_t index)
{
    return wb_check_index(c, "elem segment", index, c->m->elem_count);
}

static beamr_status check_bytes(wb_checker *c, const wb_rule *rule, wb_valtype *address)
{
    BEAMR_TRY(check_memory(c, c->in.mem.memory, address));
    if (c->in.mem.align > rule->align)
        return WB_INVALID(
            c, "alignment must not be larger than natural: %s with 2^%u, at most 2^%u",
            wb_check_text(c), c->in.mem.align, rule->align);
    if (*address == WB_I32 && c->in.mem.offset > UINT32_MAX)
        return WB_INVALID(c, "offset out of range: %s at %llu in a memory of 32-bit addresses",
                          wb_check_text(c), (unsigned long long)c->in.mem.offset);
    return BEAMR_OK;
}

/* Check what the immediate of an instruction with a signature names. */
static beamr_status check_access(wb_checker *c, const wb_rule *rule, wb_valtype *address)
{
    switch (rule->access) {
    case ACCESS_BYTES:
        return check_bytes(c, rule, address);
    case ACCESS_MEMORY:
        return check_memory(c, c->in.index, address);
    case ACCESS_DATA:
        return check_data(c, c->in.index);
    default:
        return check_elem(c, c->in.index);
    }
}

beamr_status wb_check_signature(wb_checker *c, const wb_rule *rule)
{
    wb_valtype address = WB_I32;

    if (rule->access != ACCESS_NONE)
        BEAMR_TRY(check_access(c, rule, &address));
    for (uint32_t i = rule->pop_count; i-- > 0;) {
        uint8_t kind = rule->pops[i];

        BEAMR_TRY(wb_check_pop(c, kind == WB_RULE_ADDRESS ? address : kind));
    }
    if (rule->push == WB_KIND_NONE)
        return BEAMR_OK;
    return wb_check_push(c, rule->push == WB_RULE_ADDRESS ? address : rule->push);
}

/* ---- Locals ---- */

/* Count up the runs, for locals that are not spread out. */
static beamr_status sum_runs(wb_checker *c)
{
    const wb_func *f = c->func;
    uint32_t sum = 0;

    if (f->run_count > c->run_room) {
        uint32_t *ends =
            wb_check_grow(c, c->run_ends, &c->run_room, sizeof *ends, f->run_count);

        if (!ends)
            return BEAMR_NO_MEMORY;
        c->run_ends = ends;
    }
    for (uint32_t i = 0; i < f->run_count; i++)
        c->run_ends[i] = sum += f->runs[i].count;
    return BEAMR_OK;
}

/* Prepare the types of the function's locals, in time linear in its bytes. */
static beamr_status begin_locals(wb_checker *c)
{
    const wb_func *f = c->func;
    uint32_t flat = f->local_count < f->body_len ? f->local_count : f->body_len;
    uint32_t n = flat < c->type->param_count ? flat : c->type->param_count;

    c->mark++;
    c->local_flat = flat;
    if (flat > c->local_room) {
        wb_valtype *types =
            wb_check_grow(c, c->local_types, &c->local_room, sizeof *types, flat);

        if (!types)
            return BEAMR_NO_MEMORY;
        c->local_types = types;
    }
    for (uint32_t i = 0; i < n; i++)
        c->local_types[i] = c->type->params[i];
    for (uint32_t run = 0; run < f->run_count && n < flat; run++)
        for (uint32_t i = 0; i < f->runs[run].count && n < flat; i++)
            c->local_types[n++] = f->runs[run].type;
    return flat < f->local_count ? sum_runs(c) : BEAMR_OK;
}

/* Type of a declared local that is not spread out; `index` counts without the parameters. */
static wb_valtype find_in_runs(const wb_checker *c, uint32_t index)
{
    uint32_t low = 0, high = c->func->run_count - 1;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (index < c->run_ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return c->func->runs[low].type;
}

static beamr_status find_local(wb_checker *c, uint32_t index, wb_valtype *type)
{
    if (index < c->local_flat) {
        *type = c->local_types[index];
        return BEAMR_OK;
    }
    BEAMR_TRY(wb_check_index(c, "local", index, c->func->local_count));
    if (index < c->type->param_count)
        *type = c->type->params[index];
    else
        *type = find_in_runs(c, index - c->type->param_count);
    return BEAMR_OK;
}

static bool is_set(const wb_checker *c, uint32_t local)
{
    return local < c->type->param_count ||
           (local < c->mark_room && c->set_marks[local] == c->mark);
}

/* Remember that a local without a default has been set. */
static beamr_status note_set(wb_checker *c, uint32_t local)
{
    if (is_set(c, local))
        return BEAMR_OK;
    if (local >= c->mark_room) {
        uint32_t old = c->mark_room;
        uint32_t *marks =
            wb_check_grow(c, c->set_marks, &c->mark_room, sizeof *marks, local + 1);

        if (!marks)
            return BEAMR_NO_MEMORY;
        c->set_marks = marks;
        memset(marks + old, 0, (c->mark_room - old) * sizeof *marks);
    }
    if (c->undo_count == c->undo_room) {
        uint32_t *undo =
            wb_check_grow(c, c->undo, &c->undo_room, sizeof *undo, c->undo_count + 1);

        if (!undo)
            return BEAMR_NO_MEMORY;
        c->undo = undo;
    }
    c->set_marks[local] = c->mark;
    c->undo[c->undo_count++] = local;
    return BEAMR_OK;
}

void wb_check_undo_locals(wb_checker *c, uint32_t length)
{
    while (c->undo_count > length)
        c->set_marks[c->undo[--c->undo_count]] = 0;
}

static beamr_status check_local_get(wb_checker *c)
{
    wb_valtype type;

    BEAMR_TRY(find_local(c, c->in.index, &type));
    if (!wb_valtype_has_default(type) && !is_set(c, c->in.index))
        return WB_INVALID(c,
                          "uninitialized local %u: its type has no default, and it is not "
                          "set before",
                          c->in.index);
    return wb_check_push(c, type);
}

static beamr_status check_local_set(wb_checker *c)
{
    wb_valtype type;

    BEAMR_TRY(find_local(c, c->in.index, &type));
    BEAMR_TRY(wb_check_pop(c, type));
    if (!wb_valtype_has_default(type))
        BEAMR_TRY(note_set(c, c->in.index));
    return c->in.op == WB_OP_LOCAL_TEE ? wb_check_push(c, type) : BEAMR_OK;
}

/* ---- Globals ---- */

static beamr_status check_global_get(wb_checker *c)
{
    BEAMR_TRY(wb_check_index(c, "global", c->in.index, c->m->global_count));
    return wb_check_push(c, c->m->globals[c->in.index].type.type);
}

static beamr_status check_global_set(wb_checker *c)
{
    const wb_globaltype *global;

    BEAMR_TRY(wb_check_index(c, "global", c->in.index, c->m->global_count));
    global = &c->m->globals[c->in.index].type;
    if (!global->is_mutable)
        return WB_INVALID(c, "immutable global %u: it cannot be set", c->in.index);
    return wb_check_pop(c, global->type);
}

/* ---- Operands and references ---- */

void wb_check_note_type(wb_checker *c, wb_valtype type)
{
    uint32_t heap = wb_valtype_heap(type);

    if (!wb_valtype_is_ref(type))
        return;
    c->used |= WB_FEATURE_BIT(REFERENCE_TYPES);
    if (heap == WB_HEAP_EXN || heap == WB_HEAP_NOEXN)
        c->used |= WB_FEATURE_BIT(EXCEPTIONS);
    else if (!wb_valtype_is_nullable(type) || (heap != WB_HEAP_FUNC && heap != WB_HEAP_EXTERN))
        c->used |= WB_FEATURE_BIT(FUNCTION_REFERENCES);
}

static beamr_status check_drop(wb_checker *c)
{
    wb_valtype type;

    return wb_check_pop_any(c, &type);
}

static beamr_status check_select(wb_checker *c)
{
    wb_valtype first, second;

    BEAMR_TRY(wb_check_pop(c, WB_I32));
    BEAMR_TRY(wb_check_pop_any(c, &second));
    BEAMR_TRY(wb_check_pop_any(c, &first));
    if (wb_valtype_is_ref(first) || wb_valtype_is_ref(second))
        return WB_INVALID(c, "type mismatch: select of references needs its type written out");
    if (first != second && first != WB_BOTTOM && second != WB_BOTTOM)
        return wb_check_mismatch(c, first, second);
    return wb_check_push(c, first == WB_BOTTOM ? second : first);
}

static beamr_status check_select_typed(wb_checker *c)
{
    if (c->in.count != 1)
        return WB_INVALID(c, "invalid result arity: select with %u types, needs one",
                          c->in.count);
    wb_check_note_type(c, c->in.type);
    BEAMR_TRY(wb_check_pop(c, WB_I32));
    BEAMR_TRY(wb_check_pop(c, c->in.type));
    BEAMR_TRY(wb_check_pop(c, c->in.type));
    return wb_check_push(c, c->in.type);
}

static beamr_status check_ref_func(wb_checker *c)
{
    const wb_func *f;

    BEAMR_TRY(wb_check_index(c, "function", c->in.index, c->m->func_count));
    f = &c->m->funcs[c->in.index];
    if (!f->is_declared_ref)
        return WB_INVALID(c,
                          "undeclared function reference: no export, global or element "
                          "segment names function %u",
                          c->in.index);
    return wb_check_push(c, wb_check_typed_ref(c, false, f->type));
}

/* ---- Tables ---- */

static beamr_status find_table(wb_checker *c, uint32_t index, const wb_tabletype **table,
                               wb_valtype *address)
{
    BEAMR_TRY(wb_check_index(c, "table", index, c->m->table_count));
    *table = &c->m->tables[index].type;
    *address = wb_address_type((*table)->limits);
    return BEAMR_OK;
}

/* Elements of type `found` are copied to where `want` is held. */
static beamr_status check_elements(wb_checker *c, wb_valtype want, wb_valtype found)
{
    if (wb_valtype_matches(c->m->registry, found, want))
        return BEAMR_OK;
    return wb_check_mismatch(c, want, found);
}

/* Take three operands; `count` is the topmost. */
static beamr_status pop_three(wb_checker *c, wb_valtype target, wb_valtype source,
                              wb_valtype count)
{
    BEAMR_TRY(wb_check_pop(c, count));
    BEAMR_TRY(wb_check_pop(c, source));
    return wb_check_pop(c, target);
}

/* Between areas of different address types, a length has the smaller one. */
static wb_valtype length_type(wb_valtype target, wb_valtype source)
{
    return target == WB_I32 || source == WB_I32 ? WB_I32 : WB_I64;
}

static beamr_status check_table_init(wb_checker *c)
{
    const wb_tabletype *table;
    wb_valtype address;

    BEAMR_TRY(find_table(c, c->in.index2, &table, &address));
    BEAMR_TRY(check_elem(c, c->in.index));
    BEAMR_TRY(check_elements(c, table->elem, c->m->elems[c->in.index].type));
    return pop_three(c, address, WB_I32, WB_I32);
}

static beamr_status check_table_copy(wb_checker *c)
{
    const wb_tabletype *target, *source;
    wb_valtype to, from;

    BEAMR_TRY(find_table(c, c->in.index, &target, &to));
    BEAMR_TRY(find_table(c, c->in.index2, &source, &from));
    BEAMR_TRY(check_elements(c, target->elem, source->elem));
    return pop_three(c, to, from, length_type(to, from));
}

/* The instructions that name one table. */
static beamr_status check_table(wb_checker *c)
{
    const wb_tabletype *table;
    wb_valtype address;

    BEAMR_TRY(find_table(c, c->in.index, &table, &address));
    switch (c->in.op) {
    case WB_OP_TABLE_GET:
        BEAMR_TRY(wb_check_pop(c, address));
        return wb_check_push(c, table->elem);
    case WB_OP_TABLE_SET:
        BEAMR_TRY(wb_check_pop(c, table->elem));
        return wb_check_pop(c, address);
    case WB_OP_TABLE_SIZE:
        return wb_check_push(c, address);
    case WB_OP_TABLE_GROW:
        BEAMR_TRY(wb_check_pop(c, address));
        BEAMR_TRY(wb_check_pop(c, table->elem));
        return wb_check_push(c, address);
    default: /* table.fill */
        return pop_three(c, address, table->elem, address);
    }
}

/* ---- Memories ---- */

static beamr_status check_memory_init(wb_checker *c)
{
    wb_valtype address;

    BEAMR_TRY(check_memory(c, c->in.index2, &address));
    BEAMR_TRY(check_data(c, c->in.index));
    return pop_three(c, address, WB_I32, WB_I32);
}

static beamr_status check_memory_copy(wb_checker *c)
{
    wb_valtype to, from;

    BEAMR_TRY(check_memory(c, c->in.index, &to));
    BEAMR_TRY(check_memory(c, c->in.index2, &from));
    return pop_three(c, to, from, length_type(to, from));
}

/* ---- Bodies ---- */

/* Check an instruction whose row is SPECIAL. */
static beamr_status check_special(wb_checker *c)
{
    switch (c->in.op) {
    case WB_OP_LOCAL_GET:
        return check_local_get(c);
    case WB_OP_LOCAL_SET:
    case WB_OP_LOCAL_TEE:
        return check_local_set(c);
    case WB_OP_GLOBAL_GET:
        return check_global_get(c);
    case WB_OP_GLOBAL_SET:
        return check_global_set(c);
    case WB_OP_DROP:
        return check_drop(c);
    case WB_OP_SELECT:
        return check_select(c);
    case WB_OP_SELECT_T:
        return check_select_typed(c);
    case WB_OP_REF_NULL:
        wb_check_note_type(c, c->in.type);
        return wb_check_push(c, c->in.type);
    case WB_OP_REF_FUNC:
        return check_ref_func(c);
    case WB_OP_TABLE_GET:
    case WB_OP_TABLE_SET:
    case WB_OP_TABLE_SIZE:
    case WB_OP_TABLE_GROW:
    case WB_OP_TABLE_FILL:
        return check_table(c);
    case WB_OP_TABLE_INIT:
        return check_table_init(c);
    case WB_OP_TABLE_COPY:
        return check_table_copy(c);
    case WB_OP_MEMORY_INIT:
        return check_memory_init(c);
    case WB_OP_MEMORY_COPY:
        return check_memory_copy(c);
    default:
        return wb_check_control(c);
    }
}

/* Check the instructions up to the `end` of the function. */
static beamr_status check_instructions(wb_checker *c)
{
    const wb_func *f = c->func;
    wb_reader reader = {c->m, c->m->bytes.data, f->body, f->body + f->body_len};

    while (c->depth > 0) {
        const wb_rule *rule;

        BEAMR_TRY(wb_instr_read(&reader, &c->in, c->err));
        rule = &c->rules[c->in.op];
        c->used |= 1u << rule->feature;
        BEAMR_TRY(rule->is_special ? check_special(c) : wb_check_signature(c, rule));
    }
    if (reader.next != reader.end)
        return beamr_fail(c->err, BEAMR_MALFORMED, wb_module_offset(c->m, reader.next),
                          "section size mismatch: %zu bytes behind the end of a function",
                          (size_t)(reader.end - reader.next));
    return BEAMR_OK;
}

static beamr_status check_body(wb_checker *c, wb_func *f)
{
    wb_frame frame = {.op = WB_OP_BLOCK};

    wb_checker_reset(c);
    c->func = f;
    c->type = c->m->types[f->type].func;
    c->in = (wb_instr){.op = WB_OP_END, .offset = wb_module_offset(c->m, f->body)};
    frame.type = c->type; /* its parameters are locals, and not on the stack */
    BEAMR_TRY(begin_locals(c));
    BEAMR_TRY(wb_check_push_frame(c, &frame));
    BEAMR_TRY(check_instructions(c));
    f->operand_slots = c->max_slots;
    f->uses_exceptions = c->has_legacy_try || c->has_try_table;
    return BEAMR_OK;
}

beamr_status wb_check_bodies(wb_checker *c)
{
    for (uint32_t i = c->m->func_imports; i < c->m->func_count; i++)
        BEAMR_TRY(check_body(c, &c->m->funcs[i]));
    return BEAMR_OK;
}
