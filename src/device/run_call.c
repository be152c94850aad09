/* One call in an instance, up to where it waits or ends; for the first time (run.c) and
 * repeated (state_repeat.c), which so cannot differ. Making an instance is a call too: the
 * start function, and then what brings the guest's language up. */
#include <stdlib.h>
#include <string.h>

#include "device/state_internal.h"

/* ---- Beginning ---- */

static beamr_status initialize(state_call *call, beamr_error *err)
{
    beamr_func *func = state_guest_initializer(call->guest);

    call->is_initializing = true;
    return func ? beamr_entry_begin(func, NULL, 0, NULL, 0, &call->entry, err) : BEAMR_OK;
}

static beamr_status begin_init(state_call *call, beamr_error *err)
{
    beamr_status st = state_guest_begin(call->guest, call->image, &call->entry, err);

    return st == BEAMR_OK ? initialize(call, err) : st;
}

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the values of a call");
}

static beamr_status begin_numbers(state_call *call, beamr_func *func,
                                  const beamr_functype *type, beamr_error *err)
{
    beamr_value few[STATE_VALUES], *values = few;
    size_t count = type->param_count;
    beamr_status st;

    call->result_count = type->result_count;
    call->results = call->few;
    if (count > STATE_VALUES && !(values = malloc(count * sizeof *values)))
        return fail_memory(err);
    if (type->result_count > STATE_VALUES &&
        !(call->results = malloc(type->result_count * sizeof *call->results))) {
        st = fail_memory(err);
    } else {
        for (size_t i = 0; i < count; i++)
            (void)dev_number(ao_list_at(call->record->parameters, i),
                             beamr_valtype_kind(type->params[i]),
                             &values[i]); /* checked before */
        st = beamr_entry_begin(func, values, count, call->results, call->result_count,
                               &call->entry, err);
    }
    if (values != few)
        free(values);
    return st;
}

static beamr_status begin_texts(state_call *call, beamr_func *func, const beamr_functype *type,
                                beamr_error *err)
{
    static const beamr_args_options options = {.can_wait = true};
    ao_value parameters = call->record->parameters;
    size_t count = ao_list_count(parameters);
    beamr_arg *args = calloc(count, sizeof *args);
    beamr_status st;

    if (!args)
        return fail_memory(err);
    run_args(parameters, type, args);
    st = beamr_args_begin(call->guest->instance, func, args, count, &options, &call->args, err);
    free(args);
    return st;
}

static beamr_status begin_call(state_call *call, beamr_error *err)
{
    beamr_bytes name = call->record->function;
    beamr_extern item;
    beamr_functype type;

    if (!beamr_instance_find(call->guest->instance, name, &item) ||
        item.kind != BEAMR_EXTERN_FUNC)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the function %.*s",
                          (int)name.len, (const char *)name.data);
    type = beamr_func_type(item.of.func);
    return run_are_numbers(call->record->parameters, &type)
               ? begin_numbers(call, item.of.func, &type, err)
               : begin_texts(call, item.of.func, &type, err);
}

/* ---- How it failed ---- */

/* A guest that ended itself, or has no fuel left, is not asked; nor is one that the host ended.
 */
static bool may_speak(const state_call *call, beamr_status st, const beamr_error *err)
{
    if (!call->guest->instance || state_is_host_failure(st, err))
        return false;
    return st == BEAMR_EXCEPTION || (st == BEAMR_TRAP && err->trap != BEAMR_TRAP_EXIT &&
                                     err->trap != BEAMR_TRAP_OUT_OF_FUEL);
}

/* Its own words. Whatever goes wrong with them in the guest leaves the trap as it was; what the
 * host ends then, ends the call. */
static beamr_status hear(state_call *call, beamr_status st, beamr_error *err)
{
    beamr_error other = {0};
    char words[STATE_WORDS];
    beamr_status heard = state_guest_last_error(call->guest, words, sizeof words, &other);

    if (state_is_host_failure(heard, &other) ||
        (heard == BEAMR_TRAP && other.trap == BEAMR_TRAP_OUT_OF_FUEL && call->is_host_fuel)) {
        *err = other;
        return heard;
    }
    if (words[0] && !(call->words = strdup(words)))
        return fail_memory(err);
    return st;
}

/* What an exception was is told while the store still knows. */
static beamr_status explained(state_call *call, beamr_status st, beamr_error *err)
{
    if (st == BEAMR_EXCEPTION)
        beamr_guest_explain(dev_system_wasi(call->guest->system), call->guest->store, err);
    return may_speak(call, st, err) ? hear(call, st, err) : st;
}

beamr_status state_call_begin(state_call *call, state_guest *guest, dev_image *image,
                              const state_record *record, beamr_error *err)
{
    beamr_status st;

    call->guest = guest;
    call->image = image;
    call->record = record;
    beamr_wasi_clear_exit(dev_system_wasi(guest->system));
    st = record->origin == STATE_INIT ? begin_init(call, err) : begin_call(call, err);
    return explained(call, st, err);
}

/* ---- Going on ---- */

beamr_entry state_call_entry(const state_call *call)
{
    return call->args ? beamr_args_entry(call->args) : call->entry;
}

beamr_status state_call_resume(state_call *call, const beamr_answer *answer, beamr_error *err)
{
    beamr_status st;

    if (call->args) {
        st = beamr_args_resume(call->args, answer, err);
    } else {
        st = beamr_entry_resume(call->guest->store, call->entry, answer, call->results,
                                call->result_count, err);
        if (st == BEAMR_OK && call->record->origin == STATE_INIT && !call->is_initializing)
            st = initialize(call, err);
    }
    return explained(call, st, err);
}

beamr_status state_call_request(const state_call *call, beamr_request *out, beamr_value *args,
                                size_t room, beamr_error *err)
{
    return beamr_entry_request(call->guest->store, state_call_entry(call), out, args, room,
                               err);
}

uint64_t state_request_digest(const beamr_request *request, const beamr_value *args)
{
    uint64_t digest = state_digest(1, request->module.data, request->module.len);

    digest = state_digest(digest, request->name.data, request->name.len);
    return state_digest_values(digest, args, request->type.param_count);
}

/* ---- The end ---- */

const beamr_value *state_call_results(const state_call *call, size_t *count)
{
    if (call->args)
        return beamr_args_results(call->args, count);
    *count = call->result_count;
    return call->results;
}

uint64_t state_call_digest(const state_call *call, beamr_status st, const beamr_error *err)
{
    uint64_t digest = (uint64_t)st << 8 | (st == BEAMR_TRAP ? (uint64_t)err->trap : 0);
    const beamr_value *results;
    size_t count;

    if (st != BEAMR_OK)
        return digest;
    results = state_call_results(call, &count);
    return state_digest_values(digest, results, count);
}

void state_call_clear(state_call *call)
{
    beamr_args_free(call->args);
    if (call->results != call->few)
        free(call->results);
    free(call->words);
    call->args = NULL;
    call->results = NULL;
    call->words = NULL;
}
