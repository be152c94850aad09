/* ao/apart.c, ao/cancel.c and ao/group.c when everything happens at once: resolutions apart
 * within each other, equal ones among them, given up, cancelled and answered by several
 * threads, by devices that obey, that only listen and that hear nothing. Every task ends once,
 * each call's memory is cleared once, and contexts go as soon as their last task has ended,
 * while calls that were left behind still wait for answers. */
#include "ao/apart.h"

#include "storm.h"
#include "world.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define ROUNDS 60 /* with BEAMR_LONG 200 times that */
#define TASKS 24
#define WORKERS 3

/* ---- What waits ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    job *answers, *runs, *aparts;
    size_t open; /* tasks that have not ended */
    bool is_over, has_executor;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static atomic_size_t made, cleared, ended, started, late_count, told;

static void add(job **list, job *j)
{
    (void)pthread_mutex_lock(&all.lock);
    j->next = *list;
    *list = j;
    (void)pthread_cond_signal(&all.changed);
    (void)pthread_mutex_unlock(&all.lock);
}

static ao_value base_again(ao_call *call)
{
    return ao_message_value(ao_message_ref(ao_call_base(call)));
}

/* ---- Memory ---- */

typedef struct note {
    ao_call *call;
    int state;
} note;

static void clear(void *memory)
{
    note *n = memory;

    if (n->state != 1)
        abort();
    n->state = 2;
    (void)pthread_mutex_lock(&all.lock);
    free(take_call(&all.aparts, n->call));
    (void)pthread_mutex_unlock(&all.lock);
    atomic_fetch_add(&cleared, 1);
}

static void note_memory(ao_call *call)
{
    note *n = ao_call_memory(call, sizeof *n, clear);

    if (!n->state)
        atomic_fetch_add(&made, 1);
    *n = (note){call, 1};
}

/* ---- Devices ---- */

static void obey(ao_call *call, void *arg)
{
    job *j;

    (void)arg;
    (void)pthread_mutex_lock(&all.lock);
    j = take_call(&all.answers, call);
    (void)pthread_mutex_unlock(&all.lock);
    atomic_fetch_add(&told, 1);
    if (!j)
        return;
    free(j);
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(0));
}

static void listen(ao_call *call, void *arg)
{
    (void)call;
    (void)arg;
    atomic_fetch_add(&told, 1);
}

static beamr_status later(ao_call *call, beamr_error *err)
{
    static void (*const hears[])(ao_call * call, void *arg) = {obey, listen, NULL};
    job *j = calloc(1, sizeof *j);
    beamr_status st;

    (void)err;
    note_memory(call);
    j->call = call;
    st = ao_call_later(call, hears[next_random() % 3], NULL);
    add(&all.answers, j);
    return st;
}

static beamr_status now(ao_call *call, beamr_error *err)
{
    if (next_random() % 8 == 0)
        return beamr_fail(err, BEAMR_IO, 0, "now");
    return ao_call_ok(call, base_again(call));
}

static const char *const steps[] = {"later", "now", "apart", "alike", "round", "within"};

static ao_value a_step(void)
{
    return ao_binary_text(steps[next_random() % 6]);
}

static beamr_status give(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_return(call, ao_call_result(call)->outcome,
                          ao_value_ref(ao_call_result(call)->value));
}

static void forget(const ao_call *call)
{
    (void)pthread_mutex_lock(&all.lock);
    free(take_call(&all.aparts, call));
    (void)pthread_mutex_unlock(&all.lock);
}

static beamr_status apart_on(ao_call *call, beamr_error *err);

static beamr_status apart_then(ao_call *call, beamr_error *err)
{
    forget(call);
    return next_random() % 3 ? give(call, err) : apart_on(call, err);
}

static beamr_status apart_late(ao_call *call, beamr_error *err)
{
    forget(call);
    atomic_fetch_add(&late_count, 1);
    return next_random() % 3 ? ao_call_ok(call, base_again(call)) : apart_on(call, err);
}

static beamr_status apart_on(ao_call *call, beamr_error *err)
{
    job *j = calloc(1, sizeof *j);
    beamr_status st = apart_resolve(call, base_again(call), a_step(), ao_call_options(call),
                                    apart_then, apart_late, err);

    if (st != APART_WAITS) {
        free(j);
        return st;
    }
    j->call = call;
    j->is_apart = true;
    add(&all.aparts, j);
    if (next_random() % 8 == 0) { /* at once, before it waits */
        ao_task *held;

        (void)pthread_mutex_lock(&all.lock);
        held = apart_hold(call);
        (void)pthread_mutex_unlock(&all.lock);
        if (held)
            apart_give_up(held);
    }
    return st;
}

static beamr_status apart(ao_call *call, beamr_error *err)
{
    note_memory(call);
    return apart_on(call, err);
}

static ao_value name(ao_call *call)
{
    beamr_bytes key = ao_call_key(call);
    uint8_t text[2];

    if (key.len != 5 || key.data[1] == 'p' || key.data[0] == 'l') /* alike, round */
        return AO_NO_VALUE;
    text[0] = key.data[0];
    text[1] = (uint8_t)('0' + next_random() % 3);
    return ao_binary_copy((beamr_bytes){text, sizeof text});
}

static beamr_status round_and(ao_call *call, beamr_error *err)
{
    if (next_random() % 2)
        return apart(call, err);
    return ao_call_resolve(call, base_again(call), a_step(), NULL, give);
}

static beamr_status within(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_resolve(call, base_again(call), a_step(), NULL, give);
}

static const ao_key keys[] = {{"later", later}, {"now", now},         {"apart", apart},
                              {"alike", later}, {"round", round_and}, {"within", within},
                              AO_KEYS_END};
static const ao_device storm = {.name = "storm@1.0", .keys = keys, .group = name};

/* ---- Those who answer, give up and run ---- */

static beamr_status go_on(ao_call *call, beamr_error *err)
{
    return next_random() % 4 ? ao_call_ok(call, base_again(call)) : later(call, err);
}

static void answer(ao_call *call)
{
    switch (next_random() % 4) {
    case 0:
        ao_call_raise(call, BEAMR_IO, "raised");
        break;
    case 1:
        ao_call_continue(call, go_on);
        break;
    default:
        ao_call_finish(call, AO_OUTCOME_OK, ao_integer(7));
    }
}

/* Something to do.  The lock is held. */
static job *take_job(ao_task **held)
{
    unsigned way = next_random() % 4;
    job *j = NULL;

    *held = NULL;
    if (way == 0 && (j = take_any(&all.aparts))) {
        *held = apart_hold(j->call);
        return j;
    }
    if (!(j = take_any(&all.runs)) && (way == 1 || !all.open || !all.aparts))
        j = take_any(&all.answers);
    return j;
}

/* Until all is answered that can be: those left behind too, after their context. */
static void *work(void *unused)
{
    (void)pthread_mutex_lock(&all.lock);
    while (!all.is_over) {
        ao_task *held;
        job *j = take_job(&held);

        (void)pthread_mutex_unlock(&all.lock);
        if (held)
            apart_give_up(held);
        else if (j && j->run)
            j->run(j->arg);
        else if (j && !j->is_apart)
            answer(j->call);
        else if (!j)
            (void)sched_yield();
        free(j);
        (void)pthread_mutex_lock(&all.lock);
    }
    (void)pthread_mutex_unlock(&all.lock);
    return unused;
}

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    job *j;

    (void)user;
    if (!all.has_executor || next_random() % 4 == 0) { /* some do so at once */
        run(arg);
        return;
    }
    j = calloc(1, sizeof *j);
    j->run = run;
    j->arg = arg;
    add(&all.runs, j);
}

static void see_end(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    if (result ? result->value.kind == AO_NONE : err->status == BEAMR_OK)
        abort();
    (void)pthread_mutex_lock(&all.lock);
    atomic_fetch_add(&ended, 1);
    all.open--;
    (void)pthread_cond_broadcast(&all.changed);
    (void)pthread_mutex_unlock(&all.lock);
}

/* ---- A round ---- */

static ao_task *begin(ao_context *context)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    size_t count = 2 + next_random() % 2;
    ao_value items[3], list;
    ao_task *task;

    options.raises_as_error = next_random() % 2;
    options.max_depth = 16;
    items[0] = world_message_of("device", ao_binary_text("storm@1.0"));
    for (size_t i = 1; i < count; i++)
        items[i] = a_step();
    list = ao_list_new(items, count);
    (void)pthread_mutex_lock(&all.lock);
    all.open++;
    (void)pthread_mutex_unlock(&all.lock);
    atomic_fetch_add(&started, 1);
    if (ao_task_start(context, list, &options, see_end, NULL, &task, NULL) != BEAMR_OK)
        abort();
    ao_value_unref(list);
    return task;
}

static void one_round(const ao_settings *settings)
{
    ao_context *context = world_new(settings);
    ao_task *tasks[TASKS];

    world_add(context, &storm);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = begin(context);
        if (next_random() % 3 == 0)
            ao_task_cancel(tasks[next_random() % (unsigned)(i + 1)]);
    }
    for (int i = 0; i < TASKS; i++) {
        if (next_random() % 4 == 0)
            (void)usleep(next_random() % 200);
        if (next_random() % 2)
            ao_task_cancel(tasks[i]);
        ao_task_unref(tasks[i]);
    }
    (void)pthread_mutex_lock(&all.lock);
    while (all.open)
        (void)pthread_cond_wait(&all.changed, &all.lock);
    (void)pthread_mutex_unlock(&all.lock);
    ao_context_free(context); /* calls of it may still be waiting for answers */
}

static void run_storm(bool has_executor)
{
    const ao_settings settings = {.execute = execute};
    int rounds = getenv("BEAMR_LONG") ? 200 * ROUNDS : ROUNDS;
    pthread_t threads[WORKERS];

    all.is_over = false;
    all.has_executor = has_executor;
    started = ended = made = cleared = 0;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < rounds; i++)
        one_round(has_executor ? &settings : NULL);
    for (int i = 0; i < 10000 && cleared != made; i++) /* what was left behind */
        (void)usleep(1000);
    (void)pthread_mutex_lock(&all.lock);
    all.is_over = true;
    (void)pthread_mutex_unlock(&all.lock);
    for (int i = 0; i < WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(ended, started);
    assert_int_equal(cleared, made);
    assert_true(late_count > 0 && told > 0);
    assert_null(all.aparts);
}

static void every_task_ends_once(void **state)
{
    (void)state;
    run_storm(false);
}

static void with_an_executor_too(void **state)
{
    (void)state;
    run_storm(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_ends_once),
        cmocka_unit_test(with_an_executor_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
