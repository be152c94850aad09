/* Any bytes as a stored record: a message, or BEAMR_MESSAGE with a place in it. A message that
 * was read is measured and gone through. */
#include "ao/record.h"
#include "fuzz.h"

static beamr_status load_nothing(void *user, beamr_bytes ref, ao_value *out, beamr_error *err)
{
    (void)user;
    (void)out;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "no %zu bytes", ref.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ao_limits limits = AO_LIMITS_DEFAULT;
    static const record_loaders loaders = {load_nothing, load_nothing, NULL};
    beamr_error err;
    ao_message *message = NULL;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    size_t count = 0;
    beamr_status st;

    beamr_error_clear(&err);
    st = record_read((beamr_bytes){data, size}, NULL, &limits, &loaders, &message, &err);
    if (st != BEAMR_OK) {
        FUZZ_CHECK(err.status == st && err.text[0] && err.offset <= size);
        return 0;
    }
    while (ao_message_next(message, &cursor, &key, &value))
        count += ao_name_text(key).len > 0 && value.kind != AO_NONE;
    FUZZ_CHECK(count == ao_message_count(message));
    FUZZ_CHECK(ao_message_size(message).max_depth <= AO_DEPTH_MAX);
    ao_message_unref(message);
    return 0;
}
