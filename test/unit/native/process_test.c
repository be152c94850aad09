/* The compiler's process: whatever it does, the host gets an object or a reason, in time, and
 * nothing stays behind: no process, no descriptor. Compilers here are shell scripts. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/native.h"
#include "runtime/fiber.h"

#define MIB (UINT64_C(1) << 20)

static char script_path[] = "/tmp/beamr_compile_XXXXXX";

static void write_script(const char *path, const char *body)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fprintf(f, "#!/bin/sh\n%s\n", body) > 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static native_process process(const char *path)
{
    return (native_process){.path = path,
                            .time_ms = 20000,
                            .memory = 64 * MIB,
                            .max_output = 16 * MIB,
                            .threads = 2,
                            .arch = ABI_ARCH_X86_64};
}

static size_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* What a compilation gave. */
typedef struct result {
    beamr_status status;
    uint8_t *bytes;
    size_t size;
    beamr_error err;
} result;

/* Compile, and see that nothing is left behind. */
static result compile_with(const native_process *p, beamr_bytes wasm)
{
    size_t before = open_descriptors();
    result r = {0};

    r.status = native_process_compile(p, wasm, &r.bytes, &r.size, &r.err);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(r.status, r.err.status);
    if (r.status != BEAMR_OK) {
        assert_null(r.bytes);
        assert_true(r.err.text[0] != '\0');
    }
    return r;
}

static result compile(const char *body)
{
    native_process p = process(script_path);

    write_script(script_path, body);
    return compile_with(&p, beamr_bytes_of("module"));
}

static void assert_fails(const char *body, beamr_status status, const char *text)
{
    result r = compile(body);

    if (r.status != status || !strstr(r.err.text, text))
        print_error("%s: %s\n", body, r.err.text);
    assert_int_equal(r.status, status);
    assert_non_null(strstr(r.err.text, text));
}

static void assert_gives(const char *body, const char *expected)
{
    result r = compile(body);

    if (r.status != BEAMR_OK)
        print_error("%s: %s\n", body, r.err.text);
    assert_int_equal(r.status, BEAMR_OK);
    if (r.size != strlen(expected) || memcmp(r.bytes, expected, r.size) != 0)
        print_error("%.*s\n", (int)r.size, (const char *)r.bytes);
    assert_int_equal(r.size, strlen(expected));
    assert_memory_equal(r.bytes, expected, r.size);
    free(r.bytes);
}

/* ---- What comes out ---- */

static void the_object_is_what_the_program_writes(void **state)
{
    (void)state;
    assert_gives("printf 'an object'", "an object");
    assert_gives("cat", "module");
}

static void module_and_object_may_be_large(void **state)
{
    size_t size = 8 * MIB + 1;
    uint8_t *module = malloc(size);
    native_process p = process(script_path);
    result r;

    (void)state;
    assert_non_null(module);
    for (size_t i = 0; i < size; i++)
        module[i] = (uint8_t)(i * 2654435761u >> 13);
    write_script(script_path, "cat; cat >&2 /dev/null");
    r = compile_with(&p, (beamr_bytes){module, size});
    assert_int_equal(r.status, BEAMR_OK);
    assert_int_equal(r.size, size);
    assert_memory_equal(r.bytes, module, size);
    free(r.bytes);
    write_script(script_path, "printf 'read nothing'");
    r = compile_with(&p, (beamr_bytes){module, size});
    assert_int_equal(r.size, 12);
    free(r.bytes);
    free(module);
}

static void the_program_is_told_its_options(void **state)
{
    native_process p = process(script_path);
    result r;

    (void)state;
    assert_gives("printf '%s ' \"$@\"",
                 "--arch x86_64 --threads 2 --time-ms 20000 --max-memory "
                 "67108864 --max-output 16777216 ");
    p.arch = ABI_ARCH_AARCH64;
    p.cpu = "some cpu";
    p.flags =
        ABI_OBJECT_METERING | ABI_OBJECT_CHECKS | ABI_OBJECT_NO_POLLS | ABI_OBJECT_ANY_NAN;
    r = compile_with(&p, beamr_bytes_of(""));
    assert_int_equal(r.status, BEAMR_OK);
    assert_non_null(memmem(r.bytes, r.size, "--arch aarch64 --cpu some cpu ", 30));
    assert_non_null(memmem(r.bytes, r.size, " --metering --checks --no-polls --any-nan ", 42));
    free(r.bytes);
}

/* ---- What it inherits ---- */

static void the_environment_is_empty(void **state)
{
    (void)state;
    assert_int_equal(setenv("BEAMR_TEST_SECRET", "1", 1), 0);
    assert_gives("printf '%s' \"${BEAMR_TEST_SECRET-none} ${HOME-none}\"", "none none");
}

static void it_has_no_descriptor_but_its_streams(void **state)
{
    int kept = fcntl(STDERR_FILENO, F_DUPFD, 100); /* stays open over exec */

    (void)state;
    assert_int_equal(kept, 100);
    assert_gives("for i in 0 1 2 100; do [ -e /proc/$$/fd/$i ] && printf \"$i \"; done; :",
                 "0 1 2 ");
    (void)close(kept);
}

static void signals_are_as_in_a_new_process(void **state)
{
    sigset_t set, old;

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigfillset(&set);
    (void)sigprocmask(SIG_SETMASK, &set, &old);
    assert_gives("grep SigBlk /proc/self/status", "SigBlk:\t0000000000000000\n");
    assert_fails("kill -PIPE $$", BEAMR_COMPILER, "signal 13");
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
}

static void it_works_while_the_hosts_streams_are_closed(void **state)
{
    pid_t child;
    int end;

    (void)state;
    write_script(script_path, "cat; echo reason >&2");
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        native_process p = process(script_path);
        uint8_t *bytes = NULL;
        size_t size = 0;

        for (int fd = 0; fd < 3; fd++)
            (void)close(fd);
        _exit(native_process_compile(&p, beamr_bytes_of("module"), &bytes, &size, NULL) ||
              size != 6 || memcmp(bytes, "module", 6) != 0);
    }
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_int_equal(end, 0);
}

/* ---- How it may fail ---- */

static void a_program_that_is_missing_is_unsupported(void **state)
{
    static const char *const paths[] = {"/nowhere/beamr-compile", "/tmp", "/etc/passwd", ""};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        native_process p = process(paths[i]);

        assert_int_equal(compile_with(&p, beamr_bytes_of("module")).status, BEAMR_UNSUPPORTED);
    }
}

static void a_crash_is_told(void **state)
{
    (void)state;
    assert_fails("echo 'line 1: bad' >&2; echo 2 >&2; kill -SEGV $$", BEAMR_COMPILER,
                 "signal 11 (Segmentation fault): \"line 1: bad\"");
    assert_fails("kill -KILL $$", BEAMR_COMPILER, "signal 9 (Killed): no message");
    assert_fails("echo 'terminate called without an active exception' >&2; kill -ABRT $$",
                 BEAMR_LIMIT, "needs more than"); /* C++ starts, with too little memory */
    assert_fails("echo 'LLVM ERROR: out of memory' >&2; kill -ABRT $$", BEAMR_LIMIT,
                 "needs more than 67108864 bytes");
}

static void exit_codes_are_statuses(void **state)
{
    (void)state;
    assert_fails("echo why >&2; exit 1", BEAMR_COMPILER, "exit code 1: \"why\"");
    assert_fails("echo why >&2; exit 2", BEAMR_UNSUPPORTED, "gave up: \"why\"");
    assert_fails("echo why >&2; exit 3", BEAMR_LIMIT, "gave up: \"why\"");
    assert_fails("echo why >&2; exit 4", BEAMR_UNSUPPORTED, "gave up: \"why\"");
    assert_fails("echo why >&2; exit 5", BEAMR_LIMIT, "gave up: \"why\"");
    assert_fails("echo why >&2; exit 6", BEAMR_COMPILER, "exit code 6: \"why\"");
    assert_fails("exit 77", BEAMR_COMPILER, "exit code 77: without a reason");
}

static void an_object_of_a_failure_is_dropped(void **state)
{
    (void)state;
    assert_fails("echo object; exit 6", BEAMR_COMPILER, "exit code 6");
    assert_fails("echo object; kill -TERM $$", BEAMR_COMPILER, "signal 15");
}

static void nothing_is_no_object(void **state)
{
    (void)state;
    assert_fails("exit 0", BEAMR_COMPILER, "without an object");
    assert_fails("exec >&- 2>&- <&-", BEAMR_COMPILER, "without an object");
}

static void what_it_says_is_quoted_and_cut(void **state)
{
    (void)state;
    assert_fails("printf 'a\\033[2J\"\\001' >&2; exit 6", BEAMR_COMPILER,
                 "\"a\\1b[2J\\22\\01\"");
    assert_fails("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 6", BEAMR_COMPILER,
                 "xxx...\"");
}

static void an_object_beyond_the_limit_is_refused(void **state)
{
    native_process p = process(script_path);
    result r;

    (void)state;
    assert_fails("exec cat /dev/zero", BEAMR_LIMIT, "larger than 16777216 bytes");
    write_script(script_path, "printf 12345");
    p.max_output = 5;
    r = compile_with(&p, beamr_bytes_of(""));
    assert_int_equal(r.status, BEAMR_OK);
    free(r.bytes);
    p.max_output = 4;
    assert_int_equal(compile_with(&p, beamr_bytes_of("")).status, BEAMR_LIMIT);
}

/* They are set from outside, soon after it has begun. */
static void limits_are_the_processs_own(void **state)
{
    (void)state;
    assert_gives("until [ \"$(ulimit -c)\" = 0 ]; do :; done; printf set", "set");
    assert_gives("until [ \"$(ulimit -f)\" = 32768 ]; do :; done; printf set", "set");
#if !defined(RT_ASAN) && !defined(RT_TSAN)
    assert_gives("until [ \"$(ulimit -d)\" = 65536 ]; do :; done; printf set", "set");
#endif
}

/* ---- Time ---- */

static void assert_killed(const char *body)
{
    native_process p = process(script_path);
    result r;

    write_script(script_path, body);
    p.time_ms = 20;
    r = compile_with(&p, beamr_bytes_of("module"));
    assert_int_equal(r.status, BEAMR_LIMIT);
    assert_non_null(strstr(r.err.text, "was killed"));
}

static void a_program_that_hangs_is_killed(void **state)
{
    (void)state;
    assert_killed("exec sleep 1000");
    assert_killed("trap '' TERM INT; while :; do :; done");
    assert_killed("exec yes >&2"); /* speaks without end */
    assert_killed("kill -STOP $$");
}

static bool is_asked_thrice(void *user)
{
    return ++*(int *)user == 3;
}

static void a_program_that_nobody_wants_any_more_is_ended(void **state)
{
    native_process p = process(script_path);
    int asked = 0;
    result r;

    (void)state;
    write_script(script_path, "exec sleep 1000");
    p.time_ms = UINT64_MAX;
    p.is_stopped = is_asked_thrice;
    p.user = &asked;
    r = compile_with(&p, beamr_bytes_of("module"));
    assert_int_equal(r.status, BEAMR_COMPILER);
    assert_non_null(strstr(r.err.text, "stopped"));
    assert_int_equal(asked, 3);
}

static void what_it_started_does_not_hold_the_host(void **state)
{
    (void)state;
    assert_gives("sleep 30 & printf object", "object"); /* holds all three streams */
}

/* ---- Beside other children ---- */

static void other_children_are_left_alone(void **state)
{
    native_process p = process(script_path);
    uint8_t *bytes = NULL;
    size_t size = 0;
    pid_t child = fork();
    int end;

    (void)state;
    if (child == 0)
        _exit(42);
    write_script(script_path, "cat");
    assert_int_equal(native_process_compile(&p, beamr_bytes_of("x"), &bytes, &size, NULL),
                     BEAMR_OK);
    free(bytes);
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    assert_int_equal(WEXITSTATUS(end), 42);
}

/* Bytes that begin as an object which is as long as they are. */
static beamr_bytes whole_object(abi_object *head)
{
    memset(head, 0, sizeof *head);
    memcpy(head->magic, ABI_OBJECT_MAGIC, sizeof head->magic);
    head->size = sizeof *head;
    return (beamr_bytes){(const uint8_t *)head, sizeof *head};
}

/* Compile while somebody else takes the child's end. */
static void compile_unseen(void)
{
    native_process p = process(script_path);
    abi_object head;
    beamr_bytes object = whole_object(&head);
    result r;

    write_script(script_path, "cat");
    r = compile_with(&p, object);
    assert_int_equal(r.status, BEAMR_OK);
    assert_int_equal(r.size, object.len);
    free(r.bytes);
    object.len--; /* cut: how it ended is not known, so this is none */
    assert_int_equal(compile_with(&p, object).status, BEAMR_COMPILER);
    assert_int_equal(compile("exit 6").status, BEAMR_COMPILER);
    assert_killed("exec sleep 1000");
}

static void a_host_may_ignore_its_children(void **state)
{
    (void)state;
    (void)signal(SIGCHLD, SIG_IGN);
    compile_unseen();
    (void)signal(SIGCHLD, SIG_DFL);
}

static void take_all(int sig)
{
    int saved = errno;

    (void)sig;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    errno = saved;
}

static void a_host_may_wait_for_all_children(void **state)
{
    struct sigaction act = {.sa_handler = take_all};

    (void)state;
    assert_int_equal(sigaction(SIGCHLD, &act, NULL), 0);
    compile_unseen();
    (void)signal(SIGCHLD, SIG_DFL);
}

static void without_descriptors_it_fails_cleanly(void **state)
{
    struct rlimit old, few;
    rlim_t used = open_descriptors();
    bool has_failed = false, has_worked = false; /* the shell needs some, too */

    (void)state;
    write_script(script_path, "cat");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    for (rlim_t more = 0; more < 12; more++) {
        native_process p = process(script_path);
        uint8_t *bytes = NULL;
        size_t size = 0;
        beamr_status st;

        few.rlim_cur = used + more - 3;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        st = native_process_compile(&p, beamr_bytes_of("module"), &bytes, &size, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        *(st == BEAMR_OK ? &has_worked : &has_failed) = true;
        free(bytes);
        assert_int_equal(open_descriptors(), used);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
    assert_true(has_failed && has_worked);
}

/* ---- Many at once ---- */

static void *compile_many(void *arg)
{
    uintptr_t *failures = arg;

    for (int i = 0; i < 8; i++) {
        native_process p = process(script_path);
        char module[32];
        uint8_t *bytes = NULL;
        size_t size = 0;
        int length = snprintf(module, sizeof module, "module %p %d", arg, i);

        if (native_process_compile(&p, (beamr_bytes){(uint8_t *)module, (size_t)length}, &bytes,
                                   &size, NULL) != BEAMR_OK ||
            size != (size_t)length || memcmp(bytes, module, size) != 0)
            ++*failures;
        free(bytes);
    }
    return NULL;
}

static void many_threads_compile_at_once(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    uintptr_t failures[THREADS] = {0};
    size_t before = open_descriptors();

    (void)state;
    write_script(script_path, "exec cat");
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compile_many, &failures[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failures[i], 0);
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static int make_script(void **state)
{
    int fd = mkstemp(script_path);

    (void)state;
    return fd < 0 || close(fd) != 0;
}

static int remove_script(void **state)
{
    (void)state;
    return unlink(script_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_object_is_what_the_program_writes),
        cmocka_unit_test(module_and_object_may_be_large),
        cmocka_unit_test(the_program_is_told_its_options),
        cmocka_unit_test(the_environment_is_empty),
        cmocka_unit_test(it_has_no_descriptor_but_its_streams),
        cmocka_unit_test(signals_are_as_in_a_new_process),
        cmocka_unit_test(it_works_while_the_hosts_streams_are_closed),
        cmocka_unit_test(a_program_that_is_missing_is_unsupported),
        cmocka_unit_test(a_crash_is_told),
        cmocka_unit_test(exit_codes_are_statuses),
        cmocka_unit_test(an_object_of_a_failure_is_dropped),
        cmocka_unit_test(nothing_is_no_object),
        cmocka_unit_test(what_it_says_is_quoted_and_cut),
        cmocka_unit_test(an_object_beyond_the_limit_is_refused),
        cmocka_unit_test(limits_are_the_processs_own),
        cmocka_unit_test(a_program_that_hangs_is_killed),
        cmocka_unit_test(a_program_that_nobody_wants_any_more_is_ended),
        cmocka_unit_test(what_it_started_does_not_hold_the_host),
        cmocka_unit_test(other_children_are_left_alone),
        cmocka_unit_test(a_host_may_ignore_its_children),
        cmocka_unit_test(a_host_may_wait_for_all_children),
        cmocka_unit_test(without_descriptors_it_fails_cleanly),
        cmocka_unit_test(many_threads_compile_at_once),
    };

    return cmocka_run_group_tests(tests, make_script, remove_script);
}
