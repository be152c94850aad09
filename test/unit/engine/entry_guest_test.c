/* Calls that wait, seen from the guest: where it asks, what it catches, what it pays, and that
 * its state is its own when it goes on. */
#include "waiting.h"

/* ---- Places to ask from ---- */

static void every_kind_of_call_can_wait(void **state)
{
    static const char *const names[] = {"ask",           "indirect", "tail",
                                        "tail_indirect", "call",     "ask_in_try"};
    waiting w = waiting_open();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        waiting_ends(&w, waiting_begin(&w, names[i], 5), 41, 42);
    waiting_ends(&w, waiting_begin(&w, "only_tail", 5), 41, 41);
    waiting_ends(&w, waiting_begin(&w, "tail_in_try", 5), 41, 41);
    waiting_ends(&w, waiting_begin(&w, "deep", 1000), 41, 1041);
    waiting_close(&w);
}

/* (func (export "r") (param i32) (result i32) ref.func 0 call_ref 0), and the same with
 * return_call_ref; function 0 is an import. */
static void build_refs(wasm_builder *b)
{
    wasm_begin(b);
    wasm_section(b, WASM_TYPE);
    wasm_u32(b, 1);
    wasm_functype(b, "i", "i");
    wasm_end(b);
    wasm_section(b, WASM_IMPORT);
    wasm_u32(b, 1);
    wasm_import(b, "host", "ask");
    WASM(b, 0, 0);
    wasm_end(b);
    wasm_section(b, WASM_FUNCTION);
    WASM(b, 2, 0, 0);
    wasm_end(b);
    wasm_section(b, WASM_EXPORT);
    wasm_u32(b, 3);
    wasm_export(b, "ask", 0, 0); /* declares ref.func 0, and gives the import away */
    wasm_export(b, "ref", 0, 1);
    wasm_export(b, "tail_ref", 0, 2);
    wasm_end(b);
    wasm_section(b, WASM_CODE);
    wasm_u32(b, 2);
    WASM_BODY(b, 0x20, 0, 0xd2, 0, 0x14, 0);
    WASM_BODY(b, 0x20, 0, 0xd2, 0, 0x15, 0);
    wasm_end(b);
}

static void calls_of_references_can_wait(void **state)
{
    waiting w = waiting_open();
    fixture f = {w.engine, w.store};
    wasm_builder b = {0};
    beamr_extern import = {BEAMR_EXTERN_FUNC, {.func = w.ask}};
    beamr_instance *guest = w.guest;

    (void)state;
    build_refs(&b);
    w.guest = fixture_instance(&f, &b, &import, 1);
    waiting_ends(&w, waiting_begin(&w, "ref", 5), 41, 41);
    waiting_ends(&w, waiting_begin(&w, "tail_ref", 5), 41, 41);
    waiting_ends(&w, waiting_begin(&w, "ask", 5), 41, 41);
    w.guest = guest;
    waiting_close(&w);
}

/* The import of one instance is a function of another, which asks. */
static void a_call_across_instances_can_wait(void **state)
{
    waiting w = waiting_open();
    fixture f = {w.engine, w.store};
    wasm_builder b = {0};
    beamr_extern import = {BEAMR_EXTERN_FUNC, {.func = waiting_func(&w, "deep")}};
    beamr_instance *guest = w.guest;
    beamr_request request;
    beamr_entry entry;

    (void)state;
    build_refs(&b);
    w.guest = fixture_instance(&f, &b, &import, 1);
    entry = waiting_begin(&w, "ref", 5);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, NULL, 0, NULL), BEAMR_OK);
    assert_ptr_equal(request.caller, guest);
    waiting_ends(&w, entry, 41, 46);
    waiting_ends(&w, waiting_begin(&w, "tail_ref", 5), 41, 46);
    entry = waiting_begin(&w, "tail_ref", 5);
    assert_int_equal(beamr_entry_cancel(w.store, entry, NULL), BEAMR_OK);
    w.guest = guest;
    waiting_works(&w);
    waiting_close(&w);
}

/* (module (import "host" "ask" (func)) (start 0)) */
static void a_start_function_cannot_wait(void **state)
{
    waiting w = waiting_open();
    fixture f = {w.engine, w.store};
    wasm_builder b = {0};
    beamr_extern import = {BEAMR_EXTERN_FUNC,
                           {.func = waiting_host(w.store, "ask", "", "", (beamr_host){0})}};
    beamr_instance *inst = NULL;
    beamr_error err = {0};
    beamr_module *m;

    (void)state;
    wasm_begin(&b);
    wasm_section(&b, WASM_TYPE);
    wasm_u32(&b, 1);
    wasm_functype(&b, "", "");
    wasm_end(&b);
    wasm_section(&b, WASM_IMPORT);
    wasm_u32(&b, 1);
    wasm_import(&b, "host", "ask");
    WASM(&b, 0, 0);
    wasm_end(&b);
    wasm_section(&b, WASM_START);
    WASM(&b, 0);
    wasm_end(&b);
    m = fixture_load(&f, &b);
    assert_int_equal(beamr_instance_new(w.store, m, &import, 1, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_HOST);
    assert_text(err, "this call cannot wait");
    assert_true(beamr_store_waiting(w.store) == 0);
    beamr_module_unref(m);
    waiting_works(&w);
    waiting_close(&w);
}

static void a_plain_call_traps_where_it_would_wait(void **state)
{
    waiting w = waiting_open();
    beamr_value in = beamr_i32(2), out;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_func_call(waiting_func(&w, "deep_in_try"), &in, 1, &out, 1, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_HOST);
    assert_text(err, "this call cannot wait");
    assert_int_equal(err.frame_total, 4);
    waiting_works(&w);
    waiting_close(&w);
}

/* ---- Exceptions ---- */

/* Throw as the answer; the call must end in `result`. */
static void expect_caught(const waiting *w, const char *name, int32_t result)
{
    beamr_entry entry = waiting_begin(w, name, 1);
    beamr_exception *e = waiting_exception(w, 7);
    beamr_value out;
    beamr_error err = {0};
    beamr_status st =
        beamr_entry_resume(w->store, entry, &(beamr_answer){.exception = e}, &out, 1, &err);

    beamr_exception_release(w->store, e);
    if (st != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    assert_int_equal(out.of.i32, result);
}

static void expect_uncaught(const waiting *w, const char *name)
{
    beamr_entry entry = waiting_begin(w, name, 1);
    beamr_exception *e = waiting_exception(w, 8), *got;
    beamr_value out;
    beamr_error err = {0};

    assert_int_equal(
        beamr_entry_resume(w->store, entry, &(beamr_answer){.exception = e}, &out, 1, &err),
        BEAMR_EXCEPTION);
    assert_text(err, "uncaught exception");
    got = beamr_exception_take(w->store);
    assert_ptr_equal(got, e);
    assert_int_equal(beamr_exception_arg(got, 0).of.i32, 8);
    beamr_exception_release(w->store, got);
    beamr_exception_release(w->store, e);
}

static void an_answer_can_throw(void **state)
{
    waiting w = waiting_open();

    (void)state;
    expect_caught(&w, "ask_in_try", 1007);
    expect_caught(&w, "deep_in_try", 1007);
    expect_caught(&w, "hold", 7);
    expect_uncaught(&w, "ask");
    expect_uncaught(&w, "tail");
    expect_uncaught(&w, "only_tail");
    expect_uncaught(&w, "tail_in_try"); /* it has left the try */
    expect_uncaught(&w, "deep");
    waiting_works(&w);
    waiting_close(&w);
}

/* Uses the newer encoding. Imports the function ask, [i32] -> [i32], and a tag, [i32] -> [].
 *   catch:  try_table (catch 0) (ask); the payload plus 1000
 *   keep:   throws, keeps the exnref in a local, asks, throws it again, catches; the payload */
static void build_try_table(wasm_builder *b)
{
    wasm_begin(b);
    wasm_section(b, WASM_TYPE);
    wasm_u32(b, 2);
    wasm_functype(b, "i", "i");
    wasm_functype(b, "i", "");
    wasm_end(b);
    wasm_section(b, WASM_IMPORT);
    wasm_u32(b, 2);
    wasm_import(b, "host", "ask");
    WASM(b, 0, 0);
    wasm_import(b, "host", "tag");
    WASM(b, 4, 0, 1);
    wasm_end(b);
    wasm_section(b, WASM_FUNCTION);
    WASM(b, 2, 0, 0);
    wasm_end(b);
    wasm_section(b, WASM_EXPORT);
    wasm_u32(b, 2);
    wasm_export(b, "catch", 0, 1);
    wasm_export(b, "keep", 0, 2);
    wasm_end(b);
    wasm_section(b, WASM_CODE);
    wasm_u32(b, 2);
    WASM_BODY(b, 0x02, 0x7f,                    /* block (result i32) */
              0x1f, 0x40, 1, 0x00, 0, 0,        /* try_table (catch 0 0) */
              0x20, 0, 0x10, 0, 0x0f, 0x0b,     /* ask, return, end */
              0x00, 0x0b, 0x41, 0xe8, 7, 0x6a); /* unreachable, end, + 1000 */
    wasm_sized(b);
    WASM(b, 1, 1, 0x69, /* (local exnref) */
         0x02, 0x69, 0x1f, 0x40, 1, 0x03,
         0, /* block (result exnref) try_table (catch_all_ref 0) */
         0x20, 0, 0x08, 0, 0x0b, 0x00, 0x0b,     /* throw 0, end, unreachable, end */
         0x21, 1, 0x41, 7, 0x10, 0, 0x1a,        /* keep it, ask 7, drop */
         0x02, 0x7f, 0x1f, 0x40, 1, 0x00, 0, 0,  /* block (result i32) try_table (catch 0 0) */
         0x20, 1, 0x0a, 0x0b, 0x00, 0x0b, 0x0b); /* throw_ref */
    wasm_end(b);
    wasm_end(b);
}

static beamr_instance *try_table_guest(const waiting *w)
{
    fixture f = {w->engine, w->store};
    wasm_builder b = {0};
    beamr_extern imports[2] = {{BEAMR_EXTERN_FUNC, {.func = w->ask}},
                               {BEAMR_EXTERN_TAG, {.tag = w->tag}}};

    build_try_table(&b);
    return fixture_instance(&f, &b, imports, 2);
}

static void an_answer_can_throw_into_try_table(void **state)
{
    waiting w = waiting_open();
    beamr_instance *guest = w.guest;

    (void)state;
    w.guest = try_table_guest(&w);
    expect_caught(&w, "catch", 1007);
    waiting_ends(&w, waiting_begin(&w, "catch", 5), 41, 41);
    w.guest = guest;
    waiting_close(&w);
}

/* Throw so often that what nobody holds is freed. */
static void churn(const waiting *w)
{
    beamr_value in = beamr_i32(5000), out;

    assert_int_equal(beamr_func_call(waiting_func(w, "churn"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(out.of.i32, 5000);
}

/* In the hidden slot of a catch body, and in a local. */
static void exceptions_held_by_a_waiting_guest_survive_collections(void **state)
{
    waiting w = waiting_open();
    waiting newer = w;
    beamr_entry outer, inner;

    (void)state;
    newer.guest = try_table_guest(&w);
    outer = waiting_begin(&w, "hold", 1234);
    churn(&w);
    inner = waiting_begin(&newer, "keep", 4321);
    churn(&w);
    waiting_ends(&newer, inner, 0, 4321);
    churn(&w);
    waiting_ends(&w, outer, 0, 1234);
    waiting_close(&w);
}

/* An exception among the arguments of what is asked, and in the answer. */
static void exceptions_in_requests_survive_collections(void **state)
{
    waiting w = waiting_open();
    beamr_func *f = waiting_host(w.store, "e", "E", "E", (beamr_host){0});
    beamr_value arg = {.kind = BEAMR_EXNREF, .of.exception = waiting_exception(&w, 77)};
    beamr_value seen, out;
    beamr_answer answer = {.results = &arg, .result_count = 1};
    beamr_request request;
    beamr_entry entry = 0;

    (void)state;
    assert_int_equal(beamr_entry_begin(f, &arg, 1, &out, 1, &entry, NULL), BEAMR_SUSPENDED);
    beamr_exception_release(w.store, arg.of.exception);
    churn(&w);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, &seen, 1, NULL), BEAMR_OK);
    assert_ptr_equal(seen.of.exception, arg.of.exception);
    assert_int_equal(beamr_exception_arg(seen.of.exception, 0).of.i32, 77);
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, &out, 1, NULL), BEAMR_OK);
    assert_int_equal(beamr_exception_arg(out.of.exception, 0).of.i32, 77);
    waiting_close(&w);
}

/* ---- What it pays ---- */

static beamr_status identity(const beamr_call *call, const beamr_value *args,
                             beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)err;
    results[0] = args[0];
    return BEAMR_OK;
}

static void waiting_costs_no_fuel_and_fuel_can_be_set(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    waiting w, sync;
    beamr_value in = beamr_i32(5), out;
    uint64_t spent;
    beamr_error err = {0};
    beamr_entry entry;
    int32_t result;

    (void)state;
    config.metering = true;
    w = waiting_open_with((beamr_host){0}, &config, NULL);
    sync = waiting_in(w.engine, w.module, (beamr_host){.callback = identity}, NULL);
    beamr_store_set_fuel(w.store, 10000);
    beamr_store_set_fuel(sync.store, 10000);
    assert_int_equal(beamr_func_call(waiting_func(&sync, "call"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    waiting_ends(&w, waiting_begin(&w, "call", 5), 5, 6);
    spent = 10000 - beamr_store_fuel(sync.store);
    assert_true(spent > 0);
    assert_true(10000 - beamr_store_fuel(w.store) == spent);

    entry = waiting_begin(&w, "often", 3);
    beamr_store_set_fuel(w.store, 1);
    assert_int_equal(waiting_answer(&w, entry, 1, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_OUT_OF_FUEL);
    assert_true(beamr_store_fuel(w.store) == 0);
    beamr_store_free(sync.store);
    waiting_close(&w);
}

/* How deep a recursion gets until the stack is used up. */
static int32_t dig(const waiting *w)
{
    int32_t before = waiting_count(w);
    beamr_value in = beamr_i32(0), out;
    beamr_error err = {0};

    assert_int_equal(beamr_func_call(waiting_func(w, "dig"), &in, 1, &out, 1, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    return waiting_count(w) - before;
}

static void waiting_calls_keep_their_part_of_the_stack(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    int32_t all, above, again;
    beamr_entry entry, paused;
    waiting w;

    (void)state;
    limits.max_stack_units = 20000;
    w = waiting_open_with((beamr_host){0}, NULL, &limits);
    all = dig(&w);
    entry = waiting_begin(&w, "deep", 300);
    above = dig(&w);
    assert_true(above < all - 200);
    beamr_store_pause(w.store);
    paused = waiting_begin(&w, "calls", 1);
    assert_true(dig(&w) < above);
    waiting_goes_on(&w, paused, 4);
    assert_int_equal(dig(&w), above);
    waiting_ends(&w, entry, 0, 300);
    again = dig(&w);
    assert_int_equal(again, all);
    waiting_close(&w);
}

/* ---- Interrupts ---- */

static void an_interrupt_while_waiting_is_seen_when_it_goes_on(void **state)
{
    waiting w = waiting_open();
    beamr_entry entry = waiting_begin(&w, "often", 2);
    beamr_error err = {0};
    int32_t result;

    (void)state;
    beamr_store_interrupt(w.store);
    assert_int_equal(waiting_answer(&w, entry, 1, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    waiting_works(&w); /* it is taken back */

    entry = waiting_begin(&w, "often", 2);
    beamr_store_interrupt(w.store);
    beamr_store_clear_interrupt(w.store);
    assert_int_equal(waiting_answer(&w, entry, 1, &result, NULL), BEAMR_SUSPENDED);
    waiting_ends(&w, entry, 1, 2);
    waiting_close(&w);
}

/* Above a waiting call it ends only the one that runs. */
static void an_interrupt_ends_the_running_call_only(void **state)
{
    waiting w = waiting_open();
    beamr_entry entry = waiting_begin(&w, "often", 2);
    beamr_error err = {0};
    int32_t result;

    (void)state;
    beamr_store_interrupt(w.store);
    assert_int_equal(beamr_func_call(waiting_func(&w, "spin"), NULL, 0, NULL, 0, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(waiting_answer(&w, entry, 1, &result, NULL), BEAMR_SUSPENDED);
    waiting_ends(&w, entry, 1, 2);
    waiting_close(&w);
}

/* It was seen by a call within, and the call around it waits before it can see it. */
static beamr_status interrupt_within(const beamr_call *call, const beamr_value *args,
                                     beamr_value *results, beamr_error *err)
{
    beamr_func *spin = beamr_instance_find_func(call->caller, "spin");

    (void)args;
    (void)results;
    (void)err;
    beamr_store_interrupt(call->store);
    return beamr_func_call(spin, NULL, 0, NULL, 0, NULL) == BEAMR_TRAP ? BEAMR_SUSPENDED
                                                                       : BEAMR_OK;
}

static void an_interrupt_of_a_call_within_outlasts_waiting(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = interrupt_within}, NULL, NULL);
    beamr_entry entry = waiting_begin(&w, "call_then_call", 1);
    beamr_error err = {0};
    int32_t result;

    (void)state;
    assert_int_equal(waiting_answer(&w, entry, 1, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    waiting_works(&w);
    waiting_close(&w);
}

/* ---- Memory, snapshots, traps ---- */

static void memory_grown_meanwhile_is_seen(void **state)
{
    waiting w = waiting_open();
    beamr_memory *memory = beamr_instance_find_memory(w.guest, "memory");
    uint64_t end = beamr_memory_size(memory);
    beamr_entry entry = waiting_begin(&w, "ask_then_load", (int32_t)end + 100);
    uint32_t word = 0x12345678;

    (void)state;
    assert_int_equal(beamr_memory_grow(memory, 1, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_write(memory, end + 100, &word, sizeof word, NULL), BEAMR_OK);
    waiting_ends(&w, entry, 0, 0x12345678);
    waiting_close(&w);
}

static void snapshots_are_refused_while_a_call_waits(void **state)
{
    waiting w = waiting_open();
    beamr_entry entry = waiting_begin(&w, "ask", 1);
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(beamr_snapshot_save(w.guest, NULL, &bytes, &len, NULL), BEAMR_BUSY);
    assert_null(bytes);
    waiting_ends(&w, entry, 1, 2);
    assert_int_equal(beamr_snapshot_save(w.guest, NULL, &bytes, &len, NULL), BEAMR_OK);
    entry = waiting_begin(&w, "ask", 1);
    assert_int_equal(beamr_snapshot_restore(w.guest, (beamr_bytes){bytes, len}, NULL, NULL),
                     BEAMR_BUSY);
    waiting_ends(&w, entry, 1, 2);
    assert_int_equal(beamr_snapshot_restore(w.guest, (beamr_bytes){bytes, len}, NULL, NULL),
                     BEAMR_OK);
    beamr_snapshot_free(bytes);
    waiting_close(&w);
}

static void traps_after_waiting_have_their_backtrace(void **state)
{
    waiting w = waiting_open();
    waiting sync = waiting_in(w.engine, w.module, (beamr_host){.callback = identity}, NULL);
    beamr_entry entry = waiting_begin(&w, "ask_then_trap", 1);
    beamr_error err = {0};
    int32_t result;

    (void)state;
    assert_int_equal(waiting_answer(&w, entry, 1, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNREACHABLE);
    assert_int_equal(err.frame_total, 1);
    assert_int_equal(err.frame_count, 1);
    assert_string_equal(err.frames[0].name, "ask_then_trap");
    assert_int_equal(waiting_guest[err.frames[0].offset], 0x00); /* unreachable */
    beamr_store_free(sync.store);
    waiting_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_call_can_wait),
        cmocka_unit_test(calls_of_references_can_wait),
        cmocka_unit_test(a_call_across_instances_can_wait),
        cmocka_unit_test(a_start_function_cannot_wait),
        cmocka_unit_test(a_plain_call_traps_where_it_would_wait),
        cmocka_unit_test(an_answer_can_throw),
        cmocka_unit_test(an_answer_can_throw_into_try_table),
        cmocka_unit_test(exceptions_held_by_a_waiting_guest_survive_collections),
        cmocka_unit_test(exceptions_in_requests_survive_collections),
        cmocka_unit_test(waiting_costs_no_fuel_and_fuel_can_be_set),
        cmocka_unit_test(waiting_calls_keep_their_part_of_the_stack),
        cmocka_unit_test(an_interrupt_while_waiting_is_seen_when_it_goes_on),
        cmocka_unit_test(an_interrupt_ends_the_running_call_only),
        cmocka_unit_test(an_interrupt_of_a_call_within_outlasts_waiting),
        cmocka_unit_test(memory_grown_meanwhile_is_seen),
        cmocka_unit_test(snapshots_are_refused_while_a_call_waits),
        cmocka_unit_test(traps_after_waiting_have_their_backtrace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
