/* What a guest changed in its copy of a folder: the tree before and after, compared by name,
 * and files by content. It reads nothing of the host's; host_write.c does what is found here.
 * Directories wait in lists: those that both sides have, and those that only one has, below
 * which nothing is left to compare. */
#include <stdlib.h>

#include "cli/host_internal.h"

enum { NAME_SIZE = 256 }; /* of the longest name that Linux takes, and a NUL */

/* Bytes of all changes' paths together: a guest can make a million files a long way down. */
#define PATHS_MAX ((size_t)256 << 20)

/* One comparison: walking through one side, looking for the same on the other. */
typedef struct compare {
    const host_tree *tree;
    const beamr_vfs *side;  /* that is walked */
    const beamr_vfs *other; /* that it is compared with */
    const char *const *others;
    size_t other_count;
    bool is_removal; /* `side` is the tree before */
    host_changes *out;
    host_list both; /* directories to be walked that the other side has too */
    host_list only; /* and that it has not */
} compare;

/* An entry that is looked at. */
typedef struct entry {
    char *path;  /* of the tree; owned */
    char *place; /* of the file system; owned */
    beamr_vfs_stat stat;
    beamr_vfs_stat other; /* of the same path on the other side, if `is_there` */
    bool is_there;
} entry;

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to compare the files");
}

/* Add a change.
 *   path  owned from now on; NULL is no memory
 *   why   NULL; or why it can't be done */
static beamr_status add(host_changes *changes, char *path, host_action action, bool is_late,
                        const char *why, beamr_error *err)
{
    host_change *list = changes->list;

    if (path && (changes->path_bytes += strlen(path)) > PATHS_MAX) {
        free(path);
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the guest made changes whose names are more than %zu MiB long",
                          PATHS_MAX >> 20);
    }
    if (path && changes->count == changes->room) {
        size_t room = changes->room ? changes->room * 2 : 64;

        list = realloc(changes->list, room * sizeof *list);
        if (list) {
            changes->list = list;
            changes->room = room;
        }
    }
    if (!path || !list) {
        free(path);
        return no_memory(err);
    }
    list[changes->count++] =
        (host_change){.path = path, .action = action, .is_late = is_late, .why = why};
    return BEAMR_OK;
}

void host_changes_clear(host_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->list[i].path);
    free(changes->list);
    *changes = (host_changes){0};
}

/* A file system makes no other names; that they are harmless is not taken for granted here. */
static bool is_fit_for_host(beamr_bytes name)
{
    return name.len > 0 && name.len < NAME_SIZE && !memchr(name.data, '/', name.len) &&
           !memchr(name.data, '\0', name.len) && !(name.len == 1 && name.data[0] == '.') &&
           !(name.len == 2 && memcmp(name.data, "..", 2) == 0);
}

/* Files hold, and links say, the same on both sides. */
static bool is_equal(const compare *c, const entry *e)
{
    beamr_bytes path = beamr_bytes_of(e->place), a, b;

    return e->stat.kind == e->other.kind && e->stat.size == e->other.size &&
           beamr_vfs_read(c->side, path, false, &a, NULL) == BEAMR_OK &&
           beamr_vfs_read(c->other, path, false, &b, NULL) == BEAMR_OK && a.len == b.len &&
           (a.len == 0 || a.data == b.data || memcmp(a.data, b.data, a.len) == 0);
}

/* Several names of one file become as many files here, so the file system's limit does not hold
 * by itself.  Returns why a file can't be written, or NULL. */
static const char *count_content(compare *c, const beamr_vfs_stat *stat)
{
    uint64_t most = beamr_vfs_limits_of(c->side).max_bytes;

    if (stat->kind != BEAMR_VFS_FILE)
        return NULL;
    if (stat->size > most - c->out->content_bytes)
        return "files with several names would take more than all files may (--max-files)";
    c->out->content_bytes += stat->size;
    return NULL;
}

/* Something was made, or changed. */
static beamr_status compare_made(compare *c, entry *e, bool is_below_late, beamr_error *err)
{
    bool is_directory = e->stat.kind == BEAMR_VFS_DIRECTORY;
    bool was_directory = e->is_there && e->other.kind == BEAMR_VFS_DIRECTORY;
    bool is_late = is_below_late || (e->is_there && is_directory != was_directory);
    host_action action = e->stat.kind == BEAMR_VFS_FILE ? HOST_WRITE_FILE : HOST_WRITE_LINK;

    if (!is_directory) {
        if (e->is_there && is_equal(c, e))
            return BEAMR_OK;
        return add(c->out, strdup(e->path), action, is_late, count_content(c, &e->stat), err);
    }
    if (!host_list_add(is_late ? &c->only : &c->both, strdup(e->path)))
        return no_memory(err);
    if (was_directory)
        return BEAMR_OK;
    return add(c->out, strdup(e->path), HOST_MAKE_DIRECTORY, is_late, NULL, err);
}

/* Something was there before: is it still, or a file or link in place of a file or link? */
static beamr_status compare_removed(compare *c, entry *e, beamr_error *err)
{
    bool was_directory = e->stat.kind == BEAMR_VFS_DIRECTORY;
    bool is_directory = e->is_there && e->other.kind == BEAMR_VFS_DIRECTORY;
    bool is_gone = !e->is_there || was_directory != is_directory;

    if (was_directory && !host_list_add(is_gone ? &c->only : &c->both, strdup(e->path)))
        return no_memory(err);
    return is_gone ? add(c->out, strdup(e->path), HOST_REMOVE, false, NULL, err) : BEAMR_OK;
}

/* Compare the entry `name` of the directory `path`.
 *   is_only  the other side has no such directory */
static beamr_status compare_entry(compare *c, const char *path, bool is_only, beamr_bytes name,
                                  const beamr_vfs_stat *stat, beamr_error *err)
{
    char text[NAME_SIZE];
    entry e = {.stat = *stat};
    beamr_status st;

    if (!is_fit_for_host(name))
        return add(c->out, host_join(path, "?"), HOST_WRITE_FILE, false,
                   "an entry has a name that cannot be one here", err);
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    e.path = host_join(path, text);
    e.place = e.path ? host_place_of(c->tree, e.path) : NULL;
    if (!e.place) {
        st = no_memory(err);
    } else if (host_is_other(e.place, c->others, c->other_count)) {
        st = BEAMR_OK;
    } else {
        e.is_there = !is_only && beamr_vfs_stat_at(c->other, beamr_bytes_of(e.place), false,
                                                   &e.other, NULL) == BEAMR_OK;
        st = c->is_removal ? compare_removed(c, &e, err) : compare_made(c, &e, is_only, err);
    }
    free(e.path);
    free(e.place);
    return st;
}

static beamr_status compare_directory(compare *c, const char *path, bool is_only,
                                      beamr_error *err)
{
    char *place = host_place_of(c->tree, path);
    uint64_t cursor = 0;
    beamr_error inner = {0};
    beamr_status st = place ? BEAMR_OK : no_memory(err);

    while (st == BEAMR_OK) {
        beamr_bytes name;
        beamr_vfs_stat stat;

        st = beamr_vfs_next(c->side, beamr_bytes_of(place), &cursor, &name, &stat, &inner);
        if (st == BEAMR_OK)
            st = compare_entry(c, path, is_only, name, &stat, err);
        else if (st == BEAMR_NO_MEMORY)
            (void)no_memory(err);
        else
            break;
    }
    free(place);
    if (st != BEAMR_NOT_FOUND && st != BEAMR_NO_MEMORY) /* only a guest can have made it */
        st = add(c->out, strdup(path), HOST_MAKE_DIRECTORY, false,
                 "it lies deeper than paths may lead", err);
    return st == BEAMR_NO_MEMORY ? st : BEAMR_OK;
}

static beamr_status compare_all(compare *c, beamr_error *err)
{
    beamr_status st = host_list_add(&c->both, strdup("")) ? BEAMR_OK : no_memory(err);

    for (size_t i = 0; st == BEAMR_OK && i < c->both.count; i++)
        st = compare_directory(c, c->both.paths[i], false, err);
    for (size_t i = 0; st == BEAMR_OK && i < c->only.count; i++)
        st = compare_directory(c, c->only.paths[i], true, err);
    host_list_clear(&c->both);
    host_list_clear(&c->only);
    return st;
}

beamr_status host_changes_find(const host_tree *tree, const beamr_vfs *before,
                               const beamr_vfs *now, const char *const *others,
                               size_t other_count, host_changes *out, beamr_error *err)
{
    compare made = {.tree = tree,
                    .side = now,
                    .other = before,
                    .others = others,
                    .other_count = other_count,
                    .out = out};
    compare removed = made;
    beamr_vfs_stat stat;
    beamr_status st;

    if (beamr_vfs_stat_at(now, beamr_bytes_of(tree->place), false, &stat, NULL) != BEAMR_OK ||
        stat.kind != BEAMR_VFS_DIRECTORY)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the guest removed its %s", tree->place);
    removed.side = before;
    removed.other = now;
    removed.is_removal = true;
    st = compare_all(&made, err);
    return st == BEAMR_OK ? compare_all(&removed, err) : st;
}
