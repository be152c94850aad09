/* One engine and one module used by several threads at once, each with a store of its own.
 * Meant for the thread sanitizer; without it, wrong results are what shows a race. */
#include "fixture.h"

#include <pthread.h>

enum { THREADS = 4, FUNCS = 200, ROUNDS = 5 };

/* Function i is [i32] -> [i32]: it adds i + 1 and calls function i - 1; the last is exported.
 * Its first call translates them all. */
static void build_chain(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        WASM(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, FUNCS - 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, FUNCS);
    for (uint32_t i = 0; i < FUNCS; i++) {
        wasm_sized(w);
        WASM(w, 0, 0x20, 0, 0x41);
        wasm_s64(w, i + 1);
        WASM(w, 0x6a);
        if (i > 0) {
            WASM(w, 0x10);
            wasm_u32(w, i - 1);
        }
        WASM(w, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
}

typedef struct worker {
    pthread_t thread;
    beamr_engine *engine;
    beamr_module *module; /* shared; NULL: each loads its own */
    pthread_barrier_t *start;
    beamr_bytes wasm;
    const char *problem;
} worker;

/* Instantiate and call.  Returns what went wrong, or NULL. */
static const char *run_module(worker *me, beamr_module *m)
{
    beamr_store *store = NULL;
    beamr_instance *inst = NULL;
    const char *problem = NULL;
    beamr_value arg = beamr_i32(1), result;

    if (beamr_store_new(me->engine, NULL, &store, NULL) != BEAMR_OK)
        return "no store";
    if (beamr_instance_new(store, m, NULL, 0, &inst, NULL) != BEAMR_OK)
        problem = "no instance";
    else if (beamr_func_call(beamr_instance_find_func(inst, "f"), &arg, 1, &result, 1, NULL) !=
             BEAMR_OK)
        problem = "the call failed";
    else if (result.of.i32 != 1 + FUNCS * (FUNCS + 1) / 2)
        problem = "a wrong result";
    beamr_store_free(store);
    return problem;
}

static void *work(void *arg)
{
    worker *me = arg;

    pthread_barrier_wait(me->start);
    for (int i = 0; i < ROUNDS && !me->problem; i++) {
        beamr_module *m = me->module ? beamr_module_ref(me->module) : NULL;

        if (!m && beamr_module_load(me->engine, me->wasm, &m, NULL) != BEAMR_OK) {
            me->problem = "the module does not load";
            break;
        }
        me->problem = run_module(me, m);
        beamr_module_unref(m);
    }
    return NULL;
}

static void run_workers(beamr_engine *engine, beamr_module *module, beamr_bytes wasm)
{
    pthread_barrier_t start;
    worker workers[THREADS];

    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){0, engine, module, &start, wasm, NULL};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].problem)
            fail_msg("thread %d: %s", i, workers[i].problem);
    }
    pthread_barrier_destroy(&start);
}

/* All threads call the same functions for the first time at once. */
static void threads_share_a_module(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        beamr_module *m;

        build_chain(&w);
        m = fixture_load(&f, &w);
        run_workers(f.engine, m, (beamr_bytes){NULL, 0});
        beamr_module_unref(m);
    }
    fixture_close(&f);
}

static void threads_load_modules_in_one_engine(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    (void)state;
    build_chain(&w);
    run_workers(f.engine, NULL, wasm_bytes_of(&w));
    wasm_free(&w);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_module),
        cmocka_unit_test(threads_load_modules_in_one_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
