/* Part of libc/: see README.md there. */
#ifndef GUEST_STRING_H
#define GUEST_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
void *memchr(const void *in, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);
char *strpbrk(const char *s, const char *set);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
int strcoll(const char *a, const char *b);
char *strcpy(char *restrict to, const char *restrict from);
char *strdup(const char *s);
char *strerror(int error);

#endif
