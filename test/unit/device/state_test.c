/* States: older ones are computed on by repetition, from snapshots or from the beginning, and
 * give what they would have given. */
#include "state_guest.h"

#include <pthread.h>

static int open_world(void **state)
{
    static fixture f;

    fixture_open(&f, NULL, NULL);
    *state = &f;
    return 0;
}

static int close_world(void **state)
{
    fixture_close(*state);
    return 0;
}

static const char *answer_never(void *arg, dev_run *run, const dev_import *import,
                                ao_value *results)
{
    (void)arg;
    (void)run;
    (void)import;
    (void)results;
    fail_msg("an import was asked for again");
    return NULL;
}

/* ---- Older states ---- */

static void an_older_state_knows_nothing_of_what_came_after(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c, *d;

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    expect_call(f, b, "add", integers(1, 7L), "12", &c);
    expect_call(f, a, "add", integers(1, 1L), "1", &d);
    expect_call(f, b, "get", integers(0), "5,5", NULL);
    expect_call(f, c, "get", integers(0), "12,12", NULL);
    expect_call(f, d, "get", integers(0), "1,1", NULL);
    expect_call(f, b, "add", integers(1, 7L), "12", NULL);
    expect_call(f, a, "get", integers(0), "0,0", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

static void a_state_outlives_its_instance_and_those_before_it(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c;

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    dev_state_unref(a);
    expect_call(f, b, "add", integers(1, 7L), "12", &c);
    dev_state_unref(b);
    dev_state_rest(c);
    dev_state_rest(c);
    expect_call(f, c, "get", integers(0), "12,12", NULL);
    dev_state_unref(c);
}

static void tables_and_memories_that_grew_are_repeated(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c, *d;

    expect_call(f, a, "extend", integers(1, 3L), "1", &b);
    expect_call(f, b, "grow", integers(1, 2L), "1", &c);
    expect_call(f, c, "poke", integers(2, 150000L, 77L), "", &d);
    dev_state_rest(d);
    expect_call(f, d, "peek", integers(1, 150000L), "77", NULL);
    expect_call(f, d, "through", integers(1, 2L), "4", NULL);
    expect_call(f, a, "slots", integers(0), "1", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

/* ---- Imports ---- */

static void answers_of_imports_are_repeated_without_asking(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c;
    char text[512];

    expect_call(f, a, "often", integers(1, 10L), "110", &b);
    fixture_call_with(f, b, "ask_then_trap", integers(1, 4L), answer_double, NULL, text,
                      sizeof text, &c);
    assert_non_null(strstr(text, "unreachable"));
    dev_state_rest(c);
    fixture_call_with(f, c, "get", integers(0), answer_never, NULL, text, sizeof text, NULL);
    assert_string_equal(text, "118,118");
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
}

static const char *refuse_odd(void *arg, dev_run *run, const dev_import *import,
                              ao_value *results)
{
    if (ao_list_at(import->args, 0).of.integer % 2)
        return "odd";
    return answer_double(arg, run, import, results);
}

static void refusals_and_texts_are_repeated(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c, *d;
    ao_value word = ao_binary_text("a text"), list = ao_list_new(&word, 1);
    char text[512];

    fixture_call_with(f, a, "often", integers(1, 6L), refuse_odd, NULL, text, sizeof text, &b);
    assert_non_null(strstr(text, "odd"));
    expect_call(f, b, "length", list, "6", &c);
    expect_call(f, c, "add", integers(1, 1L), "13", &d);
    dev_state_rest(d);
    fixture_call_with(f, d, "get", integers(0), answer_never, NULL, text, sizeof text, NULL);
    assert_string_equal(text, "13,13");
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

/* ---- What is kept ---- */

static void a_long_line_is_cut_by_a_snapshot_and_goes_at_once(void **state)
{
    fixture *f = *state;
    dev_state *first = fixture_init(f), *at = dev_state_ref(first), *next;
    char text[64], expected[64];
    long n = 3 * STATE_RECORDS;

    for (long i = 1; i <= n; i++) {
        fixture_call_with(f, at, "add", integers(1, i), NULL, NULL, text, sizeof text, &next);
        dev_state_unref(at);
        at = next;
    }
    dev_state_rest(at);
    (void)snprintf(expected, sizeof expected, "%ld,%ld", n * (n + 1) / 2, n * (n + 1) / 2);
    expect_call(f, at, "get", integers(0), expected, NULL);
    expect_call(f, first, "get", integers(0), "0,0", NULL);
    dev_state_unref(first);
    dev_state_unref(at);
}

static void more_imports_than_are_recorded_are_a_snapshot(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c, *d;
    long n = (long)(STATE_RECORD_BYTES / 64);
    char expected[64];

    /* Each takes two entries of 32 bytes and more. */
    (void)snprintf(expected, sizeof expected, "%ld", n * (n + 1));
    expect_call(f, a, "often", integers(1, n), expected, &b);
    (void)snprintf(expected, sizeof expected, "%ld", n * (n + 1) + 1);
    expect_call(f, b, "add", integers(1, 1L), expected, &c);
    expect_call(f, b, "add", integers(1, 1L), expected, &d);
    dev_state_unref(a);
    dev_state_rest(d);
    expect_call(f, d, "add", integers(1, -n * (n + 1)), "1", NULL);
    /* One that has not been computed on yet gets its snapshot when it rests. */
    dev_state_unref(d);
    a = fixture_init(f);
    (void)snprintf(expected, sizeof expected, "%ld", n * (n + 1));
    expect_call(f, a, "often", integers(1, n), expected, &d);
    dev_state_rest(d);
    expect_call(f, d, "add", integers(1, -n * (n + 1)), "0", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

/* ---- Snapshots ---- */

static ao_message *snapshot_of(fixture *f, dev_state *state)
{
    ao_message *message = NULL;

    beamr_error_clear(&f->err);
    if (dev_state_snapshot(state, &message, &f->err) != BEAMR_OK)
        fail_msg("snapshot: %s", f->err.text);
    return message;
}

static beamr_status restore(fixture *f, const ao_message *message, dev_state **out)
{
    dev_run_options options = fixture_options(f);

    beamr_error_clear(&f->err);
    return dev_state_restore(f->image, message, &options, out, &f->err);
}

static void expect_equal(fixture *f, dev_state *a, dev_state *b)
{
    ao_message *x = snapshot_of(f, a), *y = snapshot_of(f, b);

    assert_true(ao_value_equal((ao_value){.kind = AO_MESSAGE, .of.message = x},
                               (ao_value){.kind = AO_MESSAGE, .of.message = y}));
    ao_message_unref(x);
    ao_message_unref(y);
}

/* A line of calls after which everything is another. */
static dev_state *changed(fixture *f)
{
    dev_state *a = fixture_init(f), *b, *c;

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    dev_state_unref(a);
    expect_call(f, b, "extend", integers(1, 30L), "1", &c);
    dev_state_unref(b);
    expect_call(f, c, "grow", integers(1, 3L), "1", &b);
    dev_state_unref(c);
    expect_call(f, b, "poke", integers(2, 200000L, 99L), "", &c);
    dev_state_unref(b);
    return c;
}

static void a_snapshot_restored_goes_on_as_if_nothing_had_been(void **state)
{
    fixture *f = *state;
    dev_state *a = changed(f), *b = NULL, *c, *d;
    ao_message *message = snapshot_of(f, a);

    assert_int_equal(ao_bytes(ao_message_find_text(message, "body")).len, 4 << 16);
    assert_int_equal(restore(f, message, &b), BEAMR_OK);
    expect_equal(f, a, b);
    expect_call(f, a, "ask", integers(1, 4L), "13", &c);
    expect_call(f, b, "ask", integers(1, 4L), "13", &d);
    expect_equal(f, c, d);
    expect_call(f, d, "through", integers(1, 30L), "31", NULL);
    expect_call(f, d, "peek", integers(1, 200000L), "99", NULL);
    dev_state_rest(b);
    expect_call(f, b, "get", integers(0), "5,5", NULL);
    ao_message_unref(message);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

static void a_snapshot_of_an_older_state_is_that_of_its_time(void **state)
{
    fixture *f = *state;
    dev_state *a = changed(f), *b, *c = changed(f);

    expect_call(f, a, "add", integers(1, 5L), "10", &b);
    expect_equal(f, a, c);
    expect_call(f, b, "get", integers(0), "10,10", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
}

static ao_message *with_body(size_t len, uint8_t last)
{
    uint8_t *bytes = calloc(len ? len : 1, 1);
    ao_message *message = NULL;
    ao_value body;

    if (len > 0)
        bytes[len - 1] = last;
    body = ao_binary_copy((beamr_bytes){bytes, len});
    assert_int_equal(ao_message_with(ao_message_empty(), "body", body, &message, NULL),
                     BEAMR_OK);
    free(bytes);
    return message;
}

static void a_body_alone_becomes_the_memory(void **state)
{
    fixture *f = *state;
    ao_message *message = with_body((2 << 16) + 10, 7);
    dev_state *a = NULL, *b = NULL;

    assert_int_equal(restore(f, message, &a), BEAMR_OK);
    expect_call(f, a, "pages", integers(0), "3", NULL);
    expect_call(f, a, "peek", integers(1, (2L << 16) + 9), "7", &b);
    dev_state_rest(a);
    expect_call(f, a, "peek", integers(1, (2L << 16) + 9), "7", NULL);
    expect_equal(f, a, b);
    ao_message_unref(message);
    dev_state_unref(a);
    dev_state_unref(b);
}

static void what_is_no_snapshot_is_refused_with_a_text(void **state)
{
    fixture *f = *state;
    dev_state *a = changed(f), *b = NULL;
    ao_message *good = snapshot_of(f, a), *bad = NULL;
    beamr_bytes bytes = ao_bytes(ao_message_find_text(good, "state"));
    static const uint8_t no_room[160] = {[8] = 1, [17] = 1};
    static const size_t lengths[] = {0, 5, 17, 32, sizeof no_room}; /* the second has none */

    assert_int_equal(restore(f, ao_message_empty(), &b), BEAMR_SNAPSHOT);
    assert_non_null(strstr(f->err.text, "neither"));
    assert_int_equal(ao_message_without(good, "body", &bad, NULL), BEAMR_OK);
    assert_int_equal(restore(f, bad, &b), BEAMR_SNAPSHOT);
    assert_non_null(strstr(f->err.text, "memory 0 has 4 pages; 0 bytes"));
    ao_message_unref(bad);
    assert_int_equal(ao_message_without(good, "format", &bad, NULL), BEAMR_OK);
    assert_int_equal(restore(f, bad, &b), BEAMR_SNAPSHOT);
    assert_non_null(strstr(f->err.text, "format"));
    ao_message_unref(bad);
    assert_int_equal(ao_message_with(good, "body", ao_integer(1), &bad, NULL), BEAMR_OK);
    assert_int_equal(restore(f, bad, &b), BEAMR_SNAPSHOT);
    ao_message_unref(bad);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ao_value buffers = ao_binary_copy((beamr_bytes){no_room, lengths[i]});

        assert_int_equal(ao_message_with(good, "buffers", buffers, &bad, NULL), BEAMR_OK);
        assert_int_equal(restore(f, bad, &b), BEAMR_SNAPSHOT);
        assert_non_null(strstr(f->err.text, "`buffers`"));
        ao_message_unref(bad);
    }
    for (size_t len = 0; len < bytes.len; len += 7) {
        ao_value cut = ao_binary_copy((beamr_bytes){bytes.data, len});

        assert_int_equal(ao_message_with(good, "state", cut, &bad, NULL), BEAMR_OK);
        assert_int_equal(restore(f, bad, &b), BEAMR_SNAPSHOT);
        ao_message_unref(bad);
    }
    bad = with_body(65 << 16, 1);
    assert_int_equal(restore(f, bad, &b), BEAMR_LIMIT);
    assert_null(b);
    ao_message_unref(bad);
    ao_message_unref(good);
    dev_state_unref(a);
}

static void a_snapshot_of_another_module_is_refused(void **unused)
{
    static const uint8_t other[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 5, 3, 1, 0, 4};
    fixture own, *f = &own;
    dev_state *a, *b = NULL;
    ao_message *message;

    (void)unused;
    fixture_open(f, NULL, NULL);
    a = fixture_init(f);
    message = snapshot_of(f, a);
    dev_state_unref(a);
    dev_image_unref(f->image);
    f->image = fixture_load(f, other, sizeof other, NULL);
    assert_int_equal(restore(f, message, &b), BEAMR_SNAPSHOT);
    assert_non_null(strstr(f->err.text, "another module"));
    ao_message_unref(message);
    fixture_close(f);
}

/* ---- Texts in memory ---- */

static void texts_are_written_into_buffers_that_are_used_again(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b = NULL, *c = NULL, *d = NULL, *e = NULL;
    dev_run_options options = fixture_options(f);
    char big[5000];
    beamr_bytes texts[2] = {beamr_bytes_of("hello"), beamr_bytes_of("world!")};
    uint64_t first[2], second[2], third[2];

    memset(big, 'x', sizeof big);
    assert_int_equal(dev_state_write(a, &options, texts, 2, first, &b, &f->err), BEAMR_OK);
    texts[0] = beamr_bytes_of("again");
    assert_int_equal(dev_state_write(b, &options, texts, 2, second, &c, &f->err), BEAMR_OK);
    assert_memory_equal(first, second, sizeof first);
    expect_call(f, c, "length", integers(1, (long)second[1]), "6", NULL);
    texts[0] = (beamr_bytes){(uint8_t *)big, sizeof big};
    assert_int_equal(dev_state_write(c, &options, texts, 1, third, &d, &f->err), BEAMR_OK);
    assert_true(third[0] != first[0]);
    dev_state_rest(d);
    expect_call(f, d, "length", integers(1, (long)third[0]), "5000", NULL);
    expect_call(f, d, "length", integers(1, (long)first[1]), "6", NULL);
    {
        ao_message *message = snapshot_of(f, d);

        assert_int_equal(restore(f, message, &e), BEAMR_OK);
        expect_equal(f, d, e);
        ao_message_unref(message);
    }
    dev_state_unref(d);
    assert_int_equal(dev_state_write(e, &options, texts, 2, second, &d, &f->err), BEAMR_OK);
    assert_int_equal(second[0], third[0]);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
    dev_state_unref(e);
}

/* ---- Imports of the start function ----
 *     (module
 *       (import "host" "ask" (func $ask (param i32) (result i32)))
 *       (memory (export "memory") 1)
 *       (global $g (mut i32) (i32.const 0))
 *       (func $start (i32.store (i32.const 16) (call $ask (i32.const 3))))
 *       (func (export "_initialize")
 *         (global.set $g (i32.add (call $ask (i32.const 5)) (i32.load (i32.const 16)))))
 *       (func (export "get") (result i32 i32) (global.get $g) (i32.load (i32.const 16)))
 *       (func (export "set") (param i32) (global.set $g (local.get 0)))
 *       (start $start))
 */

/* clang-format off */
static const uint8_t starting_guest[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x12, 0x04, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x60, 0x00, 0x00, 0x60, 0x00, 0x02, 0x7f, 0x7f, 0x60, 0x01, 0x7f, 0x00, 0x02, 0x0c, 0x01, 0x04,
    0x68, 0x6f, 0x73, 0x74, 0x03, 0x61, 0x73, 0x6b, 0x00, 0x00, 0x03, 0x05, 0x04, 0x01, 0x01, 0x02,
    0x03, 0x05, 0x03, 0x01, 0x00, 0x01, 0x06, 0x06, 0x01, 0x7f, 0x01, 0x41, 0x00, 0x0b, 0x07, 0x24,
    0x04, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x0b, 0x5f, 0x69, 0x6e, 0x69, 0x74,
    0x69, 0x61, 0x6c, 0x69, 0x7a, 0x65, 0x00, 0x02, 0x03, 0x67, 0x65, 0x74, 0x00, 0x03, 0x03, 0x73,
    0x65, 0x74, 0x00, 0x04, 0x08, 0x01, 0x01, 0x0a, 0x2d, 0x04, 0x0b, 0x00, 0x41, 0x10, 0x41, 0x03,
    0x10, 0x00, 0x36, 0x02, 0x00, 0x0b, 0x0e, 0x00, 0x41, 0x05, 0x10, 0x00, 0x41, 0x10, 0x28, 0x02,
    0x00, 0x6a, 0x24, 0x00, 0x0b, 0x09, 0x00, 0x23, 0x00, 0x41, 0x10, 0x28, 0x02, 0x00, 0x0b, 0x06,
    0x00, 0x20, 0x00, 0x24, 0x00, 0x0b,
};
/* clang-format on */

static void a_guest_that_asks_while_it_begins_is_made_anew(void **unused)
{
    fixture own, *f = &own;
    dev_state *a, *b, *c = NULL;
    ao_message *message;
    char text[64];

    (void)unused;
    fixture_open(f, NULL, NULL);
    dev_image_unref(f->image);
    f->image = fixture_load(f, starting_guest, sizeof starting_guest, NULL);
    a = fixture_init(f);
    dev_state_rest(a);
    fixture_call_with(f, a, "get", integers(0), answer_never, NULL, text, sizeof text, NULL);
    assert_string_equal(text, "16,6");
    expect_call(f, a, "set", integers(1, 9L), "", &b);
    message = snapshot_of(f, b);
    assert_int_equal(restore(f, message, &c), BEAMR_OK);
    fixture_call_with(f, c, "get", integers(0), answer_never, NULL, text, sizeof text, NULL);
    assert_string_equal(text, "9,6");
    expect_equal(f, b, c);
    ao_message_unref(message);
    dev_state_unref(c);
    /* A memory alone: what begins gets zeros, and then the memory. */
    message = with_body(20, 0);
    assert_int_equal(restore(f, message, &c), BEAMR_OK);
    expect_call(f, c, "get", integers(0), "0,0", NULL);
    ao_message_unref(message);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    fixture_close(f);
}

static void an_import_refused_while_it_begins_is_no_state(void **unused)
{
    fixture own, *f = &own;
    dev_run_options options;
    dev_run *run = NULL;
    dev_state *a;
    dev_end end;

    (void)unused;
    fixture_open(f, NULL, NULL);
    dev_image_unref(f->image);
    f->image = fixture_load(f, starting_guest, sizeof starting_guest, NULL);
    options = fixture_options(f);
    assert_int_equal(dev_run_init(f->image, &options, &run, &f->err), BEAMR_OK);
    assert_int_equal(run_on(run, refuse_odd, NULL, &f->err), BEAMR_OK);
    dev_run_ended(run, &end);
    assert_true(end.is_trap);
    a = dev_state_ref(dev_run_state(run));
    dev_run_free(run);
    run = NULL;
    assert_int_equal(
        dev_run_call(a, beamr_bytes_of("get"), AO_NO_VALUE, &options, &run, &f->err),
        BEAMR_ARGUMENT);
    dev_state_unref(a);
    fixture_close(f);
}

/* ---- In messages ---- */

static void a_message_holds_a_state_and_how_to_reach_it(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    beamr_bytes prefix = beamr_bytes_of("wasm");
    ao_message *one = NULL, *two = NULL;

    assert_int_equal(dev_state_put(ao_message_empty(), prefix, a, &one, &f->err), BEAMR_OK);
    assert_ptr_equal(dev_state_of(one, prefix), a);
    assert_null(dev_state_of(one, beamr_bytes_of("")));
    assert_true(ao_private_find(one, "wasm/import-resolver").kind == AO_BINARY);
    assert_int_equal(ao_message_count(one), 0);
    expect_call(f, a, "add", integers(1, 1L), "1", &b);
    assert_int_equal(dev_state_put(one, prefix, b, &two, &f->err), BEAMR_OK);
    dev_state_unref(a);
    dev_state_unref(b);
    expect_call(f, dev_state_of(one, prefix), "get", integers(0), "0,0", NULL);
    expect_call(f, dev_state_of(two, prefix), "get", integers(0), "1,1", NULL);
    ao_message_unref(one);
    ao_message_unref(two);
}

/* ---- Any tree ---- */

enum { TREE_STATES = 60, TREE_STEPS = 1500 };

typedef struct model {
    dev_state *state;
    long long sum, cell; /* of the guest */
    unsigned pages, slots;
} model;

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* One call on a state of the tree: what it must give, and what becomes of the model. */
static void tree_call(fixture *f, uint64_t *seed, const model *from, model *to)
{
    long n = (long)(random_next(seed) % 9) + 1;
    char expected[64], text[512];
    unsigned old;

    *to = *from;
    switch (random_next(seed) % 7) {
    case 0:
        to->sum += n;
        to->cell += n;
        (void)snprintf(expected, sizeof expected, "%lld", to->sum);
        expect_call(f, from->state, "add", integers(1, n), expected, &to->state);
        return;
    case 1:
        to->sum += n * (n + 1);
        to->cell += n * (n + 1);
        (void)snprintf(expected, sizeof expected, "%lld", to->sum);
        expect_call(f, from->state, "often", integers(1, n), expected, &to->state);
        return;
    case 2:
        old = to->pages;
        to->pages += old + 2 <= 64 ? 2 : 0;
        (void)snprintf(expected, sizeof expected, "%d", to->pages > old ? (int)old : -1);
        expect_call(f, from->state, "grow", integers(1, 2L), expected, &to->state);
        return;
    case 3:
        old = to->slots;
        to->slots += old + n <= 100 ? (unsigned)n : 0;
        (void)snprintf(expected, sizeof expected, "%d", to->slots > old ? (int)old : -1);
        expect_call(f, from->state, "extend", integers(1, n), expected, &to->state);
        return;
    case 4:
        to->sum += n;
        to->cell += n;
        fixture_call_with(f, from->state, "trap", integers(1, n), NULL, NULL, text, sizeof text,
                          &to->state);
        assert_int_equal(text[0], '!');
        return;
    case 5:
        to->cell = n;
        expect_call(f, from->state, "poke", integers(2, 64L, n), "", &to->state);
        to->cell = (from->cell & ~0xffffffffll) | n;
        return;
    default:
        (void)snprintf(expected, sizeof expected, "%lld,%lld", to->sum, to->cell);
        expect_call(f, from->state, "get", integers(0), expected, &to->state);
    }
}

/* Instances are given up, snapshots taken, and states made anew from them. */
static void tree_disturb(fixture *f, uint64_t *seed, model *at)
{
    ao_message *message;
    dev_state *restored = NULL;

    switch (random_next(seed) % 12) {
    case 0:
    case 1:
        dev_state_rest(at->state);
        return;
    case 2:
        ao_message_unref(snapshot_of(f, at->state));
        return;
    case 3:
        message = snapshot_of(f, at->state);
        if (restore(f, message, &restored) != BEAMR_OK)
            fail_msg("restore: %s", f->err.text);
        ao_message_unref(message);
        dev_state_unref(at->state);
        at->state = restored;
        return;
    default:
        return;
    }
}

static void states_of_a_random_tree_are_what_the_model_says(void **state)
{
    fixture *f = *state;
    model tree[TREE_STATES] = {{0}};
    uint64_t seed = 20260101;

    for (size_t i = 0; i < TREE_STATES; i++)
        tree[i] = (model){fixture_init(f), 0, 0, 1, 1};
    for (size_t i = 0; i < TREE_STEPS; i++) {
        model *from = &tree[random_next(&seed) % TREE_STATES];
        model *to = &tree[random_next(&seed) % TREE_STATES], made;
        char expected[64];

        tree_disturb(f, &seed, from);
        tree_call(f, &seed, from, &made);
        dev_state_unref(to->state);
        *to = made;
        (void)snprintf(expected, sizeof expected, "%u", to->pages);
        if (random_next(&seed) % 4 == 0)
            expect_call(f, to->state, "pages", integers(0), expected, NULL);
    }
    for (size_t i = 0; i < TREE_STATES; i++) {
        char expected[64];

        (void)snprintf(expected, sizeof expected, "%lld,%lld", tree[i].sum, tree[i].cell);
        expect_call(f, tree[i].state, "get", integers(0), expected, NULL);
        dev_state_unref(tree[i].state);
    }
}

/* ---- Threads ---- */

enum { THREADS = 4, ROUNDS = 40 };

typedef struct worker {
    fixture *f;
    dev_state *shared;
    long n;
} worker;

static void *compute(void *arg)
{
    worker *w = arg;
    fixture own = *w->f, *f = &own;
    char expected[64];

    for (long i = 0; i < ROUNDS; i++) {
        dev_state *next;
        ao_message *message = NULL;

        (void)snprintf(expected, sizeof expected, "%ld", 11 + w->n + i);
        expect_call(f, w->shared, "add", integers(1, w->n + i), expected, &next);
        if (i % 5 == 0)
            dev_state_rest(w->shared);
        if (i % 7 == 0) {
            beamr_status st = dev_state_snapshot(w->shared, &message, NULL);

            assert_int_equal(st, BEAMR_OK);
            ao_message_unref(message);
        }
        (void)snprintf(expected, sizeof expected, "%ld", 11 + i);
        expect_call(f, next, "add", integers(1, -w->n), expected, NULL);
        dev_state_unref(next);
    }
    return NULL;
}

static void threads_that_compute_on_one_state_do_not_see_each_other(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c;
    pthread_t threads[THREADS];
    worker workers[THREADS];

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    expect_call(f, b, "ask", integers(1, 3L), "11", &c);
    for (long i = 0; i < THREADS; i++) {
        workers[i] = (worker){f, c, 1000 * i};
        assert_int_equal(pthread_create(&threads[i], NULL, compute, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    expect_call(f, c, "get", integers(0), "11,11", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_state_knows_nothing_of_what_came_after),
        cmocka_unit_test(a_state_outlives_its_instance_and_those_before_it),
        cmocka_unit_test(tables_and_memories_that_grew_are_repeated),
        cmocka_unit_test(answers_of_imports_are_repeated_without_asking),
        cmocka_unit_test(refusals_and_texts_are_repeated),
        cmocka_unit_test(a_long_line_is_cut_by_a_snapshot_and_goes_at_once),
        cmocka_unit_test(more_imports_than_are_recorded_are_a_snapshot),
        cmocka_unit_test(a_snapshot_restored_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_snapshot_of_an_older_state_is_that_of_its_time),
        cmocka_unit_test(a_body_alone_becomes_the_memory),
        cmocka_unit_test(what_is_no_snapshot_is_refused_with_a_text),
        cmocka_unit_test(a_snapshot_of_another_module_is_refused),
        cmocka_unit_test(texts_are_written_into_buffers_that_are_used_again),
        cmocka_unit_test(a_guest_that_asks_while_it_begins_is_made_anew),
        cmocka_unit_test(an_import_refused_while_it_begins_is_no_state),
        cmocka_unit_test(a_message_holds_a_state_and_how_to_reach_it),
        cmocka_unit_test(states_of_a_random_tree_are_what_the_model_says),
        cmocka_unit_test(threads_that_compute_on_one_state_do_not_see_each_other),
    };

    return cmocka_run_group_tests_name("device/state", tests, open_world, close_world);
}
