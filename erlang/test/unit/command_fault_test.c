/* Memory that is refused, at each allocation in turn: the status says so, and nothing is kept.
 */
#include "command_fixture.h"
#include "refuse.h"

typedef beamr_status attempt(void);

/* Refuse the first, the second, ... allocation until none is reached any more. */
static unsigned refuse_each(attempt *run)
{
    unsigned refused = 0;

    for (size_t after = 0;; after++) {
        beamr_status st;
        bool was_hit;

        beamr_error_clear(&err);
        refuse_begin(after, false);
        st = run();
        was_hit = refuse_end();
        assert_int_equal(st, was_hit ? BEAMR_NO_MEMORY : BEAMR_OK);
        drv_command_clear(&command);
        assert_int_equal(played_binaries, 0);
        if (!was_hit)
            return refused;
        refused++;
    }
}

static beamr_bytes term;
static unsigned op;

static beamr_status read_term(void)
{
    beamr_status st = drv_command_read_call(op, term, &command, &err);

    return st == BEAMR_OK ? drv_command_finish(&command, &err) : st;
}

static void assert_refusals(unsigned given_op, const char *text, unsigned count)
{
    op = given_op;
    term = hex(text);
    assert_int_equal(refuse_each(read_term), count);
    bytes_free(term);
}

static void short_commands_allocate_nothing(void **state)
{
    (void)state;
    assert_refusals(DRV_OP_CALL,
                    "836803" REF "6d00000003666163 6c00000001464014000000000000 6a", 0);
    assert_refusals(DRV_OP_RESPOND, "836803" REF "6101 6802 77026f6b 6b000107", 0);
    assert_refusals(DRV_OP_READ, "836803" REF "6101 6108", 0);
    assert_refusals(DRV_OP_WRITE, "836803" REF "6101 6d00000003666163", 0);
    assert_refusals(DRV_OP_SIZE, "836801" REF, 0);
}

static void text_and_json_are_one_block(void **state)
{
    (void)state;
    assert_refusals(DRV_OP_CALL,
                    "836803" REF "6d00000001 66 6c00000002 6d00000003616263"
                    " 7400000001 770161 6b00020102 6a",
                    1);
    assert_refusals(DRV_OP_CALL, "836803" REF "6d00000001 66 6b000a 00010203040506070809", 1);
}

static void long_names_and_arguments(void **state)
{
    char *text = malloc(40000), *at = text + sprintf(text, "836803" REF "6d000000ff");

    (void)state;
    for (int i = 0; i < 255; i++)
        at += sprintf(at, "61");
    at += sprintf(at, "6c00000001 6d00003000");
    for (int i = 0; i < 0x3000; i++)
        at += sprintf(at, "62");
    (void)sprintf(at, "6a");
    assert_refusals(DRV_OP_CALL, text, 3); /* the name, the copy, and what becomes of it */
    free(text);
}

static parcel sent;

static beamr_status read_sent(void)
{
    ErlIOVec vec = {sent.count, 0, sent.iov, sent.binaries};
    beamr_status st = drv_command_read_sent(&vec, &command, &err);

    return st == BEAMR_OK ? drv_command_finish(&command, &err) : st;
}

static void what_is_in_pieces_is_gathered(void **state)
{
    beamr_bytes header = header_of(DRV_OP_WRITE, "836802" REF "6108");
    static const uint8_t filler[1000];

    (void)state;
    parcel_add(&sent, (beamr_bytes){header.data, 20}, false);
    parcel_add(&sent, (beamr_bytes){header.data + 20, header.len - 20}, false);
    parcel_add(&sent, (beamr_bytes){filler, sizeof filler}, false);
    parcel_add(&sent, (beamr_bytes){filler, sizeof filler}, false);
    assert_int_equal(refuse_each(read_sent), 3); /* header, bytes, and what is kept */
    parcel_free(&sent);
    bytes_free(header);
}

static void a_writer_without_memory_fails_for_good(void **state)
{
    static uint8_t filler[2000];
    drv_writer w;

    (void)state;
    for (int round = 0; round < 2; round++) {
        drv_writer_begin(&w);
        if (round == 1) /* with memory of its own already */
            drv_put_binary(&w, (beamr_bytes){filler, sizeof filler});
        refuse_begin(0, false);
        for (int i = 0; i < 3; i++)
            drv_put_binary(&w, (beamr_bytes){filler, sizeof filler});
        assert_true(refuse_end());
        assert_true(w.is_failed);
        drv_put_nil(&w);
        drv_put_string(&w, beamr_bytes_of("text"));
        assert_true(w.is_failed);
        drv_writer_clear(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_commands_allocate_nothing),
        cmocka_unit_test(text_and_json_are_one_block),
        cmocka_unit_test(long_names_and_arguments),
        cmocka_unit_test(what_is_in_pieces_is_gathered),
        cmocka_unit_test(a_writer_without_memory_fails_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
