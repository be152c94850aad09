/* Fuzz target: what a guest can pass to WASI.
 * An input is an option and then a tape: which function is called with which arguments, and
 * what is written to memory before. Arguments are mostly such that something comes of them:
 * small descriptors, places in memory, paths made of few names. The file system and the
 * descriptors are few, so that limits are met.
 * A call must end, with an errno or a trap of those that WASI knows, and leave the limits kept.
 * The same tape must do the same twice, and what is left must be the same when it is saved and
 * loaded. Seeds: seeds/wasi/. */
#include "fuzz.h"

#include <string.h>

#include "../test/unit/guest/wasi_guest.h"
#include "beamr/beamr.h"

enum {
    PAGES = 2,
    SIZE = PAGES * 65536,
    PATHS = 0x1000, /* where arguments like to point to */
    LISTS = 0x4000,
    MOST_CALLS = 200,
    MOST_ERRNO = 76,
    OPTION_64 = 1,
    OPTION_UNSTABLE = 2,
};

/* ---- The tape: zeros behind its end ---- */

typedef struct tape {
    const uint8_t *data;
    size_t len, at;
} tape;

static unsigned take(tape *t)
{
    return t->at < t->len ? t->data[t->at++] : 0;
}

static uint64_t take_bytes(tape *t, unsigned count)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < count; i++)
        v |= (uint64_t)take(t) << 8 * i;
    return v;
}

/* ---- The embedder's side ---- */

typedef struct run {
    tape tape;
    beamr_store *store;
    beamr_vfs *vfs; /* borrowed from wasi */
    beamr_wasi *wasi;
    beamr_instance *instance;
    beamr_memory *memory;
    bool is64;
    uint64_t log; /* a hash of all results */
} run;

static void note(run *r, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        r->log = (r->log ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* A stream that has some bytes, ends, or fails. */
static beamr_status stream_read(void *user, uint8_t *buf, size_t len, size_t *got,
                                beamr_error *err)
{
    run *r = user;
    unsigned what = take(&r->tape);

    if (what >= 0xf8)
        return beamr_fail(err, what & 1 ? BEAMR_IO : BEAMR_NO_MEMORY, 0, "broken");
    *got = what < len ? what : len;
    memset(buf, 'i', *got);
    return BEAMR_OK;
}

static beamr_status stream_write(void *user, beamr_bytes bytes, beamr_error *err)
{
    run *r = user;
    unsigned what = r->tape.len > 0 ? r->tape.data[r->tape.at % r->tape.len] : 0;

    if (what >= 0xfc)
        return beamr_fail(err, what & 1 ? BEAMR_IO : BEAMR_BUSY, 0, "broken");
    note(r, bytes.data, bytes.len < 100 ? bytes.len : 100);
    return BEAMR_OK;
}

static beamr_wasi *system_new(run *r)
{
    static const char *const texts[] = {"a=b", "", "c=d e f"};
    static const beamr_preopen preopens[] = {{"/", "/", false}, {"/ro", "read only", true}};
    beamr_vfs_limits limits = {1 << 18, 1 << 17, 40, 20, 200, 6};
    beamr_wasi_options o = {.args = texts, .arg_count = 3, .env = texts, .env_count = 1};
    beamr_wasi *wasi = NULL;

    FUZZ_CHECK(beamr_vfs_new(&limits, &r->vfs, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_write(r->vfs, beamr_bytes_of("file"), beamr_bytes_of("0123456789"),
                               NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_mkdir(r->vfs, beamr_bytes_of("ro/a"), true, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_symlink(r->vfs, beamr_bytes_of("../file"), beamr_bytes_of("ro/link"),
                                 NULL) == BEAMR_OK);
    o.vfs = r->vfs;
    o.preopens = preopens;
    o.preopen_count = 2;
    o.max_open = 12;
    o.in = (beamr_stream){.read = stream_read, .user = r};
    o.out = o.err = (beamr_stream){.write = stream_write, .user = r};
    FUZZ_CHECK(beamr_wasi_new(&o, &wasi, NULL) == BEAMR_OK);
    beamr_vfs_unref(r->vfs);
    return wasi;
}

/* ---- The guest ---- */

static bool no_import(void *user, beamr_store *store, const beamr_import *import,
                      beamr_extern *out)
{
    beamr_host host = {0}; /* never answered: sock_accept of the older version */

    (void)user;
    out->kind = BEAMR_EXTERN_FUNC;
    return beamr_func_make(store, &import->type.func, &host, &out->of.func, NULL) == BEAMR_OK;
}

/* One engine and a module for each kind, for all inputs. */
static beamr_module *module_of(beamr_engine **engine, unsigned kind)
{
    static beamr_engine *kept;
    static beamr_module *modules[4];
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.metering = true;
    if (!kept)
        FUZZ_CHECK(beamr_engine_new(&config, &kept, NULL) == BEAMR_OK);
    if (!modules[kind]) {
        wasm_builder b = {0};

        wasi_guest_module(&b, kind & OPTION_64, kind & OPTION_UNSTABLE, PAGES);
        FUZZ_CHECK(beamr_module_load(kept, wasm_bytes_of(&b), &modules[kind], NULL) ==
                   BEAMR_OK);
        wasm_free(&b);
    }
    *engine = kept;
    return modules[kind];
}

static void run_begin(run *r, const uint8_t *data, size_t size)
{
    unsigned kind = data[0] & 3u;
    beamr_linker *linker = NULL;
    beamr_engine *engine;
    beamr_module *module = module_of(&engine, kind);

    *r = (run){.tape = {data + 1, size - 1, 0}, .is64 = kind & OPTION_64, .log = 1};
    FUZZ_CHECK(beamr_store_new(engine, NULL, &r->store, NULL) == BEAMR_OK);
    beamr_store_set_fuel(r->store, 1 << 26);
    r->wasi = system_new(r);
    FUZZ_CHECK(beamr_linker_new(r->store, &linker, NULL) == BEAMR_OK);
    beamr_linker_set_resolver(linker, no_import, NULL);
    FUZZ_CHECK(beamr_wasi_link(r->wasi, linker, module, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_linker_instantiate(linker, module, &r->instance, NULL) == BEAMR_OK);
    beamr_linker_free(linker);
    r->memory = beamr_instance_find_memory(r->instance, "memory");
}

static void run_end(run *r)
{
    beamr_wasi_unref(r->wasi);
    beamr_store_free(r->store);
}

/* ---- What is passed ---- */

/* Make a path out of few names, mostly of one.  Returns its length. */
static uint64_t put_path(run *r, uint64_t addr)
{
    static const char *const parts[] = {
        "a",    "b",    "c",  "a", "b",  "c", "d",        "file",
        "file", "link", "ro", ".", "..", "",  "\xc3\xbc", "long long long name"};
    uint8_t *memory = beamr_memory_data(r->memory);
    unsigned what = take(&r->tape), count = what < 0xa0 ? 1 : (what & 3u) + 1;
    uint64_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *part = parts[take(&r->tape) & 15u];

        if (i > 0)
            memory[addr + len++] = '/';
        memcpy(memory + addr + len, part, strlen(part));
        len += strlen(part);
    }
    if (what == 0xff)
        memory[addr] = (uint8_t)take(&r->tape); /* no UTF-8, or a NUL, or a '/' */
    return len;
}

/* Buffers or subscriptions: words, small or not. */
static void put_list(run *r, uint64_t addr)
{
    uint8_t *memory = beamr_memory_data(r->memory) + addr;
    unsigned word = r->is64 ? 8 : 4, count = take(&r->tape) % 24;

    for (unsigned i = 0; i < count; i++) {
        unsigned what = take(&r->tape);
        uint64_t v = what < 0x60   ? what & 3u
                     : what < 0xc0 ? what
                     : what < 0xf0 ? take_bytes(&r->tape, 2) << (what & 3)
                                   : take_bytes(&r->tape, word);

        memcpy(memory + (size_t)i * word, &v, word);
    }
}

/* Any number at all. */
static uint64_t number(run *r)
{
    unsigned what = take(&r->tape);

    if (what < 0x40)
        return UINT64_C(1) << what;
    if (what < 0x80)
        return ~UINT64_C(0) >> (what & 63);
    return take_bytes(&r->tape, what & 7);
}

/* An argument that is neither pointer nor size, or any number, at times.
 *   usual  for a tape's byte, what it is mostly */
static uint64_t usually(run *r, uint64_t usual, uint64_t mask)
{
    unsigned what = take(&r->tape);

    return what < 0xe8 ? usual | (what & mask) : number(r);
}

/* The argument at `i` for a letter of a type. */
static uint64_t plain(run *r, char letter, size_t i, bool is_path)
{
    if (letter == 'l')
        return is_path ? usually(r, (1u << 30) - 1, 0) : usually(r, 0, 31);
    if (i == 0)
        return usually(r, is_path ? 3 : 0, is_path ? 4 : 15); /* descriptors */
    return usually(r, 0, 3);                                  /* flags */
}

/* A pointer or a size. */
static uint64_t pointer(run *r)
{
    unsigned what = take(&r->tape);

    switch (what & 7) {
    case 0:
    case 1:
        return PATHS;
    case 2:
    case 3:
        return LISTS;
    case 4:
    case 5:
        return what >> 3;
    case 6:
        return SIZE - (what >> 3);
    default:
        return number(r);
    }
}

/* A pointer and the size of what is there: a path, or a list.  Returns the size. */
static uint64_t pair(run *r, bool is_path, uint64_t *addr)
{
    if (is_path)
        return put_path(r, *addr);
    *addr = LISTS;
    return take(&r->tape) & 31u;
}

static beamr_value value_of(const run *r, char letter, uint64_t v)
{
    return letter == 'l' || (letter == 'P' && r->is64) ? beamr_i64((int64_t)v)
                                                       : beamr_i32((int32_t)(uint32_t)v);
}

/* Arguments by the letters of the type. */
static size_t arguments(run *r, const wasi_function *f, beamr_value *values)
{
    bool is_path = strncmp(f->name, "path_", 5) == 0;
    size_t count = 0;

    for (const char *c = f->type; *c != ':'; c++) {
        uint64_t addr = PATHS + 512 * count;

        if (c[0] == 'P' && c[1] == 'P' && take(&r->tape) < 0xe0) {
            uint64_t len = pair(r, is_path, &addr);

            values[count++] = value_of(r, *c++, addr);
            values[count++] = value_of(r, *c, len);
        } else {
            uint64_t v = *c == 'P' ? pointer(r) : plain(r, *c, count, is_path);

            values[count++] = value_of(r, *c, v);
        }
    }
    return count;
}

/* Some descriptors to begin with: 5 and 6 a file, 7 and 8 directories. */
static void open_some(run *r)
{
    static const char *const paths[] = {"file", "file", ".", "ro"};
    beamr_func *func = beamr_instance_find_func(r->instance, "path_open");

    for (unsigned i = 0; i < 4; i++) {
        uint64_t args[] = {3, 0,    PATHS, strlen(paths[i]), 0, (1u << 30) - 1, (1u << 30) - 1,
                           0, LISTS};
        beamr_value values[9], result;

        if (i >= 2)
            args[5] &= ~UINT64_C(0x40); /* directories can't be written to */
        for (unsigned k = 0; k < 9; k++)
            values[k] = value_of(r, "iiPPilliP"[k], args[k]);
        memcpy(beamr_memory_data(r->memory) + PATHS, paths[i], strlen(paths[i]));
        FUZZ_CHECK(beamr_func_call(func, values, 9, &result, 1, NULL) == BEAMR_OK);
        FUZZ_CHECK(result.of.i32 == 0);
    }
}

/* ---- One call after the other ---- */

static void check_trap(const beamr_error *err)
{
    FUZZ_CHECK(err->status == BEAMR_TRAP);
    FUZZ_CHECK(err->trap == BEAMR_TRAP_EXIT || err->trap == BEAMR_TRAP_ABORT ||
               err->trap == BEAMR_TRAP_OUT_OF_FUEL || err->trap == BEAMR_TRAP_HOST ||
               err->trap == BEAMR_TRAP_OUT_OF_MEMORY);
}

static void call_one(run *r)
{
    const wasi_function *f = &wasi_functions[take(&r->tape) % WASI_FUNCTIONS];
    beamr_func *func = beamr_instance_find_func(r->instance, f->name);
    beamr_value values[16], result = beamr_i32(0);
    beamr_error err = {0};
    size_t count, results = strcmp(f->name, "proc_exit") != 0;

    if (take(&r->tape) < 0x60)
        put_list(r, LISTS);
    count = arguments(r, f, values);
    if (beamr_func_call(func, values, count, &result, results, &err) != BEAMR_OK)
        check_trap(&err);
    FUZZ_CHECK(result.of.i32 >= 0 && result.of.i32 <= MOST_ERRNO);
    note(r, &err.trap, sizeof err.trap);
    note(r, &result.of.i32, sizeof result.of.i32);
    FUZZ_CHECK(beamr_vfs_bytes(r->vfs) <= beamr_vfs_limits_of(r->vfs).max_bytes);
    FUZZ_CHECK(beamr_vfs_nodes(r->vfs) <= beamr_vfs_limits_of(r->vfs).max_nodes);
}

/* The system as bytes, and the same once it was loaded. */
static void check_saving(run *r)
{
    uint8_t *first, *second;
    size_t len, len2;

    FUZZ_CHECK(beamr_wasi_save(r->wasi, &first, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_wasi_load(r->wasi, (beamr_bytes){first, len}, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_wasi_save(r->wasi, &second, &len2, NULL) == BEAMR_OK);
    FUZZ_CHECK(len == len2 && memcmp(first, second, len) == 0);
    note(r, first, len);
    free(first);
    free(second);
}

/* Returns a hash of all that was seen. */
static uint64_t run_tape(const uint8_t *data, size_t size)
{
    run r;
    uint64_t log;

    run_begin(&r, data, size);
    open_some(&r);
    for (unsigned i = 0; i < MOST_CALLS && r.tape.at < r.tape.len; i++)
        call_one(&r);
    note(&r, beamr_memory_data(r.memory), SIZE);
    check_saving(&r);
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
