/* Running a module for run_fuzz.c. Arguments and the deeds of host functions come from a
 * counter that is hashed with the seed, so that a run that starts at the same count in the same
 * state goes the same way: that is how a restored instance is compared with its original. */
#include "run_guest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "fuzz.h"

#define CALLS_MAX 24u
#define IMPORTS_MAX 64u
#define EXCEPTIONS_MAX 4u
#define VALUES_MAX 64u

typedef struct guest guest;

typedef struct host {
    guest *guest;
    beamr_functype type; /* of the module's import; the module outlives the calls */
    uint32_t index;
} host;

struct guest {
    const run_options *options;
    run_log *log;
    beamr_module *module;
    beamr_store *store;
    beamr_instance *instance;
    beamr_instance *canary;
    uint32_t count; /* hashed for each decision */
    bool is_muted;  /* nothing is logged */
    host hosts[2 * IMPORTS_MAX];
    size_t host_count;
    beamr_extern imports[IMPORTS_MAX];
    beamr_exception *exceptions[EXCEPTIONS_MAX]; /* held */
    uint32_t exception_count;
};

static const char things[2] = "xy"; /* what external references are to */

/* (module (func (export "f") (param i32) (result i32) local.get 0 i32.const 1 i32.add)) */
static const uint8_t canary_wasm[] = "\0asm\1\0\0\0\1\6\1\x60\1\x7f\1\x7f\3\2\1\0\7\5\1\1f\0\0"
                                     "\12\11\1\7\0\x20\0\x41\1\x6a\x0b";

/* ---- Decisions and the log ---- */

void run_options_read(const uint8_t data[RUN_OPTIONS], run_options *out)
{
    *out = (run_options){
        .flags = data[0] & 0x7fu,
        .features = data[1] & 7u,
        .order = data[1] >> 3,
        .limits = data[2],
        .stack = data[3],
        .fuel = 200u + 40u * data[4],
        .seed = (uint32_t)(data[5] | data[6] << 8 | data[7] << 16),
    };
}

static uint32_t decide(guest *g)
{
    uint64_t x = g->options->seed * 0x9e3779b97f4a7c15u + g->count++ * 0xd1342543de82ef95u + 1;

    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return (uint32_t)(x >> 32);
}

static void say(guest *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(guest *g, const char *format, ...)
{
    run_log *log = g->log;
    va_list args;
    int len;

    if (g->is_muted || log->len >= RUN_LOG_ROOM - 1000)
        return;
    va_start(args, format);
    len = vsnprintf(log->text + log->len, RUN_LOG_ROOM - log->len, format, args);
    va_end(args);
    log->len += (size_t)len;
}

static uint64_t hash_bytes(const uint8_t *data, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; len >= 8; data += 8, len -= 8) {
        uint64_t word;

        memcpy(&word, data, 8);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 31;
    }
    for (size_t i = 0; i < len; i++)
        h = (h ^ data[i]) * 0x100000001b3u;
    return h;
}

static void note_fuel(guest *g)
{
    uint64_t left = beamr_store_fuel(g->store);

    if (g->is_muted)
        return;
    g->log->fuel = g->log->fuel * 0x100000001b3u + left;
    if (left <= g->options->fuel)
        g->log->used += g->options->fuel - left;
}

void run_check_error(beamr_status st, const beamr_error *err)
{
    FUZZ_CHECK(err->status == st);
    if (st == BEAMR_OK) {
        FUZZ_CHECK(err->text[0] == 0);
        return;
    }
    FUZZ_CHECK(st < BEAMR_STATUS_COUNT);
    FUZZ_CHECK(err->text[0] && strlen(err->text) < sizeof err->text);
    FUZZ_CHECK(!strchr(err->text, '\n'));
    FUZZ_CHECK((st == BEAMR_TRAP) == (err->trap != BEAMR_TRAP_NONE));
    FUZZ_CHECK(err->frame_count <= BEAMR_BACKTRACE_MAX && err->frame_count <= err->frame_total);
}

static void say_error(guest *g, beamr_status st, const beamr_error *err)
{
    run_check_error(st, err);
    if (st == BEAMR_TRAP && err->trap == BEAMR_TRAP_OUT_OF_FUEL)
        g->log->ran_out = true;
    say(g, "%s %d at %" PRIu64 ": %s", beamr_status_text(st), err->trap, err->offset,
        err->text);
    for (uint32_t i = 0; i < err->frame_count; i++)
        say(g, " [%u %u %s]", err->frames[i].func, err->frames[i].offset, err->frames[i].name);
    say(g, " of %u", err->frame_total);
}

static void say_value(guest *g, const beamr_value *v)
{
    uint64_t bits = 0;

    switch (v->kind) {
    case BEAMR_V128:
        bits = hash_bytes(v->of.v128, 16);
        break;
    case BEAMR_I32:
    case BEAMR_F32:
        memcpy(&bits, &v->of, 4);
        break;
    case BEAMR_I64:
    case BEAMR_F64:
        memcpy(&bits, &v->of, 8);
        break;
    case BEAMR_FUNCREF:
        if (v->of.func)
            bits = 1 + beamr_func_type(v->of.func).param_count;
        break;
    case BEAMR_EXTERNREF:
        if (v->of.external)
            bits = 1 + (uint64_t)((const char *)v->of.external - things);
        break;
    case BEAMR_EXNREF:
        if (v->of.exception)
            bits = 1 + beamr_exception_arg_count(v->of.exception);
        break;
    }
    say(g, " %d:%" PRIx64, v->kind, bits);
}

/* ---- Values ---- */

/* An exported function, of whatever type; NULL when there is none. */
static beamr_func *any_func(guest *g)
{
    size_t count = g->instance ? beamr_module_export_count(g->module) : 0;
    size_t start = count ? decide(g) % count : 0;

    for (size_t i = 0; i < count && i < 64; i++) {
        beamr_extern e = beamr_instance_export(g->instance, (start + i) % count);

        if (e.kind == BEAMR_EXTERN_FUNC)
            return e.of.func;
    }
    return NULL;
}

static int64_t any_int(guest *g)
{
    static const int64_t bounds[] = {0, 1, -1, INT32_MAX, INT32_MIN, INT64_MIN, 65535, 65536};
    uint32_t x = decide(g);

    if (x & 1)
        return (x >> 8) % 100;
    if (x & 2)
        return bounds[(x >> 8) % 8];
    return (int64_t)((uint64_t)x << 32 | decide(g));
}

static beamr_value any_value(guest *g, beamr_valtype type)
{
    beamr_value v = {.kind = beamr_valtype_kind(type)};
    int64_t x = any_int(g);

    if (type.bits != beamr_valtype_of(v.kind).bits && x % 16 != 1)
        x = 0; /* few functions would be of that type */
    switch (v.kind) {
    case BEAMR_I32:
        v.of.i32 = (int32_t)(uint32_t)(uint64_t)x;
        break;
    case BEAMR_I64:
        v.of.i64 = x;
        break;
    case BEAMR_F32:
        v.of.f32 = (float)x / 8;
        break;
    case BEAMR_F64:
        v.of.f64 = (double)x / 8;
        break;
    case BEAMR_V128:
        memset(v.of.v128, (uint8_t)x, 16);
        memcpy(v.of.v128 + 5, &x, 8);
        break;
    case BEAMR_FUNCREF:
        v.of.func = x % 4 ? any_func(g) : NULL;
        break;
    case BEAMR_EXTERNREF:
        v.of.external = x % 4 ? (void *)(uintptr_t)&things[x & 1] : NULL;
        break;
    case BEAMR_EXNREF:
        if (g->exception_count && x % 4)
            v.of.exception = g->exceptions[(uint64_t)x % g->exception_count];
        break;
    }
    return v;
}

static bool ref_save(void *user, void *ref, uint64_t *number)
{
    (void)user;
    *number = (uint64_t)((const char *)ref - things);
    return *number < 2;
}

static bool ref_load(void *user, uint64_t number, void **ref)
{
    (void)user;
    if (number < 2)
        *ref = (void *)(uintptr_t)&things[number];
    return number < 2;
}

/* ---- Calls ---- */

static void hold_exception(guest *g)
{
    beamr_exception *e = beamr_exception_take(g->store);

    if (!e)
        return;
    say(g, " exception");
    for (size_t i = 0; i < beamr_exception_arg_count(e); i++) {
        beamr_value v = beamr_exception_arg(e, i);

        say_value(g, &v);
    }
    if (g->exception_count < EXCEPTIONS_MAX)
        g->exceptions[g->exception_count++] = e;
    else
        beamr_exception_release(g->store, e);
}

/* Call with arguments made up, and log what comes. */
static beamr_status call(guest *g, beamr_func *func, beamr_error *err)
{
    beamr_functype type = beamr_func_type(func);
    beamr_value args[VALUES_MAX], results[VALUES_MAX];
    beamr_status st;

    if (type.param_count > VALUES_MAX || type.result_count > VALUES_MAX)
        return BEAMR_OK;
    for (size_t i = 0; i < type.param_count; i++)
        args[i] = any_value(g, type.params[i]);
    st = beamr_func_call(func, args, type.param_count, results, type.result_count, err);
    say_error(g, st, err);
    if (!g->is_muted) {
        g->log->statuses[st]++;
        g->log->traps[st == BEAMR_TRAP ? err->trap : BEAMR_TRAP_NONE]++;
    }
    for (size_t i = 0; st == BEAMR_OK && i < type.result_count; i++)
        say_value(g, &results[i]);
    return st;
}

/* After a failure the store goes on working. */
static void check_canary(guest *g)
{
    beamr_value arg = beamr_i32(41), result;
    uint64_t fuel = beamr_store_fuel(g->store);

    beamr_store_clear_interrupt(g->store);
    beamr_store_set_fuel(g->store, 1000);
    FUZZ_CHECK(beamr_func_call(beamr_instance_find_func(g->canary, "f"), &arg, 1, &result, 1,
                               NULL) == BEAMR_OK);
    FUZZ_CHECK(result.kind == BEAMR_I32 && result.of.i32 == 42);
    beamr_store_set_fuel(g->store, fuel);
}

/* ---- Host functions ---- */

static void change_state(guest *g, const beamr_extern *e);

static beamr_status host_throw(guest *g, beamr_error *err)
{
    size_t count = g->instance ? beamr_module_export_count(g->module) : 0;
    beamr_value args[VALUES_MAX];

    for (size_t i = 0; i < count && i < 256; i++) {
        beamr_extern e = beamr_instance_export(g->instance, i);
        beamr_functype type;

        if (e.kind != BEAMR_EXTERN_TAG)
            continue;
        type = beamr_tag_type(e.of.tag);
        for (size_t k = 0; k < type.param_count && k < VALUES_MAX; k++)
            args[k] = any_value(g, type.params[k]);
        if (type.param_count <= VALUES_MAX)
            return beamr_throw(g->store, e.of.tag, args, type.param_count, err);
    }
    return beamr_fail_trap(err, BEAMR_TRAP_HOST, "no tag");
}

static beamr_status host_call_back(guest *g, beamr_error *err)
{
    beamr_func *func = any_func(g);
    beamr_error inner = {0};
    beamr_status st;

    if (!func)
        return BEAMR_OK;
    say(g, "  back: ");
    st = call(g, func, decide(g) & 1 ? err : &inner);
    say(g, "\n");
    return inner.status == BEAMR_OK ? st : BEAMR_OK;
}

static beamr_status host_deed(guest *g, beamr_error *err)
{
    size_t count = g->instance ? beamr_module_export_count(g->module) : 0;
    beamr_extern e;

    switch (g->options->flags & RUN_CALM ? 15 : decide(g) % 16) {
    case 0:
        return beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, "by the host");
    case 1:
        return beamr_fail(err, BEAMR_IO, 7, "nothing there");
    case 2:
    case 3:
        return host_throw(g, err);
    case 4:
    case 5:
    case 6:
        return host_call_back(g, err);
    case 7:
    case 8:
    case 9:
        if (count == 0)
            return BEAMR_OK;
        e = beamr_instance_export(g->instance, decide(g) % count);
        change_state(g, &e);
        return BEAMR_OK;
    case 10:
        if (decide(g) % 4 == 0)
            beamr_store_interrupt(g->store);
        return BEAMR_OK;
    default:
        return BEAMR_OK;
    }
}

static beamr_status host_call(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    const host *h = call->user;
    guest *g = h->guest;
    beamr_status st;

    say(g, " host%u:", h->index);
    for (size_t i = 0; i < h->type.param_count; i++)
        say_value(g, &args[i]);
    say(g, "\n");
    st = host_deed(g, err);
    if (st == BEAMR_OK)
        for (size_t i = 0; i < h->type.result_count; i++)
            if (decide(g) & 1)
                results[i] = any_value(g, h->type.results[i]);
    return st;
}

/* ---- Imports ---- */

static beamr_status import_make(guest *g, const beamr_externtype *type, beamr_extern *out,
                                beamr_error *err)
{
    host *h;
    beamr_value v;

    out->kind = type->kind;
    switch (type->kind) {
    case BEAMR_EXTERN_FUNC:
        h = &g->hosts[g->host_count++];
        *h = (host){g, type->func, (uint32_t)g->host_count};
        return beamr_func_new(g->store, &type->func, host_call, h, NULL, &out->of.func, err);
    case BEAMR_EXTERN_TABLE:
        return beamr_table_new(g->store, &type->limits, type->value, NULL, &out->of.table, err);
    case BEAMR_EXTERN_MEMORY:
        return beamr_memory_new(g->store, &type->limits, &out->of.memory, err);
    case BEAMR_EXTERN_GLOBAL:
        v = any_value(g, type->value);
        return beamr_global_new(g->store, type->value, type->is_mutable, &v, &out->of.global,
                                err);
    default:
        return beamr_tag_new(g->store, &type->func, &out->of.tag, err);
    }
}

static bool types_equal(const beamr_externtype *a, const beamr_externtype *b)
{
    char x[256], y[256];

    return a->kind == b->kind && strcmp(beamr_externtype_text(a, x, sizeof x),
                                        beamr_externtype_text(b, y, sizeof y)) == 0;
}

/* Something of that type that the first instance exports. */
static bool import_take(guest *g, const beamr_externtype *type, beamr_extern *out)
{
    size_t count = g->instance ? beamr_module_export_count(g->module) : 0;

    for (size_t i = 0; i < count && i < 64; i++) {
        beamr_export export = beamr_module_export(g->module, i);

        if (types_equal(&export.type, type)) {
            *out = beamr_instance_export(g->instance, i);
            return true;
        }
    }
    return false;
}

static beamr_status imports_make(guest *g, beamr_error *err)
{
    size_t count = beamr_module_import_count(g->module);
    beamr_status st = BEAMR_OK;

    if (count > IMPORTS_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "too many imports for this target");
    for (size_t i = 0; st == BEAMR_OK && i < count; i++) {
        beamr_externtype type = beamr_module_import(g->module, i).type;

        if (!import_take(g, &type, &g->imports[i]))
            st = import_make(g, &type, &g->imports[i], err);
    }
    return st;
}

static beamr_status link_by_name(guest *g, beamr_instance **out, beamr_error *err)
{
    size_t count = beamr_module_import_count(g->module);
    beamr_linker *linker = NULL;
    beamr_status st = beamr_linker_new(g->store, &linker, err);

    for (size_t i = 0; st == BEAMR_OK && i < count; i++) {
        beamr_import import = beamr_module_import(g->module, i);

        st = beamr_linker_define(linker, import.module, import.name, g->imports[i], err);
    }
    if (st == BEAMR_OK)
        st = beamr_linker_instantiate(linker, g->module, out, err);
    beamr_linker_free(linker);
    return st;
}

static beamr_status instantiate(guest *g, beamr_instance **out, beamr_error *err)
{
    beamr_status st = imports_make(g, err);

    if (st != BEAMR_OK)
        return st;
    if (g->options->flags & RUN_LINKER)
        return link_by_name(g, out, err);
    return beamr_instance_new(g->store, g->module, g->imports,
                              beamr_module_import_count(g->module), out, err);
}

/* ---- What an embedder does between calls ---- */

static void change_memory(guest *g, beamr_memory *memory)
{
    uint64_t size = beamr_memory_size(memory), addr = size ? decide(g) % (size + 8) : 0;
    uint8_t bytes[24];
    beamr_error err = {0};
    beamr_status st = beamr_memory_read(memory, addr, bytes, sizeof bytes, &err);

    say_error(g, st, &err);
    FUZZ_CHECK((st == BEAMR_OK) == (size >= sizeof bytes && addr <= size - sizeof bytes));
    if (st == BEAMR_OK)
        say(g, " %" PRIx64, hash_bytes(bytes, sizeof bytes));
    memset(bytes, (int)decide(g), sizeof bytes);
    beamr_error_clear(&err);
    say_error(g, beamr_memory_write(memory, addr, bytes, sizeof bytes, &err), &err);
    if (decide(g) % 4 == 0) {
        beamr_error_clear(&err);
        say_error(g, beamr_memory_grow(memory, decide(g) % 3, &addr, &err), &err);
        FUZZ_CHECK(err.status != BEAMR_OK || addr == size / 65536);
    }
    FUZZ_CHECK(beamr_memory_size(memory) == 65536 * beamr_memory_pages(memory));
    FUZZ_CHECK(beamr_memory_size(memory) >= size);
}

static void change_table(guest *g, beamr_table *table)
{
    beamr_valtype elem;
    uint64_t size = beamr_table_type(table, &elem).min, index = decide(g) % (size + 2);
    beamr_value v = any_value(g, elem), old = {0};
    beamr_error err = {0};

    FUZZ_CHECK(size == beamr_table_size(table));
    say_error(g, beamr_table_get(table, index, &old, &err), &err);
    FUZZ_CHECK((err.status == BEAMR_OK) == (index < size));
    if (err.status == BEAMR_OK)
        say_value(g, &old);
    beamr_error_clear(&err);
    say_error(g, beamr_table_set(table, index, &v, &err), &err);
    beamr_error_clear(&err);
    if (decide(g) % 4 == 0)
        say_error(g, beamr_table_grow(table, decide(g) % 4, &v, NULL, &err), &err);
}

/* Read and write something exported, as its kind allows. */
static void change_state(guest *g, const beamr_extern *e)
{
    beamr_error err = {0};
    beamr_value v;
    bool is_mutable;

    say(g, "  change %d: ", e->kind);
    if (e->kind == BEAMR_EXTERN_MEMORY) {
        change_memory(g, e->of.memory);
    } else if (e->kind == BEAMR_EXTERN_TABLE) {
        change_table(g, e->of.table);
    } else if (e->kind == BEAMR_EXTERN_GLOBAL) {
        v = beamr_global_get(e->of.global);
        say_value(g, &v);
        v = any_value(g, beamr_global_type(e->of.global, &is_mutable));
        say_error(g, beamr_global_set(e->of.global, &v, &err), &err);
        FUZZ_CHECK(is_mutable || err.status != BEAMR_OK);
    }
    say(g, "\n");
}

/* ---- State ---- */

/* Elements and globals, as far as they are exported; whole memories when `all`. */
static void say_state(guest *g, beamr_instance *instance, bool all)
{
    size_t count = beamr_module_export_count(g->module);
    beamr_memory *memory;

    if (!(g->options->flags & RUN_STATE))
        return;
    say(g, "  state:");
    for (size_t i = 0; i < count; i++) {
        beamr_extern e = beamr_instance_export(instance, i);
        beamr_value v = {0};

        if (e.kind == BEAMR_EXTERN_GLOBAL) {
            v = beamr_global_get(e.of.global);
            say_value(g, &v);
        }
        for (uint64_t k = 0; e.kind == BEAMR_EXTERN_TABLE && k < 20; k++)
            if (beamr_table_get(e.of.table, k, &v, NULL) == BEAMR_OK)
                say_value(g, &v);
    }
    for (size_t i = 0; (memory = beamr_instance_memory(instance, i)); i++) {
        uint64_t size = beamr_memory_size(memory);

        say(g, " memory %" PRIu64, size);
        if (all)
            say(g, " %" PRIx64, hash_bytes(beamr_memory_data(memory), size));
    }
    say(g, "\n");
}

/* Call everything, and touch everything else. */
static void round_of_calls(guest *g, beamr_instance *instance)
{
    size_t count = beamr_module_export_count(g->module);

    for (size_t i = 0; i < count && i < CALLS_MAX + 8; i++) {
        beamr_extern e = beamr_instance_export(instance, i);
        beamr_error err = {0};

        if (e.kind != BEAMR_EXTERN_FUNC) {
            change_state(g, &e);
            continue;
        }
        beamr_store_set_fuel(g->store, g->options->fuel);
        if ((g->options->flags & RUN_INTERRUPT) && decide(g) % 4 == 0)
            beamr_store_interrupt(g->store);
        say(g, "call %zu: ", i);
        if (call(g, e.of.func, &err) != BEAMR_OK)
            check_canary(g);
        note_fuel(g);
        hold_exception(g);
        beamr_store_clear_interrupt(g->store);
        say(g, "\n");
        say_state(g, instance, false);
    }
    say_state(g, instance, true);
}

/* ---- Snapshots ---- */

static const beamr_snapshot_options snapshot_options = {.ref_save = ref_save,
                                                        .ref_load = ref_load};

static bool snapshot(guest *g, uint8_t **data, size_t *len)
{
    beamr_error err = {0};
    beamr_status st = beamr_snapshot_save(g->instance, &snapshot_options, data, len, &err);

    run_check_error(st, &err);
    if (st == BEAMR_OK)
        say(g, "snapshot %zu %" PRIx64 "\n", *len, hash_bytes(*data, *len));
    else
        say(g, "no snapshot: %s\n", err.text);
    return st == BEAMR_OK;
}

static bool guest_open(guest *g, beamr_engine *engine, beamr_module *module);
static void guest_close(guest *g);

static bool restore(guest *g, const uint8_t *data, size_t len)
{
    beamr_error err = {0};
    beamr_status st =
        beamr_snapshot_restore(g->instance, (beamr_bytes){data, len}, &snapshot_options, &err);
    uint8_t *again;
    size_t again_len;

    run_check_error(st, &err);
    if (st != BEAMR_OK)
        return false;
    FUZZ_CHECK(snapshot(g, &again, &again_len));
    FUZZ_CHECK(again_len == len && memcmp(again, data, len) == 0);
    beamr_snapshot_free(again);
    return true;
}

static void exceptions_release(guest *g)
{
    while (g->exception_count)
        beamr_exception_release(g->store, g->exceptions[--g->exception_count]);
}

/* A fresh instance with the state of another goes on as that one does.
 *   g  muted while the copy runs; then it runs the same, and the logs must be equal */
static void compare_copy(guest *g, beamr_engine *engine, const uint8_t *data, size_t len)
{
    static run_log log;
    guest copy = {.options = g->options, .log = &log, .is_muted = true};
    size_t start = g->log->len;
    bool is_same_state = false;

    log.len = 0;
    log.fuel = 0;
    exceptions_release(g);
    if (guest_open(&copy, engine, g->module) && copy.instance) {
        exceptions_release(&copy);
        is_same_state = restore(&copy, data, len);
        copy.is_muted = false;
        copy.count = g->count;
    }
    if (is_same_state)
        round_of_calls(&copy, copy.instance);
    round_of_calls(g, g->instance);
    if (is_same_state && log.len < RUN_LOG_ROOM - 2000 && g->log->len < RUN_LOG_ROOM - 2000 &&
        (g->log->len - start != log.len ||
         memcmp(g->log->text + start, log.text, log.len) != 0)) {
        (void)fprintf(stderr, "a restored copy differs:\n%.*s----\n%.*s",
                      (int)(g->log->len - start), g->log->text + start, (int)log.len, log.text);
        abort();
    }
    guest_close(&copy);
}

/* ---- All of it ---- */

static bool guest_open(guest *g, beamr_engine *engine, beamr_module *module)
{
    static const uint16_t pages[] = {16, 2, 4, 8, 1, 3, 0, 32};
    static const uint16_t elements[] = {1000, 4, 12, 20, 100, 0, 1000, 1000};
    static const uint32_t stacks[] = {1u << 20, 60, 200, 1000, 5000, 100, 40, 20000};
    const run_options *o = g->options;
    beamr_store_limits limits = {
        .max_memory_pages = pages[o->limits & 7u],
        .max_table_elements = elements[o->limits >> 3 & 7u],
        .max_instances = o->limits >> 6 == 3 ? 2 : 100,
        .max_stack_units = stacks[o->stack & 7u],
        .max_nesting = 2 + (o->stack >> 3),
        .max_bytes = UINT64_MAX,
    };
    beamr_bytes canary = {canary_wasm, sizeof canary_wasm - 1};
    beamr_module *canary_module = NULL;
    beamr_error err = {0};

    g->module = module;
    FUZZ_CHECK(beamr_store_new(engine, &limits, &g->store, NULL) == BEAMR_OK);
    beamr_store_set_fuel(g->store, 1000);
    FUZZ_CHECK(beamr_module_load(engine, canary, &canary_module, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_instance_new(g->store, canary_module, NULL, 0, &g->canary, NULL) ==
               BEAMR_OK);
    beamr_module_unref(canary_module);
    beamr_store_set_fuel(g->store, o->fuel);
    say_error(g, instantiate(g, &g->instance, &err), &err);
    FUZZ_CHECK((err.status == BEAMR_OK) == (g->instance != NULL));
    hold_exception(g);
    say(g, "\n");
    note_fuel(g);
    beamr_store_clear_interrupt(g->store);
    if (err.status != BEAMR_OK)
        check_canary(g);
    return g->instance != NULL;
}

static void guest_close(guest *g)
{
    if (g->options->order & 1u)
        exceptions_release(g);
    beamr_store_free(g->store);
}

static void second_instance(guest *g)
{
    beamr_instance *second = NULL;
    beamr_error err = {0};

    beamr_store_set_fuel(g->store, g->options->fuel);
    say_error(g, instantiate(g, &second, &err), &err);
    say(g, "\n");
    beamr_store_clear_interrupt(g->store);
    hold_exception(g);
    if (second)
        round_of_calls(g, second);
}

static void run_all(guest *g, beamr_engine *engine)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (!guest_open(g, engine, g->module))
        return;
    round_of_calls(g, g->instance);
    if (snapshot(g, &data, &len)) {
        FUZZ_CHECK(restore(g, data, len));
        compare_copy(g, engine, data, len);
        beamr_snapshot_free(data);
    }
    if (g->options->flags & RUN_TWICE) {
        second_instance(g);
        if (snapshot(g, &data, &len))
            beamr_snapshot_free(data);
    }
}

void run_guest(beamr_engine *engine, beamr_module *module, const run_options *options,
               run_log *log)
{
    static guest g;

    g = (guest){.options = options, .log = log, .module = module};
    log->ran_out = false;
    log->fuel = 0;
    log->used = 0;
    log->len = 0;
    memset(log->statuses, 0, sizeof log->statuses);
    memset(log->traps, 0, sizeof log->traps);
    run_all(&g, engine);
    if (options->order & 2u)
        beamr_module_unref(module);
    if (options->order & 4u)
        beamr_engine_free(engine);
    guest_close(&g);
    if (!(options->order & 2u))
        beamr_module_unref(module);
    if (!(options->order & 4u))
        beamr_engine_free(engine);
}
