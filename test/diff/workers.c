/* Worker processes: see workers.h. Each takes the next number from a page that all share. */
#include "workers.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define PROCESSES_MAX 64u

typedef struct worker {
    pid_t pid;
    _Atomic uint64_t number;  /* at work on it, plus 1; 0: on none */
    _Atomic uint64_t started; /* seconds */
    _Atomic uint64_t failures;
    pair_stats stats;
} worker;

typedef struct board {
    _Atomic uint64_t next;
    _Atomic uint64_t failures;
    worker workers[PROCESSES_MAX];
} board;

static uint64_t now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void work_all(const worker_plan *plan, board *b, worker *w)
{
    uint64_t i;

    while (b->failures < plan->max_failures && (i = b->next++) < plan->count) {
        w->started = now();
        w->number = plan->first + i + 1;
        if (!plan->job(plan->user, plan->first + i, &w->stats))
            b->failures++;
        w->number = 0;
    }
}

static void start(const worker_plan *plan, board *b, worker *w)
{
    pid_t pid;

    (void)fflush(NULL);
    w->number = 0;
    pid = fork();
    FUZZ_CHECK(pid >= 0);
    if (pid == 0) {
        work_all(plan, b, w);
        (void)fflush(NULL);
        _exit(0);
    }
    w->pid = pid; /* the child shares it */
}

/* A worker has ended; before its time when it was at work. */
static void ended(const worker_plan *plan, board *b, worker *w, int status)
{
    uint64_t number = w->number;
    char what[64];

    w->pid = 0;
    if (number == 0)
        return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        (void)snprintf(what, sizeof what, "took longer than %u seconds", plan->seconds);
    else if (WIFSIGNALED(status))
        (void)snprintf(what, sizeof what, "ended by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(what, sizeof what, "ended with %d", WEXITSTATUS(status));
    b->failures++;
    if (plan->lost)
        plan->lost(plan->user, number - 1, what);
    if (b->failures < plan->max_failures)
        start(plan, b, w);
}

static void kill_late(const worker_plan *plan, worker *w)
{
    if (w->pid && w->number && now() > w->started + plan->seconds)
        (void)kill(w->pid, SIGKILL);
}

static bool reap(const worker_plan *plan, board *b)
{
    bool is_any = false;

    for (unsigned i = 0; i < plan->processes; i++) {
        worker *w = &b->workers[i];
        int status;

        if (w->pid && waitpid(w->pid, &status, WNOHANG) == w->pid)
            ended(plan, b, w, status);
        kill_late(plan, w);
        is_any |= w->pid != 0;
    }
    return is_any;
}

static board *board_new(void)
{
    board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    FUZZ_CHECK(b != MAP_FAILED);
    return b;
}

uint64_t workers_run(const worker_plan *plan, pair_stats *stats)
{
    board *b = board_new();
    uint64_t failures;

    FUZZ_CHECK(plan->processes <= PROCESSES_MAX);
    if (plan->processes == 0)
        work_all(plan, b, &b->workers[0]);
    for (unsigned i = 0; i < plan->processes; i++)
        start(plan, b, &b->workers[i]);
    while (reap(plan, b))
        (void)usleep(10000);
    for (unsigned i = 0; i < plan->processes || i == 0; i++)
        pair_stats_add(stats, &b->workers[i].stats);
    failures = b->failures;
    (void)munmap(b, sizeof *b);
    return failures;
}

static void forget(void *user, uint64_t number, const char *what)
{
    (void)number;
    (void)what;
    *(bool *)user = true;
}

int worker_once(const worker_plan *plan, uint64_t number)
{
    board *b = board_new();
    worker *w = &b->workers[0];
    worker_plan one = *plan;
    bool is_lost = false;
    uint64_t failures;

    one.first = number;
    one.count = one.processes = 1;
    one.max_failures = 1;
    start(&one, b, w);
    one.lost = forget;
    one.user = &is_lost;
    while (reap(&one, b))
        (void)usleep(500);
    failures = b->failures;
    (void)munmap(b, sizeof *b);
    return is_lost ? 2 : failures ? 1 : 0;
}
