/* The emulator as a whole: its schedulers and timer, the driver's loading and unloading,
 * faults, and how long callbacks take. */
#include "emulator.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LONG_NS 1000000u /* no callback is to run longer */

emulator emu;
_Thread_local place here;
bool (*emulator_refuse)(size_t size);

static const char *const callback_names[CALLBACK_COUNT] = {
    "none", "init", "start", "call", "control", "output", "process", "timer", "stop", "finish"};

/* ---- Time ---- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void deadline_after(struct timespec *out, uint64_t ns)
{
    uint64_t at = now_ns() + ns;

    out->tv_sec = (time_t)(at / 1000000000u);
    out->tv_nsec = (long)(at % 1000000000u);
}

void init_condition(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* ---- Faults and figures ---- */

void emulator_fault(const char *format, ...)
{
    va_list args;
    bool was_inside = here.is_inside;

    here.is_inside = true;
    atomic_fetch_add(&emu.faults, 1);
    flockfile(stderr);
    fputs("fault: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    funlockfile(stderr);
    here.is_inside = was_inside;
}

unsigned emulator_faults(void)
{
    return atomic_load(&emu.faults);
}

bool emulator_is_inside(void)
{
    return here.is_inside;
}

void emulator_join_thread(void)
{
    here.is_inside = true;
}

long emulator_binaries(void)
{
    return atomic_load(&emu.binaries);
}

unsigned emulator_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    assert(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* Returns whether it was raised. */
static bool raise_to(atomic_uint_fast64_t *most, uint64_t n)
{
    uint64_t old = atomic_load(most);

    while (old < n)
        if (atomic_compare_exchange_weak(most, &old, n))
            return true;
    return false;
}

visit visit_begin(callback kind, port *p, pid caller)
{
    visit v = {.before = here};

    here = (place){.callback = kind, .port = p, .caller = caller};
    v.wall = now_ns();
    v.cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    return v;
}

void visit_end(const visit *v)
{
    uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - v->cpu;
    callback kind = here.callback;

    raise_to(&emu.longest[kind], now_ns() - v->wall);
    if (raise_to(&emu.longest_cpu[kind], cpu))
        atomic_store(&emu.longest_op[kind], here.op);
    atomic_fetch_add(&emu.runs[kind], 1);
    atomic_fetch_add(&emu.beyond[kind], cpu > LONG_NS);
    here = v->before;
}

void emulator_print_times(void)
{
    printf("callback       runs   longest us   of a core   op  beyond 1 ms of a core\n");
    for (unsigned i = CALLBACK_NONE + 1; i < CALLBACK_COUNT; i++)
        if (emu.runs[i] > 0)
            printf("%-8s %10" PRIu64 " %12" PRIu64 " %11" PRIu64 " %4u %12" PRIu64 "\n",
                   callback_names[i], emu.runs[i], emu.longest[i] / 1000,
                   emu.longest_cpu[i] / 1000, emu.longest_op[i], emu.beyond[i]);
    printf("messages sent to nobody: %ld\n", atomic_load(&emu.lost));
}

/* ---- Schedulers and timer ---- */

void port_schedule(port *p)
{
    pthread_mutex_lock(&emu.lock);
    p->next_to_run = NULL;
    if (emu.run_last)
        emu.run_last->next_to_run = p;
    else
        emu.run_first = p;
    emu.run_last = p;
    pthread_cond_signal(&emu.work);
    pthread_mutex_unlock(&emu.lock);
}

static port *take_port(void)
{
    port *p;

    pthread_mutex_lock(&emu.lock);
    while (!emu.run_first && !emu.is_ending)
        pthread_cond_wait(&emu.work, &emu.lock);
    p = emu.run_first;
    if (p) {
        emu.run_first = p->next_to_run;
        if (!emu.run_first)
            emu.run_last = NULL;
    }
    pthread_mutex_unlock(&emu.lock);
    return p;
}

static void *run_scheduler(void *unused)
{
    port *p;

    emulator_join_thread();
    while ((p = take_port()))
        port_run(p);
    return unused;
}

/* The port whose timer is next. */
static port *next_timer(void)
{
    port *next = NULL;

    for (unsigned i = 0; i < emu.port_count; i++) {
        port *p = emu.ports[i];

        if (p->timer_at && (!next || p->timer_at < next->timer_at))
            next = p;
    }
    return next;
}

static void fire_timer(port *p)
{
    signal *s = calloc(1, sizeof *s);

    assert(s);
    *s =
        (signal){.kind = CALLBACK_TIMEOUT, .from = NIL_TERM, .generation = p->timer_generation};
    p->timer_at = 0;
    pthread_mutex_unlock(&emu.lock);
    port_signal(p, s);
    pthread_mutex_lock(&emu.lock);
}

static void *run_timer(void *unused)
{
    emulator_join_thread();
    pthread_mutex_lock(&emu.lock);
    while (!emu.is_ending) {
        port *p = next_timer();
        uint64_t now = now_ns();
        struct timespec at;

        if (p && p->timer_at <= now) {
            fire_timer(p);
            continue;
        }
        deadline_after(&at, p ? p->timer_at - now : 1000000000u);
        pthread_cond_timedwait(&emu.clock, &emu.lock, &at);
    }
    pthread_mutex_unlock(&emu.lock);
    return unused;
}

/* ---- The whole ---- */

void emulator_start(unsigned schedulers)
{
    assert(schedulers <= sizeof emu.schedulers / sizeof emu.schedulers[0]);
    memset(&emu, 0, sizeof emu);
    emulator_join_thread();
    pthread_mutex_init(&emu.lock, NULL);
    init_condition(&emu.work);
    init_condition(&emu.clock);
    emu.scheduler_count = schedulers;
    for (unsigned i = 0; i < schedulers; i++)
        pthread_create(&emu.schedulers[i], NULL, run_scheduler, NULL);
    pthread_create(&emu.timer, NULL, run_timer, NULL);
}

static void join_threads(void)
{
    pthread_mutex_lock(&emu.lock);
    emu.is_ending = true;
    pthread_cond_broadcast(&emu.work);
    pthread_cond_broadcast(&emu.clock);
    pthread_mutex_unlock(&emu.lock);
    for (unsigned i = 0; i < emu.scheduler_count; i++)
        pthread_join(emu.schedulers[i], NULL);
    pthread_join(emu.timer, NULL);
}

static void free_watches(void)
{
    while (emu.watches) {
        watch *w = emu.watches;

        emu.watches = w->next;
        free(w);
    }
}

static void free_ports(void)
{
    for (unsigned i = 0; i < emu.port_count; i++) {
        port *p = emu.ports[i];

        if (atomic_load(&p->state) != PORT_CLOSED)
            emulator_fault("port %u is still open", i);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->change);
        free(p);
    }
}

static void free_processes(void)
{
    for (unsigned i = 0; i < emu.process_count; i++) {
        process *p = emu.processes[i];

        while (p->first) {
            message *m = p->first;

            p->first = m->next;
            message_free(m);
        }
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->arrival);
        free(p);
    }
}

unsigned emulator_end(void)
{
    join_threads();
    free_watches();
    free_ports();
    free_processes();
    if (emu.entry)
        emulator_fault("the driver is still loaded");
    if (emu.binaries != 0)
        emulator_fault("%ld binaries are left", atomic_load(&emu.binaries));
    if (emu.blocks != 0)
        emulator_fault("%ld blocks of driver_alloc are left", atomic_load(&emu.blocks));
    for (unsigned i = 0; i < emu.atom_count; i++)
        free(emu.atoms[i]);
    pthread_mutex_destroy(&emu.lock);
    pthread_cond_destroy(&emu.work);
    pthread_cond_destroy(&emu.clock);
    return emulator_faults();
}

/* ---- The driver ---- */

static void check_entry(const ErlDrvEntry *entry)
{
    if (entry->extended_marker != (int)ERL_DRV_EXTENDED_MARKER ||
        entry->major_version != ERL_DRV_EXTENDED_MAJOR_VERSION)
        emulator_fault("the driver's entry has another version");
    if (!(entry->driver_flags & ERL_DRV_FLAG_USE_PORT_LOCKING))
        emulator_fault("the driver would hold a lock for all of its ports");
    if (!entry->driver_name || !entry->start || !entry->stop || !entry->outputv ||
        !entry->call || !entry->finish || !entry->process_exit || !entry->timeout)
        emulator_fault("the driver's entry lacks a callback");
}

bool emulator_load(ErlDrvEntry *entry)
{
    bool is_good = true;

    assert(!emu.entry);
    emu.threads_before = emulator_threads();
    check_entry(entry);
    if (entry->init) {
        visit v = visit_begin(CALLBACK_INIT, NULL, NIL_TERM);

        is_good = entry->init() == 0;
        visit_end(&v);
    }
    emu.entry = is_good ? entry : NULL;
    return is_good;
}

/* Threads that have been joined may be in the list for a moment. */
static void check_threads(void)
{
    for (unsigned i = 0; i < 1000 && emulator_threads() > emu.threads_before; i++)
        usleep(1000);
    if (emulator_threads() > emu.threads_before)
        emulator_fault("%u threads where %u were before the driver", emulator_threads(),
                       emu.threads_before);
}

void emulator_unload(void)
{
    for (unsigned i = 0; i < emu.port_count; i++)
        if (atomic_load(&emu.ports[i]->state) != PORT_CLOSED)
            emulator_fault("unloading while port %u is open", i);
    if (emu.entry->finish) {
        visit v = visit_begin(CALLBACK_FINISH, NULL, NIL_TERM);

        emu.entry->finish();
        visit_end(&v);
    }
    emu.entry = NULL;
    check_threads();
}
