/* See undo.h. The log is read forwards, to know what was synced later, and gone through
 * backwards, to take back the rest. A rename counts as synced with the folder that the new name
 * is in, and takes both names along: file systems do that in one transaction. */
#define _GNU_SOURCE
#include "undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

typedef struct step {
    shim_record r;
    char *data;
    bool is_kept;
} step;

typedef struct story {
    const char *log;
    step *steps;
    size_t count, capacity;
} story;

static bool is_name(const step *s)
{
    return s->r.kind == SHIM_CREATE || s->r.kind == SHIM_MKDIR || s->r.kind == SHIM_UNLINK ||
           s->r.kind == SHIM_RENAME;
}

/* The name that a step changes is in this folder. */
static bool is_in(const step *s, const char *folder)
{
    const char *path = s->r.kind == SHIM_RENAME ? s->r.target : s->r.path;
    size_t len = strlen(folder);

    return !strncmp(path, folder, len) && path[len] == '/' && !strchr(path + len + 1, '/');
}

/* What was done before a sync, and is synced by it, stays. */
static void keep(story *t, const shim_record *sync)
{
    for (size_t i = 0; i < t->count; i++) {
        step *s = &t->steps[i];

        if (sync->kind == SHIM_SYNC ? s->r.kind == SHIM_WRITE && s->r.inode == sync->inode
                                    : is_name(s) && is_in(s, sync->path))
            s->is_kept = true;
    }
}

/* What is kept is of no more interest. */
static void drop_kept(story *t)
{
    size_t left = 0;

    for (size_t i = 0; i < t->count; i++)
        if (t->steps[i].is_kept)
            free(t->steps[i].data);
        else
            t->steps[left++] = t->steps[i];
    t->count = left;
}

static bool add(story *t, const shim_record *r, char *data)
{
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 256;
        step *steps = (step *)realloc(t->steps, capacity * sizeof *steps);

        if (!steps)
            return false;
        t->steps = steps;
        t->capacity = capacity;
    }
    t->steps[t->count++] = (step){*r, data, false};
    return true;
}

/* A record that is cut off was not done. */
static bool read_story(story *t)
{
    char path[SHIM_PATH];
    shim_record r;
    FILE *file;

    snprintf(path, sizeof path, "%.400s/log", t->log);
    file = fopen(path, "r");
    if (!file)
        return false;
    while (fread(&r, sizeof r, 1, file) == 1) {
        char *data = NULL;

        if (r.kind == SHIM_SYNC || r.kind == SHIM_SYNC_NAMES) {
            keep(t, &r);
            drop_kept(t);
            continue;
        }
        if (r.data_len &&
            (!(data = (char *)malloc(r.data_len)) || fread(data, r.data_len, 1, file) != 1)) {
            free(data);
            break;
        }
        if (!add(t, &r, data))
            break;
    }
    fclose(file);
    return true;
}

/* ---- Backwards ---- */

static void link_grave(const story *t, uint64_t inode, const char *path)
{
    char grave[SHIM_PATH];

    snprintf(grave, sizeof grave, "%.400s/%llu", t->log, (unsigned long long)inode);
    if (link(grave, path) && errno != EEXIST)
        printf("undo: cannot restore %s: %s\n", path, strerror(errno));
}

static void undo_write(const story *t, const step *s)
{
    char grave[SHIM_PATH];
    int fd;

    snprintf(grave, sizeof grave, "%.400s/%llu", t->log, (unsigned long long)s->r.inode);
    fd = open(grave, O_WRONLY);
    if (fd < 0 ||
        (s->r.data_len &&
         pwrite(fd, s->data, s->r.data_len, (off_t)s->r.offset) != (ssize_t)s->r.data_len) ||
        ftruncate(fd, (off_t)s->r.size))
        printf("undo: cannot restore file %llu: %s\n", (unsigned long long)s->r.inode,
               strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void undo_step(const story *t, const step *s)
{
    switch (s->r.kind) {
    case SHIM_WRITE:
        undo_write(t, s);
        break;
    case SHIM_CREATE:
        unlink(s->r.path);
        break;
    case SHIM_MKDIR:
        rmdir(s->r.path);
        break;
    case SHIM_UNLINK:
        link_grave(t, s->r.inode, s->r.path);
        break;
    default: /* SHIM_RENAME */
        unlink(s->r.target);
        if (s->r.other)
            link_grave(t, s->r.other, s->r.target);
        link_grave(t, s->r.inode, s->r.path);
        break;
    }
}

static long undo_all(const story *t, bool is_random)
{
    long undone = 0;
    size_t names = 0, newest;

    for (size_t i = 0; i < t->count; i++)
        names += is_name(&t->steps[i]);
    newest = is_random ? (size_t)rand() % (names + 1) : names;
    for (size_t i = t->count; i-- > 0;) {
        const step *s = &t->steps[i];

        if (is_name(s) ? !newest : is_random && rand() % 2)
            continue;
        newest -= is_name(s);
        undo_step(t, s);
        undone++;
    }
    return undone;
}

static void empty(const char *folder)
{
    char path[SHIM_PATH];
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%.200s/%.255s", folder, entry->d_name);
            unlink(path);
        }
    if (dir)
        closedir(dir);
}

long undo(const char *log, bool is_random)
{
    story t = {log, NULL, 0, 0};
    long undone;

    if (!read_story(&t))
        return 0; /* the process died before it had begun */
    undone = undo_all(&t, is_random);
    for (size_t i = 0; i < t.count; i++)
        free(t.steps[i].data);
    free(t.steps);
    empty(log);
    return undone;
}
