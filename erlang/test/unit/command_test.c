/* Commands of port_calls: each by its row of the table, and whatever is wrong. */
#include "command_fixture.h"

#define R "8368" /* version, tuple of so many */

static void assert_command(drv_op op)
{
    assert_int_equal(command.op, op);
    assert_false(command.is_plain);
    assert_true(bytes_are_hex(command.ref, REF));
}

static void accept(drv_op op, const char *text)
{
    if (call_port((unsigned)op, text) != BEAMR_OK)
        fail_msg("operation %d, %s: %s", (int)op, text, err.text);
    assert_command(op);
}

static void refuse(unsigned op, const char *text, beamr_status status, const char *why)
{
    assert_int_equal(call_port(op, text), status);
    if (!strstr(err.text, why))
        fail_msg("operation %u, %s: \"%s\", not \"%s\"", op, text, err.text, why);
    drv_command_clear(&command);
}

static void a_call_has_a_function_and_arguments(void **state)
{
    (void)state;
    accept(DRV_OP_CALL, R "03" REF "6d00000003666163 6c00000001464014000000000000 6a");
    assert_false(command.target.is_index);
    assert_true(bytes_are(command.target.name, "fac"));
    assert_true(command.args.count == 1 && command.args.args[0].number == 5.0);
    assert_null(command.own); /* all in the command itself */
    assert_false(command.is_long);
    drv_command_clear(&command);
    accept(DRV_OP_CALL, R "03" REF "6b0003 66e46a 6a"); /* a string */
    assert_true(bytes_are(command.target.name, "f\xc3\xa4j"));
    drv_command_clear(&command);
    accept(DRV_OP_CALL, R "03" REF "6c00000002 6161 62000003bb 6a 6a"); /* characters */
    assert_true(bytes_are(command.target.name, "a\xce\xbb"));
    drv_command_clear(&command);
    accept(DRV_OP_CALL, R "03" REF "6a 6b000102"); /* "", which no export can be */
    assert_int_equal(command.target.name.len, 0);
    assert_int_equal(command.args.count, 1);
    drv_command_clear(&command);
}

static void an_integer_is_an_element_of_the_table(void **state)
{
    (void)state;
    accept(DRV_OP_CALL, R "03" REF "6107 6a");
    assert_true(command.target.is_index && command.target.index == 7);
    drv_command_clear(&command);
    accept(DRV_OP_CALL, R "03" REF "62ffffffff 6a");
    assert_true(command.target.is_index && command.target.index == UINT64_MAX);
    drv_command_clear(&command);
    accept(DRV_OP_CALL, R "03" REF "6e0900000000000000000001 6a");
    assert_true(command.target.is_index && command.target.index == UINT64_MAX);
    drv_command_clear(&command);
}

static void a_long_name_is_allocated(void **state)
{
    char text[4096] = R "03" REF "6d000003e8";

    (void)state;
    for (int i = 0; i < 1000; i++)
        strcat(text, "61");
    strcat(text, "6a");
    accept(DRV_OP_CALL, text);
    assert_non_null(command.own);
    assert_int_equal(command.target.name.len, 1000);
    assert_int_equal(command.target.name.data[999], 'a');
    drv_command_clear(&command);
}

static void arguments_that_cannot_be_have_a_status_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(call_port(DRV_OP_CALL, R "03" REF "6d00000001 66 77026f6b"),
                     BEAMR_ARGUMENT);
    assert_command(DRV_OP_CALL); /* to answer it */
    drv_command_clear(&command);
    refuse(DRV_OP_CALL, R "03" REF "6d00000001 66 6c00000001 6101 6102", BEAMR_ARGUMENT,
           "improper");
    refuse(DRV_OP_CALL, R "03" REF "6800 6a", BEAMR_MALFORMED, "function is to be");
    refuse(DRV_OP_CALL, R "03" REF "770161 6a", BEAMR_MALFORMED, "function is to be a name");
    refuse(DRV_OP_CALL, R "03" REF "6c00000001 620000d800 6a 6a", BEAMR_MALFORMED, "text");
    refuse(DRV_OP_CALL, R "03" REF "6c00000001 6161 6162 6a", BEAMR_MALFORMED, "text");
}

/* A list of `count` empty binaries, after the head of a call. */
static beamr_bytes long_call(uint32_t count)
{
    beamr_bytes head = hex(R "03" REF "6d00000001 66 6c"), out;
    uint8_t *data = malloc(head.len + 4 + (size_t)count * 15 + 1), *at = data;

    memcpy(at, head.data, head.len);
    at += head.len;
    for (unsigned shift = 32; shift > 0;)
        *at++ = (uint8_t)(count >> (shift -= 8));
    for (uint32_t i = 0; i < count; i++, at += 15)
        memcpy(at, "m\0\0\0\12helloworld", 15);
    *at++ = 'j';
    out = bytes_copy(data, (size_t)(at - data));
    free(data);
    bytes_free(head);
    return out;
}

static void long_arguments_are_read_later(void **state)
{
    beamr_bytes term = long_call(600);

    (void)state;
    assert_int_equal(drv_command_read_call(DRV_OP_CALL, term, &command, NULL), BEAMR_OK);
    bytes_free(term);
    assert_true(command.is_long);
    assert_int_equal(command.args.count, 0);
    assert_int_equal(drv_command_finish(&command, NULL), BEAMR_OK);
    assert_false(command.is_long);
    assert_int_equal(command.args.count, 600);
    assert_true(bytes_are(command.args.args[599].text, "helloworld"));
    assert_int_equal(drv_command_finish(&command, NULL), BEAMR_OK);
    assert_int_equal(command.args.count, 600);
    drv_command_clear(&command);
}

static void what_is_wrong_in_them_shows_later(void **state)
{
    beamr_bytes term = long_call(600);
    uint8_t *last = (uint8_t *)(uintptr_t)(term.data + term.len - 1);

    (void)state;
    *last = 'a';
    assert_int_equal(drv_command_read_call(DRV_OP_CALL, term, &command, NULL), BEAMR_OK);
    assert_int_equal(drv_command_finish(&command, NULL), BEAMR_MALFORMED);
    drv_command_clear(&command);
    *last = 'j';
    memcpy(last - 15, "w\15ok-ok-ok-ok-o", 15); /* an atom for the last binary */
    beamr_error_clear(&err);
    assert_int_equal(drv_command_read_call(DRV_OP_CALL, term, &command, NULL), BEAMR_OK);
    assert_int_equal(drv_command_finish(&command, &err), BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "argument 600"));
    drv_command_clear(&command);
    bytes_free(term);
}

static void a_port_call_is_short(void **state)
{
    beamr_bytes term = long_call(4500); /* 67 KB */

    (void)state;
    beamr_error_clear(&err);
    assert_int_equal(drv_command_read_call(DRV_OP_CALL, term, &command, &err), BEAMR_LIMIT);
    drv_command_clear(&command);
    bytes_free(term);
}

static void a_response_is_of_three_kinds(void **state)
{
    (void)state;
    accept(DRV_OP_RESPOND, R "03" REF "612a 6802 77026f6b 6c00000001 6107 6a");
    assert_true(command.id == 42 && command.response == DRV_RESPONSE_OK);
    assert_true(bytes_are_hex(command.list, "6c00000001 6107 6a"));
    drv_command_clear(&command);
    accept(DRV_OP_RESPOND,
           R "03" REF "6e0800ffffffffffffffff 6802 77056572726f72 6d000000026e6f");
    assert_true(command.id == UINT64_MAX && command.response == DRV_RESPONSE_ERROR);
    assert_true(bytes_are(command.text, "no"));
    drv_command_clear(&command);
    accept(DRV_OP_RESPOND, R "03" REF "6101 6802 77056572726f72 6b00026ee4");
    assert_true(bytes_are(command.text, "n\xc3\xa4"));
    drv_command_clear(&command);
    accept(DRV_OP_RESPOND, R "03" REF "6101 770663616e63656c");
    assert_int_equal(command.response, DRV_RESPONSE_CANCEL);
    drv_command_clear(&command);
    refuse(DRV_OP_RESPOND, R "03" REF "6101 77026f6b", BEAMR_MALFORMED, "Unknown command");
    refuse(DRV_OP_RESPOND, R "03" REF "6101 6802 77027878 6a", BEAMR_MALFORMED, "Unknown");
    refuse(DRV_OP_RESPOND, R "03" REF "6101 6803 77026f6b 6a 6a", BEAMR_MALFORMED, "Unknown");
    refuse(DRV_OP_RESPOND, R "03" REF "770161 770663616e63656c", BEAMR_MALFORMED, "id");
    refuse(DRV_OP_RESPOND, R "03" REF "62ffffffff 770663616e63656c", BEAMR_MALFORMED, "id");
    refuse(DRV_OP_RESPOND, R "03" REF "6101 6802 77056572726f72 6107", BEAMR_MALFORMED, "text");
}

static void offsets_are_integers_of_any_size(void **state)
{
    (void)state;
    accept(DRV_OP_READ, R "03" REF "6200010000 6108");
    assert_true(command.offset == 65536 && command.size == 8 && !command.is_odd);
    drv_command_clear(&command);
    accept(DRV_OP_READ, R "03" REF "62ffffffff 610a");
    assert_true(command.offset == UINT64_MAX && command.size == 10 && command.is_odd);
    drv_command_clear(&command);
    accept(DRV_OP_READ, R "03" REF "6100 6e0901000000000000000001");
    assert_true(command.offset == 0 && command.size == UINT64_MAX && command.is_odd);
    drv_command_clear(&command);
    accept(DRV_OP_READ, R "03" REF "6e0800ffffffffffffff7f 610a");
    assert_true(command.offset == INT64_MAX && !command.is_odd);
    drv_command_clear(&command);
    refuse(DRV_OP_READ, R "03" REF "463ff8000000000000 6101", BEAMR_MALFORMED, "integers");
    refuse(DRV_OP_READ, R "03" REF "6101 77026f6b", BEAMR_MALFORMED, "integers");
}

static void bytes_are_written(void **state)
{
    (void)state;
    accept(DRV_OP_WRITE, R "03" REF "6108 6d00000003616263");
    assert_int_equal(command.offset, 8);
    assert_true(bytes_are(command.image.bytes, "abc"));
    assert_null(command.own);
    drv_command_clear(&command);
    accept(DRV_OP_WRITE, R "03" REF "6108 6d00000000");
    assert_int_equal(command.image.bytes.len, 0);
    drv_command_clear(&command);
    refuse(DRV_OP_WRITE, R "03" REF "6108 6b0003616263", BEAMR_MALFORMED, "binary");
    refuse(DRV_OP_WRITE, R "02" REF "6108", BEAMR_MALFORMED, "behind");
}

static void a_string_has_a_limit(void **state)
{
    (void)state;
    accept(DRV_OP_STRING, R "03" REF "6108 6200010000");
    assert_true(command.offset == 8 && command.size == 65536);
    drv_command_clear(&command);
    accept(DRV_OP_STRING, R "03" REF "6108 6e0900000000000000000001");
    assert_true(command.size == UINT64_MAX && !command.is_odd);
    drv_command_clear(&command);
    refuse(DRV_OP_STRING, R "03" REF "6108 62ffffffff", BEAMR_MALFORMED, "negative");
}

static void the_rest_is_only_a_reference(void **state)
{
    static const drv_op ops[] = {DRV_OP_SIZE, DRV_OP_SNAPSHOT, DRV_OP_INFO, DRV_OP_INTERRUPT};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        accept(ops[i], R "01" REF);
        drv_command_clear(&command);
        refuse((unsigned)ops[i], R "02" REF "6a", BEAMR_MALFORMED, "Unknown command");
    }
    refuse(DRV_OP_MEMORY, R "01" REF, BEAMR_MALFORMED, "behind");
    refuse(DRV_OP_RESTORE, R "01" REF, BEAMR_MALFORMED, "behind");
    refuse(DRV_OP_INIT, R "02" REF "7400000000", BEAMR_MALFORMED, "behind");
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    refuse(0, R "01" REF, BEAMR_MALFORMED, "Unknown command");
    assert_int_equal(call_port(DRV_OP_COUNT, R "01" REF), BEAMR_MALFORMED);
    assert_true(bytes_are_hex(command.ref, REF)); /* to answer it */
    drv_command_clear(&command);
    refuse(UINT32_MAX, R "01" REF, BEAMR_MALFORMED, "Unknown command");
    refuse(DRV_OP_SIZE, R "00", BEAMR_MALFORMED, "Unknown command");
    refuse(DRV_OP_SIZE, "836a", BEAMR_MALFORMED, "Unknown command");
    refuse(DRV_OP_SIZE, "6801" REF, BEAMR_MALFORMED, "version");
    refuse(DRV_OP_SIZE, "", BEAMR_MALFORMED, "version");
    refuse(DRV_OP_SIZE, R "01" REF "6a", BEAMR_MALFORMED, "bytes follow");
    refuse(DRV_OP_CALL, R "03" REF "6d00000001 66 6a 6a", BEAMR_MALFORMED, "bytes follow");
    refuse(DRV_OP_SIZE,
           R "01"
             "6d00000001",
           BEAMR_MALFORMED, "");
    refuse(DRV_OP_SIZE, R "02" REF, BEAMR_MALFORMED, "");
}

static void a_command_begins_with_a_reference(void **state)
{
    (void)state;
    refuse(DRV_OP_SIZE,
           R "01"
             "6101",
           BEAMR_MALFORMED, "reference");
    refuse(DRV_OP_SIZE,
           R "01"
             "770161",
           BEAMR_MALFORMED, "reference");
    refuse(DRV_OP_SIZE,
           R "01"
             "6d00000000",
           BEAMR_MALFORMED, "reference");
    refuse(DRV_OP_SIZE,
           R "01"
             "6801" REF,
           BEAMR_MALFORMED, "reference");
    assert_int_equal(command.ref.len, 0);
}

static void cut_anywhere_it_is_refused(void **state)
{
    static const char *const texts[] = {
        R "03" REF "6d00000003666163 6c00000001464014000000000000 6a",
        R "03" REF "6c00000002 6161 62000003bb 6a 6a",
        R "03" REF "6101 6802 77056572726f72 6c00000001 62000003bb 6a",
        R "03" REF "6108 6d00000003616263",
        R "03" REF "6200010000 6108",
        R "01" REF,
    };
    static const drv_op ops[] = {DRV_OP_CALL,  DRV_OP_CALL, DRV_OP_RESPOND,
                                 DRV_OP_WRITE, DRV_OP_READ, DRV_OP_INFO};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        beamr_bytes term = hex(texts[i]);

        for (size_t len = 0; len < term.len; len++) {
            beamr_bytes cut = bytes_copy(term.data, len);

            assert_int_equal(drv_command_read_call((unsigned)ops[i], cut, &command, NULL),
                             BEAMR_MALFORMED);
            drv_command_clear(&command);
            bytes_free(cut);
        }
        bytes_free(term);
    }
}

static void a_command_can_be_moved(void **state)
{
    static drv_command to;

    (void)state;
    accept(DRV_OP_CALL, R "03" REF "6d00000003666163 6b000105");
    command.caller = 7;
    drv_command_move(&to, &command);
    drv_command_clear(&command);
    assert_true(to.op == DRV_OP_CALL && to.caller == 7);
    assert_true(bytes_are_hex(to.ref, REF) && bytes_are(to.target.name, "fac"));
    assert_true(to.target.name.data > to.few && to.target.name.data < to.few + sizeof to.few);
    assert_true(to.args.count == 1 && to.args.args == to.args.few);
    assert_int_equal(command.ref.len, 0);
    drv_command_clear(&to);
    accept(DRV_OP_WRITE, R "03" REF "6108 6d00000003616263");
    drv_command_move(&to, &command);
    memset(command.few, 0, sizeof command.few);
    assert_true(bytes_are(to.image.bytes, "abc") && to.offset == 8);
    drv_command_clear(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_a_function_and_arguments),
        cmocka_unit_test(an_integer_is_an_element_of_the_table),
        cmocka_unit_test(a_long_name_is_allocated),
        cmocka_unit_test(arguments_that_cannot_be_have_a_status_of_their_own),
        cmocka_unit_test(long_arguments_are_read_later),
        cmocka_unit_test(what_is_wrong_in_them_shows_later),
        cmocka_unit_test(a_port_call_is_short),
        cmocka_unit_test(a_response_is_of_three_kinds),
        cmocka_unit_test(offsets_are_integers_of_any_size),
        cmocka_unit_test(bytes_are_written),
        cmocka_unit_test(a_string_has_a_limit),
        cmocka_unit_test(the_rest_is_only_a_reference),
        cmocka_unit_test(what_is_no_command_is_refused),
        cmocka_unit_test(a_command_begins_with_a_reference),
        cmocka_unit_test(cut_anywhere_it_is_refused),
        cmocka_unit_test(a_command_can_be_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
