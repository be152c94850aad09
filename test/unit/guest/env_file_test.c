/* Files through env: opening, descriptors, flags, sizes, ioctl, stat. */
#include "env_fixture.h"

/* ---- Opening ---- */

EACH_WIDTH(open_makes_truncates_and_refuses)
{
    int64_t fd = open_at(f, "a", OPEN_BOTH | OPEN_CREATE);

    assert_true(fd > 2);
    assert_errno(open_at(f, "none", 0), NOENT);
    assert_errno(open_at(f, "", 0), NOENT);
    assert_errno(open_at(f, "a", OPEN_CREATE | OPEN_EXCLUSIVE), EXIST);
    assert_errno(open_at(f, "a/b", 0), NOTDIR);
    assert_errno(open_at(f, "a", OPEN_DIRECTORY), NOTDIR);
    assert_errno(open_at(f, "/", OPEN_WRITE), ISDIR);
    assert_errno(open_at(f, "b", OPEN_CREATE | OPEN_DIRECTORY), INVAL);
    assert_errno(open_at(f, "/", 0x410000 | OPEN_WRITE), NOTSUP); /* O_TMPFILE */
    assert_errno(DO("__syscall_openat", HERE, MEMORY, 0, ARGS), FAULT);
    assert_errno(DO("__syscall_openat", 99, T("a"), 0, ARGS), BADF);
    (void)make_file(f, "c", "content");
    assert_int_equal(size_of_file(f, open_at(f, "c", OPEN_WRITE)), 7);
    assert_int_equal(size_of_file(f, open_at(f, "c", OPEN_WRITE | OPEN_TRUNCATE)), 0);
    assert_true(DO("__syscall_open", T("c"), 0, ARGS) > 2);
}

EACH_WIDTH(open_looks_at_links_as_asked)
{
    assert_int_equal(DO("__syscall_symlink", T("made"), T2("link")), 0);
    assert_errno(open_at(f, "link", 0), NOENT);
    assert_errno(open_at(f, "link", OPEN_NOFOLLOW), LOOP);
    assert_errno(open_at(f, "link", OPEN_CREATE | OPEN_EXCLUSIVE), EXIST);
    assert_true(open_at(f, "link", OPEN_CREATE | OPEN_WRITE) > 2);
    assert_true(open_at(f, "made", 0) > 2);
}

/* As Linux judges it: before it looks what has the name. */
EACH_WIDTH(no_file_is_made_by_a_name_with_a_slash_behind)
{
    (void)make_file(f, "file", "");
    assert_int_equal(DO("__syscall_mkdir", T("dir"), 0), 0);
    assert_int_equal(DO("__syscall_symlink", T("none"), T2("dangling")), 0);
    assert_int_equal(DO("__syscall_symlink", T("file/"), T2("slashed")), 0);
    assert_errno(open_at(f, "new/", OPEN_CREATE), ISDIR);
    assert_errno(open_at(f, "file/", OPEN_CREATE), ISDIR);
    assert_errno(open_at(f, "dangling/", OPEN_CREATE), ISDIR);
    assert_errno(open_at(f, "slashed", OPEN_CREATE), ISDIR);
    assert_errno(open_at(f, "dir/", OPEN_CREATE | OPEN_EXCLUSIVE), ISDIR);
    assert_errno(open_at(f, "dir", OPEN_CREATE | OPEN_EXCLUSIVE), EXIST);
    assert_errno(open_at(f, "dir/./", OPEN_CREATE | OPEN_EXCLUSIVE), EXIST);
    assert_errno(open_at(f, "none/new/", OPEN_CREATE), NOENT);
    assert_errno(open_at(f, "file/new/", OPEN_CREATE), NOTDIR);
    assert_errno(open_at(f, "file/", 0), NOTDIR);
    assert_errno(open_at(f, "slashed", 0), NOTDIR);
    assert_true(open_at(f, "dir/", 0) > 2);
}

EACH_WIDTH(the_smallest_free_descriptor_is_given)
{
    int64_t a = open_at(f, "/", 0), b = open_at(f, "/", 0);

    assert_int_equal(b, a + 1);
    assert_int_equal(DO("__syscall_close", a), 0);
    assert_errno(DO("__syscall_close", a), BADF);
    assert_int_equal(open_at(f, "/", 0), a);
}

EACH_WIDTH(streams_can_be_opened_by_name)
{
    int64_t fd = open_at(f, "/dev/stdout", OPEN_WRITE);
    guest_fdstat stat;

    assert_true(fd > 2);
    assert_int_equal(guest_fd_fdstat(f->wasi, (uint32_t)fd, &stat), 0);
    assert_int_equal(stat.type, GUEST_FILETYPE_CHARACTER_DEVICE);
    assert_errno(open_at(f, "/dev/null", 0), NOENT);
}

static void a_limit_on_descriptors_is_emfile(void **state)
{
    beamr_wasi_options o = {.max_open = 5};
    fixture opened = open_env_with(true, &o), *f = &opened;

    (void)state;
    assert_int_equal(open_at(f, "/", 0), 4);
    assert_errno(open_at(f, "/", 0), MFILE);
    assert_errno(DO("__syscall_dup", 0), MFILE);
    close_env(f);
}

static void a_read_only_tree_is_erofs(void **state)
{
    beamr_preopen root = {.path = "/", .is_read_only = true};
    beamr_vfs *vfs = NULL;
    beamr_wasi_options o = {.preopens = &root, .preopen_count = 1};
    fixture opened, *f = &opened;

    (void)state;
    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_write(vfs, beamr_bytes_of("a"), beamr_bytes_of("text"), NULL),
                     BEAMR_OK);
    o.vfs = vfs;
    opened = open_env_with(false, &o);
    assert_errno(open_at(f, "b", OPEN_CREATE | OPEN_WRITE), ROFS);
    assert_errno(open_at(f, "a", OPEN_WRITE), ROFS);
    assert_true(open_at(f, "a", 0) > 2);
    assert_errno(DO("__syscall_mkdirat", HERE, T("d"), 0), ROFS);
    assert_errno(DO("__syscall_truncate64", T("a"), 0), ROFS);
    assert_errno(DO("__syscall_utimensat", HERE, T("a"), 0, 0), ROFS);
    close_env(f);
    beamr_vfs_unref(vfs);
}

/* ---- Descriptors ---- */

EACH_WIDTH(dup_shares_the_position)
{
    int64_t fd = make_file(f, "a", "text"), copy = DO("__syscall_dup", fd);
    uint64_t at;

    assert_true(copy > fd);
    assert_int_equal(guest_fd_seek(f->wasi, (uint32_t)copy, 0, 1, &at), 0);
    assert_int_equal(at, 4);
    assert_int_equal(DO("__syscall_dup3", fd, 20, 0), 20);
    assert_int_equal(DO("__syscall_dup3", fd, 20, 0x80000), 20);
    assert_errno(DO("__syscall_dup3", fd, fd, 0), INVAL);
    assert_errno(DO("__syscall_dup3", fd, 20, 1), INVAL);
    assert_errno(DO("__syscall_dup3", 99, 20, 0), BADF);
    assert_errno(DO("__syscall_dup3", fd, -1, 0), BADF);
    assert_errno(DO("__syscall_dup3", fd, 1 << 30, 0), BADF);
    assert_errno(DO("__syscall_dup", 99), BADF);
    assert_int_equal(DO("__syscall_dup2", fd, fd), fd);
    assert_errno(DO("__syscall_dup2", 99, 99), BADF);
    assert_int_equal(DO("__syscall_dup2", fd, 30), 30);
}

EACH_WIDTH(fcntl_tells_and_sets_flags)
{
    int64_t fd = open_at(f, "a", OPEN_BOTH | OPEN_CREATE | OPEN_APPEND);
    int64_t reads = open_at(f, "a", 0), writes = open_at(f, "a", OPEN_WRITE);

    assert_int_equal(DO("__syscall_fcntl64", fd, 3, ARGS), OPEN_BOTH | OPEN_APPEND);
    assert_int_equal(DO("__syscall_fcntl64", reads, 3, ARGS), 0);
    assert_int_equal(DO("__syscall_fcntl64", writes, 3, ARGS), OPEN_WRITE);
    assert_int_equal(DO("__syscall_fcntl64", open_at(f, "/", 0), 3, ARGS), 0);
    put_number(f, ARGS, 4, OPEN_NONBLOCK | OPEN_TRUNCATE);
    assert_int_equal(DO("__syscall_fcntl64", fd, 4, ARGS), 0);
    assert_int_equal(DO("__syscall_fcntl64", fd, 3, ARGS), OPEN_BOTH | OPEN_NONBLOCK);
    assert_errno(DO("__syscall_fcntl64", fd, 4, MEMORY), FAULT);
    assert_int_equal(DO("__syscall_fcntl64", fd, 1, 0), 0);
    assert_int_equal(DO("__syscall_fcntl64", fd, 2, ARGS), 0);
    assert_errno(DO("__syscall_fcntl64", fd, 99, ARGS), INVAL);
    assert_errno(DO("__syscall_fcntl64", 99, 3, ARGS), BADF);
}

EACH_WIDTH(fcntl_duplicates_from_a_minimum)
{
    put_number(f, ARGS, 4, 40);
    assert_int_equal(DO("__syscall_fcntl64", 1, 0, ARGS), 40);
    assert_int_equal(DO("__syscall_fcntl64", 1, 1030, ARGS), 41);
    put_number(f, ARGS, 4, (uint64_t)-1);
    assert_errno(DO("__syscall_fcntl64", 1, 0, ARGS), INVAL);
    put_number(f, ARGS, 4, 1 << 30);
    assert_errno(DO("__syscall_fcntl64", 1, 0, ARGS), INVAL);
}

EACH_WIDTH(locks_are_always_free)
{
    int64_t fd = make_file(f, "a", "");

    put_number(f, ARGS, word_of(f), DATA);
    put_number(f, DATA, 2, 1);
    assert_int_equal(DO("__syscall_fcntl64", fd, f->call.is64 ? 5 : 12, ARGS), 0);
    assert_int_equal(get_number(f, DATA, 2), 2);
    assert_int_equal(DO("__syscall_fcntl64", fd, f->call.is64 ? 6 : 13, ARGS), 0);
    assert_int_equal(DO("__syscall_fcntl64", fd, f->call.is64 ? 7 : 14, ARGS), 0);
    put_number(f, ARGS, word_of(f), MEMORY);
    assert_errno(DO("__syscall_fcntl64", fd, 5, ARGS), FAULT);
}

/* ---- Sizes ---- */

EACH_WIDTH(truncate_cuts_and_extends)
{
    int64_t fd = make_file(f, "a", "text");

    assert_int_equal(DO_TYPED("__syscall_ftruncate64", "il:i", fd, 2), 0);
    assert_int_equal(size_of_file(f, fd), 2);
    assert_int_equal(DO_TYPED("__syscall_ftruncate64", "iii:i", fd, 100, 0), 0);
    assert_int_equal(size_of_file(f, fd), 100);
    assert_errno(DO_TYPED("__syscall_ftruncate64", "iii:i", fd, 100, 100), FBIG);
    assert_errno(DO_TYPED("__syscall_ftruncate64", "iii:i", fd, -1, -1), INVAL);
    assert_errno(DO_TYPED("__syscall_ftruncate64", "il:i", fd, INT64_MAX), FBIG);
    assert_errno(DO("__syscall_ftruncate64", 99, 0), BADF);
    assert_errno(DO("__syscall_ftruncate64", open_at(f, "a", 0), 0), INVAL);
    assert_errno(DO("__syscall_ftruncate64", open_at(f, "/", 0), 0), INVAL);
    assert_errno(DO("__syscall_ftruncate64", 1, 0), INVAL);
    assert_int_equal(DO_TYPED("__syscall_truncate64", "Pl:i", T("a"), 3), 0);
    assert_int_equal(DO_TYPED("__syscall_truncate64", "Pii:i", T("a"), 5, 0), 0);
    assert_int_equal(size_of_file(f, fd), 5);
    assert_errno(DO("__syscall_truncate64", T("none"), 3), NOENT);
    assert_errno(DO("__syscall_truncate64", T("/"), 3), ISDIR);
    assert_errno(DO("__syscall_truncate64", T("a"), -1), INVAL);
    assert_errno(DO("__syscall_truncate64", MEMORY, 3), FAULT);
}

EACH_WIDTH(the_oldest_modules_leave_a_place_free_before_64_bits)
{
    int64_t fd = make_file(f, "a", "text");

    assert_int_equal(DO("__sys_ftruncate64", fd, 77, 2, 0), 0);
    assert_int_equal(size_of_file(f, fd), 2);
    assert_int_equal(DO("__sys_truncate64", T("a"), 77, 3, 0), 0);
    assert_int_equal(size_of_file(f, fd), 3);
    assert_true(DO("__sys_open", T("a"), 0, ARGS) > 2);
}

EACH_WIDTH(fallocate_only_extends)
{
    int64_t fd = make_file(f, "a", "text");

    assert_int_equal(DO_TYPED("__syscall_fallocate", "iill:i", fd, 0, 0, 2), 0);
    assert_int_equal(size_of_file(f, fd), 4);
    assert_int_equal(DO_TYPED("__syscall_fallocate", "iiiiii:i", fd, 0, 8, 0, 8, 0), 0);
    assert_int_equal(size_of_file(f, fd), 16);
    assert_errno(DO("__syscall_fallocate", fd, 1, 0, 2), NOTSUP);
    assert_errno(DO("__syscall_fallocate", fd, 0, -1, 2), INVAL);
    assert_errno(DO("__syscall_fallocate", fd, 0, 0, 0), INVAL);
    assert_errno(DO("__syscall_fallocate", fd, 0, INT64_MAX, 2), FBIG);
    assert_errno(DO("__syscall_fallocate", open_at(f, "a", 0), 0, 0, 2), BADF);
    assert_errno(DO("__syscall_fallocate", 1, 0, 0, 2), SPIPE);
    assert_errno(DO("__syscall_fallocate", 99, 0, 0, 2), BADF);
}

EACH_WIDTH(advice_and_syncing_check_the_descriptor)
{
    int64_t fd = make_file(f, "a", "text");

    assert_int_equal(DO_TYPED("__syscall_fadvise64", "illi:i", fd, 0, 0, 1), 0);
    assert_int_equal(DO_TYPED("__syscall_fadvise64", "iiiiii:i", fd, 0, 0, 0, 0, 1), 0);
    assert_int_equal(DO("__syscall_fadvise64_64", fd, 0, 0, 0, 0, 1), 0);
    assert_errno(DO("__syscall_fadvise64", fd, 0, 0, 9), INVAL);
    assert_errno(DO("__syscall_fadvise64", fd, 0, -1, 0), INVAL);
    assert_errno(DO("__syscall_fadvise64", 1, 0, 0, 1), SPIPE);
    assert_errno(DO("__syscall_fadvise64", 99, 0, 0, 1), BADF);
    assert_int_equal(DO("__syscall_fdatasync", fd), 0);
    assert_int_equal(DO("__syscall_fsync", open_at(f, "/", 0)), 0);
    assert_errno(DO("__syscall_fdatasync", 1), INVAL);
    assert_errno(DO("__syscall_fsync", 99), BADF);
}

/* ---- ioctl ---- */

EACH_WIDTH(ioctl_counts_what_is_left_of_a_file)
{
    int64_t fd = make_file(f, "a", "content");
    uint64_t at;

    put_number(f, ARGS, word_of(f), DATA);
    assert_int_equal(guest_fd_seek(f->wasi, (uint32_t)fd, 2, 0, &at), 0);
    assert_int_equal(DO("__syscall_ioctl", fd, 0x541b, ARGS), 0);
    assert_int_equal(get_number(f, DATA, 4), 5);
    assert_int_equal(guest_fd_seek(f->wasi, (uint32_t)fd, 20, 0, &at), 0);
    assert_int_equal(DO("__syscall_ioctl", fd, 0x541b, ARGS), 0);
    assert_int_equal(get_number(f, DATA, 4), 0);
    assert_errno(DO("__syscall_ioctl", open_at(f, "/", 0), 0x541b, ARGS), NOTTY);
    assert_errno(DO("__syscall_ioctl", fd, 0x5413, ARGS), NOTTY);
    assert_errno(DO("__syscall_ioctl", 1, 0x5401, ARGS), NOTTY);
    assert_errno(DO("__syscall_ioctl", 99, 0x541b, ARGS), BADF);
    assert_errno(DO("__syscall_ioctl", fd, 0x541b, MEMORY), FAULT);
    put_number(f, ARGS, word_of(f), MEMORY);
    assert_errno(DO("__syscall_ioctl", fd, 0x541b, ARGS), FAULT);
    put_number(f, ARGS, word_of(f), DATA);
    put_number(f, DATA, 4, 1);
    assert_int_equal(DO("__syscall_ioctl", fd, 0x5421, ARGS), 0);
    assert_int_equal(DO("__syscall_fcntl64", fd, 3, ARGS), OPEN_BOTH | OPEN_NONBLOCK);
}

static void a_terminal_has_a_size_and_settings(void **state)
{
    beamr_wasi_options o = {.out = {.is_terminal = true}};
    fixture opened = open_env_with(true, &o), *f = &opened;

    (void)state;
    put_number(f, ARGS, 8, DATA);
    assert_int_equal(DO("__syscall_ioctl", 1, 0x5413, ARGS), 0);
    assert_int_equal(get_number(f, DATA, 2), 24);
    assert_int_equal(get_number(f, DATA + 2, 2), 80);
    assert_int_equal(DO("__syscall_ioctl", 1, 0x5401, ARGS), 0);
    assert_int_equal(get_number(f, DATA + 12, 4) & 0xa, 0xa); /* lines, with echo */
    assert_int_equal(DO("__syscall_ioctl", 1, 0x5402, ARGS), 0);
    assert_int_equal(DO("__syscall_ioctl", 1, 0x540f, ARGS), 0);
    assert_int_equal(get_number(f, DATA, 4), 42);
    assert_errno(DO("__syscall_ioctl", 1, 0x1234, ARGS), INVAL);
    assert_errno(DO("__syscall_ioctl", 0, 0x5413, ARGS), NOTTY);
    close_env(f);
}

/* ---- What is not kept ---- */

EACH_WIDTH(modes_and_owners_are_accepted_for_what_is_there)
{
    int64_t fd = make_file(f, "a", "");

    assert_int_equal(DO("__syscall_chmod", T("a"), 0600), 0);
    assert_errno(DO("__syscall_chmod", T("none"), 0600), NOENT);
    assert_errno(DO("__syscall_chmod", MEMORY, 0600), FAULT);
    assert_int_equal(DO("__syscall_fchmod", fd, 0600), 0);
    assert_errno(DO("__syscall_fchmod", 99, 0600), BADF);
    assert_int_equal(DO_TYPED("__syscall_fchmodat", "iPiP:i", HERE, T("a"), 0600, ARGS), 0);
    assert_int_equal(DO("__syscall_fchmodat2", HERE, T("a"), 0600, 0x100), 0);
    assert_errno(DO("__syscall_fchmodat2", HERE, T("a"), 0600, 1), INVAL);
    assert_int_equal(DO("__syscall_fchown32", fd, 1, 1), 0);
    assert_int_equal(DO("__syscall_fchownat", HERE, T("a"), 1, 1, 0), 0);
    assert_int_equal(DO("__syscall_fchownat", fd, T(""), 1, 1, 0x1000), 0);
    assert_errno(DO("__syscall_fchownat", 99, T(""), 1, 1, 0x1000), BADF);
    assert_errno(DO("__syscall_fchownat", fd, T(""), 1, 1, 0), NOTDIR);
    assert_int_equal(DO("__syscall_chown32", T("a"), 1, 1), 0);
    assert_int_equal(DO("__syscall_symlink", T("none"), T2("l")), 0);
    assert_int_equal(DO("__syscall_lchown32", T("l"), 1, 1), 0);
    assert_errno(DO("__syscall_chown32", T("l"), 1, 1), NOENT);
    assert_int_equal(DO("__syscall_umask", 077), 022);
}

EACH_WIDTH(access_asks_for_execution_only)
{
    (void)make_file(f, "a", "");
    assert_int_equal(DO("__syscall_faccessat", HERE, T("a"), 6, 0), 0);
    assert_errno(DO("__syscall_faccessat", HERE, T("a"), 1, 0), ACCES);
    assert_int_equal(DO("__syscall_faccessat", HERE, T("/"), 7, 0), 0);
    assert_errno(DO("__syscall_faccessat", HERE, T("a"), 8, 0), INVAL);
    assert_errno(DO("__syscall_faccessat", HERE, T("a"), 0, 1), INVAL);
    assert_errno(DO("__syscall_faccessat", HERE, T("none"), 0, 0), NOENT);
    assert_errno(DO("__syscall_faccessat", HERE, T(""), 0, 0), NOENT);
    assert_int_equal(DO("__syscall_faccessat", HERE, T(""), 0, 0x1000), 0);
    assert_errno(DO("__syscall_faccessat", HERE, MEMORY, 0, 0), FAULT);
    assert_int_equal(DO("__syscall_access", T("a"), 4), 0);
    assert_errno(DO("__syscall_access", T("none"), 4), NOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_makes_truncates_and_refuses),
        cmocka_unit_test(open_looks_at_links_as_asked),
        cmocka_unit_test(no_file_is_made_by_a_name_with_a_slash_behind),
        cmocka_unit_test(the_smallest_free_descriptor_is_given),
        cmocka_unit_test(streams_can_be_opened_by_name),
        cmocka_unit_test(a_limit_on_descriptors_is_emfile),
        cmocka_unit_test(a_read_only_tree_is_erofs),
        cmocka_unit_test(dup_shares_the_position),
        cmocka_unit_test(fcntl_tells_and_sets_flags),
        cmocka_unit_test(fcntl_duplicates_from_a_minimum),
        cmocka_unit_test(locks_are_always_free),
        cmocka_unit_test(truncate_cuts_and_extends),
        cmocka_unit_test(the_oldest_modules_leave_a_place_free_before_64_bits),
        cmocka_unit_test(fallocate_only_extends),
        cmocka_unit_test(advice_and_syncing_check_the_descriptor),
        cmocka_unit_test(ioctl_counts_what_is_left_of_a_file),
        cmocka_unit_test(a_terminal_has_a_size_and_settings),
        cmocka_unit_test(modes_and_owners_are_accepted_for_what_is_there),
        cmocka_unit_test(access_asks_for_execution_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
