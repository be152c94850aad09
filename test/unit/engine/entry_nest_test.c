/* Calls that wait on top of each other: their order, long chains of them, and cancelling. */
#include "waiting.h"

#include <stdio.h>

/* ---- Order ---- */

static void the_last_to_wait_goes_on_first(void **state)
{
    waiting w = waiting_open();
    beamr_entry outer = waiting_begin(&w, "ask", 1), inner = waiting_begin(&w, "deep", 3);
    beamr_error err = {0};
    beamr_request request;
    beamr_value arg;
    int32_t result;
    char text[100];

    (void)state;
    assert_true(beamr_store_waiting(w.store) == inner);
    assert_int_equal(waiting_answer(&w, outer, 1, &result, &err), BEAMR_BUSY);
    (void)snprintf(text, sizeof text, "entry %u was begun after entry %u and has not ended",
                   (unsigned)inner, (unsigned)outer);
    assert_text(err, text);
    /* Both requests are still there. */
    assert_int_equal(beamr_entry_request(w.store, outer, &request, &arg, 1, NULL), BEAMR_OK);
    assert_int_equal(arg.of.i32, 1);
    assert_int_equal(beamr_entry_request(w.store, inner, &request, &arg, 1, NULL), BEAMR_OK);
    assert_int_equal(arg.of.i32, 0);
    waiting_ends(&w, inner, 4, 7);
    waiting_ends(&w, outer, 5, 6);
    waiting_close(&w);
}

/* What a host function does with the entry that it begins. */
typedef enum inner_plan {
    RESUME,
    CANCEL,
    LEAVE,
    LEAVE_TWO,
    LEAVE_AND_THROW,
    PASS_UP
} inner_plan;

typedef struct inner_call {
    inner_plan plan;
    beamr_tag *tag;
    beamr_status begin; /* what came of it */
    beamr_status own;   /* of trying to resume an entry below */
    beamr_entry below;
} inner_call;

static beamr_status begin_within(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    inner_call *inner = call->user;
    beamr_func *ask = beamr_instance_find_func(call->caller, "ask");
    beamr_value value = beamr_i32(10);
    beamr_answer answer = {.results = &value, .result_count = 1};
    beamr_entry entry;

    inner->begin = beamr_entry_begin(ask, args, 1, results, 1, &entry, err);
    if (inner->below)
        inner->own = beamr_entry_cancel(call->store, inner->below, NULL);
    switch (inner->plan) {
    case RESUME:
        return beamr_entry_resume(call->store, entry, &answer, results, 1, err);
    case CANCEL:
        results[0] = beamr_i32(-5);
        return beamr_entry_cancel(call->store, entry, err);
    case LEAVE_TWO:
        inner->begin = beamr_entry_begin(ask, args, 1, results, 1, &entry, err);
        return BEAMR_OK;
    case LEAVE_AND_THROW:
        return beamr_throw(call->store, inner->tag, args, 1, err);
    case PASS_UP:
        return inner->begin;
    default:
        return BEAMR_OK;
    }
}

static void a_host_function_sees_its_call_wait(void **state)
{
    inner_call inner = {.plan = RESUME};
    waiting w =
        waiting_open_with((beamr_host){.callback = begin_within, .user = &inner}, NULL, NULL);
    beamr_value in = beamr_i32(1), out;
    beamr_entry entry = 0;

    (void)state;
    inner.below = waiting_begin(&w, "ask", 1);
    /* Also within a call that cannot wait itself. */
    assert_int_equal(beamr_func_call(waiting_func(&w, "call"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(inner.begin, BEAMR_SUSPENDED);
    assert_int_equal(inner.own, BEAMR_BUSY);
    assert_int_equal(out.of.i32, 12);
    inner.plan = CANCEL;
    assert_int_equal(beamr_entry_begin(waiting_func(&w, "call"), &in, 1, &out, 1, &entry, NULL),
                     BEAMR_OK);
    assert_int_equal(out.of.i32, -4);
    waiting_ends(&w, inner.below, 1, 2);
    waiting_close(&w);
}

static void a_call_left_waiting_is_cancelled_and_the_guest_traps(void **state)
{
    static const inner_plan plans[] = {LEAVE, LEAVE_TWO, LEAVE_AND_THROW, PASS_UP};
    inner_call inner = {0};
    waiting w =
        waiting_open_with((beamr_host){.callback = begin_within, .user = &inner}, NULL, NULL);
    beamr_entry below;

    (void)state;
    inner.tag = w.tag;
    below = waiting_begin(&w, "ask", 1);
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        beamr_value in = beamr_i32(1), out;
        beamr_error err = {0};
        beamr_entry entry = 0;

        inner.plan = plans[i];
        assert_int_equal(
            beamr_entry_begin(waiting_func(&w, "call_counted"), &in, 1, &out, 1, &entry, &err),
            BEAMR_TRAP);
        assert_int_equal(inner.begin, BEAMR_SUSPENDED);
        assert_int_equal(err.trap, BEAMR_TRAP_HOST);
        assert_text(err, "it returned while a call that it began waits");
        assert_int_equal(err.frame_total, 1);
        assert_true(beamr_store_waiting(w.store) == below);
        assert_null(beamr_exception_take(w.store));
    }
    assert_int_equal(waiting_count(&w), 0); /* no guest code ran behind the call */
    waiting_ends(&w, below, 1, 2);
    waiting_close(&w);
}

/* An inner call throws, and what waits between is cancelled on the way. */
static beamr_status throw_past_a_waiting_call(const beamr_call *call, const beamr_value *args,
                                              beamr_value *results, beamr_error *err)
{
    beamr_func *ask = beamr_instance_find_func(call->caller, "ask");
    beamr_func *throws = beamr_instance_find_func(call->caller, "throw");
    beamr_entry entry = 0;
    beamr_status st;

    if (beamr_entry_begin(ask, args, 1, results, 1, &entry, err) != BEAMR_SUSPENDED)
        return BEAMR_ARGUMENT;
    st = beamr_func_call(throws, args, 1, results, 1, err);
    if (beamr_entry_cancel(call->store, entry, NULL) != BEAMR_OK)
        return BEAMR_ARGUMENT;
    return st;
}

static void cancelling_leaves_an_exception_on_its_way(void **state)
{
    waiting w =
        waiting_open_with((beamr_host){.callback = throw_past_a_waiting_call}, NULL, NULL);
    beamr_value in = beamr_i32(12), out;
    beamr_error err = {0};
    beamr_exception *e;

    (void)state;
    assert_int_equal(beamr_func_call(waiting_func(&w, "call"), &in, 1, &out, 1, &err),
                     BEAMR_EXCEPTION);
    e = beamr_exception_take(w.store);
    assert_non_null(e);
    assert_int_equal(beamr_exception_arg(e, 0).of.i32, 12);
    beamr_exception_release(w.store, e);
    waiting_close(&w);
}

/* ---- Long chains ---- */

enum { CHAIN = TEST_IS_TSAN ? 200 : 1000 };

static void nesting_is_limited(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_value in = beamr_i32(0), out;
    beamr_entry entry = 0;
    beamr_error err = {0};
    waiting w;

    (void)state;
    limits.max_nesting = 10;
    w = waiting_open_with((beamr_host){0}, NULL, &limits);
    for (int i = 0; i < 10; i++)
        entry = waiting_begin(&w, "ask", i);
    assert_int_equal(beamr_entry_begin(w.ask, &in, 1, &out, 1, &entry, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    waiting_ends(&w, entry, 1, 2);
    waiting_close(&w);
}

static void chain_open(waiting *w, beamr_entry entries[CHAIN])
{
    *w = waiting_open();
    for (int32_t i = 0; i < CHAIN; i++)
        entries[i] = waiting_begin(w, i % 3 == 0 ? "call_counted" : "ask_in_try", i);
}

static void a_chain_unwinds_by_results(void **state)
{
    beamr_entry entries[CHAIN];
    int32_t last = 0;
    waiting w;

    (void)state;
    chain_open(&w, entries);
    for (int32_t i = CHAIN; i-- > 0; last++)
        waiting_ends(&w, entries[i], last, last + 1);
    assert_int_equal(last, CHAIN);
    assert_int_equal(waiting_count(&w), (CHAIN + 2) / 3);
    waiting_works(&w);
    waiting_close(&w);
}

/* Each level's failure is the answer to the one below. */
static void a_chain_unwinds_by_traps(void **state)
{
    beamr_entry entries[CHAIN];
    beamr_error err = {0};
    waiting w;

    (void)state;
    chain_open(&w, entries);
    (void)beamr_fail_trap(&err, BEAMR_TRAP_INTEGER_OVERFLOW, NULL);
    for (int32_t i = CHAIN; i-- > 0;) {
        beamr_error answer = err;
        beamr_value out;

        beamr_error_clear(&err);
        assert_int_equal(beamr_entry_resume(w.store, entries[i],
                                            &(beamr_answer){.error = &answer}, &out, 1, &err),
                         BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_OVERFLOW);
        assert_int_equal(err.frame_total, CHAIN - i);
    }
    assert_int_equal(waiting_count(&w), 0);
    waiting_works(&w);
    waiting_close(&w);
}

static void a_chain_unwinds_by_an_exception(void **state)
{
    waiting w = waiting_open();
    beamr_entry entries[CHAIN];
    beamr_exception *e, *original;

    (void)state;
    for (int32_t i = 0; i < CHAIN; i++)
        entries[i] = waiting_begin(&w, i % 2 ? "deep" : "tail", i % 5);
    e = original = waiting_exception(&w, 9);
    for (int32_t i = CHAIN; i-- > 0;) {
        beamr_answer answer = {.exception = e};
        beamr_value out;

        assert_int_equal(beamr_entry_resume(w.store, entries[i], &answer, &out, 1, NULL),
                         BEAMR_EXCEPTION);
        beamr_exception_release(w.store, e);
        e = beamr_exception_take(w.store);
        assert_ptr_equal(e, original);
    }
    assert_int_equal(beamr_exception_arg(e, 0).of.i32, 9);
    beamr_exception_release(w.store, e);
    waiting_works(&w);
    waiting_close(&w);
}

static void a_chain_is_cancelled_from_any_place_in_it(void **state)
{
    beamr_entry entries[CHAIN];
    waiting w;

    (void)state;
    chain_open(&w, entries);
    assert_int_equal(beamr_entry_cancel(w.store, entries[CHAIN / 2], NULL), BEAMR_OK);
    assert_true(beamr_store_waiting(w.store) == entries[CHAIN / 2 - 1]);
    waiting_ends(&w, entries[CHAIN / 2 - 1], 5, 6);
    assert_int_equal(beamr_entry_cancel(w.store, entries[0], NULL), BEAMR_OK);
    assert_true(beamr_store_waiting(w.store) == 0);
    assert_int_equal(beamr_entry_cancel(w.store, entries[0], NULL), BEAMR_ARGUMENT);
    waiting_works(&w);
    waiting_close(&w);
    chain_open(&w, entries); /* and the store is freed */
    waiting_close(&w);
}

/* A guest that calls the host, which calls the guest, to a depth; at the bottom it ends in one
 * way or another. */
typedef enum bottom { RESULT, TRAP, THROW, WAIT_AND_RESUME } bottom;

typedef struct recursion {
    bottom bottom;
    beamr_tag *tag;
    bool mixed; /* every third level begins, waits and resumes instead of calling */
} recursion;

/* Begin a call that asks, and answer it. */
static beamr_status ask_and_answer(const beamr_call *call, const char *name,
                                   const beamr_value *arg, beamr_value *results,
                                   beamr_error *err)
{
    beamr_value value = beamr_i32(0);
    beamr_answer answer = {.results = &value, .result_count = 1};
    beamr_entry entry = 0;
    beamr_status st = beamr_entry_begin(beamr_instance_find_func(call->caller, name), arg, 1,
                                        results, 1, &entry, err);

    if (st != BEAMR_SUSPENDED)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%s did not wait", name);
    return beamr_entry_resume(call->store, entry, &answer, results, 1, err);
}

static beamr_status at_the_bottom(const beamr_call *call, const recursion *r,
                                  const beamr_value *args, beamr_value *results,
                                  beamr_error *err)
{
    switch (r->bottom) {
    case TRAP:
        return beamr_fail(err, BEAMR_IO, 0, "the bottom is reached");
    case THROW:
        return beamr_throw(call->store, r->tag, args, 1, err);
    case WAIT_AND_RESUME:
        return ask_and_answer(call, "only_tail", args, results, err);
    default:
        return BEAMR_OK;
    }
}

static beamr_status recurse(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    const recursion *r = call->user;
    int32_t left = args[0].of.i32;
    beamr_value next = beamr_i32(left - 1);
    beamr_func *again = beamr_instance_find_func(call->caller, "call_counted");
    beamr_func *ask = beamr_instance_find_func(call->caller, "ask");
    beamr_entry inner = 0;
    beamr_status st;

    if (left == 0)
        return at_the_bottom(call, r, args, results, err);
    if (!r->mixed || left % 3)
        return beamr_func_call(again, &next, 1, results, 1, err);
    /* Something waits between this level and the next. */
    if (beamr_entry_begin(ask, args, 1, results, 1, &inner, err) != BEAMR_SUSPENDED)
        return BEAMR_ARGUMENT;
    st = beamr_func_call(again, &next, 1, results, 1, err);
    if (st == BEAMR_OK && beamr_entry_cancel(call->store, inner, err) != BEAMR_OK)
        return BEAMR_ARGUMENT;
    return st; /* a failure leaves it to be cancelled */
}

static void expect_recursion(recursion r, bool on_host_stack, int32_t depth)
{
    waiting w = waiting_open_with(
        (beamr_host){.callback = recurse, .on_host_stack = on_host_stack, .user = &r}, NULL,
        NULL);
    beamr_value in = beamr_i32(depth), out;
    beamr_error err = {0};
    beamr_exception *e;
    beamr_status st;

    r.tag = w.tag;
    st = beamr_func_call(waiting_func(&w, "call_counted"), &in, 1, &out, 1, &err);
    if (r.bottom == RESULT || r.bottom == WAIT_AND_RESUME) {
        if (st != BEAMR_OK)
            fail_msg("%s", err.text);
        assert_int_equal(out.of.i32, depth + 1);
        assert_int_equal(waiting_count(&w), depth + 1);
    } else if (r.bottom == TRAP || r.mixed) {
        assert_int_equal(st, BEAMR_TRAP);
        assert_text(err, r.mixed ? "waits" : "the bottom is reached");
        assert_int_equal(waiting_count(&w), 0);
    } else {
        assert_int_equal(st, BEAMR_EXCEPTION);
        e = beamr_exception_take(w.store);
        assert_int_equal(beamr_exception_arg(e, 0).of.i32, 0);
        beamr_exception_release(w.store, e);
    }
    assert_true(beamr_store_waiting(w.store) == 0);
    beamr_store_free(w.store);
    beamr_module_unref(w.module);
    beamr_engine_free(w.engine);
}

static void guests_and_host_functions_nest_deeply(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        int32_t depth = CHAIN - 3; /* and what the bottom begins */

        expect_recursion((recursion){.bottom = (bottom)i}, false, depth);
        expect_recursion((recursion){.bottom = (bottom)i}, true, depth);
        depth = CHAIN * 3 / 4 - 9;
        expect_recursion((recursion){.bottom = (bottom)i, .mixed = true}, false, depth);
        expect_recursion((recursion){.bottom = (bottom)i, .mixed = true}, true, depth);
    }
}

/* ---- Cancelling at every kind of place ---- */

static void calls_are_cancelled_wherever_they_ask(void **state)
{
    static const char *const names[] = {
        "ask",        "indirect",      "tail",        "tail_indirect", "only_tail",
        "ask_in_try", "deep_in_try",   "tail_in_try", "deep",          "often",
        "hold",       "ask_then_trap", "call_counted"};
    waiting w = waiting_open();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_entry entry = waiting_begin(&w, names[i], 3);

        assert_int_equal(beamr_entry_cancel(w.store, entry, NULL), BEAMR_OK);
        assert_true(beamr_store_waiting(w.store) == 0);
        assert_null(beamr_exception_take(w.store));
    }
    assert_int_equal(waiting_count(&w), 0);
    waiting_works(&w);
    waiting_close(&w);
}

static void calls_are_cancelled_wherever_they_pause(void **state)
{
    static const char *const names[] = {"loop",           "loop_br",    "loop_table", "calls",
                                        "calls_indirect", "calls_tail", "deep"};
    waiting w = waiting_open();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_entry entry;

        beamr_store_pause(w.store);
        entry = waiting_begin(&w, names[i], 3);
        assert_int_equal(
            beamr_entry_request(w.store, entry, &(beamr_request){0}, NULL, 0, NULL),
            BEAMR_NOT_FOUND);
        assert_int_equal(beamr_entry_cancel(w.store, entry, NULL), BEAMR_OK);
        waiting_works(&w);
    }
    waiting_close(&w);
}

/* Freed in each of these states; the sanitizer looks for what is left. */
static void stores_are_freed_while_calls_wait(void **state)
{
    static const char *const names[] = {"ask", "tail", "deep_in_try", "hold", "call"};
    waiting w = waiting_open();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        waiting other = waiting_in(w.engine, w.module, (beamr_host){0}, NULL);

        (void)waiting_begin(&other, names[i], 3);
        (void)waiting_begin(&other, names[i], 3);
        beamr_store_pause(other.store);
        (void)waiting_begin(&other, "calls", 3);
        beamr_store_free(other.store);
    }
    waiting_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_to_wait_goes_on_first),
        cmocka_unit_test(a_host_function_sees_its_call_wait),
        cmocka_unit_test(a_call_left_waiting_is_cancelled_and_the_guest_traps),
        cmocka_unit_test(cancelling_leaves_an_exception_on_its_way),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(a_chain_unwinds_by_results),
        cmocka_unit_test(a_chain_unwinds_by_traps),
        cmocka_unit_test(a_chain_unwinds_by_an_exception),
        cmocka_unit_test(a_chain_is_cancelled_from_any_place_in_it),
        cmocka_unit_test(guests_and_host_functions_nest_deeply),
        cmocka_unit_test(calls_are_cancelled_wherever_they_ask),
        cmocka_unit_test(calls_are_cancelled_wherever_they_pause),
        cmocka_unit_test(stores_are_freed_while_calls_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
