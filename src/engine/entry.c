/* Calls from C: to their end, or such that can wait. Values are checked here; what begins,
 * waits and goes on is in runtime/entry.c. */
#include "beamr/entry.h"

#include "engine/internal.h"

static beamr_status fail_argument(const abi_func *f, const beamr_value *args, uint32_t i,
                                  beamr_error *err)
{
    char text[ENGINE_MISFIT_SIZE];

    return beamr_fail(
        err, BEAMR_ARGUMENT, 0, "argument %u: %s", i + 1,
        engine_misfit_text(f->store, &args[i], f->type->params[i], text, sizeof text));
}

static beamr_status check_counts(const abi_func *f, size_t arg_count, size_t result_count,
                                 beamr_error *err)
{
    const wb_functype *t = f->type;

    if (arg_count != t->param_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%u arguments expected, %zu given",
                          t->param_count, arg_count);
    if (result_count != t->result_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the function has %u results, not %zu",
                          t->result_count, result_count);
    return BEAMR_OK;
}

static void take_results(const wb_functype *t, const uint64_t *slots, beamr_value *results)
{
    for (uint32_t i = 0; i < t->result_count; i++)
        slots = engine_value_get(t->results[i], slots, &results[i]);
}

/* The store is entered, the counts are right.
 *   entry  NULL for a call that cannot wait */
static beamr_status call(abi_func *f, const beamr_value *args, beamr_value *results,
                         beamr_entry *entry, beamr_error *err)
{
    const wb_functype *t = f->type;
    uint64_t *slots = f->store->stack_top;
    uint64_t *in = slots;

    for (uint32_t i = 0; i < t->param_count; i++) {
        if (!engine_value_fits(f->store, &args[i], t->params[i]))
            return fail_argument(f, args, i, err);
        in = engine_value_put(&args[i], in);
    }
    BEAMR_TRY(rt_entry_begin(f, slots, entry != NULL, entry, err));
    if (t->result_count > 0)
        take_results(t, slots, results);
    return BEAMR_OK;
}

static beamr_status enter(abi_func *f, const beamr_value *args, size_t arg_count,
                          beamr_value *results, size_t result_count, beamr_entry *entry,
                          beamr_error *err)
{
    bool outermost;
    beamr_status st;

    BEAMR_TRY(check_counts(f, arg_count, result_count, err));
    BEAMR_TRY(rt_store_enter(f->store, &outermost, err));
    st = call(f, args, results, entry, err);
    rt_store_leave(f->store, outermost);
    return st;
}

beamr_status beamr_func_call(beamr_func *func, const beamr_value *args, size_t arg_count,
                             beamr_value *results, size_t result_count, beamr_error *err)
{
    return enter(engine_func(func), args, arg_count, results, result_count, NULL, err);
}

beamr_status beamr_entry_begin(beamr_func *func, const beamr_value *args, size_t arg_count,
                               beamr_value *results, size_t result_count, beamr_entry *entry,
                               beamr_error *err)
{
    return enter(engine_func(func), args, arg_count, results, result_count, entry, err);
}

/* ---- Requests ---- */

static void take_request(const rt_entry *e, beamr_request *out, beamr_value *args, size_t room)
{
    const abi_func *f = e->request;
    const wb_functype *t = f->type;
    const uint64_t *slots = e->request_slots;

    *out = (beamr_request){
        .type = engine_public_functype(t),
        .caller = engine_public_instance(e->request_caller),
        .user = f->user,
    };
    engine_host_names(f, &out->module, &out->name);
    for (uint32_t i = 0; i < t->param_count && i < room; i++)
        slots = engine_value_get(t->params[i], slots, &args[i]);
}

static beamr_status request(abi_store *s, beamr_entry entry, beamr_request *out,
                            beamr_value *args, size_t room, beamr_error *err)
{
    rt_entry *e = NULL;

    BEAMR_TRY(rt_entry_waiting(s, entry, &e, err));
    if (!e->request)
        return BEAMR_NOT_FOUND;
    take_request(e, out, args, room);
    return BEAMR_OK;
}

beamr_status beamr_entry_request(beamr_store *store, beamr_entry entry, beamr_request *out,
                                 beamr_value *args, size_t room, beamr_error *err)
{
    abi_store *s = engine_store(store);
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_store_enter(s, &outermost, err));
    st = request(s, entry, out, args, room, err);
    rt_store_leave(s, outermost);
    return st;
}

/* ---- Answers ---- */

static beamr_status put_results(rt_entry *e, const beamr_answer *answer, beamr_error *err)
{
    const wb_functype *t = e->request->type;
    char text[ENGINE_MISFIT_SIZE];
    uint64_t *slots = e->request_slots;

    if (answer->result_count != t->result_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the request wants %u results, %zu given",
                          t->result_count, answer->result_count);
    for (uint32_t i = 0; i < t->result_count; i++)
        if (!engine_value_fits(e->store, &answer->results[i], t->results[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "result %u: %s", i + 1,
                              engine_misfit_text(e->store, &answer->results[i], t->results[i],
                                                 text, sizeof text));
    for (uint32_t i = 0; i < t->result_count; i++)
        slots = engine_value_put(&answer->results[i], slots);
    return BEAMR_OK;
}

static beamr_status put_exception(rt_entry *e, beamr_exception *exception, beamr_error *err)
{
    abi_exception *x = engine_exception(exception);

    if (x->tag->store != e->store)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the exception belongs to another store");
    e->store->pending = x;
    return BEAMR_EXCEPTION;
}

/* Make the answer the entry's.
 *   given  what it goes on with: BEAMR_OK, BEAMR_TRAP or BEAMR_EXCEPTION */
static beamr_status put_answer(rt_entry *e, const beamr_answer *answer, beamr_status *given,
                               beamr_error *err)
{
    static const beamr_answer none;
    beamr_status st;

    if (!answer)
        answer = &none;
    if (!e->request && (answer->result_count > 0 || answer->error || answer->exception))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the call was paused: it takes no answer");
    *given = BEAMR_OK;
    if (!e->request)
        return BEAMR_OK;
    if (answer->error && answer->error->status == BEAMR_OK)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the answer's error holds no failure");
    if (answer->error) {
        e->own = *answer->error;
        *given = engine_host_failure(e->own.status, &e->own);
        return BEAMR_OK;
    }
    if (!answer->exception)
        return put_results(e, answer, err);
    if ((st = put_exception(e, answer->exception, err)) != BEAMR_EXCEPTION)
        return st;
    *given = st;
    return BEAMR_OK;
}

static beamr_status resume(abi_store *s, beamr_entry entry, const beamr_answer *answer,
                           beamr_value *results, size_t result_count, beamr_error *err)
{
    rt_entry *e = NULL;
    const abi_func *f;
    const uint64_t *slots;
    beamr_status given;

    BEAMR_TRY(rt_entry_find(s, entry, &e, err));
    f = e->func;
    slots = e->slots;
    if (result_count != f->type->result_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the function has %u results, not %zu",
                          f->type->result_count, result_count);
    BEAMR_TRY(put_answer(e, answer, &given, err));
    BEAMR_TRY(rt_entry_resume(e, given, err));
    take_results(f->type, slots, results);
    return BEAMR_OK;
}

beamr_status beamr_entry_resume(beamr_store *store, beamr_entry entry,
                                const beamr_answer *answer, beamr_value *results,
                                size_t result_count, beamr_error *err)
{
    abi_store *s = engine_store(store);
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_store_enter(s, &outermost, err));
    st = resume(s, entry, answer, results, result_count, err);
    rt_store_leave(s, outermost);
    return st;
}

beamr_status beamr_entry_cancel(beamr_store *store, beamr_entry entry, beamr_error *err)
{
    abi_store *s = engine_store(store);
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_store_enter(s, &outermost, err));
    st = rt_entry_cancel(s, entry, err);
    rt_store_leave(s, outermost);
    return st;
}

beamr_entry beamr_store_waiting(const beamr_store *store)
{
    const rt_entry *e = engine_store(store)->entry;

    return e && e->state == RT_ENTRY_SUSPENDED ? e->id : 0;
}
