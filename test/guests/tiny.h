/* As much of a C library as a guest without one needs: printing, memory that is never given
 * back, and WASI in the pointer width of the target. */
#ifndef TINY_H
#define TINY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

/* The program; what it returns is the exit code. */
int program(void);

void *malloc(size_t size);
void free(void *at);

void print(const char *text);
void print_number(int64_t number);
/* "NAME NUMBER" on a line. */
void show(const char *name, int64_t number);
void finish(uint32_t code) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
