/* Tags and exceptions: throwing from host functions, and what an embedder does with an
 * exception that no guest caught. Which exceptions are in use is found in runtime/exception.c.
 */
#include "engine/internal.h"

#include <assert.h>

beamr_status beamr_tag_new(beamr_store *store, const beamr_functype *type, beamr_tag **out,
                           beamr_error *err)
{
    abi_store *s = engine_store(store);
    abi_tag *tag = NULL;
    uint32_t canon;

    if (type->result_count > 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a tag has no results");
    BEAMR_TRY(engine_functype_add(s->engine, type, &canon, err));
    BEAMR_TRY(rt_store_own_type(s, canon, err));
    BEAMR_TRY(rt_tag_new(s, canon, &tag, err));
    *out = engine_public_tag(tag);
    return BEAMR_OK;
}

beamr_functype beamr_tag_type(const beamr_tag *tag)
{
    return engine_public_functype(engine_tag(tag)->type);
}

/* The arguments as slots, above the used part of the stack: its slack has room for them. */
static beamr_status throw_args(abi_store *s, const wb_functype *t, const beamr_value *args,
                               beamr_error *err)
{
    char text[ENGINE_MISFIT_SIZE];
    uint64_t *slot = s->stack_top;

    for (uint32_t i = 0; i < t->param_count; i++) {
        if (!engine_value_fits(s, &args[i], t->params[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "argument %u of a tag: %s", i + 1,
                              engine_misfit_text(s, &args[i], t->params[i], text, sizeof text));
        slot = engine_value_put(&args[i], slot);
    }
    return BEAMR_OK;
}

beamr_status beamr_throw(beamr_store *store, beamr_tag *tag, const beamr_value *args,
                         size_t arg_count, beamr_error *err)
{
    abi_store *s = engine_store(store);
    const abi_tag *t = engine_tag(tag);
    abi_exception *e;

    if (t->store != s)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the tag belongs to another store");
    if (arg_count != t->type->param_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the tag takes %u arguments, %zu given",
                          t->type->param_count, arg_count);
    BEAMR_TRY(throw_args(s, t->type, args, err));
    if (!(e = rt_exception_new(s, t, s->stack_top, s->stack_top)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an exception");
    s->pending = e;
    return BEAMR_EXCEPTION;
}

beamr_exception *beamr_exception_take(beamr_store *store)
{
    abi_store *s = engine_store(store);
    abi_exception *e = s->pending;

    if (!e)
        return NULL;
    s->pending = NULL;
    e->pins++;
    return engine_public_exception(e);
}

void beamr_exception_retain(beamr_store *store, beamr_exception *exception)
{
    abi_exception *e = engine_exception(exception);

    assert(e->tag->store == engine_store(store));
    (void)store;
    e->pins++;
}

void beamr_exception_release(beamr_store *store, beamr_exception *exception)
{
    abi_exception *e = engine_exception(exception);

    if (!e)
        return;
    assert(e->tag->store == engine_store(store) && e->pins > 0);
    (void)store;
    if (e->pins > 0)
        e->pins--;
}

beamr_tag *beamr_exception_tag(const beamr_exception *exception)
{
    return engine_public_tag(engine_exception(exception)->tag);
}

size_t beamr_exception_arg_count(const beamr_exception *exception)
{
    return engine_exception(exception)->tag->type->param_count;
}

beamr_value beamr_exception_arg(const beamr_exception *exception, size_t i)
{
    const abi_exception *e = engine_exception(exception);
    const wb_functype *t = e->tag->type;
    const uint64_t *slot = e->slots;
    beamr_value v = {0};

    if (i >= t->param_count)
        return v;
    for (size_t k = 0; k < i; k++)
        slot += wb_valtype_slots(t->params[k]);
    (void)engine_value_get(t->params[i], slot, &v);
    return v;
}
