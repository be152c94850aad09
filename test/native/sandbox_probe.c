/* Preloaded into beamr-compile: as soon as that has entered its sandbox, tries what code that
 * took the process over would try, prints each attempt that was not refused, and ends the
 * process with their number. Its handle on the sandbox is seccomp_release, the last that is
 * called on the way in. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failures;

/* What must have been refused by the filter, not for another reason. */
static void refused(const char *what, long result)
{
    char line[256];
    int length;

    if (result == -1 && (errno == EPERM || errno == ENOSYS))
        return;
    failures++;
    length = snprintf(line, sizeof line, "not refused: %s: %s\n", what,
                      result == -1 ? strerror(errno) : "it succeeded");
    (void)!write(STDERR_FILENO, line, (size_t)length);
}

static void try_files(void)
{
    refused("open", syscall(SYS_open, "/dev/null", O_RDONLY));
    refused("openat", syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
    refused("openat2", syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0));
    refused("creat", syscall(SYS_creat, "/tmp/beamr_sandbox_probe", 0600));
    refused("unlink", syscall(SYS_unlink, "/nowhere"));
    refused("rename", syscall(SYS_rename, "/nowhere", "/elsewhere"));
    refused("stat", syscall(SYS_newfstatat, AT_FDCWD, "/", NULL, 0));
    refused("memfd_create", syscall(SYS_memfd_create, "probe", 0));
    refused("dup", syscall(SYS_dup, STDERR_FILENO));
    refused("fcntl", syscall(SYS_fcntl, STDERR_FILENO, F_DUPFD, 0));
    refused("ioctl", syscall(SYS_ioctl, STDERR_FILENO, 0, NULL));
    refused("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
}

static void try_processes(void)
{
    char *nothing[] = {NULL};
    pid_t parent = getppid();

    refused("execve", syscall(SYS_execve, "/bin/true", nothing, nothing));
    refused("execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0));
    refused("fork", syscall(SYS_fork));
    refused("vfork", syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0));
    refused("clone3", syscall(SYS_clone3, NULL, 0));
    refused("kill", syscall(SYS_kill, parent, 0));
    refused("tgkill of another process", syscall(SYS_tgkill, parent, parent, 0));
    refused("tkill", syscall(SYS_tkill, parent, 0));
    refused("pidfd_open", syscall(SYS_pidfd_open, parent, 0));
    refused("ptrace", syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL));
    refused("process_vm_readv", syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0));
    refused("prctl", syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
    refused("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
}

static void try_rest(void)
{
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

    refused("socket", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
    refused("socketpair", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL));
    refused("setrlimit", syscall(SYS_setrlimit, RLIMIT_NOFILE, &none));
    refused("prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &none, NULL));
    refused("executable mapping", syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    refused("shared mapping", syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0)); /* has no limit */
    refused("mprotect", syscall(SYS_mprotect, (uintptr_t)&failures & ~(uintptr_t)4095, 4096,
                                PROT_READ | PROT_WRITE | PROT_EXEC));
    refused("pkey_mprotect", syscall(SYS_pkey_mprotect, (uintptr_t)&failures & ~(uintptr_t)4095,
                                     4096, PROT_READ | PROT_EXEC, -1));
    refused("shmget", syscall(SYS_shmget, 0, 4096, 0600));
    refused("bpf", syscall(SYS_bpf, 0, NULL, 0));
    refused("seccomp", syscall(SYS_seccomp, 0, 0, NULL));
}

__attribute__((visibility("default"))) void seccomp_release(void *filter);
void seccomp_release(void *filter)
{
    static const char done[] = "sandbox probed\n";

    (void)filter;
    try_files();
    try_processes();
    try_rest();
    (void)!write(STDERR_FILENO, done, sizeof done - 1);
    _exit(failures < 100 ? failures : 100);
}
