/* json-iface@1.0 with a guest: texts in its memory, replies out of it, in a stack. */
#include "beamr/ao/guest.h"
#include "wasm_modules.h"

static const char reply[] = "{\"ok\":true,\"response\":{\"Output\":{\"data\":\"yes\"},"
                            "\"Messages\":[{\"Data\":\"d\"}]}}";

/* malloc, and handle(message, environment) with this body; what it can give stands at 16. */
typedef enum allocator { NO_MALLOC, MALLOC, MALLOC_WITHOUT_END } allocator;

static void module_handle(wasm_builder *w, const uint8_t *body, size_t len, allocator malloc)
{
    static const module_func funcs[] = {{"handle", "ii", "i"}, {"malloc", "i", "i"}};

    module_begin(w, NULL, 0, funcs, malloc != NO_MALLOC ? 2 : 1);
    wasm_section(w, WASM_CODE);
    wasm_u64(w, malloc != NO_MALLOC ? 2 : 1);
    wasm_sized(w);
    WASM(w, 0);
    wasm_bytes(w, body, len);
    WASM(w, 0x0b);
    wasm_end(w);
    if (malloc == MALLOC)
        WASM_BODY(w, MODULE_MALLOC);
    else if (malloc == MALLOC_WITHOUT_END)
        WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b, 0x00);
    wasm_end(w);
    wasm_section(w, WASM_DATA);
    WASM(w, 1, 0, 0x41, 16, 0x0b);
    wasm_u64(w, sizeof reply);
    wasm_bytes(w, reply, sizeof reply);
    wasm_end(w);
}

static void module_answering(wasm_builder *w)
{
    static const uint8_t body[] = {0x41, 16};

    module_handle(w, body, sizeof body, MALLOC);
}

/* The address is no address. */
static void module_beyond(wasm_builder *w)
{
    static const uint8_t body[] = {0x41, 0x7f};

    module_handle(w, body, sizeof body, MALLOC);
}

/* What it was told is no reply. */
static void module_echo(wasm_builder *w)
{
    static const uint8_t body[] = {0x20, 1};

    module_handle(w, body, sizeof body, MALLOC);
}

static void module_trapping(wasm_builder *w)
{
    static const uint8_t body[] = {0x00};

    module_handle(w, body, sizeof body, MALLOC);
}

static void module_without_malloc(wasm_builder *w)
{
    static const uint8_t body[] = {0x41, 16};

    module_handle(w, body, sizeof body, NO_MALLOC);
}

static void module_without_end(wasm_builder *w)
{
    static const uint8_t body[] = {0x41, 16};

    module_handle(w, body, sizeof body, MALLOC_WITHOUT_END);
}

/* handle(i i)->i, and a malloc(i)->i that begins as given. */
static const uint8_t head[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x02,
                               0x60, 0x01, 0x7f, 0x01, 0x7f, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f,
                               0x03, 0x03, 0x02, 0x00, 0x01, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07,
                               0x1c, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00,
                               0x06, 0x6d, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0x00, 0x00, 0x06, 0x68,
                               0x61, 0x6e, 0x64, 0x6c, 0x65, 0x00, 0x01};

static void module_without_room(wasm_builder *w)
{
    static const uint8_t code[] = {0x0a, 0x0b, 0x02, 0x04, 0x00, 0x41, 0x00,
                                   0x0b, 0x04, 0x00, 0x41, 0x10, 0x0b};

    wasm_bytes(w, head, sizeof head);
    wasm_bytes(w, code, sizeof code);
}

/* malloc does not end. */
static void module_endless(wasm_builder *w)
{
    static const uint8_t code[] = {0x0a, 0x10, 0x02, 0x09, 0x00, 0x03, 0x40, 0x0c, 0x00,
                                   0x0b, 0x41, 0x08, 0x0b, 0x04, 0x00, 0x41, 0x10, 0x0b};

    wasm_bytes(w, head, sizeof head);
    wasm_bytes(w, code, sizeof code);
}

/* handle and malloc of a guest whose addresses lie above two GiB: of 32 bits they are negative
 * as numbers. */
static void module_high(wasm_builder *w, bool is64)
{
    static const int64_t at = 0x80000010, heap = 0x80001000;
    const uint8_t type = is64 ? 0x7e : 0x7f, constant = is64 ? 0x42 : 0x41;
    const uint8_t add = is64 ? 0x7c : 0x6a;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u64(w, 2);
    wasm_functype(w, is64 ? "ll" : "ii", is64 ? "l" : "i");
    wasm_functype(w, is64 ? "l" : "i", is64 ? "l" : "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 2, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, is64 ? 4 : 0);
    wasm_u64(w, 32769);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, type, 1, constant);
    wasm_s64(w, is64 ? heap : (int32_t)heap);
    WASM(w, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u64(w, 3);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "handle", 0, 0);
    wasm_export(w, "malloc", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u64(w, 2);
    wasm_sized(w);
    WASM(w, 0, constant);
    wasm_s64(w, is64 ? at : (int32_t)at);
    WASM(w, 0x0b);
    wasm_end(w);
    WASM_BODY(w, 0x23, 0, 0x23, 0, 0x20, 0, add, 0x24, 0);
    wasm_end(w);
    wasm_section(w, WASM_DATA);
    WASM(w, 1, 0, constant);
    wasm_s64(w, is64 ? at : (int32_t)at);
    WASM(w, 0x0b);
    wasm_u64(w, sizeof reply);
    wasm_bytes(w, reply, sizeof reply);
    wasm_end(w);
}

static void module_high32(wasm_builder *w)
{
    module_high(w, false);
}

static void module_high64(wasm_builder *w)
{
    module_high(w, true);
}

/* A process of the stack that processes of aos have. */
static ao_message *process(ao_context *context, void (*module)(wasm_builder *w))
{
    return resolve_next(
        context,
        message_with_key(context,
                         "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", "
                         "\"JSON-Iface@1.0\", \"WASM-64@1.0\", \"Multipass@1.0\"], "
                         "\"output-prefixes\": [\"wasm\"], \"passes\": 2, \"process\": "
                         "{\"type\": \"Process\"}}",
                         "image", module_value(module)),
        "{\"path\": \"init\"}");
}

static ao_context *context_of_stacks(void)
{
    ao_message *values = NULL;
    ao_context *context;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(ao_message_empty(), "error_strategy",
                                     ao_binary_text("stop"), &values, &err),
                     BEAMR_OK);
    context = world_open(NULL, values);
    ao_message_unref(values);
    return context;
}

#define COMPUTE "{\"path\": \"compute\", \"slot\": 1, \"body\": {\"data\": \"d\"}}"

/* A key of the results of one message, and that alone. */
static void assert_results(void (*module)(wasm_builder *w), ao_outcome outcome, const char *key,
                           const char *expected)
{
    ao_context *context = context_of_stacks();
    ao_message *base = process(context, module);
    ao_result result;
    beamr_error err = {0};
    beamr_bytes text;

    assert_int_equal(resolve_json(context, base, COMPUTE, NULL, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, outcome);
    text = ao_text(value_at(ao_to_message(result.value), key));
    if (!has_text(text, expected))
        fail_msg("%s: %.*s", key, (int)text.len, text.len ? (const char *)text.data : "");
    ao_value_unref(result.value);
    ao_message_unref(base);
    ao_context_free(context);
}

static void a_reply_becomes_results(void **state)
{
    (void)state;
    assert_results(module_answering, AO_OUTCOME_OK, "results/data", "yes");
    assert_results(module_answering, AO_OUTCOME_OK, "results/outbox/1/data", "d");
    assert_results(module_answering, AO_OUTCOME_OK, "device", "stack@1.0");
}

static void what_is_no_reply_is_an_error_and_the_process_stays(void **state)
{
    (void)state;
    assert_results(module_echo, AO_OUTCOME_ERROR, "results/body",
                   "the reply does not say whether it is `ok`");
    assert_results(module_beyond, AO_OUTCOME_ERROR, "results/body",
                   "The module's reply cannot be read: ");
    assert_results(module_trapping, AO_OUTCOME_ERROR, "results/body", "WASM execution error.");
    assert_results(module_trapping, AO_OUTCOME_ERROR, "results/wasm/output", "unreachable");
    assert_results(module_trapping, AO_OUTCOME_ERROR, "device", "stack@1.0");
    assert_results(module_without_malloc, AO_OUTCOME_ERROR, "body", "malloc");
    assert_results(module_without_room, AO_OUTCOME_ERROR, "body", "malloc has no");
}

/* The node's own limits hold there too, and are no answer of the guest's. */
static void a_malloc_that_does_not_end_is_a_failure(void **state)
{
    static const char *const options[] = {
        "{\"error_strategy\": \"stop\", \"wasm_timeout\": 20}",
        "{\"error_strategy\": \"stop\", \"wasm_max_fuel\": 10000}"};
    static const int64_t statuses[] = {504, 500};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *context = world_open(NULL, NULL);
        ao_message *values = world_message(context, options[i]), *base;

        ao_context_free(context);
        context = world_open(NULL, values);
        base = process(context, module_endless);
        resolve_fails(context, base, COMPUTE, NULL, AO_OUTCOME_FAILURE, statuses[i],
                      "compute: ");
        ao_message_unref(base);
        ao_message_unref(values);
        ao_context_free(context);
    }
}

/* The limit that the process itself declares is the guest's matter, whatever the node's is. */
static void fuel_of_the_process_is_no_failure_of_the_node(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *values =
        world_message(context, "{\"error_strategy\": \"stop\", \"wasm_max_fuel\": 100000}");
    ao_message *base;

    (void)state;
    ao_context_free(context);
    context = world_open(NULL, values);
    base = resolve_next(
        context,
        message_with_key(context,
                         "{\"device\": \"stack@1.0\", \"device-stack\": [\"JSON-Iface@1.0\", "
                         "\"WASM-64@1.0\"], \"process\": {\"type\": \"Process\"}, "
                         "\"compute-limit\": 100}",
                         "image", module_value(module_endless)),
        "{\"path\": \"init\"}");
    resolve_fails(context, base, COMPUTE, NULL, AO_OUTCOME_ERROR, 400, "out of fuel");
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

/* A malloc that does not end would hang a node that relies on fuel. */
static void a_guest_that_counts_no_fuel_is_not_given_texts(void **state)
{
    ao_context *context = context_of_stacks();
    ao_message *base = process(context, module_answering);
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_message *values = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "wasm_max_fuel", ao_integer(20), &values, &err),
        BEAMR_OK);
    options.values = values;
    resolve_fails(context, base, COMPUTE, &options, AO_OUTCOME_FAILURE, 501, "count fuel");
    ao_message_unref(values);
    ao_message_unref(base);
    ao_context_free(context);
}

static void a_guest_that_takes_no_text_is_ended_by_the_host(void **state)
{
    ao_context *context = context_of_stacks();
    ao_message *base = process(context, module_without_end);
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_message *values = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "wasm_timeout", ao_integer(20), &values, &err),
        BEAMR_OK);
    options.values = values;
    resolve_fails(context, base, COMPUTE, &options, AO_OUTCOME_FAILURE, 504, "deadline");
    ao_message_unref(values);
    ao_message_unref(base);
    ao_context_free(context);
}

/* The parameters of the last call are addresses, at which the texts stand. */
static void assert_texts(const ao_message *state, int64_t addresses[2])
{
    static const char *const begins[] = {"{\"Anchor\":\"", "{\"Process\":{\"Anchor\":\""};
    ao_guest *guest = ao_guest_of(state, "wasm");

    assert_non_null(guest);
    for (size_t i = 0; i < 2; i++) {
        ao_value text = AO_NO_VALUE;
        beamr_error err = {0};

        assert_true(ao_to_integer(ao_list_at(ao_message_find_text(state, "parameters"), i),
                                  &addresses[i]));
        assert_int_equal(ao_guest_read_text(guest, (uint64_t)addresses[i], 32768, &text, &err),
                         BEAMR_OK);
        assert_true(has_text(ao_bytes(text), begins[i]));
        ao_value_unref(text);
    }
}

static void texts_and_replies_may_lie_above_two_gib(void **state)
{
    static void (*const modules[])(wasm_builder * w) = {module_high32, module_high64};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *context = context_of_stacks();
        ao_message *base = process(context, modules[i]);
        int64_t addresses[2];

        base = resolve_next(context, base, COMPUTE);
        assert_texts(base, addresses);
        assert_int_equal(addresses[0], 0x80001000);
        assert_true(has_text(ao_text(value_at(base, "results/data")), "yes"));
        ao_message_unref(base);
        ao_context_free(context);
    }
}

static void texts_stand_in_the_guest_and_room_is_used_again(void **state)
{
    ao_context *context = context_of_stacks();
    ao_message *base = process(context, module_answering);
    int64_t first[2], second[2];
    char data[20000] = {0}, request[20100];

    (void)state;
    base = resolve_next(context, base, COMPUTE);
    assert_texts(base, first);
    base = resolve_next(context, base, COMPUTE);
    assert_texts(base, second);
    assert_memory_equal(first, second, sizeof first);
    memset(data, 'x', sizeof data - 1);
    snprintf(request, sizeof request, "{\"path\": \"compute\", \"body\": {\"data\": \"%s\"}}",
             data);
    base = resolve_next(context, base, request);
    assert_texts(base, first);
    assert_int_not_equal(first[0], second[0]);
    assert_int_equal(first[1], second[1]);
    ao_message_unref(base);
    ao_context_free(context);
}

/* A process that was stored has no guest until it is needed: then the module copies the texts.
 */
static void a_process_out_of_its_snapshot_answers_too(void **state)
{
    ao_context *context = context_of_stacks();
    ao_message *base = process(context, module_answering), *kept = NULL;
    ao_message *snapshot =
        resolve_ok(context, base, "{\"path\": \"snapshot\", \"mode\": \"Map\"}");
    beamr_error err = {0};
    ao_builder builder;

    (void)state;
    ao_builder_begin(&builder, base, NULL, &err);
    ao_builder_reset(&builder);
    ao_builder_put(&builder, "snapshot", ao_message_value(snapshot));
    assert_int_equal(ao_builder_end(&builder, &kept), BEAMR_OK);
    ao_message_unref(base);
    assert_null(ao_guest_of(kept, "wasm"));
    kept = resolve_next(context, kept, COMPUTE);
    assert_true(has_text(ao_text(value_at(kept, "results/data")), "yes"));
    ao_message_unref(kept);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malloc_that_does_not_end_is_a_failure),
        cmocka_unit_test(a_reply_becomes_results),
        cmocka_unit_test(texts_and_replies_may_lie_above_two_gib),
        cmocka_unit_test(what_is_no_reply_is_an_error_and_the_process_stays),
        cmocka_unit_test(fuel_of_the_process_is_no_failure_of_the_node),
        cmocka_unit_test(a_guest_that_counts_no_fuel_is_not_given_texts),
        cmocka_unit_test(a_guest_that_takes_no_text_is_ended_by_the_host),
        cmocka_unit_test(texts_stand_in_the_guest_and_room_is_used_again),
        cmocka_unit_test(a_process_out_of_its_snapshot_answers_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
