/* Functions of the host, which guests call: running them, and what their answers mean.
 * Values are converted on the way in, and checked on the way back. Calls from C are in entry.c.
 */
#include "engine/internal.h"

#include <stdlib.h>

/* Arguments and results of a host function that need no allocation. */
#define FEW_VALUES 16u

/* Between a guest's call and the callback every function counts. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef struct host_func {
    beamr_host_func callback; /* NULL: every call is answered later */
    bool on_host_stack;
    size_t stack_size; /* bytes that it needs there */
    beamr_bytes module, name;
} host_func;

/* ---- Calls ---- */

beamr_status engine_host_failure(beamr_status st, beamr_error *err)
{
    if (err->status == BEAMR_TRAP)
        return BEAMR_TRAP;
    if (err->status == BEAMR_OK && st == BEAMR_TRAP)
        return beamr_fail_trap(err, BEAMR_TRAP_HOST, NULL);
    if (err->status == BEAMR_OK || err->text[0] == '\0') {
        beamr_error_clear(err);
        (void)beamr_fail(err, st, 0, "%s", beamr_status_text(st));
    }
    err->status = BEAMR_TRAP;
    err->trap = st == BEAMR_NO_MEMORY ? BEAMR_TRAP_OUT_OF_MEMORY : BEAMR_TRAP_HOST;
    return BEAMR_TRAP;
}

/* What the callback's answer means for the guest that called.
 *   was_clean  the error object held no failure before */
static beamr_status host_answer(abi_store *s, beamr_status st, bool was_clean, beamr_error *err)
{
    if (st == BEAMR_OK || st == BEAMR_EXCEPTION || st == BEAMR_SUSPENDED) {
        if (was_clean && err->status != BEAMR_OK)
            beamr_error_clear(err); /* of an inner call, and dealt with */
        if (st == BEAMR_EXCEPTION && !s->pending)
            return beamr_fail_trap(err, BEAMR_TRAP_HOST, "it throws, but set no exception");
        if (st != BEAMR_EXCEPTION)
            s->pending = NULL;
        return st;
    }
    s->pending = NULL;
    return was_clean ? engine_host_failure(st, err) : BEAMR_TRAP;
}

/* One run of a callback on the thread's own stack. */
typedef struct host_run {
    const host_func *host;
    beamr_call *call;
    const beamr_value *args;
    beamr_value *results;
    beamr_error *err;
    beamr_status status;
} host_run;

/* A guest decides how often it is called within itself: its stack must not decide that. */
static void host_run_on_thread(void *arg)
{
    host_run *run = arg;
    size_t left = rt_thread_stack_left();

    if (left < run->host->stack_size)
        run->status = beamr_fail_trap(run->err, BEAMR_TRAP_STACK_EXHAUSTED,
                                      "the thread has %zu bytes of stack left", left);
    else
        run->status = run->host->callback(run->call, run->args, run->results, run->err);
}

__attribute__((noinline)) static beamr_status
run_on_thread(const host_func *host, beamr_call *call, const beamr_value *args,
              beamr_value *results, beamr_error *err)
{
    host_run run = {host, call, args, results, err, BEAMR_OK};

    rt_fiber_on_thread(host_run_on_thread, &run);
    return run.status;
}

/* The callback is done: calls that it left waiting would be below a guest that goes on. */
static beamr_status host_check_entries(abi_store *s, const rt_entry *own, beamr_status st,
                                       beamr_error *err)
{
    if (s->entry == own)
        return st;
    (void)rt_entries_cancel_after(s, own);
    beamr_error_clear(err);
    return beamr_fail_trap(err, BEAMR_TRAP_HOST,
                           "it returned while a call that it began waits");
}

/* Run the callback with the stack above its own slots, which keep the exceptions among the
 * arguments alive. Its slots count as stack units for what it calls, so that the depth of a
 * nest of calls is bounded by the units alone. */
static ALWAYS_INLINE beamr_status host_call(abi_func *f, abi_instance *caller, uint64_t *slots,
                                            beamr_value *values, beamr_error *err)
{
    const host_func *host = f->host;
    abi_store *s = f->store;
    rt_entry *own = s->entry;
    uint32_t room = rt_func_room(f);
    uint64_t *stack_top = s->stack_top;
    uint32_t units = s->units;
    beamr_value *results = values + f->type->param_count;
    bool was_clean = err->status == BEAMR_OK;
    beamr_call call = {engine_public_store(s), engine_public_instance(caller), f->user};
    beamr_status st;

    own->fiber.ran_host = true;
    s->pending = NULL;
    s->stack_top = slots + room;
    s->units = units > room ? units - room : 0;
    if (host->on_host_stack)
        st = run_on_thread(host, &call, values, results, err);
    else
        st = host->callback(&call, values, results, err);
    st = host_check_entries(s, own, st, err);
    s->stack_top = stack_top;
    s->units = units;
    if (__builtin_expect(st == BEAMR_OK && err->status == BEAMR_OK, 1)) {
        s->pending = NULL;
        return BEAMR_OK;
    }
    return host_answer(s, st, was_clean, err);
}

static void host_args(const wb_functype *t, const uint64_t *slots, beamr_value *values)
{
    for (uint32_t i = 0; i < t->param_count; i++)
        slots = engine_value_get(t->params[i], slots, values++);
    for (uint32_t i = 0; i < t->result_count; i++)
        *values++ = (beamr_value){.kind = engine_kind(t->results[i])};
}

static beamr_status host_results(const abi_func *f, uint64_t *slots, const beamr_value *results,
                                 beamr_error *err)
{
    const wb_functype *t = f->type;
    char text[ENGINE_MISFIT_SIZE];

    for (uint32_t i = 0; i < t->result_count; i++) {
        if (!engine_value_fits(f->store, &results[i], t->results[i]))
            return beamr_fail_trap(
                err, BEAMR_TRAP_HOST, "result %u: %s", i + 1,
                engine_misfit_text(f->store, &results[i], t->results[i], text, sizeof text));
        slots = engine_value_put(&results[i], slots);
    }
    return BEAMR_OK;
}

static ALWAYS_INLINE beamr_status host_run_with(abi_func *f, abi_instance *caller,
                                                uint64_t *slots, beamr_value *values,
                                                beamr_error *err)
{
    const wb_functype *t = f->type;
    beamr_status st;

    if (t->param_count + t->result_count > 0)
        host_args(t, slots, values);
    st = host_call(f, caller, slots, values, err);
    if (st == BEAMR_OK && t->result_count > 0)
        st = host_results(f, slots, values + t->param_count, err);
    return st;
}

/* Many values, or nobody who wants to hear of failures. */
__attribute__((noinline)) static beamr_status host_entry_rare(abi_func *f, abi_instance *caller,
                                                              uint64_t *slots, beamr_error *err)
{
    size_t count = (size_t)f->type->param_count + f->type->result_count;
    beamr_value *values = malloc((count + 1) * sizeof *values);
    beamr_error own;
    beamr_status st;

    beamr_error_clear(&own);
    if (!values)
        return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY, NULL);
    st = host_run_with(f, caller, slots, values, err ? err : &own);
    free(values);
    return st == BEAMR_SUSPENDED ? rt_entry_wait(f, caller, slots, err ? err : &own) : st;
}

static beamr_status host_entry(abi_func *f, abi_instance *caller, uint64_t *slots,
                               beamr_error *err)
{
    beamr_value few[FEW_VALUES];
    beamr_status st;

    if (!err || f->type->param_count + f->type->result_count > FEW_VALUES)
        return host_entry_rare(f, caller, slots, err);
    st = host_run_with(f, caller, slots, few, err);
    return st == BEAMR_SUSPENDED ? rt_entry_wait(f, caller, slots, err) : st;
}

/* ---- Making them ---- */

static beamr_status copy_name(abi_store *s, beamr_bytes name, beamr_bytes *out,
                              beamr_error *err)
{
    uint8_t *copy;

    *out = (beamr_bytes){0};
    if (name.len == 0)
        return BEAMR_OK;
    if (!(copy = ARENA_NEW(&s->arena, uint8_t, name.len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the name of a host function");
    memcpy(copy, name.data, name.len);
    *out = (beamr_bytes){copy, name.len};
    return BEAMR_OK;
}

beamr_status beamr_func_make(beamr_store *store, const beamr_functype *type,
                             const beamr_host *host, beamr_func **out, beamr_error *err)
{
    abi_store *s = engine_store(store);
    host_func *record;
    abi_func *f = NULL;
    uint32_t canon;

    if (!(record = ARENA_NEW(&s->arena, host_func, 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a host function");
    record->callback = host->callback;
    record->on_host_stack = host->on_host_stack;
    record->stack_size = host->stack_size ? host->stack_size : RT_HOST_STACK;
    BEAMR_TRY(copy_name(s, host->module, &record->module, err));
    BEAMR_TRY(copy_name(s, host->name, &record->name, err));
    BEAMR_TRY(engine_functype_add(s->engine, type, &canon, err));
    BEAMR_TRY(rt_host_func_new(s, canon, host->callback ? host_entry : rt_entry_wait, record,
                               host->user, host->finalize, &f, err));
    *out = engine_public_func(f);
    return BEAMR_OK;
}

beamr_status beamr_func_new(beamr_store *store, const beamr_functype *type,
                            beamr_host_func callback, void *user, void (*finalize)(void *user),
                            beamr_func **out, beamr_error *err)
{
    beamr_host host = {.callback = callback, .user = user, .finalize = finalize};

    if (!callback)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a host function without a callback");
    return beamr_func_make(store, type, &host, out, err);
}

beamr_functype beamr_func_type(const beamr_func *func)
{
    return engine_public_functype(engine_func(func)->type);
}

void engine_host_names(const abi_func *f, beamr_bytes *module, beamr_bytes *name)
{
    const host_func *host = f->host;

    *module = host->module;
    *name = host->name;
}
