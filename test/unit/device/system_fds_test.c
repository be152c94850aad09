/* Descriptors of a message. */
#include "system_fixture.h"

#include <string.h>

#define FILES "\"vfs\":{\"f\":\"0123456789\",\"d\":{\"g\":\"abc\"}}"
#define STREAMS                                                                                \
    "\"0\":{\"filename\":\"/dev/stdin\",\"offset\":\"0\"},\"1\":{\"filename\":\"/dev/"         \
    "stdout\",\"offset\":\"0\"},\"2\":{\"filename\":\"/dev/stderr\",\"offset\":\"0\"}"

/* Open a file, in the guest, and leave. */
static uint32_t open_in_call(scene *s, const char *path, guest_rights rights, uint64_t offset)
{
    beamr_wasi *w = scene_enter(s);
    uint32_t fd = opened(w, posix(path), 0, rights);

    assert_int_equal(guest_fd_seek(w, fd, (int64_t)offset, 0, &(uint64_t){0}), OK);
    scene_leave(s);
    return fd;
}

static int64_t number_at(scene *s, const char *path)
{
    int64_t n = -1;

    (void)ao_to_integer(scene_get(s, path), &n);
    return n;
}

static void what_is_open_is_in_the_message(void **state)
{
    scene *s = scene_open("{" FILES "}");
    uint32_t fd = open_in_call(s, "/d/g", READ, 2), twin;
    beamr_wasi *w;

    (void)state;
    assert_int_equal(fd, 4);
    scene_expect_text(s, "file-descriptors/4/filename", "/d/g");
    assert_int_equal(number_at(s, "file-descriptors/4/offset"), 2);
    assert_int_equal(scene_get(s, "file-descriptors/3").kind, AO_NONE);
    scene_expect_text(s, "file-descriptors/1/filename", "/dev/stdout");
    w = scene_enter(s);
    guest_reads(w, 4, 9, "c");
    assert_int_equal(guest_fd_dup(w, 4, 0, &twin), OK);
    scene_leave(s);
    assert_int_equal(number_at(s, "file-descriptors/5/same-as"), 4);
    assert_int_equal(number_at(s, "file-descriptors/5/offset"), 3);
    w = scene_enter(s);
    assert_int_equal(guest_fd_close(w, 4), OK);
    assert_int_equal(guest_fd_close(w, 1), OK);
    scene_leave(s);
    assert_int_equal(scene_get(s, "file-descriptors/4").kind, AO_NONE);
    assert_int_equal(scene_get(s, "file-descriptors/1").kind, AO_NONE);
    assert_int_equal(scene_get(s, "file-descriptors/5/same-as").kind, AO_NONE);
    scene_close(s);
}

static void the_message_alone_opens_them_again(void **state)
{
    scene *s = scene_open("{" FILES "}"), *t;
    beamr_wasi *w = scene_enter(s);
    uint32_t fd = opened(w, posix("/f"), 0, READ), write, twin, dir, stream, narrow;
    ao_message *shown;

    (void)state;
    guest_reads(w, fd, 3, "012");
    assert_int_equal(open_as(w, posix("/d/g"), 0, WRITE, GUEST_FDFLAG_APPEND, &write), OK);
    assert_int_equal(guest_fd_dup(w, fd, 8, &twin), OK);
    dir = opened(w, at("d"), GUEST_OFLAG_DIRECTORY, GUEST_RIGHT_FD_READDIR);
    assert_int_equal(guest_fd_dup(w, 1, 10, &stream), OK);
    narrow = opened(w, at("f"), 0, READ);
    assert_int_equal(guest_fd_renumber(w, narrow, 2), OK); /* a file in the place of stderr */
    scene_leave(s);

    t = scene_open("{}");
    ao_message_unref(t->message);
    t->message = ao_message_ref(s->message);
    shown = t->message;
    w = scene_enter(t);
    scene_leave(t);
    assert_ptr_equal(t->message, shown);
    w = scene_enter(t);
    guest_reads(w, twin, 2, "34");
    guest_reads(w, fd, 2, "56");
    guest_reads(w, 2, 2, "01");
    guest_writes(w, write, "!");
    guest_writes(w, stream, "out");
    {
        guest_fdstat stat;

        assert_int_equal(guest_fd_fdstat(w, dir, &stat), OK);
        assert_int_equal(stat.type, GUEST_FILETYPE_DIRECTORY);
        assert_int_equal(stat.rights, GUEST_RIGHT_FD_READDIR);
        assert_int_equal(guest_fd_fdstat(w, write, &stat), OK);
        assert_int_equal(stat.flags, GUEST_FDFLAG_APPEND);
        assert_int_equal(guest_fd_fdstat(w, 2, &stat), OK);
        assert_int_equal(stat.type, GUEST_FILETYPE_REGULAR_FILE);
    }
    scene_leave(t);
    scene_expect_text(t, "vfs/d/g", "abc!");
    scene_expect_text(t, "vfs/dev/stdout", "out");
    scene_close(t);
    scene_close(s);
}

static void how_it_was_opened_can_be_edited(void **state)
{
    scene *s = scene_open("{" FILES "}");

    (void)state;
    scene_message(s, "{" FILES ",\"file-descriptors\":{" STREAMS
                     ",\"4\":{\"filename\":\"/f\",\"offset\":\"0\"}}}");
    (void)scene_enter(s);
    scene_leave(s);
    assert_int_equal(scene_get(s, "file-descriptors/4/posix").kind, AO_NONE);
    scene_message(s, "{" FILES ",\"file-descriptors\":{" STREAMS
                     ",\"4\":{\"filename\":\"/f\",\"offset\":\"0\",\"posix\":\"true\"}}}");
    (void)scene_enter(s);
    scene_leave(s);
    assert_true(ao_is_atom(scene_get(s, "file-descriptors/4/posix"), "true"));
    scene_close(s);
}

/* A file with the name of a stream, in its place, is a file all the same. */
static void a_file_is_told_from_the_stream_of_its_name(void **state)
{
    scene *s = scene_open("{\"vfs\":{\"f\":\"0123456789\",\"dev\":{\"x\":\"\"}}}"),
          *t = scene_open("{}");
    beamr_wasi *w = scene_enter(s);
    uint32_t fd = opened(w, posix("/f"), 0, ALL_OF_FILES);
    guest_place from = posix("/f"), to = posix("/dev/stdout");
    guest_fdstat stat;

    (void)state;
    assert_int_equal(guest_fd_renumber(w, fd, 1), OK);
    assert_int_equal(guest_path_rename(w, &from, &to), OK);
    scene_leave(s);
    scene_expect_text(s, "file-descriptors/1/filename", "/dev/stdout");
    ao_message_unref(t->message);
    t->message = ao_message_ref(s->message);
    w = scene_enter(t);
    assert_int_equal(guest_fd_fdstat(w, 1, &stat), OK);
    assert_int_equal(stat.type, GUEST_FILETYPE_REGULAR_FILE);
    scene_leave(t);
    scene_close(t);
    scene_close(s);
}

static void edits_move_open_and_close(void **state)
{
    scene *s = scene_open("{" FILES "}");
    uint32_t fd = open_in_call(s, "/f", READ, 5);
    beamr_wasi *w;

    (void)state;
    scene_message(s, "{" FILES ",\"file-descriptors\":{" STREAMS
                     ",\"4\":{\"filename\":\"/f\",\"offset\":\"7\"},"
                     "\"7\":{\"filename\":\"d/g\"}}}");
    w = scene_enter(s);
    guest_reads(w, fd, 9, "789");
    guest_reads(w, 7, 9, "abc");
    scene_leave(s);
    scene_message(s, "{" FILES ",\"file-descriptors\":{" STREAMS "}}");
    w = scene_enter(s);
    assert_int_equal(guest_fd_close(w, fd), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, 7), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, 3), OK); /* the root is not for the message to close */
    scene_leave(s);
    scene_close(s);
}

/* What a call does depends on what the message says, and not on whether the system has seen
 * this very object before: in a repetition, or on another host, it has not. */
static void what_a_message_leaves_out_is_the_same_for_a_copy_of_it(void **state)
{
    static const char open_file[] = "{\"vfs\":{},\"file-descriptors\":{" STREAMS
                                    ",\"4\":{\"filename\":\"/d/g\",\"offset\":\"2\"}}}";

    (void)state;
    for (int is_copy = 0; is_copy < 2; is_copy++) {
        scene *s = scene_open("{" FILES ",\"file-descriptors\":{" STREAMS
                              ",\"4\":{\"filename\":\"/d/g\",\"offset\":\"2\"}}}");
        (void)scene_enter(s);
        scene_leave(s);
        if (is_copy)
            scene_message(s, open_file);
        else
            scene_set(s, "vfs", ao_atom("unset"));
        guest_reads(scene_enter(s), 4, 9, "c");
        scene_leave(s);
        assert_true(ao_is_atom(scene_get(s, "file-descriptors/4/deleted"), "true"));
        scene_close(s);
    }
}

static void descriptors_come_back_in_their_own_words(void **state)
{
    scene *s =
        scene_open("{\"file-descriptors\":{\"3\":{\"filename\":\"/none\",\"stream\":\"1\","
                   "\"rights-inheriting\":\"7\",\"x\":\"y\"}}}");

    (void)state;
    (void)scene_enter(s);
    scene_leave(s);
    scene_expect_text(s, "file-descriptors/3/filename", "/dev/stdout");
    assert_int_equal(scene_get(s, "file-descriptors/3/x").kind, AO_NONE);
    assert_int_equal(scene_get(s, "file-descriptors/0").kind, AO_NONE);
    scene_message(s, "{\"file-descriptors\":{" STREAMS "}}");
    (void)scene_enter(s);
    scene_leave(s);
    scene_message(s, "{}"); /* nothing is to be told, as in a system that is new */
    (void)scene_enter(s);
    scene_leave(s);
    assert_int_equal(scene_get(s, "file-descriptors").kind, AO_NONE);
    scene_close(s);
}

static void bad_descriptors_say_which_key(void **state)
{
    static const struct {
        const char *fds, *text;
    } cases[] = {
        {"\"x\"", "file-descriptors: no message"},
        {"{\"a\":{}}", "file-descriptors/a: a descriptor is a whole number"},
        {"{\"01\":{}}", "file-descriptors/01: a descriptor is a whole number"},
        {"{\"-1\":{}}", "file-descriptors/-1: a descriptor is a whole number"},
        {"{\"99999999999999999999\":{}}",
         "file-descriptors/99999999999999999999: a descriptor is a whole number"},
        {"{\"1024\":{}}", "file-descriptors/1024: they are numbers below 1024"},
        {"{\"5\":\"x\"}", "file-descriptors/5: no message"},
        {"{\"5\":{}}", "file-descriptors/5/filename: no path of a file"},
        {"{\"5\":{\"filename\":\"\"}}", "file-descriptors/5/filename: no path of a file"},
        {"{\"5\":{\"filename\":\"/f\\u0000\"}}",
         "file-descriptors/5/filename: no path of a file"},
        {"{\"5\":{\"filename\":\"/f\",\"offset\":\"-1\"}}",
         "file-descriptors/5/offset: a negative number"},
        {"{\"5\":{\"filename\":\"/f\",\"offset\":\"99999999999999999999\"}}",
         "file-descriptors/5/offset: no whole number"},
        {"{\"5\":{\"filename\":\"/f\",\"offset\":\"x\"}}",
         "file-descriptors/5/offset: no whole number"},
        {"{\"5\":{\"filename\":\"/f\",\"flags\":\"32\"}}",
         "file-descriptors/5/flags: too large a number"},
        {"{\"5\":{\"stream\":\"3\"}}", "file-descriptors/5/stream: too large a number"},
        {"{\"5\":{\"filename\":\"/f\",\"same-as\":\"6\"}}",
         "file-descriptors/5/same-as: too large a number"},
        {"{\"5\":{\"filename\":\"/f\",\"same-as\":\"4\"}}",
         "file-descriptors/5: descriptor 5: 4 is not open"},
        {"{\"5\":{\"filename\":\"/missing\"}}",
         "file-descriptors/5: descriptor 5: '/missing': no such file or directory"},
        {"{\"5\":{\"filename\":\"/f\",\"rights\":\"4294967296\"}}",
         "file-descriptors/5: descriptor 5: rights or flags that there are none of"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene *s = scene_open("{}");
        char json[512];

        (void)snprintf(json, sizeof json, "{" FILES ",\"file-descriptors\":%s}", cases[i].fds);
        scene_message(s, json);
        if (strcmp(cases[i].fds, "\"x\"") != 0) {
            beamr_status st = scene_begin(s);

            assert_true(st == BEAMR_MESSAGE || st == BEAMR_LIMIT);
        } else {
            assert_int_equal(scene_begin(s), BEAMR_MESSAGE);
        }
        assert_string_equal(s->err.text, cases[i].text);
        assert_int_equal(dev_system_leave(s->system, NULL, NULL), BEAMR_OK);
        scene_message(s, "{" FILES ",\"file-descriptors\":{" STREAMS
                         ",\"5\":{\"filename\":\"/f\"}}}");
        guest_reads(scene_enter(s), 5, 1, "0");
        scene_leave(s);
        scene_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_open_is_in_the_message),
        cmocka_unit_test(the_message_alone_opens_them_again),
        cmocka_unit_test(how_it_was_opened_can_be_edited),
        cmocka_unit_test(a_file_is_told_from_the_stream_of_its_name),
        cmocka_unit_test(edits_move_open_and_close),
        cmocka_unit_test(what_a_message_leaves_out_is_the_same_for_a_copy_of_it),
        cmocka_unit_test(descriptors_come_back_in_their_own_words),
        cmocka_unit_test(bad_descriptors_say_which_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
