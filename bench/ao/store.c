/* Rows of stores: the three kinds, and LMDB without anything around it. */
#include "ao.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/kv.h"

enum { KEYS = 64 }; /* keys that are written and read in turn */

struct stores {
    char folder[64];
    kv *kv[STORES];
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *reader;
};

static size_t len_of(int which)
{
    return which % SIZES == LARGE ? LARGE_VALUE : SMALL_VALUE;
}

size_t store_len(const bench *b, const bench_row *row)
{
    (void)b;
    return len_of(row->which);
}

static beamr_bytes key_of(char buffer[32], int which, uint64_t i)
{
    (void)snprintf(buffer, 32, "key-%d-%u", which % SIZES, (unsigned)(i % KEYS));
    return beamr_bytes_of(buffer);
}

static void raw_check(int code)
{
    need(code == 0, mdb_strerror(code));
}

static void raw_put(bench *b, int which, uint64_t i)
{
    char buffer[32];
    beamr_bytes text = key_of(buffer, which, i);
    MDB_val key = {text.len, (void *)text.data}, value = {len_of(which), b->bytes};
    MDB_txn *txn;

    raw_check(mdb_txn_begin(b->stores->env, NULL, 0, &txn));
    raw_check(mdb_put(txn, b->stores->dbi, &key, &value, 0));
    raw_check(mdb_txn_commit(txn));
}

static void raw_open(stores *s)
{
    char folder[96];
    MDB_txn *txn;

    (void)snprintf(folder, sizeof folder, "%s/raw", s->folder);
    need(mkdir(folder, 0700) == 0, folder);
    raw_check(mdb_env_create(&s->env));
    raw_check(mdb_env_set_mapsize(s->env, (size_t)1 << 30));
    raw_check(mdb_env_open(s->env, folder, MDB_NOTLS, 0600));
    raw_check(mdb_txn_begin(s->env, NULL, 0, &txn));
    raw_check(mdb_dbi_open(txn, NULL, 0, &s->dbi));
    raw_check(mdb_txn_commit(txn));
    raw_check(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->reader));
    mdb_txn_reset(s->reader);
}

/* In the temporary folder, or the one that TMPDIR names: of a disk, if writing is to be
 * measured. */
void stores_open(bench *b)
{
    static const char *const kinds[STORES] = {"lmdb:", "files:", "memory"};
    const char *parent = getenv("TMPDIR");
    stores *s = calloc(1, sizeof *s);
    beamr_error err = {0};

    need(s != NULL, "no memory");
    b->stores = s;
    (void)snprintf(s->folder, sizeof s->folder, "%.40s/bench-ao-XXXXXX",
                   parent ? parent : "/tmp");
    need(mkdtemp(s->folder) != NULL, s->folder);
    for (int i = 0; i < STORES; i++) {
        char name[128];

        (void)snprintf(name, sizeof name, "%s%s%s%s", kinds[i],
                       i == STORE_MEMORY ? "" : s->folder, i == STORE_MEMORY ? "" : "/",
                       i == STORE_LMDB    ? "lmdb"
                       : i == STORE_FILES ? "files"
                                          : "");
        check(kv_open(name, &s->kv[i], &err), &err);
    }
    raw_open(s);
    for (int size = 0; size < SIZES; size++) {
        for (uint64_t i = 0; i < (size == LARGE ? 4 : KEYS); i++) {
            char buffer[32];

            raw_put(b, size, i);
            for (int k = 0; k < STORES; k++)
                check(kv_put(s->kv[k], key_of(buffer, size, i),
                             (beamr_bytes){b->bytes, len_of(size)}, &err),
                      &err);
        }
    }
}

void stores_close(bench *b)
{
    stores *s = b->stores;
    char command[128];

    for (int i = 0; i < STORES; i++)
        kv_close(s->kv[i]);
    mdb_txn_abort(s->reader);
    mdb_env_close(s->env);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    (void)!system(command); /* NOLINT: a folder that this made */
    free(s);
}

double run_raw_put(bench *b, const bench_row *row, uint64_t n)
{
    double begin = wall_ns();

    for (uint64_t i = 0; i < n; i++)
        raw_put(b, row->which, row->which % SIZES == LARGE ? i % 4 : i);
    return wall_ns() - begin;
}

double run_put(bench *b, const bench_row *row, uint64_t n)
{
    beamr_error err = {0};
    double begin = wall_ns();

    for (uint64_t i = 0; i < n; i++) {
        char buffer[32];
        uint64_t at = row->which % SIZES == LARGE ? i % 4 : i;

        check(kv_put(b->stores->kv[row->which / SIZES], key_of(buffer, row->which, at),
                     (beamr_bytes){b->bytes, len_of(row->which)}, &err),
              &err);
    }
    return wall_ns() - begin;
}

/* Reading copies the value out, as whoever keeps it must. */
double run_raw_get(bench *b, const bench_row *row, uint64_t n)
{
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        char buffer[32];
        beamr_bytes text = key_of(buffer, row->which, row->which % SIZES == LARGE ? i % 4 : i);
        MDB_val key = {text.len, (void *)text.data}, value;

        raw_check(mdb_txn_renew(b->stores->reader));
        raw_check(mdb_get(b->stores->reader, b->stores->dbi, &key, &value));
        memcpy(b->copy, value.mv_data, value.mv_size);
        mdb_txn_reset(b->stores->reader);
    }
    return processor_ns() - begin;
}

static beamr_status copy(void *user, beamr_bytes value, beamr_error *err)
{
    (void)err;
    memcpy(user, value.data, value.len);
    return BEAMR_OK;
}

double run_get(bench *b, const bench_row *row, uint64_t n)
{
    beamr_error err = {0};
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        char buffer[32];

        check(kv_get(b->stores->kv[row->which / SIZES],
                     key_of(buffer, row->which, row->which % SIZES == LARGE ? i % 4 : i), copy,
                     b->copy, &err),
              &err);
    }
    return processor_ns() - begin;
}
