/* Transfer with files and streams, positions, listing, and what else a system gives: clocks,
 * waiting, random numbers, the exit. */
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

static guest_iovec piece(const char *text)
{
    return (guest_iovec){(uint8_t *)(uintptr_t)text, strlen(text)};
}

static guest_errno write_pieces(beamr_wasi *w, uint32_t fd, const guest_iovec *iovs,
                                size_t count, uint64_t *total)
{
    beamr_error err = {0};

    return guest_fd_write(w, fd, iovs, count, NULL, total, &err);
}

/* ---- Files ---- */

static void position_moves_with_reading_and_writing(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");

    assert_int_equal(seek(w, fd, 0, 1), 0);
    write_text(w, fd, "abc");
    write_text(w, fd, "def");
    assert_int_equal(seek(w, fd, 0, 1), 6);
    assert_reads(w, fd, "");
    assert_int_equal(seek(w, fd, -4, 1), 2);
    assert_reads(w, fd, "cdef");
    assert_int_equal(seek(w, fd, 0, 1), 6);
    assert_int_equal(seek(w, fd, -1, 2), 5);
    write_text(w, fd, "FG");
    assert_int_equal(seek(w, fd, 0, 0), 0);
    assert_reads(w, fd, "abcdeFG");
}

static void pieces_are_transferred_in_order_and_may_be_empty(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    guest_iovec out[] = {piece(""), piece("ab"), {NULL, 0}, piece("cde"), piece("")};
    char a[2], b[4] = "....";
    guest_iovec in[] = {{NULL, 0}, {(uint8_t *)a, 2}, {NULL, 0}, {(uint8_t *)b, 4}};
    uint64_t total = 0, start = 0;
    beamr_error err = {0};

    assert_int_equal(write_pieces(w, fd, out, 5, &total), OK);
    assert_int_equal(total, 5);
    assert_int_equal(guest_fd_read(w, fd, in, 4, &start, &total, &err), OK);
    assert_int_equal(total, 5);
    assert_memory_equal(a, "ab", 2);
    assert_memory_equal(b, "cde.", 4);
    assert_int_equal(write_pieces(w, fd, out, 0, &total), OK);
    assert_int_equal(total, 0);
    assert_int_equal(write_pieces(w, fd, out, 1, &total), OK);
    assert_int_equal(total, 0);
    assert_int_equal(seek(w, fd, 0, 1), 5);
}

static void too_many_pieces_or_bytes_are_einval(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    guest_iovec many[1025] = {{0}}, huge[] = {piece("abc"), {(uint8_t *)"x", INT64_MAX}};
    uint64_t total;
    beamr_error err = {0};

    for (uint32_t i = 0; i < 2; i++, fd = 1) {
        assert_int_equal(write_pieces(w, fd, many, 1024, &total), OK);
        assert_int_equal(write_pieces(w, fd, many, 1025, &total), GUEST_EINVAL);
        assert_int_equal(write_pieces(w, fd, huge, 2, &total), GUEST_EINVAL);
    }
    assert_int_equal(guest_fd_read(w, 0, many, 1025, NULL, &total, &err), GUEST_EINVAL);
    assert_int_equal(guest_fd_read(w, 0, huge, 2, NULL, &total, &err), GUEST_EINVAL);
}

static void a_hole_reads_as_zeros(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    char buf[8];
    uint64_t start = 0, total;

    write_text(w, fd, "a");
    assert_int_equal(seek(w, fd, 4, 0), 4);
    assert_reads(w, fd, "");
    write_text(w, fd, "b");
    assert_int_equal(read_at(w, fd, buf, sizeof buf, &start, &total), OK);
    assert_int_equal(total, 5);
    assert_memory_equal(buf, "a\0\0\0b", 5);
}

static void seek_refuses_what_is_no_position(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");

    write_text(w, fd, "abc");
    assert_int_equal(seek(w, fd, 1000, 0), 1000);
    assert_int_equal(seek_error(w, fd, -1001, 1), GUEST_EINVAL);
    assert_int_equal(seek_error(w, fd, -1, 0), GUEST_EINVAL);
    assert_int_equal(seek_error(w, fd, -4, 2), GUEST_EINVAL);
    assert_int_equal(seek_error(w, fd, INT64_MIN, 1), GUEST_EINVAL);
    assert_int_equal(seek_error(w, fd, INT64_MAX, 1), GUEST_EOVERFLOW);
    assert_int_equal(seek_error(w, fd, INT64_MAX, 2), GUEST_EOVERFLOW);
    assert_int_equal(seek_error(w, fd, 0, 3), GUEST_EINVAL);
    assert_int_equal(seek_error(w, 17, 0, 0), GUEST_EBADF);
    assert_int_equal(seek(w, fd, 0, 1), 1000);
    assert_int_equal(seek(w, fd, INT64_MAX, 0), INT64_MAX);
    assert_reads(w, fd, "");
    assert_int_equal(write_error(w, fd, "x"), GUEST_EFBIG);
    assert_int_equal(stat_of(w, at("f")).size, 3);
}

static void transfer_at_an_offset_leaves_the_position(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    char buf[4] = "";
    uint64_t offset = 2, total, far = UINT64_C(1) << 63;

    write_text(w, fd, "abcdef");
    assert_int_equal(write_at(w, fd, "XY", &offset, &total), OK);
    assert_int_equal(read_at(w, fd, buf, 3, &offset, &total), OK);
    assert_string_equal(buf, "XYe");
    assert_int_equal(seek(w, fd, 0, 1), 6);
    offset = 100;
    assert_int_equal(read_at(w, fd, buf, 3, &offset, &total), OK);
    assert_int_equal(total, 0);
    assert_int_equal(read_at(w, fd, buf, 3, &far, &total), GUEST_EINVAL);
    assert_int_equal(write_at(w, fd, "x", &far, &total), GUEST_EINVAL);
    far--;
    assert_int_equal(read_at(w, fd, buf, 3, &far, &total), OK);
    assert_int_equal(write_at(w, fd, "x", &far, &total), GUEST_EFBIG);
}

static void appending_goes_to_the_end(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd, other = open_file_at(w, "f");
    uint64_t start = 0, total;

    write_text(w, other, "one ");
    assert_int_equal(open_as(w, at("f"), 0, ALL_OF_FILES, GUEST_FDFLAG_APPEND, &fd), OK);
    assert_int_equal(seek(w, fd, 0, 1), 0);
    write_text(w, fd, "two ");
    assert_int_equal(seek(w, fd, 0, 1), 8);
    write_text(w, other, "TWO "); /* at its own position, which is the same place */
    write_text(w, other, "three ");
    assert_int_equal(seek(w, fd, 0, 0), 0);
    write_text(w, fd, "four");
    assert_int_equal(seek(w, fd, 0, 1), 18);
    /* As Linux: at the end, whatever the offset is; and the position stays. */
    assert_int_equal(write_at(w, fd, "!", &start, &total), OK);
    assert_int_equal(seek(w, fd, 0, 1), 18);
    assert_int_equal(seek(w, fd, 0, 0), 0);
    assert_reads(w, fd, "one TWO three four!");
    assert_int_equal(guest_fd_set_flags(w, fd, 0), OK);
    assert_int_equal(seek(w, fd, 0, 0), 0);
    write_text(w, fd, "ONE");
    assert_int_equal(seek(w, fd, 0, 0), 0);
    assert_reads(w, fd, "ONE TWO three four!");
}

static beamr_wasi *limited(uint64_t file_size, uint64_t bytes)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_wasi_options o = {0};
    beamr_wasi *w;

    limits.max_file_size = file_size;
    limits.max_bytes = bytes;
    assert_int_equal(beamr_vfs_new(&limits, &o.vfs, NULL), BEAMR_OK);
    w = new_system(&o);
    beamr_vfs_unref(o.vfs);
    return w;
}

static void what_fits_a_limit_is_written(void **state)
{
    beamr_wasi *w = limited(10, 1000);
    uint32_t fd = open_file_at(w, "f");
    guest_iovec iovs[] = {piece("0123456"), piece("789abc"), piece("def")};
    uint64_t total = 0;

    (void)state;
    assert_int_equal(write_pieces(w, fd, iovs, 3, &total), OK);
    assert_int_equal(total, 10);
    assert_int_equal(seek(w, fd, 0, 1), 10);
    assert_int_equal(write_error(w, fd, "x"), GUEST_EFBIG);
    assert_int_equal(seek(w, fd, 0, 1), 10);
    assert_int_equal(seek(w, fd, 7, 0), 7);
    assert_int_equal(write_pieces(w, fd, iovs + 2, 1, &total), OK);
    assert_int_equal(total, 3);
    beamr_wasi_unref(w);
}

static void a_full_file_system_is_enospc(void **state)
{
    beamr_wasi *w = limited(1 << 20, 1000);
    uint32_t fd = open_file_at(w, "f");
    char block[600] = {0};
    guest_iovec v = {(uint8_t *)block, sizeof block};
    uint64_t total = 0, sum;

    (void)state;
    assert_int_equal(write_pieces(w, fd, &v, 1, &total), OK);
    sum = total;
    assert_int_equal(write_pieces(w, fd, &v, 1, &total), OK);
    assert_true(total > 0 && total < 600);
    sum += total;
    assert_int_equal(write_pieces(w, fd, &v, 1, &total), GUEST_ENOSPC);
    assert_int_equal(guest_fd_allocate(w, fd, 0, 2000), GUEST_ENOSPC);
    assert_int_equal(seek(w, fd, 0, 2), sum);
    beamr_wasi_unref(w);
}

static void an_unlinked_file_lives_until_it_is_closed(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f"), nodes = beamr_vfs_nodes(beamr_wasi_vfs(w));
    guest_place f = at("f");
    guest_filestat s;

    write_text(w, fd, "still ");
    assert_int_equal(guest_path_unlink(w, &f), OK);
    assert_int_equal(stat_error(w, f), GUEST_ENOENT);
    write_text(w, fd, "here");
    assert_int_equal(guest_fd_filestat(w, fd, &s), OK);
    assert_int_equal(s.nlink, 0);
    assert_int_equal(s.size, 10);
    seek(w, fd, 0, 0);
    assert_reads(w, fd, "still here");
    assert_int_equal(beamr_vfs_nodes(beamr_wasi_vfs(w)), nodes);
    assert_int_equal(guest_fd_close(w, fd), OK);
    assert_int_equal(beamr_vfs_nodes(beamr_wasi_vfs(w)), nodes - 1);
}

/* ---- Streams ---- */

/* A stream of the test's: what is read from it, what was written to it, how often. */
typedef struct tape {
    const char *text;
    size_t most; /* bytes that one read gives */
    unsigned reads, writes;
    char written[8192];
    size_t used;
    beamr_status fails; /* unless BEAMR_OK, from call `fail_at` on */
    unsigned fail_at;
} tape;

static beamr_status tape_read(void *user, uint8_t *buf, size_t len, size_t *got,
                              beamr_error *err)
{
    tape *t = user;
    size_t n = strlen(t->text);

    if (t->fails != BEAMR_OK && t->reads >= t->fail_at)
        return beamr_fail(err, t->fails, 0, "torn tape");
    t->reads++;
    n = n < len ? n : len;
    n = n < t->most ? n : t->most;
    memcpy(buf, t->text, n);
    t->text += n;
    *got = n;
    return BEAMR_OK;
}

static beamr_status tape_write(void *user, beamr_bytes bytes, beamr_error *err)
{
    tape *t = user;

    if (t->fails != BEAMR_OK && t->writes >= t->fail_at)
        return beamr_fail(err, t->fails, 0, "torn tape");
    t->writes++;
    assert_true(bytes.len > 0);
    if (bytes.len <= sizeof t->written - t->used) {
        memcpy(t->written + t->used, bytes.data, bytes.len);
        t->used += bytes.len;
    }
    return BEAMR_OK;
}

static beamr_wasi *with_tape(tape *t)
{
    beamr_wasi_options o = {
        .in = {.read = tape_read, .user = t},
        .out = {.write = tape_write, .user = t},
    };

    return new_system(&o);
}

static void small_pieces_reach_a_stream_in_one_call(void **state)
{
    tape t = {0};
    beamr_wasi *w = with_tape(&t);
    guest_iovec iovs[] = {piece("a "), piece(""), piece("line"), piece("\n")};
    uint64_t total = 0;

    (void)state;
    assert_int_equal(write_pieces(w, 1, iovs, 4, &total), OK);
    assert_int_equal(total, 7);
    assert_int_equal(t.writes, 1);
    assert_memory_equal(t.written, "a line\n", 7);
    assert_int_equal(write_pieces(w, 1, iovs + 1, 1, &total), OK);
    assert_int_equal(total, 0);
    assert_int_equal(t.writes, 1);
    write_text(w, 2, "stderr has no function: it goes nowhere");
    assert_int_equal(t.writes, 1);
    beamr_wasi_unref(w);
}

static void large_pieces_reach_a_stream_in_order(void **state)
{
    tape t = {0};
    beamr_wasi *w = with_tape(&t);
    char large[5000], middle[3000];
    guest_iovec iovs[] = {
        piece("<"), {(uint8_t *)large, sizeof large}, piece(">"),
        piece("("), {(uint8_t *)middle, 2000},        {(uint8_t *)middle, 1000},
        piece(")")};
    uint64_t total = 0;

    (void)state;
    memset(large, 'L', sizeof large);
    memset(middle, 'm', sizeof middle);
    assert_int_equal(write_pieces(w, 1, iovs, 7, &total), OK);
    assert_int_equal(total, 8004);
    assert_int_equal(t.writes, 3);
    assert_int_equal(t.used, 8004);
    assert_memory_equal(t.written, "<LLL", 4);
    assert_memory_equal(t.written + 4999, "LL>(mm", 6);
    assert_memory_equal(t.written + 8001, "mm)", 3);
    beamr_wasi_unref(w);
}

static void a_broken_stream_is_epipe_or_eio(void **state)
{
    tape t = {.fails = BEAMR_IO, .text = "in", .most = 9};
    beamr_wasi *w = with_tape(&t);
    char large[5000] = "", buf[4];
    guest_iovec iovs[] = {piece("ab"), {(uint8_t *)large, sizeof large}, piece("cd")}, v = {0};
    uint64_t total = 0;
    beamr_error err = {0};

    (void)state;
    v = (guest_iovec){(uint8_t *)buf, sizeof buf};
    assert_int_equal(guest_fd_write(w, 1, iovs, 1, NULL, &total, &err), GUEST_EPIPE);
    assert_int_equal(err.status, BEAMR_OK);
    assert_int_equal(guest_fd_read(w, 0, &v, 1, NULL, &total, &err), GUEST_EIO);
    assert_int_equal(err.status, BEAMR_OK);
    assert_int_equal(guest_fd_write(w, 1, iovs, 1, NULL, &total, NULL), GUEST_EPIPE);
    /* What was written before it broke counts. */
    t.fail_at = 2;
    assert_int_equal(guest_fd_write(w, 1, iovs, 3, NULL, &total, &err), OK);
    assert_int_equal(total, 5002);
    assert_int_equal(err.status, BEAMR_OK);
    beamr_wasi_unref(w);
}

static void another_failure_of_a_stream_ends_the_call(void **state)
{
    tape t = {.fails = BEAMR_NO_MEMORY, .text = "in", .most = 9};
    beamr_wasi *w = with_tape(&t);
    guest_iovec v = piece("x");
    uint64_t total = 0;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(guest_fd_write(w, 1, &v, 1, NULL, &total, &err), GUEST_EABORT);
    assert_int_equal(err.status, BEAMR_NO_MEMORY);
    assert_string_equal(err.text, "torn tape");
    beamr_error_clear(&err);
    assert_int_equal(guest_fd_read(w, 0, &v, 1, NULL, &total, &err), GUEST_EABORT);
    assert_int_equal(err.status, BEAMR_NO_MEMORY);
    beamr_wasi_unref(w);
}

static void reading_takes_what_a_stream_has_once(void **state)
{
    tape t = {.text = "first second", .most = 6};
    beamr_wasi *w = with_tape(&t);
    char a[4] = "...", b[5] = "....", large[5000];
    guest_iovec iovs[] = {{NULL, 0}, {(uint8_t *)a, 3}, {(uint8_t *)b, 4}},
                direct[] = {{(uint8_t *)large, sizeof large}, {(uint8_t *)a, 3}};
    uint64_t total = 0;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(guest_fd_read(w, 0, iovs, 3, NULL, &total, &err), OK);
    assert_int_equal(total, 6);
    assert_int_equal(t.reads, 1);
    assert_string_equal(a, "fir");
    assert_string_equal(b, "st .");
    assert_int_equal(guest_fd_read(w, 0, direct, 2, NULL, &total, &err), OK);
    assert_int_equal(total, 6);
    assert_memory_equal(large, "second", 6);
    assert_int_equal(t.reads, 2);
    assert_int_equal(guest_fd_read(w, 0, iovs, 3, NULL, &total, &err), OK);
    assert_int_equal(total, 0);
    assert_int_equal(t.reads, 3);
    assert_int_equal(guest_fd_read(w, 0, iovs, 1, NULL, &total, &err), OK);
    assert_int_equal(guest_fd_read(w, 0, iovs, 0, NULL, &total, &err), OK);
    assert_int_equal(t.reads, 3); /* nothing asked for */
    beamr_wasi_unref(w);
}

static void without_a_function_input_is_at_its_end(void **state)
{
    assert_reads(*state, 0, "");
    assert_int_equal(read_error(*state, 0), OK);
}

static beamr_status read_too_much(void *user, uint8_t *buf, size_t len, size_t *got,
                                  beamr_error *err)
{
    (void)user;
    (void)buf;
    (void)err;
    *got = len + 1;
    return BEAMR_OK;
}

static void a_stream_that_gives_too_much_is_refused(void **state)
{
    beamr_wasi_options o = {.in = {.read = read_too_much}};
    beamr_wasi *w = new_system(&o);
    char buf[2];
    guest_iovec v = {(uint8_t *)buf, 2};
    uint64_t total;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(guest_fd_read(w, 0, &v, 1, NULL, &total, &err), GUEST_EABORT);
    assert_int_equal(err.status, BEAMR_ARGUMENT);
    beamr_wasi_unref(w);
}

/* ---- Waiting ---- */

typedef struct waits {
    uint64_t ns;
    bool for_input, has_input;
    beamr_status answer;
} waits;

static beamr_status wait_for(void *user, uint64_t ns, bool for_input, bool *has_input,
                             beamr_error *err)
{
    waits *x = user;

    (void)err;
    x->ns = ns;
    x->for_input = for_input;
    *has_input = x->has_input;
    return x->answer;
}

static void waiting_is_the_embedders(void **state)
{
    waits x = {.has_input = true};
    beamr_wasi_options o = {.user = &x, .wait = wait_for};
    beamr_wasi *w = new_system(&o);
    beamr_error err = {0};
    bool has_input = false;

    (void)state;
    assert_int_equal(guest_wait(w, 77, true, &has_input, &err), OK);
    assert_true(has_input && x.for_input && x.ns == 77);
    assert_int_equal(guest_wait(w, 1000, false, &has_input, &err), OK);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_MONOTONIC), 0); /* the clock tells, or nobody */
    x.answer = BEAMR_LIMIT;
    assert_int_equal(guest_wait(w, 1, false, &has_input, &err), GUEST_EABORT);
    assert_int_equal(err.status, BEAMR_LIMIT); /* also when the function said nothing */
    beamr_wasi_unref(w);
}

static void without_waiting_time_passes_at_once(void **state)
{
    beamr_wasi *w = *state;
    bool has_input = true;

    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 0);
    assert_int_equal(guest_wait(w, 5000, false, &has_input, NULL), OK);
    assert_false(has_input);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 5000);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_MONOTONIC), 5000);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_PROCESS_CPU), 0);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_THREAD_CPU), 0);
    assert_int_equal(guest_wait(w, 5000, true, &has_input, NULL), OK);
    assert_true(has_input);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_MONOTONIC), 5000);
    assert_int_equal(guest_wait(w, UINT64_MAX, false, &has_input, NULL), OK);
    assert_true(guest_clock(w, BEAMR_CLOCK_MONOTONIC) == UINT64_MAX);
    assert_int_equal(guest_clock_resolution(w), 1000);
    /* Files bear the same time. */
    open_file_at(w, "f");
    assert_true(stat_of(w, at("f")).mtim == UINT64_MAX);
}

static void input_that_must_not_block_is_eagain(void **state)
{
    waits x = {0};
    tape t = {.text = "now", .most = 9};
    beamr_wasi_options o = {
        .user = &x, .wait = wait_for, .in = {.read = tape_read, .user = &t}};
    beamr_wasi *w = new_system(&o);

    (void)state;
    assert_int_equal(guest_fd_set_flags(w, 0, GUEST_FDFLAG_NONBLOCK), OK);
    assert_int_equal(read_error(w, 0), GUEST_EAGAIN);
    assert_int_equal(x.ns, 0);
    assert_int_equal(t.reads, 0);
    x.has_input = true;
    assert_reads(w, 0, "now");
    beamr_wasi_unref(w);
}

/* ---- Random numbers, and the end ---- */

static void random_numbers_follow_from_the_seed(void **state)
{
    /* RFC 8439, "Test Vectors for the ChaCha20 Block Function", the first. */
    static const uint8_t zero_key[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                         0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    beamr_wasi_options o = {.seed = {1}};
    beamr_wasi *other = new_system(&o);
    uint8_t whole[200], pieces[200], others[200];

    assert_int_equal(guest_random(*state, whole, 16, NULL), OK);
    assert_memory_equal(whole, zero_key, 16);
    assert_int_equal(guest_random(*state, whole + 16, 184, NULL), OK);
    assert_int_equal(guest_random(other, others, 200, NULL), OK);
    assert_memory_not_equal(whole, others, 16);
    beamr_wasi_unref(other);
    other = new_system(NULL);
    for (size_t i = 0; i < sizeof pieces;) {
        size_t n = i % 7 + 60 < sizeof pieces - i ? i % 7 + 60 : sizeof pieces - i;

        assert_int_equal(guest_random(other, pieces + i, n, NULL), OK);
        i += n;
    }
    assert_memory_equal(whole, pieces, sizeof whole);
    assert_int_equal(guest_random(other, NULL, 0, NULL), OK);
    beamr_wasi_unref(other);
}

static beamr_status random_of(void *user, uint8_t *buf, size_t len, beamr_error *err)
{
    (void)err;
    memset(buf, 7, len);
    return *(const beamr_status *)user;
}

static void random_numbers_may_be_the_embedders(void **state)
{
    beamr_status answer = BEAMR_OK;
    beamr_wasi_options o = {.user = &answer, .random = random_of};
    beamr_wasi *w = new_system(&o);
    uint8_t buf[3] = {0};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(guest_random(w, buf, sizeof buf, &err), OK);
    assert_int_equal(buf[2], 7);
    answer = BEAMR_IO;
    assert_int_equal(guest_random(w, buf, sizeof buf, &err), GUEST_EABORT);
    assert_int_equal(err.status, BEAMR_IO);
    beamr_wasi_unref(w);
}

static void the_exit_code_is_kept_until_it_is_cleared(void **state)
{
    beamr_wasi *w = *state;
    beamr_error err = {0};
    uint32_t code = 99;

    assert_false(beamr_wasi_exited(w, &code));
    assert_int_equal(code, 99);
    assert_int_equal(guest_exit(w, 3, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_EXIT);
    assert_string_equal(err.text, "exit: 3");
    assert_true(beamr_wasi_exited(w, &code));
    assert_int_equal(code, 3);
    assert_true(beamr_wasi_exited(w, NULL));
    beamr_wasi_clear_exit(w);
    assert_false(beamr_wasi_exited(w, NULL));
}

/* ---- Directories ---- */

/* The names from a cookie on, in one text. */
static void assert_lists(beamr_wasi *w, uint32_t fd, uint64_t cookie, const char *names)
{
    char all[256] = "";
    beamr_bytes name;
    guest_filestat s;
    bool more = true;

    for (;;) {
        assert_int_equal(guest_fd_readdir(w, fd, cookie, &name, &s, &cookie, &more), OK);
        if (!more)
            break;
        strncat(all, (const char *)name.data, name.len);
        strcat(all, s.type == GUEST_FILETYPE_DIRECTORY ? "/ " : " ");
    }
    assert_string_equal(all, names);
}

static void listing_begins_with_the_dots_and_can_be_resumed(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd;
    guest_place b = at("d/b");

    make_directory(w, "d");
    fd = open_directory(w, "d");
    assert_lists(w, fd, 0, "./ ../ ");
    make_file(w, "d/a", "");
    make_file(w, "d/b", "");
    make_directory(w, "d/c");
    assert_lists(w, fd, 0, "./ ../ a b c/ ");
    assert_lists(w, fd, 1, "../ a b c/ ");
    assert_lists(w, fd, 2, "a b c/ ");
    assert_lists(w, fd, 3, "b c/ ");
    assert_int_equal(guest_path_unlink(w, &b), OK);
    assert_lists(w, fd, 3, "c/ ");
    make_file(w, "d/b", "");
    assert_lists(w, fd, 0, "./ ../ a c/ b ");
    assert_lists(w, fd, UINT64_MAX, "");
}

static void listing_tells_what_is_what(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd;
    uint64_t next;
    bool more;
    beamr_bytes name;
    guest_filestat s;

    make_directory(w, "d");
    make_directory(w, "d/e");
    fd = open_directory(w, "d/e");
    assert_int_equal(guest_fd_readdir(w, fd, 0, &name, &s, &next, &more), OK);
    assert_int_equal(s.ino, stat_of(w, at("d/e")).ino);
    assert_int_equal(guest_fd_readdir(w, fd, 1, &name, &s, &next, &more), OK);
    assert_int_equal(s.ino, stat_of(w, at("d")).ino);
    assert_int_equal(symlink_at(w, "nowhere", at("d/e/l")), OK);
    assert_int_equal(guest_fd_readdir(w, fd, 2, &name, &s, &next, &more), OK);
    assert_int_equal(s.type, GUEST_FILETYPE_SYMBOLIC_LINK);
    assert_int_equal(s.size, 7);
}

static void a_removed_directory_lists_nothing(void **state)
{
    beamr_wasi *w = *state;
    guest_place d = at("d");
    uint32_t fd;

    make_directory(w, "d");
    fd = open_directory(w, "d");
    assert_int_equal(guest_path_rmdir(w, &d), OK);
    assert_lists(w, fd, 0, "");
    assert_int_equal(open_error(w, at_fd(fd, "new"), GUEST_OFLAG_CREAT, 0), GUEST_ENOENT);
}

static void posix_keeps_its_place_in_a_directory(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = opened(w, posix("/"), GUEST_OFLAG_DIRECTORY, READ);

    assert_int_equal(seek(w, fd, 17, 0), 17);
    assert_int_equal(seek(w, fd, 0, 1), 17);
    assert_int_equal(seek_error(w, fd, -18, 1), GUEST_EINVAL);
    assert_int_equal(seek_error(w, fd, 0, 2), GUEST_EINVAL);
    assert_int_equal(seek(w, fd, 0, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(position_moves_with_reading_and_writing),
        TEST(pieces_are_transferred_in_order_and_may_be_empty),
        TEST(too_many_pieces_or_bytes_are_einval),
        TEST(a_hole_reads_as_zeros),
        TEST(seek_refuses_what_is_no_position),
        TEST(transfer_at_an_offset_leaves_the_position),
        TEST(appending_goes_to_the_end),
        TEST(what_fits_a_limit_is_written),
        TEST(a_full_file_system_is_enospc),
        TEST(an_unlinked_file_lives_until_it_is_closed),
        TEST(small_pieces_reach_a_stream_in_one_call),
        TEST(large_pieces_reach_a_stream_in_order),
        TEST(a_broken_stream_is_epipe_or_eio),
        TEST(another_failure_of_a_stream_ends_the_call),
        TEST(reading_takes_what_a_stream_has_once),
        TEST(without_a_function_input_is_at_its_end),
        TEST(a_stream_that_gives_too_much_is_refused),
        TEST(waiting_is_the_embedders),
        TEST(without_waiting_time_passes_at_once),
        TEST(input_that_must_not_block_is_eagain),
        TEST(random_numbers_follow_from_the_seed),
        TEST(random_numbers_may_be_the_embedders),
        TEST(the_exit_code_is_kept_until_it_is_cleared),
        TEST(listing_begins_with_the_dots_and_can_be_resumed),
        TEST(listing_tells_what_is_what),
        TEST(a_removed_directory_lists_nothing),
        TEST(posix_keeps_its_place_in_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
