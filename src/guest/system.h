/* The system behind both doors - WASI (wasi*.c) and Emscripten's env (env_*.c):
 * descriptors over the file system and over streams, as system calls of C with native pointers.
 * It knows nothing of guest memory or of pointer widths. beamr_wasi (beamr/wasi.h) is this
 * system.
 *
 * A descriptor is a number for an open file description (shared by dup and what inherits its
 * position), with rights of its own. Descriptors are the smallest free numbers.
 * Functions that can end the guest's call, because a stream or a clock of the embedder's
 * failed, take a beamr_error and return GUEST_EABORT with it filled; the door passes that on as
 * the host function's failure. */
#ifndef GUEST_SYSTEM_H
#define GUEST_SYSTEM_H

#include "beamr/wasi.h"
#include "guest/vfs.h"

/* Not an errno of guests: the call ends, and err says how. */
#define GUEST_EABORT ((guest_errno)0x10000)

/* Rights, as WASI numbers them. */
typedef uint64_t guest_rights;
#define GUEST_RIGHT_FD_DATASYNC (UINT64_C(1) << 0)
#define GUEST_RIGHT_FD_READ (UINT64_C(1) << 1)
#define GUEST_RIGHT_FD_SEEK (UINT64_C(1) << 2)
#define GUEST_RIGHT_FD_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define GUEST_RIGHT_FD_SYNC (UINT64_C(1) << 4)
#define GUEST_RIGHT_FD_TELL (UINT64_C(1) << 5)
#define GUEST_RIGHT_FD_WRITE (UINT64_C(1) << 6)
#define GUEST_RIGHT_FD_ADVISE (UINT64_C(1) << 7)
#define GUEST_RIGHT_FD_ALLOCATE (UINT64_C(1) << 8)
#define GUEST_RIGHT_PATH_CREATE_DIRECTORY (UINT64_C(1) << 9)
#define GUEST_RIGHT_PATH_CREATE_FILE (UINT64_C(1) << 10)
#define GUEST_RIGHT_PATH_LINK_SOURCE (UINT64_C(1) << 11)
#define GUEST_RIGHT_PATH_LINK_TARGET (UINT64_C(1) << 12)
#define GUEST_RIGHT_PATH_OPEN (UINT64_C(1) << 13)
#define GUEST_RIGHT_FD_READDIR (UINT64_C(1) << 14)
#define GUEST_RIGHT_PATH_READLINK (UINT64_C(1) << 15)
#define GUEST_RIGHT_PATH_RENAME_SOURCE (UINT64_C(1) << 16)
#define GUEST_RIGHT_PATH_RENAME_TARGET (UINT64_C(1) << 17)
#define GUEST_RIGHT_PATH_FILESTAT_GET (UINT64_C(1) << 18)
#define GUEST_RIGHT_PATH_FILESTAT_SET_SIZE (UINT64_C(1) << 19)
#define GUEST_RIGHT_PATH_FILESTAT_SET_TIMES (UINT64_C(1) << 20)
#define GUEST_RIGHT_FD_FILESTAT_GET (UINT64_C(1) << 21)
#define GUEST_RIGHT_FD_FILESTAT_SET_SIZE (UINT64_C(1) << 22)
#define GUEST_RIGHT_FD_FILESTAT_SET_TIMES (UINT64_C(1) << 23)
#define GUEST_RIGHT_PATH_SYMLINK (UINT64_C(1) << 24)
#define GUEST_RIGHT_PATH_REMOVE_DIRECTORY (UINT64_C(1) << 25)
#define GUEST_RIGHT_PATH_UNLINK_FILE (UINT64_C(1) << 26)
#define GUEST_RIGHT_POLL_FD_READWRITE (UINT64_C(1) << 27)
#define GUEST_RIGHT_SOCK_SHUTDOWN (UINT64_C(1) << 28)
#define GUEST_RIGHT_SOCK_ACCEPT (UINT64_C(1) << 29)
#define GUEST_RIGHTS_ALL ((UINT64_C(1) << 30) - 1)

/* Types of files, as WASI numbers them. */
typedef enum guest_filetype {
    GUEST_FILETYPE_UNKNOWN = 0,
    GUEST_FILETYPE_CHARACTER_DEVICE = 2,
    GUEST_FILETYPE_DIRECTORY = 3,
    GUEST_FILETYPE_REGULAR_FILE = 4,
    GUEST_FILETYPE_SYMBOLIC_LINK = 7,
} guest_filetype;

/* Flags of a descriptor, as WASI numbers them. */
enum {
    GUEST_FDFLAG_APPEND = 1,
    GUEST_FDFLAG_DSYNC = 2,
    GUEST_FDFLAG_NONBLOCK = 4,
    GUEST_FDFLAG_RSYNC = 8,
    GUEST_FDFLAG_SYNC = 16,
};
#define GUEST_FDFLAGS_ALL 0x1f

/* Flags of opening, as WASI numbers them. */
enum {
    GUEST_OFLAG_CREAT = 1,
    GUEST_OFLAG_DIRECTORY = 2,
    GUEST_OFLAG_EXCL = 4,
    GUEST_OFLAG_TRUNC = 8
};
#define GUEST_OFLAGS_ALL 0xf

/* Bytes of a path with its NUL, as Linux has it; WASI's have none, and are counted as if. */
#define GUEST_PATH_MAX 4096

#define GUEST_CWD (-100) /* as a place's fd, with is_posix */

/* A path, and where it begins. */
typedef struct guest_place {
    int64_t fd;       /* a directory's descriptor, or GUEST_CWD */
    beamr_bytes path; /* in C's memory: a guest can't change it meanwhile */
    bool is_posix;    /* absolute paths and ".." as for a process, no rights asked. Otherwise as
                         WASI: never above the descriptor's directory */
    bool follow;      /* a link as the last component */
} guest_place;

typedef struct guest_fdstat {
    guest_filetype type;
    uint16_t flags;
    guest_rights rights, inheriting;
} guest_fdstat;

typedef struct guest_filestat {
    uint64_t dev, ino;
    guest_filetype type;
    uint64_t nlink, size, atim, mtim, ctim;
} guest_filestat;

/* A piece of memory to be read into or written from. */
typedef struct guest_iovec {
    uint8_t *data;
    size_t len;
} guest_iovec;

/* ---- Descriptors. Errors of all: EBADF, ENOTCAPABLE (a right is missing) ---- */

guest_errno guest_fd_close(beamr_wasi *w, uint32_t fd);
/* Move onto another open number, which is closed first (WASI's fd_renumber). */
guest_errno guest_fd_renumber(beamr_wasi *w, uint32_t from, uint32_t to);
/* The smallest free number that is at least `least`, for the same open file description.
 * Errors: EMFILE. */
guest_errno guest_fd_dup(beamr_wasi *w, uint32_t fd, uint32_t least, uint32_t *out);
/* The same onto a given number, closed first if it is open.  Errors: EBADF (also a number
 * beyond the limit), EINVAL (equal). */
guest_errno guest_fd_dup3(beamr_wasi *w, uint32_t fd, uint32_t to);
guest_errno guest_fd_fdstat(beamr_wasi *w, uint32_t fd, guest_fdstat *out);
guest_errno guest_fd_set_flags(beamr_wasi *w, uint32_t fd, uint16_t flags);
/* Only fewer rights: otherwise ENOTCAPABLE. */
guest_errno guest_fd_set_rights(beamr_wasi *w, uint32_t fd, guest_rights rights,
                                guest_rights inheriting);
guest_errno guest_fd_prestat(beamr_wasi *w, uint32_t fd, beamr_bytes *name); /* EBADF if none */
guest_errno guest_fd_filestat(beamr_wasi *w, uint32_t fd, guest_filestat *out);
guest_errno guest_fd_resize(beamr_wasi *w, uint32_t fd, uint64_t size);
/* Extend to at least offset + len.  Errors: as writing. */
guest_errno guest_fd_allocate(beamr_wasi *w, uint32_t fd, uint64_t offset, uint64_t len);
guest_errno guest_fd_advise(beamr_wasi *w, uint32_t fd, uint64_t offset, uint64_t len,
                            uint8_t advice);
guest_errno guest_fd_sync(beamr_wasi *w, uint32_t fd, bool data_only);

/* Which times to set, and to what. */
typedef struct guest_times {
    bool set_atim, atim_now, set_mtim, mtim_now;
    uint64_t atim, mtim;
} guest_times;
guest_errno guest_fd_set_times(beamr_wasi *w, uint32_t fd, const guest_times *times);

/* Transfer in order, at the position, which moves; or, with `offset`, there. Reading is short
 * at the end of a file, and takes what a stream has.
 *   offset  NULL for the position
 *   total   bytes transferred
 * Errors: EBADF, ENOTCAPABLE, ESPIPE (offset, on a stream), EISDIR, EROFS, EFBIG, ENOSPC, EIO,
 * EPIPE, EINVAL, GUEST_EABORT. */
guest_errno guest_fd_read(beamr_wasi *w, uint32_t fd, const guest_iovec *iovs, size_t count,
                          const uint64_t *offset, uint64_t *total, beamr_error *err);
guest_errno guest_fd_write(beamr_wasi *w, uint32_t fd, const guest_iovec *iovs, size_t count,
                           const uint64_t *offset, uint64_t *total, beamr_error *err);
/* whence 0 set, 1 current, 2 end.  Errors: EINVAL (also a negative result), ESPIPE, EOVERFLOW.
 */
guest_errno guest_fd_seek(beamr_wasi *w, uint32_t fd, int64_t offset, unsigned whence,
                          uint64_t *out);

/* The next entry at or behind a cookie: 0 is ".", 1 "..", then the directory's own.
 *   name  borrowed until the file system changes
 *   next  the cookie to go on with
 *   *more false at the end, and nothing else is written */
guest_errno guest_fd_readdir(beamr_wasi *w, uint32_t fd, uint64_t cookie, beamr_bytes *name,
                             guest_filestat *stat, uint64_t *next, bool *more);
guest_errno guest_fd_chdir(beamr_wasi *w, uint32_t fd);

/* ---- Paths ---- */

typedef struct guest_open_options {
    uint16_t oflags, fdflags;
    guest_rights rights, inheriting; /* WASI: those asked for. POSIX: from the access mode */
} guest_open_options;

guest_errno guest_path_open(beamr_wasi *w, const guest_place *at, const guest_open_options *o,
                            uint32_t *fd);
guest_errno guest_path_filestat(beamr_wasi *w, const guest_place *at, guest_filestat *out);
guest_errno guest_path_set_times(beamr_wasi *w, const guest_place *at,
                                 const guest_times *times);
guest_errno guest_path_resize(beamr_wasi *w, const guest_place *at,
                              uint64_t size); /* POSIX only */
guest_errno guest_path_mkdir(beamr_wasi *w, const guest_place *at);
guest_errno guest_path_rmdir(beamr_wasi *w, const guest_place *at);
guest_errno guest_path_unlink(beamr_wasi *w, const guest_place *at);
guest_errno guest_path_rename(beamr_wasi *w, const guest_place *from, const guest_place *to);
guest_errno guest_path_link(beamr_wasi *w, const guest_place *from, const guest_place *to);
guest_errno guest_path_symlink(beamr_wasi *w, beamr_bytes target, const guest_place *at);
/* At most `size` bytes of the target, without a NUL.  Errors: EINVAL (no link). */
guest_errno guest_path_readlink(beamr_wasi *w, const guest_place *at, void *buf, size_t size,
                                size_t *used);
guest_errno guest_path_chdir(beamr_wasi *w, const guest_place *at);
/* The current directory's path.  Errors: ENOENT (removed), ERANGE. */
guest_errno guest_cwd(beamr_wasi *w, char *buf, size_t size, size_t *len);

/* ---- The rest ---- */

beamr_bytes guest_arg(const beamr_wasi *w, size_t i); /* without its NUL, which is there */
size_t guest_arg_count(const beamr_wasi *w);
beamr_bytes guest_env(const beamr_wasi *w, size_t i);
size_t guest_env_count(const beamr_wasi *w);

uint64_t guest_clock(beamr_wasi *w, beamr_clock clock);
uint64_t guest_clock_resolution(const beamr_wasi *w);
/* Does time pass only by waiting: the embedder gave neither a clock nor a way to wait? */
bool guest_clock_stands(const beamr_wasi *w);
/* Errors: GUEST_EABORT. */
guest_errno guest_wait(beamr_wasi *w, uint64_t ns, bool for_input, bool *has_input,
                       beamr_error *err);
/* Is descriptor fd a stream that can block for input? */
bool guest_fd_is_input(const beamr_wasi *w, uint32_t fd);
bool guest_fd_is_terminal(const beamr_wasi *w, uint32_t fd);
guest_errno guest_random(beamr_wasi *w, void *buf, size_t len, beamr_error *err);

/* Which doors' functions are answered later, as beamr_wasi_set_deferred has it. */
enum {
    GUEST_DEFER_PREVIEW1 = 1,
    GUEST_DEFER_UNSTABLE = 2,
    GUEST_DEFER_ENV = 4,
};
unsigned guest_deferred(const beamr_wasi *w);

/* Note the exit code.  Returns BEAMR_TRAP with EXIT in err. */
beamr_status guest_exit(beamr_wasi *w, uint32_t code, beamr_error *err);

/* What else belongs to the system's state as bytes: of Emscripten's side, which registers these
 * while it lives. */
typedef struct guest_extra {
    /* Equal states give equal bytes, to be released with free(); none at first: *out NULL.
     * Errors: BEAMR_NO_MEMORY. */
    beamr_status (*save)(void *user, BEAMR_OWN uint8_t **out, size_t *len, beamr_error *err);
    /* The last step of loading that can fail; then nothing has changed. len 0: as at first.
     * Errors: BEAMR_MALFORMED, BEAMR_LIMIT, BEAMR_NO_MEMORY. */
    beamr_status (*load)(void *user, beamr_bytes bytes, beamr_error *err);
    void *user;
} guest_extra;
/*   extra  copied; NULL for none */
void guest_set_extra(beamr_wasi *w, const guest_extra *extra);

#endif
