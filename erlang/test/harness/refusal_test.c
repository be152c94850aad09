/* Memory, mappings and threads are refused, the Nth request of each command, for N = 1, 2, ...
 * until none is: the answer is an error or the right one, it comes, nothing is left behind, and
 * the instance goes on. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "refuse.h"

enum { LAST = 3000, LARGE = 200000 };

static pid me;
static wasm_builder tool;
static uint8_t *large;
static term kept; /* a snapshot */

/* A state that was half put back, when there was no memory to undo it either, is lost: then the
 * instance says so. */
static void expect_works(port *p, bool may_be_lost)
{
    char *answer = ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]");

    if (!may_be_lost || !matches(answer, "{error,\"The instance cannot be used*"))
        expect(answer, "{ok,[120.0]}");
    else
        free(answer);
}

/* An error, or one of the answers that are right. */
static void expect_error_or(char *answer, const char *right, unsigned n)
{
    if (!matches(answer, "{error,\"*") && !matches(answer, right))
        emulator_fault("request %u refused: %.200s in place of {error,_} or %s", n, answer,
                       right);
    free(answer);
}

/* ---- Scenarios ---- */

typedef struct scenario {
    const char *name;
    char *(*run)(port *p);
    const char *right;
    bool is_raw; /* the port has no guest yet */
} scenario;

static char *run_init(port *p)
{
    return ask_bytes(me, p, DRV_OP_INIT, (piece){.data = tool.data, .len = tool.len}, "#{}");
}

static char *run_plain_init(port *p)
{
    if (!send_plain(me, p, "{init,%b,wasm}", tool.data, tool.len))
        return strdup("badarg");
    return await_plain(me);
}

static char *run_call(port *p)
{
    return ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]");
}

static char *run_long_call(port *p)
{
    return ask(me, p, DRV_OP_CALL, "<<\"count\">>,[300000]");
}

static char *run_plain_call(port *p)
{
    send_plain(me, p, "{call,\"add\",[1,2]}");
    return await_plain(me);
}

static char *run_text(port *p)
{
    return ask(me, p, DRV_OP_CALL, "<<\"length\">>,[<<\"a longer text, to be copied\">>]");
}

static char *run_json(port *p)
{
    return ask(me, p, DRV_OP_CALL, "<<\"length\">>,[#{a=>[1,2.5,#{b=>null}],c=>[true]}]");
}

static char *run_imports(port *p)
{
    return answer_imports(me, p, ask(me, p, DRV_OP_CALL, "<<\"asks\">>,[3]"));
}

/* Left waiting: what was refused may be the answer. */
static char *run_waiting(port *p)
{
    char *answer = ask(me, p, DRV_OP_CALL, "<<\"ask\">>,[3]");
    uint64_t id;

    if (import_id(answer, &id)) {
        expect(ask(me, p, DRV_OP_INTERRUPT, NULL), "ok");
        free(ask(me, p, DRV_OP_RESPOND, "%u,{ok,[1]}", id));
    }
    return answer;
}

static char *run_read(port *p)
{
    return ask(me, p, DRV_OP_READ, "0,20");
}

static char *run_read_much(port *p)
{
    return ask(me, p, DRV_OP_READ, "0,5000");
}

static char *run_read_all(port *p)
{
    return ask(me, p, DRV_OP_READ, "0,65536");
}

static char *run_string(port *p)
{
    return ask(me, p, DRV_OP_STRING, "0,65536");
}

static char *run_write(port *p)
{
    return ask(me, p, DRV_OP_WRITE, "60000,%b", large, (size_t)3000);
}

static char *run_write_sent(port *p)
{
    return ask_bytes(me, p, DRV_OP_WRITE, (piece){.data = large, .len = 65536}, "0");
}

static char *run_memory(port *p)
{
    return ask_bytes(me, p, DRV_OP_MEMORY, (piece){.data = large, .len = LARGE}, NULL);
}

static char *run_snapshot(port *p)
{
    return ask(me, p, DRV_OP_SNAPSHOT, NULL);
}

static char *run_restore(port *p)
{
    return ask_bytes(me, p, DRV_OP_RESTORE, (piece){.data = kept.data, .len = kept.len}, NULL);
}

static char *run_info(port *p)
{
    return ask(me, p, DRV_OP_INFO, NULL);
}

static char *run_trap(port *p)
{
    return ask(me, p, DRV_OP_CALL, "<<\"deep\">>,[]");
}

static const scenario scenarios[] = {
    {"init", run_init, "{ok,[*", true},
    {"plain init", run_plain_init, "{execution_result,[*", true},
    {"call", run_call, "{ok,[120.0]}", false},
    {"long call", run_long_call, "{ok,[300000]}", false},
    {"plain call", run_plain_call, "{execution_result,[3]}", false},
    {"text", run_text, "{ok,[27]}", false},
    {"json", run_json, "{ok,\"#\"}", false},
    {"imports", run_imports, "{ok,[9]}", false},
    {"waiting", run_waiting, "{import,*", false},
    {"read", run_read, "{ok,<<*", false},
    {"read much", run_read_much, "{ok,<<5000 bytes>>}", false},
    {"read all", run_read_all, "{ok,<<65536 bytes>>}", false},
    {"string", run_string, "{ok,<<>>}", false},
    {"write", run_write, "ok", false},
    {"write sent", run_write_sent, "ok", false},
    {"memory", run_memory, "ok", false},
    {"snapshot", run_snapshot, "{ok,<<*", false},
    {"restore", run_restore, "ok", false},
    {"info", run_info, "{ok,#{*", false},
    {"trap", run_trap, "{error,*", false},
};

/* ---- Refusing ---- */

static void take_snapshot(void)
{
    port *p = open_tool(me);
    term command = term_of("{%r}", new_ref()), out;

    assert_true(port_call(me, p, DRV_OP_SNAPSHOT, &command, &out));
    if (out.len < 10) { /* `wait` */
        term_free(&out);
        assert_true(process_receive(me, NULL, PATIENCE_MS, &out));
    }
    for (size_t i = 0; i + 7 < out.len && kept.len == 0; i++)
        if (memcmp(out.data + i, "ok", 2) == 0 && out.data[i + 2] == 109)
            term_bytes(&kept, out.data + i + 7, out.len - i - 7);
    assert_true(kept.len > 0);
    term_free(&out);
    term_free(&command);
    close_port(p);
}

static void begin_all(void)
{
    emulator_start(2);
    load();
    me = process_new();
    tool = module_tool(false);
    large = calloc(1, LARGE);
    take_snapshot();
}

static void end_all(void)
{
    wasm_free(&tool);
    term_free(&kept);
    free(large);
    assert_int_equal(finish(), 0);
}

/* Returns whether a request was refused. */
static bool refuse_in(const scenario *s, unsigned n, bool is_lasting)
{
    port *p = s->is_raw ? port_open(me) : open_tool(me);
    bool was_hit;
    char *answer;

    if (!p)
        return false;
    refuse_begin(n, is_lasting);
    answer = s->run(p);
    was_hit = refuse_end();
    if (!was_hit && !matches(answer, s->right))
        emulator_fault("%s: %.100s", s->name, answer);
    if (strcmp(answer, "nothing") == 0)
        emulator_fault("%s: no answer when request %u is refused", s->name, n);
    expect_error_or(answer, s->right, n);
    if (!s->is_raw)
        expect_works(p, is_lasting && s->run == run_restore);
    close_port(p);
    if (process_messages(me) > 0) {
        answer = await_plain(me);
        emulator_fault("%s: a second answer when request %u is refused: %.100s", s->name, n,
                       answer);
        free(answer);
    }
    return was_hit;
}

static void refuse_all(bool is_lasting)
{
    begin_all();
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        unsigned n = 1;

        while (n < LAST && refuse_in(&scenarios[i], n, is_lasting) && emulator_faults() < 20)
            n++;
        printf("%s: %u requests\n", scenarios[i].name, n - 1);
    }
    end_all();
}

static void one_refusal_is_an_error_or_does_not_matter(void **state)
{
    (void)state;
    refuse_all(false);
}

static void lasting_refusals_are_errors(void **state)
{
    (void)state;
    refuse_all(true);
}

/* Opening and loading, too. */
static void loading_and_opening_can_be_refused(void **state)
{
    bool was_hit = true, is_loaded;
    port *p;

    (void)state;
    emulator_start(2);
    me = process_new();
    tool = module_tool(false);
    for (unsigned n = 1; n < LAST && was_hit; n++) {
        refuse_begin(n, n % 2);
        is_loaded = emulator_load(driver_init());
        p = is_loaded ? port_open(me) : NULL;
        was_hit = refuse_end();
        if (p) {
            expect_error_or(run_init(p), "{ok,[*", n);
            close_port(p);
        }
        if (is_loaded)
            emulator_unload();
    }
    wasm_free(&tool);
    assert_int_equal(emulator_end(), 0);
}

/* A thread's first turn takes memory; what asks for it comes to an end. */
static void first_turns_can_be_refused(void **state)
{
    static const scenario first = {"first call", run_long_call, "{ok,[300000]}", false};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        emulator_start(2);
        load();
        me = process_new();
        (void)refuse_in(&first, 2, true); /* the command itself is granted */
        assert_int_equal(finish(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_refusal_is_an_error_or_does_not_matter),
        cmocka_unit_test(lasting_refusals_are_errors),
        cmocka_unit_test(loading_and_opening_can_be_refused),
        cmocka_unit_test(first_turns_can_be_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
