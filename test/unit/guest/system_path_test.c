/* Paths: opening, making, moving, removing, with the errno of each mistake. */
#include "system_fixture.h"

static int setup(void **state)
{
    *state = new_system(NULL);
    return 0;
}

static int teardown(void **state)
{
    beamr_wasi_unref(*state);
    return 0;
}

/* ---- Opening ---- */

static void open_makes_a_file_and_finds_it_again(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = opened(w, at("a"), GUEST_OFLAG_CREAT, READ | WRITE);

    assert_int_equal(fd, 4);
    write_text(w, fd, "hello");
    assert_int_equal(guest_fd_close(w, fd), OK);
    fd = opened(w, at("a"), 0, READ);
    assert_reads(w, fd, "hello");
}

static void open_says_what_is_wrong_with_the_path(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "file", "");
    make_directory(w, "dir");
    assert_int_equal(open_error(w, at("none"), 0, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at("none/x"), GUEST_OFLAG_CREAT, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at(""), 0, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at("file/x"), GUEST_OFLAG_CREAT, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("file/"), 0, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("file///"), 0, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("new/"), GUEST_OFLAG_CREAT, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir/"), 0, 0), OK);
    assert_int_equal(open_error(w, at("dir///"), 0, 0), OK);
}

static void open_flags_decide(void **state)
{
    beamr_wasi *w = *state;
    unsigned create = GUEST_OFLAG_CREAT, excl = create | GUEST_OFLAG_EXCL;

    make_file(w, "file", "text");
    make_directory(w, "dir");
    assert_int_equal(open_error(w, at("file"), excl, 0), GUEST_EEXIST);
    assert_int_equal(open_error(w, at("dir"), excl, 0), GUEST_EEXIST);
    assert_int_equal(open_error(w, at("new"), excl, 0), OK);
    assert_int_equal(open_error(w, at("file"), GUEST_OFLAG_DIRECTORY, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("dir"), create, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), GUEST_OFLAG_TRUNC, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), 0, WRITE), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), GUEST_OFLAG_DIRECTORY, READ | WRITE),
                     GUEST_EISDIR);
    assert_int_equal(open_error(w, at("x"), create | GUEST_OFLAG_DIRECTORY, 0), GUEST_EINVAL);
    assert_int_equal(open_error(w, at("x"), 0x10, 0), GUEST_EINVAL);
    assert_int_equal(stat_of(w, at("file")).size, 4);
    assert_int_equal(open_error(w, at("file"), GUEST_OFLAG_TRUNC, 0), OK);
    assert_int_equal(stat_of(w, at("file")).size, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(open_makes_a_file_and_finds_it_again, setup, teardown),
    cmocka_unit_test_setup_teardown(open_says_what_is_wrong_with_the_path, setup, teardown),
    cmocka_unit_test_setup_teardown(open_flags_decide, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests_name("system_path", tests, NULL, NULL);
}
