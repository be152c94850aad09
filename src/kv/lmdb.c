/* The kind `lmdb`: reading.
 * A read takes an idle read transaction, renews it, and resets it afterwards. The value that it
 * shows is in the map of the file, so the map must not move meanwhile: readers are counted, and
 * whoever moves it waits until there is none. */
#include "kv/lmdb.h"

#include <errno.h>

/* ---- Failures ---- */

beamr_status lmdb_fail(const lmdb *l, int code, const char *doing, beamr_error *err)
{
    beamr_status status = BEAMR_IO;
    const char *hint = "";

    if (code == ENOMEM)
        status = BEAMR_NO_MEMORY;
    else if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
             code == MDB_VERSION_MISMATCH || code == MDB_INCOMPATIBLE)
        status = BEAMR_MESSAGE;
    else if (code == EIO)
        hint = " (or the disk is full)";
    else if (code == MDB_PANIC)
        hint = "; close the store and open it again";
    return beamr_fail(err, status, 0, "store %.200s: %s: %s%s", l->folder, doing,
                      mdb_strerror(code), hint);
}

/* ---- Readers ---- */

static void reader_free(lmdb_reader *r)
{
    if (r)
        mdb_txn_abort(r->txn);
    free(r);
}

static int reader_new(lmdb *l, lmdb_reader **out)
{
    lmdb_reader *r = (lmdb_reader *)malloc(sizeof *r);
    int code;

    if (!r)
        return ENOMEM;
    code = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &r->txn);
    if (code)
        free(r);
    else
        *out = r;
    return code;
}

/* Pass the gate, with an idle reader if there is one; false if the map is gone. */
static bool gate_enter(lmdb *l, lmdb_reader **out)
{
    bool is_fine;

    pthread_mutex_lock(&l->gate);
    while (l->is_shut)
        pthread_cond_wait(&l->gate_changed, &l->gate);
    is_fine = !l->is_broken;
    if (is_fine) {
        l->active++;
        *out = l->idle;
        if (l->idle)
            l->idle = l->idle->next;
    }
    pthread_mutex_unlock(&l->gate);
    return is_fine;
}

static void gate_leave(lmdb *l, lmdb_reader *r)
{
    pthread_mutex_lock(&l->gate);
    if (r) {
        r->next = l->idle;
        l->idle = r;
    }
    if (!--l->active && l->is_shut)
        pthread_cond_broadcast(&l->gate_changed);
    pthread_mutex_unlock(&l->gate);
}

/* A process that died may hold what is missing. */
static bool readers_were_stale(lmdb *l)
{
    int dead = 0;

    return !mdb_reader_check(l->env, &dead) && dead > 0;
}

static beamr_status reader_begin(lmdb *l, lmdb_reader **out, beamr_error *err)
{
    for (;;) {
        lmdb_reader *r = NULL;
        int code;

        if (!gate_enter(l, &r))
            return lmdb_fail(l, ENOMEM, "cannot map its file", err);
        code = r ? mdb_txn_renew(r->txn) : reader_new(l, &r);
        if (!code) {
            *out = r;
            return BEAMR_OK;
        }
        reader_free(r);
        gate_leave(l, NULL);
        if (code == MDB_MAP_RESIZED)
            code = lmdb_map_adopt(l);
        else if (code == MDB_READERS_FULL && readers_were_stale(l))
            code = 0;
        if (code)
            return lmdb_fail(l, code, "cannot read", err);
    }
}

static void reader_end(lmdb *l, lmdb_reader *r)
{
    mdb_txn_reset(r->txn);
    gate_leave(l, r);
}

/* ---- Reading ---- */

static beamr_status lmdb_get(kv *store, beamr_bytes key, kv_reader read, void *user,
                             beamr_error *err)
{
    lmdb *l = (lmdb *)store;
    lmdb_reader *r;
    kv_full full;
    MDB_val at, value;
    beamr_status st = reader_begin(l, &r, err);
    int code;

    if (st != BEAMR_OK)
        return st;
    kv_full_of_value(&full, key);
    at = lmdb_val(kv_full_bytes(&full));
    code = mdb_get(r->txn, l->dbi, &at, &value);
    if (!code)
        st = read(user, lmdb_bytes(value), err);
    else if (code == MDB_NOTFOUND)
        st = BEAMR_NOT_FOUND;
    else
        st = lmdb_fail(l, code, "cannot read", err);
    reader_end(l, r);
    return st;
}

/* Begin a transaction with a cursor at the first key that is not before `full`.
 *   code  what the cursor says */
static beamr_status cursor_begin(lmdb *l, const kv_full *full, lmdb_reader **r,
                                 MDB_cursor **cursor, MDB_val *key, MDB_val *value, int *code,
                                 beamr_error *err)
{
    beamr_status st = reader_begin(l, r, err);

    if (st != BEAMR_OK)
        return st;
    *code = mdb_cursor_open((*r)->txn, l->dbi, cursor);
    if (*code) {
        reader_end(l, *r);
        return lmdb_fail(l, *code, "cannot read", err);
    }
    *key = lmdb_val(kv_full_bytes(full));
    *code = mdb_cursor_get(*cursor, key, value, MDB_SET_RANGE);
    return BEAMR_OK;
}

static beamr_status cursor_end(lmdb *l, lmdb_reader *r, MDB_cursor *cursor, int code,
                               beamr_status st, beamr_error *err)
{
    if (st == BEAMR_OK && code && code != MDB_NOTFOUND)
        st = lmdb_fail(l, code, "cannot read", err);
    mdb_cursor_close(cursor);
    reader_end(l, r);
    return st;
}

static beamr_status lmdb_list(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                              bool (*see)(void *user, beamr_bytes key), void *user,
                              beamr_error *err)
{
    lmdb *l = (lmdb *)store;
    lmdb_reader *r;
    MDB_cursor *cursor;
    MDB_val at, value;
    kv_full first, wanted;
    beamr_status st;
    int code;

    kv_full_of_value(&wanted, prefix);
    kv_full_of_value(&first, kv_compare(after, prefix) > 0 ? after : prefix);
    if ((st = cursor_begin(l, &first, &r, &cursor, &at, &value, &code, err)) != BEAMR_OK)
        return st;
    for (; !code && limit && kv_begins_with(lmdb_bytes(at), kv_full_bytes(&wanted));
         code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT)) {
        beamr_bytes key = {(const uint8_t *)at.mv_data + 1, at.mv_size - 1};

        if (after.len && !kv_compare(key, after))
            continue;
        if (!see(user, key))
            break;
        limit--;
    }
    return cursor_end(l, r, cursor, code, BEAMR_OK, err);
}

/* ---- Logs ---- */

int lmdb_count(const lmdb *l, MDB_txn *txn, beamr_bytes log, uint64_t *count)
{
    MDB_cursor *cursor;
    kv_full end;
    MDB_val at, value;
    int code = mdb_cursor_open(txn, l->dbi, &cursor);

    if (code)
        return code;
    kv_full_of_entry(&end, log, UINT64_MAX);
    at = lmdb_val(kv_full_bytes(&end));
    code = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
    if (!code)
        code = mdb_cursor_get(cursor, &at, &value, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(cursor, &at, &value, MDB_LAST);
    *count = 0;
    if (!code && kv_full_is_same_log(&end, lmdb_bytes(at)))
        *count = kv_full_index(lmdb_bytes(at)) + 1;
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static beamr_status lmdb_log_count(kv *store, beamr_bytes log, uint64_t *count,
                                   beamr_error *err)
{
    lmdb *l = (lmdb *)store;
    lmdb_reader *r;
    beamr_status st = reader_begin(l, &r, err);
    int code;

    if (st != BEAMR_OK)
        return st;
    code = lmdb_count(l, r->txn, log, count);
    reader_end(l, r);
    return code ? lmdb_fail(l, code, "cannot read", err) : BEAMR_OK;
}

static beamr_status lmdb_log_read(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                                  beamr_status (*read)(void *user, uint64_t index,
                                                       beamr_bytes entry, beamr_error *err),
                                  void *user, beamr_error *err)
{
    lmdb *l = (lmdb *)store;
    lmdb_reader *r;
    MDB_cursor *cursor;
    MDB_val at, value;
    kv_full first;
    beamr_status st;
    int code;

    kv_full_of_entry(&first, log, from);
    if ((st = cursor_begin(l, &first, &r, &cursor, &at, &value, &code, err)) != BEAMR_OK)
        return st;
    while (st == BEAMR_OK && !code && kv_full_is_same_log(&first, lmdb_bytes(at)) &&
           kv_full_index(lmdb_bytes(at)) < to) {
        st = read(user, kv_full_index(lmdb_bytes(at)), lmdb_bytes(value), err);
        code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT);
    }
    return cursor_end(l, r, cursor, code, st, err);
}

const kv_kind kv_lmdb = {"lmdb",    lmdb_open,      lmdb_close,    lmdb_get,   NULL,
                         lmdb_list, lmdb_log_count, lmdb_log_read, lmdb_commit};
