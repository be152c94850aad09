/* Stubs in the place of functions that nobody provides. */
#include "../engine/fixture.h"

/* Imports a function of each kind of result, and calls the one that it is told to. */
static beamr_module *caller(fixture *f)
{
    static const char *const results[] = {"i", "l", "f", "d", "v", "X", ""};
    enum { COUNT = sizeof results / sizeof results[0] };
    static const char name[] = "0";
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        wasm_functype(&w, "il", results[i]);
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, COUNT);
    for (uint8_t i = 0; i < COUNT; i++) {
        char text[sizeof name] = {(char)('0' + i)};

        wasm_import(&w, "no one", text);
        WASM(&w, 0, i);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, COUNT);
    for (uint8_t i = 0; i < COUNT; i++)
        WASM(&w, i);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, COUNT);
    for (uint8_t i = 0; i < COUNT; i++) {
        char text[sizeof name] = {(char)('0' + i)};

        wasm_export(&w, text, 0, COUNT + i);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, COUNT);
    for (uint8_t i = 0; i < COUNT; i++)
        WASM_BODY(&w, 0x20, 0, 0x20, 1, 0x10, i);
    wasm_end(&w);
    return fixture_load(f, &w);
}

typedef struct stubbed {
    fixture f;
    beamr_module *module;
    beamr_linker *linker;
} stubbed;

static stubbed stubbed_open(void)
{
    stubbed s = {.f = fixture_open()};

    s.module = caller(&s.f);
    assert_int_equal(beamr_linker_new(s.f.store, &s.linker, NULL), BEAMR_OK);
    return s;
}

static void stubbed_close(stubbed *s)
{
    beamr_module_unref(s->module);
    beamr_linker_free(s->linker);
    fixture_close(&s->f);
}

static beamr_instance *stubbed_instance(stubbed *s, beamr_stubs stubs)
{
    beamr_instance *instance = NULL;
    beamr_error err = {0};

    if (beamr_stubs_link(s->linker, s->module, stubs, &err) != BEAMR_OK ||
        beamr_linker_instantiate(s->linker, s->module, &instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return instance;
}

static const beamr_value args[2] = {{.kind = BEAMR_I32}, {.kind = BEAMR_I64}};

static void a_stub_traps_with_its_name(void **state)
{
    stubbed s = stubbed_open();
    beamr_instance *instance = stubbed_instance(&s, BEAMR_STUBS_TRAP);
    beamr_value result;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(instance, "3"), args, 2, &result, 1, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_MISSING_IMPORT);
    assert_text(err, "no one.3");
    stubbed_close(&s);
}

static void a_stub_gives_zeros_of_all_types(void **state)
{
    stubbed s = stubbed_open();
    beamr_instance *instance = stubbed_instance(&s, BEAMR_STUBS_ZEROS);
    char name[] = "0";

    (void)state;
    for (; name[0] < '7'; name[0]++) {
        beamr_func *func = beamr_instance_find_func(instance, name);
        beamr_value result, zero = {0};
        beamr_error err = {0};

        memset(&result, 0xff, sizeof result);
        assert_int_equal(beamr_func_call(func, args, 2, &result, name[0] < '6', &err),
                         BEAMR_OK);
        if (name[0] < '6') {
            size_t size = name[0] == '0' || name[0] == '2' ? 4 : name[0] == '4' ? 16 : 8;

            assert_memory_equal(&result.of, &zero.of, size);
        }
    }
    stubbed_close(&s);
}

static void without_stubs_the_first_import_is_named(void **state)
{
    stubbed s = stubbed_open();
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_stubs_link(s.linker, s.module, BEAMR_STUBS_NONE, &err),
                     BEAMR_UNLINKABLE);
    assert_text(err, "no one.0");
    assert_text(err, "func [i32 i64] -> [i32]");
    stubbed_close(&s);
}

static beamr_status gives_seven(const beamr_call *call, const beamr_value *given,
                                beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)given;
    (void)err;
    results[0] = beamr_i32(7);
    return BEAMR_OK;
}

static bool resolve_second(void *user, beamr_store *store, const beamr_import *import,
                           beamr_extern *out)
{
    (void)store;
    if (import->name.data[0] != '1')
        return false;
    *out = (beamr_extern){.kind = BEAMR_EXTERN_FUNC, .of.func = user};
    return true;
}

static beamr_status gives_eight(const beamr_call *call, const beamr_value *given,
                                beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)given;
    (void)err;
    results[0] = beamr_i64(8);
    return BEAMR_OK;
}

static void what_the_linker_has_or_finds_is_no_stub(void **state)
{
    stubbed s = stubbed_open();
    beamr_func *second = fixture_func(&s.f, "il", "l", gives_eight, NULL);
    beamr_instance *instance;
    beamr_value result;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_linker_define_func(s.linker, "no one", "0", fixture_type("il", "i"),
                                              gives_seven, NULL, &err),
                     BEAMR_OK);
    beamr_linker_set_resolver(s.linker, resolve_second, second);
    instance = stubbed_instance(&s, BEAMR_STUBS_TRAP);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(instance, "0"), args, 2, &result, 1, &err),
        BEAMR_OK);
    assert_int_equal(result.of.i32, 7);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(instance, "1"), args, 2, &result, 1, &err),
        BEAMR_OK);
    assert_int_equal(result.of.i64, 8);
    assert_ptr_equal(beamr_linker_store(s.linker), s.f.store);
    assert_ptr_equal(beamr_store_engine(s.f.store), s.f.engine);
    stubbed_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stub_traps_with_its_name),
        cmocka_unit_test(a_stub_gives_zeros_of_all_types),
        cmocka_unit_test(without_stubs_the_first_import_is_named),
        cmocka_unit_test(what_the_linker_has_or_finds_is_no_stub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
