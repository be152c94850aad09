/* The compiler's process: start it, feed it, wait for it, take what it made.
 * The program is src/compile/main.c's, which keeps its own limits; here the host enforces them
 * as well, since what is compiled may be hostile and LLVM has bugs. Nothing can block for good:
 * the module and the object pass through files in memory, messages through a pipe that is read
 * while the process runs, and the wait ends at a deadline. Only this child is waited for, by a
 * descriptor of its own, so that the embedder's children, and what it does about SIGCHLD, stay
 * its own. */
#define _GNU_SOURCE /* memfd_create, prlimit, memmem and others of Linux */
#include "native/native.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/fiber.h"
#include "runtime/runtime.h"

#define GRACE_MS 1000 /* for a process that should have ended */
#define ASK_MS 100    /* how often is asked whether it is still wanted */
#define MS_PER_S 1000
#define NS_PER_MS 1000000
#define TEXT_SIZE 256 /* bytes of what it says that are kept */
#define SAID_SIZE 240 /* of the error's text for them, quoted */

/* One compilation. Descriptors are -1 when closed. */
typedef struct job {
    const native_process *p;
    int module;   /* file in memory: its standard input */
    int object;   /* file in memory: its standard output */
    int messages; /* reading end of its standard error */
    int speaking; /* writing end */
    int handle;   /* of the process */
    pid_t pid;
    bool is_killed;
    bool is_stopped; /* by whoever wanted it */
    size_t text_size;
    char text[TEXT_SIZE];
} job;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)t.tv_nsec / NS_PER_MS;
}

/* ---- Descriptors ---- */

/* The child's standard streams are put in place one after the other: none of what they are made
 * from may have such a number. */
static bool move_up(int *fd)
{
    int moved;

    if (*fd > STDERR_FILENO)
        return true;
    moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close_fd(fd);
    *fd = moved;
    return moved >= 0;
}

static bool open_memory(int *fd, const char *name)
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    return *fd >= 0 && move_up(fd);
}

static bool open_messages(job *j)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    j->messages = ends[0];
    j->speaking = ends[1];
    return fcntl(j->messages, F_SETFL, O_NONBLOCK) == 0 && move_up(&j->messages) &&
           move_up(&j->speaking);
}

static beamr_status open_files(job *j, beamr_error *err)
{
    if (open_memory(&j->module, "beamr module") && open_memory(&j->object, "beamr object") &&
        open_messages(j))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no descriptors for the compiler: %s",
                      strerror(errno));
}

static beamr_status write_module(const job *j, beamr_bytes wasm, beamr_error *err)
{
    size_t done = 0;

    while (done < wasm.len) {
        ssize_t n = pwrite(j->module, wasm.data + done, wasm.len - done, (off_t)done);

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                              "no memory to hand %zu bytes to the compiler: %s", wasm.len,
                              strerror(errno));
    }
    return BEAMR_OK;
}

/* ---- The command line ---- */

enum { WORD_SIZE = 32, WORD_MAX = 24 };

typedef struct words {
    char *argv[WORD_MAX + 1];
    char numbers[4][WORD_SIZE];
    size_t count, number_count;
} words;

static void add(words *w, const char *word)
{
    w->argv[w->count++] = (char *)word;
}

static void add_number(words *w, const char *option, uint64_t n)
{
    char *text = w->numbers[w->number_count++];

    (void)snprintf(text, WORD_SIZE, "%" PRIu64, n);
    add(w, option);
    add(w, text);
}

static void make_words(words *w, const native_process *p)
{
    static const struct {
        uint32_t flag;
        const char *option;
    } flags[] = {{ABI_OBJECT_METERING, "--metering"},
                 {ABI_OBJECT_CHECKS, "--checks"},
                 {ABI_OBJECT_NO_POLLS, "--no-polls"},
                 {ABI_OBJECT_ANY_NAN, "--any-nan"}};

    add(w, p->path);
    add(w, "--arch");
    add(w, p->arch == ABI_ARCH_AARCH64 ? "aarch64" : "x86_64");
    if (p->cpu) {
        add(w, "--cpu");
        add(w, p->cpu);
    }
    add_number(w, "--threads", p->threads);
    add_number(w, "--time-ms", p->time_ms);
    add_number(w, "--max-memory", p->memory);
    add_number(w, "--max-output", p->max_output);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (p->flags & flags[i].flag)
            add(w, flags[i].option);
}

/* ---- Starting ---- */

/* The child begins with default signals, nothing blocked, and no descriptor but its streams,
 * whatever the embedder has. */
static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, const job *j)
{
    sigset_t all, none;
    int e;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    if ((e = posix_spawn_file_actions_adddup2(files, j->module, STDIN_FILENO)) != 0 ||
        (e = posix_spawn_file_actions_adddup2(files, j->object, STDOUT_FILENO)) != 0 ||
        (e = posix_spawn_file_actions_adddup2(files, j->speaking, STDERR_FILENO)) != 0 ||
        (e = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1)) != 0)
        return e;
    if ((e = posix_spawnattr_setsigdefault(attr, &all)) != 0 ||
        (e = posix_spawnattr_setsigmask(attr, &none)) != 0)
        return e;
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn_with(job *j, const posix_spawn_file_actions_t *files,
                      const posix_spawnattr_t *attr)
{
    char *no_environment[] = {NULL};
    words w = {0};

    make_words(&w, j->p);
    return posix_spawn(&j->pid, j->p->path, files, attr, w.argv, no_environment);
}

/* Returns 0 or an errno. */
static int spawn(job *j)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int e;

    if ((e = posix_spawn_file_actions_init(&files)) != 0)
        return e;
    if ((e = posix_spawnattr_init(&attr)) == 0) {
        if ((e = set_up(&files, &attr, j)) == 0)
            e = spawn_with(j, &files, &attr);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return e;
}

static void limit(pid_t pid, __rlimit_resource_t what, uint64_t most)
{
    struct rlimit own;

    if (prlimit(pid, what, NULL, &own) == 0 && own.rlim_max > most) {
        own.rlim_cur = own.rlim_max = most;
        (void)prlimit(pid, what, &own, NULL);
    }
}

/* The program sets the same limits before it reads the module; this holds if it does not. */
static void set_limits(const job *j)
{
    limit(j->pid, RLIMIT_FSIZE, j->p->max_output);
    limit(j->pid, RLIMIT_CORE, 0);
#if !defined(RT_ASAN) && !defined(RT_TSAN)
    limit(j->pid, RLIMIT_DATA, j->p->memory); /* a compiler with sanitizers takes terabytes */
#endif
}

static beamr_status start(job *j, beamr_error *err)
{
    char name[RT_NAME_SIZE];
    int e = spawn(j);

    if (e == EAGAIN || e == ENOMEM)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to start the compiler: %s",
                          strerror(e));
    if (e != 0)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "the compiler %s cannot be started: %s",
                          rt_name_text(beamr_bytes_of(j->p->path), name, sizeof name),
                          strerror(e));
    close_fd(&j->speaking);
    set_limits(j);
    j->handle = (int)syscall(SYS_pidfd_open, j->pid, 0);
    if (j->handle >= 0 || errno == ESRCH) /* the latter: gone, and somebody took its end */
        return BEAMR_OK;
    e = errno;
    (void)kill(j->pid, SIGKILL);
    while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no descriptor for the compiler's process: %s",
                      strerror(e));
}

/* ---- Waiting ---- */

/* Take what it has said so far; what there is no room for is lost. Bounded, as another process
 * may hold the pipe and never stop. */
static void listen(job *j)
{
    enum { ROUNDS = 64 };
    char rest[4096];

    for (int i = 0; i < ROUNDS && j->messages >= 0; i++) {
        bool fits = j->text_size < sizeof j->text;
        ssize_t n =
            fits ? read(j->messages, j->text + j->text_size, sizeof j->text - j->text_size)
                 : read(j->messages, rest, sizeof rest);

        if (n > 0)
            j->text_size += fits ? (size_t)n : 0;
        else if (n == 0)
            close_fd(&j->messages);
        else if (errno != EINTR)
            return;
    }
}

/* Until it has ended, the deadline has passed, or nobody wants it any more.  Returns true for
 * the first. */
static bool wait_until(job *j, uint64_t deadline)
{
    int most = j->p->is_stopped ? ASK_MS : INT32_MAX;

    for (;;) {
        struct pollfd fds[2] = {{j->handle, POLLIN, 0}, {j->messages, POLLIN, 0}};
        uint64_t now = now_ms();
        uint64_t left = deadline > now ? deadline - now : 0;

        if (poll(fds, 2, left > (uint64_t)most ? most : (int)left) > 0) {
            listen(j);
            if (fds[0].revents)
                return true;
        }
        j->is_stopped = j->p->is_stopped && j->p->is_stopped(j->p->user);
        if (left == 0 || j->is_stopped)
            return false;
    }
}

/* Wait for the end, and take the zombie away.
 * Returns false if it cannot be known how it ended: whoever waits for all children, or ignores
 * SIGCHLD, got it first. */
static bool reap(const job *j, siginfo_t *end)
{
    int e;

    if (j->handle < 0)
        return false;
    do
        e = waitid(P_PIDFD, (id_t)j->handle, end, WEXITED);
    while (e != 0 && errno == EINTR);
    return e == 0;
}

/* ---- What came of it ---- */

/* The first line of what it said, quoted; or `otherwise`. */
static const char *said(const job *j, char *buf, size_t size, const char *otherwise)
{
    const char *line = memchr(j->text, '\n', j->text_size);
    beamr_bytes text = {(const uint8_t *)j->text,
                        line ? (size_t)(line - j->text) : j->text_size};

    return text.len ? rt_name_text(text, buf, size) : otherwise;
}

/* It ended itself, and not well. */
static beamr_status exit_failure(const job *j, int code, beamr_error *err)
{
    static const struct {
        int code;
        beamr_status status;
    } known[] = {{ABI_EXIT_USAGE, BEAMR_UNSUPPORTED}, /* of an option, or of its value */
                 {ABI_EXIT_LIMIT, BEAMR_LIMIT},
                 {ABI_EXIT_UNSUPPORTED, BEAMR_UNSUPPORTED},
                 {ABI_EXIT_NO_MEMORY, BEAMR_LIMIT}};
    char text[SAID_SIZE];
    const char *reason = said(j, text, sizeof text, "without a reason");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code)
            return beamr_fail(err, known[i].status, 0, "the compiler gave up: %s", reason);
    return beamr_fail(err, BEAMR_COMPILER, 0, "the compiler failed with exit code %d: %s", code,
                      reason);
}

static bool ran_out_of_memory(const job *j)
{
    return memmem(j->text, j->text_size, "out of memory", 13) ||
           memmem(j->text, j->text_size, "bad_alloc", 9) ||
           memmem(j->text, j->text_size, "terminate called", 16); /* before main */
}

static beamr_status signal_failure(const job *j, int sig, beamr_error *err)
{
    char text[SAID_SIZE];

    if (j->is_killed && j->is_stopped)
        return beamr_fail(err, BEAMR_COMPILER, 0, "the compiler was stopped");
    if (j->is_killed)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the compiler was killed: it had not ended %d ms after its limit of "
                          "%" PRIu64 " ms",
                          GRACE_MS, j->p->time_ms);
    if (sig == SIGXFSZ)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the code object is larger than %" PRIu64 " bytes", j->p->max_output);
    if (ran_out_of_memory(j))
        return beamr_fail(err, BEAMR_LIMIT, 0, "the compiler needs more than %" PRIu64 " bytes",
                          j->p->memory);
    return beamr_fail(err, BEAMR_COMPILER, 0, "the compiler crashed: signal %d (%s): %s", sig,
                      strsignal(sig), said(j, text, sizeof text, "no message"));
}

/* Read the object.  A size of 0 is for the caller to judge. */
static beamr_status take_object(const job *j, uint8_t **out, size_t *size, beamr_error *err)
{
    struct stat st;
    uint8_t *bytes;
    size_t done = 0;

    if (fstat(j->object, &st) != 0 || (uint64_t)st.st_size > j->p->max_output)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the code object is larger than %" PRIu64 " bytes", j->p->max_output);
    if (!(bytes = malloc((size_t)st.st_size + 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "no memory for a code object of %" PRIu64 " bytes",
                          (uint64_t)st.st_size);
    while (done < (size_t)st.st_size) {
        ssize_t n = pread(j->object, bytes + done, (size_t)st.st_size - done, (off_t)done);

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            break; /* cut by another process that has it; loading will tell */
    }
    *out = bytes;
    *size = done;
    return BEAMR_OK;
}

/* The bytes claim to be all of an object. */
static bool is_whole(const uint8_t *bytes, size_t size)
{
    abi_object head;

    if (size < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    return memcmp(head.magic, ABI_OBJECT_MAGIC, sizeof head.magic) == 0 && head.size == size;
}

static beamr_status finish(const job *j, const siginfo_t *end, bool is_known, uint8_t **out,
                           size_t *size, beamr_error *err)
{
    uint8_t *bytes = NULL;
    size_t length = 0;

    if (j->is_killed || (is_known && end->si_code != CLD_EXITED))
        return signal_failure(j, is_known ? end->si_status : SIGKILL, err);
    if (is_known && end->si_status != 0)
        return exit_failure(j, end->si_status, err);
    BEAMR_TRY(take_object(j, &bytes, &length, err));
    if (length > 0 && (is_known || is_whole(bytes, length))) {
        *out = bytes;
        *size = length;
        return BEAMR_OK;
    }
    free(bytes);
    if (is_known)
        return beamr_fail(err, BEAMR_COMPILER, 0, "the compiler ended without an object");
    return exit_failure(j, -1, err);
}

static beamr_status run(job *j, beamr_bytes wasm, uint8_t **out, size_t *size, beamr_error *err)
{
    uint64_t begun = now_ms(), deadline;
    siginfo_t end = {0};
    bool is_known;

    BEAMR_TRY(open_files(j, err));
    BEAMR_TRY(write_module(j, wasm, err));
    if (__builtin_add_overflow(begun + GRACE_MS, j->p->time_ms, &deadline))
        deadline = UINT64_MAX;
    BEAMR_TRY(start(j, err));
    if (j->handle >= 0 && !wait_until(j, deadline)) {
        (void)syscall(SYS_pidfd_send_signal, j->handle, SIGKILL, NULL, 0);
        j->is_killed = true;
    }
    is_known = reap(j, &end);
    if (is_known && end.si_code == CLD_EXITED)
        j->is_killed = false; /* it was just in time */
    listen(j);
    return finish(j, &end, is_known, out, size, err);
}

beamr_status native_process_compile(const native_process *p, beamr_bytes wasm, uint8_t **out,
                                    size_t *size, beamr_error *err)
{
    job j = {.p = p, .module = -1, .object = -1, .messages = -1, .speaking = -1, .handle = -1};
    beamr_status st = run(&j, wasm, out, size, err);

    close_fd(&j.module);
    close_fd(&j.object);
    close_fd(&j.messages);
    close_fd(&j.speaking);
    close_fd(&j.handle);
    return st;
}
