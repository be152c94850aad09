/* What the devices that run guests share: engines and modules. world.h; what stands idle is in
 * idle.c, and native code in compile.c.
 *
 * Modules are remembered by the SHA-256 of their bytes, those that are to be native apart from
 * those that are interpreted: which way a process runs is its own `mode`, and does not depend
 * on the others. The hash of three megabytes takes
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
#define AOT_DEFAULT_MS 60000
#define AOT_MAX_MS (24 * 60 * 60 * 1000)
#define AOT_DEFAULT_BYTES (INT64_C(4) << 30)
#define KEPT_BYTES ((size_t)64 << 20)

enum { PLAIN, METERED, ENGINES };

typedef struct entry {
    uint8_t hash[BEAMR_MODULE_ID_SIZE];
    bool is_metered;
    beamr_module *module; /* counted */
    dev_code *code;       /* counted; NULL: it is interpreted */
    ao_value binary;      /* counted; AO_NONE: not kept */
    uint64_t used;        /* when: of `tick` */
} entry;

struct dev_world {
    _Atomic size_t count;
    uint64_t max_bytes;  /* of all guests */
    uint64_t host_bytes; /* of one */
    size_t module_bytes; /* of a module; 0: the engine's own limit */
    pthread_mutex_t lock;
    beamr_engine *engines[ENGINES]; /* NULL: not made yet */
    entry *entries;                 /* `cache_max` of them */
    size_t entry_count, cache_max;
    size_t kept_bytes;
    uint64_t tick;
    _Atomic(beamr_store *) running; /* NULL: none */
    _Atomic bool was_interrupted;   /* since it runs, or before the next does */
    idle_list idle;
    dev_compiler compiler;
};

/* ---- The world ---- */

static beamr_status number_option(const ao_message *values, const char *name, int64_t min,
                                  int64_t max, int64_t *number, beamr_error *err)
{
    ao_value value = values ? ao_message_find_text(values, name) : AO_NO_VALUE;

    if (value.kind == AO_NONE)
        return BEAMR_OK;
    if (!ao_to_integer(value, number) || *number < min || *number > max)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the option %s is no number from %lld to %lld", name, (long long)min,
                          (long long)max);
    return BEAMR_OK;
}

typedef struct other_options {
    int64_t idle_ms, aot_ms, aot_bytes;
} other_options;

static beamr_status read_options(dev_world *world, const ao_message *values,
                                 other_options *others, beamr_error *err)
{
    int64_t all = 0, one = 0, module = 0, cache = CACHE_DEFAULT;
    const struct {
        const char *name;
        int64_t min, max, *number;
    } options[] = {
        {"wasm_max_memory", 0, INT64_MAX, &all},
        {"wasm_max_guest_memory", 0, INT64_MAX, &one},
        {"wasm_max_module_size", 0, INT64_MAX, &module},
        {"wasm_cache", 0, CACHE_MAX, &cache},
        {"wasm_idle_time", 0, IDLE_MAX_MS, &others->idle_ms},
        {"wasm_aot_time", 1, AOT_MAX_MS, &others->aot_ms},
        {"wasm_aot_memory", 1, INT64_MAX, &others->aot_bytes},
    };
    beamr_status st = BEAMR_OK;

    *others = (other_options){IDLE_DEFAULT_MS, AOT_DEFAULT_MS, AOT_DEFAULT_BYTES};
    for (size_t i = 0; i < sizeof options / sizeof options[0] && st == BEAMR_OK; i++)
        st = number_option(values, options[i].name, options[i].min, options[i].max,
                           options[i].number, err);
    if (st != BEAMR_OK)
        return st;
    world->max_bytes = (uint64_t)all;
    world->host_bytes = (uint64_t)one;
    world->module_bytes = (size_t)module;
    world->cache_max = (size_t)cache;
    return BEAMR_OK;
}

beamr_status dev_world_new(const ao_settings *settings, BEAMR_OWN dev_world **out,
                           beamr_error *err)
{
    dev_world *world = calloc(1, sizeof *world);
    other_options others;
    beamr_status st;

    if (!world)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the devices");
    world->count = 1;
    st = read_options(world, settings ? settings->values : NULL, &others, err);
    if (st == BEAMR_OK)
        st = idle_init(&world->idle, (uint64_t)others.idle_ms * 1000000, err);
    if (st == BEAMR_OK &&
        (st = compiler_init(&world->compiler, settings, (uint64_t)others.aot_ms,
                            (uint64_t)others.aot_bytes, err)) != BEAMR_OK)
        idle_clear(&world->idle);
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
        dev_code_unref(world->entries[i].code);
        ao_value_unref(world->entries[i].binary);
    }
    free(world->entries);
    compiler_clear(&world->compiler);
    for (size_t i = 0; i < ENGINES; i++)
        beamr_engine_free(world->engines[i]);
    idle_clear(&world->idle);
    (void)pthread_mutex_destroy(&world->lock);
    free(world);
}

static void stop_idle(void *user)
{
    dev_world *world = user;

    idle_stop(&world->idle, free_world, world);
}

void dev_world_close(dev_world *world)
{
    compiler_end(&world->compiler);
    dev_world_unref(world);
}

void dev_world_unref(dev_world *world)
{
    if (world && --world->count == 0)
        compiler_stop(&world->compiler, stop_idle, world);
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
    config.max_module_size = world->module_bytes;
    if (!*engine)
        st = beamr_engine_new(&config, engine, err);
    *out = *engine;
    return st;
}

/* ---- Images ---- */

/* A module as it is remembered. Both are counted. */
typedef struct loaded {
    beamr_module *module; /* NULL: none */
    dev_code *code;
} loaded;

static loaded loaded_ref(beamr_module *module, dev_code *code)
{
    return (loaded){beamr_module_ref(module), dev_code_ref(code)};
}

static void loaded_unref(loaded l)
{
    beamr_module_unref(l.module);
    dev_code_unref(l.code);
}

/* What the message declares, on a module of this world. */
static beamr_status image_new(dev_world *world, loaded l, bool is_metered,
                              const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                              beamr_error *err)
{
    dev_image *image = calloc(1, sizeof *image);

    if (!image)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an image");
    image->count = 1;
    image->world = dev_world_ref(world);
    image->engine = world->engines[is_metered ? METERED : PLAIN];
    image->module = beamr_module_ref(l.module);
    image->code = dev_code_ref(l.code);
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
    dev_code_unref(image->code);
    dev_world_unref(image->world);
    free(image);
}

beamr_status dev_image_compile(dev_image *image, ao_call *call, dev_waiting *wait,
                               ao_function then, beamr_error *err)
{
    if (!image->code)
        return then(call, err);
    return compiler_wait(&image->world->compiler, image->code, call, wait, then, err);
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

/* What an entry is found by: a hash, or if that is NULL the binary that it was loaded from; and
 * the way in which its instances run. */
typedef struct key {
    const uint8_t *hash;
    ao_value binary; /* borrowed; may be AO_NONE */
    bool is_metered, is_native;
} key;

static entry *find(dev_world *world, const key *k)
{
    for (size_t i = 0; i < world->entry_count; i++) {
        entry *e = &world->entries[i];

        if (e->is_metered == k->is_metered && (e->code != NULL) == k->is_native &&
            (k->hash
                 ? memcmp(e->hash, k->hash, sizeof e->hash) == 0
                 : e->binary.kind == AO_BINARY && e->binary.of.binary == k->binary.of.binary)) {
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
    loaded_unref((loaded){oldest->module, oldest->code});
    return oldest;
}

/* ---- Loading ---- */

/* Find a module.
 *   out  nothing when it is not remembered */
static void recall(dev_world *world, const key *k, loaded *out)
{
    entry *e;

    *out = (loaded){0};
    (void)pthread_mutex_lock(&world->lock);
    e = find(world, k);
    if (e && k->hash)
        keep_binary(world, e, k->binary);
    if (e)
        *out = loaded_ref(e->module, e->code);
    (void)pthread_mutex_unlock(&world->lock);
}

/* Remember a module. If another thread was faster, its module takes this one's place, so that
 * one module is compiled and not two. */
static void remember(dev_world *world, const key *k, loaded *l)
{
    loaded mine = *l;
    entry *e;

    (void)pthread_mutex_lock(&world->lock);
    if ((e = find(world, k)) != NULL) {
        *l = loaded_ref(e->module, e->code);
        loaded_unref(mine);
    } else if ((e = entry_for_new(world)) != NULL) {
        mine = loaded_ref(l->module, l->code);
        *e = (entry){.is_metered = k->is_metered,
                     .module = mine.module,
                     .code = mine.code,
                     .used = ++world->tick};
        memcpy(e->hash, k->hash, sizeof e->hash);
        keep_binary(world, e, k->binary);
    }
    (void)pthread_mutex_unlock(&world->lock);
}

/* A module of the engine that its key wants.
 *   out  to be given back, also after a failure */
static beamr_status load_new(dev_world *world, beamr_bytes wasm, const key *k, loaded *out,
                             beamr_error *err)
{
    beamr_engine *engine;
    beamr_status st;

    (void)pthread_mutex_lock(&world->lock);
    st = engine_of(world, k->is_metered, &engine, err);
    (void)pthread_mutex_unlock(&world->lock);
    if (st == BEAMR_OK)
        st = beamr_module_load(engine, wasm, &out->module, err);
    if (st == BEAMR_OK && k->is_native && !(out->code = dev_code_new(out->module)))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a module");
    return st;
}

static beamr_status load_module(dev_world *world, beamr_bytes wasm, key k, loaded *out,
                                beamr_error *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    beamr_status st = crypto_sha256(wasm, hash, err);

    if (st != BEAMR_OK)
        return st;
    k.hash = hash;
    recall(world, &k, out);
    if (out->module)
        return BEAMR_OK;
    if ((st = load_new(world, wasm, &k, out, err)) == BEAMR_OK)
        remember(world, &k, out);
    return st;
}

static beamr_status load(dev_world *world, beamr_bytes wasm, ao_value binary,
                         const dev_image_limits *limits, dev_image **out, beamr_error *err)
{
    key k = {NULL, binary, is_metered(world, limits), limits->is_native};
    loaded l = {0};
    beamr_status st = BEAMR_OK;

    if (binary.kind == AO_BINARY)
        recall(world, &k, &l);
    if (!l.module)
        st = load_module(world, wasm, k, &l, err);
    if (st == BEAMR_OK)
        st = image_new(world, l, k.is_metered, limits, out, err);
    loaded_unref(l);
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
    key k = {hash, AO_NO_VALUE, is_metered(world, limits), limits->is_native};
    loaded l;
    beamr_status st;

    *out = NULL;
    recall(world, &k, &l);
    if (!l.module)
        return BEAMR_OK;
    st = image_new(world, l, k.is_metered, limits, out, err);
    loaded_unref(l);
    return st;
}

/* ---- Interrupts ---- */

void dev_world_running(dev_world *world, beamr_store *store)
{
    world->running = store;
    if (world->was_interrupted)
        beamr_store_interrupt(store);
}

void dev_world_rests(dev_world *world, beamr_store *store)
{
    world->running = NULL;
    if (world->was_interrupted) {
        world->was_interrupted = false;
        beamr_store_clear_interrupt(store);
    }
}

void dev_world_interrupt(dev_world *world)
{
    beamr_store *store = world->running;

    world->was_interrupted = true;
    if (store)
        beamr_store_interrupt(store);
}

void dev_world_forget_interrupt(dev_world *world)
{
    world->was_interrupted = false;
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

/* ---- Alarms ---- */

beamr_status dev_world_set_alarm(dev_world *world, dev_alarm *alarm, uint64_t due,
                                 beamr_error *err)
{
    return idle_set_alarm(&world->idle, alarm, due, err);
}

void dev_world_clear_alarm(dev_world *world, dev_alarm *alarm)
{
    idle_clear_alarm(&world->idle, alarm);
}
