/* What a system allows: each right for its operations, and preopened directories that are
 * read-only. */
#include "system_fixture.h"

/* ---- Rights ---- */

static guest_errno do_open(beamr_wasi *w)
{
    return open_error(w, at("f"), 0, 0);
}
static guest_errno do_create(beamr_wasi *w)
{
    return open_error(w, at("f"), GUEST_OFLAG_CREAT, 0);
}
static guest_errno do_truncate(beamr_wasi *w)
{
    return open_error(w, at("f"), GUEST_OFLAG_TRUNC, 0);
}
static guest_errno do_filestat(beamr_wasi *w)
{
    return stat_error(w, at("f"));
}
static guest_errno do_times(beamr_wasi *w)
{
    guest_place p = at("f");
    guest_times t = {.mtim_now = true};

    return guest_path_set_times(w, &p, &t);
}
static guest_errno do_mkdir(beamr_wasi *w)
{
    guest_place p = at("new");

    return guest_path_mkdir(w, &p);
}
static guest_errno do_rmdir(beamr_wasi *w)
{
    guest_place p = at("d");

    return guest_path_rmdir(w, &p);
}
static guest_errno do_unlink(beamr_wasi *w)
{
    guest_place p = at("f");

    return guest_path_unlink(w, &p);
}
static guest_errno do_rename(beamr_wasi *w)
{
    guest_place from = at("f"), to = at("new");

    return guest_path_rename(w, &from, &to);
}
static guest_errno do_link(beamr_wasi *w)
{
    guest_place from = at("f"), to = at("new");

    return guest_path_link(w, &from, &to);
}
static guest_errno do_symlink(beamr_wasi *w)
{
    return symlink_at(w, "f", at("new"));
}
static guest_errno do_readlink(beamr_wasi *w)
{
    guest_place p = at("l");
    char buf[4];
    size_t used;

    return guest_path_readlink(w, &p, buf, sizeof buf, &used);
}

/* What each operation needs of the directory, and whether it changes anything. */
static const struct path_call {
    guest_rights rights;
    guest_errno (*call)(beamr_wasi *w);
    bool is_change;
} path_calls[] = {
    {GUEST_RIGHT_PATH_OPEN, do_open, false},
    {GUEST_RIGHT_PATH_OPEN | GUEST_RIGHT_PATH_CREATE_FILE, do_create, false},
    {GUEST_RIGHT_PATH_OPEN | GUEST_RIGHT_PATH_FILESTAT_SET_SIZE, do_truncate, true},
    {GUEST_RIGHT_PATH_FILESTAT_GET, do_filestat, false},
    {GUEST_RIGHT_PATH_FILESTAT_SET_TIMES, do_times, true},
    {GUEST_RIGHT_PATH_CREATE_DIRECTORY, do_mkdir, true},
    {GUEST_RIGHT_PATH_REMOVE_DIRECTORY, do_rmdir, true},
    {GUEST_RIGHT_PATH_UNLINK_FILE, do_unlink, true},
    {GUEST_RIGHT_PATH_RENAME_SOURCE | GUEST_RIGHT_PATH_RENAME_TARGET, do_rename, true},
    {GUEST_RIGHT_PATH_LINK_SOURCE | GUEST_RIGHT_PATH_LINK_TARGET, do_link, true},
    {GUEST_RIGHT_PATH_SYMLINK, do_symlink, true},
    {GUEST_RIGHT_PATH_READLINK, do_readlink, false},
};
enum { PATH_CALLS = sizeof path_calls / sizeof *path_calls };

/* What the calls above work on; its root has a file, a directory and a link. */
static beamr_vfs *small_tree(void)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_write(vfs, beamr_bytes_of("f"), beamr_bytes_of("text"), NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(vfs, beamr_bytes_of("d"), false, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_symlink(vfs, beamr_bytes_of("f"), beamr_bytes_of("l"), NULL),
                     BEAMR_OK);
    return vfs;
}

static beamr_wasi *small_system(bool is_read_only)
{
    beamr_preopen root = {.path = "/", .is_read_only = is_read_only};
    beamr_wasi_options o = {.vfs = small_tree(), .preopens = &root, .preopen_count = 1};
    beamr_wasi *w = new_system(&o);

    beamr_vfs_unref(o.vfs);
    return w;
}

static void each_operation_needs_its_rights_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATH_CALLS; i++) {
        guest_rights rights = path_calls[i].rights;
        beamr_wasi *w = small_system(false);

        assert_int_equal(guest_fd_set_rights(w, ROOT, rights, 0), OK);
        assert_int_equal(path_calls[i].call(w), OK);
        beamr_wasi_unref(w);
        for (guest_rights bit = 1; bit <= rights; bit <<= 1) {
            if (!(rights & bit))
                continue;
            w = small_system(false);
            assert_int_equal(drop_rights(w, ROOT, bit, 0), OK);
            assert_int_equal(path_calls[i].call(w), GUEST_ENOTCAPABLE);
            beamr_wasi_unref(w);
        }
        w = small_system(false);
        assert_int_equal(guest_fd_close(w, ROOT), OK);
        assert_int_equal(path_calls[i].call(w), GUEST_EBADF);
        beamr_wasi_unref(w);
    }
}

/* ---- Read-only ---- */

static void a_read_only_preopen_can_only_be_read(void **state)
{
    beamr_wasi *w = small_system(true);
    uint32_t fd;
    guest_times t = {.mtim_now = true};

    (void)state;
    for (size_t i = 0; i < PATH_CALLS; i++)
        assert_int_equal(path_calls[i].call(w), path_calls[i].is_change ? GUEST_EROFS : OK);
    assert_int_equal(open_error(w, at("new"), GUEST_OFLAG_CREAT, 0), GUEST_EROFS);
    assert_int_equal(open_error(w, at("f"), 0, WRITE), GUEST_EROFS);
    assert_int_equal(open_error(w, posix("f"), 0, WRITE), GUEST_EROFS);
    assert_int_equal(open_error(w, posix("/new"), GUEST_OFLAG_CREAT, 0), GUEST_EROFS);
    fd = opened(w, at("f"), 0, GUEST_RIGHTS_ALL & ~WRITE);
    assert_int_equal(guest_fd_resize(w, fd, 0), GUEST_EROFS);
    assert_int_equal(guest_fd_allocate(w, fd, 0, 100), GUEST_EROFS);
    assert_int_equal(guest_fd_set_times(w, fd, &t), GUEST_EROFS);
    assert_reads(w, fd, "text");
    /* What is opened through it is as read-only. */
    fd = open_directory(w, "d");
    assert_int_equal(open_error(w, at_fd(fd, "new"), GUEST_OFLAG_CREAT, 0), GUEST_EROFS);
    assert_int_equal(guest_fd_set_times(w, fd, &t), GUEST_EROFS);
    beamr_wasi_unref(w);
}

static void the_nearest_preopen_decides(void **state)
{
    beamr_preopen preopens[] = {
        {.path = "/"}, {.path = "/ro", .is_read_only = true}, {.path = "/ro/rw"}};
    beamr_wasi_options o = {.preopens = preopens, .preopen_count = 3};
    beamr_wasi *w;
    guest_place file = at("ro/f"), here = at("here"), ro = at("ro"), d = posix("/ro/d");

    (void)state;
    assert_int_equal(beamr_vfs_new(NULL, &o.vfs, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(o.vfs, beamr_bytes_of("ro/rw"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_write(o.vfs, beamr_bytes_of("ro/f"), (beamr_bytes){0}, NULL),
                     BEAMR_OK);
    w = new_system(&o);
    beamr_vfs_unref(o.vfs);
    assert_int_equal(open_error(w, at("new"), GUEST_OFLAG_CREAT, WRITE), OK);
    assert_int_equal(open_error(w, at("ro/new"), GUEST_OFLAG_CREAT, WRITE), GUEST_EROFS);
    assert_int_equal(open_error(w, posix("/ro/f"), 0, WRITE), GUEST_EROFS);
    assert_int_equal(open_error(w, posix("/ro/f"), 0, READ), OK);
    assert_int_equal(open_error(w, at("ro/rw/new"), GUEST_OFLAG_CREAT, WRITE), OK);
    assert_int_equal(open_error(w, at_fd(4, "rw/x"), GUEST_OFLAG_CREAT, WRITE), OK);
    assert_int_equal(open_error(w, at_fd(5, "y"), GUEST_OFLAG_CREAT, WRITE), OK);
    assert_int_equal(open_error(w, posix("/ro/rw/z"), GUEST_OFLAG_CREAT, WRITE), OK);
    assert_int_equal(guest_path_rename(w, &file, &here), GUEST_EROFS);
    assert_int_equal(guest_path_link(w, &file, &here), GUEST_EROFS);
    assert_int_equal(guest_path_link(w, &here, &file), GUEST_ENOENT);
    assert_int_equal(guest_path_mkdir(w, &d), GUEST_EROFS);
    assert_int_equal(guest_path_rmdir(w, &ro), GUEST_EBUSY);
    assert_int_equal(symlink_at(w, "ro/f", at("to_f")), OK);
    assert_int_equal(open_error(w, followed(at("to_f")), 0, WRITE), GUEST_EROFS);
    beamr_wasi_unref(w);
}

/* Else a guest could put a directory of its own where others look for what it can't change. */
static void what_is_read_only_stays_where_it_is(void **state)
{
    beamr_preopen preopens[] = {{.path = "/"}, {.path = "/a/ro", .is_read_only = true}};
    beamr_wasi_options o = {.preopens = preopens, .preopen_count = 2};
    guest_place ro = at("a/ro"), a = at("a"), new = at("new"), all = posix("/a");
    beamr_wasi *w;

    (void)state;
    assert_int_equal(beamr_vfs_new(NULL, &o.vfs, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(o.vfs, beamr_bytes_of("a/ro"), true, NULL), BEAMR_OK);
    w = new_system(&o);
    beamr_vfs_unref(o.vfs);
    assert_int_equal(guest_path_mkdir(w, &new), OK);
    assert_int_equal(guest_path_rmdir(w, &ro), GUEST_EBUSY);
    assert_int_equal(guest_path_rename(w, &new, &ro), GUEST_EBUSY);
    new = at("newer");
    assert_int_equal(guest_path_rename(w, &ro, &new), GUEST_EBUSY);
    assert_int_equal(guest_path_rename(w, &a, &new), GUEST_EBUSY);
    new = posix("/newer");
    assert_int_equal(guest_path_rename(w, &all, &new), GUEST_EBUSY);
    a = at("new");
    assert_int_equal(guest_path_rename(w, &a, &new), OK);
    beamr_wasi_unref(w);
}

static void a_process_may_leave_a_read_only_preopen(void **state)
{
    beamr_preopen ro = {.path = "d", .is_read_only = true};
    beamr_wasi_options o = {.vfs = small_tree(), .preopens = &ro, .preopen_count = 1};
    beamr_wasi *w = new_system(&o);
    guest_place out = {.fd = ROOT, .path = beamr_bytes_of("../out"), .is_posix = true},
                in = out;

    (void)state;
    beamr_vfs_unref(o.vfs);
    in.path = beamr_bytes_of("in");
    assert_int_equal(guest_path_mkdir(w, &out), OK);
    assert_int_equal(guest_path_mkdir(w, &in), GUEST_EROFS);
    assert_int_equal(mkdir_at(w, posix("d/in")), GUEST_EROFS);
    assert_int_equal(mkdir_at(w, at("in")), GUEST_EROFS);
    beamr_wasi_unref(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_needs_its_rights_and_no_other),
        cmocka_unit_test(a_read_only_preopen_can_only_be_read),
        cmocka_unit_test(the_nearest_preopen_decides),
        cmocka_unit_test(what_is_read_only_stays_where_it_is),
        cmocka_unit_test(a_process_may_leave_a_read_only_preopen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
