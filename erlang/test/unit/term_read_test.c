/* Reading terms: every tag, cut everywhere; what Erlang itself writes; and what nobody should.
 */
#include "term_fixture.h"

#include <math.h>

typedef struct number {
    const char *hex;
    bool is_negative;
    uint64_t magnitude;
} number;

static void reads_integers_of_64_bits(void **state)
{
    static const number numbers[] = {
        {"6100", false, 0},
        {"61ff", false, 255},
        {"6200000100", false, 256},
        {"62ffffffff", true, 1},
        {"6280000000", true, UINT64_C(1) << 31},
        {"627fffffff", false, INT32_MAX},
        {"6e040000000080", false, UINT64_C(1) << 31},
        {"6e040101000080", true, (UINT64_C(1) << 31) + 1},
        {"6e0800ffffffffffffff7f", false, INT64_MAX},
        {"6e08010000000000000080", true, UINT64_C(1) << 63},
        {"6e0800ffffffffffffffff", false, UINT64_MAX},
        {"6e0801ffffffffffffffff", true, UINT64_MAX},
        {"6e0a0007000000000000000000", false, 7}, /* zeros in front, so to say */
        {"6f0000000c01070000000000000000000000", true, 7},
        {"6e0001", false, 0}, /* -0 */
        {"6e020100 00", false, 0},
        {"6f0000000001", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        beamr_bytes bytes = hex(numbers[i].hex);
        drv_reader r = reader_of(bytes);
        drv_item item;

        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_int_equal(item.kind, DRV_INTEGER);
        assert_int_equal(item.is_negative, numbers[i].is_negative);
        assert_true(item.magnitude == numbers[i].magnitude);
        assert_ptr_equal(r.at, r.end);
        bytes_free(bytes);
    }
}

static void larger_integers_are_big(void **state)
{
    static const char *const bigs[] = {"6e0900000000000000000001", "6e0901000000000000000001",
                                       "6f0000000900000000000000000001"};

    (void)state;
    for (size_t i = 0; i < sizeof bigs / sizeof *bigs; i++) {
        beamr_bytes bytes = hex(bigs[i]);
        drv_reader r = reader_of(bytes);
        drv_item item;

        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_int_equal(item.kind, DRV_BIG);
        assert_int_equal(item.is_negative, i == 1);
        assert_true(item.bytes.len == bytes.len && item.bytes.data == bytes.data);
        assert_true(item.magnitude == UINT64_C(1) << 56 && item.shift == 8);
        bytes_free(bytes);
    }
}

/* What is below the upper 64 bits is told by the lowest of them. */
static void larger_integers_keep_what_rounds(void **state)
{
    static const struct {
        const char *term;
        uint64_t magnitude;
        uint32_t shift;
    } bigs[] = {
        {"6e0900 00 020000000000 80 01", UINT64_C(0x0180000000000002), 8},
        {"6e0a00 0000 020000000000 80 01", UINT64_C(0x0180000000000002), 16},
        {"6e0a00 0100 020000000000 80 01", UINT64_C(0x0180000000000003), 16},
        {"6e0a00 0080 020000000000 80 01", UINT64_C(0x0180000000000003), 16},
        {"6e0c00 0080 020000000000 80 01 0000", UINT64_C(0x0180000000000003), 16},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bigs / sizeof *bigs; i++) {
        beamr_bytes bytes = hex(bigs[i].term);
        drv_reader r = reader_of(bytes);
        drv_item item;

        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_int_equal(item.kind, DRV_BIG);
        assert_true(item.magnitude == bigs[i].magnitude);
        assert_int_equal(item.shift, bigs[i].shift);
        bytes_free(bytes);
    }
}

static drv_item read_one(const char *text, drv_kind kind)
{
    beamr_bytes bytes = hex(text);
    drv_reader r = reader_of(bytes);
    drv_item item;

    assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
    assert_int_equal(item.kind, kind);
    bytes_free(bytes);
    return item;
}

static void reads_floats(void **state)
{
    (void)state;
    assert_true(read_one("463ff8000000000000", DRV_FLOAT).number == 1.5);
    assert_true(read_one("46 7fefffffffffffff", DRV_FLOAT).number == 0x1.fffffffffffffp1023);
    assert_true(signbit(read_one("46 8000000000000000", DRV_FLOAT).number));
    assert_true(read_one("63312e3530303030303030303030303030303030303030652b3030"
                         "0000000000",
                         DRV_FLOAT)
                    .number == 1.5);
    assert_true(read_one("632d312e3030303030303030303030303030303032353036652d333030"
                         "000000",
                         DRV_FLOAT)
                    .number == -1.0e-300);
}

static void refuse_hex(const char *text)
{
    beamr_bytes bytes = hex(text);
    drv_reader r = reader_of(bytes);
    beamr_error err = {0};
    drv_item item;

    assert_int_equal(drv_read(&r, &item, &err), BEAMR_MALFORMED);
    assert_true(err.text[0] != 0);
    assert_ptr_equal(r.at, bytes.data);
    bytes_free(bytes);
}

/* An old float with this text. */
static void refuse_old_float(const char *text)
{
    uint8_t bytes[32] = {99};
    drv_reader r = {bytes, bytes + sizeof bytes};
    drv_item item;

    memcpy(bytes + 1, text, strlen(text));
    assert_int_equal(drv_read(&r, &item, NULL), BEAMR_MALFORMED);
}

static void refuses_floats_that_are_not_finite(void **state)
{
    (void)state;
    refuse_hex("46 7ff0000000000000");
    refuse_hex("46 fff0000000000000");
    refuse_hex("46 7ff8000000000000");
    refuse_hex("46 7ff0000000000001");
    refuse_old_float("");
    refuse_old_float("nan");
    refuse_old_float("inf");
    refuse_old_float("1e999");
    refuse_old_float("0x10");
    refuse_old_float("1.5 ");
    refuse_old_float(" 1.5");
    refuse_old_float("1.5e");
    refuse_old_float("1.5.5");
}

static void reads_names_and_bytes(void **state)
{
    static const char *const atoms[] = {"6400036e616e", "7600036e616e", "73036e616e",
                                        "77036e616e"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        beamr_bytes bytes = hex(atoms[i]);
        drv_reader r = reader_of(bytes);
        drv_item item;

        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_true(drv_item_is_atom(&item, "nan"));
        assert_false(drv_item_is_atom(&item, "na"));
        assert_false(drv_item_is_atom(&item, "nano"));
        assert_int_equal(item.is_latin1, i == 0 || i == 2);
        bytes_free(bytes);
    }
    assert_int_equal(read_one("6d00000003616263", DRV_BINARY).bytes.len, 3);
    assert_int_equal(read_one("6d00000000", DRV_BINARY).bytes.len, 0);
    assert_int_equal(read_one("6b0003616263", DRV_STRING).bytes.len, 3);
    (void)read_one("6a", DRV_NIL);
}

static void reads_heads(void **state)
{
    (void)state;
    assert_int_equal(read_one("6c 00000002 6101 6102 6a", DRV_LIST).count, 2);
    assert_int_equal(read_one("6c 00000000 6a", DRV_LIST).count, 0);
    assert_int_equal(read_one("68 02 6101 6102", DRV_TUPLE).count, 2);
    assert_int_equal(read_one("68 00", DRV_TUPLE).count, 0);
    assert_int_equal(read_one("69 00000001 6a", DRV_TUPLE).count, 1);
    assert_int_equal(read_one("74 00000001 6a 6a", DRV_MAP).count, 1);
}

static void refuses_counts_beyond_the_bytes(void **state)
{
    (void)state;
    refuse_hex("6c 00000002 6a 6a"); /* and the tail */
    refuse_hex("6c ffffffff 6a");
    refuse_hex("68 01");
    refuse_hex("69 ffffffff 6a 6a");
    refuse_hex("74 00000001 6a");
    refuse_hex("74 80000000 6a 6a");
    refuse_hex("6d ffffffff 00");
    refuse_hex("6f ffffffff 00 00");
    refuse_hex("72 ffff 77 00 00");
}

/* As Erlang writes them: a whole term, and what its first step is. */
typedef struct sample {
    const char *hex;
    drv_kind kind;
} sample;

static const sample samples[] = {
    {"6100", DRV_INTEGER},
    {"62ffffffff", DRV_INTEGER},
    {"6e040101000080", DRV_INTEGER},
    {"6e0900000000000000000001", DRV_BIG},
    {"6f0000000900000000000000000001", DRV_BIG},
    {"463ff8000000000000", DRV_FLOAT},
    {"63312e3530303030303030303030303030303030303030652b30300000000000", DRV_FLOAT},
    {"6400036e616e", DRV_ATOM},
    {"7301e4", DRV_ATOM},
    {"7702c3a4", DRV_ATOM},
    {"760002cebb", DRV_ATOM},
    {"6d00000003616263", DRV_BINARY},
    {"4d000000010320", DRV_OTHER},
    {"6b0003616263", DRV_STRING},
    {"6a", DRV_NIL},
    {"6c0000000264000161463ff800000000000064000162", DRV_LIST},
    {"68026101680161 02", DRV_TUPLE},
    {"69000000026a6a", DRV_TUPLE},
    {"7400000002640001626c00000001640001786a6d00000001616101", DRV_MAP},
    {"6564000d6e6f6e6f6465406e6f686f73740000000100", DRV_REF},
    {"72000364000d6e6f6e6f6465406e6f686f7374000003e8ac8f5000010ec14060", DRV_REF},
    {"5a000364000d6e6f6e6f6465406e6f686f7374000000000003e8ac8f5000010ec14060", DRV_REF},
    {"67770161000000090000000000", DRV_OTHER},
    {"5864000d6e6f6e6f6465406e6f686f7374000000090000000000000000", DRV_OTHER},
    {"66730161 00000000 00", DRV_OTHER},
    {"5964000d6e6f6e6f6465406e6f686f73740000000000000000", DRV_OTHER},
    {"78760001610000000000000001 00000002", DRV_OTHER},
    {"700000004801f9d091832a5784eecf1522259ac1ff260000000000000000640004676f6c6461006207ce848c"
     "5864000d6e6f6e6f6465406e6f686f7374000000090000000000000000",
     DRV_OTHER},
    {"716400056c697374736400036d61706102", DRV_OTHER},
};

enum { SAMPLES = sizeof samples / sizeof *samples };

static void steps_over_what_erlang_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        beamr_bytes bytes = hex(samples[i].hex), term;
        drv_reader r = reader_of(bytes);
        drv_item item;

        if (drv_read(&r, &item, NULL) != BEAMR_OK || item.kind != samples[i].kind)
            fail_msg("%s is not read", samples[i].hex);
        r = reader_of(bytes);
        assert_int_equal(drv_skip(&r, &term, NULL), BEAMR_OK);
        assert_ptr_equal(r.at, r.end);
        assert_true(term.data == bytes.data && term.len == bytes.len);
        bytes_free(bytes);
    }
}

static void refuses_each_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        beamr_bytes bytes = hex(samples[i].hex);

        for (size_t len = 0; len < bytes.len; len++) {
            beamr_bytes cut = bytes_copy(bytes.data, len);
            drv_reader r = reader_of(cut);
            beamr_error err = {0};

            if (drv_skip(&r, NULL, &err) != BEAMR_MALFORMED)
                fail_msg("%s is taken when cut to %zu bytes", samples[i].hex, len);
            assert_ptr_equal(r.at, cut.data);
            bytes_free(cut);
        }
        bytes_free(bytes);
    }
}

static void refuses_other_tags(void **state)
{
    static const char known[] = "FMXYZabcdefghijklmnopqrstvwx";

    (void)state;
    for (unsigned tag = 0; tag < 256; tag++) {
        uint8_t bytes[64] = {(uint8_t)tag};
        drv_reader r = {bytes, bytes + sizeof bytes};
        drv_item item;

        if (tag > 0 && tag < 128 && strchr(known, (int)tag))
            continue;
        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_MALFORMED);
    }
}

static void the_parts_of_pids_and_functions_are_atoms(void **state)
{
    (void)state;
    refuse_hex("58 6a 00000000 00000000 00000000 00000000");
    refuse_hex("5a 0001 6101 00000000 00000000");
    refuse_hex("71 770161 770162 6201");
    refuse_hex("71 770161 6101 6101");
    refuse_hex("5a 0000 770161 00000000");
    refuse_hex("72 0000 770161 00");
    refuse_hex("5a 0006 770161 00000000 00000000 00000000 00000000 00000000 00000000 00000000");
    refuse_hex("5a 0001 7701ff 00000000 00000000"); /* no UTF-8 */
    refuse_hex("70 00000003 00000000");
    refuse_hex("70 00000000 00000000");
}

static void a_term_begins_with_its_version(void **state)
{
    drv_reader r;
    beamr_error err = {0};
    beamr_bytes good = hex("836a"), old = hex("826a"), packed = hex("8350000000016a");

    (void)state;
    assert_int_equal(drv_reader_begin(&r, good, &err), BEAMR_OK);
    assert_ptr_equal(r.at, good.data + 1);
    assert_int_equal(drv_reader_begin(&r, old, &err), BEAMR_MALFORMED);
    assert_string_equal(err.text, "Failed to decode message header (version).");
    assert_int_equal(drv_reader_begin(&r, (beamr_bytes){NULL, 0}, NULL), BEAMR_MALFORMED);
    beamr_error_clear(&err);
    assert_int_equal(drv_reader_begin(&r, packed, &err), BEAMR_MALFORMED);
    assert_non_null(strstr(err.text, "compressed"));
    bytes_free(good);
    bytes_free(old);
    bytes_free(packed);
}

static void depth_costs_nothing(void **state)
{
    enum { DEPTH = 2000000 };
    uint8_t *deep = malloc(DEPTH * 5 + 1 + DEPTH), *at = deep;
    drv_reader r;

    (void)state;
    for (size_t i = 0; i < DEPTH; i++, at += 5)
        memcpy(at, "l\0\0\0\1", 5);
    *at++ = 'j';
    memset(at, 'j', DEPTH);
    at += DEPTH;
    r = (drv_reader){deep, at};
    assert_int_equal(drv_skip(&r, NULL, NULL), BEAMR_OK);
    assert_ptr_equal(r.at, at);
    r = (drv_reader){deep, at - 1};
    assert_int_equal(drv_skip(&r, NULL, NULL), BEAMR_MALFORMED);
    free(deep);
}

/* Counts that add up to far more than there is end at once. */
static void counts_are_checked_against_the_rest_together(void **state)
{
    enum { SIZE = 1 << 20 };
    uint8_t *bytes = malloc(SIZE);
    drv_reader r = {bytes, bytes + SIZE};

    (void)state;
    for (size_t i = 0; i + 8 <= SIZE; i += 8)
        memcpy(bytes + i, "l\0\7\0\0jjj", 8);
    assert_int_equal(drv_skip(&r, NULL, NULL), BEAMR_MALFORMED);
    free(bytes);
}

static void any_bytes_are_read_within_bounds(void **state)
{
    static const char tags[] = "FMXYZabcdefghijklmnopqrstvwx";
    uint64_t any = 1;

    (void)state;
    for (size_t round = 0; round < 200000; round++) {
        uint8_t data[24];
        beamr_bytes bytes, term;
        drv_reader r;
        size_t len = any_number(&any) % sizeof data;

        for (size_t i = 0; i < len; i++) {
            uint64_t n = any_number(&any);

            data[i] = n & 1 ? (uint8_t)tags[(n >> 1) % strlen(tags)] : (uint8_t)((n >> 1) % 4);
        }
        bytes = bytes_copy(data, len);
        r = reader_of(bytes);
        if (drv_skip(&r, &term, NULL) == BEAMR_OK) {
            assert_true(term.len > 0 && term.len <= len);
            assert_ptr_equal(r.at, bytes.data + term.len);
        } else {
            assert_ptr_equal(r.at, bytes.data);
        }
        bytes_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_integers_of_64_bits),
        cmocka_unit_test(larger_integers_are_big),
        cmocka_unit_test(larger_integers_keep_what_rounds),
        cmocka_unit_test(reads_floats),
        cmocka_unit_test(refuses_floats_that_are_not_finite),
        cmocka_unit_test(reads_names_and_bytes),
        cmocka_unit_test(reads_heads),
        cmocka_unit_test(refuses_counts_beyond_the_bytes),
        cmocka_unit_test(steps_over_what_erlang_writes),
        cmocka_unit_test(refuses_each_cut_anywhere),
        cmocka_unit_test(refuses_other_tags),
        cmocka_unit_test(the_parts_of_pids_and_functions_are_atoms),
        cmocka_unit_test(a_term_begins_with_its_version),
        cmocka_unit_test(depth_costs_nothing),
        cmocka_unit_test(counts_are_checked_against_the_rest_together),
        cmocka_unit_test(any_bytes_are_read_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
