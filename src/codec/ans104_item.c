/* Items without what they mean: their fields, read and written, and the hashes over them.
 * The layout is in ans104.h. Source: ANS-104, "DataItem Format", "DataItem signature". */
#include "codec/ans104.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"

static const uint8_t zeros[ANS104_KEY_SIZE];

bool ans104_is_zero(beamr_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i])
            return false;
    return true;
}

/* ---- Reading ---- */

typedef struct cursor {
    const uint8_t *next, *end;
} cursor;

static beamr_status take(ans104_reader *r, cursor *c, size_t len, const char *what,
                         beamr_bytes *out)
{
    if (len > (size_t)(c->end - c->next))
        return ANS104_FAIL(r, c->next, "item: %zu bytes left for %s of %zu",
                           (size_t)(c->end - c->next), what, len);
    *out = (beamr_bytes){c->next, len};
    c->next += len;
    return BEAMR_OK;
}

/* 512 bytes, which count as none when they are zeros. */
static beamr_status take_key(ans104_reader *r, cursor *c, const char *what, beamr_bytes *out)
{
    BEAMR_TRY(take(r, c, ANS104_KEY_SIZE, what, out));
    if (ans104_is_zero(*out))
        out->len = 0;
    return BEAMR_OK;
}

static beamr_status take_optional(ans104_reader *r, cursor *c, const char *what,
                                  beamr_bytes *out)
{
    beamr_bytes flag = {NULL, 0};

    BEAMR_TRY(take(r, c, 1, what, &flag));
    if (flag.data[0] > 1)
        return ANS104_FAIL(r, flag.data, "item: %u says whether there is %s", flag.data[0],
                           what);
    return take(r, c, flag.data[0] ? ANS104_ID_SIZE : 0, what, out);
}

static beamr_status take_number(ans104_reader *r, cursor *c, const char *what, uint64_t *out)
{
    beamr_bytes bytes = {NULL, 0};

    BEAMR_TRY(take(r, c, 8, what, &bytes));
    *out = 0;
    for (unsigned i = 0; i < 8; i++)
        *out |= (uint64_t)bytes.data[i] << 8 * i;
    return BEAMR_OK;
}

static beamr_status read_type(ans104_reader *r, cursor *c)
{
    beamr_bytes type = {NULL, 0};
    unsigned number;

    BEAMR_TRY(take(r, c, 2, "the signature type", &type));
    number = type.data[0] | (unsigned)type.data[1] << 8;
    if (number != 1)
        return ANS104_FAIL(
            r, type.data, "item: signature type %u; only 1 is known, RSA of 4096 bits", number);
    return BEAMR_OK;
}

beamr_status ans104_item_read(ans104_reader *r, beamr_bytes bytes, ans104_item *out)
{
    cursor c = {bytes.data, bytes.data + bytes.len};
    uint64_t count, size;

    BEAMR_TRY(read_type(r, &c));
    BEAMR_TRY(take_key(r, &c, "the signature", &out->signature));
    BEAMR_TRY(take_key(r, &c, "the owner", &out->owner));
    if (out->signature.len && !out->owner.len)
        return ANS104_FAIL(r, out->owner.data, "item: it is signed, but by no owner");
    BEAMR_TRY(take_optional(r, &c, "a target", &out->target));
    BEAMR_TRY(take_optional(r, &c, "an anchor", &out->anchor));
    BEAMR_TRY(take_number(r, &c, "the number of tags", &count));
    BEAMR_TRY(take_number(r, &c, "the size of the tags", &size));
    if (size > (uint64_t)(c.end - c.next))
        return ANS104_FAIL(r, c.next - 8, "item: tags of %llu bytes, %zu bytes left",
                           (unsigned long long)size, (size_t)(c.end - c.next));
    BEAMR_TRY(take(r, &c, (size_t)size, "tags", &out->avro));
    BEAMR_TRY(ans104_tags_read(r, out->avro, count, &out->tags));
    return take(r, &c, (size_t)(c.end - c.next), "data", &out->data);
}

/* ---- Writing ---- */

size_t ans104_header_size(const ans104_item *item, size_t avro_size)
{
    return ANS104_HEADER_SIZE + item->target.len + item->anchor.len + avro_size;
}

static uint8_t *write_bytes(beamr_bytes bytes, uint8_t *out)
{
    if (bytes.len)
        memcpy(out, bytes.data, bytes.len);
    return out + bytes.len;
}

static uint8_t *write_key(beamr_bytes bytes, uint8_t *out)
{
    return write_bytes(bytes.len ? bytes : (beamr_bytes){zeros, sizeof zeros}, out);
}

static uint8_t *write_optional(beamr_bytes bytes, uint8_t *out)
{
    *out = bytes.len != 0;
    return write_bytes(bytes, out + 1);
}

static uint8_t *write_number(uint64_t number, uint8_t *out)
{
    for (unsigned i = 0; i < 8; i++)
        *out++ = (uint8_t)(number >> 8 * i);
    return out;
}

void ans104_header_write(ans104_item *item, size_t avro_size, uint8_t *out)
{
    *out++ = 1;
    *out++ = 0;
    out = write_key(item->signature, out);
    out = write_key(item->owner, out);
    out = write_optional(item->target, out);
    out = write_optional(item->anchor, out);
    out = write_number(item->tags.count, out);
    out = write_number(avro_size, out);
    ans104_tags_write(&item->tags, out);
    item->avro = (beamr_bytes){out, avro_size};
}

/* ---- Hashes ---- */

beamr_status ans104_digest(const ans104_item *item, bool with_owner,
                           uint8_t out[ANS104_DIGEST_SIZE], beamr_error *err)
{
    const crypto_tree parts[] = {
        {.bytes = beamr_bytes_of("dataitem")},
        {.bytes = beamr_bytes_of("1")},
        {.bytes = beamr_bytes_of("1")},
        {.bytes =
             with_owner && item->owner.len ? item->owner : (beamr_bytes){zeros, sizeof zeros}},
        {.bytes = item->target},
        {.bytes = item->anchor},
        {.bytes = item->avro},
        {.bytes = item->data},
    };
    const crypto_tree list = {
        .is_list = true, .items = parts, .count = sizeof parts / sizeof parts[0]};

    return crypto_deep_hash(&list, out, err);
}

beamr_status ans104_unsigned_id(const ans104_item *item, uint8_t out[ANS104_ID_SIZE],
                                beamr_error *err)
{
    uint8_t digest[ANS104_DIGEST_SIZE];

    BEAMR_TRY(ans104_digest(item, false, digest, err));
    return crypto_sha256((beamr_bytes){digest, sizeof digest}, out, err);
}
