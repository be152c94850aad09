/* Many guests on few threads: calls that wait for what the embedder finds out later.
 * Each guest sums values that it fetches one by one. Fetching is a function without a callback:
 * when a guest calls it, the guest's call returns to the worker thread as suspended, and the
 * worker turns to another guest. A service thread finds the values and puts the guests back
 * into the queue, from which any worker goes on with them. It exits with 1 if a sum is wrong.
 *
 *   cc wait.c -lbeamr -lpthread && ./a.out
 *
 * Read next: beamr/entry.h. */
#include <beamr/beamr.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The guest, in the text format:
 *
 *   (module
 *     (import "host" "fetch" (func $fetch (param i64) (result i64)))
 *     (func (export "sum") (param $key i64) (result i64) (local $sum i64)
 *       (loop
 *         (local.set $sum (i64.add (local.get $sum) (call $fetch (local.get $key))))
 *         (br_if 0 (i64.ne (i64.const 0)
 *           (local.tee $key (i64.sub (local.get $key) (i64.const 1))))))
 *       (local.get $sum))) */
/* clang-format off */
static const uint8_t summer[] =
    "\0asm\x01\0\0\0"
    "\x01\x06\x01\x60\x01\x7e\x01\x7e"                 /* type */
    "\x02\x0e\x01\x04host\x05" "fetch\0\0"             /* import */
    "\x03\x02\x01\0"                                   /* function */
    "\x07\x07\x01\x03sum\0\x01"                        /* export */
    "\x0a\x20\x01\x1e\x01\x01\x7e\x03\x40"             /* code: a local, loop */
    "\x20\x01\x20\0\x10\0\x7c\x21\x01"                 /* fetch and add */
    "\x42\0\x20\0\x42\x01\x7d\x22\0\x52\x0d\0\x0b" /* count down */
    "\x20\x01\x0b";
/* clang-format on */

enum { GUESTS = 500, WORKERS = 4, LAST_KEY = 20 };

typedef struct guest {
    struct guest *next; /* of its queue */
    beamr_store *store;
    beamr_func *sum;
    beamr_entry entry; /* 0 before the call has begun */
    int64_t key;       /* asked for */
    beamr_value value; /* found */
} guest;

typedef struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    guest *first, *last;
    bool is_closed;
} queue;

/* Guests that can run, and guests that wait for a value. */
static queue ready = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, false};
static queue asking = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, false};
static _Atomic(int) unfinished = GUESTS;
static _Atomic(int) wrong;

static void queue_put(queue *q, guest *g)
{
    (void)pthread_mutex_lock(&q->lock);
    g->next = NULL;
    if (q->last)
        q->last->next = g;
    else
        q->first = g;
    q->last = g;
    (void)pthread_cond_signal(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}

/* Returns NULL once the queue is closed. */
static guest *queue_take(queue *q)
{
    guest *g;

    (void)pthread_mutex_lock(&q->lock);
    while (!q->first && !q->is_closed)
        (void)pthread_cond_wait(&q->changed, &q->lock);
    if ((g = q->first) && !(q->first = g->next))
        q->last = NULL;
    (void)pthread_mutex_unlock(&q->lock);
    return g;
}

static void queue_close(queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    (void)pthread_cond_broadcast(&q->changed);
    (void)pthread_mutex_unlock(&q->lock);
}

/* ---- Threads ---- */

/* Begin the guest's call, or go on with it. */
static beamr_status advance(guest *g, beamr_value *result, beamr_error *err)
{
    beamr_answer answer = {.results = &g->value, .result_count = 1};
    beamr_value key = beamr_i64(LAST_KEY);

    if (g->entry == 0)
        return beamr_entry_begin(g->sum, &key, 1, result, 1, &g->entry, err);
    return beamr_entry_resume(g->store, g->entry, &answer, result, 1, err);
}

static void finish(beamr_status st, const beamr_value *result, const beamr_error *err)
{
    int64_t expected = 0;

    for (int64_t key = 1; key <= LAST_KEY; key++)
        expected += key * key;
    if (st != BEAMR_OK || result->of.i64 != expected) {
        (void)fprintf(stderr, "wait: %s: %s\n", beamr_status_text(st), err->text);
        wrong++;
    }
    if (--unfinished == 0) {
        queue_close(&ready);
        queue_close(&asking);
    }
}

static void *work(void *unused)
{
    guest *g;

    while ((g = queue_take(&ready))) {
        beamr_error err = {0};
        beamr_request request;
        beamr_value result, key;
        beamr_status st = advance(g, &result, &err);

        if (st != BEAMR_SUSPENDED) {
            finish(st, &result, &err);
        } else if ((st = beamr_entry_request(g->store, g->entry, &request, &key, 1, &err)) ==
                   BEAMR_OK) {
            g->key = key.of.i64; /* there is but one function to ask: no look at its name */
            queue_put(&asking, g);
        } else {
            finish(st, &result, &err);
        }
    }
    return unused;
}

static void *serve(void *unused)
{
    guest *g;

    while ((g = queue_take(&asking))) {
        g->value = beamr_i64(g->key * g->key); /* somewhere else this takes a while */
        queue_put(&ready, g);
    }
    return unused;
}

/* ---- Guests ---- */

static beamr_status guest_open(guest *g, beamr_engine *engine, beamr_module *module,
                               beamr_error *err)
{
    beamr_host later = {0}; /* without a callback */
    beamr_valtype i64 = beamr_valtype_of(BEAMR_I64);
    beamr_functype type = {&i64, 1, &i64, 1};
    beamr_linker *linker = NULL;
    beamr_instance *instance;
    beamr_status st = beamr_store_new(engine, NULL, &g->store, err);

    if (st == BEAMR_OK)
        st = beamr_linker_new(g->store, &linker, err);
    if (st == BEAMR_OK)
        st = beamr_linker_define_host(linker, "host", "fetch", &type, &later, err);
    if (st == BEAMR_OK)
        st = beamr_linker_instantiate(linker, module, &instance, err);
    if (st == BEAMR_OK)
        g->sum = beamr_instance_find_func(instance, "sum");
    beamr_linker_free(linker);
    return st;
}

static bool run_threads(void)
{
    pthread_t threads[WORKERS + 1];

    for (int i = 0; i <= WORKERS; i++)
        if (pthread_create(&threads[i], NULL, i < WORKERS ? work : serve, NULL) != 0)
            return false;
    for (int i = 0; i <= WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    return true;
}

int main(void)
{
    static guest guests[GUESTS];
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_error err = {0};
    beamr_status st = beamr_engine_new(NULL, &engine, &err);

    if (st == BEAMR_OK)
        st = beamr_module_load(engine, (beamr_bytes){summer, sizeof summer - 1}, &module, &err);
    for (int i = 0; i < GUESTS && st == BEAMR_OK; i++)
        if ((st = guest_open(&guests[i], engine, module, &err)) == BEAMR_OK)
            queue_put(&ready, &guests[i]);
    if (st != BEAMR_OK)
        (void)fprintf(stderr, "wait: %s: %s\n", beamr_status_text(st), err.text);
    else if (run_threads() && wrong == 0)
        printf("%d guests fetched %d values each, on %d threads\n", GUESTS, LAST_KEY, WORKERS);
    for (int i = 0; i < GUESTS; i++)
        beamr_store_free(guests[i].store);
    beamr_module_unref(module);
    beamr_engine_free(engine);
    return st == BEAMR_OK && unfinished == 0 && wrong == 0 ? 0 : 1;
}
