/* Threads: messages that are read, changed and released by several at once; names that come and
 * go; links that several load. Meant for the thread sanitizer too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ao/internal.h"
#include "ao/link.h"

enum { THREADS = 4, ROUNDS = 2000 };

static void run(void *(*body)(void *), void *arg)
{
    pthread_t threads[THREADS];
    void *result;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, arg), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result); /* what went wrong, as text */
    }
}

static ao_message *numbered(int count)
{
    ao_message *m = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "key-%05d", i);
        ao_builder_put(&b, key, ao_binary_text(key));
    }
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_OK);
    return m;
}

static void *change_shared(void *arg)
{
    const ao_message *shared = arg;
    ao_message *mine = ao_message_ref(shared);

    for (int i = 0; i < ROUNDS; i++) {
        ao_message *next = NULL;
        char key[16];

        (void)snprintf(key, sizeof key, "key-%05d", i % 300);
        if (ao_message_with(mine, key, ao_integer(i), &next, NULL) != BEAMR_OK)
            return "a change failed";
        ao_message_unref(mine);
        mine = next;
        if (ao_message_find_text(mine, key).of.integer != i)
            return "a key is not what it was set to";
        if (ao_message_find_text(shared, key).kind != AO_BINARY)
            return "the shared message changed";
    }
    ao_message_unref(mine);
    return NULL;
}

static void changes_of_a_shared_message_do_not_meet(void **state)
{
    ao_message *m = numbered(200);

    (void)state;
    /* keys up to 300: some are new */
    for (int i = 200; i < 300; i++) {
        char key[16];
        ao_message *more = NULL;

        (void)snprintf(key, sizeof key, "key-%05d", i);
        assert_int_equal(ao_message_with(m, key, ao_binary_text("x"), &more, NULL), BEAMR_OK);
        ao_message_unref(m);
        m = more;
    }
    run(change_shared, m);
    assert_int_equal(ao_message_count(m), 300);
    ao_message_unref(m);
}

static void *use_names(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char text[32];
        const ao_name *a, *b;

        (void)snprintf(text, sizeof text, "name of a thread %d", i % 7);
        a = name_of(beamr_bytes_of(text));
        b = name_of(beamr_bytes_of(text));
        if (!a || a != b || strcmp((const char *)ao_name_text(a).data, text) != 0)
            return "a name is not itself";
        name_unref(a);
        name_unref(b);
        if (name_of(beamr_bytes_of("device")) != name_of(beamr_bytes_of("device")))
            return "a known name is not itself";
    }
    return NULL;
}

static void names_come_and_go(void **state)
{
    (void)state;
    run(use_names, NULL);
}

static atomic_int loads;

static beamr_status load(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    (void)user;
    (void)id;
    (void)err;
    atomic_fetch_add(&loads, 1);
    *out = ao_binary_text("what was loaded");
    return BEAMR_OK;
}

static void *load_link(void *arg)
{
    const ao_value *links = arg;
    beamr_bytes first = {NULL, 0};

    for (int i = 0; i < 100; i++) {
        ao_value value = AO_NO_VALUE;

        if (ao_value_load(links[i], &value, NULL) != BEAMR_OK || value.kind != AO_BINARY)
            return "a link did not load";
        first = ao_bytes(value);
        if (ao_value_load(links[i], &value, NULL) != BEAMR_OK ||
            ao_bytes(value).data != first.data)
            return "a link's value changed";
    }
    return NULL;
}

static void links_keep_one_value(void **state)
{
    ao_value links[100];

    (void)state;
    for (int i = 0; i < 100; i++)
        links[i] = ao_link_new(beamr_bytes_of("id"), AO_BINARY, load, NULL);
    run(load_link, links);
    assert_in_range(atomic_load(&loads), 100, 100 * THREADS);
    for (int i = 0; i < 100; i++)
        ao_value_unref(links[i]);
}

static void *cache_id(void *arg)
{
    const ao_message *m = arg;
    uint8_t id[AO_ID_SIZE], found[AO_ID_SIZE];

    memset(id, 7, sizeof id);
    message_cache_id(m, id);
    while (!message_cached_id(m, found))
        ;
    return memcmp(id, found, sizeof id) ? "another id was found" : NULL;
}

static void the_id_is_kept_once(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        ao_message *m = numbered(1);

        run(cache_id, m);
        ao_message_unref(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_a_shared_message_do_not_meet),
        cmocka_unit_test(names_come_and_go),
        cmocka_unit_test(links_keep_one_value),
        cmocka_unit_test(the_id_is_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
