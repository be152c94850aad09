/* crypto/hash.c in a library that is unloaded while threads that used it go on: what they keep
 * for hashes does not end them. HASH_PROBE is test/hash_probe.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static bool (*probe)(void);
static pthread_barrier_t barrier;

static void *use_it(void *unused)
{
    bool has_worked = probe();

    (void)pthread_barrier_wait(&barrier);
    (void)pthread_barrier_wait(&barrier); /* it is unloaded between */
    return has_worked ? &probe : unused;
}

static void threads_outlive_the_library(void **state)
{
    void *library = dlopen(HASH_PROBE, RTLD_NOW | RTLD_LOCAL), *symbol, *result = NULL;
    pthread_t thread;

    (void)state;
    assert_non_null(library);
    symbol = dlsym(library, "hash_probe");
    assert_non_null(symbol);
    memcpy(&probe, &symbol, sizeof probe);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, use_it, NULL), 0);
    (void)pthread_barrier_wait(&barrier);
    assert_int_equal(dlclose(library), 0);
    (void)pthread_barrier_wait(&barrier);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    (void)pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_outlive_the_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
