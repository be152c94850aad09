/* An annotated message as header fields and parts of a body.
 * Which values are fields, which move to the body, and how nested messages become parts with
 * names. Writing the parts is httpsig_parts.c's.
 * What no reader could tell apart from something else is refused, or moved to a part of its
 * own, unless only an id is wanted: ids are defined for every message.
 * Source: AO-Core codecs, "Encoding" of httpsig@1.0. */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>

#include "codec/httpsig.h"

/* ---- Small things ---- */

ao_value httpsig_binary(beamr_bytes bytes, ao_value owner)
{
    beamr_bytes whole = ao_bytes(owner);

    if (owner.kind != AO_BINARY || bytes.len == 0 || bytes.data < whole.data ||
        bytes.data + bytes.len > whole.data + whole.len)
        return ao_binary_copy(bytes);
    if (bytes.len == whole.len)
        return ao_value_ref(owner);
    return ao_binary_slice(owner, (size_t)(bytes.data - whole.data), bytes.len);
}

static bool bytes_have(beamr_bytes bytes, char c)
{
    return bytes.len && memchr(bytes.data, c, bytes.len);
}

static bool bytes_have_text(beamr_bytes bytes, const char *text)
{
    return bytes.len && memmem(bytes.data, bytes.len, text, strlen(text));
}

static beamr_status refuse(beamr_error *err, beamr_bytes key, const char *why)
{
    int shown = key.len < 80 ? (int)key.len : 80;

    return beamr_fail(err, BEAMR_ENCODING, 0, "key `%.*s` cannot be sent as httpsig@1.0: %s",
                      shown, (const char *)key.data, why);
}

static bool is_sent(httpsig_purpose purpose)
{
    return purpose >= HTTPSIG_SEND;
}

/* ---- Which values are header fields ---- */

/* The bytes would end the line in which they stand. A part's lines end with CR LF, and may hold
 * either alone; a field of HTTP may hold none. */
static bool ends_line(beamr_bytes bytes, bool is_nested)
{
    if (is_nested)
        return bytes_have_text(bytes, "\r\n");
    return bytes_have(bytes, '\n') || bytes_have(bytes, '\r');
}

bool httpsig_is_short(const codec_entry *entry, httpsig_purpose purpose, bool is_nested)
{
    if (entry->kind != CODEC_BYTES || entry->bytes.len > HTTPSIG_HEADER_MAX)
        return false;
    if (purpose != HTTPSIG_WIRE || (is_nested && text_is(entry->key, "body")))
        return true;
    return !ends_line(entry->bytes, is_nested) &&
           !(is_nested && text_is(entry->key, "content-disposition"));
}

/* Lists of components write the name otherwise: with a `@` that is taken for the mark of a
 * derived one, or lower-cased as Latin-1. No reader finds its field then. */
static bool is_listed_otherwise(beamr_bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((name.data[i] >= 0xc0 && name.data[i] <= 0xde && name.data[i] != 0xd7) ||
            (name.data[i] >= 'A' && name.data[i] <= 'Z'))
            return true;
    return name.len && name.data[0] == '@';
}

/* Why a field or a line of a part cannot carry an entry; NULL if it can. */
static const char *line_fault(const codec_entry *entry, httpsig_purpose purpose, bool is_nested)
{
    if (is_nested && text_is(entry->key, "body"))
        return NULL;
    if (ends_line(entry->key, false) || bytes_have(entry->key, '\0'))
        return "a name with CR, LF or NUL";
    if (purpose == HTTPSIG_SIGN && !is_nested && is_listed_otherwise(entry->key))
        return "signatures cannot name it: it begins with `@`, or has letters beyond ASCII";
    if (is_nested && bytes_have_text(entry->key, ": "))
        return "a name with a colon and a space";
    if (is_nested && text_is(entry->key, "content-disposition"))
        return "parts have it for themselves";
    return ends_line(entry->bytes, is_nested) ? "its value would end the header line" : NULL;
}

static beamr_status check_line(httpsig_message *out, const codec_entry *entry,
                               httpsig_purpose purpose, bool is_nested, beamr_error *err)
{
    const char *fault;

    if (purpose == HTTPSIG_ID || (purpose == HTTPSIG_CHECK && !is_nested))
        return BEAMR_OK;
    if (!(fault = line_fault(entry, purpose, is_nested)))
        return BEAMR_OK;
    if (purpose != HTTPSIG_CHECK)
        return refuse(err, entry->key, fault);
    out->is_body_ambiguous = true;
    return BEAMR_OK;
}

static const char *part_name_fault(beamr_bytes key)
{
    if (ends_line(key, false) || bytes_have(key, '\0'))
        return "a name with CR, LF or NUL";
    return bytes_have(key, '/') ? "a `/` separates keys in names of parts" : NULL;
}

static beamr_status check_part_name(httpsig_message *out, beamr_bytes key,
                                    httpsig_purpose purpose, beamr_error *err)
{
    const char *fault;

    if (purpose == HTTPSIG_ID || !(fault = part_name_fault(key)))
        return BEAMR_OK;
    if (purpose != HTTPSIG_CHECK)
        return refuse(err, key, fault);
    out->is_body_ambiguous = true;
    return BEAMR_OK;
}

/* ---- Fields ---- */

/* Where a name stands or belongs. */
static size_t field_place(const httpsig_message *message, beamr_bytes name, bool *is_there)
{
    size_t low = 0, high = message->count;

    *is_there = false;
    if (high && codec_key_compare(message->fields[high - 1].name, name) < 0)
        return high; /* names mostly come in their order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = codec_key_compare(message->fields[middle].name, name);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const httpsig_field *httpsig_find_field(const httpsig_message *message, beamr_bytes name)
{
    bool is_there;
    size_t place = field_place(message, name, &is_there);

    return is_there ? &message->fields[place] : NULL;
}

beamr_status httpsig_set_field(arena *a, httpsig_message *message, beamr_bytes name,
                               beamr_bytes value, ao_value owner, beamr_error *err)
{
    bool is_there;
    size_t place = field_place(message, name, &is_there);

    if (!is_there) {
        if (message->count == message->capacity) {
            size_t capacity = message->capacity * 2 + 8;
            httpsig_field *fields = ARENA_NEW(a, httpsig_field, capacity);

            if (!fields)
                return codec_fail_full(a, err);
            if (message->count)
                memcpy(fields, message->fields, message->count * sizeof *fields);
            message->fields = fields;
            message->capacity = capacity;
        }
        memmove(message->fields + place + 1, message->fields + place,
                (message->count - place) * sizeof *message->fields);
        message->count++;
    }
    message->fields[place] = (httpsig_field){name, value, owner};
    return BEAMR_OK;
}

/* ---- Parts ---- */

typedef struct encoder {
    arena *a;
    httpsig_purpose purpose;
    httpsig_message *out;
    size_t part_capacity;
    size_t paths;     /* bytes of paths that were repeated */
    codec_entry *ids; /* `ao-ids`, NULL for none */
    beamr_error *err;
} encoder;

static beamr_status add_part(encoder *e, const httpsig_part *part)
{
    httpsig_message *out = e->out;

    if (out->part_count == e->part_capacity) {
        size_t capacity = e->part_capacity * 2 + 4;
        httpsig_part *parts = ARENA_NEW(e->a, httpsig_part, capacity);

        if (!parts)
            return codec_fail_full(e->a, e->err);
        if (out->part_count)
            memcpy(parts, out->parts, out->part_count * sizeof *parts);
        out->parts = parts;
        e->part_capacity = capacity;
    }
    if (out->part_count == HTTPSIG_PARTS_MAX && e->purpose >= HTTPSIG_SIGN)
        return beamr_fail(e->err, BEAMR_ENCODING, 0, "more than %d parts of httpsig@1.0",
                          HTTPSIG_PARTS_MAX);
    out->parts[out->part_count++] = *part;
    return BEAMR_OK;
}

static beamr_status join_names(encoder *e, beamr_bytes path, beamr_bytes key, beamr_bytes *out)
{
    char *text;

    if (path.len > CODEC_PATHS_MAX - e->paths)
        return beamr_fail(e->err, BEAMR_LIMIT, 0, "names of parts of more than %zu bytes",
                          CODEC_PATHS_MAX);
    e->paths += path.len;
    if (!(text = arena_alloc(e->a, path.len + 1 + key.len, 1)))
        return codec_fail_full(e->a, e->err);
    memcpy(text, path.data, path.len);
    text[path.len] = '/';
    memcpy(text + path.len + 1, key.data, key.len);
    *out = (beamr_bytes){(const uint8_t *)text, path.len + 1 + key.len};
    return BEAMR_OK;
}

static beamr_status flatten(encoder *e, const codec_node *node, beamr_bytes path, int depth);

/* A value that is no line of the part `path`. */
static beamr_status flatten_entry(encoder *e, const codec_entry *entry, beamr_bytes path,
                                  int depth)
{
    beamr_bytes name;

    if (entry->kind == CODEC_VALUE)
        return refuse(e->err, entry->key, "its value is neither bytes nor a message");
    BEAMR_TRY(check_part_name(e->out, entry->key, e->purpose, e->err));
    BEAMR_TRY(join_names(e, path, entry->key, &name));
    if (entry->kind == CODEC_NODE)
        return flatten(e, entry->node, name, depth + 1);
    return add_part(
        e, &(httpsig_part){.name = name, .bytes = entry->bytes, .owner = entry->value});
}

/* A nested message: a part for what it holds itself, and parts for the rest. */
static beamr_status flatten(encoder *e, const codec_node *node, beamr_bytes path, int depth)
{
    httpsig_part part = {.name = path, .node = node};
    size_t lines = 0;
    bool has_body = false;

    if (depth > AO_DEPTH_MAX)
        return beamr_fail(e->err, BEAMR_LIMIT, 0, "more than %d messages in each other",
                          AO_DEPTH_MAX);
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (!httpsig_is_short(entry, e->purpose, true)) {
            BEAMR_TRY(flatten_entry(e, entry, path, depth));
            continue;
        }
        BEAMR_TRY(check_line(e->out, entry, e->purpose, true, e->err));
        if (text_is(entry->key, "body"))
            has_body = true;
        else
            lines++;
    }
    if (!lines && !has_body)
        return BEAMR_OK;
    part.has_only_body = !lines;
    return add_part(e, &part);
}

/* Fields by which a reader takes the body apart. */
static bool is_about_body(beamr_bytes key)
{
    return text_is(key, "content-type") || text_is(key, "body-keys") ||
           text_is(key, "inline-body-key");
}

/* An entry of the top level that goes to the body. */
static beamr_status add_to_body(encoder *e, const codec_entry *entry)
{
    if (is_sent(e->purpose) && is_about_body(entry->key))
        return refuse(e->err, entry->key, "it has to be a header field, and cannot");
    BEAMR_TRY(check_part_name(e->out, entry->key, e->purpose, e->err));
    if (entry->kind == CODEC_NODE)
        return flatten(e, entry->node, entry->key, 1);
    return add_part(
        e, &(httpsig_part){.name = entry->key, .bytes = entry->bytes, .owner = entry->value});
}

static int compare_parts(const void *a, const void *b)
{
    return codec_key_compare(((const httpsig_part *)a)->name, ((const httpsig_part *)b)->name);
}

/* ---- The top level ---- */

beamr_bytes httpsig_inline_key(const codec_node *node, bool *is_data)
{
    const codec_entry *named = codec_node_find(node, "inline-body-key");

    *is_data = false;
    if (named && named->kind == CODEC_BYTES)
        return named->bytes;
    if (!codec_node_find(node, "body") && codec_node_find(node, "data")) {
        *is_data = true;
        return beamr_bytes_of("data");
    }
    return beamr_bytes_of("body");
}

static bool is_left_out(const codec_entry *entry, httpsig_purpose purpose)
{
    switch (entry->key.len) {
    case 9:
        if (text_is(entry->key, "signature"))
            return true;
        return !is_sent(purpose) && text_is(entry->key, "body-keys");
    case 11:
        return text_is(entry->key, "commitments");
    case 15:
        return text_is(entry->key, "signature-input");
    default:
        return text_begins(entry->key, "priv");
    }
}

/* A key of `ao-ids` that a reader can tell from what stands around it. */
static bool is_plain_id(beamr_bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr("-_.*%", c)) ||
            c == 0)
            return false;
    }
    return true;
}

/* `ao-ids`: keys that are ids keep their case in it. */
static beamr_status group_ids(encoder *e, const codec_node *node)
{
    field_text text = {.a = e->a};
    size_t count = 0;

    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (entry->kind != CODEC_BYTES || !httpsig_is_id_key(entry->key))
            continue;
        if (e->purpose == HTTPSIG_CHECK)
            e->out->are_ids_ambiguous |= !is_plain_id(entry->key);
        else if (e->purpose != HTTPSIG_ID && !is_plain_id(entry->key))
            return refuse(e->err, entry->key, "a key of this length must look like an id");
        if (count++)
            field_text_add_text(&text, ", ");
        field_text_add(&text, entry->key);
        field_text_add_text(&text, "=");
        field_text_add_string(&text, entry->bytes);
    }
    if (!count)
        return BEAMR_OK;
    if (text.is_full || !(e->ids = ARENA_NEW(e->a, codec_entry, 1)))
        return codec_fail_full(e->a, e->err);
    *e->ids = (codec_entry){
        .key = beamr_bytes_of("ao-ids"), .kind = CODEC_BYTES, .bytes = field_text_bytes(&text)};
    return BEAMR_OK;
}

static beamr_status add_entry(encoder *e, const codec_entry *entry)
{
    bool is_inline = text_is(entry->key, "body") || text_equal(entry->key, e->out->inline_key);

    if (entry->kind == CODEC_VALUE)
        return refuse(e->err, entry->key, "its value is neither bytes nor a message");
    if (is_inline || !httpsig_is_short(entry, e->purpose, false))
        return add_to_body(e, entry);
    BEAMR_TRY(check_line(e->out, entry, e->purpose, false, e->err));
    return httpsig_set_field(e->a, e->out, entry->key, entry->bytes, entry->value, e->err);
}

static beamr_status add_entries(encoder *e, const codec_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (entry->kind == CODEC_BYTES && httpsig_is_id_key(entry->key))
            continue; /* in `ao-ids` */
        if (text_is(entry->key, "ao-ids")) {
            if (e->purpose >= HTTPSIG_SIGN)
                return refuse(e->err, entry->key, "it groups the keys that are ids");
            e->out->are_ids_ambiguous = true;
            if (e->ids)
                continue;
        }
        if (!is_left_out(entry, e->purpose)) {
            BEAMR_TRY(add_entry(e, entry));
        } else if (e->purpose == HTTPSIG_ID && entry->key.len == 15) {
            codec_entry renamed = *entry; /* a user's own `signature-input` has a part in ids */

            renamed.key = beamr_bytes_of("x-signature-input");
            BEAMR_TRY(add_entry(e, &renamed));
        }
    }
    return e->ids ? add_entry(e, e->ids) : BEAMR_OK;
}

/* ---- The body ---- */

static beamr_status add_digest(encoder *e)
{
    httpsig_message *out = e->out;
    field_text text = {.a = e->a};
    uint8_t digest[32];

    BEAMR_TRY(crypto_hash_pieces(CRYPTO_SHA256, out->pieces, out->piece_count, digest, e->err));
    field_text_add_text(&text, "sha-256=");
    field_text_add_bytes(&text, (beamr_bytes){digest, sizeof digest});
    if (text.is_full)
        return codec_fail_full(e->a, e->err);
    return httpsig_set_field(e->a, out, beamr_bytes_of("content-digest"),
                             field_text_bytes(&text), AO_NO_VALUE, e->err);
}

static beamr_status add_part_names(encoder *e)
{
    httpsig_message *out = e->out;
    field_text text = {.a = e->a};

    for (size_t i = 0; i < out->part_count; i++) {
        beamr_bytes name = httpsig_part_name(e->a, &out->parts[i]);

        if (!name.data)
            return codec_fail_full(e->a, e->err);
        if (i)
            field_text_add_text(&text, ", ");
        field_text_add_string(&text, name);
    }
    if (text.is_full)
        return codec_fail_full(e->a, e->err);
    return httpsig_set_field(e->a, out, beamr_bytes_of("body-keys"), field_text_bytes(&text),
                             AO_NO_VALUE, e->err);
}

/* With a multipart body a reader splits names of fields too. */
static beamr_status check_field_names(const encoder *e)
{
    for (size_t i = 0; is_sent(e->purpose) && i < e->out->count; i++)
        BEAMR_TRY(check_part_name(e->out, e->out->fields[i].name, e->purpose, e->err));
    return BEAMR_OK;
}

/* The body has parts only because some values cannot be header fields. The message's own
 * content-type, which gives way to that of the parts, is then lost for the reader. */
static bool has_only_lifted(const httpsig_message *out)
{
    size_t in_body = 0;

    for (size_t i = 0; i < out->part_count; i++) {
        const httpsig_part *part = &out->parts[i];

        if (part->node || bytes_have(part->name, '/'))
            return false;
        if (text_is(part->name, "body") || text_equal(part->name, out->inline_key))
            in_body++;
        else if (part->bytes.len > HTTPSIG_HEADER_MAX)
            return false;
    }
    return in_body < 2;
}

static beamr_status make_multipart(encoder *e)
{
    httpsig_message *out = e->out;
    field_text type = {.a = e->a};
    beamr_bytes boundary;

    out->is_multipart = true;
    if (is_sent(e->purpose) && has_only_lifted(out) &&
        httpsig_find_field(out, beamr_bytes_of("content-type")))
        return refuse(e->err, beamr_bytes_of("content-type"),
                      "the body has parts, for values that would end a header line");
    qsort(out->parts, out->part_count, sizeof *out->parts, compare_parts);
    BEAMR_TRY(check_field_names(e));
    BEAMR_TRY(httpsig_write_parts(e->a, out, e->purpose, &boundary, e->err));
    field_text_add_text(&type, "multipart/form-data; boundary=\"");
    field_text_add(&type, boundary);
    field_text_add_text(&type, "\"");
    if (type.is_full)
        return codec_fail_full(e->a, e->err);
    BEAMR_TRY(httpsig_set_field(e->a, out, beamr_bytes_of("content-type"),
                                field_text_bytes(&type), AO_NO_VALUE, e->err));
    return is_sent(e->purpose) ? add_part_names(e) : BEAMR_OK;
}

/* A reader would take a body that is one binary for parts. */
static beamr_status check_type(const encoder *e)
{
    const httpsig_field *type = httpsig_find_field(e->out, beamr_bytes_of("content-type"));

    if (is_sent(e->purpose) && type && httpsig_boundary(e->a, type->value).len)
        return refuse(e->err, type->name,
                      "it has a boundary, and the body is not made of parts");
    return BEAMR_OK;
}

static beamr_status make_body(encoder *e)
{
    httpsig_message *out = e->out;
    const httpsig_part *only = out->parts;

    if (!out->part_count)
        return BEAMR_OK;
    if (out->part_count == 1 && !only->node && text_equal(only->name, out->inline_key)) {
        BEAMR_TRY(check_type(e));
        if (!(out->pieces = ARENA_NEW(e->a, beamr_bytes, 1)))
            return codec_fail_full(e->a, e->err);
        out->pieces[0] = only->bytes;
        out->piece_count = 1;
        out->body_len = only->bytes.len;
        out->body_owner = only->owner;
    } else {
        BEAMR_TRY(make_multipart(e));
    }
    return out->body_len ? add_digest(e) : BEAMR_OK;
}

beamr_status httpsig_encode(arena *a, const codec_node *node, httpsig_purpose purpose,
                            httpsig_message *out, beamr_error *err)
{
    encoder e = {.a = a, .purpose = purpose, .out = out, .err = err};
    bool is_data;

    *out = (httpsig_message){.capacity = node->count + 4};
    if (!(out->fields = ARENA_NEW(a, httpsig_field, out->capacity)))
        return codec_fail_full(a, err);
    out->inline_key = httpsig_inline_key(node, &is_data);
    BEAMR_TRY(group_ids(&e, node));
    BEAMR_TRY(add_entries(&e, node));
    if (is_data)
        BEAMR_TRY(httpsig_set_field(a, out, beamr_bytes_of("inline-body-key"),
                                    beamr_bytes_of("data"), AO_NO_VALUE, err));
    return make_body(&e);
}
