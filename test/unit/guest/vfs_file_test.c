/* Contents of files: guest/vfs_file.c, and what counts towards the limits. */
#include "vfs_fixture.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
