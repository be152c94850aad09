/* What the devices of guests share: options, and modules that are remembered. */
#include "device/world.h"

#include <pthread.h>

#include "crypto/sha256.h"
#include "wasm_modules.h"

static dev_world *open_world(const char *option, int64_t number)
{
    ao_message *values = NULL;
    ao_settings settings = {0};
    dev_world *world = NULL;
    beamr_error err = {0};

    if (option)
        assert_int_equal(
            ao_message_with(ao_message_empty(), option, ao_integer(number), &values, &err),
            BEAMR_OK);
    settings.values = values;
    assert_int_equal(dev_world_new(&settings, &world, &err), BEAMR_OK);
    ao_message_unref(values);
    return world;
}

static dev_image *load(dev_world *world, ao_value binary, const dev_image_limits *limits)
{
    dev_image *image = NULL;
    beamr_error err = {0};

    if (dev_image_load_binary(world, binary, limits, &image, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return image;
}

static bool is_remembered(dev_world *world, ao_value binary)
{
    dev_image_limits limits = {0};
    uint8_t hash[CRYPTO_SHA256_SIZE];
    dev_image *image = NULL;
    beamr_error err = {0};
    bool is_there;

    assert_int_equal(crypto_sha256(ao_bytes(binary), hash, &err), BEAMR_OK);
    assert_int_equal(dev_image_find(world, hash, &limits, &image, &err), BEAMR_OK);
    is_there = image != NULL;
    dev_image_unref(image);
    return is_there;
}

static void equal_bytes_are_one_module(void **state)
{
    dev_world *world = open_world(NULL, 0);
    ao_value a = module_value(module_plain), b = module_value(module_plain);
    ao_value c = module_value(module_importing);
    dev_image_limits limits = {.max_pages = 3}, metered = {.max_fuel = 7};
    dev_image *images[5] = {load(world, a, &limits), load(world, a, &limits),
                            load(world, b, &metered), load(world, c, &limits), NULL};
    beamr_error err = {0};

    (void)state;
    assert_ptr_equal(images[0]->module, images[1]->module);
    assert_int_equal(images[0]->max_pages, 3);
    assert_false(images[0]->is_metered);
    assert_true(images[2]->is_metered);
    assert_ptr_not_equal(images[0]->engine, images[2]->engine);
    assert_ptr_not_equal(images[0]->module, images[2]->module);
    assert_ptr_not_equal(images[0]->module, images[3]->module);
    assert_int_equal(dev_image_load(world, ao_bytes(b), &limits, &images[4], &err), BEAMR_OK);
    assert_ptr_equal(images[4]->module, images[0]->module);
    assert_true(is_remembered(world, a));
    dev_world_unref(world); /* the images hold it */
    for (size_t i = 0; i < 5; i++)
        dev_image_unref(images[i]);
    ao_value_unref(a);
    ao_value_unref(b);
    ao_value_unref(c);
}

static void those_used_last_are_remembered(void **state)
{
    dev_world *world = open_world("wasm_cache", 1);
    dev_world *none = open_world("wasm_cache", 0);
    ao_value a = module_value(module_plain), b = module_value(module_importing);
    dev_image_limits limits = {0};

    (void)state;
    dev_image_unref(load(world, a, &limits));
    assert_true(is_remembered(world, a));
    dev_image_unref(load(world, b, &limits));
    assert_true(is_remembered(world, b));
    assert_false(is_remembered(world, a));
    dev_image_unref(load(none, a, &limits));
    assert_false(is_remembered(none, a));
    dev_world_unref(none);
    dev_world_unref(world);
    ao_value_unref(a);
    ao_value_unref(b);
}

static void a_budget_of_all_guests_needs_one_engine(void **state)
{
    dev_world *world = open_world("wasm_max_memory", 1 << 20);
    ao_value a = module_value(module_plain);
    dev_image_limits limits = {0};
    dev_image *image = load(world, a, &limits);

    (void)state;
    assert_true(image->is_metered);
    dev_image_unref(image);
    dev_world_unref(world);
    ao_value_unref(a);
}

static void options_that_are_no_numbers_are_refused(void **state)
{
    static const char *const names[] = {
        "wasm_max_memory", "wasm_max_guest_memory", "wasm_cache",          "wasm_idle_time",
        "wasm_aot_time",   "wasm_aot_memory",       "wasm_max_module_size"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ao_message *values = NULL;
        ao_settings settings = {0};
        dev_world *world = NULL;
        beamr_error err = {0};

        assert_int_equal(ao_message_with(ao_message_empty(), names[i], ao_binary_text("much"),
                                         &values, &err),
                         BEAMR_OK);
        settings.values = values;
        assert_int_equal(dev_world_new(&settings, &world, &err), BEAMR_ARGUMENT);
        assert_non_null(strstr(err.text, names[i]));
        ao_message_unref(values);
    }
}

static void what_is_no_module_is_not_remembered(void **state)
{
    dev_world *world = open_world(NULL, 0);
    ao_value junk = ao_binary_text("junk");
    dev_image_limits limits = {0};
    dev_image *image = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(dev_image_load_binary(world, junk, &limits, &image, &err),
                     BEAMR_MALFORMED);
    assert_null(image);
    assert_false(is_remembered(world, junk));
    dev_world_unref(world);
    ao_value_unref(junk);
}

#define THREADS 4

static dev_world *shared;

static void *load_often(void *arg)
{
    ao_value binary = *(ao_value *)arg;

    for (int i = 0; i < 100; i++) {
        dev_image_limits limits = {.max_fuel = (uint64_t)(i % 2)};

        dev_image_unref(load(shared, binary, &limits));
    }
    return NULL;
}

static void threads_load_at_once(void **state)
{
    ao_value binaries[2] = {module_value(module_plain), module_value(module_importing)};
    pthread_t threads[THREADS];

    (void)state;
    shared = open_world("wasm_cache", 3);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_often, &binaries[i % 2]), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    dev_world_unref(shared);
    ao_value_unref(binaries[0]);
    ao_value_unref(binaries[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_are_one_module),
        cmocka_unit_test(those_used_last_are_remembered),
        cmocka_unit_test(a_budget_of_all_guests_needs_one_engine),
        cmocka_unit_test(options_that_are_no_numbers_are_refused),
        cmocka_unit_test(what_is_no_module_is_not_remembered),
        cmocka_unit_test(threads_load_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
