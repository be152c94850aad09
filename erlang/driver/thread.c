/* Threads: see thread.h.
 * The emulator can bind its schedulers to a core each (+sbt), and the driver is loaded by one
 * of them: its threads must not stay where that one is. The first thread of the process is
 * never bound, so its cores are theirs. Source: Linux, "Control Group v2", "CPU Interface
 * Files". */
#define _GNU_SOURCE /* sched_getaffinity, pthread_attr_setaffinity_np */
#include "driver/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Starting ---- */

/* Where the system cannot say, or has more cores than fit in the set, threads are where the one
 * that starts them is. */
static void attr_spread(pthread_attr_t *attr)
{
    cpu_set_t set;

    if (sched_getaffinity(getpid(), sizeof set, &set) == 0)
        (void)pthread_attr_setaffinity_np(attr, sizeof set, &set);
}

int drv_thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int rc = pthread_attr_init(&attr);

    if (rc != 0)
        return rc;
    attr_spread(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* Without the attributes if the cores have just been taken away. */
    if ((rc = pthread_create(out, &attr, run, arg)) == EINVAL)
        rc = pthread_create(out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    if (rc == 0)
        pthread_setname_np(*out, name);
    return rc;
}

void drv_thread_defer(void)
{
    static const struct sched_param none = {0};

    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* ---- Cores ---- */

unsigned drv_thread_share(const char *text)
{
    char *end;
    unsigned long quota = strtoul(text, &end, 10), period;

    if (end == text || *end != ' ')
        return 0;
    period = strtoul(end + 1, NULL, 10);
    if (quota == 0 || period == 0 || quota / period >= UINT_MAX)
        return 0;
    return (unsigned)(quota / period + (quota % period != 0));
}

/* The beginning of a file as text. Returns false when there is none. */
static bool file_begin(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, room - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* Of the group that the process is in, as it sees it: in a container that is the root. Groups
 * above are left out. */
static unsigned own_share(void)
{
    char groups[1024], path[1024 + 64], text[64];
    const char *own;

    if (!file_begin("/proc/self/cgroup", groups, sizeof groups) ||
        (own = strstr(groups, "0::/")) == NULL)
        return 0;
    own += strlen("0::");
    (void)snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/cpu.max", (int)strcspn(own, "\n"),
                   own);
    return file_begin(path, text, sizeof text) ? drv_thread_share(text) : 0;
}

unsigned drv_thread_cores(void)
{
    unsigned share = own_share();
    cpu_set_t set;
    long n = sched_getaffinity(getpid(), sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                                : sysconf(_SC_NPROCESSORS_ONLN);

    if (n < 1 || n > INT_MAX)
        n = 1;
    return share != 0 && share < (unsigned)n ? share : (unsigned)n;
}
