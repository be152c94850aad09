/* Modules that are known: recognised, counted, bounded, shared by threads. */
#include <pthread.h>
#include <stdatomic.h>

#include "guest_fixture.h"

/* A module that exports a function under a name, with `size` bytes of a custom section. */
static wasm_builder named(const char *name, size_t size)
{
    wasm_builder w = {0};
    uint8_t *padding = calloc(1, size + 1);

    assert_non_null(padding);
    wasm_begin(&w);
    TYPES(&w, ":");
    SECTION(&w, WASM_FUNCTION, 1, 0);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, name, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x01);
    wasm_end(&w);
    wasm_section(&w, WASM_CUSTOM);
    wasm_name(&w, "padding");
    wasm_bytes(&w, padding, size);
    wasm_end(&w);
    free(padding);
    return w;
}

/* An image of a binary that holds these bytes, which the caller owns. */
static drv_image image_of(const wasm_builder *w)
{
    ErlDrvBinary *binary = played_new(wasm_bytes_of(w));

    return (drv_image){.binary = binary,
                       .bytes = {(const uint8_t *)binary->orig_bytes, w->len}};
}

static beamr_module *load(drv_world *world, const drv_image *image, bool is_metered)
{
    beamr_module *module = NULL;
    beamr_error err = {0};

    if (drv_world_module(world, image, is_metered, &module, &err) != BEAMR_OK)
        fail_msg("the module is refused: %s", err.text);
    return module;
}

static drv_world *world_new(void)
{
    drv_world *world = NULL;
    beamr_error err = {0};

    assert_int_equal(drv_world_new(&world, &err), BEAMR_OK);
    return world;
}

/* ---- Recognising ---- */

static void a_known_module_is_not_loaded_again(void **state)
{
    drv_world *world = world_new();
    wasm_builder w = named("f", 1000), other = named("g", 1000);
    drv_image first = image_of(&w), equal = image_of(&w), different = image_of(&other);
    drv_image loose = {.bytes = wasm_bytes_of(&w)};
    beamr_module *module = load(world, &first, false);
    beamr_module *again = load(world, &first, false);
    beamr_module *copied = load(world, &equal, false);
    beamr_module *borrowed = load(world, &loose, false);
    beamr_module *unlike = load(world, &different, false);

    (void)state;
    assert_ptr_equal(module, again);
    assert_ptr_equal(module, copied);
    assert_ptr_equal(module, borrowed);
    assert_ptr_not_equal(module, unlike);
    assert_int_equal(drv_world_module_count(world), 2);
    drv_image_clear(&first);
    drv_image_clear(&equal);
    drv_image_clear(&different);
    assert_int_equal(played_binaries, 2); /* held */
    beamr_module_unref(module);
    beamr_module_unref(again);
    beamr_module_unref(copied);
    beamr_module_unref(borrowed);
    beamr_module_unref(unlike);
    drv_world_free(world);
    assert_int_equal(played_binaries, 0);
    wasm_free(&w);
    wasm_free(&other);
}

static void metered_modules_are_others(void **state)
{
    drv_world *world = world_new();
    wasm_builder w = named("f", 1000);
    drv_image image = image_of(&w);
    beamr_module *plain, *metered;

    (void)state;
    assert_null(drv_world_engine(world, false));
    plain = load(world, &image, false);
    assert_non_null(drv_world_engine(world, false));
    assert_null(drv_world_engine(world, true));
    metered = load(world, &image, true);
    assert_non_null(drv_world_engine(world, true));
    assert_ptr_not_equal(plain, metered);
    assert_int_equal(drv_world_module_count(world), 2);
    drv_image_clear(&image);
    drv_world_free(world); /* before the modules */
    beamr_module_unref(plain);
    beamr_module_unref(metered);
    drv_world_free(NULL);
    assert_int_equal(played_binaries, 0);
    wasm_free(&w);
}

/* A module in a binary that is much larger: its bytes are copied, and the binary is not held.
 */
static void a_small_part_of_a_binary_does_not_hold_it(void **state)
{
    drv_world *world = world_new();
    wasm_builder w = named("f", 100);
    uint8_t *bytes = calloc(1, 100000);
    ErlDrvBinary *binary;
    drv_image image;
    beamr_module *module, *again;

    (void)state;
    memcpy(bytes + 500, w.data, w.len);
    binary = played_new((beamr_bytes){bytes, 100000});
    image = (drv_image){.binary = binary,
                        .bytes = {(const uint8_t *)binary->orig_bytes + 500, w.len}};
    module = load(world, &image, false);
    again = load(world, &image, false);
    assert_ptr_equal(module, again);
    assert_int_equal(drv_world_module_bytes(world), w.len);
    drv_image_clear(&image);
    assert_int_equal(played_binaries, 0);
    beamr_module_unref(module);
    beamr_module_unref(again);
    drv_world_free(world);
    free(bytes);
    wasm_free(&w);
}

/* ---- Functions ---- */

/* A module of functions whose bodies, without their sizes, have so many bytes. */
static wasm_builder of_functions(size_t count, const size_t *sizes)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    TYPES(&w, ":");
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        WASM(&w, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wasm_u32(&w, (uint32_t)sizes[i]);
        WASM(&w, 0);
        for (size_t k = 2; k < sizes[i]; k++)
            WASM(&w, 0x01);
        WASM(&w, 0x0b);
    }
    wasm_end(&w);
    return w;
}

static void the_largest_function_is_known(void **state)
{
    static const size_t sizes[] = {2, 40000, 127, 128, 39999};
    drv_world *world = world_new();
    wasm_builder w = of_functions(5, sizes), none = of_functions(0, sizes);
    drv_image image = {.bytes = wasm_bytes_of(&w)}, empty = {.bytes = wasm_bytes_of(&none)};
    beamr_module *module = load(world, &image, false);
    beamr_module *again = load(world, &empty, false);
    drv_options options = {0};
    beamr_error err = {0};
    drv_guest *guest = NULL;

    (void)state;
    assert_int_equal(drv_world_largest(world, module), 40000);
    assert_int_equal(drv_world_largest(world, again), 0);
    assert_true(drv_world_largest(world, NULL) == SIZE_MAX);
    assert_int_equal(
        drv_guest_new(drv_world_engine(world, false), module, &options, &guest, &err),
        BEAMR_OK);
    assert_true(drv_guest_is_quick(guest));
    drv_guest_expect(guest, DRV_QUICK_FUNCTION);
    assert_true(drv_guest_is_quick(guest));
    drv_guest_expect(guest, drv_world_largest(world, module));
    assert_false(drv_guest_is_quick(guest));
    drv_guest_free(guest);
    beamr_module_unref(module);
    beamr_module_unref(again);
    drv_world_free(world);
    wasm_free(&w);
    wasm_free(&none);
}

static atomic_int long_now, long_times;

static void long_begin(void *user)
{
    (void)user;
    atomic_fetch_add(&long_now, 1);
    atomic_fetch_add(&long_times, 1);
}

static void long_end(void *user)
{
    (void)user;
    atomic_fetch_sub(&long_now, 1);
}

/* And with types of many results a little code is much. */
static void what_may_take_long_is_told(void **state)
{
    static const size_t large[] = {70000}, small[] = {40};
    static const uint8_t wide[] = {0x01, 0x0b, 0x02, 0x60, 0,    0,   0x60,
                                   1,    0x7f, 3,    0x7f, 0x7f, 0x7f};
    drv_world *world = world_new();
    wasm_builder a = of_functions(1, large), b = of_functions(1, small), c = {0};
    drv_image images[3] = {{.bytes = wasm_bytes_of(&a)}, {.bytes = wasm_bytes_of(&b)}};
    beamr_module *modules[4];

    (void)state;
    /* The small one, with another type behind its own. */
    wasm_bytes(&c, b.data, 8);
    wasm_bytes(&c, wide, sizeof wide);
    wasm_bytes(&c, b.data + 8 + 10, b.len - 8 - 10);
    images[2].bytes = wasm_bytes_of(&c);
    drv_world_set_long(world, long_begin, long_end, NULL);
    for (int i = 0; i < 3; i++)
        modules[i] = load(world, &images[i], false);
    modules[3] = load(world, &images[0], false);
    assert_int_equal(atomic_load(&long_times), 1);
    assert_int_equal(atomic_load(&long_now), 0);
    assert_int_equal(drv_world_largest(world, modules[1]), 40);
    assert_int_equal(drv_world_largest(world, modules[2]), 40 * 3);
    for (int i = 0; i < 4; i++)
        beamr_module_unref(modules[i]);
    drv_world_free(world);
    wasm_free(&a);
    wasm_free(&b);
    wasm_free(&c);
}

/* ---- Bounds ---- */

static void the_number_of_modules_is_bounded(void **state)
{
    enum { COUNT = DRV_WORLD_MODULES + 20 };
    drv_world *world = world_new();
    drv_image images[COUNT];
    beamr_module *first = NULL, *last = NULL;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        wasm_builder w;

        (void)snprintf(name, sizeof name, "f%d", i);
        w = named(name, 10);
        images[i] = image_of(&w);
        beamr_module_unref(last);
        last = load(world, &images[i], false);
        if (i == 0)
            first = beamr_module_ref(last);
        wasm_free(&w);
        beamr_module_unref(load(world, &images[0], false)); /* which stays known so */
    }
    assert_int_equal(drv_world_module_count(world), DRV_WORLD_MODULES);
    assert_ptr_equal(load(world, &images[0], false), first);
    assert_ptr_equal(load(world, &images[COUNT - 1], false), last);
    for (int i = 0; i < 3; i++)
        beamr_module_unref(i < 2 ? first : last);
    beamr_module_unref(last);
    /* one of long ago is loaded anew */
    first = load(world, &images[1], false);
    assert_int_equal(drv_world_module_count(world), DRV_WORLD_MODULES);
    beamr_module_unref(first);
    for (int i = 0; i < COUNT; i++)
        drv_image_clear(&images[i]);
    drv_world_free(world);
    assert_int_equal(played_binaries, 0);
}

static void the_bytes_of_modules_are_bounded(void **state)
{
    enum { SIZE = 24 << 20 };
    drv_world *world = world_new();
    wasm_builder w = named("large", DRV_WORLD_BYTES / 4);
    drv_image image = image_of(&w);

    (void)state;
    wasm_free(&w);
    beamr_module_unref(load(world, &image, false));
    assert_int_equal(drv_world_module_count(world), 0); /* too large to be kept */
    drv_image_clear(&image);
    for (int i = 0; i < 8; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "f%d", i);
        w = named(name, SIZE);
        image = image_of(&w);
        wasm_free(&w);
        beamr_module_unref(load(world, &image, false));
        drv_image_clear(&image);
        assert_true(drv_world_module_bytes(world) <= DRV_WORLD_BYTES);
    }
    assert_int_equal(drv_world_module_count(world), 5);
    assert_int_equal(played_binaries, 5);
    drv_world_free(world);
    assert_int_equal(played_binaries, 0);
}

/* ---- What is no module ---- */

static void assert_refused(drv_world *world, const void *bytes, size_t len, beamr_status status,
                           const char *text)
{
    drv_image image = {.bytes = {bytes, len}};
    beamr_module *module = NULL;
    beamr_error err = {0};

    assert_int_equal(drv_world_module(world, &image, false, &module, &err), status);
    assert_null(module);
    if (strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("the text is \"%s\", not \"%s...\"", err.text, text);
}

static void what_is_no_module_is_told(void **state)
{
    drv_world *world = world_new();
    wasm_builder w = named("f", 10);

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_refused(world, "\0aot\5\0\0\0rest", 12, BEAMR_UNSUPPORTED,
                       "this is native code");
        assert_refused(world,
                       "\x7f"
                       "ELF\2\1\1",
                       7, BEAMR_UNSUPPORTED, "this is native code");
        assert_refused(world, "\0ao", 3, BEAMR_MALFORMED, "");
        assert_refused(world, "", 0, BEAMR_MALFORMED, "");
        assert_refused(world, NULL, 0, BEAMR_MALFORMED, "");
        assert_refused(world, w.data, 20, BEAMR_MALFORMED, "");
    }
    assert_int_equal(drv_world_module_count(world), 0);
    wasm_free(&w);
    drv_world_free(world);
}

/* ---- Threads ---- */

typedef struct loader {
    drv_world *world;
    drv_image *images;
    unsigned seed;
} loader;

enum { IMAGES = 100, LOADS = 2000 };

static void *load_some(void *user)
{
    loader *l = user;
    unsigned random = l->seed;

    for (int i = 0; i < LOADS; i++) {
        beamr_module *module;

        random = random * 1664525u + 1013904223u;
        module = load(l->world, &l->images[(random >> 16) % IMAGES], (random >> 8) & 1);
        beamr_module_unref(module);
    }
    return NULL;
}

static void threads_share_a_world(void **state)
{
    enum { THREADS = 4 };
    drv_world *world = world_new();
    drv_image images[IMAGES];
    pthread_t threads[THREADS];
    loader loaders[THREADS];

    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        char name[16];
        wasm_builder w;

        (void)snprintf(name, sizeof name, "f%d", i / 2); /* each twice */
        w = named(name, 10);
        images[i] = image_of(&w);
        wasm_free(&w);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        loaders[i] = (loader){world, images, i};
        assert_int_equal(pthread_create(&threads[i], NULL, load_some, &loaders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(drv_world_module_count(world), 1, DRV_WORLD_MODULES);
    for (int i = 0; i < IMAGES; i++)
        drv_image_clear(&images[i]);
    drv_world_free(world);
    assert_int_equal(played_binaries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_module_is_not_loaded_again),
        cmocka_unit_test(metered_modules_are_others),
        cmocka_unit_test(a_small_part_of_a_binary_does_not_hold_it),
        cmocka_unit_test(the_largest_function_is_known),
        cmocka_unit_test(what_may_take_long_is_told),
        cmocka_unit_test(the_number_of_modules_is_bounded),
        cmocka_unit_test(the_bytes_of_modules_are_bounded),
        cmocka_unit_test(what_is_no_module_is_told),
        cmocka_unit_test(threads_share_a_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
