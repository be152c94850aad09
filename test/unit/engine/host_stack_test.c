/* Where host functions run: how much stack they find, on which thread's stack those run that
 * are declared so, and which floating-point modes there are. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_getattr_np */
#endif
#include "waiting.h"

#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Threads of the sanitizers need more than the least for themselves. */
#if TEST_IS_TSAN || TEST_IS_ASAN
#define TINY_STACK ((size_t)128 << 10)
#else
#define TINY_STACK ((size_t)PTHREAD_STACK_MIN)
#endif
#define USED ((size_t)250 << 10)

static void on_tiny_thread(void *(*work)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, TINY_STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, work, arg), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

/* The address lies in the stack of the thread that asks. */
static bool is_on_thread(const void *at)
{
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0;
    bool is;

    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return false;
    is = pthread_attr_getstack(&attr, &low, &size) == 0 && (uintptr_t)at >= (uintptr_t)low &&
         (uintptr_t)at < (uintptr_t)low + size;
    pthread_attr_destroy(&attr);
    return is;
}

/* Where the stack pointer is; a local may be elsewhere under the address sanitizer. */
static const void *stack_here(void)
{
    return __builtin_frame_address(0);
}

/* ---- Room ---- */

/* Writes USED bytes of stack and gives the sum of some of them. */
__attribute__((noinline)) static uint32_t use_stack(uint32_t seed)
{
    volatile uint8_t bytes[USED];
    uint32_t sum = 0;

    for (size_t i = 0; i < USED; i++)
        bytes[i] = (uint8_t)(seed + i);
    for (size_t i = 0; i < USED; i += 1000)
        sum += bytes[i];
    return sum;
}

static uint32_t sum_wanted(uint32_t seed)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < USED; i += 1000)
        sum += (uint8_t)(seed + i);
    return sum;
}

static beamr_status use_much(const beamr_call *call, const beamr_value *args,
                             beamr_value *results, beamr_error *err)
{
    (void)err;
    *(bool *)call->user = is_on_thread(stack_here());
    results[0] = beamr_i32((int32_t)use_stack((uint32_t)args[0].of.i32));
    return BEAMR_OK;
}

typedef struct tiny {
    const waiting *w;
    const char *name;
    int32_t arg;
    beamr_status st;
    beamr_value result;
} tiny;

static void *call_there(void *arg)
{
    tiny *t = arg;
    beamr_value in = beamr_i32(t->arg);

    t->st = beamr_func_call(waiting_func(t->w, t->name), &in, 1, &t->result, 1, NULL);
    return NULL;
}

/* Also in a new fiber above another, and in one that is used again. */
static void host_functions_find_their_stack_on_any_thread(void **state)
{
    bool on_thread = true;
    waiting w =
        waiting_open_with((beamr_host){.callback = use_much, .user = &on_thread}, NULL, NULL);

    (void)state;
    for (int32_t i = 0; i < 3; i++) {
        tiny t = {.w = &w, .name = "call", .arg = i};

        on_tiny_thread(call_there, &t);
        assert_int_equal(t.st, BEAMR_OK);
        assert_int_equal((uint32_t)t.result.of.i32, sum_wanted((uint32_t)i) + 1);
        assert_false(on_thread);
        (void)waiting_begin(&w, "ask", 0);
    }
    waiting_close(&w);
}

/* ---- The thread's own stack ---- */

static beamr_status tell_where(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(is_on_thread(stack_here()));
    return BEAMR_OK;
}

static void declared_ones_run_on_the_threads_stack(void **state)
{
    static const int32_t expected[2] = {1, 2}; /* the guest adds one */

    (void)state;
    for (int on_host_stack = 0; on_host_stack < 2; on_host_stack++) {
        beamr_host host = {.callback = tell_where, .on_host_stack = on_host_stack};
        waiting w = waiting_open_with(host, NULL, NULL);
        tiny t = {.w = &w, .name = "call"};

        (void)call_there(&t);
        assert_int_equal(t.result.of.i32, expected[on_host_stack]);
        on_tiny_thread(call_there, &t);
        assert_int_equal(t.result.of.i32, expected[on_host_stack]);
        /* Without a guest between. */
        assert_int_equal(
            beamr_func_call(w.call, &(beamr_value){.kind = BEAMR_I32}, 1, &t.result, 1, NULL),
            BEAMR_OK);
        assert_int_equal(t.result.of.i32, on_host_stack);
        waiting_close(&w);
    }
}

/* On a fiber of one store: call the guest of another, whose import runs on the thread's stack.
 */
static beamr_status call_other_store(const beamr_call *call, const beamr_value *args,
                                     beamr_value *results, beamr_error *err)
{
    const waiting *other = call->user;
    beamr_status st;

    if (is_on_thread(stack_here()))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "it runs on the thread's stack");
    st = beamr_func_call(beamr_instance_find_func(other->guest, "call"), args, 1, results, 1,
                         err);
    if (st == BEAMR_OK && is_on_thread(stack_here()))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "it came back on another stack");
    return st;
}

static void the_threads_stack_is_found_through_fibers_of_several_stores(void **state)
{
    waiting inner = waiting_open_with(
        (beamr_host){.callback = tell_where, .on_host_stack = true, .stack_size = 1024}, NULL,
        NULL);
    waiting middle =
        waiting_in(inner.engine, inner.module,
                   (beamr_host){.callback = call_other_store, .user = &inner}, NULL);
    waiting outer =
        waiting_in(inner.engine, inner.module,
                   (beamr_host){.callback = call_other_store, .user = &middle}, NULL);
    tiny t = {.w = &outer, .name = "call"};

    (void)state;
    (void)call_there(&t);
    assert_int_equal(t.st, BEAMR_OK);
    assert_int_equal(t.result.of.i32, 4);
    on_tiny_thread(call_there, &t);
    assert_int_equal(t.st, BEAMR_OK);
    assert_int_equal(t.result.of.i32, 4);
    beamr_store_free(outer.store);
    beamr_store_free(middle.store);
    waiting_close(&inner);
}

/* On the thread's stack, above a fiber: begin calls, and let them wait. */
static beamr_status begin_on_thread(const beamr_call *call, const beamr_value *args,
                                    beamr_value *results, beamr_error *err)
{
    beamr_func *ask = beamr_instance_find_func(call->caller, "ask");
    beamr_func *again = beamr_instance_find_func(call->caller, "call");
    beamr_value value = beamr_i32(5), next = beamr_i32(args[0].of.i32 - 1);
    beamr_answer answer = {.results = &value, .result_count = 1};
    beamr_entry entry;

    if (!is_on_thread(stack_here()))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "it does not run on the thread's stack");
    if (args[0].of.i32 > 0)
        return beamr_func_call(again, &next, 1, results, 1, err);
    if (beamr_entry_begin(ask, args, 1, results, 1, &entry, err) != BEAMR_SUSPENDED)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "it did not wait");
    return beamr_entry_resume(call->store, entry, &answer, results, 1, err);
}

/* Answers later, from the thread's stack. */
static beamr_status later(const beamr_call *call, const beamr_value *args, beamr_value *results,
                          beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return is_on_thread(stack_here()) ? BEAMR_SUSPENDED : BEAMR_ARGUMENT;
}

static void calls_begun_on_the_threads_stack_can_wait(void **state)
{
    waiting w = waiting_open_with(
        (beamr_host){.callback = begin_on_thread, .on_host_stack = true, .stack_size = 1024},
        NULL, NULL);
    tiny t = {.w = &w, .name = "call", .arg = 20};

    (void)state;
    (void)call_there(&t);
    assert_int_equal(t.st, BEAMR_OK);
    assert_int_equal(t.result.of.i32, 27);
    waiting_close(&w);
    w = waiting_open_with(
        (beamr_host){.callback = later, .on_host_stack = true, .stack_size = 1024}, NULL, NULL);
    waiting_ends(&w, waiting_begin(&w, "call", 1), 6, 7);
    waiting_close(&w);
}

/* ---- Floating-point modes ---- */

/* (func (export "div") (param f64 f64) (result f64) local.get 0 local.get 1 f64.div)
 * (func (export "ask_div") the same, but the dividend is asked for: import [] -> [f64]) */
static beamr_instance *floats(const waiting *w, beamr_func *ask)
{
    fixture f = {w->engine, w->store};
    wasm_builder b = {0};
    beamr_extern import = {BEAMR_EXTERN_FUNC, {.func = ask}};

    wasm_begin(&b);
    wasm_section(&b, WASM_TYPE);
    wasm_u32(&b, 2);
    wasm_functype(&b, "dd", "d");
    wasm_functype(&b, "", "d");
    wasm_end(&b);
    wasm_section(&b, WASM_IMPORT);
    wasm_u32(&b, 1);
    wasm_import(&b, "host", "ask");
    WASM(&b, 0, 1);
    wasm_end(&b);
    wasm_section(&b, WASM_FUNCTION);
    WASM(&b, 2, 0, 0);
    wasm_end(&b);
    wasm_section(&b, WASM_EXPORT);
    wasm_u32(&b, 2);
    wasm_export(&b, "div", 0, 1);
    wasm_export(&b, "ask_div", 0, 2);
    wasm_end(&b);
    wasm_section(&b, WASM_CODE);
    wasm_u32(&b, 2);
    WASM_BODY(&b, 0x20, 0, 0x20, 1, 0xa3);
    WASM_BODY(&b, 0x10, 0, 0x20, 1, 0xa3);
    wasm_end(&b);
    return fixture_instance(&f, &b, &import, 1);
}

static const double tiny_number = 0x1p-1022;

static beamr_status divide(beamr_func *div, double a, double b, double *result)
{
    beamr_value in[2] = {beamr_f64(a), beamr_f64(b)}, out = beamr_f64(0);
    beamr_status st = beamr_func_call(div, in, 2, &out, 1, NULL);

    *result = out.of.f64;
    return st;
}

/* To nearest, with subnormals. */
static void expect_default_numbers(beamr_func *div)
{
    double third = 0, subnormal = 0;

    assert_int_equal(divide(div, 1, 3, &third), BEAMR_OK);
    assert_int_equal(divide(div, tiny_number, 2, &subnormal), BEAMR_OK);
    assert_true(memcmp(&third, &(double){0x1.5555555555555p-2}, sizeof third) == 0);
    assert_true(memcmp(&subnormal, &(double){0x1p-1023}, sizeof subnormal) == 0);
}

#if defined(__SSE__)
#define CAN_FLUSH true
#else
#define CAN_FLUSH false
#endif

static void flush_to_zero(bool on)
{
#if defined(__SSE__)
    _mm_setcsr((_mm_getcsr() & ~0x8040u) | (on ? 0x8040u : 0));
#else
    (void)on;
#endif
}

static bool flushes_to_zero(void)
{
#if defined(__SSE__)
    return (_mm_getcsr() & 0x8040u) == 0x8040u;
#else
    return true;
#endif
}

static void the_callers_modes_do_not_reach_the_guest(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    waiting w = waiting_open();
    beamr_func *ask = waiting_host(w.store, "ask", "", "d", (beamr_host){0});
    beamr_func *div = beamr_instance_find_func(floats(&w, ask), "div");

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        int after;

        assert_int_equal(fesetround(modes[i]), 0);
        expect_default_numbers(div);
        after = fegetround();
        (void)fesetround(FE_TONEAREST);
        assert_int_equal(after, modes[i]);
    }
    flush_to_zero(true);
    expect_default_numbers(div);
    assert_true(flushes_to_zero());
    flush_to_zero(false);
    waiting_close(&w);
}

typedef struct float_resume {
    beamr_store *store;
    beamr_entry entry;
    double result;
    beamr_status st;
    bool kept;
} float_resume;

static void *resume_upward(void *arg)
{
    float_resume *r = arg;
    beamr_value one = beamr_f64(1), out = beamr_f64(0);
    beamr_answer answer = {.results = &one, .result_count = 1};

    (void)fesetround(FE_UPWARD);
    flush_to_zero(true);
    r->st = beamr_entry_resume(r->store, r->entry, &answer, &out, 1, NULL);
    r->kept = fegetround() == FE_UPWARD && flushes_to_zero();
    r->result = out.of.f64;
    return NULL;
}

/* Begun with one set of modes, resumed on a thread with another. */
static void modes_stay_apart_when_a_call_changes_threads(void **state)
{
    waiting w = waiting_open();
    beamr_func *ask = waiting_host(w.store, "ask", "", "d", (beamr_host){0});
    beamr_func *div = beamr_instance_find_func(floats(&w, ask), "ask_div");
    beamr_value in[2] = {beamr_f64(0), beamr_f64(3)}, out;
    float_resume r = {.store = w.store};
    pthread_t thread;
    beamr_status st;
    int after;

    (void)state;
    (void)fesetround(FE_DOWNWARD);
    st = beamr_entry_begin(div, in, 2, &out, 1, &r.entry, NULL);
    after = fegetround();
    (void)fesetround(FE_TONEAREST);
    assert_int_equal(st, BEAMR_SUSPENDED);
    assert_int_equal(after, FE_DOWNWARD);
    assert_int_equal(pthread_create(&thread, NULL, resume_upward, &r), 0);
    pthread_join(thread, NULL);
    assert_int_equal(r.st, BEAMR_OK);
    assert_true(r.kept);
    assert_true(memcmp(&r.result, &(double){0x1.5555555555555p-2}, sizeof r.result) == 0);
    assert_int_equal(fegetround(), FE_TONEAREST);
    waiting_close(&w);
}

/* A careless host function: what it leaves behind must not outlast its call. */
static beamr_status set_upward(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    (void)fesetround(FE_UPWARD);
    flush_to_zero(true);
    results[0] = beamr_i32(0);
    return BEAMR_OK;
}

static void modes_left_behind_do_not_reach_the_next_call(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = set_upward}, NULL, NULL);
    beamr_func *ask = waiting_host(w.store, "ask", "", "d", (beamr_host){0});
    beamr_func *div = beamr_instance_find_func(floats(&w, ask), "div");
    tiny t = {.w = &w, .name = "call"};
    volatile double one = 1, third;
    bool kept;

    (void)state;
    (void)call_there(&t);
    kept = !flushes_to_zero() || !CAN_FLUSH;
    third = one / 3;
    (void)fesetround(FE_TONEAREST); /* of x87, which has no part in it */
    assert_int_equal(t.st, BEAMR_OK);
    assert_true(kept);
    assert_true(third == 0x1.5555555555555p-2);
    expect_default_numbers(div);
    waiting_close(&w);
}

/* Takes 300 KiB at each level, and has its guest call it again, for ever. */
static beamr_status take_and_call_again(const beamr_call *call, const beamr_value *args,
                                        beamr_value *results, beamr_error *err)
{
    volatile uint8_t taken[300 << 10];
    beamr_func *again = beamr_instance_find_func(call->caller, "call_counted");
    beamr_status st;

    for (size_t i = 0; i < sizeof taken; i += 4096)
        taken[i] = 1;
    ++*(unsigned *)call->user;
    st = beamr_func_call(again, args, 1, results, 1, err);
    results[0].of.i32 += taken[0];
    return st;
}

static void guests_cannot_exhaust_the_stack_of_the_thread(void **state)
{
    unsigned levels = 0;
    waiting w = waiting_open_with((beamr_host){.callback = take_and_call_again,
                                               .on_host_stack = true,
                                               .stack_size = (size_t)1 << 20,
                                               .user = &levels},
                                  NULL, NULL);
    beamr_value in = beamr_i32(1), out;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_func_call(waiting_func(&w, "call_counted"), &in, 1, &out, 1, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_text(err, "bytes of stack left");
    assert_true(levels > 1);
    waiting_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_functions_find_their_stack_on_any_thread),
        cmocka_unit_test(declared_ones_run_on_the_threads_stack),
        cmocka_unit_test(the_threads_stack_is_found_through_fibers_of_several_stores),
        cmocka_unit_test(calls_begun_on_the_threads_stack_can_wait),
        cmocka_unit_test(the_callers_modes_do_not_reach_the_guest),
        cmocka_unit_test(modes_stay_apart_when_a_call_changes_threads),
        cmocka_unit_test(modes_left_behind_do_not_reach_the_next_call),
        cmocka_unit_test(guests_cannot_exhaust_the_stack_of_the_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
