/* ao/task.c and ao/group.c when everything happens at once: threads that begin, finish, raise,
 * continue and cancel. Every task ends exactly once, every call's memory is cleared exactly
 * once, and the context can be freed as soon as the last task has ended. */
#include "storm.h"
#include "world.h"

#include <stdatomic.h>

#define STARTERS 3
#define FINISHERS 2
#define TASKS 3000 /* of each starter */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    job *first;
    size_t open; /* tasks that have not ended */
    bool is_over;
} jobs = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0, false};

static atomic_size_t started, ended, made, cleared, led;

static void add_job(job *j)
{
    pthread_mutex_lock(&jobs.lock);
    j->next = jobs.first;
    jobs.first = j;
    pthread_cond_signal(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
}

/* The last one ends the test: nobody touches the context afterwards. */
static void see_end(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    if (result ? result->value.kind == AO_NONE : err->status == BEAMR_OK)
        abort();
    atomic_fetch_add(&ended, 1);
    pthread_mutex_lock(&jobs.lock);
    jobs.open--;
    pthread_cond_broadcast(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
}

/* ---- The device ---- */

static void clear(void *memory)
{
    if (*(int *)memory != 1)
        abort();
    *(int *)memory = 2;
    atomic_fetch_add(&cleared, 1);
}

static void note_memory(ao_call *call)
{
    int *memory = ao_call_memory(call, sizeof *memory, clear);

    if (!*memory)
        atomic_fetch_add(&made, 1);
    *memory = 1;
}

/* Nobody wants the answer: take the call off the list, if no other thread has it already. */
static void stop(ao_call *call, void *arg)
{
    job *j, **at;

    (void)arg;
    pthread_mutex_lock(&jobs.lock);
    for (at = &jobs.first; *at && (*at)->call != call; at = &(*at)->next)
        ;
    if ((j = *at))
        *at = j->next;
    pthread_mutex_unlock(&jobs.lock);
    if (!j)
        return;
    free(j);
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(0));
}

static beamr_status later(ao_call *call, beamr_error *err)
{
    job *j = calloc(1, sizeof *j);
    beamr_status st;

    (void)err;
    note_memory(call);
    j->call = call;
    st = ao_call_later(call, stop, NULL);
    add_job(j);
    return st;
}

static beamr_status now(ao_call *call, beamr_error *err)
{
    beamr_status st = ao_call_later(call, NULL, NULL);

    (void)err;
    if (next_random() % 8 == 0)
        ao_call_raise(call, BEAMR_IO, "now");
    else
        ao_call_finish(call, AO_OUTCOME_OK, ao_integer(7));
    return st;
}

static const char *const steps[] = {"later", "now", "chain", "alike", "round"};

static ao_value base_again(ao_call *call)
{
    return ao_message_value(ao_message_ref(ao_call_base(call)));
}

static beamr_status chain_on(ao_call *call, beamr_error *err)
{
    int *memory = ao_call_memory(call, 2 * sizeof *memory, clear);

    (void)err;
    if (++memory[1] > 3)
        return next_random() % 8 ? ao_call_ok(call, ao_integer(7)) : later(call, err);
    return ao_call_resolve(call, base_again(call), ao_binary_text(steps[next_random() % 2]),
                           NULL, chain_on);
}

static beamr_status chain(ao_call *call, beamr_error *err)
{
    int *memory = ao_call_memory(call, 2 * sizeof *memory, clear);

    memory[0] = 1;
    atomic_fetch_add(&made, 1);
    return chain_on(call, err);
}

static ao_value name(ao_call *call)
{
    beamr_bytes key = ao_call_key(call);

    if (key.data[0] == 'a' || key.data[0] == 'r') {
        uint8_t text[2] = {key.data[0], (uint8_t)('0' + next_random() % 3)};
        return ao_binary_copy((beamr_bytes){text, sizeof text});
    }
    return AO_NO_VALUE;
}

static beamr_status alike(ao_call *call, beamr_error *err)
{
    atomic_fetch_add(&led, 1);
    return later(call, err);
}

static beamr_status give(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_value_ref(ao_call_result(call)->value));
}

/* Leads, and waits for others like it: circles must be found. */
static beamr_status round_and(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_resolve(call, base_again(call),
                           ao_binary_text(next_random() % 2 ? "round" : "alike"), NULL, give);
}

static const ao_key keys[] = {{"later", later}, {"now", now},         {"chain", chain},
                              {"alike", alike}, {"round", round_and}, AO_KEYS_END};
static const ao_device storm = {.name = "storm@1.0", .keys = keys, .group = name};

/* ---- Threads ---- */

static beamr_status go_on(ao_call *call, beamr_error *err)
{
    return next_random() % 4 ? ao_call_ok(call, base_again(call)) : later(call, err);
}

static void finish(ao_call *call)
{
    switch (next_random() % 4) {
    case 0:
        ao_call_raise(call, BEAMR_IO, "raised");
        break;
    case 1:
        ao_call_continue(call, go_on);
        break;
    default:
        ao_call_finish(call, AO_OUTCOME_OK, base_again(call));
    }
}

static void *finisher(void *arg)
{
    (void)arg;
    for (;;) {
        job *j;

        pthread_mutex_lock(&jobs.lock);
        while (!jobs.first && !(jobs.is_over && !jobs.open))
            pthread_cond_wait(&jobs.changed, &jobs.lock);
        if ((j = jobs.first))
            jobs.first = j->next;
        pthread_mutex_unlock(&jobs.lock);
        if (!j)
            return NULL;
        if (j->call)
            finish(j->call);
        else
            j->run(j->arg);
        free(j);
    }
}

static ao_value make_list(void)
{
    ao_value items[4];
    size_t count = 2 + next_random() % 3;

    items[0] = world_message_of("device", ao_binary_text("storm@1.0"));
    for (size_t i = 1; i < count; i++)
        items[i] = ao_binary_text(steps[next_random() % 5]);
    return ao_list_new(items, count);
}

static void *starter(void *arg)
{
    ao_task *before = NULL;

    for (int i = 0; i < TASKS; i++) {
        ao_options options = AO_OPTIONS_DEFAULT;
        ao_value list = make_list();
        ao_task *task;

        options.raises_as_error = next_random() % 2;
        options.max_depth = 16;
        pthread_mutex_lock(&jobs.lock);
        jobs.open++;
        pthread_mutex_unlock(&jobs.lock);
        atomic_fetch_add(&started, 1);
        if (ao_task_start(arg, list, &options, see_end, NULL, &task, NULL) != BEAMR_OK)
            abort();
        ao_value_unref(list);
        if (next_random() % 3 == 0)
            ao_task_cancel(task);
        if (before && next_random() % 3 == 0)
            ao_task_cancel(before);
        ao_task_unref(before);
        before = task;
    }
    ao_task_unref(before);
    return NULL;
}

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    job *j = calloc(1, sizeof *j);

    (void)user;
    j->run = run;
    j->arg = arg;
    add_job(j);
}

static void run_storm(const ao_settings *settings)
{
    pthread_t threads[STARTERS + FINISHERS];
    ao_context *context = world_new(settings);

    world_add(context, &storm);
    atomic_store(&started, 0);
    atomic_store(&ended, 0);
    atomic_store(&made, 0);
    atomic_store(&cleared, 0);
    jobs.is_over = false;
    for (size_t i = 0; i < STARTERS + FINISHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < STARTERS ? starter : finisher,
                                        i < STARTERS ? context : NULL),
                         0);
    for (size_t i = 0; i < STARTERS; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_lock(&jobs.lock);
    jobs.is_over = true;
    while (jobs.open)
        pthread_cond_wait(&jobs.changed, &jobs.lock);
    pthread_cond_broadcast(&jobs.changed);
    pthread_mutex_unlock(&jobs.lock);
    ao_context_free(context); /* threads are still on their way back from what they finished */
    for (size_t i = STARTERS; i < STARTERS + FINISHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&ended), atomic_load(&started));
    assert_int_equal(atomic_load(&cleared), atomic_load(&made));
}

static void every_task_ends_once(void **state)
{
    (void)state;
    run_storm(NULL);
}

static void with_an_executor_too(void **state)
{
    const ao_settings settings = {.execute = execute};

    (void)state;
    run_storm(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_ends_once),
        cmocka_unit_test(with_an_executor_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
