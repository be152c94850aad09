/* ao/hashpath.c: chains that are computed late, cut when they are long, or not at all. Ids are
 * of a codec of the test's own; test/vectors/hashpaths_test.c has the real ones. */
#include "world.h"

#include <stdatomic.h>
#include <stdio.h>

#include "ao/hashpath.h"
#include "ao/internal.h"
#include "crypto/sha256.h"

static ao_context *context;
static atomic_size_t asked;

/* The hash of the key `name`; none without one. */
static beamr_status unsigned_id(ao_context *c, const ao_message *message,
                                uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    ao_value name = ao_message_find_text(message, "name");

    (void)c;
    atomic_fetch_add(&asked, 1);
    if (name.kind == AO_NONE)
        return beamr_fail(err, BEAMR_ENCODING, 0, "no name");
    return crypto_sha256(ao_bytes(name), id, err);
}

static const ao_codec codec = {.name = "httpsig@1.0", .unsigned_id = unsigned_id};

static int open_context(void **state)
{
    (void)state;
    context = world_new(NULL);
    return ao_context_add_codec(context, &codec, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

static ao_message *named(const char *name)
{
    ao_value value = world_message_of("name", ao_binary_text(name));

    return value.of.message;
}

static ao_message *linked(const ao_message *base, const char *key, ao_message *result)
{
    ao_message *out;

    assert_int_equal(
        ao_hashpath_link(context, base, NULL, beamr_bytes_of(key), result, &out, NULL),
        BEAMR_OK);
    return out;
}

static void assert_hashpath(const ao_message *message, ao_value expected)
{
    ao_value actual;

    assert_int_equal(ao_message_hashpath(context, message, &actual, NULL), BEAMR_OK);
    assert_true(ao_value_equal(actual, expected));
    ao_value_unref(actual);
}

/* The same, link by link. */
static ao_value step_by_step(size_t links)
{
    ao_message *base = named("root");
    ao_value hashpath, root = ao_message_value(base), key = ao_binary_text("key-0");

    assert_int_equal(ao_hashpath_next(context, root, key, &hashpath, NULL), BEAMR_OK);
    ao_value_unref(key);
    ao_value_unref(root);
    for (size_t i = 1; i < links; i++) {
        char text[32];
        ao_message *with;
        ao_value value, next;

        (void)snprintf(text, sizeof text, "key-%zu", i);
        base = named("a link");
        assert_int_equal(ao_private_with(base, "hashpath", hashpath, &with, NULL), BEAMR_OK);
        ao_message_unref(base);
        value = ao_message_value(with);
        key = ao_binary_text(text);
        assert_int_equal(ao_hashpath_next(context, value, key, &next, NULL), BEAMR_OK);
        ao_value_unref(key);
        ao_value_unref(value);
        hashpath = next;
    }
    return hashpath;
}

static ao_message *chain_of(ao_message *base, size_t links)
{
    for (size_t i = 0; i < links; i++) {
        ao_message *result;
        char text[32];

        (void)snprintf(text, sizeof text, "key-%zu", i);
        result = linked(base, text, named("a link"));
        ao_message_unref(base);
        base = result;
    }
    return base;
}

static void chains_of_any_length_agree(void **state)
{
    const size_t lengths[] = {1,
                              2,
                              AO_CHAIN_MAX - 1,
                              AO_CHAIN_MAX,
                              AO_CHAIN_MAX + 1,
                              AO_CHAIN_MAX + 2,
                              2 * AO_CHAIN_MAX + 3,
                              200};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ao_message *end = chain_of(named("root"), lengths[i]);
        ao_value expected = step_by_step(lengths[i]);

        assert_hashpath(end, expected);
        assert_hashpath(end, expected);
        ao_value_unref(expected);
        ao_message_unref(end);
    }
}

/* The first part of its path is what a request is called by. */
static void a_request_stands_for_the_first_part_of_its_path(void **state)
{
    ao_message *base = named("root");
    ao_value root = ao_message_value(base), key = ao_binary_text("key-0"), parts[2], paths[4];
    ao_value expected, actual;

    (void)state;
    assert_int_equal(ao_hashpath_next(context, root, key, &expected, NULL), BEAMR_OK);
    parts[0] = ao_binary_text("key-0");
    parts[1] = ao_binary_text("more");
    paths[0] = ao_binary_text("key-0");
    paths[1] = ao_binary_text("//key-0");
    paths[2] = ao_binary_text("/key-0/more");
    paths[3] = ao_list_new(parts, 2);
    for (size_t i = 0; i < 4; i++) {
        ao_value request = world_message_of("path", paths[i]);

        assert_int_equal(ao_hashpath_next(context, root, request, &actual, NULL), BEAMR_OK);
        assert_true(ao_value_equal(actual, expected));
        ao_value_unref(actual);
        ao_value_unref(request);
    }
    ao_value_unref(expected);
    ao_value_unref(key);
    ao_value_unref(root);
}

static void nothing_is_computed_until_somebody_asks(void **state)
{
    ao_message *end;

    (void)state;
    atomic_store(&asked, 0);
    end = chain_of(named("root"), AO_CHAIN_MAX);
    assert_int_equal(atomic_load(&asked), 0);
    ao_message_unref(end);
}

static void note_release(void *pointer)
{
    *(bool *)pointer = true;
}

/* `message`, taken over, with a private value that notes when it goes. */
static ao_message *watched(ao_message *message, bool *is_gone)
{
    ao_message *out;

    *is_gone = false;
    assert_int_equal(
        ao_private_with(message, "held", ao_native_new(is_gone, note_release), &out, NULL),
        BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static void a_result_holds_only_the_first_of_what_it_came_from(void **state)
{
    bool is_first_gone, is_second_gone;
    ao_message *first = watched(named("root"), &is_first_gone);
    ao_message *second = linked(first, "one", watched(named("a"), &is_second_gone));
    ao_message *third = linked(second, "two", named("b"));

    (void)state;
    ao_message_unref(first);
    assert_false(is_first_gone);
    ao_message_unref(second);
    assert_true(is_second_gone);
    ao_message_unref(third);
    assert_true(is_first_gone);
}

static void a_message_without_an_id_fails_only_the_question(void **state)
{
    ao_value nameless = world_message_of("x", ao_integer(1));
    ao_message *end = chain_of(nameless.of.message, AO_CHAIN_MAX + 5);
    beamr_error err = {0};
    ao_value hashpath;

    (void)state;
    assert_int_equal(ao_message_hashpath(context, end, &hashpath, &err), BEAMR_ENCODING);
    ao_message_unref(end);
}

static void a_reset_message_has_its_id_again(void **state)
{
    ao_message *root = named("root"), *result = linked(root, "k", named("a link")), *bare,
               *other;
    ao_value id, plain;

    (void)state;
    other = named("a link");
    assert_int_equal(ao_message_hashpath(context, other, &id, NULL), BEAMR_OK);
    assert_int_equal(ao_hashpath_reset(result, &bare, NULL), BEAMR_OK);
    assert_hashpath(bare, id);
    ao_message_unref(bare);
    ao_message_unref(result);
    assert_int_equal(ao_private_with(other, "hashpath", ao_binary_text("set"), &result, NULL),
                     BEAMR_OK);
    plain = ao_binary_text("set");
    assert_hashpath(result, plain);
    assert_int_equal(ao_hashpath_reset(result, &bare, NULL), BEAMR_OK);
    assert_hashpath(bare, id);
    ao_message_unref(bare);
    ao_message_unref(result);
    ao_message_unref(other);
    ao_message_unref(root);
    ao_value_unref(plain);
    ao_value_unref(id);
}

/* Else results that hold earlier results would keep all that ever was. */
static void a_part_of_a_message_forgets_what_it_came_from(void **state)
{
    ao_message *root = named("root"), *alone = named("result"), *whole;
    ao_message *result = linked(root, "key", named("result"));
    ao_value part, origin;

    (void)state;
    assert_int_equal(ao_message_with(ao_message_empty(), "part",
                                     ao_message_value(ao_message_ref(result)), &whole, NULL),
                     BEAMR_OK);
    part = ao_message_find_text(whole, "part");
    assert_true(ao_message_match(ao_to_message(part), result, AO_MATCH_STRICT, NULL));
    assert_int_equal(ao_message_hashpath(context, alone, &origin, NULL), BEAMR_OK);
    assert_hashpath(ao_to_message(part), origin);
    ao_value_unref(origin);
    ao_message_unref(whole);
    ao_message_unref(alone);
    ao_message_unref(result);
    ao_message_unref(root);
}

static void results_are_linked_as_options_say(void **state)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    const ao_hashpath_mode modes[] = {AO_HASHPATH_UPDATE, AO_HASHPATH_IGNORE,
                                      AO_HASHPATH_RESET};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ao_value base = world_message_of("a", ao_message_value(named("inner")));
        ao_result result;

        options.hashpath = modes[i];
        result = world_resolve(context, base, "a", &options);
        assert_int_equal(message_chain(ao_to_message(result.value)) != NULL, i == 0);
        ao_value_unref(result.value);
    }
}

static void a_history_is_verified(void **state)
{
    ao_message *one = named("one"), *three = linked(one, "two", named("three"));
    ao_message *five = linked(one, "two", named("five"));
    ao_value good[] = {ao_message_value(one), ao_binary_text("two"), ao_message_value(three)};
    ao_value bad[] = {ao_message_value(ao_message_ref(one)), ao_binary_text("else"),
                      ao_message_value(five)};
    ao_value list = ao_list_new(good, 3);
    bool is_valid = false;

    (void)state;
    assert_int_equal(ao_hashpath_verify(context, list, &is_valid, NULL), BEAMR_OK);
    assert_true(is_valid);
    ao_value_unref(list);
    list = ao_list_new(bad, 3);
    assert_int_equal(ao_hashpath_verify(context, list, &is_valid, NULL), BEAMR_OK);
    assert_false(is_valid);
    ao_value_unref(list);
}

static void unknown_algorithms_are_refused(void **state)
{
    uint8_t id[32] = {0};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_hashpath_mix(beamr_bytes_of("md5"), id, beamr_bytes_of("x"), id, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "there is no hashpath-alg `md5`");
}

/* ---- Threads ---- */

static void *ask(void *arg)
{
    ao_value hashpath;

    assert_int_equal(ao_message_hashpath(context, arg, &hashpath, NULL), BEAMR_OK);
    ao_value_unref(hashpath);
    return NULL;
}

static void threads_may_ask_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        ao_message *end = chain_of(named("root"), AO_CHAIN_MAX);
        pthread_t threads[4];

        for (size_t j = 0; j < 4; j++)
            assert_int_equal(pthread_create(&threads[j], NULL, ask, end), 0);
        for (size_t j = 0; j < 4; j++)
            pthread_join(threads[j], NULL);
        ao_message_unref(end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_any_length_agree),
        cmocka_unit_test(a_result_holds_only_the_first_of_what_it_came_from),
        cmocka_unit_test(a_request_stands_for_the_first_part_of_its_path),
        cmocka_unit_test(nothing_is_computed_until_somebody_asks),
        cmocka_unit_test(a_message_without_an_id_fails_only_the_question),
        cmocka_unit_test(a_reset_message_has_its_id_again),
        cmocka_unit_test(a_part_of_a_message_forgets_what_it_came_from),
        cmocka_unit_test(results_are_linked_as_options_say),
        cmocka_unit_test(a_history_is_verified),
        cmocka_unit_test(unknown_algorithms_are_refused),
        cmocka_unit_test(threads_may_ask_at_once),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
