/* The kind `lmdb`: opening and closing a folder.
 * A folder that is open already is shared. What is opened is checked as far as can be done
 * quickly: that it is a store of ours, and that its file is not cut off. LMDB itself trusts the
 * pages that it finds. */
#include "kv/lmdb.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_KEY "f"
#define MARK_VALUE "beamr kv 1"
#define PAGE_HEADER                                                                            \
    16 /* bytes before the data of a large value; its page number comes first                  \
        */

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static lmdb *open_stores; /* under open_lock */

/* ---- A file that is too short ---- */

/* What a large value says of itself: it begins behind a page header with its page number, which
 * nothing else can do, and ends within the file. */
static bool value_is_whole(MDB_val value, size_t page_size, uint64_t file_size)
{
    uintptr_t at = (uintptr_t)value.mv_data;
    size_t page;

    if (at % page_size != PAGE_HEADER)
        return true;
    memcpy(&page, (const uint8_t *)value.mv_data - PAGE_HEADER, sizeof page);
    return page && page < file_size / page_size + 1 &&
           (uint64_t)page * page_size + PAGE_HEADER + value.mv_size <= file_size;
}

static int check_all(MDB_txn *txn, MDB_dbi dbi, size_t page_size, uint64_t file_size)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, dbi, &cursor);

    if (code)
        return code;
    while (!(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
        if (!value_is_whole(value, page_size, file_size)) {
            code = MDB_CORRUPTED;
            break;
        }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* The file can end before the last page that LMDB counts, when pages at its end were taken and
 * given back in one transaction. Or somebody has cut it off: then to read there would be a
 * SIGBUS. So it is made as long as LMDB believes it is, and looked through; if that fails, it
 * is cut off again, so that the next one to open it finds the same. Within a write transaction,
 * so that nobody else writes. */
static int check_length(lmdb *l, MDB_txn *txn)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    uint64_t wanted;
    int fd, code;

    mdb_env_info(l->env, &info);
    mdb_env_stat(l->env, &stat);
    if (mdb_env_get_fd(l->env, &fd) || fstat(fd, &file))
        return errno;
    wanted = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    if ((uint64_t)file.st_size >= wanted)
        return 0;
    if (ftruncate(fd, (off_t)wanted))
        return errno;
    code = check_all(txn, l->dbi, stat.ms_psize, (uint64_t)file.st_size);
    return code && ftruncate(fd, file.st_size) ? errno : code;
}

/* ---- Opening ---- */

/* The mark of our format, which an empty database gets. */
static int check_mark(lmdb *l, MDB_txn *txn, bool *is_written)
{
    MDB_val key = lmdb_val(beamr_bytes_of(MARK_KEY));
    MDB_val mark = lmdb_val(beamr_bytes_of(MARK_VALUE));
    MDB_val found;
    MDB_stat stat;
    int code = mdb_get(txn, l->dbi, &key, &found);

    if (!code)
        return kv_compare(lmdb_bytes(found), lmdb_bytes(mark)) ? MDB_VERSION_MISMATCH : 0;
    if (code != MDB_NOTFOUND)
        return code;
    if ((code = mdb_stat(txn, l->dbi, &stat)))
        return code;
    if (stat.ms_entries)
        return MDB_INCOMPATIBLE;
    *is_written = true;
    return mdb_put(txn, l->dbi, &key, &mark, 0);
}

static int check_store(lmdb *l)
{
    MDB_txn *txn;
    bool is_written = false;
    int code;

    while ((code = mdb_txn_begin(l->env, NULL, 0, &txn)) == MDB_MAP_RESIZED)
        if ((code = mdb_env_set_mapsize(l->env, 0)))
            return code;
    if (code)
        return code;
    if (!(code = mdb_dbi_open(txn, NULL, 0, &l->dbi)) && !(code = check_length(l, txn)))
        code = check_mark(l, txn, &is_written);
    if (!code && is_written)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* The file exists and says itself how large its map is. */
static bool has_data(const char *folder)
{
    char path[4096];
    struct stat file;

    return snprintf(path, sizeof path, "%s/data.mdb", folder) < (int)sizeof path &&
           !stat(path, &file) && file.st_size > 0;
}

static beamr_status env_open(lmdb *l, beamr_error *err)
{
    int code = mdb_env_create(&l->env);
    int dead;

    if (!code)
        code = mdb_env_set_maxreaders(l->env, LMDB_READERS);
    if (!code && !has_data(l->folder))
        code = mdb_env_set_mapsize(l->env, LMDB_MAP_BYTES);
    if (!code)
        code = mdb_env_open(l->env, l->folder, MDB_NOTLS, 0600);
    if (code)
        return lmdb_fail(l, code, "cannot open", err);
    (void)mdb_reader_check(l->env, &dead); /* of processes that died */
    code = check_store(l);
    if (code == MDB_INCOMPATIBLE || code == MDB_VERSION_MISMATCH)
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "store %.300s: the folder holds an LMDB database of something else",
                          l->folder);
    if (code)
        return lmdb_fail(l, code, "cannot open", err);
    return kv_folder_sync(l->folder, err);
}

static void store_free(lmdb *l)
{
    lmdb_reader *next;

    for (lmdb_reader *r = l->idle; r; r = next) {
        next = r->next;
        mdb_txn_abort(r->txn);
        free(r);
    }
    if (l->env)
        mdb_env_close(l->env);
    pthread_mutex_destroy(&l->gate);
    pthread_cond_destroy(&l->gate_changed);
    pthread_mutex_destroy(&l->writer);
    pthread_mutex_destroy(&l->queue_lock);
    pthread_cond_destroy(&l->queue_changed);
    free(l->folder);
    free(l);
}

static beamr_status store_new(const char *folder, const struct stat *at, lmdb **out,
                              beamr_error *err)
{
    lmdb *l = (lmdb *)calloc(1, sizeof *l);
    beamr_status st;

    if (!l || !(l->folder = strdup(folder))) {
        free(l);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to open store %.300s", folder);
    }
    l->base.kind = &kv_lmdb;
    l->open_count = 1;
    l->device = at->st_dev;
    l->inode = at->st_ino;
    pthread_mutex_init(&l->gate, NULL); /* none of these fails on Linux */
    pthread_cond_init(&l->gate_changed, NULL);
    pthread_mutex_init(&l->writer, NULL);
    pthread_mutex_init(&l->queue_lock, NULL);
    pthread_cond_init(&l->queue_changed, NULL);
    if ((st = env_open(l, err)) != BEAMR_OK)
        store_free(l);
    else
        *out = l;
    return st;
}

/* ---- The list of what is open ---- */

static lmdb *find_open(const struct stat *at)
{
    for (lmdb *l = open_stores; l; l = l->next)
        if (l->device == at->st_dev && l->inode == at->st_ino)
            return l;
    return NULL;
}

beamr_status lmdb_open(const char *folder, BEAMR_OWN kv **out, beamr_error *err)
{
    struct stat at;
    lmdb *l;
    beamr_status st;

    if ((st = kv_folder_make(folder, err)) != BEAMR_OK)
        return st;
    if (stat(folder, &at))
        return beamr_fail(err, BEAMR_IO, 0, "store %.300s: %s", folder, strerror(errno));
    pthread_mutex_lock(&open_lock);
    l = find_open(&at);
    if (l)
        l->open_count++;
    else if ((st = store_new(folder, &at, &l, err)) == BEAMR_OK) {
        l->next = open_stores;
        open_stores = l;
    }
    pthread_mutex_unlock(&open_lock);
    if (st == BEAMR_OK)
        *out = &l->base;
    return st;
}

void lmdb_close(kv *store)
{
    lmdb *l = (lmdb *)store;

    pthread_mutex_lock(&open_lock);
    if (!--l->open_count) {
        lmdb **link = &open_stores;

        while (*link != l)
            link = &(*link)->next;
        *link = l->next;
        store_free(l);
    }
    pthread_mutex_unlock(&open_lock);
}
