/* Modules of which some functions have native code and some stay interpreted: whatever crosses
 * between them means what it means to the interpreter: several results and vectors, exceptions,
 * traps with their places and names, the depth of the stack, fuel, waiting on any thread,
 * pauses, deadlines, snapshots. With and without guards, over a 64-bit memory. */
#define _GNU_SOURCE
#include "fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "beamr/native.h"
#include "native_mixed_guest.h"
#include "native_padded.h"

enum { FUNCS = 24, UNITS = 20000, METERED = 1, CHECKS = 2, UNGUARDED = 4 };

typedef struct world {
    fixture f;
    beamr_instance *instance;
    beamr_tag *tag;
} world;

/* ---- A world ---- */

static beamr_status many(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    (void)call;
    (void)err;
    results[0] = beamr_i32(args[0].of.i32 * 7);
    results[1] = args[1];
    results[1].of.v128[5] ^= 0x55;
    results[2] = beamr_f64(args[2].of.f32 * 1e10);
    return BEAMR_OK;
}

/* What the host does at the end of a chain. */
static beamr_status act(const beamr_call *call, const beamr_value *args, beamr_value *results,
                        beamr_error *err)
{
    world *w = call->user;
    beamr_value thrown[2] = {args[0], beamr_i64(9)};
    beamr_value n = beamr_i32(args[0].of.i32 % 100);

    switch (args[0].of.i32 / 100) {
    case 1:
        return beamr_fail_trap(err, BEAMR_TRAP_EXIT, "by the host");
    case 2:
        return beamr_throw(w->f.store, w->tag, thrown, 2, err);
    case 3: /* the chain once more, above this one */
        return beamr_func_call(beamr_instance_find_func(call->caller, "catch"), &n, 1, results,
                               1, err);
    default:
        results[0] = args[0];
        return BEAMR_OK;
    }
}

static beamr_module *load(world *w, int way, int kind, bool is_native)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;
    wasm_builder b = {0};
    beamr_module *m;
    beamr_error err = {0};
    size_t padded = way == PAD_NONE ? 0 : way == PAD_ALL ? FUNCS : FUNCS / 2;

    pad_functions(&b, guest_mixed, sizeof guest_mixed, way);
    m = fixture_load(&w->f, &b);
    options.threads = 1;
    options.checks = kind & CHECKS;
    if (is_native && beamr_module_compile(m, &options, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(beamr_module_native_count(m), is_native ? FUNCS - padded : 0);
    return m;
}

static world *world_open(int way, int kind, bool is_native)
{
    static const beamr_store_limits limits = {262144, 1000, 10, UNITS, 100, UINT64_MAX, 0};
    world *w = calloc(1, sizeof *w);
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_host later = {.callback = NULL};
    beamr_extern imports[4] = {{0}};
    beamr_error err = {0};
    beamr_module *m;

    config.tier = BEAMR_TIER_INTERPRET;
    config.metering = kind & METERED;
    config.unguarded = kind & UNGUARDED;
    w->f = fixture_open_with(&config, &limits);
    assert_int_equal(beamr_tag_new(w->f.store, fixture_type("il", ""), &w->tag, NULL),
                     BEAMR_OK);
    imports[0].of.func = fixture_func(&w->f, "ivf", "ivd", many, w);
    imports[1].of.func = fixture_func(&w->f, "i", "i", act, w);
    assert_int_equal(
        beamr_func_make(w->f.store, fixture_type("i", "i"), &later, &imports[2].of.func, NULL),
        BEAMR_OK);
    imports[3] = (beamr_extern){BEAMR_EXTERN_TAG, {.tag = w->tag}};
    m = load(w, way, kind, is_native);
    if (beamr_instance_new(w->f.store, m, imports, 4, &w->instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
    return w;
}

static void world_close(world *w)
{
    fixture_close(&w->f);
    free(w);
}

static beamr_func *find(const world *w, const char *name)
{
    beamr_func *f = beamr_instance_find_func(w->instance, name);

    assert_non_null(f);
    return f;
}

/* Two worlds that must come to the same: one interprets the module. */
typedef struct worlds {
    world *of[2];
    int way, kind;
} worlds;

static worlds worlds_open(int way, int kind)
{
    return (worlds){{world_open(way, kind, false), world_open(way, kind, true)}, way, kind};
}

static void worlds_close(const worlds *w)
{
    world_close(w->of[0]);
    world_close(w->of[1]);
}

/* ---- Comparing ---- */

typedef struct outcome {
    beamr_status status;
    beamr_value results[3];
    uint64_t fuel;
    beamr_error err;
} outcome;

static void check_same(const worlds *w, const char *what, const outcome *a, const outcome *b)
{
    bool same = a->status == b->status && a->err.trap == b->err.trap && a->fuel == b->fuel &&
                strcmp(a->err.text, b->err.text) == 0 &&
                a->err.frame_total == b->err.frame_total &&
                a->err.frame_count == b->err.frame_count &&
                memcmp(a->results, b->results, sizeof a->results) == 0;
    uint32_t i = 0;

    while (same && i < a->err.frame_count) {
        same = a->err.frames[i].func == b->err.frames[i].func &&
               a->err.frames[i].offset == b->err.frames[i].offset &&
               strcmp(a->err.frames[i].name, b->err.frames[i].name) == 0;
        i += same;
    }
    if (!same)
        fail_msg("%s, padded %d, kind %d: interpreted %d \"%s\" %d, %u frames, fuel %" PRIu64
                 "; mixed %d \"%s\" %d, %u frames, fuel %" PRIu64
                 "; frame %u %s at %x, %s at %x",
                 what, w->way, w->kind, (int)a->status, a->err.text, (int)a->results[0].of.i32,
                 (unsigned)a->err.frame_total, a->fuel, (int)b->status, b->err.text,
                 (int)b->results[0].of.i32, (unsigned)b->err.frame_total, b->fuel, (unsigned)i,
                 a->err.frames[i].name, (unsigned)a->err.frames[i].offset,
                 b->err.frames[i].name, (unsigned)b->err.frames[i].offset);
}

static void call(world *w, const char *name, const beamr_value *args, size_t count,
                 size_t results, outcome *out)
{
    memset(out, 0, sizeof *out);
    out->status = beamr_func_call(find(w, name), args, count, out->results, results, &out->err);
    out->fuel = beamr_store_fuel(w->f.store);
}

/* Call it in both; returns how it ended. */
static outcome call_both(const worlds *w, const char *name, int32_t n)
{
    beamr_value arg = beamr_i32(n);
    outcome out[2];
    char what[100];

    for (int i = 0; i < 2; i++)
        call(w->of[i], name, &arg, 1, 1, &out[i]);
    (void)snprintf(what, sizeof what, "%s %d", name, (int)n);
    check_same(w, what, &out[0], &out[1]);
    return out[0];
}

static void fill_up(const worlds *w)
{
    for (int i = 0; i < 2; i++)
        beamr_store_set_fuel(w->of[i]->f.store, UINT64_MAX / 2);
}

static void snapshot(world *w, uint8_t **bytes, size_t *len)
{
    beamr_error err = {0};

    if (beamr_snapshot_save(w->instance, NULL, bytes, len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void check_state(const worlds *w)
{
    uint8_t *bytes[2];
    size_t len[2];

    for (int i = 0; i < 2; i++)
        snapshot(w->of[i], &bytes[i], &len[i]);
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    for (int i = 0; i < 2; i++)
        beamr_snapshot_free(bytes[i]);
}

/* ---- Calls that end at once ---- */

static void check_values(const worlds *w)
{
    for (int32_t n = -2; n < 3; n++) {
        beamr_value args[3] = {beamr_i32(n), {.kind = BEAMR_V128}, beamr_f32(1e3f * (float)n)};
        outcome out[2];

        for (int i = 0; i < 16; i++)
            args[1].of.v128[i] = (uint8_t)(i * 17 + n);
        for (int i = 0; i < 2; i++)
            call(w->of[i], "many", args, 3, 3, &out[i]);
        assert_int_equal(out[0].status, BEAMR_OK);
        check_same(w, "many", &out[0], &out[1]);
        assert_int_equal(out[0].results[0].of.i32, (n + 3) * 3 * 7);
    }
    assert_int_equal(call_both(w, "pair", 5).results[0].of.i32, 4);
}

static const char *const chains[] = {"act",        "act_indirect", "act_near", "act_here",
                                     "catch_near", "catch",        "all"};
enum { CHAINS = sizeof chains / sizeof chains[0] };

static void check_chains(const worlds *w)
{
    static const int32_t more[] = {42, 100, 205, 301, 302, 304, 309, 313};
    unsigned traps = 0;

    for (size_t i = 0; i < CHAINS; i++) {
        for (int32_t n = 0; n < 14; n++)
            traps += call_both(w, chains[i], n).status == BEAMR_TRAP;
        for (size_t k = 0; k < sizeof more / sizeof more[0]; k++)
            (void)call_both(w, chains[i], more[k]);
    }
    assert_int_equal(traps, CHAINS * 10);
    assert_int_equal(call_both(w, "storm", 1000).results[0].of.i32, 1500);
    assert_int_equal(call_both(w, "tree", 10).results[0].of.i32, 1024);
    assert_int_equal(call_both(w, "loop", 100).results[0].of.i32, 100);
}

static void check_fuel(const worlds *w)
{
    static const char *const names[] = {"catch", "all", "storm", "tree", "loop"};

    if (!(w->kind & METERED))
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (uint64_t fuel = 0; fuel < 400; fuel += 7) {
            for (int k = 0; k < 2; k++)
                beamr_store_set_fuel(w->of[k]->f.store, fuel);
            (void)call_both(w, names[i], 1 + (int32_t)(fuel % 8));
        }
}

/* ---- Waiting, on any thread ---- */

/* What another thread is to do. */
typedef struct resumption {
    world *w;
    beamr_entry entry;
    const beamr_answer *answer;
    outcome *out;
} resumption;

static void *resume(void *arg)
{
    resumption *r = arg;

    r->out->status = beamr_entry_resume(r->w->f.store, r->entry, r->answer, r->out->results, 1,
                                        &r->out->err);
    return NULL;
}

static void resume_elsewhere(world *w, beamr_entry entry, const beamr_answer *answer,
                             outcome *out)
{
    resumption r = {w, entry, answer, out};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, resume, &r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* How the second request is answered. */
enum { GIVEN, FAILED, THROWN, ANSWERS };

static void wait(world *w, int how, outcome *out)
{
    beamr_value arg = beamr_i32(21), given = beamr_i32(10);
    beamr_value thrown[2] = {arg, beamr_i64(3)};
    beamr_answer answer = {.results = &given, .result_count = 1};
    beamr_error failure = {0};
    beamr_entry entry;

    memset(out, 0, sizeof *out);
    assert_int_equal(beamr_entry_begin(find(w, "wait"), &arg, 1, out->results, 1, &entry, NULL),
                     BEAMR_SUSPENDED);
    resume_elsewhere(w, entry, &answer, out);
    assert_int_equal(out->status, BEAMR_SUSPENDED);
    (void)beamr_fail_trap(&failure, BEAMR_TRAP_EXIT, "no answer");
    if (how == FAILED)
        answer = (beamr_answer){.error = &failure};
    if (how == THROWN) {
        assert_int_equal(beamr_throw(w->f.store, w->tag, thrown, 2, &failure), BEAMR_EXCEPTION);
        answer = (beamr_answer){.exception = beamr_exception_take(w->f.store)};
    }
    resume_elsewhere(w, entry, &answer, out);
    if (how == THROWN)
        beamr_exception_release(w->f.store, answer.exception);
}

/* Threads that have never run a guest: their faults are found, too. */
static void *act_elsewhere(void *arg)
{
    resumption *r = arg;
    beamr_value n = beamr_i32(4);

    call(r->w, "act", &n, 1, 1, r->out);
    return NULL;
}

static void check_faults_elsewhere(const worlds *w)
{
    outcome out[2];

    for (int i = 0; i < 2; i++) {
        resumption r = {.w = w->of[i], .out = &out[i]};
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, act_elsewhere, &r), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(out[0].err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    check_same(w, "a fault elsewhere", &out[0], &out[1]);
}

static void check_waiting(const worlds *w)
{
    static const int32_t expected[ANSWERS] = {20 + 21 * 21, 0, 21 + 500 + 21 * 21};
    outcome out[2];

    for (int how = 0; how < ANSWERS; how++) {
        for (int i = 0; i < 2; i++)
            wait(w->of[i], how, &out[i]);
        check_same(w, "wait", &out[0], &out[1]);
        assert_int_equal(out[1].status, how == FAILED ? BEAMR_TRAP : BEAMR_OK);
        assert_int_equal(out[1].results[0].of.i32, expected[how]);
    }
}

/* Asked to pause whenever it goes on, by threads in turn. Returns how often it did. */
static unsigned pause_always(world *w, const char *name, int32_t n, outcome *out)
{
    beamr_value arg = beamr_i32(n);
    beamr_entry entry;
    unsigned pauses = 0;

    memset(out, 0, sizeof *out);
    beamr_store_pause(w->f.store);
    out->status = beamr_entry_begin(find(w, name), &arg, 1, out->results, 1, &entry, &out->err);
    while (out->status == BEAMR_SUSPENDED) {
        pauses++;
        beamr_store_pause(w->f.store);
        resume_elsewhere(w, entry, NULL, out);
    }
    beamr_store_clear_pause(w->f.store);
    return pauses;
}

static void check_pauses(const worlds *w)
{
    static const char *const names[] = {"loop", "tree", "storm", "catch"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        outcome out[2];
        unsigned pauses[2];

        for (int k = 0; k < 2; k++)
            pauses[k] = pause_always(w->of[k], names[i], 3, &out[k]);
        check_same(w, names[i], &out[0], &out[1]);
        assert_true(pauses[0] > 1);
        assert_int_equal(pauses[0], pauses[1]);
    }
}

/* ---- Being ended ---- */

/* A loop without calls, and calls without a loop. */
static void check_deadline(const worlds *w)
{
    static const struct {
        const char *name;
        int32_t arg;
    } endless[] = {{"spin", 0}, {"tree", 62}, {"tree_1", 62}, {"storm", 0}};

    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        world *one = w->of[1];
        beamr_value arg = beamr_i32(endless[i].arg);
        outcome out;

        assert_int_equal(beamr_store_set_deadline(one->f.store, 3000000, NULL), BEAMR_OK);
        call(one, endless[i].name, &arg, 1, 1, &out);
        assert_int_equal(out.status, BEAMR_TRAP);
        assert_int_equal(out.err.trap, BEAMR_TRAP_DEADLINE);
        assert_true(out.err.frame_total > 0 && out.err.frame_total < 70);
        assert_true(out.err.frames[0].name[0] && out.err.frames[0].offset > 0);
        beamr_store_clear_deadline(one->f.store);
        beamr_store_interrupt(one->f.store);
        call(one, endless[i].name, &arg, 1, 1, &out);
        assert_int_equal(out.err.trap, BEAMR_TRAP_INTERRUPTED);
    }
    fill_up(w);
    assert_int_equal(call_both(w, "catch", 1).results[0].of.i32, 2001);
}

/* ---- Snapshots ---- */

/* What one saved goes on in the other, back and forth. */
static void check_snapshots(const worlds *w)
{
    beamr_value arg = beamr_i32(10);
    int32_t rounds = call_both(w, "loop", 1).results[0].of.i32;
    outcome out;

    for (int i = 0; i < 4; i++) {
        world *from = w->of[i % 2], *to = w->of[1 - i % 2];
        uint8_t *bytes;
        size_t len;

        call(from, "loop", &arg, 1, 1, &out);
        assert_int_equal(out.results[0].of.i32, rounds += 10);
        call(from, "catch", &arg, 1, 1, &out);
        assert_int_equal(out.err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
        snapshot(from, &bytes, &len);
        assert_int_equal(
            beamr_snapshot_restore(to->instance, (beamr_bytes){bytes, len}, NULL, NULL),
            BEAMR_OK);
        beamr_snapshot_free(bytes);
        check_state(w);
    }
    fill_up(w);
    (void)call_both(w, "loop", 7);
    (void)call_both(w, "act", 4);
}

/* ---- All of it, in one pair of worlds ---- */

static void parts_mean_the_same(void **state)
{
    static void (*const checks[])(const worlds *) = {
        check_values,           check_chains, check_fuel,     check_waiting,
        check_faults_elsewhere, check_pauses, check_deadline, check_snapshots,
    };
    const int *kind = *state;
    worlds w = worlds_open(*kind % PAD_ALL, *kind / PAD_ALL);

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        fill_up(&w);
        checks[i](&w);
        check_state(&w);
    }
    worlds_close(&w);
}

#define WORLD(way, kind)                                                                       \
    {                                                                                          \
        "parts_mean_the_same: " #way ", " #kind, parts_mean_the_same, NULL, NULL, &(int)       \
        {                                                                                      \
            (way) + PAD_ALL *(kind)                                                            \
        }                                                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(PAD_NONE, METERED),
        WORLD(PAD_EVEN, 0),
        WORLD(PAD_ODD, METERED | CHECKS),
        WORLD(PAD_EVEN, METERED | UNGUARDED),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
