/* Code objects that were cut, changed, or made for something else: refused with a reason, and
 * the module is as before. */
#include "fixture.h"

#include "abi/object.h"
#include "crypto/checksum.h"
#include "native.h"

/* A module with a function [i32] -> [i32] "f", which adds `n`. */
static void build(wasm_builder *w, int32_t n)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    wasm_sized(w);
    WASM(w, 0, 0x20, 0, 0x28, 2, 0, 0x20, 0, 0x6a, 0x41);
    wasm_s64(w, n);
    WASM(w, 0x6a, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

static beamr_module *load(fixture *f, int32_t n)
{
    wasm_builder w = {0};

    build(&w, n);
    return fixture_load(f, &w);
}

static beamr_bytes object_of(beamr_module *m, const beamr_compile_options *options)
{
    beamr_bytes object = {0};
    beamr_error err = {0};

    if (beamr_compile(m, options, &object, &err) != BEAMR_OK)
        fail_msg("the module does not compile: %s", err.text);
    return object;
}

static void assert_answers(fixture *f, beamr_module *m, int32_t n)
{
    beamr_instance *inst = NULL;
    beamr_value arg = beamr_i32(4), result = beamr_i32(0);

    assert_int_equal(beamr_instance_new(f->store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(inst, "f"), &arg, 1, &result, 1, NULL),
        BEAMR_OK);
    assert_int_equal(result.of.i32, n + 4);
}

static beamr_status assert_refused(beamr_module *m, beamr_bytes object, const char *text)
{
    beamr_error err = {0};
    beamr_status st = beamr_module_load_object(m, object, &err);

    assert_true(st == BEAMR_OBJECT || st == BEAMR_UNSUPPORTED || st == BEAMR_ARGUMENT);
    assert_int_equal(err.status, st);
    assert_true(err.text[0] != '\0');
    assert_text(err, text);
    assert_int_equal(beamr_module_native_count(m), 0);
    return st;
}

/* What all tests begin with: a module, its object, and a copy of that to spoil. */
typedef struct subject {
    fixture f;
    beamr_module *module;
    beamr_bytes object;
    uint8_t *copy;
} subject;

static subject subject_open(void)
{
    beamr_compile_options options = native_options();
    subject s = {.f = native_fixture(false)};

    s.module = load(&s.f, 7);
    s.object = object_of(s.module, &options);
    s.copy = malloc(s.object.len + 64);
    assert_non_null(s.copy);
    memset(s.copy, 0, s.object.len + 64);
    memcpy(s.copy, s.object.data, s.object.len);
    return s;
}

/* After all that was refused, the right object is taken. */
static void subject_close(subject *s)
{
    beamr_error err = {0};

    assert_answers(&s->f, s->module, 7);
    if (beamr_module_load_object(s->module, s->object, &err) != BEAMR_OK)
        fail_msg("the object is refused: %s", err.text);
    assert_int_equal(beamr_module_native_count(s->module), 1);
    assert_answers(&s->f, s->module, 7);
    beamr_module_unref(s->module);
    beamr_object_free(s->object);
    free(s->copy);
    fixture_close(&s->f);
}

static beamr_bytes copy_of(const subject *s)
{
    return (beamr_bytes){s->copy, s->object.len};
}

/* Make the checksum fit what the copy has become. */
static void seal(subject *s)
{
    abi_object *head = (abi_object *)(void *)s->copy;

    memset(head->checksum, 0, sizeof head->checksum);
    crypto_checksum_of(s->copy, s->object.len, head->checksum);
}

/* ---- Damage ---- */

static void every_flipped_bit_of_the_header_is_found(void **state)
{
    subject s = subject_open();

    (void)state;
    for (size_t i = 0; i < sizeof(abi_object); i++)
        for (int bit = 0; bit < 8; bit++) {
            s.copy[i] ^= (uint8_t)(1 << bit);
            (void)assert_refused(s.module, copy_of(&s), "");
            s.copy[i] ^= (uint8_t)(1 << bit);
        }
    subject_close(&s);
}

static void every_flipped_byte_behind_it_is_found(void **state)
{
    subject s = subject_open();

    (void)state;
    for (size_t i = sizeof(abi_object); i < s.object.len; i++) {
        s.copy[i] ^= 0x55;
        assert_int_equal(assert_refused(s.module, copy_of(&s), "damaged"), BEAMR_OBJECT);
        s.copy[i] ^= 0x55;
    }
    subject_close(&s);
}

static void every_other_length_is_refused(void **state)
{
    subject s = subject_open();

    (void)state;
    for (size_t len = 0; len < s.object.len + 64; len++)
        if (len != s.object.len)
            assert_int_equal(assert_refused(s.module, (beamr_bytes){s.copy, len}, ""),
                             BEAMR_OBJECT);
    subject_close(&s);
}

static void other_files_are_refused(void **state)
{
    static const char wasm[] = "\0asm\1\0\0\0";
    subject s = subject_open();

    (void)state;
    (void)assert_refused(s.module, (beamr_bytes){NULL, 0}, "header");
    (void)assert_refused(s.module, (beamr_bytes){(const uint8_t *)wasm, sizeof wasm}, "header");
    memset(s.copy, 0, s.object.len);
    (void)assert_refused(s.module, copy_of(&s), "does not begin");
    memset(s.copy, 0xff, s.object.len);
    (void)assert_refused(s.module, copy_of(&s), "does not begin");
    subject_close(&s);
}

/* Sections that lead elsewhere, in an object whose checksum is right. */
static void sections_must_lie_within(void **state)
{
    static const uint32_t values[] = {0x1000000,  0x7fffffff, 0x80000000,
                                      0xffffff00, 0xfffffff0, 0xffffffff};
    subject s = subject_open();
    size_t first = offsetof(abi_object, code), end = offsetof(abi_object, checksum);

    (void)state;
    for (size_t at = first; at < end; at += sizeof(uint32_t))
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            uint32_t old;

            memcpy(&old, s.copy + at, sizeof old);
            if (old == values[i])
                continue;
            memcpy(s.copy + at, &values[i], sizeof old);
            seal(&s);
            (void)assert_refused(s.module, copy_of(&s), "");
            memcpy(s.copy + at, &old, sizeof old);
        }
    subject_close(&s);
}

/* Some bytes of header and tables changed, and a checksum that fits: refused with a reason, or
 * taken, if the tables still make sense; whatever they say leads nowhere else while they are
 * checked. Such code is not run. */
static void what_a_right_checksum_covers_is_checked_as_well(void **state)
{
    enum { ROUNDS = 3000, CHANGES = 3 };
    subject s = subject_open();
    uint32_t seed = 1, taken = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        beamr_module *m = load(&s.f, 7);
        beamr_error err = {0};

        for (int i = 0; i < CHANGES; i++) {
            size_t at;

            seed = seed * 1664525 + 1013904223;
            at = (seed >> 8) % s.object.len;
            seed = seed * 1664525 + 1013904223;
            s.copy[at] = seed >> 24 & 1 ? (uint8_t)(seed >> 16) : (uint8_t)(s.copy[at] + 1);
        }
        seal(&s);
        if (beamr_module_load_object(m, copy_of(&s), &err) == BEAMR_OK)
            taken++;
        else
            assert_true(err.text[0] != '\0');
        beamr_module_unref(m);
        memcpy(s.copy, s.object.data, s.object.len);
    }
    assert_true(taken > 0 && taken < ROUNDS);
    subject_close(&s);
}

/* ---- Made for something else ---- */

static void an_object_of_another_module_is_refused(void **state)
{
    beamr_compile_options options = native_options();
    subject s = subject_open();
    beamr_module *other = load(&s.f, 8);
    beamr_bytes object = object_of(other, &options);

    (void)state;
    assert_int_equal(assert_refused(s.module, object, "another module"), BEAMR_ARGUMENT);
    beamr_object_free(object);
    beamr_module_unref(other);
    subject_close(&s);
}

static void an_object_that_counts_fuel_is_for_an_engine_that_does(void **state)
{
    beamr_compile_options options = native_options();
    subject s = subject_open();
    fixture metered = native_fixture(true);
    beamr_module *m = load(&metered, 7);
    beamr_bytes object = object_of(m, &options);

    (void)state;
    assert_int_equal(assert_refused(s.module, object, "fuel"), BEAMR_ARGUMENT);
    assert_int_equal(assert_refused(m, s.object, "fuel"), BEAMR_ARGUMENT);
    beamr_object_free(object);
    beamr_module_unref(m);
    fixture_close(&metered);
    subject_close(&s);
}

static void an_object_for_another_architecture_is_refused(void **state)
{
    beamr_compile_options options = native_options();
    subject s = subject_open();
    beamr_bytes object;

    (void)state;
#if defined(__x86_64__)
    options.target = "aarch64";
#else
    options.target = "x86_64";
#endif
    object = object_of(s.module, &options);
    assert_int_equal(assert_refused(s.module, object, ""), BEAMR_UNSUPPORTED);
    beamr_object_free(object);
    subject_close(&s);
}

/* A number or text of the header says something else; else all is well. */
static void assert_field(subject *s, void *field, const void *value, size_t size,
                         beamr_status status)
{
    uint8_t old[64];

    assert_true(size <= sizeof old);
    memcpy(old, field, size);
    memcpy(field, value, size);
    seal(s);
    assert_int_equal(assert_refused(s->module, copy_of(s), ""), status);
    memcpy(field, old, size);
}

static void another_compiler_processor_or_format_is_refused(void **state)
{
    static const char compilers[][32] = {"beamr 0.0.9, LLVM 19.1.7", "beamr 0.1.0, LLVM 22.1.8",
                                         "something else"};
    static const uint32_t two = 2, zero = 0, many = 0x40000000;
    subject s = subject_open();
    abi_object *head = (abi_object *)(void *)s.copy;

    (void)state;
    for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++)
        assert_field(&s, head->compiler, compilers[i], sizeof head->compiler,
                     BEAMR_UNSUPPORTED);
    assert_field(&s, &head->format, &two, sizeof two, BEAMR_UNSUPPORTED);
    assert_field(&s, &head->version, &many, sizeof many, BEAMR_UNSUPPORTED);
    assert_field(&s, &head->arch, &zero, sizeof zero, BEAMR_UNSUPPORTED);
    assert_field(&s, &head->cpu, &many, sizeof many, BEAMR_UNSUPPORTED);
    subject_close(&s);
}

static void a_module_takes_one_object(void **state)
{
    subject s = subject_open();
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_module_load_object(s.module, s.object, &err), BEAMR_OK);
    assert_int_equal(beamr_module_load_object(s.module, s.object, &err), BEAMR_ARGUMENT);
    assert_int_equal(beamr_module_native_count(s.module), 1);
    beamr_module_unref(s.module);
    s.module = load(&s.f, 7);
    subject_close(&s);
}

/* ---- How an engine tells ---- */

static void a_compiler_that_is_missing_leaves_the_module_interpreted(void **state)
{
    char *compiler = strdup(getenv("BEAMR_COMPILE") ? getenv("BEAMR_COMPILE") : "");
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    beamr_module *m;
    fixture f;

    (void)state;
    config.tier = BEAMR_TIER_NATIVE;
    f = fixture_open_with(&config, NULL);
    assert_int_equal(setenv("BEAMR_COMPILE", "/nowhere/beamr-compile", 1), 0);
    m = load(&f, 7);
    assert_int_equal(setenv("BEAMR_COMPILE", compiler, 1), 0);
    free(compiler);
    assert_int_equal(beamr_module_native_failure(m, &err), BEAMR_UNSUPPORTED);
    assert_text(err, "/nowhere/beamr-compile");
    assert_int_equal(beamr_module_native_count(m), 0);
    assert_answers(&f, m, 7);
    beamr_module_unref(m);
    m = load(&f, 7);
    assert_int_equal(beamr_module_native_failure(m, NULL), BEAMR_OK);
    assert_int_equal(beamr_module_native_count(m), 1);
    assert_answers(&f, m, 7);
    beamr_module_unref(m);
    fixture_close(&f);
}

static void the_environment_decides_what_the_embedder_leaves_open(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    beamr_engine *engine = NULL;
    beamr_module *m;
    fixture f;

    (void)state;
    assert_int_equal(setenv("BEAMR_TIER", "native", 1), 0);
    f = fixture_open();
    m = load(&f, 7);
    assert_int_equal(beamr_module_native_count(m), 1);
    beamr_module_unref(m);
    fixture_close(&f);
    config.tier = BEAMR_TIER_INTERPRET;
    f = fixture_open_with(&config, NULL);
    m = load(&f, 7);
    assert_int_equal(beamr_module_native_count(m), 0);
    beamr_module_unref(m);
    fixture_close(&f);
    assert_int_equal(setenv("BEAMR_TIER", "fast", 1), 0);
    assert_int_equal(beamr_engine_new(NULL, &engine, &err), BEAMR_ARGUMENT);
    assert_text(err, "\"fast\"");
    assert_int_equal(unsetenv("BEAMR_TIER"), 0);
}

static void options_that_cannot_be_met_are_refused(void **state)
{
    beamr_compile_options options = native_options();
    fixture f = native_fixture(false);
    beamr_module *m = load(&f, 7);
    beamr_bytes object = {0};
    beamr_error err = {0};

    (void)state;
    options.target = "mips";
    assert_int_equal(beamr_compile(m, &options, &object, &err), BEAMR_UNSUPPORTED);
    assert_text(err, "\"mips\"");
    options = native_options();
    options.max_output = 100;
    beamr_error_clear(&err);
    assert_int_equal(beamr_compile(m, &options, &object, &err), BEAMR_LIMIT);
    assert_null(object.data);
    beamr_module_unref(m);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_of_the_header_is_found),
        cmocka_unit_test(every_flipped_byte_behind_it_is_found),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(sections_must_lie_within),
        cmocka_unit_test(what_a_right_checksum_covers_is_checked_as_well),
        cmocka_unit_test(an_object_of_another_module_is_refused),
        cmocka_unit_test(an_object_that_counts_fuel_is_for_an_engine_that_does),
        cmocka_unit_test(an_object_for_another_architecture_is_refused),
        cmocka_unit_test(another_compiler_processor_or_format_is_refused),
        cmocka_unit_test(a_module_takes_one_object),
        cmocka_unit_test(a_compiler_that_is_missing_leaves_the_module_interpreted),
        cmocka_unit_test(the_environment_decides_what_the_embedder_leaves_open),
        cmocka_unit_test(options_that_cannot_be_met_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
