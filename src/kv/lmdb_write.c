/* The kind `lmdb`: committing batches, and a map that grows.
 * Threads that commit at the same time share one transaction and so one sync: whoever finds no
 * leader becomes it, and commits all batches that wait. An expectation that fails leaves out
 * its own batch alone; when the whole transaction fails, each batch is tried by itself. */
#include "kv/lmdb.h"

#include <errno.h>
#include <sys/mman.h>

/* ---- The map ---- */

static void gate_shut(lmdb *l)
{
    pthread_mutex_lock(&l->gate);
    l->is_shut = true;
    while (l->active)
        pthread_cond_wait(&l->gate_changed, &l->gate);
    pthread_mutex_unlock(&l->gate);
}

static void gate_open(lmdb *l, bool is_broken)
{
    pthread_mutex_lock(&l->gate);
    l->is_shut = false;
    l->is_broken = is_broken;
    pthread_cond_broadcast(&l->gate_changed);
    pthread_mutex_unlock(&l->gate);
}

/* There is so much address space: LMDB gives up the old map before it asks for the new one. */
static bool has_room(size_t size)
{
    void *probe =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (probe == MAP_FAILED)
        return false;
    munmap(probe, size);
    return true;
}

int lmdb_map_set(lmdb *l, size_t size)
{
    MDB_envinfo info;
    int code;

    if (size && !has_room(size))
        return ENOMEM;
    gate_shut(l);
    mdb_env_info(l->env, &info);
    code = mdb_env_set_mapsize(l->env, size);
    gate_open(l, code && mdb_env_set_mapsize(l->env, info.me_mapsize));
    return code;
}

int lmdb_map_adopt(lmdb *l)
{
    int code;

    pthread_mutex_lock(&l->writer);
    code = lmdb_map_set(l, 0);
    pthread_mutex_unlock(&l->writer);
    return code;
}

/* Twice as large, and with room for what is to be written; if that much address space is not to
 * be had, only with room. */
static int map_grow(lmdb *l, const kv_batch *group)
{
    MDB_envinfo info;
    size_t needed = LMDB_MAP_BYTES / 4, size;
    int dead;

    for (const kv_batch *b = group; b; b = b->next)
        for (size_t i = 0; i < b->count; i++)
            if (__builtin_add_overflow(needed, b->ops[i].value.len + 8192, &needed))
                return ENOMEM;
    (void)mdb_reader_check(l->env, &dead); /* old snapshots hold pages back */
    mdb_env_info(l->env, &info);
    if (!__builtin_mul_overflow(info.me_mapsize, 2, &size) &&
        size - info.me_mapsize >= needed && !lmdb_map_set(l, size))
        return 0;
    if (__builtin_add_overflow(info.me_mapsize, needed, &size))
        return ENOMEM;
    return lmdb_map_set(l, (size + 0xfffff) & ~(size_t)0xfffff);
}

/* ---- One batch in a transaction ---- */

typedef struct view {
    lmdb *l;
    MDB_txn *txn;
    int code; /* the last failure of LMDB */
} view;

static beamr_status view_find(void *arg, beamr_bytes key, beamr_bytes *value, beamr_error *err)
{
    view *v = (view *)arg;
    kv_full full;
    MDB_val at, found;
    int code;

    kv_full_of_value(&full, key);
    at = lmdb_val(kv_full_bytes(&full));
    code = mdb_get(v->txn, v->l->dbi, &at, &found);
    if (code == MDB_NOTFOUND)
        return BEAMR_NOT_FOUND;
    if (code) {
        v->code = code;
        return lmdb_fail(v->l, code, "cannot read", err);
    }
    *value = lmdb_bytes(found);
    return BEAMR_OK;
}

static beamr_status view_count(void *arg, beamr_bytes log, uint64_t *count, beamr_error *err)
{
    view *v = (view *)arg;
    int code = lmdb_count(v->l, v->txn, log, count);

    if (!code)
        return BEAMR_OK;
    v->code = code;
    return lmdb_fail(v->l, code, "cannot read", err);
}

static int op_put(view *v, const kv_full *full, beamr_bytes bytes)
{
    MDB_val at = lmdb_val(kv_full_bytes(full));
    MDB_val value = lmdb_val(bytes);

    return mdb_put(v->txn, v->l->dbi, &at, &value, 0);
}

static int op_append(view *v, kv_batch *batch, const kv_op *op)
{
    kv_full full;
    uint64_t count;
    int code = lmdb_count(v->l, v->txn, op->key, &count);

    if (code)
        return code;
    if (op->previous == SIZE_MAX)
        batch->first_index = count;
    kv_full_of_entry(&full, op->key, count);
    return op_put(v, &full, op->value);
}

static int op_delete(view *v, const kv_op *op)
{
    kv_full full;
    MDB_val at;
    int code;

    kv_full_of_value(&full, op->key);
    at = lmdb_val(kv_full_bytes(&full));
    code = mdb_del(v->txn, v->l->dbi, &at, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* Returns a code of LMDB, after which the transaction is lost. What concerns the batch alone is
 * its status. */
static int batch_apply(view *v, kv_batch *batch)
{
    kv_view before = {v, view_find, view_count};

    beamr_error_clear(&batch->error);
    batch->status = kv_check(&before, batch, &batch->error);
    if (batch->status != BEAMR_OK)
        return v->code;
    for (size_t i = 0; i < batch->count; i++) {
        const kv_op *op = &batch->ops[i];
        kv_full full;
        int code = 0;

        if (op->kind == KV_OP_PUT) {
            kv_full_of_value(&full, op->key);
            code = op_put(v, &full, op->value);
        } else if (op->kind == KV_OP_APPEND)
            code = op_append(v, batch, op);
        else if (op->kind == KV_OP_DELETE)
            code = op_delete(v, op);
        if (code)
            return code;
    }
    return 0;
}

/* ---- Several batches in a transaction ---- */

/* Returns a code of LMDB; 0: each batch has its status. */
static int group_write(lmdb *l, kv_batch *group)
{
    view v = {l, NULL, 0};
    size_t changes = 0;
    int code = mdb_txn_begin(l->env, NULL, 0, &v.txn);

    if (code)
        return code;
    for (kv_batch *b = group; b && !code; b = b->next) {
        code = batch_apply(&v, b);
        if (b->status == BEAMR_OK)
            changes += b->change_count;
    }
    if (!code && changes)
        return mdb_txn_commit(v.txn);
    mdb_txn_abort(v.txn);
    return code;
}

/* Likewise, with a map that is large enough. */
static int group_fit(lmdb *l, kv_batch *group)
{
    int code;

    pthread_mutex_lock(&l->writer);
    do {
        if (l->is_broken) /* changes only while `writer` is held */
            code = ENOMEM;
        else
            code = group_write(l, group);
        if (code == MDB_MAP_RESIZED)
            code = lmdb_map_set(l, 0) ? ENOMEM : MDB_MAP_RESIZED;
        else if (code == MDB_MAP_FULL)
            code = map_grow(l, group) ? ENOMEM : MDB_MAP_FULL;
    } while (code == MDB_MAP_RESIZED || code == MDB_MAP_FULL);
    pthread_mutex_unlock(&l->writer);
    return code;
}

static void group_commit(lmdb *l, kv_batch *group)
{
    int code = group_fit(l, group);

    if (!code)
        return;
    if (group->next) {
        for (kv_batch *b = group, *next; b; b = next) {
            next = b->next;
            b->next = NULL;
            group_commit(l, b);
            b->next = next;
        }
        return;
    }
    beamr_error_clear(&group->error);
    group->status = lmdb_fail(l, code, "cannot write", &group->error);
}

/* ---- The queue ---- */

static void queue_add(lmdb *l, kv_batch *batch)
{
    batch->next = NULL;
    if (l->first)
        l->last->next = batch;
    else
        l->first = batch;
    l->last = batch;
}

/* Commit all that wait; queue_lock is held, but not meanwhile. */
static void queue_lead(lmdb *l)
{
    kv_batch *group = l->first;

    l->first = NULL;
    l->has_leader = true;
    pthread_mutex_unlock(&l->queue_lock);
    group_commit(l, group);
    pthread_mutex_lock(&l->queue_lock);
    for (kv_batch *b = group; b; b = b->next)
        b->is_done = true;
    l->has_leader = false;
    pthread_cond_broadcast(&l->queue_changed);
}

beamr_status lmdb_commit(kv *store, kv_batch *batch, beamr_error *err)
{
    lmdb *l = (lmdb *)store;

    pthread_mutex_lock(&l->queue_lock);
    queue_add(l, batch);
    while (!batch->is_done) {
        if (!l->has_leader)
            queue_lead(l);
        else
            pthread_cond_wait(&l->queue_changed, &l->queue_lock);
    }
    pthread_mutex_unlock(&l->queue_lock);
    if (batch->status == BEAMR_OK)
        return BEAMR_OK;
    return beamr_fail(err, batch->status, 0, "%s", batch->error.text);
}
