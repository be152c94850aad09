/* What the suites of key-value stores share: a store of each kind in a folder of its own, short
 * ways to use it, and a number that several count up. A test defines _GNU_SOURCE (nftw). */
#ifndef TEST_UNIT_KV_WORLD_H
#define TEST_UNIT_KV_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kv/internal.h"

/* ---- Stores for tests ---- */

typedef struct world {
    const char *kind;
    char folder[64];
    char name[128];
    kv *store;
} world;

static inline int remove_entry(const char *path, const struct stat *at, int type,
                               struct FTW *where)
{
    (void)at;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void remove_tree(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool is_on_disk(const world *w)
{
    return strcmp(w->kind, "memory") != 0;
}

static inline void world_open(world *w)
{
    beamr_error err = {0};

    if (kv_open(w->name, &w->store, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static inline void world_reopen(world *w)
{
    if (!is_on_disk(w))
        return;
    kv_close(w->store);
    world_open(w);
}

/* In memory if there is room: what counts is what the store asks for, not how fast a disk is.
 */
static inline const char *world_parent(void)
{
    struct statvfs room;

    return !access("/dev/shm", W_OK) && !statvfs("/dev/shm", &room) &&
                   (uint64_t)room.f_bavail * room.f_frsize >= (uint64_t)1 << 30
               ? "/dev/shm/"
               : "";
}

static inline int setup(void **state)
{
    static unsigned serial;
    const char *kind = (const char *)*state;
    world *w = (world *)calloc(1, sizeof *w);

    if (!w)
        return -1;
    w->kind = kind;
    snprintf(w->folder, sizeof w->folder, "%skv_test.%d.%u", world_parent(), (int)getpid(),
             serial++);
    if (is_on_disk(w))
        snprintf(w->name, sizeof w->name, "%s:%s", kind, w->folder);
    else
        snprintf(w->name, sizeof w->name, "%s", kind);
    world_open(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world *w = (world *)*state;

    kv_close(w->store);
    remove_tree(w->folder);
    free(w);
    return 0;
}

static inline beamr_bytes text(const char *chars)
{
    return beamr_bytes_of(chars);
}

#define NOTHING ((beamr_bytes){NULL, 0})

static inline void put(kv *store, const char *key, const char *value)
{
    beamr_error err = {0};

    if (kv_put(store, text(key), text(value), &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

typedef struct copy {
    char bytes[256];
    size_t len;
    unsigned count;
} copy;

static inline beamr_status copy_value(void *user, beamr_bytes value, beamr_error *err)
{
    copy *c = (copy *)user;

    (void)err;
    c->len = value.len;
    c->count++;
    memcpy(c->bytes, value.data, value.len < sizeof c->bytes ? value.len : sizeof c->bytes);
    return BEAMR_OK;
}

static inline void assert_value(kv *store, beamr_bytes key, beamr_bytes wanted)
{
    copy c = {{0}, 0, 0};

    assert_int_equal(kv_get(store, key, copy_value, &c, NULL), BEAMR_OK);
    assert_int_equal(c.len, wanted.len);
    assert_int_equal(c.count, 1);
    if (wanted.len)
        assert_memory_equal(c.bytes, wanted.data, wanted.len);
}

static inline void assert_absent(kv *store, const char *key)
{
    copy c = {{0}, 0, 0};

    assert_int_equal(kv_get(store, text(key), copy_value, &c, NULL), BEAMR_NOT_FOUND);
    assert_int_equal(c.count, 0);
    assert_false(kv_has(store, text(key)));
}

static inline kv_batch *batch_of(kv *store)
{
    kv_batch *batch;

    assert_int_equal(kv_batch_new(store, &batch, NULL), BEAMR_OK);
    return batch;
}

typedef struct seen {
    char text[4096];
    size_t count, stop;
} seen;

static inline bool see_key(void *user, beamr_bytes key)
{
    seen *s = (seen *)user;
    size_t used = strlen(s->text);

    assert_true(used + key.len + 2 < sizeof s->text);
    memcpy(s->text + used, key.data, key.len);
    memcpy(s->text + used + key.len, " ", 2);
    return ++s->count != s->stop;
}

static inline void assert_list(kv *store, const char *prefix, const char *after, size_t limit,
                               const char *wanted)
{
    seen s = {.count = 0};

    assert_int_equal(kv_list(store, text(prefix), text(after), limit, see_key, &s, NULL),
                     BEAMR_OK);
    assert_string_equal(s.text, wanted);
}

static inline void assert_count(kv *store, const char *log, uint64_t wanted)
{
    uint64_t count = 99;

    assert_int_equal(kv_log_count(store, text(log), &count, NULL), BEAMR_OK);
    assert_int_equal(count, wanted);
}

/* ---- Counting ---- */

#define THREADS 4
#define ROUNDS 15

/* Count up a number by compare and set, and append each time; in the same batch a key that
 * says who was it. */
static inline void *count_up(void *arg)
{
    kv *store = (kv *)arg;

    for (unsigned done = 0; done < ROUNDS;) {
        char old[16] = "", next[16];
        size_t len;
        kv_batch *batch;
        beamr_bytes was;
        beamr_status st;

        if (kv_read(store, text("n"), 0, old, sizeof old - 1, &len, NULL, NULL) != BEAMR_OK)
            return (void *)"read failed";
        old[len] = '\0';
        was = text(old);
        snprintf(next, sizeof next, "%d", atoi(old) + 1);
        if (kv_batch_new(store, &batch, NULL) != BEAMR_OK)
            return (void *)"no batch";
        kv_batch_expect(batch, text("n"), &was);
        kv_batch_put(batch, text("n"), text(next));
        kv_batch_append(batch, text("log"), UINT64_MAX, text(next));
        st = kv_batch_commit(batch, NULL, NULL);
        if (st != BEAMR_OK && st != BEAMR_CONFLICT)
            return (void *)"commit failed";
        done += st == BEAMR_OK;
    }
    return NULL;
}

static inline beamr_status see_number(void *user, uint64_t index, beamr_bytes entry,
                                      beamr_error *err)
{
    char number[16];

    (void)user;
    (void)err;
    snprintf(number, sizeof number, "%llu", (unsigned long long)index + 1);
    assert_int_equal(entry.len, strlen(number));
    assert_memory_equal(entry.data, number, entry.len);
    return BEAMR_OK;
}

static inline void assert_counted(kv *store, unsigned wanted)
{
    char number[16];

    snprintf(number, sizeof number, "%u", wanted);
    assert_value(store, text("n"), text(number));
    assert_count(store, "log", wanted);
    assert_int_equal(kv_log_read(store, text("log"), 0, UINT64_MAX, see_number, NULL, NULL),
                     BEAMR_OK);
}

#define LMDB_TEST(name) {"lmdb: " #name, name, setup, teardown, (void *)"lmdb"},
#define FILES_TEST(name) {"files: " #name, name, setup, teardown, (void *)"files"},
#define MEMORY_TEST(name) {"memory: " #name, name, setup, teardown, (void *)"memory"},

#endif
