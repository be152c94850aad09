/* The linker: imports looked up by their two names, in a hash table of chains.
 * Names may come from guests (beamr_linker_define_instance), so the hash is seeded: nobody can
 * prepare a module whose names all meet in one chain. Types are checked by the runtime. */
#include "beamr/entry.h"

#include <stdlib.h>
#include <sys/random.h>

#include "engine/internal.h"

typedef struct definition {
    struct definition *next; /* of its chain */
    uint64_t hash;
    beamr_extern item;
    size_t module_len;
    size_t name_len;
    uint8_t names[]; /* module, then name */
} definition;

struct beamr_linker {
    beamr_store *store;
    uint64_t seed[2];
    definition **chains;
    size_t chain_count; /* a power of two, or 0 */
    size_t count;
    beamr_resolver resolver;
    void *user;
};

/* ---- Hash table ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(const beamr_linker *l, uint64_t h, beamr_bytes bytes)
{
    uint64_t word;

    for (size_t i = 0; i < bytes.len; i += sizeof word) {
        size_t left = bytes.len - i;

        word = 0;
        memcpy(&word, bytes.data + i, left < sizeof word ? left : sizeof word);
        h = fold(h ^ word, l->seed[1]);
    }
    return fold(h ^ bytes.len, l->seed[1]);
}

static uint64_t hash_names(const beamr_linker *l, beamr_bytes module, beamr_bytes name)
{
    return hash_bytes(l, hash_bytes(l, l->seed[0], module), name);
}

static bool is_named(const definition *d, beamr_bytes module, beamr_bytes name)
{
    beamr_bytes own_module = {d->names, d->module_len};
    beamr_bytes own_name = {d->names + d->module_len, d->name_len};

    return engine_bytes_equal(own_module, module) && engine_bytes_equal(own_name, name);
}

static definition *find(const beamr_linker *l, uint64_t hash, beamr_bytes module,
                        beamr_bytes name)
{
    definition *d = l->chain_count ? l->chains[hash & (l->chain_count - 1)] : NULL;

    while (d && !(d->hash == hash && is_named(d, module, name)))
        d = d->next;
    return d;
}

/* Room for one more.  Returns false when memory is gone. */
static bool chains_ensure(beamr_linker *l)
{
    size_t count = l->chain_count ? l->chain_count * 2 : 64;
    definition **chains;

    if (l->count < l->chain_count)
        return true;
    if (!(chains = calloc(count, sizeof *chains)))
        return false;
    for (size_t i = 0; i < l->chain_count; i++)
        while (l->chains[i]) {
            definition *d = l->chains[i];
            definition **chain = &chains[d->hash & (count - 1)];

            l->chains[i] = d->next;
            d->next = *chain;
            *chain = d;
        }
    free(l->chains);
    l->chains = chains;
    l->chain_count = count;
    return true;
}

static definition *definition_new(uint64_t hash, beamr_bytes module, beamr_bytes name)
{
    definition *d;
    size_t size;

    if (__builtin_add_overflow(module.len, name.len, &size) ||
        __builtin_add_overflow(size, sizeof *d, &size) || !(d = malloc(size)))
        return NULL;
    d->hash = hash;
    d->module_len = module.len;
    d->name_len = name.len;
    if (module.len > 0)
        memcpy(d->names, module.data, module.len);
    if (name.len > 0)
        memcpy(d->names + module.len, name.data, name.len);
    return d;
}

/* ---- Linkers ---- */

beamr_status beamr_linker_new(beamr_store *store, beamr_linker **out, beamr_error *err)
{
    beamr_linker *l = calloc(1, sizeof *l);

    if (!l)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a linker");
    l->store = store;
    if (getrandom(l->seed, sizeof l->seed, GRND_NONBLOCK) != (ssize_t)sizeof l->seed)
        l->seed[0] = l->seed[1] = (uintptr_t)l; /* early at boot; an address is better than 0 */
    l->seed[1] |= 1;
    *out = l;
    return BEAMR_OK;
}

void beamr_linker_free(beamr_linker *linker)
{
    if (!linker)
        return;
    for (size_t i = 0; i < linker->chain_count; i++)
        while (linker->chains[i]) {
            definition *d = linker->chains[i];

            linker->chains[i] = d->next;
            free(d);
        }
    free(linker->chains);
    free(linker);
}

static const abi_store *item_store(const beamr_extern *item)
{
    switch (item->kind) {
    case BEAMR_EXTERN_FUNC:
        return engine_func(item->of.func)->store;
    case BEAMR_EXTERN_TABLE:
        return engine_table(item->of.table)->store;
    case BEAMR_EXTERN_MEMORY:
        return engine_memory(item->of.memory)->store;
    case BEAMR_EXTERN_GLOBAL:
        return engine_global(item->of.global)->store;
    case BEAMR_EXTERN_TAG:
        return engine_tag(item->of.tag)->store;
    }
    return NULL;
}

/* Where a name is defined: a definition that is there, or a new one that is to be placed.
 * Errors: BEAMR_NO_MEMORY. */
static beamr_status definition_get(beamr_linker *linker, beamr_bytes module, beamr_bytes name,
                                   definition **out, bool *is_new, beamr_error *err)
{
    uint64_t hash = hash_names(linker, module, name);
    definition *d = find(linker, hash, module, name);

    *is_new = !d;
    if (!d && (!chains_ensure(linker) || !(d = definition_new(hash, module, name))))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a definition");
    *out = d;
    return BEAMR_OK;
}

static void definition_place(beamr_linker *linker, definition *d)
{
    definition **chain = &linker->chains[d->hash & (linker->chain_count - 1)];

    d->next = *chain;
    *chain = d;
    linker->count++;
}

beamr_status beamr_linker_define(beamr_linker *linker, beamr_bytes module, beamr_bytes name,
                                 beamr_extern item, beamr_error *err)
{
    definition *d;
    bool is_new;

    if (!item.of.func || item_store(&item) != engine_store(linker->store))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%s to be defined is of another store",
                          item.of.func ? beamr_extern_kind_text(item.kind) : "NULL");
    BEAMR_TRY(definition_get(linker, module, name, &d, &is_new, err));
    d->item = item;
    if (is_new)
        definition_place(linker, d);
    return BEAMR_OK;
}

beamr_status beamr_linker_define_func(beamr_linker *linker, const char *module,
                                      const char *name, const beamr_functype *type,
                                      beamr_host_func callback, void *user, beamr_error *err)
{
    beamr_host host = {.callback = callback, .user = user};

    if (!callback)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a host function without a callback");
    return beamr_linker_define_host(linker, module, name, type, &host, err);
}

beamr_status beamr_linker_define_host(beamr_linker *linker, const char *module,
                                      const char *name, const beamr_functype *type,
                                      const beamr_host *host, beamr_error *err)
{
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_host named = *host;
    definition *d;
    bool is_new;
    beamr_status st;

    named.module = beamr_bytes_of(module);
    named.name = beamr_bytes_of(name);
    /* First: once the function is made, the store calls its finalizer. */
    BEAMR_TRY(definition_get(linker, named.module, named.name, &d, &is_new, err));
    st = beamr_func_make(linker->store, type, &named, &item.of.func, err);
    if (st == BEAMR_OK) {
        d->item = item;
        if (is_new)
            definition_place(linker, d);
    } else if (is_new) {
        free(d);
    }
    return st;
}

beamr_status beamr_linker_define_instance(beamr_linker *linker, beamr_bytes module,
                                          const beamr_instance *instance, beamr_error *err)
{
    const wb_module *w = engine_instance(instance)->wasm;

    for (uint32_t i = 0; i < w->export_count; i++) {
        beamr_extern item = beamr_instance_export(instance, i);

        if (!item.of.func)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an export");
        BEAMR_TRY(beamr_linker_define(linker, module, w->exports[i].name, item, err));
    }
    return BEAMR_OK;
}

void beamr_linker_set_resolver(beamr_linker *linker, beamr_resolver resolver, void *user)
{
    linker->resolver = resolver;
    linker->user = user;
}

bool beamr_linker_find(const beamr_linker *linker, beamr_bytes module, beamr_bytes name,
                       beamr_extern *out)
{
    const definition *d = find(linker, hash_names(linker, module, name), module, name);

    if (!d)
        return false;
    *out = d->item;
    return true;
}

bool beamr_linker_resolve(const beamr_linker *linker, const beamr_import *import,
                          beamr_extern *out)
{
    if (beamr_linker_find(linker, import->module, import->name, out))
        return true;
    return linker->resolver && linker->resolver(linker->user, linker->store, import, out);
}

beamr_store *beamr_linker_store(const beamr_linker *linker)
{
    return linker->store;
}

/* ---- Instantiation ---- */

static beamr_status fail_unknown(const beamr_import *import, beamr_error *err)
{
    char module[RT_NAME_SIZE], name[RT_NAME_SIZE], type[256];

    return beamr_fail(err, BEAMR_UNLINKABLE, 0, "unknown import %s.%s (%s)",
                      rt_name_text(import->module, module, sizeof module),
                      rt_name_text(import->name, name, sizeof name),
                      beamr_externtype_text(&import->type, type, sizeof type));
}

static beamr_status resolve(const beamr_linker *l, const beamr_module *module, size_t i,
                            beamr_extern *out, beamr_error *err)
{
    beamr_import import = beamr_module_import(module, i);

    return beamr_linker_resolve(l, &import, out) ? BEAMR_OK : fail_unknown(&import, err);
}

beamr_status beamr_linker_instantiate(beamr_linker *linker, beamr_module *module,
                                      beamr_instance **out, beamr_error *err)
{
    return beamr_linker_begin(linker, module, out, NULL, err);
}

beamr_status beamr_linker_begin(beamr_linker *linker, beamr_module *module,
                                beamr_instance **out, beamr_entry *entry, beamr_error *err)
{
    size_t count = beamr_module_import_count(module);
    beamr_extern *imports = NULL;
    beamr_status st = BEAMR_OK;

    if (count > 0 && !(imports = calloc(count, sizeof *imports)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu imports", count);
    for (size_t i = 0; i < count && st == BEAMR_OK; i++)
        st = resolve(linker, module, i, &imports[i], err);
    if (st == BEAMR_OK)
        st = beamr_instance_begin(linker->store, module, imports, count, out, entry, err);
    free(imports);
    return st;
}
