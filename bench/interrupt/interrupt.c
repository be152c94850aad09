/* How long does it take until a guest ends that is interrupted, or whose deadline passes?
 * Guests that are busy with one thing (guests.c) are ended at random moments, in turn by
 * beamr_store_interrupt from another thread and by a deadline. What counts is the time from the
 * request, or the deadline, to the return of the call. "cpu" is the time that the guest's
 * thread ran meanwhile: less than the time that passed when others had its core. Beside it
 * stands how late a thread wakes up that sleeps until a time, while a guest runs on another
 * core. Usage: interrupt [--runs N] [--only TEXT] [--quick] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "guests.h"
#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 51, RUNS_MAX = 1000, TRIES_MAX = 20 };

#define DEMAND_MS 10.0

typedef enum way { INTERRUPT, DEADLINE } way;

/* One guest, and the thread that runs it. */
typedef struct bench {
    const bench_guest *guest;
    beamr_engine *engine;
    beamr_bytes wasm;
    beamr_module *module;
    beamr_store *store;
    pthread_barrier_t start;
    double delay_ms; /* of the deadline, or negative: none */
    double deadline; /* when it passes */
    double end;      /* when the call ended */
    double cpu_end;  /* and how long its thread had run by then */
    beamr_trap trap;
} bench;

static void fail(const char *what, const beamr_error *err)
{
    (void)fprintf(stderr, "interrupt: %s: %s\n", what, err->text);
    exit(1);
}

static double clock_ms(clockid_t id)
{
    struct timespec t = {0};

    (void)clock_gettime(id, &t); /* fails for a thread that has ended by itself */
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void sleep_until(double at)
{
    struct timespec t = {(time_t)(at / 1e3), 0};

    t.tv_nsec = (long)((at - (double)t.tv_sec * 1e3) * 1e6);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        continue;
}

/* From 0 to `most`. */
static double random_up_to(double most)
{
    return most * (double)rand() / (double)RAND_MAX;
}

/* ---- One run ---- */

static beamr_status instantiate(bench *b, beamr_instance **out, beamr_error *err)
{
    return beamr_instance_new(b->store, b->module, NULL, 0, out, err);
}

static void set_deadline(bench *b)
{
    beamr_error err = {0};

    if (b->delay_ms < 0)
        return;
    b->deadline = clock_ms(CLOCK_MONOTONIC) + b->delay_ms;
    if (beamr_store_set_deadline(b->store, (uint64_t)(b->delay_ms * 1e6), &err) != BEAMR_OK)
        fail("deadline", &err);
}

static void *run_guest(void *arg)
{
    bench *b = arg;
    beamr_instance *inst = NULL;
    beamr_value value = beamr_i32(60);
    beamr_error err = {0};
    beamr_func *f = NULL;
    size_t count = 0;

    if (b->guest->invoke) {
        if (instantiate(b, &inst, &err) != BEAMR_OK)
            fail(b->guest->name, &err);
        f = beamr_instance_find_func(inst, b->guest->invoke);
        count = beamr_func_type(f).param_count;
    }
    (void)pthread_barrier_wait(&b->start);
    set_deadline(b);
    if (f)
        (void)beamr_func_call(f, &value, count, &value, count, &err);
    else
        (void)instantiate(b, &inst, &err);
    b->end = clock_ms(CLOCK_MONOTONIC);
    b->cpu_end = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    b->trap = err.trap;
    return NULL;
}

static void thread_start(bench *b, pthread_t *thread)
{
    beamr_error err = {0};

    if (!b->module && beamr_module_load(b->engine, b->wasm, &b->module, &err) != BEAMR_OK)
        fail(b->guest->name, &err);
    if (beamr_store_new(b->engine, NULL, &b->store, &err) != BEAMR_OK)
        fail("store", &err);
    if (pthread_create(thread, NULL, run_guest, b) != 0) {
        perror("interrupt: pthread_create");
        exit(1);
    }
    (void)pthread_barrier_wait(&b->start);
}

static void thread_end(bench *b, pthread_t thread)
{
    (void)pthread_join(thread, NULL);
    beamr_store_free(b->store);
    if (b->guest->is_fresh) {
        beamr_module_unref(b->module);
        b->module = NULL;
    }
}

typedef struct latency {
    double ms;
    double cpu_ms; /* of the guest's thread; negative when it is not known */
} latency;

/* End a run after `delay` ms.  Returns false when it had ended by itself before. One that ends
 * by itself afterwards counts: it was late. */
static bool run_once(bench *b, way how, double delay, latency *out)
{
    pthread_t thread;
    clockid_t cpu;
    double asked = 0, cpu_asked = 0;

    b->delay_ms = how == DEADLINE ? delay : -1;
    thread_start(b, &thread);
    if (how == INTERRUPT) {
        (void)pthread_getcpuclockid(thread, &cpu);
        sleep_until(clock_ms(CLOCK_MONOTONIC) + delay);
        cpu_asked = clock_ms(cpu);
        asked = clock_ms(CLOCK_MONOTONIC);
        beamr_store_interrupt(b->store);
    }
    thread_end(b, thread);
    *out = how == INTERRUPT ? (latency){b->end - asked, b->cpu_end - cpu_asked}
                            : (latency){b->end - b->deadline, -1};
    return out->ms > 0;
}

/* How long it runs when nobody ends it, in ms. */
static double run_through(bench *b)
{
    pthread_t thread;
    double start;

    b->delay_ms = -1;
    thread_start(b, &thread);
    start = clock_ms(CLOCK_MONOTONIC);
    thread_end(b, thread);
    if (b->trap != BEAMR_TRAP_NONE) {
        (void)fprintf(stderr, "interrupt: %s: a trap\n", b->guest->name);
        exit(1);
    }
    return b->end - start;
}

/* ---- Measuring ---- */

static void print(const char *name, const char *how, double *times, unsigned count,
                  double cpu_worst)
{
    if (count == 0) {
        (void)printf("%-30s %-9s  (always ends before)\n", name, how);
        return;
    }
    report_sort(times, count);
    (void)printf("%-30s %-9s %8.3f %8.3f ", name, how, times[count / 2], times[count - 1]);
    if (cpu_worst >= 0)
        (void)printf("%8.3f", cpu_worst);
    else
        (void)printf("%8s", "");
    (void)printf("  %4u%s\n", count,
                 (cpu_worst >= 0 ? cpu_worst : times[count - 1]) > DEMAND_MS ? "  late" : "");
    (void)fflush(stdout);
}

static void measure(bench *b, way how, double window, unsigned runs)
{
    static double times[RUNS_MAX];
    double cpu_worst = -1;
    unsigned count = 0;

    for (unsigned tries = 0; count < runs && tries < runs * TRIES_MAX; tries++) {
        latency l;

        if (!run_once(b, how, random_up_to(window), &l))
            continue;
        times[count++] = l.ms;
        if (l.cpu_ms > cpu_worst)
            cpu_worst = l.cpu_ms;
    }
    print(b->guest->name, how == INTERRUPT ? "interrupt" : "deadline", times, count, cpu_worst);
}

static void bench_open(bench *b, const bench_guest *guest)
{
    beamr_error err = {0};

    *b = (bench){.guest = guest, .wasm = guest->build()};
    (void)pthread_barrier_init(&b->start, NULL, 2);
    if (beamr_engine_new(NULL, &b->engine, &err) != BEAMR_OK)
        fail("engine", &err);
}

static void bench_close(bench *b)
{
    beamr_module_unref(b->module);
    beamr_engine_free(b->engine);
    (void)pthread_barrier_destroy(&b->start);
    free((void *)(uintptr_t)b->wasm.data);
}

static void measure_guest(const bench_guest *guest, unsigned runs)
{
    double window = guest->window_ms;
    bench b;

    bench_open(&b, guest);
    if (guest->window_ms == 0)
        window = run_through(&b);
    for (int how = INTERRUPT; how <= DEADLINE; how++)
        measure(&b, (way)how, window, runs);
    bench_close(&b);
}

/* A thread that only sleeps, while a guest is running. */
static void measure_sleep(unsigned runs)
{
    static double times[RUNS_MAX];
    pthread_t thread;
    bench b;

    bench_open(&b, &bench_guests[0]);
    b.delay_ms = -1;
    thread_start(&b, &thread);
    for (unsigned i = 0; i < runs; i++) {
        double at = clock_ms(CLOCK_MONOTONIC) + 1 + random_up_to(19);

        sleep_until(at);
        times[i] = clock_ms(CLOCK_MONOTONIC) - at;
    }
    beamr_store_interrupt(b.store);
    thread_end(&b, thread);
    bench_close(&b);
    print("a thread that sleeps", "", times, runs, -1);
}

int main(int argc, char **argv)
{
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    (void)printf("%-30s %-9s %8s %8s %8s  %4s\n", "ms", "by", "median", "worst", "cpu", "runs");
    measure_sleep(opt.runs);
    for (size_t i = 0; i < bench_guest_count; i++)
        if (bench_options_want(&opt, bench_guests[i].name))
            measure_guest(&bench_guests[i], opt.runs);
    return 0;
}
