/* The program beamr-compile: a module in, a code object out.
 * A module may come from a stranger and is compiled by a large library, so the process gives up
 * what it does not need before it looks at the module: it can read and write the files that are
 * open, take memory within its limit, and start threads. Compiling itself: compile.c. What
 * starts this process for an engine: src/native/process.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <llvm-c/ErrorHandling.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compile/compile.h"
#include "crypto/sha256.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

#if IS_SANITIZED
/* LLVM is not compiled for the thread sanitizer; the process has no environment to say so. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}
#endif

typedef struct settings {
    compile_options options;
    uint64_t max_memory;
    const char *input; /* NULL: standard input */
    bool has_cpu, no_sandbox;
    int in; /* open */
} settings;

static const char help_text[] =
    "Compile a WebAssembly module to a code object.\n"
    "\n"
    "Usage: beamr-compile [OPTIONS] [FILE] >OBJECT\n"
    "\n"
    "Without FILE (or with -) the module comes from standard input. The object goes to\n"
    "standard output; beamr compile -o writes a file that is whole or not there.\n"
    "\n"
    "Options:\n"
    "      --arch ARCH        x86_64 or aarch64 (default: this machine's; also --target)\n"
    "      --cpu CPU          x86-64-v2 or x86-64-v3 (default: the best this machine has)\n"
    "      --threads N        threads that compile (default: one for each processor)\n"
    "      --time-ms N        what is not compiled by then stays interpreted; 0 for no\n"
    "                         limit (default: 60000)\n"
    "      --max-memory N     bytes that the process may take (default: 4 GiB)\n"
    "      --max-output N     bytes that the object may have (default: 1 GiB)\n"
    "      --metering         count fuel\n"
    "      --checks           check every access of memory, also where a guard would do\n"
    "      --no-sandbox       keep the process's rights, e.g. for a debugger\n"
    "  -h, --help             show this\n"
    "      --version          show the versions of compiler and LLVM\n"
    "\n"
    "For measuring:\n"
    "      --no-polls         loops do not look for interrupts\n"
    "      --any-nan          NaNs are what the processor makes of them\n"
    "      --passes PASSES    LLVM's passes, as for opt -passes=\n"
    "      --level N          of code generation: 1 none, 2 less, 3 default, 4 aggressive\n"
    "      --verify           let LLVM check what it is given\n"
    "\n"
    "Exit codes: 0 the object is written; 2 wrong usage; 3 a limit was reached; 4 not\n"
    "supported; 5 out of memory; 6 the module is malformed, or the compiler failed.\n"
    "\n"
    "Code objects are for beamr run --object and beamr_module_load_object.\n";

/* ---- Ending ---- */

/* One line on standard error; the process ends at once, as threads may still be compiling. */
static _Noreturn void die(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static _Noreturn void die(int code, const char *format, ...)
{
    char text[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (length < 0)
        length = 0;
    if ((size_t)length > sizeof text - 2)
        length = sizeof text - 2;
    for (int i = 0; i < length; i++) {
        if (text[i] == '\n')
            text[i] = ' ';
    }
    text[length] = '\n';
    (void)!write(STDERR_FILENO, text, (size_t)length + 1);
    _exit(code);
}

static int exit_code(beamr_status st)
{
    switch (st) {
    case BEAMR_LIMIT:
        return ABI_EXIT_LIMIT;
    case BEAMR_UNSUPPORTED:
        return ABI_EXIT_UNSUPPORTED;
    case BEAMR_NO_MEMORY:
        return ABI_EXIT_NO_MEMORY;
    default:
        return ABI_EXIT_FAILED;
    }
}

static _Noreturn void die_of(const beamr_error *err)
{
    die(exit_code(err->status), "%s: %s", beamr_status_text(err->status), err->text);
}

static void on_fatal_error(const char *reason)
{
    die(ABI_EXIT_FAILED, "LLVM gave up: %s", reason);
}

/* LLVM aborts when memory is gone, and has said so. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    _exit(ABI_EXIT_NO_MEMORY);
}

/* ---- Options ---- */

enum {
    OPTION_ARCH = 256,
    OPTION_CPU,
    OPTION_THREADS,
    OPTION_TIME,
    OPTION_MEMORY,
    OPTION_OUTPUT,
    OPTION_METERING,
    OPTION_CHECKS,
    OPTION_NO_POLLS,
    OPTION_ANY_NAN,
    OPTION_PASSES,
    OPTION_LEVEL,
    OPTION_VERIFY,
    OPTION_NO_SANDBOX,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"arch", required_argument, NULL, OPTION_ARCH},
    {"target", required_argument, NULL, OPTION_ARCH},
    {"cpu", required_argument, NULL, OPTION_CPU},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"time-ms", required_argument, NULL, OPTION_TIME},
    {"max-memory", required_argument, NULL, OPTION_MEMORY},
    {"max-output", required_argument, NULL, OPTION_OUTPUT},
    {"metering", no_argument, NULL, OPTION_METERING},
    {"checks", no_argument, NULL, OPTION_CHECKS},
    {"no-polls", no_argument, NULL, OPTION_NO_POLLS},
    {"any-nan", no_argument, NULL, OPTION_ANY_NAN},
    {"passes", required_argument, NULL, OPTION_PASSES},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static uint64_t read_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most)
        die(ABI_EXIT_USAGE, "--%s %s: a number from %" PRIu64 " to %" PRIu64 " is needed", name,
            text, least, most);
    return value;
}

static uint32_t read_arch(const char *text)
{
    if (strcmp(text, "x86_64") == 0)
        return ABI_ARCH_X86_64;
    if (strcmp(text, "aarch64") == 0)
        return ABI_ARCH_AARCH64;
    die(ABI_EXIT_USAGE, "--arch %s: x86_64 and aarch64 are known", text);
}

static uint32_t read_cpu(const char *text)
{
    if (strcmp(text, "x86-64-v2") == 0)
        return 0;
    if (strcmp(text, "x86-64-v3") == 0)
        return ABI_CPU_X86_64_V3;
    die(ABI_EXIT_USAGE, "--cpu %s: x86-64-v2 and x86-64-v3 are known", text);
}

static void show_version(void)
{
    char text[64];

    compile_version(text, sizeof text);
    (void)printf("%s\n", text);
    exit(0);
}

static void read_flag(settings *s, int option)
{
    compile_options *o = &s->options;

    switch (option) {
    case OPTION_METERING:
        o->flags |= ABI_OBJECT_METERING;
        break;
    case OPTION_CHECKS:
        o->flags |= ABI_OBJECT_CHECKS;
        break;
    case OPTION_NO_POLLS:
        o->flags |= ABI_OBJECT_NO_POLLS;
        break;
    case OPTION_ANY_NAN:
        o->flags |= ABI_OBJECT_ANY_NAN;
        break;
    case OPTION_VERIFY:
        o->verify = true;
        break;
    case OPTION_NO_SANDBOX:
        s->no_sandbox = true;
        break;
    case OPTION_VERSION:
        show_version();
        break;
    case 'h':
        (void)fputs(help_text, stdout);
        exit(0);
    default:
        die(ABI_EXIT_USAGE, "see beamr-compile --help"); /* getopt has said what is wrong */
    }
}

static void read_option(settings *s, int option)
{
    compile_options *o = &s->options;

    switch (option) {
    case OPTION_ARCH:
        o->arch = read_arch(optarg);
        break;
    case OPTION_CPU:
        o->cpu = read_cpu(optarg);
        s->has_cpu = true;
        break;
    case OPTION_THREADS:
        o->threads = (uint32_t)read_number("threads", optarg, 1, 256);
        break;
    case OPTION_TIME:
        o->time_ms = read_number("time-ms", optarg, 0, UINT32_MAX);
        break;
    case OPTION_MEMORY:
        s->max_memory = read_number("max-memory", optarg, 1, INT64_MAX);
        break;
    case OPTION_OUTPUT:
        o->max_size = (size_t)read_number("max-output", optarg, 1, INT64_MAX);
        break;
    case OPTION_PASSES:
        o->passes = optarg;
        break;
    case OPTION_LEVEL:
        o->level = (uint32_t)read_number("level", optarg, 1, 4);
        break;
    default:
        read_flag(s, option);
    }
}

static uint32_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > 256 ? 256 : (uint32_t)count;
}

static void read_options(settings *s, int argc, char **argv)
{
    int option;

    *s = (settings){.max_memory = UINT64_C(4) << 30};
    s->options = (compile_options){.arch = compile_host_arch(),
                                   .threads = processors(),
                                   .time_ms = 60000,
                                   .max_size = (size_t)1 << 30};
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        read_option(s, option);
    if (argc - optind > 1)
        die(ABI_EXIT_USAGE, "one module at a time: %s is one too many", argv[optind + 1]);
    s->input = optind < argc && strcmp(argv[optind], "-") != 0 ? argv[optind] : NULL;
    if (s->has_cpu && s->options.cpu && s->options.arch != ABI_ARCH_X86_64)
        die(ABI_EXIT_USAGE, "--cpu x86-64-v3 is none of the architecture's");
    if (!s->has_cpu && s->options.arch == compile_host_arch())
        s->options.cpu = compile_host_cpu();
}

/* ---- The sandbox ---- */

static void limit(int resource, rlim_t value)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max > value)
        (void)setrlimit((__rlimit_resource_t)resource, &(struct rlimit){value, value});
}

static void set_limits(const settings *s)
{
    const compile_options *o = &s->options;

    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, o->max_size);
    if (o->time_ms > 0)
        limit(RLIMIT_CPU, (o->time_ms / 1000 + 2) * o->threads + 2);
    if (!IS_SANITIZED)
        limit(RLIMIT_DATA, s->max_memory);
    limit(RLIMIT_NOFILE, 0); /* what is open stays so */
}

/* System calls whose arguments do not matter. */
static const int allowed_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getcpu),
};

static bool allow(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof allowed_calls / sizeof *allowed_calls; i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0) != 0)
            return false;
    }
    /* No new code, and no shared memory, which nothing limits; threads, but no processes, and
     * signals to nobody else; limits are read and not set. */
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                            SCMP_A2(SCMP_CMP_EQ, 0, 0)) == 0;
}

/* What is not allowed fails, so that the C library can do without it. */
static void enter_sandbox(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failure;

    if (!filter || !allow(filter))
        die(ABI_EXIT_FAILED, "the filter of system calls cannot be made");
    failure = seccomp_load(filter); /* sets no_new_privs too */
    if (failure != 0)
        die(ABI_EXIT_FAILED, "the filter of system calls is refused: %s; see --no-sandbox",
            strerror(-failure));
    seccomp_release(filter);
}

/* ---- Files ---- */

static void open_input(settings *s)
{
    s->in = STDIN_FILENO;
    if (s->input && (s->in = open(s->input, O_RDONLY | O_CLOEXEC)) < 0)
        die(ABI_EXIT_USAGE, "%s: %s", s->input, strerror(errno));
    if (isatty(STDOUT_FILENO))
        die(ABI_EXIT_USAGE, "an object is nothing for a terminal: send it to a file");
}

/* All bytes of a file or pipe; `size` is a guess where it is not known. */
static uint8_t *read_all(int fd, size_t *length)
{
    struct stat info;
    size_t room = 65536, have = 0;
    uint8_t *bytes, *more;
    ssize_t got;

    if (fstat(fd, &info) == 0 && info.st_size > 0 && info.st_size <= WB_LIMIT_MODULE_SIZE)
        room = (size_t)info.st_size + 1;
    if (!(bytes = malloc(room)))
        die(ABI_EXIT_NO_MEMORY, "out of memory for the module");
    while ((got = read(fd, bytes + have, room - have)) != 0) {
        if (got < 0 && errno != EINTR)
            die(ABI_EXIT_FAILED, "the module cannot be read: %s", strerror(errno));
        have += got > 0 ? (size_t)got : 0;
        if (have > WB_LIMIT_MODULE_SIZE)
            die(ABI_EXIT_LIMIT, "the module has more than %d bytes", WB_LIMIT_MODULE_SIZE);
        if (have < room)
            continue;
        room *= 2;
        if (!(more = realloc(bytes, room)))
            die(ABI_EXIT_NO_MEMORY, "out of memory for the module");
        bytes = more;
    }
    *length = have;
    return bytes;
}

static void write_all(const uint8_t *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t got = write(STDOUT_FILENO, bytes + done, length - done);

        if (got < 0 && errno != EINTR)
            die(ABI_EXIT_FAILED, "the object cannot be written: %s", strerror(errno));
        done += got > 0 ? (size_t)got : 0;
    }
}

/* ---- Compiling ---- */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Decode and validate what is read, whatever was checked before. */
static void load(const settings *s, wb_module *m, uint8_t id[32])
{
    wb_registry *registry = wb_registry_new();
    beamr_error err = {0};
    size_t length;
    uint8_t *bytes = read_all(s->in, &length);

    if (!registry)
        die(ABI_EXIT_NO_MEMORY, "out of memory for types");
    if (crypto_sha256((beamr_bytes){bytes, length}, id, &err) ||
        wb_decode(m, (beamr_bytes){bytes, length}, wb_features_default(), registry, &err) ||
        wb_validate(m, &err))
        die_of(&err);
    free(bytes);
}

int main(int argc, char **argv)
{
    uint64_t start = now_ms(), used;
    settings s;
    wb_module m;
    uint8_t id[32], *object;
    size_t size;
    beamr_error err = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    read_options(&s, argc, argv);
    open_input(&s);
    LLVMInstallFatalErrorHandler(on_fatal_error);
    (void)signal(SIGABRT, on_abort);
    set_limits(&s);
    if (!s.no_sandbox)
        enter_sandbox();
    load(&s, &m, id);
    used = now_ms() - start;
    if (s.options.time_ms > 0)
        s.options.time_ms = s.options.time_ms > used ? s.options.time_ms - used : 1;
    if (compile_module(&m, id, &s.options, &object, &size, &err) != BEAMR_OK)
        die_of(&err);
    write_all(object, size);
    _exit(0);
}
