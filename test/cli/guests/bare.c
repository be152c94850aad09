/* A guest for the tests of `beamr run` as Emscripten's linker leaves one to its loader: a main
 * and no _start, memory for the words to be taken with stackAlloc, and functions that are
 * imported. Freestanding, for 32- and 64-bit memories. It writes its words to stdout, and ends
 * with their number; with a word behind its name that begins with '!' it calls what nobody
 * provides, and with one that begins with '?' it ends with the errno of descriptor 3. It has no
 * function that takes a path. */
#include <stddef.h>

#define IMPORT(from, name) __attribute__((import_module(from), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

struct iovec {
    const char *data;
    size_t len;
};

IMPORT("wasi_snapshot_preview1", "fd_write")
int fd_write(int fd, const struct iovec *iovs, size_t count, size_t *written);
IMPORT("wasi_snapshot_preview1", "fd_fdstat_get") int fd_fdstat_get(int fd, void *stat);
IMPORT("env", "mystery") int mystery(const char *word);

static _Alignas(16) char heap[65536];
static size_t used;
static int is_ready;

EXPORT("__wasm_call_ctors") void construct(void);
void construct(void)
{
    is_ready = 1;
}

EXPORT("stackAlloc") void *stack_alloc(size_t size);
void *stack_alloc(size_t size)
{
    void *p = heap + used;

    used += (size + 15) & ~(size_t)15;
    return p;
}

static void put(const char *text)
{
    struct iovec line[2] = {{text, 0}, {"\n", 1}};
    size_t written;

    while (text[line[0].len])
        line[0].len++;
    fd_write(1, line, 2, &written);
}

EXPORT("main") int bare_main(int argc, char **argv);
int bare_main(int argc, char **argv)
{
    if (!is_ready || argv[argc] != NULL)
        return 100;
    for (int i = 0; i < argc; i++) {
        put(argv[i]);
        if (argv[i][0] == '?')
            return fd_fdstat_get(3, stack_alloc(24));
        if (argv[i][0] == '!')
            return mystery(argv[i]) + 40;
    }
    return argc;
}
