/* Names: interned, counted texts.
 * Names that everybody uses are static: they need no counting. Others stand in a table of
 * shards with a lock each, and go when nobody holds them any more. The hash is keyed with
 * random bytes of the process, so that nobody can choose keys that fall together. Source of the
 * hash: Aumasson, Bernstein, "SipHash: a fast short-input PRF" (here with one round for each
 * word and three at the end). */
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "ao/internal.h"

struct ao_name {
    atomic_size_t count; /* not of a static name */
    uint64_t hash;
    ao_name *next; /* in its bucket */
    size_t len;
    const char *text; /* behind the struct, unless the name is static */
    bool is_static;
};

static ao_name known[] = {
#define NAME(chars) {.len = sizeof(chars) - 1, .text = (chars), .is_static = true},
#include "ao/name.def"
#undef NAME
};

enum {
    KNOWN_COUNT = sizeof known / sizeof known[0],
    KNOWN_SLOTS = 512, /* open addressing */
    SHARDS = 64,
    FIRST_BUCKETS = 16,
};

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    ao_name **buckets; /* `first` as long as there are few names */
    size_t bucket_count, used;
    ao_name *first[FIRST_BUCKETS];
} shard;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t seed[2];
static ao_name *known_slots[KNOWN_SLOTS];
static shard shards[SHARDS];

/* ---- The hash ---- */

typedef struct sip {
    uint64_t a, b, c, d;
} sip;

static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32) + s->d;
    s->c += s->b;
    s->d = rotate(s->d, 21) ^ s->a;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

static inline void sip_word(sip *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    s->a ^= word;
}

static uint64_t hash_text(beamr_bytes text)
{
    sip s = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
             seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    size_t whole = text.len / 8 * 8;
    uint64_t word;

    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, text.data + i, 8);
        sip_word(&s, word);
    }
    word = (uint64_t)text.len << 56;
    for (size_t i = whole; i < text.len; i++)
        word |= (uint64_t)text.data[i] << (8 * (i - whole));
    sip_word(&s, word);
    s.c ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

/* ---- Known names ---- */

static inline bool is_name(const ao_name *name, uint64_t hash, beamr_bytes text)
{
    return name->hash == hash && text_equal(ao_name_text(name), text);
}

static void begin(void)
{
    /* The kernel gives each process 16 random bytes, which cannot fail as a call could. */
    const void *random = (const void *)getauxval(AT_RANDOM);

    if (random)
        memcpy(seed, random, sizeof seed);
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        ao_name *name = &known[i];
        size_t slot;

        name->hash = hash_text(ao_name_text(name));
        for (slot = name->hash % KNOWN_SLOTS; known_slots[slot];
             slot = (slot + 1) % KNOWN_SLOTS)
            ;
        known_slots[slot] = name;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&shards[i].lock, NULL);
        shards[i].buckets = shards[i].first;
        shards[i].bucket_count = FIRST_BUCKETS;
    }
}

static const ao_name *find_known(uint64_t hash, beamr_bytes text)
{
    for (size_t slot = hash % KNOWN_SLOTS; known_slots[slot]; slot = (slot + 1) % KNOWN_SLOTS)
        if (is_name(known_slots[slot], hash, text))
            return known_slots[slot];
    return NULL;
}

/* ---- Shards; the caller holds the lock ---- */

static shard *shard_of(uint64_t hash)
{
    return &shards[hash >> 32 & (SHARDS - 1)];
}

static ao_name **bucket_of(const shard *s, uint64_t hash)
{
    return &s->buckets[hash & (s->bucket_count - 1)];
}

/* More or fewer buckets. Without memory all stays, and chains are longer. */
static void resize(shard *s, size_t count)
{
    ao_name **old = s->buckets, **fresh = s->first;
    size_t old_count = s->bucket_count;

    if (count > FIRST_BUCKETS && !(fresh = calloc(count, sizeof *fresh)))
        return;
    if (fresh == s->first)
        memset(s->first, 0, sizeof s->first);
    s->buckets = fresh;
    s->bucket_count = count;
    for (size_t i = 0; i < old_count; i++)
        for (ao_name *name = old[i], *next; name; name = next) {
            ao_name **bucket = bucket_of(s, name->hash);

            next = name->next;
            name->next = *bucket;
            *bucket = name;
        }
    if (old != s->first)
        free(old);
}

static ao_name *find_counted(const shard *s, uint64_t hash, beamr_bytes text)
{
    for (ao_name *name = *bucket_of(s, hash); name; name = name->next)
        if (is_name(name, hash, text))
            return name;
    return NULL;
}

static ao_name *add(shard *s, uint64_t hash, beamr_bytes text)
{
    ao_name *name = malloc(sizeof *name + text.len + 1), **bucket;
    char *chars;

    if (!name)
        return NULL;
    chars = (char *)(name + 1);
    if (text.len > 0)
        memcpy(chars, text.data, text.len);
    chars[text.len] = '\0';
    atomic_init(&name->count, 0);
    name->hash = hash;
    name->len = text.len;
    name->text = chars;
    name->is_static = false;
    if (s->used >= s->bucket_count)
        resize(s, s->bucket_count * 2);
    bucket = bucket_of(s, hash);
    name->next = *bucket;
    *bucket = name;
    s->used++;
    return name;
}

static void take_out(shard *s, ao_name *name)
{
    ao_name **at = bucket_of(s, name->hash);

    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    s->used--;
    if (s->bucket_count > FIRST_BUCKETS && s->used < s->bucket_count / 4)
        resize(s, s->bucket_count / 2);
}

/* ---- For others ---- */

const ao_name *name_of(beamr_bytes text)
{
    const ao_name *found;
    ao_name *name;
    uint64_t hash;
    shard *s;

    if (text.len > AO_NAME_MAX)
        return NULL;
    (void)pthread_once(&once, begin);
    hash = hash_text(text);
    if ((found = find_known(hash, text)))
        return found;
    s = shard_of(hash);
    (void)pthread_mutex_lock(&s->lock);
    if (!(name = find_counted(s, hash, text)))
        name = add(s, hash, text);
    if (name)
        atomic_fetch_add_explicit(&name->count, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&s->lock);
    return name;
}

const ao_name *name_ref(const ao_name *name)
{
    if (!name->is_static)
        atomic_fetch_add_explicit(&((ao_name *)(uintptr_t)name)->count, 1,
                                  memory_order_relaxed);
    return name;
}

/* The last count is given back under the lock, so that a name that name_of finds is alive. */
void name_unref(const ao_name *borrowed)
{
    ao_name *name = (ao_name *)(uintptr_t)borrowed;
    size_t count;
    shard *s;

    if (!name || name->is_static)
        return;
    count = atomic_load_explicit(&name->count, memory_order_relaxed);
    while (count > 1)
        if (atomic_compare_exchange_weak_explicit(&name->count, &count, count - 1,
                                                  memory_order_release, memory_order_relaxed))
            return;
    s = shard_of(name->hash);
    (void)pthread_mutex_lock(&s->lock);
    count = atomic_fetch_sub_explicit(&name->count, 1, memory_order_acq_rel);
    if (count == 1)
        take_out(s, name);
    (void)pthread_mutex_unlock(&s->lock);
    if (count == 1)
        free(name);
}

size_t name_count(void)
{
    size_t count = 0;

    (void)pthread_once(&once, begin);
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_lock(&shards[i].lock);
        count += shards[i].used;
        (void)pthread_mutex_unlock(&shards[i].lock);
    }
    return count;
}

beamr_bytes ao_name_text(const ao_name *name)
{
    return (beamr_bytes){(const uint8_t *)name->text, name->len};
}
