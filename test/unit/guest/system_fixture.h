/* A system for tests, and its calls in short: places by descriptor and path, transfer of texts.
 */
#ifndef TEST_UNIT_SYSTEM_FIXTURE_H
#define TEST_UNIT_SYSTEM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest/system.h"

#define OK GUEST_ESUCCESS
#define READ GUEST_RIGHT_FD_READ
#define WRITE GUEST_RIGHT_FD_WRITE
#define ROOT 3 /* the descriptor of the first preopened directory */

static inline beamr_wasi *new_system(const beamr_wasi_options *options)
{
    beamr_wasi *w = NULL;
    beamr_error err = {0};

    if (beamr_wasi_new(options, &w, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return w;
}

/* ---- Places ---- */

/* As WASI's functions take them; from a directory's descriptor. */
static inline guest_place at_fd(uint32_t fd, const char *path)
{
    return (guest_place){.fd = fd, .path = beamr_bytes_of(path)};
}
static inline guest_place at(const char *path)
{
    return at_fd(ROOT, path);
}
static inline guest_place followed(guest_place p)
{
    p.follow = true;
    return p;
}
/* As Emscripten's: from the current directory, following links. */
static inline guest_place posix(const char *path)
{
    return (guest_place){
        .fd = GUEST_CWD, .path = beamr_bytes_of(path), .is_posix = true, .follow = true};
}
static inline guest_place not_followed(guest_place p)
{
    p.follow = false;
    return p;
}

/* ---- Opening ---- */

static inline guest_errno open_as(beamr_wasi *w, guest_place p, unsigned oflags,
                                  guest_rights rights, unsigned fdflags, uint32_t *fd)
{
    guest_open_options o = {.oflags = (uint16_t)oflags,
                            .fdflags = (uint16_t)fdflags,
                            .rights = rights,
                            .inheriting = p.is_posix ? 0 : rights};

    return guest_path_open(w, &p, &o, fd);
}

#define ALL_OF_FILES (GUEST_RIGHTS_ALL & ~GUEST_RIGHT_FD_READDIR)

/* Open, or fail the test. */
static inline uint32_t opened(beamr_wasi *w, guest_place p, unsigned oflags,
                              guest_rights rights)
{
    uint32_t fd = UINT32_MAX;

    assert_int_equal(open_as(w, p, oflags, rights, 0, &fd), OK);
    return fd;
}
static inline guest_errno open_error(beamr_wasi *w, guest_place p, unsigned oflags,
                                     guest_rights rights)
{
    uint32_t fd = UINT32_MAX;
    guest_errno e = open_as(w, p, oflags, rights, 0, &fd);

    if (e == OK)
        assert_int_equal(guest_fd_close(w, fd), OK);
    return e;
}
/* A file that can be read and written, made if it is not there. */
static inline uint32_t open_file_at(beamr_wasi *w, const char *path)
{
    return opened(w, at(path), GUEST_OFLAG_CREAT, ALL_OF_FILES);
}
static inline uint32_t open_directory(beamr_wasi *w, const char *path)
{
    guest_open_options o = {.oflags = GUEST_OFLAG_DIRECTORY,
                            .rights = GUEST_RIGHTS_ALL & ~WRITE,
                            .inheriting = GUEST_RIGHTS_ALL};
    guest_place p = at(path);
    uint32_t fd = UINT32_MAX;

    assert_int_equal(guest_path_open(w, &p, &o, &fd), OK);
    return fd;
}

/* ---- Transfer ---- */

static inline guest_errno write_at(beamr_wasi *w, uint32_t fd, const char *text,
                                   const uint64_t *offset, uint64_t *total)
{
    guest_iovec v = {(uint8_t *)(uintptr_t)text, strlen(text)};
    beamr_error err = {0};

    return guest_fd_write(w, fd, &v, 1, offset, total, &err);
}
static inline guest_errno write_error(beamr_wasi *w, uint32_t fd, const char *text)
{
    uint64_t total;

    return write_at(w, fd, text, NULL, &total);
}
/* Write all of a text, or fail the test. */
static inline void write_text(beamr_wasi *w, uint32_t fd, const char *text)
{
    uint64_t total = 0;

    assert_int_equal(write_at(w, fd, text, NULL, &total), OK);
    assert_int_equal(total, strlen(text));
}
static inline guest_errno read_at(beamr_wasi *w, uint32_t fd, char *buf, size_t size,
                                  const uint64_t *offset, uint64_t *total)
{
    guest_iovec v = {(uint8_t *)buf, size};
    beamr_error err = {0};

    return guest_fd_read(w, fd, &v, 1, offset, total, &err);
}
static inline guest_errno read_error(beamr_wasi *w, uint32_t fd)
{
    char buf[8];
    uint64_t total;

    return read_at(w, fd, buf, sizeof buf, NULL, &total);
}
/* What is read from the position on, at most 63 bytes, is this. */
static inline void assert_reads(beamr_wasi *w, uint32_t fd, const char *text)
{
    char buf[64] = {0};
    uint64_t total = 0;

    assert_int_equal(read_at(w, fd, buf, sizeof buf - 1, NULL, &total), OK);
    assert_int_equal(total, strlen(text));
    assert_string_equal(buf, text);
}
static inline uint64_t seek(beamr_wasi *w, uint32_t fd, int64_t offset, unsigned whence)
{
    uint64_t out = UINT64_MAX;

    assert_int_equal(guest_fd_seek(w, fd, offset, whence, &out), OK);
    return out;
}
static inline guest_errno seek_error(beamr_wasi *w, uint32_t fd, int64_t offset,
                                     unsigned whence)
{
    uint64_t out;

    return guest_fd_seek(w, fd, offset, whence, &out);
}

/* ---- Files by path ---- */

static inline void make_file(beamr_wasi *w, const char *path, const char *text)
{
    uint32_t fd = open_file_at(w, path);

    write_text(w, fd, text);
    assert_int_equal(guest_fd_close(w, fd), OK);
}
static inline void make_directory(beamr_wasi *w, const char *path)
{
    guest_place p = at(path);

    assert_int_equal(guest_path_mkdir(w, &p), OK);
}
static inline guest_errno symlink_at(beamr_wasi *w, const char *target, guest_place p)
{
    return guest_path_symlink(w, beamr_bytes_of(target), &p);
}
static inline guest_errno stat_error(beamr_wasi *w, guest_place p)
{
    guest_filestat s;

    return guest_path_filestat(w, &p, &s);
}
static inline guest_filestat stat_of(beamr_wasi *w, guest_place p)
{
    guest_filestat s = {0};

    assert_int_equal(guest_path_filestat(w, &p, &s), OK);
    return s;
}
static inline guest_errno drop_rights(beamr_wasi *w, uint32_t fd, guest_rights rights,
                                      guest_rights inheriting)
{
    guest_fdstat s;

    assert_int_equal(guest_fd_fdstat(w, fd, &s), OK);
    return guest_fd_set_rights(w, fd, s.rights & ~rights, s.inheriting & ~inheriting);
}

static inline guest_errno mkdir_at(beamr_wasi *w, guest_place p)
{
    return guest_path_mkdir(w, &p);
}

#endif
