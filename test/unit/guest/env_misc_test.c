/* The rest of env: ids and limits, random numbers, the heap, the console, ends, sockets. */
#include <stdio.h>

#include "beamr/guest.h"
#include "env_fixture.h"

/* ---- The process and the machine ---- */

EACH_WIDTH(there_is_one_process_of_user_0)
{
    assert_int_equal(DO("__syscall_getpid"), 42);
    assert_int_equal(DO("__syscall_getppid"), 1);
    assert_int_equal(DO("__syscall_getuid32"), 0);
    assert_int_equal(DO("__syscall_geteuid32"), 0);
    assert_int_equal(DO("__syscall_getgid32"), 0);
    assert_int_equal(DO("__syscall_getegid32"), 0);
    assert_int_equal(DO("__syscall_getpgid", 0), 42);
    assert_errno(DO("__syscall_getsid", 7), SRCH);
    assert_int_equal(DO("__syscall_setuid32", 0), 0);
    assert_errno(DO("__syscall_setuid32", 1), PERM);
    assert_int_equal(DO("__syscall_setreuid32", -1, 0), 0);
    assert_errno(DO("__syscall_setresgid32", 0, 1, 0), PERM);
    assert_int_equal(DO("__syscall_getresuid32", DATA, DATA + 4, DATA + 8), 0);
    assert_errno(DO("__syscall_getresuid32", DATA, MEMORY, DATA), FAULT);
    assert_int_equal(DO("__syscall_getgroups32", 0, 0), 1);
    assert_int_equal(DO("__syscall_getgroups32", 1, DATA), 1);
    assert_errno(DO("__syscall_getgroups32", 1, MEMORY), FAULT);
    assert_errno(DO("__syscall_getgroups32", -1, DATA), INVAL);
    assert_errno(DO("__syscall_wait4", -1, 0, 0, 0), CHILD);
    assert_errno(DO("__syscall_setpriority", 0, 0, 1), PERM);
    assert_errno(DO("__syscall_pipe2", DATA, 0), NOSYS);
    assert_errno(DO("__syscall_pipe", DATA), NOSYS);
    assert_errno(DO("__syscall_mremap", 0, 0, 0, 0, 0), NOMEM);
}

EACH_WIDTH(uname_tells_the_width_and_nothing_of_the_host)
{
    assert_int_equal(DO("__syscall_uname", DATA), 0);
    assert_string_equal(memory_at(f, DATA), "Emscripten");
    assert_string_equal(memory_at(f, DATA + 4 * 65), f->call.is64 ? "wasm64" : "wasm32");
    assert_errno(DO("__syscall_uname", MEMORY - 389), FAULT);
    assert_int_equal(DO("__syscall_uname", MEMORY - 390), 0);
}

EACH_WIDTH(limits_can_be_read_and_not_set)
{
    assert_int_equal(DO("__syscall_prlimit64", 0, 7, 0, DATA), 0);
    assert_int_equal(get_number(f, DATA, 8), 1024);
    assert_int_equal(DO("__syscall_prlimit64", 42, 3, 0, DATA), 0);
    assert_int_equal(get_number(f, DATA + 8, 8), UINT64_MAX);
    assert_errno(DO("__syscall_prlimit64", 0, 3, DATA, 0), PERM);
    assert_errno(DO("__syscall_prlimit64", 7, 3, 0, DATA), SRCH);
    assert_errno(DO("__syscall_prlimit64", 0, 16, 0, DATA), INVAL);
    assert_errno(DO("__syscall_prlimit64", 0, 3, 0, MEMORY), FAULT);
    assert_int_equal(DO("__syscall_ugetrlimit", 3, DATA), 0);
    assert_int_equal(get_number(f, DATA, word_of(f)), f->call.is64 ? UINT64_MAX : UINT32_MAX);
    assert_errno(DO("__syscall_ugetrlimit", 99, DATA), INVAL);
    assert_errno(DO("__syscall_ugetrlimit", 3, MEMORY), FAULT);
}

EACH_WIDTH(random_numbers_are_the_systems)
{
    uint8_t zeros[64] = {0};
    double first;

    assert_int_equal(DO("getentropy", DATA, 64), 0);
    assert_memory_not_equal(memory_at(f, DATA), zeros, 64);
    assert_int_equal(DO("getentropy", MEMORY, 64), -1);
    assert_int_equal(DO("__syscall_getrandom", DATA, 64, 0), 64);
    assert_errno(DO("__syscall_getrandom", MEMORY, 1, 0), FAULT);
    for (int i = 0; i < 1000; i++) {
        (void)DO("emscripten_random");
        assert_true(f->real >= 0 && f->real < 1);
    }
    (void)DO("seed");
    first = f->real;
    (void)DO("seed");
    assert_true(first >= 0 && f->real >= 0); /* no NaN */
    assert_true(first != f->real);
}

static void the_programs_name_is_the_first_argument(void **state)
{
    const char *const args[] = {"/bin/program"};
    beamr_wasi_options o = {.args = args, .arg_count = 1};
    fixture opened = open_env_with(false, &o), *f = &opened;

    (void)state;
    memset(memory_at(f, DATA), '#', 20);
    (void)DO("_emscripten_get_progname", DATA, 20);
    assert_string_equal(memory_at(f, DATA), "/bin/program");
    (void)DO("_emscripten_get_progname", DATA, 5);
    assert_string_equal(memory_at(f, DATA), "/bin");
    *memory_at(f, DATA) = '#';
    (void)DO("_emscripten_get_progname", DATA, 0);
    (void)DO("_emscripten_get_progname", MEMORY, 5);
    assert_int_equal(*memory_at(f, DATA), '#');
    close_env(f);
}

EACH_WIDTH(there_are_no_commands_and_no_libraries)
{
    assert_int_equal(DO("_emscripten_system", 0), 0);
    assert_errno(DO("_emscripten_system", T("ls")), NOSYS);
    assert_int_equal(DO("system", 0), 0);
    assert_int_equal(DO("system", T("ls")), -1);
    assert_int_equal(DO("_dlopen_js", DATA), 0);
    assert_int_equal(DO("_dlsym_js", DATA, T("f"), DATA), 0);
    assert_int_equal(DO("__asyncjs__weavedrive_open", T("a"), T2("r")), 0);
    assert_int_equal(DO("__asyncjs__weavedrive_read", 1, DATA, 10), -1);
    assert_int_equal(DO("__asyncjs__weavedrive_close", 1), 0);
}

EACH_WIDTH(a_signals_handler_is_called)
{
    beamr_extern upper;

    assert_true(beamr_instance_find(f->instance, beamr_bytes_of("upper"), &upper));
    (void)DO("__call_sighandler", 1, 15);
    assert_int_equal(beamr_global_get(upper.of.global).of.i32, 15);
    (void)TRY("__call_sighandler", 0, 15);
    assert_int_equal(f->err.trap, BEAMR_TRAP_UNINITIALIZED_ELEMENT);
    f->call.caller = NULL;
    (void)TRY("__call_sighandler", 1, 15);
    assert_int_equal(f->err.trap, BEAMR_TRAP_HOST);
}

/* ---- Sockets ---- */

EACH_WIDTH(there_are_no_sockets)
{
    assert_errno(DO("__syscall_socket", 2, 1, 0, 0, 0, 0), AFNOSUPPORT);
    assert_errno(DO("__syscall_socketpair", 1, 1, 0, DATA, 0, 0), AFNOSUPPORT);
    assert_errno(DO("__syscall_connect", 1, DATA, 16, 0, 0, 0), NOTSOCK);
    assert_errno(DO("__syscall_recvfrom", 99, DATA, 16, 0, 0, 0), BADF);
    assert_errno(DO("__syscall_listen", 1, 1, 0, 0, 0, 0), NOTSOCK);
    assert_int_equal(DO("getaddrinfo", T("localhost"), 0, 0, DATA), -2);
    assert_int_equal(DO("getnameinfo", DATA, 16, DATA, 16, DATA, 16, 0), -6);
    assert_errno(DO("__syscall_epoll_create1", 0), NOSYS);
}

/* ---- The heap ---- */

EACH_WIDTH(the_heap_grows_up_to_the_memorys_maximum)
{
    assert_int_equal(DO("emscripten_get_heap_max"), 3 * MEMORY);
    assert_int_equal(DO("emscripten_resize_heap", MEMORY), 1);
    assert_int_equal(beamr_memory_size(f->call.memory), MEMORY);
    assert_int_equal(DO("emscripten_resize_heap", MEMORY + 1), 1);
    assert_int_equal(beamr_memory_size(f->call.memory), 2 * MEMORY);
    assert_int_equal(DO("emscripten_resize_heap", 3 * MEMORY + 1), 0);
    assert_int_equal(DO("emscripten_resize_heap", -1), 0);
    assert_int_equal(beamr_memory_size(f->call.memory), 2 * MEMORY);
    assert_int_equal(DO("emscripten_resize_heap", 3 * MEMORY), 1);
    f->call.memory = NULL;
    assert_int_equal(DO("emscripten_resize_heap", 1), 0);
    assert_int_equal(DO("emscripten_get_heap_max"), 0);
}

EACH_WIDTH(copies_may_overlap_and_trap_outside_memory)
{
    (void)text_at(f, DATA, "abcdefgh");
    (void)DO("_emscripten_memcpy_js", DATA + 2, DATA, 6);
    assert_string_equal(memory_at(f, DATA), "ababcdef");
    assert_int_equal(DO_TYPED("emscripten_memcpy_big", "PPP:P", DATA, DATA + 1, 2), DATA);
    assert_string_equal(memory_at(f, DATA), "baabcdef");
    (void)DO("_emscripten_memcpy_js", MEMORY, MEMORY, 0);
    (void)TRY("_emscripten_memcpy_js", MEMORY - 4, DATA, 5);
    assert_int_equal(f->err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    (void)TRY("emscripten_memcpy_js", DATA, MEMORY - 4, 5);
    assert_int_equal(f->err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    (void)TRY("emscripten_memcpy_big", DATA, DATA, -1);
    assert_int_equal(f->err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    (void)DO("_emscripten_memset_js", DATA, 'x', 3);
    assert_string_equal(memory_at(f, DATA), "xxxbcdef");
    (void)TRY("emscripten_memset_big", MEMORY - 1, 'x', 2);
    assert_int_equal(f->err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    (void)DO("emscripten_notify_memory_growth", 0);
    (void)DO("_emscripten_runtime_keepalive_clear");
}

/* ---- The console ---- */

typedef struct console {
    char text[2][100];
} console;

static beamr_status keep(char *text, beamr_bytes bytes)
{
    strncat(text, (const char *)bytes.data, bytes.len);
    return BEAMR_OK;
}
static beamr_status keep_out(void *user, beamr_bytes bytes, beamr_error *err)
{
    (void)err;
    return keep(((console *)user)->text[0], bytes);
}
static beamr_status keep_err(void *user, beamr_bytes bytes, beamr_error *err)
{
    (void)err;
    return keep(((console *)user)->text[1], bytes);
}

static void what_is_logged_comes_out_as_lines(void **state)
{
    for (int is64 = 0; is64 < 2; is64++) {
        console c = {{{0}}};
        beamr_wasi_options o = {.out = {.write = keep_out, .user = &c},
                                .err = {.write = keep_err, .user = &c}};
        fixture opened = open_env_with(is64, &o), *f = &opened;

        (void)state;
        (void)DO("emscripten_console_log", T("one"));
        (void)DO("emscripten_out", T(""));
        (void)DO("emscripten_outn", T("two and more"), 3);
        (void)DO("emscripten_out", MEMORY);
        (void)DO("emscripten_outn", MEMORY, 3);
        assert_string_equal(c.text[0], "one\n\ntwo\n");
        (void)DO("emscripten_err", T("bad"));
        (void)DO("emscripten_console_warn", T("worse"));
        (void)DO("emscripten_errn", T("worst"), 5);
        assert_string_equal(c.text[1], "bad\nworse\nworst\n");
        assert_int_equal(DO("__syscall_close", 2), 0);
        (void)DO("emscripten_err", T("lost"));
        close_env(f);
    }
}

static beamr_status refuse(void *user, beamr_bytes bytes, beamr_error *err)
{
    (void)user, (void)bytes;
    return beamr_fail(err, BEAMR_LIMIT, 0, "the stream is full");
}

static void a_stream_of_the_embedders_that_fails_ends_the_call(void **state)
{
    beamr_wasi_options o = {.out = {.write = refuse}};
    fixture opened = open_env_with(true, &o), *f = &opened;

    (void)state;
    (void)TRY("emscripten_out", T("text"));
    assert_int_equal(f->status, BEAMR_LIMIT);
    assert_string_equal(f->err.text, "the stream is full");
    close_env(f);
}

/* ---- Ends ---- */

EACH_WIDTH(abort_is_a_trap)
{
    static const char *const names[] = {"abort", "_abort_js", "segfault", "alignfault"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)TRY(names[i]);
        assert_int_equal(f->status, BEAMR_TRAP);
        assert_int_equal(f->err.trap, BEAMR_TRAP_ABORT);
    }
    (void)TRY("__handle_stack_overflow", 0);
    assert_int_equal(f->err.trap, BEAMR_TRAP_ABORT);
    (void)TRY("__trap");
    assert_int_equal(f->err.trap, BEAMR_TRAP_UNREACHABLE);
    (void)TRY("emscripten_throw_string", T("text"));
    assert_non_null(strstr(f->err.text, "thrown: text"));
    (void)TRY("emscripten_throw_number", 5);
    assert_non_null(strstr(f->err.text, "thrown: 5"));
}

EACH_WIDTH(a_failed_assertion_says_which_in_one_line)
{
    char *text = (char *)memory_at(f, DATA);

    memset(text, 'x', 1000);
    text[1000] = '\0';
    (void)TRY("__assert_fail", T("a < b"), T2("dir/file.c"), 17, text_at(f, ARGS, "f\n\xff"));
    assert_int_equal(f->err.trap, BEAMR_TRAP_ABORT);
    assert_string_equal(f->err.text,
                        "aborted: assertion failed: a < b, at dir/file.c:17 in f??");
    (void)TRY("__assert_fail", DATA, 0, -1, MEMORY);
    assert_non_null(strstr(f->err.text, "xxx, at unknown:-1 in unknown"));
}

/* A String of AssemblyScript at an address, with its size before it. */
static int64_t string_at(const fixture *f, int64_t addr, const char *text)
{
    uint32_t size = (uint32_t)strlen(text) * 2;
    uint8_t *at = memory_at(f, (uint64_t)addr);

    memcpy(at, &size, sizeof size);
    for (uint32_t i = 0; i < size; i++)
        at[sizeof size + i] = i % 2 ? 0 : (uint8_t)text[i / 2];
    return addr + (int64_t)sizeof size;
}

EACH_WIDTH(abort_of_AssemblyScript_says_where)
{
    const guest_import *row = row_of("abort", "PPii:");

    (void)call_row(
        f, row,
        (const int64_t[]){string_at(f, DATA, "no\xe9"), string_at(f, TEXT, "a.ts"), 3, 14}, 4);
    assert_int_equal(f->err.trap, BEAMR_TRAP_ABORT);
    assert_string_equal(f->err.text, "aborted: no?, at a.ts:3:14");
    (void)call_row(f, row, (const int64_t[]){0, MEMORY, 0, -1}, 4);
    assert_string_equal(f->err.text, "aborted: unknown, at unknown:0:4294967295");
}

EACH_WIDTH(exit_runs_what_was_registered_and_keeps_the_code)
{
    uint32_t code = 0;
    beamr_extern upper;

    (void)TRY("exit", 300);
    assert_int_equal(f->err.trap, BEAMR_TRAP_EXIT);
    assert_true(beamr_wasi_exited(f->wasi, &code));
    assert_int_equal(code, 300);
    assert_true(beamr_instance_find(f->instance, beamr_bytes_of("upper"), &upper));
    assert_int_equal(beamr_global_get(upper.of.global).of.i32, 7);
    beamr_wasi_clear_exit(f->wasi);
    (void)TRY("_Exit", 3);
    assert_true(beamr_wasi_exited(f->wasi, &code));
    assert_int_equal(code, 3);
    (void)TRY("emscripten_exit_with_live_runtime");
    assert_true(beamr_wasi_exited(f->wasi, &code));
    assert_int_equal(code, 0);
}

/* A guest whose function at exit exits again. */
static void build_exiting_guest(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "i", "");
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "env", "exit");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "__funcs_on_exit", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
    WASM_BODY(w, 0x41, 1, 0x10, 0);
    wasm_end(w);
}

static void exits_within_exits_end(void **state)
{
    fixture opened = open_env(false), *f = &opened;
    wasm_builder w = {0};
    beamr_module *m = NULL;
    beamr_linker *linker = NULL;
    beamr_instance *instance = NULL;

    (void)state;
    build_exiting_guest(&w);
    assert_int_equal(beamr_module_load(f->engine, wasm_bytes_of(&w), &m, NULL), BEAMR_OK);
    assert_int_equal(beamr_linker_new(f->store, &linker, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_guest_instantiate(f->wasi, linker, m, BEAMR_STUBS_NONE, &instance, &f->err),
        BEAMR_OK);
    f->status = beamr_func_call(beamr_instance_find_func(instance, "__funcs_on_exit"), NULL, 0,
                                NULL, 0, &f->err);
    assert_int_equal(f->status, BEAMR_TRAP);
    assert_true(f->err.trap == BEAMR_TRAP_STACK_EXHAUSTED || f->err.trap == BEAMR_TRAP_EXIT ||
                f->err.trap == BEAMR_TRAP_HOST);
    beamr_linker_free(linker);
    beamr_module_unref(m);
    wasm_free(&w);
    close_env(f);
}

/* Pieces are copied in the order that overlapping areas need. */
static void large_areas_that_overlap_are_copied_as_they_were(void **state)
{
    static const struct {
        int64_t to, from;
    } cases[] = {{0, 100}, {100, 0}, {0, 3 << 19}, {3 << 19, 0}, {7, 7}};
    enum { PAGES = 80, LEN = (5 << 19) + 3 };
    fixture opened = open_env(false), *f = &opened;
    beamr_limits limits = {.min = PAGES, .max = PAGES};

    (void)state;
    assert_int_equal(beamr_memory_new(f->store, &limits, &f->call.memory, &f->err), BEAMR_OK);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (uint32_t i = 0; i < PAGES << 16; i++)
            *memory_at(f, i) = (uint8_t)(i * 7 + (i >> 11));
        (void)DO_TYPED("emscripten_memcpy_big", "PPP:", cases[c].to, cases[c].from, LEN);
        for (uint32_t i = 0; i < LEN; i++) {
            uint32_t was = (uint32_t)cases[c].from + i;

            if (*memory_at(f, (uint32_t)cases[c].to + i) != (uint8_t)(was * 7 + (was >> 11)))
                fail_msg("case %zu, byte %u", c, i);
        }
    }
    close_env(f);
}

/* How many exports are passed in looking for a name is for the guest to choose. */
static void looking_through_many_exports_can_be_stopped(void **state)
{
    enum { COUNT = 2000 };
    fixture opened = open_env(false), *f = &opened;
    wasm_builder w = {0};
    beamr_module *m = NULL;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%d", i);
        wasm_export(&w, name, 2, 0);
    }
    wasm_end(&w);
    if (beamr_module_load(f->engine, wasm_bytes_of(&w), &m, &f->err) != BEAMR_OK ||
        beamr_instance_new(f->store, m, NULL, 0, &f->call.caller, &f->err) != BEAMR_OK)
        fail_msg("%s", f->err.text);
    beamr_module_unref(m);
    wasm_free(&w);
    (void)TRY("exit", 3);
    assert_int_equal(f->err.trap, BEAMR_TRAP_EXIT);
    beamr_store_interrupt(f->store);
    (void)TRY("exit", 3);
    assert_int_equal(f->status, BEAMR_TRAP);
    assert_int_equal(f->err.trap, BEAMR_TRAP_INTERRUPTED);
    close_env(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_process_of_user_0),
        cmocka_unit_test(uname_tells_the_width_and_nothing_of_the_host),
        cmocka_unit_test(limits_can_be_read_and_not_set),
        cmocka_unit_test(random_numbers_are_the_systems),
        cmocka_unit_test(the_programs_name_is_the_first_argument),
        cmocka_unit_test(there_are_no_commands_and_no_libraries),
        cmocka_unit_test(a_signals_handler_is_called),
        cmocka_unit_test(there_are_no_sockets),
        cmocka_unit_test(the_heap_grows_up_to_the_memorys_maximum),
        cmocka_unit_test(copies_may_overlap_and_trap_outside_memory),
        cmocka_unit_test(what_is_logged_comes_out_as_lines),
        cmocka_unit_test(a_stream_of_the_embedders_that_fails_ends_the_call),
        cmocka_unit_test(abort_is_a_trap),
        cmocka_unit_test(a_failed_assertion_says_which_in_one_line),
        cmocka_unit_test(abort_of_AssemblyScript_says_where),
        cmocka_unit_test(exit_runs_what_was_registered_and_keeps_the_code),
        cmocka_unit_test(exits_within_exits_end),
        cmocka_unit_test(large_areas_that_overlap_are_copied_as_they_were),
        cmocka_unit_test(looking_through_many_exports_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
