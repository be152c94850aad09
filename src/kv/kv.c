/* Key-value stores: opening by name, the checks that all kinds share, and building batches.
 * What a kind does is in memory.c, lmdb.c and files.c; how a batch is compared with what is
 * there, in check.c. */
#include "kv/kv.h"

#include "kv/internal.h"

static const kv_kind *const kinds[] = {&kv_lmdb, &kv_files, &kv_memory};

/* ---- Opening ---- */

beamr_status kv_open(const char *name, BEAMR_OWN kv **out, beamr_error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const kv_kind *kind = kinds[i];
        size_t len = strlen(kind->name);

        if (strncmp(name, kind->name, len))
            continue;
        if (kind == &kv_memory) {
            if (!name[len])
                return kind->open("", out, err);
        } else if (name[len] == ':' && name[len + 1])
            return kind->open(name + len + 1, out, err);
    }
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "store `%.200s`: must be `lmdb:FOLDER`, `files:FOLDER` or `memory`",
                      name);
}

void kv_close(kv *store)
{
    if (store)
        store->kind->close(store);
}

/* ---- Reading ---- */

static beamr_status check_key(beamr_bytes key, beamr_error *err)
{
    if (key.len && key.len <= KV_KEY_MAX)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "key of %zu bytes: must be 1 to %d", key.len,
                      KV_KEY_MAX);
}

beamr_status kv_get(kv *store, beamr_bytes key, kv_reader read, void *user, beamr_error *err)
{
    beamr_status st;

    if ((st = check_key(key, err)) != BEAMR_OK)
        return st;
    st = store->kind->get(store, key, read, user, err);
    if (st == BEAMR_NOT_FOUND && err) {
        char text[KV_TEXT_SIZE];

        return beamr_fail(err, st, 0, "key `%s` is not there", kv_text(key, text));
    }
    return st;
}

typedef struct part {
    uint64_t offset, total;
    void *buffer;
    size_t size, len;
} part;

static beamr_status read_part(void *user, beamr_bytes value, beamr_error *err)
{
    part *p = (part *)user;

    (void)err;
    p->total = value.len;
    if (p->offset >= value.len)
        return BEAMR_OK;
    p->len = value.len - (size_t)p->offset;
    if (p->len > p->size)
        p->len = p->size;
    if (p->len)
        memcpy(p->buffer, value.data + p->offset, p->len);
    return BEAMR_OK;
}

beamr_status kv_read(kv *store, beamr_bytes key, uint64_t offset, void *buffer, size_t size,
                     size_t *len, uint64_t *total, beamr_error *err)
{
    part p = {offset, 0, buffer, size, 0};
    beamr_status st;

    if ((st = check_key(key, err)) != BEAMR_OK)
        return st;
    if (!store->kind->read)
        st = kv_get(store, key, read_part, &p, err);
    else
        st = store->kind->read(store, key, offset, buffer, size, &p.len, &p.total, err);
    if (st != BEAMR_OK)
        return st;
    *len = p.len;
    if (total)
        *total = p.total;
    return BEAMR_OK;
}

bool kv_has(kv *store, beamr_bytes key)
{
    size_t len;

    return kv_read(store, key, 0, NULL, 0, &len, NULL, NULL) == BEAMR_OK;
}

beamr_status kv_list(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                     bool (*see)(void *user, beamr_bytes key), void *user, beamr_error *err)
{
    if (!limit || prefix.len > KV_KEY_MAX)
        return BEAMR_OK;
    /* What is longer than any key stands just before the next text of KV_KEY_MAX bytes. */
    if (after.len > KV_KEY_MAX)
        after.len = KV_KEY_MAX;
    return store->kind->list(store, prefix, after, limit, see, user, err);
}

beamr_status kv_log_count(kv *store, beamr_bytes log, uint64_t *count, beamr_error *err)
{
    beamr_status st = check_key(log, err);

    return st != BEAMR_OK ? st : store->kind->log_count(store, log, count, err);
}

beamr_status kv_log_read(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                         beamr_status (*read)(void *user, uint64_t index, beamr_bytes entry,
                                              beamr_error *err),
                         void *user, beamr_error *err)
{
    beamr_status st = check_key(log, err);

    if (st != BEAMR_OK || from >= to)
        return st;
    return store->kind->log_read(store, log, from, to, read, user, err);
}

/* ---- Batches ---- */

beamr_status kv_batch_new(kv *store, BEAMR_OWN kv_batch **out, beamr_error *err)
{
    kv_batch *batch = (kv_batch *)malloc(sizeof *batch);

    if (!batch)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a batch");
    batch->store = store;
    batch->ops = NULL;
    batch->count = batch->capacity = batch->change_count = 0;
    batch->last_append = SIZE_MAX;
    batch->first_index = 0;
    batch->status = BEAMR_OK;
    batch->is_done = false;
    batch->next = NULL;
    beamr_error_clear(&batch->error);
    *out = batch;
    return BEAMR_OK;
}

static beamr_status check_op(const kv_op *op, beamr_error *err)
{
    char text[KV_TEXT_SIZE];
    beamr_status st = check_key(op->key, err);

    if (st != BEAMR_OK || op->value.len <= KV_VALUE_MAX || op->kind == KV_OP_EXPECT)
        return st;
    return beamr_fail(err, BEAMR_LIMIT, 0,
                      "value of `%s` has %zu bytes, more than the limit of %zu",
                      kv_text(op->key, text), op->value.len, KV_VALUE_MAX);
}

/* Copy the key, and the value unless it is borrowed. */
static bool op_own(kv_op *op, bool is_borrowed)
{
    size_t copied = is_borrowed ? 0 : op->value.len;
    uint8_t *owned = (uint8_t *)malloc(op->key.len + copied);

    if (!owned)
        return false;
    memcpy(owned, op->key.data, op->key.len);
    op->key.data = owned;
    if (copied) {
        memcpy(owned + op->key.len, op->value.data, copied);
        op->value.data = owned + op->key.len;
    }
    op->owned = owned;
    return true;
}

static bool batch_has_room(kv_batch *batch)
{
    size_t capacity = batch->capacity ? batch->capacity * 2 : 8;
    kv_op *ops;

    if (batch->count < batch->capacity)
        return true;
    ops = (kv_op *)realloc(batch->ops, capacity * sizeof *ops);
    if (!ops)
        return false;
    batch->ops = ops;
    batch->capacity = capacity;
    return true;
}

static void batch_add(kv_batch *batch, kv_op op, bool is_borrowed)
{
    if (batch->status != BEAMR_OK || (batch->status = check_op(&op, &batch->error)) != BEAMR_OK)
        return;
    if (!batch_has_room(batch) || !op_own(&op, is_borrowed)) {
        batch->status = beamr_fail(&batch->error, BEAMR_NO_MEMORY, 0,
                                   "no memory for a value of %zu bytes", op.value.len);
        return;
    }
    if (op.kind == KV_OP_APPEND)
        batch->last_append = batch->count;
    if (op.kind != KV_OP_EXPECT)
        batch->change_count++;
    batch->ops[batch->count++] = op;
}

void kv_batch_put(kv_batch *batch, beamr_bytes key, beamr_bytes value)
{
    batch_add(batch, (kv_op){.kind = KV_OP_PUT, .key = key, .value = value}, false);
}

void kv_batch_put_borrowed(kv_batch *batch, beamr_bytes key, beamr_bytes value)
{
    batch_add(batch, (kv_op){.kind = KV_OP_PUT, .key = key, .value = value}, true);
}

void kv_batch_delete(kv_batch *batch, beamr_bytes key)
{
    batch_add(batch, (kv_op){.kind = KV_OP_DELETE, .key = key}, false);
}

/* How many entries of this log the batch has. Usually it appends to one log, whose last entry
 * is the last one appended. */
static uint64_t batch_prior(const kv_batch *batch, beamr_bytes log)
{
    for (size_t i = batch->last_append; i != SIZE_MAX; i = batch->ops[i].previous)
        if (!kv_compare(batch->ops[i].key, log))
            return batch->ops[i].prior + 1;
    return 0;
}

void kv_batch_append(kv_batch *batch, beamr_bytes log, uint64_t index, beamr_bytes entry)
{
    kv_op op = {.kind = KV_OP_APPEND, .key = log, .value = entry, .index = index};

    op.prior = batch_prior(batch, log);
    op.previous = batch->last_append;
    batch_add(batch, op, false);
}

void kv_batch_expect(kv_batch *batch, beamr_bytes key, const beamr_bytes *value)
{
    kv_op op = {.kind = KV_OP_EXPECT, .key = key, .is_absent = !value};

    if (value)
        op.value = *value;
    batch_add(batch, op, false);
}

beamr_status kv_batch_commit(BEAMR_OWN kv_batch *batch, uint64_t *first_index, beamr_error *err)
{
    beamr_status st = batch->status;

    if (st != BEAMR_OK)
        st = beamr_fail(err, st, 0, "%s", batch->error.text);
    else
        st = batch->store->kind->commit(batch->store, batch, err);
    if (st == BEAMR_OK && first_index)
        *first_index = batch->first_index;
    kv_batch_free(batch);
    return st;
}

void kv_batch_free(kv_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->ops[i].owned);
    free(batch->ops);
    free(batch);
}

beamr_status kv_put(kv *store, beamr_bytes key, beamr_bytes value, beamr_error *err)
{
    kv_batch *batch;
    beamr_status st;

    if ((st = kv_batch_new(store, &batch, err)) != BEAMR_OK)
        return st;
    kv_batch_put_borrowed(batch, key, value);
    return kv_batch_commit(batch, NULL, err);
}
