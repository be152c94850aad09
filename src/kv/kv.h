/* Key-value stores: bytes under keys. What AO calls a store.
 * Three kinds: LMDB (a folder, the default), plain files, and memory for tests. Keys are 1 to
 * KV_KEY_MAX bytes, ordered bytewise, a shorter one before those that begin with it; values are
 * up to KV_VALUE_MAX bytes. A batch is applied whole or not at all, and readers see it whole or
 * not at all; once kv_batch_commit has returned BEAMR_OK, it survives a crash of the process
 * and of the machine (in memory: neither). A log is a list of entries under a key that only
 * grows: a scheduler's assignments. Keys and logs of the same name have nothing to do with each
 * other.
 * Threads: a store can be used by any number of threads; one folder also by several processes.
 * A batch belongs to one thread. A child of fork() must not use a store of its parent's, nor
 * close it; it opens its own after exec.
 * Read next: docs/internals/kv.md. */
#ifndef KV_KV_H
#define KV_KV_H

#include "beamr/error.h"

#define KV_KEY_MAX 400
#define KV_VALUE_MAX ((size_t)0x7fff0000) /* what Linux takes in one write, less a header */

typedef struct kv kv;
typedef struct kv_batch kv_batch;

/* Open a store by name: "memory", "lmdb:FOLDER", "files:FOLDER". A folder is made if its parent
 * exists. One folder may be opened several times, each to be closed; "memory" is a new, empty
 * store each time.
 * Errors: BEAMR_ARGUMENT (another name), BEAMR_IO (which folder, why), BEAMR_MESSAGE (something
 * else in the folder, or a damaged store), BEAMR_NO_MEMORY. */
beamr_status kv_open(const char *name, BEAMR_OWN kv **out, beamr_error *err);
void kv_close(kv *store); /* nobody uses it any more; accepts NULL */

/* ---- Reading ---- */

/* Sees the bytes of a value, borrowed during the call; it must not use the store. Its status is
 * passed on. */
typedef beamr_status (*kv_reader)(void *user, beamr_bytes value, beamr_error *err);

/* Show the value of a key to `read`, without copying it where the store can.
 * Errors: BEAMR_NOT_FOUND (cheap when `err` is NULL: no text is made), BEAMR_ARGUMENT (the key
 * is too long, or empty), BEAMR_IO, BEAMR_MESSAGE (damaged), BEAMR_NO_MEMORY, those of `read`.
 * A writer may have to wait until `read` returns. */
beamr_status kv_get(kv *store, beamr_bytes key, kv_reader read, void *user, beamr_error *err);
/* Copy a part of a value.
 *   offset, buffer, size  at most `size` bytes from `offset` on
 *   len     gets how many were copied; 0 beyond the end
 *   total   gets the length of the value; may be NULL */
beamr_status kv_read(kv *store, beamr_bytes key, uint64_t offset, void *buffer, size_t size,
                     size_t *len, uint64_t *total, beamr_error *err);
bool kv_has(kv *store, beamr_bytes key); /* false also when it cannot be read */

/* Go through the keys that begin with `prefix`, in bytewise order.
 *   after  begin behind this key; empty for the first one
 *   limit  of keys
 *   see    gets each key, borrowed; false ends the list. It must not use the store.
 * Errors: BEAMR_IO, BEAMR_NO_MEMORY. */
beamr_status kv_list(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                     bool (*see)(void *user, beamr_bytes key), void *user, beamr_error *err);

/* ---- Logs ---- */

/* Entries of a log, from 0 on; 0 for one that does not exist. */
beamr_status kv_log_count(kv *store, beamr_bytes log, uint64_t *count, beamr_error *err);
/* Show the entries `from` up to and without `to` to `read`, in order, with their index.
 * What does not exist is left out. `read` must not use the store; its status is passed on. */
beamr_status kv_log_read(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                         beamr_status (*read)(void *user, uint64_t index, beamr_bytes entry,
                                              beamr_error *err),
                         void *user, beamr_error *err);

/* ---- Writing ---- */

/* Begin a batch. What is given to it is copied. The first failure is kept and reported by
 * kv_batch_commit. */
beamr_status kv_batch_new(kv *store, BEAMR_OWN kv_batch **out, beamr_error *err);
void kv_batch_put(kv_batch *batch, beamr_bytes key, beamr_bytes value);
/* Likewise, of bytes that live until the batch is committed or freed. */
void kv_batch_put_borrowed(kv_batch *batch, beamr_bytes key, beamr_bytes value);
void kv_batch_delete(kv_batch *batch, beamr_bytes key); /* also one that is not there */
/* Append to a log.
 *   index  the batch applies only if the log has so many entries, with those that the batch
 *          itself has appended before; UINT64_MAX: any */
void kv_batch_append(kv_batch *batch, beamr_bytes log, uint64_t index, beamr_bytes entry);
/* The batch applies only if the key has this value before it; NULL: only if there is no such
 * key. To swap a value: expect the old one, put the new one. */
void kv_batch_expect(kv_batch *batch, beamr_bytes key, const beamr_bytes *value);
/* Apply all of it, durably, or nothing, and free the batch in any case.
 *   first_index  index of the first entry appended; may be NULL
 * What the caller has seen in the store before survives a crash, too, even if the batch changes
 * nothing: a process that was killed may have left it only in memory.
 * After a failure nothing of it is there, except after BEAMR_IO from a disk that fails: then a
 * later look decides.
 * Errors: BEAMR_CONFLICT (an expectation is not met), BEAMR_ARGUMENT (a key too long, or
 * empty), BEAMR_LIMIT (a value too large), BEAMR_IO (a full disk, ...), BEAMR_NO_MEMORY. */
beamr_status kv_batch_commit(BEAMR_OWN kv_batch *batch, uint64_t *first_index,
                             beamr_error *err);
void kv_batch_free(kv_batch *batch); /* gives it up; accepts NULL */

/* One value, in a batch of its own. */
beamr_status kv_put(kv *store, beamr_bytes key, beamr_bytes value, beamr_error *err);

#endif
