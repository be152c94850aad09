/* An instance with its store and its system: making one, its allocator, giving it up.
 * Imports that neither WASI nor Emscripten has are host functions without C code: whoever calls
 * them waits until they are answered. Those of the two are linked here, and whether they are
 * answered at once or later is the system's affair (device/system.h).
 * Read next: run_call.c, which runs something in it. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "device/state_internal.h"

/* ---- Making ---- */

static beamr_status make_store(dev_image *image, beamr_store **out, beamr_error *err)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;

    if (image->max_pages > 0)
        limits.max_memory_pages = image->max_pages;
    if (image->host_bytes > 0)
        limits.host_bytes = image->host_bytes;
    return beamr_store_new(image->engine, &limits, out, err);
}

beamr_status state_guest_new(dev_image *image, BEAMR_OWN state_guest **out, beamr_error *err)
{
    state_guest *guest = calloc(1, sizeof *guest);
    beamr_status st;

    if (!guest)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an instance");
    if ((st = make_store(image, &guest->store, err)) == BEAMR_OK &&
        (st = dev_system_new(&guest->system, err)) == BEAMR_OK) {
        *out = guest;
        return BEAMR_OK;
    }
    state_guest_free(guest);
    return st;
}

void state_guest_free(state_guest *guest)
{
    if (!guest)
        return;
    dev_system_free(guest->system);
    beamr_store_free(guest->store);
    free(guest);
}

beamr_status state_guest_limit(state_guest *guest, const dev_image *image,
                               const dev_state *before, uint64_t timeout_ns, uint64_t host_fuel,
                               beamr_error *err)
{
    uint64_t fuel = image->max_fuel > 0 ? image->max_fuel : UINT64_MAX;
    uint64_t used = before ? before->record.fuel : 0;

    if (host_fuel > 0 && host_fuel < fuel)
        fuel = host_fuel;
    if (image->is_metered)
        beamr_store_set_fuel(guest->store, fuel > used ? fuel - used : 0);
    return timeout_ns > 0 ? beamr_store_set_deadline(guest->store, timeout_ns, err) : BEAMR_OK;
}

static void interrupt(void *store)
{
    beamr_store_interrupt(store);
}

void state_watch_begin(ao_stop *stop, const state_guest *guest)
{
    ao_stop_begin(stop, interrupt, guest->store);
}

void state_watch_end(ao_stop *stop, const state_guest *guest)
{
    if (ao_stop_end(stop))
        beamr_store_clear_interrupt(guest->store);
    *stop = (ao_stop){0};
}

/* Nobody has it, or as something else: it is answered through messages. */
static bool is_deferred(const beamr_module *module, size_t i, const beamr_import *import)
{
    beamr_provider provider;

    if (import->type.kind != BEAMR_EXTERN_FUNC)
        return false;
    provider = beamr_guest_provider(module, i, NULL);
    return provider == BEAMR_PROVIDER_NONE || provider == BEAMR_PROVIDER_MISFIT;
}

static beamr_status define_imports(beamr_linker *linker, const beamr_module *module,
                                   beamr_error *err)
{
    size_t count = beamr_module_import_count(module);

    for (size_t i = 0; i < count; i++) {
        beamr_import import = beamr_module_import(module, i);
        beamr_host host = {.module = import.module, .name = import.name};
        beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
        beamr_status st;

        if (!is_deferred(module, i, &import))
            continue;
        st = beamr_func_make(beamr_linker_store(linker), &import.type.func, &host,
                             &item.of.func, err);
        if (st == BEAMR_OK)
            st = beamr_linker_define(linker, import.module, import.name, item, err);
        if (st != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}

beamr_status state_guest_begin(state_guest *guest, dev_image *image, beamr_entry *entry,
                               beamr_error *err)
{
    beamr_wasi *wasi = dev_system_wasi(guest->system);
    beamr_linker *linker = NULL;
    beamr_status st;

    if ((st = beamr_linker_new(guest->store, &linker, err)) != BEAMR_OK)
        return st;
    if ((st = define_imports(linker, image->module, err)) == BEAMR_OK)
        st = beamr_guest_begin(wasi, linker, image->module, BEAMR_STUBS_NONE, &guest->instance,
                               entry, err);
    beamr_linker_free(linker);
    return st;
}

/* ---- What it exports ---- */

/* An exported function that takes and gives nothing, or NULL. */
static beamr_func *find_plain(const beamr_instance *instance, const char *name)
{
    beamr_func *func = beamr_instance_find_func(instance, name);
    beamr_functype type;

    if (!func)
        return NULL;
    type = beamr_func_type(func);
    return type.param_count == 0 && type.result_count == 0 ? func : NULL;
}

beamr_func *state_guest_initializer(const state_guest *guest)
{
    beamr_func *func = find_plain(guest->instance, "_initialize");

    return func ? func : find_plain(guest->instance, "__wasm_call_ctors");
}

beamr_memory *state_guest_memory(const state_guest *guest)
{
    return beamr_instance_memory(guest->instance, 0);
}

bool state_module_is64(const beamr_module *module)
{
    return beamr_module_memory_count(module) > 0 && beamr_module_memory(module, 0).is64;
}

/* ---- Its allocator ---- */

static bool is_address(beamr_valtype type)
{
    beamr_kind kind = beamr_valtype_kind(type);

    return kind == BEAMR_I32 || kind == BEAMR_I64;
}

static beamr_func *find_allocator(const state_guest *guest, const char *name, size_t results)
{
    beamr_func *func = beamr_instance_find_func(guest->instance, name);
    beamr_functype type;

    if (!func)
        return NULL;
    type = beamr_func_type(func);
    if (type.param_count != 1 || type.result_count != results || !is_address(type.params[0]) ||
        (results > 0 && !is_address(type.results[0])))
        return NULL;
    return func;
}

static beamr_value address_value(const beamr_func *func, uint64_t n)
{
    return beamr_valtype_kind(beamr_func_type(func).params[0]) == BEAMR_I64
               ? beamr_i64((int64_t)n)
               : beamr_i32((int32_t)(uint32_t)n);
}

/* What the guest throws is told as a trap is. */
static beamr_status call_allocator(state_guest *guest, beamr_func *func, uint64_t n,
                                   beamr_value *result, beamr_error *err)
{
    beamr_value arg = address_value(func, n);
    beamr_status st = beamr_func_call(func, &arg, 1, result, result ? 1 : 0, err);

    if (st == BEAMR_EXCEPTION)
        beamr_guest_explain(dev_system_wasi(guest->system), guest->store, err);
    return st;
}

beamr_status state_guest_malloc(state_guest *guest, uint64_t size, uint64_t *addr,
                                beamr_error *err)
{
    beamr_func *func = find_allocator(guest, "malloc", 1);
    beamr_value result = beamr_i32(0);
    beamr_status st;

    if (!func)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "the module exports no malloc of one size and one address");
    if (size > UINT32_MAX && beamr_valtype_kind(beamr_func_type(func).params[0]) == BEAMR_I32) {
        *addr = 0;
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "%llu bytes are beyond the guest's addresses",
                          (unsigned long long)size);
    }
    if ((st = call_allocator(guest, func, size, &result, err)) != BEAMR_OK)
        return st;
    *addr = result.kind == BEAMR_I64 ? (uint64_t)result.of.i64 : (uint32_t)result.of.i32;
    if (*addr == 0)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "the guest's malloc has no %llu bytes",
                          (unsigned long long)size);
    return BEAMR_OK;
}

beamr_status state_guest_release(state_guest *guest, uint64_t addr, beamr_error *err)
{
    beamr_func *func = find_allocator(guest, "free", 0);

    return func ? call_allocator(guest, func, addr, NULL, err) : BEAMR_OK;
}

beamr_status state_guest_put_text(state_guest *guest, beamr_bytes bytes, uint64_t *addr,
                                  beamr_error *err)
{
    beamr_memory *memory = state_guest_memory(guest);
    beamr_status st;

    if (!memory)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "the module has no memory");
    if ((st = state_guest_malloc(guest, (uint64_t)bytes.len + 1, addr, err)) != BEAMR_OK ||
        (st = beamr_memory_write(memory, *addr, bytes.data, bytes.len, err)) != BEAMR_OK)
        return st;
    return beamr_memory_write(memory, *addr + bytes.len, "", 1, err);
}

/* ---- How calls end ---- */

static beamr_func *find_last_error(const state_guest *guest)
{
    beamr_func *func = beamr_instance_find_func(guest->instance, "last_error");
    beamr_functype type;

    if (!func)
        return NULL;
    type = beamr_func_type(func);
    return type.param_count == 0 && type.result_count == 1 && is_address(type.results[0])
               ? func
               : NULL;
}

/* Bytes that are no UTF-8 become question marks: results go through codecs of text. */
static void make_valid(char *text)
{
    size_t left = strlen(text), len;

    for (uint8_t *at = (uint8_t *)text; left > 0; at += len, left -= len) {
        if ((len = utf8_sequence(at, left)) > 0)
            continue;
        *at = '?';
        len = 1;
    }
}

beamr_status state_guest_last_error(state_guest *guest, char *text, size_t size,
                                    beamr_error *err)
{
    beamr_func *func = find_last_error(guest);
    beamr_memory *memory = beamr_instance_find_memory(guest->instance, "memory");
    beamr_value result = beamr_i32(0);
    uint64_t addr;
    beamr_status st;

    *text = '\0';
    if (!memory)
        memory = state_guest_memory(guest);
    if (!func || !memory)
        return BEAMR_OK;
    st = beamr_func_call(func, NULL, 0, &result, 1, err);
    if (st == BEAMR_EXCEPTION) /* forgotten */
        beamr_guest_explain(dev_system_wasi(guest->system), guest->store, err);
    if (st != BEAMR_OK)
        return st;
    addr = result.kind == BEAMR_I64 ? (uint64_t)result.of.i64 : (uint32_t)result.of.i32;
    if ((st = beamr_memory_read_text(memory, addr, text, size, err)) != BEAMR_OK)
        *text = '\0';
    make_valid(text);
    return st;
}

bool state_is_host_failure(beamr_status st, const beamr_error *err)
{
    switch (st) {
    case BEAMR_TRAP:
        return err->trap == BEAMR_TRAP_DEADLINE || err->trap == BEAMR_TRAP_INTERRUPTED ||
               err->trap == BEAMR_TRAP_OUT_OF_MEMORY;
    case BEAMR_OK:
    case BEAMR_SUSPENDED:
    case BEAMR_EXCEPTION:
    case BEAMR_ARGUMENT: /* the guest's allocator gave what is no memory */
        return false;
    default:
        return true;
    }
}
