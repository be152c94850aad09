/* wasm-64@1.0: a guest that runs ends when the task that runs it is cancelled, wherever that
 * is, and the state before can be computed on. Without that these tests do not end. */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "beamr/ao/guest.h"
#include "device/state_internal.h"
#include "wasm_modules.h"

#define COMPUTE(name, parameters)                                                              \
    "{\"path\": \"compute\", \"function\": \"" name "\", \"parameters\": [" parameters "]}"
#define ADD COMPUTE("add", "1")
#define STACK                                                                                  \
    "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", \"JSON-Iface@1.0\", "        \
    "\"WASM-64@1.0\", \"Multipass@1.0\"], \"output-prefixes\": [\"wasm\"], \"passes\": 2, "    \
    "\"process\": {\"type\": \"Process\"}}"

/* ---- A guest that does not end ---- */

/* With an import my_lib.mul(i i)->i:
 *   spin(), add(l)->l, malloc(i)->i (does not end), text(i)->i, ask()->i by mul, handle(i
 * i)->i, count(i) (down to zero)
 */
static void module_with(wasm_builder *w, bool is_start)
{
    static const module_func imports[] = {{"my_lib.mul", "ii", "i"}};
    static const module_func funcs[] = {
        {"spin", "", ""}, {"add", "l", "l"},     {"malloc", "i", "i"}, {"text", "i", "i"},
        {"ask", "", "i"}, {"handle", "ii", "i"}, {"count", "i", ""}};
    const size_t count = sizeof funcs / sizeof funcs[0];

    module_begin(w, imports, 1, funcs, count);
    if (is_start) {
        wasm_section(w, WASM_START);
        wasm_u64(w, 1);
        wasm_end(w);
    }
    wasm_section(w, WASM_CODE);
    wasm_u64(w, count);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);
    WASM_BODY(w, 0x41, 8, 0x41, 8, 0x29, 3, 0, 0x20, 0, 0x7c, 0x37, 3, 0, 0x41, 8, 0x29, 3, 0);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 8);
    WASM_BODY(w, 0x20, 0);
    WASM_BODY(w, 0x41, 2, 0x41, 3, 0x10, 0);
    WASM_BODY(w, 0x41, 16);
    WASM_BODY(w, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b);
    wasm_end(w);
}

static void module_spinning(wasm_builder *w)
{
    module_with(w, false);
}

static void module_starting(wasm_builder *w)
{
    module_with(w, true);
}

/* ---- Tasks that wait before they compute, so that they are known ---- */

static _Atomic(ao_call *) waits;
static ao_task *own;
static _Atomic(int) ended, failed, answers;

static beamr_status wait_here(ao_call *call, beamr_error *err)
{
    (void)err;
    waits = call;
    return ao_call_later(call, NULL, NULL);
}

/* Answers an import on a thread of its own, which allocates in the guest first. */
static void *allocate(void *arg)
{
    ao_call *call = arg;
    ao_guest *guest =
        ao_guest_of(ao_to_message(ao_message_find_text(ao_call_base(call), "state")), NULL);
    beamr_error err = {0};
    uint64_t addr;

    if (ao_guest_allocate(guest, beamr_bytes_of("text"), &addr, &err) == BEAMR_TRAP)
        answers++;
    ao_call_finish(call, AO_OUTCOME_ERROR, ao_binary_text(err.text));
    return NULL;
}

static beamr_status allocate_elsewhere(ao_call *call, beamr_error *err)
{
    pthread_t thread;

    (void)err;
    if (pthread_create(&thread, NULL, allocate, call) == 0)
        (void)pthread_detach(thread);
    return ao_call_later(call, NULL, NULL);
}

/* Reads a guest whose instance must be made anew, in a task that is cancelled already. */
static beamr_status read_cancelled(ao_call *call, beamr_error *err)
{
    ao_guest *guest = ao_guest_of(ao_call_base(call), NULL);
    uint64_t size;

    (void)err;
    ao_task_cancel(own);
    if (ao_guest_memory_size(guest, &size, NULL) == BEAMR_TRAP)
        answers++;
    return ao_call_ok(call, ao_integer(1));
}

static const ao_key keys[] = {
    {"wait", wait_here}, {"mul", allocate_elsewhere}, {"read", read_cancelled}, AO_KEYS_END};
static const ao_device library = {.name = "cancel@1.0", .keys = keys};

static ao_context *open_context(void)
{
    ao_context *context = world_open(NULL, NULL);

    assert_int_equal(ao_context_add_device(context, &library, NULL), BEAMR_OK);
    ended = failed = answers = 0;
    return context;
}

static ao_message *make_process(ao_context *context, const char *json,
                                void (*module)(wasm_builder *w))
{
    return message_with_key(context, json, "image", module_value(module));
}

#define PLAIN                                                                                  \
    "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": \"cancel@1.0\"}}}"

static ao_message *make_guest(ao_context *context)
{
    return resolve_next(context,
                        resolve_next(context, make_process(context, PLAIN, module_spinning),
                                     "{\"path\": \"init\"}"),
                        COMPUTE("add", "7"));
}

static void end(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    (void)err;
    if (!result || result->outcome != AO_OUTCOME_OK)
        failed++;
    ended++;
}

/* What comes after `wait`, on the value that ends it. */
static void start(ao_context *context, const char *request)
{
    ao_value items[3] = {
        ao_message_value(world_message(context, "{\"device\": \"cancel@1.0\"}")),
        ao_message_value(world_message(context, "{\"path\": \"wait\"}")),
        ao_message_value(world_message(context, request))};
    ao_value list = ao_list_new(items, 3);

    assert_int_equal(ao_task_start(context, list, NULL, end, NULL, &own, NULL), BEAMR_OK);
    ao_value_unref(list);
}

static void *go_on(void *base)
{
    ao_call_finish(waits, AO_OUTCOME_OK, ao_message_value(ao_message_ref(base)));
    return NULL;
}

/* Cancel it after a while, when it runs. */
static void cancel_running(ao_context *context, ao_message *base, const char *request,
                           useconds_t us)
{
    pthread_t thread;

    ended = failed = 0;
    start(context, request);
    assert_int_equal(pthread_create(&thread, NULL, go_on, base), 0);
    (void)usleep(us);
    ao_task_cancel(own);
    (void)pthread_join(thread, NULL);
    for (int i = 0; i < 10000 && ended == 0; i++)
        (void)usleep(1000);
    assert_int_equal(ended, 1);
    ao_task_unref(own);
}

static void expect_add(ao_context *context, const ao_message *process, int64_t sum)
{
    ao_message *next = resolve_ok(context, process, ADD);

    assert_int_equal(ao_list_at(value_at(next, "results/output"), 0).of.integer, sum);
    ao_message_unref(next);
}

/* ---- Where a guest runs ---- */

static void a_function_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_guest(context);

    (void)state;
    for (int i = 0; i < 12; i++) {
        cancel_running(context, process, COMPUTE("spin", ""), (useconds_t)(i * i * 200));
        assert_int_equal(failed, 1);
        expect_add(context, process, 8);
    }
    ao_message_unref(process);
    ao_context_free(context);
}

static void a_malloc_of_parameters_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_guest(context);

    (void)state;
    for (int i = 0; i < 4; i++) {
        cancel_running(context, process, COMPUTE("text", "\"hello\""), (useconds_t)(i * 5000));
        assert_int_equal(failed, 1);
        expect_add(context, process, 8);
    }
    ao_message_unref(process);
    ao_context_free(context);
}

static void a_start_function_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_process(context, PLAIN, module_starting);

    (void)state;
    for (int i = 0; i < 4; i++) {
        cancel_running(context, process, "{\"path\": \"init\"}", (useconds_t)(i * 5000));
        assert_int_equal(failed, 1);
    }
    ao_message_unref(process);
    ao_context_free(context);
}

static void a_malloc_of_texts_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = resolve_next(context, make_process(context, STACK, module_spinning),
                                       "{\"path\": \"init\"}");

    (void)state;
    cancel_running(context, process, "{\"path\": \"compute\", \"body\": {\"data\": \"x\"}}",
                   20000);
    assert_int_equal(failed, 1);
    ao_message_unref(process);
    ao_context_free(context);
}

/* The device that answers is at it on another thread, and knows nothing of being cancelled. */
static void an_allocation_while_an_import_waits_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_guest(context);

    (void)state;
    /* On a busy machine it may be cancelled before it allocates. */
    for (useconds_t us = 20000; answers == 0 && us < 10000000; us *= 2) {
        cancel_running(context, process, COMPUTE("ask", ""), us);
        assert_int_equal(failed, 1);
    }
    assert_int_equal(answers, 1);
    expect_add(context, process, 8);
    ao_message_unref(process);
    ao_context_free(context);
}

/* The first of the calls that are repeated sees it, and the state is none the worse. */
static void an_instance_that_is_made_anew_ends(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_guest(context), *next, *reader = NULL;
    pthread_t thread;

    (void)state;
    process = resolve_next(context, process, COMPUTE("count", "1000"));
    next = resolve_ok(context, process, ADD); /* which has the instance */
    assert_int_equal(
        ao_message_with(process, "device", ao_binary_text("cancel@1.0"), &reader, NULL),
        BEAMR_OK);
    start(context, "{\"path\": \"read\"}");
    assert_int_equal(pthread_create(&thread, NULL, go_on, reader), 0);
    (void)pthread_join(thread, NULL);
    assert_int_equal(ended, 1);
    assert_int_equal(answers, 1);
    ao_task_unref(own);
    expect_add(context, process, 8);
    expect_add(context, next, 9);
    ao_message_unref(reader);
    ao_message_unref(next);
    ao_message_unref(process);
    ao_context_free(context);
}

/* A process to which 13 was added in several calls, none of which has a snapshot. */
static ao_message *make_line(ao_context *context)
{
    ao_message *process = make_guest(context);

    for (int i = 0; i < 6; i++) {
        process = resolve_next(context, process, COMPUTE("count", "30000"));
        process = resolve_next(context, process, COMPUTE("add", "1"));
    }
    return process;
}

/* Cancelled anywhere within what is repeated, or after that, it is made anew again, and all is
 * as it was. */
static void what_is_made_anew_after_that_is_the_same(void **state)
{
    ao_context *context = open_context();
    ao_message *line = make_line(context), *whole, *again;

    (void)state;
    whole = resolve_ok(context, line, "{\"path\": \"snapshot\"}");
    for (int i = 0; i < 40; i++) {
        ao_message *old = make_line(context), *next = resolve_ok(context, old, ADD);

        cancel_running(context, old, ADD, (useconds_t)(i * i * 3));
        again = resolve_ok(context, old, "{\"path\": \"snapshot\"}");
        assert_true(ao_value_equal(ao_message_value(again), ao_message_value(whole)));
        expect_add(context, next, 15);
        ao_message_unref(again);
        ao_message_unref(next);
        ao_message_unref(old);
    }
    ao_message_unref(whole);
    ao_message_unref(line);
    ao_context_free(context);
}

/* ---- Whose store it is ---- */

/* A call that ends while it is cancelled leaves an instance that nobody ends. */
static void a_cancel_that_comes_too_late_meets_nobody(void **state)
{
    ao_context *context = open_context();
    ao_message *process = make_guest(context);

    (void)state;
    for (int i = 0; i < 400; i++) {
        ao_message *next = resolve_ok(context, process, ADD);

        cancel_running(context, next, ADD, (useconds_t)(i % 40));
        process = resolve_next(context, process, COMPUTE("add", "0"));
        expect_add(context, process, 8);
        expect_add(context, next, 9);
        ao_message_unref(next);
    }
    ao_message_unref(process);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_ends),
        cmocka_unit_test(a_malloc_of_parameters_ends),
        cmocka_unit_test(a_start_function_ends),
        cmocka_unit_test(a_malloc_of_texts_ends),
        cmocka_unit_test(an_allocation_while_an_import_waits_ends),
        cmocka_unit_test(an_instance_that_is_made_anew_ends),
        cmocka_unit_test(what_is_made_anew_after_that_is_the_same),
        cmocka_unit_test(a_cancel_that_comes_too_late_meets_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
