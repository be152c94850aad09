/* Fuel: what a call costs, to the unit, by the rules of wasm/cost.def; and that it runs out at
 * the same place always. */
#include "fixture.h"

#include "wasm/opcode.h"

typedef struct metered {
    const char *what;
    int32_t arg;
    uint64_t cost;
    uint8_t body[40];
    uint8_t len;
} metered;

#define METERED(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* Bodies of a function [i32] -> [i32], of which function 1 is the callee: local.get 0. */
static const metered rows[] = {
    {"straight code", 9, 1 + 1 + 4, METERED(0x20, 0, 0x41, 3, 0x6d)},
    {"free instructions", 9, 2, METERED(0x01, 0x01, 0x02, 0x40, 0x41, 1, 0x1a, 0x0b, 0x20, 0)},
    /* loop: a = a - 1, br_if 0; end; a */
    {"a loop, each round", 1, 5 + 1,
     METERED(0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 0)},
    {"a loop of a thousand rounds", 1000, 5000 + 1,
     METERED(0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 0)},
    {"the first arm", 1, 2 + 1,
     METERED(0x20, 0, 0x04, 0x7f, 0x41, 1, 0x05, 0x41, 2, 0x41, 3, 0x6a, 0x0b)},
    {"the second arm", 0, 2 + 3,
     METERED(0x20, 0, 0x04, 0x7f, 0x41, 1, 0x05, 0x41, 2, 0x41, 3, 0x6a, 0x0b)},
    {"an arm that is missing", 0, 2 + 1,
     METERED(0x20, 0, 0x04, 0x40, 0x20, 0, 0x1a, 0x0b, 0x20, 0)},
    {"code behind a taken branch", 1, 2 + 3,
     METERED(0x02, 0x40, 0x20, 0, 0x0d, 0, 0x41, 1, 0x1a, 0x0b, 0x20, 0, 0x20, 0, 0x6a)},
    {"code that cannot be reached", 5, 2, METERED(0x20, 0, 0x0f, 0x41, 1, 0x6a, 0x1a, 0x20, 0)},
    {"a call and its callee", 5, 1 + 4 + 1, METERED(0x20, 0, 0x10, 1)},
    {"a call within a block", 5, 1 + 4 + 1 + 2, METERED(0x20, 0, 0x10, 1, 0x41, 1, 0x6a)},
    {"a tail call", 5, 1 + 4 + 1, METERED(0x20, 0, 0x12, 1)},
    /* memory.fill of a bytes */
    {"nothing in bulk", 0, 3 + 8 + 1,
     METERED(0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 0x0b, 0, 0x20, 0)},
    {"one byte in bulk", 1, 3 + 8 + 1 + 1,
     METERED(0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 0x0b, 0, 0x20, 0)},
    {"bytes in bulk", 10 * WB_COST_BULK_BYTES + 1, 3 + 8 + 1 + 11,
     METERED(0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 0x0b, 0, 0x20, 0)},
    {"memory.grow", 0, 1 + 256, METERED(0x20, 0, 0x40, 0)},
    /* table.grow by a nulls, of a table of at most 100 */
    {"table.grow", 2 * WB_COST_BULK_ITEMS + 1, 2 + 256 + 3,
     METERED(0xd0, 0x70, 0x20, 0, 0xfc, 0x0f, 0)},
    {"a table.grow that fails", 101, 2 + 256, METERED(0xd0, 0x70, 0x20, 0, 0xfc, 0x0f, 0)},
    /* block, try_table (catch_all 0), throw 0, end, end, a */
    {"a throw and its handler", 5, 64 + 1,
     METERED(0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b, 0x20, 0)},
    /* try, throw 0, catch_all, i32.const, drop, end, a */
    {"a throw and its legacy handler", 5, 64 + 1 + 1,
     METERED(0x06, 0x40, 0x08, 0, 0x19, 0x41, 1, 0x1a, 0x0b, 0x20, 0)},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static beamr_func *function_of(fixture *f, const metered *row)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_functype(&w, "i", "i");
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 2, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 1, 0x70, 0x01, 0, 100);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x00, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_TAG);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_export(&w, "f", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 2);
    wasm_sized(&w);
    WASM(&w, 0);
    wasm_bytes(&w, row->body, row->len);
    WASM(&w, 0x0b);
    wasm_end(&w);
    WASM_BODY(&w, 0x20, 0);
    wasm_end(&w);
    return beamr_instance_find_func(fixture_instance(f, &w, NULL, 0), "f");
}

static beamr_status call(beamr_func *func, int32_t arg, beamr_error *err)
{
    beamr_value value = beamr_i32(arg), result;

    beamr_error_clear(err);
    return beamr_func_call(func, &value, 1, &result, 1, err);
}

/* With that little fuel the call traps, and nothing is left. */
static void runs_out(fixture *f, const metered *row, beamr_func *func, uint64_t fuel)
{
    beamr_error err = {0};

    beamr_store_set_fuel(f->store, fuel);
    if (call(func, row->arg, &err) != BEAMR_TRAP || err.trap != BEAMR_TRAP_OUT_OF_FUEL)
        fail_msg("%s: %s with %u units", row->what, err.text, (unsigned)fuel);
    assert_true(beamr_store_fuel(f->store) == 0);
}

static void calls_cost_what_the_table_says(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    fixture f;
    beamr_error err = {0};

    (void)state;
    config.metering = true;
    f = fixture_open_with(&config, NULL);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        beamr_func *func = function_of(&f, &rows[i]);

        for (uint64_t extra = 0; extra < 2; extra++) {
            beamr_store_set_fuel(f.store, rows[i].cost + extra);
            if (call(func, rows[i].arg, &err) != BEAMR_OK)
                fail_msg("%s: %s", rows[i].what, err.text);
            if (beamr_store_fuel(f.store) != extra)
                fail_msg("%s: %u units are left", rows[i].what,
                         (unsigned)beamr_store_fuel(f.store));
        }
        runs_out(&f, &rows[i], func, rows[i].cost - 1);
        runs_out(&f, &rows[i], func, 0);
    }
    fixture_close(&f);
}

static void the_store_tells_what_was_used(void **state)
{
    beamr_config config = {.metering = true};
    fixture f = fixture_open_with(&config, NULL);
    beamr_func *func = function_of(&f, &rows[0]);
    beamr_error err = {0};
    uint64_t used = 0;

    (void)state;
    assert_true(beamr_store_fuel_used(f.store) == 0);
    for (uint64_t given = 100; given > 0; given /= 10) {
        beamr_store_set_fuel(f.store, given);
        assert_true(beamr_store_fuel_used(f.store) == used);
        (void)call(func, rows[0].arg, &err);
        used += given < rows[0].cost ? given : rows[0].cost;
        assert_true(beamr_store_fuel_used(f.store) == used);
    }
    fixture_close(&f);
}

static void nothing_is_charged_without_metering(void **state)
{
    fixture f = fixture_open();
    beamr_error err = {0};

    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        beamr_store_set_fuel(f.store, 1);
        assert_int_equal(call(function_of(&f, &rows[i]), rows[i].arg, &err), BEAMR_OK);
        assert_int_equal(beamr_store_fuel(f.store), 1);
    }
    fixture_close(&f);
}

/* A host function that reports `bytes` of work for each unit of its argument. */
static beamr_status working(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    results[0] = args[0];
    return beamr_store_work(call->store, (uint64_t)args[0].of.i32 * WB_COST_BULK_BYTES, err);
}

static void work_of_the_host_costs_what_bulk_operations_do(void **state)
{
    beamr_config config = {.metering = true};
    fixture f = fixture_open_with(&config, NULL);
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_functype type = {&i32, 1, &i32, 1};
    beamr_func *func = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_func_new(f.store, &type, working, NULL, NULL, &func, &err),
                     BEAMR_OK);
    beamr_store_set_fuel(f.store, 100);
    assert_int_equal(call(func, 60, &err), BEAMR_OK);
    assert_true(beamr_store_fuel(f.store) == 40);
    assert_int_equal(call(func, 41, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_OUT_OF_FUEL);
    assert_true(beamr_store_fuel(f.store) == 0);
    beamr_store_set_fuel(f.store, 100);
    beamr_store_interrupt(f.store);
    assert_int_equal(call(func, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(call(func, 1, &err), BEAMR_OK);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_cost_what_the_table_says),
        cmocka_unit_test(the_store_tells_what_was_used),
        cmocka_unit_test(nothing_is_charged_without_metering),
        cmocka_unit_test(work_of_the_host_costs_what_bulk_operations_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
