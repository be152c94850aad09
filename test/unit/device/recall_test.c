/* ao/recall.c with real ids and a store: what is stored, what is found instead of computed,
 * what is loaded by its id. It stands in this folder because ids need the codecs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "beamr/ao.h"

static ao_context *context;
static int computed;

static beamr_status compute(ao_call *call, beamr_error *err)
{
    ao_builder b;

    (void)err;
    computed++;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "answer", ao_binary_text("forty-two"));
    return ao_call_ok(call, ao_builder_value(&b));
}

static beamr_status text(ao_call *call, beamr_error *err)
{
    (void)err;
    computed++;
    return ao_call_ok(call, ao_binary_text("plain"));
}

static beamr_status secret(ao_call *call, beamr_error *err)
{
    ao_builder b;

    (void)err;
    computed++;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "cache-control", ao_binary_text("no-store"));
    return ao_call_ok(call, ao_builder_value(&b));
}

static beamr_status slow(ao_call *call, beamr_error *err);

static const ao_key keys[] = {
    {"compute", compute}, {"text", text}, {"secret", secret}, {"slow", slow}, AO_KEYS_END};
static const ao_device device = {.name = "count@1.0", .keys = keys};

static int open_context(void **state)
{
    const ao_settings settings = {.kv = "memory"};

    (void)state;
    computed = 0;
    if (ao_context_new(&settings, &context, NULL) != BEAMR_OK)
        return -1;
    return ao_context_add_device(context, &device, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

static ao_value message_of(const char *key, const char *value)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, key, ao_binary_text(value));
    return ao_builder_value(&b);
}

static ao_result resolve(ao_value base, const char *path, unsigned cache_control)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value request = ao_binary_text(path);
    beamr_error err = {0};
    ao_result result;

    options.cache_control = cache_control;
    if (ao_resolve_on(context, base, request, &options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    ao_value_unref(base);
    ao_value_unref(request);
    return result;
}

static void resolve_text(const char *path, unsigned cache_control, const char *expected)
{
    ao_result result = resolve(message_of("device", "count@1.0"), path, cache_control);

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(ao_bytes(result.value).len, strlen(expected));
    assert_memory_equal(ao_bytes(result.value).data, expected, strlen(expected));
    ao_value_unref(result.value);
}

static void a_stored_result_is_not_computed_again(void **state)
{
    (void)state;
    resolve_text("compute/answer", AO_CACHE_ALWAYS, "forty-two");
    assert_int_equal(computed, 1);
    resolve_text("compute/answer", AO_CACHE_ALWAYS, "forty-two");
    resolve_text("compute/answer", AO_CACHE_ONLY, "forty-two");
    assert_int_equal(computed, 1);
    resolve_text("text", AO_CACHE_STORE, "plain");
    resolve_text("text", AO_CACHE_LOOKUP, "plain");
    assert_int_equal(computed, 2);
}

static void without_a_preference_all_is_computed(void **state)
{
    (void)state;
    resolve_text("text", 0, "plain");
    resolve_text("text", 0, "plain");
    assert_int_equal(computed, 2);
    resolve_text("text", AO_CACHE_ALWAYS, "plain");
    resolve_text("text", AO_CACHE_NO_LOOKUP, "plain");
    assert_int_equal(computed, 4);
}

static void a_linked_result_is_the_same_found_or_computed(void **state)
{
    ao_result first = resolve(message_of("device", "count@1.0"), "compute", AO_CACHE_ALWAYS);
    ao_result again = resolve(message_of("device", "count@1.0"), "compute", AO_CACHE_ALWAYS);
    ao_value one, two;

    (void)state;
    assert_int_equal(computed, 1);
    assert_int_equal(ao_message_hashpath(context, ao_to_message(first.value), &one, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_message_hashpath(context, ao_to_message(again.value), &two, NULL),
                     BEAMR_OK);
    assert_true(ao_value_equal(one, two));
    ao_value_unref(one);
    ao_value_unref(two);
    ao_value_unref(first.value);
    ao_value_unref(again.value);
}

static void assert_answer(ao_result result, int64_t status, const char *body)
{
    const ao_message *said = ao_to_message(result.value);
    int64_t n = 0;

    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_to_integer(ao_message_find_text(said, "status"), &n));
    assert_int_equal(n, status);
    assert_int_equal(ao_bytes(ao_message_find_text(said, "body")).len, strlen(body));
    assert_memory_equal(ao_bytes(ao_message_find_text(said, "body")).data, body, strlen(body));
    ao_value_unref(result.value);
}

static void what_must_be_stored_and_is_not_is_a_miss(void **state)
{
    (void)state;
    assert_answer(resolve(message_of("device", "count@1.0"), "text", AO_CACHE_ONLY), 504,
                  "Computed result not available in cache.");
    assert_int_equal(computed, 0);
}

/* What the base holds is taken from there, even when only stored results are wanted. */
static void what_the_base_holds_needs_no_lookup(void **state)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value base = message_of("key", "held"), request = ao_binary_text("key");
    ao_result result;

    (void)state;
    options.cache_control = AO_CACHE_ONLY;
    assert_int_equal(ao_resolve_on(context, base, request, &options, &result, NULL), BEAMR_OK);
    assert_answer(result, 504, "Computed result not available in cache.");
    options.lookup_heuristics = true;
    assert_int_equal(ao_resolve_on(context, base, request, &options, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_memory_equal(ao_bytes(result.value).data, "held", 4);
    ao_value_unref(result.value);
    ao_value_unref(base);
    ao_value_unref(request);
}

/* Directives of one message of a request that is resolved with a text for the base, the request
 * and the options. */
typedef struct wishes {
    const char *base, *request;
    unsigned own;
} wishes;

static ao_value with_wish(ao_value message, const char *wish)
{
    ao_message *out = NULL;

    if (!wish)
        return message;
    assert_int_equal(ao_message_with(ao_to_message(message), "cache-control",
                                     ao_binary_text(wish), &out, NULL),
                     BEAMR_OK);
    ao_value_unref(message);
    return ao_message_value(out);
}

static ao_result resolve_wishing(const wishes *w)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value base = with_wish(message_of("device", "count@1.0"), w->base);
    ao_value request = with_wish(message_of("path", "text"), w->request);
    ao_result result;

    options.cache_control = w->own;
    assert_int_equal(ao_resolve_on(context, base, request, &options, &result, NULL), BEAMR_OK);
    ao_value_unref(base);
    ao_value_unref(request);
    return result;
}

/* The first of options, base (or, for storing, the result) and request that has a preference
 * decides; `always` beats the others of one source, `no-` beats its opposite. */
static void directives_have_an_order(void **state)
{
    static const struct {
        wishes wishes;
        bool is_stored, is_found; /* afterwards; when it is stored before */
    } rows[] = {
        {{NULL, NULL, 0}, false, false},
        {{NULL, "always", 0}, true, true},
        {{NULL, "store", 0}, true, false},
        {{NULL, "cache", 0}, false, true},
        {{NULL, "store, cache", 0}, true, true},
        {{NULL, "store, no-store", 0}, false, false},
        {{NULL, "cache ,\tno-cache", 0}, false, false},
        {{NULL, "no-cache, no-store, always", 0}, true, true},
        {{NULL, "only-if-cached", 0}, false, true},
        {{NULL, "unheard-of", 0}, false, false},
        {{"cache", "no-cache", 0}, false, true},
        {{"no-cache", "always", 0}, true, false},
        {{"always", NULL, 0}, false, true}, /* a base says nothing about storing */
        {{NULL, "always", AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP}, false, false},
        {{NULL, "always", AO_CACHE_NO_STORE}, false, true},
        {{NULL, "always", AO_CACHE_NO_LOOKUP}, true, false},
        {{"no-cache", "no-cache, no-store", AO_CACHE_ALWAYS}, true, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const wishes *w = &rows[i].wishes;
        wishes found = *w, kept = *w;
        ao_result result;

        (void)close_context(state);
        assert_int_equal(open_context(state), 0);
        if (w->request && strcmp(w->request, "only-if-cached") != 0) {
            ao_value_unref(resolve_wishing(w).value);
            found.own = AO_CACHE_LOOKUP;
            computed = 0;
            ao_value_unref(resolve_wishing(&found).value);
            if ((computed == 0) != rows[i].is_stored)
                fail_msg("row %zu: is stored: %d", i, computed == 0);
        }
        kept.own = AO_CACHE_ALWAYS;
        ao_value_unref(resolve_wishing(&kept).value);
        computed = 0;
        result = resolve_wishing(w);
        if ((computed == 0) != rows[i].is_found)
            fail_msg("row %zu: is found: %d", i, computed == 0);
        assert_int_equal(result.outcome, AO_OUTCOME_OK);
        ao_value_unref(result.value);
    }
}

/* What a result says about storing it goes before what the request says. */
static void a_result_can_refuse_to_be_stored(void **state)
{
    ao_value base = message_of("device", "count@1.0");
    ao_value request = with_wish(message_of("path", "secret"), "always");
    ao_result result;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, NULL), BEAMR_OK);
        ao_value_unref(result.value);
    }
    assert_int_equal(computed, 2);
    ao_value_unref(base);
    ao_value_unref(request);
}

/* A result that is not linked has no name to be stored under. */
static void without_hashpaths_nothing_is_stored(void **state)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value base = message_of("device", "count@1.0"), request = ao_binary_text("compute");
    ao_result result;

    (void)state;
    options.cache_control = AO_CACHE_ALWAYS;
    options.hashpath = AO_HASHPATH_IGNORE;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ao_resolve_on(context, base, request, &options, &result, NULL),
                         BEAMR_OK);
        ao_value_unref(result.value);
    }
    assert_int_equal(computed, 2);
    ao_value_unref(base);
    ao_value_unref(request);
}

/* ---- Equal requests ---- */

#define WAITERS 100

static ao_call *leaders[WAITERS];
static size_t ended;

static beamr_status slow(ao_call *call, beamr_error *err)
{
    (void)err;
    leaders[computed++] = call;
    return ao_call_later(call, NULL, NULL);
}

static void see_end(void *user, const ao_result *result, const beamr_error *err)
{
    assert_null(err);
    assert_int_equal(result->value.of.integer, *(const int64_t *)user);
    ended++;
}

/* A hundred times the same, and once with another value of `x`. */
static void start_many(ao_await await, int64_t *wanted)
{
    ao_options options = AO_OPTIONS_DEFAULT;

    options.await_inprogress = await;
    ended = 0;
    for (size_t i = 0; i < WAITERS; i++) {
        ao_value items[2] = {message_of("device", "count@1.0"), message_of("path", "slow")};
        ao_value list;

        items[1] = with_wish(items[1], i == WAITERS - 1 ? "unheard-of" : NULL);
        list = ao_list_new(items, 2);
        assert_int_equal(ao_task_start(context, list, &options, see_end, wanted, NULL, NULL),
                         BEAMR_OK);
        ao_value_unref(list);
    }
}

static void finish_all(int64_t with)
{
    for (int i = 0; i < computed; i++)
        ao_call_finish(leaders[i], AO_OUTCOME_OK, ao_integer(with));
    assert_int_equal(ended, WAITERS);
}

static void equal_requests_can_all_be_computed_once(void **state)
{
    int64_t wanted = 7;

    (void)state;
    start_many(AO_AWAIT_ALL, &wanted);
    assert_int_equal(computed, 2);
    finish_all(wanted);
    computed = 0;
    start_many(AO_AWAIT_ALL, &wanted); /* what has ended is computed anew */
    assert_int_equal(computed, 2);
    finish_all(wanted);
}

static void without_a_name_requests_are_computed_apart(void **state)
{
    int64_t wanted = 8;

    (void)state;
    start_many(AO_AWAIT_NAMED, &wanted);
    assert_int_equal(computed, WAITERS);
    finish_all(wanted);
    computed = 0;
    start_many(AO_AWAIT_NEVER, &wanted);
    assert_int_equal(computed, WAITERS);
    finish_all(wanted);
}

static void messages_can_say_it_themselves(void **state)
{
    ao_value base = message_of("device", "count@1.0"), request;
    ao_result result;
    ao_builder b;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("text"));
    ao_builder_put(&b, "cache-control", ao_binary_text("no-store, always"));
    request = ao_builder_value(&b);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, NULL), BEAMR_OK);
        ao_value_unref(result.value);
    }
    assert_int_equal(computed, 1);
    ao_value_unref(base);
    ao_value_unref(request);
}

static void a_base_can_be_an_id(void **state)
{
    ao_value stored = message_of("key", "value"), list, items[1];
    char id[AO_ID_TEXT + 1];
    ao_result result;

    (void)state;
    assert_int_equal(ao_store_message(context, ao_to_message(stored), id, NULL), BEAMR_OK);
    result = resolve(ao_binary_text(id), "key", 0);
    assert_memory_equal(ao_bytes(result.value).data, "value", 5);
    ao_value_unref(result.value);
    items[0] = ao_binary_text(id);
    list = ao_list_new(items, 1);
    assert_int_equal(ao_resolve(context, list, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result.value.kind, AO_MESSAGE);
    ao_value_unref(result.value);
    ao_value_unref(list);
    ao_value_unref(stored);
}

static void an_id_that_is_not_stored_is_an_answer_or_raised(void **state)
{
    const char *id = "tAcRqIxwOXVvuKc4J-q-LA_loDRsp-ChBK3A_HZPUo0";
    ao_value items[2], list;
    beamr_error err = {0};
    ao_result result;

    (void)state;
    assert_answer(resolve(ao_binary_text(id), "key", 0), 404,
                  "Necessary messages not found in cache.");
    items[0] = ao_binary_text(id);
    list = ao_list_new(items, 1);
    assert_int_equal(ao_resolve(context, list, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_is_atom(result.value, "not_found"));
    ao_value_unref(result.value);
    ao_value_unref(list);
    items[0] = ao_as(ao_binary_text("count@1.0"), ao_binary_text(id));
    items[1] = message_of("path", "text");
    list = ao_list_new(items, 2);
    assert_int_equal(ao_resolve(context, list, NULL, &result, &err), BEAMR_NOT_FOUND);
    assert_non_null(strstr(err.text, id));
    ao_value_unref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stored_result_is_not_computed_again, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(without_a_preference_all_is_computed, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(a_linked_result_is_the_same_found_or_computed,
                                        open_context, close_context),
        cmocka_unit_test_setup_teardown(what_must_be_stored_and_is_not_is_a_miss, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(what_the_base_holds_needs_no_lookup, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(directives_have_an_order, open_context, close_context),
        cmocka_unit_test_setup_teardown(a_result_can_refuse_to_be_stored, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(without_hashpaths_nothing_is_stored, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(equal_requests_can_all_be_computed_once, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(without_a_name_requests_are_computed_apart,
                                        open_context, close_context),
        cmocka_unit_test_setup_teardown(messages_can_say_it_themselves, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(a_base_can_be_an_id, open_context, close_context),
        cmocka_unit_test_setup_teardown(an_id_that_is_not_stored_is_an_answer_or_raised,
                                        open_context, close_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
