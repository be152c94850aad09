/* Fuzz target: any bytes as a data item. What is refused is refused with a place in the input.
 * What is read is written again as the same bytes, but for bundles, whose ids and manifests are
 * written anew; and what is written reads as the same message.
 * The first byte chooses a form: RAW, the rest is the item; otherwise the fields that it says
 * are there, then the number of tags (1 byte) and their size (2 bytes), then tags and data.
 * Seeds: seeds/ans104/; they are their own source. */
#define _GNU_SOURCE /* memmem */
#include "fuzz.h"

#include "beamr/ao.h"
#include "codec/codecs.h"

enum { RAW = 0x80, SIGNATURE = 1, OWNER = 2, TARGET = 4, ANCHOR = 8 };
enum { KEY_SIZE = 512, ID_SIZE = 32, HEADER_MAX = 2 + 2 * KEY_SIZE + 2 * (1 + ID_SIZE) + 16 };

static uint8_t *fill(uint8_t *out, bool is_there, size_t len)
{
    memset(out, is_there ? 7 : 0, len);
    return out + len;
}

static uint8_t *fill_optional(uint8_t *out, bool is_there)
{
    *out++ = is_there;
    return fill(out, is_there, is_there ? ID_SIZE : 0);
}

/* The item that an input is. */
static ao_value make_item(const uint8_t *data, size_t size)
{
    uint8_t *bytes, *out;
    ao_value item;

    if (data[0] & RAW || size < 4)
        return ao_binary_copy((beamr_bytes){data + 1, size - 1});
    if (!(bytes = out = malloc(HEADER_MAX + size)))
        return AO_NO_VALUE;
    *out++ = 1;
    *out++ = 0;
    out = fill(out, data[0] & SIGNATURE, KEY_SIZE);
    out = fill(out, data[0] & OWNER, KEY_SIZE);
    out = fill_optional(out, data[0] & TARGET);
    out = fill_optional(out, data[0] & ANCHOR);
    memset(out, 0, 16);
    out[0] = data[1];
    out[8] = data[2];
    out[9] = data[3];
    memcpy(out + 16, data + 4, size - 4);
    item = ao_binary_copy((beamr_bytes){bytes, (size_t)(out + 16 + (size - 4) - bytes)});
    free(bytes);
    return item;
}

static bool holds(beamr_bytes bytes, const char *text)
{
    return memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

static bool is_bundle(beamr_bytes item)
{
    return holds(item, "undle-") || holds(item, "UNDLE-");
}

/* An empty tag of an item whose signature is right for neither way to write it. */
static bool is_ambiguous(const ao_message *message)
{
    ao_cursor cursor = {0};
    ao_value value;

    while (ao_message_next(message, &cursor, NULL, &value))
        if (value.kind == AO_BINARY && !ao_bytes(value).len)
            return ao_message_find_text(message, "commitments").kind != AO_NONE;
    return false;
}

static bool is_same(ao_message *a, const ao_message *b)
{
    return ao_value_equal((ao_value){.kind = AO_MESSAGE, .of.message = a},
                          (ao_value){.kind = AO_MESSAGE, .of.message = (ao_message *)b});
}

static void check_round_trip(ao_value item, const ao_message *message)
{
    beamr_bytes before = ao_bytes(item), after;
    ao_value again = AO_NO_VALUE, third = AO_NO_VALUE;
    ao_message *back = NULL;
    beamr_error err = {0};
    beamr_status st = codec_ans104.encode(NULL, message, &again, &err);

    FUZZ_CHECK(st == BEAMR_OK || (st == BEAMR_ENCODING && is_bundle(before)));
    if (st != BEAMR_OK)
        return;
    after = ao_bytes(again);
    FUZZ_CHECK(is_bundle(before) || is_ambiguous(message) ||
               (before.len == after.len && memcmp(before.data, after.data, after.len) == 0));
    FUZZ_CHECK(codec_ans104.decode(NULL, again, &back, &err) == BEAMR_OK);
    /* A bundle with wrong ids, whose tags are kept, gets the right ones. */
    FUZZ_CHECK(is_bundle(before) || is_same(back, message));
    FUZZ_CHECK(codec_ans104.encode(NULL, back, &third, &err) == BEAMR_OK);
    FUZZ_CHECK(ao_value_equal(third, again));
    ao_value_unref(third);
    ao_message_unref(back);
    ao_value_unref(again);
}

/* Some seeds are signed; what is not valid has a reason. */
static void check_verify(const ao_message *message)
{
    const ao_message *all = NULL;
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one;

    if (!(all = ao_to_message(ao_message_find_text(message, "commitments"))))
        return;
    while (ao_message_next(all, &cursor, &id, &one)) {
        const char *why = NULL;
        bool is_valid = false;

        FUZZ_CHECK(codec_ans104.verify(NULL, message, ao_name_text(id), ao_to_message(one),
                                       &is_valid, &why, NULL) == BEAMR_OK);
        FUZZ_CHECK(is_valid == !why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_message *message = NULL;
    beamr_error err = {0};
    beamr_status st;
    ao_value item;

    if (size == 0)
        return 0;
    item = make_item(data, size);
    FUZZ_CHECK(item.kind == AO_BINARY);
    st = codec_ans104.decode(NULL, item, &message, &err);
    if (st == BEAMR_OK) {
        check_round_trip(item, message);
        check_verify(message);
    } else {
        FUZZ_CHECK(!message && (st == BEAMR_MESSAGE || st == BEAMR_LIMIT));
        FUZZ_CHECK(err.status == st && err.text[0] && err.offset <= ao_bytes(item).len);
    }
    ao_message_unref(message);
    ao_value_unref(item);
    return 0;
}
