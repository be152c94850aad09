/* Kills a writer at random moments, or at each, and looks at what it leaves behind.
 * Usage: kv_crash MODE KIND WRITER [SHIM]
 *   killed    the process is killed; what the kernel has, stays
 *   unsynced  as if the machine lost its power: what was not synced is taken back (shim.c), all
 *             of it or a random part
 *   lying     likewise, on a disk that only says that it has synced: losses must be seen, or
 *             this test shows nothing
 *   steps     before its first write, sync or change of a name, before its second, and so on;
 *             once more while the next writer finishes what the first has left
 * After each kill the store must open, hold every batch that was acknowledged, perhaps the one
 * after it, and nothing else. Every few rounds it begins with an empty folder, so that the
 * beginning of a store is hit too. */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"
#include "undo.h"
#include "work.h"

#define SECONDS 8
#define ROUNDS 200
#define FRESH_EVERY 10
#define STEPS_SECONDS 60 /* on a slow disk the last steps are left out */
#define STEPS_BATCHES                                                                          \
    6 /* enough, when so many are made between the first step and the last                     \
       */

typedef struct world {
    const char *kind, *writer, *shim;
    bool is_lying;
    char folder[200], log[256], name[300];
} world;

static int remove_entry(const char *path, const struct stat *at, int type, struct FTW *where)
{
    (void)at;
    (void)type;
    (void)where;
    return remove(path);
}

static void begin_anew(const world *w)
{
    nftw(w->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(w->log, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mkdir(w->folder, 0700);
    mkdir(w->log, 0700);
}

/*   stop  the step before which it dies; 0 for none */
static pid_t start(const world *w, int stop, int *acknowledged)
{
    int fds[2];
    pid_t child;

    if (pipe(fds))
        return -1;
    fflush(stdout);
    child = fork();
    if (!child) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        if (w->shim) {
            setenv("LD_PRELOAD", w->shim, 1);
            setenv(SHIM_FOLDER, w->folder, 1);
            setenv(SHIM_LOG, w->log, 1);
            if (w->is_lying)
                setenv(SHIM_LIES, "1", 1);
            if (stop) {
                char number[16];

                snprintf(number, sizeof number, "%d", stop);
                setenv(SHIM_STOP, number, 1);
            }
        }
        execl(w->writer, w->writer, w->name, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    *acknowledged = fds[0];
    return child;
}

static int64_t now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* Wait until the writer is somewhere: some are killed while they open the store, most within a
 * batch, which takes as long as those before it. */
static void wait_a_little(int acknowledged, int64_t *last)
{
    int wanted = rand() % 4 ? rand() % 6 + 1 : 0;
    int64_t usual = 8000, began = now_us(), n;
    struct timespec time = {0, 0};

    for (int i = 0; i < wanted; i++) {
        struct pollfd waiting = {acknowledged, POLLIN, 0};

        if (poll(&waiting, 1, 5000) != 1 ||
            read(acknowledged, &n, sizeof n) != (ssize_t)sizeof n)
            return;
        *last = n;
        usual = now_us() - began;
        began = now_us();
    }
    time.tv_nsec = (long)((rand() % 1000) * (usual % 100000));
    nanosleep(&time, NULL);
}

/* Let a writer run and kill it.
 *   stop  the step before which it dies by itself; 0: at a random moment
 *   last  gets the number of batches that it acknowledged last; unchanged for none
 * Returns false if it has failed by itself. */
static bool run_writer(const world *w, int stop, int64_t *last)
{
    int fd, status = 0;
    pid_t child = start(w, stop, &fd);
    int64_t n;
    bool is_fine;

    if (child < 0)
        return false;
    if (!stop) {
        wait_a_little(fd, last);
        kill(child, SIGKILL);
    }
    while (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
        *last = n;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    close(fd);
    is_fine = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!is_fine)
        printf("the writer has failed: status %#x\n", (unsigned)status);
    return is_fine;
}

/* The store holds what was acknowledged, and perhaps the batch after it, for each life since
 * the last look. */
static bool look(const world *w, int lives, int64_t *last)
{
    beamr_error err = {0};
    kv *store;
    int64_t head;
    bool is_fine;

    if (kv_open(w->name, &store, &err) != BEAMR_OK) {
        printf("the store cannot be opened: %s\n", err.text);
        return false;
    }
    head = work_head(store);
    is_fine = head >= *last && head <= *last + lives;
    if (!is_fine)
        printf("acknowledged were %lld batches, there are %lld\n", (long long)*last,
               (long long)head);
    is_fine = is_fine && work_check(store, head);
    *last = head;
    kv_close(store);
    return is_fine;
}

/* One writer's life. `undone` gets how much was taken back. */
static bool one_round(const world *w, int64_t *last, long *undone)
{
    if (!run_writer(w, 0, last))
        return false;
    if (w->shim) {
        *undone += undo(w->log, !w->is_lying && rand() % 2);
    }
    return look(w, 1, last);
}

/* ---- Step by step ---- */

typedef enum loss { LOSE_NOTHING, LOSE_ALL, LOSE_SOME, LOSS_COUNT } loss;

/* What a process that was killed had not synced can still be lost with what the next one has
 * not.
 */
static void lose(const world *w, loss how)
{
    if (how != LOSE_NOTHING)
        (void)undo(w->log, how == LOSE_SOME);
}

/* Two writers in turn, which die at a step each. */
static bool two_lives(const world *w, int stop, loss how, int second_stop, loss second_how,
                      int64_t *last)
{
    begin_anew(w);
    *last = 0;
    if (!run_writer(w, stop, last))
        return false;
    lose(w, how);
    if (!run_writer(w, second_stop, last))
        return false;
    lose(w, second_how);
    return look(w, 2, last);
}

/* The second dies early: when it has just opened the store, or while it finishes what it finds,
 * or in its first batch. */
static bool second_lives(const world *w, int stop, loss how, int64_t *last)
{
    return two_lives(w, stop, how, 2 + stop % 2, LOSE_ALL, last) &&
           two_lives(w, stop, how, stop * 7 % 31 + 1, (loss)(((int)how + stop) % LOSS_COUNT),
                     last);
}

static int run_steps(const world *w)
{
    time_t end = time(NULL) + STEPS_SECONDS;
    int64_t last = 0, first = 0;
    int stop;

    for (stop = 1; first < STEPS_BATCHES && time(NULL) < end; stop++)
        for (int how = LOSE_NOTHING; how < LOSS_COUNT; how++) {
            begin_anew(w);
            first = last = 0;
            if (!run_writer(w, stop, &last))
                return 1;
            lose(w, (loss)how);
            if (!look(w, 1, &last)) {
                printf("killed before step %d, losing %d\n", stop, how);
                return 1;
            }
            first = last;
            if (!second_lives(w, stop, (loss)how, &last)) {
                printf("killed before step %d and in its second life, losing %d\n", stop, how);
                return 1;
            }
        }
    printf("%s: killed before each of %d steps\n", w->kind, stop - 1);
    return 0;
}

/* ---- The whole ---- */

static int run(const world *w)
{
    time_t end = time(NULL) + SECONDS;
    int64_t last = 0;
    long batches = 0, undone = 0, losses = 0;
    int round;

    for (round = 0; round < ROUNDS && time(NULL) < end; round++) {
        int64_t before;

        if (round % FRESH_EVERY == 0 || w->is_lying) {
            begin_anew(w);
            last = 0;
        }
        before = last;
        if (!one_round(w, &last, &undone)) {
            losses++;
            break;
        } else
            batches += (long)(last - before);
    }
    printf("%s: %d kills, %ld batches, %ld writes taken back, %ld losses\n", w->kind, round,
           batches, undone, losses);
    if (w->is_lying)
        return losses ? 0 : 1;
    return losses || !batches || (w->shim && !undone) ? 1 : 0;
}

int main(int argc, char **argv)
{
    world w = {NULL, NULL, NULL, false, "", "", ""};
    char here[PATH_MAX];
    unsigned seed = (unsigned)time(NULL);
    int code;

    /* In memory if there is such a folder: what counts is what was asked for, not the disk. */
    if (argc < 4 || (!(access("/dev/shm", W_OK) == 0 && realpath("/dev/shm", here)) &&
                     !getcwd(here, sizeof here)))
        return 2;
    w.kind = argv[2];
    w.writer = argv[3];
    w.is_lying = !strcmp(argv[1], "lying");
    if (strcmp(argv[1], "killed") != 0) {
        if (argc < 5)
            return 2;
        w.shim = argv[4];
    }
    if (getenv("KV_CRASH_SEED"))
        seed = (unsigned)atoi(getenv("KV_CRASH_SEED"));
    srand(seed);
    snprintf(w.folder, sizeof w.folder, "%.150s/kv_crash.%d", here, (int)getpid());
    snprintf(w.log, sizeof w.log, "%s.log", w.folder);
    snprintf(w.name, sizeof w.name, "%s:%s", w.kind, w.folder);
    code = strcmp(argv[1], "steps") ? run(&w) : run_steps(&w);
    if (code) {
        printf("failed: seed %u, what is left is in %s\n", seed, w.folder);
        return code;
    }
    begin_anew(&w);
    rmdir(w.folder);
    rmdir(w.log);
    return 0;
}
