/* Engines, and modules by their bytes.
 * A module's bytes are not copied to be recognised later: the emulator's binary is held, unless
 * it is much larger than the module in it. The list is short, so that going through all of it
 * takes less than a microsecond; hashing, comparing and loading are done outside the lock. Two
 * threads that load the same module at once both do, and both get the one that was first. */
#include "driver/world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A module that is known. */
typedef struct known {
    struct known *next; /* those asked for longer ago */
    _Atomic(size_t) refs;
    beamr_module *module;
    bool is_metered;
    XXH64_hash_t hash;
    drv_image image; /* its bytes */
    size_t size;     /* that they take */
    size_t largest;  /* bytes of the largest function */
} known;

struct drv_world {
    void (*long_begin)(void *user);
    void (*long_end)(void *user);
    void *long_user;
    pthread_mutex_t lock; /* of all below */
    beamr_engine *engines[2];
    known *first;
    size_t count;
    size_t bytes;
};

/* ---- What is known of a module ---- */

static void known_unref(known *k)
{
    if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
        return;
    beamr_module_unref(k->module);
    drv_image_clear(&k->image);
    free(k);
}

/* Bytes that keeping the image's binary would take, beyond which its part is copied. */
static size_t held_size(const drv_image *image)
{
    return image->binary ? (size_t)image->binary->orig_size : SIZE_MAX;
}

/* Hold the bytes, or copy them.  Returns false when memory is gone. */
static bool known_hold(known *k, const drv_image *image)
{
    size_t len = image->bytes.len;

    k->size = held_size(image);
    if (k->size / 2 <= len) {
        driver_binary_inc_refc(image->binary);
        k->image = (drv_image){.binary = image->binary, .bytes = image->bytes};
        return true;
    }
    k->size = len;
    if (!(k->image.own = malloc(len + 1)))
        return false;
    if (len > 0)
        memcpy(k->image.own, image->bytes.data, len);
    k->image.bytes = (beamr_bytes){k->image.own, len};
    return true;
}

/* ---- Functions ---- */

enum {
    SECTION_TYPE = 1,
    SECTION_CODE = 10,
    TYPE_FUNC = 0x60,
    TYPE_REF_NULL = 0x63,
    TYPE_REF = 0x64,
};

/* Read a number of LEB128; 0 where it ends early, which is not so in a module that was checked.
 */
static size_t read_leb(const uint8_t **at, const uint8_t *end)
{
    size_t n = 0;

    for (unsigned shift = 0; *at < end && shift < 35; shift += 7) {
        uint8_t byte = *(*at)++;

        n |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return n;
}

/* Bytes of the largest body in a code section. */
static size_t largest_of(beamr_bytes code)
{
    const uint8_t *at = code.data, *end = code.data + code.len;
    size_t largest = 0;

    for (size_t left = read_leb(&at, end); left > 0 && at < end; left--) {
        size_t size = read_leb(&at, end);

        if (size > (size_t)(end - at))
            return SIZE_MAX;
        largest = size > largest ? size : largest;
        at += size;
    }
    return largest;
}

/* Step over types of values. Returns how many. */
static size_t skip_values(const uint8_t **at, const uint8_t *end)
{
    size_t count = read_leb(at, end);

    for (size_t i = 0; i < count && *at < end; i++) {
        uint8_t type = *(*at)++;

        if (type == TYPE_REF || type == TYPE_REF_NULL)
            (void)read_leb(at, end);
    }
    return count;
}

/* The most results of a function's type in a type section; SIZE_MAX when others are there. */
static size_t widest_of(beamr_bytes types)
{
    const uint8_t *at = types.data, *end = types.data + types.len;
    size_t widest = 0, results;

    for (size_t left = read_leb(&at, end); left > 0 && at < end; left--) {
        if (*at++ != TYPE_FUNC)
            return SIZE_MAX;
        (void)skip_values(&at, end);
        results = skip_values(&at, end);
        widest = results > widest ? results : widest;
    }
    return widest;
}

/* A section's contents; none when it is not there. */
static beamr_bytes section_of(const beamr_module *module, beamr_bytes bytes, uint8_t id)
{
    for (size_t i = 0; i < beamr_module_section_count(module); i++) {
        beamr_section section = beamr_module_section(module, i);

        if (section.id == id && section.offset <= bytes.len &&
            section.size <= bytes.len - section.offset)
            return (beamr_bytes){bytes.data + section.offset, section.size};
    }
    return (beamr_bytes){bytes.data, 0};
}

/* Few bytes of code, a `br_if` for one, stand for as many values as its label's type has. That
 * of one value is usual; others have to be pushed, by code of their own. */
static size_t module_largest(const beamr_module *module, beamr_bytes bytes)
{
    size_t largest = largest_of(section_of(module, bytes, SECTION_CODE));
    size_t widest = widest_of(section_of(module, bytes, SECTION_TYPE));

    if (widest < 2 || largest == 0)
        return largest;
    return widest > SIZE_MAX / largest ? SIZE_MAX : largest * widest;
}

/* Takes a reference of the module.  Returns NULL when memory is gone. */
static known *known_new(const drv_image *image, XXH64_hash_t hash, bool is_metered,
                        beamr_module *module)
{
    known *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    atomic_init(&k->refs, 1);
    k->is_metered = is_metered;
    k->hash = hash;
    k->module = beamr_module_ref(module);
    k->largest = module_largest(module, image->bytes);
    if (!known_hold(k, image)) {
        known_unref(k);
        return NULL;
    }
    return k;
}

/* ---- The list; the lock is held ---- */

/* How bytes are looked for. */
typedef struct wanted {
    const drv_image *image;
    bool is_metered;
    bool has_hash;
    XXH64_hash_t hash;
} wanted;

static bool is_wanted(const known *k, const wanted *w)
{
    if (k->is_metered != w->is_metered || k->image.bytes.len != w->image->bytes.len)
        return false;
    if (w->has_hash)
        return k->hash == w->hash;
    return k->image.binary && k->image.binary == w->image->binary &&
           k->image.bytes.data == w->image->bytes.data;
}

/* Find one, and move it to the front.  Returns NULL when there is none. */
static known *list_find(drv_world *world, const wanted *w)
{
    known **link = &world->first;
    known *k;

    while (*link && !is_wanted(*link, w))
        link = &(*link)->next;
    if (!(k = *link))
        return NULL;
    *link = k->next;
    k->next = world->first;
    world->first = k;
    return k;
}

/* Cut the list to what may be kept.  Returns what was cut off. */
static known *list_cut(drv_world *world)
{
    known **link = &world->first;
    known *rest;

    world->count = world->bytes = 0;
    while (*link && world->count < DRV_WORLD_MODULES &&
           (*link)->size <= DRV_WORLD_BYTES - world->bytes) {
        world->count++;
        world->bytes += (*link)->size;
        link = &(*link)->next;
    }
    rest = *link;
    *link = NULL;
    return rest;
}

static void list_free(known *first)
{
    while (first) {
        known *k = first;

        first = k->next;
        known_unref(k);
    }
}

/* ---- Looking up ---- */

static beamr_module *find_same(drv_world *world, const wanted *w)
{
    beamr_module *module = NULL;
    known *k;

    (void)pthread_mutex_lock(&world->lock);
    if ((k = list_find(world, w)))
        module = beamr_module_ref(k->module);
    (void)pthread_mutex_unlock(&world->lock);
    return module;
}

/* By hash, and then all bytes. */
static beamr_module *find_equal(drv_world *world, const wanted *w)
{
    beamr_module *module = NULL;
    known *k;

    (void)pthread_mutex_lock(&world->lock);
    if ((k = list_find(world, w)))
        atomic_fetch_add(&k->refs, 1);
    (void)pthread_mutex_unlock(&world->lock);
    if (!k)
        return NULL;
    if (w->image->bytes.len == 0 ||
        memcmp(k->image.bytes.data, w->image->bytes.data, w->image->bytes.len) == 0)
        module = beamr_module_ref(k->module);
    known_unref(k);
    return module;
}

/* Keep a module, unless another thread has done so meanwhile. To be known is a help and no
 * need: without memory it is not. */
static void keep(drv_world *world, const wanted *w, beamr_module *module)
{
    known *k = NULL, *rest = NULL;

    if (w->image->bytes.len > DRV_WORLD_BYTES / 4 ||
        !(k = known_new(w->image, w->hash, w->is_metered, module)))
        return;
    (void)pthread_mutex_lock(&world->lock);
    if (!list_find(world, w)) {
        k->next = world->first;
        world->first = k;
        k = NULL;
        rest = list_cut(world);
    }
    (void)pthread_mutex_unlock(&world->lock);
    known_unref(k);
    list_free(rest);
}

/* ---- Loading ---- */

#define LONG_BYTES 65536u

/* Of the ranges of address space that a process may have three quarters, a half of these for
 * each engine: the emulator needs some, and ends itself when it gets none. */
static uint64_t most_mappings(void)
{
    unsigned long long most = 65530; /* Linux's default */
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");

    if (f) {
        if (fscanf(f, "%llu", &most) != 1 || most < 16)
            most = 65530;
        (void)fclose(f);
    }
    return most / 8 * 3;
}

static beamr_status engine_get(drv_world *world, bool is_metered, beamr_engine **out,
                               beamr_error *err)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_status st = BEAMR_OK;

    config.unguarded = true;
    config.metering = is_metered;
    config.max_mappings = most_mappings();
    (void)pthread_mutex_lock(&world->lock);
    if (!world->engines[is_metered])
        st = beamr_engine_new(&config, &world->engines[is_metered], err);
    *out = world->engines[is_metered];
    (void)pthread_mutex_unlock(&world->lock);
    return st;
}

/* What compilers ahead of time make, for other engines. */
static bool is_code_object(beamr_bytes bytes)
{
    return bytes.len >= 4 && (memcmp(bytes.data, "\0aot", 4) == 0 || memcmp(bytes.data,
                                                                            "\x7f"
                                                                            "ELF",
                                                                            4) == 0);
}

static beamr_status load(drv_world *world, const wanted *w, beamr_module **out,
                         beamr_error *err)
{
    bool is_long = world->long_begin && w->image->bytes.len > LONG_BYTES;
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_status st;

    if (is_code_object(w->image->bytes))
        return beamr_fail(
            err, BEAMR_UNSUPPORTED, 0,
            "this is native code, compiled ahead of time for another engine; start "
            "the WebAssembly module that it was compiled from");
    if ((st = engine_get(world, w->is_metered, &engine, err)) != BEAMR_OK)
        return st;
    if (is_long)
        world->long_begin(world->long_user);
    st = beamr_module_load(engine, w->image->bytes, &module, err);
    if (is_long)
        world->long_end(world->long_user);
    if (st != BEAMR_OK)
        return st;
    keep(world, w, module);
    /* The one that another thread was first with, if so. */
    if ((*out = find_equal(world, w)))
        beamr_module_unref(module);
    else
        *out = module;
    return BEAMR_OK;
}

beamr_status drv_world_module(drv_world *world, const drv_image *image, bool is_metered,
                              BEAMR_OWN beamr_module **out, beamr_error *err)
{
    wanted w = {.image = image, .is_metered = is_metered};
    beamr_module *module = find_same(world, &w);

    if (!module) {
        w.has_hash = true;
        w.hash = XXH3_64bits(image->bytes.data, image->bytes.len);
        module = find_equal(world, &w);
    }
    if (!module)
        return load(world, &w, out, err);
    *out = module;
    return BEAMR_OK;
}

/* ---- The world ---- */

beamr_status drv_world_new(BEAMR_OWN drv_world **out, beamr_error *err)
{
    drv_world *world = calloc(1, sizeof *world);

    if (!world || pthread_mutex_init(&world->lock, NULL) != 0) {
        free(world);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the driver's modules");
    }
    *out = world;
    return BEAMR_OK;
}

void drv_world_set_long(drv_world *world, void (*begin)(void *user), void (*end)(void *user),
                        void *user)
{
    world->long_begin = begin;
    world->long_end = end;
    world->long_user = user;
}

void drv_world_free(drv_world *world)
{
    if (!world)
        return;
    list_free(world->first);
    beamr_engine_free(world->engines[0]);
    beamr_engine_free(world->engines[1]);
    (void)pthread_mutex_destroy(&world->lock);
    free(world);
}

beamr_engine *drv_world_engine(drv_world *world, bool is_metered)
{
    beamr_engine *engine;

    (void)pthread_mutex_lock(&world->lock);
    engine = world->engines[is_metered];
    (void)pthread_mutex_unlock(&world->lock);
    return engine;
}

size_t drv_world_largest(drv_world *world, const beamr_module *module)
{
    size_t largest = SIZE_MAX;

    (void)pthread_mutex_lock(&world->lock);
    for (const known *k = world->first; k; k = k->next)
        if (k->module == module) {
            largest = k->largest;
            break;
        }
    (void)pthread_mutex_unlock(&world->lock);
    return largest;
}

size_t drv_world_module_count(drv_world *world)
{
    size_t count;

    (void)pthread_mutex_lock(&world->lock);
    count = world->count;
    (void)pthread_mutex_unlock(&world->lock);
    return count;
}

size_t drv_world_module_bytes(drv_world *world)
{
    size_t bytes;

    (void)pthread_mutex_lock(&world->lock);
    bytes = world->bytes;
    (void)pthread_mutex_unlock(&world->lock);
    return bytes;
}
