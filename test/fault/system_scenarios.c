/* The system behind WASI and Emscripten: making one, opening and duplicating, saving and
 * loading. What fails has changed nothing: the state as bytes tells. */
#include "scenario.h"

#include <stdlib.h>

#include "guest/system.h"

static beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static beamr_status status_of(guest_errno e, beamr_error *err)
{
    if (e == GUEST_ESUCCESS)
        return BEAMR_OK;
    return beamr_fail(err, e == GUEST_ENOMEM ? BEAMR_NO_MEMORY : BEAMR_ARGUMENT, 0, "%s",
                      guest_errno_text(e));
}

static saved save(const beamr_wasi *wasi)
{
    saved s = {NULL, 0};

    assert_int_equal(beamr_wasi_save(wasi, &s.data, &s.len, NULL), BEAMR_OK);
    return s;
}

static void answer_system(const beamr_wasi *wasi, answer *a)
{
    saved s;

    fault_pause();
    s = save(wasi);
    answer_bytes(a, s.data, s.len);
    free(s.data);
    fault_resume();
}

static void check_unchanged(world *w)
{
    saved now = save(w->wasi);

    assert_int_equal(now.len, w->before.len);
    assert_memory_equal(now.data, w->before.data, now.len);
    free(now.data);
}

/* An id may have been spent on a file that could not be made, so the bytes may differ. */
static void check_not_made(world *w)
{
    guest_place p = {.fd = 3, .path = b("new")};
    guest_filestat stat;
    guest_fdstat fdstat;

    assert_int_equal(guest_path_filestat(w->wasi, &p, &stat), GUEST_ENOENT);
    assert_int_equal(guest_fd_fdstat(w->wasi, 8, &fdstat), GUEST_EBADF);
    assert_int_equal(beamr_vfs_nodes(beamr_wasi_vfs(w->wasi)), 3);
}

/* ---- Making ---- */

static void open_nothing(world *w)
{
    (void)w;
}

static beamr_status make(world *w, answer *a, beamr_error *err)
{
    const char *args[] = {"program", "argument"}, *env[] = {"NAME=value"};
    beamr_preopen preopens[] = {{.path = "/"}, {.path = "/", .name = "again"}};
    beamr_wasi_options o = {.args = args,
                            .arg_count = 2,
                            .env = env,
                            .env_count = 1,
                            .preopens = preopens,
                            .preopen_count = 2};
    beamr_wasi *wasi = NULL;
    beamr_status st = beamr_wasi_new(&o, &wasi, err);

    (void)w;
    if (st == BEAMR_OK)
        answer_system(wasi, a);
    beamr_wasi_unref(wasi);
    return st;
}

/* ---- Descriptors ---- */

/* Open at the root; returns the status. */
static beamr_status open_at_root(beamr_wasi *wasi, const char *path, uint16_t oflags,
                                 beamr_error *err)
{
    guest_place p = {.fd = 3, .path = b(path)};
    guest_open_options o = {.oflags = oflags,
                            .rights = GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_WRITE};
    uint32_t fd;

    return status_of(guest_path_open(wasi, &p, &o, &fd), err);
}

/* A system whose table of descriptors is just full, some of them without a name. */
static void open_system(world *w)
{
    guest_place gone = {.fd = 3, .path = b("gone")};

    assert_int_equal(beamr_wasi_new(NULL, &w->wasi, NULL), BEAMR_OK);
    for (unsigned i = 4; i < 8; i++)
        assert_int_equal(
            open_at_root(w->wasi, i % 2 ? "gone" : "file", GUEST_OFLAG_CREAT, NULL), BEAMR_OK);
    assert_int_equal(guest_path_unlink(w->wasi, &gone), GUEST_ESUCCESS);
    w->before = save(w->wasi);
}

static beamr_status open_new(world *w, answer *a, beamr_error *err)
{
    beamr_status st = open_at_root(w->wasi, "new", GUEST_OFLAG_CREAT, err);
    saved s = {NULL, 0};

    if (st != BEAMR_OK)
        return st;
    fault_pause();
    assert_int_equal(beamr_vfs_save(beamr_wasi_vfs(w->wasi), &s.data, &s.len, NULL), BEAMR_OK);
    answer_bytes(a, s.data, s.len);
    free(s.data);
    fault_resume();
    return BEAMR_OK;
}

static beamr_status duplicate(world *w, answer *a, beamr_error *err)
{
    uint32_t fd;
    beamr_status st = status_of(guest_fd_dup(w->wasi, 5, 0, &fd), err);

    if (st == BEAMR_OK)
        answer_system(w->wasi, a);
    return st;
}

static beamr_status duplicate_far(world *w, answer *a, beamr_error *err)
{
    beamr_status st = status_of(guest_fd_dup3(w->wasi, 5, 500), err);

    if (st == BEAMR_OK)
        answer_system(w->wasi, a);
    return st;
}

static beamr_status write_piece(world *w, answer *a, beamr_error *err)
{
    static uint8_t bytes[100000];
    guest_iovec v = {bytes, sizeof bytes};
    uint64_t total;
    beamr_status st = status_of(guest_fd_write(w->wasi, 4, &v, 1, NULL, &total, err), err);

    if (st == BEAMR_OK)
        answer_system(w->wasi, a);
    return st;
}

/* ---- The state ---- */

static beamr_status save_all(world *w, answer *a, beamr_error *err)
{
    saved s = {NULL, 0};
    beamr_status st = beamr_wasi_save(w->wasi, &s.data, &s.len, err);

    if (st == BEAMR_OK)
        answer_bytes(a, s.data, s.len);
    free(s.data);
    return st;
}

/* A state to be loaded into another system, which has files open too. */
static void open_load(world *w)
{
    beamr_wasi *wasi = NULL;

    open_system(w);
    w->snapshot = w->before;
    assert_int_equal(beamr_wasi_new(NULL, &wasi, NULL), BEAMR_OK);
    beamr_wasi_unref(w->wasi);
    w->wasi = wasi;
    assert_int_equal(open_at_root(wasi, "its own", GUEST_OFLAG_CREAT, NULL), BEAMR_OK);
    w->before = save(wasi);
}

static beamr_status load_all(world *w, answer *a, beamr_error *err)
{
    beamr_status st =
        beamr_wasi_load(w->wasi, (beamr_bytes){w->snapshot.data, w->snapshot.len}, err);

    if (st == BEAMR_OK)
        answer_system(w->wasi, a);
    return st;
}

#define SYSTEM(operation, opens) .name = "system: " operation, .open = opens
#define SAFE .check = check_unchanged
#define ONCE .is_once = true

const scenario system_scenarios[] = {
    {SYSTEM("make", open_nothing), .run = make},
    {SYSTEM("open a new file", open_system), .run = open_new, .check = check_not_made,
     .without = FAULT_REALLOC, /* its path is remembered, or looked for when it is asked for */
     ONCE},
    {SYSTEM("duplicate", open_system), .run = duplicate, SAFE, ONCE},
    {SYSTEM("duplicate far away", open_system), .run = duplicate_far, SAFE},
    {SYSTEM("write to a file", open_system), .run = write_piece, SAFE, ONCE},
    {SYSTEM("save", open_system), .run = save_all, SAFE},
    {SYSTEM("load", open_load), .run = load_all, SAFE},
    {0},
};
