/* Every command in both forms, and what the driver says of those that are wrong. */
#define _GNU_SOURCE /* memmem */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(name, ...) ask(me, tool, DRV_OP_CALL, "<<\"" name "\">>," __VA_ARGS__)

/* ---- With references ---- */

static void init_tells_imports_and_exports(void **state)
{
    port *p = port_open(me);
    wasm_builder w = module_fac();
    beamr_bytes b = wasm_bytes_of(&w);

    (void)state;
    expect(ask_bytes(me, p, DRV_OP_INIT, (piece){.data = b.data, .len = b.len}, "#{}"),
           "{ok,[],[{func,\"fac\",\"(F)F\"}]}");
    wasm_free(&w);
    close_port(p);
}

static void calls_take_numbers_of_every_kind(void **state)
{
    (void)state;
    expect(CALL("fac", "[5.0]"), "{ok,[120.0]}");
    expect(CALL("fac", "[5]"), "{ok,[120.0]}");
    expect(ask(me, tool, DRV_OP_CALL, "\"fac\",[5]"), "{ok,[120.0]}");
    expect(CALL("add", "[9223372036854775807,-1]"), "{ok,[9223372036854775806]}");
    expect(CALL("add", "[18446744073709551615,1]"), "{ok,[0]}");
    expect(CALL("pair", "[1]"), "{ok,[1,2]}");
    expect(CALL("pair", "[-9223372036854775808]"),
           "{ok,[-9223372036854775808,-9223372036854775807]}");
    expect(CALL("div", "[7.0,2]"), "{ok,[3]}");
    expect(CALL("div", "[4294967295,1]"), "{ok,[-1]}");
    expect(CALL("poke", "[64,7]"), "{ok,[]}");
    expect(CALL("peek", "[64]"), "{ok,[7]}");
    expect(CALL("fac", "[400.0]"), "{ok,[infinity]}");
    expect(CALL("fac", "[neg_infinity]"), "{ok,[1.0]}");
}

static void calls_take_text_and_json(void **state)
{
    (void)state;
    expect(CALL("length", "[<<\"hello\">>]"), "{ok,[5]}");
    expect(CALL("length", "[\"hello!\"]"), "{ok,[6]}");
    expect(CALL("length", "[#{a=>[1,2]}]"), "{ok,[11]}");
}

static void elements_of_the_table_can_be_called(void **state)
{
    (void)state;
    expect(ask(me, tool, DRV_OP_CALL, "0,[5.0]"), "{ok,[120.0]}");
    expect(ask(me, tool, DRV_OP_CALL, "1,[2,3]"), "{ok,[5]}");
    expect(ask(me, tool, DRV_OP_CALL, "2,[]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "4,[]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "-1,[]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "18446744073709551615,[]"), "{error,\"*");
}

static void wrong_calls_are_errors_and_change_nothing(void **state)
{
    char name[1001];

    (void)state;
    memset(name, 'x', 1000);
    name[1000] = '\0';
    expect(CALL("fac", "[]"), "{error,\"*");
    expect(CALL("fac", "[1,2]"), "{error,\"*");
    expect(CALL("div", "[1.5,2]"), "{error,\"*");
    expect(CALL("div", "[4294967296,2]"), "{error,\"*");
    expect(CALL("div", "[nan,2]"), "{error,\"*");
    expect(CALL("fac", "[fac]"), "invalid_args");
    expect(CALL("fac", "[1|2]"), "invalid_args");
    expect(CALL("fac", "[{1}]"), "invalid_args");
    expect(CALL("fac", "[[]]"), "invalid_args");
    expect(CALL("fac", "fac"), "invalid_args");
    expect(CALL("none", "[]"), "{error,\"Function not found*");
    expect(CALL("memory", "[]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "%n,[]", name), "{error,\"Function not found*");
    expect(CALL("fac", "[3]"), "{ok,[6.0]}");
}

static void traps_are_told_once(void **state)
{
    (void)state;
    expect(CALL("div", "[1,0]"), "{error,\"*");
    expect(CALL("deep", "[]"), "{error,\"*");
    expect(CALL("peek", "[100000]"), "{error,\"*");
    expect(CALL("div", "[6,2]"), "{ok,[3]}");
}

static void memory_is_read_and_written_within_bounds(void **state)
{
    (void)state;
    expect(ask(me, tool, DRV_OP_SIZE, NULL), "{ok,65536}");
    expect(ask(me, tool, DRV_OP_WRITE, "100,<<\"Hello\">>"), "ok");
    expect(ask(me, tool, DRV_OP_READ, "100,6"), "{ok,<<72,101,108,108,111,0>>}");
    expect(ask(me, tool, DRV_OP_STRING, "100,10"), "{ok,<<\"Hello\">>}");
    expect(ask(me, tool, DRV_OP_STRING, "100,5"), "{ok,<<\"Hello\">>}");
    expect(ask(me, tool, DRV_OP_STRING, "100,4"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "65536,0"), "{ok,<<>>}");
    expect(ask(me, tool, DRV_OP_READ, "65535,1"), "{ok,<<0>>}");
    expect(ask(me, tool, DRV_OP_READ, "65535,2"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "65537,0"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "-1,10"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "0,-1"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "9223372036854775807,10"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "18446744073709551615,10"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_WRITE, "-8,<<\"Hello\">>"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_WRITE, "65534,<<\"Hello\">>"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_WRITE, "65536,<<>>"), "ok");
}

/* Sizes about the limits between what is returned, sent, and done by a thread. */
static void memory_goes_in_every_size(void **state)
{
    static const size_t sizes[] = {0,     1,     255,   4095,    4096,    4097,
                                   65535, 65536, 65537, 1000000, 1 << 20, 16 << 20};
    uint8_t *bytes = malloc(16 << 20);

    (void)state;
    memset(bytes, 'b', 16 << 20);
    expect(CALL("grow", "[300]"), "{ok,[1]}");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        piece sent = {.data = bytes, .len = sizes[i]};
        char wanted[40];

        snprintf(wanted, sizeof wanted, sizes[i] > 1000 ? "{ok,<<%zu bytes>>}" : "{ok,<<*",
                 sizes[i]);
        expect(ask_bytes(me, tool, DRV_OP_WRITE, sent, "4"), "ok");
        expect(ask(me, tool, DRV_OP_READ, "4,%u", (uint64_t)sizes[i]), wanted);
        if (sizes[i] < 65000)
            expect(ask(me, tool, DRV_OP_WRITE, "4,%b", bytes, sizes[i]), "ok");
        if (sizes[i] > 0)
            expect(ask(me, tool, DRV_OP_READ, "%u,1", (uint64_t)sizes[i] + 3),
                   "{ok,<<\"b\">>}");
        expect(ask(me, tool, DRV_OP_READ, "%u,1", (uint64_t)sizes[i] + 4), "{ok,<<0>>}");
    }
    expect(ask(me, tool, DRV_OP_STRING, "4,%d", 20 << 20), "{ok,<<16777216 bytes>>}");
    free(bytes);
}

static void the_whole_memory_is_put_back(void **state)
{
    static uint8_t bytes[3 * 65536];

    (void)state;
    memset(bytes, 'm', sizeof bytes);
    expect(
        ask_bytes(me, tool, DRV_OP_MEMORY, (piece){.data = bytes, .len = sizeof bytes}, NULL),
        "ok");
    expect(ask(me, tool, DRV_OP_SIZE, NULL), "{ok,196608}");
    expect(ask_bytes(me, tool, DRV_OP_MEMORY, (piece){.data = bytes, .len = 100}, NULL), "ok");
    expect(ask(me, tool, DRV_OP_READ, "99,2"), "{ok,<<109,0>>}");
}

/* The bytes of {ok, Binary}. */
static piece answered_bytes(const term *message)
{
    piece found = {0};

    for (size_t i = 0; i + 5 < message->len && !found.data; i++)
        if (memcmp(message->data + i, "ok", 2) == 0 && message->data[i + 2] == 109) {
            found.data = message->data + i + 7;
            found.len = message->len - i - 7;
        }
    return found;
}

static void snapshots_are_restored(void **state)
{
    uint64_t ref = new_ref();
    term command = term_of("{%r}", ref), out, message;
    piece kept;

    (void)state;
    expect(CALL("poke", "[64,7]"), "{ok,[]}");
    assert_true(port_call(me, tool, DRV_OP_SNAPSHOT, &command, &out));
    if (out.len > 10) {
        message = out;
    } else {
        term_free(&out);
        assert_true(process_receive(me, NULL, PATIENCE_MS, &message));
    }
    kept = answered_bytes(&message);
    assert_non_null(kept.data);
    expect(CALL("poke", "[64,8]"), "{ok,[]}");
    expect(CALL("grow", "[1]"), "{ok,[1]}");
    expect(ask_bytes(me, tool, DRV_OP_RESTORE, kept, NULL), "ok");
    expect(CALL("peek", "[64]"), "{ok,[7]}");
    kept.len /= 2;
    expect(ask_bytes(me, tool, DRV_OP_RESTORE, kept, NULL), "{error,\"*");
    expect(ask_bytes(me, tool, DRV_OP_RESTORE, (piece){.data = "x", .len = 1}, NULL),
           "{error,\"*");
    expect(CALL("peek", "[64]"), "{ok,[7]}");
    term_free(&message);
    term_free(&command);
}

static void info_and_interrupt_are_answered(void **state)
{
    (void)state;
    expect(ask(me, tool, DRV_OP_INFO, NULL), "{ok,#{*");
    expect(ask(me, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(CALL("fac", "[3]"), "{ok,[6.0]}"); /* not this one */
}

static void long_arguments_go_in_both_ways(void **state)
{
    enum { LONG = 300000 };
    char *text = malloc(LONG + 1);
    term rest;

    (void)state;
    memset(text, 't', LONG);
    text[LONG] = '\0';
    expect(CALL("grow", "[50]"), "{ok,[1]}");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"length\">>,[%b]", text, (size_t)60000),
           "{ok,[60000]}");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"length\">>,[%b,1]", text, (size_t)60000),
           "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"length\">>,[%b]", text, (size_t)70000),
           "{error,\"*");
    expect(ask_bytes(me, tool, DRV_OP_CALL, (piece){.data = "", .len = 0},
                     "<<\"length\">>,[%b]", text, (size_t)LONG),
           "{ok,[300000]}");
    rest = term_of("{call,\"length\",[%b]}", text, (size_t)100000);
    assert_true(port_command(me, tool, &(piece){.data = rest.data, .len = rest.len}, 1));
    expect(await_plain(me), "{execution_result,[100000]}");
    term_free(&rest);
    free(text);
}

/* ---- Known modules ---- */

/* The module `fac` with much behind it, and its function under the name "faX". */
static ErlDrvBinary *large_module(char x)
{
    static const uint8_t padding[100000];
    wasm_builder w = module_fac();
    ErlDrvBinary *binary;
    char *name;

    wasm_section(&w, WASM_CUSTOM);
    wasm_name(&w, "padding");
    wasm_bytes(&w, padding, sizeof padding);
    wasm_end(&w);
    name = memmem(w.data, w.len, "fac", 3);
    name[2] = x;
    binary = binary_of(w.data, w.len);
    wasm_free(&w);
    return binary;
}

static void expect_module(ErlDrvBinary *binary, char x)
{
    port *p = port_open(me);
    char wanted[60];

    snprintf(wanted, sizeof wanted, "{ok,[],[{func,\"fa%c\",\"(F)F\"}]}", x);
    expect(ask_bytes(me, p, DRV_OP_INIT, (piece){.binary = binary}, "#{}"), wanted);
    close_port(p);
}

/* The next binary may be where the last one was. */
static void known_modules_are_told_from_others(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        char x = (char)('a' + i % 26);
        ErlDrvBinary *binary = large_module(x), *same = large_module(x);

        expect_module(binary, x);
        expect_module(binary, x);
        driver_free_binary(binary);
        expect_module(same, x);
        driver_free_binary(same);
    }
}

/* ---- Wrong ---- */

static void a_second_init_is_refused(void **state)
{
    wasm_builder w = module_fac();
    beamr_bytes b = wasm_bytes_of(&w);

    (void)state;
    expect(ask_bytes(me, tool, DRV_OP_INIT, (piece){.data = b.data, .len = b.len}, "#{}"),
           "{error,\"*");
    wasm_free(&w);
    expect(CALL("fac", "[3]"), "{ok,[6.0]}");
}

static void nothing_works_before_init(void **state)
{
    port *p = port_open(me);

    (void)state;
    expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_RESPOND, "1,{ok,[]}"), "{error,\"*");
    expect(ask(me, p, DRV_OP_READ, "0,1"), "{error,\"*");
    expect(ask(me, p, DRV_OP_WRITE, "0,<<\"a\">>"), "{error,\"*");
    expect(ask(me, p, DRV_OP_SIZE, NULL), "{error,\"*");
    expect(ask(me, p, DRV_OP_STRING, "0,1"), "{error,\"*");
    expect(ask(me, p, DRV_OP_SNAPSHOT, NULL), "{error,\"*");
    expect(ask_bytes(me, p, DRV_OP_MEMORY, (piece){.data = "a", .len = 1}, NULL), "{error,\"*");
    expect(ask_bytes(me, p, DRV_OP_RESTORE, (piece){.data = "a", .len = 1}, NULL),
           "{error,\"*");
    close_port(p);
}

static void a_module_without_memory_has_none(void **state)
{
    wasm_builder w = module_fac();
    port *p = open_module(me, &w, "#{}");

    (void)state;
    expect(ask(me, p, DRV_OP_SIZE, NULL), "{error,\"*");
    expect(ask(me, p, DRV_OP_READ, "0,0"), "{error,\"*");
    expect(ask(me, p, DRV_OP_WRITE, "0,<<>>"), "{error,\"*");
    expect(ask(me, p, DRV_OP_STRING, "0,10"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "0,[]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[<<\"text\">>]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[4]"), "{ok,[24.0]}");
    close_port(p);
    wasm_free(&w);
}

static void commands_of_another_shape_are_errors(void **state)
{
    (void)state;
    expect(ask(me, tool, 0, "1"), "{error,\"*");
    expect(ask(me, tool, 99, "1"), "{error,\"*");
    expect(ask(me, tool, 0xffffffff, "1"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, NULL), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "<<\"fac\">>,[5],6"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "#{},[5]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_CALL, "1.5,[5]"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_READ, "1.0,1"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_WRITE, "1,1"), "{error,\"*");
    expect(ask(me, tool, DRV_OP_RESPOND, "1,{none,[]}"), "{error,\"*");
    expect(CALL("fac", "[3]"), "{ok,[6.0]}");
}

static void options_are_checked(void **state)
{
    static const char *const wrong[] = {"#{max_memory=>-1}", "#{fuel=>1.0}", "#{time=>x}",
                                        "#{stubs=>none}",    "#{mode=>x}",   "#{nothing=>1}",
                                        "#{system=>1}",      "[]",           "1",
                                        "#{<<\"x\">>=>1}"};
    wasm_builder w = module_fac();
    beamr_bytes b = wasm_bytes_of(&w);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        port *p = port_open(me);

        expect(ask_bytes(me, p, DRV_OP_INIT, (piece){.data = b.data, .len = b.len}, wrong[i]),
               "{error,\"*");
        close_port(p);
    }
    wasm_free(&w);
}

/* ---- Plain ---- */

static void the_plain_form_does_all_of_it(void **state)
{
    wasm_builder w = module_tool(false);
    port *p = port_open(me);

    (void)state;
    send_plain(me, p, "{init,%b,wasm}", w.data, w.len);
    expect(await_plain(me), "{execution_result,[{func,\"env\",\"ask\",\"(i)i\"},*");
    send_plain(me, p, "{call,\"fac\",[5.0]}");
    expect(await_plain(me), "{execution_result,[120.0]}");
    send_plain(me, p, "{call,\"div\",[]}");
    expect(await_plain(me), "{error,\"*");
    send_plain(me, p, "{indirect_call,1,[1,2]}");
    expect(await_plain(me), "{execution_result,[3]}");
    send_plain(me, p, "{write,10,<<\"abc\">>}");
    expect(await_plain(me), "ok");
    send_plain(me, p, "{read,10,3}");
    expect(await_plain(me), "{execution_result,<<\"abc\">>}");
    send_plain(me, p, "{read,-1,3}");
    expect(await_plain(me), "{error,\"*");
    send_plain(me, p, "{size}");
    expect(await_plain(me), "{execution_result,65536}");
    send_plain(me, p, "{call,\"asks\",[2]}");
    expect(await_plain(me), "{import,\"env\",\"ask\",[2],\"(i)i\"}");
    send_plain(me, p, "{import_response,[20]}");
    expect(await_plain(me), "{import,\"env\",\"ask\",[1],\"(i)i\"}");
    send_plain(me, p, "{import_response,[10]}");
    expect(await_plain(me), "{execution_result,[30]}");
    close_port(p);
    wasm_free(&w);
}

static void plain_errors_are_told_to_the_owner(void **state)
{
    static const char *const wrong[] = {"{call,\"fac\",[x]}",
                                        "{call,\"fac\"}",
                                        "{call}",
                                        "{size,1}",
                                        "size",
                                        "{nothing,1}",
                                        "1",
                                        "{import_response,[1]}",
                                        "{init,1,wasm}",
                                        "{init,<<\"x\">>,wasm}",
                                        "{read,0}",
                                        "{write,0,0}",
                                        "[]",
                                        "{}",
                                        "{call,1,[]}",
                                        "{indirect_call,x,[]}"};
    port *p = open_tool(me);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        send_plain(me, p, wrong[i]);
        expect(await_plain(me), "{error,\"*");
    }
    send_plain(me, p, "{call,\"fac\",[3]}");
    expect(await_plain(me), "{execution_result,[6.0]}");
    close_port(p);
}

static void answers_go_to_the_owner_of_that_moment(void **state)
{
    pid heir = process_new();
    port *p = open_tool(me);

    (void)state;
    port_connect(p, heir);
    send_plain(me, p, "{size}");
    expect(await_plain(heir), "{execution_result,65536}");
    send_plain(me, p, "{call,\"count\",[2000000]}");
    port_connect(p, me);
    expect(await_plain(heir), "{execution_result,[2000000]}"); /* whose call it was */
    send_plain(me, p, "{size}");
    expect(await_plain(me), "{execution_result,65536}");
    close_port(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init_tells_imports_and_exports),
        TEST(calls_take_numbers_of_every_kind),
        TEST(calls_take_text_and_json),
        TEST(elements_of_the_table_can_be_called),
        TEST(wrong_calls_are_errors_and_change_nothing),
        TEST(traps_are_told_once),
        TEST(memory_is_read_and_written_within_bounds),
        TEST(memory_goes_in_every_size),
        TEST(the_whole_memory_is_put_back),
        TEST(snapshots_are_restored),
        TEST(info_and_interrupt_are_answered),
        TEST(long_arguments_go_in_both_ways),
        TEST(known_modules_are_told_from_others),
        TEST(a_second_init_is_refused),
        TEST(nothing_works_before_init),
        TEST(a_module_without_memory_has_none),
        TEST(commands_of_another_shape_are_errors),
        TEST(options_are_checked),
        TEST(the_plain_form_does_all_of_it),
        TEST(plain_errors_are_told_to_the_owner),
        TEST(answers_go_to_the_owner_of_that_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
