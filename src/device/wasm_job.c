/* A job of wasm-64@1.0: what each of its keys reads first, and how it answers what went wrong.
 */
#include <stdio.h>
#include <time.h>

#include "device/devices.h"
#include "device/wasm.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- Jobs ---- */

static void clear_job(void *memory)
{
    wasm_job *job = memory;

    if (job->alarm.hold)
        dev_world_clear_alarm(dev_world_of(job->moment.context), &job->alarm);
    dev_run_free(job->run);
    ao_message_unref(job->state);
    ao_message_unref(job->memory);
    ao_value_unref(job->asked);
    ao_value_unref(job->id);
    ao_value_unref(job->parameters);
    dev_image_unref(job->image);
}

wasm_job *wasm_job_of(ao_call *call)
{
    return ao_call_memory(call, sizeof(wasm_job), clear_job);
}

void wasm_set_state(wasm_job *job, BEAMR_OWN ao_message *state)
{
    ao_message_unref(job->state);
    job->state = state;
}

/* A name of ours; the common case first. */
static bool is_ours(const ao_context *context, beamr_bytes name)
{
    const ao_device *device;

    if (name.len == 0 || text_is(name, dev_wasm_64.name))
        return true;
    device = ao_context_find_device(context, name);
    return device == &dev_wasm_64 || device == &dev_wasm64 || device == &dev_wasm;
}

void wasm_read_resolver(wasm_job *job)
{
    char path[DEV_PATH_SIZE];

    dev_private_path(job->prefix, "import-resolver", path);
    job->resolver = ao_private_find(job->moment.base, path);
    if (is_ours(job->moment.context, ao_text(job->resolver)))
        job->resolver = AO_NO_VALUE;
}

static beamr_status read_imports(const ao_call *call, bool *traps, beamr_error *err)
{
    ao_value value = ao_call_option(call, "wasm_imports");
    beamr_bytes text = ao_text(value);

    *traps = text_is(text, "trap");
    if (value.kind == AO_NONE || *traps || text_is(text, "stub"))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "the option wasm_imports is `stub` or `trap`, not `%.*s`",
                      (int)(text.len < 40 ? text.len : 40), (const char *)text.data);
}

static beamr_status read_options(const ao_call *call, wasm_job *job, beamr_error *err)
{
    uint64_t ms;
    beamr_status st = dev_option_number(call, "wasm_timeout", 0, &ms, err);

    if (st == BEAMR_OK)
        st = dev_option_number(call, "wasm_max_fuel", 0, &job->host_fuel, err);
    if (st != BEAMR_OK)
        return st;
    job->timeout_ns = ms > UINT64_MAX / NS_PER_MS ? 0 : ms * NS_PER_MS;
    return read_imports(call, &job->traps, err);
}

beamr_status wasm_job_begin(ao_call *call, const char *what, wasm_job **out, beamr_error *err)
{
    wasm_job *job = wasm_job_of(call);
    beamr_status st;

    if (!job)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call of a guest");
    job->what = what;
    job->call = call;
    job->moment =
        (dev_moment){ao_call_context(call), ao_call_base(call), ao_call_request(call)};
    if (!job->moment.request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if ((st = dev_prefix(job->moment.base, "input-prefix", &job->in, err)) != BEAMR_OK ||
        (st = dev_prefix(job->moment.base, "output-prefix", &job->prefix, err)) != BEAMR_OK ||
        (st = read_options(call, job, err)) != BEAMR_OK)
        return st;
    job->state = ao_message_ref(job->moment.base);
    *out = job;
    return BEAMR_OK;
}

uint64_t wasm_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

beamr_status wasm_options(ao_call *call, wasm_job *job, dev_inputs *inputs,
                          dev_run_options *out, beamr_error *err)
{
    *out = (dev_run_options){.inputs = inputs,
                             .moment = &job->moment,
                             .timeout_ns = job->timeout_ns,
                             .host_fuel = job->host_fuel};
    if (job->timeout_ns > 0)
        job->begun_ns = wasm_now_ns();
    return dev_inputs_read(call, job->state, job->prefix, inputs, err);
}

/* ---- Answers ---- */

/* The HTTP status of what ended a call. */
static int status_of(beamr_status st, beamr_trap trap)
{
    if (st == BEAMR_TRAP && (trap == BEAMR_TRAP_DEADLINE || trap == BEAMR_TRAP_INTERRUPTED))
        return 504;
    if (st == BEAMR_TRAP && trap == BEAMR_TRAP_OUT_OF_MEMORY)
        return 503;
    return beamr_status_http(st);
}

/* The options by which the node set the limit that was reached; NULL: it set none. */
static const char *limit_of(const ao_call *call, beamr_status st, beamr_trap trap)
{
    const ao_message *values = ao_call_context(call)->values;
    bool is_trap = st == BEAMR_TRAP, of_one, of_all;

    if (is_trap && (trap == BEAMR_TRAP_DEADLINE || trap == BEAMR_TRAP_OUT_OF_FUEL))
        return trap == BEAMR_TRAP_DEADLINE ? "wasm_timeout" : "wasm_max_fuel";
    if (!values || !(st == BEAMR_NO_MEMORY || (is_trap && trap == BEAMR_TRAP_OUT_OF_MEMORY)))
        return NULL;
    of_one = ao_message_find_text(values, "wasm_max_guest_memory").kind != AO_NONE;
    of_all = ao_message_find_text(values, "wasm_max_memory").kind != AO_NONE;
    if (of_one && of_all)
        return "wasm_max_guest_memory, wasm_max_memory";
    return of_one ? "wasm_max_guest_memory" : of_all ? "wasm_max_memory" : NULL;
}

beamr_status wasm_answer_failure(ao_call *call, const char *what, beamr_status st,
                                 beamr_error *err)
{
    int http = status_of(st, err->trap);
    const char *limit = limit_of(call, st, err->trap);
    char text[BEAMR_ERROR_TEXT_SIZE + 128];
    ao_builder builder;

    (void)snprintf(text, sizeof text, "%s: %s%s%s%s", what,
                   err->text[0] ? err->text : beamr_status_text(st),
                   limit ? " (limits of the node: " : "", limit ? limit : "", limit ? ")" : "");
    beamr_error_clear(err);
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "status", ao_integer(http));
    ao_builder_put(&builder, "body", ao_binary_text(text));
    return ao_call_return(call, st == BEAMR_MESSAGE ? AO_OUTCOME_ERROR : AO_OUTCOME_FAILURE,
                          ao_builder_value(&builder));
}

beamr_status wasm_answer_error(ao_call *call, const char *what, int http, beamr_error *err)
{
    char text[BEAMR_ERROR_TEXT_SIZE];

    memcpy(text, err->text, sizeof text);
    beamr_error_clear(err);
    return ao_call_error(call, http, "%s: %s", what, text);
}

beamr_bytes wasm_text_of(ao_value value)
{
    const ao_message *message = ao_to_message(value);

    return ao_text(message ? ao_message_find_text(message, "body") : value);
}
