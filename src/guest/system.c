/* The system itself: made from options, counted, and taken down; arguments, environment,
 * clocks, waiting, random numbers, and the exit. Descriptors, transfer, paths and saving are in
 * system_fd.c, system_io.c, system_path.c and system_bytes.c.
 * Nothing here asks the host for anything: what the embedder's functions do not give follows
 * from the options alone. */
#include "guest/system_state.h"

#include <stdlib.h>

/* ---- Texts ---- */

static void texts_clear(system_texts *t)
{
    free(t->data);
    free(t->at);
    *t = (system_texts){0};
}

/* How many bytes they take.  Errors: BEAMR_LIMIT. */
static beamr_status texts_size(const char *const *from, size_t count, const char *what,
                               size_t *out, beamr_error *err)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(from[i]) + 1;

        if (len > SYSTEM_MAX_TEXTS - size)
            return beamr_fail(err, BEAMR_LIMIT, 0, "%s of more than %d bytes", what,
                              SYSTEM_MAX_TEXTS);
        size += len;
    }
    *out = size;
    return BEAMR_OK;
}

static beamr_status texts_copy(system_texts *t, const char *const *from, size_t count,
                               const char *what, beamr_error *err)
{
    size_t size = 0, used = 0;
    beamr_status st = texts_size(from, count, what, &size, err);

    if (st != BEAMR_OK || !count)
        return st;
    t->data = malloc(size);
    t->at = calloc(count, sizeof *t->at);
    if (!t->data || !t->at)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes of %s", size, what);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(from[i]);

        memcpy(t->data + used, from[i], len + 1);
        t->at[i] = (beamr_bytes){(const uint8_t *)t->data + used, len};
        used += len + 1;
    }
    t->count = count;
    return BEAMR_OK;
}

static beamr_status env_check(const beamr_wasi_options *o, beamr_error *err)
{
    for (size_t i = 0; i < o->env_count; i++)
        if (!strchr(o->env[i], '='))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "environment entry %zu, '%.64s': no '='",
                              i, o->env[i]);
    return BEAMR_OK;
}

beamr_bytes guest_arg(const beamr_wasi *w, size_t i)
{
    return w->args.at[i];
}

size_t guest_arg_count(const beamr_wasi *w)
{
    return w->args.count;
}

beamr_bytes guest_env(const beamr_wasi *w, size_t i)
{
    return w->env.at[i];
}

size_t guest_env_count(const beamr_wasi *w)
{
    return w->env.count;
}

/* ---- Making ---- */

static void copy_options(beamr_wasi *w, const beamr_wasi_options *o)
{
    w->streams[0] = o->in;
    w->streams[1] = o->out;
    w->streams[2] = o->err;
    w->user = o->user;
    w->clock = o->clock;
    w->clock_resolution = o->clock_resolution ? o->clock_resolution : 1000;
    w->wait = o->wait;
    w->random = o->random;
    w->seed_of = o->seed_of;
    memcpy(w->seed, o->seed, sizeof w->seed);
    w->max_open = o->max_open ? o->max_open : SYSTEM_MAX_OPEN;
}

/* The directory that an option names, with a reference. */
static beamr_status find_directory(beamr_wasi *w, const char *path, const char *what,
                                   vfs_node **out, beamr_error *err)
{
    vfs_node *root = guest_vfs_root(w->vfs);
    guest_walk walk = {.start = root, .follow = true};
    guest_spot spot;
    guest_errno e = guest_path_walk(w->vfs, &walk, beamr_bytes_of(path), &spot);

    if (e == GUEST_ESUCCESS && !spot.node)
        e = GUEST_ENOENT;
    if (e == GUEST_ESUCCESS && guest_node_kind(spot.node) != BEAMR_VFS_DIRECTORY)
        e = GUEST_ENOTDIR;
    if (e != GUEST_ESUCCESS)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%s '%.256s': %s", what, path,
                          guest_errno_text(e));
    *out = guest_node_ref(spot.node);
    return BEAMR_OK;
}

static beamr_status add_preopen(beamr_wasi *w, const beamr_preopen *from, beamr_error *err)
{
    const char *name = from->name ? from->name : from->path;
    system_preopen p = {.is_read_only = from->is_read_only};
    beamr_status st = find_directory(w, from->path, "preopened directory", &p.node, err);

    if (st != BEAMR_OK)
        return st;
    p.name = strdup(name);
    if (!p.name) {
        guest_node_unref(w->vfs, p.node);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a preopened directory");
    }
    w->preopens[w->preopen_count++] = p;
    w->has_read_only |= p.is_read_only;
    return BEAMR_OK;
}

static beamr_status add_preopens(beamr_wasi *w, const beamr_wasi_options *o, beamr_error *err)
{
    static const beamr_preopen root = {.path = "/"};
    const beamr_preopen *from = o->preopens ? o->preopens : &root;
    size_t count = o->preopens ? o->preopen_count : 1;
    beamr_status st = BEAMR_OK;

    if (w->max_open > SYSTEM_MAX_OPEN_MOST)
        return beamr_fail(err, BEAMR_LIMIT, 0, "%u open descriptors; at most %d", w->max_open,
                          SYSTEM_MAX_OPEN_MOST);
    if (w->max_open < SYSTEM_STREAMS || count > w->max_open - SYSTEM_STREAMS)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "%zu preopened directories and 3 streams, but %u descriptors", count,
                          w->max_open);
    w->preopens = calloc(count ? count : 1, sizeof *w->preopens);
    if (!w->preopens)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for preopened directories");
    for (size_t i = 0; i < count && st == BEAMR_OK; i++)
        st = add_preopen(w, &from[i], err);
    return st;
}

static beamr_status begin(beamr_wasi *w, const beamr_wasi_options *o, beamr_error *err)
{
    beamr_status st;

    copy_options(w, o);
    if (o->vfs)
        w->vfs = beamr_vfs_ref(o->vfs);
    else if ((st = beamr_vfs_new(NULL, &w->vfs, err)) != BEAMR_OK)
        return st;
    if ((st = texts_copy(&w->args, o->args, o->arg_count, "arguments", err)) != BEAMR_OK ||
        (st = env_check(o, err)) != BEAMR_OK ||
        (st = texts_copy(&w->env, o->env, o->env_count, "environment", err)) != BEAMR_OK ||
        (st = add_preopens(w, o, err)) != BEAMR_OK ||
        (st = find_directory(w, o->cwd ? o->cwd : "/", "current directory", &w->cwd, err)) !=
            BEAMR_OK)
        return st;
    if (system_fd_begin(w) != GUEST_ESUCCESS)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    return BEAMR_OK;
}

beamr_status beamr_wasi_new(const beamr_wasi_options *options, BEAMR_OWN beamr_wasi **out,
                            beamr_error *err)
{
    static const beamr_wasi_options none;
    beamr_wasi *w = calloc(1, sizeof *w);
    beamr_status st;

    if (!w)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a system");
    atomic_init(&w->refs, 1);
    st = begin(w, options ? options : &none, err);
    if (st == BEAMR_OK)
        *out = w;
    else
        beamr_wasi_unref(w);
    return st;
}

beamr_wasi *beamr_wasi_ref(beamr_wasi *wasi)
{
    atomic_fetch_add_explicit(&wasi->refs, 1, memory_order_relaxed);
    return wasi;
}

void beamr_wasi_unref(beamr_wasi *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    system_fd_end(w);
    guest_node_unref(w->vfs, w->cwd);
    for (size_t i = 0; i < w->preopen_count; i++) {
        guest_node_unref(w->vfs, w->preopens[i].node);
        free(w->preopens[i].name);
    }
    free(w->preopens);
    texts_clear(&w->args);
    texts_clear(&w->env);
    beamr_vfs_unref(w->vfs);
    guest_cxx_clear(&w->cxx);
    free(w);
}

beamr_vfs *beamr_wasi_vfs(const beamr_wasi *wasi)
{
    return wasi->vfs;
}

guest_cxx *guest_wasi_cxx(beamr_wasi *wasi)
{
    return &wasi->cxx;
}

void guest_set_extra(beamr_wasi *w, const guest_extra *extra)
{
    w->extra = extra ? *extra : (guest_extra){0};
}

guest_errno system_result(beamr_status st, const char *what, beamr_error *err)
{
    if (st == BEAMR_OK)
        return GUEST_ESUCCESS;
    (void)beamr_fail(err, st, 0, "%s: %s", what, beamr_status_text(st));
    return GUEST_EABORT;
}

/* ---- Time ---- */

static uint64_t add_times(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t guest_clock(beamr_wasi *w, beamr_clock clock)
{
    uint64_t ns = w->clock ? w->clock(w->user, clock) : 0;

    /* Who sleeps uses no processor. */
    if (clock == BEAMR_CLOCK_REALTIME || clock == BEAMR_CLOCK_MONOTONIC)
        ns = add_times(ns, add_times(w->begun, w->slept));
    return ns;
}

uint64_t guest_clock_resolution(const beamr_wasi *w)
{
    return w->clock_resolution;
}

bool guest_clock_stands(const beamr_wasi *w)
{
    return !w->clock && !w->wait;
}

void system_touch(beamr_wasi *w)
{
    beamr_vfs_set_time(w->vfs, guest_clock(w, BEAMR_CLOCK_REALTIME));
}

guest_errno guest_wait(beamr_wasi *w, uint64_t ns, bool for_input, bool *has_input,
                       beamr_error *err)
{
    *has_input = false;
    if (w->wait)
        return system_result(w->wait(w->user, ns, for_input, has_input, err), "waiting", err);
    if (for_input)
        *has_input = true;
    else
        w->slept = add_times(w->slept, ns);
    return GUEST_ESUCCESS;
}

/* ---- Random numbers: ChaCha20 (RFC 8439, "The ChaCha20 Block Function") with a block counter
 * of 64 bits, which makes any place of the sequence cheap to go to, and the state one number.
 * ---- */

static inline void quarter_round(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
    s[a] += s[b];
    s[d] = ROTATE(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = ROTATE(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = ROTATE(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = ROTATE(s[b] ^ s[c], 7);
#undef ROTATE
}

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void random_block(const uint8_t seed[32], uint64_t counter, uint8_t out[64])
{
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];

    for (unsigned i = 0; i < 8; i++)
        in[4 + i] = load_u32(seed + 4 * i);
    in[12] = (uint32_t)counter;
    in[13] = (uint32_t)(counter >> 32);
    memcpy(s, in, sizeof s);
    for (unsigned round = 0; round < 10; round++) {
        quarter_round(s, 0, 4, 8, 12);
        quarter_round(s, 1, 5, 9, 13);
        quarter_round(s, 2, 6, 10, 14);
        quarter_round(s, 3, 7, 11, 15);
        quarter_round(s, 0, 5, 10, 15);
        quarter_round(s, 1, 6, 11, 12);
        quarter_round(s, 2, 7, 8, 13);
        quarter_round(s, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t word = s[i] + in[i];

        for (unsigned k = 0; k < 4; k++)
            out[4 * i + k] = (uint8_t)(word >> 8 * k);
    }
}

/* Bytes at a place of the sequence that follows from the seed: ChaCha20 with a nonce of 0. */
static void random_at(const uint8_t seed[32], uint64_t at, uint8_t *buf, size_t len)
{
    uint8_t block[64];

    while (len) {
        size_t skip = at % 64, piece = 64 - skip < len ? 64 - skip : len;

        random_block(seed, at / 64, block);
        memcpy(buf, block + skip, piece);
        buf += piece;
        at += piece;
        len -= piece;
    }
}

guest_errno guest_random(beamr_wasi *w, void *buf, size_t len, beamr_error *err)
{
    beamr_status st;

    if (w->random)
        return system_result(w->random(w->user, buf, len, err), "random numbers", err);
    if (w->seed_of && !w->has_seed) {
        if ((st = w->seed_of(w->user, w->seed, err)) != BEAMR_OK)
            return system_result(st, "the seed of random numbers", err);
        w->has_seed = true;
    }
    random_at(w->seed, w->random_used, buf, len);
    w->random_used += len;
    return GUEST_ESUCCESS;
}

/* ---- Calls ---- */

void beamr_wasi_renew(beamr_wasi *wasi, uint64_t now_ns)
{
    wasi->begun = now_ns;
    wasi->slept = 0;
    wasi->random_used = 0;
    wasi->has_seed = false;
    beamr_wasi_clear_exit(wasi);
}

beamr_status beamr_wasi_set_deferred(beamr_wasi *wasi, const char *module, bool is_deferred,
                                     beamr_error *err)
{
    static const struct {
        const char *name;
        unsigned bit;
    } doors[] = {{"wasi_snapshot_preview1", GUEST_DEFER_PREVIEW1},
                 {"wasi_unstable", GUEST_DEFER_UNSTABLE},
                 {"env", GUEST_DEFER_ENV}};

    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
        if (strcmp(doors[i].name, module) == 0) {
            wasi->deferred &= ~doors[i].bit;
            wasi->deferred |= is_deferred ? doors[i].bit : 0;
            return BEAMR_OK;
        }
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "'%.64s' has no functions of the system", module);
}

unsigned guest_deferred(const beamr_wasi *w)
{
    return w->deferred;
}

/* ---- The end ---- */

beamr_status guest_exit(beamr_wasi *w, uint32_t code, beamr_error *err)
{
    w->has_exited = true;
    w->exit_code = code;
    return beamr_fail_trap(err, BEAMR_TRAP_EXIT, "%u", code);
}

bool beamr_wasi_exited(const beamr_wasi *wasi, uint32_t *code)
{
    if (wasi->has_exited && code)
        *code = wasi->exit_code;
    return wasi->has_exited;
}

void beamr_wasi_clear_exit(beamr_wasi *wasi)
{
    wasi->has_exited = false;
    wasi->exit_code = 0;
}
