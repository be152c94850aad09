/* The emulator itself, with a driver of a few lines: that it delivers what is sent, and that it
 * sees what a driver does wrong. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- A driver ---- */

/* What its `call` does, by the operation's number. */
enum { ECHO, MONITOR, TIMER, SEND, LEAK, LEAK_BLOCK, BAD_TERM, UNMONITOR };

static ErlDrvPort handle;
static ErlDrvTermData caller, owner_seen;
static ErlDrvBinary *leaked;
static void *leaked_block;
static ErlDrvMonitor monitor;
static unsigned stops, exits, timeouts, outputs;

static int send_number(ErlDrvTermData from, ErlDrvTermData to, long n)
{
    ErlDrvTermData spec[] = {ERL_DRV_INT, (ErlDrvTermData)n};

    return erl_drv_send_term(from, to, spec, 2);
}

static ErlDrvData fake_start(ErlDrvPort p, char *name)
{
    (void)name;
    handle = p;
    return (ErlDrvData)p;
}

static void fake_stop(ErlDrvData data)
{
    (void)data;
    stops++;
}

static void fake_output(ErlDrvData data, ErlIOVec *sent)
{
    ErlDrvTermData spec[] = {
        ERL_DRV_UINT,         sent->size, ERL_DRV_BINARY, (ErlDrvTermData)sent->binv[1],
        sent->iov[1].iov_len, 0,          ERL_DRV_TUPLE,  2};
    ErlDrvPort p = (ErlDrvPort)data;

    outputs++;
    erl_drv_send_term(driver_mk_port(p), driver_caller(p), spec, 8);
}

static void fake_timeout(ErlDrvData data)
{
    (void)data;
    timeouts++;
    send_number(driver_mk_port(handle), caller, 7);
}

static void fake_exit(ErlDrvData data, ErlDrvMonitor *which)
{
    (void)data;
    exits++;
    owner_seen = driver_get_monitored_process(handle, which);
}

static void misuse(unsigned op, ErlDrvPort p)
{
    static const char bad[] = "\x83m\0\0\0\x09hello";
    ErlDrvTermData spec[] = {ERL_DRV_EXT2TERM, (ErlDrvTermData)bad, sizeof bad};

    switch (op) {
    case LEAK:
        leaked = driver_alloc_binary(10);
        break;
    case LEAK_BLOCK:
        leaked_block = driver_alloc(10);
        break;
    case BAD_TERM:
        erl_drv_send_term(driver_mk_port(p), driver_caller(p), spec, 3);
        break;
    case UNMONITOR:
        driver_demonitor_process(p, &monitor);
        break;
    default:
        break;
    }
}

static ErlDrvSSizeT fake_call(ErlDrvData data, unsigned op, char *in, ErlDrvSizeT len,
                              char **out, ErlDrvSizeT room, unsigned *flags)
{
    ErlDrvPort p = (ErlDrvPort)data;

    (void)flags;
    caller = driver_caller(p);
    if (op == MONITOR && driver_monitor_process(p, caller, &monitor) != 0)
        return -1;
    if (op == TIMER)
        driver_set_timer(p, 5);
    if (op == SEND)
        send_number(driver_mk_port(p), caller, 5);
    misuse(op, p);
    if (len > room)
        *out = driver_alloc(len);
    memcpy(*out, in, len);
    return (ErlDrvSSizeT)len;
}

static void fake_finish(void)
{
}

static ErlDrvEntry fake = {.driver_name = "fake",
                           .start = fake_start,
                           .stop = fake_stop,
                           .outputv = fake_output,
                           .timeout = fake_timeout,
                           .process_exit = fake_exit,
                           .call = fake_call,
                           .finish = fake_finish,
                           .extended_marker = (int)ERL_DRV_EXTENDED_MARKER,
                           .major_version = ERL_DRV_EXTENDED_MAJOR_VERSION,
                           .minor_version = ERL_DRV_EXTENDED_MINOR_VERSION,
                           .driver_flags = ERL_DRV_FLAG_USE_PORT_LOCKING};

static pid me;
static port *p;

static int begin_fake(void **state)
{
    (void)state;
    emulator_start(2);
    stops = exits = timeouts = outputs = 0;
    me = process_new();
    p = emulator_load(&fake) ? port_open(me) : NULL;
    return p ? 0 : -1;
}

/* Close and end. Returns the faults. */
static unsigned end_fake(void)
{
    close_port(p);
    emulator_unload();
    return emulator_end();
}

/* ---- What it delivers ---- */

static void a_call_is_answered_by_its_value(void **state)
{
    (void)state;
    expect(
        ask(me, p, ECHO, "[%d,%q],\"text\",<<\"bin\">>,%f,[%d|%d]", 1, (int64_t)-1, 1.5, 2, 3),
        "*");
    assert_int_equal(end_fake(), 0);
    assert_int_equal(stops, 1);
}

static void terms_are_shown_as_they_are_written(void **state)
{
    term t =
        term_of("{ok,[1,2],[1000,-5],\"abc\",<<\"abc\">>,#{a=>1.0},[],[1|2],1.5e+300,-0.125,"
                "18446744073709551615,-9223372036854775808,<<>>}");
    char *text = term_text(t.data + 1, t.len - 1, NULL);

    (void)state;
    assert_string_equal(
        text, "{ok,[1,2],[1000,-5],\"abc\",<<\"abc\">>,#{a=>1.0},[],[1|2],1.5e+300,-0.125,"
              "18446744073709551615,-9223372036854775808,<<>>}");
    for (size_t len = 0; len < t.len - 1; len++)
        assert_null(term_text(t.data + 1, len, NULL));
    free(text);
    term_free(&t);
    end_fake();
}

static void what_is_sent_arrives_with_its_binary(void **state)
{
    ErlDrvBinary *b = binary_of("hello", 5);
    piece sent = {.binary = b};

    (void)state;
    assert_true(port_command(me, p, &sent, 1));
    expect(await_plain(me), "{5,<<\"hello\">>}");
    driver_free_binary(b);
    assert_int_equal(end_fake(), 0);
}

static void monitors_and_timers_fire(void **state)
{
    pid other = process_new();

    (void)state;
    expect(ask(other, p, MONITOR, NULL), "{#Ref*");
    process_kill(other);
    expect(ask(me, p, TIMER, NULL), "{#Ref*"); /* behind the exit, in the order sent */
    expect(await_plain(me), "7");
    assert_int_equal(exits, 1);
    assert_int_equal(owner_seen, other);
    assert_int_equal(end_fake(), 0);
}

static void a_dead_owner_closes_its_port(void **state)
{
    (void)state;
    process_kill(me);
    assert_true(port_await_closed(p));
    expect(ask(process_new(), p, ECHO, NULL), "badarg");
    assert_int_equal(end_fake(), 0);
}

/* ---- What it sees ---- */

static void an_api_outside_of_callbacks_is_a_fault(void **state)
{
    (void)state;
    driver_caller(handle);
    driver_set_timer(handle, 1);
    assert_int_equal(end_fake(), 2);
}

static void what_is_left_is_a_fault(void **state)
{
    (void)state;
    expect(ask(me, p, LEAK, NULL), "{*");
    expect(ask(me, p, LEAK_BLOCK, NULL), "{*");
    assert_int_equal(end_fake(), 2);
    free((char *)leaked_block - 16);
    driver_free_binary(leaked);
}

static void a_term_that_is_none_is_a_fault(void **state)
{
    (void)state;
    expect(ask(me, p, BAD_TERM, NULL), "{*");
    assert_true(end_fake() > 0);
}

static void a_binary_changed_after_sending_is_a_fault(void **state)
{
    ErlDrvBinary *b = binary_of("hello", 5);
    piece sent = {.binary = b};

    (void)state;
    assert_true(port_command(me, p, &sent, 1));
    b->orig_bytes[0] = 'j';
    expect(await_plain(me), "{5,<<\"hello\">>}");
    driver_free_binary(b);
    assert_int_equal(end_fake(), 1);
}

static void another_text_than_expected_is_a_fault(void **state)
{
    (void)state;
    expect(ask(me, p, ECHO, NULL), "{error,*");
    assert_int_equal(end_fake(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin_fake)
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_by_its_value),
        TEST(terms_are_shown_as_they_are_written),
        TEST(what_is_sent_arrives_with_its_binary),
        TEST(monitors_and_timers_fire),
        TEST(a_dead_owner_closes_its_port),
        TEST(an_api_outside_of_callbacks_is_a_fault),
        TEST(what_is_left_is_a_fault),
        TEST(a_term_that_is_none_is_a_fault),
        TEST(a_binary_changed_after_sending_is_a_fault),
        TEST(another_text_than_expected_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
