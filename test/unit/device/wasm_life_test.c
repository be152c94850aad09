/* wasm-64@1.0: what an instance costs, and when it goes. Instances are counted by a node that
 * has memory for one of them (`wasm_max_memory`), loads of modules by the module that a state
 * was made by. */
#include <unistd.h>

#include "device/state.h"
#include "wasm_modules.h"

#define DEVICE "{\"device\": \"wasm-64@1.0\"}"
#define ADD(n) "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [" #n "]}"

static ao_context *context_of(const char *json)
{
    ao_context *plain = world_open(NULL, NULL), *context;
    ao_message *values = world_message(plain, json);

    context = world_open(NULL, values);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

static ao_message *process(ao_context *context)
{
    return message_with_key(context, DEVICE, "image", module_value(module_plain));
}

/* There is memory for one more instance. */
static bool has_room(ao_context *context)
{
    ao_message *base = process(context);
    ao_result result;
    beamr_error err = {0};
    bool is_ok;

    assert_int_equal(resolve_json(context, base, "{\"path\": \"init\"}", NULL, &result, &err),
                     BEAMR_OK);
    is_ok = result.outcome == AO_OUTCOME_OK;
    assert_true(is_ok || result.outcome == AO_OUTCOME_FAILURE);
    ao_value_unref(result.value);
    ao_message_unref(base);
    return is_ok;
}

/* A node for one instance, but not for two. */
static ao_context *context_for_one(const char *more)
{
    char json[128];

    for (long bytes = 65536;; bytes += 16384) {
        ao_context *context;
        bool is_enough;

        (void)snprintf(json, sizeof json, "{\"wasm_max_memory\": %ld}", bytes);
        context = context_of(json);
        is_enough = has_room(context);
        ao_context_free(context);
        if (!is_enough)
            continue;
        (void)snprintf(json, sizeof json, "{\"wasm_max_memory\": %ld%s}", bytes + bytes / 2,
                       more);
        return context_of(json);
    }
}

static ao_message *guest(ao_context *context)
{
    return resolve_next(context, process(context), "{\"path\": \"init\"}");
}

static void an_instance_goes_with_its_message(void **state)
{
    ao_context *context = context_for_one("");
    ao_message *base = guest(context);

    (void)state;
    assert_false(has_room(context));
    ao_message_unref(base);
    assert_true(has_room(context));
    base = resolve_next(context, guest(context), "{\"path\": \"terminate\"}");
    assert_true(has_room(context));
    ao_message_unref(base);
    ao_context_free(context);
}

/* However many states are held, the newest has the instance. */
static void older_states_have_none(void **state)
{
    ao_context *context = context_for_one("");
    ao_message *states[8];

    (void)state;
    states[0] = guest(context);
    for (size_t i = 1; i < 8; i++)
        states[i] = resolve_ok(context, states[i - 1], ADD(1));
    ao_message_unref(states[7]);
    assert_true(has_room(context)); /* it went with the newest */
    states[7] = resolve_ok(context, states[6], ADD(5));
    expect_integer(states[7], "results", 11);
    assert_false(has_room(context));
    for (size_t i = 0; i < 7; i++)
        ao_message_unref(states[i]);
    assert_false(has_room(context));
    ao_message_unref(states[7]);
    assert_true(has_room(context));
    ao_context_free(context);
}

static void an_instance_that_is_not_used_goes_and_its_state_stays(void **state)
{
    ao_context *context = context_for_one(", \"wasm_idle_time\": 20");
    ao_message *base = resolve_next(context, guest(context), ADD(7));

    (void)state;
    for (int i = 0; i < 1000 && !has_room(context); i++)
        (void)usleep(10000);
    assert_true(has_room(context));
    base = resolve_next(context, base, ADD(1));
    expect_integer(base, "results", 8);
    ao_message_unref(base);
    ao_context_free(context);
}

/* A call that the host ends leaves no instance, and a failed `init` none either. */
static void what_failed_leaves_none(void **state)
{
    ao_context *context = context_for_one("");
    ao_message *base = resolve_next(context, guest(context), ADD(7));
    ao_message *values = world_message(context, "{\"wasm_timeout\": 50}");
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.values = values;
    resolve_fails(context, base, "{\"path\": \"compute\", \"function\": \"spin\"}", &options,
                  AO_OUTCOME_FAILURE, 504, "wasm_timeout");
    ao_message_unref(values);
    assert_true(has_room(context));
    base = resolve_next(context, base, ADD(1));
    expect_integer(base, "results", 8);
    assert_false(has_room(context)); /* an init that failed */
    ao_message_unref(base);
    assert_true(has_room(context));
    ao_context_free(context);
}

/* ---- Loads ---- */

static const beamr_module *module_of(const ao_message *state)
{
    dev_state *guest_state = dev_state_of(state, (beamr_bytes){NULL, 0});

    assert_non_null(guest_state);
    return dev_state_image(guest_state)->module;
}

/* The same module, by its bytes, as other bytes, below a message and by an id. */
static void expect_loads(const char *options, bool is_shared)
{
    ao_context *context = context_of(options);
    ao_message *stored = message_with_key(context, "{}", "body", module_value(module_plain));
    ao_message *states[4];
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};

    assert_int_equal(ao_store_message(context, stored, id, &err), BEAMR_OK);
    states[0] = guest(context);
    states[1] = guest(context);
    states[2] = resolve_next(
        context, message_with_key(context, DEVICE, "image", ao_message_value(stored)),
        "{\"path\": \"init\"}");
    states[3] =
        resolve_next(context, message_with_key(context, DEVICE, "image", ao_binary_text(id)),
                     "{\"path\": \"init\"}");
    for (size_t i = 1; i < 4; i++) {
        if (is_shared)
            assert_ptr_equal(module_of(states[i]), module_of(states[0]));
        else
            assert_ptr_not_equal(module_of(states[i]), module_of(states[0]));
    }
    for (size_t i = 0; i < 4; i++)
        ao_message_unref(states[i]);
    ao_context_free(context);
}

static void a_module_is_loaded_once(void **state)
{
    (void)state;
    expect_loads("{\"wasm_cache\": 1}", true);
    expect_loads("{\"wasm_cache\": 0}", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_goes_with_its_message),
        cmocka_unit_test(older_states_have_none),
        cmocka_unit_test(an_instance_that_is_not_used_goes_and_its_state_stays),
        cmocka_unit_test(what_failed_leaves_none),
        cmocka_unit_test(a_module_is_loaded_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
