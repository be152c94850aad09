/* The library of tiny.h. */
#include "tiny.h"

struct vector {
    const void *data;
    size_t len;
};

WASI(fd_write)
int fd_write(int fd, const struct vector *vectors, size_t count, size_t *written);
WASI(proc_exit) _Noreturn void proc_exit(uint32_t code);

void _start(void);
void __wasm_call_ctors(void);
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
void __cxa_pure_virtual(void);

extern unsigned char __heap_base;
static uintptr_t next, end;
static size_t pieces; /* in use */

/* Constructors are called here by name; else the linker calls them before every export. */
__attribute__((export_name("_start"))) void _start(void)
{
    int code;

    __wasm_call_ctors();
    code = program();
    if (code)
        proc_exit((uint32_t)code);
}

void *malloc(size_t size)
{
    uintptr_t at;

    if (!next) {
        next = (uintptr_t)&__heap_base;
        end = __builtin_wasm_memory_size(0) * 65536;
    }
    at = (next + 15) & ~(uintptr_t)15;
    next = at + size;
    if (next > end) {
        size_t pages = (next - end + 65535) / 65536;

        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1)
            return NULL;
        end += pages * 65536;
    }
    pieces++;
    return (void *)at;
}

/* When nothing is in use all of it can be had again, so that a loop of throws ends. */
void free(void *at)
{
    if (at && --pieces == 0)
        next = (uintptr_t)&__heap_base;
}

void *memcpy(void *to, const void *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)to)[i] = (unsigned char)byte;
    return to;
}

void __cxa_pure_virtual(void)
{
    __builtin_trap();
}

void print(const char *text)
{
    struct vector v = {text, 0};
    size_t written;

    while (text[v.len])
        v.len++;
    if (fd_write(1, &v, 1, &written) || written != v.len)
        __builtin_trap();
}

void print_number(int64_t number)
{
    char text[24], *at = text + sizeof text;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    *--at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    print(at);
}

void show(const char *name, int64_t number)
{
    print(name);
    print(" ");
    print_number(number);
    print("\n");
}

void finish(uint32_t code)
{
    proc_exit(code);
}
