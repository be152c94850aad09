/* What the devices that run guests share: engines and modules. world.h; what stands idle is in
 * idle.c.
 *
 * Modules are remembered by the SHA-256 of their bytes. The hash of three megabytes takes
 * longer than an instance, so an entry also keeps the binary that it was last loaded from: a
 * message that is initialised again brings the same object. Of these at most KEPT_BYTES are
 * kept. */
#include "device/world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "device/idle.h"

#define CACHE_DEFAULT 64
#define CACHE_MAX 65536
#define IDLE_DEFAULT_MS 300000
#define IDLE_MAX_MS (INT64_MAX / 1000000)
#define KEPT_BYTES ((size_t)64 << 20)

enum { PLAIN, METERED, ENGINES };

typedef struct entry {
    uint8_t hash[BEAMR_MODULE_ID_SIZE];
    bool is_metered;
    beamr_module *module; /* counted */
    ao_value binary;      /* counted; AO_NONE: not kept */
    uint64_t used;        /* when: of `tick` */
} entry;

struct dev_world {
    _Atomic size_t count;
    uint64_t max_bytes;  /* of all guests */
    uint64_t host_bytes; /* of one */
    pthread_mutex_t lock;
    beamr_engine *engines[ENGINES]; /* NULL: not made yet */
    entry *entries;                 /* `cache_max` of them */
    size_t entry_count, cache_max;
    size_t kept_bytes;
    uint64_t tick;
    _Atomic(beamr_store *) running; /* NULL: none */
    idle_list idle;
};

/* ---- The world ---- */

static beamr_status number_option(const ao_message *values, const char *name, int64_t max,
                                  int64_t *number, beamr_error *err)
{
    ao_value value = values ? ao_message_find_text(values, name) : AO_NO_VALUE;

    if (value.kind == AO_NONE)
        return BEAMR_OK;
    if (!ao_to_integer(value, number) || *number < 0 || *number > max)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the option %s is no number from 0 to %lld",
                          name, (long long)max);
    return BEAMR_OK;
}

static beamr_status read_options(dev_world *world, const ao_message *values, int64_t *idle_ms,
                                 beamr_error *err)
{
    int64_t all = 0, one = 0, cache = CACHE_DEFAULT;
    beamr_status st;

    *idle_ms = IDLE_DEFAULT_MS;
    if ((st = number_option(values, "wasm_max_memory", INT64_MAX, &all, err)) != BEAMR_OK ||
        (st = number_option(values, "wasm_max_guest_memory", INT64_MAX, &one, err)) !=
            BEAMR_OK ||
        (st = number_option(values, "wasm_cache", CACHE_MAX, &cache, err)) != BEAMR_OK ||
        (st = number_option(values, "wasm_idle_time", IDLE_MAX_MS, idle_ms, err)) != BEAMR_OK)
        return st;
    world->max_bytes = (uint64_t)all;
    world->host_bytes = (uint64_t)one;
    world->cache_max = (size_t)cache;
    return BEAMR_OK;
}

beamr_status dev_world_new(const ao_settings *settings, BEAMR_OWN dev_world **out,
                           beamr_error *err)
{
    dev_world *world = calloc(1, sizeof *world);
    int64_t idle_ms;
    beamr_status st;

    if (!world)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the devices");
    world->count = 1;
    st = read_options(world, settings ? settings->values : NULL, &idle_ms, err);
    if (st == BEAMR_OK)
        st = idle_init(&world->idle, (uint64_t)idle_ms * 1000000, err);
    if (st != BEAMR_OK) {
        free(world);
        return st;
    }
    (void)pthread_mutex_init(&world->lock, NULL);
    *out = world;
    return BEAMR_OK;
}

dev_world *dev_world_ref(dev_world *world)
{
    world->count++;
    return world;
}

static void free_world(void *user)
{
    dev_world *world = user;

    for (size_t i = 0; i < world->entry_count; i++) {
        beamr_module_unref(world->entries[i].module);
        ao_value_unref(world->entries[i].binary);
    }
    free(world->entries);
    for (size_t i = 0; i < ENGINES; i++)
        beamr_engine_free(world->engines[i]);
    (void)pthread_mutex_destroy(&world->lock);
    (void)pthread_mutex_destroy(&world->idle.lock);
    (void)pthread_cond_destroy(&world->idle.stop);
    free(world);
}

void dev_world_unref(dev_world *world)
{
    if (world && --world->count == 0)
        idle_stop(&world->idle, free_world, world);
}

dev_world *dev_world_of(const ao_context *context)
{
    return context->world;
}

/* The engine, made when it is first needed. The lock is held. */
static beamr_status engine_of(dev_world *world, bool is_metered, beamr_engine **out,
                              beamr_error *err)
{
    beamr_engine **engine = &world->engines[is_metered ? METERED : PLAIN];
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_status st = BEAMR_OK;

    config.metering = is_metered;
    config.max_bytes = world->max_bytes;
    if (!*engine)
        st = beamr_engine_new(&config, engine, err);
    *out = *engine;
    return st;
}

/* ---- Images ---- */

/* What the message declares, on a module of this world. */
static beamr_status image_new(dev_world *world, beamr_module *module, bool is_metered,
                              const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                              beamr_error *err)
{
    dev_image *image = calloc(1, sizeof *image);

    if (!image)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an image");
    image->count = 1;
    image->world = dev_world_ref(world);
    image->engine = world->engines[is_metered ? METERED : PLAIN];
    image->module = beamr_module_ref(module);
    image->is_metered = is_metered;
    image->max_pages = limits->max_pages;
    image->max_fuel = limits->max_fuel;
    image->host_bytes = world->host_bytes;
    *out = image;
    return BEAMR_OK;
}

dev_image *dev_image_ref(dev_image *image)
{
    image->count++;
    return image;
}

void dev_image_unref(dev_image *image)
{
    if (!image || --image->count > 0)
        return;
    beamr_module_unref(image->module);
    dev_world_unref(image->world);
    free(image);
}

/* The budget of all guests is the engine's, so that there must be one engine. */
static bool is_metered(const dev_world *world, const dev_image_limits *limits)
{
    return limits->is_metered || limits->max_fuel > 0 || world->max_bytes > 0;
}

/* ---- Modules that are remembered; the lock is held ---- */

static void forget_binary(dev_world *world, entry *e)
{
    world->kept_bytes -= ao_bytes(e->binary).len;
    ao_value_unref(e->binary);
    e->binary = AO_NO_VALUE;
}

static void keep_binary(dev_world *world, entry *e, ao_value binary)
{
    size_t len = ao_bytes(binary).len;

    if (binary.kind != AO_BINARY ||
        (e->binary.kind == AO_BINARY && e->binary.of.binary == binary.of.binary))
        return;
    forget_binary(world, e);
    if (len > KEPT_BYTES - world->kept_bytes)
        return;
    e->binary = ao_value_ref(binary);
    world->kept_bytes += len;
}

static entry *find(dev_world *world, const uint8_t *hash, ao_value binary, bool metered)
{
    for (size_t i = 0; i < world->entry_count; i++) {
        entry *e = &world->entries[i];

        if (e->is_metered == metered &&
            (hash ? memcmp(e->hash, hash, sizeof e->hash) == 0
                  : e->binary.kind == AO_BINARY && e->binary.of.binary == binary.of.binary)) {
            e->used = ++world->tick;
            return e;
        }
    }
    return NULL;
}

/* An entry that can be written: a new one, or that of the module which was not used longest.
 * NULL: nothing is remembered here, or there is no memory for it. */
static entry *entry_for_new(dev_world *world)
{
    entry *oldest = world->entries;

    if (!world->entries && world->cache_max > 0)
        world->entries = calloc(world->cache_max, sizeof *world->entries);
    if (!world->entries)
        return NULL;
    if (world->entry_count < world->cache_max)
        return &world->entries[world->entry_count++];
    for (size_t i = 1; i < world->entry_count; i++) {
        if (world->entries[i].used < oldest->used)
            oldest = &world->entries[i];
    }
    forget_binary(world, oldest);
    beamr_module_unref(oldest->module);
    return oldest;
}

/* ---- Loading ---- */

/* Find a module by its hash, or if that is NULL by the binary that it was loaded from.
 *   out  counted; NULL when it is not remembered */
static void recall(dev_world *world, const uint8_t *hash, ao_value binary, bool metered,
                   beamr_module **out)
{
    entry *e;

    (void)pthread_mutex_lock(&world->lock);
    e = find(world, hash, binary, metered);
    if (e && hash)
        keep_binary(world, e, binary);
    *out = e ? beamr_module_ref(e->module) : NULL;
    (void)pthread_mutex_unlock(&world->lock);
}

/* Remember a module, unless another thread was faster. */
static void remember(dev_world *world, const uint8_t *hash, ao_value binary, bool metered,
                     beamr_module *module)
{
    entry *e;

    (void)pthread_mutex_lock(&world->lock);
    if (!find(world, hash, binary, metered) && (e = entry_for_new(world)) != NULL) {
        *e = (entry){
            .is_metered = metered, .module = beamr_module_ref(module), .used = ++world->tick};
        memcpy(e->hash, hash, sizeof e->hash);
        keep_binary(world, e, binary);
    }
    (void)pthread_mutex_unlock(&world->lock);
}

static beamr_status load_module(dev_world *world, beamr_bytes wasm, ao_value binary,
                                bool metered, beamr_module **out, beamr_error *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    beamr_engine *engine;
    beamr_status st = crypto_sha256(wasm, hash, err);

    if (st != BEAMR_OK)
        return st;
    recall(world, hash, binary, metered, out);
    if (*out)
        return BEAMR_OK;
    (void)pthread_mutex_lock(&world->lock);
    st = engine_of(world, metered, &engine, err);
    (void)pthread_mutex_unlock(&world->lock);
    if (st == BEAMR_OK)
        st = beamr_module_load(engine, wasm, out, err);
    if (st == BEAMR_OK)
        remember(world, hash, binary, metered, *out);
    return st;
}

static beamr_status load(dev_world *world, beamr_bytes wasm, ao_value binary,
                         const dev_image_limits *limits, dev_image **out, beamr_error *err)
{
    bool metered = is_metered(world, limits);
    beamr_module *module = NULL;
    beamr_status st = BEAMR_OK;

    if (binary.kind == AO_BINARY)
        recall(world, NULL, binary, metered, &module);
    if (!module)
        st = load_module(world, wasm, binary, metered, &module, err);
    if (st == BEAMR_OK)
        st = image_new(world, module, metered, limits, out, err);
    beamr_module_unref(module);
    return st;
}

beamr_status dev_image_load(dev_world *world, beamr_bytes wasm, const dev_image_limits *limits,
                            BEAMR_OWN dev_image **out, beamr_error *err)
{
    return load(world, wasm, AO_NO_VALUE, limits, out, err);
}

beamr_status dev_image_load_binary(dev_world *world, ao_value binary,
                                   const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                                   beamr_error *err)
{
    return load(world, ao_bytes(binary), binary, limits, out, err);
}

beamr_status dev_image_find(dev_world *world, const uint8_t hash[BEAMR_MODULE_ID_SIZE],
                            const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                            beamr_error *err)
{
    bool metered = is_metered(world, limits);
    beamr_module *module;
    beamr_status st;

    *out = NULL;
    recall(world, hash, AO_NO_VALUE, metered, &module);
    if (!module)
        return BEAMR_OK;
    st = image_new(world, module, metered, limits, out, err);
    beamr_module_unref(module);
    return st;
}

/* ---- Interrupts ---- */

void dev_world_running(dev_world *world, beamr_store *store)
{
    world->running = store;
}

void dev_world_interrupt(dev_world *world)
{
    beamr_store *store = world->running;

    if (store)
        beamr_store_interrupt(store);
}

/* ---- Idle instances ---- */

void dev_world_rest(dev_world *world, dev_idle *idle)
{
    idle_rest(&world->idle, idle);
}

void dev_world_wake(dev_world *world, dev_idle *idle)
{
    idle_wake(&world->idle, idle);
}
