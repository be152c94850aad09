/* Functions of env that have one answer for everybody, and names that are another's under an
 * older or newer one. */
#include "env_fixture.h"

typedef struct answer {
    const char *name;
    int64_t result;
    int64_t args[6]; /* as many as the first row of that name takes */
} answer;

static size_t argument_count(const guest_import *row)
{
    return (size_t)(strchr(row->type, ':') - row->type);
}

static void check_answers(fixture *f, const answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const guest_import *row = row_of(answers[i].name, NULL);
        int64_t got = call_row(f, row, answers[i].args, argument_count(row));

        if (f->status != BEAMR_OK || got != answers[i].result)
            fail_msg("%s: %lld, not %lld %s", answers[i].name, (long long)got,
                     (long long)answers[i].result, f->err.text);
    }
}
#define ANSWERS(f, ...)                                                                        \
    check_answers((f), (const answer[]){__VA_ARGS__},                                          \
                  sizeof((const answer[]){__VA_ARGS__}) / sizeof(answer))

EACH_WIDTH(there_is_one_process_of_user_0)
{
    ANSWERS(f, {"__syscall_gettid", 42, {0}}, {"__syscall_getpgrp", 42, {0}},
            {"__syscall_getresgid32", 0, {DATA, DATA + 4, DATA + 8}},
            {"__syscall_getresgid32", -GUEST_EFAULT, {DATA, MEMORY, DATA}},
            {"__syscall_getpriority", 0, {0, 0}}, {"__syscall_setpgid", 0, {0, 0}},
            {"__syscall_setsid", 0, {0}}, {"__syscall_setgid32", 0, {0}},
            {"__syscall_setgid32", -GUEST_EPERM, {1}}, {"__syscall_setregid32", 0, {0, -1}},
            {"__syscall_setresuid32", -GUEST_EPERM, {7, 7, 7}},
            {"__syscall_setpriority", -GUEST_EPERM, {0, 0, 1}},
            {"__syscall_setdomainname", -GUEST_EPERM, {DATA, 1}});
}

EACH_WIDTH(memory_stays_as_it_is)
{
    ANSWERS(f, {"__syscall_mlock", 0, {DATA, 10}}, {"__syscall_munlock", 0, {DATA, 10}},
            {"__syscall_mlockall", 0, {1}}, {"__syscall_munlockall", 0, {0}},
            {"__syscall_mprotect", 0, {DATA, 10, 0}}, {"__syscall_madvise", 0, {DATA, 10, 0}},
            {"__syscall_mincore", -GUEST_ENOSYS, {DATA, 10, DATA}}, {"__syscall_sync", 0, {0}},
            {"emscripten_has_asyncify", 0, {0}}, {"_emscripten_lookup_name", 0, {DATA}});
}

EACH_WIDTH(what_the_system_has_not_is_ENOSYS)
{
    ANSWERS(
        f, {"__syscall_acct", -GUEST_ENOSYS, {DATA}}, {"__syscall_pause", -GUEST_ENOSYS, {0}},
        {"__syscall_eventfd2", -GUEST_ENOSYS, {0, 0}},
        {"__syscall_epoll_ctl", -GUEST_ENOSYS, {0, 0, 0, DATA}},
        {"__syscall_epoll_pwait", -GUEST_ENOSYS, {0, DATA, 1, 0, 0, 0}},
        {"__syscall_pselect6", -GUEST_ENOSYS, {0}}, {"__syscall_setitimer", 0, {0, DATA, 0}},
        {"gethostbyname", 0, {DATA}}, {"gethostbyaddr", 0, {DATA, 4, 2}},
        {"getprotobyname", 0, {DATA}}, {"getprotobynumber", 0, {6}});
}

/* Whatever is done with a socket is done with something else. */
EACH_WIDTH(no_descriptor_is_a_socket)
{
    static const char *const names[] = {
        "__syscall_accept4",     "__syscall_bind",       "__syscall_getpeername",
        "__syscall_getsockname", "__syscall_getsockopt", "__syscall_recvmmsg",
        "__syscall_recvmsg",     "__syscall_sendmmsg",   "__syscall_sendmsg",
        "__syscall_sendto",      "__syscall_setsockopt", "__syscall_shutdown"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ANSWERS(f, {names[i], -GUEST_ENOTSOCK, {1}}, {names[i], -GUEST_EBADF, {99}});
}

/* ---- Other names ---- */

/* Each system call of before 2.0.32 is what it became, but for what has no type in common. */
static void old_prefixes_name_the_same_functions(void **state)
{
    size_t same = 0;

    (void)state;
    for (size_t i = 0; i < guest_env_row_count; i++) {
        const guest_import *old = &guest_env_rows[i], *row;
        char name[64] = "__syscall_";

        if (strncmp(old->name, "__sys_", 6) != 0)
            continue;
        strncat(name, old->name + 6, sizeof name - 20);
        row = guest_import_find(guest_env_rows, guest_env_row_count, beamr_bytes_of(name));
        for (; row && strcmp(row->name, name) == 0; row++) {
            if (strcmp(row->type, old->type) != 0)
                continue;
            if (row->function != old->function)
                fail_msg("%s is another function than %s", old->name, name);
            same++;
        }
    }
    assert_true(same > 50);
}

static void other_names_of_one_function(void **state)
{
    static const char *const pairs[][2] = {
        {"__gmtime_r", "gmtime_r"},
        {"localtime_r", "gmtime_r"}, /* the zone is UTC */
        {"timegm", "mktime"},
        {"_exit", "_Exit"},
        {"emscripten_force_exit", "_Exit"},
        {"emscripten_performance_now", "emscripten_get_now"},
        {"_emscripten_memmove_js", "_emscripten_memcpy_js"},
        {"_emscripten_out", "emscripten_out"},
        {"emscripten_console_log", "emscripten_out"},
        {"_emscripten_err", "emscripten_err"},
        {"emscripten_console_error", "emscripten_err"},
        {"emscripten_console_trace", "emscripten_err"},
        {"emscripten_dbg", "emscripten_err"},
        {"emscripten_dbgn", "emscripten_errn"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (row_of(pairs[i][0], NULL)->function != row_of(pairs[i][1], NULL)->function)
            fail_msg("%s is not %s", pairs[i][0], pairs[i][1]);
}

static void round_goes_away_from_zero(void **state)
{
    static const struct {
        double from, to;
    } cases[] = {{0.5, 1}, {-0.5, -1}, {2.4, 2}, {-2.5, -3}, {1e300, 1e300}};
    fixture opened = open_env(false), *f = &opened;
    beamr_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        beamr_value arg = beamr_f64(cases[i].from), result = {0};

        assert_int_equal(row_of("round", NULL)->function(&f->call, &arg, &result, &err),
                         BEAMR_OK);
        assert_true(result.of.f64 == cases[i].to);
    }
    close_env(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_process_of_user_0),
        cmocka_unit_test(memory_stays_as_it_is),
        cmocka_unit_test(what_the_system_has_not_is_ENOSYS),
        cmocka_unit_test(no_descriptor_is_a_socket),
        cmocka_unit_test(old_prefixes_name_the_same_functions),
        cmocka_unit_test(other_names_of_one_function),
        cmocka_unit_test(round_goes_away_from_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
