/* A program in 64-bit memory. There is no C library for it, so it imports WASI itself, where
 * pointers and sizes have 64 bits. */
#include <stddef.h>

struct vector {
    const void *data;
    size_t len;
};

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
fd_write(int fd, const struct vector *vectors, size_t count, size_t *written);

__attribute__((export_name("_start"))) void _start(void)
{
    static char table[] = "a pointer has ? bytes\n";
    struct vector v = {table, sizeof table - 1};
    size_t written;

    table[14] = (char)('0' + sizeof(void *));
    fd_write(1, &v, 1, &written);
}
