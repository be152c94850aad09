/* What libc/ imports of WASI, in the pointer width of the target. Each gives an error number, 0
 * for none. */
#ifndef GUEST_WASI_H
#define GUEST_WASI_H

#include <stddef.h>
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef struct wasi_vector {
    const void *data;
    size_t len;
} wasi_vector;

enum {
    WASI_ROOT = 3, /* the first descriptor of a directory */
    WASI_CREATE = 1,
    WASI_TRUNCATE = 8,
    WASI_APPEND = 1,
};
#define WASI_READ_RIGHTS 0x0820002eu  /* read, seek, tell, flags, status */
#define WASI_WRITE_RIGHTS 0x00400050u /* write, size, sync */

WASI(fd_read) int wasi_read(int fd, const wasi_vector *vectors, size_t count, size_t *got);
WASI(fd_write)
int wasi_write(int fd, const wasi_vector *vectors, size_t count, size_t *written);
WASI(fd_seek) int wasi_seek(int fd, int64_t offset, int whence, uint64_t *at);
WASI(fd_close) int wasi_close(int fd);
WASI(path_open)
int wasi_open(int dir, int look, const char *path, size_t len, int how, uint64_t rights,
              uint64_t inheriting, int flags, int *fd);
WASI(path_unlink_file) int wasi_unlink(int dir, const char *path, size_t len);
WASI(path_rename)
int wasi_rename(int dir, const char *from, size_t from_len, int to_dir, const char *to,
                size_t to_len);
WASI(clock_time_get) int wasi_time(int clock, uint64_t precision, uint64_t *out);
WASI(random_get) int wasi_random(void *to, size_t len);
WASI(proc_exit) _Noreturn void wasi_exit(int code);

#endif
