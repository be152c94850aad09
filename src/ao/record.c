/* Records: see record.h. What is read may be damaged, or made by somebody: lengths and counts
 * are compared with the bytes that remain, nesting is limited, keys must ascend. */
#include "ao/record.h"

#include <stdlib.h>

static const uint8_t mark[] = {'A', 'O', 'r', 1};

/* ---- Writing ---- */

static void add(record *r, const void *bytes, size_t len)
{
    size_t wanted;

    if (r->is_full || !len)
        return;
    if (len > r->capacity - r->len) {
        uint8_t *data;

        if (__builtin_add_overflow(r->len, len, &wanted) ||
            __builtin_add_overflow(wanted, wanted / 2 + 64, &wanted) ||
            !(data = (uint8_t *)realloc(r->data, wanted))) {
            r->is_full = true;
            return;
        }
        r->data = data;
        r->capacity = wanted;
    }
    memcpy(r->data + r->len, bytes, len);
    r->len += len;
}

static void add_number(record *r, uint64_t n)
{
    uint8_t bytes[10];
    size_t len = 0;

    for (; n > 0x7f; n >>= 7)
        bytes[len++] = (uint8_t)(n | 0x80);
    bytes[len++] = (uint8_t)n;
    add(r, bytes, len);
}

static void add_bytes(record *r, char letter, beamr_bytes bytes)
{
    add(r, &letter, 1);
    add_number(r, bytes.len);
    add(r, bytes.data, bytes.len);
}

void record_begin(record *r, size_t key_count)
{
    add(r, mark, sizeof mark);
    add_number(r, key_count);
}

void record_key(record *r, beamr_bytes key)
{
    add_number(r, key.len);
    add(r, key.data, key.len);
}

static void add_integer(record *r, int64_t n)
{
    add(r, "i", 1);
    add_number(r, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
}

static void add_float(record *r, double number)
{
    uint8_t bytes[9] = {'f'};
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    bits = __builtin_bswap64(bits);
    memcpy(bytes + 1, &bits, sizeof bits);
    add(r, bytes, sizeof bytes);
}

bool record_plain(record *r, ao_value value)
{
    char text[AO_INTEGER_TEXT_SIZE];

    switch (value.kind) {
    case AO_BINARY:
        add_bytes(r, 'b', ao_bytes(value));
        return true;
    case AO_ATOM:
        add_bytes(r, 'a', ao_text(value));
        return true;
    case AO_FLOAT:
        add_float(r, value.of.number);
        return true;
    case AO_INTEGER:
        if (value.is_big)
            add_bytes(r, 'I', ao_integer_text(value, text));
        else
            add_integer(r, value.of.integer);
        return true;
    default:
        return false;
    }
}

void record_list(record *r, size_t count)
{
    add(r, "l", 1);
    add_number(r, count);
}

void record_message(record *r, size_t key_count)
{
    add(r, "M", 1);
    add_number(r, key_count);
}

void record_ref(record *r, ao_kind kind, beamr_bytes ref)
{
    add_bytes(r, kind == AO_MESSAGE ? 'm' : 'B', ref);
}

/* ---- Reading ---- */

typedef struct reader {
    const uint8_t *begin, *at, *end;
    const ao_limits *limits;
    const record_loaders *loaders;
    unsigned depth;
    beamr_error *err;
} reader;

static beamr_status fail_at(const reader *r, const char *why)
{
    return beamr_fail(r->err, BEAMR_MESSAGE, (uint64_t)(r->at - r->begin), "stored record: %s",
                      why);
}

static size_t left(const reader *r)
{
    return (size_t)(r->end - r->at);
}

static beamr_status read_number(reader *r, uint64_t *out)
{
    uint64_t n = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;

        if (r->at == r->end)
            return fail_at(r, "it ends within a number");
        byte = *r->at++;
        if (shift == 63 && byte > 1)
            break;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = n;
            return BEAMR_OK;
        }
    }
    return fail_at(r, "a number is too large");
}

static beamr_status read_bytes(reader *r, beamr_bytes *out)
{
    uint64_t len;
    beamr_status st = read_number(r, &len);

    if (st != BEAMR_OK)
        return st;
    if (len > left(r))
        return fail_at(r, "a length goes beyond its end");
    *out = (beamr_bytes){r->at, (size_t)len};
    r->at += len;
    return BEAMR_OK;
}

/* A count of things that take `least` bytes or more each. */
static beamr_status read_count(reader *r, size_t least, size_t *out)
{
    uint64_t count;
    beamr_status st = read_number(r, &count);

    if (st != BEAMR_OK)
        return st;
    if (count > left(r) / least)
        return fail_at(r, "a count goes beyond its end");
    *out = (size_t)count;
    return BEAMR_OK;
}

static bool is_hash(const uint8_t *text)
{
    for (size_t i = 0; i < AO_ID_TEXT; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
              (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '-' || text[i] == '_'))
            return false;
    return true;
}

bool record_is_ref(ao_kind kind, beamr_bytes ref)
{
    size_t count = (ref.len + 1) / (AO_ID_TEXT + 1);

    if (!count || (ref.len + 1) % (AO_ID_TEXT + 1) != 0 ||
        count > (kind == AO_MESSAGE ? RECORD_REF_HASHES : 1))
        return false;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *hash = record_ref_hash(ref, i).data;

        if (!is_hash(hash) || (i && hash[-1] != ','))
            return false;
    }
    return true;
}

beamr_bytes record_ref_hash(beamr_bytes ref, size_t index)
{
    size_t at = index * (AO_ID_TEXT + 1);

    if (ref.len < at + AO_ID_TEXT)
        return (beamr_bytes){NULL, 0};
    return (beamr_bytes){ref.data + at, AO_ID_TEXT};
}

/* A value was made, or the reason why not. */
static beamr_status made(reader *r, ao_value value, ao_value *out)
{
    *out = value;
    return value.kind == AO_NONE ? value_fail(value, r->err) : BEAMR_OK;
}

static beamr_status read_link(reader *r, ao_kind kind, ao_value *out)
{
    beamr_bytes ref;
    beamr_status st = read_bytes(r, &ref);

    if (st != BEAMR_OK)
        return st;
    if (!record_is_ref(kind, ref))
        return fail_at(r, "a reference is none");
    return made(r,
                ao_link_new(ref, kind,
                            kind == AO_BINARY ? r->loaders->binary : r->loaders->message,
                            r->loaders->user),
                out);
}

static beamr_status read_float(reader *r, ao_value *out)
{
    uint64_t bits;
    double number;

    if (left(r) < sizeof bits)
        return fail_at(r, "it ends within a number");
    memcpy(&bits, r->at, sizeof bits);
    bits = __builtin_bswap64(bits);
    memcpy(&number, &bits, sizeof number);
    if (!__builtin_isfinite(number))
        return fail_at(r, "a float is not finite");
    r->at += sizeof bits;
    return made(r, ao_float(number), out);
}

static beamr_status read_integer(reader *r, ao_value *out)
{
    uint64_t n;
    beamr_status st = read_number(r, &n);

    if (st != BEAMR_OK)
        return st;
    return made(r, ao_integer((int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0))), out);
}

static beamr_status read_value(reader *r, ao_value *out);

static beamr_status read_list(reader *r, ao_value *out)
{
    size_t count = 0, done = 0;
    ao_value *items;
    beamr_status st = read_count(r, 2, &count);

    if (st != BEAMR_OK)
        return st;
    items = (ao_value *)malloc((count + 1) * sizeof *items);
    if (!items)
        return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu", count);
    while (done < count && st == BEAMR_OK)
        if ((st = read_value(r, &items[done])) == BEAMR_OK)
            done++;
    if (st == BEAMR_OK)
        st = made(r, ao_list_new(items, count), out);
    else
        while (done)
            ao_value_unref(items[--done]);
    free(items);
    return st;
}

/* Keys and values, behind their count, into a builder; it is not ended. */
static beamr_status read_keys(reader *r, ao_builder *builder)
{
    beamr_bytes last = {NULL, 0}, key;
    size_t count = 0;
    ao_value value;
    beamr_status st = read_count(r, 4, &count);

    for (; st == BEAMR_OK && count; count--, last = key) {
        if ((st = read_bytes(r, &key)) != BEAMR_OK)
            break;
        if (!key.len || (last.len && text_compare(last, key) >= 0))
            return fail_at(r, "keys are not in order");
        if (key_is_private(key))
            return fail_at(r, "a key is private");
        if ((st = read_value(r, &value)) == BEAMR_OK) {
            ao_builder_put_key(builder, key, value);
            st = builder->status; /* reported already */
        }
    }
    return st;
}

static beamr_status read_message(reader *r, const ao_message *commitments,
                                 BEAMR_OWN ao_message **out)
{
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, r->limits, r->err);
    st = read_keys(r, &builder);
    if (st != BEAMR_OK) {
        ao_builder_drop(&builder);
        return st;
    }
    if (commitments)
        ao_builder_put(&builder, "commitments", ao_message_value(ao_message_ref(commitments)));
    return ao_builder_end(&builder, out);
}

static beamr_status read_inner(reader *r, ao_value *out)
{
    ao_message *message;
    beamr_status st = read_message(r, NULL, &message);

    return st != BEAMR_OK ? st : made(r, ao_message_value(message), out);
}

static beamr_status read_nested(reader *r, uint8_t letter, ao_value *out)
{
    beamr_status st;

    if (r->depth == AO_DEPTH_MAX)
        return fail_at(r, "it is nested too deeply");
    r->depth++;
    st = letter == 'l' ? read_list(r, out) : read_inner(r, out);
    r->depth--;
    return st;
}

static beamr_status read_text(reader *r, uint8_t letter, ao_value *out)
{
    beamr_bytes bytes;
    beamr_status st = read_bytes(r, &bytes);

    if (st != BEAMR_OK)
        return st;
    if (letter == 'b')
        return made(r, ao_binary_copy(bytes), out);
    if (letter == 'a')
        return made(r, ao_atom_of(bytes), out);
    if (ao_integer_read(bytes, out, NULL) == BEAMR_OK)
        return BEAMR_OK;
    return fail_at(r, "an integer is none");
}

static beamr_status read_value(reader *r, ao_value *out)
{
    uint8_t letter;

    if (r->at == r->end)
        return fail_at(r, "it ends where a value should stand");
    letter = *r->at++;
    switch (letter) {
    case 'b':
    case 'a':
    case 'I':
        return read_text(r, letter, out);
    case 'i':
        return read_integer(r, out);
    case 'f':
        return read_float(r, out);
    case 'm':
        return read_link(r, AO_MESSAGE, out);
    case 'B':
        return read_link(r, AO_BINARY, out);
    case 'l':
    case 'M':
        return read_nested(r, letter, out);
    default:
        r->at--;
        return fail_at(r, "a value is of no known kind");
    }
}

beamr_status record_read(beamr_bytes bytes, const ao_message *commitments,
                         const ao_limits *limits, const record_loaders *loaders,
                         BEAMR_OWN ao_message **out, beamr_error *err)
{
    reader r = {bytes.data, bytes.data, bytes.data + bytes.len, limits, loaders, 0, err};
    ao_message *message;
    beamr_status st;

    if (bytes.len < sizeof mark || memcmp(bytes.data, mark, sizeof mark) != 0)
        return fail_at(&r, "it has no mark, or of another version");
    r.at += sizeof mark;
    if ((st = read_message(&r, commitments, &message)) != BEAMR_OK)
        return st;
    if (r.at != r.end) {
        ao_message_unref(message);
        return fail_at(&r, "bytes are left over");
    }
    *out = message;
    return BEAMR_OK;
}
