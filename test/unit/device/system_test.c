/* Files, streams, time and state as bytes of a system whose files are a message's. */
#include "system_fixture.h"

#include <string.h>

#define PLAIN "{\"vfs\":{\"dev\":{\"stdin\":\"\",\"stdout\":\"\",\"stderr\":\"\"}}}"

static void a_message_without_files_stays_as_it_is(void **state)
{
    scene *s = scene_open("{\"a\":\"1\"}");
    ao_message *before = s->message;

    (void)state;
    scene_enter(s);
    scene_leave(s);
    assert_ptr_equal(s->message, before);
    scene_enter(s);
    scene_leave(s);
    assert_ptr_equal(s->message, before);
    scene_close(s);
}

static void output_is_appended_to_files_of_dev(void **state)
{
    scene *s = scene_open("{}");
    beamr_wasi *w = scene_enter(s);

    (void)state;
    guest_writes(w, 1, "Hello, ");
    guest_writes(w, 2, "oh");
    guest_writes(w, 1, "World!");
    scene_leave(s);
    scene_expect(s, "vfs", "{\"dev\":{\"stdout\":\"Hello, World!\",\"stderr\":\"oh\"}}");
    guest_writes(scene_enter(s), 1, "\n");
    scene_leave(s);
    scene_expect_text(s, "vfs/dev/stdout", "Hello, World!\n");
    scene_close(s);
}

static void output_beyond_the_limit_is_counted(void **state)
{
    scene *s = scene_open(PLAIN);
    beamr_wasi *w = scene_enter(s);
    char much[901];

    (void)state;
    memset(much, 'x', 900);
    much[900] = '\0';
    guest_writes(w, 1, much);
    assert_int_equal(dev_system_lost(s->system), 0);
    guest_writes(w, 2, much);
    guest_writes(w, 1, much);
    assert_int_equal(dev_system_lost(s->system), 800 + 900);
    scene_leave(s);
    assert_int_equal(ao_bytes(scene_get(s, "vfs/dev/stderr")).len, 100);
    scene_enter(s);
    assert_int_equal(dev_system_lost(s->system), 0);
    scene_leave(s);
    scene_close(s);
}

static void input_is_read_from_where_it_stopped(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"dev\":{\"stdin\":\"one two\"}}}");
    beamr_wasi *w = scene_enter(s);

    (void)state;
    guest_reads(w, 0, 4, "one ");
    scene_leave(s);
    scene_expect(
        s, "file-descriptors/0",
        "{\"filename\":\"/dev/stdin\",\"offset\":4,\"ao-types\":\"offset=\\\"integer\\\"\"}");
    scene_set(
        s, "vfs",
        ao_message_value(world_message(s->context, "{\"dev\":{\"stdin\":\"one two three\"}}")));
    w = scene_enter(s);
    guest_reads(w, 0, 100, "two three");
    guest_reads(w, 0, 100, "");
    scene_leave(s);
    scene_close(s);
}

static void what_a_guest_does_to_files_is_in_the_message(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"a\":{\"b\":\"old\",\"c\":\"gone\"},\"keep\":\"k\"}}");
    beamr_wasi *w = scene_enter(s);
    guest_place from = posix("/a/b"), to = posix("/d/moved"), dir = posix("/d"),
                gone = posix("/a/c"), link = posix("/l"), empty = posix("/a/e");

    (void)state;
    guest_puts(w, "/keep2", "new");
    assert_int_equal(guest_path_mkdir(w, &dir), OK);
    assert_int_equal(guest_path_mkdir(w, &empty), OK);
    assert_int_equal(guest_path_rename(w, &from, &to), OK);
    assert_int_equal(guest_path_unlink(w, &gone), OK);
    assert_int_equal(guest_path_symlink(w, beamr_bytes_of("d/moved"), &link), OK);
    scene_leave(s);
    scene_expect(s, "vfs",
                 "{\"a\":{\"e\":{}},\"d\":{\"moved\":\"old\"},\"keep\":\"k\",\"keep2\":\"new\","
                 "\"l\":{\"%link\":\"d/moved\"}}");
    w = scene_enter(s);
    guest_reads(w, opened(w, posix("/l"), 0, READ), 10, "old");
    scene_leave(s);
    scene_close(s);
}

static void what_did_not_change_is_shared(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"a\":{\"x\":\"1\",\"y\":\"2\"},\"b\":{\"z\":\"3\"}}}");
    ao_value b = scene_get(s, "vfs/b"), y = scene_get(s, "vfs/a/y");

    (void)state;
    guest_puts(scene_enter(s), "/a/x", "changed");
    scene_leave(s);
    assert_ptr_equal(scene_get(s, "vfs/b").of.message, b.of.message);
    assert_ptr_equal(scene_get(s, "vfs/a/y").of.binary, y.of.binary);
    scene_expect_text(s, "vfs/a/x", "changed");
    guest_puts(scene_enter(s), "/new", "n");
    scene_leave(s);
    assert_ptr_equal(scene_get(s, "vfs/b").of.message, b.of.message);
    scene_close(s);
}

static void edits_of_the_message_are_taken(void **state)
{
    scene *s =
        scene_open("{\"vfs\":{\"f\":\"one\",\"d\":{\"x\":\"1\"},\"l\":{\"%link\":\"f\"}}}");
    beamr_wasi *w = scene_enter(s);
    uint32_t fd = opened(w, posix("/f"), 0, READ);

    (void)state;
    guest_reads(w, fd, 2, "on");
    scene_leave(s);
    scene_message(s, "{\"vfs\":{\"f\":\"twoo\",\"d\":\"now a file\",\"l\":{\"%link\":\"d\"},"
                     "\"n\":{\"m\":{\"o\":\"deep\"}}}}");
    w = scene_enter(s);
    guest_reads(w, fd, 5, "oo"); /* the same file, with another content */
    guest_reads(w, opened(w, posix("/l"), 0, READ), 20, "now a file");
    guest_reads(w, opened(w, posix("/n/m/o"), 0, READ), 20, "deep");
    scene_leave(s);
    scene_message(s, "{}");
    w = scene_enter(s);
    assert_int_equal(open_error(w, posix("/f"), 0, READ), GUEST_ENOENT);
    scene_leave(s);
    scene_close(s);
}

static void a_second_name_is_another_file_in_the_message(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"f\":\"one\"}}");
    beamr_wasi *w = scene_enter(s);
    guest_place from = posix("/f"), to = posix("/g");

    (void)state;
    assert_int_equal(guest_path_link(w, &from, &to), OK);
    scene_leave(s);
    scene_expect(s, "vfs", "{\"f\":\"one\",\"g\":\"one\"}");
    scene_message(s, "{\"vfs\":{\"f\":\"two\",\"g\":\"one\"}}");
    w = scene_enter(s);
    guest_reads(w, opened(w, posix("/g"), 0, READ), 20, "one");
    guest_reads(w, opened(w, posix("/f"), 0, READ), 20, "two");
    scene_leave(s);
    scene_close(s);
}

static void writes_are_shown_under_every_name(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"f\":\"one\",\"d\":{\"e\":{}}}}");
    beamr_wasi *w = scene_enter(s);
    guest_place from = posix("/f"), to = posix("/d/e/g");

    (void)state;
    assert_int_equal(guest_path_link(w, &from, &to), OK);
    scene_leave(s);
    guest_puts(scene_enter(s), "/f", "two");
    scene_leave(s);
    scene_expect(s, "vfs", "{\"f\":\"two\",\"d\":{\"e\":{\"g\":\"two\"}}}");
    assert_int_equal(guest_path_unlink(scene_enter(s), &from), OK);
    scene_leave(s);
    guest_puts(scene_enter(s), "/d/e/g", "three");
    scene_leave(s);
    scene_expect(s, "vfs", "{\"d\":{\"e\":{\"g\":\"three\"}}}");
    scene_close(s);
}

static void a_call_has_the_time_of_its_inputs(void **state)
{
    scene *s = scene_open(PLAIN);
    beamr_wasi *w = scene_enter(s);
    bool has_input;

    (void)state;
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 0);
    scene_leave(s);
    s->inputs.time_ns = 1700000000000000000u;
    assert_int_equal(dev_system_enter(s->system, &s->inputs, NULL, NULL), BEAMR_OK);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 1700000000000000000u);
    assert_int_equal(guest_wait(w, 5, false, &has_input, NULL), OK);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_MONOTONIC), 1700000000000000005u);
    scene_leave(s);
    scene_close(s);
}

static void random_numbers_follow_from_the_moment(void **state)
{
    scene *s = scene_open(PLAIN);
    beamr_wasi *w = scene_wasi(s);
    const char *const requests[] = {"{\"slot\":\"1\"}", "{\"slot\":\"1\",\"x\":\"y\"}",
                                    "{\"slot\":\"2\"}", "{\"body\":{\"data\":\"a\"}}",
                                    "{\"body\":{\"data\":\"b\"}}"};
    ao_message *process = world_message(s->context, "{\"process\":{\"type\":\"Process\"}}");
    uint8_t first[5][16], again[16];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        ao_message *request = world_message(s->context, requests[i]);
        dev_moment moment = {s->context, process, request};

        scene_enter(s);
        assert_int_equal(dev_system_leave(s->system, NULL, NULL), BEAMR_OK);
        assert_int_equal(dev_system_enter(s->system, &s->inputs, &moment, NULL), BEAMR_OK);
        assert_false(s->inputs.has_seed);
        assert_int_equal(guest_random(w, first[i], 16, NULL), OK);
        assert_true(s->inputs.has_seed);
        scene_leave(s);
        /* Repeated, without the moment. */
        assert_int_equal(dev_system_enter(s->system, &s->inputs, NULL, NULL), BEAMR_OK);
        assert_int_equal(guest_random(w, again, 16, NULL), OK);
        assert_memory_equal(first[i], again, 16);
        scene_leave(s);
        ao_message_unref(request);
    }
    assert_memory_equal(first[0], first[1], 16); /* the slot of the process says it all */
    for (size_t i = 2; i < 5; i++)
        for (size_t k = 1; k < i; k++)
            assert_memory_not_equal(first[i], first[k], 16);
    ao_message_unref(process);
    scene_close(s);
}

static void bad_file_systems_say_which_key(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"{\"vfs\":{\"a\":{\"%2f\":\"x\"}}}", "vfs/a/%2f: a key that is no name of a file"},
        {"{\"vfs\":{\"..\":\"x\"}}", "vfs/..: a key that is no name of a file"},
        {"{\"vfs\":{\"%2e%2e\":\"x\"}}", "vfs/%2e%2e: a key that is no name of a file"},
        {"{\"vfs\":{\"a\":{\".\":{}}}}", "vfs/a/.: a key that is no name of a file"},
        {"{\"vfs\":{\"%00\":\"x\"}}", "vfs/%00: a key that is no name of a file"},
        {"{\"vfs\":{\"a%\":\"x\"}}", "vfs/a%: a key that is no name of a file"},
        {"{\"vfs\":{\"%6\":\"x\"}}", "vfs/%6: a key that is no name of a file"},
        {"{\"vfs\":{\"%61\":\"x\"}}", "vfs/%61: a key that is no name of a file"},
        {"{\"vfs\":{\"a b\":\"x\",\"a%20b\":\"y\"}}", "vfs/a b: two keys for one name"},
        {"{\"vfs\":{\"a\":1.5,\"ao-types\":\"a=\\\"float\\\"\"}}",
         "vfs/a: neither a file (a binary), nor a directory or link (a message)"},
        {"{\"vfs\":{\"d\":{\"l\":{\"%link\":\"x\",\"y\":{}},\"z\":[1]}}}",
         "vfs/d/z: neither a file (a binary), nor a directory or link (a message)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene *s = scene_open("{\"vfs\":{\"ok\":\"1\"}}");

        scene_enter(s);
        scene_leave(s);
        scene_message(s, cases[i].json);
        assert_int_equal(scene_begin(s), BEAMR_MESSAGE);
        assert_string_equal(s->err.text, cases[i].text);
        assert_int_equal(dev_system_leave(s->system, NULL, NULL), BEAMR_OK);
        /* It can be used again. */
        scene_message(s, "{\"vfs\":{\"ok\":\"1\"}}");
        guest_puts(scene_enter(s), "/n", "2");
        scene_leave(s);
        scene_expect(s, "vfs", "{\"ok\":\"1\",\"n\":\"2\"}");
        scene_close(s);
    }
}

static void a_file_system_too_deep_is_refused(void **state)
{
    scene *s = scene_open("{}");
    ao_value nested = ao_message_value(ao_message_empty());
    ao_message *message = NULL;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(
            ao_message_with(ao_message_empty(), i == 99 ? "vfs" : "d", nested, &message, NULL),
            BEAMR_OK);
        nested = ao_message_value(message);
    }
    ao_message_unref(s->message);
    s->message = message;
    assert_int_equal(scene_begin(s), BEAMR_LIMIT);
    assert_memory_equal(s->err.text, "vfs/d/d/d", 9);
    assert_int_equal(dev_system_leave(s->system, NULL, NULL), BEAMR_OK);
    scene_close(s);
}

static void a_loaded_system_goes_on(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"dev\":{\"stdin\":\"abc\"},\"f\":\"one\"}}"), *t;
    beamr_wasi *w = scene_enter(s);
    guest_place f = posix("/f");
    uint32_t fd = opened(w, f, 0, READ);
    uint8_t *bytes = NULL, *again = NULL;
    size_t len = 0, again_len = 0;

    (void)state;
    guest_reads(w, 0, 1, "a");
    guest_reads(w, fd, 1, "o");
    assert_int_equal(guest_path_unlink(w, &f), OK);
    scene_leave(s);
    scene_expect_text(s, "file-descriptors/4/deleted", "");
    assert_int_equal(dev_system_save(s->system, &bytes, &len, NULL), BEAMR_OK);

    t = scene_open("{}");
    ao_message_unref(t->message);
    t->message = ao_message_ref(s->message);
    assert_int_equal(dev_system_load(t->system, (beamr_bytes){bytes, len}, NULL), BEAMR_OK);
    w = scene_enter(t);
    scene_leave(t);
    assert_ptr_equal(t->message, s->message);
    assert_int_equal(dev_system_save(t->system, &again, &again_len, NULL), BEAMR_OK);
    assert_int_equal(len, again_len);
    assert_memory_equal(bytes, again, len);
    w = scene_enter(t);
    guest_reads(w, 0, 9, "bc");
    guest_reads(w, fd, 9, "ne");
    scene_leave(t);
    free(bytes);
    free(again);
    scene_close(t);
    scene_close(s);
}

static void bytes_of_strangers_are_refused(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"f\":\"one\"}}"), *t = scene_open("{}");
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(dev_system_save(t->system, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(len, 0);
    free(bytes);
    scene_enter(s);
    scene_leave(s);
    assert_int_equal(dev_system_save(s->system, &bytes, &len, NULL), BEAMR_OK);
    assert_true(len > 9);
    for (size_t i = 1; i < len; i++) {
        beamr_status st = dev_system_load(t->system, (beamr_bytes){bytes, i}, NULL);

        assert_true(st == BEAMR_MALFORMED || st == BEAMR_LIMIT);
    }
    bytes[0]++;
    assert_int_equal(dev_system_load(t->system, (beamr_bytes){bytes, len}, NULL),
                     BEAMR_MALFORMED);
    free(bytes);
    scene_close(t);
    scene_close(s);
}

/* Names and contents that a codec could take for something else. */
static void fill(beamr_wasi *w)
{
    static const char *const names[] = {"/Capital",
                                        "/device",
                                        "/commitments",
                                        "/private",
                                        "/a b",
                                        "/\xc3\xa4\xff",
                                        "/x+link",
                                        "/body",
                                        "/data",
                                        "/content-type",
                                        "/1",
                                        "/abcdefghijklmnopqrstuvwxyz012345",
                                        "/abcdefghijklmnopqrstuvwxyz0123456789abcdefg"};
    guest_place dir = posix("/empty"), sub = posix("/sub"), link = posix("/sub/link");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        guest_puts(w, names[i], i % 3 == 0 ? "" : i % 3 == 1 ? "\r\n\x01\xff" : "text");
    assert_int_equal(guest_path_mkdir(w, &dir), OK);
    assert_int_equal(guest_path_mkdir(w, &sub), OK);
    assert_int_equal(guest_path_symlink(w, beamr_bytes_of("../a b"), &link), OK);
    guest_puts(w, "/sub/1", "one");
    guest_puts(w, "/sub/2", "two");
    (void)opened(w, posix("/a b"), 0, READ);
    (void)opened(w, at("1"), 0, READ);
}

/* The same files are there, and the message stays as it is. */
static void expect_same(scene *s, BEAMR_OWN ao_message *message, const char *what)
{
    scene *t = scene_open("{}");
    beamr_wasi *w;
    uint32_t fd;

    ao_message_unref(t->message);
    t->message = message;
    w = scene_enter(t);
    fd = opened(w, posix("/sub/link"), 0, READ);
    guest_reads(w, fd, 50, "\r\n\x01\xff");
    assert_int_equal(guest_fd_close(w, fd), OK);
    guest_puts(w, "/sub/3", "three");
    scene_leave(t);
    guest_puts(scene_enter(s), "/sub/3", "three");
    scene_leave(s);
    for (size_t i = 0; i < 2; i++) {
        const char *key = i ? "file-descriptors" : "vfs";
        char path[AO_MATCH_PATH_SIZE];

        if (!ao_message_match(ao_to_message(scene_get(s, key)),
                              ao_to_message(scene_get(t, key)), AO_MATCH_STRICT, path))
            fail_msg("%s: %s differs at %s", what, key, path);
    }
    scene_close(t);
}

static void files_survive_codecs_and_stores(void **state)
{
    static const char *const codecs[] = {"httpsig@1.0", "structured@1.0"};
    scene *s = scene_open("{}");
    char id[AO_ID_TEXT + 1];
    ao_message *back = NULL;
    beamr_error err = {0};

    (void)state;
    fill(scene_enter(s));
    scene_leave(s);
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        ao_value encoded = AO_NO_VALUE;

        if (ao_encode(s->context, codecs[i], s->message, &encoded, &err) != BEAMR_OK ||
            ao_decode(s->context, codecs[i], encoded, &back, &err) != BEAMR_OK)
            fail_msg("%s: %s", codecs[i], err.text);
        ao_value_unref(encoded);
        expect_same(s, back, codecs[i]);
    }
    if (ao_store_message(s->context, s->message, id, &err) != BEAMR_OK ||
        ao_load_message(s->context, beamr_bytes_of(id), &back, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    expect_same(s, back, "store");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_without_files_stays_as_it_is),
        cmocka_unit_test(output_is_appended_to_files_of_dev),
        cmocka_unit_test(output_beyond_the_limit_is_counted),
        cmocka_unit_test(input_is_read_from_where_it_stopped),
        cmocka_unit_test(what_a_guest_does_to_files_is_in_the_message),
        cmocka_unit_test(what_did_not_change_is_shared),
        cmocka_unit_test(edits_of_the_message_are_taken),
        cmocka_unit_test(a_second_name_is_another_file_in_the_message),
        cmocka_unit_test(writes_are_shown_under_every_name),
        cmocka_unit_test(a_call_has_the_time_of_its_inputs),
        cmocka_unit_test(random_numbers_follow_from_the_moment),
        cmocka_unit_test(bad_file_systems_say_which_key),
        cmocka_unit_test(a_file_system_too_deep_is_refused),
        cmocka_unit_test(a_loaded_system_goes_on),
        cmocka_unit_test(bytes_of_strangers_are_refused),
        cmocka_unit_test(files_survive_codecs_and_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
