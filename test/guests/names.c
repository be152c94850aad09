/* Random system calls on names, the same for the same seed: what each gives is printed, so that
 * two systems can be compared. Begins in an empty directory. Names do not lead out of it, which
 * WASI forbids and others do not; and no link's name or target ends in a slash, where WASI's
 * users were promised another errno.
 * Words: seed, number of calls. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 64 };

static unsigned state;

static unsigned below(unsigned n)
{
    state = state * 1103515245 + 12345;
    return (state >> 16) % n;
}

/* A path of up to three names, perhaps with dots and more slashes than it needs. */
static void make_path(char *path)
{
    static const char *const names[] = {"a", "b", "c", "d", "."};
    unsigned count = 1 + below(3);

    path[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        if (i)
            strcat(path, below(10) ? "/" : "//");
        strcat(path, names[below(i ? 5 : 4)]);
    }
    if (below(6) == 0)
        strcat(path, "/");
}

static void drop_slash(char *path)
{
    size_t len = strlen(path);

    if (path[len - 1] == '/')
        path[len - 1] = '\0';
}

/* What a call failed with, as a text that does not depend on the C library. */
static const char *error_name(void)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {EPERM, "EPERM"},     {ENOENT, "ENOENT"}, {EEXIST, "EEXIST"},
        {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {ENOTEMPTY, "ENOTEMPTY"},
        {ELOOP, "ELOOP"},     {EINVAL, "EINVAL"}, {EBUSY, "EBUSY"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].error == errno)
            return names[i].name;
    return strerror(errno);
}

static int open_path(const char *path)
{
    static const int flags[] = {
        O_RDONLY,
        O_WRONLY,
        O_RDWR,
        O_RDONLY | O_CREAT,
        O_WRONLY | O_TRUNC,
        O_WRONLY | O_CREAT | O_EXCL,
        O_RDONLY | O_NOFOLLOW,
        O_RDWR | O_CREAT | O_TRUNC,
        O_RDONLY | O_DIRECTORY,
        O_WRONLY | O_APPEND | O_CREAT,
    };
    int flag = flags[below(sizeof flags / sizeof flags[0])];
    int fd = open(path, flag, 0644);

    if (fd < 0)
        return -1;
    if (flag & (O_CREAT | O_TRUNC | O_APPEND))
        (void)!write(fd, "text", below(5)); /* of one open for reading: fails in both */
    return close(fd);
}

/* stat or lstat: kind, and of files size and names. */
static int show(const char *path, int (*look)(const char *, struct stat *))
{
    struct stat st;
    int result = look(path, &st);

    if (result == 0 && S_ISREG(st.st_mode))
        printf("file %ld %ld ", (long)st.st_size, (long)st.st_nlink);
    else if (result == 0)
        printf("%s ", S_ISDIR(st.st_mode) ? "directory" : "link");
    return result;
}

static int show_link(const char *path)
{
    char target[PATH_SIZE];
    ssize_t len = readlink(path, target, sizeof target);

    if (len >= 0)
        printf("'%.*s' ", (int)len, target);
    return len < 0 ? -1 : 0;
}

static int do_one(unsigned what, char *path, char *other)
{
    switch (what) {
    case 0:
        return mkdir(path, 0755);
    case 1:
        return rmdir(path);
    case 2:
        return unlink(path);
    case 3:
    case 4:
        return rename(path, other);
    case 5:
        drop_slash(path);
        drop_slash(other);
        return symlink(path, other);
    case 6:
        return link(path, other);
    case 7:
        return show(path, stat);
    case 8:
        return show(path, lstat);
    case 9:
        return show_link(path);
    case 10:
        return truncate(path, (off_t)below(9));
    default:
        return open_path(path);
    }
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 0;

    state = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE], other[PATH_SIZE];
        unsigned what = below(12);
        int result;

        make_path(path);
        make_path(other);
        printf("%d: %u %s %s: ", i, what, path, other);
        result = do_one(what, path, other);
        printf("%s\n", result < 0 ? error_name() : "ok");
    }
    return 0;
}
