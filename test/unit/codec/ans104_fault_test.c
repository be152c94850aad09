/* Data items when memory is gone: the Nth request fails, for every N, and says so. That nothing
 * leaks is the sanitizer's to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ao_generator.h"
#include "codec/codecs.h"
#include "refuse.h"

/* Encode and decode with one failing request.  Returns false when none was hit. */
static bool round_trip(const ao_message *message, size_t fails_at)
{
    ao_value item = AO_NO_VALUE;
    ao_message *back = NULL;
    beamr_error err = {0};
    beamr_status st;
    bool is_hit;

    refuse_begin(fails_at, false);
    st = codec_ans104.encode(NULL, message, &item, &err);
    if (st == BEAMR_OK)
        st = codec_ans104.decode(NULL, item, &back, &err);
    is_hit = refuse_end();
    assert_true(st == BEAMR_OK || (st == BEAMR_NO_MEMORY && is_hit && err.text[0]));
    if (st == BEAMR_OK)
        assert_true(ao_message_match(back, message, AO_MATCH_STRICT, NULL));
    ao_message_unref(back);
    ao_value_unref(item);
    return is_hit;
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 4; seed++) {
        ao_message *message =
            generate_message(seed, GENERATE_BYTES | GENERATE_UNICODE | GENERATE_LARGE);
        size_t n = 0;

        while (round_trip(message, n))
            n++;
        assert_true(n > 5);
        ao_message_unref(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_allocation_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
