/* What native code calls in the runtime: the functions behind abi/builtin.def. Each does what
 * the interpreter's handler of the instruction does, in the same order; see interp/exec.c. The
 * stubs between are in enter_x86_64.h: a function here that has to leave the native code says
 * so in its answer, and returns. Native code keeps nothing in the store's slots, so
 * store->stack_top and frame_top are right for whatever runs on top; units are what the caller
 * says. */
#include "native/internal.h"
#include "runtime/entry.h"

#include "native/do.h"

/* ---- Answers ---- */

static native_answer give(uint64_t value)
{
    return (native_answer){value, NULL};
}

static abi_native_call *call_of(const abi_context *c)
{
    return c->store->native;
}

static native_answer leave(abi_native_call *call, beamr_status st)
{
    call->status = st;
    return (native_answer){0, call};
}

/* A trap, reported already.
 *   skip    the calling frame is not there, or no longer
 *   offset  of its instruction; 0: as the table of places says */
__attribute__((cold, noinline)) static native_answer
fail_at(abi_native_call *call, beamr_status st, bool skip, uint32_t offset)
{
    call->context->store->pending = NULL;
    native_backtrace(call, skip, offset, call->err);
    return leave(call, st);
}

static native_answer fail(const abi_context *c, beamr_status st)
{
    return fail_at(call_of(c), st, false, 0);
}

static native_answer trap(const abi_context *c, beamr_trap id)
{
    return fail(c, beamr_fail_trap(call_of(c)->err, id, NULL));
}

/* The answer to an instruction without a result. */
static native_answer done(const abi_context *c, beamr_status st)
{
    return __builtin_expect(st == BEAMR_OK, 1) ? give(0) : fail(c, st);
}

static bool is_asked(const abi_store *s, uint32_t what)
{
    return __builtin_expect(
        (atomic_load_explicit(&s->interrupt, memory_order_relaxed) & what) != 0, 0);
}

/* ---- Traps and polls ---- */

native_answer native_do_TRAP(abi_context *c, uint32_t id, uint32_t offset)
{
    abi_native_call *call = call_of(c);

    return fail_at(call, beamr_fail_trap(call->err, (beamr_trap)id, NULL), false, offset);
}

static beamr_status poll(abi_native_call *call, uint32_t units)
{
    abi_store *s = call->context->store;

    s->units = units;
    return rt_store_poll_guest(s, call->err);
}

/* Calls look before they are made: at the units, then at what was asked. An entry's own call
 * does not look at the latter, so that what was asked before it waits for the guest's first
 * call. */
native_answer native_do_ENTER(abi_context *c, uint32_t left)
{
    abi_native_call *call = call_of(c);
    uint32_t func;
    beamr_status st;

    if ((int32_t)left < 0) {
        st = beamr_fail_trap(call->err, BEAMR_TRAP_STACK_EXHAUSTED, NULL);
        return fail_at(call, st, true, 0);
    }
    if (native_is_outermost(call, &func) && call->skip_poll) {
        call->skip_poll = false;
        return give(0);
    }
    if (func < ABI_RANGE_STUB)
        left += wb_func_units(c->instance->wasm, func); /* the caller's */
    st = poll(call, left);
    return st == BEAMR_OK ? give(0) : fail_at(call, st, true, 0);
}

native_answer native_do_POLL(abi_context *c, uint32_t units)
{
    return done(c, poll(call_of(c), units));
}

/* ---- Calls ---- */

static const void *return_address(const abi_native_call *call)
{
    return *(const void *const *)call->guest_sp;
}

/* store->pending is on its way into the guest. */
static native_answer thrown(abi_native_call *call, bool skip)
{
    abi_store *s = call->context->store;
    beamr_status st;

    if (is_asked(s, ~ABI_PAUSE) && (st = rt_store_poll(s, call->err)) != BEAMR_OK)
        return fail_at(call, st, skip, 0);
    if (!(native_code_of(call->context)->flags & ABI_OBJECT_CATCHES)) {
        native_trace(call, skip);
        return leave(call, BEAMR_EXCEPTION);
    }
    call->pass_total = 0;
    if (!skip)
        call->passes[call->pass_total++] = return_address(call);
    return give(ABI_THROWN);
}

__attribute__((cold, noinline)) static native_answer
call_failed(abi_native_call *call, const abi_func *f, beamr_status st, bool tail)
{
    if (st != BEAMR_EXCEPTION)
        return fail_at(call, st, tail, 0);
    if (!f->instance) {
        rt_trace_begin(call->context->store);
        if (call->err)
            beamr_error_clear(call->err); /* of a call that the host made */
    }
    return thrown(call, tail);
}

/* The arguments are in slots already. */
__attribute__((cold, noinline)) static beamr_status call_poll(abi_native_call *call,
                                                              const abi_func *f, uint32_t units)
{
    abi_store *s = call->context->store;
    uint64_t *slots = s->stack_top;
    beamr_status st;

    s->stack_top = slots + rt_func_room(f);
    st = poll(call, units);
    s->stack_top = slots;
    return st;
}

/* What a guest's function has no units for traps before anything that was asked is looked at.
 */
static bool is_room_for(const abi_func *f, uint32_t units)
{
    return !f->instance || wb_func_units(f->instance->wasm, f->index) <= units;
}

/* A tail call from what the entry itself called: its caller goes on with the function, so that
 * tail calls between instances take no stack. */
static bool is_entrys_tail(const abi_native_call *call, const abi_func *f)
{
    uint32_t func;

    return f->instance && native_is_outermost(call, &func);
}

native_answer native_do_CALL(abi_context *c, abi_func *f, uint32_t units, uint32_t tail)
{
    abi_store *s = c->store;
    abi_native_call *call = s->native;
    uint64_t *slots = s->stack_top;
    abi_frame *frame_top = s->frame_top;
    beamr_status st;

    /* What is asked within is for a tail call in the first function's place, too. */
    call->skip_poll = false;
    if (is_asked(s, ~UINT32_C(0)) && is_room_for(f, units) &&
        (st = call_poll(call, f, units)) != BEAMR_OK)
        return fail_at(call, st, tail, 0);
    s->units = units;
    if (tail && is_entrys_tail(call, f)) {
        s->tail = f;
        return leave(call, ABI_TAIL);
    }
    st = abi_call(f, c->instance, slots, call->err);
    s->stack_top = slots;
    s->frame_top = frame_top;
    return __builtin_expect(st == BEAMR_OK, 1) ? give(ABI_RETURNED)
                                               : call_failed(call, f, st, tail);
}

native_answer native_do_CALLED(abi_context *c, abi_func *f, uint32_t status)
{
    abi_store *s = c->store;
    abi_native_call *call = s->native;
    uint64_t *slots = s->stack_top;
    abi_frame *frame_top = s->frame_top;
    beamr_status st = (beamr_status)status;

    if (st == ABI_TAIL) {
        st = abi_call(s->tail, c->instance, slots, call->err);
        s->stack_top = slots;
        s->frame_top = frame_top;
    }
    return st == BEAMR_OK ? give(ABI_RETURNED) : call_failed(call, f, st, false);
}

native_answer native_do_FIND_INDIRECT(abi_context *c, uint32_t table, uint32_t type,
                                      uint64_t element)
{
    const abi_instance *inst = c->instance;
    const abi_table *t = inst->tables[table];
    uint32_t canon = inst->wasm->types[type].canon;
    abi_native_call *call = call_of(c);
    abi_func *f;

    if (element >= t->size)
        return fail(c, rt_fail_element(BEAMR_TRAP_UNDEFINED_ELEMENT, element, call->err));
    f = (abi_func *)(uintptr_t)t->elems[element];
    if (!f)
        return fail(c, rt_fail_element(BEAMR_TRAP_UNINITIALIZED_ELEMENT, element, call->err));
    if (f->canon != canon && !wb_type_is_subtype(inst->wasm->registry, f->canon, canon))
        return trap(c, BEAMR_TRAP_INDIRECT_CALL_MISMATCH);
    return give((uintptr_t)f);
}

native_answer native_do_FIND_FUNC(abi_context *c, uint32_t index)
{
    abi_func *f = rt_instance_func(c->instance, index);

    return f ? give((uintptr_t)f) : trap(c, BEAMR_TRAP_OUT_OF_MEMORY);
}

/* ---- Exceptions ---- */

native_answer native_do_THROW(abi_context *c, uint32_t tag)
{
    abi_store *s = c->store;
    const abi_tag *t = c->instance->tags[tag];
    uint64_t *slots = s->stack_top;
    beamr_status st;

    s->pending = rt_exception_new(s, t, slots, slots + t->type->param_slots);
    if (!s->pending) {
        st = rt_store_poll_guest(s, call_of(c)->err); /* perhaps there would be room */
        return st == BEAMR_OK ? trap(c, BEAMR_TRAP_OUT_OF_MEMORY) : fail(c, st);
    }
    rt_trace_begin(s);
    return thrown(s->native, false);
}

native_answer native_do_THROW_REF(abi_context *c, uint64_t exception)
{
    abi_store *s = c->store;

    if (!exception)
        return trap(c, BEAMR_TRAP_NULL_EXCEPTION);
    s->pending = (abi_exception *)(uintptr_t)exception;
    rt_trace_begin(s);
    return thrown(s->native, false);
}

native_answer native_do_PASS(abi_context *c, const void *where)
{
    abi_native_call *call = call_of(c);

    if (call->pass_total < BEAMR_BACKTRACE_MAX)
        call->passes[call->pass_total] = where;
    call->pass_total++;
    return give(0);
}

/* ---- Bulk operations, which may poll on their way ---- */

static void bulk_begin(abi_store *s, uint64_t count, uint32_t units)
{
    if (count < RT_POLL_BYTES / sizeof(uint64_t))
        return;
    s->units = units;
    s->can_pause = true;
}

static native_answer bulk_end(const abi_context *c, beamr_status st)
{
    c->store->can_pause = false;
    return done(c, st);
}

static abi_memory *memory(const abi_context *c, uint64_t index)
{
    return c->instance->memories[(uint32_t)index];
}

static abi_table *table_of(const abi_context *c, uint64_t index)
{
    return c->instance->tables[(uint32_t)index];
}

native_answer native_do_MEMORY_GROW(abi_context *c, uint32_t index, uint64_t delta)
{
    abi_memory *m = memory(c, index);
    int64_t old;
    beamr_status st = rt_memory_grow(m, delta, &old, call_of(c)->err);

    return st == BEAMR_OK ? give(m->is64 ? (uint64_t)old : (uint32_t)old) : fail(c, st);
}

native_answer native_do_MEMORY_FILL(abi_context *c, uint32_t index, uint64_t to, uint32_t value,
                                    uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c,
                    rt_memory_fill(memory(c, index), to, (uint8_t)value, len, call_of(c)->err));
}

native_answer native_do_MEMORY_COPY(abi_context *c, uint64_t indices, uint64_t to,
                                    uint64_t from, uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c, rt_memory_copy(memory(c, indices), to, memory(c, indices >> 32), from,
                                      len, call_of(c)->err));
}

native_answer native_do_MEMORY_INIT(abi_context *c, uint64_t indices, uint64_t to,
                                    uint64_t from, uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c, rt_memory_init(c->instance, (uint32_t)indices, (uint32_t)(indices >> 32),
                                      to, from, len, call_of(c)->err));
}

native_answer native_do_DATA_DROP(abi_context *c, uint32_t segment)
{
    rt_data_drop(c->instance, segment);
    return give(0);
}

native_answer native_do_TABLE_GROW(abi_context *c, uint32_t index, uint64_t delta,
                                   uint64_t value, uint32_t units)
{
    abi_table *t = table_of(c, index);
    abi_native_call *call = call_of(c);
    int64_t old = -1;
    beamr_status st;

    if (rt_table_can_grow(t, delta)) { /* else it only answers -1 */
        st = rt_store_charge(c->store, delta, WB_COST_BULK_ITEMS, call->err);
        if (st != BEAMR_OK)
            return fail(c, st);
    }
    bulk_begin(c->store, delta, units);
    st = rt_table_grow(t, delta, value, &old, call->err);
    c->store->can_pause = false;
    return st == BEAMR_OK ? give(t->is64 ? (uint64_t)old : (uint32_t)old) : fail(c, st);
}

native_answer native_do_TABLE_FILL(abi_context *c, uint32_t index, uint64_t to, uint64_t value,
                                   uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c, rt_table_fill(table_of(c, index), to, value, len, call_of(c)->err));
}

native_answer native_do_TABLE_COPY(abi_context *c, uint64_t indices, uint64_t to, uint64_t from,
                                   uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c, rt_table_copy(table_of(c, indices), to, table_of(c, indices >> 32), from,
                                     len, call_of(c)->err));
}

native_answer native_do_TABLE_INIT(abi_context *c, uint64_t indices, uint64_t to, uint64_t from,
                                   uint64_t len, uint32_t units)
{
    bulk_begin(c->store, len, units);
    return bulk_end(c, rt_table_init(c->instance, (uint32_t)indices, (uint32_t)(indices >> 32),
                                     to, from, len, call_of(c)->err));
}

native_answer native_do_ELEM_DROP(abi_context *c, uint32_t segment)
{
    rt_elem_drop(c->instance, segment);
    return give(0);
}

native_answer native_do_FAULT(abi_native_call *call)
{
    beamr_status st = beamr_fail_trap(call->err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS, NULL);

    return fail_at(call, st, false, 0);
}
