/* A message's system when memory is refused: every allocation in turn. What fails says so,
 * leaves nothing behind, and the system can be brought back to what a message says. */
#include "refuse.h"
#include "system_fixture.h"

#define FIRST                                                                                  \
    "{\"vfs\":{\"dev\":{\"stdin\":\"in\",\"stdout\":\"\"},\"f\":\"1\",\"d\":{\"e\":{\"g\":"    \
    "\"2\"}},\"l\":{\"%link\":\"f\"}},\"file-descriptors\":{\"0\":{\"filename\":\"/dev/"       \
    "stdin\",\"offset\":\"1\"},\"5\":{\"filename\":\"/d/e/g\",\"offset\":\"1\"}}}"
#define SECOND                                                                                 \
    "{\"vfs\":{\"f\":{\"now\":\"a directory\"},\"d\":{\"h\":\"3\"},\"%4c\":\"x\"},\"file-"     \
    "descriptors\":{\"7\":{\"filename\":\"/d/h\"}}}"

static const dev_inputs direct = {.wasi_direct = true, .env_direct = true, .max_output = 1000};

static dev_inputs inputs_of(const ao_message *message)
{
    dev_inputs inputs = direct;

    inputs.vfs = ao_value_ref(ao_message_find_text(message, "vfs"));
    inputs.descriptors = ao_value_ref(ao_message_find_text(message, "file-descriptors"));
    return inputs;
}

/* What a guest does, as far as it gets. */
static void play(beamr_wasi *w)
{
    static const char text[] = "written";
    guest_iovec v = {(uint8_t *)(uintptr_t)text, sizeof text - 1};
    guest_place at = posix("/new"), dir = posix("/dir");
    guest_open_options o = {.oflags = GUEST_OFLAG_CREAT, .rights = WRITE};
    uint64_t total = 0;
    uint32_t fd;
    uint8_t random[4];

    (void)guest_fd_write(w, 1, &v, 1, NULL, &total, NULL);
    (void)guest_path_mkdir(w, &dir);
    if (guest_path_open(w, &at, &o, &fd) == OK)
        (void)guest_fd_write(w, fd, &v, 1, NULL, &total, NULL);
    (void)guest_random(w, random, sizeof random, NULL);
}

/* One call.  state  replaced */
static beamr_status call(dev_system *s, const ao_message *from, ao_message **state)
{
    dev_inputs inputs = inputs_of(from);
    beamr_error err = {0};
    beamr_status st = dev_system_enter(s, &inputs, NULL, &err);
    uint8_t *bytes = NULL;
    size_t len;

    if (st == BEAMR_OK) {
        play(dev_system_wasi(s));
        st = dev_system_leave(s, state, &err);
    } else {
        (void)dev_system_leave(s, NULL, NULL);
    }
    if (st == BEAMR_OK)
        st = dev_system_save(s, &bytes, &len, &err);
    free(bytes);
    dev_inputs_clear(&inputs);
    if (st != BEAMR_OK)
        assert_int_equal(err.status, st);
    return st;
}

static beamr_status scenario(dev_system *s, const ao_message *first, const ao_message *second,
                             ao_message **state)
{
    beamr_status st = call(s, first, state);

    return st == BEAMR_OK ? call(s, second, state) : st;
}

/* Whatever happened, the system becomes what a message says. */
static void recover(dev_system *s, const ao_message *first)
{
    ao_message *state = ao_message_ref(first);
    dev_inputs inputs = inputs_of(first);
    beamr_error err = {0};

    if (dev_system_enter(s, &inputs, NULL, &err) != BEAMR_OK ||
        dev_system_leave(s, &state, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_true(ao_value_equal(ao_message_find_text(state, "vfs"), inputs.vfs));
    dev_inputs_clear(&inputs);
    ao_message_unref(state);
}

static void calls_survive_every_refusal(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *first = world_message(context, FIRST), *second = world_message(context, SECOND);
    size_t n = 0;

    (void)state;
    do {
        dev_system *s = NULL;
        ao_message *message = ao_message_ref(first);
        beamr_status st;

        assert_in_range(n, 0, 20000);
        assert_int_equal(dev_system_new(&s, NULL), BEAMR_OK);
        refuse_begin(n++, false);
        st = scenario(s, first, second, &message);
        (void)refuse_end();
        if (st != BEAMR_OK && st != BEAMR_NO_MEMORY)
            fail_msg("allocation %zu: %s", n, beamr_status_text(st));
        assert_true(refusal.hits > 0 || st == BEAMR_OK);
        recover(s, first);
        ao_message_unref(message);
        dev_system_free(s);
    } while (refusal.hits > 0);
    ao_message_unref(first);
    ao_message_unref(second);
    ao_context_free(context);
}

static void making_and_loading_survive_every_refusal(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *first = world_message(context, FIRST), *message = ao_message_ref(first);
    dev_system *from = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0, n = 0;

    (void)state;
    assert_int_equal(dev_system_new(&from, NULL), BEAMR_OK);
    assert_int_equal(call(from, first, &message), BEAMR_OK);
    assert_int_equal(dev_system_save(from, &bytes, &len, NULL), BEAMR_OK);
    do {
        dev_system *s = NULL;
        beamr_status st;

        refuse_begin(n++, false);
        st = dev_system_new(&s, NULL);
        if (st == BEAMR_OK)
            st = dev_system_load(s, (beamr_bytes){bytes, len}, NULL);
        (void)refuse_end();
        assert_true(st == BEAMR_NO_MEMORY || (st == BEAMR_OK && refusal.hits == 0));
        dev_system_free(s);
    } while (refusal.hits > 0);
    free(bytes);
    dev_system_free(from);
    ao_message_unref(message);
    ao_message_unref(first);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_survive_every_refusal),
        cmocka_unit_test(making_and_loading_survive_every_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
