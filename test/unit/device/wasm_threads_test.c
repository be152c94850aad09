/* wasm-64@1.0 on several threads: one base computed on by all, while instances that stand idle
 * are given up. */
#include <pthread.h>

#include "wasm_modules.h"

#define THREADS 4
#define ROUNDS 60
#define ADD "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}"

static ao_context *context;
static ao_message *common;

/* A line of states from the common one, and now and then one beside it. */
static void *compute(void *arg)
{
    ao_message *state = ao_message_ref(common);
    const int64_t begin = 7;

    for (int64_t i = 1; i <= ROUNDS; i++) {
        state = resolve_next(context, state, ADD);
        if (ao_list_at(value_at(state, "results/output"), 0).of.integer != begin + i)
            return arg;
        if (i % 16 == 0) {
            ao_message *beside = resolve_ok(context, common, ADD);

            if (ao_list_at(value_at(beside, "results/output"), 0).of.integer != begin + 1)
                return arg;
            ao_message_unref(beside);
        }
    }
    ao_message_unref(state);
    return NULL;
}

static void *begin_and_end(void *arg)
{
    ao_value image = *(ao_value *)arg;

    for (int i = 0; i < ROUNDS; i++) {
        ao_message *base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                            ao_value_ref(image));

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        base = resolve_next(context, base, ADD);
        base = resolve_next(context, base, "{\"path\": \"terminate\"}");
        ao_message_unref(base);
    }
    return NULL;
}

static void open_common(const char *options)
{
    ao_context *plain = world_open(NULL, NULL);
    ao_message *values = world_message(plain, options);

    context = world_open(NULL, values);
    ao_message_unref(values);
    ao_context_free(plain);
    common = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                              module_value(module_plain));
    common = resolve_next(context, common, "{\"path\": \"init\"}");
    common = resolve_next(
        context, common, "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [7]}");
}

static void close_common(void)
{
    ao_message_unref(common);
    ao_context_free(context);
}

static void run_all(void *(*run)(void *), void *arg)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, arg), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        (void)pthread_join(threads[i], &failed);
        if (run == compute)
            assert_null(failed);
    }
}

static void all_begin_with_one_state(void **state)
{
    int unused = 0;

    (void)state;
    open_common("{\"wasm_idle_time\": 1}");
    run_all(compute, &unused);
    close_common();
}

static void instances_come_and_go(void **state)
{
    ao_value image = module_value(module_plain);

    (void)state;
    open_common("{\"wasm_idle_time\": 1, \"wasm_cache\": 1}");
    run_all(begin_and_end, &image);
    close_common();
    ao_value_unref(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_begin_with_one_state),
        cmocka_unit_test(instances_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
