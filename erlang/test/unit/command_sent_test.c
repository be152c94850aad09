/* What is sent to a port: in both forms, in any pieces, with binaries held and not copied. */
#include "command_fixture.h"

static void add_header(parcel *p, unsigned op, const char *text, bool is_binary)
{
    beamr_bytes header = header_of(op, text);

    parcel_add(p, header, is_binary);
    bytes_free(header);
}

static void add_filler(parcel *p, size_t len, bool is_binary)
{
    uint8_t *data = malloc(len + !len);

    memset(data, 'x', len);
    parcel_add(p, (beamr_bytes){data, len}, is_binary);
    free(data);
}

static void add_nothing(parcel *p)
{
    parcel_add(p, (beamr_bytes){NULL, 0}, false);
}

static void assert_filled(beamr_bytes bytes, size_t len)
{
    assert_int_equal(bytes.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes.data[i], 'x');
}

static void accept(parcel *p, drv_op op)
{
    if (parcel_read(p) != BEAMR_OK)
        fail_msg("operation %d: %s", (int)op, err.text);
    assert_int_equal(command.op, op);
}

static void clear(void)
{
    drv_command_clear(&command);
    assert_int_equal(played_binaries, 0);
}

static void refuse(parcel *p, beamr_status status, const char *why)
{
    assert_int_equal(parcel_read(p), status);
    if (!strstr(err.text, why))
        fail_msg("the text is \"%s\", not \"%s\"", err.text, why);
    clear();
}

/* ---- With references ---- */

static void a_large_binary_behind_is_held(void **state)
{
    parcel p = {0};

    (void)state;
    add_nothing(&p);
    add_header(&p, DRV_OP_MEMORY, "836801" REF, true);
    add_filler(&p, 1 << 20, true);
    accept(&p, DRV_OP_MEMORY);
    assert_false(command.is_plain);
    assert_true(bytes_are_hex(command.ref, REF));
    assert_int_equal(played_binaries, 1); /* the header's is not held */
    assert_non_null(command.image.binary);
    assert_null(command.image.own);
    assert_filled(command.image.bytes, 1 << 20);
    clear();
}

static void few_bytes_are_copied(void **state)
{
    parcel p = {0};

    (void)state;
    for (size_t len = 0; len <= DRV_KEEP_BYTES + 1; len += len < 3 ? 1 : 17) {
        add_nothing(&p);
        add_header(&p, DRV_OP_RESTORE, "836801" REF, true);
        if (len > 0)
            add_filler(&p, len, true);
        accept(&p, DRV_OP_RESTORE);
        assert_int_equal(played_binaries, len > DRV_KEEP_BYTES);
        assert_filled(command.image.bytes, len);
        clear();
    }
}

static void bytes_in_several_pieces_are_gathered(void **state)
{
    parcel p = {0};

    (void)state;
    add_nothing(&p);
    add_header(&p, DRV_OP_WRITE, "836802" REF "6108", false);
    add_filler(&p, 3000, true);
    add_nothing(&p);
    add_filler(&p, 5, false);
    add_filler(&p, 2000, true);
    accept(&p, DRV_OP_WRITE);
    assert_int_equal(played_binaries, 0);
    assert_int_equal(command.offset, 8);
    assert_filled(command.image.bytes, 5005);
    clear();
    add_header(&p, DRV_OP_WRITE, "836802" REF "6108", false);
    add_filler(&p, 65536, true);
    add_filler(&p, 1, true);
    refuse(&p, BEAMR_LIMIT, "one binary");
}

/* Header and prefix cut into pieces everywhere. */
static void a_header_may_be_in_pieces(void **state)
{
    beamr_bytes header = header_of(DRV_OP_WRITE, "836803" REF "6108 6d00000003616263");
    parcel p = {0};

    (void)state;
    for (size_t first = 0; first <= header.len; first++)
        for (size_t second = first; second <= header.len; second += 7) {
            parcel_add(&p, (beamr_bytes){header.data, first}, first % 2);
            parcel_add(&p, (beamr_bytes){header.data + first, second - first}, second % 2);
            parcel_add(&p, (beamr_bytes){header.data + second, header.len - second}, true);
            accept(&p, DRV_OP_WRITE);
            assert_true(bytes_are(command.image.bytes, "abc"));
            clear();
        }
    bytes_free(header);
}

static void options_are_a_map(void **state)
{
    parcel p = {0};

    (void)state;
    add_header(&p, DRV_OP_INIT,
               "836802" REF "7400000006"
               " 770a6d61785f6d656d6f7279 6200100000 77046675656c 6e050000000000 10"
               " 770474696d65 61c8 77057374756273 77057a65726f73"
               " 770673797374656d 770474727565 77046d6f6465 7703616f74",
               true);
    add_filler(&p, 1000, true);
    accept(&p, DRV_OP_INIT);
    assert_true(command.options.max_memory == 1 << 20);
    assert_true(command.options.fuel == UINT64_C(0x1000000000));
    assert_true(command.options.time_ms == 200);
    assert_true(command.options.stubs == DRV_STUBS_ZEROS && command.options.has_system);
    assert_filled(command.image.bytes, 1000);
    clear();
    add_header(&p, DRV_OP_INIT,
               "836802" REF "7400000002 77046675656c 7708696e66696e697479"
               " 77057374756273 770474726170",
               true);
    accept(&p, DRV_OP_INIT);
    assert_true(command.options.fuel == 0 && command.options.stubs == DRV_STUBS_TRAP);
    clear();
}

static void refuse_options(const char *map, const char *why)
{
    char text[512];
    parcel p = {0};

    (void)snprintf(text, sizeof text, "836802" REF "%s", map);
    add_header(&p, DRV_OP_INIT, text, true);
    refuse(&p, BEAMR_MALFORMED, why);
}

static void other_options_are_refused_by_name(void **state)
{
    (void)state;
    refuse_options("7400000001 77046675656c 6100", "fuel");
    refuse_options("7400000001 77046675656c 62ffffffff", "fuel");
    refuse_options("7400000001 770474696d65 463ff8000000000000", "time");
    refuse_options("7400000001 77057374756273 77026f6b", "stubs");
    refuse_options("7400000001 770673797374656d 77026f6b", "system");
    refuse_options("7400000001 77046d6f6465 77026f6b", "mode");
    refuse_options("7400000001 770178 6101", "unknown option x");
    refuse_options("7400000001 6101 6101", "atom");
    refuse_options("6a", "map");
    refuse_options("7400000007 77046675656c 6101 77046675656c 6101 77046675656c 6101"
                   " 77046675656c 6101 77046675656c 6101 77046675656c 6101 77046675656c 6101",
                   "7 options");
    refuse_options("7400000001 77046675656c", "");
}

static void a_long_call_is_held(void **state)
{
    beamr_bytes head = hex("836803" REF "6d00000001 66 6c00000001 6d00100000");
    size_t size = head.len + (1 << 20) + 1;
    uint8_t *data = malloc(8 + size);
    parcel p = {0};

    (void)state;
    memcpy(data, "BMR\2", 4);
    for (size_t i = 0; i < 4; i++)
        data[4 + i] = (uint8_t)(size >> (24 - 8 * i));
    memcpy(data + 8, head.data, head.len);
    memset(data + 8 + head.len, 'x', 1 << 20);
    data[8 + size - 1] = 'j';
    parcel_add(&p, (beamr_bytes){data, 8}, true);
    parcel_add(&p, (beamr_bytes){data + 8, size}, true);
    accept(&p, DRV_OP_CALL);
    assert_true(command.is_long);
    assert_int_equal(played_binaries, 1);
    assert_int_equal(drv_command_finish(&command, &err), BEAMR_OK);
    assert_int_equal(played_binaries, 0);
    assert_filled(command.args.args[0].text, 1 << 20);
    clear();
    free(data);
    bytes_free(head);
}

/* A callback has no time for it. */
static void a_name_that_is_far_too_long_is_not_even_measured(void **state)
{
    enum { COUNT = 65537 };
    beamr_bytes head = hex("836803" REF "6c 00010001"), term;
    uint8_t *data = malloc(head.len + 2 * COUNT + 2);
    uint8_t prefix[8] = "BMR\2";
    parcel p = {0};

    (void)state;
    memcpy(data, head.data, head.len);
    memset(data + head.len, 'a', 2 * COUNT); /* integers 97 */
    memset(data + head.len + 2 * COUNT, 'j', 2);
    term = (beamr_bytes){data, head.len + 2 * COUNT + 2};
    for (size_t i = 0; i < 4; i++)
        prefix[4 + i] = (uint8_t)(term.len >> (24 - 8 * i));
    parcel_add(&p, (beamr_bytes){prefix, 8}, true);
    parcel_add(&p, term, true);
    refuse(&p, BEAMR_LIMIT, "65537");
    free(data);
    bytes_free(head);
}

static void bytes_go_only_where_they_belong(void **state)
{
    parcel p = {0};

    (void)state;
    add_header(&p, DRV_OP_SIZE, "836801" REF, true);
    accept(&p, DRV_OP_SIZE);
    clear();
    add_header(&p, DRV_OP_SIZE, "836801" REF, true);
    add_filler(&p, 1, true);
    refuse(&p, BEAMR_MALFORMED, "bytes follow");
    add_header(&p, DRV_OP_WRITE, "836803" REF "6108 6d00000003616263", true);
    add_filler(&p, 1, true);
    refuse(&p, BEAMR_MALFORMED, "bytes follow");
}

static void a_header_beyond_what_was_sent_is_refused(void **state)
{
    parcel p = {0};

    (void)state;
    parcel_add(&p, (beamr_bytes){(const uint8_t *)"BMR\6\0\0\0\2\x83", 9}, true);
    refuse(&p, BEAMR_MALFORMED, "size");
    parcel_add(&p, (beamr_bytes){(const uint8_t *)"BMR\6\xff\xff\xff\xff\x83", 9}, true);
    refuse(&p, BEAMR_MALFORMED, "size");
    parcel_add(&p, (beamr_bytes){(const uint8_t *)"BMR\6\0\0\0\0", 8}, true);
    refuse(&p, BEAMR_MALFORMED, "version");
}

/* ---- Without ---- */

static void add_plain(parcel *p, const char *text)
{
    beamr_bytes term = hex(text);

    parcel_add(p, term, true);
    bytes_free(term);
}

static void accept_plain(const char *text, drv_op op)
{
    parcel p = {0};

    add_nothing(&p);
    add_plain(&p, text);
    accept(&p, op);
    assert_true(command.is_plain);
    assert_int_equal(command.ref.len, 0);
}

static void refuse_plain(const char *text, const char *why)
{
    parcel p = {0};

    add_plain(&p, text);
    assert_int_equal(parcel_read(&p), BEAMR_MALFORMED);
    assert_true(command.is_plain);
    if (!strstr(err.text, why))
        fail_msg("%s: \"%s\", not \"%s\"", text, err.text, why);
    clear();
}

#define CALL "640004 63616c6c"
#define INDIRECT "64000d 696e6469726563745f63616c6c"
#define RESPONSE "64000f 696d706f72745f726573706f6e7365"
#define READ "640004 72656164"
#define WRITE "640005 7772697465"
#define SIZE "640004 73697a65"
#define INIT "640004 696e6974"
#define WASM "640004 7761736d"

static void plain_commands_are_tuples_with_a_name(void **state)
{
    (void)state;
    accept_plain("836803" CALL "6b0003666163 6c00000001464014000000000000 6a", DRV_OP_CALL);
    assert_true(bytes_are(command.target.name, "fac"));
    assert_true(command.args.count == 1 && command.args.args[0].number == 5.0);
    clear();
    accept_plain("836803" INDIRECT "6107 6b00020102", DRV_OP_CALL);
    assert_true(command.target.is_index && command.target.index == 7);
    assert_int_equal(command.args.count, 2);
    clear();
    accept_plain("836802" RESPONSE "6b00010a", DRV_OP_RESPOND);
    assert_true(bytes_are_hex(command.list, "6b00010a"));
    assert_true(command.response == DRV_RESPONSE_OK && command.id == 0);
    clear();
    accept_plain("836803" READ "62ffffffff 610a", DRV_OP_READ);
    assert_true(command.is_odd && command.size == 10);
    clear();
    accept_plain("836803" WRITE "6108 6d00000003616263", DRV_OP_WRITE);
    assert_true(command.offset == 8 && bytes_are(command.image.bytes, "abc"));
    clear();
    accept_plain("836801" SIZE, DRV_OP_SIZE);
    clear();
    accept_plain("836803" INIT "6d00000003616263" WASM, DRV_OP_INIT);
    assert_true(bytes_are(command.image.bytes, "abc"));
    assert_true(command.options.stubs == DRV_STUBS_HOST && !command.options.has_system);
    clear();
}

static void a_binary_inside_the_term_is_held(void **state)
{
    beamr_bytes head = hex("836803" INIT "6d00100000"), mode = hex(WASM);
    size_t size = head.len + (1 << 20) + mode.len;
    uint8_t *data = malloc(size);
    parcel p = {0};

    (void)state;
    memcpy(data, head.data, head.len);
    memset(data + head.len, 'x', 1 << 20);
    memcpy(data + head.len + (1 << 20), mode.data, mode.len);
    parcel_add(&p, (beamr_bytes){data, size}, true);
    accept(&p, DRV_OP_INIT);
    assert_int_equal(played_binaries, 1);
    assert_filled(command.image.bytes, 1 << 20);
    clear();
    parcel_add(&p, (beamr_bytes){data, 100}, true);
    parcel_add(&p, (beamr_bytes){data + 100, size - 100}, true);
    refuse(&p, BEAMR_LIMIT, "one binary");
    free(data);
    bytes_free(head);
    bytes_free(mode);
}

static void other_plain_commands_are_unknown(void **state)
{
    (void)state;
    refuse_plain("", "Failed to decode message header (version).");
    refuse_plain("00", "Failed to decode message header (version).");
    refuse_plain("424d52", "Failed to decode message header (version).");
    refuse_plain("836a", "Unknown command");
    refuse_plain("836800", "Unknown command");
    refuse_plain("8368016101", "Unknown command");
    refuse_plain("8368027702787861 01", "Unknown command");
    refuse_plain("836802" CALL "6a", "Unknown command"); /* wrong arity */
    refuse_plain("836802" SIZE "6a", "Unknown command");
    refuse_plain("836801" SIZE "6a", "bytes follow");
    refuse_plain("836803" INIT "6b0003616263" WASM, "binary");
    refuse_plain("836803" INIT "6d00000003616263 770178", "mode");
    refuse_plain("836803" INDIRECT "770161 6a", "integer");
    refuse_plain("836803" READ "770161 6a", "integers");
    refuse_plain("836803" WRITE "6101 6101", "binary");
    refuse_plain("8350000000016a", "compressed");
}

static void plain_arguments_that_cannot_be_have_one_text(void **state)
{
    static const char text[] = "Failed to convert terms to wasm vals";

    (void)state;
    refuse_plain("836803" CALL "6b0003666163 6c00000001 77026f6b 6a", text);
    refuse_plain("836803" CALL "6b0003666163 6101", text);
    refuse_plain("836803" CALL "6b0003666163 6c00000001 6101 6102", text);
    refuse_plain("836803" CALL "6b0003666163 6c00000001 6101", text);
}

static void plain_ones_that_are_long_show_it_later(void **state)
{
    beamr_bytes head = hex("836803" CALL "6b0003666163 6c00000001 6d00010000");
    uint8_t *data = malloc(head.len + 65536 + 1);
    parcel p = {0};

    (void)state;
    memcpy(data, head.data, head.len);
    memset(data + head.len, 'x', 65536);
    data[head.len + 65536] = 'a'; /* no tail */
    parcel_add(&p, (beamr_bytes){data, head.len + 65537}, true);
    accept(&p, DRV_OP_CALL);
    assert_int_equal(drv_command_finish(&command, &err), BEAMR_MALFORMED);
    assert_non_null(strstr(err.text, "Failed to convert terms to wasm vals"));
    clear();
    free(data);
    bytes_free(head);
}

static void plain_terms_may_be_in_pieces(void **state)
{
    beamr_bytes term = hex("836803" CALL "6b0003666163 6c00000001464014000000000000 6a");
    parcel p = {0};

    (void)state;
    for (size_t first = 0; first <= term.len; first++) {
        parcel_add(&p, (beamr_bytes){term.data, first}, false);
        parcel_add(&p, (beamr_bytes){term.data + first, term.len - first}, true);
        accept(&p, DRV_OP_CALL);
        assert_true(bytes_are(command.target.name, "fac"));
        clear();
    }
    for (size_t len = 0; len < term.len; len++) {
        parcel_add(&p, (beamr_bytes){term.data, len}, true);
        assert_int_equal(parcel_read(&p), BEAMR_MALFORMED);
        clear();
    }
    bytes_free(term);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_binary_behind_is_held),
        cmocka_unit_test(few_bytes_are_copied),
        cmocka_unit_test(bytes_in_several_pieces_are_gathered),
        cmocka_unit_test(a_header_may_be_in_pieces),
        cmocka_unit_test(options_are_a_map),
        cmocka_unit_test(other_options_are_refused_by_name),
        cmocka_unit_test(a_long_call_is_held),
        cmocka_unit_test(a_name_that_is_far_too_long_is_not_even_measured),
        cmocka_unit_test(bytes_go_only_where_they_belong),
        cmocka_unit_test(a_header_beyond_what_was_sent_is_refused),
        cmocka_unit_test(plain_commands_are_tuples_with_a_name),
        cmocka_unit_test(a_binary_inside_the_term_is_held),
        cmocka_unit_test(other_plain_commands_are_unknown),
        cmocka_unit_test(plain_arguments_that_cannot_be_have_one_text),
        cmocka_unit_test(plain_ones_that_are_long_show_it_later),
        cmocka_unit_test(plain_terms_may_be_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
