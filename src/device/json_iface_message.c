/* A message as the JSON that modules read: json_iface.h.
 *
 *   Anchor            key `anchor`
 *   Block-Height      of the request; 0 when it has none
 *   Block-Timestamp   of the request, if it has one
 *   Data              key `data`; bytes that are not UTF-8 as base64url, and then
 *   Data-Encoding     "base64url"
 *   From              key `from-process`, or else as Owner
 *   Id                the message's id
 *   Module            the process's image
 *   Owner             address of the first signer
 *   Signature         of the first signer's commitment
 *   Slot              of the request, if it has one
 *   Tags              [{name, value}, ...]
 *   Target            key `target`
 *   Timestamp         of the request, if it has one
 *
 * What is absent is an empty text. A process has none of the fields of a request, and no
 * Module. The first signer is that of the first commitment that has a committer, by their ids
 * in byte order. Bytes that are not UTF-8 are base64url everywhere, since JSON has no other
 * way.
 *
 * Tags are those of the message's commitment of ans104@1.0, in its order and letters, if it
 * keeps them, and is signed or nobody signed the message; else all keys in byte order that are
 * no fields above, as the annotated form of the message has them, with a capital after each
 * `-`: a message in it is an object. Source: AO-Core devices, "json-iface@1.0"; host imports,
 * "The handle interface". */
#include <stdio.h>
#include <stdlib.h>

#include "ao/commit_list.h"
#include "codec/annotated.h"
#include "crypto/base64.h"
#include "device/json_iface.h"

enum { SIGNATURE_SIZE = 512 };

/* ---- Ids ---- */

beamr_bytes json_iface_id(ao_value value, char buffer[AO_ID_TEXT + 1])
{
    beamr_bytes text = ao_text(value);

    if (text.len != AO_ID_SIZE)
        return text;
    crypto_id_text(text.data, buffer);
    return beamr_bytes_of(buffer);
}

/* ---- Texts ---- */

static void put(codec_json_writer *w, const char *text)
{
    codec_json_put(w, text, strlen(text));
}

static void put_base64(codec_json_writer *w, beamr_bytes bytes)
{
    put(w, "\"");
    if (w->data)
        crypto_base64_encode(CRYPTO_BASE64URL, bytes, (char *)w->data + w->len);
    w->len += crypto_base64_length(CRYPTO_BASE64URL, bytes.len);
    put(w, "\"");
}

static void put_text(codec_json_writer *w, beamr_bytes bytes)
{
    if (codec_json_is_text(bytes))
        codec_json_put_string(w, bytes);
    else
        put_base64(w, bytes);
}

/* ---- What is written ---- */

/* Borrows from the message, or from the arena. */
typedef struct source {
    arena a;
    const ao_message *request; /* NULL: of a process */
    beamr_bytes module;
    char id[AO_ID_TEXT + 1];
    char owner_buffer[AO_ID_TEXT + 1], from_buffer[AO_ID_TEXT + 1];
    char target_buffer[AO_ID_TEXT + 1];
    beamr_bytes owner, from, target, anchor, signature;
    const codec_node *node; /* annotated */
    const codec_entry *data;
    struct signed_tag {
        beamr_bytes name, value;
    } * tags; /* as signed; NULL: those of node */
    size_t tag_count;
    ao_value height, block_time, time, slot;
} source;

/* ---- Commitments ---- */

static beamr_status read_tag(ao_value value, struct signed_tag *out, beamr_error *err)
{
    ao_value tag, name, text;
    beamr_status st = ao_value_load(value, &tag, err);

    if (st != BEAMR_OK || !ao_to_message(tag))
        return st;
    st = ao_message_get(ao_to_message(tag), beamr_bytes_of("name"), &name, err);
    if (st == BEAMR_OK)
        st = ao_message_get(ao_to_message(tag), beamr_bytes_of("value"), &text, err);
    if (st == BEAMR_OK)
        *out = (struct signed_tag){ao_text(name), ao_text(text)};
    return st;
}

/* The tags as they were signed, if the commitment keeps them: what is no numbered message of
 * messages is none. */
static beamr_status read_tags(const ao_message *commitment, source *s, beamr_error *err)
{
    ao_value value, key;
    const ao_message *all;
    struct signed_tag *tags;
    char number[24];
    beamr_status st = ao_message_get(commitment, beamr_bytes_of("original-tags"), &value, err);

    if (st != BEAMR_OK || !(all = ao_to_message(value)))
        return st;
    if (!(tags = ARENA_NEW(&s->a, struct signed_tag, ao_message_count(all) + 1)))
        return codec_fail_full(&s->a, err);
    for (size_t i = 0; i < ao_message_count(all) && st == BEAMR_OK; i++) {
        snprintf(number, sizeof number, "%zu", i + 1);
        key = ao_message_find_text(all, number);
        st = read_tag(key, &tags[i], err);
    }
    s->tags = tags;
    s->tag_count = ao_message_count(all);
    return st;
}

static beamr_status read_signer(const commitment_entry *c, source *s, beamr_error *err)
{
    ao_value owner, signature;
    beamr_status st;

    if ((st = ao_message_get(c->message, beamr_bytes_of("committer"), &owner, err)) !=
            BEAMR_OK ||
        (st = ao_message_get(c->message, beamr_bytes_of("signature"), &signature, err)) !=
            BEAMR_OK)
        return st;
    s->owner = json_iface_id(owner, s->owner_buffer);
    s->signature = ao_text(signature);
    return BEAMR_OK;
}

/* Tags that nobody signed are another's words beside a signature: they count in a message that
 * nobody signed. */
static beamr_status read_commitments(const ao_message *message, source *s, beamr_error *err)
{
    const ao_message *not_signed = NULL; /* an item */
    commitment_cursor cursor;
    commitment_entry c;
    beamr_status st = commitments_begin(message, &cursor, err);

    while (st == BEAMR_OK && (st = commitments_next(&cursor, &c, err)) == BEAMR_OK &&
           c.message) {
        beamr_bytes committer;
        ao_value device;

        if ((st = commitment_committer(&c, &committer, err)) != BEAMR_OK ||
            (st = ao_message_get(c.message, beamr_bytes_of("commitment-device"), &device,
                                 err)) != BEAMR_OK)
            break;
        if (committer.len && !s->owner.len)
            st = read_signer(&c, s, err);
        if (st != BEAMR_OK || !text_is(ao_text(device), "ans104@1.0"))
            continue;
        if (!committer.len)
            not_signed = not_signed ? not_signed : c.message;
        else if (!s->tags)
            st = read_tags(c.message, s, err);
    }
    if (st == BEAMR_OK && not_signed && !s->owner.len)
        st = read_tags(not_signed, s, err);
    return st;
}

/* ---- Keys ---- */

static beamr_status read_key(const ao_message *message, const char *key, ao_value *out,
                             beamr_error *err)
{
    return ao_message_get(message, beamr_bytes_of(key), out, err);
}

static beamr_status read_moment(const ao_message *request, source *s, beamr_error *err)
{
    beamr_status st;

    if (!request)
        return BEAMR_OK;
    if ((st = read_key(request, "block-height", &s->height, err)) != BEAMR_OK ||
        (st = read_key(request, "block-timestamp", &s->block_time, err)) != BEAMR_OK ||
        (st = read_key(request, "timestamp", &s->time, err)) != BEAMR_OK)
        return st;
    return read_key(request, "slot", &s->slot, err);
}

static beamr_status read_keys(const ao_message *message, source *s, beamr_error *err)
{
    ao_value from, target, anchor;
    beamr_status st;

    if ((st = read_key(message, "from-process", &from, err)) != BEAMR_OK ||
        (st = read_key(message, "target", &target, err)) != BEAMR_OK ||
        (st = read_key(message, "anchor", &anchor, err)) != BEAMR_OK)
        return st;
    s->from = from.kind == AO_NONE ? s->owner : json_iface_id(from, s->from_buffer);
    s->target = json_iface_id(target, s->target_buffer);
    s->anchor = ao_text(anchor);
    return BEAMR_OK;
}

static beamr_status annotate(const ao_message *message, source *s, beamr_error *err)
{
    static const codec_annotate_options options = {.without_commitments = true};
    codec_node *node = NULL;
    beamr_status st = codec_annotate(&s->a, message, &options, &node, err);

    if (st != BEAMR_OK)
        return st;
    s->node = node;
    s->data = codec_node_find(node, "data");
    return BEAMR_OK;
}

/* ---- Writing ---- */

static void put_entry(codec_json_writer *w, const codec_entry *entry);

/* Recursive to AO_DEPTH_MAX levels. */
static void put_node(codec_json_writer *w, const codec_node *node)
{
    put(w, "{");
    for (size_t i = 0; i < node->count; i++) {
        put(w, i > 0 ? "," : "");
        put_text(w, node->entries[i].key);
        put(w, ":");
        put_entry(w, &node->entries[i]);
    }
    put(w, "}");
}

/* An annotated message holds texts and nodes only. */
static void put_entry(codec_json_writer *w, const codec_entry *entry)
{
    if (entry->kind == CODEC_NODE)
        put_node(w, entry->node);
    else
        put_text(w, entry->bytes);
}

/* A key in header case. Only its ASCII letters change, so the text is as long. */
static void put_name(codec_json_writer *w, beamr_bytes key)
{
    codec_json_writer name = {w->data ? w->data + w->len : NULL, 0};
    bool is_first = true;

    if (!codec_json_is_text(key)) {
        put_base64(w, key);
        return;
    }
    codec_json_put_string(&name, key);
    for (size_t i = 1; name.data && i + 1 < name.len; i++) {
        if (is_first && name.data[i] >= 'a' && name.data[i] <= 'z')
            name.data[i] = (uint8_t)(name.data[i] - 'a' + 'A');
        is_first = name.data[i] == '-';
    }
    w->len += name.len;
}

static bool is_field(beamr_bytes key)
{
    static const char *const names[] = {"anchor", "commitments", "data",  "id",
                                        "owner",  "signature",   "target"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_is(key, names[i]))
            return true;
    }
    return false;
}

static void put_signed_tags(codec_json_writer *w, const source *s)
{
    for (size_t i = 0; i < s->tag_count; i++) {
        put(w, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_text(w, s->tags[i].name);
        put(w, ",\"value\":");
        put_text(w, s->tags[i].value);
        put(w, "}");
    }
}

static void put_keys_as_tags(codec_json_writer *w, const codec_node *node)
{
    bool is_first = true;

    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (is_field(entry->key))
            continue;
        put(w, is_first ? "{\"name\":" : ",{\"name\":");
        put_name(w, entry->key);
        put(w, ",\"value\":");
        put_entry(w, entry);
        put(w, "}");
        is_first = false;
    }
}

static void put_tags(codec_json_writer *w, const source *s)
{
    put(w, ",\"Tags\":[");
    if (s->tags)
        put_signed_tags(w, s);
    else
        put_keys_as_tags(w, s->node);
    put(w, "]");
}

static void put_field(codec_json_writer *w, const char *start, beamr_bytes text)
{
    put(w, start);
    put_text(w, text);
}

/* A number of the request, if it has it.
 *   is_read  digits in a text are a number too */
static void put_number(codec_json_writer *w, const char *start, ao_value value, bool is_read)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    int64_t n;

    if (value.kind == AO_INTEGER || (is_read && ao_to_integer(value, &n))) {
        beamr_bytes text =
            ao_integer_text(value.kind == AO_INTEGER ? value : ao_integer(n), buffer);

        put(w, start);
        codec_json_put(w, text.data, text.len);
    } else if (ao_text(value).len) {
        put_field(w, start, ao_text(value));
    }
}

static void put_height(codec_json_writer *w, ao_value height)
{
    size_t before = w->len;

    put_number(w, ",\"Block-Height\":", height, false);
    if (w->len == before)
        put(w, ",\"Block-Height\":0");
}

static void put_data(codec_json_writer *w, const codec_entry *data)
{
    put(w, ",\"Data\":");
    if (!data) {
        put(w, "\"\"");
        return;
    }
    put_entry(w, data);
    if (data->kind == CODEC_BYTES && !codec_json_is_text(data->bytes))
        put(w, ",\"Data-Encoding\":\"base64url\"");
}

static void put_signature(codec_json_writer *w, beamr_bytes signature)
{
    put(w, ",\"Signature\":");
    if (signature.len == SIGNATURE_SIZE)
        put_base64(w, signature);
    else
        put_text(w, signature);
}

static void put_message(codec_json_writer *w, const source *s)
{
    put(w, s->request ? "" : "{\"Process\":");
    put_field(w, "{\"Anchor\":", s->anchor);
    if (s->request) {
        put_height(w, s->height);
        put_number(w, ",\"Block-Timestamp\":", s->block_time, true);
    }
    put_data(w, s->data);
    put_field(w, ",\"From\":", s->from);
    put_field(w, ",\"Id\":", beamr_bytes_of(s->id));
    if (s->request)
        put_field(w, ",\"Module\":", s->module);
    put_field(w, ",\"Owner\":", s->owner);
    put_signature(w, s->signature);
    if (s->request)
        put_number(w, ",\"Slot\":", s->slot, true);
    put_tags(w, s);
    put_field(w, ",\"Target\":", s->target);
    if (s->request)
        put_number(w, ",\"Timestamp\":", s->time, true);
    put(w, s->request ? "}" : "}}");
}

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

/* Counts first, then writes. */
static beamr_status write_source(const source *s, ao_value *out, beamr_error *err)
{
    codec_json_writer w = {NULL, 0};
    ao_value text;

    put_message(&w, s);
    if (!(w.data = malloc(w.len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a JSON text of %zu bytes",
                          w.len);
    w.len = 0;
    put_message(&w, s);
    text = ao_binary_adopt(w.data, w.len, release, NULL);
    if (text.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a JSON text");
    *out = text;
    return BEAMR_OK;
}

beamr_status json_iface_message(ao_context *context, const ao_message *message,
                                const ao_message *request, beamr_bytes module, ao_value *out,
                                beamr_error *err)
{
    source s = {.request = request, .module = module};
    beamr_status st;

    arena_init(&s.a, codec_memory(codec_limits(context)));
    if ((st = ao_message_id(context, message, s.id, err)) == BEAMR_OK &&
        (st = read_commitments(message, &s, err)) == BEAMR_OK &&
        (st = read_keys(message, &s, err)) == BEAMR_OK &&
        (st = read_moment(request, &s, err)) == BEAMR_OK &&
        (st = annotate(message, &s, err)) == BEAMR_OK)
        st = write_source(&s, out, err);
    arena_clear(&s.a);
    return st;
}
