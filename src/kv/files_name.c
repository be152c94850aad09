/* The kind `files`: names and contents of single files.
 * A name holds up to 64 bytes of a key, escaped with `%` where they are no letters, digits,
 * `-`,
 * `_` or `.`; longer keys continue in folders. `d` and `k` in front tell the two apart.
 * A file begins with 24 bytes: a mark, the length of the value and its checksum, both little
 * endian. The checksum finds damage; a value is never half written, since it gets its name only
 * when it is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kv/files.h"

/* ---- Names ---- */

static const char hex[] = "0123456789abcdef";

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_' || c == '.';
}

void files_path(beamr_bytes full, char path[FILES_PATH_SIZE])
{
    char *at = path;

    *at++ = (char)full.data[0];
    for (size_t i = 1; i < full.len; i++) {
        uint8_t c = full.data[i];

        if ((i - 1) % FILES_PART == 0) {
            *at++ = '/';
            *at++ = full.len - i > FILES_PART ? 'd' : 'k';
        }
        if (is_plain(c))
            *at++ = (char)c;
        else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
}

static int hex_digit(char c)
{
    const char *at = c ? strchr(hex, c) : NULL;

    return at ? (int)(at - hex) : -1;
}

size_t files_part(const char *name, uint8_t bytes[FILES_PART])
{
    size_t len = 0;

    while (*name) {
        if (len == FILES_PART)
            return SIZE_MAX;
        if (is_plain((uint8_t)*name))
            bytes[len++] = (uint8_t)*name++;
        else if (*name == '%' && hex_digit(name[1]) >= 0 && hex_digit(name[2]) >= 0) {
            bytes[len++] = (uint8_t)(hex_digit(name[1]) << 4 | hex_digit(name[2]));
            name += 3;
        } else
            return SIZE_MAX;
    }
    return len ? len : SIZE_MAX;
}

/* ---- Contents ---- */

#define HEADER_SIZE 24
static const uint8_t mark[8] = {'b', 'e', 'a', 'm', 'r', 'k', 'v', '1'};

/* Eight bytes at a time: what was cut off, or changed by accident, gives another sum. */
static uint64_t checksum(const uint8_t *data, size_t len)
{
    uint64_t sum = len * 0x9e3779b97f4a7c15;

    while (len) {
        uint64_t word = 0;
        size_t n = len < sizeof word ? len : sizeof word;

        memcpy(&word, data, n);
        sum = (sum ^ word) * 0xff51afd7ed558ccd;
        sum ^= sum >> 31;
        data += n;
        len -= n;
    }
    return sum;
}

static void put_u64(uint8_t *at, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(n >> (8 * i));
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t n = 0;

    for (int i = 7; i >= 0; i--)
        n = n << 8 | at[i];
    return n;
}

/* All of both, though the system may take less at a time. Returns an errno. */
static int write_all(int fd, beamr_bytes header, beamr_bytes value)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)header.data, header.len},
                             {(void *)(uintptr_t)value.data, value.len}};
    struct iovec *part = parts;
    int left = 2;

    while (left) {
        ssize_t n = writev(fd, part, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        for (; left && (size_t)n >= part->iov_len; part++, left--)
            n -= (ssize_t)part->iov_len;
        if (left) {
            part->iov_base = (uint8_t *)part->iov_base + n;
            part->iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* A new file, even if there is one that somebody who died has left: it may have got another
 * name, too, that of a value, and its old one back in a crash. */
static int new_file(const files *f, const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = openat(f->root, path, flags, 0600);

    if (fd < 0 && errno == EEXIST && !unlinkat(f->root, path, 0))
        fd = openat(f->root, path, flags, 0600);
    return fd;
}

int files_write_file(const files *f, const char *path, beamr_bytes value)
{
    uint8_t header[HEADER_SIZE];
    int fd = new_file(f, path);
    int code;

    if (fd < 0)
        return errno;
    memcpy(header, mark, sizeof mark);
    put_u64(header + 8, value.len);
    put_u64(header + 16, checksum(value.data, value.len));
    code = write_all(fd, (beamr_bytes){header, sizeof header}, value);
    if (!code && fsync(fd))
        code = errno;
    if (close(fd) && !code)
        code = errno;
    if (code)
        unlinkat(f->root, path, 0); /* gives the disk back what it took */
    return code;
}

static beamr_status fail_damaged(const files *f, const char *path, const char *why,
                                 beamr_error *err)
{
    return beamr_fail(err, BEAMR_MESSAGE, 0, "store %.200s: file %.200s is damaged: %s",
                      f->folder, path, why);
}

beamr_status files_read_file(const files *f, const char *path, int fd, uint64_t offset,
                             void *buffer, size_t size, beamr_error *err)
{
    uint8_t *at = (uint8_t *)buffer;

    offset += HEADER_SIZE;
    while (size) {
        ssize_t n = pread(fd, at, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return files_fail(f, errno, "cannot read", path, err);
        if (!n)
            return fail_damaged(f, path, "it was cut off", err);
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return BEAMR_OK;
}

static beamr_status check_header(const files *f, const char *path, int fd, size_t *len,
                                 beamr_error *err)
{
    uint8_t header[HEADER_SIZE];
    struct stat file;
    uint64_t length;

    if (fstat(fd, &file))
        return files_fail(f, errno, "cannot read", path, err);
    if (pread(fd, header, sizeof header, 0) != (ssize_t)sizeof header ||
        memcmp(header, mark, sizeof mark))
        return fail_damaged(f, path, "it has no header", err);
    length = get_u64(header + 8);
    if (length > KV_VALUE_MAX || (uint64_t)file.st_size != length + HEADER_SIZE)
        return fail_damaged(f, path, "its length is not what its header says", err);
    *len = (size_t)length;
    return BEAMR_OK;
}

beamr_status files_open_file(const files *f, const char *path, int *fd, size_t *len,
                             beamr_error *err)
{
    beamr_status st;

    *fd = openat(f->root, path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return BEAMR_NOT_FOUND;
    if (*fd < 0)
        return files_fail(f, errno, "cannot open", path, err);
    if ((st = check_header(f, path, *fd, len, err)) != BEAMR_OK)
        close(*fd);
    return st;
}

beamr_status files_load_file(const files *f, const char *path, BEAMR_OWN int fd, size_t len,
                             BEAMR_OWN uint8_t **out, beamr_error *err)
{
    uint8_t *data = (uint8_t *)malloc(len + 1);
    uint8_t sum[8];
    beamr_status st;

    if (!data)
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a value of %zu bytes", len);
    else
        st = files_read_file(f, path, fd, 0, data, len, err);
    if (st == BEAMR_OK && (pread(fd, sum, sizeof sum, 16) != (ssize_t)sizeof sum ||
                           get_u64(sum) != checksum(data, len)))
        st = fail_damaged(f, path, "its checksum is wrong", err);
    close(fd);
    if (st != BEAMR_OK)
        free(data);
    else
        *out = data;
    return st;
}
