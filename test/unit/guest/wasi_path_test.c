/* WASI's functions on paths: every errno that a guest's arguments can give, and what programs
 * rely on. Opening is in wasi_open_test.c. */
#include "wasi_fixture.h"

enum { FILE_FD = 4, DIR_FD = 5, BARE_DIR_FD = 6, CLOSED = 99 };

static int path2(world *w, const char *name, uint64_t from_fd, const char *from, uint64_t to_fd,
                 const char *to)
{
    uint64_t len = world_text(w, PATH, from), len2 = world_text(w, PATH2, to);

    return world_call(w, name, (const uint64_t[]){from_fd, PATH, len, to_fd, PATH2, len2});
}

static int rename_at(world *w, const char *from, const char *to)
{
    return path2(w, "path_rename", 3, from, 3, to);
}

static int symlink_at(world *w, const char *target, const char *path)
{
    uint64_t len = world_text(w, PATH, target), len2 = world_text(w, PATH2, path);

    return CALL(w, path_symlink, PATH, len, 3, PATH2, len2);
}

static int link_at(world *w, uint64_t flags, const char *from, const char *to)
{
    uint64_t len = world_text(w, PATH, from), len2 = world_text(w, PATH2, to);

    return CALL(w, path_link, 3, flags, PATH, len, 3, PATH2, len2);
}

/* path_filestat_get; the record is at OUT. */
static int stat_at(world *w, uint64_t fd, uint64_t flags, const char *path)
{
    return CALL(w, path_filestat_get, fd, flags, PATH, world_text(w, PATH, path), OUT);
}

static int readlink_at(world *w, const char *path, uint64_t room)
{
    return CALL(w, path_readlink, 3, PATH, world_text(w, PATH, path), DATA, room, OUT);
}

static world *furnish(world *w)
{
    world_make(w, "file", "0123456789");
    assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of("dir"), false, NULL), BEAMR_OK);
    assert_int_equal(world_file(w, "file", 0, 0), FILE_FD);
    assert_int_equal(world_dir(w, "dir"), DIR_FD);
    assert_success(world_open_at(w, 3, "dir", GUEST_OFLAG_DIRECTORY, 0, 0, 0));
    assert_int_equal(world_get(w, OUT, 4), BARE_DIR_FD);
    return w;
}

/* ---- Errors of every function ---- */

/* Every function with a path of `len` bytes at `addr`, from a directory. */
static void each_with(world *w, uint64_t fd, uint64_t addr, uint64_t len, int expected)
{
    uint64_t good = world_text(w, PATH2, "good");

    WORLD_CASES(w, {"path_create_directory", expected, {fd, addr, len}},
                {"path_filestat_get", expected, {fd, 0, addr, len, OUT}},
                {"path_filestat_set_times", expected, {fd, 0, addr, len, 0, 0, 5}},
                {"path_link", expected, {fd, 0, addr, len, fd, PATH2, good}},
                {"path_open", expected, {fd, 0, addr, len, 1, 0, 0, 0, OUT}},
                {"path_readlink", expected, {fd, addr, len, DATA, 100, OUT}},
                {"path_remove_directory", expected, {fd, addr, len}},
                {"path_rename", expected, {fd, addr, len, fd, PATH2, good}},
                {"path_symlink", expected, {PATH2, good, fd, addr, len}},
                {"path_unlink_file", expected, {fd, addr, len}});
    assert_false(world_exists(w, "good"));
}

/* And where it is the second path, of a file that is there. */
static void second_with(world *w, uint64_t fd, uint64_t addr, uint64_t len, int expected)
{
    uint64_t there = world_text(w, PATH2, "file");

    WORLD_CASES(w, {"path_link", expected, {3, 0, PATH2, there, fd, addr, len}},
                {"path_rename", expected, {3, PATH2, there, fd, addr, len}});
    world_expect(w, "file", "0123456789");
}

static void a_closed_descriptor_is_EBADF(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "name");

    each_with(w, CLOSED, PATH, len, GUEST_EBADF);
    second_with(w, CLOSED, PATH, len, GUEST_EBADF);
}

static void a_missing_right_is_ENOTCAPABLE(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "name");

    each_with(w, BARE_DIR_FD, PATH, len, GUEST_ENOTCAPABLE);
    second_with(w, BARE_DIR_FD, PATH, len, GUEST_ENOTCAPABLE);
}

static void a_path_outside_of_memory_is_EFAULT(void **state)
{
    world *w = furnish(*state);

    each_with(w, 3, END - 3, 4, GUEST_EFAULT);
    each_with(w, 3, UINT32_MAX, 1, GUEST_EFAULT);
    each_with(w, 3, PATH, END, GUEST_EFAULT);
    second_with(w, 3, END - 3, 4, GUEST_EFAULT);
    WORLD_CASES(w, {"path_symlink", GUEST_EFAULT, {END - 3, 4, 3, PATH2, 4}});
    if (w->is64)
        each_with(w, 3, PATH, UINT64_MAX, GUEST_EFAULT);
}

static void a_result_outside_of_memory_is_EFAULT_and_nothing_happens(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "new"), len2 = world_text(w, PATH2, "link");

    assert_success(symlink_at(w, "file", "link"));
    len = world_text(w, PATH, "new");
    WORLD_CASES(w, {"path_open", GUEST_EFAULT, {3, 0, PATH, len, 1, 0, 0, 0, END - 3}},
                {"path_filestat_get", GUEST_EFAULT, {3, 0, PATH2, len2, END - 63}},
                {"path_readlink", GUEST_EFAULT, {3, PATH2, len2, END - 3, 4, OUT}},
                {"path_readlink", GUEST_EFAULT, {3, PATH2, len2, DATA, 4, END - 3}});
    assert_false(world_exists(w, "new"));
    assert_int_equal(world_file(w, "file", 0, 0), BARE_DIR_FD + 1);
}

static void a_long_path_is_ENAMETOOLONG(void **state)
{
    world *w = furnish(*state);

    memset(world_at(w, DATA), 'a', 10000);
    each_with(w, 3, DATA, 10000, GUEST_ENAMETOOLONG);
    each_with(w, 3, DATA, 4096, GUEST_ENAMETOOLONG);
    each_with(w, 3, DATA, 256, GUEST_ENAMETOOLONG); /* one component */
    second_with(w, 3, DATA, 10000, GUEST_ENAMETOOLONG);
    for (uint64_t i = 0; i < 10000; i++)
        *world_at(w, DATA + i) = i % 2 ? 0x2f : 0x2e; /* ./././ */
    each_with(w, 3, DATA, 4097, GUEST_ENAMETOOLONG);
    assert_success(CALL(w, path_filestat_get, 3, 0, DATA, 4000, OUT));
    assert_errno(CALL(w, path_symlink, DATA, 10000, 3, PATH2, 4), GUEST_ENAMETOOLONG);
}

static void a_path_that_is_not_UTF8_is_EILSEQ(void **state)
{
    world *w = furnish(*state);
    static const char *const bad[] = {"a\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82",
                                      "\xf5\x80\x80\x80"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        each_with(w, 3, PATH, world_text(w, PATH, bad[i]), GUEST_EILSEQ);
        second_with(w, 3, PATH, world_text(w, PATH, bad[i]), GUEST_EILSEQ);
    }
    assert_success(world_path(w, "path_create_directory", 3, "gr\xc3\xbc\xc3\x9f"));
}

static void a_path_with_a_NUL_is_EINVAL(void **state)
{
    world *w = furnish(*state);

    memcpy(world_at(w, PATH), "file\0x", 6);
    each_with(w, 3, PATH, 6, GUEST_EINVAL);
    each_with(w, 3, PATH, 5, GUEST_EINVAL);
    second_with(w, 3, PATH, 5, GUEST_EINVAL);
}

static void a_path_that_leaves_its_directory_is_refused(void **state)
{
    world *w = furnish(*state);
    static const char *const bad[] = {"..", "../x", "/", "/file", "a/../../x", "./../file"};

    assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of("dir/a"), false, NULL), BEAMR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        each_with(w, DIR_FD, PATH, world_text(w, PATH, bad[i]), GUEST_EPERM);
        second_with(w, DIR_FD, PATH, world_text(w, PATH, bad[i]), GUEST_EPERM);
    }
    assert_success(stat_at(w, DIR_FD, 0, "a/../a/./.."));
}

static void a_descriptor_of_a_file_holds_no_paths(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "name");

    each_with(w, FILE_FD, PATH, len, GUEST_ENOTDIR);
    second_with(w, FILE_FD, PATH, len, GUEST_ENOTDIR);
    each_with(w, 0, PATH, len, GUEST_ENOTDIR);
}

static void what_is_missing_is_ENOENT(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "none"), len2 = world_text(w, PATH2, "x");

    WORLD_CASES(w, {"path_filestat_get", GUEST_ENOENT, {3, 0, PATH, len, OUT}},
                {"path_filestat_set_times", GUEST_ENOENT, {3, 0, PATH, len, 0, 0, 5}},
                {"path_link", GUEST_ENOENT, {3, 0, PATH, len, 3, PATH2, len2}},
                {"path_open", GUEST_ENOENT, {3, 0, PATH, len, 0, 0, 0, 0, OUT}},
                {"path_readlink", GUEST_ENOENT, {3, PATH, len, DATA, 100, OUT}},
                {"path_remove_directory", GUEST_ENOENT, {3, PATH, len}},
                {"path_rename", GUEST_ENOENT, {3, PATH, len, 3, PATH2, len2}},
                {"path_unlink_file", GUEST_ENOENT, {3, PATH, len}});
    each_with(w, 3, PATH, world_text(w, PATH, "none/x"), GUEST_ENOENT);
    each_with(w, 3, PATH, 0, GUEST_ENOENT);
    second_with(w, 3, PATH, world_text(w, PATH, "none/x"), GUEST_ENOENT);
    second_with(w, 3, PATH, 0, GUEST_ENOENT);
}

static void what_is_below_a_file_is_ENOTDIR(void **state)
{
    world *w = furnish(*state);

    each_with(w, 3, PATH, world_text(w, PATH, "file/x"), GUEST_ENOTDIR);
    second_with(w, 3, PATH, world_text(w, PATH, "file/x"), GUEST_ENOTDIR);
    assert_errno(stat_at(w, 3, 0, "file/"), GUEST_ENOTDIR);
    assert_errno(stat_at(w, 3, 0, "file/."), GUEST_ENOTDIR);
    assert_errno(stat_at(w, 3, 0, "file/.."), GUEST_ENOTDIR);
}

static void numbers_without_a_meaning_are_EINVAL(void **state)
{
    world *w = furnish(*state);
    uint64_t len = world_text(w, PATH, "file"), len2 = world_text(w, PATH2, "x");

    WORLD_CASES(w, {"path_filestat_get", GUEST_EINVAL, {3, 2, PATH, len, OUT}},
                {"path_filestat_set_times", GUEST_EINVAL, {3, 2, PATH, len, 0, 0, 5}},
                {"path_filestat_set_times", GUEST_EINVAL, {3, 0, PATH, len, 0, 0, 3}},
                {"path_filestat_set_times", GUEST_EINVAL, {3, 0, PATH, len, 0, 0, 16}},
                {"path_link", GUEST_EINVAL, {3, 2, PATH, len, 3, PATH2, len2}},
                {"path_open", GUEST_EINVAL, {3, 2, PATH, len, 0, 0, 0, 0, OUT}},
                {"path_open", GUEST_EINVAL, {3, 0, PATH, len, 16, 0, 0, 0, OUT}},
                {"path_open", GUEST_EINVAL, {3, 0, PATH, len, 0, 0, 0, 32, OUT}});
}

static void nothing_is_made_beyond_the_limits(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;

    limits.max_nodes = 2; /* the root, and one more */
    w = world_open(*(const bool *)*state, &o);
    assert_success(world_path(w, "path_create_directory", 3, "only"));
    assert_errno(world_path(w, "path_create_directory", 3, "more"), GUEST_ENOSPC);
    assert_errno(symlink_at(w, "only", "more"), GUEST_ENOSPC);
    assert_errno(world_open_at(w, 3, "more", GUEST_OFLAG_CREAT, 0, 0, 0), GUEST_ENOSPC);
    assert_success(world_path(w, "path_remove_directory", 3, "only"));
    assert_success(symlink_at(w, "only", "more"));
    world_close(w);
}

/* Moving needs no room of its own, only that of a longer name. */
static void names_count_for_the_limits(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;

    limits.max_bytes = 20;
    limits.max_nodes = 3; /* the root, and names for two more */
    w = world_open(*(const bool *)*state, &o);
    world_make(w, "file", "0123456789");
    assert_success(link_at(w, 0, "file", "two"));
    assert_success(rename_at(w, "two", "three"));
    assert_errno(rename_at(w, "three", "much longer"), GUEST_ENOSPC);
    assert_true(world_exists(w, "three"));
    assert_success(link_at(w, 0, "file", "4"));
    assert_errno(link_at(w, 0, "file", ""), GUEST_ENOENT);
    assert_errno(link_at(w, 0, "file", "5"), GUEST_ENOSPC);
    assert_success(rename_at(w, "4", "5")); /* with all names taken */
    assert_success(rename_at(w, "5", "three"));
    world_expect(w, "three", "0123456789");
    world_close(w);
}

static void nothing_is_changed_below_a_read_only_preopen(void **state)
{
    static const beamr_preopen preopens[] = {{"/", "/", false}, {"/dir", "dir", true}};
    world_options o = {.wasi = {.preopens = preopens, .preopen_count = 2}, .directory = "dir"};
    world *w;
    uint64_t len, len2, len3;

    w = world_open(*(const bool *)*state, &o);
    world_make(w, "dir/file", "0123456789");
    world_make(w, "file", "0123456789");
    assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of("dir/sub"), false, NULL), BEAMR_OK);
    len = world_text(w, PATH, "file");
    len2 = world_text(w, PATH2, "new");
    len3 = world_text(w, DATA, "sub");
    WORLD_CASES(w, {"path_create_directory", GUEST_EROFS, {4, PATH2, len2}},
                {"path_filestat_set_times", GUEST_EROFS, {4, 0, PATH, len, 0, 0, 5}},
                {"path_link", GUEST_EROFS, {4, 0, PATH, len, 3, PATH2, len2}},
                {"path_link", GUEST_EROFS, {3, 0, PATH, len, 4, PATH2, len2}},
                {"path_open", GUEST_EROFS, {4, 0, PATH2, len2, 1, 0, 0, 0, OUT}},
                {"path_open", GUEST_EROFS, {4, 0, PATH, len, 8, 0, 0, 0, OUT}},
                {"path_remove_directory", GUEST_EROFS, {4, DATA, len3}},
                {"path_rename", GUEST_EROFS, {4, PATH, len, 3, PATH2, len2}},
                {"path_rename", GUEST_EROFS, {3, PATH, len, 4, PATH2, len2}},
                {"path_symlink", GUEST_EROFS, {PATH, len, 4, PATH2, len2}},
                {"path_unlink_file", GUEST_EROFS, {4, PATH, len}},
                {"path_filestat_get", GUEST_ESUCCESS, {4, 0, PATH, len, OUT}});
    assert_errno(world_path(w, "path_unlink_file", 3, "dir/file"), GUEST_EROFS);
    world_expect(w, "dir/file", "0123456789");
    assert_false(world_exists(w, "dir/new"));
    world_close(w);
}

static void directories_go_as_deep_as_the_limit(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;

    limits.max_depth = 2;
    w = world_open(*(const bool *)*state, &o);
    assert_success(world_path(w, "path_create_directory", 3, "a"));
    assert_success(world_path(w, "path_create_directory", 3, "a/b"));
    assert_errno(world_path(w, "path_create_directory", 3, "a/b/c"), GUEST_EMLINK);
    assert_success(world_path(w, "path_create_directory", 3, "d"));
    assert_success(world_path(w, "path_create_directory", 3, "d/e"));
    assert_errno(rename_at(w, "d", "a/d"), GUEST_EMLINK);
    assert_true(world_exists(w, "d/e"));
    world_close(w);
}

/* ---- Making and removing ---- */

static void directories_are_made_and_removed(void **state)
{
    world *w = furnish(*state);

    assert_success(world_path(w, "path_create_directory", 3, "dir/sub"));
    assert_success(world_path(w, "path_create_directory", DIR_FD, "sub/sub/"));
    assert_true(world_exists(w, "dir/sub/sub"));
    assert_errno(world_path(w, "path_create_directory", 3, "dir"), GUEST_EEXIST);
    assert_errno(world_path(w, "path_create_directory", 3, "file"), GUEST_EEXIST);
    assert_errno(world_path(w, "path_remove_directory", 3, "dir"), GUEST_ENOTEMPTY);
    assert_errno(world_path(w, "path_remove_directory", 3, "file"), GUEST_ENOTDIR);
    assert_errno(world_path(w, "path_unlink_file", 3, "dir/sub"), GUEST_EISDIR);
    assert_success(world_path(w, "path_remove_directory", DIR_FD, "sub/sub"));
    assert_success(world_path(w, "path_remove_directory", 3, "dir/sub/"));
    assert_false(world_exists(w, "dir/sub"));
    assert_errno(world_path(w, "path_remove_directory", 3, "."), GUEST_EINVAL);
    assert_errno(world_path(w, "path_remove_directory", 3, "dir/.."), GUEST_ENOTEMPTY);
    assert_errno(world_path(w, "path_unlink_file", 3, "."), GUEST_EISDIR);
    assert_errno(world_path(w, "path_unlink_file", 3, "file/"), GUEST_ENOTDIR);
}

static void an_unlinked_file_lives_until_it_is_closed(void **state)
{
    world *w = furnish(*state);
    uint32_t nodes = beamr_vfs_nodes(w->vfs);

    assert_success(world_path(w, "path_unlink_file", 3, "file"));
    assert_errno(world_path(w, "path_unlink_file", 3, "file"), GUEST_ENOENT);
    world_write_text(w, FILE_FD, "still ");
    world_iovec(w, 0, DATA, 100);
    assert_success(CALL(w, fd_pread, FILE_FD, IOVS, 1, 0, OUT));
    assert_int_equal(world_get_word(w, OUT), 10);
    assert_memory(w, DATA, "still 6789");
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT));
    assert_int_equal(world_get(w, OUT + 24, 8), 0); /* names */
    world_make(w, "file", "another");
    assert_success(CALL(w, fd_close, FILE_FD));
    world_expect(w, "file", "another");
    assert_int_equal(beamr_vfs_nodes(w->vfs), nodes);
}

static void renaming_replaces_what_is_there(void **state)
{
    world *w = furnish(*state);

    world_make(w, "other", "other");
    assert_success(rename_at(w, "other", "file"));
    world_expect(w, "file", "other");
    assert_false(world_exists(w, "other"));
    assert_success(CALL(w, fd_filestat_get, FILE_FD, OUT)); /* the old one is still open */
    assert_int_equal(world_get(w, OUT + 32, 8), 10);
    assert_success(rename_at(w, "file", "file"));
    assert_success(path2(w, "path_rename", 3, "file", DIR_FD, "moved"));
    world_expect(w, "dir/moved", "other");
}

static void renaming_directories_asks_for_empty_ones(void **state)
{
    world *w = furnish(*state);

    assert_success(world_path(w, "path_create_directory", 3, "empty"));
    assert_success(world_path(w, "path_create_directory", 3, "full"));
    world_make(w, "full/x", "x");
    assert_errno(rename_at(w, "empty", "full"), GUEST_ENOTEMPTY);
    assert_errno(rename_at(w, "file", "empty"), GUEST_EISDIR);
    assert_errno(rename_at(w, "empty", "file"), GUEST_ENOTDIR);
    assert_errno(rename_at(w, "full", "full/inside"), GUEST_EINVAL);
    assert_success(rename_at(w, "full", "empty"));
    world_expect(w, "empty/x", "x");
    assert_success(rename_at(w, "empty/", "dir/renamed/"));
    world_expect(w, "dir/renamed/x", "x");
    assert_errno(rename_at(w, "file", "newname/"), GUEST_ENOTDIR);
    assert_errno(rename_at(w, ".", "x"), GUEST_EBUSY);
    assert_errno(rename_at(w, "file", "dir/.."), GUEST_EBUSY);
}

/* ---- Links ---- */

static void a_link_is_read_as_far_as_there_is_room(void **state)
{
    world *w = furnish(*state);

    assert_success(symlink_at(w, "some/target", "link"));
    memset(world_at(w, DATA), 'x', 20);
    assert_success(readlink_at(w, "link", 20));
    assert_int_equal(world_get_word(w, OUT), 11);
    assert_memory(w, DATA, "some/targetxx");
    memset(world_at(w, DATA), 'x', 20);
    assert_success(readlink_at(w, "link", 4));
    assert_int_equal(world_get_word(w, OUT), 4);
    assert_memory(w, DATA, "somexxxx");
    assert_success(readlink_at(w, "link", 0));
    assert_int_equal(world_get_word(w, OUT), 0);
    assert_errno(readlink_at(w, "file", 20), GUEST_EINVAL);
    assert_errno(readlink_at(w, "dir", 20), GUEST_EINVAL);
}

static void links_are_followed_where_the_guest_says(void **state)
{
    world *w = furnish(*state);

    assert_success(symlink_at(w, "../file", "dir/link"));
    assert_success(stat_at(w, 3, 0, "dir/link"));
    assert_int_equal(world_get(w, OUT + 16, 1), GUEST_FILETYPE_SYMBOLIC_LINK);
    assert_int_equal(world_get(w, OUT + 32, 8), 7);
    assert_success(stat_at(w, 3, 1, "dir/link"));
    assert_int_equal(world_get(w, OUT + 16, 1), GUEST_FILETYPE_REGULAR_FILE);
    assert_int_equal(world_get(w, OUT + 32, 8), 10);
    assert_errno(stat_at(w, DIR_FD, 1, "link"), GUEST_EPERM); /* leaves the directory */
    assert_success(stat_at(w, DIR_FD, 0, "link"));
    assert_success(symlink_at(w, "dir", "way"));
    assert_success(stat_at(w, 3, 1, "way/link")); /* on the way they always are */
    assert_success(world_path(w, "path_unlink_file", 3, "way"));
    assert_true(world_exists(w, "dir"));
    assert_errno(symlink_at(w, "/file", "absolute"), GUEST_EPERM);
    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("/file"), beamr_bytes_of("absolute"), NULL),
        BEAMR_OK);
    assert_errno(stat_at(w, 3, 1, "absolute"), GUEST_EPERM);
    assert_errno(symlink_at(w, "x", "file"), GUEST_EEXIST);
    assert_errno(symlink_at(w, "", "empty"), GUEST_ENOENT);
}

static void loops_and_long_chains_of_links_are_ELOOP(void **state)
{
    world *w = furnish(*state);
    char name[16], target[16];

    assert_success(symlink_at(w, "loop2", "loop1"));
    assert_success(symlink_at(w, "loop1", "loop2"));
    assert_errno(stat_at(w, 3, 1, "loop1"), GUEST_ELOOP);
    assert_errno(stat_at(w, 3, 0, "loop1/x"), GUEST_ELOOP);
    assert_errno(world_path(w, "path_create_directory", 3, "loop2/x"), GUEST_ELOOP);
    assert_success(stat_at(w, 3, 0, "loop1"));
    for (unsigned i = 0; i < 45; i++) {
        (void)snprintf(name, sizeof name, "chain%u", i + 1);
        (void)snprintf(target, sizeof target, i ? "chain%u" : "file", i);
        assert_success(symlink_at(w, target, name));
    }
    assert_success(stat_at(w, 3, 1, "chain40"));
    assert_errno(stat_at(w, 3, 1, "chain41"), GUEST_ELOOP);
}

static void a_loop_on_the_way_is_ELOOP(void **state)
{
    world *w = furnish(*state);

    assert_success(symlink_at(w, "loop2", "loop1"));
    assert_success(symlink_at(w, "loop1", "loop2"));
    each_with(w, 3, PATH, world_text(w, PATH, "loop1/x"), GUEST_ELOOP);
    second_with(w, 3, PATH, world_text(w, PATH, "loop1/x"), GUEST_ELOOP);
    assert_errno(world_open_at(w, 3, "loop1", 0, 0, 0, 0), GUEST_ELOOP); /* not followed */
    assert_errno(CALL(w, path_open, 3, 1, PATH, world_text(w, PATH, "loop1"), 0, 0, 0, 0, OUT),
                 GUEST_ELOOP);
    assert_errno(CALL(w, path_filestat_set_times, 3, 1, PATH, 5, 0, 0, 5), GUEST_ELOOP);
}

static void a_short_path_that_leads_far_costs_fuel(void **state)
{
    world_options o = {.metering = true, .directory = "a"};
    world *w = world_open(*(const bool *)*state, &o);
    char target[4000], name[16];

    world_make(w, "link0", "");
    for (unsigned i = 1; i <= 20; i++) {
        size_t at = 0;

        while (at < 3500)
            at += (size_t)snprintf(target + at, sizeof target - at, "a/../");
        (void)snprintf(target + at, sizeof target - at, "link%u", i - 1);
        (void)snprintf(name, sizeof name, "link%u", i);
        assert_success(symlink_at(w, target, name));
    }
    beamr_store_set_fuel(w->store, 1000);
    assert_success(stat_at(w, 3, 0, "link20"));
    assert_trap(w, stat_at(w, 3, 1, "link20"), BEAMR_TRAP_OUT_OF_FUEL);
    world_close(w);
}

static void a_file_has_as_many_names_as_links(void **state)
{
    world *w = furnish(*state);

    assert_success(link_at(w, 0, "file", "dir/second"));
    world_expect(w, "dir/second", "0123456789");
    assert_success(stat_at(w, 3, 0, "file"));
    assert_int_equal(world_get(w, OUT + 24, 8), 2);
    world_write_text(w, FILE_FD, "new");
    world_expect(w, "dir/second", "new3456789");
    assert_success(world_path(w, "path_unlink_file", 3, "file"));
    world_expect(w, "dir/second", "new3456789");
    assert_errno(link_at(w, 0, "dir", "x"), GUEST_EPERM);
    world_make(w, "file", "");
    assert_errno(link_at(w, 0, "file", "dir/second"), GUEST_EEXIST);
    assert_errno(link_at(w, 0, "file", "dir"), GUEST_EEXIST);
    assert_errno(link_at(w, 0, "file", "x/"), GUEST_ENOENT);
    assert_success(symlink_at(w, "file", "soft"));
    assert_success(link_at(w, 0, "soft", "soft2")); /* the link, not what it names */
    assert_success(readlink_at(w, "soft2", 20));
}

static void times_are_set_by_path(void **state)
{
    world *w = furnish(*state);
    uint64_t len;

    assert_success(symlink_at(w, "file", "link"));
    len = world_text(w, PATH, "link");
    assert_success(CALL(w, path_filestat_set_times, 3, 1, PATH, len, 5, 6, 1 | 4));
    assert_success(CALL(w, path_filestat_set_times, 3, 0, PATH, len, 8, 9, 1 | 4));
    assert_success(stat_at(w, 3, 0, "file"));
    assert_int_equal(world_get(w, OUT + 40, 8), 5);
    assert_int_equal(world_get(w, OUT + 48, 8), 6);
    assert_success(stat_at(w, 3, 0, "link"));
    assert_int_equal(world_get(w, OUT + 40, 8), 8);
    assert_int_equal(world_get(w, OUT + 48, 8), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(a_closed_descriptor_is_EBADF),
        WORLD_TESTS(a_missing_right_is_ENOTCAPABLE),
        WORLD_TESTS(a_path_outside_of_memory_is_EFAULT),
        WORLD_TESTS(a_result_outside_of_memory_is_EFAULT_and_nothing_happens),
        WORLD_TESTS(a_long_path_is_ENAMETOOLONG),
        WORLD_TESTS(a_path_that_is_not_UTF8_is_EILSEQ),
        WORLD_TESTS(a_path_with_a_NUL_is_EINVAL),
        WORLD_TESTS(a_path_that_leaves_its_directory_is_refused),
        WORLD_TESTS(a_descriptor_of_a_file_holds_no_paths),
        WORLD_TESTS(what_is_missing_is_ENOENT),
        WORLD_TESTS(what_is_below_a_file_is_ENOTDIR),
        WORLD_TESTS(numbers_without_a_meaning_are_EINVAL),
        WIDTH_TESTS(nothing_is_made_beyond_the_limits),
        WIDTH_TESTS(names_count_for_the_limits),
        WIDTH_TESTS(nothing_is_changed_below_a_read_only_preopen),
        WIDTH_TESTS(directories_go_as_deep_as_the_limit),
        WORLD_TESTS(directories_are_made_and_removed),
        WORLD_TESTS(an_unlinked_file_lives_until_it_is_closed),
        WORLD_TESTS(renaming_replaces_what_is_there),
        WORLD_TESTS(renaming_directories_asks_for_empty_ones),
        WORLD_TESTS(a_link_is_read_as_far_as_there_is_room),
        WORLD_TESTS(links_are_followed_where_the_guest_says),
        WORLD_TESTS(loops_and_long_chains_of_links_are_ELOOP),
        WORLD_TESTS(a_loop_on_the_way_is_ELOOP),
        WIDTH_TESTS(a_short_path_that_leads_far_costs_fuel),
        WORLD_TESTS(a_file_has_as_many_names_as_links),
        WORLD_TESTS(times_are_set_by_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
