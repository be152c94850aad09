/* Before anything is compiled: which functions may throw or take part in tail calls, which are
 * too costly for LLVM, and how the module is divided into units. All in time linear in the
 * module. */
#include <stdlib.h>
#include <string.h>

#include "compile/plan.h"

/* A unit's size in bytes of bodies, each function counted with some more for what LLVM does for
 * it alone. Small units share the work evenly and take little memory; each costs about a
 * millisecond. */
#define PART_BYTES 24576u
#define FUNCTION_BYTES 48u
/* Likewise thunks, in parameters and results. */
#define PART_VALUES 8192u
#define THUNK_VALUES 16u

/* What is gathered from bodies. */
typedef struct scan {
    compile_plan *plan;
    const wb_module *m;
    beamr_error *err;
    uint32_t *edges; /* pairs: callee, caller; by function index */
    size_t edge_count, edge_room;
    bool tails_anywhere; /* tail calls through tables or references */
} scan;

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for planning");
}

/* ---- Bodies ---- */

static beamr_status add_edge(scan *s, uint32_t callee, uint32_t caller)
{
    if (s->edge_count == s->edge_room) {
        size_t room = s->edge_room ? s->edge_room * 2 : 1024;
        uint32_t *edges = realloc(s->edges, room * 2 * sizeof *edges);

        if (!edges)
            return fail_memory(s->err);
        s->edges = edges;
        s->edge_room = room;
    }
    s->edges[2 * s->edge_count] = callee;
    s->edges[2 * s->edge_count + 1] = caller;
    s->edge_count++;
    return BEAMR_OK;
}

/* How costly the body at hand is. */
typedef struct body_cost {
    uint64_t blocks; /* places where ways meet, and labels of br_tables */
    uint64_t depth, max_depth;
    uint64_t loop_depth; /* of loops around the present one, at most depth */
    uint64_t loops;      /* sum over loops of how many are around them */
} body_cost;

static void count_block(body_cost *c, const wb_instr *in)
{
    switch (in->op) {
    case WB_OP_LOOP:
        c->loop_depth++;
        c->loops += c->loop_depth; /* an upper bound: ends of loops are not told apart */
        __attribute__((fallthrough));
    case WB_OP_BLOCK:
    case WB_OP_IF:
    case WB_OP_TRY:
    case WB_OP_TRY_TABLE:
        c->blocks++;
        c->depth++;
        if (c->depth > c->max_depth)
            c->max_depth = c->depth;
        break;
    case WB_OP_END:
    case WB_OP_DELEGATE:
        if (c->depth > 0)
            c->depth--;
        if (c->loop_depth > c->depth)
            c->loop_depth = c->depth;
        break;
    case WB_OP_BR_TABLE:
        c->blocks += in->count / 8;
        break;
    case WB_OP_BR_IF:
    case WB_OP_CALL:
    case WB_OP_CALL_INDIRECT:
        c->blocks++;
        break;
    default:
        break;
    }
}

static beamr_status scan_instr(scan *s, uint32_t caller, const wb_instr *in)
{
    bool *tails = s->plan->tails;
    uint32_t imports = s->m->func_imports;

    switch (in->op) {
    case WB_OP_RETURN_CALL:
        s->plan->has_tails = true;
        tails[caller - imports] = true;
        if (in->index >= imports)
            tails[in->index - imports] = true;
        return add_edge(s, in->index, caller);
    case WB_OP_CALL:
        return add_edge(s, in->index, caller);
    case WB_OP_RETURN_CALL_INDIRECT:
    case WB_OP_RETURN_CALL_REF:
        s->plan->has_tails = true;
        tails[caller - imports] = true;
        s->tails_anywhere = true;
        __attribute__((fallthrough));
    case WB_OP_CALL_INDIRECT:
    case WB_OP_CALL_REF:
    case WB_OP_THROW:
    case WB_OP_THROW_REF:
    case WB_OP_RETHROW:
        s->plan->throws[caller] = true;
        return BEAMR_OK;
    default:
        return BEAMR_OK;
    }
}

/* Measured: see docs/internals/native.md. */
static compile_cost judge(const wb_func *f, const body_cost *c)
{
    uint64_t places = c->blocks + 1;

    if (f->body_len > 2u << 20)
        return COMPILE_COST_TOO_HIGH;
    if (f->body_len > 128u << 10 || c->max_depth > 2000 || c->loops > 2000000 ||
        places * f->local_count > 2000000)
        return COMPILE_COST_HIGH;
    return COMPILE_COST_PLAIN;
}

static beamr_status scan_body(scan *s, uint32_t func)
{
    const wb_func *f = &s->m->funcs[func];
    wb_reader r = {s->m, s->m->bytes.data, f->body, f->body + f->body_len};
    body_cost cost = {0};
    wb_instr in;

    while (r.next < r.end) {
        BEAMR_TRY(wb_instr_read(&r, &in, s->err));
        BEAMR_TRY(scan_instr(s, func, &in));
        count_block(&cost, &in);
    }
    s->plan->costs[func - s->m->func_imports] = (uint8_t)judge(f, &cost);
    return BEAMR_OK;
}

/* ---- What may throw ---- */

/* Sort the edges by callee: `starts` of each callee's, and their callers. */
static bool index_edges(const scan *s, uint32_t **starts, uint32_t **callers)
{
    uint32_t count = s->m->func_count;
    uint32_t *at = calloc((size_t)count + 2, sizeof *at);
    uint32_t *to = malloc((s->edge_count + 1) * sizeof *to);

    *starts = at;
    *callers = to;
    if (!at || !to)
        return false;
    for (size_t i = 0; i < s->edge_count; i++)
        at[s->edges[2 * i] + 2]++;
    for (uint32_t i = 2; i < count + 2; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < s->edge_count; i++)
        to[at[s->edges[2 * i] + 1]++] = s->edges[2 * i + 1];
    return true;
}

/* Who calls what may throw may throw. That a handler may catch all of it does not count. */
static beamr_status spread_throws(scan *s)
{
    bool *throws = s->plan->throws;
    uint32_t count = s->m->func_count, height = 0;
    uint32_t *starts, *callers, *stack = malloc(((size_t)count + 1) * sizeof *stack);
    bool is_ready = index_edges(s, &starts, &callers) && stack;

    for (uint32_t i = 0; is_ready && i < count; i++) {
        throws[i] |= i < s->m->func_imports;
        if (throws[i])
            stack[height++] = i;
    }
    while (height > 0) {
        uint32_t callee = stack[--height];

        for (uint32_t i = starts[callee]; i < starts[callee + 1]; i++) {
            if (!throws[callers[i]])
                stack[height++] = callers[i];
            throws[callers[i]] = true;
        }
    }
    free(starts);
    free(callers);
    free(stack);
    return is_ready ? BEAMR_OK : fail_memory(s->err);
}

/* ---- Parts ---- */

static void choose_thunks(const wb_module *m, bool *thunks)
{
    for (uint32_t i = m->func_imports; i < m->func_count; i++)
        thunks[m->funcs[i].type] = true;
}

static bool add_part(compile_plan *plan, compile_part part, uint32_t *room)
{
    if (plan->part_count == *room) {
        uint32_t more = *room ? *room * 2 : 64;
        compile_part *parts = realloc(plan->parts, more * sizeof *parts);

        if (!parts)
            return false;
        plan->parts = parts;
        *room = more;
    }
    plan->parts[plan->part_count++] = part;
    return true;
}

static compile_effort effort_of(const compile_plan *plan, uint32_t func)
{
    return plan->costs[func] == COMPILE_COST_PLAIN ? COMPILE_FULL : COMPILE_QUICK;
}

/* Runs of functions, none larger than PART_BYTES unless it is one function. Costly ones are
 * alone. */
static bool divide_functions(compile_plan *plan, const wb_module *m, uint32_t *room)
{
    uint32_t count = m->func_count - m->func_imports;

    for (uint32_t i = 0, next; i < count; i = next) {
        uint64_t size = 0;

        for (next = i; next < count; next++) {
            uint64_t more = m->funcs[m->func_imports + next].body_len + FUNCTION_BYTES;

            if (next > i && (size + more > PART_BYTES || plan->costs[i] != COMPILE_COST_PLAIN ||
                             plan->costs[next] != COMPILE_COST_PLAIN))
                break;
            size += more;
        }
        if (!add_part(plan, (compile_part){i, next - i, size, false, effort_of(plan, i)}, room))
            return false;
    }
    return true;
}

static bool divide_thunks(compile_plan *plan, const wb_module *m, uint32_t *room)
{
    for (uint32_t i = 0, next; i < m->type_count; i = next) {
        uint64_t size = 0;

        for (next = i; next < m->type_count && size < PART_VALUES; next++) {
            const wb_functype *t = m->types[next].func;

            if (plan->thunks[next])
                size += t->param_count + t->result_count + THUNK_VALUES;
        }
        if (size > 0 &&
            !add_part(plan, (compile_part){i, next - i, size, true, COMPILE_FULL}, room))
            return false;
    }
    return true;
}

/* Whatever a table or a reference leads to may be the target of a tail call. */
static void spread_tails(scan *s)
{
    uint32_t count = s->m->func_count - s->m->func_imports;

    for (uint32_t i = 0; s->tails_anywhere && i < count; i++)
        s->plan->tails[i] = true;
}

beamr_status compile_plan_make(compile_plan *plan, const wb_module *m, beamr_error *err)
{
    scan s = {.plan = plan, .m = m, .err = err};
    uint32_t room = 0;
    beamr_status st = BEAMR_OK;

    *plan = (compile_plan){0};
    plan->throws = calloc((size_t)m->func_count + 1, sizeof(bool));
    plan->tails = calloc((size_t)m->func_count + 1, sizeof(bool));
    plan->costs = calloc((size_t)m->func_count + 1, 1);
    plan->thunks = calloc((size_t)m->type_count + 1, sizeof(bool));
    if (!plan->throws || !plan->tails || !plan->costs || !plan->thunks)
        return fail_memory(err);
    for (uint32_t i = m->func_imports; st == BEAMR_OK && i < m->func_count; i++)
        st = scan_body(&s, i);
    if (st == BEAMR_OK)
        st = spread_throws(&s);
    free(s.edges);
    if (st != BEAMR_OK)
        return st;
    spread_tails(&s);
    choose_thunks(m, plan->thunks);
    if (!divide_functions(plan, m, &room) || !divide_thunks(plan, m, &room))
        return fail_memory(err);
    return BEAMR_OK;
}

void compile_plan_clear(compile_plan *plan)
{
    free(plan->throws);
    free(plan->tails);
    free(plan->costs);
    free(plan->thunks);
    free(plan->parts);
    *plan = (compile_plan){0};
}
