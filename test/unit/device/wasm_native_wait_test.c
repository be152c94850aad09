/* Waiting for native code of processes: many threads compile once, whoever is cancelled waits
 * no more, and no thread of an executor is held meanwhile. */
#include <sys/wait.h>

#include "native_nodes.h"

/* ---- Many threads, without an executor ---- */

#define THREADS 6

static void *begin_one(void *context)
{
    expect_works(context, started_process(context, AOT));
    return NULL;
}

static void threads_that_come_at_once_compile_once(void **state)
{
    pthread_t threads[THREADS];
    ao_context *context;

    (void)state;
    use(compilers.has_real ? compilers.counting : compilers.failing);
    context = node(ALLOWED, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, begin_one, context), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(started(), 1);
    ao_context_free(context);
}

/* ---- Cancelled, without an executor ---- */

/* Answers with a process, by a thread of its own, which then goes on with that. */
typedef struct gate {
    ao_call *call;
    ao_message *process; /* counted */
    ao_task *task;
    pthread_t thread;
    _Atomic bool has_ended, is_good;
} gate;

static gate *opening; /* whose call comes next */

static beamr_status wait_at_gate(ao_call *call, beamr_error *err)
{
    (void)err;
    opening->call = call;
    return ao_call_later(call, NULL, NULL);
}

static void gate_ended(void *user, const ao_result *result, const beamr_error *err)
{
    gate *g = user;

    (void)err;
    g->is_good = result && result->outcome == AO_OUTCOME_OK;
    g->has_ended = true;
}

static void *pass_gate(void *arg)
{
    gate *g = arg;

    ao_call_finish(g->call, AO_OUTCOME_OK, ao_message_value(g->process));
    return NULL;
}

static ao_context *gate_node(const char *options)
{
    static const ao_key keys[] = {{"pass", wait_at_gate}, AO_KEYS_END};
    static const ao_device device = {.name = "gate@1.0", .keys = keys};
    ao_context *context = node(options, NULL);

    assert_int_equal(ao_context_add_device(context, &device, NULL), BEAMR_OK);
    return context;
}

/* `init` of a module, on a thread of its own. */
static void gate_open(gate *g, ao_context *context, void (*make)(wasm_builder *w))
{
    ao_value items[3] = {ao_message_value(world_message(context, "{\"device\": \"gate@1.0\"}")),
                         ao_message_value(world_message(context, "{\"path\": \"pass\"}")),
                         ao_message_value(world_message(context, INIT))};
    ao_value list = ao_list_new(items, 3);

    *g = (gate){.process = process(context, AOT, make)};
    opening = g;
    assert_int_equal(ao_task_start(context, list, NULL, gate_ended, g, &g->task, NULL),
                     BEAMR_OK);
    ao_value_unref(list);
    assert_int_equal(pthread_create(&g->thread, NULL, pass_gate, g), 0);
}

/* Within ten seconds; the compiler that hangs does so for ten times that. */
static void gate_ends(gate *g, bool is_good)
{
    for (int i = 0; i < 10000 && !g->has_ended; i++)
        (void)usleep(1000);
    assert_true(g->has_ended);
    assert_int_equal(g->is_good, is_good);
    (void)pthread_join(g->thread, NULL);
    ao_task_unref(g->task);
}

static void a_thread_that_compiles_is_cancelled(void **state)
{
    ao_context *context;
    gate g;

    (void)state;
    use(compilers.hanging);
    context = gate_node(ALLOWED);
    gate_open(&g, context, module_plain);
    assert_true(comes_to(1));
    ao_task_cancel(g.task);
    gate_ends(&g, false);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* there are no children */
    expect_told(0, NULL);
    ao_context_free(context);
}

/* The compiler is another's, of the same module or of another one, and runs on. */
static void threads_that_wait_are_cancelled(void **state)
{
    ao_context *context;
    gate first, same, other;

    (void)state;
    use(compilers.hanging);
    context = gate_node(ALLOWED);
    gate_open(&first, context, module_plain);
    assert_true(comes_to(1));
    gate_open(&same, context, module_plain);
    gate_open(&other, context, module_importing);
    (void)usleep(20000);
    ao_task_cancel(same.task);
    gate_ends(&same, false);
    ao_task_cancel(other.task);
    gate_ends(&other, false);
    assert_false(first.has_ended);
    assert_int_equal(started(), 1);
    ao_task_cancel(first.task);
    gate_ends(&first, false);
    ao_context_free(context);
}

static void the_next_one_that_waits_compiles(void **state)
{
    ao_context *context;
    gate first, others[3];

    (void)state;
    use(compilers.once);
    context = gate_node(ALLOWED);
    gate_open(&first, context, module_plain);
    assert_true(comes_to(1));
    for (int i = 0; i < 3; i++)
        gate_open(&others[i], context, i == 2 ? module_importing : module_plain);
    (void)usleep(20000);
    assert_int_equal(started(), 1);
    ao_task_cancel(first.task);
    gate_ends(&first, false);
    for (int i = 0; i < 3; i++)
        gate_ends(&others[i], true);
    assert_int_equal(started(), 3);
    expect_told(2, "interpreted, as it could not be compiled");
    ao_context_free(context);
}

/* However many are cancelled before: nobody waits for one after the other. */
static void who_waited_too_long_is_interpreted(void **state)
{
    ao_context *context;
    gate first, second;

    (void)state;
    use(compilers.hanging);
    context = gate_node(ALLOWED ", \"wasm_aot_time\": 200");
    gate_open(&first, context, module_plain);
    assert_true(comes_to(1));
    gate_open(&second, context, module_plain);
    (void)usleep(600000); /* the process has a second more */
    ao_task_cancel(first.task);
    gate_ends(&first, false);
    gate_ends(&second, true);
    assert_int_equal(started(), 1);
    expect_told(1, "the compiler was not free within 200 ms");
    ao_context_free(context);
}

static void threads_are_cancelled_at_any_moment(void **state)
{
    gate gates[8];

    (void)state;
    use(compilers.failing);
    for (int round = 0; round < 12; round++) {
        ao_context *context = gate_node(ALLOWED);

        for (int i = 0; i < 8; i++)
            gate_open(&gates[i], context, i % 2 ? module_plain : module_importing);
        for (int i = 0; i < 8; i += 3) {
            (void)usleep((useconds_t)(round * 100));
            ao_task_cancel(gates[i].task);
        }
        for (int i = 0; i < 8; i++) {
            (void)pthread_join(gates[i].thread, NULL);
            assert_true(gates[i].has_ended);
            assert_true(gates[i].is_good || i % 3 == 0);
            ao_task_unref(gates[i].task);
        }
        ao_context_free(context);
    }
}

/* ---- An executor of one thread ---- */

#define JOBS 64

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        void (*run)(void *arg);
        void *arg;
    } jobs[JOBS];
    size_t first, count;
    bool is_over;
    int good, failed, left; /* tasks */
    pthread_t thread;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    (void)pthread_mutex_lock(&pool.lock);
    assert_true(pool.count < JOBS);
    pool.jobs[(pool.first + pool.count) % JOBS].run = run;
    pool.jobs[(pool.first + pool.count++) % JOBS].arg = arg;
    (void)pthread_cond_broadcast(&pool.changed);
    (void)pthread_mutex_unlock(&pool.lock);
}

static void *work(void *unused)
{
    (void)pthread_mutex_lock(&pool.lock);
    while (!pool.is_over || pool.count > 0) {
        void (*run)(void *arg) = pool.jobs[pool.first].run;
        void *arg = pool.jobs[pool.first].arg;

        if (pool.count == 0) {
            (void)pthread_cond_wait(&pool.changed, &pool.lock);
            continue;
        }
        pool.first = (pool.first + 1) % JOBS;
        pool.count--;
        (void)pthread_mutex_unlock(&pool.lock);
        run(arg);
        (void)pthread_mutex_lock(&pool.lock);
    }
    (void)pthread_mutex_unlock(&pool.lock);
    return unused;
}

static ao_context *pool_node(const char *options)
{
    const ao_settings settings = {.execute = execute};

    pool.is_over = false;
    pool.good = pool.failed = pool.left = 0;
    assert_int_equal(pthread_create(&pool.thread, NULL, work, NULL), 0);
    return node(options, &settings);
}

static void pool_close(ao_context *context)
{
    (void)pthread_mutex_lock(&pool.lock);
    pool.is_over = true;
    (void)pthread_cond_broadcast(&pool.changed);
    (void)pthread_mutex_unlock(&pool.lock);
    (void)pthread_join(pool.thread, NULL);
    ao_context_free(context);
}

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    bool is_good = result && result->outcome == AO_OUTCOME_OK;

    (void)user;
    (void)err;
    (void)pthread_mutex_lock(&pool.lock);
    pool.good += is_good;
    pool.failed += !is_good;
    pool.left--;
    (void)pthread_cond_broadcast(&pool.changed);
    (void)pthread_mutex_unlock(&pool.lock);
}

/* Resolve a request on a message, taken over. Tasks begin on the thread that begins them. */
static ao_task *begin(ao_context *context, BEAMR_OWN ao_message *base, const char *request)
{
    ao_value items[2] = {ao_message_value(base),
                         ao_message_value(world_message(context, request))};
    ao_value list = ao_list_new(items, 2);
    ao_task *task = NULL;

    (void)pthread_mutex_lock(&pool.lock);
    pool.left++;
    (void)pthread_mutex_unlock(&pool.lock);
    assert_int_equal(ao_task_start(context, list, NULL, ended, NULL, &task, NULL), BEAMR_OK);
    ao_value_unref(list);
    return task;
}

static void wait_for_tasks(int left)
{
    (void)pthread_mutex_lock(&pool.lock);
    while (pool.left > left)
        (void)pthread_cond_wait(&pool.changed, &pool.lock);
    (void)pthread_mutex_unlock(&pool.lock);
}

static void calls_that_wait_hold_no_thread(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.has_real ? compilers.counting : compilers.failing);
    context = pool_node(ALLOWED);
    for (int i = 0; i < 20; i++) /* this thread comes back, with most of them waiting */
        ao_task_unref(begin(context, process(context, AOT, module_plain), INIT));
    wait_for_tasks(0);
    assert_int_equal(pool.good, 20);
    assert_int_equal(started(), 1);
    pool_close(context);
}

static void a_call_that_waits_can_be_cancelled(void **state)
{
    ao_context *context;
    ao_task *tasks[2];

    (void)state;
    use(compilers.hanging);
    context = pool_node(ALLOWED);
    tasks[0] = begin(context, process(context, AOT, module_plain), INIT);
    tasks[1] = begin(context, process(context, AOT, module_importing), INIT);
    assert_true(comes_to(1));
    expect_works(context, started_process(context, "\"device\": \"wasm-64@1.0\""));
    assert_int_equal(pool.left, 2);
    for (int i = 0; i < 2; i++) {
        ao_task_cancel(tasks[i]);
        ao_task_unref(tasks[i]);
    }
    wait_for_tasks(0);
    assert_int_equal(pool.failed, 2);
    pool_close(context); /* while the compiler runs, which is ended */
    assert_int_equal(started(), 1);
    expect_told(0, NULL);
}

/* A message that is kept keeps a world, whose compiler must not outlive its context: what it
 * tells is told to somebody who may be gone. */
static void compilers_end_with_their_context(void **state)
{
    ao_context *context;
    ao_message *kept;
    ao_task *task;

    (void)state;
    use(compilers.hanging);
    context = pool_node(ALLOWED);
    kept = started_process(context, "\"device\": \"wasm-64@1.0\"");
    task = begin(context, process(context, AOT, module_plain), INIT);
    assert_true(comes_to(1));
    ao_task_cancel(task);
    ao_task_unref(task);
    wait_for_tasks(0);
    pool_close(context);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* there are no children */
    expect_told(0, NULL);
    ao_message_unref(kept);
}

static void calls_are_cancelled_at_any_moment(void **state)
{
    ao_context *context;
    ao_task *tasks[20];

    (void)state;
    use(compilers.failing);
    for (int round = 0; round < 10; round++) {
        context = pool_node(ALLOWED);
        for (int i = 0; i < 20; i++)
            tasks[i] = begin(
                context, process(context, AOT, i % 2 ? module_plain : module_importing), INIT);
        for (int i = 0; i < 20; i++) {
            if (i % 3 == 0) {
                (void)usleep((useconds_t)(round * 100));
                ao_task_cancel(tasks[i]);
            }
            ao_task_unref(tasks[i]);
        }
        wait_for_tasks(0);
        assert_int_equal(pool.good + pool.failed, 20);
        pool_close(context);
    }
}

/* One module is compiled without an end, another waits for its turn.  false: on a busy machine
 * the first was ended before it began, or before the other waited */
static bool one_has_no_turn(void)
{
    ao_context *context = pool_node(ALLOWED ", \"wasm_aot_time\": 50");
    bool is_as_planned;

    (void)unlink(compilers.started);
    ao_task_unref(begin(context, process(context, AOT, module_plain), INIT));
    ao_task_unref(begin(context, process(context, AOT, module_importing), INIT));
    wait_for_tasks(0);
    assert_int_equal(pool.good, 2);
    expect_told(2, NULL);
    is_as_planned = started() == 1 && strstr(told.text, "killed") &&
                    strstr(told.text, "the compiler was not free within 50 ms");
    pool_close(context);
    return is_as_planned;
}

static void whose_turn_does_not_come_is_interpreted(void **state)
{
    bool is_seen = false;

    (void)state;
    use(compilers.hanging);
    for (int i = 0; i < 50 && !is_seen; i++)
        is_seen = one_has_no_turn();
    assert_true(is_seen);
}

/* An executor that runs at once what it is given: the compiler's thread then gives back the
 * last count of the world, and ends it. */
static void execute_here(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    run(arg);
}

static void contexts_go_as_soon_as_all_has_ended(void **state)
{
    const ao_settings settings = {.execute = execute_here};

    (void)state;
    use(compilers.failing);
    for (int round = 0; round < 20; round++) {
        ao_context *context = node(ALLOWED, &settings);

        pool.good = pool.failed = pool.left = 0;
        ao_task_unref(begin(context, process(context, AOT, module_plain), INIT));
        wait_for_tasks(0);
        ao_context_free(context);
        assert_int_equal(pool.good, 1);
    }
}

/* What comes after a compilation may need another one, and wait for it: the thread that
 * compiles is free then. */
static void resolve_when_ended(void *context, const ao_result *result, const beamr_error *err)
{
    expect_works(context, resolve_next(context, process(context, AOT, module_importing), INIT));
    ended(NULL, result, err);
}

static void what_follows_can_wait_for_a_compiler(void **state)
{
    const ao_settings settings = {.execute = execute_here};
    ao_context *context;
    ao_value items[2], list;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, &settings);
    pool.good = pool.failed = 0;
    pool.left = 1;
    items[0] = ao_message_value(process(context, AOT, module_plain));
    items[1] = ao_message_value(world_message(context, INIT));
    list = ao_list_new(items, 2);
    assert_int_equal(
        ao_task_start(context, list, NULL, resolve_when_ended, context, NULL, NULL), BEAMR_OK);
    ao_value_unref(list);
    wait_for_tasks(0);
    assert_int_equal(pool.good, 1);
    assert_int_equal(started(), 2);
    ao_context_free(context);
}

/* Guests run on the compiler's thread then, whose faults must reach the handler there too. */
static void faults_are_traps_whoever_goes_on(void **state)
{
    const ao_settings settings = {.execute = execute_here};
    ao_context *context;
    ao_value items[3], list;
    ao_task *task;

    (void)state;
    use_real();
    context = node(ALLOWED, &settings);
    pool.good = pool.failed = 0;
    pool.left = 1;
    items[0] = ao_message_value(process(context, AOT, module_plain));
    items[1] = ao_message_value(world_message(context, INIT));
    items[2] = ao_message_value(world_message(context, CALL("first", "10000000")));
    list = ao_list_new(items, 3);
    assert_int_equal(ao_task_start(context, list, NULL, ended, NULL, &task, NULL), BEAMR_OK);
    ao_task_unref(task);
    ao_value_unref(list);
    wait_for_tasks(0);
    assert_int_equal(pool.good, 1);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_come_at_once_compile_once),
        cmocka_unit_test(a_thread_that_compiles_is_cancelled),
        cmocka_unit_test(threads_that_wait_are_cancelled),
        cmocka_unit_test(the_next_one_that_waits_compiles),
        cmocka_unit_test(who_waited_too_long_is_interpreted),
        cmocka_unit_test(threads_are_cancelled_at_any_moment),
        cmocka_unit_test(calls_that_wait_hold_no_thread),
        cmocka_unit_test(a_call_that_waits_can_be_cancelled),
        cmocka_unit_test(compilers_end_with_their_context),
        cmocka_unit_test(calls_are_cancelled_at_any_moment),
        cmocka_unit_test(whose_turn_does_not_come_is_interpreted),
        cmocka_unit_test(contexts_go_as_soon_as_all_has_ended),
        cmocka_unit_test(what_follows_can_wait_for_a_compiler),
        cmocka_unit_test(faults_are_traps_whoever_goes_on),
    };

    return cmocka_run_group_tests(tests, make_compilers, remove_compilers);
}
