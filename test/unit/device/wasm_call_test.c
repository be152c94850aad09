/* wasm-64@1.0, `compute`: where function and parameters come from, results, what goes wrong,
 * and what ends a call. */
#include <unistd.h>

#include "../ao/wallet_key.h"
#include "guest_guest.h"
#include "wasm_modules.h"

/* A base with a guest. */
static ao_message *guest(ao_context *context, const char *json)
{
    return resolve_next(context,
                        message_with_key(context, json, "image", module_value(module_plain)),
                        "{\"path\": \"init\"}");
}

#define DEVICE "{\"device\": \"wasm-64@1.0\"}"

/* ---- Where from ---- */

static void function_and_parameters_are_found_in_three_places(void **state)
{
    static const struct {
        const char *base, *request;
        double result;
    } cases[] = {
        {DEVICE, "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5.0]}", 120},
        {DEVICE,
         "{\"path\": \"compute\", \"body\": {\"function\": \"fac\", \"parameters\": [4]}, "
         "\"function\": \"trap\", \"parameters\": []}",
         24},
        {DEVICE,
         "{\"path\": \"compute\", \"body\": {\"function\": \"fac\"}, \"parameters\": [3]}", 6},
        {"{\"device\": \"wasm-64@1.0\", \"function\": \"fac\", \"parameters\": [6]}",
         "{\"path\": \"compute\"}", 720},
        {"{\"device\": \"wasm-64@1.0\", \"function\": \"fac\", \"parameters\": [6]}",
         "{\"path\": \"compute\", \"parameters\": [2]}", 2},
        {DEVICE,
         "{\"path\": \"compute\", \"body\": \"text\", \"function\": \"fac\", "
         "\"parameters\": {\"1\": 5}}",
         120},
        {DEVICE, "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": 5}", 120},
    };
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base = guest(context, cases[i].base);

        base = resolve_next(context, base, cases[i].request);
        expect_float(base, "results", cases[i].result);
        assert_true(ao_is_atom(value_at(base, "results/type"), "ok"));
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void without_a_function_nothing_happens(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = resolve_next(context, guest(context, DEVICE), "{\"path\": \"compute\"}");

    (void)state;
    assert_int_equal(value_at(base, "results").kind, AO_NONE);
    resolve_fails(context, base, "{\"path\": \"compute\", \"function\": 5}", NULL,
                  AO_OUTCOME_ERROR, 400, "`function` is no text");
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": true}");
    expect_error(base, "results", "Function not found: true"); /* an atom is its text */
    ao_message_unref(base);
    ao_context_free(context);
}

static void it_runs_in_the_first_pass_alone(void **state)
{
    static const struct {
        const char *base;
        bool runs;
    } cases[] = {{"{\"device\": \"wasm-64@1.0\", \"pass\": 1}", true},
                 {"{\"device\": \"wasm-64@1.0\", \"pass\": \"1\"}", true},
                 {"{\"device\": \"wasm-64@1.0\", \"pass\": 2}", false},
                 {"{\"device\": \"wasm-64@1.0\", \"pass\": \"x\"}", false}};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base =
            resolve_next(context, guest(context, cases[i].base),
                         "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");

        assert_int_equal(value_at(base, "results/output").kind,
                         cases[i].runs ? AO_LIST : AO_NONE);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

/* Who signed other results does not vouch for these. */
static void results_take_away_what_does_not_hold(void **state)
{
    static const char jwk[] =
        "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
        "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
        "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";
    ao_wallet *wallet = NULL;
    ao_message *plain, *sent = NULL, *base = NULL;
    ao_context *context;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_wallet_read(beamr_bytes_of(jwk), &wallet, &err), BEAMR_OK);
    context = world_open(wallet, NULL);
    plain = world_message(context, "{\"device\": \"wasm-64@1.0\", \"results\": {\"a\": 1}}");
    assert_int_equal(ao_message_commit(context, plain, NULL, NULL, &sent, &err), BEAMR_OK);
    assert_int_equal(ao_message_with(sent, "image", module_value(module_plain), &base, &err),
                     BEAMR_OK);
    ao_message_unref(plain);
    ao_message_unref(sent);
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    assert_int_not_equal(ao_message_find_text(base, "commitments").kind, AO_NONE);
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}");
    expect_integer(base, "results", 1);
    assert_int_equal(ao_message_find_text(base, "commitments").kind, AO_NONE);
    ao_message_unref(base);
    ao_context_free(context);
    ao_wallet_unref(wallet);
}

static void results_stand_under_the_output_prefix(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"w\", "
                                      "\"results\": {\"other\": 1, \"w\": {\"kept\": 2}}}");

    (void)state;
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
    expect_float(base, "results/w", 120);
    assert_int_equal(value_at(base, "results/other").kind, AO_INTEGER);
    assert_int_equal(value_at(base, "results/w/kept").kind, AO_INTEGER);
    ao_message_unref(base);
    /* What is no message there gives way. */
    base = guest(context, "{\"device\": \"wasm-64@1.0\", \"results\": \"text\"}");
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
    expect_float(base, "results", 120);
    ao_message_unref(base);
    ao_context_free(context);
}

/* ---- Values ---- */

static void results_of_every_kind(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"half\"}");
    expect_float(base, "results", 1.5);
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"nan\"}");
    assert_true(ao_is_atom(value_at(base, "results/output/1"), "nan"));
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"both\", \"parameters\": [-7, "
                        "-9223372036854775808]}");
    expect_integer(base, "results", INT64_MIN);
    assert_int_equal(value_at(base, "results/output/2").of.integer, -7);
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"free\", \"parameters\": [0]}");
    assert_int_equal(value_at(base, "results/output").kind, AO_LIST);
    assert_int_equal(ao_list_count(value_at(base, "results/output")), 0);
    ao_message_unref(base);
    ao_context_free(context);
}

static void parameters_are_copied_into_the_guest(void **state)
{
    static const struct {
        const char *parameter;
        int64_t first;
    } cases[] = {{"\"Hello\"", 'H'},
                 {"\"12\"", '1'}, /* decimal text is text */
                 {"\"\"", 0},
                 {"{\"a\": 1}", '{'},
                 {"[1, 2]", '['}};
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);
    char json[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(json, sizeof json,
                       "{\"path\": \"compute\", \"function\": \"first\", \"parameters\": [%s]}",
                       cases[i].parameter);
        base = resolve_next(context, base, json);
        expect_integer(base, "results", cases[i].first);
    }
    /* What is no list, and no numbered message, is the only one. */
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"first\", \"parameters\":"
                        " {\"a\": 1}}");
    expect_integer(base, "results", '{');
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"first\", \"parameters\":"
                        " \"Text\"}");
    expect_integer(base, "results", 'T');
    ao_message_unref(base);
    ao_context_free(context);
}

/* Bytes that are no text, a NUL among them, are all there, with a NUL behind; in a memory that
 * has none. */
static void bytes_are_copied_whole(void **state)
{
    static const uint8_t bytes[] = {0xff, 0, 0x80, 7, 0}, *memory;
    ao_context *context = world_open(NULL, NULL);
    uint8_t full[65536];
    ao_value item = ao_binary_copy((beamr_bytes){bytes, 4});
    ao_value on, request = ao_message_value(message_with_key(
                     context, "{\"path\": \"compute\", \"function\": \"first\"}", "parameters",
                     ao_list_new(&item, 1)));
    ao_message *base, *snapshot;
    ao_result result;
    beamr_error err = {0};

    (void)state;
    memset(full, 0xee, sizeof full);
    snapshot = message_with_key(context, "{}", "body",
                                ao_binary_copy((beamr_bytes){full, sizeof full}));
    base = message_with_key(context, DEVICE, "image", module_value(module_plain));
    assert_int_equal(
        ao_message_with(base, "snapshot", ao_message_value(snapshot), &snapshot, &err),
        BEAMR_OK);
    ao_message_unref(base);
    on = ao_message_value(snapshot);
    assert_int_equal(ao_resolve_on(context, on, request, NULL, &result, &err), BEAMR_OK);
    ao_value_unref(request);
    ao_value_unref(on);
    base = ao_to_message(result.value);
    expect_integer(base, "results", 0xff);
    base = resolve_next(context, base, "{\"path\": \"snapshot\"}");
    memory = ao_bytes(value_at(base, "body")).data;
    assert_memory_equal(memory + 1024, bytes, sizeof bytes); /* where its malloc begins */
    assert_int_equal(memory[1024 + sizeof bytes], 0xee);
    ao_message_unref(base);
    ao_context_free(context);
}

static void what_does_not_fit_is_an_error_result(void **state)
{
    static const struct {
        const char *request, *text;
    } cases[] = {
        {"{\"path\": \"compute\", \"function\": \"nothing\", \"parameters\": []}", "nothing"},
        {"{\"path\": \"compute\", \"function\": \"\", \"parameters\": []}", ""},
        {"{\"path\": \"compute\", \"function\": \"memory\", \"parameters\": []}", "memory"},
        {"{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": []}", "1"},
        {"{\"path\": \"compute\", \"function\": \"fac\"}", "1"},
        {"{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [1, 2]}", ""},
        {"{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1.5]}", ""},
        {"{\"path\": \"compute\", \"function\": \"grow\", \"parameters\": [4294967296]}", ""},
    };
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base = resolve_next(context, base, cases[i].request);
        expect_error(base, "results", cases[i].text);
    }
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
    expect_float(base, "results", 120);
    ao_message_unref(base);
    ao_context_free(context);
}

/* malloc gives the last byte of memory; f(i)->i. */
static const uint8_t bad_malloc[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01,
    0x7f, 0x03, 0x03, 0x02, 0x00, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0e, 0x02, 0x06,
    0x6d, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0x00, 0x00, 0x01, 0x66, 0x00, 0x01, 0x0a, 0x0d, 0x02,
    0x06, 0x00, 0x41, 0xff, 0xff, 0x03, 0x0b, 0x04, 0x00, 0x41, 0x01, 0x0b};

/* What an allocator gives is the guest's doing, on every node alike. */
static void an_allocator_that_gives_no_memory_is_an_error_result(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base =
        message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                         ao_binary_copy((beamr_bytes){bad_malloc, sizeof bad_malloc}));

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    for (int i = 0; i < 2; i++) { /* the second time on an older state */
        ao_message *next = resolve_ok(context, base,
                                      "{\"path\": \"compute\", \"function\": \"f\","
                                      " \"parameters\": [\"text\"]}"),
                   *later;

        expect_error(next, "results", "allocator gave address 0xffff");
        later = resolve_ok(context, next,
                           "{\"path\": \"compute\", \"function\": \"f\", \"parameters\": [1]}");
        expect_integer(later, "results", 1);
        ao_message_unref(later);
        ao_message_unref(next);
    }
    ao_message_unref(base);
    ao_context_free(context);
}

static void a_trap_is_an_error_result(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"trap\"}");
    expect_error(base, "results", "unreachable");
    /* What it wrote stays. */
    base = resolve_next(
        context, base,
        "{\"path\": \"compute\", \"function\": \"store_trap\", \"parameters\": [40]}");
    expect_error(base, "results", "unreachable");
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
    expect_integer(base, "results", 42);
    ao_message_unref(base);
    ao_context_free(context);
}

/* ---- States ---- */

#define ADD(n) "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [" #n "]}"

static void states_do_not_see_each_other(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE), *one, *two, *three;

    (void)state;
    one = resolve_ok(context, base, ADD(1));
    expect_integer(one, "results", 1);
    two = resolve_ok(context, one, ADD(10));
    expect_integer(two, "results", 11);
    three = resolve_ok(context, one, ADD(100)); /* not the newest */
    expect_integer(three, "results", 101);
    two = resolve_next(context, two, ADD(10));
    expect_integer(two, "results", 21);
    base = resolve_next(context, base, ADD(5));
    expect_integer(base, "results", 5);
    ao_message_unref(one);
    ao_message_unref(two);
    ao_message_unref(three);
    ao_message_unref(base);
    ao_context_free(context);
}

/* ---- Limits ---- */

static ao_message *options_of(ao_context *context, const char *json)
{
    return world_message(context, json);
}

static void a_deadline_leaves_the_state_as_it_was(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE), *next;
    ao_message *values = options_of(context, "{\"wasm_timeout\": 20}");
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.values = values;
    base = resolve_next(context, base, ADD(7));
    resolve_fails(context, base, "{\"path\": \"compute\", \"function\": \"spin\"}", &options,
                  AO_OUTCOME_FAILURE, 504, "compute: ");
    next = resolve_ok(context, base, ADD(1));
    expect_integer(next, "results", 8);
    ao_message_unref(next);
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void fuel_of_the_message_is_an_error_result(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base =
        guest(context, "{\"device\": \"wasm-64@1.0\", \"compute-limit\": 10000}");

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"spin\"}");
    expect_error(base, "results", "out of fuel");
    for (int i = 0; i < 300; i++) { /* of each call, not of all */
        base =
            resolve_next(context, base,
                         "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
        expect_float(base, "results", 120);
    }
    ao_message_unref(base);
    ao_context_free(context);
}

static void fuel_of_the_node_is_a_failure(void **state)
{
    ao_message *values = NULL;
    ao_context *context = world_open(NULL, NULL);
    ao_message *base, *next;

    (void)state;
    values = options_of(context, "{\"wasm_max_fuel\": 10000}");
    ao_context_free(context);
    context = world_open(NULL, values);
    base = resolve_next(context, guest(context, DEVICE), ADD(7));
    resolve_fails(context, base, "{\"path\": \"compute\", \"function\": \"spin\"}", NULL,
                  AO_OUTCOME_FAILURE, 500, "out of fuel (limits of the node: wasm_max_fuel)");
    next = resolve_ok(context, base, ADD(1));
    expect_integer(next, "results", 8);
    ao_message_unref(next);
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void fuel_that_cannot_be_counted_is_a_failure(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);
    ao_message *values = options_of(context, "{\"wasm_max_fuel\": 10000}");
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.values = values;
    resolve_fails(context, base, ADD(1), &options, AO_OUTCOME_FAILURE, 501, "does not count");
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void memory_of_the_node_is_a_failure(void **state)
{
    static const char *const limits[][2] = {
        {"{\"wasm_max_guest_memory\": 262144}", "(limits of the node: wasm_max_guest_memory)"},
        {"{\"wasm_max_guest_memory\": 262144, \"wasm_max_memory\": 10000000}",
         "(limits of the node: wasm_max_guest_memory, wasm_max_memory)"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *context = world_open(NULL, NULL);
        ao_message *values = options_of(context, limits[i][0]), *base, *next;

        ao_context_free(context);
        context = world_open(NULL, values);
        base = resolve_next(context, guest(context, DEVICE), ADD(7));
        resolve_fails(context, base,
                      "{\"path\": \"compute\", \"function\": \"grow\", \"parameters\": [8]}",
                      NULL, AO_OUTCOME_FAILURE, 503, limits[i][1]);
        next = resolve_ok(context, base, ADD(1));
        expect_integer(next, "results", 8);
        ao_message_unref(next);
        ao_message_unref(base);
        ao_message_unref(values);
        ao_context_free(context);
    }
}

static void files_beyond_the_nodes_memory_are_a_failure(void **state)
{
    static const size_t sizes[] = {262000, 300000};
    ao_context *context = world_open(NULL, NULL);
    ao_message *values = options_of(context, "{\"wasm_max_guest_memory\": 262144}");
    uint8_t *bytes = calloc(1, sizes[1]);

    (void)state;
    ao_context_free(context);
    context = world_open(NULL, values);
    for (size_t i = 0; i < 2; i++) {
        ao_message *vfs = message_with_key(context, "{}", "a",
                                           ao_binary_copy((beamr_bytes){bytes, sizes[i]}));
        ao_message *base =
            message_with_key(context, DEVICE, "image", module_value(module_plain));
        ao_message *whole = NULL;

        assert_int_equal(ao_message_with(base, "vfs", ao_message_value(vfs), &whole, NULL),
                         BEAMR_OK);
        if (i == 0)
            ao_message_unref(resolve_ok(context, whole, "{\"path\": \"init\"}"));
        else
            resolve_fails(context, whole, "{\"path\": \"init\"}", NULL, AO_OUTCOME_FAILURE, 503,
                          "the guest's files take 300");
        ao_message_unref(whole);
        ao_message_unref(base);
    }
    free(bytes);
    ao_message_unref(values);
    ao_context_free(context);
}

static void options_that_cannot_be_are_raised(void **state)
{
    static const char *const cases[] = {
        "{\"wasm_timeout\": \"soon\"}", "{\"wasm_max_fuel\": -1}",
        "{\"wasm_imports\": \"stubs\"}", "{\"wasm_imports\": 1}",
        "{\"wasi_max_output\": \"much\"}"};
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, DEVICE);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *values = options_of(context, cases[i]);
        ao_options options = AO_OPTIONS_DEFAULT;
        ao_result result;
        beamr_error err = {0};

        options.values = values;
        assert_int_equal(resolve_json(context, base, ADD(1), &options, &result, &err),
                         BEAMR_ARGUMENT);
        assert_non_null(strstr(err.text, "the option was"));
        ao_message_unref(values);
    }
    ao_message_unref(base);
    ao_context_free(context);
}

/* What a stream did not take is told, until a call loses nothing. */
static void output_beyond_the_limit_is_told(void **state)
{
    static const char print[] = "{\"path\": \"compute\", \"function\": \"print\"}";
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = message_with_key(
        context,
        "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", \"wasm-64@1.0\"],"
        " \"output-prefixes\": [\"out\", \"out\"]}",
        "image", ao_binary_copy((beamr_bytes){guest_guest, sizeof guest_guest}));
    ao_message *values = options_of(context, "{\"wasi_max_output\": 4}");
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result;
    beamr_error err = {0};

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    options.values = values;
    assert_int_equal(resolve_json(context, base, print, &options, &result, &err), BEAMR_OK);
    ao_message_unref(base);
    base = ao_to_message(result.value);
    expect_integer(base, "results/out", 5); /* the guest has seen success */
    assert_int_equal(value_at(base, "results/out/output-lost").of.integer, 1);
    assert_int_equal(ao_bytes(value_at(base, "vfs/dev/stdout")).len, 4);
    base = resolve_next(context, base, print);
    assert_int_equal(value_at(base, "results/out/output-lost").kind, AO_NONE);
    assert_int_equal(ao_bytes(value_at(base, "vfs/dev/stdout")).len, 9);
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void an_instance_that_stands_idle_is_made_anew(void **state)
{
    ao_message *values = NULL;
    ao_context *context = world_open(NULL, NULL);
    ao_message *base;

    (void)state;
    values = options_of(context, "{\"wasm_idle_time\": 1}");
    ao_context_free(context);
    context = world_open(NULL, values);
    base = guest(context, DEVICE);
    for (int i = 1; i < 20; i++) {
        base = resolve_next(context, base, ADD(1));
        expect_integer(base, "results", i);
        (void)usleep(i % 2 ? 3000 : 0);
    }
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(function_and_parameters_are_found_in_three_places),
        cmocka_unit_test(without_a_function_nothing_happens),
        cmocka_unit_test(it_runs_in_the_first_pass_alone),
        cmocka_unit_test(results_take_away_what_does_not_hold),
        cmocka_unit_test(results_stand_under_the_output_prefix),
        cmocka_unit_test(results_of_every_kind),
        cmocka_unit_test(parameters_are_copied_into_the_guest),
        cmocka_unit_test(bytes_are_copied_whole),
        cmocka_unit_test(what_does_not_fit_is_an_error_result),
        cmocka_unit_test(an_allocator_that_gives_no_memory_is_an_error_result),
        cmocka_unit_test(a_trap_is_an_error_result),
        cmocka_unit_test(states_do_not_see_each_other),
        cmocka_unit_test(a_deadline_leaves_the_state_as_it_was),
        cmocka_unit_test(fuel_of_the_message_is_an_error_result),
        cmocka_unit_test(fuel_of_the_node_is_a_failure),
        cmocka_unit_test(fuel_that_cannot_be_counted_is_a_failure),
        cmocka_unit_test(memory_of_the_node_is_a_failure),
        cmocka_unit_test(files_beyond_the_nodes_memory_are_a_failure),
        cmocka_unit_test(options_that_cannot_be_are_raised),
        cmocka_unit_test(output_beyond_the_limit_is_told),
        cmocka_unit_test(an_instance_that_stands_idle_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
