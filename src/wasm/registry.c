/* The registry of wasm/types.h: recursion groups, each kept once.
 *
 * A group is found by its key: its members, in which references to members are positions
 * (WB_HEAP_REC + i) and references to other groups canonical ids. What is stored is the same
 * with canonical ids everywhere. The key can be told from that, since only the group itself can
 * have stored its own ids: in the key they would have to belong to another group.
 *
 * Ids and entries. Entry `id` describes the type `id`. Entries live in chunks that never move,
 * so lookups take no lock: whoever holds an id got it from wb_registry_add, which wrote the
 * entry before. Ids are given out in blocks of a power of two, and free blocks merge with their
 * neighbours (a buddy system), so that ids last however often modules come and go.
 *
 * Lifetime. A group holds one reference to another group for each place where it names it.
 * Releasing follows a list of dying groups rather than recursing.
 *
 * Source: Core, "Types", "Recursive Types" and "Validation of Types". */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "wasm/internal.h"

#define CHUNK_BITS 12
#define CHUNK_SIZE (1u << CHUNK_BITS)
#define ID_LIMIT (WB_HEAP_REC - WB_HEAP_DEFINED) /* heap numbers of types stay below REC */
#define CHUNK_COUNT (WB_HEAP_REC >> CHUNK_BITS)
#define ORDER_MAX 20 /* a block of 2^20 ids holds the largest group: WB_LIMIT_TYPES */
#define BUCKETS_MIN 64u

_Static_assert(WB_LIMIT_TYPES <= 1 << ORDER_MAX, "a group must fit the largest block");

typedef struct type_group {
    struct type_group *next; /* in its bucket, or in the list of dying groups */
    uint64_t refs;
    uint64_t hash;
    uint32_t first, count;
    uint32_t order;      /* of its block of ids */
    uint32_t *ancestors; /* of all members, one list behind the other */
    wb_valtype types[];  /* params and results of all members */
} type_group;

typedef struct type_entry {
    wb_functype func;
    const uint32_t *ancestors; /* `depth` ids: from the root down to the declared supertype */
    type_group *group;         /* NULL: the id is free */
    uint32_t super;
    uint8_t depth;
    bool final;
    uint8_t free_order;            /* order + 1 of the free block that begins here, else 0 */
    uint32_t free_prev, free_next; /* in the list of free blocks of that order */
} type_entry;

struct wb_registry {
    pthread_mutex_t mutex; /* of everything but the entries of ids in use */
    type_entry **chunks;   /* CHUNK_COUNT */
    uint32_t top;          /* ids from here on were never given out */
    uint32_t free_heads[ORDER_MAX + 1];
    type_group **buckets;
    uint64_t bucket_count; /* a power of two */
    uint64_t group_count;
    uint64_t secret[2]; /* so that nobody can make keys that collide */
};

static type_entry *entry_of(const wb_registry *r, uint32_t id)
{
    return &r->chunks[id >> CHUNK_BITS][id & (CHUNK_SIZE - 1)];
}

/* ---- Lookups ---- */

const wb_functype *wb_registry_func(const wb_registry *r, uint32_t id)
{
    return &entry_of(r, id)->func;
}

uint32_t wb_registry_super(const wb_registry *r, uint32_t id)
{
    return entry_of(r, id)->super;
}

bool wb_registry_is_final(const wb_registry *r, uint32_t id)
{
    return entry_of(r, id)->final;
}

bool wb_type_is_subtype(const wb_registry *r, uint32_t sub, uint32_t super)
{
    const type_entry *below, *above;

    if (sub == super)
        return true;
    below = entry_of(r, sub);
    above = entry_of(r, super);
    return above->depth < below->depth && below->ancestors[above->depth] == super;
}

/* ---- Ids ---- */

static void block_push(wb_registry *r, uint32_t id, unsigned order)
{
    type_entry *e = entry_of(r, id);
    uint32_t head = r->free_heads[order];

    e->free_order = (uint8_t)(order + 1);
    e->free_prev = WB_NO_TYPE;
    e->free_next = head;
    if (head != WB_NO_TYPE)
        entry_of(r, head)->free_prev = id;
    r->free_heads[order] = id;
}

static void block_unlink(wb_registry *r, uint32_t id)
{
    type_entry *e = entry_of(r, id);

    if (e->free_prev != WB_NO_TYPE)
        entry_of(r, e->free_prev)->free_next = e->free_next;
    else
        r->free_heads[e->free_order - 1] = e->free_next;
    if (e->free_next != WB_NO_TYPE)
        entry_of(r, e->free_next)->free_prev = e->free_prev;
    e->free_order = 0;
}

/* Give a block back, merged with its neighbours as long as those are free. */
static void ids_give(wb_registry *r, uint32_t id, unsigned order)
{
    while (order < ORDER_MAX) {
        uint32_t buddy = id ^ (1u << order);

        if (buddy >= r->top || entry_of(r, buddy)->free_order != order + 1)
            break;
        block_unlink(r, buddy);
        id &= ~(1u << order);
        order++;
    }
    block_push(r, id, order);
}

/* Make the entries of ids [from, to) exist. */
static bool chunks_ensure(wb_registry *r, uint32_t from, uint32_t to)
{
    for (uint32_t c = from >> CHUNK_BITS; c <= (to - 1) >> CHUNK_BITS; c++) {
        if (!r->chunks[c] && !(r->chunks[c] = calloc(CHUNK_SIZE, sizeof(type_entry))))
            return false;
    }
    return true;
}

/* A block from beyond all that were given out; what alignment skips becomes free. */
static beamr_status ids_extend(wb_registry *r, unsigned order, uint32_t *id, beamr_error *err)
{
    uint32_t size = 1u << order;
    uint32_t start = (r->top + size - 1) & ~(size - 1);

    if (start > ID_LIMIT - size)
        return beamr_fail(err, BEAMR_LIMIT, 0, "more than %u types are in use by all modules",
                          (unsigned)ID_LIMIT);
    if (!chunks_ensure(r, r->top, start + size))
        return wb_fail_memory("types", err);
    while (r->top < start) {
        unsigned gap = (unsigned)__builtin_ctz(r->top);
        uint32_t at = r->top;

        r->top += 1u << gap;
        ids_give(r, at, gap);
    }
    r->top = start + size;
    *id = start;
    return BEAMR_OK;
}

/* A block of 2^order ids. */
static beamr_status ids_take(wb_registry *r, unsigned order, uint32_t *id, beamr_error *err)
{
    unsigned k = order;

    while (k <= ORDER_MAX && r->free_heads[k] == WB_NO_TYPE)
        k++;
    if (k > ORDER_MAX)
        return ids_extend(r, order, id, err);
    *id = r->free_heads[k];
    block_unlink(r, *id);
    while (k > order) { /* the upper halves stay free */
        k--;
        block_push(r, *id + (1u << k), k);
    }
    return BEAMR_OK;
}

/* ---- Keys ---- */

static uint64_t mix(const wb_registry *r, uint64_t h, uint64_t value)
{
    __extension__ unsigned __int128 product =
        (unsigned __int128)(h ^ value ^ r->secret[0]) * (r->secret[1] ^ (value << 32));

    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ (h << 1 | h >> 63);
}

static uint64_t hash_types(const wb_registry *r, uint64_t h, const wb_valtype *types,
                           uint32_t count)
{
    h = mix(r, h, count);
    for (uint32_t i = 0; i < count; i++)
        h = mix(r, h, types[i]);
    return h;
}

static uint64_t hash_group(const wb_registry *r, const wb_subtype *group, uint32_t count)
{
    uint64_t h = mix(r, 0, count);

    for (uint32_t i = 0; i < count; i++) {
        h = mix(r, h, group[i].super + (uint64_t)group[i].final * 0x100000000u);
        h = hash_types(r, h, group[i].func.params, group[i].func.param_count);
        h = hash_types(r, h, group[i].func.results, group[i].func.result_count);
    }
    return h;
}

/* A heap number of a key as it is stored in a group beginning at id `first`. */
static uint32_t resolve_heap(uint32_t heap, uint32_t first)
{
    return heap >= WB_HEAP_REC ? WB_HEAP_DEFINED + first + (heap - WB_HEAP_REC) : heap;
}

static wb_valtype resolve(wb_valtype t, uint32_t first)
{
    if (!wb_valtype_is_ref(t))
        return t;
    return WB_REFTYPE(wb_valtype_is_nullable(t), resolve_heap(wb_valtype_heap(t), first));
}

/* `heap`, as stored, is a member of the group. */
static bool heap_is_own(const type_group *g, uint32_t heap)
{
    return heap >= WB_HEAP_DEFINED && heap - WB_HEAP_DEFINED - g->first < g->count;
}

/* The heap number of a key is what `g` stored. A key that names `g` by its ids is another type,
 * defined outside of `g`. */
static bool heap_equals(const type_group *g, uint32_t key, uint32_t stored)
{
    return resolve_heap(key, g->first) == stored &&
           (key >= WB_HEAP_REC) == heap_is_own(g, stored);
}

static bool types_equal(const type_group *g, const wb_valtype *key, const wb_valtype *stored,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (((key[i] ^ stored[i]) & (15u | WB_NULLABLE)) != 0)
            return false;
        if (wb_valtype_is_ref(key[i]) &&
            !heap_equals(g, wb_valtype_heap(key[i]), wb_valtype_heap(stored[i])))
            return false;
    }
    return true;
}

static bool super_equals(const type_group *g, uint32_t key, uint32_t stored_id)
{
    if (key == WB_NO_TYPE || stored_id == WB_NO_TYPE)
        return key == stored_id;
    return heap_equals(g, key, WB_HEAP_DEFINED + stored_id);
}

static bool group_equals(const wb_registry *r, const type_group *g, const wb_subtype *key,
                         uint32_t count)
{
    if (g->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const type_entry *e = entry_of(r, g->first + i);
        const wb_functype *f = &key[i].func;

        if (e->final != key[i].final || !super_equals(g, key[i].super, e->super) ||
            e->func.param_count != f->param_count || e->func.result_count != f->result_count ||
            !types_equal(g, f->params, e->func.params, f->param_count) ||
            !types_equal(g, f->results, e->func.results, f->result_count))
            return false;
    }
    return true;
}

/* ---- Buckets ---- */

static type_group *find(const wb_registry *r, uint64_t hash, const wb_subtype *key,
                        uint32_t count)
{
    type_group *g = r->buckets[hash & (r->bucket_count - 1)];

    while (g && !(g->hash == hash && group_equals(r, g, key, count)))
        g = g->next;
    return g;
}

/* Double the buckets; without memory for that the chains just become longer. */
static void buckets_grow(wb_registry *r)
{
    uint64_t count = r->bucket_count * 2;
    type_group **buckets = calloc(count, sizeof(type_group *));

    if (!buckets)
        return;
    for (uint64_t i = 0; i < r->bucket_count; i++) {
        type_group *g = r->buckets[i];

        while (g) {
            type_group *next = g->next;

            g->next = buckets[g->hash & (count - 1)];
            buckets[g->hash & (count - 1)] = g;
            g = next;
        }
    }
    free(r->buckets);
    r->buckets = buckets;
    r->bucket_count = count;
}

static void bucket_insert(wb_registry *r, type_group *g)
{
    type_group **bucket;

    if (r->group_count >= r->bucket_count)
        buckets_grow(r);
    bucket = &r->buckets[g->hash & (r->bucket_count - 1)];
    g->next = *bucket;
    *bucket = g;
    r->group_count++;
}

static void bucket_remove(wb_registry *r, type_group *g)
{
    type_group **at = &r->buckets[g->hash & (r->bucket_count - 1)];

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    r->group_count--;
}

/* ---- Groups ---- */

/* Call `visit` for each reference of the group to another group. */
static void visit_outside(wb_registry *r, type_group *g,
                          void (*visit)(wb_registry *r, type_group *other, type_group **list),
                          type_group **list)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const type_entry *e = entry_of(r, g->first + i);
        uint32_t count = e->func.param_count + e->func.result_count;

        if (e->super != WB_NO_TYPE && !heap_is_own(g, WB_HEAP_DEFINED + e->super))
            visit(r, entry_of(r, e->super)->group, list);
        for (uint32_t k = 0; k < count; k++) { /* the results are behind the params */
            uint32_t heap = wb_valtype_heap(e->func.params[k]);

            if (wb_valtype_is_ref(e->func.params[k]) && heap >= WB_HEAP_DEFINED &&
                !heap_is_own(g, heap))
                visit(r, entry_of(r, heap - WB_HEAP_DEFINED)->group, list);
        }
    }
}

static void group_ref(wb_registry *r, type_group *g, type_group **unused)
{
    (void)r;
    (void)unused;
    g->refs++;
}

/* Give up a reference. With the last one the group moves from its bucket to the list. */
static void group_unref(wb_registry *r, type_group *g, type_group **dying)
{
    assert(g->refs > 0);
    if (--g->refs > 0)
        return;
    bucket_remove(r, g);
    g->next = *dying;
    *dying = g;
}

/* Find out how deep each member is, in the entries at `first`, and how much a group needs.
 *   types      of all params and results
 *   ancestors  of all members */
static beamr_status measure(wb_registry *r, const wb_subtype *key, uint32_t count,
                            uint32_t first, size_t *types, size_t *ancestors, beamr_error *err)
{
    *types = *ancestors = 0;
    for (uint32_t i = 0; i < count; i++) {
        type_entry *e = entry_of(r, first + i);

        e->super = WB_NO_TYPE;
        e->depth = 0;
        if (key[i].super != WB_NO_TYPE) {
            e->super = resolve_heap(key[i].super, first) - WB_HEAP_DEFINED;
            assert(key[i].super < WB_HEAP_REC || e->super < first + i);
            BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_SUBTYPE_DEPTH,
                                     entry_of(r, e->super)->depth + 1u, 0, err));
            e->depth = (uint8_t)(entry_of(r, e->super)->depth + 1);
        }
        *types += (size_t)key[i].func.param_count + key[i].func.result_count;
        *ancestors += e->depth;
    }
    return BEAMR_OK;
}

static uint32_t count_slots(const wb_valtype *types, uint32_t count)
{
    uint32_t slots = 0;

    for (uint32_t i = 0; i < count; i++)
        slots += wb_valtype_slots(types[i]);
    return slots;
}

/* Copy a key's params or results to *at, with canonical ids, and step over them. */
static const wb_valtype *copy_types(wb_valtype **at, const wb_valtype *types, uint32_t count,
                                    uint32_t first)
{
    wb_valtype *out = *at;

    for (uint32_t i = 0; i < count; i++)
        out[i] = resolve(types[i], first);
    *at += count;
    return out;
}

/* Fill the entries of a group from its key; super and depth are there. */
static void fill_entries(wb_registry *r, type_group *g, const wb_subtype *key)
{
    wb_valtype *types = g->types;
    uint32_t *ancestors = g->ancestors;

    for (uint32_t i = 0; i < g->count; i++) {
        type_entry *e = entry_of(r, g->first + i);
        const wb_functype *f = &key[i].func;

        e->group = g;
        e->final = key[i].final;
        e->func.params = copy_types(&types, f->params, f->param_count, g->first);
        e->func.results = copy_types(&types, f->results, f->result_count, g->first);
        e->func.param_count = f->param_count;
        e->func.result_count = f->result_count;
        e->func.param_slots = count_slots(e->func.params, f->param_count);
        e->func.result_slots = count_slots(e->func.results, f->result_count);
        e->ancestors = ancestors;
        if (e->depth > 0) {
            const type_entry *parent = entry_of(r, e->super);

            if (parent->depth > 0)
                memcpy(ancestors, parent->ancestors, parent->depth * sizeof *ancestors);
            ancestors[parent->depth] = e->super;
            ancestors += e->depth;
        }
    }
}

/* A new group with ids of its own, from a key that is not there yet. */
static beamr_status group_new(wb_registry *r, const wb_subtype *key, uint32_t count,
                              uint64_t hash, type_group **out, beamr_error *err)
{
    unsigned order = count > 1 ? 32u - (unsigned)__builtin_clz(count - 1) : 0;
    size_t types, ancestors;
    type_group *g = NULL;
    uint32_t first = 0;
    beamr_status st;

    if ((st = ids_take(r, order, &first, err)) != BEAMR_OK)
        return st;
    if ((st = measure(r, key, count, first, &types, &ancestors, err)) != BEAMR_OK)
        goto fail;
    if (!(g = malloc(sizeof *g + (types + ancestors) * sizeof(uint32_t)))) {
        st = wb_fail_memory("types", err);
        goto fail;
    }
    *g = (type_group){.refs = 1, .hash = hash, .first = first, .count = count, .order = order};
    g->ancestors = g->types + types;
    fill_entries(r, g, key);
    visit_outside(r, g, group_ref, NULL);
    bucket_insert(r, g);
    *out = g;
    return BEAMR_OK;
fail:
    ids_give(r, first, order);
    return st;
}

/* Release a group without references, and those that nothing else refers to. */
static void groups_free(wb_registry *r, type_group *dying)
{
    while (dying) {
        type_group *g = dying;

        dying = g->next;
        visit_outside(r, g, group_unref, &dying);
        for (uint32_t i = 0; i < g->count; i++)
            entry_of(r, g->first + i)->group = NULL;
        ids_give(r, g->first, g->order);
        free(g);
    }
}

beamr_status wb_registry_add(wb_registry *r, const wb_subtype *group, uint32_t count,
                             uint32_t *first, beamr_error *err)
{
    uint64_t hash = hash_group(r, group, count);
    beamr_status st = BEAMR_OK;
    type_group *g;

    assert(count > 0);
    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_TYPES, count, 0, err));
    pthread_mutex_lock(&r->mutex);
    if ((g = find(r, hash, group, count)))
        g->refs++;
    else
        st = group_new(r, group, count, hash, &g, err);
    if (st == BEAMR_OK)
        *first = g->first;
    pthread_mutex_unlock(&r->mutex);
    return st;
}

void wb_registry_release(wb_registry *r, uint32_t first)
{
    type_group *dying = NULL;

    pthread_mutex_lock(&r->mutex);
    group_unref(r, entry_of(r, first)->group, &dying);
    groups_free(r, dying);
    pthread_mutex_unlock(&r->mutex);
}

/* ---- The registry itself ---- */

/* Numbers that a module's author cannot know. Weaker ones will do when the kernel has none. */
static void choose_secret(wb_registry *r)
{
    struct timespec now;

    if (getrandom(r->secret, sizeof r->secret, GRND_NONBLOCK) != (ssize_t)sizeof r->secret) {
        clock_gettime(CLOCK_REALTIME, &now);
        r->secret[0] = (uint64_t)(uintptr_t)r * 0x9e3779b97f4a7c15u;
        r->secret[1] = (uint64_t)now.tv_nsec * 0xd1342543de82ef95u ^ (uint64_t)now.tv_sec;
    }
    r->secret[1] |= 1;
}

wb_registry *wb_registry_new(void)
{
    wb_registry *r = calloc(1, sizeof *r);

    if (!r || pthread_mutex_init(&r->mutex, NULL) != 0) {
        free(r);
        return NULL;
    }
    r->chunks = calloc(CHUNK_COUNT, sizeof(type_entry *));
    r->bucket_count = BUCKETS_MIN;
    r->buckets = calloc(r->bucket_count, sizeof(type_group *));
    if (!r->chunks || !r->buckets) {
        wb_registry_free(r);
        return NULL;
    }
    for (unsigned i = 0; i <= ORDER_MAX; i++)
        r->free_heads[i] = WB_NO_TYPE;
    choose_secret(r);
    return r;
}

void wb_registry_free(wb_registry *r)
{
    if (!r)
        return;
    assert(r->group_count == 0);
    /* Chunks are made in order, so the first that is missing ends them. */
    for (uint32_t c = 0; r->chunks && c < CHUNK_COUNT && r->chunks[c]; c++)
        free(r->chunks[c]);
    free(r->chunks);
    free(r->buckets);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
