/* json-iface@1.0: between messages and modules that read and write JSON texts.
 * Stands in a stack before the device that runs the module, with two passes: in the first it
 * prepares what the module is called with, in the second it reads what that replied.
 *
 *   key      reads of the base and the request           answers
 *   init                                                 ok: base with function = handle
 *   compute  base pass = 1; process; request body,       ok: base with function = handle and
 *            block-height, timestamp, block-timestamp,   parameters = [message, environment]
 *            slot                                        error 400: no process, no body, a
 *                                                        message that cannot be written;
 *                                                        failure: the host ended the guest
 *                                                        that was to take it
 *            base pass = 2; results/P/type, output       ok, error: base with `results`
 *            any other pass                              ok: base
 *
 * P is the base's `output-prefix`. With a guest at priv/P/instance the texts are written into
 * its memory and the parameters are their addresses, and the reply is read at the address that
 * the module gave; without one the parameters are the texts, and the reply is a text.
 * All other keys are those of message@1.0. What results become is in json_iface_result.c; those
 * of an earlier message are taken away, the module's own `type` and `output` stay.
 * Source: AO-Core devices, "json-iface@1.0". */
#include "device/json_iface.h"

#include <stdio.h>

#include "ao/set.h"
#include "beamr/ao/guest.h"
#include "device/devices.h"
#include "device/state.h"
#include "device/wasm.h"

enum { IMAGE_MAX = 256 }; /* bytes of what names an image */

/* ---- What both passes need ---- */

/* The output prefix, with a NUL. */
static beamr_status read_prefix(const ao_message *base, char out[DEV_PREFIX_MAX + 1],
                                beamr_error *err)
{
    beamr_bytes prefix;
    beamr_status st = dev_prefix(base, "output-prefix", &prefix, err);

    if (st != BEAMR_OK)
        return st;
    if (prefix.len)
        memcpy(out, prefix.data, prefix.len);
    out[prefix.len] = 0;
    return BEAMR_OK;
}

/* The id of the process's image: no image that stands there itself. */
static beamr_status read_image(const ao_message *process, char buffer[AO_ID_TEXT + 1],
                               beamr_bytes *out, beamr_error *err)
{
    ao_value image;
    beamr_status st = ao_message_get(process, beamr_bytes_of("image"), &image, err);

    if (st != BEAMR_OK)
        return st;
    *out = json_iface_id(image, buffer);
    if (out->len > IMAGE_MAX)
        *out = (beamr_bytes){NULL, 0};
    return BEAMR_OK;
}

static beamr_status read_process(const ao_call *call, const ao_message **out, beamr_error *err)
{
    ao_value process;
    beamr_status st = dev_base_value(call, "process", &process, err);

    if (st == BEAMR_OK)
        *out = ao_to_message(process);
    return st;
}

/* What the fuel is bounded by is the node's option, and not the message's own. */
static bool is_host_fuel(const dev_image *image, const dev_run_options *options)
{
    return options->host_fuel > 0 &&
           (image->max_fuel == 0 || options->host_fuel < image->max_fuel);
}

/* The guest did it, or has not what is needed: not the host. */
static bool is_of_the_guest(beamr_status st, const dev_image *image,
                            const dev_run_options *options, const beamr_error *err)
{
    if (st == BEAMR_TRAP)
        return err->trap != BEAMR_TRAP_DEADLINE && err->trap != BEAMR_TRAP_INTERRUPTED &&
               err->trap != BEAMR_TRAP_OUT_OF_MEMORY &&
               (err->trap != BEAMR_TRAP_OUT_OF_FUEL || !is_host_fuel(image, options));
    return st == BEAMR_EXCEPTION || st == BEAMR_NOT_FOUND || st == BEAMR_LIMIT;
}

/* Failures that lie in a message are its sender's: an answer. */
static beamr_status answer_failure(ao_call *call, beamr_status st, beamr_error *err)
{
    if (st != BEAMR_ENCODING && st != BEAMR_LIMIT && st != BEAMR_MESSAGE &&
        st != BEAMR_ARGUMENT && st != BEAMR_NOT_FOUND)
        return st;
    return wasm_answer_error(call, "compute", 400, err);
}

/* ---- Pass 1 ---- */

/* What the module is called with. */
typedef struct prepared {
    ao_value texts[2]; /* counted */
    ao_message *base;  /* counted; with the guest that the texts were written into */
    ao_value parameter[2];
    bool is_host, is_guest; /* what a failure to write is about */
} prepared;

static void prepared_clear(prepared *p)
{
    for (size_t i = 0; i < 2; i++) {
        ao_value_unref(p->texts[i]);
        ao_value_unref(p->parameter[i]);
    }
    ao_message_unref(p->base);
}

/* The limits that the node sets to a call. */
static beamr_status read_limits(const ao_call *call, dev_run_options *options, beamr_error *err)
{
    uint64_t ms = 0;
    beamr_status st = dev_option_number(call, "wasm_timeout", 0, &ms, err);

    if (st == BEAMR_OK)
        st = dev_option_number(call, "wasm_max_fuel", 0, &options->host_fuel, err);
    options->timeout_ns = ms > UINT64_MAX / 1000000 ? 0 : ms * 1000000;
    return st;
}

/* A limit that could not be kept is none. */
static beamr_status check_fuel(const dev_image *image, const dev_run_options *options,
                               beamr_error *err)
{
    if (options->host_fuel == 0 || image->is_metered)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                      "wasm_max_fuel is given, but this guest was made without it, and does "
                      "not count fuel; give the option to `init` too");
}

/* The texts in the guest's memory, and their addresses. */
static beamr_status write_texts(ao_call *call, const char *prefix, dev_state *state,
                                prepared *p, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    const dev_image *image = dev_state_image(state);
    dev_moment moment = {ao_call_context(call), ao_call_base(call), request};
    beamr_bytes texts[2] = {ao_bytes(p->texts[0]), ao_bytes(p->texts[1])};
    dev_inputs inputs = {0};
    dev_run_options options = {.inputs = &inputs, .moment = &moment};
    uint64_t pointers[2] = {0};
    dev_state *next = NULL;
    beamr_status st;

    if ((st = read_limits(call, &options, err)) != BEAMR_OK)
        return st;
    if ((st = check_fuel(image, &options, err)) != BEAMR_OK) {
        p->is_host = true;
        return st;
    }
    if ((st = dev_inputs_read(call, ao_call_base(call), beamr_bytes_of(prefix), &inputs,
                              err)) != BEAMR_OK)
        return st;
    st = dev_state_write(state, &options, texts, 2, pointers, &next, err);
    p->is_host = st != BEAMR_OK && !is_of_the_guest(st, image, &options, err);
    p->is_guest = st != BEAMR_OK && !p->is_host;
    if (st != BEAMR_OK)
        return st;
    st = dev_state_put(ao_call_base(call), beamr_bytes_of(prefix), next, &p->base, err);
    dev_state_unref(next);
    for (size_t i = 0; i < 2; i++)
        p->parameter[i] = ao_integer((int64_t)pointers[i]);
    return st;
}

static beamr_status prepare_texts(ao_call *call, const ao_message *process,
                                  const ao_message *message, prepared *p, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    ao_context *context = ao_call_context(call);
    char buffer[AO_ID_TEXT + 1];
    beamr_bytes image;
    beamr_status st;

    if (!request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if ((st = read_image(process, buffer, &image, err)) != BEAMR_OK ||
        (st = json_iface_message(context, message, request, image, &p->texts[0], err)) !=
            BEAMR_OK)
        return st;
    return json_iface_message(context, process, NULL, (beamr_bytes){NULL, 0}, &p->texts[1],
                              err);
}

/* The base with `function` and `parameters`. */
static beamr_status call_with(ao_call *call, prepared *p, ao_message **out, beamr_error *err)
{
    ao_message *keys = NULL;
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "function", ao_binary_text("handle"));
    ao_builder_put(&builder, "parameters", ao_list_new(p->parameter, 2));
    p->parameter[0] = p->parameter[1] = AO_NO_VALUE;
    if ((st = ao_builder_end(&builder, &keys)) != BEAMR_OK)
        return st;
    st = ao_set(ao_call_context(call), p->base, keys, out, err);
    ao_message_unref(keys);
    return st;
}

static beamr_status prepare(ao_call *call, const ao_message *process, const ao_message *message,
                            const char *prefix, prepared *p, ao_message **out, beamr_error *err)
{
    dev_state *state = dev_state_of(ao_call_base(call), beamr_bytes_of(prefix));
    beamr_status st = prepare_texts(call, process, message, p, err);

    if (st == BEAMR_OK && state) {
        st = write_texts(call, prefix, state, p, err);
    } else if (st == BEAMR_OK) {
        p->base = ao_message_ref(ao_call_base(call));
        for (size_t i = 0; i < 2; i++)
            p->parameter[i] = ao_value_ref(p->texts[i]);
    }
    return st == BEAMR_OK ? call_with(call, p, out, err) : st;
}

static beamr_status answer_prepared(ao_call *call, const ao_message *process,
                                    const ao_message *message, const char *prefix,
                                    beamr_error *err)
{
    prepared p = {0};
    ao_message *base = NULL;
    beamr_status st = prepare(call, process, message, prefix, &p, &base, err);

    prepared_clear(&p);
    if (st == BEAMR_OK)
        return ao_call_ok(call, ao_message_value(base));
    if (p.is_host && st != BEAMR_NO_MEMORY)
        return wasm_answer_failure(call, "compute", st, err);
    return p.is_guest ? wasm_answer_error(call, "compute", 400, err)
                      : answer_failure(call, st, err);
}

static beamr_status first_pass(ao_call *call, beamr_error *err)
{
    const ao_message *process = NULL;
    char prefix[DEV_PREFIX_MAX + 1];
    ao_value body;
    beamr_status st;

    if ((st = read_prefix(ao_call_base(call), prefix, err)) != BEAMR_OK)
        return answer_failure(call, st, err);
    if ((st = read_process(call, &process, err)) != BEAMR_OK ||
        (st = dev_argument(call, "body", &body, err)) != BEAMR_OK)
        return st;
    if (!process)
        return ao_call_error(call, 400, "compute: the base has no message `process`");
    if (!ao_to_message(body))
        return ao_call_error(call, 400, "compute: the request has no message `body`");
    return answer_prepared(call, process, ao_to_message(body), prefix, err);
}

/* ---- Pass 2 ---- */

static beamr_status read_result(const ao_message *base, const char *prefix, const char *key,
                                ao_value *out, beamr_error *err)
{
    ao_value results;
    beamr_status st = ao_message_get(base, beamr_bytes_of("results"), &results, err);

    *out = AO_NO_VALUE;
    if (st != BEAMR_OK || !ao_to_message(results))
        return st;
    return dev_prefixed(ao_to_message(results), beamr_bytes_of(prefix), key, out, err);
}

/* The first of a list of results, or the one that is none. */
static beamr_status first_of(ao_value output, ao_value *out, beamr_error *err)
{
    if (output.kind == AO_MESSAGE)
        return ao_message_get(ao_to_message(output), beamr_bytes_of("1"), out, err);
    if (output.kind == AO_LIST)
        return ao_value_load(ao_list_at(output, 0), out, err);
    *out = output;
    return BEAMR_OK;
}

/* What the module replied.
 *   out  a binary, counted; AO_NONE: it gave none */
static beamr_status read_reply(const ao_message *base, const char *prefix, ao_value *out,
                               beamr_error *err)
{
    ao_guest *guest = ao_guest_of(base, prefix);
    ao_value output, first;
    int64_t address;
    beamr_status st;

    *out = AO_NO_VALUE;
    if ((st = read_result(base, prefix, "output", &output, err)) != BEAMR_OK ||
        (st = first_of(output, &first, err)) != BEAMR_OK)
        return st;
    if (first.kind == AO_BINARY)
        *out = ao_value_ref(first);
    if (first.kind != AO_INTEGER || !guest || !ao_to_integer(first, &address))
        return BEAMR_OK;
    if (ao_guest_pointer_size(guest) == 4)
        address = (uint32_t)address;
    return ao_guest_read_text(guest, (uint64_t)address, JSON_IFACE_REPLY_MAX, out, err);
}

/* The base with `results` in place of those of an earlier message. */
static beamr_status with_results(ao_call *call, const ao_message *more, ao_message **out,
                                 beamr_error *err)
{
    ao_message *results = NULL, *keys = NULL;
    ao_cursor cursor = {0};
    ao_builder builder;
    const ao_name *key;
    ao_value old, value;
    beamr_status st = dev_base_value(call, "results", &old, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, ao_to_message(old), NULL, err);
    for (size_t i = 0; JSON_IFACE_KEYS[i]; i++)
        ao_builder_remove(&builder, beamr_bytes_of(JSON_IFACE_KEYS[i]));
    while (ao_message_next(more, &cursor, &key, &value))
        ao_builder_put_name(&builder, key, ao_value_ref(value));
    if ((st = ao_builder_end(&builder, &results)) != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "set-mode", ao_binary_text("explicit"));
    ao_builder_put(&builder, "results", ao_message_value(results));
    if ((st = ao_builder_end(&builder, &keys)) != BEAMR_OK)
        return st;
    st = ao_set(ao_call_context(call), ao_call_base(call), keys, out, err);
    ao_message_unref(keys);
    return st;
}

static beamr_status answer_results(ao_call *call, bool is_error, BEAMR_OWN ao_message *results,
                                   beamr_error *err)
{
    ao_message *base = NULL;
    beamr_status st = with_results(call, results, &base, err);

    ao_message_unref(results);
    if (st != BEAMR_OK)
        return answer_failure(call, st, err);
    return ao_call_return(call, is_error ? AO_OUTCOME_ERROR : AO_OUTCOME_OK,
                          ao_message_value(base));
}

/* The error outcome, with a text in `results/body`. */
static beamr_status answer_error(ao_call *call, const char *text, beamr_error *err)
{
    ao_message *results = NULL;
    beamr_status st =
        ao_message_with(ao_message_empty(), "body", ao_binary_text(text), &results, err);

    return st == BEAMR_OK ? answer_results(call, true, results, err) : st;
}

static beamr_status read_origin(ao_call *call, char id[AO_ID_TEXT + 1],
                                char image[AO_ID_TEXT + 1], json_iface_origin *out,
                                beamr_error *err)
{
    const ao_message *process = NULL;
    beamr_status st = read_process(call, &process, err);

    *out = (json_iface_origin){{NULL, 0}, {NULL, 0}};
    if (st != BEAMR_OK || !process)
        return st;
    if ((st = ao_message_id(ao_call_context(call), process, id, err)) != BEAMR_OK)
        return st;
    out->process = beamr_bytes_of(id);
    return read_image(process, image, &out->image, err);
}

static beamr_status take_reply(ao_call *call, ao_value reply, beamr_error *err)
{
    char id[AO_ID_TEXT + 1], image[AO_ID_TEXT + 1];
    json_iface_origin origin;
    ao_message *results = NULL;
    bool is_error = false;
    beamr_status st;

    if (reply.kind == AO_NONE)
        return answer_error(call, "The module gave no text.", err);
    if ((st = read_origin(call, id, image, &origin, err)) != BEAMR_OK)
        return answer_failure(call, st, err);
    st = json_iface_reply(ao_call_context(call), reply, &origin, &is_error, &results, err);
    return st == BEAMR_OK ? answer_results(call, is_error, results, err) : st;
}

static beamr_status second_pass(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    char prefix[DEV_PREFIX_MAX + 1], text[BEAMR_ERROR_TEXT_SIZE + 64];
    ao_value type, reply;
    beamr_status st;

    if ((st = read_prefix(base, prefix, err)) != BEAMR_OK)
        return answer_failure(call, st, err);
    if ((st = read_result(base, prefix, "type", &type, err)) != BEAMR_OK)
        return st;
    if (text_is(ao_text(type), "error"))
        return answer_error(call, "WASM execution error.", err);
    if (!text_is(ao_text(type), "ok"))
        return ao_call_error(call, 400, "compute: no module has run before pass 2");
    st = read_reply(base, prefix, &reply, err);
    if (st == BEAMR_TRAP || st == BEAMR_LIMIT) {
        snprintf(text, sizeof text, "The module's reply cannot be read: %s", err->text);
        beamr_error_clear(err);
        return answer_error(call, text, err);
    }
    if (st != BEAMR_OK)
        return st;
    st = take_reply(call, reply, err);
    ao_value_unref(reply);
    return st;
}

/* ---- The device ---- */

static beamr_status init(ao_call *call, beamr_error *err)
{
    ao_message *base = NULL;
    beamr_status st =
        ao_message_with(ao_call_base(call), "function", ao_binary_text("handle"), &base, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(base)) : st;
}

static beamr_status compute(ao_call *call, beamr_error *err)
{
    int64_t pass = 0;
    ao_value value;
    beamr_status st = dev_base_value(call, "pass", &value, err);

    if (st != BEAMR_OK)
        return st;
    (void)ao_to_integer(value, &pass);
    if (pass == 1)
        return first_pass(call, err);
    if (pass == 2)
        return second_pass(call, err);
    return ao_call_ok(call, ao_message_value(ao_message_ref(ao_call_base(call))));
}

static const ao_key table[] = {
    {"compute", compute},
    {"init", init},
    AO_KEYS_END,
};

const ao_device dev_json_iface = {.name = "json-iface@1.0", .keys = table};
