/* What the translator makes of a function: pairs that are fused, and hostile sizes. That every
 * instruction does what it says is the official suite's. */
#include "fixture.h"

#include <pthread.h>
#include <time.h>

/* Sections up to the code of a module with one function "f" and one page of memory with
 * addresses of 32 or 64 bits. */
static void open_function(wasm_builder *w, bool is64, const char *params, const char *results)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, params, results);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, is64 ? 4 : 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
}

static beamr_func *instantiate(fixture *f, wasm_builder *w)
{
    return beamr_instance_find_func(fixture_instance(f, w, NULL, 0), "f");
}

/* ---- Fused pairs ---- */

/* The second summand is in the slot that the constant would take. */
static void a_constant_is_stored_at_a_sum_of_two_results(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;
    beamr_value args[2] = {beamr_i32(100), beamr_i32(10)}, result;

    (void)state;
    open_function(&w, false, "ii", "i");
    WASM_BODY(&w, 0x20, 0, 0x41, 5, 0x6c, /* local.get 0, i32.const 5, i32.mul */
              0x20, 1, 0x41, 3, 0x6c,     /* local.get 1, i32.const 3, i32.mul */
              0x6a,                       /* i32.add */
              0x41, 7, 0x36, 2, 0,        /* i32.const 7, i32.store */
              0x41, 0x92, 4, 0x28, 2, 0); /* i32.const 530, i32.load */
    wasm_end(&w);
    func = instantiate(&f, &w);
    assert_int_equal(beamr_func_call(func, args, 2, &result, 1, NULL), BEAMR_OK);
    assert_int_equal(result.of.i32, 7);
    fixture_close(&f);
}

/* Likewise when a constant too wide for the short form has gone to the second slot. */
static void a_constant_is_stored_at_a_sum_with_a_wide_constant(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;
    beamr_value args[1] = {beamr_i64(INT64_C(0x400) - (INT64_C(1) << 32))}, result;

    (void)state;
    open_function(&w, true, "l", "i");
    WASM_BODY(&w, 0x20, 0, 0x42, 3, 0x7e,               /* local.get 0, i64.const 3, i64.mul */
              0x42, 0x80, 0x80, 0x80, 0x80, 0x30, 0x7c, /* i64.const 3 << 32, i64.add */
              0x41, 7, 0x36, 2, 0,                      /* i32.const 7, i32.store */
              0x42, 0x80, 0x18, 0x28, 2, 0);            /* i64.const 0xc00, i32.load */
    wasm_end(&w);
    func = instantiate(&f, &w);
    assert_int_equal(beamr_func_call(func, args, 1, &result, 1, NULL), BEAMR_OK);
    assert_int_equal(result.of.i32, 7);
    fixture_close(&f);
}

/* ---- Branch tables ---- */

/* Values that are not in place go by a stub; one label may be named several times. */
static void a_br_table_moves_its_value_for_each_label(void **state)
{
    static const int32_t expected[] = {41, 42, 41, 5, 5};
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;

    (void)state;
    open_function(&w, false, "i", "i");
    WASM_BODY(&w, 0x02, 0x7f, 0x02, 0x7f, /* block i32, block i32 */
              0x41, 9, 0x41, 5, 0x20, 0,  /* i32.const 9, i32.const 5, local.get 0 */
              0x0e, 4, 0, 1, 0, 2, 2,     /* br_table 0 1 0 2 2 */
              0x0b, 0x41, 36, 0x6a, 0x0f, /* end, i32.const 36, i32.add, return */
              0x0b, 0x41, 37, 0x6a);      /* end, i32.const 37, i32.add */
    wasm_end(&w);
    func = instantiate(&f, &w);
    for (int32_t i = 0; i < 5; i++) {
        beamr_value arg = beamr_i32(i), result;

        assert_int_equal(beamr_func_call(func, &arg, 1, &result, 1, NULL), BEAMR_OK);
        assert_int_equal(result.of.i32, expected[i]);
    }
    fixture_close(&f);
}

#define MANY_BLOCKS 90000u
#define MANY_TABLES 700000u

/* The time for a br_table does not grow with the blocks around it. */
static void many_br_tables_in_many_blocks_are_translated(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;
    clock_t start;

    (void)state;
    open_function(&w, false, "", "");
    wasm_sized(&w);
    WASM(&w, 0);
    for (uint32_t i = 0; i < MANY_BLOCKS; i++)
        WASM(&w, 0x02, 0x40);
    for (uint32_t i = 0; i < MANY_TABLES; i++)
        WASM(&w, 0x02, 0x40, 0x41, 0, 0x0e, 0, 0, 0x0b); /* block, br_table 0, end */
    for (uint32_t i = 0; i < MANY_BLOCKS; i++)
        WASM(&w, 0x0b);
    WASM(&w, 0x0b);
    wasm_end(&w);
    wasm_end(&w);
    func = instantiate(&f, &w);
    start = clock();
    assert_int_equal(beamr_func_call(func, NULL, 0, NULL, 0, NULL), BEAMR_OK);
    assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
    fixture_close(&f);
}

/* ---- Exceptions ---- */

static void *interrupt_soon(void *store)
{
    const struct timespec pause = {0, 20000000};

    (void)nanosleep(&pause, NULL);
    beamr_store_interrupt(store);
    return NULL;
}

static beamr_status start_interrupter(const beamr_call *call, const beamr_value *args,
                                      beamr_value *results, beamr_error *err)
{
    (void)args, (void)results, (void)err;
    assert_int_equal(pthread_create(call->user, NULL, interrupt_soon, call->store), 0);
    return BEAMR_OK;
}

#define MANY_CLAUSES 10000u
#define MANY_HANDLERS 100u
#define MANY_FRAMES 50000

/* f(n) calls f(n - 1) inside a million clauses; f(0) throws what none of them catches. */
static void build_deep_throw(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "host", "h");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 1);
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 2, 0, 0, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
    wasm_sized(w);
    WASM(w, 0);
    for (uint32_t i = 0; i < MANY_HANDLERS; i++) {
        WASM(w, 0x1f, 0x40);
        wasm_u32(w, MANY_CLAUSES);
        for (uint32_t k = 0; k < MANY_CLAUSES; k++)
            WASM(w, 0, 0, 0); /* catch 0 0 */
    }
    WASM(w, 0x20, 0, 0x04, 0x40,                /* local.get 0, if */
         0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x05, /* local.get 0, 1, i32.sub, call f, else */
         0x10, 0, 0x08, 1, 0x0b);               /* call h, throw 1, end */
    for (uint32_t i = 0; i <= MANY_HANDLERS; i++)
        WASM(w, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

static void the_search_for_a_handler_is_interrupted(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    pthread_t thread;
    beamr_value arg = beamr_i32(MANY_FRAMES);
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    beamr_error err = {0};
    beamr_instance *inst;

    (void)state;
    import.of.func = fixture_func(&f, "", "", start_interrupter, &thread);
    build_deep_throw(&w);
    inst = fixture_instance(&f, &w, &import, 1);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(inst, "f"), &arg, 1, NULL, 0, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_is_stored_at_a_sum_of_two_results),
        cmocka_unit_test(a_constant_is_stored_at_a_sum_with_a_wide_constant),
        cmocka_unit_test(a_br_table_moves_its_value_for_each_label),
        cmocka_unit_test(many_br_tables_in_many_blocks_are_translated),
        cmocka_unit_test(the_search_for_a_handler_is_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
