/* Calls that are paused: at every kind of place, in bulk operations, and shared out among
 * threads. That a pause changes nothing is tried at random moments in disturb_test.c. */
#include "waiting.h"

#include <pthread.h>
#include <time.h>

/* ---- Places ---- */

static void loops_and_calls_can_be_paused(void **state)
{
    static const struct {
        const char *name;
        int32_t arg, result;
        unsigned pauses; /* when asked to each time that it goes on */
    } cases[] = {
        {"loop", 3, 3, 2},   {"loop_br", 3, 3, 3},        {"loop_table", 3, 3, 3},
        {"calls", 3, 12, 2}, {"calls_indirect", 3, 6, 1}, {"calls_tail", 3, 6, 1},
        {"deep", 2, 42, 3},
    };
    waiting w = waiting_open();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        beamr_value in = beamr_i32(cases[i].arg), out = beamr_i32(0), asked = beamr_i32(40);
        beamr_entry entry = 0;
        beamr_request request;
        beamr_status st;
        unsigned pauses = 0;

        beamr_store_pause(w.store);
        st = beamr_entry_begin(waiting_func(&w, cases[i].name), &in, 1, &out, 1, &entry, NULL);
        while (st == BEAMR_SUSPENDED) {
            beamr_answer answer = {.results = &asked, .result_count = 1};
            bool asks =
                beamr_entry_request(w.store, entry, &request, NULL, 0, NULL) == BEAMR_OK;

            pauses += !asks;
            beamr_store_pause(w.store);
            st = beamr_entry_resume(w.store, entry, asks ? &answer : NULL, &out, 1, NULL);
        }
        beamr_store_clear_pause(w.store);
        assert_int_equal(st, BEAMR_OK);
        assert_int_equal(out.of.i32, cases[i].result);
        if (pauses != cases[i].pauses)
            fail_msg("%s was paused %u times", cases[i].name, pauses);
    }
    waiting_close(&w);
}

static void a_pause_that_is_taken_back_does_nothing(void **state)
{
    waiting w = waiting_open();
    beamr_value in = beamr_i32(2), out;
    beamr_entry entry;

    (void)state;
    beamr_store_pause(w.store);
    beamr_store_clear_pause(w.store);
    assert_int_equal(
        beamr_entry_begin(waiting_func(&w, "calls"), &in, 1, &out, 1, &entry, NULL), BEAMR_OK);
    waiting_close(&w);
}

static beamr_status call_within(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    return beamr_func_call(beamr_instance_find_func(call->caller, "calls"), args, 1, results, 1,
                           err);
}

/* Nor does another call pause later in its place. */
static void a_plain_call_is_not_paused(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = call_within}, NULL, NULL);
    beamr_entry below = waiting_begin(&w, "ask_call_call", 1);
    beamr_value in = beamr_i32(2), out;

    (void)state;
    beamr_store_pause(w.store);
    assert_int_equal(beamr_func_call(waiting_func(&w, "calls"), &in, 1, &out, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(out.of.i32, 8);
    waiting_ends(&w, below, 3, 24);
    waiting_close(&w);
}

static void memory_grown_during_a_pause_is_seen(void **state)
{
    waiting w = waiting_open();
    beamr_memory *memory = beamr_instance_find_memory(w.guest, "memory");
    uint64_t end = beamr_memory_size(memory);
    uint32_t word = 0x12345678;
    beamr_entry entry;

    (void)state;
    beamr_store_pause(w.store);
    entry = waiting_begin(&w, "loop_then_load", (int32_t)end + 100);
    assert_int_equal(beamr_memory_grow(memory, 1, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_write(memory, end + 100, &word, sizeof word, NULL), BEAMR_OK);
    waiting_goes_on(&w, entry, 0x12345678);
    waiting_close(&w);
}

/* A host function makes a plain call, during which a pause is asked for. */
static beamr_status pause_within(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    beamr_store_pause(call->store);
    return beamr_func_call(beamr_instance_find_func(call->caller, "calls"), args, 1, results, 1,
                           err);
}

static void the_call_around_a_plain_one_pauses(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = pause_within}, NULL, NULL);
    beamr_entry entry = waiting_begin(&w, "call_then_call", 3);
    beamr_request request;

    (void)state;
    assert_int_equal(beamr_entry_request(w.store, entry, &request, NULL, 0, NULL),
                     BEAMR_NOT_FOUND);
    waiting_goes_on(&w, entry, 24);
    waiting_close(&w);
}

/* While the plain call was asked to pause, another call waited above the one around it. */
static beamr_status pause_above(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    beamr_func *ask = beamr_instance_find_func(call->caller, "ask");
    beamr_value ignored;
    beamr_entry inner;

    if (beamr_entry_begin(ask, args, 1, &ignored, 1, &inner, err) != BEAMR_SUSPENDED)
        return BEAMR_ARGUMENT;
    beamr_store_pause(call->store);
    if (beamr_func_call(beamr_instance_find_func(call->caller, "calls"), args, 1, results, 1,
                        err) != BEAMR_OK)
        return BEAMR_ARGUMENT;
    return beamr_entry_cancel(call->store, inner, err);
}

static void the_call_around_pauses_after_what_waits_within(void **state)
{
    waiting w = waiting_open_with((beamr_host){.callback = pause_above}, NULL, NULL);

    (void)state;
    waiting_goes_on(&w, waiting_begin(&w, "call_then_call", 3), 24);
    waiting_close(&w);
}

/* ---- Bulk operations ---- */

#define MIB (1 << 20)
#define BULK_BYTES (5 * MIB / 2)
#define BULK_ITEMS 300000
enum { BULK_PAUSES = 2 }; /* after each MiB but the last */

static const char *const bulk_names[] = {
    "fill",       "copy_up",       "copy_down",       "init",
    "table_fill", "table_copy_up", "table_copy_down", "table_init"};
enum { BULK_COUNT = 8, TABLE_INIT = 7 };

static void bulk_body(wasm_builder *b, int64_t x, int64_t y, int64_t z, const uint8_t *op,
                      size_t len)
{
    wasm_sized(b);
    WASM(b, 0, 0x41);
    wasm_s64(b, x);
    WASM(b, 0x41);
    wasm_s64(b, y);
    WASM(b, 0x41);
    wasm_s64(b, z);
    wasm_bytes(b, op, len);
    WASM(b, 0x0b);
    wasm_end(b);
}
#define BULK_BODY(b, x, y, z, ...)                                                             \
    bulk_body(b, x, y, z, (const uint8_t[]){__VA_ARGS__},                                      \
              sizeof((const uint8_t[]){__VA_ARGS__}))

static void bulk_code(wasm_builder *b)
{
    wasm_section(b, WASM_CODE);
    wasm_u32(b, BULK_COUNT + 3);
    BULK_BODY(b, 3, 7, BULK_BYTES, 0xfc, 11, 0);
    BULK_BODY(b, 1000, 0, BULK_BYTES, 0xfc, 10, 0, 0);
    BULK_BODY(b, 0, 1000, BULK_BYTES, 0xfc, 10, 0, 0);
    BULK_BODY(b, 5, 1, BULK_BYTES, 0xfc, 8, 0, 0);
    wasm_sized(b); /* table.fill takes a function */
    WASM(b, 0, 0x41, 3, 0xd2, 0, 0x41);
    wasm_s64(b, BULK_ITEMS);
    WASM(b, 0xfc, 17, 0, 0x0b);
    wasm_end(b);
    BULK_BODY(b, 10, 0, BULK_ITEMS, 0xfc, 14, 0, 0);
    BULK_BODY(b, 0, 10, BULK_ITEMS, 0xfc, 14, 0, 0);
    BULK_BODY(b, 5, 1, BULK_ITEMS, 0xfc, 12, 0, 0);
    WASM_BODY(b, 0xfc, 13, 0); /* elem.drop */
    wasm_sized(b);             /* table.grow */
    WASM(b, 0, 0xd0, 0x70, 0x41);
    wasm_s64(b, 2 * MIB);
    WASM(b, 0xfc, 15, 0, 0x1a, 0x0b);
    wasm_end(b);
    WASM_BODY(b, 0xfc, 9, 0); /* data.drop */
    wasm_end(b);
}

/* One memory of 4 MiB, one table of 400,000 that begins with other functions than the segment
 * holds, and a function for each bulk operation. */
static void bulk_build(wasm_builder *b)
{
    static uint8_t data[BULK_BYTES + 1];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 12));
    wasm_begin(b);
    wasm_section(b, WASM_TYPE);
    wasm_u32(b, 1);
    wasm_functype(b, "", "");
    wasm_end(b);
    wasm_section(b, WASM_FUNCTION);
    wasm_u32(b, BULK_COUNT + 3);
    for (int i = 0; i < BULK_COUNT + 3; i++)
        WASM(b, 0);
    wasm_end(b);
    wasm_section(b, WASM_TABLE);
    WASM(b, 1, 0x70, 0);
    wasm_u32(b, 400000);
    wasm_end(b);
    wasm_section(b, WASM_MEMORY);
    WASM(b, 1, 0, 64);
    wasm_end(b);
    wasm_section(b, WASM_EXPORT);
    wasm_u32(b, BULK_COUNT + 5);
    for (uint32_t i = 0; i < BULK_COUNT; i++)
        wasm_export(b, bulk_names[i], 0, i);
    wasm_export(b, "drop", 0, BULK_COUNT);
    wasm_export(b, "grow", 0, BULK_COUNT + 1);
    wasm_export(b, "drop_data", 0, BULK_COUNT + 2);
    wasm_export(b, "memory", 2, 0);
    wasm_export(b, "table", 1, 0);
    wasm_end(b);
    wasm_section(b, WASM_ELEMENT);
    WASM(b, 1, 1, 0);
    wasm_u32(b, BULK_ITEMS + 1);
    for (uint32_t i = 0; i < BULK_ITEMS + 1; i++)
        WASM(b, (uint8_t)(i % 5));
    wasm_end(b);
    wasm_section(b, WASM_DATA_COUNT);
    WASM(b, 1);
    wasm_end(b);
    bulk_code(b);
    wasm_section(b, WASM_DATA);
    WASM(b, 1, 1);
    wasm_u32(b, sizeof data);
    wasm_bytes(b, data, sizeof data);
    wasm_end(b);
}

typedef struct bulk {
    fixture f;
    beamr_module *module;
    beamr_instance *guest, *undisturbed;
} bulk;

static beamr_func *bulk_func(const bulk *b, const char *name)
{
    return beamr_instance_find_func(b->guest, name);
}

static bulk bulk_open(void)
{
    bulk b = {.f = fixture_open()};
    wasm_builder w = {0};

    bulk_build(&w);
    b.module = fixture_load(&b.f, &w);
    assert_int_equal(beamr_instance_new(b.f.store, b.module, NULL, 0, &b.guest, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_instance_new(b.f.store, b.module, NULL, 0, &b.undisturbed, NULL),
                     BEAMR_OK);
    return b;
}

static void bulk_close(bulk *b)
{
    beamr_module_unref(b->module);
    fixture_close(&b->f);
}

static void expect_same_state(const bulk *b)
{
    uint8_t *one = NULL, *two = NULL;
    size_t len = 0, other_len = 0;

    assert_int_equal(beamr_snapshot_save(b->guest, NULL, &one, &len, NULL), BEAMR_OK);
    assert_int_equal(beamr_snapshot_save(b->undisturbed, NULL, &two, &other_len, NULL),
                     BEAMR_OK);
    assert_int_equal(len, other_len);
    assert_int_equal(memcmp(one, two, len), 0);
    beamr_snapshot_free(one);
    beamr_snapshot_free(two);
}

/* Begin one that pauses after its first piece. */
static beamr_entry bulk_begin(const bulk *b, const char *name)
{
    beamr_entry entry = 0;

    beamr_store_pause(b->f.store);
    assert_int_equal(beamr_entry_begin(bulk_func(b, name), NULL, 0, NULL, 0, &entry, NULL),
                     BEAMR_SUSPENDED);
    return entry;
}

static void bulk_operations_pause_after_each_mebibyte(void **state)
{
    bulk b = bulk_open();

    (void)state;
    for (int i = 3; i < 3 + BULK_COUNT; i++) { /* begins with what fills the memory */
        const char *name = bulk_names[i % BULK_COUNT];
        beamr_entry entry = bulk_begin(&b, name);
        beamr_status st = BEAMR_SUSPENDED;
        int pauses = 0;

        for (; st == BEAMR_SUSPENDED; pauses++) {
            beamr_store_pause(b.f.store);
            st = beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, NULL);
        }
        beamr_store_clear_pause(b.f.store);
        assert_int_equal(st, BEAMR_OK);
        if (pauses != BULK_PAUSES)
            fail_msg("%s was paused %d times", name, pauses);
        assert_int_equal(beamr_func_call(beamr_instance_find_func(b.undisturbed, name), NULL, 0,
                                         NULL, 0, NULL),
                         BEAMR_OK);
    }
    expect_same_state(&b);
    bulk_close(&b);
}

static void paused_bulk_operations_can_be_cancelled(void **state)
{
    bulk b = bulk_open();

    (void)state;
    for (int i = 0; i < BULK_COUNT; i++) {
        beamr_entry entry = bulk_begin(&b, bulk_names[i]);

        assert_int_equal(beamr_entry_cancel(b.f.store, entry, NULL), BEAMR_OK);
        assert_int_equal(beamr_func_call(bulk_func(&b, bulk_names[i]), NULL, 0, NULL, 0, NULL),
                         BEAMR_OK);
    }
    (void)bulk_begin(&b, "init"); /* and the store is freed */
    bulk_close(&b);
}

/* What is made with large tables polls, too; it is not what pauses. */
static void instances_can_be_made_while_a_call_is_paused(void **state)
{
    bulk b = bulk_open();
    beamr_entry entry = bulk_begin(&b, "fill");
    beamr_instance *another = NULL;

    (void)state;
    beamr_store_pause(b.f.store);
    assert_int_equal(beamr_instance_new(b.f.store, b.module, NULL, 0, &another, NULL),
                     BEAMR_OK);
    assert_true(beamr_store_waiting(b.f.store) == entry);
    assert_int_equal(beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, NULL),
                     BEAMR_SUSPENDED); /* the pause was for the next call */
    assert_int_equal(beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
    beamr_store_pause(b.f.store);
    assert_int_equal(beamr_instance_new(b.f.store, b.module, NULL, 0, &another, NULL),
                     BEAMR_OK);
    bulk_close(&b);
}

/* What runs during a pause may move or free what the operation works on. */
static void tables_can_grow_under_a_paused_operation(void **state)
{
    static const char *const names[] = {"table_fill", "table_copy_up", "table_copy_down",
                                        "table_init"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bulk b = bulk_open();
        beamr_func *init = beamr_instance_find_func(b.undisturbed, "table_init");
        beamr_func *same = beamr_instance_find_func(b.undisturbed, names[i]);
        beamr_entry entry;

        assert_int_equal(beamr_func_call(bulk_func(&b, "table_init"), NULL, 0, NULL, 0, NULL),
                         BEAMR_OK);
        entry = bulk_begin(&b, names[i]);
        assert_int_equal(beamr_func_call(bulk_func(&b, "grow"), NULL, 0, NULL, 0, NULL),
                         BEAMR_OK);
        assert_int_equal(beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
        assert_int_equal(beamr_func_call(init, NULL, 0, NULL, 0, NULL), BEAMR_OK);
        assert_int_equal(beamr_func_call(same, NULL, 0, NULL, 0, NULL), BEAMR_OK);
        assert_int_equal(beamr_func_call(beamr_instance_find_func(b.undisturbed, "grow"), NULL,
                                         0, NULL, 0, NULL),
                         BEAMR_OK);
        expect_same_state(&b);
        bulk_close(&b);
    }
}

static void segments_can_be_dropped_under_a_paused_operation(void **state)
{
    bulk b = bulk_open();
    beamr_error err = {0};
    beamr_entry entry = bulk_begin(&b, "table_init");
    beamr_func *undisturbed = beamr_instance_find_func(b.undisturbed, "init");

    (void)state;
    assert_int_equal(beamr_func_call(bulk_func(&b, "drop"), NULL, 0, NULL, 0, NULL), BEAMR_OK);
    assert_int_equal(beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS);

    entry = bulk_begin(&b, "init"); /* the bytes of data are there as long as the module */
    assert_int_equal(beamr_func_call(bulk_func(&b, "drop_data"), NULL, 0, NULL, 0, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_entry_resume(b.f.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
    assert_int_equal(beamr_func_call(undisturbed, NULL, 0, NULL, 0, NULL), BEAMR_OK);
    assert_int_equal(memcmp(beamr_memory_data(beamr_instance_memory(b.guest, 0)),
                            beamr_memory_data(beamr_instance_memory(b.undisturbed, 0)),
                            4 * MIB),
                     0);
    bulk_close(&b);
}

/* ---- A scheduler: many guests that never end share a few threads ---- */

enum { GUESTS = 50, RUNNERS = 2, TURNS = 6 };

typedef struct schedule {
    pthread_mutex_t lock;
    waiting guests[GUESTS];
    beamr_entry entries[GUESTS]; /* 0: not begun */
    int turns[GUESTS];
    int queue[GUESTS]; /* whose turn is next; a ring */
    int first, length;
    waiting *running[RUNNERS];
    int turns_left; /* of all guests */
    const char *problem;
} schedule;

/* Whose turn it is; -1 when there are no more turns. */
static int schedule_next(schedule *s, int runner)
{
    int who = -1;

    pthread_mutex_lock(&s->lock);
    if (s->turns_left > 0 && s->length > 0) {
        s->turns_left--;
        who = s->queue[s->first];
        s->first = (s->first + 1) % GUESTS;
        s->length--;
        s->running[runner] = &s->guests[who];
    }
    pthread_mutex_unlock(&s->lock);
    return who;
}

static void schedule_back(schedule *s, int runner, int who, beamr_status st)
{
    pthread_mutex_lock(&s->lock);
    if (st != BEAMR_SUSPENDED)
        s->problem = "a guest that never ends has ended";
    s->turns[who]++;
    s->running[runner] = NULL;
    s->queue[(s->first + s->length) % GUESTS] = who;
    s->length++;
    pthread_mutex_unlock(&s->lock);
}

typedef struct runner {
    schedule *s;
    int number;
    pthread_t thread;
} runner;

static void *run_guests(void *arg)
{
    runner *me = arg;
    schedule *s = me->s;
    int who;

    while ((who = schedule_next(s, me->number)) >= 0) {
        beamr_func *tick = beamr_instance_find_func(s->guests[who].guest, "tick");
        beamr_value at = beamr_i32(8);
        beamr_status st =
            s->entries[who]
                ? beamr_entry_resume(s->guests[who].store, s->entries[who], NULL, NULL, 0, NULL)
                : beamr_entry_begin(tick, &at, 1, NULL, 0, &s->entries[who], NULL);

        schedule_back(s, me->number, who, st);
    }
    return NULL;
}

/* Every millisecond, whoever runs pauses. */
static void schedule_tick(schedule *s)
{
    const struct timespec slice = {0, 1000000};

    (void)nanosleep(&slice, NULL);
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < RUNNERS; i++)
        if (s->running[i])
            beamr_store_pause(s->running[i]->store);
    pthread_mutex_unlock(&s->lock);
}

static bool schedule_is_busy(schedule *s)
{
    bool busy;

    pthread_mutex_lock(&s->lock);
    busy = s->turns_left > 0 || s->length < GUESTS;
    pthread_mutex_unlock(&s->lock);
    return busy;
}

static void endless_guests_share_threads_fairly(void **state)
{
    static schedule s;
    runner runners[RUNNERS];
    int total = 0;

    (void)state;
    pthread_mutex_init(&s.lock, NULL);
    s.guests[0] = waiting_open();
    for (int i = 1; i < GUESTS; i++)
        s.guests[i] = waiting_in(s.guests[0].engine, s.guests[0].module, (beamr_host){0}, NULL);
    for (int i = 0; i < GUESTS; i++)
        s.queue[i] = i;
    s.length = GUESTS;
    s.turns_left = GUESTS * TURNS;
    for (int i = 0; i < RUNNERS; i++) {
        runners[i] = (runner){.s = &s, .number = i};
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run_guests, &runners[i]), 0);
    }
    while (schedule_is_busy(&s))
        schedule_tick(&s);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runners[i].thread, NULL);
    if (s.problem)
        fail_msg("%s", s.problem);
    for (int i = 0; i < GUESTS; i++) {
        beamr_memory *memory = beamr_instance_memory(s.guests[i].guest, 0);
        uint64_t ticks = 0;

        /* A thread that the machine does not run may hold its guest for all other turns. */
        assert_true(s.turns[i] >= 1);
        total += s.turns[i];
        assert_int_equal(beamr_memory_read(memory, 8, &ticks, sizeof ticks, NULL), BEAMR_OK);
        assert_true(ticks >= (uint64_t)s.turns[i]);
    }
    assert_int_equal(total, GUESTS * TURNS);
    for (int i = 1; i < GUESTS; i++)
        beamr_store_free(s.guests[i].store);
    waiting_close(&s.guests[0]);
    pthread_mutex_destroy(&s.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_and_calls_can_be_paused),
        cmocka_unit_test(a_pause_that_is_taken_back_does_nothing),
        cmocka_unit_test(a_plain_call_is_not_paused),
        cmocka_unit_test(memory_grown_during_a_pause_is_seen),
        cmocka_unit_test(the_call_around_a_plain_one_pauses),
        cmocka_unit_test(the_call_around_pauses_after_what_waits_within),
        cmocka_unit_test(bulk_operations_pause_after_each_mebibyte),
        cmocka_unit_test(paused_bulk_operations_can_be_cancelled),
        cmocka_unit_test(instances_can_be_made_while_a_call_is_paused),
        cmocka_unit_test(tables_can_grow_under_a_paused_operation),
        cmocka_unit_test(segments_can_be_dropped_under_a_paused_operation),
        cmocka_unit_test(endless_guests_share_threads_fairly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
