/* Running guest code for wasm-64@1.0: from import to import, each of which is asked of the
 * state as a message, without a thread that waits.
 *
 * An import that nobody answers is a stub at once. Otherwise the message that asks has the
 * running state as its guest, so that whoever answers can read and write its memory, and what
 * comes back is the state that the call goes on with. An answer that is none - an error, no
 * results, results of another type - ends the call in a trap with a text, as an import of the
 * host's that fails.
 *
 * If the call has a deadline, it is also one for whoever answers: the import is then resolved
 * apart (ao/apart.h), and given up when the time has come. */
#include <stddef.h>
#include <stdio.h>

#include "ao/apart.h"
#include "device/wasm.h"

#define TEXT_SIZE 512

/* ---- Answers ---- */

/* Trap the guest with what `err` says, unless the host itself fails. */
static beamr_status refuse(wasm_job *job, beamr_status st, beamr_error *err)
{
    char text[TEXT_SIZE];

    if (st == BEAMR_NO_MEMORY)
        return st;
    (void)snprintf(text, sizeof text, "%s", err->text[0] ? err->text : beamr_status_text(st));
    beamr_error_clear(err);
    return dev_run_refuse(job->run, text, err);
}

/* The import's name in front of what went wrong. */
static beamr_status refuse_text(wasm_job *job, const char *what, beamr_bytes detail,
                                beamr_error *err)
{
    char text[TEXT_SIZE];
    dev_import import;

    dev_run_import(job->run, &import);
    (void)snprintf(text, sizeof text, "import %.*s.%.*s: %s%.*s",
                   (int)(import.module.len < 80 ? import.module.len : 80),
                   (const char *)import.module.data,
                   (int)(import.name.len < 80 ? import.name.len : 80),
                   (const char *)import.name.data, what,
                   (int)(detail.len < 300 ? detail.len : 300), (const char *)detail.data);
    return dev_run_refuse(job->run, text, err);
}

static beamr_status stub(wasm_job *job, beamr_error *err)
{
    dev_import import;
    ao_message *state;
    beamr_status st;

    dev_run_import(job->run, &import);
    if (job->traps || wasm_is_placeholder(import.module))
        return refuse_text(job, "nothing provides it", (beamr_bytes){NULL, 0}, err);
    st = wasm_with_undefined(job->moment.context, job->state, job->prefix,
                             ao_to_message(job->asked), &state, err);
    if (st != BEAMR_OK)
        return refuse(job, st, err);
    wasm_set_state(job, state);
    st = dev_run_answer(job->run, AO_NO_VALUE, NULL, err);
    return st == BEAMR_OK ? st : refuse(job, st, err);
}

static bool is_same(ao_value a, ao_value b)
{
    return a.kind == b.kind && (a.kind == AO_NONE || a.of.binary == b.of.binary);
}

/* The guest's files, and who stands at `stdlib`, are the very same values. */
static bool has_same_inputs(const wasm_job *job, const ao_message *state)
{
    static const char *const keys[] = {"vfs", "file-descriptors"};
    ao_value a = AO_NO_VALUE, b = AO_NO_VALUE;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!is_same(message_key(job->state, keys[i]), message_key(state, keys[i])))
            return false;
    }
    return dev_prefixed(job->state, job->prefix, "stdlib", &a, NULL) == BEAMR_OK &&
           dev_prefixed(state, job->prefix, "stdlib", &b, NULL) == BEAMR_OK && is_same(a, b);
}

/* A resolver was asked in the name of the state's device, which is given back. */
static beamr_status restore_device(const wasm_job *job, ao_message **state, beamr_error *err)
{
    ao_value device = message_key(job->state, "device");
    ao_message *whole;
    beamr_status st;

    if (job->resolver.kind == AO_NONE ||
        !ao_value_equal(message_key(*state, "device"), job->resolver))
        return BEAMR_OK;
    st = device.kind == AO_NONE
             ? ao_message_without(*state, "device", &whole, err)
             : ao_message_with(*state, "device", ao_value_ref(device), &whole, err);
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(*state);
    *state = whole;
    return BEAMR_OK;
}

/* Go on with `state`, which is borrowed. A state that came through somebody who keeps no
 * private keys gets those of before. is_new  `inputs` are made, since what the guest sees of it
 * has changed */
static beamr_status take_state(ao_call *call, wasm_job *job, ao_message *state,
                               dev_inputs *inputs, bool *is_new, beamr_error *err)
{
    ao_message *whole = ao_message_ref(state);
    beamr_status st = restore_device(job, &whole, err);

    *is_new = !has_same_inputs(job, state);
    if (st == BEAMR_OK && !dev_state_of(state, job->prefix)) {
        state = whole;
        st = ao_private_merge(state, job->state, &whole, err);
        ao_message_unref(state);
    } else if (st != BEAMR_OK)
        ao_message_unref(whole);
    if (st != BEAMR_OK)
        return st;
    wasm_set_state(job, whole);
    return *is_new ? dev_inputs_read(call, job->state, job->prefix, inputs, err) : BEAMR_OK;
}

static beamr_status take_results(ao_call *call, wasm_job *job, const ao_message *answer,
                                 beamr_error *err)
{
    ao_value state, results, list = AO_NO_VALUE;
    dev_inputs inputs;
    bool is_new = false;
    beamr_status st = message_load_key(answer, "state", &state, err);

    if (st == BEAMR_OK)
        st = message_load_key(answer, "results", &results, err);
    if (st == BEAMR_OK && results.kind == AO_MESSAGE)
        st = ao_message_to_list(ao_to_message(results), &list, err);
    else if (st == BEAMR_OK)
        list = ao_value_ref(results);
    if (st == BEAMR_OK && list.kind != AO_LIST)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "its answer has no list of `results`");
    if (st == BEAMR_OK && state.kind != AO_NONE && state.kind != AO_MESSAGE)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "the `state` of its answer is no message");
    if (st == BEAMR_OK && state.kind == AO_MESSAGE)
        st = take_state(call, job, state.of.message, &inputs, &is_new, err);
    if (st == BEAMR_OK)
        st = dev_run_answer(job->run, list, is_new ? &inputs : NULL, err);
    ao_value_unref(list);
    return st;
}

static beamr_status take_answer(ao_call *call, wasm_job *job, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);
    char text[TEXT_SIZE];
    beamr_status st;

    if (wasm_is_not_found(result))
        return stub(job, err);
    if (result->outcome != AO_OUTCOME_OK) {
        (void)snprintf(text, sizeof text, "%s: ", ao_outcome_text(result->outcome));
        return refuse_text(job, text, wasm_text_of(result->value), err);
    }
    if (result->value.kind != AO_MESSAGE)
        return refuse_text(job, "its answer is no message", (beamr_bytes){NULL, 0}, err);
    st = take_results(call, job, ao_to_message(result->value), err);
    if (st == BEAMR_OK || st == BEAMR_NO_MEMORY)
        return st;
    (void)snprintf(text, sizeof text, "%s", err->text);
    beamr_error_clear(err);
    return refuse_text(job, text, (beamr_bytes){NULL, 0}, err);
}

/* ---- Questions ---- */

static beamr_status make_request(wasm_job *job, const dev_import *import, beamr_error *err)
{
    ao_builder builder;
    ao_message *request;
    beamr_status st;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "path", ao_binary_text("import"));
    ao_builder_put(&builder, "module", ao_binary_copy(import->module));
    ao_builder_put(&builder, "func", ao_binary_copy(import->name));
    ao_builder_put(&builder, "args", ao_value_ref(import->args));
    ao_builder_put(&builder, "func-sig", ao_binary_text(import->signature));
    if ((st = ao_builder_end(&builder, &request)) != BEAMR_OK)
        return st;
    ao_value_unref(job->asked);
    job->asked = ao_message_value(request);
    return BEAMR_OK;
}

/* The message that asks: files as they are now, and the running state as its guest. */
static beamr_status show_state(wasm_job *job, beamr_error *err)
{
    dev_state *running = dev_run_state(job->run);
    ao_message *whole;
    beamr_status st = dev_run_show(job->run, &job->state, err);

    if (st != BEAMR_OK || dev_state_of(job->state, job->prefix) == running)
        return st;
    if ((st = dev_state_put(job->state, job->prefix, running, &whole, err)) == BEAMR_OK)
        wasm_set_state(job, whole);
    return st;
}

/* ---- Deadlines ---- */

/* The guest sees its deadline at its next loop or call, of which there may be none. */
static beamr_status check_time(const wasm_job *job, beamr_error *err)
{
    if (wasm_now_ns() - job->begun_ns < job->timeout_ns)
        return BEAMR_OK;
    return beamr_fail_trap(err, BEAMR_TRAP_DEADLINE, "an import was answered too late");
}

static dev_world *world_of(const wasm_job *job)
{
    return dev_world_of(job->moment.context);
}

static void *hold_import(dev_alarm *alarm)
{
    const wasm_job *job = (wasm_job *)(void *)((char *)alarm - offsetof(wasm_job, alarm));

    return apart_hold(job->call);
}

static void give_up_import(void *held)
{
    apart_give_up(held);
}

/* The import that is resolved apart is given up when the call's time is over. */
static void set_alarm(wasm_job *job)
{
    uint64_t due = job->begun_ns + job->timeout_ns;
    beamr_error ignored = {0};
    ao_task *held;

    if (due < job->begun_ns)
        due = UINT64_MAX;
    job->alarm.hold = hold_import;
    job->alarm.ring = give_up_import;
    if (dev_world_set_alarm(world_of(job), &job->alarm, due, &ignored) == BEAMR_OK)
        return;
    job->has_no_alarm = true;
    if ((held = apart_hold(job->call)) != NULL)
        apart_give_up(held);
}

/* Nobody waits for the import any more, and neither does the call. */
static beamr_status given_up(ao_call *call, beamr_error *err)
{
    wasm_job *job = wasm_job_of(call);
    beamr_status st;

    if (job->has_no_alarm)
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no thread can be started for a deadline");
    else
        st = beamr_fail_trap(err, BEAMR_TRAP_DEADLINE, "an import was not answered in time");
    return wasm_answer_failure(call, job->what, st, err);
}

/* The node's limit of requests, which the guest does not see. */
static beamr_status check_steps(const ao_call *call, const wasm_job *job, beamr_error *err)
{
    beamr_bytes text = wasm_text_of(call->child.value);
    dev_import import;

    if (!call->is_spent)
        return BEAMR_OK;
    dev_run_import(job->run, &import);
    return beamr_fail(err, BEAMR_LIMIT, 0, "import %.*s.%.*s: %.*s",
                      (int)(import.module.len < 80 ? import.module.len : 80),
                      (const char *)import.module.data,
                      (int)(import.name.len < 80 ? import.name.len : 80),
                      (const char *)import.name.data, (int)text.len, (const char *)text.data);
}

static beamr_status answered(ao_call *call, beamr_error *err)
{
    wasm_job *job = wasm_job_of(call);
    beamr_status st = BEAMR_OK;

    if (job->timeout_ns > 0) {
        dev_world_clear_alarm(world_of(job), &job->alarm);
        st = check_time(job, err);
    }
    if (st == BEAMR_OK)
        st = check_steps(call, job, err);
    if (st == BEAMR_OK)
        st = take_answer(call, job, err);
    return st == BEAMR_OK ? wasm_run_go(call, job, err)
                          : wasm_answer_failure(call, job->what, st, err);
}

/* ---- Asking ---- */

/* Who is asked.
 *   base  AO_NONE: nobody */
static beamr_status find_handler(wasm_job *job, const dev_import *import, ao_value *base,
                                 ao_value *asked, beamr_error *err)
{
    wasm_name name = {import->module, import->name};
    ao_message *whole;
    beamr_status st;

    wasm_read_resolver(job);
    if (job->resolver.kind == AO_NONE) {
        bool is_there;

        st = wasm_has_handler(job->state, job->prefix, name, &is_there, err);
        if (st != BEAMR_OK || !is_there)
            return st;
        if ((st = show_state(job, err)) != BEAMR_OK)
            return st;
        return wasm_handler(job->state, job->prefix, name, ao_to_message(job->asked), base,
                            asked, err);
    }
    if ((st = show_state(job, err)) != BEAMR_OK)
        return st;
    st = ao_message_with(job->state, "device", ao_value_ref(job->resolver), &whole, err);
    if (st != BEAMR_OK)
        return st;
    *base = ao_message_value(whole);
    *asked = ao_value_ref(job->asked);
    return BEAMR_OK;
}

/* Ask for an import. `is_done`: it has been answered. */
static beamr_status ask(ao_call *call, wasm_job *job, bool *is_done, beamr_error *err)
{
    ao_value base = AO_NO_VALUE, asked = AO_NO_VALUE;
    ao_options options;
    dev_import import;
    beamr_status st;

    dev_run_import(job->run, &import);
    if ((st = make_request(job, &import, err)) == BEAMR_OK)
        st = find_handler(job, &import, &base, &asked, err);
    *is_done = st == BEAMR_OK && base.kind == AO_NONE;
    if (*is_done)
        st = stub(job, err);
    if (st != BEAMR_OK) {
        *is_done = false;
        return wasm_answer_failure(call, job->what, st, err);
    }
    if (*is_done)
        return BEAMR_OK;
    options = dev_inner_options(call);
    options.raises_as_error = true;
    if (job->timeout_ns == 0) {
        st = ao_call_resolve(call, base, asked, &options, answered);
        if (st == CALL_PUSHED)
            call_own_steps(call->task);
        return st;
    }
    st = apart_resolve(call, base, asked, &options, answered, given_up, err);
    if (st == APART_WAITS)
        set_alarm(job);
    return st;
}

/* The image is at fault, or what the message declares for it is too small. */
static bool is_of_image(beamr_status st)
{
    return st == BEAMR_LIMIT || st == BEAMR_UNLINKABLE || st == BEAMR_UNSUPPORTED;
}

beamr_status wasm_run_go(ao_call *call, wasm_job *job, beamr_error *err)
{
    bool is_done = true;
    beamr_status st = BEAMR_OK;

    while (is_done) {
        st = dev_run_go(job->run, err);
        if (st == BEAMR_OK)
            return job->ended(call, job, err);
        if (job->is_start && is_of_image(st))
            return wasm_answer_error(call, job->what, 400, err);
        if (st != BEAMR_SUSPENDED)
            return wasm_answer_failure(call, job->what, st, err);
        st = ask(call, job, &is_done, err);
    }
    return st;
}
