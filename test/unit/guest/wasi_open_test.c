/* WASI's path_open: flags, rights and what new descriptors inherit. */
#include "wasi_fixture.h"

#define READ GUEST_RIGHT_FD_READ
#define WRITE GUEST_RIGHT_FD_WRITE

static uint64_t rights_of(world *w, uint64_t fd, uint64_t *inheriting)
{
    assert_success(CALL(w, fd_fdstat_get, fd, OUT));
    *inheriting = world_get(w, OUT + 16, 8);
    return world_get(w, OUT + 8, 8);
}

static void opening_takes_the_smallest_free_number(void **state)
{
    world *w = *state;

    world_make(w, "file", "");
    assert_int_equal(world_file(w, "file", 0, 0), 4);
    assert_int_equal(world_file(w, "file", 0, 0), 5);
    assert_success(CALL(w, fd_close, 4));
    assert_success(CALL(w, fd_close, 1));
    assert_int_equal(world_file(w, "file", 0, 0), 1);
    assert_int_equal(world_file(w, "file", 0, 0), 4);
}

static void the_result_is_four_bytes_in_both_widths(void **state)
{
    world *w = *state;

    world_make(w, "file", "");
    world_put(w, OUT, UINT64_MAX, 8);
    assert_success(world_open_at(w, 3, "file", 0, READ, 0, 0));
    assert_int_equal(world_get(w, OUT, 8), UINT64_C(0xffffffff00000004));
}

static void as_many_are_open_as_there_may_be(void **state)
{
    world_options o = {.wasi = {.max_open = 6}};
    world *w = world_open(*(const bool *)*state, &o);

    world_make(w, "file", "");
    assert_int_equal(world_file(w, "file", 0, 0), 4);
    assert_int_equal(world_file(w, "file", 0, 0), 5);
    assert_errno(world_open_at(w, 3, "file", 0, READ, 0, 0), GUEST_EMFILE);
    assert_errno(world_open_at(w, 3, "new", GUEST_OFLAG_CREAT, READ, 0, 0), GUEST_EMFILE);
    assert_false(world_exists(w, "new"));
    assert_success(CALL(w, fd_close, 4));
    assert_int_equal(world_file(w, "file", 0, 0), 4);
    world_close(w);
}

static void creating_makes_what_is_missing(void **state)
{
    world *w = *state;

    assert_errno(world_open_at(w, 3, "new", 0, READ, 0, 0), GUEST_ENOENT);
    assert_success(world_open_at(w, 3, "new", GUEST_OFLAG_CREAT, READ, 0, 0));
    world_expect(w, "new", "");
    world_make(w, "new", "content");
    assert_success(world_open_at(w, 3, "new", GUEST_OFLAG_CREAT, READ, 0, 0));
    world_expect(w, "new", "content");
    assert_errno(world_open_at(w, 3, "slash/", GUEST_OFLAG_CREAT, READ, 0, 0), GUEST_EISDIR);
    assert_false(world_exists(w, "slash"));
}

static void exclusive_creating_refuses_what_is_there(void **state)
{
    world *w = *state;
    uint64_t excl = GUEST_OFLAG_CREAT | GUEST_OFLAG_EXCL;

    assert_success(world_open_at(w, 3, "new", excl, READ, 0, 0));
    assert_errno(world_open_at(w, 3, "new", excl, READ, 0, 0), GUEST_EEXIST);
    assert_success(world_path(w, "path_create_directory", 3, "dir"));
    assert_errno(world_open_at(w, 3, "dir", excl, READ, 0, 0), GUEST_EEXIST);
    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("nowhere"), beamr_bytes_of("link"), NULL),
        BEAMR_OK);
    assert_errno(world_open_at(w, 3, "link", excl, READ, 0, 0), GUEST_EEXIST);
    assert_false(world_exists(w, "nowhere"));
}

static void directory_refuses_what_is_none(void **state)
{
    world *w = *state;

    world_make(w, "file", "");
    assert_success(world_path(w, "path_create_directory", 3, "dir"));
    assert_errno(world_open_at(w, 3, "file", GUEST_OFLAG_DIRECTORY, 0, 0, 0), GUEST_ENOTDIR);
    assert_errno(world_open_at(w, 3, "file/", 0, 0, 0, 0), GUEST_ENOTDIR);
    assert_success(world_open_at(w, 3, "dir", GUEST_OFLAG_DIRECTORY, 0, 0, 0));
    assert_success(world_open_at(w, 3, "dir/", 0, 0, 0, 0));
    assert_success(world_open_at(w, 3, ".", GUEST_OFLAG_DIRECTORY, 0, 0, 0));
    assert_errno(world_open_at(w, 3, "dir", 0, WRITE, 0, 0), GUEST_EISDIR);
}

static void truncating_empties_a_file(void **state)
{
    world *w = *state;

    world_make(w, "file", "content");
    assert_success(world_open_at(w, 3, "file", GUEST_OFLAG_TRUNC, READ | WRITE, 0, 0));
    world_expect(w, "file", "");
    assert_success(world_path(w, "path_create_directory", 3, "dir"));
    assert_errno(world_open_at(w, 3, "dir", GUEST_OFLAG_TRUNC, WRITE, 0, 0), GUEST_EISDIR);
    assert_errno(world_open_at(w, 3, "dir", GUEST_OFLAG_CREAT | GUEST_OFLAG_DIRECTORY, 0, 0, 0),
                 GUEST_EINVAL);
}

static void a_link_is_opened_only_when_it_is_to_be_followed(void **state)
{
    world *w = *state;
    uint64_t len;

    world_make(w, "file", "");
    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("file"), beamr_bytes_of("link"), NULL),
        BEAMR_OK);
    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("new"), beamr_bytes_of("dangling"), NULL),
        BEAMR_OK);
    len = world_text(w, PATH, "link");
    assert_errno(CALL(w, path_open, 3, 0, PATH, len, 0, READ, 0, 0, OUT), GUEST_ELOOP);
    assert_success(CALL(w, path_open, 3, 1, PATH, len, 0, READ, 0, 0, OUT));
    len = world_text(w, PATH, "dangling");
    assert_errno(CALL(w, path_open, 3, 0, PATH, len, 0, READ, 0, 0, OUT), GUEST_ELOOP);
    assert_errno(CALL(w, path_open, 3, 1, PATH, len, 0, READ, 0, 0, OUT), GUEST_ENOENT);
    assert_success(CALL(w, path_open, 3, 1, PATH, len, GUEST_OFLAG_CREAT, READ, 0, 0, OUT));
    world_expect(w, "new", "");
}

static void a_descriptor_has_the_rights_that_were_asked_for(void **state)
{
    world *w = *state;
    uint64_t inheriting;

    world_make(w, "file", "content");
    assert_success(world_open_at(w, 3, "file", 0, READ, 0, 0));
    assert_int_equal(rights_of(w, 4, &inheriting), READ);
    assert_int_equal(inheriting, 0);
    world_iovec(w, 0, DATA, 3);
    assert_success(CALL(w, fd_read, 4, IOVS, 1, OUT));
    assert_errno(CALL(w, fd_write, 4, IOVS, 1, OUT), GUEST_ENOTCAPABLE);
    assert_errno(CALL(w, fd_tell, 4, OUT), GUEST_ENOTCAPABLE);
    world_expect(w, "file", "content");
}

static void rights_go_no_further_than_what_is_inherited(void **state)
{
    world *w = *state;
    uint64_t inheriting;

    assert_success(world_path(w, "path_create_directory", 3, "dir"));
    world_make(w, "dir/file", "content");
    assert_success(world_open_at(w, 3, "dir", GUEST_OFLAG_DIRECTORY, GUEST_RIGHT_PATH_OPEN,
                                 READ | GUEST_RIGHT_FD_TELL, 0));
    assert_int_equal(rights_of(w, 4, &inheriting), GUEST_RIGHT_PATH_OPEN);
    assert_int_equal(inheriting, READ | GUEST_RIGHT_FD_TELL);
    assert_success(world_open_at(w, 4, "file", 0, READ, 0, 0));
    assert_errno(world_open_at(w, 4, "file", 0, READ | WRITE, 0, 0), GUEST_ENOTCAPABLE);
    assert_errno(world_open_at(w, 4, "file", 0, READ, WRITE, 0), GUEST_ENOTCAPABLE);
    assert_errno(world_open_at(w, 4, "new", GUEST_OFLAG_CREAT, READ, 0, 0), GUEST_ENOTCAPABLE);
    assert_errno(world_open_at(w, 4, "file", GUEST_OFLAG_TRUNC, READ, 0, 0), GUEST_ENOTCAPABLE);
    world_expect(w, "dir/file", "content");
    assert_false(world_exists(w, "dir/new"));
}

static void a_read_only_preopen_gives_nothing_to_write_with(void **state)
{
    static const beamr_preopen preopens[] = {{"/", "/", true}};
    world_options o = {.wasi = {.preopens = preopens, .preopen_count = 1}};
    world *w = world_open(*(const bool *)*state, &o);

    world_make(w, "file", "content");
    assert_success(world_open_at(w, 3, "file", 0, READ, 0, 0));
    assert_errno(world_open_at(w, 3, "file", 0, READ | WRITE, 0, 0), GUEST_EROFS);
    assert_errno(world_open_at(w, 3, "file", GUEST_OFLAG_TRUNC, READ, 0, 0), GUEST_EROFS);
    assert_errno(world_open_at(w, 3, "new", GUEST_OFLAG_CREAT, READ, 0, 0), GUEST_EROFS);
    assert_errno(world_path(w, "path_create_directory", 3, "new"), GUEST_EROFS);
    assert_errno(world_path(w, "path_unlink_file", 3, "file"), GUEST_EROFS);
    world_expect(w, "file", "content");
    assert_false(world_exists(w, "new"));
    world_close(w);
}

static void flags_given_on_opening_are_kept(void **state)
{
    world *w = *state;

    world_make(w, "file", "content");
    assert_success(world_open_at(w, 3, "file", 0, FILE_RIGHTS, 0,
                                 GUEST_FDFLAG_APPEND | GUEST_FDFLAG_NONBLOCK));
    assert_success(CALL(w, fd_fdstat_get, 4, OUT));
    assert_int_equal(world_get(w, OUT + 2, 2), GUEST_FDFLAG_APPEND | GUEST_FDFLAG_NONBLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(opening_takes_the_smallest_free_number),
        WORLD_TESTS(the_result_is_four_bytes_in_both_widths),
        WIDTH_TESTS(as_many_are_open_as_there_may_be),
        WORLD_TESTS(creating_makes_what_is_missing),
        WORLD_TESTS(exclusive_creating_refuses_what_is_there),
        WORLD_TESTS(directory_refuses_what_is_none),
        WORLD_TESTS(truncating_empties_a_file),
        WORLD_TESTS(a_link_is_opened_only_when_it_is_to_be_followed),
        WORLD_TESTS(a_descriptor_has_the_rights_that_were_asked_for),
        WORLD_TESTS(rights_go_no_further_than_what_is_inherited),
        WIDTH_TESTS(a_read_only_preopen_gives_nothing_to_write_with),
        WORLD_TESTS(flags_given_on_opening_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
