/* wasm-64@1.0: normalize, snapshot, terminate. */
#include <unistd.h>

#include "wasm_modules.h"

#define DEVICE "{\"device\": \"wasm-64@1.0\"}"
#define ADD(n) "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [" #n "]}"

static ao_message *fresh(ao_context *context, const char *json)
{
    return message_with_key(context, json, "image", module_value(module_plain));
}

static ao_message *guest(ao_context *context, const char *json)
{
    return resolve_next(context, fresh(context, json), "{\"path\": \"init\"}");
}

static ao_message *with(ao_message *base, const char *key, ao_value value)
{
    ao_message *whole = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(base, key, value, &whole, &err), BEAMR_OK);
    ao_message_unref(base);
    return whole;
}

/* A message that was stored: no private keys, large binaries as links. */
static ao_message *through_store(ao_context *context, ao_message *message)
{
    char id[AO_ID_TEXT + 1];
    ao_message *back = NULL;
    beamr_error err = {0};

    if (ao_store_message(context, message, id, &err) != BEAMR_OK ||
        ao_load_message(context, beamr_bytes_of(id), &back, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(message);
    return back;
}

static void a_snapshot_is_the_state(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));
    ao_message *snapshot = resolve_ok(context, base, "{\"path\": \"snapshot\"}"), *again;

    (void)state;
    assert_int_equal(ao_bytes(value_at(snapshot, "body")).len, 65536);
    assert_int_equal(ao_bytes(value_at(snapshot, "body")).data[8], 7);
    assert_int_equal(value_at(snapshot, "format").kind, AO_BINARY);
    assert_int_equal(value_at(snapshot, "state").kind, AO_BINARY);
    again = resolve_ok(context, base, "{\"path\": \"snapshot\"}");
    assert_true(ao_message_match(snapshot, again, AO_MATCH_STRICT, NULL));
    ao_message_unref(again);
    ao_message_unref(base);
    base = with(fresh(context, DEVICE), "snapshot", ao_message_value(snapshot));
    base = resolve_next(context, base, "{\"path\": \"normalize\"}");
    assert_int_equal(ao_message_find_text(base, "snapshot").kind, AO_NONE);
    assert_int_equal(ao_private_find(base, "instance").kind, AO_NATIVE);
    base = resolve_next(context, base, ADD(1));
    expect_integer(base, "results", 8);
    ao_message_unref(base);
    ao_context_free(context);
}

static void compute_normalises(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));
    ao_message *snapshot = resolve_next(context, base, "{\"path\": \"snapshot\"}");

    (void)state;
    snapshot = through_store(context, snapshot);
    base = with(fresh(context, DEVICE), "snapshot", ao_message_value(snapshot));
    base = resolve_next(context, base, ADD(1));
    assert_int_equal(ao_message_find_text(base, "snapshot").kind, AO_NONE);
    expect_integer(base, "results", 8);
    ao_message_unref(base);
    ao_context_free(context);
}

static void entries_belong_to_devices(void **state)
{
    static const char *const bases[] = {"{\"device\": \"wasm-64@1.0\", \"device-key\": 2}",
                                        "{\"device\": \"wasm-64@1.0\", \"device-key\": \"2\"}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));
        ao_message *one = resolve_next(context, base, "{\"path\": \"snapshot\"}");
        ao_message *all =
            message_with_key(context, "{\"1\": {\"body\": \"x\"}}", "2", ao_message_value(one));

        base = with(fresh(context, bases[i]), "snapshot", ao_message_value(all));
        base = resolve_next(context, base, ADD(1));
        expect_integer(base, "results", 8);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void a_body_alone_is_accepted(void **state)
{
    static const size_t sizes[] = {0, 9, 65536, 131072 + 3};
    ao_context *context = world_open(NULL, NULL);
    uint8_t *bytes = calloc(1, 200000);

    (void)state;
    bytes[8] = 7;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ao_message *snapshot = message_with_key(context, "{}", "body",
                                                ao_binary_copy((beamr_bytes){bytes, sizes[i]}));
        ao_message *base = with(fresh(context, DEVICE), "snapshot", ao_message_value(snapshot));

        base = resolve_next(context, base, ADD(1));
        expect_integer(base, "results", sizes[i] > 8 ? 8 : 1);
        ao_message_unref(base);
    }
    free(bytes);
    ao_context_free(context);
}

/* Other nodes put the snapshot at `<p>/state`. */
static void a_snapshot_may_stand_at_the_prefix(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (int is_body = 0; is_body < 2; is_body++) {
        ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));
        ao_message *snapshot = resolve_next(context, base, "{\"path\": \"snapshot\"}");
        ao_value saved = is_body ? ao_value_ref(value_at(snapshot, "body"))
                                 : ao_message_value(ao_message_ref(snapshot));
        ao_message *below = message_with_key(context, "{\"k\": 1}", "State", saved);

        base =
            with(fresh(context, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"wasm\"}"),
                 "wasm", ao_message_value(below));
        base = resolve_next(context, base, ADD(1));
        expect_integer(base, "results/wasm", 8);
        assert_int_equal(value_at(base, "wasm/state").kind, AO_NONE);
        assert_int_equal(value_at(base, "wasm/k").kind, AO_INTEGER);
        ao_message_unref(base);
        ao_message_unref(snapshot);
    }
    ao_context_free(context);
}

/* count()->i, in a global; no memory. */
static void module_without_memory(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0, 0x0b); /* mut i32 = 0 */
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "count", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x23, 0);
    wasm_end(w);
}

/* ... and that of a module without a memory, which has no `body`. */
static void a_snapshot_without_memory_may_stand_there(void **state)
{
    static const char count[] = "{\"path\": \"compute\", \"function\": \"count\"}";
    ao_context *context = world_open(NULL, NULL);
    ao_value image = module_value(module_without_memory);
    ao_message *base = message_with_key(context, DEVICE, "image", ao_value_ref(image));
    ao_message *snapshot;

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    base = resolve_next(context, base, count);
    snapshot = resolve_next(context, base, "{\"path\": \"snapshot\"}");
    base = message_with_key(context, DEVICE, "image", image);
    base = with(base, "state", ao_message_value(snapshot));
    base = resolve_next(context, base, count);
    expect_integer(base, "results", 2);
    assert_int_equal(ao_message_find_text(base, "state").kind, AO_NONE);
    ao_message_unref(base);
    ao_context_free(context);
}

static void a_state_that_is_there_wins(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));

    (void)state;
    base = with(base, "snapshot", ao_binary_text("anything"));
    base = resolve_next(context, base, "{\"path\": \"normalize\"}");
    assert_int_equal(ao_message_find_text(base, "snapshot").kind, AO_NONE);
    base = resolve_next(context, base, ADD(1));
    expect_integer(base, "results", 8);
    ao_message_unref(base);
    ao_context_free(context);
}

/* A state of something else. */
#define OF_ANOTHER                                                                             \
    "{\"device\": \"wasm-64@1.0\", \"state\": {\"device\": \"message@1.0\", \"body\": \"x\"}}"

static void nothing_to_normalise_is_raised(void **state)
{
    static const char *const requests[] = {"{\"path\": \"normalize\"}", ADD(1)};
    static const char *const bases[] = {
        DEVICE, "{\"device\": \"wasm-64@1.0\", \"snapshot\": \"x\"}", OF_ANOTHER};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        ao_message *base = fresh(context, bases[i / 2]);
        ao_result result;
        beamr_error err = {0};

        assert_int_equal(resolve_json(context, base, requests[i % 2], NULL, &result, &err),
                         BEAMR_ARGUMENT);
        assert_non_null(strstr(err.text, "no_wasm_instance_or_snapshot"));
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void damaged_snapshots_are_errors(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = resolve_next(context, guest(context, DEVICE), ADD(7));
    ao_message *good = resolve_next(context, base, "{\"path\": \"snapshot\"}");
    beamr_bytes bytes = ao_bytes(value_at(good, "state"));
    ao_message *cut = with(ao_message_ref(good), "state",
                           ao_binary_copy((beamr_bytes){bytes.data, bytes.len - 1}));
    ao_message *none = with(ao_message_ref(good), "state", ao_integer(5));
    ao_message *body = with(ao_message_ref(good), "body", ao_binary_text("short"));
    ao_message *format = with(ao_message_ref(good), "format", ao_binary_text("other-9"));
    ao_message *files = with(ao_message_ref(good), "system", ao_binary_text("no files"));
    ao_message *empty = world_message(context, "{}");
    ao_message *cases[] = {cut, none, body, format, files, empty};
    ao_message *other;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base = with(fresh(context, DEVICE), "snapshot", ao_message_value(cases[i]));
        resolve_fails(context, base, "{\"path\": \"normalize\"}", NULL, AO_OUTCOME_ERROR, 422,
                      "normalize: ");
        resolve_fails(context, base, ADD(1), NULL, AO_OUTCOME_ERROR, 422, "compute: ");
        ao_message_unref(base);
    }
    /* Of another module. */
    other = message_with_key(context, DEVICE, "image", module_value(module_importing));
    other = with(other, "snapshot", ao_message_value(good));
    resolve_fails(context, other, "{\"path\": \"normalize\"}", NULL, AO_OUTCOME_ERROR, 422,
                  "normalize: ");
    ao_message_unref(other);
    ao_context_free(context);
}

static void a_memory_beyond_its_limits_is_an_error(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    uint8_t *bytes = calloc(17, 65536);
    ao_message *snapshot = message_with_key(context, "{}", "body",
                                            ao_binary_copy((beamr_bytes){bytes, 17 * 65536}));
    ao_message *base = with(fresh(context, DEVICE), "snapshot", ao_message_value(snapshot));

    (void)state;
    resolve_fails(context, base, "{\"path\": \"normalize\"}", NULL, AO_OUTCOME_ERROR, 413,
                  "normalize: ");
    ao_message_unref(base);
    free(bytes);
    ao_context_free(context);
}

/* (module (memory 1) (func $s (loop (br 0))) (start $s)) */
static const uint8_t endless[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04,
                                  0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03,
                                  0x01, 0x00, 0x01, 0x08, 0x01, 0x00, 0x0a, 0x09, 0x01, 0x07,
                                  0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b};

/* A snapshot comes from anywhere: its module may never have begun. */
static void a_start_function_does_not_run_in_a_restored_guest(void **state)
{
    static const char base_json[] =
        "{\"device\": \"wasm-64@1.0\", \"snapshot\": {\"format\": \"beamr-1\","
        " \"state\": \"none\", \"body\": \"x\"}}";
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = message_with_key(context, base_json, "image",
                                        ao_binary_copy((beamr_bytes){endless, sizeof endless}));

    (void)state;
    (void)alarm(10); /* it would not end */
    resolve_fails(context, base, "{\"path\": \"normalize\"}", NULL, AO_OUTCOME_ERROR, 422,
                  "normalize: ");
    (void)alarm(0);
    ao_message_unref(base);
    ao_context_free(context);
}

static void limits_hold_where_a_body_alone_is_restored(void **state)
{
    static const char *const options[] = {"{\"wasm_max_fuel\": 10000}",
                                          "{\"wasm_timeout\": 20}"};
    static const int64_t statuses[] = {500, 504};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *context = world_open(NULL, NULL);
        ao_message *values = world_message(context, options[i]), *base;

        ao_context_free(context);
        context = world_open(NULL, values);
        base = message_with_key(
            context, "{\"device\": \"wasm-64@1.0\", \"snapshot\": {\"body\": \"x\"}}", "image",
            ao_binary_copy((beamr_bytes){endless, sizeof endless}));
        resolve_fails(context, base, "{\"path\": \"normalize\"}", NULL, AO_OUTCOME_FAILURE,
                      statuses[i], "normalize: ");
        ao_message_unref(base);
        ao_message_unref(values);
        ao_context_free(context);
    }
}

static void snapshot_needs_an_instance(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = fresh(context, DEVICE);

    (void)state;
    resolve_fails(context, base, "{\"path\": \"snapshot\"}", NULL, AO_OUTCOME_ERROR, 404,
                  "no instance");
    ao_message_unref(base);
    ao_context_free(context);
}

static void terminate_takes_the_instance_away(void **state)
{
    static const char *const bases[] = {
        DEVICE, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"a/b\"}"};
    static const char *const paths[] = {"instance", "a/b/instance"};
    static const char *const results[] = {"results", "results/a/b"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *base = resolve_next(context, guest(context, bases[i]), ADD(7)), *older;

        older = ao_message_ref(base);
        base = resolve_next(context, base, "{\"path\": \"terminate\"}");
        assert_int_equal(ao_private_find(base, paths[i]).kind, AO_NONE);
        base = resolve_next(context, base, "{\"path\": \"terminate\"}"); /* once more */
        /* The state of before is still there. */
        older = resolve_next(context, older, ADD(1));
        expect_integer(older, results[i], 8);
        ao_message_unref(older);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void other_keys_are_those_of_messages(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"a\": {\"b\": 5}}");

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"a\"}");
    assert_int_equal(value_at(base, "b").of.integer, 5);
    ao_message_unref(base);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_the_state),
        cmocka_unit_test(compute_normalises),
        cmocka_unit_test(entries_belong_to_devices),
        cmocka_unit_test(a_body_alone_is_accepted),
        cmocka_unit_test(a_snapshot_may_stand_at_the_prefix),
        cmocka_unit_test(a_snapshot_without_memory_may_stand_there),
        cmocka_unit_test(a_state_that_is_there_wins),
        cmocka_unit_test(nothing_to_normalise_is_raised),
        cmocka_unit_test(damaged_snapshots_are_errors),
        cmocka_unit_test(a_memory_beyond_its_limits_is_an_error),
        cmocka_unit_test(a_start_function_does_not_run_in_a_restored_guest),
        cmocka_unit_test(limits_hold_where_a_body_alone_is_restored),
        cmocka_unit_test(snapshot_needs_an_instance),
        cmocka_unit_test(terminate_takes_the_instance_away),
        cmocka_unit_test(other_keys_are_those_of_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
