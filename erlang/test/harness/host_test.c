/* What the driver does to the program that it is loaded into: no signals, no handlers, threads
 * that are bounded and gone afterwards, files that are closed. */
#include "client.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIGNALS = 65 };

static pid me;

static int begin_all(void **state)
{
    (void)state;
    emulator_start(2);
    me = process_new();
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    return emulator_end() == 0 ? 0 : -1;
}

/* Everything that might want a handler, or threads. */
static void use_it(void)
{
    port *p = open_tool(me);
    uint64_t ref;
    char *now;

    expect(ask(me, p, DRV_OP_CALL, "<<\"div\">>,[1,0]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "<<\"peek\">>,[-8]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "<<\"deep\">>,[]"), "{error,\"*");
    expect(ask(me, p, DRV_OP_CALL, "<<\"length\">>,[<<\"text\">>]"), "{ok,[4]}");
    now = begin(me, p, &ref, DRV_OP_CALL, "<<\"count\">>,[200000]");
    expect(now ? now : await(me, p, ref), "{ok,[200000]}");
    close_port(p);
}

static void get_handlers(void (*handlers[SIGNALS])(int))
{
    struct sigaction action;

    for (int i = 1; i < SIGNALS; i++)
        handlers[i] = sigaction(i, NULL, &action) == 0 ? action.sa_handler : SIG_DFL;
}

static void no_handler_is_installed(void **state)
{
    void (*before[SIGNALS])(int) = {0}, (*after[SIGNALS])(int) = {0};
    sigset_t mask_before, mask_after;

    (void)state;
    get_handlers(before);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    load();
    use_it();
    get_handlers(after);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    emulator_unload();
    for (int i = 1; i < SIGNALS; i++) {
        assert_true(before[i] == after[i]);
        assert_int_equal(sigismember(&mask_before, i), sigismember(&mask_after, i));
    }
}

/* What a thread blocks, as the kernel tells it. */
static uint64_t blocked_by(const char *task)
{
    char path[300], line[256];
    uint64_t mask = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    if (!(file = fopen(path, "r")))
        return UINT64_MAX; /* it has ended */
    while (fgets(line, sizeof line, file))
        (void)sscanf(line, "SigBlk: %" SCNx64, &mask);
    fclose(file);
    return mask;
}

/* Count the threads that block what a program can be sent. */
static unsigned threads_that_block_all(void)
{
    static const int wanted[] = {SIGTERM, SIGINT,  SIGHUP,  SIGCHLD, SIGUSR1,
                                 SIGUSR2, SIGALRM, SIGPIPE, SIGPROF};
    DIR *dir = opendir("/proc/self/task");
    unsigned count = 0;
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        uint64_t mask = entry->d_name[0] == '.' ? 0 : blocked_by(entry->d_name);
        bool blocks = true;

        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            blocks = blocks && (mask >> (wanted[i] - 1) & 1);
        count += blocks;
    }
    closedir(dir);
    return count;
}

static void threads_block_signals_and_end(void **state)
{
    unsigned before = emulator_threads();

    (void)state;
    load();
    use_it();
    assert_true(emulator_threads() > before);
    assert_int_equal(threads_that_block_all(), emulator_threads() - before); /* ours do not */
    assert_true(emulator_threads() - before <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN) + 2);
    emulator_unload(); /* sees to it that they are gone */
}

static unsigned open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void nothing_stays_open(void **state)
{
    unsigned before;

    (void)state;
    load();
    use_it();
    emulator_unload();
    before = open_files();
    for (unsigned i = 0; i < by_patience(5, 100); i++) {
        load();
        use_it();
        emulator_unload();
    }
    assert_int_equal(open_files(), before);
}

/* Bytes of memory that are resident. */
static uint64_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    uint64_t all, pages = 0;

    assert_non_null(file);
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &all, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void run_rounds(unsigned rounds)
{
    port *p = open_tool(me);

    for (unsigned i = 0; i < rounds; i++) {
        expect(ask(me, p, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
        expect(ask(me, p, DRV_OP_READ, "0,8"), "{ok,<<0,0,0,0,0,0,0,0>>}");
        expect(answer_imports(me, p, ask(me, p, DRV_OP_CALL, "<<\"ask\">>,[200]")),
               "{ok,[201]}");
        expect(ask(me, p, DRV_OP_CALL, "<<\"div\">>,[1,0]"), "{error,\"*");
        expect(ask(me, p, DRV_OP_READ, "-1,8"), "{error,\"*");
    }
    close_port(p);
}

/* Of two equal runs the second needs no more memory. Under the sanitizers it tells nothing. */
static void equal_rounds_need_no_more_memory(void **state)
{
    unsigned rounds = by_patience(4000, 200000);
    uint64_t before, after;

    (void)state;
    load();
    run_rounds(rounds);
    before = resident();
    run_rounds(rounds);
    after = resident();
    emulator_unload();
    print_message("resident: %" PRIu64 " KiB, then %" PRIu64 " KiB\n", before / 1024,
                  after / 1024);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    assert_true(after < before + (1u << 20));
#endif
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)
    const struct CMUnitTest tests[] = {
        TEST(no_handler_is_installed),
        TEST(threads_block_signals_and_end),
        TEST(nothing_stays_open),
        TEST(equal_rounds_need_no_more_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
