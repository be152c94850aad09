/* What the kinds of stores share: how a batch is held, how keys and logs become one ordered map
 * of full keys, and what a kind has to offer. To add a kind, fill in a kv_kind and give it a
 * row in kv.c; test/unit/kv/kv_test.c then runs over it. */
#ifndef KV_INTERNAL_H
#define KV_INTERNAL_H

#include <stdlib.h>

#include "kv/kv.h"

/* ---- Full keys ---- */

/* A value stands under `v` and its key; an entry of a log under `l`, the length of the log's
 * name in two bytes, the name, and the index in eight bytes, all big endian. So the values are
 * in the order of their keys, and the entries of a log stand together, in order. */
#define KV_FULL_MAX (1 + 2 + KV_KEY_MAX + 8)
#define KV_FULL_VALUE 'v'
#define KV_FULL_LOG 'l'

typedef struct kv_full {
    size_t len;
    uint8_t bytes[KV_FULL_MAX];
} kv_full;

void kv_full_of_value(kv_full *full, beamr_bytes key);
void kv_full_of_entry(kv_full *full, beamr_bytes log, uint64_t index);
/* Both are entries of one log, whose index is in the last eight bytes. */
bool kv_full_is_same_log(const kv_full *entry, beamr_bytes other);
uint64_t kv_full_index(beamr_bytes entry);

static inline beamr_bytes kv_full_bytes(const kv_full *full)
{
    return (beamr_bytes){full->bytes, full->len};
}

/* Bytewise; a prefix comes first. */
int kv_compare(beamr_bytes a, beamr_bytes b);
bool kv_begins_with(beamr_bytes bytes, beamr_bytes prefix);

/* A key as text for messages, cut to fit. */
#define KV_TEXT_SIZE 96
const char *kv_text(beamr_bytes key, char buffer[KV_TEXT_SIZE]);

/* ---- Batches ---- */

typedef enum kv_op_kind { KV_OP_PUT, KV_OP_DELETE, KV_OP_APPEND, KV_OP_EXPECT } kv_op_kind;

typedef struct kv_op {
    kv_op_kind kind;
    bool is_absent;    /* EXPECT: there is no such key */
    beamr_bytes key;   /* or the log */
    beamr_bytes value; /* or the entry */
    uint64_t index;    /* APPEND: entries that the log must have; UINT64_MAX: any */
    uint64_t prior;    /* APPEND: entries of this log earlier in the batch */
    size_t previous;   /* APPEND: the append before, in any log; SIZE_MAX for none */
    void *owned;
} kv_op;

struct kv_batch {
    kv *store;
    kv_op *ops;
    size_t count, capacity;
    size_t change_count;  /* ops that are no expectations */
    size_t last_append;   /* SIZE_MAX for none */
    uint64_t first_index; /* of what was appended first; set by the kind */
    beamr_status status;  /* the first failure, or how the commit went */
    bool is_done;         /* for lmdb.c, which commits several at once */
    kv_batch *next;       /* likewise */
    beamr_error error;
};

/* What a batch is compared with: the state before it. */
typedef struct kv_view {
    void *arg;
    /* The value of a key, borrowed until the next call. BEAMR_NOT_FOUND needs no text. */
    beamr_status (*find)(void *arg, beamr_bytes key, beamr_bytes *value, beamr_error *err);
    /* How many entries a log has. */
    beamr_status (*count)(void *arg, beamr_bytes log, uint64_t *count, beamr_error *err);
} kv_view;

/* All expectations of a batch hold.  Errors: BEAMR_CONFLICT (which does not), those of the
 * view. */
beamr_status kv_check(const kv_view *view, const kv_batch *batch, beamr_error *err);

/* ---- Kinds ---- */

/* The functions are those of kv.h, with arguments that were checked.  */
typedef struct kv_kind {
    const char *name;
    beamr_status (*open)(const char *folder, BEAMR_OWN kv **out, beamr_error *err);
    void (*close)(kv *store);
    beamr_status (*get)(kv *store, beamr_bytes key, kv_reader read, void *user,
                        beamr_error *err);
    /* NULL: by way of get */
    beamr_status (*read)(kv *store, beamr_bytes key, uint64_t offset, void *buffer, size_t size,
                         size_t *len, uint64_t *total, beamr_error *err);
    beamr_status (*list)(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                         bool (*see)(void *user, beamr_bytes key), void *user,
                         beamr_error *err);
    beamr_status (*log_count)(kv *store, beamr_bytes log, uint64_t *count, beamr_error *err);
    beamr_status (*log_read)(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                             beamr_status (*read)(void *user, uint64_t index, beamr_bytes entry,
                                                  beamr_error *err),
                             void *user, beamr_error *err);
    /* Does not free the batch. */
    beamr_status (*commit)(kv *store, kv_batch *batch, beamr_error *err);
} kv_kind;

/* Each kind's store begins with it. */
struct kv {
    const kv_kind *kind;
};

extern const kv_kind kv_memory; /* memory.c */
extern const kv_kind kv_lmdb;   /* lmdb.c */
extern const kv_kind kv_files;  /* files.c */

/* Make a folder if it is not there, and see to it that its name survives a crash.
 * Errors: BEAMR_IO. */
beamr_status kv_folder_make(const char *folder, beamr_error *err);
/* Write a folder's names to the disk. */
beamr_status kv_folder_sync(const char *folder, beamr_error *err);

#endif
