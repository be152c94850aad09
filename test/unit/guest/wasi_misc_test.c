/* WASI's functions besides files: arguments, environment, clocks, random numbers, the process,
 * sockets. */
#include "wasi_fixture.h"

static const char *const args[] = {"program", "", "two words"};
static const char *const env[] = {"HOME=/", "EMPTY="};

static world *open_with_texts(void **state)
{
    world_options o = {
        .wasi = {.args = args, .arg_count = 3, .env = env, .env_count = 2},
    };

    return world_open(*(const bool *)*state, &o);
}

/* ---- Arguments and environment ---- */

static void arguments_are_pointers_to_texts(void **state)
{
    world *w = open_with_texts(state);
    uint64_t word = world_word(w);

    assert_success(CALL(w, args_sizes_get, OUT, OUT2));
    assert_int_equal(world_get_word(w, OUT), 3);
    assert_int_equal(world_get_word(w, OUT2), 8 + 1 + 10);
    memset(world_at(w, DATA), 0xff, 30);
    memset(world_at(w, OUT), 0xff, 32);
    assert_success(CALL(w, args_get, OUT, DATA));
    assert_int_equal(world_get_word(w, OUT), DATA);
    assert_int_equal(world_get_word(w, OUT + word), DATA + 8);
    assert_int_equal(world_get_word(w, OUT + 2 * word), DATA + 9);
    assert_int_equal(world_get(w, OUT + 3 * word, 1), 0xff);
    assert_memory(w, DATA, "program\0\0two words\0\xff");
    world_close(w);
}

static void the_environment_is_pointers_to_texts(void **state)
{
    world *w = open_with_texts(state);
    uint64_t word = world_word(w);

    assert_success(CALL(w, environ_sizes_get, OUT, OUT2));
    assert_int_equal(world_get_word(w, OUT), 2);
    assert_int_equal(world_get_word(w, OUT2), 7 + 7);
    memset(world_at(w, DATA), 0xff, 30);
    assert_success(CALL(w, environ_get, OUT, DATA));
    assert_int_equal(world_get_word(w, OUT), DATA);
    assert_int_equal(world_get_word(w, OUT + word), DATA + 7);
    assert_memory(w, DATA, "HOME=/\0EMPTY=\0\xff");
    world_close(w);
}

static void without_any_there_are_none(void **state)
{
    world *w = *state;

    assert_success(CALL(w, args_sizes_get, OUT, OUT2));
    assert_int_equal(world_get_word(w, OUT), 0);
    assert_int_equal(world_get_word(w, OUT2), 0);
    assert_success(CALL(w, environ_sizes_get, OUT, OUT2));
    assert_int_equal(world_get_word(w, OUT), 0);
    assert_int_equal(world_get_word(w, OUT2), 0);
    assert_success(CALL(w, args_get, END, END));
    assert_success(CALL(w, environ_get, END, END));
}

static void texts_that_leave_memory_are_EFAULT(void **state)
{
    world *w = open_with_texts(state);
    uint64_t word = world_word(w);

    memset(world_at(w, END - 64), 0x55, 64);
    memset(world_at(w, OUT), 0x55, 64);
    WORLD_CASES(w, {"args_sizes_get", GUEST_EFAULT, {END - word + 1, OUT}},
                {"args_sizes_get", GUEST_EFAULT, {OUT, END - word + 1}},
                {"environ_sizes_get", GUEST_EFAULT, {END, OUT}},
                {"environ_sizes_get", GUEST_EFAULT, {OUT, END}},
                {"args_get", GUEST_EFAULT, {END - 3 * word + 1, DATA}},
                {"args_get", GUEST_EFAULT, {OUT, END - 18}},
                {"environ_get", GUEST_EFAULT, {END - 2 * word + 1, DATA}},
                {"environ_get", GUEST_EFAULT, {OUT, END - 13}},
                {"environ_get", GUEST_EFAULT, {OUT, UINT32_MAX}});
    for (uint64_t i = 0; i < 64; i++) {
        assert_int_equal(world_get(w, END - 64 + i, 1), 0x55);
        assert_int_equal(world_get(w, OUT + i, 1), 0x55);
    }
    assert_success(CALL(w, args_get, END - 3 * word, DATA));
    assert_success(CALL(w, args_get, OUT, END - 19));
    world_close(w);
}

/* ---- Clocks and random numbers ---- */

static void clocks_are_the_embedders(void **state)
{
    world *w = *state;

    for (uint64_t id = 0; id < 4; id++) {
        w->clocks[id] = 1000 + id + (id << 40);
        assert_success(CALL(w, clock_time_get, id, 1, OUT));
        assert_int_equal(world_get(w, OUT, 8), w->clocks[id]);
        assert_success(CALL(w, clock_res_get, id, OUT));
        assert_int_equal(world_get(w, OUT, 8), 1000);
    }
    WORLD_CASES(w, {"clock_time_get", GUEST_EINVAL, {4, 0, OUT}},
                {"clock_time_get", GUEST_EINVAL, {UINT32_MAX, 0, OUT}},
                {"clock_res_get", GUEST_EINVAL, {4, OUT}},
                {"clock_time_get", GUEST_EFAULT, {0, 0, END - 7}},
                {"clock_res_get", GUEST_EFAULT, {0, END - 7}});
}

static void random_numbers_follow_from_the_seed(void **state)
{
    world *w = *state, *same = world_open(w->is64, NULL);
    world_options o = {.wasi = {.seed = {1}}};
    world *other = world_open(w->is64, &o);
    uint8_t zeros[64] = {0};

    assert_success(CALL(w, random_get, DATA, 64));
    assert_success(CALL(same, random_get, DATA, 64));
    assert_success(CALL(other, random_get, DATA, 64));
    assert_memory_equal(world_at(w, DATA), world_at(same, DATA), 64);
    assert_memory_not_equal(world_at(w, DATA), world_at(other, DATA), 64);
    assert_memory_not_equal(world_at(w, DATA), zeros, 64);
    assert_int_equal(world_get(w, DATA + 64, 8), 0);
    assert_success(CALL(w, random_get, DATA + 64, 64)); /* goes on */
    assert_memory_not_equal(world_at(w, DATA), world_at(w, DATA + 64), 64);
    world_close(same);
    world_close(other);
}

static void as_many_random_bytes_come_as_memory_takes(void **state)
{
    world *w = *state;

    assert_success(CALL(w, random_get, DATA, 0));
    assert_success(CALL(w, random_get, END, 0));
    assert_success(CALL(w, random_get, 5, END - 5));
    assert_int_equal(world_get(w, 0, 5), 0);
    assert_int_not_equal(world_get(w, 5, 8), 0);
    assert_int_not_equal(world_get(w, END - 8, 8), 0);
    assert_errno(CALL(w, random_get, DATA, END), GUEST_EFAULT);
    assert_errno(CALL(w, random_get, END, 1), GUEST_EFAULT);
    assert_errno(CALL(w, random_get, UINT32_MAX, UINT32_MAX), GUEST_EFAULT);
}

static void many_random_bytes_cost_fuel(void **state)
{
    world_options o = {.metering = true};
    world *w = world_open(*(const bool *)*state, &o);

    beamr_store_set_fuel(w->store, 1000);
    assert_success(CALL(w, random_get, DATA, 100));
    assert_trap(w, CALL(w, random_get, DATA, 8 << 10), BEAMR_TRAP_OUT_OF_FUEL);
    assert_trap(w, CALL(w, random_get, DATA, 2 << 20), BEAMR_TRAP_OUT_OF_FUEL);
    world_close(w);
}

/* ---- The process ---- */

static void exiting_ends_the_call(void **state)
{
    world *w = *state;
    uint32_t code = 0;

    assert_false(beamr_wasi_exited(w->wasi, NULL));
    assert_trap(w, CALL(w, proc_exit, 77), BEAMR_TRAP_EXIT);
    assert_true(beamr_wasi_exited(w->wasi, &code));
    assert_int_equal(code, 77);
    assert_trap(w, CALL(w, proc_exit, UINT32_MAX), BEAMR_TRAP_EXIT);
    assert_true(beamr_wasi_exited(w->wasi, &code));
    assert_int_equal(code, UINT32_MAX);
    assert_success(CALL(w, sched_yield, 0)); /* the guest can still be called */
}

static void signals_do_their_default(void **state)
{
    world *w = *state;
    static const int ignored[] = {0, 13, 16, 17, 22, 27};
    unsigned rest = 0;

    for (uint64_t i = 0; i < 6; i++)
        assert_success(CALL(w, proc_raise, (uint64_t)ignored[i]));
    for (uint64_t signal = 18; signal < 22; signal++)
        assert_errno(CALL(w, proc_raise, signal), GUEST_ENOSYS);
    assert_errno(CALL(w, proc_raise, 31), GUEST_EINVAL);
    assert_errno(CALL(w, proc_raise, UINT32_MAX), GUEST_EINVAL);
    assert_trap(w, CALL(w, proc_raise, 6), BEAMR_TRAP_ABORT);
    assert_non_null(strstr(w->err.text, "signal 6"));
    for (uint64_t signal = 0; signal < 31; signal++)
        rest += CALL(w, proc_raise, signal) == -1;
    assert_int_equal(rest, 31 - 6 - 4);
}

/* ---- Sockets ---- */

static void no_descriptor_is_a_socket(void **state)
{
    world *w = *state;

    world_iovec(w, 0, DATA, 1);
    for (uint64_t fd = 0; fd < 4; fd++) {
        WORLD_CASES(w, {"sock_accept", GUEST_ENOTSOCK, {fd, 0, OUT}},
                    {"sock_recv", GUEST_ENOTSOCK, {fd, IOVS, 1, 0, OUT, OUT2}},
                    {"sock_send", GUEST_ENOTSOCK, {fd, IOVS, 1, 0, OUT}},
                    {"sock_shutdown", GUEST_ENOTSOCK, {fd, 3}});
    }
    WORLD_CASES(w, {"sock_accept", GUEST_EBADF, {99, 0, OUT}},
                {"sock_recv", GUEST_EBADF, {99, IOVS, 1, 0, OUT, OUT2}},
                {"sock_send", GUEST_EBADF, {99, IOVS, 1, 0, OUT}},
                {"sock_shutdown", GUEST_EBADF, {99, 3}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIDTH_TESTS(arguments_are_pointers_to_texts),
        WIDTH_TESTS(the_environment_is_pointers_to_texts),
        WORLD_TESTS(without_any_there_are_none),
        WIDTH_TESTS(texts_that_leave_memory_are_EFAULT),
        WORLD_TESTS(clocks_are_the_embedders),
        WORLD_TESTS(random_numbers_follow_from_the_seed),
        WORLD_TESTS(as_many_random_bytes_come_as_memory_takes),
        WIDTH_TESTS(many_random_bytes_cost_fuel),
        WORLD_TESTS(exiting_ends_the_call),
        WORLD_TESTS(signals_do_their_default),
        WORLD_TESTS(no_descriptor_is_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
