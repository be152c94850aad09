/* Records of calls: the log of what imports did comes back as it was written, and ends at its
 * limit; a file system counts with what is new in it. */
#include "world.h"

#include <stdlib.h>

#include "device/state_internal.h"

static void entries_come_back_in_order(void **state)
{
    const beamr_value values[2] = {beamr_i32(-3), beamr_f64(0.5)};
    const state_entry entries[] = {
        {.op = STATE_OP_REQUEST, .number = 77},
        {.op = STATE_OP_WRITE, .number = UINT64_MAX, .bytes = {(const uint8_t *)"abc", 3}},
        {.op = STATE_OP_PERFORM,
         .number = 1,
         .status = BEAMR_TRAP,
         .bytes = {(const uint8_t *)"module", 6},
         .name = {(const uint8_t *)"name\0", 5}},
        {.op = STATE_OP_ANSWER, .values = state_values_bytes(values, 2)},
    };
    state_log log = {0};
    state_entry e;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        state_log_add(&log, &entries[i]);
    for (size_t i = 0; i < 4; i++) {
        assert_true(state_log_next(&log, &at, &e));
        assert_int_equal(e.op, entries[i].op);
        assert_int_equal(e.number, entries[i].number);
        assert_int_equal(e.status, entries[i].status);
        assert_int_equal(e.bytes.len, entries[i].bytes.len);
        assert_int_equal(e.name.len, entries[i].name.len);
        assert_memory_equal(e.name.data, i == 2 ? "name\0" : "", e.name.len);
    }
    assert_int_equal(state_values_count(e.values), 2);
    assert_int_equal(state_values_of(e.values)[0].of.i32, -3);
    assert_true(state_values_of(e.values)[1].of.f64 == 0.5);
    assert_false(state_log_next(&log, &at, &e));
    assert_int_equal(at, log.len);
    state_log_clear(&log);
}

static void a_log_that_is_too_long_is_dropped(void **state)
{
    static uint8_t bytes[1 << 20];
    const state_entry entry = {.op = STATE_OP_WRITE, .bytes = {bytes, sizeof bytes}};
    state_log log = {0};

    (void)state;
    for (size_t i = 0; i < STATE_RECORD_BYTES / sizeof bytes - 1; i++) {
        state_log_add(&log, &entry);
        assert_false(log.is_lost);
    }
    state_log_add(&log, &entry);
    assert_true(log.is_lost);
    assert_null(log.data);
    state_log_add(&log, &entry);
    assert_null(log.data);
    state_log_clear(&log);
}

/* {FILE: `size` bytes, other: a MiB that is always the same} */
static ao_value files(ao_value large, const char *file, size_t size)
{
    uint8_t *bytes = calloc(size, 1);
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, file, ao_binary_copy((beamr_bytes){bytes, size}));
    ao_builder_put(&b, "large", ao_value_ref(large));
    free(bytes);
    return ao_builder_value(&b);
}

static void a_file_system_counts_with_what_is_new_in_it(void **state)
{
    static uint8_t bytes[1 << 20];
    ao_value large = ao_binary_copy((beamr_bytes){bytes, sizeof bytes});
    state_record a = {.inputs.vfs = files(large, "file", 1000)};
    state_record b = {.inputs.vfs = files(large, "file", 3000)};
    state_record c = {.inputs.vfs = files(large, "zone", 3000)};
    state_record d = {.inputs.vfs = ao_value_ref(c.inputs.vfs)};
    size_t none = state_record_bytes(&d, &c);

    (void)state;
    assert_in_range(state_record_bytes(&a, NULL), 1 << 20, 2 << 20);
    assert_in_range(state_record_bytes(&b, &a), none + 3000, none + 4000);
    assert_in_range(state_record_bytes(&c, &b), none + 3000, none + 4000);
    assert_in_range(none, sizeof(dev_state), sizeof(dev_state) + 100);
    state_record_clear(&a);
    state_record_clear(&b);
    state_record_clear(&c);
    state_record_clear(&d);
    ao_value_unref(large);
}

/* Of a call whose imports write one file after the other. */
static void what_imports_change_counts_too(void **state)
{
    state_record record = {.inputs.vfs = ao_binary_text("nothing yet")};
    uint8_t *bytes = calloc(1, 1 << 20);
    size_t kept = 0;

    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < 20; i++) {
        dev_inputs inputs = {.vfs = ao_binary_copy((beamr_bytes){bytes, 1 << 20})};

        assert_non_null(state_record_update(&record, &inputs));
        assert_int_equal(inputs.vfs.kind, AO_NONE);
        kept = record.update_count > kept ? record.update_count : kept;
    }
    assert_true(record.log.is_lost);
    assert_in_range(kept, 3, 5);
    assert_int_equal(record.update_count, 1); /* the last is in use */
    state_record_clear(&record);
    free(bytes);
}

/* ---- JSON for parameters ---- */

static void expect_json(ao_value value, const char *expected)
{
    ao_value out = AO_NO_VALUE;
    beamr_error err = {0};

    if (run_json(value, &out, &err) != BEAMR_OK)
        fail_msg("%s: %s", expected, err.text);
    assert_int_equal(ao_bytes(out).len, strlen(expected));
    assert_memory_equal(ao_bytes(out).data, expected, strlen(expected));
    ao_value_unref(out);
    ao_value_unref(value);
}

static void values_become_json(void **state)
{
    ao_value items[6] = {ao_integer(-7),
                         ao_float(1.5),
                         ao_atom("true"),
                         ao_atom("an atom"),
                         ao_binary_text("a\"\\\n\t\x01\x7f \xc3\xa4 \xff"),
                         AO_NO_VALUE};
    ao_builder b;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "list", ao_list_new(items, 5));
    ao_builder_put(&b, "empty", ao_list_new(NULL, 0));
    ao_builder_put(&b, "private", ao_integer(1));
    expect_json(ao_builder_value(&b), "{\"empty\":[],\"list\":[-7,1.5,true,\"an atom\","
                                      "\"a\\\"\\\\\\n\\t\\u0001\x7f \xc3\xa4 \xef\xbf\xbd\"]}");
    expect_json(ao_message_value(ao_message_empty()), "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back_in_order),
        cmocka_unit_test(a_log_that_is_too_long_is_dropped),
        cmocka_unit_test(a_file_system_counts_with_what_is_new_in_it),
        cmocka_unit_test(what_imports_change_counts_too),
        cmocka_unit_test(values_become_json),
    };

    return cmocka_run_group_tests_name("device/state_record", tests, NULL, NULL);
}
