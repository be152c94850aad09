/* Fuzz target: what a guest can pass to Emscripten's env.
 * An input is an option and then a tape: which row of the table is called with which arguments,
 * and what is written to memory before. Arguments are mostly such that something comes of them:
 * small descriptors, paths made of few names, dates and formats. The rows are called as a guest
 * with memory of either width would call them, for each version of Emscripten.
 * A call must end, with a value or a trap of those that there are, and leave the limits kept.
 * The same tape must do the same twice. Seeds: seeds/env/. */
#include "fuzz.h"

#include <string.h>

#include "../test/unit/guest/env_guest.h"
#include "beamr/beamr.h"
#include "guest/env.h"
#include "guest/system.h"

enum {
    TEXTS = 0x1000,  /* where pointers like to point to: paths and formats */
    PLACES = 0x4000, /* numbers and structures */
    MOST_CALLS = 100,
    OPTION_64 = 1,
};

/* ---- The tape: zeros behind its end ---- */

typedef struct run {
    const uint8_t *data;
    size_t len, at;
    beamr_store *store;
    beamr_wasi *wasi;
    guest_call call;
    uint64_t clock;
    uint64_t log; /* a hash of all results */
} run;

static unsigned take(run *r)
{
    return r->at < r->len ? r->data[r->at++] : 0;
}

static uint64_t take_bytes(run *r, unsigned count)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < count; i++)
        v |= (uint64_t)take(r) << 8 * i;
    return v;
}

static void note(run *r, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        r->log = (r->log ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* ---- The embedder's side ---- */

static beamr_status stream_read(void *user, uint8_t *buf, size_t len, size_t *got,
                                beamr_error *err)
{
    unsigned what = take(user);

    if (what >= 0xf8)
        return beamr_fail(err, what & 1 ? BEAMR_IO : BEAMR_BUSY, 0, "broken");
    *got = what < len ? what : len;
    memset(buf, 'i', *got);
    return BEAMR_OK;
}

static beamr_status stream_write(void *user, beamr_bytes bytes, beamr_error *err)
{
    if (take(user) >= 0xfc)
        return beamr_fail(err, BEAMR_BUSY, 0, "broken");
    note(user, bytes.data, bytes.len < 100 ? bytes.len : 100);
    return BEAMR_OK;
}

static uint64_t clock_now(void *user, beamr_clock clock)
{
    run *r = user;

    return r->clock += clock + (r->at < r->len ? (uint64_t)r->data[r->at] << (r->at & 63) : 1);
}

static beamr_wasi *system_new(run *r)
{
    static const char *const texts[] = {"program", "argument"};
    beamr_vfs_limits limits = {1 << 18, 1 << 17, 40, 20, 200, 6};
    beamr_wasi_options o = {.args = texts, .arg_count = 2, .user = r, .clock = clock_now};
    beamr_vfs *vfs = NULL;
    beamr_wasi *wasi = NULL;

    FUZZ_CHECK(beamr_vfs_new(&limits, &vfs, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_write(vfs, beamr_bytes_of("file"), beamr_bytes_of("0123456789"),
                               NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_mkdir(vfs, beamr_bytes_of("d/a"), true, NULL) == BEAMR_OK);
    o.vfs = vfs;
    o.max_open = 12;
    o.in = (beamr_stream){.read = stream_read, .is_terminal = true, .user = r};
    o.out = o.err = (beamr_stream){.write = stream_write, .user = r};
    FUZZ_CHECK(beamr_wasi_new(&o, &wasi, NULL) == BEAMR_OK);
    beamr_vfs_unref(vfs);
    return wasi;
}

/* One engine and a module for each width, for all inputs. */
static beamr_module *module_of(beamr_engine **engine, bool is64)
{
    static beamr_engine *kept;
    static beamr_module *modules[2];
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.metering = true;
    if (!kept)
        FUZZ_CHECK(beamr_engine_new(&config, &kept, NULL) == BEAMR_OK);
    if (!modules[is64]) {
        wasm_builder b = {0};

        env_guest_module(&b, is64);
        FUZZ_CHECK(beamr_module_load(kept, wasm_bytes_of(&b), &modules[is64], NULL) ==
                   BEAMR_OK);
        wasm_free(&b);
    }
    *engine = kept;
    return modules[is64];
}

static void run_begin(run *r, const uint8_t *data, size_t size)
{
    bool is64 = data[0] & OPTION_64;
    beamr_engine *engine;
    beamr_module *module = module_of(&engine, is64);
    beamr_instance *instance = NULL;

    *r = (run){.data = data + 1, .len = size - 1, .log = 1};
    FUZZ_CHECK(beamr_store_new(engine, NULL, &r->store, NULL) == BEAMR_OK);
    beamr_store_set_fuel(r->store, 1 << 26);
    FUZZ_CHECK(beamr_instance_new(r->store, module, NULL, 0, &instance, NULL) == BEAMR_OK);
    r->wasi = system_new(r);
    r->call = (guest_call){.store = r->store,
                           .caller = instance,
                           .memory = beamr_instance_memory(instance, 0),
                           .is64 = is64,
                           .wasi = r->wasi,
                           .dialect = (data[0] >> 1) % 3u};
}

static void run_end(run *r)
{
    beamr_wasi_unref(r->wasi);
    beamr_store_free(r->store);
}

/* ---- What is passed ---- */

/* Pieces of paths and of formats, one behind the other. */
static void put_text(run *r, uint64_t addr)
{
    static const char *const parts[] = {"a",         "b",    "d/",    "file", "/",
                                        "/d/a",      ".",    "..",    "link", "",
                                        "%Y-%m-%d ", "%c",   "%G",    "%+F",  "%s",
                                        "%",         "%Z%z", "%_10C", "%Ey",  "long long long",
                                        "%V%j%U"};
    uint8_t *memory = beamr_memory_data(r->call.memory);
    unsigned what = take(r), count = what < 0xa0 ? 1 : (what & 7u) + 1;

    for (unsigned i = 0; i < count; i++) {
        const char *part = parts[take(r) % (sizeof parts / sizeof parts[0])];

        memcpy(memory + addr, part, strlen(part) + 1);
        addr += strlen(part);
    }
}

/* Structures: numbers, small or not, of 4 or 8 bytes. */
static void put_numbers(run *r)
{
    uint8_t *memory = beamr_memory_data(r->call.memory) + PLACES;
    unsigned count = take(r) % 24, width = take(r) & 1 ? 4 : 8;

    for (unsigned i = 0; i < count; i++) {
        unsigned what = take(r);
        uint64_t v = what < 0x60   ? what & 7u
                     : what < 0xb0 ? what
                     : what < 0xc0 ? PLACES + (what & 15u) * 16
                     : what < 0xe0 ? ~UINT64_C(0) >> (what & 63)
                                   : take_bytes(r, width);

        memcpy(memory + (size_t)i * width, &v, width);
    }
}

/* Any number at all. */
static uint64_t number(run *r)
{
    unsigned what = take(r);

    if (what < 0x40)
        return UINT64_C(1) << what;
    if (what < 0x80)
        return ~UINT64_C(0) >> (what & 63);
    return take_bytes(r, what & 7);
}

static uint64_t pointer(run *r)
{
    unsigned what = take(r);

    switch (what & 7) {
    case 0:
    case 1:
    case 2:
        return TEXTS + (what >> 3) % 4 * 256;
    case 3:
    case 4:
        return PLACES + (what >> 3) * 8;
    case 5:
        return what >> 3;
    case 6:
        return ENV_GUEST_MEMORY - (what >> 3);
    default:
        return number(r);
    }
}

/* What is neither a pointer nor a size: descriptors, flags, times. */
static uint64_t plain(run *r, size_t i)
{
    unsigned what = take(r);

    if (i == 0 && what < 0xe0)
        return what < 0x40 ? (uint64_t)GUEST_CWD : what & 15u;
    if (what < 0x60)
        return 0;
    if (what < 0xc0)
        return UINT64_C(1) << (what & 31u);
    return what < 0xe0 ? what & 31u : number(r);
}

static beamr_value argument(run *r, char letter, size_t i)
{
    uint64_t v = letter == 'P' ? pointer(r) : plain(r, i);

    if (letter == 'd')
        return beamr_f64((double)v);
    return letter == 'l' || (letter == 'P' && r->call.is64) ? beamr_i64((int64_t)v)
                                                            : beamr_i32((int32_t)(uint32_t)v);
}

static beamr_value empty_result(const run *r, char letter)
{
    switch (letter) {
    case 'd':
        return beamr_f64(0);
    case 'f':
        return beamr_f32(0);
    case 'l':
        return beamr_i64(0);
    case 'P':
        return guest_pointer_value(&r->call, 0);
    default:
        return beamr_i32(0);
    }
}

/* ---- One call after the other ---- */

static void check_failure(beamr_status st, const beamr_error *err)
{
    FUZZ_CHECK(st == err->status);
    FUZZ_CHECK(st == BEAMR_TRAP || st == BEAMR_BUSY);
    FUZZ_CHECK(st == BEAMR_BUSY || err->trap == BEAMR_TRAP_EXIT ||
               err->trap == BEAMR_TRAP_ABORT || err->trap == BEAMR_TRAP_OUT_OF_FUEL ||
               err->trap == BEAMR_TRAP_UNREACHABLE ||
               err->trap == BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS ||
               err->trap == BEAMR_TRAP_UNDEFINED_ELEMENT ||
               err->trap == BEAMR_TRAP_UNINITIALIZED_ELEMENT);
}

static void call_one(run *r)
{
    unsigned which = take(r) | take(r) << 8;
    const guest_import *row = &guest_env_rows[which % guest_env_row_count];
    const char *result = strchr(row->type, ':') + 1;
    beamr_value args[8], results[1];
    beamr_error err = {0};
    beamr_status st;
    unsigned what = take(r);

    for (uint64_t i = 0; i < 4; i++)
        if (what >> i & 1)
            put_text(r, TEXTS + i * 256);
    if (what & 16)
        put_numbers(r);
    for (size_t i = 0; row->type[i] != ':'; i++)
        args[i] = argument(r, row->type[i], i);
    results[0] = empty_result(r, *result);
    st = row->function(&r->call, args, *result ? results : NULL, &err);
    if (st != BEAMR_OK)
        check_failure(st, &err);
    else if (*result == 'i')
        note(r, &results[0].of.i32, 4);
    note(r, &st, sizeof st);
    note(r, &err.trap, sizeof err.trap);
}

/* Returns a hash of all that was seen. */
static uint64_t run_tape(const uint8_t *data, size_t size)
{
    const beamr_vfs *vfs;
    uint64_t log;
    run r;

    run_begin(&r, data, size);
    vfs = beamr_wasi_vfs(r.wasi);
    for (unsigned i = 0; i < MOST_CALLS && r.at < r.len; i++) {
        call_one(&r);
        FUZZ_CHECK(beamr_vfs_bytes(vfs) <= beamr_vfs_limits_of(vfs).max_bytes);
        FUZZ_CHECK(beamr_vfs_nodes(vfs) <= beamr_vfs_limits_of(vfs).max_nodes);
    }
    note(&r, beamr_memory_data(r.call.memory), ENV_GUEST_MEMORY);
    log = r.log;
    run_end(&r);
    return log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    FUZZ_CHECK(run_tape(data, size) == run_tape(data, size));
    return 0;
}
