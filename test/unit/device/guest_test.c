/* Guests of messages: what devices that answer imports can do with their memory, and that it is
 * repeated with the call. */
#include "state_guest.h"

#include "beamr/ao/guest.h"
#include "device/state_internal.h"
#include "guest_guest.h"

static int open_world(void **state)
{
    static fixture f;

    fixture_open(&f, NULL, NULL);
    dev_image_unref(f.image);
    f.image = fixture_load(&f, guest_guest, sizeof guest_guest, NULL);
    *state = &f;
    return 0;
}

static int close_world(void **state)
{
    fixture_close(*state);
    return 0;
}

static ao_guest *guest_of(dev_state *state)
{
    ao_message *message = NULL;
    ao_guest *guest;

    assert_int_equal(
        dev_state_put(ao_message_empty(), beamr_bytes_of("wasm"), state, &message, NULL),
        BEAMR_OK);
    guest = ao_guest_of(message, "wasm");
    assert_null(ao_guest_of(message, NULL));
    ao_message_unref(message);
    assert_non_null(guest);
    return guest; /* the state is held by the caller */
}

static long byte_of(fixture *f, dev_state *state, long addr)
{
    char text[64];

    fixture_call_with(f, state, "byte", integers(1, addr), NULL, NULL, text, sizeof text, NULL);
    return strtol(text, NULL, 10);
}

/* ---- Reading ---- */

static void a_guest_at_rest_is_read(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    ao_guest *guest = guest_of(a);
    ao_value text = AO_NO_VALUE;
    uint64_t size = 0, addr;
    char bytes[5];

    assert_int_equal(ao_guest_pointer_size(guest), 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ao_guest_memory_size(guest, &size, &f->err), BEAMR_OK);
        assert_int_equal(size, 65536);
        assert_int_equal(ao_guest_read(guest, 1024, bytes, 5, &f->err), BEAMR_OK);
        assert_memory_equal(bytes, "hello", 5);
        dev_state_rest(a);
    }
    assert_int_equal(ao_guest_read_text(guest, 1024, 5, &text, &f->err), BEAMR_OK);
    assert_int_equal(ao_bytes(text).len, 5);
    ao_value_unref(text);
    assert_int_equal(ao_guest_read_text(guest, 1024, 4, &text, NULL), BEAMR_LIMIT);
    assert_int_equal(ao_guest_read_text(guest, 65535, 9, &text, &f->err), BEAMR_OK);
    assert_int_equal(ao_bytes(text).len, 0);
    ao_value_unref(text);
    assert_int_equal(ao_guest_read_text(guest, 65536, 9, &text, NULL), BEAMR_TRAP);
    assert_int_equal(ao_guest_read_text(guest, UINT64_MAX, 9, &text, NULL), BEAMR_TRAP);
    assert_int_equal(ao_guest_read(guest, 65536, bytes, 0, &f->err), BEAMR_OK);
    assert_int_equal(ao_guest_read(guest, 65532, bytes, 5, NULL), BEAMR_TRAP);
    assert_int_equal(ao_guest_read(guest, UINT64_MAX - 1, bytes, 5, NULL), BEAMR_TRAP);
    assert_int_equal(ao_guest_write(guest, 0, beamr_bytes_of("x"), NULL), BEAMR_ARGUMENT);
    assert_int_equal(ao_guest_allocate(guest, beamr_bytes_of("x"), &addr, NULL),
                     BEAMR_ARGUMENT);
    dev_state_unref(a);
}

/* ---- Writing ---- */

static int asked;

static const char *fill(void *arg, dev_run *run, const dev_import *import, ao_value *results)
{
    ao_guest *guest = guest_of(dev_run_state(run));
    uint64_t addr = (uint64_t)ao_list_at(import->args, 0).of.integer, text = 0, size;
    size_t len = (size_t)ao_list_at(import->args, 1).of.integer;
    uint8_t bytes[256];
    ao_value item;

    (void)arg;
    asked++;
    memset(bytes, 3, sizeof bytes);
    assert_int_equal(ao_guest_memory_size(guest, &size, NULL), BEAMR_OK);
    assert_int_equal(ao_guest_write(guest, addr, (beamr_bytes){bytes, len}, NULL), BEAMR_OK);
    assert_int_equal(ao_guest_write(guest, size - 1, (beamr_bytes){bytes, 2}, NULL),
                     BEAMR_TRAP);
    assert_int_equal(ao_guest_allocate(guest, beamr_bytes_of("text"), &text, NULL), BEAMR_OK);
    assert_int_equal(ao_guest_read(guest, text, bytes, 5, NULL), BEAMR_OK);
    assert_memory_equal(bytes, "text", 5);
    item = ao_integer((int64_t)text);
    *results = ao_list_new(&item, 1);
    return NULL;
}

static void what_handlers_write_and_allocate_is_repeated(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c;
    char text[64];

    asked = 0;
    fixture_call_with(f, a, "fill", integers(2, 512L, 10L), fill, NULL, text, sizeof text, &b);
    assert_string_equal(text, "30,4096");
    fixture_call_with(f, b, "fill", integers(2, 600L, 20L), fill, NULL, text, sizeof text, &c);
    assert_string_equal(text, "60,4112");
    dev_state_rest(c);
    assert_int_equal(byte_of(f, c, 619), 3);
    assert_int_equal(byte_of(f, c, 521), 3);
    assert_int_equal(byte_of(f, c, 4112), 't');
    assert_int_equal(byte_of(f, b, 619), 0);
    expect_call(f, c, "top", integers(0), "4128", NULL);
    assert_int_equal(asked, 2);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
}

/* Allocates what there is no room for, and what traps, and goes on. */
static const char *allocate_badly(void *arg, dev_run *run, const dev_import *import,
                                  ao_value *results)
{
    static uint8_t bytes[70000];
    ao_guest *guest = guest_of(dev_run_state(run));
    ao_value item = ao_integer(1);
    uint64_t addr = 0;

    (void)arg;
    (void)import;
    assert_int_equal(ao_guest_allocate(guest, (beamr_bytes){bytes, sizeof bytes}, &addr, NULL),
                     BEAMR_NO_MEMORY);
    assert_int_equal(ao_guest_allocate(guest, (beamr_bytes){bytes, 667}, &addr, NULL),
                     BEAMR_TRAP);
    assert_int_equal(ao_guest_allocate(guest, (beamr_bytes){bytes, 3}, &addr, NULL), BEAMR_OK);
    *results = ao_list_new(&item, 1);
    return NULL;
}

static void allocations_that_fail_are_repeated_too(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    char text[64], top[64];

    fixture_call_with(f, a, "fill", integers(2, 0L, 0L), allocate_badly, NULL, text,
                      sizeof text, &b);
    assert_string_equal(text, "0,1");
    fixture_call_with(f, b, "top", integers(0), NULL, NULL, top, sizeof top, NULL);
    dev_state_rest(b);
    expect_call(f, b, "top", integers(0), top, NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

static void a_deadline_in_an_allocation_fails_the_call(void **state)
{
    static uint8_t bytes[666];
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(2, 0L, 0L), results = integers(1, 1L);
    dev_run *run = NULL;
    uint64_t addr;

    options.timeout_ns = 500000000; /* until the allocation begins, on a busy machine too */
    assert_int_equal(
        dev_run_call(a, beamr_bytes_of("fill"), parameters, &options, &run, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_SUSPENDED);
    assert_int_equal(ao_guest_allocate(guest_of(dev_run_state(run)),
                                       (beamr_bytes){bytes, sizeof bytes}, &addr, NULL),
                     BEAMR_TRAP);
    assert_int_equal(dev_run_answer(run, results, NULL, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_TRAP);
    assert_int_equal(f->err.trap, BEAMR_TRAP_DEADLINE);
    dev_run_free(run);
    beamr_error_clear(&f->err);
    expect_call(f, a, "top", integers(0), "4096", NULL);
    ao_value_unref(parameters);
    ao_value_unref(results);
    dev_state_unref(a);
}

/* ---- Functions of the system, through messages ---- */

static const char *perform(void *arg, dev_run *run, const dev_import *import, ao_value *results)
{
    dev_inputs inputs = {.time_ns = 5};
    ao_message **message = arg;
    beamr_error err = {0};
    beamr_status st;

    asked++;
    inputs.vfs = ao_value_ref(ao_message_find_text(*message, "vfs"));
    inputs.descriptors = ao_value_ref(ao_message_find_text(*message, "file-descriptors"));
    st = dev_state_perform(dev_run_state(run), &inputs, import->module, import->name,
                           import->args, results, message, &err);
    assert_true(st == BEAMR_OK || st == BEAMR_TRAP);
    return st == BEAMR_OK ? NULL : "another text than the trap's";
}

static beamr_bytes printed(const ao_message *message)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(
        ao_message_get_path(message, beamr_bytes_of("vfs/dev/stdout"), &value, NULL), BEAMR_OK);
    return ao_bytes(value);
}

/* What was recorded is what happened, or there is no answer at all: here it is made to differ,
 * which nothing but a mistake of our own could do. */
static void a_call_that_goes_another_way_is_a_failure(void **state)
{
    static const char *const texts[] = {"it called another import", "it ended in another way",
                                        "it ended in another way"};
    fixture *f = *state;
    dev_state *a = fixture_init(f);

    for (size_t i = 0; i < 3; i++) {
        ao_message *message = ao_message_ref(ao_message_empty()), *snapshot = NULL;
        beamr_error err = {0};
        dev_state *b;
        char text[64];

        fixture_call_with(f, a, "print", integers(0), perform, &message, text, sizeof text, &b);
        ao_message_unref(message);
        dev_state_rest(b);
        if (i == 0)
            b->record.log.data[8] ^= 1; /* the digest of its first import */
        else if (i == 1)
            b->record.end ^= 1;
        else
            b->record.log.len += 8;
        assert_int_equal(dev_state_snapshot(b, &snapshot, &err), BEAMR_CONFLICT);
        if (!strstr(err.text, texts[i]))
            fail_msg("%s", err.text);
        dev_state_unref(b);
    }
    dev_state_unref(a);
}

static void functions_of_the_system_are_performed_and_repeated(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c, *d;
    ao_message *message = ao_message_ref(ao_message_empty());
    char text[512];

    asked = 0;
    fixture_call_with(f, a, "print", integers(0), perform, &message, text, sizeof text, &b);
    assert_string_equal(text, "5");
    assert_int_equal(printed(message).len, 5);
    assert_memory_equal(printed(message).data, "hello", 5);
    fixture_call_with(f, b, "exit", integers(0), perform, &message, text, sizeof text, &c);
    assert_string_equal(text, "!exit: 3"); /* where it ended itself is no fault to be found */
    assert_int_equal(asked, 2);
    dev_state_rest(c);
    assert_int_equal(byte_of(f, c, 8), 5);
    assert_int_equal(asked, 2);
    {
        ao_message *first = NULL, *second = NULL;

        expect_call(f, c, "top", integers(0), "4096", &d);
        assert_int_equal(dev_state_snapshot(c, &first, &f->err), BEAMR_OK);
        assert_int_equal(dev_state_snapshot(d, &second, &f->err), BEAMR_OK);
        assert_true(ao_value_equal(ao_message_find_text(first, "body"),
                                   ao_message_find_text(second, "body")));
        ao_message_unref(first);
        ao_message_unref(second);
    }
    ao_message_unref(message);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    dev_state_unref(d);
}

static void nothing_is_performed_when_no_import_waits(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    ao_value none = integers(0), results = AO_NO_VALUE;
    dev_inputs inputs = {.time_ns = 5};
    ao_message *message = ao_message_ref(ao_message_empty());

    assert_int_equal(dev_state_perform(a, &inputs, beamr_bytes_of("wasi_snapshot_preview1"),
                                       beamr_bytes_of("sched_yield"), none, &results, &message,
                                       NULL),
                     BEAMR_ARGUMENT);
    assert_int_equal(results.kind, AO_NONE);
    ao_value_unref(none);
    ao_message_unref(message);
    dev_state_unref(a);
}

/* With the direct way, random numbers of the call come again when it is repeated. */
static void random_numbers_are_repeated(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    ao_value none = integers(0);
    dev_inputs inputs = {.wasi_direct = true, .max_output = 100};
    dev_run_options options = fixture_options(f);
    dev_run *run = NULL;
    uint8_t first[8], second[8];

    options.inputs = &inputs;
    assert_int_equal(dev_run_call(a, beamr_bytes_of("random"), none, &options, &run, &f->err),
                     BEAMR_OK);
    if (dev_run_go(run, &f->err) != BEAMR_OK)
        fail_msg("random: %s", f->err.text);
    b = run_leave(run, &f->err);
    assert_int_equal(ao_guest_read(guest_of(b), 16, first, 8, &f->err), BEAMR_OK);
    dev_state_rest(b);
    assert_int_equal(ao_guest_read(guest_of(b), 16, second, 8, &f->err), BEAMR_OK);
    assert_memory_equal(first, second, 8);
    ao_value_unref(none);
    dev_state_unref(a);
    dev_state_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_at_rest_is_read),
        cmocka_unit_test(what_handlers_write_and_allocate_is_repeated),
        cmocka_unit_test(allocations_that_fail_are_repeated_too),
        cmocka_unit_test(a_deadline_in_an_allocation_fails_the_call),
        cmocka_unit_test(a_call_that_goes_another_way_is_a_failure),
        cmocka_unit_test(functions_of_the_system_are_performed_and_repeated),
        cmocka_unit_test(nothing_is_performed_when_no_import_waits),
        cmocka_unit_test(random_numbers_are_repeated),
    };

    return cmocka_run_group_tests_name("device/guest", tests, open_world, close_world);
}
