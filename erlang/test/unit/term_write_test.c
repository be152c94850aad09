/* Writing terms: the bytes that Erlang itself writes, and everything read back. */
#include "term_fixture.h"

static void assert_int(int64_t n, const char *text)
{
    drv_writer w;

    drv_writer_begin(&w);
    drv_put_int(&w, n);
    assert_written(&w, text);
    drv_writer_clear(&w);
}

static void assert_uint(uint64_t n, const char *text)
{
    drv_writer w;

    drv_writer_begin(&w);
    drv_put_uint(&w, n);
    assert_written(&w, text);
    drv_writer_clear(&w);
}

static void integers_are_written_as_erlang_does(void **state)
{
    (void)state;
    assert_int(0, "6100");
    assert_int(255, "61ff");
    assert_int(256, "6200000100");
    assert_int(-1, "62ffffffff");
    assert_int(INT32_MIN, "6280000000");
    assert_int(INT32_MAX, "627fffffff");
    assert_int(INT64_C(2147483648), "6e040000000080");
    assert_int(INT64_C(-2147483649), "6e040101000080");
    assert_int(INT64_MAX, "6e0800ffffffffffffff7f");
    assert_int(INT64_MIN, "6e08010000000000000080");
    assert_uint(0, "6100");
    assert_uint(INT64_MAX, "6e0800ffffffffffffff7f");
    assert_uint(UINT64_MAX, "6e0800ffffffffffffffff");
    assert_uint(UINT64_C(1) << 40, "6e0600000000000001");
}

static void assert_text(const char *text, size_t len, const char *expected)
{
    drv_writer w;

    drv_writer_begin(&w);
    drv_put_string(&w, (beamr_bytes){(const uint8_t *)text, len});
    assert_written(&w, expected);
    drv_writer_clear(&w);
}

static void text_becomes_characters(void **state)
{
    (void)state;
    assert_text("", 0, "6a");
    assert_text("abc", 3, "6b0003616263");
    assert_text("a\0b", 3, "6b0003610062");
    assert_text("\xc3\xa4", 2, "6b0001e4");                       /* U+00e4 */
    assert_text("a\xce\xbb", 3, "6c00000002616162000003bb6a");    /* U+03bb */
    assert_text("\xf0\x9f\x98\x80", 4, "6c00000001620001f6006a"); /* U+1f600 */
    assert_text("\xff\xc3\xa4", 3, "6b0003ffc3a4");               /* no UTF-8: bytes */
    assert_text("\xed\xa0\x80", 3, "6b0003eda080");               /* a surrogate */
}

/* A string term holds 65535 characters. */
static void long_text_is_a_list(void **state)
{
    drv_writer w;
    uint8_t *text = malloc(65536);
    beamr_bytes is;

    (void)state;
    for (int round = 0; round < 2; round++) {
        memset(text, round ? 0xff : 'a', 65536);
        drv_writer_begin(&w);
        drv_put_string(&w, (beamr_bytes){text, 65535});
        is = written(&w);
        assert_int_equal(is.len, 3 + 65535);
        assert_int_equal(is.data[0], 'k');
        assert_int_equal(is.data[65537], text[0]);
        drv_writer_clear(&w);
        drv_writer_begin(&w);
        drv_put_string(&w, (beamr_bytes){text, 65536});
        is = written(&w);
        assert_int_equal(is.len, 5 + 2 * 65536 + 1);
        assert_memory_equal(is.data, "l\0\1\0\0a", 6);
        drv_writer_clear(&w);
    }
    free(text);
}

static void the_rest_is_written_as_erlang_does(void **state)
{
    drv_writer w;

    (void)state;
    drv_writer_begin(&w);
    assert_int_equal(w.data[0], 131);
    drv_put_tuple(&w, 4);
    drv_put_atom(&w, "ok");
    drv_put_float(&w, 1.5);
    drv_put_binary(&w, beamr_bytes_of("abc"));
    drv_put_list(&w, 0);
    drv_put_nil(&w);
    drv_put_tuple(&w, 256);
    drv_put_list(&w, 1);
    drv_put_map(&w, 1);
    drv_put_binary(&w, (beamr_bytes){NULL, 0});
    drv_put_term(&w, (beamr_bytes){(const uint8_t *)"j", 1});
    drv_put_nil(&w);
    assert_written(&w, "6804 77026f6b 463ff8000000000000 6d00000003616263 6a 6900000100"
                       " 6c00000001 7400000001 6d00000000 6a 6a");
    drv_writer_clear(&w);
}

static void what_is_written_is_read(void **state)
{
    uint64_t any = 7;

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        uint64_t n = any_number(&any) >> any_number(&any) % 64;
        int64_t signed_n = (int64_t)(n & 1 ? -(n >> 1) : n >> 1);
        drv_writer w;
        drv_reader r;
        drv_item item;

        drv_writer_begin(&w);
        drv_put_uint(&w, n);
        drv_put_int(&w, signed_n);
        r = reader_of(written(&w));
        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_true(item.kind == DRV_INTEGER && item.magnitude == n && !item.is_negative);
        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_true(item.kind == DRV_INTEGER && item.is_negative == (signed_n < 0));
        assert_true((int64_t)(item.is_negative ? -item.magnitude : item.magnitude) == signed_n);
        assert_ptr_equal(r.at, r.end);
        drv_writer_clear(&w);
    }
}

static void a_writer_grows(void **state)
{
    drv_writer w;
    drv_reader r;
    drv_item item;

    (void)state;
    drv_writer_begin(&w);
    drv_put_list(&w, 100000);
    for (int64_t i = 0; i < 100000; i++)
        drv_put_int(&w, i);
    drv_put_nil(&w);
    r = reader_of(written(&w));
    assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
    for (uint64_t i = 0; i < 100000; i++) {
        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_true(item.magnitude == i);
    }
    drv_writer_clear(&w);
    drv_writer_begin(&w); /* again */
    drv_put_nil(&w);
    assert_written(&w, "6a");
    drv_writer_clear(&w);
}

static void a_binary_beyond_the_format_fails_the_writer(void **state)
{
    drv_writer w;

    (void)state;
    drv_writer_begin(&w);
    drv_put_binary(&w, (beamr_bytes){(const uint8_t *)"", (size_t)UINT32_MAX + 1});
    assert_true(w.is_failed);
    drv_put_nil(&w);
    assert_int_equal(w.len, 1);
    drv_writer_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_as_erlang_does),
        cmocka_unit_test(text_becomes_characters),
        cmocka_unit_test(long_text_is_a_list),
        cmocka_unit_test(the_rest_is_written_as_erlang_does),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_writer_grows),
        cmocka_unit_test(a_binary_beyond_the_format_fails_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
