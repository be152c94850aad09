/* Nodes, contents and directories: guest/vfs.h without paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/vfs.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static beamr_vfs *open_with(beamr_vfs_limits limits)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(&limits, &vfs, NULL), BEAMR_OK);
    return vfs;
}

static beamr_vfs *open_default(void)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    return vfs;
}

static beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static vfs_node *find(const vfs_node *dir, const char *name)
{
    vfs_node *node = NULL;

    return guest_dir_find(dir, b(name), &node) == GUEST_ESUCCESS ? node : NULL;
}

static vfs_node *make(beamr_vfs *vfs, vfs_node *dir, const char *name, beamr_vfs_kind kind)
{
    vfs_node *node = NULL;

    assert_int_equal(guest_dir_make(vfs, dir, b(name), kind, &node), GUEST_ESUCCESS);
    return node;
}

static vfs_node *file(beamr_vfs *vfs, const char *name)
{
    return make(vfs, guest_vfs_root(vfs), name, BEAMR_VFS_FILE);
}

static vfs_node *dir(beamr_vfs *vfs, vfs_node *parent, const char *name)
{
    return make(vfs, parent, name, BEAMR_VFS_DIRECTORY);
}

static guest_errno put(beamr_vfs *vfs, vfs_node *node, uint64_t offset, const char *text)
{
    size_t done = 0;
    guest_errno e = guest_file_write(vfs, node, offset, text, strlen(text), &done);

    if (e == GUEST_ESUCCESS)
        assert_int_equal(done, strlen(text));
    return e;
}

static void assert_content(const vfs_node *node, const void *want, size_t len)
{
    char *got = malloc(len + 1);
    size_t count = 0;

    assert_non_null(got);
    guest_file_read(node, 0, got, len + 1, &count);
    assert_int_equal(count, len);
    assert_memory_equal(got, want, len);
    free(got);
}

static uint64_t size_of(const vfs_node *node)
{
    return guest_node_stat(node).size;
}

/* All bytes between are zero. */
static void assert_zero(const vfs_node *node, uint64_t from, uint64_t to)
{
    uint8_t part[4096];

    while (from < to) {
        size_t want = to - from < sizeof part ? (size_t)(to - from) : sizeof part, got = 0;

        guest_file_read(node, from, part, want, &got);
        assert_int_equal(got, want);
        for (size_t i = 0; i < want; i++)
            assert_int_equal(part[i], 0);
        from += want;
    }
}

/* ---- Contents ---- */

static void a_file_reads_what_was_written(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *f = file(vfs, "f");
    char buf[8];
    size_t got = 9;

    (void)state;
    guest_file_read(f, 0, buf, sizeof buf, &got);
    assert_int_equal(got, 0);
    assert_int_equal(put(vfs, f, 0, "hello"), GUEST_ESUCCESS);
    assert_int_equal(put(vfs, f, 3, "p!!"), GUEST_ESUCCESS);
    assert_content(f, "help!!", 6);
    guest_file_read(f, 4, buf, sizeof buf, &got);
    assert_int_equal(got, 2);
    guest_file_read(f, 6, buf, sizeof buf, &got);
    assert_int_equal(got, 0);
    guest_file_read(f, UINT64_MAX, buf, sizeof buf, &got);
    assert_int_equal(got, 0);
    assert_int_equal(beamr_vfs_bytes(vfs), 7); /* and the name */
    beamr_vfs_unref(vfs);
}

static void a_gap_reads_as_zeros_in_files_of_all_sizes(void **state)
{
    static const uint64_t gaps[] = {1, 31, 100, 5000, MIB - 1, MIB, 3 * MIB + 5};

    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        beamr_vfs *vfs = open_default();
        vfs_node *f = file(vfs, "f");

        assert_int_equal(put(vfs, f, 0, "abc"), GUEST_ESUCCESS);
        assert_int_equal(put(vfs, f, 3 + gaps[i], "d"), GUEST_ESUCCESS);
        assert_int_equal(size_of(f), 4 + gaps[i]);
        assert_zero(f, 3, 3 + gaps[i]);
        beamr_vfs_unref(vfs);
    }
}

static void what_was_cut_off_comes_back_as_zeros(void **state)
{
    static const uint64_t sizes[] = {10, 4000, 300 * KIB, MIB + 10, 5 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        beamr_vfs *vfs = open_default();
        vfs_node *f = file(vfs, "f");
        uint64_t size = sizes[i];
        char *text = malloc(size + 1);

        assert_non_null(text);
        memset(text, 'x', size);
        text[size] = '\0';
        for (uint64_t cut = size - 1; cut > 0; cut /= 3) {
            assert_int_equal(put(vfs, f, 0, text), GUEST_ESUCCESS);
            assert_int_equal(guest_file_resize(vfs, f, cut), GUEST_ESUCCESS);
            assert_int_equal(beamr_vfs_bytes(vfs), cut + 1);
            assert_int_equal(guest_file_resize(vfs, f, size + 7), GUEST_ESUCCESS);
            assert_zero(f, cut, size + 7);
            assert_int_equal(guest_file_resize(vfs, f, cut), GUEST_ESUCCESS);
            assert_content(f, text, cut);
            assert_int_equal(put(vfs, f, cut + 3, "y"), GUEST_ESUCCESS);
            assert_zero(f, cut, cut + 3);
        }
        assert_int_equal(guest_file_resize(vfs, f, 0), GUEST_ESUCCESS);
        assert_content(f, "", 0);
        free(text);
        beamr_vfs_unref(vfs);
    }
}

static void a_million_appends_of_one_byte_end(void **state)
{
    beamr_vfs *vfs = open_default();
    vfs_node *f = file(vfs, "f");
    uint8_t last;
    size_t got;

    (void)state;
    for (uint64_t i = 0; i < 1500000; i++) {
        uint8_t byte = (uint8_t)(i * 7);

        assert_int_equal(guest_file_write(vfs, f, i, &byte, 1, &got), GUEST_ESUCCESS);
    }
    guest_file_read(f, 1200000, &last, 1, &got);
    assert_int_equal(last, (uint8_t)(1200000u * 7));
    beamr_vfs_unref(vfs);
}

static void a_gigabyte_of_zeros_takes_no_memory(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_vfs *vfs;
    FILE *status;
    char line[256];
    unsigned long before = 0, after = 0;

    (void)state;
    limits.max_bytes = limits.max_file_size = 64 * GIB;
    vfs = open_with(limits);
    for (int i = 0; i < 2; i++) {
        vfs_node *f = file(vfs, i ? "g" : "f");

        status = fopen("/proc/self/status", "r");
        assert_non_null(status);
        while (fgets(line, sizeof line, status))
            (void)sscanf(line, "VmHWM: %lu kB", &before);
        (void)fclose(status);
        if (i)
            assert_int_equal(put(vfs, f, 8 * GIB, "x"), GUEST_ESUCCESS);
        else
            assert_int_equal(guest_file_resize(vfs, f, 8 * GIB), GUEST_ESUCCESS);
        status = fopen("/proc/self/status", "r");
        assert_non_null(status);
        while (fgets(line, sizeof line, status))
            (void)sscanf(line, "VmHWM: %lu kB", &after);
        (void)fclose(status);
        assert_true(after < before + 64 * KIB);
    }
    beamr_vfs_unref(vfs);
}

static void a_file_ends_at_its_limit(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_vfs *vfs;
    vfs_node *f;
    size_t done;

    (void)state;
    limits.max_file_size = 100;
    vfs = open_with(limits);
    f = file(vfs, "f");
    assert_int_equal(put(vfs, f, 100, "x"), GUEST_EFBIG);
    assert_int_equal(put(vfs, f, UINT64_MAX, "x"), GUEST_EFBIG);
    assert_int_equal(put(vfs, f, UINT64_MAX - 1, "xyz"), GUEST_EFBIG);
    assert_int_equal(guest_file_resize(vfs, f, 101), GUEST_EFBIG);
    assert_int_equal(size_of(f), 0);
    assert_int_equal(guest_file_write(vfs, f, 98, "abcd", 4, &done), GUEST_ESUCCESS);
    assert_int_equal(done, 2);
    assert_int_equal(size_of(f), 100);
    assert_int_equal(guest_file_write(vfs, f, 500, "abcd", 0, &done), GUEST_ESUCCESS);
    assert_int_equal(done, 0);
    assert_int_equal(guest_file_resize(vfs, f, 100), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

static void contents_names_and_targets_share_one_limit(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_vfs *vfs;
    vfs_node *root, *f;
    size_t done;

    (void)state;
    limits.max_bytes = 20;
    vfs = open_with(limits);
    root = guest_vfs_root(vfs);
    f = file(vfs, "four");
    assert_int_equal(guest_file_write(vfs, f, 10, "0123456789", 10, &done), GUEST_ESUCCESS);
    assert_int_equal(done, 6);
    assert_int_equal(beamr_vfs_bytes(vfs), 20);
    assert_int_equal(put(vfs, f, 16, "x"), GUEST_ENOSPC);
    assert_int_equal(put(vfs, f, 0, "overwritten"), GUEST_ESUCCESS);
    assert_int_equal(guest_file_resize(vfs, f, 17), GUEST_ENOSPC);
    assert_int_equal(guest_dir_make(vfs, root, b("x"), BEAMR_VFS_FILE, NULL), GUEST_ENOSPC);
    assert_int_equal(guest_dir_link(vfs, root, b("x"), f), GUEST_ENOSPC);
    assert_int_equal(guest_dir_symlink(vfs, root, b("x"), b("y")), GUEST_ENOSPC);
    assert_int_equal(guest_dir_rename(vfs, root, b("four"), root, b("fives")), GUEST_ENOSPC);
    assert_int_equal(guest_dir_rename(vfs, root, b("four"), root, b("IIII")), GUEST_ESUCCESS);
    assert_int_equal(guest_file_resize(vfs, f, 14), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_symlink(vfs, root, b("x"), b("y")), GUEST_ESUCCESS);
    assert_int_equal(guest_dir_unlink(vfs, root, b("IIII")), GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_bytes(vfs), 2);
    beamr_vfs_unref(vfs);
}

static void copies_share_contents_until_one_writes(void **state)
{
    static const uint64_t sizes[] = {5, 2 * MIB};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        beamr_vfs *vfs = open_default(), *copy = NULL;
        vfs_node *f = file(vfs, "f"), *g;
        beamr_bytes one, other;

        assert_int_equal(put(vfs, f, sizes[i] - 5, "hello"), GUEST_ESUCCESS);
        assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
        g = find(guest_vfs_root(copy), "f");
        assert_int_equal(beamr_vfs_read(vfs, b("f"), true, &one, NULL), BEAMR_OK);
        assert_int_equal(beamr_vfs_read(copy, b("f"), true, &other, NULL), BEAMR_OK);
        assert_ptr_equal(one.data, other.data);

        assert_int_equal(put(copy, g, sizes[i], " there"), GUEST_ESUCCESS);
        assert_int_equal(put(vfs, f, sizes[i] - 5, "J"), GUEST_ESUCCESS);
        assert_int_equal(size_of(f), sizes[i]);
        assert_int_equal(size_of(g), sizes[i] + 6);
        beamr_vfs_unref(vfs);
        assert_int_equal(beamr_vfs_read(copy, b("f"), true, &other, NULL), BEAMR_OK);
        assert_memory_equal(other.data + sizes[i] - 5, "hello there", 11);
        assert_zero(g, 0, sizes[i] - 5);
        beamr_vfs_unref(copy);
    }
}

static void a_copy_that_is_cut_leaves_the_other_whole(void **state)
{
    beamr_vfs *vfs = open_default(), *copy = NULL;
    vfs_node *f = file(vfs, "f"), *g;

    (void)state;
    assert_int_equal(put(vfs, f, 0, "hello there"), GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    g = find(guest_vfs_root(copy), "f");
    assert_int_equal(guest_file_resize(copy, g, 8), GUEST_ESUCCESS);
    assert_int_equal(guest_file_resize(copy, g, 11), GUEST_ESUCCESS);
    assert_content(g, "hello th\0\0", 11);
    assert_int_equal(guest_file_resize(copy, g, 2), GUEST_ESUCCESS);
    assert_int_equal(guest_file_resize(copy, g, 0), GUEST_ESUCCESS);
    assert_content(f, "hello there", 11);
    beamr_vfs_unref(copy);
    beamr_vfs_unref(vfs);
}

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

static guest_errno rename_in(beamr_vfs *vfs, vfs_node *from, const char *name, vfs_node *to,
                             const char *new_name)
{
    return guest_dir_rename(vfs, from, b(name), to, b(new_name));
}

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

/* ---- Depth ---- */

static beamr_vfs *open_deep(uint32_t max_depth)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;

    limits.max_depth = max_depth;
    return open_with(limits);
}

/* Directories named "d", below each other. */
static vfs_node *chain(beamr_vfs *vfs, vfs_node *at, int count)
{
    while (count-- > 0)
        at = dir(vfs, at, "d");
    return at;
}

static void directories_are_as_deep_as_the_limit(void **state)
{
    beamr_vfs *vfs = open_deep(10);
    vfs_node *last = chain(vfs, guest_vfs_root(vfs), 10);

    (void)state;
    assert_int_equal(guest_dir_make(vfs, last, b("d"), BEAMR_VFS_DIRECTORY, NULL),
                     GUEST_EMLINK);
    assert_int_equal(guest_dir_make(vfs, last, b("f"), BEAMR_VFS_FILE, NULL), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

static void moving_a_tree_minds_its_depth(void **state)
{
    beamr_vfs *vfs = open_deep(10);
    vfs_node *root = guest_vfs_root(vfs), *a = dir(vfs, root, "a"), *c = dir(vfs, root, "c");
    vfs_node *end;

    (void)state;
    end = chain(vfs, a, 5); /* a has height 5 */
    (void)chain(vfs, c, 4);
    assert_int_equal(rename_in(vfs, root, "a", chain(vfs, dir(vfs, c, "x"), 3), "a"),
                     GUEST_EMLINK); /* 5 + 1 + 5 */
    assert_int_equal(guest_dir_rmdir(vfs, guest_node_parent(end), b("d")), GUEST_ESUCCESS);
    assert_int_equal(
        rename_in(vfs, root, "a", find(find(find(find(c, "x"), "d"), "d"), "d"), "a"),
        GUEST_ESUCCESS);
    /* Now c is 10 deep: nothing may go below another. */
    (void)dir(vfs, root, "top");
    assert_int_equal(rename_in(vfs, root, "c", find(root, "top"), "c"), GUEST_EMLINK);
    assert_int_equal(rename_in(vfs, root, "c", root, "top"), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

/* The deepest directory below each is found by looking, and compared with what moves. */
static uint32_t height_by_looking(const vfs_node *at)
{
    guest_dirent e;
    uint32_t height = 0;

    for (uint64_t cookie = 0; guest_dir_next(at, cookie, &e); cookie = e.cookie + 1) {
        uint32_t below = height_by_looking(e.node) + 1;

        height = below > height ? below : height;
    }
    return height;
}

static uint32_t depth_by_looking(const vfs_node *at)
{
    uint32_t depth = 0;

    for (; guest_node_parent(at) != at; at = guest_node_parent(at))
        depth++;
    return depth;
}

static void random_moves_keep_the_limit_exactly(void **state)
{
    enum { COUNT = 40, DEPTH = 7 };
    beamr_vfs *vfs = open_deep(DEPTH);
    vfs_node *nodes[COUNT];
    uint32_t random = 1, moved = 0, refused = 0;
    char name[COUNT][8];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name[i], sizeof name[i], "%d", i);
        nodes[i] = dir(vfs, guest_vfs_root(vfs), name[i]);
    }
    for (int step = 0; step < 20000; step++) {
        vfs_node *what, *to;
        uint32_t pick, height;
        guest_errno e;

        random = random * 1664525 + 1013904223;
        pick = (random >> 8) % COUNT;
        what = nodes[pick];
        to = (random >> 20) % 16 ? nodes[(random >> 16) % COUNT] : guest_vfs_root(vfs);
        height = height_by_looking(what);
        e = rename_in(vfs, guest_node_parent(what), name[pick], to, name[pick]);
        if (e == GUEST_EINVAL)
            continue;
        if (e == GUEST_ESUCCESS) {
            moved++;
            assert_true(depth_by_looking(what) + height <= DEPTH);
        } else {
            refused++;
            assert_int_equal(e, GUEST_EMLINK);
            assert_true(depth_by_looking(to) + 1 + height > DEPTH);
        }
    }
    assert_true(moved > 1000 && refused > 100);
    beamr_vfs_unref(vfs);
}

static void a_deep_tree_is_copied_and_freed(void **state)
{
    enum { DEEP = 4096 };
    beamr_vfs *vfs = open_deep(UINT32_MAX), *copy = NULL;

    (void)state;
    /* By putting one above the other: to make them downwards would climb to the root each. */
    for (int i = 0; i < DEEP; i++) {
        vfs_node *root = guest_vfs_root(vfs), *above = dir(vfs, root, "new");

        if (find(root, "d"))
            assert_int_equal(rename_in(vfs, root, "d", above, "d"), GUEST_ESUCCESS);
        assert_int_equal(rename_in(vfs, root, "new", root, "d"), GUEST_ESUCCESS);
    }
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(copy), DEEP + 1);
    beamr_vfs_unref(vfs);
    assert_int_equal(beamr_vfs_remove(copy, b("d"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(copy), 1);
    beamr_vfs_unref(copy);
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
        cmocka_unit_test(a_file_reads_what_was_written),
        cmocka_unit_test(a_gap_reads_as_zeros_in_files_of_all_sizes),
        cmocka_unit_test(what_was_cut_off_comes_back_as_zeros),
        cmocka_unit_test(a_million_appends_of_one_byte_end),
        cmocka_unit_test(a_gigabyte_of_zeros_takes_no_memory),
        cmocka_unit_test(a_file_ends_at_its_limit),
        cmocka_unit_test(contents_names_and_targets_share_one_limit),
        cmocka_unit_test(copies_share_contents_until_one_writes),
        cmocka_unit_test(a_copy_that_is_cut_leaves_the_other_whole),
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
        cmocka_unit_test(directories_are_as_deep_as_the_limit),
        cmocka_unit_test(moving_a_tree_minds_its_depth),
        cmocka_unit_test(random_moves_keep_the_limit_exactly),
        cmocka_unit_test(a_deep_tree_is_copied_and_freed),
        cmocka_unit_test(a_directory_knows_its_path),
        cmocka_unit_test(changes_set_times),
        cmocka_unit_test(versions_tell_what_changed),
        cmocka_unit_test(ids_are_never_used_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
