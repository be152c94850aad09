/* Every allocation of encoding and decoding fails once: that is reported, and nothing leaks or
 * is half made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/codecs.h"
#include "refuse.h"

static ao_message *sample(void)
{
    static const char json[] =
        "{\"ao-types\":\"a=\\\"integer\\\", l=\\\"list\\\", m=map, %4be=\\\"atom\\\", "
        "e=\\\"empty-message\\\"\",\"a\":\"123456789012345678901234567890\","
        "\"l\":\"\\\"x\\\\\\\\\\\", (ao-type-list) 1\",\"m\":\"b=1, "
        "c=\\\"d\\\"\",\"Ke\":\"true\","
        "\"k/xyz\":{\"n\":\"v\"},\"arr\":\"plain\"}";
    ao_value text = ao_binary_text(json);
    ao_message *message = NULL;
    beamr_error err = {0};

    if (codec_json.decode(NULL, text, &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(text);
    return message;
}

static void check_status(const ao_codec *codec, size_t n, beamr_status st,
                         const beamr_error *err)
{
    if (st != BEAMR_OK && (st != BEAMR_NO_MEMORY || err->status != st))
        fail_msg("%s, allocation %zu: %s", codec->name, n, err->text);
}

/* Until no allocation is left to fail. A call may do without one, as arenas do. */
static void check_encoding(const ao_codec *codec, const ao_message *message, ao_value *out)
{
    size_t n = 0, failures = 0;
    bool is_hit;

    do {
        beamr_error err = {0};
        beamr_status st;

        ao_value_unref(*out);
        *out = AO_NO_VALUE;
        refuse_begin(n++, false);
        st = codec->encode(NULL, message, out, &err);
        is_hit = refuse_end();
        check_status(codec, n, st, &err);
        failures += st != BEAMR_OK;
    } while (is_hit);
    assert_true(failures > 0);
}

static void check_decoding(const ao_codec *codec, ao_value encoded, ao_message **out)
{
    size_t n = 0, failures = 0;
    bool is_hit;

    do {
        beamr_error err = {0};
        beamr_status st;

        ao_message_unref(*out);
        *out = NULL;
        refuse_begin(n++, false);
        st = codec->decode(NULL, encoded, out, &err);
        is_hit = refuse_end();
        check_status(codec, n, st, &err);
        failures += st != BEAMR_OK;
    } while (is_hit);
    assert_true(failures > 0);
}

static void failed_allocations_are_reported(void **state)
{
    const ao_codec *const codecs[] = {&codec_structured, &codec_json, &codec_flat};
    ao_message *whole = sample(), *message = NULL;

    (void)state;
    /* Without the key that flat@1.0 refuses. */
    assert_int_equal(ao_message_without(whole, "k/xyz", &message, NULL), BEAMR_OK);
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        ao_value encoded = AO_NO_VALUE;
        ao_message *back = NULL;

        check_encoding(codecs[i], message, &encoded);
        check_decoding(codecs[i], encoded, &back);
        assert_true(ao_value_equal(ao_message_value(back), ao_message_value(message)));
        ao_message_unref(back);
        ao_value_unref(encoded);
    }
    ao_message_unref(message);
    ao_message_unref(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_allocations_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
