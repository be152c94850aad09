/* Calls begun, answered, paused, cancelled and resumed out of turn in random order, compared
 * with a model of what must come of each. */
#include "waiting.h"

#include <pthread.h>

enum { STEPS = TEST_IS_TSAN ? 3000 : 20000, DEEPEST = 40 };

typedef enum kind { ASK, TAIL, DEEP, IN_TRY, HOLD, OFTEN, CALLS, KIND_COUNT } kind;

static const char *const names[KIND_COUNT] = {"ask",  "tail",  "deep", "ask_in_try",
                                              "hold", "often", "calls"};

/* One entry, as it should be. */
typedef struct model {
    beamr_entry id;
    kind kind;
    int32_t arg;
    int32_t sum;  /* OFTEN: of the answers so far */
    int32_t left; /* answers, or pauses of CALLS */
} model;

typedef struct world {
    waiting w;
    model entries[DEEPEST];
    int depth;
    unsigned ended, trapped, thrown, cancelled;
} world;

static int32_t random_below(int32_t n)
{
    return (int32_t)(random_next() % (uint64_t)n);
}

static void begin_one(world *x)
{
    model *m = &x->entries[x->depth];

    if (x->depth == DEEPEST)
        return;
    *m = (model){.kind = (kind)random_below(KIND_COUNT), .arg = 1 + random_below(20)};
    m->left = m->kind == OFTEN ? m->arg : 1;
    if (m->kind == CALLS)
        beamr_store_pause(x->w.store);
    m->id = waiting_begin(&x->w, names[m->kind], m->arg);
    x->depth++;
}

/* What the call ends in when `answer` is the last it gets. */
static int32_t expected(const model *m, int32_t answer)
{
    switch (m->kind) {
    case DEEP:
        return answer + m->arg;
    case HOLD:
        return m->arg;
    case OFTEN:
        return m->sum + answer;
    case CALLS:
        return m->arg * 4;
    default:
        return answer + 1;
    }
}

typedef struct answering {
    const waiting *w;
    beamr_entry id;
    int32_t value, result;
    beamr_status st;
} answering;

static void *answer_there(void *arg)
{
    answering *a = arg;

    a->st = waiting_answer(a->w, a->id, a->value, &a->result, NULL);
    return NULL;
}

/* As waiting_answer; now and then on another thread. */
static beamr_status answer_somewhere(const waiting *w, beamr_entry id, int32_t value,
                                     int32_t *result)
{
    answering a = {.w = w, .id = id, .value = value};
    pthread_t thread;

    if (random_below(20) > 0) {
        (void)answer_there(&a);
    } else {
        assert_int_equal(pthread_create(&thread, NULL, answer_there, &a), 0);
        pthread_join(thread, NULL);
    }
    *result = a.result;
    return a.st;
}

static void answer_top(world *x)
{
    model *m = &x->entries[x->depth - 1];
    int32_t value = random_below(1000), result = 0;
    beamr_status st;

    if (m->kind == CALLS) {
        waiting_goes_on(&x->w, m->id, expected(m, 0));
    } else {
        st = answer_somewhere(&x->w, m->id, value, &result);
        m->left--;
        if (m->left > 0) {
            assert_int_equal(st, BEAMR_SUSPENDED);
            m->sum += value;
            return;
        }
        assert_int_equal(st, BEAMR_OK);
        assert_int_equal(result, expected(m, value));
    }
    x->depth--;
    x->ended++;
}

static void fail_top(world *x)
{
    model *m = &x->entries[x->depth - 1];
    beamr_error failure = {0}, err = {0};
    beamr_value out;

    if (m->kind == CALLS)
        return;
    (void)beamr_fail(&failure, BEAMR_IO, 0, "failure %u", x->trapped);
    assert_int_equal(beamr_entry_resume(x->w.store, m->id, &(beamr_answer){.error = &failure},
                                        &out, 1, &err),
                     BEAMR_TRAP);
    assert_text(err, failure.text);
    assert_int_equal(err.frame_total, m->kind == DEEP ? m->arg + 1 : 1);
    x->depth--;
    x->trapped++;
}

static void throw_into_top(world *x)
{
    model *m = &x->entries[x->depth - 1];
    int32_t payload = random_below(1000);
    beamr_exception *e = waiting_exception(&x->w, payload), *got;
    beamr_answer answer = {.exception = e};
    beamr_value out = beamr_i32(0);
    beamr_status st;

    if (m->kind == CALLS) {
        st = beamr_entry_resume(x->w.store, m->id, &answer, &out, 1, NULL);
        assert_int_equal(st, BEAMR_ARGUMENT);
        beamr_exception_release(x->w.store, e);
        return;
    }
    st = beamr_entry_resume(x->w.store, m->id, &answer, &out, 1, NULL);
    if (m->kind == IN_TRY || m->kind == HOLD) {
        assert_int_equal(st, BEAMR_OK);
        assert_int_equal(out.of.i32, m->kind == HOLD ? payload : payload + 1000);
    } else {
        assert_int_equal(st, BEAMR_EXCEPTION);
        got = beamr_exception_take(x->w.store);
        assert_ptr_equal(got, e);
        beamr_exception_release(x->w.store, got);
    }
    beamr_exception_release(x->w.store, e);
    x->depth--;
    x->thrown++;
}

static void resume_out_of_turn(world *x)
{
    int which = random_below(x->depth);
    int32_t result;

    if (which < x->depth - 1)
        assert_int_equal(waiting_answer(&x->w, x->entries[which].id, 1, &result, NULL),
                         BEAMR_BUSY);
}

static void cancel_some(world *x)
{
    int which = x->depth - 1 - random_below(x->depth < 4 ? x->depth : 4);

    assert_int_equal(beamr_entry_cancel(x->w.store, x->entries[which].id, NULL), BEAMR_OK);
    x->cancelled += (unsigned)(x->depth - which);
    x->depth = which;
}

/* A call that ends, and frees what exceptions nobody holds. */
static void churn(world *x)
{
    beamr_value n = beamr_i32(300), out;

    assert_int_equal(beamr_func_call(waiting_func(&x->w, "churn"), &n, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(out.of.i32, 300);
}

static void interrupt_above(world *x)
{
    beamr_store_interrupt(x->w.store);
    assert_int_equal(beamr_func_call(waiting_func(&x->w, "spin"), NULL, 0, NULL, 0, NULL),
                     BEAMR_TRAP);
}

static void step(world *x)
{
    int what = random_below(100);

    if (x->depth == 0 || what < 40)
        begin_one(x);
    else if (what < 65)
        answer_top(x);
    else if (what < 75)
        fail_top(x);
    else if (what < 85)
        throw_into_top(x);
    else if (what < 90)
        resume_out_of_turn(x);
    else if (what < 94)
        cancel_some(x);
    else if (what < 98)
        churn(x);
    else
        interrupt_above(x);
    assert_true(beamr_store_waiting(x->w.store) ==
                (x->depth > 0 ? x->entries[x->depth - 1].id : 0));
}

static void what_comes_of_calls_is_independent_of_what_else_waits(void **state)
{
    static world x;

    (void)state;
    random_begin();
    x.w = waiting_open();
    for (int i = 0; i < STEPS; i++)
        step(&x);
    print_message("%u ended, %u trapped, %u thrown, %u cancelled\n", x.ended, x.trapped,
                  x.thrown, x.cancelled);
    assert_true(x.ended > 0 && x.trapped > 0 && x.thrown > 0 && x.cancelled > 0);
    while (x.depth > 0)
        answer_top(&x);
    waiting_works(&x.w);
    waiting_close(&x.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_of_calls_is_independent_of_what_else_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
