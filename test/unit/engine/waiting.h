/* For tests of calls that wait: a store with the guest of waiting_guest.wat, whose import `ask`
 * is answered later and whose import `call` is a host function that a test gives. */
#ifndef TEST_WAITING_H
#define TEST_WAITING_H

#include <stdlib.h>
#include <time.h>

#include "fixture.h"
#include "waiting_guest.h"

#if defined(__has_feature)
#define TEST_HAS(feature) __has_feature(feature)
#else
#define TEST_HAS(feature) 0
#endif
/* How much slower this build is than it could be; amounts of work are divided by it. */
#if TEST_HAS(thread_sanitizer) || defined(__SANITIZE_THREAD__)
#define TEST_IS_TSAN 1
#else
#define TEST_IS_TSAN 0
#endif
#if TEST_HAS(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define TEST_IS_ASAN 1
#else
#define TEST_IS_ASAN 0
#endif

/* Random numbers; BEAMR_TEST_SEED repeats a run. For one thread. */
static uint64_t random_state;

static inline uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline void random_begin(void)
{
    const char *given = getenv("BEAMR_TEST_SEED");

    random_state = given ? strtoull(given, NULL, 10) : 0;
    if (random_state == 0)
        random_state = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    print_message("BEAMR_TEST_SEED=%llu\n", (unsigned long long)random_state);
}

static int waiting_user; /* given to `ask` */

typedef struct waiting {
    beamr_engine *engine;
    beamr_module *module; /* shared by the stores of one engine */
    beamr_store *store;
    beamr_func *ask, *call, *all;
    beamr_instance *guest;
    beamr_tag *tag;
} waiting;

static inline beamr_func *waiting_host(beamr_store *store, const char *name, const char *params,
                                       const char *results, beamr_host host)
{
    beamr_func *f = NULL;

    host.module = (beamr_bytes){(const uint8_t *)"host", 4};
    host.name = (beamr_bytes){(const uint8_t *)name, strlen(name)};
    assert_int_equal(beamr_func_make(store, fixture_type(params, results), &host, &f, NULL),
                     BEAMR_OK);
    return f;
}

/* Another store with the guest, of the same engine.
 *   call  the import `call`; without a callback it is answered later, too */
static inline waiting waiting_in(beamr_engine *engine, beamr_module *module, beamr_host call,
                                 const beamr_store_limits *limits)
{
    waiting w = {.engine = engine, .module = module};
    beamr_error err = {0};
    beamr_extern imports[3];
    beamr_extern found;

    assert_int_equal(beamr_store_new(engine, limits, &w.store, NULL), BEAMR_OK);
    w.ask = waiting_host(w.store, "ask", "i", "i", (beamr_host){.user = &waiting_user});
    w.call = waiting_host(w.store, "call", "i", "i", call);
    w.all = waiting_host(w.store, "all", "ilfdvFX", "lvXFf", (beamr_host){0});
    imports[0] = (beamr_extern){BEAMR_EXTERN_FUNC, {.func = w.ask}};
    imports[1] = (beamr_extern){BEAMR_EXTERN_FUNC, {.func = w.call}};
    imports[2] = (beamr_extern){BEAMR_EXTERN_FUNC, {.func = w.all}};
    if (beamr_instance_new(w.store, module, imports, 3, &w.guest, &err) != BEAMR_OK)
        fail_msg("the guest cannot be instantiated: %s", err.text);
    assert_true(beamr_instance_find(w.guest, (beamr_bytes){(const uint8_t *)"tag", 3}, &found));
    w.tag = found.of.tag;
    return w;
}

static inline waiting waiting_open_with(beamr_host call, const beamr_config *config,
                                        const beamr_store_limits *limits)
{
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;

    assert_int_equal(beamr_engine_new(config, &engine, NULL), BEAMR_OK);
    assert_int_equal(beamr_module_load(engine,
                                       (beamr_bytes){waiting_guest, sizeof waiting_guest},
                                       &module, NULL),
                     BEAMR_OK);
    return waiting_in(engine, module, call, limits);
}

static inline waiting waiting_open(void)
{
    return waiting_open_with((beamr_host){0}, NULL, NULL);
}

static inline void waiting_close(waiting *w)
{
    beamr_store_free(w->store);
    beamr_module_unref(w->module);
    beamr_engine_free(w->engine);
}

static inline beamr_func *waiting_func(const waiting *w, const char *name)
{
    beamr_func *f = beamr_instance_find_func(w->guest, name);

    if (!f)
        fail_msg("the guest has no function %s", name);
    return f;
}

/* Begin [i32] -> [i32], which must wait. */
static inline beamr_entry waiting_begin(const waiting *w, const char *name, int32_t arg)
{
    beamr_value in = beamr_i32(arg), out;
    beamr_entry entry = 0;
    beamr_error err = {0};
    beamr_status st = beamr_entry_begin(waiting_func(w, name), &in, 1, &out, 1, &entry, &err);

    if (st != BEAMR_SUSPENDED)
        fail_msg("%s does not wait: %s, %s", name, beamr_status_text(st), err.text);
    assert_true(entry != 0);
    assert_int_equal(err.status, BEAMR_OK);
    return entry;
}

/* Resume with one i32.  Returns the status; *result is the call's when it ended well. */
static inline beamr_status waiting_answer(const waiting *w, beamr_entry entry, int32_t value,
                                          int32_t *result, beamr_error *err)
{
    beamr_value in = beamr_i32(value), out = beamr_i32(0);
    beamr_answer answer = {.results = &in, .result_count = 1};
    beamr_status st = beamr_entry_resume(w->store, entry, &answer, &out, 1, err);

    if (st == BEAMR_OK)
        *result = out.of.i32;
    return st;
}

/* Resume with one i32: the call must end in `result`. */
static inline void waiting_ends(const waiting *w, beamr_entry entry, int32_t value,
                                int32_t result)
{
    beamr_error err = {0};
    int32_t out = 0;
    beamr_status st = waiting_answer(w, entry, value, &out, &err);

    if (st != BEAMR_OK)
        fail_msg("%s instead of %d: %s", beamr_status_text(st), (int)result, err.text);
    assert_int_equal(out, result);
}

/* Go on with a paused call: it must end in `result`. */
static inline void waiting_goes_on(const waiting *w, beamr_entry entry, int32_t result)
{
    beamr_value out = beamr_i32(0);

    assert_int_equal(beamr_entry_resume(w->store, entry, NULL, &out, 1, NULL), BEAMR_OK);
    assert_int_equal(out.of.i32, result);
}

/* An undisturbed call of [i32] -> [i32]: the store works. */
static inline void waiting_works(const waiting *w)
{
    beamr_value in = beamr_i32(21), out;

    assert_int_equal(beamr_func_call(waiting_func(w, "calls"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(out.of.i32, 84);
    waiting_ends(w, waiting_begin(w, "ask", 0), 5, 6);
}

/* An exception of the guest's tag, held by the embedder. */
static inline beamr_exception *waiting_exception(const waiting *w, int32_t arg)
{
    beamr_value value = beamr_i32(arg);

    assert_int_equal(beamr_throw(w->store, w->tag, &value, 1, NULL), BEAMR_EXCEPTION);
    return beamr_exception_take(w->store);
}

static inline int32_t waiting_count(const waiting *w)
{
    beamr_extern found;

    assert_true(
        beamr_instance_find(w->guest, (beamr_bytes){(const uint8_t *)"count", 5}, &found));
    return beamr_global_get(found.of.global).of.i32;
}

#endif
