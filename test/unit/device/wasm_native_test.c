/* wasm-64@1.0 with `mode` = `AOT`: native code is made once, where it is allowed, changes
 * nothing that a message says, and holds no thread of an executor while it is made.
 * Compilers are scripts that note that they were started: one passes on to beamr-compile, which
 * BEAMR_COMPILE names, one fails, one never ends, one does not the first time. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/state.h"
#include "wasm_modules.h"

#define ALLOWED "\"wasm_allow_aot\": true"
#define AOT "\"device\": \"wasm-64@1.0\", \"mode\": \"AOT\""
#define INIT "{\"path\": \"init\"}"
#define CALL(function, parameters)                                                             \
    "{\"path\": \"compute\", \"function\": \"" function "\", \"parameters\": [" parameters "]" \
    "}"

/* ---- Compilers ---- */

static struct {
    char folder[64], started[96], counting[96], failing[96], hanging[96], once[96];
    bool has_real;
} compilers;

static void write_script(char path[96], const char *name, const char *end)
{
    FILE *file;

    (void)snprintf(path, 96, "%s/%s", compilers.folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\necho >>'%s'\n%s\n", compilers.started, end);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static int make_compilers(void **state)
{
    const char *real = getenv("BEAMR_COMPILE");
    char end[4200];

    (void)state;
    (void)unsetenv("BEAMR_TIER");
    (void)snprintf(compilers.folder, sizeof compilers.folder, "/tmp/beamr_native_XXXXXX");
    if (!mkdtemp(compilers.folder))
        return -1;
    (void)snprintf(compilers.started, sizeof compilers.started, "%s/started", compilers.folder);
    compilers.has_real = real && access(real, X_OK) == 0;
    (void)snprintf(end, sizeof end, "exec '%s' \"$@\"", real ? real : "");
    write_script(compilers.counting, "counting", end);
    write_script(compilers.failing, "failing", "echo no luck: \"$@\" >&2; exit 1");
    write_script(compilers.hanging, "hanging", "exec sleep 100");
    (void)snprintf(end, sizeof end, "[ $(wc -l <'%s') = 1 ] && exec sleep 100\nexit 1",
                   compilers.started);
    write_script(compilers.once, "once", end);
    return 0;
}

static int remove_compilers(void **state)
{
    (void)state;
    (void)unlink(compilers.started);
    (void)unlink(compilers.counting);
    (void)unlink(compilers.failing);
    (void)unlink(compilers.hanging);
    (void)unlink(compilers.once);
    return rmdir(compilers.folder);
}

/* Compilers are started from here on. */
static void use(const char *compiler)
{
    (void)unlink(compilers.started);
    assert_int_equal(setenv("BEAMR_COMPILE", compiler, 1), 0);
}

/* The real one, or the test is skipped. */
static void use_real(void)
{
    if (!compilers.has_real) {
        (void)puts("skipped: native code of processes (no beamr-compile)");
        skip();
    }
    use(compilers.counting);
}

static int started(void)
{
    struct stat st;

    return stat(compilers.started, &st) == 0 ? (int)st.st_size : 0; /* a line end for each */
}

/* Within ten seconds. */
static bool comes_to(int n)
{
    for (int i = 0; i < 10000 && started() != n; i++)
        (void)usleep(1000);
    return started() == n;
}

/* ---- Nodes ---- */

static struct {
    pthread_mutex_t lock;
    int count;
    char text[1024]; /* all of them */
} told = {PTHREAD_MUTEX_INITIALIZER, 0, ""};

static void report(void *user, const char *text)
{
    size_t len;

    (void)user;
    (void)pthread_mutex_lock(&told.lock);
    len = strlen(told.text);
    (void)snprintf(told.text + len, sizeof told.text - len, "%s\n", text);
    told.count++;
    (void)pthread_mutex_unlock(&told.lock);
}

static void expect_told(int count, const char *text)
{
    (void)pthread_mutex_lock(&told.lock);
    if (told.count != count || (text && !strstr(told.text, text)))
        fail_msg("%d times, without `%s`: %s", told.count, text, told.text);
    (void)pthread_mutex_unlock(&told.lock);
}

/* A context whose options are JSON without its braces. */
static ao_context *node(const char *options, const ao_settings *more)
{
    ao_settings settings = more ? *more : (ao_settings){0};
    ao_context *plain = world_open(NULL, NULL), *context = NULL;
    char json[256];
    ao_message *values;
    beamr_error err = {0};

    (void)snprintf(json, sizeof json, "{%s}", options);
    values = world_message(plain, json);
    settings.values = values;
    settings.report = report;
    told.count = 0;
    told.text[0] = '\0';
    if (ao_context_new(&settings, &context, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

/* A process before `init`; JSON without its braces. */
static ao_message *process(ao_context *context, const char *keys, void (*make)(wasm_builder *w))
{
    char json[256];

    (void)snprintf(json, sizeof json, "{%s}", keys);
    return message_with_key(context, json, "image", module_value(make));
}

static ao_message *started_process(ao_context *context, const char *keys)
{
    return resolve_next(context, process(context, keys, module_plain), INIT);
}

static bool is_native(const ao_message *message)
{
    dev_state *state = dev_state_of(message, (beamr_bytes){NULL, 0});

    return beamr_module_native_count(dev_state_image(state)->module) > 0;
}

/* It computes, one way or the other. */
static void expect_works(ao_context *context, BEAMR_OWN ao_message *message)
{
    message = resolve_next(context, message, CALL("add", "7"));
    expect_integer(message, "results", 7);
    ao_message_unref(message);
}

/* ---- The same bytes ---- */

static const char *const calls[] = {
    CALL("add", "7"),          CALL("fac", "20"),    CALL("store_trap", "99"),
    CALL("trap", ""),          CALL("grow", "2"),    CALL("spin", ""),
    CALL("nan", ""),           CALL("both", "1, 2"), CALL("first", "\"text\""),
    CALL("first", "10000000"), CALL("add", "-1"),
};

static void expect_same_messages(ao_context *contexts[2], ao_message *messages[2])
{
    ao_value paths[2] = {AO_NO_VALUE, AO_NO_VALUE};
    ao_message *snapshots[2];
    beamr_error err = {0};

    for (int i = 0; i < 2; i++) {
        snapshots[i] = resolve_ok(contexts[i], messages[i], "{\"path\": \"snapshot\"}");
        assert_int_equal(ao_message_hashpath(contexts[i], messages[i], &paths[i], &err),
                         BEAMR_OK);
    }
    assert_true(ao_value_equal(paths[0], paths[1]));
    assert_true(ao_value_equal(ao_message_find_text(messages[0], "results"),
                               ao_message_find_text(messages[1], "results")));
    assert_true(ao_value_equal(ao_message_value(snapshots[0]), ao_message_value(snapshots[1])));
    for (int i = 0; i < 2; i++) {
        ao_message_unref(snapshots[i]);
        ao_value_unref(paths[i]);
    }
}

/* On a node that allows it and one that does not; `keys` of both processes. */
static void compare(const char *keys)
{
    ao_context *contexts[2] = {node(ALLOWED, NULL), node("\"wasm_allow_aot\": false", NULL)};
    ao_message *messages[2];

    for (int i = 0; i < 2; i++)
        messages[i] = started_process(contexts[i], keys);
    assert_true(is_native(messages[0]));
    assert_false(is_native(messages[1]));
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        for (int i = 0; i < 2; i++)
            messages[i] = resolve_next(contexts[i], messages[i], calls[c]);
        expect_same_messages(contexts, messages);
    }
    for (int i = 0; i < 2; i++) {
        ao_message_unref(messages[i]);
        ao_context_free(contexts[i]);
    }
}

static void both_ways_make_the_same_states(void **state)
{
    (void)state;
    use_real();
    compare(AOT ", \"compute-limit\": 100000, \"memory-limit\": 131072");
    expect_told(0, NULL);
}

/* A snapshot of one node, continued on the other. */
static void cross(const char *from_options, const char *to_options)
{
    ao_context *from = node(from_options, NULL), *to = node(to_options, NULL);
    ao_message *first = started_process(from, AOT), *second, *snapshot, *whole = NULL;
    ao_message *ends[2];
    beamr_error err = {0};

    first = resolve_next(from, first, CALL("add", "7"));
    first = resolve_next(from, first, CALL("store_trap", "50"));
    snapshot = resolve_ok(from, first, "{\"path\": \"snapshot\"}");
    second = process(to, AOT, module_plain);
    assert_int_equal(
        ao_message_with(second, "snapshot", ao_message_value(snapshot), &whole, &err),
        BEAMR_OK);
    ao_message_unref(second);
    second = resolve_next(to, whole, "{\"path\": \"normalize\"}");
    assert_true(is_native(first) != is_native(second));
    first = resolve_next(from, first, CALL("add", "1"));
    second = resolve_next(to, second, CALL("add", "1"));
    expect_integer(second, "results", 51);
    ends[0] = resolve_next(from, first, "{\"path\": \"snapshot\"}");
    ends[1] = resolve_next(to, second, "{\"path\": \"snapshot\"}");
    assert_true(ao_value_equal(ao_message_value(ends[0]), ao_message_value(ends[1])));
    ao_message_unref(ends[0]);
    ao_message_unref(ends[1]);
    ao_context_free(from);
    ao_context_free(to);
}

static void snapshots_go_from_one_way_to_the_other(void **state)
{
    (void)state;
    use_real();
    cross(ALLOWED, "\"wasm_allow_aot\": false");
    cross("\"wasm_allow_aot\": false", ALLOWED);
}

/* The older of two states gets an instance anew. */
static void instances_made_anew_are_native_too(void **state)
{
    ao_context *context;
    ao_message *first, *second;

    (void)state;
    use_real();
    context = node(ALLOWED, NULL);
    first = resolve_next(context, started_process(context, AOT), CALL("add", "7"));
    second = resolve_ok(context, first, CALL("add", "1"));
    expect_integer(second, "results", 8);
    first = resolve_next(context, first, CALL("add", "2"));
    expect_integer(first, "results", 9);
    assert_true(is_native(first));
    assert_int_equal(started(), 1);
    ao_message_unref(first);
    ao_message_unref(second);
    ao_context_free(context);
}

/* ---- Once, and only where it is wanted ---- */

static void a_module_is_compiled_once(void **state)
{
    ao_context *context;
    ao_message *plain;

    (void)state;
    use_real();
    context = node(ALLOWED, NULL);
    for (int i = 0; i < 3; i++)
        expect_works(context, started_process(context, AOT));
    assert_int_equal(started(), 1);
    for (int i = 0; i < 3; i++) /* code that counts fuel is other code */
        expect_works(context, started_process(context, AOT ", \"compute-limit\": 100000"));
    assert_int_equal(started(), 2);
    plain = started_process(context, "\"device\": \"wasm-64@1.0\", \"mode\": \"WASM\"");
    assert_false(is_native(plain));
    expect_works(context, plain);
    assert_int_equal(started(), 2);
    ao_context_free(context);
}

static void nobody_compiles_who_need_not(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.failing);
    context = node("\"wasm_timeout\": 0", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node("\"wasm_allow_aot\": false", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node("\"wasm_allow_aot\": \"perhaps\"", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, "\"device\": \"wasm-64@1.0\""));
    expect_works(context, started_process(context, "\"device\": \"stack@1.0\", \"mode\": "
                                                   "\"Fold\", \"device-stack\": "
                                                   "[\"wasm-64@1.0\"]"));
    assert_int_equal(started(), 0);
    expect_told(0, NULL);
    ao_context_free(context);
}

/* A stack's own `mode`, or one below an input prefix. */
static void a_stack_says_so_too(void **state)
{
    ao_context *context;
    ao_message *message;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, "\"device\": \"stack@1.0\", \"mode\": "
                                                   "\"AOT\", \"device-stack\": "
                                                   "[\"wasm-64@1.0\"]"));
    assert_int_equal(started(), 1);
    ao_context_free(context);
    context = node(ALLOWED, NULL);
    message = message_with_key(context,
                               "{\"device\": \"stack@1.0\", \"mode\": \"Fold\","
                               " \"device-stack\": [\"wasm-64@1.0\"],"
                               " \"input-prefixes\": [\"guest\"], \"guest\": {\"mode\": "
                               "\"AOT\"}}",
                               "module", module_value(module_plain));
    expect_works(context, resolve_next(context, message, INIT));
    assert_int_equal(started(), 2);
    ao_context_free(context);
}

static void code_objects_are_no_images(void **state)
{
    static const char *const objects[] = {"\\u007fELF object", "beamrobj and more",
                                          "\\u0000aot object"};
    ao_context *context;
    char json[128];

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        ao_message *base;

        (void)snprintf(json, sizeof json, "{" AOT ", \"image\": \"%s\"}", objects[i]);
        base = world_message(context, json);
        resolve_fails(context, base, INIT, NULL, AO_OUTCOME_ERROR, 400, "native code is not");
        ao_message_unref(base);
    }
    assert_int_equal(started(), 0);
    ao_context_free(context);
}

/* ---- Compilers that fail ---- */

static void without_a_compiler_a_process_is_interpreted(void **state)
{
    ao_context *context;

    (void)state;
    use("/nowhere/beamr-compile");
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "cannot be started");
    expect_works(context, started_process(context, AOT));
    expect_told(1, "interpreted, as it could not be compiled");
    ao_context_free(context);
}

static void so_it_is_when_the_compiler_fails(void **state)
{
    ao_context *context;
    ao_message *message;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    for (int i = 0; i < 3; i++) {
        message = started_process(context, AOT);
        assert_false(is_native(message));
        expect_works(context, message);
    }
    assert_int_equal(started(), 1); /* it would fail again */
    expect_told(1, "no luck");
    ao_context_free(context);
}

static void or_does_not_end(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.hanging);
    context = node(ALLOWED ", \"wasm_aot_time\": 20", NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "killed");
    ao_context_free(context);
}

static void the_compiler_is_told_its_limits(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED ", \"wasm_aot_memory\": 268435456, \"wasm_aot_time\": 12345", NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "--time-ms 12345 --max-memory 268435456 ");
    ao_context_free(context);
}

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
        cmocka_unit_test(both_ways_make_the_same_states),
        cmocka_unit_test(snapshots_go_from_one_way_to_the_other),
        cmocka_unit_test(instances_made_anew_are_native_too),
        cmocka_unit_test(a_module_is_compiled_once),
        cmocka_unit_test(nobody_compiles_who_need_not),
        cmocka_unit_test(a_stack_says_so_too),
        cmocka_unit_test(code_objects_are_no_images),
        cmocka_unit_test(without_a_compiler_a_process_is_interpreted),
        cmocka_unit_test(so_it_is_when_the_compiler_fails),
        cmocka_unit_test(or_does_not_end),
        cmocka_unit_test(the_compiler_is_told_its_limits),
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
