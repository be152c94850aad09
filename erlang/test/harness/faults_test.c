/* Garbage, and ends at every moment: of ports, of processes, of the driver. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static pid me;
static wasm_builder tool;

static int begin_all(void **state)
{
    (void)state;
    emulator_start(3);
    load();
    me = process_new();
    tool = module_tool(false);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    wasm_free(&tool);
    return finish() == 0 ? 0 : -1;
}

/* Any answer but none. */
static void expect_answered(char *answer)
{
    if (strcmp(answer, "nothing") == 0)
        emulator_fault("no answer");
    free(answer);
}

static void expect_works(port *p)
{
    expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
}

/* ---- Garbage ---- */

static void truncated_modules_are_refused(void **state)
{
    size_t step = by_patience(11, 1);

    (void)state;
    for (size_t len = 0; len < tool.len; len += step) {
        port *p = port_open(me);
        piece cut = {.data = tool.data, .len = len};
        bool is_plain = len / step % 2;

        if (is_plain)
            send_plain(me, p, "{init,%b,wasm}", cut.data, cut.len);
        if (len < 200) /* types and imports alone are a module */
            expect_answered(is_plain ? await_plain(me)
                                     : ask_bytes(me, p, DRV_OP_INIT, cut, "#{}"));
        else
            expect(is_plain ? await_plain(me) : ask_bytes(me, p, DRV_OP_INIT, cut, "#{}"),
                   "{error,\"*");
        close_port(p);
    }
}

static void spoiled_modules_are_answered(void **state)
{
    uint8_t *copy = malloc(tool.len);
    uint64_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < by_patience(200, 5000); i++) {
        port *p = port_open(me);

        memcpy(copy, tool.data, tool.len);
        for (unsigned n = 1 + dice(&seed) % 3; n > 0; n--)
            copy[8 + dice(&seed) % (tool.len - 8)] = (uint8_t)dice(&seed);
        expect_answered(
            ask_bytes(me, p, DRV_OP_INIT, (piece){.data = copy, .len = tool.len}, "#{}"));
        close_port(p);
    }
    free(copy);
}

static void an_instance_that_failed_to_start_can_be_started_or_not(void **state)
{
    port *p = port_open(me);

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        expect(ask_bytes(me, p, DRV_OP_INIT, (piece){.data = tool.data, .len = 300 + i}, "#{}"),
               "{error,\"*");
    expect_answered(
        ask_bytes(me, p, DRV_OP_INIT, (piece){.data = tool.data, .len = tool.len}, "#{}"));
    close_port(p);
}

/* A command that is right but for a few bytes. */
static term spoiled_command(uint64_t *seed)
{
    static const char *const commands[] = {"{%r,<<\"fac\">>,[5.0]}",
                                           "{%r,0,10}",
                                           "{%r,1,{ok,[1]}}",
                                           "{%r}",
                                           "{call,\"fac\",[5]}",
                                           "{read,0,10}",
                                           "{import_response,[1,2.0]}",
                                           "{%r,<<\"length\">>,[#{a=>[1,{}]},\"x\"]}",
                                           "{write,0,<<\"some bytes\">>}"};
    term t = term_of(commands[dice(seed) % 9], new_ref());

    for (unsigned n = dice(seed) % 4; n > 0; n--)
        t.data[dice(seed) % t.len] = (uint8_t)dice(seed);
    if (dice(seed) % 4 == 0)
        t.len = dice(seed) % t.len;
    return t;
}

static void drain(pid id)
{
    term out;

    while (process_receive(id, NULL, 0, &out))
        term_free(&out);
}

static void send_spoiled(port *p, uint64_t *seed)
{
    term t = spoiled_command(seed), out;
    uint8_t head[8] = {'B', 'M', 'R', (uint8_t)(dice(seed) % 16), 0, 0, 0, (uint8_t)t.len};
    piece pieces[2] = {{.data = head, .len = 8}, {.data = t.data, .len = t.len}};

    if (dice(seed) % 8 == 0)
        head[dice(seed) % 8] = (uint8_t)dice(seed);
    switch (dice(seed) % 3) {
    case 0:
        if (port_call(me, p, dice(seed) % 16, &t, &out))
            term_free(&out);
        break;
    case 1:
        port_command(me, p, pieces, 2);
        break;
    default:
        port_command(me, p, pieces + 1, 1);
    }
    term_free(&t);
}

static void spoiled_commands_are_survived(void **state)
{
    port *p = open_module(me, &tool, "#{time=>1000}");
    uint64_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < by_patience(20000, 1000000); i++) {
        send_spoiled(p, &seed);
        if (i % 100 == 0)
            drain(me);
    }
    expect(ask(me, p, DRV_OP_INTERRUPT, NULL), "ok");
    drain(me);
    expect_works(p);
    drain(me);
    close_port(p);
}

static void random_bytes_are_survived(void **state)
{
    port *p = open_module(me, &tool, "#{}");
    uint8_t bytes[300];
    uint64_t seed = 3;
    term t, out;

    (void)state;
    for (unsigned i = 0; i < by_patience(5000, 200000); i++) {
        size_t len = dice(&seed) % sizeof bytes;
        piece pieces[2] = {{.data = bytes, .len = len / 3}, {.data = bytes + len / 3}};

        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)dice(&seed);
        if (len > 0 && dice(&seed) % 2)
            bytes[0] = 131;
        if (len > 3 && dice(&seed) % 4 == 0)
            memcpy(bytes, "BMR", 3);
        pieces[1].len = len - len / 3;
        port_command(me, p, pieces, 2);
        t = (term){.data = bytes, .len = len};
        if (port_call(me, p, dice(&seed) % 14, &t, &out))
            term_free(&out);
        port_control(me, p, dice(&seed), bytes, len);
        drain(me);
    }
    port_command(me, p, NULL, 0);
    drain(me);
    expect_works(p);
    close_port(p);
}

/* ---- Ends of ports ---- */

/* What is under way when the end comes. */
typedef struct scene {
    pid caller; /* and the port's owner */
    pid other;
    port *p;
    uint64_t refs[8];
    pid callers[8];
    unsigned count; /* of those who wait for a message */
} scene;

static void pend(scene *s, pid from, unsigned op, const char *args)
{
    uint64_t ref;
    char *now = begin(from, s->p, &ref, op, args);

    if (now) {
        free(now);
        return;
    }
    s->callers[s->count] = from;
    s->refs[s->count++] = ref;
}

static void make_idle(scene *s)
{
    (void)s;
}

static void make_running(scene *s)
{
    pend(s, s->caller, DRV_OP_CALL, "<<\"spin\">>,[]");
}

static void make_queued(scene *s)
{
    static uint8_t bytes[200000];
    piece sent = {.data = bytes, .len = sizeof bytes};

    make_running(s);
    pend(s, s->other, DRV_OP_CALL, "<<\"fac\">>,[5]");
    pend(s, s->caller, DRV_OP_READ, "0,60000");
    pend(s, s->other, DRV_OP_SNAPSHOT, NULL);
    send_bytes(s->other, s->p, &s->refs[s->count], DRV_OP_WRITE, sent, "0");
    s->callers[s->count++] = s->other;
}

static void make_waiting(scene *s)
{
    pend(s, s->caller, DRV_OP_CALL, "<<\"ask\">>,[1]");
}

static void make_nested(scene *s)
{
    make_waiting(s);
    pend(s, s->caller, DRV_OP_CALL, "<<\"mix\">>,[1,1.0,1.0]");
    pend(s, s->other, DRV_OP_CALL, "<<\"fac\">>,[5]");
    pend(s, s->caller, DRV_OP_CALL, "<<\"spin\">>,[]");
}

static void make_ending(scene *s) /* about to be over, or over */
{
    pend(s, s->caller, DRV_OP_CALL, "<<\"count\">>,[30000]");
    pend(s, s->other, DRV_OP_READ, "0,60000");
    pend(s, s->other, DRV_OP_SNAPSHOT, NULL);
}

static void (*const makers[])(scene *s) = {make_idle,    make_running, make_queued,
                                           make_waiting, make_nested,  make_ending};
enum { MAKERS = sizeof makers / sizeof makers[0] };

static scene make_scene(unsigned which)
{
    scene s = {.caller = process_new(), .other = process_new()};

    s.p = open_module(s.caller, &tool, "#{}");
    makers[which](&s);
    return s;
}

/* Everyone who waits is told, once, or sees that the port is gone. */
static void expect_told(scene *s)
{
    if (!port_await_closed(s->p))
        emulator_fault("a port doesn't close");
    for (unsigned i = 0; i < s->count; i++)
        expect_answered(await(s->callers[i], s->p, s->refs[i]));
    expect(ask(s->other, s->p, DRV_OP_SIZE, NULL), "badarg");
    if (process_is_alive(s->caller))
        check(process_messages(s->caller) == 0);
    check(process_messages(s->other) == 0);
}

static void ports_close_at_every_point(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAKERS * by_patience(10, 300); i++) {
        scene s = make_scene(i % MAKERS);

        usleep(i * 37 % 2000);
        port_close(s.p);
        expect_told(&s);
    }
}

static void owners_end_at_every_point(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAKERS * by_patience(10, 300); i++) {
        scene s = make_scene(i % MAKERS);

        usleep(i * 37 % 2000);
        process_kill(s.caller);
        expect_told(&s);
    }
}

static void callers_end_at_every_point(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAKERS * by_patience(10, 300); i++) {
        scene s = make_scene(i % MAKERS);

        port_connect(s.p, me);
        usleep(i * 37 % 2000);
        process_kill(s.caller);
        for (unsigned k = 0; k < s.count; k++)
            expect_answered(await(s.callers[k], s.p, s.refs[k]));
        expect_works(s.p);
        close_port(s.p);
        check(process_messages(s.other) == 0);
    }
}

static void ports_close_while_they_begin(void **state)
{
    wasm_builder hung = module_tool(true);

    (void)state;
    for (unsigned i = 0; i < by_patience(20, 500); i++) {
        wasm_builder *w = i % 2 ? &tool : &hung;
        port *p = port_open(me);
        uint64_t ref;

        assert_true(send_bytes(me, p, &ref, DRV_OP_INIT,
                               (piece){.data = w->data, .len = w->len}, "#{}"));
        usleep(i * 101 % 3000);
        port_close(p);
        expect_answered(await(me, p, ref));
        assert_true(port_await_closed(p));
    }
    wasm_free(&hung);
}

static void a_hanging_start_can_be_interrupted_and_limited(void **state)
{
    wasm_builder hung = module_tool(true);
    piece sent = {.data = hung.data, .len = hung.len};
    port *p = port_open(me);
    uint64_t ref;

    (void)state;
    assert_true(send_bytes(me, p, &ref, DRV_OP_INIT, sent, "#{}"));
    sleep_ms(20);
    expect(ask(me, p, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, p, ref), "{error,\"*");
    close_port(p);
    p = port_open(me);
    expect(ask_bytes(me, p, DRV_OP_INIT, sent, "#{time=>20}"), "{error,\"*");
    close_port(p);
    wasm_free(&hung);
}

/* ---- Ends of the driver ---- */

static void the_driver_is_unloaded_with_things_in_flight(void **state)
{
    (void)state;
    for (unsigned i = 0; i < by_patience(20, 500); i++) {
        scene scenes[MAKERS];

        for (unsigned k = 0; k < MAKERS; k++)
            scenes[k] = make_scene(k);
        for (unsigned k = 0; k < MAKERS; k++)
            port_close(scenes[k].p);
        for (unsigned k = 0; k < MAKERS; k++)
            assert_true(port_await_closed(scenes[k].p));
        emulator_unload();
        load();
        for (unsigned k = 0; k < MAKERS; k++) {
            process_kill(scenes[k].caller);
            process_kill(scenes[k].other);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)
    const struct CMUnitTest tests[] = {
        TEST(truncated_modules_are_refused),
        TEST(spoiled_modules_are_answered),
        TEST(an_instance_that_failed_to_start_can_be_started_or_not),
        TEST(spoiled_commands_are_survived),
        TEST(random_bytes_are_survived),
        TEST(ports_close_at_every_point),
        TEST(owners_end_at_every_point),
        TEST(callers_end_at_every_point),
        TEST(ports_close_while_they_begin),
        TEST(a_hanging_start_can_be_interrupted_and_limited),
        TEST(the_driver_is_unloaded_with_things_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
