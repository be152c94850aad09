/* wasm-64@1.0, imports: devices at stdlib/..., resolvers, and answers that are none. What
 * becomes of imports that nobody answers: wasm_stub_test.c. */
#include <unistd.h>

#include "ao/set.h"
#include "wasm_modules.h"

/* ---- A device that answers badly, and one that answers late ---- */

static beamr_status raises(ao_call *call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_IO, 0, "the disk is on fire");
}

static beamr_status says(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text("words"));
}

static beamr_status fails(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 418, "no coffee here");
}

/* {state, results}, the results as given in the base at `answer`. */
static beamr_status answers(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    ao_value answer = ao_message_find_text(base, "answer");
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    if (ao_message_find_text(base, "no-state").kind == AO_NONE)
        ao_builder_put(&builder, "state", ao_value_ref(ao_message_find_text(base, "state")));
    if (answer.kind != AO_NONE)
        ao_builder_put(&builder, "results", ao_value_ref(answer));
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* The state with what was asked, and without private keys. */
static beamr_status records(ao_call *call, beamr_error *err)
{
    const ao_message *state = ao_to_message(ao_message_find_text(ao_call_base(call), "state"));
    ao_value number = ao_integer(9);
    ao_message *bare = NULL;
    ao_builder builder;

    if (ao_message_reset(state, &bare, err) != BEAMR_OK)
        return BEAMR_NO_MEMORY;
    ao_builder_begin(&builder, bare, NULL, err);
    ao_builder_put(&builder, "asked", ao_message_value(ao_message_ref(ao_call_request(call))));
    ao_message_unref(bare);
    ao_builder_put(&builder, "more", ao_integer(1));
    {
        ao_value whole = ao_builder_value(&builder);

        ao_builder_begin(&builder, NULL, NULL, err);
        ao_builder_put(&builder, "state", whole);
        ao_builder_put(&builder, "results", ao_list_new(&number, 1));
    }
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* Calls the very state that waits for this answer. */
static beamr_status calls_back(ao_call *call, beamr_error *err)
{
    static const char *const words[][2] = {
        {"path", "compute"}, {"function", "none"}, {"device", "wasm-64@1.0"}};
    ao_builder builder;

    (void)err;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < 2; i++)
        ao_builder_put(&builder, words[i][0], ao_binary_text(words[i][1]));
    return ao_call_resolve(call,
                           ao_value_ref(ao_message_find_text(ao_call_base(call), "state")),
                           ao_builder_value(&builder), NULL, answers);
}

/* A resolver: the base is the process itself. */
static beamr_status resolves(ao_call *call, beamr_error *err)
{
    ao_value number = ao_integer(3);
    ao_builder builder;

    (void)err;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "state", ao_message_value(ao_message_ref(ao_call_base(call))));
    ao_builder_put(&builder, "results", ao_list_new(&number, 1));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static const ao_key resolver_keys[] = {{"import", resolves}, AO_KEYS_END};
static const ao_device resolver = {.name = "resolver@1.0", .keys = resolver_keys};

/* Answers after a while, with another device's help. */
static beamr_status waits(ao_call *call, beamr_error *err)
{
    ao_builder base, request;

    (void)err;
    ao_builder_begin(&base, NULL, NULL, NULL);
    ao_builder_put(&base, "device", ao_binary_text("test-device@1.0"));
    ao_builder_begin(&request, NULL, NULL, NULL);
    ao_builder_put(&request, "path", ao_binary_text("delay"));
    ao_builder_put(&request, "duration", ao_integer(60));
    return ao_call_resolve(call, ao_builder_value(&base), ao_builder_value(&request), NULL,
                           answers);
}

/* Never answers, unless nobody waits any more. */
static void give_up(ao_call *call, void *arg)
{
    (void)arg;
    ao_call_finish(call, AO_OUTCOME_OK, ao_atom("too late"));
}

static beamr_status hangs(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_later(call, give_up, NULL);
}

static const ao_key late_keys[] = {{"none", waits}, {"number", hangs}, AO_KEYS_END};
static const ao_device late = {.name = "late@1.0", .keys = late_keys};

static const ao_key keys[] = {
    {"none", says},      {"mul", raises},  {"number", fails},    {"answer", answers},
    {"record", records}, {"a/b", answers}, {"back", calls_back}, AO_KEYS_END,
};
static const ao_device bad = {.name = "bad@1.0", .keys = keys};

static const ao_key answer_keys[] = {
    {"none", answers}, {"mul", answers}, {"number", answers}, {"a/b", answers}, AO_KEYS_END};
static const ao_device answering = {.name = "answers@1.0", .keys = answer_keys};

static const ao_key record_keys[] = {{"mul", records}, {"import", records}, AO_KEYS_END};
static const ao_device recording = {.name = "records@1.0", .keys = record_keys};

/* The state with what the base has in `with`. */
static beamr_status feeds(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    ao_message *changed = NULL;
    ao_builder builder;

    assert_int_equal(ao_set(ao_call_context(call),
                            ao_to_message(ao_message_find_text(base, "state")),
                            ao_to_message(ao_message_find_text(base, "with")), &changed, err),
                     BEAMR_OK);
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "state", ao_message_value(changed));
    ao_builder_put(&builder, "results", ao_list_new(NULL, 0));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static const ao_key feed_keys[] = {{"feed", feeds}, AO_KEYS_END};
static const ao_device feeding = {.name = "feeds@1.0", .keys = feed_keys};

static const ao_key back_keys[] = {{"none", calls_back}, AO_KEYS_END};
static const ao_device calling_back = {.name = "back@1.0", .keys = back_keys};

static ao_context *open_context(const ao_message *values)
{
    static const ao_device *const devices[] = {&bad,      &answering, &recording, &calling_back,
                                               &resolver, &late,      &feeding};
    ao_context *context = world_open(NULL, values);
    beamr_error err = {0};

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        assert_int_equal(ao_context_add_device(context, devices[i], &err), BEAMR_OK);
    return context;
}

static ao_message *guest(ao_context *context, const char *json)
{
    return resolve_next(
        context, message_with_key(context, json, "image", module_value(module_importing)),
        "{\"path\": \"init\"}");
}

#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 5]}"

/* ---- Devices ---- */

static void a_device_answers_what_the_guest_imports(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                                      "{\"device\": \"test-device@1.0\"}}}");

    (void)state;
    base = resolve_next(context, base, POW);
    expect_integer(base, "results", 32);
    assert_int_equal(value_at(base, "results/undefined-calls").kind, AO_NONE);
    base = resolve_next(context, base, POW);
    expect_integer(base, "results", 32);
    ao_message_unref(base);
    ao_context_free(context);
}

static void the_library_stands_under_the_output_prefix(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(
        context, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"x/y\", \"x\": {\"y\": "
                 "{\"stdlib\": {\"my_lib\": {\"device\": \"test-device@1.0\"}}}}}");

    (void)state;
    base = resolve_next(context, base, POW);
    expect_integer(base, "results/x/y", 32);
    ao_message_unref(base);
    ao_context_free(context);
}

static void what_handlers_change_is_the_state(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                                      "{\"device\": \"records@1.0\"}}}");

    (void)state;
    base =
        resolve_next(context, base,
                     "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 1]}");
    expect_integer(base, "results", 9);
    assert_int_equal(value_at(base, "more").of.integer, 1);
    assert_true(has_text(ao_text(value_at(base, "asked/module")), "my_lib"));
    assert_true(has_text(ao_text(value_at(base, "asked/func")), "mul"));
    assert_true(has_text(ao_text(value_at(base, "asked/path")), "mul"));
    assert_true(has_text(ao_text(value_at(base, "asked/func-sig")), "(ii)i"));
    assert_int_equal(value_at(base, "asked/args/2").of.integer, 2);
    /* Its private keys are there though the handler dropped them. */
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
    expect_integer(base, "results", 2);
    ao_message_unref(base);
    ao_context_free(context);
}

static void answers_of_every_type(void **state)
{
    static const struct {
        const char *library, *request, *expect;
    } cases[] = {
        {"{\"device\": \"answers@1.0\", \"answer\": [2.5]}",
         "{\"path\": \"compute\", \"function\": \"number\", \"parameters\": [1]}", NULL},
        {"{\"device\": \"answers@1.0\", \"answer\": {\"1\": 2.5}, \"no-state\": true}",
         "{\"path\": \"compute\", \"function\": \"number\", \"parameters\": [1]}", NULL},
        {"{\"device\": \"answers@1.0\", \"answer\": [0]}", /* for none */
         "{\"path\": \"compute\", \"function\": \"none\"}", ""},
        {"{\"device\": \"answers@1.0\", \"answer\": []}",
         "{\"path\": \"compute\", \"function\": \"none\"}", ""},
    };
    ao_context *context = open_context(NULL);
    char json[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base;

        (void)snprintf(json, sizeof json,
                       "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"env\": %s}}",
                       cases[i].library);
        base = resolve_next(context, guest(context, json), cases[i].request);
        assert_true(ao_is_atom(value_at(base, "results/type"), "ok"));
        if (!cases[i].expect)
            expect_float(base, "results", 2.5);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void answers_that_are_none_are_error_results(void **state)
{
    static const struct {
        const char *library, *function, *text;
    } cases[] = {
        {"{\"device\": \"bad@1.0\"}", "none", "import env.none: its answer is no message"},
        {"{\"device\": \"bad@1.0\"}", "number", "import env.number: error: no coffee here"},
        {"{\"device\": \"nobody@1.0\"}", "none", "nobody@1.0"},
        {"{\"none\": 5}", "none", "no message"},
        {"{\"device\": \"answers@1.0\"}", "none", "no list of `results`"},
        {"{\"device\": \"answers@1.0\", \"answer\": \"x\"}", "none", "no list of `results`"},
        {"{\"device\": \"answers@1.0\", \"answer\": [\"x\"]}", "number", ""},
        {"{\"device\": \"answers@1.0\", \"answer\": [1, 2]}", "number", ""},
        {"{\"device\": \"answers@1.0\", \"answer\": []}", "number", ""},
        {"{\"device\": \"back@1.0\"}", "none", "import env.none: "},
    };
    ao_context *context = open_context(NULL);
    char json[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base;

        (void)snprintf(json, sizeof json,
                       "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"env\": %s}}",
                       cases[i].library);
        base = guest(context, json);
        (void)snprintf(json, sizeof json,
                       "{\"path\": \"compute\", \"function\": \"%s\", \"parameters\": %s}",
                       cases[i].function, cases[i].function[1] == 'u' ? "[1.5]" : "[]");
        base = resolve_next(context, base, json);
        expect_error(base, "results", cases[i].text);
        /* The guest lives on. */
        base =
            resolve_next(context, base,
                         "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
        expect_integer(base, "results", 2);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void a_handler_that_raises_is_an_error_result(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                                      "{\"device\": \"bad@1.0\"}}}");

    (void)state;
    base = resolve_next(context, base, POW);
    expect_error(base, "results", "import my_lib.mul: failure: the disk is on fire");
    ao_message_unref(base);
    ao_context_free(context);
}

#define LATE                                                                                   \
    "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"env\": {\"device\": \"late@1.0\", "          \
    "\"answer\": []}}}"

static void answers_may_come_late(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(context, LATE);
    ao_message *values = world_message(context, "{\"wasm_timeout\": 20}");
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.values = values;
    resolve_fails(context, base,
                  "{\"path\": \"compute\", \"function\": \"store_none\", \"parameters\": [5]}",
                  &options, AO_OUTCOME_FAILURE, 504, "compute: ");
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"none\"}");
    assert_true(ao_is_atom(value_at(base, "results/type"), "ok"));
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
    expect_integer(base, "results", 2); /* what the late call stored is not there */
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void is_done(void *user, const ao_result *result, const beamr_error *err)
{
    int *ends = user;

    assert_null(err);
    assert_int_equal(result->outcome, AO_OUTCOME_FAILURE);
    ++*ends;
}

static void a_call_that_waits_can_be_cancelled(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = guest(context, LATE);
    ao_value items[2] = {
        ao_message_value(ao_message_ref(base)),
        ao_message_value(world_message(
            context,
            "{\"path\": \"compute\", \"function\": \"number\", \"parameters\": [1]}"))};
    ao_value list = ao_list_new(items, 2);
    ao_task *task = NULL;
    int ends = 0;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_task_start(context, list, NULL, is_done, &ends, &task, &err), BEAMR_OK);
    assert_int_equal(ends, 0);
    ao_task_cancel(task);
    assert_int_equal(ends, 1);
    ao_task_unref(task);
    ao_value_unref(list);
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
    expect_integer(base, "results", 2);
    ao_message_unref(base);
    ao_context_free(context);
}

static void names_may_hold_slashes(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base =
        guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"env\": {\"device\": "
                       "\"answers@1.0\", \"answer\": [77]}}}");

    (void)state;
    base = resolve_next(
        context, base, "{\"path\": \"compute\", \"function\": \"slash\", \"parameters\": [1]}");
    expect_integer(base, "results", 77);
    ao_message_unref(base);
    ao_context_free(context);
}

/* letter()->i: the first letter of the standard input, after host.feed(). */
static void module_reading(wasm_builder *w)
{
    static const module_func imports[] = {{"host.feed", "", ""},
                                          {"wasi_snapshot_preview1.fd_read", "iiii", "i"}};
    static const module_func funcs[] = {{"letter", "", "i"}};

    module_begin(w, imports, 2, funcs, 1);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x10, 0, 0x41, 16, 0x41, 0xc0, 0, 0x36, 2, 0, /* at 16: address 64 */
              0x41, 20, 0x41, 1, 0x36, 2, 0,                   /* one byte */
              0x41, 0, 0x41, 16, 0x41, 1, 0x41, 24, 0x10, 1, 0x1a, 0x41, 0xc0, 0, 0x2d, 0, 0);
    wasm_end(w);
}

#define LETTER "{\"path\": \"compute\", \"function\": \"letter\"}"

static ao_message *reading_guest(ao_context *context, const char *with)
{
    char json[512];

    (void)snprintf(
        json, sizeof json,
        "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", \"wasm-64@1.0\"],"
        " \"stdlib\": {\"host\": {\"device\": \"feeds@1.0\", \"with\": %s}}, \"vfs\":"
        " {\"dev\": {\"stdin\": \"Ant\"}}}",
        with);
    return resolve_next(context,
                        message_with_key(context, json, "image", module_value(module_reading)),
                        "{\"path\": \"init\"}");
}

/* Descriptors alone, and who provides the functions alone. */
static void a_guest_sees_what_else_a_handler_changed(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base =
        reading_guest(context, "{\"file-descriptors\": {\"0\": {\"filename\": \"/dev/stdin\","
                               " \"offset\": 2}}}");

    (void)state;
    base = resolve_next(context, base, LETTER);
    expect_integer(base, "results", 't');
    ao_message_unref(base);
    base = reading_guest(context, "{\"stdlib\": {\"wasi_snapshot_preview1\": {\"device\":"
                                  " \"test-device@1.0\"}}}");
    base = resolve_next(context, base, LETTER);
    expect_integer(base, "results", 0);
    assert_true(has_text(ao_text(value_at(base, "results/undefined-calls/1/func")), "fd_read"));
    ao_message_unref(base);
    ao_context_free(context);
}

/* What a handler changes in the files is there when the guest goes on. */
static void a_guest_sees_files_that_a_handler_changed(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = reading_guest(context, "{\"vfs\": {\"dev\": {\"stdin\": \"Zebra\"}}}"),
               *next;

    (void)state;
    base = resolve_next(context, base, LETTER);
    expect_integer(base, "results", 'Z');
    assert_true(has_text(ao_text(value_at(base, "vfs/dev/stdin")), "Zebra"));
    for (int i = 0; i < 2; i++) { /* the second time the call before is repeated */
        next = resolve_ok(context, base, LETTER);
        expect_integer(next, "results", 'e');
        ao_message_unref(next);
    }
    ao_message_unref(base);
    ao_context_free(context);
}

/* ---- The key ---- */

#define ASK                                                                                    \
    "{\"path\": \"import\", \"module\": \"my_lib\", \"func\": \"mul\", \"args\": [6, 7], "     \
    "\"func-sig\": \"(ii)i\"}"

static void the_key_asks_the_device(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base =
        world_message(context, "{\"device\": \"wasm-64@1.0\", \"mine\": 1, \"stdlib\": "
                               "{\"my_lib\": {\"device\": \"test-device@1.0\"}}}");

    (void)state;
    base = resolve_next(context, base, ASK);
    assert_int_equal(value_at(base, "results/1").of.integer, 42);
    assert_int_equal(value_at(base, "state/mine").of.integer, 1);
    ao_message_unref(base);
    ao_context_free(context);
}

static void the_key_answers_with_zeros_of_the_signature(void **state)
{
    static const struct {
        const char *signature;
        size_t count;
        ao_kind first;
    } cases[] = {{"(iI)I", 1, AO_INTEGER},
                 {"(iI)F", 1, AO_FLOAT},
                 {"()fi", 2, AO_FLOAT},
                 {"(i)", 0, AO_NONE},
                 {"(i", 1, AO_INTEGER},
                 {"", 1, AO_INTEGER},
                 {"()iiiiiiiiiiiiiiiiiiiiiiiiii", 16, AO_INTEGER}};
    ao_context *context = open_context(NULL);
    char json[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base = world_message(context, "{\"device\": \"wasm-64@1.0\"}");

        (void)snprintf(
            json, sizeof json,
            "{\"path\": \"import\", \"module\": \"m\", \"func\": \"f\", \"args\": [], "
            "\"func-sig\": \"%s\"}",
            cases[i].signature);
        base = resolve_next(context, base, json);
        assert_int_equal(ao_list_count(value_at(base, "results")), cases[i].count);
        assert_int_equal(value_at(base, "results/1").kind, cases[i].first);
        assert_int_equal(ao_list_count(value_at(base, "state/results/undefined-calls")), 1);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void the_key_needs_names(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *base = world_message(context, "{\"device\": \"wasm-64@1.0\"}");

    (void)state;
    resolve_fails(context, base, "{\"path\": \"import\", \"module\": \"m\"}", NULL,
                  AO_OUTCOME_ERROR, 400, "no `func`");
    ao_message_unref(base);
    ao_context_free(context);
}

static void another_resolver_is_asked_for_all(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *plain = guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                                       "{\"device\": \"test-device@1.0\"}}}");
    static const char *const names[] = {"resolver@1.0", "test-device@1.0", "WASM@1.0"};
    static const int64_t expected[] = {3, 0, 32}; /* the second does not know `import` */
    beamr_error err = {0};

    (void)state;
    assert_true(has_text(ao_text(ao_private_find(plain, "import-resolver")), "wasm-64@1.0"));
    for (size_t i = 0; i < 3; i++) {
        ao_message *base = NULL;

        assert_int_equal(
            ao_private_with(plain, "import-resolver", ao_binary_text(names[i]), &base, &err),
            BEAMR_OK);
        base = resolve_next(context, base, POW);
        expect_integer(base, "results", expected[i]);
        assert_true(has_text(ao_text(ao_message_find_text(base, "device")), "wasm-64@1.0"));
        ao_message_unref(base);
    }
    ao_message_unref(plain);
    ao_context_free(context);
}

#define FOUR "message@1.0,message@1.0,message@1.0,message@1.0,"
#define EIGHT FOUR FOUR

/* Each import is a resolution of its own for the limit of requests, whether it can be given up
 * or not: 29 of them pass a limit that one alone goes beyond. The node ends the call then, and
 * the process is as it was. */
static void each_import_counts_its_own_requests(void **state)
{
    static const char *const options[] = {
        "{\"resolve_max_steps\": 20}", "{\"resolve_max_steps\": 20, \"wasm_timeout\": 60000}"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *plain = open_context(NULL);
        ao_message *values = world_message(plain, options[i]), *base;
        ao_context *context = open_context(values);

        ao_message_unref(values);
        ao_context_free(plain);
        base = guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                              "{\"device\": \"test-device@1.0\"}}}");
        base = resolve_next(
            context, base,
            "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 29]}");
        expect_integer(base, "results", 1 << 29);
        ao_message_unref(base);
        base =
            guest(context,
                  "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "
                  "\"stack@1.0\", \"mode\": \"Map\", \"execution-stack\": \"" EIGHT EIGHT EIGHT
                  "\"}}}");
        resolve_fails(context, base, POW, NULL, AO_OUTCOME_FAILURE, 413,
                      "import my_lib.mul: more than 20 requests in a resolution");
        base =
            resolve_next(context, base,
                         "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [2]}");
        expect_integer(base, "results", 2);
        ao_message_unref(base);
        ao_context_free(context);
    }
}

/* A host may put it there before there is an instance. */
static void a_resolver_that_is_there_before_stays(void **state)
{
    ao_context *context = open_context(NULL);
    ao_message *plain = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                         module_value(module_importing)),
               *base = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        ao_private_with(plain, "import-resolver", ao_binary_text("resolver@1.0"), &base, &err),
        BEAMR_OK);
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    base = resolve_next(context, base, POW);
    expect_integer(base, "results", 3);
    ao_message_unref(base);
    ao_message_unref(plain);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_answers_what_the_guest_imports),
        cmocka_unit_test(the_library_stands_under_the_output_prefix),
        cmocka_unit_test(what_handlers_change_is_the_state),
        cmocka_unit_test(answers_of_every_type),
        cmocka_unit_test(answers_that_are_none_are_error_results),
        cmocka_unit_test(a_handler_that_raises_is_an_error_result),
        cmocka_unit_test(answers_may_come_late),
        cmocka_unit_test(a_call_that_waits_can_be_cancelled),
        cmocka_unit_test(names_may_hold_slashes),
        cmocka_unit_test(a_guest_sees_files_that_a_handler_changed),
        cmocka_unit_test(a_guest_sees_what_else_a_handler_changed),
        cmocka_unit_test(the_key_asks_the_device),
        cmocka_unit_test(the_key_answers_with_zeros_of_the_signature),
        cmocka_unit_test(the_key_needs_names),
        cmocka_unit_test(another_resolver_is_asked_for_all),
        cmocka_unit_test(each_import_counts_its_own_requests),
        cmocka_unit_test(a_resolver_that_is_there_before_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
