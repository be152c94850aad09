/* WASI's transfers: lists of buffers, streams that fail, large transfers; and directories. */
#include "wasi_fixture.h"

/* ---- Lists of buffers ---- */

static void buffers_are_filled_in_order(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "abcdefgh");
    fd = world_file(w, "file", 0, 0);
    memset(world_at(w, DATA), '.', 40);
    world_iovec(w, 0, DATA, 0); /* empty ones mean nothing */
    world_iovec(w, 1, DATA, 3);
    world_iovec(w, 2, END, 0);
    world_iovec(w, 3, DATA + 10, 2);
    world_iovec(w, 4, 0, 0);
    world_iovec(w, 5, DATA + 20, 10);
    assert_success(CALL(w, fd_read, fd, IOVS, 6, OUT));
    assert_int_equal(world_get_word(w, OUT), 8);
    assert_memory(w, DATA, "abc.......de........fgh.......");
    assert_success(CALL(w, fd_read, fd, IOVS, 6, OUT)); /* the end */
    assert_int_equal(world_get_word(w, OUT), 0);
}

static void buffers_are_written_in_order(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);

    (void)world_text(w, DATA, "onetwothree");
    world_iovec(w, 0, DATA + 6, 5);
    world_iovec(w, 1, DATA, 0);
    world_iovec(w, 2, DATA, 6);
    assert_success(CALL(w, fd_write, fd, IOVS, 3, OUT));
    assert_int_equal(world_get_word(w, OUT), 11);
    world_expect(w, "file", "threeonetwo");
    assert_success(CALL(w, fd_write, 1, IOVS, 3, OUT));
    assert_int_equal(world_get_word(w, OUT), 11);
    assert_string_equal(w->output, "threeonetwo");
}

static void no_buffers_and_empty_ones_move_nothing(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);

    for (uint64_t i = 0; i < 20; i++)
        world_iovec(w, i, DATA, 0);
    for (uint64_t count = 0; count <= 20; count += 10) {
        world_put(w, OUT, 7, 8);
        assert_success(CALL(w, fd_write, fd, IOVS, count, OUT));
        assert_int_equal(world_get_word(w, OUT), 0);
        world_put(w, OUT, 7, 8);
        assert_success(CALL(w, fd_read, fd, IOVS, count, OUT));
        assert_int_equal(world_get_word(w, OUT), 0);
        assert_success(CALL(w, fd_write, 1, IOVS, count, OUT));
    }
    world_expect(w, "file", "");
}

static void as_many_as_1024_buffers_are_taken(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    char expected[1025];

    for (size_t i = 0; i < 1024; i++) {
        expected[i] = (char)('a' + i % 26);
        world_put(w, DATA + i, (uint64_t)expected[i], 1);
        world_iovec(w, i, DATA + i, 1);
    }
    expected[1024] = '\0';
    assert_success(CALL(w, fd_write, fd, IOVS, 1024, OUT));
    assert_int_equal(world_get_word(w, OUT), 1024);
    world_expect(w, "file", expected);
    assert_errno(CALL(w, fd_write, fd, IOVS, 1025, OUT), GUEST_EINVAL);
}

static void one_bad_buffer_spoils_the_list(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "abc");
    fd = world_file(w, "file", 0, 0);
    (void)world_text(w, DATA, "xyz");
    world_iovec(w, 0, DATA, 3);
    world_iovec(w, 1, END - 1, 2);
    assert_errno(CALL(w, fd_write, fd, IOVS, 2, OUT), GUEST_EFAULT);
    assert_errno(CALL(w, fd_pwrite, fd, IOVS, 2, 0, OUT), GUEST_EFAULT);
    assert_errno(CALL(w, fd_read, fd, IOVS, 2, OUT), GUEST_EFAULT);
    assert_errno(CALL(w, fd_pread, fd, IOVS, 2, 0, OUT), GUEST_EFAULT);
    world_expect(w, "file", "abc");
    assert_memory(w, DATA, "xyz");
    assert_success(CALL(w, fd_tell, fd, OUT));
    assert_int_equal(world_get(w, OUT, 8), 0);
}

static void more_bytes_than_a_result_can_tell_are_EINVAL(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);

    for (size_t i = 0; i < 1024; i++)
        world_iovec(w, i, 0, END); /* 4 GiB */
    if (w->is64) {
        assert_success(CALL(w, fd_read, fd, IOVS, 1024, OUT));
        assert_int_equal(world_get_word(w, OUT), 0);
    } else {
        assert_errno(CALL(w, fd_read, fd, IOVS, 1024, OUT), GUEST_EINVAL);
        assert_errno(CALL(w, fd_write, fd, IOVS, 512, OUT), GUEST_EINVAL);
        assert_success(CALL(w, fd_read, fd, IOVS, 511, OUT));
    }
}

static void a_list_may_be_overwritten_by_what_it_reads(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "0123456789abcdefghijklmnopqrstuvwxyz");
    fd = world_file(w, "file", 0, 0);
    world_iovec(w, 0, IOVS, 32);
    world_iovec(w, 1, DATA, 4);
    assert_success(CALL(w, fd_read, fd, IOVS, 2, OUT));
    assert_memory(w, IOVS, "0123456789abcdefghijklmnopqrstuv");
    assert_memory(w, DATA, "wxyz");
}

/* ---- At an offset, and appending ---- */

static void transfers_at_an_offset_leave_the_position(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "0123456789");
    fd = world_file(w, "file", 0, 0);
    assert_success(CALL(w, fd_seek, fd, 2, 0, OUT));
    world_iovec(w, 0, DATA, 4);
    assert_success(CALL(w, fd_pread, fd, IOVS, 1, 8, OUT));
    assert_int_equal(world_get_word(w, OUT), 2);
    assert_memory(w, DATA, "89");
    assert_success(CALL(w, fd_pread, fd, IOVS, 1, 1000, OUT));
    assert_int_equal(world_get_word(w, OUT), 0);
    (void)world_text(w, DATA, "abcd");
    assert_success(CALL(w, fd_pwrite, fd, IOVS, 1, 8, OUT));
    assert_int_equal(world_get_word(w, OUT), 4);
    world_expect(w, "file", "01234567abcd");
    assert_success(CALL(w, fd_tell, fd, OUT));
    assert_int_equal(world_get(w, OUT, 8), 2);
    assert_errno(CALL(w, fd_pread, fd, IOVS, 1, UINT64_MAX, OUT), GUEST_EINVAL);
    assert_errno(CALL(w, fd_pwrite, fd, IOVS, 1, UINT64_MAX, OUT), GUEST_EINVAL);
    assert_errno(CALL(w, fd_pwrite, fd, IOVS, 1, INT64_MAX, OUT), GUEST_EFBIG);
}

static void appending_goes_to_the_end_wherever_the_position_is(void **state)
{
    world *w = *state;
    uint32_t fd, other;

    world_make(w, "file", "first ");
    fd = world_file(w, "file", 0, GUEST_FDFLAG_APPEND);
    other = world_file(w, "file", 0, GUEST_FDFLAG_APPEND);
    world_write_text(w, fd, "second ");
    world_write_text(w, other, "third ");
    assert_success(CALL(w, fd_seek, fd, 0, 0, OUT));
    world_write_text(w, fd, "fourth");
    world_expect(w, "file", "first second third fourth");
    assert_success(CALL(w, fd_tell, fd, OUT));
    assert_int_equal(world_get(w, OUT, 8), 25);
}

/* ---- Streams ---- */

static void reading_a_stream_takes_what_it_has(void **state)
{
    world *w = *state;

    w->input = "hello world";
    w->input_most = 4;
    world_iovec(w, 0, DATA, 2);
    world_iovec(w, 1, DATA + 10, 100);
    assert_success(CALL(w, fd_read, 0, IOVS, 2, OUT));
    assert_in_range(world_get_word(w, OUT), 1, 11);
    assert_memory(w, DATA, "he");
    w->input = "";
    assert_success(CALL(w, fd_read, 0, IOVS, 2, OUT));
    assert_int_equal(world_get_word(w, OUT), 0);
}

static void a_broken_stream_is_an_errno(void **state)
{
    world *w = *state;

    world_iovec(w, 0, DATA, 2);
    w->stream_status = BEAMR_IO;
    assert_errno(CALL(w, fd_read, 0, IOVS, 1, OUT), GUEST_EIO);
    assert_errno(CALL(w, fd_write, 1, IOVS, 1, OUT), GUEST_EPIPE);
    assert_errno(CALL(w, fd_write, 2, IOVS, 1, OUT), GUEST_EPIPE);
    w->stream_status = BEAMR_OK;
    assert_success(CALL(w, fd_write, 1, IOVS, 1, OUT));
}

static void a_stream_can_end_the_call(void **state)
{
    world *w = *state;

    world_iovec(w, 0, DATA, 2);
    w->stream_status = BEAMR_BUSY;
    assert_trap(w, CALL(w, fd_read, 0, IOVS, 1, OUT), BEAMR_TRAP_HOST);
    assert_non_null(strstr(w->err.text, "the stream is broken"));
    assert_trap(w, CALL(w, fd_write, 1, IOVS, 1, OUT), BEAMR_TRAP_HOST);
    w->stream_status = BEAMR_OK;
    assert_success(CALL(w, fd_write, 1, IOVS, 1, OUT));
}

/* ---- Large transfers ---- */

enum { LARGE = (3 << 20) + 5 };

static void large_transfers_go_whole(void **state)
{
    world *w = *state;
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    beamr_bytes bytes;

    for (uint64_t i = 0; i < LARGE; i++)
        *world_at(w, DATA + i) = (uint8_t)(i * 7 + (i >> 12));
    world_iovec(w, 0, DATA, 10);
    world_iovec(w, 1, DATA + 10, LARGE - 10);
    assert_success(CALL(w, fd_write, fd, IOVS, 2, OUT));
    assert_int_equal(world_get_word(w, OUT), LARGE);
    assert_int_equal(beamr_vfs_read(w->vfs, beamr_bytes_of("file"), true, &bytes, NULL),
                     BEAMR_OK);
    assert_int_equal(bytes.len, LARGE);
    assert_memory_equal(bytes.data, world_at(w, DATA), LARGE);
    memset(world_at(w, DATA), 0, LARGE);
    assert_success(CALL(w, fd_pread, fd, IOVS, 2, 0, OUT));
    assert_int_equal(world_get_word(w, OUT), LARGE);
    assert_memory_equal(bytes.data, world_at(w, DATA), LARGE);
    assert_success(CALL(w, fd_pwrite, fd, IOVS, 2, LARGE, OUT));
    assert_success(CALL(w, fd_filestat_get, fd, OUT));
    assert_int_equal(world_get(w, OUT + 32, 8), 2 * LARGE);
    assert_success(CALL(w, fd_write, 1, IOVS, 2, OUT));
    assert_int_equal(world_get_word(w, OUT), LARGE);
}

static void a_large_write_that_does_not_fit_is_short(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;
    uint32_t fd;

    limits.max_file_size = (2 << 20) + 100;
    w = world_open(*(const bool *)*state, &o);
    fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    world_iovec(w, 0, DATA, LARGE);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT));
    assert_int_equal(world_get_word(w, OUT), limits.max_file_size);
    assert_errno(CALL(w, fd_write, fd, IOVS, 1, OUT), GUEST_EFBIG);
    world_close(w);
}

static void a_full_file_system_is_ENOSPC(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    world_options o = {.limits = &limits};
    world *w;
    uint32_t fd;

    limits.max_bytes = 100;
    w = world_open(*(const bool *)*state, &o);
    fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    world_iovec(w, 0, DATA, 200);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT)); /* what fits */
    assert_int_equal(world_get_word(w, OUT), 96);
    assert_errno(CALL(w, fd_write, fd, IOVS, 1, OUT), GUEST_ENOSPC);
    assert_errno(CALL(w, fd_pwrite, fd, IOVS, 1, 96, OUT), GUEST_ENOSPC);
    assert_success(CALL(w, fd_tell, fd, OUT));
    assert_int_equal(world_get(w, OUT, 8), 96);
    world_close(w);
}

static void input_that_must_not_block_is_EAGAIN(void **state)
{
    world *w = *state;

    w->input = "abc";
    world_iovec(w, 0, DATA, 10);
    assert_success(CALL(w, fd_fdstat_set_flags, 0, GUEST_FDFLAG_NONBLOCK));
    assert_errno(CALL(w, fd_read, 0, IOVS, 1, OUT), GUEST_EAGAIN);
    w->has_input = true;
    assert_success(CALL(w, fd_read, 0, IOVS, 1, OUT));
    assert_int_equal(world_get_word(w, OUT), 3);
}

/* A terminal would be asked again, and could wait for what nobody types. */
static void a_large_read_asks_a_stream_once(void **state)
{
    world *w = *state;

    w->input = "abc";
    world_iovec(w, 0, DATA, LARGE);
    assert_success(CALL(w, fd_read, 0, IOVS, 1, OUT));
    assert_int_equal(world_get_word(w, OUT), 3);
}

static void large_transfers_cost_fuel(void **state)
{
    world_options o = {.metering = true};
    world *w = world_open(*(const bool *)*state, &o);
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    uint64_t small, large;

    world_iovec(w, 0, DATA, 1000);
    small = beamr_store_fuel_used(w->store);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT));
    small = beamr_store_fuel_used(w->store) - small;
    world_iovec(w, 0, DATA, LARGE);
    large = beamr_store_fuel_used(w->store);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT));
    large = beamr_store_fuel_used(w->store) - large;
    assert_true(large > small);
    beamr_store_set_fuel(w->store, (large + small) / 2);
    assert_trap(w, CALL(w, fd_write, fd, IOVS, 1, OUT), BEAMR_TRAP_OUT_OF_FUEL);
    world_close(w);
}

/* What a call moves is charged also where it is less than a piece. */
static void each_transfer_costs_what_it_moves(void **state)
{
    world_options o = {.metering = true};
    world *w = world_open(*(const bool *)*state, &o);
    uint32_t fd = world_file(w, "file", GUEST_OFLAG_CREAT, 0);
    uint64_t before;

    world_iovec(w, 0, DATA, 64 << 10);
    before = beamr_store_fuel_used(w->store);
    assert_success(CALL(w, fd_write, fd, IOVS, 1, OUT));
    assert_true(beamr_store_fuel_used(w->store) - before >= (64 << 10) / 64);
    before = beamr_store_fuel_used(w->store);
    assert_success(CALL(w, fd_read, fd, IOVS, 1, OUT)); /* at the end: nothing */
    assert_true(beamr_store_fuel_used(w->store) - before < (64 << 10) / 64);
    world_close(w);
}

/* ---- Directories ---- */

/* One entry out of a buffer.  Returns where the next one is. */
static uint64_t entry_at(world *w, uint64_t at, uint64_t *next, char name[256])
{
    uint64_t len = world_get(w, at + 16, 4);

    *next = world_get(w, at, 8);
    memcpy(name, world_at(w, at + 24), len);
    name[len] = '\0';
    return at + 24 + len;
}

/* Read a directory with a buffer of `room` bytes, from a cookie, whole entries only.
 * Returns their names, one after the other, with a blank behind each. */
static const char *list(world *w, uint64_t fd, uint64_t room, uint64_t cookie)
{
    static char all[4096];
    uint64_t used = room;

    all[0] = '\0';
    while (used == room) {
        uint64_t at = DATA, end;

        assert_success(CALL(w, fd_readdir, fd, DATA, room, cookie, OUT));
        used = world_get_word(w, OUT);
        assert_true(used <= room);
        for (end = DATA + used; end - at >= 24 && end - at - 24 >= world_get(w, at + 16, 4);) {
            char name[256];

            at = entry_at(w, at, &cookie, name);
            strcat(strcat(all, name), " ");
        }
        if (used == room)
            assert_true(at > DATA); /* or it would not go on */
    }
    return all;
}

static void a_directory_is_listed_with_buffers_of_any_size(void **state)
{
    world *w = *state;
    uint64_t dir;

    world_make(w, "a", "");
    assert_int_equal(beamr_vfs_mkdir(w->vfs, beamr_bytes_of("subdirectory"), false, NULL),
                     BEAMR_OK);
    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("a"), beamr_bytes_of("link"), NULL), BEAMR_OK);
    dir = 3;
    for (uint64_t room = 36; room < 300; room++)
        assert_string_equal(list(w, dir, room, 0), ". .. a subdirectory link ");
    assert_success(CALL(w, fd_readdir, dir, DATA, 0, 0, OUT));
    assert_int_equal(world_get_word(w, OUT), 0);
}

static void an_entry_has_its_fields_where_WASI_says(void **state)
{
    world *w = *state;
    beamr_vfs_stat stat;

    assert_int_equal(
        beamr_vfs_symlink(w->vfs, beamr_bytes_of("a"), beamr_bytes_of("link"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_stat_at(w->vfs, beamr_bytes_of("link"), false, &stat, NULL),
                     BEAMR_OK);
    memset(world_at(w, DATA), 0xff, 100);
    assert_success(CALL(w, fd_readdir, 3, DATA, 100, 0, OUT));
    assert_int_equal(world_get_word(w, OUT), 3 * 24 + 1 + 2 + 4);
    assert_int_equal(world_get(w, DATA + 16, 4), 1);
    assert_int_equal(world_get(w, DATA + 20, 4), GUEST_FILETYPE_DIRECTORY);
    assert_memory(w, DATA + 24, ".");
    assert_int_equal(world_get(w, DATA + 51 + 8, 8), stat.id);
    assert_int_equal(world_get(w, DATA + 51 + 16, 4), 4);
    assert_int_equal(world_get(w, DATA + 51 + 20, 4), GUEST_FILETYPE_SYMBOLIC_LINK);
    assert_memory(w, DATA + 51 + 24, "link\xff");
}

static void the_last_entry_is_cut_where_the_buffer_ends(void **state)
{
    world *w = *state;

    world_make(w, "abcdef", "");
    memset(world_at(w, DATA), 'x', 200);
    for (uint64_t room = 0; room <= 3 * 24 + 1 + 2 + 6; room++) {
        assert_success(CALL(w, fd_readdir, 3, DATA, room, 0, OUT));
        assert_int_equal(world_get_word(w, OUT), room);
        assert_int_equal(world_get(w, DATA + room, 1), 'x');
    }
    assert_success(CALL(w, fd_readdir, 3, DATA, 82, 0, OUT));
    assert_int_equal(world_get_word(w, OUT), 81);
    assert_memory(w, DATA + 75, "abcdefx");
}

static void listing_goes_on_from_any_cookie(void **state)
{
    world *w = *state;
    uint64_t cookies[8], at = DATA;
    char name[256];

    for (char c = 'a'; c < 'f'; c++)
        world_make(w, (char[]){c, '\0'}, "");
    assert_success(CALL(w, fd_readdir, 3, DATA, 1000, 0, OUT));
    for (size_t i = 0; i < 7; i++)
        at = entry_at(w, at, &cookies[i], name);
    assert_string_equal(list(w, 3, 60, cookies[1]), "a b c d e ");
    assert_string_equal(list(w, 3, 60, cookies[3]), "c d e ");
    assert_string_equal(list(w, 3, 60, cookies[6]), "");
    assert_success(world_path(w, "path_unlink_file", 3, "b"));
    assert_success(world_path(w, "path_unlink_file", 3, "c"));
    world_make(w, "b", ""); /* a new name comes last */
    assert_string_equal(list(w, 3, 60, cookies[2]), "d e b ");
    assert_string_equal(list(w, 3, 60, 0), ". .. a d e b ");
    assert_string_equal(list(w, 3, 60, UINT64_MAX), "");
}

/* As a program does it that removes a tree. */
static void entries_may_be_removed_while_they_are_listed(void **state)
{
    world *w = *state;
    uint64_t cookie = 2, used, removed = 0;
    char name[256];

    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "file%u", i);
        world_make(w, name, "");
    }
    do {
        uint64_t at = DATA;

        assert_success(CALL(w, fd_readdir, 3, DATA, 256, cookie, OUT));
        used = world_get_word(w, OUT);
        while (DATA + used - at >= 24 && DATA + used - at - 24 >= world_get(w, at + 16, 4)) {
            at = entry_at(w, at, &cookie, name);
            assert_success(world_path(w, "path_unlink_file", 3, name));
            removed++;
        }
    } while (used == 256);
    assert_int_equal(removed, 100);
    assert_string_equal(list(w, 3, 100, 0), ". .. ");
}

static void a_removed_directory_is_empty(void **state)
{
    world *w = *state;
    uint32_t fd;
    int e;

    assert_success(world_path(w, "path_create_directory", 3, "dir"));
    fd = world_dir(w, "dir");
    assert_success(world_path(w, "path_remove_directory", 3, "dir"));
    e = CALL(w, fd_readdir, fd, DATA, 100, 2, OUT);
    assert_true(e == GUEST_ENOENT || (e == 0 && world_get_word(w, OUT) == 0));
    assert_errno(world_path(w, "path_create_directory", fd, "sub"), GUEST_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(buffers_are_filled_in_order),
        WORLD_TESTS(buffers_are_written_in_order),
        WORLD_TESTS(no_buffers_and_empty_ones_move_nothing),
        WORLD_TESTS(as_many_as_1024_buffers_are_taken),
        WORLD_TESTS(one_bad_buffer_spoils_the_list),
        WORLD_TESTS(more_bytes_than_a_result_can_tell_are_EINVAL),
        WORLD_TESTS(a_list_may_be_overwritten_by_what_it_reads),
        WORLD_TESTS(transfers_at_an_offset_leave_the_position),
        WORLD_TESTS(appending_goes_to_the_end_wherever_the_position_is),
        WORLD_TESTS(reading_a_stream_takes_what_it_has),
        WORLD_TESTS(a_broken_stream_is_an_errno),
        WORLD_TESTS(a_stream_can_end_the_call),
        WORLD_TESTS(large_transfers_go_whole),
        WIDTH_TESTS(a_large_write_that_does_not_fit_is_short),
        WIDTH_TESTS(a_full_file_system_is_ENOSPC),
        WORLD_TESTS(input_that_must_not_block_is_EAGAIN),
        WORLD_TESTS(a_large_read_asks_a_stream_once),
        WIDTH_TESTS(large_transfers_cost_fuel),
        WIDTH_TESTS(each_transfer_costs_what_it_moves),
        WORLD_TESTS(a_directory_is_listed_with_buffers_of_any_size),
        WORLD_TESTS(an_entry_has_its_fields_where_WASI_says),
        WORLD_TESTS(the_last_entry_is_cut_where_the_buffer_ends),
        WORLD_TESTS(listing_goes_on_from_any_cookie),
        WORLD_TESTS(entries_may_be_removed_while_they_are_listed),
        WORLD_TESTS(a_removed_directory_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
