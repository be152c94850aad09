/* Names and directories through env. */
#include "env_fixture.h"

#include <stdio.h>

EACH_WIDTH(mkdir_makes_a_directory_once)
{
    assert_int_equal(DO("__syscall_mkdirat", HERE, T("a"), 0777), 0);
    assert_errno(DO("__syscall_mkdirat", HERE, T("a"), 0777), EXIST);
    assert_int_equal(DO("__syscall_mkdir", T("a/b/"), 0777), 0);
    assert_errno(DO("__syscall_mkdirat", HERE, T("x/y"), 0777), NOENT);
    (void)make_file(f, "file", "");
    assert_errno(DO("__syscall_mkdirat", HERE, T("file/y"), 0777), NOTDIR);
    assert_errno(DO("__syscall_mkdirat", HERE, T(""), 0777), NOENT);
    assert_errno(DO("__syscall_mkdirat", 99, T("c"), 0777), BADF);
    assert_int_equal(DO("__syscall_mkdirat", 99, T("/c"), 0777), 0);
    assert_errno(DO("__syscall_mkdirat", HERE, MEMORY, 0777), FAULT);
}

EACH_WIDTH(a_path_may_be_relative_to_a_directory)
{
    int64_t dir, file;

    assert_int_equal(DO("__syscall_mkdirat", HERE, T("a"), 0777), 0);
    dir = open_at(f, "a", OPEN_DIRECTORY);
    assert_int_equal(DO("__syscall_mkdirat", dir, T("b"), 0777), 0);
    assert_int_equal(DO("__syscall_faccessat", HERE, T("a/b"), 0, 0), 0);
    file = make_file(f, "file", "");
    assert_errno(DO("__syscall_mkdirat", file, T("b"), 0777), NOTDIR);
    /* Up and out is the root. */
    assert_int_equal(DO("__syscall_faccessat", dir, T("../../../a/b"), 0, 0), 0);
}

EACH_WIDTH(rmdir_and_unlink_remove_what_they_are_for)
{
    assert_int_equal(DO("__syscall_mkdirat", HERE, T("a"), 0777), 0);
    (void)make_file(f, "a/file", "");
    assert_errno(DO("__syscall_rmdir", T("a")), NOTEMPTY);
    assert_errno(DO("__syscall_rmdir", T("a/file")), NOTDIR);
    assert_errno(DO("__syscall_unlinkat", HERE, T("a"), 0), ISDIR);
    assert_errno(DO("__syscall_unlinkat", HERE, T("a/file"), 1), INVAL);
    assert_errno(DO("__syscall_unlinkat", HERE, T("a/file"), 0x200), NOTDIR);
    assert_int_equal(DO("__syscall_unlinkat", HERE, T("a/file"), 0), 0);
    assert_errno(DO("__syscall_unlinkat", HERE, T("a/file"), 0), NOENT);
    assert_int_equal(DO("__syscall_unlinkat", HERE, T("a"), 0x200), 0);
    assert_errno(DO("__syscall_rmdir", T("a")), NOENT);
    assert_errno(DO("__syscall_rmdir", T("/")), BUSY);
    assert_errno(DO("__syscall_rmdir", MEMORY), FAULT);
    (void)make_file(f, "b", "");
    assert_int_equal(DO("__syscall_unlink", T("b")), 0);
    assert_errno(DO("__syscall_unlink", T("b")), NOENT);
}

EACH_WIDTH(rename_replaces_and_renameat2_need_not)
{
    (void)make_file(f, "a", "one");
    (void)make_file(f, "b", "two");
    assert_errno(DO("__syscall_renameat2", HERE, T("a"), HERE, T2("b"), 1), EXIST);
    assert_errno(DO("__syscall_renameat2", HERE, T("x"), HERE, T2("b"), 1), NOENT);
    assert_errno(DO("__syscall_renameat2", HERE, T("a"), HERE, T2("b"), 2), INVAL);
    assert_int_equal(DO("__syscall_renameat", HERE, T("a"), HERE, T2("b")), 0);
    assert_errno(DO("__syscall_faccessat", HERE, T("a"), 0, 0), NOENT);
    assert_int_equal(size_of_file(f, open_at(f, "b", 0)), 3);
    assert_int_equal(DO("__syscall_renameat2", HERE, T("b"), HERE, T2("c"), 1), 0);
    assert_int_equal(DO("__syscall_rename", T("c"), T2("d")), 0);
    assert_errno(DO("__syscall_rename", T("c"), T2("d")), NOENT);
    assert_errno(DO("__syscall_renameat", HERE, T("d"), HERE, MEMORY), FAULT);
    assert_int_equal(DO("__syscall_mkdir", T("dir"), 0), 0);
    assert_errno(DO("__syscall_renameat", HERE, T("d"), HERE, T2("dir")), ISDIR);
    assert_errno(DO("__syscall_renameat", HERE, T("dir"), HERE, T2("dir/in")), INVAL);
}

EACH_WIDTH(links_are_read_as_they_were_written)
{
    assert_int_equal(DO("__syscall_symlinkat", T("target/of it"), HERE, T2("link")), 0);
    assert_errno(DO("__syscall_symlinkat", T("x"), HERE, T2("link")), EXIST);
    assert_errno(DO("__syscall_symlinkat", T(""), HERE, T2("l")), NOENT);
    assert_errno(DO("__syscall_symlinkat", MEMORY, HERE, T2("l")), FAULT);
    memset(memory_at(f, DATA), '-', 32);
    assert_int_equal(DO("__syscall_readlinkat", HERE, T("link"), DATA, 32), 12);
    assert_memory_equal(memory_at(f, DATA), "target/of it--", 14);
    memset(memory_at(f, DATA), '-', 32);
    assert_int_equal(DO("__syscall_readlinkat", HERE, T("link"), DATA, 3), 3);
    assert_memory_equal(memory_at(f, DATA), "tar-", 4);
    assert_errno(DO("__syscall_readlinkat", HERE, T("link"), DATA, 0), INVAL);
    assert_errno(DO("__syscall_readlinkat", HERE, T("link"), MEMORY - 4, 32), FAULT);
    (void)make_file(f, "file", "");
    assert_errno(DO("__syscall_readlinkat", HERE, T("file"), DATA, 32), INVAL);
    assert_errno(DO("__syscall_readlinkat", HERE, T("none"), DATA, 32), NOENT);
    assert_int_equal(DO("__syscall_symlink", T("a"), T2("l2")), 0);
    assert_int_equal(DO("__syscall_readlink", T("l2"), DATA, 32), 1);
}

EACH_WIDTH(link_gives_a_second_name)
{
    int64_t fd = make_file(f, "a", "text");

    assert_int_equal(DO("__syscall_linkat", HERE, T("a"), HERE, T2("b"), 0), 0);
    assert_errno(DO("__syscall_linkat", HERE, T("a"), HERE, T2("b"), 0), EXIST);
    assert_errno(DO("__syscall_linkat", HERE, T("a"), HERE, T2("c"), 1), INVAL);
    assert_errno(DO("__syscall_linkat", HERE, T("none"), HERE, T2("c"), 0), NOENT);
    assert_int_equal(DO("__syscall_link", T("a"), T2("c")), 0);
    assert_int_equal(DO("__syscall_fstat64", fd, DATA), 0);
    assert_int_equal(get_number(f, DATA + 8, word_of(f)), 3);
    assert_int_equal(DO("__syscall_mkdir", T("d"), 0), 0);
    assert_errno(DO("__syscall_link", T("d"), T2("e")), PERM);
    assert_int_equal(DO("__syscall_symlink", T("a"), T2("s")), 0);
    assert_int_equal(DO("__syscall_linkat", HERE, T("s"), HERE, T2("of_link"), 0), 0);
    assert_int_equal(DO("__syscall_readlink", T("of_link"), DATA, 32), 1);
    assert_int_equal(DO("__syscall_linkat", HERE, T("s"), HERE, T2("of_file"), 0x400), 0);
    assert_errno(DO("__syscall_readlink", T("of_file"), DATA, 32), INVAL);
}

EACH_WIDTH(loops_and_long_names_are_refused)
{
    char path[5000];

    assert_int_equal(DO("__syscall_symlink", T("b"), T2("a")), 0);
    assert_int_equal(DO("__syscall_symlink", T("a"), T2("b")), 0);
    assert_errno(DO("__syscall_chdir", T("a")), LOOP);
    memset(path, 'x', sizeof path);
    path[300] = '\0';
    assert_errno(DO("__syscall_mkdir", T(path), 0), NAMETOOLONG);
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? '/' : '.';
    path[4999] = '\0';
    assert_errno(DO("__syscall_chdir", T(path)), NAMETOOLONG);
    path[4095] = '\0';
    assert_int_equal(DO("__syscall_chdir", T(path)), 0);
    /* No NUL up to the end of memory. */
    memset(memory_at(f, MEMORY - 100), 'x', 100);
    assert_errno(DO("__syscall_chdir", MEMORY - 100), FAULT);
    memset(memory_at(f, MEMORY - 5000), '/', 5000);
    assert_errno(DO("__syscall_chdir", MEMORY - 5000), NAMETOOLONG);
}

EACH_WIDTH(the_current_directory_is_where_relative_paths_begin)
{
    int64_t dir;

    assert_int_equal(DO("__syscall_mkdir", T("a"), 0), 0);
    assert_int_equal(DO("__syscall_mkdir", T("a/b"), 0), 0);
    assert_int_equal(DO("__syscall_getcwd", DATA, 100), 2);
    assert_string_equal(memory_at(f, DATA), "/");
    assert_int_equal(DO("__syscall_chdir", T("a/b")), 0);
    assert_int_equal(DO("__syscall_getcwd", DATA, 100), 5);
    assert_string_equal(memory_at(f, DATA), "/a/b");
    assert_int_equal(DO("__syscall_getcwd", DATA, 5), 5);
    assert_errno(DO("__syscall_getcwd", DATA, 4), RANGE);
    assert_errno(DO("__syscall_getcwd", DATA, 0), INVAL);
    assert_errno(DO("__syscall_getcwd", MEMORY - 4, 100), FAULT);
    assert_int_equal(DO("__syscall_mkdir", T("c"), 0), 0);
    assert_int_equal(DO("__syscall_faccessat", HERE, T("/a/b/c"), 0, 0), 0);
    dir = open_at(f, "/a", OPEN_DIRECTORY);
    assert_int_equal(DO("__syscall_fchdir", dir), 0);
    assert_int_equal(DO("__syscall_getcwd", DATA, 100), 3);
    assert_errno(DO("__syscall_fchdir", 99), BADF);
    assert_errno(DO("__syscall_fchdir", make_file(f, "file", "")), NOTDIR);
    assert_errno(DO("__syscall_chdir", T("file")), NOTDIR);
    assert_errno(DO("__syscall_chdir", T("none")), NOENT);
}

EACH_WIDTH(mknod_makes_plain_files_only)
{
    assert_int_equal(DO("__syscall_mknodat", HERE, T("a"), 0100644, 0), 0);
    assert_errno(DO("__syscall_mknodat", HERE, T("a"), 0100644, 0), EXIST);
    assert_errno(DO("__syscall_mknodat", HERE, T("b"), 0010644, 0), PERM);
    assert_int_equal(DO("__syscall_mknod", T("c"), 0644, 0), 0);
    assert_int_equal(size_of_file(f, open_at(f, "c", 0)), 0);
}

/* ---- getdents64 ---- */

/* Collect names out of what a call wrote. */
static int64_t list(fixture *f, int64_t fd, int64_t room, char *names)
{
    int64_t n = DO("__syscall_getdents64", fd, DATA, room);

    for (int64_t at = 0; at < n;) {
        uint64_t entry = DATA + (uint64_t)at;
        uint64_t length = get_number(f, entry + 16, 2);

        assert_true(length >= 20 && length % 8 == 0 && at + (int64_t)length <= n);
        sprintf(names + strlen(names), "%s:%d ", (char *)memory_at(f, entry + 19),
                (int)get_number(f, entry + 18, 1));
        assert_int_not_equal(get_number(f, entry, 8), 0);
        at += (int64_t)length;
    }
    return n;
}

EACH_WIDTH(getdents_lists_all_in_pieces_of_any_size)
{
    int64_t dir, room;

    assert_int_equal(DO("__syscall_mkdir", T("a"), 0), 0);
    (void)make_file(f, "file", "");
    assert_int_equal(DO("__syscall_symlink", T("x"), T2("link")), 0);
    for (room = 24; room < 200; room += 8) {
        char names[200] = "";

        dir = open_at(f, "/", OPEN_DIRECTORY);
        while (list(f, dir, room, names) > 0)
            ;
        assert_string_equal(names, ".:4 ..:4 a:4 file:8 link:10 ");
        assert_int_equal(DO("__syscall_getdents64", dir, DATA, room), 0);
        assert_int_equal(DO("__syscall_close", dir), 0);
    }
}

EACH_WIDTH(a_listing_goes_on_at_an_offset_that_it_gave)
{
    int64_t dir = open_at(f, "/", OPEN_DIRECTORY);
    char names[200] = "";
    uint64_t offset;

    assert_int_equal(DO("__syscall_mkdir", T("a"), 0), 0);
    assert_int_equal(DO("__syscall_mkdir", T("b"), 0), 0);
    assert_true(list(f, dir, 1000, names) > 0);
    /* What stands in the third entry leads to the fourth. */
    offset = get_number(f, DATA + 24 + 24 + 8, 8);
    assert_int_equal(guest_fd_seek(f->wasi, (uint32_t)dir, (int64_t)offset, 0, &offset), 0);
    names[0] = '\0';
    (void)list(f, dir, 1000, names);
    assert_string_equal(names, "b:4 ");
    assert_int_equal(guest_fd_seek(f->wasi, (uint32_t)dir, 0, 0, &offset), 0);
    names[0] = '\0';
    (void)list(f, dir, 1000, names);
    assert_string_equal(names, ".:4 ..:4 a:4 b:4 ");
}

EACH_WIDTH(getdents_refuses_what_it_cannot_do)
{
    int64_t dir = open_at(f, "/", OPEN_DIRECTORY);

    assert_errno(DO("__syscall_getdents64", 99, DATA, 100), BADF);
    assert_errno(DO("__syscall_getdents64", make_file(f, "f", ""), DATA, 100), NOTDIR);
    assert_errno(DO("__syscall_getdents64", 1, DATA, 100), NOTDIR);
    assert_errno(DO("__syscall_getdents64", dir, DATA, 8), INVAL);
    assert_errno(DO("__syscall_getdents64", dir, MEMORY - 50, 100), FAULT);
    assert_errno(DO("__syscall_getdents64", dir, DATA, -1), FAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mkdir_makes_a_directory_once),
        cmocka_unit_test(a_path_may_be_relative_to_a_directory),
        cmocka_unit_test(rmdir_and_unlink_remove_what_they_are_for),
        cmocka_unit_test(rename_replaces_and_renameat2_need_not),
        cmocka_unit_test(links_are_read_as_they_were_written),
        cmocka_unit_test(link_gives_a_second_name),
        cmocka_unit_test(loops_and_long_names_are_refused),
        cmocka_unit_test(the_current_directory_is_where_relative_paths_begin),
        cmocka_unit_test(mknod_makes_plain_files_only),
        cmocka_unit_test(getdents_lists_all_in_pieces_of_any_size),
        cmocka_unit_test(a_listing_goes_on_at_an_offset_that_it_gave),
        cmocka_unit_test(getdents_refuses_what_it_cannot_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
