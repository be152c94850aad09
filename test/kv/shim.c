/* A library to be preloaded, under a store: it writes down what every write, rename and removal
 * below a folder replaces, and which of that was synced afterwards, so that undo.c can make of
 * the folder what a machine would find that lost all power (shim.h).
 * What is written through a memory map is not seen; stores here do not do that, apart from
 * LMDB's table of readers, which it makes anew.
 * With KV_SHIM_LIES, syncs are not written down: a disk that only says that it has. */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[SHIM_PATH], graves[SHIM_PATH];
static size_t folder_len;
static int log_fd = -1;
static bool lies;
static atomic_long steps_left; /* 0: no end */

__attribute__((constructor)) static void begin(void)
{
    const char *watched = getenv(SHIM_FOLDER), *log = getenv(SHIM_LOG);
    char path[SHIM_PATH];

    if (!watched || !log)
        return;
    snprintf(folder, sizeof folder, "%s", watched);
    folder_len = strlen(folder);
    snprintf(graves, sizeof graves, "%s", log);
    snprintf(path, sizeof path, "%.400s/log", log);
    lies = getenv(SHIM_LIES) != NULL;
    if (getenv(SHIM_STOP))
        atomic_store(&steps_left, atol(getenv(SHIM_STOP)));
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                          0600);
}

/* Something is about to be done to the folder: or the process dies. */
static void step(void)
{
    if (atomic_load(&steps_left) && atomic_fetch_sub(&steps_left, 1) == 1)
        syscall(SYS_kill, getpid(), SIGKILL);
}

/* ---- What is watched ---- */

static bool is_watched(const char *path)
{
    return log_fd >= 0 && !strncmp(path, folder, folder_len) &&
           (path[folder_len] == '/' || !path[folder_len]);
}

/* The absolute path of a descriptor, if it is watched. */
static bool path_of_fd(int fd, char path[SHIM_PATH])
{
    char link[64];
    ssize_t len;

    if (log_fd < 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, SHIM_PATH - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    return is_watched(path);
}

static bool path_at(int at, const char *name, char path[SHIM_PATH])
{
    char parent[SHIM_PATH];

    if (log_fd < 0)
        return false;
    if (name[0] == '/')
        snprintf(path, SHIM_PATH, "%s", name);
    else {
        if (at == AT_FDCWD) {
            if (!getcwd(parent, sizeof parent))
                return false;
        } else if (!path_of_fd(at, parent))
            return false;
        snprintf(path, SHIM_PATH, "%.250s/%.250s", parent, name);
    }
    return is_watched(path);
}

static uint64_t inode_at(const char *path)
{
    struct stat file;

    return lstat(path, &file) ? 0 : (uint64_t)file.st_ino;
}

static uint64_t inode_of(int fd)
{
    struct stat file;

    return fstat(fd, &file) ? 0 : (uint64_t)file.st_ino;
}

/* ---- The log ---- */

static void put(const void *data, size_t len)
{
    const char *at = (const char *)data;

    while (len) {
        ssize_t n = syscall(SYS_write, log_fd, at, len);

        if (n < 0)
            abort();
        at += n;
        len -= (size_t)n;
    }
}

static void put_record(shim_record *r, const char *path, const char *target)
{
    snprintf(r->path, sizeof r->path, "%s", path ? path : "");
    snprintf(r->target, sizeof r->target, "%s", target ? target : "");
    put(r, sizeof *r);
}

/* Keep a file findable by its inode. */
static void bury(const char *path, uint64_t inode)
{
    char grave[SHIM_PATH];

    snprintf(grave, sizeof grave, "%.400s/%llu", graves, (unsigned long long)inode);
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, grave, 0);
}

/* A write through this descriptor is on the disk when it returns. */
static bool is_synchronous(int fd)
{
    return !lies && (fcntl(fd, F_GETFL) & O_DSYNC);
}

/* `len` bytes at `offset` are about to be replaced, or cut off. */
static void note_write(int fd, off_t offset, size_t len)
{
    char path[SHIM_PATH];
    shim_record r = {.kind = SHIM_WRITE, .offset = (uint64_t)offset};
    struct stat file;
    char *data = NULL;

    if (!path_of_fd(fd, path) || fstat(fd, &file))
        return;
    step();
    if (is_synchronous(fd))
        return;
    r.inode = (uint64_t)file.st_ino;
    r.size = (uint64_t)file.st_size;
    bury(path, r.inode);
    if (offset < file.st_size) {
        size_t there = (size_t)(file.st_size - offset);

        r.data_len = (uint32_t)(len < there ? len : there);
        data = (char *)malloc(r.data_len);
        /* A descriptor that is only written to is read through another. */
        int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        if (!data || syscall(SYS_pread64, reader, data, r.data_len, offset) < 0)
            abort();
        syscall(SYS_close, reader);
    }
    pthread_mutex_lock(&lock);
    put_record(&r, NULL, NULL);
    put(data, r.data_len);
    pthread_mutex_unlock(&lock);
    free(data);
}

static void note_sync(int fd)
{
    char path[SHIM_PATH];
    struct stat file;
    shim_record r = {.kind = SHIM_SYNC};

    if (lies || !path_of_fd(fd, path) || fstat(fd, &file))
        return;
    r.inode = (uint64_t)file.st_ino;
    if (S_ISDIR(file.st_mode))
        r.kind = SHIM_SYNC_NAMES;
    pthread_mutex_lock(&lock);
    put_record(&r, path, NULL);
    pthread_mutex_unlock(&lock);
}

static void note_names(shim_kind kind, uint64_t inode, const char *path, const char *target,
                       uint64_t other)
{
    shim_record r = {.kind = kind, .inode = inode, .other = other};

    pthread_mutex_lock(&lock);
    put_record(&r, path, target);
    pthread_mutex_unlock(&lock);
}

/* ---- Contents ---- */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SHIM __attribute__((visibility("default")))

SHIM ssize_t write(int fd, const void *data, size_t len)
{
    ssize_t n;

    if (log_fd >= 0)
        note_write(fd, lseek(fd, 0, SEEK_CUR), len);
    n = REAL(write)(fd, data, len);
    return n;
}

SHIM ssize_t writev(int fd, const struct iovec *parts, int count)
{
    size_t len = 0;
    ssize_t n;

    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    if (log_fd >= 0)
        note_write(fd, lseek(fd, 0, SEEK_CUR), len);
    n = REAL(writev)(fd, parts, count);
    return n;
}

SHIM ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    ssize_t n;

    note_write(fd, offset, len);
    n = REAL(pwrite)(fd, data, len, offset);
    return n;
}

SHIM ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    return pwrite(fd, data, len, offset);
}

SHIM int ftruncate(int fd, off_t size)
{
    note_write(fd, size, SIZE_MAX);
    return REAL(ftruncate)(fd, size);
}

SHIM int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

SHIM int fsync(int fd)
{
    char path[SHIM_PATH];
    int code;

    if (path_of_fd(fd, path))
        step();
    code = REAL(fsync)(fd);
    if (!code)
        note_sync(fd);
    return code;
}

SHIM int fdatasync(int fd)
{
    char path[SHIM_PATH];
    int code;

    if (path_of_fd(fd, path))
        step();
    code = REAL(fdatasync)(fd);
    if (!code)
        note_sync(fd);
    return code;
}

/* ---- Names ---- */

static int open_at(int at, const char *name, int flags, mode_t mode)
{
    char path[SHIM_PATH];
    bool watched = path_at(at, name, path);
    bool is_new = watched && (flags & O_CREAT) && !inode_at(path);
    int fd;

    if (is_new)
        step();
    /* What O_TRUNC cuts off is written down as a cut of its own. */
    if (watched)
        fd = (int)syscall(SYS_openat, at, name, flags & ~O_TRUNC, mode);
    else
        return (int)syscall(SYS_openat, at, name, flags, mode);
    if (fd < 0)
        return fd;
    if (is_new) {
        bury(path, inode_of(fd));
        note_names(SHIM_CREATE, inode_of(fd), path, NULL, 0);
    }
    if ((flags & O_TRUNC) && ftruncate(fd, 0))
        abort();
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

#define OPEN(name)                                                                             \
    SHIM int name(const char *path, int flags, ...)                                            \
    {                                                                                          \
        va_list args;                                                                          \
        mode_t mode;                                                                           \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = mode_of(flags, args);                                                           \
        va_end(args);                                                                          \
        return open_at(AT_FDCWD, path, flags, mode);                                           \
    }

#define OPEN_AT(name)                                                                          \
    SHIM int name(int at, const char *path, int flags, ...)                                    \
    {                                                                                          \
        va_list args;                                                                          \
        mode_t mode;                                                                           \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = mode_of(flags, args);                                                           \
        va_end(args);                                                                          \
        return open_at(at, path, flags, mode);                                                 \
    }

OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

SHIM int renameat(int from_at, const char *from, int to_at, const char *to)
{
    char old[SHIM_PATH], new[SHIM_PATH];

    if (path_at(from_at, from, old) && path_at(to_at, to, new) && inode_at(old)) {
        step();
        bury(old, inode_at(old));
        if (inode_at(new))
            bury(new, inode_at(new));
        note_names(SHIM_RENAME, inode_at(old), old, new, inode_at(new));
    }
    return (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
}

SHIM int unlinkat(int at, const char *name, int flags)
{
    char path[SHIM_PATH];

    if (path_at(at, name, path) && inode_at(path)) {
        step();
        bury(path, inode_at(path));
        note_names(SHIM_UNLINK, inode_at(path), path, NULL, 0);
    }
    return (int)syscall(SYS_unlinkat, at, name, flags);
}

SHIM int mkdirat(int at, const char *name, mode_t mode)
{
    char path[SHIM_PATH];

    if (path_at(at, name, path) && !inode_at(path)) {
        step();
        note_names(SHIM_MKDIR, 0, path, NULL, 0);
    }
    return (int)syscall(SYS_mkdirat, at, name, mode);
}

SHIM int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

SHIM int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

SHIM int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}
