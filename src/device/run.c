/* Calls that make new states: an instance is taken from the state that is computed on, runs up
 * to where it ends or an import waits, and comes to rest in the new state. What imports do
 * meanwhile is recorded, so that all of it can be repeated.
 * Until the run is freed the new state is busy: its instance is the run's.
 * Read next: run_call.c, and state_repeat.c for the other half. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/state_internal.h"

struct dev_run {
    dev_state *state; /* the one that is made; counted */
    const dev_moment *moment;
    uint64_t timeout_ns, host_fuel;
    bool has_begun, has_ended, has_failed;
    ao_stop stop; /* from its beginning to its end, also while an import waits */

    /* Somebody who answers the import does something in the instance; of the state's lock. */
    bool is_lent;
    pthread_cond_t returned;

    bool is_answered;
    beamr_value *answer; /* results for it; few stand where those of the call will, later */
    size_t answer_count;
    char *refusal;     /* or a text */
    beamr_error *trap; /* that a performed function ended in, which goes before both */

    /* A failure of the host in what an import did: the run can't go on. */
    beamr_status doom;
    beamr_trap doom_trap;
    char *doom_text; /* NULL: no memory for it */

    dev_end end;
    state_call call;

    /* What follows begins with any bytes, and is set before it is read. */
    dev_import import; /* while one waits; then its arguments are there */
    beamr_request request;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static beamr_status run_new(dev_image *image, dev_state *from, state_origin origin,
                            const dev_run_options *options, BEAMR_OWN dev_run **out,
                            beamr_error *err)
{
    dev_run *run = malloc(sizeof *run);
    beamr_status st;

    if (!run)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call");
    memset(run, 0, offsetof(dev_run, import));
    run->import.args = AO_NO_VALUE;
    if ((st = state_new(image, from, origin, &run->state, err)) != BEAMR_OK) {
        free(run);
        return st;
    }
    (void)pthread_cond_init(&run->returned, NULL);
    run->state->phase = STATE_RUNNING;
    run->state->run = run;
    run->moment = options->moment;
    run->timeout_ns = options->timeout_ns;
    run->host_fuel = options->host_fuel;
    if (options->inputs) {
        run->state->record.inputs = *options->inputs;
        *options->inputs = (dev_inputs){0};
    }
    *out = run;
    return BEAMR_OK;
}

static void drop_inputs(const dev_run_options *options)
{
    if (options->inputs)
        dev_inputs_clear(options->inputs);
}

beamr_status dev_run_init(dev_image *image, const dev_run_options *options,
                          BEAMR_OWN dev_run **out, beamr_error *err)
{
    dev_run *run = NULL;
    beamr_status st = run_new(image, NULL, STATE_INIT, options, &run, err);

    if (st == BEAMR_OK)
        st = state_guest_new(image, &run->state->guest, err);
    if (st == BEAMR_OK) {
        *out = run;
    } else {
        dev_run_free(run);
        drop_inputs(options);
    }
    return st;
}

/* The name as the module has it, which lives as long as the image. */
static beamr_status find_function(const dev_image *image, beamr_bytes name, beamr_export *out,
                                  beamr_error *err)
{
    enum { SHOWN = 200 };

    if (beamr_module_find_export(image->module, name, out) &&
        out->type.kind == BEAMR_EXTERN_FUNC)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "Function not found: %.*s",
                      (int)(name.len < SHOWN ? name.len : SHOWN), (const char *)name.data);
}

static beamr_status call_begin(dev_state *from, beamr_bytes function, ao_value parameters,
                               const dev_run_options *options, dev_run **run, beamr_error *err)
{
    dev_image *image = from->image;
    state_record *record;
    beamr_export export;
    beamr_status st;

    if ((st = find_function(image, function, &export, err)) != BEAMR_OK ||
        (st = run_new(image, from, STATE_CALL, options, run, err)) != BEAMR_OK)
        return st;
    record = &(*run)->state->record;
    record->function = export.name;
    if ((st = run_parameters(image->module, &export.type.func, parameters, &record->parameters,
                             err)) != BEAMR_OK)
        return st;
    return state_take_for_call(from, &(*run)->state->guest, err);
}

beamr_status dev_run_call(dev_state *from, beamr_bytes function, ao_value parameters,
                          const dev_run_options *options, BEAMR_OWN dev_run **out,
                          beamr_error *err)
{
    dev_run *run = NULL;
    beamr_status st = call_begin(from, function, parameters, options, &run, err);

    if (st == BEAMR_OK) {
        *out = run;
    } else {
        dev_run_free(run);
        drop_inputs(options);
    }
    return st;
}

/* ---- What waits ---- */

static void drop_import(dev_run *run)
{
    ao_value_unref(run->import.args);
    run->import.args = AO_NO_VALUE;
    if (run->answer != run->call.few)
        free(run->answer);
    run->answer = NULL;
    free(run->refusal);
    run->refusal = NULL;
    free(run->trap);
    run->trap = NULL;
    run->is_answered = false;
}

static void set_phase(dev_state *state, state_phase phase)
{
    (void)pthread_mutex_lock(&state->lock);
    state->phase = phase;
    (void)pthread_mutex_unlock(&state->lock);
}

/* Nobody else may do anything in the instance from now on. Whoever is at it, on another thread,
 * is waited for: that is one write, one malloc or one function of the system. */
static void claim(dev_run *run)
{
    dev_state *state = run->state;

    (void)pthread_mutex_lock(&state->lock);
    while (run->is_lent)
        (void)pthread_cond_wait(&run->returned, &state->lock);
    if (state->phase == STATE_WAITING)
        state->phase = STATE_RUNNING;
    (void)pthread_mutex_unlock(&state->lock);
}

static beamr_status show_import(dev_run *run, const beamr_value *args, beamr_error *err)
{
    state_entry entry = {.op = STATE_OP_REQUEST,
                         .number = state_request_digest(&run->request, args)};
    dev_import *import = &run->import;

    import->module = run->request.module;
    import->name = run->request.name;
    import->type = &run->request.type;
    run_signature(import->type, import->signature, sizeof import->signature);
    import->args = run_list(args, import->type->param_count);
    if (import->args.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the arguments of an import");
    state_log_add(&run->state->record.log, &entry);
    return BEAMR_OK;
}

/* The call waits for an import. */
static beamr_status take_import(dev_run *run, beamr_error *err)
{
    beamr_value few[STATE_VALUES], *args = few;
    beamr_status st = state_call_request(&run->call, &run->request, few, STATE_VALUES, err);
    size_t count = run->request.type.param_count;

    if (st == BEAMR_OK && count > STATE_VALUES) {
        if (!(args = malloc(count * sizeof *args)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                              "no memory for the arguments of an import");
        st = state_call_request(&run->call, &run->request, args, count, err);
    }
    if (st == BEAMR_OK)
        st = show_import(run, args, err);
    if (args != few)
        free(args);
    return st;
}

/* ---- Going on ---- */

static bool is_host_fuel(const dev_run *run)
{
    const dev_image *image = run->state->image;

    return run->host_fuel > 0 && (image->max_fuel == 0 || run->host_fuel < image->max_fuel);
}

static beamr_status first_step(dev_run *run, beamr_error *err)
{
    dev_state *state = run->state;
    state_guest *guest = state->guest;
    beamr_status st;

    run->has_begun = true;
    run->call.is_host_fuel = is_host_fuel(run);
    state_watch_begin(&run->stop, guest);
    st = dev_system_enter(guest->system, &state->record.inputs, run->moment, err);
    if (st == BEAMR_OK)
        st = state_guest_limit(guest, state->image, state->parent, run->timeout_ns,
                               run->host_fuel, err);
    if (st != BEAMR_OK)
        return st;
    return state_call_begin(&run->call, guest, state->image, &state->record, err);
}

static beamr_status refuse(dev_run *run, beamr_error *err)
{
    beamr_error reason = {.status = BEAMR_ARGUMENT};
    beamr_answer answer = {.error = &reason};
    size_t len = strnlen(run->refusal, sizeof reason.text - 1);

    memcpy(reason.text, run->refusal, len);
    return state_call_resume(&run->call, &answer, err);
}

static beamr_status next_step(dev_run *run, beamr_error *err)
{
    beamr_answer answer = {.results = run->answer, .result_count = run->answer_count};
    beamr_status st;

    if (run->trap)
        answer = (beamr_answer){.error = run->trap};
    st = run->refusal && !run->trap ? refuse(run, err)
                                    : state_call_resume(&run->call, &answer, err);
    drop_import(run);
    return st;
}

static beamr_status step(dev_run *run, beamr_error *err)
{
    dev_state *state = run->state;
    uint64_t began = now_ns();
    beamr_status st;

    dev_world_running(state->image->world, state->guest->store);
    st = run->has_begun ? next_step(run, err) : first_step(run, err);
    dev_world_rests(state->image->world, state->guest->store);
    state->record.ns += now_ns() - began;
    return st;
}

/* ---- The end ---- */

/* The host ended it: there is no new state, and no instance any more. */
static beamr_status fail(dev_run *run, beamr_status st)
{
    run->has_ended = run->has_failed = true;
    state_watch_end(&run->stop, run->state->guest);
    drop_import(run);
    state_call_clear(&run->call);
    state_kill(run->state);
    return st;
}

static beamr_status end(dev_run *run, beamr_status st, beamr_error *err)
{
    dev_state *state = run->state;
    const beamr_value *results;
    size_t count;

    state->record.end = state_call_digest(&run->call, st, err);
    run->end.is_trap = st != BEAMR_OK;
    if (st == BEAMR_OK) {
        results = state_call_results(&run->call, &count);
        run->end.value = run_list(results, count);
    } else {
        run->end.value = run_failure(err, run->call.words);
        beamr_error_clear(err);
    }
    if (run->end.value.kind == AO_NONE)
        return fail(run, beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call's results"));
    run->has_ended = true;
    state_call_clear(&run->call);
    state_watch_end(&run->stop, state->guest);
    if (run->timeout_ns > 0)
        beamr_store_clear_deadline(state->guest->store);
    if (run->end.is_trap && state->record.origin == STATE_INIT)
        run->has_failed = true; /* there is no guest; the system may still be looked at */
    return BEAMR_OK;
}

static beamr_status check_go(const dev_run *run, beamr_error *err)
{
    if (run->has_ended)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the call has ended already");
    if (run->has_begun && !run->is_answered)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "an import of the call waits for its answer");
    return BEAMR_OK;
}

static beamr_status doomed(dev_run *run, beamr_error *err)
{
    (void)beamr_fail(err, run->doom, 0, "%s",
                     run->doom_text ? run->doom_text : beamr_status_text(run->doom));
    if (err && run->doom == BEAMR_TRAP)
        err->trap = run->doom_trap;
    return fail(run, run->doom);
}

/* Files are memory too, of which a guest can ask for much with few calls. */
static beamr_status check_files(const dev_run *run, beamr_error *err)
{
    uint64_t most = run->state->image->host_bytes;
    uint64_t bytes =
        beamr_vfs_bytes(beamr_wasi_vfs(dev_system_wasi(run->state->guest->system)));

    if (most == 0 || bytes <= most)
        return BEAMR_OK;
    beamr_error_clear(err); /* of a trap, which no longer matters */
    return beamr_fail_trap(
        err, BEAMR_TRAP_OUT_OF_MEMORY,
        "the guest's files take %llu bytes; wasm_max_guest_memory allows %llu",
        (unsigned long long)bytes, (unsigned long long)most);
}

static beamr_status go(dev_run *run, beamr_error *err)
{
    beamr_status st;

    if (run->has_begun) /* it is running from the beginning */
        set_phase(run->state, STATE_RUNNING);
    if (run->doom != BEAMR_OK)
        return doomed(run, err);
    st = step(run, err);
    if (!state_is_host_failure(st, err) && check_files(run, err) != BEAMR_OK)
        return fail(run, BEAMR_TRAP);
    if (st == BEAMR_SUSPENDED && (st = take_import(run, err)) == BEAMR_OK) {
        set_phase(run->state, STATE_WAITING);
        return BEAMR_SUSPENDED;
    }
    if (state_is_host_failure(st, err) ||
        (st == BEAMR_TRAP && err->trap == BEAMR_TRAP_OUT_OF_FUEL && is_host_fuel(run)))
        return fail(run, st);
    return end(run, st, err);
}

beamr_status dev_run_go(dev_run *run, beamr_error *err)
{
    beamr_error *own = NULL;
    beamr_status st = check_go(run, err);

    if (st != BEAMR_OK)
        return st;
    if (!err && !(err = own = calloc(1, sizeof *own)))
        return fail(run, BEAMR_NO_MEMORY);
    st = go(run, err);
    free(own);
    return st;
}

void dev_run_import(const dev_run *run, dev_import *out)
{
    *out = run->import;
}

/* ---- Answers ---- */

static beamr_status check_waits(dev_run *run, beamr_error *err)
{
    if (!run->has_begun || run->has_ended || run->is_answered)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no import waits for an answer");
    return BEAMR_OK;
}

static beamr_status take_results(dev_run *run, ao_value results, beamr_error *err)
{
    const beamr_functype *type = &run->request.type;
    bool are_zeros = results.kind == AO_NONE;
    size_t count = ao_list_count(results);
    bool is_ignored = type->result_count == 0 && count == 1;

    if (count != type->result_count && !is_ignored && !are_zeros)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "an import gives %zu results, not %zu",
                          type->result_count, count);
    run->answer_count = type->result_count;
    run->answer = run->call.few;
    if (run->answer_count > STATE_VALUES &&
        !(run->answer = malloc(run->answer_count * sizeof *run->answer)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an import's results");
    for (size_t i = 0; i < run->answer_count; i++) {
        beamr_kind kind = beamr_valtype_kind(type->results[i]);

        if (are_zeros)
            run->answer[i] = (beamr_value){.kind = kind};
        else if (!dev_number(ao_list_at(results, i), kind, &run->answer[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "result %zu of an import does not fit its type, %s", i + 1,
                              run->import.signature);
    }
    return BEAMR_OK;
}

static void note(dev_run *run, const state_entry *entry)
{
    state_log_add(&run->state->record.log, entry);
}

/* The system takes in what the state says now. */
static beamr_status take_inputs(dev_run *run, dev_inputs *inputs, beamr_error *err)
{
    state_record *record = &run->state->record;
    state_entry entry = {.op = STATE_OP_UPDATE, .number = record->update_count};
    state_update *kept;

    if (!inputs)
        return BEAMR_OK;
    if (!(kept = state_record_update(record, inputs)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the state of a system");
    entry.status = dev_system_update(run->state->guest->system, &kept->inputs, err);
    note(run, &entry);
    return entry.status;
}

static beamr_status answer(dev_run *run, ao_value results, dev_inputs *inputs, beamr_error *err)
{
    state_entry entry = {.op = STATE_OP_ANSWER};
    beamr_status st = take_results(run, results, err);

    if (st == BEAMR_OK)
        st = take_inputs(run, inputs, err);
    if (st != BEAMR_OK)
        return st;
    entry.values = state_values_bytes(run->answer, run->answer_count);
    note(run, &entry);
    run->is_answered = true;
    return BEAMR_OK;
}

beamr_status dev_run_answer(dev_run *run, ao_value results, dev_inputs *inputs,
                            beamr_error *err)
{
    beamr_status st = check_waits(run, err);

    if (st == BEAMR_OK) {
        claim(run);
        if ((st = answer(run, results, inputs, err)) != BEAMR_OK)
            set_phase(run->state, STATE_WAITING);
    }
    if (inputs)
        dev_inputs_clear(inputs);
    return st;
}

beamr_status dev_run_refuse(dev_run *run, const char *text, beamr_error *err)
{
    state_entry entry = {.op = STATE_OP_REFUSE, .bytes = beamr_bytes_of(text)};
    beamr_status st = check_waits(run, err);

    if (st != BEAMR_OK)
        return st;
    if (entry.bytes.len >= BEAMR_ERROR_TEXT_SIZE)
        entry.bytes.len = BEAMR_ERROR_TEXT_SIZE - 1;
    if (!(run->refusal = strndup(text, entry.bytes.len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an import's failure");
    claim(run);
    note(run, &entry);
    run->is_answered = true;
    return BEAMR_OK;
}

beamr_status dev_run_show(dev_run *run, ao_message **message, beamr_error *err)
{
    beamr_status st = check_waits(run, err);

    if (st != BEAMR_OK)
        return st;
    claim(run);
    st = dev_system_show(run->state->guest->system, message, err);
    set_phase(run->state, STATE_WAITING);
    return st;
}

/* ---- What handlers do meanwhile ---- */

beamr_status run_borrow(dev_state *state, state_guest **guest, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    (void)pthread_mutex_lock(&state->lock);
    if (state->phase == STATE_WAITING) {
        state->phase = STATE_RUNNING;
        state->run->is_lent = true;
        *guest = state->guest;
    } else if (state->phase == STATE_RUNNING) {
        st = beamr_fail(err, BEAMR_BUSY, 0, "the guest is running");
    } else {
        st = beamr_fail(err, BEAMR_ARGUMENT, 0,
                        "a state of a guest changes only while one of its imports is answered");
    }
    (void)pthread_mutex_unlock(&state->lock);
    return st;
}

static bool dooms(const dev_run *run, beamr_status st, const beamr_error *err)
{
    return st == BEAMR_TRAP && ((err->trap == BEAMR_TRAP_OUT_OF_FUEL && is_host_fuel(run)) ||
                                state_is_host_failure(st, err));
}

void run_return(dev_state *state, const state_entry *entry, bool is_host,
                const beamr_error *err)
{
    dev_run *run = state->run;

    if (entry)
        note(run, entry);
    if (entry && (is_host || dooms(run, entry->status, err))) {
        run->doom = entry->status;
        run->doom_trap = err->trap;
        free(run->doom_text);
        run->doom_text = strdup(err->text);
    }
    (void)pthread_mutex_lock(&state->lock);
    state->phase = STATE_WAITING;
    run->is_lent = false;
    (void)pthread_cond_signal(&run->returned); /* with the lock: then the run may go */
    (void)pthread_mutex_unlock(&state->lock);
}

/* The function's own work, with what the message says before and after. */
static beamr_status perform(state_guest *guest, const state_update *update,
                            const state_entry *entry, ao_value *results, ao_message **message,
                            beamr_error *err)
{
    ao_value given = AO_NO_VALUE;
    beamr_status st = dev_system_update(guest->system, &update->inputs, err);

    if (st == BEAMR_OK)
        st = dev_system_perform(guest->system, guest->instance, entry->bytes, entry->name,
                                update->args, &given, err);
    if (st == BEAMR_OK)
        st = dev_system_show(guest->system, message, err);
    if (st == BEAMR_OK)
        *results = given;
    else
        ao_value_unref(given);
    return st;
}

/* Whatever answers the import, the guest traps as the function did. */
static beamr_status keep_trap(dev_run *run, beamr_status st, const beamr_error *err)
{
    if (st != BEAMR_TRAP || run->trap)
        return st;
    if (!(run->trap = malloc(sizeof *run->trap)))
        return BEAMR_NO_MEMORY;
    *run->trap = *err;
    return st;
}

/* The instance is lent for it. */
static beamr_status perform_noted(dev_state *state, state_guest *guest, dev_inputs *inputs,
                                  state_entry *entry, ao_value args, ao_value *results,
                                  ao_message **message, beamr_error *err)
{
    state_update *update = state_record_update(&state->record, inputs);
    beamr_status st;

    if (!update) {
        run_return(state, NULL, false, err);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function of the system");
    }
    entry->number = state->record.update_count - 1;
    update->args = ao_value_ref(args);
    st = perform(guest, update, entry, results, message, err);
    entry->status = st = keep_trap(state->run, st, err);
    run_return(state, entry, st == BEAMR_NO_MEMORY, err);
    return st;
}

beamr_status dev_state_perform(dev_state *state, dev_inputs *inputs, beamr_bytes module,
                               beamr_bytes name, ao_value args, BEAMR_OWN ao_value *results,
                               BEAMR_OWN ao_message **message, beamr_error *err)
{
    state_entry entry = {.op = STATE_OP_PERFORM, .bytes = module, .name = name};
    beamr_error *reason = err ? err : calloc(1, sizeof *reason);
    state_guest *guest = NULL;
    beamr_status st = reason ? run_borrow(state, &guest, reason) : BEAMR_NO_MEMORY;

    if (st == BEAMR_OK)
        st = perform_noted(state, guest, inputs, &entry, args, results, message, reason);
    dev_inputs_clear(inputs);
    if (reason != err)
        free(reason);
    return st;
}

/* ---- The run itself ---- */

void dev_run_ended(const dev_run *run, dev_end *out)
{
    *out = run->end;
}

dev_state *dev_run_state(const dev_run *run)
{
    return run->state;
}

dev_system *dev_run_system(const dev_run *run)
{
    return run->state->guest ? run->state->guest->system : NULL;
}

/* A call that waits is cancelled: what it did so far is nobody's state. */
static void cancel(dev_run *run)
{
    (void)pthread_mutex_lock(&run->state->lock);
    if (run->is_lent) /* which may be a malloc that never ends */
        beamr_store_interrupt(run->state->guest->store);
    (void)pthread_mutex_unlock(&run->state->lock);
    claim(run);
    state_watch_end(&run->stop, run->state->guest);
    if (!run->call.args && run->call.entry != 0 && run->state->guest)
        (void)beamr_entry_cancel(run->state->guest->store, run->call.entry, NULL);
    state_call_clear(&run->call);
}

/* A call that never went on leaves its instance where it was. */
static void give_back(dev_run *run)
{
    dev_state *state = run->state;
    state_guest *guest = state->guest;

    if (!guest || state->record.origin == STATE_INIT)
        return;
    state->guest = NULL;
    state_give(state->parent, guest);
}

void dev_run_free(dev_run *run)
{
    if (!run)
        return;
    if (!run->has_begun)
        give_back(run);
    else if (!run->has_ended)
        cancel(run);
    drop_import(run);
    if (run->has_ended && !run->has_failed)
        state_settle(run->state);
    else
        state_kill(run->state);
    ao_value_unref(run->end.value);
    dev_state_unref(run->state);
    (void)pthread_cond_destroy(&run->returned);
    free(run->doom_text);
    free(run);
}
