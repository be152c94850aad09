/* Copying a folder in: host_tree.h. Directories wait in a list and are read one after the
 * other, each opened anew from the folder's descriptor, so that depth costs neither stack nor
 * open files. */
#include "cli/host_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/host_internal.h"

#define NS_PER_S UINT64_C(1000000000)

enum {
    PIECE_SIZE = 1 << 20, /* bytes of a file that are copied at once */
    TARGET_SIZE = 4096,   /* of a symbolic link, with room to see that it is longer */
    PATH_SHOWN = 120,     /* bytes of a path in an error */
};

/* One copying in. */
typedef struct copy {
    host_tree *tree;
    beamr_vfs *vfs;
    const char *const *others;
    size_t other_count;
    bool with_times;
    uint8_t *piece; /* PIECE_SIZE bytes */
    host_list todo; /* directories */
} copy;

/* ---- Paths and lists ---- */

bool host_list_add(host_list *list, char *path)
{
    char **paths = list->paths;

    if (path && list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;

        paths = realloc(list->paths, room * sizeof *paths);
        if (paths) {
            list->paths = paths;
            list->room = room;
        }
    }
    if (!path || !paths) {
        free(path);
        return false;
    }
    list->paths[list->count++] = path;
    return true;
}

void host_list_clear(host_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (host_list){0};
}

char *host_join(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *path = malloc(size);

    if (path)
        (void)snprintf(path, size, "%s%s%s", a, *a && *b ? "/" : "", b);
    return path;
}

char *host_place_of(const host_tree *tree, const char *path)
{
    bool is_root = strcmp(tree->place, "/") == 0;

    return is_root && *path ? host_join("/", path) : host_join(tree->place, path);
}

bool host_is_other(const char *place, const char *const *others, size_t other_count)
{
    for (size_t i = 0; i < other_count; i++) {
        if (strcmp(place, others[i]) == 0)
            return true;
    }
    return false;
}

int host_dir_open(const host_tree *tree, const char *path)
{
    int dir = fcntl(tree->root, F_DUPFD_CLOEXEC, 0);

    while (dir >= 0 && *path) {
        size_t len = strcspn(path, "/");
        char *part = strndup(path, len);
        int next = -1;

        if (part && *part && strcmp(part, ".") != 0 && strcmp(part, "..") != 0)
            next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        else
            errno = part ? EINVAL : ENOMEM;
        free(part);
        len += path[len] == '/';
        path += len;
        if (next < 0) {
            int reason = errno;

            (void)close(dir);
            errno = reason;
        } else {
            (void)close(dir);
        }
        dir = next;
    }
    return dir;
}

/* ---- Records ---- */

static int record_compare(const void *a, const void *b)
{
    return strcmp(((const host_record *)a)->path, ((const host_record *)b)->path);
}

static bool record_add(host_tree *tree, const char *path, const struct stat *stat)
{
    char *copied;

    if (!tree->is_writable)
        return true;
    if (tree->record_count == tree->record_room) {
        size_t room = tree->record_room ? tree->record_room * 2 : 64;
        host_record *records = realloc(tree->records, room * sizeof *records);

        if (!records)
            return false;
        tree->records = records;
        tree->record_room = room;
    }
    if ((copied = strdup(path)) == NULL)
        return false;
    tree->records[tree->record_count++] = (host_record){copied, *stat};
    return true;
}

const host_record *host_record_find(const host_tree *tree, const char *path)
{
    host_record key = {.path = (char *)path};

    if (tree->record_count == 0)
        return NULL;
    return bsearch(&key, tree->records, tree->record_count, sizeof key, record_compare);
}

bool host_is_unchanged(const struct stat *was, const struct stat *is)
{
    return ((was->st_mode ^ is->st_mode) & S_IFMT) == 0 && was->st_dev == is->st_dev &&
           was->st_ino == is->st_ino && was->st_size == is->st_size &&
           was->st_mtim.tv_sec == is->st_mtim.tv_sec &&
           was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

/* ---- Copying in ---- */

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to copy the files");
}

/* How many bytes of a long path are left out, so that the reason behind it is not cut off. */
static size_t not_shown(const char *path)
{
    size_t len = strlen(path);

    return len > PATH_SHOWN ? len - PATH_SHOWN : 0;
}

/* Fail with the host's reason for an entry. */
static beamr_status host_failed(const copy *c, const char *path, int reason, beamr_error *err)
{
    size_t skip = not_shown(path);

    return beamr_fail(err, reason == ENOMEM ? BEAMR_NO_MEMORY : BEAMR_IO, 0, "%s%s%s%s: %s",
                      c->tree->host, *path ? "/" : "", skip ? "..." : "", path + skip,
                      strerror(reason));
}

/* Put the host's name for an entry before what the file system said of it. */
static beamr_status guest_failed(const copy *c, const char *path, const beamr_error *inner,
                                 beamr_error *err)
{
    size_t skip = not_shown(path);

    return beamr_fail(err, inner->status, 0, "%s/%s%s: %s", c->tree->host, skip ? "..." : "",
                      path + skip, inner->text);
}

static uint64_t ns_of(struct timespec t)
{
    return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static beamr_status set_times(const copy *c, beamr_bytes place, const struct stat *stat,
                              beamr_error *err)
{
    if (!c->with_times)
        return BEAMR_OK;
    return beamr_vfs_set_times(c->vfs, place, false, ns_of(stat->st_atim), ns_of(stat->st_mtim),
                               err);
}

/* Copy what an open file holds, piece by piece. */
static beamr_status copy_content(const copy *c, int file, const char *path, beamr_bytes place,
                                 beamr_error *err)
{
    beamr_error inner = {0};
    bool is_first = true;

    for (;;) {
        ssize_t got = read(file, c->piece, PIECE_SIZE);
        beamr_bytes piece = {c->piece, got > 0 ? (size_t)got : 0};
        beamr_status st;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return host_failed(c, path, errno, err);
        if (got == 0 && !is_first)
            return BEAMR_OK;
        st = is_first ? beamr_vfs_write(c->vfs, place, piece, &inner)
                      : beamr_vfs_append(c->vfs, place, piece, &inner);
        if (st != BEAMR_OK)
            return guest_failed(c, path, &inner, err);
        is_first = false;
    }
}

static beamr_status copy_file(copy *c, int dir, const char *name, const char *path,
                              beamr_bytes place, beamr_error *err)
{
    /* no waiting, should it have become a pipe meanwhile */
    int file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat before, after;
    beamr_status st;

    if (file < 0)
        return host_failed(c, path, errno, err);
    if (fstat(file, &before) != 0) {
        st = host_failed(c, path, errno, err);
    } else if (!S_ISREG(before.st_mode)) {
        st = host_failed(c, path, ESTALE, err);
    } else {
        st = copy_content(c, file, path, place, err);
        if (st == BEAMR_OK && (fstat(file, &after) != 0 || !host_is_unchanged(&before, &after)))
            st = beamr_fail(err, BEAMR_IO, 0, "%s/%s: it was changed while it was copied",
                            c->tree->host, path);
    }
    (void)close(file);
    if (st == BEAMR_OK)
        st = set_times(c, place, &before, err);
    if (st == BEAMR_OK && !record_add(c->tree, path, &before))
        st = no_memory(err);
    return st;
}

static beamr_status copy_link(copy *c, int dir, const char *name, const char *path,
                              const struct stat *stat, beamr_bytes place, beamr_error *err)
{
    char target[TARGET_SIZE];
    ssize_t len = readlinkat(dir, name, target, sizeof target);
    beamr_error inner = {0};

    if (len < 0 || len == sizeof target)
        return host_failed(c, path, len < 0 ? errno : ENAMETOOLONG, err);
    if (beamr_vfs_symlink(c->vfs, (beamr_bytes){(uint8_t *)target, (size_t)len}, place,
                          &inner) != BEAMR_OK)
        return guest_failed(c, path, &inner, err);
    if (!record_add(c->tree, path, stat))
        return no_memory(err);
    return set_times(c, place, stat, err);
}

/* A directory is made now, and read when its turn comes. */
static beamr_status copy_directory(copy *c, const char *path, const struct stat *stat,
                                   beamr_bytes place, beamr_error *err)
{
    beamr_error inner = {0};

    if (beamr_vfs_mkdir(c->vfs, place, true, &inner) != BEAMR_OK)
        return guest_failed(c, path, &inner, err);
    if (!record_add(c->tree, path, stat) || !host_list_add(&c->todo, strdup(path)))
        return no_memory(err);
    return BEAMR_OK;
}

static void tell_left_out(const copy *c, const char *path)
{
    (void)fprintf(stderr, "%s: ", c->tree->command);
    cli_print_escaped(stderr, beamr_bytes_of(c->tree->host), "");
    (void)fputc('/', stderr);
    cli_print_escaped(stderr, beamr_bytes_of(path), "");
    (void)fputs(": left out: neither a file nor a folder nor a symbolic link\n", stderr);
}

static beamr_status copy_entry(copy *c, int dir, const char *name, const char *path,
                               beamr_error *err)
{
    char *place = host_place_of(c->tree, path);
    struct stat stat;
    beamr_status st = BEAMR_OK;

    if (!place)
        return no_memory(err);
    if (host_is_other(place, c->others, c->other_count)) {
        free(place);
        return BEAMR_OK;
    }
    if (fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        st = host_failed(c, path, errno, err);
    else if (S_ISREG(stat.st_mode))
        st = copy_file(c, dir, name, path, beamr_bytes_of(place), err);
    else if (S_ISDIR(stat.st_mode))
        st = copy_directory(c, path, &stat, beamr_bytes_of(place), err);
    else if (S_ISLNK(stat.st_mode))
        st = copy_link(c, dir, name, path, &stat, beamr_bytes_of(place), err);
    else
        tell_left_out(c, path);
    free(place);
    return st;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted: the guest sees the same order on every host.
 *   dir  stays open
 * Returns 0, or the host's reason. */
static int names_of(int dir, host_list *names)
{
    int again = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    DIR *stream = again >= 0 ? fdopendir(again) : NULL;
    const struct dirent *entry;
    int reason;

    if (!stream) {
        reason = errno;
        if (again >= 0)
            (void)close(again);
        return reason;
    }
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!host_list_add(names, strdup(entry->d_name))) {
            errno = ENOMEM;
            break;
        }
    }
    reason = errno;
    (void)closedir(stream);
    if (names->count)
        qsort(names->paths, names->count, sizeof *names->paths, name_compare);
    return reason;
}

static beamr_status copy_entries(copy *c, int dir, const char *path, beamr_error *err)
{
    host_list names = {0};
    int reason = names_of(dir, &names);
    beamr_status st = reason ? host_failed(c, path, reason, err) : BEAMR_OK;

    for (size_t i = 0; st == BEAMR_OK && i < names.count; i++) {
        char *inner = host_join(path, names.paths[i]);

        st = inner ? copy_entry(c, dir, names.paths[i], inner, err) : no_memory(err);
        free(inner);
    }
    host_list_clear(&names);
    return st;
}

/* Copy the entries of a directory of the tree. */
static beamr_status copy_inside(copy *c, const char *path, beamr_error *err)
{
    int dir = host_dir_open(c->tree, path);
    char *place = host_place_of(c->tree, path);
    struct stat stat;
    beamr_status st;

    if (dir < 0 || fstat(dir, &stat) != 0)
        st = host_failed(c, path, errno, err);
    else
        st = place ? copy_entries(c, dir, path, err) : no_memory(err);
    if (st == BEAMR_OK)
        st = set_times(c, beamr_bytes_of(place), &stat, err);
    if (dir >= 0)
        (void)close(dir);
    free(place);
    return st;
}

beamr_status host_tree_copy_in(host_tree *tree, beamr_vfs *vfs, const char *const *others,
                               size_t other_count, bool with_times, beamr_error *err)
{
    copy c = {.tree = tree,
              .vfs = vfs,
              .others = others,
              .other_count = other_count,
              .with_times = with_times};
    beamr_status st = BEAMR_OK;

    c.piece = malloc(PIECE_SIZE);
    if (!c.piece || !host_list_add(&c.todo, strdup("")))
        st = no_memory(err);
    for (size_t i = 0; st == BEAMR_OK && i < c.todo.count; i++)
        st = copy_inside(&c, c.todo.paths[i], err);
    host_list_clear(&c.todo);
    free(c.piece);
    if (tree->record_count)
        qsort(tree->records, tree->record_count, sizeof *tree->records, record_compare);
    return st;
}

/* ---- The tree ---- */

beamr_status host_tree_open(const char *command, const char *host, const char *place,
                            bool is_writable, BEAMR_OWN host_tree **out, beamr_error *err)
{
    host_tree *tree = calloc(1, sizeof *tree);

    if (!tree)
        return no_memory(err);
    *tree = (host_tree){command, host, place, is_writable, -1, NULL, 0, 0};
    tree->root = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree->root < 0) {
        free(tree);
        return beamr_fail(err, BEAMR_IO, 0, "%s: %s", host, strerror(errno));
    }
    *out = tree;
    return BEAMR_OK;
}

void host_tree_close(host_tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->record_count; i++)
        free(tree->records[i].path);
    free(tree->records);
    (void)close(tree->root);
    free(tree);
}

bool host_tree_is_writable(const host_tree *tree)
{
    return tree->is_writable;
}
