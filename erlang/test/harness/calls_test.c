/* Calls, short and long, of several callers and on several ports at once; interrupts and
 * limits. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Begin what never ends, and be sure that it has begun. */
static uint64_t begin_spin(pid from, port *p)
{
    uint64_t ref;
    char *now = begin(from, p, &ref, DRV_OP_CALL, "<<\"spin\">>,[]");

    check(!now);
    free(now);
    return ref;
}

static port *open_with(pid owner, const char *options)
{
    wasm_builder w = module_tool(false);
    port *p = open_module(owner, &w, options);

    wasm_free(&w);
    return p;
}

/* ---- Long ones ---- */

static void a_long_call_is_answered_by_a_message(void **state)
{
    uint64_t ref;

    (void)state;
    assert_null(begin(me, tool, &ref, DRV_OP_CALL, "<<\"count\">>,[2000000]"));
    expect(await(me, tool, ref), "{ok,[2000000]}");
    assert_int_equal(process_messages(me), 0);
}

static void commands_wait_for_a_running_call_in_their_order(void **state)
{
    static uint8_t bytes[100000];
    uint64_t call, write, large, read, size, memory, snapshot, second;
    piece sent = {.data = bytes, .len = sizeof bytes};

    (void)state;
    expect(ask(me, tool, DRV_OP_CALL, "<<\"grow\">>,[3]"), "{ok,[1]}");
    call = begin_spin(me, tool);
    assert_null(begin(other, tool, &write, DRV_OP_WRITE, "0,<<\"a\">>"));
    assert_true(send_bytes(other, tool, &large, DRV_OP_WRITE, sent, "4"));
    assert_null(begin(other, tool, &read, DRV_OP_READ, "0,1"));
    assert_null(begin(me, tool, &size, DRV_OP_SIZE, NULL));
    assert_null(begin(me, tool, &snapshot, DRV_OP_SNAPSHOT, NULL));
    assert_true(send_bytes(other, tool, &memory, DRV_OP_MEMORY, sent, NULL));
    assert_null(begin(me, tool, &second, DRV_OP_CALL, "<<\"peek\">>,[0]"));
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, call), "{error,\"*");
    expect(await(other, tool, write), "ok");
    expect(await(other, tool, large), "ok");
    expect(await(other, tool, read), "{ok,<<\"a\">>}");
    expect(await(me, tool, size), "{ok,262144}");
    expect(await(me, tool, snapshot), "{ok,<<*");
    expect(await(other, tool, memory), "ok");
    expect(await(me, tool, second), "{ok,[0]}");
}

static void a_queue_has_an_end(void **state)
{
    uint64_t ref, spin = begin_spin(me, tool);
    pid many = process_new();
    char *now = NULL;

    (void)state;
    for (unsigned i = 0; i < 100000 && !now; i++)
        now = begin(many, tool, &ref, DRV_OP_SIZE, NULL);
    expect(now, "{error,\"*");
    process_kill(many); /* with all that it has sent */
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, spin), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
}

static void endless_loops_starve_nobody(void **state)
{
    enum { ENDLESS = 8 };
    uint64_t refs[ENDLESS], ref;
    port *endless[ENDLESS];

    (void)state;
    for (unsigned i = 0; i < ENDLESS; i++) {
        endless[i] = open_tool(me);
        refs[i] = begin_spin(me, endless[i]);
    }
    for (unsigned i = 0; i < by_patience(50, 1000); i++)
        expect(ask(other, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    for (unsigned i = 0; i < 5; i++) {
        char *now = begin(other, tool, &ref, DRV_OP_CALL, "<<\"count\">>,[200000]");

        expect(now ? now : await(other, tool, ref), "{ok,[200000]}");
    }
    for (unsigned i = 0; i < ENDLESS; i++) {
        expect(ask(other, endless[i], DRV_OP_INTERRUPT, NULL), "ok");
        expect(await(me, endless[i], refs[i]), "{error,\"*");
        close_port(endless[i]);
    }
}

static void run_short_calls(unsigned index, void *user)
{
    pid self = process_new();
    unsigned rounds = by_patience(300, 20000);

    for (unsigned i = 0; i < rounds; i++) {
        char wanted[40];

        if (i % 100 == index)
            expect(ask(self, user, DRV_OP_CALL, "<<\"count\">>,[%d]", 100000 + (int)index),
                   index == 0   ? "{ok,[100000]}"
                   : index == 1 ? "{ok,[100001]}"
                                : "{ok,[10000*");
        snprintf(wanted, sizeof wanted, "{ok,[%u]}", 1000 * index + 1000 + i);
        expect(ask(self, user, DRV_OP_CALL, "<<\"add\">>,[%d,%d]", (int)(1000 * index),
                   (int)i + 1000),
               wanted);
    }
    check(process_messages(self) == 0);
}

static void callers_at_once_get_their_own_results(void **state)
{
    (void)state;
    together(4, run_short_calls, tool);
}

/* ---- Interrupts and limits ---- */

static void an_interrupted_instance_goes_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < by_patience(20, 500); i++) {
        uint64_t ref = begin_spin(me, tool);

        expect(ask(i % 2 ? me : other, tool, DRV_OP_INTERRUPT, NULL), "ok");
        expect(await(me, tool, ref), "{error,\"*");
        expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    }
}

/* A short call is in time, on a busy machine at least at one of many attempts. */
static void expect_in_time(port *p)
{
    bool is_in_time = false;

    for (int i = 0; i < 100 && !is_in_time; i++) {
        char *answer = ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]");

        is_in_time = matches(answer, "{ok,[120.0]}");
        free(answer);
    }
    check(is_in_time);
}

/* The same for one that comes to its import. */
static uint64_t ask_in_time(port *p)
{
    bool is_in_time = false;
    uint64_t id = 0;

    for (int i = 0; i < 100 && !is_in_time; i++) {
        char *answer = ask(me, p, DRV_OP_CALL, "<<\"ask\">>,[5]");

        is_in_time = import_id(answer, &id);
        free(answer);
    }
    check(is_in_time);
    return id;
}

static void a_time_limit_ends_each_call(void **state)
{
    port *p = open_with(me, "#{time=>30}");
    uint64_t id, ref, queued;

    (void)state;
    expect(ask(me, p, DRV_OP_CALL, "<<\"spin\">>,[]"), "{error,\"*");
    expect_in_time(p);
    id = ask_in_time(p);
    sleep_ms(300);
    expect(ask(me, p, DRV_OP_RESPOND, "%u,{ok,[1]}", id), "{error,\"*");
    expect_in_time(p);
    ref = begin_spin(me, p);
    queued = begin_spin(other, p);
    expect(await(me, p, ref), "{error,\"*");
    expect(await(other, p, queued), "{error,\"*");
    expect_in_time(p);
    close_port(p);
}

static void fuel_is_of_each_call(void **state)
{
    port *p = open_with(me, "#{fuel=>100000}");

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        expect(ask(me, p, DRV_OP_CALL, "<<\"spin\">>,[]"), "{error,\"*");
        expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    }
    close_port(p);
}

static void memory_has_its_limit(void **state)
{
    port *p = open_with(me, "#{max_memory=>131072}");

    (void)state;
    expect(ask(me, p, DRV_OP_CALL, "<<\"grow\">>,[1]"), "{ok,[1]}");
    expect(ask(me, p, DRV_OP_CALL, "<<\"grow\">>,[1]"), "{ok,[-1]}");
    close_port(p);
}

static void stubs_answer_imports(void **state)
{
    port *zeros = open_with(me, "#{stubs=>zeros}");
    port *traps = open_with(me, "#{stubs=>trap}");

    (void)state;
    expect(ask(me, zeros, DRV_OP_CALL, "<<\"ask\">>,[5]"), "{ok,[0]}");
    expect(ask(me, zeros, DRV_OP_CALL, "<<\"mix\">>,[5,1.0,1.0]"), "{ok,[0.0]}");
    expect(ask(me, traps, DRV_OP_CALL, "<<\"ask\">>,[5]"), "{error,\"*");
    expect(ask(me, traps, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    close_port(zeros);
    close_port(traps);
}

/* ---- Callers that end ---- */

static void a_dead_callers_call_is_interrupted(void **state)
{
    pid caller = process_new();

    (void)state;
    begin_spin(caller, tool);
    process_kill(caller);
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
}

static void a_dead_callers_queued_commands_are_dropped(void **state)
{
    pid caller = process_new();
    uint64_t running = begin_spin(me, tool), ref, last;

    (void)state;
    assert_null(begin(caller, tool, &ref, DRV_OP_CALL, "<<\"spin\">>,[]"));
    assert_null(begin(caller, tool, &ref, DRV_OP_CALL, "<<\"poke\">>,[0,1]"));
    assert_null(begin(caller, tool, &ref, DRV_OP_WRITE, "4,<<\"a\">>"));
    assert_null(begin(other, tool, &last, DRV_OP_READ, "0,5"));
    process_kill(caller);
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, running), "{error,\"*");
    expect(await(other, tool, last), "{ok,<<0,0,0,0,0>>}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_call_is_answered_by_a_message),
        TEST(commands_wait_for_a_running_call_in_their_order),
        TEST(a_queue_has_an_end),
        TEST(endless_loops_starve_nobody),
        TEST(callers_at_once_get_their_own_results),
        TEST(an_interrupted_instance_goes_on),
        TEST(a_time_limit_ends_each_call),
        TEST(fuel_is_of_each_call),
        TEST(memory_has_its_limit),
        TEST(stubs_answer_imports),
        TEST(a_dead_callers_call_is_interrupted),
        TEST(a_dead_callers_queued_commands_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
