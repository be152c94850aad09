/* What the guest of `beamr run` finds around it: run.h.
 * Standard streams are read and written directly, without a buffer in between. Whatever can
 * wait - reading, writing to a full pipe, sleeping - ends when the time limit is reached.
 * SIGPIPE stays as the caller left it, so that a program whose output nobody reads any more
 * ends as others do. */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli/run.h"

#define NS_PER_S UINT64_C(1000000000)

enum {
    PIPE_PIECE = 4096,    /* bytes that a pipe takes without waiting, once it is ready */
    WAIT_MAX_S = 60 * 60, /* of one ppoll; longer waits are several */
};

/* ---- Clocks ---- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t world_clock(void *user, beamr_clock clock)
{
    (void)user;
    switch (clock) {
    case BEAMR_CLOCK_MONOTONIC:
        return clock_ns(CLOCK_MONOTONIC);
    case BEAMR_CLOCK_PROCESS_CPU:
        return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    case BEAMR_CLOCK_THREAD_CPU:
        return clock_ns(CLOCK_THREAD_CPUTIME_ID);
    case BEAMR_CLOCK_REALTIME:
    default:
        return clock_ns(CLOCK_REALTIME);
    }
}

static uint64_t clock_resolution(void)
{
    struct timespec t = {0};

    (void)clock_getres(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- Waiting ---- */

/* Wait until a descriptor is ready, or until a point in time.
 *   fd        -1 for none
 *   until     ns of the monotonic clock; UINT64_MAX: for ever
 *   is_ready  whether it is; with errors and hang-ups, which the next read or write tells
 * Errors: BEAMR_TRAP with DEADLINE. */
static beamr_status wait_for(const run_world *world, int fd, short events, uint64_t until,
                             bool *is_ready, beamr_error *err)
{
    uint64_t end = until < world->deadline ? until : world->deadline;
    struct pollfd poll = {.fd = fd, .events = events};

    for (;;) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        uint64_t left = now < end ? end - now : 0;
        struct timespec most = {.tv_sec = WAIT_MAX_S};

        if (left < WAIT_MAX_S * NS_PER_S)
            most = (struct timespec){(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
        *is_ready = ppoll(&poll, 1, &most, NULL) > 0;
        if (*is_ready)
            return BEAMR_OK;
        if (left == 0) /* it was looked at once, also when there is no time to wait */
            break;
    }
    if (end == world->deadline && end != UINT64_MAX && end < until)
        return beamr_fail_trap(err, BEAMR_TRAP_DEADLINE, NULL);
    return BEAMR_OK;
}

static beamr_status world_wait(void *user, uint64_t ns, bool for_input, bool *has_input,
                               beamr_error *err)
{
    uint64_t until;

    if (__builtin_add_overflow(clock_ns(CLOCK_MONOTONIC), ns, &until))
        until = UINT64_MAX;
    return wait_for(user, for_input ? STDIN_FILENO : -1, POLLIN, until, has_input, err);
}

/* ---- Streams ---- */

static beamr_status world_read(void *user, uint8_t *buf, size_t len, size_t *got,
                               beamr_error *err)
{
    const run_world *world = user;
    bool is_ready;

    for (;;) {
        beamr_status st = BEAMR_OK;
        ssize_t n;

        if (world->deadline != UINT64_MAX)
            st = wait_for(world, STDIN_FILENO, POLLIN, UINT64_MAX, &is_ready, err);
        if (st != BEAMR_OK)
            return st;
        n = read(STDIN_FILENO, buf, len);
        if (n >= 0) {
            *got = (size_t)n;
            return BEAMR_OK;
        }
        if (errno == EAGAIN)
            st = wait_for(world, STDIN_FILENO, POLLIN, UINT64_MAX, &is_ready, err);
        else if (errno != EINTR)
            st = beamr_fail(err, BEAMR_IO, 0, "standard input: %s", strerror(errno));
        if (st != BEAMR_OK)
            return st;
    }
}

/* Write all to a descriptor. With a time limit only as much at once as never waits. */
static beamr_status world_write(const run_world *world, int fd, beamr_bytes bytes,
                                beamr_error *err)
{
    bool has_limit = world->deadline != UINT64_MAX;
    bool is_ready;

    while (bytes.len) {
        beamr_status st = BEAMR_OK;
        ssize_t n;

        if (has_limit)
            st = wait_for(world, fd, POLLOUT, UINT64_MAX, &is_ready, err);
        if (st != BEAMR_OK)
            return st;
        n = write(fd, bytes.data, has_limit && bytes.len > PIPE_PIECE ? PIPE_PIECE : bytes.len);
        if (n >= 0) {
            bytes.data += n;
            bytes.len -= (size_t)n;
            continue;
        }
        if (errno == EAGAIN)
            st = wait_for(world, fd, POLLOUT, UINT64_MAX, &is_ready, err);
        else if (errno != EINTR)
            st = beamr_fail(err, BEAMR_IO, 0, "standard %s: %s",
                            fd == STDOUT_FILENO ? "output" : "error", strerror(errno));
        if (st != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}

static beamr_status write_out(void *user, beamr_bytes bytes, beamr_error *err)
{
    return world_write(user, STDOUT_FILENO, bytes, err);
}

static beamr_status write_err(void *user, beamr_bytes bytes, beamr_error *err)
{
    return world_write(user, STDERR_FILENO, bytes, err);
}

/* ---- Random numbers ---- */

static beamr_status world_random(void *user, uint8_t *buf, size_t len, beamr_error *err)
{
    (void)user;
    while (len) {
        ssize_t n = getrandom(buf, len, 0);

        if (n < 0 && errno != EINTR)
            return beamr_fail(err, BEAMR_IO, 0, "random numbers: %s", strerror(errno));
        if (n > 0) {
            buf += n;
            len -= (size_t)n;
        }
    }
    return BEAMR_OK;
}

/* ---- Files ---- */

static beamr_status make_files(run_world *world, beamr_error *err)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    uint64_t most = world->options->max_files;

    if (most) {
        limits.max_bytes = most;
        limits.max_file_size = most;
    }
    return beamr_vfs_new(&limits, &world->vfs, err);
}

static const char *option_of(const run_dir *dir)
{
    return dir->is_writable ? "--dir-rw" : "--dir";
}

/* Open all trees, and make their places, before the first is copied: one can lie in another. */
static beamr_status open_trees(run_world *world, beamr_error *err)
{
    const run_options *o = world->options;
    beamr_status st = BEAMR_OK;

    world->trees = calloc(o->dir_count + 1, sizeof *world->trees);
    world->places = calloc(o->dir_count + 1, sizeof *world->places);
    if (!world->trees || !world->places)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the folders");
    for (size_t i = 0; st == BEAMR_OK && i < o->dir_count; i++) {
        const run_dir *dir = &o->dirs[i];

        world->places[i] = dir->place;
        world->opening = option_of(dir);
        st = host_tree_open(o->command, dir->host, dir->place, dir->is_writable,
                            &world->trees[i], err);
        if (st == BEAMR_OK && strcmp(dir->place, "/") != 0)
            st = beamr_vfs_mkdir(world->vfs, beamr_bytes_of(dir->place), true, err);
    }
    return st;
}

static beamr_status copy_trees(run_world *world, beamr_error *err)
{
    const run_options *o = world->options;
    bool is_written_back = false;
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; st == BEAMR_OK && i < o->dir_count; i++) {
        is_written_back = is_written_back || o->dirs[i].is_writable;
        world->opening = option_of(&o->dirs[i]);
        st = host_tree_copy_in(world->trees[i], world->vfs, world->places, o->dir_count,
                               !o->is_deterministic, err);
    }
    if (st == BEAMR_OK && is_written_back)
        st = beamr_vfs_copy(world->vfs, &world->before, err);
    return st;
}

int run_world_write_back(const run_world *world)
{
    size_t count = world->before ? world->options->dir_count : 0;
    bool ok = true;

    if (count) /* what is told on stderr must not end it half-way */
        (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < count; i++) {
        if (host_tree_is_writable(world->trees[i]) &&
            !host_tree_write_back(world->trees[i], world->before, world->vfs, world->places,
                                  count))
            ok = false;
    }
    return ok ? CLI_OK : CLI_FAILED;
}

/* ---- The whole ---- */

static void set_host(run_world *world, beamr_wasi_options *w)
{
    w->user = world;
    w->in = (beamr_stream){.read = world_read, .user = world};
    w->out = (beamr_stream){.write = write_out, .user = world};
    w->err = (beamr_stream){.write = write_err, .user = world};
    if (world->options->is_deterministic) /* nothing depends on where it runs */
        return;
    w->in.is_terminal = isatty(STDIN_FILENO) == 1;
    w->out.is_terminal = isatty(STDOUT_FILENO) == 1;
    w->err.is_terminal = isatty(STDERR_FILENO) == 1;
    w->clock = world_clock;
    w->clock_resolution = clock_resolution();
    w->wait = world_wait;
    w->random = world_random;
}

/* The guest's words: the file's name, and of a program its arguments.  Returns new memory. */
static const char **make_args(const run_options *o, size_t *count)
{
    size_t more = o->invoke ? 0 : o->arg_count;
    const char **args = calloc(more + 1, sizeof *args);

    if (!args)
        return NULL;
    args[0] = cli_basename(o->file);
    for (size_t i = 0; i < more; i++)
        args[i + 1] = o->args[i];
    *count = more + 1;
    return args;
}

static beamr_status make_system(run_world *world, beamr_error *err)
{
    const run_options *o = world->options;
    beamr_wasi_options w = {.vfs = world->vfs};
    beamr_preopen *preopens = calloc(o->dir_count + 1, sizeof *preopens);
    beamr_status st;

    w.args = make_args(o, &w.arg_count);
    if (!preopens || !w.args) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the arguments");
    } else {
        for (size_t i = 0; i < o->dir_count; i++)
            preopens[i] = (beamr_preopen){o->dirs[i].place, o->dirs[i].name, false};
        w.env = (const char *const *)o->env;
        w.env_count = o->env_count;
        w.preopens = o->dir_count || !world->has_root ? preopens : NULL;
        w.preopen_count = o->dir_count;
        set_host(world, &w);
        st = beamr_wasi_new(&w, &world->wasi, err);
    }
    free(preopens);
    free((void *)w.args);
    return st;
}

beamr_status run_world_open(run_world *world, beamr_error *err)
{
    beamr_status st;

    world->deadline = UINT64_MAX;
    if ((st = make_files(world, err)) != BEAMR_OK)
        return st;
    if ((st = open_trees(world, err)) != BEAMR_OK)
        return st;
    if ((st = copy_trees(world, err)) != BEAMR_OK)
        return st;
    world->opening = NULL;
    return make_system(world, err);
}

void run_world_start(run_world *world, uint64_t ns)
{
    world->deadline = ns ? clock_ns(CLOCK_MONOTONIC) + ns : UINT64_MAX;
}

void run_world_clear(run_world *world)
{
    for (size_t i = 0; world->trees && i < world->options->dir_count; i++)
        host_tree_close(world->trees[i]);
    free(world->trees);
    free(world->places);
    beamr_wasi_unref(world->wasi);
    beamr_vfs_unref(world->before);
    beamr_vfs_unref(world->vfs);
}
