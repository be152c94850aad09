/* Fuzz target: any bytes as JSON. What is read obeys the limits, and is written as a text that
 * reads and writes the same again; what is refused is refused with a place in the text.
 * The first byte chooses the limits.
 * Seeds: seeds/json/; they are their own source. */
#include "fuzz.h"

#include "beamr/beamr.h"

static const beamr_json_limits all_limits[] = {
    {1u << 20, BEAMR_JSON_DEPTH_MAX, 1000000},
    {64, 8, 16},
    {SIZE_MAX, 3, SIZE_MAX},
    {SIZE_MAX, SIZE_MAX, 5},
};

enum { LIMITS = sizeof all_limits / sizeof all_limits[0] };

typedef struct census {
    size_t values;
    size_t sum; /* of all bytes, so that the sanitizer judges them */
} census;

static void touch_text(census *c, beamr_bytes text)
{
    for (size_t i = 0; i <= text.len; i++) /* and the NUL behind it */
        c->sum += text.data[i];
    FUZZ_CHECK(text.data[text.len] == 0);
}

/* Recursive: the depth is what is checked. */
static void touch(census *c, const beamr_json *json, size_t depth)
{
    FUZZ_CHECK(depth <= BEAMR_JSON_DEPTH_MAX);
    c->values++;
    if (json->kind == BEAMR_JSON_TEXT)
        touch_text(c, json->text);
    if (json->kind != BEAMR_JSON_LIST && json->kind != BEAMR_JSON_MAP)
        return;
    for (size_t i = 0; i < json->count; i++) {
        if (json->kind == BEAMR_JSON_MAP)
            touch_text(c, json->keys[i]);
        touch(c, &json->items[i], depth + 1);
    }
}

static void check_round_trip(const beamr_json *json)
{
    beamr_json_limits limits = all_limits[0];
    char *text, *again;
    size_t len, again_len;
    beamr_json *back;
    beamr_error err = {0};

    limits.max_bytes = SIZE_MAX;
    limits.max_values = SIZE_MAX;
    FUZZ_CHECK(beamr_json_write(json, &limits, &text, &len, &err) == BEAMR_OK);
    FUZZ_CHECK(beamr_json_read((beamr_bytes){(const uint8_t *)text, len}, &limits, &back,
                               &err) == BEAMR_OK);
    FUZZ_CHECK(beamr_json_write(back, &limits, &again, &again_len, &err) == BEAMR_OK);
    FUZZ_CHECK(len == again_len && memcmp(text, again, len) == 0);
    beamr_json_free(back);
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const beamr_json_limits *limits;
    beamr_json *json = NULL;
    beamr_error err = {0};
    census c = {0, 0};
    beamr_status st;

    if (size == 0)
        return 0;
    limits = &all_limits[data[0] % LIMITS];
    st = beamr_json_read((beamr_bytes){data + 1, size - 1}, limits, &json, &err);
    if (st != BEAMR_OK) {
        FUZZ_CHECK(!json && (st == BEAMR_ARGUMENT || st == BEAMR_LIMIT));
        FUZZ_CHECK(err.status == st && err.text[0] && err.offset < size);
        return 0;
    }
    touch(&c, json, 0);
    FUZZ_CHECK(c.values <= limits->max_values && size - 1 <= limits->max_bytes);
    check_round_trip(json);
    beamr_json_free(json);
    return 0;
}
