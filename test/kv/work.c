/* See work.h. */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD beamr_bytes_of("head")
#define LOG beamr_bytes_of("log")
#define VALUE_MAX 70000

static uint64_t mix(uint64_t n)
{
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

/* A batch of one change. WORK_KEPT is so many times five, so that it has no keys to delete. */
static bool is_single(int64_t n)
{
    return n % 5 == 3;
}

/* Entries of the log before batch `n`, and the batch of an entry. */
static uint64_t entries_before(int64_t n)
{
    return (uint64_t)(n - (n + 1) / 5);
}

static int64_t batch_of_entry(uint64_t index)
{
    return (int64_t)(index / 4 * 5 + index % 4 + (index % 4 == 3));
}

static unsigned key_count(int64_t n)
{
    if (is_single(n))
        return 0;
    return (unsigned)(mix((uint64_t)n) % 4 + 1);
}

/* Some keys are so long that the kind `files` needs folders for them. */
static beamr_bytes key_of(int64_t n, unsigned i, char buffer[128])
{
    int len = snprintf(buffer, 128, "key/%lld/%u", (long long)n, i);

    if (i == 2)
        len += snprintf(buffer + len, (size_t)(128 - len), "/%070d", 0);
    return (beamr_bytes){(uint8_t *)buffer, (size_t)len};
}

static beamr_bytes value_of(int64_t n, unsigned i, uint8_t *buffer)
{
    uint64_t seed = mix((uint64_t)n * 8 + i);
    size_t len = seed % 10 == 0 ? seed % VALUE_MAX : seed % 3000;

    for (size_t at = 0; at < len; at++) {
        if (at % 8 == 0)
            seed = mix(seed + 1);
        buffer[at] = (uint8_t)(seed >> at % 8 * 8);
    }
    return (beamr_bytes){buffer, len};
}

int64_t work_head(kv *store)
{
    char text[32];
    size_t len;
    beamr_status st = kv_read(store, HEAD, 0, text, sizeof text - 1, &len, NULL, NULL);

    if (st == BEAMR_NOT_FOUND)
        return 0;
    if (st != BEAMR_OK)
        return -1;
    text[len] = '\0';
    return atoll(text);
}

beamr_status work_batch(kv *store, int64_t n, beamr_error *err)
{
    static uint8_t value[VALUE_MAX];
    char old[32], next[32], key[128];
    beamr_bytes was = {(uint8_t *)old, (size_t)snprintf(old, sizeof old, "%lld", (long long)n)};
    kv_batch *batch;
    beamr_status st = kv_batch_new(store, &batch, err);

    if (st != BEAMR_OK)
        return st;
    snprintf(next, sizeof next, "%lld", (long long)n + 1);
    kv_batch_expect(batch, HEAD, n ? &was : NULL);
    kv_batch_put(batch, HEAD, beamr_bytes_of(next));
    for (unsigned i = 0; i < key_count(n); i++)
        kv_batch_put(batch, key_of(n, i, key), value_of(n, i, value));
    for (unsigned i = 0; n >= WORK_KEPT && i < key_count(n - WORK_KEPT); i++)
        kv_batch_delete(batch, key_of(n - WORK_KEPT, i, key));
    if (!is_single(n))
        kv_batch_append(batch, LOG, entries_before(n), value_of(n, 7, value));
    return kv_batch_commit(batch, NULL, err);
}

/* ---- Checking ---- */

typedef struct check {
    int64_t n, count;
    unsigned i;
    bool is_right;
} check;

static beamr_status see_value(void *user, beamr_bytes value, beamr_error *err)
{
    static uint8_t buffer[VALUE_MAX];
    check *c = (check *)user;
    beamr_bytes wanted = value_of(c->n, c->i, buffer);

    (void)err;
    c->is_right =
        value.len == wanted.len && (!value.len || !memcmp(value.data, wanted.data, value.len));
    return BEAMR_OK;
}

static beamr_status see_entry(void *user, uint64_t index, beamr_bytes entry, beamr_error *err)
{
    check *c = (check *)user;

    c->n = batch_of_entry(index);
    c->i = 7;
    see_value(c, entry, err);
    c->count++;
    return c->is_right ? BEAMR_OK : BEAMR_MESSAGE;
}

static bool see_key(void *user, beamr_bytes key)
{
    (void)key;
    ++*(uint64_t *)user;
    return true;
}

static bool check_keys(kv *store, int64_t count)
{
    uint64_t wanted = count > 0, found = 0;
    char key[128];

    for (int64_t n = count > WORK_KEPT ? count - WORK_KEPT : 0; n < count; n++)
        for (unsigned i = 0; i < key_count(n); i++) {
            check c = {n, 0, i, false};
            beamr_error err = {0};

            wanted++;
            if (kv_get(store, key_of(n, i, key), see_value, &c, &err) != BEAMR_OK ||
                !c.is_right) {
                printf("key %u of batch %lld is wrong: %s\n", i, (long long)n, err.text);
                return false;
            }
        }
    if (kv_list(store, (beamr_bytes){NULL, 0}, (beamr_bytes){NULL, 0}, SIZE_MAX, see_key,
                &found, NULL) == BEAMR_OK &&
        found == wanted)
        return true;
    printf("there are %llu keys, not %llu\n", (unsigned long long)found,
           (unsigned long long)wanted);
    return false;
}

static bool check_log(kv *store, int64_t count)
{
    uint64_t entries = 0, wanted = entries_before(count);
    uint64_t from = wanted > 200 ? wanted - 200 : 0;
    check c = {0, (int64_t)from, 0, false};
    beamr_error err = {0};

    if (kv_log_count(store, LOG, &entries, &err) == BEAMR_OK && entries == wanted &&
        kv_log_read(store, LOG, from, UINT64_MAX, see_entry, &c, &err) == BEAMR_OK &&
        c.count == (int64_t)wanted)
        return true;
    printf("the log has %llu entries, the last right one is %lld: %s\n",
           (unsigned long long)entries, (long long)c.n, err.text);
    return false;
}

bool work_check(kv *store, int64_t count)
{
    return check_keys(store, count) && check_log(store, count);
}
