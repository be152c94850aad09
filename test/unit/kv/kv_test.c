/* What a store promises, over all kinds: one suite, run for LMDB, files and memory. What only
 * a store on the disk can show is in kv_disk_test.c. */
#define _GNU_SOURCE /* world.h */
#include "world.h"

/* ---- Values ---- */

static void what_was_put_is_found(void **state)
{
    world *w = (world *)*state;

    assert_absent(w->store, "a");
    put(w->store, "a", "one");
    assert_value(w->store, text("a"), text("one"));
    put(w->store, "a", "two");
    assert_value(w->store, text("a"), text("two"));
    assert_true(kv_has(w->store, text("a")));
    assert_absent(w->store, "aa");
    assert_absent(w->store, "A");
    world_reopen(w);
    if (is_on_disk(w))
        assert_value(w->store, text("a"), text("two"));
}

static void missing_key_is_named(void **state)
{
    world *w = (world *)*state;
    beamr_error err = {0};
    copy c;

    assert_int_equal(kv_get(w->store, text("x\n"), copy_value, &c, &err), BEAMR_NOT_FOUND);
    assert_string_equal(err.text, "key `x\\x0a` is not there");
}

static void empty_value_is_a_value(void **state)
{
    world *w = (world *)*state;
    size_t len = 9;
    uint64_t total = 9;

    put(w->store, "e", "");
    assert_value(w->store, text("e"), NOTHING);
    assert_int_equal(kv_read(w->store, text("e"), 0, NULL, 0, &len, &total, NULL), BEAMR_OK);
    assert_int_equal(len, 0);
    assert_int_equal(total, 0);
}

static void parts_are_read(void **state)
{
    world *w = (world *)*state;
    static const struct {
        uint64_t offset;
        size_t size, len;
        const char *bytes;
    } cases[] = {{0, 4, 4, "0123"}, {3, 4, 4, "3456"},      {8, 4, 2, "89"},
                 {10, 4, 0, ""},    {UINT64_MAX, 4, 0, ""}, {0, 0, 0, ""}};

    put(w->store, "n", "0123456789");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buffer[8];
        size_t len = 99;
        uint64_t total = 0;

        assert_int_equal(kv_read(w->store, text("n"), cases[i].offset, buffer, cases[i].size,
                                 &len, &total, NULL),
                         BEAMR_OK);
        assert_int_equal(len, cases[i].len);
        assert_int_equal(total, 10);
        assert_memory_equal(buffer, cases[i].bytes, len);
    }
}

static beamr_status refuse(void *user, beamr_bytes value, beamr_error *err)
{
    (void)user;
    (void)value;
    return beamr_fail(err, BEAMR_BUSY, 0, "refused");
}

static void status_of_the_reader_is_passed_on(void **state)
{
    world *w = (world *)*state;
    beamr_error err = {0};

    put(w->store, "a", "one");
    assert_int_equal(kv_get(w->store, text("a"), refuse, NULL, &err), BEAMR_BUSY);
    assert_string_equal(err.text, "refused");
    put(w->store, "a", "two"); /* nothing stays locked */
}

static void deleted_keys_are_gone(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);

    put(w->store, "a", "one");
    kv_batch_delete(batch, text("a"));
    kv_batch_delete(batch, text("never there"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    assert_absent(w->store, "a");
    batch = batch_of(w->store);
    kv_batch_delete(batch, text("a"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
}

static void keys_and_values_have_limits(void **state)
{
    world *w = (world *)*state;
    uint8_t key[KV_KEY_MAX + 1];
    beamr_error err = {0};

    memset(key, 0xff, sizeof key);
    assert_int_equal(kv_put(w->store, (beamr_bytes){key, KV_KEY_MAX}, text("max"), &err),
                     BEAMR_OK);
    assert_value(w->store, (beamr_bytes){key, KV_KEY_MAX}, text("max"));
    assert_int_equal(kv_put(w->store, (beamr_bytes){key, KV_KEY_MAX + 1}, text("x"), &err),
                     BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "401"));
    assert_int_equal(kv_put(w->store, NOTHING, text("x"), NULL), BEAMR_ARGUMENT);
    assert_int_equal(kv_get(w->store, NOTHING, refuse, NULL, NULL), BEAMR_ARGUMENT);
    /* Not read: the length alone is refused. */
    assert_int_equal(kv_put(w->store, text("k"), (beamr_bytes){key, KV_VALUE_MAX + 1}, NULL),
                     BEAMR_LIMIT);
    assert_absent(w->store, "k");
}

static void large_values_come_back(void **state)
{
    world *w = (world *)*state;
    size_t size = (size_t)40 << 20, len;
    uint64_t total;
    uint64_t *data = (uint64_t *)malloc(size);
    uint64_t word;
    beamr_error err = {0};

    assert_non_null(data);
    for (size_t i = 0; i < size / 8; i++)
        data[i] = i * 0x9e3779b97f4a7c15;
    for (int round = 0; round < 2; round++) { /* the second in place of the first */
        if (kv_put(w->store, text("big"), (beamr_bytes){(uint8_t *)data, size}, &err))
            fail_msg("%s", err.text);
        world_reopen(w);
        for (size_t i = 0; i < size / 8 && is_on_disk(w); i += 12345) {
            assert_int_equal(
                kv_read(w->store, text("big"), i * 8, &word, 8, &len, &total, NULL), BEAMR_OK);
            assert_int_equal(total, size);
            assert_true(word == data[i]);
        }
        if (!is_on_disk(w))
            assert_true(kv_has(w->store, text("big")));
    }
    free(data);
}

/* ---- Lists ---- */

static void keys_are_listed_in_order(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);
    seen s = {.count = 0, .stop = 2};

    kv_batch_append(batch, text("b"), UINT64_MAX, text("not a key"));
    kv_batch_append(batch, text("c/log"), UINT64_MAX, text("not a key"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    assert_list(w->store, "", "", SIZE_MAX, "");
    put(w->store, "c/2", "");
    put(w->store, "b", "");
    put(w->store, "c/10", "");
    put(w->store, "c", "");
    put(w->store, "c/1", "");
    put(w->store, "a", "");
    put(w->store, "B", "");
    assert_list(w->store, "", "", SIZE_MAX, "B a b c c/1 c/10 c/2 ");
    assert_list(w->store, "c/", "", SIZE_MAX, "c/1 c/10 c/2 ");
    assert_list(w->store, "c/", "c/1", SIZE_MAX, "c/10 c/2 ");
    assert_list(w->store, "c/", "c/11", SIZE_MAX, "c/2 ");
    assert_list(w->store, "c/", "a", SIZE_MAX, "c/1 c/10 c/2 ");
    assert_list(w->store, "c/", "z", SIZE_MAX, "");
    assert_list(w->store, "c", "", 2, "c c/1 ");
    assert_list(w->store, "", "c", 1, "c/1 ");
    assert_list(w->store, "", "", 0, "");
    assert_list(w->store, "x", "", SIZE_MAX, "");
    assert_int_equal(kv_list(w->store, NOTHING, NOTHING, SIZE_MAX, see_key, &s, NULL),
                     BEAMR_OK);
    assert_string_equal(s.text, "B a ");
}

typedef struct order {
    uint8_t last[KV_KEY_MAX];
    size_t len, count;
} order;

static bool see_order(void *user, beamr_bytes key)
{
    order *o = (order *)user;

    assert_true(kv_compare((beamr_bytes){o->last, o->len}, key) < 0);
    memcpy(o->last, key.data, key.len);
    o->len = key.len;
    o->count++;
    return true;
}

/* Every byte, and lengths about where kinds cut keys into pieces. */
static void keys_may_have_any_bytes(void **state)
{
    world *w = (world *)*state;
    static const size_t lengths[] = {1, 2, 63, 64, 65, 127, 128, 129, 399, 400};
    uint8_t key[KV_KEY_MAX];
    kv_batch *batch = batch_of(w->store);
    order o = {.len = 0};
    size_t count = 0;

    for (unsigned byte = 0; byte < 256; byte += byte % 16 == 15 ? 1 : 15)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++, count++) {
            memset(key, (int)byte, lengths[i]);
            kv_batch_put(batch, (beamr_bytes){key, lengths[i]}, (beamr_bytes){key, 1});
        }
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    world_reopen(w);
    assert_int_equal(kv_list(w->store, NOTHING, NOTHING, SIZE_MAX, see_order, &o, NULL),
                     BEAMR_OK);
    assert_int_equal(o.count, count);
    memset(key, 0xff, sizeof key);
    assert_value(w->store, (beamr_bytes){key, 129}, (beamr_bytes){key, 1});
    memset(key, '/', sizeof key);
    memset(&o, 0, sizeof o);
    assert_int_equal(
        kv_list(w->store, (beamr_bytes){key, 100}, NOTHING, SIZE_MAX, see_order, &o, NULL),
        BEAMR_OK);
    assert_int_equal(o.count, 5);
}

/* ---- Batches ---- */

static void batch_applies_in_order(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);

    put(w->store, "c", "old");
    kv_batch_put(batch, text("a"), text("1"));
    kv_batch_put(batch, text("a"), text("2"));
    kv_batch_put(batch, text("b"), text("1"));
    kv_batch_delete(batch, text("b"));
    kv_batch_delete(batch, text("c"));
    kv_batch_put(batch, text("c"), text("new"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    assert_value(w->store, text("a"), text("2"));
    assert_absent(w->store, "b");
    assert_value(w->store, text("c"), text("new"));
    assert_list(w->store, "", "", SIZE_MAX, "a c ");
}

static void what_a_batch_gets_is_copied(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);
    char key[] = "key", value[] = "value", large[] = "large";

    kv_batch_put(batch, text(key), text(value));
    kv_batch_put_borrowed(batch, text("k2"), text(large));
    memset(key, 'x', 3);
    memset(value, 'x', 5);
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    assert_value(w->store, text("key"), text("value"));
    assert_value(w->store, text("k2"), text("large"));
}

static void batch_with_a_bad_part_does_nothing(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);
    beamr_error err = {0};

    kv_batch_put(batch, text("a"), text("1"));
    kv_batch_put(batch, NOTHING, text("1"));
    kv_batch_put(batch, text("b"), text("1"));
    assert_int_equal(kv_batch_commit(batch, NULL, &err), BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "key of 0 bytes"));
    assert_list(w->store, "", "", SIZE_MAX, "");
    kv_batch_free(batch_of(w->store)); /* given up */
    assert_int_equal(kv_batch_commit(batch_of(w->store), NULL, NULL), BEAMR_OK);
}

static beamr_status swap(kv *store, const char *key, const char *old, const char *value)
{
    kv_batch *batch = batch_of(store);
    beamr_bytes wanted = text(old ? old : "");

    kv_batch_put(batch, text("beside"), text(value));
    kv_batch_expect(batch, text(key), old ? &wanted : NULL);
    kv_batch_put(batch, text(key), text(value));
    return kv_batch_commit(batch, NULL, NULL);
}

static void expectation_that_fails_stops_the_batch(void **state)
{
    world *w = (world *)*state;

    assert_int_equal(swap(w->store, "p", "0", "1"), BEAMR_CONFLICT);
    assert_absent(w->store, "beside");
    assert_int_equal(swap(w->store, "p", NULL, "1"), BEAMR_OK);
    assert_int_equal(swap(w->store, "p", NULL, "2"), BEAMR_CONFLICT);
    assert_int_equal(swap(w->store, "p", "", "2"), BEAMR_CONFLICT);
    assert_int_equal(swap(w->store, "p", "11", "2"), BEAMR_CONFLICT);
    assert_value(w->store, text("beside"), text("1"));
    assert_int_equal(swap(w->store, "p", "1", ""), BEAMR_OK);
    assert_int_equal(swap(w->store, "p", NULL, "3"), BEAMR_CONFLICT);
    assert_int_equal(swap(w->store, "p", "", "3"), BEAMR_OK);
    assert_value(w->store, text("p"), text("3"));
}

/* ---- Logs ---- */

typedef struct entries {
    char text[256];
    uint64_t next;
} entries;

static beamr_status see_entry(void *user, uint64_t index, beamr_bytes entry, beamr_error *err)
{
    entries *e = (entries *)user;
    size_t used = strlen(e->text);

    (void)err;
    assert_int_equal(index, e->next++);
    assert_true(used + entry.len + 2 < sizeof e->text);
    memcpy(e->text + used, entry.data, entry.len);
    memcpy(e->text + used + entry.len, " ", 2);
    return BEAMR_OK;
}

static void assert_log(kv *store, const char *log, uint64_t from, uint64_t to,
                       const char *wanted)
{
    entries e = {"", from};

    assert_int_equal(kv_log_read(store, text(log), from, to, see_entry, &e, NULL), BEAMR_OK);
    assert_string_equal(e.text, wanted);
}

static beamr_status append(kv *store, const char *log, uint64_t index, const char *entry,
                           uint64_t *first)
{
    kv_batch *batch = batch_of(store);

    kv_batch_append(batch, text(log), index, text(entry));
    return kv_batch_commit(batch, first, NULL);
}

static void logs_only_grow(void **state)
{
    world *w = (world *)*state;
    uint64_t index = 99;

    assert_count(w->store, "log", 0);
    assert_log(w->store, "log", 0, UINT64_MAX, "");
    assert_int_equal(append(w->store, "log", UINT64_MAX, "a", &index), BEAMR_OK);
    assert_int_equal(index, 0);
    assert_int_equal(append(w->store, "log", 0, "x", &index), BEAMR_CONFLICT);
    assert_int_equal(append(w->store, "log", 2, "x", &index), BEAMR_CONFLICT);
    assert_int_equal(append(w->store, "log", 1, "", &index), BEAMR_OK);
    assert_int_equal(index, 1);
    assert_int_equal(append(w->store, "log", UINT64_MAX, "c", NULL), BEAMR_OK);
    assert_int_equal(append(w->store, "lo", UINT64_MAX, "other", &index), BEAMR_OK);
    assert_int_equal(index, 0);
    assert_int_equal(append(w->store, "log\xff", UINT64_MAX, "other", &index), BEAMR_OK);
    world_reopen(w);
    if (!is_on_disk(w))
        put(w->store, "log", "a key of that name");
    assert_count(w->store, "log", 3);
    assert_log(w->store, "log", 0, UINT64_MAX, "a  c ");
    assert_log(w->store, "log", 1, 2, " ");
    assert_log(w->store, "log", 2, 100, "c ");
    assert_log(w->store, "log", 3, 100, "");
    assert_log(w->store, "log", 2, 1, "");
}

static void batch_appends_several(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);
    uint64_t first = 99;

    assert_int_equal(append(w->store, "a", 0, "0", NULL), BEAMR_OK);
    kv_batch_append(batch, text("a"), 1, text("1"));
    kv_batch_append(batch, text("b"), 0, text("x"));
    kv_batch_append(batch, text("a"), 2, text("2"));
    kv_batch_append(batch, text("b"), 1, text("y"));
    kv_batch_append(batch, text("a"), UINT64_MAX, text("3"));
    assert_int_equal(kv_batch_commit(batch, &first, NULL), BEAMR_OK);
    assert_int_equal(first, 1);
    assert_log(w->store, "a", 0, 9, "0 1 2 3 ");
    assert_log(w->store, "b", 0, 9, "x y ");
    batch = batch_of(w->store);
    kv_batch_append(batch, text("a"), 4, text("4"));
    kv_batch_append(batch, text("a"), 4, text("5"));
    assert_int_equal(kv_batch_commit(batch, &first, NULL), BEAMR_CONFLICT);
    assert_count(w->store, "a", 4);
}

static void long_logs_are_counted(void **state)
{
    world *w = (world *)*state;
    kv_batch *batch = batch_of(w->store);
    char name[KV_KEY_MAX + 1];

    memset(name, '%', KV_KEY_MAX);
    name[KV_KEY_MAX] = '\0';
    for (unsigned i = 0; i < 300; i++)
        kv_batch_append(batch, text(name), i, text("entry"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    assert_count(w->store, name, 300);
    assert_int_equal(append(w->store, name, 300, "last", NULL), BEAMR_OK);
    assert_log(w->store, name, 298, 400, "entry entry last ");
}

static beamr_status stop_at_one(void *user, uint64_t index, beamr_bytes entry, beamr_error *err)
{
    (void)entry;
    ++*(unsigned *)user;
    return index == 1 ? beamr_fail(err, BEAMR_BUSY, 0, "enough") : BEAMR_OK;
}

static void reading_a_log_can_be_stopped(void **state)
{
    world *w = (world *)*state;
    unsigned count = 0;

    for (int i = 0; i < 4; i++)
        assert_int_equal(append(w->store, "log", UINT64_MAX, "e", NULL), BEAMR_OK);
    assert_int_equal(
        kv_log_read(w->store, text("log"), 0, UINT64_MAX, stop_at_one, &count, NULL),
        BEAMR_BUSY);
    assert_int_equal(count, 2);
}

/* ---- Threads ---- */

static void one_of_several_swaps_wins(void **state)
{
    world *w = (world *)*state;
    pthread_t threads[THREADS];
    void *failure;

    put(w->store, "n", "0");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, w->store), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failure);
        if (failure)
            fail_msg("%s", (const char *)failure);
    }
    assert_counted(w->store, THREADS * ROUNDS);
}

/* One writes two keys with the same value in each batch; others must never see half of it. */
typedef struct pair {
    kv *store;
    unsigned rounds;
    int is_over;
} pair;

static void *write_pairs(void *arg)
{
    pair *p = (pair *)arg;
    uint8_t *data = (uint8_t *)malloc(200000);

    for (unsigned i = 1; data && i <= p->rounds; i++) {
        kv_batch *batch;

        memset(data, (int)i, 200000);
        if (kv_batch_new(p->store, &batch, NULL) != BEAMR_OK)
            break;
        kv_batch_put(batch, text("left"), (beamr_bytes){data, 200000});
        kv_batch_put(batch, text("pair"), (beamr_bytes){data, 8});
        if (kv_batch_commit(batch, NULL, NULL) != BEAMR_OK)
            break;
    }
    free(data);
    __atomic_store_n(&p->is_over, 1, __ATOMIC_RELEASE);
    return NULL;
}

static beamr_status see_uniform(void *user, beamr_bytes value, beamr_error *err)
{
    (void)err;
    for (size_t i = 1; i < value.len; i++)
        if (value.data[i] != value.data[0])
            return BEAMR_BUSY;
    *(uint8_t *)user = value.len ? value.data[0] : 0;
    return BEAMR_OK;
}

static void *read_pairs(void *arg)
{
    pair *p = (pair *)arg;

    while (!__atomic_load_n(&p->is_over, __ATOMIC_ACQUIRE)) {
        uint8_t left = 0, right = 0;

        if (kv_get(p->store, text("left"), see_uniform, &left, NULL) == BEAMR_BUSY ||
            kv_get(p->store, text("pair"), see_uniform, &right, NULL) == BEAMR_BUSY)
            return (void *)"a value was half written";
        /* The second was read later, so it is the same or newer. */
        if ((uint8_t)(right - left) > 128)
            return (void *)"half of a batch was seen";
    }
    return NULL;
}

static void readers_see_whole_batches(void **state)
{
    world *w = (world *)*state;
    pair p = {w->store, 30, 0};
    pthread_t writer, readers[2];
    void *failure;

    assert_int_equal(pthread_create(&writer, NULL, write_pairs, &p), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_pairs, &p), 0);
    pthread_join(writer, NULL);
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i], &failure);
        if (failure)
            fail_msg("%s", (const char *)failure);
    }
}

/* ---- Growth ---- */

#define GROWING 9

/* More than twice the map that a new LMDB begins with, while two threads read. */
static void stores_grow_while_they_are_read(void **state)
{
    world *w = (world *)*state;
    size_t size = (size_t)16 << 20;
    pair p = {w->store, 0, 0};
    uint8_t *data = (uint8_t *)calloc(1, size);
    pthread_t readers[2];
    beamr_error err = {0};

    assert_non_null(data);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_pairs, &p), 0);
    for (unsigned i = 0; i < GROWING; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%u", i);
        memset(data, (int)i, 8);
        if (kv_put(w->store, text(key), (beamr_bytes){data, size}, &err) != BEAMR_OK)
            fail_msg("%s", err.text);
        put(w->store, "left", "1");
        put(w->store, "pair", "1");
    }
    __atomic_store_n(&p.is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    world_reopen(w);
    for (unsigned i = 0; i < GROWING; i++) {
        char key[16];
        uint8_t bytes[8];
        size_t len;
        uint64_t total;

        snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(kv_read(w->store, text(key), 0, bytes, 8, &len, &total, NULL),
                         BEAMR_OK);
        assert_int_equal(total, size);
        assert_int_equal(bytes[7], i);
    }
    free(data);
}

/* ---- All of them ---- */

#define EACH(X)                                                                                \
    X(what_was_put_is_found)                                                                   \
    X(missing_key_is_named)                                                                    \
    X(empty_value_is_a_value)                                                                  \
    X(parts_are_read)                                                                          \
    X(status_of_the_reader_is_passed_on)                                                       \
    X(deleted_keys_are_gone)                                                                   \
    X(keys_and_values_have_limits)                                                             \
    X(large_values_come_back)                                                                  \
    X(keys_are_listed_in_order)                                                                \
    X(keys_may_have_any_bytes)                                                                 \
    X(batch_applies_in_order)                                                                  \
    X(what_a_batch_gets_is_copied)                                                             \
    X(batch_with_a_bad_part_does_nothing)                                                      \
    X(expectation_that_fails_stops_the_batch)                                                  \
    X(logs_only_grow)                                                                          \
    X(batch_appends_several)                                                                   \
    X(long_logs_are_counted)                                                                   \
    X(reading_a_log_can_be_stopped)                                                            \
    X(one_of_several_swaps_wins)                                                               \
    X(readers_see_whole_batches)                                                               \
    X(stores_grow_while_they_are_read)

int main(void)
{
    static const struct CMUnitTest tests[] = {EACH(LMDB_TEST) EACH(FILES_TEST)
                                                  EACH(MEMORY_TEST)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
