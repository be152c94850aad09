/* Faults of guests become traps; all others go to whoever handled them before, as if no engine
 * were there. Each case is a process of its own, since handlers are one for each. */
#define _GNU_SOURCE
#include "fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beamr/native.h"
#include "native_tiers_guest.h"

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                      \
            _exit(1);                                                                          \
        }                                                                                      \
    } while (0)

static sigjmp_buf back;
static volatile int handled;
static void *volatile handled_address;
static volatile int handled_usr1_blocked, handled_own_blocked;
static beamr_memory *memory; /* the guest's */
static volatile int host_faults;
static volatile int *volatile nowhere;

static void note(int sig)
{
    sigset_t mask;

    CHECK(sig == SIGSEGV);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    handled_usr1_blocked = sigismember(&mask, SIGUSR1);
    handled_own_blocked = sigismember(&mask, SIGSEGV);
    handled++;
    siglongjmp(back, 1);
}

static void note_info(int sig, siginfo_t *info, void *machine)
{
    CHECK(machine != NULL && info->si_signo == sig);
    handled_address = info->si_addr;
    note(sig);
}

static void handler_set(void (*one)(int), void (*three)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_flags = flags;
    (void)sigaddset(&action.sa_mask, SIGUSR1);
    if (three)
        action.sa_sigaction = three;
    else
        action.sa_handler = one;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    (void)call, (void)args, (void)err;
    results[0].of.i32 = 1;
    if (host_faults) /* behind the guest's memory, but not by a guest */
        ((volatile uint8_t *)beamr_memory_data(memory))[beamr_memory_size(memory)] = 1;
    return BEAMR_OK;
}

static beamr_instance *native(fixture *f)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_extern imports[4];
    beamr_module *m = NULL;
    beamr_instance *inst = NULL;

    config.tier = BEAMR_TIER_INTERPRET;
    *f = fixture_open_with(&config, NULL);
    for (int i = 0; i < 3; i++)
        imports[i] =
            (beamr_extern){BEAMR_EXTERN_FUNC, {.func = fixture_func(f, "i", "i", host, NULL)}};
    imports[3].kind = BEAMR_EXTERN_TAG;
    CHECK(beamr_tag_new(f->store, fixture_type("i", ""), &imports[3].of.tag, NULL) == BEAMR_OK);
    CHECK(beamr_module_load(f->engine, (beamr_bytes){guest_a, sizeof guest_a}, &m, NULL) ==
          BEAMR_OK);
    CHECK(beamr_module_compile(m, NULL, NULL) == BEAMR_OK);
    CHECK(beamr_instance_new(f->store, m, imports, 4, &inst, NULL) == BEAMR_OK);
    beamr_module_unref(m);
    memory = beamr_instance_find_memory(inst, "memory");
    CHECK(beamr_memory_is_guarded(memory));
    return inst;
}

static beamr_status call(beamr_instance *inst, const char *name, int32_t n, beamr_error *err)
{
    beamr_value arg = {.kind = BEAMR_I32, .of.i32 = n}, result = {0};

    return beamr_func_call(beamr_instance_find_func(inst, name), &arg, 1, &result, 1, err);
}

static void guest_traps(beamr_instance *inst)
{
    for (int i = 0; i < 100; i++) {
        beamr_error err = {0};

        CHECK(call(inst, "store_deep", 65530, &err) == BEAMR_TRAP);
        CHECK(err.trap == BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS && err.frame_total == 2);
        beamr_error_clear(&err);
        CHECK(call(inst, "load", -1, &err) == BEAMR_TRAP && err.frame_total == 1);
        CHECK(call(inst, "load", 65532, NULL) == BEAMR_OK);
    }
    for (int i = 0; i < 8; i++)
        CHECK(beamr_memory_data(memory)[65528 + i] == 0); /* no part of it is written */
}

static void fault(void)
{
    if (sigsetjmp(back, 1) == 0)
        *nowhere = 1;
}

/* ---- Cases ---- */

static void one_argument(void)
{
    fixture f;
    beamr_instance *inst;

    handler_set(note, NULL, 0);
    inst = native(&f);
    guest_traps(inst);
    CHECK(handled == 0);
    fault();
    CHECK(handled == 1 && handled_usr1_blocked && handled_own_blocked);
    guest_traps(inst);
    CHECK(handled == 1);
    _exit(0);
}

static void three_arguments(void)
{
    fixture f;
    beamr_instance *inst;

    handler_set(NULL, note_info, SA_SIGINFO | SA_NODEFER);
    inst = native(&f);
    nowhere = (volatile int *)16;
    fault();
    CHECK(handled == 1 && handled_address == (void *)16 && !handled_own_blocked);
    guest_traps(inst);
    CHECK(handled == 1);
    _exit(0);
}

/* A host function's fault is the host's, wherever it is, also below a guest. */
static void host_function(void)
{
    fixture f;
    beamr_instance *inst;

    handler_set(NULL, note_info, SA_SIGINFO);
    inst = native(&f);
    host_faults = 1;
    if (sigsetjmp(back, 1) == 0)
        (void)call(inst, "host", 0, NULL);
    CHECK(handled == 1);
    CHECK((uint8_t *)handled_address == beamr_memory_data(memory) + 65536);
    _exit(0);
}

static struct sigaction before;
static volatile int passed;

static void pass_on(int sig, siginfo_t *info, void *machine)
{
    passed++;
    before.sa_sigaction(sig, info, machine);
}

/* Somebody takes over after us; we do after him with the next instance. */
static void who_comes_after(void)
{
    struct sigaction action;
    fixture f;
    beamr_instance *inst;

    handler_set(note, NULL, 0);
    inst = native(&f);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    CHECK(sigaction(SIGSEGV, &action, &before) == 0);
    guest_traps(inst);
    CHECK(passed == 200 && handled == 0);
    guest_traps(native(&f));
    guest_traps(inst);
    CHECK(passed == 200 && handled == 0);
    fault();
    CHECK(passed == 201 && handled == 1);
    fault();
    CHECK(passed == 202 && handled == 2);
    handler_set(note, NULL, 0); /* does not pass on */
    guest_traps(native(&f));
    fault();
    CHECK(passed == 202 && handled == 3);
    _exit(0);
}

static void for_one_time(void)
{
    fixture f;

    handler_set(note, NULL, (int)SA_RESETHAND);
    (void)native(&f);
    fault();
    CHECK(handled == 1);
    fault();
    _exit(1);
}

static void the_default(void)
{
    fixture f;

    handler_set(SIG_DFL, NULL, 0);
    guest_traps(native(&f));
    fault();
    _exit(1);
}

static void the_default_sent(void)
{
    fixture f;

    handler_set(SIG_DFL, NULL, 0);
    (void)native(&f);
    (void)kill(getpid(), SIGSEGV);
    (void)sleep(10);
    _exit(1);
}

static void ignored(void)
{
    fixture f;

    handler_set(SIG_IGN, NULL, 0);
    guest_traps(native(&f));
    CHECK(kill(getpid(), SIGSEGV) == 0);
    CHECK(raise(SIGSEGV) == 0);
    _exit(0);
}

static void ignored_but_ours(void)
{
    fixture f;

    handler_set(SIG_IGN, NULL, 0);
    (void)native(&f);
    fault();
    _exit(1);
}

/* The process ends with this, in 10 s. */
static int run(void (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)alarm(60);
        body();
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void ends_well(void (*body)(void))
{
    assert_int_equal(run(body), 0);
}

static void dies_of_it(void (*body)(void))
{
    int status = run(body);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void foreign_handlers_hear_of_foreign_faults_alone(void **state)
{
    (void)state;
    ends_well(one_argument);
    ends_well(three_arguments);
    ends_well(host_function);
    ends_well(who_comes_after);
    dies_of_it(for_one_time);
}

static void without_a_handler_the_process_dies(void **state)
{
    (void)state;
    dies_of_it(the_default);
    dies_of_it(the_default_sent);
    ends_well(ignored);
    dies_of_it(ignored_but_ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_handlers_hear_of_foreign_faults_alone),
        cmocka_unit_test(without_a_handler_the_process_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
