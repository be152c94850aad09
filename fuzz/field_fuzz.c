/* Fuzz target: any bytes as a structured field. The first byte chooses item, list or
 * dictionary, and how strings are read; what is read is written, and reads and writes the same
 * again, without annotations: what is written has them within quotes, and an inner list that
 * begins with a token `ao-type-T` looks like one. Seeds: seeds/field/; they are their own source. */
#include "fuzz.h"

#include "codec/field.h"

enum { ITEM, LIST, DICTIONARY, KINDS };
enum { MEMORY = 64 << 20 };

/* Read a text, and write what was read. */
static beamr_status rewrite(arena *a, unsigned kind, unsigned flags, beamr_bytes text,
                            beamr_bytes *out, beamr_error *err)
{
    field_text written = {.a = a};
    field_item item;
    field_list list = {0};
    field_dictionary dictionary = {0};
    beamr_status st;

    if (kind == ITEM) {
        if ((st = field_read_item(a, text, flags, &item, err)) != BEAMR_OK)
            return st;
        field_text_add_item(&written, &item);
    } else if (kind == LIST) {
        if ((st = field_read_list(a, text, flags, &list, err)) != BEAMR_OK)
            return st;
    } else if ((st = field_read_dictionary(a, text, flags, &dictionary, err)) != BEAMR_OK) {
        return st;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            field_text_add_text(&written, ", ");
        field_text_add_item(&written, &list.items[i]);
    }
    for (size_t i = 0; i < dictionary.count; i++)
        field_text_add_member(&written, &dictionary.members[i]);
    FUZZ_CHECK(!written.is_full);
    *out = field_text_bytes(&written);
    return BEAMR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned ways[] = {FIELD_STRICT, FIELD_LENIENT,
                                    FIELD_LENIENT | FIELD_ANNOTATED};
    unsigned kind = size ? data[0] % KINDS : ITEM;
    unsigned flags = size ? ways[data[0] / KINDS % 3] : FIELD_STRICT;
    beamr_bytes text = {data + (size > 0), size - (size > 0)}, once, twice;
    beamr_error err = {0};
    beamr_status st;
    arena a;

    arena_init(&a, MEMORY);
    st = rewrite(&a, kind, flags, text, &once, &err);
    if (st == BEAMR_OK) {
        flags &= ~(unsigned)FIELD_ANNOTATED;
        FUZZ_CHECK(rewrite(&a, kind, flags, once, &twice, &err) == BEAMR_OK);
        FUZZ_CHECK(once.len == twice.len);
        FUZZ_CHECK(once.len == 0 || memcmp(once.data, twice.data, once.len) == 0);
    } else {
        FUZZ_CHECK(st == BEAMR_MESSAGE || st == BEAMR_LIMIT);
        FUZZ_CHECK(err.text[0] && err.offset <= text.len);
    }
    arena_clear(&a);
    return 0;
}
