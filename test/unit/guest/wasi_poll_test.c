/* WASI's poll_oneoff: what is ready, what is waited for, and what an event says. The layouts of
 * both versions. */
#include "wasi_fixture.h"

enum { CLOCK, FD_READ, FD_WRITE };
enum { ABSOLUTE = 1 };

static uint64_t subscription(world *w, size_t i, uint64_t tag)
{
    uint64_t at = IOVS + i * (w->is_unstable ? 56 : 48);

    memset(world_at(w, at), 0xee, w->is_unstable ? 56 : 48); /* padding means nothing */
    world_put(w, at, 1000 + i, 8);
    world_put(w, at + 8, tag, 1);
    return at + 16;
}

static void put_clock(world *w, size_t i, uint64_t id, uint64_t timeout, uint64_t flags)
{
    uint64_t at = subscription(w, i, CLOCK) + (w->is_unstable ? 8 : 0);

    world_put(w, at, id, 4);
    world_put(w, at + 8, timeout, 8);
    world_put(w, at + 16, 0, 8);
    world_put(w, at + 24, flags, 2);
}

static void put_fd(world *w, size_t i, uint64_t tag, uint64_t fd)
{
    world_put(w, subscription(w, i, tag), fd, 4);
}

/* Poll `count` subscriptions.  Returns the number of events, which are at DATA. */
static uint64_t poll_all(world *w, uint64_t count)
{
    memset(world_at(w, DATA), 0xdd, 32 * count);
    assert_success(CALL(w, poll_oneoff, IOVS, DATA, count, OUT));
    return world_get_word(w, OUT);
}

static void expect_event(world *w, size_t i, size_t subscribed, uint64_t tag, guest_errno error)
{
    uint64_t at = DATA + 32 * i;

    assert_int_equal(world_get(w, at, 8), 1000 + subscribed);
    assert_int_equal(world_get(w, at + 8, 2), error);
    assert_int_equal(world_get(w, at + 10, 1), tag);
}

static uint64_t event_bytes(world *w, size_t i)
{
    return world_get(w, DATA + 32 * i + 16, 8);
}

static void a_clock_is_waited_for(void **state)
{
    world *w = *state;

    w->clocks[BEAMR_CLOCK_MONOTONIC] = 5000;
    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 300, 0);
    assert_int_equal(poll_all(w, 1), 1);
    expect_event(w, 0, 0, CLOCK, GUEST_ESUCCESS);
    assert_int_equal(w->waits, 1);
    assert_int_equal(w->waited_ns, 300);
    assert_false(w->waited_for_input);
    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 5400, ABSOLUTE);
    assert_int_equal(poll_all(w, 1), 1);
    assert_int_equal(w->waited_ns, 400);
    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 4000, ABSOLUTE); /* gone by */
    assert_int_equal(poll_all(w, 1), 1);
    assert_int_equal(w->waits, 2);
    put_clock(w, 0, BEAMR_CLOCK_REALTIME, 0, 0);
    assert_int_equal(poll_all(w, 1), 1);
    assert_int_equal(w->waits, 2);
}

static void the_first_of_several_clocks_ends_the_wait(void **state)
{
    world *w = *state;

    w->clocks[BEAMR_CLOCK_REALTIME] = 1000;
    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 500, 0);
    put_clock(w, 1, BEAMR_CLOCK_REALTIME, 1200, ABSOLUTE);
    put_clock(w, 2, BEAMR_CLOCK_MONOTONIC, 200, 0);
    assert_int_equal(poll_all(w, 3), 2);
    assert_int_equal(w->waited_ns, 200);
    expect_event(w, 0, 1, CLOCK, GUEST_ESUCCESS);
    expect_event(w, 1, 2, CLOCK, GUEST_ESUCCESS);
    assert_int_equal(world_get(w, DATA + 64, 8), 0xdddddddddddddddd); /* no third */
}

static void files_and_output_are_always_ready(void **state)
{
    world *w = *state;
    uint32_t fd;

    world_make(w, "file", "0123456789");
    fd = world_file(w, "file", 0, 0);
    assert_success(CALL(w, fd_seek, fd, 4, w->is_unstable ? 2 : 0, OUT));
    put_fd(w, 0, FD_READ, fd);
    put_fd(w, 1, FD_WRITE, fd);
    put_fd(w, 2, FD_WRITE, 1);
    put_fd(w, 3, FD_WRITE, 2);
    put_clock(w, 4, BEAMR_CLOCK_MONOTONIC, 1000000, 0);
    assert_int_equal(poll_all(w, 5), 4);
    assert_int_equal(w->waits, 0);
    expect_event(w, 0, 0, FD_READ, GUEST_ESUCCESS);
    assert_int_equal(event_bytes(w, 0), 6);
    assert_int_equal(world_get(w, DATA + 24, 2), 0);
    expect_event(w, 1, 1, FD_WRITE, GUEST_ESUCCESS);
    expect_event(w, 3, 3, FD_WRITE, GUEST_ESUCCESS);
    assert_true(event_bytes(w, 3) > 0);
    assert_success(CALL(w, fd_seek, fd, 40, w->is_unstable ? 2 : 0, OUT));
    assert_int_equal(poll_all(w, 1), 1); /* behind the end, a read gives 0 bytes at once */
    assert_int_equal(event_bytes(w, 0), 0);
}

static void input_is_waited_for(void **state)
{
    world *w = *state;

    put_fd(w, 0, FD_READ, 0);
    put_clock(w, 1, BEAMR_CLOCK_MONOTONIC, 700, 0);
    w->has_input = true;
    assert_int_equal(poll_all(w, 2), 1);
    assert_true(w->waited_for_input);
    assert_int_equal(w->waited_ns, 700);
    expect_event(w, 0, 0, FD_READ, GUEST_ESUCCESS);
    assert_true(event_bytes(w, 0) > 0);
    w->has_input = false;
    assert_int_equal(poll_all(w, 2), 1);
    expect_event(w, 0, 1, CLOCK, GUEST_ESUCCESS);
    w->has_input = true;
    assert_int_equal(poll_all(w, 1), 1); /* without a clock: for ever */
    assert_int_equal(w->waited_ns, UINT64_MAX);
}

static void with_something_ready_input_is_only_looked_at(void **state)
{
    world *w = *state;

    put_fd(w, 0, FD_READ, 0);
    put_fd(w, 1, FD_WRITE, 1);
    put_clock(w, 2, BEAMR_CLOCK_MONOTONIC, 700, 0);
    assert_int_equal(poll_all(w, 3), 1);
    assert_int_equal(w->waited_ns, 0);
    expect_event(w, 0, 1, FD_WRITE, GUEST_ESUCCESS);
    w->has_input = true;
    assert_int_equal(poll_all(w, 3), 2);
    expect_event(w, 0, 0, FD_READ, GUEST_ESUCCESS);
}

static void what_is_wrong_with_one_is_its_event(void **state)
{
    world *w = *state;

    world_make(w, "file", "");
    assert_success(world_open_at(w, 3, "file", 0, 0, 0, 0));
    put_fd(w, 0, FD_READ, 99);
    put_fd(w, 1, FD_WRITE, 4); /* without the right */
    put_clock(w, 2, 77, 5, 0);
    put_clock(w, 3, BEAMR_CLOCK_MONOTONIC, 5, 2);
    put_clock(w, 4, BEAMR_CLOCK_PROCESS_CPU, 5, 0);
    put_clock(w, 5, BEAMR_CLOCK_MONOTONIC, 5, 0);
    assert_int_equal(poll_all(w, 6), 5);
    expect_event(w, 0, 0, FD_READ, GUEST_EBADF);
    assert_int_equal(event_bytes(w, 0), 0);
    expect_event(w, 1, 1, FD_WRITE, GUEST_ENOTCAPABLE);
    expect_event(w, 2, 2, CLOCK, GUEST_EINVAL);
    expect_event(w, 3, 3, CLOCK, GUEST_EINVAL);
    expect_event(w, 4, 4, CLOCK, GUEST_ENOTSUP);
    assert_int_equal(w->waits, 0);
}

static void what_is_wrong_with_the_call_is_its_errno(void **state)
{
    world *w = *state;
    uint64_t size = w->is_unstable ? 56 : 48, word = world_word(w);

    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 5, 0);
    memcpy(world_at(w, END - size), world_at(w, IOVS), size);
    WORLD_CASES(w, {"poll_oneoff", GUEST_EINVAL, {IOVS, DATA, 0, OUT}},
                {"poll_oneoff", GUEST_EINVAL, {IOVS, DATA, 4097, OUT}},
                {"poll_oneoff", GUEST_EINVAL, {IOVS, DATA, UINT32_MAX, OUT}},
                {"poll_oneoff", GUEST_EFAULT, {END - size + 1, DATA, 1, OUT}},
                {"poll_oneoff", GUEST_EFAULT, {IOVS, END - 31, 1, OUT}},
                {"poll_oneoff", GUEST_EFAULT, {IOVS, DATA, 1, END - word + 1}},
                {"poll_oneoff", GUEST_ESUCCESS, {END - size, DATA, 1, OUT}});
    put_fd(w, 0, 3, 1);
    assert_errno(CALL(w, poll_oneoff, IOVS, DATA, 1, OUT), GUEST_EINVAL);
    if (w->is64)
        assert_errno(CALL(w, poll_oneoff, IOVS, DATA, UINT64_MAX, OUT), GUEST_EINVAL);
}

static void as_many_as_4096_are_polled(void **state)
{
    world *w = *state;

    for (size_t i = 0; i < 4096; i++)
        put_clock(w, i, BEAMR_CLOCK_MONOTONIC, 10 + i / 2, 0);
    assert_success(CALL(w, poll_oneoff, IOVS, DATA + (1 << 20), 4096, OUT));
    assert_int_equal(world_get_word(w, OUT), 2);
    assert_int_equal(w->waited_ns, 10);
}

static void events_may_be_written_over_subscriptions(void **state)
{
    world *w = *state;

    for (size_t i = 0; i < 20; i++)
        put_fd(w, i, FD_WRITE, 1 + i % 2);
    assert_success(CALL(w, poll_oneoff, IOVS, IOVS + 100, 20, OUT));
    assert_int_equal(world_get_word(w, OUT), 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(world_get(w, IOVS + 100 + 32 * i, 8), 1000 + i);
}

static void a_wait_can_end_the_call(void **state)
{
    world *w = *state;

    put_clock(w, 0, BEAMR_CLOCK_MONOTONIC, 5, 0);
    w->stream_status = BEAMR_IO;
    assert_trap(w, CALL(w, poll_oneoff, IOVS, DATA, 1, OUT), BEAMR_TRAP_HOST);
    assert_non_null(strstr(w->err.text, "the stream is broken"));
}

static int unstable_setup(void **state)
{
    world_options o = {.is_unstable = true};

    *state = world_open(*(const bool *)*state, &o);
    return 0;
}

/* A test in both widths and both versions. */
#define POLL_TESTS(f)                                                                          \
    WORLD_TESTS(f),                                                                            \
        {#f "_unstable_32", f, unstable_setup, world_teardown,                                 \
         (void *)(uintptr_t)&world_widths[0]},                                                 \
    {                                                                                          \
#f "_unstable_64", f, unstable_setup, world_teardown,                                  \
            (void *)(uintptr_t)&world_widths[1]                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLL_TESTS(a_clock_is_waited_for),
        POLL_TESTS(the_first_of_several_clocks_ends_the_wait),
        POLL_TESTS(files_and_output_are_always_ready),
        POLL_TESTS(input_is_waited_for),
        POLL_TESTS(with_something_ready_input_is_only_looked_at),
        POLL_TESTS(what_is_wrong_with_one_is_its_event),
        POLL_TESTS(what_is_wrong_with_the_call_is_its_errno),
        POLL_TESTS(as_many_as_4096_are_polled),
        POLL_TESTS(events_may_be_written_over_subscriptions),
        POLL_TESTS(a_wait_can_end_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
