/* What the files of the kind `lmdb` share. lmdb.c reads, lmdb_open.c opens and closes,
 * lmdb_write.c commits and makes the map grow.
 * Locks, in the order in which they may be taken: `writer`, `gate`; `queue_lock` alone.
 * Source: LMDB's lmdb.h. */
#ifndef KV_LMDB_H
#define KV_LMDB_H

#include <lmdb.h>
#include <pthread.h>
#include <sys/types.h>

#include "kv/internal.h"

#define LMDB_MAP_BYTES ((size_t)64 << 20) /* of a new store; grows */
#define LMDB_READERS 4096                 /* at once, in all processes */

/* A read transaction that is used again and again; reset, and so without a snapshot, while it
 * is idle. */
typedef struct lmdb_reader {
    MDB_txn *txn;
    struct lmdb_reader *next;
} lmdb_reader;

/* One for each folder and process: LMDB forbids to open it twice. */
typedef struct lmdb {
    kv base;
    struct lmdb *next; /* of those that are open */
    size_t open_count;
    dev_t device;
    ino_t inode;
    char *folder;
    MDB_env *env;
    MDB_dbi dbi;

    /* The map may be moved only while nobody reads. */
    pthread_mutex_t gate;
    pthread_cond_t gate_changed;
    size_t active;  /* readers within a transaction */
    bool is_shut;   /* no reader may begin */
    bool is_broken; /* the map is gone: memory for it was not to be had */
    lmdb_reader *idle;

    /* Held by whoever has the write transaction, or moves the map. */
    pthread_mutex_t writer;

    /* Batches that wait; one of their threads commits all of them. */
    pthread_mutex_t queue_lock;
    pthread_cond_t queue_changed;
    kv_batch *first, *last;
    bool has_leader;
} lmdb;

beamr_status lmdb_open(const char *folder, BEAMR_OWN kv **out, beamr_error *err);
void lmdb_close(kv *store);
beamr_status lmdb_commit(kv *store, kv_batch *batch, beamr_error *err);

/* A failure of LMDB, with what was being done. */
beamr_status lmdb_fail(const lmdb *l, int code, const char *doing, beamr_error *err);
/* Move to a map of `size` bytes; 0: as large as another process has made it. `writer` is held,
 * and there is no write transaction. Returns a code of LMDB. */
int lmdb_map_set(lmdb *l, size_t size);
/* Likewise of a reader: takes and gives back `writer`. */
int lmdb_map_adopt(lmdb *l);
/* Entries of a log, in any transaction. Returns a code of LMDB. */
int lmdb_count(const lmdb *l, MDB_txn *txn, beamr_bytes log, uint64_t *count);

static inline MDB_val lmdb_val(beamr_bytes bytes)
{
    return (MDB_val){bytes.len, bytes.data ? (void *)(uintptr_t)bytes.data : (void *)""};
}

static inline beamr_bytes lmdb_bytes(MDB_val value)
{
    return (beamr_bytes){(const uint8_t *)value.mv_data, value.mv_size};
}

#endif
