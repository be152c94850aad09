/* Making a guest and bringing it up.
 * Limits: what may nest (calls within imports within calls) is bounded, since each level takes
 * memory of the host's; the rest is the engine's default, but for the options.
 * Read next: guest_link.c, guest_call.c. */
#include <stdlib.h>

#include "driver/guest_parts.h"

enum { PAGE = 65536 };

/* Levels of calls within imports within calls. */
#define NESTING_MAX 256u
/* What tables and element segments may take beside a memory. */
#define BESIDE_MEMORY ((uint64_t)128 << 20)

/* ---- Small things ---- */

beamr_status drv_guest_check(const drv_guest *guest, beamr_error *err)
{
    if (guest->stage == DRV_STAGE_UP)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                      guest->stage == DRV_STAGE_FAILED
                          ? "The instance cannot be used: it was not brought up, or lost its "
                            "state when memory was gone."
                          : "Cannot run WASM function as module not initialized.");
}

beamr_module *drv_guest_module(const drv_guest *guest)
{
    return guest->module;
}

uint64_t drv_guest_fuel_used(const drv_guest *guest)
{
    return beamr_store_fuel_used(guest->store);
}

bool drv_guest_is_quick(const drv_guest *guest)
{
    return !guest->is_slow;
}

void drv_guest_expect(drv_guest *guest, size_t largest_function)
{
    guest->is_slow = guest->is_slow || largest_function > DRV_QUICK_FUNCTION;
}

void drv_guest_pause(drv_guest *guest)
{
    beamr_store_pause(guest->store);
}

void drv_guest_interrupt(drv_guest *guest)
{
    beamr_store_interrupt(guest->store);
}

void drv_guest_settle(drv_guest *guest)
{
    beamr_store_clear_pause(guest->store);
    beamr_store_clear_interrupt(guest->store);
}

/* ---- Making ---- */

/* With one memory the limit is exact for it; with several it holds for their sum, in which the
 * store counts tables as well. */
static beamr_store_limits limits_of(const beamr_module *module, const drv_options *options)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    uint64_t most = options->max_memory;

    limits.max_nesting = NESTING_MAX;
    if (most == 0)
        return limits;
    if (most / PAGE < limits.max_memory_pages)
        limits.max_memory_pages = most / PAGE;
    if (beamr_module_memory_count(module) < 2)
        most = most > UINT64_MAX - BESIDE_MEMORY ? UINT64_MAX : most + BESIDE_MEMORY;
    if (most < limits.max_bytes)
        limits.max_bytes = most;
    return limits;
}

beamr_status drv_guest_new(beamr_engine *engine, beamr_module *module,
                           const drv_options *options, BEAMR_OWN drv_guest **out,
                           beamr_error *err)
{
    beamr_store_limits limits = limits_of(module, options);
    drv_guest *guest = calloc(1, sizeof *guest);
    beamr_status st;

    if (!guest)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an instance");
    guest->options = *options;
    guest->module = beamr_module_ref(module);
    drv_guest_survey(guest);
    if ((st = beamr_store_new(engine, &limits, &guest->store, err)) == BEAMR_OK &&
        (st = beamr_wasi_new(NULL, &guest->wasi, err)) == BEAMR_OK)
        st = drv_names_init(&guest->names, module, err);
    if (st != BEAMR_OK) {
        drv_guest_free(guest);
        return st;
    }
    *out = guest;
    return BEAMR_OK;
}

void drv_guest_free(drv_guest *guest)
{
    if (!guest)
        return;
    drv_guest_drop_calls(guest);
    beamr_store_free(guest->store);
    beamr_wasi_unref(guest->wasi);
    beamr_module_unref(guest->module);
    drv_names_clear(&guest->names);
    free(guest);
}

/* ---- Bringing up ---- */

/* A function that cannot be answered with zeros, for its results may not be null: the guest
 * traps. */
static beamr_status answer_failure(drv_guest *guest, beamr_error *err)
{
    beamr_error why = {0};
    beamr_answer answer = {.error = &why};

    (void)beamr_fail_trap(&why, BEAMR_TRAP_HOST, "during the start, imports give zeros: %s",
                          err->text);
    beamr_error_clear(err);
    return beamr_entry_resume(guest->store, guest->entry, &answer, NULL, 0, err);
}

static beamr_status answer_zeros(drv_guest *guest, const beamr_functype *type, beamr_error *err)
{
    beamr_value *zeros = calloc(type->result_count + 1, sizeof *zeros);
    beamr_answer answer = {.results = zeros, .result_count = type->result_count};
    beamr_status st;

    if (!zeros) {
        (void)beamr_entry_cancel(guest->store, guest->entry, NULL);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the answer of an import");
    }
    for (size_t i = 0; i < type->result_count; i++)
        zeros[i].kind = beamr_valtype_kind(type->results[i]);
    st = beamr_entry_resume(guest->store, guest->entry, &answer, NULL, 0, err);
    free(zeros);
    return st == BEAMR_ARGUMENT ? answer_failure(guest, err) : st;
}

/* Answer imports until the stage has ended as *st says, or was paused. */
static beamr_status answer_all(drv_guest *guest, beamr_status st, beamr_error *err)
{
    beamr_request request;

    while (st == BEAMR_SUSPENDED) {
        if (beamr_entry_request(guest->store, guest->entry, &request, NULL, 0, NULL) !=
            BEAMR_OK)
            return st;
        st = answer_zeros(guest, &request.type, err);
    }
    guest->entry = 0;
    return st;
}

/* An exported function that takes and gives nothing; *out is NULL when there is none.
 * Errors: BEAMR_NO_MEMORY. */
static beamr_status find_plain(const drv_guest *guest, const char *name, beamr_func **out,
                               beamr_error *err)
{
    beamr_export item;
    size_t export;

    *out = NULL;
    if (!drv_names_find(&guest->names, guest->module, beamr_bytes_of(name), &export))
        return BEAMR_OK;
    item = beamr_module_export(guest->module, export);
    if (item.type.func.param_count > 0 || item.type.func.result_count > 0)
        return BEAMR_OK;
    if (!(*out = beamr_instance_export(guest->instance, export).of.func))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the export %s", name);
    return BEAMR_OK;
}

static beamr_status initialize(drv_guest *guest, beamr_error *err)
{
    beamr_func *func = NULL;
    beamr_status st = find_plain(guest, "_initialize", &func, err);

    if (st == BEAMR_OK && !func)
        st = find_plain(guest, "__wasm_call_ctors", &func, err);
    if (st != BEAMR_OK || !func)
        return st;
    return beamr_entry_begin(func, NULL, 0, NULL, 0, &guest->entry, err);
}

/* Begin the stage, or go on with it. */
static beamr_status advance(drv_guest *guest, beamr_error *err)
{
    if (guest->entry != 0)
        return beamr_entry_resume(guest->store, guest->entry, NULL, NULL, 0, err);
    if (guest->stage == DRV_STAGE_STARTING)
        return drv_guest_link(guest, err);
    return initialize(guest, err);
}

beamr_status drv_guest_start(drv_guest *guest, beamr_error *err)
{
    beamr_error own = {0};
    beamr_status st = BEAMR_OK;

    if (!err)
        err = &own;
    if (guest->stage == DRV_STAGE_FAILED)
        return drv_guest_check(guest, err);
    if (guest->stage == DRV_STAGE_NEW) {
        guest->stage = DRV_STAGE_STARTING;
        if (guest->options.fuel > 0)
            beamr_store_set_fuel(guest->store, guest->options.fuel);
    }
    while (st == BEAMR_OK && guest->stage < DRV_STAGE_UP) {
        st = answer_all(guest, advance(guest, err), err);
        if (st == BEAMR_OK)
            guest->stage++;
    }
    if (st == BEAMR_SUSPENDED)
        return st;
    if (st == BEAMR_OK) {
        guest->memory = beamr_instance_memory(guest->instance, 0);
        return st;
    }
    guest->stage = DRV_STAGE_FAILED;
    drv_guest_explain(guest, err);
    return st;
}
