/* stat, statfs and utimensat through env, in each of their layouts. */
#include "env_fixture.h"

enum { SECOND = 1000000000 };

/* Where the fields are, by dialect and width; written out from the C declarations. */
typedef struct expected {
    int size, mode, links, uid, bytes, block_size, blocks, times, ino, time_size;
} expected;

static const expected layouts[3][2] = {
    [GUEST_ENV_CURRENT] = {{96, 4, 8, 12, 24, 32, 36, 40, 88, 16},
                           {104, 4, 8, 16, 32, 40, 44, 48, 96, 16}},
    [GUEST_ENV_MIDDLE] = {{112, 12, 16, 20, 40, 48, 52, 56, 104, 16},
                          {120, 16, 24, 32, 48, 56, 60, 64, 112, 16}},
    [GUEST_ENV_OLD] = {{88, 12, 16, 20, 40, 48, 52, 56, 80, 8},
                       {128, 16, 24, 32, 48, 56, 64, 72, 120, 16}},
};

/* A file of 1,000 bytes with known times. */
static int64_t make_known_file(fixture *f, const char *path)
{
    int64_t fd = make_file(f, path, "");
    guest_times times = {.set_atim = true,
                         .atim = 5ull * SECOND + 6,
                         .set_mtim = true,
                         .mtim = 7ull * SECOND + 8};

    assert_int_equal(DO("__syscall_ftruncate64", fd, 1000), 0);
    assert_int_equal(guest_fd_set_times(f->wasi, (uint32_t)fd, &times), 0);
    return fd;
}

static void check_stat(fixture *f, uint64_t mode, uint64_t size)
{
    const expected *e = &layouts[f->call.dialect][f->call.is64];
    size_t half = (size_t)e->time_size / 2;

    assert_int_equal(get_number(f, (uint64_t)(DATA + e->mode), 4), mode);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->links), word_of(f)), 1);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->uid), 8), 0);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->bytes), 8), size);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->block_size), 4), 4096);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->blocks), 4), (size + 511) / 512);
    assert_int_not_equal(get_number(f, (uint64_t)(DATA + e->ino), 8), 0);
    assert_int_equal(get_number(f, (uint64_t)(DATA + e->size), 1), 0xee); /* not written */
    if (size != 1000)
        return;
    for (size_t i = 0; i < 2; i++) {
        uint64_t at = (uint64_t)(DATA + e->times) + i * (size_t)e->time_size;

        assert_int_equal(get_number(f, at, half), 5 + 2 * i);
        assert_int_equal(get_number(f, at + half, half), 6 + 2 * i);
    }
}

EACH_WIDTH(stat_has_the_layout_of_the_modules_version)
{
    int64_t fd = make_known_file(f, "a");

    assert_int_equal(DO("__syscall_symlink", T("a"), T2("link")), 0);
    for (unsigned dialect = 0; dialect < 3; dialect++) {
        f->call.dialect = dialect;
        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_fstat64", fd, DATA), 0);
        check_stat(f, 0100644, 1000);
        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_stat64", T("link"), DATA), 0);
        check_stat(f, 0100644, 1000);
        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_lstat64", T("link"), DATA), 0);
        check_stat(f, 0120777, 1);
        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_newfstatat", HERE, T("/"), DATA, 0), 0);
        check_stat(f, 0040755, 0);
        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_fstat64", 1, DATA), 0);
        check_stat(f, 0020666, 0);
    }
}

static void old_modules_with_64_bits_pass_everything_as_pointers(void **state)
{
    fixture opened = open_env(true), *f = &opened;

    (void)state;
    f->call.dialect = GUEST_ENV_OLD;
    (void)make_known_file(f, "a");
    memset(memory_at(f, DATA), 0xee, 200);
    assert_int_equal(DO_TYPED("__syscall_fstatat64", "PPPP:P", HERE, T("a"), DATA, 0), 0);
    check_stat(f, 0100644, 1000);
    assert_errno(DO_TYPED("__syscall_openat", "PPPP:P", HERE, T("none"), 0, ARGS), NOENT);
    assert_errno(DO_TYPED("__syscall_dup", "P:P", -1), BADF);
    close_env(f);
}

EACH_WIDTH(stat_refuses_with_the_errno)
{
    int64_t fd = make_known_file(f, "a");
    int64_t size = layouts[0][f->call.is64].size;

    assert_errno(DO("__syscall_fstat64", 99, DATA), BADF);
    assert_errno(DO("__syscall_fstat64", fd, MEMORY - size + 1), FAULT);
    assert_int_equal(DO("__syscall_fstat64", fd, MEMORY - size), 0);
    assert_errno(DO("__syscall_stat64", T("none"), DATA), NOENT);
    assert_errno(DO("__syscall_stat64", T("a/b"), DATA), NOTDIR);
    assert_errno(DO("__syscall_stat64", T("a/"), DATA), NOTDIR);
    assert_errno(DO("__syscall_stat64", T("a"), MEMORY), FAULT);
    assert_errno(DO("__syscall_stat64", MEMORY, DATA), FAULT);
    assert_errno(DO("__syscall_lstat64", T(""), DATA), NOENT);
}

EACH_WIDTH(newfstatat_knows_its_flags)
{
    int64_t fd = make_known_file(f, "a"), dir = open_at(f, "/", 0);

    memset(memory_at(f, DATA), 0xee, 200);
    assert_int_equal(DO("__syscall_newfstatat", dir, T("a"), DATA, 0x800), 0);
    check_stat(f, 0100644, 1000);
    memset(memory_at(f, DATA), 0xee, 200);
    assert_int_equal(DO("__syscall_newfstatat", fd, T(""), DATA, 0x1000), 0);
    check_stat(f, 0100644, 1000);
    memset(memory_at(f, DATA), 0xee, 200);
    assert_int_equal(DO("__syscall_newfstatat", HERE, T(""), DATA, 0x1000), 0);
    check_stat(f, 0040755, 0);
    assert_errno(DO("__syscall_newfstatat", HERE, T(""), DATA, 0), NOENT);
    assert_errno(DO("__syscall_newfstatat", HERE, T("a"), DATA, 1), INVAL);
    assert_errno(DO("__syscall_newfstatat", fd, T("a"), DATA, 0), NOTDIR);
    assert_int_equal(DO("__syscall_symlink", T("a"), T2("l")), 0);
    memset(memory_at(f, DATA), 0xee, 200);
    assert_int_equal(DO("__syscall_fstatat64", HERE, T("l"), DATA, 0x100), 0);
    check_stat(f, 0120777, 1);
}

/* ---- statfs ---- */

EACH_WIDTH(statfs_counts_by_the_size_that_is_passed)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    bool is64 = f->call.is64;
    int64_t sizes[2] = {is64 ? 104 : 64, is64 ? 120 : 88};

    for (size_t i = 0; i < 2; i++) {
        uint64_t width = i ? 8 : 4, at = DATA + 2 * word_of(f);

        memset(memory_at(f, DATA), 0xee, 200);
        assert_int_equal(DO("__syscall_statfs64", T("/"), sizes[i], DATA), 0);
        assert_int_equal(get_number(f, DATA + word_of(f), word_of(f)), 4096);
        assert_int_equal(get_number(f, at, width), limits.max_bytes / 4096);
        assert_int_equal(get_number(f, at + 3 * width, width), limits.max_nodes);
        assert_int_equal(get_number(f, at + 4 * width, width), limits.max_nodes - 1);
        /* the length of names: behind five counts and an id */
        at = (at + 5 * width + 8 + word_of(f) - 1) & ~(uint64_t)(word_of(f) - 1);
        assert_int_equal(get_number(f, at, word_of(f)), limits.max_name);
        assert_int_equal(get_number(f, (uint64_t)(DATA + sizes[i]), 1), 0xee);
    }
    assert_errno(DO("__syscall_statfs64", T("/"), 50, DATA), INVAL);
    assert_errno(DO("__syscall_statfs64", T("none"), sizes[0], DATA), NOENT);
    assert_errno(DO("__syscall_statfs64", T("/"), sizes[0], MEMORY), FAULT);
    assert_int_equal(DO("__syscall_fstatfs64", 1, sizes[1], DATA), 0);
    assert_errno(DO("__syscall_fstatfs64", 99, sizes[1], DATA), BADF);
}

/* ---- utimensat ---- */

static void put_times(fixture *f, int64_t sec, int64_t ns, int64_t sec2, int64_t ns2)
{
    size_t half = f->call.dialect == GUEST_ENV_OLD && !f->call.is64 ? 4 : 8;

    put_number(f, DATA, half, (uint64_t)sec);
    put_number(f, DATA + half, f->call.is64 ? 8 : 4, (uint64_t)ns);
    put_number(f, DATA + 2 * half, half, (uint64_t)sec2);
    put_number(f, DATA + 3 * half, f->call.is64 ? 8 : 4, (uint64_t)ns2);
}

static void check_times(fixture *f, int64_t fd, uint64_t accessed, uint64_t modified)
{
    guest_filestat stat;

    assert_int_equal(guest_fd_filestat(f->wasi, (uint32_t)fd, &stat), 0);
    assert_int_equal(stat.atim, accessed);
    assert_int_equal(stat.mtim, modified);
}

EACH_WIDTH(utimensat_sets_times_in_each_layout)
{
    int64_t fd = make_file(f, "a", "");

    for (unsigned dialect = 0; dialect < 3; dialect++) {
        f->call.dialect = dialect;
        put_times(f, 100 + dialect, 1, 200, 2);
        assert_int_equal(DO("__syscall_utimensat", HERE, T("a"), DATA, 0), 0);
        check_times(f, fd, (100ull + dialect) * SECOND + 1, 200ull * SECOND + 2);
    }
    f->call.dialect = 0;
    put_times(f, 1, 0x3ffffffe, 300, 3); /* leave the first */
    assert_int_equal(DO("__syscall_utimensat", HERE, T("a"), DATA, 0), 0);
    check_times(f, fd, 102ull * SECOND + 1, 300ull * SECOND + 3);
    put_times(f, 1, 0x3fffffff, 1, 0x3ffffffe); /* now, which is 0 */
    assert_int_equal(DO("__syscall_utimensat", fd, 0, DATA, 0), 0);
    check_times(f, fd, 0, 300ull * SECOND + 3);
    assert_int_equal(DO("__syscall_utimensat", fd, T(""), 0, 0x1000), 0);
    check_times(f, fd, 0, 0);
}

EACH_WIDTH(times_that_cannot_be_kept_become_the_nearest)
{
    int64_t fd = make_file(f, "a", "");

    put_times(f, -5, 1, INT64_MAX, 2);
    assert_int_equal(DO("__syscall_utimensat", HERE, T("a"), DATA, 0), 0);
    check_times(f, fd, 0, UINT64_MAX);
}

EACH_WIDTH(utimensat_refuses_with_the_errno)
{
    (void)make_file(f, "a", "");
    put_times(f, 1, SECOND, 1, 0);
    assert_errno(DO("__syscall_utimensat", HERE, T("a"), DATA, 0), INVAL);
    put_times(f, 1, 0, 1, -1);
    assert_errno(DO("__syscall_utimensat", HERE, T("a"), DATA, 0), INVAL);
    assert_errno(DO("__syscall_utimensat", HERE, T("a"), 0, 1), INVAL);
    assert_errno(DO("__syscall_utimensat", HERE, T("a"), MEMORY - 8, 0), FAULT);
    assert_errno(DO("__syscall_utimensat", HERE, T("none"), 0, 0), NOENT);
    assert_errno(DO("__syscall_utimensat", HERE, T(""), 0, 0), NOENT);
    assert_errno(DO("__syscall_utimensat", 99, 0, 0, 0), BADF);
    assert_errno(DO("__syscall_utimensat", HERE, MEMORY, 0, 0), FAULT);
    assert_int_equal(DO("__syscall_symlink", T("none"), T2("l")), 0);
    assert_errno(DO("__syscall_utimensat", HERE, T("l"), 0, 0), NOENT);
    assert_int_equal(DO("__syscall_utimensat", HERE, T("l"), 0, 0x100), 0);
}

EACH_WIDTH(utimes_takes_microseconds)
{
    int64_t fd = make_file(f, "a", "");

    f->call.dialect = GUEST_ENV_OLD;
    put_times(f, 5, 6, 7, 8);
    assert_int_equal(DO("utimes", T("a"), DATA), 0);
    check_times(f, fd, 5ull * SECOND + 6000, 7ull * SECOND + 8000);
    put_times(f, 5, 1000000, 7, 8);
    assert_int_equal(DO("utimes", T("a"), DATA), -1);
    assert_int_equal(DO("utimes", T("none"), DATA), -1);
    assert_int_equal(DO("utimes", T("a"), 0), 0);
    check_times(f, fd, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_has_the_layout_of_the_modules_version),
        cmocka_unit_test(old_modules_with_64_bits_pass_everything_as_pointers),
        cmocka_unit_test(stat_refuses_with_the_errno),
        cmocka_unit_test(newfstatat_knows_its_flags),
        cmocka_unit_test(statfs_counts_by_the_size_that_is_passed),
        cmocka_unit_test(utimensat_sets_times_in_each_layout),
        cmocka_unit_test(times_that_cannot_be_kept_become_the_nearest),
        cmocka_unit_test(utimensat_refuses_with_the_errno),
        cmocka_unit_test(utimes_takes_microseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
