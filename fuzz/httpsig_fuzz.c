/* Fuzz target: any bytes as a message of HTTP: lines `name: value`, an empty line, the body.
 * What is decoded can be encoded, unless that is refused with a reason, and is then decoded as
 * the same message with the same id, whose signatures are as valid as before.
 * Lines end with LF, so that values can hold CR; a line that begins with a tab goes on with the
 * value before it, behind a LF. Seeds: seeds/httpsig/; they are their own source. */
#include "fuzz.h"

#include <string.h>

#include "codec/codecs.h"

#define FIELDS_MAX 64

/* A field's value: the rest of the line, and of those that go on with it. */
static size_t value_end(const uint8_t *data, size_t size, size_t at)
{
    while (at < size && (data[at] != '\n' || (at + 1 < size && data[at + 1] == '\t')))
        at++;
    return at;
}

static void put(ao_builder *fields, const uint8_t *key, size_t key_len, const uint8_t *value,
                size_t len)
{
    if (key_len)
        ao_builder_put_key(fields, (beamr_bytes){key, key_len},
                           ao_binary_copy((beamr_bytes){value, len}));
}

static ao_message *read_fields(const uint8_t *data, size_t size)
{
    ao_message *message = NULL;
    ao_builder fields;
    size_t at = 0, count = 0;

    ao_builder_begin(&fields, NULL, NULL, NULL);
    while (at < size && data[at] != '\n' && count++ < FIELDS_MAX) {
        size_t end = value_end(data, size, at), colon = at;

        while (colon + 1 < end && (data[colon] != ':' || data[colon + 1] != ' '))
            colon++;
        if (colon + 1 < end)
            put(&fields, data + at, colon - at, data + colon + 2, end - colon - 2);
        at = end < size ? end + 1 : end;
    }
    if (at < size && data[at] == '\n')
        put(&fields, (const uint8_t *)"body", 4, data + at + 1, size - at - 1);
    return ao_builder_end(&fields, &message) == BEAMR_OK ? message : NULL;
}

static ao_message *decode(const ao_message *fields)
{
    ao_value value = ao_message_value(ao_message_ref(fields));
    ao_message *out = NULL;
    beamr_error err = {0};
    beamr_status st = codec_httpsig.decode(NULL, value, &out, &err);

    FUZZ_CHECK((st == BEAMR_OK) == (out != NULL));
    FUZZ_CHECK(st == BEAMR_OK || (err.status == st && err.text[0]));
    ao_value_unref(value);
    return out;
}

/* How many commitments there are, and how many are valid. */
typedef struct census {
    size_t count, valid, keys;
} census;

static census count_commitments(const ao_message *message)
{
    const ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    census c = {0, 0, 0};
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one;

    while (all && ao_message_next(all, &cursor, &id, &one)) {
        bool is_valid = false;
        const char *why = NULL;
        ao_value keys = AO_NO_VALUE;
        beamr_error err = {0};

        FUZZ_CHECK(codec_httpsig.verify(NULL, message, ao_name_text(id), ao_to_message(one),
                                        &is_valid, &why, &err) == BEAMR_OK);
        FUZZ_CHECK(is_valid || why);
        FUZZ_CHECK(codec_httpsig.committed(NULL, message, ao_name_text(id), ao_to_message(one),
                                           &keys, &err) == BEAMR_OK);
        c.count++;
        c.valid += is_valid;
        c.keys += ao_list_count(keys);
        ao_value_unref(keys);
    }
    return c;
}

static ao_message *without_commitments(const ao_message *message)
{
    ao_message *out = NULL;

    FUZZ_CHECK(ao_message_without(message, "commitments", &out, NULL) == BEAMR_OK);
    return out;
}

static void check_same(const ao_message *first, const ao_message *second)
{
    ao_message *a = without_commitments(first), *b = without_commitments(second);
    uint8_t ids[2][AO_ID_SIZE];
    char path[AO_MATCH_PATH_SIZE];

    FUZZ_CHECK(ao_message_match(a, b, AO_MATCH_STRICT, path));
    FUZZ_CHECK(codec_httpsig.unsigned_id(NULL, first, ids[0], NULL) == BEAMR_OK);
    FUZZ_CHECK(codec_httpsig.unsigned_id(NULL, second, ids[1], NULL) == BEAMR_OK);
    FUZZ_CHECK(memcmp(ids[0], ids[1], AO_ID_SIZE) == 0);
    ao_message_unref(a);
    ao_message_unref(b);
}

static void check_again(const ao_message *message)
{
    census before = count_commitments(message), after;
    ao_value encoded = AO_NO_VALUE;
    ao_message *again;
    beamr_error err = {0};
    beamr_status st = codec_httpsig.encode(NULL, message, &encoded, &err);

    FUZZ_CHECK(st == BEAMR_OK || (st == BEAMR_ENCODING && err.text[0]));
    if (st != BEAMR_OK)
        return;
    FUZZ_CHECK((again = decode(ao_to_message(encoded))) != NULL);
    check_same(message, again);
    after = count_commitments(again);
    FUZZ_CHECK(after.valid >= before.valid);
    ao_message_unref(again);
    ao_value_unref(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_message *fields = read_fields(data, size), *message = fields ? decode(fields) : NULL;

    if (message)
        check_again(message);
    ao_message_unref(message);
    ao_message_unref(fields);
    return 0;
}
