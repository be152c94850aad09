/* A guest for the tests of devices: what can go well or wrong in a call, one function for each.
 * Freestanding. */
#include <stddef.h>

#define IMPORT(from, name) __attribute__((import_module(from), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

struct iovec {
    const char *data;
    size_t len;
};

IMPORT("host", "ask") int ask(int n);
IMPORT("wasi_snapshot_preview1", "fd_write")
int fd_write(int fd, const struct iovec *iovs, size_t count, size_t *written);

extern unsigned char __heap_base;
static unsigned char *next = &__heap_base;
static long long counter;

EXPORT("malloc") void *take(size_t size);
void *take(size_t size)
{
    unsigned char *block = next;
    size_t room = (size_t)__builtin_wasm_memory_size(0) << 16;

    if (size > room || (size_t)block > room - size)
        return NULL;
    next += (size + 15) & ~(size_t)15;
    return block;
}

EXPORT("free") void give_back(void *block);
void give_back(void *block)
{
    next = block;
}

EXPORT("count") long long count(void);
long long count(void)
{
    return ++counter;
}

EXPORT("add") double add(double a, float b);
double add(double a, float b)
{
    return a + b;
}

EXPORT("low") int low(int a, long long b);
int low(int a, long long b)
{
    return a + (int)b;
}

EXPORT("length") int length(const char *text);
int length(const char *text)
{
    int n = 0;

    while (text[n])
        n++;
    return n;
}

/* Counts before it traps. */
EXPORT("trap") int trap(void);
int trap(void)
{
    counter++;
    __builtin_trap();
}

EXPORT("spin") void spin(void);
void spin(void)
{
    for (volatile int i = 0;; i++)
        ;
}

EXPORT("question") int question(int n);
int question(int n)
{
    return ask(n) + 1;
}

/* Pages that it could grow by, one at a time, up to n. */
EXPORT("grow") int grow(int n);
int grow(int n)
{
    int got = 0;

    while (got < n && __builtin_wasm_memory_grow(0, 1) != (size_t)-1)
        got++;
    return got;
}

/* Prints a text.  Gives an errno. */
EXPORT("say") int say(const char *text);
int say(const char *text)
{
    struct iovec line[2] = {{text, (size_t)length(text)}, {"\n", 1}};
    size_t written;

    return fd_write(1, line, 2, &written);
}
