/* Calls that wait, seen from the embedder: requests, answers, ids, threads. What the guest sees
 * is in entry_guest_test.c, nesting and cancelling in entry_nest_test.c. */
#include "waiting.h"

#include <pthread.h>

static int external_object;

static void arguments_of_all(const waiting *w, beamr_value args[7])
{
    args[0] = beamr_i32(-1);
    args[1] = beamr_i64(INT64_MIN);
    args[2] = beamr_f32(-0.0f);
    args[3] = beamr_f64(0.1);
    args[4] = (beamr_value){.kind = BEAMR_V128};
    for (unsigned i = 0; i < 16; i++)
        args[4].of.v128[i] = (uint8_t)(200 + i);
    args[5] = (beamr_value){.kind = BEAMR_FUNCREF, .of.func = w->ask};
    args[6] = (beamr_value){.kind = BEAMR_EXTERNREF, .of.external = &external_object};
}

static void results_of_all(const waiting *w, beamr_value results[5])
{
    results[0] = beamr_i64(-2);
    results[1] = (beamr_value){.kind = BEAMR_V128};
    for (unsigned i = 0; i < 16; i++)
        results[1].of.v128[i] = (uint8_t)(i * 3);
    results[2] = (beamr_value){.kind = BEAMR_EXTERNREF, .of.external = &external_object};
    results[3] = (beamr_value){.kind = BEAMR_FUNCREF, .of.func = w->call};
    results[4] = beamr_f32(1.5f);
}

static void a_request_tells_who_asks_for_what(void **state)
{
    waiting w = waiting_open();
    beamr_entry entry = waiting_begin(&w, "ask", 41);
    beamr_request request = {0};
    beamr_value arg = {0};

    (void)state;
    assert_int_equal(beamr_entry_request(w.store, entry, &request, &arg, 1, NULL), BEAMR_OK);
    assert_int_equal(request.module.len, 4);
    assert_memory_equal(request.module.data, "host", 4);
    assert_int_equal(request.name.len, 3);
    assert_memory_equal(request.name.data, "ask", 3);
    assert_int_equal(request.type.param_count, 1);
    assert_int_equal(request.type.result_count, 1);
    assert_int_equal(beamr_valtype_kind(request.type.params[0]), BEAMR_I32);
    assert_ptr_equal(request.caller, w.guest);
    assert_ptr_equal(request.user, &waiting_user);
    assert_int_equal(arg.kind, BEAMR_I32);
    assert_int_equal(arg.of.i32, 41);
    waiting_ends(&w, entry, 6, 7);
    waiting_close(&w);
}

static void a_request_of_c_has_no_caller_and_may_have_no_name(void **state)
{
    waiting w = waiting_open();
    beamr_host host = {0};
    beamr_func *func = NULL;
    beamr_request request;
    beamr_entry entry = 0;

    (void)state;
    assert_int_equal(beamr_func_make(w.store, fixture_type("", ""), &host, &func, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_entry_begin(func, NULL, 0, NULL, 0, &entry, NULL), BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, NULL, 0, NULL), BEAMR_OK);
    assert_null(request.caller);
    assert_null(request.user);
    assert_int_equal(request.module.len, 0);
    assert_int_equal(request.name.len, 0);
    assert_int_equal(beamr_entry_resume(w.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
    waiting_close(&w);
}

static void values_of_every_kind_travel_both_ways(void **state)
{
    waiting w = waiting_open();
    beamr_value args[7], seen[7] = {0}, results[5], out[5];
    beamr_answer answer = {.results = results, .result_count = 5};
    beamr_entry entry = 0;
    beamr_request request;

    (void)state;
    arguments_of_all(&w, args);
    results_of_all(&w, results);
    assert_int_equal(beamr_entry_begin(waiting_func(&w, "all"), args, 7, out, 5, &entry, NULL),
                     BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, seen, 7, NULL), BEAMR_OK);
    assert_int_equal(seen[0].of.i32, -1);
    assert_true(seen[1].of.i64 == INT64_MIN);
    assert_memory_equal(&seen[2].of, &args[2].of, 4);
    assert_memory_equal(&seen[3].of, &args[3].of, 8);
    assert_memory_equal(seen[4].of.v128, args[4].of.v128, 16);
    assert_ptr_equal(seen[5].of.func, w.ask);
    assert_ptr_equal(seen[6].of.external, &external_object);
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, out, 5, NULL), BEAMR_OK);
    assert_true(out[0].of.i64 == -2);
    assert_memory_equal(out[1].of.v128, results[1].of.v128, 16);
    assert_ptr_equal(out[2].of.external, &external_object);
    assert_ptr_equal(out[3].of.func, w.call);
    assert_true(out[4].of.f32 == 1.5f);
    waiting_close(&w);
}

/* Only as many arguments are written as there is room for. */
static void a_request_is_cut_to_the_room_given(void **state)
{
    waiting w = waiting_open();
    beamr_value args[7], out[5], seen[3];
    beamr_entry entry = 0;
    beamr_request request;

    (void)state;
    arguments_of_all(&w, args);
    assert_int_equal(beamr_entry_begin(waiting_func(&w, "all"), args, 7, out, 5, &entry, NULL),
                     BEAMR_SUSPENDED);
    seen[2] = beamr_i32(77);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, seen, 2, NULL), BEAMR_OK);
    assert_int_equal(request.type.param_count, 7);
    assert_true(seen[1].of.i64 == INT64_MIN);
    assert_int_equal(seen[2].of.i32, 77);
    waiting_close(&w);
}

static void a_thousand_values_travel_both_ways(void **state)
{
    waiting w = waiting_open();
    static char letters[1001];
    static beamr_value args[1000], seen[1000], out[1000];
    beamr_answer answer = {.results = args, .result_count = 1000};
    beamr_func *func;
    beamr_entry entry = 0;
    beamr_request request;

    (void)state;
    memset(letters, 'v', 1000);
    for (unsigned i = 0; i < 1000; i++) {
        args[i].kind = BEAMR_V128;
        args[i].of.v128[i % 16] = (uint8_t)(i + 1);
    }
    func = waiting_host(w.store, "many", letters, letters, (beamr_host){0});
    assert_int_equal(beamr_entry_begin(func, args, 1000, out, 1000, &entry, NULL),
                     BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, seen, 1000, NULL), BEAMR_OK);
    waiting_works(&w); /* above the thousand */
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, out, 1000, NULL), BEAMR_OK);
    for (unsigned i = 0; i < 1000; i++) {
        assert_memory_equal(seen[i].of.v128, args[i].of.v128, 16);
        assert_memory_equal(out[i].of.v128, args[i].of.v128, 16);
    }
    waiting_close(&w);
}

static beamr_status later(const beamr_call *call, const beamr_value *args, beamr_value *results,
                          beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(99); /* counts for nothing */
    return BEAMR_SUSPENDED;
}

static void a_callback_can_put_its_answer_off(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = later}, NULL, NULL);
    beamr_entry entry = waiting_begin(&w, "call", 8);
    beamr_request request;
    beamr_value arg;

    (void)state;
    assert_int_equal(beamr_entry_request(w.store, entry, &request, &arg, 1, NULL), BEAMR_OK);
    assert_memory_equal(request.name.data, "call", 4);
    assert_int_equal(arg.of.i32, 8);
    waiting_ends(&w, entry, 10, 11);
    waiting_close(&w);
}

/* ---- Wrong answers ---- */

static void expect_refused(const waiting *w, beamr_entry entry, const beamr_answer *answer,
                           size_t result_count, const char *text)
{
    beamr_value out[5];
    beamr_error err = {0};

    assert_int_equal(beamr_entry_resume(w->store, entry, answer, out, result_count, &err),
                     BEAMR_ARGUMENT);
    assert_text(err, text);
    assert_true(beamr_store_waiting(w->store) == entry);
}

static void wrong_answers_leave_it_waiting(void **state)
{
    waiting w = waiting_open();
    waiting other = waiting_in(w.engine, w.module, (beamr_host){0}, NULL);
    beamr_exception *foreign = waiting_exception(&other, 1);
    beamr_error none = {0};
    beamr_value args[7], results[5], out[5], i64 = beamr_i64(1);
    beamr_entry entry = waiting_begin(&w, "ask", 41);

    (void)state;
    expect_refused(&w, entry, NULL, 1, "the request wants 1 results, 0 given");
    expect_refused(&w, entry, &(beamr_answer){&i64, 1, NULL, NULL}, 1,
                   "result 1: i32 expected, i64 given");
    expect_refused(&w, entry, &(beamr_answer){&i64, 1, NULL, NULL}, 2,
                   "the function has 1 results, not 2");
    expect_refused(&w, entry, &(beamr_answer){.exception = foreign}, 1, "another store");
    expect_refused(&w, entry, &(beamr_answer){.error = &none}, 1, "no failure");
    waiting_ends(&w, entry, 41, 42);

    arguments_of_all(&w, args);
    assert_int_equal(beamr_entry_begin(waiting_func(&w, "all"), args, 7, out, 5, &entry, NULL),
                     BEAMR_SUSPENDED);
    results_of_all(&w, results);
    results[3].of.func = other.call;
    expect_refused(&w, entry, &(beamr_answer){results, 5, NULL, NULL}, 5, "result 4:");
    results[3].of.func = w.call;
    results[0] = beamr_f64(0);
    expect_refused(&w, entry, &(beamr_answer){results, 5, NULL, NULL}, 5,
                   "result 1: i64 expected, f64 given");
    results[0] = beamr_i64(3);
    assert_int_equal(beamr_entry_resume(w.store, entry, &(beamr_answer){results, 5, NULL, NULL},
                                        out, 5, NULL),
                     BEAMR_OK);
    assert_true(out[0].of.i64 == 3);
    beamr_exception_release(other.store, foreign);
    beamr_store_free(other.store);
    waiting_close(&w);
}

static void a_paused_call_has_no_request_and_takes_no_answer(void **state)
{
    waiting w = waiting_open();
    beamr_error err = {0}, failure = {0};
    beamr_request request;
    beamr_value value = beamr_i32(1);
    beamr_entry entry;

    (void)state;
    beamr_store_pause(w.store);
    entry = waiting_begin(&w, "calls", 3);
    assert_int_equal(beamr_entry_request(w.store, entry, &request, NULL, 0, &err),
                     BEAMR_NOT_FOUND);
    assert_int_equal(err.status, BEAMR_OK);
    (void)beamr_fail(&failure, BEAMR_IO, 0, "no disk");
    expect_refused(&w, entry, &(beamr_answer){&value, 1, NULL, NULL}, 1, "takes no answer");
    expect_refused(&w, entry, &(beamr_answer){.error = &failure}, 1, "takes no answer");
    waiting_goes_on(&w, entry, 12);
    waiting_close(&w);
}

/* ---- Failures as answers ---- */

static void an_error_becomes_a_trap_with_its_text(void **state)
{
    waiting w = waiting_open();
    beamr_error failure = {0}, err = {0};
    beamr_value out;
    beamr_entry entry = waiting_begin(&w, "ask", 1);

    (void)state;
    (void)beamr_fail(&failure, BEAMR_IO, 0, "the disk is gone");
    assert_int_equal(
        beamr_entry_resume(w.store, entry, &(beamr_answer){.error = &failure}, &out, 1, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_HOST);
    assert_text(err, "the disk is gone");
    assert_int_equal(err.frame_total, 1);
    assert_string_equal(err.frames[0].name, "ask");

    beamr_error_clear(&err);
    beamr_error_clear(&failure);
    (void)beamr_fail_trap(&failure, BEAMR_TRAP_INTEGER_OVERFLOW, NULL);
    entry = waiting_begin(&w, "deep_in_try", 1);
    assert_int_equal(
        beamr_entry_resume(w.store, entry, &(beamr_answer){.error = &failure}, &out, 1, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_OVERFLOW);
    assert_int_equal(err.frame_total, 4);
    waiting_works(&w);
    waiting_close(&w);
}

/* The error objects given earlier are gone; the last one is told. */
static void only_the_last_error_object_is_used(void **state)
{
    waiting w = waiting_open();
    beamr_error *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
    beamr_error err = {0};
    beamr_value in = beamr_i32(2), out;
    beamr_answer answer = {.results = &in, .result_count = 1};
    beamr_entry entry = 0;
    int32_t result = 0;

    (void)state;
    assert_int_equal(
        beamr_entry_begin(waiting_func(&w, "often"), &in, 1, &out, 1, &entry, first),
        BEAMR_SUSPENDED);
    free(first);
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, &out, 1, second),
                     BEAMR_SUSPENDED);
    free(second);
    beamr_store_interrupt(w.store);
    assert_int_equal(waiting_answer(&w, entry, 1, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(err.frame_total, 1);
    entry = waiting_begin(&w, "ask_then_trap", 0);
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, &out, 1, NULL), BEAMR_TRAP);
    /* Nor does an entry tell what another on the same stack ended in. */
    entry = waiting_begin(&w, "ask_then_trap", 0);
    beamr_error_clear(&err);
    assert_int_equal(beamr_entry_resume(w.store, entry, &answer, &out, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNREACHABLE);
    waiting_works(&w);
    waiting_close(&w);
}

/* ---- Ids ---- */

static void ids_are_not_reused_and_unknown_ones_are_named(void **state)
{
    waiting w = waiting_open();
    beamr_entry first = waiting_begin(&w, "ask", 1), second;
    beamr_request request;
    beamr_error err = {0};

    (void)state;
    waiting_ends(&w, first, 1, 2);
    second = waiting_begin(&w, "ask", 1);
    assert_true(second != first);
    expect_refused(&w, second, NULL, 7, "7");
    assert_int_equal(beamr_entry_resume(w.store, first, NULL, NULL, 1, &err), BEAMR_ARGUMENT);
    assert_text(err, "none of the store's, or has ended");
    assert_int_equal(beamr_entry_resume(w.store, 0, NULL, NULL, 1, NULL), BEAMR_ARGUMENT);
    assert_int_equal(beamr_entry_resume(w.store, second + 1, NULL, NULL, 1, NULL),
                     BEAMR_ARGUMENT);
    assert_int_equal(beamr_entry_request(w.store, first, &request, NULL, 0, NULL),
                     BEAMR_ARGUMENT);
    assert_int_equal(beamr_entry_cancel(w.store, first, NULL), BEAMR_ARGUMENT);
    assert_int_equal(beamr_entry_cancel(w.store, UINT64_MAX, NULL), BEAMR_ARGUMENT);
    assert_true(beamr_store_waiting(w.store) == second);
    waiting_ends(&w, second, 1, 2);
    assert_true(beamr_store_waiting(w.store) == 0);
    waiting_close(&w);
}

static void a_call_that_waits_again_is_the_same_entry(void **state)
{
    waiting w = waiting_open();
    beamr_entry entry = waiting_begin(&w, "often", 3);
    int32_t sum = 0;

    (void)state;
    for (int32_t i = 3; i > 0; i--) {
        beamr_value asked;
        beamr_request request;

        assert_true(beamr_store_waiting(w.store) == entry);
        assert_int_equal(beamr_entry_request(w.store, entry, &request, &asked, 1, NULL),
                         BEAMR_OK);
        assert_int_equal(asked.of.i32, i);
        assert_int_equal(waiting_answer(&w, entry, i * 100, &sum, NULL),
                         i > 1 ? BEAMR_SUSPENDED : BEAMR_OK);
    }
    assert_int_equal(sum, 600);
    waiting_close(&w);
}

/* What a host function says of the entry that it runs in. */
typedef struct own_entry {
    beamr_status resume, cancel, request;
    beamr_entry waiting;
    char text[BEAMR_ERROR_TEXT_SIZE];
} own_entry;

static beamr_status meddle(const beamr_call *call, const beamr_value *args,
                           beamr_value *results, beamr_error *err)
{
    own_entry *own = call->user;
    beamr_request request;
    beamr_error e = {0};
    beamr_entry id = (beamr_entry)args[0].of.i32;

    (void)err;
    own->resume = beamr_entry_resume(call->store, id, NULL, results, 1, &e);
    memcpy(own->text, e.text, sizeof e.text);
    own->cancel = beamr_entry_cancel(call->store, id, NULL);
    own->request = beamr_entry_request(call->store, id, &request, NULL, 0, NULL);
    own->waiting = beamr_store_waiting(call->store);
    return BEAMR_OK;
}

static void a_running_entry_does_not_wait(void **state)
{
    own_entry own = {0};
    waiting w = waiting_open_with((beamr_host){.callback = meddle, .user = &own}, NULL, NULL);
    beamr_value in = beamr_i32(1), out; /* the id of the first entry of a store */
    beamr_entry entry = 0;

    (void)state;
    assert_int_equal(beamr_entry_begin(waiting_func(&w, "call"), &in, 1, &out, 1, &entry, NULL),
                     BEAMR_OK);
    assert_int_equal(own.resume, BEAMR_ARGUMENT);
    assert_non_null(strstr(own.text, "is running"));
    assert_int_equal(own.cancel, BEAMR_ARGUMENT);
    assert_int_equal(own.request, BEAMR_ARGUMENT);
    assert_true(own.waiting == 0);
    waiting_close(&w);
}

/* ---- Threads ---- */

typedef struct resumption {
    const waiting *w;
    beamr_entry entry;
    int32_t value, result;
    beamr_status st;
} resumption;

static void *resume_there(void *arg)
{
    resumption *r = arg;

    r->st = waiting_answer(r->w, r->entry, r->value, &r->result, NULL);
    return NULL;
}

static void on_another_thread(void *(*work)(void *), void *arg)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, work, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void each_answer_can_come_from_another_thread(void **state)
{
    waiting w = waiting_open();
    resumption r = {.w = &w, .entry = waiting_begin(&w, "often", 10)};

    (void)state;
    for (int32_t i = 10; i > 0; i--) {
        r.value = i;
        on_another_thread(resume_there, &r);
        assert_int_equal(r.st, i > 1 ? BEAMR_SUSPENDED : BEAMR_OK);
    }
    assert_int_equal(r.result, 55);
    waiting_works(&w);
    waiting_close(&w);
}

/* Another thread tries while a host function of this one holds the store. */
typedef struct intrusion {
    waiting w;
    beamr_entry below; /* waits below the host function */
    beamr_status resume, begin, request, cancel;
} intrusion;

static void *intrude(void *arg)
{
    intrusion *i = arg;
    beamr_value in = beamr_i32(1), out;
    beamr_request request;
    beamr_entry entry;

    i->resume = beamr_entry_resume(i->w.store, i->below, NULL, &out, 1, NULL);
    i->begin = beamr_entry_begin(i->w.ask, &in, 1, &out, 1, &entry, NULL);
    i->request = beamr_entry_request(i->w.store, i->below, &request, NULL, 0, NULL);
    i->cancel = beamr_entry_cancel(i->w.store, i->below, NULL);
    return NULL;
}

static beamr_status let_intrude(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    pthread_t thread;

    (void)args;
    (void)results;
    if (pthread_create(&thread, NULL, intrude, call->user) != 0)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no thread");
    (void)pthread_join(thread, NULL);
    return BEAMR_OK;
}

static void a_store_that_another_thread_uses_is_busy(void **state)
{
    intrusion i = {0};
    beamr_value in = beamr_i32(1), out;

    (void)state;
    i.w = waiting_open_with((beamr_host){.callback = let_intrude, .user = &i}, NULL, NULL);
    i.below = waiting_begin(&i.w, "ask", 1);
    assert_int_equal(beamr_func_call(waiting_func(&i.w, "call"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(i.resume, BEAMR_BUSY);
    assert_int_equal(i.begin, BEAMR_BUSY);
    assert_int_equal(i.request, BEAMR_BUSY);
    assert_int_equal(i.cancel, BEAMR_BUSY);
    waiting_ends(&i.w, i.below, 1, 2);
    waiting_close(&i.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_tells_who_asks_for_what),
        cmocka_unit_test(a_request_of_c_has_no_caller_and_may_have_no_name),
        cmocka_unit_test(values_of_every_kind_travel_both_ways),
        cmocka_unit_test(a_request_is_cut_to_the_room_given),
        cmocka_unit_test(a_thousand_values_travel_both_ways),
        cmocka_unit_test(a_callback_can_put_its_answer_off),
        cmocka_unit_test(wrong_answers_leave_it_waiting),
        cmocka_unit_test(a_paused_call_has_no_request_and_takes_no_answer),
        cmocka_unit_test(an_error_becomes_a_trap_with_its_text),
        cmocka_unit_test(only_the_last_error_object_is_used),
        cmocka_unit_test(ids_are_not_reused_and_unknown_ones_are_named),
        cmocka_unit_test(a_call_that_waits_again_is_the_same_entry),
        cmocka_unit_test(a_running_entry_does_not_wait),
        cmocka_unit_test(each_answer_can_come_from_another_thread),
        cmocka_unit_test(a_store_that_another_thread_uses_is_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
