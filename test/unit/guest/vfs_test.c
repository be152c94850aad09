/* Nodes and directories: guest/vfs.h without paths, contents and depth. */
#include "vfs_fixture.h"

/* ---- Directories ---- */

static void names_are_found_and_told_apart(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *a = file(vfs, "a"), *d = dir(vfs, root, "A");

    (void)state;
    assert_ptr_equal(find(root, "a"), a);
    assert_ptr_equal(find(root, "A"), d);
    assert_null(find(root, "aa"));
    assert_null(find(d, "a"));
    assert_ptr_equal(guest_node_parent(d), root);
    assert_ptr_equal(guest_node_parent(root), root);
    assert_int_equal(guest_dir_make(vfs, root, b("a"), BEAMR_VFS_FILE, NULL), GUEST_EEXIST);
    assert_int_equal(guest_dir_make(vfs, root, b("A"), BEAMR_VFS_FILE, NULL), GUEST_EEXIST);
    assert_int_equal(guest_dir_make(vfs, root, b("l"), BEAMR_VFS_LINK, NULL), GUEST_EINVAL);
    assert_int_equal(beamr_vfs_nodes(vfs), 3);
    beamr_vfs_unref(vfs);
}

static void bad_names_are_refused(void **state)
{
    static const beamr_bytes names[] = {{NULL, 0},
                                        {(const uint8_t *)".", 1},
                                        {(const uint8_t *)"..", 2},
                                        {(const uint8_t *)"a/b", 3},
                                        {(const uint8_t *)"a\0b", 3}};
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f = file(vfs, "f");
    char longest[257];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_bytes n = names[i];

        assert_int_equal(guest_dir_make(vfs, root, n, BEAMR_VFS_FILE, NULL), GUEST_EINVAL);
        assert_int_equal(guest_dir_symlink(vfs, root, n, b("t")), GUEST_EINVAL);
        assert_int_equal(guest_dir_link(vfs, root, n, f), GUEST_EINVAL);
        assert_int_equal(guest_dir_unlink(vfs, root, n), GUEST_EINVAL);
        assert_int_equal(guest_dir_rmdir(vfs, root, n), GUEST_EINVAL);
        assert_int_equal(guest_dir_rename(vfs, root, b("f"), root, n), GUEST_EINVAL);
        assert_int_equal(guest_dir_rename(vfs, root, n, root, b("x")), GUEST_EINVAL);
    }
    memset(longest, 'n', 256);
    longest[256] = '\0';
    assert_int_equal(guest_dir_make(vfs, root, b(longest), BEAMR_VFS_FILE, NULL),
                     GUEST_ENAMETOOLONG);
    longest[255] = '\0';
    assert_int_equal(guest_dir_make(vfs, root, b(longest), BEAMR_VFS_FILE, NULL),
                     GUEST_ESUCCESS);
    assert_int_equal(guest_dir_make(vfs, root, b("..."), BEAMR_VFS_FILE, NULL), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

static void a_file_without_a_name_lives_while_it_is_open(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f = guest_node_ref(file(vfs, "f"));

    (void)state;
    assert_int_equal(put(vfs, f, 0, "still here"), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_unlink(vfs, root, b("f")), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_unlink(vfs, root, b("f")), GUEST_ENOENT);
    assert_false(guest_node_has_name(f));
    assert_int_equal(guest_node_stat(f).links, 0);
    assert_int_equal(guest_dir_link(vfs, root, b("g"), f), GUEST_ENOENT);
    assert_int_equal(put(vfs, f, 10, "!"), GUEST_ESUCCESS);
    assert_content(f, "still here!", 11);
    assert_int_equal(beamr_vfs_nodes(vfs), 2);
    assert_int_equal(beamr_vfs_bytes(vfs), 11);
    guest_node_unref(vfs, f);
    assert_int_equal(beamr_vfs_nodes(vfs), 1);
    assert_int_equal(beamr_vfs_bytes(vfs), 0);
    beamr_vfs_unref(vfs);
}

static void nothing_is_made_in_a_removed_directory(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *d = guest_node_ref(dir(vfs, root, "d"));
    vfs_node *f = file(vfs, "f");
    char buf[8];
    size_t len;

    (void)state;
    assert_int_equal(guest_dir_rmdir(vfs, root, b("d")), GUEST_ESUCCESS);
    assert_null(guest_node_parent(d));
    assert_null(find(d, "x"));
    assert_int_equal(guest_dir_make(vfs, d, b("x"), BEAMR_VFS_FILE, NULL), GUEST_ENOENT);
    assert_int_equal(guest_dir_make(vfs, d, b("x"), BEAMR_VFS_DIRECTORY, NULL), GUEST_ENOENT);
    assert_int_equal(guest_dir_symlink(vfs, d, b("x"), b("t")), GUEST_ENOENT);
    assert_int_equal(guest_dir_link(vfs, d, b("x"), f), GUEST_ENOENT);
    assert_int_equal(guest_dir_rename(vfs, root, b("f"), d, b("x")), GUEST_ENOENT);
    assert_int_equal(guest_node_path(d, buf, sizeof buf, &len), GUEST_ENOENT);
    guest_node_unref(vfs, d);
    beamr_vfs_unref(vfs);
}

static void files_and_directories_are_removed_by_their_own_calls(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *d = dir(vfs, root, "d");

    (void)state;
    (void)file(vfs, "f");
    (void)make(vfs, d, "x", BEAMR_VFS_FILE);
    assert_int_equal(guest_dir_unlink(vfs, root, b("d")), GUEST_EISDIR);
    assert_int_equal(guest_dir_rmdir(vfs, root, b("f")), GUEST_ENOTDIR);
    assert_int_equal(guest_dir_rmdir(vfs, root, b("d")), GUEST_ENOTEMPTY);
    assert_int_equal(guest_dir_rmdir(vfs, root, b("e")), GUEST_ENOENT);
    assert_int_equal(guest_dir_unlink(vfs, d, b("x")), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_rmdir(vfs, root, b("d")), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_unlink(vfs, root, b("f")), GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_bytes(vfs), 0);
    beamr_vfs_unref(vfs);
}

static void a_file_has_as_many_names_as_it_was_given(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *d = dir(vfs, root, "d"), *f = file(vfs, "f");

    (void)state;
    assert_int_equal(guest_dir_link(vfs, d, b("g"), f), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_link(vfs, d, b("g"), f), GUEST_EEXIST);
    assert_int_equal(guest_dir_link(vfs, d, b("h"), d), GUEST_EPERM);
    assert_int_equal(guest_node_stat(f).links, 2);
    assert_ptr_equal(find(d, "g"), f);
    assert_int_equal(guest_dir_unlink(vfs, root, b("f")), GUEST_ESUCCESS);
    assert_true(guest_node_has_name(f));
    assert_int_equal(guest_node_stat(f).links, 1);
    assert_int_equal(beamr_vfs_nodes(vfs), 3);
    beamr_vfs_unref(vfs);
}

static void nodes_and_names_are_limited(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_vfs *vfs;
    vfs_node *root, *f;

    (void)state;
    limits.max_nodes = 4;
    vfs = open_with(limits);
    root = guest_vfs_root(vfs);
    f = guest_node_ref(file(vfs, "a"));
    (void)file(vfs, "b");
    (void)dir(vfs, root, "c");
    assert_int_equal(guest_dir_make(vfs, root, b("d"), BEAMR_VFS_FILE, NULL), GUEST_ENOSPC);
    assert_int_equal(guest_dir_unlink(vfs, root, b("a")), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_make(vfs, root, b("d"), BEAMR_VFS_FILE, NULL), GUEST_ENOSPC);
    guest_node_unref(vfs, f);
    f = file(vfs, "d");
    assert_int_equal(guest_dir_link(vfs, root, b("e"), f), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_link(vfs, root, b("f"), f), GUEST_ENOSPC);
    assert_int_equal(guest_dir_rename(vfs, root, b("d"), root, b("f")), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

/* ---- Listing ---- */

static void reading_a_directory_keeps_its_place(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs);
    guest_dirent e;
    uint64_t cookie = 0;
    char name[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        (void)file(vfs, name);
    }
    for (int i = 0; i < 100; i++) {
        assert_true(guest_dir_next(root, cookie, &e));
        (void)snprintf(name, sizeof name, "%d", i);
        assert_int_equal(e.name.len, strlen(name));
        assert_memory_equal(e.name.data, name, e.name.len);
        cookie = e.cookie + 1;
        if (i % 3 == 0)
            assert_int_equal(guest_dir_unlink(vfs, root, e.name), GUEST_ESUCCESS);
        if (i == 50) { /* behind the place, and before it */
            assert_int_equal(guest_dir_unlink(vfs, root, b("49")), GUEST_ESUCCESS);
            (void)file(vfs, "new");
        }
    }
    assert_true(guest_dir_next(root, cookie, &e));
    assert_memory_equal(e.name.data, "new", 3);
    assert_false(guest_dir_next(root, e.cookie + 1, &e));
    assert_false(guest_dir_next(root, UINT64_MAX, &e));
    beamr_vfs_unref(vfs);
}

static void a_cookie_is_never_used_twice(void **state)
{
    beamr_vfs *vfs = open_default(), *copy = NULL;
    vfs_node *root = guest_vfs_root(vfs);
    guest_dirent e;
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)file(vfs, "f");
        assert_true(guest_dir_next(root, 0, &e));
        assert_true(e.cookie > last);
        last = e.cookie;
        assert_int_equal(guest_dir_unlink(vfs, root, b("f")), GUEST_ESUCCESS);
        assert_false(guest_dir_next(root, 0, &e));
    }
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    (void)file(copy, "f");
    assert_true(guest_dir_next(guest_vfs_root(copy), 0, &e));
    assert_true(e.cookie > last);
    beamr_vfs_unref(copy);
    beamr_vfs_unref(vfs);
}

#define MANY 200000

static void fill(beamr_vfs *vfs)
{
    char name[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        (void)file(vfs, name);
    }
}

/* As `rm -r` does that reads from the start each time; were holes passed one by one it would
 * not end. */
static void emptying_a_directory_from_its_start_ends(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs);
    guest_dirent e;
    int count = 0;

    (void)state;
    fill(vfs);
    for (; guest_dir_next(root, 0, &e); count++)
        assert_int_equal(guest_dir_unlink(vfs, root, e.name), GUEST_ESUCCESS);
    assert_int_equal(count, MANY);
    beamr_vfs_unref(vfs);
}

static void passing_many_holes_again_and_again_ends(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs);
    guest_dirent e;

    (void)state;
    fill(vfs);
    while (guest_dir_next(root, 2, &e) && e.cookie < MANY / 2)
        assert_int_equal(guest_dir_unlink(vfs, root, e.name), GUEST_ESUCCESS);
    for (int i = 0; i < MANY; i++) {
        assert_true(guest_dir_next(root, (uint64_t)(2 + i % 1000), &e));
        assert_int_equal(e.cookie, MANY / 2);
    }
    beamr_vfs_unref(vfs);
}

/* ---- Renaming ---- */

static void renaming_replaces_what_it_may(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f = file(vfs, "f"), *d = dir(vfs, root, "d");

    (void)state;
    (void)file(vfs, "g");
    (void)dir(vfs, root, "empty");
    (void)make(vfs, dir(vfs, root, "full"), "x", BEAMR_VFS_FILE);
    assert_int_equal(rename_in(vfs, root, "none", root, "x"), GUEST_ENOENT);
    assert_int_equal(rename_in(vfs, root, "f", root, "d"), GUEST_EISDIR);
    assert_int_equal(rename_in(vfs, root, "d", root, "f"), GUEST_ENOTDIR);
    assert_int_equal(rename_in(vfs, root, "d", root, "full"), GUEST_ENOTEMPTY);
    assert_int_equal(beamr_vfs_nodes(vfs), 7);

    assert_int_equal(rename_in(vfs, root, "f", root, "g"), GUEST_ESUCCESS);
    assert_ptr_equal(find(root, "g"), f);
    assert_null(find(root, "f"));
    assert_int_equal(rename_in(vfs, root, "d", root, "empty"), GUEST_ESUCCESS);
    assert_ptr_equal(find(root, "empty"), d);
    assert_int_equal(beamr_vfs_nodes(vfs), 5);
    assert_int_equal(rename_in(vfs, root, "g", d, "g"), GUEST_ESUCCESS);
    assert_ptr_equal(find(d, "g"), f);
    assert_null(find(root, "g"));
    assert_int_equal(rename_in(vfs, root, "empty", root, "empty"), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

static void a_directory_does_not_move_into_itself(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *a = dir(vfs, root, "a"), *c = dir(vfs, a, "c");

    (void)state;
    assert_int_equal(rename_in(vfs, root, "a", a, "x"), GUEST_EINVAL);
    assert_int_equal(rename_in(vfs, root, "a", c, "x"), GUEST_EINVAL);
    assert_int_equal(rename_in(vfs, root, "a", a, "c"), GUEST_EINVAL);
    assert_int_equal(rename_in(vfs, a, "c", root, "a"), GUEST_ENOTEMPTY);
    assert_int_equal(rename_in(vfs, a, "c", root, "c"), GUEST_ESUCCESS);
    assert_int_equal(rename_in(vfs, root, "a", c, "a"), GUEST_ESUCCESS);
    assert_ptr_equal(guest_node_parent(a), c);
    beamr_vfs_unref(vfs);
}

static void renaming_over_another_name_of_the_same_file_does_nothing(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f = file(vfs, "f");

    (void)state;
    assert_int_equal(guest_dir_link(vfs, root, b("g"), f), GUEST_ESUCCESS);
    assert_int_equal(rename_in(vfs, root, "f", root, "g"), GUEST_ESUCCESS);
    assert_ptr_equal(find(root, "f"), f);
    assert_ptr_equal(find(root, "g"), f);
    assert_int_equal(guest_node_stat(f).links, 2);
    beamr_vfs_unref(vfs);
}

static void a_replaced_file_lives_while_it_is_open(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f = guest_node_ref(file(vfs, "f"));

    (void)state;
    assert_int_equal(put(vfs, f, 0, "old"), GUEST_ESUCCESS);
    (void)file(vfs, "g");
    assert_int_equal(rename_in(vfs, root, "g", root, "f"), GUEST_ESUCCESS);
    assert_false(guest_node_has_name(f));
    assert_content(f, "old", 3);
    guest_node_unref(vfs, f);
    beamr_vfs_unref(vfs);
}

/* ---- Paths of directories, times, versions ---- */

static void a_directory_knows_its_path(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *c = dir(vfs, dir(vfs, root, "ab"), "c");
    char buf[8];
    size_t len;

    (void)state;
    assert_int_equal(guest_node_path(root, buf, 2, &len), GUEST_ESUCCESS);
    assert_string_equal(buf, "/");
    assert_int_equal(len, 1);
    assert_int_equal(guest_node_path(root, buf, 1, &len), GUEST_ERANGE);
    assert_int_equal(guest_node_path(c, buf, 5, &len), GUEST_ERANGE);
    assert_int_equal(guest_node_path(c, buf, 6, &len), GUEST_ESUCCESS);
    assert_string_equal(buf, "/ab/c");
    beamr_vfs_unref(vfs);
}

static void changes_set_times(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *f;
    beamr_vfs_stat s;

    (void)state;
    beamr_vfs_set_time(vfs, 10);
    f = file(vfs, "f");
    assert_int_equal(guest_node_stat(root).modified, 10);
    beamr_vfs_set_time(vfs, 20);
    assert_int_equal(put(vfs, f, 0, "x"), GUEST_ESUCCESS);
    s = guest_node_stat(f);
    assert_int_equal(s.modified, 20);
    assert_int_equal(s.changed, 20);
    assert_int_equal(s.accessed, 10);
    assert_int_equal(guest_node_stat(root).modified, 10);
    beamr_vfs_set_time(vfs, 30);
    assert_int_equal(guest_dir_link(vfs, root, b("g"), f), GUEST_ESUCCESS);
    s = guest_node_stat(f);
    assert_int_equal(s.modified, 20);
    assert_int_equal(s.changed, 30);
    guest_node_set_times(f, vfs, 1, 2);
    s = guest_node_stat(f);
    assert_int_equal(s.accessed, 1);
    assert_int_equal(s.modified, 2);
    assert_int_equal(s.changed, 30);
    beamr_vfs_unref(vfs);
}

static void versions_tell_what_changed(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *root = guest_vfs_root(vfs), *d = dir(vfs, root, "d"), *f = file(vfs, "f");
    vfs_node *g = make(vfs, d, "g", BEAMR_VFS_FILE);
    uint64_t mark = beamr_vfs_version(vfs);

    (void)state;
    assert_true(guest_node_stat(f).version <= mark);
    assert_int_equal(put(vfs, f, 0, "x"), GUEST_ESUCCESS);
    guest_node_set_times(g, vfs, 5, 5);
    assert_true(guest_node_stat(f).version > mark);
    assert_true(guest_node_stat(g).version <= mark);
    assert_true(guest_node_stat(d).version <= mark);
    assert_true(guest_node_stat(root).version <= mark);

    mark = beamr_vfs_version(vfs);
    assert_int_equal(rename_in(vfs, d, "g", root, "g"), GUEST_ESUCCESS);
    assert_true(guest_node_stat(g).version <= mark);
    assert_true(guest_node_stat(d).version > mark);
    assert_true(guest_node_stat(root).version > mark);
    beamr_vfs_unref(vfs);
}

static void ids_are_never_used_twice(void **state)
{
    beamr_vfs *vfs = open_default();
    uint64_t last = guest_node_stat(guest_vfs_root(vfs)).id;

    (void)state;
    for (int i = 0; i < 10; i++) {
        uint64_t id = guest_node_stat(file(vfs, "f")).id;

        assert_true(id > last);
        last = id;
        assert_int_equal(guest_dir_unlink(vfs, guest_vfs_root(vfs), b("f")), GUEST_ESUCCESS);
    }
    beamr_vfs_unref(vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_and_told_apart),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(a_file_without_a_name_lives_while_it_is_open),
        cmocka_unit_test(nothing_is_made_in_a_removed_directory),
        cmocka_unit_test(files_and_directories_are_removed_by_their_own_calls),
        cmocka_unit_test(a_file_has_as_many_names_as_it_was_given),
        cmocka_unit_test(nodes_and_names_are_limited),
        cmocka_unit_test(reading_a_directory_keeps_its_place),
        cmocka_unit_test(a_cookie_is_never_used_twice),
        cmocka_unit_test(emptying_a_directory_from_its_start_ends),
        cmocka_unit_test(passing_many_holes_again_and_again_ends),
        cmocka_unit_test(renaming_replaces_what_it_may),
        cmocka_unit_test(a_directory_does_not_move_into_itself),
        cmocka_unit_test(renaming_over_another_name_of_the_same_file_does_nothing),
        cmocka_unit_test(a_replaced_file_lives_while_it_is_open),
        cmocka_unit_test(a_directory_knows_its_path),
        cmocka_unit_test(changes_set_times),
        cmocka_unit_test(versions_tell_what_changed),
        cmocka_unit_test(ids_are_never_used_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
