/* Translation of a function to internal code, on its first call.
 * One pass over a validated body. Values are not pushed and popped: an operand that is a local
 * or a constant is read where it stands, every other has a fixed slot of the frame, and results
 * go straight to the local that takes them. Pairs are fused where the first has no other use;
 * nothing is fused across a block boundary.
 * Here: the pass, and what it leaves behind. The rules are in translate_control.c and
 * translate_plain.c, emission and operands in emit.c.  See docs/internals/interpreter.md. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pages.h"
#include "interp/translate.h"

#define LOCK_SLICE_NS 1000000

static void translate_body(tr *t)
{
    bool done = false;

    while (!done && !t->failed && tr_step(t)) {
        wb_instr in;

        if (wb_instr_read(&t->reader, &in, NULL) != BEAMR_OK) {
            t->failed = true; /* the body was validated: cannot be */
            return;
        }
        t->offset = in.offset;
        if (tr_block_at(t, 0)->dead && !tr_wake(t, in.op))
            continue;
        tr_charge(t, in.op);
        if (!tr_plain(t, &in))
            done = tr_control(t, &in);
    }
}

/* ---- A function ---- */

/* Lay out the locals: parameters first, each in the slots that its type takes. */
static bool locals_init(tr *t)
{
    uint32_t count = t->func->local_count;
    uint32_t slot = 0;
    uint32_t n = 0;

    t->local_slots = calloc((size_t)count + 1, sizeof *t->local_slots);
    t->local_widths = calloc((size_t)count + 1, sizeof *t->local_widths);
    t->local_uses = calloc((size_t)t->func->local_slots + 1, sizeof *t->local_uses);
    if (!t->local_slots || !t->local_widths || !t->local_uses)
        return false;
    for (uint32_t i = 0; i < t->type->param_count; i++, n++) {
        t->local_slots[n] = slot;
        t->local_widths[n] = (uint8_t)wb_valtype_slots(t->type->params[i]);
        slot += t->local_widths[n];
    }
    for (uint32_t r = 0; r < t->func->run_count; r++) {
        const wb_local_run *run = &t->func->runs[r];

        for (uint32_t i = 0; i < run->count; i++, n++) {
            t->local_slots[n] = slot;
            t->local_widths[n] = (uint8_t)wb_valtype_slots(run->type);
            slot += t->local_widths[n];
        }
    }
    return true;
}

/* Take a vector's data, cut to what is used; NULL with t->failed when memory is gone. Nothing
 * is copied: that would take long, and cannot be interrupted. */
static void *vector_take(tr *t, tr_vector *v, size_t size)
{
    void *out = realloc(v->data, v->count ? v->count * size : 1);

    if (out)
        *v = (tr_vector){0};
    else
        t->failed = true;
    return out;
}

/* Clauses of one region together, in the order in which they were written. */
static void clauses_sort(tr *t, interp_side *side)
{
    const tr_clause *from = t->clauses.data;
    uint32_t at = 0;

    side->clause_count = t->clauses.count;
    side->clauses = calloc((size_t)t->clauses.count + 1, sizeof *side->clauses);
    if (!side->clauses) {
        t->failed = true;
        return;
    }
    pages_prefer_large(side->clauses, t->clauses.count * sizeof *side->clauses);
    for (uint32_t i = 0; i < t->clauses.count && tr_step(t); i++)
        side->regions[from[i].region].clause_count++;
    for (uint32_t i = 0; i < side->region_count && tr_step(t); i++) {
        side->regions[i].first_clause = at;
        at += side->regions[i].clause_count;
        side->regions[i].clause_count = 0;
    }
    for (uint32_t i = 0; i < t->clauses.count && !t->failed && tr_step(t); i++) {
        interp_region *r = &side->regions[from[i].region];

        side->clauses[r->first_clause + r->clause_count++] = from[i].clause;
    }
}

static interp_side *side_new(tr *t)
{
    interp_side *side = calloc(1, sizeof *side);

    if (!side) {
        t->failed = true;
        return NULL;
    }
    side->offset_count = t->offsets.count;
    side->offsets = vector_take(t, &t->offsets, sizeof(interp_mark));
    side->span_count = t->spans.count;
    side->spans = vector_take(t, &t->spans, sizeof(interp_mark));
    side->region_count = t->regions.count;
    side->regions = vector_take(t, &t->regions, sizeof(interp_region));
    if (!t->failed)
        clauses_sort(t, side);
    return side;
}

static void tr_clear(tr *t)
{
    free(t->words.data);
    free(t->stack.data);
    free(t->blocks.data);
    free(t->fixups.data);
    free(t->offsets.data);
    free(t->spans.data);
    free(t->regions.data);
    free(t->clauses.data);
    free(t->local_slots);
    free(t->local_widths);
    free(t->local_uses);
}

/* Translate and publish; the module's lock is held. After a failure the next call begins anew.
 */
static beamr_status translate_locked(interp_func *f, abi_store *store, beamr_error *err)
{
    const abi_module *module = f->code->module;
    const wb_module *m = &module->wasm;
    tr t = {.m = m,
            .code = f->code,
            .func = &m->funcs[f->index],
            .type = wb_module_functype(m, f->index),
            .handlers = interp_handlers(),
            .metering = module->engine->metering,
            .store = store,
            .err = err,
            .charge_at = UINT32_MAX,
            .offset = wb_module_offset(m, m->funcs[f->index].body)};
    wb_blocktype body = {.is_index = true, .index = t.func->type};
    interp_side *side = NULL;
    uint32_t *words = NULL;

    t.reader = (wb_reader){.module = m,
                           .base = m->bytes.data,
                           .next = t.func->body,
                           .end = t.func->body + t.func->body_len};
    if (locals_init(&t)) {
        /* The body's parameters are locals, not operands. */
        tr_block_open(&t, WB_OP_BLOCK, &(wb_blocktype){.result = WB_VALTYPE_NONE});
        if (!t.failed) {
            tr_block_at(&t, 0)->results = m->types[body.index].func->results;
            tr_block_at(&t, 0)->result_count = m->types[body.index].func->result_count;
            tr_charge_begin(&t);
            translate_body(&t);
        }
    } else {
        t.failed = true;
    }
    if (!t.failed)
        words = vector_take(&t, &t.words, sizeof *words);
    if (!t.failed)
        side = side_new(&t);
    tr_clear(&t);
    if (t.failed) {
        free(words);
        interp_side_free(side);
        return t.status != BEAMR_OK ? t.status
                                    : beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY, NULL);
    }
    f->side = side;
    __atomic_store_n(&f->words, words, __ATOMIC_RELEASE);
    return BEAMR_OK;
}

/* Another thread may be translating a large function; for whom the wait is too long, it ends.
 */
static beamr_status lock_polled(pthread_mutex_t *lock, abi_store *store, beamr_error *err)
{
    struct timespec time;

    if (pthread_mutex_trylock(lock) == 0)
        return BEAMR_OK;
    do {
        BEAMR_TRY(rt_store_poll(store, err));
        (void)clock_gettime(CLOCK_REALTIME, &time); /* the clock of timedlock */
        time.tv_nsec += LOCK_SLICE_NS;
        if (time.tv_nsec >= 1000000000) {
            time.tv_nsec -= 1000000000;
            time.tv_sec++;
        }
    } while (pthread_mutex_timedlock(lock, &time) != 0);
    return BEAMR_OK;
}

beamr_status interp_translate(interp_func *f, abi_store *store, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    BEAMR_TRY(lock_polled(&f->code->lock, store, err));
    if (f->words == interp_stub)
        st = translate_locked(f, store, err);
    (void)pthread_mutex_unlock(&f->code->lock);
    return st;
}
