/* Faults of guests in many threads, while code is loaded and released in others; in threads
 * with and without a stack of their own for signals, or that block all signals; in a child of
 * the process. */
#define _GNU_SOURCE
#include "native.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beamr/native.h"

enum { THREADS = 4, ROUNDS = 40, FAULTS = 20 };

static wasm_builder module;
static beamr_bytes object;

/* `load` loads from its argument. */
static int prepare(void **state)
{
    wasm_builder *w = &module;
    fixture f = native_fixture(false);
    beamr_module *m = NULL;
    beamr_error err = {0};

    (void)state;
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "load", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x20, 0, 0x28, 2, 0);
    wasm_end(w);
    if (beamr_module_load(f.engine, wasm_bytes_of(w), &m, &err) != BEAMR_OK ||
        beamr_compile(m, NULL, &object, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
    fixture_close(&f);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    beamr_object_free(object);
    wasm_free(&module);
    return 0;
}

static bool is_fault(beamr_func *load, uint32_t address)
{
    beamr_value arg = beamr_i32((int32_t)address), result;
    beamr_error err = {0};

    return beamr_func_call(load, &arg, 1, &result, 1, &err) == BEAMR_TRAP &&
           err.trap == BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS && err.frame_total == 1;
}

/* Code is loaded, its faults are traps, and it goes.  Returns how often that was not so. */
static uintptr_t round_of_life(void)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;
    beamr_store *store = NULL;
    beamr_module *m = NULL;
    beamr_instance *inst = NULL;
    uintptr_t failures = 0;

    config.tier = BEAMR_TIER_INTERPRET;
    if (beamr_engine_new(&config, &engine, NULL) != BEAMR_OK ||
        beamr_store_new(engine, NULL, &store, NULL) != BEAMR_OK ||
        beamr_module_load(engine, wasm_bytes_of(&module), &m, NULL) != BEAMR_OK ||
        beamr_module_load_object(m, object, NULL) != BEAMR_OK ||
        beamr_instance_new(store, m, NULL, 0, &inst, NULL) != BEAMR_OK)
        failures++;
    for (uint32_t i = 0; i < FAULTS && failures == 0; i++)
        failures += !is_fault(beamr_instance_find_func(inst, "load"), 65533 + i * 1000003);
    beamr_module_unref(m);
    beamr_store_free(store);
    beamr_engine_free(engine);
    return failures;
}

static void *live(void *arg)
{
    static _Thread_local uint8_t own_stack[65536];
    uintptr_t failures = 0;

    if (arg) {
        stack_t alternate = {.ss_sp = own_stack, .ss_size = sizeof own_stack};

        failures += sigaltstack(&alternate, NULL) != 0;
    } else {
        stack_t none = {.ss_flags = SS_DISABLE};

        failures += sigaltstack(&none, NULL) != 0;
    }
    for (int i = 0; i < ROUNDS; i++)
        failures += round_of_life();
    if (arg) {
        stack_t none = {.ss_flags = SS_DISABLE};

        failures += sigaltstack(&none, NULL) != 0;
    }
    return (void *)failures;
}

static void threads_fault_while_others_load_code(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, (void *)(i % 2)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures = NULL;

        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
}

/* As the threads of many a pool do. */
static void *live_without_signals(void *unused)
{
    static sigset_t all;

    (void)unused;
    (void)sigfillset(&all);
    return pthread_sigmask(SIG_SETMASK, &all, NULL) ? &all : (void *)round_of_life();
}

static void threads_that_block_signals_fault_too(void **state)
{
    void *failures = NULL;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, live_without_signals, NULL), 0);
    assert_int_equal(pthread_join(thread, &failures), 0);
    assert_null(failures);
}

static void children_trap_too(void **state)
{
    fixture f = native_fixture(false);
    beamr_instance *inst = NULL;
    beamr_module *m = NULL;
    int status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(beamr_module_load(f.engine, wasm_bytes_of(&module), &m, NULL), BEAMR_OK);
    assert_int_equal(beamr_module_load_object(m, object, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    pid = fork();
    if (pid == 0)
        _exit(is_fault(beamr_instance_find_func(inst, "load"), 70000) && round_of_life() == 0
                  ? 0
                  : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(is_fault(beamr_instance_find_func(inst, "load"), 70000));
    beamr_module_unref(m);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_fault_while_others_load_code),
        cmocka_unit_test(threads_that_block_signals_fault_too),
        cmocka_unit_test(children_trap_too),
    };

    return cmocka_run_group_tests(tests, prepare, forget);
}
