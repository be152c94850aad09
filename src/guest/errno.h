/* Error numbers as WASI preview 1 defines them: what the file system, the system around it and
 * both doors to it speak among themselves; those that are never answered are left out.
 * Emscripten's C library uses the same numbers, negated. Source: WASI preview 1, "errno". */
#ifndef GUEST_ERRNO_H
#define GUEST_ERRNO_H

/*        id           number  text */
#define GUEST_ERRNO_MAP(X)                                                                     \
    X(SUCCESS, 0, "success")                                                                   \
    X(ACCES, 2, "permission denied")                                                           \
    X(AFNOSUPPORT, 5, "address family not supported")                                          \
    X(AGAIN, 6, "resource unavailable")                                                        \
    X(BADF, 8, "bad file descriptor")                                                          \
    X(BUSY, 10, "resource busy")                                                               \
    X(CHILD, 12, "no child processes")                                                         \
    X(EXIST, 20, "file exists")                                                                \
    X(FAULT, 21, "bad address")                                                                \
    X(FBIG, 22, "file too large")                                                              \
    X(ILSEQ, 25, "illegal byte sequence")                                                      \
    X(INVAL, 28, "invalid argument")                                                           \
    X(IO, 29, "input or output failed")                                                        \
    X(ISDIR, 31, "is a directory")                                                             \
    X(LOOP, 32, "too many levels of symbolic links")                                           \
    X(MFILE, 33, "too many open files")                                                        \
    X(MLINK, 34, "too many links")                                                             \
    X(NAMETOOLONG, 37, "name too long")                                                        \
    X(NODEV, 43, "no such device")                                                             \
    X(NOENT, 44, "no such file or directory")                                                  \
    X(NOMEM, 48, "out of memory")                                                              \
    X(NOSPC, 51, "no space left")                                                              \
    X(NOSYS, 52, "function not supported")                                                     \
    X(NOTDIR, 54, "not a directory")                                                           \
    X(NOTEMPTY, 55, "directory not empty")                                                     \
    X(NOTSOCK, 57, "not a socket")                                                             \
    X(NOTSUP, 58, "not supported")                                                             \
    X(NOTTY, 59, "not a terminal")                                                             \
    X(OVERFLOW, 61, "value too large")                                                         \
    X(PERM, 63, "operation not permitted")                                                     \
    X(PIPE, 64, "broken pipe")                                                                 \
    X(RANGE, 68, "result out of range")                                                        \
    X(ROFS, 69, "read-only file system")                                                       \
    X(SPIPE, 70, "illegal seek")                                                               \
    X(SRCH, 71, "no such process")                                                             \
    X(NOTCAPABLE, 76, "capabilities insufficient")

typedef enum guest_errno {
#define X(id, number, text) GUEST_E##id = number,
    GUEST_ERRNO_MAP(X)
#undef X
} guest_errno;

/* A static text; "unknown error" for other numbers. */
const char *guest_errno_text(guest_errno e);

#endif
