/* Functions: calling them from C, and those of the host that guests call.
 * Values are checked where they come in: an embedder's arguments, and a host function's
 * results. The stack and nesting are in runtime/call.c. */
#include "engine/internal.h"

#include <stdlib.h>

/* Arguments and results of a host function that need no allocation. */
#define FEW_VALUES 16u

typedef struct host_func {
    beamr_host_func callback;
} host_func;

/* ---- Host functions ---- */

/* What the callback's answer means for the guest that called.
 *   was_clean  the error object held no failure before */
static beamr_status host_answer(abi_store *s, beamr_status st, bool was_clean, beamr_error *err)
{
    if (st == BEAMR_OK || st == BEAMR_EXCEPTION) {
        if (was_clean && err->status != BEAMR_OK)
            beamr_error_clear(err); /* of an inner call, and dealt with */
        if (st == BEAMR_EXCEPTION && !s->pending)
            return beamr_fail_trap(err, BEAMR_TRAP_HOST, "it throws, but set no exception");
        if (st == BEAMR_OK)
            s->pending = NULL;
        return st;
    }
    s->pending = NULL;
    if (!was_clean || err->status == BEAMR_TRAP)
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

/* Run the callback with the stack above its own slots, which keep the exceptions among the
 * arguments alive. Its slots count as stack units for what it calls, so that the depth of a
 * nest of calls is bounded by the units alone. */
static beamr_status host_call(abi_func *f, abi_instance *caller, uint64_t *slots,
                              beamr_value *values, beamr_error *err)
{
    const wb_functype *t = f->type;
    const host_func *host = f->host;
    abi_store *s = f->store;
    uint32_t room = t->param_slots > t->result_slots ? t->param_slots : t->result_slots;
    uint64_t *stack_top = s->stack_top;
    uint32_t units = s->units;
    bool was_clean = err->status == BEAMR_OK;
    beamr_call call = {engine_public_store(s), engine_public_instance(caller), f->user};
    beamr_status st;

    s->pending = NULL;
    s->stack_top = slots + room;
    s->units = units > room ? units - room : 0;
    st = host->callback(&call, values, values + t->param_count, err);
    s->stack_top = stack_top;
    s->units = units;
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
    return st;
}

beamr_status beamr_func_new(beamr_store *store, const beamr_functype *type,
                            beamr_host_func callback, void *user, void (*finalize)(void *user),
                            beamr_func **out, beamr_error *err)
{
    abi_store *s = engine_store(store);
    host_func *host;
    abi_func *f = NULL;
    uint32_t canon;

    if (!callback)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a host function without a callback");
    if (!(host = ARENA_NEW(&s->arena, host_func, 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a host function");
    host->callback = callback;
    BEAMR_TRY(engine_functype_add(s->engine, type, &canon, err));
    BEAMR_TRY(rt_host_func_new(s, canon, host_entry, host, user, finalize, &f, err));
    *out = engine_public_func(f);
    return BEAMR_OK;
}

beamr_functype beamr_func_type(const beamr_func *func)
{
    return engine_public_functype(engine_func(func)->type);
}

/* ---- Calls from C ---- */

static beamr_status fail_argument(const abi_func *f, const beamr_value *args, uint32_t i,
                                  beamr_error *err)
{
    char text[ENGINE_MISFIT_SIZE];

    return beamr_fail(
        err, BEAMR_ARGUMENT, 0, "argument %u: %s", i + 1,
        engine_misfit_text(f->store, &args[i], f->type->params[i], text, sizeof text));
}

/* The store is entered, the counts are right. */
static beamr_status call(abi_func *f, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    const wb_functype *t = f->type;
    uint64_t *slots = f->store->stack_top;
    uint64_t *in = slots;
    const uint64_t *out = slots;

    for (uint32_t i = 0; i < t->param_count; i++) {
        if (!engine_value_fits(f->store, &args[i], t->params[i]))
            return fail_argument(f, args, i, err);
        in = engine_value_put(&args[i], in);
    }
    BEAMR_TRY(rt_call(f, slots, err));
    for (uint32_t i = 0; i < t->result_count; i++)
        out = engine_value_get(t->results[i], out, &results[i]);
    return BEAMR_OK;
}

beamr_status beamr_func_call(beamr_func *func, const beamr_value *args, size_t arg_count,
                             beamr_value *results, size_t result_count, beamr_error *err)
{
    abi_func *f = engine_func(func);
    const wb_functype *t = f->type;
    bool outermost;
    beamr_status st;

    if (arg_count != t->param_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%u arguments expected, %zu given",
                          t->param_count, arg_count);
    if (result_count != t->result_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the function has %u results, not %zu",
                          t->result_count, result_count);
    BEAMR_TRY(rt_store_enter(f->store, &outermost, err));
    st = call(f, args, results, err);
    rt_store_leave(f->store, outermost);
    return st;
}
