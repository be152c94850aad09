/* Part of libc/: see README.md there. */
#ifndef GUEST_STDLIB_H
#define GUEST_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *at, size_t size);
void free(void *at);
_Noreturn void abort(void);
_Noreturn void exit(int code);
char *getenv(const char *name);
double strtod(const char *restrict text, char **restrict end);
int abs(int n);

#endif
