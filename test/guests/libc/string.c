/* string.h and ctype.h. The loops must not be turned into calls of themselves: compiled with
 * -fno-builtin. Copying and filling are instructions.
 * Source: C11, "String handling" and "Character handling". */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("bulk-memory"))), apply_to = function)

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    return memmove(to, from, len);
}

void *memmove(void *to, const void *from, size_t len)
{
    __asm__ volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0"
                     :
                     : "r"(to), "r"(from), "r"(len)
                     : "memory");
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    __asm__ volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.fill 0"
                     :
                     : "r"(to), "r"(byte), "r"(len)
                     : "memory");
    return to;
}

#pragma clang attribute pop

void *memchr(const void *in, int byte, size_t len)
{
    const unsigned char *at = in;

    for (size_t i = 0; i < len; i++)
        if (at[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(at + i);
    return NULL;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < len; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strlen(const char *s)
{
    size_t len = 0;

    while (s[len])
        len++;
    return len;
}

size_t strnlen(const char *s, size_t max)
{
    size_t len = 0;

    while (len < max && s[len])
        len++;
    return len;
}

char *strchr(const char *s, int c)
{
    return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
    size_t i = strlen(s) + 1;

    while (i--)
        if (s[i] == (char)c)
            return (char *)(uintptr_t)(s + i);
    return NULL;
}

char *strstr(const char *s, const char *part)
{
    size_t len = strlen(part);

    for (; *s || !len; s++)
        if (strncmp(s, part, len) == 0)
            return (char *)(uintptr_t)s;
    return NULL;
}

size_t strcspn(const char *s, const char *set)
{
    size_t len = 0;

    while (s[len] && !strchr(set, s[len]))
        len++;
    return len;
}

size_t strspn(const char *s, const char *set)
{
    size_t len = 0;

    while (s[len] && strchr(set, s[len]))
        len++;
    return len;
}

char *strpbrk(const char *s, const char *set)
{
    s += strcspn(s, set);
    return *s ? (char *)(uintptr_t)s : NULL;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] || !a[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcoll(const char *a, const char *b)
{
    return strcmp(a, b);
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *made = malloc(size);

    return made ? memcpy(made, s, size) : NULL;
}

char *strerror(int error)
{
    switch (error) {
    case ENOENT:
        return "No such file or directory";
    case ENOMEM:
        return "Out of memory";
    case EINVAL:
        return "Invalid argument";
    case ENOSYS:
        return "Function not implemented";
    default:
        return "Input/output error";
    }
}

int isdigit(int c)
{
    return c >= '0' && c <= '9';
}

int islower(int c)
{
    return c >= 'a' && c <= 'z';
}

int isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

int isalpha(int c)
{
    return islower(c) || isupper(c);
}

int isalnum(int c)
{
    return isalpha(c) || isdigit(c);
}

int isgraph(int c)
{
    return c > ' ' && c < 0x7f;
}

int isprint(int c)
{
    return c >= ' ' && c < 0x7f;
}

int ispunct(int c)
{
    return isgraph(c) && !isalnum(c);
}

int iscntrl(int c)
{
    return (c >= 0 && c < ' ') || c == 0x7f;
}

int isspace(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int isxdigit(int c)
{
    return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int tolower(int c)
{
    return isupper(c) ? c - 'A' + 'a' : c;
}

int toupper(int c)
{
    return islower(c) ? c - 'a' + 'A' : c;
}
