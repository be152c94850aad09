/* Features, one by one: for each there is a module that is accepted, and that is refused by the
 * feature's name once it is switched off. What the engine never supports is refused likewise.
 */
#include "fixture.h"

#include <stdio.h>

typedef struct part {
    const uint8_t *data;
    size_t len;
} part;

#define PART(...)                                                                              \
    {                                                                                          \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                 \
    }

/* A module with one function, and the contents of the sections that matter to a feature. */
typedef struct sample {
    const char *feature;
    part type; /* of the function; [] -> [] without it */
    part imports;
    part table;
    part memory;
    part tag;
    part global;
    part body; /* without its `end` */
} sample;

static const sample samples[] = {
    /* (import "e" "g" (global (mut i32))) */
    {"mutable-globals", .imports = PART(1, 1, 'e', 1, 'g', 0x03, 0x7f, 1)},
    /* i32.const 0, i32.extend8_s, drop */
    {"sign-extension", .body = PART(0x41, 0, 0xc0, 0x1a)},
    /* f32.const 0, i32.trunc_sat_f32_s, drop */
    {"saturating-float", .body = PART(0x43, 0, 0, 0, 0, 0xfc, 0x00, 0x1a)},
    /* (func (result i32 i32) i32.const 0, i32.const 0) */
    {"multi-value", .type = PART(0x60, 0, 2, 0x7f, 0x7f), .body = PART(0x41, 0, 0x41, 0)},
    /* i32.const 0 three times, memory.fill */
    {"bulk-memory", .memory = PART(1, 0x00, 1),
     .body = PART(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0)},
    /* ref.null extern, drop */
    {"reference-types", .body = PART(0xd0, 0x6f, 0x1a)},
    /* i32.const 0, i8x16.splat, drop */
    {"simd", .body = PART(0x41, 0, 0xfd, 0x0f, 0x1a)},
    /* two vectors, i8x16.relaxed_swizzle, drop */
    {"relaxed-simd",
     .body = PART(0x41, 0, 0xfd, 0x0f, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x80, 0x02, 0x1a)},
    /* return_call 0 */
    {"tail-call", .body = PART(0x12, 0)},
    /* (global i32 (i32.add (i32.const 1) (i32.const 1))) */
    {"extended-const", .global = PART(1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b)},
    {"memory64", .memory = PART(1, 0x04, 1)},
    /* a table with 64-bit addresses belongs to the same feature */
    {"memory64", .table = PART(1, 0x70, 0x04, 1)},
    {"multi-memory", .memory = PART(2, 0x00, 1, 0x00, 1)},
    /* block, try_table (catch_all 0), end, end */
    {"exceptions", .body = PART(0x02, 0x40, 0x1f, 0x40, 1, 0x02, 0, 0x0b, 0x0b)},
    /* try, catch_all, end */
    {"legacy-exceptions", .body = PART(0x06, 0x40, 0x19, 0x0b)},
    /* ref.null 0, call_ref 0 */
    {"function-references", .body = PART(0xd0, 0, 0x14, 0)},
    /* (type (sub (func))) */
    {"subtyping", .type = PART(0x50, 0, 0x60, 0, 0)},
};

/* What no engine option brings. */
static const sample objects[] = {
    {"struct type", .type = PART(0x5f, 0)},
    {"array type", .type = PART(0x5e, 0x7f, 0)},
    {"anyref", .body = PART(0xd0, 0x6e, 0x1a)},
    {"eqref", .body = PART(0xd0, 0x6d, 0x1a)},
    {"i31ref", .body = PART(0xd0, 0x6c, 0x1a)},
    {"structref", .body = PART(0xd0, 0x6b, 0x1a)},
    {"arrayref", .body = PART(0xd0, 0x6a, 0x1a)},
    {"nullref", .body = PART(0xd0, 0x71, 0x1a)},
    {"ref.eq", .body = PART(0x00, 0xd3, 0x1a)},
    {"ref.i31", .body = PART(0x41, 0, 0xfb, 0x1c, 0x1a)},
};
static const sample threads[] = {
    {"shared memory", .memory = PART(1, 0x03, 1, 2)},
    {"atomic.fence", .body = PART(0xfe, 0x03, 0x00)},
    {"i32.atomic.load", .memory = PART(1, 0x00, 1),
     .body = PART(0x41, 0, 0xfe, 0x10, 2, 0, 0x1a)},
};

static const part no_type = PART(0x60, 0, 0);

#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

static void put_section(wasm_builder *w, uint8_t id, part contents)
{
    if (!contents.data)
        return;
    wasm_section(w, id);
    wasm_bytes(w, contents.data, contents.len);
    wasm_end(w);
}

static void build(wasm_builder *w, const sample *s)
{
    part type = s->type.data ? s->type : no_type;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_bytes(w, type.data, type.len);
    wasm_end(w);
    put_section(w, WASM_IMPORT, s->imports);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    put_section(w, WASM_TABLE, s->table);
    put_section(w, WASM_MEMORY, s->memory);
    put_section(w, WASM_TAG, s->tag);
    put_section(w, WASM_GLOBAL, s->global);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    wasm_sized(w);
    WASM(w, 0);
    wasm_bytes(w, s->body.data, s->body.len);
    WASM(w, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

static size_t feature_index(const char *name)
{
    size_t i = 0;

    while (beamr_feature_name(i) && strcmp(beamr_feature_name(i), name) != 0)
        i++;
    return i;
}

/* Load with a list of features.  Returns the status, and the module's use of feature `index`.
 */
static beamr_status load_with(const char *features, beamr_bytes wasm, size_t index, bool *used,
                              beamr_error *err)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    fixture f;
    beamr_module *m = NULL;
    beamr_status st;

    config.features = features;
    f = fixture_open_with(&config, NULL);
    beamr_error_clear(err);
    st = beamr_module_load(f.engine, wasm, &m, err);
    *used = m && beamr_module_uses_feature(m, index);
    beamr_module_unref(m);
    fixture_close(&f);
    return st;
}

static void each_can_be_switched_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const char *name = samples[i].feature;
        size_t index = feature_index(name);
        beamr_error err = {0};
        wasm_builder w = {0};
        char off[40], wanted[60];
        bool used;

        build(&w, &samples[i]);
        if (load_with("", wasm_bytes_of(&w), index, &used, &err) != BEAMR_OK || !used)
            fail_msg("%s: %s", name, err.text);
        (void)snprintf(off, sizeof off, "-%s", name);
        (void)snprintf(wanted, sizeof wanted, "the feature %s", name);
        assert_int_equal(load_with(off, wasm_bytes_of(&w), index, &used, &err),
                         BEAMR_UNSUPPORTED);
        assert_text(err, wanted);
        assert_true(err.offset > 0);
        assert_int_equal(load_with("-all", wasm_bytes_of(&w), index, &used, &err),
                         BEAMR_UNSUPPORTED);
        wasm_free(&w);
    }
}

static void each_has_a_sample(void **state)
{
    (void)state;
    for (size_t i = 0; beamr_feature_name(i); i++) {
        bool found = !beamr_feature_is_supported(i) || !strcmp(beamr_feature_name(i), "core");

        for (size_t k = 0; k < SAMPLE_COUNT; k++)
            found = found || feature_index(samples[k].feature) == i;
        if (!found)
            fail_msg("no sample for %s", beamr_feature_name(i));
    }
}

static void plain_modules_use_nothing_but_core(void **state)
{
    static const sample plain = {.feature = "core"};
    wasm_builder w = {0};
    beamr_error err = {0};
    bool used;

    (void)state;
    build(&w, &plain);
    for (size_t i = 0; beamr_feature_name(i); i++) {
        assert_int_equal(load_with("-all", wasm_bytes_of(&w), i, &used, &err), BEAMR_OK);
        assert_int_equal(used, !strcmp(beamr_feature_name(i), "core"));
    }
    wasm_free(&w);
}

static void refused(const char *name, const sample *s)
{
    beamr_error err = {0};
    wasm_builder w = {0};
    bool used;

    build(&w, s);
    assert_int_equal(load_with("", wasm_bytes_of(&w), 0, &used, &err), BEAMR_UNSUPPORTED);
    assert_text(err, name);
    wasm_free(&w);
}

static void what_is_never_supported_is_refused_by_name(void **state)
{
    static const uint8_t component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    beamr_error err = {0};
    bool used;

    (void)state;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        refused("the feature gc", &objects[i]);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        refused("the feature threads", &threads[i]);
    assert_int_equal(load_with("", (beamr_bytes){component, sizeof component}, 0, &used, &err),
                     BEAMR_UNSUPPORTED);
    assert_text(err, "the feature component-model");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_can_be_switched_off),
        cmocka_unit_test(each_has_a_sample),
        cmocka_unit_test(plain_modules_use_nothing_but_core),
        cmocka_unit_test(what_is_never_supported_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
