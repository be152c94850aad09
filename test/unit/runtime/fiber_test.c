/* Fibers alone: what they keep, who they return to, and threads. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#include "runtime/fiber.h"

#define STACK_SIZE ((size_t)128 << 10)

typedef struct stack {
    _Alignas(16) char bytes[STACK_SIZE];
} stack;

static stack *stack_new(void)
{
    stack *s = NULL;

    assert_int_equal(posix_memalign((void **)&s, 4096, sizeof *s), 0);
    return s;
}

/* ---- Entering and leaving ---- */

typedef struct counter {
    rt_fiber fiber;
    stack *stack;
    int leaves; /* before its main returns */
    int steps, runs;
    const void *low, *high; /* where it was */
} counter;

static void count(void *arg)
{
    counter *c = arg;
    int local = 0;

    c->runs++;
    c->low = c->stack;
    c->high = (const char *)__builtin_frame_address(0);
    for (int i = 0; i < c->leaves; i++) {
        local += 3;
        c->steps++;
        rt_fiber_leave(&c->fiber);
        if (local != 3 * (i + 1))
            c->steps = -1000;
    }
}

static counter *counter_new(int leaves)
{
    counter *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->stack = stack_new();
    c->leaves = leaves;
    rt_fiber_init(&c->fiber, c->stack, sizeof *c->stack, count, c);
    return c;
}

static void counter_free(counter *c)
{
    rt_fiber_clear(&c->fiber);
    free(c->stack);
    free(c);
}

static void it_goes_on_where_it_left(void **state)
{
    counter *c = counter_new(3);

    (void)state;
    for (int i = 1; i <= 3; i++) {
        rt_fiber_enter(&c->fiber);
        assert_int_equal(c->steps, i);
        assert_int_equal(c->runs, 1);
    }
    rt_fiber_enter(&c->fiber); /* main returns */
    assert_int_equal(c->steps, 3);
    counter_free(c);
}

static void it_runs_on_its_stack(void **state)
{
    counter *c = counter_new(0);

    (void)state;
    rt_fiber_enter(&c->fiber);
    assert_true((uintptr_t)c->high > (uintptr_t)c->low);
    assert_true((uintptr_t)c->high < (uintptr_t)c->low + STACK_SIZE);
    assert_true((uintptr_t)c->low + STACK_SIZE - (uintptr_t)c->high < 4096);
    counter_free(c);
}

static void main_runs_again_after_it_has_returned(void **state)
{
    counter *c = counter_new(0);

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        rt_fiber_enter(&c->fiber);
        assert_int_equal(c->runs, i);
    }
    counter_free(c);
}

static void a_fiber_that_was_never_entered_can_be_cleared(void **state)
{
    counter *c = counter_new(1);

    (void)state;
    counter_free(c);
}

/* ---- What it keeps ---- */

typedef struct keeper {
    rt_fiber fiber;
    stack *stack;
    uint64_t result;
} keeper;

/* More values than there are registers that a call keeps, alive over a switch. */
static void keep(void *arg)
{
    keeper *k = arg;
    uint64_t v[12];
    double d = 0.1;

    for (unsigned i = 0; i < 12; i++)
        v[i] = (uint64_t)(uintptr_t)k * (i + 1);
    rt_fiber_leave(&k->fiber);
    for (unsigned i = 0; i < 12; i++)
        k->result += v[i];
    k->result += (uint64_t)(d * 10);
}

__attribute__((noinline)) static uint64_t clobber(uint64_t n)
{
    uint64_t a = n * 3, b = n ^ 77, c = n + 5, d = n * n, e = ~n, f = n << 3;

    for (int i = 0; i < 100; i++) {
        a += b ^ c;
        b += d ^ e;
        c += f ^ a;
        d ^= a >> 3;
        e += c;
        f -= b;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    }
    return a + b + c + d + e + f;
}

static void registers_are_kept_on_both_sides(void **state)
{
    keeper k = {.stack = stack_new()};
    uint64_t before = clobber(1), mine = before * 3;

    (void)state;
    rt_fiber_init(&k.fiber, k.stack, sizeof *k.stack, keep, &k);
    rt_fiber_enter(&k.fiber);
    assert_true(clobber(1) == before);
    rt_fiber_enter(&k.fiber);
    assert_true(mine == before * 3);
    assert_true(k.result == (uint64_t)(uintptr_t)&k * 78 + 1);
    rt_fiber_clear(&k.fiber);
    free(k.stack);
}

/* ---- Fibers that enter others ---- */

enum { LEVELS = 50 };

typedef struct level {
    rt_fiber fiber;
    stack *stack;
    int number;
    struct level *next;
} level;

static char trace[16 * LEVELS];
static const void *worked_at;

static void work(void *arg)
{
    (void)arg;
    worked_at = __builtin_frame_address(0);
    (void)strcat(trace, "!");
}

/* Enter the next, leave once in the middle; the last works on the thread's stack. */
static void descend(void *arg)
{
    level *l = arg;

    (void)strcat(trace, "(");
    if (l->next) {
        rt_fiber_enter(&l->next->fiber);
        rt_fiber_enter(&l->next->fiber);
    } else {
        rt_fiber_on_thread(work, NULL);
    }
    rt_fiber_leave(&l->fiber);
    if (!l->next)
        rt_fiber_on_thread(work, NULL);
    (void)strcat(trace, ")");
}

static void expect_trace(int levels)
{
    char expected[16 * LEVELS] = "";

    for (int i = 0; i < levels; i++)
        (void)strcat(expected, "(");
    (void)strcat(expected, "!!");
    for (int i = 0; i < levels; i++)
        (void)strcat(expected, ")");
    assert_string_equal(trace, expected);
}

static void run_levels(int count_)
{
    static level levels[LEVELS];
    const void *here = __builtin_frame_address(0);

    trace[0] = '\0';
    for (int i = 0; i < count_; i++) {
        levels[i] = (level){.stack = stack_new(), .number = i};
        levels[i].next = i + 1 < count_ ? &levels[i + 1] : NULL;
        rt_fiber_init(&levels[i].fiber, levels[i].stack, STACK_SIZE, descend, &levels[i]);
    }
    rt_fiber_enter(&levels[0].fiber);
    rt_fiber_enter(&levels[0].fiber);
    /* Called from here, so below this frame and not far from it. */
    assert_true((uintptr_t)worked_at < (uintptr_t)here);
    assert_true((uintptr_t)here - (uintptr_t)worked_at < 65536);
    for (int i = 0; i < count_; i++) {
        rt_fiber_clear(&levels[i].fiber);
        free(levels[i].stack);
    }
    expect_trace(count_);
}

static void work_is_done_on_the_threads_stack_through_any_number_of_fibers(void **state)
{
    (void)state;
    run_levels(1);
    run_levels(2);
    run_levels(LEVELS);
}

static void work_outside_of_fibers_is_a_call(void **state)
{
    (void)state;
    trace[0] = '\0';
    rt_fiber_on_thread(work, NULL);
    assert_string_equal(trace, "!");
}

/* Work that enters a fiber, which works on the thread's stack in turn. */
typedef struct tower {
    rt_fiber fiber;
    stack *stack;
    int height;
} tower;

static void tower_main(void *arg);

static void tower_build(void *arg)
{
    tower *below = arg;
    tower *t = calloc(1, sizeof *t);

    if (!t || !(t->stack = malloc(sizeof *t->stack + 64))) {
        free(t);
        return;
    }
    t->height = below ? below->height - 1 : 30;
    rt_fiber_init(&t->fiber, (void *)(((uintptr_t)t->stack + 15) & ~(uintptr_t)15), STACK_SIZE,
                  tower_main, t);
    rt_fiber_enter(&t->fiber);
    rt_fiber_clear(&t->fiber);
    free(t->stack);
    free(t);
}

static void tower_main(void *arg)
{
    tower *t = arg;

    (void)strcat(trace, ".");
    if (t->height > 1)
        rt_fiber_on_thread(tower_build, t);
}

static void work_can_enter_fibers(void **state)
{
    (void)state;
    trace[0] = '\0';
    tower_build(NULL);
    assert_int_equal(strlen(trace), 30);
}

/* ---- Threads ---- */

static void *enter_there(void *arg)
{
    counter *c = arg;

    rt_fiber_enter(&c->fiber);
    return NULL;
}

static void it_goes_on_in_any_thread(void **state)
{
    counter *c = counter_new(100);

    (void)state;
    for (int i = 1; i <= 100; i++) {
        pthread_t thread;

        if (i % 3 == 0) {
            rt_fiber_enter(&c->fiber);
        } else {
            assert_int_equal(pthread_create(&thread, NULL, enter_there, c), 0);
            pthread_join(thread, NULL);
        }
        assert_int_equal(c->steps, i);
    }
    rt_fiber_enter(&c->fiber);
    assert_int_equal(c->runs, 1);
    counter_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_where_it_left),
        cmocka_unit_test(it_runs_on_its_stack),
        cmocka_unit_test(main_runs_again_after_it_has_returned),
        cmocka_unit_test(a_fiber_that_was_never_entered_can_be_cleared),
        cmocka_unit_test(registers_are_kept_on_both_sides),
        cmocka_unit_test(work_is_done_on_the_threads_stack_through_any_number_of_fibers),
        cmocka_unit_test(work_outside_of_fibers_is_a_call),
        cmocka_unit_test(work_can_enter_fibers),
        cmocka_unit_test(it_goes_on_in_any_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
