/* Calls that wait for an import: answered, nested, by the wrong process, too late, never. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Call ask(n) and leave it waiting.  Returns the id of the import. */
static uint64_t wait_in(pid from, port *p, int n)
{
    char *answer = ask(from, p, DRV_OP_CALL, "<<\"ask\">>,[%d]", n);
    uint64_t id = 0;

    if (!import_id(answer, &id))
        emulator_fault("%s in place of an import", answer);
    free(answer);
    return id;
}

#define RESPOND(from, p, id, response) ask(from, p, DRV_OP_RESPOND, "%u," response, id)
#define NONE_PENDING "{error,\"No pending import response waiting*"

/* ---- Answers ---- */

static void imports_are_asked_of_the_caller(void **state)
{
    char *answer = ask(me, tool, DRV_OP_CALL, "<<\"ask\">>,[1000]");
    uint64_t id = 0;

    (void)state;
    assert_true(import_id(answer, &id));
    assert_non_null(strstr(answer, ",\"env\",\"ask\",[1000],\"(i)i\"}"));
    free(answer);
    expect(RESPOND(me, tool, id, "{ok,[7]}"), "{ok,[7]}");
    expect(answer_imports(me, tool, ask(me, tool, DRV_OP_CALL, "<<\"asks\">>,[50]")),
           "{ok,[1325]}");
}

static void import_values_are_exact(void **state)
{
    char *answer;
    uint64_t id = 0;

    (void)state;
    answer = ask(me, tool, DRV_OP_CALL, "<<\"mix\">>,[-9223372036854775808,1.5,0.1]");
    assert_true(import_id(answer, &id));
    assert_non_null(strstr(answer, "[-9223372036854775808,1.5,0.1],\"(IfF)F\"}"));
    free(answer);
    expect(RESPOND(me, tool, id, "{ok,[0.30000000000000004]}"), "{ok,[0.30000000000000004]}");
    answer = ask(me, tool, DRV_OP_CALL, "<<\"mix\">>,[1,nan,infinity]");
    assert_true(import_id(answer, &id));
    assert_non_null(strstr(answer, "[1,nan,infinity]"));
    free(answer);
    expect(RESPOND(me, tool, id, "{ok,[neg_infinity]}"), "{ok,[neg_infinity]}");
}

static void functions_without_results_take_none_or_one(void **state)
{
    static const char *const answers[] = {"{ok,[]}", "{ok,[0]}", "{ok,[1.5]}"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *answer = ask(me, tool, DRV_OP_CALL, "<<\"note\">>,[1]");
        uint64_t id = 0;
        term response = term_of(answers[i]);

        assert_true(import_id(answer, &id));
        free(answer);
        expect(ask(me, tool, DRV_OP_RESPOND, "%u,%t", id, &response), "{ok,[]}");
        term_free(&response);
    }
}

static void wrong_results_trap_with_a_text(void **state)
{
    static const char *const answers[] = {
        "{ok,[]}",     "{ok,[1,2]}", "{ok,[1.5]}", "{ok,[4294967296]}",
        "{ok,[x]}",    "{ok,[1|2]}", "{ok,[nan]}", "{ok,[<<\"a\">>]}",
        "{ok,\"ab\"}", "{ok,x}",     "cancel",     "{error,\"no such thing\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint64_t id = wait_in(me, tool, 1);
        char notation[100];
        char *answer;

        snprintf(notation, sizeof notation, "%%u,%s", answers[i]);
        answer = ask(me, tool, DRV_OP_RESPOND, notation, id);
        check(matches(answer, "{error,\"*"));
        if (strstr(answers[i], "no such"))
            check(strstr(answer, "no such thing"));
        free(answer);
        expect(RESPOND(me, tool, id, "{ok,[1]}"), NONE_PENDING);
        expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    }
}

static void stray_and_late_answers_have_no_effect(void **state)
{
    uint64_t id, next;

    (void)state;
    expect(RESPOND(me, tool, (uint64_t)1, "{ok,[1]}"), NONE_PENDING);
    id = wait_in(me, tool, 1);
    expect(RESPOND(me, tool, id + 1, "{ok,[1]}"), NONE_PENDING);
    expect(RESPOND(me, tool, (uint64_t)0, "{ok,[1]}"), NONE_PENDING);
    expect(RESPOND(other, tool, id, "{ok,[1]}"), NONE_PENDING);
    expect(RESPOND(other, tool, id, "cancel"), NONE_PENDING);
    expect(RESPOND(me, tool, id, "{ok,[2]}"), "{ok,[2]}");
    expect(RESPOND(me, tool, id, "{ok,[3]}"), NONE_PENDING);
    next = wait_in(me, tool, 1);
    check(next != id);
    expect(RESPOND(me, tool, id, "{ok,[4]}"), NONE_PENDING);
    expect(RESPOND(me, tool, next, "{ok,[5]}"), "{ok,[5]}");
}

/* ---- On top ---- */

static void the_handler_may_use_its_instance(void **state)
{
    uint64_t id = wait_in(me, tool, 1);

    (void)state;
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    expect(ask(me, tool, DRV_OP_WRITE, "0,<<\"abc\">>"), "ok");
    expect(ask(me, tool, DRV_OP_READ, "0,3"), "{ok,<<\"abc\">>}");
    expect(ask(me, tool, DRV_OP_SIZE, NULL), "{ok,65536}");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"length\">>,[<<\"text\">>]"), "{ok,[4]}");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"count\">>,[1000000]"), "{ok,[1000000]}");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"div\">>,[1,0]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_INFO, NULL), "{ok,#{*");
    expect(RESPOND(me, tool, id, "{ok,[9]}"), "{ok,[9]}");
}

static void calls_nest_and_end_from_the_inside(void **state)
{
    enum { DEPTH = 64 };
    uint64_t ids[DEPTH];

    (void)state;
    for (unsigned i = 0; i < DEPTH; i++)
        ids[i] = wait_in(me, tool, (int)i);
    expect(RESPOND(me, tool, ids[0], "{ok,[1]}"), "{error,\"*"); /* not its turn */
    for (unsigned i = DEPTH; i-- > 0;) {
        char wanted[40];

        snprintf(wanted, sizeof wanted, "{ok,[%u]}", 1000 + i);
        expect(ask(me, tool, DRV_OP_RESPOND, "%u,{ok,[%d]}", ids[i], 1000 + (int)i), wanted);
    }
    expect(RESPOND(me, tool, ids[0], "{ok,[1]}"), NONE_PENDING);
}

static void others_queue_behind_a_waiting_call(void **state)
{
    uint64_t id = wait_in(me, tool, 1), call, read, asking, inner = 0;
    char *answer;

    (void)state;
    assert_null(begin(other, tool, &call, DRV_OP_CALL, "<<\"fac\">>,[4]"));
    assert_null(begin(other, tool, &read, DRV_OP_READ, "0,1"));
    assert_null(begin(other, tool, &asking, DRV_OP_CALL, "<<\"ask\">>,[1]"));
    expect(ask(me, tool, DRV_OP_CALL, "<<\"poke\">>,[0,5]"), "{ok,[]}"); /* on top */
    assert_int_equal(process_messages(other), 0);
    expect(RESPOND(me, tool, id, "{ok,[9]}"), "{ok,[9]}");
    expect(await(other, tool, call), "{ok,[24.0]}");
    expect(await(other, tool, read), "{ok,<<5>>}");
    answer = await(other, tool, asking);
    assert_true(import_id(answer, &inner));
    free(answer);
    expect(RESPOND(me, tool, inner, "{ok,[1]}"), NONE_PENDING);
    expect(RESPOND(other, tool, inner, "{ok,[8]}"), "{ok,[8]}");
}

static void instances_nest_in_each_others_imports(void **state)
{
    enum { DEPTH = 32 };
    uint64_t ids[DEPTH];
    port *ports[DEPTH];

    (void)state;
    for (unsigned i = 0; i < DEPTH; i++) {
        ports[i] = open_tool(me);
        ids[i] = wait_in(me, ports[i], 1);
    }
    for (unsigned i = DEPTH; i-- > 0;) {
        expect(RESPOND(me, ports[i], ids[i], "{ok,[3]}"), "{ok,[3]}");
        close_port(ports[i]);
    }
}

static void two_hundred_wait_and_hold_no_thread(void **state)
{
    enum { COUNT = 200 };
    static uint64_t ids[COUNT];
    static pid pids[COUNT];
    static port *ports[COUNT];
    unsigned threads = emulator_threads();

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        pids[i] = process_new();
        ports[i] = open_tool(pids[i]);
        ids[i] = wait_in(pids[i], ports[i], (int)i);
    }
    assert_int_equal(emulator_threads(), threads);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned at = i % 2 ? COUNT - 1 - i / 2 : i / 2;

        expect(RESPOND(pids[at], ports[at], ids[at], "{ok,[1]}"), "{ok,[1]}");
        close_port(ports[at]);
    }
}

static void run_asking(unsigned index, void *user)
{
    pid self = process_new();

    for (unsigned i = 0; i < by_patience(20, 2000); i++) {
        char wanted[40];
        unsigned n = 16 + index * 3 + i % 5; /* sums beyond what is shown as text */

        snprintf(wanted, sizeof wanted, "{ok,[%u]}", n * (n + 1) / 2 + n);
        expect(answer_imports(self, user,
                              ask(self, user, DRV_OP_CALL, "<<\"asks\">>,[%d]", (int)n)),
               wanted);
    }
    check(process_messages(self) == 0);
}

static void askers_at_once_get_their_own_imports(void **state)
{
    (void)state;
    together(4, run_asking, tool);
}

/* ---- Ends ---- */

static void a_dead_handler_ends_its_calls(void **state)
{
    pid handler = process_new();
    uint64_t outer = wait_in(handler, tool, 1), inner = wait_in(handler, tool, 2), queued;

    (void)state;
    assert_null(begin(other, tool, &queued, DRV_OP_CALL, "<<\"fac\">>,[4]"));
    process_kill(handler);
    expect(await(other, tool, queued), "{ok,[24.0]}");
    expect(RESPOND(me, tool, outer, "{ok,[1]}"), NONE_PENDING);
    expect(RESPOND(me, tool, inner, "{ok,[1]}"), NONE_PENDING);
}

static void a_dead_handler_ends_what_it_runs_on_top(void **state)
{
    pid handler = process_new();
    uint64_t ref;

    (void)state;
    wait_in(handler, tool, 1);
    assert_null(begin(handler, tool, &ref, DRV_OP_CALL, "<<\"spin\">>,[]"));
    process_kill(handler);
    expect(ask(other, tool, DRV_OP_CALL, "<<\"fac\">>,[4]"), "{ok,[24.0]}");
}

static void a_waiting_call_can_be_interrupted(void **state)
{
    uint64_t id = wait_in(me, tool, 1), queued;

    (void)state;
    assert_null(begin(other, tool, &queued, DRV_OP_CALL, "<<\"fac\">>,[4]"));
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(other, tool, queued), "{ok,[24.0]}");
    expect(RESPOND(me, tool, id, "{ok,[1]}"), "{error,\"*");
    expect(RESPOND(me, tool, id, "{ok,[1]}"), NONE_PENDING);
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    assert_int_equal(process_messages(me), 0);
}

static void state_is_not_taken_in_the_midst_of_a_call(void **state)
{
    uint64_t id = wait_in(me, tool, 1);

    (void)state;
    expect(ask(me, tool, DRV_OP_SNAPSHOT, NULL), "{error,\"*");
    expect(ask_bytes(me, tool, DRV_OP_RESTORE, (piece){.data = "x", .len = 1}, NULL),
           "{error,\"*");
    expect(RESPOND(me, tool, id, "{ok,[4]}"), "{ok,[4]}");
}

static char *whenever(char *answer, uint64_t ref)
{
    return answer ? answer : await(me, tool, ref);
}

/* A handler that doesn't wait for what it has sent: its response is in the queue, and when its
 * turn comes another call of the handler's own waits on top. It has no effect; one that is
 * given again does. */
static void a_response_out_of_turn_can_be_given_again(void **state)
{
    enum { MUCH = 20 << 20 };
    uint64_t id = wait_in(me, tool, 1), top = 0, refs[3];
    uint8_t *much = calloc(1, MUCH);
    char *second, *third;

    (void)state;
    assert_non_null(much);
    send_bytes(me, tool, &refs[0], DRV_OP_MEMORY, (piece){.data = much, .len = MUCH}, NULL);
    second = begin(me, tool, &refs[1], DRV_OP_CALL, "<<\"ask\">>,[2]");
    third = begin(me, tool, &refs[2], DRV_OP_RESPOND, "%u,{ok,[1]}", id);
    expect(await(me, tool, refs[0]), "ok");
    second = whenever(second, refs[1]);
    assert_true(import_id(second, &top));
    expect(whenever(third, refs[2]), NONE_PENDING);
    expect(RESPOND(me, tool, top, "{ok,[20]}"), "{ok,[20]}");
    expect(RESPOND(me, tool, id, "{ok,[10]}"), "{ok,[10]}");
    free(second);
    free(much);
}

/* ---- Plain ---- */

static void plain_calls_nest_and_are_answered_once(void **state)
{
    (void)state;
    send_plain(me, tool, "{call,\"ask\",[1]}");
    expect(await_plain(me), "{import,\"env\",\"ask\",[1],\"(i)i\"}");
    send_plain(me, tool, "{call,\"fac\",[4]}");
    expect(await_plain(me), "{execution_result,[24.0]}");
    send_plain(me, tool, "{call,\"ask\",[2]}");
    expect(await_plain(me), "{import,\"env\",\"ask\",[2],\"(i)i\"}");
    send_plain(me, tool, "{import_response,[20]}");
    expect(await_plain(me), "{execution_result,[20]}");
    send_plain(me, tool, "{import_response,[10]}");
    expect(await_plain(me), "{execution_result,[10]}");
    send_plain(me, tool, "{import_response,[10]}");
    expect(await_plain(me), "{error,\"No pending import response waiting*");
    send_plain(me, tool, "{call,\"ask\",[1]}");
    expect(await_plain(me), "{import,*");
    send_plain(me, tool, "{import_response,[x]}");
    expect(await_plain(me), "{error,\"*");
    send_plain(me, tool, "{call,\"fac\",[4]}");
    expect(await_plain(me), "{execution_result,[24.0]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(imports_are_asked_of_the_caller),
        TEST(import_values_are_exact),
        TEST(functions_without_results_take_none_or_one),
        TEST(wrong_results_trap_with_a_text),
        TEST(stray_and_late_answers_have_no_effect),
        TEST(the_handler_may_use_its_instance),
        TEST(calls_nest_and_end_from_the_inside),
        TEST(others_queue_behind_a_waiting_call),
        TEST(instances_nest_in_each_others_imports),
        TEST(two_hundred_wait_and_hold_no_thread),
        TEST(askers_at_once_get_their_own_imports),
        TEST(a_dead_handler_ends_its_calls),
        TEST(a_dead_handler_ends_what_it_runs_on_top),
        TEST(a_waiting_call_can_be_interrupted),
        TEST(state_is_not_taken_in_the_midst_of_a_call),
        TEST(a_response_out_of_turn_can_be_given_again),
        TEST(plain_calls_nest_and_are_answered_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
