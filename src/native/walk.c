/* The frames of native code: from a builtin's return address down to the thunk that its entry
 * called, by the tables of the code. They say, for each place, how far above the stack pointer
 * the caller's is; a return address lies just below that. A return address belongs to the call
 * before it, so it is looked up less one. Nothing here allocates or locks: the handler of
 * faults walks, too. */
#include "native/internal.h"

#if defined(__has_attribute)
#if __has_attribute(no_sanitize)
#define NO_SANITIZE __attribute__((no_sanitize("address", "thread")))
#endif
#endif
#ifndef NO_SANITIZE
#define NO_SANITIZE
#endif

/* One frame. */
typedef struct place {
    const native_code *code;
    const uint8_t *pc; /* in its instruction */
    const uint8_t *sp; /* while that runs */
} place;

static uint32_t place_at(const place *p)
{
    return (uint32_t)(p->pc - p->code->base);
}

static bool is_inside(const place *p)
{
    return p->pc >= p->code->base && p->pc < p->code->base + p->code->size;
}

NO_SANITIZE static const uint8_t *read_address(const uint8_t *at)
{
    return *(const uint8_t *const *)(const void *)at;
}

/* Go to the caller.  Returns false when the tables do not know it. */
static bool place_down(place *p)
{
    uint32_t up = native_code_frame(p->code, place_at(p));

    if (up < sizeof(void *))
        return false;
    p->sp += up;
    p->pc = read_address(p->sp - sizeof(void *)) - 1;
    return is_inside(p);
}

/* Where the guest called a builtin. */
static place place_of(const abi_native_call *call)
{
    const uint8_t *sp = call->guest_sp;

    return (place){native_code_of(call->context), read_address(sp) - 1, sp + sizeof(void *)};
}

/* What a walk gives its frames to. */
typedef void (*visit)(void *user, const wb_module *m, uint32_t func, uint32_t offset);

static void walk(const abi_native_call *call, bool skip, uint32_t offset, visit visit_frame,
                 void *user)
{
    place p = place_of(call);
    bool more = is_inside(&p);

    for (; more; more = place_down(&p)) {
        uint32_t at = place_at(&p);
        uint32_t func = native_code_range(p.code, at);

        if (func == ABI_RANGE_THUNK || func == ABI_RANGE_NONE)
            return;
        if (func != ABI_RANGE_STUB && !skip)
            visit_frame(user, p.code->wasm, func,
                        offset ? offset : native_code_site(p.code, at));
        skip = false;
        offset = 0;
    }
}

static void visit_err(void *user, const wb_module *m, uint32_t func, uint32_t offset)
{
    rt_frame_add(user, m, func, offset);
}

static void visit_trace(void *user, const wb_module *m, uint32_t func, uint32_t offset)
{
    rt_trace_add(user, m, func, offset);
}

void native_backtrace(const abi_native_call *call, bool skip, uint32_t offset, beamr_error *err)
{
    if (err)
        walk(call, skip, offset, visit_err, err);
}

void native_trace(const abi_native_call *call, bool skip)
{
    walk(call, skip, 0, visit_trace, call->context->store);
}

void native_trace_passes(const abi_native_call *call)
{
    abi_store *s = call->context->store;
    place p = {native_code_of(call->context), NULL, NULL};
    uint32_t kept =
        call->pass_total < BEAMR_BACKTRACE_MAX ? call->pass_total : BEAMR_BACKTRACE_MAX;

    for (uint32_t i = 0; i < kept; i++) {
        uint32_t func;

        p.pc = (const uint8_t *)call->passes[i] - 1;
        func = is_inside(&p) ? native_code_range(p.code, place_at(&p)) : ABI_RANGE_NONE;
        if (func < ABI_RANGE_STUB)
            rt_trace_add(s, p.code->wasm, func, native_code_site(p.code, place_at(&p)));
    }
    s->trace_total += call->pass_total - kept;
}

bool native_is_outermost(const abi_native_call *call, uint32_t *func)
{
    place p = place_of(call);

    *func = is_inside(&p) ? native_code_range(p.code, place_at(&p)) : ABI_RANGE_NONE;
    return place_down(&p) && native_code_range(p.code, place_at(&p)) == ABI_RANGE_THUNK;
}

const void *native_walk_down(const native_code *c, const void *pc, const void *sp)
{
    place p = {c, pc, sp};
    uint32_t func = native_code_range(c, place_at(&p));

    if (func >= ABI_RANGE_STUB)
        return NULL; /* no guest's instruction */
    while (func != ABI_RANGE_THUNK) {
        if (func == ABI_RANGE_NONE || !place_down(&p))
            return NULL;
        func = native_code_range(c, place_at(&p));
    }
    return p.sp + native_code_frame(c, place_at(&p));
}
