/* WASI without a C library, in the pointer width of the target: pointers, sizes and the
 * structures that hold them are 4 or 8 bytes wide. Begins with an empty root directory as
 * descriptor 3, the arguments "one" and "two", and the variable NAME=value. */
#include "tiny.h"

typedef struct {
    const void *data;
    size_t len;
} vector;

typedef struct {
    uint8_t tag;
    size_t len;
} prestat;

typedef struct {
    uint64_t device, inode;
    uint8_t type;
    uint64_t links, size, accessed, modified, changed;
} filestat;

typedef struct {
    uint64_t next, inode;
    uint32_t len;
    uint8_t type;
} dirent;

typedef struct {
    uint64_t user;
    uint8_t tag;
    _Alignas(8) uint32_t clock;
    uint64_t timeout, precision;
    uint16_t flags;
} subscription;

typedef struct {
    uint64_t user;
    uint16_t error;
    uint8_t type;
    uint64_t bytes;
    uint16_t flags;
} event;

WASI(args_sizes_get) int args_sizes_get(size_t *count, size_t *bytes);
WASI(args_get) int args_get(char **pointers, char *text);
WASI(environ_sizes_get) int environ_sizes_get(size_t *count, size_t *bytes);
WASI(environ_get) int environ_get(char **pointers, char *text);
WASI(clock_time_get) int clock_time_get(int clock, uint64_t precision, uint64_t *out);
WASI(random_get) int random_get(void *at, size_t len);
WASI(fd_prestat_get) int fd_prestat_get(int fd, prestat *out);
WASI(fd_prestat_dir_name) int fd_prestat_dir_name(int fd, char *name, size_t len);
WASI(fd_read) int fd_read(int fd, const vector *vectors, size_t count, size_t *got);
WASI(fd_write) int fd_write(int fd, const vector *vectors, size_t count, size_t *written);
WASI(fd_pread)
int fd_pread(int fd, const vector *vectors, size_t count, uint64_t offset, size_t *got);
WASI(fd_seek) int fd_seek(int fd, int64_t offset, int whence, uint64_t *at);
WASI(fd_close) int fd_close(int fd);
WASI(fd_filestat_get) int fd_filestat_get(int fd, filestat *out);
WASI(fd_readdir) int fd_readdir(int fd, void *at, size_t len, uint64_t cookie, size_t *used);
WASI(path_open)
int path_open(int dir, int look, const char *path, size_t len, int how, uint64_t rights,
              uint64_t inheriting, int flags, int *fd);
WASI(path_create_directory) int path_create_directory(int dir, const char *path, size_t len);
WASI(path_filestat_get)
int path_filestat_get(int dir, int look, const char *path, size_t len, filestat *out);
WASI(path_rename)
int path_rename(int dir, const char *from, size_t from_len, int to_dir, const char *to,
                size_t to_len);
WASI(path_unlink_file) int path_unlink_file(int dir, const char *path, size_t len);
WASI(poll_oneoff)
int poll_oneoff(const subscription *in, event *out, size_t count, size_t *happened);

enum { CREATE = 1, EXCLUSIVE = 4 };

#define FILE_RIGHTS 0x08a001efu

static char text[4096];

static size_t length(const char *s)
{
    size_t len = 0;

    while (s[len])
        len++;
    return len;
}

static void arguments(void)
{
    size_t count = 0, bytes = 0;
    char *list[8];

    show("args_sizes_get", args_sizes_get(&count, &bytes));
    show("arguments", (int64_t)count);
    if (count > 8 || bytes > sizeof text || args_get(list, text))
        finish(1);
    for (size_t i = 1; i < count; i++) {
        print(list[i]);
        print("\n");
    }
    show("environ_sizes_get", environ_sizes_get(&count, &bytes));
    if (count > 8 || bytes > sizeof text || environ_get(list, text))
        finish(1);
    for (size_t i = 0; i < count; i++) {
        print(list[i]);
        print("\n");
    }
    show("beyond memory", args_sizes_get((size_t *)(UINTPTR_MAX - 3), &bytes));
    show("across its end",
         args_sizes_get(&count, (size_t *)(__builtin_wasm_memory_size(0) * 65536 - 2)));
}

static void preopens(void)
{
    prestat p = {9, 9};
    char name[8] = {0};

    show("fd_prestat_get", fd_prestat_get(3, &p));
    show("tag", p.tag);
    show("length of the name", (int64_t)p.len);
    show("fd_prestat_dir_name", fd_prestat_dir_name(3, name, p.len));
    print(name);
    show("\nfd_prestat_get 4", fd_prestat_get(4, &p));
}

static int open_file(const char *path, int how)
{
    int fd = -1;
    int error = path_open(3, 0, path, length(path), how, FILE_RIGHTS, 0, 0, &fd);

    return error ? -error : fd;
}

static void content(void)
{
    char first[4] = {0}, second[8] = {0};
    vector out[4] = {{"some", 4}, {NULL, 0}, {" bytes", 6}, {"", 0}};
    vector in[3] = {{first, 3}, {NULL, 0}, {second, 7}};
    vector bad[2] = {{"x", 1}, {(void *)(UINTPTR_MAX - 1), 1}};
    size_t done = 0;
    uint64_t at = 0;
    filestat st;
    int fd = open_file("file", CREATE | EXCLUSIVE);

    show("path_open", fd);
    show("again", open_file("file", CREATE | EXCLUSIVE));
    show("fd_write", fd_write(fd, out, 4, &done));
    show("bytes", (int64_t)done);
    show("fd_seek", fd_seek(fd, 0, 0, &at));
    show("fd_read", fd_read(fd, in, 3, &done));
    show("bytes", (int64_t)done);
    print(first);
    print("|");
    print(second);
    print("\n");
    in[0].len = 2;
    show("fd_pread", fd_pread(fd, in, 1, 5, &done));
    print(first);
    show("\nfd_seek from the end", fd_seek(fd, -4, 2, &at));
    show("position", (int64_t)at);
    show("vector beyond memory", fd_write(fd, bad, 2, &done));
    show("list beyond memory", fd_write(fd, (const vector *)(UINTPTR_MAX - 15), 1, &done));
    show("fd_filestat_get", fd_filestat_get(fd, &st));
    show("size", (int64_t)st.size);
    show("type", st.type);
    show("links", (int64_t)st.links);
    show("fd_close", fd_close(fd));
    show("fd_close again", fd_close(fd));
}

/* The names in a directory, two entries at a time at most; the third is cut off. */
static void list(void)
{
    uint64_t cookie = 0;
    dirent d;
    size_t used;
    int count = 0, has_file = 0, has_more = 0;

    for (;;) {
        size_t at = 0;

        if (fd_readdir(3, text, 64, cookie, &used)) {
            print("fd_readdir failed\n");
            return;
        }
        while (at + sizeof d <= used) {
            const char *name = text + at + sizeof d;

            __builtin_memcpy(&d, text + at, sizeof d);
            if (at + sizeof d + d.len > used)
                break;
            if (name[0] != '.') {
                count++;
                has_file += d.type == 4 && d.len == 5 && name[0] == 'f';
                has_more += d.type == 3 && d.len == 4 && name[0] == 'm';
            }
            cookie = d.next;
            at += sizeof d + d.len;
        }
        if (used < 64)
            break;
    }
    show("entries", count);
    show("file", has_file);
    show("more", has_more);
}

static void names(void)
{
    filestat st;

    show("path_create_directory", path_create_directory(3, "more", 4));
    show("path_rename", path_rename(3, "file", 4, 3, "filed", 5));
    show("path_filestat_get", path_filestat_get(3, 0, "filed", 5, &st));
    show("size", (int64_t)st.size);
    show("old name", path_filestat_get(3, 0, "file", 4, &st));
    show("out of the root", path_filestat_get(3, 0, "../../x", 7, &st) != 0);
    show("name beyond memory", path_filestat_get(3, 0, "x", UINTPTR_MAX, &st));
    list();
    show("path_unlink_file", path_unlink_file(3, "filed", 5));
    show("of a directory", path_unlink_file(3, "more", 4) != 0);
}

static void time_and_chance(void)
{
    uint64_t before = 0, after = 0;
    uint8_t noise[16] = {0};
    subscription s = {.user = 42, .tag = 0, .clock = 1, .timeout = 3000000};
    event e = {0};
    size_t happened = 0;
    int bits = 0;

    show("clock_time_get", clock_time_get(1, 0, &before));
    show("poll_oneoff", poll_oneoff(&s, &e, 1, &happened));
    show("events", (int64_t)happened);
    show("user data", (int64_t)e.user);
    show("error", e.error);
    clock_time_get(1, 0, &after);
    show("time passed", after - before >= 3000000);
    show("no such clock", clock_time_get(9, 0, &before));
    show("random_get", random_get(noise, sizeof noise));
    for (unsigned i = 0; i < sizeof noise; i++)
        bits |= noise[i];
    show("not all zero", bits != 0);
    show("beyond memory", random_get(noise, UINTPTR_MAX));
}

int program(void)
{
    show("bytes in a pointer", sizeof(void *));
    arguments();
    preopens();
    content();
    names();
    time_and_chance();
    return 5;
}
