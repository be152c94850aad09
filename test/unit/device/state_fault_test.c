/* States when memory is gone: the Nth allocation fails, for N = 1, 2, ... until none is hit,
 * once only that one and once all that follow too. What is done then fails with
 * BEAMR_NO_MEMORY, or as a guest does for which the host has no memory, or it gives what it
 * should; and the state it was done to is as before. */
#include "refuse.h"
#include "state_guest.h"
#include "words_guest.h"

#include "beamr/ao/guest.h"
#include "guest_guest.h"

static fixture world;
static ao_message *nested; /* a parameter */

/* ---- What is done; each leaves nothing ---- */

typedef beamr_status (*operation)(dev_state *from, beamr_error *err);

/* An import that writes, allocates, and answers. */
static beamr_status answer(dev_run *run, beamr_error *err)
{
    ao_message *message = NULL;
    dev_import import;
    ao_guest *guest;
    ao_value item = ao_integer(4), results;
    uint64_t addr;
    beamr_status st;

    dev_run_import(run, &import);
    st = dev_state_put(ao_message_empty(), beamr_bytes_of("wasm"), dev_run_state(run), &message,
                       err);
    if (st != BEAMR_OK)
        return dev_run_refuse(run, "no memory to answer", err);
    guest = ao_guest_of(message, "wasm");
    if (guest && (st = ao_guest_write(guest, 256, beamr_bytes_of("abc"), err)) == BEAMR_OK)
        st = ao_guest_allocate(guest, beamr_bytes_of("def"), &addr, err);
    ao_message_unref(message);
    if (st != BEAMR_OK)
        beamr_error_clear(err);
    results = ao_list_new(&item, 1);
    st = results.kind == AO_NONE ? dev_run_refuse(run, "no memory to answer", err)
                                 : dev_run_answer(run, results, NULL, err);
    ao_value_unref(results);
    return st;
}

static beamr_status go(dev_run *run, beamr_error *err)
{
    beamr_status st;

    while ((st = dev_run_go(run, err)) == BEAMR_SUSPENDED)
        if ((st = answer(run, err)) != BEAMR_OK)
            return st;
    return st;
}

/* Call a function; `next` is done with the state that it makes, if it ends well. */
static beamr_status call(dev_state *from, const char *name, BEAMR_OWN ao_value parameters,
                         int64_t expected, operation next, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    dev_run *run = NULL;
    dev_state *state = NULL;
    dev_end end;
    beamr_status st =
        parameters.kind == AO_NONE
            ? BEAMR_NO_MEMORY
            : dev_run_call(from, beamr_bytes_of(name), parameters, &options, &run, err);

    ao_value_unref(parameters);
    if (st == BEAMR_OK && (st = go(run, err)) == BEAMR_OK) {
        dev_run_ended(run, &end);
        if (!end.is_trap)
            assert_int_equal(ao_list_at(end.value, 0).of.integer, expected);
        st = dev_system_leave(dev_run_system(run), NULL, err);
        state = st == BEAMR_OK && !end.is_trap ? dev_state_ref(dev_run_state(run)) : NULL;
    }
    dev_run_free(run);
    if (state && next)
        st = next(state, err);
    dev_state_unref(state);
    return st;
}

static beamr_status init(dev_state *from, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    dev_run *run = NULL;
    beamr_status st = dev_run_init(world.image, &options, &run, err);

    (void)from;
    if (st == BEAMR_OK && (st = go(run, err)) == BEAMR_OK)
        st = dev_system_leave(dev_run_system(run), NULL, err);
    dev_run_free(run);
    return st;
}

static beamr_status add(dev_state *from, beamr_error *err)
{
    return call(from, "add", integers(1, 1L), 8, NULL, err);
}

static beamr_status text(dev_state *from, beamr_error *err)
{
    ao_value item = ao_binary_text("some text");

    return call(from, "length", ao_list_new(&item, 1), 9, NULL, err);
}

static beamr_status json(dev_state *from, beamr_error *err)
{
    ao_value item = ao_message_value(ao_message_ref(nested));

    return call(from, "length", ao_list_new(&item, 1), 11, NULL, err);
}

static beamr_status rest_and_add(dev_state *state, beamr_error *err)
{
    dev_state_rest(state);
    return call(state, "add", integers(1, 1L), 12, NULL, err);
}

static beamr_status ask_and_repeat(dev_state *from, beamr_error *err)
{
    return call(from, "ask", integers(1, 2L), 11, rest_and_add, err);
}

static beamr_status write_and_read(dev_state *from, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    beamr_bytes texts[2] = {beamr_bytes_of("one"), beamr_bytes_of("seven")};
    uint64_t pointers[2];
    dev_state *state = NULL;
    beamr_status st = dev_state_write(from, &options, texts, 2, pointers, &state, err);

    if (st != BEAMR_OK)
        return st;
    dev_state_rest(state);
    st = call(state, "length", integers(1, (long)pointers[1]), 5, NULL, err);
    dev_state_unref(state);
    return st;
}

static beamr_status restore(const ao_message *message, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    dev_state *state = NULL;
    beamr_status st = dev_state_restore(world.image, message, &options, &state, err);

    if (st == BEAMR_OK)
        st = call(state, "add", integers(1, 1L), 8, NULL, err);
    dev_state_unref(state);
    return st;
}

static beamr_status snapshot_and_restore(dev_state *from, beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st = dev_state_snapshot(from, &message, err);

    if (st == BEAMR_OK)
        st = restore(message, err);
    ao_message_unref(message);
    return st;
}

static beamr_status restore_body(dev_state *from, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    dev_state *state = NULL;
    ao_message *message = NULL;
    beamr_status st;

    (void)from;
    st = ao_message_with(ao_message_empty(), "body", ao_binary_text("bytes"), &message, err);
    if (st == BEAMR_OK)
        st = dev_state_restore(world.image, message, &options, &state, err);
    ao_message_unref(message);
    dev_state_unref(state);
    return st;
}

/* ---- Each of them, under every refusal ---- */

static dev_state *with_seven(void)
{
    dev_state *a = fixture_init(&world), *b;

    expect_call(&world, a, "add", integers(1, 7L), "7", &b);
    dev_state_unref(a);
    return b;
}

static bool is_refusal(beamr_status st, const beamr_error *err)
{
    return st == BEAMR_NO_MEMORY || (st == BEAMR_TRAP && err->trap == BEAMR_TRAP_OUT_OF_MEMORY);
}

static void survive(const char *name, operation op, bool is_lasting)
{
    size_t n = 0;
    bool was_hit;

    do {
        dev_state *from = with_seven();
        beamr_error err = {0};
        beamr_status st;

        assert_in_range(n, 0, 5000);
        refuse_begin(n++, is_lasting);
        st = op(from, &err);
        was_hit = refuse_end();
        if (st != BEAMR_OK && !is_refusal(st, &err))
            fail_msg("%s, allocation %zu: %s: %s", name, n, beamr_status_text(st), err.text);
        assert_true(was_hit || st == BEAMR_OK);
        expect_call(&world, from, "get", integers(0), "7,7", NULL);
        dev_state_unref(from);
    } while (was_hit);
}

static void everything_survives_every_refusal(void **state)
{
    static const struct {
        const char *name;
        operation op;
    } all[] = {{"init", init},
               {"add", add},
               {"text", text},
               {"json", json},
               {"ask", ask_and_repeat},
               {"write", write_and_read},
               {"snapshot", snapshot_and_restore},
               {"body", restore_body}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        survive(all[i].name, all[i].op, false);
        survive(all[i].name, all[i].op, true);
    }
}

/* A trap of which the guest says something: all of it comes, or no state. */
static void words_survive_every_refusal(void **state)
{
    dev_image *other = fixture_load(&world, words_guest, sizeof words_guest, NULL);
    dev_image *image = world.image;

    (void)state;
    world.image = other;
    for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
        bool was_hit = true;

        for (size_t n = 0; was_hit; n++) {
            dev_state *from = fixture_init(&world);
            beamr_error err = {0};
            beamr_status st;

            refuse_begin(n, is_lasting);
            st = call(from, "trap", integers(1, 0L), 0, NULL, &err);
            was_hit = refuse_end();
            assert_true(st == BEAMR_OK || is_refusal(st, &err));
            assert_true(was_hit || st == BEAMR_OK);
            expect_call(&world, from, "asked", integers(0), "0", NULL);
            dev_state_unref(from);
        }
    }
    world.image = image;
    dev_image_unref(other);
}

/* ---- A state whose record is lost has its instance, or a snapshot ---- */

static const char *write_much(void *arg, dev_run *run, const dev_import *import,
                              ao_value *results)
{
    static uint8_t bytes[STATE_RECORD_BYTES / 2 + 1];
    ao_message *message = NULL;

    (void)import;
    *results = ao_value_ref(*(ao_value *)arg);
    assert_int_equal(dev_state_put(ao_message_empty(), beamr_bytes_of("wasm"),
                                   dev_run_state(run), &message, NULL),
                     BEAMR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ao_guest_write(ao_guest_of(message, "wasm"), 65536,
                                        (beamr_bytes){bytes, sizeof bytes}, NULL),
                         BEAMR_OK);
    ao_message_unref(message);
    return NULL;
}

static dev_state *without_record(void)
{
    dev_state *a = fixture_init(&world), *b, *c;
    ao_value four = integers(1, 4L);
    char text[64];

    expect_call(&world, a, "grow", integers(1, 63L), "1", &b);
    fixture_call_with(&world, b, "ask", integers(1, 1L), write_much, &four, text, sizeof text,
                      &c);
    assert_string_equal(text, "4");
    ao_value_unref(four);
    dev_state_unref(a);
    dev_state_unref(b);
    return c;
}

static beamr_status rest_only(dev_state *state, beamr_error *err)
{
    (void)err;
    dev_state_rest(state);
    dev_state_rest(state);
    return BEAMR_OK;
}

static beamr_status add_twice(dev_state *state, beamr_error *err)
{
    beamr_status st = call(state, "add", integers(1, 1L), 5, NULL, err);

    return st == BEAMR_OK ? call(state, "add", integers(1, 2L), 6, NULL, err) : st;
}

static beamr_status snapshot_only(dev_state *state, beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st = dev_state_snapshot(state, &message, err);

    ao_message_unref(message);
    return st;
}

static void a_state_without_a_record_is_not_lost(void **unused)
{
    static const operation all[] = {rest_only, add_twice, snapshot_only};

    (void)unused;
    for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
        bool was_hit = true;

        for (size_t n = 0; was_hit; n++) {
            dev_state *state = without_record();
            beamr_error err = {0};
            beamr_status st;

            refuse_begin(n, i & 1);
            st = all[i / 2](state, &err);
            was_hit = refuse_end();
            if (st != BEAMR_OK && !is_refusal(st, &err))
                fail_msg("%zu, %zu: %s: %s", i, n, beamr_status_text(st), err.text);
            expect_call(&world, state, "get", integers(0), "4,4", NULL);
            dev_state_unref(state);
        }
    }
}

/* ---- Functions of the system, performed and repeated ---- */

static ao_message *shown;

static beamr_status perform(dev_run *run, beamr_error *err)
{
    dev_inputs inputs = {.time_ns = 5};
    ao_value results = AO_NO_VALUE;
    dev_import import;
    beamr_status st;

    dev_run_import(run, &import);
    if ((st = dev_run_show(run, &shown, err)) != BEAMR_OK)
        return st;
    inputs.vfs = ao_value_ref(ao_message_find_text(shown, "vfs"));
    inputs.descriptors = ao_value_ref(ao_message_find_text(shown, "file-descriptors"));
    st = dev_state_perform(dev_run_state(run), &inputs, import.module, import.name, import.args,
                           &results, &shown, err);
    if (st == BEAMR_OK)
        st = dev_run_answer(run, results, NULL, err);
    ao_value_unref(results);
    return st;
}

static beamr_status print(dev_state *from, dev_state **out, beamr_error *err)
{
    dev_run_options options = fixture_options(&world);
    ao_value none = ao_list_new(NULL, 0);
    dev_run *run = NULL;
    beamr_status st;

    if (none.kind == AO_NONE)
        return BEAMR_NO_MEMORY;
    st = dev_run_call(from, beamr_bytes_of("print"), none, &options, &run, err);
    ao_value_unref(none);
    if (st == BEAMR_OK) {
        while ((st = dev_run_go(run, err)) == BEAMR_SUSPENDED)
            if ((st = perform(run, err)) != BEAMR_OK)
                break;
    }
    if (st == BEAMR_OK && (st = dev_system_leave(dev_run_system(run), &shown, err)) == BEAMR_OK)
        *out = dev_state_ref(dev_run_state(run));
    dev_run_free(run);
    return st;
}

static beamr_status print_and_repeat(dev_state *from, beamr_error *err)
{
    dev_state *state = NULL;
    ao_message *message = NULL;
    beamr_status st = print(from, &state, err);

    if (st != BEAMR_OK)
        return st;
    dev_state_rest(state);
    st = dev_state_snapshot(state, &message, err);
    ao_message_unref(message);
    dev_state_unref(state);
    return st;
}

static void performed_functions_survive_every_refusal(void **unused)
{
    dev_image *image = world.image;

    (void)unused;
    world.image = fixture_load(&world, guest_guest, sizeof guest_guest, NULL);
    for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
        bool was_hit = true;

        for (size_t n = 0; was_hit; n++) {
            dev_state *from = fixture_init(&world);
            beamr_error err = {0};
            beamr_status st;

            shown = ao_message_ref(ao_message_empty());
            refuse_begin(n, is_lasting);
            st = print_and_repeat(from, &err);
            was_hit = refuse_end();
            if (st != BEAMR_OK && !is_refusal(st, &err))
                fail_msg("%zu: %s: %s", n, beamr_status_text(st), err.text);
            assert_true(was_hit || st == BEAMR_OK);
            expect_call(&world, from, "top", integers(0), "4096", NULL);
            ao_message_unref(shown);
            dev_state_unref(from);
        }
    }
    dev_image_unref(world.image);
    world.image = image;
}

static int open_world(void **state)
{
    (void)state;
    fixture_open(&world, NULL, NULL);
    nested = world_message(world.context, "{\"a\":[1,2]}");
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    ao_message_unref(nested);
    fixture_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_survives_every_refusal),
        cmocka_unit_test(words_survive_every_refusal),
        cmocka_unit_test(a_state_without_a_record_is_not_lost),
        cmocka_unit_test(performed_functions_survive_every_refusal),
    };

    return cmocka_run_group_tests_name("device/state_fault", tests, open_world, close_world);
}
