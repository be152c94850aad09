/* Functions of the host, which guests call: running them, and what their answers mean.
 * Values are converted on the way in, and checked on the way back. Calls from C are in entry.c.
 */
#include "engine/internal.h"

#include <stdlib.h>

/* Arguments and results of a host function that need no allocation. */
#define FEW_VALUES 16u

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

/* One run of a callback. */
typedef struct host_run {
    beamr_host_func callback;
    size_t stack_size;
    beamr_call call;
    const beamr_value *args;
    beamr_value *results;
    beamr_error *err;
    beamr_status status;
} host_run;

static void host_run_callback(void *arg)
{
    host_run *run = arg;

    run->status = run->callback(&run->call, run->args, run->results, run->err);
}

/* A guest decides how often it is called within itself: its stack must not decide that. */
static void host_run_on_thread(void *arg)
{
    host_run *run = arg;
    size_t left = rt_thread_stack_left();

    if (left < run->stack_size)
        run->status = beamr_fail_trap(run->err, BEAMR_TRAP_STACK_EXHAUSTED,
                                      "the thread has %zu bytes of stack left", left);
    else
        host_run_callback(arg);
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
static beamr_status host_call(abi_func *f, abi_instance *caller, uint64_t *slots,
                              beamr_value *values, beamr_error *err)
{
    const host_func *host = f->host;
    abi_store *s = f->store;
    const rt_entry *own = s->entry;
    uint32_t room = rt_func_room(f);
    uint64_t *stack_top = s->stack_top;
    uint32_t units = s->units;
    bool was_clean = err->status == BEAMR_OK;
    host_run run = {
        .callback = host->callback,
        .stack_size = host->stack_size,
        .call = {engine_public_store(s), engine_public_instance(caller), f->user},
        .args = values,
        .results = values + f->type->param_count,
        .err = err,
    };

    s->pending = NULL;
    s->stack_top = slots + room;
    s->units = units > room ? units - room : 0;
    if (host->on_host_stack)
        rt_fiber_on_thread(host_run_on_thread, &run);
    else
        host_run_callback(&run);
    run.status = host_check_entries(s, own, run.status, err);
    s->stack_top = stack_top;
    s->units = units;
    return host_answer(s, run.status, was_clean, err);
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

static beamr_status host_entry(abi_func *f, abi_instance *caller, uint64_t *slots,
                               beamr_error *err)
{
    const wb_functype *t = f->type;
    size_t count = (size_t)t->param_count + t->result_count;
    beamr_value few[FEW_VALUES];
    beamr_value *values = few;
    beamr_error own;
    beamr_status st;

    if (!err) {
        beamr_error_clear(&own);
        err = &own;
    }
    if (count > FEW_VALUES && !(values = malloc(count * sizeof *values)))
        return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY, NULL);
    host_args(t, slots, values);
    st = host_call(f, caller, slots, values, err);
    if (st == BEAMR_OK)
        st = host_results(f, slots, values + t->param_count, err);
    if (values != few)
        free(values);
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
