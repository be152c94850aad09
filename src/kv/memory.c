/* The kind `memory`: an ordered map in memory, for tests and for what need not last.
 * A skip list of full keys under a lock that readers share. What a batch puts is allocated
 * before anything is changed, so that it applies whole or not at all. */
#define _GNU_SOURCE /* which of those who wait comes first */
#include <pthread.h>

#include "kv/internal.h"

#define LEVEL_MAX 20 /* for a million keys; more only get slower */

typedef struct node node;

struct node {
    unsigned levels;
    beamr_bytes key, value; /* behind the links */
    node *next[];
};

typedef struct memory {
    kv base;
    pthread_rwlock_t lock;
    uint64_t seed;         /* of the levels */
    node *next[LEVEL_MAX]; /* the first node of each level */
} memory;

/* Readers that come one after the other must not keep out a writer. */
static int lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    int code;

    if (pthread_rwlockattr_init(&attributes))
        return -1;
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    code = pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return code;
}

static beamr_status memory_open(const char *folder, BEAMR_OWN kv **out, beamr_error *err)
{
    memory *m = (memory *)calloc(1, sizeof *m);

    (void)folder;
    if (!m || lock_init(&m->lock)) {
        free(m);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a store");
    }
    m->base.kind = &kv_memory;
    m->seed = 0x9e3779b97f4a7c15;
    *out = &m->base;
    return BEAMR_OK;
}

static void memory_close(kv *store)
{
    memory *m = (memory *)store;
    node *next;

    for (node *n = m->next[0]; n; n = next) {
        next = n->next[0];
        free(n);
    }
    pthread_rwlock_destroy(&m->lock);
    free(m);
}

/* ---- The list ---- */

/* The first node that is not before `key`. path  gets the link of each level that leads there,
 * and `last` the node before; each may be NULL */
static node *list_seek(memory *m, beamr_bytes key, node **path[LEVEL_MAX], node **last)
{
    node **links = m->next;
    node *before = NULL;

    for (unsigned level = LEVEL_MAX; level-- > 0;) {
        while (links[level] && kv_compare(links[level]->key, key) < 0) {
            before = links[level];
            links = before->next;
        }
        if (path)
            path[level] = &links[level];
    }
    if (last)
        *last = before;
    return links[0];
}

static node *list_find(memory *m, beamr_bytes key)
{
    node *n = list_seek(m, key, NULL, NULL);

    return n && !kv_compare(n->key, key) ? n : NULL;
}

static void list_remove(memory *m, beamr_bytes key)
{
    node **path[LEVEL_MAX];
    node *n = list_seek(m, key, path, NULL);

    if (!n || kv_compare(n->key, key))
        return;
    for (unsigned level = 0; level < n->levels; level++)
        *path[level] = n->next[level];
    free(n);
}

static void list_insert(memory *m, BEAMR_OWN node *n)
{
    node **path[LEVEL_MAX];

    list_remove(m, n->key);
    (void)list_seek(m, n->key, path, NULL);
    for (unsigned level = 0; level < n->levels; level++) {
        n->next[level] = *path[level];
        *path[level] = n;
    }
}

/* One node in four has another level. */
static unsigned random_levels(memory *m)
{
    unsigned levels = 1;
    uint64_t bits;

    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    for (bits = m->seed; levels < LEVEL_MAX && !(bits & 3); bits >>= 2)
        levels++;
    return levels;
}

static node *node_new(memory *m, beamr_bytes key, beamr_bytes value)
{
    unsigned levels = random_levels(m);
    size_t head = sizeof(node) + levels * sizeof(node *);
    node *n = (node *)malloc(head + key.len + value.len);
    uint8_t *bytes;

    if (!n)
        return NULL;
    bytes = (uint8_t *)n + head;
    n->levels = levels;
    memcpy(bytes, key.data, key.len);
    if (value.len)
        memcpy(bytes + key.len, value.data, value.len);
    n->key = (beamr_bytes){bytes, key.len};
    n->value = (beamr_bytes){bytes + key.len, value.len};
    return n;
}

/* ---- Reading ---- */

static beamr_status memory_get(kv *store, beamr_bytes key, kv_reader read, void *user,
                               beamr_error *err)
{
    memory *m = (memory *)store;
    beamr_status st = BEAMR_NOT_FOUND;
    kv_full full;
    node *n;

    kv_full_of_value(&full, key);
    pthread_rwlock_rdlock(&m->lock);
    n = list_find(m, kv_full_bytes(&full));
    if (n)
        st = read(user, n->value, err);
    pthread_rwlock_unlock(&m->lock);
    return st;
}

static beamr_status memory_list(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                                bool (*see)(void *user, beamr_bytes key), void *user,
                                beamr_error *err)
{
    memory *m = (memory *)store;
    kv_full first, wanted;

    (void)err;
    kv_full_of_value(&wanted, prefix);
    kv_full_of_value(&first, kv_compare(after, prefix) > 0 ? after : prefix);
    pthread_rwlock_rdlock(&m->lock);
    for (node *n = list_seek(m, kv_full_bytes(&first), NULL, NULL);
         n && limit && kv_begins_with(n->key, kv_full_bytes(&wanted)); n = n->next[0]) {
        beamr_bytes key = {n->key.data + 1, n->key.len - 1};

        if (after.len && !kv_compare(key, after))
            continue;
        if (!see(user, key))
            break;
        limit--;
    }
    pthread_rwlock_unlock(&m->lock);
    return BEAMR_OK;
}

/* The view of a batch; the lock is held. */
static beamr_status view_find(void *arg, beamr_bytes key, beamr_bytes *value, beamr_error *err)
{
    kv_full full;
    node *n;

    (void)err;
    kv_full_of_value(&full, key);
    n = list_find((memory *)arg, kv_full_bytes(&full));
    if (!n)
        return BEAMR_NOT_FOUND;
    *value = n->value;
    return BEAMR_OK;
}

static beamr_status view_count(void *arg, beamr_bytes log, uint64_t *count, beamr_error *err)
{
    kv_full end;
    node *last;

    (void)err;
    kv_full_of_entry(&end, log, UINT64_MAX);
    (void)list_seek((memory *)arg, kv_full_bytes(&end), NULL, &last);
    *count = last && kv_full_is_same_log(&end, last->key) ? kv_full_index(last->key) + 1 : 0;
    return BEAMR_OK;
}

static beamr_status memory_log_count(kv *store, beamr_bytes log, uint64_t *count,
                                     beamr_error *err)
{
    memory *m = (memory *)store;
    beamr_status st;

    pthread_rwlock_rdlock(&m->lock);
    st = view_count(m, log, count, err);
    pthread_rwlock_unlock(&m->lock);
    return st;
}

static beamr_status memory_log_read(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                                    beamr_status (*read)(void *user, uint64_t index,
                                                         beamr_bytes entry, beamr_error *err),
                                    void *user, beamr_error *err)
{
    memory *m = (memory *)store;
    beamr_status st = BEAMR_OK;
    kv_full first;

    kv_full_of_entry(&first, log, from);
    pthread_rwlock_rdlock(&m->lock);
    for (node *n = list_seek(m, kv_full_bytes(&first), NULL, NULL);
         st == BEAMR_OK && n && kv_full_is_same_log(&first, n->key) &&
         kv_full_index(n->key) < to;
         n = n->next[0])
        st = read(user, kv_full_index(n->key), n->value, err);
    pthread_rwlock_unlock(&m->lock);
    return st;
}

/* ---- Writing ---- */

/* The node of each change; NULL for what has none. */
static beamr_status batch_prepare(memory *m, kv_batch *batch, node **nodes, beamr_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const kv_op *op = &batch->ops[i];
        kv_full full;
        uint64_t count;

        if (op->kind == KV_OP_PUT)
            kv_full_of_value(&full, op->key);
        else if (op->kind == KV_OP_APPEND) {
            (void)view_count(m, op->key, &count, err);
            kv_full_of_entry(&full, op->key, count + op->prior);
            if (op->previous == SIZE_MAX)
                batch->first_index = count;
        } else
            continue;
        nodes[i] = node_new(m, kv_full_bytes(&full), op->value);
        if (!nodes[i])
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a value of %zu bytes",
                              op->value.len);
    }
    return BEAMR_OK;
}

static void batch_apply(memory *m, const kv_batch *batch, node **nodes)
{
    for (size_t i = 0; i < batch->count; i++) {
        kv_full full;

        if (nodes[i]) {
            list_insert(m, nodes[i]);
            nodes[i] = NULL;
        } else if (batch->ops[i].kind == KV_OP_DELETE) {
            kv_full_of_value(&full, batch->ops[i].key);
            list_remove(m, kv_full_bytes(&full));
        }
    }
}

static beamr_status memory_commit(kv *store, kv_batch *batch, beamr_error *err)
{
    memory *m = (memory *)store;
    kv_view view = {m, view_find, view_count};
    node **nodes = (node **)calloc(batch->count, sizeof *nodes);
    beamr_status st;

    if (!nodes)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a batch");
    pthread_rwlock_wrlock(&m->lock);
    st = kv_check(&view, batch, err);
    if (st == BEAMR_OK)
        st = batch_prepare(m, batch, nodes, err);
    if (st == BEAMR_OK)
        batch_apply(m, batch, nodes);
    pthread_rwlock_unlock(&m->lock);
    for (size_t i = 0; i < batch->count; i++)
        free(nodes[i]);
    free(nodes);
    return st;
}

const kv_kind kv_memory = {"memory",    memory_open,      memory_close,    memory_get,   NULL,
                           memory_list, memory_log_count, memory_log_read, memory_commit};
