/* Writing changes back into a folder of the host's: host_tree.h.
 * What is to be done comes from host_changes.c. Each directory is reached from the folder's
 * descriptor without following a link (host_dir_open), and everything in it through that
 * directory's own descriptor and a single name. A file's or link's new version is made under a
 * name of its own, ".beamr-" and random digits, and then renamed. */
#define _GNU_SOURCE /* renameat2 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/host_internal.h"

enum {
    TEMP_SIZE = 32,  /* of a temporary name */
    TEMP_TRIES = 16, /* until one is free */
};

/* One writing back. */
typedef struct writer {
    const host_tree *tree;
    const beamr_vfs *now;
    char *path; /* of the directory that is open; owned */
    int dir;    /* -1: none */
} writer;

/* What is to be written: where, and how. */
typedef struct target {
    int dir;
    const char *name;
    const host_record *record; /* what it replaces, or NULL */
} target;

/* ---- Failing ---- */

static bool fail(host_change *change, const char *why)
{
    change->why = why;
    return false;
}

static bool host_failed(host_change *change, int reason)
{
    change->reason = reason;
    return false;
}

/* ---- The directory ---- */

static void leave_directory(writer *w)
{
    if (w->dir >= 0) {
        (void)fsync(w->dir); /* some file systems can't, and do it anyway */
        (void)close(w->dir);
    }
    free(w->path);
    w->path = NULL;
    w->dir = -1;
}

/* Make those directories on the way that the host never had: parents of other trees' places. */
static void make_missing(const writer *w, const char *path)
{
    for (const char *end = path; *end; end += *end == '/') {
        char *parent, *name;
        int dir = -1;

        end += strcspn(end, "/");
        parent = strndup(path, (size_t)(end - path));
        if (!parent)
            return;
        name = strrchr(parent, '/');
        if (!host_record_find(w->tree, parent)) {
            if (name)
                *name = '\0';
            dir = host_dir_open(w->tree, name ? parent : "");
            if (dir >= 0) {
                (void)mkdirat(dir, name ? name + 1 : parent, 0777);
                (void)close(dir);
            }
        }
        free(parent);
    }
}

/* Open the directory that a change is in, unless it is open.  Returns false with errno. */
static bool enter_directory(writer *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup("");

    if (!parent) {
        errno = ENOMEM;
        return false;
    }
    if (w->dir >= 0 && strcmp(parent, w->path) == 0) {
        free(parent);
        return true;
    }
    leave_directory(w);
    w->dir = host_dir_open(w->tree, parent);
    if (w->dir < 0 && errno == ENOENT && !host_record_find(w->tree, parent)) {
        make_missing(w, parent);
        w->dir = host_dir_open(w->tree, parent);
    }
    w->path = parent;
    return w->dir >= 0;
}

/* ---- Files and links ---- */

/* Make sure that what will be replaced is what was copied. */
static bool check_target(const target *t, host_change *change)
{
    struct stat now;

    if (fstatat(t->dir, t->name, &now, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return host_failed(change, errno);
        return t->record ? fail(change, "it was removed here meanwhile") : true;
    }
    if (!t->record)
        return fail(change, "it was made here meanwhile");
    if (!host_is_unchanged(&t->record->stat, &now))
        return fail(change, "it was changed here meanwhile");
    return true;
}

static bool is_file(const host_record *record)
{
    return record && S_ISREG(record->stat.st_mode);
}

/* A name that nobody has. */
static void temp_name(char name[TEMP_SIZE])
{
    uint64_t random = 0;

    (void)!getrandom(&random, sizeof random, 0); /* what is taken is tried again */
    (void)snprintf(name, TEMP_SIZE, ".beamr-%016" PRIx64, random);
}

static int temp_open(int dir, char name[TEMP_SIZE], mode_t mode)
{
    int file = -1;

    errno = EEXIST;
    for (int i = 0; i < TEMP_TRIES && file < 0 && errno == EEXIST; i++) {
        temp_name(name);
        file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    return file;
}

static int temp_symlink(int dir, char name[TEMP_SIZE], const char *link_target)
{
    int result = -1;

    errno = EEXIST;
    for (int i = 0; i < TEMP_TRIES && result < 0 && errno == EEXIST; i++) {
        temp_name(name);
        result = symlinkat(link_target, dir, name);
    }
    return result;
}

/* Put the new version in place.
 * Returns false when that failed; the temporary name is then gone too. */
static bool move_temp(const target *t, const char *temp, host_change *change)
{
    int result = -1;

    if (check_target(t, change)) {
        errno = EINVAL;
        if (!t->record)
            result = renameat2(t->dir, temp, t->dir, t->name, RENAME_NOREPLACE);
        if (result != 0 && (errno == EINVAL || errno == ENOSYS)) /* or it is not known there */
            result = renameat(t->dir, temp, t->dir, t->name);
        if (result != 0)
            (void)host_failed(change, errno);
    }
    if (result != 0)
        (void)unlinkat(t->dir, temp, 0);
    return result == 0;
}

/* Owner and permissions of the file that will be replaced; the owner if the host allows. */
static bool keep_owner(int file, const struct stat *old)
{
    struct stat now;

    if (fstat(file, &now) != 0)
        return false;
    if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) &&
        fchown(file, old->st_uid, old->st_gid) != 0)
        (void)!fchown(file, (uid_t)-1, old->st_gid);
    return fchmod(file, old->st_mode & 0777) == 0;
}

static bool write_all(int file, beamr_bytes content)
{
    while (content.len) {
        ssize_t put = write(file, content.data, content.len);

        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            content.data += put;
            content.len -= (size_t)put;
        }
    }
    return true;
}

static bool write_file(const target *t, beamr_bytes content, host_change *change)
{
    char temp[TEMP_SIZE];
    bool ok;
    int file;

    if (is_file(t->record) && faccessat(t->dir, t->name, W_OK, AT_EACCESS) != 0 &&
        errno != ENOENT)
        return host_failed(change, errno);
    file = temp_open(t->dir, temp, is_file(t->record) ? 0600 : 0666);
    if (file < 0)
        return host_failed(change, errno);
    ok = write_all(file, content) &&
         (!is_file(t->record) || keep_owner(file, &t->record->stat)) && fsync(file) == 0;
    if (!ok)
        (void)host_failed(change, errno);
    if (close(file) != 0 && ok)
        ok = host_failed(change, errno);
    if (ok)
        return move_temp(t, temp, change);
    (void)unlinkat(t->dir, temp, 0);
    return false;
}

static bool write_link(const target *t, beamr_bytes content, host_change *change)
{
    char *link_target = strndup((const char *)content.data, content.len);
    char temp[TEMP_SIZE];
    bool ok;

    if (!link_target)
        return host_failed(change, ENOMEM);
    ok = temp_symlink(t->dir, temp, link_target) == 0;
    free(link_target);
    return ok ? move_temp(t, temp, change) : host_failed(change, errno);
}

/* ---- Directories and removals ---- */

static bool make_directory(const target *t, host_change *change)
{
    struct stat now;

    if (mkdirat(t->dir, t->name, 0777) == 0)
        return true;
    if (errno == EEXIST && fstatat(t->dir, t->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(now.st_mode)) /* somebody else made it: what it holds can lie together */
        return true;
    return host_failed(change, errno);
}

static bool remove_entry(const target *t, host_change *change)
{
    struct stat now;
    int flags;

    if (fstatat(t->dir, t->name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? true : host_failed(change, errno);
    if (!t->record)
        return fail(change, "it was made here meanwhile");
    if (((t->record->stat.st_mode ^ now.st_mode) & S_IFMT) != 0 ||
        (!S_ISDIR(now.st_mode) && !host_is_unchanged(&t->record->stat, &now)))
        return fail(change, "it was changed here meanwhile");
    flags = S_ISDIR(now.st_mode) ? AT_REMOVEDIR : 0;
    return unlinkat(t->dir, t->name, flags) == 0 ? true : host_failed(change, errno);
}

/* ---- All changes ---- */

static bool do_change(writer *w, host_change *change)
{
    const char *slash = strrchr(change->path, '/');
    beamr_bytes content = {NULL, 0};
    bool is_content;
    char *place;
    target t;

    if (change->why)
        return false;
    if (!enter_directory(w, change->path)) {
        if (change->action == HOST_REMOVE && errno == ENOENT)
            return true;
        return host_failed(change, errno);
    }
    t = (target){w->dir, slash ? slash + 1 : change->path,
                 change->is_late ? NULL : host_record_find(w->tree, change->path)};
    if (change->action == HOST_MAKE_DIRECTORY)
        return make_directory(&t, change);
    if (change->action == HOST_REMOVE)
        return remove_entry(&t, change);
    place = host_place_of(w->tree, change->path);
    is_content = place && beamr_vfs_read(w->now, beamr_bytes_of(place), false, &content,
                                         NULL) == BEAMR_OK;
    free(place);
    if (!is_content)
        return host_failed(change, ENOMEM);
    return change->action == HOST_WRITE_FILE ? write_file(&t, content, change)
                                             : write_link(&t, content, change);
}

/* Make all that is late, or all that is not.  Returns whether all went well. */
static bool make_all(writer *w, const host_changes *changes, bool is_late)
{
    bool ok = true;

    for (size_t i = 0; i < changes->count; i++) {
        host_change *change = &changes->list[i];

        if (change->action == HOST_REMOVE || change->is_late != is_late)
            continue;
        change->is_done = do_change(w, change);
        ok = ok && change->is_done;
    }
    return ok;
}

/* From the last to the first: what a directory held goes before it. */
static bool remove_all(writer *w, const host_changes *changes)
{
    bool ok = true;

    for (size_t i = changes->count; i-- > 0;) {
        host_change *change = &changes->list[i];

        if (change->action != HOST_REMOVE)
            continue;
        change->is_done = do_change(w, change);
        ok = ok && change->is_done;
    }
    return ok;
}

/* ---- Telling ---- */

static const char *reason_of(const host_change *change)
{
    if (change->why)
        return change->why;
    return change->reason ? strerror(change->reason) : "not tried, because of others";
}

static void tell_change(const host_change *change)
{
    bool is_removal = change->action == HOST_REMOVE;

    (void)fprintf(stderr, "  %s%s: ", change->is_done ? "" : "not ",
                  is_removal ? "removed" : "written");
    cli_print_escaped(stderr, beamr_bytes_of(change->path), "");
    if (!change->is_done)
        (void)fprintf(stderr, ": %s", reason_of(change));
    (void)fputc('\n', stderr);
}

/* Tell of each change, when one failed. */
static void tell(const host_tree *tree, const host_changes *changes)
{
    size_t failed = 0;

    for (size_t i = 0; i < changes->count; i++)
        failed += !changes->list[i].is_done;
    (void)fprintf(stderr, "%s: ", tree->command);
    cli_print_escaped(stderr, beamr_bytes_of(tree->host), "");
    (void)fprintf(stderr, ": %zu of %zu changes were not written back:\n", failed,
                  changes->count);
    for (size_t i = 0; i < changes->count; i++)
        tell_change(&changes->list[i]);
}

bool host_tree_write_back(const host_tree *tree, const beamr_vfs *before, const beamr_vfs *now,
                          const char *const *others, size_t other_count)
{
    writer w = {.tree = tree, .now = now, .dir = -1};
    host_changes changes = {0};
    beamr_error err = {0};
    bool ok;

    if (host_changes_find(tree, before, now, others, other_count, &changes, &err) != BEAMR_OK) {
        (void)fprintf(stderr, "%s: ", tree->command);
        cli_print_escaped(stderr, beamr_bytes_of(tree->host), "");
        (void)fprintf(stderr, ": nothing was written back: %s\n", err.text);
        host_changes_clear(&changes);
        return false;
    }
    ok = make_all(&w, &changes, false) && remove_all(&w, &changes) &&
         make_all(&w, &changes, true);
    leave_directory(&w);
    if (!ok)
        tell(tree, &changes);
    host_changes_clear(&changes);
    return ok;
}
