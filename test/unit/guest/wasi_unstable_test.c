/* What is different in wasi_unstable: whence, filestat, and that there is no sock_accept. Its
 * subscriptions are tested in wasi_poll_test.c. */
#include "wasi_fixture.h"

static int unstable_setup(void **state)
{
    world_options o = {.is_unstable = true};

    *state = world_open(*(const bool *)*state, &o);
    return 0;
}

static void whence_begins_with_the_position(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "0123456789");
    fd = world_file(w, "file", 0, 0);
    assert_success(CALL(w, fd_seek, fd, 4, 2, OUT)); /* the beginning */
    assert_int_equal(world_get(w, OUT, 8), 4);
    assert_success(CALL(w, fd_seek, fd, 3, 0, OUT)); /* the position */
    assert_int_equal(world_get(w, OUT, 8), 7);
    assert_success(CALL(w, fd_seek, fd, (uint64_t)-1, 1, OUT)); /* the end */
    assert_int_equal(world_get(w, OUT, 8), 9);
    assert_errno(CALL(w, fd_seek, fd, 0, 3, OUT), GUEST_EINVAL);
    assert_errno(CALL(w, fd_seek, fd, 0, 0, END - 7), GUEST_EFAULT);
    assert_errno(CALL(w, fd_seek, 99, 0, 0, OUT), GUEST_EBADF);
}

static void expect_filestat(world *w)
{
    assert_int_equal(world_get(w, OUT + 16, 1), GUEST_FILETYPE_REGULAR_FILE);
    assert_int_equal(world_get(w, OUT + 20, 4), 2);
    assert_int_equal(world_get(w, OUT + 24, 8), 10);
    assert_int_equal(world_get(w, OUT + 32, 8), 11);
    assert_int_equal(world_get(w, OUT + 40, 8), 22);
    assert_int_equal(world_get(w, OUT + 56, 1), 0xff);
}

static void filestat_is_56_bytes(void **state)
{
    world *w = *state;
    uint64_t len, len2;
    uint32_t fd;

    world_make(w, "file", "0123456789");
    len = world_text(w, PATH, "file");
    len2 = world_text(w, PATH2, "second");
    assert_success(CALL(w, path_link, 3, 0, PATH, len, 3, PATH2, len2));
    assert_int_equal(beamr_vfs_set_times(w->vfs, beamr_bytes_of("file"), true, 11, 22, NULL),
                     BEAMR_OK);
    fd = world_file(w, "file", 0, 0);
    memset(world_at(w, OUT), 0xff, 64);
    assert_success(CALL(w, fd_filestat_get, fd, OUT));
    expect_filestat(w);
    memset(world_at(w, OUT), 0xff, 64);
    assert_success(CALL(w, path_filestat_get, 3, 0, PATH, len, OUT));
    expect_filestat(w);
    WORLD_CASES(w, {"fd_filestat_get", GUEST_ESUCCESS, {fd, END - 56}},
                {"fd_filestat_get", GUEST_EFAULT, {fd, END - 55}},
                {"fd_filestat_get", GUEST_EBADF, {99, OUT}},
                {"path_filestat_get", GUEST_ESUCCESS, {3, 0, PATH, len, END - 56}},
                {"path_filestat_get", GUEST_EFAULT, {3, 0, PATH, len, END - 55}},
                {"path_filestat_get", GUEST_EINVAL, {3, 2, PATH, len, OUT}},
                {"path_filestat_get", GUEST_ENOENT, {3, 0, PATH, len - 1, OUT}});
}

static void the_rest_is_the_same(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "new", GUEST_OFLAG_CREAT, 0);

    world_write_text(w, fd, "content");
    world_expect(w, "new", "content");
    world_write_text(w, 1, "output");
    assert_string_equal(w->output, "output");
    assert_success(CALL(w, fd_prestat_get, 3, OUT));
    assert_success(CALL(w, sched_yield, 0));
    assert_trap(w, CALL(w, proc_exit, 3), BEAMR_TRAP_EXIT);
}

static void there_is_no_sock_accept(void **state)
{
    assert_int_equal(CALL((world *)*state, sock_accept, 1, 0, OUT), -1);
}

#define UNSTABLE_TESTS(f)                                                                      \
    {#f "_32", f, unstable_setup, world_teardown, (void *)(uintptr_t)&world_widths[0]},        \
    {                                                                                          \
#f "_64", f, unstable_setup, world_teardown, (void *)(uintptr_t)&world_widths[1]       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNSTABLE_TESTS(whence_begins_with_the_position),
        UNSTABLE_TESTS(filestat_is_56_bytes),
        UNSTABLE_TESTS(the_rest_is_the_same),
        UNSTABLE_TESTS(there_is_no_sock_accept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
