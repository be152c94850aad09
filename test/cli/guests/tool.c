/* A guest for the tests of `beamr run`: does what its arguments say, one after the other, each
 * a word with its own arguments behind it (see `steps`). What fails is told on stderr with its
 * errno, and ends it with exit code 3. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static int word_count;
static char **words;

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(3);
}

static void put(const char *path, int flags, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0666);

    check(fd >= 0, path);
    while (len) {
        ssize_t n = write(fd, text, len);

        check(n > 0, path);
        text += n;
        len -= (size_t)n;
    }
    check(close(fd) == 0, path);
}

static void do_write(char **arg)
{
    put(arg[0], O_TRUNC, arg[1], strlen(arg[1]));
}

static void do_append(char **arg)
{
    put(arg[0], O_APPEND, arg[1], strlen(arg[1]));
}

/* PATH BYTES LETTER */
static void do_fill(char **arg)
{
    size_t len = strtoul(arg[1], NULL, 10);
    char *text = malloc(len + 1);

    check(text != NULL, "malloc");
    memset(text, arg[2][0], len);
    put(arg[0], O_TRUNC, text, len);
    free(text);
}

/* From a descriptor to stdout, until its end. */
static void copy(int fd, const char *what)
{
    char piece[4096];
    ssize_t n;

    fflush(stdout);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        check(write(1, piece, (size_t)n) == n, "stdout");
    check(n == 0, what);
}

static void do_cat(char **arg)
{
    int fd = open(arg[0], O_RDONLY);

    check(fd >= 0, arg[0]);
    copy(fd, arg[0]);
    close(fd);
}

static void do_copy(char **arg)
{
    (void)arg;
    copy(0, "stdin");
}

/* One byte of input at a time, to the end of the line. */
static void do_line(char **arg)
{
    char c;

    (void)arg;
    fflush(stdout);
    while (read(0, &c, 1) == 1) {
        check(write(1, &c, 1) == 1, "stdout");
        if (c == '\n')
            break;
    }
}

static void do_ls(char **arg)
{
    DIR *dir = opendir(arg[0]);
    struct dirent *entry;

    check(dir != NULL, arg[0]);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            printf("%s\n", entry->d_name);
    }
    closedir(dir);
}

static void do_mkdir(char **arg)
{
    check(mkdir(arg[0], 0777) == 0, arg[0]);
}

static void do_rmdir(char **arg)
{
    check(rmdir(arg[0]) == 0, arg[0]);
}

static void do_rm(char **arg)
{
    check(unlink(arg[0]) == 0, arg[0]);
}

static void do_mv(char **arg)
{
    check(rename(arg[0], arg[1]) == 0, arg[0]);
}

static void do_symlink(char **arg)
{
    check(symlink(arg[0], arg[1]) == 0, arg[1]);
}

static void do_link(char **arg)
{
    check(link(arg[0], arg[1]) == 0, arg[1]);
}

static void do_readlink(char **arg)
{
    char target[256];
    ssize_t n = readlink(arg[0], target, sizeof target);

    check(n >= 0, arg[0]);
    printf("%.*s\n", (int)n, target);
}

/* Seconds of the file's time. */
static void do_mtime(char **arg)
{
    struct stat st;

    check(stat(arg[0], &st) == 0, arg[0]);
    printf("%lld\n", (long long)st.st_mtime);
}

static void do_echo(char **arg)
{
    printf("%s\n", arg[0]);
}

static void do_warn(char **arg)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", arg[0]);
}

static void do_args(char **arg)
{
    (void)arg;
    for (int i = 0; i < word_count; i++)
        printf("[%s]\n", words[i]);
}

static void do_env(char **arg)
{
    (void)arg;
    for (char **e = environ; *e; e++)
        printf("%s\n", *e);
}

static void do_time(char **arg)
{
    struct timespec real, mono;

    (void)arg;
    check(clock_gettime(CLOCK_REALTIME, &real) == 0, "realtime");
    check(clock_gettime(CLOCK_MONOTONIC, &mono) == 0, "monotonic");
    printf("%lld.%09ld %lld.%09ld\n", (long long)real.tv_sec, real.tv_nsec,
           (long long)mono.tv_sec, mono.tv_nsec);
}

/* MILLISECONDS */
static void do_sleep(char **arg)
{
    long ms = strtol(arg[0], NULL, 10);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    fflush(stdout);
    check(nanosleep(&t, NULL) == 0, "sleep");
}

/* MILLISECONDS: whether there is input by then */
static void do_poll(char **arg)
{
    struct pollfd fd = {.fd = 0, .events = POLLIN};
    int n = poll(&fd, 1, (int)strtol(arg[0], NULL, 10));

    check(n >= 0, "poll");
    printf("%d\n", n);
}

static void do_random(char **arg)
{
    unsigned char bytes[16];

    (void)arg;
    check(getentropy(bytes, sizeof bytes) == 0, "random");
    for (size_t i = 0; i < sizeof bytes; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void do_tty(char **arg)
{
    printf("%d\n", isatty((int)strtol(arg[0], NULL, 10)));
}

/* Write a line to stdout, and tell on stderr with which errno that ends. */
static void do_try(char **arg)
{
    fflush(stdout);
    if (write(1, arg[0], strlen(arg[0])) < 0)
        fprintf(stderr, "errno %s\n", strerror(errno));
    else
        fprintf(stderr, "written\n");
}

/* For ever, and whatever comes of it. */
static void do_spew(char **arg)
{
    for (;;)
        (void)!write(1, arg[0], strlen(arg[0]));
}

static void do_spin(char **arg)
{
    (void)arg;
    for (;;)
        __asm__ volatile("");
}

static void do_trap(char **arg)
{
    (void)arg;
    fflush(stdout);
    __builtin_trap();
}

static void do_exit(char **arg)
{
    exit((int)strtol(arg[0], NULL, 0));
}

static const struct {
    const char *word;
    int count;
    void (*run)(char **arg);
} steps[] = {
    {"write", 2, do_write}, {"append", 2, do_append},
    {"fill", 3, do_fill},   {"cat", 1, do_cat},
    {"copy", 0, do_copy},   {"line", 0, do_line},
    {"ls", 1, do_ls},       {"mkdir", 1, do_mkdir},
    {"rmdir", 1, do_rmdir}, {"rm", 1, do_rm},
    {"mv", 2, do_mv},       {"symlink", 2, do_symlink},
    {"mtime", 1, do_mtime}, {"readlink", 1, do_readlink},
    {"echo", 1, do_echo},   {"warn", 1, do_warn},
    {"args", 0, do_args},   {"env", 0, do_env},
    {"time", 0, do_time},   {"sleep", 1, do_sleep},
    {"poll", 1, do_poll},   {"random", 0, do_random},
    {"tty", 1, do_tty},     {"try", 1, do_try},
    {"spew", 1, do_spew},   {"spin", 0, do_spin},
    {"trap", 0, do_trap},   {"exit", 1, do_exit},
    {"link", 2, do_link},
};

int main(int argc, char **argv)
{
    word_count = argc;
    words = argv;
    for (int i = 1; i < argc; i++) {
        size_t s = 0;

        while (s < sizeof steps / sizeof steps[0] && strcmp(argv[i], steps[s].word) != 0)
            s++;
        if (s == sizeof steps / sizeof steps[0] || argc - i <= steps[s].count)
            return 99; /* only `args` looks at words that are none of these */
        steps[s].run(argv + i + 1);
        if (steps[s].run == do_args)
            return 0;
        i += steps[s].count;
    }
    return 0;
}
