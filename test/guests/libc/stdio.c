/* stdio.h over WASI. A file has one buffer, for what was read ahead or what is still to be
 * written; the standard streams write at once, since nobody flushes them when a call returns.
 * Paths are taken from the first directory that the host gives.
 * Not there: folders of temporary files; positions beyond what a long holds.
 * Source: C11, "Input/output". */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasi.h"

enum { LINE = 4096 };

struct guest_file {
    int fd;
    bool is_eof, has_failed, is_direct, is_writing;
    size_t next, len; /* of the buffer: what is read ahead, or len to be written */
    int pushed;       /* by ungetc; 0: nothing, else the byte + 1 */
    char buffer[BUFSIZ];
};

static FILE streams[3] = {
    {.fd = 0}, {.fd = 1, .is_direct = true}, {.fd = 2, .is_direct = true}};
FILE *const stdin = &streams[0], *const stdout = &streams[1], *const stderr = &streams[2];
int errno;

/* ---- Writing ---- */

static bool write_all(FILE *f, const char *from, size_t len)
{
    while (len) {
        wasi_vector v = {from, len};
        size_t written = 0;

        errno = wasi_write(f->fd, &v, 1, &written);
        if (errno || !written) {
            f->has_failed = true;
            return false;
        }
        from += written;
        len -= written;
    }
    return true;
}

int fflush(FILE *f)
{
    size_t len;

    if (!f || !f->is_writing)
        return 0;
    len = f->len;
    f->len = 0;
    f->is_writing = false;
    return write_all(f, f->buffer, len) ? 0 : EOF;
}

/* Forget what was read ahead: the file is to stand where the program thinks it does. */
static void stop_reading(FILE *f)
{
    int64_t ahead = (int64_t)(f->len - f->next) + (f->pushed != 0);
    uint64_t at;

    if (f->is_writing)
        return;
    if (ahead)
        wasi_seek(f->fd, -ahead, SEEK_CUR, &at);
    f->next = f->len = 0;
    f->pushed = 0;
}

size_t fwrite(const void *restrict from, size_t size, size_t count, FILE *restrict f)
{
    size_t len = size * count;

    stop_reading(f);
    if (f->is_direct || len > BUFSIZ) {
        if (fflush(f) || !write_all(f, from, len))
            return 0;
        return count;
    }
    if (f->len + len > BUFSIZ && fflush(f))
        return 0;
    f->is_writing = true;
    memcpy(f->buffer + f->len, from, len);
    f->len += len;
    return count;
}

int fputs(const char *restrict text, FILE *restrict f)
{
    size_t len = strlen(text);

    return fwrite(text, 1, len, f) == len ? 0 : EOF;
}

int fputc(int c, FILE *f)
{
    char byte = (char)c;

    return fwrite(&byte, 1, 1, f) == 1 ? (unsigned char)c : EOF;
}

static int print(FILE *f, const char *format, va_list args)
{
    static char line[LINE];
    int len = vsnprintf(line, sizeof line, format, args);
    size_t kept = len < LINE ? (size_t)len : LINE - 1;

    return fwrite(line, 1, kept, f) == kept ? len : -1;
}

int fprintf(FILE *restrict f, const char *restrict format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = print(f, format, args);
    va_end(args);
    return len;
}

int printf(const char *restrict format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = print(stdout, format, args);
    va_end(args);
    return len;
}

/* ---- Reading ---- */

static bool fill(FILE *f)
{
    wasi_vector v = {f->buffer, BUFSIZ};

    if (fflush(f))
        return false;
    f->next = f->len = 0;
    errno = wasi_read(f->fd, &v, 1, &f->len);
    if (errno) {
        f->len = 0;
        f->has_failed = true;
    } else if (!f->len) {
        f->is_eof = true;
    }
    return f->len > 0;
}

int getc(FILE *f)
{
    int pushed = f->pushed;

    f->pushed = 0;
    if (pushed)
        return pushed - 1;
    if ((f->is_writing || f->next == f->len) && !fill(f))
        return EOF;
    return (unsigned char)f->buffer[f->next++];
}

int ungetc(int c, FILE *f)
{
    if (c == EOF)
        return EOF;
    f->pushed = (unsigned char)c + 1;
    f->is_eof = false;
    return c;
}

size_t fread(void *restrict to, size_t size, size_t count, FILE *restrict f)
{
    size_t len = size * count, done = 0;

    while (done < len) {
        size_t ready;
        int c = getc(f);

        if (c == EOF)
            break;
        ((char *)to)[done++] = (char)c;
        ready = f->len - f->next < len - done ? f->len - f->next : len - done;
        memcpy((char *)to + done, f->buffer + f->next, ready);
        f->next += ready;
        done += ready;
    }
    return size ? done / size : 0;
}

char *fgets(char *restrict to, int size, FILE *restrict f)
{
    int len = 0, c = 0;

    while (len < size - 1 && c != '\n' && (c = getc(f)) != EOF)
        to[len++] = (char)c;
    to[len] = '\0';
    return len ? to : NULL;
}

/* ---- Files ---- */

/* Open it as descriptor f->fd. */
static bool open_as(FILE *f, const char *path, const char *mode)
{
    bool is_both = strchr(mode, '+') != NULL;
    int how = *mode == 'w' ? WASI_CREATE | WASI_TRUNCATE : *mode == 'a' ? WASI_CREATE : 0;
    uint64_t rights = 0;

    if (*mode == 'r' || is_both)
        rights |= WASI_READ_RIGHTS;
    if (*mode != 'r' || is_both)
        rights |= WASI_WRITE_RIGHTS | WASI_READ_RIGHTS;
    while (*path == '/')
        path++;
    *f = (FILE){.fd = -1};
    errno = wasi_open(WASI_ROOT, 1, path, strlen(path), how, rights, 0,
                      *mode == 'a' ? WASI_APPEND : 0, &f->fd);
    return errno == 0;
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    FILE *f = malloc(sizeof *f);

    if (f && open_as(f, path, mode))
        return f;
    free(f);
    return NULL;
}

static int end(FILE *f)
{
    int result = fflush(f);

    errno = wasi_close(f->fd);
    return errno ? EOF : result;
}

FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
    end(f);
    if (path && open_as(f, path, mode))
        return f;
    if (f != stdin && f != stdout && f != stderr)
        free(f);
    return NULL;
}

int fclose(FILE *f)
{
    int result = end(f);

    if (f != stdin && f != stdout && f != stderr)
        free(f);
    return result;
}

FILE *tmpfile(void)
{
    errno = ENOSYS;
    return NULL;
}

int fseek(FILE *f, long offset, int whence)
{
    uint64_t at;

    if (fflush(f))
        return -1;
    stop_reading(f);
    f->is_eof = false;
    errno = wasi_seek(f->fd, offset, whence, &at);
    return errno ? -1 : 0;
}

long ftell(FILE *f)
{
    uint64_t at = 0;

    if (fflush(f))
        return -1;
    stop_reading(f);
    errno = wasi_seek(f->fd, 0, SEEK_CUR, &at);
    return errno ? -1 : (long)at;
}

int feof(FILE *f)
{
    return f->is_eof;
}

int ferror(FILE *f)
{
    return f->has_failed;
}

void clearerr(FILE *f)
{
    f->is_eof = f->has_failed = false;
}

int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size)
{
    (void)buffer;
    (void)size;
    f->is_direct = mode == _IONBF;
    return fflush(f);
}

int remove(const char *path)
{
    path += *path == '/';
    errno = wasi_unlink(WASI_ROOT, path, strlen(path));
    return errno ? -1 : 0;
}

int rename(const char *from, const char *to)
{
    from += *from == '/';
    to += *to == '/';
    errno = wasi_rename(WASI_ROOT, from, strlen(from), WASI_ROOT, to, strlen(to));
    return errno ? -1 : 0;
}
