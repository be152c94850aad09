/* The kind `files`: committing a batch, and finishing one that another process began.
 * Values are written and synced under `new/`; that is where a full disk is noticed. A single
 * change is then one rename, or one unlink. Several are first written down in the journal,
 * whose appearance decides that the batch is applied; whoever finds a journal does what it
 * says. To do it again does no harm: each key has one change at most, and a file that has been
 * renamed already is not under `new/` any more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/files.h"

/* What becomes of one file. */
typedef struct change {
    bool is_put;
    uint32_t number; /* under new/ */
    kv_full full;
    beamr_bytes value;
} change;

typedef struct plan {
    change *changes;
    size_t count;
} plan;

#define NEW_PATH_SIZE 24

static void new_path(const change *c, char path[NEW_PATH_SIZE])
{
    (void)snprintf(path, NEW_PATH_SIZE, "new/%u", (unsigned)c->number);
}

/* ---- Planning ---- */

/* By key, and for equal ones in the order of the batch. */
static int compare_changes(const void *left, const void *right)
{
    const change *a = (const change *)left, *b = (const change *)right;
    int order = kv_compare(kv_full_bytes(&a->full), kv_full_bytes(&b->full));

    return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* Keep the last change of each key. */
static void plan_reduce(plan *p)
{
    size_t kept = 0;

    if (p->count)
        qsort(p->changes, p->count, sizeof *p->changes, compare_changes);
    for (size_t i = 0; i < p->count; i++)
        if (i + 1 == p->count || kv_compare(kv_full_bytes(&p->changes[i].full),
                                            kv_full_bytes(&p->changes[i + 1].full)))
            p->changes[kept++] = p->changes[i];
    p->count = kept;
}

static beamr_status plan_make(const files *f, kv_batch *batch, plan *p, beamr_error *err)
{
    p->count = 0;
    p->changes = (change *)calloc(batch->change_count + 1, sizeof *p->changes);
    if (!p->changes || batch->change_count > UINT32_MAX)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a batch of %zu changes",
                          batch->change_count);
    for (size_t i = 0; i < batch->count; i++) {
        const kv_op *op = &batch->ops[i];
        change *c = &p->changes[p->count];

        if (op->kind == KV_OP_EXPECT)
            continue;
        c->is_put = op->kind != KV_OP_DELETE;
        c->number = (uint32_t)p->count++;
        c->value = op->value;
        if (op->kind == KV_OP_APPEND) {
            uint64_t count = files_count(f, op->key);

            kv_full_of_entry(&c->full, op->key, count + op->prior);
            if (op->previous == SIZE_MAX)
                batch->first_index = count;
        } else
            kv_full_of_value(&c->full, op->key);
    }
    plan_reduce(p);
    return BEAMR_OK;
}

/* ---- Folders of files ---- */

/* Sync the folder of a path and all above it, up to the store's own. `path` is changed. */
static int sync_above(const files *f, char *path)
{
    char *slash;

    while ((slash = strrchr(path, '/'))) {
        int fd, code = 0;

        *slash = '\0';
        fd = openat(f->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue; /* of what was to be removed, and never was */
        if (fd < 0 || fsync(fd))
            code = errno;
        if (fd >= 0)
            close(fd);
        if (code)
            return code;
    }
    return 0;
}

/* Both are in one folder. */
static bool is_same_folder(const char *a, const char *b)
{
    size_t len = (size_t)(strrchr(a, '/') - a);

    return (size_t)(strrchr(b, '/') - b) == len && !memcmp(a, b, len);
}

/* Sync where the plan has changed names; and the names of values in any case, as one who was
 * killed may have left some unsynced, which were found and so not put again. */
static int plan_sync(const files *f, const plan *p)
{
    char last[FILES_PATH_SIZE] = "/", path[FILES_PATH_SIZE], values[] = "v/", logs[] = "l/";
    bool has_values = false;
    int code = 0;

    for (size_t i = 0; i < p->count && !code; i++) {
        files_path(kv_full_bytes(&p->changes[i].full), path);
        has_values |= path[0] == KV_FULL_VALUE;
        if (is_same_folder(path, last))
            continue;
        memcpy(last, path, sizeof last);
        code = sync_above(f, path);
    }
    if (!code && !has_values)
        code = sync_above(f, values);
    if (!code && !p->count)
        code = sync_above(f, logs);
    return code;
}

/* A change that one rename or unlink makes. In a folder below it is better made by way of the
 * journal: if its maker is killed before the sync, plan_sync of another would not see to it. */
static bool is_simple(const plan *p)
{
    char path[FILES_PATH_SIZE];

    if (p->count != 1)
        return p->count == 0;
    files_path(kv_full_bytes(&p->changes[0].full), path);
    return strrchr(path, '/') == path + 1;
}

/* The folders that lead to a path: only keys that are long have some. */
static int make_above(const files *f, char *path)
{
    for (char *slash = strchr(path + 2, '/'); slash; slash = strchr(slash + 1, '/')) {
        int code = 0;

        *slash = '\0';
        if (mkdirat(f->root, path, 0700) && errno != EEXIST)
            code = errno;
        *slash = '/';
        if (code)
            return code;
    }
    return 0;
}

/* ---- Applying ---- */

static int change_apply(const files *f, const change *c)
{
    char path[FILES_PATH_SIZE], from[NEW_PATH_SIZE];

    files_path(kv_full_bytes(&c->full), path);
    if (!c->is_put)
        return unlinkat(f->root, path, 0) && errno != ENOENT && errno != ENOTDIR ? errno : 0;
    new_path(c, from);
    if (!renameat(f->root, from, f->root, path))
        return 0;
    if (errno != ENOENT)
        return errno;
    return faccessat(f->root, path, F_OK, 0) ? errno : 0; /* done already */
}

static int plan_apply(const files *f, const plan *p)
{
    int code = 0;

    for (size_t i = 0; i < p->count && !code; i++)
        code = change_apply(f, &p->changes[i]);
    return code ? code : plan_sync(f, p);
}

/* The journal goes before anything else may happen: one that came back would undo that. */
static int journal_remove(const files *f)
{
    return unlinkat(f->root, "journal", 0) || fsync(f->root) ? errno : 0;
}

/* ---- The journal ---- */

/* For each change: `p` or `d`, its number (4 bytes), the length of its full key (2), the key.
 */
#define RECORD_SIZE 7

static beamr_status journal_text(const plan *p, uint8_t **out, size_t *len, beamr_error *err)
{
    uint8_t *at = (uint8_t *)malloc(p->count * (RECORD_SIZE + KV_FULL_MAX));

    if (!at)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a batch of %zu changes",
                          p->count);
    *out = at;
    for (size_t i = 0; i < p->count; i++) {
        const change *c = &p->changes[i];

        *at++ = c->is_put ? 'p' : 'd';
        for (int shift = 24; shift >= 0; shift -= 8)
            *at++ = (uint8_t)(c->number >> shift);
        *at++ = (uint8_t)(c->full.len >> 8);
        *at++ = (uint8_t)c->full.len;
        memcpy(at, c->full.bytes, c->full.len);
        at += c->full.len;
    }
    *len = (size_t)(at - *out);
    return BEAMR_OK;
}

/* One record; false if there is none like this. */
static bool journal_record(beamr_bytes *text, change *c)
{
    const uint8_t *at = text->data;
    size_t len;

    if (text->len < RECORD_SIZE || (at[0] != 'p' && at[0] != 'd'))
        return false;
    c->is_put = at[0] == 'p';
    c->number = (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4];
    len = (size_t)at[5] << 8 | at[6];
    if (len < 2 || len > KV_FULL_MAX || len > text->len - RECORD_SIZE ||
        (at[RECORD_SIZE] != KV_FULL_VALUE && at[RECORD_SIZE] != KV_FULL_LOG))
        return false;
    c->full.len = len;
    memcpy(c->full.bytes, at + RECORD_SIZE, len);
    text->data += RECORD_SIZE + len;
    text->len -= RECORD_SIZE + len;
    return true;
}

static beamr_status journal_plan(const files *f, beamr_bytes text, plan *p, beamr_error *err)
{
    size_t most = text.len / RECORD_SIZE;

    p->count = 0;
    p->changes = (change *)calloc(most + 1, sizeof *p->changes);
    if (!p->changes)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a journal of %zu bytes",
                          text.len);
    while (text.len)
        if (!journal_record(&text, &p->changes[p->count++]))
            return beamr_fail(err, BEAMR_MESSAGE, 0, "store %.300s: file journal is damaged",
                              f->folder);
    return BEAMR_OK;
}

beamr_status files_recover(const files *f, beamr_error *err)
{
    plan p = {NULL, 0};
    uint8_t *text;
    size_t len;
    int fd, code;
    beamr_status st = files_open_file(f, "journal", &fd, &len, err);

    if (st == BEAMR_NOT_FOUND)
        return BEAMR_OK;
    if (st != BEAMR_OK || (st = files_load_file(f, "journal", fd, len, &text, err)) != BEAMR_OK)
        return st;
    st = journal_plan(f, (beamr_bytes){text, len}, &p, err);
    /* Whoever left it may not have come to sync its name. */
    if (st == BEAMR_OK && ((code = fsync(f->root) ? errno : 0) || (code = plan_apply(f, &p)) ||
                           (code = journal_remove(f))))
        st = files_fail(f, code, "cannot finish", "journal", err);
    free(p.changes);
    free(text);
    return st;
}

/* ---- Committing ---- */

static beamr_status plan_write(const files *f, const plan *p, beamr_error *err)
{
    char path[FILES_PATH_SIZE], name[NEW_PATH_SIZE];
    int code = 0;

    for (size_t i = 0; i < p->count; i++) {
        const change *c = &p->changes[i];

        if (!c->is_put)
            continue;
        files_path(kv_full_bytes(&c->full), path);
        new_path(c, name);
        if ((code = make_above(f, path)) || (code = files_write_file(f, name, c->value)))
            return files_fail(f, code, "cannot write", name, err);
    }
    return BEAMR_OK;
}

/* What was written for nothing. */
static void plan_drop(const files *f, const plan *p)
{
    char name[NEW_PATH_SIZE];

    for (size_t i = 0; i < p->count; i++) {
        new_path(&p->changes[i], name);
        if (p->changes[i].is_put)
            unlinkat(f->root, name, 0);
    }
}

/* Decide that the plan is carried out. */
static beamr_status journal_write(const files *f, const plan *p, beamr_error *err)
{
    char name[] = "new/";
    uint8_t *text = NULL;
    size_t len = 0;
    int code;
    beamr_status st = journal_text(p, &text, &len, err);

    if (st != BEAMR_OK)
        return st;
    if (!(code = plan_sync(f, p)) && !(code = sync_above(f, name)) &&
        !(code = files_write_file(f, "journal.new", (beamr_bytes){text, len})) &&
        renameat(f->root, "journal.new", f->root, "journal"))
        code = errno;
    free(text);
    if (!code && fsync(f->root)) {
        code = errno;
        unlinkat(f->root, "journal", 0);
    }
    return code ? files_fail(f, code, "cannot write", "journal", err) : BEAMR_OK;
}

static beamr_status plan_commit(const files *f, const plan *p, beamr_error *err)
{
    bool has_journal = !is_simple(p);
    beamr_status st = plan_write(f, p, err);
    int code;

    if (st == BEAMR_OK && has_journal)
        st = journal_write(f, p, err);
    else if (st == BEAMR_OK && (code = plan_apply(f, p)))
        st = files_fail(f, code, "cannot write", "a value", err);
    if (st != BEAMR_OK) {
        plan_drop(f, p);
        return st;
    }
    /* It is decided now. What fails here is done by whoever locks next, before anything else.
     */
    if (has_journal && !plan_apply(f, p))
        (void)journal_remove(f);
    return BEAMR_OK;
}

/* The view of a batch; the lock is held. */
typedef struct view {
    const files *f;
    uint8_t *value; /* the last one that was asked for */
} view;

static beamr_status view_find(void *arg, beamr_bytes key, beamr_bytes *value, beamr_error *err)
{
    view *v = (view *)arg;
    char path[FILES_PATH_SIZE];
    kv_full full;
    size_t len;
    int fd;
    beamr_status st;

    free(v->value);
    v->value = NULL;
    kv_full_of_value(&full, key);
    files_path(kv_full_bytes(&full), path);
    if ((st = files_open_file(v->f, path, &fd, &len, err)) != BEAMR_OK ||
        (st = files_load_file(v->f, path, fd, len, &v->value, err)) != BEAMR_OK)
        return st;
    *value = (beamr_bytes){v->value, len};
    return BEAMR_OK;
}

static beamr_status view_count(void *arg, beamr_bytes log, uint64_t *count, beamr_error *err)
{
    (void)err;
    *count = files_count(((view *)arg)->f, log);
    return BEAMR_OK;
}

beamr_status files_commit(kv *store, kv_batch *batch, beamr_error *err)
{
    const files *f = (const files *)store;
    view v = {f, NULL};
    kv_view before = {&v, view_find, view_count};
    plan p = {NULL, 0};
    int lock;
    beamr_status st = files_lock(f, true, &lock, err);

    if (st != BEAMR_OK)
        return st;
    st = kv_check(&before, batch, err);
    if (st == BEAMR_OK)
        st = plan_make(f, batch, &p, err);
    if (st == BEAMR_OK)
        st = plan_commit(f, &p, err);
    close(lock);
    free(p.changes);
    free(v.value);
    return st;
}
