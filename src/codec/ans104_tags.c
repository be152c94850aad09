/* Tags of an item, as Avro has an array of records of two strings: how many, as a variable
 * length number in zigzag form; each name and value behind its length; a zero.
 * Avro may spread an array over several blocks, and may prefix a block with its size; neither
 * is accepted, since a signature is over the bytes, and those would not be written again.
 * Source: Apache Avro, "Binary Encoding"; ANS-104, "Tags". */
#include "codec/ans104.h"

typedef struct cursor {
    const uint8_t *next, *end;
} cursor;

static beamr_status read_number(ans104_reader *r, cursor *c, const char *what, uint64_t *out)
{
    const uint8_t *start = c->next;
    uint64_t raw = 0;
    uint8_t byte;

    for (unsigned shift = 0;; shift += 7) {
        if (c->next == c->end)
            return ANS104_FAIL(r, c->next, "tags: they end within %s", what);
        byte = *c->next++;
        if (shift == 63 && byte > 1)
            return ANS104_FAIL(r, start, "tags: %s of more than 64 bits", what);
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    if (byte == 0 && c->next - start > 1)
        return ANS104_FAIL(r, start, "tags: %s is written longer than needed", what);
    if (raw & 1)
        return ANS104_FAIL(r, start, "tags: %s is negative", what);
    *out = raw >> 1;
    return BEAMR_OK;
}

static beamr_status read_text(ans104_reader *r, cursor *c, const char *what, beamr_bytes *out)
{
    const uint8_t *start = c->next;
    uint64_t len;

    BEAMR_TRY(read_number(r, c, what, &len));
    if (len > (uint64_t)(c->end - c->next))
        return ANS104_FAIL(r, start, "tags: %s of %llu bytes, %zu bytes left", what,
                           (unsigned long long)len, (size_t)(c->end - c->next));
    *out = (beamr_bytes){c->next, (size_t)len};
    c->next += len;
    return BEAMR_OK;
}

/* The head of the block, and room for the tags in it. */
static beamr_status read_head(ans104_reader *r, cursor *c, uint64_t count, ans104_tags *out)
{
    const uint8_t *start = c->next;
    uint64_t there;

    BEAMR_TRY(read_number(r, c, "the number of tags", &there));
    if (there != count)
        return ANS104_FAIL(r, start, "tags: %llu in their block, %llu in the item's header",
                           (unsigned long long)there, (unsigned long long)count);
    if (count > (uint64_t)(c->end - c->next) / 2)
        return ANS104_FAIL(r, start, "tags: %llu of them in %zu bytes",
                           (unsigned long long)count, (size_t)(c->end - c->next));
    if (count > r->keys_left)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(start - r->origin),
                          "tags: more than %zu keys in all", r->limits->max_keys);
    r->keys_left -= (size_t)count;
    out->count = (size_t)count;
    out->items = ARENA_NEW(r->a, ans104_tag, out->count);
    return out->items ? BEAMR_OK : codec_fail_full(r->a, r->err);
}

beamr_status ans104_tags_read(ans104_reader *r, beamr_bytes avro, uint64_t count,
                              ans104_tags *out)
{
    cursor c = {avro.data, avro.data + avro.len};
    uint64_t end;

    *out = (ans104_tags){NULL, 0};
    if (count == 0 && avro.len == 0)
        return BEAMR_OK;
    if (count == 0)
        return ANS104_FAIL(r, c.next, "tags: %zu bytes for no tags", avro.len);
    BEAMR_TRY(read_head(r, &c, count, out));
    for (size_t i = 0; i < out->count; i++) {
        BEAMR_TRY(read_text(r, &c, "a name", &out->items[i].name));
        BEAMR_TRY(read_text(r, &c, "a value", &out->items[i].value));
    }
    BEAMR_TRY(read_number(r, &c, "the end", &end));
    if (end != 0)
        return ANS104_FAIL(r, c.next - 1, "tags: in more than one block");
    if (c.next != c.end)
        return ANS104_FAIL(r, c.next, "tags: %zu bytes behind their end",
                           (size_t)(c.end - c.next));
    return BEAMR_OK;
}

/* ---- Writing ---- */

static size_t number_size(uint64_t number)
{
    size_t size = 1;

    for (number <<= 1; number >= 0x80; number >>= 7)
        size++;
    return size;
}

static uint8_t *write_number(uint64_t number, uint8_t *out)
{
    for (number <<= 1; number >= 0x80; number >>= 7)
        *out++ = (uint8_t)(number | 0x80);
    *out++ = (uint8_t)number;
    return out;
}

static uint8_t *write_text(beamr_bytes text, uint8_t *out)
{
    out = write_number(text.len, out);
    if (text.len)
        memcpy(out, text.data, text.len);
    return out + text.len;
}

size_t ans104_tags_size(const ans104_tags *tags)
{
    size_t size = number_size(tags->count) + 1;

    if (!tags->count)
        return 0;
    for (size_t i = 0; i < tags->count; i++) {
        const ans104_tag *tag = &tags->items[i];

        size += number_size(tag->name.len) + tag->name.len;
        size += number_size(tag->value.len) + tag->value.len;
    }
    return size;
}

void ans104_tags_write(const ans104_tags *tags, uint8_t *out)
{
    if (!tags->count)
        return;
    out = write_number(tags->count, out);
    for (size_t i = 0; i < tags->count; i++) {
        out = write_text(tags->items[i].name, out);
        out = write_text(tags->items[i].value, out);
    }
    *out = 0;
}
