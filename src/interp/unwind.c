/* Where an exception goes, and where a trap came from: both walk the frames of one entry with
 * the side tables of translated code. */
#include <string.h>

#include "interp/internal.h"

/* The last entry at or before `pc`; NULL when there is none. */
static const interp_mark *mark_find(const interp_mark *marks, uint32_t count, uint32_t pc)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (marks[middle].pc <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &marks[low - 1] : NULL;
}

/* The word that a frame is at: its ip stands behind it. */
static uint32_t frame_pc(const abi_frame *frame, const interp_func *f)
{
    return (uint32_t)(frame->ip - f->words) - 1;
}

/* Put the caught exception where the clause wants it. */
static void clause_enter(const interp_clause *c, abi_frame *frame, const interp_func *f,
                         abi_exception *e)
{
    uint64_t *slots = frame->fp + c->slot;

    if (c->hidden)
        *slots++ = (uint64_t)(uintptr_t)e;
    if (c->tag != WB_NO_TYPE) {
        memcpy(slots, e->slots, (size_t)e->slot_count * 8);
        slots += e->slot_count;
    }
    if (c->to_ref)
        *slots = (uint64_t)(uintptr_t)e;
    frame->ip = f->words + c->target;
}

/* The clause in this frame that catches `e`, or NULL. */
static const interp_clause *clause_find(const abi_frame *frame, const interp_func *f,
                                        const abi_exception *e)
{
    const interp_side *side = f->side;
    const interp_mark *span;
    uint32_t region;

    if (!side || side->region_count == 0)
        return NULL;
    span = mark_find(side->spans, side->span_count, frame_pc(frame, f));
    region = span ? span->value : INTERP_NO_REGION;
    while (region != INTERP_NO_REGION) {
        const interp_region *r = &side->regions[region];

        for (uint32_t i = 0; i < r->clause_count; i++) {
            const interp_clause *c = &side->clauses[r->first_clause + i];

            if (c->tag == WB_NO_TYPE || frame->instance->tags[c->tag] == e->tag)
                return c;
        }
        region = r->parent;
    }
    return NULL;
}

beamr_status interp_unwind(abi_store *s, abi_frame *top, abi_frame *bottom, abi_frame **handler,
                           beamr_error *err)
{
    *handler = NULL;
    for (abi_frame *frame = top; frame > bottom; frame--) {
        const interp_func *f = frame->func;
        const interp_clause *c;

        /* There can be many frames, each with a million clauses. */
        if (atomic_load_explicit(&s->interrupt, memory_order_relaxed) & ~ABI_PAUSE)
            BEAMR_TRY(rt_store_poll(s, err));
        c = clause_find(frame, f, s->pending);
        if (c) {
            clause_enter(c, frame, f, s->pending);
            s->pending = NULL;
            *handler = frame;
            return BEAMR_OK;
        }
    }
    return BEAMR_OK;
}

/* The byte offset of the instruction that the frame is at. */
static uint32_t frame_offset(const abi_frame *frame)
{
    const interp_func *f = frame->func;
    const wb_module *m = &f->code->module->wasm;
    const interp_mark *mark = NULL;

    /* A function that was not translated, or is being so by another thread by now, begins. */
    if (frame->ip != interp_stub + 1 && f->side)
        mark = mark_find(f->side->offsets, f->side->offset_count, frame_pc(frame, f));
    return mark ? mark->value : wb_module_offset(m, m->funcs[f->index].body);
}

void interp_backtrace(abi_frame *top, abi_frame *bottom, beamr_error *err)
{
    if (!err)
        return;
    for (abi_frame *frame = top; frame > bottom; frame--) {
        const interp_func *f = frame->func;

        if (err->frame_count == BEAMR_BACKTRACE_MAX)
            err->frame_total++;
        else
            rt_frame_add(err, &f->code->module->wasm, f->index, frame_offset(frame));
    }
}

void interp_trace(abi_frame *top, abi_frame *bottom, abi_store *s)
{
    for (abi_frame *frame = top; frame > bottom; frame--) {
        const interp_func *f = frame->func;

        if (s->trace_total >= BEAMR_BACKTRACE_MAX)
            s->trace_total++;
        else
            rt_trace_add(s, &f->code->module->wasm, f->index, frame_offset(frame));
    }
}
