/* WASI's functions on descriptors: every errno that a guest's arguments can give, layouts, and
 * what programs rely on. Transfers are in wasi_io_test.c. */
#include "wasi_fixture.h"

/* What the tables below find open beside the root and the streams. */
enum { FILE_FD = 4, DIR_FD = 5, BARE_FILE_FD = 6, BARE_DIR_FD = 7, CLOSED = 99 };

static world *furnish(world *w)
{
    world_make(w, "file", "0123456789");
    assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of("dir"), false, NULL), BEAMR_OK);
    assert_int_equal(world_file(w, "file", 0, 0), FILE_FD);
    assert_int_equal(world_dir(w, "dir"), DIR_FD);
    assert_success(world_open_at(w, 3, "file", 0, 0, 0, 0));
    assert_success(world_open_at(w, 3, "dir", GUEST_OFLAG_DIRECTORY, 0, 0, 0));
    assert_int_equal(world_get(w, OUT, 4), BARE_DIR_FD);
    return w;
}

/* ---- Errors ---- */

static void a_closed_descriptor_is_EBADF(void **state)
{
    world *w = *state;

    world_iovec(w, 0, DATA, 1);
    WORLD_CASES(
        w, {"fd_advise", GUEST_EBADF, {CLOSED, 0, 0, 0}},
        {"fd_allocate", GUEST_EBADF, {CLOSED, 0, 1}}, {"fd_close", GUEST_EBADF, {CLOSED}},
        {"fd_datasync", GUEST_EBADF, {CLOSED}}, {"fd_fdstat_get", GUEST_EBADF, {CLOSED, OUT}},
        {"fd_fdstat_set_flags", GUEST_EBADF, {CLOSED, 0}},
        {"fd_fdstat_set_rights", GUEST_EBADF, {CLOSED, 0, 0}},
        {"fd_filestat_get", GUEST_EBADF, {CLOSED, OUT}},
        {"fd_filestat_set_size", GUEST_EBADF, {CLOSED, 0}},
        {"fd_filestat_set_times", GUEST_EBADF, {CLOSED, 0, 0, 1}},
        {"fd_pread", GUEST_EBADF, {CLOSED, IOVS, 1, 0, OUT}},
        {"fd_prestat_dir_name", GUEST_EBADF, {CLOSED, OUT, 1}},
        {"fd_prestat_get", GUEST_EBADF, {CLOSED, OUT}},
        {"fd_pwrite", GUEST_EBADF, {CLOSED, IOVS, 1, 0, OUT}},
        {"fd_read", GUEST_EBADF, {CLOSED, IOVS, 1, OUT}},
        {"fd_readdir", GUEST_EBADF, {CLOSED, DATA, 100, 0, OUT}},
        {"fd_readdir", GUEST_EBADF, {CLOSED, DATA, 0, 0, OUT}},
        {"fd_renumber", GUEST_EBADF, {CLOSED, 3}}, {"fd_renumber", GUEST_EBADF, {3, CLOSED}},
        {"fd_seek", GUEST_EBADF, {CLOSED, 0, 0, OUT}}, {"fd_sync", GUEST_EBADF, {CLOSED}},
        {"fd_tell", GUEST_EBADF, {CLOSED, OUT}},
        {"fd_write", GUEST_EBADF, {CLOSED, IOVS, 1, OUT}},
        {"fd_close", GUEST_EBADF, {UINT32_MAX}},
        {"fd_write", GUEST_EBADF, {UINT32_MAX, IOVS, 0, OUT}});
}

static void a_result_outside_of_memory_is_EFAULT(void **state)
{
    world *w = furnish(*state);
    uint64_t word = world_word(w);

    world_iovec(w, 0, DATA, 1);
    WORLD_CASES(w, {"fd_fdstat_get", GUEST_EFAULT, {FILE_FD, END - 23}},
                {"fd_filestat_get", GUEST_EFAULT, {FILE_FD, END - 63}},
                {"fd_pread", GUEST_EFAULT, {FILE_FD, IOVS, 1, 0, END - word + 1}},
                {"fd_pread", GUEST_EFAULT, {FILE_FD, END - 1, 1, 0, OUT}},
                {"fd_prestat_dir_name", GUEST_EFAULT, {3, END, 1}},
                {"fd_prestat_get", GUEST_EFAULT, {3, END - 2 * word + 1}},
                {"fd_pwrite", GUEST_EFAULT, {FILE_FD, IOVS, 1, 0, END}},
                {"fd_read", GUEST_EFAULT, {FILE_FD, IOVS, 1, END}},
                {"fd_read", GUEST_EFAULT, {FILE_FD, UINT32_MAX, 1, OUT}},
                {"fd_readdir", GUEST_EFAULT, {DIR_FD, END - 1, 2, 0, OUT}},
                {"fd_readdir", GUEST_EFAULT, {DIR_FD, DATA, 100, 0, END}},
                {"fd_seek", GUEST_EFAULT, {FILE_FD, 5, 0, END - 7}},
                {"fd_tell", GUEST_EFAULT, {FILE_FD, END - 7}},
                {"fd_write", GUEST_EFAULT, {FILE_FD, IOVS, 1, END}},
                {"fd_write", GUEST_EFAULT, {FILE_FD, END - 2 * word + 1, 1, OUT}});
    world_expect(w, "file", "0123456789");
    assert_success(CALL(w, fd_tell, FILE_FD, OUT)); /* nothing moved */
    assert_int_equal(world_get(w, OUT, 8), 0);
}

static void the_last_bytes_of_memory_are_good_for_results(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_fdstat_get, FILE_FD, END - 24));
    assert_success(CALL(w, fd_filestat_get, FILE_FD, END - 64));
    assert_success(CALL(w, fd_prestat_get, 3, END - 2 * world_word(w)));
    assert_success(CALL(w, fd_tell, FILE_FD, END - 8));
    assert_success(CALL(w, fd_write, FILE_FD, END, 0, END - world_word(w)));
}

static void pointers_of_64_bits_do_not_wrap(void **state)
{
    world *w = furnish(*state);

    if (!w->is64)
        return;
    world_iovec(w, 0, UINT64_MAX, 2);
    WORLD_CASES(w, {"fd_fdstat_get", GUEST_EFAULT, {FILE_FD, UINT64_MAX - 3}},
                {"fd_fdstat_get", GUEST_EFAULT, {FILE_FD, (UINT64_C(1) << 32) + OUT}},
                {"fd_read", GUEST_EFAULT, {FILE_FD, IOVS, 1, OUT}},
                {"fd_read", GUEST_EINVAL, {FILE_FD, IOVS, UINT64_C(1) << 60, OUT}},
                {"fd_prestat_dir_name", GUEST_EFAULT, {3, OUT, UINT64_MAX}},
                {"fd_readdir", GUEST_EFAULT, {DIR_FD, DATA, UINT64_MAX, 0, OUT}});
}

static void a_missing_right_is_ENOTCAPABLE(void **state)
{
    world *w = furnish(*state);

    world_iovec(w, 0, DATA, 1);
    WORLD_CASES(w, {"fd_advise", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 0, 0, 0}},
                {"fd_allocate", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 0, 1}},
                {"fd_datasync", GUEST_ENOTCAPABLE, {BARE_FILE_FD}},
                {"fd_fdstat_set_flags", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 0}},
                {"fd_fdstat_set_rights", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 2, 0}},
                {"fd_filestat_get", GUEST_ENOTCAPABLE, {BARE_FILE_FD, OUT}},
                {"fd_filestat_set_size", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 0}},
                {"fd_filestat_set_times", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 0, 0, 1}},
                {"fd_pread", GUEST_ENOTCAPABLE, {BARE_FILE_FD, IOVS, 1, 0, OUT}},
                {"fd_pwrite", GUEST_ENOTCAPABLE, {BARE_FILE_FD, IOVS, 1, 0, OUT}},
                {"fd_read", GUEST_ENOTCAPABLE, {BARE_FILE_FD, IOVS, 1, OUT}},
                {"fd_readdir", GUEST_ENOTCAPABLE, {BARE_DIR_FD, DATA, 100, 0, OUT}},
                {"fd_seek", GUEST_ENOTCAPABLE, {BARE_FILE_FD, 1, 0, OUT}},
                {"fd_sync", GUEST_ENOTCAPABLE, {BARE_FILE_FD}},
                {"fd_tell", GUEST_ENOTCAPABLE, {BARE_FILE_FD, OUT}},
                {"fd_write", GUEST_ENOTCAPABLE, {BARE_FILE_FD, IOVS, 1, OUT}});
    world_expect(w, "file", "0123456789");
}

static void numbers_without_a_meaning_are_EINVAL(void **state)
{
    world *w = furnish(*state);

    WORLD_CASES(w, {"fd_advise", GUEST_EINVAL, {FILE_FD, 0, 0, 6}},
                {"fd_fdstat_set_flags", GUEST_EINVAL, {FILE_FD, 32}},
                {"fd_fdstat_set_flags", GUEST_EINVAL, {FILE_FD, 0x10001}},
                {"fd_filestat_set_times", GUEST_EINVAL, {FILE_FD, 0, 0, 3}},
                {"fd_filestat_set_times", GUEST_EINVAL, {FILE_FD, 0, 0, 12}},
                {"fd_filestat_set_times", GUEST_EINVAL, {FILE_FD, 0, 0, 16}},
                {"fd_read", GUEST_EINVAL, {FILE_FD, IOVS, 1025, OUT}},
                {"fd_write", GUEST_EINVAL, {FILE_FD, IOVS, 1025, OUT}},
                {"fd_advise", GUEST_EINVAL, {FILE_FD, UINT64_MAX, 0, 0}},
                {"fd_filestat_set_size", GUEST_EINVAL, {FILE_FD, UINT64_MAX}},
                {"fd_allocate", GUEST_EINVAL, {FILE_FD, UINT64_MAX, 1}},
                {"fd_seek", GUEST_EINVAL, {FILE_FD, 0, 3, OUT}},
                {"fd_seek", GUEST_EINVAL, {FILE_FD, (uint64_t)-1, 0, OUT}},
                {"fd_seek", GUEST_EINVAL, {FILE_FD, (uint64_t)-11, 2, OUT}});
}

static void what_is_for_files_is_refused_on_directories(void **state)
{
    world *w = furnish(*state);

    world_iovec(w, 0, DATA, 1);
    WORLD_CASES(w, {"fd_allocate", GUEST_EISDIR, {DIR_FD, 0, 1}},
                {"fd_filestat_set_size", GUEST_EINVAL, {DIR_FD, 1}},
                {"fd_read", GUEST_EISDIR, {DIR_FD, IOVS, 1, OUT}},
                {"fd_pread", GUEST_EISDIR, {DIR_FD, IOVS, 1, 0, OUT}},
                {"fd_write", GUEST_EBADF, {DIR_FD, IOVS, 1, OUT}},
                {"fd_pwrite", GUEST_EBADF, {DIR_FD, IOVS, 1, 0, OUT}},
                {"fd_seek", GUEST_EISDIR, {DIR_FD, 0, 0, OUT}},
                {"fd_tell", GUEST_EISDIR, {DIR_FD, OUT}},
                {"fd_readdir", GUEST_ENOTDIR, {FILE_FD, DATA, 100, 0, OUT}},
                {"fd_readdir", GUEST_ENOTDIR, {0, DATA, 100, 0, OUT}});
}

static void what_is_for_files_is_refused_on_streams(void **state)
{
    world *w = *state;

    world_iovec(w, 0, DATA, 1);
    WORLD_CASES(
        w, {"fd_advise", GUEST_ESPIPE, {0, 0, 0, 0}}, {"fd_allocate", GUEST_ESPIPE, {1, 0, 1}},
        {"fd_filestat_set_size", GUEST_EINVAL, {1, 0}},
        {"fd_filestat_set_times", GUEST_ENOTCAPABLE, {1, 0, 0, 1}},
        {"fd_pread", GUEST_ESPIPE, {0, IOVS, 1, 0, OUT}},
        {"fd_pwrite", GUEST_ESPIPE, {1, IOVS, 1, 0, OUT}},
        {"fd_seek", GUEST_ESPIPE, {0, 0, 0, OUT}}, {"fd_seek", GUEST_ESPIPE, {1, 0, 1, OUT}},
        {"fd_tell", GUEST_ESPIPE, {2, OUT}}, {"fd_read", GUEST_ENOTCAPABLE, {1, IOVS, 1, OUT}},
        {"fd_write", GUEST_ENOTCAPABLE, {0, IOVS, 1, OUT}});
    assert_int_equal(w->output_len, 0);
}

static void a_read_only_preopen_gives_EROFS(void **state)
{
    static const beamr_preopen preopens[] = {{"/", "/", true}};
    world_options o = {.wasi = {.preopens = preopens, .preopen_count = 1}};
    world *w = world_open(*(const bool *)*state, &o);
    uint64_t rights = FILE_RIGHTS & ~GUEST_RIGHT_FD_WRITE;

    world_make(w, "file", "0123456789");
    assert_success(world_open_at(w, 3, "file", 0, rights, 0, 0));
    WORLD_CASES(w, {"fd_allocate", GUEST_EROFS, {4, 0, 20}},
                {"fd_filestat_set_size", GUEST_EROFS, {4, 0}},
                {"fd_filestat_set_times", GUEST_EROFS, {4, 0, 0, 5}});
    world_expect(w, "file", "0123456789");
    world_close(w);
}

/* ---- Layouts ---- */

static void fdstat_has_its_fields_where_WASI_says(void **state)
{
    world *w = furnish(*state);

    memset(world_at(w, OUT), 0xff, 32);
    assert_success(CALL(w, fd_fdstat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT, 1), GUEST_FILETYPE_REGULAR_FILE);
    assert_int_equal(world_get(w, OUT + 2, 2), 0);
    assert_int_equal(world_get(w, OUT + 8, 8), FILE_RIGHTS);
    assert_int_equal(world_get(w, OUT + 16, 8), 0);
    assert_int_equal(world_get(w, OUT + 24, 1), 0xff);
    assert_success(CALL(w, fd_fdstat_get, DIR_FD, OUT));
    assert_int_equal(world_get(w, OUT, 1), GUEST_FILETYPE_DIRECTORY);
    assert_int_equal(world_get(w, OUT + 16, 8), FILE_RIGHTS | DIR_RIGHTS);
    assert_success(CALL(w, fd_fdstat_get, 1, OUT));
    assert_int_equal(world_get(w, OUT, 1), GUEST_FILETYPE_CHARACTER_DEVICE);
}

static void filestat_has_its_fields_where_WASI_says(void **state)
{
    world *w = furnish(*state);
    beamr_vfs_stat stat;

    assert_int_equal(beamr_vfs_set_times(w->vfs, beamr_bytes_of("file"), true, 11, 22, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_vfs_stat_at(w->vfs, beamr_bytes_of("file"), true, &stat, NULL),
                     BEAMR_OK);
    memset(world_at(w, OUT), 0xff, 80);
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 8, 8), stat.id);
    assert_int_equal(world_get(w, OUT + 16, 8), GUEST_FILETYPE_REGULAR_FILE);
    assert_int_equal(world_get(w, OUT + 24, 8), 1);
    assert_int_equal(world_get(w, OUT + 32, 8), 10);
    assert_int_equal(world_get(w, OUT + 40, 8), 11);
    assert_int_equal(world_get(w, OUT + 48, 8), 22);
    assert_int_equal(world_get(w, OUT + 64, 1), 0xff);
    assert_success(CALL(w, fd_filestat_get, DIR_FD, OUT));
    assert_int_equal(world_get(w, OUT + 16, 1), GUEST_FILETYPE_DIRECTORY);
    assert_success(CALL(w, fd_filestat_get, 0, OUT));
    assert_int_equal(world_get(w, OUT + 16, 1), GUEST_FILETYPE_CHARACTER_DEVICE);
}

static void prestat_tells_the_name_of_a_preopen(void **state)
{
    static const beamr_preopen preopens[] = {{"/", "first", false}, {"/", NULL, true}};
    world_options o = {.wasi = {.preopens = preopens, .preopen_count = 2}};
    world *w = world_open(*(const bool *)*state, &o);
    uint64_t word = world_word(w);

    memset(world_at(w, OUT), 0xff, 32);
    assert_success(CALL(w, fd_prestat_get, 3, OUT));
    assert_int_equal(world_get(w, OUT, word), 0);
    assert_int_equal(world_get_word(w, OUT + word), 5);
    assert_int_equal(world_get(w, OUT + 2 * word, 1), 0xff);
    assert_errno(CALL(w, fd_prestat_dir_name, 3, DATA, 4), GUEST_ENAMETOOLONG);
    assert_int_equal(world_get(w, DATA, 1), 0);
    memset(world_at(w, DATA), 'x', 8);
    assert_success(CALL(w, fd_prestat_dir_name, 3, DATA, 5));
    assert_memory(w, DATA, "firstx");
    assert_success(CALL(w, fd_prestat_get, 4, OUT));
    assert_int_equal(world_get_word(w, OUT + word), 1);
    assert_success(CALL(w, fd_prestat_dir_name, 4, DATA, 8));
    assert_memory(w, DATA, "/irstx");
    assert_errno(CALL(w, fd_prestat_get, 5, OUT), GUEST_EBADF);
    assert_errno(CALL(w, fd_prestat_get, 0, OUT), GUEST_EBADF);
    world_close(w);
}

/* ---- The position and the size ---- */

static void seeking_knows_three_beginnings(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_seek, FILE_FD, 4, 0, OUT));
    assert_int_equal(world_get(w, OUT, 8), 4);
    assert_success(CALL(w, fd_seek, FILE_FD, (uint64_t)-1, 1, OUT));
    assert_int_equal(world_get(w, OUT, 8), 3);
    assert_success(CALL(w, fd_seek, FILE_FD, (uint64_t)-2, 2, OUT));
    assert_int_equal(world_get(w, OUT, 8), 8);
    assert_success(CALL(w, fd_tell, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT, 8), 8);
    assert_errno(CALL(w, fd_seek, FILE_FD, (uint64_t)-9, 1, OUT), GUEST_EINVAL);
    assert_success(CALL(w, fd_tell, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT, 8), 8);
    assert_success(CALL(w, fd_seek, FILE_FD, INT64_MAX, 0, OUT));
    assert_errno(CALL(w, fd_seek, FILE_FD, 1, 1, OUT), GUEST_EOVERFLOW);
}

static void writing_past_the_end_leaves_zeros(void **state)
{
    world *w = furnish(*state);
    beamr_bytes bytes;

    assert_success(CALL(w, fd_seek, FILE_FD, 14, 0, OUT));
    world_iovec(w, 0, DATA, 4);
    assert_success(CALL(w, fd_read, FILE_FD, IOVS, 1, OUT)); /* nothing is there */
    assert_int_equal(world_get_word(w, OUT), 0);
    world_write_text(w, FILE_FD, "end");
    assert_int_equal(beamr_vfs_read(w->vfs, beamr_bytes_of("file"), true, &bytes, NULL),
                     BEAMR_OK);
    assert_int_equal(bytes.len, 17);
    assert_memory_equal(bytes.data, "0123456789\0\0\0\0end", 17);
}

static void a_file_is_cut_and_extended(void **state)
{
    world *w = furnish(*state);
    beamr_bytes bytes;

    assert_success(CALL(w, fd_filestat_set_size, FILE_FD, 3));
    world_expect(w, "file", "012");
    assert_success(CALL(w, fd_filestat_set_size, FILE_FD, 5));
    assert_int_equal(beamr_vfs_read(w->vfs, beamr_bytes_of("file"), true, &bytes, NULL),
                     BEAMR_OK);
    assert_int_equal(bytes.len, 5);
    assert_memory_equal(bytes.data, "012\0\0", 5);
    assert_success(CALL(w, fd_allocate, FILE_FD, 2, 2)); /* never makes it smaller */
    assert_success(CALL(w, fd_allocate, FILE_FD, 4, 4));
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 32, 8), 8);
    assert_success(CALL(w, fd_tell, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT, 8), 0);
}

static void a_size_beyond_the_limits_is_an_errno(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;

    limits.max_bytes = 5000;
    limits.max_file_size = 10000;
    w = furnish(world_open(*(const bool *)*state, &o));
    WORLD_CASES(w, {"fd_filestat_set_size", GUEST_ENOSPC, {FILE_FD, 6000}},
                {"fd_filestat_set_size", GUEST_EFBIG, {FILE_FD, 10001}},
                {"fd_filestat_set_size", GUEST_EFBIG, {FILE_FD, INT64_MAX}},
                {"fd_allocate", GUEST_ENOSPC, {FILE_FD, 0, 6000}},
                {"fd_allocate", GUEST_EFBIG, {FILE_FD, 10000, 1}},
                {"fd_allocate", GUEST_EINVAL, {FILE_FD, 0, 0}});
    assert_int_not_equal(CALL(w, fd_filestat_set_size, FILE_FD, UINT64_MAX), 0);
    assert_int_not_equal(CALL(w, fd_allocate, FILE_FD, UINT64_MAX, UINT64_MAX), 0);
    assert_int_not_equal(CALL(w, fd_allocate, FILE_FD, INT64_MAX, INT64_MAX), 0);
    world_expect(w, "file", "0123456789");
    world_close(w);
}

/* ---- What a descriptor is ---- */

static void advice_and_syncing_do_nothing(void **state)
{
    world *w = furnish(*state);

    for (uint64_t advice = 0; advice < 6; advice++)
        assert_success(CALL(w, fd_advise, FILE_FD, 0, 100, advice));
    assert_success(CALL(w, fd_sync, FILE_FD, 0));
    assert_success(CALL(w, fd_datasync, FILE_FD, 0));
    world_expect(w, "file", "0123456789");
}

static void flags_are_set_and_shown(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_fdstat_set_flags, FILE_FD, GUEST_FDFLAG_APPEND));
    assert_success(CALL(w, fd_fdstat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 2, 2), GUEST_FDFLAG_APPEND);
    world_write_text(w, FILE_FD, "+"); /* though the position is 0 */
    world_expect(w, "file", "0123456789+");
    assert_success(CALL(w, fd_fdstat_set_flags, FILE_FD, 0));
    assert_success(CALL(w, fd_seek, FILE_FD, 0, 0, OUT));
    world_write_text(w, FILE_FD, "-");
    world_expect(w, "file", "-123456789+");
}

static void rights_only_become_fewer(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_fdstat_set_rights, FILE_FD, GUEST_RIGHT_FD_READ, 0));
    assert_success(CALL(w, fd_fdstat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 8, 8), GUEST_RIGHT_FD_READ);
    assert_errno(CALL(w, fd_fdstat_set_rights, FILE_FD, FILE_RIGHTS, 0), GUEST_ENOTCAPABLE);
    assert_errno(CALL(w, fd_fdstat_set_rights, FILE_FD, GUEST_RIGHT_FD_READ, 1),
                 GUEST_ENOTCAPABLE);
    world_iovec(w, 0, DATA, 1);
    assert_success(CALL(w, fd_read, FILE_FD, IOVS, 1, OUT));
    assert_errno(CALL(w, fd_write, FILE_FD, IOVS, 1, OUT), GUEST_ENOTCAPABLE);
    world_expect(w, "file", "0123456789");
}

static void times_are_set_or_left(void **state)
{
    world *w = furnish(*state);

    w->clocks[BEAMR_CLOCK_REALTIME] = 777;
    assert_success(CALL(w, fd_filestat_set_times, FILE_FD, 5, 6, 1 | 4));
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 40, 8), 5);
    assert_int_equal(world_get(w, OUT + 48, 8), 6);
    assert_success(CALL(w, fd_filestat_set_times, FILE_FD, 8, 9, 8)); /* mtim: now */
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 40, 8), 5);
    assert_int_equal(world_get(w, OUT + 48, 8), 777);
    assert_success(CALL(w, fd_filestat_set_times, FILE_FD, 8, 9, 2)); /* atim: now */
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 40, 8), 777);
    assert_success(CALL(w, fd_filestat_set_times, FILE_FD, 8, 9, 0));
}

static void renumbering_moves_a_descriptor(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_seek, FILE_FD, 7, 0, OUT));
    assert_success(CALL(w, fd_renumber, FILE_FD, DIR_FD));
    assert_errno(CALL(w, fd_tell, FILE_FD, OUT), GUEST_EBADF);
    assert_success(CALL(w, fd_tell, DIR_FD, OUT));
    assert_int_equal(world_get(w, OUT, 8), 7);
    assert_success(CALL(w, fd_renumber, DIR_FD, DIR_FD));
    assert_success(CALL(w, fd_tell, DIR_FD, OUT));
    assert_success(CALL(w, fd_renumber, DIR_FD, 1)); /* stdout is a file from now on */
    assert_success(CALL(w, fd_tell, 1, OUT));
    assert_int_equal(world_get(w, OUT, 8), 7);
    assert_int_equal(world_file(w, "file", 0, 0), FILE_FD); /* the smallest free number */
}

static void closing_frees_the_number(void **state)
{
    world *w = furnish(*state);

    assert_success(CALL(w, fd_close, FILE_FD));
    assert_errno(CALL(w, fd_close, FILE_FD), GUEST_EBADF);
    assert_int_equal(world_file(w, "file", 0, 0), FILE_FD);
    assert_success(CALL(w, fd_close, 3)); /* a preopen, too */
    assert_errno(CALL(w, fd_prestat_get, 3, OUT), GUEST_EBADF);
    assert_success(CALL(w, fd_close, 0));
    assert_errno(CALL(w, fd_close, 0), GUEST_EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(a_closed_descriptor_is_EBADF),
        WORLD_TESTS(a_result_outside_of_memory_is_EFAULT),
        WORLD_TESTS(the_last_bytes_of_memory_are_good_for_results),
        WORLD_TESTS(pointers_of_64_bits_do_not_wrap),
        WORLD_TESTS(a_missing_right_is_ENOTCAPABLE),
        WORLD_TESTS(numbers_without_a_meaning_are_EINVAL),
        WORLD_TESTS(what_is_for_files_is_refused_on_directories),
        WORLD_TESTS(what_is_for_files_is_refused_on_streams),
        WIDTH_TESTS(a_read_only_preopen_gives_EROFS),
        WORLD_TESTS(fdstat_has_its_fields_where_WASI_says),
        WORLD_TESTS(filestat_has_its_fields_where_WASI_says),
        WIDTH_TESTS(prestat_tells_the_name_of_a_preopen),
        WORLD_TESTS(seeking_knows_three_beginnings),
        WORLD_TESTS(writing_past_the_end_leaves_zeros),
        WORLD_TESTS(a_file_is_cut_and_extended),
        WIDTH_TESTS(a_size_beyond_the_limits_is_an_errno),
        WORLD_TESTS(advice_and_syncing_do_nothing),
        WORLD_TESTS(flags_are_set_and_shown),
        WORLD_TESTS(rights_only_become_fewer),
        WORLD_TESTS(times_are_set_or_left),
        WORLD_TESTS(renumbering_moves_a_descriptor),
        WORLD_TESTS(closing_frees_the_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
