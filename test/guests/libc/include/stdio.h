/* Part of libc/: see README.md there. */
#ifndef GUEST_STDIO_H
#define GUEST_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 4096
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2
#define L_tmpnam 20

typedef struct guest_file FILE;
extern FILE *const stdin, *const stdout, *const stderr;

FILE *fopen(const char *restrict path, const char *restrict mode);
FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f);
FILE *tmpfile(void);
int fclose(FILE *f);
int fflush(FILE *f);
size_t fread(void *restrict to, size_t size, size_t count, FILE *restrict f);
size_t fwrite(const void *restrict from, size_t size, size_t count, FILE *restrict f);
char *fgets(char *restrict to, int size, FILE *restrict f);
int fputs(const char *restrict text, FILE *restrict f);
int fputc(int c, FILE *f);
int getc(FILE *f);
int ungetc(int c, FILE *f);
int fseek(FILE *f, long offset, int whence);
long ftell(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size);
int remove(const char *path);
int rename(const char *from, const char *to);

int printf(const char *restrict format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *restrict f, const char *restrict format, ...)
    __attribute__((format(printf, 2, 3)));
int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list args);

#endif
