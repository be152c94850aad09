/* A guest with all that it expects: who provides what, and starting programs. */
#include "../engine/fixture.h"

/* An import of a module under test. */
typedef struct wanted {
    const char *module, *name;
    const char *params, *results; /* NULL params: no function, `object` says what */
    const char *object;           /* bytes of kind and type, object_len of them */
    size_t object_len;
    beamr_provider provider;
} wanted;

#define OBJECT(bytes) .object = bytes, .object_len = sizeof bytes - 1

/* A module of these imports, with memory 0 of its own unless one is imported. */
static beamr_module *importer(fixture *f, const wanted *imports, size_t count, bool has_memory)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wasm_functype(&w, imports[i].params ? imports[i].params : "",
                      imports[i].params ? imports[i].results : "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wasm_import(&w, imports[i].module, imports[i].name);
        if (imports[i].params)
            WASM(&w, 0, (uint8_t)i);
        else
            wasm_bytes(&w, imports[i].object, imports[i].object_len);
    }
    wasm_end(&w);
    if (has_memory) {
        wasm_section(&w, WASM_MEMORY);
        WASM(&w, 1, 0, 1);
        wasm_end(&w);
    }
    return fixture_load(f, &w);
}

static void imports_are_told_apart(void **state)
{
    static const wanted imports[] = {
        {"wasi_snapshot_preview1", "fd_write", "iiii", "i", .provider = BEAMR_PROVIDER_WASI},
        {"wasi_unstable", "fd_seek", "ilii", "i", .provider = BEAMR_PROVIDER_WASI},
        {"wasi_snapshot_preview1", "fd_close", "l", "i", .provider = BEAMR_PROVIDER_MISFIT},
        {"wasi_snapshot_preview1", "fd_fly", "i", "i", .provider = BEAMR_PROVIDER_NONE},
        {"env", "invoke_vi", "ii", "", .provider = BEAMR_PROVIDER_EMSCRIPTEN},
        {"env", "__cxa_throw", "iii", "", .provider = BEAMR_PROVIDER_EMSCRIPTEN},
        {"env", "__cxa_find_matching_catch_17", "i", "i",
         .provider = BEAMR_PROVIDER_EMSCRIPTEN},
        {"env", "__cxa_begin_catch", "f", "i", .provider = BEAMR_PROVIDER_MISFIT},
        {"env", "_emscripten_throw_longjmp", "", "", .provider = BEAMR_PROVIDER_EMSCRIPTEN},
        {"env", "__indirect_function_table", .provider = BEAMR_PROVIDER_EMSCRIPTEN,
         OBJECT("\x01\x70\x00\x04")},
        {"env", "__stack_pointer", .provider = BEAMR_PROVIDER_NONE, OBJECT("\x03\x7f\x01")},
        {"__wbindgen_placeholder__", "__wbindgen_describe", "i", "",
         .provider = BEAMR_PROVIDER_NONE},
        {"mine", "own", "i", "", .provider = BEAMR_PROVIDER_LINKER},
    };
    enum { COUNT = sizeof imports / sizeof imports[0] };
    fixture f = fixture_open();
    beamr_module *module = importer(&f, imports, COUNT, true);
    beamr_linker *linker = NULL;

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &linker, NULL), BEAMR_OK);
    assert_int_equal(beamr_linker_define_func(linker, "mine", "own", fixture_type("i", ""),
                                              NULL, NULL, NULL),
                     BEAMR_ARGUMENT);
    assert_int_equal(beamr_linker_define_host(linker, "mine", "own", fixture_type("i", ""),
                                              &(beamr_host){0}, NULL),
                     BEAMR_OK);
    for (size_t i = 0; i < COUNT; i++)
        if (beamr_guest_provider(module, i, linker) != imports[i].provider)
            fail_msg("%s.%s: provider %d", imports[i].module, imports[i].name,
                     (int)beamr_guest_provider(module, i, linker));
    assert_int_equal(beamr_guest_provider(module, COUNT - 1, NULL), BEAMR_PROVIDER_NONE);
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
}

static beamr_status instantiate(fixture *f, beamr_module *module, beamr_linker **linker,
                                beamr_stubs stubs, beamr_instance **out, beamr_error *err)
{
    beamr_wasi *wasi = NULL;
    beamr_status st;

    assert_int_equal(beamr_wasi_new(NULL, &wasi, err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(f->store, linker, err), BEAMR_OK);
    st = beamr_guest_instantiate(wasi, *linker, module, stubs, out, err);
    beamr_wasi_unref(wasi);
    return st;
}

static void memories_and_tables_of_env_are_made(void **state)
{
    static const wanted imports[] = {
        {.module = "env", .name = "memory", OBJECT("\x02\x01\x03\x05")},
        {.module = "env", .name = "table", OBJECT("\x01\x70\x00\x04")},
        {.module = "env", .name = "__indirect_function_table", OBJECT("\x01\x70\x01\x02\x09")},
    };
    fixture f = fixture_open();
    beamr_module *module = importer(&f, imports, 3, false);
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    (void)state;
    if (instantiate(&f, module, &linker, BEAMR_STUBS_NONE, &instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(beamr_memory_pages(beamr_instance_memory(instance, 0)), 3);
    assert_int_equal(beamr_memory_type(beamr_instance_memory(instance, 0)).max, 5);
    assert_int_equal(beamr_table_size(beamr_instance_table(instance, 0)), 4);
    assert_int_equal(beamr_table_size(beamr_instance_table(instance, 1)), 2);
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
}

static void other_objects_are_named(void **state)
{
    static const wanted imports[] = {
        {.module = "env", .name = "__stack_pointer", OBJECT("\x03\x7f\x01")}};
    fixture f = fixture_open();
    beamr_module *module = importer(&f, imports, 1, false);
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(instantiate(&f, module, &linker, BEAMR_STUBS_TRAP, &instance, &err),
                     BEAMR_UNLINKABLE);
    assert_text(err, "env.__stack_pointer");
    assert_text(err, "global mut i32");
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
}

/* A start function runs before anything of the instance is known: an object whose destructor
 * would be looked for in its table. */
static void a_start_function_that_drops_an_object_traps(void **state)
{
    static const uint8_t body[] = {
        0,                                     /* no locals */
        0x41, 0xf0, 0x07, 0x41, 1, 0x36, 2, 0, /* at 1008: the destructor is 1 */
        0x41, 0x80, 0x08, 0x10, 0,             /* drop the object at 1024 */
        0x0b,
    };
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_module *module;
    beamr_error err = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 2);
    wasm_functype(&w, "i", "");
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, "env", "__cxa_decrement_exception_refcount");
    WASM(&w, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_START);
    WASM(&w, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    wasm_sized(&w);
    wasm_bytes(&w, body, sizeof body);
    wasm_end(&w);
    wasm_end(&w);
    module = fixture_load(&f, &w);
    assert_int_equal(instantiate(&f, module, &linker, BEAMR_STUBS_NONE, &instance, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNDEFINED_ELEMENT);
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
}

/* Which the embedder provides goes before ours, and its linker stays as it is. */
static void the_embedders_imports_go_first(void **state)
{
    static const wanted imports[] = {
        {.module = "env", .name = "memory", OBJECT("\x02\x00\x01")},
        {"wasi_snapshot_preview1", "fd_close", "i", "i", .provider = BEAMR_PROVIDER_WASI}};
    fixture f = fixture_open();
    beamr_module *module = importer(&f, imports, 2, false);
    beamr_extern mine = {.kind = BEAMR_EXTERN_MEMORY}, found;
    beamr_limits limits = {.min = 7, .max = UINT64_MAX};
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_wasi *wasi = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_wasi_new(NULL, &wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(f.store, &linker, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_new(f.store, &limits, &mine.of.memory, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_define(linker, beamr_bytes_of("env"),
                                         beamr_bytes_of("memory"), mine, &err),
                     BEAMR_OK);
    assert_int_equal(
        beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_NONE, &instance, &err),
        BEAMR_OK);
    assert_ptr_equal(beamr_instance_memory(instance, 0), mine.of.memory);
    assert_false(beamr_linker_find(linker, beamr_bytes_of("wasi_snapshot_preview1"),
                                   beamr_bytes_of("fd_close"), &found));
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
    beamr_wasi_unref(wasi);
}

/* Names that the library knows, of types that it does not. */
static void the_embedders_imports_may_have_types_of_their_own(void **state)
{
    static const wanted imports[] = {
        {"wasi_snapshot_preview1", "fd_close", "dd", "d", .provider = BEAMR_PROVIDER_MISFIT},
        {"env", "exit", "l", "", .provider = BEAMR_PROVIDER_MISFIT},
    };
    fixture f = fixture_open();
    beamr_module *module = importer(&f, imports, 2, true);
    beamr_linker *linker = NULL;
    beamr_instance *instance = NULL;
    beamr_wasi *wasi = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(instantiate(&f, module, &linker, BEAMR_STUBS_ZEROS, &instance, &err),
                     BEAMR_UNLINKABLE);
    beamr_linker_free(linker);
    beamr_error_clear(&err);
    assert_int_equal(beamr_linker_new(f.store, &linker, &err), BEAMR_OK);
    assert_int_equal(beamr_stubs_link(linker, module, BEAMR_STUBS_ZEROS, &err), BEAMR_OK);
    assert_int_equal(beamr_wasi_new(NULL, &wasi, &err), BEAMR_OK);
    assert_int_equal(
        beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_NONE, &instance, &err),
        BEAMR_OK);
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
    beamr_wasi_unref(wasi);
}

static bool is_language(const char *module, const char *name)
{
    return beamr_guest_is_language(beamr_bytes_of(module), beamr_bytes_of(name));
}

static void what_belongs_to_the_language_is_told(void **state)
{
    static const char *const yes[] = {"invoke_vii",
                                      "__cxa_throw",
                                      "_emscripten_throw_longjmp",
                                      "__cxa_find_matching_catch_3",
                                      "setTempRet0",
                                      "__resumeException"};
    static const char *const no[] = {"exit", "invoke", "invoke_", "memory", "", "fd_write"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        assert_true(is_language("env", yes[i]));
        assert_false(is_language("enw", yes[i]));
        assert_false(beamr_guest_performs(beamr_bytes_of("env"), beamr_bytes_of(yes[i])));
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(is_language("env", no[i]));
    assert_false(is_language("wasi_snapshot_preview1", "fd_write"));
}

/* ---- Programs ---- */

/* A module whose exports call proc_exit, trap or return. `start` is the type of _start. */
static beamr_module *program(fixture *f, const char *name, const char *params,
                             const uint8_t *body, size_t len)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 2);
    wasm_functype(&w, "i", "");
    wasm_functype(&w, params, "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, "wasi_snapshot_preview1", "proc_exit");
    WASM(&w, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_GLOBAL);
    WASM(&w, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 2);
    wasm_export(&w, name, 0, 1);
    wasm_export(&w, "runs", 3, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    wasm_sized(&w);
    WASM(&w, 0, 0x23, 0, 0x41, 1, 0x6a, 0x24, 0); /* runs++ */
    wasm_bytes(&w, body, len);
    WASM(&w, 0x0b);
    wasm_end(&w);
    wasm_end(&w);
    return fixture_load(f, &w);
}

typedef struct run {
    fixture f;
    beamr_module *module;
    beamr_wasi *wasi;
    beamr_linker *linker;
    beamr_instance *instance;
} run;

static run run_open(const char *name, const char *params, const uint8_t *body, size_t len)
{
    run r = {.f = fixture_open()};
    beamr_error err = {0};

    r.module = program(&r.f, name, params, body, len);
    assert_int_equal(beamr_wasi_new(NULL, &r.wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(r.f.store, &r.linker, &err), BEAMR_OK);
    assert_int_equal(beamr_guest_instantiate(r.wasi, r.linker, r.module, BEAMR_STUBS_NONE,
                                             &r.instance, &err),
                     BEAMR_OK);
    return r;
}

static void run_close(run *r)
{
    beamr_module_unref(r->module);
    beamr_linker_free(r->linker);
    fixture_close(&r->f);
    beamr_wasi_unref(r->wasi);
}

static int32_t runs(const run *r)
{
    beamr_extern item;

    assert_true(beamr_instance_find(r->instance, beamr_bytes_of("runs"), &item));
    return beamr_global_get(item.of.global).of.i32;
}

#define RUN(name, params, ...)                                                                 \
    run_open(name, params, (const uint8_t[]){__VA_ARGS__},                                     \
             sizeof((const uint8_t[]){__VA_ARGS__}))

static void a_program_that_returns_has_code_0(void **state)
{
    run r = RUN("_start", "", 0x01);
    beamr_error err = {0};
    uint32_t code = 99;

    (void)state;
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, &err), BEAMR_OK);
    assert_int_equal(code, 0);
    assert_int_equal(runs(&r), 1);
    run_close(&r);
}

static void the_exit_code_is_passed_on(void **state)
{
    run r = RUN("_start", "", 0x41, 42, 0x10, 0, 0x00);
    beamr_error err = {0};
    uint32_t code = 0;

    (void)state;
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, &err), BEAMR_OK);
    assert_int_equal(code, 42);
    assert_int_equal(err.status, BEAMR_OK);
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, NULL), BEAMR_OK);
    assert_int_equal(code, 42);
    run_close(&r);
}

static void a_trap_is_no_exit(void **state)
{
    run r = RUN("_start", "", 0x00);
    beamr_error err = {0};
    uint32_t code = 99;

    (void)state;
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNREACHABLE);
    assert_int_equal(code, 99);
    run_close(&r);
}

static void what_is_no_program_is_not_run(void **state)
{
    run r = RUN("_start", "l", 0x01);
    beamr_error err = {0};
    uint32_t code;

    (void)state;
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, &err), BEAMR_NOT_FOUND);
    assert_text(err, "_start");
    assert_int_equal(runs(&r), 0);
    run_close(&r);
    r = RUN("other", "", 0x01);
    beamr_error_clear(&err);
    assert_int_equal(beamr_guest_run(r.wasi, r.instance, &code, &err), BEAMR_NOT_FOUND);
    assert_int_equal(beamr_guest_initialize(r.wasi, r.instance, &err), BEAMR_OK);
    assert_int_equal(runs(&r), 0);
    run_close(&r);
}

static void languages_are_initialized(void **state)
{
    static const char *const names[] = {"_initialize", "__wasm_call_ctors"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run r = RUN(names[i], "", 0x01);

        assert_int_equal(beamr_guest_initialize(r.wasi, r.instance, NULL), BEAMR_OK);
        assert_int_equal(runs(&r), 1);
        run_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_are_told_apart),
        cmocka_unit_test(memories_and_tables_of_env_are_made),
        cmocka_unit_test(other_objects_are_named),
        cmocka_unit_test(a_start_function_that_drops_an_object_traps),
        cmocka_unit_test(the_embedders_imports_go_first),
        cmocka_unit_test(the_embedders_imports_may_have_types_of_their_own),
        cmocka_unit_test(what_belongs_to_the_language_is_told),
        cmocka_unit_test(a_program_that_returns_has_code_0),
        cmocka_unit_test(the_exit_code_is_passed_on),
        cmocka_unit_test(a_trap_is_no_exit),
        cmocka_unit_test(what_is_no_program_is_not_run),
        cmocka_unit_test(languages_are_initialized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
