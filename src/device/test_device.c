/* test-device@1.0: a device for tests of everything that calls devices.
 *
 *   key          reads                                  answers
 *   info                                                ok: {status, body: what there is}
 *   test-func                                           ok: the text GOOD_FUNCTION
 *   init                                                ok: base with already-seen = []
 *   compute      request slot; base already-seen        ok: base with the slot in front of
 *                                                       already-seen, results/assignment-slot,
 *                                                       random-key
 *   mul          request args [a, b]; base state        ok: {state, results: [a * b]}
 *   snapshot                                            ok: {}
 *   restore      base already-seen                      ok: base with
 *                                                       priv/test-key/started-state
 *   delay        request duration (750 ms), body;       ok, later: base `return`, else request
 *                base return                            body, else {result: "slept"}
 *   update-state, increment-counter                     error 404: they tell a worker, of which
 *                                                       there is none here
 *
 * All other keys are those of message@1.0. `delay` holds no thread: delay.c.
 * Source: AO-Core devices, "test-device@1.0". */
#include <stdlib.h>

#include "ao/set.h"
#include "device/delay.h"
#include "device/devices.h"
#include "device/internal.h"

static beamr_status info(ao_call *call, beamr_error *err)
{
    static const char *const paths[][2] = {
        {"compute", "Compute function"},           {"info", "Get device info"},
        {"init", "Initialize function"},           {"mul", "Multiply function"},
        {"response", "Response function"},         {"restore", "Restore function"},
        {"snapshot", "Snapshot function"},         {"test_func", "Test function"},
        {"update_state", "Update state function"},
    };
    ao_builder all, body, answer;

    (void)err;
    ao_builder_begin(&all, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ao_builder_put(&all, paths[i][0], ao_binary_text(paths[i][1]));
    ao_builder_begin(&body, NULL, NULL, NULL);
    ao_builder_put(&body, "description",
                   ao_binary_text("Test device for testing the AO-Core framework"));
    ao_builder_put(&body, "version", ao_binary_text("1.0"));
    ao_builder_put(&body, "paths", ao_builder_value(&all));
    ao_builder_begin(&answer, NULL, NULL, NULL);
    ao_builder_put(&answer, "status", ao_integer(200));
    ao_builder_put(&answer, "body", ao_builder_value(&body));
    return ao_call_ok(call, ao_builder_value(&answer));
}

static beamr_status test_func(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text("GOOD_FUNCTION"));
}

static beamr_status init(ao_call *call, beamr_error *err)
{
    ao_message *state = NULL;
    beamr_status st =
        ao_message_with(ao_call_base(call), "already-seen", ao_list_new(NULL, 0), &state, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(state)) : st;
}

/* `first` in front of a list; of another kind of value, alone. */
static ao_value list_with(ao_value first, ao_value list)
{
    size_t count = ao_list_count(list);
    ao_value *items = calloc(count + 1, sizeof *items);
    ao_value result;

    if (!items)
        return AO_NO_VALUE;
    items[0] = ao_value_ref(first);
    for (size_t i = 0; i < count; i++)
        items[i + 1] = ao_value_ref(ao_list_at(list, i));
    result = ao_list_new(items, count + 1);
    free(items);
    return result;
}

static beamr_status compute(ao_call *call, beamr_error *err)
{
    ao_value slot, seen, list;
    ao_message *state = NULL, *whole = NULL;
    ao_builder builder;
    beamr_status st = dev_argument(call, "slot", &slot, err);

    if (st == BEAMR_OK)
        st = dev_base_value(call, "already-seen", &seen, err);
    if (st != BEAMR_OK)
        return st;
    if (slot.kind == AO_NONE)
        return ao_call_error(call, 400, "compute: the request has no `slot`");
    list = seen.kind == AO_MESSAGE ? AO_NO_VALUE : ao_value_ref(seen);
    if (seen.kind == AO_MESSAGE &&
        (st = ao_message_to_list(ao_to_message(seen), &list, err)) != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, ao_call_base(call), NULL, err);
    ao_builder_put(&builder, "already-seen", list_with(slot, list));
    ao_builder_put(&builder, "random-key", ao_binary_text("random-value"));
    ao_value_unref(list);
    if ((st = ao_builder_end(&builder, &state)) != BEAMR_OK)
        return st;
    st = ao_set_path(ao_call_context(call), state, beamr_bytes_of("results/assignment-slot"),
                     slot, &whole, err);
    ao_message_unref(state);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(whole)) : st;
}

/* a * b of integers, or of numbers if one is a float; AO_NONE for others. */
static bool product(ao_value a, ao_value b, ao_value *out)
{
    bool is_float = a.kind == AO_FLOAT || b.kind == AO_FLOAT;
    int64_t x = 0, y = 0, n;

    if ((a.kind != AO_FLOAT && !ao_to_integer(a, &x)) ||
        (b.kind != AO_FLOAT && !ao_to_integer(b, &y)))
        return false;
    if (is_float) {
        *out = ao_float((a.kind == AO_FLOAT ? a.of.number : (double)x) *
                        (b.kind == AO_FLOAT ? b.of.number : (double)y));
        return true;
    }
    if (__builtin_mul_overflow(x, y, &n))
        return false;
    *out = ao_integer(n);
    return true;
}

static beamr_status mul(ao_call *call, beamr_error *err)
{
    ao_value args = AO_NO_VALUE, state, result;
    ao_builder builder;
    bool is_fit;
    beamr_status st = dev_base_value(call, "state", &state, err);

    if (st == BEAMR_OK)
        st = dev_argument_list(call, "args", &args, err);
    if (st != BEAMR_OK)
        return st;
    is_fit =
        ao_list_count(args) == 2 && product(ao_list_at(args, 0), ao_list_at(args, 1), &result);
    ao_value_unref(args);
    if (!is_fit)
        return ao_call_error(call, 400, "mul: `args` is not two numbers of a fitting size");
    ao_builder_begin(&builder, NULL, NULL, err);
    if (state.kind != AO_NONE)
        ao_builder_put(&builder, "state", ao_value_ref(state));
    ao_builder_put(&builder, "results", ao_list_new(&result, 1));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static beamr_status snapshot(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_message_value(ao_message_empty()));
}

static beamr_status restore(ao_call *call, beamr_error *err)
{
    ao_message *state = NULL;
    ao_value seen;
    beamr_status st = dev_base_value(call, "already-seen", &seen, err);

    if (st != BEAMR_OK)
        return st;
    if (seen.kind == AO_NONE)
        return ao_call_error(call, 400, "restore: the base has no `already-seen`");
    st = ao_private_with(ao_call_base(call), "test-key/started-state", ao_value_ref(seen),
                         &state, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(state)) : st;
}

/* ---- Answering later ---- */

static beamr_status slept(ao_call *call, beamr_error *err)
{
    ao_value value;
    ao_builder builder;
    beamr_status st = dev_base_value(call, "return", &value, err);

    if (st == BEAMR_OK && value.kind == AO_NONE)
        st = dev_argument(call, "body", &value, err);
    if (st != BEAMR_OK)
        return st;
    if (value.kind != AO_NONE)
        return ao_call_ok(call, ao_value_ref(value));
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "result", ao_binary_text("slept"));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static beamr_status delay(ao_call *call, beamr_error *err)
{
    enum { DEFAULT_MS = 750 };
    int64_t ms = DEFAULT_MS;
    ao_value duration;
    beamr_status st = dev_argument(call, "duration", &duration, err);

    if (st != BEAMR_OK)
        return st;
    if (duration.kind != AO_NONE &&
        (!ao_to_integer(duration, &ms) || ms < 0 || ms > DELAY_MAX_MS))
        return ao_call_error(call, 400, "delay: `duration` is no number of up to %d ms",
                             DELAY_MAX_MS);
    return delay_call(call, (unsigned)ms, slept, err);
}

static beamr_status no_worker(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 404, "%.*s: no worker is registered", (int)ao_call_key(call).len,
                         (const char *)ao_call_key(call).data);
}

static const ao_key keys[] = {
    {"info", info},
    {"test-func", test_func},
    {"init", init},
    {"compute", compute},
    {"mul", mul},
    {"snapshot", snapshot},
    {"restore", restore},
    {"delay", delay},
    {"update-state", no_worker},
    {"increment-counter", no_worker},
    AO_KEYS_END,
};

const ao_device dev_test = {.name = "test-device@1.0", .keys = keys};
