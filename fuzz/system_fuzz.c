/* Fuzz target: a system's state from any bytes, and going on from there. An input is a count,
 * so many calls of two bytes, and the state. What is refused changes nothing; what is taken is
 * written again as the same bytes, and after the calls it still can be saved and loaded. */
#include "fuzz.h"

#include <string.h>

#include "guest/system.h"

typedef struct state {
    uint8_t *data;
    size_t len;
} state;

static beamr_wasi *new_system(void)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_preopen preopens[] = {{.path = "/"}, {.path = "/", .is_read_only = true}};
    beamr_wasi_options o = {.preopens = preopens, .preopen_count = 2, .max_open = 40};
    beamr_wasi *w = NULL;

    limits.max_bytes = 1u << 24; /* so that writing it again is quick */
    FUZZ_CHECK(beamr_vfs_new(&limits, &o.vfs, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_wasi_new(&o, &w, NULL) == BEAMR_OK);
    beamr_vfs_unref(o.vfs);
    return w;
}

static state save(const beamr_wasi *w)
{
    state s = {NULL, 0};

    FUZZ_CHECK(beamr_wasi_save(w, &s.data, &s.len, NULL) == BEAMR_OK);
    return s;
}

static void check_saves(const beamr_wasi *w, beamr_bytes want)
{
    state s = save(w);

    FUZZ_CHECK(s.len == want.len && memcmp(s.data, want.data, s.len) == 0);
    free(s.data);
}

/* ---- Calls ---- */

static void open_one(beamr_wasi *w, uint32_t fd, unsigned variant)
{
    static const char *const paths[] = {"a", "a/b", ".", "../a", "/a", "l", "a/", "b"};
    guest_place at = {.fd = fd,
                      .path = beamr_bytes_of(paths[variant & 7]),
                      .is_posix = variant & 8,
                      .follow = variant & 16};
    guest_open_options o = {.oflags = (uint16_t)(variant >> 5),
                            .rights = variant & 1 ? GUEST_RIGHT_FD_WRITE : GUEST_RIGHT_FD_READ,
                            .inheriting = 0};
    uint32_t out;
    guest_filestat stat;

    if (guest_path_open(w, &at, &o, &out) == GUEST_ESUCCESS)
        FUZZ_CHECK(guest_fd_filestat(w, out, &stat) != GUEST_EBADF);
}

static void path_one(beamr_wasi *w, uint32_t fd, unsigned variant)
{
    guest_place a = {.fd = fd, .path = beamr_bytes_of(variant & 8 ? "a" : "b")},
                l = {.fd = fd, .path = beamr_bytes_of("l"), .is_posix = variant & 16};

    switch (variant & 7) {
    case 0:
        (void)guest_path_mkdir(w, &a);
        break;
    case 1:
        (void)guest_path_rmdir(w, &a);
        break;
    case 2:
        (void)guest_path_unlink(w, &a);
        break;
    case 3:
        (void)guest_path_rename(w, &a, &l);
        break;
    case 4:
        (void)guest_path_link(w, &a, &l);
        break;
    case 5:
        (void)guest_path_symlink(w, beamr_bytes_of("a"), &l);
        break;
    case 6:
        (void)guest_path_chdir(w, &l);
        break;
    default:
        (void)guest_path_resize(w, &a, 5000);
    }
}

static void transfer_one(beamr_wasi *w, uint32_t fd, unsigned variant)
{
    uint8_t buf[300] = {0};
    guest_iovec iovs[] = {{buf, variant}, {NULL, 0}, {buf, 30}};
    uint64_t total, offset = variant * 7;
    const uint64_t *at = variant & 1 ? &offset : NULL;

    if (variant & 2)
        (void)guest_fd_write(w, fd, iovs, 3, at, &total, NULL);
    else
        (void)guest_fd_read(w, fd, iovs, 3, at, &total, NULL);
    (void)guest_fd_seek(w, fd, (int64_t)variant - 100, variant % 4, &total);
}

static void list_one(beamr_wasi *w, uint32_t fd)
{
    beamr_bytes name;
    guest_filestat stat;
    uint64_t cookie = 0;
    bool more = true;

    for (unsigned i = 0; i < 100 && more; i++)
        if (guest_fd_readdir(w, fd, cookie, &name, &stat, &cookie, &more) != GUEST_ESUCCESS)
            return;
}

static void call_one(beamr_wasi *w, uint8_t what, uint8_t variant)
{
    uint32_t fd = what >> 3, out;
    guest_times times = {.set_mtim = true, .mtim = variant, .atim_now = true};

    switch (what & 7) {
    case 0:
        open_one(w, fd, variant);
        break;
    case 1:
        path_one(w, fd, variant);
        break;
    case 2:
        transfer_one(w, fd, variant);
        break;
    case 3:
        list_one(w, fd);
        break;
    case 4:
        (void)guest_fd_close(w, fd);
        break;
    case 5:
        (void)(variant & 1 ? guest_fd_renumber(w, fd, variant >> 1)
                           : guest_fd_dup3(w, fd, variant >> 1));
        break;
    case 6:
        (void)guest_fd_dup(w, fd, variant >> 2, &out);
        (void)guest_fd_set_flags(w, fd, variant & 31);
        break;
    default:
        (void)guest_fd_set_times(w, fd, &times);
        (void)guest_fd_resize(w, fd, variant);
        (void)guest_fd_chdir(w, fd);
    }
}

/* ---- States ---- */

static void go_on(beamr_wasi *w, const uint8_t *calls, size_t count)
{
    beamr_wasi *other = new_system();
    state s;

    for (size_t i = 0; i < count; i++)
        call_one(w, calls[2 * i], calls[2 * i + 1]);
    s = save(w);
    FUZZ_CHECK(beamr_wasi_load(other, (beamr_bytes){s.data, s.len}, NULL) == BEAMR_OK);
    check_saves(other, (beamr_bytes){s.data, s.len});
    free(s.data);
    beamr_wasi_unref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t calls = size ? data[0] : 0;
    beamr_wasi *w = new_system();
    state before = save(w);
    beamr_error err = {0};
    beamr_bytes bytes;
    beamr_status st;

    if (1 + 2 * calls > size)
        calls = 0;
    bytes.data = size ? data + 1 + 2 * calls : data;
    bytes.len = size ? size - 1 - 2 * calls : 0;
    st = beamr_wasi_load(w, bytes, &err);
    if (st == BEAMR_OK) {
        check_saves(w, bytes);
    } else {
        FUZZ_CHECK(st == BEAMR_MALFORMED || st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY);
        FUZZ_CHECK(err.status == st && err.text[0] && err.offset <= bytes.len);
        check_saves(w, (beamr_bytes){before.data, before.len});
    }
    go_on(w, data + (size > 0), calls);
    free(before.data);
    beamr_wasi_unref(w);
    return 0;
}
