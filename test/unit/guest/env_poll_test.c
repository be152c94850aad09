/* poll and select through env. */
#include "env_fixture.h"

enum { IN = 1, OUT = 4, INVALID = 0x20 };

/* What the embedder is asked to wait for, and what it answers. */
typedef struct waiting {
    unsigned calls;
    uint64_t ns;
    bool for_input, has_input;
    beamr_status status;
} waiting;

static beamr_status wait_for(void *user, uint64_t ns, bool for_input, bool *has_input,
                             beamr_error *err)
{
    waiting *w = user;

    w->calls++;
    w->ns = ns;
    w->for_input = for_input;
    *has_input = w->has_input;
    return w->status == BEAMR_OK ? BEAMR_OK : beamr_fail(err, w->status, 0, "no more waiting");
}

static void with_waiting(void (*body)(fixture *f, waiting *w))
{
    for (int is64 = 0; is64 < 2; is64++) {
        waiting w = {0};
        beamr_wasi_options o = {.user = &w, .wait = wait_for};
        fixture f = open_env_with(is64, &o);

        body(&f, &w);
        close_env(&f);
    }
}
#define WITH_WAITING(name)                                                                     \
    static void name##_body(fixture *f, waiting *w);                                           \
    static void name(void **state)                                                             \
    {                                                                                          \
        (void)state;                                                                           \
        with_waiting(name##_body);                                                             \
    }                                                                                          \
    static void name##_body(fixture *f, waiting *w)

static void put_poll(fixture *f, uint64_t i, int32_t fd, uint16_t events)
{
    put_number(f, DATA + 8 * i, 4, (uint32_t)fd);
    put_number(f, DATA + 8 * i + 4, 4, events | 0xffff0000u);
}
static uint64_t ready_of(fixture *f, uint64_t i)
{
    return get_number(f, DATA + 8 * i + 6, 2);
}

WITH_WAITING(files_and_output_are_ready_at_once)
{
    put_poll(f, 0, (int32_t)make_file(f, "a", ""), IN | OUT);
    put_poll(f, 1, 1, OUT);
    put_poll(f, 2, 99, IN);
    put_poll(f, 3, -1, IN);
    assert_int_equal(DO("__syscall_poll", DATA, 4, -1), 3);
    assert_int_equal(ready_of(f, 0), IN | OUT);
    assert_int_equal(ready_of(f, 1), OUT);
    assert_int_equal(ready_of(f, 2), INVALID);
    assert_int_equal(ready_of(f, 3), 0);
    assert_int_equal(w->calls, 0);
    assert_int_equal(DO("__syscall_poll_nonblocking", DATA, 4), 3);
}

WITH_WAITING(input_is_waited_for_unless_something_else_is_ready)
{
    put_poll(f, 0, 0, IN);
    assert_int_equal(DO("__syscall_poll", DATA, 1, 250), 0);
    assert_true(w->calls == 1 && w->for_input);
    assert_int_equal(w->ns, 250000000);
    assert_int_equal(ready_of(f, 0), 0);
    assert_int_equal(DO("__syscall_poll", DATA, 1, -1), 0);
    assert_int_equal(w->ns, UINT64_MAX);
    w->has_input = true;
    assert_int_equal(DO("__syscall_poll", DATA, 1, 250), 1);
    assert_int_equal(ready_of(f, 0), IN);
    w->has_input = false;
    put_poll(f, 1, 1, OUT);
    assert_int_equal(DO("__syscall_poll", DATA, 2, 250), 1);
    assert_int_equal(w->ns, 0);
    assert_int_equal(ready_of(f, 0), 0);
}

WITH_WAITING(polling_nothing_sleeps)
{
    assert_int_equal(DO("__syscall_poll", 0, 0, 30), 0);
    assert_true(w->calls == 1 && !w->for_input);
    assert_int_equal(w->ns, 30000000);
    w->status = BEAMR_LIMIT;
    (void)TRY("__syscall_poll", 0, 0, 30);
    assert_int_equal(f->status, BEAMR_LIMIT);
}

EACH_WIDTH(poll_refuses_bad_memory_and_too_many)
{
    assert_errno(DO("__syscall_poll", MEMORY - 8, 2, 0), FAULT);
    assert_errno(DO("__syscall_poll", DATA, -1, 0), INVAL);
    assert_errno(DO("__syscall_poll", DATA, 4097, 0), INVAL);
}

/* ---- select ---- */

enum { READING = DATA, WRITING = DATA + 0x100, EXCEPT = DATA + 0x200, TIME = DATA + 0x300 };

static void put_sets(fixture *f, uint64_t reading, uint64_t writing)
{
    put_number(f, READING, 8, reading);
    put_number(f, WRITING, 8, writing);
    put_number(f, EXCEPT, 8, 1);
}

WITH_WAITING(select_keeps_what_is_ready)
{
    int64_t fd = make_file(f, "a", "");

    assert_int_equal(fd, 4);
    put_sets(f, 1 << 4, 1 << 1 | 1 << 4);
    assert_int_equal(DO("__syscall__newselect", 5, READING, WRITING, EXCEPT, 0), 3);
    assert_int_equal(get_number(f, READING, 4), 1 << 4);
    assert_int_equal(get_number(f, WRITING, 4), 1 << 1 | 1 << 4);
    assert_int_equal(get_number(f, EXCEPT, 4), 0);
    assert_int_equal(w->calls, 0);
    put_sets(f, 1 << 0, 0);
    put_number(f, TIME, 8, 2);
    put_number(f, TIME + 8, 4, 5);
    assert_int_equal(DO("__syscall__newselect", 5, READING, WRITING, 0, TIME), 0);
    assert_true(w->calls == 1 && w->for_input);
    assert_int_equal(w->ns, 2000005000);
    assert_int_equal(get_number(f, READING, 4), 0);
    w->has_input = true;
    put_sets(f, 1 << 0, 0);
    assert_int_equal(DO("__syscall__newselect", 5, READING, 0, 0, TIME), 1);
    assert_int_equal(get_number(f, READING, 4), 1);
    assert_int_equal(DO("__syscall__newselect", 0, 0, 0, 0, TIME), 0); /* sleeps */
    assert_false(w->for_input);
}

WITH_WAITING(select_takes_the_modules_timeval)
{
    if (f->call.is64)
        return;
    f->call.dialect = GUEST_ENV_OLD;
    put_number(f, TIME, 4, 3);
    put_number(f, TIME + 4, 4, 7);
    assert_int_equal(DO("__syscall__newselect", 0, 0, 0, 0, TIME), 0);
    assert_int_equal(w->ns, 3000007000);
}

EACH_WIDTH(select_refuses_with_the_errno)
{
    put_sets(f, 1 << 9, 0);
    assert_errno(DO("__syscall__newselect", 10, READING, WRITING, EXCEPT, 0), BADF);
    assert_errno(DO("__syscall__newselect", 1025, READING, 0, 0, 0), INVAL);
    assert_errno(DO("__syscall__newselect", -1, READING, 0, 0, 0), INVAL);
    assert_errno(DO("__syscall__newselect", 10, MEMORY, 0, 0, 0), FAULT);
    assert_errno(DO("__syscall__newselect", 0, 0, 0, 0, MEMORY), FAULT);
    put_number(f, TIME, 8, UINT64_MAX);
    put_number(f, TIME + 8, 8, 0);
    assert_errno(DO("__syscall__newselect", 0, 0, 0, 0, TIME), INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_output_are_ready_at_once),
        cmocka_unit_test(input_is_waited_for_unless_something_else_is_ready),
        cmocka_unit_test(polling_nothing_sleeps),
        cmocka_unit_test(poll_refuses_bad_memory_and_too_many),
        cmocka_unit_test(select_keeps_what_is_ready),
        cmocka_unit_test(select_takes_the_modules_timeval),
        cmocka_unit_test(select_refuses_with_the_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
