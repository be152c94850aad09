/* Processes in folders: cli/aos.h.
 * A folder holds
 *
 *   current    one line: the name of a folder in it, and the id of the process's message there
 *   state-N    a store (LMDB) with that message: the process without its guest, and the key
 *              `snapshot`, which has the guest's memory and all else of its state
 *
 * A process is kept in a new store, on whose contents the disk has agreed before `current` is
 * replaced by rename; then the other stores are removed. So a crash leaves the one or the
 * other, and perhaps a store that nobody names, which the next save takes away. Two that save
 * into one folder at the same time exclude each other by a lock, which is held from loading to
 * saving if both are of one folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/aos.h"

enum { NAME_SIZE = 32, LINE_SIZE = NAME_SIZE + AO_ID_TEXT + 2 };

static beamr_status fail_io(beamr_error *err, const char *folder, const char *what)
{
    return beamr_fail(err, BEAMR_IO, 0, "%s: %s: %s", folder, what, strerror(errno));
}

/* ---- Names ---- */

/* N of state-N; -1 for another name. */
static long long number_of(const char *name)
{
    static const char head[] = "state-";
    uint64_t n;

    if (strncmp(name, head, sizeof head - 1) != 0 ||
        !cli_number(name + sizeof head - 1, 1000000000000, &n))
        return -1;
    return (long long)n;
}

/* ---- Reading `current` ---- */

/* Errors: BEAMR_NOT_FOUND (there is none). */
static beamr_status read_current(int at, const char *folder, char name[NAME_SIZE],
                                 char id[AO_ID_TEXT + 1], beamr_error *err)
{
    char line[LINE_SIZE + 1], *space;
    int fd = openat(at, "current", O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0 && errno == ENOENT)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "no process is kept there");
    if (fd < 0)
        return fail_io(err, folder, "current");
    len = read(fd, line, sizeof line - 1);
    (void)close(fd);
    if (len < 0)
        return fail_io(err, folder, "current");
    line[len] = 0;
    line[strcspn(line, "\n")] = 0;
    space = strchr(line, ' ');
    if (space)
        *space++ = 0;
    if (!space || strlen(space) != AO_ID_TEXT || number_of(line) < 0 ||
        strlen(line) >= NAME_SIZE)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "its file `current` is damaged");
    memcpy(name, line, strlen(line) + 1);
    memcpy(id, space, AO_ID_TEXT + 1);
    return BEAMR_OK;
}

/* "lmdb:FOLDER/NAME" */
static char *store_of(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + sizeof "lmdb:/";
    char *kv = malloc(size);

    if (kv)
        (void)snprintf(kv, size, "lmdb:%s/%s", folder, name);
    return kv;
}

/* A store that is not there would be made, empty, by opening it. */
static beamr_status find_store(int at, const char *name, beamr_error *err)
{
    char path[NAME_SIZE + sizeof "/data.mdb"];

    (void)snprintf(path, sizeof path, "%s/data.mdb", name);
    if (faccessat(at, path, F_OK, 0) == 0)
        return BEAMR_OK;
    if (errno != ENOENT && errno != ENOTDIR)
        return beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "its file `%s` is missing", path);
}

beamr_status aos_saved(const char *folder, char **kv, char id[AO_ID_TEXT + 1], beamr_error *err)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[NAME_SIZE], *store;
    beamr_status st;

    if (at < 0)
        return fail_io(err, folder, "it cannot be opened");
    if ((st = read_current(at, folder, name, id, err)) == BEAMR_OK)
        st = find_store(at, name, err);
    (void)close(at);
    if (st != BEAMR_OK)
        return st;
    if (!(store = store_of(folder, name)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the name of a store");
    *kv = store;
    return BEAMR_OK;
}

/* ---- Removing stores ---- */

static void remove_store(int at, const char *name)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    int inside = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (inside < 0)
        return;
    for (size_t i = 0; i < 2; i++)
        (void)unlinkat(inside, files[i], 0);
    (void)close(inside);
    (void)unlinkat(at, name, AT_REMOVEDIR);
}

/* Visit the stores: remove all but `keep` (NULL: none is removed).
 * Returns the highest number of one. */
static long long visit_stores(int at, const char *keep)
{
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    long long highest = 0;
    struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    while ((entry = readdir(dir))) {
        long long n = number_of(entry->d_name);

        highest = n > highest ? n : highest;
        if (n >= 0 && keep && strcmp(entry->d_name, keep) != 0)
            remove_store(at, entry->d_name);
    }
    (void)closedir(dir);
    return highest;
}

/* ---- Writing `current` ---- */

/* A new file, whatever stood there: a link would lead out of a folder that came from elsewhere.
 */
static beamr_status write_line(int at, const char *folder, const char *line, beamr_error *err)
{
    bool is_written;
    int fd;

    (void)unlinkat(at, "current.new", 0);
    fd = openat(at, "current.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_io(err, folder, "current.new");
    is_written = write(fd, line, strlen(line)) == (ssize_t)strlen(line) && fsync(fd) == 0;
    if (!is_written) {
        beamr_status st = fail_io(err, folder, "current.new");

        (void)close(fd);
        return st;
    }
    return close(fd) == 0 ? BEAMR_OK : fail_io(err, folder, "current.new");
}

static beamr_status replace_current(int at, const char *folder, const char *name,
                                    const char *id, beamr_error *err)
{
    char line[LINE_SIZE + 1];
    beamr_status st;

    (void)snprintf(line, sizeof line, "%s %s\n", name, id);
    if ((st = write_line(at, folder, line, err)) != BEAMR_OK)
        return st;
    if (fsync(at) != 0 || renameat(at, "current.new", at, "current") != 0 || fsync(at) != 0)
        return fail_io(err, folder, "current");
    return BEAMR_OK;
}

/* ---- The message ---- */

/* What the guest is: the snapshots of the stack's devices, by their numbers. */
static beamr_status take_snapshot(const aos *p, ao_value *out, beamr_error *err)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value base = ao_message_value(ao_message_ref(p->state)), request;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_builder builder;
    beamr_status st;

    options.hashpath = AO_HASHPATH_IGNORE;
    options.cache_control = AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "path", ao_binary_text("snapshot"));
    ao_builder_put(&builder, "mode", ao_binary_text("Map"));
    request = ao_builder_value(&builder);
    st = ao_resolve_on(p->session.context, base, request, &options, &result, err);
    ao_value_unref(request);
    ao_value_unref(base);
    if (st == BEAMR_OK && (result.outcome != AO_OUTCOME_OK || !ao_to_message(result.value) ||
                           !ao_message_count(ao_to_message(result.value)))) {
        ao_value_unref(result.value);
        return beamr_fail(err, BEAMR_SNAPSHOT, 0, "the guest gives no snapshot");
    }
    *out = result.value;
    return st;
}

/* The process with it, and without what is private. */
static beamr_status make_kept(const aos *p, ao_message **out, beamr_error *err)
{
    ao_value snapshot = AO_NO_VALUE;
    ao_builder builder;
    beamr_status st = take_snapshot(p, &snapshot, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, p->state, NULL, err);
    ao_builder_reset(&builder);
    ao_builder_put(&builder, "snapshot", snapshot);
    return ao_builder_end(&builder, out);
}

static beamr_status store_message(const char *kv, const ao_message *message,
                                  char id[AO_ID_TEXT + 1], beamr_error *err)
{
    ao_settings settings = {.kv = kv};
    ao_context *context = NULL;
    beamr_status st = ao_context_new(&settings, &context, err);

    if (st == BEAMR_OK)
        st = ao_store_message(context, message, id, err);
    ao_context_free(context);
    return st;
}

static beamr_status save_locked(aos *p, int at, const char *folder, beamr_error *err)
{
    char name[NAME_SIZE], old[NAME_SIZE], id[AO_ID_TEXT + 1], *kv = NULL;
    beamr_error ignored = {0};
    ao_message *kept = NULL;
    bool is_known;
    beamr_status st;

    /* What a crash has left goes first, so that its room is free; nothing goes yet if `current`
     * can't say which that is. */
    st = read_current(at, folder, old, id, &ignored);
    is_known = st == BEAMR_OK || st == BEAMR_NOT_FOUND;
    if (st == BEAMR_NOT_FOUND)
        old[0] = 0;
    (void)snprintf(name, sizeof name, "state-%lld",
                   visit_stores(at, is_known ? old : NULL) + 1);
    if ((st = make_kept(p, &kept, err)) != BEAMR_OK)
        return st;
    if (!(kv = store_of(folder, name)))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the name of a store");
    if (st == BEAMR_OK)
        st = store_message(kv, kept, id, err);
    if (st == BEAMR_OK && (st = replace_current(at, folder, name, id, err)) == BEAMR_OK)
        (void)visit_stores(at, name);
    else
        remove_store(at, name);
    ao_message_unref(kept);
    free(kv);
    return st;
}

/* What was computed is not given up because another one is at it: that is waited for. */
static beamr_status save(aos *p, const char *folder, beamr_error *err)
{
    beamr_status st;
    int at;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail_io(err, folder, "it cannot be made");
    if (aos_has_locked(p, folder))
        return save_locked(p, p->folder, folder, err);
    if ((st = aos_lock(p->opt->command, folder, 0, &at, err)) != BEAMR_OK)
        return st;
    st = save_locked(p, at, folder, err);
    (void)close(at);
    return st;
}

/* It can be written if it is there, or else made. */
static beamr_status check(const char *folder, beamr_error *err)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    beamr_status st = BEAMR_OK;
    struct stat info;
    char *path;

    if (at >= 0) {
        if (faccessat(at, ".", W_OK | X_OK, AT_EACCESS) != 0)
            st = fail_io(err, folder, "nothing can be kept there");
        (void)close(at);
        return st;
    }
    /* A link that leads nowhere is in the way. */
    if (errno != ENOENT || !*folder || lstat(folder, &info) == 0)
        return fail_io(err, folder, "nothing can be kept there");
    if (!(path = strdup(folder)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a path");
    if (faccessat(AT_FDCWD, dirname(path), W_OK | X_OK, AT_EACCESS) != 0)
        st = fail_io(err, folder, "it cannot be made");
    free(path);
    return st;
}

int aos_save_check(const char *command, const char *folder)
{
    beamr_error err = {0};

    return check(folder, &err) == BEAMR_OK ? CLI_OK : cli_refuse(command, folder, &err);
}

int aos_save(aos *process, const char *folder)
{
    beamr_error err = {0};

    if (save(process, folder, &err) == BEAMR_OK)
        return CLI_OK;
    return cli_report(process->opt->command, err.status == BEAMR_IO ? NULL : folder, &err);
}
