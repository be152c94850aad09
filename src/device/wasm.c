/* wasm-64@1.0, wasm64@1.0, wasm@1.0: WebAssembly whose state is a message.
 *
 *   key        reads                                  answers
 *   init       base <in>/image and its other names,   ok: the base with a fresh instance at
 *              <in>/mode, memory-limit,               priv/<p>/instance, and what helps to use
 *              compute-limit                          it beside: write, read, import-resolver
 *   compute    base pass; function and parameters     ok: the base as imports left it, with
 *              of request body, request, base         results/<p>/type, .../output and, for
 *                                                     bytes that streams did not take,
 *                                                     .../output-lost; the base as it is when
 *                                                     there is nothing to call
 *   import     request module, func, args,            ok: {state, results}: what the message at
 *              func-sig; base <p>/stdlib/<module>     stdlib/<module> answers to func, or
 *                                                     zeros, and a record of the call
 *   normalize  base snapshot, device-key              ok: the base with an instance of the
 *                                                     snapshot unless it has one, and without
 *                                                     the snapshot
 *   snapshot                                          ok: the state as a message
 *   terminate                                         ok: the base without its instance
 *
 * <in> and <p> are the base's input and output prefix. compute and normalize make an instance
 * of a snapshot if there is none. What goes wrong in the guest is a result with the type
 * `error`; input that can't be used is error {status, body}, and what the host ends is failure
 * {status, body}, with the state as it was. All other keys are those of message@1.0.
 * What a state is: state.h; files and streams: system.h; where to read on: wasm.h.
 * Source: AO-Core devices, "wasm-64@1.0"; docs/devices.md. */
#include "device/wasm.h"

#include "ao/set.h"
#include "beamr/guest.h"
#include "device/devices.h"

/* ---- What all keys do ---- */

static beamr_status answer_state(ao_call *call, wasm_job *job, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_message_value(ao_message_ref(job->state)));
}

/* A state into the message. */
static beamr_status put_state(wasm_job *job, dev_state *state, beamr_error *err)
{
    ao_message *whole;
    beamr_status st = dev_state_put(job->state, job->prefix, state, &whole, err);

    if (st == BEAMR_OK)
        wasm_set_state(job, whole);
    return st;
}

/* The run has ended: what it left of files into the message, and its state.
 *   state  counted; others can use it from now on */
static beamr_status take_end(wasm_job *job, dev_state **state, beamr_error *err)
{
    dev_system *system = dev_run_system(job->run);
    beamr_status st;

    job->lost = dev_system_lost(system);
    st = dev_system_leave(system, &job->state, err);
    if (st == BEAMR_OK)
        *state = dev_state_ref(dev_run_state(job->run));
    dev_run_free(job->run);
    job->run = NULL;
    return st;
}

/* ---- init ---- */

static beamr_status init_ended(ao_call *call, wasm_job *job, beamr_error *err)
{
    dev_end end;
    dev_state *guest;
    beamr_status st;

    dev_run_ended(job->run, &end);
    if (end.is_trap)
        return ao_call_error(call, 400, "init: the module could not be started: %.*s",
                             (int)(ao_text(end.value).len < 400 ? ao_text(end.value).len : 400),
                             (const char *)ao_text(end.value).data);
    if ((st = take_end(job, &guest, err)) != BEAMR_OK)
        return wasm_answer_failure(call, job->what, st, err);
    st = put_state(job, guest, err);
    dev_state_unref(guest);
    return st == BEAMR_OK ? answer_state(call, job, err) : st;
}

/* An import that the node's own WASI@1.0 would have to answer, of a type that no WASI has. */
static bool is_misfit(const beamr_module *module, size_t i, const dev_inputs *inputs)
{
    beamr_import import = beamr_module_import(module, i);

    return ((inputs->wasi_direct && text_is(import.module, "wasi_snapshot_preview1")) ||
            (inputs->unstable_direct && text_is(import.module, "wasi_unstable"))) &&
           beamr_guest_provider(module, i, NULL) == BEAMR_PROVIDER_MISFIT;
}

static beamr_status check_imports(const beamr_module *module, const dev_inputs *inputs,
                                  beamr_error *err)
{
    size_t count = beamr_module_import_count(module);

    for (size_t i = 0; i < count; i++) {
        beamr_import import = beamr_module_import(module, i);

        if (is_misfit(module, i, inputs))
            return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                              "the import %.*s.%.*s has another type than WASI's",
                              (int)import.module.len, (const char *)import.module.data,
                              (int)import.name.len, (const char *)import.name.data);
    }
    return BEAMR_OK;
}

static beamr_status init_image(ao_call *call, wasm_job *job, beamr_error *err)
{
    dev_inputs inputs;
    dev_run_options options;
    beamr_status st = wasm_options(call, job, &inputs, &options, err);

    if (st == BEAMR_OK && (st = check_imports(job->image->module, &inputs, err)) != BEAMR_OK)
        dev_inputs_clear(&inputs);
    if (st == BEAMR_OK)
        st = dev_run_init(job->image, &options, &job->run, err);
    if (st == BEAMR_NO_MEMORY)
        return wasm_answer_failure(call, "init", st, err);
    if (st != BEAMR_OK)
        return wasm_answer_error(call, "init", 400, err);
    job->ended = init_ended;
    return wasm_run_go(call, job, err);
}

static beamr_status init(ao_call *call, beamr_error *err)
{
    wasm_job *job;
    beamr_status st = wasm_job_begin(call, "init", &job, err);

    if (st != BEAMR_OK)
        return st;
    job->is_start = true;
    return wasm_image_begin(call, job, init_image, err);
}

/* ---- normalize ---- */

/* The message is a snapshot: of no device, with the bytes of a memory, or ours, which has none
 * for a module without a memory. */
static bool is_snapshot(const ao_message *message)
{
    return message_key(message, "device").kind == AO_NONE &&
           (message_key(message, "body").kind != AO_NONE ||
            message_key(message, "format").kind != AO_NONE);
}

/* `<p>/state`, where other nodes put a snapshot: such a message, or the bytes of a memory
 * alone. NULL: none. */
static beamr_status find_state(wasm_job *job, const ao_message **out, beamr_error *err)
{
    const ao_message *message;
    ao_value value;
    beamr_status st = dev_prefixed(job->state, job->prefix, "state", &value, err);

    *out = NULL;
    message = ao_to_message(value);
    if (st != BEAMR_OK || (value.kind != AO_BINARY && !message))
        return st;
    if (!message && !job->memory &&
        (st = ao_message_with(ao_message_empty(), "body", ao_value_ref(value), &job->memory,
                              err)) != BEAMR_OK)
        return st;
    if (!message)
        *out = job->memory;
    else if (is_snapshot(message))
        *out = message;
    job->is_of_prefix = *out != NULL;
    return BEAMR_OK;
}

/* snapshot/DEVICE-KEY, or snapshot, or `<p>/state`; NULL: none. */
static beamr_status find_snapshot(wasm_job *job, const ao_message **out, beamr_error *err)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    ao_value all, key, one;
    beamr_bytes text;
    beamr_status st;

    *out = NULL;
    st = message_load_key(job->state, "snapshot", &all, err);
    if (st != BEAMR_OK)
        return st;
    if (all.kind != AO_MESSAGE)
        return find_state(job, out, err);
    *out = ao_to_message(all);
    st = message_load_key(job->state, "device-key", &key, err);
    if (st != BEAMR_OK || key.kind == AO_NONE)
        return st;
    text = key.kind == AO_INTEGER ? ao_integer_text(key, buffer) : ao_text(key);
    st = ao_message_get(ao_to_message(all), text, &one, err);
    if (st == BEAMR_OK && one.kind == AO_MESSAGE)
        *out = ao_to_message(one);
    return st;
}

static beamr_status drop_state(wasm_job *job, beamr_error *err)
{
    char path[DEV_PATH_SIZE];
    ao_message *bare;
    beamr_status st;

    dev_private_path(job->prefix, "state", path);
    st = ao_set_path(job->moment.context, job->state, beamr_bytes_of(path), ao_atom("unset"),
                     &bare, err);
    if (st == BEAMR_OK)
        wasm_set_state(job, bare);
    return st;
}

/* `snapshot` has done its work. */
static beamr_status drop_snapshot(wasm_job *job, beamr_error *err)
{
    ao_message *bare;
    beamr_status st = BEAMR_OK;

    if (job->is_of_prefix)
        return drop_state(job, err);
    if (message_key(job->state, "snapshot").kind == AO_NONE)
        return BEAMR_OK;
    if ((st = ao_message_without(job->state, "snapshot", &bare, err)) == BEAMR_OK)
        wasm_set_state(job, bare);
    return st;
}

static beamr_status restore(ao_call *call, wasm_job *job, beamr_error *err)
{
    const ao_message *snapshot;
    dev_inputs inputs;
    dev_run_options options;
    dev_state *state = NULL;
    beamr_status st = find_snapshot(job, &snapshot, err);

    if (st == BEAMR_OK)
        st = wasm_options(call, job, &inputs, &options, err);
    if (st != BEAMR_OK)
        return st;
    st = dev_state_restore(job->image, snapshot, &options, &state, err);
    if (st == BEAMR_NO_MEMORY || st == BEAMR_TRAP) /* the host's end of what begins */
        return wasm_answer_failure(call, job->what, st, err);
    if (st != BEAMR_OK)
        return wasm_answer_error(call, job->what, beamr_status_http(st), err);
    st = put_state(job, state, err);
    job->guest = state;
    dev_state_unref(state);
    if (st == BEAMR_OK)
        st = drop_snapshot(job, err);
    return st == BEAMR_OK ? job->normalised(call, job, err) : st;
}

/* Go on with `then` once the job's state has a guest. */
static beamr_status normalise(ao_call *call, wasm_job *job, wasm_step then, beamr_error *err)
{
    const ao_message *snapshot;
    beamr_status st;

    if ((job->guest = dev_state_of(job->state, job->prefix)) != NULL) {
        st = drop_snapshot(job, err);
        return st == BEAMR_OK ? then(call, job, err) : st;
    }
    if ((st = find_snapshot(job, &snapshot, err)) != BEAMR_OK)
        return st;
    if (!snapshot)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "no_wasm_instance_or_snapshot: the base has no instance of a module, "
                          "and no snapshot to make one of; `init` makes one");
    job->normalised = then;
    return wasm_image_begin(call, job, restore, err);
}

static beamr_status normalize(ao_call *call, beamr_error *err)
{
    wasm_job *job;
    beamr_status st = wasm_job_begin(call, "normalize", &job, err);

    return st == BEAMR_OK ? normalise(call, job, answer_state, err) : st;
}

/* ---- compute ---- */

/* The message with its results: the type, and what came out.
 *   output  taken over
 *   guest   the new state, counted and taken over; NULL: as it was */
static beamr_status answer_results(ao_call *call, wasm_job *job, bool is_error, ao_value output,
                                   dev_state *guest, beamr_error *err)
{
    bool is_cut = job->lost > 0;
    dev_pair pairs[] = {
        {"type", ao_atom(is_error ? "error" : "ok"), false},
        {"output", output, false},
        {"output-lost", is_cut ? ao_integer((int64_t)job->lost) : AO_NO_VALUE, !is_cut}};
    dev_pair instance = {"instance", guest ? dev_state_value(guest) : AO_NO_VALUE, false};
    ao_message *whole;
    beamr_status st;

    if (guest)
        st = dev_with_end(job->moment.context, job->state, job->prefix, &instance, pairs, 3,
                          &whole, err);
    else
        st = dev_with_results(job->moment.context, job->state, job->prefix, pairs, 3, &whole,
                              err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(whole)) : st;
}

static beamr_status compute_ended(ao_call *call, wasm_job *job, beamr_error *err)
{
    dev_end end;
    dev_state *guest;
    ao_value output;
    beamr_status st;

    dev_run_ended(job->run, &end);
    output = ao_value_ref(end.value);
    if ((st = take_end(job, &guest, err)) == BEAMR_OK)
        return answer_results(call, job, end.is_trap, output, guest, err);
    ao_value_unref(output);
    return wasm_answer_failure(call, job->what, st, err);
}

/* The call could not begin. */
static beamr_status answer_refused(ao_call *call, wasm_job *job, beamr_status st,
                                   beamr_error *err)
{
    ao_value text;

    if (st == BEAMR_BUSY)
        return wasm_answer_error(call, "compute", 409, err);
    if (st != BEAMR_NOT_FOUND && st != BEAMR_ARGUMENT)
        return wasm_answer_failure(call, "compute", st, err);
    text = ao_binary_text(err->text);
    beamr_error_clear(err);
    return answer_results(call, job, true, text, NULL, err);
}

/* The first of three places: the request's body, the request, the base. Borrowed.
 *   body  NULL: it is no message */
static beamr_status find_input(const wasm_job *job, const ao_message *body, const char *name,
                               ao_value *out, beamr_error *err)
{
    const ao_message *places[] = {body, job->moment.request, job->state};
    beamr_status st = BEAMR_OK;

    *out = AO_NO_VALUE;
    for (size_t i = 0; i < 3 && st == BEAMR_OK && out->kind == AO_NONE; i++) {
        if (places[i])
            st = message_load_key(places[i], name, out, err);
    }
    return st;
}

/* Parameters as a list: a numbered message becomes one, and one value is a list of it. */
static beamr_status read_parameters(wasm_job *job, const ao_message *body, beamr_error *err)
{
    ao_value value;
    beamr_status st = find_input(job, body, "parameters", &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_MESSAGE) {
        st = ao_message_to_list(ao_to_message(value), &job->parameters, err);
        if (st != BEAMR_ARGUMENT)
            return st;
        beamr_error_clear(err);
    }
    if (value.kind == AO_LIST) {
        job->parameters = ao_value_ref(value);
    } else if (value.kind == AO_NONE) {
        job->parameters = ao_list_new(NULL, 0);
    } else {
        (void)ao_value_ref(value);
        job->parameters = ao_list_new(&value, 1);
    }
    return job->parameters.kind == AO_NONE
               ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for parameters")
               : BEAMR_OK;
}

/* Pass 1 of a stack, or none. */
static beamr_status is_first_pass(const wasm_job *job, bool *out, beamr_error *err)
{
    ao_value pass;
    int64_t n;
    beamr_status st = message_load_key(job->state, "pass", &pass, err);

    *out = st == BEAMR_OK && (pass.kind == AO_NONE || (ao_to_integer(pass, &n) && n == 1));
    return st;
}

/* A limit that could not be kept is none. */
static beamr_status check_fuel(const wasm_job *job, beamr_error *err)
{
    if (job->host_fuel == 0 || dev_state_image(job->guest)->is_metered)
        return BEAMR_OK;
    return beamr_fail(
        err, BEAMR_UNSUPPORTED, 0,
        "wasm_max_fuel is given, but this guest was made without it, and does not "
        "count fuel; give the option to `init` too");
}

static beamr_status compute_state(ao_call *call, wasm_job *job, beamr_error *err)
{
    ao_value function, value;
    const ao_message *body;
    dev_inputs inputs;
    dev_run_options options;
    bool is_first;
    beamr_status st;

    if ((st = is_first_pass(job, &is_first, err)) != BEAMR_OK ||
        (st = message_load_key(job->moment.request, "body", &value, err)) != BEAMR_OK)
        return st;
    body = ao_to_message(value);
    if ((st = find_input(job, body, "function", &function, err)) != BEAMR_OK)
        return st;
    if (!is_first || function.kind == AO_NONE)
        return answer_state(call, job, err);
    if (function.kind != AO_BINARY && function.kind != AO_ATOM)
        return ao_call_error(call, 400, "compute: `function` is no text");
    if ((st = check_fuel(job, err)) != BEAMR_OK)
        return wasm_answer_failure(call, job->what, st, err);
    if ((st = read_parameters(job, body, err)) != BEAMR_OK ||
        (st = wasm_options(call, job, &inputs, &options, err)) != BEAMR_OK)
        return st;
    st = dev_run_call(job->guest, ao_text(function), job->parameters, &options, &job->run, err);
    if (st != BEAMR_OK)
        return answer_refused(call, job, st, err);
    job->ended = compute_ended;
    return wasm_run_go(call, job, err);
}

static beamr_status compute(ao_call *call, beamr_error *err)
{
    wasm_job *job;
    beamr_status st = wasm_job_begin(call, "compute", &job, err);

    return st == BEAMR_OK ? normalise(call, job, compute_state, err) : st;
}

/* ---- snapshot, terminate ---- */

static beamr_status snapshot(ao_call *call, beamr_error *err)
{
    beamr_bytes prefix;
    dev_state *state;
    ao_message *out;
    beamr_status st = dev_prefix(ao_call_base(call), "output-prefix", &prefix, err);

    if (st != BEAMR_OK)
        return st;
    state = dev_state_of(ao_call_base(call), prefix);
    if (!state)
        return ao_call_error(call, 404, "snapshot: the base has no instance of a module");
    st = dev_state_snapshot(state, &out, err);
    if (st == BEAMR_OK)
        return ao_call_ok(call, ao_message_value(out));
    if (st == BEAMR_BUSY)
        return wasm_answer_error(call, "snapshot", 409, err);
    return wasm_answer_failure(call, "snapshot", st, err);
}

/* The private message at the prefix without `instance`. */
static beamr_status without_instance(const ao_message *base, beamr_bytes prefix,
                                     ao_message **out, beamr_error *err)
{
    char path[DEV_PATH_SIZE];
    const ao_message *own;
    ao_message *bare;
    beamr_status st;

    dev_private_path(prefix, "", path);
    own = ao_to_message(ao_private_find(base, path));
    if (!own) {
        *out = ao_message_ref(base);
        return BEAMR_OK;
    }
    if ((st = ao_message_without(own, "instance", &bare, err)) != BEAMR_OK)
        return st;
    if (prefix.len == 0)
        return ao_message_with(base, "priv", ao_message_value(bare), out, err);
    return ao_private_with(base, path, ao_message_value(bare), out, err);
}

static beamr_status terminate(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    beamr_bytes prefix;
    dev_state *state;
    ao_message *bare;
    beamr_status st = dev_prefix(base, "output-prefix", &prefix, err);

    if (st != BEAMR_OK)
        return st;
    if ((state = dev_state_of(base, prefix)) != NULL)
        dev_state_rest(state);
    st = without_instance(base, prefix, &bare, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(bare)) : st;
}

static const ao_key keys[] = {
    {"init", init},
    {"compute", compute},
    {"import", wasm_import_key},
    {"normalize", normalize},
    {"snapshot", snapshot},
    {"terminate", terminate},
    AO_KEYS_END,
};

const ao_device dev_wasm_64 = {.name = "wasm-64@1.0", .keys = keys};
const ao_device dev_wasm64 = {.name = "wasm64@1.0", .keys = keys};
const ao_device dev_wasm = {.name = "wasm@1.0", .keys = keys};
