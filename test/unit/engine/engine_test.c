/* Engines: options. */
#include "fixture.h"

static beamr_status open_with(const char *features, beamr_error *err)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *e = NULL;
    beamr_status st;

    config.features = features;
    beamr_error_clear(err);
    st = beamr_engine_new(&config, &e, err);
    beamr_engine_free(e);
    return st;
}

static void feature_lists_are_checked(void **state)
{
    beamr_error err = {0};

    (void)state;
    assert_int_equal(open_with("", &err), BEAMR_OK);
    assert_int_equal(open_with(NULL, &err), BEAMR_OK);
    assert_int_equal(open_with("-all,+simd,bulk-memory,", &err), BEAMR_OK);
    assert_int_equal(open_with("-gc,-threads", &err), BEAMR_OK);
    assert_int_equal(open_with("simd,bogus", &err), BEAMR_ARGUMENT);
    assert_text(err, "unknown feature \"bogus\"");
    assert_int_equal(open_with("+gc", &err), BEAMR_ARGUMENT);
    assert_text(err, "\"gc\" is not supported");
    assert_int_equal(open_with("-core", &err), BEAMR_ARGUMENT);
    assert_text(err, "core");
    assert_int_equal(open_with("-", &err), BEAMR_ARGUMENT);
}

static void features_are_listed(void **state)
{
    size_t count = 0;
    bool has_simd = false;

    (void)state;
    for (; beamr_feature_name(count); count++) {
        const char *name = beamr_feature_name(count);
        bool is_refused =
            !strcmp(name, "gc") || !strcmp(name, "threads") || !strcmp(name, "component-model");

        has_simd = has_simd || !strcmp(name, "simd");
        assert_int_equal(beamr_feature_is_supported(count), !is_refused);
    }
    assert_true(has_simd);
    assert_false(beamr_feature_is_supported(count));
    assert_null(beamr_feature_name(SIZE_MAX));
    assert_non_null(strchr(beamr_version(), '.'));
}

static void build_memory64(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x04, 1);
    wasm_end(w);
}

static void features_that_are_off_are_refused(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    fixture f;
    beamr_module *m = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    config.features = "-memory64";
    f = fixture_open_with(&config, NULL);
    build_memory64(&w);
    assert_int_equal(beamr_module_load(f.engine, wasm_bytes_of(&w), &m, &err),
                     BEAMR_UNSUPPORTED);
    assert_text(err, "memory64");
    wasm_free(&w);
    fixture_close(&f);
}

static void module_size_is_limited(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    fixture f;
    beamr_module *m = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    config.max_module_size = 10;
    f = fixture_open_with(&config, NULL);
    build_memory64(&w);
    assert_int_equal(beamr_module_load(f.engine, wasm_bytes_of(&w), &m, &err), BEAMR_LIMIT);
    wasm_begin(&w);
    assert_int_equal(beamr_module_load(f.engine, wasm_bytes_of(&w), &m, NULL), BEAMR_OK);
    beamr_module_unref(m);
    wasm_free(&w);
    fixture_close(&f);
}

static void engine_outlives_its_last_reference_from_outside(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_module *m;

    (void)state;
    build_memory64(&w);
    m = fixture_load(&f, &w);
    beamr_engine_free(f.engine);
    beamr_store_free(f.store);
    assert_ptr_equal(beamr_module_ref(m), m);
    beamr_module_unref(m);
    assert_int_equal(beamr_module_memory_count(m), 1);
    beamr_module_unref(m);
    beamr_module_unref(NULL);
    beamr_engine_free(NULL);
    beamr_store_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feature_lists_are_checked),
        cmocka_unit_test(features_are_listed),
        cmocka_unit_test(features_that_are_off_are_refused),
        cmocka_unit_test(module_size_is_limited),
        cmocka_unit_test(engine_outlives_its_last_reference_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
