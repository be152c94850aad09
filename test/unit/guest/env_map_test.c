/* Mapping files through env, by each type that the functions have had. */
#include "env_fixture.h"

enum { READS = 1, WRITES = 3, SHARED = 1, PRIVATE = 2 };

static void assert_content(fixture *f, const char *path, const char *expected)
{
    beamr_bytes content;

    assert_int_equal(
        beamr_vfs_read(beamr_wasi_vfs(f->wasi), beamr_bytes_of(path), true, &content, NULL),
        BEAMR_OK);
    assert_int_equal(content.len, strlen(expected));
    assert_memory_equal(content.data, expected, content.len);
}

EACH_WIDTH(a_mapping_is_a_copy_filled_up_with_zeros)
{
    int64_t fd = make_file(f, "a", "0123456789");
    uint64_t at;

    memset(memory_at(f, HEAP), 0xee, 100);
    assert_int_equal(DO_TYPED("_mmap_js", "PiiilPP:i", 16, READS, PRIVATE, fd, 4, DATA, ARGS),
                     0);
    assert_int_equal(get_number(f, DATA, 4), 1);
    at = get_number(f, ARGS, word_of(f));
    assert_int_equal(at, HEAP);
    assert_memory_equal(memory_at(f, at), "456789\0\0\0\0\0\0\0\0\0\0\xee", 17);
    assert_int_equal(DO_TYPED("_mmap_js", "PiiiiiPP:i", 4, READS, SHARED, fd, 2, 0, DATA, ARGS),
                     0);
    at = get_number(f, ARGS, word_of(f));
    assert_memory_equal(memory_at(f, at), "2345", 4);
    at = (uint64_t)DO_TYPED("_mmap_js", "PiiiPP:P", 4, READS, SHARED, fd, 6, DATA);
    assert_memory_equal(memory_at(f, at), "6789", 4);
}

EACH_WIDTH(mappings_behind_the_end_are_zeros)
{
    int64_t fd = make_file(f, "a", "text");
    uint64_t at;

    assert_int_equal(DO("_mmap_js", 16, READS, PRIVATE, fd, 65536, DATA, ARGS), 0);
    at = get_number(f, ARGS, word_of(f));
    assert_memory_equal(memory_at(f, at), "\0\0\0\0", 4);
}

static void old_and_middle_modules_with_32_bits_pass_seven_numbers(void **state)
{
    fixture opened = open_env(false), *f = &opened;
    int64_t fd = make_file(f, "a", "0123456789");
    uint64_t at;

    (void)state;
    f->call.dialect = GUEST_ENV_OLD; /* (addr, len, prot, flags, fd, offset, allocated) */
    at = (uint64_t)DO_TYPED("_mmap_js", "PPiiiPP:P", 0, 4, READS, PRIVATE, fd, 3, DATA);
    assert_memory_equal(memory_at(f, at), "3456", 4);
    f->call.dialect = GUEST_ENV_MIDDLE; /* (len, prot, flags, fd, offset, allocated, addr) */
    assert_int_equal(DO_TYPED("_mmap_js", "PiiiPPP:i", 4, READS, PRIVATE, fd, 5, DATA, ARGS),
                     0);
    assert_memory_equal(memory_at(f, get_number(f, ARGS, 4)), "5678", 4);
    close_env(f);
}

EACH_WIDTH(shared_mappings_are_written_back_within_the_file)
{
    int64_t fd = make_file(f, "a", "0123456789");

    (void)text_at(f, DATA, "abcdefgh");
    assert_int_equal(DO_TYPED("_msync_js", "PPiiil:i", DATA, 4, WRITES, SHARED, fd, 2), 0);
    assert_content(f, "a", "01abcd6789");
    assert_int_equal(DO_TYPED("_munmap_js", "PPiiil:i", DATA, 8, WRITES, SHARED, fd, 6), 0);
    assert_content(f, "a", "01abcdabcd");
    assert_int_equal(DO_TYPED("_munmap_js", "PPiiil:i", DATA, 8, WRITES, PRIVATE, fd, 0), 0);
    assert_int_equal(DO_TYPED("_munmap_js", "PPiiil:i", DATA, 8, READS, SHARED, fd, 0), 0);
    assert_content(f, "a", "01abcdabcd");
    assert_int_equal(DO_TYPED("_munmap_js", "PPiiiii:i", DATA, 1, WRITES, SHARED, fd, 9, 0), 0);
    assert_int_equal(DO_TYPED("_msync_js", "PPiiiii:i", DATA, 1, WRITES, SHARED, fd, 8, 0), 0);
    assert_content(f, "a", "01abcdabaa");
    assert_int_equal(DO_TYPED("_munmap_js", "PPiiiP:i", DATA, 1, WRITES, SHARED, fd, 7), 0);
    assert_int_equal(DO_TYPED("_msync_js", "PPiiiP:i", DATA, 1, WRITES, SHARED, fd, 6), 0);
    assert_content(f, "a", "01abcdaaaa");
    assert_int_equal(DO_TYPED("_msync_js", "PPii:i", DATA, 2, SHARED, fd), 0);
    assert_content(f, "a", "ababcdaaaa");
    assert_int_equal(DO("_msync_js", DATA, 2, WRITES, SHARED, fd, 100), 0);
}

EACH_WIDTH(mappings_that_cannot_be_are_refused)
{
    int64_t fd = make_file(f, "a", "text"), reads = open_at(f, "a", 0);

    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, 99, 0, DATA, ARGS), BADF);
    assert_errno(DO("_mmap_js", 0, READS, PRIVATE, fd, 0, DATA, ARGS), INVAL);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, fd, -1, DATA, ARGS), OVERFLOW);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, open_at(f, "/", 0), 0, DATA, ARGS), NODEV);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, 1, 0, DATA, ARGS), NODEV);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, open_at(f, "a", OPEN_WRITE), 0, DATA, ARGS),
                 ACCES);
    assert_errno(DO("_mmap_js", 4, WRITES, SHARED, reads, 0, DATA, ARGS), ACCES);
    assert_int_equal(DO("_mmap_js", 4, WRITES, PRIVATE, reads, 0, DATA, ARGS), 0);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, fd, 0, MEMORY, ARGS), FAULT);
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, fd, 0, DATA, MEMORY), FAULT);
    /* What the allocator gave does not lie in memory. */
    assert_errno(DO("_mmap_js", MEMORY, READS, PRIVATE, fd, 0, DATA, ARGS), FAULT);
    f->call.caller = NULL; /* no allocator */
    assert_errno(DO("_mmap_js", 4, READS, PRIVATE, fd, 0, DATA, ARGS), NOMEM);
    assert_errno(DO("_msync_js", DATA, 2, WRITES, SHARED, 99, 0), BADF);
    assert_errno(DO("_msync_js", DATA, 2, WRITES, SHARED, 1, 0), NODEV);
    assert_errno(DO("_msync_js", MEMORY, 2, WRITES, SHARED, fd, 0), FAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_a_copy_filled_up_with_zeros),
        cmocka_unit_test(mappings_behind_the_end_are_zeros),
        cmocka_unit_test(old_and_middle_modules_with_32_bits_pass_seven_numbers),
        cmocka_unit_test(shared_mappings_are_written_back_within_the_file),
        cmocka_unit_test(mappings_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
