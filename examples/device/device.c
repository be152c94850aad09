/* A device from outside: what messages that name it can do, in a context of one's own.
 * greeter@1.0 has a key that answers at once, one that gives a changed message, one that asks
 * another device on the way, and one that answers later, from a thread of its own, while nobody
 * waits for it in a call. It exits with 1 if an answer is not the expected one.
 *
 *   cc device.c -lbeamr-ao -lbeamr -lpthread && ./a.out
 *
 * Read next: beamr/ao/device.h. */
#include <beamr/ao.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* greeter@1.0
 *
 *   key     reads                       answers
 *   greet   request `name`              ok: the greeting; error 400 without a name
 *   count   base `counter`              ok: the base with one more
 *   both    request `name`              ok: {greeting, counter}, of `greet` and `count`
 *   later   request `name`              ok, later: as `greet`
 */

static beamr_status greet(ao_call *call, beamr_error *err)
{
    beamr_bytes name = ao_text(ao_call_argument(call, "name"));
    char text[128];

    (void)err;
    if (name.len == 0 || name.len > 100)
        return ao_call_error(call, 400, "greet: whom?");
    (void)snprintf(text, sizeof text, "Hello, %.*s!", (int)name.len, (const char *)name.data);
    return ao_call_ok(call, ao_binary_text(text));
}

static beamr_status count(ao_call *call, beamr_error *err)
{
    ao_message *next = NULL;
    int64_t n = 0;
    beamr_status st;

    (void)ao_to_integer(ao_message_find_text(ao_call_base(call), "counter"), &n);
    st = ao_message_with(ao_call_base(call), "counter", ao_integer(n + 1), &next, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(next)) : st;
}

/* ---- Going on after resolving something else ---- */

static beamr_status both_counted(ao_call *call, beamr_error *err)
{
    const ao_result *counted = ao_call_result(call);
    ao_value counter = AO_NO_VALUE;
    ao_builder answer;
    char text[128];
    beamr_bytes name = ao_text(ao_call_argument(call, "name"));

    if (counted->outcome == AO_OUTCOME_OK && ao_to_message(counted->value))
        counter = ao_message_find_text(ao_to_message(counted->value), "counter");
    (void)snprintf(text, sizeof text, "Hello, %.*s!", (int)name.len, (const char *)name.data);
    ao_builder_begin(&answer, NULL, NULL, err);
    ao_builder_put(&answer, "greeting", ao_binary_text(text));
    ao_builder_put(&answer, "counter", ao_value_ref(counter));
    return ao_call_ok(call, ao_builder_value(&answer));
}

static beamr_status both(ao_call *call, beamr_error *err)
{
    ao_value base = ao_message_value(ao_message_ref(ao_call_base(call)));

    (void)err;
    return ao_call_resolve(call, base, ao_binary_text("count"), NULL, both_counted);
}

/* ---- Answering later ---- */

static void *answer(void *arg)
{
    ao_call_continue(arg, greet); /* somewhere else this takes a while */
    return NULL;
}

static beamr_status later(ao_call *call, beamr_error *err)
{
    pthread_t thread;
    beamr_status st;

    (void)err;
    st = ao_call_later(call, NULL, NULL); /* from here on the call is the thread's */
    if (pthread_create(&thread, NULL, answer, call) == 0)
        (void)pthread_detach(thread);
    else
        ao_call_raise(call, BEAMR_IO, "no thread can be started");
    return st;
}

static const ao_key keys[] = {
    {"greet", greet}, {"count", count}, {"both", both}, {"later", later}, AO_KEYS_END};

static const ao_device greeter = {.name = "greeter@1.0", .keys = keys};

/* ---- Using it ---- */

static beamr_status parse(ao_context *context, const char *path, ao_value *list,
                          beamr_error *err)
{
    ao_message *request = NULL;
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "path", ao_binary_text(path));
    if ((st = ao_builder_end(&builder, &request)) == BEAMR_OK)
        st = ao_request_parse(context, request, list, err);
    ao_message_unref(request);
    return st;
}

static bool is_text(ao_value value, const char *expected)
{
    beamr_bytes text = ao_text(value);

    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

/* Resolve a path and wait; the answer must be `expected`. */
static bool try_now(ao_context *context, const char *path, const char *expected)
{
    ao_value list = AO_NO_VALUE;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    bool is_right = false;

    if (parse(context, path, &list, &err) != BEAMR_OK ||
        ao_resolve(context, list, NULL, &result, &err) != BEAMR_OK) {
        (void)fprintf(stderr, "device: %s: %s\n", path, err.text);
    } else {
        char digits[AO_INTEGER_TEXT_SIZE];
        beamr_bytes text = result.value.kind == AO_INTEGER
                               ? ao_integer_text(result.value, digits)
                               : ao_text(result.value);

        printf("%-44s %s: %.*s\n", path, ao_outcome_text(result.outcome), (int)text.len,
               (const char *)text.data);
        is_right = text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
    }
    ao_value_unref(result.value);
    ao_value_unref(list);
    return is_right;
}

/* Paths that are resolved at the same time, all of whose answers come later. */
typedef struct pending {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left, right;
} pending;

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    pending *p = user;

    (void)pthread_mutex_lock(&p->lock);
    if (!result)
        (void)fprintf(stderr, "device: %s\n", err->text);
    else if (is_text(result->value, "Hello, Ada!"))
        p->right++;
    p->left--;
    (void)pthread_cond_signal(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}

static bool try_later(ao_context *context, int times)
{
    pending p = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, times, 0};
    ao_value list = AO_NO_VALUE;
    beamr_error err = {0};
    beamr_status st = parse(context, "/~greeter@1.0/later&name=Ada", &list, &err);

    for (int i = 0; i < times && st == BEAMR_OK; i++)
        st = ao_task_start(context, list, NULL, ended, &p, NULL, &err);
    ao_value_unref(list);
    if (st != BEAMR_OK) {
        (void)fprintf(stderr, "device: %s\n", err.text);
        exit(1); /* some tasks may still run */
    }
    (void)pthread_mutex_lock(&p.lock);
    while (p.left > 0)
        (void)pthread_cond_wait(&p.changed, &p.lock);
    (void)pthread_mutex_unlock(&p.lock);
    printf("%d of %d answers came later\n", p.right, times);
    return p.right == times;
}

int main(void)
{
    ao_context *context = NULL;
    beamr_error err = {0};
    bool is_right = false;

    if (ao_context_new(NULL, &context, &err) == BEAMR_OK &&
        ao_context_add_device(context, &greeter, &err) == BEAMR_OK)
        is_right = try_now(context, "/~greeter@1.0/greet&name=Ada", "Hello, Ada!") &&
                   try_now(context, "/~greeter@1.0/count/count/counter", "2") &&
                   try_now(context, "/~greeter@1.0/both&name=Ada/counter", "1") &&
                   try_later(context, 20);
    else
        (void)fprintf(stderr, "device: %s\n", err.text);
    ao_context_free(context);
    return is_right ? 0 : 1;
}
