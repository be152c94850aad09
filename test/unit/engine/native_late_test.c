/* Native code that comes while calls are active whose stacks have no room for it: what it would
 * run is interpreted there, as deep as ever. */
#include "native.h"

/* `run` calls the host, then the function that this put into the table. */
static void build_outer(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 2);
    wasm_export(w, "run", 0, 1);
    wasm_export(w, "table", 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x20, 0, 0x10, 0, 0x41, 0, 0x11, 0, 0);
    wasm_end(w);
}

/* `up` calls itself as often as it is told, and counts; `tail` likewise, by tail calls. */
static void build_inner(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 2, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 2);
    wasm_export(w, "up", 0, 0);
    wasm_export(w, "tail", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 2);
    WASM_BODY(w, 0x20, 0, 0x45, 0x04, 0x7f, 0x41, 0, 0x05, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0,
              0x41, 1, 0x6a, 0x0b);
    WASM_BODY(w, 0x20, 0, 0x45, 0x04, 0x7f, 0x41, 7, 0x05, 0x20, 0, 0x41, 1, 0x6b, 0x12, 1,
              0x0b);
    wasm_end(w);
}

typedef struct world {
    fixture f;
    beamr_instance *outer, *inner;
    const char *wanted; /* of the inner module */
    bool is_native;
} world;

static beamr_instance *instance(world *w, void (*build)(wasm_builder *), bool is_native,
                                const beamr_extern *imports, size_t count)
{
    beamr_compile_options options = native_options();
    wasm_builder bytes = {0};
    beamr_instance *inst = NULL;
    beamr_module *m = NULL;
    beamr_error err = {0};

    build(&bytes);
    options.threads = 1;
    if (beamr_module_load(w->f.engine, wasm_bytes_of(&bytes), &m, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (is_native && beamr_module_compile(m, &options, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (beamr_instance_new(w->f.store, m, imports, count, &inst, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
    wasm_free(&bytes);
    return inst;
}

/* The inner module comes in the middle of a call. */
static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    world *w = call->user;
    beamr_value v = {.kind = BEAMR_FUNCREF};

    if (!w->inner)
        w->inner = instance(w, build_inner, w->is_native, NULL, 0);
    v.of.func = beamr_instance_find_func(w->inner, w->wanted);
    results[0] = args[0];
    return beamr_table_set(beamr_instance_table(w->outer, 0), 0, &v, err);
}

static void run(const char *wanted, int32_t n, bool is_native, bool again, int32_t *result,
                beamr_error *err)
{
    beamr_value arg = beamr_i32(n), out = {0};
    world w = {.f = native_fixture(false), .wanted = wanted, .is_native = is_native};
    beamr_extern import = {BEAMR_EXTERN_FUNC, {.func = NULL}};

    import.of.func = fixture_func(&w.f, "i", "i", host, &w);
    w.outer = instance(&w, build_outer, false, &import, 1);
    for (int i = 0; i <= again; i++) { /* the second time there is room */
        beamr_error_clear(err);
        (void)beamr_func_call(beamr_instance_find_func(w.outer, "run"), &arg, 1, &out, 1, err);
    }
    *result = out.of.i32;
    fixture_close(&w.f);
}

static void check(const char *wanted, int32_t n)
{
    for (int again = 0; again < 2; again++) {
        beamr_error errors[2] = {{0}, {0}};
        int32_t results[2];

        for (int i = 0; i < 2; i++)
            run(wanted, n, i, again, &results[i], &errors[i]);
        assert_int_equal(errors[0].status, errors[1].status);
        assert_string_equal(errors[0].text, errors[1].text);
        assert_int_equal(errors[0].frame_total, errors[1].frame_total);
        assert_int_equal(results[0], results[1]);
    }
}

static void calls_are_as_deep_as_ever(void **state)
{
    (void)state;
    check("up", 3);
    check("up", 2000);
    check("up", -1); /* until the stack is exhausted */
}

static void tail_calls_take_no_stack(void **state)
{
    (void)state;
    check("tail", 3);
    check("tail", 100000);
}

/* `ask` calls the host and ends in a call of `five`. */
static void build_asking(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 2, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "ask", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 2);
    WASM_BODY(w, 0x20, 0, 0x10, 0, 0x12, 2);
    WASM_BODY(w, 0x41, 5);
    wasm_end(w);
}

static beamr_status interrupt(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    (void)err;
    results[0] = args[0];
    beamr_store_interrupt(((world *)call->user)->f.store);
    return BEAMR_OK;
}

static void a_first_functions_tail_call_hears_of_interrupts(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        world w = {.f = native_fixture(false)};
        beamr_extern import = {BEAMR_EXTERN_FUNC, {.func = NULL}};
        beamr_value arg = beamr_i32(1), out;
        beamr_error err = {0};

        import.of.func = fixture_func(&w.f, "i", "i", interrupt, &w);
        w.outer = instance(&w, build_asking, i, &import, 1);
        assert_int_equal(
            beamr_func_call(beamr_instance_find_func(w.outer, "ask"), &arg, 1, &out, 1, &err),
            BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
        fixture_close(&w.f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_as_deep_as_ever),
        cmocka_unit_test(tail_calls_take_no_stack),
        cmocka_unit_test(a_first_functions_tail_call_hears_of_interrupts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
