/* One at a time keeps a process in a folder: cli/aos.h.
 * The lock is one of the system's on the folder itself (flock), so there is no file to be left
 * over, and it ends with its process, however that ends. Where there are no such locks, as on
 * some file systems of networks, nobody is kept off. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "cli/aos.h"

enum { POLL_MS = 50, NOTICE_MS = 300 };

/* Who holds the lock of a folder, as Linux tells it.  Returns 0 when that is not to be found
 * out. */
static long holder_of(int fd)
{
    FILE *locks = fopen("/proc/locks", "re");
    struct stat at;
    char line[256];
    long holder = 0;

    if (!locks)
        return 0;
    while (holder == 0 && fstat(fd, &at) == 0 && fgets(line, sizeof line, locks)) {
        unsigned major, minor;
        unsigned long inode;
        long pid;

        if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major, &minor, &inode) ==
                4 &&
            inode == at.st_ino && makedev(major, minor) == at.st_dev && pid > 0)
            holder = pid;
    }
    (void)fclose(locks);
    return holder;
}

static void name_holder(int fd, char *text, size_t size)
{
    long holder = holder_of(fd);

    if (holder > 0)
        (void)snprintf(text, size, "another beamr aos, process %ld,", holder);
    else
        (void)snprintf(text, size, "another beamr aos");
}

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&time, NULL);
}

/* Errors: BEAMR_BUSY. */
static beamr_status wait_for(int fd, const char *command, const char *folder, int seconds,
                             beamr_error *err)
{
    char holder[64];

    for (long ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ms += POLL_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return BEAMR_OK; /* there are no locks here */
        if (ms == NOTICE_MS) {
            name_holder(fd, holder, sizeof holder);
            (void)fprintf(stderr, "%s: %s: waiting for %s to end\n", command, folder, holder);
        }
        if (seconds > 0 && ms >= seconds * 1000) {
            name_holder(fd, holder, sizeof holder);
            return beamr_fail(err, BEAMR_BUSY, 0,
                              "%s still works on the process that is kept there, and would "
                              "overwrite what this one saves; end it first, or save into "
                              "another folder",
                              holder);
        }
        sleep_ms(POLL_MS);
    }
    return BEAMR_OK;
}

beamr_status aos_lock(const char *command, const char *folder, int seconds, int *out,
                      beamr_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    beamr_status st;

    *out = -1;
    if (fd < 0)
        return beamr_fail(err, BEAMR_IO, 0, "%s: it cannot be opened: %s", folder,
                          strerror(errno));
    if ((st = wait_for(fd, command, folder, seconds, err)) == BEAMR_OK)
        *out = fd;
    else
        (void)close(fd);
    return st;
}

bool aos_has_locked(const aos *process, const char *folder)
{
    struct stat ours, other;

    return process->folder >= 0 && fstat(process->folder, &ours) == 0 &&
           stat(folder, &other) == 0 && ours.st_dev == other.st_dev &&
           ours.st_ino == other.st_ino;
}
