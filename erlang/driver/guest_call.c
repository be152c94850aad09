/* Calls. Those with numbers alone, which are most, take nothing but an object that an earlier
 * call has left; text and JSON go through the guest's allocator (beamr/values.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "driver/guest_parts.h"

enum {
    VALUES_MIN = 16, /* places of an object, so that it serves for most calls */
    FREE_MAX = 8,    /* objects that are kept */
    NAME_SHOWN = 450,
};

struct drv_call {
    drv_call *next; /* of those kept */
    drv_guest *guest;
    beamr_functype type;     /* of the function */
    beamr_args_call *copied; /* a call with text; NULL: the following are used */
    beamr_entry entry;       /* that waits; 0: none */
    beamr_value *results;    /* behind the parameters */
    beamr_value *asked;      /* arguments of what it waits for, behind the results */
    size_t room;             /* of `values` */
    beamr_value values[];
};

/* ---- Objects ---- */

static void call_drop(drv_guest *guest)
{
    drv_call *call = guest->free_calls;

    guest->free_calls = call->next;
    guest->free_count--;
    free(call);
}

void drv_guest_drop_calls(drv_guest *guest)
{
    while (guest->free_calls)
        call_drop(guest);
}

/* An object for a call of a function: one that was kept, or a new one. */
static beamr_status call_take(drv_guest *guest, const beamr_functype *type, drv_call **out,
                              beamr_error *err)
{
    /* All three are bounded by the engine's limits for types. */
    size_t needed = type->param_count + type->result_count + guest->asked_max;
    size_t room = needed > VALUES_MIN ? needed : VALUES_MIN;
    drv_call *call;

    if (guest->free_calls && guest->free_calls->room < needed)
        call_drop(guest);
    if ((call = guest->free_calls)) {
        guest->free_calls = call->next;
        guest->free_count--;
    } else {
        if (!(call = malloc(sizeof *call + room * sizeof call->values[0])))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call");
        call->room = room;
    }
    call->guest = guest;
    call->type = *type;
    call->copied = NULL;
    call->entry = 0;
    call->results = call->values + type->param_count;
    call->asked = call->results + type->result_count;
    *out = call;
    return BEAMR_OK;
}

/* The call has ended. */
static void call_give(drv_call *call)
{
    drv_guest *guest = call->guest;

    beamr_args_free(call->copied);
    if (guest->free_count >= FREE_MAX) {
        free(call);
        return;
    }
    call->next = guest->free_calls;
    guest->free_calls = call;
    guest->free_count++;
}

/* ---- Targets ---- */

static beamr_status find_export(const drv_guest *guest, beamr_bytes name, beamr_func **out,
                                beamr_error *err)
{
    size_t export;

    if (!drv_names_find(&guest->names, guest->module, name, &export))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "Function not found: %.*s",
                          drv_name_shown(name, NAME_SHOWN), (const char *)name.data);
    if (!(*out = beamr_instance_export(guest->instance, export).of.func))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an export's record");
    return BEAMR_OK;
}

/* The table of function pointers: exported under its name, or the only one. */
static beamr_status find_table(const drv_guest *guest, beamr_table **out, beamr_error *err)
{
    beamr_extern item;

    if (beamr_instance_find(guest->instance, beamr_bytes_of("__indirect_function_table"),
                            &item) &&
        item.kind == BEAMR_EXTERN_TABLE) {
        *out = item.of.table;
        return BEAMR_OK;
    }
    if (!(*out = beamr_instance_table(guest->instance, 0)))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "Function not found: the module has no table to find an element in");
    if (beamr_instance_table(guest->instance, 1))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "Function not found: the module has several tables, and exports none "
                          "as __indirect_function_table");
    return BEAMR_OK;
}

static beamr_status find_element(const drv_guest *guest, uint64_t index, beamr_func **out,
                                 beamr_error *err)
{
    beamr_table *table = NULL;
    beamr_value element;
    uint64_t size;
    beamr_status st = find_table(guest, &table, err);

    if (st != BEAMR_OK)
        return st;
    size = beamr_table_size(table);
    if (index >= size)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "Function not found: no element has this number, the table has "
                          "%" PRIu64,
                          size);
    if ((st = beamr_table_get(table, index, &element, err)) != BEAMR_OK)
        return st;
    if (element.kind != BEAMR_FUNCREF || !element.of.func)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "Function not found: element %" PRIu64 " of the table is %s", index,
                          element.kind == BEAMR_FUNCREF ? "null" : "no function");
    *out = element.of.func;
    return BEAMR_OK;
}

/* ---- Beginning ---- */

static beamr_status begin_numbers(drv_call *call, beamr_func *func, const drv_args *args,
                                  beamr_error *err)
{
    const beamr_functype *type = &call->type;
    beamr_status st = BEAMR_OK;

    if (args->count != type->param_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function takes %zu parameter%s, and %zu %s given",
                          type->param_count, type->param_count == 1 ? "" : "s", args->count,
                          args->count == 1 ? "argument was" : "arguments were");
    for (size_t i = 0; i < args->count && st == BEAMR_OK; i++)
        st = beamr_arg_value(&args->args[i], i, false, type->params[i], &call->values[i], err);
    if (st != BEAMR_OK)
        return st;
    return beamr_entry_begin(func, call->values, type->param_count, call->results,
                             type->result_count, &call->entry, err);
}

static beamr_status begin_copied(drv_call *call, beamr_func *func, const drv_args *args,
                                 beamr_error *err)
{
    static const beamr_args_options options = {.can_wait = true};
    beamr_status st = beamr_args_begin(call->guest->instance, func, args->args, args->count,
                                       &options, &call->copied, err);

    if (st == BEAMR_SUSPENDED)
        call->entry = beamr_args_entry(call->copied);
    return st;
}

/* A call from outside: what earlier ones used and left does not count. */
static void begin_outermost(drv_guest *guest)
{
    if (beamr_store_waiting(guest->store) != 0)
        return;
    if (guest->options.fuel > 0)
        beamr_store_set_fuel(guest->store, guest->options.fuel);
    beamr_wasi_clear_exit(guest->wasi);
}

beamr_status drv_call_begin(drv_guest *guest, const drv_target *target, const drv_args *args,
                            BEAMR_OWN drv_call **out, beamr_error *err)
{
    beamr_func *func = NULL;
    drv_call *call = NULL;
    beamr_functype type;
    beamr_error own; /* two kilobytes: cleared only when it is used */
    beamr_status st;

    if (!err) {
        beamr_error_clear(&own);
        err = &own;
    }
    if ((st = drv_guest_check(guest, err)) == BEAMR_OK)
        st = target->is_index ? find_element(guest, target->index, &func, err)
                              : find_export(guest, target->name, &func, err);
    if (st != BEAMR_OK)
        return st;
    type = beamr_func_type(func);
    if ((st = call_take(guest, &type, &call, err)) != BEAMR_OK)
        return st;
    begin_outermost(guest);
    st = args->has_copied ? begin_copied(call, func, args, err)
                          : begin_numbers(call, func, args, err);
    if (st == BEAMR_OK || st == BEAMR_SUSPENDED) {
        *out = call;
        return st;
    }
    call_give(call);
    drv_guest_explain(guest, err);
    return st;
}

/* ---- Going on ---- */

bool drv_call_request(drv_call *call, beamr_request *request, const beamr_value **args)
{
    drv_guest *guest = call->guest;

    if (call->entry == 0 || beamr_entry_request(guest->store, call->entry, request, call->asked,
                                                guest->asked_max, NULL) != BEAMR_OK)
        return false;
    *args = call->asked;
    return true;
}

static beamr_status resume(drv_call *call, const beamr_answer *answer, beamr_error *err)
{
    if (call->copied)
        return beamr_args_resume(call->copied, answer, err);
    return beamr_entry_resume(call->guest->store, call->entry, answer, call->results,
                              call->type.result_count, err);
}

/* The results do not fit: the guest traps. */
static beamr_status resume_misfit(drv_call *call, beamr_error *err)
{
    beamr_error why = {0};
    beamr_answer answer = {.error = &why};

    (void)beamr_fail_trap(&why, BEAMR_TRAP_HOST, "%s", err->text);
    beamr_error_clear(err);
    return resume(call, &answer, err);
}

beamr_status drv_call_resume(drv_call *call, const beamr_answer *answer, beamr_error *err)
{
    beamr_error own;
    beamr_status st;

    if (!err) {
        beamr_error_clear(&own);
        err = &own;
    }
    if (call->entry == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the call has ended already");
    st = resume(call, answer, err);
    if (st == BEAMR_ARGUMENT && answer && !answer->error && !answer->exception)
        st = resume_misfit(call, err);
    if (st == BEAMR_SUSPENDED || st == BEAMR_BUSY)
        return st;
    call->entry = 0;
    if (st != BEAMR_OK)
        drv_guest_explain(call->guest, err);
    return st;
}

bool drv_call_has_copied(const drv_call *call)
{
    return call->copied != NULL;
}

const beamr_value *drv_call_results(const drv_call *call, size_t *count)
{
    if (call->copied)
        return beamr_args_results(call->copied, count);
    *count = call->type.result_count;
    return call->results;
}

void drv_call_free(drv_call *call)
{
    if (!call)
        return;
    if (call->entry != 0 && !call->copied)
        (void)beamr_entry_cancel(call->guest->store, call->entry, NULL);
    call_give(call);
}
