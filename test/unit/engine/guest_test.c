/* Guests and hosts calling each other: re-entrance, traps, exceptions, interrupts, limits; and
 * that an instance can be used after each of them. */
#include "fixture.h"

#include <pthread.h>
#include <unistd.h>

/* Functions of the sample module; 0 is the imported one. */
static const char *const exports[] = {"div",    "call",      "spin",  "deep", "catch",
                                      "legacy", "catch_all", "throw", "storm"};

static void build_types(wasm_builder *w)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 4);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "i");
    wasm_functype(w, "ii", "i");
    wasm_functype(w, "i", "");
    wasm_end(w);
}

static void build_code(wasm_builder *w)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 9);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x6d);          /* div: a / b */
    WASM_BODY(w, 0x20, 0, 0x10, 0);                /* call: host(a) */
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);       /* spin: loop br 0 */
    WASM_BODY(w, 0x20, 0, 0x41, 1, 0x6a, 0x10, 4); /* deep: deep(a + 1) */
    /* catch: host(a), or 1000 + what it throws */
    WASM_BODY(w, 0x02, 0x7f, 0x1f, 0x7f, 1, 0, 0, 0, 0x20, 0, 0x10, 0, 0x0b, 0x0f, 0x0b, 0x41,
              0xe8, 0x07, 0x6a);
    /* legacy: likewise with the older instructions, and 2000 */
    WASM_BODY(w, 0x06, 0x7f, 0x20, 0, 0x10, 0, 0x07, 0, 0x41, 0xd0, 0x0f, 0x6a, 0x0b);
    /* catch_all: host(a), or -1 */
    WASM_BODY(w, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x20, 0, 0x10, 0, 0x0f, 0x0b, 0x0b, 0x41,
              0x7f);
    WASM_BODY(w, 0x20, 0, 0x08, 0); /* throw: throws a */
    /* storm: a times, throw and catch */
    WASM_BODY(w, 0x03, 0x40, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x20, 0, 0x08, 0, 0x0b, 0x0b,
              0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b);
    wasm_end(w);
}

static void build(wasm_builder *w)
{
    wasm_begin(w);
    build_types(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 2);
    wasm_import(w, "env", "host");
    WASM(w, 0x00, 1);
    wasm_import(w, "env", "tag");
    WASM(w, 0x04, 0, 3);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 9, 2, 1, 0, 1, 1, 1, 1, 3, 3);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x00, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 10);
    for (uint32_t i = 0; i < 9; i++)
        wasm_export(w, exports[i], 0, i + 1);
    wasm_export(w, "memory", 2, 0);
    wasm_end(w);
    build_code(w);
}

typedef struct guest {
    fixture f;
    beamr_tag *tag;
    beamr_instance *inst;
    beamr_status (*host)(struct guest *g, const beamr_call *call, int32_t arg, int32_t *result,
                         beamr_error *err);
    int depth;
} guest;

static beamr_status host_import(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    guest *g = call->user;

    assert_ptr_equal(call->store, g->f.store);
    return g->host(g, call, args[0].of.i32, &results[0].of.i32, err);
}

static void guest_open_with(guest *g, const beamr_config *config,
                            const beamr_store_limits *limits)
{
    beamr_extern imports[2] = {{.kind = BEAMR_EXTERN_FUNC}, {.kind = BEAMR_EXTERN_TAG}};
    wasm_builder w = {0};

    *g = (guest){.f = fixture_open_with(config, limits)};
    assert_int_equal(beamr_tag_new(g->f.store, fixture_type("i", ""), &g->tag, NULL), BEAMR_OK);
    imports[0].of.func = fixture_func(&g->f, "i", "i", host_import, g);
    imports[1].of.tag = g->tag;
    build(&w);
    g->inst = fixture_instance(&g->f, &w, imports, 2);
}

static void guest_open(guest *g)
{
    guest_open_with(g, NULL, NULL);
}

static void guest_close(guest *g)
{
    fixture_close(&g->f);
}

static beamr_status run(guest *g, const char *name, int32_t arg, int32_t *result,
                        beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(g->inst, name);
    beamr_functype type = beamr_func_type(func);
    beamr_value args[2] = {beamr_i32(arg), beamr_i32(0)};
    beamr_value out = beamr_i32(0);
    beamr_status st;

    if (err)
        beamr_error_clear(err);
    st = beamr_func_call(func, args, type.param_count, &out, type.result_count, err);
    if (st == BEAMR_OK && result)
        *result = out.of.i32;
    return st;
}

/* The instance works. */
static void assert_usable(guest *g)
{
    beamr_func *div = beamr_instance_find_func(g->inst, "div");
    beamr_value args[2] = {beamr_i32(84), beamr_i32(-2)};
    beamr_value out;
    beamr_error err = {0};

    if (beamr_func_call(div, args, 2, &out, 1, &err) != BEAMR_OK)
        fail_msg("div: %s", err.text);
    assert_int_equal(out.of.i32, -42);
}

/* ---- Calls ---- */

static beamr_status look_at_caller(guest *g, const beamr_call *call, int32_t arg,
                                   int32_t *result, beamr_error *err)
{
    (void)err;
    assert_ptr_equal(call->caller, g->inst);
    assert_int_equal(*result, 0);
    beamr_memory_data(beamr_instance_memory(call->caller, 0))[5] = 99;
    *result = arg * 2;
    return BEAMR_OK;
}

static void host_sees_its_caller(void **state)
{
    guest g;
    int32_t result = 0;

    (void)state;
    guest_open(&g);
    g.host = look_at_caller;
    assert_int_equal(run(&g, "call", -21, &result, NULL), BEAMR_OK);
    assert_int_equal(result, -42);
    assert_int_equal(beamr_memory_data(beamr_instance_find_memory(g.inst, "memory"))[5], 99);
    guest_close(&g);
}

static beamr_status call_back(guest *g, const beamr_call *call, int32_t arg, int32_t *result,
                              beamr_error *err)
{
    beamr_status st;

    (void)call;
    if (arg == 0)
        return BEAMR_OK;
    g->depth++;
    if ((st = run(g, "call", arg - 1, result, err)) != BEAMR_OK)
        return st;
    assert_usable(g);
    *result += arg;
    return BEAMR_OK;
}

static void guest_and_host_call_each_other(void **state)
{
    guest g;
    int32_t result = 0;

    (void)state;
    guest_open(&g);
    g.host = call_back;
    assert_int_equal(run(&g, "call", 100, &result, NULL), BEAMR_OK);
    assert_int_equal(result, 5050);
    guest_close(&g);
}

/* Instantiate the caller's module again, and use the new instance. */
static beamr_status instantiate_inside(guest *g, const beamr_call *call, int32_t arg,
                                       int32_t *result, beamr_error *err)
{
    beamr_extern imports[2] = {{.kind = BEAMR_EXTERN_FUNC}, {.kind = BEAMR_EXTERN_TAG}};
    beamr_instance *inst = NULL, *caller = call->caller;
    beamr_value args[2] = {beamr_i32(arg), beamr_i32(2)}, out;
    beamr_status st;

    imports[0].of.func = fixture_func(&g->f, "i", "i", host_import, g);
    imports[1].of.tag = g->tag;
    if ((st = beamr_instance_new(call->store, beamr_instance_module(caller), imports, 2, &inst,
                                 err)) != BEAMR_OK)
        return st;
    assert_ptr_not_equal(inst, caller);
    st = beamr_func_call(beamr_instance_find_func(inst, "div"), args, 2, &out, 1, err);
    *result = out.of.i32;
    return st;
}

static void hosts_instantiate_within_calls(void **state)
{
    int32_t result = 0;
    guest g;

    (void)state;
    guest_open(&g);
    g.host = instantiate_inside;
    for (int32_t i = 0; i < 100; i++) {
        assert_int_equal(run(&g, "call", 2 * i, &result, NULL), BEAMR_OK);
        assert_int_equal(result, i);
    }
    guest_close(&g);
}

static void nesting_has_a_limit(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    guest g;

    (void)state;
    limits.max_nesting = 10;
    guest_open_with(&g, NULL, &limits);
    g.host = call_back;
    assert_int_equal(run(&g, "call", 1000, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_int_equal(g.depth, 10);
    assert_usable(&g);
    guest_close(&g);
}

static void recursion_has_a_limit_also_below_host_calls(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    guest g;

    (void)state;
    for (uint32_t units = 0; units < 3000; units = units * 3 + 17) {
        limits.max_stack_units = units;
        guest_open_with(&g, NULL, &limits);
        g.host = call_back;
        assert_int_equal(run(&g, "deep", 0, NULL, &err), BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
        assert_int_equal(run(&g, "call", 1000, NULL, &err), BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
        guest_close(&g);
    }
    guest_open(&g);
    assert_int_equal(run(&g, "deep", 0, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_true(err.frame_total > 1000);
    assert_usable(&g);
    guest_close(&g);
}

/* ---- Traps ---- */

static beamr_status fail_plainly(guest *g, const beamr_call *call, int32_t arg, int32_t *result,
                                 beamr_error *err)
{
    (void)g;
    (void)call;
    (void)result;
    return beamr_fail(err, BEAMR_IO, 0, "no tape in drive %d", arg);
}

static void traps_leave_the_instance_usable(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(run(&g, "div", 1, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(err.frame_count, 1);
    assert_int_equal(err.frames[0].func, 1);
    assert_string_equal(err.frames[0].name, "div");
    assert_usable(&g);
    guest_close(&g);
}

static void host_errors_are_traps_that_guests_cannot_catch(void **state)
{
    static const char *const names[] = {"call", "catch", "legacy", "catch_all"};
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    g.host = fail_plainly;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(run(&g, names[i], 7, NULL, &err), BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_HOST);
        assert_string_equal(err.text, "no tape in drive 7");
        assert_usable(&g);
    }
    guest_close(&g);
}

static beamr_status fail_inside(guest *g, const beamr_call *call, int32_t arg, int32_t *result,
                                beamr_error *err)
{
    (void)call;
    (void)result;
    if (arg == 1)
        return run(g, "div", 1, NULL, err);
    assert_int_equal(run(g, "div", 1, NULL, err), BEAMR_TRAP);
    return BEAMR_OK; /* swallowed, with the text still in err */
}

static void inner_traps_pass_or_are_swallowed(void **state)
{
    beamr_error err = {0};
    int32_t result = 5;
    guest g;

    (void)state;
    guest_open(&g);
    g.host = fail_inside;
    assert_int_equal(run(&g, "catch_all", 1, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(run(&g, "catch_all", 2, &result, &err), BEAMR_OK);
    assert_int_equal(result, 0);
    assert_int_equal(err.status, BEAMR_OK);
    guest_close(&g);
}

/* ---- Exceptions ---- */

static beamr_status throw_arg(guest *g, const beamr_call *call, int32_t arg, int32_t *result,
                              beamr_error *err)
{
    beamr_value v = beamr_i32(arg);

    (void)result;
    return beamr_throw(call->store, g->tag, &v, 1, err);
}

static beamr_status throw_from_guest(guest *g, const beamr_call *call, int32_t arg,
                                     int32_t *result, beamr_error *err)
{
    (void)call;
    (void)result;
    return run(g, "throw", arg, NULL, err);
}

static void guests_catch_what_hosts_throw(void **state)
{
    beamr_error err = {0};
    int32_t result = 0;
    guest g;

    (void)state;
    guest_open(&g);
    for (int i = 0; i < 2; i++) {
        g.host = i == 0 ? throw_arg : throw_from_guest;
        assert_int_equal(run(&g, "catch", 5, &result, &err), BEAMR_OK);
        assert_int_equal(result, 1005);
        assert_int_equal(run(&g, "legacy", 5, &result, &err), BEAMR_OK);
        assert_int_equal(result, 2005);
        assert_int_equal(run(&g, "catch_all", 5, &result, &err), BEAMR_OK);
        assert_int_equal(result, -1);
        assert_int_equal(err.status, BEAMR_OK);
        assert_null(beamr_exception_take(g.f.store));
        assert_int_equal(run(&g, "call", 5, &result, &err), BEAMR_EXCEPTION);
        beamr_exception_release(g.f.store, beamr_exception_take(g.f.store));
        assert_usable(&g);
    }
    guest_close(&g);
}

static void uncaught_exceptions_reach_the_embedder(void **state)
{
    beamr_error err = {0};
    beamr_exception *e;
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(run(&g, "throw", -9, NULL, &err), BEAMR_EXCEPTION);
    assert_text(err, "uncaught exception");
    e = beamr_exception_take(g.f.store);
    assert_ptr_equal(beamr_exception_tag(e), g.tag);
    assert_int_equal(run(&g, "storm", 2000, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_exception_arg(e, 0).of.i32, -9);
    beamr_exception_release(g.f.store, e);
    guest_close(&g);
}

static void many_throws_in_one_call(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(run(&g, "storm", 300000, NULL, NULL), BEAMR_OK);
    guest_close(&g);
}

/* ---- Interrupts and fuel ---- */

static void *interrupt_soon(void *store)
{
    usleep(20000);
    beamr_store_interrupt(store);
    return NULL;
}

static void interrupts_from_another_thread_end_a_loop(void **state)
{
    beamr_error err = {0};
    pthread_t thread;
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, g.f.store), 0);
    assert_int_equal(run(&g, "spin", 0, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    pthread_join(thread, NULL);
    assert_usable(&g);
    beamr_store_interrupt(g.f.store);
    beamr_store_clear_interrupt(g.f.store);
    assert_int_equal(run(&g, "storm", 10, NULL, NULL), BEAMR_OK);
    beamr_store_interrupt(g.f.store);
    assert_int_equal(run(&g, "spin", 0, NULL, NULL), BEAMR_TRAP);
    assert_usable(&g);
    guest_close(&g);
}

static beamr_status interrupt_self(guest *g, const beamr_call *call, int32_t arg,
                                   int32_t *result, beamr_error *err)
{
    (void)arg;
    (void)result;
    beamr_store_interrupt(call->store);
    return run(g, "spin", 0, NULL, err);
}

static void interrupts_pass_through_host_frames_uncaught(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    g.host = interrupt_self;
    assert_int_equal(run(&g, "catch_all", 0, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_usable(&g);
    guest_close(&g);
}

static void fuel_ends_a_loop_at_the_same_place(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    uint64_t before;
    guest g;

    (void)state;
    config.metering = true;
    guest_open_with(&g, &config, NULL);
    before = beamr_store_fuel(g.f.store);
    assert_usable(&g);
    assert_true(beamr_store_fuel(g.f.store) < before);
    beamr_store_set_fuel(g.f.store, 100000);
    assert_int_equal(run(&g, "spin", 0, NULL, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_OUT_OF_FUEL);
    beamr_store_set_fuel(g.f.store, 100000);
    assert_usable(&g);
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_sees_its_caller),
        cmocka_unit_test(guest_and_host_call_each_other),
        cmocka_unit_test(hosts_instantiate_within_calls),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(recursion_has_a_limit_also_below_host_calls),
        cmocka_unit_test(traps_leave_the_instance_usable),
        cmocka_unit_test(host_errors_are_traps_that_guests_cannot_catch),
        cmocka_unit_test(inner_traps_pass_or_are_swallowed),
        cmocka_unit_test(guests_catch_what_hosts_throw),
        cmocka_unit_test(uncaught_exceptions_reach_the_embedder),
        cmocka_unit_test(many_throws_in_one_call),
        cmocka_unit_test(interrupts_from_another_thread_end_a_loop),
        cmocka_unit_test(interrupts_pass_through_host_frames_uncaught),
        cmocka_unit_test(fuel_ends_a_loop_at_the_same_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
