/* States on several threads: calls on one state and on those before it, instances that are
 * given up meanwhile, and devices that go on with an import after it was answered. */
#include "state_guest.h"

#include <pthread.h>
#include <stdatomic.h>

#include "beamr/ao/guest.h"

#define THREADS 4

static ao_guest *guest_of(dev_state *state)
{
    ao_message *message = NULL;
    ao_guest *guest;

    assert_int_equal(
        dev_state_put(ao_message_empty(), beamr_bytes_of("wasm"), state, &message, NULL),
        BEAMR_OK);
    guest = ao_guest_of(message, "wasm");
    ao_message_unref(message);
    return guest; /* the state is held by the caller */
}

/* Results: the new state, and the first number. cmocka's asserts are for its own thread.
 * NULL: it failed. */
static dev_state *call(fixture *f, dev_state *from, const char *name, long n, int64_t *result)
{
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(1, n);
    beamr_error err = {0};
    dev_run *run = NULL;
    dev_end end;

    if (dev_run_call(from, beamr_bytes_of(name), parameters, &options, &run, &err) !=
            BEAMR_OK ||
        run_on(run, answer_double, NULL, &err) != BEAMR_OK) {
        (void)fprintf(stderr, "%s: %s\n", name, err.text);
        ao_value_unref(parameters);
        dev_run_free(run);
        return NULL;
    }
    ao_value_unref(parameters);
    dev_run_ended(run, &end);
    if (!end.is_trap && ao_list_count(end.value) > 0)
        *result = ao_list_at(end.value, 0).of.integer;
    return run_leave(run, &err);
}

static void run_threads(void *(*run)(void *), void *args, size_t size)
{
    pthread_t threads[THREADS];
    size_t failed = 0;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (char *)args + i * size), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *text;

        (void)pthread_join(threads[i], &text);
        failed += text != NULL;
    }
    assert_int_equal(failed, 0);
}

/* ---- A state that can't be repeated ---- */

typedef struct worker {
    fixture *f;
    dev_state *state;
    int64_t sum;
    unsigned seed;
} worker;

static void *add_once(void *arg)
{
    worker *w = arg;
    int64_t sum = 0;
    dev_state *next;

    if (w->seed % 3 == 2)
        dev_state_rest(w->state);
    next = call(w->f, w->state, "add", w->seed, &sum);
    dev_state_unref(next);
    return next && sum == w->sum + w->seed ? NULL : arg;
}

static void a_state_whose_record_is_lost_is_computed_on_by_all(void **unused)
{
    fixture own, *f = &own;
    long n = (long)(STATE_RECORD_BYTES / 64);

    (void)unused;
    fixture_open(f, NULL, NULL);
    for (unsigned i = 0; i < 20; i++) {
        dev_state *a = fixture_init(f), *b, *c;
        worker workers[THREADS];
        int64_t sum = 0;

        assert_non_null(b = call(f, a, "grow", 60, &sum));
        assert_non_null(c = call(f, b, "often", n, &sum));
        for (unsigned k = 0; k < THREADS; k++)
            workers[k] = (worker){f, c, n * (n + 1), k + i};
        run_threads(add_once, workers, sizeof workers[0]);
        dev_state_unref(a);
        dev_state_unref(b);
        dev_state_unref(c);
    }
    fixture_close(f);
}

/* ---- States of one tree ---- */

#define SLOTS 24
#define ROUNDS 400

static struct {
    pthread_mutex_t lock;
    dev_state *states[SLOTS];
    int64_t sums[SLOTS];
} tree = {.lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static bool read_sum(dev_state *state, int64_t sum)
{
    beamr_error err = {0};
    int64_t there = 0;

    if (ao_guest_read(guest_of(state), 64, &there, 8, &err) != BEAMR_OK || there != sum) {
        (void)fprintf(stderr, "read %lld for %lld: %s\n", (long long)there, (long long)sum,
                      err.text);
        return false;
    }
    return true;
}

static bool compute_on(worker *w, dev_state *from, int64_t sum)
{
    unsigned slot = next_random(&w->seed) % SLOTS;
    long n = (long)(next_random(&w->seed) % 1000);
    bool asks = n % 3 == 0;
    int64_t result = 0;
    dev_state *made = call(w->f, from, asks ? "ask" : "add", n, &result), *old;

    if (!made || result != sum + (asks ? 2 * n : n))
        return false;
    (void)pthread_mutex_lock(&tree.lock);
    old = tree.states[slot];
    tree.states[slot] = made;
    tree.sums[slot] = result;
    (void)pthread_mutex_unlock(&tree.lock);
    dev_state_unref(old);
    return true;
}

static bool do_something(worker *w)
{
    unsigned slot = next_random(&w->seed) % SLOTS, what = next_random(&w->seed) % 10;
    ao_message *message = NULL;
    dev_state *state;
    bool is_well = true;
    int64_t sum;

    (void)pthread_mutex_lock(&tree.lock);
    state = dev_state_ref(tree.states[slot]);
    sum = tree.sums[slot];
    (void)pthread_mutex_unlock(&tree.lock);
    if (what == 0)
        dev_state_rest(state);
    else if (what == 1)
        is_well = dev_state_snapshot(state, &message, NULL) == BEAMR_OK;
    else if (what < 4)
        is_well = read_sum(state, sum);
    else
        is_well = compute_on(w, state, sum);
    ao_message_unref(message);
    dev_state_unref(state);
    return is_well;
}

static void *do_many_things(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (!do_something(arg))
            return arg;
    }
    return NULL;
}

static void a_tree_of_states_is_computed_on_by_all(void **unused)
{
    ao_message *values = NULL;
    ao_context *plain = world_open(NULL, NULL);
    fixture own, *f = &own;
    worker workers[THREADS];
    dev_state *first;

    (void)unused;
    values = world_message(plain, "{\"wasm_idle_time\": 1}");
    fixture_open(f, values, NULL);
    first = fixture_init(f);
    for (size_t i = 0; i < SLOTS; i++) {
        tree.states[i] = dev_state_ref(first);
        tree.sums[i] = 0;
    }
    dev_state_unref(first);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i] = (worker){.f = f, .seed = i + 1};
    run_threads(do_many_things, workers, sizeof workers[0]);
    fixture_close(f); /* before the states go */
    for (size_t i = 0; i < SLOTS; i++) {
        assert_true(read_sum(tree.states[i], tree.sums[i]));
        dev_state_unref(tree.states[i]);
    }
    ao_message_unref(values);
    ao_context_free(plain);
}

/* ---- A device that goes on ---- */

typedef struct late {
    dev_state *state; /* of the call; counted */
    atomic_bool is_over;
    atomic_uint done;
} late;

/* It works in the guest, whatever has become of its import. */
static void *meddle(void *arg)
{
    late *l = arg;
    ao_guest *guest = guest_of(l->state);

    while (!l->is_over) {
        uint64_t addr = 0, size = 0;
        char bytes[8];
        beamr_status st = ao_guest_allocate(guest, beamr_bytes_of("abc"), &addr, NULL);

        if (st == BEAMR_OK)
            (void)atomic_fetch_add(&l->done, 1);
        (void)ao_guest_write(guest, 1000, beamr_bytes_of("abc"), NULL);
        (void)ao_guest_memory_size(guest, &size, NULL);
        (void)ao_guest_read(guest, 1000, bytes, sizeof bytes, NULL);
    }
    return NULL;
}

static beamr_status answer_two(dev_run *run, beamr_error *err)
{
    ao_value two = integers(1, 2L);
    beamr_status st = dev_run_answer(run, two, NULL, err);

    ao_value_unref(two);
    return st;
}

/* `often` asks this many times; NULL when it was cancelled after `limit`. */
static dev_state *ask_often(fixture *f, dev_state *from, long n, long limit, late *l,
                            pthread_t *thread)
{
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(1, n);
    dev_run *run = NULL;
    beamr_status st;

    assert_int_equal(
        dev_run_call(from, beamr_bytes_of("often"), parameters, &options, &run, &f->err),
        BEAMR_OK);
    ao_value_unref(parameters);
    *l = (late){.state = dev_state_ref(dev_run_state(run))};
    for (long i = 0; (st = dev_run_go(run, &f->err)) == BEAMR_SUSPENDED; i++) {
        ao_message *shown = ao_message_ref(ao_message_empty());

        if (i == 0)
            assert_int_equal(pthread_create(thread, NULL, meddle, l), 0);
        while (i == 0 && l->done == 0) {
        }
        assert_int_equal(dev_run_show(run, &shown, &f->err), BEAMR_OK);
        ao_message_unref(shown);
        if (i == limit) {
            dev_run_free(run);
            return NULL;
        }
        if (answer_two(run, &f->err) != BEAMR_OK)
            fail_msg("answer: %s", f->err.text);
    }
    if (st != BEAMR_OK)
        fail_msg("often: %s", f->err.text);
    return run_leave(run, &f->err);
}

static void a_device_that_is_late_finds_the_guest_busy(void **unused)
{
    fixture own, *f = &own;

    (void)unused;
    fixture_open(f, NULL, NULL);
    for (long i = 0; i < 20; i++) {
        dev_state *a = fixture_init(f), *b;
        ao_message *before = NULL, *after = NULL;
        pthread_t thread;
        late l;

        b = ask_often(f, a, 200, i % 2 ? i : -1, &l, &thread);
        l.is_over = true;
        (void)pthread_join(thread, NULL);
        dev_state_unref(l.state);
        if (b) {
            expect_call(f, b, "add", integers(1, 0L), "400", NULL);
            dev_state_rest(b);
            assert_int_equal(dev_state_snapshot(b, &before, &f->err), BEAMR_OK);
            ao_message_unref(before);
            ao_message_unref(after);
        }
        expect_call(f, a, "add", integers(1, 1L), "1", NULL);
        dev_state_unref(b);
        dev_state_unref(a);
    }
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_whose_record_is_lost_is_computed_on_by_all),
        cmocka_unit_test(a_tree_of_states_is_computed_on_by_all),
        cmocka_unit_test(a_device_that_is_late_finds_the_guest_busy),
    };

    return cmocka_run_group_tests_name("device/state_threads", tests, NULL, NULL);
}
